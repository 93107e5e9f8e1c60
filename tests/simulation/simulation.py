"""What happens in a run? Step by step the seed chooses who goes on: broker, workers, network, CBP, time, misfortune.

First everything is chosen at random. Then the weather clears up, nothing is chosen any more, and time passes until
nothing is left to do: whatever has happened before, everything must settle. The auditor looks after every step that
changed anything, and once more at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from filings.context import FilingContext
from filings.store import tables as t
from sandbox.border import NotPossible
from schemas.errors import GatewayError
from tests.filing_kit import CONTEXT
from tests.simulation.auditor import Auditor
from tests.simulation.broker import Broker
from tests.simulation.databases import Database
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Network
from tests.simulation.process import Process
from tests.simulation.settled import final
from tests.simulation.turnstile import Crash, Effect, Turnstile
from tests.simulation.world import World

STEPS: Final = 260
"""Steps of chance in a run at most; a run in which everybody is content ends earlier."""
SETTLING: Final = timedelta(days=4)
"""How long everything has to settle once nothing goes wrong any more."""
PATIENCE_RUNS_OUT: Final = timedelta(hours=3)
"""Longer than any patience with CBP's silence but that with its review, three times longer than which is waited."""
WOKEN: Final = 0.85
"""How often a turn is one that has something to do; the rest look and find nothing."""
LOOKS: Final = 8
"""Steps after which the broker looks at the boards again."""
LEASE: Final = 300.0
"""Seconds for which a paused process stands still: longer than any lease."""


class Stuck(AssertionError):
    """The simulation itself cannot go on: a task waits for something that never comes."""


