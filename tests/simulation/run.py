"""How is one seed run, from nothing to its verdict?"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from filings import planned_work
from filings.store import Store
from tests.simulation.broken import Broken
from tests.simulation.databases import Database, MemoryDatabase, ServerDatabase, make_template
from tests.simulation.loop import SimulatedLoop
from tests.simulation.simulation import Simulation
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a seed: its world with the log, and the promise that was broken, if one was."""

    world: World
    fault: Broken | None
    looks: int

    def story(self, steps: int = 40) -> str:
        """The last steps, for whoever has to find out."""
        return "\n".join([*self.world.log[-steps:], f"seed {self.world.seed}: {self.fault or 'holds'}"])


Bug = Callable[[], AbstractContextManager[Any]]
"""A deliberate fault of the gateway, in force while it is entered."""


@cache
def _memory() -> MemoryDatabase:
    with tempfile.TemporaryDirectory(prefix="gateway-simulation-") as folder:
        path = Path(folder) / "template.db"
        asyncio.run(make_template(path))
        return MemoryDatabase(path)


def run_seed(seed: int, *, server: str | None = None, bug: Bug = nullcontext) -> Run:
    """Run a seed on SQLite in memory, or on the server at this address."""
    world = World(seed)
    loops: list[SimulatedLoop] = []

    def new_loop() -> SimulatedLoop:
        loops.append(SimulatedLoop())
        return loops[-1]

    async def main() -> Simulation:
        if server is None:
            return await _simulate(_memory())
        async with await Store.open(server, upgrade=False) as store:
            return await _simulate(ServerDatabase(store))

    async def _simulate(database: Database) -> Simulation:
        simulation = Simulation(world, loops[-1], database)
        try:
            with bug(), patch.object(planned_work, "SMALL", 1 if world.lanes else planned_work.SMALL):
                await simulation.run()
        except Broken as broken:
            faults.append(broken)
        finally:
            await simulation.end()
        return simulation

    faults: list[Broken] = []
    _memory()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        simulation = runner.run(main())
    return Run(world, faults[0] if faults else None, simulation.auditor.looks)
