"""How does a trip look to a person, now and while CBP's answers come in?

``answered`` is the point where CBP has said yes or no to every declaration; release comes after arrival and is
not waited for here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.following import UNDER_WAY, Teller, last_word
from gateway.cli.output import Output, make_table, plain
from gateway.cli.reading import row_problems

if TYPE_CHECKING:
    from filings.lifecycle import TripInput
    from gateway.client import GatewayClient

POLL_FIRST: Final = 0.2
POLL_LONGEST: Final = 2.0
DECISIONS: Final = {"go": "bold green", "no_go": "bold red", "wait": "bold yellow"}
WORDS: Final = {"go": "GO", "no_go": "NO-GO", "wait": "WAIT"}
SHOWN: Final = 10
SETTLED: Final = ("refused", "partly_accepted")
"""States of a change that CBP has answered."""
SETTLED_FIRST: Final = (
    "lapsed",
    "rejected",
    "release_revoked",
    "release_suspended",
    "held",
    "exam",
    "documents_required",
)
"""States that the law or CBP's word brought about: they are shown before what waits for a broker."""


def answered(board: Mapping[str, Any]) -> bool:
    """Whether every declaration of the trip has gone out and has CBP's answer, and the verdict is that of now."""
    return (
        board.get("planning") == "done"
        and not board.get("being_judged_for")
        and not under_way(board)
        and not board["manifest"]["pending"]
        and not board["entries"]["pending"]
    )


def under_way(board: Mapping[str, Any]) -> int:
    """How many files of the trip the partner has not signed for."""
    return sum(board.get("transmissions", {}).get(state, 0) for state in UNDER_WAY)


def refusals(board: Mapping[str, Any]) -> int:
    """How many declarations CBP refused, and shipments that we had to leave off."""
    if not board:
        return 0
    states = board["states"]
    return int(board["manifest"]["rejected"] + board["entries"]["rejected"] + states.get("refused", 0))


async def follow(
    output: Output,
    client: GatewayClient,
    trip_number: str,
    seconds: float,
) -> tuple[dict[str, Any], bool]:
    """Follow a filed trip until it is answered; the last board, and whether time ran out first.

    An interrupt is answered by a last word on what goes on by itself.
    """
    end = time.monotonic() + seconds
    pause = POLL_FIRST
    with output.progress() as bars:
        teller = Teller(output, bars)
        try:
            while True:
                board = await client.board(trip_number)
                await teller.look(client, board)
                if answered(board):
                    return board, False
                if any(alert["kind"] == "trip_not_plannable" for alert in board["alerts"]):
                    return board, True
                if time.monotonic() >= end:
                    return board, True
                await asyncio.sleep(min(pause, max(end - time.monotonic(), 0)))
                pause = min(pause * 1.3, POLL_LONGEST)
        except asyncio.CancelledError:
            bars.stop()
            last_word(output, trip_number, teller.board)
            raise


def show_board(output: Output, board: Mapping[str, Any]) -> None:
    """The board for people: may the truck go, what stands how, what holds it, what is still open."""
    from rich.text import Text

    from filings.lifecycle import TripInput

    port = f"{board['port_of_arrival']} {board.get('port_name') or ''}".strip()
    output.say("")
    heading = Text(f"Trip {board['trip_number']}  ", style="bold")
    word = "ARRIVED" if board["arrived_at"] else WORDS.get(board["decision"], str(board["decision"]))
    heading.append(word, style=DECISIONS.get(board["decision"], ""))
    heading.append(f"  {board['reason']}", style="not bold")
    output.people.print(heading, soft_wrap=True)
    output.say(f"{port}, {when(board)}", "dim")
    table = make_table()
    for column, style in (("pathway", ""), ("shipments", "bold"), ("state", ""), ("shipments", "bold")):
        table.add_column(column, justify="right" if style else "left", style=style)
    pathways, states = sorted(board["pathways"].items()), sorted(board["states"].items())
    for place in range(max(len(pathways), len(states))):
        left = (pathways[place][0], str(pathways[place][1])) if place < len(pathways) else ("", "")
        right = (states[place][0].replace("_", " "), str(states[place][1])) if place < len(states) else ("", "")
        table.add_row(*left, *right)
    output.show(table)
    declared = make_table()
    for column in ("declared", "accepted", "rejected", "pending"):
        declared.add_column(column, justify="left" if column == "declared" else "right")
    for name in ("manifest", "entries"):
        part = board[name]
        declared.add_row(name, str(part["accepted"]), str(part["rejected"]), str(part["pending"]))
    declared.add_row("handoffs", str(board["handoffs"]), "", "")
    output.show(declared)
    held_as = board.get("manifest_filing", {}).get("cbp_state")
    if held_as:
        output.say(f"CBP holds the manifest as {str(held_as).replace('_', ' ')}.")
    for one in board.get("withdrawn_files", ())[:SHOWN]:
        output.say(one["text"], "dim")
    told = {one["filing_id"] for one in board.get("open", ())}  # with its times, below
    changes = [one for one in board.get("changes", ()) if one["state"] in SETTLED or one["filing_id"] not in told]
    for one in changes[:SHOWN]:
        output.say(one["text"], "red" if one["state"] == "refused" else "yellow")
    _show_refused(output, board)
    _show_shipments(output, board, "What holds the truck", in_order(board["blocking"]), TripInput.STOP)
    _show_shipments(output, board, "On the manifest without an entry", board.get("left_on_manifest", ()), None)
    if board["decision"] == "wait":
        _show_shipments(output, board, "What is still open", board.get("waiting", ()), TripInput.WAIT)
    _show_open(output, board)
    for alert in board["alerts"][:SHOWN]:
        show_alert(output, alert)
    if (more := len(board["alerts"]) - SHOWN) > 0:
        output.say(f"and {more} more alerts; `gateway alerts --trip {board['trip_number']}` lists them", "dim")


