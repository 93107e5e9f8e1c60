"""What the sandbox answers to a cargo release file: batch faults, record edits, books, status notifications, dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from sandbox.abi.cargo_entry import check_digit
from sandbox.cbp import Answer
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
ENTRY = SampleEntry("1234567", "25031000001")


def cbp(clock: str = MARCH, **conduct: object) -> LoopbackCbp:
    """A fresh CBP."""
    return LoopbackCbp(clock, behaviour=Behaviour(**conduct))  # type: ignore[arg-type]


def records(answers: list[Answer], kind: str) -> list[str]:
    """Records of every answer of a kind."""
    return [line for a in answers if a.kind == kind for line in a.payload.decode().splitlines()]


def se90(answers: list[Answer]) -> list[tuple[str, str]]:
    """(type, code) of the SE90 records of the SX."""
    return [(r[4:6], r[6:9].strip()) for r in records(answers, "SX") if r.startswith("SE90")]


def statuses(answers: list[Answer]) -> list[str]:
    """SO50 and SO60 codes in order."""
    return [r[14:16] for r in records(answers, "SO") if r[:4] in {"SO50", "SO60"}]


@pytest.mark.parametrize(
    ("filer", "sequence", "digit"),
    [("B76", "0324527", "8"), ("XYZ", "1234567", "1"), ("XYZ", "1234568", "9"), ("009", "0000001", "9")],
)
def test_check_digits(filer: str, sequence: str, digit: str) -> None:
    """The check digit agrees with CATAIR Appendix E's example and with vectors worked out by hand."""
    assert check_digit(filer, sequence) == digit


def test_a_good_entry_is_accepted_and_waits_for_its_bill() -> None:
    """SX 02 mirrors the envelope without the password; SO 91 follows until the manifest is there, then 93 and 97."""
    box = cbp()
    answers = box.send(entries_se([ENTRY]))
    assert [a.kind for a in answers] == ["SX", "SO"]
    lines = records(answers, "SX")
    assert lines[0] == f"{'A0901XYZ      031025     SX':59}{'REF-000001':21}"
    assert lines[1] == f"{'B  0901XYZSX':59}{'REF-000001':21}"
    assert all(len(line) == 80 for line in lines)
    assert lines[-2].startswith("Y  0901XYZSX00003")
    assert se90(answers) == [("02", "")]
    assert statuses(answers) == ["91"]
    answers = box.send(manifest_309([SampleBill("25031000001")]))
    assert statuses(answers) == ["93", "97"]
    notice = records(answers, "SO")
    assert notice[0].rstrip() == "A0901XYZ      031025     SO"
    assert notice[1].rstrip().endswith("REF-000001")


def test_release_follows_the_arrival() -> None:
    """At arrival: 350 1C with entry type and number, SO 95 and 98 with origin 03, then 01."""
    box = cbp()
    box.send(manifest_309([SampleBill("25031000001")]))
    box.send(entries_se([ENTRY]))
    answers = box.arrive("TSTC2503100001")
    x4 = next(s for s in answers[0].payload.decode().split("~") if s.startswith("X4"))
    assert x4.split("*")[1:10] == ["25031000001", "1", "11", "XYZ12345671", "20250310", "0900", "1C", "", "TSTC"]
    assert statuses(answers) == ["95", "98", "95", "98", "01"]
    released = next(r for r in records(answers, "SO") if r.startswith("SO60"))
    assert released[56:64] == "03102503"


def test_a_truck_without_its_entry_is_told_so_and_a_late_entry_releases() -> None:
    """Entry not on file at arrival; when the entry comes it is matched and released at once."""
    box = cbp()
    box.send(manifest_309([SampleBill("25031000001")]))
    answers = box.arrive("TSTC2503100001")
    assert [a.kind for a in answers] == ["350"]
    assert b"*Z9**TSTC" in answers[0].payload
    answers = box.send(entries_se([ENTRY]))
    assert statuses(answers) == ["93", "97", "95", "98", "95", "98", "01"]
    assert b"*1C**TSTC" in next(a for a in answers if a.kind == "350").payload


