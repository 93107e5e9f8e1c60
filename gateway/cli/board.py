"""``gateway trip`` and ``gateway filing``: where does it stand, what happened, what may be done next?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output, make_table, plain

NEXT: Final = {
    "draft": "stage its shipments and file it: gateway submit TRIP.json SHIPMENTS --file",
    "filing": "wait for CBP's answers: gateway trip {number}",
    "filed": "wait for CBP's answers: gateway trip {number}",
    "blocked": "settle what blocks it, or take it off the truck",
    "lapsed": "file anew what has lapsed: gateway refile {number}",
    "clear": "cross",
    "arrived": "look at what is still held: gateway trip {number} --state held",
}


def trip(
    number: Annotated[str, typer.Argument(help="The trip number.", metavar="TRIP")],
    state: Annotated[str | None, typer.Option("--state", help="List its shipments in this state.")] = None,
    pathway: Annotated[str | None, typer.Option("--pathway", help="List its shipments of this pathway.")] = None,
    eta: Annotated[
        str | None,
        typer.Option(
            "--eta",
            help="Note that the filed truck is now expected at this instant; the law of that instant is applied.",
            metavar="INSTANT",
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """The board of a trip: go or no-go, counts, what holds it, and what may be done next.

    Example: gateway trip SFIC2611230001 --state held
    """
    import asyncio

    from gateway.cli.access import client_for
    from gateway.cli.follow import show_board

    output = Output(as_json)
    expected = _expected(eta)
    client = client_for(output, url, key)
    filters = {name: value for name, value in (("state", state), ("pathway", pathway)) if value}

    async def run() -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
        async with client:
            noted = await client.change_arrival(number, expected) if expected else None
            board = await client.board(number)
            if noted is not None:
                board["arrival_changed"] = noted
            if not filters:
                return board, None
            return board, [one async for one in client.shipments(number, **filters)]

    board, listed = asyncio.run(run())
    if as_json:
        output.document(board | ({} if listed is None else {"listed": listed}))
        return
    show_board(output, board)
    if listed is not None:
        _show_shipments(output, listed)
    changed = board.get("arrival_changed")
    if changed:
        for note in changed["notes"]:
            output.say(note, "dim")
        output.say(f"The trip is judged for that arrival now; see `gateway trip {number}`.", "dim")
    following = NEXT.get("lapsed" if board.get("lapsed") else str(board["state"]), "")
    if following:
        output.say(f"Next: {following.format(number=number)}", "dim")


def _expected(eta: str | None) -> str | None:
    """The instant of ``--eta`` with its offset."""
    from datetime import UTC, datetime

    from gateway.cli.reading import read_arrival

    return read_arrival(eta, datetime.now(UTC), "--eta").isoformat() if eta else None


def _show_shipments(output: Output, listed: list[dict[str, Any]]) -> None:
    from gateway.cli.follow import why

    table = make_table(f"{len(listed)} shipment{'' if len(listed) == 1 else 's'}")
    for column in ("shipment", "SCN", "pathway", "state", "entry number"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", ratio=1)
    for one in listed:
        names = ("shipment_id", "shipment_control_number", "pathway", "state", "entry_number")
        table.add_row(*(plain(str(one[name] or "")) for name in names), plain(why(one)))
    output.show(table)


def filing(
    identifier: Annotated[str, typer.Argument(help="Id, SCN or entry number of the filing.", metavar="ID")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """One filing: where it stands, what happened to it, which files it went out with, what may be done next.

    Example: gateway filing SFIC25031000123
    """
    import asyncio

    from gateway.cli.access import client_for

    output = Output(as_json)
    client = client_for(output, url, key)

    async def run() -> dict[str, Any]:
        async with client:
            found: dict[str, Any] = await client.filing(identifier)
            for part in ("timeline", "transmissions"):
                found[part] = (await client.filing(str(found["id"]), part))["items"]
            return found

    found = asyncio.run(run())
    if as_json:
        output.document(found)
        return
    _show_filing(output, found)
    if found["kind"] == "handoff" and found["state"] in ("ready", "handed_over"):
        output.say(f"Its package, with a broker's key: GET {client.url}/v1/handoffs/{found['id']}/package")


def _show_filing(output: Output, found: dict[str, Any]) -> None:
    numbers = [found.get("shipment_control_number"), found.get("entry_number")]
    shown = "  ".join(str(number) for number in numbers if number)
    output.say(f"\n{found['kind']} filing {found['id']}  {shown}".rstrip(), "bold")
    entry_type = f", entry type {found['entry_type']}" if found.get("entry_type") else ""
    output.say(
        f"trip {found['trip_number']}, {found['pathway'] or 'all pathways'}{entry_type}, version {found['version']}"
    )
    output.say(f"state: {str(found['state']).replace('_', ' ')}", "bold")
    shipment = found.get("shipment")
    if shipment:
        output.say(f"shipment {shipment['shipment_id']}: {str(shipment['state']).replace('_', ' ')}")
        for reason in [shipment["why"]] if shipment.get("why") else shipment["reasons"]:
            output.say(f"  {reason}", "dim")
    _show_timeline(output, found["timeline"])
    files = make_table("Files")
    for column in ("direction", "name", "state", "bytes", "SHA-256"):
        files.add_column(column, no_wrap=True)
    for one in found["transmissions"]:
        names = ("direction", "name", "state", "payload_bytes")
        digest = str(one["payload_sha256"])
        files.add_row(*(plain(str(one[name])) for name in names), f"{digest[:32]}\n{digest[32:]}")
    output.show(files)
    acts = ", ".join(str(act) for act in found.get("acts", ()))
    output.say(f"May be done next: {acts or 'nothing'}", "dim")


def _show_timeline(output: Output, steps: list[dict[str, Any]]) -> None:
    """In the order in which we came to know; what CBP dates by the minute is shown by the minute."""
    table = make_table("What happened")
    table.add_column("when (UTC)", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("code", no_wrap=True)
    table.add_column("text", ratio=1)
    fields = any(step.get("field") for step in steps)
    if fields:
        table.add_column("field", style="cyan")
    for step in steps:
        code = " ".join(str(step[name]) for name in ("source", "code") if step.get(name))
        cells = [_when(step), str(step["what"]).replace("_", " "), code, str(step["text"])]
        table.add_row(*(plain(cell) for cell in [*cells, str(step.get("field") or "")][: 4 + fields]))
    output.show(table)


def _when(step: Mapping[str, Any]) -> str:
    at, recorded = str(step["at"] or ""), str(step.get("recorded_at") or step["at"] or "")
    by_the_minute = at != recorded and at[16:19] == ":00" and at[19:20] != "."
    return at[: 16 if by_the_minute else 19].replace("T", " ")
