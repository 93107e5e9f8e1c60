"""How does a program talk to a running gateway over its own HTTP API?

Rules of this module:

1. What the service refuses is raised as the same error that it had inside: the problem document's list of
   faults under the class of its status.
2. A service that is away for a moment (no connection, 502, 503, 504, 429, or a key that is being worked on)
   is asked again for a bounded time, always with the same bytes and the same ``Idempotency-Key``, so that
   asking again never does anything twice.
3. The API key is sent in one header and stands in no error text.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from gateway.causes import cause
from schemas.errors import Conflict, FormatError, GatewayError, NotAllowed, NotFound, Problem, ShipmentError
from schemas.errors import TransportError as Unreachable

RETRY_SECONDS: Final = 30.0
"""How long a service may be away before it counts as not reachable."""
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 3.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=300, sock_connect=10, sock_read=120)
MOST_PAGES: Final = 100_000

KEY_REMEDY: Final = (
    "Give a key that this gateway knows with --key or GATEWAY_API_KEY; without both, the one in local.key of the data "
    "directory here is taken. An administrator makes keys with `gateway keys create`."
)
_AWAY: Final = frozenset({429, 502, 503, 504})
_CLASSES: Final[Mapping[int, type[GatewayError]]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: ShipmentError,
}
Json = dict[str, Any]


class GatewayClient:
    """One connection to a gateway; use as an asynchronous context manager."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry_seconds: float = RETRY_SECONDS,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._retry_seconds = retry_seconds
        self._waiting = waiting
        self._run = uuid.uuid4().hex
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}", "User-Agent": "customs-filing-gateway"}, timeout=TIMEOUT
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # ------------------------------------------------------------------ acts

    async def put_trip(self, raw: Mapping[str, Any]) -> Json:
        """Create or replace a trip; its receipt."""
        number = str(raw.get("trip_number") or "-")
        answer: Json = await self._json("PUT", f"/v1/trips/{_part(number)}", orjson.dumps(raw))
        return answer

    async def stage(self, trip_number: str, rows: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Stage rows as they are; an answer for each, in their order."""
        body = b"[" + b",".join(orjson.dumps(row) for row in rows) + b"]"
        answer = await self._json("POST", f"/v1/trips/{_part(trip_number)}/shipments", body)
        results: list[Json] = answer["results"] if isinstance(answer, dict) else answer
        return results

    async def file_trip(self, trip_number: str) -> Json:
        """File the trip; the receipt says whether it was filed before."""
        answer: Json = await self._json("POST", f"/v1/trips/{_part(trip_number)}/filing", b"{}")
        return answer

    async def change_arrival(self, trip_number: str, arrival: str) -> Json:
        """Note another expected arrival of a filed truck."""
        body = orjson.dumps({"estimated_arrival": arrival})
        answer: Json = await self._json("PATCH", f"/v1/trips/{_part(trip_number)}/arrival", body)
        return answer

    async def refile(self, trip_number: str, *, dry_run: bool = False) -> Json:
        """File anew what has lapsed, or show what that would do."""
        path = f"/v1/trips/{_part(trip_number)}/refiling"
        answer: Json = await self._json("POST", path, b"{}", query={"dry_run": "1"} if dry_run else None)
        return answer

    async def settle_alert(self, identifier: str, note: str) -> Json:
        """Close an alert with a word on what was done."""
        path = f"/v1/alerts/{_part(identifier)}/settlement"
        answer: Json = await self._json("POST", path, orjson.dumps({"note": note}))
        return answer

    async def amend(self, identifier: str, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Amend a filing by a patch, or show what that would do."""
        return await self._change(identifier, "amendments", body, dry_run=dry_run)

    async def cancel(self, identifier: str, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Cancel a filing, or show what that would do."""
        return await self._change(identifier, "cancellation", body, dry_run=dry_run)

    async def _change(self, identifier: str, what: str, body: Mapping[str, Any], *, dry_run: bool) -> Json:
        path = f"/v1/filings/{_part(identifier)}/{what}"
        answer: Json = await self._json("POST", path, orjson.dumps(body), query={"dry_run": "1"} if dry_run else None)
        return answer

    # ------------------------------------------------------------------ looks

    def alerts(self, **filters: str) -> AsyncIterator[Json]:
        """Open alerts, page by page."""
        return self._pages("/v1/alerts", filters)

    async def board(self, trip_number: str) -> Json:
        """The board of a trip."""
        answer: Json = await self._json("GET", f"/v1/trips/{_part(trip_number)}")
        return answer

    def shipments(self, trip_number: str, **filters: str) -> AsyncIterator[Json]:
        """The shipments of a trip, page by page."""
        return self._pages(f"/v1/trips/{_part(trip_number)}/shipments", filters)

    def filings(self, **filters: str) -> AsyncIterator[Json]:
        """Filings that match, page by page."""
        return self._pages("/v1/filings", filters)

    async def filing(self, identifier: str, part: str = "") -> Any:
        """One filing by id, SCN or entry number; ``part`` is ``timeline``, ``versions`` or ``transmissions``."""
        return await self._json("GET", f"/v1/filings/{_part(identifier)}{'/' + part if part else ''}")

    async def file(self, identifier: str, transmission: str) -> bytes:
        """The bytes of one file that went out or came in for a filing."""
        return await self._bytes("GET", f"/v1/filings/{_part(identifier)}/transmissions/{_part(transmission)}")

    async def rule_book(self, version: str) -> Json:
        """A version of the rule book that was used there, whole."""
        answer: Json = await self._json("GET", f"/v1/rule-books/{_part(version)}")
        return answer

    async def events(self, after: int = 0, limit: int = 500) -> Json:
        """A page of events after a cursor."""
        answer: Json = await self._json("GET", "/v1/events", query={"after": str(after), "limit": str(limit)})
        return answer

    # ------------------------------------------------------------------ how it is asked

    async def _pages(self, path: str, filters: Mapping[str, str]) -> AsyncIterator[Json]:
        query = {"limit": "500", **filters}
        for _ in range(MOST_PAGES):
            page = await self._json("GET", path, query=query)
            for item in page["items"]:
                yield item
            if not page.get("next"):
                return
            query["cursor"] = str(page["next"])

    async def _json(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        data = await self._bytes(method, path, body, query)
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            text = f"What answers at {self.url} is not this gateway: the answer is not JSON."
            raise FormatError(Problem("not_a_gateway", "--url", text, "Check the address.")) from None

    async def _bytes(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> bytes:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if method == "POST":
            # The key belongs to this run and this content: asking again within the run has one effect. A later run
            # is asked anew, since what was refused then may be right now; staging and filing the same again is safe.
            headers["Idempotency-Key"] = hashlib.sha256(f"{self._run} {path} ".encode() + (body or b"")).hexdigest()
        end = time.monotonic() + self._retry_seconds
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._once(method, path, headers, body, query)
            except _Away as away:
                if time.monotonic() + pause > end:
                    raise Unreachable(self._unreachable(away), in_doubt=method != "GET") from None
                if self._waiting is not None:
                    self._waiting(f"{self.url} does not answer ({away}); asking again")
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - spreads askers, hides nothing
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        query: Mapping[str, str] | None,
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("use the client as an asynchronous context manager")
        address = self.url + path + (f"?{urlencode(query)}" if query else "")
        try:
            # As quoted by us: a name with dots and slashes must not become another path.
            url = URL(address, encoded=True)
            async with self._session.request(method, url, headers=headers, data=body) as response:
                data = await response.read()
                if response.status >= 400:
                    raise _error_of(response.status, data, self.url)
                return data
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise _Away(cause(error)) from None
        except (ValueError, aiohttp.ClientError):
            remedy = "Give it like http://127.0.0.1:8470."
            raise FormatError(Problem("not_a_url", "--url", f"{self.url!r} is not an address.", remedy)) from None

    def _unreachable(self, away: _Away) -> Problem:
        text = f"No gateway answers at {self.url}: {away}, for {self._retry_seconds:.0f} seconds."
        return Problem("not_reachable", "--url", text, "Start it with `gateway serve`, or give --url.")


class _Away(Exception):
    """The service cannot answer now; it may in a moment."""


def _part(text: str) -> str:
    return quote(text, safe="")


def _error_of(status: int, data: bytes, url: str) -> Exception:
    """The error behind an answer of 400 and above."""
    problems: list[Problem] = []
    # whatever answers without a problem document is not our service, or a proxy before it
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        problems = [Problem.from_dict(one) for one in orjson.loads(data)["errors"]]
    if not problems or (status == 404 and problems[0].code == "not_found"):
        # no address of ours is unknown to us
        text = f"What answers at {url} is not this gateway: it says {status}."
        problems = [Problem("not_a_gateway", "--url", text, "Give the address on which `gateway serve` listens.")]
    if problems[0].code == "not_authenticated":  # the header is ours; a person has an option and a variable
        problems = [replace(one, path="--key", remedy=KEY_REMEDY) for one in problems]
    if status in _AWAY or problems[0].code == "idempotency_in_progress":
        return _Away(problems[0].text.rstrip("."))
    return _CLASSES.get(status, FormatError)(problems)
