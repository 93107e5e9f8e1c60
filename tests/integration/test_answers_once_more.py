"""Answers of CBP that come once more, late, or against each other: one final state in any order, and it is raised."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from filings import queries
from filings.awaited import awaits_answer
from filings.context import Limits
from filings.deadlines import Patience
from filings.lifecycle import TRIP, Cell, TripInput, TripState
from filings.moves import Moves
from filings.progress import arrive
from filings.store import Store
from filings.store import tables as t
from gateway.workers.asker import Asker
from gateway.workers.retrier import Retrier
from gateway.workers.watcher import Watcher
from sandbox.testing import LoopbackCbp
from tests.answers import answer_355, status_so
from tests.filing_kit import TRIP as TRIP_NUMBER
from tests.filing_kit import Desk, loses_the_receipt, parcel, takes, type86
from tests.integration.test_retrying import retry
from tests.system_failure import failed_batch, failed_manifest

SCN = "TSTC00000000001"


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


class Answers:
    """What CBP may say to one 309 with two bills."""

    def __init__(self, desk: Desk, sent: bytes) -> None:
        profile = desk.ctx.profile
        read, accepted = (one.payload for one in LoopbackCbp(desk.now).send(sent))
        isa = sent.decode().split("~")[0].split("*")
        head = [*isa[:5], isa[7], isa[8], isa[5], isa[6], *isa[9:13], "000000777", *isa[14:]]
        ta1 = ["*".join(head), f"TA1*{isa[13]}*{isa[9]}*{isa[10]}*R*024", "IEA*0*000000777"]
        self.by_name: Mapping[str, bytes] = {
            "997 A": read,
            "997 R": read.replace(b"AK5*A", b"AK5*R*5").replace(b"AK9*A", b"AK9*R"),
            "TA1 R": ("~".join(ta1) + "~").encode(),
            "355 A": accepted,
            "355 R": failed_manifest(sent, 9001, desk.now, "NOT LAWFUL"),
            "355 bill R": answer_355(sent, profile, accepted=1, rejected={SCN: ("007", "NO SUCH")}),
            "355 F": failed_manifest(sent, 9002, desk.now),
        }


async def standing(desk: Desk) -> dict[str, Any]:
    """Where the manifest and the bills stand, and which alerts are open, each with whether it names the manifest."""
    (manifest,) = [row for row in await desk.table(t.filings) if row.kind == "manifest"]
    alerts = [one for one in await desk.table(t.alerts) if one.settled_at is None]
    return {
        "manifest": (manifest.state, manifest.accepted_version),
        "bills": sorted({row.manifest_state for row in await desk.table(t.shipments)}),
        "states": sorted({row.state for row in await desk.table(t.shipments)}),
        "alerts": sorted({(one.kind, one.filing_id == manifest.id) for one in alerts}),
    }


CONTRADICTION: Final = [("answers_contradict", True)]
ACCEPTED: Final = {"manifest": ("accepted", 1), "bills": ["accepted"], "states": ["on_file"]}
TOGETHER: Final[Mapping[tuple[str, ...], dict[str, Any]]] = {
    ("997 A", "355 A"): {**ACCEPTED, "alerts": []},
    ("997 R", "355 A"): {**ACCEPTED, "alerts": CONTRADICTION},
    ("TA1 R", "355 A"): {**ACCEPTED, "alerts": CONTRADICTION},
    ("355 R", "355 A"): {**ACCEPTED, "alerts": CONTRADICTION},
    ("997 A", "355 R", "355 A"): {**ACCEPTED, "alerts": CONTRADICTION},
    ("355 F", "355 A"): {**ACCEPTED, "alerts": []},
    ("997 A", "355 F", "355 A"): {**ACCEPTED, "alerts": []},
    ("997 R", "355 R"): {"manifest": ("rejected", None), "bills": ["rejected"], "states": ["rejected"], "alerts": []},
}
"""Answers to one message → where all stands after them, in whichever order and however often they come."""
ORDERS: Final = [(names, order) for names in TOGETHER for order in itertools.permutations(names)]


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize(("names", "order"), ORDERS, ids=[", ".join(order) for _names, order in ORDERS])
async def test_answers_in_any_order_end_in_one_state(
    desk: Desk, names: tuple[str, ...], order: Sequence[str], twice: bool
) -> None:
    """The manifest and its bills stand together; an answer against what is on record is kept and names the filing."""
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    answers = Answers(desk, sent).by_name
    for name in (*order, *(reversed(order) if twice else ())):
        await desk.hear(answers[name])
    assert await standing(desk) == TOGETHER[names]
    assert not await desk.look(lambda conn: awaits_answer(conn, TRIP_NUMBER))  # nothing is owed, so it may be amended
    for _ in range(3):
        desk.later(minutes=10)
        assert await retry(desk) == []
    assert await standing(desk) == TOGETHER[names]
    await desk.check_books()


async def test_a_refused_bill_that_was_accepted_is_raised(desk: Desk) -> None:
    """A second 355 refuses one bill of a manifest that is on file: nothing moves, and somebody asks CBP."""
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    answers = Answers(desk, sent).by_name
    await desk.hear(answers["355 A"], answers["355 bill R"])
    found = await standing(desk)
    assert (found["manifest"], found["bills"]) == (("accepted", 1), ["accepted"])
    assert ("answers_contradict", True) in found["alerts"]


@pytest.mark.parametrize("order", list(itertools.permutations(("yes", "no"))), ids=" ".join)
async def test_an_entry_accepted_and_refused_is_raised(desk: Desk, order: Sequence[str]) -> None:
    """Two SX against each other: the entry is on file, whichever came first, and one alert names it."""
    await desk.file(type86(1))
    manifest, batch = await desk.send()
    await desk.hear(*(one.payload for one in LoopbackCbp(desk.now).send(manifest)))
    said = {"yes": failed_batch(batch, only="none"), "no": failed_batch(batch, "119", "VALUE TOO LOW")}
    await desk.hear(*(said[one] for one in order))
    (entry,) = [row for row in await desk.table(t.filings) if row.kind == "entry"]
    assert (entry.state, entry.accepted_version) == ("accepted", 1)
    assert await desk.states() == {"P-0001": "on_file"}
    alerts = [(one.kind, one.filing_id) for one in await desk.table(t.alerts) if one.settled_at is None]
    assert alerts == [("answers_contradict", entry.id)]


async def test_a_355_that_cannot_be_understood_is_no_answer(desk: Desk) -> None:
    """Its summary does not follow the profile: it is raised and names the manifest, which waits on for its answer."""
    await desk.file(parcel(1))
    (sent,) = await desk.send()
    accepted = Answers(desk, sent).by_name["355 A"]
    start, end = accepted.index(b"~K3*") + 4, accepted.index(b"~SE*")
    await desk.hear(accepted[:start] + b"ALL SEEMS WELL" + accepted[end:])
    found = await standing(desk)
    assert (found["manifest"], found["alerts"]) == (("sent", None), [("answer_unexpected", True)])
    await desk.hear(accepted)
    assert (await standing(desk))["manifest"] == ("accepted", 1)


async def test_one_more_word_on_one_of_several_messages_moves_nothing(filing_store: Store) -> None:
    """All messages of a manifest have their answer: which one another 355 is about nobody knows, so a person asks."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(sent)))
    (other,) = await desk.send()
    await desk.hear(failed_manifest(other, 9001, desk.now, "NOT LAWFUL"))
    before = await standing(desk)
    assert (before["manifest"], before["bills"]) == (("rejected", None), ["accepted", "rejected"])
    await desk.hear(answer_355(sent, desk.ctx.profile))
    assert await standing(desk) == {**before, "alerts": CONTRADICTION}


