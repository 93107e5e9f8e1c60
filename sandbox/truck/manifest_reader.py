"""What does a well-formed 309 say? Its trip, its persons and its shipments, as values with the place of every segment.

Read from the segments alone (X12 005020 base, loops P4/LX/N1/VID/N10), independently of the gateway's codec. Nothing
is judged here:
a missing value is an empty one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.truck.x12 import Interchange

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


@dataclass(slots=True)
class Party:
    """One N1 loop; ``at`` are positions of its segments in the set (ST = 1), N1 first."""

    role: str
    name: str
    at: list[int]
    lines: list[str] = field(default_factory=list)
    city: str = ""
    state: str = ""
    postal: str = ""
    country: str = ""


@dataclass(slots=True)
class Commodity:
    """One N10; ``equipment`` is the position of the VID it stands under."""

    at: int
    equipment: int
    quantity: Decimal | None
    description: str
    value: Decimal | None
    weight_unit: str
    unit: str
    origin: str


@dataclass(slots=True)
class Bill:
    """One LX loop: a shipment, or the amendment of one."""

    at: int
    number: str = ""
    scac: str = ""
    place: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    weight: Decimal | None = None
    weight_unit: str = ""
    kind: str = ""
    m11_at: int = 0
    m13_at: int = 0
    amendment: str = ""
    reason: str = ""
    new_quantity: Decimal | None = None
    in_bond: bool = False
    parties: list[Party] = field(default_factory=list)
    commodities: list[Commodity] = field(default_factory=list)
    equipment: list[tuple[int, str]] = field(default_factory=list)
    segments: range = range(0)

    @property
    def scn(self) -> str:
        """Shipment control number: issuer's SCAC and number."""
        return self.scac + self.number

    @property
    def value(self) -> Decimal:
        """Sum of the commodity values, whole dollars."""
        return sum((c.value for c in self.commodities if c.value is not None), Decimal(0))

    def party(self, role: str) -> Party | None:
        """The first party of a role."""
        return next((p for p in self.parties if p.role == role), None)


@dataclass(slots=True)
class Manifest:
    """A whole 309. ``eta`` is aware; ``None`` when date or time cannot be read."""

    header: list[str]
    port_segment: list[str]
    port_at: int
    scac: str
    mode: str
    country: str
    kind: str
    trip: str
    bill_count: str
    reason: str
    port: str
    arrival_date: str
    eta: datetime | None
    persons: list[tuple[int, str]]
    bills: list[Bill]


def whole(value: str) -> Decimal | None:
    """A number as X12 writes it, or ``None``."""
    try:
        return Decimal(value) if value else None
    except InvalidOperation:
        return None


def read_manifest(interchange: Interchange, trip_number_element: str) -> Manifest:
    """Read the set of an accepted interchange; ``trip_number_element`` is like ``M1012``."""
    separator = interchange.element_separator
    rows = [s.split(separator) for s in interchange.body if s.startswith(("M10", "P4", "NM1"))]
    header = next(r for r in rows if r[0] == "M10")
    port = next(r for r in rows if r[0] == "P4")
    persons: list[tuple[int, str]] = []
    bills: list[Bill] = []
    port_at = 0
    for position, raw in enumerate(interchange.body, 1):
        row = raw.split(separator)
        name = row[0]
        if name == "NM1":
            persons.append((position, _at(row, 1)))
        elif name == "P4":
            port_at = port_at or position
        elif name == "LX":
            bills.append(Bill(position, segments=range(position, position + 1)))
        elif bills and name != "SE":
            bills[-1].segments = range(bills[-1].at, position + 1)
            _into_bill(bills[-1], position, row)
    eta = _arrival(_at(port, 1), _at(port, 2), _at(port, 5))
    return Manifest(
        header=header,
        port_segment=port,
        port_at=port_at,
        scac=_at(header, 1),
        mode=_at(header, 2),
        country=_at(header, 3),
        kind=_at(header, 9),
        trip=_at(header, int(trip_number_element[3:])),
        bill_count=_at(header, 8),
        reason=_at(header, 16),
        port=_at(port, 1),
        arrival_date=_at(port, 2),
        eta=eta,
        persons=persons,
        bills=bills,
    )


def _at(row: list[str], index: int) -> str:
    return row[index].strip() if index < len(row) else ""


def _arrival(port: str, day: str, time: str) -> datetime | None:
    zone = ZoneInfo(ZONE_OF_DISTRICT.get(port[:2], "America/New_York"))
    try:
        moment = datetime.strptime(day + (time[:4] or "2359"), "%Y%m%d%H%M").replace(tzinfo=zone)
    except ValueError:
        return None
    return moment if date(2000, 1, 1) <= moment.date() <= date(2100, 1, 1) - timedelta(days=1) else None


def _into_bill(bill: Bill, position: int, row: list[str]) -> None:
    match row[0]:
        case "M13":
            bill.m13_at, bill.amendment, bill.reason = position, _at(row, 3), _at(row, 6)
            bill.number, bill.scac, bill.new_quantity = _at(row, 4), _at(row, 9), whole(_at(row, 5))
        case "M11":
            bill.m11_at = position
            bill.number, bill.place, bill.quantity, bill.unit = (
                _at(row, 1),
                _at(row, 2),
                whole(_at(row, 3)),
                _at(row, 4),
            )
            bill.weight, bill.weight_unit, bill.kind, bill.scac = (
                whole(_at(row, 5)),
                _at(row, 6),
                _at(row, 9),
                _at(row, 12),
            )
        case "M12":
            bill.in_bond = True
        case "N1":
            bill.parties.append(Party(_at(row, 1), _at(row, 2), [position]))
        case "N3" if bill.parties:
            bill.parties[-1].lines += [v for v in (_at(row, 1), _at(row, 2)) if v]
            bill.parties[-1].at.append(position)
        case "N4" if bill.parties:
            party = bill.parties[-1]
            party.city, party.state, party.postal, party.country = _at(row, 1), _at(row, 2), _at(row, 3), _at(row, 4)
            party.at.append(position)
        case "VID":
            bill.equipment.append((position, _at(row, 1)))
        case "N10":
            under = bill.equipment[-1][0] if bill.equipment else 0
            bill.commodities.append(
                Commodity(
                    at=position,
                    equipment=under,
                    quantity=whole(_at(row, 1)),
                    description=_at(row, 2),
                    value=whole(_at(row, 6)),
                    weight_unit=_at(row, 7),
                    unit=_at(row, 10),
                    origin=_at(row, 11),
                )
            )
