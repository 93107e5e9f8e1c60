"""How do the receipts that we owe reach the partner?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from filings import owed_receipts
from filings.store import Store
from gateway.workers.loop import Worker
from gateway.workers.shift import machine_clock
from schemas.errors import TransportError

AT_ONCE: Final = 4
"""Receipts posted at one time."""


class ReceiptGiver(Worker):
    """Posts what is owed, until it is taken.

    ``allowed`` says whether an address is still one that was agreed with the partner; ``post`` raises TransportError
    unless the partner took the receipt.
    """

    name: ClassVar[str] = "receipts"

    def __init__(
        self,
        store: Store,
        partner: str,
        allowed: Callable[[str], bool],
        post: Callable[[str, Mapping[str, str], bytes], Awaitable[None]],
        clock: Callable[[], datetime],
        owner: str,
        *,
        wall: Callable[[], datetime] = machine_clock,
        lease: timedelta = owed_receipts.LEASE,
    ) -> None:
        super().__init__()
        self._store = store
        self._partner = partner
        self._allowed = allowed
        self._post = post
        self._clock = clock
        self._owner = owner
        self._wall = wall
        self._lease = lease

    async def turn(self) -> bool:
        """Post what is due; ``True`` if something was."""
        wall = self._wall()
        taken = await self._store.write(
            lambda conn: owed_receipts.take(conn, self._partner, self._owner, AT_ONCE, wall, self._lease)
        )
        ends = await asyncio.gather(*(self._give(due) for due in taken), return_exceptions=True)
        for end in ends:  # raised when all have ended: what goes wrong with one is not the others' affair
            if isinstance(end, BaseException):
                raise end
        return bool(taken)

    async def _give(self, due: owed_receipts.Due) -> None:
        if not self._allowed(due.url):
            await self._failed(due, "It is not an address of this partner any more.", hopeless=True)
            return
        try:
            await self._post(due.url, due.headers, due.body)
        except TransportError as error:
            await self._failed(due, error.problems[0].text)
            return
        now, wall = self._clock(), self._wall()
        await self._store.write(lambda conn: owed_receipts.given(conn, due, self._owner, now=now, wall=wall))

    async def _failed(self, due: owed_receipts.Due, reason: str, *, hopeless: bool = False) -> None:
        now, wall = self._clock(), self._wall()
        await self._store.write(
            lambda conn: owed_receipts.not_given(conn, due, self._owner, reason, now=now, wall=wall, hopeless=hopeless)
        )
