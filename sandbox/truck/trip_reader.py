"""What does a truck message say of its trip? Header, truck, persons, port and equipment, each with its place.

Common to the 309 and the 358 (X12 005020 base: M10, VEH, NM1 loop, P4, VID), in part to the 353. Read from the segments
alone, independently of the gateway's codec. Nothing is judged here: what is missing is an empty value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.truck.x12 import Interchange
from schemas.profile import Profile

ZONE_OF_DISTRICT: Final = {
    "23": "America/Chicago",
    "24": "America/Denver",
    "25": "America/Los_Angeles",
    "26": "America/Phoenix",
    "30": "America/Los_Angeles",
    "33": "America/Denver",
    "34": "America/Chicago",
    "36": "America/Chicago",
}
"""Time zone of the land ports by district; all others are Eastern. The zone of P4's times is assumed to be the port's.
"""
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{0,15})?")


@dataclass(slots=True)
class Vehicle:
    """One VEH: the power unit; ``action`` is VEH16 of an amendment, ``ace_ids`` what stands in VEH21 and VEH22."""

    at: int
    vin: str
    plate: str
    state: str
    country: str
    action: str
    ace_ids: tuple[str, ...]


@dataclass(slots=True)
class Document:
    """One REF of a person; ``issuer`` is empty where the profile names no place for it."""

    at: int
    kind: str
    number: str
    issuer: str


@dataclass(slots=True)
class Person:
    """One NM1 loop."""

    at: int
    role: str
    entity: str
    last: str
    first: str
    id_qualifier: str
    id_code: str
    data_at: int = 0
    birth: str = ""
    gender: str = ""
    citizenship: str = ""
    documents: list[Document] = field(default_factory=list)


@dataclass(slots=True)
class Equipment:
    """One VID with its seals; ``seals`` are the place and number of each."""

    at: int
    kind: str
    number: str
    load: str
    plate: str
    state: str
    country: str
    ace_id: str
    seals: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class TripData:
    """M10, VEH, persons and P4 of one message. ``eta`` is aware; ``None`` when date or time cannot be read."""

    header: list[str] = field(default_factory=list)
    header_at: int = 0
    port_segment: list[str] = field(default_factory=list)
    port_at: int = 0
    ports: int = 0
    trip: str = ""
    vehicles: list[Vehicle] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)

    def header_value(self, place: int) -> str:
        """One element of M10."""
        return at(self.header, place)

    @property
    def scac(self) -> str:
        """M1001, the carrier."""
        return at(self.header, 1)

    @property
    def kind(self) -> str:
        """M1009, the manifest type."""
        return at(self.header, 9)

    @property
    def bill_count(self) -> str:
        """M1008."""
        return at(self.header, 8)

    @property
    def reason(self) -> str:
        """M1016, why a complete manifest changes."""
        return at(self.header, 16)

    @property
    def port(self) -> str:
        """P401, Schedule D."""
        return at(self.port_segment, 1)

    @property
    def arrival_date(self) -> str:
        """P402 as written."""
        return at(self.port_segment, 2)

    @property
    def eta(self) -> datetime | None:
        """P402 and P405 in the port's time zone."""
        return arrival(self.port, self.arrival_date, at(self.port_segment, 5))


class TripReader:
    """Takes the segments of a set one by one and keeps those of the trip."""

    def __init__(self, profile: Profile) -> None:
        self.found = TripData()
        self._trip_place = int(profile.trip_number_element[3:])
        places = {
            name: profile.element_position(f"{name}_element", "VEH") or 0
            for name in ("vehicle_plate", "vehicle_plate_region", "vehicle_plate_country")
        }
        self._vehicle = tuple(places.values())
        self._issuer = profile.element_position("document_issuer_element", "REF") or 0
        self._equipment = tuple(
            profile.element_position(f"equipment_{name}_element", "VID") or 0
            for name in ("plate", "plate_region", "plate_country", "ace_id")
        )

    def take(self, position: int, row: list[str]) -> None:
        """Read one segment; those that say nothing of the trip are passed over."""
        found = self.found
        match row[0]:
            case "M10":
                found.header, found.header_at, found.trip = row, position, at(row, self._trip_place)
            case "P4":
                found.ports += 1
                if not found.port_at:
                    found.port_segment, found.port_at = row, position
            case "VEH":
                plate, state, country = (at(row, place) if place else "" for place in self._vehicle)
                ids = tuple(one for one in (at(row, 21), at(row, 22)) if one)
                found.vehicles.append(Vehicle(position, at(row, 2), plate, state, country, at(row, 16), ids))
            case "NM1":
                found.persons.append(
                    Person(position, at(row, 1), at(row, 2), at(row, 3), at(row, 4), at(row, 8), at(row, 9))
                )
            case "DMG" if found.persons:
                one = found.persons[-1]
                one.data_at, one.birth, one.gender, one.citizenship = position, at(row, 2), at(row, 3), at(row, 7)
            case "REF" if found.persons:
                issuer = at(row, self._issuer) if self._issuer else ""
                found.persons[-1].documents.append(Document(position, at(row, 1), at(row, 2), issuer))

    def equipment(self, position: int, row: list[str]) -> Equipment:
        """A VID; its seals in M7 come later."""
        plate, state, country, ace_id = (at(row, place) if place else "" for place in self._equipment)
        number = at(row, 2) + at(row, 3)
        seals = [(position, seal) for seal in (at(row, 4), at(row, 5)) if seal]
        return Equipment(position, at(row, 1), number, at(row, 10), plate, state, country, ace_id, seals)


def trip_number_of(interchange: Interchange, profile: Profile) -> str:
    """The trip number in M10, without reading the rest; empty where there is no M10."""
    header = next((one for one in interchange.body if one.startswith("M10")), "")
    return at(header.split(interchange.element_separator), int(profile.trip_number_element[3:]))


def rows_of(interchange: Interchange) -> list[list[str]]:
    """The segments of the set, ST to SE, cut into elements."""
    separator = interchange.element_separator
    return [one.split(separator) for one in interchange.body]


def at(row: list[str], index: int) -> str:
    """An element without surrounding spaces; empty where the segment ends before it."""
    return row[index].strip() if index < len(row) else ""


def whole(value: str) -> Decimal | None:
    """A number as X12 writes it (digits, one point, one sign), or ``None``: what Decimal takes besides is no number."""
    return Decimal(value) if _NUMBER.fullmatch(value) else None


def zone_of(port: str) -> ZoneInfo:
    """The time zone of a port."""
    return ZoneInfo(ZONE_OF_DISTRICT.get(port[:2], "America/New_York"))


def arrival(port: str, day: str, time: str) -> datetime | None:
    """The instant of a port's local date and time (the end of the day without one); ``None``: cannot be read."""
    try:
        moment = datetime.strptime(day + (time[:4] or "2359"), "%Y%m%d%H%M").replace(tzinfo=zone_of(port))
    except ValueError:
        return None
    return moment if date(2000, 1, 1) <= moment.date() <= date(2100, 1, 1) - timedelta(days=1) else None
