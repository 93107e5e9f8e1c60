"""Each deadline at both sides of its edge: facts and now in, matters out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from filings.deadlines import (
    ANSWER,
    ARRIVAL,
    BORDER,
    DOUBT,
    KINDS,
    RECEIPT,
    REFUSED,
    SUMMARY,
    UNHEARD,
    Carried,
    Crossing,
    FileOut,
    Matter,
    Patience,
    Refusals,
    Released,
    of_crossing,
    of_file,
    of_refusals,
    of_release,
    summary_due,
)
from filings.lifecycle import FilingState, TripState
from filings.lifecycle.filing import UNANSWERED

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
PATIENCE = Patience()
ENTRY = Carried("f-1", "entry XYZ00000015 of shipment TSTC1", FilingState.SENT, NOW)
FILE = FileOut("t-1", "SE-XYZ-B1.txt", "TSTC0001", "queued", NOW, None, None, (ENTRY,))
TRIP = Crossing("TSTC0001", TripState.FILED, NOW, None, "m-1")


def sent(*carried: Carried) -> FileOut:
    """A delivered file."""
    return replace(FILE, state="delivered", delivered_at=NOW, carries=carried)


Edge = tuple[str, Callable[[datetime], list[Matter]], datetime]
EDGES: list[Edge] = [
    (RECEIPT, lambda now: of_file(FILE, PATIENCE, now), NOW + PATIENCE.receipt),
    (RECEIPT, lambda now: of_file(replace(FILE, state="sending"), PATIENCE, now), NOW + PATIENCE.receipt),
    (
        DOUBT,
        lambda now: of_file(replace(FILE, state="in_doubt", doubt_since=NOW), PATIENCE, now),
        NOW + PATIENCE.doubt,
    ),
    (ANSWER, lambda now: of_file(sent(ENTRY), PATIENCE, now), NOW + PATIENCE.answer),
    (
        ANSWER,
        lambda now: of_file(sent(replace(ENTRY, state=FilingState.UNDER_REVIEW)), PATIENCE, now),
        NOW + PATIENCE.review,
    ),
    (UNHEARD, lambda now: of_crossing(TRIP, PATIENCE, now), NOW + PATIENCE.border),
    (
        BORDER,
        lambda now: of_crossing(
            replace(TRIP, state=TripState.ARRIVED, arrived_at=NOW, open_goods=("shipment TSTC1",)), PATIENCE, now
        ),
        NOW + PATIENCE.border,
    ),
]


@pytest.mark.parametrize(("kind", "matters", "edge"), EDGES, ids=[f"{edge[0]}-{at}" for at, edge in enumerate(EDGES)])
def test_a_matter_begins_after_its_patience(
    kind: str, matters: Callable[[datetime], list[Matter]], edge: datetime
) -> None:
    """Just as long as the patience is no matter yet, a moment longer is."""
    assert matters(edge) == []
    assert [one.kind for one in matters(edge + TICK)] == [kind]


def test_the_hour_before_arrival() -> None:
    """A truck that is not clear is a matter from one hour before its arrival until then, and not earlier."""
    hour = PATIENCE.before_arrival
    assert of_crossing(TRIP, PATIENCE, NOW - hour - TICK) == []
    for now in (NOW - hour, NOW - TICK):
        (matter,) = of_crossing(TRIP, PATIENCE, now)
        assert (matter.kind, matter.filing_id, matter.trip_number) == (ARRIVAL, "m-1", "TSTC0001")
        assert matter.detail["citation"] == "19 CFR 123.92"
    assert of_crossing(TRIP, PATIENCE, NOW) == []
    assert of_crossing(replace(TRIP, state=TripState.CLEAR), PATIENCE, NOW - TICK) == []


def test_an_entry_summary_is_told_of_ahead_and_again_when_it_is_overdue() -> None:
    """Due at the end of the tenth working day in Eastern time; told of from the beginning of the eighth."""
    due = summary_due("11", datetime(2025, 3, 10, 15, 0, tzinfo=UTC))
    assert due == datetime(2025, 3, 25, 4, 0, tzinfo=UTC)  # Tuesday 00:00 in New York
    entry = Released("f-1", "entry XYZ00000015 of shipment TSTC1", "TSTC0001", due)
    begins = datetime(2025, 3, 20, 4, 0, tzinfo=UTC)  # Thursday 00:00
    assert of_release(entry, PATIENCE, begins - TICK) == []
    (soon,) = of_release(entry, PATIENCE, begins)
    (still,) = of_release(entry, PATIENCE, due - TICK)
    (late,) = of_release(entry, PATIENCE, due)
    assert [one.severity for one in (soon, still, late)] == ["warning", "warning", "error"]
    assert {one.kind for one in (soon, still, late)} == {SUMMARY}
    assert soon.detail["due_on"] == "2025-03-24"
    assert "entry XYZ00000015" in soon.text
    assert of_release(entry, replace(PATIENCE, summary_ahead=0), datetime(2025, 3, 24, 4, 0, tzinfo=UTC) - TICK) == []
    assert of_release(entry, replace(PATIENCE, summary_ahead=0), datetime(2025, 3, 24, 4, 0, tzinfo=UTC)) != []


@pytest.mark.parametrize("entry_type", ["01", "03", "11", "86", None])
def test_which_entries_have_a_summary(entry_type: str | None) -> None:
    """Type 86 and a bill without entry have none."""
    assert (summary_due(entry_type, NOW) is not None) is (entry_type in {"01", "03", "11"})


def test_an_evening_release_counts_from_its_eastern_day() -> None:
    """01:00 UTC on the 11th is the evening of the 10th in New York: the same last day as at noon."""
    noon, evening = datetime(2025, 3, 10, 16, 0, tzinfo=UTC), datetime(2025, 3, 11, 1, 0, tzinfo=UTC)
    assert summary_due("11", evening) == summary_due("11", noon)
    assert summary_due("11", evening + timedelta(hours=3)) == datetime(2025, 3, 26, 4, 0, tzinfo=UTC)


LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize("state", FilingState)
def test_silence_matters_where_the_lifecycle_says_so(state: FilingState) -> None:
    """Of what CBP has answered nothing is awaited; what is on its way or under review is."""
    found = of_file(sent(replace(ENTRY, state=state)), PATIENCE, LATER)
    assert bool(found) is (state in UNANSWERED)


def test_an_answer_to_some_of_a_batch_answers_for_those_only() -> None:
    """One alert for the file names the filings that are still silent, and none that was answered."""
    others = [Carried(f"f-{n}", f"entry {n}", FilingState.SENT, NOW) for n in (2, 3, 4, 5)]
    (matter,) = of_file(sent(replace(ENTRY, state=FilingState.ACCEPTED), *others), PATIENCE, LATER)
    assert matter.detail["filings"] == ["f-2", "f-3", "f-4", "f-5"]
    assert "entry 2, entry 3, entry 4 and 1 more" in matter.text
    assert (matter.filing_id, matter.transmission_id) == (None, "t-1")
    (alone,) = of_file(sent(ENTRY), PATIENCE, LATER)
    assert alone.filing_id == "f-1"
    assert of_file(sent(replace(ENTRY, state=FilingState.ACCEPTED)), PATIENCE, LATER) == []


def test_what_cbp_refused_of_a_trip_is_one_matter() -> None:
    """All of it in one, with CBP's words; its filing is named where it is one; nothing refused is no matter."""
    bill, entry = ("the bill of shipment TSTC1", "m-1", "CBP 355 470: NO"), ("entry XYZ1 of shipment TSTC2", "f-2", "")
    (matter,) = of_refusals(Refusals("TSTC0001", (bill, entry)))
    assert (matter.kind, matter.severity, matter.filing_id) == (REFUSED, "error", None)
    assert "the bill of shipment TSTC1 (CBP 355 470: NO), entry XYZ1 of shipment TSTC2: trip TSTC0001" in matter.text
    assert matter.detail["filings"] == ["m-1", "f-2"]
    assert [one.filing_id for one in of_refusals(Refusals("TSTC0001", (bill, bill)))] == ["m-1"]
    assert of_refusals(Refusals("TSTC0001")) == []


