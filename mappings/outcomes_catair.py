"""What does a CATAIR answer mean: SX, SO, or a refused batch?

Rules:

- A batch that is cut off or whose counts and mirrored fields disagree is not believed at all; a transaction with
  a record that cannot be read is passed over. Both are problems ``unreadable_response``.
- SX: the last SE90 decides (01 to 04). Errors and warnings at records come before it, each with record, columns
  and the shipment's field. They are ``rejected`` only if the whole was; otherwise they are warnings.
- SO is read by :mod:`mappings.outcomes_entry_status`.
- A batch that CBP refused whole is read by :mod:`mappings.outcomes_rejection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from mappings.outcomes_entry_status import read_status
from mappings.outcomes_places import (
    CONDITION_FIELDS,
    CONDITION_PATHS,
    Context,
    SentEntries,
    bill_of,
    catair_path,
    columns_of,
    entry_number_of,
    fill,
    step_catair,
)
from mappings.outcomes_query import answer_to_query
from mappings.outcomes_rejection import read_rejection
from mappings.outcomes_values import Outcome, ResponseReading, unreadable
from schemas.catair import Batch, Block, PlacedRecord, Record, Transaction, look_up, read_batches
from schemas.errors import Problem

_BROKEN: Final = frozenset("X01 X03 X04 X05 X06 X14 X19 X32 X42 count_mismatch too_many_problems".split())
_TOLERATED: Final = frozenset("X34 X35 X36 X37 X38 not_laid_out unknown_action".split())
"""Order and repetition: guides disagree on what an answer repeats, so these never hide an answer."""

_FINAL: Final = frozenset({"01", "02", "03", "04"})


def read_catair(data: bytes, sent: SentEntries | None = None) -> ResponseReading:
    """Outcomes of one file of batches; never raises for its content."""
    file = read_batches(data)
    problems: list[Problem] = []
    outcomes: list[Outcome] = []
    kinds: list[str] = []
    broken = [one for one in file.errors if one.code in _BROKEN]
    control = _control(file.batches)
    for batch in file.batches:
        kind = "X1" if batch.rejected else batch.application
        if kind not in kinds:
            kinds.append(kind)
    if broken or not file.batches:
        why = broken[0].text if broken else "There is no batch."
        path = broken[0].path if broken else ""
        first = unreadable(path, f"The batch is broken, nothing in it is believed: {why}")
        return ResponseReading("+".join(kinds), (), (first, *file.errors), control)
    for batch in file.batches:
        if batch.rejected:
            refusals = list(read_rejection(batch, sent))
            outcomes += refusals
            if not refusals:
                problems.append(unreadable("A", "The batch looks refused but names no condition (X1)."))
        elif batch.application in _READERS:
            for block in batch.blocks:
                for transaction in block.transactions:
                    fault = _fault(transaction)
                    if fault is not None:
                        problems.append(fault)
                        continue
                    told, wrong = transaction_outcomes(batch, block, transaction, sent)
                    outcomes += told
                    problems += wrong
        else:
            problems.append(unreadable("A", f"Application {batch.application!r} is no answer to a filing."))
    return ResponseReading("+".join(kinds), tuple(outcomes), (*problems, *file.errors), control)


def transaction_outcomes(
    batch: Batch, block: Block, transaction: Transaction, sent: SentEntries | None = None
) -> tuple[list[Outcome], list[Problem]]:
    """What one transaction of SX or SO says, whether or not it is sound; nothing for another application."""
    problems: list[Problem] = []
    reader = _READERS.get(batch.application)
    if reader is None or not transaction.records:
        return [], problems
    return list(reader(transaction, _tie(batch, block), sent, problems)), problems


def _control(batches: list[Batch]) -> dict[str, Any]:
    header = next((batch.header for batch in batches if batch.header is not None), None)
    if header is None:
        return {}
    record = header.record
    day = record.get("transmission_date")
    return {
        "user_data": record.text("transmitter_s_user_data_text"),
        "site": record.text("sender_receiver_site_code"),
        "sender": record.text("sender_receiver_id_code"),
        "transmission_date": day.isoformat() if isinstance(day, date) else "",
    }


def _tie(batch: Batch, block: Block) -> dict[str, Any]:
    head = batch.header.record if batch.header else Record("A.out", {})
    inner = block.header.record if block.header else Record("B.out", {})
    return {
        "user_data": head.text("transmitter_s_user_data_text"),
        "block_user_data": inner.text("filer_preparer_s_user_data_text"),
        "port": inner.text("processing_district_port_code"),
        "filer": inner.text("processing_filer_code"),
    }


def _fault(transaction: Transaction) -> Problem | None:
    """The problem of a transaction that cannot be believed, ``None`` if it can."""
    for placed in transaction.records:
        wrong = next((one for one in placed.problems if one.severity == "error" and one.code not in _TOLERATED), None)
        if wrong is not None:
            where = f"record {placed.number}"
            return unreadable(where, f"The transaction is passed over, a record of it cannot be read: {wrong.text}")
    if not transaction.records or not entry_number_of(transaction.records[0].record):
        number = transaction.records[0].number if transaction.records else 0
        return unreadable(f"record {number}", "The transaction names no entry; it is passed over.")
    return None


_Reader = Callable[[Transaction, dict[str, Any], SentEntries | None, list[Problem]], Iterable[Outcome]]


# ----------------------------------------------------------------------------------------------------- SX


def _response(
    transaction: Transaction, tie: dict[str, Any], sent: SentEntries | None, problems: list[Problem]
) -> Iterator[Outcome]:
    head = transaction.records[0].record
    entry_number = entry_number_of(head)
    bills = [bill for record in transaction.all("SE15") if (bill := bill_of(record))]
    scn = bills[0] if bills else ""
    tie = {**tie, "action": head.text("valid_action_code"), "entry_type": head.text("entry_type"), "bills": bills}
    verdict = next(
        (
            one
            for one in reversed(transaction.records)
            if one.layout == "SE90" and one.record.text("message_type_code") in _FINAL
        ),
        None,
    )
    refused = verdict is not None and verdict.record.text("message_type_code") == "01"
    context = Context(scn=scn, entry_number=entry_number)
    about = transaction.records[0]
    for placed in transaction.records:
        if placed.layout != "SE90":
            about = placed
            context = step_catair(context, placed.record)
        elif placed is not verdict:
            yield _condition(placed, about, context, refused, tie, sent)
    if verdict is None:
        problems.append(
            unreadable(f"record {about.number}", f"The answer on entry {entry_number} has no final SE90.", "Ask CBP.")
        )
        yield Outcome(
            "SX", "entry", "unknown", text="no final SE90", scn=scn, entry_number=entry_number, place="SE90",
            correlation=tie,
        )  # fmt: skip
        return
    final = verdict.record
    kind, code = final.text("message_type_code"), final.text("message_identifier_code")
    known = look_up("response_types", kind)
    yield Outcome(
        "SX",
        "entry",
        known.reading if known and known.reading else "unknown",
        code or kind,
        final.text("narrative_message_text") or (known.text if known else ""),
        scn=scn,
        entry_number=entry_number,
        place="SE90",
        correlation={**tie, "told_in": verdict.number},
    )


def _condition(
    se90: PlacedRecord,
    about: PlacedRecord,
    context: Context,
    refused: bool,
    tie: dict[str, Any],
    sent: SentEntries | None,
) -> Outcome:
    """An SE90 at a record."""
    code = se90.record.text("message_identifier_code")
    known = look_up("se_conditions", code) if code else None
    if sent is not None:
        context = sent.echo(context.entry_number, about.line) or context
    layout, _, key = CONDITION_FIELDS.get(code, "").partition(".")
    if layout != about.layout:
        key = ""
    if code in CONDITION_PATHS:
        path = fill(CONDITION_PATHS[code], context)
    else:
        path = catair_path(about.layout, key, context)
        if not path and layout:
            path = catair_path(layout, CONDITION_FIELDS[code].partition(".")[2], context)
    place = f"{about.layout or '?'} in record {about.number}"
    if columns := columns_of(about.layout, key):
        place += f", {columns}"
    value = about.record.get(key) if key else None
    fault = refused and se90.record.text("message_type_code") == "11"
    return Outcome(
        "SX",
        "entry",
        "rejected" if fault else "warning",
        code,
        se90.record.text("narrative_message_text") or (known.text if known else ""),
        scn=tie["bills"][0] if tie["bills"] else "",
        entry_number=context.entry_number or "",
        place=place,
        field_path=path,
        correlation={
            **tie,
            "value": "" if value is None else str(value),
            "record": about.number,
            "told_in": se90.number,
            "field": key,
        },
    )


_READERS: Final[Mapping[str, _Reader]] = {
    "SX": _response,
    "SO": read_status,
    "C1": partial(answer_to_query, read_status),
}
