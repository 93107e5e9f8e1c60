"""Silence is asked about, and only what CBP then says moves a filing: a query for an entry, a manifest once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from filings import asking
from filings.asking import AT_ONCE, MOST, Silence, next_ask
from filings.context import Limits
from filings.deadlines import Patience
from filings.lifecycle import FilingState
from filings.store import Store
from filings.store import tables as t
from gateway.workers.asker import Asker
from gateway.workers.retrier import Retrier
from sandbox.testing import LoopbackCbp
from tests.filing_kit import START, TRIP, Desk, parcel, type86
from tests.status_query import asked_for, reply, wo10, wo60, wr0
from tests.system_failure import failed_batch

PATIENCE = Patience()


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


async def ask(desk: Desk) -> list[bytes]:
    """Let the asker work once, then send."""
    await Asker(desk.store, desk.ctx, PATIENCE, desk.clock, lambda: None).turn()
    return await desk.send()


async def silent_entry(desk: Desk) -> tuple[str, bytes, LoopbackCbp]:
    """An entry whose batch CBP has taken, with the manifest on file and no word of the entry; number and batch."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(type86(1))
    manifest, batch = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    return str((await desk.shipment("P-0001")).entry_number), batch, cbp


async def entry_state(desk: Desk) -> str:
    """The state of the one entry."""
    return next(str(row.state) for row in await desk.table(t.filings) if row.kind == "entry")


async def query(desk: Desk) -> bytes:
    """The one query that is due."""
    desk.later(seconds=PATIENCE.answer.total_seconds())
    (sent,) = [payload for payload in await ask(desk) if payload[25:27] == b"CQ"]
    return sent


@pytest.mark.parametrize(
    ("asked", "pause"), [(0, PATIENCE.answer), (1, 2 * PATIENCE.answer), (2, 4 * PATIENCE.answer), (MOST, None)]
)
@pytest.mark.parametrize("state", [FilingState.SENT, FilingState.UNDER_REVIEW])
def test_pauses_double_until_nothing_is_asked_any_more(asked: int, pause: timedelta | None, state: FilingState) -> None:
    """From the delivery, then from the last question; CBP's review has a patience of its own."""
    last = START + timedelta(hours=1)
    silence = Silence(START, asked, last if asked else None)
    begin = last if asked else START
    if pause is not None and state is FilingState.UNDER_REVIEW:
        pause = pause * (PATIENCE.review / PATIENCE.answer)
    assert next_ask(silence, PATIENCE, state) == (None if pause is None else begin + pause)


async def test_an_entry_is_asked_for_when_patience_ends_and_not_before(desk: Desk) -> None:
    """A query for that entry, a moment before nothing; asking itself moves nothing."""
    entry, _batch, _cbp = await silent_entry(desk)
    desk.later(seconds=PATIENCE.answer.total_seconds() - 1)
    assert await ask(desk) == []
    desk.later(seconds=1)
    (sent,) = await ask(desk)
    assert asked_for(sent) == [entry]
    assert await ask(desk) == []
    assert await entry_state(desk) == "sent"
    assert {row.application for row in await desk.table(t.transmissions)} >= {"CQ"}
    await desk.check_books()


async def test_what_cbp_has_is_accepted(desk: Desk) -> None:
    """WO10 and WO60 97: the entry is on file, the goods are admissible, and nothing is asked any more."""
    entry, _batch, _cbp = await silent_entry(desk)
    sent = await query(desk)
    await desk.hear(reply(sent, wo10(entry, "86"), wo60("97", "ADMISSIBLE")))
    assert await entry_state(desk) == "accepted"
    assert await desk.states() == {"P-0001": "on_file"}
    (asked,) = await desk.table(t.inquiries)
    assert asked.answered_at == desk.now
    desk.later(hours=12)
    assert await ask(desk) == []
    await desk.check_books()


