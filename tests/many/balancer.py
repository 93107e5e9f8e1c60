"""How do CBP's answers reach whichever gateway is there? Through one address in front of all their doors.

A plain balancer of connections, as stands in front of any service: each new one goes to the next door that is open.
A door that was taken out (as a health check would) gets no new ones, and those it had are closed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress


class Balancer:
    """One address; ``doors`` are the ports behind it, in turn."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.doors: list[int] = []
        self.served: dict[int, int] = defaultdict(int)
        """Connections that each door took."""
        self._turn = 0
        self._open: dict[int, set[asyncio.StreamWriter]] = defaultdict(set)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Listen no longer, and close what is open."""
        if self._server is not None:
            self._server.close()
        for door in list(self._open):
            self.take_out(door)

    def put_in(self, door: int) -> None:
        """Send connections to this port too."""
        self.doors.append(door)

    def take_out(self, door: int) -> None:
        """Send none to this port any more."""
        if door in self.doors:
            self.doors.remove(door)
        for writer in list(self._open[door]):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            found = await self._connect()
            if found is None:
                return
            door, theirs, there = found
            self.served[door] += 1
            both = {writer, there}
            self._open[door] |= both
            try:
                await asyncio.gather(_pump(reader, there), _pump(theirs, writer))
            finally:
                self._open[door] -= both
                there.transport.abort()
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The next door that lets us in; ``None`` when none does."""
        for _ in range(len(self.doors)):
            self._turn += 1
            door = self.doors[self._turn % len(self.doors)]
            with suppress(OSError):
                return door, *await asyncio.open_connection("127.0.0.1", door)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until one side ends or is gone."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
