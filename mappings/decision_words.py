"""How does a decision explain itself? Rules, reasons and what is missing, in sentences for a person.

What is said hangs on the answers to the rules' conditions, of which few combinations occur, so the sentences of a
shipment that passes no limit are made once and kept with the stretch of law.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from mappings.decision_record import Disclaimer, PathwayDecision
from mappings.decision_weighing import REVIEW, Finding, Weighing, name_of
from mappings.rule import Rule
from mappings.rule_facts import Facts
from mappings.rule_law import EXEMPTION, MEMORY, LawInForce, Row
from schemas.errors import Problem
from schemas.shipment import PATHWAYS, Pathway, Shipment

WARNINGS: Final = {
    "unsure_rule": "A rule that applies is not confirmed. These are the rules of which that can be said:",
    "request_refused": "The shipment asks for a pathway that is closed to it; the law's own order was followed.",
}
"""The warnings that a decision gives of itself, beside those of rows and checks."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a decision says, but for what belongs to this one shipment and day."""

    rules: tuple[str, ...]
    citations: tuple[str, ...]
    reasons: tuple[str, ...]
    needs: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    disclaimers: tuple[Disclaimer, ...]
    uses_default: bool


def words_for(weighing: Weighing, facts: Facts, law: LawInForce, infos: tuple[Row, ...], halt: str) -> Words:
    """The words of a decision. ``halt`` is the sentence that sends it to review against the weighing, or ``""``."""
    if weighing.key is None or halt:
        return _worded(weighing, facts, law, infos, halt)
    stated = facts.shipment.importer_of_record
    default = facts.importer.name if stated is None and facts.importer is not None else None
    key = (weighing.key, facts.shipment.pathway, default, tuple([row.rule.id for row in infos]))
    known: Words | None = law.worded.get(key)
    if known is None:
        known = _worded(weighing, facts, law, infos, halt)
        if len(law.worded) < MEMORY:
            law.worded[key] = known
    return known


def _worded(weighing: Weighing, facts: Facts, law: LawInForce, infos: tuple[Row, ...], halt: str) -> Words:
    shipment = facts.shipment
    found = weighing.finding
    better = weighing.before()
    if weighing.refused_request:
        asked = weighing.findings[_place(shipment)]
        better = better if asked is None or asked in better else [asked, *better]
    if weighing.pathway == REVIEW:
        # A review for a reason of its own ranks before the exemption; a broker wants to know what closed that.
        better += [
            one
            for one in weighing.findings
            if one is not None and one.closed_by and one.view.pathway in EXEMPTION and one not in better
        ]
    made_by: dict[str, None] = {}
    if halt and not weighing.stopped_by_advice:
        made_by.update(dict.fromkeys(weighing.unsure))
    reasons: list[str] = [halt] if halt else []
    warnings = [_unconfirmed(rule) for rule in weighing.unsure.values()]
    if weighing.refused_request:
        reasons.append(_request_refused(weighing, shipment))
        warnings.append(Problem("request_refused", "pathway", reasons[-1], "Leave pathway out.", "", "warning"))
    elif shipment.pathway is not None and not halt:
        reasons.append(f"{_asks(shipment.pathway)}, which is open to it.")
    if found is not None and found.allow is not None:
        made_by[found.allow.rule.id] = None
        reasons.append(found.allow.rule.text)
    _add_preference(weighing, made_by, reasons)
    _add_closed(better, weighing.incomplete if weighing.pathway == REVIEW else None, made_by, reasons)
    needs: tuple[Problem, ...] = ()
    disclaimers: tuple[Disclaimer, ...] = ()
    uses_default = False
    if found is not None:
        made_by.update(dict.fromkeys(row.rule.id for row in (*found.limits, *found.met)))
        needs = tuple(found.asked)
        if facts.claims and found.view.waivers:
            disclaimers = _waived(found, facts, weighing.flags, made_by, reasons)
        reasons += [f"{row.rule.text} ({row.rule.citation})" for row in infos]
        uses_default = shipment.importer_of_record is None and any(
            row.rule.needs == "importer_of_record" for row in found.met
        )
        if uses_default and facts.importer is not None:
            reasons.append(f"The default importer {facts.importer.name} stands in: the shipment names none.")
    elif weighing.incomplete is not None and shipment.pathway != REVIEW and not halt:
        needs = tuple(dict.fromkeys(problem for _, problem in weighing.incomplete.lacking))
    made = tuple(made_by)
    return Words(made, law.citations_of(made), tuple(reasons), needs, tuple(warnings), disclaimers, uses_default)


def _place(shipment: Shipment) -> int:
    return PATHWAYS.index(shipment.pathway or REVIEW)


