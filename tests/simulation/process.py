"""What is one gateway process? The real workers on a store of its own, and a door for what CBP sends.

Everything a process knows beside the store dies with it. A new one is built as the gateway builds it: on SQLite, which
one process has for itself, it gives up the leases of its predecessor; elsewhere it waits until they run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from filings import receiving
from filings.context import FilingContext
from filings.deadlines import Patience
from filings.store import leases
from gateway.workers.asker import Asker
from gateway.workers.loop import Worker
from gateway.workers.planner import Planner
from gateway.workers.reader import BulkReader, ExpressReader, Reader
from gateway.workers.rejudger import Rejudger
from gateway.workers.retrier import Retrier
from gateway.workers.sender import Sender
from gateway.workers.shift import Shift
from gateway.workers.watcher import Watcher
from schemas.errors import Problem
from tests.simulation.databases import Database, store_of
from tests.simulation.network import Given, Network, SimulatedRoad
from tests.simulation.turnstile import Alive, Crash
from tests.simulation.world import World

T = TypeVar("T")

PATIENCE: Final = Patience(timedelta(minutes=15), timedelta(minutes=60), timedelta(minutes=60))


class Process(Alive):
    """One gateway."""

    def __init__(self, name: str, database: Database, world: World, network: Network, ctx: FilingContext) -> None:
        super().__init__(name)
        self.paused_until = 0.0
        self.ctx = ctx
        self._world = world
        self._database = database
        self._road = SimulatedRoad(self, network)
        self.store = store_of(database, self, network.turnstile)
        moved: Callable[[], None] = lambda: None  # noqa: E731 - nobody sleeps here, so nobody has to be woken
        clock, wall = world.clock, world.machine_clock
        shift = Shift(self.store, name, wall=wall)
        self.workers: Mapping[str, Worker] = {
            "planner": Planner(self.store, ctx, clock, moved, shift),
            "sender": Sender(self.store, ctx.partner, lambda: self._road, clock, name, moved, wall=wall),
            **{name: reader(self.store, ctx, clock, moved, shift) for name, reader in _readers(world).items()},
            "watcher": Watcher(self.store, PATIENCE, clock, pace=world.monotonic),
            "rejudger": Rejudger(self.store, ctx, clock, moved),
            "retrier": Retrier(self.store, ctx, clock, moved),
            "asker": Asker(self.store, ctx, PATIENCE, clock, moved, pace=world.monotonic),
        }
        self.tasks: dict[str, asyncio.Task[Any]] = {}

    async def begin(self, *, alone: bool) -> None:
        """What the gateway does when it starts."""
        if alone:
            await self._database.write(lambda conn: leases.give_up(conn, self._world.wall))

    def idle(self) -> list[str]:
        """Workers that could take a turn."""
        return [name for name in self.workers if name not in self.tasks]

    def turn(self, worker: str) -> None:
        """A worker begins a turn."""
        self.tasks[worker] = asyncio.create_task(self.workers[worker].turn(), name=worker)

    def ask(self, what: str, work: Callable[[Connection], T]) -> asyncio.Task[T]:
        """Somebody asks this process for something; the answer is given when it is durable."""
        task = asyncio.create_task(self.store.write(work), name=what)
        self.tasks[f"{what} {len(self.tasks)} {self._world.steps}"] = task
        return task

    def door(self, given: Given) -> asyncio.Task[bool]:
        """A file of CBP's is at the door; the task gives whether a receipt goes back."""
        task = asyncio.create_task(self._door(given), name="door")
        self.tasks[f"door {given.message_id} {len(self.tasks)} {self._world.steps}"] = task
        return task

    async def _door(self, given: Given) -> bool:
        now, partner = self._world.now, self.ctx.partner
        if not given.intact:
            damaged = given.payload[: len(given.payload) // 2]
            why = (Problem("integrity-check-failed", "message", "The signature does not hold."),)
            headers = {"message-id": given.message_id}
            await self.store.write(lambda conn: receiving.refuse(conn, partner, headers, damaged, why, now))
            return False
        inbound = receiving.Inbound(
            partner, "as2", f"{given.kind}-{given.answer}", "application/edi-x12", given.payload, given.message_id
        )
        await self.store.write(lambda conn: receiving.receive(conn, inbound, now))
        return True

    def harvest(self) -> list[tuple[str, BaseException | None]]:
        """Tasks that have ended, each with what it failed of."""
        ended = [(name, task) for name, task in self.tasks.items() if task.done()]
        for name, _task in ended:
            del self.tasks[name]
        return [(name, task.exception()) for name, task in ended]

    async def bury(self) -> None:
        """Wait until everything this process had begun has died with it."""
        ends = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, Crash):
                raise end


def _readers(world: World) -> Mapping[str, type[Reader]]:
    return {"reader": ExpressReader, "bulk reader": BulkReader} if world.lanes else {"reader": Reader}


Asked = Coroutine[Any, Any, T]
