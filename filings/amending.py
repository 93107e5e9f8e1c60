"""How does a change of what has been filed become messages in the outbox?

An amendment is asked for in one transaction (:mod:`filings.refiling` does it for what has lapsed,
:mod:`filings.amendments` for what a person words): its items say what happens to each shipment, its new filings exist
and have their entry numbers. The rest is done in steps as planning does its own, each small, each in a transaction of
its own, each safe to repeat after a crash:

1. ``amend_manifest``: the 309 messages of type Y are written and queued, or the one that deletes the manifest.
2. ``amend_consist``: the 358 that ties bills to the trip or takes them off it.
3. ``cancel_entries``: the entries that go are cancelled (SE action D), each with its reason.
4. ``change_entries``: entries that stay are replaced, updated or filed again (SE action R, U or A).
5. ``amend_entries``: the entries that take another's place are written and queued.
6. ``amend_handoffs``: the packages for the licensed broker are made.
7. ``complete_manifest``: a manifest that CBP holds as preliminary is completed, once CBP has answered what went before
   and refuses no bill of it any more.

A truck's bills go before its entries, as they do when a trip is filed. One trip has one amendment at a time. What the
messages say is :mod:`filings.amending_messages`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, or_, select, update

from filings import archive
from filings.alerts import Alert
from filings.amending_messages import (
    ENTRY_STAGES,
    MANIFEST_STAGES,
    STAGES,
    TIES,
    Item,
    Made,
    Work,
    make,
)
from filings.context import FilingContext
from filings.control_numbers import allocate, interchange_sequence, use_scns
from filings.judging import eastern_day
from filings.lifecycle import Act, Did, EventType, FilingInput, FilingState, ShipmentState
from filings.moves import Moves, filing_event, move_filing
from filings.outbox import WITHDRAWN, queue
from filings.progress import filings_of, load, tell, write
from filings.store import tables as t
from filings.trips import bills_not_taken, load_trip
from filings.verdicts import tell_trip
from filings.versions import actions_of
from filings.wording import MANIFEST_SETS
from mappings.decision import PathwayDecision
from schemas.shipment import Shipment
from schemas.trip import read_trip

__all__ = ["STAGES", "Made", "Work", "make", "next_work", "numbers_for", "open_amendment", "store", "trips_to_plan"]

_GONE: Final = (ShipmentState.IN_REVIEW.value, ShipmentState.REFUSED.value)


def trips_to_plan(conn: Connection, limit: int = 10, *, without: Collection[str] = ()) -> list[str]:
    """Trips with an amendment that is not made yet; those of ``without`` leave their room to others.

    A manifest that is to be completed waits until CBP has answered what went before.
    """
    sent = t.transmissions
    awaited = select(sent.c.id).where(
        sent.c.direction == "out",
        sent.c.application.in_(MANIFEST_SETS),
        sent.c.trip_number == t.trips.c.trip_number,
        sent.c.answered_at.is_(None),
        sent.c.state != WITHDRAWN,
    )
    query = (
        select(t.trips.c.trip_number)
        .where(
            t.trips.c.plan_stage.in_(STAGES[:-1]),
            t.trips.c.trip_number.not_in(sorted(without)),
            or_(t.trips.c.plan_stage != "complete_manifest", ~awaited.exists()),
        )
        .order_by(t.trips.c.updated_at)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def next_work(conn: Connection, ctx: FilingContext, trip_number: str, known: None = None) -> Work | None:
    """The next step of a trip's amendment, or ``None`` when it is made. Nothing is known before: each step reads."""
    del known
    row = load_trip(conn, trip_number)
    if row.plan_stage not in STAGES[:-1]:
        return None
    amendment = open_amendment(conn, trip_number)
    if amendment is None:
        raise LookupError(f"trip {trip_number} is at {row.plan_stage} without an amendment")
    work = Work(
        row.plan_stage,
        read_trip(row.document),
        amendment.id,
        amendment.manifest_filing_id or "",
        amendment.manifest_version or 1,
        _items(conn, ctx, row, amendment),
        _of_trip(conn, row, amendment),
        None if amendment.purpose == "refile" else amendment.reason_code or "",
        completes=amendment.completes,
    )
    return replace(work, aboard=_aboard(conn, amendment)) if work.of_trip == "delete" else work


def _of_trip(conn: Connection, trip: Row[Any], amendment: Row[Any]) -> str:
    """What the step says of the trip itself."""
    if trip.plan_stage == "amend_manifest":
        return amendment.trip_change or ""
    if trip.plan_stage == "complete_manifest" and amendment.completes and trip.held_as == "preliminary":
        return "" if bills_not_taken(conn, trip.trip_number) else "complete"
    return ""


def _aboard(conn: Connection, amendment: Row[Any]) -> tuple[str, ...]:
    """The shipments whose bills are on the manifest that is deleted."""
    items = t.amendment_items
    query = select(items.c.shipment_key).where(items.c.amendment_id == amendment.id, items.c.bill_change == "gone")
    return tuple(conn.execute(query.order_by(items.c.position)).scalars())


def open_amendment(conn: Connection, trip_number: str) -> Row[Any] | None:
    """The amendment of a trip that is being made."""
    table = t.amendments
    query = select(table).where(table.c.trip_number == trip_number, table.c.finished_at.is_(None)).limit(1)
    return conn.execute(query).first()


