"""What people are told: boards that add up, pages that do not jump, timelines in order."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from filings import queries
from filings.store import Store
from filings.store import tables as t
from filings.trip_board import BLOCKING
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict, NotFound
from tests.filing_kit import TRIP, Desk, formal, informal, loses_the_receipt, marked, parcel, refuses, review, type86


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """An empty desk on each engine."""
    return Desk(filing_store)


GOODS = (
    parcel(1),
    type86(2),
    informal(3),
    formal(4),
    review(5),
    marked(parcel(6), "REJ"),
    marked(type86(7), "HOLD"),
    marked(type86(8), "REVOKE"),
    marked(type86(9), "DOCS"),
    marked(type86(10), "EXAM"),
)


async def check_board(desk: Desk) -> dict[str, Any]:
    """Every number of the board is that of the shipments themselves."""
    board, rows = await desk.board(), await desk.table(t.shipments)
    assert board["shipments"] == len(rows) == sum(board["states"].values()) == sum(board["pathways"].values())
    for state, count in board["states"].items():
        assert count == sum(row.state == state for row in rows)
    made = sum(row.manifest_state != "none" for row in rows)
    told = ("accepted", "rejected", "pending")
    assert sum(board["manifest"][one] for one in told) == made
    assert sum(board["entries"][one] for one in told) == sum(row.entry_state != "none" for row in rows)
    assert board["released"] == sum(row.state == "released" for row in rows)
    assert len(board["blocking"]) == sum(row.state in BLOCKING for row in rows)
    assert (board["decision"] == "no_go") == bool(board["blocking"] and board["planning"] == "done")
    assert board["reason"].endswith(".")
    return board


async def test_the_board_adds_up_at_every_moment(desk: Desk) -> None:
    """From the empty trip to the released truck the counts by state, pathway and answer are those of the shipments."""
    await desk.put_trip()
    seen = [await check_board(desk)]
    await desk.stage(*GOODS)
    seen.append(await check_board(desk))
    await desk.request()
    while await desk.planner.turn():
        seen.append(await check_board(desk))
    desk.road.plan = [loses_the_receipt, refuses]
    cbp = LoopbackCbp(desk.now)
    await desk.send()
    seen.append(await check_board(desk))
    desk.later(seconds=5)
    for payload in await desk.send():
        for answer in cbp.send(payload):
            await desk.hear(answer.payload)
            seen.append(await check_board(desk))
    answers = [
        answer for what in (cbp.arrive(TRIP), cbp.advance(minutes=2), cbp.advance(minutes=60)) for answer in what
    ]
    desk.later(hours=2)
    for answer in answers:
        await desk.hear(answer.payload)
        seen.append(await check_board(desk))
    assert [one["decision"] for one in seen[:2]] == ["wait", "wait"]
    assert seen[-1]["decision"] == "no_go"
    assert {state for one in seen for state in one["states"]} >= {
        "staged", "filed", "in_doubt", "on_file", "rejected", "in_review", "handed_off", "held", "exam", "released",
        "release_revoked", "documents_required",
    }  # fmt: skip


async def test_the_board_says_why_a_shipment_blocks(desk: Desk) -> None:
    """A refused shipment is shown with CBP's words, one in review with what a broker must settle."""
    await desk.file(marked(parcel(1), "REJ007"), review(2), parcel(3))
    await desk.exchange(LoopbackCbp(desk.now))
    why = {one["shipment_id"]: one["why"] for one in (await desk.board())["blocking"]}
    assert set(why) == {"P-0001", "P-0002"}
    assert "007" in why["P-0001"]
    assert why["P-0002"]


