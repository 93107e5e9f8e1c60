"""A sandbox whose clock runs fast: trucks arrive at their time, answers take theirs, rests are short accordingly."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.app import serving
from sandbox.clock import instant
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour, Settings, Span
from tests.sandbox_case import x4
from tests.sandbox_lines import As2Line, publish

MANIFEST = manifest_309([SampleBill("25031000001", kind="35")])
ETA = instant("2025-03-10T16:30:00-04:00")


@asynccontextmanager
async def filer_at(folder: Path, **changes: Any) -> AsyncIterator[As2Line]:
    """A filer with AS2 at a sandbox whose clock starts on the March morning and runs."""
    exchange = folder / "exchange"
    publish("GATEWAY", exchange / "gateway.pem")
    values: dict[str, Any] = {
        "data_dir": folder / "sandbox",
        "exchange_dir": exchange,
        "as2_port": 0,
        "control_port": 0,
        "clock": "2025-03-10T09:00:00-04:00",
        "retry_first": 0.01,
    }
    line = As2Line("GATEWAY", exchange)
    async with line.listening():
        settings = Settings(**(values | {"gateway_url": line.url} | changes))
        async with serving(settings) as running, line.at(running):
            yield line


def sent_at(filer: As2Line, kind: str) -> list[datetime]:
    """When answers of a kind went out, by the sandbox's clock."""
    rows = filer.here.runner.cbp.store.rows(
        "select at from transcript where direction = 'out' and kind = ? order by id", kind
    )
    return [datetime.fromisoformat(row["at"]) for row in rows]


async def test_a_truck_arrives_at_its_time_in_a_fraction_of_it(tmp_path: Path) -> None:
    """Seven and a half hours at 20,000 to one: arrived at its estimated time, told soon after, in seconds."""
    began = time.monotonic()
    async with filer_at(tmp_path, speed=20_000.0) as filer:
        assert await filer.send(MANIFEST) == "taken"
        answers = await filer.collect_some(3)
        assert x4(answers) == ["1C"]
        assert b"*20250310*1630*1C**TSTC" in answers[2].payload
        await filer.settle()
        (told,) = sent_at(filer, "350")
        assert ETA <= told < ETA + timedelta(hours=6)
    assert time.monotonic() - began < 20


async def test_rests_follow_the_speed_and_its_changes(tmp_path: Path) -> None:
    """Answers due in 100 seconds: not in a second of real time, at once when the clock begins to run fast."""
    async with filer_at(tmp_path, behaviour=Behaviour(answer_delay=100.0)) as filer:
        assert await filer.send(MANIFEST) == "taken"
        await filer.settle()
        assert sent_at(filer, "997") == []
        began = time.monotonic()
        clock = await filer.control("POST", "/clock", {"speed": 200})
        assert clock["speed"] == 200
        await filer.collect_some(2)
        assert time.monotonic() - began < 5
        await filer.settle()
        (due,) = filer.here.runner.cbp.store.rows("select due_at, sent_at from answer where kind = '997'")
        assert datetime.fromisoformat(due["sent_at"]) >= datetime.fromisoformat(due["due_at"])


async def test_an_outage_and_the_end_of_the_day_end_by_a_fast_clock(tmp_path: Path) -> None:
    """Windows of hours are over in moments: what was held is read, what waited is sent, without a call."""
    async with filer_at(tmp_path, frozen=True) as filer:
        await filer.control("POST", "/clock", {"set": "2025-03-10T23:50:00-04:00"})
        outage = {"from": "2025-03-10T23:55:00-04:00", "until": "2025-03-11T03:00:00-04:00"}
        await filer.control("POST", "/faults", {"end_of_day": "23:45-00:45", "outages": [outage]})
        assert await filer.send(manifest_309([SampleBill("1", kind="35")], day="20250311")) == "taken"
        await filer.control("POST", "/clock", {"speed": 20_000, "freeze": False})
        await filer.collect_some(2)
        await filer.settle()
        (read,) = filer.here.runner.cbp.store.rows("select digested_at from received")
        assert instant("2025-03-11T00:45:00") <= datetime.fromisoformat(read["digested_at"])
        assert min(sent_at(filer, "997")) >= instant("2025-03-11T03:00:00")


async def test_answers_take_times_drawn_from_the_seed_and_the_file(tmp_path: Path) -> None:
    """60 to 120 seconds: each file its own, all answers of a file together, SO never before SX, and repeatable."""
    delays = []
    for run in ("one", "two"):
        conduct = Behaviour(answer_delay=Span(60, 120), seed=5, arrive_at_eta=False)
        async with filer_at(tmp_path / run, frozen=True, behaviour=conduct) as filer:
            for number in range(1, 7):
                bill = SampleBill(f"{number:08d}")
                await filer.send(manifest_309([bill], trip=f"TSTC{number:08d}", control=number))
            await filer.send(entries_se([SampleEntry("0000001", "00000001")]))
            await filer.settle()
            store = filer.here.runner.cbp.store
            rows = store.rows("select kind, received_id, created_at, due_at from answer order by id")
            delays.append([(row["kind"], row["received_id"], _seconds(row)) for row in rows])
            await filer.control("POST", "/clock", {"advance": 120})
            kinds = [came.kind for came in await filer.collect()]
            assert kinds.index("SX") < kinds.index("SO")
    assert delays[0] == delays[1]
    first = delays[0]
    assert all(60 <= seconds <= 120 for _, _, seconds in first)
    by_file = {received: {s for _, one, s in first if one == received} for _, received, _ in first}
    assert all(len(seconds) == 1 for seconds in by_file.values())
    assert len(set.union(*by_file.values())) == 7


def _seconds(row: Any) -> float:
    return (datetime.fromisoformat(row["due_at"]) - datetime.fromisoformat(row["created_at"])).total_seconds()


async def test_the_control_call_says_what_is_wrong(tmp_path: Path) -> None:
    """A speed out of range is a problem document that names it; the clock is as before."""
    async with filer_at(tmp_path, frozen=True) as filer:
        before = await filer.control("GET", "/state")
        async with (
            aiohttp.ClientSession() as session,
            session.post(filer.here.ports.control_url + "/clock", json={"speed": 0, "advance": 60}) as response,
        ):
            assert response.status == 422
            problem = await response.json(content_type=None)
        assert problem["errors"][0]["path"] == "speed"
        assert (await filer.control("GET", "/state"))["clock"] == before["clock"]
        assert before["clock"]["now"] == datetime(2025, 3, 10, 13, tzinfo=UTC).isoformat()