def swap(old: str, new: str) -> Callable[[bytes], bytes]:
    """A mutation that replaces a text that must be there, first occurrence."""

    def change(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode(), 1)

    return change


def without(start: str) -> Callable[[bytes], bytes]:
    """A mutation that takes the first record with this beginning away."""

    def change(data: bytes) -> bytes:
        lines = data.decode().splitlines()
        lines.remove(next(line for line in lines if line.startswith(start)))
        return ("\n".join(lines) + "\n").encode()

    return change


BATCH = [
    (without("B  "), "X03", 0),
    (without("Y  "), "X05", 0),
    (without("Z0901"), "X06", 0),
    (swap("Y  0901", "Y  0902"), "X32", 1),
    (swap("Z0901XYZ", "Z0901XYY"), "X14", 0),
    (swap("     SE     ", "     QQ     "), "X12", 0),
    (swap("     SE     ", "     EQ     "), "X13", 0),
    (swap("B  0901XYZSE", "B  0901XYZAE"), "X19", 1),
    (swap("B  0901XYZ", "B      XYZ"), "X15", 1),
    (swap("SE13", "SE99"), "X34", 1),
    (swap("SE40001CA ", "SE40001CAX"), "X39", 1),
    (swap("COTTON T-SHIRTS", "cotton t-shirts"), "X40", 1),
    (without("SE60"), "X37", 1),
    (without("SE10"), "X33", 1),
]


@pytest.mark.parametrize(("change", "code", "block"), BATCH)
def test_a_batch_fault_rejects_the_whole_batch(change: Callable[[bytes], bytes], code: str, block: int) -> None:
    """X1 with the code and a final R F 999, X0 where a block is at fault; nothing of the batch is filed."""
    box = cbp()
    answers = box.send(change(entries_se([ENTRY, SampleEntry("1234568", "25031000002")])))
    assert [a.kind for a in answers] == ["X1"]
    lines = records(answers, "X1")
    assert lines[0][25:27] == "  "
    assert "PASSWD" not in lines[0]
    assert lines[1] == f"B{'':78}B"
    assert f"X1 F{code}" in [line[:7] for line in lines]
    assert any(line.startswith("X0 BLOCK") for line in lines) is bool(block)
    assert lines[-3][:7] == "X1RF999"
    assert lines[-2][:17] == f"Y           {len(lines) - 4:05d}"
    assert lines[-1] == f"Z{'':78}Z"
    assert box.cbp.store.count("select count(*) from entry") == 0


EDITS = [
    (swap("SE10A", "SE10Q"), ("11", "002")),
    (swap("SE10AXYZ", "SE10AXYY"), ("11", "Z11")),
    (swap("12345671", "12345672"), ("11", "006")),
    (swap(" 11EI ", " 99EI "), ("11", "010")),
    (swap("EI 12-3456789", "   " + " " * 10), ("11", "011")),
    (swap("EI 12-3456789", "ZZ 12-3456789"), ("11", "012")),
    (swap("EI 12-3456789", "EI 123456789 "), ("11", "014")),
    (swap("  300000", "  990000"), ("11", "016")),
    (swap("  300000", "  305000"), ("11", "020")),
    (swap("00000000450901", "00000000440901"), ("11", "119")),
    (swap("00000000450901", "00000025010901"), ("11", "Z17")),
    (swap("00000000450901", "00000000A50901"), ("11", "022")),
    (swap("3135550100", " " * 10), ("11", "208")),
    (swap("SE15RTSTC", "SE15MTSTC"), ("11", "Z19")),
    (swap("SE15RTSTC", "SE15R    "), ("11", "Z20")),
    (swap("00000001     N", "00000000     N"), ("11", "030")),
    (swap("SE30MF ", "SE30QQ "), ("11", "Z25")),
    (swap("SE30MF ", "SE30SE "), ("11", "038")),
    (swap("SE30SE ", "SE30ST "), ("11", "037")),
    (swap("SE30CN ", "SE30BY "), ("11", "036")),
    (swap("SE351512 SAMPLE AVE", "SE351513 SAMPLE AVE"), None),
    (swap("14201          US", "14201          QQ"), ("11", "Z29")),
    (swap("SE40001", "SE40002"), ("11", "Z32")),
    (swap("SE40001CA", "SE40001QQ"), ("11", "Z33")),
    (swap("SE606109100012", "SE606109100   "), ("11", "Z35")),
]


