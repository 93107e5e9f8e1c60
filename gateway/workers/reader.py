"""How does what CBP sent become outcomes?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ClassVar

from filings import awaited, receiving
from filings.context import FilingContext
from filings.store import Store
from gateway.workers.loop import Worker
from mappings.outcomes import ResponseReading


class Reader(Worker):
    """Reads received files in the order they came and applies what they say."""

    name: ClassVar[str] = "reader"

    def __init__(
        self, store: Store, ctx: FilingContext, clock: Callable[[], datetime], moved: Callable[[], None]
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved

    async def turn(self) -> bool:
        """Read and apply what has come; ``True`` if something had."""
        files = await self._store.read(receiving.next_received)
        fault: Exception | None = None
        for identifier, payload in files:
            try:
                await self._apply(identifier, await self._read(payload))
            except Exception as error:  # noqa: BLE001 - raised below: one file must not keep back those behind it
                fault = fault or error
        if files:
            self._moved()
        if fault is not None:
            raise fault
        return bool(files)

    async def _read(self, payload: bytes) -> ResponseReading:
        reading = await asyncio.to_thread(receiving.read_answer, payload, self._ctx.profile)
        sent = await self._store.read(lambda conn: awaited.answered_bytes(conn, reading))
        if sent is None:
            return reading
        return await asyncio.to_thread(partial(receiving.read_answer, payload, self._ctx.profile, sent=sent))

    async def _apply(self, identifier: str, reading: ResponseReading) -> None:
        now = self._clock()
        await self._store.write(lambda conn: receiving.apply(conn, identifier, reading, now, self._ctx.retries))
