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
- A layout's id is its identifier on the wire (the constant it begins with), with two additions. What stands
  before it is a *family*: ``AE10`` and ``AE-SE13`` are the records ``10`` and ``SE13`` of family ``AE``. An
  application that names a family (``layouts = "AE"`` in ``applications.toml``) has each record looked up there
  first, then among the layouts without a family; other applications never see a family's layouts.
- What stands after a dot is a variant: several layouts of one identifier. A row
  ``when = { "4-9" = ["BLOCK "] }`` names the columns and the values that choose it (several columns: all of them;
  a value is filled up with spaces to its columns); among those that fit, the first in the tables is taken, and the
  one without ``when`` if none fits. Where an identifier has layouts of both directions (``A.in``, ``A.out``), the
  direction of the batch chooses before anything else.

A new table file is one more name in ``TABLES``; nothing else has to know about its layouts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

Kind = Literal["text", "code", "number", "date", "time"]
Direction = Literal["in", "out"]

RECORD_LENGTH: Final = 80
TABLES: Final = (
    "control",
    "rejection",
    "se_header",
    "se_parties",
    "se_lines",
    "sx",
    "so",
    "query",
    "pga",
    "pga_structure",
    "pga_product",
    "pga_document",
    "pga_party",
    "pga_quantity",
    "pga_movement",
    "sf",
    "ae_header",
    "ae_manifest",
    "ae_bonds_fees",
    "ae_parties",
    "ae_lines",
    "ae_tariff",
    "ae_declarations",
    "ae_totals",
    "ax",
    "ax_header_references",
    "ax_line_references",
)

_CLASS = re.compile(r"(\d+)(\(S\)N|AN|A|N|X|S|D|C)")
_PARENTHETICAL = re.compile(r"\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field: columns ``start`` to ``start + length - 1``, data class as printed, and how to see it.

    ``value`` is the constant of a constant field; ``accepts`` the class really taken, where the
    printed one cannot be meant; ``blank`` marks a mandatory field one of whose values is spaces;
    ``verbatim`` a text whose leading spaces are data; ``decimals`` how many of a number's digits stand
    behind a point that is not written (the value here stays the whole number of the wire).
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
    decimals: int = 0

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
    """One record layout; ``source`` names document, version and section.

    ``when`` chooses it among the layouts of its identifier: (first column, last column, values).
    """

    id: str
    name: str
    direction: Direction
    use: str
    source: str
    fields: tuple[FieldDef, ...]
    when: tuple[tuple[int, int, frozenset[str]], ...] = ()
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

    @cached_property
    def wire_id(self) -> str:
        """What tells the record on the wire: ``10`` for ``AE10``, ``X0`` for ``X0.BLOCK``, ``SE13`` for ``AE-SE13``."""
        stem = self.id.partition(".")[0]
        for length in range(min(4, len(self.identifier)), 0, -1):
            if stem.endswith(self.identifier[:length]):
                return self.identifier[:length]
        raise ValueError(f"{self.id}: the record begins with {self.identifier!r}, which its id does not end with")

    @cached_property
    def family(self) -> str:
        """Applications of this family read it; ``""`` is every application."""
        return self.id.partition(".")[0].removesuffix(self.wire_id).rstrip("-")

    def chosen_by(self, line: str) -> bool:
        """The columns that choose this variant hold one of its values."""
        return all(line[first - 1 : last] in values for first, last, values in self.when)


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
        decimals=row.get("decimals", 0),
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


def _when(row: Mapping[str, Sequence[str]]) -> tuple[tuple[int, int, frozenset[str]], ...]:
    choices = []
    for columns, values in row.items():
        first, _, last = columns.partition("-")
        width = int(last) - int(first) + 1
        if any(len(value) > width for value in values):
            raise ValueError(f"when {columns}: a value is wider than its columns")
        choices.append((int(first), int(last), frozenset(value.ljust(width) for value in values)))
    return tuple(choices)


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
                    original.when,
                )
            else:
                record = RecordDef(
                    layout,
                    row["name"],
                    row["direction"],
                    row["use"],
                    row["source"],
                    tuple(_field(one) for one in row["fields"]),
                    _when(row.get("when", {})),
                )
            _check_tiling(record)
            if layout in records:
                raise ValueError(f"{layout} is laid out twice")
            records[layout] = record
    return MappingProxyType(records)


RECORDS: Final[Mapping[str, RecordDef]] = load_tables()
"""Every layout by id, in the order of the tables."""


def variants(wire_id: str, family: str, direction: Direction) -> tuple[RecordDef, ...]:
    """The layouts a record that begins with ``wire_id`` may have, in the order in which they are tried."""
    known = _variants().get((wire_id, family), ())
    if len({one.direction for one in known}) > 1:
        known = [one for one in known if one.direction == direction]
    return tuple(sorted(known, key=lambda one: not one.when))


@cache
def _variants() -> Mapping[tuple[str, str], Sequence[RecordDef]]:
    found: dict[tuple[str, str], list[RecordDef]] = {}
    for one in RECORDS.values():
        found.setdefault((one.wire_id, one.family), []).append(one)
    return found
