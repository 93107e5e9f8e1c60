"""Working days are counted as customs counts them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mappings.working_days import (
    entry_summary,
    holidays,
    is_working_day,
    law_of_holidays,
    working_days_after,
)


def test_the_holidays_of_a_year() -> None:
    """All eleven of 2025, on the days on which they were kept."""
    assert {day.isoformat() for day in holidays(2025)} == {
        "2025-01-01", "2025-01-20", "2025-02-17", "2025-05-26", "2025-06-19", "2025-07-04", "2025-09-01", "2025-10-13",
        "2025-11-11", "2025-11-27", "2025-12-25",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-07-03", False),  # the Fourth falls on a Saturday: kept on Friday
        ("2026-07-06", True),
        ("2027-07-05", False),  # on a Sunday: kept on Monday
        ("2021-12-31", False),  # New Year's Day 2022 is a Saturday: kept in the year before
        ("2020-06-19", True),  # not a holiday yet
        ("2021-06-18", False),  # the first one, a Saturday
        ("2025-03-08", False),
        ("2025-03-10", True),
    ],
)
def test_days_that_are_kept_or_not(day: str, works: bool) -> None:
    """A holiday on a weekend is kept on its neighbour; weekends are no working days."""
    assert is_working_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("released", "due"),
    [
        ("2025-03-10", "2025-03-24"),  # two plain weeks
        ("2025-03-08", "2025-03-21"),  # released on a Saturday: Monday is the first day
        ("2025-11-20", "2025-12-05"),  # over Thanksgiving
        ("2025-12-19", "2026-01-06"),  # over Christmas and New Year
    ],
)
def test_ten_working_days_after_a_release(released: str, due: str) -> None:
    """The day after the release is the first one counted."""
    assert working_days_after(date.fromisoformat(released), entry_summary().days) == date.fromisoformat(due)


def test_counting_back_undoes_counting_on() -> None:
    """From a working day, so many days on and back again is the same day; none at all is the day itself."""
    day = date(2025, 1, 2)
    while day.year == 2025:
        if is_working_day(day):
            for count in (0, 1, 2, 10, 30):
                assert working_days_after(working_days_after(day, count), -count) == day
        day += timedelta(days=1)


def test_the_law_is_named_with_its_mark() -> None:
    """Facts carry where they are from and how sure that is."""
    assert "6103" in law_of_holidays()[0]
    assert entry_summary().status in {"verified", "recalled", "unsure"}
    assert "142.12" in entry_summary().citation
