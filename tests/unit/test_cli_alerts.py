"""``gateway alerts`` for people: what is open, since when, and the id to close it with."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.alerts import show_alerts
from gateway.cli.output import Output


def an_alert(number: int) -> dict[str, Any]:
    """An alert as the service lists it."""
    return {
        "id": f"01c29c98-7184-76ff-af26-{number:012d}",
        "kind": "entry_summary_due",
        "text": f"The entry summary of entry XYZ{number:08d} is due on 2025-03-24.",
        "severity": "warning",
        "remedy": "File it.",
        "trip_number": "TSTC2503100001",
        "raised_at": "2025-03-20T04:00:00+00:00",
        "raised_at_local": "2025-03-20T00:00:00-04:00",
        "time_zone": "America/New_York",
    }


def test_each_alert_is_shown_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Since when on the port's clock, what kind, which trip, the sentence, what a person does, the id."""
    show_alerts(Output(), [an_alert(1)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "2025-03-20 00:00 (America/New_York)" in shown
    for text in (
        "1 open alert",
        "To do: File it.",
        "entry summary due",
        "TSTC2503100001",
        "01c29c98-7184",
    ):
        assert text in shown


def test_none_and_many(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to look at is said; beyond a hundred they are counted."""
    show_alerts(Output(), [])
    assert "Nothing has to be looked at" in capsys.readouterr().out
    show_alerts(Output(), [an_alert(number) for number in range(103)])
    assert "and 3 more" in capsys.readouterr().out


def test_closing_needs_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a note nothing is closed: wrong usage."""
    assert main(["alerts", "--settle", "some-id", "--key", "k"]) == 2
    assert "say what was done" in capsys.readouterr().err
