"""How does one record become 80 columns, and 80 columns one record?

Rules (CBP CATAIR Cargo Release v40 and Batch and Block Control rev 23):

- text is left justified and space filled, numbers are right justified and zero filled;
- an absent value is spaces, never zeros: 0 and absent are two things;
- nothing is cut, padded out of its class, upper-cased or defaulted: what does not fit is refused;
- reading gives every value that can be understood and one problem for each fault; what CBP itself
  sends outside its printed classes is a warning, since an answer must not get lost over a hyphen.

Each layout is compiled once to one regular expression for the canonical form. A record that
matches is done; only one that does not is looked at field by field (:mod:`schemas.catair.diagnosis`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.catair.classes import from_date, record_pattern, to_date
from schemas.catair.diagnosis import Value, understood, written
from schemas.catair.layouts import RECORD_LENGTH, RECORDS, RecordDef
from schemas.catair.problems import PlacedProblem
from schemas.errors import FormatError

__all__ = ["Record", "Value", "read_record", "rec", "render", "write_record"]

_TEXT, _CODE, _NUMBER, _DATE = range(4)
_KINDS: Final = {"text": _TEXT, "code": _CODE, "time": _CODE, "number": _NUMBER, "date": _DATE}


@dataclass(frozen=True, slots=True)
class Record:
    """One record: layout id and values by field key; absent fields are absent keys.

    Values are str (kinds text, code, time), int (number) or datetime.date (date).
    """

    layout: str
    values: Mapping[str, Value]

    def get(self, key: str) -> Value | None:
        """The value of a field, None when absent."""
        return self.values.get(key)

    def text(self, key: str) -> str:
        """The value of a text, code or time field, ``""`` when absent."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""


def rec(layout: str, /, **values: Value | None) -> Record:
    """Build a record; ``None`` and ``""`` mean absent. Raises FormatError for an unknown layout or field."""
    defined = RECORDS.get(layout)
    if defined is None:
        raise FormatError(_unknown_layout(layout))
    unknown = [key for key in values if key not in defined.keys]
    if unknown:
        raise FormatError([_unknown_field(layout, key) for key in unknown])
    return Record(layout, {key: value for key, value in values.items() if value is not None and value != ""})


class _Codec:
    """A layout made ready: one pattern, and the plan of its columns."""

    __slots__ = ("defined", "pattern", "read_plan", "write_plan")

    def __init__(self, defined: RecordDef) -> None:
        self.defined = defined
        self.pattern = record_pattern(defined)
        self.read_plan = tuple((one.key, _KINDS[one.kind], one.align == "right") for one in defined.fields if one.key)
        plan: list[tuple[int, str, int, str]] = []
        for one in defined.fields:
            if one.key:
                plan.append(
                    (_KINDS[one.kind], one.key, -one.length if one.align == "right" else one.length, " " * one.length)
                )
            elif plan and plan[-1][0] < 0:
                plan[-1] = (-1, plan[-1][1] + (one.value or " " * one.length), 0, "")
            else:
                plan.append((-1, one.value or " " * one.length, 0, ""))
        self.write_plan = tuple(plan)

    def quick_read(self, line: str) -> dict[str, Value] | None:
        """Values of a canonical line, None if it is not canonical."""
        match = self.pattern.fullmatch(line)
        if match is None:
            return None
        values: dict[str, Value] = {}
        for (key, kind, right), raw in zip(self.read_plan, match.groups(), strict=True):
            stripped = raw.rstrip(" ")
            if not stripped:
                continue
            if kind == _TEXT:
                values[key] = stripped.lstrip(" ") if right else stripped
            elif kind == _CODE:
                values[key] = raw
            elif kind == _NUMBER:
                values[key] = int(raw)
            else:
                day = to_date(raw)
                if day is None:
                    return None
                values[key] = day
        return values

    def quick_write(self, values: Mapping[str, Value]) -> str | None:
        """The line of values that are in order, None otherwise."""
        parts: list[str] = []
        used = 0
        get = values.get
        for kind, key, length, blank in self.write_plan:
            if kind < 0:
                parts.append(key)
                continue
            value: Any = get(key)
            if value is None:
                parts.append(blank)
                continue
            used += 1
            kind_of = type(value)
            if kind_of is str and kind <= _CODE:
                if not value or value[-1] == " ":
                    return None
                if kind == _CODE and len(value) != length:
                    return None
                if length > 0:
                    parts.append(value.ljust(length))
                elif value[0] == " ":
                    return None
                else:
                    parts.append(value.rjust(-length))
            elif kind_of is int and kind == _NUMBER:
                parts.append(str(value).zfill(length))
            elif kind_of is date and kind == _DATE:
                parts.append(from_date(value, length))
            else:
                return None
        line = "".join(parts)
        if used != len(values) or self.pattern.fullmatch(line) is None:
            return None
        return line


