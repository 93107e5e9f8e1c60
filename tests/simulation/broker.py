"""What does the broker want? Trips with a few shipments, filed; and now and then something else.

The broker asks one of the processes, and counts on nothing before it has the answer. What was not answered, because the
process died or the line broke, is asked again in the very same words. Whatever was answered is remembered: the auditor
looks for it until the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web
from sqlalchemy import Connection

from filings import amendments, refiling, requesting, staging, trips
from filings.context import Actor
from filings.staging import StageResult
from filings.uuid7 import uuid7
from gateway.http.idempotency import Scope, once
from schemas.errors import Conflict, GatewayError
from schemas.intake import Row, read_rows
from schemas.trip import read_trip
from tests import samples
from tests.filing_kit import formal, informal, marked, parcel, review, type86
from tests.simulation.databases import Database
from tests.simulation.process import Process
from tests.simulation.world import World

BROKER: Final = Actor("simulated broker", "broker", licensed=True)
MARKERS: Final = tuple("HOLD EXAM DOCS REJ DUP SILENT LATE REVOKE GARBLE TWICE SHUFFLE".split())
MARKED: Final = 0.25
"""How many shipments ask the simulated CBP for something special."""
BACK: Final = 0.5
"""How many of the shipments that move to another street move back, perhaps while CBP has not answered."""
REMARKED: Final = 0.15
"""How many shipments get a remark that no message to CBP holds."""
BY_TRIP: Final = 0.3
"""How many remarks come with a patch of the trip."""
KINDS: Final = ((5, parcel), (4, type86), (3, informal), (1, formal), (1, review))


@dataclass
class Want:
    """Something the broker wants, once all it rests on has been answered."""

    name: str
    trip: str
    work: Callable[[Connection], Any]
    answered: Callable[[Any], None]
    after: tuple[Want, ...] = ()
    done: bool = False
    asked: bool = False
    tries: int = 0
    later: bool = False
    """Whether it makes no sense before all of its trip has been sent."""

    @property
    def ready(self) -> bool:
        """Whether it can be asked now."""
        return not self.done and not self.asked and all(one.done for one in self.after)


@dataclass
class Answered:
    """What the gateway has said yes to."""

    trips: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[tuple[str, str], str] = field(default_factory=dict)
    """Digest of the row by trip and shipment."""
    refused_rows: set[tuple[str, str]] = field(default_factory=set)
    filed: set[str] = field(default_factory=set)
    acts: list[tuple[str, str]] = field(default_factory=list)
    """Acts that the archive must hold, with their trips."""


class Broker:
    """Wants and answers of one run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answered = Answered()
        self.wants: list[Want] = []
        self._made = 0
        self._planned: set[str] = set()
        for number in range(world.chance.choice((1, 1, 2))):
            self._plan_trip(number)

    def ready(self) -> list[Want]:
        """What can be asked now."""
        return [one for one in self.wants if one.ready and (not one.later or one.trip in self._planned)]

    @property
    def content(self) -> bool:
        """Whether all wants have been answered."""
        return all(one.done for one in self.wants)

    # ------------------------------------------------------------------------------------ planning

    def _plan_trip(self, number: int) -> None:
        chance, now = self.world.chance, self.world.now
        trip = f"TSTC{now:%y%m%d}{self.world.seed % 100:02d}{number:02d}"
        arrival = now + timedelta(minutes=chance.choice((45, 90, 200, 400, 900)))
        raw = samples.trip(trip_number=trip, estimated_arrival=arrival.isoformat())
        put = self._want(f"put {trip}", trip, self._put(raw), self._was_put(trip, raw))
        parcels = [self._parcel() for _ in range(chance.randint(2, 5))]
        cut = chance.randint(0, len(parcels))
        staged = [
            self._want(f"stage {len(part)} on {trip}", trip, self._stage(trip, part), self._was_staged(trip), put)
            for part in (parcels[:cut], parcels[cut:])
            if part
        ]
        if chance.random() < 0.3:  # a row that no trip can take, and it must stop no other
            broken = {**self._parcel(), "consignee": {"name": ""}}
            staged.append(
                self._want(f"stage a bad row on {trip}", trip, self._stage(trip, [broken]), self._was_staged(trip), put)
            )
        if chance.random() < 0.2:
            self._want(f"put {trip} again", trip, self._put(raw), self._was_put(trip, raw), put)
        file = self._want(f"file {trip}", trip, self._file(trip), self._was_filed(trip), *staged)
        if chance.random() < 0.2:
            self._want(f"file {trip} again", trip, self._file(trip), self._was_filed(trip), file)
        for raw in parcels:
            self._plan_change(trip, raw, file)
        if chance.random() < 0.05:
            self._change(f"cancel {trip}", trip, self._cancelling(trip), "cancel_filing", file)
        if chance.random() < 0.25:
            later = arrival + timedelta(minutes=chance.choice((30, 300, 900)))
            name = f"expect {trip} later"
            self._want(name, trip, self._expect(trip, later), self._noted("change_arrival", trip), file).later = True

    def _plan_change(self, trip: str, raw: dict[str, Any], file: Want) -> None:
        """A shipment that is filed may move to another street (and back), be worth more, be called off, or get a remark
        of which CBP hears nothing.
        """
        chance, scn = self.world.chance, str(raw["shipment_control_number"])
        draw = chance.random()
        if draw < 0.12:
            street = f"{chance.randint(1, 999)} Elm Ave"
            patch: dict[str, Any] = {"consignee": {"address": {"lines": [street]}}}
            moved = self._change(f"move {scn} to {street}", trip, self._amending(scn, patch), "amend_filing", file)
            if chance.random() < BACK:
                patch = {"consignee": {"address": {"lines": raw["consignee"]["address"]["lines"]}}}
                self._change(f"move {scn} back", trip, self._amending(scn, patch), "amend_filing", moved)
        elif draw < 0.18:
            count = chance.randint(2, 9)
            patch = {"packages": {"count": count}}
            self._change(f"make {scn} {count} packages", trip, self._amending(scn, patch), "amend_filing", file)
        elif draw < 0.26:
            self._change(f"cancel {scn}", trip, self._cancelling(scn), "cancel_filing", file)
        if chance.random() < REMARKED:
            patch = {"order_id": f"ORDER-{chance.randint(1, 999)}"}
            if chance.random() < BY_TRIP:
                of_trip = {"shipments": {raw["shipment_id"]: patch}}
                self._change(f"remark on {scn} by {trip}", trip, self._amending(trip, of_trip), "amend_filing", file)
            else:
                self._change(f"remark on {scn}", trip, self._amending(scn, patch), "amend_filing", file)

    def _change(
        self, name: str, trip: str, act: Callable[[Connection], dict[str, Any]], kept_as: str, *after: Want
    ) -> Want:
        """An act under a key of its own: asked again, it gets its first answer, whatever has happened since."""
        scope = Scope(BROKER.name, name, "simulated", f"/simulated/{name}")

        def work(conn: Connection) -> web.Response:
            def answer(inner: Connection) -> web.Response:
                return web.json_response(act(inner), dumps=lambda value: orjson.dumps(value, default=str).decode())

            key = f"{name} {want.tries}"
            return once(conn, replace(scope, key=key, owner=uuid7()), name, self.world.wall, answer)

        want = self._want(name, trip, work, self._noted(kept_as, trip), *after)
        want.later = True
        return want

    def _amending(self, name: str, patch: Mapping[str, Any]) -> Callable[[Connection], dict[str, Any]]:
        asked = amendments.read_amendment({"patch": patch, "reason": "So it is.", "reason_code": "03"})

        def act(conn: Connection) -> dict[str, Any]:
            return self._taken_on(conn, lambda: amendments.prepare(conn, self.ctx, name, asked, self.world.now))

        return act

    def _taken_on(self, conn: Connection, prepare: Callable[[], amendments.Plan]) -> dict[str, Any]:
        """Begin what is planned, as the gateway's door does it: nobody else moves the trip once it stands."""
        plan = prepare()
        if not amendments.still_stands(conn, plan):
            plan = prepare()
        return amendments.taken_on(amendments.begin(conn, self.ctx, plan, actor=BROKER, now=self.world.now))

    def _cancelling(self, name: str) -> Callable[[Connection], dict[str, Any]]:
        said = {"reason": "It does not go.", "entry_reason_code": "08", "bill_reason_code": "03"}
        if self.world.chance.random() < 0.5:
            said["bill"] = self.world.chance.choice(("delete", "delink", "keep"))
        asked = amendments.read_cancellation(said)

        def act(conn: Connection) -> dict[str, Any]:
            prepare = amendments.prepare_cancellation
            return self._taken_on(conn, lambda: prepare(conn, self.ctx, name, asked, self.world.now))

        return act

    def _want(
        self, name: str, trip: str, work: Callable[[Connection], Any], answered: Callable[[Any], None], *after: Want
    ) -> Want:
        want = Want(name, trip, work, answered, after)
        self.wants.append(want)
        return want

    def _parcel(self) -> dict[str, Any]:
        self._made += 1
        chance = self.world.chance
        number = (self.world.seed % 9000) * 100 + self._made
        make = chance.choices([one for _, one in KINDS], [weight for weight, _ in KINDS])[0]
        raw: dict[str, Any] = make(number)
        return marked(raw, chance.choice(MARKERS)) if chance.random() < MARKED else raw

    # --------------------------------------------------------------------------------------- asking

    def _put(self, raw: dict[str, Any]) -> Callable[[Connection], Any]:
        trip, world = read_trip(raw), self.world
        return lambda conn: trips.put_trip(conn, trip, raw, actor=BROKER, now=world.now)

    def _stage(self, trip: str, raws: list[dict[str, Any]]) -> Callable[[Connection], Any]:
        rows: list[Row] = list(read_rows([orjson.dumps(raws)], "application/json"))

        def work(conn: Connection) -> list[tuple[Row, StageResult]]:
            found = staging.stage(conn, self.ctx, trip, rows, actor=BROKER, now=self.world.now)
            return list(zip(rows, found, strict=True))

        return work

    def _file(self, trip: str) -> Callable[[Connection], Any]:
        return lambda conn: requesting.request_filing(conn, trip, actor=BROKER, now=self.world.now)

    def _expect(self, trip: str, arrival: Any) -> Callable[[Connection], Any]:
        return lambda conn: trips.change_arrival(conn, trip, arrival, actor=BROKER, now=self.world.now)

    async def look(self, database: Database) -> None:
        """Look at the boards, and want to mend what can be mended."""
        planned = await database.rows("SELECT trip_number FROM trips WHERE plan_stage = 'done'")
        self._planned = {row["trip_number"] for row in planned}
        lapsed = await database.rows(
            "SELECT DISTINCT trip_number FROM shipments WHERE lapse IS NOT NULL AND state = 'lapsed'"
        )
        open_ones = {one.trip for one in self.wants if one.name.startswith("refile") and not one.done}
        for trip in sorted({row["trip_number"] for row in lapsed} - open_ones):
            self._want(f"refile {trip}", trip, self._refile(trip), self._noted("refile_trip", trip))

    def _refile(self, trip: str) -> Callable[[Connection], Any]:
        return lambda conn: refiling.request(conn, self.ctx, trip, actor=BROKER, now=self.world.now)

    def ask(self, want: Want, process: Process) -> None:
        """Ask a process for what is wanted."""
        self.ctx = process.ctx
        want.asked = True
        task = process.ask(want.name, want.work)

        def heard(_task: Any) -> None:
            want.asked = False
            if task.cancelled():
                return
            error = task.exception()
            refusal = _refusal(task.result()) if error is None else ""
            if refusal:
                self.world.note(f"broker: {want.name}: {refusal}")
                want.done = refusal not in _LATER
                want.tries += 1
                if want.tries > PATIENCE_OF_BROKER:
                    want.done = True
            elif error is None:
                want.done = True
                want.answered(task.result())
                self.world.note(f"broker: {want.name}: yes")
            elif isinstance(error, Conflict) and error.problems[0].code in _LATER:
                self.world.note(f"broker: {want.name}: {error.problems[0].code}, later")
            elif isinstance(error, GatewayError):
                want.done = True
                self.world.note(f"broker: {want.name}: no, {error.problems[0].code}")

        task.add_done_callback(heard)

    # -------------------------------------------------------------------------------------- answers

    def _was_put(self, trip: str, raw: dict[str, Any]) -> Callable[[Any], None]:
        def answered(receipt: trips.TripReceipt) -> None:
            del receipt
            self.answered.trips[trip] = raw
            self.answered.acts.append(("put_trip", trip))

        return answered

    def _was_staged(self, trip: str) -> Callable[[Any], None]:
        def answered(found: list[tuple[Row, StageResult]]) -> None:
            for row, result in found:
                if result.accepted and row.shipment is not None:
                    self.answered.rows[trip, row.shipment.shipment_id] = row.digest
                else:
                    self.answered.refused_rows.add((trip, row.shipment_id or ""))

        return answered

    def _was_filed(self, trip: str) -> Callable[[Any], None]:
        def answered(receipt: requesting.FilingReceipt) -> None:
            del receipt
            self.answered.filed.add(trip)
            self.answered.acts.append(("file_trip", trip))

        return answered

    def _noted(self, act: str, trip: str) -> Callable[[Any], None]:
        def answered(found: Any) -> None:
            changed = found.get("changed", True) if isinstance(found, dict) else not getattr(found, "already", False)
            if changed:
                self.answered.acts.append((act, trip))

        return answered


def _refusal(answer: Any) -> str:
    """The code by which an act under a key was refused; nothing if it was taken on."""
    if not isinstance(answer, web.Response) or answer.status < HTTPStatus.BAD_REQUEST:
        return ""
    return str(orjson.loads(answer.text or "{}")["code"])


PATIENCE_OF_BROKER: Final = 12
"""How often the broker asks again for something that is refused for the moment; under another key each time."""
_LATER: Final = frozenset(
    "trip_being_filed trip_being_judged answer_awaited entry_answer_awaited request_pending".split()
)
"""Refusals that say: ask again in a moment."""
