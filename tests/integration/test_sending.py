"""What leaves, leaves once in effect: whatever is lost, refused or killed on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from filings import archive, sending
from filings.store import Store, leases
from filings.store import tables as t
from gateway.transports import PreparedTransmission
from schemas.errors import FormatError, Problem
from tests.filing_kit import (
    Desk,
    Road,
    is_away,
    loses_the_receipt,
    parcel,
    refuses,
    takes,
    type86,
)


@pytest.fixture
async def desk(filing_store: Store) -> Desk:
    """A desk with one 309 in the outbox."""
    made = Desk(filing_store)
    await made.file(parcel(1))
    return made


async def only(desk: Desk) -> Any:
    """The one transmission."""
    (row,) = await desk.outgoing()
    return row


async def test_what_is_sent_is_committed_before(desk: Desk) -> None:
    """When the socket opens, the exact bytes and their message id stand in the store, under a lease."""
    seen: list[Any] = []

    class Looking(Road):
        async def send(self, prepared: PreparedTransmission) -> Any:
            seen.append((prepared, await only(desk)))
            return takes(self, prepared)

    assert await desk.another_sender("looking", Looking()).turn()
    ((prepared, row),) = seen
    assert (row.state, row.lease_owner) == ("sending", "looking")
    assert (row.prepared_body, row.message_id) == (prepared.body, prepared.message_id)
    assert row.lease_until == desk.wall + sending.LEASE
    assert (await only(desk)).state == "delivered"


async def test_a_receipt_is_delivery_and_nothing_more(desk: Desk) -> None:
    """With the receipt the filing is sent and the shipment filed; CBP has said nothing, so the truck waits."""
    (payload,) = await desk.send()
    row = await only(desk)
    assert (row.state, row.attempts, row.delivered_at, row.lease_owner) == ("delivered", 1, desk.now, None)
    assert row.payload_size == len(payload)
    assert await desk.states() == {"P-0001": "filed"}
    assert [one.state for one in await desk.table(t.filings)] == ["sent"]
    assert (await desk.board())["decision"] == "wait"
    assert [event.type for event in await desk.told()] == ["filing.queued", "filing.sent"]
    names = [one.name for one in await desk.table(t.archive_entries, t.archive_entries.c.position)]
    assert [name for name in names if row.name in name][-2:] == [f"envelope of {row.name}", f"receipt for {row.name}"]
    await desk.check_books()


async def test_a_lost_receipt_leaves_it_in_doubt_and_the_same_bytes_go_again(desk: Desk) -> None:
    """In doubt is shown and told; the repetition is the same bytes under the same id, and its receipt settles it."""
    desk.road.plan = [loses_the_receipt]
    await desk.send()
    assert (await only(desk)).state == "in_doubt"
    assert await desk.states() == {"P-0001": "in_doubt"}
    assert [one.state for one in await desk.table(t.filings)] == ["in_doubt"]
    assert await desk.alerts() == ["in_doubt"]
    assert await desk.send() == []  # not before its pause is over
    desk.later(seconds=1)
    assert len(await desk.send()) == 1
    first, second = desk.road.tried
    assert (first.body, first.message_id) == (second.body, second.message_id)
    assert await desk.states() == {"P-0001": "filed"}
    assert await desk.alerts() == []
    assert [event.type for event in await desk.told()] == ["filing.queued", "filing.in_doubt", "filing.sent"]


async def test_doubt_stays_though_a_later_attempt_certainly_fails(desk: Desk) -> None:
    """Nobody at the door the second time says nothing about the first time."""
    desk.road.plan = [loses_the_receipt, is_away]
    await desk.send()
    desk.later(seconds=2)
    await desk.send()
    assert (await only(desk)).state == "in_doubt"
    assert await desk.states() == {"P-0001": "in_doubt"}


async def test_from_the_second_attempt_on_too_it_is_shown_as_under_way(desk: Desk) -> None:
    """Whoever looks while the socket is open the second time sees that CBP may have it; if the worker dies, doubt."""
    desk.road.plan = [is_away]
    await desk.send()
    assert (await only(desk)).state == "queued"
    desk.later(seconds=1)
    assert len(await desk.take()) == 1
    assert (await only(desk)).state == "sending"
    desk.later(minutes=5)
    await desk.take("another")
    assert (await only(desk)).state == "in_doubt"
    assert await desk.states() == {"P-0001": "in_doubt"}


async def test_a_negative_receipt_settles_no_earlier_doubt(desk: Desk) -> None:
    """CBP may have the first attempt; that the second was refused says nothing of it, nor does a third that fails."""
    desk.road.plan = [loses_the_receipt, refuses]
    await desk.send()
    began = (await only(desk)).doubt_since
    desk.later(seconds=1)
    await desk.send()
    row = await only(desk)
    assert (row.state, row.doubt_since, row.message_id) == ("in_doubt", began, None)
    assert await desk.states() == {"P-0001": "in_doubt"}
    assert sorted(await desk.alerts()) == ["in_doubt", "transmission_refused"]
    desk.road.plan = [is_away]
    desk.later(seconds=10)
    await desk.send()
    assert ((await only(desk)).state, len(desk.road.tried)) == ("in_doubt", 3)
    desk.later(minutes=5)
    assert len(await desk.send()) == 1
    row = await only(desk)
    assert (row.state, row.doubt_since) == ("delivered", None)
    assert await desk.alerts() == []


async def test_a_lost_receipt_is_one_alert_however_often_it_is_tried(desk: Desk) -> None:
    """After the third attempt the alert of the doubt says how it goes on; no second one is raised beside it."""
    desk.road.plan = [loses_the_receipt] * 4
    for _ in range(4):
        await desk.send()
        desk.later(minutes=1)
    (alert,) = [one for one in await desk.table(t.alerts) if one.settled_at is None]
    assert (alert.kind, alert.detail["attempts"]) == ("in_doubt", 4)
    assert "There was no receipt after 4 attempts: No receipt came." in alert.text


async def test_what_was_not_delivered_and_is_in_doubt_now_is_one_alert(desk: Desk) -> None:
    """The door was closed, then the receipt was lost: the older alert is over."""
    desk.road.plan = [is_away] * 3 + [loses_the_receipt]
    for _ in range(4):
        await desk.send()
        desk.later(minutes=1)
    assert await desk.alerts() == ["in_doubt"]


async def test_nobody_at_the_door_is_no_doubt(desk: Desk) -> None:
    """If not one byte left it waits its turn, with growing pauses; after the third failure a person is told once."""
    desk.road.plan = [is_away] * 5
    pauses = []
    for _ in range(5):
        await desk.send()
        row = await only(desk)
        assert row.state == "queued"
        pauses.append((row.next_attempt_at - desk.wall).total_seconds())
        desk.wall = row.next_attempt_at
    assert pauses == [0.5, 1, 2, 4, 8]
    assert await desk.states() == {"P-0001": "staged"}
    assert await desk.alerts() == ["not_delivered"]
    await desk.send()
    assert (await only(desk)).state == "delivered"
    assert await desk.alerts() == []


async def test_the_longest_pause_is_half_a_minute(desk: Desk) -> None:
    """However often it failed, it is tried again within thirty seconds."""
    desk.road.plan = [is_away] * 12
    for _ in range(12):
        await desk.send()
        row = await only(desk)
        pause, desk.wall = row.next_attempt_at - desk.wall, row.next_attempt_at
    assert pause == sending.LONGEST_RETRY == timedelta(seconds=30)


async def test_a_worker_that_died_while_sending_leaves_doubt(desk: Desk) -> None:
    """A lease that ran out in the middle of sending is found by the next worker: in doubt, and the same bytes again."""
    started = asyncio.Event()

    class Hanging(Road):
        async def send(self, prepared: PreparedTransmission) -> Any:
            self.tried.append(prepared)
            started.set()
            await asyncio.Event().wait()

    hanging = Hanging()
    turn = asyncio.create_task(desk.another_sender("dying", hanging).turn())
    await asyncio.wait_for(started.wait(), 20)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    assert (await only(desk)).state == "sending"
    assert await desk.send() == []  # the lease still runs
    desk.later(minutes=5)
    desk.road.plan = [is_away]
    await desk.send()
    row = await only(desk)
    assert (row.state, await desk.states()) == ("in_doubt", {"P-0001": "in_doubt"})
    desk.later(seconds=5)
    assert len(await desk.send()) == 1
    (lost,), (_, again) = hanging.tried, desk.road.tried
    assert (lost.body, lost.message_id) == (again.body, again.message_id)
    assert await desk.states() == {"P-0001": "filed"}


async def test_a_worker_that_died_before_sending_leaves_no_doubt(desk: Desk) -> None:
    """Taken and not yet prepared: nothing can have left, so it goes out as if nothing had been."""
    (taken,) = await desk.take("dying")
    assert taken.prepared is None
    desk.later(minutes=5)
    assert len(await desk.send()) == 1
    assert await desk.alerts() == []
    assert "filing.in_doubt" not in {event.type for event in await desk.told()}


async def test_leases_are_given_up_when_their_only_process_starts_anew(desk: Desk) -> None:
    """The one process of an embedded store need not wait for its own old leases."""
    await desk.take("before the crash")
    assert await desk.send() == []
    assert await desk.store.write(lambda conn: leases.give_up(conn, desk.wall)) == 1
    assert len(await desk.send()) == 1


async def test_a_negative_receipt_is_told_and_fresh_bytes_go_later(desk: Desk) -> None:
    """The partner said no: an alert and the receipt in the archive, nothing in doubt, new bytes under a new id."""
    desk.road.plan = [refuses]
    await desk.send()
    row = await only(desk)
    assert (row.state, row.prepared, row.prepared_body, row.message_id) == ("queued", None, None, None)
    assert await desk.alerts() == ["transmission_refused"]
    assert await desk.states() == {"P-0001": "staged"}
    names = [one.name for one in await desk.table(t.archive_entries)]
    assert f"refusal for {row.name}" in names
    assert await desk.send() == []
    desk.later(seconds=1)
    (payload,) = await desk.send()
    first, second = desk.road.tried
    assert first.message_id != second.message_id
    assert first.body != second.body
    assert payload in second.body
    assert await desk.alerts() == []


async def test_what_cannot_be_prepared_waits(desk: Desk) -> None:
    """Without the partner's certificate nothing can be signed: it stays queued and is told after three attempts."""

    class Broken(Road):
        def prepare(self, *_: Any, **__: Any) -> PreparedTransmission:
            raise FormatError(Problem("certificate-file", "partner", "There is no certificate."))

    sender = desk.another_sender("desk", Broken())
    for _ in range(3):
        assert await sender.turn()
        desk.later(minutes=1)
    assert (await only(desk)).state == "queued"
    assert await desk.alerts() == ["not_delivered"]


