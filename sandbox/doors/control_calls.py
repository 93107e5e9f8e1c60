"""How is the sandbox told what to do? The calls of the control API that change something."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from sandbox.clock import ClockError
from sandbox.doors.books import Books
from sandbox.doors.problems import ApiError, known_keys, read_json
from sandbox.faults import FaultsError, read_faults
from sandbox.runner import Runner

SETTLE_SECONDS: Final = 25.0


class Calls:
    """Handlers; each wakes whoever has something to do now."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.offices = books.offices

    async def clock(self, request: web.Request) -> web.Response:
        """``POST /clock``."""
        document = await read_json(request)
        try:
            self.offices.clock.turn(document)
        except ClockError as error:
            reason = {"path": error.key, "code": "invalid", "text": error.text}
            raise ApiError(422, "invalid", error.text, [reason]) from error
        await self.offices.clock_changed()
        for runner in self.offices:
            result = ", ".join(f"{name} {value}" for name, value in document.items())
            await asyncio.to_thread(self.books.orders(runner).note, "clock", "", result)
        shown = self.offices.clock.as_dict()
        if "speed" in document and shown["frozen"]:
            shown["note"] = 'The clock stands still: the speed counts from when it runs again ({"freeze": false}).'
        return web.json_response(shown)

    async def arrive(self, request: web.Request) -> web.Response:
        """``POST /trips/{trip}/arrive``."""
        trip = request.match_info["trip"]
        runner = await asyncio.to_thread(self.books.of_trip, trip, _filer(request))
        arrived = await asyncio.to_thread(self.books.orders(runner).arrive, trip)
        runner.wake()
        document = {"trip_number": trip, "state": arrived.state, "shipments": arrived.shipments}
        return self._done(runner, document | ({"note": arrived.note} if arrived.note else {}))

    async def shipment_act(self, request: web.Request) -> web.Response:
        """``POST /shipments/{scn}/{hold, exam, release, revoke}``."""
        scn = request.match_info["scn"]
        runner = await asyncio.to_thread(self.books.of_shipment, scn, _filer(request))
        state = await asyncio.to_thread(self.books.orders(runner).shipment, request.match_info["act"], scn)
        runner.wake()
        return self._done(runner, {"shipment_control_number": scn, "state": state})

    async def push(self, request: web.Request) -> web.Response:
        """``POST /answers/next``."""
        document = await read_json(request)
        known_keys(document, {"id"}, "Give nothing, or the id of something that is to come.")
        which = document.get("id", "")
        if not isinstance(which, str):
            raise ApiError(422, "invalid", "id is a text like answer-12.")
        runner = self.books.of(_filer(request))
        pushed = await asyncio.to_thread(self.books.orders(runner).push, which)
        runner.wake()
        return self._done(runner, {"pushed": pushed})

    async def set_faults(self, request: web.Request) -> web.Response:
        """``POST /faults``."""
        document = await read_json(request)
        try:
            plan = read_faults(document)
        except FaultsError as error:
            told = [{"path": p, "code": "invalid", "text": t} for p, t in error.reasons]
            raise ApiError(422, "invalid", "This fault plan cannot be used.", told) from error
        runner = self.books.of(_filer(request))
        runner.faults = plan
        await asyncio.to_thread(runner.cbp.store.set_meta, "faults", plan.as_dict())
        result = ", ".join(f"{name} {value}" for name, value in document.items()) or "no faults"
        await asyncio.to_thread(self.books.orders(runner).note, "faults", "", result)
        runner.wake()
        return web.json_response(plan.as_dict())

    async def reset(self, request: web.Request) -> web.Response:
        """``POST /reset``."""
        document = await read_json(request)
        if document != {"confirm": True}:
            raise ApiError(422, "not_confirmed", 'This empties the books. Say {"confirm": true} to do it.')
        filer = _filer(request)
        chosen = [self.books.of(filer)] if filer else list(self.offices)
        for runner in chosen:
            await asyncio.to_thread(self.books.orders(runner).empty)
            runner.wake()
        return web.json_response({"emptied": [self.books.name_of(runner) for runner in chosen]})

    async def settle(self, _: web.Request) -> web.Response:
        """``POST /settle``."""
        return web.json_response({"settled": await self.offices.settled(SETTLE_SECONDS)})

    def _done(self, runner: Runner, document: dict[str, Any]) -> web.Response:
        at = self.offices.clock.now().isoformat()
        return web.json_response(document | {"at": at, "books": self.books.name_of(runner)})


def _filer(request: web.Request) -> str:
    return request.query.get("filer", "")