@pytest.mark.parametrize("first", ["355 F", "997 R"])
async def test_the_message_of_several_that_was_not_judged_is_the_one_that_is_meant(
    filing_store: Store, first: str
) -> None:
    """With all other bills on file, a 355 that nothing waits for is about the message that CBP had not read."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(sent)))
    (other,) = await desk.send()
    read, accepted = (one.payload for one in cbp.send(other))
    refused = read.replace(b"AK5*A", b"AK5*R*5").replace(b"AK9*A", b"AK9*R")
    await desk.hear(failed_manifest(other, 9001, desk.now) if first == "355 F" else refused)
    assert {row.manifest_state for row in await desk.table(t.shipments)} > {"accepted"}
    await desk.hear(accepted)
    assert {row.manifest_state for row in await desk.table(t.shipments)} == {"accepted"}
    assert ("answers_contradict" in await desk.alerts()) is (first == "997 R")
    desk.later(minutes=20)
    assert await retry(desk) == []


async def test_the_last_message_waits_until_a_failed_one_is_judged_after_all(filing_store: Store) -> None:
    """The same bytes reach CBP once more and are taken: then the message that completes the manifest goes."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=2))
    await desk.file(parcel(1), parcel(2), parcel(3))
    (two,) = await desk.send()
    await desk.hear(failed_manifest(two, 9001, desk.now))
    assert await desk.send() == []
    await desk.hear(answer_355(two, desk.ctx.profile, accepted=2))
    (one,) = await desk.send()
    rows = {row.shipment_id: row.manifest_state for row in await desk.table(t.shipments)}
    assert rows == {"P-0001": "accepted", "P-0002": "accepted", "P-0003": "sent"}
    await desk.hear(answer_355(one, desk.ctx.profile, accepted=1))
    assert await standing(desk) == {**ACCEPTED, "alerts": []}


