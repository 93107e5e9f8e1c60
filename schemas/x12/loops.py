"""Which segments belong together? The loops of a message as a tree.

A :class:`Loop` holds the segments that stand directly in it, its header first, and the loops inside it, in the
order of the message. The whole message is the loop named after its set. A segment that stood where it may not is in
no loop; it is in the message's list of segments and in its problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.x12.grammar import grammar
from schemas.x12.segments import PlacedSegment


@dataclass(frozen=True, slots=True)
class Loop:
    """One occurrence of a loop: ``segments[0]`` is its header (ST for the whole message)."""

    id: str
    segments: tuple[PlacedSegment, ...]
    loops: tuple[Loop, ...]

    @property
    def header(self) -> PlacedSegment:
        """The segment that opened the loop."""
        return self.segments[0]

    def first(self, segment_id: str) -> PlacedSegment | None:
        """The first segment of that name: standing directly here, or heading a loop directly inside."""
        here = next((one for one in self.segments if one.id == segment_id), None)
        return here or next((loop.header for loop in self.loops if loop.id == segment_id), None)

    def every(self, segment_id: str) -> Iterator[PlacedSegment]:
        """Segments of that name standing directly here, then those heading a loop directly inside."""
        yield from (one for one in self.segments if one.id == segment_id)
        yield from (loop.header for loop in self.loops if loop.id == segment_id)

    def each(self, loop_id: str) -> Iterator[Loop]:
        """The loops of that name directly inside."""
        return (loop for loop in self.loops if loop.id == loop_id)

    def walk(self, loop_id: str | None = None) -> Iterator[Loop]:
        """This loop and all loops inside, outer before inner; only those named ``loop_id`` if given."""
        if loop_id is None or self.id == loop_id:
            yield self
        for loop in self.loops:
            yield from loop.walk(loop_id)


def build_loops(set_id: str, segments: Sequence[PlacedSegment], places: Sequence[int]) -> Loop:
    """The tree of ``segments``; ``places`` are their places in the grammar of the set, -1 for "in no loop"."""
    table = grammar(set_id).places
    whole: tuple[list[PlacedSegment], list[Loop]] = ([], [])
    path: list[tuple[int, list[PlacedSegment], list[Loop]]] = [(-1, *whole)]

    def close() -> None:
        place, members, loops = path.pop()
        path[-1][2].append(Loop(table[place].definition.id, tuple(members), tuple(loops)))

    for segment, place in zip(segments, places, strict=True):
        if place < 0:
            continue
        parent = table[place].parent
        while path[-1][0] != parent:
            close()
        if table[place].is_loop:
            path.append((place, [segment], []))
        else:
            path[-1][1].append(segment)
    while len(path) > 1:
        close()
    return Loop(set_id, tuple(whole[0]), tuple(whole[1]))
