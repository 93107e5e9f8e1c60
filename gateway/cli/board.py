"""``gateway trip`` and ``gateway filing``: where does it stand, what happened, what may be done next?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.amend_view import show_versions
from gateway.cli.follow import ACTS, show_alert, under_way
from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output, make_table, plain

if TYPE_CHECKING:
    from gateway.client import GatewayClient

JUDGED_WITHIN: Final = 2.0
"""Seconds for which `--eta` waits for the judgement; it usually comes at once."""
POLL: Final = 0.1
NEXT: Final = {
    "draft": "stage its shipments and file it: gateway submit TRIP.json SHIPMENTS --file",
    "filing": "wait for CBP's answers: gateway trip {number}",
    "filed": "wait for CBP's answers: gateway trip {number}",
    "blocked": "settle what blocks it (gateway amend SCN PATCH.json), or take it off the truck"
    ' (gateway amend {number} PATCH.json with {{"shipments": {{"ID": null}}}})',
    "lapsed": "ask a broker to file anew what has lapsed: gateway refile {number}",
    "judging": "wait for the judgement: gateway trip {number}",
    "clear": "cross",
    "unsigned": "wait until the partner has signed for everything that was sent: gateway trip {number}",
    "arrived": "look at what is still held: gateway trip {number} --state held",
    "left": "settle with CBP at the port what stands on the manifest without an entry",
}
TRIP_COMMANDS: Final = {
    "replace": "put the trip again: gateway submit TRIP.json SHIPMENTS",
    "stage": "stage shipments: gateway submit TRIP.json SHIPMENTS",
    "file": "file it: gateway submit TRIP.json SHIPMENTS --file",
    "change_arrival": "note another arrival: gateway trip {name} --eta INSTANT",
    "refile": "file anew what has lapsed: gateway refile {name}",
}
FILING_COMMANDS: Final = {
    "amend": "amend it: gateway amend {name} PATCH.json",
    "cancel": "cancel it: gateway cancel {name} --reason TEXT{codes}",
    "download the package": "give its package to the broker: GET /v1/handoffs/{name}/package",
}
"""How an act that is offered is asked for."""
CANCEL_CODES: Final = {
    "entry": " --reason-code CC",
    "manifest": " --entry-reason-code CC (the code where entries go with it)",
}
"""By which code a cancellation says its reason; what CBP refused, and what it never had, is withdrawn without."""


def commands(known: Mapping[str, str], acts: Iterable[str], name: str) -> list[str]:
    """What may be asked for now, each with the command that does it."""
    return [known[act].format(name=name) for act in acts if act in known]


def offers(found: Mapping[str, Any]) -> list[str]:
    """What may be asked for of a filing now, each with the whole command and what limits it."""
    codes = "" if found["state"] == "rejected" else CANCEL_CODES.get(str(found["kind"]), "")
    limits = found.get("act_limits", {})
    return [
        FILING_COMMANDS[act].format(name=found["id"], codes=codes) + (f" ({limits[act]})" if act in limits else "")
        for act in found.get("acts", ())
        if act in FILING_COMMANDS
    ]


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
            board = await _judged(client, number, JUDGED_WITHIN if noted is not None and noted["changed"] else 0)
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
    following = next_step(board)
    if following:
        output.say(f"Next: {following}", "dim")
    for command in commands(TRIP_COMMANDS, board.get("acts", ()), number):
        output.say(f"May be asked: {command}", "dim")


async def _judged(client: GatewayClient, number: str, seconds: float) -> dict[str, Any]:
    """The board once the trip has been judged again, or as it is when that takes longer."""
    import asyncio
    import time

    end = time.monotonic() + seconds
    board = await client.board(number)
    while board.get("being_judged_for") and time.monotonic() < end:
        await asyncio.sleep(POLL)
        board = await client.board(number)
    return board


def next_step(board: Mapping[str, Any]) -> str:
    """What may be done next; never to cross where the board does not say GO, or a file of ours has no receipt."""
    state = "judging" if board.get("being_judged_for") else "lapsed" if board.get("lapsed") else str(board["state"])
    if state == "clear" and board["decision"] != "go":
        state = "blocked" if board["decision"] == "no_go" else "filed"
    elif state == "clear" and under_way(board):
        state = "unsigned"
    elif state == "arrived" and not board.get("held"):
        state = "left" if board.get("left_on_manifest") else ""
    return NEXT.get(state, "").format(number=board["trip_number"])


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
    files: Annotated[
        Path | None,
        typer.Option(
            "--files", help="Write every file of it, sent and received, into this empty folder.", file_okay=False
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """One filing: where it stands, what happened to it, which files it went out with, what may be done next.

    Example: gateway filing SFIC25031000123
    """
    import asyncio

    from gateway.cli import filing_files
    from gateway.cli.access import client_for

    output = Output(as_json)
    client = client_for(output, url, key)

    async def run() -> dict[str, Any]:
        async with client:
            found: dict[str, Any] = await client.filing(identifier)
            # by the name that was given: by that of a shipment a manifest tells of that one, too
            found["timeline"] = (await client.filing(identifier, "timeline"))["items"]
            for part in ("versions", "transmissions"):
                found[part] = (await client.filing(str(found["id"]), part))["items"]
            if files is not None:
                filing_files.prepare(files)
                await filing_files.save(client, found, files)
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
    in_force = found.get("accepted_version")
    stands = f", version {in_force} in force" if in_force and in_force != found["version"] else ""
    output.say(f"state: {str(found['state']).replace('_', ' ')}{stands}", "bold")
    show_standing(output, found.get("standing"))
    shipment = found.get("shipment")
    if shipment:
        output.say(f"shipment {shipment['shipment_id']}: {str(shipment['state']).replace('_', ' ')}")
        for reason in [shipment["why"]] if shipment.get("why") else shipment["reasons"]:
            output.say(f"  {reason}", "dim")
    if found.get("decided_by"):
        show_decided(output, found["decided_by"], found["time_zone"])
    for alert in found.get("alerts", ()):
        show_alert(output, alert)
    show_versions(output, found["versions"], found["time_zone"])
    _show_timeline(output, found["timeline"], found["time_zone"])
    files = make_table("Files")
    for column in ("direction", "name", "state", "bytes", "SHA-256"):
        files.add_column(column, no_wrap=True)
    for one in found["transmissions"]:
        names = ("direction", "name", "state", "payload_bytes")
        digest = str(one["payload_sha256"])
        files.add_row(*(plain(str(one[name])) for name in names), f"{digest[:32]}\n{digest[32:]}")
    output.show(files)
    if saved := [one for one in found["transmissions"] if one.get("saved_as")]:
        output.say(f"{len(saved)} files written to {Path(saved[0]['saved_as']).parent}")
        if hidden := [str(one["name"]) for one in saved if one["hides_password"]]:
            listed = ", ".join(hidden)
            output.say(f"The password of the batch is hidden, so that the digest is another, in: {listed}", "yellow")
    asked = offers(found)
    for command in asked:
        output.say(f"May be asked: {command}", "dim")
    if not asked:
        output.say("Nothing may be asked of it now.", "dim")


def show_standing(output: Output, standing: Mapping[str, Any] | None) -> None:
    """What a filing waits for, of whom, until when, and what a person does."""
    if standing is None:
        return
    style = "red" if standing["todo"] and standing["overdue"] else "yellow" if standing["overdue"] else None
    output.say(f"{standing['text']} Who acts: {ACTS[standing['who']]}.", style)
    if standing["todo"]:
        output.say(f"To do: {standing['todo']}", "bold")


def show_decided(output: Output, decided: Mapping[str, Any], zone: str) -> None:
    """By which law the pathway was chosen: rules with their citations, book, instant, severities, what was refused."""
    entry_type = f" (entry type {decided['entry_type']})" if decided["entry_type"] else ""
    decided_for, judged_for = (_minute(decided[name], zone) for name in ("decided_for", "judged_for"))
    made = "" if decided_for == judged_for else f" decided for {decided_for},"
    output.say(f"\nDecided by: {decided['pathway']}{entry_type},{made} judged for {judged_for} ({zone})", "bold")
    version = decided["rule_book_version"]
    output.say(f"  rule book {version}; `gateway rules book {version}` shows it as it was kept")
    for rule in decided["rules"]:
        words = " ".join(str(rule[name]) for name in ("text", "citation") if rule[name])
        output.say(f"  by {rule['id']} ({rule['kind'] or 'rule'}): {words}")
    if not all(rule["citation"] for rule in decided["rules"]):
        for citation in decided["citations"]:
            output.say(f"  citation: {citation}")
    for one in decided["refused"]:
        output.say(f"  refused {one['pathway']}: {one['text']} ({one['rule']})")
    for name, severity in decided["severities"].items():
        output.say(f"  severity of {name}: {severity}")
    lapse = decided["lapse"]
    if lapse:
        output.say(f"  lapsed: {lapse['text']} ({lapse['rule']}); offered: {lapse['pathway']}", "bold red")


def _show_timeline(output: Output, steps: list[dict[str, Any]], zone: str = "UTC") -> None:
    """In the order in which we came to know; what CBP dates by the minute is shown by the minute, with its zone."""
    table = make_table("What happened")
    table.add_column(f"when ({zone})", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("code", no_wrap=True)
    table.add_column("text", ratio=1)
    fields = any(step.get("field") for step in steps)
    if fields:
        table.add_column("field", style="cyan")
    for step in steps:
        code = " ".join(str(step[name]) for name in ("source", "code") if step.get(name))
        by = f" (by {step['actor']})" if step.get("actor") else ""
        cells = [_when(step, zone), str(step["what"]).replace("_", " "), code, str(step["text"]) + by]
        table.add_row(*(plain(cell) for cell in [*cells, str(step.get("field") or "")][: 4 + fields]))
    output.show(table)


def _minute(text: str, zone: str) -> str:
    """An instant by the minute on the clock of ``zone``, as the board writes it."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _when(step: Mapping[str, Any], zone: str) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    at, recorded = str(step["at"] or ""), str(step.get("recorded_at") or step["at"] or "")
    if not at:
        return ""
    by_the_minute = at != recorded and at[16:19] == ":00" and at[19:20] != "."
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M %Z}" if by_the_minute else f"{local:%Y-%m-%d %H:%M:%S %Z}"
