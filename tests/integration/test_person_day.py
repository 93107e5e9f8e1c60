"""Is a person's day exact when many trips are staged and filed for one consignee at the same moment?"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from filings.store import Store
from filings.store import tables as t
from tests import samples
from tests.filing_kit import Desk, parcel

FILINGS = 200
BROKERS = 3
VALUE = Decimal("4.05")
"""Of each parcel: all of them are worth 810 dollars, 10 over the limit of a person and day."""
LIMIT = Decimal(800)


def one_consignee(number: int) -> dict[str, Any]:
    """A parcel of 4.05 dollars, always to the same person, of its own order."""
    line = {**samples.shipment()["lines"][0], "value": str(VALUE)}
    person = samples.shipment()["consignee"]
    return parcel(number, consignee=person, lines=[line], fair_retail_value=str(VALUE))


async def broker(desk: Desk, numbers: range) -> None:
    """Puts, stages and files a trip for each parcel, one at a time."""
    for number in numbers:
        trip = f"TSTC{number:012d}"
        await desk.put_trip(trip_number=trip)
        assert all(one.accepted for one in await desk.stage(one_consignee(number), trip=trip))
        await desk.request(trip)


async def test_exactly_as_many_keep_the_exemption_as_the_limit_allows(database: str) -> None:
    """Three gateways file 200 trips for one consignee at once: 197 parcels keep the exemption, 3 go as type 11."""
    async with AsyncExitStack() as open_stores:
        stores = [await open_stores.enter_async_context(await Store.open(database)) for _ in range(BROKERS)]
        desks = [Desk(one) for one in stores]
        share = [range(start, FILINGS + 1, BROKERS) for start in range(1, BROKERS + 1)]

        await asyncio.gather(*(broker(desk, numbers) for desk, numbers in zip(desks, share, strict=True)))
        staged = await pathways(stores[0])
        await asyncio.gather(*(desk.plan() for desk in desks))
        await asyncio.gather(*(desk.plan() for desk in desks))
        filed = await pathways(stores[0])
        counted = await stores[0].read(lambda conn: list(conn.execute(select(t.day_ledger.c.value)).scalars()))

    assert staged == filed == {"section321": 197, "informal": 3}
    assert sum(counted) == 197 * VALUE <= LIMIT < 198 * VALUE


async def pathways(store: Store) -> dict[str, int]:
    """How many shipments take which pathway."""
    found = await store.read(lambda conn: list(conn.execute(select(t.shipments.c.pathway)).scalars()))
    return {pathway: found.count(pathway) for pathway in dict.fromkeys(found)}


def of(number: int, value: str, **changes: Any) -> dict[str, Any]:
    """A parcel of this value to the one consignee."""
    made = one_consignee(number)
    line = {**made["lines"][0], "value": value}
    return {**made, "lines": [line], "fair_retail_value": value, **changes}


async def decided(desk: Desk, *trips: str) -> list[str]:
    """The pathways on these trips, in order."""
    table = t.shipments
    query = select(table.c.pathway).where(table.c.trip_number.in_(trips)).order_by(table.c.trip_number, table.c.key)
    return await desk.look(lambda conn: list(conn.execute(query).scalars()))


async def test_one_order_in_parcels_on_two_trucks_is_seen(filing_store: Store) -> None:
    """The second parcel of an order to one person loses the exemption, also on another truck of another day."""
    desk = Desk(filing_store)
    await desk.file(of(1, "300.00", order_id="ONE"), trip="TSTC000000000001")
    await desk.put_trip(trip_number="TSTC000000000002", estimated_arrival="2025-03-12T12:30:00-04:00")
    await desk.stage(of(2, "300.00", order_id="ONE"), trip="TSTC000000000002")
    await desk.request("TSTC000000000002")
    await desk.plan()

    assert await decided(desk, "TSTC000000000001", "TSTC000000000002") == ["section321", "informal"]


async def test_a_draft_that_moves_to_another_day_takes_its_dollars_along(filing_store: Store) -> None:
    """What is staged on a trip that is put on another day no longer counts on the old one."""
    desk = Desk(filing_store)
    await desk.put_trip(trip_number="TSTC000000000001")
    await desk.stage(of(1, "700.00"), trip="TSTC000000000001")
    await desk.put_trip(trip_number="TSTC000000000001", estimated_arrival="2025-03-20T12:30:00-04:00")
    await desk.file(of(2, "700.00"), trip="TSTC000000000002")

    assert await decided(desk, "TSTC000000000002") == ["section321"]


async def test_a_parcel_put_on_another_truck_is_not_charged_against_itself(filing_store: Store) -> None:
    """The same shipment staged on a draft and filed with another trip counts once."""
    desk = Desk(filing_store)
    await desk.put_trip(trip_number="TSTC000000000001")
    await desk.stage(of(1, "700.00", shipment_control_number=None), trip="TSTC000000000001")
    await desk.file(of(1, "700.00", shipment_control_number=None), trip="TSTC000000000002")

    assert await decided(desk, "TSTC000000000002") == ["section321"]


async def test_parts_of_a_cent_do_not_pass_the_limit(filing_store: Store) -> None:
    """Seven parcels of 100.004 dollars and one of 99.99 are worth more than 800: the last loses the exemption."""
    desk = Desk(filing_store)
    trips = [f"TSTC{number:012d}" for number in range(1, 9)]
    for number, trip in enumerate(trips, 1):
        await desk.file(of(number, "100.004" if number < 8 else "99.99"), trip=trip)

    assert await decided(desk, *trips) == ["section321"] * 7 + ["informal"]


async def test_what_arrives_early_counts_on_the_day_it_arrived(filing_store: Store) -> None:
    """A trip planned for after midnight that arrives before it counts on that day, not on the planned one."""
    desk = Desk(filing_store)
    early = "TSTC000000000001"
    await desk.put_trip(trip_number=early, estimated_arrival="2025-03-11T00:30:00-04:00")
    await desk.stage(of(1, "700.00"), trip=early)
    await desk.request(early)
    await desk.plan()
    arrived = datetime(2025, 3, 11, 2, 0, tzinfo=UTC)
    await desk.store.write(
        lambda conn: conn.execute(
            update(t.trips).where(t.trips.c.trip_number == early).values(arrived_at=arrived, judge_again_at=arrived)
        )
    )
    desk.now = arrived
    await desk.rejudge()

    days = await desk.look(lambda conn: list(conn.execute(select(t.day_ledger.c.eastern_day)).scalars()))
    assert days == [date(2025, 3, 10)]
