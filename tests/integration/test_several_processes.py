"""What several processes do at one moment on one PostgreSQL: nobody misses the other, nobody waits for the dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.util import await_only

from filings import receiving
from filings.deadlines import Patience
from filings.lifecycle import Statement
from filings.moves import Moves
from filings.progress import load, tell, write
from filings.store import Store, leases
from filings.store import tables as t
from filings.trips import put_trip
from filings.watching import watch
from gateway.our_identity import our_identity
from gateway.settings import load_settings
from gateway.workers.shift import Shift
from mappings.outcomes import ResponseReading
from schemas.errors import FormatError
from schemas.trip import read_trip
from tests import samples
from tests.filing_kit import BROKER, START, TRIP, WALL, Desk, parcel

LEASE = timedelta(minutes=2)
WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def desk(postgres_url: str) -> Any:
    """A desk on a PostgreSQL of its own."""
    async with await Store.open(postgres_url) as store:
        yield Desk(store)


def until_somebody_waits(conn: Connection) -> None:
    """Stay in the transaction until another one waits for a lock."""
    for _ in range(2000):
        if conn.execute(text(WAITERS)).scalar_one():
            return
        conn.execute(text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.005)"))  # else who came later is not seen
    raise AssertionError("nobody waited")


async def test_of_two_that_release_the_last_goods_one_sees_the_other(desk: Desk) -> None:
    """Two transactions release one of two shipments each at one moment: the trip is clear, and that is told once."""
    await desk.file(parcel(1), parcel(2))
    keys = [row.key for row in await desk.table(t.shipments, t.shipments.c.position)]
    written = asyncio.Event()

    def release(conn: Connection, key: str, then: Callable[[Connection], None]) -> None:
        moves = Moves()
        for known in load(conn, [key]).values():
            tell(known, Statement("released", "350", desk.now, "1C"), moves, desk.now)
        write(conn, moves, desk.now)
        then(conn)

    def first(conn: Connection) -> None:
        written.set()
        until_somebody_waits(conn)

    async def second() -> None:
        await written.wait()
        await desk.store.write(partial(release, key=keys[1], then=lambda _: None))

    await asyncio.gather(desk.store.write(partial(release, key=keys[0], then=first)), second())
    assert [row.state for row in await desk.table(t.trips)] == ["clear"]
    assert [row.type for row in await desk.table(t.events)].count("trip.clear") == 1


async def test_a_transaction_that_stands_still_is_ended_and_its_work_done_again(postgres_url: str) -> None:
    """A process paused inside a transaction keeps the others waiting for a bounded time only, and then begins anew."""
    paused, holding = asyncio.Event(), asyncio.Event()
    attempts: list[int] = []
    async with (
        await Store.open(postgres_url, stalled=timedelta(seconds=1)) as sleeper,
        await Store.open(postgres_url) as other,
    ):

        def slow(conn: Connection) -> None:
            attempts.append(1)
            leases.hold(conn, "work", "sleeper", WALL, LEASE)
            if len(attempts) == 1:
                holding.set()
                await_only(paused.wait())  # as a stopped process: nothing is said to the server
            conn.execute(text("SELECT 1"))

        slept = asyncio.create_task(sleeper.write(slow))
        await holding.wait()
        assert await other.write(lambda conn: leases.hold(conn, "work", "other", WALL, LEASE))
        paused.set()
        await slept
        held = await other.read(lambda conn: conn.execute(select(t.leases.c.lease_owner)).scalars().all())
    assert len(attempts) == 2
    assert held == ["other"]


async def test_one_message_at_two_doors_is_kept_once(desk: Desk) -> None:
    """The same message of CBP's that comes in at two processes at one moment is one transmission."""
    inbound = receiving.Inbound("cbp", "as2", "answer", "application/edi-x12", b"ISA", "<1@cbp>")
    ends = await asyncio.gather(
        *(desk.store.write(lambda conn: receiving.receive(conn, inbound, desk.now)) for _ in range(4))
    )
    assert sum(one is not None for one in ends) == 1
    assert len(await desk.table(t.transmissions)) == 1


async def test_the_same_answer_applied_by_two_at_once_counts_once(desk: Desk) -> None:
    """The same bytes in two messages, applied at one moment: one is processed, the other known as a repetition."""
    files = [await desk.take_in(b"the same", f"<{number}@cbp>") for number in range(4)]
    reading = ResponseReading("355", ())

    def apply(conn: Connection, identifier: str) -> bool:
        return receiving.apply(conn, identifier, reading, desk.now)

    ends = await asyncio.gather(*(desk.store.write(partial(apply, identifier=one)) for one in files))
    assert sorted(ends) == [False, False, False, True]


