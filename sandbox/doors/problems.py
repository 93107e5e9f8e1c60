"""How does the control API say no? Problem documents (RFC 9457) with ``code`` and ``errors``: a list of
``{path, code, text}``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from sandbox.border import NotPossible
from sandbox.doors.books import UnknownFiler

logger = logging.getLogger("sandbox")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LONGEST_NUMBER: Final = 16


_TITLES: Final = {
    "not_found": "Not known here",
    "unknown_filer": "No such filer",
    "wrong_state": "The state forbids it",
    "nothing_to_come": "Nothing is to come",
    "invalid": "The call cannot be meant",
    "not_json": "The body is not JSON",
    "not_confirmed": "To be confirmed",
    "foreign_host": "Called by a foreign name",
    "foreign_origin": "Called by a foreign page",
    "too_many_watchers": "Too many watch already",
    "sandbox_fault": "A fault of the sandbox",
}
"""What kind of problem a code stands for: the same for every problem of it (RFC 9457, title)."""


class ApiError(Exception):
    """An answer that is a problem document; ``detail`` is the sentence about this one."""

    def __init__(self, status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.title = _TITLES.get(code, HTTPStatus(status).phrase)
        self.errors = errors or [{"path": "", "code": code, "text": detail}]


def problem(error: ApiError) -> web.Response:
    """The error as an HTTP answer."""
    document = {
        "type": "about:blank",
        "status": error.status,
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "errors": error.errors,
    }
    return web.Response(status=error.status, content_type="application/problem+json", text=json.dumps(document))


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything that goes wrong ends in a problem document."""
    try:
        return await handler(request)
    except ApiError as error:
        return problem(error)
    except NotPossible as error:
        return problem(ApiError(404 if error.code == "not_found" else 409, error.code, error.text))
    except UnknownFiler as error:
        return problem(ApiError(404, "unknown_filer", str(error)))
    except web.HTTPException as error:
        return problem(ApiError(error.status, error.reason.lower().replace(" ", "_"), _no_such_call(request, error)))
    except Exception:
        logger.exception("control call failed")
        return problem(ApiError(500, "sandbox_fault", "The sandbox failed; its log says why."))


def _no_such_call(request: web.Request, error: web.HTTPException) -> str:
    """A sentence for what the HTTP library refuses by itself."""
    called = f"{request.method} {request.path[:200]}"
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{called} is no call; this path takes {', '.join(sorted(error.allowed_methods))}."
    if error.status == HTTPStatus.NOT_FOUND:
        return f"{called} is no call; the console is at /sandbox/, the calls are below it (docs/sandbox-api.md)."
    return f"{called}: {error.reason}."


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body, a JSON object; an empty one is ``{}``."""
    try:
        document = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError, LookupError) as error:  # LookupError: a character set nobody knows
        raise ApiError(400, "not_json", f"The body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ApiError(422, "invalid", "The body must be a JSON object.")
    return document


def number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query string."""
    value = request.query.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < _LONGEST_NUMBER):
        told = [{"path": name, "code": "invalid", "text": "a whole number"}]
        raise ApiError(422, "invalid", f"{name} must be a whole number.", told)
    return int(value)


def flag(request: web.Request, name: str, default: bool) -> bool:
    """A switch of the query string: 1, true, 0 or false."""
    value = request.query.get(name, "1" if default else "0")
    if value not in {"0", "1", "true", "false"}:
        told = [{"path": name, "code": "invalid", "text": "1 or 0"}]
        raise ApiError(422, "invalid", f"{name} is 1 or 0.", told)
    return value in {"1", "true"}


def known_keys(document: dict[str, Any], known: set[str], sentence: str) -> None:
    """Refuse keys that nobody knows; ``sentence`` says what may be given."""
    unknown = sorted(set(document) - known)
    if unknown:
        told = [{"path": name, "code": "unknown", "text": "unknown key"} for name in unknown]
        raise ApiError(422, "invalid", sentence, told)
