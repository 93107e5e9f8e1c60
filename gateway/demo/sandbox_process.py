"""How is the simulated CBP started as a process of its own, told what to do, and stopped?

The child ends when its standard input closes, so it never outlives its parent, however that ends. Its log
goes to a file; the end of it is shown when the child does not start.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from schemas.errors import Problem, TransportError

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
AS2_NAME: Final = "CBP-SANDBOX"
"""The name it answers to on the wire."""
SFTP_POLL_SECONDS: Final = 0.3
CALL_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)
_LOG_END: Final = 1200
_ROOT: Final = str(Path(__file__).resolve().parents[2])
"""Where the child finds the packages, also when they are not installed."""


class SandboxProcess:
    """A sandbox of our own; ``as2_url``, ``control_url`` and ``sftp_port`` (if it has one) are known once it runs."""

    def __init__(self, folder: Path, exchange: Path, gateway_url: str, arguments: Sequence[str] = ()) -> None:
        self.folder, self.exchange, self.gateway_url = folder, exchange, gateway_url
        self.log = folder / "sandbox.log"
        self.as2_name = AS2_NAME
        self.as2_url = self.control_url = ""
        self.sftp_port: int | None = None
        self._arguments = tuple(arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def pid(self) -> int:
        """The number of the process; 0 before it runs."""
        return self._process.pid if self._process is not None else 0

    @property
    def partner(self) -> dict[str, Any]:
        """The sandbox as a partner in the settings of a gateway: by SFTP when it has that door, else by AS2."""
        made: dict[str, Any] = {"transport": "as2", "url": self.as2_url, "as2_name": self.as2_name}
        if self.sftp_port is None:
            return made
        login = {"host": "127.0.0.1", "port": self.sftp_port, "user": "gateway", "password": None, "host_key": ""}
        pace = {"poll_seconds": SFTP_POLL_SECONDS, "steady_seconds": 0}  # its answers appear whole
        return made | {"transport": "sftp", "sftp": login | {"outbox": "in", "inbox": "out"} | pace}

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH", "")])]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "sandbox",
                "--data",
                str(self.folder),
                "--exchange",
                str(self.exchange),
                "--gateway-url",
                self.gateway_url,
                "--stop-with-stdin",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        try:
            ready = await self._ready(self._process)
        except BaseException:
            await self._stop(self._process)
            raise
        self.as2_url, self.control_url = str(ready["as2_url"]), str(ready["control_url"])
        self.sftp_port = ready.get("sftp")
        self._session = aiohttp.ClientSession(timeout=CALL_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._process is not None:
            await self._stop(self._process)

    async def _ready(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        if process.stdout is None:
            raise RuntimeError("the child was started without its standard output")
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline()
            ready: dict[str, Any] = json.loads(line)
        except (TimeoutError, ValueError):
            end = self.log.read_text("utf-8", "replace")[-_LOG_END:].strip()
            text = f"The simulated CBP did not start. Its log ends: {end or '(empty)'}"
            raise TransportError(
                Problem("sandbox_not_started", str(self.log), text, "See its log."), in_doubt=False
            ) from None
        return ready

    @staticmethod
    async def _stop(process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    # ------------------------------------------------------------------ the control API

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the control API; raises :class:`TransportError` with what it says."""
        if self._session is None:
            raise RuntimeError("use the sandbox as an asynchronous context manager")
        try:
            async with self._session.request(method, self.control_url + path, json=body) as response:
                document: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"The simulated CBP does not answer: {type(error).__name__}."
            raise TransportError(Problem("sandbox_away", path, text, f"See {self.log}."), in_doubt=True) from None
        if response.status >= 400:
            text = f"The simulated CBP refuses {path}: {document.get('title', response.status)}"
            raise TransportError(Problem(str(document.get("code", "refused")), path, text), in_doubt=False)
        return document

    async def set_clock(self, moment: str) -> None:
        """Set its clock to an ISO instant; it runs on from there."""
        await self.call("POST", "/clock", {"set": moment})

    async def arrive(self, trip_number: str) -> None:
        """The truck is at the border."""
        await self.call("POST", f"/trips/{trip_number}/arrive")

    async def settled(self) -> bool:
        """Whether everything it has to say now has been said and receipted."""
        return bool((await self.call("POST", "/settle"))["settled"])
