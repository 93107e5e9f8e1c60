"""Receipts that the gateway owes because the partner wants them posted: over real sockets, until they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from filings import owed_receipts
from tests.as2_partner import PlayedPartner, cbp, now, together


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[PlayedPartner]:
    """A gateway, and a partner that will ask for its receipts to be posted."""
    async with together(tmp_path, asynchronous=False) as played:
        yield played


async def test_a_receipt_that_is_wanted_posted_is_posted(tmp_path: Path, database: str) -> None:
    """200 and nothing at first; the receipt goes to the address asked for, once, and proves the delivery."""
    address = "postgresql+asyncpg" + database.removeprefix("postgresql") if "://" in database else ""
    async with together(tmp_path, database=address, asynchronous=False) as world:
        sent = world.answer(b"an answer", "<one@cbp.example>", async_url=f"{world.url}?receipts=here")
        status, _, body = await world.post(sent.headers, sent.body)
        assert (status, body) == (200, b"")
        (row,) = await world.rows("in")
        (owed,) = await world.owed()
        assert (owed.state, owed.about, owed.transmission_id) == ("waiting", "<one@cbp.example>", row.id)
        assert await world.worker("receipts").turn()
        assert not await world.worker("receipts").turn()
        ((path, fields, mdn),) = world.posted
        assert path == "/as2?receipts=here"
        assert world.read(fields, mdn, sent).disposition.accepted
        assert [one.state for one in await world.owed()] == ["given"]


async def test_the_same_message_gets_the_same_receipt_again(door: PlayedPartner) -> None:
    """Posted again, or in the answer, as the repetition wants it: always the same bytes; the message is kept once."""
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    for _ in range(2):
        assert (await door.post(sent.headers, sent.body))[2] == b""
        assert await door.worker("receipts").turn()
    asking = {name: value for name, value in sent.headers.items() if name != "Receipt-Delivery-Option"}
    status, fields, body = await door.post(asking, sent.body)
    assert status == 200
    assert [mdn for _, _, mdn in door.posted] == [body, body]
    assert door.read(fields, body, sent).disposition.accepted
    assert len(await door.rows("in")) == 1
    assert len(await door.owed()) == 1


async def test_a_message_that_first_wanted_its_receipt_in_the_answer(door: PlayedPartner) -> None:
    """And then wants it posted: the very same receipt is owed."""
    sent = door.answer(b"an answer", "<one@cbp.example>")
    _, _, body = await door.post(sent.headers, sent.body)
    asking = dict(sent.headers) | {"Receipt-Delivery-Option": door.url}
    assert (await door.post(asking, sent.body))[2] == b""
    await door.worker("receipts").turn()
    assert [mdn for _, _, mdn in door.posted] == [body]


async def test_a_message_that_first_wanted_no_receipt(door: PlayedPartner) -> None:
    """And then wants one posted: it is made then, kept, and posted."""
    sent = door.answer(b"an answer", "<one@cbp.example>", want_mdn="none")
    assert (await door.post(sent.headers, sent.body))[2] == b""
    asking = dict(sent.headers) | {"Disposition-Notification-To": "x", "Receipt-Delivery-Option": door.url}
    for _ in range(2):
        await door.post(asking, sent.body)
        await door.worker("receipts").turn()
    (_, _, first), (_, _, second) = door.posted
    assert first == second
    assert b"<one@cbp.example>" in first


async def test_what_is_owed_survives_a_restart(tmp_path: Path) -> None:
    """Taken for posting when the process ended: the next one does not wait for that lease, and posts the same bytes."""
    async with together(tmp_path, asynchronous=False) as first:
        sent = first.answer(b"an answer", "<one@cbp.example>", async_url=first.url)
        assert (await first.post(sent.headers, sent.body))[0] == 200
        taken = await first.gateway.store.write(
            lambda conn: owed_receipts.take(conn, "cbp", "the process that dies", 1, now())
        )
        assert len(taken) == 1
        body = (await first.owed())[0].body
        port = int(first.url.split(":")[2].split("/")[0])
    async with together(tmp_path, asynchronous=False, port=port, work=True) as second:
        await asyncio.wait_for(second.arrived.wait(), 20)
        assert [mdn for _, _, mdn in second.posted] == [body]


async def test_a_receipt_is_posted_until_it_is_taken(door: PlayedPartner) -> None:
    """Growing pauses, a person told at the fifth failure, always the same bytes; once taken the alert goes."""
    giver, wall = door.worker("receipts"), now()
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    await door.post(sent.headers, sent.body)
    giver._wall = lambda: wall
    pauses, kinds = [], []
    for status in (503, 302, 404, 500, 410, 503):
        door.status, wall = status, (await door.owed())[0].next_attempt_at
        assert await giver.turn()
        (row,) = await door.owed()
        assert not await giver.turn()
        pauses.append((row.next_attempt_at - wall).total_seconds())
        kinds.append(await door.alerts())
    assert pauses == [1, 2, 4, 8, 16, 32]
    assert kinds == [[]] * 4 + [["receipt_not_given"]] * 2
    door.status, wall = 204, (await door.owed())[0].next_attempt_at
    await giver.turn()
    assert len({mdn for _, _, mdn in door.posted}) == 1
    assert [one.state for one in await door.owed()] == ["given"]
    assert await door.alerts() == []


async def test_a_receipt_that_nobody_takes_is_given_up_after_a_day(door: PlayedPartner) -> None:
    """It is not tried for ever; a person is told; the message again makes it due again."""
    giver, wall = door.worker("receipts"), now() + timedelta(days=2)
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    await door.post(sent.headers, sent.body)
    giver._wall = lambda: wall
    door.status = 500
    await giver.turn()
    (row,) = await door.owed()
    assert (row.state, row.next_attempt_at) == ("given_up", None)
    assert await door.alerts() == ["receipt_not_given"]
    door.status = 200
    await door.post(sent.headers, sent.body)
    await giver.turn()
    assert [one.state for one in await door.owed()] == ["given"]


@pytest.mark.parametrize(
    "where",
    [
        lambda _: "http://127.0.0.1:9/as2",
        lambda _: "http://169.254.169.254/latest/meta-data",
        lambda world: world.gateway_url,
        lambda world: world.url.replace("http:", "https:"),
        lambda world: world.url.replace("127.0.0.1", "localhost"),
        lambda world: world.url.replace("http://", "http://user:pw@"),
        lambda _: "mailto:edi@cbp.example",
    ],
)
async def test_receipts_go_nowhere_but_to_the_partner(door: PlayedPartner, where: Callable[[Any], str]) -> None:
    """Any other address is refused, in the answer and signed; nothing is taken in or owed, and a person sees it."""
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=where(door))
    status, fields, body = await door.post(sent.headers, sent.body)
    assert status == 200
    assert door.read(fields, body, sent).disposition.code == "as2-unexpected-processing-error"
    assert await door.rows("in") == []
    assert await door.owed() == []
    assert await door.alerts() == ["message_refused"]


async def test_an_address_that_is_the_partners_no_more_gets_nothing(door: PlayedPartner) -> None:
    """The partner has moved since: the receipt is not posted to where others may listen now, and a person is told."""
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    await door.post(sent.headers, sent.body)
    giver = door.worker("receipts")
    giver._allowed = lambda _: False
    await giver.turn()
    assert door.posted == []
    assert [one.state for one in await door.owed()] == ["given_up"]
    assert await door.alerts() == ["receipt_not_given"]


async def test_a_refusal_is_posted_too(door: PlayedPartner) -> None:
    """What cannot be decrypted is refused by the way that was asked for."""
    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    assert (await door.post(sent.headers, sent.body[:-30]))[2] == b""
    assert await door.worker("receipts").turn()
    ((_, fields, mdn),) = door.posted
    assert door.read(fields, mdn, sent).disposition.code == "as2-decryption-failed"
    assert await door.rows("in") == []


async def test_strangers_cannot_fill_the_house_with_receipts(
    door: PlayedPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a bound refusals are told in the answer; a message of the partner still gets its receipt posted."""
    monkeypatch.setattr(owed_receipts, "MOST_OF_STRANGERS", 2)
    answers = []
    for number in range(3):
        sent = door.answer(b"x", f"<{number}@cbp.example>", async_url=door.url, sender=cbp(2))
        answers.append((await door.post(sent.headers, sent.body))[2])
    assert [bool(one) for one in answers] == [False, False, True]
    good = door.answer(b"an answer", "<good@cbp.example>", async_url=door.url)
    assert (await door.post(good.headers, good.body))[2] == b""
    assert len(await door.owed()) == 3


