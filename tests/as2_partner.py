"""A gateway and its partner on loopback sockets: the partner takes, answers and posts what a test tells it to.

``together`` opens a real gateway behind its real HTTP service, without workers, so that each worker has its turn when
the test says so, and a partner that is played by the test. ``opened`` is the gateway alone, for a partner that is real.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from filings import archive, queries, requesting, staging, trips
from filings.store import tables as t
from gateway.demo.door import open_door, serving
from gateway.runtime import Gateway
from gateway.settings import load_settings
from schemas.as2 import (
    As2Message,
    Identity,
    Mdn,
    Partner,
    ReceivedMessage,
    build_mdn,
    build_message,
    is_receipt,
    make_identity,
    open_mdn,
    open_message,
)
from schemas.trip import read_trip
from tests import samples
from tests.filing_kit import BROKER, START, TRIP, parcel, rows
from tests.http_service import identity_files

NAME = "CBP-SANDBOX"


def now() -> datetime:
    """Now: certificates and receipts carry real time."""
    return datetime.now(UTC)


@cache
def cbp(number: int = 1) -> Identity:
    """The partner's keys; another number is another pair under the same name."""
    del number
    return make_identity(NAME, not_before=now() - timedelta(days=1), not_after=now() + timedelta(days=30))


class ToldGateway(Gateway):
    """A gateway that tells a test whenever one of its workers has moved something."""

    def __init__(self, *given: Any) -> None:
        self.moved = asyncio.Event()
        super().__init__(*given)

    def wake(self) -> None:
        """Tell the workers, and the test."""
        super().wake()
        self.moved.set()


@dataclass
class Watched:
    """A gateway behind its HTTP service, and what a test wants to know of it."""

    gateway: ToldGateway = field(init=False)
    gateway_url: str = ""

    async def request(self, *raws: Any) -> None:
        """Ask for the sample trip to be filed with these shipments, by default one."""
        gateway, raw, at = self.gateway, samples.trip(), self.gateway.clock()
        write = gateway.store.write
        await write(partial(trips.put_trip, trip=read_trip(raw), raw=raw, actor=BROKER, now=at, ctx=gateway.ctx))
        given = rows(*(raws or (parcel(1),)))
        await write(lambda conn: staging.stage(conn, gateway.ctx, TRIP, given, actor=BROKER, now=at))
        await write(partial(requesting.request_filing, trip_number=TRIP, actor=BROKER, now=at))

    async def file(self, *raws: Any) -> None:
        """Have it filed and planned; nothing is sent yet."""
        await self.request(*raws)
        while await self.worker("express planner").turn():
            pass

    async def until_shipments_are(self, state: str) -> None:
        """Wait, but not for ever, until all shipments are in this state; the workers must be running."""
        query = select(t.shipments.c.state)
        async with asyncio.timeout(60):
            while set(await self.gateway.store.read(lambda conn: conn.execute(query).scalars().all())) != {state}:
                await self.gateway.moved.wait()
                self.gateway.moved.clear()

    async def until_nothing_is_owed(self) -> None:
        """Wait, but not for ever, until every receipt that was to be posted has been; the workers must be running."""
        async with asyncio.timeout(60):
            while {one.state for one in await self.owed()} - {"given"}:  # noqa: ASYNC110 - a given receipt moves nothing
                await asyncio.sleep(0.05)

    def worker(self, name: str) -> Any:
        """One of the gateway's workers."""
        return next(one for one in self.gateway.workers if one.name == name)

    async def rows(self, direction: str) -> list[Any]:
        """Transmissions of the gateway, oldest first."""
        query = select(t.transmissions).where(t.transmissions.c.direction == direction).order_by(t.transmissions.c.id)
        return await self.gateway.store.read(lambda conn: list(conn.execute(query).all()))

    async def owed(self) -> list[Any]:
        """Receipts that the gateway owes or gave by posting them."""
        query = select(t.owed_receipts).order_by(t.owed_receipts.c.id)
        return await self.gateway.store.read(lambda conn: list(conn.execute(query).all()))

    async def alerts(self) -> list[str]:
        """Kinds of open alerts."""
        return [one["kind"] for one in await self.gateway.store.read(queries.alerts)]

    async def check_archive(self) -> None:
        """The archive is whole."""
        verified = await self.gateway.store.read(archive.verify)
        assert verified.verified, verified.reason


