"""Is the service up, is it ready, what can be measured, and what does a partner's AS2 message get?

These routes ask for no API key. They show counts, never a trip, a shipment or a person; the AS2 door
believes nothing but a signature.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from filings.store import StoreAway, StoreError, migrations, tables
from gateway.http import openapi
from gateway.http.answers import json_answer, to_json
from gateway.http.body import BodyReader
from gateway.http.metrics import CONTENT_TYPE, METRICS
from gateway.http.problems import HttpProblem
from gateway.http.service import SERVICE
from gateway.logs import logger
from schemas.as2.limits import MAX_MESSAGE_BYTES
from schemas.errors import Problem

AS2_AT_ONCE: Final = 4
"""Messages read and verified at the same time; whoever has no key must not be able to fill the memory."""
AS2_DOOR: Final = web.AppKey("as2_door", asyncio.Semaphore)
READY_SECONDS: Final = 5.0

_log = logger("gateway.http")


async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return json_answer({"status": "ok"})


async def openapi_json(_request: web.Request) -> web.Response:
    """The description of this service."""
    return web.Response(body=to_json(openapi.document()), content_type="application/json")


async def receive_as2(request: web.Request) -> web.Response:
    """Hand a partner's message or receipt to the gateway; a receipt is given only after the message was kept."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        text = "Content codings are not used with AS2."
        problem = Problem("unknown_content_encoding", hdrs.CONTENT_ENCODING, text, "Compress inside the message.")
        raise HttpProblem(415, problem)
    async with request.app[AS2_DOOR]:
        body = await BodyReader(request, MAX_MESSAGE_BYTES).read()
        status, headers, answer = await request.app[SERVICE].as2_receive(request.headers, body)
    if status >= HTTPStatus.BAD_REQUEST:
        # Nobody asked for a receipt, so there is none to say it in.
        text = answer.decode("ascii", "replace").strip() or "The message was refused."
        remedy = "Ask for a signed receipt to be told the reason in it; the refusal has been recorded."
        raise HttpProblem(status, Problem("as2_refused", "", text if text.endswith(".") else f"{text}.", remedy))
    return web.Response(status=status, headers=dict(headers), body=answer)


async def readyz(request: web.Request) -> web.Response:
    """The store answers and is at this program's version; 503 otherwise."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await request.app[SERVICE].store.read(migrations.require_current)
    except (StoreError, SQLAlchemyError, OSError) as error:  # TimeoutError is an OSError
        _log.warning("not_ready", cause=str(error), kind=type(error).__name__)
        outdated = isinstance(error, StoreError) and not isinstance(error, StoreAway)
        text = "The store is not at this program's version." if outdated else "The store does not answer."
        remedy = "Run `gateway db upgrade`." if outdated else "See the log of the gateway."
        raise HttpProblem(503, Problem("not_ready", "", text, remedy), {hdrs.RETRY_AFTER: "5"}) from None
    return json_answer({"status": "ready"})


async def metrics(request: web.Request) -> web.Response:
    """Timings since the start, and counts as the store has them now."""
    instruments = request.app[METRICS]
    if instruments.counts_are_old():
        instruments.set_counts(await request.app[SERVICE].store.read(counts))
    return web.Response(body=instruments.page(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})


def counts(conn: Connection) -> dict[str, list[tuple[str, int]]]:
    """How many trips, shipments, filings and files are in each state; how many alerts are open."""
    found: dict[str, list[tuple[str, int]]] = {}
    for thing, table in (("trips", tables.trips), ("shipments", tables.shipments), ("filings", tables.filings)):
        query = select(table.c.state, func.count()).group_by(table.c.state)
        found[thing] = [(state, number) for state, number in conn.execute(query)]
    files = tables.transmissions
    by_direction = select(files.c.direction, files.c.state, func.count()).group_by(files.c.direction, files.c.state)
    for direction, state, number in conn.execute(by_direction):
        found.setdefault(f"transmissions_{direction}", []).append((state, number))
    alerts = select(func.count()).where(tables.alerts.c.settled_at.is_(None))
    found["alerts"] = [("open", conn.execute(alerts).scalar_one())]
    return found
