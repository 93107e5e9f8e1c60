"""Is anything lost or filed twice when the gateway is killed, with its facts on a PostgreSQL server?

The server stays; a gateway that starts again finds the leases of the dead one, so its machine's clock is ahead of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.crash.crash_points import Chart, CrashPoints
from tests.crash.place import PostgresDatabases
from tests.crash.visits import chart as charted


@pytest.fixture(scope="module")
def chart(parent: str, postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    """Both days, without a death."""
    return asyncio.run(charted(parent, tmp_path_factory.mktemp("crash"), PostgresDatabases(postgres_server)))


class TestPostgresql(CrashPoints):
    """On a server."""
