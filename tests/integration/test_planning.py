"""From a filed trip to messages in the outbox: step by step, whatever comes between the steps."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from filings import archive, planning, queries, requesting
from filings.context import Limits
from filings.planned_work import Known
from filings.store import Store
from filings.store import tables as t
from mappings.handoff import check_xml
from mappings.rule_overlay import Overlay
from sandbox.testing import LoopbackCbp
from schemas.catair import read_batches
from schemas.errors import Conflict, FormatError, NotFound, Problem
from schemas.x12 import read_interchange
from tests import samples
from tests.filing_kit import BROKER, CONTEXT, START, TRIP, Crash, Desk, formal, informal, parcel, review, type86

SMALL = Limits(bills_per_manifest=2, entries_per_transmission=2, handoffs_per_step=1)


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """An empty desk on each engine."""
    return Desk(filing_store)


async def payload(desk: Desk, row: Any) -> bytes:
    """The bytes of a queued transmission."""
    kept = await desk.look(lambda conn: archive.read(conn, row.archive_position))
    assert kept is not None
    return kept.entry.body


async def bills(desk: Desk) -> list[list[str]]:
    """Bill numbers in each 309, oldest first."""
    found = []
    for row in await desk.outgoing("309"):
        segments = read_interchange(await payload(desk, row), desk.ctx.profile).segments
        found.append([one.element(12) + one.element(1) for one in segments if one.id == "M11"])
    return found


async def step(desk: Desk) -> planning.Made:
    """The next step, made and not stored."""
    work = await desk.look(lambda conn: planning.next_work(conn, desk.ctx, TRIP))
    assert work is not None
    numbered = await desk.store.write(lambda conn: planning.numbers_for(conn, desk.ctx, work))
    return planning.make(desk.ctx, numbered, desk.now)


async def keep(desk: Desk, made: planning.Made) -> bool:
    """Store a step that was made."""
    return await desk.store.write(lambda conn: planning.store(conn, desk.ctx, made, desk.now))


async def filed_by_hand(desk: Desk, *, handing_on: bool) -> list[tuple[str, bytes]]:
    """A trip planned to its end, each step given what the one before knew or nothing; what was written, by name."""
    await desk.put_trip()
    await desk.stage(parcel(1), type86(2), informal(3), formal(4), review(5), informal(6))
    await desk.request()
    known: Known | None = None
    while True:
        work = await desk.look(partial(planning.next_work, ctx=desk.ctx, trip_number=TRIP, known=known))
        if work is None:
            return [(row.name, await payload(desk, row)) for row in await desk.outgoing()]
        assert (work.known is not None) is (handing_on and work.stage != "decide")
        numbered = await desk.store.write(partial(planning.numbers_for, ctx=desk.ctx, work=work))
        made = planning.make(desk.ctx, numbered, desk.now)
        assert await keep(desk, made)
        known = made.known if handing_on else None


# ------------------------------------------------------------------------------------- asking for it


async def test_filing_is_asked_for_once(desk: Desk) -> None:
    """The first request counts the shipments by pathway, the second says that it was asked before."""
    await desk.put_trip()
    await desk.stage(parcel(1), parcel(2), type86(3), review(4))
    first, second = await desk.request(), await desk.request()
    assert (first.shipments, first.already) == (4, False)
    assert first.by_pathway == {"section321": 2, "type86": 1, "review": 1}
    assert (second.shipments, second.already) == (4, True)
    await desk.plan()
    assert (await desk.request()).already
    assert len(await desk.outgoing("309")) == 1
    assert len([row for row in await desk.table(t.archive_entries) if row.name == "file_trip"]) == 1


async def test_what_cannot_be_filed(desk: Desk) -> None:
    """An unknown trip is not found, an empty one is a conflict and stays open for shipments."""
    with pytest.raises(NotFound):
        await desk.request()
    await desk.put_trip()
    with pytest.raises(Conflict) as refused:
        await desk.request()
    assert refused.value.problems[0].code == "trip_empty"
    assert (await desk.stage(parcel(1)))[0].accepted


# ------------------------------------------------------------------------------------------ the steps


async def test_every_stage_leaves_what_the_next_one_needs(desk: Desk) -> None:
    """Decide, manifest, entries, handoffs, done: each step has its effect and no other one."""
    await desk.put_trip()
    await desk.stage(parcel(1), type86(2), informal(3), formal(4), review(5))
    await desk.request()
    seen = []
    while (row := (await desk.table(t.trips))[0]).plan_stage != "done":
        filings = sorted(one.kind for one in await desk.table(t.filings))
        out = [one.application for one in await desk.outgoing()]
        numbers = sum(1 for one in await desk.table(t.shipments) if one.entry_number)
        seen.append((row.plan_stage, row.state, filings, out, numbers))
        await desk.planner.turn()
    declared = ["entry", "entry", "handoff", "manifest"]
    assert seen == [
        ("decide", "filing", [], [], 0),
        ("manifest", "filing", declared, [], 0),
        ("entries", "filing", declared, ["309"], 0),
        ("entries", "filing", declared, ["309", "SE"], 2),
        ("handoffs", "filing", declared, ["309", "SE"], 2),
        ("handoffs", "filing", declared, ["309", "SE"], 2),
    ]
    assert row.rule_book_version == CONTEXT.rules.version
    states = {one.kind: one.state for one in await desk.table(t.filings)}
    assert states == {"entry": "queued", "handoff": "ready", "manifest": "queued"}
    assert (await desk.states())["P-0004"] == "handed_off"
    await desk.check_books()


async def test_review_shipments_are_not_on_the_manifest(desk: Desk) -> None:
    """A shipment that waits for a person rides in no message and stops the truck; the others are filed."""
    await desk.file(parcel(1), review(2), parcel(3))
    assert await bills(desk) == [["TSTC00000000001", "TSTC00000000003"]]
    board = await desk.board()
    assert (board["decision"], [one["shipment_id"] for one in board["blocking"]]) == ("no_go", ["P-0002"])
    assert (await desk.shipment("P-0002")).manifest_state == "none"
    assert [event.type for event in await desk.told("trip.blocked")] == ["trip.blocked"]


async def test_a_trip_with_only_review_shipments_sends_nothing(desk: Desk) -> None:
    """Nothing can be declared: no message, no filing, and the trip is blocked."""
    await desk.file(review(1), review(2))
    assert await desk.outgoing() == []
    assert await desk.table(t.filings) == []
    assert (await desk.table(t.trips))[0].state == "blocked"


async def test_a_manifest_above_the_limit_goes_in_several_messages(filing_store: Store) -> None:
    """Each 309 has its own number and at most the limit of bills; all but the last are preliminary."""
    desk = Desk(filing_store, limits=SMALL)
    await desk.file(*(parcel(number) for number in range(1, 6)))
    assert [len(one) for one in await bills(desk)] == [2, 2, 1]
    rows = await desk.outgoing("309")
    assert len({row.control_number for row in rows}) == 3
    kinds = []
    for row in rows:
        read = read_interchange(await payload(desk, row), desk.ctx.profile)
        kinds.append(next(one.element(9) for one in read.segments if one.id == "M10"))
    assert kinds == ["P", "P", "W"]
    assert len({one.manifest_filing_id for one in await desk.table(t.shipments)}) == 1


async def test_the_next_309_waits_for_the_answer_to_the_one_before(filing_store: Store) -> None:
    """One 309 of a trip is out at a time: a receipt lets none go, a 355 lets the next one go."""
    desk = Desk(filing_store, limits=SMALL)
    await desk.file(*(parcel(number) for number in range(1, 6)))
    cbp = LoopbackCbp(desk.now)
    for number in (1, 2, 3):
        (sent,) = await desk.send()
        assert await desk.send() == []
        syntax, business = cbp.send(sent)
        assert (syntax.kind, business.kind) == ("997", "355")
        await desk.hear(syntax.payload)
        assert await desk.send() == []
        await desk.hear(business.payload)
        on_file = sum(1 for state in (await desk.states()).values() if state == "on_file")
        assert on_file == min(2 * number, 5)
        manifest = (await desk.table(t.filings))[0]
        assert manifest.state == ("accepted" if number == 3 else "sent")
    assert (await desk.board())["decision"] == "go"
    await desk.check_books()


async def test_entries_go_in_batches(filing_store: Store) -> None:
    """At most the limit of entries in a file, each with its own number, all of one trip in manifest order."""
    desk = Desk(filing_store, limits=SMALL)
    await desk.file(parcel(1), *(type86(number) for number in range(2, 7)))
    found = []
    for row in await desk.outgoing("SE"):
        file = read_batches(await payload(desk, row))
        assert file.errors == []
        blocks = [block for batch in file.batches for block in batch.blocks]
        found.append([one.records[0].record.text("entry_number") for block in blocks for one in block.transactions])
    assert [len(one) for one in found] == [2, 2, 1]
    rows = await desk.table(t.shipments, t.shipments.c.position)
    assert [number for batch in found for number in batch] == [row.entry_number[3:] for row in rows[1:]]
    assert len({row.control_number for row in await desk.outgoing("SE")}) == 3


# ---------------------------------------------------------------------------------- crashes and rivals


async def test_numbers_lost_in_a_crash_are_not_used_again(desk: Desk) -> None:
    """A crash between drawing numbers and storing the messages loses the numbers; the next try has others."""
    await desk.put_trip()
    await desk.stage(type86(1), type86(2))
    await desk.request()
    await desk.planner.turn()
    lost = await step(desk)  # manifest, never stored
    await desk.planner.turn()
    lost_entries = await step(desk)
    await desk.plan()
    assert [row.control_number for row in await desk.outgoing("309")] != [lost.drafts[0].control_number]
    used = {row.entry_number for row in await desk.table(t.shipments)}
    assert len(used) == 2
    assert used.isdisjoint(lost_entries.entry_numbers)
    assert len(await desk.outgoing()) == 2


@pytest.mark.parametrize("stage", ["decide", "manifest", "entries", "handoffs"])
async def test_a_step_that_somebody_else_did_is_not_done_twice(desk: Desk, stage: str) -> None:
    """The same step made by two planners is stored once; the second one is told and changes nothing."""
    await desk.put_trip()
    await desk.stage(type86(1), formal(2))
    await desk.request()
    while (await desk.table(t.trips))[0].plan_stage != stage:
        await desk.planner.turn()
    mine, theirs = await step(desk), await step(desk)
    assert await keep(desk, theirs)
    before = [await desk.table(one) for one in (t.trips, t.shipments, t.filings, t.transmissions, t.events)]
    assert not await keep(desk, mine)
    assert [await desk.table(one) for one in (t.trips, t.shipments, t.filings, t.transmissions, t.events)] == before
    await desk.plan()
    assert len(await desk.outgoing()) == 2
    assert len(await desk.table(t.filings)) == 3
    await desk.check_books()


async def test_a_crash_while_storing_leaves_the_step_to_be_done_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step writes is one transaction: after a crash in its middle nothing of it is there."""
    await desk.put_trip()
    await desk.stage(type86(1))
    await desk.request()
    await desk.planner.turn()

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(planning, "queue", crash)
        with pytest.raises(Crash):
            await desk.planner.turn()
    assert await desk.outgoing() == []
    assert all(row.used_on is None for row in await desk.table(t.scn_ledger))
    await desk.plan()
    assert [row.application for row in await desk.outgoing()] == ["309", "SE"]


