"""What is still under way in a store, what has been answered, and how long do the same rows take alone?"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from filings.store import tables as t

ROWS_A_COMMIT: Final = 500
ANSWERED: Final = ("accepted", "rejected")


def open_work(conn: Connection, *, packages: bool = False) -> dict[str, int]:
    """What waits, by kind: trips to plan, files without an answer, files to read; empty when nothing does.

    With ``packages`` also the handoff packages, for which nothing at CBP waits.
    """
    done = ("done",) if packages else ("handoffs", "done")
    sent = t.transmissions.c.direction == "out"
    counts = {
        "trips to plan": select(func.count()).where(t.trips.c.filed_at.is_not(None), t.trips.c.plan_stage.not_in(done)),
        "files without an answer": select(func.count()).where(sent, t.transmissions.c.answered_at.is_(None)),
        "files to read": select(func.count()).where(~sent, t.transmissions.c.state == "received"),
    }
    found = {name: int(conn.execute(query).scalar_one()) for name, query in counts.items()}
    return {name: number for name, number in found.items() if number}


def counted(conn: Connection) -> int:
    """Shipments of which CBP has taken or refused the bill."""
    query = select(func.count()).select_from(t.shipments).where(t.shipments.c.manifest_state.in_(ANSWERED))
    return int(conn.execute(query).scalar_one())


def raw_copy(path: Path) -> tuple[int, float]:
    """(rows, seconds) for writing every row of a SQLite store again, raw, with the same durability."""
    source = sqlite3.connect(path)
    target = sqlite3.connect(path.with_name("raw.db"), isolation_level=None)
    rows, seconds = 0, 0.0
    try:
        target.execute("PRAGMA journal_mode=WAL")
        target.execute("PRAGMA synchronous=FULL")
        tables = [row[0] for row in source.execute("select name from sqlite_master where type = 'table'")]
        for name in tables:
            cursor = source.execute(f'select * from "{name}"')
            columns = ", ".join(f'"{column[0]}"' for column in cursor.description)
            target.execute(f'create table "{name}" ({columns})')
            marks = ", ".join("?" * len(cursor.description))
            while chunk := cursor.fetchmany(ROWS_A_COMMIT):
                begin = time.perf_counter()
                target.execute("BEGIN IMMEDIATE")
                target.executemany(f'insert into "{name}" values ({marks})', chunk)
                target.execute("COMMIT")
                seconds += time.perf_counter() - begin
                rows += len(chunk)
    finally:
        source.close()
        target.close()
    return rows, seconds
