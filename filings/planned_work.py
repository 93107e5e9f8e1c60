"""Which trips wait to be planned, and what does the next step of one need?

Whoever does several steps of a trip one after the other need not read its shipments from the store each time: what the
step before knew of them is handed on (:class:`Known`). While a trip is being planned nobody may change its shipments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, select

from filings.context import FilingContext
from filings.judging import Judged
from filings.lapsing import possible_arrival
from filings.person_days import ledger_of_others
from filings.store import tables as t
from filings.store.types import canonical_json
from filings.trips import load_trip
from filings.wording import ENTERED
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision
from mappings.manifest_bill import BillSegments
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip

STAGES: Final = ("decide", "manifest", "entries", "handoffs", "done")
PAGE: Final = 500
"""Rows in one statement."""
SMALL: Final = 100
"""Shipments up to which a trip is small: it is planned and sent in a lane of its own, never behind a truckload."""


def is_small(last: int) -> bool:
    """Whether a trip is small whose last shipment has this place on the truck, from 1."""
    return last <= SMALL


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


def border_waits(conn: Connection) -> bool:
    """Whether answers of CBP's are unread or messages of ours unsent, for which trucks may stand at the border."""
    table = t.transmissions.c
    unread = and_(table.direction == "in", table.state == "received")
    unsent = and_(table.direction == "out", table.state == "queued", table.attempts == 0)
    return any(conn.execute(select(table.id).where(one).limit(1)).first() for one in (unread, unsent))


@dataclass(frozen=True, slots=True)
class Known:
    """What was decided of a trip's shipments, as they and the trip were then."""

    trip: Trip
    version: int
    judged: Mapping[str, Judged]

    def of(self, trip: Row[Any], keys: Sequence[str]) -> bool:
        """Whether it is of this trip in this version, and of all these shipments."""
        same = (self.trip.trip_number, self.version) == (trip.trip_number, trip.version)
        return same and all(key in self.judged for key in keys)

    def bills(self, trip: Trip, keys: Sequence[str]) -> list[BillSegments | None]:
        """The bills of these shipments as they were tried when they were decided; none if the trip was another then."""
        return [self.judged[key].bill for key in keys] if trip == self.trip else []


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
    known: Known | None = None
    staged: tuple[bytes, ...] = ()
    """While it is decided: the mark (:func:`mark_of`) of the decision that each shipment has had until now."""


def next_work(conn: Connection, ctx: FilingContext, trip_number: str, known: Known | None = None) -> Work | None:
    """The next step of a trip, or ``None`` when its planning is done.

    ``known`` is of the step before, by the same hand, after it was committed.
    """
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
    places = conn.execute(_shipments_of(ctx, row, stage)).all()
    keys = tuple(one.key for one in places)
    decisions: list[PathwayDecision] = []
    staged: list[bytes] = []
    if stage == "decide" or known is None or not known.of(row, keys):
        known = None
        shipments, decisions, staged = _read(conn, ctx, row, stage)
    else:
        shipments = [known.judged[key].shipment for key in keys]
        decisions = [known.judged[key].decision for key in keys]
    return Work(
        stage,
        trip,
        row.version,
        manifest,
        keys,
        tuple(one.position for one in places),
        tuple(shipments),
        tuple(decisions),
        tuple(one.entry_filing_id for one in places),
        ledger=None if stage != "decide" else ledger_of_others(conn, trip, shipments),
        known=known,
        staged=tuple(staged),
    )


def mark_of(decision: bytes) -> bytes:
    """What tells one decision from another, made of its canonical form: a truckload of them whole is much to hold."""
    return hashlib.blake2b(decision, digest_size=16).digest()


def _read(
    conn: Connection, ctx: FilingContext, trip: Row[Any], stage: str
) -> tuple[list[Shipment], list[PathwayDecision], list[bytes]]:
    """The shipments of a step; their decisions, once they are made; before that the marks of the staged ones."""
    table = t.shipments.c
    query = _shipments_of(ctx, trip, stage).with_only_columns(table.document, table.decision)
    shipments: list[Shipment] = []
    decisions: list[PathwayDecision] = []
    staged: list[bytes] = []
    found = conn.execute(query).partitions(PAGE)  # not all at once: a trip may be long
    for one in chain.from_iterable(found):
        shipments.append(Shipment.model_validate(one.document))
        if stage == "decide":
            staged.append(mark_of(canonical_json(one.decision)))
        else:
            kept = one.decision if stage == "handoffs" else {**one.decision, **_WITHOUT_WORDS}
            decisions.append(PathwayDecision.from_dict(kept))
    return shipments, decisions, staged


_WITHOUT_WORDS: Final[Mapping[str, list[Any]]] = {"citations": [], "reasons": [], "refused": [], "warnings": []}
"""What messages do not need of a decision: most of its size."""


def _shipments_of(ctx: FilingContext, trip: Row[Any], stage: str) -> Select[Any]:
    table = t.shipments
    columns = (table.c.key, table.c.position, table.c.entry_filing_id)
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
