"""What does a well-formed 309 say? Its trip and its shipments, as values with the place of every segment.

Read from the segments alone (X12 005020 base, loops P4/LX/N1/M12/VID/N10), independently of the gateway's codec.
Nothing is judged here: a missing value is an empty one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.truck.trip_reader import Equipment, TripData, TripReader, at, rows_of, whole
from sandbox.truck.x12 import Interchange
from schemas.profile import Profile


@dataclass(slots=True)
class Party:
    """One N1 loop; ``at`` are positions of its segments in the set (ST = 1), N1 first."""

    role: str
    name: str
    at: list[int]
    id_qualifier: str = ""
    id_code: str = ""
    lines: list[str] = field(default_factory=list)
    city: str = ""
    state: str = ""
    postal: str = ""
    country: str = ""


@dataclass(slots=True)
class Commodity:
    """One N10 as it stands. ``continues``: it holds a description alone and goes on with the one before it."""

    at: int
    quantity: Decimal | None
    description: str
    value: Decimal | None
    value_text: str
    weight: str
    weight_unit: str
    unit: str
    origin: str
    continues: bool


@dataclass(slots=True)
class InBond:
    """M12: the in-bond movement of a shipment."""

    at: int
    kind: str
    number: str
    destination: str
    foreign: str
    value: str
    carrier: str
    carrier_id: str


@dataclass(slots=True)
class Bill:
    """One LX loop: a shipment, or the amendment of one; ``assigned``: its LX01."""

    at: int
    assigned: str = ""
    number: str = ""
    scac: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    weight: Decimal | None = None
    weight_unit: str = ""
    kind: str = ""
    m11_at: int = 0
    m13_at: int = 0
    amendment: list[str] = field(default_factory=list)
    notified: tuple[str, ...] = ()
    in_bond: InBond | None = None
    parties: list[Party] = field(default_factory=list)
    commodities: list[Commodity] = field(default_factory=list)
    equipment: list[Equipment] = field(default_factory=list)
    vehicles: list[tuple[int, str]] = field(default_factory=list)
    hazards: list[tuple[int, str, str]] = field(default_factory=list)
    last: int = 0

    @property
    def scn(self) -> str:
        """Shipment control number: issuer's SCAC and number."""
        return self.scac + self.number

    @property
    def head(self) -> int:
        """Where the shipment is named: M11, M13, or only LX."""
        return self.m11_at or self.m13_at or self.at

    @property
    def segments(self) -> range:
        """Positions from LX to the last segment of the loop."""
        return range(self.at, self.last + 1)

    @property
    def change(self) -> str:
        """M1303: what an amendment does."""
        return at(self.amendment, 3)

    @property
    def reason(self) -> str:
        """M1306."""
        return at(self.amendment, 6)

    @property
    def new_quantity(self) -> Decimal | None:
        """M1305."""
        return whole(at(self.amendment, 5))

    @property
    def value(self) -> Decimal:
        """Sum of the commodity values, whole dollars."""
        return sum((c.value for c in self.commodities if c.value is not None), Decimal(0))

    def party(self, role: str) -> Party | None:
        """The first party of a role."""
        return next((p for p in self.parties if p.role == role), None)

    @property
    def told(self) -> list[str]:
        """Codes of those who are told besides the carrier: second notify parties, brokers."""
        return [*self.notified, *(p.id_code for p in self.parties if p.role not in {"SH", "CN"} and p.id_code)]


@dataclass(slots=True)
class Manifest:
    """A whole 309."""

    trip: TripData
    bills: list[Bill]


def read_manifest(interchange: Interchange, profile: Profile) -> Manifest:
    """Read the set of an accepted interchange."""
    trip = TripReader(profile)
    bills: list[Bill] = []
    for position, row in enumerate(rows_of(interchange), 1):
        if row[0] == "LX":
            bills.append(Bill(position, last=position, assigned=at(row, 1)))
        elif bills and row[0] not in {"SE", "P4"}:
            bills[-1].last = position
            _into_bill(bills[-1], position, row, trip)
        else:
            trip.take(position, row)
    return Manifest(trip.found, bills)


def _into_bill(bill: Bill, position: int, row: list[str], trip: TripReader) -> None:
    match row[0]:
        case "M13":
            bill.m13_at, bill.amendment = position, row
            bill.number, bill.scac = at(row, 4), at(row, 9)
        case "M11":
            bill.m11_at = position
            bill.number, bill.scac = at(row, 1), at(row, 12)
            bill.quantity, bill.unit = whole(at(row, 3)), at(row, 4)
            bill.weight, bill.weight_unit, bill.kind = whole(at(row, 5)), at(row, 6), at(row, 9)
            bill.notified = tuple(one for one in (at(row, 13), at(row, 14), at(row, 15)) if one)
        case "M12":
            bill.in_bond = InBond(
                position, at(row, 1), at(row, 2), at(row, 3), at(row, 4), at(row, 5), at(row, 7), at(row, 9)
            )
        case "N1":
            bill.parties.append(Party(at(row, 1), at(row, 2), [position], at(row, 3), at(row, 4)))
        case "N3" if bill.parties:
            bill.parties[-1].lines += [v for v in (at(row, 1), at(row, 2)) if v]
            bill.parties[-1].at.append(position)
        case "N4" if bill.parties:
            party = bill.parties[-1]
            party.city, party.state, party.postal, party.country = at(row, 1), at(row, 2), at(row, 3), at(row, 4)
            party.at.append(position)
        case "VID":
            bill.equipment.append(trip.equipment(position, row))
        case "M7" if bill.equipment:
            bill.equipment[-1].seals += [(position, seal) for seal in (at(row, n) for n in range(1, 5)) if seal]
        case "N10":
            bill.commodities.append(_commodity(bill, position, row))
        case "VC":
            bill.vehicles.append((position, at(row, 1)))
        case "H1":
            bill.hazards.append((position, at(row, 1), at(row, 5)))


def _commodity(bill: Bill, position: int, row: list[str]) -> Commodity:
    said = [place for place in range(1, len(row)) if at(row, place)]
    return Commodity(
        at=position,
        quantity=whole(at(row, 1)),
        description=at(row, 2),
        value=whole(at(row, 6)),
        value_text=at(row, 6),
        weight=at(row, 8),
        weight_unit=at(row, 7),
        unit=at(row, 10),
        origin=at(row, 11),
        continues=bool(bill.commodities) and said == [2],
    )