async def test_the_next_message_waits_for_a_failed_one_that_is_in_doubt(filing_store: Store) -> None:
    """While the failed bytes still go out by themselves, nothing else is said about the manifest."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    await desk.file(parcel(1), parcel(2))
    desk.road.plan = [loses_the_receipt, loses_the_receipt, takes]
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(seconds=1)
    assert await desk.send() == [sent]
    desk.later(seconds=2)
    assert await desk.send() == [sent]
    await desk.hear(answer_355(sent, desk.ctx.profile, state="PRELIMINARY"))
    (other,) = await desk.send()
    assert other.count(b"~LX*") == 1


ARRIVALS: Final = [state for state, row in TRIP.items() if row.get(TripInput.ARRIVED, Cell(state)).alert]


@pytest.mark.parametrize("state", ARRIVALS)
async def test_a_truck_that_should_not_be_there_yet_is_raised(desk: Desk, state: TripState) -> None:
    """Wherever the table of trips has an alert for an arrival, it is raised while something aboard is not clear."""
    await desk.file(parcel(1))
    moved = t.trips.update().values(state=state.value)
    await desk.store.write(lambda conn: conn.execute(moved) and None)
    moves, now = Moves(), desk.now
    await desk.store.write(lambda conn: arrive(conn, TRIP_NUMBER, now, moves))
    assert [(one.kind, one.trip_number) for one in moves.alerts] == [
        (TRIP[state][TripInput.ARRIVED].alert, TRIP_NUMBER)
    ]


# ------------------------------------------------------------------------- in doubt, and CBP's system fails


@pytest.mark.parametrize("again", ["before the failure is heard", "after the failure is heard"])
async def test_what_is_in_doubt_is_filed_once_though_the_system_failed(desk: Desk, again: str) -> None:
    """A lost receipt and a failure of CBP's: the same bytes go again and are taken; no second 309 goes out."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    desk.road.plan = [loses_the_receipt, takes]
    (sent,) = await desk.send()
    assert set((await desk.states()).values()) == {"in_doubt"}
    if again.startswith("after"):
        await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(seconds=1)
    assert await desk.send() == [sent]
    if again.startswith("before"):
        await desk.hear(failed_manifest(sent, 9001, desk.now))
    assert (await standing(desk))["manifest"] == ("queued", None)
    await desk.hear(*(one.payload for one in cbp.send(sent)))
    assert await standing(desk) == {**ACCEPTED, "alerts": []}
    for _ in range(4):
        desk.later(minutes=10)
        assert await retry(desk) == []
    assert [(row.made_at is not None, row.made_transmission_id) for row in await desk.table(t.retries)] == [
        (True, None)
    ]
    assert cbp.cbp.store.count("select count(*) from bill") == 2
    await desk.check_books()


