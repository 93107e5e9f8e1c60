"""How is a record of 80 columns described, taken apart and judged?

CBP CATAIR Batch and Block Control rev 23 for the control records and the data classes. The project's own record tables
are not used: a wrong column there must show here. A layout is one line of text: ``start-end class use name``, fields
separated by ``|``; use M mandatory, C or O otherwise; every column in no field is filler. Class SN is CBP's (S)N:
spaces, then digits up to the last column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

RECORD_LENGTH: Final = 80

UPPER: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS: Final = frozenset("0123456789")
SPECIALS: Final = frozenset("!@#$%^&*()-_=+[{]}\\|;:'\",<.>/?~`")
STANDARD: Final = UPPER | DIGITS | SPECIALS | {" "}
_ALLOWED: Final = {
    "A": UPPER | {" "},
    "AN": UPPER | DIGITS | {" "},
    "N": DIGITS,
    "D": DIGITS,
    "SN": DIGITS | {" "},
    "X": STANDARD,
}
_SPACED_NUMBER: Final = re.compile(r" *\d+")


@dataclass(frozen=True, slots=True)
class Field:
    """Columns ``start`` to ``end`` (1 to 80) of a field, its data class and whether a value is mandatory."""

    start: int
    end: int
    data_class: str
    mandatory: bool
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of layout: ``kind`` filler, characters, class or missing; the column it begins at; the field's name."""

    kind: str
    column: int
    name: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one record and the spans that must stay blank."""

    fields: tuple[Field, ...]
    filler: tuple[tuple[int, int], ...]

    def values(self, line: str) -> dict[str, str]:
        """Field name → value without fill; absent values are empty texts."""
        return {one.name: line[one.start - 1 : one.end].strip() for one in self.fields}

    def faults(self, line: str) -> list[Fault]:
        """What is wrong with a record: characters, filler, data class, missing mandatory values."""
        faults = foreign_characters(line)
        for start, end in self.filler:
            if line[start - 1 : end].strip():
                faults.append(Fault("filler", start, ""))
        for one in self.fields:
            raw = line[one.start - 1 : one.end]
            if not raw.strip():
                if one.mandatory:
                    faults.append(Fault("missing", one.start, one.name))
            elif not _ALLOWED[one.data_class].issuperset(raw) or (
                one.data_class == "SN" and not _SPACED_NUMBER.fullmatch(raw)
            ):
                faults.append(Fault("class", one.start, one.name))
        return faults


def foreign_characters(line: str) -> list[Fault]:
    """The first character that CBP's character set has not, as a fault; none when all are in it."""
    if STANDARD.issuperset(line):
        return []
    return [Fault("characters", next(i for i, c in enumerate(line, 1) if c not in STANDARD), "")]


def layouts(table: Mapping[str, str]) -> dict[str, Layout]:
    """Layouts by record identifier, from their texts."""
    return {name: _layout(name, text) for name, text in table.items()}


def _layout(name: str, text: str) -> Layout:
    fields = []
    for part in filter(None, text.split("|")):
        span, data_class, use, label = part.split()
        start, end = span.split("-")
        fields.append(Field(int(start), int(end), data_class, use == "M", label))
    gaps, column = [], len(name) + 1
    for one in fields:
        if one.start > column:
            gaps.append((column, one.start - 1))
        column = one.end + 1
    if column <= RECORD_LENGTH:
        gaps.append((column, RECORD_LENGTH))
    return Layout(tuple(fields), tuple(gaps))


def day_of(text: str) -> date | None:
    """The day a field of class D means (MMDDYY, years 2000 to 2099), or ``None`` when there is no such day."""
    if not re.fullmatch(r"[0-9]{6}", text):
        return None
    try:
        return date(2000 + int(text[4:]), int(text[:2]), int(text[2:4]))
    except ValueError:
        return None


CONTROL: Final = layouts(
    {
        "A": "2-5 AN M site|6-8 AN M sender|9-14 AN M password|15-20 D O date|26-27 AN M application"
        "|38-39 AN C office|60-80 X O user_text",
        "B": "4-7 AN M port|8-10 AN M filer|11-12 AN M application|45-46 AN C office|47-50 AN C preparer_port"
        "|51-53 AN C preparer_filer|54-55 AN C preparer_office|56-56 AN C preparer_indicator"
        "|60-80 X O user_text",
        "Y": "4-7 AN M port|8-10 AN M filer|11-12 AN M application|45-46 AN C office",
        "Z": "2-5 AN M site|6-8 AN M sender|15-20 D C date|38-39 AN C office",
    }
)
"""A, B, Y and Z (Batch and Block Control rev 23)."""