async def test_control_numbers_of_bills_are_used_with_the_first_bytes(desk: Desk) -> None:
    """A shipment control number is reserved while staged and taken for three years when its manifest is queued."""
    await desk.put_trip()
    await desk.stage(parcel(1), review(2))
    assert {row.used_on for row in await desk.table(t.scn_ledger)} == {None}
    await desk.request()
    await desk.plan()
    ledger = {row.scn: row.free_after for row in await desk.table(t.scn_ledger)}
    assert str(ledger["TSTC00000000001"]) == "2028-03-10"
    assert ledger["TSTC00000000002"] is None


# -------------------------------------------------------------------------------- the final judgement


async def test_what_does_not_fit_in_the_end_goes_to_review(desk: Desk) -> None:
    """A shipment whose pathway changes at filing and then fits no message waits for a person; the others are filed."""
    person = {**samples.shipment()["consignee"], "name": "A Person With A Name Of More Than Thirty-Five Letters"}
    await desk.put_trip()
    answers = await desk.stage(parcel(1), parcel(2, consignee=person), parcel(3))
    assert [one.pathway for one in answers] == ["section321"] * 3
    desk.now = datetime(2025, 9, 2, 14, 0, tzinfo=UTC)
    await desk.put_trip(estimated_arrival="2025-09-02T16:30:00-04:00")  # the exemption has ended meanwhile
    await desk.request()
    await desk.plan()
    rows = await desk.table(t.shipments, t.shipments.c.position)
    assert [row.pathway for row in rows] == ["informal", "review", "informal"]
    assert (rows[1].state, rows[1].entry_type) == ("in_review", "")
    assert [need["path"] for need in rows[1].decision["needs"] if need["code"] == "too_long"] == ["consignee.name"]
    assert await bills(desk) == [["TSTC00000000001", "TSTC00000000003"]]
    assert [row.entry_number is not None for row in rows] == [True, False, True]
    assert await desk.table(t.day_ledger) == []


