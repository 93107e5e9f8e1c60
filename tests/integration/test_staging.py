"""Trips and shipments coming in: every row is answered, and nothing that would break a message gets through."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from filings import archive
from filings.store import Store
from filings.store import tables as t
from filings.trips import put_trip
from schemas.errors import Conflict, NotFound, ShipmentError
from schemas.trip import read_trip
from tests import samples
from tests.filing_kit import BROKER, START, TRIP, Desk, formal, informal, parcel, review, texts, type86
from tests.mapping_samples import line

DRIVER = samples.trip()["crew"][0]
LONG_PLACE = "ß" * 17
"""Fits as given, not as written: CBP's characters have no ß."""


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """An empty desk on each engine."""
    return Desk(filing_store)


async def acts(desk: Desk, name: str) -> list[dict[str, Any]]:
    """What the archive keeps of acts with this name."""

    def find(conn: Any) -> list[dict[str, Any]]:
        table = t.archive_entries
        positions = conn.execute(select(table.c.position).where(table.c.name == name).order_by(table.c.position))
        kept = [archive.read(conn, position) for position in positions.scalars().all()]
        return [orjson.loads(one.entry.body) for one in kept if one is not None]

    return await desk.look(find)


# -------------------------------------------------------------------------------------------- trips


async def test_a_trip_is_created_kept_and_replaced(desk: Desk) -> None:
    """A new trip is created, the same one again changes nothing, another content makes the next version."""
    first, again = await desk.put_trip(), await desk.put_trip()
    changed = await desk.put_trip(estimated_arrival="2025-03-10T18:00:00-04:00")
    assert (first.created, first.version) == (True, 1)
    assert (again.created, again.version) == (False, 1)
    assert (changed.created, changed.version) == (False, 2)
    (row,) = await desk.table(t.trips)
    assert row.estimated_arrival.isoformat() == "2025-03-10T22:00:00+00:00"
    assert [act["version"] for act in await acts(desk, "put_trip")] == [1, 2]


async def test_a_filed_trip_cannot_be_replaced(desk: Desk) -> None:
    """After filing was asked for, the same content is answered as before and any other one is a conflict."""
    await desk.put_trip()
    await desk.stage(parcel(1))
    await desk.request()
    assert (await desk.put_trip()).version == 1
    with pytest.raises(Conflict) as refused:
        await desk.put_trip(port_of_arrival="3801")
    assert refused.value.problems[0].code == "trip_already_filed"
    assert (await desk.table(t.trips))[0].port_of_arrival == "0901"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"last_name": "\N{ZERO WIDTH SPACE}"}, "crew[0].last_name"),
        ({"first_name": "ß" * 20}, "crew[0].first_name"),
        ({"last_name": "Test^well", "first_name": "Ma~rie"}, "crew[0].last_name crew[0].first_name"),
    ],
)
async def test_a_trip_that_no_manifest_can_say_is_refused_at_once(
    desk: Desk, changes: dict[str, Any], path: str
) -> None:
    """A crew name that cannot be written is refused with its path when the trip is put, and nothing is kept."""
    with pytest.raises(ShipmentError) as refused:
        await desk.put_trip(crew=[{**DRIVER, **changes}])
    assert [problem.path for problem in refused.value.problems] == path.split()
    assert await desk.table(t.trips) == []


async def test_without_a_context_a_trip_is_not_tried(desk: Desk) -> None:
    """Who gives no context gets no trial of the manifest: the argument is what asks for it."""
    raw = samples.trip(crew=[{**DRIVER, "first_name": "ß" * 20}])
    receipt = await desk.store.write(lambda conn: put_trip(conn, read_trip(raw), raw, actor=BROKER, now=START))
    assert receipt.created


# ------------------------------------------------------------------------------------------- rows


async def test_every_row_is_answered_and_a_bad_one_stops_nobody(desk: Desk) -> None:
    """Bad rows are refused with their paths, in their places, and the good ones around them are staged."""
    await desk.put_trip()
    answers = await desk.stage(
        parcel(1), "not an object", parcel(2, gross_weight={"value": "-1", "unit": "KG"}), parcel(3), {"x": 1}
    )
    assert [one.index for one in answers] == [0, 1, 2, 3, 4]
    assert [one.state for one in answers] == ["staged", "refused", "refused", "staged", "refused"]
    assert [one.shipment_id for one in answers] == ["P-0001", None, "P-0002", "P-0003", None]
    assert [path for _, path in texts(answers[2].problems)] == ["gross_weight.value"]
    assert await desk.states() == {"P-0001": "staged", "P-0003": "staged"}


