"""What is the next identifier?

UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then a counter and random bits.
Identifiers of one source always grow, also inside one millisecond and when the clock steps back,
so rows inserted in order lie in order and a page of a listing can continue after an identifier.
The clock and the randomness are arguments, so that a run can be repeated exactly.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime

_RANDOM_BITS = 74  # 12 bits (rand_a) and 62 bits (rand_b)
_STEP_BITS = 32  # growth inside one millisecond: small enough to leave room, large enough not to be guessed


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Uuid7Source:
    """Makes growing identifiers; one source may be used from several threads."""

    def __init__(
        self,
        milliseconds: Callable[[], int] = _milliseconds,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last_time = -1
        self._last_tail = 0

    def next(self, at: datetime | None = None) -> uuid.UUID:
        """The next identifier, greater than every one before it; ``at`` stands in for the clock."""
        with self._lock:
            now = self._milliseconds() if at is None else int(at.timestamp() * 1000)
            if now > self._last_time:
                self._last_time, self._last_tail = now, self._random_bits(_RANDOM_BITS - 1)
            else:
                self._last_tail += 1 + self._random_bits(_STEP_BITS)
                if self._last_tail >> _RANDOM_BITS:
                    self._last_time += 1
                    self._last_tail = self._random_bits(_RANDOM_BITS - 1)
            return _compose(self._last_time, self._last_tail)


def _compose(milliseconds: int, tail: int) -> uuid.UUID:
    rand_a, rand_b = tail >> 62, tail & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    return uuid.UUID(int=value)


_SOURCE = Uuid7Source()


def uuid7(at: datetime | None = None) -> str:
    """The next identifier of this process as text; ``at`` is an aware instant, default now."""
    return str(_SOURCE.next(at))


def following(identifier: str) -> str:
    """The identifier right behind another one: a row with it lies behind that row, and before all made since."""
    return str(uuid.UUID(int=uuid.UUID(identifier).int + 1))
