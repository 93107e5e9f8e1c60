"""What the sandbox answers to a 309: envelope, syntax, characters, business, states, rule book dates."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from sandbox.cbp import Answer
from sandbox.samples import SampleBill, manifest_309
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
ONE = [SampleBill("25031000001", kind="35")]


def cbp(clock: str = MARCH, **conduct: object) -> LoopbackCbp:
    """A fresh CBP."""
    return LoopbackCbp(clock, behaviour=Behaviour(**conduct))  # type: ignore[arg-type]


def kinds(answers: list[Answer]) -> list[str]:
    """Kinds of answers in order."""
    return [a.kind for a in answers]


def body(answers: list[Answer], kind: str) -> list[str]:
    """Segments of the first answer of a kind."""
    return next(a for a in answers if a.kind == kind).payload.decode().split("~")


def starting(segments: list[str], name: str) -> list[str]:
    """Segments with an identifier."""
    return [s for s in segments if s.startswith(name + "*")]


def test_a_good_manifest_is_acknowledged_and_accepted() -> None:
    """A good 309 earns a 997 A and a 355 with counts and the complete manifest."""
    answers = cbp().send(manifest_309(ONE))
    assert kinds(answers) == ["997", "355"]
    assert starting(body(answers, "997"), "AK9") == ["AK9*A*1*1*1"]
    assert starting(body(answers, "355"), "K1") == []
    assert starting(body(answers, "355"), "K3") == [
        "K3*SHIPMENTS REJECTED 0, SHIPMENTS ACCEPTED 1 FOR COMPLETE MANIFEST"
    ]


def test_a_ta1_comes_when_it_was_asked_for() -> None:
    """ISA14 = 1 adds a TA1 A 000 before the 997."""
    answers = cbp().send(manifest_309(ONE, acknowledgment="1"))
    assert kinds(answers) == ["TA1", "997", "355"]
    assert starting(body(answers, "TA1"), "TA1") == ["TA1*000000001*250310*0905*A*000"]


def edit(old: str, new: str) -> Callable[[bytes], bytes]:
    """A mutation that replaces the first occurrence of a text that must be there."""

    def change(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode(), 1)

    return change


ENVELOPE = [
    (edit("IEA*1*000000001", "IEA*1*000000002"), "001"),
    (edit("IEA*1*", "IEA*2*"), "021"),
    (edit("IEA*1*000000001~", ""), "023"),
    (edit("GE*1*1~", ""), "022"),
    (edit("*T*>~", "*X*>~"), "020"),
    (edit("*250310*0905*^", "*259910*0905*^"), "014"),
    (edit("*000000001*0*T", "*00000000A*0*T"), "018"),
]


@pytest.mark.parametrize(("change", "code"), ENVELOPE)
def test_envelope_faults_earn_a_ta1(change: Callable[[bytes], bytes], code: str) -> None:
    """Each envelope fault is answered by TA1 R with its note code and by nothing else."""
    answers = cbp().send(change(manifest_309(ONE)))
    assert kinds(answers) == ["TA1"]
    assert starting(body(answers, "TA1"), "TA1")[0].endswith(f"*R*{code}")


def test_an_interchange_number_is_not_used_twice() -> None:
    """Another content under a used ISA13 earns TA1 025; nothing of it is filed."""
    box = cbp()
    box.send(manifest_309(ONE))
    answers = box.send(manifest_309([SampleBill("25031000009", kind="35")]))
    assert starting(body(answers, "TA1"), "TA1")[0].endswith("*R*025")
    assert box.cbp.store.count("select count(*) from bill") == 1


SYNTAX = [
    (edit("M11*25031000001*FORT ERIE ON", "M11*25031000001*"), ["AK3*M11*9**8", "AK4*2*310*1"]),
    (edit("M11*25031000001*", "M11*" + "9" * 26 + "*"), ["AK3*M11*9**8", "AK4*1*598*5*" + "9" * 26]),
    (edit("SE*18*0001", "SE*17*0001"), ["AK5*R*4"]),
    (edit("SE*18*0001", "SE*18*0002"), ["AK5*R*3"]),
    (edit("N1*SH*SAMPLE SHOP LTD~N3*1 EXAMPLE ST~", "N3*1 EXAMPLE ST~N1*SH*SAMPLE SHOP LTD~"), ["AK3*N3*10**2"]),
    (edit("LX*1~", "LX*A~"), ["AK4*1*554*6*A"]),
    (edit("P4*0901*20250310", "P4*0901*20250230"), ["AK4*2*373*8*20250230"]),
    (edit("*1*W***", "*1*Q***"), ["AK4*9*256*7*Q"]),
    (edit("***35*", "***35X*"), ["AK4*9*582*5*35X"]),
    (edit("VID*TL**T53012", "ZZZ*1~VID*TL**T53012"), ["AK3*ZZZ*16**1"]),
    (edit("VID*TL**T53012", "X4*1~VID*TL**T53012"), ["AK3*X4*16**6"]),
    (edit("*K*2**BOX*CA~SE", "**2**BOX*CA~SE"), ["AK3*N10*17**8", "AK4*7*188*2"]),
    (edit("P4*0901*20250310***1630~", ""), ["AK3*LX*7**2"]),
    (edit("*TORONTO*ON*M5H 1A1*CA", "*TORONTO*ON*M5H 1A1*CA***ON"), ["AK4*2*156*10"]),
    (edit("FORT ERIE ON*1*BOX*2*K", "FORT ERIE ON*X*BOX*2*K"), ["AK4*3*380*6*X"]),
]


@pytest.mark.parametrize(("change", "expected"), SYNTAX)
def test_syntax_faults_earn_a_997_that_names_them(change: Callable[[bytes], bytes], expected: list[str]) -> None:
    """pyx12's verdict stands in the 997 with segment, position, element and code; nothing is filed."""
    box = cbp()
    answers = box.send(change(manifest_309(ONE)))
    assert kinds(answers) == ["997"]
    segments = body(answers, "997")
    assert starting(segments, "AK9") == ["AK9*R*1*1*0"]
    for segment in expected:
        assert segment in segments
    assert box.cbp.store.count("select count(*) from used_scn") == 0


