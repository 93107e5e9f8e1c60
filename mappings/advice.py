"""Which advice does this filer want, how severe is it, and what does it say of one shipment?

Advisory are the checks of :mod:`mappings.preflight_data` and the rows of the rule book of kind ``warn``. The filer
sets a severity for any of them by its id. What is set is part of the version of the book in force, and stands in
every decision beside what was found.

``error`` of a check about a shipment sends the shipment to review: the house has one word for "a licensed broker must
decide", a broker can overrule advice, and the decision that is kept says who was told what. A refusal at staging would
lose the parcel from its trip for want of a better word. ``error`` of a check about the trip itself has no shipment to
stop: the trip is refused when it is filed; one about shipments taken together refuses the later one when it is staged.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

from mappings.preflight_data import SEVERITIES, Check, Chosen, Preflight, load_preflight
from mappings.preflight_shipment import CHECKS, CHECKS_OF_HTS, ShipmentCheck
from mappings.rule import Rule
from mappings.rule_facts import Facts
from schemas.errors import FormatError, Problem, Severity

Finding = tuple[str, Problem]
"""Id of the check or row, and what it found."""
USUAL: Final[Chosen] = "warning"
"""Severity of every row of kind ``warn`` unless the filer sets another."""
MEMORY: Final = 4096


class Advice:
    """The checks with the severities in force."""

    def __init__(self, preflight: Preflight | None = None, chosen: Mapping[str, str] | None = None) -> None:
        self.preflight = load_preflight() if preflight is None else preflight
        self.chosen: tuple[tuple[str, str], ...] = tuple(sorted((chosen or {}).items()))
        """What the filer has set, by id."""
        self._severity = {check.id: check.severity for check in self.preflight.checks.values()}
        self._severity |= {one: cast("Chosen", severity) for one, severity in self.chosen}
        self.may_stop = "error" in self._severity.values()
        """Whether any finding can send a shipment to review."""
        running = [
            (self.preflight.checks[one], function, self._severity[one])
            for one, function in CHECKS.items()
            if self._severity[one] != "off"
        ]
        self._of_hts = tuple(one for one in running if one[0].id in CHECKS_OF_HTS)
        self._running = tuple(one for one in running if one[0].id not in CHECKS_OF_HTS)
        self._sound: set[tuple[str, ...]] = set()
        """HTS numbers about which there is nothing to say: few combinations occur."""

    def severity(self, one: str) -> Chosen:
        """The severity in force of a check or a row of kind ``warn``."""
        return self._severity.get(one, USUAL)

    def about(self, facts: Facts) -> list[Finding]:
        """What the checks find about one shipment."""
        found: list[Finding] = []
        if facts.hts not in self._sound:
            found = self._run(self._of_hts, facts)
            if not found and len(self._sound) < MEMORY:
                self._sound.add(facts.hts)
        return found + self._run(self._running, facts)

    def _run(self, checks: Iterable[tuple[Check, ShipmentCheck, Chosen]], facts: Facts) -> list[Finding]:
        found: list[Finding] = []
        data = self.preflight
        for check, function, severity in checks:
            places = function(facts, data)
            if places:
                kept: Severity = "error" if severity == "error" else "warning"
                found += [(check.id, check.problem(path, more, kept)) for path, more in places]
        return found

    def of_rule(self, rule: str, warning: Problem) -> Finding | None:
        """The warning of a row that applies, as severe as the filer wants it; ``None`` where it is off."""
        severity = self._severity.get(rule, USUAL)
        if severity == "off":
            return None
        return rule, warning if severity == "warning" else replace(warning, severity="error")

    def recorded(self, findings: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
        """What a decision keeps: every severity that the filer set, and that of each finding."""
        if not findings:
            return self.chosen
        return tuple(sorted({**dict(self.chosen), **{one: self.severity(one) for one, _ in findings}}.items()))


def severity_problems(chosen: Mapping[str, object], known: Collection[str]) -> Iterator[Problem]:
    """What is wrong with severities: an id that is no advisory check of ``known``, a severity that is none."""
    for one, severity in chosen.items():
        if one not in known:
            words = f"{one!r} is not the id of an advisory check or of a row of kind warn."
            close = difflib.get_close_matches(one, sorted(known), n=1, cutoff=0.6)
            meant = f"Did you mean {close[0]}? " if close else ""
            remedy = f"{meant}Use one of {', '.join(sorted(known))}."
            yield Problem("unknown_check", f"severity.{one}", words, remedy)
        if severity not in SEVERITIES:
            words = f"{severity!r} is not a severity."
            yield Problem("unknown_severity", f"severity.{one}", words, f"Use {', '.join(SEVERITIES)}.")


def known_checks(preflight: Preflight, rules: Iterable[Rule]) -> set[str]:
    """The ids that may have a severity."""
    return {*preflight.checks, *(rule.id for rule in rules if rule.kind == "warn")}


def check_severities(chosen: Mapping[str, object], preflight: Preflight, rules: Iterable[Rule]) -> None:
    """Raise :class:`FormatError` for an id that is no advisory check, and for a severity that is none."""
    if problems := list(severity_problems(chosen, known_checks(preflight, rules))):
        raise FormatError(problems)