async def test_received_files_are_shared_out_and_a_dead_readers_are_read_by_another(desk: Desk) -> None:
    """Two readers never get the same file; what one took and never applied is taken again after its lease."""
    for number in range(6):
        await desk.take_in(b"file %d" % number)

    def take(conn: Connection, owner: str, wall: Any = WALL) -> list[str]:
        return [one for one, _ in receiving.take(conn, owner, wall=wall, lease=LEASE, limit=3)]

    mine, yours = await asyncio.gather(*(desk.store.write(partial(take, owner=owner)) for owner in ("first", "second")))
    assert len({*mine, *yours}) == 6
    assert await desk.store.write(partial(take, owner="third")) == []
    assert (
        sorted(await desk.store.write(partial(take, owner="third", wall=WALL + LEASE))) == sorted([*mine, *yours])[:3]
    )


async def test_a_trip_put_at_two_doors_is_made_once(desk: Desk) -> None:
    """The same trip put by two callers at one moment: one makes it, the others find it as it is."""
    raw = samples.trip()
    ends = await asyncio.gather(
        *(desk.store.write(lambda conn: put_trip(conn, read_trip(raw), raw, actor=BROKER, now=START)) for _ in range(4))
    )
    assert [one.created for one in ends].count(True) == 1
    assert {one.version for one in ends} == {1}


async def test_one_process_at_a_time_looks_at_the_deadlines(desk: Desk) -> None:
    """Several that look at one moment raise each alert once."""
    await desk.file(parcel(1))
    hour = timedelta(hours=1)
    late = desk.now + 5 * hour
    await asyncio.gather(
        *(desk.store.write(lambda conn: watch(conn, Patience(hour, hour, hour), late)) for _ in range(4))
    )
    told = [(row.kind, row.transmission_id, row.trip_number) for row in await desk.table(t.alerts)]
    assert told
    assert len(told) == len(set(told))


async def test_a_planner_leaves_a_trip_to_the_process_that_has_it(desk: Desk) -> None:
    """A trip that another process plans is passed over until its lease runs out; then it is planned, once."""
    await desk.put_trip()
    await desk.stage(parcel(1))
    await desk.request()
    other = Shift(desk.store, "other", lease=LEASE, wall=lambda: desk.wall)
    desk.planner._shift = Shift(desk.store, "mine", lease=LEASE, wall=lambda: desk.wall)
    assert await other.hold(f"planner:{TRIP}")
    assert await desk.planner.turn() is False
    assert not await desk.table(t.filings)
    desk.later(minutes=3)
    await desk.plan()
    assert [row.plan_stage for row in await desk.table(t.trips)] == ["done"]
    assert await desk.table(t.leases) == []


async def test_work_held_under_a_name_is_held_by_one(store: Store) -> None:
    """Who holds it may hold it on; others may when it has let go, has given up all, or its lease ran out."""

    async def hold(owner: str, minutes: int = 0) -> bool:
        at = WALL + timedelta(minutes=minutes)
        return await store.write(lambda conn: leases.hold(conn, "trip:1", owner, at, LEASE))

    async def others(owner: str) -> set[str]:
        return await store.read(lambda conn: leases.held_by_others(conn, "trip:", owner, WALL))

    assert await hold("a")
    assert not await hold("b")
    assert (await others("a"), await others("b")) == (set(), {"1"})
    assert await hold("a", 1)
    assert not await hold("b", 2)
    assert await hold("b", 3)
    await store.write(lambda conn: leases.let_go(conn, "trip:1", "a"))
    assert not await hold("a", 3)
    assert await store.write(lambda conn: leases.give_up(conn, WALL, "b")) == 1
    assert await hold("a", 3)


def test_a_certificate_without_its_key_stops_the_start(tmp_path: Path) -> None:
    """A gateway that finds another one's certificate and not its key makes no pair of its own over it."""
    places = {"storage": {"directory": tmp_path / "data"}, "exchange": {"directory": tmp_path / "exchange"}}
    settings = load_settings(environ={}, overrides=places)
    our_identity(settings)
    kept = settings.certificate.read_bytes()
    settings.private_key.unlink()
    with pytest.raises(FormatError, match="no private key"):
        our_identity(settings)
    assert settings.certificate.read_bytes() == kept
