"""Events on both engines: one gapless cursor, one sequence per shipment, in commit order."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from sqlalchemy import Connection, select

from filings import events
from filings.events import EventDraft
from filings.store import Store
from filings.store.tables import shipments
from tests.integration.store_rows import NOW, TRIP, put_shipments


def drafts(keys: list[str], kind: str = "shipment.held") -> list[EventDraft]:
    """One event per shipment."""
    return [EventDraft(kind, f"SFIC{key[-8:]}", TRIP, NOW, key, {"state": "held"}) for key in keys]


async def test_each_shipment_has_its_own_sequence_and_all_share_the_cursor(store: Store) -> None:
    """Sequences count per shipment and per trip; the cursor counts everything without a gap."""
    keys = await store.write(partial(put_shipments, count=3))
    first = await store.write(lambda conn: events.record(conn, [*drafts(keys), *drafts(keys[:1])]))
    second = await store.write(
        lambda conn: events.record(
            conn, [*drafts(keys[1:], "shipment.released"), EventDraft("trip.clear", TRIP, TRIP, NOW)]
        )
    )
    assert [one.cursor for one in (*first, *second)] == list(range(1, 8))
    assert [one.sequence for one in first] == [1, 1, 1, 2]
    assert [one.sequence for one in second] == [2, 2, 1]
    kept = await store.read(lambda conn: dict(conn.execute(select(shipments.c.key, shipments.c.sequence)).all()))
    assert kept == dict.fromkeys(keys, 2)
    assert await store.read(partial(events.read_after, cursor=0)) == [*first, *second]
    assert await store.read(partial(events.read_after, cursor=5, limit=1)) == second[1:2]
    assert await store.read(partial(events.read_after, cursor=0, shipment_key=keys[1])) == [first[1], second[0]]
    assert await store.read(events.last_cursor) == 7
    assert await store.write(lambda conn: events.record(conn, [])) == []


async def test_a_reader_never_sees_a_cursor_appear_behind_it(store: Store) -> None:
    """While many writers record, a reader that follows the cursor sees every event once and in order."""
    keys = await store.write(partial(put_shipments, count=20))
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 400:
            after = seen[-1] if seen else 0
            seen.extend(event.cursor for event in await store.read(partial(events.read_after, cursor=after)))

    def record(conn: Connection, key: str) -> None:
        events.record(conn, drafts([key, key]))

    async def write(key: str) -> None:
        for _ in range(10):
            await store.write(partial(record, key=key))

    await asyncio.gather(follow(), *(write(key) for key in keys))
    assert seen == list(range(1, 401))
    for key in keys:
        own = await store.read(partial(events.read_after, cursor=0, shipment_key=key))
        assert [event.sequence for event in own] == list(range(1, 21))


async def test_an_event_of_an_undone_change_is_not_told(store: Store) -> None:
    """A failed function tells nothing, and its cursor is given to the next event."""
    keys = await store.write(partial(put_shipments, count=1))

    def fail(conn: Connection) -> None:
        events.record(conn, drafts(keys))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.write(fail)
    told = await store.write(lambda conn: events.record(conn, drafts(keys)))
    assert [(one.cursor, one.sequence) for one in told] == [(1, 1)]


async def test_outwards_it_is_a_cloud_event(store: Store) -> None:
    """The document has the attributes of CloudEvents 1.0 and the same id at every reading."""
    keys = await store.write(partial(put_shipments, count=1))
    told = await store.write(lambda conn: events.record(conn, drafts(keys)))
    again = await store.read(partial(events.read_after, cursor=0))
    document = again[0].cloud_event("https://gateway.example/sfic")
    assert document == {
        "specversion": "1.0",
        "id": told[0].id,
        "source": "https://gateway.example/sfic",
        "type": "shipment.held",
        "subject": f"SFIC{keys[0][-8:]}",
        "time": "2025-03-10T16:30:00Z",
        "datacontenttype": "application/json",
        "sequence": 1,
        "cursor": 1,
        "data": {"state": "held"},
    }
