"""Is the made-up truckload what a customs day looks like, and the same whenever it is made again?"""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import islice

import pytest

from gateway.demo.shipments import make_shipments, make_trip
from schemas.shipment import check_shipment
from schemas.trip import check_trip

ARRIVAL = date(2025, 3, 10)
COUNT = 600


@pytest.fixture(scope="module")
def shipments() -> list[dict[str, object]]:
    """A truckload of one seed."""
    return list(make_shipments(ARRIVAL, COUNT, 7))


def test_same_seed_same_truckload(shipments: list[dict[str, object]]) -> None:
    """Arrival, count and seed decide every value; a longer truckload begins the same."""
    assert list(make_shipments(ARRIVAL, COUNT, 7)) == shipments
    assert list(islice(make_shipments(ARRIVAL, 5 * COUNT, 7), COUNT)) == shipments


@pytest.mark.parametrize(("arrival", "seed"), [(ARRIVAL, 8), (date(2026, 11, 23), 7)])
def test_other_seed_or_day_other_truckload(shipments: list[dict[str, object]], arrival: date, seed: int) -> None:
    """Another seed or day gives other shipments under other control numbers."""
    other = list(make_shipments(arrival, COUNT, seed))
    mine = {one["shipment_control_number"] for one in shipments}
    assert not mine & {one["shipment_control_number"] for one in other}


def test_every_shipment_and_the_trip_are_valid(shipments: list[dict[str, object]]) -> None:
    """The generator makes no bad data: what is refused later is refused by the law, not by the form."""
    faults = [problem for one in shipments for problem in check_shipment(one)[1] if problem.severity == "error"]
    assert faults == []
    assert check_trip(make_trip(ARRIVAL, 7))[0] is not None


def test_names_and_numbers_are_used_once() -> None:
    """Five thousand shipments have five thousand ids and control numbers, of the length CBP takes."""
    ids: Counter[str] = Counter()
    scns: Counter[str] = Counter()
    for one in make_shipments(ARRIVAL, 5000, 1):
        ids[one["shipment_id"]] += 1
        scns[one["shipment_control_number"]] += 1
    assert max(ids.values()) == max(scns.values()) == 1
    assert {len(scn) for scn in scns} == {16}


def test_a_small_truckload_shows_each_kind() -> None:
    """Already the first thirty hold excise goods, an antidumping case, lots, high values, markers and FDA goods."""
    few = list(make_shipments(ARRIVAL, 30, 1))
    lines = [line for one in few for line in one["lines"]]
    assert {claim["agency"] for line in lines for claim in line["pga"]} == {"FDA"}
    assert any(line["hts"].startswith("2203") for line in lines)
    assert any(float(one["fair_retail_value"]) > 2500 for one in few)
    assert any(one["pathway"] == "type86" for one in few)
    assert any(count > 1 for count in Counter(one["order_id"] for one in few).values())
    markers = ("HOLD", "EXAM", "DOCS", "REJ")
    assert any(one["shipment_control_number"][4:].startswith(markers) for one in few)


def test_boxes_of_one_order_go_to_one_person(shipments: list[dict[str, object]]) -> None:
    """The second box of an order names the same consignee and importer, and has its own control number."""
    by_order: dict[object, list[dict[str, object]]] = {}
    for one in shipments:
        by_order.setdefault(one["order_id"], []).append(one)
    lots = [boxes for boxes in by_order.values() if len(boxes) > 1]
    assert lots
    for first, second in lots:
        assert first["consignee"] == second["consignee"]
        assert first["importer_of_record"] == second["importer_of_record"]
        assert first["shipment_control_number"] != second["shipment_control_number"]
