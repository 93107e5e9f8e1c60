"""May this segment stand here? The order, nesting and repetition of a set, compiled to one look-up for each segment.

A set is a tree of places (:class:`schemas.x12.tables.LoopDef`). The place of the last segment fixes the open
loops and how far each has come, so "which place comes next for segment X" is a table made once: ``moves[last][id]``.
Rules for finding it: the innermost open loop first, then outwards; within a loop a segment may stand at the
current rank or a later one. What was mandatory and has been passed on the way is known at the same time. Only the
number of repetitions is counted while reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from schemas.x12.tables import SETS, LoopDef


@dataclass(frozen=True, slots=True)
class Place:
    """A numbered place: ``parent`` is the loop's place (-1 for ST…SE level), members are ``first``..``last`` - 1."""

    definition: LoopDef
    parent: int
    first: int
    last: int

    @property
    def is_loop(self) -> bool:
        """Whether the segment at this place opens a loop."""
        return self.last > self.first


Move = tuple[int, tuple[str, ...]]
"""The next place and the mandatory segments that were passed without standing there."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A compiled set. ``moves[place][segment]`` is absent where the segment may not stand.

    ``spans`` repeats for each place what every step needs: most repetitions, first and last member.
    """

    set_id: str
    places: tuple[Place, ...]
    moves: tuple[dict[str, Move], ...]
    segments: frozenset[str]
    spans: tuple[tuple[int, int, int], ...]

    def walk(self) -> Walk:
        """A walk that stands on ST."""
        return Walk(self)


class Walk:
    """Where one message stands in its grammar; :meth:`step` takes the next segment.

    After a step that returned ``False``: ``placed`` tells whether the segment could stand at all, ``passed`` which
    mandatory segments are missing before it, ``repetitions`` and ``most`` whether it came too often.
    """

    __slots__ = ("_counts", "_empty", "_moves", "_spans", "grammar", "passed", "place", "placed")

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.place = 0
        self.placed = True
        self.passed: tuple[str, ...] = ()
        self._moves = grammar.moves
        self._spans = grammar.spans
        self._counts = [0] * len(grammar.places)
        self._empty = tuple([0] * (last - first) for _, first, last in grammar.spans)

    def step(self, segment_id: str) -> bool:
        """Go to the next place for ``segment_id``; ``True`` if all is well.

        Where the segment may not stand, the walk stays where it was.
        """
        move = self._moves[self.place].get(segment_id)
        if move is None:
            self.placed, self.passed = False, ()
            return False
        place, passed = move
        self.place = place
        count = self._counts[place] = self._counts[place] + 1
        most, first, last = self._spans[place]
        if last > first:
            self._counts[first:last] = self._empty[place]
        if passed or count > most:
            self.placed, self.passed = True, passed
            return False
        return True

    @property
    def here(self) -> str:
        """The segment that stands at the current place."""
        return self.grammar.places[self.place].definition.id

    @property
    def most(self) -> int:
        """How often the current place may be taken in its loop."""
        return self.grammar.places[self.place].definition.most

    @property
    def repetitions(self) -> int:
        """How often the current place has been taken in its loop."""
        return self._counts[self.place]

    @property
    def is_loop(self) -> bool:
        """Whether the current place opens a loop."""
        return self.grammar.places[self.place].is_loop

    def stood_earlier(self, segment_id: str) -> bool:
        """Whether the segment has a place before the current one in one of the loops that are open now."""
        places, at = self.grammar.places, self.place
        while at >= 0:
            parent = places[at].parent
            if any(one.parent == parent and one.definition.id == segment_id for one in places[:at]):
                return True
            at = parent
        return False


def _places(structure: LoopDef) -> tuple[Place, ...]:
    """Number the places so that the members of one loop stand together."""
    rows: list[tuple[LoopDef, int]] = [(member, -1) for member in structure.members]
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(rows):
        definition, _ = rows[at]
        first = len(rows)
        rows.extend((member, at) for member in definition.members)
        spans.append((first, len(rows)))
        at += 1
    return tuple(Place(definition, parent, *span) for (definition, parent), span in zip(rows, spans, strict=True))


def _moves(structure: LoopDef, places: tuple[Place, ...], at: int, segments: frozenset[str]) -> dict[str, Move]:
    """Every move from place ``at``."""
    levels: list[tuple[range, int]] = []
    here = places[at]
    if here.is_loop:
        levels.append((range(here.first, here.last), -1))
    current = at
    while True:
        parent = places[current].parent
        members = range(places[parent].first, places[parent].last) if parent >= 0 else range(len(structure.members))
        levels.append((members, places[current].definition.rank))
        if parent < 0:
            break
        current = parent

    def passed(members: range, after: int, before: int | None) -> list[str]:
        return [
            places[one].definition.id
            for one in members
            if places[one].definition.mandatory
            and places[one].definition.rank > after
            and (before is None or places[one].definition.rank < before)
        ]

    moves: dict[str, Move] = {}
    for segment in segments:
        missing: list[str] = []
        for members, rank in levels:
            target = next(
                (
                    one
                    for one in members
                    if places[one].definition.id == segment and places[one].definition.rank >= rank
                ),
                None,
            )
            if target is not None:
                missing += passed(members, rank, places[target].definition.rank)
                moves[segment] = (target, tuple(missing))
                break
            missing += passed(members, rank, None)
    return moves


@cache
def grammar(set_id: str) -> Grammar:
    """The compiled grammar of a set in :data:`schemas.x12.tables.SETS`; :class:`KeyError` for another."""
    structure = SETS[set_id].structure
    places = _places(structure)
    segments = frozenset(place.definition.id for place in places)
    return Grammar(
        set_id,
        places,
        tuple(_moves(structure, places, at, segments) for at in range(len(places))),
        segments,
        tuple((place.definition.most, place.first, place.last) for place in places),
    )
