"""What do pyx12's paths come to, when tens of thousands of segments have some twenty of them?

pyx12 takes a path apart each time it is used. Here that is done once for each: its counter of loops and segments is
kept by the texts of paths, and the places of elements are remembered. The verdicts are pyx12's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pyx12.path import X12Path
from pyx12.segment import Segment

Place = tuple[int | None, int | None]


@cache
def _place(designator: str) -> Place:
    """Element and component, from 0, of a designator such as ``03`` or ``03-1``."""
    path = X12Path(designator)
    element, component = path.ele_idx, path.subele_idx
    return (None if element is None else element - 1, None if component is None else component - 1)


class PlacedSegment(Segment):  # type: ignore[misc] # pyx12 has no types
    """A segment of pyx12's."""

    def _parse_refdes(self, ref_des: str) -> Place:
        if ref_des[:1].isdigit():
            return _place(ref_des)
        whole: Place = super()._parse_refdes(ref_des)
        return whole


class PathCounter:
    """Stands in for pyx12's ``NodeCounter``. A path given as an object is one of the map's and stays as it is."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._texts: dict[int, tuple[Any, str]] = {}

    def _text(self, path: Any) -> str:
        known = self._texts.get(id(path))
        if known is not None:
            return known[1]
        if isinstance(path, str):
            return str(X12Path(path).format())
        text = str(path.format())
        self._texts[id(path)] = (path, text)  # holding the path keeps its number its own
        return text

    def reset_to_node(self, xpath: Any) -> None:
        """Forget what is below a path."""
        below = f"{self._text(xpath)}/"
        for text in [one for one in self._counts if one.startswith(below)]:
            del self._counts[text]

    def increment(self, xpath: Any) -> None:
        """One more."""
        text = self._text(xpath)
        self._counts[text] = self._counts.get(text, 0) + 1

    def get_count(self, xpath: Any) -> int:
        """How many so far."""
        return self._counts.get(self._text(xpath), 0)
