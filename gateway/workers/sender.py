"""How does what is in the outbox reach the partner?"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, Final

from filings import receiving, sending
from filings.store import Store
from gateway.transports import Handover, OutboundFile, PreparedTransmission, Receipt, Transport
from gateway.workers.loop import Worker
from gateway.workers.shift import machine_clock
from schemas.as2 import make_message_id
from schemas.errors import FormatError, TransportError

AT_ONCE: Final = 4
"""Transmissions on their way at one time."""


RECEIPT_WAIT: Final = timedelta(minutes=5)
"""How long a receipt that is to be posted to us may take before the same bytes are sent again."""


class Sender(Worker):
    """Takes queued transmissions, commits their exact bytes, sends them, records what came of it."""

    name: ClassVar[str] = "sender"
    express: ClassVar[bool] = False

    def __init__(
        self,
        store: Store,
        partner: str,
        transport: Callable[[], Transport],
        clock: Callable[[], datetime],
        owner: str,
        moved: Callable[[], None],
        *,
        wall: Callable[[], datetime] = machine_clock,
        receipt_wait: timedelta = RECEIPT_WAIT,
        lease: timedelta = sending.LEASE,
    ) -> None:
        super().__init__()
        self._store = store
        self._partner = partner
        self._transport = transport
        self._clock = clock
        self._owner = owner
        self._moved = moved
        self._wall = wall
        self._receipt_wait = receipt_wait
        self._lease = lease

    async def turn(self) -> bool:
        """Send what is due; ``True`` if something was."""
        now, wall = self._clock(), self._wall()
        taken = await self._store.write(
            lambda conn: sending.take(
                conn,
                self._partner,
                self._owner,
                AT_ONCE,
                now=now,
                wall=wall,
                lease=self._lease,
                express=self.express,
            )
        )
        if taken:
            until = wall + self._lease
            ends = await asyncio.gather(*(self._send(one, until) for one in taken), return_exceptions=True)
            self._moved()
            for end in ends:  # raised when all have ended: what goes wrong with one is not the others' affair
                if isinstance(end, BaseException):
                    raise end
        return bool(taken)

    async def _send(self, outgoing: sending.Outgoing, until: datetime) -> None:
        try:
            transport = self._transport()
            prepared = await self._prepared(transport, outgoing)
            if prepared is None or self._wall() >= until:
                return  # we stood still for longer than our lease: it is somebody else's now
            end = await transport.send(prepared)
        except TransportError as error:
            await self._undelivered(outgoing, error)
        except FormatError as error:
            await self._undelivered(outgoing, TransportError(error.problems, in_doubt=False))
        else:
            await self._record(outgoing, end)

    async def _prepared(self, transport: Transport, outgoing: sending.Outgoing) -> PreparedTransmission | None:
        """The bytes committed before, or new ones, committed now; ``None`` if the lease was lost."""
        if outgoing.prepared is not None:
            body = base64.b64encode(outgoing.prepared_body or b"").decode()
            return PreparedTransmission.from_dict({**outgoing.prepared, "body": body})
        file = OutboundFile(outgoing.name, outgoing.payload, outgoing.content_type)
        now = self._wall()
        identifier = make_message_id(outgoing.id, f"{outgoing.attempts}.gateway")
        made = await asyncio.to_thread(transport.prepare, file, message_id=identifier, at=now)
        headers = made.as_dict()
        del headers["body"]
        held = await self._store.write(
            lambda conn: sending.prepared(
                conn, outgoing.id, self._owner, made.message_id, headers, made.body, now, self._lease
            )
        )
        return made if held else None

    async def _record(self, outgoing: sending.Outgoing, end: Receipt | Handover) -> None:
        attempt = self._attempt(outgoing)
        if isinstance(end, Handover):
            await self._store.write(lambda conn: sending.handed_over(conn, attempt, self._receipt_wait))
            return
        shown, body = receiving.printable(end.as_dict()), end.body
        if end.refused:
            await self._store.write(lambda conn: sending.refused(conn, attempt, shown, body))
        else:
            await self._store.write(lambda conn: sending.delivered(conn, outgoing.id, shown, body, attempt.now))

    async def _undelivered(self, outgoing: sending.Outgoing, error: TransportError) -> None:
        attempt = self._attempt(outgoing)
        await self._store.write(
            lambda conn: sending.undelivered(
                conn, attempt, error.problems, in_doubt=error.in_doubt, needs_person=error.needs_person
            )
        )

    def _attempt(self, outgoing: sending.Outgoing) -> sending.Attempt:
        return sending.Attempt(outgoing.id, self._owner, outgoing.attempts, self._clock(), self._wall())


class ExpressSender(Sender):
    """Stands beside a sender and takes only the messages of small trips: they need not wait until the long ones that
    are on their way have their receipts.
    """

    name: ClassVar[str] = "express sender"
    express: ClassVar[bool] = True
