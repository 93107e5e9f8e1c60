"""How is a connection broken on purpose? Reset in the middle of what is sent or received, as a cable that is pulled.

With no time to linger the machine sends a reset instead of an orderly end, and what it had not sent yet is thrown away.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

_NO_LINGER: Final = struct.pack("ii", 1, 0)


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Break a connection now; one that is gone is left."""
    if not isinstance(transport, asyncio.Transport):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


async def read_half(request: web.Request) -> int:
    """Read about half of a body; gives the bytes read."""
    wanted, came = (request.content_length or 2) // 2, 0
    while came < wanted and (some := await request.content.read(wanted - came)):
        came += len(some)
    return came


async def post_half(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> None:
    """Post a message and break the connection within its body. Raises ``OSError`` or ``TimeoutError``."""
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    lines += [f"Content-Length: {len(body)}", "", ""]
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)
        try:
            writer.write("\r\n".join(lines).encode("latin-1") + body[: len(body) // 2])
            await writer.drain()
        finally:
            reset(writer.transport)
