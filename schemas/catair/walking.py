"""Where in its usage map does each record of a transaction stand, and what does that break?

The walk keeps the groups that are open, outermost first. A record is offered to the innermost one, then
outwards, so that it belongs to the nearest group that has a place for it:

1. a place that skips nothing mandatory of a group it would open;
2. failing that, a place in a group of free order that is full already (one ``X36`` for the group);
3. failing that, if it has been where it belongs as often as it may, it has no place (``X36``);
4. failing that, a place that skips something mandatory (``X37`` for what is missing).

What has no place even so (``X35``, ``X34``) is reported and left out, so that one stray record is one problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.catair.records import Record

UNLIMITED: Final = 999999
"""A ``max`` for what CBP prints as repeatable without a number."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Which value of ``field`` may follow which inside one group; ``""`` is the group's beginning."""

    field: str
    next: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """A record (``nodes`` empty) or a group of them; ``label`` is the record's layout or the group's name.

    ``free``: the nodes of this group stand in any order, but the first, which opens it if it is mandatory.
    """

    label: str
    use: str
    max: int
    nodes: tuple[Node, ...] = ()
    when: tuple[tuple[str, frozenset[str]], ...] = ()
    follows: bool = False
    chain: Chain | None = None
    free: bool = False

    def takes(self, record: Record) -> bool:
        """This is the record's place, as far as its layout and values go."""
        if self.nodes or record.layout.partition(".")[0] != self.label:
            return False
        return all(said(record, key) in allowed for key, allowed in self.when)

    @property
    def first_record(self) -> str:
        """The record that stands first in this group, or the record itself."""
        return self.nodes[0].first_record if self.nodes else self.label

    @property
    def opened(self) -> bool:
        """The first node stands first in this group."""
        return bool(self.nodes) and self.nodes[0].use == "M"


def said(record: Record, key: str) -> str:
    """What a record says in a field, as text; ``""`` for nothing."""
    value = record.values.get(key)
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach: ``index`` of the record in the transaction, CBP's code, what it is about, a sentence."""

    index: int
    code: str
    about: str
    text: str


class _Frame:
    """Where the walk stands in one list of nodes: the node used last, and how often each was used."""

    __slots__ = ("chain", "counts", "free", "group", "index", "last", "nodes", "opened")

    def __init__(self, group: Node) -> None:
        self.nodes = group.nodes
        self.group = group.label
        self.chain = group.chain
        self.free = group.free
        self.opened = group.opened
        self.index = -1
        self.counts = [0] * len(group.nodes)
        self.last = ""

    def is_full_for(self, record: Record) -> bool:
        """The record has its place here, and has been there as often as it may."""
        if not self.free:
            node = self.nodes[self.index]
            return self.index >= 0 and node.takes(record) and self.counts[self.index] >= node.max
        return any(
            node.takes(record) and count >= node.max for node, count in zip(self.nodes, self.counts, strict=True)
        )


