"""Where do a printed layout and our table differ?

Fields are matched by their first column. Rules:

- Kinds of difference: ``version`` (our tables cite another edition), ``record`` (one side has no such record),
  ``field`` (one side has no field that begins there), ``columns`` (it ends elsewhere), ``class``, ``use`` (M/C/O),
  ``name``, ``direction``, and ``print`` for what is wrong in the print itself: a hole, an overlap, a length that does
  not fit its columns, a row without position. (``map``: see ``usage_maps``; ``code`` and ``text``: ``dictionary``.)
- Nothing is silently equal: ``6D or 6S`` is not ``6D``, no designation is not ``C``.
- Names are compared without regard to letter case, typographic marks, brackets, commas and blanks around ``-`` and
  ``/``: brackets are dropped from our keys, so a table writes them out where two names differ in nothing else. A number
  we add to a name that the record prints several times (``Product Code Number (2)``) is ours and not compared.
- Every layout reaches from column 1 to 80. Only where ``guides.toml`` says that a record's variants are printed in part
  (from column 5 or 26 on) is the head taken from the plain layout of the same record, which the guide prints once; what
  differs there in the same way as in the plain layout is told once, there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.catair.layouts import RECORD_LENGTH, FieldDef, RecordDef
from schemas.drift.accepted import Accepted
from schemas.drift.guide_text import body_lines, version_of
from schemas.drift.guides import Guide, load_guides
from schemas.drift.layout_parser import PrintedField, PrintedRecord, parse_layouts
from schemas.drift.reference_tables import parse_reference_tables

_ORDINAL = re.compile(r"\s*\b\d+$")
_NAMED = 8
_LENGTH = re.compile(r"\d+")
_WAYS = {"Input": "in", "Output": "out"}
_MARKS = str.maketrans({"’": "'", "‘": "'", "–": "-", "“": '"', "”": '"', "*": " "})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; ``at`` is ``RECORD`` or ``RECORD first-last``; ``line`` is 0 where nothing is printed."""

    guide: str
    kind: str
    at: str
    printed: str
    held: str
    page: int = 0
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What an accepted difference must repeat."""
        return (self.guide, self.kind, self.at, self.printed, self.held)


@dataclass(frozen=True, slots=True)
class GuideReport:
    """What came of one guide: its edition, how much was compared, what differs, and the layout ids it covers.

    ``codes`` counts the rows of a dictionary, which has no records; ``maps`` names the usage maps compared.
    """

    guide: Guide
    version: str
    records: int
    fields: int
    differences: tuple[Difference, ...]
    covered: frozenset[str]
    codes: int = 0
    maps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """Differences after the accepted ones were taken out: what is open, what is accepted and why, what is stale."""

    open: tuple[Difference, ...]
    accepted: tuple[tuple[Difference, Accepted], ...]
    stale: tuple[Accepted, ...]


def _plain(name: str) -> str:
    name = re.sub(r"\s*([-/])\s*", r"\1", name.translate(_MARKS))
    return " ".join(re.sub(r"[(),]", " ", name).casefold().split())


def _same_name(printed: str, held: str, several: bool) -> bool:
    if _plain(printed) == _plain(held):
        return True
    return several and _ORDINAL.sub("", _plain(held)) == _plain(printed)


class _Comparison:
    """One printed record beside one of ours; ``head`` is what the guide prints of it elsewhere."""

    def __init__(
        self, guide: Guide, printed: PrintedRecord, layout: RecordDef, head: tuple[PrintedField, ...] = ()
    ) -> None:
        self.guide = guide.key
        self.printed = printed
        self.layout = layout
        self.head = head
        self.found: list[Difference] = []

    def _say(self, kind: str, at: str, printed: str, held: str, row: PrintedField | PrintedRecord) -> None:
        place = f"{self.layout.id} {at}".rstrip()
        self.found.append(Difference(self.guide, kind, place, printed, held, row.page, row.line))

    def run(self) -> None:
        way = _WAYS.get(self.printed.way)
        if way and way != self.layout.direction:
            self._say("direction", "", way, self.layout.direction, self.printed)
        placed = [one for one in (*self.head, *self.printed.fields) if one.start]
        self._print_faults(placed)
        times = Counter(_plain(one.name) for one in placed)
        ours = {one.start: one for one in self.layout.fields}
        seen: set[int] = set()
        for row in placed:
            held = ours.get(row.start)
            if held is None or row.start in seen:
                self._say("field", row.at, f"{row.name} {row.cls} {row.use}".rstrip(), "", row)
            else:
                self._field(row, held, times[_plain(row.name)] > 1)
            seen.add(row.start)
        for one in self.layout.fields:
            if one.start not in seen:
                at = f"{one.start}-{one.end}"
                self._say("field", at, "", f"{one.name} {one.length}{one.cls} {one.use}", self.printed)

    def _field(self, row: PrintedField, held: FieldDef, several: bool) -> None:
        if row.end != held.end:
            self._say("columns", row.at, row.at, f"{held.start}-{held.end}", row)
        if self.printed.shape == "table" or row in self.head:
            ours = f"{held.length}{held.cls}"
            if row.cls != ours:
                self._say("class", row.at, row.cls, ours, row)
            if row.use != held.use:
                self._say("use", row.at, row.use, held.use, row)
        if not _same_name(row.name, held.name, several):
            self._say("name", row.at, row.name, held.name, row)

    def _print_faults(self, placed: Sequence[PrintedField]) -> None:
        for row in (*self.head, *self.printed.fields):
            if not row.start:
                self._say("print", "", f"no position: {row.name} {row.cls} {row.use}".rstrip(), "", row)
            for length in _LENGTH.findall(row.cls) if row.start else ():
                if int(length) != row.end - row.start + 1:
                    self._say("print", row.at, f"{row.cls} does not fit {row.at}", "", row)
        column = 1
        for row in placed:
            if row.start > column:
                self._say("print", f"{column}-{row.start - 1}", "hole", "", row)
            elif row.start < column:
                self._say("print", row.at, "overlap", "", row)
            column = max(column, row.end + 1)
        if placed and column <= RECORD_LENGTH:
            self._say("print", f"{column}-{RECORD_LENGTH}", "hole", "", placed[-1])


def _layout(
    guide: Guide, printed: PrintedRecord, both_ways: Collection[str], tables: Mapping[str, RecordDef]
) -> RecordDef | None:
    for name in guide.layout_ids(printed):
        held = tables.get(name)
        if held is None:
            continue
        # An identifier that the guide lays out once each way is ours only the way we hold it.
        if printed.id in both_ways and _WAYS.get(printed.way, held.direction) != held.direction:
            continue
        return held
    return None


def _head(guide: Guide, variant: PrintedRecord, printed: Sequence[PrintedRecord]) -> tuple[PrintedField, ...]:
    """What the plain layout prints left of a variant that the guide prints in part; none for any other record."""
    begin = guide.parts.get(variant.id, 1) if variant.variant else 1
    plain = (one for one in printed if one.id == variant.id and not one.variant)
    return tuple(row for one in plain for row in one.fields if row.start and row.end < begin)


def _without_repeated_heads(compared: Sequence[_Comparison]) -> Iterator[Difference]:
    """Every difference; one in the head of a variant only where the plain layout does not differ in the same way."""
    plain = {(each.kind, each.at, each.printed, each.held) for one in compared if not one.head for each in one.found}
    for one in compared:
        left_of = max((row.end for row in one.head), default=0)
        for each in one.found:
            name, _, columns = each.at.partition(" ")
            at = f"{name.partition('.')[0]} {columns}"
            in_head = bool(columns) and int(columns.partition("-")[0]) <= left_of
            if not in_head or (each.kind, at, each.printed, each.held) not in plain:
                yield each


def compare_guide(guide: Guide, text: str, tables: Mapping[str, RecordDef]) -> GuideReport:
    """Compare every layout of a guide's text with our tables."""
    lines = body_lines(text)
    version = version_of(text)
    printed = list(parse_layouts(lines))
    if guide.references:
        printed += parse_reference_tables(lines, guide.references)
    if not guide.held:
        return GuideReport(guide, version, 0, 0, (), frozenset())
    ways: dict[str, set[str]] = {}
    for one in printed:
        ways.setdefault(one.id, set()).add(one.way)
    both_ways = {name for name, seen in ways.items() if {"Input", "Output"} <= seen}
    differences: list[Difference] = []
    covered: set[str] = set()
    compared: list[_Comparison] = []
    records = fields = 0
    for one in printed:
        held = _layout(guide, one, both_ways, tables)
        if held is None:
            at = f"{one.id}.{one.variant}" if one.variant else one.id
            at = f"{at} ({one.way})" if one.id in both_ways else at
            differences.append(
                Difference(guide.key, "record", at, f"fields: {len(one.fields)}", "", one.page, one.line)
            )
            continue
        records += 1
        fields += len(one.fields)
        covered.add(held.id)
        compared.append(_Comparison(guide, one, held, _head(guide, one, printed)))
        compared[-1].run()
    differences += _without_repeated_heads(compared)
    cited: set[str] = set()
    for name, layout in tables.items():
        cites = layout.source.startswith(guide.cites)
        if cites:
            cited.add(layout.source.removeprefix(guide.cites).partition(",")[0])
        if (cites or name in guide.repeats) and name not in covered:
            differences.append(Difference(guide.key, "record", name, "", f"fields: {len(layout.fields)}"))
    for edition in sorted(cited - {version}):
        differences.append(Difference(guide.key, "version", "edition", version, edition))
    return GuideReport(guide, version, records, fields, tuple(differences), frozenset(covered))


