"""How fast do truckloads go from staged to accepted, and who does the work?

Gateway and simulated CBP are two processes, as in the demonstration; files are signed, encrypted and receipted by AS2,
and every commit is durable. Measured is from the moment at which filing is asked for until CBP has said yes or no to
the last bill and entry, and every answer has been read. Staging, which decides each shipment a first time, stands
beside it. The peer writes the very rows that the run left in the store, raw, with the same durability.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.bench.bulk_state import counted, open_work, raw_copy
from gateway.memory import cpu_seconds, peak_mb

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.client import GatewayClient
    from gateway.demo.run import DemoClock
    from gateway.demo.sandbox_process import SandboxProcess
    from gateway.runtime import Gateway

ARRIVAL: Final = date(2025, 3, 10)
SHIPMENTS_PER_TRIP: Final = 5_000
STAGED_AT_ONCE: Final = 500
POLL_SECONDS: Final = 0.05
SECONDS_PER_SHIPMENT: Final = 0.05
"""Longest time allowed for one, so that a run that stands still ends."""
AIM: Final = 1_000
"""Shipments a second from staged to accepted that are wanted."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """One run: counts, seconds, CPU seconds of both processes and what they held at most."""

    store: str
    shipments: int
    answered: int
    staging_seconds: float
    seconds: float
    gateway_cpu: float
    sandbox_cpu: float
    gateway_mb: int | None
    sandbox_mb: int | None
    rows: int
    raw_seconds: float

    @property
    def rate(self) -> float:
        """Shipments a second from staged to answered."""
        return self.shipments / self.seconds

    @property
    def aim(self) -> int:
        """Shipments a second that are wanted."""
        return AIM

    @property
    def met(self) -> bool:
        """Whether this run was as fast as is wanted."""
        return self.rate >= AIM

    @property
    def sandbox_share(self) -> float:
        """The simulated CBP's share of the CPU time of both processes, while filing."""
        return self.sandbox_cpu / (self.gateway_cpu + self.sandbox_cpu)

    @property
    def raw_rate(self) -> float:
        """Shipments a second if only their rows were written."""
        return self.shipments / self.raw_seconds if self.raw_seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "store": self.store,
            "shipments": self.shipments,
            "answered": self.answered,
            "staged_per_second": round(self.shipments / self.staging_seconds),
            "accepted_per_second": round(self.rate),
            "aim": self.aim,
            "met": self.met,
            "cpu_seconds": {"gateway": round(self.gateway_cpu, 1), "sandbox": round(self.sandbox_cpu, 1)},
            "sandbox_share_of_cpu": round(self.sandbox_share, 3),
            "memory_mb": {"gateway": self.gateway_mb, "sandbox": self.sandbox_mb},
            "rows": self.rows,
            "raw_per_second": round(self.raw_rate),
        }


def run_bulk(shipments: int, *, database: str = "", arrival: date = ARRIVAL) -> Bulk:
    """File ``shipments`` on as many trips as they need; ``database`` is a PostgreSQL URL, empty for SQLite."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        return asyncio.run(_Run(Path(name), shipments, database, arrival).run())


class _Run:
    def __init__(self, folder: Path, shipments: int, database: str, arrival: date) -> None:
        self.folder, self.shipments, self.database, self.arrival = folder, shipments, database, arrival

    async def run(self) -> Bulk:
        from gateway.demo.run import BEFORE_ARRIVAL, DemoClock
        from gateway.demo.shipments import make_trip

        clock = DemoClock()
        planned = datetime.fromisoformat(make_trip(self.arrival, 1)["estimated_arrival"])
        clock.set(planned - BEFORE_ARRIVAL)
        async with AsyncExitStack() as stack:
            gateway, client, sandbox = await self._open(stack, clock)
            begin = time.perf_counter()
            trips = [await self._stage(client, number) for number in range(-(-self.shipments // SHIPMENTS_PER_TRIP))]
            staging = time.perf_counter() - begin
            before, of_sandbox = cpu_seconds(), cpu_seconds(sandbox.pid)
            begin = time.perf_counter()
            for trip in trips:
                await client.file_trip(trip)
            await self._until(gateway, open_work)
            seconds = time.perf_counter() - begin
            await self._until(gateway, lambda conn: open_work(conn, packages=True))
            answered = await gateway.store.read(counted)
            spent = cpu_seconds() - before + gateway.workshop_cpu_seconds
            spent_there = cpu_seconds(sandbox.pid) - of_sandbox
            memory = peak_mb(), peak_mb(sandbox.pid)
        rows, raw = (0, 0.0) if self.database else await asyncio.to_thread(raw_copy, self.folder / "gateway.db")
        return Bulk(
            "PostgreSQL" if self.database else "SQLite",
            self.shipments, answered, staging, seconds, spent, spent_there, *memory, rows, raw,
        )  # fmt: skip

    async def _open(self, stack: AsyncExitStack, clock: DemoClock) -> tuple[Gateway, GatewayClient, SandboxProcess]:
        from filings.identity import Role, create_key
        from gateway.client import GatewayClient
        from gateway.demo.door import open_door, serving
        from gateway.demo.sandbox_process import SandboxProcess
        from gateway.runtime import Gateway
        from gateway.settings import load_settings

        door = open_door("127.0.0.1")
        stack.callback(door.close)
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        start = clock.now().isoformat()
        arguments = ["--port", "0", "--control-port", "0", "--clock", start]
        process = SandboxProcess(self.folder / "sandbox", self.folder / "exchange", f"{url}/as2", arguments)
        sandbox = await stack.enter_async_context(process)
        overrides: dict[str, Any] = {
            "listen": {"host": "127.0.0.1", "port": int(url.rsplit(":", 1)[1])},
            "storage": {"directory": str(self.folder)},
            "exchange": {"directory": str(self.folder / "exchange")},
            "partners": {"cbp": sandbox.partner},
        }
        if self.database:
            overrides["storage"]["database_url"] = self.database
        settings = load_settings(environ={}, overrides=overrides)
        gateway = await stack.enter_async_context(Gateway.open(settings, clock=clock.now))
        await stack.enter_async_context(serving(gateway, door))
        await sandbox.set_clock(clock.now().isoformat())
        now = clock.now()
        _, secret = await gateway.store.write(
            lambda conn: create_key(conn, "bench", Role.BROKER, now=now, licensed=True)
        )
        client = await stack.enter_async_context(GatewayClient(url, secret))
        return gateway, client, sandbox

    async def _stage(self, client: GatewayClient, number: int) -> str:
        from gateway.demo.shipments import make_shipments, make_trip

        trip = make_trip(self.arrival, number + 1)
        name = str(trip["trip_number"])
        await client.put_trip(trip)
        left = min(SHIPMENTS_PER_TRIP, self.shipments - number * SHIPMENTS_PER_TRIP)
        batch: list[Mapping[str, Any]] = []
        for one in make_shipments(self.arrival, left, number + 1):
            batch.append(one)
            if len(batch) == STAGED_AT_ONCE:
                await client.stage(name, batch)
                batch = []
        if batch:
            await client.stage(name, batch)
        return name

    async def _until(self, gateway: Gateway, waiting: Callable[[Connection], dict[str, int]]) -> None:
        """Wait until nothing waits."""
        end = time.monotonic() + 60 + self.shipments * SECONDS_PER_SHIPMENT
        while left := await gateway.store.read(waiting):
            if time.monotonic() > end:
                raise TimeoutError(f"the run stands still: {left}")
            await asyncio.sleep(POLL_SECONDS)
