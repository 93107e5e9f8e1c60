"""How is a party named in an entry? Name, address components, place.

SE30, SE35 and SE36 at the header (level ``3``), SE50, SE55 and SE56 at a line (level ``5``). Nothing is cut: a name
has 35 characters; an address line of more than 35 goes on in the next component, broken between words; six
components of 35 are there (CBP CATAIR Cargo Release v40, SE30 to SE36).
"""

from __future__ import annotations

from typing import Final, Literal

from mappings.notes import Wire, pieces
from schemas.catair.records import Record, Value, rec
from schemas.shipment import Party

Level = Literal["3", "5"]

NAME_LENGTH: Final = 35
ADDRESS_LENGTH: Final = 35
COMPONENTS: Final = 6
UNSTRUCTURED: Final = "15"
"""Address component qualifier: unstructured street address."""

_SOURCE: Final = "CBP CATAIR Cargo Release v40"


def party_records(code: str, party: Party, path: str, level: Level, wire: Wire) -> list[Record]:
    """The records of a party by name and address; problems and notes go to ``wire`` under ``path``."""
    records: list[Record] = []

    def add(layout: str, /, **values: Value | None) -> None:
        records.append(rec(layout, **values))

    address = party.address
    name = wire.text(party.name, f"{path}.name", NAME_LENGTH, f"SE{level}0 8-42")
    add(f"SE{level}0", entity_code=code, entity_name=name)
    parts: list[str] = []
    for index, line in enumerate(address.lines):
        where = f"{path}.address.lines[{index}]"
        said = wire.text(line, where, ADDRESS_LENGTH * COMPONENTS, f"SE{level}5")
        broken = pieces(said, ADDRESS_LENGTH)
        for word in (one for one in broken if len(one) > ADDRESS_LENGTH):
            wire.too_long(where, word, ADDRESS_LENGTH, f"one word of SE{level}5")
        if len(broken) > 1:
            wire.note("split", where, f"Said in {len(broken)} address components.", said)
        parts += broken
    if len(parts) > COMPONENTS:
        wire.problem(
            "too_long",
            f"{path}.address.lines",
            f"The address takes {len(parts)} components of {ADDRESS_LENGTH} characters; {COMPONENTS} fit.",
            "Shorten it; nothing is cut for you.",
            f"{_SOURCE}, SE{level}5",
        )
    for at in range(0, len(parts), 2):
        second = parts[at + 1] if at + 1 < len(parts) else None
        add(
            f"SE{level}5",
            address_component_qualifier_1=UNSTRUCTURED,
            address_information_1=parts[at],
            address_component_qualifier_2=UNSTRUCTURED if second else None,
            address_information_2=second,
        )
    region, postal = address.region, address.postal_code
    add(
        f"SE{level}6",
        city_name=wire.text(address.city, f"{path}.address.city", 35, f"SE{level}6 5-39"),
        country_sub_entity_code=(
            wire.alphanumeric(region, f"{path}.address.region", 3, f"SE{level}6 40-42") if region else None
        ),
        postal_code=wire.text(postal, f"{path}.address.postal_code", 15, f"SE{level}6 49-63") if postal else None,
        country_code=address.country,
    )
    return records