def uncovered(reports: Iterable[GuideReport], tables: Mapping[str, RecordDef]) -> tuple[list[str], list[Difference]]:
    """What no guide of the folder covers: a note for each chapter, a difference for each record that cites none known.

    A record whose chapter is not in the folder may still be compared through another one that mirrors it column for
    column (the status notification through the query's answer).
    """
    compared = {name for report in reports for name in report.covered}
    bodies = {_body(tables[name]): name for name in sorted(compared)}
    found = {report.guide.key for report in reports}
    missing: dict[str, tuple[list[str], list[str]]] = {}
    lost: list[Difference] = []
    for name, layout in tables.items():
        cited = next((one for one in load_guides() if layout.source.startswith(one.cites)), None)
        if name in compared or (cited is not None and cited.key in found):
            continue
        mirror = bodies.get(_body(layout))
        if cited is None and mirror is None:
            lost.append(Difference("", "record", name, "", f"cites no known guide: {layout.source}"))
            continue
        mirrored, without = missing.setdefault(cited.title if cited else layout.source, ([], []))
        if mirror is not None:
            mirrored.append(f"{name} through {mirror}")
        else:
            without.append(name)
    return [_missing_note(title, mirrored, without) for title, (mirrored, without) in missing.items()], lost


def _missing_note(title: str, mirrored: Sequence[str], without: Sequence[str]) -> str:
    """The one line about a chapter that is not there."""
    parts = []
    if mirrored:
        parts.append(f"compared through records that mirror them: {', '.join(mirrored)}")
    if without:
        named = ", ".join(without) if len(without) <= _NAMED else f"its {len(without)} records"
        parts.append(f"not compared: {named}")
    return f"{title}: not in the folder; {'; '.join(parts)}"


def _body(layout: RecordDef) -> tuple[tuple[object, ...], ...]:
    return tuple((one.start, one.length, one.cls, one.use, one.name) for one in layout.fields)


def weigh(differences: Iterable[Difference], accepted: Sequence[Accepted], guides: Collection[str]) -> Weighed:
    """Take the accepted differences out; a row of a guide that was read and matches nothing is stale."""
    rows = {(one.guide, one.kind, one.at, one.printed, one.held): one for one in accepted}
    left: list[Difference] = []
    taken: list[tuple[Difference, Accepted]] = []
    for one in differences:
        row = rows.get(one.key)
        if row is None:
            left.append(one)
        else:
            taken.append((one, row))
    used = {one.key for one, _ in taken}
    stale = tuple(row for key, row in rows.items() if key not in used and row.guide in guides)
    return Weighed(tuple(left), tuple(taken), stale)
