"""The server that tests of other software start: its calls with and without their root, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.testing_server import CbpServer, Refused


def test_paths_are_taken_as_the_documentation_writes_them(tmp_path: Path) -> None:
    """A path may stand with or without /sandbox; a refusal names the call and the sentence."""
    with CbpServer(tmp_path) as server:
        assert server.get("/state") == server.get("/sandbox/state") == server.get("state")
        with pytest.raises(Refused) as caught:
            server.post("/sandbox/trips/NOBODY/arrive")
        assert str(caught.value) == (
            "POST /sandbox/trips/NOBODY/arrive: 404 not_found: No manifest on file for trip NOBODY."
        )
