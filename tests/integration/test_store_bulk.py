"""A full truck at once: five thousand shipments with their events and evidence, in bounded time and memory."""

from __future__ import annotations

import resource
import time
import tracemalloc
from functools import partial

from sqlalchemy import Connection, func, select

from filings import archive, events
from filings.archive import Entry, EntryKind
from filings.control_numbers import ScnRequest, reserve_scns
from filings.events import EventDraft
from filings.store import Store
from filings.store.tables import shipments
from tests.integration.store_rows import NOW, TRIP, put_shipments

COUNT = 5_000
SECONDS = 20  # a slow, busy machine; the work takes about two
MEGABYTES = 40  # verification holds one page, not the archive


async def test_a_full_truck(store: Store) -> None:
    """5,000 shipments, 5,000 events and 5,000 archive entries are durable in seconds, and verified in flat memory."""
    started = time.monotonic()
    keys = await store.write(partial(put_shipments, count=COUNT))
    requests = [ScnRequest(f"SFIC{number:011d}", key, TRIP) for number, key in enumerate(keys)]
    assert await store.write(lambda conn: reserve_scns(conn, requests, NOW.date())) == []

    def tell(conn: Connection) -> None:
        events.record(conn, [EventDraft("filing.queued", key, TRIP, NOW, key) for key in keys])
        archive.append(
            conn,
            (
                Entry(EntryKind.DECISION, "pathway", key.encode() * 200, NOW, shipment_key=key, trip_number=TRIP)
                for key in keys
            ),
        )

    await store.write(tell)
    written = time.monotonic() - started
    tracemalloc.start()
    verification = await store.read(archive.verify)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verification.entries, verification.verified) == (COUNT, True)
    assert await store.read(lambda conn: conn.execute(select(func.sum(shipments.c.sequence))).scalar_one()) == COUNT
    assert await store.read(events.last_cursor) == COUNT
    assert written < SECONDS
    assert peak < MEGABYTES * 1_000_000
    print(f"{store.dialect}: {written:.2f} s written, verify peak {peak / 1e6:.1f} MB, "
          f"process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # fmt: skip
