"""A whole gateway: its roads, its door, its workers, and what a restart finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from filings import archive, planned_work, queries, requesting, staging, trips
from filings.store import tables as t
from gateway.runtime import Gateway
from gateway.settings import Settings, load_settings
from gateway.workers.loop import Worker
from gateway.workers.sender import Sender
from sandbox.testing import LoopbackCbp
from schemas.as2 import As2Message, Identity, Partner, build_message, cms, make_identity, open_mdn
from schemas.errors import FormatError
from schemas.trip import read_trip
from tests import samples
from tests.filing_kit import BROKER, START, TRIP, parcel, rows, type86
from tests.http_service import identity_files

NAME = "CBP-SANDBOX"


@cache
def cbp_identity(number: int = 1) -> Identity:
    """The partner's keys; another number is another pair under the same name."""
    del number
    return make_identity(NAME, not_before=START - timedelta(days=1), not_after=START + timedelta(days=7300))


class Place:
    """Folders and settings of one gateway, which may be opened several times."""

    def __init__(self, folder: Path, database: str, transport: str) -> None:
        self.outbox, self.inbox = folder / "out", folder / "in"
        address = "postgresql+asyncpg" + database.removeprefix("postgresql") if "://" in database else None
        self.settings: Settings = load_settings(
            environ={},
            overrides={
                "storage": {"directory": folder / "data", "database_url": address},
                "exchange": {"directory": folder / "exchange"},
                "partners": {"cbp": {"transport": transport, "outbox": self.outbox, "inbox": self.inbox}},
            },
        )
        self.now = START
        self._answers = 0

    def lay_out(self, who: Identity | None = None) -> None:
        """Give the gateway the partner's certificate, and keys of its own that were made before."""
        for path, content in zip((self.settings.private_key, self.settings.certificate), identity_files(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(content)
        if who is not None:
            self.settings.partner_certificate.write_bytes(who.certificate.public_bytes(Encoding.PEM))

    def open(self, *, work: bool = False) -> AbstractAsyncContextManager[Gateway]:
        """The gateway, without workers unless asked for."""
        return Gateway.open(self.settings, clock=lambda: self.now, work=work)

    def answer(self, payload: bytes, who: Identity) -> None:
        """Put a signed file of the partner into the inbox."""
        self._answers += 1
        self.inbox.mkdir(parents=True, exist_ok=True)
        target = self.inbox / f"{self._answers:04d}.txt"
        signature = cms.sign(payload, certificate=who.certificate, private_key=who.private_key, signed_at=START)
        target.with_name(target.name + ".p7s").write_bytes(signature)
        target.write_bytes(payload)

    def sent(self) -> list[bytes]:
        """Payloads in the outbox, in the order of their names."""
        return [path.read_bytes() for path in sorted(self.outbox.glob("*")) if path.suffix in (".x12", ".txt")]


@pytest.fixture
def place(tmp_path: Path, database: str) -> Place:
    """A directory road, once for each engine."""
    return Place(tmp_path, database, "directory")


async def idle(gateway: Gateway) -> None:
    """Every worker has its turn, the inbox first, until none has anything to do."""
    busy = True
    while busy:
        busy = any([await worker.turn() for worker in reversed(gateway.workers)])


async def file_trip(gateway: Gateway, *raws: Any) -> None:
    """Put, stage and file the sample trip."""
    raw, now = samples.trip(), gateway.clock()
    write = gateway.store.write
    await write(partial(trips.put_trip, trip=read_trip(raw), raw=raw, actor=BROKER, now=now, ctx=gateway.ctx))
    given = rows(*raws)
    results = await write(lambda conn: staging.stage(conn, gateway.ctx, TRIP, given, actor=BROKER, now=now))
    assert all(one.accepted for one in results)
    await write(partial(requesting.request_filing, trip_number=TRIP, actor=BROKER, now=now))


async def states(gateway: Gateway) -> set[str]:
    """States of all shipments."""
    return set(await gateway.store.read(lambda conn: conn.execute(select(t.shipments.c.state)).scalars().all()))


async def inbound(gateway: Gateway) -> list[Any]:
    """What came in."""
    query = select(t.transmissions).where(t.transmissions.c.direction == "in").order_by(t.transmissions.c.id)
    return await gateway.store.read(lambda conn: list(conn.execute(query).all()))


async def alerts(gateway: Gateway) -> list[str]:
    """Kinds of open alerts."""
    return [one["kind"] for one in await gateway.store.read(queries.alerts)]


# ---------------------------------------------------------------------------------- the directory road


async def test_a_trip_goes_out_and_comes_back_through_folders(place: Place) -> None:
    """Filed, signed into the outbox, answered by signed files in the inbox, released; all of it in the archive."""
    place.lay_out(cbp_identity())
    cbp = LoopbackCbp(place.now)
    async with place.open() as gateway:
        await file_trip(gateway, parcel(1), type86(2))
        await idle(gateway)
        manifest, entries = place.sent()
        certificate = gateway.partners.current().certificate
        assert certificate == cbp_identity().certificate
        for payload in (manifest, entries):
            for answer in cbp.send(payload):
                place.answer(answer.payload, cbp_identity())
        await idle(gateway)
        assert await states(gateway) == {"on_file"}
        place.now = START + timedelta(hours=3)
        cbp.clock.set(place.now)
        for answer in cbp.arrive(TRIP):
            place.answer(answer.payload, cbp_identity())
        await idle(gateway)
        assert await states(gateway) == {"released"}
        assert await alerts(gateway) == []
        verified = await gateway.store.read(archive.verify)
        assert verified.verified
        assert {row.receipt["signed_by"] for row in await inbound(gateway)} == {NAME}


async def test_a_file_without_a_good_signature_is_refused(place: Place) -> None:
    """Somebody else's signature under the partner's name: put aside, kept, raised, and not applied."""
    place.lay_out(cbp_identity())
    async with place.open() as gateway:
        place.answer(b"ISA", cbp_identity(2))
        await idle(gateway)
        assert await inbound(gateway) == []
        assert await alerts(gateway) == ["message_refused"]
    assert [path.name for path in (place.inbox / "bad").glob("*.txt")] == ["0001.txt"]


async def test_the_inbox_waits_for_the_partners_certificate(place: Place) -> None:
    """Without a certificate files stay where they are; with it, or with a new one, they are taken."""
    place.lay_out()
    place.answer(b"first", cbp_identity())
    async with place.open() as gateway:
        inbox = gateway.workers[-1]
        with pytest.raises(FormatError):
            await inbox.turn()
        assert (place.inbox / "0001.txt").exists()
        place.lay_out(cbp_identity())
        await inbox.turn()
        assert [row.name for row in await inbound(gateway)] == ["0001.txt"]
        place.answer(b"second", cbp_identity(2))
        place.lay_out(cbp_identity(2))
        await inbox.turn()
        assert [row.name for row in await inbound(gateway)] == ["0001.txt", "0002.txt"]


async def test_the_same_file_again_is_not_taken_in_twice(place: Place) -> None:
    """A crash between commit and move brings a file again under its name: it is known."""
    place.lay_out(cbp_identity())
    async with place.open() as gateway:
        for _ in range(2):
            place._answers = 0
            place.answer(b"the same", cbp_identity())
            await gateway.workers[-1].turn()
        assert len(await inbound(gateway)) == 1


async def test_workers_run_by_themselves_until_they_are_stopped(place: Place) -> None:
    """With workers, a request alone is enough: the files appear, and everything ends when the gateway does."""
    place.lay_out(cbp_identity())
    sent = asyncio.Event()
    async with place.open(work=True) as gateway:
        for worker in gateway.workers:
            if isinstance(worker, Sender):  # whichever is first takes it
                worker._moved = sent.set
        await file_trip(gateway, parcel(1))
        gateway.wake()
        await asyncio.wait_for(sent.wait(), 30)
        assert len(place.sent()) == 1
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("worker ")] == []


async def test_a_restart_finds_what_was_being_sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed with the socket open: the next start sends the same bytes, at once on the embedded database."""
    place.lay_out(cbp_identity())
    monkeypatch.setattr(planned_work, "border_waits", lambda _: False)  # the packer is to finish before the sending
    tried: list[Any] = []
    started = asyncio.Event()

    class Hanging:
        def __init__(self, gateway: Gateway) -> None:
            self.real = Gateway._transport(gateway)

        def prepare(self, *given: Any, **more: Any) -> Any:
            return self.real.prepare(*given, **more)

        async def send(self, prepared: Any) -> Any:
            tried.append(prepared)
            started.set()
            await asyncio.Event().wait()

    async with place.open() as gateway:
        await file_trip(gateway, parcel(1))
        for worker in gateway.workers:
            if worker.name in ("express planner", "packer"):
                while await worker.turn():
                    pass
        sender = gateway.workers[1]
        monkeypatch.setattr(sender, "_transport", lambda: Hanging(gateway))
        sender.start()
        await asyncio.wait_for(started.wait(), 30)
        await sender.stop()
        if gateway.store.dialect == "postgresql":  # others may be at work there: the lease must run out
            past = t.transmissions.update().values(lease_until=datetime.now(UTC) - timedelta(seconds=1))
            await gateway.store.write(lambda conn: conn.execute(past).rowcount)
    sent = asyncio.Event()
    monkeypatch.setattr(Gateway, "wake", lambda _: sent.set())
    async with place.open(work=True) as gateway:
        await asyncio.wait_for(sent.wait(), 30)
        (row,) = await gateway.store.read(lambda conn: conn.execute(select(t.transmissions)).all())
        assert (row.state, row.message_id) == ("delivered", tried[0].message_id)
    assert place.sent() == [tried[0].body]


# ------------------------------------------------------------------------------------------ the AS2 door


@pytest.fixture
async def door(tmp_path: Path, database: str) -> AsyncIterator[Gateway]:
    """A gateway on the AS2 road without workers."""
    place = Place(tmp_path, database, "as2")
    place.lay_out(cbp_identity())
    async with place.open() as gateway:
        yield gateway


def us(gateway: Gateway) -> Partner:
    """How the partner knows us."""
    return Partner("GATEWAY", gateway._identity.certificate)


def message(gateway: Gateway, payload: bytes, message_id: str, who: Identity | None = None) -> As2Message:
    """A message of the partner to us."""
    return build_message(
        payload,
        content_type="application/edi-x12",
        filename="answer.x12",
        sender=who or cbp_identity(),
        receiver=us(gateway),
        message_id=message_id,
        date=START,
    )


async def knock(gateway: Gateway, sent: As2Message) -> tuple[int, str, bytes]:
    """Post a message; status, disposition and bytes of the answer."""
    status, headers, body = await gateway.as2_receive(sent.headers, sent.body)
    mdn = open_mdn(headers, body, me=cbp_identity(), partner=us(gateway), received_at=datetime.now(UTC))
    return status, str(mdn.disposition), body


async def test_a_message_is_kept_before_its_receipt_and_repeated_receipts_are_the_same(door: Gateway) -> None:
    """What we sign for is committed; the same message again gets the very same receipt and is kept once."""
    sent = message(door, b"an answer", "<one@cbp.example>")
    status, disposition, body = await knock(door, sent)
    assert status == 200
    assert "processed" in disposition
    assert "error" not in disposition
    (row,) = await inbound(door)
    kept = await door.store.read(lambda conn: archive.read(conn, row.archive_position))
    assert kept is not None
    assert kept.entry.body == b"an answer"
    assert (await knock(door, sent))[2] == body
    assert len(await inbound(door)) == 1


async def test_one_message_id_for_two_contents_is_refused(door: Gateway) -> None:
    """The second content is kept as evidence and raised, and does not replace the first."""
    await knock(door, message(door, b"first", "<one@cbp.example>"))
    _, disposition, _ = await knock(door, message(door, b"second", "<one@cbp.example>"))
    assert "error" in disposition
    (row,) = await inbound(door)
    assert row.payload_size == len(b"first")
    assert await alerts(door) == ["message_refused"]


async def test_a_very_long_message_id_is_known_again(door: Gateway) -> None:
    """AS2 allows ids of 998 characters: such a message is taken in once like any other."""
    sent = message(door, b"an answer", "<" + "x" * 900 + "@cbp.example>")
    status, _, body = await knock(door, sent)
    assert status == 200
    assert (await knock(door, sent))[2] == body
    assert len(await inbound(door)) == 1


async def test_what_is_tampered_with_or_of_somebody_else_is_not_taken(door: Gateway) -> None:
    """A changed byte and a stranger's signature are refused with an error, kept, raised, and change nothing."""
    good = message(door, b"an answer", "<one@cbp.example>")
    changed = bytearray(good.body)
    changed[len(changed) // 2] ^= 1
    await door.as2_receive(good.headers, bytes(changed))
    stranger = message(door, b"an answer", "<two@cbp.example>", cbp_identity(2))
    await door.as2_receive(stranger.headers, stranger.body)
    assert await inbound(door) == []
    assert await alerts(door) == ["message_refused", "message_refused"]
    verified = await door.store.read(archive.verify)
    assert (verified.verified, verified.entries) == (True, 2)


# ------------------------------------------------------------------------------------ keys and the loop


async def test_keys_are_made_once_and_never_replaced(tmp_path: Path) -> None:
    """The first start makes a pair and lays the certificate out; a lost certificate stops the start, not the key."""
    place = Place(tmp_path, "", "as2")
    async with place.open() as gateway:
        first = gateway._identity.certificate
    assert place.settings.private_key.stat().st_mode & 0o077 == 0
    async with place.open() as gateway:
        assert gateway._identity.certificate == first
    place.settings.certificate.unlink()
    with pytest.raises(FormatError) as refused:
        async with place.open():
            pass
    assert refused.value.problems[0].code == "certificate-file"


async def test_without_the_partners_certificate_a_transmission_waits(tmp_path: Path) -> None:
    """Both sides may start in any order: until the certificate is there, nothing is lost and nothing in doubt."""
    place = Place(tmp_path, "", "as2")
    place.lay_out()
    async with place.open() as gateway:
        await file_trip(gateway, parcel(1))
        while await gateway.workers[0].turn():
            pass
        assert await gateway.workers[1].turn()
        (row,) = await gateway.store.read(lambda conn: conn.execute(select(t.transmissions)).all())
        assert (row.state, row.attempts) == ("queued", 1)
        assert row.next_attempt_at is not None


async def test_a_worker_survives_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that fails is remembered and logged, and the worker goes on; a turn that works clears the error."""
    monkeypatch.setattr("gateway.workers.loop.PATIENCE", 0.001)
    ends: list[bool] = []
    done, errors = asyncio.Event(), []

    class Stumbling(Worker):
        name: ClassVar[str] = "stumbling"

        async def turn(self) -> bool:
            errors.append(self.last_error)
            ends.append(True)
            if len(ends) == 2:
                raise ZeroDivisionError("by zero")
            if len(ends) == 4:
                done.set()
            return len(ends) < 4

    worker = Stumbling()
    worker.start()
    await asyncio.wait_for(done.wait(), 20)
    await worker.stop()
    assert errors[:4] == ["", "", "ZeroDivisionError: by zero", ""]
