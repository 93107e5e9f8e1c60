"""Do the loops end when they are told to, at any moment?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from gateway.workers.loop import Worker
from sandbox.cbp import Cbp
from sandbox.clock import Clock
from sandbox.runner import Runner


async def seconds_of(end: Awaitable[None]) -> float:
    """How long it takes; cut short, for a loop that has missed its end would go on for ever."""
    begin = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await end
    return time.monotonic() - begin


class Idle(Worker):
    """Never has anything to do."""

    name: ClassVar[str] = "idle"

    async def turn(self) -> bool:
        """Nothing."""
        return False


@pytest.mark.parametrize("steps", range(6))
async def test_a_worker_that_is_woken_and_stopped_at_once_ends(steps: int) -> None:
    """The end is not lost when it comes in the moment of waking."""
    worker = Idle()
    worker.start()
    await asyncio.sleep(0.01)
    worker.wake()
    for _ in range(steps):
        await asyncio.sleep(0)
    assert await seconds_of(worker.stop()) < 1


@pytest.mark.parametrize("steps", range(6))
async def test_a_sandbox_that_is_woken_and_stopped_at_once_ends(steps: int) -> None:
    """The same for its sender."""
    runner = Runner(Cbp(), Clock(frozen_at=datetime(2025, 3, 10, tzinfo=UTC)))
    runner.start()
    await asyncio.sleep(0.05)
    runner.wake()
    for _ in range(steps):
        await asyncio.sleep(0)
    assert await seconds_of(runner.stop()) < 1
    runner.cbp.store.close()
