"""Which of several processes does a piece of work that only one should do at a time?

Each gateway process has a name (``owner``). Rows that are work (transmissions, receipts owed) are claimed one by one;
work that is no row (planning a trip, looking into a folder) is held under a name. Either is leased: a process that
is silent for longer than its lease has lost it, and somebody else goes on. Leases run on the machine's clock.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from filings.store import Store, leases
from filings.uuid7 import uuid7

LEASE: Final = timedelta(minutes=3)
"""Longer than one step of a worker takes."""


def machine_clock() -> datetime:
    """The machine's own clock, on which leases and pauses run."""
    return datetime.now(UTC)


def process_name() -> str:
    """A name that no other process has or had: machine, process number, something random."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid7()[-6:]}"


class Shift:
    """The work that one process holds under names in its store."""

    def __init__(
        self,
        store: Store,
        owner: str = "",
        *,
        lease: timedelta = LEASE,
        wall: Callable[[], datetime] = machine_clock,
    ) -> None:
        self.owner = owner or process_name()
        self.lease = lease
        self.wall = wall
        self._store = store
        self._until: dict[str, datetime] = {}

    async def hold(self, name: str) -> bool:
        """Hold the work of this name; ``False`` while another process does. Asks the store only when it must."""
        now = self.wall()
        known = self._until.get(name)
        if known is not None and now < known - self.lease / 2:
            return True
        held = await self._store.write(lambda conn: leases.hold(conn, name, self.owner, now, self.lease))
        if held:
            self._until[name] = now + self.lease
        else:
            self._until.pop(name, None)
        return held

    async def let_go(self, name: str) -> None:
        """Give the work of this name up."""
        self._until.pop(name, None)
        await self._store.write(lambda conn: leases.let_go(conn, name, self.owner))
