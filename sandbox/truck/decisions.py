"""What does the officer decide of a shipment when its truck is here? Release, hold, exam, documents, refusal, or wait.

Rows of the books in, a decision out; the 350 code belongs to it. The desks of :mod:`sandbox.abi` say of an entry
whether the law bars it from release, and whether its goods must wait for it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from sandbox.markers import from_text
from sandbox.office import Office
from sandbox.truck.section321 import suspension

_HELD_FOR: Final = ("HOLD", "EXAM", "DOCS")


@dataclass(frozen=True, slots=True)
class Decision:
    """The shipment's next state, the 350 code and remark; WAITS has neither."""

    state: str
    code: str = ""
    remark: str = ""


class Broker(Protocol):
    """What the officer asks of entries."""

    def barred(self, entries: Sequence[sqlite3.Row], at: datetime) -> bool:
        """Whether the law bars an entry from release."""
        ...

    def waits(self, entries: Sequence[sqlite3.Row]) -> bool:
        """Whether goods that are here must wait for an entry."""
        ...


RELEASE: Final = Decision("RELEASED", "1C")
WAIT: Final = Decision("WAITS")


def decide(
    office: Office,
    bill: sqlite3.Row,
    entries: Sequence[sqlite3.Row],
    bills_of: Callable[[str], Sequence[sqlite3.Row]],
    broker: Broker,
    at: datetime,
) -> Decision:
    """What becomes of a bill whose truck is here; ``bills_of`` gives the bills of an entry."""
    book, profile = office.book, office.profile
    refused = Decision("REFUSED", profile.entry_not_on_file_code, "ENTRY NOT ON FILE")
    marks = [from_text(bill["marks"]), *(from_text(one["marks"]) for one in entries)]
    withhold = book.rule("day-limit-withhold", at)
    if any("NOENT" in one for one in marks):
        return refused
    if bill["in_bond"]:
        return Decision("IN_BOND", "1J")
    if bill["kind"] in profile.section321_bill_types:
        barred = book.rule("section321-origin", at)
        if suspension(book, office.behaviour, at) or (
            barred and barred.origins.intersection(json.loads(bill["origins"]))
        ):
            return refused
        if bill["over_limit"] and withhold:
            return Decision("WITHHELD", "95", "RELEASE WITHHELD DAY LIMIT")
    elif bill["kind"] in profile.bill_types.values():
        if not entries or broker.barred(entries, at):
            return refused
        if broker.waits(entries):
            return WAIT
        if any(_is_away(other) for entry in entries for other in bills_of(entry["number"])):
            return WAIT
        if withhold and any(e["over_limit"] for e in entries):
            return Decision("WITHHELD", "1H", "RELEASE WITHHELD DE MINIMIS")
    hold = bill["hold"] or next((n for n in _HELD_FOR if any(n in one for one in marks)), "")
    match hold:
        case "EXAM":
            return Decision("EXAM", "1A", "PRESENT SHIPMENT FOR EXAM")
        case "DOCS":
            return Decision("DOCS", "1H", "DOCUMENTS REQUIRED")
        case "HOLD":
            return Decision("HELD", "1H", "HOLD AT PORT OF ARRIVAL")
        case _:
            return RELEASE


def _is_away(bill: sqlite3.Row) -> bool:
    """Whether a bill of the entry is not at the border."""
    return bill["scn"] is None or bill["state"] == "DELINKED" or bill["manifest_state"] != "ARRIVED"
