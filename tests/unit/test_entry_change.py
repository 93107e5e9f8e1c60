"""What CBP does with a replaced, updated or cancelled entry, standing by standing; and which of them a change needs."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mappings.entry import build_entry
from mappings.entry_change import ChangeAction, EntryDifference, EntryStanding, Expected, act_on, entry_difference
from tests import mapping_samples as kit
from tests import samples

NOW = datetime(2025, 3, 20, 15, 0, tzinfo=UTC)
EVERY = list(itertools.product((False, True), repeat=4))
"""Matched, under review, arrived, released."""


def expected_of(action: str, matched: bool, review: bool, arrived: bool, released: bool) -> Expected:
    """Written from the usage maps of the guide (CBP CATAIR Cargo Release v40, pages SE-22 to SE-24)."""
    if action == "U":
        return "automatic"
    if action == "D":
        return "request" if matched or review or released else "automatic"
    if arrived and released:
        return "refused"
    if review or arrived:
        return "request"
    return "open" if matched else "automatic"


@pytest.mark.parametrize("action", ["R", "U", "D"])
@pytest.mark.parametrize(("matched", "review", "arrived", "released"), EVERY)
def test_every_cell(action: ChangeAction, matched: bool, review: bool, arrived: bool, released: bool) -> None:
    """Each action in each of the sixteen standings, said in a sentence with its source."""
    standing = EntryStanding(matched, review, arrived, NOW - timedelta(days=1) if released else None)
    act = act_on(action, standing, NOW)
    assert act.expected == expected_of(action, matched, review, arrived, released)
    assert act.text.endswith(".")
    assert "v40" in act.reference
    assert act.as_dict()["action"] == action


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2025, 3, 16, 3, 59, tzinfo=UTC), "automatic"),  # 15 March, 23:59 in New York
        (datetime(2025, 3, 17, 3, 59, tzinfo=UTC), "automatic"),
        (datetime(2025, 3, 17, 4, 0, tzinfo=UTC), "refused"),  # the sixteenth day has begun
    ],
)
def test_an_update_is_taken_for_fifteen_calendar_days(now: datetime, expected: Expected) -> None:
    """The days are those of the calendar in the east: released on 1 March in the evening, the last day is the 16th."""
    released = datetime(2025, 3, 2, 3, 0, tzinfo=UTC)  # 1 March, 22:00 in New York
    assert act_on("U", EntryStanding(released_at=released, arrived=True), now).expected == expected


def difference(trip: dict[str, Any] | None = None, number: str = kit.ENTRY_NUMBER, **changes: Any) -> EntryDifference:
    """In what an entry of type 11 differs when its shipment or its trip changes."""
    decision = kit.decided("informal")
    before = build_entry(kit.shipment(), decision, kit.trip(), kit.FILER, kit.ENTRY_NUMBER)
    after = build_entry(kit.shipment(**changes), decision, kit.trip(**(trip or {})), kit.FILER, number)
    return entry_difference(before.records, after.records)


@pytest.mark.parametrize(
    ("changes", "trip", "expected"),
    [
        ({}, {}, "none"),
        ({"order_id": "O-77"}, {}, "none"),
        ({"packages": {**samples.shipment()["packages"], "count": 9}}, {}, "update"),
        ({}, {"port_of_arrival": "0712"}, "update"),
        ({}, {"estimated_arrival": "2025-03-10T18:00:00-04:00"}, "none"),
        ({"consignee": kit.party("Other Person")}, {}, "replace"),
        ({"shipper": kit.party("Other Seller", "CA", "ON")}, {}, "replace"),
        ({"lines": [kit.line(value="61.00")]}, {}, "replace"),
        ({"lines": [kit.line(), kit.line(line=2)]}, {}, "replace"),
        ({"lines": [kit.line(hts="6109100040")]}, {}, "replace"),
        (
            {"packages": {**samples.shipment()["packages"], "count": 9}, "consignee": kit.party("Other Person")},
            {},
            "replace",
        ),
    ],
)
def test_which_action_a_change_needs(changes: dict[str, Any], trip: dict[str, Any], expected: EntryDifference) -> None:
    """An update where only port, bills or conveyance differ, a replacement for the rest, nothing for nothing."""
    assert difference(trip, **changes) == expected


def test_who_may_be_asked_is_no_content_of_the_entry() -> None:
    """Another contact at the filer's desk changes no entry."""
    decision = kit.decided("informal")
    before = build_entry(kit.shipment(), decision, kit.trip(), kit.FILER, kit.ENTRY_NUMBER)
    other = kit.FilerIdentity("XYZ", "0901", "Robin Otherdesk", "716-555-0199")
    after = build_entry(kit.shipment(), decision, kit.trip(), other, kit.ENTRY_NUMBER)
    assert before.records != after.records
    assert entry_difference(before.records, after.records) == "none"
