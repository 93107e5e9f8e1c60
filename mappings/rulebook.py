"""What does the whole rule book say, is it sound, and which version of it is this?

The rows stand in ``mappings/rules/*.toml``. Loading checks every row and the rows against each other
and raises :class:`FormatError` with all faults, so a decision never runs on a book that is not well
formed. The version is a short SHA-256 of the canonical content: the same rows give the same version
whatever file they stand in. A book is a value; ``with_rules`` gives another one.

``python -m mappings.rulebook --markdown`` prints the page for people; ``--check`` only checks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from mappings import rule_page
from mappings.rule import REMEDY, Rule, read_rule
from mappings.rule_law import ENTERED, LawInForce
from schemas.errors import FormatError, Problem
from schemas.shipment import PATHWAYS

FOLDER: Final = Path(__file__).parent / "rules"
_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)


class RuleBook:
    """All rows, ordered by id and period; ``warnings`` holds what is odd but not wrong (gaps in a row's periods)."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rows: tuple[Rule, ...] = tuple(sorted(rules, key=lambda rule: (rule.id, rule.valid_from)))
        problems = tuple(book_problems(self.rows))
        faults = [problem for problem in problems if problem.severity == "error"]
        if faults:
            raise FormatError(faults)
        self.warnings = problems
        self.version: str = _version(self.rows)
        self._cuts = sorted({cut for rule in self.rows for cut in (rule.valid_from, rule.valid_to) if cut is not None})
        self._stretches: dict[int, LawInForce] = {}
        self._last: tuple[datetime | None, LawInForce | None] = (None, None)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> RuleBook:
        """The book in ``folder`` (default: the one delivered). Raises :class:`FormatError` with every fault."""
        rules, problems = read_folder(FOLDER if folder is None else Path(folder))
        if problems:
            raise FormatError((*problems, *(one for one in book_problems(rules) if one.severity == "error")))
        return cls(rules)

    def with_rules(self, *rules: Rule) -> RuleBook:
        """This book with further rows."""
        return RuleBook((*self.rows, *rules))

    def without_rules(self, *ids: str) -> RuleBook:
        """This book without the rows of these ids."""
        return RuleBook(rule for rule in self.rows if rule.id not in ids)

    @property
    def changes(self) -> tuple[datetime, ...]:
        """Every instant (UTC) at which some row begins or ends."""
        return tuple(self._cuts)

    def at(self, instant: datetime) -> LawInForce:
        """The law at an aware instant. Raises :class:`ValueError` for one without an offset."""
        asked, law = self._last  # a trip asks for the same instant over and over
        if asked is instant and law is not None:
            return law
        if instant.utcoffset() is None:
            raise ValueError("the arrival must be an instant with an offset from UTC")
        place = bisect_right(self._cuts, instant)
        law = self._stretches.get(place)
        if law is None:
            law = LawInForce(self.rows, self._cuts[place - 1] if place else _BEGINNING)
            self._stretches[place] = law
        self._last = (instant, law)
        return law


def _version(rows: Sequence[Rule]) -> str:
    canonical = json.dumps([row.as_dict() for row in rows], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def read_folder(folder: Path) -> tuple[list[Rule], list[Problem]]:
    """Every readable row under ``folder`` and every fault, with file and place in the path."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    files = sorted(folder.glob("*.toml"))
    if not files:
        problems.append(Problem("no_rules", str(folder.name), "The folder holds no rule file.", "Name another folder."))
    for file in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            problems.append(Problem("not_toml", file.name, f"The file is not TOML: {fault}.", "Correct the file."))
            continue
        problems.extend(
            Problem("unknown_key", f"{file.name}.{key}", "A rule file holds [[rule]] only.", REMEDY)
            for key in sorted(content.keys() - {"rule"})
        )
        rows = content.get("rule", [])
        for number, raw in enumerate(rows if isinstance(rows, list) else [rows]):
            name = raw.get("id", number) if isinstance(raw, dict) else number
            rule, faults = read_rule(raw, f"{file.name}[{name}]")
            problems.extend(faults)
            if rule is not None:
                rules.append(rule)
    return rules, problems


def book_problems(rules: Sequence[Rule]) -> Iterable[Problem]:
    """What is wrong between the rows: overlaps, waivers of nothing, pathways without a row."""
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, []).append(rule)
    for name, periods in sorted(by_id.items()):
        for earlier, later in pairwise(sorted(periods, key=lambda rule: rule.valid_from)):
            if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                words = "Two rows of this id are in force at the same time."
                yield Problem("overlapping_periods", name, words, "End the earlier row, or give it another id.")
            elif earlier.valid_to < later.valid_from:
                words = f"No row of this id is in force from {earlier.eastern_to:%Y-%m-%d %H:%M} Eastern time on."
                yield Problem("gap_between_periods", name, words, "Check that the gap is meant.", severity="warning")
    for rule in rules:
        for waived in rule.waives:
            if not any(other.waivable for other in by_id.get(waived, ())):
                yield Problem("waives_nothing", rule.id, f"{waived!r} is not the id of a waivable row.", REMEDY)
    for pathway in PATHWAYS:
        if pathway in ENTERED and not any(rule.kind == "allow" and pathway in rule.pathways for rule in rules):
            words = "No row ever allows this pathway, so it is refused on every day."
            yield Problem("pathway_without_allow", pathway, words, "Check that this is meant.", severity="warning")
        if not any(rule.kind == "prefer" and pathway in rule.pathways for rule in rules):
            words = "No row ranks this pathway, so it comes last of those that are open."
            yield Problem("pathway_without_rank", pathway, words, "Check that this is meant.", severity="warning")


def table(book: RuleBook, instants: Sequence[datetime]) -> list[dict[str, Any]]:
    """Rows × instants: per row its id, kind, pathways, status, citation and whether it is in force at each instant."""
    return [
        {
            "id": rule.id,
            "kind": rule.kind,
            "pathways": list(rule.pathways),
            "status": rule.status,
            "citation": rule.citation,
            "valid_from": f"{rule.eastern_from:%Y-%m-%d %H:%M}",
            "valid_to": f"{rule.eastern_to:%Y-%m-%d %H:%M}" if rule.eastern_to else None,
            "in_force": [rule.in_force(instant) for instant in instants],
        }
        for rule in book.rows
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page for people, or the result of the check; exit status 1 if the book has faults."""
    parser = argparse.ArgumentParser(prog="python -m mappings.rulebook", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="print docs/rules.md")
    parser.add_argument("--check", action="store_true", help="check the rule files and say what is odd")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the folder of the rule files")
    options = parser.parse_args(arguments)
    try:
        book = RuleBook.load(options.folder)
    except FormatError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem.code} {problem.path}: {problem.text} {problem.remedy}\n")
        return 1
    if options.markdown:
        sys.stdout.write(rule_page.markdown(book.rows, book.version))
    else:
        for problem in book.warnings:
            sys.stdout.write(f"{problem.code} {problem.path}: {problem.text}\n")
        sys.stdout.write(f"{len(book.rows)} rows, version {book.version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