async def test_a_trip_that_cannot_be_planned_is_told_and_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults found only while writing are raised to a person once; trips behind it are filed all the same."""
    other = "TSTC2503100002"
    await desk.put_trip()
    await desk.stage(parcel(1))
    await desk.request()
    desk.later(seconds=1)
    await desk.put_trip(trip_number=other)
    await desk.stage(parcel(2), trip=other)
    await desk.request(other)
    made = planning.make

    def fail_for_first(ctx: Any, work: planning.Work, now: Any) -> planning.Made:
        if work.trip.trip_number == TRIP:
            raise FormatError(Problem("too_long", "trip.crew[0].last_name", "It is too long."))
        return made(ctx, work, now)

    monkeypatch.setattr(planning, "make", fail_for_first)
    await desk.plan()
    assert await desk.alerts() == ["trip_not_plannable"]
    assert [row.trip_number for row in await desk.outgoing("309")] == [other]
    board = await desk.board()
    assert (board["decision"], board["alerts"][0]["kind"]) == ("wait", "trip_not_plannable")


async def test_a_trip_that_breaks_the_planner_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody foresaw in one trip goes up to be logged, after the other trips had their turn."""
    other = "TSTC2503100002"
    for number, trip in enumerate((TRIP, other), 1):
        await desk.put_trip(trip_number=trip)
        await desk.stage(parcel(number), trip=trip)
        await desk.request(trip)
        desk.later(seconds=1)
    made = planning.make

    def break_for_first(ctx: Any, work: planning.Work, now: Any) -> planning.Made:
        if work.trip.trip_number == TRIP:
            raise ZeroDivisionError
        return made(ctx, work, now)

    monkeypatch.setattr(planning, "make", break_for_first)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await desk.planner.turn()
    assert (await desk.board(other))["planning"] == "done"


