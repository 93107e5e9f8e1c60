"""A truckload against the service and the simulated CBP as processes of their own, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.shipments import make_shipments, make_trip

SHIPMENTS = 240
PATIENCE = 90.0


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class World:
    """One gateway and one simulated CBP in a folder, each started, killed and started again at will."""

    def __init__(self, folder: Path, morning: str) -> None:
        self.folder = folder
        self.http, self.as2, self.control = free_port(), free_port(), free_port()
        self.morning = morning
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "GATEWAY_LISTEN__PORT": str(self.http),
            "GATEWAY_PARTNERS__CBP__URL": f"http://127.0.0.1:{self.as2}/as2",
            "GATEWAY_URL": f"http://127.0.0.1:{self.http}",
            "NO_COLOR": "1",
        }

    def start(self, name: str) -> None:
        """Start ``serve`` or ``sandbox`` and wait until it answers."""
        arguments = [sys.executable, "-m", "gateway.cli", name]
        if name == "sandbox":
            arguments += ["--port", str(self.as2), "--control-port", str(self.control)]
            environment = {**self.environment, "SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{self.http}/as2"}
            if not (self.folder / "var" / "sandbox").exists():
                arguments += ["--clock", self.morning]
        else:
            environment = self.environment
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                arguments, cwd=self.folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        url = f"http://127.0.0.1:{self.control if name == 'sandbox' else self.http}/healthz"
        self.until(f"{name} answers", lambda: self.get(url) is not None)

    def kill(self, name: str) -> None:
        """End it without a chance to tidy up."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def close(self) -> None:
        """End what is left."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)

    def get(self, url: str, key: str = "") -> Any:
        """The JSON at an address, or ``None`` while nobody answers."""
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def board(self, trip: str) -> dict[str, Any]:
        """The board of a trip, or nothing while the service is away."""
        key = (self.folder / "var" / "gateway" / "local.key").read_text().strip()
        return self.get(f"http://127.0.0.1:{self.http}/v1/trips/{trip}", key) or {}

    def control_post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call of the simulated CBP's control API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}/sandbox{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def books(self) -> dict[str, Any]:
        """What the simulated CBP holds."""
        return self.get(f"http://127.0.0.1:{self.control}/sandbox/state") or {}

    def until(self, what: str, done: Callable[[], bool]) -> None:
        """Wait for something, but not for ever."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if done():
                return
            time.sleep(0.1)
        logs = {path.name: path.read_text("utf-8", "replace")[-1500:] for path in self.folder.glob("*.log")}
        pytest.fail(f"still waiting: {what}; {logs}")


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
