"""Which days does CBP work? Neither weekends nor federal holidays (5 USC 6103), on the day they are observed.

Used for the day a summary is due (19 CFR 142.12(b): within 10 working days after release) and for the print date of a
statement.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

SUMMARY_DAYS: Final = 10
"""Working days from release to the entry summary (19 CFR 142.12(b))."""

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_FIXED: Final = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
_MOVING: Final = ((1, _MONDAY, 3), (2, _MONDAY, 3), (9, _MONDAY, 1), (10, _MONDAY, 2), (11, _THURSDAY, 4))
"""(month, weekday, which one): Martin Luther King, Washington, Labor, Columbus, Thanksgiving."""


@cache
def holidays(year: int) -> frozenset[date]:
    """Federal holidays observed for a year; New Year's Day may be observed on the last day of the year before."""
    days = {_observed(date(year, month, day)) for month, day in _FIXED}
    days |= {_nth(year, month, weekday, which) for month, weekday, which in _MOVING}
    last_of_may = date(year, 5, 31)
    days.add(last_of_may - timedelta(days=last_of_may.weekday()))
    return frozenset(days)


def is_working_day(day: date) -> bool:
    """Whether CBP works on that day."""
    return day.weekday() < _SATURDAY and not any(day in holidays(year) for year in (day.year, day.year + 1))


def working_days_after(day: date, count: int) -> date:
    """The ``count``-th working day after a day."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def summary_due(released: date) -> date:
    """The last day for the entry summary of goods released on a day."""
    return working_days_after(released, SUMMARY_DAYS)


def _observed(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - timedelta(days=1)
    return day + timedelta(days=1) if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
