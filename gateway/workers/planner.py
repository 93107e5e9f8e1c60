"""How does a filing or an amendment that was asked for become messages in the outbox?

Both are made step by step: :mod:`filings.planning` for a trip that is filed, :mod:`filings.amending` for what
changes afterwards. Small trips, truckloads, amendments and packages each have a lane of their own, so that one urgent
parcel never waits behind the steps of a truckload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Protocol

from sqlalchemy import Connection

from filings import amending, planned_work, planning
from filings.alerts import Alert, raise_alert
from filings.context import FilingContext
from filings.store import Store, leases
from gateway.workers.loop import Worker
from gateway.workers.shift import Shift
from gateway.workers.workshop import Workshop
from schemas.errors import GatewayError

FEW: Final = 10
"""Packages that are made here: fewer are not worth a process."""
GIVES_WAY: Final = timedelta(seconds=2)
"""How long packages wait for what is more urgent, before each step of theirs."""


_NOTHING: Final[tuple[str, Any]] = ("", None)


class Steps(Protocol):
    """Work that is done in steps: what waits, what the next step needs, its numbers, the step itself, its commit.

    What a step has made may hold what is ``known`` to the next.
    """

    def trips_to_plan(self, conn: Connection, limit: int = 10, *, without: Collection[str] = ()) -> list[str]: ...
    def next_work(self, conn: Connection, ctx: FilingContext, trip_number: str, known: Any = None) -> Any: ...
    def numbers_for(self, conn: Connection, ctx: FilingContext, work: Any) -> Any: ...
    def make(self, ctx: FilingContext, work: Any, now: datetime) -> Any: ...
    def store(self, conn: Connection, ctx: FilingContext, made: Any, now: datetime) -> bool: ...


class _Declarations:
    """The steps of a trip that is filed, but for its handoff packages: nothing at CBP waits for those."""

    stages: ClassVar[Sequence[str]] = ("decide", "manifest", "entries")

    def __init__(self, *, small: bool | None = None) -> None:
        self._small = small

    def trips_to_plan(self, conn: Connection, limit: int = 10, *, without: Collection[str] = ()) -> list[str]:
        return planning.trips_to_plan(conn, limit, without=without, stages=self.stages, small=self._small)

    next_work = staticmethod(planning.next_work)
    numbers_for = staticmethod(planning.numbers_for)
    make = staticmethod(planning.make)
    store = staticmethod(planning.store)


class _Handoffs(_Declarations):
    """The packages for the licensed broker."""

    stages: ClassVar[Sequence[str]] = ("handoffs",)


class Planner(Worker):
    """Takes trips step by step from decision to handoff, and amendments from the manifest to the entries."""

    name: ClassVar[str] = "planner"

    def __init__(
        self,
        store: Store,
        ctx: FilingContext,
        clock: Callable[[], datetime],
        moved: Callable[[], None],
        shift: Shift | None = None,
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved
        self._shift = shift or Shift(store)
        self._stuck: set[str] = set()
        self._known = _NOTHING
        """What the last step knew of its trip, for the next one."""

    kinds: ClassVar[tuple[Steps, ...]] = (planning, amending)

    @property
    def _lane(self) -> str:
        """What stands before a trip's number in the name under which a trip is held; each lane lets go of its own."""
        return f"{self.name}:"

    async def turn(self) -> bool:
        """One step of the trip that has waited longest, of each kind: the first truck's messages are at CBP while the
        next one is decided. A trip that cannot be planned is told to a person, and the next one has its step.
        """
        fault: Exception | None = None
        busy = False
        for kind in self.kinds:
            for trip_number in await self._waiting(kind):
                if not await self._shift.hold(self._lane + trip_number):
                    continue
                busy = True
                try:
                    await self._step(kind, trip_number)
                    break
                except GatewayError as error:
                    await self._tell(trip_number, error)
                    await self._shift.let_go(self._lane + trip_number)
                except Exception as error:  # noqa: BLE001 - raised below, when the other trips have had their turn
                    fault = fault or error
                    await self._shift.let_go(self._lane + trip_number)
        if fault is not None:
            raise fault
        return busy

    async def _waiting(self, kind: Steps) -> list[str]:
        shift, now = self._shift, self._shift.wall()

        def waiting(conn: Connection) -> list[str]:
            others = leases.held_by_others(conn, self._lane, shift.owner, now)
            return kind.trips_to_plan(conn, without=self._stuck | others)

        return await self._store.read(waiting)

    async def _step(self, kind: Steps, trip_number: str) -> None:
        known, self._known = self._known if self._known[0] == trip_number else _NOTHING, _NOTHING
        work = await self._store.read(lambda conn: kind.next_work(conn, self._ctx, trip_number, known[1]))
        if work is None:
            await self._shift.let_go(self._lane + trip_number)
            return
        numbered = await self._store.write(lambda conn: kind.numbers_for(conn, self._ctx, work))
        now = self._clock()
        made = await self._make(kind, numbered, now)
        stored = await self._store.write(lambda conn: kind.store(conn, self._ctx, made, now))
        if trip_number not in await self._waiting(kind):
            await self._shift.let_go(self._lane + trip_number)
        elif stored:
            self._known = trip_number, made.known
        self._moved()

    async def _make(self, kind: Steps, work: Any, now: datetime) -> Any:
        return await asyncio.to_thread(kind.make, self._ctx, work, now)

    async def _tell(self, trip_number: str, error: GatewayError) -> None:
        self._stuck.add(trip_number)
        problems = [problem.as_dict() for problem in error.problems]
        text = f"Trip {trip_number} cannot be filed as it is: {error.problems[0].text}"
        alert = Alert("trip_not_plannable", text, "error", {"problems": problems}, trip_number=trip_number)
        await self._store.write(lambda conn: raise_alert(conn, alert, self._clock()))


