"""What answers on the control port? The calls of :mod:`sandbox.doors.routes`, JSON under ``/sandbox``, on a loopback
port of its own, behind a guard against foreign web pages.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from sandbox.doors.books import Books
from sandbox.doors.console import Console
from sandbox.doors.control_calls import Calls
from sandbox.doors.control_views import Views
from sandbox.doors.feed import Feed
from sandbox.doors.guard import guard
from sandbox.doors.problems import problems
from sandbox.doors.routes import ROOT, ROUTES
from sandbox.offices import Offices

_BODY_LIMIT: Final = 64 * 1024


class Control:
    """The control port of a sandbox."""

    def __init__(self, offices: Offices, about: dict[str, Any], host: str = "127.0.0.1") -> None:
        self.host = host
        books = Books(offices)
        views = Views(books, about)
        self._feed = Feed(books, views.state_of)
        self._rooms = (Calls(books), views, self._feed, Console())

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application(middlewares=[problems, guard(self.host)], client_max_size=_BODY_LIMIT)
        application.router.add_get("/", _to_console)
        for one in ROUTES:
            application.router.add_route(one.method, ROOT + one.path, self._handler(one.handler))
        application.router.add_get("/healthz", self._handler("health"))
        application.router.add_get(ROOT, _to_console)
        self._feed.follow(application)
        return application

    def _handler(self, name: str) -> Any:
        return next(getattr(room, name) for room in self._rooms if hasattr(room, name))


async def _to_console(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": ROOT + "/"})
