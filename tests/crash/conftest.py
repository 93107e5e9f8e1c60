"""Where does a gateway that dies keep its facts? In files, and on the PostgreSQL server of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.process import zygote
from tests.integration.conftest import postgres_server

__all__ = ["parent", "postgres_server"]


@pytest.fixture(scope="module")
def parent() -> Iterator[str]:
    """A loaded parent of gateways."""
    with zygote() as path:
        yield path
