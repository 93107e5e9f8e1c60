"""What does every refused or failed request look like?

An RFC 9457 document, ``application/problem+json``, on every route and for every cause: type, title,
status, detail, the stable ``code`` of the first fault, and ``errors`` with path, code, text and remedy
of each. One middleware makes them all. A database server that is not there, and an embedded database
that another process holds, are a 503 that says when to ask again. What was not foreseen becomes a 500
with an incident number; the log has the rest, the caller sees no internals.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler

from filings.store import StoreAway
from gateway.logs import logger
from schemas.errors import (
    AgencyReject,
    Conflict,
    FormatError,
    GatewayError,
    NotAllowed,
    NotFound,
    Problem,
    RuleError,
    ShipmentError,
    TransportError,
)

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:customs-filing-gateway:problem:"

STATUS_OF_CLASS: Final[tuple[tuple[type[GatewayError], int], ...]] = (
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (ShipmentError, 422),
    (RuleError, 422),
    (AgencyReject, 409),
    (FormatError, 400),
    (TransportError, 503),
)
"""Which status an error has, unless its code says more."""

STATUS_OF_CODE: Final[Mapping[str, int]] = {"unknown_content_type": 415}
"""Codes that mean more than their class."""

AWAY_SECONDS: Final = "5"
"""After how many seconds it is worth to ask again for what a database server was not there."""

_log = logger("gateway.http")


class HttpProblem(GatewayError):
    """A fault of the request itself, with its status and headers of the answer."""

    def __init__(
        self, status: int, problems: Problem | Iterable[Problem], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(problems)
        self.status = status
        self.headers = dict(headers or {})


def status_of(error: GatewayError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HttpProblem):
        return error.status
    known = STATUS_OF_CODE.get(error.problems[0].code)
    if known is not None:
        return known
    return next((status for cause, status in STATUS_OF_CLASS if isinstance(error, cause)), 500)


def document(status: int, problems: Iterable[Problem], **more: Any) -> dict[str, Any]:
    """The problem document; ``more`` are further members (``instance``)."""
    listed = tuple(problems)
    first = listed[0]
    return {
        "type": TYPE_PREFIX + first.code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": first.text if len(listed) == 1 else f"{len(listed)} things must be mended; the first: {first.text}",
        "code": first.code,
        "errors": [problem.as_dict() for problem in listed],
        **more,
    }


def problem_response(
    status: int, problems: Iterable[Problem], headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """The answer that carries :func:`document`."""
    body = orjson.dumps(document(status, problems, **more))
    response = web.Response(status=status, body=body, headers=headers, content_type=CONTENT_TYPE)
    if response.headers.get(hdrs.CONNECTION) == "close":
        response.force_close()
    return response


def error_response(error: GatewayError) -> web.Response:
    """The answer for an error raised on purpose."""
    headers = dict(error.headers) if isinstance(error, HttpProblem) else {}
    if isinstance(error, TransportError) and not error.in_doubt:
        headers[hdrs.RETRY_AFTER] = "30"
    return problem_response(status_of(error), error.problems, headers)


def bad_parameter(name: str, value: str, text: str, remedy: str) -> HttpProblem:
    """400: a query parameter or header has a value that cannot be used."""
    return HttpProblem(400, Problem("bad_parameter", name, f"{value[:80]!r} {text}", remedy))


_OF_STATUS: Final[Mapping[int, tuple[str, str, str]]] = {
    404: ("not_found", "There is nothing at {path}.", "The routes are listed in /openapi.json."),
    405: ("method_not_allowed", "{method} is not possible at {path}.", "Use one of: {allow}."),
    413: ("body_too_large", "The body is larger than this route takes.", "Send it in parts."),
    415: ("unknown_content_type", "The content type is not read here.", "The types are listed in /openapi.json."),
    417: ("unknown_expectation", "The Expect header asks for something unknown.", "Leave it out or use 100-continue."),
}


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> web.Response:
    """The document for what the web library refused by itself."""
    fallback = ("refused", "The request was refused.", "The routes are listed in /openapi.json.")
    code, text, remedy = _OF_STATUS.get(error.status, fallback)
    allow = error.headers.get(hdrs.ALLOW, "")
    words = {"path": request.path[:200], "method": request.method, "allow": allow}
    problem = Problem(code, "", text.format(**words), remedy.format(**words))
    return problem_response(error.status, [problem], {hdrs.ALLOW: allow} if allow else None)


async def refuse_expectation(request: web.Request) -> web.StreamResponse | None:
    """Expect handler of every route: ``100-continue`` goes on, anything else is refused with a document."""
    if request.version < HttpVersion11:
        return None
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        return _of_aiohttp(request, web.HTTPExpectationFailed())
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # an interim answer; the real one has not begun
    return None


@web.middleware
async def problems_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that is raised into a problem document."""
    try:
        return await handler(request)
    except GatewayError as error:
        return error_response(error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _of_aiohttp(request, error)
    except StoreAway as error:
        return away_response(request, error)
    except Exception as error:  # noqa: BLE001 - the last place before the caller
        return incident_response(request, error)


def away_response(request: web.Request, error: StoreAway) -> web.Response:
    """503: the database cannot be used, now. One line in the log: the fault is not in here."""
    _log.warning("store_away", method=request.method, path=request.path, cause=str(error))
    text = "The database does not answer, so nothing can be looked up or taken on now."
    if error.in_doubt:
        text = "The database was lost while it kept this; whether it did is not known."
    remedy = "Send the same request again in a moment, with the same Idempotency-Key if it has one."
    if error.locked:
        text = "Another process holds the database locked, so nothing can be taken on now."
        remedy += " If it stays so, the operator ends that process (a backup, a database shell)."
    headers: dict[str, str] = {hdrs.RETRY_AFTER: AWAY_SECONDS}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, [Problem("store_away", "", text, remedy)], headers)


def incident_response(request: web.Request, error: Exception) -> web.Response:
    """500 with an incident number that stands in the log too."""
    incident = str(uuid.uuid4())
    _log.error("request_failed", incident=incident, method=request.method, path=request.path, exc_info=error)
    text = "Something went wrong inside the gateway; what was not confirmed may be sent again."
    remedy = f"Give the operator the incident number {incident}."
    return problem_response(500, [Problem("internal_error", "", text, remedy)], instance=f"urn:uuid:{incident}")
