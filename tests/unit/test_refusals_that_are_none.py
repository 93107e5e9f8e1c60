"""Which refusals are none: the table row by row, and what an answer must say for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from filings.patience import Attempts, RetryPatience, next_try
from mappings.outcomes_refusals import Refusal, excused, refusals, subject_of
from mappings.outcomes_values import Outcome

NOW = datetime(2025, 3, 10, 14, 0, tzinfo=UTC)
TRIP, SCN, ENTRY = "TSTC2503100001", "TSTC00000000001", "XYZ00000015"


def refused_by(row: Refusal) -> Outcome:
    """An outcome that is this row."""
    scope = {"SX": "entry", "355": "shipment"}.get(row.source, "transmission")
    meaning = "rejected" if scope in ("entry", "shipment") else "syntax_rejected"
    return Outcome(
        row.source,  # type: ignore[arg-type]
        scope,  # type: ignore[arg-type]
        meaning,
        row.code,
        f"WORDS {row.text} WORDS",
        TRIP if row.source == "355" else "",
        SCN if row.source == "355" else "",
        ENTRY if row.source == "SX" else "",
    )


OTHER = {"SX": "119", "355": "370", "X1": "X09", "TA1": "009"}


@pytest.mark.parametrize("row", refusals(), ids=[f"{row.source} {row.code or row.text}" for row in refusals()])
def test_each_row_excuses_what_it_names_and_nothing_else(row: Refusal) -> None:
    """The row's own refusal is excused; another code or text is not; one beside it makes it a refusal again."""
    told = refused_by(row)
    assert excused([told])[subject_of(told)] == row
    other = replace(told, code=OTHER[row.source], text="SOMETHING IS WRONG")
    assert excused([other]) == {}
    assert subject_of(told) not in excused([told, other])
    assert excused([replace(told, meaning="warning")]) == {}


def test_every_row_has_its_source_and_mark() -> None:
    """Each says where it is from and how sure that is; what is marked as sourced names a document."""
    for row in refusals():
        assert row.reference
        assert row.mark in {"sourced", "deduced", "unsure"}
    assert len({(row.source, row.code, row.text) for row in refusals()}) == len(refusals())


def test_what_counts_alone_counts_alone() -> None:
    """PGA DATA REJECTED beside the record that is at fault is a refusal for good."""
    row = next(one for one in refusals() if one.code == "PGA")
    told = refused_by(row)
    assert subject_of(told) in excused([told])
    assert excused([told, replace(told, code="P05", text="MISSING GOVERNMENT AGENCY CODE")]) == {}


def test_verdicts_say_nothing_of_their_own() -> None:
    """The final SE90, the final X1, the K3 and the echo of a refused bill follow the reasons before them."""
    fault = Outcome("SX", "entry", "rejected", "E90", "ACE SYSTEM FAILURE", entry_number=ENTRY)
    final = Outcome("SX", "entry", "rejected", "01", "TRANSACTION REJECTED", entry_number=ENTRY, place="SE90")
    assert set(excused([fault, final])) == {subject_of(fault)}
    assert excused([final]) == {}
    bill = Outcome("355", "shipment", "rejected", "", "ACE SYSTEM FAILURE", TRIP, SCN)
    echo = replace(bill, text="XXXX BILL REJECTED XXXX")
    verdict = Outcome("355", "trip", "rejected", "", "SHIPMENTS REJECTED 1", TRIP, place="K3")
    assert set(excused([bill, echo, verdict])) == {subject_of(bill), subject_of(verdict)}
    worse = replace(bill, scn="TSTC2", code="370", text="INVALID CHARACTER")
    assert set(excused([bill, worse, verdict])) == {subject_of(bill)}


PATIENCE = RetryPatience()


@pytest.mark.parametrize(("failed", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 20), (9, 20)])
def test_pauses_double_up_to_the_longest(failed: int, minutes: int) -> None:
    """Five, ten, twenty minutes, and no longer."""
    assert next_try(Attempts(failed, NOW), PATIENCE, NOW) == NOW + timedelta(minutes=minutes)


def test_it_is_given_up_after_an_hour() -> None:
    """What would go again later than an hour after the first failure does not; at the hour it still does."""
    began = NOW - timedelta(minutes=40)
    assert next_try(Attempts(3, began), PATIENCE, NOW) == NOW + timedelta(minutes=20)
    assert next_try(Attempts(3, began - timedelta(microseconds=1)), PATIENCE, NOW) is None


@pytest.mark.parametrize(("failed", "again"), [(1, True), (2, False)])
def test_some_go_again_once_only(failed: int, again: bool) -> None:
    """A row with a number of tries is not tried more often."""
    assert (next_try(Attempts(failed, NOW), PATIENCE, NOW, tries=1) is not None) is again
