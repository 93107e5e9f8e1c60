"""One urgent parcel never waits behind a truckload: small trips are planned and sent in a lane of their own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from filings import planned_work, planning, quick_answers
from filings.store import Store
from filings.store import tables as t
from gateway.workers.planner import Declarer, ExpressDeclarer, Packer
from gateway.workers.reader import BulkReader, ExpressReader, Reader
from gateway.workers.sender import ExpressSender, Sender
from gateway.workers.shift import Shift
from gateway.workers.workshop import Workshop
from sandbox.testing import LoopbackCbp
from tests.filing_kit import Desk, formal, parcel, type86

TRUCKLOAD, URGENT = "TSTC2503100001", "TSTC2503100002"


@pytest.fixture
async def desk(filing_store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A truckload of three, asked for first, and a trip with one parcel; two are small here."""
    monkeypatch.setattr(planned_work, "SMALL", 2)
    made = Desk(filing_store)
    for trip, raws in ((TRUCKLOAD, [type86(1), type86(2), type86(3)]), (URGENT, [type86(4)])):
        await made.put_trip(trip_number=trip)
        assert all(one.accepted for one in await made.stage(*raws, trip=trip))
        await made.request(trip)
        made.later(seconds=1)
    return made


def worker(desk: Desk, kind: type[ExpressDeclarer | Declarer]) -> ExpressDeclarer | Declarer:
    """A planner of one lane on the desk's store."""
    return kind(desk.store, desk.ctx, desk.clock, lambda: None)


def sender(desk: Desk, *, express: bool) -> Sender:
    """A sender of one lane on the desk's road."""
    kind = ExpressSender if express else Sender
    return kind(
        desk.store,
        desk.ctx.partner,
        lambda: desk.road,
        desk.clock,
        "a sender",
        lambda: None,
        wall=lambda: desk.wall,
    )


async def test_each_lane_sees_its_own_trips(desk: Desk) -> None:
    """By the number of shipments, never by a word of the caller."""
    assert await desk.look(lambda conn: planning.trips_to_plan(conn, small=True)) == [URGENT]
    assert await desk.look(lambda conn: planning.trips_to_plan(conn, small=False)) == [TRUCKLOAD]
    assert await desk.look(planning.trips_to_plan) == [TRUCKLOAD, URGENT]


async def test_a_small_trip_is_planned_while_a_truckload_is_in_the_middle_of_a_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step of the truckload stands still; the small trip goes through to its messages all the same."""
    begun, go_on = threading.Event(), threading.Event()
    real = planning.make

    def make(ctx: Any, work: planning.Work, now: Any) -> planning.Made:
        if work.trip.trip_number == TRUCKLOAD:
            begun.set()
            assert go_on.wait(60)
        return real(ctx, work, now)

    monkeypatch.setattr("gateway.workers.planner._Declarations.make", staticmethod(make))
    slow = asyncio.create_task(worker(desk, Declarer).turn())
    try:
        assert await asyncio.to_thread(begun.wait, 60)
        express = worker(desk, ExpressDeclarer)
        while await express.turn():
            pass
        assert [row.trip_number for row in await desk.outgoing()] == [URGENT, URGENT]
        assert not slow.done()
    finally:
        go_on.set()
    assert await slow


async def test_messages_of_a_small_trip_go_first_and_by_their_own_sender(desk: Desk) -> None:
    """The express sender sends only those; the other one takes them first, too."""
    await desk.plan()
    assert await sender(desk, express=True).turn()
    assert not await sender(desk, express=True).turn()
    sent = [row.trip_number for row in await desk.outgoing() if row.state == "delivered"]
    assert sent == [URGENT, URGENT]
    assert await sender(desk, express=False).turn()
    assert {row.state for row in await desk.outgoing()} == {"delivered"}


async def test_without_an_express_sender_the_small_trip_still_goes_first(desk: Desk) -> None:
    """One lane is enough for the order: manifests before entries, small trips before large ones."""
    await desk.plan()
    taken = await desk.take()
    assert [(one.application, URGENT in one.name) for one in taken] == [
        ("309", True),
        ("SE", False),
        ("309", False),
        ("SE", False),
    ]
    rows = {row.id: row.trip_number for row in await desk.outgoing()}
    assert [rows[one.id] for one in taken] == [URGENT, URGENT, TRUCKLOAD, TRUCKLOAD]


async def test_a_parcel_without_an_entry_is_small_too(desk: Desk) -> None:
    """A trip whose only parcel needs a bill alone goes by the express lane to its end."""
    await desk.put_trip(trip_number="TSTC2503100003")
    await desk.stage(parcel(9), trip="TSTC2503100003")
    await desk.request("TSTC2503100003")
    express = worker(desk, ExpressDeclarer)
    while await express.turn():
        pass
    assert {row.trip_number for row in await desk.outgoing()} == {URGENT, "TSTC2503100003"}


def reader(desk: Desk, kind: type[Reader]) -> Reader:
    """A reader of one lane."""
    return kind(desk.store, desk.ctx, desk.clock, lambda: None)


async def _answers_have_come(desk: Desk) -> None:
    """CBP has answered both trips, the truckload first, and nothing of it is read."""
    cbp = LoopbackCbp(desk.now)
    await desk.plan()
    truckload_first = sorted(await desk.send(), key=lambda payload: URGENT.encode() in payload)
    for payload in truckload_first:
        for answer in cbp.send(payload):
            await desk.take_in(answer.payload)


async def _unread(desk: Desk) -> int:
    return sum(row.direction == "in" and row.state == "received" for row in await desk.table(t.transmissions))


async def test_answers_about_a_small_trip_have_a_lane_of_their_own(desk: Desk) -> None:
    """They are applied before those about the truckload that came in first, whatever the size of the files."""
    await _answers_have_come(desk)

    while await reader(desk, ExpressReader).turn():
        pass
    assert await desk.states() == {
        "P-0001": "filed", "P-0002": "filed", "P-0003": "filed", "P-0004": "on_file"
    }  # fmt: skip
    assert await _unread(desk) > 0

    while await reader(desk, BulkReader).turn():
        pass
    assert set((await desk.states()).values()) == {"on_file"}
    assert await _unread(desk) == 0
    assert await desk.alerts() == []
    await desk.check_books()


async def test_each_file_is_of_one_lane(desk: Desk) -> None:
    """What the one has left the other takes, and neither takes what is the other's."""
    await _answers_have_come(desk)
    came = await _unread(desk)

    assert not await reader(desk, BulkReader).turn()  # small files are looked at by the express lane first
    assert await reader(desk, ExpressReader).turn()
    assert not await reader(desk, ExpressReader).turn()
    left = await _unread(desk)
    assert 0 < left < came
    assert await reader(desk, BulkReader).turn()
    assert await _unread(desk) == 0