async def test_what_cbp_released_is_released(desk: Desk) -> None:
    """A status in the answer counts as the status notification that was lost."""
    entry, _batch, _cbp = await silent_entry(desk)
    await desk.hear(reply(await query(desk), wo10(entry, "86"), wo60("98", "RELEASED")))
    assert await desk.states() == {"P-0001": "released"}


async def test_what_cbp_has_not_goes_again_as_the_same_entry(desk: Desk) -> None:
    """950: the very same transaction under the same entry number goes again, and CBP then has one entry."""
    entry, batch, cbp = await silent_entry(desk)
    await desk.hear(reply(await query(desk), wr0(entry)))
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    (again,) = await desk.send()
    mine = [line for line in batch.decode().splitlines() if line.startswith(("SE", "OI", "PG"))]
    assert [line for line in again.decode().splitlines() if line.startswith(("SE", "OI", "PG"))] == mine
    assert again[59:69] != batch[59:69]
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert await entry_state(desk) == "accepted"
    assert [row["number"] for row in cbp.cbp.store.rows("select number from entry")] == [entry]
    await desk.check_books()


async def test_an_entry_that_arrived_after_all_is_not_refused(desk: Desk) -> None:
    """Not on file yet when asked, then taken, and the repetition is *already on file*: the entry stands accepted."""
    entry, batch, cbp = await silent_entry(desk)
    await desk.hear(reply(await query(desk), wr0(entry)))
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    (again,) = await desk.send()
    late = [one.payload for one in cbp.send(batch)]
    await desk.hear(failed_batch(again, "007", "ENTRY NUMBER ALREADY ON FILE"), *late)
    assert await entry_state(desk) == "accepted"
    assert await desk.states() == {"P-0001": "on_file"}


async def test_the_repetition_alone_is_no_refusal(desk: Desk) -> None:
    """*Already on file* about what went again is under review, and a person is told."""
    entry, _batch, _cbp = await silent_entry(desk)
    await desk.hear(reply(await query(desk), wr0(entry)))
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    (again,) = await desk.send()
    await desk.hear(failed_batch(again, "007", "ENTRY NUMBER ALREADY ON FILE"))
    assert await entry_state(desk) == "under_review"
    assert "already_on_file" in await desk.alerts()


async def test_an_answer_to_an_old_question_loses_nothing(desk: Desk) -> None:
    """The response came while the question was under way: *not on file* sends nothing again."""
    entry, batch, cbp = await silent_entry(desk)
    sent = await query(desk)
    await desk.hear(*(one.payload for one in cbp.send(batch)))
    assert await entry_state(desk) == "accepted"
    await desk.hear(reply(sent, wr0(entry)))
    assert await entry_state(desk) == "accepted"
    assert await desk.table(t.retries) == []


async def test_a_change_is_not_settled_by_a_query(desk: Desk) -> None:
    """Whether CBP has taken a correction shows nowhere in its answer: the corrected entry stays unanswered."""
    entry, batch, cbp = await silent_entry(desk)
    await desk.hear(*(one.payload for one in cbp.send(batch)))
    await desk.amend(entry, {"consignee": {"address": {"lines": ["7 Elm Ave"]}}}, reason_code="03")
    await desk.send()
    state = await entry_state(desk)
    assert state != "accepted"
    sent = await query(desk)
    await desk.hear(reply(sent, wo10(entry, "86"), wo60("97", "ADMISSIBLE")))
    assert await entry_state(desk) == state
    await desk.hear(reply(sent, wr0(entry)))
    assert await entry_state(desk) == state
    assert await desk.table(t.retries) == []


