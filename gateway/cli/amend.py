"""``gateway amend`` and ``gateway cancel``: the difference and the exact messages first, then, if so wished, the act.

What goes is what was shown: the act names the version that was looked at, and is refused if somebody has changed the
filing since. A reason that is missing is asked for after that, too: a dry run needs none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output
from schemas.errors import Problem, ShipmentError

if TYPE_CHECKING:
    from gateway.client import GatewayClient

Json = dict[str, Any]
Ask = Callable[["GatewayClient", bool, int | None], Coroutine[Any, Any, Json]]
"""Asks the service: for a dry run or for the act, with the version that was seen."""

WAYS_OFF: Final = ("delete", "delink")
ENTRIES_FOLLOWED: Final = 50
"""Entries of one amendment whose versions are shown in the end; the board names those that CBP refused."""

IdArgument = Annotated[
    str,
    typer.Argument(help="The filing: its id, SCN or entry number; a trip number means its manifest.", metavar="ID"),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking; what is done is shown first.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done, and what must be said.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow until CBP has answered.")]
DecidedOption = Annotated[
    bool, typer.Option("--until-decided", help="Follow on where a person at CBP decides, until that is done.")
]
TimeoutOption = Annotated[float, typer.Option(help="Seconds to follow at most.", min=1, max=86_400)]
VersionOption = Annotated[
    int | None, typer.Option("--version", help="Only if the filing is still at this version.", min=1)
]


def amend(
    identifier: IdArgument,
    patch: Annotated[
        Path, typer.Argument(help="A JSON merge patch.", metavar="PATCH.json", exists=True, dir_okay=False)
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words; kept with the version.")] = "",
    reason_code: Annotated[
        str,
        typer.Option(
            "--reason-code", help="Why, by X12 code 393; asked for once the manifest is complete.", metavar="CC"
        ),
    ] = "",
    entry_reason_code: Annotated[
        str,
        typer.Option("--entry-reason-code", help="Why an entry goes (SE13), if one does.", metavar="CC"),
    ] = "",
    off: Annotated[
        str | None,
        typer.Option(
            "--off-the-truck",
            help="How a shipment comes off: delete its bill, or delink it, which keeps it on file with CBP.",
            metavar="delete|delink",
        ),
    ] = None,
    version: VersionOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    until_decided: DecidedOption = False,
    timeout: TimeoutOption = 900.0,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Amend what has been filed: only what differs is sent.

    PATCH.json is a JSON merge patch (RFC 7396) of the shipment; on a trip number or a manifest's id it patches the
    trip, and "shipments" in it holds patches by shipment id or SCN (null takes one off the truck). The difference, the
    exact messages and what CBP will do with them are shown first. The exit status is 1 if CBP refuses.

    Example: gateway amend SFIC25031000123 street.json --reason-code 03 --reason "Moved"
    """
    from gateway.cli.reading import read_json_file

    if off is not None and off not in WAYS_OFF:
        raise typer.BadParameter(f"{off!r} is not one of {', '.join(WAYS_OFF)}.", param_hint="--off-the-truck")
    raw = read_json_file(patch)
    said = {
        "reason": reason,
        "reason_code": reason_code,
        "entry_reason_code": entry_reason_code,
        "off_the_truck": off or "",
    }
    envelope = dict(raw) if isinstance(raw, Mapping) and "patch" in raw else {"patch": raw}
    envelope |= {name: value for name, value in said.items() if value}

    def ask(client: GatewayClient, dry_run: bool, seen: int | None) -> Coroutine[Any, Any, Json]:
        body = envelope | ({"version": seen} if seen is not None else {})
        return client.amend(identifier, body, dry_run=dry_run)

    follows = _follows(wait=wait, until_decided=until_decided, seconds=timeout)
    _run(Output(as_json), ask, version, url, key, yes=yes, dry_run=dry_run, follows=follows)


