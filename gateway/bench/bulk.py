"""How fast do truckloads go from filing asked for to answered, and who does the work?

Measured is from the moment at which filing is asked for until CBP has said yes or no to the last bill and entry, and
every answer has been read. Staging, which decides each shipment a first time, stands beside it. The peer writes the
very rows that the run left in the store, raw, with the same durability (:mod:`gateway.bench.raw_rows`). What
one can do at most with two cores follows from the CPU seconds, which do not depend on what else the machine did.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.bench.bulk_state import counted, open_work
from gateway.bench.pair import open_pair
from gateway.bench.postgres import server_cpu
from gateway.bench.raw_rows import raw_copy
from gateway.memory import peak_mb

SECONDS_PER_SHIPMENT: Final = 0.05
"""Longest time allowed for one, so that a run that stands still ends."""
AIM: Final = 1_000
"""Shipments answered a second that are wanted."""
AIM_FROM: Final = 5_000
"""Shipments from which on a run is judged by that: a smaller one is over before it runs steadily."""
LINEAR: Final = 0.9
"""The least part of its rate that a large run may keep and still be called linear."""
FLAT: Final = 1.2
"""The most growth of memory that is still called flat."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """One run: counts, seconds, CPU seconds of each side and what the two processes held at most."""

    store: str
    shipments: int
    accepted: int
    refused: int
    staging_seconds: float
    seconds: float
    gateway_cpu: float
    sandbox_cpu: float
    database_cpu: float
    gateway_mb: int | None
    sandbox_mb: int | None
    rows: int
    raw_seconds: float

    @property
    def rate(self) -> float:
        """Shipments answered a second, from filing asked for to the last answer."""
        return self.shipments / self.seconds

    @property
    def aim(self) -> int:
        """Shipments a second that are wanted."""
        return AIM

    @property
    def met(self) -> bool | None:
        """Whether this run was as fast as is wanted; ``None`` where it had too few shipments to judge."""
        return self.rate >= AIM if self.shipments >= AIM_FROM else None

    @property
    def cpu_ms(self) -> dict[str, float]:
        """CPU milliseconds for one shipment, of each side; a database server of its own is one."""
        spent = {"gateway": self.gateway_cpu, "sandbox": self.sandbox_cpu}
        if self.database_cpu:
            spent["database"] = self.database_cpu
        return {name: round(1000 * seconds / self.shipments, 3) for name, seconds in spent.items()}

    @property
    def sandbox_share(self) -> float:
        """The simulated CBP's share of the CPU time of all, while filing."""
        return self.sandbox_cpu / (self.gateway_cpu + self.sandbox_cpu + self.database_cpu)

    @property
    def raw_rate(self) -> float:
        """Shipments a second if only their rows were written."""
        return self.shipments / self.raw_seconds

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "store": self.store,
            "shipments": self.shipments,
            "accepted": self.accepted,
            "refused": self.refused,
            "seconds": round(self.seconds, 2),
            "staged_per_second": round(self.shipments / self.staging_seconds),
            "answered_per_second": round(self.rate),
            "aim": self.aim,
            "met": self.met,
            "cpu_ms_per_shipment": self.cpu_ms,
            "sandbox_share_of_cpu": round(self.sandbox_share, 3),
            "memory_mb": {"gateway": self.gateway_mb, "sandbox": self.sandbox_mb},
            "rows": self.rows,
            "raw_per_second": round(self.raw_rate),
            "of_raw": round(self.rate / self.raw_rate, 3),
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """A small and a large run on one store: what becomes of rate and memory with the number of shipments."""

    small: Bulk
    large: Bulk

    @property
    def rate(self) -> float:
        """The large run's rate as a part of the small one's; 1 is linear."""
        return self.large.rate / self.small.rate

    @property
    def cpu(self) -> float:
        """The same of the CPU time for one shipment, all sides together: a busy machine does not change it much."""
        return sum(self.large.cpu_ms.values()) / sum(self.small.cpu_ms.values())

    @property
    def memory(self) -> float:
        """How many times the small run's memory the large one's gateway took; 1 is flat."""
        return (self.large.gateway_mb or 0) / self.small.gateway_mb if self.small.gateway_mb else 0.0

    @property
    def met(self) -> bool:
        """Whether the large run was linear, and its memory flat."""
        return self.rate >= LINEAR and self.memory <= FLAT

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "store": self.small.store,
            "shipments": [self.small.shipments, self.large.shipments],
            "rate": round(self.rate, 3),
            "rate_aim": LINEAR,
            "cpu_per_shipment": round(self.cpu, 3),
            "memory": round(self.memory, 3),
            "memory_aim": FLAT,
            "met": self.met,
        }


def growths(runs: Sequence[Bulk]) -> list[Growth]:
    """The smallest run of each store beside its largest, where there are two."""
    found: list[Growth] = []
    for store in dict.fromkeys(run.store for run in runs):
        ordered = sorted((run for run in runs if run.store == store), key=lambda run: run.shipments)
        if len(ordered) > 1:
            found.append(Growth(ordered[0], ordered[-1]))
    return found


async def run_bulk(shipments: int, *, database: str = "", server: int = 0) -> Bulk:
    """File ``shipments`` on as many trips as they need.

    ``database`` is a PostgreSQL URL, empty for SQLite; ``server`` the process of that server, to count its work.
    """
    patience = 60 + shipments * SECONDS_PER_SHIPMENT
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        async with open_pair(folder, database) as pair:
            begin = time.perf_counter()
            trips = await pair.stage_bulk(shipments)
            staging = time.perf_counter() - begin
            before = pair.gateway_cpu(), pair.sandbox_cpu(), server_cpu(server)
            begin = time.perf_counter()
            for trip in trips:
                await pair.client.file_trip(trip)
            await pair.until(open_work, patience)
            seconds = time.perf_counter() - begin
            await pair.until(lambda conn: open_work(conn, packages=True), patience)
            after = pair.gateway_cpu(), pair.sandbox_cpu(), server_cpu(server)
            accepted, refused = await pair.gateway.store.read(counted)
            memory = peak_mb(), peak_mb(pair.sandbox.pid)
        rows, raw = await raw_copy(database or folder / "gateway.db")
    gateway_cpu, sandbox_cpu, database_cpu = (late - early for late, early in zip(after, before, strict=True))
    return Bulk(
        store="PostgreSQL" if database else "SQLite",
        shipments=shipments,
        accepted=accepted,
        refused=refused,
        staging_seconds=staging,
        seconds=seconds,
        gateway_cpu=gateway_cpu,
        sandbox_cpu=sandbox_cpu,
        database_cpu=database_cpu,
        gateway_mb=memory[0],
        sandbox_mb=memory[1],
        rows=rows,
        raw_seconds=raw,
    )
