"""A running sandbox whose doors need no certificates: files are put in behind the door, calls go over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.app import Running, serving
from sandbox.cbp import Answer
from sandbox.settings import Filer, Settings

MARCH = "2025-03-10T09:00:00-04:00"


class Box:
    """The sandbox and a client session to its control port."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.running, self.session = running, session
        self.url = running.ports.control_url
        self.sent: list[Answer] = []

    async def file(self, payload: bytes, *, filer: str = "GATEWAY", name: str = "file") -> None:
        """Hand in a file as a door does, and wait until everything due is said."""
        runner = self.running.offices.of(filer)
        await runner.take(payload, partner=filer, message_id=f"<{name}-{len(self.sent)}@test>", name=name)
        assert await self.running.offices.settled()

    async def call(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any]:
        """A control call: status and JSON."""
        async with self.session.request(method, self.url + path, json=document, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> Any:
        """What a call shows."""
        status, document = await self.call("GET", path)
        assert status == 200, document
        return document

    async def post(self, path: str, document: Any = None) -> Any:
        """What a call does."""
        status, answer = await self.call("POST", path, document or {})
        assert status == 200, answer
        return answer


@asynccontextmanager
async def box_at(folder: Path, *filers: str, **settings: Any) -> AsyncIterator[Box]:
    """A sandbox on free ports, its clock frozen on the March day; its answers go to a list."""
    names = filers or ("GATEWAY",)
    values: dict[str, Any] = {
        "data_dir": folder / "sandbox",
        "exchange_dir": folder / "exchange",
        "memory": True,
        "as2_port": 0,
        "control_port": 0,
        "clock": MARCH,
        "frozen": True,
        "filers": tuple(Filer(name, folder / f"{name}.pem") for name in names),
    }
    async with (
        serving(Settings(**(values | settings))) as running,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
    ):
        box = Box(running, session)

        async def deliver(answer: Answer, _payload: bytes, _copy: int) -> str:
            box.sent.append(answer)
            return "<sent@test>"

        for runner in running.offices:
            runner.deliver = deliver
        yield box
