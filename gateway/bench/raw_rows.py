"""How long do the same rows take, written raw with the same durability?

The peer of a bulk run: every row that the run left in its store, copied into a table of the same columns without index,
check or key, by the database's own driver, :data:`ROWS_A_COMMIT` rows a commit, each commit on the disk before the next
begins. Reading the rows is not counted. It does less than any gateway must: one insert a row, and no change of it ever.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

ROWS_A_COMMIT: Final = 500


async def raw_copy(store: Path | str) -> tuple[int, float]:
    """(rows, seconds) for writing every row of a store again; a SQLite file by its path, PostgreSQL by its URL."""
    if isinstance(store, Path):
        return await asyncio.to_thread(_sqlite_copy, store)
    return await _postgres_copy(store)


def _sqlite_copy(path: Path) -> tuple[int, float]:
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


async def _postgres_copy(address: str) -> tuple[int, float]:
    import asyncpg

    url = make_url(address)
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    source, target = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    rows, seconds = 0, 0.0
    try:
        await target.execute("CREATE SCHEMA raw")
        tables = await source.fetch("select tablename from pg_tables where schemaname = 'public'")
        for (name,) in tables:
            await target.execute(f'CREATE TABLE raw."{name}" AS TABLE public."{name}" WITH NO DATA')
            async with source.transaction(readonly=True):
                cursor = await source.cursor(f'SELECT * FROM public."{name}"')
                while chunk := await cursor.fetch(ROWS_A_COMMIT):
                    seconds += await _inserted(target, name, [tuple(row) for row in chunk])
                    rows += len(chunk)
    finally:
        await source.close()
        await target.close()
    return rows, seconds


async def _inserted(target: Any, name: str, chunk: list[tuple[Any, ...]]) -> float:
    marks = ", ".join(f"${place}" for place in range(1, len(chunk[0]) + 1))
    begin = time.perf_counter()
    async with target.transaction():
        await target.executemany(f'INSERT INTO raw."{name}" VALUES ({marks})', chunk)
    return time.perf_counter() - begin
