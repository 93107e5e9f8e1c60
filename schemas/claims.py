"""What does an agency claim say in its PG01, and which other keys of it stand in a record of their own?

The keys of a claim that are columns of PG01 are named in :data:`PG01_KEYS`; those that are filed as a record after
the product are data (``schemas/data/claims.toml``), each with how sure its place is. A disclaimer says why no data are
given; whether a message set may stand beside it is judged by :func:`disclaimed_with_data`. All checks here look at raw
JSON and tolerate anything, so that every fault of a shipment is told at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from schemas.catair.layouts import RECORDS
from schemas.catair.records import Record
from schemas.errors import Problem
from schemas.message_set import field_value, read_message_set

PG01_KEYS: Final = {
    "program": "government_agency_program_code",
    "processing": "government_agency_processing_code",
    "image_submitted": "electronic_image_submitted",
    "confidential": "confidential_information_indicator",
    "product_id.qualifier": "globally_unique_product_identification_code_qualifier",
    "product_id.number": "globally_unique_product_identification_code",
    "intended_use_code": "intended_use_code",
    "intended_use_description": "intended_use_description",
    "disclaimer": "disclaimer",
}
"""Key of a claim, dotted → field of PG01. The agency and its line number are the writer's."""

YES: Final = "Y"
"""What PG01 says for a true ``image_submitted`` or ``confidential``; false is left empty."""


NOT_REGULATED: Final = "A"
"""The disclaimer that says that the agency has nothing to do with the goods."""

_DISCLAIMED: Final = "CBP CATAIR PGA Message Set rev 29, PG01 80 and usage notes"


@dataclass(frozen=True, slots=True)
class FiledKey:
    """A key of a claim that is filed as a record of its own: ``record`` with ``field`` and what goes ``along``."""

    key: str
    agencies: tuple[str, ...]
    record: str
    field: str
    along: Mapping[str, str]
    mark: str
    source: str

    def made(self, value: str) -> Record:
        """The record that says this value."""
        return Record(self.record, {**self.along, self.field: value})


@cache
def filed_keys() -> tuple[FiledKey, ...]:
    """The table of ``schemas/data/claims.toml``. Raises ValueError for a row that names no field."""
    table = tomllib.loads(files("schemas").joinpath("data/claims.toml").read_text("utf-8"))
    rows = tuple(
        FiledKey(
            row["key"],
            tuple(row["agencies"]),
            row["record"],
            row["field"],
            row["with"],
            row["mark"],
            row["source"],
        )
        for row in table["key"]
    )
    for row in rows:
        unknown = {row.field, *row.along} - set(RECORDS[row.record].keys)
        if unknown:
            raise ValueError(f"{row.key}: {row.record} has no field {sorted(unknown)}")
    return rows


def filed_place(layouts: Sequence[str]) -> int:
    """Where in a message set filed keys stand: directly after the product and its groupings (PG50 to PG51).

    There no other record can claim them.
    """
    place = min(1, len(layouts))
    while place < len(layouts) and layouts[place] == "PG50":
        end = next((at for at in range(place, len(layouts)) if layouts[at] == "PG51"), len(layouts) - 1)
        place = end + 1
    return place


def with_filed_keys(claim: Mapping[str, Any], records: Sequence[Record]) -> tuple[list[Record], list[FiledKey]]:
    """The message set with one record more for each filed key of the claim that it does not say yet.

    They stand at :func:`filed_place`. ``claim`` holds values in CBP's characters.
    """
    added = [
        row
        for row in filed_keys()
        if claim.get(row.key)
        and not any(one.layout == row.record and one.values.get(row.field) == claim[row.key] for one in records)
    ]
    place = filed_place([one.layout for one in records])
    return [*records[:place], *(row.made(claim[row.key]) for row in added), *records[place:]], added


def disclaimed_with_data(claim: Mapping[str, Any], path: str) -> Problem | None:
    """What is to be said of a claim at ``path`` that has both a disclaimer and a message set.

    A disclaimed PG01 stands alone unless the agency wants more. Goods that an agency does not regulate (A) are none
    of which it could want more, so that the two contradict each other; beside the other codes data are unusual.
    """
    disclaimer, agency = claim.get("disclaimer"), claim.get("agency")
    if not isinstance(disclaimer, str) or not isinstance(claim.get("message_set"), list) or not claim["message_set"]:
        return None
    where, code = f"{path}.disclaimer", "disclaimer_with_message_set"
    if disclaimer == NOT_REGULATED:
        text = f"Disclaimer A says that {agency} does not regulate these goods, but a message set tells about them."
        return Problem(code, where, text, "Leave out the disclaimer or the message set.", _DISCLAIMED)
    text = f"Disclaimer {disclaimer} says why {agency} gets no data, but a message set gives data; both are filed."
    remedy = "Keep both only where the agency's own guide asks for it."
    return Problem(code, where, text, remedy, _DISCLAIMED, "warning")


def claim_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Every fault of the claims of a raw shipment that its columns and usage map tell."""
    lines = raw.get("lines")
    for at, line in enumerate(lines if isinstance(lines, list) else ()):
        claims = line.get("pga") if isinstance(line, Mapping) else None
        for place, claim in enumerate(claims if isinstance(claims, list) else ()):
            if isinstance(claim, Mapping):
                yield from _claim_faults(claim, f"lines[{at}].pga[{place}]")


def _claim_faults(claim: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for key, field in PG01_KEYS.items():
        value = _at(claim, key)
        if isinstance(value, str):
            yield from field_value(RECORDS["PG01"].keys[field], "PG01", value, f"{path}.{key}")[1]
    for row in filed_keys():
        value = claim.get(row.key)
        if isinstance(value, str):
            where = f"{path}.{row.key}"
            yield from field_value(RECORDS[row.record].keys[row.field], row.record, value, where)[1]
            if claim.get("agency") not in row.agencies:
                text = f"Only a claim for {' or '.join(row.agencies)} has {row.key}."
                yield Problem("not_for_agency", where, text, "Leave it out.", row.source)
    items = claim.get("message_set")
    if isinstance(items, list) and items:
        disclaimed = None if claim.get("disclaimer") is None else "A"  # which one does not matter to the order
        yield from read_message_set(items, f"{path}.message_set", disclaimed).problems
    if (doubt := disclaimed_with_data(claim, path)) is not None:
        yield doubt


def _at(claim: Mapping[str, Any], key: str) -> object:
    first, _, rest = key.partition(".")
    value = claim.get(first)
    if rest:
        return value.get(rest) if isinstance(value, Mapping) else None
    return value