async def test_each_pathway_is_told_with_its_reasons(desk: Desk) -> None:
    """A staged row says the pathway that would be taken, why, and that review waits for a person."""
    await desk.put_trip()
    answers = await desk.stage(parcel(1), type86(2), informal(3), formal(4), review(5))
    assert [one.pathway for one in answers] == ["section321", "type86", "informal", "formal", "review"]
    assert [one.state for one in answers] == ["staged"] * 4 + ["in_review"]
    assert all(one.reasons for one in answers)
    assert answers[0].as_dict()["shipment_control_number"] == "TSTC00000000001"


async def test_rows_of_an_unknown_trip_are_refused_whole(desk: Desk) -> None:
    """There is nothing to stage on."""
    with pytest.raises(NotFound) as refused:
        await desk.stage(parcel(1))
    assert refused.value.problems[0].code == "trip_unknown"


async def test_the_same_row_again_gets_the_same_answer(desk: Desk) -> None:
    """Repeating a batch, in another order and spelling of keys, changes nothing and answers the same."""
    await desk.put_trip()
    rows = [parcel(1), type86(2, shipment_control_number=None), review(3)]
    first = await desk.stage(*rows)
    before = await desk.table(t.shipments, t.shipments.c.position)
    again = await desk.stage(*(dict(reversed(row.items())) for row in reversed(rows)))
    assert await desk.table(t.shipments, t.shipments.c.position) == before

    def told(answers: list[Any]) -> list[dict[str, Any]]:
        shown = [{k: v for k, v in one.as_dict().items() if k not in ("index", "line")} for one in answers]
        return sorted(shown, key=lambda one: str(one["shipment_id"]))

    assert told(again) == told(first)


async def test_a_changed_row_replaces_what_was_staged(desk: Desk) -> None:
    """Other content under the same id takes its place in the manifest and its control number, and frees the old one."""
    await desk.put_trip()
    await desk.stage(parcel(1), parcel(2), parcel(3))
    (answer,) = await desk.stage(informal(1, shipment_control_number="TSTC99999999999"))
    assert (answer.pathway, answer.scn) == ("informal", "TSTC99999999999")
    placed = [(row.shipment_id, row.position) for row in await desk.table(t.shipments, t.shipments.c.position)]
    assert placed == [("P-0001", 1), ("P-0002", 2), ("P-0003", 3)]
    held = {row.scn for row in await desk.table(t.scn_ledger)}
    assert held == {"TSTC99999999999", "TSTC00000000002", "TSTC00000000003"}


@pytest.mark.parametrize("fault", ["message", "number", "record"])
async def test_a_change_that_is_refused_leaves_what_was_staged(desk: Desk, fault: str) -> None:
    """A change that cannot be taken is answered as refused, and the content before it stays staged with its number."""
    await desk.put_trip()
    await desk.put_trip(trip_number="TSTC2503100002")
    await desk.stage(parcel(9), trip="TSTC2503100002")
    await desk.stage(parcel(1))
    changed = {
        "message": parcel(1, place_of_receipt=LONG_PLACE, shipment_control_number="TSTC77777"),
        "number": parcel(1, shipment_control_number="TSTC00000000009"),
        "record": parcel(1, lines=[]),
    }[fault]
    (answer,) = await desk.stage(changed)
    assert answer.state == "refused"
    row = await desk.shipment("P-0001")
    assert (row.scn, row.document["place_of_receipt"]) == ("TSTC00000000001", "FORT ERIE ON")
    ledger = {row.scn: row.trip_number for row in await desk.table(t.scn_ledger)}
    assert ledger == {"TSTC00000000001": TRIP, "TSTC00000000009": "TSTC2503100002"}
    assert len(await desk.table(t.day_ledger)) == 2


