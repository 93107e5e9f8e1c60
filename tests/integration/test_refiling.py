"""When a rule's date passes: trips under way are judged again, what has lapsed blocks them, one command mends it."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from filings import archive, queries, refiling, rejudging, trips
from filings.store import Store
from filings.store import tables as t
from gateway.cli.board import next_step
from gateway.cli.follow import answered
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict, ShipmentError
from tests.filing_kit import (
    BROKER,
    TRIP,
    Answering,
    Desk,
    formal,
    informal,
    is_away,
    loses_the_receipt,
    marked,
    parcel,
    review,
    takes,
    type86,
)

CUT = datetime(2025, 8, 29, 4, 1, tzinfo=UTC)
"""2025-08-29 00:01 Eastern time: the exemption ends."""
PLANNED = "2025-08-28T23:30:00-04:00"


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on the evening before the exemption ends."""
    made = Desk(filing_store)
    made.now = CUT - timedelta(hours=3)
    return made


def cbp_of(desk: Desk) -> LoopbackCbp:
    """A CBP with the desk's clock; the truck comes when told, and may be later than it was expected."""
    from sandbox.settings import Behaviour

    conduct = Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=30, eta_in_future="warn")
    return LoopbackCbp(desk.now, behaviour=conduct)


async def filed(desk: Desk, cbp: LoopbackCbp, *raws: Any) -> None:
    """The trip of that evening, filed and answered."""
    await desk.put_trip(estimated_arrival=PLANNED)
    assert all(one.accepted for one in await desk.stage(*raws))
    await desk.request()
    await desk.plan()
    await desk.exchange(cbp)


async def pass_the_cut(desk: Desk, cbp: LoopbackCbp, minutes: float = 2) -> None:
    """Both clocks go past the minute; what CBP says meanwhile is heard."""
    moved = CUT + timedelta(minutes=minutes) - desk.now
    desk.later(seconds=moved.total_seconds())
    await desk.hear(*(one.payload for one in cbp.set_clock(desk.now.isoformat())))


async def let_cbp_think(desk: Desk, cbp: LoopbackCbp, minutes: float = 2) -> None:
    """Both clocks go on, and what becomes due at CBP is heard."""
    desk.later(minutes=minutes)
    await desk.hear(*(one.payload for one in cbp.advance(minutes=minutes)))


async def test_nothing_is_judged_again_before_the_minute(desk: Desk) -> None:
    """One second before the cut nothing is due; at the minute the trip is, once, and is blocked by name."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2), informal(3))
    assert (await desk.board())["decision"] == "go"
    desk.now = CUT - timedelta(seconds=1)
    before = await desk.states()
    await desk.rejudge()  # midnight has passed: people's days are counted anew, and nothing lapses
    assert await desk.states() == before
    desk.now = CUT
    assert await desk.rejudge() == 1
    assert await desk.rejudge() == 0
    assert await desk.states() == {"P-0001": "lapsed", "P-0002": "lapsed", "P-0003": "on_file"}
    board = await desk.board()
    assert (board["state"], board["decision"], board["lapsed"]) == ("blocked", "no_go", 2)
    why = {one["shipment_id"]: one["why"] for one in board["blocking"]}
    assert set(why) == {"P-0001", "P-0002"}
    assert "deny-all-countries-eo14324" in why["P-0001"]
    assert "informal (entry type 11)" in why["P-0001"]
    assert f"gateway refile {TRIP}" in why["P-0001"]
    told = (await desk.told("trip.blocked"))[-1]
    assert [one["shipment_id"] for one in told.data["blocking"]] == ["P-0001", "P-0002"]
    assert "pathway_lapsed" in await desk.alerts()
    await desk.check_books()


async def test_the_record_is_kept(desk: Desk) -> None:
    """The archive has the instant, the version and, where it differs, the whole decision."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), informal(2))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    row = (await desk.table(t.trips))[0]
    assert (row.judged_at, row.rule_book_version) == (desk.now, desk.ctx.rules.version)
    entries = [one for one in await desk.table(t.archive_entries) if one.name.startswith("judged again")]
    assert entries[-1].name.endswith("1 lapsed, 1 kept") or entries[-1].name.endswith("1 kept, 1 lapsed")
    kept = await desk.look(lambda conn: archive.read(conn, entries[-1].position))
    assert kept is not None
    assert desk.now.isoformat().encode() in kept.entry.body
    assert b'"pathway":"informal"' in kept.entry.body


