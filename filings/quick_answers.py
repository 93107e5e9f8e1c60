"""Which of CBP's answers are quickly applied?

What one answer moves does not show in its size: a 997 or a 355 of some lines can be about five thousand shipments. So
a file is looked at before it is applied: what names few shipments, none of them by a truckload, has a lane of its own,
and the rest is left to the other. Both lanes come to the same end, for answers may come in any order.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, not_, select

from filings import planned_work
from filings.awaited import OF_A_FILE, find_sent
from filings.store import tables as t
from filings.store.leases import settle
from mappings.outcomes import ResponseReading

SMALL_BYTES: Final = 16 * 1024
"""What is larger is not even looked at."""
LEFT: Final = 200
"""Priority of a file that is left to the lane of truckloads; it comes in with the column's default, 100. Each failed
try there adds one."""


def in_lane(express: bool) -> ColumnElement[bool]:
    """Which received files a lane takes."""
    table = t.transmissions.c
    quick = and_(table.payload_size <= SMALL_BYTES, table.priority < LEFT)
    return quick if express else not_(quick)


def untried_first() -> tuple[ColumnElement[Any], ...]:
    """The order in which files are taken: as they came, those that have failed behind those that have not."""
    table = t.transmissions.c
    return case((table.priority > LEFT, table.priority), else_=0), table.id


def moves_few(conn: Connection, reading: ResponseReading) -> bool:
    """Whether an answer moves few shipments."""
    if len(reading.outcomes) > planned_work.SMALL:
        return False
    for outcome in reading.outcomes:
        if outcome.source in OF_A_FILE or outcome.scope == "transmission":
            sent = find_sent(conn, outcome.correlation)
            if sent is not None and sent.priority >= 0:  # it was not sent in the lane of small trips either
                return False
        elif outcome.scope == "trip" and _is_truckload(conn, outcome.trip_number):
            return False
    return True


def leave(conn: Connection, identifier: str, owner: str) -> None:
    """Let the other lane take it, at once."""
    settle(conn, t.transmissions, identifier, owner, {"priority": LEFT})


def _is_truckload(conn: Connection, trip_number: str) -> bool:
    place = t.shipments.c
    behind = select(place.key).where(place.trip_number == trip_number, place.position > planned_work.SMALL)
    return conn.execute(behind.limit(1)).first() is not None
