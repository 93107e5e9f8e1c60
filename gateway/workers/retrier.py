"""Who sends again what CBP could not process?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ClassVar

from filings import retrying
from filings.context import FilingContext
from filings.store import Store
from gateway.workers.loop import Worker


class Retrier(Worker):
    """Queues again what is due; see :mod:`filings.retrying`."""

    name: ClassVar[str] = "retrier"

    def __init__(
        self, store: Store, ctx: FilingContext, clock: Callable[[], datetime], moved: Callable[[], None]
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved
        self._due: list[retrying.Due] = []

    async def turn(self) -> bool:
        """Look, and queue what is due; ``True`` if there may be more at once."""
        now = self._clock()
        before = self._due
        self._due = await self._store.read(lambda conn: retrying.due(conn, now, before))
        found = self._due
        waiting = await self._store.read(lambda conn: retrying.ready(conn, found, now)) if found else []
        fault: Exception | None = None
        for identifier in waiting:
            try:
                work = partial(retrying.send_again, ctx=self._ctx, identifier=identifier, now=now)
                if await self._store.write(work):
                    self._moved()
            except Exception as error:  # noqa: BLE001 - raised below, when the others have had their turn
                fault = fault or error
        if fault is not None:
            raise fault
        return len(waiting) == retrying.AT_ONCE
