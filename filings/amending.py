"""How does a change of what has been filed become messages in the outbox?

An amendment is asked for in one transaction (:mod:`filings.refiling` does it for what has lapsed): its items say
what happens to each shipment, its new filings exist and have their entry numbers. The rest is done in steps as
planning does its own, each small, each in a transaction of its own, each safe to repeat after a crash:

1. ``amend_manifest``: the 309 messages of type Y are written and queued, with new control numbers.
2. ``cancel_entries``: the entries that go are cancelled (SE action D), each with its reason.
3. ``amend_entries``: the entries that take their place are written and queued.
4. ``amend_handoffs``: the packages for the licensed broker are made.

A truck's bills go before its entries, as they do when a trip is filed. One trip has one amendment at a time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, bindparam, select, update

from filings import archive
from filings.context import FilingContext
from filings.control_numbers import allocate, interchange_sequence, use_scns
from filings.judging import eastern_day
from filings.lifecycle import EventType, FilingState
from filings.progress import Moves, filing_event, filings_of, tell_trip, write
from filings.sending import Draft, queue
from filings.store import tables as t
from filings.trips import load_trip
from filings.uuid7 import uuid7
from filings.wording import batch_reference, entry_bytes, manifest_bytes
from mappings.decision import PathwayDecision
from mappings.entry import build_entry
from mappings.handoff import Bill, build_package, zip_package
from mappings.manifest_amendment import BillChange, Change, build_amendment
from schemas.catair import Record
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip

STAGES: Final = ("amend_manifest", "cancel_entries", "amend_entries", "amend_handoffs", "done")
X12: Final = "application/edi-x12"
CATAIR: Final = "application/edi-consent"
BILLS_FIRST: Final = 10
CANCELLATIONS_NEXT: Final = 50
"""What is sent before what, as far as the road keeps the order; entries have 100."""
REPLACED: Final = "03"
"""SE13: cleared under another entry, which SE20 EN names."""
NOT_COMING: Final = "08"
"""SE13: non-arrival. The goods come off the truck."""
CANCELLED_VERSION: Final = 2
"""The version of an entry filing that is its cancellation."""


@dataclass(frozen=True, slots=True)
class Item:
    """What happens to one shipment, with what its messages need."""

    position: int
    key: str
    shipment: Shipment
    decision: PathwayDecision
    bill_change: str | None
    cancels: str | None
    cancels_number: str
    cancelled_decision: PathwayDecision | None
    filing: str | None
    number: str


@dataclass(frozen=True, slots=True)
class Work:
    """What one step needs, read from the store."""

    stage: str
    trip: Trip
    amendment: str
    manifest: str
    version: int
    items: tuple[Item, ...]
    numbers: tuple[int, ...] = ()


def trips_to_plan(conn: Connection, limit: int = 10, *, without: Collection[str] = ()) -> list[str]:
    """Trips with an amendment that is not made yet; those of ``without`` leave their room to others."""
    query = (
        select(t.trips.c.trip_number)
        .where(t.trips.c.plan_stage.in_(STAGES[:-1]), t.trips.c.trip_number.not_in(sorted(without)))
        .order_by(t.trips.c.updated_at)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def next_work(conn: Connection, ctx: FilingContext, trip_number: str) -> Work | None:
    """The next step of a trip's amendment, or ``None`` when it is made."""
    row = load_trip(conn, trip_number)
    if row.plan_stage not in STAGES[:-1]:
        return None
    amendment = open_amendment(conn, trip_number)
    if amendment is None:
        raise LookupError(f"trip {trip_number} is at {row.plan_stage} without an amendment")
    items = _items(conn, ctx, row, amendment)
    return Work(
        row.plan_stage,
        read_trip(row.document),
        amendment.id,
        amendment.manifest_filing_id or "",
        amendment.manifest_version or 1,
        items,
    )


def open_amendment(conn: Connection, trip_number: str) -> Row[Any] | None:
    """The amendment of a trip that is being made."""
    table = t.amendments
    query = select(table).where(table.c.trip_number == trip_number, table.c.finished_at.is_(None)).limit(1)
    return conn.execute(query).first()


