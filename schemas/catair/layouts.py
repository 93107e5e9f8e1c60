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

- ``mark`` and ``note`` of a row say how sure its source is: without a mark it was read in CBP's own document
  (``sourced``); ``transcribed`` is read through a public transcription of it, ``deduced`` follows from another one.
  ``docs/unconfirmed.md`` lists every row that has one of the two.

A new table file is one more name in ``TABLES``; nothing else has to know about its layouts. What a table may not say
is told with file, record and field (:mod:`schemas.catair.soundness`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from schemas.catair.code_files import list_names
from schemas.catair.soundness import Shape, UnsoundTable, one_of, tables_of

Kind = Literal["text", "code", "number", "date", "time"]
Direction = Literal["in", "out"]
LayoutMark = Literal["sourced", "transcribed", "deduced"]

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
    "query_bills",
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
_COLUMNS = re.compile(r"(\d+)-(\d+)")

_MAY_SAY: Final = {"mark": str, "note": str}
_RECORD: Final = Shape(
    "a record",
    {"name": str, "direction": str, "use": str, "source": str, "fields": list},
    {"when": dict, **_MAY_SAY},
)
_MIRROR: Final = Shape("a record that mirrors another", {"mirrors": str, "source": str}, _MAY_SAY)
_FIELD: Final = Shape(
    "a field",
    {"at": str, "class": str, "use": str, "name": str},
    {
        "kind": str, "meaning": str, "codes": str, "value": str, "accepts": str, "align": str,
        "blank": bool, "verbatim": bool, "decimals": int,
    },
)  # fmt: skip


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
    """One record layout; ``source`` names document, version and section, ``mark`` and ``note`` how sure that is.

    ``when`` chooses it among the layouts of its identifier: (first column, last column, values).
    """

    id: str
    name: str
    direction: Direction
    use: str
    source: str
    fields: tuple[FieldDef, ...]
    when: tuple[tuple[int, int, frozenset[str]], ...] = ()
    mark: LayoutMark = "sourced"
    note: str = ""
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


def _field(row: Mapping[str, Any], where: str, lists: Collection[str]) -> FieldDef:
    columns, shape = _COLUMNS.fullmatch(row["at"]), _CLASS.fullmatch(row["class"])
    if columns is None:
        raise UnsoundTable(where, f"{row['at']!r} is no pair of columns.", "Write first and last column: 5-8.")
    if shape is None:
        raise UnsoundTable(where, f"Class {row['class']!r} is not known.", "Write length and class as printed: 4AN.")
    one_of(where, "a designation", row["use"], ("M", "C", "O"))
    one_of(where, "a kind", row.get("kind", "text"), get_args(Kind))
    one_of(where, "an alignment", row.get("align", "left"), ("left", "right"))
    if row.get("codes"):
        one_of(where, "a code list", row["codes"], lists)
    constant = row.get("value", "")
    filler = row["name"] == "Filler"
    defined = FieldDef(
        start=int(columns[1]),
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
    if defined.end != int(columns[2]):
        raise UnsoundTable(where, f"{row['at']} is not {defined.length} wide.", "Mend the columns or the class.")
    return defined


def _check_tiling(record: RecordDef, where: str) -> None:
    column = 1
    for one in record.fields:
        if one.start != column:
            text = f"{one.name} begins at {one.start}, expected {column}."
            raise UnsoundTable(where, text, "Fields follow each other without gap or overlap.")
        column = one.end + 1
    if column != RECORD_LENGTH + 1:
        raise UnsoundTable(where, f"The record ends at column {column - 1}.", f"Fill it up to column {RECORD_LENGTH}.")
    keyed = [one.key for one in record.fields if one.key]
    twice = sorted({key for key in keyed if keyed.count(key) > 1})
    if twice:
        raise UnsoundTable(where, f"The field key {twice[0]!r} occurs twice.", "Number the names: (1), (2).")


def _when(row: Mapping[str, Sequence[str]], where: str) -> tuple[tuple[int, int, frozenset[str]], ...]:
    choices = []
    for columns, values in row.items():
        found = _COLUMNS.fullmatch(columns)
        if found is None:
            raise UnsoundTable(where, f"when: {columns!r} is no pair of columns.", "Write first and last column: 5-8.")
        first, last = int(found[1]), int(found[2])
        width = last - first + 1
        if not isinstance(values, list) or any(not isinstance(one, str) or len(one) > width for one in values):
            text = f"when {columns}: this is not a list of texts of at most {width} characters."
            raise UnsoundTable(where, text, "List the values that choose this variant.")
        choices.append((first, last, frozenset(value.ljust(width) for value in values)))
    return tuple(choices)


def _mirrored(one: FieldDef, layout: str) -> FieldDef:
    if one.start != 1:
        return one
    values = {name: getattr(one, name) for name in FieldDef.__slots__}
    return FieldDef(**{**values, "value": layout.partition(".")[0]})


def table_texts() -> Mapping[str, str]:
    """The text of every table by the file's path, in the order of ``TABLES``."""
    folder = files("schemas.catair").joinpath("tables")
    return {f"tables/{table}.toml": folder.joinpath(f"{table}.toml").read_text("utf-8") for table in TABLES}


def load_tables(
    texts: Mapping[str, str] | None = None, lists: Collection[str] | None = None
) -> Mapping[str, RecordDef]:
    """Every layout of these tables (file name → TOML; by default our own), whose fields may name these code lists.

    Raises :class:`schemas.catair.soundness.UnsoundTable`, a ValueError, naming file, record and field.
    """
    records: dict[str, RecordDef] = {}
    known = list_names() if lists is None else lists
    for file, text in (table_texts() if texts is None else texts).items():
        for layout, row in tables_of(file, text).items():
            where = f"{file}, {layout}"
            if layout in records:
                raise UnsoundTable(where, "This record is laid out in another table too.", "Leave one of them out.")
            record = _mirror(layout, row, where, records) if "mirrors" in row else _record(layout, row, where, known)
            _check_tiling(record, where)
            records[layout] = record
    return MappingProxyType(records)


def _record(layout: str, row: Mapping[str, Any], where: str, lists: Collection[str]) -> RecordDef:
    _RECORD.check(where, row)
    one_of(where, "a direction", row["direction"], get_args(Direction))
    one_of(where, "a mark", row.get("mark", "sourced"), get_args(LayoutMark))
    _FIELD.rows(f"{where}, field", row["fields"])
    fields = (_field(one, f"{where}, field {at} ({one['name']})", lists) for at, one in enumerate(row["fields"], 1))
    return RecordDef(
        layout,
        row["name"],
        row["direction"],
        row["use"],
        row["source"],
        tuple(fields),
        _when(row.get("when", {}), where),
        row.get("mark", "sourced"),
        row.get("note", ""),
    )


def _mirror(layout: str, row: Mapping[str, Any], where: str, records: Mapping[str, RecordDef]) -> RecordDef:
    _MIRROR.check(where, row)
    one_of(where, "a record laid out before", row["mirrors"], records)
    one_of(where, "a mark", row.get("mark", "sourced"), get_args(LayoutMark))
    original = records[row["mirrors"]]
    return RecordDef(
        layout,
        original.name,
        original.direction,
        original.use,
        row["source"],
        tuple(_mirrored(one, layout) for one in original.fields),
        original.when,
        row.get("mark", "sourced"),
        row.get("note", ""),
    )


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
