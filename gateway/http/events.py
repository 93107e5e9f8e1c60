"""How are events read: a page after a cursor, or a stream that goes on?"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from filings import events
from filings.events import Event
from filings.store import StoreAway
from gateway.http.answers import json_answer, to_json
from gateway.http.metrics import METRICS
from gateway.http.parameters import PARAMETERS
from gateway.http.problems import HttpProblem, bad_parameter
from gateway.http.service import SERVICE
from gateway.http.stream import (
    BATCH,
    HEARTBEAT_SECONDS,
    RETRY_MILLISECONDS,
    SLOW_LISTENER_SECONDS,
    STREAM_SECONDS,
    NewestCursor,
    TooManyListeners,
)
from gateway.logs import logger
from schemas.errors import Problem

SOURCE: Final = "urn:customs-filing-gateway"
"""The ``source`` of our CloudEvents; with ``id`` it names an event for good."""
NEWEST: Final = web.AppKey("newest_cursor", NewestCursor)
_MAX_CURSOR: Final = 18  # digits that a 64-bit cursor surely holds

_log = logger("gateway.http.events")


async def list_events(request: web.Request) -> web.Response:
    """Events after a cursor."""
    given = request[PARAMETERS]
    after = given["after"] or 0
    found = await request.app[SERVICE].store.read(lambda conn: events.read_after(conn, after, given["limit"]))
    return json_answer(
        {"items": [event.cloud_event(SOURCE) for event in found], "next": found[-1].cursor if found else after}
    )


async def stream_events(request: web.Request) -> web.StreamResponse:
    """Server-sent events from the cursor on, until the listener goes, is too slow, or the service stops."""
    cursor = await _start(request)
    newest = request.app[NEWEST]
    try:
        async with newest:
            return await _stream(request, newest, cursor)
    except TooManyListeners:
        problem = Problem("too_many_streams", "", "Too many streams are open.", "Come back later, or ask for pages.")
        raise HttpProblem(503, problem, {hdrs.RETRY_AFTER: "10"}) from None


async def _start(request: web.Request) -> int:
    """The cursor to go on from: the last event seen, or ``after``, or now."""
    given = request[PARAMETERS]
    last = given["Last-Event-ID"]
    if last is None and given["after"] is None:
        return await request.app[SERVICE].store.read(events.last_cursor)
    if last is None:
        return int(given["after"])
    if not (last.isascii() and last.isdigit() and len(last) <= _MAX_CURSOR):
        raise bad_parameter(
            "Last-Event-ID", last, "is not a cursor.", "Send the id of the last event, or leave it out."
        )
    return int(last)


async def _stream(request: web.Request, newest: NewestCursor, cursor: int) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/event-stream",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Accel-Buffering": "no",  # tells nginx not to gather events
        }
    )
    store, gauge = request.app[SERVICE].store, request.app[METRICS].streams
    loop = asyncio.get_running_loop()
    ends = loop.time() + STREAM_SECONDS
    gauge.inc()
    try:
        await response.prepare(request)
        await _write(response, b"retry: %d\n\n" % RETRY_MILLISECONDS)
        while not newest.closed and loop.time() < ends:
            found = await store.read(partial(events.read_after, cursor=cursor, limit=BATCH))
            if found:
                await _write(response, b"".join(map(_frame, found)))
                cursor = found[-1].cursor
            elif not await newest.beyond(cursor, HEARTBEAT_SECONDS) and not newest.closed:
                await _write(response, b": nothing new\n\n")
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        _drop(request)  # gone, or does not read; it comes back with the last cursor it saw
    except StoreAway as error:
        _log.warning("store_away", cursor=cursor, cause=str(error))
        _drop(request)  # it comes back with the last cursor it saw
    except Exception as error:  # noqa: BLE001 - the answer has begun: no problem document can follow
        _log.error("event_stream_failed", cursor=cursor, exc_info=error)
        _drop(request)
    finally:
        gauge.dec()
    return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SLOW_LISTENER_SECONDS):
        await response.write(data)


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _frame(event: Event) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.cursor,
        event.type.encode(),
        to_json(event.cloud_event(SOURCE)),
    )
