"""``gateway alerts``: what must a person look at, and what has been seen to?"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output, make_table, plain

SHOWN: Final = 100


def alerts(
    trip: Annotated[str | None, typer.Option("--trip", help="Only of this trip.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind, like entry_summary_due.")] = None,
    settle: Annotated[str | None, typer.Option("--settle", help="Close this alert.", metavar="ID")] = None,
    note: Annotated[str, typer.Option("--note", help="With --settle: what was done about it.", metavar="TEXT")] = "",
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open alerts, the newest first: deadlines, doubts, answers that match nothing. With --settle, close one.

    The alert of a deadline ends by itself when what is awaited comes; that of an entry summary is closed by whoever
    knows that the summary was filed.

    Example: gateway alerts --kind entry_summary_due
    """
    import asyncio

    from gateway.cli.access import client_for

    output = Output(as_json)
    if settle and not note.strip():
        raise typer.BadParameter("say what was done about it", param_hint="--note")
    client = client_for(output, url, key)
    filters = {name: value for name, value in (("trip", trip), ("kind", kind)) if value}

    async def run() -> list[dict[str, Any]]:
        async with client:
            if settle:
                return [await client.settle_alert(settle, note)]
            return [one async for one in client.alerts(**filters)]

    found = asyncio.run(run())
    if as_json:
        output.document({"alerts": found})
    elif settle:
        output.say(f"Settled: {found[0]['text']}")
    else:
        show_alerts(output, found)


def show_alerts(output: Output, found: list[dict[str, Any]]) -> None:
    """The alerts as a table; the id is what ``--settle`` wants."""
    if not found:
        output.say("Nothing has to be looked at.")
        return
    table = make_table(f"{len(found)} open alert{'' if len(found) == 1 else 's'}")
    for column in ("since", "kind", "trip"):
        table.add_column(column, no_wrap=True)
    table.add_column("what", ratio=1)
    table.add_column("id", no_wrap=True, style="dim")
    for one in found[:SHOWN]:
        since = str(one["raised_at"])[:16].replace("T", " ")
        cells = (
            since,
            str(one["kind"]).replace("_", " "),
            str(one["trip_number"] or ""),
            str(one["text"]),
            str(one["id"]),
        )
        table.add_row(*(plain(cell) for cell in cells))
    output.show(table)
    if len(found) > SHOWN:
        output.say(f"and {len(found) - SHOWN} more; --json has all of them", "dim")
