"""How does the control API say no? Problem documents (RFC 9457) with ``code`` and ``errors``: a list of
``{path, code, text}``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from sandbox.border import NotPossible
from sandbox.doors.books import UnknownFiler

logger = logging.getLogger("sandbox")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LONGEST_NUMBER: Final = 16


class ApiError(Exception):
    """An answer that is a problem document."""

    def __init__(self, status: int, code: str, title: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(title)
        self.status, self.code, self.title = status, code, title
        self.errors = errors or [{"path": "", "code": code, "text": title}]


def problem(error: ApiError) -> web.Response:
    """The error as an HTTP answer."""
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
        return problem(ApiError(error.status, error.reason.lower().replace(" ", "_"), error.reason))
    except Exception:
        logger.exception("control call failed")
        return problem(ApiError(500, "sandbox_fault", "The sandbox failed; its log says why."))


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
