"""What does CBP remember of entry summaries? Number, port, version, and in whose hands a summary is.

States: TRADE (the filer may replace or delete it), CBP (CBP has it: neither), REJECTED (CBP has sent it back: it may be
replaced, and is the next version then). A summary goes into CBP's hands on the day its statement is printed, or when
the control says so. CATAIR Entry Summary Create/Update rev 109 (July 2026), usage note a, response usage note c, and
note 5 of E1.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sandbox.border import NotPossible
from sandbox.clock import EASTERN
from sandbox.store import Store, moment, stamp
from sandbox.working_days import summary_due

_TABLE: Final = (
    "create table if not exists summary (number text primary key, partner text not null, type text not null, port text"
    " not null, reference text not null, importer text not null, state text not null, major integer not null, minor"
    " integer not null, print_date text not null, filed_at text not null, body text not null)"
)


class Summaries:
    """The summaries in the books of a :class:`~sandbox.store.Store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.run(_TABLE)

    def row(self, number: str) -> sqlite3.Row | None:
        """A summary on file."""
        return self._store.row("select * from summary where number = ?", number)

    def port_of(self, number: str) -> str:
        """The port a summary is on file for; empty: there is none."""
        row = self.row(number)
        return "" if row is None else str(row["port"])

    def state(self, row: sqlite3.Row, now: datetime) -> str:
        """TRADE, CBP or REJECTED at an instant."""
        printed = row["print_date"] and row["print_date"] <= _day(now).isoformat()
        return "CBP" if row["state"] == "TRADE" and printed else str(row["state"])

    # ------------------------------------------------------------------ what the desk does

    def keep(self, number: str, partner: str, values: Mapping[str, str], body: Any, now: datetime) -> str:
        """Put a summary on file, over an older one; gives its version. ``values``: type, port, reference, importer,
        print_date (ISO day or empty).
        """
        before = self.row(number)
        major, minor = (1, 0) if before is None else (before["major"], before["minor"])
        if before is not None and self.state(before, now) == "REJECTED":
            major, minor = major + 1, 0
        reference = values["reference"] or (before["reference"] if before is not None else "")
        self._store.run(
            "insert or replace into summary (number, partner, type, port, reference, importer, state, major, minor,"
            " print_date, filed_at, body) values (?,?,?,?,?,?,?,?,?,?,?,?)",
            number, partner, values["type"], values["port"], reference, values["importer"], "TRADE", major, minor,
            values["print_date"], stamp(now), json.dumps(body),
        )  # fmt: skip
        return f"{major:03d}{minor:02d}"

    def delete(self, number: str) -> None:
        """Take a summary off file; its number may be used again."""
        self._store.run("delete from summary where number = ?", number)

    # ------------------------------------------------------------------ what the control does

    def accept(self, number: str, now: datetime) -> str:
        """CBP takes a summary into its hands; gives the state. Raises :class:`NotPossible`."""
        return self._move(number, "TRADE", "CBP", now)

    def reject(self, number: str, now: datetime) -> str:
        """CBP sends back a summary it has; gives the state. Raises :class:`NotPossible`."""
        return self._move(number, "CBP", "REJECTED", now)

    def _move(self, number: str, before: str, after: str, now: datetime) -> str:
        row = self.row(number)
        if row is None:
            raise NotPossible("not_found", f"No entry summary on file under {number}.")
        state = self.state(row, now)
        if state != before:
            raise NotPossible("wrong_state", f"The entry summary {number} is {state}, not {before}.")
        self._store.run("update summary set state = ? where number = ?", after, number)
        return after

    def describe(self, number: str, now: datetime) -> dict[str, Any]:
        """What the books say of a number as plain values: ``summary`` (or ``None``) and, where its cargo release is on
        file, ``entry`` with ``summary_due`` and ``overdue``. Raises :class:`NotPossible` when there is neither.
        """
        row = self.row(number)
        entry = self._store.row("select number, type, state, released_at from entry where number = ?", number)
        if row is None and entry is None:
            raise NotPossible("not_found", f"Neither entry nor entry summary on file under {number}.")
        return {
            "number": number,
            "entry": None if entry is None else self._entry(entry, row is not None, now),
            "summary": None if row is None else self._summary(row, now),
        }

    def _summary(self, row: sqlite3.Row, now: datetime) -> dict[str, Any]:
        kept = ("type", "port", "reference", "importer", "print_date", "filed_at")
        return {
            "state": self.state(row, now),
            "version": f"{row['major']:03d}{row['minor']:02d}",
            **{key: row[key] for key in kept},
            **json.loads(row["body"]),
        }

    @staticmethod
    def _entry(entry: sqlite3.Row, filed: bool, now: datetime) -> dict[str, Any]:
        due = None
        if entry["released_at"] and entry["type"] != "86":
            due = summary_due(_day(moment(entry["released_at"])))
        return {
            "type": entry["type"],
            "state": entry["state"],
            "released_at": entry["released_at"],
            "summary_due": None if due is None else due.isoformat(),
            "overdue": due is not None and not filed and _day(now) > due,
        }


def _day(at: datetime) -> date:
    return at.astimezone(EASTERN).date()
