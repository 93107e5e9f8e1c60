"""A database of an older program with data in it is brought to the present one, on both engines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from filings import archive
from filings.store import Store, migrations
from filings.store import tables as t
from filings.store.migrations import configuration, head_revision
from tests.integration.store_rows import NOW

TRIPS = {
    # trip: state of its manifest, its version, what CBP said of the manifest last
    "SFIC0000000001": ("accepted", 1, None),
    "SFIC0000000002": ("rejected", 1, {"correlation": {"accepted": 2, "rejected": 1}}),
    "SFIC0000000003": ("rejected", 1, {"correlation": {"accepted": 0, "rejected": 3}}),
    "SFIC0000000004": ("sent", 2, None),
    "SFIC0000000005": ("queued", 1, None),
    "SFIC0000000006": ("under_review", 2, None),
    "SFIC0000000007": ("cancelled", 2, None),
}


def revision(name: str) -> Any:
    """The migration of a file's name, whatever its number."""
    scripts = ScriptDirectory.from_config(configuration()).walk_revisions()
    return next(one for one in scripts if Path(one.path).stem.endswith(name))


def of_before(table: sa.Table) -> sa.TableClause:
    """A table without the defaults of today: only what is given is inserted."""
    return sa.table(table.name, *(sa.column(one.name, one.type) for one in table.columns))


def fill(conn: Connection) -> None:
    """Trips as they were left behind, each with its manifest and the versions of that."""
    trips = of_before(t.trips)
    filings = of_before(t.filings)
    versions = of_before(t.filing_versions)
    for number, (state, version, said) in TRIPS.items():
        trip = {
            "trip_number": number,
            "carrier_scac": "SFIC",
            "port_of_arrival": "0901",
            "estimated_arrival": NOW,
            "document": {"trip_number": number},
            "state": "filed",
            "version": 1,
            "created_at": NOW,
            "updated_at": NOW,
        }
        conn.execute(insert(trips), trip)
        filing = {
            "id": f"manifest-{number}",
            "kind": "manifest",
            "trip_number": number,
            "state": state,
            "version": version,
            "last_outcome": said,
            "created_at": NOW,
            "updated_at": NOW,
        }
        conn.execute(insert(filings), filing)
        for one in range(1, version + 1):
            content = {"trip": {}} if one == 1 else {"bills": []}
            made = {
                "filing_id": filing["id"],
                "version": one,
                "content": content,
                "made_at": NOW,
                "made_by": "Dana Broker",
            }
            conn.execute(insert(versions), made)


