"""Several filers in one sandbox: own keys, own books or shared ones, and none is disturbed by another."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Running, serving
from sandbox.faults import read_faults
from sandbox.openings import sentences
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour, Filer, Settings
from tests.sandbox_case import kinds, one, records, told, x4
from tests.sandbox_lines import PASSWORD, As2Line, Came, DirectoryLine, Line, SftpLine, publish

MANIFEST = manifest_309([SampleBill("25031000001")])
ENTRY = entries_se([SampleEntry("0000001", "25031000001")])
NAMES = ("ALPHA", "BETA", "GAMMA")


class World:
    """A running sandbox and its filers: ALPHA by AS2, BETA by SFTP, GAMMA by a directory, DELTA by AS2."""

    def __init__(self, running: Running, lines: dict[str, Line]) -> None:
        self.running = running
        self.lines = lines

    async def say(self, filer: str, payload: bytes) -> list[Came]:
        """A filer hands in a file that is taken; gives what comes back to it."""
        assert await self.lines[filer].send(payload) == "taken"
        return await self.lines[filer].collect()

    async def arrive(self, filer: str, trip: str = "TSTC2503100001") -> None:
        """The truck of a trip in a filer's books is at the border."""
        runner = self.running.offices.of(filer)
        await asyncio.to_thread(runner.cbp.arrive, trip, runner.clock.now())
        runner.wake()

    def count(self, filer: str, question: str) -> int:
        """A number from a filer's books."""
        return self.running.offices.of(filer).cbp.store.count(question)


@asynccontextmanager
async def world_at(folder: Path, books: str = "", **changes: Any) -> AsyncIterator[World]:
    """A sandbox with four filers; with ``books`` all of them share these, otherwise each has its own."""
    exchange = folder / "exchange"
    alpha, delta = As2Line("ALPHA", exchange), As2Line("DELTA", exchange)
    async with alpha.listening(), delta.listening():
        filers = [
            Filer(name, publish(name, exchange / f"{name}.pem"), url, books)
            for name, url in (("ALPHA", alpha.url), ("BETA", ""), ("GAMMA", ""), ("DELTA", delta.url))
        ]
        filers[2] = Filer("GAMMA", filers[2].certificate, "", books, directory=folder / "gamma")
        values: dict[str, Any] = {
            "data_dir": folder / "sandbox",
            "exchange_dir": exchange,
            "as2_port": 0,
            "control_port": 0,
            "sftp_port": 0,
            "sftp_accounts": (f"beta/BETA/{PASSWORD}",),
            "directory_signed": False,
            "directory_poll": 0.01,
            "clock": "2025-03-10T09:00:00-04:00",
            "frozen": True,
            "retry_first": 0.01,
            "retry_longest": 0.05,
            "filers": tuple(filers),
            "behaviour": Behaviour(arrive_at_eta=False),
        }
        lines = {
            "ALPHA": alpha,
            "BETA": SftpLine("BETA", user="beta"),
            "GAMMA": DirectoryLine("GAMMA", folder / "gamma"),
            "DELTA": delta,
        }
        async with serving(Settings(**(values | changes))) as running, AsyncExitStack() as stack:
            for line in lines.values():
                await stack.enter_async_context(line.at(running))
            yield World(running, lines)


async def test_filers_with_books_of_their_own_may_use_the_same_numbers(tmp_path: Path) -> None:
    """The same SCN, trip and entry number: accepted for each, by its own door, and released for each on its own."""
    async with world_at(tmp_path) as world:
        for filer in (*NAMES, "DELTA"):
            answers = await world.say(filer, MANIFEST) + await world.say(filer, ENTRY)
            assert b"SHIPMENTS ACCEPTED 1" in one(answers, "355"), filer
            assert records(answers, "SE90")[-1].startswith("SE9002"), filer
            assert "97" in told(answers), filer
        await world.arrive("BETA")
        assert x4(await world.lines["BETA"].collect()) == ["1C"]
        for filer in ("ALPHA", "GAMMA", "DELTA"):
            assert await world.lines[filer].collect() == []
            assert world.count(filer, "select count(*) from bill where state = 'ENTERED'") == 1
        assert len({id(world.running.offices.of(filer)) for filer in NAMES}) == 3