async def test_stuck_trips_leave_room_for_the_others(desk: Desk) -> None:
    """However many trips wait for a person, one behind them is found."""
    trips = [f"TSTC25031{number:05d}" for number in range(12)]
    for number, trip in enumerate(trips):
        await desk.put_trip(trip_number=trip)
        await desk.stage(parcel(number), trip=trip)
        await desk.request(trip)
        desk.later(seconds=1)
    found = await desk.look(lambda conn: planning.trips_to_plan(conn, without=set(trips[:11])))
    assert found == [trips[11]]
    assert await desk.look(planning.trips_to_plan) == trips[:10]


async def test_a_truck_that_arrives_while_its_filings_are_made_stays_arrived(desk: Desk) -> None:
    """CBP's word that the truck is there is not overwritten when the last step of planning ends."""
    await desk.put_trip()
    await desk.stage(parcel(1), formal(2))
    await desk.request()
    for _ in range(3):  # decide, manifest, entries
        await desk.planner.turn()
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    # The sandbox says 1C; that the conveyance has arrived is a disposition of its own (CAMIR Appendix D, 19).
    (released,) = [one for one in cbp.arrive(TRIP) if one.kind == "350" and b"1C" in one.payload]
    await desk.hear(released.payload.replace(b"*1C*", b"*19*"))
    assert (await desk.table(t.trips))[0].state == "arrived"
    await desk.plan()
    (row,) = await desk.table(t.trips)
    assert (row.plan_stage, row.state) == ("done", "arrived")


# ------------------------------------------------------------------------------------------- handoffs


