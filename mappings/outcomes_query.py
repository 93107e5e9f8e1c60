"""What does CBP know of an entry that we asked for? The answer (C1) to a status query (CQ).

Rules (CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21): an entry that is on file comes back with the records
of a status under other names, so it says what a status says, and that it is on file at all. One that is not comes back
as WR0 950. Any other WR0 says nothing of the entry: the query itself failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from mappings.outcomes_places import SentEntries, entry_number_of
from mappings.outcomes_values import Outcome
from schemas.catair import PlacedRecord, Record, Transaction, look_up, rec
from schemas.errors import Problem

NOT_FOUND: Final = "950"

Reader = Callable[[Transaction, dict[str, Any], SentEntries | None, list[Problem]], Iterable[Outcome]]


def entry_query(entry_number: str) -> list[Record]:
    """The transaction that asks for the status of an entry (11 characters, without hyphens)."""
    return [rec("WR1", entry_filer_code=entry_number[:3], entry_number=entry_number[3:])]


def as_status(placed: PlacedRecord) -> PlacedRecord:
    """A record of a query's answer under the name it has in a status."""
    if not placed.layout.startswith("WO"):
        return placed
    record = Record("SO" + placed.layout[2:], placed.record.values)
    return PlacedRecord(record, placed.number, placed.offset, placed.line, placed.trimmed, placed.problems)


def answer_to_query(
    status: Reader,
    transaction: Transaction,
    tie: dict[str, Any],
    sent: SentEntries | None,
    problems: list[Problem],
) -> Iterator[Outcome]:
    """Whether CBP has the entry, and what it says of it; ``status`` reads the records of a status."""
    first = transaction.records[0]
    number = entry_number_of(first.record)
    if first.layout == "WR0":
        code = first.record.text("error_message_identifier")
        known = look_up("query_errors", code)
        yield Outcome(
            "C1",
            "entry",
            "not_on_file" if code == NOT_FOUND else "warning",
            code,
            first.record.text("narrative_message") or (known.text if known else ""),
            entry_number=number,
            place="WR0",
            correlation={**tie, "told_in": first.number},
        )
        return
    yield Outcome(
        "C1",
        "entry",
        "entry_exists",
        text="the entry is on file",
        entry_number=number,
        place=first.layout,
        correlation={**tie, "told_in": first.number},
    )
    told = Transaction(records=[as_status(placed) for placed in transaction.records])
    for one in status(told, tie, sent, problems):
        yield replace(one, correlation={**one.correlation, "asked": True})
