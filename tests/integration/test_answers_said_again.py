"""A 355 that CBP says again in a new envelope is about what it was about before, and no answer to what waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest

from filings import asking, said_again
from filings.context import Limits
from filings.deadlines import PATIENCE
from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.answers import in_new_envelope
from tests.filing_kit import TRIP, Desk, marked, parcel
from tests.integration.test_retrying import retry
from tests.system_failure import failed_manifest

SCN: Final = "TSTC00000000001"


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


def cbp_of(desk: Desk) -> LoopbackCbp:
    """A CBP with the desk's clock, which answers at once."""
    return LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0))


def street(number: int) -> dict[str, Any]:
    """A patch that moves a consignee."""
    return {"consignee": {"address": {"lines": [f"{number} Elm Ave"]}}}


async def standing(desk: Desk) -> tuple[tuple[str, int, int | None], list[str]]:
    """State, version and accepted version of the manifest; kinds of open alerts."""
    (manifest,) = [row for row in await desk.table(t.filings) if row.kind == "manifest"]
    open_ones = sorted(one.kind for one in await desk.table(t.alerts) if one.settled_at is None)
    return (manifest.state, manifest.version, manifest.accepted_version), open_ones


async def told(desk: Desk, cbp: LoopbackCbp, sent: bytes) -> tuple[bytes, bytes]:
    """The 997 and the 355 of CBP to a message."""
    read, judged = (one.payload for one in cbp.send(sent))
    return read, judged


@pytest.mark.parametrize("minutes", [None, 30], ids=["written then", "written now"])
@pytest.mark.parametrize("verdict", ["accepted", "refused"])
async def test_the_first_answer_said_again_does_not_answer_the_amendment(
    desk: Desk, verdict: str, minutes: int | None
) -> None:
    """It repeats the head of the first message: nothing moves, a person is told, and the true answer counts at once."""
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    read, answer = await told(desk, cbp, first)
    await desk.hear(read, answer)
    desk.later(minutes=minutes or 0)
    name = {"consignee": {"name": "Pat Well" if verdict == "accepted" else "Pat Rej Well"}}
    await desk.amend(SCN, name, reason_code="03")
    (second,) = await desk.send()
    await desk.hear(in_new_envelope(answer, 7001, desk.now if minutes else None))
    assert await standing(desk) == (("sent", 2, 1), ["answer_said_again"])
    assert [row.answered_at is None for row in await desk.outgoing("309")] == [False, True]
    (raised,) = [one for one in await desk.table(t.alerts) if one.kind == "answer_said_again"]
    assert raised.transmission_id == (await desk.outgoing("309"))[1].id
    await desk.hear(*await told(desk, cbp, second))
    found, alerts = await standing(desk)
    assert (found, alerts) == (
        (("accepted", 2, 2), []) if verdict == "accepted" else (("accepted", 2, 1), ["change_refused"])
    )
    await desk.check_books()


@pytest.mark.parametrize("read_first", [True, False], ids=["after its 997", "before its 997"])
async def test_an_answer_said_again_to_a_message_of_the_same_kind_is_told_by_cbps_clock(
    desk: Desk, read_first: bool
) -> None:
    """Two amendments alike have one answer word for word; what CBP wrote before it read the second is not its own."""
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    await desk.amend(SCN, street(1), reason_code="03")
    (second,) = await desk.send()
    read, answer = await told(desk, cbp, second)
    await desk.hear(read, answer)
    minutes = 1 if read_first else 2
    cbp.advance(minutes=minutes)
    desk.later(minutes=minutes)
    await desk.amend(SCN, street(2), reason_code="03")
    (third,) = await desk.send()
    read, last = await told(desk, cbp, third)
    again = in_new_envelope(answer, 7001)
    await desk.hear(*((read, again) if read_first else (again, read)))
    assert await standing(desk) == (("sent", 3, 2), ["answer_said_again"])
    await desk.hear(last)
    assert await standing(desk) == (("accepted", 3, 3), [])


@pytest.mark.parametrize("read_first", [True, False], ids=["after its 997", "before its 997"])
@pytest.mark.parametrize("seconds", [0, 90, 600])
async def test_answers_alike_are_taken_each_for_its_own_message(desk: Desk, seconds: int, read_first: bool) -> None:
    """One answer for each amendment, all of one kind, at once or after a while: nothing waits, nothing is raised."""
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    for number in range(1, 4):
        cbp.advance(seconds=seconds)
        desk.later(seconds=seconds)
        await desk.amend(SCN, street(number), reason_code="03")
        (sent,) = await desk.send()
        read, answer = await told(desk, cbp, sent)
        await desk.hear(*((read, answer) if read_first else (answer, read)))
        assert await standing(desk) == (("accepted", number + 1, number + 1), [])


