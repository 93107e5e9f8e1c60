"""What people see of silence, doubt, failures and requests: on the board in groups, at the filing, in the timeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from filings import queries
from filings.asking import MOST
from filings.context import Limits
from filings.deadlines import PATIENCE
from filings.store import Store
from filings.watching import watch
from gateway.workers.asker import Asker
from gateway.workers.retrier import Retrier
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, informal, loses_the_receipt, parcel, type86
from tests.status_query import reply, wo10, wo60
from tests.system_failure import failed_batch


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


async def view(desk: Desk, name: str) -> dict[str, Any]:
    """A filing as the broker and the auditor see it."""
    return await desk.look(lambda conn: queries.filing(conn, name, now=desk.now))


async def steps(desk: Desk, name: str) -> list[tuple[str, str]]:
    """What its timeline says."""
    return [(one["what"], one["text"]) for one in await desk.look(lambda conn: queries.timeline(conn, name))]


async def ask(desk: Desk) -> list[bytes]:
    """Let the asker work once, then send."""
    await Asker(desk.store, desk.ctx, PATIENCE, desk.clock, lambda: None).turn()
    return await desk.send()


async def silent(desk: Desk, *raws: Any) -> tuple[str, LoopbackCbp, bytes]:
    """Entries that CBP does not answer, the manifest being on file: number of the first, CBP, the batch."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(*raws)
    manifest, batch = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    return str((await desk.shipment("P-0001")).entry_number), cbp, batch


async def test_silence_asking_and_its_answer_are_seen(desk: Desk) -> None:
    """Awaited, overdue, asked for, answered: at the filing, on the board, in the timeline, among the files."""
    entry, _cbp, _batch = await silent(desk, type86(1))
    before = await view(desk, entry)
    assert (before["standing"]["matter"], before["standing"]["overdue"], before["inquiries"]) == ("answer", False, [])
    desk.later(seconds=PATIENCE.answer.total_seconds())
    (query,) = await ask(desk)
    asked_at = desk.now
    desk.later(minutes=1)
    waiting = await view(desk, entry)
    (asked,) = waiting["inquiries"]
    assert (asked["how"], asked["asked_at"], asked["answered_at"]) == ("status_query", asked_at.isoformat(), None)
    assert "CBP was asked by a status query (CQ) once" in waiting["standing"]["text"]
    assert waiting["standing"]["next_at"] == (asked_at + 2 * PATIENCE.answer).isoformat()
    (matter,) = (await desk.board())["open"]
    assert (matter["filings"], matter["overdue"], matter["who"]) == (1, True, "cbp")
    files = await desk.look(lambda conn: queries.transmissions(conn, entry))
    assert asked["transmission"] in {one["id"] for one in files}

    await desk.hear(reply(query, wo10(entry, "86"), wo60("97", "ADMISSIBLE")))
    after = await view(desk, entry)
    assert after["inquiries"][0]["answered_at"] == desk.now.isoformat()
    assert after["standing"]["who"] == "nobody"
    assert (await desk.board())["open"] == []
    told = [what for what, _text in await steps(desk, entry)]
    assert told.index("asked") < told.index("asked_answered")


async def test_asking_in_vain_ends_with_a_call(desk: Desk) -> None:
    """After the last question has had its time a person must call: on the board, at the filing, in an alert."""
    entry, _cbp, _batch = await silent(desk, type86(1))
    for _ in range(MOST):
        desk.later(seconds=4 * PATIENCE.answer.total_seconds())
        assert await ask(desk)
    now = desk.now
    await desk.store.write(lambda conn: watch(conn, PATIENCE, now))
    (alert,) = [one for one in (await desk.board())["alerts"] if one["kind"] == "answer_overdue"]
    assert alert["severity"] == "warning"
    desk.later(seconds=PATIENCE.answer.total_seconds() + 1)
    now = desk.now
    await desk.store.write(lambda conn: watch(conn, PATIENCE, now))
    board, found = await desk.board(), await view(desk, entry)
    (alert,) = [one for one in board["alerts"] if one["kind"] == "answer_overdue"]
    assert alert["severity"] == "error"
    assert "asked for it 3 times without a word of it, and is not asked again. Call CBP's client" in alert["text"]
    assert alert["detail"]["asked_in_vain"] == [found["id"]]
    for standing in (found["standing"], board["open"][0]):
        assert (standing["matter"], standing["who"]) == ("call_cbp", "broker")
        assert standing["todo"].startswith("Call CBP")
    assert len(found["inquiries"]) == MOST


