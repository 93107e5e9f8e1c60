"""``gateway refile``: what has lapsed on a trip, what would mend it, and with ``--yes`` the mending.

What will be done is always shown first. Nothing is sent without ``--yes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from gateway.cli.amend import DryRunOption, not_both
from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output, make_table, plain

SHOWN: Final = 20


def refile(
    number: Annotated[str, typer.Argument(help="The trip number.", metavar="TRIP")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")] = False,
    dry_run: DryRunOption = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="With --yes: follow until CBP has answered.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to follow at most.", min=1, max=86_400)] = 900.0,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """File anew what was lawful when it was filed and no longer is, each shipment by the pathway offered.

    Bills are amended, entries of the old type cancelled and new ones filed under new numbers. What needs a formal
    entry or a broker's decision must come off the truck, and keeps blocking the trip: the exit status is 1 then.

    Example: gateway refile SFIC2508280001 --yes
    """
    from gateway.cli import interrupts
    from gateway.cli.access import client_for
    from gateway.cli.follow import refusals

    output = Output(as_json)
    not_both(yes=yes, dry_run=dry_run)
    client = client_for(output, url, key)

    async def run() -> dict[str, Any]:
        from gateway.cli.follow import follow, show_board

        async with client:
            shown = await client.refile(number, dry_run=True)
            show_refiling(output, shown)
            if not yes:
                if not shown["already_requested"]:
                    output.say("Nothing has been changed or sent; do it with --yes.", "dim")
                return {"refiling": shown}
            document: dict[str, Any] = {"refiling": await client.refile(number)}
            if wait:
                document["board"], document["timed_out"] = await follow(output, client, number, timeout)
                show_board(output, document["board"])
            else:
                output.say(f"Taken on; see `gateway trip {number}`.")
            return document

    document = interrupts.run(run())
    if as_json:
        output.document(document)
    board = document.get("board") or {}
    stays = board.get("decision") == "no_go"
    raise typer.Exit(1 if document.get("timed_out") or stays or refusals(board) else 0)


def show_refiling(output: Output, shown: Mapping[str, Any]) -> None:
    """What is done about each lapsed shipment, the rule behind it, and what must come off the truck."""
    if shown["already_requested"]:
        output.say(f"Trip {shown['trip_number']}: its refiling is under way.", "bold")
        return
    many = "shipment is" if shown["lapsed"] == 1 else "shipments are"
    output.say(f"Trip {shown['trip_number']}: {shown['lapsed']} {many} no longer lawful as declared", "bold red")
    rules: dict[str, str] = {}
    for one in shown["shipments"]:
        rules.setdefault(one["rule"], " ".join(part for part in (one["text"], one["citation"]) if part))
    for rule, text in rules.items():
        output.say(f"  {rule}: {text}")
    table = make_table("What is done about it")
    for column in ("shipment", "SCN", "from", "to"):
        table.add_column(column, no_wrap=True)
    table.add_column("what", ratio=1)
    for one in shown["shipments"][:SHOWN]:
        to = one["to"] + (f" ({one['entry_type']})" if one["entry_type"] else "")
        cells = (one["shipment_id"], one["shipment_control_number"] or "", one["from"], to, "; ".join(one["does"]))
        table.add_row(*(plain(cell) for cell in cells))
    output.show(table)
    if shown["lapsed"] > SHOWN:
        output.say(f"and {shown['lapsed'] - SHOWN} more shipments; --json has all of them", "dim")
    if shown["off_the_truck"]:
        output.say(f"Must come off the truck: {', '.join(shown['off_the_truck'])}", "bold red")
    for one in shown["warnings"]:
        output.say(f"warning {one['code']}: {one['text']} {one['remedy']}", "yellow")
