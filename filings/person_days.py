"""What has each person been sent on an Eastern day, and which orders travel in several parcels?

Rules:

- A shipment counts on the day of the arrival it was judged for. It stops counting there when it is judged for another.
- What the people of a trip are sent by *other* trips of the day is known to its decision, and so are the other
  parcels of its orders, on whatever trip and day they travel: the law asks about one order, not one truck.
- A parcel that still stands on a draft of another trip is the same parcel, put twice; it is not charged against itself.
- Amounts are kept in whole cents, rounded up: many parcels of parts of a cent do not pass a limit unseen.
- People are stored under a digest: no name or address can be read in the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any, Final, Protocol
from zlib import crc32

from sqlalchemy import Connection, Row, Select, delete, insert, select, text, true, update

from filings.store import tables as t
from filings.store.one_of import one_of
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, eastern_day
from mappings.person import person_key
from schemas.shipment import Shipment
from schemas.trip import Trip

CHUNK: Final = 2_000
DAY_LOCKS: Final = 64
"""Locks that the people of one Eastern day share on PostgreSQL."""
CENT: Final = Decimal("0.01")


class Counted(Protocol):
    """A decision with the shipment it is about."""

    @property
    def shipment_key(self) -> str: ...
    @property
    def decision(self) -> PathwayDecision: ...


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
    """What other trips bring to the people and orders of these shipments."""
    return _ledger(conn, trip, shipments, own=None)


def ledger_while_staging(conn: Connection, trip: Trip, shipments: Sequence[Shipment], own: Iterable[str]) -> DayLedger:
    """The same with what is staged on this trip already, without the shipments of the keys ``own``."""
    return _ledger(conn, trip, shipments, own=frozenset(own))


def _ledger(conn: Connection, trip: Trip, shipments: Sequence[Shipment], own: frozenset[str] | None) -> DayLedger:
    day = eastern_day(trip.arrival)
    ids = {shipment.shipment_id for shipment in shipments}
    people = {_hashed(person): person for person in {person_key(shipment.consignee) for shipment in shipments}}
    orders = {shipment.order_id for shipment in shipments}
    ledger = DayLedger()
    counted: dict[str, tuple[str, Decimal]] = {}
    elsewhere = t.shipments.c.trip_number != trip.trip_number if own is None else true()
    for query in _counted_queries(day, sorted(people)):
        for row in conn.execute(query.where(elsewhere)):
            if _is_another(row, trip, ids, own):
                counted[row.key] = (people[row.person_key], row.value)
    for query in _order_queries(sorted(orders)):
        for row in conn.execute(query.where(elsewhere)):
            if _is_another(row, trip, ids, own):
                person = person_key(Shipment.model_validate(row.document).consignee)
                amount = counted.pop(row.key, (person, Decimal(0)))[1]
                ledger = ledger.with_added(person, day, _name(row, trip), row.order_id, amount)
    for key, (person, amount) in counted.items():
        ledger = ledger.with_added(person, day, key, f"shipment {key}", amount)
    return ledger


def _name(row: Row[Any], trip: Trip) -> str:
    """What the ledger calls a parcel: its id on this trip, its key on another (ids are the callers' own)."""
    return str(row.shipment_id if row.trip_number == trip.trip_number else row.key)


def _is_another(row: Row[Any], trip: Trip, ids: set[str], own: frozenset[str] | None) -> bool:
    """Whether the row is another parcel than those that are being decided."""
    if row.trip_number == trip.trip_number:
        return own is not None and row.key not in own and row.shipment_id not in ids
    return not (row.state == "draft" and row.shipment_id in ids)


_PARCEL: Final = (t.shipments.c.key, t.shipments.c.shipment_id, t.shipments.c.trip_number, t.trips.c.state)


def _counted_queries(day: Any, people: Sequence[str]) -> Iterator[Select[Any]]:
    joined = t.day_ledger.join(t.shipments, t.shipments.c.key == t.day_ledger.c.shipment_key).join(
        t.trips, t.trips.c.trip_number == t.shipments.c.trip_number
    )
    for hashes in chunks(people):
        yield (
            select(*_PARCEL, t.day_ledger.c.person_key, t.day_ledger.c.value)
            .select_from(joined)
            .where(t.day_ledger.c.eastern_day == day, one_of(t.day_ledger.c.person_key, hashes))
        )


def _order_queries(orders: Sequence[str]) -> Iterator[Select[Any]]:
    joined = t.shipments.join(t.trips, t.trips.c.trip_number == t.shipments.c.trip_number)
    for some in chunks(orders):
        yield (
            select(*_PARCEL, t.shipments.c.order_id, t.shipments.c.document)
            .select_from(joined)
            .where(one_of(t.shipments.c.order_id, some))
            .order_by(t.shipments.c.key)
        )


def count_days(conn: Connection, trip: Trip, judged: Sequence[Counted]) -> None:
    """Write what these shipments count toward their people's day; what they counted before is replaced."""
    for keys in chunks([one.shipment_key for one in judged]):
        conn.execute(delete(t.day_ledger).where(one_of(t.day_ledger.c.shipment_key, keys)))
    day = eastern_day(trip.arrival)
    rows = [
        {
            "person_key": _hashed(one.decision.person),
            "eastern_day": day,
            "shipment_key": one.shipment_key,
            "pathway": one.decision.pathway,
            "value": one.decision.counted.quantize(CENT, ROUND_UP),
        }
        for one in judged
        if one.decision.counted
    ]
    if rows:
        conn.execute(insert(t.day_ledger), rows)


def move_days(conn: Connection, trip: Trip) -> None:
    """Let everything on the trip count on the Eastern day of its arrival."""
    on_the_trip = select(t.shipments.c.key).where(t.shipments.c.trip_number == trip.trip_number)
    moved = update(t.day_ledger).where(t.day_ledger.c.shipment_key.in_(on_the_trip))
    conn.execute(moved.values(eastern_day=eastern_day(trip.arrival)))


def _hashed(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()


def chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    """The items in pieces that one statement takes."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
