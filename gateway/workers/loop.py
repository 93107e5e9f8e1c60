"""How does a worker wait, work and survive its own errors?

A worker does one ``turn`` at a time until a turn finds nothing to do, then waits to be woken or for its
patience to run out. An error of a turn is logged with its worker's name, never swallowed, and followed
by a growing pause; the others go on. A database server that is away is told once, and that it is back.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar, Final

import structlog

from filings.store import StoreAway
from schemas.errors import TransportError

PATIENCE: Final = 0.5
LONGEST_PAUSE: Final = 10.0

log = structlog.get_logger("gateway.worker")


class Worker(ABC):
    """One kind of work, in a loop of its own."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.last_error: str = ""

    @abstractmethod
    async def turn(self) -> bool:
        """Do one piece of work; ``True`` if there may be more at once."""

    def wake(self) -> None:
        """There may be work."""
        self._awake.set()

    def start(self) -> None:
        """Begin the loop."""
        self._task = asyncio.create_task(self._run(), name=f"worker {self.name}")

    async def stop(self) -> None:
        """End the loop; a turn under way is cancelled and found again by its lease or state."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        pause = PATIENCE
        while True:
            self._awake.clear()
            try:
                busy = await self.turn()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                before, self.last_error = self.last_error, f"{type(error).__name__}: {error}"
                if isinstance(error, StoreAway):
                    if not before.startswith(StoreAway.__name__):  # once: every worker meets it, at every turn
                        log.warning("store_away", worker=self.name, cause=str(error))
                elif isinstance(error, TransportError):  # its sentence says it all; the other side is away for hours
                    log.warning("turn failed", worker=self.name, pause=pause, error=str(error))
                else:
                    log.exception("turn failed", worker=self.name, pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if self.last_error.startswith(StoreAway.__name__):
                log.info("store_back", worker=self.name)
            self.last_error = ""
            pause = PATIENCE
            if not busy:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):  # wait_for of Python 3.11 can swallow a cancellation
                        await self._awake.wait()
