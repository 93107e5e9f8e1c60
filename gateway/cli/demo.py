"""``gateway demo``: a truckload filed, answered and released, against a simulated CBP, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import JsonOption, TransportOption, road
from gateway.cli.output import Output, make_table, plain

if TYPE_CHECKING:
    from rich.progress import Progress

    from gateway.demo.run import DemoResult


SCENARIOS: Final = ("day", "cutover")


def demo(
    arrival: Annotated[
        str | None, typer.Option("--arrival", help="Day of arrival, in Eastern time; default today.", metavar="DATE")
    ] = None,
    shipments: Annotated[int, typer.Option("--shipments", help="How many shipments.", min=1, max=100_000)] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another truckload.", min=0)] = 1,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Keep everything (database, keys, logs) in this folder.", file_okay=False),
    ] = None,
    transport: TransportOption = None,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            help="day: an ordinary day. cutover: the exemption ends while the truck is on its way.",
            metavar="day|cutover",
        ),
    ] = "day",
    as_json: JsonOption = False,
) -> None:
    """File a made-up truckload with a simulated CBP and show what becomes of it. Loopback only.

    The law of the day of arrival applies: try 2025-03-10 beside a day of this year.

    With --scenario cutover the law changes between filing and arrival: the trip is blocked, filed anew, released.

    Example: gateway demo --arrival 2025-03-10 --shipments 500 --seed 7
    """
    from gateway.cli.reading import EASTERN
    from gateway.demo.run import DemoPlan, run_demo

    output = Output(as_json)
    if scenario not in SCENARIOS:
        raise typer.BadParameter(f"{scenario!r} is none of: {', '.join(SCENARIOS)}.", param_hint="--scenario")
    if scenario == "cutover":
        if arrival is not None:
            raise typer.BadParameter("the cutover has its own day, 2025-08-28.", param_hint="--arrival")
        arrival = "2025-08-28"
    try:
        day = date.fromisoformat(arrival) if arrival else datetime.now(EASTERN).date()
    except ValueError:
        raise typer.BadParameter(f"{arrival!r} is not a day like 2026-11-23.", param_hint="--arrival") from None
    if not date(2016, 3, 10) <= day <= date(2099, 12, 31):
        raise typer.BadParameter("the rule book knows the law from 2016-03-10 on.", param_hint="--arrival")
    with output.progress(transient=False) as bars:
        plan = DemoPlan(day, shipments, seed, data, road(transport), scenario)
        result = run_demo(plan, Shown(output, bars))
    document = result.document
    if as_json:
        output.document(document)
    else:
        show_result(output, result)
    raise typer.Exit(0 if document["archive"]["verified"] and document["complete"] else 1)


class Shown:
    """Shows the story as bars and lines."""

    def __init__(self, output: Output, bars: Progress) -> None:
        from gateway.cli.following import Bars

        self._output, self._bars = output, bars
        self._staged = bars.add_task("staged", total=None)
        self._trip = Bars(bars, released=True)

    def say(self, text: str) -> None:
        """A line on standard error."""
        self._output.note(text)

    def total(self, shipments: int) -> None:
        """The length of the first bar."""
        self._bars.update(self._staged, total=shipments)

    def staged(self, done: int) -> None:
        """Move the first bar."""
        self._bars.update(self._staged, completed=done)

    def board(self, board: Mapping[str, Any]) -> None:
        """Move the other bars."""
        self._trip.show(board)

    def answered(self, board: Mapping[str, Any]) -> bool:
        """Whether every declaration has its answer."""
        from gateway.cli.follow import answered

        return answered(board)


def show_result(output: Output, result: DemoResult) -> None:
    """The board, some shipments with their reasons, and where to look next."""
    from gateway.cli.follow import show_board, why
    from gateway.cli.reading import row_problems
    from gateway.cli.refile import show_refiling

    document = result.document
    for chapter in result.chapters:
        output.say(f"\n{chapter.title}", "bold")
        show_board(output, chapter.board)
        if chapter.refiling is not None:
            show_refiling(output, chapter.refiling)
    if result.chapters:
        output.say("\nAt the end", "bold")
    show_board(output, result.board)
    # the board lists them where it knows of them
    refused = [] if result.board.get("refused_rows", {}).get("count") else document["refused_rows"]
    output.problems(row_problems(refused[:20]), f"{len(refused)} rows refused at intake")
    examples = make_table("Some of the shipments")
    for column in ("shipment", "pathway", "state", "entry number"):
        examples.add_column(column, no_wrap=True)
    examples.add_column("why", ratio=1)
    for one in result.examples:
        names = ("shipment_id", "pathway", "state", "entry_number")
        cells = [plain(str(one[name] or "").replace("_", " ")) for name in names]
        examples.add_row(*cells, plain(why(one, 2)))
    output.show(examples)
    kept = document["archive"]
    verified = "verified" if kept["verified"] else "NOT VERIFIED"
    accounted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in document["accounted"].items() if count)
    output.say(f"{document['shipments']} shipments in {document['seconds']:.1f} seconds: {accounted}", "bold")
    output.say(f"archive: {kept['entries']} entries, {verified}; {document['events']} events told to dispatch")
    memory = ", ".join(f"{name} {size} MB" for name, size in document["memory_mb"].items() if size)
    output.say(f"most memory held: {memory}", "dim")
    output.say("\nWhere to look next", "bold")
    other = "2025-03-10" if document["arrival"] >= "2025-08-29" else "2026-11-23"
    _hint(output, f"gateway demo --arrival {other}", "the same with the law of another day")
    _hint(output, "gateway serve --with-sandbox", "the service itself, with a simulated CBP beside it")
    if result.folder is None:
        _hint(output, "gateway demo --data var/demo", "keep the database, the keys and the logs")
    else:
        _hint(output, str(result.folder), "gateway.db, gateway.log, sandbox/sandbox.log")


def _hint(output: Output, what: str, why: str) -> None:
    output.say(f"  {what:<36}{why}", "dim")
