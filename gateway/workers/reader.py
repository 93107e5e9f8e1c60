"""How does what CBP sent become outcomes?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ClassVar

from filings import awaited, quick_answers, receiving
from filings.context import FilingContext
from filings.store import Store, of_the_store
from gateway.workers.loop import Worker
from gateway.workers.shift import Shift
from mappings.outcomes import ResponseReading


class Reader(Worker):
    """Takes received files in the order they came, reads them and applies what they say.

    A file over which it fails is set back behind the others, and in the end left to a person.
    """

    name: ClassVar[str] = "reader"
    express: ClassVar[bool | None] = None
    """Which lane it is of; of both."""

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
        files = await self._store.write(
            lambda conn: receiving.take(conn, shift.owner, wall=wall, lease=shift.lease, express=self.express)
        )
        fault: Exception | None = None
        for identifier, payload in files:
            try:
                await self._read(identifier, payload)
            except Exception as error:  # noqa: BLE001 - raised below: one file must not keep back those behind it
                fault = fault or error
                await (self._put_back(identifier) if of_the_store(error) else self._set_back(identifier, error))
        if files:
            self._moved()
        if fault is not None:
            raise fault
        return bool(files)

    async def _read(self, identifier: str, payload: bytes) -> None:
        reading = await asyncio.to_thread(receiving.read_answer, payload, self._ctx.profile)
        sent = await self._store.read(lambda conn: awaited.answered_bytes(conn, reading))
        if sent is not None:
            reading = await asyncio.to_thread(partial(receiving.read_answer, payload, self._ctx.profile, sent=sent))
        await self._apply(identifier, reading)

    async def _put_back(self, identifier: str) -> None:
        owner = self._shift.owner
        await self._store.write(partial(receiving.put_back, identifier=identifier, owner=owner))

    async def _set_back(self, identifier: str, fault: Exception) -> None:
        owner, now = self._shift.owner, self._clock()
        await self._store.write(lambda conn: receiving.set_back(conn, identifier, owner, fault, now))

    async def _apply(self, identifier: str, reading: ResponseReading) -> None:
        now = self._clock()
        await self._store.write(lambda conn: receiving.apply(conn, identifier, reading, now, self._ctx.retries))


class ExpressReader(Reader):
    """Takes what moves few shipments: the answers about one parcel need not wait for those about truckloads."""

    name: ClassVar[str] = "express reader"
    express: ClassVar[bool | None] = True

    async def _read(self, identifier: str, payload: bytes) -> None:
        reading = await asyncio.to_thread(receiving.read_answer, payload, self._ctx.profile)
        if await self._store.read(lambda conn: quick_answers.moves_few(conn, reading)):
            await super()._read(identifier, payload)
        else:
            await self._leave(identifier)

    async def _set_back(self, identifier: str, fault: Exception) -> None:
        del fault  # the other lane meets it, too
        await self._leave(identifier)

    async def _leave(self, identifier: str) -> None:
        owner = self._shift.owner
        await self._store.write(partial(quick_answers.leave, identifier=identifier, owner=owner))


class BulkReader(Reader):
    """Stands beside it for the rest."""

    name: ClassVar[str] = "bulk reader"
    express: ClassVar[bool | None] = False
