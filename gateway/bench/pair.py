"""How are gateway and simulated CBP put up for a run, and how do trips get into them?

Two processes, as in the demonstration: files are signed, encrypted and receipted by AS2, and every commit is durable.
What drives them asks through the HTTP API, and looks into the store for what has become of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.memory import cpu_seconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.client import GatewayClient
    from gateway.demo.sandbox_process import SandboxProcess
    from gateway.runtime import Gateway

ARRIVAL: Final = date(2025, 3, 10)
SHIPMENTS_PER_TRIP: Final = 5_000
STAGED_AT_ONCE: Final = 500
POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """A gateway at work, a client of it with a broker's key, and the simulated CBP that it files with."""

    gateway: Gateway
    client: GatewayClient
    sandbox: SandboxProcess

    def gateway_cpu(self) -> float:
        """CPU seconds of the gateway so far, its child process included."""
        return cpu_seconds() + self.gateway.workshop_cpu_seconds

    def sandbox_cpu(self) -> float:
        """CPU seconds of the simulated CBP so far."""
        return cpu_seconds(self.sandbox.pid)

    async def stage(self, trip: Mapping[str, Any], shipments: Any) -> str:
        """A trip with its shipments, staged in batches; its number."""
        name = str(trip["trip_number"])
        await self.client.put_trip(dict(trip))
        batch: list[Mapping[str, Any]] = []
        for one in shipments:
            batch.append(one)
            if len(batch) == STAGED_AT_ONCE:
                await self.client.stage(name, batch)
                batch = []
        if batch:
            await self.client.stage(name, batch)
        return name

    async def stage_bulk(self, shipments: int) -> list[str]:
        """As many trips as this many shipments need, staged one after the other; their numbers."""
        from gateway.demo.shipments import make_shipments, make_trip

        numbers: list[str] = []
        for first in range(0, shipments, SHIPMENTS_PER_TRIP):
            seed, count = len(numbers) + 1, min(SHIPMENTS_PER_TRIP, shipments - first)
            numbers.append(await self.stage(make_trip(ARRIVAL, seed), make_shipments(ARRIVAL, count, seed)))
        return numbers

    async def until(
        self, waiting: Callable[[Connection], dict[str, int]], seconds: float, poll: float = POLL_SECONDS
    ) -> None:
        """Wait until nothing waits; raises :class:`TimeoutError` with what does after so many seconds."""
        end = time.monotonic() + seconds
        while left := await self.gateway.store.read(waiting):
            if time.monotonic() > end:
                raise TimeoutError(f"the run stands still: {left}")
            await asyncio.sleep(poll)


@asynccontextmanager
async def open_pair(folder: Path, database: str) -> AsyncIterator[Pair]:
    """Both at work while the block runs; ``database`` is a PostgreSQL URL, empty for a SQLite file in ``folder``."""
    from filings.identity import Role, create_key
    from gateway.client import GatewayClient
    from gateway.demo.door import open_door, serving
    from gateway.demo.run import BEFORE_ARRIVAL, DemoClock
    from gateway.demo.sandbox_process import SandboxProcess
    from gateway.demo.shipments import make_trip
    from gateway.runtime import Gateway
    from gateway.settings import load_settings

    clock = DemoClock()
    planned = datetime.fromisoformat(make_trip(ARRIVAL, 1)["estimated_arrival"])
    clock.set(planned - BEFORE_ARRIVAL)
    async with AsyncExitStack() as stack:
        door = open_door("127.0.0.1")
        stack.callback(door.close)
        port = int(door.getsockname()[1])
        url = f"http://127.0.0.1:{port}"
        arguments = ["--port", "0", "--control-port", "0", "--clock", clock.now().isoformat()]
        process = SandboxProcess(folder / "sandbox", folder / "exchange", f"{url}/as2", arguments)
        sandbox = await stack.enter_async_context(process)
        storage = {"directory": str(folder)} | ({"database_url": database} if database else {})
        overrides: dict[str, Any] = {
            "listen": {"host": "127.0.0.1", "port": port},
            "storage": storage,
            "exchange": {"directory": str(folder / "exchange")},
            "partners": {"cbp": sandbox.partner},
        }
        settings = load_settings(environ={}, overrides=overrides)
        gateway = await stack.enter_async_context(Gateway.open(settings, clock=clock.now))
        await stack.enter_async_context(serving(gateway, door))
        await sandbox.set_clock(clock.now().isoformat())
        now = clock.now()
        _, secret = await gateway.store.write(
            lambda conn: create_key(conn, "bench", Role.BROKER, now=now, licensed=True)
        )
        yield Pair(gateway, await stack.enter_async_context(GatewayClient(url, secret)), sandbox)
