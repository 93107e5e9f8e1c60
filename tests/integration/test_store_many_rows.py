"""Thousands of rows in one statement: the same rows as one by one, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, insert, select, text

from filings.store import Store
from filings.store import tables as t
from filings.store.alike import AT_ONCE, FEW, write_alike
from filings.store.one_of import one_of
from filings.store.types import to_json

NOW = datetime(2025, 3, 10, 16, tzinfo=UTC)
AWKWARD = ["it's", 'a "quote"', "back\\slash", "{1,2}", "NULL", "é漢", " ", ""]


def _filing(identifier: str) -> dict[str, object]:
    return {
        "id": identifier,
        "kind": "entry",
        "trip_number": "TSTC2503100001",
        "state": "queued",
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }


async def _with_filings(store: Store, names: list[str]) -> None:
    def write(conn: Connection) -> None:
        trip = {"trip_number": "TSTC2503100001", "document": {}, "state": "filing", "version": 1}
        times = {"estimated_arrival": NOW, "created_at": NOW, "updated_at": NOW}
        conn.execute(insert(t.trips), [trip | times | {"carrier_scac": "TSTC", "port_of_arrival": "0901"}])
        conn.execute(insert(t.filings), [_filing(name) for name in names])

    await store.write(write)


async def test_those_that_are_named_are_found(filing_store: Store) -> None:
    """Whatever the texts hold; nobody for none, and each once however often it is named."""
    names = [f"F{number:05d}" for number in range(30)] + AWKWARD
    await _with_filings(filing_store, names)

    async def found(wanted: list[str]) -> list[str]:
        query = select(t.filings.c.id).where(one_of(t.filings.c.id, wanted))
        return sorted(await filing_store.read(lambda conn: list(conn.execute(query).scalars())))

    assert await found(AWKWARD) == sorted(AWKWARD)
    assert await found(["F00003", "F00003", "F00007", "nobody"]) == ["F00003", "F00007"]
    assert await found([]) == []
    assert await found(names) == sorted(names)


async def test_those_that_are_named_are_looked_up(filing_store: Store) -> None:
    """An index finds them: what is read does not grow with the table."""
    query = select(t.filings.c.kind).where(one_of(t.filings.c.id, ["F1", "F2"]))

    def plan(conn: Connection) -> str:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SET LOCAL enable_seqscan = off"))
        written = query.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
        how = "EXPLAIN" if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        values = tuple(written.construct_params()[name] for name in written.positiontup or ())
        kept = values if conn.dialect.name == "postgresql" else (to_json(values[0]),)
        return str(conn.exec_driver_sql(f"{how} {written}", kept).all())

    told = await filing_store.read(plan)
    assert "Index" in told or "SEARCH filings USING INDEX" in told
    assert "SCAN filings" not in told


@pytest.mark.parametrize("alike", [1, FEW, FEW + 1, AT_ONCE + 7])
async def test_rows_that_become_the_same_and_others(filing_store: Store, alike: int) -> None:
    """Each row gets its own values, however many have them; rows that are not named stay."""
    names = [f"F{number:05d}" for number in range(alike + 20)]
    await _with_filings(filing_store, names)
    shared = {"source": "355", "text": "ok"}
    rows = {name: {"state": "accepted", "last_outcome": shared} for name in names[:alike]}
    for place, name in enumerate(names[alike : alike + 10]):
        rows[name] = {"state": "rejected", "last_outcome": {"place": place} if place % 2 else None}
    later = NOW.replace(hour=17)
    await filing_store.write(lambda conn: write_alike(conn, t.filings.c.id, rows, updated_at=later))
    kept = {row.id: row for row in await filing_store.read(lambda conn: conn.execute(select(t.filings)).all())}
    for name in names:
        row, wanted = kept[name], rows.get(name, {"state": "queued", "last_outcome": None})
        assert {"state": row.state, "last_outcome": row.last_outcome} == wanted
        assert row.updated_at == (later if name in rows else NOW)
