"""The second half of ``gateway bench``: truckloads filed whole, and urgent filings beside them, on both stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.output import Output, make_table

if TYPE_CHECKING:
    from gateway.bench.bulk import Bulk
    from gateway.bench.urgent import Urgent


NARROWEST: Final = len("(PostgreSQL)")
"""The width under which a store's name would be broken."""
JUDGED: Final = {True: "met", False: "missed", None: "too few to judge"}


@dataclass(slots=True)
class Filed:
    """What was measured, and what was left out, with the reason."""

    runs: list[Bulk] = field(default_factory=list)
    urgent: list[Urgent] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The keys of ``--json``."""
        from gateway.bench.bulk import growths

        return {
            "bulk": [run.as_dict() for run in self.runs],
            "growth": [one.as_dict() for one in growths(self.runs)],
            "urgent": [one.as_dict() for one in self.urgent],
            "left_out": self.left_out,
        }


def measure_bulk(sizes: Sequence[int], urgent: int, *, postgres: bool, say: Callable[[str], None]) -> Filed:
    """Runs of these sizes on SQLite and PostgreSQL, each in a process of its own; then urgent filings beside bulk."""
    from gateway.bench.alone import bulk_alone, urgent_alone
    from gateway.bench.postgres import NotInstalled, postgres_server

    filed = Filed()
    if not sizes and not urgent:
        return filed
    with ExitStack() as stack:
        server = None
        if postgres:
            try:
                server = stack.enter_context(postgres_server())
            except NotInstalled as reason:
                filed.left_out.append(str(reason))
        else:
            filed.left_out.append("PostgreSQL is left out, as asked.")
        for size in sizes:
            say(f"filing {size:,} shipments on SQLite")
            filed.runs.append(bulk_alone(size))
        if urgent:
            say(f"filing urgent shipments beside {urgent:,} on SQLite")
            filed.urgent.append(urgent_alone(urgent))
        if server is None:
            return filed
        for size in sizes:
            say(f"filing {size:,} shipments on PostgreSQL")
            with server.database() as address:
                filed.runs.append(bulk_alone(size, database=address, server=server.pid))
        if urgent:
            say(f"filing urgent shipments beside {urgent:,} on PostgreSQL")
            with server.database() as address:
                filed.urgent.append(urgent_alone(urgent, database=address))
    return filed


def show_bulk(output: Output, filed: Filed) -> None:
    """The tables for people."""
    if filed.runs:
        _show_runs(output, filed.runs)
        _show_growth(output, filed.runs)
    if filed.urgent:
        _show_urgent(output, filed.urgent)
    for reason in filed.left_out:
        output.say(reason, "dim")


def _show_runs(output: Output, runs: Sequence[Bulk]) -> None:
    table = make_table("Truckloads filed whole: gateway and simulated CBP, signed and encrypted AS2, durable")
    table.add_column("shipments", justify="right", min_width=NARROWEST)
    for name in ("staged a second", "answered a second", "aim", "their rows raw", "CPU ms a shipment"):
        table.add_column(name, justify="right")
    table.add_column("of them simulated CBP", justify="right")
    table.add_column("memory gateway", justify="right")
    table.add_column("simulated CBP", justify="right")
    for run in runs:
        table.add_row(
            f"{run.shipments:,} ({run.store})",
            f"{run.shipments / run.staging_seconds:,.0f}",
            f"{run.rate:,.0f}",
            f"≥ {run.aim:,}: {JUDGED[run.met]}",
            f"{run.raw_rate:,.0f} ({run.rate / run.raw_rate:.2f} x)",
            f"{sum(run.cpu_ms.values()):.2f}",
            f"{run.cpu_ms['sandbox']:.2f} ({run.sandbox_share:.0%})",
            f"{run.gateway_mb} MB",
            f"{run.sandbox_mb} MB",
        )
    output.show(table)


def _show_growth(output: Output, runs: Sequence[Bulk]) -> None:
    from gateway.bench.bulk import FLAT, LINEAR, growths

    found = growths(runs)
    if not found:
        return
    table = make_table("The large run beside the small one: linear, and flat")
    table.add_column("shipments", justify="right", min_width=NARROWEST)
    for name in ("rate", "aim", "CPU a shipment", "memory gateway", "aim"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            f"{one.large.shipments:,} to {one.small.shipments:,} ({one.small.store})",
            f"{one.rate:.2f} x",
            f"≥ {LINEAR} x: {'met' if one.rate >= LINEAR else 'missed'}",
            f"{one.cpu:.2f} x",
            f"{one.memory:.2f} x",
            f"≤ {FLAT} x: {'met' if one.memory <= FLAT else 'missed'}",
        )
    output.show(table)


def _show_urgent(output: Output, runs: Sequence[Urgent]) -> None:
    from gateway.bench.urgent import LIMIT, percentile

    table = make_table("One urgent filing, submitted to accepted, seconds")
    table.add_column("beside", justify="right", min_width=NARROWEST)
    for name in ("filings", "p50", "p99", "limit of p99", "p50 without CBP", "p99", "p50 alone", "p99"):
        table.add_column(name, justify="right")
    for run in runs:
        columns = [run.beside, run.own, run.alone]
        shown = [f"{percentile(one, of):.2f}" for one in columns for of in (50, 99)]
        table.add_row(
            f"{run.shipments:,} ({run.store})",
            str(len(run.beside)),
            *shown[:2],
            f"≤ {LIMIT:g}: {'met' if run.met else 'missed'}",
            *shown[2:],
        )
    output.show(table)
