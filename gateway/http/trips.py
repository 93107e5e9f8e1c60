"""How do trips come in, how are they filed, and where do they stand?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from aiohttp import hdrs, web
from sqlalchemy import Connection

from filings import queries, refiling, requesting, trips
from gateway.http import idempotency
from gateway.http.answers import json_answer, page_answer
from gateway.http.auth import ACTOR
from gateway.http.body import BODY_LIMIT, BodyReader, read_json
from gateway.http.parameters import PARAMETERS
from gateway.http.problems import HttpProblem
from gateway.http.service import SERVICE
from schemas.errors import Problem, ShipmentError
from schemas.model import EARLIEST_YEAR, LATEST_YEAR, in_years
from schemas.trip import check_trip

_LOCATION: Final = "/v1/trips/{}"
_NOTHING: Final = (b"", b"{}", b"null")


async def put_trip(request: web.Request) -> web.Response:
    """Create the trip, or replace it while it is not filed; every fault of it at once."""
    service, actor, number = request.app[SERVICE], request[ACTOR], request[PARAMETERS]["trip_number"]
    raw = await read_json(request)
    trip, problems = check_trip(raw)
    if isinstance(raw, dict) and isinstance(raw.get("trip_number"), str) and raw["trip_number"] != number:
        text = f"The address names trip {number!r}, the body {raw['trip_number'][:40]!r}."
        problems = (*problems, Problem("trip_number_differs", "trip_number", text, "Write the same number in both."))
        trip = None
    if trip is None:
        raise ShipmentError(problems)
    now = service.clock()
    receipt = await service.store.write(
        lambda conn: trips.put_trip(conn, trip, raw, actor=actor, now=now, ctx=service.ctx)
    )
    answer = receipt.as_dict()
    warnings = [problem.as_dict() for problem in problems if problem.severity == "warning"]
    answer["warnings"] = [*warnings, *(w for w in answer.get("warnings", ()) if w not in warnings)]
    status = 201 if receipt.created else 200
    return json_answer(answer, status, {hdrs.LOCATION: _LOCATION.format(number)})


async def list_trips(request: web.Request) -> web.Response:
    """A page of trips."""
    given = request[PARAMETERS]
    page = await request.app[SERVICE].store.read(
        lambda conn: queries.trips(conn, cursor=given["cursor"], limit=given["limit"])
    )
    return page_answer(page)


async def get_trip(request: web.Request) -> web.Response:
    """The board of a trip."""
    service, number = request.app[SERVICE], request[PARAMETERS]["trip_number"]
    now, patience, retries = service.clock(), service.settings.deadlines.patience, service.ctx.retries
    found = await service.store.read(
        lambda conn: queries.board(conn, number, now=now, patience=patience, retries=retries)
    )
    return json_answer(found)


async def list_shipments(request: web.Request) -> web.Response:
    """A page of a trip's shipments."""
    given = request[PARAMETERS]
    page = await request.app[SERVICE].store.read(
        lambda conn: queries.shipments(
            conn,
            given["trip_number"],
            state=given["state"],
            pathway=given["pathway"],
            cursor=given["cursor"],
            limit=given["limit"],
        )
    )
    return page_answer(page)


async def change_arrival(request: web.Request) -> web.Response:
    """Note another expected arrival of a filed truck; the workers judge the trip again."""
    service, actor, number = request.app[SERVICE], request[ACTOR], request[PARAMETERS]["trip_number"]
    raw = await read_json(request)
    arrival = _arrival_of(raw)
    now = service.clock()
    answer = await service.store.write(lambda conn: trips.change_arrival(conn, number, arrival, actor=actor, now=now))
    service.wake()
    return json_answer(answer)


def _arrival_of(raw: Any) -> datetime:
    """The one instant the body holds; raises :class:`ShipmentError`."""
    remedy = 'Send {"estimated_arrival": "2026-11-23T16:30:00-05:00"}.'
    if not isinstance(raw, dict) or set(raw) != {"estimated_arrival"} or not isinstance(raw["estimated_arrival"], str):
        text = "The body holds estimated_arrival and nothing else."
        raise ShipmentError(Problem("wrong_shape", "estimated_arrival", text, remedy))
    try:
        arrival = datetime.fromisoformat(raw["estimated_arrival"])
    except ValueError:
        arrival = None
    if arrival is None or arrival.utcoffset() is None:
        text = "The arrival is not an instant with its offset from UTC."
        raise ShipmentError(Problem("wrong_instant", "estimated_arrival", text, remedy))
    if not in_years(arrival):
        text = f"The arrival lies outside the years {EARLIEST_YEAR} to {LATEST_YEAR}."
        raise ShipmentError(Problem("wrong_instant", "estimated_arrival", text, remedy))
    return arrival


async def refile_trip(request: web.Request) -> web.Response:
    """File anew what has lapsed, or show what that would do. The act and its answer are one transaction."""
    service, actor, given = request.app[SERVICE], request[ACTOR], request[PARAMETERS]
    number = given["trip_number"]
    scope = idempotency.scope_of(request)
    body = BodyReader(request, BODY_LIMIT)
    if (await body.read()).strip() not in _NOTHING:
        text = "Refiling a trip takes no content; what has lapsed stands on the trip."
        raise HttpProblem(400, Problem("unexpected_body", "", text, "Send an empty body."))
    now = service.clock()
    if given["dry_run"]:
        shown = await service.store.read(lambda conn: refiling.preview(conn, number, now=now))
        return json_answer(shown.as_dict())

    def act(conn: Connection) -> web.Response:
        begun = refiling.request(conn, service.ctx, number, actor=actor, now=now)
        return json_answer(begun.as_dict(), 202, {hdrs.LOCATION: _LOCATION.format(number)})

    if scope is None:
        response = await service.store.write(act)
    else:
        kept_at = idempotency.wall_clock()
        response = await service.store.write(lambda conn: idempotency.once(conn, scope, body.digest, kept_at, act))
    service.wake()
    return response


async def file_trip(request: web.Request) -> web.Response:
    """Take on the filing of a trip; the workers do it. The act and its answer are one transaction."""
    service, actor, number = request.app[SERVICE], request[ACTOR], request[PARAMETERS]["trip_number"]
    scope = idempotency.scope_of(request)
    body = BodyReader(request, BODY_LIMIT)
    if (await body.read()).strip() not in _NOTHING:
        text = "Filing a trip takes no content; everything stands on the trip."
        raise HttpProblem(400, Problem("unexpected_body", "", text, "Send an empty body."))
    now = service.clock()

    def act(conn: Connection) -> web.Response:
        receipt = requesting.request_filing(conn, number, actor=actor, now=now, advice=service.ctx.rules.advice)
        return json_answer(receipt.as_dict(), 202, {hdrs.LOCATION: _LOCATION.format(number)})

    if scope is None:
        response = await service.store.write(act)
    else:
        kept_at = idempotency.wall_clock()
        response = await service.store.write(lambda conn: idempotency.once(conn, scope, body.digest, kept_at, act))
    service.wake()
    return response
