"""Is anything lost or filed twice when the gateway is killed, with its facts in a file of SQLite?"""

from __future__ import annotations

import asyncio

import pytest

from tests.crash.crash_points import Chart, CrashPoints
from tests.crash.place import SqliteDatabases
from tests.crash.visits import chart as charted


@pytest.fixture(scope="module")
def chart(parent: str, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    """Both days, without a death."""
    folder = tmp_path_factory.mktemp("crash")
    return asyncio.run(charted(parent, folder, SqliteDatabases(folder / "template.db")))


class TestSqlite(CrashPoints):
    """On a file."""
