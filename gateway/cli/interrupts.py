"""How does a command that waits end well when it is interrupted?

The first interrupt cancels what runs, so that it can say its last word; some senders give the signal twice at once, so
that a second one within a moment counts as the same. A later one ends the process without more ado. Either way the
exit status is 130.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

SAME: Final = 1.0
"""Seconds within which interrupts are one."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """As :func:`asyncio.run`; raises :class:`KeyboardInterrupt` once ``work`` has ended after an interrupt."""
    first: float | None = None

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def interrupted() -> None:
            nonlocal first
            if first is None:
                first = time.monotonic()
                task.cancel()
            elif time.monotonic() - first > SAME:
                loop.remove_signal_handler(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)

        loop.add_signal_handler(signal.SIGINT, interrupted)
        try:
            return await task
        finally:
            if first is not None:  # the process ends: the same interrupt, come late, must not break its end
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        if first is None:
            raise
        raise KeyboardInterrupt from None
