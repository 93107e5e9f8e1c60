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

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, Select, bindparam, select, update

from filings import archive, rule_books
from filings.beginning import begin_filings
from filings.context import FilingContext
from filings.control_numbers import ENTRY_LAST, allocate, entry_sequence, interchange_sequence, use_scns
from filings.judging import decide_all, eastern_day
from filings.lapsing import filed_for_the_past, judge_again, possible_arrival
from filings.lifecycle import TripInput, TripState, step_trip
from filings.outbox import ENTRIES, EXPRESS, MANIFESTS, Draft, queue
from filings.person_days import count_days, hold_people, ledger_of_others
from filings.progress import Step, advance_shipments
from filings.store import tables as t
from filings.trips import load_trip
from filings.uuid7 import uuid7
from filings.verdicts import tell_trip
from filings.wording import ENTERED, batch_reference, entry_bytes, manifest_bytes
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision
from mappings.entry import build_entry
from mappings.handoff import build_package, zip_package
from mappings.manifest import build_manifest
from schemas.entry_number import make_entry_number
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip

STAGES: Final = ("decide", "manifest", "entries", "handoffs", "done")
X12: Final = "application/edi-x12"
CATAIR: Final = "application/edi-consent"
PAGE: Final = 500
"""Rows in one statement."""
SMALL: Final = 100
"""Shipments up to which a trip is small: it is planned and sent in a lane of its own, never behind a truckload."""


def trips_to_plan(
    conn: Connection,
    limit: int = 10,
    *,
    without: Collection[str] = (),
    stages: Sequence[str] = STAGES[:-1],
    small: bool | None = None,
) -> list[str]:
    """Trips whose planning stands at one of ``stages``, oldest first; those of ``without`` leave their room to
    others. With ``small`` only those of up to :data:`SMALL` shipments, or only the others.
    """
    query = select(t.trips.c.trip_number).where(
        t.trips.c.plan_stage.in_(stages),
        t.trips.c.trip_number.not_in(sorted(without)),
    )
    if small is not None:
        place = t.shipments.c
        large = select(place.key).where(place.trip_number == t.trips.c.trip_number, place.position > SMALL).exists()
        query = query.where(~large if small else large)
    return list(conn.execute(query.order_by(t.trips.c.filed_at).limit(limit)).scalars())


@dataclass(frozen=True, slots=True)
class Work:
    """What one step needs, read from the store; ``pairs`` are the shipments it is about, in manifest order."""

    stage: str
    trip: Trip
    version: int
    filing_id: str | None
    keys: tuple[str, ...]
    positions: tuple[int, ...]
    shipments: tuple[Shipment, ...]
    decisions: tuple[PathwayDecision, ...]
    filings: tuple[str | None, ...]
    numbers: tuple[int, ...] = ()
    ledger: DayLedger | None = None


def next_work(conn: Connection, ctx: FilingContext, trip_number: str) -> Work | None:
    """The next step of a trip, or ``None`` when its planning is done."""
    row = load_trip(conn, trip_number)
    stage = row.plan_stage
    if stage not in STAGES[:-1]:
        return None
    trip = read_trip(row.document)
    if stage == "decide" and row.filed_at is not None:
        # A truck that is late when it is filed is judged for now: what CBP no longer takes is not sent to it.
        arrival = possible_arrival(trip.arrival, row.filed_at, row.filed_at)
        trip = trip.model_copy(update={"estimated_arrival": arrival})
    manifest = conn.execute(
        select(t.filings.c.id).where(t.filings.c.trip_number == trip_number, t.filings.c.kind == "manifest")
    ).scalar()
    keys: list[str] = []
    positions: list[int] = []
    shipments: list[Shipment] = []
    decisions: list[PathwayDecision] = []
    filings: list[str | None] = []
    found = conn.execute(_shipments_of(ctx, row, stage)).partitions(PAGE)  # not all at once: a trip may be long
    for one in chain.from_iterable(found):
        keys.append(one.key)
        positions.append(one.position)
        shipments.append(Shipment.model_validate(one.document))
        filings.append(one.entry_filing_id)
        if stage != "decide":
            kept = one.decision if stage == "handoffs" else {**one.decision, **_WITHOUT_WORDS}
            decisions.append(PathwayDecision.from_dict(kept))
    return Work(
        stage,
        trip,
        row.version,
        manifest,
        tuple(keys),
        tuple(positions),
        tuple(shipments),
        tuple(decisions),
        tuple(filings),
        ledger=None if stage != "decide" else ledger_of_others(conn, trip, shipments),
    )


_WITHOUT_WORDS: Final[Mapping[str, list[Any]]] = {"citations": [], "reasons": [], "refused": [], "warnings": []}
"""What messages do not need of a decision: most of its size."""


def _shipments_of(ctx: FilingContext, trip: Row[Any], stage: str) -> Select[Any]:
    table = t.shipments
    columns = [table.c.key, table.c.position, table.c.document, table.c.entry_filing_id]
    if stage != "decide":
        columns.append(table.c.decision)
    query = select(*columns).where(table.c.trip_number == trip.trip_number).order_by(table.c.position)
    if stage == "manifest":
        return query.where(table.c.pathway != "review")
    if stage == "entries":
        query = query.where(table.c.pathway.in_(ENTERED), table.c.position > trip.planned_through)
        return query.limit(ctx.limits.entries_per_transmission)
    if stage == "handoffs":
        query = query.where(table.c.pathway == "formal", table.c.position > trip.planned_through)
        return query.limit(ctx.limits.handoffs_per_step)
    return query


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
    judged: Any = ()
    drafts: tuple[Draft, ...] = ()
    entry_numbers: tuple[str, ...] = ()
    packages: tuple[bytes, ...] = ()


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


def packages(
    trip: Trip, shipments: Sequence[Shipment], decisions: Sequence[PathwayDecision], now: datetime
) -> tuple[bytes, ...]:
    """The handoff package of each shipment: some milliseconds each, and nothing but values goes in and out."""
    pairs = zip(shipments, decisions, strict=True)
    return tuple(zip_package(build_package(shipment, decision, trip, now), now) for shipment, decision in pairs)


def _manifests(ctx: FilingContext, work: Work, now: datetime) -> list[Draft]:
    if not work.keys:
        return []
    pairs = list(zip(work.shipments, work.decisions, strict=True))
    messages = build_manifest(work.trip, pairs, ctx.profile, limit=ctx.limits.bills_per_manifest)
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
                priority=MANIFESTS if len(work.keys) > SMALL else MANIFESTS - EXPRESS,
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
        priority=ENTRIES if work.positions[-1] > SMALL else ENTRIES - EXPRESS,
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
    body = b"\n".join(orjson.dumps(one, option=orjson.OPT_SORT_KEYS, default=str) for one in documents)
    kept = archive.Entry(
        archive.EntryKind.DECISION,
        f"pathways of {len(made.decisions)} shipments",
        body,
        now,
        "application/x-ndjson",
        actor=f"rule book {ctx.rules.version}",
        trip_number=work.trip.trip_number,
    )
    judged = list(zip(work.keys, work.shipments, made.decisions, documents, strict=True))
    begin_filings(conn, work.trip.trip_number, judged, now)
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
