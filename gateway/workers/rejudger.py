"""Who notices that the law has moved on while a truck is on its way?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from filings import rejudging
from filings.context import FilingContext
from filings.store import Store
from gateway.workers.loop import Worker


class Rejudger(Worker):
    """Judges trips again whose arrival, rule book or day has changed; see :mod:`filings.rejudging`.

    A look is one search of an index, so it is done at every turn: a lapse is found in the second it happens.
    """

    name: ClassVar[str] = "rejudger"

    def __init__(
        self, store: Store, ctx: FilingContext, clock: Callable[[], datetime], moved: Callable[[], None]
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved
        self._installed: str | None = ctx.rules.version

    async def turn(self) -> bool:
        """Look, and judge what is due; ``True`` if there may be more at once."""
        now, installed = self._clock(), self._installed
        waiting = await self._store.read(lambda conn: rejudging.due(conn, now, installed=installed))
        fault: Exception | None = None
        for trip_number in waiting:
            try:
                await self._judge(trip_number, now)
            except Exception as error:  # noqa: BLE001 - raised below, when the other trips have had their turn
                fault = fault or error
        if fault is not None:
            raise fault
        if len(waiting) < rejudging.AT_ONCE:
            self._installed = None  # those judged by another rule book are asked for once, when a process starts
            return False
        return True

    async def _judge(self, trip_number: str, now: datetime) -> None:
        work = await self._store.read(lambda conn: rejudging.read_work(conn, trip_number, now))
        if work is None:
            return
        made = await asyncio.to_thread(rejudging.make, self._ctx, work)
        if await self._store.write(lambda conn: rejudging.store(conn, self._ctx, made, self._clock())):
            self._moved()