@dataclass
class PlayedPartner(Watched):
    """The other side. ``status`` is what it answers with; ``arrived`` is set when a receipt was posted to it."""

    url: str = ""
    status: int = 200
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    in_the_answer: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def us(self) -> Partner:
        """How the partner knows the gateway."""
        return Partner("GATEWAY", self.gateway._identity.certificate)

    async def take(self, request: web.Request) -> web.Response:
        """Whatever the gateway posts: a message, or a receipt that it owes."""
        body = await request.read()
        fields = dict(request.headers)
        if is_receipt(fields, body):
            self.posted.append((request.path_qs, fields, body))
            self.arrived.set()
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        self.requests.append((fields, body))
        if self.in_the_answer:
            mdn = self.receipt()
            return web.Response(body=mdn.body, headers=dict(mdn.headers))
        return web.Response(status=self.status, text="thank you")

    def message(self, number: int = -1) -> ReceivedMessage:
        """What the gateway sent, opened."""
        fields, body = self.requests[number]
        return open_message(fields, body, me=cbp(), partners={"GATEWAY": self.us}, received_at=now())

    def receipt(self, about: Any = None, who: Identity | None = None, **changes: Any) -> As2Message:
        """A receipt for what came last, or for ``about``."""
        message_id = f"<receipt-{next(self.numbers)}@cbp.example>"
        return build_mdn(about or self.message(), me=who or cbp(), message_id=message_id, date=now(), **changes)

    async def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Post to the gateway's AS2 door; status, header fields and body of the answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.gateway_url, data=io.BytesIO(body), headers=dict(headers)) as response,
        ):
            return response.status, dict(response.headers), await response.read()

    async def post_receipt(self, mdn: As2Message) -> int:
        """Post a receipt; the status."""
        return (await self.post(mdn.headers, mdn.body))[0]

    def answer(self, payload: bytes, message_id: str, **changes: Any) -> As2Message:
        """A message of the partner to the gateway."""
        return build_message(
            payload,
            content_type="application/edi-x12",
            filename="answer.x12",
            sender=changes.pop("sender", cbp()),
            receiver=self.us,
            message_id=message_id,
            date=now(),
            **changes,
        )

    def read(self, headers: Mapping[str, str], body: bytes, sent: As2Message) -> Mdn:
        """The gateway's receipt for a message, verified against it."""
        return open_mdn(
            headers, body, me=cbp(), partner=self.us, received_at=now(), message_id=sent.message_id,
            mic=sent.mic, mic_algorithm=sent.mic_algorithm,
        )  # fmt: skip


@asynccontextmanager
async def opened(
    watched: Watched,
    folder: Path,
    door: socket.socket,
    *,
    url: str,
    them: Identity | Partner,
    database: str = "",
    work: bool = False,
    **partner: Any,
) -> AsyncIterator[None]:
    """A gateway whose partner ``them`` is at ``url``, served on ``door``; ``partner`` holds further settings of it."""
    settings = load_settings(
        environ={},
        overrides={
            "storage": {"directory": folder / "data", "database_url": database or None},
            "exchange": {"directory": folder / "exchange"},
            "partners": {"cbp": {"url": url, "as2_name": them.as2_name, **partner}},
        },
    )
    for path, content in zip((settings.private_key, settings.certificate), identity_files(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    settings.partner_certificate.write_bytes(them.certificate.public_bytes(Encoding.PEM))
    async with ToldGateway.open(settings, work=work, clock=lambda: START) as gateway, serving(gateway, door):
        assert isinstance(gateway, ToldGateway)
        watched.gateway = gateway
        yield


def door_of(watched: Watched) -> socket.socket:
    """A port for the gateway, taken before it runs; its address stands in ``gateway_url``."""
    door = open_door("127.0.0.1")
    watched.gateway_url = f"http://127.0.0.1:{door.getsockname()[1]}/as2"
    return door


@asynccontextmanager
async def together(
    folder: Path,
    *,
    asynchronous: bool = True,
    database: str = "",
    work: bool = False,
    port: int = 0,
    **partner: Any,
) -> AsyncIterator[PlayedPartner]:
    """A gateway and a partner played by the test; ``asynchronous``: receipts are asked to be posted to the gateway."""
    played = PlayedPartner()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/{anywhere:.*}", played.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        played.url = f"http://127.0.0.1:{runner.addresses[0][1]}/as2"
        door = door_of(played)
        partner["receipt_url"] = played.gateway_url if asynchronous else ""
        async with opened(played, folder, door, url=played.url, them=cbp(), database=database, work=work, **partner):
            yield played
    finally:
        await runner.cleanup()