async def test_one_command_mends_it(desk: Desk) -> None:
    """The bill is amended, the entry cancelled, new entries filed, all released; versions and numbers are kept."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2), informal(3))
    old = (await desk.shipment("P-0002")).entry_number
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    shown = await desk.look(lambda conn: refiling.preview(conn, TRIP, now=desk.now))
    assert (shown.as_dict()["bills"], shown.as_dict()["entries"]) == (
        {"replace": 1, "add": 0, "delete": 0},
        {"cancelled": 1, "filed": 2},
    )
    assert len(await desk.outgoing()) == 2
    begun = await desk.refile()
    assert begun.as_dict()["pathways"] == {"informal": 2}
    assert [row.application for row in await desk.outgoing()] == ["309", "SE", "309", "SE", "SE"]
    assert (await desk.board())["decision"] == "wait"
    await desk.exchange(cbp)
    states = await desk.states()
    assert set(states.values()) == {"on_file"}
    board = await desk.board()
    assert (board["state"], board["decision"], board["lapsed"]) == ("clear", "go", 0)
    assert board["pathways"] == {"informal": 3}
    await let_cbp_think(desk, cbp)
    filings = {(row.kind, row.entry_type, row.state) for row in await desk.table(t.filings)}
    assert filings == {("manifest", None, "accepted"), ("entry", "86", "cancelled"), ("entry", "11", "accepted")}
    new = (await desk.shipment("P-0002")).entry_number
    assert new != old
    versions = {(row.version, row.content.get("action")) for row in await desk.table(t.filing_versions)}
    assert {(1, None), (2, None), (2, "D")} <= versions
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    await let_cbp_think(desk, cbp)
    assert set((await desk.states()).values()) == {"released"}
    assert await desk.rejudge() == 1
    assert await desk.rejudge() == 0
    assert "arrived_under_other_law" not in await desk.alerts()
    assert "filing.amended" in {one.type for one in await desk.told()}
    assert "pathway_lapsed" not in await desk.alerts()
    await desk.check_books()


@pytest.mark.parametrize("way", [is_away, loses_the_receipt])
async def test_a_new_entry_does_not_overtake_the_cancellation_of_the_old_one(desk: Desk, way: Answering) -> None:
    """CBP may not have the cancellation yet: the entry that takes the other's place waits until it surely has it."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, type86(1))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    await desk.refile()
    desk.road.plan = [lambda road, file: (way if b"SE10D" in file.body else takes)(road, file)] * 99
    went = len(desk.road.sent)
    for _ in range(3):
        await desk.send()
        desk.later(minutes=1)
    assert not any(b"SE10A" in payload for payload in desk.road.sent[went:])
    desk.road.plan.clear()
    (cancellation, entry) = [payload for payload in await desk.send() if payload[:1] == b"A"]
    assert (b"SE10D" in cancellation, b"SE10A" in entry) == (True, True)