def cancel(
    identifier: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words, which must be said; kept with it.")] = "",
    reason_code: Annotated[
        str,
        typer.Option(
            "--reason-code", help="Why, by code: SE13 for an entry, X12 393 for a shipment's bill.", metavar="CC"
        ),
    ] = "",
    bill: Annotated[
        str | None,
        typer.Option(
            "--bill",
            help="What becomes of a cancelled entry's bill: keep (default), delete, or delink.",
            metavar="keep|delete|delink",
        ),
    ] = None,
    bill_reason_code: Annotated[
        str, typer.Option("--bill-reason-code", help="Why the bill goes too (X12 393).", metavar="CC")
    ] = "",
    entry_reason_code: Annotated[
        str, typer.Option("--entry-reason-code", help="Why the entries of a manifest go too (SE13).", metavar="CC")
    ] = "",
    replaced_by: Annotated[
        str, typer.Option("--replaced-by", help="The entry under which the goods were cleared (reason 03).")
    ] = "",
    shipment: Annotated[
        list[str] | None, typer.Option("--shipment", help="Of a manifest, only this shipment (may be repeated).")
    ] = None,
    version: VersionOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    until_decided: DecidedOption = False,
    timeout: TimeoutOption = 900.0,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an entry (SE action D), a shipment's bill (309 type Y), or with a trip number its whole manifest (type 3).

    What is sent, and whether CBP does it by itself or a person there decides, is shown first. The exit status is 1 if
    CBP refuses.

    Example: gateway cancel SFIC25031000123 --reason "Sent twice" --reason-code 01
    """
    said: Json = {
        "reason": reason,
        "reason_code": reason_code,
        "bill": bill,
        "bill_reason_code": bill_reason_code,
        "entry_reason_code": entry_reason_code,
        "replaced_by": replaced_by,
        "shipments": shipment,
    }
    asked = {name: value for name, value in said.items() if value}

    def ask(client: GatewayClient, dry_run: bool, seen: int | None) -> Coroutine[Any, Any, Json]:
        body = asked | ({"version": seen} if seen is not None else {})
        return client.cancel(identifier, body, dry_run=dry_run)

    follows = _follows(wait=wait, until_decided=until_decided, seconds=timeout)
    _run(Output(as_json), ask, version, url, key, yes=yes, dry_run=dry_run, follows=follows)


@dataclass(frozen=True, slots=True)
class Follows:
    """How long what was sent is followed: until CBP's answer or a person's decision, so many seconds at most."""

    decided: bool
    seconds: float


def _follows(*, wait: bool, until_decided: bool, seconds: float) -> Follows | None:
    if until_decided and not wait:
        raise typer.BadParameter("it follows, and --no-wait does not: give one of them.", param_hint="--until-decided")
    return Follows(until_decided, seconds) if wait else None


def _run(
    output: Output,
    ask: Ask,
    version: int | None,
    url: str,
    key: str | None,
    *,
    yes: bool,
    dry_run: bool,
    follows: Follows | None,
) -> None:
    """Show what would be done, then what must still be said for it; do it if so wished; follow it; the exit status."""
    import asyncio

    from gateway.cli import interrupts
    from gateway.cli.access import client_for
    from gateway.cli.amend_view import show_kept, show_plan, show_settled

    not_both(yes=yes, dry_run=dry_run)
    client = client_for(output, url, key)

    async def run() -> Json:
        async with client:
            shown = await ask(client, True, version)
            show_plan(output, shown)
            if dry_run:
                output.say("Nothing has been changed or sent: this was a dry run.", "dim")
                return {"shown": shown}
            if shown["needs"]:
                raise ShipmentError(Problem.from_dict(one) for one in shown["needs"])
            if not (yes or _agreed(output)):
                output.say("Nothing has been changed or sent.", "dim")
                return {"shown": shown}
            document: Json = {"shown": shown, "taken_on": await ask(client, False, shown["version_before"])}
            if follows is not None and shown["sent"]:
                what = "answer, and decision if it asks for one," if follows.decided else "answer"
                output.note(f"sent; CBP's {what} is awaited for {follows.seconds:.0f} seconds at most")
                try:
                    document["settled"], document["timed_out"] = await _settled(
                        output, client, document["taken_on"], follows
                    )
                except asyncio.CancelledError:
                    output.note(f"Interrupted. It goes on by itself; see `gateway filing {shown['filing_id']}`.")
                    raise
                show_settled(output, document)
            elif shown["sent"]:
                output.say(f"Taken on; see `gateway filing {shown['filing_id']}`.")
            else:
                show_kept(output, shown, document["taken_on"]["version"])
            return document

    document = interrupts.run(run())
    if output.as_json:
        output.document(document)
    refused = any(one["state"] == "refused" for one in document.get("settled", ()))
    raise typer.Exit(1 if refused or document.get("timed_out") else 0)


def not_both(*, yes: bool, dry_run: bool) -> None:
    """Refuse a command line that asks for the act and for a dry run."""
    if yes and dry_run:
        raise typer.BadParameter("it only shows, and --yes does: give one of them.", param_hint="--dry-run")


def _agreed(output: Output) -> bool:
    """Whether the person at the terminal says yes; without a terminal nobody does."""
    if output.as_json or not sys.stdin.isatty():
        output.say("Do it with --yes.", "dim")
        return False
    return typer.confirm("Send this?", default=False)


async def _settled(output: Output, client: GatewayClient, taken: Json, follows: Follows) -> tuple[list[Json], bool]:
    """What became of the versions that were made, once CBP has answered; and whether time ran out first.

    A request that a person at CBP decides on is answered, and waited for only where that is asked for.
    """
    import asyncio
    import time

    from gateway.cli.follow import POLL_FIRST, POLL_LONGEST
    from gateway.cli.following import UNDER_WAY

    end, pause = time.monotonic() + follows.seconds, POLL_FIRST
    told: set[str] = set()
    while True:
        board = await client.board(taken["trip_number"])
        for text in (one["text"] for one in board.get("open", ()) if pause >= POLL_LONGEST / 2):
            if text not in told:
                told.add(text)
                output.note(f"waiting: {text}")
        waiting = sum(board["transmissions"].get(state, 0) for state in UNDER_WAY)
        pending = any(one["state"] == "pending" for one in board["changes"])
        if board["planning"] == "done" and not waiting and not pending:
            made = await _made(client, taken, board)
            if not (follows.decided and any(one["state"] == "requested" for one in made)):
                return made, False
        if time.monotonic() >= end:
            return await _made(client, taken, board), True
        await asyncio.sleep(min(pause, max(end - time.monotonic(), 0)))
        pause = min(pause * 1.3, POLL_LONGEST)


async def _made(client: GatewayClient, taken: Json, board: Json) -> list[Json]:
    """The versions of this amendment: of the filing named, of the manifest, and of the entries it changes."""
    names = {taken["filing_id"], board["manifest_filing"].get("id")}
    names |= {one["entry_number"] for one in taken["shipments"][:ENTRIES_FOLLOWED]}
    found: list[Json] = []
    for name in sorted(name for name in names if name):
        filing = await client.filing(name)
        of = {"filing_id": filing["id"], "kind": filing["kind"], "entry_number": filing["entry_number"]}
        versions = (await client.filing(name, "versions"))["items"]
        found += ({**of, **one} for one in versions if one["amendment_id"] == taken["amendment_id"])
    return list({(one["filing_id"], one["version"]): one for one in found}.values())
