"""A receipt that is posted later settles what it is for, once, whatever came before it, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from filings import archive, sending
from filings.store import Store
from gateway.receipts import Receipts
from gateway.transports import PreparedTransmission
from gateway.workers.sender import RECEIPT_WAIT
from sandbox.testing import LoopbackCbp
from schemas.as2 import Mdn
from schemas.as2.dispositions import parse_disposition
from tests.filing_kit import START, is_away, parcel
from tests.posted_kit import BODY, MIC, PROCESSED, REFUSED, PostedDesk, PostingRoad, hands_over


@pytest.fixture
async def desk(filing_store: Store) -> PostedDesk:
    """A desk with one 309 that was handed over; its receipt is awaited."""
    made = PostedDesk(filing_store)
    await made.file(parcel(1))
    assert len(await made.send()) == 1
    return made


async def test_handed_over_is_neither_receipted_nor_failed(desk: PostedDesk) -> None:
    """It waits: not sent, not in doubt, no alert, nothing told; and it is not sent again before its time."""
    row = await desk.row()
    assert (row.state, row.lease_owner, row.delivered_at) == (sending.AWAITING, None, None)
    assert row.next_attempt_at == desk.wall + RECEIPT_WAIT
    assert await desk.states() == {"P-0001": "staged"}
    assert [event.type for event in await desk.told()] == ["filing.queued"]
    desk.later(seconds=RECEIPT_WAIT.total_seconds() - 1)
    assert await desk.send() == []
    assert await desk.alerts() == []


async def test_its_receipt_settles_it(desk: PostedDesk) -> None:
    """Delivered and told; the receipt is kept byte for byte with the envelope; the same one again changes nothing."""
    for _ in range(2):
        assert await desk.comes(text="It was \0 received.") == ()
        desk.later(minutes=1)
    row = await desk.row()
    assert (row.state, row.delivered_at, row.receipt["message_id"]) == ("delivered", START, row.message_id)
    assert await desk.states() == {"P-0001": "filed"}
    assert [event.type for event in await desk.told()] == ["filing.queued", "filing.sent"]
    assert await desk.kept() == ["envelope of it", "receipt for it"]
    kept = await desk.look(lambda conn: archive.search(conn, transmission_id=row.id))
    assert kept[1].entry.body.endswith(desk.road.tried[0].body)
    assert kept[2].entry.body.endswith(BODY)
    desk.later(hours=1)
    assert await desk.send() == []
    await desk.check_books()


async def test_a_receipt_that_does_not_come_is_doubt_and_the_same_bytes_go_again(desk: PostedDesk) -> None:
    """After the wait: in doubt, shown and told, the same bytes under the same id, as often as it takes."""
    for _ in range(3):
        desk.later(seconds=RECEIPT_WAIT.total_seconds())
        assert len(await desk.send()) == 1
        assert (await desk.row()).state == "in_doubt"
        assert await desk.states() == {"P-0001": "in_doubt"}
        assert await desk.alerts() == ["in_doubt"]
        assert await desk.send() == []  # it waits for the receipt of this one
    assert len({(one.body, one.message_id) for one in desk.road.tried}) == 1
    await desk.comes()
    assert (await desk.row()).state == "delivered"
    assert await desk.alerts() == []
    assert [event.type for event in await desk.told()] == ["filing.queued", "filing.in_doubt", "filing.sent"]
    await desk.check_books()


async def test_a_receipt_may_outrun_the_answer(desk: PostedDesk) -> None:
    """It comes while the socket is still open: delivered, and the answer that comes after it takes nothing back."""
    other = PostedDesk(desk.store)
    await other.file(parcel(2), trip="TSTC2503109999")

    class Overtaken(PostingRoad):
        async def send(self, prepared: PreparedTransmission) -> Any:
            other.road.tried.append(prepared)
            await other.comes()
            return hands_over(self, prepared)

    assert await other.another_sender("slow", Overtaken()).turn()
    row = (await other.outgoing())[-1]
    assert (row.state, row.message_id) == ("delivered", other.road.tried[-1].message_id)
    assert row.next_attempt_at is None


async def test_a_receipt_after_a_kill_finds_its_transmission(desk: PostedDesk) -> None:
    """Killed with the socket open, restarted, the receipt comes: believed, and the bytes do not go again."""
    other = PostedDesk(desk.store)
    await other.file(parcel(2), trip="TSTC2503109999")
    started = asyncio.Event()

    class Hanging(PostingRoad):
        async def send(self, prepared: PreparedTransmission) -> Any:
            other.road.tried.append(prepared)
            started.set()
            await asyncio.Event().wait()

    turn = asyncio.create_task(other.another_sender("dying", Hanging()).turn())
    await asyncio.wait_for(started.wait(), 20)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    restarted = PostedDesk(desk.store)
    restarted.road.tried = other.road.tried
    await restarted.comes()
    assert (await restarted.outgoing())[-1].state == "delivered"
    restarted.later(hours=1)
    await restarted.send()
    assert (await restarted.outgoing())[-1].attempts == 1


async def test_a_negative_receipt_brings_fresh_bytes(desk: PostedDesk) -> None:
    """Refused: told to a person, kept, and later other bytes go under another id; the receipt again changes nothing."""
    first = desk.road.tried[0]
    for _ in range(2):
        assert await desk.comes(first.message_id, said=REFUSED) == ()
    row = await desk.row()
    assert (row.state, row.prepared_body, row.message_id) == ("queued", None, None)
    assert await desk.alerts() == ["transmission_refused"]
    assert await desk.kept() == ["envelope of it", "refusal for it"]
    desk.later(seconds=1)
    assert len(await desk.send()) == 1
    second = desk.road.tried[-1]
    assert second.message_id != first.message_id
    assert second.body != first.body
    assert await desk.comes(first.message_id, said=REFUSED) == ()  # late, and for what is given up
    assert (await desk.row()).state == sending.AWAITING
    await desk.comes()
    assert await desk.alerts() == []
    await desk.check_books()


async def test_a_negative_receipt_outruns_the_answer(desk: PostedDesk) -> None:
    """Refused while the socket is still open: the handover that is noted after it does not bring the old bytes back."""
    other = PostedDesk(desk.store)
    await other.file(parcel(2), trip="TSTC2503109999")

    class Refusing(PostingRoad):
        async def send(self, prepared: PreparedTransmission) -> Any:
            other.road.tried.append(prepared)
            await other.comes(said=REFUSED)
            return hands_over(self, prepared)

    assert await other.another_sender("slow", Refusing()).turn()
    row = (await other.outgoing())[-1]
    assert (row.state, row.message_id, row.prepared_body) == ("queued", None, None)


@pytest.mark.parametrize("first", [PROCESSED, REFUSED])
async def test_a_partner_that_changes_its_word_is_raised(desk: PostedDesk, first: str) -> None:
    """Taken after refused, or refused after taken: kept and told as an error; what was settled stays."""
    message_id = desk.road.tried[0].message_id
    await desk.comes(said=first)
    before = await desk.row()
    second = REFUSED if first == PROCESSED else PROCESSED
    assert await desk.comes(message_id, said=second, body=b"another word") == ()
    after = await desk.row()
    assert (after.state, after.message_id, after.receipt) == (before.state, before.message_id, before.receipt)
    assert "receipt_contradicts" in await desk.alerts()
    assert (await desk.kept())[-1] == "contradicting receipt for it"
    await desk.check_books()


async def test_another_mic_is_doubt(desk: PostedDesk) -> None:
    """The partner signed for other bytes: kept, raised, in doubt; the same bytes go again, a good receipt ends it."""
    assert await desk.comes(mic="b3RoZXI=") == ()
    assert (await desk.row()).state == "in_doubt"
    assert await desk.alerts() == ["receipt_not_valid", "in_doubt"]
    assert await desk.kept() == ["receipt that does not fit for it"]
    desk.later(seconds=RECEIPT_WAIT.total_seconds())
    assert len(await desk.send()) == 1
    await desk.comes()
    assert (await desk.row()).state == "delivered"
    assert await desk.alerts() == []
    await desk.check_books()


async def test_a_receipt_that_nobody_signed_is_not_believed(desk: PostedDesk) -> None:
    """Signed was agreed: neither for what waits nor for what is unknown or given up does an unsigned one count."""
    assert [one.code for one in await desk.comes(signed=False)] == ["as2-insufficient-message-security"]
    assert [one.code for one in await desk.comes("<x@y>", signed=False)] == ["as2-receipt-unknown"]
    assert (await desk.row()).state == sending.AWAITING
    message_id = desk.road.tried[0].message_id
    await desk.comes(said=REFUSED)
    assert [one.code for one in await desk.comes(message_id, signed=False)] == ["as2-receipt-unknown"]
    assert await desk.alerts() == ["transmission_refused"]


@pytest.mark.parametrize(
    "message_id", ["<x@y>", "<00000000-0000-7000-8000-000000000000@1.gateway>", "<" + "x" * 990 + "@y>"]
)
async def test_a_receipt_for_nothing_we_sent_is_kept_and_raised(desk: PostedDesk, message_id: str) -> None:
    """Somebody else's message, or one we never sent: in the archive and before a person, and nothing moves."""
    assert await desk.comes(message_id, text="NUL \0 in it") == ()
    assert (await desk.row()).state == sending.AWAITING
    assert await desk.alerts() == ["receipt_unknown"]
    assert await desk.kept() == ["receipt from cbp for an unknown message"]
    await desk.check_books()