async def test_without_it_cbp_releases_nothing_that_lapsed(desk: Desk) -> None:
    """A truck that comes after the minute without being refiled: nothing lapsed is released, and an alert says so."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2), informal(3))
    await pass_the_cut(desk, cbp)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    await let_cbp_think(desk, cbp)
    states = await desk.states()
    assert states["P-0003"] == "released"
    assert "released" not in {states["P-0001"], states["P-0002"]}
    assert await desk.rejudge() == 1
    assert "arrived_under_other_law" in await desk.alerts()
    assert "lapsed" not in (await desk.states()).values()
    with pytest.raises(Conflict) as refused:
        await desk.refile()
    assert refused.value.problems[0].code == "trip_arrived"


async def test_arrived_before_the_minute_is_not_touched(desk: Desk) -> None:
    """A truck that came in time is judged for the record and changes nothing, however late we look."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2))
    desk.later(hours=2)
    cbp.set_clock(desk.now.isoformat())
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    await pass_the_cut(desk, cbp)
    assert await desk.rejudge() == 1
    assert set((await desk.states()).values()) == {"released"}
    assert await desk.rejudge() == 0
    assert "arrived_under_other_law" not in await desk.alerts()
    board, scn = await desk.board(), str((await desk.shipment("P-0002")).scn)
    decided = (await desk.look(lambda conn: queries.filing(conn, scn)))["decided_by"]
    assert decided["judged_for"] == board["judged_for"] == board["arrived_at"]
    assert decided["decided_for"] != decided["judged_for"]


async def test_a_changed_arrival_is_judged_at_once_and_back(desk: Desk) -> None:
    """A truck expected after the minute lapses long before it; expected before it again, it is lawful again."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), informal(2))

    async def expect(at: datetime) -> dict[str, Any]:
        return await desk.store.write(lambda conn: trips.change_arrival(conn, TRIP, at, actor=BROKER, now=desk.now))

    assert (await expect(CUT + timedelta(hours=1)))["changed"]
    assert await desk.rejudge() == 1
    assert (await desk.states())["P-0001"] == "lapsed"
    assert (await desk.board())["estimated_arrival"] == (CUT + timedelta(hours=1)).isoformat()
    await expect(CUT - timedelta(minutes=1))
    assert await desk.rejudge() == 1
    assert (await desk.states())["P-0001"] == "on_file"
    assert (await desk.board())["decision"] == "go"
    assert "pathway_lapsed" not in await desk.alerts()
    assert not (await expect(CUT - timedelta(minutes=1)))["changed"]


async def test_what_needs_a_broker_comes_off_the_truck(desk: Desk) -> None:
    """Offered a review, a shipment's bill is deleted and it blocks the trip by name."""
    cbp = cbp_of(desk)
    nobody = parcel(1, importer_of_record=None)  # an informal entry needs an importer of record
    await filed(desk, cbp, nobody, parcel(2))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    offered = {row.shipment_id: row.lapse["pathway"] for row in await desk.table(t.shipments)}
    assert offered == {"P-0001": "review", "P-0002": "informal"}
    begun = await desk.refile()
    assert begun.as_dict()["off_the_truck"] == ["P-0001"]
    await desk.exchange(cbp)
    assert await desk.states() == {"P-0001": "in_review", "P-0002": "on_file"}
    board = await desk.board()
    assert (board["decision"], [one["shipment_id"] for one in board["blocking"]]) == ("no_go", ["P-0001"])
    assert "answer_unexpected" not in await desk.alerts()


