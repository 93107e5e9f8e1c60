"""How is the reference text of an X0 or E0 record laid out, type by type?

Beside the layouts proper a guide prints one table whose cells hold small layouts: for each reference type the columns
of the text and what stands there. Rules:

- A type begins on the line whose first cell is its code and whose second begins with ``Description:``.
- A row is ``26-29  Name`` under the head ``Position``; the name goes on below itself until the next row.
- Only columns and names are printed: no length, class or designation can be compared.
- ``Space.`` is a filler, and the record a value is taken from (``(B-Record)``) is no part of its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.drift.guide_text import Line
from schemas.drift.layout_parser import PrintedField, PrintedRecord

_TABLE = re.compile(r"Returned ‘Reference Data Text’ Content")
_TYPE = re.compile(r"^\s{0,8}(?P<type>[A-Z][A-Z0-9]{3,5})\s+Description:")
_HEAD = re.compile(r"\bPosition\s+Description / Source")
_ROW = re.compile(r"(?<!\S)(?P<start>\d{2})-(?P<end>\d{2})\s+(?P<name>\S.*?)\s*$")
_SOURCE = re.compile(r"\s*\([A-Z0-9]+- ?Record\)")
_ENDS = re.compile(r"^\s*Reference\s*$|^\s*Data Type\s*$|^\s*Code\s+Description / Usage")
_SLACK = 4
_WIDEST = 500  # see layout_parser


class _Part:
    """The layout of one type while it is read."""

    def __init__(self, code: str, line: Line) -> None:
        self.code = code
        self.line = line
        self.rows: list[tuple[int, int, list[str], Line]] = []
        self.name_at = 0

    def read(self, line: Line) -> None:
        found = _ROW.search(line.text)
        if found:
            self.name_at = found.start("name")
            self.rows.append((int(found["start"]), int(found["end"]), [found["name"]], line))
        elif self.rows and len(line.text) > self.name_at:
            before = line.text[max(self.name_at - _SLACK, 0) : self.name_at]
            more = line.text[self.name_at :].strip()
            if more and not before.strip():
                self.rows[-1][2].append(more)

    def printed(self, record: str) -> PrintedRecord:
        fields = []
        for start, end, parts, line in self.rows:
            name = ""
            for part in parts:
                name += part if not name or name.endswith("-") else f" {part}"
            name = _SOURCE.sub("", name).strip().removesuffix(".")
            fields.append(
                PrintedField("Filler" if name == "Space" else name, start, end, "", "", line.number, line.page)
            )
        return PrintedRecord(record, "", self.code, tuple(fields), self.line.number, self.line.page, "positions")


def parse_reference_tables(lines: Sequence[Line], record: str) -> tuple[PrintedRecord, ...]:
    """The layouts of the reference text of ``record`` (``X0``, ``E0``), in the order of the guide."""
    parts: list[_Part] = []
    inside = False
    for line in lines:
        if _TABLE.search(line.text):
            inside = True
            continue
        if not inside or len(line.text) > _WIDEST:
            continue
        typed = _TYPE.match(line.text)
        if typed:
            parts.append(_Part(typed["type"], line))
        elif re.match(r"^\s*(Note \d|Data Element\b)|.*\bLength/", line.text):
            inside = False
        elif parts and not _HEAD.search(line.text) and not _ENDS.match(line.text):
            parts[-1].read(line)
    return tuple(part.printed(record) for part in parts if part.rows)
