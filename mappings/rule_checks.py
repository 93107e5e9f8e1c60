"""Is the book sound: do its rows fit together, where do they overlap, and is a stretch of time left without law?

Errors refuse the book. Warnings say what may be meant and may be a slip. That denials overlap is neither: it is how
the law is written, and a person who lifts one wants to know which others still stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from mappings.rule import EASTERN, REMEDY, Rule
from mappings.rule_law import ENTERED
from schemas.errors import Problem
from schemas.shipment import PATHWAYS


def book_problems(rules: Sequence[Rule]) -> Iterable[Problem]:
    """What is wrong between the rows: overlaps, gaps, waivers of nothing, pathways without a row."""
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
        allows = [rule for rule in rules if rule.kind == "allow" and pathway in rule.pathways]
        if pathway in ENTERED and not allows:
            words = "No row ever allows this pathway, so it is refused on every day."
            yield Problem("pathway_without_allow", pathway, words, "Check that this is meant.", severity="warning")
        yield from _pathway_gaps(pathway, allows)
        if not any(rule.kind == "prefer" and pathway in rule.pathways for rule in rules):
            words = "No row ranks this pathway, so it comes last of those that are open."
            yield Problem("pathway_without_rank", pathway, words, "Check that this is meant.", severity="warning")


def _pathway_gaps(pathway: str, allows: Sequence[Rule]) -> Iterable[Problem]:
    """Stretches between two rows that allow the pathway in which none does."""
    until: datetime | None = None
    for rule in sorted(allows, key=lambda one: one.valid_from):
        if until is not None and rule.valid_from > until:
            words = (
                f"Nothing allows this pathway from {until.astimezone(EASTERN):%Y-%m-%d %H:%M} "
                f"to {rule.eastern_from:%Y-%m-%d %H:%M} Eastern time."
            )
            yield Problem("gap_in_pathway", pathway, words, "Check that the gap is meant.", severity="warning")
        if rule.valid_to is None:
            return
        until = rule.valid_to if until is None else max(until, rule.valid_to)


def overlapping_denials(rules: Iterable[Rule], instant: datetime) -> dict[str, tuple[str, ...]]:
    """Pathway → the denials of everything on it that are in force together, where there are several."""
    found: dict[str, tuple[str, ...]] = {}
    denials = [rule for rule in rules if rule.kind == "deny" and not rule.when and rule.in_force(instant)]
    for pathway in PATHWAYS:
        ids = tuple(rule.id for rule in denials if pathway in rule.pathways)
        if len(ids) > 1:
            found[pathway] = ids
    return found