async def test_what_was_filed_before_there_were_changes_is_known_after(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version in force, what became of each version, and what CBP holds the manifest as follow from what was kept."""
    changes = revision("_changes")
    with monkeypatch.context() as older:
        older.setattr(migrations, "head_revision", lambda: changes.down_revision)
        async with await Store.open(database) as store:
            await store.write(fill)
    async with await Store.open(database) as store:
        filings = {
            row.trip_number: row for row in await store.read(lambda conn: conn.execute(t.filings.select()).all())
        }
        held = dict(
            await store.read(lambda conn: conn.execute(sa.select(t.trips.c.trip_number, t.trips.c.held_as)).all())
        )
        kept = await store.read(
            lambda conn: conn.execute(t.filing_versions.select().order_by("filing_id", "version")).all()
        )
    assert {name[-1]: row.accepted_version for name, row in filings.items()} == {
        "1": 1,
        "2": None,
        "3": None,
        "4": 1,
        "5": None,
        "6": 1,
        "7": None,
    }
    assert filings["SFIC0000000006"].state == "requested"
    assert {name[-1]: word for name, word in held.items() if word} == {
        "1": "complete",
        "2": "preliminary",
        "4": "complete",
        "6": "complete",
        "7": "complete",
    }
    assert [(row.filing_id[-1], row.version, row.state, row.action) for row in kept] == [
        ("1", 1, "accepted", None),
        ("2", 1, "refused", None),
        ("3", 1, "refused", None),
        ("4", 1, "accepted", None),
        ("4", 2, "pending", "Y"),
        ("5", 1, "pending", None),
        ("6", 1, "accepted", None),
        ("6", 2, "requested", "Y"),
        ("7", 1, "accepted", None),
        ("7", 2, "accepted", "Y"),
    ]


FIRST = "0001"
ARCHIVED = frozenset({"archive_entries", "archive_head"})
"""Tables that the archive itself fills."""
WORDS = {"kind": "manifest", "direction": "out", "last_value": 9, "next_value": 2, "first_value": 1}
"""What a column must hold where the tables ask for more than a type."""


def some(column: sa.Column[Any], table: str) -> Any:
    """A value for a column as it was reflected, the same in every table, so that references hold."""
    if column.name in WORDS:
        return WORDS[column.name]
    if column.name in ("shipment_key", "filing_id", "transmission_id") or (column.primary_key and column.name != "scn"):
        subject = {"shipment_key": "shipments", "filing_id": "filings", "transmission_id": "transmissions"}
        if isinstance(column.type, sa.String):
            return f"one of {subject.get(column.name, table)}"[:25]
    if column.name == "trip_number":
        return "one of trips"
    for kind, value in (
        (sa.JSON, {"name": "Jos\u00e9", "lines": [1, 2]}),
        (sa.Boolean, True),
        (sa.Numeric, Decimal(12)),
        (sa.Integer, 7),
        (sa.DateTime, NOW),
        (sa.Date, date(2025, 3, 10)),
        (sa.LargeBinary, b"\x00\xff"),
    ):
        if isinstance(column.type, kind):
            return value
    length = getattr(column.type, "length", None)
    return "Zo\u00eb"[: length or 3]


def reflected(conn: Connection) -> sa.MetaData:
    """The tables as the database has them."""
    found = sa.MetaData()
    found.reflect(conn)
    return found


def fill_all(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """A row in every table of the first revision, and an archive; gives what was written, read back."""
    made = reflected(conn)
    for table in made.sorted_tables:
        if table.name not in ARCHIVED | {"alembic_version"}:
            conn.execute(insert(table), {one.name: some(one, table.name) for one in table.columns})
    bodies = (b"ISA*00", "caf\u00e9".encode())
    archive.append(conn, [archive.Entry(archive.EntryKind.ACT, "an act", body, NOW, "text/plain") for body in bodies])
    return contents(conn, made)


def contents(conn: Connection, made: sa.MetaData) -> dict[str, list[tuple[Any, ...]]]:
    """All rows by table, in the columns that ``made`` knows."""
    return {
        table.name: sorted((tuple(row) for row in conn.execute(sa.select(table))), key=repr)
        for table in made.sorted_tables
        if table.name != "alembic_version"
    }


def executed(conn: Connection, statement: str) -> None:
    """Do one statement of plain SQL."""
    conn.execute(sa.text(statement))


async def of_first_revision(database: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store as the first program made it."""
    real = migrations.command.upgrade
    with monkeypatch.context() as older:
        older.setattr(migrations.command, "upgrade", lambda config, _head: real(config, FIRST))
        return await Store.open(database)


async def test_every_row_of_the_first_revision_is_there_after_all_the_others(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first revision to the newest no value changes, the archive verifies, the journals refuse change."""
    async with await of_first_revision(database, monkeypatch) as store:
        first = await store.read(reflected)
        before = await store.write(fill_all)
    assert all(before.values())
    async with await Store.open(database) as store:
        assert await store.read(migrations.current_revision) == head_revision()
        after = await store.read(lambda conn: contents(conn, first))
        assert after == before
        found = await store.read(archive.verify)
        assert (found.verified, found.entries) == (True, 2)
        for journal in t.APPEND_ONLY:
            with pytest.raises(DBAPIError, match="append-only"):
                await store.write(
                    lambda conn, journal=journal: conn.execute(sa.text(f"DELETE FROM {journal}")) and None
                )


async def run(database: str, folder: Path, *command: str) -> tuple[int | None, bytes, bytes]:
    """A command of the gateway as a process of its own: exit status, output, errors."""
    environment = {**os.environ, "GATEWAY_STORAGE__DIRECTORY": str(folder)}
    if "://" in database:
        environment["GATEWAY_STORAGE__DATABASE_URL"] = database.replace("postgresql://", "postgresql+asyncpg://", 1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", *command, "--json"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out, err


async def test_two_processes_upgrade_an_old_database_at_the_same_moment(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them upgrades, the other waits and finds it done; both say the same, and nothing is lost."""
    async with await of_first_revision(database, monkeypatch) as store:
        before = await store.write(fill_all)
        first = await store.read(reflected)
    ends = await asyncio.gather(*(run(database, tmp_path, "db", "upgrade") for _ in range(2)))
    for status, out, err in ends:
        assert status == 0, err.decode()
        assert json.loads(out)["version"] == head_revision()
    async with await Store.open(database, upgrade=False) as store:
        assert await store.read(lambda conn: contents(conn, first)) == before


@pytest.mark.parametrize("command", [("db", "upgrade"), ("serve", "--port", "0")])
async def test_a_program_refuses_the_database_of_a_newer_one(
    database: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The command says in a sentence that the database is newer, and what to do, and ends with an error."""
    async with await Store.open(database) as store:
        await store.write(
            lambda conn: conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")) and None
        )
    status, out, err = await run(database, tmp_path, *command)
    assert status not in (0, None)
    (problem,) = json.loads(out)["errors"]
    assert problem["code"] == "store_not_usable"
    assert "9999" in problem["text"]
    assert "newer" in problem["text"]
    assert "later" in problem["remedy"]
    assert b"Traceback" not in err
