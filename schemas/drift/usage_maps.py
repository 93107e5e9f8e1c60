"""Do our usage maps repeat what a guide's record usage maps print?

A record usage map lists records and groups in order, each with its designation; a record with its greatest number, a
group with how often it is repeated. Rules:

- A map is found by its title, which ``guides.toml`` gives with the id of our map; it ends at ``Designation:``.
- How deep a group stands is not printed reliably. So a record is compared with its own designation and number, and
  with those of the group named right above it, if our map opens such a group with this record.
- Our maps hold more than one place for some records (one for each kind of party); one that agrees is enough.
- The order of the records, and records that one side lacks, are compared within the two letters of the map's first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.catair.usage import Node, UsageMap
from schemas.drift.compare import Difference
from schemas.drift.guide_text import Line
from schemas.drift.guides import Guide

_STEP = re.compile(
    r"^ {0,8}(?P<id>[A-Z]{2}\d{2}|OI) +(?:(?P<name>\S.*?) {2,})?(?P<use>[MCO])(?: +(?P<max>\d{1,5}))?(?= |$)"
)
_GROUP = re.compile(r"^ {4,}(?P<name>\S.*?) {2,}(?P<use>[MCO])(?: +(?P<max>\d{1,5}))?(?= |$)")
_CONTROL = re.compile(r"^(Block Control|Transaction Control|SE Header Grouping)")
_ENDS = "Designation:"
_WIDEST = 300


@dataclass(frozen=True, slots=True)
class Step:
    """One record of a printed map: what is printed for it and for the group right above it (``""`` without one)."""

    record: str
    says: str
    group: str
    line: Line


@dataclass
class _Places:
    """Every place of one record in a map of ours."""

    says: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


def _said(use: str, most: str | int | None) -> str:
    return f"{use} {most}" if most else use


def parse_usage_map(lines: Sequence[Line], title: str) -> tuple[Step, ...]:
    """The steps of the map under this title, in order; empty where the guide has none."""
    wanted = " ".join(title.split()).casefold()
    steps: list[Step] = []
    inside = False
    group = ""
    for line in lines:
        if not inside:
            inside = " ".join(line.text.split()).casefold() == wanted
            continue
        if line.text.strip().startswith(_ENDS):
            break
        if len(line.text) > _WIDEST:
            continue
        step = _STEP.match(line.text)
        above = _GROUP.match(line.text)
        if step:
            steps.append(Step(step["id"], _said(step["use"], step["max"]), group, line))
            group = ""
        elif above:
            group = "" if _CONTROL.match(above["name"]) else _said(above["use"], above["max"])
    return tuple(steps)


def _leaves(nodes: Sequence[Node], opened: tuple[str, ...] = ()) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Every record in order, with what the groups say that it opens."""
    for number, node in enumerate(nodes):
        before = opened if number == 0 else ()
        if node.nodes:
            yield from _leaves(node.nodes, (*before, _said(node.use, node.max)))
        else:
            yield node, before


def compare_usage_map(guide: Guide, name: str, steps: Sequence[Step], ours: UsageMap) -> tuple[Difference, ...]:
    """Where a printed map and ours differ."""
    places: dict[str, _Places] = {}
    for node, groups in _leaves(ours.nodes):
        place = places.setdefault(node.label, _Places())
        place.says.add(_said(node.use, node.max))
        place.groups |= set(groups)
    found: list[Difference] = []

    def say(at: str, printed: str, held: str, line: Line) -> None:
        found.append(Difference(guide.key, "map", f"{name} {at}", printed, held, line.page, line.number))

    printed = list(dict.fromkeys(step.record for step in steps))
    for step in steps:
        place = places.get(step.record, _Places())
        if step.says not in place.says:
            say(step.record, step.says, " / ".join(sorted(place.says)), step.line)
        if step.group and step.group not in place.groups:
            say(f"group of {step.record}", step.group, " / ".join(sorted(place.groups)), step.line)
    family = steps[0].record[:2]
    held = [record for record in places if record[:2] == family]
    for record in held:
        if record not in printed:
            say(record, "", " / ".join(sorted(places[record].says)), steps[0].line)
    order = [record for record in printed if record in held]
    if order != [record for record in held if record in printed]:
        say("order", " ".join(order), " ".join(record for record in held if record in printed), steps[0].line)
    return tuple(found)


def compare_usage_maps(
    guide: Guide, lines: Sequence[Line], ours: Mapping[str, UsageMap]
) -> tuple[list[Difference], int]:
    """Compare the maps that ``guides.toml`` names for a guide; differences, and how many maps were compared.

    A map that is named and not found is a difference: its title has changed, or the map has gone.
    """
    differences: list[Difference] = []
    compared = 0
    for name, title in guide.maps.items():
        steps = parse_usage_map(lines, title)
        if not steps or name not in ours:
            said = "a usage map" if steps else "no usage map under the known title"
            differences.append(Difference(guide.key, "map", name, said, "a usage map" if name in ours else ""))
            continue
        compared += 1
        differences += compare_usage_map(guide, name, steps, ours[name])
    return differences, compared
