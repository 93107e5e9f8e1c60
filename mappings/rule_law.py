"""Which rules are in force at one instant, ready to be asked quickly?

A rule book is cut at every minute where a row begins or ends; between two cuts the law does not
change. :class:`LawInForce` is one such stretch: its rows sorted by pathway and kind, conditions
compiled, sentences that never vary already made. The stretch *without the unconfirmed rows* hangs on
it as :attr:`LawInForce.confirmed`, because a decision must know whether such a row alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from mappings.rule import Rule
from mappings.rule_conditions import (
    OF_HTS,
    Test,
    compile_claim_conditions,
    compile_shipment_condition,
    is_claim_condition,
)
from mappings.rule_facts import Claim, Facts
from schemas.errors import Problem
from schemas.shipment import PATHWAYS

ENTERED: Final = ("section321", "type86", "informal", "formal")
"""Pathways that the law opens and closes; ``review`` is always open, for a broker may decide anything."""

EXEMPTION: Final = ("section321", "type86")
"""Pathways that use the exemption of 19 USC 1321(a)(2)(C) and so count toward a person's day."""

NAMES: Final = {
    "section321": "Section 321 release",
    "type86": "entry type 86",
    "informal": "informal entry",
    "formal": "formal entry",
    "review": "review by a licensed broker",
}
NOTHING_ALLOWS: Final = "nothing-allows"
"""Named as the rule of a refusal where the book has no row at all that allows the pathway."""

REMARKS: Final = ("warn", "info")
"""Kinds that never change an outcome."""

UNRANKED: Final = 1000
MEMORY: Final = 4096
"""Combinations of answers, and of rows, that one stretch of law keeps ready."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One pathway that is closed, the rule that closes it, and why; several rules may close the same one."""

    pathway: str
    rule: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """The JSON shape kept with the decision."""
        return {"pathway": self.pathway, "rule": self.rule, "text": self.text}


class Switches:
    """Each condition that can change the outcome, once: asked once for a shipment, read by many rows.

    Some conditions look at the HTS numbers and agency claims alone, of which few combinations occur: their answers
    are kept.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._tests: list[Test] = []
        self._others: list[tuple[int, Test]] = []
        self._by_hts: dict[tuple[object, ...], list[bool]] = {}

    def place(self, name: str, value: object) -> int:
        """The place of the condition's answer in :meth:`flags`."""
        key = f"{name}={value!r}"
        if key not in self._places:
            self._places[key] = len(self._tests)
            test = compile_shipment_condition(name, value)
            if name not in OF_HTS:
                self._others.append((len(self._tests), test))
            self._tests.append(test)
        return self._places[key]

    def flags(self, facts: Facts) -> list[bool]:
        """The answers for one shipment."""
        known = self._by_hts.get(facts.seen)
        if known is None:
            answers = [test(facts) for test in self._tests]
            if len(self._by_hts) < MEMORY:
                self._by_hts[facts.seen] = answers.copy()
            return answers
        answers = known.copy()
        for place, test in self._others:
            answers[place] = test(facts)
        return answers


