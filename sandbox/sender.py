"""How do answers get out? What is due, in order, again and again, and with what the plan of faults does to each.

Delivery is in the order of the pile; while a filer cannot be reached, its first file is tried again with growing pauses
(real seconds) and nothing of its own overtakes it; other filers are not kept waiting. Rests are as long as the clock,
at the speed at which it runs, needs to the next thing due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from sandbox.cbp import Answer
from sandbox.office import cut_off, garbled

if TYPE_CHECKING:
    from sandbox.runner import Cut, Runner

logger = logging.getLogger("sandbox")
LONGEST_REST: Final = 1.0
_MOST_REFUSALS: Final = 3
_DAMAGES: Final[dict[str, tuple[Callable[[bytes], bytes], str]]] = {
    "garble": (garbled, "delivered garbled"),
    "truncate": (cut_off, "delivered cut off"),
}
"""Fates that change the bytes: how, and what the transcript says."""


class NotDelivered(Exception):
    """A file did not reach the other side; it will be tried again."""


class Refused(Exception):
    """The other side said no to a file (negative receipt)."""


Deliver = Callable[[Answer, bytes, int], Awaitable[str]]
"""Send a file (answer, the bytes to send, which copy) and give the message identifier; raises NotDelivered or Refused.
"""


async def rest(woken: asyncio.Event, seconds: float) -> None:
    """Wait for an event, so many seconds at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.001) if seconds < math.inf else None):
            await woken.wait()  # wait_for of Python 3.11 can swallow a cancellation


class Sender:
    """Sends the answers of one set of books."""

    def __init__(self, runner: Runner, *, retry_first: float, retry_longest: float) -> None:
        self._runner, self._cbp, self._clock = runner, runner.cbp, runner.clock
        self._retry_first, self._retry_longest = retry_first, retry_longest
        self.busy = False
        self._held: dict[str, tuple[float, float]] = {}
        self._refusals: dict[int, int] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look again."""
        self._woken.set()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            self._woken.clear()
            if self._runner.is_out or not self._runner.has_ways:
                await rest(self._woken, self._until_somebody_is_there())
                continue
            self.busy = True
            try:
                held = self._held_back()
                answers = await asyncio.to_thread(partial(self._cbp.due, self._clock.now(), without=held))
                went = False
                for answer in self._in_order(answers):
                    if answer.partner not in held:
                        went = await self._try(answer, held) or went
            except Exception:
                logger.exception("a step failed")
                await asyncio.sleep(self._retry_first)
                continue
            finally:
                self.busy = False
            if not went:
                await rest(self._woken, await self._until_next())

    def _held_back(self) -> set[str]:
        """Filers that could not be reached and whose pause is not over."""
        now = asyncio.get_running_loop().time()
        return {partner for partner, (until, _) in self._held.items() if until > now}

    async def _try(self, answer: Answer, held: set[str]) -> bool:
        """One delivery; a filer that cannot be reached is held back for a while (``False``), and the others go on."""
        try:
            await self._one(answer, *await self._runner.way_to(answer.partner))
        except NotDelivered as error:
            _, before = self._held.get(answer.partner, (0.0, 0.0))
            pause = min(before * 2, self._retry_longest) if before else self._retry_first
            self._held[answer.partner] = (asyncio.get_running_loop().time() + pause, pause)
            held.add(answer.partner)
            logger.info("not delivered to %s, trying again in %.1f s: %s", answer.partner, pause, error)
            return False
        self._held.pop(answer.partner, None)
        return True

    # ------------------------------------------------------------------ rests

    def _until_somebody_is_there(self) -> float:
        back = self._runner.faults.out_until(self._clock.now())
        return LONGEST_REST if back is None else min(LONGEST_REST, self._clock.real_seconds_until(back))

    async def _until_next(self) -> float:
        now = asyncio.get_running_loop().time()
        pauses = [until - now for until, _ in self._held.values() if until > now]
        if pauses:
            return min(LONGEST_REST, *pauses)
        due = await asyncio.to_thread(self._cbp.next_due)
        return LONGEST_REST if due is None else min(self._clock.real_seconds_until(due), LONGEST_REST)

    # ------------------------------------------------------------------ fates

    def _in_order(self, answers: list[Answer]) -> list[Answer]:
        """An answer with the fate *reorder* lets the next one of its filer pass."""
        out: list[Answer] = []
        passing: dict[str, Answer] = {}
        for answer in answers:
            waits = passing.pop(answer.partner, None)
            if waits is None and self._runner.faults.fate(answer.id) == "reorder":
                passing[answer.partner] = answer
                continue
            out += [answer] if waits is None else [answer, waits]
        return out + list(passing.values())

    async def _one(self, answer: Answer, deliver: Deliver, cut: Cut | None) -> None:
        fate = self._runner.faults.fate(answer.id)
        if fate == "drop":
            await self._tick_off(answer, "dropped")
            return
        if fate == "delay" and await self._strikes(answer, fate):
            late = self._clock.now() + timedelta(seconds=self._runner.faults.delay_seconds)
            await asyncio.to_thread(self._cbp.postpone, [answer], late)
            return
        damage, verdict = _DAMAGES.get(fate, (bytes, "delivered"))
        payload = damage(answer.payload)
        try:
            if fate == "reset" and cut is not None and await self._strikes(answer, fate):
                await self._break(answer, cut)
            message_id = await deliver(answer, payload, 0)
            if fate == "duplicate":
                await deliver(answer, payload, 1)
                verdict = "delivered twice"
        except Refused as error:
            self._refusals[answer.id] = self._refusals.get(answer.id, 0) + 1
            if self._refusals[answer.id] < _MOST_REFUSALS:
                raise NotDelivered(f"refused by the other side: {error}") from error
            await self._tick_off(answer, f"refused: {error}", payload)
            return
        except NotDelivered as error:
            await asyncio.to_thread(self._cbp.failed, answer, str(error))
            raise
        await self._tick_off(answer, verdict, payload, message_id)

    async def _strikes(self, answer: Answer, fate: str) -> bool:
        return await asyncio.to_thread(self._cbp.strikes, answer.id, fate, self._clock.now())

    async def _break(self, answer: Answer, cut: Cut) -> None:
        """Begin to send and break off. Raises :class:`NotDelivered`."""
        text = "the line was cut half-way, it comes again"
        await self._runner.tell_mishap(answer.partner, answer.name, "reset", text, direction="out")
        await cut(answer, answer.payload)
        raise NotDelivered(text)

    async def _tick_off(self, answer: Answer, verdict: str, payload: bytes | None = None, message_id: str = "") -> None:
        self._refusals.pop(answer.id, None)
        await asyncio.to_thread(
            self._cbp.sent, answer, self._clock.now(), payload=payload, message_id=message_id, verdict=verdict
        )