class Walk:
    """One walk over the records of one transaction; ``root`` holds the map's rows, ``after`` what may follow any."""

    def __init__(self, name: str, root: Node, labels: frozenset[str], after: Sequence[Node] = ()) -> None:
        self.name = name
        self.labels = labels
        self.after = after
        self.frames = [_Frame(root)]
        self.faults: list[Fault] = []
        self.remarks = 0

    def run(self, records: Sequence[Record]) -> list[Fault]:
        """Every breach, in order."""
        for index, record in enumerate(records):
            if index and self._remarks_on(index, record):
                continue
            self.remarks = 0
            self._place(index, record)
        self._leave(0, max(len(records) - 1, 0))
        return self.faults

    def _remarks_on(self, index: int, record: Record) -> bool:
        """The record is about the one before it, wherever that stands."""
        for node in self.after:
            if node.takes(record):
                self.remarks += 1
                if self.remarks > node.max:
                    self._fault(index, "X36", node.label, f"{node.label} is repeated too often here.")
                return True
        return False

    def _place(self, index: int, record: Record) -> None:
        if self._finds_place(index, record, True, False) or self._finds_place(index, record, True, True):
            return
        layout = record.layout or "?"
        if any(frame.is_full_for(record) for frame in self.frames):
            self._fault(index, "X36", layout, f"{layout} is repeated too often here.")
        elif self._finds_place(index, record, False, False):
            return
        elif record.layout.partition(".")[0] in self.labels:
            self._fault(index, "X35", layout, f"{layout} is out of sequence.")
        else:
            self._fault(index, "X34", layout, f"{layout} has no place in this transaction ({self.name}).")

    def _finds_place(self, index: int, record: Record, whole: bool, over: bool) -> bool:
        depths = range(len(self.frames) - 1, -1, -1)
        return any(self._place_in(depth, index, record, whole, over) for depth in depths)

    def _place_in(self, depth: int, index: int, record: Record, whole: bool, over: bool) -> bool:
        frame = self.frames[depth]
        for path in _free_places(frame, record, whole, over) if frame.free else _places(frame, record, whole):
            if not self._may_join(depth, record):
                return False
            self._leave(depth + 1, index)
            self._join(record)
            node, at = frame.nodes[path[0]], path[0]
            if not frame.free:
                self._skip(frame, at, index)
            frame.index = at
            frame.counts[at] += 1
            if len(path) > 1:
                if frame.counts[at] == node.max + 1:
                    many = (
                        f"is more than 1 {node.label} group"
                        if node.max == 1
                        else f"are more than {node.max} {node.label} groups"
                    )
                    self._fault(index, "X36", node.label, f"There {many}.")
                self._enter(node, path[1:], index, record)
            return True
        return False

    def _may_join(self, depth: int, record: Record) -> bool:
        """The groups that stay open, down to ``depth``, let the record follow what they hold."""
        for frame in self.frames[: depth + 1]:
            if frame.chain is not None:
                value = said(record, frame.chain.field)
                if value and value not in frame.chain.next.get(frame.last, frozenset()):
                    return False
        return True

    def _join(self, record: Record) -> None:
        for frame in self.frames:
            if frame.chain is not None:
                frame.last = said(record, frame.chain.field) or frame.last

    def _enter(self, node: Node, path: Sequence[int], index: int, record: Record) -> None:
        frame = _Frame(node)
        self.frames.append(frame)
        if node.chain is not None:
            value = said(record, node.chain.field)
            if value and value not in node.chain.next.get("", frozenset()):
                text = f"{node.chain.field.replace('_', ' ')} {value} cannot begin a {node.label} group."
                self._fault(index, "X35", record.layout, text)
            frame.last = value
        if not frame.free:
            self._skip(frame, path[0], index)
        elif frame.opened and path[0]:
            self._missing(frame, node.nodes[0], index)
            frame.counts[0] = 1  # said once; not again when the group ends
        frame.index = path[0]
        frame.counts[path[0]] = 1
        if len(path) > 1:
            self._enter(node.nodes[path[0]], path[1:], index, record)

    def _leave(self, depth: int, index: int) -> None:
        """Close the frames from ``depth`` on; what they still need is missing."""
        for frame in reversed(self.frames[depth:]):
            self._skip(frame, len(frame.nodes), index)
        del self.frames[max(depth, 1) :]

    def _skip(self, frame: _Frame, to: int, index: int) -> None:
        for at in range(0 if frame.free else frame.index + 1, to):
            if frame.nodes[at].use == "M" and not frame.counts[at]:
                self._missing(frame, frame.nodes[at], index)

    def _missing(self, frame: _Frame, node: Node, index: int) -> None:
        where = f" of the {frame.group} group" if frame.group else ""
        first = node.first_record
        what = f"{node.label} group ({first})" if node.nodes and node.label != first else node.label
        self._fault(index, "X37", node.label, f"The mandatory {what}{where} is missing.")

    def _fault(self, index: int, code: str, about: str, text: str) -> None:
        self.faults.append(Fault(index, code, about, text))


def _places(frame: _Frame, record: Record, whole: bool) -> Iterator[list[int]]:
    """The places for a record at or after the node used last; a group that is full already still takes one."""
    if frame.index >= 0:
        node = frame.nodes[frame.index]
        if node.nodes:
            path = _opening(node, record, True)
            if path is not None:
                yield [frame.index, *path]
        elif frame.counts[frame.index] < node.max and node.takes(record):
            yield [frame.index]
    path = _find(frame.nodes, frame.index + 1, frame.index, record, whole)
    if path is not None:
        yield path


def _free_places(frame: _Frame, record: Record, whole: bool, over: bool) -> Iterator[list[int]]:
    """The places for a record in a group of free order; ``over`` counts groups that are full as well."""
    for at, node in enumerate(frame.nodes):
        if at == 0 and frame.opened and frame.index != 0:
            continue  # what opens the group opens the next one
        if node.follows and frame.index not in (at - 1, at):
            continue
        if node.nodes:
            path = _opening(node, record, whole) if over or frame.counts[at] < node.max else None
            if path is not None:
                yield [at, *path]
        elif frame.counts[at] < node.max and node.takes(record):
            yield [at]


def _opening(group: Node, record: Record, whole: bool) -> list[int] | None:
    """Path to the place of a record that opens a group; ``whole``: without skipping what is mandatory."""
    if not group.free:
        return _find(group.nodes, 0, -2, record, whole, from_start=True)
    nodes = group.nodes[:1] if whole and group.opened else group.nodes
    return _find(nodes, 0, -2, record, whole)


def _find(
    nodes: Sequence[Node], start: int, reached: int, record: Record, whole: bool, *, from_start: bool = False
) -> list[int] | None:
    """Path to the first place at or after ``start``; ``reached`` is the node used last."""
    for index in range(start, len(nodes)):
        node = nodes[index]
        if not (node.follows and reached != index - 1):
            if node.nodes:
                deeper = _opening(node, record, whole)
                if deeper is not None:
                    return [index, *deeper]
            elif node.takes(record):
                return [index]
        if whole and from_start and node.use == "M":
            return None
    return None
