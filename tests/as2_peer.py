"""The foreign peer of the AS2 tests as a process: started, asked and ended. See ``tests/peers/pyas2_peer.py``."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.serialization import Encoding

from schemas.as2 import Identity, make_identity
from schemas.as2.identity import KeyType
from tests.as2_kit import key_files

SCRIPT = Path(__file__).parent / "peers" / "pyas2_peer.py"
START_SECONDS = 60


@cache
def living(name: str, key_type: KeyType = "rsa-2048") -> Identity:
    """An identity that is valid by the machine's clock, which a foreign peer goes by."""
    now = datetime.now(UTC)
    return make_identity(
        name, not_before=now - timedelta(days=1), not_after=now + timedelta(days=30), key_type=key_type
    )


@dataclass
class PyAs2Peer:
    """A running peer."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, payload: bytes, *, content_type: str = "application/edi-x12", **how: Any) -> dict[str, Any]:
        """Let it send a message; ``how`` are settings of pyas2lib's ``Partner``. Gives how it was answered."""
        wish = {"payload": base64.b64encode(payload).decode(), "filename": "answer.x12", "content_type": content_type}
        async with self.session.post(self.url.replace("/as2", "/control/send"), json=wish | how) as response:
            said: dict[str, Any] = await response.json()
            return said

    async def received(self, wait: int = 0) -> list[dict[str, Any]]:
        """The messages it got, at least ``wait`` of them."""
        return await self._list("received", wait)

    async def receipts(self, wait: int = 0) -> list[dict[str, Any]]:
        """The receipts that were posted to it, at least ``wait`` of them."""
        return await self._list("receipts", wait)

    async def _list(self, what: str, wait: int) -> list[dict[str, Any]]:
        async with self.session.get(self.url.replace("/as2", f"/control/{what}?wait={wait}")) as response:
            found: list[dict[str, Any]] = await response.json()
        assert len(found) >= wait
        return found


@asynccontextmanager
async def peer_of(folder: Path, me: Identity, partner: Identity, partner_url: str) -> AsyncIterator[PyAs2Peer]:
    """A peer called ``me.as2_name`` that knows one partner."""
    mine, theirs = key_files(me, folder), key_files(partner, folder)[0]
    both = folder / "peer.pem"
    both.write_bytes(mine[1].read_bytes() + mine[0].read_bytes())
    config = {
        "name": me.as2_name,
        "key": str(both),
        "partner_name": partner.as2_name,
        "partner_certificate": str(theirs),
        "partner_url": partner_url,
    }
    place = folder / "peer.json"
    place.write_text(json.dumps(config), "utf-8")
    log = folder / "peer.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "ignore",
            str(SCRIPT),
            str(place),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        assert line, log.read_text("utf-8", "replace")[-2000:]
        async with aiohttp.ClientSession() as session:
            yield PyAs2Peer(f"http://127.0.0.1:{json.loads(line)['port']}/as2", session)
    finally:
        process.stdin.close()
        await process.wait()


def pem(of: Identity) -> bytes:
    """The certificate as PEM."""
    return of.certificate.public_bytes(Encoding.PEM)
