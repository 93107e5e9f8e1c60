"""What of a message of ours would CBP refuse although its bytes are right, as far as that is told cheaply?

Only warnings: an entry number with a wrong check digit, a party with a name and no address, a role or bill type that
the profile does not know. CBP's conditional rules are many more; none of them is judged here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas import entry_number
from schemas.catair import PlacedRecord
from schemas.profile import Profile
from schemas.x12 import CODES, SEGMENTS, PlacedSegment

_HEADS: Final = frozenset({"SE10", "AE10"})
_ADDRESS: Final = {
    "SE30": ("SE36", frozenset({"SE31", "SE35", "SE36"})),
    "SE50": ("SE56", frozenset({"SE51", "SE55", "SE56"})),
}
"""A party, the record that ends its address, and all the records that belong to it."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning at a field of a record (``key``) or at an element of a segment."""

    code: str
    text: str
    remedy: str
    reference: str
    placed: PlacedRecord | None = None
    key: str = ""
    element: int = 0


def entry_doubts(records: Sequence[PlacedRecord]) -> Iterator[Doubt]:
    """Doubts about one transaction of SE or AE."""
    for at, placed in enumerate(records):
        record = placed.record
        if placed.layout in _HEADS:
            number = record.text("entry_filer_code") + record.text("entry_number")
            fault = entry_number.entry_number_fault(number) if len(number) == 11 else None
            if fault is not None:
                remedy = "Check the number; a filer whose numbers are used up may have another check digit from CBP."
                yield Doubt("entry_number_check", fault, remedy, entry_number.REFERENCE, placed, "entry_number")
        elif placed.layout in _ADDRESS and record.text("entity_name"):
            city, own = _ADDRESS[placed.layout]
            if not _follows(records[at + 1 :], city, own):
                text = f"{placed.layout} names a party, and no {city} with its city and country follows."
                remedy = f"Send the address in {city[:3]}5 and {city}, or the party's identifier instead of its name."
                source = f"CBP CATAIR Cargo Release SE/SX v40, {placed.layout}"
                yield Doubt("address_missing", text, remedy, source, placed, "entity_name")


def _follows(records: Sequence[PlacedRecord], wanted: str, own: Collection[str]) -> bool:
    for placed in records:
        if placed.layout == wanted:
            return True
        if placed.layout not in own:
            return False
    return False


def segment_doubt(segment: PlacedSegment, profile: Profile) -> Doubt | None:
    """A role or bill type of a 309 that neither the profile nor the code list has."""
    known: Collection[str]
    if segment.id == "N1":
        element, known = 1, {*profile.party_roles.values(), *CODES["party_role"].codes}
    elif segment.id == "NM1":
        element, known = 1, profile.crew_role_codes.values()
    elif segment.id == "M11":
        own = (*profile.bill_types.values(), *profile.section321_bill_types)
        element, known = 9, {*own, *CODES["bill_type"].codes}
    else:
        return None
    value = segment.element(element)
    if not value or value in known:
        return None
    name = SEGMENTS[segment.id].elements[element - 1].name
    text = f"{segment.id}{element:02d} {name} is {value!r}, which the profile does not know."
    remedy = f"Use {', '.join(sorted(known))}, or give the profile the value that CBP's guide has."
    return Doubt("unknown_value", text, remedy, SEGMENTS[segment.id].source, element=element)
