"""A truckload against the service and the simulated CBP as processes of their own, killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway.demo.shipments import make_shipments, make_trip
from tests.world import World

SHIPMENTS = 240


@pytest.fixture(params=["2025-03-10", "2026-11-23"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, str, Path, Path]]:
    """Both processes, and the files of a truckload for a day before and a day after the suspension."""
    arrival = date.fromisoformat(request.param)
    trip = make_trip(arrival, 5)
    trip_file, shipments_file = tmp_path / "trip.json", tmp_path / "shipments.ndjson"
    trip_file.write_text(json.dumps(trip))
    lines = (json.dumps(one, ensure_ascii=False) for one in make_shipments(arrival, SHIPMENTS, 5))
    shipments_file.write_text("\n".join(lines), encoding="utf-8")
    made = World(tmp_path, f"{request.param}T08:00:00-05:00")
    try:
        made.start("sandbox")
        made.start("serve")
        yield made, trip["trip_number"], trip_file, shipments_file
    finally:
        made.close()


def test_killing_both_sides_midway_loses_nothing_and_files_nothing_twice(world: tuple[World, str, Path, Path]) -> None:
    """SIGKILL to the simulated CBP, then to the gateway, while a truckload is under way: the books agree in the end."""
    made, trip, trip_file, shipments_file = world
    arguments = [sys.executable, "-m", "gateway.cli", "submit", str(trip_file), str(shipments_file), "--file", "--json"]
    submit = subprocess.Popen(
        [*arguments, "--no-wait"], cwd=made.folder, env=made.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    made.until("the trip is filed", lambda: made.board(trip).get("state", "draft") != "draft")
    made.kill("sandbox")
    out, err = submit.communicate(timeout=60)
    assert submit.returncode == 0, err.decode()
    assert json.loads(out)

    made.kill("serve")
    made.start("serve")
    made.start("sandbox")

    def answered() -> bool:
        states = made.board(trip).get("states", {"staged": 1})
        return not {"staged", "filed", "in_doubt"} & set(states)

    made.until("every declaration is answered", answered)
    made.control_post(f"/trips/{trip}/arrive")
    made.until("nothing waits on file", lambda: "on_file" not in made.board(trip).get("states", {"on_file": 1}))
    board = made.board(trip)

    assert sum(board["states"].values()) == SHIPMENTS
    assert set(board["states"]) <= {
        "released",
        "held",
        "exam",
        "documents_required",
        "rejected",
        "handed_off",
        "in_review",
    }
    assert board["states"]["released"] > SHIPMENTS / 3
    books = made.books()
    assert sum(books["shipments"].values()) == board["manifest"]["accepted"]
    assert sum(books["entries"].values()) == board["entries"]["accepted"]
    assert books["files"]["unread"] == 0
