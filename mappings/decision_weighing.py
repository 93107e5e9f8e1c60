"""Which pathways does the law leave open to one shipment, and which of them is taken?

Rules of the weighing:

- a pathway is *closed* by any denial, by any passed limit, or because nothing in force allows it;
- a pathway that is not closed but lacks data is *incomplete*; it is not taken;
- of the complete pathways the best ranked is taken, unless the shipment asks for another complete one;
- a pathway whose rank says so is not taken merely because a better one is incomplete: then a broker
  reviews, and is told what is missing;
- ``review`` is always complete, so there is always an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mappings.rule import Rule
from mappings.rule_facts import Claim, Facts
from mappings.rule_law import MEMORY, NAMES, LawInForce, Refusal, Row, View
from schemas.errors import Problem
from schemas.shipment import PATHWAYS, Pathway

_IMPORTER: Final = "importer_of_record"
_PLACE: Final = {pathway: place for place, pathway in enumerate(PATHWAYS)}
REVIEW: Final[Pathway] = "review"


@dataclass(slots=True)
class Finding:
    """What the law says about one pathway for one shipment."""

    view: View
    allow: Row | None = None
    closed_by: list[Refusal] = field(default_factory=list)
    lacking: list[tuple[Row, Problem]] = field(default_factory=list)
    asked: list[Problem] = field(default_factory=list)
    met: list[Row] = field(default_factory=list)
    limits: list[Row] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Open, and nothing is missing."""
        return not self.closed_by and not self.lacking


Weighed = tuple[tuple[tuple[int, int, Row | None], ...], list[Finding | None], dict[str, Rule], tuple[Refusal, ...]]
"""Order of preference, finding for each pathway, the unconfirmed rules that apply, and all refusals."""


@dataclass(slots=True)
class Weighing:
    """The findings in the order of preference, and what was taken of them."""

    flags: list[bool]
    order: tuple[tuple[int, int, Row | None], ...]
    findings: list[Finding | None]
    unsure: dict[str, Rule]
    refused: tuple[Refusal, ...]
    pathway: Pathway = REVIEW
    preferred_by: Row | None = None
    incomplete: Finding | None = None
    """The pathway that the law leaves open and that lacks the least data."""
    refused_request: bool = False
    stopped_by_advice: bool = False
    """Whether the law would let it go and the filer's own severities do not."""
    key: int | None = None
    """Stands for the answers and claims that all of this hangs on; ``None`` where it hangs on amounts besides."""

    @property
    def finding(self) -> Finding | None:
        """What was found for the pathway taken; ``None`` for a review."""
        return self.findings[_PLACE[self.pathway]]

    @property
    def entry_type(self) -> str:
        """The entry type of the pathway taken, ``""`` where there is no entry."""
        found = self.finding
        return "" if found is None or found.allow is None else found.allow.rule.entry_type

    def before(self) -> list[Finding]:
        """The pathways that rank before the one taken and were not taken."""
        better: list[Finding] = []
        for _, place, _ in self.order:
            if PATHWAYS[place] == self.pathway:
                break
            found = self.findings[place]
            if found is not None:
                better.append(found)
        return better


def weigh(facts: Facts, law: LawInForce) -> Weighing:
    """The law in force applied to the facts; never raises."""
    flags = law.flags(facts)
    if not facts.hts_complete or any(facts.measure(name) > limit for name, limit in law.limits):
        weighing = Weighing(flags, *_weighed(facts, law, flags))
    else:
        # Without a passed limit or a short number the findings hang on the answers and the claims alone, and few
        # combinations occur.
        claims = facts.seen[1:] if facts.claims else ()
        key = (*flags, facts.importer is None, *claims)
        known = law.memory.get(key)
        if known is None:
            known = (len(law.memory), _weighed(facts, law, flags))
            if len(law.memory) < MEMORY:
                law.memory[key] = known
        number, weighed = known
        weighing = Weighing(flags, *weighed)
        weighing.key = number if number < MEMORY else None
    _take(weighing, facts.shipment.pathway)
    return weighing


def _weighed(facts: Facts, law: LawInForce, flags: list[bool]) -> Weighed:
    unsure: dict[str, Rule] = {}
    views = law.views(facts)
    findings = [None if view.pathway == REVIEW else _find(view, facts, flags, unsure) for view in views]
    order = law.order(facts, flags)
    for _, _, row in order:
        if row is not None and row.unsure:
            unsure[row.rule.id] = row.rule
    for view in views:
        for row in view.waivers:
            if row.unsure and row.applies(facts, flags):
                unsure[row.rule.id] = row.rule
    return order, findings, unsure, _refusals(findings)


