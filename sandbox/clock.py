"""What time is it in the sandbox? Real time, shifted time, time that stands still, or time that runs fast.

The clock is the only thing in the sandbox that reads the machine's clock; the core takes the instant as an argument. It
remembers what it showed at one real instant and how fast it has run since, so it goes on while the sandbox is down, as
real time does. A frozen one moves only when told. From the end of its range (the end of 2100) it stands still.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
FIRST: Final = datetime(1990, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2101, 1, 1, tzinfo=UTC)
SLOWEST: Final = 0.1
FASTEST: Final = 100_000.0
"""Seconds of the sandbox in a real second."""
TURNS: Final = ("set", "advance", "freeze", "speed")
"""What a clock can be told."""

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class ClockError(ValueError):
    """What a clock is told cannot be meant; ``key`` is the part of it."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key, self.text = key, text


def real_time() -> datetime:
    """The machine's clock, aware, UTC."""
    return datetime.now(UTC)


def instant(text: str) -> datetime:
    """An ISO 8601 instant; one without an offset is taken for America/New_York, where the law counts its days. Raises
    ``ValueError`` with a sentence.
    """
    try:
        value = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"{text!r} is no instant; write it like 2025-03-10T09:00:00-04:00") from None
    return value.replace(tzinfo=EASTERN) if value.tzinfo is None else value


def duration(value: float | str) -> timedelta:
    """Seconds as a number, or an ISO 8601 duration of days and less (``PT1H30M``). Raises ``ValueError``."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timedelta(seconds=value)
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match and value not in {"P", "PT"} and not str(value).endswith("T"):
            days, hours, minutes, seconds = match.groups(default="0")
            return timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    except OverflowError:
        raise ValueError(f"{value!r} is longer than any clock runs") from None
    except ValueError:
        pass  # not a number at all
    raise ValueError(f"{value!r} is neither seconds nor a duration like PT1H30M")


@dataclass(slots=True)
class Clock:
    """It showed ``shown`` at the real instant ``since`` and runs at ``speed``; or it stands still at ``frozen_at``."""

    source: Callable[[], datetime] = real_time
    shown: datetime = FIRST
    since: datetime = FIRST
    speed: float = 1.0
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The sandbox's instant, aware, UTC."""
        if self.frozen_at is not None:
            return self.frozen_at.astimezone(UTC)
        try:
            return min(self.shown + (self.source() - self.since) * self.speed, LAST).astimezone(UTC)
        except OverflowError:
            return LAST

    def set(self, moment: datetime) -> None:
        """Jump to an instant; a running clock runs on from there. May jump backwards: the books keep what they have."""
        if self.frozen_at is not None:
            self.frozen_at = moment
        else:
            self.shown, self.since = moment, self.source()

    def advance(self, by: timedelta) -> None:
        """Move on by ``by``."""
        self.set(self.now() + by)

    def freeze(self, standing: bool) -> None:
        """Stop the clock where it is, or let it run on from there, as fast as before."""
        moment = self.now()
        self.frozen_at = moment if standing else None
        self.set(moment)

    def run_at(self, speed: float) -> None:
        """Run on from here at another speed; one that stands still will, once it is let go."""
        moment = self.now()
        self.speed = speed
        self.set(moment)

    def turn(self, told: Mapping[str, Any]) -> None:
        """Do what is told, all of it or nothing: ``speed``, ``freeze``, ``set`` and ``advance``, in this order.

        Raises :class:`ClockError`.
        """
        unknown = sorted(set(told) - set(TURNS))
        if unknown or not told:
            sentence = (
                "Give set (instant), advance (seconds or ISO duration), freeze (true, false) or speed (seconds per"
                " real second)."
            )
            raise ClockError(unknown[0] if unknown else "", sentence)
        freeze = told.get("freeze")
        if "freeze" in told and not isinstance(freeze, bool):
            raise ClockError("freeze", "freeze is true or false.")
        speed = read_speed(told["speed"]) if "speed" in told else None
        moment = self._target(told)
        if speed is not None:
            self.run_at(speed)
        if isinstance(freeze, bool):
            self.freeze(freeze)
        if moment is not None:
            self.set(moment)

    def _target(self, told: Mapping[str, Any]) -> datetime | None:
        """Where the hands are put; ``None``: they are left."""
        key = "set"
        moment: datetime | None = None
        try:
            if "set" in told:
                moment = instant(told["set"])
            if "advance" in told:
                key = "advance"
                moment = (moment or self.now()) + duration(told["advance"])
        except OverflowError as error:
            raise ClockError(key, f"The clock runs from {FIRST.year} to {LAST.year - 1}.") from error
        except ValueError as error:
            raise ClockError(key, f"{key}: {error}.") from error
        if moment is not None and not FIRST <= moment < LAST:
            raise ClockError(key, f"The clock runs from {FIRST.year} to {LAST.year - 1}.")
        return moment

    def real_seconds_until(self, moment: datetime) -> float:
        """Real seconds until the clock shows an instant; infinite while it stands still."""
        if self.frozen_at is not None:
            return 0.0 if moment <= self.frozen_at else math.inf
        return max((moment - self.now()).total_seconds(), 0.0) / self.speed

    def as_dict(self) -> dict[str, Any]:
        """State for the books and for ``GET /state``."""
        return {
            "now": self.now().isoformat(),
            "eastern": self.now().astimezone(EASTERN).isoformat(),
            "frozen": self.frozen_at is not None,
            "speed": self.speed,
            "shown": self.shown.isoformat(),
            "since": self.since.isoformat(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`as_dict` wrote before a restart."""
        self.shown, self.since = instant(state["shown"]), instant(state["since"])
        self.speed = float(state["speed"])
        self.frozen_at = instant(state["now"]) if state["frozen"] else None


def read_speed(value: Any) -> float:
    """A speed from JSON or a setting. Raises :class:`ClockError`."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and SLOWEST <= value <= FASTEST
    if not good:
        raise ClockError("speed", f"speed is a number from {SLOWEST:g} to {FASTEST:,.0f}.")
    return float(value)