async def test_a_new_envelope_waits_for_bytes_that_are_in_doubt(desk: Desk) -> None:
    """The pause of a retry runs from when the bytes reach CBP; where that never shows, it goes after half an hour."""
    await desk.file(parcel(1))
    desk.road.plan = [loses_the_receipt] * 99
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(minutes=20)
    assert await retry(desk) == [sent]  # the old bytes alone
    desk.road.plan = [takes]
    desk.later(minutes=1)
    assert await desk.send() == [sent]
    desk.later(minutes=4)
    assert await retry(desk) == []
    desk.later(minutes=1)
    (again,) = await retry(desk)
    assert (sent[89:100], again[89:100]) == (b"*000000001*", b"*000000002*")


@pytest.mark.parametrize("order", list(itertools.permutations(("997 A", "355 F"))), ids=", ".join)
async def test_a_failed_manifest_goes_again_whichever_answer_comes_first(desk: Desk, order: Sequence[str]) -> None:
    """That CBP could read it is no reason to wait for an answer to what its system has failed over."""
    await desk.file(parcel(1))
    (sent,) = await desk.send()
    answers = Answers(desk, sent).by_name
    await desk.hear(*(answers[one] for one in order))
    assert (await standing(desk))["manifest"] == ("queued", None)
    desk.later(minutes=5)
    assert len(await retry(desk)) == 1


async def test_no_retry_is_made_while_an_answer_waits_to_be_read(desk: Desk) -> None:
    """What has come in may say that CBP has the bytes after all; one that nobody can read holds it up for a while."""
    await desk.file(parcel(1))
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(minutes=5)
    await desk.take_in(Answers(desk, sent).by_name["355 A"])
    assert await retry(desk) == []
    while await desk.reader.turn():
        pass
    assert await standing(desk) == {**ACCEPTED, "alerts": []}
    desk.later(minutes=20)
    assert await retry(desk) == []


async def test_what_comes_in_later_holds_up_no_retry(desk: Desk) -> None:
    """Steady traffic: a retry waits for the files that are there when its time has come, and for no others."""
    await desk.file(parcel(1))
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(minutes=5)
    others = [status_so("XYZ00000015", "TSTC00000000009", "98", desk.now, comment=str(one)) for one in range(2)]
    retrier = Retrier(desk.store, desk.ctx, desk.clock, lambda: None)
    await desk.take_in(others[0])
    await retrier.turn()
    assert await desk.send() == []
    while await desk.reader.turn():
        pass
    desk.later(seconds=1)
    await desk.take_in(others[1])
    await retrier.turn()
    assert len(await desk.send()) == 1


async def test_an_acceptance_is_taken_though_the_retry_was_made_just_before(desk: Desk) -> None:
    """The new envelope is queued and has not left: the 355 is about the bytes that failed."""
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    desk.later(minutes=5)
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    await desk.hear(Answers(desk, sent).by_name["355 A"])
    assert await standing(desk) == {**ACCEPTED, "alerts": []}


async def test_a_receipt_after_the_failure_takes_nothing_out_of_the_queue(desk: Desk) -> None:
    """A batch whose receipt comes after CBP's failure still goes again, entry by entry."""
    await desk.file(type86(1), type86(2))
    desk.road.plan = [takes, loses_the_receipt, takes]
    _manifest, batch = await desk.send()
    await desk.hear(failed_batch(batch))
    desk.later(seconds=1)
    assert await desk.send() == [batch]
    assert [row.state for row in await desk.table(t.filings) if row.kind == "entry"] == ["queued", "queued"]
    desk.later(minutes=5)
    (again,) = await retry(desk)
    assert again.count(b"SE10") == 2


async def test_the_same_bytes_that_fail_twice_go_again_once(desk: Desk) -> None:
    """Two failures over one message are one retry."""
    await desk.file(parcel(1))
    (sent,) = await desk.send()
    await desk.hear(failed_manifest(sent, 9001, desk.now), failed_manifest(sent, 9002, desk.now))
    assert (await standing(desk))["manifest"] == ("queued", None)
    assert len(await desk.table(t.retries)) == 1
    desk.later(minutes=20)
    assert len(await retry(desk)) == 1


