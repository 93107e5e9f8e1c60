"""Every refusal of every route has one shape, whatever is wrong with the request."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from filings.identity import Role
from gateway.http import shipments
from gateway.http.auth import PERMISSIONS, PUBLIC
from gateway.http.routes import ROUTES
from tests.http_service import check_problem, running
from tests.integration.test_http_intake import SHIPMENTS, TRIP, parcel, put

IDS = ("filing_id", "transmission_id", "handoff_id", "version", "alert_id")
NAMES = {"trip_number": TRIP, **dict.fromkeys(IDS, "none")}
KEYED = [route for route in ROUTES if route.name not in PUBLIC]


async def test_other_methods_are_refused_on_every_path(tmp_path: Path) -> None:
    """405 with the methods that are possible, on each path."""
    async with running(tmp_path) as api:
        for path in sorted({route.path for route in ROUTES}):
            possible = {route.method for route in ROUTES if route.path == path}
            for method in sorted({"PATCH", "DELETE", "OPTIONS", "PROPFIND"} - possible):
                async with api.client.request(method, path.format(**NAMES)) as response:
                    assert response.status == 405, (method, path)
                    check_problem(await response.json(content_type=None), 405)
                    assert set(response.headers["Allow"].split(",")) == possible


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v2/trips", "/v1/trips/a/b/c", "/v1/webhooks/x", "/v1/filings/x/refiling", "/%00", "/v1//trips"],
)
async def test_unknown_paths_are_refused(tmp_path: Path, path: str) -> None:
    """404, with or without a key; what later work will bring is simply not there."""
    async with running(tmp_path) as api:
        for role in (None, Role.BROKER):
            for method in ("GET", "POST"):
                assert (await api.ask(method, path, role))[1]["code"] == "not_found"


async def test_parameters_that_are_not_in_the_table_are_refused(tmp_path: Path) -> None:
    """A misspelt or repeated query parameter is 400 on every route that asks for a key."""
    async with running(tmp_path) as api:
        for route in KEYED:
            role = min(PERMISSIONS[route.name])
            path = route.path.format(**NAMES)
            assert (await api.ask(route.method, f"{path}?nonsense=1", role))[1]["code"] == "unknown_parameter"
            for parameter in (one for one in route.parameters if one.place == "query"):
                twice = f"{path}?{parameter.name}=1&{parameter.name}=1"
                assert (await api.ask(route.method, twice, role))[1]["code"] == "repeated_parameter"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/trips?limit=0", "limit"),
        ("/v1/trips?limit=501", "limit"),
        ("/v1/trips?limit=ten", "limit"),
        ("/v1/trips?limit=%D9%A1", "limit"),
        ("/v1/trips?limit=", "limit"),
        ("/v1/trips?cursor=", "cursor"),
        ("/v1/trips?cursor=" + "x" * 201, "cursor"),
        ("/v1/trips?cursor=%00", "cursor"),
        ("/v1/filings?date=2025-02-30", "date"),
        ("/v1/filings?date=20250210", "date"),
        ("/v1/filings?status=Accepted", "status"),
        ("/v1/filings?pathway=none", "pathway"),
        ("/v1/filings?scn=%0a", "scn"),
        ("/v1/filings/%00", "filing_id"),
        ("/v1/filings/%C2%9B", "filing_id"),
        ("/v1/filings?scn=%E2%80%AE", "scn"),
        ("/v1/filings/" + "x" * 65, "filing_id"),
        (f"{SHIPMENTS}?state=lost", "state"),
        ("/v1/trips/%20/shipments", "trip_number"),
    ],
)
async def test_values_that_do_not_fit_are_refused(tmp_path: Path, path: str, name: str) -> None:
    """400 that names the parameter and says what would fit."""
    async with running(tmp_path) as api:
        status, answer = await api.ask("GET", path)
        assert (status, answer["code"]) == (400, "bad_parameter")
        assert answer["errors"][0]["path"] == name
        assert answer["errors"][0]["remedy"]


async def test_filters_that_fit_are_taken(tmp_path: Path) -> None:
    """All filters together, with values that fit, are an empty page and not an error."""
    async with running(tmp_path) as api:
        await put(api)
        query = f"trip={TRIP}&status=accepted&pathway=formal&scn=TSTC1&entry_number=XYZ-1&date=2025-03-10&limit=1"
        assert await api.ask("GET", f"/v1/filings?{query}") == (200, {"items": [], "next": None})


async def test_pages_of_shipments_go_on(tmp_path: Path) -> None:
    """Following ``next`` gives every shipment once, in order."""
    async with running(tmp_path) as api:
        await put(api)
        await api.ask("POST", SHIPMENTS, body=[parcel(n) for n in range(7)])
        seen: list[Any] = []
        cursor = ""
        while True:
            _, page = await api.ask("GET", f"{SHIPMENTS}?limit=3{cursor}", Role.DISPATCH)
            seen += [item["shipment_id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == [f"T-{n:05d}" for n in range(7)]
        assert (await api.ask("GET", f"{SHIPMENTS}?cursor=x"))[0] in {400, 404}


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"", 400, "unreadable_json"),
        ("application/json", b'{"a":1,"a":1}', 400, "duplicate_key"),
        ("application/json", b'{"trip_number": "\xff"}', 400, "unreadable_json"),
        ("text/plain", b"{}", 415, "unknown_content_type"),
        ("application/json; charset=latin-1", b"{}", 415, "unknown_charset"),
    ],
)
async def test_a_trip_that_cannot_be_read(
    tmp_path: Path, content_type: str, body: bytes, status: int, code: str
) -> None:
    """Bytes that are no JSON, or not in UTF-8, are a problem document."""
    async with running(tmp_path) as api:
        got, answer = await api.ask("PUT", f"/v1/trips/{TRIP}", body=body, Content_Type=content_type)
        assert (got, answer["code"]) == (status, code)


async def test_a_compressed_body_is_read_and_its_real_size_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gzip is taken; a bomb is cut off at the limit of what it unfolds to; damage is a problem document."""
    async with running(tmp_path) as api:
        await put(api)
        packed = gzip.compress(orjson.dumps([parcel(1)]))
        headers = {"Content_Type": "application/json", "Content_Encoding": "gzip"}
        assert (await api.ask("POST", SHIPMENTS, body=packed, **headers))[1]["accepted"] == 1
        assert (await api.ask("POST", SHIPMENTS, body=b"not gzip", **headers))[1]["code"] == "unreadable_body"
        monkeypatch.setattr(shipments, "SHIPMENTS_LIMIT", 100_000)
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < 100_000
        assert (await api.ask("POST", SHIPMENTS, body=bomb, **headers))[0] == 413