class Row:
    """One rule in force on one pathway, compiled."""

    __slots__ = ("always", "claim_test", "refusal", "rule", "switches", "unsure", "waivers", "warning")

    def __init__(self, rule: Rule, pathway: str, switches: Switches) -> None:
        self.rule = rule
        self.claim_test = compile_claim_conditions(rule.when)
        self.switches = tuple(switches.place(name, value) for name, value in rule.when if not is_claim_condition(name))
        self.always = not rule.when
        self.waivers: tuple[Row, ...] = ()
        self.refusal = Refusal(pathway, rule.id, rule.text)
        self.unsure = rule.status == "unsure"
        self.warning = Problem(rule.code, rule.path, rule.text, rule.remedy, rule.citation, "warning")

    def applies(self, facts: Facts, flags: list[bool]) -> bool:
        """Whether the conditions hold; for a row about claims, whether they hold for one that is not waived."""
        for switch in self.switches:
            if not flags[switch]:
                return False
        return self.claim_test is None or bool(self.claims(facts, flags))

    def claims(self, facts: Facts, flags: list[bool]) -> tuple[Claim, ...]:
        """The claims the row applies to: empty for a row about the whole shipment."""
        claim_test = self.claim_test
        if claim_test is None:
            return ()
        found = [claim for claim in facts.claims if claim_test(claim)]
        if found and self.waivers:
            found = [claim for claim in found if not any(row.covers(claim, flags) for row in self.waivers)]
        return tuple(found)

    def covers(self, claim: Claim, flags: list[bool]) -> bool:
        """Whether this waiver speaks of ``claim``."""
        return self.claim_test is not None and self.claim_test(claim) and all(flags[one] for one in self.switches)


Remarked = tuple[tuple[Row, ...], tuple[Row, ...]]
"""Rows that warn, and rows that inform."""


class View:
    """The rules in force on one pathway, by kind."""

    __slots__ = (
        "_remarked", "allows", "denials", "infos", "lapse", "pathway", "prefers", "requires", "thresholds", "waivers",
        "warns",
    )  # fmt: skip

    def __init__(self, pathway: str, rows: list[Row], lapse: Refusal) -> None:
        self.pathway = pathway
        self.lapse = lapse
        self.allows = _of_kind(rows, "allow")
        self.denials = _of_kind(rows, "deny")
        self.thresholds = _of_kind(rows, "threshold")
        self.requires = _of_kind(rows, "require")
        self.waivers = _of_kind(rows, "waiver")
        self.prefers = _of_kind(rows, "prefer")
        self.warns = _of_kind(rows, "warn")
        self.infos = _of_kind(rows, "info")
        self._remarked: dict[tuple[object, ...], Remarked] = {}
        for row in (*self.denials, *self.requires):
            if row.rule.waivable:
                row.waivers = tuple(waiver for waiver in self.waivers if row.rule.id in waiver.rule.waives)

    def remarked(self, facts: Facts, flags: list[bool]) -> Remarked:
        """The rows that warn and those that inform, for one shipment, by the answers to their conditions."""
        key = (*flags, *facts.seen[1:]) if facts.claims else tuple(flags)
        known = self._remarked.get(key)
        if known is None:
            known = self._remarks_on(facts, flags)
            if len(self._remarked) < MEMORY:
                self._remarked[key] = known
        return known

    def _remarks_on(self, facts: Facts, flags: list[bool]) -> Remarked:
        return (
            tuple(row for row in self.warns if row.applies(facts, flags)),
            tuple(row for row in self.infos if row.applies(facts, flags)),
        )


def _of_kind(rows: list[Row], kind: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.rule.kind == kind)


def _lapse(pathway: str, rules: Iterable[Rule], every: Iterable[Rule], instant: datetime) -> Refusal:
    """The refusal where no row that allows the pathway is in force or matches."""
    name = NAMES[pathway]
    allows = [rule for rule in rules if rule.kind == "allow" and pathway in rule.pathways]
    if allows:
        return Refusal(pathway, allows[0].id, f"None of the conditions under which {name} is allowed holds.")
    stated = [rule for rule in every if rule.kind == "allow" and pathway in rule.pathways]
    ended = [rule for rule in stated if rule.valid_to is not None and rule.valid_to <= instant]
    if ended:
        last = max(ended, key=lambda rule: (rule.valid_to or instant, rule.id))
        words = f"What allowed {name} ended at {(last.eastern_to or instant):%Y-%m-%d %H:%M} Eastern time."
        return Refusal(pathway, last.id, words)
    if stated:
        first = min(stated, key=lambda rule: (rule.valid_from, rule.id))
        words = f"What allows {name} begins at {first.eastern_from:%Y-%m-%d %H:%M} Eastern time."
        return Refusal(pathway, first.id, words)
    return Refusal(pathway, NOTHING_ALLOWS, f"No rule of this book allows {name}.")


