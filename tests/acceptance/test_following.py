"""A trip that is followed while one answer stays out: told as it goes, interrupted with a last word, seen later."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import samples
from tests.filing_kit import TRIP, informal, marked
from tests.world import PATIENCE, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both processes on a morning of March 2025, with a trip: the second entry is never answered, the third refused."""
    made = World(tmp_path, "2025-03-10T08:00:00-05:00")
    (tmp_path / "trip.json").write_text(json.dumps(samples.trip()))
    raws = [informal(1), marked(informal(2), "SILENT"), marked(informal(3), "REJ470")]
    (tmp_path / "shipments.json").write_text(json.dumps(raws))
    try:
        made.start("sandbox")
        made.start("serve")
        yield made
    finally:
        made.close()


def following(world: World, until: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A submit that follows, once it has told what is looked for; the process and its lines so far."""
    command = [sys.executable, "-m", "gateway.cli", "submit", "trip.json", "shipments.json", "--file"]
    process = subprocess.Popen(
        command, cwd=world.folder, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line.rstrip())
        if line.startswith(until):
            return process, lines
    pytest.fail(f"it ended without {until!r}: {lines}")


def test_an_interrupt_leaves_the_filing_and_says_where_it_is_seen(world: World) -> None:
    """Refusal and waiting are told on standard error; SIGINT ends with 130 and a last word; later the board says it."""
    process, lines = following(world, "waiting: ")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # as some senders do, to the process and its group
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    (refused,) = [line for line in lines if line.startswith("refused: ")]
    assert "CBP SX 470" in refused
    assert "gateway amend" in refused
    assert lines[-1].startswith("waiting: The SX for entry ")
    assert "overdue at" in lines[-1]
    assert f"Trip {TRIP} has been filed, and goes on by itself" in err
    assert "no answer yet: The SX for entry " in err
    assert f"gateway trip {TRIP}" in err
    assert "waiting" not in out
    assert "Traceback" not in err

    found: dict[str, Any] = world.board(TRIP)
    (waits,) = found["open"]
    assert (waits["matter"], waits["who"], waits["filings"]) == ("answer", "cbp", 1)
    seen = world.run("trip", TRIP).stdout
    assert "What is awaited" in seen
    filing = world.run("filing", waits["filing_id"]).stdout
    assert "is awaited; overdue at" in filing
    assert "Who acts: CBP." in filing
