"""A filing desk for tests: the real store, planner, sender and reader, a road that does what the test says, no sockets.

``Desk`` is a gateway without its shell. Its clock stands until moved. What it sends ends in ``desk.road.sent`` as
plain payloads, which a test may hand to a ``LoopbackCbp``; what that answers comes back with ``desk.hear``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Table, select

from filings import (
    amending,
    amendments,
    archive,
    events,
    queries,
    receiving,
    refiling,
    rejudging,
    requesting,
    sending,
    staging,
    trips,
)
from filings.context import Actor, FilingContext, Limits, SenderIdentity
from filings.store import Store
from filings.store import tables as t
from gateway.transports import OutboundFile, PreparedTransmission, Receipt
from gateway.workers.planner import Planner
from gateway.workers.reader import Reader
from gateway.workers.sender import Sender
from mappings.rulebook import RuleBook
from sandbox.cbp import Answer
from sandbox.testing import LoopbackCbp
from schemas.errors import Problem, TransportError
from schemas.intake import Row, read_rows
from schemas.profile import load_profile
from schemas.trip import read_trip
from tests import samples
from tests.mapping_samples import FILER, line

T = TypeVar("T")

BROKER = Actor("test broker", "broker", licensed=True)
START = datetime(2025, 3, 10, 14, 0, tzinfo=UTC)
WALL = datetime(2030, 1, 1, tzinfo=UTC)
"""The machine's clock of a desk at its start: far from the business clock, so that a mix-up shows."""
TRIP = str(samples.trip()["trip_number"])
SENDER = SenderIdentity("02", "TSTC", "ZZ", "CBP-ACE-TEST", "0901", "PASSWD")
CONTEXT = FilingContext(load_profile("default"), RuleBook.load(), FILER, SENDER)


def parcel(number: int, **changes: Any) -> dict[str, Any]:
    """A good shipment under Section 321, of its own person and order."""
    consignee = samples.shipment()["consignee"]
    person = {**consignee, "name": f"Pat Testwell {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number % 26]}{number}"}
    made = samples.shipment(
        shipment_id=f"P-{number:04d}",
        order_id=f"O-{number:04d}",
        shipment_control_number=f"TSTC{number:011d}",
        consignee=person,
    )
    return {**made, **changes}


def type86(number: int, **changes: Any) -> dict[str, Any]:
    """A shipment for an entry of type 86."""
    return parcel(number, pathway="type86", **changes)


def informal(number: int, **changes: Any) -> dict[str, Any]:
    """A shipment for an informal entry."""
    return parcel(number, lines=[line(value="1200.00")], fair_retail_value="1200.00", **changes)


def formal(number: int, **changes: Any) -> dict[str, Any]:
    """A shipment for a licensed broker."""
    return parcel(number, lines=[line(value="2600.00")], fair_retail_value="2600.00", **changes)


def review(number: int, **changes: Any) -> dict[str, Any]:
    """A shipment that somebody must decide about."""
    return parcel(number, pathway="review", **changes)


def marked(raw: Mapping[str, Any], marker: str) -> dict[str, Any]:
    """The shipment with a marker of the sandbox in its control number."""
    scn = str(raw["shipment_control_number"])
    return {**raw, "shipment_control_number": f"{scn[:4]}{marker}{scn[-(12 - len(marker)) :]}"}


def rows(*raws: Any) -> list[Row]:
    """Rows as the intake reads them from a JSON array."""
    return list(read_rows([orjson.dumps(list(raws))], "application/json"))


Answering = Callable[["Road", PreparedTransmission], Receipt]


def takes(road: Road, prepared: PreparedTransmission) -> Receipt:
    """The partner takes it and signs for it."""
    road.sent.append(prepared.body.split(b"\n", 1)[1])
    return Receipt(prepared.message_id, False, "processed", START, signed=True)


def loses_the_receipt(road: Road, prepared: PreparedTransmission) -> Receipt:
    """The partner takes it, its receipt never comes."""
    takes(road, prepared)
    raise TransportError(Problem("no_receipt", "transmission", "No receipt came."), in_doubt=True)