async def test_the_first_of_several_messages_said_again_does_not_answer_the_last(filing_store: Store) -> None:
    """A manifest in two messages of two bills: the preliminary one's answer is not taken for the complete one's."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=2))
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2), marked(parcel(3), "REJ"), parcel(4))
    (first,) = await desk.send()
    read, answer = await told(desk, cbp, first)
    await desk.hear(read, answer)
    (second,) = await desk.send()
    await desk.hear(in_new_envelope(answer, 7001))
    assert await standing(desk) == (("sent", 1, None), ["answer_said_again"])
    await desk.hear(*await told(desk, cbp, second))
    states = {row.shipment_id: row.manifest_state for row in await desk.table(t.shipments)}
    assert sorted(states.values()) == ["accepted", "accepted", "accepted", "rejected"]
    assert "answers_contradict" not in (await standing(desk))[1]


async def test_the_first_of_several_messages_said_again_does_not_stop_a_retry(filing_store: Store) -> None:
    """CBP's system has failed over the last message: what it says again of the first one is not its judgement."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=2))
    cbp = cbp_of(desk)
    await desk.file(*(parcel(number) for number in range(1, 5)))
    (first,) = await desk.send()
    read, answer = await told(desk, cbp, first)
    await desk.hear(read, answer)
    (second,) = await desk.send()
    await desk.hear(failed_manifest(second, 9001, desk.now), in_new_envelope(answer, 7001))
    assert await standing(desk) == (("queued", 1, None), ["answer_said_again"])
    desk.later(minutes=5)
    (again,) = await retry(desk)
    await desk.hear(*await told(desk, cbp, again))
    assert await standing(desk) == (("accepted", 1, 1), [])


@pytest.mark.parametrize("minutes", [None, 30], ids=["written then", "written now"])
async def test_what_is_said_again_while_nothing_waits_says_nothing_new(
    filing_store: Store, minutes: int | None
) -> None:
    """A preliminary manifest's answer, once more after the whole was completed: it is held as complete all the same."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=3))
    cbp = cbp_of(desk)
    await desk.file(*(parcel(number) for number in range(1, 5)))
    (first,) = await desk.send()
    read, answer = await told(desk, cbp, first)
    await desk.hear(read, answer)
    await desk.exchange(cbp)
    before = (await standing(desk), [row.held_as for row in await desk.table(t.trips)], await desk.states())
    desk.later(minutes=minutes or 0)

    await desk.hear(in_new_envelope(answer, 7001, desk.now if minutes else None))

    assert (await standing(desk), [row.held_as for row in await desk.table(t.trips)], await desk.states()) == before
    assert before[1] == ["complete"]
    assert "repeated" in {row.state for row in await desk.table(t.transmissions)}


async def _an_amendment_like_the_one_before(desk: Desk, cbp: LoopbackCbp) -> tuple[bytes, bytes]:
    """CBP's answers to the second of two amendments alike, none of them heard."""
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    for number in (1, 2):
        cbp.advance(minutes=30)
        desk.later(minutes=30)
        await desk.amend(SCN, street(number), reason_code="03")
        (sent,) = await desk.send()
        read, answer = await told(desk, cbp, sent)
        if number == 1:
            await desk.hear(read, answer)
    return read, answer


async def test_an_acknowledgment_that_comes_once_more_makes_no_answer_early(desk: Desk) -> None:
    """CBP acknowledges the message again, an hour later, before its answer of the first hour is heard: it counts."""
    read, answer = await _an_amendment_like_the_one_before(desk, cbp_of(desk))
    later = desk.now + timedelta(hours=1)

    await desk.hear(read, in_new_envelope(read, 7001, later), answer)

    assert await standing(desk) == (("accepted", 3, 3), [])


async def test_no_two_clocks_of_cbp_make_a_filing_wait_for_ever(desk: Desk) -> None:
    """Its 355 is dated hours before its 997. That is raised; what it says when it has been asked is its answer."""
    cbp = cbp_of(desk)
    read, answer = await _an_amendment_like_the_one_before(desk, cbp)
    early = desk.now - timedelta(hours=5)
    await desk.hear(read, in_new_envelope(answer, 7001, early))
    assert await standing(desk) == (("sent", 3, 2), ["answer_said_again"])

    desk.later(hours=2)
    now = desk.now
    (manifest,) = await desk.look(lambda conn: asking.due(conn, PATIENCE, now))
    assert await desk.store.write(lambda conn: asking.ask(conn, desk.ctx, PATIENCE, manifest, now))
    await desk.send()
    await desk.hear(in_new_envelope(answer, 7002, early))

    assert await standing(desk) == (("accepted", 3, 3), [])


async def test_the_oldest_message_of_a_trip_may_be_the_one_that_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was answered before it, so what is known is when it was made: that alone is counted from."""
    monkeypatch.setattr(said_again, "_told", lambda *_: [])
    waiting = SimpleNamespace(id="1", created_at=desk.now, trip_number=TRIP, control_number="7")
    later = SimpleNamespace(id="2", created_at=desk.now, answered_at=desk.now)
    first = desk.now - timedelta(hours=2)

    def early(written: datetime) -> bool:
        said = {"envelope": {"written_at": written.isoformat()}}
        before = [({"envelope": {"written_at": first.isoformat()}}, first)]
        return said_again._too_early(None, SimpleNamespace(correlation=said), waiting, [waiting, later], before)

    assert early(first)
    assert not early(desk.now)
