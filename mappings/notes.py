"""What was written otherwise than it was given, and what could not be written at all?

A message holds a shipment in somebody else's words and widths. Rules of every mapping here:

- nothing is cut, defaulted or dropped in silence: what does not fit is a problem with the path of the
  shipment's own field, and every lawful change (letters of another script, a rounded value, a fact
  derived from another, a fact for which the message has no place) leaves a :class:`Note`;
- all problems of a shipment are found in one pass, so that one correction mends them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from schemas.errors import FormatError, Problem
from schemas.text import to_alphanumeric, to_wire, wire_form

NoteKind = Literal["transliterated", "rounded", "derived", "left_out", "split", "differs", "unconfirmed"]

TRIP = "trip."
"""Paths of the trip begin so wherever shipment and trip can be meant."""

SETTINGS = "filer."
"""Paths of settings begin so; their spelling is not noted with every shipment."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing said otherwise than given: ``path`` is the JSON path, ``before`` as given, ``after`` as sent.

    With kind ``differs`` nothing was changed: another place of the message says ``after`` of the same thing.
    """

    kind: NoteKind
    path: str
    text: str
    before: str = ""
    after: str = ""

    def as_dict(self) -> dict[str, str]:
        """The shape kept with the filing and shown to people."""
        shown = {"kind": self.kind, "path": self.path, "text": self.text}
        if self.before or self.after:
            shown |= {"before": self.before, "after": self.after}
        return shown


@dataclass(slots=True)
class Wire:
    """Collects the notes and problems of one message while its values are made ready."""

    separators: str = ""
    """Signs that separate on this wire and so cannot stand in data."""
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, kind: NoteKind, path: str, text: str, before: str = "", after: str = "") -> None:
        """Remember a lawful change."""
        self.notes.append(Note(kind, path, text, before, after))

    def problem(self, code: str, path: str, text: str, remedy: str, reference: str = "") -> None:
        """Remember what stands in the way."""
        self.problems.append(Problem(code, path, text, remedy, reference))

    def also(self, other: Wire) -> None:
        """Take over what was noted and found elsewhere."""
        self.notes += other.notes
        self.problems += other.problems

    def text(self, value: str, path: str, longest: int, place: str) -> str:
        """``value`` in CBP's characters, ``""`` with a problem if it has none or is longer than ``longest``."""
        return self._fitted(value, path, longest, place, alphanumeric=False)

    def alphanumeric(self, value: str, path: str, longest: int, place: str) -> str:
        """As :meth:`text`, in letters, digits and spaces only (CATAIR class AN)."""
        return self._fitted(value, path, longest, place, alphanumeric=True)

    def _fitted(self, value: str, path: str, longest: int, place: str, *, alphanumeric: bool) -> str:
        form = wire_form(value, alphanumeric=alphanumeric)
        if form is None:
            self._impossible(value, path, alphanumeric=alphanumeric)
            return ""
        wire, changed = form
        for sign in self.separators:
            if sign in wire:
                self.problem(
                    "separator_in_data",
                    path,
                    f"{wire!r} holds {sign!r}, which separates in this message.",
                    "Write it without this sign.",
                    place,
                )
                return ""
        if len(wire) > longest:
            self.too_long(path, wire, longest, place)
            return ""
        if changed and not path.startswith(SETTINGS):
            self.notes.append(Note("transliterated", path, "Written in CBP's characters.", value, wire))
        return wire

    def _impossible(self, value: str, path: str, *, alphanumeric: bool) -> None:
        try:
            (to_alphanumeric if alphanumeric else to_wire)(value, path)
        except FormatError as error:
            self.problems.extend(error.problems)

    def too_long(self, path: str, wire: str, longest: int, place: str) -> None:
        """Remember that ``wire`` does not fit."""
        self.problem(
            "too_long",
            path,
            f"{wire!r} has {len(wire)} characters; {place} takes {longest}.",
            "Shorten it; nothing is cut for you.",
            place,
        )

    def raise_problems(self) -> None:
        """Raise :class:`FormatError` with every problem, if there is one."""
        if self.problems:
            raise FormatError(self.problems)


def under(prefix: str, problems: Iterable[Problem]) -> list[Problem]:
    """``problems`` of one shipment with their paths set under ``prefix``; paths of the trip stay."""
    return [
        one
        if one.path.startswith(TRIP)
        else Problem(
            one.code,
            f"{prefix}.{one.path}" if one.path else prefix,
            one.text,
            one.remedy,
            one.reference,
            one.severity,
        )
        for one in problems
    ]


def pieces(text: str, longest: int) -> list[str]:
    """``text`` in pieces of at most ``longest``, broken between words; a word that is longer stays whole.

    Joined with single spaces the pieces give ``text`` back. A piece that is still too long means that the text
    cannot be broken so.
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= longest:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
