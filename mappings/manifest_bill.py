"""How is one shipment said on the manifest? Shipment → its LX loop in a 309.

Rules:

- ``section321`` is a Section 321 bill and must name the consignee's state; ``type86``, ``informal`` and ``formal``
  are regular (PAPS) bills that the entry releases. ``review`` has no bill type and is an error.
- Weights keep their decimals (X12 type R), without zeros that say nothing. The value of a line is whole US
  dollars, rounded half up, at least 1, written with at least two digits.
- A description of more than 45 characters goes on in further N10 segments that hold nothing but description,
  broken between words: joined with spaces they give the whole.
- The goods stand under the first piece of equipment. A truck without equipment names the profile's code for
  "no equipment".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mappings.decision import PathwayDecision
from mappings.measures import decimal_text, whole_dollars
from mappings.notes import TRIP, Note, Wire, pieces
from schemas.identifiers import scn_fault
from schemas.profile import Profile
from schemas.shipment import PACKAGING_UNITS, Line, Packages, Party, Shipment
from schemas.trip import Equipment, Trip
from schemas.x12.segments import Segment, Separators, seg, seg_at

PAPS_PATHWAYS: Final = frozenset({"type86", "informal", "formal"})
"""Pathways whose shipments ride as regular bills and are released by an entry."""

LINE_UNITS: Final = {"NO": "PCS", "EA": "PCS"}
"""Units of an entry line that have another name among packaging units (N1010; the list is unconfirmed)."""

_STATE_COUNTRIES: Final = frozenset({"US", "CA"})
_DESCRIPTION: Final = 45
_COMMODITIES: Final = 999
_SEALS_IN_VID: Final = 2
_SEALS_IN_M7: Final = 4


@dataclass(frozen=True, slots=True)
class BillSegments:
    """The LX loop of one shipment."""

    segments: tuple[Segment, ...]
    notes: tuple[Note, ...]

    def numbered(self, number: int) -> BillSegments:
        """The same loop at another place of a message, from 1."""
        return BillSegments((seg("LX", number), *self.segments[1:]), self.notes)


def place(profile: Profile, fact: str, segment: str, elements: dict[int, str], value: str) -> None:
    """Put ``value`` where the profile says, nowhere if it says "not sent"."""
    position = profile.element_position(fact, segment)
    if position is not None:
        elements[position] = value


def _party(role: str, party: Party, path: str, wire: Wire) -> list[Segment]:
    address = party.address
    lines = [
        wire.text(line, f"{path}.address.lines[{index}]", 55, "X12 N3") for index, line in enumerate(address.lines)
    ]
    city = wire.text(address.city, f"{path}.address.city", 30, "X12 N401")
    postal = (
        wire.text(address.postal_code, f"{path}.address.postal_code", 15, "X12 N403") if address.postal_code else ""
    )
    state = subdivision = ""
    if address.region:
        if address.country in _STATE_COUNTRIES:
            state = wire.text(address.region, f"{path}.address.region", 2, "X12 N402")
        else:
            subdivision = wire.text(address.region, f"{path}.address.region", 3, "X12 N407")
    return [
        seg("N1", role, wire.text(party.name, f"{path}.name", 60, "X12 N102")),
        seg("N3", *lines),
        seg("N4", city, state, postal, address.country, None, None, subdivision),
    ]


def equipment_segments(trip: Trip, profile: Profile, wire: Wire) -> list[Segment]:
    """VID and M7 of the first piece of equipment, or of the code for none."""
    if not trip.equipment:
        return [seg("VID", profile.no_equipment_code, None, profile.no_equipment_number)]
    item: Equipment = trip.equipment[0]
    elements: dict[int, str] = {1: item.type, 3: item.number, 10: "L"}
    elements |= dict(enumerate(item.seals[:_SEALS_IN_VID], start=4))
    if (plate := item.plate) is not None:
        place(profile, "equipment_plate_element", "VID", elements, plate.number)
        region = wire.text(plate.region, TRIP + "equipment[0].plate.region", 2, "X12 VID15")
        place(profile, "equipment_plate_region_element", "VID", elements, region)
        place(profile, "equipment_plate_country_element", "VID", elements, plate.country)
    rest = item.seals[_SEALS_IN_VID:]
    return [
        seg_at("VID", dict(elements)),
        *(seg("M7", *rest[at : at + _SEALS_IN_M7]) for at in range(0, len(rest), _SEALS_IN_M7)),
    ]


def _digits(number: str) -> int:
    return len(number) - number.count(".") - number.count("-")


def _goods(line: Line, path: str, packages: Packages, profile: Profile, wire: Wire) -> list[Segment]:
    described = wire.text(line.description, f"{path}.description", 45 * _COMMODITIES, "X12 N1002")
    parts = pieces(described, _DESCRIPTION)
    for word in (part for part in parts if len(part) > _DESCRIPTION):
        wire.too_long(f"{path}.description", word, _DESCRIPTION, "one word of X12 N1002")
    if len(parts) > 1:
        wire.note("split", f"{path}.description", f"Said in {len(parts)} N10 segments.", described)
    dollars = whole_dollars(line.value)
    if dollars > 99_999_999:
        wire.too_long(f"{path}.value", str(dollars), 8, "X12 N1006")
    if dollars != line.value:
        wire.note("rounded", f"{path}.value", "Whole US dollars, half up, at least 1.", str(line.value), str(dollars))
    unit, quantity = LINE_UNITS.get(line.unit, line.unit), decimal_text(line.quantity)
    if unit not in PACKAGING_UNITS:
        # N1010 takes packaging units (DE 599): what is weighed or counted in dozens is said as it is packed.
        given, unit, quantity = f"{quantity} {unit}", packages.unit, str(packages.count)
        wire.note("derived", f"{path}.unit", "Said in the shipment's packages.", given, f"{quantity} {unit}")
    if _digits(quantity) > 15:
        wire.too_long(f"{path}.quantity", quantity, 15, "X12 N1001")
    first = seg(
        "N10", quantity, parts[0], None, profile.hts_qualifier, line.hts, f"{dollars:02d}", None, None, None, unit,
        line.country_of_origin,
    )  # fmt: skip
    return [first, *(seg("N10", None, part) for part in parts[1:])]


def _bill_type(shipment: Shipment, decision: PathwayDecision, profile: Profile, wire: Wire) -> str:
    pathway = decision.pathway
    if pathway in PAPS_PATHWAYS:
        return profile.bill_types["paps"]
    if pathway != "section321":
        wire.problem(
            "not_for_the_manifest",
            "pathway",
            f"A shipment decided as {pathway} has no bill type: it cannot ride on the manifest.",
            "Have a licensed broker decide it, or take it off the truck.",
        )
        return ""
    if not shipment.consignee.address.region:
        wire.problem(
            "consignee_state_missing",
            "consignee.address.region",
            "A Section 321 bill must name the US state of its consignee.",
            "Give the two letters of the state.",
            "CSMS 64824427",
        )
    return profile.bill_types["section321"]


def bill_header(shipment: Shipment, decision: PathwayDecision, profile: Profile, wire: Wire) -> Segment:
    """M11 of one shipment; problems go to ``wire``."""
    scn = shipment.scn or ""
    if not scn:
        wire.problem(
            "missing_scn",
            "shipment_control_number",
            "The shipment has no control number.",
            "Assign one before filing.",
            "CAMIR Appendix L, error 017",
        )
    elif fault := scn_fault(scn):
        wire.problem("wrong_scn", "shipment_control_number", fault, "Correct it.", "CAMIR Appendix L, error 017")
    weight = decimal_text(shipment.gross_weight.value)
    if _digits(weight) > 10:
        wire.too_long("gross_weight.value", weight, 10, "X12 M1105")
    place = wire.text(shipment.place_of_receipt, "place_of_receipt", 17, "X12 M1110")
    return seg_at(
        "M11",
        {
            1: scn[4:],
            2: place,
            3: shipment.packages.count,
            4: shipment.packages.unit,
            5: weight,
            6: profile.weight_units[shipment.gross_weight.unit],
            9: _bill_type(shipment, decision, profile, wire),
            10: place,
            12: scn[:4],
        },
    )


class BillWriter:
    """Says the shipments of one trip, one by one; what they all share is worked out once."""

    def __init__(self, trip: Trip, profile: Profile) -> None:
        self._profile = profile
        self._signs = Separators.of(profile).signs
        self._shared = Wire(self._signs)
        self._equipment = equipment_segments(trip, profile, self._shared)

    def bill(self, shipment: Shipment, decision: PathwayDecision, number: int) -> BillSegments:
        """The LX loop of one shipment; ``number`` is its place in the message, from 1.

        Raises :class:`FormatError` with every problem; paths are of the shipment (``consignee.name``), or begin with
        ``trip.`` where the trip is at fault.
        """
        profile, wire = self._profile, Wire(self._signs)
        segments = [seg("LX", number), bill_header(shipment, decision, profile, wire)]
        segments += _party(profile.party_roles["shipper"], shipment.shipper, "shipper", wire)
        segments += _party(profile.party_roles["consignee"], shipment.consignee, "consignee", wire)
        wire.also(self._shared)
        segments += self._equipment
        goods: list[Segment] = []
        for index, line in enumerate(shipment.lines):
            goods += _goods(line, f"lines[{index}]", shipment.packages, profile, wire)
        if len(goods) > _COMMODITIES:
            wire.problem(
                "too_many_lines",
                "lines",
                f"The goods take {len(goods)} N10 segments; {_COMMODITIES} fit.",
                "Shorten descriptions or ship in two consignments.",
                "X12 005020 309",
            )
        wire.raise_problems()
        return BillSegments((*segments, *goods), tuple(wire.notes))


def bill_segments(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, profile: Profile, number: int
) -> BillSegments:
    """The LX loop of one shipment, as :meth:`BillWriter.bill`; for many of a trip take one writer."""
    return BillWriter(trip, profile).bill(shipment, decision, number)
