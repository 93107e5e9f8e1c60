"""What time is it in the sandbox? Real time, shifted time, or time that stands still.

The clock is the only thing in the sandbox that reads the machine's clock; the core takes the instant as an argument. A
shifted
clock keeps running; a frozen one moves only when told. Its state is three values, so that it survives a restart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def real_time() -> datetime:
    """The machine's clock, aware, UTC."""
    return datetime.now(UTC)


def instant(text: str) -> datetime:
    """An ISO 8601 instant; one without an offset is taken for America/New_York, where the law counts its days."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=EASTERN) if value.tzinfo is None else value


def duration(value: float | str) -> timedelta:
    """Seconds as a number, or an ISO 8601 duration of days and less (``PT1H30M``). Raises ``ValueError``."""
    if isinstance(value, int | float):
        return timedelta(seconds=value)
    match = _DURATION.fullmatch(value)
    if not match or value in {"P", "PT"} or value.endswith("T"):
        raise ValueError(f"{value!r} is neither seconds nor a duration like PT1H30M")
    days, hours, minutes, seconds = match.groups(default="0")
    return timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


@dataclass(slots=True)
class Clock:
    """``offset`` from real time while running; ``frozen_at`` while standing still."""

    source: Callable[[], datetime] = real_time
    offset: timedelta = timedelta(0)
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The sandbox's instant, aware, UTC."""
        moment = self.frozen_at if self.frozen_at is not None else self.source() + self.offset
        return moment.astimezone(UTC)

    def set(self, moment: datetime) -> None:
        """Jump to an instant; a running clock runs on from there. May jump backwards: the books keep what they have."""
        if self.frozen_at is not None:
            self.frozen_at = moment
        else:
            self.offset = moment - self.source()

    def advance(self, by: timedelta) -> None:
        """Move on by ``by``."""
        self.set(self.now() + by)

    def freeze(self, standing: bool) -> None:
        """Stop the clock where it is, or let it run on from there."""
        moment = self.now()
        self.frozen_at = moment if standing else None
        if not standing:
            self.offset = moment - self.source()

    def as_dict(self) -> dict[str, Any]:
        """State for the books and for ``GET /state``."""
        return {
            "now": self.now().isoformat(),
            "eastern": self.now().astimezone(EASTERN).isoformat(),
            "frozen": self.frozen_at is not None,
            "offset_seconds": self.offset.total_seconds(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`as_dict` wrote before a restart."""
        self.offset = timedelta(seconds=float(state["offset_seconds"]))
        self.frozen_at = instant(state["now"]) if state["frozen"] else None