async def test_a_receipt_of_another_partner_is_for_nothing(desk: PostedDesk) -> None:
    """A partner cannot sign for what went to another."""
    stranger = Receipts(desk.store, "other", desk.clock, wall=lambda: desk.wall)
    message_id = desk.road.tried[0].message_id
    mdn = Mdn(message_id, parse_disposition(PROCESSED), MIC, "sha-256", signed_ok=True, text="", sender="OTHER")
    assert await stranger.came(mdn, {}, BODY) == ()
    assert (await desk.row()).state == sending.AWAITING
    assert await desk.alerts() == ["receipt_unknown"]


async def test_cbp_may_answer_before_the_receipt_comes(desk: PostedDesk) -> None:
    """CBP's 355 for a manifest whose receipt is still awaited is taken for its answer."""
    cbp = LoopbackCbp(desk.now)
    await desk.hear(*(one.payload for one in cbp.send(desk.road.sent[0])))
    assert await desk.states() == {"P-0001": "on_file"}
    await desk.comes()
    assert await desk.states() == {"P-0001": "on_file"}
    assert await desk.alerts() == []


async def test_a_handover_after_doubt_is_still_doubt(filing_store: Store) -> None:
    """The first attempt broke off in doubt, the second was handed over: in doubt until a receipt comes."""
    desk = PostedDesk(filing_store)
    await desk.file(parcel(1))
    desk.road.plan = [is_away]
    await desk.send()
    assert (await desk.row()).state == "queued"
    desk.later(seconds=1)
    await desk.send()
    assert (await desk.row()).state == sending.AWAITING
    desk.later(seconds=RECEIPT_WAIT.total_seconds())
    desk.road.plan = [is_away]
    await desk.send()
    assert (await desk.row()).state == "in_doubt"
    desk.wall += timedelta(minutes=1)
    await desk.send()
    row = await desk.row()
    assert (row.state, row.next_attempt_at) == ("in_doubt", desk.wall + RECEIPT_WAIT)