async def test_asked_twice_it_is_done_once(desk: Desk) -> None:
    """A second request while the first is being made says so; a later one has nothing to do."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()

    async def ask() -> refiling.Refiling:
        return await desk.store.write(lambda conn: refiling.request(conn, desk.ctx, TRIP, actor=BROKER, now=desk.now))

    assert not (await ask()).already
    assert (await ask()).already
    await desk.plan()
    await desk.exchange(cbp)
    with pytest.raises(Conflict) as refused:
        await ask()
    assert refused.value.problems[0].code == "nothing_lapsed"
    assert len(await desk.outgoing("309")) == 2


async def test_an_amendment_waits_for_the_answer_to_what_went_before(desk: Desk) -> None:
    """While CBP owes an answer to the manifest, what it has on file is not known: refiling is refused for now."""
    cbp = cbp_of(desk)
    await desk.put_trip(estimated_arrival=PLANNED)
    await desk.stage(parcel(1))
    await desk.request()
    await desk.plan()
    sent = await desk.send()
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    assert (await desk.states())["P-0001"] == "lapsed"
    with pytest.raises(Conflict) as refused:
        await desk.refile()
    assert refused.value.problems[0].code == "answer_awaited"
    for payload in sent:  # CBP's clock has passed too: it refuses the bill
        await desk.hear(*(one.payload for one in cbp.send(payload)))
    begun = await desk.refile()
    assert begun.as_dict()["bills"]["add"] == 1
    await desk.exchange(cbp)
    assert (await desk.states())["P-0001"] == "on_file"


async def test_a_late_answer_to_the_old_entry_does_not_reach_the_new_one(desk: Desk) -> None:
    """SO on the cancelled type 86 entry is kept with that filing; the shipment stays on file by its new entry."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, type86(1))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    await desk.refile()
    await desk.exchange(cbp)
    await let_cbp_think(desk, cbp, minutes=10)  # SO 23 for the old entry
    assert (await desk.states())["P-0001"] == "on_file"
    old = next(row for row in await desk.table(t.filings) if row.entry_type == "86")
    assert old.state == "cancelled"
    said = [row.meaning for row in await desk.table(t.outcomes) if row.filing_id == old.id]
    assert "cancelled" in said


async def test_held_goods_lapse_too_and_stay_held(desk: Desk) -> None:
    """A hold placed before stays after refiling: it is about the goods, not about the declaration."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    scn = (await desk.shipment("P-0001")).scn
    cbp.cbp.hold(scn, cbp.now)
    await desk.hear(*(one.payload for one in cbp.collect()))
    assert (await desk.states())["P-0001"] == "held"
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    assert (await desk.shipment("P-0001")).lapse["pathway"] == "informal"
    await desk.refile()
    await desk.exchange(cbp)
    assert (await desk.states())["P-0001"] == "held"


async def test_every_step_may_be_repeated_after_a_crash(desk: Desk) -> None:
    """A process that dies before a commit loses control numbers and nothing else; what is sent is sent once."""

    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2), informal(3))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    now = desk.now
    await desk.store.write(lambda conn: refiling.request(conn, desk.ctx, TRIP, actor=BROKER, now=now))
    await desk.makes_despite_crashes()
    assert len(await desk.outgoing()) == 5
    await desk.exchange(cbp)
    assert set((await desk.states()).values()) == {"on_file"}
    await desk.check_books()


async def test_a_trip_that_moved_on_is_not_overwritten(desk: Desk) -> None:
    """Two processes judge the same trip: the second finds that it has been done."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    await pass_the_cut(desk, cbp)
    now = desk.now
    work = await desk.look(lambda conn: rejudging.read_work(conn, TRIP, now))
    assert work is not None
    made = rejudging.make(desk.ctx, work)
    assert await desk.store.write(lambda conn: rejudging.store(conn, desk.ctx, made, now))
    assert not await desk.store.write(lambda conn: rejudging.store(conn, desk.ctx, made, now))


async def test_another_rule_book_is_asked_for_once(desk: Desk) -> None:
    """A trip under way that was judged by another version is due when a process starts."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), formal(2), review(3))
    assert await desk.look(lambda conn: rejudging.due(conn, desk.now)) == []
    assert await desk.look(lambda conn: rejudging.due(conn, desk.now, installed="another")) == [TRIP]
    assert await desk.look(lambda conn: rejudging.due(conn, desk.now, installed=desk.ctx.rules.version)) == []


async def test_a_refused_entry_is_not_cancelled(desk: Desk) -> None:
    """An entry that CBP has refused needs no cancellation; the new one is filed all the same."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, marked(type86(1), "REJ"), parcel(2))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    begun = await desk.refile()
    assert begun.as_dict()["entries"] == {"cancelled": 0, "filed": 2}