def test_doubt_and_a_missing_receipt_are_one_matter() -> None:
    """A file in doubt for long has no receipt either; that is told once, with its filing, and ends with the receipt."""
    doubtful = replace(FILE, state="in_doubt", doubt_since=NOW)
    (found,) = of_file(doubtful, PATIENCE, LATER)
    assert (found.kind, found.filing_id) == (DOUBT, "f-1")
    assert "entry XYZ00000015" in found.text
    assert of_file(doubtful, PATIENCE, NOW + PATIENCE.receipt + TICK) == []
    answered = replace(ENTRY, state=FilingState.ACCEPTED)
    done = replace(doubtful, state="delivered", delivered_at=LATER, doubt_since=None, carries=(answered,))
    assert of_file(done, PATIENCE, LATER) == []


@pytest.mark.parametrize("state", TripState)
def test_a_truck_that_is_there_or_a_draft_is_not_waited_for(state: TripState) -> None:
    """Only a filed trip of which CBP has said nothing is unheard of."""
    at = NOW if state is TripState.ARRIVED else None
    found = of_crossing(replace(TRIP, state=state, arrived_at=at), PATIENCE, LATER)
    assert [one.kind for one in found] == ([] if state in {TripState.DRAFT, TripState.ARRIVED} else [UNHEARD])


def test_every_kind_is_tested_here() -> None:
    """No deadline without an edge."""
    assert {edge[0] for edge in EDGES} | {ARRIVAL, SUMMARY, REFUSED} == set(KINDS)
