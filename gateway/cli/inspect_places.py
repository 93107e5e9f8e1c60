"""Where in a message is it, and how is that place drawn?

A :class:`Mark` is one line of the message with the columns that are meant; :func:`drawn` makes of it the lines for
people: the line, carets under the columns, and above a record a ruler. One character stands for one byte, so that a
caret stands where it should: control characters appear as their pictures (␀, ␉, ␍), what has none as a dot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WIDEST: Final = 100
"""Characters of a line that are shown; of a longer one the part around the carets."""

RULER: Final = "".join(f"{'.' * 4}{'+' if column % 10 else column // 10}" for column in range(5, 85, 5))
"""Columns 1 to 80 of a record: a sign at each fifth, the tens at each tenth."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a message; ``start`` to ``end`` (from 0, end excluded) is what is meant, equal for a point."""

    line: str
    start: int
    end: int
    label: str = ""
    ruler: bool = False


def visible(text: str | bytes) -> str:
    """One printable character for each byte."""
    read = text.decode("latin-1") if isinstance(text, bytes) else text
    return "".join(_picture(character) for character in read)


def _picture(character: str) -> str:
    number = ord(character)
    if number < 32:
        return chr(0x2400 + number)
    if number == 127:
        return "\u2421"
    return character if character.isprintable() and number < 256 else "·"


def element_span(segment_id: str, elements: Sequence[str], position: int) -> tuple[int, int]:
    """The characters of an element in its segment; of the whole segment for 0.

    An element that is not there is a point at the end, where it would begin.
    """
    if position < 1:
        return 0, len(segment_id) + sum(len(one) + 1 for one in elements)
    start = len(segment_id) + 1 + sum(len(one) + 1 for one in elements[: position - 1])
    if position > len(elements):
        end = len(segment_id) + sum(len(one) + 1 for one in elements)
        return end, end
    return start, start + len(elements[position - 1])


def segment_mark(segment_id: str, elements: Sequence[str], separator: str, position: int, label: str = "") -> Mark:
    """A segment as it may be shown, with one element meant."""
    return Mark(separator.join((segment_id, *elements)), *element_span(segment_id, elements, position), label)


def record_mark(line: str, start: int, end: int, label: str = "") -> Mark:
    """A record of 80 columns; ``start`` and ``end`` are its columns from 1, both included, 0 for the whole."""
    shown = line.rstrip(" ")
    if not start:
        return Mark(shown, 0, len(shown), label, ruler=True)
    return Mark(shown.ljust(min(end, 80)), start - 1, end, label, ruler=True)


def drawn(mark: Mark) -> Iterator[tuple[str, str]]:
    """The lines to print, each with its style: a ruler or label, the line, the carets."""
    line, start = visible(mark.line), mark.start
    end = max(mark.end, start + 1)
    first = 0
    if len(line) > WIDEST and end > WIDEST - 10:
        first = max(0, min(start - 20, len(line) - WIDEST))
    before, after = ("…" if first else ""), ("…" if len(line) > first + WIDEST else "")
    part = line[first : first + WIDEST]
    pad = len(before)
    if mark.label:
        yield mark.label, "dim"
    if mark.ruler and not first:
        yield RULER[: max(len(part), end)], "dim"
    yield before + part + after, "bold"
    width = max(min(end, first + WIDEST) - start, 1)
    yield " " * (pad + start - first) + "^" * width, "bold red"
