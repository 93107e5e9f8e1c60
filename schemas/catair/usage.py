"""Which records may stand in a transaction, in what order, how often, and which must?

The usage maps under ``maps/`` are the answer. A map is a tree of records and groups; checking is
one walk over the records, each placed at the first free place at or after the one before. What
cannot be placed is reported and left out, so that one stray record is one problem:

- ``X34`` the record has no place in this transaction at all,
- ``X35`` it has one, but earlier than where it stands,
- ``X36`` it, or its group, is repeated too often,
- ``X37`` a mandatory record before it is missing.

(Codes and words: CBP CATAIR Batch and Block Control rev 23, X1.)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from schemas.catair.applications import NOT_LAID_OUT, Application
from schemas.catair.records import Record

MAPS: Final = ("se", "sx", "so", "query")


@dataclass(frozen=True, slots=True)
class Chain:
    """Which value of ``field`` may follow which inside one group; ``""`` is the group's beginning."""

    field: str
    next: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """A record (``nodes`` empty) or a group of them; ``label`` is the record's layout or the group's name."""

    label: str
    use: str
    max: int
    nodes: tuple[Node, ...] = ()
    when: tuple[tuple[str, frozenset[str]], ...] = ()
    follows: bool = False
    chain: Chain | None = None

    def takes(self, record: Record) -> bool:
        """This is the record's place, as far as its layout and values go."""
        if self.nodes or record.layout.partition(".")[0] != self.label:
            return False
        return all(record.text(key) in allowed for key, allowed in self.when)


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach: ``index`` of the record in the transaction, CBP's code, what it is about, a sentence."""

    index: int
    code: str
    about: str
    text: str


@dataclass(frozen=True)
class UsageMap:
    """One map; ``actions`` the request actions it is for, ``first`` the record it begins with."""

    id: str
    name: str
    source: str
    nodes: tuple[Node, ...]
    actions: frozenset[str] = frozenset()
    first: str = ""
    labels: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", frozenset(_labels(self.nodes)))

    def check(self, records: Sequence[Record]) -> list[Fault]:
        """Every breach of this map by the records of one transaction, in order."""
        walk = _Walk(self)
        for index, record in enumerate(records):
            walk.place(index, record)
        walk.finish(max(len(records) - 1, 0))
        return walk.faults


def _labels(nodes: Sequence[Node]) -> list[str]:
    found: list[str] = []
    for node in nodes:
        found += _labels(node.nodes) if node.nodes else [node.label]
    return found


class _Frame:
    """Where the walk stands in one list of nodes."""

    __slots__ = ("chain", "count", "group", "index", "last", "nodes")

    def __init__(self, nodes: tuple[Node, ...], group: str, chain: Chain | None) -> None:
        self.nodes = nodes
        self.group = group
        self.chain = chain
        self.index = -1
        self.count = 0
        self.last = ""

    @property
    def current(self) -> Node | None:
        return self.nodes[self.index] if self.index >= 0 else None


