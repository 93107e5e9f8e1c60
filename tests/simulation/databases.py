"""Where does a simulated gateway keep its facts? In the real tables: SQLite in memory, or a real PostgreSQL.

Each process has a store of its own on the same database. A change waits at the turnstile before it is made and again
before its maker hears that it is durable: a crash at the first leaves nothing, a crash at the second leaves the change
and nobody who knows of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, delete, insert, text

from filings.merkle import EMPTY_ROOT
from filings.store import Store
from filings.store.database import Work, _sqlite_engine
from filings.store.tables import archive_head, metadata
from tests.simulation.turnstile import Alive, Turnstile

T = TypeVar("T")


class Database(Protocol):
    """A database under the simulation."""

    url: URL
    in_flight: int
    """Transactions that the server works on just now."""
    changes: int
    """Grows with every transaction that changed something."""

    async def clear(self) -> None:
        """Empty every table."""
        ...

    async def write(self, work: Work[T]) -> T: ...

    async def read(self, work: Work[T]) -> T: ...

    async def rows(self, query: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        """Rows of a query in plain SQL, with ``:name`` for its values."""
        ...


class MemoryDatabase:
    """One SQLite database in memory, used by one seed after the other: what the driver has compiled is kept."""

    def __init__(self, template: Path) -> None:
        self.url = URL.create("sqlite", database="simulated")
        self.in_flight = 0
        self.changes = 0
        self._template = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(template)) as made:
            made.backup(self._template)
        self.raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._engine = _sqlite_engine(lambda: self.raw, "BEGIN", 1)

    async def clear(self) -> None:
        self._template.backup(self.raw)
        self.raw.execute("PRAGMA foreign_keys=ON")
        self.raw.execute("PRAGMA recursive_triggers=ON")
        self.changes = 0

    async def write(self, work: Work[T]) -> T:
        before = self.raw.total_changes
        with self._engine.connect() as conn, conn.begin():
            value = work(conn)
        self.changes += self.raw.total_changes != before
        return value

    async def read(self, work: Work[T]) -> T:
        self.raw.execute("PRAGMA query_only=ON")
        try:
            with self._engine.connect() as conn, conn.begin():
                return work(conn)
        finally:
            self.raw.execute("PRAGMA query_only=OFF")

    async def rows(self, query: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        cursor = self.raw.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class ServerDatabase:
    """A real database of the server kind, behind the real store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.url = store.url
        self.in_flight = 0
        self.changes = 0

    async def clear(self) -> None:
        await self._store.write(_empty)
        self.changes = 0

    async def write(self, work: Work[T]) -> T:
        def watched(conn: Connection) -> tuple[T, bool]:
            value = work(conn)
            return value, bool(conn.execute(text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")).scalar())

        self.in_flight += 1
        try:
            value, changed = await self._store.write(watched)
        finally:
            self.in_flight -= 1
        self.changes += changed
        return value

    async def read(self, work: Work[T]) -> T:
        self.in_flight += 1
        try:
            return await self._store.read(work)
        finally:
            self.in_flight -= 1

    async def rows(self, query: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        return await self.read(lambda conn: [dict(row) for row in conn.execute(text(query), values).mappings()])


def _empty(conn: Connection) -> None:
    """Needs the server's own superuser: the append-only tables refuse everybody else."""
    conn.execute(text("SET LOCAL session_replication_role = replica"))
    for table in reversed(metadata.sorted_tables):
        conn.execute(delete(table))
    conn.execute(insert(archive_head), {"id": 1, "size": 0, "root": EMPTY_ROOT, "frontier": []})


class _Gated:
    """The engine of one process: the shared database behind the turnstile."""

    def __init__(self, database: Database, process: Alive, turnstile: Turnstile) -> None:
        self._database = database
        self._process = process
        self._turnstile = turnstile

    async def write(self, work: Work[T]) -> T:
        what = _whose()
        await self._turnstile.wait(self._process, "commit", what)
        value = await self._database.write(work)
        await self._turnstile.wait(self._process, "committed", what)
        return value

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        """The database outlives its processes."""


def _whose() -> str:
    """The name of the turn that is going on; a part of one has a number, which tells how many ran before this run."""
    task = asyncio.current_task()
    name = task.get_name() if task is not None else ""
    return "part of a turn" if name.startswith("Task-") else name


def store_of(database: Database, process: Alive, turnstile: Turnstile) -> Store:
    """The store of one process."""
    return Store(_Gated(database, process, turnstile), database.url)


async def make_template(path: Path) -> None:
    """Make a database at this program's version, to be copied for each seed."""
    await (await Store.open(path)).close()
