"""``gateway alerts``: what must a person look at, and what has been seen to?"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output

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
    """Each alert with what a person does about it; the id is what ``--settle`` wants."""
    if not found:
        output.say("Nothing has to be looked at.")
        return
    output.say(f"{len(found)} open alert{'' if len(found) == 1 else 's'}", "bold")
    for one in found[:SHOWN]:
        since = str(one["raised_at_local"])[:16].replace("T", " ")
        trip = f", trip {one['trip_number']}" if one["trip_number"] else ""
        kind = str(one["kind"]).replace("_", " ")
        heading = f"\n{since} ({one['time_zone']})  {one['severity']}: {kind}{trip}"
        output.say(heading, "red" if one["severity"] == "error" else "yellow")
        output.say(f"  {one['text']}")
        output.say(f"  To do: {one['remedy']}")
        output.say(f"  id {one['id']}", "dim")
    if len(found) > SHOWN:
        output.say(f"and {len(found) - SHOWN} more; --json has all of them", "dim")
