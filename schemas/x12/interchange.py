"""What is known of an interchange once it has been read, and how large may one be?"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from schemas.x12.envelope import Envelope
from schemas.x12.loops import Loop, build_loops
from schemas.x12.problems import PlacedProblem
from schemas.x12.segments import PlacedSegment, Segment, Separators
from schemas.x12.tables import SETS

MOST_BYTES: Final = 12_582_912
"""Bytes of one interchange: CBP's limit for ocean (CBP ocean 350, May 2017); the truck limit was not found."""

MOST_SEGMENT_BYTES: Final = 65_536
"""Bytes of one segment; the longest that the tables allow has about 2,500."""

MOST_SEGMENTS: Final = 1_000_000
"""Segments of one interchange: a hundred for each of the 9,999 shipments that a message may hold."""


@dataclass(frozen=True)
class Interchange:
    """What was read.

    ``segments`` runs from ST to SE (empty where the file holds no set, as with a TA1 alone); ``places`` are their
    places in the grammar of the set. ``envelope`` is ``None`` where the date, time or number of the ISA cannot be read;
    ``isa``, ``gs``, ``ge`` and ``iea`` are the segments as they came.
    """

    isa: PlacedSegment
    separators: Separators
    envelope: Envelope | None
    set_id: str
    set_control_number: str
    segments: tuple[PlacedSegment, ...]
    problems: tuple[PlacedProblem, ...]
    gs: PlacedSegment | None = None
    ge: PlacedSegment | None = None
    iea: PlacedSegment | None = None
    ta1: Segment | None = None
    ta1_segments: tuple[PlacedSegment, ...] = ()
    places: tuple[int, ...] = field(default=(), repr=False)

    @property
    def body(self) -> tuple[Segment, ...]:
        """The segments between ST and SE, without their places: what the writer takes."""
        return tuple(Segment(one.id, one.elements) for one in self.segments if one.id not in ("ST", "SE"))

    @property
    def errors(self) -> tuple[PlacedProblem, ...]:
        """The problems that are more than a warning."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @cached_property
    def loops(self) -> Loop:
        """The message as a tree, made when first asked for; a set without a table is one loop of all its segments."""
        if self.set_id in SETS and self.segments:
            return build_loops(self.set_id, self.segments, self.places)
        return Loop(self.set_id, self.segments, ())
