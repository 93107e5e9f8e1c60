"""Do our usage maps repeat what a guide's record usage maps print?

A record usage map lists records and groups in order, each with its designation; a record with its greatest number, a
group with how often it is repeated. Rules:

- A map is found by its title, which ``guides.toml`` gives with the id of our map, and the head of a map below it; it
  ends at ``Designation:`` or ``Note:``.
- How deep a group stands is not printed reliably. So a record is compared with its own designation and number, and
  with those of the group named right above it, if our map opens such a group with this record.
- Our maps hold more than one place for some records (one for each kind of party); one that agrees is enough.
- The order of the records, and records that one side lacks, are compared within the families (first two letters) that
  the map prints; agency records (PG) have a chapter of their own and are left out.
- Some maps put a group around a single record where ours gives the record the group's number. Those (``folded``) are
  compared by what a record comes to with the groups it opens: the numbers multiplied, mandatory where all are. Where
  such a map says ``documented below``, the next of its parts stands. Of ``998 / 99,999`` the first counts; ``>1`` is
  no limit; no number is 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.catair.usage import Node, UsageMap
from schemas.drift.compare import Difference
from schemas.drift.guide_text import Line
from schemas.drift.guides import Guide, load_guides

_ID = r"[A-Z]{2}\d{2}|OI|E[01]|\d{2}"
_MAX = r"(?: +(?P<max>>1|\d[\d,]{0,5})(?: ?/ ?[\d,]+)?)?(?= |$)"
_STEP = re.compile(rf"^ {{0,8}}(?P<id>{_ID}) +(?:(?P<name>\S.*?) {{2,}})?(?P<use>[MCO]){_MAX}")
_GROUP = re.compile(rf"^ {{4,}}(?P<name>\S.*?) {{2,}}(?P<use>[MCO]){_MAX}")
_CELLS_ALONE = re.compile(rf"^ {{20,}}(?P<use>[MCO]){_MAX}")
_ID_ALONE = re.compile(rf"^ {{0,8}}(?P<id>{_ID})$")
_TEXT_ALONE = re.compile(r"^ {4,40}[A-Z]\S*(?: \S+)*$")
_BELOW = "(…documented below…)"
_CONTROL = re.compile(r"^(Block Control|Transaction Control|SE Header Grouping)")
_ENDS = "Designation:"
_NOTE = "Note:"
_GROUPS = ("Grouping", "Message Set")
_HEAD = re.compile(r"^ {0,8}(Record|Control) {2,}.*\b(Req\.|Loop)")
_HEAD_WITHIN = 14
_WIDEST = 300
_NO_LIMIT = 999_999
_AGENCIES = "PG"


@dataclass(frozen=True, slots=True)
class Step:
    """One record of a printed map: what is printed for it and for the group right above it (``""`` without one).

    ``folded`` is what it comes to with every group right above it.
    """

    record: str
    says: str
    group: str
    line: Line
    folded: str = ""


@dataclass
class _Places:
    """Every place of one record in a map of ours."""

    says: set[str] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


def _said(use: str, most: str | int | None) -> str:
    return f"{use} {most}" if most else use


def _folded(chain: Iterable[tuple[str, int]]) -> str:
    """What a record comes to within the groups it opens; ``chain`` is theirs and its own designation and number."""
    use, most = "M", 1
    for one, number in chain:
        use = one if use == "M" else use
        most = min(most * number, _NO_LIMIT)
    return _said(use, most)


def _number(printed: str | None) -> int:
    if printed is None:
        return 1
    return _NO_LIMIT if printed == ">1" else int(printed.replace(",", ""))


@dataclass
class _Reading:
    """A printed map while it is read: what was seen since the last record."""

    steps: list[Step] = field(default_factory=list)
    group: str = ""
    chain: list[tuple[str, int]] = field(default_factory=list)
    half_name: bool = False
    waiting_id: str = ""

    def read(self, line: Line) -> None:
        """Take one line: a record, a group, or a part of either that went over the edge of its cell."""
        step, above = _STEP.match(line.text), _GROUP.match(line.text)
        cells = _CELLS_ALONE.match(line.text) if self.half_name else None
        if step:
            self._record(step["id"], step, line)
        elif above and self.waiting_id:
            self._record(self.waiting_id, above, line)
        elif above or cells:
            self._above(above["name"] if above else "", above or cells)
        elif found := _ID_ALONE.match(line.text):
            self.waiting_id = found["id"]
        if not line.blank:
            self.half_name = bool(_TEXT_ALONE.match(line.text))

    def _record(self, name: str, cells: re.Match[str], line: Line) -> None:
        self.chain.append((cells["use"], _number(cells["max"])))
        says = _said(cells["use"], cells["max"])
        self.steps.append(Step(name, says, self.group, line, _folded(self.chain)))
        self.group, self.waiting_id = "", ""
        self.chain.clear()

    def _above(self, name: str, cells: re.Match[str] | None) -> None:
        if cells is None:
            return
        if _CONTROL.match(name):
            self.group = ""
            self.chain.clear()
            return
        self.group = _said(cells["use"], cells["max"])
        # A name that is not a group's is that of a record whose line was broken.
        if not name or name.endswith(_GROUPS):
            self.chain.append((cells["use"], _number(cells["max"])))


def parse_usage_map(lines: Sequence[Line], *titles: str) -> tuple[Step, ...]:
    """The steps of the map under the first title, in order, the parts under the others in their places.

    Empty where the guide has no such map.
    """
    reading = _Reading()
    return tuple(reading.steps) if _read(reading, lines, list(titles)) else ()


def _read(reading: _Reading, lines: Sequence[Line], titles: list[str]) -> bool:
    """Read the map under the first of ``titles``, which is taken off; False where it, or a part of it, is not there."""
    begin = _head_under(lines, titles.pop(0))
    for line in lines[begin:] if begin else ():
        text = line.text.strip()
        if text.startswith((_ENDS, _NOTE)):
            break
        if titles and text.startswith(_BELOW):
            if not _read(reading, lines, titles):
                return False
        elif len(line.text) <= _WIDEST:
            reading.read(line)
    return begin > 0


def _head_under(lines: Sequence[Line], title: str) -> int:
    """The row after the head of the map under this title, 0 without one: tables of changes name the titles too."""
    wanted = " ".join(title.split()).casefold()
    for row, line in enumerate(lines):
        if " ".join(line.text.split()).casefold() == wanted:
            for below in range(row + 1, min(row + 1 + _HEAD_WITHIN, len(lines))):
                if _HEAD.match(lines[below].text):
                    return below + 1
    return 0


def _leaves(
    nodes: Sequence[Node], opened: tuple[tuple[str, int], ...] = ()
) -> Iterator[tuple[Node, tuple[tuple[str, int], ...]]]:
    """Every record in order, with designation and number of the groups that it opens."""
    for number, node in enumerate(nodes):
        before = opened if number == 0 else ()
        if node.nodes:
            yield from _leaves(node.nodes, (*before, (node.use, node.max)))
        else:
            yield node, before


def _places(ours: UsageMap) -> dict[str, _Places]:
    places: dict[str, _Places] = {}
    for node, groups in (*_leaves(ours.nodes), *((node, ()) for node in ours.after)):
        place = places.setdefault(node.label, _Places())
        place.says.add(_said(node.use, node.max))
        place.folded.add(_folded((*groups, (node.use, node.max))))
        place.groups |= {_said(*one) for one in groups}
    return places


def compare_usage_map(
    guide: Guide, name: str, steps: Sequence[Step], ours: UsageMap, *, folded: bool = False
) -> tuple[Difference, ...]:
    """Where a printed map and ours differ."""
    places = _places(ours)
    found: list[Difference] = []

    def say(at: str, printed: str, held: Iterable[str], line: Line) -> None:
        one = Difference(guide.key, "map", f"{name} {at}", printed, " / ".join(sorted(held)), line.page, line.number)
        if one.key not in {other.key for other in found}:
            found.append(one)

    def label(record: str) -> str:
        return next((one for one in (f"{prefix}{record}" for prefix in guide.prefixes) if one in places), record)

    printed = list(dict.fromkeys(label(step.record) for step in steps))
    for step in steps:
        record = label(step.record)
        place = places.get(record, _Places())
        if folded:
            if step.folded not in place.folded:
                say(record, step.folded, place.folded, step.line)
            continue
        if step.says not in place.says:
            say(record, step.says, place.says, step.line)
        if step.group and step.group not in place.groups:
            say(f"group of {record}", step.group, place.groups, step.line)
    families = {record[:2] for record in printed} - {_AGENCIES}
    held = [record for record in places if record[:2] in families]
    for record in held:
        if record not in printed:
            say(record, "", places[record].folded if folded else places[record].says, steps[0].line)
    anywhere = {node.label for node in ours.after}
    order = [record for record in printed if record in held and record not in anywhere]
    ordered = [record for record in held if record in printed and record not in anywhere]
    if order != ordered:
        say("order", " ".join(order), [" ".join(ordered)], steps[0].line)
    return tuple(found)


def compare_usage_maps(
    guide: Guide, lines: Sequence[Line], ours: Mapping[str, UsageMap]
) -> tuple[list[Difference], tuple[str, ...]]:
    """Compare the maps that ``guides.toml`` names for a guide; differences, and the ids of the maps compared.

    A map that is named and not found is a difference: its title has changed, or the map has gone.
    """
    differences: list[Difference] = []
    compared: list[str] = []
    for name, titles in ({key: (title,) for key, title in guide.maps.items()} | dict(guide.folded)).items():
        steps = parse_usage_map(lines, *titles)
        if not steps or name not in ours:
            said = "a usage map" if steps else "no usage map under the known title"
            differences.append(Difference(guide.key, "map", name, said, "a usage map" if name in ours else ""))
            continue
        compared.append(name)
        differences += compare_usage_map(guide, name, steps, ours[name], folded=name in guide.folded)
    return differences, tuple(compared)


def maps_not_compared(ours: Iterable[str], compared: Collection[str], missing: Collection[str]) -> dict[str, str]:
    """Every map of ours that no guide was compared with, and why; ``missing`` are the keys of guides not in the folder.

    A part that other maps include (``PGA.lines``) goes with the map of that name.
    """
    told: dict[str, str] = {}
    for name in ours:
        whole = name if any(name in _named(guide) for guide in load_guides()) else name.partition(".")[0]
        if whole in compared or whole in told:
            continue
        guide = next((one for one in load_guides() if whole in _named(one)), None)
        if guide is None:
            told[whole] = "No guide is named for it."
        elif guide.key in missing:
            told[whole] = " ".join((f"{guide.title} is not in the folder.", guide.unmapped.get(whole, ""))).strip()
        else:
            told[whole] = guide.unmapped.get(whole, "It was not found in its guide.")
    return told


def _named(guide: Guide) -> Collection[str]:
    return {*guide.maps, *guide.folded, *guide.unmapped}
