"""How is an AS2 message taken in over HTTP, and a receipt for one that we sent?

Order, which is the promise: the body is read within bounds, opened and verified; a message seen before gets the receipt
it got before; the ``accept`` callback stores the message with its receipt and **commits**; only then is the receipt
given. A crash in between costs the sender a repetition, never us a message.

A sender may want its receipt posted (``Receipt-Delivery-Option``), to the place that was agreed and to no other. It is
then owed: what owes it is committed with the message, the answer is 200 and empty, and a worker posts it. A refusal is
told by the same way, unless too many of those wait already: then in the answer.

What is seen before: the same Message-ID from the same partner with the same payload (a repetition: the same receipt),
with another payload (refused), or the very same signature under another Message-ID (``duplicate-document``: taken note
of, not taken in twice). An exception of ``accept`` other than a refusal goes up: the server answers 500, and the
sender, in doubt, comes again.

A receipt that the partner posts to us is verified and handed to ``receipt``, which commits what it settles; 200. One
that cannot be the partner's is recorded like a message that was not taken, and answered 400: never with a receipt.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp import web

from schemas.as2 import (
    MAX_MESSAGE_BYTES,
    As2Message,
    As2Response,
    Identity,
    Mdn,
    Partner,
    ReceiptRequest,
    ReceivedMessage,
    Refusal,
    answer,
    carry,
    is_receipt,
    read_receipt,
    read_request,
)
from schemas.as2.dispositions import DUPLICATE, UNEXPECTED
from schemas.as2.exchange import refusal_of
from schemas.errors import GatewayError, Problem, TransportError

Fields = Iterable[tuple[str, str]]
Accept = Callable[[ReceivedMessage, As2Response], Awaitable[None]]
"""Stores the message with the answer that it will get, and commits; with ``post_to`` the receipt is owed from then on.
A GatewayError that is not a TransportError refuses the message, with a negative receipt."""
Refused = Callable[[Mapping[str, str], bytes, tuple[Problem, ...]], Awaitable[None]]
"""Records a message that was not taken: header fields, body (b"" when too large to be read), problems."""
Earlier = Callable[[ReceivedMessage], Awaitable["EarlierAnswer | None"]]
"""Finds an accepted message with the same sender and Message-ID or, failing that, the same signature digest."""
Answered = Callable[[ReceivedMessage, As2Response], Awaitable[None]]
"""Stores the answer for a message that was stored without its receipt, so that a repetition gets the same."""
Owe = Callable[[str, str, As2Response], Awaitable[bool]]
"""Keeps a receipt to be posted, for a message of this sender under this Message-ID that is not newly stored; ``False``
when it cannot be kept: then it is given in the answer."""
TakeReceipt = Callable[[Mdn, Mapping[str, str], bytes], Awaitable[tuple[Problem, ...]]]
"""Commits what a receipt of a partner settles; problems when nothing vouches for it, and then it is refused."""

_READ_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """An accepted message as its store knows it; ``mdn`` is None when it asked for no receipt."""

    message_id: str
    payload_digest: str
    mdn: As2Message | None = None


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class As2Receiver:
    """Our AS2 door. ``handle`` is an aiohttp handler for POST; ``receive`` is the same without HTTP.

    ``partners`` is asked by AS2 name for every message, so it may be a live mapping. ``new_message_id`` names receipts.
    """

    identity: Identity
    partners: Mapping[str, Partner]
    accept: Accept
    refused: Refused
    new_message_id: Callable[[], str]
    earlier: Earlier
    answered: Answered
    owe: Owe
    receipt: TakeReceipt
    clock: Callable[[], datetime] = _now
    max_bytes: int = MAX_MESSAGE_BYTES
    read_seconds: float = _READ_SECONDS
    _busy: dict[tuple[str, str], _Turn] = field(default_factory=dict, init=False, repr=False)

    async def handle(self, request: web.Request) -> web.Response:
        """Read the request within bounds and answer it: 413 too large, 415 coded, 408 too slow, 400 cut short."""
        fields = list(request.headers.items())
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return web.Response(status=415, text="Content codings are not used with AS2.\n")
        if (request.content_length or 0) > self.max_bytes:
            return await self._too_large(fields)
        body = bytearray()
        try:
            async with asyncio.timeout(self.read_seconds):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > self.max_bytes:
                        return await self._too_large(fields)
        except TimeoutError:
            return web.Response(status=408, text="The message did not arrive in time.\n")
        except (aiohttp.ClientPayloadError, ConnectionError):
            return web.Response(status=400, text="The message was cut short.\n")
        response = await self.receive(fields, bytes(body))
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    async def _too_large(self, fields: list[tuple[str, str]]) -> web.Response:
        text = f"A message holds at most {self.max_bytes} bytes."
        await self.refused(_mapping(fields), b"", (Problem(UNEXPECTED, "body", text),))
        response = web.Response(status=413, text=f"{text}\n")
        response.force_close()
        return response

    async def receive(self, headers: Fields | Mapping[str, str], body: bytes) -> As2Response:
        """Answer one request whose body is complete; ``accept`` has committed before a positive answer is made."""
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        if is_receipt(fields, body):
            return await self._take_receipt(fields, body)
        arrived = await asyncio.to_thread(
            read_request, fields, body, me=self.identity, partners=self.partners, received_at=self.clock()
        )
        if isinstance(arrived, Refusal):
            return await self._refuse(arrived, fields, body)
        async with self._alone(arrived.sender, arrived.message_id):
            return await self._take(arrived, fields, body)

    async def _take(self, arrived: ReceivedMessage, fields: list[tuple[str, str]], body: bytes) -> As2Response:
        known = await self.earlier(arrived)
        if known is not None and known.message_id != arrived.message_id:
            return await self._given(arrived, self._answer(arrived, DUPLICATE))
        if known is not None and known.payload_digest != arrived.payload_digest:
            problem = Problem(UNEXPECTED, "headers.message-id", "This Message-ID has come before with another content.")
            return await self._refuse(refusal_of(fields, (problem,), self.partners), fields, body)
        if known is not None and known.mdn is not None:
            return await self._given(arrived, carry(known.mdn, arrived.receipt.async_url))
        response = self._answer(arrived)
        if known is not None:
            await self.answered(arrived, response)
            return response
        try:
            await self.accept(arrived, response)
        except TransportError:
            raise
        except GatewayError as error:
            return await self._refuse(refusal_of(fields, error.problems, self.partners), fields, body)
        return response

    async def _take_receipt(self, fields: list[tuple[str, str]], body: bytes) -> As2Response:
        came = await asyncio.to_thread(
            read_receipt, fields, body, me=self.identity, partners=self.partners, received_at=self.clock()
        )
        if isinstance(came, Mdn):
            problems = await self.receipt(came, _mapping(fields), body)
            if not problems:
                return As2Response(200, {"Content-Type": "text/plain; charset=us-ascii"}, b"")
            came = Refusal(came.original_message_id, came.sender, self.identity.as2_name, problems, ReceiptRequest())
        return await self._refuse(came, fields, body)

    def _answer(self, about: ReceivedMessage | Refusal, disposition: str = "") -> As2Response:
        return answer(
            about, me=self.identity, message_id=self.new_message_id(), date=self.clock(), disposition=disposition
        )

    async def _refuse(self, refusal: Refusal, fields: list[tuple[str, str]], body: bytes) -> As2Response:
        await self.refused(_mapping(fields), body, refusal.problems)
        return await self._given(refusal, self._answer(refusal))

    async def _given(self, about: ReceivedMessage | Refusal, response: As2Response) -> As2Response:
        """The answer, after what it owes has been committed."""
        if response.mdn is None or not response.post_to or await self.owe(about.sender, about.message_id, response):
            return response
        return carry(response.mdn)

    @asynccontextmanager
    async def _alone(self, sender: str, message_id: str) -> AsyncIterator[None]:
        # Two deliveries of one message at one time would both find nothing earlier: they go one after the other.
        key = (sender, message_id)
        turn = self._busy.setdefault(key, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if turn.wanted == 0:
                del self._busy[key]


def _mapping(fields: list[tuple[str, str]]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, value in fields:
        shown[name] = f"{shown[name]}, {value}" if name in shown else value
    return shown
