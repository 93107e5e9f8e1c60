"""How is one day driven, whatever becomes of the gateway in its course?

The broker files a small trip of several pathways, waits for CBP, moves one consignee, calls an entry off that CBP has
matched (which makes a request of it), and the truck comes. Whoever gets no answer, because the gateway died, starts it
again and asks again in the same words under the same key. The simulated CBP keeps on living.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from schemas.intake import read_rows
from tests import samples
from tests.crash.books import Books, Outcome
from tests.crash.boundaries import Death
from tests.crash.child import Spec
from tests.crash.place import KEY, Place
from tests.crash.process import Process
from tests.filing_kit import TRIP, formal, informal, parcel, type86
from tests.simulation.broken import Broken
from tests.simulation.broker import Answered

REVIEW: Final = timedelta(minutes=2)
"""Longer than the simulated CBP takes to look at a request."""
LEASES: Final = 300.0
"""Seconds after which all leases of a dead process have run out."""
PATIENCE: Final = 60.0
"""Real seconds that anything may take."""
PAUSE: Final = 0.01
SHIPMENTS: Final = (parcel(1), parcel(2), type86(3), informal(4), informal(5), formal(6))
STREET: Final = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
_QUIET: Final = """
SELECT (SELECT count(*) FROM transmissions WHERE direction = 'out' AND state <> 'delivered')
     + (SELECT count(*) FROM transmissions WHERE direction = 'in' AND state = 'received')
     + (SELECT count(*) FROM trips WHERE plan_stage <> 'done')
     + (SELECT count(*) FROM trips WHERE judge_again_at <= '{now}' AND plan_stage = 'done')
     + (SELECT count(*) FROM owed_receipts WHERE state = 'waiting')
     + (SELECT count(*) FROM retries WHERE made_at IS NULL) AS waiting
"""

Step = Callable[["Day"], Coroutine[Any, Any, None]]


@dataclass
class Day:
    """One day at one place. ``deaths`` says for each life of the gateway where it ends; the last goes on."""

    parent: str
    place: Place
    steps: tuple[Step, ...]
    deaths: tuple[Death, ...] = ()
    fault: str = ""
    few: int | None = None
    answered: Answered = field(default_factory=Answered)
    """What the gateway has said yes to, before this day too."""
    lives: list[Process] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    """Boundaries met by the end of each step."""

    async def run(self) -> Outcome:
        """The whole day; raises :class:`~tests.simulation.broken.Broken` when a promise is."""
        async with self._begun():
            await self._end()
            async with await self.place.database.witness(self.place.folder / "end") as store:
                return await self.books.close(store)

    async def interrupted(self) -> None:
        """The same, but the day goes on elsewhere."""
        async with self._begun():
            await self._end()

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[None]:
        async with self.place.open() as self.cbp, aiohttp.ClientSession() as self.http:
            folder = self.place.inbox if self.place.road == "directory" else None
            self.books = Books(self.cbp.runner.cbp, self.answered, folder)
            try:
                await self._start()
                for step in self.steps:
                    await step(self)
                    self.marks.append(sum(len(life.met) for life in self.lives))
                yield
            finally:
                await self._process.stop()

    # ------------------------------------------------------------------ lives

    @property
    def _process(self) -> Process:
        return self.lives[-1]

    async def _start(self) -> None:
        life = len(self.lives)
        spec = Spec(
            self.place.overrides,
            self.place.port,
            str(self.place.clock),
            str(self.place.folder / "gateway.log"),
            late=life * LEASES if self.place.database.url else 0.0,
            death=self.deaths[life] if life < len(self.deaths) else None,
            fault=self.fault,
            folders=(str(self.place.outbox), str(self.place.inbox)) if self.place.road == "directory" else (),
        )
        self.lives.append(Process())
        await self._process.start(self.parent, spec if self.few is None else replace(spec, few=self.few))

    async def _alive(self) -> None:
        """Whoever is dead is looked at as it lies, and starts again."""
        while not self._process.alive:
            dead = self._process
            self._buried(dead)
            if not dead.died_at or dead.end != -signal.SIGKILL:
                raise AssertionError(f"the gateway ended ({dead.end}) without having been killed:\n{self._log()}")
            async with await self.place.database.witness(self.place.folder / "dead") as store:
                await self.books.look(store)
            await self._start()

    async def _end(self) -> None:
        """The gateway is stopped; one that is killed even then starts once more."""
        await self._process.stop()
        while self._process.died_at:
            await self.quiet()
            await self._process.stop()
        self._buried(self._process)
        if self._process.end != 0:
            raise AssertionError(f"the gateway ended with {self._process.end}:\n{self._log()}")

    def _buried(self, process: Process) -> None:
        if process.failure:
            raise AssertionError(f"{process.failure}\n{self._log()}")
        self.books.went_out(process.sent)

    def _log(self) -> str:
        log = self.place.folder / "gateway.log"
        return log.read_text()[-4000:] if log.exists() else ""

    # ------------------------------------------------------------------ what the broker does

    async def ask(self, method: str, path: str, body: Any, *, key: str = "") -> Mapping[str, Any]:
        """Ask until there is an answer; it must be a yes."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        url = f"http://127.0.0.1:{self.place.port}{path}"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            await self._alive()
            with suppress(aiohttp.ClientError, OSError):
                async with self.http.request(method, url, data=orjson.dumps(body), headers=headers) as response:
                    text = await response.read()
                    if response.status < HTTPStatus.BAD_REQUEST:
                        answer: Mapping[str, Any] = orjson.loads(text)
                        return answer
                    if orjson.loads(text)["code"] != "idempotency_in_progress":
                        raise Broken("what is asked again gets its first answer", f"{method} {path}: {text.decode()}")
            await asyncio.sleep(PAUSE)
        raise AssertionError(f"{method} {path}: no answer\n{self._log()}")

    async def quiet(self) -> None:
        """Until nobody has anything to do, twice over: CBP, then we."""
        end, same = time.monotonic() + PATIENCE, 0
        query = _QUIET.format(now=self.place.now.isoformat(" ").replace("+00:00", ""))
        while same < 2:
            await self._alive()
            settled = await self.cbp.runner.settled(0.05)
            (row,) = await self.place.database.rows(query)
            same = same + 1 if settled and not row["waiting"] else 0
            if time.monotonic() > end:
                text = f"{row['waiting']} things wait, CBP {'has' if settled else 'has not'} settled\n{self._log()}"
                raise Broken("everything settles", text)
            if not same:
                await asyncio.sleep(PAUSE)

    async def later(self, span: timedelta) -> None:
        """Both clocks move on."""
        self.place.set_clock(self.place.now + span)
        self.cbp.offices.clock.set(self.place.now)
        await self.cbp.offices.clock_changed()


