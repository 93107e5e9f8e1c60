"""Which record layouts does a guide print, column by column?

A layout is a table with the heads Data Element, Length/Class, Position, Status or Desig, Description, Note, under a
title that names the record. Rules:

- A row begins on the line that holds a class and a position under their heads; what stands left of them is its name.
- A name goes on over the following lines until a blank one, or over the page's edge; ``Previously:`` ends it.
- A head printed again under the same title continues the record on the next page.
- A table ends at ``Note n``, at a line of prose that runs across the columns, or after column 80.
- A class may be followed by ``or`` and another one on the next line; a status may be qualified (``M-ESAR``): both are
  kept as printed, as is a row without position (an alternative to the row above it).
- A layout whose head is ``Data Element / Description`` prints name and text in one cell: the name is its first
  sentence. Its record is the one above it, its variant the number after ``Type=``.

The parser knows how the guides are set, never what they ought to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from schemas.drift.guide_text import Line

_HEAD = re.compile(r"^\s*Data Element(?P<both> / Description)?\s.*\b(?P<use>Status|Desig)\b")
_TITLE_IDENTIFIER = re.compile(r"^Record Identifier (?P<id>\w{1,5}) ?\((?P<way>Input|Output)\)$")
_TITLE_RECORD = re.compile(
    r"^(?P<made>ACE Generated )?(?:(?P<way>Input|Output) )?(?P<id>[A-Z0-9]{1,4})[- ]Record(?: .*)?$"
)
_TYPE = re.compile(r"^\s*Type=(?P<type>\w+)")
_CLASS = r"\d{1,2}\s?(?:\(S\)N|AN|[ANXSDC]|[anxsdc]{1,2})"
_ROW = re.compile(
    rf"^(?P<name>.*?)\s*(?<!\S)(?P<cls>{_CLASS})(?P<either> or)?\s+"
    r"(?P<start>\d{1,2})(?:\s?[-–]\s?(?P<end>\d{1,2}))?(?:\s+(?P<use>[MCO]-?)(?!\S)|(?!\S))"
)
_UNPLACED = re.compile(rf"^(?P<name>.*?\S)\s+(?P<cls>{_CLASS})\s{{8,}}(?P<use>[MCO]-?)(?!\S)")
_CLASS_ALONE = re.compile(_CLASS)
_USE_PART = re.compile(r"[MCO]-?|ESAR|eMAN|OR")
_NOTE = re.compile(r"^\s*Notes?:?\s*\d*\s*:?\s*$|^\s*Table \d")
_NAME_ENDS = re.compile(r"^(Previously\b|OR$|or$|/$|Class$|Length$|\[)")
_CELL = re.compile(r"\S+(?: \S+)*")
_LAST_COLUMN = 80
_SLACK = 9  # how far a cell may stand from the middle of its head
_WIDEST = 500  # no guide prints a wider line; a wider one is no part of a table


@dataclass(frozen=True, slots=True)
class PrintedField:
    """One row as printed; ``start`` 0 means that no position is printed, ``use`` "" no designation."""

    name: str
    start: int
    end: int
    cls: str
    use: str
    line: int
    page: int

    @property
    def at(self) -> str:
        """``5-44``, or "" where nothing is printed."""
        return f"{self.start}-{self.end}" if self.start else ""


@dataclass(frozen=True, slots=True)
class PrintedRecord:
    """One layout: identifier as printed, ``Input``, ``Output`` or "", what makes it a variant, and its rows.

    ``shape`` is ``table`` where length, class and designation are printed, ``positions`` where only columns and names.
    """

    id: str
    way: str
    variant: str
    fields: tuple[PrintedField, ...]
    line: int
    page: int
    shape: str = "table"


@dataclass
class _Row:
    name: list[str]
    start: int
    end: int
    cls: str
    use: str
    line: Line
    open: bool = True
    either: bool = False

    def printed(self, both: bool) -> PrintedField:
        name = ""
        for part in self.name:
            name += part if not name or name.endswith("-") else f" {part}"
        if both:
            name = name.partition(". ")[0].removesuffix(".")
        name = " ".join(name.split())
        return PrintedField(name, self.start, self.end, self.cls, self.use, self.line.number, self.line.page)


@dataclass
class _Table:
    key: tuple[str, str, str]
    line: Line
    both: bool
    class_at: int = 0
    position_at: int = 0
    use_at: int = 0
    text_at: int = 0
    rows: list[_Row] = field(default_factory=list)
    open: bool = True


def _title(lines: Sequence[Line], head: int) -> tuple[str, int]:
    """The title above a head and the row it begins in."""
    row = head - 1
    if row < 0 or lines[row].blank:
        return "", head
    title = re.sub(r"\s+(Length/?|Position)(?=\s|$)", " ", " " + lines[row].text + " ")
    title = " ".join(title.split())
    if row and lines[row - 1].text.strip() == "ACE Generated":
        return f"ACE Generated {title}", row - 1
    return title, row


def _key(title: str, record: str, kind: str) -> tuple[str, str, str] | None:
    """(identifier, way, variant) of a title; ``record`` and ``kind`` are those in force for a title that names none."""
    named = _TITLE_IDENTIFIER.match(title)
    if named:
        return named["id"], named["way"], ""
    named = _TITLE_RECORD.match(title)
    if named:
        return named["id"], named["way"] or "", "generated" if named["made"] else ""
    if record and kind:
        return record, "", kind
    return None


def _cells(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _CELL.finditer(text):
        yield found.start(), found.end(), found.group()


def _open(table: _Table, lines: Sequence[Line], head: int) -> None:
    """Take the places of the columns from a head (the words may stand one line higher)."""
    text, above = lines[head].text, lines[head - 1].text if head else ""
    table.use_at = text.find("Status") if "Status" in text else text.find("Desig")
    table.position_at = text.find("Position") if "Position" in text else above.find("Position")
    table.text_at = text.find("Description", table.use_at)
    if table.text_at < 0:
        table.text_at = table.use_at + 12
    table.open = True
    for row in table.rows:
        row.open = row.open and row.end < _LAST_COLUMN


def _row(table: _Table, line: Line) -> _Row | None:
    found = _ROW.match(line.text)
    if found and abs(found.start("start") - table.position_at) <= _SLACK:
        start = int(found["start"])
        end = int(found["end"] or start)
        table.class_at = found.start("cls")
        cls = found["cls"].replace(" ", "")
        return _Row([found["name"].strip()], start, end, cls, found["use"] or "", line, either=bool(found["either"]))
    found = _UNPLACED.match(line.text)
    if found and table.rows and abs(found.start("use") - table.use_at) <= _SLACK:
        table.class_at = found.start("cls")
        return _Row([found["name"].strip()], 0, 0, found["cls"], found["use"], line)
    return None


def _continue(table: _Table, row: _Row, line: Line) -> bool:
    """Add what a line says to the row above it; False where the line is not of the table."""
    for start, end, cell in _cells(line.text):
        if start < table.class_at - 1 and end <= max(table.position_at - 2, table.class_at + 3):
            if _NAME_ENDS.match(cell):
                row.open = False
            elif row.open:
                row.name.append(cell)
        elif start < table.class_at - 1:
            return False
        elif cell == "or" and start < table.position_at:
            row.either = True
        elif row.either and _CLASS_ALONE.fullmatch(cell):
            row.cls, row.either = f"{row.cls} or {cell}", False
        elif start < table.text_at - 1 and abs(start - table.use_at) <= _SLACK and _USE_PART.fullmatch(cell):
            row.use += cell if row.use.endswith("-") else f" {cell}"
    return True


def _read(table: _Table, line: Line) -> None:
    if _NOTE.match(line.text):
        table.open = False
        return
    last = table.rows[-1] if table.rows else None
    if line.opens_page and last and last.end == _LAST_COLUMN:
        table.open = False
        return
    row = _row(table, line)
    if row:
        if last and row.start and last.end == _LAST_COLUMN:
            table.open = False
            return
        table.rows.append(row)
    elif line.blank:
        if last:
            last.open = False
            if last.end == _LAST_COLUMN and not last.either:
                table.open = False
    elif last and not _continue(table, last, line):
        table.open = False


def parse_layouts(lines: Sequence[Line]) -> tuple[PrintedRecord, ...]:
    """Every layout printed in these lines, in the order of the guide."""
    lines = [one if len(one.text) <= _WIDEST else replace(one, text="") for one in lines]
    heads = {row for row, line in enumerate(lines) if _HEAD.match(line.text)}
    titles: dict[int, int] = {}
    for head in heads:
        for row in range(_title(lines, head)[1], head):
            titles[row] = head
    tables: dict[tuple[str, str, str], _Table] = {}
    table: _Table | None = None
    record = kind = ""
    for number, line in enumerate(lines):
        if number in heads:
            key = _key(_title(lines, number)[0], record, kind)
            table = None
            if key is not None:
                if not key[2]:
                    record, kind = key[0], ""
                both = bool(_HEAD.match(line.text)["both"])  # type: ignore[index]
                table = tables.setdefault(key, _Table(key, line, both))
                _open(table, lines, number)
        elif number in titles:
            continue
        else:
            typed = _TYPE.match(line.text)
            if typed:
                kind, table = typed["type"], None
            if table and table.open:
                _read(table, line)
    return tuple(
        PrintedRecord(*one.key, tuple(row.printed(one.both) for row in one.rows), one.line.number, one.line.page)
        for one in tables.values()
        if one.rows
    )
