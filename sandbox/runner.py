"""How do the books, the clock and the doors work together? Reads what came in, sends what is due, in order, again and
again.

The core's work runs in threads, so that the loop stays free: one thread at a time reads files, one sends. Delivery is
in the order of the pile; while a filer
cannot be reached, its first file is tried again with growing pauses (real seconds) and nothing of its own overtakes it;
other filers are not kept waiting.
Answers go out by the door that the filer's latest file came in by.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

from sandbox.cbp import Answer, Cbp, Receipt
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.office import garbled

logger = logging.getLogger("sandbox")
_LONGEST_WAIT: Final = 1.0


class NotDelivered(Exception):
    """A file did not reach the other side; it will be tried again."""


class Refused(Exception):
    """The other side said no to a file (negative receipt)."""


Deliver = Callable[[Answer, bytes, int], Awaitable[str]]
"""Send a file (answer, the bytes to send, which copy) and give the message identifier; raises NotDelivered or Refused.
"""


class Runner:
    """Keeps a :class:`Cbp` going. ``deliver`` is set later by the AS2 door; other doors put theirs into ``roads``."""

    def __init__(self, cbp: Cbp, clock: Clock, *, retry_first: float = 0.2, retry_longest: float = 30.0) -> None:
        self.cbp, self.clock = cbp, clock
        self.retry_first, self.retry_longest = retry_first, retry_longest
        self.faults = Faults()
        self.deliver: Deliver | None = None
        self.roads: dict[str, Deliver] = {}
        self.unfetched: Callable[[], bool] = lambda: False
        """Whether answers lie ready that the filer has not fetched yet; a door that has to wait for that sets it."""
        self._held: dict[str, tuple[float, float]] = {}
        self._came = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._delayed: set[int] = set()
        self._refusals: dict[int, int] = {}
        self._reading = False
        self._sending = False

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Begin reading and sending; what a stopped sandbox left behind goes on."""
        self._came.set()
        self._tasks = [
            asyncio.create_task(self._read(), name="sandbox-read"),
            asyncio.create_task(self._send(), name="sandbox-send"),
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
        self._wake.set()

    @property
    def is_out(self) -> bool:
        """Whether nobody is there at the moment."""
        return self.faults.is_out(self.clock.now())

    async def take(self, payload: bytes, *, partner: str, message_id: str, name: str, door: str = "as2") -> Receipt:
        """Commit a file and have it read; returns after the commit. Its answers go out by the same ``door``."""
        await asyncio.to_thread(self._remember_door, partner, door)
        receipt = await asyncio.to_thread(
            self.cbp.receive, payload, self.clock.now(), partner=partner, message_id=message_id, name=name
        )
        self._came.set()
        if receipt.repeated:
            self.wake()
        return receipt

    def _remember_door(self, partner: str, door: str) -> None:
        key = f"door:{partner}"
        if self.cbp.store.get_meta(key) != door:
            self.cbp.store.set_meta(key, door)

    async def _way_to(self, partner: str) -> Deliver:
        door = await asyncio.to_thread(self.cbp.store.get_meta, f"door:{partner}")
        way = self.roads.get(str(door), self.deliver)
        if way is None:
            raise NotDelivered(f"no door leads to {partner}")
        return way

    async def settled(self, seconds: float = 30.0) -> bool:
        """Wait until nothing is being read and nothing due is unsent or unfetched; ``False`` when that took too long.
        For tests and demos.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            waiting = await asyncio.to_thread(self._waiting)
            if not waiting:
                return True
            await asyncio.sleep(0.01)
        return False

    def _waiting(self) -> bool:
        due = self.cbp.next_due()
        return (
            self._reading
            or self._sending
            or bool(self.cbp.undigested())
            or (due is not None and due <= self.clock.now())
            or self.unfetched()
        )

    # ------------------------------------------------------------------ reading

    async def _read(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            for received in await asyncio.to_thread(self.cbp.undigested):
                self._reading = True
                try:
                    await asyncio.to_thread(self.cbp.digest, received, self.clock.now())
                except Exception as error:
                    logger.exception("file %s could not be read", received)
                    await asyncio.to_thread(
                        self.cbp.give_up, received, self.clock.now(), f"{type(error).__name__}: {error}"
                    )
                finally:
                    self._reading = False
                self.wake()

    # ------------------------------------------------------------------ sending

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if self.is_out or (self.deliver is None and not self.roads):
                await self._rest(_LONGEST_WAIT)
                continue
            self._sending = True
            try:
                held = self._held_back()
                answers = await asyncio.to_thread(partial(self.cbp.due, self.clock.now(), without=held))
                went = False
                for answer in self._in_order(answers):
                    if answer.partner not in held:
                        went = await self._try(answer, held) or went
            except Exception:
                logger.exception("a step failed")
                await asyncio.sleep(self.retry_first)
                continue
            finally:
                self._sending = False
            if not went:
                await self._rest(await self._until_next())

    def _held_back(self) -> set[str]:
        """Filers that could not be reached and whose pause is not over."""
        now = asyncio.get_running_loop().time()
        return {partner for partner, (until, _) in self._held.items() if until > now}

    async def _try(self, answer: Answer, held: set[str]) -> bool:
        """One delivery; a filer that cannot be reached is held back for a while (``False``), and the others go on."""
        try:
            await self._one(answer, await self._way_to(answer.partner))
        except NotDelivered as error:
            _, before = self._held.get(answer.partner, (0.0, 0.0))
            pause = min(before * 2, self.retry_longest) if before else self.retry_first
            self._held[answer.partner] = (asyncio.get_running_loop().time() + pause, pause)
            held.add(answer.partner)
            logger.info("not delivered to %s, trying again in %.1f s: %s", answer.partner, pause, error)
            return False
        self._held.pop(answer.partner, None)
        return True

    async def _until_next(self) -> float:
        now = asyncio.get_running_loop().time()
        pauses = [until - now for until, _ in self._held.values() if until > now]
        if pauses:
            return min(_LONGEST_WAIT, *pauses)
        due = await asyncio.to_thread(self.cbp.next_due)
        if due is None:
            return _LONGEST_WAIT
        return min(max((due - self.clock.now()).total_seconds(), 0.0), _LONGEST_WAIT)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.001)):  # wait_for of Python 3.11 can swallow a cancellation
                await self._wake.wait()

    def _in_order(self, answers: list[Answer]) -> list[Answer]:
        """Answers with the fate *reorder* let the next one pass."""
        out = list(answers)
        for place in range(len(out) - 1):
            if self.faults.fate(out[place].id) == "reorder" and self.faults.fate(out[place + 1].id) != "reorder":
                out[place], out[place + 1] = out[place + 1], out[place]
        return out

    async def _one(self, answer: Answer, deliver: Deliver) -> None:
        fate = self.faults.fate(answer.id)
        if fate == "drop":
            await self._tick_off(answer, "dropped")
            return
        if fate == "delay" and answer.id not in self._delayed:
            self._delayed.add(answer.id)
            await asyncio.to_thread(
                self.cbp.postpone, [answer], self.clock.now() + timedelta(seconds=self.faults.delay_seconds)
            )
            return
        payload = garbled(answer.payload) if fate == "garble" else answer.payload
        try:
            message_id = await deliver(answer, payload, 0)
            if fate == "duplicate":
                await deliver(answer, payload, 1)
        except Refused as error:
            self._refusals[answer.id] = self._refusals.get(answer.id, 0) + 1
            if self._refusals[answer.id] < 3:
                raise NotDelivered(f"refused by the other side: {error}") from error
            await self._tick_off(answer, f"refused: {error}", payload)
            return
        except NotDelivered as error:
            await asyncio.to_thread(self.cbp.failed, answer, str(error))
            raise
        await self._tick_off(answer, "delivered garbled" if fate == "garble" else "delivered", payload, message_id)

    async def _tick_off(self, answer: Answer, verdict: str, payload: bytes | None = None, message_id: str = "") -> None:
        self._refusals.pop(answer.id, None)
        await asyncio.to_thread(
            self.cbp.sent, answer, self.clock.now(), payload=payload, message_id=message_id, verdict=verdict
        )