def _take(weighing: Weighing, requested: Pathway | None) -> None:
    if requested is not None:
        found = weighing.findings[_PLACE[requested]]
        if found is None or found.complete:
            weighing.pathway = requested
            if found is None:
                weighing.preferred_by = next((row for _, place, row in weighing.order if place == _PLACE[REVIEW]), None)
            return
        weighing.refused_request = True
    for _, place, row in weighing.order:
        found = weighing.findings[place]
        if found is None:
            weighing.pathway, weighing.preferred_by = REVIEW, row
            return
        if found.closed_by:
            continue
        if found.lacking:
            least = weighing.incomplete
            if least is None or len(found.lacking) < len(least.lacking):
                weighing.incomplete = found
        elif weighing.incomplete is None or row is None or row.rule.steps_over_missing:
            weighing.pathway, weighing.preferred_by = PATHWAYS[place], row
            return


def _find(view: View, facts: Facts, flags: list[bool], unsure: dict[str, Rule]) -> Finding:
    found = Finding(view)
    closed_by = found.closed_by
    for row in view.denials:
        if row.always or row.applies(facts, flags):
            closed_by.append(row.refusal)
            if row.unsure:
                unsure[row.rule.id] = row.rule
    for row in view.thresholds:
        if row.always or row.applies(facts, flags):
            amount = facts.measure(row.rule.measure)
            if amount > row.rule.limit:
                closed_by.append(Refusal(view.pathway, row.rule.id, f"{row.rule.text} Here: {amount} dollars."))
            else:
                found.limits.append(row)
            if row.unsure:
                unsure[row.rule.id] = row.rule
    for row in view.allows:
        if row.always or row.applies(facts, flags):
            found.allow = row
            if row.unsure:
                unsure[row.rule.id] = row.rule
            break
    else:
        if not closed_by:
            closed_by.append(view.lapse)
    if not closed_by:
        _require(found, facts, flags, unsure)
    return found


def _require(found: Finding, facts: Facts, flags: list[bool], unsure: dict[str, Rule]) -> None:
    for row in found.view.requires:
        if not (row.always or row.applies(facts, flags)):
            continue
        if row.unsure:
            unsure[row.rule.id] = row.rule
        missing = _missing(row, facts, flags)
        if not missing:
            found.met.append(row)
        elif row.rule.missing == "asks":
            found.asked.extend(missing)
        else:
            found.lacking.extend((row, problem) for problem in missing)


def _missing(row: Row, facts: Facts, flags: list[bool]) -> list[Problem]:
    """What the requirement wants and the shipment does not have."""
    rule = row.rule
    if rule.needs == _IMPORTER:
        return [] if facts.importer is not None else [_problem(rule, _IMPORTER)]
    if rule.needs == "claim_fields":
        return [
            _problem(rule, claim.path, f" ({claim.claim.agency}{_program(claim)}, line {claim.line})")
            for claim in row.claims(facts, flags)
            if (rule.fields_any_of and not any(claim.has(name) for name in rule.fields_any_of))
            or not all(claim.has(name) for name in rule.fields_all_of)
        ]
    if rule.needs == "hts_ten_digits":
        short = [place for place, hts in enumerate(facts.hts) if len(hts) != 10]
        return [_problem(rule, f"lines[{place}].hts") for place in short]
    return []  # the estimated arrival: a decision is always made at an instant of arrival


def _program(claim: Claim) -> str:
    return f" {claim.claim.program}" if claim.claim.program else ""


def _problem(rule: Rule, path: str, where: str = "") -> Problem:
    text = f"{rule.text[:-1]}{where}." if where and rule.text.endswith(".") else f"{rule.text}{where}"
    return Problem(
        rule.code, path, text, rule.remedy, rule.citation, "error" if rule.missing == "blocks" else "warning"
    )


def name_of(pathway: str) -> str:
    """The pathway in words."""
    return NAMES[pathway]


def _refusals(findings: list[Finding | None]) -> tuple[Refusal, ...]:
    """Every pathway that is closed or incomplete, with each rule that makes it so."""
    refused: list[Refusal] = []
    for found in findings:
        if found is None:
            continue
        refused.extend(found.closed_by)
        if not found.closed_by:
            pathway = found.view.pathway
            refused.extend(Refusal(pathway, row.rule.id, problem.text) for row, problem in found.lacking)
    return tuple(dict.fromkeys(refused))
