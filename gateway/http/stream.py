"""How do events reach a listener as they happen, without one slow listener costing the others?

Server-sent events from the stored, ordered events: the ``id`` of each is its cursor, so a listener that
reconnects with ``Last-Event-ID`` misses nothing and nothing is kept per listener but its cursor. One
watcher per process asks the store for the newest cursor while anybody listens; listeners wait for it.
The number of listeners is bounded, and one that does not read is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

MAX_LISTENERS: Final = 100
HEARTBEAT_SECONDS: Final = 15.0
"""A comment this often keeps proxies from closing a quiet stream."""
SLOW_LISTENER_SECONDS: Final = 30.0
STREAM_SECONDS: Final = 900.0
"""A stream ends after this long and the listener comes back by itself: a revoked key does not listen on."""
BATCH: Final = 200
RETRY_MILLISECONDS: Final = 2000
POLL_SECONDS: Final = 0.25


class TooManyListeners(Exception):
    """The bound on open streams is reached."""


class NewestCursor:
    """Watches for new events while somebody listens; ``newest`` reads the highest cursor of the store."""

    def __init__(self, newest: Callable[[], Awaitable[int]], poll_seconds: float = POLL_SECONDS) -> None:
        self._newest = newest
        self._poll_seconds = poll_seconds
        self._changed = asyncio.Condition()
        self._cursor = 0
        self._listeners = 0
        self._watcher: asyncio.Task[None] | None = None
        self._fault: Exception | None = None
        self.closed = False

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return self._listeners

    async def __aenter__(self) -> Self:
        if self._listeners >= MAX_LISTENERS:
            raise TooManyListeners
        self._listeners += 1
        if self._watcher is None or self._watcher.done():
            self._fault = None
            self._watcher = asyncio.create_task(self._watch(), name="events-newest-cursor")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._listeners -= 1
        if self._listeners == 0 and self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def beyond(self, cursor: int, timeout: float) -> bool:  # noqa: ASYNC109 - silence is an answer here, not an error
        """Whether there are events after ``cursor`` within ``timeout`` seconds. Raises what the watcher met."""
        async with self._changed:
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait_for(
                        lambda: self._cursor > cursor or self.closed or self._fault is not None
                    )
            except TimeoutError:
                return False
            if self._fault is not None:
                raise self._fault
            return self._cursor > cursor and not self.closed

    async def close(self) -> None:
        """End all streams (the service stops)."""
        async with self._changed:
            self.closed = True
            self._changed.notify_all()

    async def _watch(self) -> None:
        while not self.closed:
            try:
                cursor = await self._newest()
            except Exception as error:  # noqa: BLE001 - handed to the listeners, who end; they reconnect by themselves
                async with self._changed:
                    self._fault = error
                    self._changed.notify_all()
                return
            if cursor != self._cursor:
                async with self._changed:
                    self._cursor = cursor
                    self._changed.notify_all()
            await asyncio.sleep(self._poll_seconds)