async def test_a_manifest_that_is_repeated_shows_it(desk: Desk) -> None:
    """A manifest has no query: the same message went once more, and its answer is the message's own."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    desk.later(seconds=PATIENCE.answer.total_seconds())
    await ask(desk)
    found = await view(desk, TRIP)
    (asked,) = found["inquiries"]
    assert (asked["how"], asked["answered_at"]) == ("same_message_again", None)
    assert found["standing"]["text"].startswith(f"The 355 for the manifest of trip {TRIP}, sent ")
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    assert (await view(desk, TRIP))["inquiries"][0]["answered_at"] is not None
    assert (await desk.board())["open"] == []


async def test_entries_that_stand_alike_are_one_matter(desk: Desk) -> None:
    """Three entries in two files are two matters; the one that failed at CBP is told apart, with its next try."""
    made = Desk(desk.store, limits=Limits(entries_per_transmission=2))
    cbp = LoopbackCbp(made.now)
    await made.file(*(type86(number) for number in (1, 2, 3)))
    manifest, *batches = await made.send()
    await made.hear(*(one.payload for one in cbp.send(manifest)))
    found = (await made.board())["open"]
    assert sorted(one["filings"] for one in found) == [1, 2]
    assert any(" and 1 more" in one["text"] for one in found)
    pair = next(batch for batch in batches if batch.count(b"\nSE10") == 2)
    failing = str((await made.shipment("P-0001")).entry_number)
    await made.hear(failed_batch(pair, only=failing))
    retry = next(one for one in (await made.board())["open"] if one["matter"] == "retry")
    assert retry["next_at"] == (made.now + made.ctx.retries.first).isoformat()
    assert retry["until"] == (made.now + made.ctx.retries.give_up).isoformat()
    assert "It is no refusal." in retry["text"]
    seen = await view(made, failing)
    assert seen["standing"]["matter"] == "retry"
    assert [(one["attempt"], one["made_at"]) for one in seen["retries"]] == [(1, None)]
    made.later(minutes=5)
    await Retrier(made.store, made.ctx, made.clock, lambda: None).turn()
    again = await view(made, failing)
    assert "It goes again because CBP's system failed" in again["standing"]["text"]
    assert "again" in {what for what, _ in await steps(made, failing)}


async def test_doubt_is_seen_with_since_and_next_try(desk: Desk) -> None:
    """A lost receipt: in doubt since then, tried so often, next at; settled when the receipt comes."""
    await desk.file(type86(1))
    desk.road.plan = [loses_the_receipt]
    await desk.send()
    found = next(one for one in (await desk.board())["open"] if one["matter"] == "in_doubt")
    assert found["since"] == desk.now.isoformat()
    assert found["next_at"] is None or found["next_at"] > desk.wall.isoformat()
    assert "whether CBP has it" in found["text"]
    desk.later(minutes=1)
    await desk.send()
    assert not [one for one in (await desk.board())["open"] if one["matter"] == "in_doubt"]


async def test_a_request_shows_what_is_in_force_and_from_when_one_calls(desk: Desk) -> None:
    """A cancellation on which a person at CBP decides: since when, version 1 in force, and after four hours: call."""
    behaviour = Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=9999)
    cbp = LoopbackCbp(desk.now, behaviour=behaviour)
    await desk.file(informal(1))
    await desk.exchange(cbp)
    entry = str((await desk.shipment("P-0001")).entry_number)
    await desk.cancel(entry, reason_code="01")
    await desk.exchange(cbp)
    found = (await view(desk, entry))["standing"]
    assert (found["matter"], found["who"]) == ("requested", "cbp")
    assert f"decides on the cancellation of entry {entry}" in found["text"]
    assert "version 1 is in force until then" in found["text"]
    board = await desk.board()
    (matter,) = board["open"]
    assert matter["text"] == found["text"]
    (blocked,) = board["blocking"]
    assert f"gateway cancel {TRIP} --shipment P-0001" in blocked["why"]
    desk.later(seconds=PATIENCE.review.total_seconds() + 1)
    late = (await view(desk, entry))["standing"]
    assert (late["who"], late["overdue"]) == ("broker", True)


async def test_the_hour_before_arrival_is_a_deadline_of_the_board(desk: Desk) -> None:
    """Until the truck may go: by when the manifest must be with CBP; then no more."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1))
    board = await desk.board()
    (deadline,) = board["deadlines"]
    due = datetime.fromisoformat(board["estimated_arrival"]) - timedelta(hours=1)
    assert (deadline["kind"], deadline["due_at"]) == ("arrival_near", due.isoformat())
    assert "19 CFR 123.92" in deadline["text"]
    await desk.exchange(cbp)
    assert (await desk.board())["deadlines"] == []