async def test_filers_that_share_books_meet_in_them(tmp_path: Path) -> None:
    """A number used by one is used for the other; a carrier's manifest meets a broker's entry, each told its way."""
    async with world_at(tmp_path, books="joint") as world:
        filed = await world.say("ALPHA", MANIFEST)
        assert b"SHIPMENTS ACCEPTED 1" in one(filed, "355")
        again = manifest_309([SampleBill("25031000001")], trip="TSTC2503100002", control=2)
        assert b"K1*SHIPMENT ALREADY ON FILE" in one(await world.say("GAMMA", again), "355")
        entered = await world.say("BETA", ENTRY)
        assert kinds(entered) == ["SX", "SO"]
        assert {"93", "97"} <= told(entered)
        second = await world.say("GAMMA", entries_se([SampleEntry("0000001", "25031000001")], reference="REF-2"))
        assert records(second, "SE90")[0].startswith("SE9011007")
        await world.arrive("ALPHA")
        to_broker, to_carrier = await world.lines["BETA"].collect(), await world.lines["ALPHA"].collect()
        assert set(kinds(to_broker)) == {"SO"}
        assert {"98", "01"} <= told(to_broker)
        assert kinds(to_carrier) == ["350"]
        assert x4(to_carrier) == ["1C"]
        assert await world.lines["GAMMA"].collect() == []


async def test_keys_are_ones_own(tmp_path: Path) -> None:
    """A message in ALPHA's name with DELTA's key gets no positive receipt and is in nobody's books."""
    async with world_at(tmp_path) as world:
        publish("DELTA", tmp_path / "exchange" / "ALPHA.pem")
        assert await world.lines["ALPHA"].send(MANIFEST) == "refused"
        assert await world.lines["DELTA"].send(MANIFEST) == "taken"
        assert world.count("ALPHA", "select count(*) from received") == 0


async def test_an_outage_and_faults_are_one_filers_own(tmp_path: Path) -> None:
    """Nobody is there for ALPHA, BETA's answers are dropped; GAMMA and DELTA are served as always."""
    async with world_at(tmp_path) as world:
        world.running.offices.of("ALPHA").faults = read_faults({"outage_from": "2025-01-01T00:00:00Z"})
        world.running.offices.of("BETA").faults = read_faults({"drop": 1})
        assert await world.lines["ALPHA"].send(MANIFEST) == "refused"
        assert await world.say("BETA", MANIFEST) == []
        for filer in ("GAMMA", "DELTA"):
            assert kinds(await world.say(filer, MANIFEST)) == ["997", "355"]


async def test_a_flood_of_garbage_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While ALPHA pours in garbage without end, BETA and DELTA file and are answered; their books see none of it."""
    async with world_at(tmp_path) as world:
        alpha = world.lines["ALPHA"]

        async def pour(place: int) -> None:
            for number in range(1000):
                await alpha.send(bytes([number % 256]) * 3000, f"garbage-{place}-{number}")

        flood = [asyncio.create_task(pour(place)) for place in range(8)]
        try:
            for filer in ("BETA", "DELTA"):
                assert kinds(await world.say(filer, MANIFEST)) == ["997", "355"]
                assert world.count(filer, "select count(*) from received") == 1
            assert not any(task.done() for task in flood)
        finally:
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)


async def test_books_that_are_busy_keep_no_other_books_waiting(tmp_path: Path) -> None:
    """A long transaction in ALPHA's books, with files of its own queueing at the door: the others are answered."""
    async with world_at(tmp_path) as world:
        store = world.running.offices.of("ALPHA").cbp.store
        begun, over = threading.Event(), threading.Event()

        def occupy() -> None:
            with store.transaction():
                begun.set()
                assert over.wait(60)

        busy = asyncio.create_task(asyncio.to_thread(occupy))
        try:
            await asyncio.to_thread(begun.wait, 10)
            waiting = [
                asyncio.create_task(world.lines["ALPHA"].send(manifest_309([], control=n), f"n{n}"))
                for n in range(1, 13)
            ]
            for filer in ("BETA", "GAMMA", "DELTA"):
                assert await world.lines[filer].send(MANIFEST) == "taken"
                runner = world.running.offices.of(filer)
                while world.count(filer, "select count(*) from answer where state = 'sent'") < 2:
                    assert runner.deliver is not None
                    await asyncio.sleep(0.01)
            assert not any(task.done() for task in waiting)
        finally:
            over.set()
            await busy
        assert await asyncio.gather(*waiting) == ["taken"] * 12


