"""How do several gateways run on one database? Each as the command line starts it, in one folder, on a port of its own.

They share the settings, the data directory (so: the keys) and the PostgreSQL database; only their listening ports
differ. CBP knows one address, the balancer's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from filings.store import Store
from tests.many.balancer import Balancer
from tests.world import World, free_port

LEASE_SECONDS = 3.0
EXCHANGE_SECONDS = 5.0
"""How long a gateway waits for CBP's receipt; a send is leased for this and the lease."""
STALLED_SECONDS = 5.0
PATIENCE = 240.0
"""Seconds that anything may take on a machine with other things to do."""

Row = dict[str, Any]


class Fleet(World):
    """Gateways by name, the simulated CBP, the balancer between them, and a look into their database."""

    def __init__(self, folder: Path, morning: str, database: str, *, faults: Path | None = None) -> None:
        super().__init__(folder, morning)
        self.balancer = Balancer(self.http)
        self.ports: dict[str, int] = {}
        self.paused: set[str] = set()
        self.pids: dict[int, str] = {}
        """Names by process number, of all that ever ran."""
        self.environment |= {
            "GATEWAY_STORAGE__DATABASE_URL": database.replace("postgresql://", "postgresql+asyncpg://", 1),
            "GATEWAY_PROCESSES__LEASE_SECONDS": str(LEASE_SECONDS),
            "GATEWAY_PROCESSES__STALLED_SECONDS": str(STALLED_SECONDS),
            "GATEWAY_PARTNERS__CBP__TIMEOUT_SECONDS": str(EXCHANGE_SECONDS),
            "GATEWAY_LIMITS__ENTRIES_PER_TRANSMISSION": "20",
            "SANDBOX_SEND_TIMEOUT": "5",
            "SANDBOX_RETRY_LONGEST": "1",
        }
        if faults is not None:
            self.environment["PYTHONPATH"] = os.pathsep.join((str(faults), self.environment["PYTHONPATH"]))
        self._store: Store | None = None

    async def open(self, *names: str) -> None:
        """Start everything; the gateways at the same moment, on an empty database and without keys."""
        await self.balancer.start()
        await asyncio.to_thread(self.start, "sandbox")
        await self.join(*names)
        self._store = await Store.open(self.environment["GATEWAY_STORAGE__DATABASE_URL"], upgrade=False)

    async def join(self, *names: str) -> None:
        """Start gateways at the same moment and wait until each answers."""
        for name in names:
            self._launch(name)
        for name in names:
            url = f"http://127.0.0.1:{self.ports[name]}/healthz"
            process = self.processes[name]
            await self.soon(f"{name} answers", lambda url=url: asyncio.to_thread(self.get, url), beside=process)
            self.balancer.put_in(self.ports[name])

    def _launch(self, name: str) -> None:
        self.ports[name] = free_port()
        environment = {**self.environment, "GATEWAY_LISTEN__PORT": str(self.ports[name])}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "serve"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.processes[name] = process
        self.pids[process.pid] = name

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a gateway."""
        self.processes[name].send_signal(number)

    @property
    def doors(self) -> list[int]:
        """Ports of the gateways that run."""
        return [port for name, port in self.ports.items() if name in self.processes and name not in self.paused]

    async def pause_while(self, name: str, query: str) -> list[Row]:
        """Stop a gateway (SIGSTOP) at a moment at which the query finds rows for it (``:owner``); gives the rows."""
        owner = f"%:{self.processes[name].pid}:%"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.signal(name, signal.SIGSTOP)
            if found := await self.rows(query, owner=owner):
                self.paused.add(name)
                self.balancer.take_out(self.ports[name])
                return found
            self.signal(name, signal.SIGCONT)
            await asyncio.sleep(0.02)  # let it run a little
        raise AssertionError(f"{name} was never found at it")

    def resume(self, name: str) -> None:
        """Let a paused gateway go on (SIGCONT)."""
        self.signal(name, signal.SIGCONT)
        self.paused.discard(name)
        self.balancer.put_in(self.ports[name])

    async def leave(self) -> None:
        """Let all gateways and the simulated CBP end in good order."""
        await self.balancer.close()
        await asyncio.to_thread(self.close)
        self.processes.clear()

    async def shut(self) -> None:
        """End what is left, whatever happened."""
        for name in list(self.paused):
            self.resume(name)
        await self.leave()
        if self._store is not None:
            await self._store.close()

    @property
    def store(self) -> Store:
        """The gateways' store, seen from outside."""
        assert self._store is not None
        return self._store

    async def rows(self, query: str, **values: Any) -> Sequence[Row]:
        """Rows of a query in plain SQL."""
        return await self.store.read(lambda conn: [dict(one) for one in conn.execute(text(query), values).mappings()])

    async def soon(self, what: str, done: Callable[[], Any], *, beside: subprocess.Popen[bytes] | None = None) -> Any:
        """Wait until an awaitable answer is true, but not for ever, nor for a process that has ended; gives it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and (beside is None or beside.poll() is None):
            if answer := await done():
                return answer
            await asyncio.sleep(0.1)
        logs = {path.name: path.read_text("utf-8", "replace")[-3000:] for path in self.folder.glob("*.log")}
        raise AssertionError(f"still waiting: {what}; {logs}")
