"""Who notices that nothing happens?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import ClassVar, Final

from filings import watching
from filings.deadlines import Patience
from filings.store import Store
from gateway.workers.loop import Worker

SECONDS: Final = 5.0


class Watcher(Worker):
    """Looks at the deadlines every few seconds; see :mod:`filings.watching`."""

    name: ClassVar[str] = "watcher"

    def __init__(
        self,
        store: Store,
        patience: Patience,
        clock: Callable[[], datetime],
        *,
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._store = store
        self._patience = patience
        self._clock = clock
        self._pace = pace
        self._next = -inf

    async def turn(self) -> bool:
        """Look, if it is time; there is never more at once."""
        if self._pace() >= self._next:
            self._next = self._pace() + SECONDS
            now = self._clock()
            await self._store.write(lambda conn: watching.watch(conn, self._patience, now))
        return False