@pytest.mark.parametrize(("change", "expected"), EDITS)
def test_record_edits(change: Callable[[bytes], bytes], expected: tuple[str, str] | None) -> None:
    """Each fault comes back as SE90 11, then 01; the good neighbour is accepted; a good value passes."""
    box = cbp()
    answers = box.send(change(entries_se([ENTRY, SampleEntry("1234568", "25031000002")])))
    found = se90(answers)
    assert found[-1] == ("02", "")
    if expected is None:
        assert found == [("02", ""), ("02", "")]
        return
    assert expected in found
    assert ("01", "") in found
    assert [r["number"] for r in box.cbp.store.rows("select number from entry")] == ["XYZ12345689"]


def test_numbers_stay_used() -> None:
    """An entry number on file, cancelled or not, earns 007; actions on unknown numbers 008, on cancelled ones Z51."""
    box = cbp()
    assert se90(box.send(entries_se([SampleEntry("1234567", "1", action="R")]))) == [("11", "008"), ("01", "")]
    box.send(entries_se([ENTRY]))
    again = entries_se([ENTRY], reference="AGAIN")
    assert se90(box.send(again)) == [("11", "007"), ("01", "")]
    cancel = SampleEntry("1234567", "25031000001", action="D", reason="01")
    answers = box.send(entries_se([cancel]))
    assert se90(answers) == [("02", "")]
    assert statuses(answers) == ["91", "23"]
    assert se90(box.send(entries_se([ENTRY], reference="THIRD"))) == [("11", "007"), ("01", "")]
    assert se90(box.send(entries_se([cancel], reference="FOURTH"))) == [("11", "Z51"), ("01", "")]


def test_requests_on_matched_entries_go_to_a_human() -> None:
    """Replace and cancel of a matched entry earn 04; 88 and 23 follow after the review; after release R is refused."""
    box = cbp(review_seconds=120)
    box.send(manifest_309([SampleBill("25031000001")]))
    box.send(entries_se([ENTRY]))
    replace = SampleEntry("1234567", "25031000001", action="R", value=50)
    assert se90(box.send(entries_se([replace]))) == [("04", "")]
    assert statuses(box.advance(minutes=1)) == []
    assert statuses(box.advance(minutes=1)) == ["93", "97", "88"]
    box.arrive("TSTC2503100001")
    assert se90(box.send(entries_se([replace], reference="LATE"))) == [("11", "Z52"), ("01", "")]


def test_what_was_accepted_before_the_suspension_is_not_released_after_it() -> None:
    """Type 86, accepted a minute before: at arrival no release and SO 29. Its cancellation is taken all the same."""
    entry = SampleEntry("1234567", "25031000001", type="86", eda=("082925",))
    box = cbp("2025-08-29T00:00:00-04:00", review_seconds=60, arrive_at_eta=False, eta_in_future="off")
    box.send(manifest_309([SampleBill("25031000001")]))
    assert se90(box.send(entries_se([entry]))) == [("02", "")]
    box.advance(minutes=1)
    answers = box.arrive("TSTC2503100001")
    assert statuses(answers) == ["95", "29"]
    assert b"*1C**TSTC" not in answers[0].payload
    cancel = SampleEntry("1234567", "25031000001", type="86", action="D", reason="08")
    assert se90(box.send(entries_se([cancel], reference="CANCEL"))) == [("04", "")]
    assert "23" in statuses(box.advance(minutes=1))


