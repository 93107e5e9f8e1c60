"""Every row of the rule book × every minute at which the law changes: is it in force then, and does it do its work?

Each row is tried on a parcel built to meet its conditions, in a book that says nothing else, at the last second before
and the first second of each cut of time in the delivered book. Denials and limits are tried in the whole book too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from mappings.rule import EASTERN, KINDS, Rule
from mappings.rule_conditions import CONDITIONS
from mappings.rulebook import RuleBook
from tests.rule_kit import HOLDS_FOR_ANY, Parcel, alone, has_effect, parcel_for

BOOK = RuleBook.load()
INSTANTS = [cut + timedelta(seconds=shift) for cut in BOOK.changes for shift in (-1, 0)]


def _named(rules: Iterable[Rule]) -> list[Any]:
    return [pytest.param(rule, id=f"{rule.id}@{rule.eastern_from:%Y%m%d}") for rule in rules]


ROWS = _named(BOOK.rows)
CLOSING = _named(rule for rule in BOOK.rows if rule.kind in ("deny", "threshold"))
CONDITIONAL = _named(
    rule
    for rule in BOOK.rows
    if rule.kind != "waiver"  # a waiver lifts what concerns a claim, and an ordinary parcel has none
    and any(condition not in HOLDS_FOR_ANY for condition in rule.when)
)


@pytest.mark.parametrize("rule", ROWS)
def test_a_row_does_its_work_exactly_while_it_is_in_force(rule: Rule) -> None:
    """On a parcel that meets its conditions a row has the effect of its kind in its period, and none outside."""
    book, parcel = alone(rule, BOOK.rows), parcel_for(rule)

    for pathway in rule.pathways:
        wrong = [
            f"{instant.astimezone(EASTERN):%Y-%m-%d %H:%M:%S}"
            for instant in INSTANTS
            if has_effect(rule, pathway, parcel, book, instant) is not rule.in_force(instant)
        ]
        assert wrong == []


@pytest.mark.parametrize("rule", CLOSING)
def test_what_closes_a_pathway_is_named_among_all_the_others(rule: Rule) -> None:
    """In the whole book a denial or passed limit is named for each of its pathways whenever it is in force.

    Days and lots are kept only as long as anybody can use the exemption at all.
    """
    parcel = parcel_for(rule)
    counted = dict(rule.when).get("same_order_lots") or rule.measure == "person_day_total"
    instants = [instant for instant in INSTANTS if not counted or BOOK.at(instant).counts_people]

    for pathway in rule.pathways:
        for instant in instants:
            found = parcel.decide(BOOK, instant)
            named = {one.rule for one in found.refused if one.pathway == pathway}
            assert (rule.id in named) is rule.in_force(instant)
            assert not (rule.in_force(instant) and found.pathway == pathway)


@pytest.mark.parametrize("rule", CONDITIONAL)
def test_a_row_leaves_alone_what_does_not_meet_its_conditions(rule: Rule) -> None:
    """An ordinary parcel of knitted shirts made in Portugal is not touched by a row about other goods."""
    parcel = Parcel(line={"country_of_origin": "PT"})
    if dict(rule.when).get("importer_missing") is False:
        parcel.importer = None
    book = alone(rule, BOOK.rows)
    instants: list[datetime] = [instant for instant in INSTANTS if rule.in_force(instant)]

    assert instants
    for pathway in rule.pathways:
        assert not any(has_effect(rule, pathway, parcel, book, instant) for instant in instants)


def test_the_table_has_every_kind_and_every_condition() -> None:
    """No kind of row is untried, and the delivered book uses every condition but those kept for a filer's own rows."""
    assert {rule.kind for rule in BOOK.rows} == set(KINDS)
    used = {name for rule in BOOK.rows for name, _ in rule.when}
    assert CONDITIONS - used == set()