async def test_the_timeline_of_a_bill_shows_its_release(desk: Desk) -> None:
    """By its SCN a bill without an entry tells of its hold and release, by which code and when, and of no other's."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), marked(parcel(2), "HOLD"))
    await desk.file(parcel(3), trip="TSTC2503100002")
    await desk.exchange(cbp)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))

    async def said(name: str) -> list[tuple[str, str]]:
        steps = await desk.look(lambda conn: queries.timeline(conn, name))
        return [(one["what"], one["code"]) for one in steps if one.get("source") == "350" and one["at"]]

    released, held = await said("TSTC00000000001"), await said(str((await desk.shipment("P-0002")).scn))
    assert "released" in [what for what, _ in released]
    assert "held" in [what for what, _ in held]
    assert "released" not in [what for what, _ in held]
    assert await said(TRIP) == [one for one in released if one[0] == "arrived"]
    steps = await desk.look(lambda conn: queries.timeline(conn, "TSTC00000000001"))
    assert "shipment.released" in [one["text"] for one in steps]
    assert "shipment.held" not in [one["text"] for one in steps]
    other = await desk.look(lambda conn: queries.timeline(conn, "TSTC2503100002"))
    assert [one["source"] for one in other if one.get("source")] == ["997", "355"]


async def test_a_rule_says_what_it_found(desk: Desk) -> None:
    """A limit that is kept is not told as passed; one that closes a pathway says which, and how much it was."""
    await desk.file(informal(1))
    decided = (await desk.look(lambda conn: queries.filing(conn, "TSTC00000000001")))["decided_by"]
    rules = {one["id"]: (one["finding"], one["text"], one["closes"]) for one in decided["rules"]}
    kept = "The entered value is not above 2,500 dollars: this limit is not passed."
    assert rules["limit-informal-value"] == ("not_passed", kept, [])
    closed = "The fair retail value in the country of shipment is above 800 dollars. Here: 1200.00 dollars."
    assert rules["limit-exemption-value"] == ("closes", closed, ["section321", "type86"])
    assert rules["allow-informal"][0] == "applies"
    assert rules["require-informal-importer"][0] == "met"


async def test_the_board_shows_times_of_the_port(desk: Desk) -> None:
    """The planned arrival is shown in UTC and on the port's own clock."""
    await desk.put_trip(port_of_arrival="3801")
    board = await desk.board()
    assert board["estimated_arrival"] == "2025-03-10T20:30:00+00:00"
    assert board["estimated_arrival_local"].startswith("2025-03-10T16:30:00")
    assert board["port_name"]


async def test_unknown_names_are_not_found(desk: Desk) -> None:
    """A trip, filing or cursor that is not there is said not to be there."""
    for ask in (
        lambda conn: queries.board(conn, "TSTC000", now=desk.now),
        lambda conn: queries.shipments(conn, "TSTC000"),
        lambda conn: queries.filing(conn, "nothing"),
        lambda conn: queries.timeline(conn, "nothing"),
        lambda conn: queries.trips(conn, cursor="TSTC000"),
    ):
        with pytest.raises(NotFound):
            await desk.look(ask)
    await desk.put_trip()
    with pytest.raises(NotFound):
        await desk.look(lambda conn: queries.shipments(conn, TRIP, cursor="first"))


async def pages(desk: Desk, ask: Any, limit: int) -> list[list[dict[str, Any]]]:
    """All parts of a list."""
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = None
    while True:

        def work(conn: Connection, at: str | None = cursor) -> queries.Page:
            page: queries.Page = ask(conn, at, limit)
            return page

        page = await desk.look(work)
        found.append(list(page.items))
        cursor = page.next
        if cursor is None:
            return found


async def test_pages_of_shipments_are_stable(desk: Desk) -> None:
    """Every shipment stands on exactly one page, in manifest order, though states change between the pages."""
    await desk.file(*(parcel(number) for number in range(1, 8)))

    def ask(conn: Connection, cursor: str | None, limit: int) -> queries.Page:
        return queries.shipments(conn, TRIP, cursor=cursor, limit=limit)

    first = await desk.look(lambda conn: ask(conn, None, 3))
    await desk.exchange(LoopbackCbp(desk.now))
    rest = await desk.look(lambda conn: ask(conn, first.next, 10))
    assert [one["position"] for one in (*first.items, *rest.items)] == [1, 2, 3, 4, 5, 6, 7]
    assert rest.next is None
    assert [len(one) for one in await pages(desk, ask, 3)] == [3, 3, 1]
    assert [len(one) for one in await pages(desk, ask, 7)] == [7]


