"""How does a request that is sent twice take effect once?

Rules of this module:

1. A key belongs to one caller (API key) and one route. The request it was used for is known by a digest
   of its path and body: the same again gets the first answer, status included; another gets 409.
2. Whoever inserts the row of a key executes; the others wait a while for the answer, or are told to
   come back. There is no moment at which two may execute.
3. A short act is done in one transaction with its answer (:func:`once`): both are kept or neither.
4. A streamed act takes many transactions. Its row is a claim with a lease, renewed with each of them;
   the answer is kept at its end. If the process dies, the lease runs out and the same request may be
   sent again: staging the same rows again gives the same answers.
5. Refusals (4xx) are answers too and are kept; a failure (5xx) or a body that never came is not.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from filings.store.tables import idempotency as table
from filings.uuid7 import uuid7
from gateway.http.auth import KEY
from gateway.http.parameters import PARAMETERS
from gateway.http.problems import HttpProblem, error_response
from gateway.http.service import SERVICE
from schemas.errors import GatewayError, Problem

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
LEASE: Final = timedelta(minutes=2)
KEPT: Final = timedelta(days=90)
"""How long an answer can be had again."""

_BUSY: Final = 0
"""The status of a row whose request is being executed."""


def wall_clock() -> datetime:
    """Now, in UTC: leases and keeping times are those of machines, whatever day the business clock has."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key it is, and for what; ``owner`` names this one attempt."""

    actor: str
    key: str
    route: str
    path: str
    owner: str = field(default_factory=uuid7)
    lease: timedelta = LEASE

    def digest(self, body_digest: str) -> str:
        """The digest of the whole request."""
        return hashlib.sha256(f"{self.path}\n{body_digest}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given: status, headers that matter, compressed body."""

    status: int
    headers: Mapping[str, str]
    packed: bytes

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], pieces: Iterable[bytes]) -> KeptAnswer:
        """Pack an answer; ``pieces`` may be more than should be in memory at once."""
        packer = zlib.compressobj(6)
        packed = bytearray()
        for piece in pieces:
            packed += packer.compress(piece)
        return cls(status, dict(headers), bytes(packed + packer.flush()))

    @classmethod
    def of_response(cls, response: web.Response) -> KeptAnswer:
        """Pack a response whose body is in memory."""
        body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
        return cls.of(response.status, response.headers, [body])

    def response(self) -> web.Response:
        """The first answer again, marked as such."""
        return web.Response(
            status=self.status, headers={**self.headers, REPLAYED: "true"}, body=zlib.decompress(self.packed)
        )


def scope_of(request: web.Request) -> Scope | None:
    """The scope of the request's key; ``None`` without one."""
    key: str | None = request[PARAMETERS][HEADER]
    if key is None:
        return None
    lease = request.app[SERVICE].settings.processes.lease
    return Scope(request[KEY].id, key, request.match_info.route.name or "", request.path, lease=lease)


def once(
    conn: Connection, scope: Scope, body_digest: str, now: datetime, act: Callable[[Connection], web.Response]
) -> web.Response:
    """Do ``act`` and keep its answer, or give the answer that it got before, in the caller's transaction.

    A refusal that ``act`` raises undoes what it did and is kept as its answer; any other exception goes up.
    """
    earlier = claim(conn, scope, now, body_digest)
    if earlier is not None:
        return earlier.response()
    try:
        with conn.begin_nested():
            response = act(conn)
    except GatewayError as error:
        response = error_response(error)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
    finish(conn, scope, body_digest, KeptAnswer.of_response(response))
    return response


def claim(conn: Connection, scope: Scope, now: datetime, body_digest: str | None = None) -> KeptAnswer | None:
    """Claim the key for execution: ``None``; or the answer that was given under it.

    Raises 409 when the key is being used now, or (if ``body_digest`` is known) was used for something else.
    """
    conn.execute(delete(table).where(table.c.created_at < now - KEPT))
    row = {
        "actor": scope.actor,
        "key": _stored_key(scope),
        "route": scope.path[:255],
        "body_digest": "",
        "status": _BUSY,
        "response": {"owner": scope.owner, "lease_until": (now + scope.lease).isoformat()},
        "created_at": now,
    }
    try:
        with conn.begin_nested():
            conn.execute(insert(table), row)
    except IntegrityError:
        return _resolve(conn, scope, now, row, body_digest)
    return None


