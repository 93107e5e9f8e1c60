"""In what do two messages of one family differ, field by field?

Both are trees of nodes (a loop or a group, a segment or a record) with fields. Rules:

- Children with a key (a shipment's number, a party's role, a line's number) meet the child with the same key,
  wherever it stands, if the key occurs once on either side.
- Children without one are laid side by side in their order, equal ones first (difflib); what is left between two equal
  ones is paired in order. Of more than :data:`MOST_ALIGNED` such children of one name only the order counts.
- A node that one side lacks is told field by field, so that nothing is hidden in "a segment was added".
- Values are compared as they are, shown as they may be shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import Final, Literal

MOST_ALIGNED: Final = 2000

Change = Literal["changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field: ``value`` is compared, ``shown`` is what may be seen of it."""

    ref: str
    name: str
    value: str
    shown: str
    position: str


@dataclass
class Node:
    """A segment or record with its fields, and what it encloses; ``key`` is empty where it has no name of its own."""

    id: str
    key: str = ""
    leaves: tuple[Leaf, ...] = ()
    children: list[Node] = field(default_factory=list)
    envelope: bool = False
    transparent: bool = False
    """A frame that adds nothing to the paths of what it encloses."""

    @cached_property
    def signature(self) -> int:
        """Equal for nodes that say the same."""
        return hash((self.id, tuple((one.ref, one.value) for one in self.leaves), self.inner))

    @property
    def inner(self) -> tuple[int, ...]:
        """The signatures of what it encloses."""
        return tuple(child.signature for child in self.children)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; a position is empty on the side that lacks it."""

    path: str
    position: str
    other_position: str
    change: Change
    old: str | None
    new: str | None
    name: str
    part: Literal["envelope", "message"]


def differences(one: Node | None, other: Node | None, path: str = "") -> Iterator[Difference]:
    """Every field in which ``other`` differs from ``one``, in the order of the first."""
    node = one or other
    if node is None or (one is not None and other is not None and one.signature == other.signature):
        return
    here = path if node.transparent else f"{path}.{_label(node, one, other)}".lstrip(".")
    yield from _fields(one, other, here, envelope=node.envelope)
    for left, right, suffix in _pairs(one.children if one else [], other.children if other else []):
        yield from (_numbered(each, here, suffix) for each in differences(left, right, here))


def _label(node: Node, one: Node | None, other: Node | None) -> str:
    if not node.key:
        return node.id
    if one is not None and other is not None and one.key != other.key:
        return node.id
    return f"{node.id}[{node.key}]"


def _numbered(found: Difference, here: str, suffix: str) -> Difference:
    """The path with the number of a node that has several of its name beside it."""
    if not suffix:
        return found
    rest = found.path[len(here) :].lstrip(".")
    name, dot, more = rest.partition(".")
    path = f"{here}.{name}{suffix}{dot}{more}".lstrip(".")
    return Difference(
        path, found.position, found.other_position, found.change, found.old, found.new, found.name, found.part
    )


def _fields(one: Node | None, other: Node | None, here: str, *, envelope: bool) -> Iterator[Difference]:
    left = {leaf.ref: leaf for leaf in one.leaves} if one else {}
    right = {leaf.ref: leaf for leaf in other.leaves} if other else {}
    part: Literal["envelope", "message"] = "envelope" if envelope else "message"
    for ref in [*left, *(ref for ref in right if ref not in left)]:
        old, new = left.get(ref), right.get(ref)
        if old is not None and new is not None and old.value == new.value:
            continue
        change: Change = "changed" if old and new else ("removed" if old else "added")
        known = old or new
        yield Difference(
            f"{here}.{ref}".lstrip("."),
            old.position if old else "",
            new.position if new else "",
            change,
            old.shown if old else None,
            new.shown if new else None,
            known.name if known else "",
            part,
        )


Pair = tuple[Node | None, Node | None, str]


def _pairs(left: Sequence[Node], right: Sequence[Node]) -> list[Pair]:
    """Which child belongs to which, with the number that tells it from others of its name (``#2``, or nothing)."""
    many_left, many_right = (Counter((node.id, node.key) for node in nodes) for nodes in (left, right))
    keyed = {name for name in many_left | many_right if name[1] and many_left[name] <= 1 and many_right[name] <= 1}
    end = len(left) + 1
    by_key = {name: node for node in right if (name := (node.id, node.key)) in keyed}
    pairs: list[tuple[int, Pair]] = []
    for at, node in enumerate(left):
        if (node.id, node.key) in keyed:
            pairs.append((at, (node, by_key.get((node.id, node.key)), "")))
    pairs += [(end, (None, node, "")) for name, node in by_key.items() if not many_left[name]]
    rest_left = [(at, node) for at, node in enumerate(left) if (node.id, node.key) not in keyed]
    rest_right = [node for node in right if (node.id, node.key) not in keyed]
    for title in dict.fromkeys([*(node.id for _, node in rest_left), *(node.id for node in rest_right)]):
        mine = [(at, node) for at, node in rest_left if node.id == title]
        theirs = [node for node in rest_right if node.id == title]
        pairs += _in_order(mine, theirs, end)
    return [pair for _, pair in sorted(pairs, key=lambda each: each[0])]


def _in_order(mine: list[tuple[int, Node]], theirs: list[Node], end: int) -> list[tuple[int, Pair]]:
    """Children of one name without keys: equal ones meet, the rest are paired in order."""
    several = max(len(mine), len(theirs)) > 1
    if max(len(mine), len(theirs)) > MOST_ALIGNED:
        blocks = [("replace", 0, len(mine), 0, len(theirs))]
    else:
        matcher = SequenceMatcher(
            None, [node.signature for _, node in mine], [node.signature for node in theirs], autojunk=False
        )
        blocks = list(matcher.get_opcodes())
    pairs: list[tuple[int, Pair]] = []
    for _, first, last, start, stop in blocks:
        for step in range(max(last - first, stop - start)):
            left = mine[first + step] if first + step < last else None
            right = theirs[start + step] if start + step < stop else None
            number = (first + step if left is not None else start + step) + 1
            pairs.append(
                (left[0] if left else end, (left[1] if left else None, right, f"#{number}" if several else ""))
            )
    return pairs