def test_a_group_that_is_not_known_is_refused() -> None:
    """A group CBP does not take earns AK905: 1 for another set (a 355 is CBP's own), 2 for another release."""
    for group in (b"GS*AZ", b"GS*SO"):
        answers = cbp().send(manifest_309(ONE).replace(b"GS*AQ", group))
        assert starting(body(answers, "997"), "AK9") == ["AK9*R*1*1*0*1"]
    answers = cbp().send(manifest_309(ONE).replace(b"*X*005020", b"*X*004010"))
    assert starting(body(answers, "997"), "AK9") == ["AK9*R*1*1*0*2"]


def test_a_997_is_never_acknowledged() -> None:
    """A functional acknowledgment from the gateway is noted without an answer."""
    data = manifest_309(ONE).replace(b"GS*AQ", b"GS*FA").replace(b"ST*309", b"ST*997")
    assert cbp().send(data) == []


@pytest.mark.parametrize("bad", ["cotton", "T-SHIRT\xe9S", "A\\B", "TAB\tIN"])
def test_characters_outside_the_set_earn_error_370(bad: str) -> None:
    """Lower case, accents, backslash and control characters are answered by K1 370 after the copy of the segment."""
    data = manifest_309(ONE).decode("latin-1").replace("COTTON T-SHIRTS KNIT", bad).encode("latin-1")
    segments = body(cbp().send(data), "355")
    place = next(i for i, s in enumerate(segments) if s.startswith("N10*"))
    assert segments[place + 1].startswith("K1*370INVALID CHARACTER")


def test_characters_may_be_refused_by_the_997_instead() -> None:
    """With the switch set the same character is AK403 6 in a 997."""
    data = manifest_309(ONE).replace(b"COTTON", b"COTT\xc9N")
    answers = cbp(character_faults_in_997=True).send(data)
    assert kinds(answers) == ["997"]
    assert any(s.startswith("AK4*2*369*6") for s in body(answers, "997"))


def codes(segments: list[str]) -> list[str]:
    """K101 values."""
    return [s.split("*")[1] for s in starting(segments, "K1")]


TRIP = [
    (edit("M10*TSTC*J", "M10*T1*J"), "009INVALID CARRIER CODE"),
    (edit("M10*TSTC*J", "M10*TSTC*M"), "010INVALID MODE OF TRANSPORT"),
    (edit("*J*CA*", "*J*QQ*"), "011INVALID COUNTRY"),
    (edit("***TSTC2503100001*00", "***OTHR2503100001*00"), "012INVALID VOYAGE/TRIP NUMBER"),
    (edit("TRUCK***1*W", "TRUCK***2*W"), "013INVALID BILL COUNT"),
    (edit("NM1*Z1*", "NM1*Z2*"), "NO PERSON IN CHARGE"),
]


