"""What does a file say, piece by piece, and what is wrong with it or reported by it?

:func:`inspected` turns a source into events: a message begins, its segments or records, a message ends. Errors and
warnings are collected beside them with their places, drawn ready for people. Rules:

- Any bytes are answered. X12 begins with ``ISA`` (also after stray white space or a byte order mark), CATAIR with a
  plausible record; all else is neither, which is one error and not one for each line. The document has two formats
  only: of what is neither it says ``catair``, with no message and that error.
- Two kinds of errors: ``format``, the bytes are not what they should be; ``answer``, the message itself reports a
  refusal or a hold.
- Nothing of a file is kept but the message, or the transaction, that is being read, and at most :data:`MOST_NOTICES`
  errors and as many warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from gateway.cli.inspect_places import Mark
from gateway.cli.inspect_streams import Window

MOST_NOTICES: Final = 10_000

NOT_RECOGNISED: Final = {
    "code": "not_recognised",
    "kind": "format",
    "position": "byte 0",
    "path": "",
    "text": (
        "The format is unknown: this is neither X12 (it would begin with ISA) nor CATAIR (80-column records beginning "
        "with A)."
    ),
    "remedy": "Give a file of messages as it was sent or received.",
    "reference": "",
}
EMPTY: Final = NOT_RECOGNISED | {"text": "There is nothing in it: no bytes, or white space alone."}
_BEGINNING: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x00]*ISA", re.ASCII)
_LINES_LOOKED_AT: Final = 3
_CONTROL: Final = {
    "A": re.compile(r"A[A-Z0-9]{4}[A-Z0-9]{3}.{6}([0-9]{6}| {6}).{5}([A-Z0-9]{2}|  )"),
    "B": re.compile(r"B  ([A-Z0-9]{4}|    )([A-Z0-9]{3}|   )[A-Z0-9]{2}"),
    "Y": re.compile(r"Y  ([A-Z0-9]{4}|    )([A-Z0-9]{3}|   )([A-Z0-9]{2}|  )"),
    "Z": re.compile(r"Z([A-Z0-9]{4}|    )([A-Z0-9]{3}|   )"),
}

Format = Literal["x12", "catair"]


@dataclass(frozen=True, slots=True)
class Notice:
    """An error or warning as the document has it, and as it is drawn."""

    shown: dict[str, Any]
    marks: tuple[Mark, ...] = ()


@dataclass(slots=True)
class Notices:
    """A bounded list of notices; ``total`` counts those that were not kept too."""

    kept: list[Notice] = field(default_factory=list)
    total: int = 0

    def add(self, notice: Notice) -> None:
        """Keep it, or count it."""
        self.total += 1
        if self.total <= MOST_NOTICES:
            self.kept.append(notice)

    def documents(self) -> Iterator[dict[str, Any]]:
        """As they stand in the document; the last says how many are not listed."""
        yield from (one.shown for one in self.kept)
        if self.total > len(self.kept):
            yield {
                "code": "too_many_problems",
                "kind": "format",
                "position": "",
                "path": "",
                "text": f"{self.total - len(self.kept)} more are not listed.",
                "remedy": "Mend the first ones: they often cause the others.",
                "reference": "",
            }


@dataclass(frozen=True, slots=True)
class Begin:
    """A message begins: what it is, from whom to whom, when. ``parts`` is ``segments`` or ``records``."""

    head: dict[str, Any]
    parts: str


@dataclass(frozen=True, slots=True)
class Part:
    """One segment or record of the message; its row is made when asked for, before the next event is taken."""

    make: Callable[[], dict[str, Any]]

    @property
    def row(self) -> dict[str, Any]:
        """The segment or record as the document has it."""
        return self.make()


@dataclass(frozen=True, slots=True)
class End:
    """The message ends: ``summary`` and ``verdict``."""

    tail: dict[str, Any]


Event = Begin | Part | End


@dataclass(slots=True)
class Inspection:
    """A file being inspected: take :attr:`events` to their end, then errors and warnings are complete."""

    format: Format
    events: Iterator[Event]
    errors: Notices
    warnings: Notices
    recognised: bool = True


def inspected(window: Window, *, mask: bool = False) -> Inspection:
    """Read any bytes."""
    errors, warnings = Notices(), Notices()
    if _BEGINNING.match(window.head):
        from gateway.cli.inspect_x12 import x12_events

        return Inspection("x12", x12_events(window, errors, warnings, mask=mask), errors, warnings)
    if is_catair(window.head):
        from gateway.cli.inspect_catair import catair_events

        return Inspection("catair", catair_events(window, errors, warnings, mask=mask), errors, warnings)
    errors.add(Notice(dict(NOT_RECOGNISED if window.head.strip() else EMPTY)))
    return Inspection("catair", iter(()), errors, warnings, recognised=False)


def is_catair(head: bytes) -> bool:
    """Whether one of the first records is one that CATAIR knows, well enough formed not to be taken for prose."""
    lines = [one for one in re.split(rb"[\r\n]+", head.removeprefix(b"\xef\xbb\xbf")) if one.strip()]
    if not lines:
        return False
    if len(lines[0]) > 80:
        lines = [lines[0][at : at + 80] for at in range(0, len(lines[0]), 80)] + lines[1:]
    return any(_plausible(one[:80]) for one in lines[:_LINES_LOOKED_AT])


def _plausible(data: bytes) -> bool:
    from schemas.catair.applications import layout_of
    from schemas.catair.records import read_record

    line = data.decode("latin-1").ljust(80)
    layout = layout_of(line, outgoing=True)
    if not layout or line != line.upper():
        return False
    control = _CONTROL.get(layout[0]) if layout[1:2] in ("", ".") else None
    if control is not None:
        return control.match(line) is not None
    _, problems = read_record(line, layout)
    return not problems