def _items(conn: Connection, ctx: FilingContext, trip: Row[Any], amendment: Row[Any]) -> tuple[Item, ...]:
    items, shipments, filings = t.amendment_items, t.shipments, t.filings
    cancelled = t.filings.alias("cancelled")
    before = t.filing_versions
    query = (
        select(
            items,
            shipments.c.document,
            shipments.c.decision,
            filings.c.entry_number,
            cancelled.c.entry_number.label("cancels_number"),
            before.c.content.label("before"),
        )
        .join(shipments, shipments.c.key == items.c.shipment_key)
        .outerjoin(filings, filings.c.id == items.c.new_filing_id)
        .outerjoin(cancelled, cancelled.c.id == items.c.cancels_filing_id)
        .outerjoin(before, (before.c.filing_id == items.c.cancels_filing_id) & (before.c.version == 1))
        .where(items.c.amendment_id == amendment.id, items.c.position > trip.planned_through)
        .order_by(items.c.position)
    )
    stage, limits = trip.plan_stage, ctx.limits
    if stage == "amend_manifest":
        query = query.where(items.c.bill_change.is_not(None))
    elif stage == "cancel_entries":
        query = query.where(items.c.cancels_filing_id.is_not(None)).limit(limits.entries_per_transmission)
    elif stage == "amend_entries":
        query = query.where(filings.c.kind == "entry").limit(limits.entries_per_transmission)
    else:
        query = query.where(filings.c.kind == "handoff").limit(limits.handoffs_per_step)
    return tuple(_item(row) for row in conn.execute(query))


def _item(row: Row[Any]) -> Item:
    before = (row.before or {}).get("decision")
    return Item(
        row.position,
        row.shipment_key,
        Shipment.model_validate(row.document),
        PathwayDecision.from_dict(row.decision),
        row.bill_change,
        row.cancels_filing_id,
        row.cancels_number or "",
        PathwayDecision.from_dict(before) if before else None,
        row.new_filing_id,
        row.entry_number or "",
    )


def numbers_for(conn: Connection, ctx: FilingContext, work: Work) -> Work:
    """Draw the control numbers of the step; committed before anything is written with them."""
    if not work.items:
        return work
    if work.stage == "amend_manifest":
        messages = -(-len(work.items) // ctx.limits.bills_per_manifest)
        return replace(work, numbers=tuple(allocate(conn, interchange_sequence(ctx.partner), messages)))
    if work.stage in ("cancel_entries", "amend_entries"):
        return replace(work, numbers=tuple(allocate(conn, f"batch:{ctx.partner}", 1)))
    return work


@dataclass(frozen=True, slots=True)
class Made:
    """What a step has made, ready to be stored."""

    work: Work
    drafts: tuple[Draft, ...] = ()
    packages: tuple[bytes, ...] = ()


def make(ctx: FilingContext, work: Work, now: datetime) -> Made:
    """Do the step: pure, and the only part that takes long."""
    if not work.items:
        return Made(work)
    if work.stage == "amend_manifest":
        return Made(work, drafts=tuple(manifest_drafts(ctx, work, now)))
    if work.stage == "cancel_entries":
        return Made(work, drafts=(_batch(ctx, work, [cancellation(ctx, work.trip, one) for one in work.items], now),))
    if work.stage == "amend_entries":
        new = [
            list(build_entry(one.shipment, one.decision, work.trip, ctx.filer, one.number).records)
            for one in work.items
        ]
        return Made(work, drafts=(_batch(ctx, work, new, now),))
    return Made(work, packages=tuple(package(work.trip, one, now) for one in work.items))


def package(trip: Trip, one: Item, now: datetime) -> bytes:
    """What a broker gets for goods that came off the truck: with the arrival that was judged, and without a bill."""
    judged = trip.model_copy(update={"estimated_arrival": one.decision.arrival})
    bill: Bill = "deleted" if one.bill_change == "delete" else "never_on_file"
    return zip_package(build_package(one.shipment, one.decision, judged, now, bill), now)


def manifest_drafts(ctx: FilingContext, work: Work, now: datetime) -> list[Draft]:
    """The 309 messages of type Y. A bill that goes is not answered for its shipment: that is off the truck."""
    changes = [
        BillChange(cast("Change", one.bill_change), one.shipment, None if one.bill_change == "delete" else one.decision)
        for one in work.items
    ]
    messages = build_amendment(work.trip, changes, ctx.profile, limit=ctx.limits.bills_per_manifest)
    drafts: list[Draft] = []
    start = 0
    for message, number in zip(messages, work.numbers, strict=True):
        chunk = work.items[start : start + len(message.scns)]
        start += len(chunk)
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
                carries=tuple((work.manifest, None if one.bill_change == "delete" else one.key) for one in chunk),
                priority=BILLS_FIRST,
                version=work.version,
            )
        )
    return drafts