class LawInForce:
    """The rules of one stretch of time in which nothing changes, beginning at ``instant``."""

    def __init__(self, rules: Iterable[Rule], instant: datetime) -> None:
        self._every = tuple(rules)
        self._instant = instant
        self.rules = tuple(rule for rule in self._every if rule.in_force(instant))
        self._switches = Switches()
        self._remarks = Switches()
        self._views = self._compiled(self.rules)
        self._plain_views = self._compiled(rule for rule in self.rules if not rule.about_claims)
        self.counts_people = any(view.allows for view in self._views if view.pathway in EXEMPTION)
        """Whether anybody can still use the exemption, so that days and lots have to be kept."""
        self._ranks = tuple(
            min((row for row in view.prefers if row.always), key=lambda row: row.rule.rank, default=None)
            for view in self._views
        )
        self._order = _sorted(self._ranks)
        self.limits = tuple({(rule.measure, rule.limit) for rule in self.rules if rule.kind == "threshold"})
        self.memory: dict[tuple[object, ...], Any] = {}
        """What was found for shipments that pass no limit, by their answers; belongs to the weighing."""
        self.worded: dict[tuple[Any, ...], Any] = {}
        """What decisions about such shipments say; belongs to their words."""

        self._citations = {rule.id: rule.citation for rule in (*self._every, *self.rules)}
        self._cited: dict[tuple[str, ...], tuple[str, ...]] = {}

    def citations_of(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Where these rows are written, each place once, in the order of the ids."""
        cited = self._cited.get(ids)
        if cited is None:
            cited = tuple(dict.fromkeys(self._citations[one] for one in ids if one in self._citations))
            if len(self._cited) < MEMORY:
                self._cited[ids] = cited
        return cited

    def _compiled(self, rules: Iterable[Rule]) -> tuple[View, ...]:
        kept = tuple(rules)
        return tuple(
            View(
                pathway,
                [
                    Row(rule, pathway, self._remarks if rule.kind in REMARKS else self._switches)
                    for rule in kept
                    if pathway in rule.pathways
                ],
                _lapse(pathway, kept, self._every, self._instant),
            )
            for pathway in PATHWAYS
        )

    def views(self, facts: Facts) -> tuple[View, ...]:
        """One view for each of ``PATHWAYS``; rows about claims are left out where there is none."""
        return self._views if facts.claims else self._plain_views

    def flags(self, facts: Facts) -> list[bool]:
        """The answers to every condition that can change the outcome."""
        return self._switches.flags(facts)

    def remarks(self, facts: Facts) -> list[bool]:
        """The answers to the conditions of warnings and information."""
        return self._remarks.flags(facts)

    def order(self, facts: Facts, flags: list[bool]) -> tuple[tuple[int, int, Row | None], ...]:
        """(rank, place in ``PATHWAYS``, the row that ranks it), best first, for one shipment."""
        ranks: list[Row | None] | None = None
        for place, view in enumerate(self.views(facts)):
            for row in view.prefers:
                if not row.always and row.applies(facts, flags):
                    ranks = ranks or list(self._ranks)
                    best = ranks[place]
                    if best is None or row.rule.rank < best.rule.rank:
                        ranks[place] = row
        return self._order if ranks is None else _sorted(ranks)

    @cached_property
    def confirmed(self) -> LawInForce:
        """The same stretch without the rows whose status is ``unsure``."""
        return LawInForce((rule for rule in self._every if rule.status != "unsure"), self._instant)


def _sorted(ranks: Iterable[Row | None]) -> tuple[tuple[int, int, Row | None], ...]:
    order = [(UNRANKED if row is None else row.rule.rank, place, row) for place, row in enumerate(ranks)]
    order.sort(key=lambda one: one[:2])
    return tuple(order)
