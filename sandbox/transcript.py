"""What has gone in and out? Pages of the transcript: every file with time, direction, kind, digest and verdict, as
bytes, annotated, or as text for a terminal.

A line has direction ``in`` (a file came), ``out`` (an answer went) or ``told`` (an order was given: not a file, left
out unless asked for). A page ends early when its bytes or its annotated lines reach a bound; ``next`` then leads on.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.annotated import MOST_LINES, annotated, as_text, printable, sentence, wrapped
from sandbox.clock import EASTERN
from sandbox.orders import TOLD
from sandbox.store import Store, moment
from sandbox.truck.trip_reader import zone_of
from schemas.profile import Profile

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_LINES_OF_PAGE: Final = 8_000
_HEAD: Final = 65_536
_PORT: Final = re.compile(rb"[^A-Z0-9]\s*P4[^A-Za-z0-9](\d{4})|^A(\d{4})|\nB  (\d{4})")
_COLUMNS: Final = "id, at, direction, kind, name, partner, size, digest, verdict"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page is to show."""

    kinds: Sequence[str] = ()
    bytes: bool = True
    orders: bool = False
    annotated: bool = False
    refused: bool = False
    """Files in which something was refused alone, and of their annotated lines those that a refusal stands under."""
    first_line: int = 1
    lines: int = MOST_LINES


def page(store: Store, profile: Profile, wanted: Wanted, *, after: int = 0, limit: int = 100) -> dict[str, Any]:
    """``items`` with a number above ``after``, and ``next``: where the page behind this one begins, or ``None``."""
    rows = _rows(store, wanted, "id > ?", after, limit + 1)
    items: list[dict[str, Any]] = []
    left_bytes, left_lines = MOST_BYTES, MOST_LINES_OF_PAGE
    for row in rows[:limit]:
        item = shown(store, profile, wanted, row)
        items.append(item)
        left_bytes -= row["size"] if wanted.bytes else 0
        left_lines -= len(item["annotated"]["lines"]) if wanted.annotated else 0
        if left_bytes <= 0 or left_lines <= 0:
            break
    return {"items": items, "next": items[-1]["id"] if len(rows) > len(items) else None}


def one(store: Store, profile: Profile, wanted: Wanted, number: int) -> dict[str, Any] | None:
    """One line of the transcript; ``None``: there is none of this number."""
    rows = _rows(store, wanted, "id = ?", number, 1)
    return shown(store, profile, wanted, rows[0]) if rows else None


def newest(store: Store, count: int) -> int:
    """The number after which the ``count`` newest lines stand."""
    row = store.row("select id from transcript order by id desc limit 1 offset ?", count)
    return int(row["id"]) if row is not None else 0


def shown(store: Store, profile: Profile, wanted: Wanted, row: sqlite3.Row) -> dict[str, Any]:
    """A row of the transcript as the outside sees it."""
    item: dict[str, Any] = {k: row[k] for k in ("id", "at", "direction", "kind", "name", "partner", "size", "digest")}
    item["verdict"] = json.loads(row["verdict"])
    if not wanted.bytes and not wanted.annotated:
        return item
    found = store.row("select payload from transcript where id = ?", row["id"])
    payload = bytes(found["payload"] or b"") if found is not None else b""
    if wanted.bytes:
        item["base64"] = base64.b64encode(payload).decode("ascii")
        item["text"] = payload.decode("ascii") if payload.isascii() else None
    if wanted.annotated:
        reasons = item["verdict"].get("reasons", [])
        item["annotated"] = annotated(payload, reasons, profile, first=wanted.first_line, most=wanted.lines)
        if wanted.refused:
            item["annotated"]["lines"] = [line for line in item["annotated"]["lines"] if line["refused"]]
        item["annotated"]["cut_off"] = row["size"] - len(payload)
        item["zone"] = zone_of(port_of(payload)).key
    return item


def port_of(payload: bytes) -> str:
    """The port that a file speaks of first: P4 of an interchange, the A or B record of a batch; empty: none."""
    found = _PORT.search(payload[:_HEAD])
    return next((one.decode("ascii") for one in found.groups() if one), "") if found is not None else ""


def _rows(store: Store, wanted: Wanted, where: str, value: int, limit: int) -> list[sqlite3.Row]:
    kinds = f" and kind in ({','.join('?' * len(wanted.kinds))})" if wanted.kinds else ""
    files = "" if wanted.orders else f" and direction <> '{TOLD}'"
    files += " and json_array_length(verdict, '$.reasons') > 0" if wanted.refused else ""
    return store.rows(
        f"select {_COLUMNS} from transcript where {where}{kinds}{files} order by id limit ?",
        value,
        *wanted.kinds,
        limit,
    )


def page_as_text(document: dict[str, Any]) -> Iterator[str]:
    """An annotated page for a terminal."""
    for item in document["items"]:
        yield from item_as_text(item)
    if document["next"] is not None:
        yield f"… more: ?after={document['next']}"


def item_as_text(item: dict[str, Any]) -> Iterator[str]:
    """An annotated line of the transcript for a terminal."""
    arrow = {"in": "->", "out": "<-"}.get(item["direction"], "==")
    words = (item["kind"], item["name"], item["partner"], f"{item['size']} bytes" * bool(item["size"]))
    at = moment(item["at"])
    local = f"{at.astimezone(ZoneInfo(item.get('zone') or EASTERN.key)):%Y-%m-%d %H:%M:%S %Z}"
    head = f"{item['id']:>5} {local} ({at:%Y-%m-%dT%H:%M:%SZ})"
    yield f"{head} {arrow} {printable('  '.join(w for w in words if w))}"
    yield f"      {printable(verdict_in_words(item['verdict']))}"
    if "annotated" in item:
        yield from as_text(item["annotated"])
    else:
        for reason in item["verdict"].get("reasons", []):
            yield from wrapped(f"    !! {sentence(reason)}")
    yield ""


def verdict_in_words(verdict: dict[str, Any]) -> str:
    """Stage and result of a verdict."""
    return ": ".join(str(verdict[name]) for name in ("stage", "result") if verdict.get(name))