async def test_what_is_owed_is_committed_with_the_message(door: PlayedPartner, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the receipt cannot be kept, neither is the message: 500, nothing half, and the repetition is taken."""

    def broken(*_: Any, **__: Any) -> bool:
        raise OSError("disk full")

    sent = door.answer(b"an answer", "<one@cbp.example>", async_url=door.url)
    with monkeypatch.context() as broken_store:
        broken_store.setattr(owed_receipts, "owe", broken)
        assert (await door.post(sent.headers, sent.body))[0] == 500
    assert await door.rows("in") == []
    assert (await door.post(sent.headers, sent.body))[0] == 200
    assert len(await door.owed()) == 1


async def test_a_second_content_under_one_id_is_refused_by_post(door: PlayedPartner) -> None:
    """A second content under one Message-ID is refused by the way asked for, and what was owed before stays owed."""
    first = door.answer(b"first", "<one@cbp.example>", async_url=door.url)
    second = door.answer(b"second", "<one@cbp.example>", async_url=door.url)
    for sent in (first, second):
        await door.post(sent.headers, sent.body)
    while await door.worker("receipts").turn():
        pass
    outcomes = [door.read(fields, mdn, replace(first, mic="")).disposition.outcome for _, fields, mdn in door.posted]
    assert sorted(outcomes) == ["error", "processed"]


async def test_the_workers_do_it_by_themselves(tmp_path: Path) -> None:
    """With workers running: a message comes in and its receipt goes out, without anybody's turn being asked for."""
    async with together(tmp_path, asynchronous=False, work=True) as world:
        sent = world.answer(b"an answer", "<one@cbp.example>", async_url=world.url)
        await world.post(sent.headers, sent.body)
        await asyncio.wait_for(world.arrived.wait(), 20)
        _, fields, mdn = world.posted[0]
        assert world.read(fields, mdn, sent).disposition.accepted
