"""Do the board, the timeline and the refusals to listen say what a person needs, and nothing that misleads?"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import board as commands
from gateway.cli import main
from gateway.cli.follow import show_board, why
from gateway.cli.output import Output, make_table
from gateway.cli.submit import _to_be_noted
from schemas.intake import NDJSON, Row, read_rows
from tests import samples


def shipment(number: int, state: str, **more: Any) -> dict[str, Any]:
    """A shipment as the board lists it."""
    return {
        "shipment_id": f"S-{number}",
        "shipment_control_number": f"SFIC{number:012d}",
        "state": state,
        "pathway": "informal",
        "reasons": ["One.", "Two."],
        **more,
    }


def a_board(**more: Any) -> dict[str, Any]:
    """A board without anything special on it."""
    none = {"accepted": 0, "rejected": 0, "pending": 0}
    return {
        "trip_number": "SFIC3006040001",
        "state": "filed",
        "decision": "no_go",
        "reason": "Something stands in the way.",
        "port_of_arrival": "0901",
        "port_name": "Buffalo",
        "estimated_arrival_local": "2030-06-04T16:30:00-04:00",
        "time_zone": "America/New_York",
        "arrived_at": None,
        "pathways": {},
        "states": {},
        "manifest": none,
        "manifest_filing": {"state": None, "cbp_state": None},
        "entries": none,
        "handoffs": 0,
        "blocking": [],
        "waiting": [],
        "refused_rows": {"count": 0, "rows": []},
        "alerts": [],
        **more,
    }


def shown(capsys: pytest.CaptureFixture[str], board: dict[str, Any]) -> str:
    """What a person sees of a board."""
    show_board(Output(), board)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("held", "left", "says"),
    [(1, [], "--state held"), (1, ["P-1"], "--state held"), (0, ["P-1"], "settle with CBP at the port"), (0, [], "")],
)
def test_what_is_next_after_arrival_is_what_there_is_to_do(held: int, left: list[str], says: str) -> None:
    """Held goods are to be looked at when there are any; else what came without an entry; else nothing is said."""
    board = a_board(state="arrived", held=held, left_on_manifest=left)
    following = commands.next_step(board)
    assert says in following
    assert bool(following) is bool(says)


def test_a_file_that_was_withdrawn_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Its sentence stands on the board, for it is counted among the files and never went."""
    told = {"name": "309-1.x12", "text": "309-1.x12 was withdrawn before it left."}
    assert "309-1.x12 was withdrawn before it left." in shown(capsys, a_board(withdrawn_files=[told]))


def test_what_is_left_on_an_arrived_manifest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A cancelled shipment whose bill came with the truck stands in a table of its own, with what to do."""
    left = [shipment(7, "cancelled", why="Its entry is cancelled. Settle it at the port.")]
    text = shown(capsys, a_board(left_on_manifest=left, states={"cancelled": 3}))
    assert "On the manifest without an entry" in text
    assert shipment(7, "cancelled")["shipment_id"] in text
    assert "Settle it at the port." in text
    assert "more;" not in text
    assert "On the manifest without" not in shown(capsys, a_board(states={"cancelled": 3}))


def test_what_cbp_holds_stands_before_what_waits_for_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    """Rejected and held shipments come first, with their ``why``; how many more there are is said as a number."""
    blocking = [shipment(n, "in_review") for n in range(20)]
    blocking += [shipment(20, "held", why="CBP 350 1H: hold"), shipment(21, "rejected")]
    text = shown(capsys, a_board(blocking=blocking, states={"in_review": 40, "held": 1, "rejected": 1}))
    assert text.index("S-21") < text.index("S-20") < text.index("S-0 ")
    assert "CBP 350 1H: hold" in text
    assert "and 32 more; `gateway trip SFIC3006040001 --state in_review`" in text


def test_a_waiting_trip_says_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """With WAIT the open shipments are listed; with another decision they are not."""
    waiting = [shipment(1, "handed_off", why="The broker's entry is awaited.")]
    board = a_board(waiting=waiting, states={"handed_off": 3})
    assert "What is still open" not in shown(capsys, board)
    text = shown(capsys, board | {"decision": "wait"})
    assert "What is still open" in text
    assert "The broker's entry is awaited." in text
    assert "and 2 more;" in text


def test_refused_rows_and_the_manifests_state_are_on_the_board(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that got on no manifest are counted and listed, and how CBP holds the manifest is said."""
    problems = [{"code": "a_code", "path": "a.path", "text": "A sentence.", "remedy": ""}]
    rows = [
        {"shipment_id": "S-7", "line_number": 1, "problems": problems},
        {"shipment_id": None, "line_number": 9, "problems": problems},
    ]
    held_as = {"state": "rejected", "cbp_state": "preliminary"}
    text = shown(capsys, a_board(refused_rows={"count": 5, "rows": rows}, manifest_filing=held_as))
    assert "5 rows were refused and are on no manifest" in text
    assert "S-7" in text
    assert "line 9" in text
    assert "line 1 " not in text
    assert "and 3 more rows" in text
    assert "CBP holds the manifest as preliminary." in text
    assert "refused" not in shown(capsys, a_board())


