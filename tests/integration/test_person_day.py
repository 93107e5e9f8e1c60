"""Is a person's day exact when many trips are staged and filed for one consignee at the same moment?"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

from sqlalchemy import select

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
