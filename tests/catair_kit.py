"""CATAIR records and transactions made from the tables and usage maps themselves, so that a new one is covered by
being there.

Everything comes from one random source, so that a case is told by its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final

from schemas.catair import RECORDS, Application, FieldDef, Record, UsageMap, applications, rec, usage_maps
from schemas.catair.applications import layout_of
from schemas.catair.classes import CHARACTERS
from schemas.catair.records import render
from schemas.catair.usage import Chain, Node, map_for

Value = str | int | date

FILER: Final = "XYZ"
FIRST_DAY: Final = date(2000, 1, 1)
VARIANTS: Final[dict[str, list[str]]] = {}
for _layout in RECORDS:
    VARIANTS.setdefault(_layout.partition(".")[0], []).append(_layout)


def text_for(rnd: Random, one: FieldDef) -> str:
    """A text of a field's class, no longer than the field, without a space where it would be lost."""
    inner = sorted(CHARACTERS[one.accepts] - ({" "} if one.accepts == "A" else set()))
    edge = [character for character in inner if character != " "]
    length = rnd.choice((1, one.length, rnd.randint(1, one.length)))
    text = [rnd.choice(inner) for _ in range(length)]
    text[-1] = rnd.choice(edge)
    if not one.verbatim:
        text[0] = rnd.choice(edge)
    return "".join(text)


def value_for(rnd: Random, one: FieldDef) -> Value:
    """A value that fits a field."""
    if one.kind == "number":
        return rnd.choice((0, 10**one.length - 1, rnd.randrange(10**one.length)))
    if one.kind == "date":
        return FIRST_DAY + timedelta(days=rnd.randrange(36525))
    if one.kind == "time":
        return f"{rnd.randrange(24):02}{rnd.randrange(60):02}{rnd.randrange(60):02}"[: one.length]
    if one.kind == "code":
        return "".join(rnd.choice("0123456789") for _ in range(one.length))
    return text_for(rnd, one)


def record_for(rnd: Random, layout: str, fill: float = 0.5, **fixed: str) -> Record:
    """A record of a layout: every mandatory field, some of the others; a fixed ``""`` is an absent field."""
    values: dict[str, Value | None] = {}
    for one in RECORDS[layout].fields:
        if one.key in fixed:
            given = fixed[one.key]
            values[one.key] = int(given) if given and one.kind == "number" else given
        elif one.key and (one.required or rnd.random() < fill):
            values[one.key] = value_for(rnd, one)
    return rec(layout, **values)


class Walker:
    """One random walk through a usage map: within use and maximum, but never far."""

    def __init__(self, rnd: Random, usage: UsageMap, application: Application) -> None:
        self.rnd = rnd
        self.usage = usage
        self.application = application
        self.records: list[Record] = []
        self.chains: list[list[Chain | str]] = []

    def walk(self) -> list[Record]:
        """The records of one transaction."""
        self.nodes(self.usage.nodes, free=False, opened=False)
        return self.records

    def nodes(self, nodes: Sequence[Node], *, free: bool, opened: bool) -> None:
        """The content of one group."""
        counts = [self.often(node) for node in nodes]
        if free and opened:
            counts[0] = 1
        if not any(counts):
            counts[0] = 1  # a group that is there holds something
        plan = [at for at, count in enumerate(counts) for _ in range(count)]
        if free:
            begin = 1 if opened else 0
            rest = plan[begin:]
            self.rnd.shuffle(rest)
            plan[begin:] = rest
        before = -2
        for at in plan:
            if nodes[at].follows and before not in (at - 1, at):
                continue
            self.node(nodes[at], first=before != at)
            before = at

    def often(self, node: Node) -> int:
        """How often a node is to be there."""
        least = 1 if node.use == "M" else 0
        wanted = self.rnd.choice((0, 0, 0, 1, 2) if len(self.records) > 20 else (0, 1, 1, 2, 3))
        return min(max(least, wanted), node.max)

    def node(self, node: Node, *, first: bool) -> None:
        """One record or one group."""
        if not node.nodes:
            self.record(node, needed=first and node.use == "M")
            return
        if node.chain is not None:
            self.chains.append([node.chain, ""])
        self.nodes(node.nodes, free=node.free, opened=node.opened)
        if node.chain is not None:
            self.chains.pop()

    def record(self, node: Node, *, needed: bool) -> None:
        """One record, if the chains of the open groups let it stand here."""
        layout = self.rnd.choice(self.variants(node.label))
        fixed = {key: self.rnd.choice(sorted(allowed)) for key, allowed in node.when}
        if not self.records:
            fixed |= {key: self.rnd.choice(sorted(allowed)) for key, allowed in self.usage.when}
            fixed |= {"entry_filer_code": FILER} if "entry_filer_code" in RECORDS[layout].keys else {}
        for link in self.chains:
            chain, last = link
            assert isinstance(chain, Chain)
            if chain.field in RECORDS[layout].keys:
                allowed = sorted(chain.next.get(str(last), ()))
                if not allowed:
                    return
                link[1] = fixed[chain.field] = self.rnd.choice(allowed)
        outgoing = self.application.direction == "in"
        for _ in range(50):
            made = record_for(self.rnd, layout, 0.2, **fixed)
            if layout_of(render(made), self.application.code, outgoing=outgoing) == layout:
                self.remark(made)
                return
        assert not needed, f"no {layout} was found that is read as one"

    def variants(self, label: str) -> list[str]:
        """The layouts of a place: headers begin a transaction and stand nowhere else in it."""
        begins = [one for one in VARIANTS[label] if one in self.application.starts]
        if not self.records:
            return [self.usage.first] if self.usage.first in begins else begins or VARIANTS[label]
        return [one for one in VARIANTS[label] if one not in begins] or VARIANTS[label]

    def remark(self, made: Record) -> None:
        """The record, and sometimes what may follow any record."""
        self.records.append(made)
        for node in self.usage.after:
            if self.rnd.random() < 0.2:
                fixed = {key: self.rnd.choice(sorted(allowed)) for key, allowed in node.when}
                self.records += [record_for(self.rnd, node.label, 0.2, **fixed)] * self.rnd.randint(1, min(2, node.max))


def mapped() -> Iterator[tuple[str, str]]:
    """Every application with each of its maps."""
    for code, application in applications().items():
        for name in application.maps:
            yield code, name


def transaction_for(rnd: Random, code: str, name: str) -> list[Record]:
    """A transaction by a map, one that chooses this map and holds no second header."""
    application, usage = applications()[code], usage_maps()[name]
    for _ in range(100):
        records = Walker(rnd, usage, application).walk()
        starts = [one.layout in application.starts for one in records]
        if sum(starts) == 1 and starts[0] and map_for(application, records) is usage:
            return records
    raise AssertionError(f"no walk through {name} makes a transaction of {code}")