@pytest.mark.parametrize(("change", "text"), TRIP)
def test_faults_of_the_trip_refuse_everything(change: Callable[[bytes], bytes], text: str) -> None:
    """A fault of the trip stands after M10 and no shipment is accepted."""
    box = cbp()
    segments = body(box.send(change(manifest_309(ONE))), "355")
    place = next(i for i, s in enumerate(segments) if s.startswith("M10*"))
    assert segments[place + 1].split("*")[1] == text
    assert starting(segments, "K3")[0].startswith("K3*SHIPMENTS REJECTED 1, SHIPMENTS ACCEPTED 0")
    assert box.cbp.store.count("select count(*) from manifest") == 0


SHIPMENT = [
    (edit("ERIE ON**TSTC~", "ERIE ON**TS1C~"), "017MISSING OR INVALID BILL", "M11"),
    (edit("***35*", "***99*"), "INVALID BILL TYPE", "M11"),
    (edit("*1*BOX*2*K*", "*0*BOX*2*K*"), "INVALID QUANTITY", "M11"),
    (edit("*1*BOX*2*K*", "*1*XXX*2*K*"), "INVALID MANIFEST UNIT", "M11"),
    (edit("*1*BOX*2*K*", "*1*BOX*0*K*"), "020INVALID WEIGHT", "M11"),
    (edit("*1*BOX*2*K*", "*1*BOX*2*G*"), "021INVALID WEIGHT UNIT", "M11"),
    (edit("N1*SH*SAMPLE SHOP LTD~N3*1 EXAMPLE ST~N4*TORONTO*ON*M5H 1A1*CA~", ""), "004INVALID S01/N1 RECORD", "M11"),
    (edit("N3*12 SAMPLE AVE~", ""), "005INVALID U01/N1 OR N01/N1", "N1"),
    (edit("*COTTON T-SHIRTS KNIT*", "**"), "007INVALID D01/N10", "N10"),
    (edit("VID*TL*", "VID*ZZ*"), "INVALID EQUIPMENT TYPE", "VID"),
    (edit("****0045*", "*****"), "MISSING OR INVALID VALUE", "N10"),
    (edit("**BOX*CA~LX", "**BOX~LX"), "470INV CTRY OF ORIG FOR SHP", "N10"),
]


@pytest.mark.parametrize(("change", "text", "segment"), SHIPMENT)
def test_a_bad_shipment_is_refused_alone(change: Callable[[bytes], bytes], text: str, segment: str) -> None:
    """The bad segment comes back with its K1, the other shipment stays, the manifest falls back to preliminary."""
    box = cbp()
    data = change(manifest_309([*ONE, SampleBill("25031000002", kind="35")]))
    dropped = manifest_309([*ONE, SampleBill("25031000002", kind="35")]).count(b"~") - data.count(b"~")
    count = re.search(rb"SE\*(\d+)", data)
    assert count is not None
    data = data.replace(count[0], b"SE*%d" % (int(count[1]) - dropped))
    segments = body(box.send(data), "355")
    place = next(i for i, s in enumerate(segments) if s.startswith("K1*") and s.split("*")[1] == text)
    heads = [s for s in segments[:place] if not s.startswith("K1*")]
    assert heads[-1].split("*")[0] == segment
    assert "MAN RETURNED TO PRELIMINARY" in codes(segments)
    assert "XXXX BILL REJECTED XXXX" in codes(segments)
    assert "SHIPMENTS REJECTED 1, SHIPMENTS ACCEPTED 1" in starting(segments, "K3")[0]
    row = box.cbp.store.row("select state from manifest")
    assert row is not None
    assert row["state"] == "PRELIMINARY"
    assert [r["scn"] for r in box.cbp.store.rows("select scn from bill")] == ["TSTC25031000002"]


def answer_codes(box: LoopbackCbp, bills: list[SampleBill], **how: object) -> list[str]:
    """K101 values of the 355 to a manifest."""
    return codes(body(box.send(manifest_309(bills, **how)), "355"))  # type: ignore[arg-type]


def test_a_shipment_number_stays_used() -> None:
    """An SCN twice in a message, on another trip, or after its deletion is already on file."""
    box = cbp()
    assert "SHIPMENT ALREADY ON FILE" in answer_codes(box, ONE * 2, trip="TSTC0001")
    assert answer_codes(box, [SampleBill("7777", kind="35")], control=2) == []
    assert "SHIPMENT ALREADY ON FILE" in answer_codes(box, [SampleBill("7777", kind="35")], control=3, trip="TSTC0003")
    answer_codes(box, [], kind="3", control=4)
    assert "SHIPMENT ALREADY ON FILE" in answer_codes(box, [SampleBill("7777", kind="35")], control=5)