async def test_a_large_file_is_never_looked_at_by_the_express_lane(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take its time for the looking alone."""
    monkeypatch.setattr(quick_answers, "SMALL_BYTES", 10)
    await _answers_have_come(desk)

    assert not await reader(desk, ExpressReader).turn()
    while await reader(desk, BulkReader).turn():
        pass
    assert set((await desk.states()).values()) == {"on_file"}


async def test_a_file_that_the_express_lane_stumbles_over_is_left_to_the_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault there holds up neither the file itself nor those behind it."""
    await _answers_have_come(desk)

    def fails(*_: object) -> bool:
        raise RuntimeError("a fault")

    monkeypatch.setattr(quick_answers, "moves_few", fails)
    with pytest.raises(RuntimeError, match="a fault"):
        await reader(desk, ExpressReader).turn()
    while await reader(desk, BulkReader).turn():
        pass
    assert await _unread(desk) == 0
    assert set((await desk.states()).values()) == {"on_file"}


async def test_packages_give_way_to_what_the_border_waits_for(desk: Desk) -> None:
    """While an answer is unread or a message unsent they wait; for a while only, before each step."""
    await desk.put_trip(trip_number="TSTC2503100003")
    await desk.stage(parcel(8), formal(9), trip="TSTC2503100003")
    await desk.request("TSTC2503100003")
    await _declare(desk)
    packer = Packer(
        desk.store, desk.ctx, desk.clock, lambda: None, Workshop(), Shift(desk.store, wall=lambda: desk.wall)
    )

    assert not await packer.turn()  # messages are unsent
    desk.later(seconds=1)
    assert not await packer.turn()
    assert await _packed(desk) == 0
    desk.later(seconds=1.1)
    assert await packer.turn()
    assert not await packer.turn()
    for _ in range(4):
        desk.later(seconds=2.1)
        await packer.turn()
        await packer.turn()
    assert await _packed(desk) == 1


async def test_packages_are_made_at_once_when_nothing_else_is_to_be_done(desk: Desk) -> None:
    """What has been sent and has no answer yet is nobody's work here."""
    await desk.put_trip(trip_number="TSTC2503100003")
    await desk.stage(formal(9), trip="TSTC2503100003")
    await desk.request("TSTC2503100003")
    await _declare(desk)
    await desk.send()
    packer = Packer(
        desk.store, desk.ctx, desk.clock, lambda: None, Workshop(), Shift(desk.store, wall=lambda: desk.wall)
    )

    while await packer.turn():
        pass
    assert await _packed(desk) == 1


async def _declare(desk: Desk) -> None:
    """Everything but the packages."""
    for planner in (worker(desk, Declarer), worker(desk, ExpressDeclarer)):
        while await planner.turn():
            pass


async def _packed(desk: Desk) -> int:
    return sum(row.name.startswith("handoff package") for row in await desk.table(t.archive_entries))
