"""May this segment stand here? The order, nesting and repetition of a set, compiled to one look-up for each segment.

A set is a tree of places (:class:`schemas.x12.tables.LoopDef`). The place of the last segment fixes the open
loops and how far each has come, so "which place comes next for segment X" is a table made once: ``moves[last][id]``.
Rules for finding it: the innermost open loop first, then outwards; within a loop a segment may stand at the
current rank or a later one. What was mandatory and has been passed on the way is known at the same time.

Repetitions are counted while reading, and where the counting begins is part of the table as well: a segment that comes
from an earlier rank, or from the header of its loop, stands there for the first time. Only segments that share a rank
(they come in any order) need their counts set back when their loop begins again: ``resets``.

:meth:`Walk.step` is the whole truth. The loops that read and write take the same steps themselves from
``steps``, which holds the moves that pass nothing, and come back to :meth:`Walk.step` for every other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

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


class Move(NamedTuple):
    """What one segment does.

    ``place`` is next; ``passed`` are mandatory segments that were left out on the way; ``most`` is 0 where the segment
    stands there for the first time, else how often it may have stood there when it comes again; the counts of the
    places ``resets`` begin anew.
    """

    place: int
    passed: tuple[str, ...]
    most: int
    resets: tuple[int, ...]


Steps = dict[str, "tuple[Steps, int, int, tuple[int, ...]]"]
"""Sound moves from one place, by segment: the steps from the next place, that place, ``most`` and ``resets``."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A compiled set. ``moves[place][segment]`` is absent where the segment may not stand."""

    set_id: str
    places: tuple[Place, ...]
    moves: tuple[dict[str, Move], ...]
    steps: tuple[Steps, ...]
    segments: frozenset[str]

    def walk(self) -> Walk:
        """A walk that stands on ST."""
        return Walk(self)


class Walk:
    """Where one message stands in its grammar; :meth:`step` takes the next segment.

    After a step that returned ``False``: ``placed`` tells whether the segment could stand at all, ``passed`` which
    mandatory segments are missing before it, ``repetitions`` and ``most`` whether it came too often. Who takes steps
    from ``grammar.steps`` keeps ``place`` and ``counts`` as :meth:`step` would.
    """

    __slots__ = ("counts", "grammar", "passed", "place", "placed")

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.place = 0
        self.placed = True
        self.passed: tuple[str, ...] = ()
        self.counts = [0] * len(grammar.places)

    def step(self, segment_id: str) -> bool:
        """Go to the next place for ``segment_id``; ``True`` if all is well.

        Where the segment may not stand, the walk stays where it was.
        """
        move = self.grammar.moves[self.place].get(segment_id)
        if move is None:
            self.placed, self.passed = False, ()
            return False
        self.placed, self.place, self.passed = True, move.place, move.passed
        count = self.counts[move.place] + 1 if move.most else 1
        self.counts[move.place] = count
        for place in move.resets:
            self.counts[place] = 0
        return not move.passed and (not move.most or count <= move.most)

    @property
    def steps(self) -> Steps:
        """The sound moves from here that pass nothing."""
        return self.grammar.steps[self.place]

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
        return self.counts[self.place]

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
    levels: list[tuple[range, int]] = []  # the members of each open loop, and where the message stands among them
    here = places[at]
    if here.is_loop:
        levels.append((range(here.first, here.last), -1))
    current = at
    while True:
        parent = places[current].parent
        members = range(places[parent].first, places[parent].last) if parent >= 0 else range(len(structure.members))
        levels.append((members, current))
        if parent < 0:
            break
        current = parent

    def rank(place: int) -> int:
        return places[place].definition.rank if place >= 0 else -1

    def passed(members: range, after: int, before: int | None) -> list[str]:
        return [
            places[one].definition.id
            for one in members
            if places[one].definition.mandatory and rank(one) > after and (before is None or rank(one) < before)
        ]

    moves: dict[str, Move] = {}
    for segment in segments:
        missing: list[str] = []
        for members, stands in levels:
            reached = rank(stands)
            target = next(
                (one for one in members if places[one].definition.id == segment and rank(one) >= reached), None
            )
            if target is None:
                missing += passed(members, reached, None)
                continue
            missing += passed(members, reached, rank(target))
            again = target == stands or target in _mixed(places, members)
            most = places[target].definition.most if again else 0
            resets = _mixed(places, range(places[target].first, places[target].last))
            moves[segment] = Move(target, tuple(missing), most, resets)
            break
    return moves


def _mixed(places: tuple[Place, ...], members: range) -> tuple[int, ...]:
    """The members of a loop that share their rank with another: they come in any order."""
    ranks = [places[one].definition.rank for one in members]
    return tuple(one for one, rank in zip(members, ranks, strict=True) if ranks.count(rank) > 1)


def _steps(moves: tuple[dict[str, Move], ...]) -> tuple[Steps, ...]:
    """The moves that pass nothing, each leading to the steps of the place where it ends."""
    steps: tuple[Steps, ...] = tuple({} for _ in moves)
    for here, table in zip(steps, moves, strict=True):
        for segment, move in table.items():
            if not move.passed and segment not in ("ST", "SE"):
                here[segment] = (steps[move.place], move.place, move.most, move.resets)
    return steps


@cache
def grammar(set_id: str) -> Grammar:
    """The compiled grammar of a set in :data:`schemas.x12.tables.SETS`; :class:`KeyError` for another."""
    structure = SETS[set_id].structure
    places = _places(structure)
    segments = frozenset(place.definition.id for place in places)
    moves = tuple(_moves(structure, places, at, segments) for at in range(len(places)))
    return Grammar(set_id, places, moves, _steps(moves), segments)
