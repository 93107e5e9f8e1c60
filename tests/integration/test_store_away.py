"""The PostgreSQL server is away, or the SQLite file is held by another process, and comes back: what callers are told
meanwhile, that nothing acknowledged is lost, and that all goes on by itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from filings.identity import Role
from filings.store import Store, StoreAway
from gateway.http.auth import PERMISSIONS
from gateway.http.openapi import document
from gateway.workers.loop import Worker
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


LOCK_SECONDS = 0.2


class Writes(Worker):
    """A worker whose every turn is a transaction."""

    name = "writes"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.turns = 0

    async def turn(self) -> bool:
        """One transaction."""
        await self._store.write(lambda conn: conn.exec_driver_sql("SELECT 1").scalar())
        self.turns += 1
        return False


@contextmanager
def held(path: Path, *, how: str) -> Iterator[None]:
    """Another connection holds the file: ``immediate`` writers wait, ``exclusive`` readers wait too."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        if how == "exclusive":
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute(f"BEGIN {how}")
        yield
        other.execute("ROLLBACK")


async def test_a_file_that_another_process_holds_is_a_503_until_it_is_let_go(tmp_path: Path) -> None:
    """Writes say 503 and when to ask again, reads go on; what was acknowledged stays, and the same request is taken."""
    storage = {"storage": {"directory": tmp_path / "data", "lock_seconds": LOCK_SECONDS}}
    async with running(tmp_path, overrides=storage) as api:
        await put(api)
        assert (await api.ask("POST", SHIPMENTS, body=[parcel(1)], Idempotency_Key="one"))[0] == 200
        with (
            structlog.testing.capture_logs() as logs,
            held(api.service.settings.storage.database_path, how="immediate"),
        ):
            sent = api.headers(Role.BROKER, Idempotency_Key="two")
            async with api.client.post(SHIPMENTS, json=[parcel(2)], headers=sent) as answer:
                document = await answer.json(content_type=None)
                assert (answer.status, document["code"]) == (503, "store_away")
                assert int(answer.headers["Retry-After"]) > 0
            assert "Another process holds the database locked" in document["errors"][0]["text"]
            assert "Idempotency-Key" in document["errors"][0]["remedy"]
            assert [one["shipment_id"] for one in (await api.ask("GET", SHIPMENTS))[1]["items"]] == [
                parcel(1)["shipment_id"]
            ]
        assert [one["event"] for one in logs if "path" in one] == ["store_away"]
        assert not [one for one in logs if "exc_info" in one]
        status, staged = await api.ask("POST", SHIPMENTS, body=[parcel(2)], Idempotency_Key="two")
        assert (status, staged["accepted"]) == (200, 1)
        shown = (await api.ask("GET", SHIPMENTS))[1]["items"]
        assert [one["shipment_id"] for one in shown] == [parcel(at)["shipment_id"] for at in (1, 2)]


async def test_readers_of_a_file_that_is_held_whole_are_told_the_same(tmp_path: Path) -> None:
    """A file that nobody may even read is away to a reader as well, and only for so long."""
    path = tmp_path / "data.db"
    async with await Store.open(path):
        pass
    with held(path, how="exclusive"), pytest.raises(StoreAway, match="locked") as told:
        await Store.open(path, upgrade=False, locked=timedelta(seconds=LOCK_SECONDS))
    assert told.value.locked
    async with await Store.open(path, upgrade=False) as store:
        assert await store.read(lambda conn: conn.exec_driver_sql("SELECT 1").scalar()) == 1


async def test_a_worker_says_once_that_the_file_is_held(tmp_path: Path) -> None:
    """As for a server that is away: once, without a traceback; then that it is back."""
    storage = {"storage": {"directory": tmp_path / "data", "lock_seconds": LOCK_SECONDS}}
    async with running(tmp_path, overrides=storage) as api:
        worker = Writes(api.service.store)
        with structlog.testing.capture_logs() as logs:
            with held(api.service.settings.storage.database_path, how="immediate"):
                worker.start()
                async with asyncio.timeout(BACK_SECONDS):
                    while not worker.last_error:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            async with asyncio.timeout(BACK_SECONDS):
                while not worker.turns:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await worker.stop()
        assert [one["event"] for one in logs if one.get("worker") == worker.name] == ["store_away", "store_back"]
        assert not [one for one in logs if "exc_info" in one]


def test_the_document_states_it() -> None:
    """Every route that asks for a key may answer 503."""
    paths = document()["paths"]
    for route in KEYED:
        assert "503" in paths[route.path][route.method.lower()]["responses"]
