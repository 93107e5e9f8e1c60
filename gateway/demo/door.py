"""How is the HTTP service put on a port that somebody else had to know before?

The simulated CBP is told where to post its answers when it starts, and the gateway is told where the simulated
CBP listens when it starts. So our port is opened first, without listening, and the service put on it later.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.http.app import build_app
from gateway.runtime import Gateway

STOP_SECONDS = 5.0


def open_door(host: str, port: int = 0) -> socket.socket:
    """A socket bound to ``port`` (0: any free one); raises :class:`OSError` when it is taken."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


@asynccontextmanager
async def serving(gateway: Gateway, door: socket.socket) -> AsyncIterator[None]:
    """Serve ``gateway`` on the open door while the block runs."""
    runner = web.AppRunner(build_app(gateway), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        yield
    finally:
        await runner.cleanup()