def test_what_was_due_before_the_truck_came_is_done_before_it() -> None:
    """A cancellation whose review ended earlier does not meet the truck as if it were still open."""
    old = SampleEntry("1234567", "25031000001", type="86", eda=("082925",))
    box = cbp("2025-08-29T00:00:00-04:00", review_seconds=60, arrive_at_eta=False, eta_in_future="off")
    box.send(manifest_309([SampleBill("25031000001")]))
    box.send(entries_se([old]))
    box.clock.advance(timedelta(minutes=5))
    box.send(entries_se([SampleEntry("1234567", "25031000001", type="86", action="D", reason="08")], reference="D"))
    box.send(entries_se([SampleEntry("1234568", "25031000001")], reference="NEW"))
    box.clock.advance(timedelta(minutes=30))  # nobody has asked meanwhile what is due
    assert "98" in statuses(box.arrive("TSTC2503100001"))


def test_an_update_brings_another_bill() -> None:
    """Action U with another bill matches that bill; records outside its map are refused."""
    box = cbp()
    box.send(manifest_309([SampleBill("25031000002")]))
    box.send(entries_se([ENTRY]))
    answers = box.send(entries_se([SampleEntry("1234567", "25031000002", action="U")]))
    assert se90(answers) == [("02", "")]
    assert statuses(answers) == ["93", "97"]
    bad = entries_se([ENTRY], reference="BAD").replace(b"SE10A", b"SE10U")
    assert ("11", "Z10") in se90(box.send(bad))


@pytest.mark.parametrize(
    ("clock", "origin", "code"),
    [
        ("2025-03-10T09:00:00-04:00", "CN", ""),
        ("2025-05-02T00:01:00-04:00", "CN", "318"),
        ("2025-05-02T00:01:00-04:00", "VN", ""),
        ("2025-08-29T00:00:59-04:00", "CA", ""),
        ("2025-08-29T00:01:00-04:00", "CA", "Z86"),
    ],
)
def test_type_86_follows_the_date(clock: str, origin: str, code: str) -> None:
    """China is refused from 2 May 2025 with 318, all of type 86 from 29 August 2025 00:01 Eastern."""
    found = se90(cbp(clock).send(entries_se([SampleEntry("1234567", "1001", type="86", origin=origin)])))
    assert found == ([("11", code), ("01", "")] if code else [("02", "")])


