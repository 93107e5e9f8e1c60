"""Does the client ask again safely, turn refusals into errors, and keep its key to itself?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from gateway.cli import main
from gateway.cli.options import with_scheme
from gateway.client import GatewayClient
from schemas.errors import Conflict, FormatError, NotAllowed, NotFound, ShipmentError, TransportError

Handler = Callable[[web.Request], Any]
KEY = "cfg_secret_key_of_a_test"


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """A service on loopback that answers everything with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def refusal(status: int, code: str = "a_code") -> web.Response:
    """A problem document."""
    problem = {"path": "a.path", "code": code, "text": "A sentence.", "remedy": "A remedy."}
    return web.json_response({"status": status, "code": code, "errors": [problem]}, status=status)


async def test_a_service_that_is_away_is_asked_again_with_the_same_key() -> None:
    """After 503 and a key in use, the same bytes go again under the same Idempotency-Key until there is an answer."""
    seen: list[tuple[str, bytes]] = []
    answers = [
        refusal(503),
        refusal(409, "idempotency_in_progress"),
        web.json_response({"results": [{"state": "staged"}]}),
    ]

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers["Idempotency-Key"], await request.read()))
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        return answers[len(seen) - 1]

    told: list[str] = []
    async with served(handler) as url, GatewayClient(url, KEY, waiting=told.append) as client:
        assert await client.stage("TRIP1", [{"a": 1}]) == [{"state": "staged"}]
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert len(told) == 2


async def test_each_act_has_its_own_key() -> None:
    """Other content, another trip or another run has another Idempotency-Key; the same act in a run has the same."""
    keys: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"results": []})

    async with served(handler) as url:
        async with GatewayClient(url, KEY) as client:
            await client.stage("TRIP1", [{"a": 1}])
            await client.stage("TRIP1", [{"a": 1}])
            await client.stage("TRIP1", [{"a": 2}])
            await client.stage("TRIP2", [{"a": 1}])
        async with GatewayClient(url, KEY) as client:
            await client.stage("TRIP1", [{"a": 1}])
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


async def test_nobody_there_is_told_in_time_and_without_the_key() -> None:
    """A service that never answers is given up after the bounded time; the key is in no text."""
    async with served(_page) as url:
        gone = url
    async with GatewayClient(gone, KEY, retry_seconds=0.5) as client:
        with pytest.raises(TransportError) as refused:
            await client.board("TRIP1")
    assert refused.value.problems[0].code == "not_reachable"
    assert not refused.value.in_doubt
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, NotAllowed), (403, NotAllowed), (404, NotFound), (409, Conflict), (422, ShipmentError), (400, FormatError)],
)
async def test_a_refusal_is_the_same_error_as_inside(status: int, error: type[Exception]) -> None:
    """The status decides the class; code, path and remedy come through; nothing is asked again."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return refusal(status)

    async with served(handler) as url, GatewayClient(url, KEY) as client:
        with pytest.raises(error) as refused:
            await client.file_trip("TRIP 1/2")
    problem = refused.value.problems[0]  # type: ignore[attr-defined]
    assert (problem.code, problem.path, problem.remedy) == ("a_code", "a.path", "A remedy.")
    assert len(asked) == 1


async def test_a_wrong_key_is_told_by_the_option_that_gives_it() -> None:
    """Of the header that the client sends by itself a person is told nothing."""

    async def handler(_: web.Request) -> web.Response:
        return refusal(401, "not_authenticated")

    async with served(handler) as url, GatewayClient(url, KEY) as client:
        with pytest.raises(NotAllowed) as refused:
            await client.board("TRIP1")
    problem = refused.value.problems[0]
    assert problem.path == "--key"
    assert "GATEWAY_API_KEY" in problem.remedy
    assert "Bearer" not in problem.remedy


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("127.0.0.1:8470", "http://127.0.0.1:8470"),
        ("localhost:8470", "http://localhost:8470"),
        ("[::1]:8470", "http://[::1]:8470"),
        ("https://gateway.example", "https://gateway.example"),
    ],
)
def test_an_address_on_this_machine_needs_no_scheme(given: str, meant: str) -> None:
    """What `--url` and GATEWAY_URL take is an address with its scheme, or one of this machine without."""
    assert with_scheme(given) == meant


def test_an_address_elsewhere_without_a_scheme_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A key does not go out in the open because a word was left out."""
    assert main(["trip", "SFIC3006040001", "--url", "gateway.example:8470", "--key", KEY]) == 2
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "has no scheme" in shown
    assert "https://gateway.example:8470" in shown


async def test_something_else_at_the_address_is_told() -> None:
    """A page that is not JSON is not taken for an answer."""
    async with served(_page) as url, GatewayClient(url, KEY) as client:
        with pytest.raises(FormatError) as refused:
            await client.board("TRIP1")
    assert refused.value.problems[0].code == "not_a_gateway"


async def _page(_: web.Request) -> web.Response:
    """A page for people."""
    return web.Response(text="<html>hello</html>", content_type="text/html")


async def test_pages_are_followed_to_the_end() -> None:
    """A listing goes on with the cursor of each page until there is none."""

    async def handler(request: web.Request) -> web.Response:
        cursor = int(request.query.get("cursor", "0"))
        assert request.query["state"] == "held"
        return web.json_response({"items": [{"n": cursor}], "next": str(cursor + 1) if cursor < 2 else None})

    async with served(handler) as url, GatewayClient(url, KEY) as client:
        found = [one["n"] async for one in client.shipments("TRIP1", state="held")]
    assert found == [0, 1, 2]


async def test_an_address_in_a_path_cannot_leave_it() -> None:
    """A trip number of dots, slashes and question marks stays one part of the path."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.Response(body=json.dumps({}).encode(), content_type="application/json")

    async with served(handler) as url, GatewayClient(url, KEY) as client:
        await client.board("../keys?x=1")
        await client.board("..")
    assert asked == ["/v1/trips/..%2Fkeys%3Fx%3D1", "/v1/trips/.."]
