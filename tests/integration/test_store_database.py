"""The store on both engines: durable when acknowledged, one failure alone, migrations, types."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, column, func, insert, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from filings.store import Store, StoreClosed, StoreError, migrations
from filings.store import database as database_module
from filings.store.database import database_url
from filings.store.migrations import head_revision, upgrade
from filings.store.tables import alerts, counters, day_ledger, metadata, transmissions, trips
from tests.integration.store_rows import NOW, TRIP, put_shipments, put_trip


def counter(name: str) -> dict[str, Any]:
    """A row that a test can count."""
    return {"name": name, "first_value": 1, "last_value": 9, "next_value": 1}


class Busy:
    """Keeps the writer in one function, so that what comes after it waits."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _conn: Connection) -> bool:
        """The function that keeps the writer."""
        self.started.set()
        return self.go_on.wait(10)


def count_rows(conn: Connection) -> int:
    """How many counters there are."""
    return int(conn.execute(select(func.count()).select_from(counters)).scalar_one())


async def test_an_empty_database_becomes_the_present_one_without_drift(store: Store) -> None:
    """Migrations from nothing give exactly the tables of the metadata, with every comment in place."""

    def differences(conn: Connection) -> list[Any]:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    assert await store.read(differences) == []
    names = await store.read(lambda conn: set(inspect(conn).get_table_names()))
    assert names == set(metadata.tables) | {"alembic_version"}
    assert all(table.comment for table in metadata.tables.values())


async def test_upgrade_again_and_from_several_processes_changes_nothing(database: str) -> None:
    """Opening an empty database from several places at once migrates it once; upgrading again keeps the data."""
    stores = await asyncio.gather(*(Store.open(database) for _ in range(3)))
    await stores[0].write(put_trip)
    for one in stores:
        await one.close()
    assert await upgrade(database) == head_revision()
    async with await Store.open(database, upgrade=False) as again:
        assert await again.read(lambda conn: conn.execute(select(trips.c.trip_number)).scalars().all()) == [TRIP]