def is_away(road: Road, prepared: PreparedTransmission) -> Receipt:
    """Nobody answers the door."""
    raise TransportError(Problem("no_connection", "transmission", "Nobody answers."), in_doubt=False)


def refuses(road: Road, prepared: PreparedTransmission) -> Receipt:
    """A signed negative receipt."""
    return Receipt(prepared.message_id, True, "decryption-failed", START, signed=True)


@dataclass
class Road:
    """A transport: ``plan`` says what happens to the next ones, after that everything arrives."""

    plan: list[Answering] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    tried: list[PreparedTransmission] = field(default_factory=list)
    _made: itertools.count[int] = field(default_factory=itertools.count)

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """Bytes that are never the same twice, as those of a real signature."""
        body = b"envelope %d\n" % next(self._made) + file.payload
        return PreparedTransmission("test", file.name, message_id, {"Message-ID": message_id}, body, at)

    async def send(self, prepared: PreparedTransmission) -> Receipt:
        """What the plan says."""
        self.tried.append(prepared)
        return (self.plan.pop(0) if self.plan else takes)(self, prepared)


class Crash(Exception):
    """The process ended here."""


class Desk:
    """Store, context, clock and workers of one gateway."""

    def __init__(self, store: Store, *, limits: Limits | None = None, ctx: FilingContext = CONTEXT) -> None:
        self.store = store
        self.ctx = ctx if limits is None else replace(ctx, limits=limits)
        self.now = START
        self.wall = WALL
        self.road = Road()
        self.planner = Planner(store, self.ctx, self.clock, lambda: None)
        self.sender = self.another_sender("desk")
        self.reader = Reader(store, self.ctx, self.clock, lambda: None)
        self._messages = itertools.count(1)

    def clock(self) -> datetime:
        """The business clock."""
        return self.now

    def later(self, **units: float) -> None:
        """Both clocks move on."""
        self.now += timedelta(**units)
        self.wall += timedelta(**units)

    def another_sender(self, owner: str, road: Road | None = None) -> Sender:
        """A sender of another process on the same store."""
        transport = self.road if road is None else road
        return Sender(
            self.store,
            self.ctx.partner,
            lambda: transport,
            self.clock,
            owner,
            lambda: None,
            wall=lambda: self.wall,
        )

    # ------------------------------------------------------------------------------------- our side

    async def put_trip(self, **changes: Any) -> trips.TripReceipt:
        """Put the sample trip, changed."""
        raw = samples.trip(**changes)
        trip, now = read_trip(raw), self.now
        return await self.store.write(lambda conn: trips.put_trip(conn, trip, raw, actor=BROKER, now=now, ctx=self.ctx))

    async def stage(self, *raws: Any, trip: str = TRIP) -> list[staging.StageResult]:
        """Stage shipments in one batch."""
        given, now = rows(*raws), self.now
        return await self.store.write(lambda conn: staging.stage(conn, self.ctx, trip, given, actor=BROKER, now=now))

    async def request(self, trip: str = TRIP) -> requesting.FilingReceipt:
        """Ask for the filing."""
        now = self.now
        return await self.store.write(lambda conn: requesting.request_filing(conn, trip, actor=BROKER, now=now))

    async def plan(self) -> None:
        """Let the planner finish."""
        while await self.planner.turn():
            pass

    async def file(self, *raws: Any, trip: str = TRIP) -> None:
        """Put the trip, stage the shipments, file and plan; nothing is sent yet."""
        await self.put_trip(trip_number=trip)
        assert all(one.accepted for one in await self.stage(*raws, trip=trip))
        await self.request(trip)
        await self.plan()

    async def rejudge(self) -> int:
        """Judge again whatever is due, as the worker does; gives how many trips were judged."""
        now = self.now
        waiting = await self.look(lambda conn: rejudging.due(conn, now))
        judged = 0
        for number in waiting:
            work = await self.look(lambda conn, number=number: rejudging.read_work(conn, number, now))
            if work is not None:
                made = rejudging.make(self.ctx, work)
                judged += await self.store.write(lambda conn, made=made: rejudging.store(conn, self.ctx, made, now))
        return judged

    async def refile(self, trip: str = TRIP) -> refiling.Refiling:
        """Ask for what has lapsed to be filed anew, and let the planner finish."""
        now = self.now
        begun = await self.store.write(lambda conn: refiling.request(conn, self.ctx, trip, actor=BROKER, now=now))
        await self.plan()
        return begun

    async def dry_run(self, name: str, patch: Any, **said: Any) -> dict[str, Any]:
        """What an amendment would do; nothing is changed."""
        asked, now = amendments.read_amendment({"patch": patch, **said}), self.now

        def show(conn: Connection) -> dict[str, Any]:
            return amendments.dry_run(conn, self.ctx, amendments.prepare(conn, self.ctx, name, asked, now), now)

        return await self.store.read(show)

    async def dry_run_cancel(self, name: str, reason: str = "A mistake.", **said: Any) -> dict[str, Any]:
        """What a cancellation would do; nothing is changed."""
        asked, now = amendments.read_cancellation({"reason": reason, **said}), self.now

        def show(conn: Connection) -> dict[str, Any]:
            plan = amendments.prepare_cancellation(conn, self.ctx, name, asked, now)
            return amendments.dry_run(conn, self.ctx, plan, now)

        return await self.store.read(show)

    async def amend(self, name: str, patch: Any, *, plan: bool = True, **said: Any) -> dict[str, Any]:
        """Amend, and let the planner finish."""
        asked, now = amendments.read_amendment({"patch": patch, **said}), self.now

        def act(conn: Connection) -> dict[str, Any]:
            made = amendments.prepare(conn, self.ctx, name, asked, now)
            return amendments.taken_on(amendments.begin(conn, self.ctx, made, actor=BROKER, now=now))

        answer = await self.store.write(act)
        if plan:
            await self.plan()
        return answer

    async def cancel(self, name: str, reason: str = "A mistake.", **said: Any) -> dict[str, Any]:
        """Cancel, and let the planner finish."""
        asked, now = amendments.read_cancellation({"reason": reason, **said}), self.now

        def act(conn: Connection) -> dict[str, Any]:
            made = amendments.prepare_cancellation(conn, self.ctx, name, asked, now)
            return amendments.taken_on(amendments.begin(conn, self.ctx, made, actor=BROKER, now=now))

        answer = await self.store.write(act)
        await self.plan()
        return answer

    async def makes_despite_crashes(self, trip: str = TRIP) -> None:
        """Make every message of an amendment; each step dies once before its commit, and is told twice after it."""
        now = self.now
        for _ in range(20):
            work = await self.look(lambda conn: amending.next_work(conn, self.ctx, trip))
            if work is None:
                return
            numbered = await self.store.write(lambda conn, work=work: amending.numbers_for(conn, self.ctx, work))
            made = amending.make(self.ctx, numbered, now)

            def dies(conn: Connection, made: amending.Made = made) -> None:
                amending.store(conn, self.ctx, made, now)
                raise Crash

            with suppress(Crash):
                await self.store.write(dies)
            assert await self.store.write(lambda conn, made=made: amending.store(conn, self.ctx, made, now))
            assert not await self.store.write(lambda conn, made=made: amending.store(conn, self.ctx, made, now))
        raise AssertionError("it does not come to an end")

    async def send(self) -> list[bytes]:
        """Send whatever is due; gives the payloads that arrived, manifests first: they travel side by side."""
        before = len(self.road.sent)
        while await self.sender.turn():
            pass
        return sorted(self.road.sent[before:], key=lambda payload: not payload.startswith(b"ISA"))

    async def take(self, owner: str = "somebody", limit: int = 10) -> list[sending.Outgoing]:
        """Take what is due as a worker would, without sending it."""
        now, wall, partner = self.now, self.wall, self.ctx.partner
        return await self.store.write(lambda conn: sending.take(conn, partner, owner, limit, now=now, wall=wall))

    # ------------------------------------------------------------------------------------ their side

    async def hear(self, *payloads: bytes, message_id: str = "") -> None:
        """Take in and apply files of CBP, one after the other."""
        for payload in payloads:
            await self.take_in(payload, message_id)
            while await self.reader.turn():
                pass

    async def take_in(self, payload: bytes, message_id: str = "") -> str | None:
        """Commit a file of CBP; it is not read yet."""
        now, number = self.now, next(self._messages)
        inbound = receiving.Inbound(
            "cbp", "as2", f"answer-{number}", "application/edi-x12", payload, message_id or f"<{number}@cbp>"
        )
        return await self.store.write(lambda conn: receiving.receive(conn, inbound, now))

    async def exchange(self, cbp: LoopbackCbp) -> list[Answer]:
        """Send what is due, let CBP answer at once, and so on until both are silent; gives CBP's answers."""
        heard: list[Answer] = []
        while payloads := await self.send():
            for payload in payloads:
                answers = cbp.send(payload)
                await self.hear(*(one.payload for one in answers))
                heard += answers
        return heard

    # ---------------------------------------------------------------------------------------- looking

    async def look(self, work: Callable[[Connection], T]) -> T:
        """Read from the store."""
        return await self.store.read(work)

    async def table(self, table: Table, *order: Any) -> list[Any]:
        """Every row of a table."""
        return await self.store.read(lambda conn: list(conn.execute(select(table).order_by(*order)).all()))

    async def board(self, trip: str = TRIP) -> dict[str, Any]:
        """What dispatch sees."""
        return await self.store.read(lambda conn: queries.board(conn, trip, now=self.now))

    async def states(self) -> dict[str, str]:
        """State by shipment id."""
        return {row.shipment_id: row.state for row in await self.table(t.shipments, t.shipments.c.position)}

    async def shipment(self, shipment_id: str) -> Any:
        """One shipment's row."""
        return next(row for row in await self.table(t.shipments) if row.shipment_id == shipment_id)

    async def outgoing(self, application: str = "") -> list[Any]:
        """Rows of what was queued, oldest first."""
        found = await self.table(t.transmissions, t.transmissions.c.id)
        return [row for row in found if row.direction == "out" and application in ("", row.application)]

    async def alerts(self) -> list[str]:
        """Kinds of open alerts, oldest first."""
        found = await self.table(t.alerts, t.alerts.c.raised_at, t.alerts.c.id)
        return [row.kind for row in found if row.settled_at is None]

    async def told(self, *types: str) -> list[Any]:
        """Events in order, of these types if any are named."""
        found = await self.store.read(lambda conn: events.read_after(conn, 0, 100_000))
        return [event for event in found if not types or event.type in types]

    async def check_books(self) -> None:
        """What holds after everything: the archive is whole, cursors and sequences have no gap."""
        verified = await self.store.read(archive.verify)
        assert verified.verified, verified.reason
        found = await self.told()
        assert [event.cursor for event in found] == list(range(1, len(found) + 1))
        streams: dict[str, list[int]] = {}
        for event in found:
            streams.setdefault(event.shipment_key or f"trip:{event.trip_number}", []).append(event.sequence)
        for stream, sequence in streams.items():
            assert sequence == list(range(1, len(sequence) + 1)), stream


def snapshot(conn: Connection) -> dict[str, Any]:
    """Where everything stands, without the paper trail that led there."""
    shipments = conn.execute(select(t.shipments).order_by(t.shipments.c.shipment_id)).all()
    filings = conn.execute(select(t.filings)).all()
    trips = conn.execute(select(t.trips).order_by(t.trips.c.trip_number)).all()
    out = conn.execute(select(t.transmissions).where(t.transmissions.c.direction == "out")).all()
    return {
        "shipments": {
            row.shipment_id: (row.state, row.manifest_state, row.entry_state, row.facts["arrived_at"])
            for row in shipments
        },
        "filings": sorted((row.kind, row.trip_number, row.scn or "", row.state) for row in filings),
        "trips": [(row.trip_number, row.state, row.arrived_at) for row in trips],
        "answered": sorted((row.name, row.answered_at is not None) for row in out),
    }


def texts(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    """Code and path of problems."""
    return [(problem.code, problem.path) for problem in problems]