async def test_two_processes_at_the_same_second_judge_once(desk: Desk) -> None:
    """Both have judged; one of them stores, the alert and the event are there once."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2))
    await pass_the_cut(desk, cbp)
    now = desk.now
    works = [await desk.look(lambda conn: rejudging.read_work(conn, TRIP, now)) for _ in range(2)]
    mades = [rejudging.make(desk.ctx, work) for work in works if work is not None]
    stored = await asyncio.gather(
        *(desk.store.write(lambda conn, made=made: rejudging.store(conn, desk.ctx, made, now)) for made in mades)
    )
    assert sorted(stored) == [False, True]
    assert (await desk.alerts()).count("pathway_lapsed") == 1
    assert len(await desk.told("trip.blocked")) == 1


async def test_a_truck_that_arrives_while_it_is_judged_is_judged_for_its_arrival(desk: Desk) -> None:
    """In the last minute before the border: what was judged for now is dropped when the truck is there."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, type86(1), informal(2))
    await pass_the_cut(desk, cbp, minutes=0)
    now = desk.now
    work = await desk.look(lambda conn: rejudging.read_work(conn, TRIP, now))
    assert work is not None
    made = rejudging.make(desk.ctx, work)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert not await desk.store.write(lambda conn: rejudging.store(conn, desk.ctx, made, now))
    assert (await desk.shipment("P-0001")).lapse is None
    assert await desk.rejudge() == 1
    assert "arrived_under_other_law" in await desk.alerts()


async def test_a_trip_blocked_before_is_told_again_by_name(desk: Desk) -> None:
    """Blocked by a review, the trip is blocked once more when a parcel lapses: dispatch hears which."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), review(2))
    assert (await desk.board())["state"] == "blocked"
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    told = await desk.told("trip.blocked")
    assert len(told) == 2
    assert {one["shipment_id"]: one["offered"] for one in told[1].data["blocking"]} == {
        "P-0001": "informal",
        "P-0002": None,
    }


async def test_a_trip_filed_for_a_day_that_has_passed_keeps_that_days_law(desk: Desk) -> None:
    """Filed a year later it is judged for its planned arrival, and the clock does not overtake it."""
    desk.now = CUT + timedelta(days=365)
    await desk.file(parcel(1))
    row = (await desk.table(t.trips))[0]
    assert (row.judged_at, row.judge_again_at) == (row.estimated_arrival, None)
    assert await desk.rejudge() == 0
    assert await desk.states() == {"P-0001": "staged"}


async def test_the_package_of_goods_that_came_off_says_so(desk: Desk) -> None:
    """It has the arrival that was judged, not the planned one, and says that the bill is deleted."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), parcel(2))
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    row = await desk.shipment("P-0001")  # no law that ends that night asks for a formal entry: it is put in by hand
    lapse = {**row.lapse, "pathway": "formal", "entry_type": "01"}
    lapse["decision"] = {**lapse["decision"], "pathway": "formal", "entry_type": "01", "counted": "0"}
    await desk.store.write(
        lambda conn: conn.execute(update(t.shipments).where(t.shipments.c.key == row.key).values(lapse=lapse))
    )
    begun = await desk.refile()
    assert begun.as_dict()["handoffs"] == 1
    _, package = await desk.look(lambda conn: queries.handoff_package(conn, str(row.scn)))
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        readme, document = files.read("README.txt").decode(), files.read("handoff.xml").decode()
    assert f"Expected                 {desk.now.isoformat()}" in readme
    assert "not on this truck" in readme
    assert "stands as a regular bill" not in readme
    assert '<Trip bill="deleted">' in document


