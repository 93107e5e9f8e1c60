"""Fixtures for the tests of software that files with CBP: ``cbp``, in the process, and ``cbp_server``, by real doors.

Put ``pytest_plugins = ["sandbox.pytest_plugin"]`` into the ``conftest.py`` at the root of your tests. The mark ``cbp``
sets them up: ``@pytest.mark.cbp(clock="2025-08-28T23:50:00-04:00", behaviour={"answer_delay": 5})``. Nothing but
pytest is loaded before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    box = LoopbackCbp(**_traits(request, "cbp", ("clock", "behaviour", "filers", "seed")))
    yield box
    box.close()


@pytest.fixture
def cbp_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CbpServer]:
    """A simulated CBP on free ports of loopback, its clock frozen on a morning in March 2025. The mark takes
    ``clock``, ``frozen``, ``behaviour``, ``gateway_url`` (where answers are posted), ``sftp``, and any other setting
    of the sandbox.
    """
    from sandbox.testing_server import CbpServer

    with CbpServer(tmp_path, **_traits(request, "cbp_server", ("sftp", *_settings()))) as server:
        yield server


def _settings() -> list[str]:
    """Settings that a test may give its server; it takes its own folder, memory and free ports."""
    from dataclasses import fields

    from sandbox.settings import Settings

    fixed = {"data_dir", "exchange_dir", "memory", "as2_port", "control_port", "sftp_port"}
    return [one.name for one in fields(Settings) if one.name not in fixed]


def _traits(request: pytest.FixtureRequest, fixture: str, known: Sequence[str]) -> dict[str, Any]:
    """What the mark says for a fixture. What cannot be meant fails the test with one sentence."""
    from dataclasses import fields
    from types import NoneType

    from sandbox.clock import instant
    from sandbox.settings import Behaviour, SettingsError

    mark = request.node.get_closest_marker("cbp")
    if mark is None:
        return {}
    traits: dict[str, Any] = dict(mark.kwargs)
    if mark.args:
        pytest.fail(f"@pytest.mark.cbp takes names alone, as clock=…; not {mark.args[0]!r}", pytrace=False)
    _all_known("@pytest.mark.cbp", f"of the fixture {fixture}", traits, known)
    conduct = traits.get("behaviour")
    if not isinstance(conduct, dict | Behaviour | NoneType):
        pytest.fail(f"@pytest.mark.cbp: behaviour is a table of switches, not {conduct!r}", pytrace=False)
    try:
        if isinstance(traits.get("clock"), str):
            instant(traits["clock"])
        if isinstance(conduct, dict):
            _all_known("@pytest.mark.cbp, behaviour", "of behaviour", conduct, [one.name for one in fields(Behaviour)])
            traits["behaviour"] = Behaviour(**conduct)
    except (SettingsError, TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.cbp: {error}", pytrace=False)
    return traits


def _all_known(where: str, of: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    from difflib import get_close_matches

    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            pytest.fail(f"{where}: {name!r} is no key{meant}. Known keys {of}: {', '.join(known)}.", pytrace=False)
