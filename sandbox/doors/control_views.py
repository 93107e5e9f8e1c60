"""What does the sandbox show? The calls of the control API that look and change nothing."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from aiohttp import web

from sandbox import transcript, views
from sandbox.annotated import MOST_LINES
from sandbox.cbp import Cbp
from sandbox.doors.books import Books
from sandbox.doors.problems import ApiError, flag, number
from sandbox.pending import pending
from sandbox.runner import Runner

_PAGE: Final = 100
_LARGEST_PAGE: Final = 1000
_LARGEST_FILE: Final = 20_000
_COMMON: Final = frozenset({"after", "limit", "filer"})


class Views:
    """Handlers. ``about`` says who the sandbox is."""

    def __init__(self, books: Books, about: dict[str, Any]) -> None:
        self.books, self.about = books, about
        self.offices = books.offices

    async def health(self, _: web.Request) -> web.Response:
        """``GET /healthz``."""
        return web.json_response({"status": "ok", "now": self.offices.clock.now().isoformat()})

    async def state(self, request: web.Request) -> web.Response:
        """``GET /state``."""
        return web.json_response(await asyncio.to_thread(self.state_of, self.books.of(_filer(request))))

    def state_of(self, runner: Runner) -> dict[str, Any]:
        """A set of books at a glance, and who there is besides."""
        about = self.about | {"books": self.books.name_of(runner)}
        return about | views.state(runner.cbp, self.offices.clock, runner.faults)

    async def trip(self, request: web.Request) -> web.Response:
        """``GET /trips/{trip}``."""
        key = request.match_info["trip"]
        runner = await asyncio.to_thread(self.books.of_trip, key, _filer(request))
        return await _found(partial(views.trip, runner.cbp.store, key), f"No manifest on file for trip {key}.")

    async def shipment(self, request: web.Request) -> web.Response:
        """``GET /shipments/{scn}``."""
        key = request.match_info["scn"]
        runner = await asyncio.to_thread(self.books.of_shipment, key, _filer(request))
        return await _found(partial(self._shipment, runner.cbp, key), f"No shipment on file under {key}.")

    def _shipment(self, cbp: Cbp, scn: str) -> dict[str, Any] | None:
        found = views.shipment(cbp.store, scn)
        return None if found is None else self._with_orders(cbp, [found])[0]

    def _with_orders(self, cbp: Cbp, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Shipments with the orders that their state permits (``may``)."""
        may = cbp.permitted([one["shipment_control_number"] for one in items], self.offices.clock.now())
        return [one | {"may": may.get(one["shipment_control_number"], [])} for one in items]

    async def entry(self, request: web.Request) -> web.Response:
        """``GET /entries/{number}``."""
        key = request.match_info["number"]
        runner = await asyncio.to_thread(self.books.of_entry, key, _filer(request))
        return await _found(partial(views.entry, runner.cbp.store, key), f"No entry on file under {key}.")

    async def listing(self, request: web.Request) -> web.Response:
        """``GET`` on any listing of the books."""
        one = views.listing(request.path.rsplit("/", 1)[-1])
        unknown = sorted(set(request.query) - _COMMON - set(one.filters))
        if unknown:
            told = [{"path": name, "code": "unknown", "text": "not a filter of this listing"} for name in unknown]
            raise ApiError(422, "invalid", f"Filters here: {', '.join(one.filters)}.", told)
        filters = {name: request.query[name] for name in one.filters if name in request.query}
        cbp, limit, after = self.books.of(_filer(request)).cbp, _limit(request), number(request, "after", 0)
        found = await asyncio.to_thread(views.page, cbp.store, one, filters, after=after, limit=limit)
        if one.name == "shipments":
            found["items"] = await asyncio.to_thread(self._with_orders, cbp, found["items"])
        return web.json_response(found)

    async def answers(self, request: web.Request) -> web.Response:
        """``GET /answers``."""
        cbp, limit = self.books.of(_filer(request)).cbp, _limit(request)
        found = await asyncio.to_thread(pending, cbp, limit=limit)
        return web.json_response({"now": self.offices.clock.now().isoformat()} | found)

    async def show_faults(self, request: web.Request) -> web.Response:
        """``GET /faults``."""
        return web.json_response(self.books.of(_filer(request)).faults.as_dict())

    async def transcript(self, request: web.Request) -> web.Response:
        """``GET /transcript``."""
        text = _wants_text(request)
        wanted = _wanted(request, bytes_too=not text, annotated=text)
        runner = self.books.of(_filer(request))
        page = await asyncio.to_thread(
            transcript.page, runner.cbp.store, runner.cbp.office.profile, wanted,
            after=number(request, "after", 0), limit=_limit(request),
        )  # fmt: skip
        return _text(transcript.page_as_text(page)) if text else web.json_response(page)

    async def transcript_one(self, request: web.Request) -> web.Response:
        """``GET /transcript/{id}``."""
        key, wanted = request.match_info["id"], _wanted(request, bytes_too=False, annotated=True)
        runner = self.books.of(_filer(request))
        at = int(key) if key.isascii() and key.isdigit() and len(key) < 16 else 0
        item = await asyncio.to_thread(transcript.one, runner.cbp.store, runner.cbp.office.profile, wanted, at)
        if item is None:
            raise ApiError(404, "not_found", f"The transcript has no line {key[:20]}.")
        return _text(transcript.item_as_text(item)) if _wants_text(request) else web.json_response(item)


async def _found(question: partial[dict[str, Any] | None], otherwise: str) -> web.Response:
    document = await asyncio.to_thread(question)
    if document is None:
        raise ApiError(404, "not_found", otherwise)
    return web.json_response(document)


def _filer(request: web.Request) -> str:
    return request.query.get("filer", "")


def _limit(request: web.Request) -> int:
    return max(1, min(number(request, "limit", _PAGE), _LARGEST_PAGE))


def _wanted(request: web.Request, *, bytes_too: bool, annotated: bool) -> transcript.Wanted:
    return transcript.Wanted(
        kinds=[k for k in request.query.get("kind", "").split(",") if k][:50],
        bytes=flag(request, "bytes", bytes_too),
        orders=flag(request, "orders", False) or "id" in request.match_info,
        annotated=flag(request, "annotated", annotated),
        refused=flag(request, "refused", False),
        first_line=max(1, number(request, "from_line", 1)),
        lines=max(1, min(number(request, "lines", MOST_LINES), _LARGEST_FILE)),
    )


def _wants_text(request: web.Request) -> bool:
    return request.headers.get("Accept", "").split(";")[0].split(",")[0].strip() == "text/plain"


def _text(lines: Any) -> web.Response:
    return web.Response(text="\n".join(lines) + "\n", content_type="text/plain", charset="utf-8")
