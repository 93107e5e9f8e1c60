"""How is a change made so that it is either durable or never acknowledged?

Rules:

* A change is a function of a SQLAlchemy connection. :meth:`Store.write` runs it inside a
  transaction and gives its value back only after the commit reached the disk. The function keeps
  its effects in the database: after a deadlock on PostgreSQL it is run again.
* SQLite: one writer thread commits whatever waits (group commit), each function in its own
  SAVEPOINT, so that one failure does not spoil its neighbours. WAL with ``synchronous=FULL``. Another process
  that holds the file for longer than ``locked`` is :class:`StoreAway`: nothing was begun, the same may be asked again.
* PostgreSQL: each function has its own transaction on a pooled connection, READ COMMITTED whatever
  the server's default is: a lock that was waited for is followed by a fresh look. A function that lost
  its connection before the commit was asked for is run again, as after a deadlock. A server that is
  not there is :class:`StoreAway`; when it is back nothing has to be done, connections are made anew.
* A process that stands still in the middle of a transaction holds locks that everybody waits for; so
  the server ends a transaction in which nothing happens for ``stalled``.
* A failed commit fails every function in it: nobody is told that something is kept which is not.
"""

from __future__ import annotations

import asyncio
import os
import queue
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, RootTransaction, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from filings.store.faults import StoreAway, StoreClosed, StoreError, told
from filings.store.types import from_json, to_json

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")
Work = Callable[[Connection], T]

GROUP_LIMIT = 400  # functions per commit: beyond this a commit's cost no longer shows per function
LOCKED = timedelta(seconds=10)  # for which another process may hold SQLite's lock before a function is given up
RETRIES = 8  # attempts after PostgreSQL chose a transaction as the victim of a deadlock, or the connection was lost
STALLED = timedelta(seconds=30)  # silence inside a transaction after which PostgreSQL ends it
JOURNAL_LOCK = 0x66696C696E6773  # advisory lock that orders events and archive entries
_RETRYABLE = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_GOING = frozenset({"57P01", "57P02", "57P03"})  # admin_shutdown, crash_shutdown, cannot_connect_now


def database_url(target: str | Path) -> URL:
    """The database address of a URL or a file path; PostgreSQL always speaks through asyncpg."""
    if isinstance(target, Path) or "://" not in target:
        if str(target) == ":memory:":
            raise StoreError("an in-memory database is not durable; give a file path")
        return URL.create("sqlite", database=str(Path(target).absolute()))
    url = make_url(target)
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+asyncpg")
    if backend != "sqlite" or not url.database or url.database == ":memory:":
        raise StoreError(f"{url.render_as_string(hide_password=True)} is neither a SQLite file nor PostgreSQL")
    return URL.create("sqlite", database=str(Path(url.database).absolute()))


