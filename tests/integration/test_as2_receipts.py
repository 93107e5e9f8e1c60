"""Receipts for what the gateway sent, posted to it over real sockets: believed, refused, kept, raised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from filings import sending
from filings.store import tables as t
from schemas.as2 import MAX_MDN_BYTES, As2Message
from tests.as2_partner import PlayedPartner, cbp, together
from tests.filing_kit import parcel, type86


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[PlayedPartner]:
    """A gateway whose partner posts its receipts; one 309 has been handed over and its receipt is awaited."""
    async with together(tmp_path) as played:
        await played.file()
        assert await played.worker("sender").turn()
        yield played


async def test_a_posted_receipt_settles_what_was_sent(tmp_path: Path, database: str) -> None:
    """The gateway asks for it at its own address; verified like one in the answer, it means delivery."""
    address = "postgresql+asyncpg" + database.removeprefix("postgresql") if "://" in database else ""
    async with together(tmp_path, database=address) as world:
        await world.file(parcel(1), type86(2))
        while await world.worker("sender").turn():
            pass
        assert [row.state for row in await world.rows("out")] == [sending.AWAITING] * 2
        assert [world.message(n).receipt.async_url for n in range(2)] == [world.gateway_url] * 2
        for number in range(2):
            assert await world.post_receipt(world.receipt(world.message(number))) == 200
        rows = await world.rows("out")
        assert [row.state for row in rows] == ["delivered"] * 2
        assert {row.receipt["mic"] == row.prepared["mic"] for row in rows} == {True}
        assert await world.alerts() == []
        await world.check_archive()


async def test_a_receipt_in_the_answer_is_heard_too(tmp_path: Path) -> None:
    """A partner that answers with its receipt though it was to post it has said all there is to say."""
    async with together(tmp_path) as world:
        world.in_the_answer = True
        await world.file()
        await world.worker("sender").turn()
        assert [row.state for row in await world.rows("out")] == ["delivered"]


@pytest.mark.parametrize("status", [302, 400, 503])
async def test_an_error_page_is_no_handover(tmp_path: Path, status: int) -> None:
    """Only an answer of 2xx says that the bytes were taken over; any other leaves doubt at once."""
    async with together(tmp_path) as world:
        world.status = status
        await world.file()
        await world.worker("sender").turn()
        assert [row.state for row in await world.rows("out")] == ["in_doubt"]


async def test_a_lost_receipt_brings_the_same_bytes_again(tmp_path: Path) -> None:
    """When it has not come in time: byte for byte the same body under the same header fields, and one more chance."""
    async with together(tmp_path, receipt_wait_seconds=0.01) as world:
        await world.file()
        sender = world.worker("sender")
        await sender.turn()
        await sender._store.write(
            lambda conn: conn.execute(update(t.transmissions).values(next_attempt_at=None)).rowcount
        )
        await sender.turn()
        (first, body), (second, again) = world.requests
        ours = {name for name in first if name not in ("User-Agent", "Accept", "Host")}
        assert body == again
        assert {name: first[name] for name in ours} == {name: second[name] for name in ours}
        assert [row.state for row in await world.rows("out")] == ["in_doubt"]
        assert await world.post_receipt(world.receipt()) == 200
        assert [row.state for row in await world.rows("out")] == ["delivered"]
        assert await world.alerts() == []


async def test_a_negative_receipt_is_told_and_tried_with_fresh_bytes(world: PlayedPartner) -> None:
    """A signed refusal that is posted does what one in the answer does."""
    refusal = world.receipt(disposition="processed/error: decryption-failed")
    assert await world.post_receipt(refusal) == 200
    (row,) = await world.rows("out")
    assert (row.state, row.message_id, row.prepared_body) == ("queued", None, None)
    assert await world.alerts() == ["transmission_refused"]
    assert row.receipt["problems"][0]["code"] == "as2-decryption-failed"


async def test_a_restart_loses_no_awaited_receipt(tmp_path: Path) -> None:
    """Handed over, stopped, started again: the receipt that comes then finds its transmission."""
    async with together(tmp_path) as first:
        await first.file()
        await first.worker("sender").turn()
        mdn = first.receipt()
    async with together(tmp_path) as second:
        assert not await second.worker("sender").turn()
        assert await second.post_receipt(mdn) == 200
        assert [row.state for row in await second.rows("out")] == ["delivered"]


Making = Callable[[PlayedPartner], As2Message]


def changed(mdn: As2Message, old: bytes, new: bytes) -> As2Message:
    """A receipt with other bytes in it."""
    assert old in mdn.body
    return replace(mdn, body=mdn.body.replace(old, new))


def addressed(mdn: As2Message, name: str, value: str) -> As2Message:
    """A receipt with another header field."""
    return replace(mdn, headers=dict(mdn.headers) | {name: value})


def cut(mdn: As2Message) -> As2Message:
    """A receipt without its end."""
    return replace(mdn, body=mdn.body[:-200])


def impostor(world: PlayedPartner) -> As2Message:
    """A good receipt for the right message, signed by somebody else."""
    return world.receipt(who=cbp(2))


def mixed(parts: int, depth: int = 0) -> Making:
    """A report of many parts, or parts within parts."""

    def make(_: PlayedPartner) -> As2Message:
        inner = b"Content-Type: text/plain\r\n\r\nx\r\n"
        for level in range(depth):
            mark = b"--d%d" % level
            inner = (
                b'Content-Type: multipart/report; boundary="d%d"\r\n\r\n' % level
                + mark
                + b"\r\n"
                + inner
                + mark
                + b"--\r\n"
            )
        body = b"".join(b"--b\r\n" + inner for _ in range(parts)) + b"--b--\r\n"
        fields = {"AS2-From": "CBP-SANDBOX", "AS2-To": "GATEWAY", "Content-Type": "multipart/report; boundary=b"}
        return As2Message(fields, body, "")

    return make


def huge(world: PlayedPartner) -> As2Message:
    """A report larger than any receipt."""
    good = world.receipt(signed=False)
    return changed(good, b"The message was received", b"x" * MAX_MDN_BYTES)


NOBODYS: dict[str, Making] = {
    "forged": impostor,
    "changed": lambda world: changed(world.receipt(), b"processed", b"Processed"),
    "unsigned": lambda world: world.receipt(signed=False),
    "unsigned for nothing": lambda world: world.receipt(replace(world.message(), message_id="<x@y>"), signed=False),
    "to somebody else": lambda world: addressed(world.receipt(), "AS2-To", "OTHER"),
    "of a stranger": lambda world: addressed(world.receipt(), "AS2-From", "OTHER"),
    "without a report": mixed(1),
    "of many parts": mixed(100),
    "nested": mixed(2, depth=30),
    "nested in signatures": lambda world: changed(world.receipt(), b"multipart/report;", b"multipart/signed;"),
    "huge": huge,
    "cut": lambda world: cut(world.receipt()),
    "without a disposition": lambda world: changed(world.receipt(signed=False), b"Disposition:", b"Disposal:"),
    "about no message": lambda world: changed(world.receipt(signed=False), b"Original-Message-ID:", b"About:"),
}


@pytest.mark.parametrize("made", NOBODYS.values(), ids=NOBODYS)
async def test_what_cannot_be_the_partners_receipt_settles_nothing(world: PlayedPartner, made: Making) -> None:
    """Forged, changed, unsigned, nested, huge, cut: refused without a receipt, kept, raised, and the wait goes on."""
    before = await world.rows("out")
    mdn = made(world)
    status, _, body = await world.post(mdn.headers, mdn.body)
    assert status == 400
    assert b"disposition-notification" not in body
    assert await world.rows("out") == before
    assert await world.alerts() == ["message_refused"]
    assert await world.rows("in") == []
    assert await world.post_receipt(world.receipt()) == 200
    assert [row.state for row in await world.rows("out")] == ["delivered"]
    await world.check_archive()


NOT_FOR_THIS: dict[str, tuple[Making, list[str], str]] = {
    "another MIC": (
        lambda world: world.receipt(replace(world.message(), mic="AAAA")),
        ["receipt_not_valid", "in_doubt"],
        "in_doubt",
    ),
    "another digest": (
        lambda world: world.receipt(replace(world.message(), mic_algorithm="sha-512")),
        ["receipt_not_valid", "in_doubt"],
        "in_doubt",
    ),
    "somebody else's message": (
        lambda world: world.receipt(replace(world.message(), message_id="<m-1@other.example>")),
        ["receipt_unknown"],
        sending.AWAITING,
    ),
}


@pytest.mark.parametrize("name", NOT_FOR_THIS)
async def test_a_receipt_of_the_partner_that_does_not_fit_is_kept_and_raised(world: PlayedPartner, name: str) -> None:
    """Signed by the partner, so it is taken over (200) and looked at; it delivers nothing, a good one later does."""
    make, kinds, state = NOT_FOR_THIS[name]
    assert await world.post_receipt(make(world)) == 200
    assert [row.state for row in await world.rows("out")] == [state]
    assert sorted(await world.alerts()) == sorted(kinds)
    assert await world.post_receipt(world.receipt()) == 200
    assert [row.state for row in await world.rows("out")] == ["delivered"]
    await world.check_archive()


async def test_a_receipt_with_strange_fields_around_it_is_believed(world: PlayedPartner) -> None:
    """Header bytes that are no text, and NUL in its sentence, are no reason to lose what it says."""
    mdn = changed(world.receipt(signed=False), b"The message was received", b"The message was \0 received")
    status, _, _ = await world.gateway.as2_receive(dict(mdn.headers) | {"X-Junk": "\udcff"}, mdn.body)
    assert status == 400  # unsigned
    good = world.receipt()
    status, _, _ = await world.gateway.as2_receive(dict(good.headers) | {"X-Junk": "\udcff"}, good.body)
    assert status == 200
    (row,) = await world.rows("out")
    assert (row.state, row.receipt["headers"]["X-Junk"]) == ("delivered", "?")


async def test_a_receipt_is_never_receipted(world: PlayedPartner) -> None:
    """Even if it asks for one, and whether it is believed or not: two gateways would never end."""
    for mdn, expected in ((world.receipt(), 200), (impostor(world), 400)):
        asking = dict(mdn.headers) | {
            "Disposition-Notification-To": "x",
            "Receipt-Delivery-Option": world.url,
        }
        status, _, body = await world.post(asking, mdn.body)
        assert status == expected
        assert b"multipart" not in body
    assert await world.owed() == []