async def test_a_filing_says_by_what_it_was_decided_and_who_did_what(desk: Desk) -> None:
    """Rules with the citations of the kept book, the instant; decision, arrival, lapse and refiling in order."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), type86(2))
    scn = str((await desk.shipment("P-0002")).scn)
    old = (await desk.look(lambda conn: queries.filing(conn, scn)))["id"]
    late = CUT + timedelta(hours=1)
    desk.later(minutes=1)
    await desk.store.write(lambda conn: trips.change_arrival(conn, TRIP, late, actor=BROKER, now=desk.now))
    assert await desk.rejudge() == 1
    found = await desk.look(lambda conn: queries.filing(conn, scn))
    decided = found["decided_by"]
    assert (found["time_zone"], decided["pathway"], decided["entry_type"]) == ("America/New_York", "type86", "86")
    assert decided["rule_book_version"] == desk.ctx.rules.version
    assert datetime.fromisoformat(decided["decided_for"]) == datetime.fromisoformat(PLANNED)
    board = await desk.board()
    assert datetime.fromisoformat(decided["judged_for"]) == datetime.fromisoformat(board["judged_for"]) == late
    assert decided["rules"]
    assert all(one["citation"] and one["text"] for one in decided["rules"])
    assert decided["lapse"]["pathway"] == "informal"
    desk.later(minutes=1)
    await desk.refile()
    now = (await desk.look(lambda conn: queries.filing(conn, scn)))["decided_by"]
    assert (now["pathway"], now["judged_for"], now["lapse"]) == ("informal", late.isoformat(), None)
    before = (await desk.look(lambda conn: queries.filing(conn, old)))["decided_by"]
    assert (before["pathway"], before["lapse"]) == ("type86", None)
    steps = [one for one in await desk.look(lambda conn: queries.timeline(conn, scn)) if one.get("actor")]
    assert [one["what"] for one in steps] == ["filing_requested", "decided", "arrival_changed", "lapsed", "refiled"]
    assert [one["actor"] for one in steps[::2]] == [BROKER.name] * 3
    assert "2025-08-29 01:01 (America/New_York), not at 2025-08-28 23:30" in steps[2]["text"]
    assert "no longer lawful as type86" in steps[3]["text"]
    assert "an entry of type 11 is filed" in steps[4]["text"]
    whole = await desk.look(lambda conn: queries.timeline(conn, "TSTC00000000001"))
    assert "from section321 to informal" in next(one["text"] for one in whole if one["what"] == "refiled")


async def test_an_arrival_in_the_past_is_refused_and_never_brings_old_law_back(desk: Desk) -> None:
    """A blocked trip stays blocked: the past is refused, a few minutes of it are judged for now."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    await pass_the_cut(desk, cbp, minutes=5)
    await desk.rejudge()
    assert (await desk.board())["decision"] == "no_go"

    async def expect(at: datetime) -> dict[str, Any]:
        return await desk.store.write(lambda conn: trips.change_arrival(conn, TRIP, at, actor=BROKER, now=desk.now))

    for past in (CUT - timedelta(days=400), CUT - timedelta(hours=2), desk.now - timedelta(minutes=15, seconds=1)):
        with pytest.raises(ShipmentError) as refused:
            await expect(past)
        problem = refused.value.problems[0]
        assert (problem.code, problem.path) == ("arrival_in_past", "estimated_arrival")
        assert problem.remedy
    assert (await expect(desk.now - timedelta(minutes=10)))["changed"]  # an instant of the law before the cut
    assert await desk.rejudge() == 1
    board = await desk.board()
    assert (board["decision"], board["lapsed"], board["judged_for"]) == ("no_go", 1, desk.now.isoformat())


async def test_a_trip_of_another_day_that_is_expected_now_is_judged_for_now(desk: Desk) -> None:
    """Its own day's law ends where somebody names another arrival; no arrival of the past can bring it back."""
    desk.now = CUT + timedelta(days=365)
    await desk.file(parcel(1))
    ahead = desk.now + timedelta(hours=2)
    await desk.store.write(lambda conn: trips.change_arrival(conn, TRIP, ahead, actor=BROKER, now=desk.now))
    assert await desk.rejudge() == 1
    assert (await desk.board())["judged_for"] == ahead.isoformat()
    assert (await desk.states())["P-0001"] == "lapsed"


