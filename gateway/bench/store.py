"""How fast are events stored, each waiting for its own durable commit?"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.bench.measure import Figure

WRITERS: Final = 256
"""Tasks that wait for their own commit at the same time; the peer commits as many rows at once."""


def store_figures(seconds: float) -> Iterator[Figure]:
    """Events written, each waiting for its own durable commit."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        rate, peer_rate = asyncio.run(_store_rates(Path(folder), seconds))
    peer = f"sqlite3 alone, {WRITERS} rows a commit, same durability"
    yield Figure(f"events stored by {WRITERS} writers", "rows", rate, peer, peer_rate)


async def _store_rates(folder: Path, seconds: float) -> tuple[float, float]:
    from filings import events
    from filings.store.database import Store

    now = datetime(2025, 3, 10, 16, tzinfo=UTC)
    draft = events.EventDraft("filing.sent", "SFIC25031000123", "SFIC2503100001", now, data={"text": "x" * 200})

    async with await Store.open(folder / "store.db") as store:

        async def write_one(one: events.EventDraft) -> None:
            await store.write(lambda conn: events.record(conn, [one]))

        async def round_of_writers() -> int:
            number = time.perf_counter_ns()
            await asyncio.gather(*(write_one(replace(draft, id=f"{number}-{place}")) for place in range(WRITERS)))
            return WRITERS

        rate = await _rate(round_of_writers, seconds)
    return rate, await asyncio.to_thread(_raw_rate, folder / "raw.db", seconds)


async def _rate(work: Callable[[], Any], seconds: float) -> float:
    await work()
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        done += await work()
    return done / (time.perf_counter() - begin)


def _raw_rate(path: Path, seconds: float) -> float:
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("create table events (id text primary key, type text, subject text, at text, data text)")
        done, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            raw.execute("BEGIN IMMEDIATE")
            for place in range(WRITERS):
                row = (f"{done}-{place}", "filing.sent", "SFIC25031000123", "2025-03-10", "x" * 260)
                raw.execute("insert into events values (?, ?, ?, ?, ?)", row)
            raw.execute("COMMIT")
            done += WRITERS
        return done / (time.perf_counter() - begin)
    finally:
        raw.close()
