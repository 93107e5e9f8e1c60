"""One urgent parcel never waits behind a truckload: small trips are planned and sent in a lane of their own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from filings import archive, planned_work, planning, quick_answers, receiving
from filings.store import Store, StoreAway, of_the_store
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


def _poison(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> list[bytes]:
    """Files that begin with ``poison`` raise a fault while they are read; gives those that were tried, in order."""
    tried: list[bytes] = []
    real = receiving.read_answer

    def read(payload: bytes, *rest: Any, **named: Any) -> Any:
        tried.append(payload)
        if payload.startswith(b"poison"):
            raise fault
        return real(payload, *rest, **named)

    monkeypatch.setattr(receiving, "read_answer", read)
    return tried


async def _turns(desk: Desk, kind: type[Reader]) -> int:
    """Turn until there is nothing to do; gives the number of turns that failed. A hundred turns are never needed."""
    failed = 0
    for _ in range(100):
        try:
            if not await reader(desk, kind).turn():
                return failed
        except ZeroDivisionError:
            failed += 1
    raise AssertionError("the reader comes to no end")


@pytest.mark.parametrize("lanes", [(Reader,), (ExpressReader, BulkReader)], ids=["one lane", "two lanes"])
async def test_files_that_break_the_reader_end_with_a_person_and_keep_nobody_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lanes: tuple[type[Reader], ...]
) -> None:
    """More of them than one turn takes come first: the truckload's answers are applied, they are kept and raised."""
    poison = [b"poison %d" % number for number in range(25)]
    for payload in poison:
        await desk.take_in(payload)
    await _answers_have_come(desk)
    tried = _poison(monkeypatch, ZeroDivisionError("a fault"))

    failed = [await _turns(desk, kind) for kind in lanes]

    assert set((await desk.states()).values()) == {"on_file"}
    assert await _unread(desk) == 0
    rows = {row.id: row for row in await desk.table(t.transmissions) if row.state == "unreadable"}
    kept = [await desk.look(lambda conn, at=row.archive_position: archive.read(conn, at)) for row in rows.values()]
    assert sorted(one.entry.body for one in kept) == sorted(poison)
    raised = await desk.table(t.alerts)
    assert {one.transmission_id for one in raised} == set(rows)
    assert {(one.kind, one.severity) for one in raised} == {("unreadable_answer", "error")}
    assert len(raised) == len(poison)
    for one in raised:
        assert rows[one.transmission_id].name in one.text
        assert "ZeroDivisionError" in one.text
        assert "gateway inspect" in one.text
    looks = len(lanes) - 1  # the express lane looks at each once
    assert [tried.count(payload) for payload in poison] == [receiving.TRIES + looks] * len(poison)
    assert sum(failed) <= 8
    assert [await _turns(desk, kind) for kind in lanes] == [0] * len(lanes)
    await desk.check_books()


async def test_a_file_that_has_failed_is_tried_again_behind_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has not been tried yet goes first, whenever it came, and a restart does not forget the tries."""
    tried = _poison(monkeypatch, ZeroDivisionError("a fault"))
    await desk.take_in(b"poison")
    with pytest.raises(ZeroDivisionError):
        await reader(desk, Reader).turn()
    await desk.take_in(b"something else")
    with pytest.raises(ZeroDivisionError):
        await reader(desk, Reader).turn()  # a new reader each time
    assert tried == [b"poison", b"something else", b"poison"]
    with pytest.raises(ZeroDivisionError):
        await reader(desk, Reader).turn()
    assert not await reader(desk, Reader).turn()
    assert await desk.alerts() == ["unreadable_answer"] * 2  # the other file is no answer


@pytest.mark.parametrize("lane", [Reader, ExpressReader, BulkReader])
@pytest.mark.parametrize(
    "fault",
    [StoreAway("away"), OperationalError("a statement", {}, Exception("the disk is full")), OSError("no room")],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_store_that_is_away_uses_up_no_tries(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lane: type[Reader], fault: Exception
) -> None:
    """It is no fault of the file, which stays in its place however often that happens."""
    if lane is BulkReader:
        monkeypatch.setattr(quick_answers, "SMALL_BYTES", 1)
    await desk.take_in(b"poison")
    before = (await desk.table(t.transmissions))[0].priority
    _poison(monkeypatch, fault)
    for _ in range(receiving.TRIES + 2):
        with pytest.raises(type(fault)):
            await reader(desk, lane).turn()
    (row,) = await desk.table(t.transmissions)
    assert (row.state, row.priority, row.lease_owner) == ("received", before, None)
    assert await desk.alerts() == []


@pytest.mark.parametrize(
    "unfit",
    [{"shipment_id": "\x00"}, {"position": 10**30}, {"key": None}],
    ids=["text with NUL", "a number without end", "nothing"],
)
async def test_a_value_that_the_store_cannot_keep_is_the_files_fault(desk: Desk, unfit: dict[str, Any]) -> None:
    """A database refuses it each time, so that it is not taken for a database that is away."""
    (row, *_) = await desk.table(t.shipments)
    values = {**row._mapping, "key": "another", "shipment_id": "another", **unfit}
    if desk.store.dialect == "sqlite" and unfit == {"shipment_id": "\x00"}:
        values = {**values, "key": row.key}  # SQLite keeps a NUL
    with pytest.raises(Exception) as caught:
        await desk.store.write(lambda conn: conn.execute(insert(t.shipments).values(values)))
    assert not of_the_store(caught.value)


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
