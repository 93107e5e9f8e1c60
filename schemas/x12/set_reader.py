"""What stands between ST and SE? Reads one transaction set: each segment checked, placed and kept.

The loop in :meth:`SetReading.read` is the hot path of every answer and of every manifest that is read back: one
split, one compiled pattern and one step in the grammar for each segment.
"""

from __future__ import annotations

from typing import Final

from schemas.x12.elements import checkers
from schemas.x12.grammar import Walk, grammar
from schemas.x12.interchange import MOST_SEGMENT_BYTES
from schemas.x12.notes import Notes
from schemas.x12.problems import PlacedProblem, shown
from schemas.x12.segments import PlacedSegment, Separators, trimmed
from schemas.x12.tables import SEGMENTS, SETS

ENVELOPE: Final = frozenset({"ISA", "IEA", "GS", "GE", "ST", "TA1"})
"""Segments that end a set which has no SE."""


def same_number(one: str, other: str) -> bool:
    """Whether two numbers are equal; leading zeros do not count, and what is no number is told by its own element."""
    if not (one.isascii() and one.isdigit() and other.isascii() and other.isdigit()):
        return True
    return one.lstrip("0") == other.lstrip("0")


class SetReading:
    """One set being read from ``pieces`` on; problems go to ``notes``."""

    def __init__(self, set_id: str, control_number: str, separators: Separators, notes: Notes) -> None:
        self.set_id = set_id
        self.control_number = control_number
        self.segments: list[PlacedSegment] = []
        self.places: list[int] = []
        self._separators = separators
        self._notes = notes
        known = set_id in SETS
        self._walk = grammar(set_id).walk() if known else None
        self._table = checkers(set_id if known else "", separators)

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

    def read(self, pieces: list[str], at: int, offset: int) -> tuple[int, int]:
        """Read from ST at ``pieces[at]``, which begins at byte ``offset``; returns the next piece and its byte.

        The last piece is what follows the last terminator and never a segment.
        """
        last, separator, walk = len(pieces) - 1, self._separators.element, self._walk
        keep, keep_place, find = self.segments.append, self.places.append, self._table.find
        new = tuple.__new__
        number = 0
        while at < last:
            piece = pieces[at]
            begin, following = offset, offset + len(piece) + 1
            if piece[:1] in "\r\n":
                bare = piece.lstrip("\r\n")
                begin += len(piece) - len(bare)
                piece = bare
            if len(piece) > MOST_SEGMENT_BYTES:
                at, offset, number = at + 1, following, number + 1
                self._huge(piece, number, begin)
                continue
            name, *elements = piece.split(separator)
            if name in ENVELOPE and number:
                break
            at, offset, number = at + 1, following, number + 1
            # The constructor of a named tuple costs more than all the rest of a sound segment's bookkeeping.
            segment = new(PlacedSegment, (name, tuple(elements), number, begin))
            keep(segment)
            checker = find(name)
            if checker is None:
                self._unknown(segment)
                keep_place(-1)
                continue
            if not checker.sound(piece, elements):
                self._notes.elements(checker, segment)
                segment = self.segments[-1] = segment._replace(elements=trimmed(segment.elements))
            if walk is None:
                keep_place(-1)
            elif number == 1:
                keep_place(0)
            elif walk.step(name):
                keep_place(walk.place)
            else:
                keep_place(self._look(segment, walk))
            if name == "SE":
                self._end(segment)
                return at, offset
        self._notes.fault(
            "set",
            "2",
            "set_not_closed",
            "The transaction set has no SE.",
            "Send the whole message again.",
            offset=offset,
        )
        return at, offset

    def _end(self, se: PlacedSegment) -> None:
        """SE: its count and its number."""
        if not same_number(se.element(1), str(se.number)):
            text = f"SE01 says {shown(se.element(1))} segments, the set has {se.number}."
            self._notes.fault("set", "4", "segment_count", text, "Count the segments from ST to SE.", se)
        if se.element(2) != self.control_number:
            text = f"SE02 {shown(se.element(2))} is not ST02 {shown(self.control_number)}."
            self._notes.fault("set", "3", "set_control_numbers", text, "Give both the same number.", se)

    def _huge(self, piece: str, number: int, begin: int) -> None:
        """A segment beyond the limit is not taken apart."""
        name = piece[:4].split(self._separators.element)[0]
        text = f"A segment has {len(piece)} bytes; the limit is {MOST_SEGMENT_BYTES}."
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
            text = f"{segment.id} stands here {walk.repetitions} times; at most {walk.most} are allowed."
            code = "4" if walk.is_loop else "5"
            self._notes.fault("segment", code, "segment_too_often", text, "Send fewer.", segment)
        return walk.place

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
