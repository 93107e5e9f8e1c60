"""What does the whole rule book say, is it sound, and which version of it is this?

The rows stand in ``mappings/rules/*.toml``; a filer may add rows of its own (:mod:`mappings.rule_overlay`) and set the
severity of advice (:mod:`mappings.advice`). Loading checks every row and the rows against each other and raises
:class:`FormatError` with all faults, so a decision never runs on a book that is not well formed. The version is a
short SHA-256 of the canonical content: the rows, the filer's own among them, the data of the checks, and the
severities. The same content gives the same version whatever file it stands in. A book is a value; ``with_rules``
gives another one.

``gateway rules`` shows, compares and checks it; ``python -m gateway.docs`` writes ``docs/rules.md``.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mappings.advice import Advice, check_severities
from mappings.preflight_data import Preflight
from mappings.rule import Rule
from mappings.rule_checks import book_problems
from mappings.rule_law import LawInForce
from mappings.rule_overlay import Overlay, overlay_problems, read_files, read_overlay
from schemas.errors import FormatError, Problem

FOLDER: Final = Path(__file__).parent / "rules"
_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)


class RuleBook:
    """All rows, ordered by id and period; ``warnings`` holds what is odd but not wrong (gaps in a row's periods)."""

    def __init__(self, rules: Iterable[Rule], *, own: Iterable[Rule] = (), advice: Advice | None = None) -> None:
        self.own: tuple[Rule, ...] = tuple(own)
        """The filer's own rows; they stand among ``rows`` too."""
        self.rows: tuple[Rule, ...] = tuple(sorted((*rules, *self.own), key=lambda rule: (rule.id, rule.valid_from)))
        self.own_ids = frozenset(rule.id for rule in self.own)
        self.advice = Advice() if advice is None else advice
        problems = tuple(book_problems(self.rows))
        faults = [problem for problem in problems if problem.severity == "error"]
        if faults:
            raise FormatError(faults)
        self.warnings = problems
        self.canonical: bytes = _canonical(self)
        """The whole content as one line of JSON; its SHA-256 begins with the version."""
        self.version: str = hashlib.sha256(self.canonical).hexdigest()[:12]
        self._cuts = sorted({cut for rule in self.rows for cut in (rule.valid_from, rule.valid_to) if cut is not None})
        self._stretches: dict[int, LawInForce] = {}
        self._last: tuple[datetime | None, LawInForce | None] = (None, None)

    @classmethod
    def load(
        cls,
        folder: Path | str | None = None,
        *,
        overlay: Path | str | None = None,
        severity: Mapping[str, str] | None = None,
    ) -> RuleBook:
        """The book in ``folder`` (default: the one delivered), made stricter by the filer's own rows and severities.

        Raises :class:`FormatError` with every fault.
        """
        rules, problems = read_folder(FOLDER if folder is None else Path(folder))
        if problems:
            raise FormatError((*problems, *(one for one in book_problems(rules) if one.severity == "error")))
        book = cls(rules)
        if overlay is None and not severity:
            return book
        own = Overlay() if overlay is None else read_overlay(overlay, rules)
        twice = [one for one in severity or {} if own.severity.get(one, (severity or {})[one]) != (severity or {})[one]]
        if twice:
            raise FormatError(
                Problem(
                    "contradiction",
                    f"rules.severity.{one}",
                    "The settings and the overlay set this otherwise.",
                    "Keep one of the two.",
                )
                for one in twice
            )
        return book.with_overlay(Overlay(own.rules, {**own.severity, **(severity or {})}))

    def with_overlay(self, overlay: Overlay) -> RuleBook:
        """This book made stricter. Raises :class:`FormatError` where the overlay would do anything else."""
        delivered = [rule for rule in self.rows if rule.id not in self.own_ids]
        if problems := list(overlay_problems(overlay.rules, delivered)):
            raise FormatError(problems)
        own = (*self.own, *overlay.rules)
        check_severities(overlay.severity, self.advice.preflight, (*delivered, *own))
        chosen = {**dict(self.advice.chosen), **overlay.severity}
        return RuleBook(delivered, own=own, advice=Advice(self.advice.preflight, chosen))

    def with_checks(self, preflight: Preflight) -> RuleBook:
        """This book with other data of the advisory checks."""
        return RuleBook(self._delivered(), own=self.own, advice=Advice(preflight, dict(self.advice.chosen)))

    def with_rules(self, *rules: Rule) -> RuleBook:
        """This book with further rows of law."""
        return RuleBook((*self._delivered(), *rules), own=self.own, advice=self.advice)

    def without_rules(self, *ids: str) -> RuleBook:
        """This book without the rows of these ids."""
        kept = (rule for rule in self._delivered() if rule.id not in ids)
        return RuleBook(kept, own=(rule for rule in self.own if rule.id not in ids), advice=self.advice)

    def _delivered(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rows if rule.id not in self.own_ids)

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


def _canonical(book: RuleBook) -> bytes:
    content = {
        "rules": [row.as_dict() for row in book.rows],
        "own": sorted(book.own_ids),
        "checks": book.advice.preflight.version,
        "severity": dict(book.advice.chosen),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def read_folder(folder: Path) -> tuple[list[Rule], list[Problem]]:
    """Every readable row under ``folder`` and every fault, with file and place in the path."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        none = Problem("no_rules", str(folder.name), "The folder holds no rule file.", "Name another folder.")
        return [], [none]
    rules, _, problems = read_files(files)
    return rules, problems


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
