"""How is an AS2 message taken in over HTTP?

Order, which is the promise: the body is read within bounds, opened and verified; a message seen before gets the answer
it got before; the ``accept`` callback stores it and **commits**; only then is the receipt made and sent. A crash in
between costs the sender a repetition, never us a message.

What is seen before: the same Message-ID from the same partner with the same payload (a repetition: the same receipt),
with another payload (refused), or the very same signature under another Message-ID (``duplicate-document``: taken note
of, not taken in twice). An exception of ``accept`` other than a refusal goes up: the server answers 500, and the
sender, in doubt, comes again.
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
    Partner,
    ReceivedMessage,
    Refusal,
    answer,
    read_request,
)
from schemas.as2.dispositions import DUPLICATE, UNEXPECTED
from schemas.as2.exchange import refusal_of, repeat
from schemas.errors import GatewayError, Problem, TransportError

Fields = Iterable[tuple[str, str]]
Accept = Callable[[ReceivedMessage], Awaitable[None]]
"""Stores the message and commits. A GatewayError that is not a TransportError refuses it, with a negative receipt."""
Refused = Callable[[Mapping[str, str], bytes, tuple[Problem, ...]], Awaitable[None]]
"""Records a message that was not taken: header fields, body (b"" when too large to be read), problems."""
Earlier = Callable[[ReceivedMessage], Awaitable["EarlierAnswer | None"]]
"""Finds an accepted message with the same sender and Message-ID or, failing that, the same signature digest."""
Answered = Callable[[ReceivedMessage, As2Message], Awaitable[None]]
"""Stores the receipt that is about to be given, so that a repetition gets the same."""

_READ_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """An accepted message as its store knows it; ``mdn`` is None when a crash came before the receipt was stored."""

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
    earlier: Earlier | None = None
    answered: Answered | None = None
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
        arrived = await asyncio.to_thread(
            read_request, fields, body, me=self.identity, partners=self.partners, received_at=self.clock()
        )
        if isinstance(arrived, Refusal):
            return await self._refuse(arrived, fields, body)
        async with self._alone(arrived.sender, arrived.message_id):
            return await self._take(arrived, fields, body)

    async def _take(self, arrived: ReceivedMessage, fields: list[tuple[str, str]], body: bytes) -> As2Response:
        known = await self.earlier(arrived) if self.earlier is not None else None
        if known is not None and known.message_id != arrived.message_id:
            return self._answer(arrived, DUPLICATE)
        if known is not None and known.payload_digest != arrived.payload_digest:
            problem = Problem(UNEXPECTED, "headers.message-id", "This Message-ID has come before with another content.")
            return await self._refuse(refusal_of(fields, (problem,)), fields, body)
        if known is not None and known.mdn is not None:
            return repeat(known.mdn)
        if known is None:
            try:
                await self.accept(arrived)
            except TransportError:
                raise
            except GatewayError as error:
                return await self._refuse(refusal_of(fields, error.problems), fields, body)
        response = self._answer(arrived)
        if response.mdn is not None and self.answered is not None:
            await self.answered(arrived, response.mdn)
        return response

    def _answer(self, about: ReceivedMessage | Refusal, disposition: str = "") -> As2Response:
        return answer(
            about, me=self.identity, message_id=self.new_message_id(), date=self.clock(), disposition=disposition
        )

    async def _refuse(self, refusal: Refusal, fields: list[tuple[str, str]], body: bytes) -> As2Response:
        await self.refused(_mapping(fields), body, refusal.problems)
        return self._answer(refusal)

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