async def test_pages_of_trips_go_by_arrival(desk: Desk) -> None:
    """Trips come latest arrival first, those of the same instant by number, each on one page."""
    for number, hour in enumerate((9, 11, 10, 11, 9), 1):
        await desk.put_trip(
            trip_number=f"TSTC25031000{number:02d}", estimated_arrival=f"2025-03-10T{hour:02d}:00:00-04:00"
        )

    def ask(conn: Connection, cursor: str | None, limit: int) -> queries.Page:
        return queries.trips(conn, cursor=cursor, limit=limit)

    for limit in (1, 2, 3, 5):
        found = [one["trip_number"][-2:] for page in await pages(desk, ask, limit) for one in page]
        assert found == ["04", "02", "03", "05", "01"]


async def test_filings_are_found_by_what_people_know(desk: Desk) -> None:
    """Trip, state, pathway, control number, entry number with or without hyphens, and Eastern day find filings."""
    await desk.file(*GOODS[:5])
    await desk.exchange(LoopbackCbp(desk.now))
    entry = str((await desk.shipment("P-0002")).entry_number)

    async def kinds(**asked: Any) -> list[str]:
        page = await desk.look(lambda conn: queries.filings(conn, **asked))
        return sorted(one["kind"] for one in page.items)

    assert await kinds(trip=TRIP) == ["entry", "entry", "handoff", "manifest"]
    assert await kinds(trip="TSTC000") == []
    assert await kinds(status="accepted") == ["entry", "entry", "manifest"]
    assert await kinds(pathway="formal") == ["handoff"]
    assert await kinds(scn="TSTC00000000002") == ["entry", "manifest"]
    assert await kinds(scn="TSTC00000000001") == ["manifest"]
    assert await kinds(entry_number=entry) == ["entry"]
    assert await kinds(entry_number=f"{entry[:3]}-{entry[3:10]}-{entry[10:]}") == ["entry"]
    assert await kinds(day=date(2025, 3, 10)) == ["entry", "entry", "handoff", "manifest"]
    assert await kinds(day=date(2025, 3, 11)) == []


async def test_a_day_is_an_eastern_day(desk: Desk) -> None:
    """A filing made at one in the morning UTC belongs to the day before in New York, also when clocks change."""
    desk.now = datetime.fromisoformat("2025-03-10T03:59:00+00:00")  # 23:59 on the 9th, the 23-hour day
    await desk.file(parcel(1))
    for day, count in ((date(2025, 3, 9), 1), (date(2025, 3, 10), 0)):
        page = await desk.look(lambda conn, one=day: queries.filings(conn, day=one))
        assert len(page.items) == count


async def test_pages_of_filings_are_stable(desk: Desk) -> None:
    """Newest first, each on one page."""
    await desk.file(*GOODS)

    def ask(conn: Connection, cursor: str | None, limit: int) -> queries.Page:
        return queries.filings(conn, cursor=cursor, limit=limit)

    whole = [one["id"] for page in await pages(desk, ask, 100) for one in page]
    assert [one["id"] for page in await pages(desk, ask, 2) for one in page] == whole == sorted(whole, reverse=True)


async def test_a_filing_has_several_names(desk: Desk) -> None:
    """Its id, its control number and its entry number lead to the same entry; a bill without entry to the manifest."""
    await desk.file(parcel(1), type86(2))
    entry = await desk.look(lambda conn: queries.filing(conn, "TSTC00000000002"))
    assert entry["shipment"]["shipment_id"] == "P-0002"
    number = entry["entry_number"]
    for name in (entry["id"], number, f"{number[:3]}-{number[3:10]}-{number[10:]}"):
        assert await desk.look(lambda conn, one=name: queries.filing(conn, one)) == entry
    manifest = await desk.look(lambda conn: queries.filing(conn, "TSTC00000000001"))
    assert (manifest["kind"], manifest["counts"]["pending"]) == ("manifest", 2)


