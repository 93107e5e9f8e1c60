"""What exactly will be sent for a filed trip: which pathway for each shipment, which messages, which bytes?

Filing is asked for once; the work is then done in steps, each small, each in a transaction of its own, each
safe to repeat after a crash:

1. ``decide``: every shipment is judged, finally and in manifest order; its filings come into being.
2. ``manifest``: the 309 messages are written, with control numbers from the ledger, and queued.
3. ``entries``: the cargo release entries are written in batches, each with its entry number, and queued.
4. ``handoffs``: the packages for the licensed broker are made.

The numbers a step needs are drawn in a transaction before it. A crash in between loses numbers, never
uses one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, update

from filings import archive, rule_books
from filings.beginning import Decided, begin_filings
from filings.context import FilingContext
from filings.control_numbers import ENTRY_LAST, allocate, entry_sequence, interchange_sequence, use_scns
from filings.judging import Judged, decide_all, eastern_day
from filings.lapsing import filed_for_the_past, judge_again
from filings.lifecycle import TripInput, TripState, step_trip
from filings.outbox import ENTRIES, EXPRESS, MANIFESTS, Draft, queue
from filings.packing import packages
from filings.person_days import count_days, hold_people, ledger_of_others
from filings.planned_work import STAGES, Known, Work, is_small, mark_of, next_work, trips_to_plan
from filings.progress import Step, advance_shipments
from filings.store import tables as t
from filings.store.types import canonical_json
from filings.trips import load_trip
from filings.uuid7 import uuid7
from filings.verdicts import tell_trip
from filings.wording import batch_reference, entry_bytes, manifest_bytes
from mappings.decision import PathwayDecision
from mappings.entry import build_entry
from mappings.manifest import build_manifest
from schemas.entry_number import make_entry_number

__all__ = ["Made", "Work", "make", "next_work", "numbers_for", "store", "trips_to_plan"]

X12: Final = "application/edi-x12"
CATAIR: Final = "application/edi-consent"


def numbers_for(conn: Connection, ctx: FilingContext, work: Work) -> Work:
    """Draw the control numbers of the step; committed before anything is written with them."""
    if work.stage == "manifest" and work.keys:
        messages = -(-len(work.keys) // ctx.limits.bills_per_manifest)
        return replace(work, numbers=tuple(allocate(conn, interchange_sequence(ctx.partner), messages)))
    if work.stage == "entries" and work.keys:
        entries = allocate(conn, entry_sequence(ctx.filer.code), len(work.keys), last=ENTRY_LAST)
        batch = allocate(conn, f"batch:{ctx.partner}", 1)
        return replace(work, numbers=(*batch, *entries))
    return work


@dataclass(frozen=True, slots=True)
class Made:
    """What a step has made, ready to be stored."""

    work: Work
    decisions: tuple[PathwayDecision, ...] = ()
    judged: Sequence[Judged] = ()
    drafts: tuple[Draft, ...] = ()
    entry_numbers: tuple[str, ...] = ()
    packages: tuple[bytes, ...] = ()

    @property
    def known(self) -> Known | None:
        """What the next step of the trip need not read and work out again, once this one is committed."""
        work = self.work
        if work.stage != "decide":
            return work.known
        judged = {one.shipment_key: one for one in self.judged}
        return Known(work.trip, work.version, judged) if judged else None


def make(ctx: FilingContext, work: Work, now: datetime) -> Made:
    """Do the step: pure, and the only part that takes long."""
    if work.stage == "decide":
        judged = decide_all(ctx, work.trip, list(zip(work.keys, work.shipments, strict=True)), work.ledger)
        return Made(work, decisions=tuple(one.decision for one in judged), judged=judged)
    if work.stage == "manifest":
        return Made(work, drafts=tuple(_manifests(ctx, work, now)))
    if work.stage == "entries":
        return _entries(ctx, work, now)
    return Made(work, packages=packages(work.trip, work.shipments, work.decisions, now))


def _manifests(ctx: FilingContext, work: Work, now: datetime) -> list[Draft]:
    if not work.keys:
        return []
    pairs = list(zip(work.shipments, work.decisions, strict=True))
    bills = work.known.bills(work.trip, work.keys) if work.known else ()
    messages = build_manifest(work.trip, pairs, ctx.profile, limit=ctx.limits.bills_per_manifest, bills=bills)
    drafts: list[Draft] = []
    start = 0
    for message, number in zip(messages, work.numbers, strict=True):
        end = start + len(message.scns)
        drafts.append(
            Draft(
                id=uuid7(),
                name=f"309-{work.trip.trip_number}-{number:09d}.x12",
                application="309",
                control_number=str(number),
                correlation=work.trip.trip_number,
                content_type=X12,
                payload=manifest_bytes(ctx, message, number, now),
                trip_number=work.trip.trip_number,
                carries=tuple((work.filing_id or "", key) for key in work.keys[start:end]),
                priority=MANIFESTS - EXPRESS if is_small(len(work.keys)) else MANIFESTS,
            )
        )
        start = end
    return drafts


def _entries(ctx: FilingContext, work: Work, now: datetime) -> Made:
    if not work.keys:
        return Made(work)
    batch, *sequences = work.numbers
    numbers = [str(make_entry_number(ctx.filer.code, sequence)) for sequence in sequences]
    transactions = [
        list(build_entry(shipment, decision, work.trip, ctx.filer, number).records)
        for shipment, decision, number in zip(work.shipments, work.decisions, numbers, strict=True)
    ]
    reference = batch_reference(batch)
    draft = Draft(
        id=uuid7(),
        name=f"SE-{ctx.filer.code}-{reference}.txt",
        application="SE",
        control_number=reference,
        correlation=reference,
        content_type=CATAIR,
        payload=entry_bytes(ctx, transactions, reference, now),
        trip_number=work.trip.trip_number,
        carries=tuple((filing or "", key) for filing, key in zip(work.filings, work.keys, strict=True)),
        priority=ENTRIES - EXPRESS if is_small(work.positions[-1]) else ENTRIES,
    )
    return Made(work, drafts=(draft,), entry_numbers=tuple(numbers))


def store(conn: Connection, ctx: FilingContext, made: Made, now: datetime) -> bool:
    """Commit what a step has made and move the trip on; ``False`` if it must be looked at again.

    That is so if somebody else has done the step meanwhile, or counted for one of its people.
    """
    work = made.work
    row = load_trip(conn, work.trip.trip_number, lock=True)
    begun = row.planned_through if work.stage in ("entries", "handoffs") else 0
    if row.plan_stage != work.stage or (work.positions and begun >= work.positions[0]):
        return False
    if work.stage == "decide":
        hold_people(conn, work.trip, work.shipments)
        if ledger_of_others(conn, work.trip, work.shipments) != work.ledger:
            return False  # somebody counted for one of these people meanwhile: the next turn judges anew
        _store_decisions(conn, ctx, made, now)
    elif work.stage == "manifest" and made.drafts:
        use_scns(conn, work.keys, eastern_day(now))
        queue(conn, ctx.partner, ctx.channel, list(made.drafts), now)
    elif work.stage == "entries" and made.drafts:
        _store_entries(conn, made, now)
        queue(conn, ctx.partner, ctx.channel, list(made.drafts), now)
    elif work.stage == "handoffs" and made.packages:
        _store_handoffs(conn, made, now)
    again = work.stage in ("entries", "handoffs") and bool(work.keys)
    following = work.stage if again else STAGES[STAGES.index(work.stage) + 1]
    through = work.positions[-1] if again else 0
    values: dict[str, Any] = {"plan_stage": following, "planned_through": through, "updated_at": now}
    if following == "done":
        values |= {"state": step_trip(TripState(row.state), TripInput.ALL_SENT)[0].value}
    conn.execute(update(t.trips).where(t.trips.c.trip_number == work.trip.trip_number).values(values))
    if following == "done":
        tell_trip(conn, work.trip.trip_number, now)
    return True


def _store_decisions(conn: Connection, ctx: FilingContext, made: Made, now: datetime) -> None:
    work = made.work
    late = filed_for_the_past(work.trip.arrival, now)
    documents = [one.as_dict() for one in made.decisions]
    count_days(conn, work.trip, made.judged)
    conn.execute(
        update(t.trips)
        .where(t.trips.c.trip_number == work.trip.trip_number)
        .values(
            rule_book_version=ctx.rules.version,
            judged_at=work.trip.arrival,
            judge_again_at=None if late else judge_again(ctx.rules, work.trip.arrival),
        )
    )
    lines = [canonical_json(one) for one in documents]
    kept = archive.Entry(
        archive.EntryKind.DECISION,
        f"pathways of {len(made.decisions)} shipments",
        b"\n".join(lines),
        now,
        "application/x-ndjson",
        actor=f"rule book {ctx.rules.version}",
        trip_number=work.trip.trip_number,
    )
    stand = (mark_of(line) == staged for line, staged in zip(lines, work.staged, strict=True))
    rows = zip(work.keys, work.shipments, made.decisions, documents, stand, strict=True)
    begin_filings(conn, work.trip.trip_number, [Decided(*row) for row in rows], now)
    rule_books.keep(conn, ctx.rules, now)
    archive.append(conn, [kept])


def _store_entries(conn: Connection, made: Made, now: datetime) -> None:
    work = made.work
    numbered = [{"of": key, "number": number} for key, number in zip(work.keys, made.entry_numbers, strict=True)]
    shipments = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
    conn.execute(shipments.values(entry_number=bindparam("number"), updated_at=now), numbered)
    declared = [
        {"of": filing, "number": number} for filing, number in zip(work.filings, made.entry_numbers, strict=True)
    ]
    filings = update(t.filings).where(t.filings.c.id == bindparam("of"))
    conn.execute(filings.values(entry_number=bindparam("number"), updated_at=now), declared)


def _store_handoffs(conn: Connection, made: Made, now: datetime) -> None:
    work = made.work
    entries = [
        archive.Entry(
            archive.EntryKind.DOCUMENT,
            f"handoff package of {shipment.scn}",
            package,
            now,
            "application/zip",
            trip_number=work.trip.trip_number,
            shipment_key=key,
            filing_id=filing,
            scn=shipment.scn,
        )
        for key, shipment, filing, package in zip(work.keys, work.shipments, work.filings, made.packages, strict=True)
    ]
    archive.append(conn, entries)
    advance_shipments(conn, work.keys, Step.HANDOFF_READY, now)