async def test_handoff_packages_can_be_opened(filing_store: Store) -> None:
    """Each package is a readable zip whose XML is valid by the published schema; one is made per step."""
    desk = Desk(filing_store, limits=SMALL)
    await desk.file(formal(1), parcel(2), formal(3))
    filings = [row for row in await desk.table(t.filings, t.filings.c.id) if row.kind == "handoff"]
    assert [row.state for row in filings] == ["ready", "ready"]
    for row in filings:
        name, package = await desk.look(lambda conn, one=row.id: queries.handoff_package(conn, one))
        assert name == f"handoff-{row.scn}.zip"
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            assert opened.testzip() is None
            assert {"handoff.xml", "invoice.pdf", "shipment.json", "README.txt"} <= set(opened.namelist())
            document = opened.read("handoff.xml")
        assert row.scn in document.decode()
        assert check_xml(document) == ()
    assert [event.subject for event in await desk.told("handoff.ready")] == [row.scn for row in filings]
    with pytest.raises(NotFound):
        await desk.look(lambda conn: queries.handoff_package(conn, "TSTC00000000002"))


async def test_a_password_stays_out_of_what_is_shown() -> None:
    """The context can be logged: neither its text nor that of a queued file holds the communication password."""
    secret = replace(CONTEXT, sender=replace(CONTEXT.sender, password="SECRET"))
    assert "SECRET" not in repr(secret)
    assert START.tzinfo is not None


async def test_filing_late_is_told_and_can_be_forbidden(desk: Desk) -> None:
    """Inside the last hour the filing is taken with a warning; a filer who sets the check to error is refused."""
    arrival = desk.now + timedelta(minutes=40)
    await desk.put_trip(estimated_arrival=arrival.isoformat())
    await desk.stage(parcel(1))
    strict = desk.ctx.rules.with_overlay(Overlay(severity={"one-hour-rule": "error"}))

    with pytest.raises(Conflict) as refused:
        await desk.store.write(
            lambda conn: requesting.request_filing(conn, TRIP, actor=BROKER, now=desk.now, advice=strict.advice)
        )
    receipt = await desk.request()

    assert [one.code for one in refused.value.problems] == ["one_hour_rule"]
    assert [(one.code, one.severity) for one in receipt.warnings] == [("one_hour_rule", "warning")]


async def test_one_description_under_two_numbers_is_told_when_staged(desk: Desk) -> None:
    """Two shipments of a trip with the same words under different HTS numbers: the second is told, none is refused."""
    await desk.put_trip()
    first, second = parcel(1), parcel(2)
    second["lines"] = [{**second["lines"][0], "hts": "6110202079"}]
    first["lines"] = [{**first["lines"][0], "hts": "6109100012"}]

    answers = await desk.stage(first, second)

    told = [[one.code for one in answer.problems if one.code == "same_description_other_hts"] for answer in answers]
    assert all(answer.accepted for answer in answers)
    assert told == [[], ["same_description_other_hts"]]


async def test_what_is_handed_on_writes_the_same(tmp_path: Path) -> None:
    """Whether a step reads its shipments from the store or is given them by the one before: the bytes are equal."""
    written = []
    for handing_on in (False, True):
        async with await Store.open(str(tmp_path / f"{handing_on}.db")) as store:
            written.append(await filed_by_hand(Desk(store, limits=SMALL), handing_on=handing_on))
    assert written[0] == written[1]
    assert [name.split("-")[0] for name, _ in written[0]] == ["309", "309", "309", "SE", "SE"]


async def test_what_was_known_of_another_version_is_not_used(desk: Desk) -> None:
    """What a step handed on before the trip became another is left, and the store is read."""
    await desk.put_trip()
    await desk.stage(parcel(1), informal(2))
    await desk.request()
    made = await step(desk)
    assert await keep(desk, made)
    known = made.known
    assert known is not None
    for other in (
        replace(known, version=known.version + 1),
        replace(known, judged={key: one for key, one in known.judged.items() if one is not made.judged[0]}),
    ):
        work = await desk.look(lambda conn, other=other: planning.next_work(conn, desk.ctx, TRIP, other))
        assert work is not None
        assert work.known is None
        assert len(work.shipments) == 2
