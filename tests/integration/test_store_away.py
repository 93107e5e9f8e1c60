"""The PostgreSQL server is away, and comes back: what callers are told meanwhile, and that all goes on by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from filings.store import StoreAway
from gateway.http.auth import PERMISSIONS
from gateway.http.openapi import document
from tests.filing_kit import parcel
from tests.http_service import Api, running
from tests.integration.conftest import start_server, started_server
from tests.integration.test_http_intake import SHIPMENTS, put
from tests.integration.test_http_problems import KEYED, NAMES

BACK_SECONDS = 60.0


@pytest.fixture(scope="module")
def own_server() -> Iterator[Any]:
    """A server that this test may stop."""
    with started_server() as server:
        server.psql("CREATE DATABASE away;")
        server.psql("CREATE DATABASE crashed;")
        yield server


def stop(server: Any) -> None:
    """End the server in order: sessions are told."""
    server.stop()


def crash(server: Any) -> None:
    """End the server at once, as when its machine fails."""
    process = psutil.Process(server.get_pid())
    os.kill(process.pid, signal.SIGQUIT)
    process.wait(30)


async def ready(api: Api) -> bool:
    """Whether the service says that it is ready."""
    return (await api.ask("GET", "/readyz", None))[0] == 200


@pytest.mark.parametrize(("name", "end"), [("away", stop), ("crashed", crash)])
async def test_a_database_that_is_away_is_a_503_until_it_is_back(
    tmp_path: Path, own_server: Any, name: str, end: Any
) -> None:
    """Every route says 503 and when to ask again, one line in the log for each; afterwards all goes on by itself."""
    async with running(tmp_path, database=str(own_server.get_uri(database=name))) as api:
        await put(api)
        await api.service.start()
        await asyncio.to_thread(end, own_server)
        with structlog.testing.capture_logs() as logs:
            for route in KEYED:
                role = min(PERMISSIONS[route.name])
                address = route.path.format(**NAMES)
                async with api.client.request(route.method, address, headers=api.headers(role)) as answer:
                    document = await answer.json(content_type=None)
                    assert (answer.status, document["code"]) == (503, "store_away"), route.name
                    assert int(answer.headers["Retry-After"]) > 0
            asked = [one for one in logs if one["event"] == "store_away" and "path" in one]
        assert len(asked) == len(KEYED)
        assert not [one for one in logs if "exc_info" in one]
        assert (await api.ask("GET", "/healthz", None))[0] == 200
        assert (await api.ask("GET", "/readyz", None))[1]["code"] == "not_ready"
        assert (await api.ask("GET", "/metrics", None))[1]["code"] == "store_away"
        status, _ = await api.ask("POST", SHIPMENTS, body=[parcel(1)], Idempotency_Key="one")
        assert status == 503
        with pytest.raises(StoreAway):
            await api.service.store.read(lambda conn: conn)

        await asyncio.to_thread(start_server, own_server)
        async with asyncio.timeout(BACK_SECONDS):
            while not await ready(api):  # noqa: ASYNC110 - the server says nothing when it is back
                await asyncio.sleep(0.1)
            status, staged = await api.ask("POST", SHIPMENTS, body=[parcel(1)], Idempotency_Key="one")
            assert (status, staged["accepted"]) == (200, 1)
            shown = (await api.ask("GET", SHIPMENTS))[1]["items"]
            assert [one["shipment_id"] for one in shown] == [parcel(1)["shipment_id"]]
            while any(worker.last_error for worker in api.service.workers):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_workers_tell_once_that_it_is_away(tmp_path: Path, own_server: Any) -> None:
    """A worker meets it at every turn and says so once, without a traceback; then that it is back."""
    url = str(own_server.get_uri(database="away"))
    async with running(tmp_path, database=url) as api:
        worker = api.service.workers[0]
        with structlog.testing.capture_logs() as logs:
            await asyncio.to_thread(stop, own_server)
            worker.start()
            async with asyncio.timeout(BACK_SECONDS):
                while not worker.last_error:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                for _ in range(3):
                    with pytest.raises(StoreAway):
                        await worker.turn()
                await asyncio.to_thread(start_server, own_server)
                while worker.last_error:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        told = [one["event"] for one in logs if one.get("worker") == worker.name]
        assert told == ["store_away", "store_back"]


def test_the_document_states_it() -> None:
    """Every route that asks for a key may answer 503."""
    paths = document()["paths"]
    for route in KEYED:
        assert "503" in paths[route.path][route.method.lower()]["responses"]