async def test_what_was_in_doubt_before_is_in_doubt_since_it_was_queued(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revision 0005 on a database with rows: doubt begins when the file was made, nothing else is touched."""
    real = migrations.command.upgrade
    with monkeypatch.context() as before:
        before.setattr(migrations.command, "upgrade", lambda config, _head: real(config, "0004"))
        store = await Store.open(database)
    old = table("transmissions", *(column(name) for name in _TRANSMISSION))
    rows = [dict(zip(_TRANSMISSION, (state, state, *_SENT), strict=True)) for state in ("in_doubt", "queued")]
    await store.write(lambda conn: conn.execute(insert(old), rows) and None)
    await store.write(migrations.upgrade_connection)
    query = select(transmissions.c.state, transmissions.c.doubt_since).order_by(transmissions.c.state)
    found = await store.read(lambda conn: conn.execute(query).all())
    await store.close()
    assert [tuple(row) for row in found] == [("in_doubt", NOW), ("queued", None)]
    assert await upgrade(database) == head_revision()


_TRANSMISSION = "id state direction partner channel name content_type payload_digest payload_size created_at".split()
_SENT = ("out", "cbp", "as2", "a file", "text/plain", "0" * 64, 1, NOW)


async def test_a_database_of_another_version_is_refused(database: str) -> None:
    """An empty database is not used without upgrade, and one of a newer program not at all."""
    with pytest.raises(StoreError, match="gateway db upgrade"):
        await Store.open(database, upgrade=False)
    async with await Store.open(database) as store:
        await store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    with pytest.raises(StoreError, match="newer"):
        await Store.open(database)


async def test_one_failure_does_not_spoil_its_neighbours(store: Store) -> None:
    """Of many functions that wait together, those that fail are undone alone and get their own error."""

    def work(number: int) -> Any:
        def run(conn: Connection) -> int:
            conn.execute(insert(counters), counter(f"n{number}"))
            if number % 5 == 0:
                conn.execute(insert(counters), counter(f"n{number}"))
            if number % 7 == 0:
                raise ValueError(f"no {number}")
            return number

        return run

    results = await asyncio.gather(*(store.write(work(n)) for n in range(1, 101)), return_exceptions=True)
    for number, result in enumerate(results, start=1):
        if number % 5 == 0:
            assert isinstance(result, IntegrityError)
        elif number % 7 == 0:
            assert isinstance(result, ValueError)
            assert str(result) == f"no {number}"
        else:
            assert result == number
    assert await store.read(count_rows) == sum(1 for result in results if isinstance(result, int))


async def test_what_waits_is_committed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite functions that wait while another runs share one commit."""
    commits: list[int] = []
    original = database_module._SqliteEngine._commit

    def counting(self: Any, batch: list[Any]) -> None:
        commits.append(len(batch))
        original(self, batch)

    monkeypatch.setattr(database_module._SqliteEngine, "_commit", counting)
    async with await Store.open(tmp_path / "gateway.db") as store:
        commits.clear()
        busy = Busy()
        first = asyncio.ensure_future(store.write(busy))
        await asyncio.to_thread(busy.started.wait, 10)
        rest = [
            asyncio.ensure_future(store.write(lambda conn, n=n: conn.execute(insert(counters), counter(f"n{n}")) and n))
            for n in range(500)
        ]
        await asyncio.to_thread(lambda: None)  # every task above has put its function on the queue
        busy.go_on.set()
        await asyncio.gather(first, *rest)
    assert commits[0] == 1
    assert max(commits) <= database_module.GROUP_LIMIT
    assert len(commits) <= 4


async def test_a_lost_transaction_is_never_acknowledged(tmp_path: Path) -> None:
    """If the database gives up the transaction, every function in that commit hears of it."""
    async with await Store.open(tmp_path / "gateway.db") as store:
        busy = Busy()
        first = asyncio.ensure_future(store.write(busy))
        await asyncio.to_thread(busy.started.wait, 10)
        good = asyncio.ensure_future(store.write(lambda conn: conn.execute(insert(counters), counter("a")) and 1))

        def lose(conn: Connection) -> None:
            raw: Any = conn.connection.dbapi_connection
            raw.rollback()  # what SQLite does by itself when the disk is full

        bad = asyncio.ensure_future(store.write(lose))
        await asyncio.to_thread(lambda: None)
        busy.go_on.set()
        results = await asyncio.gather(first, good, bad, return_exceptions=True)
        assert results[0] is True
        assert all(isinstance(result, Exception) for result in results[1:])
        assert await store.read(count_rows) == 0
        assert await store.write(lambda conn: conn.execute(insert(counters), counter("b")).rowcount) == 1


async def test_readers_see_commits_and_cannot_write(store: Store) -> None:
    """What was acknowledged is visible to the next read; a read that tries to write is refused."""
    await store.write(lambda conn: conn.execute(insert(counters), counter("a")).rowcount)
    assert await store.read(count_rows) == 1
    with pytest.raises(DBAPIError):
        await store.read(lambda conn: conn.execute(insert(counters), counter("b")).rowcount)
    assert await store.read(count_rows) == 1


async def test_sqlite_is_set_to_lose_nothing(tmp_path: Path) -> None:
    """The writer runs with WAL, full synchronisation and foreign keys; the file is its owner's alone."""

    def pragmas(conn: Connection) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
        return {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    path = tmp_path / "folder" / "gateway.db"
    async with await Store.open(path) as store:
        assert await store.write(pragmas) == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 10_000,
            "recursive_triggers": 1,
        }
    assert path.stat().st_mode & 0o077 == 0


async def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    """Functions handed over before closing are committed; later ones are refused."""
    store = await Store.open(tmp_path / "gateway.db")
    waiting = [
        asyncio.ensure_future(store.write(lambda conn, n=n: conn.execute(insert(counters), counter(f"n{n}")) and n))
        for n in range(50)
    ]
    await asyncio.to_thread(lambda: None)
    await store.close()
    assert sorted(await asyncio.gather(*waiting)) == list(range(50))
    with pytest.raises(StoreClosed):
        await store.write(count_rows)
    with pytest.raises(StoreClosed):
        await store.read(count_rows)
    await store.close()


async def test_what_is_cancelled_before_it_runs_is_not_run(tmp_path: Path) -> None:
    """A caller that gives up while its function still waits leaves nothing behind."""
    async with await Store.open(tmp_path / "gateway.db") as store:
        busy = Busy()
        first = asyncio.ensure_future(store.write(busy))
        await asyncio.to_thread(busy.started.wait, 10)
        given_up = asyncio.ensure_future(store.write(lambda conn: conn.execute(insert(counters), counter("x")) and 1))
        await asyncio.to_thread(lambda: None)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        busy.go_on.set()
        await first
        assert await store.read(count_rows) == 0


WRITER = """
import asyncio, sys
from sqlalchemy import insert
from filings.store import Store
from filings.store.tables import counters

async def main():
    store = await Store.open(sys.argv[1])
    async def worker(w):
        n = 0
        while True:
            row = {"name": f"{w}-{n}", "first_value": 1, "last_value": 9, "next_value": 1}
            await store.write(lambda conn: conn.execute(insert(counters), row) and None)
            print(row["name"], flush=True)
            n += 1
    await asyncio.gather(*(worker(w) for w in range(16)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_sigkill(database: str) -> None:
    """A process killed in the middle of its work has lost nothing that it had told of."""
    root = Path(__file__).parents[2]
    acknowledged: list[str] = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, database, cwd=root, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
        assert process.stdout is not None
        told = [(await process.stdout.readline()).decode().strip() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        told += (await process.stdout.read()).decode().split("\n")[:-1]
        await process.wait()
        acknowledged += told
        async with await Store.open(database) as store:
            kept = set(await store.read(lambda conn: conn.execute(select(counters.c.name)).scalars().all()))
            assert set(acknowledged) <= kept
            await store.write(lambda conn: conn.execute(counters.delete()) and None)
            acknowledged.clear()


async def test_rivals_that_deadlock_are_run_again(postgres_url: str) -> None:
    """PostgreSQL ends a deadlock by giving up one transaction; it is run again and both are kept."""
    async with await Store.open(postgres_url) as store:
        await store.write(lambda conn: conn.execute(insert(counters), [counter("a"), counter("b")]) and None)

        def move(first: str, second: str) -> Any:
            def run(conn: Connection) -> None:
                one = update(counters).values(next_value=counters.c.next_value + 1)
                conn.execute(one.where(counters.c.name == first))
                conn.execute(text("SELECT pg_sleep(0.1)"))
                conn.execute(one.where(counters.c.name == second))

            return run

        await asyncio.gather(store.write(move("a", "b")), store.write(move("b", "a")))
        values = await store.read(lambda conn: conn.execute(select(counters.c.next_value)).scalars().all())
        assert values == [3, 3]


async def test_values_come_back_as_they_were(store: Store) -> None:
    """Instants keep their moment in UTC, money its cents, documents their shape."""
    eastern = datetime(2025, 3, 10, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-4)))
    detail = {"b": [1, "zwei", None, {"ü": True}], "a": "1.20"}

    def put(conn: Connection) -> None:
        keys = put_shipments(conn, 1)
        conn.execute(
            insert(day_ledger),
            {"person_key": "p", "eastern_day": eastern.date(), "shipment_key": keys[0], "pathway": "section321",
             "value": Decimal("799.99")},
        )  # fmt: skip
        conn.execute(
            insert(alerts),
            {"id": "1", "kind": "k", "severity": "low", "text": "t", "detail": detail, "raised_at": eastern},
        )

    await store.write(put)
    row = (await store.read(lambda conn: conn.execute(select(alerts)).all()))[0]
    assert (row.raised_at, row.raised_at.tzinfo, row.detail, row.settled_at) == (eastern, UTC, detail, None)
    total = await store.read(lambda conn: conn.execute(select(func.sum(day_ledger.c.value))).scalar_one())
    assert total == Decimal("799.99")


async def test_values_that_do_not_fit_are_errors(store: Store) -> None:
    """A time without zone and fractions of a cent are refused, not guessed."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(Exception, match="time zone"):
        await store.write(lambda conn: conn.execute(select(trips).where(trips.c.filed_at == naive)).all())
    with pytest.raises(Exception, match="fractions of a cent"):
        await store.write(
            lambda conn: conn.execute(select(day_ledger).where(day_ledger.c.value == Decimal("0.001"))).all()
        )


@pytest.mark.parametrize("target", [":memory:", "sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_a_place_that_keeps_nothing_is_refused(target: str) -> None:
    """Only a SQLite file or PostgreSQL may hold filings."""
    with pytest.raises(StoreError):
        database_url(target)


def test_addresses(tmp_path: Path) -> None:
    """A path, a SQLite URL and a PostgreSQL URL are understood."""
    assert database_url(tmp_path / "a.db").database == str(tmp_path / "a.db")
    assert database_url(f"sqlite:///{tmp_path}/a.db").database == str(tmp_path / "a.db")
    assert database_url("postgresql://u@h/d").drivername == "postgresql+asyncpg"


JOURNALS = ["archive_entries", "events"]


@pytest.mark.parametrize("table", JOURNALS)
@pytest.mark.parametrize("statement", ["UPDATE {} SET trip_number = 'X'", "DELETE FROM {}"])
async def test_journals_refuse_change(store: Store, table: str, statement: str) -> None:
    """The database itself refuses to change or delete an archive entry or an event."""
    await store.write(_fill_journals)
    with pytest.raises(DBAPIError, match="append-only"):
        await store.write(lambda conn: conn.execute(text(statement.format(table))) and None)


async def test_journals_refuse_truncate_and_replace(store: Store) -> None:
    """The less obvious ways of losing entries are refused too."""
    await store.write(_fill_journals)
    if store.dialect == "postgresql":
        statements = [f"TRUNCATE {table}" for table in JOURNALS]
    else:
        statements = [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}" for table in JOURNALS]
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"):
            await store.write(lambda conn, statement=statement: conn.execute(text(statement)) and None)
    with pytest.raises(DBAPIError):
        await store.write(lambda conn: conn.execute(text("DELETE FROM archive_head")) and None)


async def test_replace_is_refused_to_other_programs_too(tmp_path: Path) -> None:
    """SQLite's REPLACE does not slip past the triggers from a connection that is not ours."""
    path = tmp_path / "gateway.db"
    async with await Store.open(path) as store:
        await store.write(_fill_journals)
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute("INSERT OR REPLACE INTO events SELECT * FROM events")
    other.close()


def _fill_journals(conn: Connection) -> None:
    from filings import archive, events

    put_shipments(conn, 1)
    archive.append(conn, [archive.Entry(archive.EntryKind.ACT, "put_trip", b"{}", NOW)])
    events.record(conn, [events.EventDraft("trip.clear", TRIP, TRIP, NOW)])
