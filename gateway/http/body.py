"""How is a request's body read without trusting its sender?

In pieces, with a limit counted after any decompression, and with a limit on silence between pieces.
The SHA-256 of what was read is computed on the way, so that a streamed body has a digest too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.causes import not_json
from gateway.http.problems import HttpProblem
from schemas.errors import Problem, ShipmentError
from schemas.plain_text import unfit_texts

MIB: Final = 1024 * 1024
SHIPMENTS_LIMIT: Final = 256 * MIB
BODY_LIMIT: Final = 4 * MIB
IDLE_SECONDS: Final = 60.0
"""Longest silence within a body; a sender that stops keeps nothing of ours for longer."""

_UTF8: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})


class BodyReader:
    """The body of one request; iterate once, then ``digest`` is that of the whole."""

    def __init__(self, request: web.Request, limit: int) -> None:
        declared = request.content_length
        if declared is not None and declared > limit:
            raise _too_large(limit)
        self._request = request
        self._limit = limit
        self._sha256 = hashlib.sha256()
        self.size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces as they come; raises 413, 408 as :class:`HttpProblem`."""
        content = self._request.content
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    piece = await content.readany()
            except TimeoutError:
                text = f"Nothing of the body came for {IDLE_SECONDS:.0f} seconds."
                raise _unread(408, "body_timeout", text) from None
            except (web.RequestPayloadError, aiohttp.ClientPayloadError, HttpProcessingError) as error:
                text = f"The body cannot be read: {_first_line(error)}."
                raise _unread(400, "unreadable_body", text) from None
            except ConnectionError:
                text = "The connection ended before the body did."  # for the log: nobody is left to answer
                raise _unread(400, "connection_lost", text) from None
            if not piece:
                return
            self.size += len(piece)
            if self.size > self._limit:
                raise _too_large(self._limit)
            self._sha256.update(piece)
            yield piece

    async def skip(self) -> None:
        """Read to the end, for the digest only."""
        async for _ in self:
            pass

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self])

    @property
    def digest(self) -> str:
        """SHA-256 of what was read so far, in hexadecimal."""
        return self._sha256.hexdigest()


def _first_line(error: Exception) -> str:
    words = str(error).split("message:")[-1].strip().splitlines()
    return words[0].rstrip(".:") if words else type(error).__name__


def _too_large(limit: int) -> HttpProblem:
    text = f"The body is larger than {limit // MIB} MiB."
    return _unread(413, "body_too_large", text, "Send it in parts.")


def _unread(status: int, code: str, text: str, remedy: str = "Send the request again.") -> HttpProblem:
    """A fault after which the rest of the body is not read: the connection cannot be used again."""
    return HttpProblem(status, Problem(code, "", text, remedy), {hdrs.CONNECTION: "close"})


def require_utf8(request: web.Request) -> None:
    """415 if the content type names a charset other than UTF-8."""
    try:
        charset = (request.charset or "").lower()
    except ValueError:
        charset = "?"
    if charset not in _UTF8:
        text = f"The charset {charset!r} is not read here."
        raise HttpProblem(415, Problem("unknown_charset", "Content-Type", text, "Send UTF-8."))


def require_type(request: web.Request, *known: str) -> None:
    """415 unless the body is of one of these content types, in UTF-8."""
    if request.content_type not in known:
        text = f"The content type {request.content_type!r} is not read here."
        raise HttpProblem(415, Problem("unknown_content_type", "Content-Type", text, f"Send {' or '.join(known)}."))
    require_utf8(request)


async def read_json(request: web.Request, limit: int = BODY_LIMIT) -> Any:
    """The JSON value of the body. Raises 415, 413, 400 as :class:`HttpProblem`."""
    return (await read_json_and_digest(request, limit))[0]


async def read_json_and_digest(request: web.Request, limit: int = BODY_LIMIT) -> tuple[Any, str]:
    """The JSON value of the body, and the SHA-256 of the body; raises as :func:`read_json`."""
    require_type(request, "application/json")
    body = BodyReader(request, limit)
    value = parse_json(await body.read())
    return value, body.digest


def parse_json(body: bytes) -> Any:
    """The value of ``body``; a key given twice in one object is an error, not the last one wins.

    Text that cannot be kept (:mod:`schemas.plain_text`) is refused here, wherever it stands, as :class:`ShipmentError`.
    """
    try:
        value = orjson.loads(body)
        json.loads(body, object_pairs_hook=_unique)
    except orjson.JSONDecodeError as error:
        text = f"The body is not JSON: {not_json(error.msg, error.lineno, error.colno)}."
        raise HttpProblem(400, Problem("unreadable_json", "", text, "Correct it at this place.")) from None
    except RecursionError:
        problem = Problem("too_deep", "", "The body is nested too deeply.", "Send the published shape.")
        raise HttpProblem(400, problem) from None
    if unfit := unfit_texts(value):
        raise ShipmentError(unfit)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            text = f"The key {name!r} stands twice in one object."
            raise HttpProblem(400, Problem("duplicate_key", name[:80], text, "Keep one of them."))
        found[name] = value
    return found
