"""How do CBP's answers reach whichever gateway is there? Through one address in front of all their doors.

A plain balancer of requests, as stands in front of any service: each goes to the next door that is open. A door that
was taken out (as a health check would) gets no new ones, and whoever waits for an answer of it is told 502.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

import aiohttp
from aiohttp import web

MOST_BYTES: Final = 64 * 1024 * 1024
_OF_THE_LINE: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive"})


class Balancer:
    """One address; ``doors`` are the ports behind it, in turn."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.doors: list[int] = []
        self.served: dict[int, int] = defaultdict(int)
        """Requests that each door answered with success."""
        self._turn = 0
        self._waiting: dict[int, set[asyncio.Task[web.Response]]] = defaultdict(set)
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Listen no longer, and let nobody wait."""
        for door in list(self._waiting):
            self.take_out(door)
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def put_in(self, door: int) -> None:
        """Send requests to this port too."""
        self.doors.append(door)

    def take_out(self, door: int) -> None:
        """Send none to this port any more."""
        if door in self.doors:
            self.doors.remove(door)
        for task in self._waiting[door]:
            task.cancel()

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.doors:
            return web.Response(status=503)
        self._turn += 1
        door = self.doors[self._turn % len(self.doors)]
        task = asyncio.create_task(self._ask(door, request, body))
        self._waiting[door].add(task)
        await asyncio.wait([task])
        self._waiting[door].discard(task)
        if task.cancelled() or isinstance(task.exception(), aiohttp.ClientError):
            return web.Response(status=502)
        response = task.result()
        self.served[door] += response.status == 200
        return response

    async def _ask(self, door: int, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_LINE}
        url = f"http://127.0.0.1:{door}{request.path}"
        async with self._session.post(url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_LINE}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