@pytest.mark.parametrize("name", ["TSTC00000000002", "TSTC00000000001"])
async def test_a_timeline_is_in_order_and_says_which_way_things_went(desk: Desk, name: str) -> None:
    """What was queued, received, answered and told stands by time; what CBP sent is not called queued by us."""
    await desk.file(parcel(1), type86(2))
    cbp = LoopbackCbp(desk.now)
    desk.later(minutes=1)
    cbp.advance(minutes=1)
    await desk.exchange(cbp)
    desk.later(hours=3)
    cbp.advance(hours=3)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    steps = await desk.look(lambda conn: queries.timeline(conn, name))
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    whats = [step["what"] for step in steps]
    assert whats[0] == "queued"
    assert "receipt" in whats
    sent = await desk.look(lambda conn: queries.transmissions(conn, name))
    directions = {one["id"]: one["direction"] for one in sent}
    for step in steps:
        if step["what"] in ("queued", "receipt"):
            assert directions[step["transmission"]] == "out"
        if step["what"] == "received":
            assert directions[step["transmission"]] == "in"
    assert "accepted" in whats
    assert {step["text"] for step in steps if step["what"] == "event"} >= {"filing.queued", "filing.accepted"}


async def test_versions_and_transmissions_of_a_filing(desk: Desk) -> None:
    """An entry's first version has its content and decision; its files are those that carried or answered it."""
    await desk.file(type86(1), type86(2))
    await desk.exchange(LoopbackCbp(desk.now))
    (version,) = await desk.look(lambda conn: queries.versions(conn, "TSTC00000000001"))
    assert version["content"]["shipment"]["shipment_id"] == "P-0001"
    assert version["content"]["decision"]["pathway"] == "type86"
    files = await desk.look(lambda conn: queries.transmissions(conn, "TSTC00000000001"))
    assert [one["application"] for one in files if one["direction"] == "out"] == ["SE"]
    assert {one["application"] for one in files if one["direction"] == "in"} >= {"SX", "SO"}
    assert all(one["payload_sha256"] and one["archive_position"] for one in files)


async def test_alerts_are_listed_until_they_are_settled(desk: Desk) -> None:
    """Open alerts stand on the board newest first; one for each shipment concerned, none twice."""
    await desk.file(marked(type86(1), "REVOKE"), marked(type86(2), "REVOKE"))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    desk.later(hours=3)
    cbp.advance(hours=3)
    await desk.hear(*(one.payload for one in (*cbp.arrive(TRIP), *cbp.advance(minutes=5))))
    listed = [one for one in (await desk.board())["alerts"] if one["kind"] == "revoked_after_arrival"]
    assert len(listed) == 2
    assert len({one["text"] for one in listed}) == 2