async def test_a_restart_keeps_what_each_filer_has(tmp_path: Path) -> None:
    """Books, faults, doors, the clock and its speed are as before; numbers once used stay used."""
    async with world_at(tmp_path, frozen=False, speed=50.0) as world:
        await world.say("ALPHA", MANIFEST)
        await world.say("BETA", ENTRY)
        world.running.offices.of("GAMMA").cbp.store.set_meta("faults", read_faults({"drop": 1}).as_dict())
        before = world.running.offices.clock.now()
    async with world_at(tmp_path, clock="", frozen=False, speed=1.0) as world:
        clock = world.running.offices.clock
        assert clock.speed == 50.0
        assert clock.now() >= before
        assert world.count("ALPHA", "select count(*) from bill") == 1
        assert world.count("BETA", "select count(*) from entry") == 1
        assert world.count("BETA", "select count(*) from bill") == 0
        assert await world.say("GAMMA", MANIFEST) == []
        other = manifest_309([SampleBill("25031000001")], trip="TSTC2503100002", control=2)
        assert b"K1*SHIPMENT ALREADY ON FILE" in one(await world.say("ALPHA", other), "355")
        await world.arrive("ALPHA")
        assert [came.kind for came in await world.lines["ALPHA"].collect()] == ["350"]


@pytest.mark.parametrize("filer", NAMES)
async def test_answers_come_by_the_door_of_the_latest_file(filer: str, tmp_path: Path) -> None:
    """Each filer is answered where it came in, and nothing lies at another's."""
    async with world_at(tmp_path) as world:
        assert kinds(await world.say(filer, MANIFEST)) == ["997", "355"]
        for other in set(NAMES) - {filer}:
            assert await world.lines[other].collect() == []


async def test_the_banner_names_every_door_and_every_filer(tmp_path: Path) -> None:
    """The lines with which a sandbox starts, and ports.json, name each filer with its certificate, its account, its
    folders and its books, and say which certificate is not there yet.
    """
    async with world_at(tmp_path) as world:
        settings, ports = world.running.settings, world.running.ports
        settings.filers[3].certificate.unlink()
        lines = sentences(settings, ports.filers)
        assert lines[0].startswith("directory door: write NAME.part into in and rename it; without signatures")
        alpha, beta, gamma, delta = lines[1:]
        assert f"AS2 answers to {settings.filers[0].url}" in alpha
        assert alpha.endswith("books ALPHA")
        assert "SFTP as beta, with its password" in beta
        assert PASSWORD not in "".join(lines)
        assert f"folders {tmp_path / 'gamma' / 'in'} and out" in gamma
        assert f"certificate {settings.filers[3].certificate} (not there yet)" in delta
        written = json.loads((settings.data_dir / "ports.json").read_text("utf-8"))["filers"]
        assert [one["name"] for one in written] == ["ALPHA", "BETA", "GAMMA", "DELTA"]
        assert written[1]["sftp"] == [{"user": "beta", "login": "with its password"}]
        assert written[2]["directory"] == str(tmp_path / "gamma")