def _resolve(
    conn: Connection, scope: Scope, now: datetime, row: Mapping[str, Any], body_digest: str | None
) -> KeptAnswer | None:
    known = conn.execute(select(table).where(_own(scope)).with_for_update()).one_or_none()
    if known is None:
        raise in_progress()  # released in this very moment: the next attempt will claim it
    if known.status == _BUSY:
        if datetime.fromisoformat(known.response["lease_until"]) > now:
            raise in_progress()
        conn.execute(update(table).where(_own(scope)).values(**row))  # its process died: taken over
        return None
    if body_digest is not None:
        check_same(scope, known.body_digest, body_digest)
    return _unpack(known)


def look(conn: Connection, scope: Scope) -> tuple[str, KeptAnswer] | None:
    """The request digest and answer kept under the key; ``None`` while it is being executed.

    Raises 409 when the execution ended without an answer: the request may be sent again.
    """
    known = conn.execute(select(table).where(_own(scope))).one_or_none()
    if known is None:
        raise in_progress()
    return None if known.status == _BUSY else (known.body_digest, _unpack(known))


def check_same(scope: Scope, request_digest: str, body_digest: str) -> None:
    """Raise 409 if the key was used for a request with another path or body."""
    if request_digest != scope.digest(body_digest):
        text = "This key was already used for another request."
        remedy = "Use a new key for a new request; repeat the first request unchanged to get its answer."
        raise HttpProblem(409, Problem("idempotency_conflict", HEADER, text, remedy))


def renew(conn: Connection, scope: Scope, now: datetime) -> None:
    """Extend the lease of a claim. Raises 409 when another attempt has taken it over."""
    _update_own(conn, scope, response={"owner": scope.owner, "lease_until": (now + scope.lease).isoformat()})


def finish(conn: Connection, scope: Scope, body_digest: str, answer: KeptAnswer) -> None:
    """Keep the answer. Raises 409 when another attempt has taken the claim over."""
    packed = base64.b64encode(answer.packed).decode()
    _update_own(
        conn,
        scope,
        body_digest=scope.digest(body_digest),
        status=answer.status,
        response={"headers": dict(answer.headers), "body": packed},
    )


def release(conn: Connection, scope: Scope) -> None:
    """Give a claim back without an answer: the key is free again."""
    known = conn.execute(select(table.c.status, table.c.response).where(_own(scope))).one_or_none()
    if known is not None and known.status == _BUSY and known.response["owner"] == scope.owner:
        conn.execute(delete(table).where(_own(scope)))


def free_claims(conn: Connection) -> int:
    """Give up all claims: for a store that one process serves, when that process starts."""
    return conn.execute(delete(table).where(table.c.status == _BUSY)).rowcount


def in_progress() -> HttpProblem:
    """409: the first request with this key has no answer yet."""
    text = "A request with this key is being worked on."
    problem = Problem("idempotency_in_progress", HEADER, text, "Send the same request again in a few seconds.")
    return HttpProblem(409, problem, {"Retry-After": "2"})


def _update_own(conn: Connection, scope: Scope, **values: Any) -> None:
    known = conn.execute(select(table.c.status, table.c.response).where(_own(scope)).with_for_update()).one_or_none()
    if known is None or known.status != _BUSY or known.response["owner"] != scope.owner:
        raise in_progress()
    conn.execute(update(table).where(_own(scope)).values(**values))


def _unpack(row: Any) -> KeptAnswer:
    return KeptAnswer(row.status, row.response["headers"], base64.b64decode(row.response["body"]))


def _stored_key(scope: Scope) -> str:
    return f"{scope.route}:{scope.key}"


def _own(scope: Scope) -> ColumnElement[bool]:
    return (table.c.actor == scope.actor) & (table.c.key == _stored_key(scope))
