"""``gateway bench``: the benchmark table, measured here and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output, make_table

if TYPE_CHECKING:
    from gateway.bench import Figure, Memory
    from gateway.cli.bench_bulk import Filed


def bench(
    seconds: Annotated[float, typer.Option(help="Measuring time of each side of a pair.", min=0.05, max=30)] = 1.5,
    memory: Annotated[bool, typer.Option(help="Also stream files of 1 MB and 100 MB and measure memory.")] = True,
    bulk: Annotated[
        str, typer.Option(help="Shipments of the truckloads that are filed whole, sizes parted by commas; 0 for none.")
    ] = "5000,50000",
    urgent: Annotated[
        int, typer.Option(help="Shipments in bulk beside which urgent ones are filed; 0 for none.", min=0)
    ] = 10_000,
    postgres: Annotated[bool, typer.Option(help="Also on a PostgreSQL server of the benchmark's own.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure the parts, each beside a simpler peer in the same run, and truckloads filed whole; about ten minutes.

    Example: gateway bench --bulk 5000 --no-postgres
    """
    import platform
    import time

    from gateway.bench import figures, memories
    from gateway.cli.bench_bulk import measure_bulk, show_bulk
    from gateway.memory import peak_mb

    output = Output(as_json)
    sizes = _sizes(bulk)
    begin = time.monotonic()
    measured: list[Figure] = []
    held: list[Memory] = []
    with output.progress() as bars:
        task = bars.add_task("measuring", total=None)
        for figure in figures(seconds):
            measured.append(figure)
            bars.update(task, advance=1, description=f"measured {figure.name}")
        if memory:
            for peak in memories():
                held.append(peak)
                bars.update(task, advance=1, description=f"measured memory of {peak.name}")
        filed = measure_bulk(
            sizes, urgent, postgres=postgres, say=lambda text: bars.update(task, advance=1, description=text)
        )
    machine = f"{platform.machine()}, {cores()} cores, Python {platform.python_version()}"
    document: dict[str, Any] = {
        "machine": machine,
        "figures": [figure.as_dict() for figure in measured],
        "memory": [peak.as_dict() for peak in held],
        **filed.as_dict(),
        "peak_memory_mb": peak_mb(),
        "seconds": round(time.monotonic() - begin, 1),
    }
    if as_json:
        output.document(document)
        return
    _show(output, f"Measured on {machine}, one core at a time", measured)
    _show_memory(output, held)
    show_bulk(output, filed)
    if missed := missed_aims(measured, held, filed):
        output.say(f"Aims missed in this run: {'; '.join(missed)}.", "bold yellow")
    held_here = f"{document['peak_memory_mb']} MB by this process, which measured the parts"
    output.say(f"Most memory held: {held_here}; truckloads have processes of their own.", "dim")
    output.say(f"{document['seconds']:.0f} seconds.", "dim")


def missed_aims(measured: Sequence[Figure], held: Sequence[Memory], filed: Filed) -> list[str]:
    """What was not as fast, or not as flat, as is wanted; a part by its peer too, since it may have several."""
    from gateway.bench.bulk import growths

    missed = [f"{figure.name}, beside {figure.peer}" for figure in measured if figure.met is False]
    missed += [peak.name for peak in held if not peak.met]
    missed += [
        f"{run.shipments:,} shipments answered a second on {run.store}" for run in filed.runs if run.met is False
    ]
    missed += [f"linear and flat on {one.small.store}" for one in growths(filed.runs) if not one.met]
    return missed + [f"urgent filings beside bulk on {one.store}" for one in filed.urgent if not one.met]


def cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        sizes = [-1]
    if any(size < 0 for size in sizes):
        raise typer.BadParameter(f"{text!r} are no numbers of shipments, like 5000,50000.", param_hint="--bulk")
    return [size for size in sizes if size]


def _show(output: Output, title: str, measured: list[Figure]) -> None:
    table = make_table(title)
    table.add_column("part")
    table.add_column("a second", justify="right", style="bold")
    table.add_column("", style="dim")
    table.add_column("beside")
    table.add_column("a second", justify="right")
    table.add_column("of the peer", justify="right")
    table.add_column("aim", justify="right")
    for figure in measured:
        table.add_row(
            figure.name,
            f"{figure.rate:,.0f}",
            figure.unit,
            figure.peer,
            f"{figure.peer_rate:,.0f}",
            f"{figure.ratio:.2f} x" if figure.ratio >= 0.1 else f"{figure.ratio:.1g} x",
            "" if figure.met is None else f"≥ {_wanted(figure)}: {'met' if figure.met else 'missed'}",
        )
    output.show(table)


def _wanted(figure: Figure) -> str:
    return f"{figure.aim:g} x" if figure.aim is not None else f"{figure.least:,.0f} a second"


def _show_memory(output: Output, held: list[Memory]) -> None:
    if not held:
        return
    table = make_table("Most memory held while streaming")
    table.add_column("what")
    table.add_column("", justify="right")
    table.add_column("", justify="right")
    table.add_column("aim", justify="right")
    for peak in held:
        table.add_row(
            peak.name,
            f"{peak.small}: {peak.small_mb} MB",
            f"{peak.large}: {peak.large_mb} MB",
            f"≤ {peak.aim:g} x: {'met' if peak.met else 'missed'}",
        )
    output.show(table)
