"""Where is pure work done that would hold everything else up? In a child process of our own.

Python runs one thread at a time, so a document of some milliseconds delays every commit beside it. The child is
:mod:`gateway.workers.workbench`: it reads a piece of work from its standard input, writes what came of it to its
standard output, and ends when its input closes, that is with us, however we end. What goes in and out are values in
frames of our own two processes. A child that died is replaced and the work done again, for it has no effects.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.workers import workbench

TRIES: Final = 2
STOP_SECONDS: Final = 5.0
_PIECE: Final = 1 << 16
_ROOT: Final = str(Path(__file__).resolve().parents[2])
"""Where the child finds the packages, also when they are not installed."""

log = structlog.get_logger("gateway.worker")


class WorkshopLost(Exception):
    """The child died over a piece of work, and so did its replacement."""


class Workshop:
    """One child process; one piece of work at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child, when there is one."""
        return self._process.pid if self._process is not None else None

    async def run(self, name: str, *values: Any) -> Any:
        """The work of that name with these values; what it raises is raised here. Raises :class:`WorkshopLost`."""
        frame = workbench.framed((name, values))
        async with self._turn:
            for _ in range(TRIES):
                try:
                    good, value = await self._asked(frame)
                except (EOFError, ConnectionError, asyncio.IncompleteReadError):
                    log.warning("the child process died; its work is done again", work=name)
                    await self._end()
                    continue
                except BaseException:
                    await self._end()  # an answer left in the pipe would be taken for the next one's
                    raise
                if good:
                    return value
                raise value
        raise WorkshopLost(f"the child process died twice over {name}")

    async def close(self) -> None:
        """End the child."""
        await self._end()

    async def _asked(self, frame: bytes) -> tuple[bool, Any]:
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise ConnectionError("the child has no pipes")
        process.stdin.write(frame)
        await process.stdin.drain()
        size = workbench.LENGTH.unpack(await process.stdout.readexactly(workbench.LENGTH.size))[0]
        answer: tuple[bool, Any] = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - our own child
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH", "")])]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            workbench.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await _ended(process)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end, and throw away what nobody reads: it is not told while a full pipe stands open."""
    if process.stdout is not None:
        while await process.stdout.read(_PIECE):
            pass
    await process.wait()
