"""What the guides forbid is not taken without a word: envelopes, numbers, the A record, importers, events, batches."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.truck.samples import SampleLink, consist_358, events_353
from tests.sandbox_kit import Change, at, cbp, reasons, se90, swap, verdicts, x1
from tests.truck_kit import edit, segments

TRUCK = manifest_309([SampleBill("25031000001", kind="35"), SampleBill("25031000002", kind="35")])
ENTRY = entries_se([SampleEntry("0000001", "25031000001")])


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (swap("*ZZ*XGTW ", "*Q9*XGTW "), "005"),
        (swap("*ZZ*CBP-ACE-TEST", "*01*CBP-ACE-TEST"), "007"),
        (swap("*00502*", "*00401*"), "017"),
        (swap("*00502*", "*99999*"), "017"),
        (swap("CBP-ACE-TEST*20250310*", "CBP-ACE-TEST*20250230*"), "024"),
        (swap("CBP-ACE-TEST*20250310*", "CBP-ACE-TEST*250310*"), "024"),
        (swap("*20250310*0905*", "*20250310*2505*"), "024"),
        (swap("*0905*1*X*", "*0905*1*T*"), "024"),
    ],
)
def test_an_envelope_that_is_none_gets_a_ta1(change: Change, note: str) -> None:
    """Qualifiers, version, date, time and agency are looked at; nothing else answers."""
    answers = cbp().send(change(TRUCK))
    assert [one.kind for one in answers] == ["TA1"]
    (told,) = (one for one in segments(answers, "TA1") if one.startswith("TA1*"))
    assert told.split("*")[4:] == ["R", note]


def test_what_is_agreed_otherwise_is_taken_by_a_switch() -> None:
    """Qualifiers and versions are not confirmed: the switches take others, and the 997 judges the version then."""
    box = cbp(qualifiers=(), interchange_versions=())
    assert [one.kind for one in box.send(swap("*ZZ*XGTW ", "*01*XGTW ")(TRUCK))] == ["997", "355"]
    assert verdicts(box)[-1]["result"] == "355 accepted 2, rejected 0"
    assert [one.kind for one in cbp(interchange_versions=()).send(swap("*00502*", "*00401*")(TRUCK))] == ["997"]


def test_a_shipment_number_has_a_scac_of_four_letters() -> None:
    """Three letters and a number that begins with one look like a number together, and are none."""
    change = edit(("M11*25031000001*", "M11*X25031000001*"), ("ON**TSTC~N1*SH", "ON**TST~N1*SH"))
    box = cbp()
    box.send(change(TRUCK))
    assert [(one["code"], one["text"]) for one in reasons(box)] == [("017", "MISSING OR INVALID BILL")]
    box = cbp()
    box.send(TRUCK)
    box.send(consist_358([SampleLink("X25031000001", scac="TST")], kind="Y", control=2, reason="03"))
    assert "017" in [one["code"] for one in reasons(box)]


@pytest.mark.parametrize(("switch", "refused", "noted"), [("reject", 1, 0), ("warn", 0, 1), ("off", 0, 0)])
def test_shipments_are_numbered_in_sequence(switch: str, refused: int, noted: int) -> None:
    """LX01 counts 1, 2, 3; another number refuses that shipment, is noted, or is not looked at, by the switch."""
    box = cbp(shipment_numbers=switch)
    box.send(swap("~LX*2~", "~LX*7~")(TRUCK))
    verdict = verdicts(box)[-1]
    assert verdict["result"] == f"355 accepted {2 - refused}, rejected {refused}"
    texts = [one["text"] for one in (*verdict["reasons"], *verdict.get("warnings", []))]
    assert texts == ["LX NUMBER OUT OF SEQUENCE"] * (refused + noted)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *((at("A0901", column, "X"), "X39") for column in range(21, 26)),
        (swap("PASSWD", "      "), "X09"),
        (swap("PASSWD", "PASS  "), "X09"),
    ],
)
def test_an_a_record_with_a_fault_rejects_the_batch(change: Change, code: str) -> None:
    """Data in its filler, and a password that is missing or short: a batch comes back with the condition."""
    answers = cbp().send(change(ENTRY))
    assert [one.kind for one in answers] == ["X1"]
    assert code in x1(answers)


@pytest.mark.parametrize("number", ["00-0000000", "000-00-0000", "000000-00000"])
def test_zeros_are_no_importer(number: str) -> None:
    """A number of the right form that is all zeros is on nobody's file."""
    kind = {10: "EI ", 11: "34 ", 12: "ANI"}[len(number)]
    answers = cbp().send(swap("EI 12-3456789  ", f"{kind}{number:12}")(ENTRY))
    assert "014" in [code for _, code in se90(answers)]


@pytest.mark.parametrize(
    ("day", "switch", "words"), [("20250512", "warn", 1), ("20230101", "warn", 1), ("20250512", "off", 0)]
)
def test_an_event_that_has_not_happened_is_noted(day: str, switch: str, words: int) -> None:
    """An in-bond arrival dated in two months, or two years ago, is told in the transcript, by the switch."""
    box = cbp(events_in_future=switch, in_bonds_on_file=("123456782",))
    box.send(events_353([f"M15*1*123456782*{day}*3801**0915***********H123"]))
    verdict = verdicts(box)[-1]
    assert [one["text"] for one in verdict.get("warnings", [])] == ["INVALID EVENT DATE OR TIME"] * words


def test_a_manifest_is_not_finished_at_a_port_without_trucks() -> None:
    """P4 and M15 of a 353 Z name ports where trucks arrive."""
    box = cbp()
    box.send(manifest_309([SampleBill("25031000001")], kind="P"))
    event = "M15*Z*TSTC2503100001*20250310*2704**0900"
    box.send(events_353([event], trip="TSTC2503100001", port="2704", control=2))
    assert {one["code"] for one in reasons(box)} == {"014", "033"}
    assert box.trip("TSTC2503100001")["state"] == "PRELIMINARY"


def test_batches_of_one_file_are_bounded() -> None:
    """More batches than the switch allows bring one refusal in the transcript and no answer; as many are answered."""
    box = cbp(batches_in_file=3)
    assert box.send(ENTRY * 4) == []
    assert "4 batches, more than 3" in reasons(box)[0]["text"]
    assert box.state()["entries"] == {}
    assert len([one for one in box.send(ENTRY * 3) if one.kind == "SX"]) == 3


def test_what_was_held_is_judged_by_its_receipt_and_told_later() -> None:
    """A Section 321 bill that came a minute before its end and is read after it is taken; the answers go out then."""
    box = cbp("2025-08-28T23:59:00-04:00")
    came = box.now
    bill = SampleBill("25082900001", kind="35")
    receipt = box.cbp.receive(manifest_309([bill], trip="TSTC2508290001", day="20250829"), came)
    read = datetime.fromisoformat("2025-08-29T00:15:00-04:00")
    verdict = box.cbp.digest(receipt.id, came, told_at=read)
    assert verdict["result"] == "355 accepted 1, rejected 0"
    assert box.cbp.next_due() == read
    assert box.cbp.due(read - timedelta(seconds=1)) == []
    assert [one.kind for one in box.cbp.due(read)] == ["997", "355"]
