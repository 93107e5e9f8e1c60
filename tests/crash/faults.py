"""Would the tests notice? Gateways that do things in the wrong order, each sound as long as nobody ends it.

Each fault is put in at a seam of the real code, together with the boundary at which a death shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from unittest.mock import patch

from aiohttp import web
from sqlalchemy import Connection

from filings import amending, planning, sending
from filings.control_numbers import allocate
from gateway.http import idempotency
from gateway.receipts import Receipts
from gateway.transports import Handover, OutboundFile, PreparedTransmission, Receipt, Transport
from gateway.workers.sender import Sender
from schemas.as2 import make_message_id

LATE: Final = 0.05
"""Seconds: long enough for a receipt to leave before what it acknowledges is kept."""


@contextmanager
def sends_before_it_commits() -> Iterator[None]:
    """The exact bytes are committed with the receipt for them, not before the socket opens."""
    real_prepared, real_record = Sender._prepared, Sender._record
    unkept: dict[str, PreparedTransmission] = {}

    async def prepared(self: Sender, transport: Transport, outgoing: sending.Outgoing) -> PreparedTransmission | None:
        if outgoing.prepared is not None:
            return await real_prepared(self, transport, outgoing)
        file = OutboundFile(outgoing.name, outgoing.payload, outgoing.content_type)
        identifier = make_message_id(outgoing.id, f"{outgoing.attempts}.gateway")
        unkept[outgoing.id] = transport.prepare(file, message_id=identifier, at=self._wall())
        return unkept[outgoing.id]

    async def record(self: Sender, outgoing: sending.Outgoing, end: Receipt | Handover) -> None:
        made = unkept.pop(outgoing.id, None)
        if made is not None:
            headers, wall = made.as_dict(), self._wall()
            del headers["body"]
            await self._store.write(
                lambda conn: sending.prepared(conn, outgoing.id, self._owner, made.message_id, headers, made.body, wall)
            )
        await real_record(self, outgoing, end)

    with patch.object(Sender, "_prepared", prepared), patch.object(Sender, "_record", record):
        yield


@contextmanager
def marks_delivered_before_sending() -> Iterator[None]:
    """What will surely arrive is noted as delivered first."""

    async def send(self: Sender, outgoing: sending.Outgoing, _until: datetime) -> None:
        transport = self._transport()
        prepared = await self._prepared(transport, outgoing)
        if prepared is None:
            return
        now = self._clock()
        await self._store.write(lambda conn: sending.delivered(conn, outgoing.id, {"text": "surely"}, b"", now))
        await transport.send(prepared)

    with patch.object(Sender, "_send", send):
        yield


@contextmanager
def signs_before_it_keeps() -> Iterator[None]:
    """CBP gets our receipt for an answer that is kept a moment later."""
    real = Receipts.accept
    running: set[asyncio.Task[None]] = set()

    async def accept(self: Receipts, *given: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(LATE)
            await real(self, *given)

        task = asyncio.create_task(later())
        running.add(task)
        task.add_done_callback(running.discard)

    with patch.object(Receipts, "accept", accept):
        yield


@contextmanager
def counts_in_memory() -> Iterator[None]:
    """Interchange numbers go on from what the store said when the process began."""
    memory: dict[str, int] = {}

    def counted(conn: Connection, name: str, count: int = 1, **named: Any) -> list[int]:
        if not name.startswith("interchange:"):
            return list(allocate(conn, name, count, **named))
        if name not in memory:
            unkept = conn.begin_nested()
            memory[name] = allocate(conn, name, 1, **named)[0]
            unkept.rollback()
        first = memory[name]
        memory[name] += count
        return list(range(first, first + count))

    with ExitStack() as stack:
        for module in (planning, amending):
            stack.enter_context(patch.object(module, "allocate", counted))
        yield


@contextmanager
def forgets_its_keys() -> Iterator[None]:
    """An act is done for each request, whatever has been done under its key."""

    def once(conn: Connection, _scope: Any, _digest: Any, _now: Any, act: Callable[[Connection], Any]) -> web.Response:
        answer: web.Response = act(conn)
        return answer

    with patch.object(idempotency, "once", once):
        yield


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault; the day on which, and the kind of boundary at which, a death shows it; what is broken then.

    ``sound``: without a death the day goes well for certain, however slow the machine.
    """

    put_in: Callable[[], AbstractContextManager[None]]
    day: Literal["filed", "changed", "cleared"]
    dies_at: str
    breaks: frozenset[str]
    sound: bool = True


_AHEAD, _LOST = "no state is ahead of the evidence", "no acknowledged input is lost"

FAULTS: Final[dict[str, Fault]] = {
    "sends before it commits": Fault(
        sends_before_it_commits, "filed", "send: the answer is there", frozenset({"doubt is shown"})
    ),
    "marks delivered before sending": Fault(
        marks_delivered_before_sending, "filed", "send: before the socket opens", frozenset({_AHEAD})
    ),
    "signs before it keeps": Fault(
        signs_before_it_keeps, "filed", "before commit: Receipts.accept", frozenset({_LOST}), sound=False
    ),
    "counts in memory": Fault(
        counts_in_memory,
        "cleared",
        "answer: cancel_filing",
        frozenset({"no control number is used again", "bytes are resent unchanged"}),
    ),
    "forgets its keys": Fault(
        forgets_its_keys, "changed", "answer: cancel_filing", frozenset({"what is asked again gets its first answer"})
    ),
}