class _Walk:
    def __init__(self, usage: UsageMap) -> None:
        self.usage = usage
        self.frames = [_Frame(usage.nodes, "", None)]
        self.faults: list[Fault] = []

    def place(self, index: int, record: Record) -> None:
        for depth in range(len(self.frames) - 1, -1, -1):
            if self._place_in(depth, index, record):
                return
        layout = record.layout or "?"
        if any(frame.current is not None and frame.current.takes(record) for frame in self.frames):
            self._fault(index, "X36", layout, f"{layout} is repeated too often here.")
        elif record.layout.partition(".")[0] in self.usage.labels:
            self._fault(index, "X35", layout, f"{layout} is out of sequence.")
        else:
            self._fault(index, "X34", layout, f"{layout} has no place in this transaction ({self.usage.name}).")

    def finish(self, index: int) -> None:
        self._leave(0, index)

    def _place_in(self, depth: int, index: int, record: Record) -> bool:
        frame = self.frames[depth]
        node = frame.current
        if node is not None and not node.nodes and node.takes(record) and frame.count < node.max:
            if not self._chained(depth, record):
                return False
            self._leave(depth + 1, index)
            frame.count += 1
            return True
        if node is not None and node.nodes:
            path = _find(node.nodes, 0, -2, record)
            if path is not None and _complete(node.nodes, path) and self._chained(depth, record):
                self._leave(depth + 1, index)
                frame.count += 1
                if frame.count == node.max + 1:
                    self._fault(index, "X36", node.label, f"There are more than {node.max} {node.label} groups.")
                self._enter(node, path, index, record)
                return True
        path = _find(frame.nodes, frame.index + 1, frame.index, record)
        if path is None or not self._chained(depth, record):
            return False
        self._leave(depth + 1, index)
        self._skip(frame, path[0], index)
        frame.index, frame.count = path[0], 1
        if len(path) > 1:
            self._enter(frame.nodes[path[0]], path[1:], index, record)
        return True

    def _chained(self, depth: int, record: Record) -> bool:
        """The record may join the groups that are open, down to ``depth``."""
        for frame in self.frames[depth::-1]:
            if frame.chain is None:
                continue
            value = record.text(frame.chain.field)
            if not value:
                continue
            if value not in frame.chain.next.get(frame.last, frozenset()):
                return False
            frame.last = value
        return True

    def _enter(self, node: Node, path: list[int], index: int, record: Record) -> None:
        frame = _Frame(node.nodes, node.label, node.chain)
        self.frames.append(frame)
        if node.chain is not None:
            value = record.text(node.chain.field)
            if value and value not in node.chain.next.get("", frozenset()):
                text = f"{node.chain.field.replace('_', ' ')} {value} cannot begin a {node.label} group."
                self._fault(index, "X35", record.layout, text)
            frame.last = value
        self._skip(frame, path[0], index)
        frame.index, frame.count = path[0], 1
        if len(path) > 1:
            self._enter(node.nodes[path[0]], path[1:], index, record)

    def _leave(self, depth: int, index: int) -> None:
        """Close the frames from ``depth`` on; what they still need is missing."""
        for frame in reversed(self.frames[depth:]):
            self._skip(frame, len(frame.nodes), index)
        del self.frames[max(depth, 1) :]

    def _skip(self, frame: _Frame, to: int, index: int) -> None:
        for node in frame.nodes[frame.index + 1 : to]:
            if node.use == "M":
                where = f" of the {frame.group} group" if frame.group else ""
                what = f"{node.label} group" if node.nodes else node.label
                self._fault(index, "X37", node.label, f"The mandatory {what}{where} is missing.")

    def _fault(self, index: int, code: str, about: str, text: str) -> None:
        self.faults.append(Fault(index, code, about, text))


def _find(nodes: Sequence[Node], start: int, reached: int, record: Record) -> list[int] | None:
    """Path to the first place for the record at or after ``start``; ``reached`` is the node just used."""
    for index in range(start, len(nodes)):
        node = nodes[index]
        if node.follows and reached != index - 1:
            continue
        if node.nodes:
            deeper = _find(node.nodes, 0, -2, record)
            if deeper is not None:
                return [index, *deeper]
        elif node.takes(record):
            return [index]
    return None


def _complete(nodes: Sequence[Node], path: Sequence[int]) -> bool:
    """No mandatory record is skipped on the way: a group is repeated only from its beginning."""
    if any(node.use == "M" for node in nodes[: path[0]]):
        return False
    return len(path) == 1 or _complete(nodes[path[0]].nodes, path[1:])


def _chain(row: Mapping[str, Any] | None) -> Chain | None:
    if row is None:
        return None
    steps = {"" if key == "start" else key: frozenset(values) for key, values in row.items() if key != "field"}
    return Chain(row["field"], MappingProxyType(steps))


def _tree(rows: Sequence[Mapping[str, Any]], level: int = 0) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for index, row in enumerate(rows):
        if row["level"] != level:
            continue
        below: list[Mapping[str, Any]] = []
        for later in rows[index + 1 :]:
            if later["level"] <= level:
                break
            below.append(later)
        nodes.append(
            Node(
                row.get("record") or row["group"],
                row["use"],
                row["max"],
                _tree(below, level + 1),
                tuple((key, frozenset(allowed)) for key, allowed in row.get("when", {}).items()),
                row.get("follows", False),
                _chain(row.get("chain")),
            )
        )
    return tuple(nodes)


@cache
def usage_maps() -> Mapping[str, UsageMap]:
    """Every usage map by id (``SE.add``, ``SE.update``, ``SE.cancel``, ``SX``, ``SO``, ``CQ``, ``C1``…)."""
    maps: dict[str, UsageMap] = {}
    folder = files("schemas.catair").joinpath("maps")
    for name in MAPS:
        for key, row in tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8")).items():
            maps[key] = UsageMap(
                key,
                row["name"],
                row["source"],
                _tree(row["rows"]),
                frozenset(row.get("actions", ())),
                row.get("first", ""),
            )
    return MappingProxyType(maps)


def map_for(application: Application, records: Sequence[Record]) -> UsageMap | None:
    """The map a transaction must follow, chosen by its first record; None when none fits."""
    candidates = [usage_maps()[name] for name in application.maps]
    head = records[0] if records else Record("", {})
    for candidate in candidates:
        if candidate.actions and head.text("valid_action_code") not in candidate.actions:
            continue
        if candidate.first and head.layout != candidate.first:
            continue
        return candidate
    return None


def is_laid_out(identifier: str) -> bool:
    """False for a record that CBP defines inside these transactions and that has no table here."""
    return not identifier.startswith(NOT_LAID_OUT)
