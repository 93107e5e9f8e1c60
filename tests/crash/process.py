"""How does a test start a gateway, hear what it tells, and notice that it is dead?"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash.child import Spec

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 60.0


@contextmanager
def zygote() -> Iterator[str]:
    """A loaded parent of gateways; gives the socket on which it can be asked for one."""
    with tempfile.TemporaryDirectory(
        prefix="gateway-crash-"
    ) as folder:  # a short path: a socket's name has little room
        path = f"{folder}/zygote"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("the parent of gateways did not start")
            yield path
            process.stdin.close()


@dataclass
class Process:
    """One gateway process. What it told is in ``met`` (kinds of boundaries in order) and ``sent``."""

    met: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Message id and digest of what was about to go out."""
    workshops: list[int] = field(default_factory=list)
    died_at: str = ""
    failure: str = ""
    end: int | None = None
    """How it ended: its exit status, or a signal as a negative number."""
    pid: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _hearing: asyncio.Task[None] | None = None

    async def start(self, parent: str, spec: Spec) -> None:
        """Be born; returns when the process serves or is dead."""
        reader, writer = await asyncio.open_unix_connection(parent)
        writer.write(json.dumps(spec.as_dict()).encode() + b"\n")
        await writer.drain()
        self._hearing = asyncio.create_task(self._hear(reader, writer))
        async with asyncio.timeout(START_SECONDS):
            await self.ready.wait()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self._note(*line.decode().rstrip("\n").partition(" ")[::2])
        finally:
            writer.close()
            self.ended.set()
            self.ready.set()

    def _note(self, word: str, rest: str) -> None:
        match word:
            case "pid":
                self.pid = int(rest)
            case "ready":
                self.ready.set()
            case "met":
                self.met.append(rest)
            case "dies":
                self.died_at = rest
            case "sends":
                message_id, _, digest = rest.partition(" ")
                self.sent.append((message_id, digest))
            case "workshop":
                self.workshops.append(int(rest))
            case "ended":
                self.end = int(rest)
            case "failed":
                self.failure = json.loads(rest)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self.ended.is_set()

    async def stop(self) -> None:
        """End it as an operator does."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            await self.ended.wait()