async def test_two_senders_never_take_the_same(filing_store: Store) -> None:
    """Workers of two processes that take at once share the outbox without overlap, manifests before entries."""
    desk = Desk(filing_store)
    for number in range(6):
        await desk.file(type86(number), trip=f"TSTC250310{number:04d}")
    taken = await asyncio.gather(*(desk.take(f"worker {number % 2}", 3) for number in range(6)))
    listed = [one.id for some in taken for one in some]
    assert len(listed) == len(set(listed)) == 12
    kinds = [one.application for some in taken[:1] for one in some]
    assert kinds == ["309", "309", "309"]
    assert await desk.take("third") == []


async def test_two_senders_on_one_outbox_send_each_thing_once(filing_store: Store) -> None:
    """Two senders working at the same time deliver everything, and nothing twice."""
    desk = Desk(filing_store)
    for number in range(4):
        await desk.file(type86(number), trip=f"TSTC250310{number:04d}")
    other = desk.another_sender("other")
    for _ in range(6):
        await asyncio.gather(desk.sender.turn(), other.turn())
    assert len(desk.road.sent) == len(set(desk.road.sent)) == 8
    assert {row.state for row in await desk.outgoing()} == {"delivered"}
    assert {row.attempts for row in await desk.outgoing()} == {1}