def test_manifest_states() -> None:
    """P then W completes; a further W is refused unless it only adds; Y needs reasons after completion; 3 deletes."""
    box = cbp()
    first, second, third = (SampleBill(f"100{n}", kind="35") for n in (1, 2, 3))

    def state() -> str:
        row = box.cbp.store.row("select state from manifest")
        return "" if row is None else str(row["state"])

    assert answer_codes(box, [first], kind="Y", control=1) == ["MANIFEST NOT ON FILE"]
    assert answer_codes(box, [first], kind="P", control=2) == []
    assert state() == "PRELIMINARY"
    assert answer_codes(box, [first, second], kind="W", control=3) == []
    assert state() == "COMPLETE"
    assert answer_codes(box, [first], kind="W", control=4)[0].startswith("MANIFEST ALREADY ON FILE")
    assert answer_codes(box, [third], kind="W", control=5)[0].startswith("MANIFEST ALREADY ON FILE")
    change = SampleBill("1001", kind="35", change="R", quantity="2")
    assert "AMENDMENT REASON MISSING" in answer_codes(box, [change], kind="Y", control=6)
    good = SampleBill("1001", kind="35", change="R", quantity="2", reason="03")
    assert answer_codes(box, [good], kind="Y", reason="03", control=7) == []
    row = box.cbp.store.row("select quantity from bill where scn = 'TSTC1001'")
    assert row is not None
    assert row["quantity"] == "2"
    gone = SampleBill("1002", change="D", reason="03")
    assert answer_codes(box, [gone], kind="Y", reason="03", control=8) == []
    assert answer_codes(box, [gone], kind="Y", reason="03", control=9)[0] == "SHIPMENT NOT ON FILE"
    assert answer_codes(box, [], kind="3", control=10) == []
    assert state() == "DELETED"
    assert answer_codes(box, [SampleBill("1009", kind="35")], control=11) == []
    box.arrive("TSTC2503100001")
    assert answer_codes(box, [], kind="3", control=12) == ["MANIFEST IS CLOSED"]


@pytest.mark.parametrize(
    ("clock", "origin", "refused"),
    [
        ("2025-05-02T00:00:59-04:00", "CN", False),
        ("2025-05-02T00:01:00-04:00", "CN", True),
        ("2025-05-02T00:01:00-04:00", "HK", True),
        ("2025-05-02T00:01:00-04:00", "VN", False),
        ("2025-08-29T00:00:59-04:00", "CA", False),
        ("2025-08-29T00:01:00-04:00", "CA", True),
        ("2026-11-23T09:00:00-05:00", "US", True),
    ],
)
def test_section_321_follows_the_date(clock: str, origin: str, refused: bool) -> None:
    """China and Hong Kong are refused from 2 May 2025 00:01 Eastern, everything from 29 August 2025 00:01."""
    found = answer_codes(cbp(clock), [SampleBill("1001", kind="35", origin=origin)])
    assert ("470INV CTRY OF ORIG FOR SHP" in found) is refused


def test_an_ordinary_bill_is_taken_after_the_suspension() -> None:
    """A PAPS bill is not touched by the suspension."""
    box = cbp("2026-11-23T09:00:00-05:00")
    assert answer_codes(box, [SampleBill("1001", origin="CN")], day="20261123") == []


def test_a_consignee_outside_the_states_is_refused_when_the_rule_came() -> None:
    """From April 2025 a Section 321 consignee needs a US state."""
    bad = [SampleBill("1001", kind="35", state="ON")]
    assert answer_codes(cbp(MARCH), bad) == []
    assert "INV CONSIGNEE STATE" in answer_codes(cbp("2025-04-10T09:00:00-04:00"), bad)


def test_the_day_limit_warns() -> None:
    """The shipment that takes a consignee over 800 dollars a day is told by 350 disposition 95, in the order
    manifested.
    """
    box = cbp()
    bills = [SampleBill(f"100{n}", kind="35", value="0401") for n in (1, 2)]
    answers = box.send(manifest_309([*bills, SampleBill("1003", kind="35", value="0700", street="9 OTHER RD")]))
    warned = [s.split("*") for s in starting(body(answers, "350"), "X4")]
    assert [(w[1], w[7]) for w in warned] == [("1002", "95")]
    released = starting(body(box.arrive("TSTC2503100001"), "350"), "X4")
    assert len(released) == 3


