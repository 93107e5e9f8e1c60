"""Does the inspection stay quick, silent and honest where a file was made to mislead it?"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.inspect import inspection_of
from gateway.cli.inspect_overtaken import still_true
from mappings.outcomes import Outcome
from schemas.x12.problems import MOST_PROBLEMS, PlacedProblem, Problems

GOLDEN = Path(__file__).parents[1] / "golden"


def x12(name: str) -> bytes:
    """A golden interchange on one line."""
    return (GOLDEN / "x12" / f"{name}.edi").read_bytes().replace(b"\n", b"")


def catair(name: str) -> bytes:
    """A golden batch."""
    return (GOLDEN / "catair" / f"{name}.txt").read_bytes()


def changed(data: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    """``data`` with texts replaced that stand in it once."""
    for old, new in pairs:
        assert data.count(old) == 1, old
        data = data.replace(old, new)
    return data


def repeated(data: bytes, part: bytes, count: int) -> bytes:
    """``data`` with a part of it repeated."""
    assert data.count(part) == 1
    return data.replace(part, part * count)


def calls(work: Callable[[], object]) -> int:
    """How many functions of Python's are called or resumed by ``work``; unlike a clock it says the same every time."""
    count = 0

    def seen(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def hold(number: int, *, scn: str = "", meaning: str = "held") -> Outcome:
    """A hold of CBP's on a shipment."""
    return Outcome("350", "shipment", meaning, "1H", "", scn=scn or f"S{number}", correlation={"holder": "CBP"})


_STATUS = b"X4*S26110000002*1***20261122*1631*1H**XMPL****3801~"
_FAULT = b"AK3*M11*12**8~AK4*1*598*5*P261100000770000000000000000~"


@pytest.mark.parametrize(
    "grown",
    [
        pytest.param(lambda count: repeated(x12("350-hold"), _STATUS, count), id="many-statuses-of-one-bill"),
        pytest.param(lambda count: repeated(x12("997-rejected"), _FAULT, count), id="many-faults-in-a-997"),
        pytest.param(
            lambda count: x12("309-preliminary")[:106] + b"Q*A~" * count + x12("309-preliminary")[106:],
            id="many-problems",
        ),
    ],
)
def test_the_work_grows_with_the_file(grown: Callable[[int], bytes]) -> None:
    """Four times the file is about four times the work, not sixteen times."""
    small, large = grown(300), grown(1200)
    inspection_of(small)  # tables are read once
    less, more = calls(lambda: inspection_of(small)), calls(lambda: inspection_of(large))
    assert more < 6 * less


@pytest.mark.parametrize("scn", ["", "ONE"], ids=["each-its-own-bill", "one-bill"])
def test_what_still_holds_is_found_in_one_walk(scn: str) -> None:
    """Ten thousand holds that nothing lifts are compared with nothing but what is said of their own shipment."""
    outcomes = [hold(number, scn=scn) for number in range(10_000)]
    assert calls(lambda: still_true(outcomes)) < 100_000
    assert still_true(outcomes) == outcomes


def test_a_later_word_ends_an_earlier_one_only_where_it_may() -> None:
    """A release ends the holds of its shipment; a word on the whole entry those of all; no word another's."""
    first, other = hold(1), hold(2)
    release = hold(1, meaning="released")
    assert still_true([first, other, release]) == [other, release]
    assert still_true([release, first]) == [release, first]
    whole = replace(release, scn="")
    assert still_true([first, other, whole]) == [whole]
    agency = replace(first, correlation={"holder": "FDA"}, field_path="line 1")
    later = replace(agency, meaning="warning")
    assert still_true([agency, release]) == [agency, release]
    assert still_true([agency, later]) == [later]
    assert still_true([agency, replace(later, field_path="line 2")]) == [agency, replace(later, field_path="line 2")]
    bill = replace(first, code="51", correlation={"holder": "CBP", "list": "bill_dispositions"})
    lifted = replace(bill, code="54", meaning="hold_removed")
    assert still_true([bill, lifted]) == [lifted]
    assert still_true([bill, replace(lifted, code="55")]) == [bill, replace(lifted, code="55")]


def test_problems_are_handed_out_from_where_one_stopped() -> None:
    """New problems are had without those before them, also when more come than are kept."""
    problems = Problems()
    for number in range(MOST_PROBLEMS + 2):
        problems.add(PlacedProblem(str(number), "", "", ""))
    assert [one.code for one in problems.since(MOST_PROBLEMS - 1)] == [str(MOST_PROBLEMS - 1)]
    assert problems.since(MOST_PROBLEMS) == []


_PERSONS = ("TREMBLAY", "77 ELM AVE", "88 KING ST W", "1200 MAIN ST", "T62358400517", "19840517",
            "NORTH SHOP LTD", "SAM SMITH", "JANE DOE", "41 RUE DU PORT")  # fmt: skip


@pytest.mark.parametrize("separator", [b"~", b"*"], ids=["terminator", "element-separator"])
@pytest.mark.parametrize("instead", [b"", b"X", b"*"], ids=["lost", "a-letter", "a-separator"])
def test_one_damaged_separator_shows_no_name(separator: bytes, instead: bytes) -> None:
    """Behind a lost separator the next segment stands in the columns of this one, and stays hidden."""
    data = x12("309-complete-two-section-321")
    assert all(name.encode() in data for name in _PERSONS)
    for at in [place for place in range(len(data)) if data[place : place + 1] == separator]:
        text = json.dumps(inspection_of(data[:at] + instead + data[at + 1 :], mask=True))
        assert not [name for name in _PERSONS if name in text], f"byte {at}"


def test_a_record_of_another_application_is_hidden_whole() -> None:
    """SE10 less its first sign reads like a record of an entry summary's answer; nobody knows what its columns hold."""
    data = catair("se_type11_truck")
    at = data.index(b"SE10")
    document = inspection_of(data[:at] + data[at + 1 :], mask=True)
    record = document["messages"][0]["records"][2]
    assert record["layout"] == ""
    assert {one["value"].strip("#") for one in record["fields"]} == {""}
    shown = inspection_of(data[:at] + data[at + 1 :])
    assert shown["messages"][0]["records"][2]["layout"] == "E1", "without --mask it is shown as it reads"


@pytest.mark.parametrize("options", [(), ("--diff",)], ids=["inspect", "diff"])
def test_no_escape_sequence_reaches_the_terminal(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name, an identifier or a value with control characters is shown, and commands nothing."""
    data = x12("309-preliminary")
    evil = data[:106].replace(b"XGTW", b"X\x1bTW") + b"Q\x1b[31mRED\x07Z*A\x9bB~" + data[106:]
    file, other = tmp_path / "evil.x12", tmp_path / "other.x12"
    file.write_bytes(evil.replace(b"WINDSOR", b"W\x1b]0;x\x07R"))
    other.write_bytes(data)
    main(["inspect", str(file), *options, *([str(other)] if options else [])])
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "RED" in text
    assert not [sign for sign in text if sign != "\n" and (ord(sign) < 32 or 127 <= ord(sign) < 160)]


def test_one_of_two_files_may_be_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--diff -`` compares with what is piped in; both from there is refused in words."""
    file = GOLDEN / "x12" / "309-preliminary.edi"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    assert main(["inspect", str(file), "--diff", "-"]) == 0
    assert "no differences" in capsys.readouterr().out
    assert main(["inspect", "-", "--diff", "-"]) == 2
    assert "standard input can be read once" in capsys.readouterr().err
    assert main(["inspect", str(file), "--diff", "missing.x12"]) == 2
    assert "--diff: there is no file 'missing.x12'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "pairs", "headline", "code"),
    [
        ("ta1-duplicate", [(b"*R*025", b"*E*018")], "with errors noted: invalid control number", "TA1-018"),
        ("ta1-duplicate", [(b"*R*025", b"*Q*018")], "does not accept interchange 101: result Q is not in", "TA1-018"),
        ("997-rejected", [(b"AK9*R", b"AK9*A")], "contradicts itself about group 103", "AK4-5"),
        ("997-rejected", [(b"AK9*R", b"AK9*P")], "accepts only a part of group 103", "AK4-5"),
        ("997-rejected", [(b"AK5*R", b"AK5*E"), (b"AK9*R", b"AK9*E")], "accepted, errors noted", "AK5-E"),
    ],
)
def test_a_mixed_acknowledgment_is_told_as_it_is(
    name: str, pairs: list[tuple[bytes, bytes]], headline: str, code: str
) -> None:
    """What is half accepted is neither refused nor accepted in the headline, and is never without a finding."""
    document = inspection_of(changed(x12(name), *pairs))
    assert headline in document["messages"][0]["summary"]
    assert code in [one["code"] for one in document["errors"] + document["warnings"]]


def test_an_acceptance_with_errors_at_records_is_a_contradiction() -> None:
    """An SX that accepts an entry and tells of errors at its records says so in its headline and in a warning."""
    data = changed(catair("sx_rejected_two_records"), (b"SE9001 ", b"SE9002 "))
    document = inspection_of(data)
    assert "though the answer tells 2 errors" in document["messages"][0]["summary"]
    warning = next(one for one in document["warnings"] if one["code"] == "contradiction")
    assert warning["path"] == "SE90.message_type_code"
    plain = inspection_of(catair("sx_rejected_two_records"))
    assert "contradiction" not in [one["code"] for one in plain["warnings"]]
