"""``gateway bench``: the benchmark table, measured here and now."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output, make_table


def bench(
    seconds: Annotated[float, typer.Option(help="Measuring time of each side of a pair.", min=0.05, max=30)] = 1.5,
    as_json: JsonOption = False,
) -> None:
    """Measure the parts, each beside a simpler peer in the same run; about a minute.

    Example: gateway bench
    """
    import platform
    import time

    from gateway.bench import figures
    from gateway.memory import peak_mb

    output = Output(as_json)
    begin = time.monotonic()
    measured = []
    with output.progress() as bars:
        task = bars.add_task("measuring", total=None)
        for figure in figures(seconds):
            measured.append(figure)
            bars.update(task, advance=1, description=f"measured {figure.name}")
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    memory = peak_mb()
    if as_json:
        output.document(
            {
                "machine": machine,
                "figures": [figure.as_dict() for figure in measured],
                "peak_memory_mb": memory,
                "seconds": round(time.monotonic() - begin, 1),
            }
        )
        return
    table = make_table(f"Measured on {machine}, one core at a time")
    table.add_column("part")
    table.add_column("a second", justify="right", style="bold")
    table.add_column("", style="dim")
    table.add_column("beside")
    table.add_column("a second", justify="right")
    table.add_column("of the peer", justify="right")
    for figure in measured:
        table.add_row(
            figure.name,
            f"{figure.rate:,.0f}",
            figure.unit,
            figure.peer,
            f"{figure.peer_rate:,.0f}",
            f"{figure.ratio:.2f} x" if figure.ratio >= 0.1 else f"{figure.ratio:.1g} x",
        )
    output.show(table)
    output.say(f"Most memory held: {memory:.0f} MB. {time.monotonic() - begin:.0f} seconds.", "dim")
