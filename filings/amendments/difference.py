"""In what does a patched record differ, field by field, in words that people know?

Lines are matched by their number and equipment by its own; other lists by the order of their items. A value that is an
object or a list is told by its fields, so that nothing hides in "an address was changed".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_KEYS: Final = {"lines": "line", "equipment": "number"}
"""Lists whose items have a name of their own."""

_PLACE: Final = re.compile(r"\[(\d+)\]")

_NAMES: Final[Mapping[str, str]] = {
    "order_id": "order",
    "place_of_receipt": "place of receipt",
    "packages.count": "number of packages",
    "packages.unit": "kind of packages",
    "gross_weight.value": "gross weight",
    "gross_weight.unit": "unit of the gross weight",
    "fair_retail_value": "fair retail value",
    "pathway": "pathway asked for",
    "importer_of_record.name": "importer of record",
    "importer_of_record.number": "number of the importer of record",
    "importer_of_record.number_type": "kind of number of the importer of record",
    "estimated_arrival": "expected arrival",
    "port_of_arrival": "port of arrival",
    "conveyance.type": "kind of truck",
    "conveyance.number": "the carrier's number of the truck",
    "conveyance.vin": "VIN of the truck",
}

_PARTS: Final[Mapping[str, str]] = {
    "name": "name",
    "address.city": "city",
    "address.region": "state or province",
    "address.postal_code": "postal code",
    "address.country": "country",
    "hts": "tariff number",
    "country_of_origin": "country of origin",
    "sku": "stock number",
    "spi": "trade program",
    "ad_cvd_case": "anti-dumping case",
    "plate.number": "licence plate",
    "plate.region": "state or province of the licence plate",
    "plate.country": "country of the licence plate",
    "first_name": "given name",
    "last_name": "family name",
    "date_of_birth": "date of birth",
}

_OWNERS: Final[Sequence[tuple[str, str]]] = (
    ("consignee.", "consignee"),
    ("shipper.", "shipper"),
    ("conveyance.", "truck"),
)
_ITEMS: Final[Mapping[str, str]] = {"lines": "line", "equipment": "equipment", "crew": "crew member"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; ``None`` on the side that has no value. ``shipment_id`` is empty for the trip's own."""

    path: str
    name: str
    old: Any
    new: Any
    shipment_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For people and programs."""
        shown = {"path": self.path, "name": self.name, "old": self.old, "new": self.new}
        return {"shipment_id": self.shipment_id, **shown} if self.shipment_id else shown


def field_changes(before: Any, after: Any, shipment_id: str = "") -> tuple[FieldChange, ...]:
    """Every field in which ``after`` differs from ``before``, in the order of the records."""
    return tuple(
        FieldChange(path, name_of(path), old, new, shipment_id) for path, old, new in _changes(before, after, "")
    )


def _changes(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        old = before if isinstance(before, Mapping) else {}
        new = after if isinstance(after, Mapping) else {}
        for name in [*old, *(one for one in new if one not in old)]:
            yield from _changes(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        return
    if isinstance(before, list) or isinstance(after, list):
        old_items = before if isinstance(before, list) else []
        new_items = after if isinstance(after, list) else []
        for number, (left, right) in enumerate(_pairs(path, old_items, new_items)):
            yield from _changes(left, right, f"{path}[{number}]")
        return
    yield path, before, after


def _pairs(path: str, old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Items by their own name where they have one, else by their order."""
    key = _KEYS.get(path.rpartition(".")[2])
    if key is None or not all(isinstance(one, Mapping) for one in (*old, *new)):
        most = max(len(old), len(new))
        return [(old[at] if at < len(old) else None, new[at] if at < len(new) else None) for at in range(most)]
    by_name = {one.get(key): one for one in new}
    names = [one.get(key) for one in old]
    return [(one, by_name.get(one.get(key))) for one in old] + [(None, one) for one in new if one.get(key) not in names]


def name_of(path: str) -> str:
    """What people call a field of a shipment or a trip; the path itself where there is no other name."""
    known = _NAMES.get(path)
    if known is not None:
        return known
    found = re.match(r"(lines|equipment|crew)\[(\d+)\]\.?", path)
    if found is not None:
        owner = f"{_ITEMS[found[1]]} {int(found[2]) + 1}"
        return f"{owner}: {_part(path[found.end() :])}" if path[found.end() :] else owner
    for prefix, owner in _OWNERS:
        if path.startswith(prefix):
            return f"{owner}: {_part(path[len(prefix) :])}"
    return _part(path)


def _part(path: str) -> str:
    known = _PARTS.get(path)
    if known is not None:
        return known
    street = re.fullmatch(r"address\.lines\[(\d+)\]", path)
    if street is not None:
        return f"street, line {int(street[1]) + 1}"
    if path.startswith("manufacturer."):
        return f"manufacturer's {_part(path.removeprefix('manufacturer.'))}"
    words = _PLACE.sub(lambda place: f" {int(place[1]) + 1}", path)
    return words.replace(".", ", ").replace("_", " ")
