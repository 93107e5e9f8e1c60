"""The sandbox's clock: it runs, jumps, stands still and runs fast, and all of that survives a restart."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.clock import FASTEST, LAST, SLOWEST, Clock, ClockError, duration, instant

START = datetime(2025, 3, 10, 13, tzinfo=UTC)


class Watch:
    """The machine's clock, moved by the test."""

    def __init__(self) -> None:
        self.real = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.real

    def goes(self, seconds: float) -> None:
        """Real seconds pass."""
        self.real += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    """A machine's clock."""
    return Watch()


def clock_at(watch: Watch, speed: float = 1.0) -> Clock:
    """A clock that shows the March morning."""
    clock = Clock(source=watch)
    clock.set(START)
    clock.run_at(speed)
    return clock


def restarted(clock: Clock, watch: Watch) -> Clock:
    """The clock of a sandbox that took up what this one had left in the books."""
    other = Clock(source=watch)
    other.restore(json.loads(json.dumps(clock.as_dict())))
    return other


def test_it_shows_real_time_until_told(watch: Watch) -> None:
    """A new clock is the machine's."""
    clock = Clock(source=watch)
    watch.goes(5)
    assert clock.now() == watch.real


def test_it_runs_jumps_and_stands_still(watch: Watch) -> None:
    """A shifted clock runs on, a frozen one moves only when told, and its state survives."""
    clock = clock_at(watch)
    watch.goes(5)
    assert clock.now() == START + timedelta(seconds=5)
    clock.freeze(True)
    watch.goes(3600)
    assert clock.now() == START + timedelta(seconds=5)
    clock.advance(duration("PT30M"))
    assert restarted(clock, watch).now() == clock.now() == START + timedelta(seconds=1805)
    clock.freeze(False)
    watch.goes(1)
    assert clock.now() == START + timedelta(seconds=1806)


@pytest.mark.parametrize("speed", [SLOWEST, 1.0, 60.0, FASTEST])
def test_it_runs_at_its_speed(watch: Watch, speed: float) -> None:
    """So many seconds in a real second; nothing jumps when the speed changes."""
    clock = clock_at(watch)
    watch.goes(10)
    clock.run_at(speed)
    assert clock.now() == START + timedelta(seconds=10)
    watch.goes(2)
    assert clock.now() == START + timedelta(seconds=10 + 2 * speed)


def test_setting_advancing_and_freezing_keep_the_speed(watch: Watch) -> None:
    """Only speed changes the speed, also of a clock that stands still."""
    clock = clock_at(watch, 60)
    clock.turn({"set": "2025-08-29T00:00:00-04:00"})
    clock.turn({"advance": 60})
    clock.turn({"freeze": True})
    watch.goes(100)
    clock.turn({"freeze": False})
    watch.goes(1)
    assert clock.now() == datetime(2025, 8, 29, 4, 2, tzinfo=UTC)
    clock.turn({"freeze": True})
    clock.turn({"speed": 3600})
    watch.goes(100)
    assert clock.now() == datetime(2025, 8, 29, 4, 2, tzinfo=UTC)
    clock.turn({"freeze": False})
    watch.goes(1)
    assert clock.now() == datetime(2025, 8, 29, 5, 2, tzinfo=UTC)


def test_speed_survives_a_restart_and_the_clock_goes_on_meanwhile(watch: Watch) -> None:
    """As real time does, at its speed; a frozen one keeps its speed for later."""
    clock = clock_at(watch, 60)
    state = clock.as_dict()
    watch.goes(10)
    other = Clock(source=watch)
    other.restore(state)
    assert (other.speed, other.now()) == (60.0, START + timedelta(minutes=10))
    clock.freeze(True)
    watch.goes(10)
    frozen = restarted(clock, watch)
    assert frozen.now() == START + timedelta(minutes=10)
    frozen.freeze(False)
    watch.goes(1)
    assert frozen.now() == START + timedelta(minutes=11)


def test_it_ends_at_its_range(watch: Watch) -> None:
    """However fast and long it runs, it shows the end of 2100 at most."""
    clock = clock_at(watch, FASTEST)
    watch.goes(3600 * 24 * 365)
    assert clock.now() == LAST
    watch.goes(3600 * 24 * 365 * 200)
    assert clock.now() == LAST


def test_real_seconds_until_an_instant(watch: Watch) -> None:
    """As the speed has it; none for what is past, infinitely many while it stands still."""
    clock = clock_at(watch, 60)
    assert clock.real_seconds_until(START + timedelta(minutes=2)) == pytest.approx(2)
    assert clock.real_seconds_until(START - timedelta(minutes=2)) == 0
    clock.freeze(True)
    assert clock.real_seconds_until(START) == 0
    assert clock.real_seconds_until(START + timedelta(seconds=1)) == math.inf


def test_all_turns_at_once(watch: Watch) -> None:
    """Set, advance, freeze and speed in one call."""
    clock = clock_at(watch)
    clock.turn({"set": "2025-08-29T00:00:00-04:00", "advance": "PT1M", "freeze": True, "speed": 2})
    watch.goes(9)
    assert clock.now() == datetime(2025, 8, 29, 4, 1, tzinfo=UTC)
    assert clock.speed == 2


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ({}, ""),
        ({"tomorrow": 1}, "tomorrow"),
        ({"set": "soon"}, "set"),
        ({"set": 5}, "set"),
        ({"set": "1989-12-31T00:00:00Z"}, "set"),
        ({"set": "2101-01-01T00:00:00Z"}, "set"),
        ({"advance": "soon"}, "advance"),
        ({"advance": 1e308}, "advance"),
        ({"advance": math.nan}, "advance"),
        ({"advance": "P99999999D"}, "advance"),
        ({"advance": None}, "advance"),
        ({"freeze": "yes"}, "freeze"),
        ({"speed": 0}, "speed"),
        ({"speed": 0.05}, "speed"),
        ({"speed": 100_001}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": True}, "speed"),
        ({"speed": math.nan}, "speed"),
        ({"speed": 5, "set": "soon"}, "set"),
        ({"freeze": True, "speed": -1}, "speed"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(watch: Watch, told: dict[str, Any], key: str) -> None:
    """The part that is wrong is named, and the clock is as it was."""
    clock = clock_at(watch, 7)
    before = clock.as_dict()
    with pytest.raises(ClockError) as caught:
        clock.turn(told)
    assert caught.value.key == key
    assert not re.search("isoformat|argument|integer|NaN to|date value", caught.value.text), caught.value.text
    assert clock.as_dict() == before


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1X", "P1Y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Only seconds and ISO durations of days and less are durations."""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_an_instant_without_an_offset_is_eastern() -> None:
    """The law counts its days in New York."""
    assert instant("2025-03-10T09:00:00") == START
