"""A database of an older program with data in it is brought to the present one, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert

from filings.store import Store, migrations
from filings.store import tables as t
from filings.store.migrations import configuration
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