async def test_a_manifest_whose_truck_is_there_is_not_offered_for_change(desk: Desk) -> None:
    """What may be asked of a filing is what would be taken: of an arrived truck its entries, not its manifest."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), type86(2))
    for sent in await desk.send():
        await desk.hear(*(one.payload for one in cbp.send(sent)))

    async def offered() -> dict[str, list[str]]:
        page = await desk.look(queries.filings)
        for row in page.items:
            shown = await desk.look(lambda conn, row=row: queries.filing(conn, row["id"]))
            assert shown["acts"] == row["acts"]
        return {row["kind"]: row["acts"] for row in page.items}

    before = await offered()
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    after = await offered()
    assert (before["manifest"], after["manifest"]) == (["amend", "cancel"], [])
    assert after["entry"]


async def taken(desk: Desk, name: str, patch: Any) -> dict[str, bool]:
    """Whether an amendment by this patch, and a cancellation that leaves the bill, would be taken now."""
    found = {}
    asks = {"amend": desk.dry_run(name, patch, reason_code="03"), "cancel": desk.dry_run_cancel(name, reason_code="01")}
    for act, asked in asks.items():
        try:
            await asked
        except Conflict:
            found[act] = False
        else:
            found[act] = True
    return found


async def test_no_act_is_offered_that_is_refused_whatever_it_says(desk: Desk) -> None:
    """Of a truck that is there: an entry may be changed until it is released, as far as its bill says nothing of it."""
    cbp = LoopbackCbp(desk.now)
    goods = marked(informal(1), "HOLD")
    await desk.file(goods, parcel(2))
    await desk.exchange(cbp)
    name = goods["shipment_control_number"]
    patch = {"importer_of_record": {"number": "12-3456780"}}  # of which no bill says anything

    async def offered() -> tuple[list[str], dict[str, str]]:
        shown = await desk.look(lambda conn: queries.filing(conn, name, now=desk.now))
        return shown["acts"], shown["act_limits"]

    assert await offered() == (["amend", "cancel"], {})
    assert await taken(desk, name, patch) == {"amend": True, "cancel": True}
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert await taken(desk, name, patch) == {"amend": True, "cancel": True}
    acts, limits = await offered()
    assert (acts, list(limits)) == (["amend", "cancel"], ["amend"])
    assert "bill" in limits["amend"]
    desk.later(hours=6)
    await desk.hear(*(one.payload for one in cbp.advance(hours=6)))
    assert (await desk.states())["P-0001"] == "released"
    assert await taken(desk, name, patch) == {"amend": False, "cancel": True}
    assert await offered() == (["cancel"], {})


async def test_a_bill_without_its_entry_is_a_matter_for_a_person(desk: Desk) -> None:
    """The entry goes and the bill stays: a person acts, and every act that is named is taken."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(informal(1), parcel(2))
    await desk.exchange(cbp)
    name = "TSTC00000000001"
    await desk.cancel(name, reason_code="01")
    await desk.exchange(cbp)
    desk.later(minutes=5)
    await desk.hear(*(one.payload for one in cbp.advance(minutes=5)))

    async def shown() -> dict[str, Any]:
        return await desk.look(lambda conn: queries.filing(conn, name, now=desk.now))

    found = await shown()
    standing = found["standing"]
    assert (found["state"], standing["matter"], standing["who"]) == ("cancelled", "bill_left", "broker")
    assert (await desk.board())["decision"] == "no_go"
    assert f"gateway cancel {TRIP} --shipment P-0001 --reason TEXT --reason-code CC" in standing["todo"]
    assert (await desk.dry_run_cancel(TRIP, shipments=["P-0001"], reason_code="03"))["needs"] == []
    anew = await desk.dry_run(name, {}, reason_code="03")
    assert any("SE10A" in one["text"] for one in anew["messages"])
    assert found["acts"] == ["amend", "cancel"]
    await desk.cancel(TRIP, shipments=["P-0001"], reason_code="03")
    going = (await shown())["standing"]
    assert (going["matter"], going["who"]) == ("bill_left", "cbp")
    await desk.exchange(cbp)
    gone = await shown()
    assert (gone["standing"]["matter"], gone["standing"]["who"], gone["acts"]) == ("settled", "nobody", [])


async def test_a_bill_left_on_a_truck_that_is_there_is_settled_at_the_port(desk: Desk) -> None:
    """No bill can be taken off then, and none is offered to be."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(informal(1), parcel(2))
    await desk.exchange(cbp)
    await desk.cancel("TSTC00000000001", reason_code="01")
    await desk.exchange(cbp)
    desk.later(minutes=5)
    await desk.hear(*(one.payload for one in cbp.advance(minutes=5)))
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    found = await desk.look(lambda conn: queries.filing(conn, "TSTC00000000001", now=desk.now))
    standing = found["standing"]
    assert (standing["matter"], standing["who"], found["acts"]) == ("bill_left", "broker", [])
    assert "at the port" in standing["todo"]
    assert "gateway" not in standing["todo"]
