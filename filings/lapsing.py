"""Is the pathway that a shipment was declared by still lawful, and when must that be asked again?

Pure. Two decisions on one shipment, the one in force and the one for the arrival that is possible now, are laid
side by side. A pathway has *lapsed* when the new decision refuses it by a rule, asks for another type of entry, or
leaves the shipment to a licensed broker. A better pathway that has become lawful changes nothing: what has been
declared may stand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from mappings.decision import PathwayDecision, eastern_day
from mappings.rule import EASTERN
from mappings.rulebook import RuleBook

REVIEW: Final = "review"
LATE: Final = timedelta(days=1)
"""How long after its planned arrival a truck may still be filed as one that is on its way."""


class Change(StrEnum):
    """What became of the pathway in force."""

    KEPT = "kept"
    LAPSED = "lapsed"
    NEWLY_LAWFUL = "newly_lawful"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pathway in force against a new decision; ``rule`` and ``text`` say why it has lapsed."""

    change: Change
    in_force: PathwayDecision
    offered: PathwayDecision
    rule: str = ""
    text: str = ""
    citation: str = ""

    def as_lapse(self) -> dict[str, Any]:
        """What is kept with a lapsed shipment until it is mended."""
        return {
            "from": self.in_force.pathway,
            "from_entry_type": self.in_force.entry_type,
            "rule": self.rule,
            "text": self.text,
            "citation": self.citation,
            "arrival": self.offered.arrival.isoformat(),
            "rule_book_version": self.offered.rule_book_version,
            "pathway": self.offered.pathway,
            "entry_type": self.offered.entry_type,
            "decision": self.offered.as_dict(),
        }


def compare(in_force: PathwayDecision, offered: PathwayDecision, rules: RuleBook) -> Comparison:
    """Whether the pathway in force is kept, has lapsed, or has been overtaken by a better one."""
    if in_force.pathway == REVIEW:
        change = Change.KEPT if offered.pathway == REVIEW else Change.NEWLY_LAWFUL
        return Comparison(change, in_force, offered)
    refusal = next((one for one in offered.refused if one.pathway == in_force.pathway), None)
    if refusal is not None:
        return _lapsed(in_force, offered, rules, refusal.rule, refusal.text)
    if offered.pathway == in_force.pathway:
        if offered.entry_type == in_force.entry_type:
            return Comparison(Change.KEPT, in_force, offered)
        text = f"It now needs an entry of type {offered.entry_type}, not {in_force.entry_type}."
        return _lapsed(in_force, offered, rules, offered.rules[0] if offered.rules else "", text)
    if offered.pathway == REVIEW:
        rule = offered.rules[0] if offered.rules else ""
        text = offered.reasons[0] if offered.reasons else "A licensed broker must decide."
        return _lapsed(in_force, offered, rules, rule, text)
    return Comparison(Change.NEWLY_LAWFUL, in_force, offered)


def _lapsed(in_force: PathwayDecision, offered: PathwayDecision, rules: RuleBook, rule: str, text: str) -> Comparison:
    cited = "; ".join(rules.at(offered.arrival).citations_of((rule,)))
    return Comparison(Change.LAPSED, in_force, offered, rule, text, cited)


def judge_again(rules: RuleBook, instant: datetime) -> datetime | None:
    """When a truck that was judged at ``instant`` and has not arrived must be judged again; ``None``: never.

    At the next instant at which some rule begins or ends, and, while people have days to be counted on, at the
    next midnight in Eastern time.
    """
    cuts = rules.changes
    place = bisect_right(cuts, instant)
    found = [cuts[place]] if place < len(cuts) else []
    if rules.at(instant).counts_people:
        following = eastern_day(instant) + timedelta(days=1)
        found.append(datetime.combine(following, time(), EASTERN).astimezone(instant.tzinfo))
    return min(found, default=None)


def possible_arrival(
    expected: datetime, filed_at: datetime | None, now: datetime, declared: datetime | None = None
) -> datetime:
    """The arrival that is possible for a truck that is not there: the expected one, and once that has passed, now.

    A trip that was filed long after the arrival it ``declared`` is a trip of that day, which its sender was warned
    of: its law is that day's, whatever the clock says. That is so only while nobody has named another arrival, since
    a truck that is expected anew is one that is on its way.
    """
    if filed_for_the_past(expected, filed_at) and declared in (None, expected):
        return expected
    return max(expected, now)


def filed_for_the_past(planned: datetime, filed_at: datetime | None) -> bool:
    """Whether the trip was filed so long after its planned arrival that no truck can be waiting for it."""
    return filed_at is not None and filed_at - planned > LATE


def summary(counts: Mapping[Change, int]) -> str:
    """How many of each, in words."""
    listed = [f"{count} {change.value.replace('_', ' ')}" for change, count in counts.items() if count]
    return ", ".join(listed) or "nothing to judge"
