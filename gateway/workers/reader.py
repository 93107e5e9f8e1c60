"""How does what CBP sent become outcomes?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from filings import receiving
from filings.context import FilingContext
from filings.store import Store
from gateway.workers.loop import Worker
from mappings.outcomes import read_response


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
        for identifier, payload in files:
            reading = await asyncio.to_thread(read_response, payload, self._ctx.profile)
            now = self._clock()
            await self._store.write(lambda conn, i=identifier, r=reading, n=now: receiving.apply(conn, i, r, n))  # type: ignore[misc]
        if files:
            self._moved()
        return bool(files)
