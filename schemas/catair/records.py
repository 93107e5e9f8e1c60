"""How does one record become 80 columns, and 80 columns one record?

Rules (CBP CATAIR Cargo Release v40 and Batch and Block Control rev 23):

- text is left justified and space filled, numbers are right justified and zero filled;
- an absent value is spaces, never zeros: 0 and absent are two things;
- nothing is cut, padded out of its class, upper-cased or defaulted: what does not fit is refused;
- reading gives every value that can be understood and one problem for each fault; what CBP itself
  sends outside its printed classes is a warning, since an answer must not get lost over a hyphen.

Each layout is compiled once to two functions for the canonical form (:mod:`schemas.catair.compiled`). A record
that has it is done; only one that has not is looked at field by field (:mod:`schemas.catair.diagnosis`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from schemas.catair.compiled import Read, Write, compile_record
from schemas.catair.diagnosis import Value, understood, written
from schemas.catair.layouts import RECORD_LENGTH, RECORDS, RecordDef
from schemas.catair.problems import PlacedProblem
from schemas.errors import FormatError

__all__ = ["Record", "Value", "read_record", "rec", "render", "write_record"]


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


_set_layout: Final = vars(Record)["layout"].__set__
_set_values: Final = vars(Record)["values"].__set__


def _made(layout: str, values: Mapping[str, Value]) -> Record:
    """``Record(layout, values)`` without the detour by which a frozen class fills its slots."""
    record = object.__new__(Record)
    _set_layout(record, layout)
    _set_values(record, values)
    return record


def rec(layout: str, /, **values: Value | None) -> Record:
    """Build a record; ``None`` and ``""`` mean absent. Raises FormatError for an unknown layout or field."""
    defined = RECORDS.get(layout)
    if defined is None:
        raise FormatError(_unknown_layout(layout))
    if not values.keys() <= defined.keys.keys():
        raise FormatError([_unknown_field(layout, key) for key in values if key not in defined.keys])
    return _made(layout, {key: value for key, value in values.items() if value is not None and value != ""})


class Codec(NamedTuple):
    """A layout made ready: how its canonical records are read and written."""

    defined: RecordDef
    read: Read
    write: Write


@cache
def codec_of(layout: str) -> Codec:
    """The codec of a layout. Raises FormatError when the layout does not exist."""
    defined = RECORDS.get(layout)
    if defined is None:
        raise FormatError(_unknown_layout(layout))
    return Codec(defined, *compile_record(defined))


def write_record(record: Record) -> bytes:
    """The 80 bytes of a record. Raises FormatError with every problem of its values."""
    return render(record).encode("ascii")


def render(record: Record) -> str:
    """The 80 columns of a record as text; raises like :func:`write_record`."""
    codec = codec_of(record.layout)
    line = codec.write(record.values)
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
    codec = codec_of(layout)
    text = line.decode("latin-1") if isinstance(line, bytes) else line
    values = codec.read(text)
    if values is not None:
        return _made(layout, values), ()
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
