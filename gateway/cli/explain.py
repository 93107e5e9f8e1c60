"""``gateway explain``: which lawful way would each shipment take, by which rules, and why? Sends nothing.

The file is read twice in flat memory: once to see which orders travel in several parcels and what goes to one person
in several, once to decide in manifest order. Rows that cannot be read as a shipment are listed and do not stop the
others.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from gateway.cli.options import ArrivalOption, ConfigOption, JsonOption, ShipmentsFile
from gateway.cli.output import JsonRows, Output, make_table, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.decision import PathwayDecision
    from mappings.rulebook import RuleBook
    from schemas.errors import Problem
    from schemas.intake import Row
    from schemas.shipment import ImporterOfRecord, Shipment

BLOCK: Final = 50
"""Shipments in one table, so that the first are seen before the last are read."""
NAMED: Final = 3
"""Shipments that are named for each warning."""
SHORT_GROUND: Final = 40
"""Characters of a ground that may be said again for every shipment."""


def explain(
    shipments_file: ShipmentsFile,
    arrival: ArrivalOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the pathway of each shipment, with rules, citations and reasons. Sends nothing.

    The arrival defaults to now; the law of that day in America/New_York is applied.

    Example: gateway explain shipments.ndjson --arrival 2026-11-23
    """
    from datetime import UTC

    from gateway.cli.reading import read_arrival
    from gateway.rule_book import before_the_book, load_book
    from gateway.settings import load_settings
    from schemas.intake import content_type_of

    output = Output(as_json)
    content_type_of(shipments_file.name)
    instant = read_arrival(arrival, datetime.now(UTC))
    settings = load_settings(config)
    book = load_book(settings)
    explained = Explained(shipments_file, instant, book, settings.filer.default_importer)
    if early := before_the_book(book, instant):
        output.say(early, "bold yellow")
    with output.progress(rows_follow=True) as bars:
        task = bars.add_task("kB read", total=max(2 * shipments_file.stat().st_size // 1024, 1))
        read = 0

        def advance(size: int) -> None:
            nonlocal read
            read += size
            bars.update(task, completed=read // 1024)

        decisions = explained.run(advance)
        if as_json:
            _write_json(decisions, explained)
        else:
            _write_tables(output, decisions)
    if not as_json:
        _write_summary(output, explained)
    raise typer.Exit(1 if explained.bad else 0)


@dataclass(slots=True)
class Warned:
    """How often one warning came, what it said first, and of which shipments first."""

    text: str
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, shipment_id: str) -> None:
        """One more shipment."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(shipment_id)


class Explained:
    """The decisions for a file, one at a time, and what was counted on the way."""

    def __init__(
        self, path: Path, arrival: datetime, rules: RuleBook, default_importer: ImporterOfRecord | None
    ) -> None:
        from mappings.preflight_trip import Together

        self.path, self.arrival, self.rules, self.default_importer = path, arrival, rules, default_importer
        self.counts: Counter[str] = Counter()
        self.used: Counter[str] = Counter()
        self.warned: dict[str, Warned] = {}
        self.bad: list[Row] = []
        self._together = Together(rules.advice)
        self._told: deque[tuple[tuple[Problem, ...], tuple[Problem, ...]]] = deque()

    def run(self, advance: Callable[[int], None]) -> Iterator[PathwayDecision]:
        """Decide every readable shipment in the order of the file; warnings of its row stand before the decision's."""
        from mappings.decision import decide_trip, survey

        lots, totals = survey(self._good(advance, keep=False))
        decisions = decide_trip(
            self._good(advance, keep=True),
            None,
            self.arrival,
            self.rules,
            default_importer=self.default_importer,
            lots=lots,
            totals=totals,
        )
        for decided in decisions:
            row, contradicted = self._told.popleft()
            decision = replace(decided, warnings=(*row, *decided.warnings, *contradicted))
            self.counts[decision.pathway] += 1
            self.used.update(decision.rules)
            for code, text in {warning.code: warning.text for warning in decision.warnings}.items():
                self.warned.setdefault(code, Warned(text)).add(decision.shipment_id)
            yield decision

    def _good(self, advance: Callable[[int], None], *, keep: bool) -> Iterator[Shipment]:
        from gateway.cli.reading import checked_rows

        for row in checked_rows(self.path, advance):
            if row.shipment is not None:
                if keep:
                    self._told.append((row.problems, self._together.see(row.shipment)))
                yield row.shipment
            elif keep:
                self.bad.append(row)


def explained_row(decision: PathwayDecision) -> dict[str, Any]:
    """One decision in the shape of ``--json``."""
    row: dict[str, Any] = {
        "shipment_id": decision.shipment_id,
        "pathway": decision.pathway,
        "entry_type": decision.entry_type,
        "rules": list(decision.rules),
        "citations": list(decision.citations),
        "reasons": list(decision.reasons),
        "refused": [refusal.as_dict() for refusal in decision.refused],
    }
    if decision.needs:
        row["needs"] = [problem.as_dict() for problem in decision.needs]
    if decision.warnings:
        row["warnings"] = [problem.as_dict() for problem in decision.warnings]
    if decision.severities:
        row["severities"] = dict(decision.severities)
    return row


def _write_json(decisions: Iterator[PathwayDecision], explained: Explained) -> None:
    from gateway.cli.reading import refused_row

    with JsonRows("shipments") as rows:
        for decision in decisions:
            rows.add(explained_row(decision))
        rows.end(
            arrival=explained.arrival,
            rule_book=explained.rules.version,
            pathways=dict(explained.counts),
            errors=[refused_row(row) for row in explained.bad],
        )


def _write_tables(output: Output, decisions: Iterator[PathwayDecision]) -> None:
    block: list[PathwayDecision] = []
    for decision in decisions:
        block.append(decision)
        if len(block) == BLOCK:
            _show_block(output, block)
            block.clear()
    if block:
        _show_block(output, block)


def _show_block(output: Output, block: list[PathwayDecision]) -> None:
    from rich.text import Text

    table = make_table()
    table.add_column("shipment", no_wrap=True, min_width=20)
    table.add_column("pathway", no_wrap=True, min_width=10)
    table.add_column("why", ratio=3)
    table.add_column("rules", style="dim", ratio=1)
    said: Counter[str] = Counter()
    for decision in block:
        said.update({ground for reason in decision.reasons for ground in _grounds(reason)[1]})
    numbers: dict[str, int] = {}
    for decision in block:
        why = plain("\n".join(_once(reason, said, numbers) for reason in decision.reasons))
        for need in decision.needs:
            why.append(f"\nneeds {need.path}: {need.text} {need.remedy}", style="yellow")
        for warning in decision.warnings:
            why.append(f"\n{warning.path}: {warning.text}" if warning.path else f"\n{warning.text}", style="dim")
        pathway = Text(decision.pathway, style=STYLES.get(decision.pathway, ""))
        table.add_row(plain(decision.shipment_id), pathway, why, plain(", ".join(decision.rules)))
    output.show(table)
    for ground, number in numbers.items():
        output.say(f"  [{number}] {ground}")
    if numbers:
        output.say("")


def _once(reason: str, said: Counter[str], numbers: dict[str, int]) -> str:
    """The reason; grounds that several shipments have in common are said once below, here by their number."""
    head, grounds = _grounds(reason)
    common = [one for one in grounds if said[one] > 1 and len(one) > SHORT_GROUND]
    if not common:
        return _in_lines(reason)
    marks = " ".join(f"[{numbers.setdefault(one, len(numbers) + 1)}]" for one in common)
    return "\n  ".join((f"{head}: {marks}", *(one for one in grounds if one not in common)))


def _grounds(reason: str) -> tuple[str, list[str]]:
    """Which pathways a reason closes, and its grounds without their numbers; no grounds where it closes none."""
    head, colon, rest = reason.partition(": ")
    if not colon or not head.startswith("No "):
        return reason, []
    return head, [_NUMBER.sub("", one) for one in _NUMBERED.split(f" {rest}") if one.strip()]


def _in_lines(reason: str) -> str:
    """A sentence with several numbered grounds, one in a line."""
    return _NUMBERED.sub("\n  ", reason)


_NUMBER: Final = re.compile(r"^ ?\([1-9][0-9]?\) |^ ")
_NUMBERED: Final = re.compile(r" (?=\([1-9][0-9]?\) [A-Z])")
STYLES: Final = {
    "section321": "green",
    "type86": "green",
    "informal": "cyan",
    "formal": "magenta",
    "review": "bold yellow",
}


STATUS_STYLES: Final = {"unsure": "bold yellow", "recalled": "dim", "verified": "green"}


def _write_summary(output: Output, explained: Explained) -> None:
    from rich.text import Text

    from gateway.cli.reading import EASTERN, row_problems

    bad = [problem for row in explained.bad for problem in row_problems([_bad(row)])]
    output.problems(
        bad, "1 row is no shipment" if len(explained.bad) == 1 else f"{len(explained.bad)} rows are not shipments"
    )
    at = explained.arrival.astimezone(EASTERN)
    table = make_table(f"Arriving {at:%Y-%m-%d %H:%M} Eastern time, rule book {explained.rules.version}")
    table.add_column("pathway")
    table.add_column("shipments", justify="right")
    for pathway, count in explained.counts.most_common():
        table.add_row(pathway, str(count))
    output.show(table)
    if explained.warned:
        warnings = make_table("Warnings")
        warnings.add_column("code", style="yellow", no_wrap=True)
        warnings.add_column("shipments", justify="right")
        warnings.add_column("first of them", ratio=1)
        warnings.add_column("what", ratio=2)
        for code, warned in explained.warned.items():
            more = ", …" if warned.count > len(warned.first) else ""
            warnings.add_row(plain(code), str(warned.count), plain(", ".join(warned.first) + more), plain(warned.text))
        output.show(warnings)
        output.say("  `gateway rules show CODE` tells which rows and checks give a warning.\n", "dim")
    rules = make_table("Rules that decided")
    rules.add_column("rule")
    rules.add_column("shipments", justify="right")
    rules.add_column("status", no_wrap=True)
    rules.add_column("citation", ratio=1)
    checks = explained.rules.advice.preflight.checks.values()
    known = {check.id: (check.status, check.citation) for check in checks}
    known |= {row.id: (row.status, row.citation) for row in explained.rules.rows}
    for rule, count in explained.used.most_common():
        status, citation = known.get(rule, ("", ""))
        rules.add_row(rule, str(count), Text(status, style=STATUS_STYLES.get(status, "")), plain(citation))
    if explained.used:
        output.show(rules)


def _bad(row: Row) -> dict[str, Any]:
    from gateway.cli.reading import refused_row

    return refused_row(row)