def _add_preference(weighing: Weighing, made_by: dict[str, None], reasons: list[str]) -> None:
    row = weighing.preferred_by
    if weighing.pathway == REVIEW and weighing.incomplete is not None:
        open_but = name_of(weighing.incomplete.view.pathway)
        missing = " ".join(dict.fromkeys(row.rule.text for row, _ in weighing.incomplete.lacking))
        reasons.append(f"The law leaves {open_but} open, but data is missing: {missing}")
        made_by.update(dict.fromkeys(row.rule.id for row, _ in weighing.incomplete.lacking))
    if row is not None and (not row.always or weighing.pathway == REVIEW):
        made_by[row.rule.id] = None  # the ordinary order of preference goes without saying
        reasons.append(row.rule.text)


def _add_closed(better: Iterable[Finding], told: Finding | None, made_by: dict[str, None], reasons: list[str]) -> None:
    """Why the pathways that rank before the one taken were not: one sentence for those that are closed alike."""
    closed: dict[tuple[str, str], list[str]] = {}
    for found in better:
        for refusal in found.closed_by:
            closed.setdefault((refusal.rule, refusal.text), []).append(name_of(found.view.pathway))
        if not found.closed_by and found is not told:
            for row, _ in found.lacking:
                closed.setdefault((row.rule.id, row.rule.text), []).append(name_of(found.view.pathway))
    together: dict[tuple[str, ...], list[str]] = {}
    for (rule, text), names in closed.items():
        made_by[rule] = None
        together.setdefault(tuple(dict.fromkeys(names)), []).append(text)
    for names_of_all, texts in together.items():
        texts = list(dict.fromkeys(texts))
        listed = texts[0] if len(texts) == 1 else " ".join(f"({number}) {text}" for number, text in enumerate(texts, 1))
        reasons.append(f"No {' and no '.join(names_of_all)}: {listed}")


def _request_refused(weighing: Weighing, shipment: Shipment) -> str:
    found = weighing.findings[_place(shipment)]
    why = [] if found is None else [one.rule for one in found.closed_by] or [row.rule.id for row, _ in found.lacking]
    rules = ", ".join(dict.fromkeys(why))
    return f"{_asks(shipment.pathway or REVIEW)}, which is refused by {rules}."


def _asks(pathway: Pathway) -> str:
    return f"The shipment asks for {name_of(pathway)}"


def as_declared(decision: PathwayDecision, requested: Pathway | None) -> PathwayDecision:
    """A decision in the words of a shipment that was decided with the pathway it is declared by.

    What decided was that CBP has it so, and not that the shipment asked: that is ``requested``, by its own data.
    """
    declared = decision.requested
    if declared is None or declared == requested:
        return decision
    asks, name = f"{_asks(declared)}, ", name_of(declared)
    was_open = f"{asks}which is open to it."

    def said(text: str) -> str:
        if text == was_open:
            return f"Its pathway stays as declared: {name}, which is open to it."
        return f"It is declared as {name}, {text[len(asks) :]}" if text.startswith(asks) else text

    warnings = tuple(
        replace(one, text=said(one.text), remedy="") if one.code == "request_refused" else one
        for one in decision.warnings
    )
    return replace(decision, requested=requested, reasons=tuple(map(said, decision.reasons)), warnings=warnings)


def _unconfirmed(rule: Rule) -> Problem:
    text = f"The rule {rule.id} applies and is not confirmed: {rule.text}"
    return Problem("unsure_rule", "", text, "Have a licensed broker confirm it.", rule.citation, "warning")


def _waived(
    found: Finding, facts: Facts, flags: list[bool], made_by: dict[str, None], reasons: list[str]
) -> tuple[Disclaimer, ...]:
    """The waivers that lifted something on the pathway taken, and the disclaimers they justify for an entry."""
    lifted = [row for row in (*found.view.denials, *found.view.requires) if row.waivers and row.claim_test is not None]
    disclaimers: list[Disclaimer] = []
    for waiver in found.view.waivers:
        for claim in facts.claims:
            held = any(waiver in row.waivers and row.claim_test and row.claim_test(claim) for row in lifted)
            if not held or not waiver.covers(claim, flags):
                continue
            if waiver.rule.id not in made_by:
                made_by[waiver.rule.id] = None
                reasons.append(waiver.rule.text)
            if waiver.rule.disclaimer and found.allow is not None and found.allow.rule.entry_type:
                stated = claim.claim
                disclaimers.append(
                    Disclaimer(
                        claim.line,
                        claim.path,
                        stated.agency,
                        stated.program or "",
                        waiver.rule.disclaimer,
                        waiver.rule.id,
                    )
                )
    return tuple(disclaimers)
