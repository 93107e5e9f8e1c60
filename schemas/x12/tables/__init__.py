"""What do the public X12 tables say? Segments, transaction sets and code lists, from the TOML files beside this one.

Rules:

- Tables are data: nothing here decides. :mod:`schemas.x12.grammar` compiles the order of segments,
  :mod:`schemas.x12.elements` the shape of elements.
- Every row has a source and a mark: ``seen`` in public text, ``recalled``, ``deduced`` or
  ``unconfirmed``. CBP grafts segments onto base releases, so the base dictionary is never the last word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

Mark = Literal["seen", "recalled", "deduced", "unconfirmed"]
MARKS: Final[tuple[Mark, ...]] = ("seen", "recalled", "deduced", "unconfirmed")

OPEN_ELEMENTS: Final = 30
"""How many free elements a segment takes whose element page was not readable."""

_TYPES = frozenset({"AN", "ID", "N0", "N2", "R", "DT", "TM", "composite"})
_RULE = re.compile(r"([PRCEL])((?:\d\d){2,})")
_LINE = re.compile(r"(?P<indent> *)(?P<beside>\+ )?(?P<id>[A-Z][A-Z0-9]{1,2}) (?P<use>[MO]) (?P<most>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class CodeList:
    """The known values of an element; ``enforced`` lists refuse any other value where a set holds its lists."""

    name: str
    codes: Mapping[str, str]
    enforced: bool
    mark: Mark
    source: str


@dataclass(frozen=True, slots=True)
class ElementDef:
    """One element: ``position`` counts from 1, ``use`` is M, O or X (conditional), lengths are characters."""

    reference: str
    position: int
    data_element: str
    name: str
    use: str
    type: str
    shortest: int
    longest: int
    codes: str
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A relational rule: ``kind`` is P, R, C, E or L; ``positions`` are element positions from 1."""

    kind: str
    positions: tuple[int, ...]

    def __str__(self) -> str:
        return self.kind + "".join(f"{position:02d}" for position in self.positions)


@dataclass(frozen=True, slots=True)
class SegmentDef:
    """One segment. ``open``: its element page was not readable and further free elements are taken."""

    id: str
    name: str
    elements: tuple[ElementDef, ...]
    rules: tuple[Relation, ...]
    open: bool
    mark: Mark
    source: str


@dataclass(frozen=True, slots=True)
class LoopDef:
    """One place in a set: a segment, or with ``members`` the loop that the segment opens.

    ``rank`` orders the members of one loop; members of the same rank come in any order.
    """

    id: str
    mandatory: bool
    most: int
    rank: int
    members: tuple[LoopDef, ...] = ()


@dataclass(frozen=True, slots=True)
class SetDef:
    """One transaction set; ``structure`` is the loop named after the set, from ST to SE."""

    id: str
    name: str
    group: str
    direction: str
    release: str
    code_lists: bool
    structure: LoopDef
    mark: Mark
    source: str
    widths: Mapping[str, int] = field(default_factory=dict)


def _mark(value: object, where: str) -> Mark:
    if value not in MARKS:
        raise ValueError(f"{where}: mark {value!r} is not one of {MARKS}")
    return value


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))


def _code_lists() -> dict[str, CodeList]:
    return {
        key: CodeList(
            row["name"], MappingProxyType(row["codes"]), bool(row["enforced"]), _mark(row["mark"], key), row["source"]
        )
        for key, row in _load("codes.toml").items()
    }


def _element(segment: str, position: int, row: list[Any], mark: Mark) -> ElementDef:
    data_element, name, use, kind, shortest, longest = row[:6]
    more = row[6] if len(row) > 6 else {}
    reference = f"{segment}{position:02d}"
    if kind not in _TYPES or use not in ("M", "O", "X") or not 1 <= shortest <= longest:
        raise ValueError(f"{reference}: the row {row!r} is not a definition")
    if more.get("codes", "") not in ("", *CODES):
        raise ValueError(f"{reference}: no code list {more['codes']!r}")
    return ElementDef(
        reference,
        position,
        data_element,
        name,
        use,
        kind,
        shortest,
        longest,
        more.get("codes", ""),
        _mark(more.get("mark", mark), reference),
        more.get("note", ""),
    )


def _relation(segment: str, text: str) -> Relation:
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(f"{segment}: {text!r} is not a relational rule")
    digits = found[2]
    return Relation(found[1], tuple(int(digits[at : at + 2]) for at in range(0, len(digits), 2)))


def _segments() -> dict[str, SegmentDef]:
    table = {}
    for key, row in _load("segments.toml").items():
        mark = _mark(row["mark"], key)
        elements = tuple(_element(key, at, values, mark) for at, values in enumerate(row.get("elements", []), start=1))
        free = bool(row.get("open", False))
        if free:
            elements += tuple(
                ElementDef(f"{key}{at:02d}", at, "", "", "O", "AN", 1, 80, "", "unconfirmed", "")
                for at in range(len(elements) + 1, OPEN_ELEMENTS + 1)
            )
        rules = tuple(_relation(key, text) for text in row.get("rules", []))
        table[key] = SegmentDef(key, row["name"], elements, rules, free, mark, row["source"])
    return table


def _structure(set_id: str, text: str) -> LoopDef:
    """Read the indented lines of a structure: two blanks for each level, ``+`` for the same rank."""
    parents: list[list[dict[str, Any]]] = [[]]
    for line in text.strip("\n").splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found["id"] not in SEGMENTS:
            raise ValueError(f"set {set_id}: the line {line!r} is not a place")
        depth = len(found["indent"]) // 2
        del parents[depth + 1 :]
        siblings = parents[depth]
        rank = (siblings[-1]["rank"] + (0 if found["beside"] else 1)) if siblings else 0
        row: dict[str, Any] = {
            "id": found["id"],
            "use": found["use"],
            "most": int(found["most"]),
            "rank": rank,
            "members": [],
        }
        siblings.append(row)
        parents.append(row["members"])

    def made(row: dict[str, Any]) -> LoopDef:
        return LoopDef(
            row["id"], row["use"] == "M", row["most"], row["rank"], tuple(made(one) for one in row["members"])
        )

    return LoopDef(set_id, True, 1, 0, tuple(made(row) for row in parents[0]))


def _sets() -> dict[str, SetDef]:
    return {
        key: SetDef(
            key,
            row["name"],
            row["group"],
            row["direction"],
            row["release"],
            bool(row["code_lists"]),
            _structure(key, row["structure"]),
            _mark(row["mark"], key),
            row["source"],
            MappingProxyType(row.get("widths", {})),
        )
        for key, row in _load("sets.toml").items()
    }


CODES: Final[Mapping[str, CodeList]] = MappingProxyType(_code_lists())
"""Code lists by name, for instance ``amendment_reason`` or ``packaging_unit``."""

SEGMENTS: Final[Mapping[str, SegmentDef]] = MappingProxyType(_segments())
"""Segments by their two or three letters."""

SETS: Final[Mapping[str, SetDef]] = MappingProxyType(_sets())
"""Transaction sets by number."""