class Simulation:
    """One run of one seed on one database."""

    def __init__(
        self, world: World, loop: SimulatedLoop, database: Database, ctx: FilingContext = CONTEXT, steps: int = STEPS
    ) -> None:
        self.world = world
        self.loop = loop
        self.database = database
        self.ctx = replace(ctx, limits=world.limits)
        self.steps = steps
        self.turnstile = Turnstile()
        self.network = Network(world, self.turnstile)
        self.broker = Broker(world)
        self.auditor = Auditor(world, database, self.network, self.broker.answered)
        self.processes: list[Process] = []
        self._born = 0
        self._delivering: dict[int, Process] = {}
        self._seen: tuple[int, int] = (-1, -1)

    async def run(self) -> None:
        """The whole run; raises :class:`~tests.simulation.auditor.Broken` when a promise is."""
        with self.world.identifiers():
            await self.database.clear()
            for _ in range(self.world.processes):
                await self._new_process()
            for _ in range(self.steps):
                self.world.steps += 1
                if self.world.steps % LOOKS == 0:
                    await self.broker.look(self.database)
                await self._step()
                await self._audit()
                if self._over():
                    break
            await self._settle()
            await final(self.auditor)

    async def end(self) -> None:
        """Let everything go that still waits."""
        for process in self.processes:
            self.turnstile.kill(process)
            for task in process.tasks.values():
                task.cancel()
            await asyncio.gather(*process.tasks.values(), return_exceptions=True)
        self.network.cbp.store.close()

    async def _new_process(self) -> Process:
        self._born += 1
        process = Process(f"gateway-{self._born}", self.database, self.world, self.network, self.ctx)
        await process.begin(alone=self.world.processes == 1)
        self.processes.append(process)
        return process

    # ----------------------------------------------------------------------------------------- a step

    async def _step(self) -> None:
        """Choose what happens next among all that can."""
        choices: list[tuple[float, Callable[[], Any]]] = [(1.0, self._a_moment), (0.6, self._a_while)]
        effects = [one for one in self.turnstile.waiting if self._awake(one.process)]
        if effects:
            choices.append((9.0, lambda: self._let(self.world.chance.choice(effects))))
            choices.append((2.0, lambda: self._run_through(self.world.chance.choice(effects).process)))
        ready = self.broker.ready()
        if ready:
            choices.append((3.0, lambda: self.broker.ask(self.world.chance.choice(ready), self._somebody())))
        choices.append((5.0, self._turn))
        if self.network.cbp.undigested():
            choices.append((3.0, self.network.digest))
        if any(answer.id not in self._delivering for answer in self.network.answers()):
            choices.append((4.0, self._deliver))
        if self.network.under_way:
            choices.append((1.0, self.network.arrivals))
        choices.append((0.15, self._at_the_border))
        if self.world.says_again:
            choices.append((self.world.says_again, self._say_again))
        weather = self.network.weather
        choices.append((weather.crash, self._crash))
        choices.append((weather.outage, self.network.outage))
        choices.append((weather.pause, self._pause))
        weights = [weight for weight, _ in choices]
        act = self.world.chance.choices([one for _, one in choices], weights)[0]
        result = act()
        if result is not None and hasattr(result, "__await__"):
            await result
        await self._quiet()

    def _awake(self, process: Any) -> bool:
        return bool(getattr(process, "paused_until", 0.0) <= self.world.monotonic())

    def _somebody(self) -> Process:
        return self.world.chance.choice(self.processes)

    def _let(self, effect: Effect) -> None:
        self.world.note(str(effect))
        self.turnstile.let(effect)

    async def _run_through(self, process: Any) -> None:
        """A process goes on without anybody coming between."""
        for _ in range(30):
            mine = [one for one in self.turnstile.waiting if one.process is process]
            if not mine:
                return
            self._let(mine[0])
            await self._quiet()

    async def _turn(self) -> None:
        """A worker of a process begins a turn, mostly one that has something to do."""
        process = self._somebody()
        idle = process.idle()
        if self.world.chance.random() < WOKEN:
            busy = await self._with_work()
            idle = [name for name in idle if name in busy]
        if idle and self._awake(process):
            process.turn(self.world.chance.choice(idle))

    async def _with_work(self) -> list[str]:
        """Workers that would find something to do; the gateway's own are woken by each other."""
        now, wall = (stamp.replace(tzinfo=None) for stamp in (self.world.now, self.world.wall))
        if self.database.url.get_backend_name() != "sqlite":
            now, wall = self.world.now, self.world.wall
        found = await self.database.rows(_WORK, now=now, wall=wall)
        busy = sorted(row["worker"] for row in found)
        return [*busy, "bulk reader"] if "reader" in busy else busy

    def _deliver(self) -> None:
        """One of CBP's answers reaches one of our doors, not always the oldest."""
        waiting = [answer for answer in self.network.answers() if answer.id not in self._delivering]
        answer = waiting[0] if self.world.chance.random() < 0.6 else self.world.chance.choice(waiting)
        process = self._somebody()
        for given in self.network.hand_over(answer):
            task = process.door(given)
            self._delivering[answer.id] = process
            self.world.note(f"network: {answer.name} at the door of {process.name} as {given.message_id}")

            def heard(done: Any, given: Any = given, answer: Any = answer) -> None:
                self._delivering.pop(answer.id, None)
                if not done.cancelled() and done.exception() is None and done.result():
                    self.network.receipted(answer, given)

            task.add_done_callback(heard)

    def _say_again(self) -> None:
        """CBP says something about a manifest that it has said before."""
        given = self.network.say_again()
        if given is not None:
            process = self._somebody()
            process.door(given)
            self.world.note(f"network: {given.kind} {given.answer} again, at the door of {process.name}")

    def _at_the_border(self) -> None:
        """CBP does something on its own account to some bill it has."""
        store = self.network.cbp.store
        bills = [row["scn"] for row in store.rows("select scn from bill where state <> 'DELETED' order by scn")]
        if not bills:
            return
        scn = self.world.chance.choice(bills)
        act = self.world.chance.choice(("hold", "exam", "release", "revoke"))
        try:
            state = getattr(self.network.cbp, act)(scn, self.world.now)
        except NotPossible:
            return
        self.world.note(f"CBP: {act} {scn}: {state}")

    def _a_moment(self) -> None:
        self.world.later(self.world.chance.uniform(0.1, 20))

    def _a_while(self) -> None:
        """Time passes, mostly until CBP has something to do."""
        due = self.network.cbp.next_due()
        ahead = (due - self.world.now).total_seconds() if due is not None else 0.0
        if ahead > 0 and self.world.chance.random() < 0.5:
            self.world.later(ahead)
        else:
            self.world.later(self.world.chance.choice((30, 60, 300, 1800)))
        self.network.arrivals()

    async def _crash(self) -> None:
        """A process dies where it stands, and another one begins."""
        await self._kill(self._somebody())

    async def _kill(self, process: Process) -> None:
        lost = self.turnstile.kill(process)
        self.processes.remove(process)
        await self._quiet()
        await process.bury()
        for answer in [one for one, whose in self._delivering.items() if whose is process]:
            del self._delivering[answer]
        born = await self._new_process()
        self.world.note(f"{process.name} dies before {lost} effects; {born.name} begins")

    def _pause(self) -> None:
        """A process stands still for longer than any lease."""
        process = self._somebody()
        process.paused_until = self.world.monotonic() + LEASE
        self.world.note(f"{process.name} stands still")

    # ------------------------------------------------------------------------------------------ order

    async def _quiet(self) -> None:
        """Until every task stands at the turnstile or has ended."""
        while not self.loop.still or self.database.in_flight:  # noqa: ASYNC110 - it watches the loop itself
            await asyncio.sleep(0 if not self.database.in_flight else 0.0002)
        for process in self.processes:
            for name, error in process.harvest():
                if error is None or isinstance(error, Crash):
                    continue
                if name in process.workers or not isinstance(error, GatewayError):
                    self.auditor.failed(process.name, name, error)

    async def _audit(self) -> None:
        changed = (self.database.changes, self.network.cbp.store.count("select total_changes()"))
        if changed != self._seen:
            self._seen = changed
            await self.auditor.look()

    def _over(self) -> bool:
        """Whether nobody wants anything and nothing stands at the turnstile."""
        return self.broker.content and not self.turnstile.waiting and self.world.steps > self.steps // 2

    # --------------------------------------------------------------------------------------- settling

    async def _settle(self) -> None:
        """The weather clears up, and time passes until nothing happens any more."""
        self.world.note("the weather clears up")
        self.network.clear_up()
        self.turnstile.open = True
        for process in self.processes:
            process.paused_until = 0.0
        for effect in list(self.turnstile.waiting):
            self._let(effect)
        await self._quiet()
        end = self.world.now + SETTLING
        while True:
            await self._work_off()
            ahead = await self._next_instant()
            if ahead is None or ahead > end:
                if self._arrive():
                    continue
                break
            self.world.later(max((ahead - self.world.now).total_seconds(), 0) + 0.001)
            self.network.arrivals()
        for _ in range(3):  # nothing comes any more: whoever waits must be told by now
            self.world.later(PATIENCE_RUNS_OUT.total_seconds())
            await self._work_off()

    def _arrive(self) -> bool:
        """Trucks of which CBP holds a manifest come at last, planned for whenever; whether there was one."""
        store = self.network.cbp.store
        rows = store.rows("select trip from manifest where state in ('PRELIMINARY', 'COMPLETE') order by trip")
        for row in rows:
            self.network.cbp.arrive(row["trip"], self.world.now)
            self.world.note(f"CBP: the truck of {row['trip']} is there")
        return bool(rows)

    async def _work_off(self) -> None:
        """Everybody does what there is to do just now."""
        while True:
            self.world.steps += 1
            before = self._marks()
            await self.broker.look(self.database)
            for want in self.broker.ready():
                self.broker.ask(want, self.processes[0])
                await self._quiet()
            while self.network.digest():
                pass
            while self.network.answers():
                self._deliver()
                await self._quiet()
            busy = await self._with_work()
            for name in busy:
                await self._take_turn(name)
            if not self._moved(before):
                for name in ("watcher", "asker"):  # they look at everything, so they look last
                    await self._take_turn(name)
            await self._audit()
            if not self._moved(before):
                return

    async def _take_turn(self, name: str) -> None:
        process = self.processes[0]  # one is enough where everything passes at once
        if name in process.idle():
            process.turn(name)
            await self._quiet()

    def _marks(self) -> tuple[int, ...]:
        journal = self.network.journal
        return self.database.changes, len(journal.sent), len(journal.given)

    def _moved(self, before: tuple[int, ...]) -> bool:
        return self._marks() != before

    async def _next_instant(self) -> datetime | None:
        """When the next thing is due that time alone brings about."""
        out, trips = t.transmissions.c, t.trips.c
        waiting = out.state.in_(("queued", "sending", "in_doubt")) & (out.direction == "out")
        sending = select(func.min(func.coalesce(out.next_attempt_at, out.lease_until))).where(waiting)
        leased = select(func.min(out.lease_until)).where(waiting, out.lease_until > self.world.wall)
        judging = select(func.min(trips.judge_again_at)).where(trips.arrived_at.is_(None), trips.plan_stage == "done")
        again = select(func.min(t.retries.c.due_at)).where(t.retries.c.made_at.is_(None))
        found = await self.database.read(
            lambda conn: [conn.execute(query).scalar() for query in (sending, leased, judging, again)]
        )
        by_wall = [self.world.now + (at - self.world.wall) for at in found[:2] if at is not None]
        due = self.network.cbp.next_due()
        late = [at for at, _sent in self.network.under_way]
        instants = [*by_wall, *(at for at in found[2:] if at is not None), *([due] if due else []), *late]
        return min((one for one in instants if one > self.world.now), default=None)


_WORK: Final = """
SELECT 'planner' AS worker FROM trips WHERE plan_stage IS NOT NULL AND plan_stage <> 'done'
UNION SELECT 'reader' FROM transmissions WHERE direction = 'in' AND state = 'received'
UNION SELECT 'sender' FROM transmissions WHERE direction = 'out' AND state IN ('queued', 'sending', 'in_doubt')
  AND (next_attempt_at IS NULL OR next_attempt_at <= :wall) AND (lease_until IS NULL OR lease_until <= :wall)
UNION SELECT 'retrier' FROM retries WHERE made_at IS NULL AND due_at <= :now
UNION SELECT 'rejudger' FROM trips WHERE judge_again_at <= :now AND plan_stage = 'done'
"""
