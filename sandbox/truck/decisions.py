"""What does the officer decide of a shipment when its truck is here? Release, hold, exam, documents, refusal, or wait.

Pure: rows of the books in, a decision out. The 350 code belongs to the decision; what brokers are told of it is
:func:`told_to_broker`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.abi.answers import Disposition
from sandbox.markers import from_text
from sandbox.notices import said
from sandbox.office import Office
from sandbox.truck.section321 import suspension

_HELD_FOR: Final = ("HOLD", "EXAM", "DOCS")


@dataclass(frozen=True, slots=True)
class Decision:
    """The shipment's next state, the 350 code and remark; WAITS has neither."""

    state: str
    code: str = ""
    remark: str = ""


RELEASE: Final = Decision("RELEASED", "1C")
WAIT: Final = Decision("WAITS")


def decide(
    office: Office,
    bill: sqlite3.Row,
    entries: Sequence[sqlite3.Row],
    bills_of: Callable[[str], Sequence[sqlite3.Row]],
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
        if suspension(book, office.behaviour, at):
            return refused
        if bill["over_limit"] and withhold:
            return Decision("WITHHELD", "95", "RELEASE WITHHELD DAY LIMIT")
    elif bill["kind"] in profile.bill_types.values():
        if not entries or (any(e["type"] == "86" for e in entries) and book.rule("type86-suspended", at)):
            return refused
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


def told_to_broker(state: str, at: datetime) -> tuple[str, list[Disposition]]:
    """SO50 code and SO60s for the entry of a bill that was not released; none where an entry is told nothing."""
    told: dict[str, tuple[str, list[Disposition]]] = {
        "HELD": ("51", []),
        "EXAM": ("95", [said("03", at)]),
        "DOCS": ("95", [said("96", at, document="CBP01")]),
        "WITHHELD": ("95", [said("34", at)]),
        "REFUSED": ("95", [said("29", at)]),
    }
    return told.get(state, ("95", []))