_CODECS: Final[dict[str, _Codec]] = {}


def _codec(layout: str) -> _Codec | None:
    codec = _CODECS.get(layout)
    if codec is None:
        defined = RECORDS.get(layout)
        if defined is None:
            return None
        codec = _CODECS[layout] = _Codec(defined)
    return codec


def write_record(record: Record) -> bytes:
    """The 80 bytes of a record. Raises FormatError with every problem of its values."""
    return render(record).encode("ascii")


def render(record: Record) -> str:
    """The 80 columns of a record as text; raises like :func:`write_record`."""
    codec = _codec(record.layout)
    if codec is None:
        raise FormatError(_unknown_layout(record.layout))
    line = codec.quick_write(record.values)
    if line is not None:
        return line
    problems: list[PlacedProblem] = [
        _unknown_field(record.layout, key) for key in record.values if key not in codec.defined.keys
    ]
    problems += [_none(record.layout, key) for key, value in record.values.items() if value is None]
    parts: list[str] = []
    for one in codec.defined.fields:
        if one.key:
            parts.append(written(one, record.values.get(one.key), record.layout, problems))
        else:
            parts.append(one.value or " " * one.length)
    if problems:
        raise FormatError(problems)
    return "".join(parts)


def read_record(line: bytes | str, layout: str) -> tuple[Record, tuple[PlacedProblem, ...]]:
    """Values and problems of one record read under a layout; never raises for its content.

    A shorter line is padded with spaces; a longer one is read to column 80 and reported. Raises
    FormatError only when the layout does not exist.
    """
    codec = _codec(layout)
    if codec is None:
        raise FormatError(_unknown_layout(layout))
    text = line.decode("latin-1") if isinstance(line, bytes) else line
    values = codec.quick_read(text)
    if values is not None:
        return Record(layout, values), ()
    problems: list[PlacedProblem] = []
    if len(text) > RECORD_LENGTH:
        problems.append(
            PlacedProblem(
                "record_length",
                layout,
                f"The record has {len(text)} columns; what stands after column {RECORD_LENGTH} is not read.",
                "Give exactly 80 columns for each record.",
                codec.defined.source,
                column=RECORD_LENGTH + 1,
            )
        )
    text = text[:RECORD_LENGTH].ljust(RECORD_LENGTH)
    values = {}
    for one in codec.defined.fields:
        value = understood(one, text[one.start - 1 : one.end], codec.defined, problems)
        if one.key and value is not None:
            values[one.key] = value
    return Record(layout, values), tuple(problems)


def _unknown_layout(layout: str) -> PlacedProblem:
    return PlacedProblem("unknown_layout", layout, f"There is no record layout {layout!r}.", "Use one of RECORDS.")


def _unknown_field(layout: str, key: str) -> PlacedProblem:
    known = ", ".join(RECORDS[layout].keys)
    return PlacedProblem("unknown_field", f"{layout}.{key}", f"{layout} has no field {key!r}.", f"Fields: {known}.")


def _none(layout: str, key: str) -> PlacedProblem:
    text = f"{key} is None; an absent value is an absent key."
    return PlacedProblem("wrong_type", f"{layout}.{key}", text, "Leave the key out.")