def show_alert(output: Output, alert: Mapping[str, Any]) -> None:
    """An open alert, and what a person does about it."""
    output.say(f"{alert['severity']}: {alert['text']}", "red" if alert["severity"] == "error" else "yellow")
    if alert.get("remedy"):
        output.say(f"  {alert['remedy']}", "dim")


ACTS: Final = {
    "gateway": "goes on by itself",
    "partner": "the partner",
    "cbp": "CBP",
    "broker": "a person here",
    "nobody": "nobody",
}
"""Who acts next, in a person's words."""


def _show_open(output: Output, board: Mapping[str, Any]) -> None:
    """What is awaited, of whom, and by when; what must be done by then."""
    listed = board.get("open", ())
    if listed:
        table = make_table("What is awaited")
        table.add_column("who acts", no_wrap=True)
        table.add_column("what", ratio=3)
        table.add_column("what to do", ratio=1)
        for one in listed[:SHOWN]:
            style = "red" if one["todo"] else "yellow" if one["overdue"] else None
            cells = (ACTS[one["who"]], one["text"], one["todo"] or "wait")
            table.add_row(*(plain(cell) for cell in cells), style=style)
        output.show(table)
        if len(listed) > SHOWN:
            output.say(f"and {len(listed) - SHOWN} more; --json has them", "dim")
    for one in board.get("deadlines", ()):
        output.say(one["text"], "red" if one["overdue"] else "dim")


def when(board: Mapping[str, Any]) -> str:
    """When the truck comes or came, and for which instant the law was applied, on the port's clock."""
    there = board.get("arrived_at_local")
    at = str(there or board["estimated_arrival_local"])
    said = f"{'arrived' if there else 'arrives'} {at[:16].replace('T', ' ')}"
    judged = board.get("judged_for_local")
    if judged and board["state"] != "draft":
        said += f", judged for {str(judged)[:16].replace('T', ' ')}"
    return f"{said} ({board['time_zone']})"


def why(shipment: Mapping[str, Any], reasons: int | None = None) -> str:
    """Why a shipment stands where it does; without a word on that, the (first) reasons of its pathway."""
    return str(shipment.get("why") or " ".join(shipment.get("reasons", ())[:reasons]))


def in_order(shipments: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What CBP refused or holds first, what waits for a broker last; else in manifest order."""
    places = {state: place for place, state in enumerate(SETTLED_FIRST)}
    return sorted(shipments, key=lambda one: places.get(str(one["state"]), len(places)))


def _show_refused(output: Output, board: Mapping[str, Any]) -> None:
    refused = board.get("refused_rows") or {}
    count = int(refused.get("count", 0))
    if not count:
        return
    rows = "1 row was refused and is" if count == 1 else f"{count} rows were refused and are"
    output.say(f"{rows} on no manifest", "bold red")
    # lines are those of the request, which need not be those of anybody's file: they name what has no id
    named = [
        {"line": None if row["shipment_id"] else row["line_number"], **row, "errors": row["problems"]}
        for row in refused["rows"][:SHOWN]
    ]
    if named:
        output.problems(row_problems(named), "Refused rows")
    if named and count > len(named):
        output.say(f"and {count - len(named)} more rows", "dim")


def _show_shipments(
    output: Output, board: Mapping[str, Any], title: str, listed: Sequence[Mapping[str, Any]], verdict: TripInput | None
) -> None:
    """The first of the shipments whose states mean ``verdict``, how many more there are, and how to see those.

    Without a ``verdict`` those listed are all there are.
    """
    from filings.lifecycle import CROSSING

    if not listed:
        return
    table = make_table(title)
    for column in ("shipment", "SCN", "state", "pathway"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", ratio=1)
    shown = listed[:SHOWN]
    for one in shown:
        cells = (one["shipment_id"], one["shipment_control_number"] or "", one["state"].replace("_", " "))
        table.add_row(*(plain(cell) for cell in cells), plain(one["pathway"] or ""), plain(why(one)))
    output.show(table)
    left = Counter(str(one["state"]) for one in listed)
    if verdict is not None:
        left = Counter(
            {state.value: board["states"].get(state.value, 0) for state in CROSSING if CROSSING[state] is verdict}
        )
    left -= Counter(one["state"] for one in shown)
    if left.total():
        most, _ = left.most_common(1)[0]
        hint = f"`gateway trip {board['trip_number']} --state {most}` lists all in that state"
        output.say(f"and {left.total()} more; {hint}", "dim")
