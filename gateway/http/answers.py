"""How do values become JSON answers? Money as text with a decimal point, instants in UTC, nothing guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Protocol

import orjson
from aiohttp import web

from schemas.errors import Problem


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Problem):
        return value.as_dict()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: Any) -> bytes:
    """The JSON text of a value made of plain values, decimals, instants and problems."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer that carries ``value``; it may hold personal data, so nobody keeps a copy on the way."""
    return web.Response(
        status=status,
        body=to_json(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


class Page(Protocol):
    """A page of a listing: its items and the cursor of the next page, ``None`` on the last."""

    @property
    def items(self) -> Sequence[Any]: ...
    @property
    def next(self) -> str | None: ...


def page_answer(page: Page) -> web.Response:
    """The answer that carries one page of a listing."""
    return json_answer({"items": list(page.items), "next": page.next})
