"""Where does each field of a cargo release record stand? The columns, read from the guides on the sandbox's own
account.

CBP CATAIR Batch and Block Control rev 23 and Cargo Release v40. The project's own record tables are not used: a wrong
column there must show here. A layout is
one line of text: ``start-end class use name``, fields separated by ``|``; use M mandatory, C or O otherwise; every
column in no field is filler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RECORD_LENGTH: Final = 80

_TEXT: Final = {
    "A": "2-5 AN M site|6-8 AN M sender|9-14 AN M password|15-20 D O date|26-27 AN M application"
    "|38-39 AN C office|60-80 X O user_text",
    "B": "4-7 AN M port|8-10 AN M filer|11-12 AN M application|45-46 AN C office|47-50 AN C preparer_port"
    "|51-53 AN C preparer_filer|54-55 AN C preparer_office|56-56 AN C preparer_indicator"
    "|60-80 X O user_text",
    "Y": "4-7 AN M port|8-10 AN M filer|11-12 AN M application|45-46 AN C office",
    "Z": "2-5 AN M site|6-8 AN M sender|15-20 D C date|38-39 AN C office",
    "SE10": "5-5 A C action|6-8 AN C filer|11-18 AN C number|20-21 AN C type|22-24 AN C importer_type"
    "|25-36 X C importer|37-38 AN C mode|39-39 N C bond|40-49 N C value|50-54 AN C port"
    "|55-55 AN O split|56-60 AN C unlading",
    "SE11": "5-5 X C date_code|6-11 D C elected_date|12-15 AN C location|16-19 AN O exam_site"
    "|20-39 X C conveyance|40-44 X C voyage|45-64 AN O general_order|65-68 AN C warehouse"
    "|69-71 AN C origin_filer|72-79 AN C origin_number|80-80 X C immediate",
    "SE13": "5-44 X C name|45-59 X C phone|60-61 AN C reason|62-62 N O multiple|63-63 N O dis|64-64 N O split",
    "SE15": "5-5 A C type|6-9 AN C issuer|10-59 X C number|60-67 N C quantity|73-73 X C non_ams",
    "SE16": "5-8 AN M carrier|9-13 X M voyage|14-19 D M arrival|20-27 N M quantity|28-32 X O unit|33-52 X C conveyance",
    "SE17": "5-24 AN M equipment",
    "SE20": "5-7 AN M qualifier|8-57 X M reference",
    "SE30": "5-7 A M entity|8-42 X C name|43-45 X C id_type|46-65 X C id",
    "SE31": "5-8 A M qualifier|9-28 AN M id",
    "SE35": "5-6 AN M qualifier|7-41 X M address|42-43 AN O qualifier_2|44-78 X O address_2",
    "SE36": "5-39 X M city|40-42 AN O region|49-63 X C postal|64-65 A M country",
    "SE40": "5-7 N M line|8-9 A M origin|11-80 X O description",
    "SE41": "5-5 A M status|6-11 D C filed|12-19 N M quantity",
    "SE50": "5-7 A M entity|8-42 X C name|43-45 X O id_type|46-65 X O id",
    "SE51": "5-8 A M qualifier|9-28 AN M id",
    "SE55": "5-6 AN M qualifier|7-41 X M address|42-43 AN O qualifier_2|44-78 X O address_2",
    "SE56": "5-39 X M city|40-42 AN O region|49-63 X C postal|64-65 A M country",
    "SE60": "5-14 AN C hts|15-24 N C value",
    "SE61": "5-14 AN M hts",
}

UPPER: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS: Final = frozenset("0123456789")
SPECIALS: Final = frozenset("!@#$%^&*()-_=+[{]}\\|;:'\",<.>/?~`")
STANDARD: Final = UPPER | DIGITS | SPECIALS | {" "}
_ALLOWED: Final = {"A": UPPER | {" "}, "AN": UPPER | DIGITS | {" "}, "N": DIGITS, "D": DIGITS, "X": STANDARD}


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


def _parse(text: str) -> tuple[Field, ...]:
    fields = []
    for part in text.split("|"):
        span, data_class, use, name = part.split()
        start, end = span.split("-")
        fields.append(Field(int(start), int(end), data_class, use == "M", name))
    return tuple(fields)


LAYOUTS: Final = {name: _parse(text) for name, text in _TEXT.items()}


def _filler(name: str) -> tuple[tuple[int, int], ...]:
    gaps, column = [], len(name) + 1
    for one in LAYOUTS[name]:
        if one.start > column:
            gaps.append((column, one.start - 1))
        column = one.end + 1
    if column <= RECORD_LENGTH:
        gaps.append((column, RECORD_LENGTH))
    return tuple(gaps)


FILLER: Final = {name: _filler(name) for name in LAYOUTS}


def record_id(line: str) -> str:
    """Which record a line claims to be: SE and PG records have four characters, OI two, control records one."""
    if line[:2] in {"SE", "PG", "SF"}:
        return line[:4]
    return line[:2] if line[:2] == "OI" else line[:1]


def values_of(line: str, name: str) -> dict[str, str]:
    """Field name → value without fill; absent values are empty texts."""
    return {one.name: line[one.start - 1 : one.end].strip() for one in LAYOUTS[name]}


def faults_of(line: str, name: str) -> list[Fault]:
    """What is wrong with the layout of a record: characters, filler, data class, missing mandatory values."""
    faults = [Fault("characters", i, "") for i, c in enumerate(line, 1) if c not in STANDARD][:1]
    for start, end in FILLER[name]:
        if line[start - 1 : end].strip():
            faults.append(Fault("filler", start, ""))
    for one in LAYOUTS[name]:
        raw = line[one.start - 1 : one.end]
        if not raw.strip():
            if one.mandatory:
                faults.append(Fault("missing", one.start, one.name))
        elif not _ALLOWED[one.data_class].issuperset(raw):
            faults.append(Fault("class", one.start, one.name))
    return faults
