"""The service and the simulated CBP as processes of their own, in one folder, for tests of the whole."""

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
            "PYTHONPATH": str(Path(__file__).parents[1]),
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

    def key(self) -> str:
        """The key that the service left on this machine: a broker's."""
        return (self.folder / "var" / "gateway" / "local.key").read_text().strip()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer of the service to its broker."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key()}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the gateway, in the folder."""
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )

    def board(self, trip: str) -> dict[str, Any]:
        """The board of a trip, or nothing while the service is away."""
        return self.get(f"http://127.0.0.1:{self.http}/v1/trips/{trip}", self.key()) or {}

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
