"""What is wrong with this value, or with these columns?

The slow path of the record codec: field by field, with a sentence for each fault. It runs only for
what is not canonical, so it may take its time; it must never raise.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from schemas.catair.classes import CHARACTERS, CLASS_WORDS, STANDARD, first_outside, from_date, to_date
from schemas.catair.layouts import RECORDS, FieldDef, RecordDef
from schemas.catair.problems import PlacedProblem
from schemas.errors import Severity

Value = str | int | date
"""A value of a record: text, code and time as str, number as int, date as datetime.date."""


def written(one: FieldDef, value: Value | None, layout: str, problems: list[PlacedProblem]) -> str:
    """The columns of one value; adds what is wrong with it to ``problems``."""

    def wrong(code: str, text: str, remedy: str, offset: int = 0, severity: Severity = "error") -> str:
        at = one.start + offset
        problems.append(
            PlacedProblem(code, f"{layout}.{one.key}", text, remedy, RECORDS[layout].source, severity, column=at)
        )
        return ""

    if value is None:
        if one.required:
            return wrong("missing_value", f"{one.name} is mandatory and has no value.", "Give it.")
        return " " * one.length
    if one.kind == "number":
        if type(value) is not int:
            return wrong("wrong_type", f"{one.name} takes a whole number, not {value!r}.", "Give an int.")
        if value < 0 or len(str(value)) > one.length:
            return wrong("out_of_range", f"{one.name} takes 0 to {'9' * one.length}, not {value}.", "Check the value.")
        return str(value).zfill(one.length)
    if one.kind == "date":
        if type(value) is not date:
            return wrong("wrong_type", f"{one.name} takes a date, not {value!r}.", "Give a datetime.date.")
        digits = from_date(value, one.length)
        return digits or wrong("out_of_range", f"{one.name} can express 2000 to 2099, not {value}.", "Check the year.")
    if type(value) is not str:
        return wrong("wrong_type", f"{one.name} takes text, not {value!r}.", "Give a str.")
    return _written_text(one, value, wrong)


class _Wrong(Protocol):
    """Notes one fault of a field; gives the empty text, so that a writer can return it."""

    def __call__(self, code: str, text: str, remedy: str, offset: int = 0, severity: Severity = "error") -> str: ...


def _written_text(one: FieldDef, value: str, wrong: _Wrong) -> str:
    if not value:
        return wrong("empty_value", f"{one.name} is an empty text.", "Leave it out.")
    if value != value.rstrip(" "):
        return wrong("trailing_space", f"{one.name} {value!r} ends with a space.", "Take it away; fill is added here.")
    if value[0] == " " and not one.verbatim:
        return wrong("leading_space", f"{one.name} {value!r} begins with a space, which CBP drops.", "Take it away.")
    if len(value) > one.length:
        return wrong(
            "too_long",
            f"{one.name} {value!r} has {len(value)} characters; {one.length} fit.",
            "Shorten it by hand; nothing is cut here.",
        )
    accepts = "N" if one.kind in ("code", "time") else one.accepts
    outside = first_outside(value, accepts)
    if outside is not None or (accepts == "A" and " " in value):
        character = value[outside if outside is not None else value.index(" ")]
        return wrong(
            "wrong_class",
            f"{one.name} takes {CLASS_WORDS[accepts]}; {value!r} has {character!r}.",
            f"Write it with {CLASS_WORDS[accepts]}.",
        )
    if one.kind in ("code", "time") and len(value) != one.length:
        return wrong("wrong_width", f"{one.name} has exactly {one.length} digits, not {value!r}.", "Give them all.")
    if one.kind == "time" and not _is_time(value):
        return wrong("not_a_time", f"{one.name} {value!r} is no time of day.", "Write HHMM, 24 hours.")
    return value.rjust(one.length) if one.align == "right" else value.ljust(one.length)


def _is_time(digits: str) -> bool:
    if digits[:4] != "2400" and not (digits[:2] < "24" and digits[2:4] < "60"):
        return False
    return digits[4:] < "60"


def understood(one: FieldDef, raw: str, record: RecordDef, problems: list[PlacedProblem]) -> Value | None:
    """The value in these columns, None when there is none; adds what is wrong to ``problems``."""
    path = f"{record.id}.{one.key}" if one.key else record.id

    def wrong(code: str, text: str, remedy: str, offset: int = 0, severity: Severity = "error") -> str:
        problems.append(PlacedProblem(code, path, text, remedy, record.source, severity, column=one.start + offset))
        return ""

    strange = next((i for i, character in enumerate(raw) if character not in STANDARD), None)
    if strange is not None:
        wrong(
            "X40",
            f"{one.name} holds a character that CBP does not take: {raw[strange]!r}.",
            "Send printable ASCII only.",
            strange,
        )
    if one.value:
        if raw != one.value:
            wrong("wrong_constant", f"{one.name} is {one.value!r} in this record, not {raw!r}.", "Write the constant.")
        return None
    stripped = raw.strip(" ")
    if not one.key:
        if stripped and strange is None:
            wrong("X39", f"There is data in filler: {stripped!r}.", "Send spaces.", len(raw) - len(raw.lstrip(" ")))
        return None
    lenient: Severity = "warning" if record.direction == "out" else "error"
    if not stripped:
        if one.required:
            wrong("missing_value", f"{one.name} is mandatory and is empty.", "Give it.", severity=lenient)
        return None
    if one.kind == "number":
        return _understood_number(one, raw, wrong)
    if one.kind == "date":
        day = to_date(raw) if raw.isascii() and raw.isdigit() else None
        if day is None:
            form = "MMDDCCYY" if one.length == 8 else "MMDDYY"
            wrong("not_a_date", f"{one.name} {raw!r} is no day.", f"Write {form} or spaces.")
        return day
    if one.kind in ("code", "time"):
        outside = first_outside(raw, "N")
        if outside is not None:
            wrong(
                "wrong_class", f"{one.name} takes {one.length} digits, not {raw!r}.", "Send digits.", outside, lenient
            )
        elif one.kind == "time" and not _is_time(raw):
            wrong("not_a_time", f"{one.name} {raw!r} is no time of day.", "Write HHMM, 24 hours.", severity=lenient)
        return stripped
    if one.verbatim:
        stripped = raw.rstrip(" ")
    elif raw[0] == " " and one.align == "left":
        wrong("leading_space", f"{one.name} begins with spaces, which are dropped.", "Left justify it.", 0, "warning")
    _check_text(one, raw, stripped, lenient, wrong)
    return stripped


def _check_text(one: FieldDef, raw: str, value: str, lenient: Severity, wrong: _Wrong) -> None:
    outside = first_outside(value, one.accepts)
    if outside is None and one.accepts == "A" and " " in value:
        outside = value.index(" ")
    if outside is not None and value[outside] in STANDARD:
        within = value[outside] in CHARACTERS["X"]
        wrong(
            "wrong_class",
            f"{one.name} takes {CLASS_WORDS[one.accepts]}; {value!r} has {value[outside]!r}.",
            f"Write it with {CLASS_WORDS[one.accepts]}.",
            raw.index(value) + outside,
            lenient if within else "error",
        )
    elif one.align == "right" and raw[-1] == " ":
        wrong("wrong_width", f"{one.name} is right justified; {raw!r} is not.", "Move it right.", 0, lenient)


def _understood_number(one: FieldDef, raw: str, wrong: _Wrong) -> int | None:
    digits = raw.lstrip(" ")
    outside = first_outside(digits, "N")
    if outside is not None:
        wrong(
            "wrong_class",
            f"{one.name} takes a right-justified number, not {raw!r}.",
            "Send digits.",
            len(raw) - len(digits) + outside,
        )
        return None
    if len(digits) != len(raw) and one.cls != "(S)N":
        wrong("not_zero_filled", f"{one.name} {raw!r} is filled with spaces.", "Fill with zeros.", 0, "warning")
    return int(digits)
