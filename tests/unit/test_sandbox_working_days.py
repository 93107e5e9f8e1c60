"""On which days CBP works, and when a summary is due."""

from __future__ import annotations

from datetime import date

import pytest

from sandbox.working_days import holidays, is_working_day, summary_due, working_days_after


def test_federal_holidays_of_a_year() -> None:
    """Fixed and moving ones, on the day they are observed."""
    assert sorted(holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 7, 3),
        date(2026, 9, 7),
        date(2026, 10, 12),
        date(2026, 11, 11),
        date(2026, 11, 26),
        date(2026, 12, 25),
    ]


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 3, 10), True),
        (date(2025, 3, 15), False),
        (date(2025, 3, 16), False),
        (date(2025, 7, 4), False),
        (date(2026, 7, 3), False),
        (date(2027, 12, 31), False),
        (date(2022, 12, 26), False),
    ],
)
def test_working_days(day: date, works: bool) -> None:
    """Weekends and holidays are none, nor the Friday before a Saturday's holiday or the Monday after a Sunday's."""
    assert is_working_day(day) is works


def test_counting_working_days() -> None:
    """Ten working days after a release in June pass over Juneteenth and two weekends."""
    assert summary_due(date(2025, 6, 13)) == date(2025, 6, 30)
    assert working_days_after(date(2025, 3, 14), 1) == date(2025, 3, 17)
    assert working_days_after(date(2025, 3, 14), 0) == date(2025, 3, 14)
