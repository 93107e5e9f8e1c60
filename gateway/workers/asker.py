"""Who asks CBP for what it does not answer?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from math import inf
from typing import ClassVar, Final

from filings import asking
from filings.context import FilingContext
from filings.deadlines import Patience
from filings.store import Store
from gateway.workers.loop import Worker

SECONDS: Final = 5.0


class Asker(Worker):
    """Looks every few seconds for silence that has lasted long enough; see :mod:`filings.asking`."""

    name: ClassVar[str] = "asker"

    def __init__(
        self,
        store: Store,
        ctx: FilingContext,
        patience: Patience,
        clock: Callable[[], datetime],
        moved: Callable[[], None],
        *,
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._patience = patience
        self._clock = clock
        self._moved = moved
        self._pace = pace
        self._next = -inf

    async def turn(self) -> bool:
        """Look, if it is time, and ask; ``True`` if there may be more at once."""
        if self._pace() < self._next:
            return False
        now = self._clock()
        waiting = await self._store.read(lambda conn: asking.due(conn, self._patience, now))
        fault: Exception | None = None
        for identifier in waiting:
            try:
                work = partial(asking.ask, ctx=self._ctx, patience=self._patience, identifier=identifier, now=now)
                if await self._store.write(work):
                    self._moved()
            except Exception as error:  # noqa: BLE001 - raised below, when the others have been asked for
                fault = fault or error
        busy = len(waiting) == asking.AT_ONCE
        self._next = -inf if busy else self._pace() + SECONDS
        if fault is not None:
            raise fault
        return busy
