"""What does a well-formed 358 say? Its trip, its equipment, and the shipments it links to or takes off the trip.

Read from the segments alone (X12 005020 base, loops P4/VID/MBL), independently of the gateway's codec.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.truck.trip_reader import Equipment, TripData, TripReader, at, rows_of
from sandbox.truck.x12 import Interchange
from schemas.profile import Profile


@dataclass(slots=True)
class Link:
    """One MBL under its equipment; ``amendment`` is its M13."""

    at: int
    equipment_at: int
    scac: str
    number: str
    action: str
    last: int
    amendment: list[str] = field(default_factory=list)

    @property
    def scn(self) -> str:
        """Shipment control number."""
        return self.scac + self.number

    @property
    def reason(self) -> str:
        """M1306."""
        return at(self.amendment, 6)


@dataclass(slots=True)
class Consist:
    """A whole 358."""

    trip: TripData
    equipment: list[Equipment]
    links: list[Link]


def read_consist(interchange: Interchange, profile: Profile) -> Consist:
    """Read the set of an accepted interchange."""
    trip = TripReader(profile)
    equipment: list[Equipment] = []
    links: list[Link] = []
    for position, row in enumerate(rows_of(interchange), 1):
        match row[0]:
            case "VID":
                equipment.append(trip.equipment(position, row))
            case "M7" if equipment:
                equipment[-1].seals += [(position, seal) for seal in (at(row, n) for n in range(1, 5)) if seal]
            case "MBL":
                under = equipment[-1].at if equipment else 0
                links.append(Link(position, under, at(row, 1), at(row, 2), at(row, 3), position))
            case "M13" if links:
                links[-1].amendment, links[-1].last = row, position
            case _:
                trip.take(position, row)
    return Consist(trip.found, equipment, links)