async def test_a_query_that_failed_is_asked_again(desk: Desk) -> None:
    """ZZZ says nothing of the entry; three questions are asked in all, with longer pauses, and no fourth."""
    entry, _batch, _cbp = await silent_entry(desk)
    began, times = desk.now, []
    for pause in (1, 2, 4):
        desk.later(seconds=pause * PATIENCE.answer.total_seconds() - 1)
        assert await ask(desk) == []
        desk.later(seconds=1)
        (sent,) = await ask(desk)
        times.append(desk.now - began)
        await desk.hear(reply(sent, wr0(entry, "ZZZ", "** ACE SYSTEM FAILURE **")))
        assert await entry_state(desk) == "sent"
    assert times == [PATIENCE.answer * 1, PATIENCE.answer * 3, PATIENCE.answer * 7]
    desk.later(days=2)
    assert await ask(desk) == []


async def test_two_workers_ask_once(desk: Desk) -> None:
    """Both have seen the silence; the second finds that it has been asked about."""
    await silent_entry(desk)
    desk.later(seconds=PATIENCE.answer.total_seconds())
    now = desk.now
    (waiting,) = await desk.look(lambda conn: asking.due(conn, PATIENCE, now))
    done = [await desk.store.write(lambda conn: asking.ask(conn, desk.ctx, PATIENCE, waiting, now)) for _ in range(2)]
    assert done == [True, False]
    assert len(await desk.send()) == 1


async def test_a_silent_batch_is_not_asked_for_in_one_breath(desk: Desk) -> None:
    """No more queries than may be without an answer; an answer makes room for the next."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(*(type86(number) for number in range(1, AT_ONCE + 3)))
    manifest, _batch = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    desk.later(seconds=PATIENCE.answer.total_seconds())
    sent = await ask(desk)
    assert len(sent) == AT_ONCE
    assert await ask(desk) == []
    (entry,) = asked_for(sent[0])
    await desk.hear(reply(sent[0], wo10(entry, "86"), wo60("97", "ADMISSIBLE")))
    (more,) = await ask(desk)
    assert asked_for(more) not in [asked_for(one) for one in sent]


async def test_a_manifest_is_repeated_and_known_again(desk: Desk) -> None:
    """The very same 309 goes once more; CBP, which has read it, answers with the first answer's words or knows it."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1))
    (first,) = await desk.send()
    lost = [one.payload for one in cbp.send(first)]
    assert lost
    desk.later(seconds=PATIENCE.answer.total_seconds())
    (again,) = await ask(desk)
    assert again == first
    assert await desk.states() == {"P-0001": "filed"}
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert cbp.cbp.store.count("select count(*) from bill") == 1
    assert (await desk.states())["P-0001"] in {"filed", "on_file"}
    await desk.hear(*lost)
    assert await desk.states() == {"P-0001": "on_file"}


async def test_of_several_messages_the_unanswered_one_is_repeated(filing_store: Store) -> None:
    """The first message of a manifest has its answer, the second has none: that one goes once more."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(first)))
    (second,) = await desk.send()
    desk.later(seconds=PATIENCE.answer.total_seconds())
    assert await ask(desk) == [second] != [first]


async def test_a_manifest_that_never_arrived_is_filed_by_its_repetition(desk: Desk) -> None:
    """CBP has lost the file that it signed for: the repetition is the first it hears of it."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1))
    await desk.send()
    desk.later(seconds=PATIENCE.answer.total_seconds())
    (again,) = await ask(desk)
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert await desk.states() == {"P-0001": "on_file"}
    assert (await desk.board(TRIP))["state"] == "clear"
    desk.later(hours=12)
    assert await ask(desk) == []


@pytest.mark.parametrize("answer", [lambda entry: wo10(entry, "86"), wr0])
async def test_nobody_asked_and_nobody_knows(desk: Desk, answer: Callable[[str], str]) -> None:
    """A C1 about an entry that is not ours moves nothing, and is raised."""
    entry, _batch, _cbp = await silent_entry(desk)
    sent = await query(desk)
    stranger = f"{entry[:3]}99999998"
    before = await entry_state(desk)
    await desk.hear(reply(sent, answer(stranger)))
    assert await entry_state(desk) == before
    assert await desk.alerts() != []
