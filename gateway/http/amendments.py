"""How is a filing amended by a patch, and how is it cancelled? With ``dry_run`` it is only shown.

A plan is made outside of any transaction, since it decides the whole trip anew, and taken on in one with the answer's
key, if nothing has moved meanwhile; otherwise it is made again there. So a request that is repeated under its key gets
its first answer, whatever has happened since.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import hdrs, web
from sqlalchemy import Connection

from filings import amendments
from gateway.http import idempotency
from gateway.http.answers import json_answer
from gateway.http.auth import ACTOR
from gateway.http.body import BODY_LIMIT, BodyReader, parse_json, require_type
from gateway.http.parameters import PARAMETERS
from gateway.http.problems import bad_parameter
from gateway.http.route import JSON, MERGE_PATCH
from gateway.http.service import SERVICE
from schemas.errors import GatewayError

Prepare = Callable[[Connection], amendments.Plan]
_VERSIONS: Final = "/v1/filings/{}/versions"
_ETAG: Final = re.compile(r'(?:W/)?"?([1-9]\d{0,8})"?')


async def amend_filing(request: web.Request) -> web.Response:
    """Amend by a merge patch: what must be sent for it, and nothing else."""
    service, name = request.app[SERVICE], request[PARAMETERS]["filing_id"]
    body = await _body(request)
    asked = amendments.read_amendment(parse_json(body[0]), version_of(request))
    now = service.clock()
    return await _run(request, lambda conn: amendments.prepare(conn, service.ctx, name, asked, now), body[1])


async def cancel_filing(request: web.Request) -> web.Response:
    """Cancel an entry, a bill or a manifest, with its reason."""
    service, name = request.app[SERVICE], request[PARAMETERS]["filing_id"]
    body = await _body(request)
    asked = amendments.read_cancellation(parse_json(body[0]), version_of(request))
    now = service.clock()
    prepare = amendments.prepare_cancellation
    return await _run(request, lambda conn: prepare(conn, service.ctx, name, asked, now), body[1])


async def _body(request: web.Request) -> tuple[bytes, str]:
    """The body and its digest."""
    require_type(request, JSON, MERGE_PATCH)
    reader = BodyReader(request, BODY_LIMIT)
    return await reader.read(), reader.digest


def version_of(request: web.Request) -> int | None:
    """The version that ``If-Match`` names: the ``ETag`` of the filing as it was seen."""
    given = request[PARAMETERS][hdrs.IF_MATCH]
    if given is None or given == "*":
        return None
    found = _ETAG.fullmatch(given)
    if found is None:
        raise bad_parameter(hdrs.IF_MATCH, given, "is not the ETag of a filing.", 'Send it as it came, like "2".')
    return int(found[1])


async def _run(request: web.Request, prepare: Prepare, digest: str) -> web.Response:
    """Show the plan, or take it on once for its key."""
    service, actor, given = request.app[SERVICE], request[ACTOR], request[PARAMETERS]
    now = service.clock()
    if given["dry_run"]:

        def show(conn: Connection) -> dict[str, Any]:
            return amendments.dry_run(conn, service.ctx, prepare(conn), now)

        return json_answer(await service.store.read(show))
    scope = idempotency.scope_of(request)
    plan: amendments.Plan | None = None
    with suppress(GatewayError):  # made again below, where a repeated request gets its first answer
        plan = await service.store.read(prepare)

    def act(conn: Connection) -> web.Response:
        made = plan if plan is not None else prepare(conn)
        if not amendments.still_stands(conn, made):
            made = prepare(conn)  # nobody else moves the trip from here on
        begun = amendments.begin(conn, service.ctx, made, actor=actor, now=now)
        answer = amendments.taken_on(begun)
        headers = {str(hdrs.LOCATION): _VERSIONS.format(answer["filing_id"])} if answer["filing_id"] else {}
        return json_answer(answer, 202 if answer["sent"] else 200, headers)

    if scope is None:
        response = await service.store.write(act)
    else:
        kept_at = idempotency.wall_clock()
        response = await service.store.write(lambda conn: idempotency.once(conn, scope, digest, kept_at, act))
    service.wake()
    return response
