"""Which day is the tenth working day after a release?

Working days are Monday to Friday without the national holidays; the days stand in ``mappings/calendar``, with the law
they are from. Pure: days are Eastern dates, and nothing here knows what day it is.
"""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "calendar" / "working_days.toml"
_WEEKDAYS: Final = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
_SATURDAY, _SUNDAY = 5, 6


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that is due so many working days after a release: for which entry types, by which law."""

    days: int
    entry_types: frozenset[str]
    citation: str
    status: str


@cache
def _content() -> Mapping[str, Any]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


@cache
def entry_summary() -> Counted:
    """When the entry summary is due."""
    row = _content()["entry_summary"]
    return Counted(row["days"], frozenset(row["entry_types"]), row["citation"], row["status"])


def law_of_holidays() -> tuple[str, str]:
    """Where the holidays are written, and how sure that is."""
    law = _content()["law"]
    return law["citation"], law["status"]


@cache
def holidays(year: int) -> Mapping[date, str]:
    """The days of a year on which a national holiday is kept, with its name; one of the next year may be kept in it."""
    kept = {_kept(day): name for of in (year, year + 1) for day, name in _named(of)}
    return {day: name for day, name in sorted(kept.items()) if day.year == year}


def _named(year: int) -> list[tuple[date, str]]:
    rows = [row for row in _content()["holiday"] if year >= row.get("since", 0)]
    return [(_day(row, year), row["name"]) for row in rows]


def _day(row: Mapping[str, Any], year: int) -> date:
    month = row["month"]
    if "day" in row:
        return date(year, month, row["day"])
    weekday = _WEEKDAYS.index(row["weekday"])
    days = [day for day in range(1, calendar.monthrange(year, month)[1] + 1) if _is(year, month, day, weekday)]
    nth = row["nth"]
    return date(year, month, days[nth - 1 if nth > 0 else nth])


def _is(year: int, month: int, day: int, weekday: int) -> bool:
    return date(year, month, day).weekday() == weekday


def _kept(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - timedelta(days=1)
    return day + timedelta(days=1) if day.weekday() == _SUNDAY else day


def is_working_day(day: date) -> bool:
    """Whether customs works on that day."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def working_days_after(day: date, count: int) -> date:
    """The ``count``-th working day after a day, or before it where the count is negative; 0 is the day itself."""
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_working_day(day)
    return day
