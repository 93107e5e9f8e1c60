"""While the law is applied anew, no command says to cross: the change of an arrival, refiling, times, the decision."""

from __future__ import annotations

import json
from typing import Any, Self

import pytest

from gateway.cli import access, main
from gateway.cli import board as commands
from gateway.cli.output import Output
from tests.unit.test_cli_board import a_board, shown

TRIP = "SFIC3006040001"
LATE = "2030-06-04T22:00:00-04:00"


class Gateway:
    """A service that shows its boards in turn, the last one for ever."""

    url = "http://127.0.0.1:1"

    def __init__(self, *boards: dict[str, Any]) -> None:
        self.boards = list(boards)
        self.asked = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def board(self, _number: str) -> dict[str, Any]:
        self.asked += 1
        return self.boards.pop(0) if len(self.boards) > 1 else self.boards[0]

    async def change_arrival(self, _number: str, _arrival: str) -> dict[str, Any]:
        return {"changed": True, "notes": ["CBP is not told."]}

    async def filing(self, name: str, part: str = "") -> dict[str, Any]:
        """A manifest; its timeline has a release only for who asks by the number of the bill."""
        if not part:
            return {"id": "F-1", "kind": "manifest"}
        return {"items": [part] if part != "timeline" or name == "SFICCM00000101" else []}

    async def refile(self, number: str, *, dry_run: bool = False) -> dict[str, Any]:
        return {"trip_number": number, "already_requested": True, "dry_run": dry_run}


JUDGING = a_board(
    state="clear",
    decision="wait",
    reason="The trip is being judged again for …",
    being_judged_for=LATE,
    planning="done",
)
BLOCKED = a_board(
    state="blocked", lapsed=1, being_judged_for=None, planning="done", transmissions={}, judged_for_local=LATE
)


def run(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """A command against the service."""
    monkeypatch.setattr(access, "client_for", lambda *_args, **_more: gateway)
    return main(list(words))


def test_a_changed_arrival_is_answered_with_the_new_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The judgement is waited for, in JSON too, and it is a broker who is named for what it found."""
    assert run(Gateway(JUDGING, JUDGING, BLOCKED), monkeypatch, "trip", TRIP, "--eta", LATE, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["decision"], document["arrival_changed"]["changed"]) == ("no_go", True)
    assert run(Gateway(JUDGING, BLOCKED), monkeypatch, "trip", TRIP, "--eta", LATE) == 0
    text = capsys.readouterr().out
    assert f"Next: ask a broker to file anew what has lapsed: gateway refile {TRIP}" in text
    assert "judged for 2030-06-04 22:00" in text


def test_a_judgement_that_takes_long_is_not_foretold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the time that is given to it the board says to wait, and nothing says to cross."""
    monkeypatch.setattr(commands, "JUDGED_WITHIN", 0.15)
    gateway = Gateway(JUDGING)
    assert run(gateway, monkeypatch, "trip", TRIP, "--eta", LATE) == 0
    text = capsys.readouterr().out
    assert gateway.asked > 1
    assert "WAIT" in text
    assert "Next: wait for the judgement" in text
    assert "cross" not in text


@pytest.mark.parametrize(("board", "status"), [(BLOCKED, 1), ({**BLOCKED, "state": "clear", "decision": "go"}, 0)])
def test_refiling_fails_while_the_truck_may_not_go(
    board: dict[str, Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything CBP was asked is accepted, but goods must still come off the truck: the exit status says so."""
    assert run(Gateway(board), monkeypatch, "refile", TRIP, "--yes") == status


def test_a_truck_that_is_there_has_arrived(capsys: pytest.CaptureFixture[str]) -> None:
    """Its actual arrival is shown, and the instant of the law, both on the port's clock."""
    there = {"arrived_at": "2030-06-04T20:41:00+00:00", "arrived_at_local": "2030-06-04T16:41:00-04:00"}
    text = shown(capsys, a_board(**there, judged_for_local="2030-06-04T16:41:00-04:00"))
    assert "arrived 2030-06-04 16:41, judged for 2030-06-04 16:41 (America/New_York)" in text
    assert "arrives" not in text


def test_a_decision_is_shown_with_its_law(capsys: pytest.CaptureFixture[str]) -> None:
    """Pathway, instant, book, rules with citations, what was refused, severities, and why it has lapsed."""
    decided = {
        "pathway": "type86",
        "entry_type": "86",
        "rules": [
            {"id": "a-rule", "kind": "allow", "text": "It may.", "citation": "19 CFR 1", "status": "verified"},
            {"id": "a-limit", "kind": "threshold", "text": "Not above.", "citation": "19 CFR 2", "status": "verified"},
        ],
        "citations": ["19 CFR 1"],
        "reasons": [],
        "rule_book_version": "123456789abc",
        "decided_for": "2030-06-04T20:30:00+00:00",
        "judged_for": "2030-06-04T20:30:00+00:00",
        "judged_for_eastern": "2030-06-04T16:30:00-04:00",
        "severities": {"vague-description": "error"},
        "refused": [{"pathway": "section321", "rule": "no-rule", "text": "It may not."}],
        "lapse": {"text": "No more.", "rule": "a-denial", "pathway": "informal"},
    }
    commands.show_decided(Output(), decided, "America/New_York")
    text = capsys.readouterr().out
    for part in (
        "Decided by: type86 (entry type 86), judged for 2030-06-04 16:30 (America/New_York)",
        "gateway rules book 123456789abc",
        "by a-rule (allow): It may. 19 CFR 1",
        "by a-limit (threshold): Not above. 19 CFR 2",
        "refused section321: It may not. (no-rule)",
        "severity of vague-description: error",
        "lapsed: No more. (a-denial); offered: informal",
    ):
        assert part in text


def test_a_filing_of_a_truck_that_is_there_names_the_instant_of_its_board(capsys: pytest.CaptureFixture[str]) -> None:
    """Decided for one arrival and judged again for another: both are said, the second as the board says it."""
    none: dict[str, Any] = {"rules": [], "citations": [], "refused": [], "severities": {}, "lapse": None}
    decided = {"pathway": "type86", "entry_type": "86", "rule_book_version": "b", **none}
    decided |= {"decided_for": "2030-06-04T20:30:00+00:00", "judged_for": "2030-06-04T20:41:07+00:00"}
    commands.show_decided(Output(), decided, "America/New_York")
    text = capsys.readouterr().out
    assert "decided for 2030-06-04 16:30, judged for 2030-06-04 16:41 (America/New_York)" in text


def test_the_timeline_is_on_the_ports_clock_and_names_who_acted(capsys: pytest.CaptureFixture[str]) -> None:
    """The zone stands over the column and in each line, which may be in winter or summer; an act has its actor."""
    step = {"at": "2030-06-04T20:30:07+00:00", "what": "arrival_changed", "text": "expected later", "actor": "dispatch"}
    commands._show_timeline(Output(), [step], "America/New_York")
    text = capsys.readouterr().out
    assert "when (America/New_York)" in text
    assert "2030-06-04 16:30:07 EDT" in text
    assert "expected later (by dispatch)" in text


def test_the_timeline_is_asked_for_by_the_name_that_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the number of a bill on a manifest the timeline is that of the bill, not only that of the manifest."""
    assert run(Gateway(BLOCKED), monkeypatch, "filing", "SFICCM00000101", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["timeline"], document["versions"]) == (["timeline"], ["versions"])
