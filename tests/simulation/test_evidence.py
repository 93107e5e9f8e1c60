"""Does the auditor read the files of both sides as their guides say?"""

from __future__ import annotations

import pytest

from tests.simulation.evidence import Said, read_answer, read_declaration

ISA = (
    "ISA*00*          *00*          *02*{sender:<15}*02*{receiver:<15}*250310*1400*U*00401*{number:09d}*0*T*>~\n"
    "GS*{kind}*{sender}*{receiver}*20250310*1400*{number}*X*004010~\n"
)


def _interchange(kind: str, *segments: str, number: int = 7) -> bytes:
    head = ISA.format(sender="US CUSTOMS", receiver="TSTC", number=number, kind=kind)
    body = "".join(f"{one}~\n" for one in segments)
    return f"{head}{body}GE*1*{number}~\nIEA*1*{number:09d}~\n".encode()


def _segment(name: str, **elements: str) -> str:
    """A segment with these elements, each under its number: ``e12="TRIP1"``."""
    places = {int(place[1:]): text for place, text in elements.items()}
    return "*".join([name, *(places.get(place, "") for place in range(1, max(places) + 1))])


def _records(*lines: str) -> bytes:
    return "".join(f"{line:80}\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("1C", "released"),
        ("1B", "released"),
        ("4E", "taken_back"),
        ("1H", "kept"),
        ("1A", "kept"),
        ("1G", "kept"),
        ("95", "noted"),
        ("ZZ", "noted"),
    ],
)
def test_a_350_is_about_a_bill(code: str, word: str) -> None:
    """The disposition of X407 about the bill of X401 and X409, at CBP's time."""
    file = _interchange("RO", "ST*350*0001", f"X4*00000001*1***20250310*1405*{code}**TSTC", "SE*3*0001")
    assert read_answer(file).said == (Said(word, "TSTC00000001", f"350 {code}", "202503101405"),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SHIPMENTS REJECTED 0, SHIPMENTS ACCEPTED 3", ["accepted"]),
        ("SHIPMENTS REJECTED 1, SHIPMENTS ACCEPTED 3", ["accepted", "rejected"]),
        ("SHIPMENTS REJECTED 2, SHIPMENTS ACCEPTED 0", ["rejected"]),
        ("ACE SYSTEM FAILURE", []),
    ],
)
def test_a_355_counts(text: str, words: list[str]) -> None:
    """A 355 accepts a trip as far as its K3 counts bills; a failure of CBP's accepts and rejects nothing."""
    file = _interchange("RA", "ST*355*0001", _segment("M10", e1="TSTC", e12="TRIP1"), f"K3*{text}", "SE*4*0001")
    assert [said.word for said in read_answer(file).said] == words


def test_a_997_may_say_that_nothing_was_read() -> None:
    """A group rejected by a 997 is one that CBP has not read, named by its number."""
    file = _interchange("FA", "ST*997*0001", "AK1*AQ*12", "AK9*R*1*1*0", "SE*4*0001")
    assert read_answer(file).unread == "12"
    assert read_answer(_interchange("FA", "ST*997*0001", "AK1*AQ*12", "AK9*A*1*1*1", "SE*4*0001")).unread == ""


@pytest.mark.parametrize(
    ("code", "word"), [("01", "rejected"), ("02", "accepted"), ("03", "accepted"), ("04", "noted")]
)
def test_an_se90_is_about_its_entry(code: str, word: str) -> None:
    """The SX answers the entry of the SE10 before."""
    file = _records("A1234XYZ", "B  1234XYZSX", "SE10AXYZ  00000015", f"SE90{code}{'SAID':40}", "Y", "Z")
    assert read_answer(file).said == (Said(word, "XYZ00000015", f"SX {code}"),)  # type: ignore[arg-type]


def test_what_is_none_says_nothing() -> None:
    """Garbled bytes are no evidence of anything."""
    for payload in (b"", b"\xff\xfe", b"ISA*00*", b"hello"):
        assert read_answer(payload).said == ()
        assert read_declaration(payload).form == "other"


def test_a_309_declares_its_bills() -> None:
    """A manifest is known by its sender, its number, its trip, its M1009 and the bills of its M11."""
    file = _interchange(
        "AQ", "ST*309*0001", "M10*TSTC*J*US*****1*4***TRIP1", "M11*00000001***********TSTC", "SE*4*0001"
    )
    declared = read_declaration(file)
    assert (declared.form, declared.control, declared.trip, declared.kind) == (
        "x12",
        "US CUSTOMS:000000007",
        "TRIP1",
        "4",
    )
    assert declared.bills == ("TSTC00000001",)


def test_a_batch_declares_its_entries() -> None:
    """Each SE10 begins an entry with its action and bill; a changed line changes its digest and no other's."""
    lines = ["A1234XYZ" + " " * 51 + "B000000001", "B  1234XYZSE", "SE10AXYZ  00000015", "SE15 TSTC00000001", "OI  A"]
    lines += ["SE10DXYZ  00000023", "Y", "Z"]
    first, changed = read_declaration(_records(*lines)), read_declaration(_records(*lines[:4], "OI  B", *lines[5:]))
    assert first.control == "B000000001"
    assert {number: entry[1:] for number, entry in first.entries.items()} == {
        "XYZ00000015": ("A", "TSTC00000001"),
        "XYZ00000023": ("D", ""),
    }
    assert first.entries["XYZ00000015"] != changed.entries["XYZ00000015"]
    assert first.entries["XYZ00000023"] == changed.entries["XYZ00000023"]