@pytest.mark.parametrize("state", ["queued", "sending", "awaiting_receipt", "in_doubt"])
def test_nobody_is_told_to_cross_while_a_receipt_is_out(state: str) -> None:
    """Next is to cross only when the partner has signed for everything that was sent."""
    board = a_board(state="clear", decision="go", transmissions={"delivered": 2})
    assert commands.next_step(board) == "cross"
    following = commands.next_step(board | {"transmissions": {"delivered": 1, state: 1}})
    assert "cross" not in following
    assert "wait until the partner has signed" in following


def test_why_falls_back_on_the_reasons() -> None:
    """``why`` wins; without it the reasons of the pathway are told, as many as wanted."""
    assert why(shipment(1, "held", why="Held.")) == "Held."
    assert why(shipment(1, "held", why="")) == "One. Two."
    assert why(shipment(1, "held"), 1) == "One."


def test_the_timeline_keeps_its_order_and_cbps_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    """What CBP dates by the minute has no seconds, what we noted has; the order is that of the answer."""
    ours = "2026-11-23T20:31:07.123456+00:00"
    steps = [
        {"at": ours, "what": "received", "text": "later known"},
        {"at": "2026-11-23T20:29:00+00:00", "recorded_at": ours, "what": "held", "text": "known last", "field": "scn"},
        {"at": "2026-11-23T20:32:00+00:00", "recorded_at": None, "what": "event", "text": "ours on the minute"},
    ]
    commands._show_timeline(Output(), steps)
    text = capsys.readouterr().out
    assert "2026-11-23 20:31:07 UTC" in text
    assert "2026-11-23 20:29 UTC" in text
    assert "20:29:00" not in text
    assert "2026-11-23 20:32:00 UTC" in text
    assert text.index("later known") < text.index("known last")
    assert "field" in text
    commands._show_timeline(Output(), steps[:1])
    assert "field" not in capsys.readouterr().out


@pytest.mark.parametrize("columns", ["", "80", "44"])
def test_lines_fit_end_without_blanks_and_lose_nothing(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at a terminal the width is that of COLUMNS, else 120; a long id is folded, and no line ends with a blank."""
    monkeypatch.setenv("COLUMNS", columns)
    table = make_table("Ids")
    table.add_column("id", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    table.add_column("text")
    digest = "0123456789abcdef" * 4
    table.add_row("0199c0de-0000-7000-8000-000000000000", digest, "words " * 30)
    Output().show(table)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns or 120)
    assert all(line == line.rstrip() for line in lines)
    assert "…" not in "".join(lines)
    hexadecimal = "".join(character for line in lines[3:] for character in line if character in "0123456789abcdef")
    assert len(hexadecimal) >= len(digest) + 32


@pytest.mark.parametrize("command", ["serve", "sandbox", "control"])
def test_a_taken_port_is_named_with_what_to_change(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another program listens, the address, the port and the option are told, with status 1."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        common = ["--data", str(tmp_path / "data")]
        if command == "serve":
            status = main(["serve", "--port", port, *common])
        else:
            ports = ["--port", port] if command == "sandbox" else ["--port", "0", "--control-port", port]
            status = main(["sandbox", *ports, "--exchange", str(tmp_path / "exchange"), *common, "--memory"])
    told = capsys.readouterr().err
    assert status == 1
    assert "cannot_listen" in told
    assert f"127.0.0.1:{port}" in told
    assert ("--control-port" if command == "control" else "--port") in told
    assert "Traceback" not in told


def rows(*raws: dict[str, Any]) -> list[Row]:
    """Rows as a file has them."""
    import json

    return list(read_rows([b"\n".join(json.dumps(raw).encode() for raw in raws)], NDJSON))


def test_only_rows_that_are_bad_alone_are_sent_to_be_noted() -> None:
    """A row with a wrong value is refused at the gateway as well; one that is good alone would be taken there."""
    good, bad = rows(samples.shipment(), samples.shipment(shipment_id="T-2", weight=None))
    assert not _to_be_noted(good)
    assert _to_be_noted(bad)
    assert not _to_be_noted(Row(0, 1, None, None, None))


@pytest.mark.parametrize(
    ("kind", "state", "says"),
    [
        ("entry", "accepted", " --reason TEXT --reason-code CC"),
        ("entry", "rejected", " --reason TEXT"),
        ("handoff", "ready", " --reason TEXT"),
        ("manifest", "accepted", " --reason TEXT --entry-reason-code CC (the code where entries go with it)"),
    ],
)
def test_what_is_offered_is_the_whole_command(kind: str, state: str, says: str) -> None:
    """A cancellation is offered with the code that it is refused without; what limits an act stands beside it."""
    found = {
        "id": "f-1",
        "kind": kind,
        "state": state,
        "acts": ["amend", "cancel"],
        "act_limits": {"amend": "Not all."},
    }
    assert commands.offers(found) == [
        "amend it: gateway amend f-1 PATCH.json (Not all.)",
        f"cancel it: gateway cancel f-1{says}",
    ]
