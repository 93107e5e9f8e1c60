"""How long is something tried again that CBP could not process? Pure: what was tried and now in, an instant out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Attempts:
    """What has been tried: how often it has failed, and since when."""

    failed: int
    first_failed_at: datetime


@dataclass(frozen=True, slots=True)
class RetryPatience:
    """Pauses before a declaration goes again, and how long that is tried.

    "Wait a few minutes and retry"; "within one hour, call your CBP Client Representative" (CATAIR entry summary, July
    2026, how to respond to an ACE system failure).
    """

    first: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(minutes=20)
    give_up: timedelta = timedelta(hours=1)


def next_try(attempts: Attempts, patience: RetryPatience, now: datetime, *, tries: int = 0) -> datetime | None:
    """When it goes again; ``None``: not any more. ``tries`` is how often at most, 0 as long as the patience lasts."""
    if tries and attempts.failed > tries:
        return None
    pause = min(patience.first * (1 << min(attempts.failed - 1, 10)), patience.longest)
    due = now + pause
    return due if due - attempts.first_failed_at <= patience.give_up else None


RETRIES = RetryPatience()
"""The patience of a filer who has set none."""
