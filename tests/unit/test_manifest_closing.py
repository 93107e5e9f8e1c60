"""The smaller messages about a manifest: consist, deletion, completion, and what is amended of the trip itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from filings.wording import manifest_bytes
from mappings.manifest import ManifestMessage
from mappings.manifest_amendment import BillChange, build_amendment
from mappings.manifest_closing import build_completion, build_consist, build_deletion
from schemas.errors import FormatError
from schemas.profile import load_profile
from schemas.x12 import read_interchange
from tests import mapping_samples as kit
from tests.filing_kit import CONTEXT, START

SCN = "TSTC25031000001"
PROFILE = CONTEXT.profile
M10 = ["TSTC", "J", "CA", "", "TRUCK", "", ""]


def segments(message: ManifestMessage) -> list[list[str]]:
    """The message from its bytes, without ST and SE, read back by our own reader without a fault."""
    read = read_interchange(manifest_bytes(CONTEXT, message, 7, START), PROFILE)
    assert not read.errors
    assert read.set_id == message.set_id
    return [[one.id, *(str(element or "") for element in one.elements)] for one in read.segments[1:-1]]


def test_a_shipment_is_taken_off_as_the_sheet_has_it() -> None:
    """358 type Y (ACE truck sheet 6.8): header, port, equipment, and the bill with action 3 under it."""
    found = segments(build_consist(kit.trip(), [("delink", SCN)], PROFILE))
    assert [row[0] for row in found] == ["M10", "P4", "VID", "MBL"]
    assert found[0][1:] == [*M10, "", "Y", "", "", "TSTC2503100001", "04"]
    assert found[3] == ["MBL", "TSTC", "25031000001", "3"]


def test_a_shipment_is_tied_and_says_why_after_completion() -> None:
    """Action 1; after completion the header and an M13 of each bill carry the reason."""
    found = segments(build_consist(kit.trip(), [("link", SCN), ("delink", "TSTC25031000002")], PROFILE, reason="11"))
    assert found[0][-1] == "11"
    ties = [row for row in found if row[0] in ("MBL", "M13")]
    assert ties == [
        ["MBL", "TSTC", "25031000001", "1"],
        ["M13", "TSTC", "0901", "", "25031000001", "", "11", "1", "", "TSTC"],
        ["MBL", "TSTC", "25031000002", "3"],
        ["M13", "TSTC", "0901", "", "25031000002", "", "11", "3", "", "TSTC"],
    ]


def test_a_consist_names_a_bill() -> None:
    """A consist without a bill says nothing."""
    with pytest.raises(ValueError, match="names a bill"):
        build_consist(kit.trip(), [], PROFILE)


def test_a_manifest_is_deleted_as_the_sheet_has_it() -> None:
    """309 type 3 (ACE truck sheet 6.6): purpose 03, port, an LX that says nothing; its bills go with it."""
    message = build_deletion(kit.trip(), PROFILE, (SCN,))
    found = segments(message)
    assert [row[0] for row in found] == ["M10", "P4", "LX"]
    assert found[0][1:] == [*M10, "", "3", "", "", "TSTC2503100001", "03"]
    assert message.scns == (SCN,)


def test_a_manifest_is_completed_by_an_event() -> None:
    """353 with M15 Z (ACE truck sheet 6.9): trip, date, port, and the time of that port."""
    found = segments(build_completion(kit.trip(), PROFILE, datetime(2025, 3, 10, 19, 0, tzinfo=UTC)))
    assert [row[0] for row in found] == ["M10", "P4", "M15"]
    assert found[0][1:] == [*M10, "", "H", "", "", "TSTC2503100001"]
    assert found[1] == ["P4", "0901", "20250310"]
    assert found[2] == ["M15", "Z", "TSTC2503100001", "20250310", "0901", "", "1500"]


def test_another_profile_completes_by_a_further_manifest() -> None:
    """309 type W without a bill, with truck and crew."""
    profile = load_profile("alternate")
    message = build_completion(kit.trip(), profile, START)
    assert (message.set_id, message.scns) == ("309", ())
    names = [one.id for one in message.segments]
    assert names[0] == "M10"
    assert message.segments[0].elements[8] == "W"
    assert {"VEH", "NM1", "P4", "LX"} <= set(names)
    assert "M11" not in names


@pytest.mark.parametrize(
    "build",
    [
        lambda trip: build_consist(trip, [("delink", SCN)], PROFILE),
        lambda trip: build_deletion(trip, PROFILE),
    ],
)
def test_what_does_not_fit_is_an_error(build: Any) -> None:
    """A trip number that is too long is never cut."""
    with pytest.raises(FormatError):
        build(kit.trip().model_copy(update={"trip_number": "TSTC" + "9" * 60}))


@pytest.mark.parametrize(
    ("of_trip", "names"),
    [("header", ["M10", "P4", "LX"]), ("crew", None)],
)
def test_the_trip_itself_is_amended(of_trip: Any, names: list[str] | None) -> None:
    """Port and time stand in the header alone; truck and persons follow it when one of them differs."""
    (message,) = build_amendment(kit.trip(), [], PROFILE, of_trip=of_trip, reason="03")
    found = segments(message)
    assert found[0][9] == "Y"
    assert found[0][16] == "03"
    if names is not None:
        assert [row[0] for row in found] == names
    else:
        assert {"VEH", "NM1", "DMG"} <= {row[0] for row in found}
        assert not {"M13", "M11"} & {row[0] for row in found}


def test_the_trip_and_a_bill_in_one_message() -> None:
    """What is amended of the trip stands before the bills of the same message; nothing is said twice."""
    changes = [BillChange("replace", kit.shipment(), kit.decided("section321"))]
    (message,) = build_amendment(kit.trip(), changes, PROFILE, of_trip="crew", reason="16")
    names = [row[0] for row in segments(message)]
    assert (names.count("M10"), names.count("VEH"), names.count("M13"), names.count("LX")) == (1, 1, 1, 1)
    assert names.index("VEH") < names.index("M13")


def test_a_person_says_why_for_each_bill() -> None:
    """The reason that a person gave stands at the header and at each bill; before completion it is left out."""
    changes = [BillChange("replace", kit.shipment(), kit.decided("section321"))]
    for reason, expected in (("09", "09"), ("", "")):
        (message,) = build_amendment(kit.trip(), changes, PROFILE, reason=reason)
        found = segments(message)
        m13 = next(row for row in found if row[0] == "M13")
        assert m13[6] == expected
        assert (found[0][16] if len(found[0]) > 16 else "") == expected
