"""What about this shipment would CBP stumble over, although it is lawful?

Each check is a pure function from the goods to the places where it finds something, with the particulars; which
check runs, and how severe its finding is, is not its business (:mod:`mappings.advice`). All of them run for every
shipment that is decided, so a check that finds nothing must cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from mappings.preflight_data import Preflight
from mappings.rule_facts import Facts
from mappings.words import normal_words
from schemas.identifiers import importer_number_fault
from schemas.shipment import Address

Found = Sequence[tuple[str, str]]
"""(path, particulars) of each place at which a check found something."""
ShipmentCheck = Callable[[Facts, Preflight], Found]

_NOTHING: Final[Found] = ()
_POUND: Final = Decimal("0.45359237")
_STATED: Final = frozenset({"US", "CA"})
"""Countries whose addresses name a state or province."""
SPECIAL: Final = ("98", "99")
"""Chapters whose numbers stand beside the goods' own number."""


def vague_description(facts: Facts, data: Preflight) -> Found:
    """A description of words that say nothing only."""
    lines = facts.lines
    if len(lines) == 1:
        description = lines[0].description
        return (("lines[0].description", f"Here: {description!r}."),) if data.is_vague(description) else _NOTHING
    return [
        (f"lines[{place}].description", f"Here: {line.description!r}.")
        for place, line in enumerate(lines)
        if data.is_vague(line.description)
    ]


def same_description(facts: Facts, data: Preflight) -> Found:  # noqa: ARG001 - all checks are called alike
    """One description under several HTS numbers within the shipment."""
    if len(facts.lines) == 1:
        return _NOTHING
    first: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for place, line in enumerate(facts.lines):
        if line.hts.startswith(SPECIAL):
            continue  # it stands beside the goods' own number and says the same
        hts = first.setdefault(normal_words(line.description), line.hts)
        if hts != line.hts:
            found.append((f"lines[{place}].description", f"Here: {line.description!r} as {hts} and {line.hts}."))
    return found


def value_by_weight(facts: Facts, data: Preflight) -> Found:
    """A value that is out of the band of every chapter of the shipment."""
    weight = facts.shipment.gross_weight
    kilograms = weight.value if weight.unit == "KG" else weight.value * _POUND
    lowest, highest = data.bands.get(facts.hts[0][:2], data.usual)
    for hts in facts.hts[1:]:
        low, high = data.bands.get(hts[:2], data.usual)
        lowest, highest = min(low, lowest), max(high, highest)
    value = facts.entered_value
    if kilograms * lowest <= value <= kilograms * highest:
        return _NOTHING
    plausible = f"plausible are {lowest} to {highest} dollars a kilogram"
    return (("gross_weight", f"Here: {value} dollars at {weight.value} {weight.unit}; {plausible}."),)


def missing_state(facts: Facts, data: Preflight) -> Found:  # noqa: ARG001 - all checks are called alike
    """An address in a country of states or provinces that names none."""
    shipment = facts.shipment
    found: list[tuple[str, str]] = []
    if _lacks_state(shipment.consignee.address):
        found.append(("consignee.address.region", "Here: the consignee's."))
    if _lacks_state(shipment.shipper.address):
        found.append(("shipper.address.region", "Here: the shipper's."))
    for place, line in enumerate(facts.lines):
        if line.manufacturer is not None and _lacks_state(line.manufacturer.address):
            found.append((f"lines[{place}].manufacturer.address.region", "Here: the manufacturer's."))
    return found


def _lacks_state(address: Address) -> bool:
    return not address.region and address.country in _STATED


def importer_number(facts: Facts, data: Preflight) -> Found:
    """A number of the wrong form, or one that nobody is issued."""
    importer = facts.importer
    if importer is None:
        return _NOTHING
    number, kind = importer.number, importer.number_type
    if fault := importer_number_fault(number, kind):
        return (("importer_of_record.number", fault),)
    if kind == "EIN" and number[:2] not in data.ein_prefixes:
        return (("importer_of_record.number", f"Here: no EIN begins with {number[:2]}."),)
    if kind == "SSN":
        area, group, serial = number.split("-")
        if area.startswith(data.never_areas) or group == data.never_group or serial == data.never_serial:
            return (("importer_of_record.number", "Here: no SSN has these digits."),)
    return _NOTHING


def hts_shape(facts: Facts, data: Preflight) -> Found:
    """A number that has not ten digits, or is of a chapter that does not exist."""
    found: Found = _NOTHING
    for place, hts in enumerate(facts.hts):
        if len(hts) != 10 or hts[:2] in data.reserved_chapters or hts[:2] == "00" or not hts.isdigit():
            found = (*found, (f"lines[{place}].hts", f"Here: {hts!r}."))
    return found


def chapter_order(facts: Facts, data: Preflight) -> Found:  # noqa: ARG001 - all checks are called alike
    """Chapter 98, then 99, then the number of chapters 1 to 97 that carries the value."""
    special = [place for place, hts in enumerate(facts.hts) if hts.startswith(SPECIAL)]
    if not special:
        return _NOTHING
    found: list[tuple[str, str]] = []
    for place in special:
        hts = facts.hts[place]
        following = facts.hts[place + 1] if place + 1 < len(facts.hts) else ""
        if hts.startswith("99") and following.startswith("98"):
            found.append((f"lines[{place + 1}].hts", f"Here: {following} follows {hts}."))
        elif hts.startswith("99") and not following:
            found.append((f"lines[{place}].hts", f"Here: no ordinary number follows {hts}."))
    return found


CHECKS: Final[dict[str, ShipmentCheck]] = {
    "vague-description": vague_description,
    "same-description-other-hts": same_description,
    "value-by-weight": value_by_weight,
    "missing-state": missing_state,
    "importer-number": importer_number,
    "hts-shape": hts_shape,
    "chapter-98-99-order": chapter_order,
}
"""Id → function; a test holds the ids against those of the data."""

CHECKS_OF_HTS: Final = frozenset({"hts-shape", "chapter-98-99-order"})
"""Checks that look at the HTS numbers alone."""
