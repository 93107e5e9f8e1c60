"""How long does one urgent filing take while truckloads are being filed?

Each is a trip of its own with one shipment that needs a bill and an entry. It comes in through the same door as the
truckloads, and nothing marks it as urgent. Measured is from the first call until CBP's acceptance of both is recorded,
looked for every :data:`POLL_SECONDS`; one at a time, with a pause between two. The peer is the same filing while
nothing else goes on. How long CBP kept the last message before it answered is told apart: the simulated CBP works
through its mail on the same machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Final

from gateway.bench.bulk_state import open_work, seconds_at_cbp, unanswered
from gateway.bench.pair import ARRIVAL, Pair, open_pair

POLL_SECONDS: Final = 0.01
PAUSE_SECONDS: Final = 0.1
PATIENCE: Final = 300.0
LIMIT: Final = 5.0
"""Seconds within which 99 of 100 urgent filings are to be accepted while bulk is running: a limit of our own. The law
counts in half-hours (19 CFR 123.92: an hour before arrival), a person at a screen in seconds."""
FIRST: Final = 5_000
"""Trips of urgent filings are numbered from here."""


@dataclass(frozen=True, slots=True)
class Urgent:
    """One run: seconds of every urgent filing, alone and beside ``shipments`` in bulk; ``own`` are the seconds of
    the latter that did not pass at CBP.
    """

    store: str
    shipments: int
    alone: tuple[float, ...]
    beside: tuple[float, ...]
    own: tuple[float, ...]

    @property
    def met(self) -> bool:
        """Whether 99 of 100 were accepted within the limit."""
        return percentile(self.beside, 99) <= LIMIT

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``; seconds."""
        row: dict[str, Any] = {"store": self.store, "shipments": self.shipments}
        for name, taken in (("alone", self.alone), ("beside_bulk", self.beside), ("without_cbp", self.own)):
            row[name] = {"filings": len(taken), **{f"p{of}": round(percentile(taken, of), 3) for of in (50, 99)}}
        return row | {"limit_p99": LIMIT, "met": self.met}


def percentile(values: Sequence[float], of: int) -> float:
    """The least value that so many of a hundred do not exceed; with few values that is the greatest."""
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * of / 100), 1) - 1]


async def run_urgent(shipments: int, *, alone: int = 20, database: str = "") -> Urgent:
    """File urgent ones, ``alone`` of them first, then one after the other while ``shipments`` are filed."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        async with open_pair(Path(name), database) as pair:
            quiet = [(await _filed(pair, FIRST + number))[0] for number in range(alone)]
            for trip in await pair.stage_bulk(shipments):
                await pair.client.file_trip(trip)
            busy: list[tuple[float, float]] = []
            while await pair.gateway.store.read(open_work):
                busy.append(await _filed(pair, FIRST + alone + len(busy)))
                await asyncio.sleep(PAUSE_SECONDS)
    beside, own = zip(*busy, strict=True)
    return Urgent("PostgreSQL" if database else "SQLite", shipments, tuple(quiet), beside, own)


async def _filed(pair: Pair, number: int) -> tuple[float, float]:
    """Submit and file one; seconds until CBP has accepted it, and those of them that did not pass at CBP.

    Raises :class:`RuntimeError` if CBP refuses it.
    """
    from gateway.demo.shipments import make_shipments, make_trip

    shipment = next(one for one in make_shipments(ARRIVAL, 1_000, number) if one["pathway"] == "type86")
    trip = make_trip(ARRIVAL, number)
    begin = time.perf_counter()
    name = await pair.stage(trip, [shipment])
    await pair.client.file_trip(name)
    await pair.until(partial(unanswered, trip_number=name), PATIENCE, POLL_SECONDS)
    taken = time.perf_counter() - begin
    board = await pair.client.board(name)
    if board["manifest"]["accepted"] != 1:
        raise RuntimeError(f"an urgent filing was not accepted: {board['manifest']}")
    return taken, taken - await pair.gateway.store.read(partial(seconds_at_cbp, trip_number=name))
