"""A gateway process that is killed while receipts are still to come, before a simulated CBP that posts them or not.

The simulated CBP runs in the test's own process, so that the test can hold its receipts back; it and the gateway speak
AS2 over loopback.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.demo.shipments import make_shipments, make_trip
from sandbox.app import Running, serving
from sandbox.doors.as2_receipts import ReceiptDesk
from sandbox.doors.intake import Intake
from sandbox.settings import Settings
from tests.as2_partner import Watched, door_of

ARRIVAL = date(2025, 3, 10)
SHIPMENTS = 60
PATIENCE = 60


class Post:
    """The way of the sandbox's receipts to the gateway, and what came the other way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed = False
        self.loses = False
        self.lost = 0
        self.bodies: dict[str, list[bytes]] = {}
        self.receipts: dict[str, set[bytes]] = {}
        post, read = ReceiptDesk._post, Intake.read

        async def posting(desk: ReceiptDesk, session: Any, url: str, mdn: Any) -> bool:
            if self.closed:
                return False
            if self.loses:
                self.lost += 1
                return True
            self.receipts.setdefault(mdn.message_id, set()).add(mdn.body)
            return await post(desk, session, url, mdn)

        async def reading(intake: Intake, request: web.Request, **how: Any) -> bytes:
            body = await read(intake, request, **how)
            self.bodies.setdefault(request.headers["Message-ID"], []).append(body)
            return body

        monkeypatch.setattr(ReceiptDesk, "_post", posting)
        monkeypatch.setattr(Intake, "read", reading)


class Process:
    """The gateway as a process of its own, on a database that the test may look into."""

    def __init__(self, folder: Path, port: int, sandbox_url: str, wait: float) -> None:
        self.folder, self.port = folder, port
        self.child: asyncio.subprocess.Process | None = None
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "GATEWAY_LISTEN__PORT": str(port),
            "GATEWAY_PARTNERS__CBP__URL": sandbox_url,
            "GATEWAY_PARTNERS__CBP__RECEIPT_URL": f"http://127.0.0.1:{port}/as2",
            "GATEWAY_PARTNERS__CBP__RECEIPT_WAIT_SECONDS": str(wait),
            "GATEWAY_URL": f"http://127.0.0.1:{port}",
            "NO_COLOR": "1",
        }

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "gateway.log").open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.cli", "serve"),
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        await self.until(self._answers)

    async def _answers(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/healthz") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def end(self, number: signal.Signals) -> None:
        """End it, with or without a chance to tidy up."""
        if self.child is not None:
            self.child.send_signal(number)
            await self.child.wait()
            self.child = None

    async def submit(self) -> None:
        """File a truckload by the command line."""
        trip, goods = self.folder / "trip.json", self.folder / "shipments.ndjson"
        trip.write_text(json.dumps(make_trip(ARRIVAL, 5)))
        lines = (json.dumps(one, ensure_ascii=False) for one in make_shipments(ARRIVAL, SHIPMENTS, 5))
        goods.write_text("\n".join(lines), "utf-8")
        arguments = ("submit", str(trip), str(goods), "--file", "--no-wait", "--json")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", *arguments),
            cwd=self.folder, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await child.communicate()
        assert child.returncode == 0, err.decode()

    def sent(self) -> list[sqlite3.Row]:
        """The transmissions that went out or are to go."""
        path = self.folder / "var" / "gateway" / "gateway.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
            conn.row_factory = sqlite3.Row
            query = "select id, state, message_id, attempts, application from transmissions where direction = 'out'"
            return conn.execute(f"{query} order by id").fetchall()

    async def until(self, done: Any) -> None:
        """Wait, but not for ever, for something that another process does."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await done():  # noqa: ASYNC110 - another process tells nobody
                    await asyncio.sleep(0.1)
        except TimeoutError:
            log = (self.folder / "gateway.log").read_text("utf-8", "replace")[-3000:]
            pytest.fail(f"{[dict(one) for one in self.sent()]}\n{log}")

    async def until_all_are(self, state: str) -> None:
        """Wait until everything that was to be sent is in this state."""

        async def all_are() -> bool:
            rows = await asyncio.to_thread(self.sent)
            return len(rows) >= 2 and {row["state"] for row in rows} == {state}

        await self.until(all_are)


@asynccontextmanager
async def world(folder: Path, wait: float) -> AsyncIterator[tuple[Process, Running]]:
    """A gateway process and the simulated CBP in front of which it stands."""
    door = door_of(Watched())
    port = door.getsockname()[1]
    door.close()
    settings = Settings(
        data_dir=folder / "sandbox",
        exchange_dir=folder / "var" / "exchange",
        as2_port=0,
        control_port=0,
        gateway_url=f"http://127.0.0.1:{port}/as2",
        clock="2025-03-10T08:00:00-04:00",
    )
    async with serving(settings) as running:
        process = Process(folder, port, running.ports.as2_url, wait)
        try:
            await process.start()
            yield process, running
        finally:
            await process.end(signal.SIGTERM)


def books(running: Running) -> tuple[int, int, int]:
    """Files that came, how many of them were repetitions, manifests on file."""
    store = running.runner.cbp.store
    return (
        store.count("select count(*) from received"),
        store.count("select count(*) from received where repeats is not null"),
        store.count("select count(*) from manifest"),
    )


async def test_a_kill_between_sent_and_receipted_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything handed over, SIGKILL, a new process, then the receipts come: delivered, nothing sent a second time."""
    post = Post(monkeypatch)
    post.closed = True
    async with world(tmp_path, wait=600) as (process, running):
        await process.submit()
        await process.until_all_are("awaiting_receipt")
        before = [tuple(row) for row in process.sent()]
        await process.end(signal.SIGKILL)
        await process.start()
        assert [tuple(row) for row in process.sent()] == before
        post.closed = False
        await process.until_all_are("delivered")
        assert [(row["id"], row["message_id"], row["attempts"]) for row in process.sent()] == [
            (identifier, message_id, 1) for identifier, _, message_id, *_ in before
        ]
        came, repeated, manifests = books(running)
        assert (came, repeated, manifests) == (len(before), 0, 1)
        assert [len(bodies) for bodies in post.bodies.values() if len(bodies) > 1] == []


async def test_lost_receipts_and_a_kill_bring_the_same_bytes_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All receipts lost, SIGKILL on the way: the same bytes again under the same Message-IDs, known as repetitions, the
    very same receipts again, and one manifest on file.
    """
    post = Post(monkeypatch)
    post.loses = True
    async with world(tmp_path, wait=1) as (process, running):
        await process.submit()
        await process.until_all_are("in_doubt")
        await process.end(signal.SIGKILL)
        assert post.lost >= len(process.sent())
        post.loses = False
        await process.start()
        await process.until_all_are("delivered")
        rows = process.sent()
        ours = {row["message_id"]: post.bodies[row["message_id"]] for row in rows}
        assert {len(set(bodies)) for bodies in ours.values()} == {1}
        assert all(len(bodies) >= 2 for bodies in ours.values())
        assert [message_id for message_id in post.bodies if "gateway>" in message_id] == list(ours)
        assert {len(bodies) for bodies in post.receipts.values()} == {1}
        came, repeated, manifests = books(running)
        assert (came - repeated, manifests) == (len(rows), 1)
        assert repeated == sum(len(bodies) for bodies in ours.values()) - len(rows)
