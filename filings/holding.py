"""What does a change hold until its commit, so that changes made at one time cannot miss each other?

Rules, for PostgreSQL, where several processes change things at one time:

1. What moves a trip, its shipments or its filings holds the trip first, then shipments, then filings, the journal of
   events and archive last (:func:`filings.store.database.hold_journal`). In one order nobody waits in a circle; and
   whether the truck may go is counted by one at a time, so that of two who release the last goods one sees both.
2. CBP's answers are applied one after the other: a 355 does not say which message it answers, and a repeated one is
   known only once the first has been applied.

Each look after a hold sees what the one before had committed (READ COMMITTED). On SQLite the one writer holds all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select, text

from filings.store import tables as t
from filings.store.one_of import one_of

ANSWERS_LOCK: Final = 0x616E7377657273
"""The advisory lock under which answers are applied."""
CHUNK: Final = 2_000


def hold_trips(conn: Connection, numbers: Iterable[str | None]) -> None:
    """Let nobody else move these trips or what they carry."""
    if conn.dialect.name != "postgresql":
        return
    wanted = sorted({number for number in numbers if number is not None})
    for start in range(0, len(wanted), CHUNK):
        query = select(t.trips.c.trip_number).where(one_of(t.trips.c.trip_number, wanted[start : start + CHUNK]))
        conn.execute(query.order_by(t.trips.c.trip_number).with_for_update(key_share=True)).all()


def hold_trips_of(conn: Connection, shipment_keys: Iterable[str]) -> None:
    """The same for the trips of these shipments."""
    if conn.dialect.name != "postgresql":
        return
    wanted = list(shipment_keys)
    found: set[str] = set()
    for start in range(0, len(wanted), CHUNK):
        query = select(t.shipments.c.trip_number).where(one_of(t.shipments.c.key, wanted[start : start + CHUNK]))
        found.update(conn.execute(query.distinct()).scalars())
    hold_trips(conn, found)


def hold_answers(conn: Connection) -> None:
    """Let nobody else apply an answer of CBP's."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ANSWERS_LOCK})
