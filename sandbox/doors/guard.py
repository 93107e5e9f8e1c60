"""Who may call the control port? Programs of this machine and the sandbox's own page; no page of another site.

A browser shows a foreign page that talks to a loopback port in one of two ways. Either the page's own name leads to
this machine (DNS rebinding): then ``Host`` carries that name, and only loopback names are served. Or the page sends
here straight (cross-site request): then ``Origin`` carries its name, and whatever changes something is refused unless
it comes from this port itself and its body is declared as JSON, which a form cannot do.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.doors.problems import ApiError, Handler

_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def is_loopback(name: str) -> bool:
    """Whether a host name (without port) means this machine: ``localhost`` or a loopback address."""
    if name.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def guard(host: str) -> Middleware:
    """A middleware for a port that listens on ``host``, whose name is served too."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check(request, host)
        return await handler(request)

    return guarded


def _check(request: web.Request, host: str) -> None:
    named = _host_of("//" + request.headers.get("Host", ""))
    if not is_loopback(named) and named != host:
        raise ApiError(
            403, "foreign_host", "The control port is for this machine: call it by localhost or a loopback address."
        )
    if request.method in _LOOKING:
        return
    origin = request.headers.get("Origin")
    own = origin is None or urlsplit(origin).netloc.lower() == request.headers["Host"].lower()
    if not own or request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
        raise ApiError(403, "foreign_origin", "Pages of other sites may not call the control port.")
    if request.body_exists and request.content_type != "application/json":
        raise ApiError(415, "not_json", "Say that the body is JSON: Content-Type: application/json.")


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
