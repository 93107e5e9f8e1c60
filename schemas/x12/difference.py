"""How does a file of X12 become a tree that can be compared with another?

Interchanges hold their envelope's segments and their sets; a set holds its segments and loops as its grammar has them.
What names a loop or segment is data here: a shipment its control number, a party its role, equipment its number, a
reference its qualifier. ISA, GS, ST and their trailers are the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.difference import Leaf, Node
from schemas.profile import Profile
from schemas.x12.describe import Describer
from schemas.x12.grammar import Walk, grammar
from schemas.x12.segments import PlacedSegment, shipment_control_number
from schemas.x12.tables import SEGMENTS, SETS

KEYS: Final = {
    "AK2": (2,),
    "AK3": (1, 2),
    "DTM": (1,),
    "LX": (1,),
    "N1": (1,),
    "N9": (1,),
    "NM1": (1,),
    "P4": (1,),
    "PER": (1,),
    "REF": (1,),
    "VID": (3,),
}
"""The elements that name a segment, and the loop that it opens, among its neighbours."""

NAMED_BY_SHIPMENT: Final = frozenset({"M11", "M13", "X4", "MBL"})
ENVELOPE: Final = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA"})


def x12_tree(segments: Iterable[PlacedSegment], profile: Profile, *, mask: bool = False) -> Node:
    """The tree of a file's segments, in the order of the file."""
    return _Tree(profile, mask=mask).build(segments)


class _Tree:
    def __init__(self, profile: Profile, *, mask: bool) -> None:
        self.describer = Describer(profile, mask=mask)
        self.root = Node("file", transparent=True)
        self.interchange = self.root
        self.walk: Walk | None = None
        self.open: list[tuple[int, Node]] = []

    def build(self, segments: Iterable[PlacedSegment]) -> Node:
        """Take every segment."""
        for segment in segments:
            if segment.id == "ISA" or self.interchange is self.root:
                self.interchange = Node("interchange", transparent=True)
                self.root.children.append(self.interchange)
            if segment.id == "ST":
                message = Node("message", segment.element(1), transparent=True)
                self.interchange.children.append(message)
                self.open = [(-1, message)]
                known = segment.element(1) in SETS
                self.walk = grammar(segment.element(1)).walk() if known else None
            elif not segment.number:
                self.open = []
            self._place(self._node(segment), segment)
        return self.root

    def _place(self, node: Node, segment: PlacedSegment) -> None:
        if not self.open:
            self.interchange.children.append(node)
            return
        walk = self.walk
        if walk is not None and segment.id != "ST":
            walk.step(segment.id)
        if walk is None or not walk.placed or segment.id in ENVELOPE:
            self.open[0][1].children.append(node)
            return
        places = walk.grammar.places
        parent = places[walk.place].parent
        while len(self.open) > 1 and self.open[-1][0] != parent:
            self.open.pop()
        owner = self.open[-1][1]
        owner.children.append(node)
        if segment.id in NAMED_BY_SHIPMENT and owner.id == "LX":
            owner.key = node.key or owner.key
            node.key = ""
        if places[walk.place].is_loop:
            self.open.append((walk.place, node))

    def _node(self, segment: PlacedSegment) -> Node:
        definition = SEGMENTS.get(segment.id)
        self.describer.row(segment)
        shown = self.describer.elements(segment)
        place = f"segment {segment.number}" if segment.number else f"byte {segment.offset}"
        name = self.describer.name(segment.id)
        leaves = []
        for position, (value, seen) in enumerate(zip(segment.elements, shown, strict=True), start=1):
            if not value:
                continue
            known = definition.elements[position - 1] if definition and position <= len(definition.elements) else None
            title = known.name if known is not None else ""
            at = f"{place}, element {position}"
            leaves.append(Leaf(f"{name}{position:02d}", title, value.rstrip(" "), seen.rstrip(" "), at))
        places = KEYS.get(segment.id, ())
        key = "-".join(segment.element(position) for position in places)
        if segment.id in NAMED_BY_SHIPMENT:
            key = shipment_control_number(segment)
        return Node(name, key, tuple(leaves), envelope=segment.id in ENVELOPE)
