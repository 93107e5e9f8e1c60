"""How is the sandbox told what to do, and what does it show? The control API under ``/sandbox``, JSON, on its own
loopback port.

Errors are problem documents (RFC 9457) with ``code`` and ``errors``: a list of ``{path, code, text}``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from sandbox.border import NotPossible
from sandbox.clock import ClockError
from sandbox.faults import FaultsError, read_faults
from sandbox.offices import Offices
from sandbox.runner import Runner

logger = logging.getLogger("sandbox")
_PAGE: Final = 100
_LARGEST_PAGE: Final = 1000
_BODY_LIMIT: Final = 64 * 1024
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """An answer that is a problem document."""

    def __init__(self, status: int, code: str, title: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(title)
        self.status, self.code, self.title = status, code, title
        self.errors = errors or [{"path": "", "code": code, "text": title}]


def _problem(error: ApiError) -> web.Response:
    document = {
        "type": "about:blank",
        "status": error.status,
        "code": error.code,
        "title": error.title,
        "detail": error.title,
        "errors": error.errors,
    }
    return web.Response(status=error.status, content_type="application/problem+json", text=json.dumps(document))


@web.middleware
async def _problems(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _problem(error)
    except NotPossible as error:
        return _problem(ApiError(404 if error.code == "not_found" else 409, error.code, error.text))
    except web.HTTPException as error:
        return _problem(ApiError(error.status, error.reason.lower().replace(" ", "_"), error.reason))
    except Exception:
        logger.exception("control call failed")
        return _problem(ApiError(500, "sandbox_fault", "The sandbox failed; its log says why."))


class Control:
    """Handlers of the control API."""

    def __init__(self, offices: Offices, about: dict[str, Any]) -> None:
        self.offices, self.about = offices, about
        self.runner = offices.main

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application(middlewares=[_problems], client_max_size=_BODY_LIMIT)
        router = application.router
        router.add_get("/healthz", self._health)
        router.add_get("/sandbox/healthz", self._health)
        router.add_get("/sandbox/state", self._state)
        router.add_post("/sandbox/clock", self._clock)
        router.add_post("/sandbox/trips/{trip}/arrive", self._arrive)
        router.add_post("/sandbox/shipments/{scn}/{act:hold|exam|release|revoke}", self._shipment)
        router.add_get("/sandbox/shipments/{scn}", self._one_shipment)
        router.add_get("/sandbox/faults", self._show_faults)
        router.add_post("/sandbox/faults", self._set_faults)
        router.add_get("/sandbox/transcript", self._transcript)
        router.add_post("/sandbox/settle", self._settle)
        return application

    @property
    def _now(self) -> datetime:
        return self.runner.clock.now()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "now": self._now.isoformat()})

    async def _state(self, _: web.Request) -> web.Response:
        document = await asyncio.to_thread(state_of, self.runner)
        return web.json_response(self.about | document)

    async def _clock(self, request: web.Request) -> web.Response:
        try:
            self.offices.clock.turn(await _json(request))
        except ClockError as error:
            raise ApiError(
                422, "invalid", error.text, [{"path": error.key, "code": "invalid", "text": error.text}]
            ) from error
        await self.offices.clock_changed()
        return web.json_response(self.offices.clock.as_dict())

    async def _arrive(self, request: web.Request) -> web.Response:
        trip = request.match_info["trip"]
        shipments = await asyncio.to_thread(self.runner.cbp.arrive, trip, self._now)
        self.runner.wake()
        return web.json_response(
            {"trip_number": trip, "state": "ARRIVED", "shipments": shipments, "at": self._now.isoformat()}
        )

    async def _shipment(self, request: web.Request) -> web.Response:
        scn, cbp = request.match_info["scn"], self.runner.cbp
        acts = {"hold": cbp.hold, "exam": cbp.exam, "release": cbp.release, "revoke": cbp.revoke}
        state = await asyncio.to_thread(acts[request.match_info["act"]], scn, self._now)
        self.runner.wake()
        return web.json_response({"shipment_control_number": scn, "state": state, "at": self._now.isoformat()})

    async def _one_shipment(self, request: web.Request) -> web.Response:
        scn = request.match_info["scn"]
        found = await asyncio.to_thread(_shipment_of, self.runner, scn)
        if found is None:
            raise ApiError(404, "not_found", f"No shipment on file under {scn}.")
        return web.json_response(found)

    async def _show_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.runner.faults.as_dict())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self.runner.faults = read_faults(await _json(request))
        except FaultsError as error:
            raise ApiError(
                422,
                "invalid",
                "This fault plan cannot be used.",
                [{"path": p, "code": "invalid", "text": t} for p, t in error.reasons],
            ) from error
        await asyncio.to_thread(self.runner.cbp.store.set_meta, "faults", self.runner.faults.as_dict())
        self.runner.wake()
        return web.json_response(self.runner.faults.as_dict())

    async def _settle(self, _: web.Request) -> web.Response:
        return web.json_response({"settled": await self.offices.settled(25.0)})

    async def _transcript(self, request: web.Request) -> web.Response:
        after, limit = _number(request, "after", 0), max(1, min(_number(request, "limit", _PAGE), _LARGEST_PAGE))
        kinds = [k for k in request.query.get("kind", "").split(",") if k]
        bytes_wanted = request.query.get("bytes", "1") not in {"0", "false"}
        document = await asyncio.to_thread(_transcript_of, self.runner, after, limit, kinds, bytes_wanted)
        return web.json_response(document)


def state_of(runner: Runner) -> dict[str, Any]:
    """What the sandbox holds, as ``GET /sandbox/state`` shows it."""
    cbp = runner.cbp
    store = cbp.store
    manifests = store.rows(
        "select id, trip, arrival_date, port, eta, state, filed_at, arrived_at from manifest order by id desc limit 200"
    )
    counts: dict[int, dict[str, int]] = {r["id"]: {} for r in manifests}
    for row in store.rows("select manifest_id, state, count(*) as n from bill group by manifest_id, state"):
        counts.setdefault(row["manifest_id"], {})[row["state"]] = row["n"]
    now = runner.clock.now()
    due = cbp.next_due()
    return {
        "clock": runner.clock.as_dict(),
        "rules_in_force": [{"id": r.id, "citation": r.citation} for r in cbp.book.in_force(now)],
        "manifests": [{k: r[k] for k in r.keys() if k != "id"} | {"shipments": counts[r["id"]]} for r in manifests],  # noqa: SIM118 - a Row is no dict
        "shipments": {r["state"]: r["n"] for r in store.rows("select state, count(*) as n from bill group by state")},
        "entries": {r["state"]: r["n"] for r in store.rows("select state, count(*) as n from entry group by state")},
        "files": {
            "received": store.count("select count(*) from received where repeats is null"),
            "repeated": store.count("select count(*) from received where repeats is not null"),
            "unread": store.count("select count(*) from received where digested_at is null"),
            "waiting": store.count("select count(*) from answer where state = 'pending'"),
            "sent": store.count("select count(*) from answer where state = 'sent'"),
            "dropped": store.count("select count(*) from answer where state = 'dropped'"),
        },
        "next_due": due.isoformat() if due is not None else None,
        "faults": runner.faults.as_dict(),
    }


def _shipment_of(runner: Runner, scn: str) -> dict[str, Any] | None:
    store = runner.cbp.store
    row = store.row(
        "select b.scn, b.state, b.kind, b.quantity, b.unit, b.consignee_name, b.value, b.marks, b.over_limit,"
        " b.hold, b.released_at, m.trip"
        " from bill b join manifest m on m.id = b.manifest_id where b.scn = ?",
        scn,
    )
    entries = store.rows(
        "select e.number, e.type, e.state from entry_bill x join entry e on e.number = x.number where x.scn = ?", scn
    )
    if row is None and not entries:
        return None
    document: dict[str, Any] = {"shipment_control_number": scn, "entries": [dict(e) for e in entries]}
    return document | (dict(row) if row is not None else {})


def _transcript_of(runner: Runner, after: int, limit: int, kinds: list[str], bytes_wanted: bool) -> dict[str, Any]:
    where = f" and kind in ({','.join('?' * len(kinds))})" if kinds else ""
    rows = runner.cbp.store.rows(
        f"select * from transcript where id > ?{where} order by id limit ?", after, *kinds, limit
    )
    items = []
    for row in rows:
        item = {k: row[k] for k in ("id", "at", "direction", "kind", "name", "partner", "size", "digest")}
        item["verdict"] = json.loads(row["verdict"])
        if bytes_wanted:
            payload = bytes(row["payload"] or b"")
            item["base64"] = base64.b64encode(payload).decode("ascii")
            item["text"] = payload.decode("ascii") if payload.isascii() else None
        items.append(item)
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        document = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError, LookupError) as error:  # LookupError: a character set nobody knows
        raise ApiError(400, "not_json", f"The body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ApiError(422, "invalid", "The body must be a JSON object.")
    return document


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise ApiError(
            422,
            "invalid",
            f"{name} must be a whole number.",
            [{"path": name, "code": "invalid", "text": "a whole number"}],
        )
    return int(value)
