"""How does a record look without its personal data?

Rules beyond the table (:mod:`schemas.personal`): a record without a layout is hidden whole, and so is one that the
application of its batch has no place for (:func:`placed_in`), which may be another record less its first signs; data
in a filler is hidden; in a record whose columns have slipped (data in a filler, a wrong constant, a character of no
class) all that is not the record's own identifier is hidden, because nobody knows any more which column holds what. A
comment of an officer (SO20 with qualifier CMT) is hidden. Of a sentence of CBP (:data:`NARRATIVES`) the text that the
list has for its code is shown; all else is hidden, since it may repeat what was sent, or be written by an officer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Final

from schemas.catair.applications import applications
from schemas.catair.codes import look_up
from schemas.catair.frames import PlacedRecord
from schemas.catair.layouts import RECORDS, FieldDef
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record
from schemas.catair.usage import group_names, usage_maps
from schemas.personal import hidden, personal, without_quotes, without_values

_CONTROL: Final = frozenset({"A", "B", "Y", "Z"})
_ANYWHERE: Final = _CONTROL | {"X0", "X1"}
"""Records of the batch itself, and of its refusal."""

SLIPPED: Final = frozenset({"X39", "X40", "wrong_constant", "record_length"})
"""Problems after which no column of the record can be trusted to hold what its name says."""


NARRATIVES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "SE90": ("narrative_message_text", ("message_identifier_code", "message_type_code")),
        "X1": ("narrative_text", ("condition_code",)),
        "E1": ("narrative_text", ("condition_code",)),
        "WR0": ("narrative_message", ("error_message_identifier",)),
        "WSA": ("narrative_message", ("error_message_identifier",)),
        "WSB": ("narrative_message", ("error_message_identifier",)),
        "WR5": ("narrative_message", ("disposition_action_code",)),
        "WSD": ("narrative_message", ("disposition_code",)),
        "SO50": ("narrative_message", ("disposition_code",)),
        "SO60": ("narrative_message", ("disposition_action_code",)),
        "SO70": ("pga_entry_level_status_message", ("pga_entry_level_status_code", "pga_line_level_status_code")),
    }
)
"""The sentence of CBP in a record, and the codes whose text it may be; WO records are as SO."""


def placed_in(application: str, placed: PlacedRecord) -> PlacedRecord:
    """The record as it may be masked in a batch of this application: without a layout where it does not belong."""
    layout = placed.layout
    base = layout.partition(".")[0]
    own = _own(application)
    if not layout or not own or base in _ANYWHERE or not own.isdisjoint((layout, base)):
        return placed
    problems = tuple(replace(one, text=without_quotes(one.text)) for one in placed.problems)
    return placed._replace(record=Record("", {"text": placed.line}), problems=problems)


@cache
def _own(application: str) -> frozenset[str]:
    """The layouts that the maps of an application name; none where it has no maps."""
    known, maps = applications().get(application), usage_maps()
    return frozenset(label for name in (known.maps if known else ()) for label in maps[name].labels)


def hidden_part(one: FieldDef, placed: PlacedRecord) -> tuple[int, int] | None:
    """The columns of this field (from 0, end excluded) that may not be shown; None where all of it may."""
    if _is_hidden(one, placed):
        return one.start - 1, one.end
    base = placed.layout.partition(".")[0]
    key, codes = NARRATIVES.get("SO" + base[2:] if base.startswith("WO") else base, ("", ()))
    if not key or one.key != key:
        return None
    said = placed.line[one.start - 1 : one.end].rstrip(" ")
    known = max((_known_beginning(said, placed, code) for code in codes), default=0)
    return (one.start - 1 + known, one.end) if known < len(said) else None


def _known_beginning(said: str, placed: PlacedRecord, key: str) -> int:
    """How many characters of a sentence are the text of the code in this field; a text may be cut at the width."""
    defined = RECORDS[placed.layout].keys.get(key)
    code = placed.record.text(key)
    listed = look_up(defined.codes, code) if defined is not None and defined.codes and code else None
    if listed is None:
        return 0
    text, upper = listed.text.upper(), said.upper()
    if text.startswith(upper):
        return len(said)
    return len(text) if upper.startswith(text) and not upper[len(text)].isalnum() else 0


def masked_field(one: FieldDef, placed: PlacedRecord) -> str | None:
    """The text of a field as it may be shown; None where it may be shown as it is."""
    part = hidden_part(one, placed)
    if part is None:
        return None
    return _covered(placed.line, *part)[one.start - 1 : one.end].strip(" ")


def _is_hidden(one: FieldDef, placed: PlacedRecord) -> bool:
    if one.value:
        return placed.line[one.start - 1 : one.end] != one.value
    if not one.key or any(problem.code in SLIPPED for problem in placed.problems):
        return True
    if placed.layout in ("SO20", "WO20") and one.key == "reference_identifier":
        return placed.record.text("reference_identifier_qualifier") == "CMT"
    return personal().field(placed.layout, one.key)


def _spans(placed: PlacedRecord, *, mask: bool) -> Iterable[tuple[int, int]]:
    """The columns (from 0, end excluded) that are not shown."""
    defined = RECORDS.get(placed.layout)
    if defined is None:
        if mask:
            yield 0, len(placed.line)
        return
    table = personal()
    for one in defined.fields:
        if one.key and table.secret_field(placed.layout, one.key):
            yield one.start - 1, one.end
        elif mask and (part := hidden_part(one, placed)) is not None:
            yield part


def shown_line(placed: PlacedRecord, *, mask: bool) -> str:
    """The 80 columns with passwords hidden, and with ``mask`` personal data; fill stays blank."""
    line = placed.line
    for start, end in _spans(placed, mask=mask):
        line = _covered(line, start, end)
    return line


def _covered(line: str, start: int, end: int) -> str:
    text = line[start:end]
    shown = text.strip(" ")
    return line[:start] + (text.replace(shown, hidden(shown), 1) if shown else text) + line[end:]


def hidden_values(placed: PlacedRecord, *, mask: bool) -> Sequence[str]:
    """The texts of a record that are not shown."""
    return [text for start, end in _spans(placed, mask=mask) if (text := placed.line[start:end].strip(" "))]


def masked_sentence(problem: PlacedProblem, values: Iterable[str] = ()) -> str:
    """The sentence of a problem with personal data hidden; ``values`` are the hidden values of its record."""
    text = without_values(problem.text, values)
    layout, _, key = problem.path.rpartition(".")
    defined = RECORDS.get(layout)
    if problem.code == "X40" and layout:  # a hidden character says nothing
        text = text.partition(": ")[0].rstrip(".") + "."
    known = defined is not None and key in defined.keys and problem.code not in SLIPPED
    if known and not personal().field(layout, key) and not personal().secret_field(layout, key):
        return text
    return text if not problem.path or problem.path in _CONTROL else without_quotes(text)


def masked_path(path: str) -> str:
    """The path of a problem; what does not begin with a known record or group of records is hidden."""
    first = path.partition("[")[0]
    if first in group_names():
        return path
    if not path or first in RECORDS or first.rpartition(".")[0] in RECORDS or first.partition(".")[0] in _CONTROL:
        return path
    return hidden(first) + path[len(first) :]
