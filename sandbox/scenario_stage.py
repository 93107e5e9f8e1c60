"""Where is a scenario played? In the process, where the scenario is the filer too and no time is waited for; or on a
running sandbox, to whose doors somebody else's software files.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sandbox import views
from sandbox.cbp import Cbp
from sandbox.doors.books import Books
from sandbox.faults import Faults
from sandbox.offices import Offices
from sandbox.scenario import Scenario, ToSend
from sandbox.store import moment as as_moment
from sandbox.testing import LoopbackCbp, Outage

_BEAT: Final = 0.05
"""Real seconds between two moves of a clock that goes at a pace."""
_LOOK: Final = 0.5
"""Real seconds after which a waiting player looks at the latest."""
SETTLE_SECONDS: Final = 30.0


class Stage(Protocol):
    """What the player needs of a place."""

    mode: str

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        ...

    @property
    def books(self) -> Mapping[str, Cbp]:
        """Every set of books."""
        ...

    async def send(self, one: ToSend) -> str:
        """Hand in a file; gives what became of it."""
        ...

    async def order(self, act: str, about: str) -> str:
        """An order to CBP; gives the state that follows. Raises :class:`~sandbox.border.NotPossible`."""
        ...

    async def plan_faults(self, plan: Faults) -> None:
        """Put a plan of faults in force."""
        ...

    async def jump(self, moment: datetime) -> None:
        """Set the clock, forwards or backwards, without stopping on the way."""
        ...

    async def let_pass(self, until: datetime) -> None:
        """Let time pass up to an instant; what is due on the way happens at its time."""
        ...

    async def more(self, until: datetime, *, from_outside: bool) -> bool:
        """Let the next thing happen that may change what is seen, at most until an instant; ``False``: nothing will.
        ``from_outside``: it is the filer's turn, so that the clock is not moved ahead of it.
        """
        ...

    def begin_waiting(self) -> None:
        """From now on somebody is waited for."""
        ...


class SelfPlaying:
    """In the process: fast, no ports."""

    mode = "self-playing"

    def __init__(self, scenario: Scenario) -> None:
        self.box = LoopbackCbp(scenario.start, behaviour=scenario.behaviour, filers=scenario.filers)
        self._first = next(iter(self.box.books))

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self.box.now

    @property
    def books(self) -> Mapping[str, Cbp]:
        """Every set of books."""
        return self.box.books

    async def send(self, one: ToSend) -> str:
        """Hand in a file in the name of its filer."""
        try:
            answers = self.box.send(one.payload, partner=one.filer or self._first, name=one.name)
        except Outage as error:
            return f"not taken: {error}"
        row = self.box.of(one.filer).store.row("select verdict from transcript where direction = 'in' order by id desc")
        result = json.loads(row["verdict"]).get("result", "") if row is not None else ""
        return f"answered {', '.join(answer.kind for answer in answers) or 'later'} ({result})"

    async def order(self, act: str, about: str) -> str:
        """Carry out an order."""
        if act == "arrive":
            self.box.arrive(about)
            return "ARRIVED" if self.box.trip(about)["state"] != "PRELIMINARY" else "waits: PRELIMINARY"
        if act == "push":
            return ", ".join(answer.kind for answer in self.box.push())
        self.box.order(act, about)
        return str(self.box.shipment(about).get("state"))

    async def plan_faults(self, plan: Faults) -> None:
        """Put a plan of faults in force."""
        self.box.faults = plan

    async def jump(self, moment: datetime) -> None:
        """Set the clock."""
        self.box.set_clock(moment)

    async def let_pass(self, until: datetime) -> None:
        """Time passes."""
        self.box.let_pass(until)

    async def more(self, until: datetime, *, from_outside: bool) -> bool:  # noqa: ARG002 - nobody is outside
        """The next thing due happens; when nothing is, the time is up at once."""
        due = self.box.next_due()
        if due is not None and due <= until:
            self.box.set_clock(max(due, self.now))
            return True
        if self.now < until:
            self.box.set_clock(until)
            return True
        return False

    def begin_waiting(self) -> None:
        """Nobody is waited for."""


class Attached:
    """On a running sandbox whose clock stands still between the moves of the player; files are left to the filer."""

    mode = "attached"

    def __init__(self, scenario: Scenario, offices: Offices, *, speed: float, patience: float) -> None:
        self.offices, self.speed, self.patience = offices, speed, patience
        self._choice = Books(offices)
        self._changed = asyncio.Event()
        self._deadline = 0.0
        self.filers = scenario.filers

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at the books while the block runs."""
        loop = asyncio.get_running_loop()

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._changed.set)

        stores = [runner.cbp.store for runner in self.offices]
        for store in stores:
            store.watchers.append(changed)
        try:
            yield
        finally:
            for store in stores:
                store.watchers.remove(changed)

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self.offices.clock.now()

    @property
    def books(self) -> Mapping[str, Cbp]:
        """Every set of books."""
        return {name: runner.cbp for name, runner in self.offices.items()}

    async def send(self, one: ToSend) -> str:  # noqa: ARG002 - the file is not sent here
        """Somebody else's software files."""
        return "left to the filer"

    async def order(self, act: str, about: str) -> str:
        """Carry out an order in the books that know what it is about."""
        if act == "arrive":
            runner = self._choice.of_trip(about)
            state = (await asyncio.to_thread(self._choice.orders(runner).arrive, about)).state
        elif act == "push":
            runner = self.offices.main
            pushed = await asyncio.to_thread(self._choice.orders(runner).push)
            state = ", ".join(one["kind"] for one in pushed)
        else:
            runner = self._choice.of_shipment(about)
            await asyncio.to_thread(self._choice.orders(runner).shipment, act, about)
            found: dict[str, Any] = views.shipment(runner.cbp.store, about) or {}
            state = str(found.get("state"))
        runner.wake()
        return state

    async def plan_faults(self, plan: Faults) -> None:
        """Put a plan of faults in force in every set of books."""
        for runner in self.offices:
            runner.faults = plan
            runner.wake()

    async def jump(self, moment: datetime) -> None:
        """Set the clock."""
        self.offices.clock.set(moment)
        await self.offices.clock_changed()

    async def let_pass(self, until: datetime) -> None:
        """Time passes, at the pace that was asked for; what is due on the way is said before the clock goes on."""
        while self.now < until:
            await self.offices.settled(SETTLE_SECONDS)
            target = until
            if self.speed:
                await asyncio.sleep(_BEAT)
                target = min(until, self.now + timedelta(seconds=_BEAT * self.speed))
            _, due = self._next_due()
            await self.jump(min(target, due) if due is not None and due > self.now else target)
        await self.offices.settled(SETTLE_SECONDS)

    async def more(self, until: datetime, *, from_outside: bool) -> bool:
        """First what has changed meanwhile; then time passes, but in the filer's turn only at a pace that was asked
        for, or for an answer that waits for its time; then the filer is waited for as long as there is patience.
        """
        left = self._deadline - asyncio.get_running_loop().time()
        if left <= 0 and from_outside:
            return False
        if self._changed.is_set() and left > 0:
            self._changed.clear()
            return True
        target = self._target(until, from_outside=from_outside)
        if target is not None:
            await self.let_pass(target)
            if not from_outside:
                self.begin_waiting()
            return True
        if left <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._changed.wait()
        self._changed.clear()
        return True

    def _target(self, until: datetime, *, from_outside: bool) -> datetime | None:
        """How far time may pass now; ``None``: not at all."""
        if self.now >= until:
            return None
        answer, anything = self._next_due()
        if from_outside and not self.speed:
            return answer if answer is not None and self.now < answer <= until else None
        target = min(until, self.now + timedelta(seconds=_LOOK * self.speed)) if self.speed else until
        return min(target, anything) if anything is not None and anything > self.now else target

    def _next_due(self) -> tuple[datetime | None, datetime | None]:
        """When the next answer goes out, and when the next thing of any kind happens."""
        answers, anything = [], []
        for cbp in self.books.values():
            row = cbp.store.row("select min(due_at) as due from answer where state = 'pending'")
            if row is not None and row["due"] is not None:
                answers.append(as_moment(row["due"]))
            due = cbp.next_due()
            if due is not None:
                anything.append(due)
        return min(answers, default=None), min(anything, default=None)

    def begin_waiting(self) -> None:
        """Patience begins anew."""
        self._deadline = asyncio.get_running_loop().time() + self.patience
