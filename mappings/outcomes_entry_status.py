"""What does CBP say of an entry by an SO: matched, held, released, decided?

Rules:

- One outcome for each disposition (SO50 of a bill, SO60 of the entry, SO70 of an agency), in the order of their
  times. A code that is not in the tables is ``unknown``. A release date that is taken away (origin 99) revokes the
  release. CBP's clock is taken to be New York's (recalled).
- ``correlation["holder"]`` says who placed or lifted a hold: ``CBP`` or the agency's code. A hold is over only when
  its own holder lifts it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from mappings.outcomes_places import SentEntries, bill_of, entry_number_of
from mappings.outcomes_values import Outcome
from schemas.catair import Code, Record, Transaction, look_up
from schemas.errors import Problem

_CLOCK: Final = ZoneInfo("America/New_York")


def _moment(day: object, clock: object) -> datetime | None:
    """A day and its time (HHMM), the day's beginning where no time is told; ``None`` for what no clock shows.

    2400 is the day's end: valid in a time of CBP's (PGA message set 2026-07, time of inspection); of an SO unsure.
    """
    if not isinstance(day, date):
        return None
    digits = clock[:4] if isinstance(clock, str) and clock.strip() else "0000"
    if len(digits) < 4 or not (digits.isascii() and digits.isdigit()):
        return None
    if digits == "2400":
        day, digits = day + timedelta(days=1), "0000"
    hour, minute = int(digits[:2]), int(digits[2:])
    return datetime.combine(day, time(hour, minute), _CLOCK) if hour < 24 and minute < 60 else None


def read_status(
    transaction: Transaction, tie: dict[str, Any], sent: SentEntries | None, problems: list[Problem]
) -> list[Outcome]:
    """The outcomes of one status, in the order of their times; ``tie`` stands in the correlation of each."""
    del sent, problems  # a status repeats no field that could be traced
    head = transaction.records[0].record
    references: dict[str, list[str]] = {}
    for record in transaction.all("SO20"):
        name = record.text("reference_identifier_qualifier")
        references.setdefault(name, []).append(record.text("reference_identifier"))
    tie = {
        **tie,
        "reference": next(iter(references.get("CR", ())), ""),
        "entry_type": head.text("entry_type_code"),
        "reasons": references.get("RSN", []),
        "comments": references.get("CMT", []),
    }
    entry_number = entry_number_of(head)
    bills = [bill for record in transaction.all("SO40") if (bill := bill_of(record))]
    only = bills[0] if len(set(bills)) == 1 else ""
    outcomes: list[Outcome] = []
    bill = ""
    for placed in transaction.records:
        record = placed.record
        if placed.layout == "SO40":
            bill = bill_of(record) or bill
            continue
        if placed.layout == "SO50":
            outcome = _bill_match(record, bill)
        elif placed.layout == "SO60":
            outcome = _release(record, only, references)
        elif placed.layout.startswith("SO70"):
            outcome = _agency(record, only)
        elif placed.layout in ("SO71", "SO72") and outcomes:
            outcomes[-1] = _agency_detail(record, outcomes[-1])
            continue
        else:
            continue
        outcomes.append(
            replace(
                outcome,
                entry_number=entry_number,
                place=f"{placed.layout} in record {placed.number}",
                correlation={**tie, "told_in": placed.number, **outcome.correlation},
            )
        )
    known = [one.occurred_at for one in outcomes if one.occurred_at is not None]
    earliest = min(known, default=datetime.min.replace(tzinfo=_CLOCK))
    return sorted(outcomes, key=lambda one: one.occurred_at or earliest)


def _bill_match(record: Record, bill: str) -> Outcome:
    code = record.text("disposition_code")
    known = look_up("bill_dispositions", code)
    return Outcome(
        "SO",
        "entry",
        known.reading if known and known.reading else "unknown",
        code,
        record.text("narrative_message") or (known.text if known else ""),
        scn=bill,
        occurred_at=_moment(record.get("disposition_date"), record.get("disposition_time")),
        correlation={"holder": "CBP", "list": "bill_dispositions"},
    )


def _release(record: Record, scn: str, references: dict[str, list[str]]) -> Outcome:
    code = record.text("disposition_action_code")
    known = look_up("entry_dispositions", code)
    meaning = known.reading if known and known.reading else "unknown"
    origin = record.text("release_origin_code")
    found = look_up("release_origins", origin) if origin else None
    if found is not None and found.reading == "release_revoked":
        meaning = found.reading
    day = record.get("release_date")
    text = record.text("narrative_message") or (known.text if known else "")
    if code in ("86", "87"):
        why = [
            entry.text if (entry := look_up("request_refusal_reasons", one)) else one
            for one in references.get("RSN", ())
        ]
        text = "; ".join([text, *why, *references.get("CMT", ())])
    return Outcome(
        "SO",
        "entry",
        meaning,
        code,
        text,
        scn=scn,
        occurred_at=_moment(record.get("disposition_action_date"), record.get("disposition_action_time")),
        correlation={
            "holder": "CBP",
            "list": "entry_dispositions",
            "release_date": day.isoformat() if isinstance(day, date) else "",
            "release_origin": origin,
            "document_type": record.text("document_type"),
        },
    )


_GRAVITY: Final = ("rejected", "held", "exam", "documents_required", "unknown", "under_review")
"""The graver status of entry and line counts: what one of them lets go, the other may still hold."""


def _graver(status: Code | None) -> int:
    reading = status.reading if status and status.reading else "unknown"
    return _GRAVITY.index(reading) if reading in _GRAVITY else len(_GRAVITY)


def _agency(record: Record, scn: str) -> Outcome:
    levels = [record.text("pga_entry_level_status_code"), record.text("pga_line_level_status_code")]
    readings = [(code, look_up("pga_statuses", code)) for code in levels if code]
    code, known = min(readings, key=lambda one: _graver(one[1]), default=("", None))
    reason = record.text("status_reason_code")
    explained = look_up("pga_status_reasons", reason) if reason else None
    agency = record.text("government_agency_code")
    told = record.text("pga_entry_level_status_message") if code == levels[0] else ""
    said = told or (known.text if known else "")
    text = f"{agency}: {said}" + (f" ({explained.text})" if explained else "")
    line = record.get("beginning_cbp_line")
    return Outcome(
        "SO",
        "entry",
        known.reading if known and known.reading else "unknown",
        code,
        text,
        scn=scn,
        field_path=f"lines[{line - 1}]" if isinstance(line, int) and line else "",
        occurred_at=_moment(record.get("status_action_date"), record.get("status_action_time")),
        correlation={
            "holder": agency,
            "list": "pga_statuses",
            "program": record.text("government_agency_program_code"),
            "line_status": record.text("pga_line_level_status_code"),
            "reason": reason,
            "document_type": record.text("document_type_code"),
        },
    )


def _agency_detail(record: Record, before: Outcome) -> Outcome:
    """SO71 and SO72 belong to the SO70 before them."""
    if record.layout == "SO72":
        comments = [*before.correlation.get("agency_comments", ()), record.text("comments_to_trade_from_pga")]
        return replace(before, correlation={**before.correlation, "agency_comments": comments})
    number = record.text("pga_reference_identification_number_1")
    numbers = [*before.correlation.get("agency_references", ()), number] if number else []
    return replace(before, correlation={**before.correlation, "agency_references": numbers})