async def test_a_shipment_twice_in_a_batch_is_taken_once(desk: Desk) -> None:
    """The first is taken, the second refused, whether it says the same or not."""
    await desk.put_trip()
    answers = await desk.stage(parcel(1), parcel(1), parcel(1, place_of_receipt="WINDSOR ON"))
    assert [one.state for one in answers] == ["staged", "refused", "refused"]
    assert [texts(one.problems) for one in answers[1:]] == [[("shipment_twice", "shipment_id")]] * 2
    assert "same content" in answers[1].problems[0].text
    assert "other content" in answers[2].problems[0].text
    assert (await desk.shipment("P-0001")).document["place_of_receipt"] == "FORT ERIE ON"


async def test_a_filed_trip_takes_no_more_rows(desk: Desk) -> None:
    """After filing, a changed row is a conflict; rows that were filed are answered again, others refused."""
    await desk.file(parcel(1))
    same, late = await desk.stage(parcel(1), parcel(2))
    assert (same.accepted, same.problems) == (True, ())
    assert texts(late.problems) == [("trip_already_filed", "trip_number")]
    with pytest.raises(Conflict):
        await desk.stage(parcel(1, place_of_receipt="WINDSOR ON"))
    (again,) = await desk.stage(parcel(1))
    assert (again.pathway, again.problems) == ("section321", ())


# -------------------------------------------------------------------------------- control numbers


async def test_a_control_number_of_another_trip_is_refused(desk: Desk) -> None:
    """A number that another trip's shipment holds is refused with its holder, the rest of the batch is staged."""
    await desk.put_trip()
    await desk.put_trip(trip_number="TSTC2503100002")
    await desk.stage(parcel(1))
    taken, free = await desk.stage(
        parcel(2, shipment_control_number="TSTC00000000001"), parcel(3), trip="TSTC2503100002"
    )
    assert texts(taken.problems) == [("scn_already_used", "shipment_control_number")]
    assert TRIP in taken.problems[0].text
    assert free.state == "staged"


async def test_one_control_number_twice_in_a_batch_is_refused_once(desk: Desk) -> None:
    """Two shipments of one batch cannot share a number: the first has it."""
    await desk.put_trip()
    answers = await desk.stage(parcel(1), parcel(2, shipment_control_number="TSTC00000000001"))
    assert [one.state for one in answers] == ["staged", "refused"]
    assert texts(answers[1].problems) == [("scn_already_used", "shipment_control_number")]


async def test_missing_control_numbers_are_given_and_kept(desk: Desk) -> None:
    """A shipment without a number is given the carrier's next one, and keeps it when its content changes."""
    await desk.put_trip()
    first, second = await desk.stage(parcel(1, shipment_control_number=None), parcel(2, shipment_control_number=None))
    assert first.scn is not None
    assert second.scn is not None
    assert first.scn.startswith("TSTC")
    assert len({first.scn, second.scn}) == 2
    (changed,) = await desk.stage(parcel(1, shipment_control_number=None, place_of_receipt="WINDSOR ON"))
    assert changed.scn == first.scn
    assert (await desk.shipment("P-0001")).document["shipment_control_number"] == first.scn


# ------------------------------------------------------------------------------- persons and lots


def worth(number: int, value: str, **changes: Any) -> dict[str, Any]:
    """A parcel of this value to the one person of these tests."""
    consignee = samples.shipment()["consignee"]
    return parcel(number, consignee=consignee, lines=[line(value=value)], fair_retail_value=value, **changes)


async def test_the_day_limit_counts_across_batches(desk: Desk) -> None:
    """A person's day goes on in the next batch, a replaced shipment counts once, and no name is in the ledger."""
    await desk.put_trip()
    await desk.stage(worth(1, "500.00"))
    (over,) = await desk.stage(worth(2, "400.00"))
    (within,) = await desk.stage(worth(3, "300.00"))
    assert (over.pathway, within.pathway) == ("informal", "section321")
    (cheaper,) = await desk.stage(worth(1, "450.00"))
    assert cheaper.pathway == "section321"
    counted = await desk.table(t.day_ledger)
    assert sorted(str(row.value) for row in counted) == ["300.00", "450.00"]
    assert not any("TESTWELL" in row.person_key.upper() for row in counted)