def cancellation(ctx: FilingContext, trip: Trip, one: Item) -> list[Record]:
    """The SE transaction that cancels an entry, naming the one that takes its place if there is one."""
    reason, references = (REPLACED, [("EN", one.number)]) if one.number else (NOT_COMING, [])
    made = build_entry(
        one.shipment,
        one.cancelled_decision or one.decision,
        trip,
        ctx.filer,
        one.cancels_number,
        action="D",
        reason_code=reason,
        references=references,
    )
    return list(made.records)


def _batch(ctx: FilingContext, work: Work, transactions: list[list[Record]], now: datetime) -> Draft:
    cancelling = work.stage == "cancel_entries"
    reference = batch_reference(work.numbers[0])
    carries: tuple[tuple[str, str | None], ...] = tuple(
        (one.cancels or "", None) if cancelling else (one.filing or "", one.key) for one in work.items
    )
    return Draft(
        id=uuid7(),
        name=f"SE-{ctx.filer.code}-{reference}.txt",
        application="SE",
        control_number=reference,
        correlation=reference,
        content_type=CATAIR,
        payload=entry_bytes(ctx, transactions, reference, now),
        trip_number=work.trip.trip_number,
        carries=carries,
        priority=CANCELLATIONS_NEXT if cancelling else 100,
        version=CANCELLED_VERSION if cancelling else 1,
    )


def store(conn: Connection, ctx: FilingContext, made: Made, now: datetime) -> bool:
    """Commit what a step has made and move the trip on; ``False`` if somebody else has done the step meanwhile."""
    work = made.work
    number = work.trip.trip_number
    row = load_trip(conn, number, lock=True)
    if row.plan_stage != work.stage or (work.items and row.planned_through >= work.items[0].position):
        return False
    if made.drafts:
        if work.stage == "amend_manifest":
            use_scns(conn, [one.key for one in work.items], eastern_day(now))
        queue(conn, ctx.partner, ctx.channel, list(made.drafts), now)
    if made.packages:
        _store_handoffs(conn, made, now)
    again = bool(work.items) and work.stage != "amend_manifest"
    following = work.stage if again else STAGES[STAGES.index(work.stage) + 1]
    values: dict[str, Any] = {
        "plan_stage": following,
        "planned_through": work.items[-1].position if again else 0,
        "updated_at": now,
    }
    conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(values))
    if following == "done":
        finished = update(t.amendments).where(t.amendments.c.id == work.amendment)
        conn.execute(finished.values(finished_at=now))
        tell_trip(conn, number, now)
    return True


def _store_handoffs(conn: Connection, made: Made, now: datetime) -> None:
    """Keep the packages. Their shipments stay off the truck: a package that is ready moves none of them."""
    work = made.work
    entries = [
        archive.Entry(
            archive.EntryKind.DOCUMENT,
            f"handoff package of {one.shipment.scn}",
            package,
            now,
            "application/zip",
            trip_number=work.trip.trip_number,
            shipment_key=one.key,
            filing_id=one.filing,
            scn=one.shipment.scn,
        )
        for one, package in zip(work.items, made.packages, strict=True)
    ]
    archive.append(conn, entries)
    ready = update(t.filings).where(t.filings.c.id == bindparam("of"))
    conn.execute(
        ready.values(state=FilingState.READY.value, updated_at=now), [{"of": one.filing} for one in work.items]
    )
    moves = Moves()
    for filing in filings_of(conn, [one.filing for one in work.items if one.filing]):
        scn = filing.scn or ""
        told = (EventType.HANDOFF_READY, filing.id, "handoff", filing.trip_number, filing.shipment_key, scn, now)
        moves.events.append(filing_event(*told))
    write(conn, moves, now)