def _items(conn: Connection, ctx: FilingContext, trip: Row[Any], amendment: Row[Any]) -> tuple[Item, ...]:
    items, shipments, filings = t.amendment_items, t.shipments, t.filings
    cancelled, changed = filings.alias("cancelled"), filings.alias("changed")
    before, first = t.declared.alias("before"), t.filing_versions
    query = (
        select(
            items,
            shipments.c.document,
            shipments.c.decision,
            shipments.c.state,
            filings.c.entry_number,
            cancelled.c.entry_number.label("cancels_number"),
            cancelled.c.version.label("cancels_version"),
            changed.c.entry_number.label("changes_number"),
            changed.c.version.label("changes_version"),
            before.c.content.label("before"),
            first.c.content.label("first"),
        )
        .join(shipments, shipments.c.key == items.c.shipment_key)
        .outerjoin(filings, filings.c.id == items.c.new_filing_id)
        .outerjoin(cancelled, cancelled.c.id == items.c.cancels_filing_id)
        .outerjoin(changed, changed.c.id == items.c.changes_filing_id)
        .outerjoin(
            before, and_(before.c.filing_id == items.c.cancels_filing_id, before.c.subject == items.c.shipment_key)
        )
        .outerjoin(first, and_(first.c.filing_id == items.c.cancels_filing_id, first.c.version == 1))
        .where(items.c.amendment_id == amendment.id, items.c.position > trip.planned_through)
        .order_by(items.c.position)
    )
    stage, limits = trip.plan_stage, ctx.limits
    if stage == "amend_manifest":
        query = query.where(items.c.bill_change.in_(("add", "replace", "delete")))
    elif stage == "amend_consist":
        query = query.where(items.c.bill_change.in_(TIES))
    elif stage == "cancel_entries":
        query = query.where(items.c.cancels_filing_id.is_not(None)).limit(limits.entries_per_transmission)
    elif stage == "change_entries":
        query = query.where(items.c.changes_filing_id.is_not(None)).limit(limits.entries_per_transmission)
    elif stage == "amend_entries":
        query = query.where(filings.c.kind == "entry").limit(limits.entries_per_transmission)
    elif stage == "amend_handoffs":
        query = query.where(filings.c.kind == "handoff").limit(limits.handoffs_per_step)
    else:
        return ()
    return tuple(_item(row) for row in conn.execute(query))


def _item(row: Row[Any]) -> Item:
    before: Mapping[str, Any] = row.before or row.first or {}
    decided, shipped = before.get("decision"), before.get("shipment")
    return Item(
        row.position,
        row.shipment_key,
        Shipment.model_validate(row.document),
        PathwayDecision.from_dict(row.decision),
        row.bill_change,
        row.cancels_filing_id,
        row.cancels_number or "",
        row.cancels_version or 1,
        row.cancels_reason or "",
        row.cancels_reference or "",
        Shipment.model_validate(shipped) if shipped else None,
        PathwayDecision.from_dict(decided) if decided else None,
        row.changes_filing_id,
        row.changes_number or "",
        row.changes_version or 1,
        row.entry_action or "",
        row.new_filing_id,
        row.entry_number or "",
        row.state in _GONE,
    )


def numbers_for(conn: Connection, ctx: FilingContext, work: Work) -> Work:
    """Draw the control numbers of the step; committed before anything is written with them."""
    count = work.messages(ctx.limits.bills_per_manifest)
    if not count:
        return work
    sequence = interchange_sequence(ctx.partner) if work.stage in MANIFEST_STAGES else f"batch:{ctx.partner}"
    return replace(work, numbers=tuple(allocate(conn, sequence, count)))


def store(conn: Connection, ctx: FilingContext, made: Made, now: datetime) -> bool:
    """Commit what a step has made and move the trip on; ``False`` if somebody else has done the step meanwhile."""
    work = made.work
    number = work.trip.trip_number
    row = load_trip(conn, number, lock=True)
    if row.plan_stage != work.stage or (work.items and row.planned_through >= work.items[0].position):
        return False
    if made.drafts:
        if work.stage == "amend_manifest" and work.items:
            use_scns(conn, [one.key for one in work.items], eastern_day(now))
        queue(conn, ctx.partner, ctx.channel, list(made.drafts), now)
    if made.packages:
        _store_handoffs(conn, made, now)
    if work.stage == "complete_manifest" and work.completes and not made.drafts:
        _not_completed(conn, work, now)
    again = bool(work.items) and work.stage in (*ENTRY_STAGES, "amend_handoffs")
    following = work.stage if again else STAGES[STAGES.index(work.stage) + 1]
    if following == "complete_manifest" and not work.completes:
        following = "done"
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


def _not_completed(conn: Connection, work: Work, now: datetime) -> None:
    """Another bill was refused meanwhile, so no completion goes out: a version that was only that waits for nothing."""
    text = "A bill of it is refused, so no completion was sent"
    alone = actions_of(conn, {work.manifest}).get((work.manifest, work.version)) == "Z"
    moves = Moves()
    for manifest in filings_of(conn, {work.manifest} if alone else ()):
        if manifest.version == work.version:
            move_filing(manifest, FilingInput.REJECTED, moves, now, {"source": "gateway", "text": text})
    named = {"trip_number": work.trip.trip_number, "filing_id": work.manifest}
    told = f"The manifest of trip {work.trip.trip_number} stays preliminary. {text}."
    moves.alerts.append(Alert("completion_refused", told, "warning", {}, **named))
    write(conn, moves, now)


def _store_handoffs(conn: Connection, made: Made, now: datetime) -> None:
    """Keep the packages. Shipments that came off the truck stay off it: a package that is ready moves only others."""
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
    aboard = load(conn, [one.key for one in work.items if not one.gone])
    for known in aboard.values():
        tell(known, Did(Act.PACKAGE_READY, now, "handoff"), moves, now)
    for filing in filings_of(conn, [one.filing for one in work.items if one.filing]):
        scn = filing.scn or ""
        told = (EventType.HANDOFF_READY, filing.id, "handoff", filing.trip_number, filing.shipment_key, scn, now)
        moves.events.append(filing_event(*told))
    write(conn, moves, now)
