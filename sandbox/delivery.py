"""When, how often and in which order is the status of a marked shipment told?

SILENT is never told, LATE later, TWICE twice. SHUFFLE: the first status of a shipment begins a chain that lasts
``shuffle_seconds``; what is told of it meanwhile, 350 or SO, goes out when the chain ends, the last first, each status
in a file of its own. So none is held longer than that, and the next one begins another chain.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.markers import Marks, from_text, read_marks
from sandbox.office import Office
from sandbox.store import moment, stamp

_STEP = timedelta(microseconds=1)
_SCAC = 4


@dataclass(frozen=True, slots=True)
class Going:
    """When a status goes out, and whether it goes twice."""

    due: datetime
    twice: bool = False


class Delivery:
    """Decides for each status; to be called inside a transaction, in the order in which things happened."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def of_bill(self, bill: sqlite3.Row, trip: str, at: datetime) -> Going | None:
        """For a 350 about a bill of a trip; ``None``: it is never told. A trip can be marked TWICE and SHUFFLE."""
        marks, whole = from_text(bill["marks"]), read_marks(trip[_SCAC:])
        return self._going(Marks(marks.names | (whole.names & {"TWICE", "SHUFFLE"})), bill["scn"], at)

    def of_entry(self, entry: sqlite3.Row, at: datetime) -> Going | None:
        """For an SO about an entry; ``None``: it is never told. Its chain is that of its first bill."""
        scns = [issuer + number for kind, issuer, number, *_ in json.loads(entry["body"])["bills"] if kind != "I"]
        return self._going(from_text(entry["marks"]), (scns or [entry["number"]])[0], at)

    def _going(self, marks: Marks, subject: str, at: datetime) -> Going | None:
        if "SILENT" in marks:
            return None
        due = self.office.after(at, self.office.behaviour.late_seconds) if "LATE" in marks else at
        return Going(self._shuffled(subject, due) if "SHUFFLE" in marks else due, "TWICE" in marks)

    def _shuffled(self, subject: str, due: datetime) -> datetime:
        """The end of the chain, a little before what was told earlier in it."""
        store, lasts = self.office.store, self.office.behaviour.shuffle_seconds
        row = store.row("select * from chain where subject = ?", subject)
        begun = row is not None and due + timedelta(seconds=min(1.0, lasts / 2)) < moment(row["ends_at"])
        ends, count = self.office.after(due, lasts), 0
        if row is not None and begun:
            ends, count = moment(row["ends_at"]), row["count"] + 1
        store.run("insert or replace into chain (subject, ends_at, count) values (?,?,?)", subject, stamp(ends), count)
        return ends - count * _STEP