async def file_trip(day: Day) -> None:
    """Put the trip, stage the shipments, file."""
    raw = samples.trip()
    await day.ask("PUT", f"/v1/trips/{TRIP}", raw)
    day.answered.trips[TRIP] = raw
    day.answered.acts.append(("put_trip", TRIP))
    await _stage(day, SHIPMENTS)


async def _stage(day: Day, raws: tuple[dict[str, Any], ...]) -> None:
    answer = await day.ask("POST", f"/v1/trips/{TRIP}/shipments", list(raws), key="stage")
    for row, result in zip(read_rows([orjson.dumps(list(raws))], "application/json"), answer["results"], strict=True):
        assert result["state"] != "refused", result
        assert row.shipment is not None
        day.answered.rows[TRIP, row.shipment.shipment_id] = row.digest
    await day.ask("POST", f"/v1/trips/{TRIP}/filing", {}, key="file")
    day.answered.filed.add(TRIP)
    day.answered.acts.append(("file_trip", TRIP))
    await day.quiet()


async def move_a_consignee(day: Day) -> None:
    """One 309-Y with one bill."""
    scn = SHIPMENTS[0]["shipment_control_number"]
    body = {"patch": STREET, "reason": "It moved.", "reason_code": "03"}
    await day.ask("POST", f"/v1/filings/{scn}/amendments", body, key="amend")
    day.answered.acts.append(("amend_filing", TRIP))
    await day.quiet()


async def call_an_entry_off(day: Day) -> None:
    """CBP has matched it: the cancellation becomes a request, which CBP looks at and grants."""
    scn = SHIPMENTS[4]["shipment_control_number"]
    body = {"reason": "It does not go.", "entry_reason_code": "08"}
    await day.ask("POST", f"/v1/filings/{scn}/cancellation", body, key="cancel")
    day.answered.acts.append(("cancel_filing", TRIP))
    await day.quiet()
    await day.later(REVIEW)
    await day.quiet()


async def take_its_bill_off(day: Day) -> None:
    """What has no entry any more does not cross: its bill goes, by one more 309-Y."""
    scn = SHIPMENTS[4]["shipment_control_number"]
    body = {"reason": "It does not go.", "bill": "delete", "bill_reason_code": "03"}
    await day.ask("POST", f"/v1/filings/{scn}/cancellation", body, key="delete")
    day.answered.acts.append(("cancel_filing", TRIP))
    await day.quiet()


async def cross(day: Day) -> None:
    """The truck comes."""
    cbp = day.cbp.runner
    await asyncio.to_thread(cbp.cbp.arrive, TRIP, day.place.now)
    cbp.wake()
    await day.quiet()
    await day.later(REVIEW)
    await day.quiet()


FILED: Final[tuple[Step, ...]] = (file_trip, cross)
CHANGED: Final[tuple[Step, ...]] = (move_a_consignee, call_an_entry_off, cross)
CLEARED: Final[tuple[Step, ...]] = (move_a_consignee, call_an_entry_off, take_its_bill_off, cross)
"""The same, and the truck is clear when it comes."""
