"""Claims of rows: each to one worker, taken over when a worker dies, fenced when it comes back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select

from filings.store import Store
from filings.store.leases import claim, renew, settle
from filings.store.tables import transmissions
from filings.uuid7 import uuid7
from tests.integration.store_rows import NOW

LEASE = timedelta(minutes=2)


def put_outgoing(conn: Connection, count: int) -> list[str]:
    """Queue some transmissions; gives their ids in order."""
    rows = [
        {
            "id": uuid7(),
            "direction": "out",
            "partner": "cbp",
            "channel": "as2",
            "name": f"{number}.edi",
            "content_type": "application/edi-x12",
            "payload_digest": "0" * 64,
            "payload_size": 1,
            "state": "queued",
            "created_at": NOW,
        }
        for number in range(count)
    ]
    conn.execute(insert(transmissions), rows)
    return [str(row["id"]) for row in rows]


def take(conn: Connection, owner: str, limit: int, now: datetime = NOW) -> list[str]:
    """Claim queued transmissions; gives their ids."""
    rows = claim(
        conn,
        transmissions,
        where=transmissions.c.state == "queued",
        owner=owner,
        now=now,
        lease=LEASE,
        limit=limit,
        order_by=(transmissions.c.priority, transmissions.c.id),
        columns=(transmissions.c.name,),
    )
    assert all(set(row) == {"id", "name"} for row in rows)
    return [row["id"] for row in rows]


async def test_rows_are_claimed_once_by_rival_workers(store: Store) -> None:
    """Workers that claim at the same time share the rows and never get the same one."""
    ids = await store.write(partial(put_outgoing, count=200))
    claims = await asyncio.gather(*(store.write(partial(take, owner=f"w{n}", limit=20)) for n in range(8)))
    got = [one for claimed in claims for one in claimed]
    while more := await store.write(partial(take, owner="last", limit=50)):
        got += more
    assert sorted(got) == sorted(ids)


async def test_claims_come_in_order(store: Store) -> None:
    """Within a claim the order asked for is kept, and the limit too."""
    ids = await store.write(partial(put_outgoing, count=10))
    assert await store.write(partial(take, owner="w", limit=4)) == ids[:4]
    assert await store.write(partial(take, owner="w", limit=4)) == ids[4:8]


async def test_a_dead_workers_rows_are_taken_over_and_it_is_fenced(store: Store) -> None:
    """After the lease another worker has the row; what the first one writes afterwards is not written."""
    ids = await store.write(partial(put_outgoing, count=1))
    assert await store.write(partial(take, owner="a", limit=1)) == ids
    assert await store.write(partial(take, owner="b", limit=1)) == []
    late = NOW + LEASE
    assert await store.write(partial(take, owner="b", limit=1, now=late)) == ids

    def write_back(conn: Connection, owner: str, state: str) -> bool:
        return settle(conn, transmissions, ids[0], owner, {"state": state})

    assert await store.write(partial(write_back, owner="a", state="refused")) is False
    assert await store.write(partial(write_back, owner="b", state="delivered")) is True
    row: Any = (await store.read(lambda conn: conn.execute(select(transmissions)).all()))[0]
    assert (row.state, row.attempts, row.lease_owner, row.lease_until) == ("delivered", 2, None, None)


async def test_a_renewed_lease_is_not_taken_over(store: Store) -> None:
    """A worker that is still at it can hold its rows longer, but only its own."""
    ids = await store.write(partial(put_outgoing, count=1))
    await store.write(partial(take, owner="a", limit=1))
    until = NOW + 2 * LEASE
    assert await store.write(lambda conn: renew(conn, transmissions, ids, "b", until)) == 0
    assert await store.write(lambda conn: renew(conn, transmissions, ids, "a", until)) == 1
    assert await store.write(partial(take, owner="b", limit=1, now=NOW + LEASE)) == []