async def test_a_worker_that_lost_its_lease_cannot_overwrite(desk: Desk) -> None:
    """What a slow worker prepares after its lease was taken is not sent, and its failure is not written."""
    (slow,) = await desk.take("slow")
    desk.later(minutes=5)
    (quick,) = await desk.take("quick")
    assert slow.id == quick.id
    assert not await desk.store.write(
        lambda conn: sending.prepared(conn, slow.id, "slow", "<slow@x>", {}, b"slow", desk.wall)
    )
    attempt = sending.Attempt(slow.id, "slow", 1, desk.now, desk.wall)
    fault = (Problem("no_receipt", "transmission", "No receipt."),)
    await desk.store.write(lambda conn: sending.undelivered(conn, attempt, fault, in_doubt=True))
    await desk.store.write(lambda conn: sending.refused(conn, attempt, {"text": "no"}, b""))
    row = await only(desk)
    assert (row.state, row.lease_owner, row.prepared_body) == ("queued", "quick", None)
    assert await desk.alerts() == []


async def test_a_late_receipt_is_believed(desk: Desk) -> None:
    """A receipt that comes after the lease was lost is true all the same, and counts once."""
    desk.road.plan = [loses_the_receipt]
    await desk.send()
    row = await only(desk)
    for _ in range(2):
        await desk.store.write(lambda conn: sending.delivered(conn, row.id, {"text": "late"}, b"MDN", desk.now))
    assert (await only(desk)).state == "delivered"
    desk.later(minutes=1)
    assert await desk.send() == []
    assert [event.type for event in await desk.told("filing.sent")] == ["filing.sent"]


async def test_an_error_of_one_sending_leaves_the_others_alone(filing_store: Store) -> None:
    """An error nobody foresaw in one transmission goes up to be logged; the others are sent and recorded."""
    desk = Desk(filing_store)
    await desk.file(type86(1))

    class Odd(Road):
        async def send(self, prepared: PreparedTransmission) -> Any:
            if prepared.name.startswith("309"):
                raise ZeroDivisionError
            return takes(self, prepared)

    with pytest.raises(ZeroDivisionError):
        await desk.another_sender("odd", Odd()).turn()
    assert {row.application: row.state for row in await desk.outgoing()} == {"309": "sending", "SE": "delivered"}
    desk.later(minutes=5)
    assert len(await desk.send()) == 1  # in doubt, and sent again
    await desk.check_books()


async def test_the_archive_proves_what_was_sent(desk: Desk) -> None:
    """The plain bytes, the exact envelope and the receipt are in the archive under the transmission."""
    (payload,) = await desk.send()
    row = await only(desk)
    table = t.archive_entries
    found = [one for one in await desk.table(table, table.c.position) if one.transmission_id == row.id]
    bodies = []
    for one in found:
        kept = await desk.look(lambda conn, at=one.position: archive.read(conn, at))
        assert kept is not None
        bodies.append(kept.entry.body)
    assert bodies[0] == payload
    assert bodies[1].endswith(desk.road.tried[0].body)
    await desk.check_books()
