"""309 messages of type Y: what changes, why, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from filings.wording import manifest_bytes
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide
from mappings.manifest_amendment import BillChange, build_amendment
from schemas.errors import FormatError
from schemas.shipment import Shipment
from schemas.trip import read_trip
from schemas.x12 import read_interchange
from tests import samples
from tests.filing_kit import CONTEXT, START, parcel

TRIP = read_trip(samples.trip())
AFTER = datetime(2025, 9, 1, 16, 0, tzinfo=UTC)
PROFILE = CONTEXT.profile


def shipment(number: int, **changes: Any) -> Shipment:
    """A shipment with its own control number."""
    return Shipment.model_validate(parcel(number, **changes))


def informal(one: Shipment) -> PathwayDecision:
    """The decision by which it goes after the exemption has ended."""
    decision, _ = decide(one, TRIP, AFTER, DayLedger(), CONTEXT.rules)
    assert decision.pathway == "informal"
    return decision


def segments(*changes: BillChange) -> list[list[str]]:
    """The one message as its segments, read back from its bytes."""
    (message,) = build_amendment(TRIP, changes, PROFILE)
    read = read_interchange(manifest_bytes(CONTEXT, message, 7, START), PROFILE)
    assert not read.errors
    return [[one.id, *(str(element or "") for element in one.elements)] for one in read.segments]


def test_a_replaced_bill_follows_whole_under_its_new_type() -> None:
    """Header with purpose and reason, M13 that replaces, then the bill as a regular one with parties and goods."""
    one = shipment(1)
    found = segments(BillChange("replace", one, informal(one)))
    header = next(row for row in found if row[0] == "M10")
    assert (header[8], header[9], header[12], header[13], header[16]) == ("1", "Y", TRIP.trip_number, "04", "03")
    m13 = next(row for row in found if row[0] == "M13")
    assert m13[1:8] == ["TSTC", "0901", "R", one.scn[4:] if one.scn else "", "1", "03", "2"]
    assert m13[9] == "TSTC"
    m11 = next(row for row in found if row[0] == "M11")
    assert m11[9] == PROFILE.bill_types["paps"]
    order = [row[0] for row in found if row[0] in {"P4", "LX", "M13", "M11", "VID", "N10"}]
    assert order == ["P4", "LX", "M13", "M11", "VID", "N10"]
    assert not [row for row in found if row[0] in {"VEH", "NM1"}]


def test_a_deleted_bill_is_named_and_nothing_more() -> None:
    """M13 with D and its reason; no bill follows."""
    found = segments(BillChange("delete", shipment(1)))
    assert [row[0] for row in found if row[0] not in {"ST", "SE"}] == ["M10", "P4", "LX", "M13"]
    m13 = next(row for row in found if row[0] == "M13")
    assert (m13[3], m13[6], m13[7]) == ("D", "01", "3")


def test_an_added_bill_says_that_it_was_left_off() -> None:
    """M13 with A, and the whole bill."""
    one = shipment(1)
    found = segments(BillChange("add", one, informal(one)))
    m13 = next(row for row in found if row[0] == "M13")
    assert (m13[3], m13[5], m13[7]) == ("A", "", "1")
    assert "M11" in [row[0] for row in found]


def test_more_than_fit_make_several_messages() -> None:
    """Each repeats the header and counts its own bills from 1."""
    changes = [BillChange("delete", shipment(number)) for number in range(1, 6)]
    messages = build_amendment(TRIP, changes, PROFILE, limit=2)
    assert [len(message.scns) for message in messages] == [2, 2, 1]
    assert {message.kind for message in messages} == {"Y"}
    assert [message.segments[0].element(8) for message in messages] == ["2", "2", "1"]


def test_every_problem_is_told_at_its_place() -> None:
    """A bill that cannot be written is named with its place among the changes."""
    good = shipment(1)
    review = replace(informal(good), pathway="review", entry_type="")
    with pytest.raises(FormatError) as refused:
        build_amendment(TRIP, [BillChange("replace", good, informal(good)), BillChange("add", good, review)], PROFILE)
    assert [(one.code, one.path) for one in refused.value.problems] == [("not_for_the_manifest", "changes[1].pathway")]
    with pytest.raises(ValueError, match="has a decision"):
        build_amendment(TRIP, [BillChange("replace", good)], PROFILE)
    with pytest.raises(ValueError, match="changes something"):
        build_amendment(TRIP, [], PROFILE)