async def test_the_day_limit_counts_across_trips_of_a_day(desk: Desk) -> None:
    """What a person gets on another trip of the same Eastern day counts, on another day it does not."""
    await desk.put_trip()
    await desk.put_trip(trip_number="TSTC2503100002")
    await desk.put_trip(trip_number="TSTC2503110001", estimated_arrival="2025-03-11T16:30:00-04:00")
    await desk.stage(worth(1, "500.00"))
    (same_day,) = await desk.stage(worth(2, "400.00"), trip="TSTC2503100002")
    (next_day,) = await desk.stage(worth(3, "400.00"), trip="TSTC2503110001")
    assert (same_day.pathway, next_day.pathway) == ("informal", "section321")


async def test_lots_are_found_across_batches(desk: Desk) -> None:
    """A second box of an order that came in an earlier batch is judged as a lot; both are once the trip is filed."""
    await desk.put_trip()
    (first,) = await desk.stage(worth(1, "50.00"))
    (second,) = await desk.stage(worth(2, "50.00", order_id="O-0001"))
    assert first.pathway == "section321"
    assert second.pathway != "section321"
    await desk.request()
    await desk.plan()
    assert {(await desk.shipment(name)).pathway for name in ("P-0001", "P-0002")} == {second.pathway}


# ------------------------------------------------------------------------- what a message can say


async def test_what_does_not_fit_a_message_is_refused_with_its_path(desk: Desk) -> None:
    """A name too long for an entry and a place too long for the manifest are told before anything is filed."""
    name = "A Consignee With A Name Of More Than Thirty-Five Letters"
    consignee = {**samples.shipment()["consignee"], "name": name}
    await desk.put_trip()
    entry, bill, both = await desk.stage(
        type86(1, consignee=consignee),
        parcel(2, place_of_receipt=LONG_PLACE),
        type86(3, consignee=consignee, place_of_receipt=LONG_PLACE),
    )
    assert [path for _, path in texts(entry.problems)] == ["consignee.name"]
    assert [path for _, path in texts(bill.problems)] == ["place_of_receipt"]
    assert sorted(path for _, path in texts(both.problems)) == ["consignee.name", "place_of_receipt"]
    assert await desk.table(t.shipments) == []
    assert await desk.table(t.scn_ledger) == []


async def test_what_is_written_otherwise_is_noted(desk: Desk) -> None:
    """A name in other letters is written in CBP's characters, and the answer says so."""
    consignee = {**samples.shipment()["consignee"], "name": "Renée Łaski"}
    await desk.put_trip()
    (answer,) = await desk.stage(parcel(1, consignee=consignee))
    notes = {(note["kind"], note["path"], note.get("after", "")) for note in answer.notes}
    assert ("transliterated", "consignee.name", "RENEE LASKI") in notes


async def test_what_an_entry_says_otherwise_is_noted(desk: Desk) -> None:
    """A claim's text stands in the entry alone: it is noted once, as is the consignee's name of both messages."""
    consignee = {**samples.shipment()["consignee"], "name": "Renée Łaski"}
    items = [{"record": "PG02", "item_type": "P"}, {"record": "PG07", "trade_name_brand_name": "Bellé"}]
    claim = {"agency": "EPA", "program": "TS1", "message_set": items}
    await desk.put_trip()
    (answer,) = await desk.stage(type86(1, consignee=consignee, lines=[line(pga=[claim])]))
    told = [note["path"] for note in answer.notes if note["kind"] == "transliterated"]
    assert sorted(told) == ["consignee.name", "lines[0].pga[0].message_set[1].trade_name_brand_name"]


async def test_the_archive_keeps_what_was_sent_good_and_bad(desk: Desk) -> None:
    """Every batch is in the archive as it was given, row by row with its answer and who sent it."""
    await desk.put_trip()
    good, bad = parcel(1), parcel(2, lines=[])
    await desk.stage(good, bad)
    (act,) = await acts(desk, "stage_shipments")
    assert [row["given"] for row in act["rows"]] == [good, bad]
    assert [row["answer"]["state"] for row in act["rows"]] == ["staged", "refused"]
    assert act["actor"] == {"name": "test broker", "role": "broker", "licensed": True}
    await desk.check_books()