async def test_an_expectation_nobody_knows_is_refused(tmp_path: Path) -> None:
    """417 in the same shape; ``100-continue`` gets its interim answer before the body is sent."""
    async with running(tmp_path) as api:
        assert (await api.ask("PUT", f"/v1/trips/{TRIP}", body={}, Expect="miracle"))[1][
            "code"
        ] == "unknown_expectation"
        server = api.client.server
        assert server is not None
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = (
            f"PUT /v1/trips/{TRIP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.keys[Role.BROKER]}\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode())
        async with asyncio.timeout(10):
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            writer.write(b"{}")
            assert b" 422 " in (await reader.read()).splitlines()[1]
        writer.close()


async def test_a_failure_inside_shows_no_insides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store breaks down every route that needs it is a 500 with an incident number, nothing more."""
    async with running(tmp_path) as api:

        async def broken(_work: Any) -> Any:
            raise OSError("/secret/path is gone")

        monkeypatch.setattr(api.service.store, "read", broken)
        monkeypatch.setattr(api.service.store, "write", broken)
        for route in KEYED:
            status, answer = await api.ask(route.method, route.path.format(**NAMES), Role.BROKER)
            assert (status, answer["code"]) == (500, "internal_error")
            assert answer["instance"].startswith("urn:uuid:")
            assert "secret" not in str(answer)
