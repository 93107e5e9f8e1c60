"""Has this very segment been looked at before? What a message says twice is taken apart and checked once.

A manifest repeats itself: one shipper, one trailer, a few cities. :class:`KnownSegments` keeps name and elements of a
sound segment by its text: ``get`` costs one look-up, and what it does not have is split and checked by
:meth:`KnownSegments.learn`. A segment that is not sound has the empty name and is never kept.

It is bounded (:data:`MOST_KNOWN` short segments, then it begins anew) and belongs to one reading or writing: nothing of
a message outlives it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.x12.elements import Checker, CheckerTable

MOST_KNOWN: Final = 1_024
"""Segments kept: what repeats does so soon, and a small table stays in the fast memory of the processor."""

LONGEST_KNOWN: Final = 256
"""Characters of a segment that is kept; a longer one is hardly ever said twice."""

Known = tuple[str, tuple[str, ...]]
UNSOUND: Final[Known] = ("", ())


class KnownSegments:
    """``get(text) or learn(text)`` is name and elements of a sound segment, ``("", ())`` for any other."""

    __slots__ = ("_checkers", "_kept", "_separator", "_table", "get")

    def __init__(self, table: CheckerTable, separator: str) -> None:
        self._table = table
        self._separator = separator
        self._checkers: dict[str, Checker] = {}
        self._kept: dict[str, Known] = {}
        self.get: Callable[[str], Known | None] = self._kept.get

    def learn(self, text: str) -> Known:
        """Take ``text`` apart and check it; what is sound is kept."""
        elements = text.split(self._separator)
        name = elements.pop(0)
        checker = self._checkers.get(name)
        if checker is None:
            checker = self._table.find(name)
            if checker is None:
                return UNSOUND
            self._checkers[name] = checker
        # The three questions of Checker.quick, asked here because a call costs as much as the answer.
        if (
            checker.takes(text) is None
            or checker.leading_space in text
            or (checker.rules and not checker.holds(text, elements))
        ) and not checker.sound(text, elements):
            return UNSOUND
        known = (name, tuple(elements))
        if len(text) <= LONGEST_KNOWN:
            kept = self._kept
            if len(kept) >= MOST_KNOWN:
                kept.clear()
            kept[text] = known
        return known
