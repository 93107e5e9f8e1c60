"""What stands between ST and SE? Reads one transaction set: each segment checked, placed and handed out.

The loop in :meth:`SetReading._window` is the hot path of every answer and of every manifest that is read back: one
look-up for the text of the segment (:mod:`schemas.x12.known`), one for its place (``steps`` of
:mod:`schemas.x12.grammar`). Whatever is not simply sound and in its place is read again by :meth:`SetReading._closely`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.x12.elements import checkers
from schemas.x12.grammar import Steps, Walk, grammar
from schemas.x12.interchange import MOST_SEGMENT_BYTES
from schemas.x12.known import KnownSegments
from schemas.x12.notes import Notes
from schemas.x12.pieces import Pieces
from schemas.x12.problems import PlacedProblem, shown
from schemas.x12.segments import PlacedSegment, Separators, trimmed
from schemas.x12.tables import SEGMENTS, SETS

ENVELOPE: Final = frozenset({"ISA", "IEA", "GS", "GE", "ST", "TA1"})
"""Segments that end a set which has no SE."""

Batch = tuple[list[PlacedSegment], list[int]]
"""Segments in the order of the file and, inside a set, their places in its grammar (-1: in no loop)."""


def _anywhere() -> Steps:
    """The steps of a set without a table: every known segment may follow every other, in no loop."""
    steps: Steps = {}
    steps.update((name, (steps, -1, 0, ())) for name in SEGMENTS if name not in ENVELOPE and name != "SE")
    return steps


_ANYWHERE: Final = _anywhere()


def same_number(one: str, other: str) -> bool:
    """Whether two numbers are equal; leading zeros do not count, and what is no number is told by its own element."""
    if not (one.isascii() and one.isdigit() and other.isascii() and other.isdigit()):
        return True
    return one.lstrip("0") == other.lstrip("0")


class SetReading:
    """One set being read; problems go to ``notes``."""

    def __init__(self, set_id: str, control_number: str, separators: Separators, notes: Notes) -> None:
        self.set_id = set_id
        self.control_number = control_number
        self._separator = separators.element
        self._notes = notes
        known = set_id in SETS
        self._walk = grammar(set_id).walk() if known else None
        self._table = checkers(set_id if known else "", separators)
        self._known = KnownSegments(self._table, separators.element)
        self._number = 0
        self._closed = False

    def unsupported(self, offset: int) -> None:
        """Tell that there is no table for this set."""
        self._notes.add(
            PlacedProblem(
                code="set_not_supported",
                path="ST[1].ST01",
                text=f"The transaction set {shown(self.set_id)} is not known here.",
                remedy="Known are " + ", ".join(sorted(SETS)) + ".",
                level="set",
                acknowledgment="1",
                segment="ST",
                number=1,
                element=1,
                offset=offset + 3,
                data_element="143",
                value=self.set_id,
            )
        )

    def read(self, pieces: Pieces) -> Iterator[Batch]:
        """Read from ST, which is next in ``pieces``, to SE or to a segment that ends a set without it."""
        while not self._closed and pieces.more():
            yield self._window(pieces)
            if pieces.at < len(pieces.pieces):
                break
        if not self._closed:
            text, remedy = "The transaction set has no SE.", "Send the whole message again."
            self._notes.fault("set", "2", "set_not_closed", text, remedy, offset=pieces.begin)

    def _window(self, pieces: Pieces) -> Batch:
        """The segments up to the end of the window or of the set."""
        segments: list[PlacedSegment] = []
        places: list[int] = []
        keep, keep_place, new = segments.append, places.append, tuple.__new__
        known, learn, walk = self._known.get, self._known.learn, self._walk
        offset, gap, number = pieces.offset, pieces.gap, self._number
        counts = walk.counts if walk else [0]
        here = walk.steps if walk else _ANYWHERE
        place = walk.place if walk else -1
        first = number
        for raw in pieces.pieces[pieces.at :] if pieces.at else pieces.pieces:
            name, elements = known(raw) or learn(raw)
            try:
                here, place, most, resets = here[name]
            except KeyError:
                if walk:
                    walk.place = place
                if not self._closely(raw, number + 1, offset, pieces.dropped, segments, places):
                    break
                if walk:
                    here, place = walk.steps, walk.place
                number += 1
                offset += len(raw) + gap
                if self._closed:
                    break
                continue
            number += 1
            # The constructor of a named tuple costs more than all the rest of a sound segment's bookkeeping.
            keep(new(PlacedSegment, (name, elements, number, offset)))
            keep_place(place)
            if most:
                count = counts[place] = counts[place] + 1
                if count > most:
                    self._too_often(segments[-1], place, count)
            else:
                counts[place] = 1
            if resets:
                for one in resets:
                    counts[one] = 0
            offset += len(raw) + gap
        if walk:
            walk.place = place
        pieces.at += number - first
        pieces.offset = offset
        self._number = number
        return segments, places

    def _closely(
        self, raw: str, number: int, offset: int, dropped: int, segments: list[PlacedSegment], places: list[int]
    ) -> bool:
        """Read one segment that is not simply sound and in its place; ``False`` if it ends the set without SE."""
        text = raw.lstrip("\r\n")
        begin = offset + len(raw) - len(text)
        if len(text) > MOST_SEGMENT_BYTES:
            self._huge(text, len(text) + dropped, number, begin)
            return True
        parts = text.split(self._separator)
        name = parts.pop(0)
        if name in ENVELOPE and number > 1:
            return False
        segment = PlacedSegment(name, tuple(parts), number, begin)
        checker = self._table.find(name)
        if checker is None:
            self._unknown(segment)
            segments.append(segment)
            places.append(-1)
            return True
        if not (self._known.get(text) or self._known.learn(text))[0]:
            self._notes.elements(checker, segment)
            segment = segment._replace(elements=trimmed(segment.elements))
        segments.append(segment)
        walk = self._walk
        if walk is None:
            places.append(-1)
        elif number == 1:
            places.append(0)
        elif walk.step(name):
            places.append(walk.place)
        else:
            places.append(self._look(segment, walk))
        if name == "SE":
            self._end(segment)
            self._closed = True
        return True

    def _end(self, se: PlacedSegment) -> None:
        """SE: its count and its number."""
        if not same_number(se.element(1), str(se.number)):
            text = f"SE01 says {shown(se.element(1))} segments, the set has {se.number}."
            self._notes.fault("set", "4", "segment_count", text, "Count the segments from ST to SE.", se)
        if se.element(2) != self.control_number:
            text = f"SE02 {shown(se.element(2))} is not ST02 {shown(self.control_number)}."
            self._notes.fault("set", "3", "set_control_numbers", text, "Give both the same number.", se)

    def _huge(self, piece: str, length: int, number: int, begin: int) -> None:
        """A segment beyond the limit is not taken apart."""
        name = piece[:4].split(self._separator)[0]
        text = f"A segment has {length} bytes; the limit is {MOST_SEGMENT_BYTES}."
        place = PlacedSegment(name, (), number, begin)
        self._notes.fault("segment", "1", "segment_too_long", text, "Send a shorter segment.", place)

    def _unknown(self, segment: PlacedSegment) -> None:
        """A segment that no table knows, or nothing at all before a terminator."""
        if not segment.id and not segment.elements:
            text = "A segment terminator ends nothing."
            self._notes.fault("segment", "1", "segment_blank", text, "Remove it.", segment)
            return
        text = f"{shown(segment.id)} is not a known segment."
        self._notes.fault("segment", "1", "segment_unknown", text, "Remove it or mend its name.", segment)

    def _look(self, segment: PlacedSegment, walk: Walk) -> int:
        """Why the grammar did not simply take ``segment``; returns its place, -1 if it has none."""
        if not walk.placed:
            self._misplaced(segment, walk)
            return -1
        for name in walk.passed:
            text = f"{name} ({SEGMENTS[name].name}) is mandatory before {segment.id}."
            place = PlacedSegment(name, (), segment.number, segment.offset)
            self._notes.fault("segment", "3", "segment_missing", text, f"Send {name}.", place)
        if walk.repetitions > walk.most:
            self._too_often(segment, walk.place, walk.repetitions)
        return walk.place

    def _too_often(self, segment: PlacedSegment, place: int, count: int) -> None:
        """A segment that has come more often than its place may be taken."""
        if self._walk is None:
            return
        where = self._walk.grammar.places[place]
        text = f"{segment.id} stands here {count} times; at most {where.definition.most} are allowed."
        code = "4" if where.is_loop else "5"
        self._notes.fault("segment", code, "segment_too_often", text, "Send fewer.", segment)

    def _misplaced(self, segment: PlacedSegment, walk: Walk) -> None:
        """A known segment where it may not stand."""
        title = f"{segment.id} ({SEGMENTS[segment.id].name})"
        if segment.id not in walk.grammar.segments:
            text = f"{title} is not part of set {self.set_id}."
            self._notes.fault("segment", "6", "segment_not_in_set", text, "Remove it.", segment)
            return
        text = f"{title} may not follow {walk.here} here."
        remedy = "Put the segments in the order of the set."
        code = "7" if walk.stood_earlier(segment.id) else "2"
        self._notes.fault("segment", code, "segment_out_of_place", text, remedy, segment)