def test_the_day_limit_withholds_from_august() -> None:
    """From 12 August 2025 the shipment over the limit is not released at arrival."""
    box = cbp("2025-08-13T09:00:00-04:00")
    bills = [SampleBill(f"100{n}", kind="35", value="0401") for n in (1, 2)]
    box.send(manifest_309(bills, day="20250813"))
    answers = box.arrive("TSTC2503100001")
    told = {s.split("*")[1]: s.split("*")[7] for a in answers for s in starting(a.payload.decode().split("~"), "X4")}
    assert told == {"1001": "1C", "1002": "95"}


@pytest.mark.parametrize(
    ("day", "warned", "at_the_border"),
    [
        ("2024-10-31", [], ["1C", "1C"]),
        ("2024-11-01", ["95"], ["1C", "1C"]),
        ("2025-08-11", ["95"], ["1C", "1C"]),
        ("2025-08-12", ["95"], ["1C", "95"]),
    ],
)
def test_the_days_from_which_the_limit_counts(day: str, warned: list[str], at_the_border: list[str]) -> None:
    """Nothing before November 2024, a warning from then on, no release from 12 August 2025."""
    box = cbp(f"{day}T09:00:00-04:00")
    bills = [SampleBill(f"100{n}", kind="35", value="0401") for n in (1, 2)]
    told = [
        [s.split("*")[7] for a in answers if a.kind == "350" for s in starting(a.payload.decode().split("~"), "X4")]
        for answers in (box.send(manifest_309(bills, day=day.replace("-", ""))), box.arrive("TSTC2503100001"))
    ]
    assert told[0] == warned
    assert sorted(told[1]) == at_the_border


def test_a_321_bill_that_arrives_after_the_cut_off_has_no_entry() -> None:
    """Accepted before the suspension, arriving after it: entry not on file, no release."""
    box = cbp("2025-08-28T22:00:00-04:00")
    box.send(manifest_309(ONE, day="20250829", time="0100"))
    answers = box.set_clock("2025-08-29T01:00:00-04:00")
    assert [s.split("*")[7] for s in starting(body(answers, "350"), "X4")] == ["Z9"]


def test_a_resend_gives_the_same_answers_and_files_nothing() -> None:
    """The same bytes again: the same 997 and 355 byte for byte, one manifest, one shipment."""
    box = cbp()
    first = box.send(manifest_309(ONE))
    again = box.send(manifest_309(ONE))
    assert [a.payload for a in first] == [a.payload for a in again]
    assert box.cbp.store.count("select count(*) from bill") == 1
    third = box.send(manifest_309(ONE))
    assert [a.payload for a in first] == [a.payload for a in third]


def test_answers_take_the_time_they_are_told_to() -> None:
    """With an answer delay nothing comes before its time."""
    box = cbp(answer_delay=60)
    assert box.send(manifest_309(ONE)) == []
    assert box.advance(seconds=59) == []
    assert kinds(box.advance(seconds=1)) == ["997", "355"]


def test_other_separators_are_read_from_the_isa_and_answered_with() -> None:
    """A file with backslash terminators is answered with backslash terminators."""
    answers = cbp().send(manifest_309(ONE, terminator="\\"))
    assert [a.payload[-1:] for a in answers] == [b"\\", b"\\"]
    assert b"SHIPMENTS ACCEPTED 1" in answers[1].payload


def test_the_one_hour_rule_is_a_switch() -> None:
    """Off by default; set to reject it refuses a manifest less than an hour before arrival."""
    late = manifest_309(ONE, time="0930")
    assert starting(body(cbp().send(late), "355"), "K1") == []
    assert codes(body(cbp(one_hour_rule="reject").send(late), "355")) == ["LESS THAN ONE HOUR BEFORE ARRI"]


@pytest.mark.parametrize("cut", range(0, 680, 31))
def test_any_beginning_of_a_good_file_gets_an_answer_or_a_verdict(cut: int) -> None:
    """A file cut off anywhere is answered in CBP's way or noted as unreadable; nothing is filed and nothing breaks."""
    box = cbp()
    data = manifest_309(ONE)[:cut]
    answers = box.send(data)
    assert {a.kind for a in answers} <= {"TA1", "997"}
    assert box.cbp.undigested() == []
    assert box.cbp.store.count("select count(*) from bill") == 0
