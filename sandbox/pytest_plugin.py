"""Fixtures for the tests of software that files with CBP: ``cbp``, in the process, and ``cbp_server``, by real doors.

Put ``pytest_plugins = ["sandbox.pytest_plugin"]`` into the ``conftest.py`` at the root of your tests. The mark ``cbp``
sets them up: ``@pytest.mark.cbp(clock="2025-08-28T23:50:00-04:00", behaviour={"answer_delay": 5})``. Nothing but
pytest is loaded before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.testing import LoopbackCbp
    from sandbox.testing_server import CbpServer

_MARK = "cbp(clock, behaviour, filers, seed, …): how the fixtures cbp and cbp_server are set up"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def cbp(request: pytest.FixtureRequest) -> Iterator[LoopbackCbp]:
    """A simulated CBP in the process, its clock frozen on a morning in March 2025. The mark takes ``clock``,
    ``behaviour`` (switches by name), ``filers`` and ``seed``.
    """
    from sandbox.testing import LoopbackCbp

    box = LoopbackCbp(**_traits(request))
    yield box
    box.close()


@pytest.fixture
def cbp_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CbpServer]:
    """A simulated CBP on free ports of loopback, its clock frozen on a morning in March 2025. The mark takes
    ``clock``, ``frozen``, ``behaviour``, ``gateway_url`` (where answers are posted), ``sftp``, and any other setting
    of the sandbox.
    """
    from sandbox.testing_server import CbpServer

    with CbpServer(tmp_path, **_traits(request)) as server:
        yield server


def _traits(request: pytest.FixtureRequest) -> dict[str, Any]:
    from sandbox.settings import Behaviour

    mark = request.node.get_closest_marker("cbp")
    traits: dict[str, Any] = dict(mark.kwargs) if mark is not None else {}
    if isinstance(traits.get("behaviour"), dict):
        traits["behaviour"] = Behaviour(**traits["behaviour"])
    return traits
