"""What would be filed for these shipments, as things stand on their trip?

Joins what the store knows (what a person has been sent that day, which orders are already on the truck)
with the pure decision, and tests that each shipment fits into the messages it would ride in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, delete, insert, select, text

from filings.context import FilingContext
from filings.store import tables as t
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide, decide_trip, eastern_day, survey
from mappings.entry import check_entry
from mappings.manifest import bill_segments
from mappings.person import person_key
from schemas.errors import FormatError, Problem
from schemas.shipment import Shipment
from schemas.trip import Trip

__all__ = ["Judged", "count_days", "decide_all", "eastern_day", "fit", "hold_people", "judge", "ledger_of_others"]

CHUNK = 400
DAY_LOCKS = 64
"""Locks that the people of one Eastern day share on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with the shipment it is about."""

    shipment_key: str
    shipment: Shipment
    decision: PathwayDecision


def judge(conn: Connection, ctx: FilingContext, trip: Trip, pairs: Sequence[tuple[str, Shipment]]) -> list[Judged]:
    """The pathway of each shipment as things stand, counting what is staged for the same people already."""
    shipments = [shipment for _, shipment in pairs]
    hold_people(conn, trip, shipments)
    ledger = _ledger(conn, trip, pairs)
    lots, totals = survey(shipments)
    judged: list[Judged] = []
    for key, shipment in pairs:
        decision, ledger = decide(
            shipment,
            trip,
            trip.arrival,
            ledger,
            ctx.rules,
            lots=lots,
            totals=totals,
            default_importer=ctx.filer.default_importer,
        )
        judged.append(Judged(key, shipment, decision))
    return judged


def _ledger(conn: Connection, trip: Trip, pairs: Sequence[tuple[str, Shipment]]) -> DayLedger:
    """What the store knows of the people and orders of these shipments, without what they counted themselves."""
    day = eastern_day(trip.arrival)
    shipments = [shipment for _, shipment in pairs]
    own = {key for key, _ in pairs}
    people = {_hashed(person): person for person in {person_key(shipment.consignee) for shipment in shipments}}
    ledger = DayLedger()
    counted: dict[str, tuple[str, Decimal]] = {}
    for hashes in _chunks(sorted(people)):
        query = select(t.day_ledger.c.person_key, t.day_ledger.c.shipment_key, t.day_ledger.c.value).where(
            t.day_ledger.c.eastern_day == day, t.day_ledger.c.person_key.in_(hashes)
        )
        for row in conn.execute(query):
            if row.shipment_key not in own:
                counted[row.shipment_key] = (people[row.person_key], row.value)
    known = {shipment.shipment_id for shipment in shipments}
    for orders in _chunks(sorted({shipment.order_id for shipment in shipments})):
        columns = (t.shipments.c.key, t.shipments.c.shipment_id, t.shipments.c.order_id, t.shipments.c.document)
        query = select(*columns).where(
            t.shipments.c.trip_number == trip.trip_number, t.shipments.c.order_id.in_(orders)
        )
        for one in conn.execute(query).mappings():
            if one["shipment_id"] not in known:
                person = person_key(Shipment.model_validate(one["document"]).consignee)
                amount = counted.pop(one["key"], (person, Decimal(0)))[1]
                ledger = ledger.with_added(person, day, one["shipment_id"], one["order_id"], amount)
    for key, (person, amount) in counted.items():
        ledger = ledger.with_added(person, day, key, f"shipment {key}", amount)
    return ledger


def hold_people(conn: Connection, trip: Trip, shipments: Sequence[Shipment]) -> None:
    """Until commit, let nobody else count for the people of these shipments on this Eastern day.

    What is read of a day after this is still true when it is written. People share a fixed number of locks, so that
    a long trip holds no more of them than a short one. SQLite's writer already holds the whole file.
    """
    if conn.dialect.name != "postgresql":
        return
    day = eastern_day(trip.arrival).toordinal()
    places = {crc32(person_key(shipment.consignee).encode()) % DAY_LOCKS for shipment in shipments}
    for place in sorted(places):  # always in this order: two transactions never wait for each other
        conn.execute(text("SELECT pg_advisory_xact_lock(:day, :place)"), {"day": day, "place": place})


def ledger_of_others(conn: Connection, trip: Trip, shipments: Sequence[Shipment]) -> DayLedger:
    """What other trips of the same Eastern day bring to the people of these shipments."""
    day = eastern_day(trip.arrival)
    people = {_hashed(person): person for person in {person_key(shipment.consignee) for shipment in shipments}}
    ledger = DayLedger()
    for hashes in _chunks(sorted(people)):
        query = (
            select(t.day_ledger.c.person_key, t.day_ledger.c.shipment_key, t.day_ledger.c.value)
            .join(t.shipments, t.shipments.c.key == t.day_ledger.c.shipment_key)
            .where(
                t.day_ledger.c.eastern_day == day,
                t.day_ledger.c.person_key.in_(hashes),
                t.shipments.c.trip_number != trip.trip_number,
            )
        )
        for one in conn.execute(query):
            key = one.shipment_key
            ledger = ledger.with_added(people[one.person_key], day, key, f"shipment {key}", one.value)
    return ledger


def decide_all(
    ctx: FilingContext, trip: Trip, pairs: Sequence[tuple[str, Shipment]], ledger: DayLedger | None = None
) -> list[Judged]:
    """The final pathways of a whole trip, in manifest order, after what ``ledger`` has counted already.

    A shipment whose final pathway differs from the staged one and that does not fit its messages is not
    lost and stops nobody: it goes to review with what is wrong.
    """
    shipments = [shipment for _, shipment in pairs]
    decisions = decide_trip(
        shipments, trip, trip.arrival, ctx.rules, ledger, default_importer=ctx.filer.default_importer
    )
    return [
        Judged(key, shipment, _fitting(ctx, trip, shipment, decision))
        for (key, shipment), decision in zip(pairs, decisions, strict=True)
    ]


def _fitting(ctx: FilingContext, trip: Trip, shipment: Shipment, decision: PathwayDecision) -> PathwayDecision:
    problems, _ = fit(ctx, trip, shipment, decision)
    if not problems:
        return decision
    reason = f"It would go as {decision.pathway}, but does not fit the message: {problems[0].text}"
    return replace(
        decision,
        pathway="review",
        entry_type="",
        reasons=(*decision.reasons, reason),
        needs=(*decision.needs, *problems),
        counted=Decimal(0),
    )


def fit(
    ctx: FilingContext, trip: Trip, shipment: Shipment, decision: PathwayDecision
) -> tuple[tuple[Problem, ...], list[dict[str, Any]]]:
    """What keeps the shipment out of its messages, and what would be written otherwise than given."""
    if decision.pathway == "review":
        return (), []
    problems: list[Problem] = []
    notes: list[dict[str, Any]] = []
    try:
        notes = [note.as_dict() for note in bill_segments(shipment, decision, trip, ctx.profile, 1).notes]
    except FormatError as error:
        problems.extend(error.problems)
    if decision.pathway in ("type86", "informal"):
        problems.extend(check_entry(shipment, decision, trip, ctx.filer))
    return tuple(dict.fromkeys(problems)), [*notes, *_capitals(shipment)]


def _capitals(shipment: Shipment) -> list[dict[str, Any]]:
    """One note for all that is written in capitals: CBP has no lower case (see :mod:`schemas.text`)."""
    written = {
        "consignee.name": shipment.consignee.name,
        "consignee.address": " ".join((*shipment.consignee.address.lines, shipment.consignee.address.city)),
        "shipper.name": shipment.shipper.name,
        "shipper.address": " ".join((*shipment.shipper.address.lines, shipment.shipper.address.city)),
        "place_of_receipt": shipment.place_of_receipt,
        "lines.description": " ".join(line.description for line in shipment.lines),
    }
    lowered = [path for path, text in written.items() if text != text.upper()]
    if not lowered:
        return []
    return [{"kind": "upper_cased", "path": ", ".join(lowered), "text": "Written in capitals: CBP has no lower case."}]


def count_days(conn: Connection, trip: Trip, judged: Sequence[Judged]) -> None:
    """Write what these shipments count toward their people's day; what they counted before is replaced."""
    for keys in _chunks([one.shipment_key for one in judged]):
        conn.execute(delete(t.day_ledger).where(t.day_ledger.c.shipment_key.in_(keys)))
    day = eastern_day(trip.arrival)
    rows = [
        {
            "person_key": _hashed(one.decision.person),
            "eastern_day": day,
            "shipment_key": one.shipment_key,
            "pathway": one.decision.pathway,
            "value": one.decision.counted.quantize(Decimal("0.01")),
        }
        for one in judged
        if one.decision.counted
    ]
    if rows:
        conn.execute(insert(t.day_ledger), rows)


def _hashed(person: str) -> str:
    """A person's key as it is stored: no name or address can be read in the ledger."""
    return hashlib.sha256(person.encode()).hexdigest()


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
