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
from gateway.workers.shift import Shift
from mappings.outcomes import ResponseReading


class Reader(Worker):
    """Takes received files in the order they came, reads them and applies what they say."""

    name: ClassVar[str] = "reader"

    def __init__(
        self,
        store: Store,
        ctx: FilingContext,
        clock: Callable[[], datetime],
        moved: Callable[[], None],
        shift: Shift | None = None,
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved
        self._shift = shift or Shift(store)

    async def turn(self) -> bool:
        """Read and apply what has come; ``True`` if something had."""
        shift = self._shift
        wall = shift.wall()
        files = await self._store.write(lambda conn: receiving.take(conn, shift.owner, wall=wall, lease=shift.lease))
        fault: Exception | None = None
        for identifier, payload in files:
            try:
                await self._apply(identifier, await self._read(payload))
            except Exception as error:  # noqa: BLE001 - raised below: one file must not keep back those behind it
                fault = fault or error
                await self._store.write(partial(receiving.put_back, identifier=identifier, owner=shift.owner))
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