async def test_while_it_is_judged_again_the_board_waits(desk: Desk) -> None:
    """From the change of the arrival, or the minute of the law, to the judgement: neither go nor the old no-go."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    assert (await desk.board())["decision"] == "go"
    late = CUT + timedelta(hours=1)
    await desk.store.write(lambda conn: trips.change_arrival(conn, TRIP, late, actor=BROKER, now=desk.now))
    board = await desk.board()
    assert (board["decision"], board["being_judged_for"]) == ("wait", late.isoformat())
    assert "is being judged again for 2025-08-29 01:01 (America/New_York)" in board["reason"]
    assert "cross" not in next_step(board)
    assert not answered(board)
    await desk.rejudge()
    board = await desk.board()
    assert (board["decision"], board["being_judged_for"]) == ("no_go", None)


async def test_at_the_minute_of_the_law_the_board_waits_too(desk: Desk) -> None:
    """Before anything has looked, a verdict by the old law is not shown any more."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    await pass_the_cut(desk, cbp, minutes=0)
    board = await desk.board()
    assert (board["state"], board["decision"], board["being_judged_for"]) == ("clear", "wait", CUT.isoformat())
    assert "cross" not in next_step(board)


async def test_what_came_off_the_truck_keeps_its_own_reason(desk: Desk) -> None:
    """Not CBP's old refusal but the rule for which it needs a broker; the event names rule and reason too."""
    cbp = cbp_of(desk)
    nobody = {"importer_of_record": None}  # an informal entry needs an importer of record
    await filed(desk, cbp, marked(parcel(1, **nobody), "REJ"), parcel(2))
    assert "CBP" in (await desk.board())["blocking"][0]["why"]
    await pass_the_cut(desk, cbp)
    await desk.rejudge()
    told = (await desk.told("trip.blocked"))[-1].data["blocking"]
    assert [one["rule"] for one in told] == ["deny-all-countries-eo14324"] * 2
    assert all("gateway refile" in one["reason"] and len(one["reason"]) <= 300 for one in told)
    await desk.refile()
    await desk.exchange(cbp)
    why = (await desk.board())["blocking"][0]["why"]
    assert (await desk.states())["P-0001"] == "in_review"
    assert "CBP" not in why
    assert "importer" in why
    assert why.endswith("It must come off the truck.")


async def test_a_truck_that_is_late_when_it_is_filed_is_judged_for_now(desk: Desk) -> None:
    """Filed half an hour after the cut with an arrival before it: nothing of what has ended is declared."""
    desk.now = CUT + timedelta(minutes=30)
    await desk.put_trip(estimated_arrival=PLANNED)
    await desk.stage(parcel(1), type86(2))
    await desk.request()
    await desk.plan()

    columns = select(t.shipments.c.pathway).order_by(t.shipments.c.position)
    assert await desk.look(lambda conn: list(conn.execute(columns).scalars())) == ["informal", "informal"]


async def test_another_amendment_under_way_is_no_refiling(filing_store: Store) -> None:
    """Asked while an amendment of something else is being made, it says so; it does not claim to be under way."""
    desk = Desk(filing_store)
    desk.now = CUT - timedelta(hours=3)
    await desk.put_trip(estimated_arrival=PLANNED)
    await desk.stage(parcel(1), informal(2))
    await desk.request()
    await desk.plan()
    await desk.exchange(LoopbackCbp(desk.now))
    street = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
    await desk.amend("TSTC00000000002", street, plan=False, reason_code="03", reason="Moved.")
    with pytest.raises(Conflict) as refused:
        await desk.store.write(lambda conn: refiling.request(conn, desk.ctx, TRIP, actor=BROKER, now=desk.now))
    assert refused.value.problems[0].code == "trip_being_filed"
    with pytest.raises(Conflict):
        await desk.look(lambda conn: refiling.preview(conn, TRIP, now=desk.now))
