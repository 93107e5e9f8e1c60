"""What does a well-formed 353 say? The trip it speaks of, if any, and its events.

Read from the segments alone (X12 006050 base, M15 loop), independently of the gateway's codec. Which codes M1501 has on
a truck is known in part only: 1 to 3, 5 to 7 and A to C from X12, Z from service bureau help.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.truck.trip_reader import TripData, TripReader, arrival, at, rows_of
from sandbox.truck.x12 import Interchange
from schemas.profile import Profile


@dataclass(slots=True)
class Event:
    """One M15: ``kind`` M1501, ``reference`` M1502, ``port`` M1504, ``issuer`` M1505, ``instant`` aware or ``None``;
    ``next_id`` and ``next_carrier`` those of a transfer of liability; ``firms`` from the place a switch names.
    """

    at: int
    last: int
    kind: str
    reference: str
    day: str
    port: str
    issuer: str
    instant: datetime | None
    next_id: str
    next_carrier: str
    firms: str


@dataclass(slots=True)
class Events:
    """A whole 353."""

    trip: TripData
    events: list[Event]


def read_events(interchange: Interchange, profile: Profile, firms_element: str) -> Events:
    """Read the set of an accepted interchange; ``firms_element`` is like ``M1517``."""
    trip = TripReader(profile)
    events: list[Event] = []
    firms = int(firms_element[3:])
    for position, row in enumerate(rows_of(interchange), 1):
        if row[0] == "M15":
            port, day = at(row, 4), at(row, 3)
            events.append(
                Event(
                    at=position,
                    last=position,
                    kind=at(row, 1),
                    reference=at(row, 2),
                    day=day,
                    port=port,
                    issuer=at(row, 5),
                    instant=arrival(port, day, at(row, 6)),
                    next_id=at(row, 8),
                    next_carrier=at(row, 9),
                    firms=at(row, firms),
                )
            )
        elif events and row[0] in {"M7A", "K1"}:
            events[-1].last = position
        else:
            trip.take(position, row)
    return Events(trip.found, events)
