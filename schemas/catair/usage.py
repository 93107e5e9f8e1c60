"""Which records may stand in a transaction, in what order, how often, and which must?

The usage maps under ``maps/`` are the answer: each a list of rows that makes a tree of records and groups.

A map: ``name``, ``source``, ``rows``, and what chooses it among the maps of its application: ``first`` (layout of
the first record), ``actions`` (values of its ``valid_action_code``) or, for any fields of the first record,
``when = { field_key = ["A", "R"] }``. Further, where needed:

- ``partial = true``: an answer that repeats only a part of a request; below level 0 nothing is mandatory;
- ``mark`` and ``note`` say how sure the map is, as those of a record (:mod:`schemas.catair.layouts`);
- ``after = [{ record = "SE90", max = 9, when = {…} }]``: records that may follow any record but stand for none.

A row:

- ``level``: depth, from 0; the deeper rows below a row are what it holds;
- ``record`` (an id without its variant: ``SE15``, ``AE10``, ``PG01``) or ``group`` (a name);
- ``use`` (``M`` mandatory, ``C``, ``O``) and ``max``, the repetitions; ``999999`` where CBP prints none;
- a ``record`` row that holds rows is a group that this record opens, repeated as a whole: the record once, then
  the rows; so a parent with its children is one row with rows below it;
- ``order = "free"`` on a row that holds rows: they may come in any order and mixed, each up to its ``max``
  (counted over the whole group). The first stands first if it is mandatory, and seen again it opens the next group;
- ``when = { field_key = ["P"] }``: the row takes only records with one of these values (``""`` for absent; for a
  group opened by a record, the record's values);
- ``follows = true``: only directly after the row above it;
- ``chain = { field = "…", start = […], I = […] }`` on a group: which value of a field may follow which inside it;
- ``include = "PGA"`` (with ``level``): the rows of that map stand here. A map no application names is a part to
  be included.

How records are placed, and what the nearest parent is: :mod:`schemas.catair.walking`. The faults:

- ``X34`` the record has no place in this transaction at all,
- ``X35`` it has one, but earlier than where it stands,
- ``X36`` it, or its group, is repeated too often,
- ``X37`` a mandatory record before it is missing.

(Codes and words: CBP CATAIR Batch and Block Control rev 23, X1.) What a map may not say is told with file, map and row
(:mod:`schemas.catair.soundness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, get_args

from schemas.catair.applications import Application, applications
from schemas.catair.layouts import RECORDS, LayoutMark
from schemas.catair.records import Record
from schemas.catair.soundness import Shape, UnsoundTable, one_of, tables_of
from schemas.catair.walking import UNLIMITED, Chain, Fault, Node, Walk, said

__all__ = [
    "MAPS",
    "UNLIMITED",
    "Chain",
    "Fault",
    "Node",
    "UsageMap",
    "group_names",
    "map_for",
    "remedy_of",
    "unfitting",
    "usage_maps",
]

MAPS: Final = ("se", "sx", "so", "query", "ae", "ax", "pga", "sf")

REMEMBERED: Final = 256
"""Transactions of the same shape are checked once; so many shapes of a map are remembered…"""
REMEMBERED_RECORDS: Final = 512
"""…if they have no more records than this."""

_MAP: Final = Shape(
    "a usage map",
    {"name": str, "source": str, "rows": list},
    {"first": str, "actions": list, "when": dict, "partial": bool, "after": list, "mark": str, "note": str},
)
_AFTER: Final = Shape("a record that may follow any", {"record": str, "max": int}, {"when": dict})
_INCLUDE: Final = Shape("an include", {"level": int, "include": str}, {})
_PLACE: Final = {"level": int, "use": str, "max": int}
_MAY: Final = {"when": dict, "follows": bool, "chain": dict, "order": str}
_PLACES: Final = {
    "include": _INCLUDE,
    "record": Shape("a row with a record", {"record": str, **_PLACE}, _MAY),
    "group": Shape("a row with a group", {"group": str, **_PLACE}, _MAY),
}

_Row = Mapping[str, Any]
_Shape = tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True)
class UsageMap:
    """One map; ``first`` and ``when`` are what the first record of its transactions must be and say."""

    id: str
    name: str
    source: str
    nodes: tuple[Node, ...]
    first: str = ""
    when: tuple[tuple[str, frozenset[str]], ...] = ()
    after: tuple[Node, ...] = ()
    mark: LayoutMark = "sourced"
    note: str = ""
    labels: frozenset[str] = field(init=False, repr=False, compare=False)
    _keys: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _shapes: dict[_Shape, tuple[Fault, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        every = [*_every(self.nodes), *self.after]
        chained = {node.chain.field for node in every if node.chain}
        keys: dict[str, set[str]] = {}
        for node in every:
            if not node.nodes:
                keys.setdefault(node.label, set(chained)).update(key for key, _ in node.when)
        object.__setattr__(self, "labels", frozenset(keys))
        object.__setattr__(self, "_keys", {label: tuple(sorted(found)) for label, found in keys.items()})
        object.__setattr__(self, "_shapes", {})

    def check(self, records: Sequence[Record]) -> Sequence[Fault]:
        """Every breach of this map by the records of one transaction, in order."""
        if len(records) > REMEMBERED_RECORDS:
            return self._walked(records)
        shape = self._shape(records)
        known = self._shapes.get(shape)
        if known is None:
            if len(self._shapes) >= REMEMBERED:
                self._shapes.clear()
            known = self._shapes[shape] = self._walked(records)
        return known

    def fits(self, head: Record) -> bool:
        """A transaction that begins with this record must follow this map."""
        if self.first and head.layout != self.first:
            return False
        return all(said(head, key) in allowed for key, allowed in self.when)

    def _walked(self, records: Sequence[Record]) -> tuple[Fault, ...]:
        root = Node("", "M", 1, self.nodes)
        return tuple(Walk(self.name, root, self.labels, self.after).run(records))

    def _shape(self, records: Sequence[Record]) -> _Shape:
        """All that the walk looks at: the layouts, and the values that decide about a place."""
        keys = self._keys
        shape: list[str | tuple[str, ...]] = []
        for record in records:
            layout = record.layout
            looked_at = keys.get(layout) if layout in keys else keys.get(layout.partition(".")[0], ())
            shape.append((layout, *[said(record, key) for key in looked_at]) if looked_at else layout)
        return tuple(shape)


def _every(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _every(node.nodes)


_REMEDIES: Final = {
    "X34": "Take the record out: a transaction of this kind has no place for it.",
    "X35": "Move the record up to its place in the order of the guide; what follows it here may stay.",
    "X36": "Leave out what is too many, or put it into a further group or transaction.",
    "X37": "Put the missing record before the one at which this is told, or behind it where the group ends there.",
}


def remedy_of(fault: Fault) -> str:
    """What usually mends a fault of order."""
    return _REMEDIES[fault.code]


@cache
def group_names() -> frozenset[str]:
    """The names of the groups of every map, and the records that open one."""
    return frozenset(node.label for one in usage_maps().values() for node in _every(one.nodes) if node.nodes)


def _values(row: Mapping[str, Sequence[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((key, frozenset(allowed)) for key, allowed in row.items())


def _chain(row: _Row | None) -> Chain | None:
    if row is None:
        return None
    steps = {"" if key == "start" else key: frozenset(values) for key, values in row.items() if key != "field"}
    return Chain(row["field"], MappingProxyType(steps))


def _included(rows: Sequence[_Row], maps: Mapping[str, _Row], inside: tuple[str, ...]) -> Iterator[_Row]:
    """The rows with those of included maps in their places."""
    for row in rows:
        name = row.get("include")
        if name is None:
            yield row
        elif name in inside or name not in maps:
            text = f"The include of {name!r} leads nowhere or back to itself."
            raise UnsoundTable(f"map {inside[-1]}", text, "Name another map.")
        else:
            for one in _included(maps[name]["rows"], maps, (*inside, name)):
                yield {**one, "level": one["level"] + row["level"]}


def _node(row: _Row, below: Sequence[_Row], partial: bool) -> Node:
    record = row.get("record")
    use = "C" if partial and row["level"] else row["use"]
    when = _values(row.get("when", {}))
    if not below:
        if record is None:
            raise UnsoundTable(f"group {row['group']}", "The group holds nothing.", "Put its rows below it.")
        return Node(record, use, row["max"], (), when, row.get("follows", False))
    opener = () if record is None else (Node(record, "C" if partial else "M", 1, (), when),)
    return Node(
        record or row["group"],
        use,
        row["max"],
        (*opener, *_tree(below, row["level"] + 1, partial)),
        (),
        row.get("follows", False),
        _chain(row.get("chain")),
        row.get("order") == "free",
    )


def _tree(rows: Sequence[_Row], level: int, partial: bool) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for index, row in enumerate(rows):
        if row["level"] != level:
            continue
        end = index + 1
        while end < len(rows) and rows[end]["level"] > level:
            end += 1
        nodes.append(_node(row, rows[index + 1 : end], partial))
    return tuple(nodes)


@cache
def usage_maps() -> Mapping[str, UsageMap]:
    """Every usage map by id (``SE.add``, ``SE.update``, ``SE.cancel``, ``SX``, ``SO``, ``CQ``, ``C1``…)."""
    folder = files("schemas.catair").joinpath("maps")
    maps = load_maps({f"maps/{name}.toml": folder.joinpath(f"{name}.toml").read_text("utf-8") for name in MAPS})
    for code, application in applications().items():
        for name in application.maps:
            one_of(f"applications.toml, {code}", "a usage map", name, maps)
    return maps


def load_maps(texts: Mapping[str, str]) -> Mapping[str, UsageMap]:
    """Every map of these files (name → TOML) by id.

    Raises :class:`schemas.catair.soundness.UnsoundTable`, a ValueError, naming file, map and row.
    """
    known = frozenset((*RECORDS, *(one.partition(".")[0] for one in RECORDS)))
    rows: dict[str, _Row] = {}
    for file, text in texts.items():
        for key, row in tables_of(file, text).items():
            where = f"{file}, {key}"
            if key in rows:
                raise UnsoundTable(where, "This map stands in another file too.", "Leave one of them out.")
            _check_map(where, row, known)
            rows[key] = row
    return MappingProxyType({key: make_map(key, rows) for key in rows})


def _check_map(where: str, row: _Row, known: frozenset[str]) -> None:
    _MAP.check(where, row)
    one_of(where, "a mark", row.get("mark", "sourced"), get_args(LayoutMark))
    if "first" in row:
        one_of(where, "a record laid out", row["first"], RECORDS)
    _AFTER.rows(f"{where}, after", row.get("after", []))
    level = -1
    for number, one in enumerate(row["rows"], start=1):
        at = f"{where}, row {number}"
        kind = next((kind for kind in _PLACES if isinstance(one, dict) and kind in one), "record")
        _PLACES[kind].check(at, one)
        if "use" in one:
            one_of(at, "a designation", one["use"], ("M", "C", "O"))
        if kind == "record":
            one_of(at, "a record laid out", one["record"], known)
        if not 0 <= one["level"] <= level + 1:
            raise UnsoundTable(at, f"Level {one['level']} has no row above it.", f"Begin with {level + 1} or less.")
        level = one["level"]
    for number, one in enumerate(row.get("after", ()), start=1):
        one_of(f"{where}, after {number}", "a record laid out", one["record"], known)


def make_map(key: str, maps: Mapping[str, _Row]) -> UsageMap:
    """The map ``key`` of these, as read from a file of maps. Raises ValueError for an unsound one."""
    row = maps[key]
    when = {**row.get("when", {})}
    if "actions" in row:
        when["valid_action_code"] = row["actions"]
    return UsageMap(
        key,
        row["name"],
        row["source"],
        _tree(list(_included(row["rows"], maps, (key,))), 0, row.get("partial", False)),
        row.get("first", ""),
        _values(when),
        tuple(Node(one["record"], "C", one["max"], (), _values(one.get("when", {}))) for one in row.get("after", ())),
        row.get("mark", "sourced"),
        row.get("note", ""),
    )


def map_for(application: Application, records: Sequence[Record]) -> UsageMap | None:
    """The map a transaction must follow, chosen by its first record; None when none fits."""
    head = records[0] if records else Record("", {})
    maps = usage_maps()
    for name in application.maps:
        if maps[name].fits(head):
            return maps[name]
    return None


def unfitting(application: Application, head: Record) -> tuple[str, str, str, int]:
    """Why no map fits a transaction that begins with this record: field key, sentence, remedy, column."""
    allowed: dict[str, set[str]] = {}
    for usage in (usage_maps()[name] for name in application.maps):
        if usage.first in ("", head.layout):
            for key, values in usage.when:
                allowed.setdefault(key, set()).update(values)
    for key, known in allowed.items():
        if said(head, key) not in known:
            text = f"No usage map fits {key.replace('_', ' ')} {said(head, key)!r}."
            column = RECORDS[head.layout].keys[key].start if key in RECORDS[head.layout].keys else 0
            return key, text, f"Use {', '.join(sorted(known))}.", column
    return "", f"No usage map fits a transaction that begins with {head.layout} as it stands.", "Check its header.", 0
