"""A decision in force beside a new one: kept, lapsed, or overtaken; and when to ask again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from filings.lapsing import Change, compare, judge_again, possible_arrival
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide
from mappings.rulebook import RuleBook
from schemas.shipment import Shipment
from tests import samples

BOOK = RuleBook.load()
CUT = datetime(2025, 8, 29, 4, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def decided(at: datetime, **changes: Any) -> PathwayDecision:
    """The decision on the sample shipment for an arrival."""
    shipment = Shipment.model_validate(samples.shipment(**changes))
    return decide(shipment, None, at, DayLedger(), BOOK)[0]


@pytest.mark.parametrize("pathway", ["section321", "type86"])
def test_the_exemption_lapses_at_its_minute(pathway: str) -> None:
    """A second before the minute it is kept; at the minute it has lapsed, by a cited rule, and type 11 is offered."""
    asked = None if pathway == "section321" else pathway
    before, last = (decided(CUT - one, pathway=asked) for one in (timedelta(hours=1), SECOND))
    assert before.pathway == pathway
    assert compare(before, last, BOOK).change is Change.KEPT
    found = compare(before, decided(CUT, pathway=asked), BOOK)
    assert (found.change, found.offered.pathway, found.offered.entry_type) == (Change.LAPSED, "informal", "11")
    assert found.rule == "deny-all-countries-eo14324"
    assert found.text
    assert found.citation
    kept = found.as_lapse()
    assert PathwayDecision.from_dict(kept["decision"]) == found.offered
    assert (kept["from"], kept["pathway"]) == (pathway, "informal")


def test_what_was_lawful_stays_when_something_better_opens() -> None:
    """An entry of type 11 is lawful on both sides; that the exemption is open besides lapses nothing."""
    after, before = decided(CUT), decided(CUT - SECOND)
    assert (after.pathway, before.pathway) == ("informal", "section321")
    assert compare(after, before, BOOK).change is Change.NEWLY_LAWFUL


def test_a_review_is_never_a_lapse_of_a_review() -> None:
    """A shipment that is with a broker stays there; one that could go now is told, not moved."""
    review = decided(CUT, pathway="review")
    assert compare(review, review, BOOK).change is Change.KEPT
    assert compare(review, decided(CUT), BOOK).change is Change.NEWLY_LAWFUL


def test_another_entry_type_and_a_new_doubt_are_lapses() -> None:
    """The same pathway with another type of entry must be filed anew; what a broker must decide has lapsed."""
    informal = decided(CUT)
    other = replace(informal, entry_type="12")
    found = compare(informal, other, BOOK)
    assert (found.change, found.text) == (Change.LAPSED, "It now needs an entry of type 12, not 11.")
    doubtful = replace(informal, pathway="review", entry_type="", reasons=("Not confirmed: a rule.",))
    found = compare(informal, doubtful, BOOK)
    assert (found.change, found.text) == (Change.LAPSED, "Not confirmed: a rule.")


def test_it_is_asked_again_at_the_next_change_of_the_law() -> None:
    """While people's days are counted also at midnight in Eastern time; afterwards only when a row begins or ends."""
    evening = CUT - timedelta(hours=3)
    midnight = datetime(2025, 8, 29, 4, 0, tzinfo=UTC)
    assert judge_again(BOOK, evening) == midnight
    assert judge_again(BOOK, midnight) == CUT
    following = judge_again(BOOK, CUT)
    assert following in BOOK.changes
    assert following is not None
    assert following > CUT
    assert judge_again(BOOK, BOOK.changes[-1]) is None


def test_a_truck_that_is_late_arrives_now_and_one_of_another_day_then() -> None:
    """Planned ahead: as planned. Late: now. Filed more than a day after its plan: a trip of that day."""
    planned = CUT - timedelta(minutes=30)
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert possible_arrival(planned, planned - hour, planned - SECOND) == planned
    assert possible_arrival(planned, planned - hour, planned + hour) == planned + hour
    assert possible_arrival(planned, planned + hour, planned + 3 * day) == planned + 3 * day
    assert possible_arrival(planned, planned + day + SECOND, planned + 3 * day) == planned