@pytest.mark.parametrize(
    ("clock", "eda", "expected"),
    [
        ("2024-07-24T09:00:00-04:00", (), [("02", "")]),
        ("2024-07-25T09:00:00-04:00", (), [("11", "282"), ("01", "")]),
        ("2024-07-25T09:00:00-04:00", ("072524", "072624"), [("11", "288"), ("01", "")]),
        ("2024-07-25T09:00:00-04:00", ("072524",), [("02", "")]),
    ],
)
def test_the_estimated_arrival_of_type_86(clock: str, eda: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """From 25 July 2024 type 86 carries exactly one estimated date of arrival."""
    assert se90(cbp(clock).send(entries_se([SampleEntry("1234567", "1001", type="86", eda=eda)]))) == expected


def test_type_86_after_the_arrival_is_late() -> None:
    """Type 86 for goods that have arrived is refused."""
    box = cbp()
    box.send(manifest_309([SampleBill("1001")]))
    box.arrive("TSTC2503100001")
    assert se90(box.send(entries_se([SampleEntry("1234567", "1001", type="86")]))) == [("11", "Z87"), ("01", "")]


def test_the_day_limit_withholds_type_86() -> None:
    """From 12 August 2025 the entry over 800 dollars a day gets 30 with its match and 34 at arrival, no release."""
    for clock, day, codes in (
        ("2025-08-11T09:00:00-04:00", "081125", ["93", "97", "93", "97"]),
        ("2025-08-12T09:00:00-04:00", "081225", ["93", "97", "93", "30", "97"]),
    ):
        box = cbp(clock)
        box.send(manifest_309([SampleBill("1001"), SampleBill("1002")], day=f"2025{day[:4]}"))
        entries = [SampleEntry(f"000000{n}", f"100{n}", type="86", value=401, eda=(day,)) for n in (1, 2)]
        assert statuses(box.send(entries_se(entries))) == codes
        told = statuses(box.arrive("TSTC2503100001"))
        assert ("34" in told) is ("30" in codes)
        assert told.count("01") == (1 if "30" in codes else 2)


def test_a_deleted_bill_takes_the_match_away() -> None:
    """When the bill of a matched entry is deleted the entry is told by 61."""
    box = cbp()
    box.send(manifest_309([SampleBill("1001")]))
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    gone = manifest_309([SampleBill("1001", change="D", reason="03")], kind="Y", reason="03", control=2)
    assert statuses(box.send(gone)) == ["61"]


def test_files_without_line_ends_and_several_batches() -> None:
    """80-column records without separators are read, two batches in a file are answered by two."""
    box = cbp()
    plain = entries_se([ENTRY], end="")
    assert se90(box.send(plain)) == [("02", "")]
    two = entries_se([SampleEntry("0000002", "2")]) + entries_se([SampleEntry("0000003", "3")], reference="SECOND")
    answers = box.send(two)
    assert [a.kind for a in answers if a.kind == "SX"] == ["SX", "SX"]
    assert records(box.send(plain[:-1] if plain[-1:] != b" " else plain[:-7]), "X1")[-3][:7] == "X1RF999"


def test_only_known_senders_when_they_are_listed() -> None:
    """With a list of senders another password is X09."""
    answers = cbp(catair_senders=("0901/XYZ/SECRET",)).send(entries_se([ENTRY]))
    assert any(r.startswith("X1 FX09") for r in records(answers, "X1"))


def test_statuses_come_in_few_files() -> None:
    """With a batch size of 100, 250 releases come as three 350 files and three SO files for each event."""
    box = cbp(status_batch=100)
    numbers = [f"2503{n:05d}" for n in range(250)]
    box.send(manifest_309([SampleBill(n) for n in numbers]))
    box.send(entries_se([SampleEntry(f"{i:07d}", n) for i, n in enumerate(numbers)], day=date(2025, 3, 10)))
    kinds = [a.kind for a in box.arrive("TSTC2503100001")]
    assert kinds.count("350") == 3
    assert kinds.count("SO") == 6


@pytest.mark.parametrize("cut", range(1, 1400, 61))
def test_any_beginning_of_a_batch_gets_an_answer_or_a_verdict(cut: int) -> None:
    """A batch cut off anywhere is rejected as a whole or noted as unreadable."""
    box = cbp()
    answers = box.send(entries_se([ENTRY])[:cut])
    assert {a.kind for a in answers} <= {"X1"}
    assert box.cbp.undigested() == []
    assert box.cbp.store.count("select count(*) from entry") == 0


@pytest.mark.parametrize(("at", "answer"), [("2025-08-29T00:00:59-04:00", "02"), ("2025-08-29T00:01:00-04:00", "01")])
def test_an_update_of_type_86_ends_with_the_exemption(at: str, answer: str) -> None:
    """What was accepted before the minute can be updated before it, and not after it."""
    box = LoopbackCbp("2025-08-28T20:00:00-04:00", behaviour=Behaviour(arrive_at_eta=False))
    day = date(2025, 8, 28)
    lot = SampleEntry("1234567", "B001", type="86", eda=("082925",))
    box.send(manifest_309([SampleBill("B001")], trip="TSTC2508290001", day="20250829", time="0930"))
    box.send(entries_se([lot], day=day))
    box.set_clock(at)
    answers = box.send(entries_se([replace(lot, action="U")], day=day, reference="REF-2"))
    (sx,) = [one.payload.decode() for one in answers if one.kind == "SX"]
    assert [line[4:6] for line in sx.splitlines() if line[:4] == "SE90"][-1] == answer