class Declarer(Planner):
    """The planner for truckloads alone: their declarations, without the handoff packages."""

    kinds: ClassVar[tuple[Steps, ...]] = (_Declarations(small=False),)


class ExpressDeclarer(Planner):
    """The same for small trips."""

    name: ClassVar[str] = "express planner"
    kinds: ClassVar[tuple[Steps, ...]] = (_Declarations(small=True),)


class Amender(Planner):
    """Takes amendments from the manifest to the entries."""

    name: ClassVar[str] = "amender"
    kinds: ClassVar[tuple[Steps, ...]] = (amending,)


class Packer(Planner):
    """Makes the handoff packages; many at once in the workshop.

    Nobody at the border waits for those: while somebody waits for what others do, it gives way for a while.
    """

    name: ClassVar[str] = "packer"
    kinds: ClassVar[tuple[Steps, ...]] = (_Handoffs(),)

    def __init__(
        self,
        store: Store,
        ctx: FilingContext,
        clock: Callable[[], datetime],
        moved: Callable[[], None],
        workshop: Workshop,
        shift: Shift | None = None,
    ) -> None:
        super().__init__(store, ctx, clock, moved, shift)
        self._workshop = workshop
        self._gives_way_since: datetime | None = None

    async def turn(self) -> bool:
        """One step, if nothing more urgent is there or has been for long."""
        if await self._gives_way():
            return False
        return await super().turn()

    async def _gives_way(self) -> bool:
        now = self._shift.wall()
        since, self._gives_way_since = self._gives_way_since, None
        if not await self._store.read(planned_work.border_waits):
            return False
        if since is not None and now - since >= GIVES_WAY:
            return False
        self._gives_way_since = since or now
        return True

    async def _make(self, kind: Steps, work: planning.Work, now: datetime) -> Any:
        if len(work.keys) < FEW:
            return await super()._make(kind, work, now)
        made = await self._workshop.run("packages", work.trip, work.shipments, work.decisions, now)
        return planning.Made(work, packages=made)
