"""How does a record look without its personal data?

Rules beyond the table (:mod:`schemas.personal`): a record without a layout is hidden whole; data in a filler is
hidden; in a record whose columns have slipped (data in a filler, a wrong constant, a character of no class) all
that is not the record's own identifier is hidden, because nobody knows any more which column holds what. A comment
of an officer (SO20 with qualifier CMT) is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.catair.frames import PlacedRecord
from schemas.catair.layouts import RECORDS, FieldDef
from schemas.catair.problems import PlacedProblem
from schemas.personal import hidden, personal, without_quotes, without_values

_CONTROL: Final = frozenset({"A", "B", "Y", "Z"})

SLIPPED: Final = frozenset({"X39", "X40", "wrong_constant"})
"""Problems after which no column of the record can be trusted to hold what its name says."""


def is_hidden(one: FieldDef, placed: PlacedRecord) -> bool:
    """Whether this field of a record may not be shown."""
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
        if (one.key and table.secret_field(placed.layout, one.key)) or (mask and is_hidden(one, placed)):
            yield one.start - 1, one.end


def shown_line(placed: PlacedRecord, *, mask: bool) -> str:
    """The 80 columns with passwords hidden, and with ``mask`` personal data; fill stays blank."""
    line = placed.line
    for start, end in _spans(placed, mask=mask):
        text = line[start:end]
        shown = text.strip(" ")
        line = line[:start] + (text.replace(shown, hidden(shown), 1) if shown else text) + line[end:]
    return line


def hidden_values(placed: PlacedRecord, *, mask: bool) -> Sequence[str]:
    """The texts of a record that are not shown."""
    return [text for start, end in _spans(placed, mask=mask) if (text := placed.line[start:end].strip(" "))]


def masked_sentence(problem: PlacedProblem, values: Iterable[str] = ()) -> str:
    """The sentence of a problem with personal data hidden; ``values`` are the hidden values of its record."""
    text = without_values(problem.text, values)
    layout, _, key = problem.path.rpartition(".")
    defined = RECORDS.get(layout)
    known = defined is not None and key in defined.keys and problem.code not in SLIPPED
    if known and not personal().field(layout, key) and not personal().secret_field(layout, key):
        return text
    return text if not problem.path or problem.path in _CONTROL else without_quotes(text)


def masked_path(path: str) -> str:
    """The path of a problem; what does not begin with a known record is hidden."""
    first = path.partition("[")[0]
    if not path or first in RECORDS or first.rpartition(".")[0] in RECORDS or first.partition(".")[0] in _CONTROL:
        return path
    return hidden(first) + path[len(first) :]
