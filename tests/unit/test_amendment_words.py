"""What a patch asks for, read without trusting it; and what it changes, in words that people know."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from filings.amendments.asked import read_amendment, read_cancellation
from filings.amendments.difference import field_changes, name_of
from schemas.errors import ShipmentError
from schemas.merge_patch import merge_patch
from tests import samples


def faults(read: Any, raw: Any) -> set[tuple[str, str]]:
    """Code and path of everything that is wrong."""
    with pytest.raises(ShipmentError) as refused:
        read(raw)
    return {(one.code, one.path) for one in refused.value.problems}


def test_a_body_is_a_patch_or_its_envelope() -> None:
    """Alone it is the patch; with a member ``patch`` it is read with its reason and the version that was seen."""
    alone = read_amendment({"consignee": {"name": "A"}}, version=3)
    assert (alone.patch, alone.version, alone.reason_code, alone.off) == ({"consignee": {"name": "A"}}, 3, "", "delete")
    full = {"patch": {}, "reason": " Moved. ", "reason_code": "03", "off_the_truck": "delink", "version": 2}
    read = read_amendment({**full, "entry_reason_code": "08"})
    assert (read.patch, read.reason, read.reason_code, read.off, read.version, read.entry_reason_code) == (
        {},
        "Moved.",
        "03",
        "delink",
        2,
        "08",
    )
    assert read_amendment(full, version=5).version == 5


@pytest.mark.parametrize("raw", [None, 7, "patch", [], [{}]])
def test_what_is_no_object_is_no_request(raw: Any) -> None:
    """Neither an amendment nor a cancellation."""
    assert faults(read_amendment, raw) == {("wrong_shape", "")}
    assert faults(read_cancellation, raw) == {("wrong_shape", "")}


def test_every_fault_of_an_envelope_is_said_at_once() -> None:
    """Wrong shapes, unknown words and unknown keys, each at its path."""
    raw = {
        "patch": [],
        "reason": 7,
        "reason_code": "ABC",
        "entry_reason_code": {},
        "off_the_truck": "throw",
        "version": True,
        "reason-code": "03",
    }
    assert faults(read_amendment, raw) == {
        ("wrong_shape", "patch"),
        ("wrong_shape", "reason"),
        ("wrong_shape", "reason_code"),
        ("wrong_shape", "entry_reason_code"),
        ("wrong_shape", "off_the_truck"),
        ("wrong_shape", "version"),
        ("unknown_key", "reason-code"),
    }


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, False])
def test_a_version_is_a_whole_number_from_one(version: Any) -> None:
    """Nothing else names a version."""
    assert faults(read_amendment, {"patch": {}, "version": version}) == {("wrong_shape", "version")}


def test_a_cancellation_has_a_shape() -> None:
    """Every fault of it at once. Why, is asked when it goes: before that it may be looked at."""
    assert read_cancellation({"reason": "  "}).reason == ""
    raw = {"reason": "x" * 1001, "bill": "burn", "shipments": "P-1", "version": 0, "replaced_by": 3, "colour": "red"}
    assert faults(read_cancellation, raw) == {
        ("wrong_shape", "reason"),
        ("wrong_shape", "bill"),
        ("wrong_shape", "shipments"),
        ("wrong_shape", "version"),
        ("wrong_shape", "replaced_by"),
        ("unknown_key", "colour"),
    }
    read = read_cancellation({"reason": "Sold.", "replaced_by": "xyz-1234567-1", "shipments": ["P-1"], "bill": "keep"})
    assert (read.replaced_by, read.shipments, read.bill) == ("XYZ12345671", ("P-1",), "keep")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("consignee.name", "consignee: name"),
        ("consignee.address.lines[1]", "consignee: street, line 2"),
        ("shipper.address.postal_code", "shipper: postal code"),
        ("lines[0].value", "line 1: value"),
        ("lines[11].manufacturer.address.city", "line 12: manufacturer's city"),
        ("lines[2]", "line 3"),
        ("packages.count", "number of packages"),
        ("fair_retail_value", "fair retail value"),
        ("estimated_arrival", "expected arrival"),
        ("conveyance.plate.number", "truck: licence plate"),
        ("equipment[0].seals[1]", "equipment 1: seals 2"),
        ("crew[0].documents[1].number", "crew member 1: documents 2, number"),
        ("something.new_here[3]", "something, new here 4"),
    ],
)
def test_fields_are_called_what_people_call_them(path: str, name: str) -> None:
    """A path of the record has a name; one that nobody named is put into words."""
    assert name_of(path) == name


def test_lines_are_told_apart_by_their_number() -> None:
    """A line put in front changes no other line; equipment is known by its own number."""
    before = {"lines": [{"line": 1, "value": "10.00"}, {"line": 2, "value": "20.00"}]}
    after = {"lines": [{"line": 3, "value": "5.00"}, {"line": 1, "value": "10.00"}, {"line": 2, "value": "21.00"}]}
    changes = [(one.path, one.old, one.new) for one in field_changes(before, after)]
    assert changes == [
        ("lines[1].value", "20.00", "21.00"),
        ("lines[2].line", None, 3),
        ("lines[2].value", None, "5.00"),
    ]


@pytest.mark.parametrize(
    "patch",
    [
        {"consignee": {"address": {"lines": ["77 Elm Ave"]}}},
        {"consignee": None},
        {"lines": []},
        {"packages": {"count": 12}, "order_id": None},
        {"shipper": "nobody"},
        {"new": {"deep": {"er": [1, {"two": None}]}}},
    ],
)
def test_nothing_that_differs_is_left_out(patch: dict[str, Any]) -> None:
    """Records are equal exactly when no field differs, and each change names both sides as they are."""
    before = samples.shipment()
    after = merge_patch(copy.deepcopy(before), patch)
    changes = field_changes(before, after)
    assert field_changes(before, before) == ()
    assert changes
    assert all(one.old != one.new for one in changes)
    back = field_changes(after, before)
    assert {(one.path, one.old, one.new) for one in back} == {(one.path, one.new, one.old) for one in changes}