async def test_bills_taken_beside_one_that_is_on_file_are_accepted(desk: Desk) -> None:
    """Of bytes that went twice CBP finds one bill on file already and takes the others: those are accepted."""
    await desk.file(parcel(1), parcel(2))
    desk.road.plan = [loses_the_receipt, takes]
    (sent,) = await desk.send()
    desk.later(seconds=1)
    await desk.send()
    rejected = {SCN: ("", "SHIPMENT ALREADY ON FILE")}
    await desk.hear(answer_355(sent, desk.ctx.profile, accepted=1, rejected=rejected))
    rows = {row.shipment_id: row.manifest_state for row in await desk.table(t.shipments)}
    assert rows == {"P-0001": "under_review", "P-0002": "accepted"}
    assert "already_on_file" in await desk.alerts()


# -------------------------------------------------------------------- versions, and one message of several


@pytest.mark.parametrize("kind", ["manifest", "entry"])
async def test_a_retry_sends_the_version_that_failed_or_nothing(desk: Desk, kind: str) -> None:
    """A filing that has been declared anew since does not go again as it was before."""
    await desk.file(type86(1))
    manifest, batch = await desk.send()
    if kind == "manifest":
        await desk.hear(failed_manifest(manifest, 9001, desk.now))
    else:
        await desk.hear(failed_batch(batch))
    raised = t.filings.update().where(t.filings.c.kind == kind).values(version=2)
    await desk.store.write(lambda conn: conn.execute(raised) and None)
    desk.later(minutes=5)
    assert await retry(desk) == []
    assert [row.made_transmission_id for row in await desk.table(t.retries)] == [None]


async def test_a_message_without_an_answer_is_asked_for_though_another_was_refused(filing_store: Store) -> None:
    """A manifest that CBP refused by one message waits for the other one: that is repeated, and a person is told."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    patience = Patience()
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    await desk.hear(failed_manifest(first, 9001, desk.now, "NOT LAWFUL"))
    (second,) = await desk.send()
    desk.later(hours=1, minutes=1)
    asker = Asker(desk.store, desk.ctx, patience, desk.clock, lambda: None, pace=lambda: 0.0)
    await asker.turn()
    assert await desk.send() == [second]
    watcher = Watcher(desk.store, patience, desk.clock, pace=lambda: 0.0)
    await watcher.turn()
    told = [one for one in await desk.table(t.alerts) if one.kind == "answer_overdue"]
    assert [one.trip_number for one in told] == [(await desk.shipment("P-0001")).trip_number]


async def test_a_retry_that_has_not_left_is_withdrawn_when_cbp_has_judged_the_same_bytes(desk: Desk) -> None:
    """CBP's system fails, a retry waits in the outbox, then the first bytes are accepted: nothing goes again."""
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    answers = Answers(desk, sent).by_name
    await desk.hear(answers["355 F"])
    desk.later(minutes=10)
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    assert [row.state for row in await desk.outgoing("309")] == ["delivered", "queued"]
    await desk.hear(answers["355 A"])
    assert await standing(desk) == {**ACCEPTED, "alerts": []}
    assert [(row.state, row.answered_at) for row in await desk.outgoing("309")][1] == ("withdrawn", desk.now)
    (first, second) = await desk.outgoing("309")
    (told,) = (await desk.board())["withdrawn_files"]
    assert (told["transmission"], told["name"], told["same_as"]) == (second.id, second.name, first.name)
    assert told["text"].startswith(f"{second.name} was withdrawn before it left")
    steps = await desk.look(lambda conn: queries.timeline(conn, TRIP_NUMBER))
    assert [one["transmission"] for one in steps if one["what"] == "withdrawn"] == [second.id]
    for _ in range(2):
        assert await desk.send() == []
        desk.later(minutes=10)
    await desk.check_books()


async def test_a_retry_that_was_never_made_is_not_said_to_go_again(desk: Desk) -> None:
    """CBP's system fails, then the first bytes are accepted before the retry is made: the timeline says so."""
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    answers = Answers(desk, sent).by_name
    await desk.hear(answers["355 F"])
    await desk.hear(answers["355 A"])
    steps = await desk.look(lambda conn: queries.timeline(conn, TRIP_NUMBER))
    (again,) = [one["text"] for one in steps if one["what"] == "again"]
    assert again.endswith("which CBP could not process, need not go again")
    assert (await desk.board())["withdrawn_files"] == []