def hold_journal(conn: Connection) -> None:
    """Until commit, let no other transaction write events or archive entries.

    Numbers given out under it are in commit order, so a reader never sees a cursor appear behind
    one it has read. SQLite's writer already holds the whole file.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": JOURNAL_LOCK})


class _Engine(Protocol):
    async def write(self, work: Work[T]) -> T: ...
    async def read(self, work: Work[T]) -> T: ...
    async def close(self) -> None: ...


class Store:
    """The one door to the database; safe to use from one event loop by any number of tasks."""

    def __init__(self, engine: _Engine, url: URL) -> None:
        self._engine = engine
        self.url = url

    @property
    def dialect(self) -> str:
        """``"sqlite"`` or ``"postgresql"``."""
        return self.url.get_backend_name()

    @classmethod
    async def open(
        cls,
        target: str | Path,
        *,
        upgrade: bool = True,
        connections: int = 4,
        stalled: timedelta = STALLED,
        locked: timedelta = LOCKED,
    ) -> Store:
        """Open the database at a URL or file path; a SQLite file is made when it does not exist.

        With ``upgrade`` missing migrations are applied first; without it, a database that is not
        at this program's version raises :class:`StoreError`. One that is newer always does.
        """
        url = database_url(target)
        engine: _Engine
        engine = (
            _SqliteEngine(url, connections, locked)
            if url.get_backend_name() == "sqlite"
            else _PostgresEngine(url, connections, stalled)
        )
        store = cls(engine, url)
        from filings.store import migrations

        try:
            if upgrade:
                await store.write(migrations.upgrade_connection)
            else:
                await store.read(migrations.require_current)
        except BaseException:
            await store.close()
            raise
        return store

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction; its value comes back after the commit is durable."""
        return await self._engine.write(work)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on one consistent snapshot; it cannot write."""
        return await self._engine.read(work)

    async def close(self) -> None:
        """Finish what was accepted for writing, then close every connection."""
        await self._engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _sqlite_engine(connect: Callable[[], sqlite3.Connection], begin: str, size: int) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        json_serializer=to_json,
        json_deserializer=from_json,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
    )
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql(begin))
    return engine


def _write_ahead(raw: sqlite3.Connection, patience: timedelta) -> None:
    """Turn on the write-ahead log, which SQLite does not wait for: another process may be doing the same just now."""
    end = time.monotonic() + patience.total_seconds()
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


class _SqliteEngine:
    """One writer thread with group commit; readers on read-only connections."""

    def __init__(self, url: URL, readers: int, locked: timedelta) -> None:
        path = Path(cast("str", url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Shipments name people: the file is its owner's alone from the first byte.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

        def connect(mode: str) -> sqlite3.Connection:
            # The driver must not begin transactions by itself: isolation_level None.
            raw = sqlite3.connect(
                f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
            )
            raw.execute(f"PRAGMA busy_timeout={round(locked / timedelta(milliseconds=1))}")
            if mode == "rw":
                _write_ahead(raw, locked)
                raw.execute("PRAGMA synchronous=FULL")
                raw.execute("PRAGMA foreign_keys=ON")
                raw.execute("PRAGMA recursive_triggers=ON")  # REPLACE must not slip past the triggers
            return raw

        self._writer_engine = _sqlite_engine(lambda: connect("rw"), "BEGIN IMMEDIATE", 1)
        self._reader_engine = _sqlite_engine(lambda: connect("ro"), "BEGIN", readers)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-reader")
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work[T]) -> T:
        promise: Future[Any] = Future()
        with self._gate:
            if self._closed:
                raise StoreClosed("the store is closed")
            self._queue.put((work, promise))
        return cast("T", await asyncio.wrap_future(promise))

    async def read(self, work: Work[T]) -> T:
        def run() -> T:
            try:
                with self._reader_engine.connect() as conn, conn.begin():
                    return work(conn)
            except DBAPIError as fault:
                if (away := told(fault)) is fault:
                    raise
                raise away from fault

        if self._closed:
            raise StoreClosed("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def close(self) -> None:
        with self._gate:
            first, self._closed = not self._closed, True
            if first:
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._reader_engine.dispose()
        self._writer_engine.dispose()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                self._commit(batch)

    def _next_batch(self) -> tuple[list[tuple[Work[Any], Future[Any]]], bool]:
        batch: list[tuple[Work[Any], Future[Any]]] = []
        item = self._queue.get()
        while item is not None:
            if item[1].set_running_or_notify_cancel():
                batch.append(item)
            if len(batch) == GROUP_LIMIT:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        open_promises = [promise for _, promise in batch]
        try:
            with self._writer_engine.connect() as conn, conn.begin() as whole:
                for work, promise in batch:
                    try:
                        with conn.begin_nested():
                            value = work(conn)
                    except BaseException as fault:  # noqa: BLE001 - it belongs to the caller, whatever it is
                        open_promises.remove(promise)
                        failed.append((promise, fault))
                    else:
                        done.append((promise, value))
                    # SQLite gives up the whole transaction on a full disk or an I/O error.
                    _require_transaction(conn, whole)
        except BaseException as fault:  # noqa: BLE001 - no caller may be left waiting
            failed.extend((promise, told(fault)) for promise in open_promises)
            done.clear()
        # Only now: a failure may rest on what a neighbour in the batch wrote, which nobody could read before.
        for promise, reason in failed:
            promise.set_exception(reason)
        for promise, value in done:
            promise.set_result(value)


def _require_transaction(conn: Connection, whole: RootTransaction) -> None:
    raw = cast("sqlite3.Connection", conn.connection.dbapi_connection)
    if not whole.is_active or not raw.in_transaction:
        raise StoreError("the database gave up the transaction; nothing of this commit was kept")


def _lost(fault: DBAPIError) -> bool:
    """Whether the fault lies with the connection: it is gone, or another process has upgraded the database under it."""
    from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

    state = getattr(fault.orig, "sqlstate", None) or ""
    going = state in _GOING or state.startswith("08")  # connection_exception
    stale = isinstance(fault.orig, AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError)
    return going or stale or fault.connection_invalidated


def _words(fault: BaseException) -> str:
    """The first line of what a driver says, without the name of its class."""
    said = str(getattr(fault, "orig", None) or fault)
    return (said.splitlines()[0].rpartition(">: ")[2] if said else "") or type(fault).__name__


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool. Raises :class:`StoreAway` when none can be made."""
    from asyncpg import InterfaceError, PostgresError

    conn = engine.connect()
    try:
        await conn.start()
    except (OSError, PostgresError, InterfaceError, PoolTimeout) as fault:  # TimeoutError is an OSError
        raise StoreAway(_words(fault)) from fault
    except DBAPIError as fault:  # lost while the connection was made ready
        if not _lost(fault):
            raise
        raise StoreAway(_words(fault)) from fault
    try:
        yield conn
    finally:
        await conn.close()


class _PostgresEngine:
    """A pool of asyncpg connections; each function is one transaction."""

    def __init__(self, url: URL, connections: int, stalled: timedelta) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        milliseconds = round(stalled / timedelta(milliseconds=1))
        self._engine = create_async_engine(
            url,
            json_serializer=to_json,
            json_deserializer=from_json,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=60,
            isolation_level="READ COMMITTED",
            connect_args={"server_settings": {"idle_in_transaction_session_timeout": str(milliseconds)}},
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def write(self, work: Work[T]) -> T:
        for attempt in range(RETRIES):
            done: list[T] = []
            try:
                async with _connected(self._engine) as conn, conn.begin():
                    done.append(await conn.run_sync(work))
            except DBAPIError as fault:
                # A connection lost while committing leaves open whether it was kept: that is the caller's to settle.
                lost = _lost(fault)
                again = (not done and lost) or getattr(fault.orig, "sqlstate", None) in _RETRYABLE
                if attempt == RETRIES - 1 or not again:
                    if lost:
                        raise StoreAway(_words(fault), in_doubt=bool(done)) from fault
                    raise
            else:
                return done[0]
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads rivals, hides nothing
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def read(self, work: Work[T]) -> T:
        for attempt in range(RETRIES):
            try:
                async with _connected(self._snapshots) as conn, conn.begin():
                    return await conn.run_sync(work)
            except DBAPIError as fault:
                if not _lost(fault):
                    raise
                if attempt == RETRIES - 1:
                    raise StoreAway(_words(fault)) from fault
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def close(self) -> None:
        await self._engine.dispose()
