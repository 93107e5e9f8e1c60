"""What CBP said of whom, read back from the bytes of its answers."""

from __future__ import annotations

import pytest

from sandbox.office import garbled
from sandbox.said import Statement, statements
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.testing import LoopbackCbp

TRIP = "TSTC2503100001"
GOOD, BAD, FREE = "TSTC25031000002", "TSTCREJ470001", "TSTC25031000003"


def said() -> list[Statement]:
    """Everything CBP says of one truck with a good, a refused and a Section 321 shipment."""
    box = LoopbackCbp()
    answers = box.send(
        manifest_309([SampleBill(one[4:], kind="23" if one == GOOD else "35") for one in (BAD, GOOD, FREE)])
    )
    entries = [SampleEntry("1234567", GOOD[4:]), SampleEntry("1234568", "2", origin="QQ")]
    answers += box.send(entries_se(entries)) + box.arrive(TRIP)
    box.close()
    return [one for answer in answers for one in statements(answer.kind, answer.payload)]


@pytest.mark.parametrize(
    ("kind", "number", "code", "text"),
    [
        ("997", "", "A", ""),
        ("355", BAD, "470", "rejected by marker"),
        ("355", TRIP, "", "SHIPMENTS REJECTED 1"),
        ("355", TRIP, "", "RETURNED TO PRELIMINARY"),
        ("SX", GOOD, "02", "ACCEPTED"),
        ("SX", "XYZ12345671", "02", ""),
        ("SX", "XYZ12345689", "Z33", "COUNTRY OF ORIGIN"),
        ("SO", GOOD, "97", "BILL ON FILE"),
        ("SO", "XYZ12345671", "98", "RELEASED"),
        ("350", GOOD, "1C", ""),
        ("350", "XYZ12345671", "1C", ""),
        ("350", FREE, "1C", ""),
        ("350", TRIP, "1C", ""),
    ],
)
def test_a_statement_is_found(kind: str, number: str, code: str, text: str) -> None:
    """By its kind, the number it is about, its code, and a part of its text whatever its case."""
    found = [one for one in said() if one.kind == kind and (not number or one.names(number))]

    assert any(one.says(code, text) for one in found), [str(one) for one in found]


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [("355", GOOD, "470"), ("350", BAD, "1C"), ("SX", "XYZ12345671", "Z33"), ("355", BAD, "XXX"), ("SO", FREE, "98")],
)
def test_what_was_not_said_is_not_found(kind: str, number: str, code: str) -> None:
    """A code belongs to the shipment or entry it stands with, and words are no codes."""
    assert not any(one.kind == kind and one.names(number) and one.says(code, "") for one in said())


@pytest.mark.parametrize("payload", [b"", b"ISA", b"\xff" * 300, b"A" * 80, b"ISA" + b"A" * 200])
@pytest.mark.parametrize("kind", ["355", "SX", "SO", "350", "C1", "997"])
def test_damaged_bytes_say_nothing_wrong(kind: str, payload: bytes) -> None:
    """Any bytes can be read; what is cut off is about nobody."""
    assert not any(one.about for one in statements(kind, payload))


def test_a_garbled_answer_is_no_statement() -> None:
    """A damaged 355 does not count as having been told."""
    box = LoopbackCbp()
    answer = box.send(manifest_309([SampleBill("1000001", kind="35")]))[-1]
    box.close()
    assert statements("355", answer.payload)
    assert statements("355", garbled(answer.payload)) == []


def test_a_kind_without_a_table_is_read_record_by_record() -> None:
    """Every word of a record is a code, and any number that stands in it is what it is about."""
    (one,) = statements("C1", b"J0  XYZ12345671 OK".ljust(80))

    assert one.names("XYZ12345671")
    assert one.says("OK", "")
