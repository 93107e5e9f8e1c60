"""Who is calling, and may they?

Rules of this module:

1. The permission table below is the whole policy: route name → roles. A route that is not in it, and
   not in ``PUBLIC``, is closed to everyone.
2. A key is looked up by its SHA-256, so how long the answer takes says nothing about the key; the key
   itself is never kept, logged or echoed. Keys are 256-bit random: a plain hash is enough.
3. No key, or a key that is not valid, is 401; a valid key without the right is 403. Neither says more
   than that: an unknown, a revoked and an expired key look the same.
4. The AS2 door has no key: the partner's signature decides there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from filings import identity
from filings.context import Actor
from filings.identity import ApiKey, Role
from filings.store import StoreAway
from gateway.http.problems import HttpProblem
from gateway.http.service import SERVICE
from gateway.logs import logger
from schemas.errors import NotAllowed, Problem

ROLES: Final = tuple(Role)
_ALL: Final = frozenset(ROLES)
_BROKER: Final = frozenset({Role.BROKER})
_INTAKE: Final = frozenset({Role.INTEGRATION, Role.BROKER})
_RECORDS: Final = frozenset({Role.BROKER, Role.AUDITOR})
_EVENTS: Final = frozenset({Role.DISPATCH, Role.INTEGRATION})

PERMISSIONS: Final[Mapping[str, frozenset[Role]]] = {
    "put_trip": _INTAKE,
    "list_trips": _ALL,
    "get_trip": _ALL,
    "stage_shipments": _INTAKE,
    "list_shipments": frozenset({Role.BROKER, Role.DISPATCH, Role.AUDITOR, Role.INTEGRATION}),
    "file_trip": _BROKER,
    "change_arrival": frozenset({Role.BROKER, Role.DISPATCH, Role.INTEGRATION}),
    "refile_trip": _BROKER,
    "list_alerts": frozenset({Role.BROKER, Role.DISPATCH, Role.AUDITOR}),
    "settle_alert": _BROKER,
    "list_filings": _RECORDS,
    "get_filing": _RECORDS,
    "get_filing_timeline": _RECORDS,
    "get_filing_versions": _RECORDS,
    "get_filing_transmissions": _RECORDS,
    "get_filing_file": _RECORDS,
    "amend_filing": _BROKER,
    "cancel_filing": _BROKER,
    "get_handoff_package": _BROKER,
    "get_rule_book": _RECORDS,
    "list_events": _EVENTS,
    "stream_events": _EVENTS,
}
PUBLIC: Final = frozenset({"healthz", "readyz", "metrics", "openapi", "receive_as2"})

KEY: Final = web.RequestKey("api_key", ApiKey)
ACTOR: Final = web.RequestKey("actor", Actor)
USED_KEYS: Final[web.AppKey[set[str]]] = web.AppKey("used_keys", set)
TOUCH_SECONDS: Final = 60.0
"""How exactly the last use of a key is known; noted for many keys at once, never per request."""

_log = logger("gateway.http")
_BEARER: Final = re.compile(r"(?i:bearer) +([\x21-\x7e]{1,200})")


@web.middleware
async def auth_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request through if its route is public or the role of its key may call it."""
    name = request.match_info.route.name
    if request.match_info.http_exception is not None or name in PUBLIC:
        return await handler(request)
    key = await _authenticate(request)
    if key.role not in PERMISSIONS.get(name or "", frozenset()):
        text = f"A key with the role {key.role.value} may not do this."
        raise NotAllowed(Problem("not_allowed", "", text, "Use a key whose role may; the roles are in /openapi.json."))
    request[KEY] = key
    request[ACTOR] = Actor(key.name, key.role.value, key.licensed)
    request.app[USED_KEYS].add(key.id)
    return await handler(request)


async def _authenticate(request: web.Request) -> ApiKey:
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    presented = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if presented is None:
        raise _nobody("There is no API key in the Authorization header.")
    secret = presented.group(1)
    key = await request.app[SERVICE].store.read(lambda conn: identity.authenticate(conn, secret))
    if key is None:
        raise _nobody("The API key is not valid.")
    return key


def _nobody(text: str) -> HttpProblem:
    remedy = "Send `Authorization: Bearer <key>` with a key made by `gateway keys`."
    return HttpProblem(
        401, Problem("not_authenticated", hdrs.AUTHORIZATION, text, remedy), {hdrs.WWW_AUTHENTICATE: "Bearer"}
    )


async def note_used_keys(app: web.Application) -> AsyncIterator[None]:
    """While the application runs, note now and then which keys were used."""

    async def flush() -> None:
        noted: set[str] = app[USED_KEYS]
        used = sorted(noted)
        noted.clear()
        try:
            if used:
                await app[SERVICE].store.write(lambda conn: identity.touch(conn, used, datetime.now(UTC)))
        except StoreAway as error:
            noted.update(used)
            _log.warning("store_away", noting="used keys", cause=str(error))

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(TOUCH_SECONDS)
            await flush()

    task = asyncio.create_task(now_and_then(), name="note-used-keys")
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await flush()
