"""What does each record look like, column by column?

The tables under ``tables/`` are the answer; this module reads them and refuses one that does not
tile columns 1 to 80. Rules:

- A field's ``key`` is its printed name in lower case, a parenthetical dropped unless it is a number
  (then a suffix), every run of other characters one ``_``: ``Mode of Transportation (MOT) Code`` is
  ``mode_of_transportation_code``, ``Address Information (1)`` is ``address_information_1``.
- Fillers and constants (the record's own identifier among them) have no key: they carry no data.
- ``kind`` says how a program sees the value: ``text`` (str without trailing spaces), ``code``
  (str of digits, exactly as wide as the field), ``number`` (int), ``date`` (datetime.date, on the
  wire MMDDYY, or MMDDCCYY where 8 wide), ``time`` (str, HHMM or HHMMSS).
- A layout that depends on data in the record has a dotted id (``X0.BLOCK``, ``SO70.03``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

Kind = Literal["text", "code", "number", "date", "time"]
Direction = Literal["in", "out"]

RECORD_LENGTH: Final = 80
TABLES: Final = ("control", "rejection", "se_header", "se_parties", "se_lines", "sx", "so", "query", "pga")

_CLASS = re.compile(r"(\d+)(\(S\)N|AN|A|N|X|S|D|C)")
_PARENTHETICAL = re.compile(r"\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field: columns ``start`` to ``start + length - 1``, data class as printed, and how to see it.

    ``value`` is the constant of a constant field; ``accepts`` the class really taken, where the
    printed one cannot be meant; ``blank`` marks a mandatory field one of whose values is spaces;
    ``verbatim`` a text whose leading spaces are data.
    """

    start: int
    length: int
    cls: str
    use: str
    name: str
    key: str
    kind: Kind
    meaning: str = ""
    codes: str = ""
    value: str = ""
    accepts: str = ""
    align: Literal["left", "right"] = "left"
    blank: bool = False
    verbatim: bool = False

    @property
    def end(self) -> int:
        """Last column."""
        return self.start + self.length - 1

    @property
    def required(self) -> bool:
        """A record without this value is not complete."""
        return self.use == "M" and not self.blank


@dataclass(frozen=True)
class RecordDef:
    """One record layout; ``source`` names document, version and section."""

    id: str
    name: str
    direction: Direction
    use: str
    source: str
    fields: tuple[FieldDef, ...]
    keys: Mapping[str, FieldDef] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", MappingProxyType({f.key: f for f in self.fields if f.key}))

    @cached_property
    def identifier(self) -> str:
        """The constant the record begins with (``SE10``, ``A``, ``PG01``)."""
        begin = ""
        for one in self.fields:
            if not one.value:
                break
            begin += one.value
        return begin


def field_key(name: str) -> str:
    """The key of a field with this printed name, by the rule of this module."""
    plain = _PARENTHETICAL.sub(lambda m: f" {m.group(1)} " if m.group(1).isdigit() else " ", name)
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def _field(row: Mapping[str, Any]) -> FieldDef:
    start, _, end = row["at"].partition("-")
    shape = _CLASS.fullmatch(row["class"])
    if shape is None:
        raise ValueError(f"class {row['class']!r} is not known")
    constant = row.get("value", "")
    filler = row["name"] == "Filler"
    defined = FieldDef(
        start=int(start),
        length=int(shape.group(1)),
        cls=shape.group(2),
        use=row["use"],
        name=row["name"],
        key="" if filler or constant else field_key(row["name"]),
        kind=row.get("kind", "text"),
        meaning=row.get("meaning", ""),
        codes=row.get("codes", ""),
        value=constant,
        accepts=row.get("accepts", shape.group(2)),
        align=row.get("align", "left"),
        blank=row.get("blank", False),
        verbatim=row.get("verbatim", False),
    )
    if defined.end != int(end):
        raise ValueError(f"{row['name']}: {row['at']} is not {defined.length} wide")
    return defined


def _check_tiling(record: RecordDef) -> None:
    column = 1
    for one in record.fields:
        if one.start != column:
            raise ValueError(f"{record.id}: {one.name} begins at {one.start}, expected {column}")
        column = one.end + 1
    if column != RECORD_LENGTH + 1:
        raise ValueError(f"{record.id}: ends at column {column - 1}")
    keyed = [one.key for one in record.fields if one.key]
    if len(keyed) != len(set(keyed)):
        raise ValueError(f"{record.id}: a field key occurs twice")


def _mirrored(one: FieldDef, layout: str) -> FieldDef:
    if one.start != 1:
        return one
    values = {name: getattr(one, name) for name in FieldDef.__slots__}
    return FieldDef(**{**values, "value": layout.partition(".")[0]})


def load_tables() -> Mapping[str, RecordDef]:
    """Read every table; raises ValueError naming the record that is not sound."""
    records: dict[str, RecordDef] = {}
    folder = files("schemas.catair").joinpath("tables")
    for table in TABLES:
        for layout, row in tomllib.loads(folder.joinpath(f"{table}.toml").read_text("utf-8")).items():
            if "mirrors" in row:
                original = records[row["mirrors"]]
                record = RecordDef(
                    layout,
                    original.name,
                    original.direction,
                    original.use,
                    row["source"],
                    tuple(_mirrored(one, layout) for one in original.fields),
                )
            else:
                record = RecordDef(
                    layout,
                    row["name"],
                    row["direction"],
                    row["use"],
                    row["source"],
                    tuple(_field(one) for one in row["fields"]),
                )
            _check_tiling(record)
            records[layout] = record
    return MappingProxyType(records)


RECORDS: Final[Mapping[str, RecordDef]] = load_tables()
"""Every layout by id, in the order of the tables."""
