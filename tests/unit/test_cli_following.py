"""Following a trip is never silent: numbers as they change, refusals at once, what is waited for, a last word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.cli.following import AGAIN, QUIET, SHOWN, Teller, last_word
from gateway.cli.output import Output

WAITS = "The SX for entry XYZ00000031 of shipment S1, sent 10:02 EST, is awaited; overdue at 11:02 EST."


def a_board(pending: int = 2, rejected: int = 0, waits: tuple[str, ...] = (), todo: str = "") -> dict[str, Any]:
    """A board of two entries."""
    part = {"accepted": 2 - pending - rejected, "rejected": rejected, "pending": pending}
    return {
        "trip_number": "TSTC0001",
        "transmissions": {"delivered": 1, "queued": 1},
        "manifest": {"accepted": 0, "rejected": 0, "pending": 0},
        "entries": part,
        "shipments": 2,
        "states": {"filed": pending, "rejected": rejected} if rejected else {"filed": pending},
        "released": 0,
        "open": [{"text": text, "todo": todo} for text in waits],
    }


class Lister:
    """Lists refused shipments as the service does, and counts how often it was asked."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        self.listed = listed
        self.asked = 0

    async def shipments(self, _number: str, **filters: str) -> AsyncIterator[dict[str, Any]]:
        """Those refused."""
        assert filters == {"state": "rejected"}
        self.asked += 1
        for one in self.listed:
            yield one


def refused(number: int) -> dict[str, Any]:
    """A refused shipment."""
    return {
        "shipment_id": f"P-{number}",
        "shipment_control_number": f"TSTC{number:012d}",
        "why": "CBP SX 470: INV CTRY (field lines[0].country_of_origin)",
    }


class Hand:
    """A clock for the pauses that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


async def told(*looks: tuple[float, dict[str, Any]], by: Lister | None = None) -> None:
    """Look at boards, each after so many seconds."""
    output, hand = Output(as_json=True), Hand()
    with output.progress() as bars:
        teller = Teller(output, bars, pace=hand)
        for seconds, board in looks:
            hand.now += seconds
            await teller.look(by or Lister(), board)  # type: ignore[arg-type]


async def test_a_line_for_each_change_and_none_between(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal the numbers stand on standard error whenever one changes; nothing on standard out."""
    await told((0, a_board()), (1, a_board()), (1, a_board(pending=1)), (1, a_board(pending=1)))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "1 of 2 files receipted; entries: 0 of 2 answered; shipments: 2 filed",
        "1 of 2 files receipted; entries: 1 of 2 answered; shipments: 1 filed",
    ]


async def test_a_refusal_is_told_at_once_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With its number, CBP's code and sentence, and what mends it; not again when the next one comes."""
    lister = Lister(refused(1), refused(2))
    await told((0, a_board()), (1, a_board(1, 1)), (1, a_board(1, 1)), (1, a_board(0, 2)), by=lister)
    err = capsys.readouterr().err
    assert err.count("refused: TSTC000000000002") == 1
    assert err.count("refused: TSTC000000000001 (P-1): CBP SX 470: INV CTRY") == 1
    assert "gateway amend TSTC000000000001 PATCH.json" in err
    assert "gateway cancel TSTC000000000001" in err
    assert lister.asked == 2


async def test_of_many_refusals_the_first_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A refused truckload does not fill the screen: the rest is a number and a command."""
    await told((0, a_board(0, 2)), by=Lister(*(refused(number) for number in range(SHOWN + 3))))
    err = capsys.readouterr().err
    assert err.count("refused: ") == SHOWN
    assert "and 3 more; `gateway trip TSTC0001 --state rejected`" in err


async def test_what_is_waited_for_is_said_when_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """After a moment of quiet the sentence of the board, with what a person does; again after a minute; not before."""
    board = a_board(waits=(WAITS,), todo="Call CBP.")
    await told((0, board), (QUIET - 0.1, board))
    assert "waiting" not in capsys.readouterr().err
    await told((0, board), (QUIET, board), (1, board), (AGAIN, board))
    err = capsys.readouterr().err
    assert err.count(f"waiting: {WAITS} Call CBP.") == 1
    assert err.count(f"still waiting, after a minute: {WAITS}") == 1


def test_the_last_word_says_what_goes_on_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    """What is filed goes on by itself, what has no answer is named, and the command that shows it later."""
    last_word(Output(), "TSTC0001", a_board(waits=(WAITS,)))
    out, err = capsys.readouterr()
    assert out == ""
    assert "TSTC0001 has been filed, and goes on by itself" in err
    assert f"no answer yet: {WAITS}" in err
    assert err.rstrip().endswith("gateway trip TSTC0001")
