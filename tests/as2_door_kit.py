"""Our AS2 door with a store in memory behind it, on a loopback port."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from gateway.transports import As2Receiver, EarlierAnswer
from schemas.as2 import As2Message, As2Response, Mdn, ReceivedMessage
from schemas.errors import Problem
from tests.as2_kit import NOW, alpha, beta, partner


@dataclass
class Shelf:
    """A store in memory that behaves as a database would: what it has accepted stays, and it knows its receipts."""

    accepted: list[ReceivedMessage] = field(default_factory=list)
    owed: list[tuple[str, As2Message]] = field(default_factory=list)
    came: list[Mdn] = field(default_factory=list)
    refusals: list[tuple[dict[str, str], bytes, tuple[Problem, ...]]] = field(default_factory=list)
    receipts: dict[str, As2Message] = field(default_factory=dict)
    fault: Exception | None = None
    keeps_receipts: bool = True
    room: bool = True

    async def accept(self, received: ReceivedMessage, response: As2Response) -> None:
        await asyncio.to_thread(len, "")  # others get their turn
        if self.fault is not None:
            raise self.fault
        self.accepted.append(received)
        await self.answered(received, response)

    async def refused(self, headers: object, body: bytes, problems: tuple[Problem, ...]) -> None:
        self.refusals.append((dict(headers), body, problems))  # type: ignore[call-overload]

    async def earlier(self, received: ReceivedMessage) -> EarlierAnswer | None:
        await asyncio.to_thread(len, "")  # others get their turn
        for known in self.accepted:
            if known.message_id == received.message_id or (
                known.signature_digest and known.signature_digest == received.signature_digest
            ):
                return EarlierAnswer(known.message_id, known.payload_digest, self.receipts.get(known.message_id))
        return None

    async def answered(self, received: ReceivedMessage, response: As2Response) -> None:
        assert received in self.accepted
        if response.mdn is not None and self.keeps_receipts:
            self.receipts[received.message_id] = response.mdn
        if response.mdn is not None and response.post_to:
            self.owed.append((response.post_to, response.mdn))

    async def owe(self, sender: str, about: str, response: As2Response) -> bool:
        assert (sender, bool(about)) == ("ALPHA", True)
        assert response.mdn is not None
        if self.room:
            self.owed.append((response.post_to, response.mdn))
        return self.room

    async def receipt(self, mdn: Mdn, _headers: object, _body: bytes) -> tuple[Problem, ...]:
        self.came.append(mdn)
        return () if mdn.signed_ok else (Problem("as2-receipt-unknown", "mdn", "Nobody vouches for it."),)


def receiver(shelf: Shelf, **changes: object) -> As2Receiver:
    numbers = itertools.count(1)
    arguments: dict[str, object] = {
        "identity": beta(),
        "partners": {"ALPHA": partner(alpha())},
        "accept": shelf.accept,
        "refused": shelf.refused,
        "new_message_id": lambda: f"<r-{next(numbers)}@beta.example>",
        "earlier": shelf.earlier,
        "answered": shelf.answered,
        "owe": shelf.owe,
        "receipt": shelf.receipt,
        "clock": lambda: NOW,
    }
    return As2Receiver(**(arguments | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An HTTP server on a free loopback port with one handler; its address."""
    app = web.Application(client_max_size=1)  # the handler's own bound is what counts
    app.router.add_post("/as2", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/as2"
    finally:
        await runner.cleanup()
