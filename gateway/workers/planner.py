"""How does a filing that was asked for become messages in the outbox?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from filings import planning
from filings.alerts import Alert, raise_alert
from filings.context import FilingContext
from filings.store import Store
from gateway.workers.loop import Worker
from schemas.errors import GatewayError


class Planner(Worker):
    """Takes filed trips step by step from decision to handoff; see :mod:`filings.planning`."""

    name: ClassVar[str] = "planner"

    def __init__(
        self, store: Store, ctx: FilingContext, clock: Callable[[], datetime], moved: Callable[[], None]
    ) -> None:
        super().__init__()
        self._store = store
        self._ctx = ctx
        self._clock = clock
        self._moved = moved
        self._stuck: set[str] = set()

    async def turn(self) -> bool:
        """One step of every trip that waits; a trip that cannot be planned is told to a person, the others go on."""
        waiting = await self._store.read(lambda conn: planning.trips_to_plan(conn, without=self._stuck))
        fault: Exception | None = None
        for trip_number in waiting:
            try:
                await self._step(trip_number)
            except GatewayError as error:
                await self._tell(trip_number, error)
            except Exception as error:  # noqa: BLE001 - raised below, when the other trips have had their turn
                fault = fault or error
        if fault is not None:
            raise fault
        return bool(waiting)

    async def _step(self, trip_number: str) -> None:
        work = await self._store.read(lambda conn: planning.next_work(conn, self._ctx, trip_number))
        if work is None:
            return
        numbered = await self._store.write(lambda conn: planning.numbers_for(conn, self._ctx, work))
        now = self._clock()
        made = await asyncio.to_thread(planning.make, self._ctx, numbered, now)
        await self._store.write(lambda conn: planning.store(conn, self._ctx, made, now))
        self._moved()

    async def _tell(self, trip_number: str, error: GatewayError) -> None:
        self._stuck.add(trip_number)
        problems = [problem.as_dict() for problem in error.problems]
        text = f"Trip {trip_number} cannot be filed as it is: {error.problems[0].text}"
        alert = Alert("trip_not_plannable", text, "error", {"problems": problems}, trip_number=trip_number)
        await self._store.write(lambda conn: raise_alert(conn, alert, self._clock()))
