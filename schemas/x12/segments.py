"""What is a segment, and how is one made?

Rules: elements count from 1 as in the trade (``M1101`` is element 1 of M11); trailing empty elements do not
exist in a :class:`Segment`; an empty element is an empty string. Nothing is checked here: the writer and the
reader check against the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from schemas.profile import Profile


@dataclass(frozen=True, slots=True)
class Separators:
    """The four signs of an interchange; ``repetition`` is empty up to version 00401, where ISA11 is ``U``."""

    element: str
    terminator: str
    component: str
    repetition: str

    @classmethod
    def of(cls, profile: Profile) -> Separators:
        """The signs that the profile writes with."""
        return cls(
            profile.element_separator,
            profile.segment_terminator,
            profile.component_separator,
            profile.repetition_separator,
        )

    @property
    def signs(self) -> str:
        """All four in one string."""
        return self.element + self.terminator + self.component + self.repetition


class HasElements(Protocol):
    """Anything with a segment's name and elements."""

    @property
    def id(self) -> str: ...

    @property
    def elements(self) -> tuple[str, ...]: ...


class Segment(NamedTuple):
    """One segment: ``elements[0]`` is element 01; the last element is never empty."""

    id: str
    elements: tuple[str, ...]

    def element(self, position: int) -> str:
        """The element at ``position`` (from 1), empty if it is not there."""
        return self.elements[position - 1] if 0 < position <= len(self.elements) else ""


class PlacedSegment(NamedTuple):
    """A segment as it was read: ``number`` counts from ST = 1 (0 outside a set), ``offset`` is its first byte."""

    id: str
    elements: tuple[str, ...]
    number: int
    offset: int

    def element(self, position: int) -> str:
        """The element at ``position`` (from 1), empty if it is not there."""
        return self.elements[position - 1] if 0 < position <= len(self.elements) else ""

    @property
    def segment(self) -> Segment:
        """The segment without its place."""
        return Segment(self.id, self.elements)


def trimmed(elements: Iterable[str]) -> tuple[str, ...]:
    """``elements`` without the empty ones at the end, which carry nothing."""
    kept = list(elements)
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def seg(segment_id: str, *elements: str | int | None) -> Segment:
    """A segment from its elements in order; ``None`` is an element that is not sent."""
    return Segment(segment_id, trimmed(["" if value is None else str(value) for value in elements]))


def seg_at(segment_id: str, elements: Mapping[int, str | int | None]) -> Segment:
    """A segment from elements by position (from 1), for instance ``seg_at("M10", {1: "XMPL", 9: "W"})``.

    Raises :class:`ValueError` for a position below 1: that is a mistake of the caller, not of the data.
    """
    if not elements:
        return Segment(segment_id, ())
    if min(elements) < 1:
        raise ValueError(f"{segment_id}: element positions count from 1")
    placed = [""] * max(elements)
    for position, value in elements.items():
        if value is not None:
            placed[position - 1] = str(value)
    return Segment(segment_id, trimmed(placed))


TRIP_NUMBER_PLACES: Final = (12, 7, 6)
"""Elements of M10 that may hold the trip number, the longest first (unconfirmed; X12 M10, CBP truck 350)."""


def trip_number_candidates(m10: HasElements) -> tuple[str, ...]:
    """The values of M1012, M1007 and M1006 that are there, in that order, each once.

    In CBP's answers the trip number may stand in any of them: take the one that matches a known trip.
    """
    found = (m10.elements[place - 1] for place in TRIP_NUMBER_PLACES if place <= len(m10.elements))
    return tuple(dict.fromkeys(value for value in found if value))


_SCN_PLACES: Final = {"M11": (12, 1), "M13": (9, 4), "X4": (9, 1), "MBL": (1, 2)}


def shipment_control_number(segment: HasElements) -> str:
    """SCAC and number joined from M11, M13, X4 or MBL; empty if either part is missing or for another segment."""
    places = _SCN_PLACES.get(segment.id)
    if places is None or max(places) > len(segment.elements):
        return ""
    of_scac, of_number = places
    scac, number = segment.elements[of_scac - 1], segment.elements[of_number - 1]
    return scac + number if scac and number else ""
