"""``gateway refile`` for people: what lapsed, by which rule, what is done, what must come off."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.output import Output
from gateway.cli.refile import show_refiling


def answer(**changes: Any) -> dict[str, Any]:
    """A dry run as the service answers it."""
    one = {
        "shipment_id": "P-0001",
        "shipment_control_number": "TSTC00000000001",
        "from": "section321",
        "to": "informal",
        "entry_type": "11",
        "rule": "a-rule",
        "text": "The exemption is suspended.",
        "citation": "EO 14324",
        "does": ["its bill is replaced on the manifest", "an entry of type 11 is filed"],
    }
    made = {
        "trip_number": "TSTC2503100001",
        "already_requested": False,
        "lapsed": 1,
        "shipments": [one],
        "off_the_truck": [],
        "warnings": [],
    }
    return made | changes


def test_what_is_done_is_shown_with_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """The rule with its citation once, then each shipment with its old and new pathway."""
    show_refiling(Output(), answer())
    shown = capsys.readouterr().out
    for text in (
        "1 shipment is no longer lawful as declared",
        "a-rule: The exemption is suspended. EO 14324",
        "informal (11)",
        "its bill is replaced on the manifest; an entry of type 11",
    ):
        assert text in " ".join(shown.split())
    assert "come off the truck" not in shown


def test_what_must_come_off_and_warnings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Named in a line of its own; a warning with what to do."""
    warning = {"code": "hour_begins_again", "text": "The hour begins anew.", "remedy": "Come later."}
    show_refiling(Output(), answer(off_the_truck=["P-0007"], warnings=[warning]))
    shown = capsys.readouterr().out
    assert "Must come off the truck: P-0007" in shown
    assert "warning hour_begins_again: The hour begins anew. Come later." in shown


def test_many_are_counted_and_one_under_way_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty rows are shown, the rest counted; a refiling that is under way shows no table."""
    many = [{**answer()["shipments"][0], "shipment_id": f"P-{number:04d}"} for number in range(23)]
    show_refiling(Output(), answer(lapsed=23, shipments=many))
    assert "and 3 more shipments" in capsys.readouterr().out
    show_refiling(Output(), answer(already_requested=True))
    assert "its refiling is under way" in capsys.readouterr().out
