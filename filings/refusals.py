"""Which rows were sent for a trip and did not get on it?

A parcel whose row was refused is on no manifest: whoever loads the truck must know. A row sent again
under the same ``shipment_id`` replaces what was refused before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from filings.store import tables as t
from filings.uuid7 import uuid7
from schemas.errors import Problem
from schemas.intake import Row
from schemas.plain_text import UNFIT

CHUNK: Final = 400
SHOWN: Final = 25


def note(
    conn: Connection, trip_number: str, rows: Sequence[tuple[Row, Sequence[Problem] | None]], now: datetime
) -> None:
    """Note the refused rows of one call; a row with ``None`` was taken, and clears what was noted of it."""
    named = sorted({_named(row) or "" for row, _ in rows} - {""})
    table = t.refused_rows
    for start in range(0, len(named), CHUNK):
        these = table.c.shipment_id.in_(named[start : start + CHUNK])
        conn.execute(delete(table).where(table.c.trip_number == trip_number, these))
    nameless = [row.line_number for row, problems in rows if problems is not None and _named(row) is None]
    if nameless:
        lines = table.c.line_number.in_(nameless[:CHUNK])
        conn.execute(delete(table).where(table.c.trip_number == trip_number, table.c.shipment_id.is_(None), lines))
    refused = [
        {
            "id": uuid7(),
            "trip_number": trip_number,
            "shipment_id": _named(row),
            "line_number": row.line_number,
            "problems": [_clean(problem.as_dict()) for problem in problems[:20]],
            "refused_at": now,
        }
        for row, problems in rows
        if problems is not None
    ]
    if refused:
        conn.execute(insert(table), refused)


def listed(conn: Connection, trip_number: str) -> dict[str, Any]:
    """How many rows stand refused, and the first of them."""
    table = t.refused_rows
    mine = table.c.trip_number == trip_number
    count = conn.execute(select(func.count()).select_from(table).where(mine)).scalar_one()
    rows = conn.execute(select(table).where(mine).order_by(table.c.line_number).limit(SHOWN)) if count else ()
    shown = [{"shipment_id": row.shipment_id, "line_number": row.line_number, "problems": row.problems} for row in rows]
    return {"count": int(count), "rows": shown}


def _named(row: Row) -> str | None:
    name = row.shipment_id
    return name if name and len(name) <= 200 and name.isprintable() else None


def _clean(problem: dict[str, str]) -> dict[str, str]:
    """A database holds no NUL: the place of one stays visible."""
    return {key: UNFIT.sub("\ufffd", value) for key, value in problem.items()}
