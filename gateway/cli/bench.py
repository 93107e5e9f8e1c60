"""``gateway bench``: the benchmark table, measured here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output, make_table

if TYPE_CHECKING:
    from gateway.bench import Figure, Memory
    from gateway.bench.bulk import Bulk


def bench(
    seconds: Annotated[float, typer.Option(help="Measuring time of each side of a pair.", min=0.05, max=30)] = 1.5,
    memory: Annotated[bool, typer.Option(help="Also stream files of 1 MB and 100 MB and measure memory.")] = True,
    bulk: Annotated[
        str, typer.Option(help="Shipments of the truckloads that are filed whole, sizes parted by commas; 0 for none.")
    ] = "5000,50000",
    as_json: JsonOption = False,
) -> None:
    """Measure the parts, each beside a simpler peer in the same run, and truckloads filed whole; about six minutes.

    Example: gateway bench --bulk 5000
    """
    import platform
    import time

    from gateway.bench import figures, memories
    from gateway.bench.bulk import run_bulk
    from gateway.memory import peak_mb

    output = Output(as_json)
    sizes = _sizes(bulk)
    begin = time.monotonic()
    measured: list[Figure] = []
    held: list[Memory] = []
    filed: list[Bulk] = []
    with output.progress() as bars:
        task = bars.add_task("measuring", total=None)
        for figure in figures(seconds):
            measured.append(figure)
            bars.update(task, advance=1, description=f"measured {figure.name}")
        if memory:
            for peak in memories():
                held.append(peak)
                bars.update(task, advance=1, description=f"measured memory of {peak.name}")
        for size in sizes:
            bars.update(task, description=f"filing {size:,} shipments")
            filed.append(run_bulk(size))
            bars.update(task, advance=1)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    document: dict[str, Any] = {
        "machine": machine,
        "figures": [figure.as_dict() for figure in measured],
        "memory": [peak.as_dict() for peak in held],
        "bulk": [run.as_dict() for run in filed],
        "peak_memory_mb": peak_mb(),
        "seconds": round(time.monotonic() - begin, 1),
    }
    if as_json:
        output.document(document)
        return
    _show(output, f"Measured on {machine}, one core at a time", measured)
    _show_memory(output, held)
    _show_bulk(output, filed)
    missed = [figure.name for figure in measured if figure.met is False]
    missed += [peak.name for peak in held if not peak.met]
    missed += [f"{run.shipments:,} shipments from staged to answered" for run in filed if not run.met]
    if missed:
        output.say(f"Aims missed in this run: {', '.join(missed)}.", "bold yellow")
    output.say(f"Most memory held: {document['peak_memory_mb']} MB. {document['seconds']:.0f} seconds.", "dim")


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


def _show_bulk(output: Output, filed: list[Bulk]) -> None:
    """Truckloads filed whole, with what each side spent."""
    if not filed:
        return
    table = make_table("Truckloads filed whole: gateway and simulated CBP, signed and encrypted AS2, durable")
    for name in ("shipments", "staged a second", "answered a second", "aim", "their rows alone", "CPU gateway"):
        table.add_column(name, justify="right")
    for name in ("CPU simulated CBP", "its share", "memory gateway", "simulated CBP"):
        table.add_column(name, justify="right")
    for run in filed:
        table.add_row(
            f"{run.shipments:,} ({run.store})",
            f"{run.shipments / run.staging_seconds:,.0f}",
            f"{run.rate:,.0f}",
            f"≥ {run.aim:,}: {'met' if run.met else 'missed'}",
            f"{run.raw_rate:,.0f}" if run.raw_rate else "",
            f"{run.gateway_cpu:.1f} s",
            f"{run.sandbox_cpu:.1f} s",
            f"{run.sandbox_share:.0%}",
            f"{run.gateway_mb} MB",
            f"{run.sandbox_mb} MB",
        )
    output.show(table)
