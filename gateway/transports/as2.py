"""How does a prepared AS2 message go out, what does its receipt mean, and how is a receipt of ours posted?

The line that decides everything is whether the body may have left: before it, a fault is safe to retry; after it, every
fault is in doubt, an HTTP error page among it, for a page is no proof of what was done with the content. Only a receipt
that is verifiably the partner's, about this very message, settles the matter, for yes or for no.

Where the receipt was asked to be posted to us, an HTTP answer of 2xx says that the bytes were handed over and no more;
the receipt comes through our AS2 door and means there what it means here (:func:`receipt_of`). A partner that answers
with a receipt nevertheless is heard.

A redirect is not followed: the address is part of what was agreed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp

from gateway.causes import cause
from gateway.transports.base import Handover, OutboundFile, PreparedTransmission, Receipt
from gateway.transports.settings import Timeouts
from schemas.as2 import MAX_MDN_BYTES, Identity, Mdn, Partner, build_message, check_mdn, is_receipt, open_mdn
from schemas.as2.dispositions import sentence_of
from schemas.errors import FormatError, Problem, TransportError

ROAD: Final = "as2"
_CHUNK: Final = 64 * 1024
_USER_AGENT: Final = "customs-filing-gateway"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Body:
    """The body of one request, which knows whether anybody has begun to take it."""

    content: bytes
    begun: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        self.begun = True
        for start in range(0, len(self.content), _CHUNK):
            yield self.content[start : start + _CHUNK]


class As2Transport:
    """The AS2 road to one partner. The session is the caller's; its TLS settings hold."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        identity: Identity,
        partner: Partner,
        url: str,
        *,
        timeouts: Timeouts | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        timeouts = timeouts or Timeouts()
        self._session = session
        self._identity = identity
        self._partner = partner
        self._url = url
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.total, connect=timeouts.connect, sock_connect=timeouts.connect, sock_read=timeouts.receipt
        )

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """Compress, sign and encrypt as agreed with the partner. Raises FormatError ``as2-cannot-build``."""
        message = build_message(
            file.payload,
            content_type=file.content_type,
            filename=file.name,
            sender=self._identity,
            receiver=self._partner,
            message_id=message_id,
            date=at,
        )
        return PreparedTransmission(
            road=ROAD,
            name=file.name,
            message_id=message.message_id,
            headers=dict(message.headers),
            body=message.body,
            prepared_at=at,
            mic=message.mic,
            mic_algorithm=message.mic_algorithm,
            expects=self._partner.mdn,
            signed=self._partner.sign,
            receipt_url=self._partner.receipt_url if self._partner.mdn != "none" else "",
        )

    async def send(self, prepared: PreparedTransmission) -> Receipt | Handover:
        """Post the prepared bytes and read the receipt. See :mod:`gateway.transports.base` for how it can end."""
        if prepared.road != ROAD:
            raise _failed("as2-wrong-road", f"It was prepared for the road {prepared.road!r}.", in_doubt=False)
        body = _Body(prepared.body)
        try:
            status, headers, answer = await self._post(prepared, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            kind = cause(error)
            if body.begun:
                raise _failed(
                    "as2-connection-lost", f"The exchange broke off before a receipt came ({kind}).", in_doubt=True
                ) from error
            raise _failed("as2-not-connected", f"The partner could not be reached ({kind}).", in_doubt=False) from error
        if not 200 <= status < 300:
            raise _failed("as2-http-status", f"The partner answered HTTP {status} and no receipt.", in_doubt=True)
        received_at = self._clock()
        if prepared.expects == "none":
            return Receipt(
                prepared.message_id, False, f"HTTP {status}; no receipt was asked for.", received_at, body=answer
            )
        if prepared.receipt_url and not is_receipt(headers, answer):
            return Handover(prepared.message_id, f"HTTP {status}; the receipt is to be posted.")
        try:
            mdn = await asyncio.to_thread(self._open, prepared, headers, answer, received_at)
            return receipt_of(prepared, mdn, received_at, dict(headers), answer)
        except FormatError as error:
            raise TransportError(error.problems, in_doubt=True) from error

    async def _post(self, prepared: PreparedTransmission, body: _Body) -> tuple[int, list[tuple[str, str]], bytes]:
        fields = dict(prepared.headers) | {
            "Content-Length": str(len(prepared.body)),
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",
        }
        async with self._session.post(
            self._url, data=body.chunks(), headers=fields, allow_redirects=False, timeout=self._timeout
        ) as response:
            answer = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                answer += chunk
                if len(answer) > MAX_MDN_BYTES:
                    raise _failed("as2-receipt-too-large", "The answer is larger than a receipt.", in_doubt=True)
            return response.status, list(response.headers.items()), bytes(answer)

    def _open(
        self, prepared: PreparedTransmission, headers: list[tuple[str, str]], answer: bytes, received_at: datetime
    ) -> Mdn:
        return open_mdn(
            headers,
            answer,
            me=self._identity,
            partner=self._partner,
            received_at=received_at,
            require_signed=prepared.expects == "signed",
        )


def _failed(code: str, text: str, *, in_doubt: bool) -> TransportError:
    remedy = "Send the same bytes again under the same Message-ID." if in_doubt else "Try again later."
    return TransportError(Problem(code, "transmission", text, remedy), in_doubt=in_doubt)


def receipt_of(
    prepared: PreparedTransmission, mdn: Mdn, received_at: datetime, headers: Mapping[str, str], answer: bytes
) -> Receipt:
    """What a notification whose sender was verified means for the message that was prepared.

    Raises FormatError when it is not for that message, has another MIC, or is not signed though that was asked for.
    """
    check_mdn(
        mdn,
        message_id=prepared.message_id,
        mic=prepared.mic,
        mic_algorithm=prepared.mic_algorithm,
        require_mic=prepared.signed,
        require_signed=prepared.expects == "signed",
    )
    refused = not mdn.disposition.accepted
    problems = mdn.problems
    if refused:
        problems = (Problem(mdn.disposition.code, "transmission", sentence_of(mdn.disposition.code)),)
    return Receipt(
        message_id=prepared.message_id,
        refused=refused,
        text=mdn.text or mdn.disposition.text,
        received_at=received_at,
        disposition=mdn.disposition.text,
        mic=mdn.mic,
        mic_algorithm=mdn.mic_algorithm,
        signed=mdn.signed_ok,
        headers=headers,
        body=answer,
        problems=problems,
    )


async def post_receipt(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
) -> None:
    """Post a receipt of ours where the partner wants it. Raises TransportError (safe to repeat) unless it was taken."""
    fields = dict(headers) | {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    timeout = aiohttp.ClientTimeout(total=timeouts.receipt, connect=timeouts.connect, sock_connect=timeouts.connect)
    try:
        async with session.post(url, data=body, headers=fields, allow_redirects=False, timeout=timeout) as response:
            status = response.status  # what else it says is of no interest, so it is not read
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        text = f"The address could not be reached ({cause(error)})."
        raise _failed("as2-not-connected", text, in_doubt=False) from error
    if not 200 <= status < 300:
        raise _failed("as2-http-status", f"The address answered HTTP {status}.", in_doubt=False)
