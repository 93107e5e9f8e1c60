"""How do the books, the clock and the doors work together? Takes what comes in, has it read, and knows the ways out.

The core's work runs in threads, so that the loop stays free: one thread at a time reads files, one sends
(:mod:`sandbox.sender`). What comes in during the end of the day is committed and held. Answers go out by the door that
the filer's latest file came in by.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from sandbox.cbp import Answer, Cbp, Receipt
from sandbox.clock import Clock
from sandbox.faults import Faults, Mishap
from sandbox.sender import LONGEST_REST, Deliver, NotDelivered, Refused, Sender, rest

__all__ = ["Cut", "Deliver", "NotDelivered", "Refused", "Runner"]

logger = logging.getLogger("sandbox")
AS2: Final = "as2"
"""The road that goes where no other does."""

Cut = Callable[[Answer, bytes], Awaitable[None]]
"""Begin to send a file and break the line half-way."""


class Runner:
    """Keeps a :class:`Cbp` going. ``deliver`` is set later by the AS2 door; other doors put theirs into ``roads``."""

    def __init__(self, cbp: Cbp, clock: Clock, *, retry_first: float = 0.2, retry_longest: float = 30.0) -> None:
        self.cbp, self.clock = cbp, clock
        self.faults = Faults()
        self.deliver: Deliver | None = None
        self.roads: dict[str, Deliver] = {}
        self.cuts: dict[str, Cut] = {}
        """Roads on which a line can be broken on the way out, and how; on the others it breaks when it is fetched."""
        self.unsettled: list[Callable[[], bool]] = []
        """Doors with folders say here whether something lies there that is to be taken or fetched."""
        self._sender = Sender(self, retry_first=retry_first, retry_longest=retry_longest)
        self._came = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._reading = False

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Begin reading and sending; what a stopped sandbox left behind goes on."""
        self._came.set()
        self._tasks = [
            asyncio.create_task(self._read(), name="sandbox-read"),
            asyncio.create_task(self._sender.run(), name="sandbox-send"),
        ]

    async def stop(self) -> None:
        """End both; the books are left in order."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def wake(self) -> None:
        """Something changed (clock, faults, control call): look again."""
        self._came.set()
        self._sender.wake()

    @property
    def is_out(self) -> bool:
        """Whether nobody is there at the moment."""
        return self.faults.is_out(self.clock.now())

    # ------------------------------------------------------------------ in

    async def take(self, payload: bytes, *, partner: str, message_id: str, name: str, door: str = AS2) -> Receipt:
        """Commit a file and have it read; returns after the commit. Its answers go out by the same ``door``."""
        await asyncio.to_thread(self._remember_door, partner, door)
        receipt = await asyncio.to_thread(
            self.cbp.receive, payload, self.clock.now(), partner=partner, message_id=message_id, name=name
        )
        self._came.set()
        if receipt.repeated:
            self._sender.wake()
        return receipt

    async def mishap(self) -> Mishap:
        """What the plan has in store for the next thing that comes in; only while it has something, is it counted."""
        plan = self.faults
        if not plan.meets_requests:
            return Mishap()
        return plan.mishap(await asyncio.to_thread(self.cbp.store.next_number, "mishap"))

    async def tell_mishap(self, partner: str, name: str, fault: str, result: str, *, direction: str = "in") -> None:
        """Put what a fault of the plan did into the transcript."""
        await asyncio.to_thread(self.cbp.mishap, self.clock.now(), direction, partner[:200], name[:200], fault, result)

    def _remember_door(self, partner: str, door: str) -> None:
        key = f"door:{partner}"
        if self.cbp.store.get_meta(key) != door:
            self.cbp.store.set_meta(key, door)

    # ------------------------------------------------------------------ out

    async def way_to(self, partner: str) -> tuple[Deliver, Cut | None]:
        """How files reach a filer, and how the line to it breaks. Raises :class:`NotDelivered`."""
        door = str(await asyncio.to_thread(self.cbp.store.get_meta, f"door:{partner}"))
        road = door if door in self.roads else AS2
        way = self.roads.get(road, self.deliver)
        if way is None:
            raise NotDelivered(f"no door leads to {partner}")
        return way, self.cuts.get(road)

    @property
    def has_ways(self) -> bool:
        """Whether any door is open."""
        return self.deliver is not None or bool(self.roads)

    async def settled(self, seconds: float = 30.0) -> bool:
        """Wait until nothing is being read and nothing due is unsent or unfetched; ``False`` when that took too long.
        What waits for the end of an outage or of the day is not waited for. For tests and demos.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            waiting = await asyncio.to_thread(self._waiting)
            if not waiting:
                return True
            await asyncio.sleep(0.01)
        return False

    def _waiting(self) -> bool:
        """Asked in the order in which a file goes its way, so that none slips through between two questions."""
        return (
            self._lies_somewhere()
            or any(not self._is_held(one, self.clock.now()) for one in self.cbp.undigested())
            or self._reading
            or self._is_due()
            or self._sender.busy
            or self._lies_somewhere()
        )

    def _lies_somewhere(self) -> bool:
        return any(look() for look in self.unsettled)

    def _is_due(self) -> bool:
        due = self.cbp.next_due()
        return due is not None and due <= self.clock.now() and not self.is_out

    # ------------------------------------------------------------------ reading

    async def _read(self) -> None:
        while True:
            self._came.clear()
            held: list[int] = []
            for received in await asyncio.to_thread(self.cbp.undigested):
                self._reading = True
                try:
                    if not await asyncio.to_thread(self._read_one, received):
                        held.append(received)
                except Exception as error:
                    logger.exception("file %s could not be read", received)
                    await asyncio.to_thread(
                        self.cbp.give_up, received, self.clock.now(), f"{type(error).__name__}: {error}"
                    )
                finally:
                    self._reading = False
                self._sender.wake()
            await rest(self._came, await asyncio.to_thread(self._until_the_end_of_day, held))

    def _read_one(self, received: int) -> bool:
        """Read one file; ``False``: it is held, as the day is at its end."""
        plan, now = self.faults, self.clock.now()
        over = plan.held_until(self.cbp.received_at(received)) if plan.end_of_day else None
        if over is not None and self._is_held(received, now):
            return False
        if over is not None and plan.end_of_day_loses:
            self.cbp.lose(received, now, f"held at the end of the day ({plan.end_of_day}) and lost: please resend")
        elif over is not None:  # judged as of its receipt, from which CBP's clock runs, and told now
            self.cbp.digest(received, self.cbp.received_at(received), fails=plan.fails(received), told_at=now)
        else:
            self.cbp.digest(received, now, fails=plan.fails(received))
        return True

    def _is_held(self, received: int, now: datetime) -> bool:
        return bool(self.faults.end_of_day) and self.faults.is_held(self.cbp.received_at(received), now)

    def _until_the_end_of_day(self, held: list[int]) -> float:
        """Real seconds after which a held file is looked at again; without any only a wake-up counts."""
        ends = [self.faults.held_until(self.cbp.received_at(one)) for one in held[:1]]
        seconds = [self.clock.real_seconds_until(end) for end in ends if end is not None]
        return min(LONGEST_REST, *seconds) if seconds else math.inf
