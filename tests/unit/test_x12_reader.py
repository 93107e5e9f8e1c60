"""Reading X12: separators from the ISA, every fault with its place, and nothing but values or problems."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.errors import FormatError
from schemas.profile import load_profile
from schemas.x12 import (
    MOST_BYTES,
    MOST_SEGMENT_BYTES,
    Interchange,
    answer_envelope,
    build_997,
    build_ta1,
    envelope_for,
    inspection,
    read_interchange,
    seg,
    ta1_note,
    write_interchange,
)

PROFILE = load_profile()
WRITTEN = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
BODY = [
    seg("M10", "XMPL", "J", "CA", None, "TRUCK", None, None, 1, "W", None, None, "XMPL26112200017", "00"),
    seg("P4", "3801", "20261122", None, None, "1630"),
    seg("LX", 1),
    seg("M11", "S26110000001", "WINDSOR ON", 1, "BOX", 1, "K", None, None, "35", None, None, "XMPL"),
    seg("N1", "SH", "NORTH SHOP LTD"),
    seg("N4", "TORONTO", "ON", "M5H 1A1", "CA"),
]
GOOD = write_interchange(envelope_for("309", PROFILE, control_number=101, written_at=WRITTEN), "309", BODY, PROFILE)


def changed(*changes: tuple[bytes, bytes]) -> Interchange:
    data = GOOD
    for old, new in changes:
        assert old in data
        data = data.replace(old, new)
    return read_interchange(data)


def found(read: Interchange) -> set[tuple[str, str, str]]:
    return {(problem.code, problem.path, problem.acknowledgment) for problem in read.problems}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "isa_missing"),
        (b"\x00\x01\x02", "isa_missing"),
        (b"\xff" * 500, "isa_missing"),
        (b"UNB+UNOA:1+X+Y'", "isa_missing"),
        (b"ISA", "isa_too_short"),
        (GOOD[:105], "isa_too_short"),
        (GOOD.replace(b"XGTW           ", b"XGTW"), "isa_layout"),
        (GOOD[:35] + b"*" + GOOD[36:], "isa_layout"),
        (GOOD[:105] + b"A" + GOOD[106:], "separator_invalid"),
        (GOOD[:105] + b"\x80" + GOOD[106:], "separator_invalid"),
        (GOOD[:105] + b">" + GOOD[106:], "separators_collide"),
        (GOOD[:82] + b">" + GOOD[83:], "separators_collide"),
        (b"\xef\xbb\xbf" + GOOD, "isa_missing"),
    ],
)
def test_bytes_without_an_isa_are_refused(data: bytes, code: str) -> None:
    """Where no ISA can be read there is one FormatError that says why."""
    with pytest.raises(FormatError) as refused:
        read_interchange(data)

    assert [problem.code for problem in refused.value.problems] == [code]


@pytest.mark.parametrize(
    ("terminator", "component", "repetition", "element"),
    [
        ("\\", ":", "^", "*"),
        ("'", ":", "!", "+"),
        ("\n", ">", "^", "|"),
        ("\x1c", "\x1f", "\x1e", "\x1d"),
        ("~", ":", "U", "*"),
    ],
)
def test_separators_are_read_from_the_isa(terminator: str, component: str, repetition: str, element: str) -> None:
    """Any four signs serve, whatever the profile writes."""
    table = str.maketrans({"~": terminator, ">": component, "^": repetition, "*": element})

    read = read_interchange(GOOD.decode().translate(table).encode())

    assert [problem.code for problem in read.problems] == []
    assert read.body == tuple(BODY)
    assert read.separators.repetition == ("" if repetition == "U" else repetition)


def test_carriage_return_as_terminator_takes_line_feeds_along() -> None:
    """With CR as terminator a following LF is a line break, not data."""
    read = read_interchange(GOOD.replace(b"~", b"\r\n"))

    assert read.problems == ()
    assert read.body == tuple(BODY)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"SE*8*", b"SE*9*", ("segment_count", "SE[8]", "4")),
        (b"SE*8*0001", b"SE*8*0002", ("set_control_numbers", "SE[8]", "3")),
        (b"GE*1*101", b"GE*1*102", ("group_control_numbers", "GE", "4")),
        (b"GE*1*101", b"GE*2*101", ("set_count", "GE", "5")),
        (b"IEA*1*000000101", b"IEA*1*000000102", ("interchange_control_numbers", "IEA", "001")),
        (b"IEA*1*000000101", b"IEA*7*000000101", ("group_count", "IEA", "021")),
        (b"GS*AQ*", b"GS*SO*", ("group_code", "GS", "1")),
        (b"ST*309*", b"ST*356*", ("set_not_supported", "ST[1].ST01", "1")),
        (b"SE*8*0001~", b"", ("set_not_closed", "SE", "2")),
        (b"GE*1*101~", b"", ("group_not_closed", "IEA", "3")),
        (b"IEA*1*000000101~", b"", ("interchange_not_closed", "IEA", "023")),
        (b"LX*1~", b"LX*1~~", ("segment_blank", "?[5]", "1")),
        (b"LX*1~", b"LX*1~QQ*1~", ("segment_unknown", "QQ[5]", "1")),
        (b"LX*1~", b"LX*1~lx*1~", ("segment_unknown", "?[5]", "1")),
        (b"LX*1~", b"LX*1~X4*1~", ("segment_not_in_set", "X4[5]", "6")),
        (b"LX*1~", b"LX*1~M10*X~", ("segment_out_of_place", "M10[5]", "7")),
        (b"LX*1~", b"LX*1~N10*1~", ("segment_out_of_place", "N10[5]", "2")),
        (b"LX*1~", b"", ("segment_missing", "LX[7]", "3")),
        (b"LX*1~", b"LX*~", ("element_missing", "LX[4].LX01", "1")),
        (b"LX*1~", b"LX~", ("element_missing", "LX[4].LX01", "1")),
        (b"LX*1~", b"LX*1*2~", ("too_many_elements", "LX[4].LX02", "3")),
        (b"LX*1~", b"LX*1000000~", ("element_too_long", "LX[4].LX01", "5")),
        (b"*TORONTO*", b"*T*", ("element_too_short", "N4[7].N401", "4")),
        (b"*TORONTO*", b"*Toronto*", ("invalid_character", "N4[7].N401", "6")),
        (b"*TORONTO*", b"*TORONT\xd3*", ("invalid_character", "N4[7].N401", "6")),
        (b"*TORONTO*", b"*TOR>NTO*", ("separator_in_data", "N4[7].N401", "6")),
        (b"*TORONTO*", b"*TOR\nNTO*", ("invalid_character", "N4[7].N401", "6")),
        (b"*CA~SE", b"*CA***ON~SE", ("element_relation", "N4[7].N407", "10")),
        (b"*20261122***", b"*20261322***", ("element_not_a_date", "P4[3].P402", "8")),
        (b"***1630", b"***2530", ("element_not_a_time", "P4[3].P405", "9")),
        (b"*W***", b"*Q***", ("element_not_in_list", "M10[2].M1009", "7")),
        (b"*BOX*1*K*", b"*BOX*1**", ("element_relation", "M11[5].M1106", "2")),
        (b"*261122*1405*^", b"*261322*1405*^", ("isa_element", "ISA.ISA09", "014")),
        (b"*261122*1405*^", b"*261122*2405*^", ("isa_element", "ISA.ISA10", "015")),
        (b"*00502*000000101*", b"*00502*00000010A*", ("isa_element", "ISA.ISA13", "018")),
        (b"*00502*", b"*0050X*", ("isa_element", "ISA.ISA12", "017")),
        (b"*0*T*>", b"*0*Q*>", ("isa_element", "ISA.ISA15", "020")),
        (b"*0*T*>", b"*9*T*>", ("isa_element", "ISA.ISA14", "019")),
        (b"*ZZ*XGTW           *", b"*ZZ*               *", ("isa_element", "ISA.ISA06", "006")),
        (b"*101*X*005020", b"*A*X*005020", ("element_not_a_number", "GS.GS06", "6")),
        (b"~GS*", b"~ISA*00~GS*", ("nested_interchange", "ISA", "022")),
        (b"~GS*", b"~XX*1~GS*", ("segment_outside_set", "XX", "022")),
        (b"~GE*1", b"~ST*309*0002~SE*2*0002~GE*2", ("more_than_one_set", "IEA", "022")),
        (b"~IEA", b"~GS*AQ*A1*B1*20261122*1405*102*X*005020~GE*1*102~IEA", ("more_than_one_group", "GS", "022")),
        (b"LX*1~", b"LX*1~GE*1*101~", ("set_not_closed", "SE", "2")),
        (b"LX*1~", b"LX*1~ISA*00~", ("nested_interchange", "ISA", "022")),
    ],
)
def test_each_fault_is_told_with_its_place(old: bytes, new: bytes, expected: tuple[str, str, str]) -> None:
    """Each way in which the file lies has a code, a path and the number by which X12 answers it."""
    assert expected in found(changed((old, new)))


def test_all_faults_of_a_message_are_collected() -> None:
    """Faults of several segments and levels are told together, each with segment, element and byte."""
    read = changed((b"*TORONTO*", b"*t*"), (b"LX*1", b"LX*A"), (b"SE*8", b"SE*80"), (b"IEA*1", b"IEA*2"))

    assert [(problem.code, problem.number, problem.element) for problem in read.problems] == [
        ("element_not_a_number", 4, 1),
        ("invalid_character", 7, 1),
        ("element_too_short", 7, 1),
        ("segment_count", 8, 0),
        ("group_count", 0, 0),
    ]
    city = read.problems[1]
    assert "byte" in city.position
    assert city.as_dict()["position"] == f"segment 7, element 1, byte {city.offset}"


def test_empty_elements_at_the_end_are_a_warning() -> None:
    """Superfluous separators are tolerated on input, told, and gone from the value."""
    read = changed((b"LX*1~", b"LX*1**~"))

    assert [(problem.code, problem.severity) for problem in read.problems] == [("trailing_separators", "warning")]
    assert read.errors == ()
    assert read.body == tuple(BODY)


def test_another_release_is_a_warning_only() -> None:
    """CBP grafts segments onto releases, so GS08 never decides."""
    read = changed((b"*X*005020", b"*X*006030"))

    assert [(problem.code, problem.severity) for problem in read.problems] == [("group_version", "warning")]


def test_unknown_codes_from_cbp_are_not_refused() -> None:
    """A disposition or manifest type that no list knows reaches the reader of a 350."""
    body = [seg("M10", "XMPL", "J", "CA", None, "TRUCK", None, None, None, "9"), seg("P4", "3801", "20261122"),
            seg("X4", "S1", 1, None, None, "20261122", "1631", "QQ", None, "XMPL")]  # fmt: skip
    envelope = envelope_for("350", PROFILE, control_number=1, written_at=WRITTEN)

    assert read_interchange(write_interchange(envelope, "350", body, PROFILE)).problems == ()


def test_a_second_interchange_in_the_file_is_told() -> None:
    """Data after IEA is a fault; the first interchange is read in full."""
    read = read_interchange(GOOD + GOOD)

    assert {problem.code for problem in read.problems} == {"data_after_interchange"}
    assert read.body == tuple(BODY)


@pytest.mark.parametrize("tail", [b"\r\n", b"\n\n", b"  ", b"\x1a", b"\x00\x00"])
def test_fillers_after_the_end_are_no_data(tail: bytes) -> None:
    """Line breaks, blanks and fillers of old transfer programs after the last terminator are nothing."""
    assert read_interchange(GOOD + tail).problems == ()


def test_segment_beyond_the_limit_is_not_taken_apart() -> None:
    """A segment of more than 64 KiB is a problem, and the rest of the message is read."""
    read = changed((b"LX*1~", b"LX*1~N3*" + b"A" * MOST_SEGMENT_BYTES + b"~"))

    assert ("segment_too_long", "N3[5]", "1") in found(read)
    assert "N1" in {segment.id for segment in read.segments}


def test_file_beyond_the_limit_is_not_read() -> None:
    """A file of more than 12 MiB is a problem, told without reading it."""
    read = read_interchange(GOOD + b"\n" * MOST_BYTES)

    assert [problem.code for problem in read.problems] == ["file_too_large"]
    assert read.segments == ()


def test_problems_are_bounded() -> None:
    """A file of nothing but faults keeps the first ones and counts the rest."""
    read = read_interchange(GOOD[: GOOD.index(b"LX*1")] + b"~" * 60_000)

    assert read.problems[-1].code == "too_many_problems"
    assert len(read.problems) == 50_001


def test_set_and_group_without_each_other_are_told() -> None:
    """A set outside a group, a group without a set and an interchange without either are faults."""
    isa = GOOD[:106]
    assert {"set_outside_group"} <= {
        one.code for one in read_interchange(isa + b"ST*309*0001~SE*2*0001~IEA*0*000000101~").problems
    }
    assert {"nothing_inside"} == {one.code for one in read_interchange(isa + b"IEA*0*000000101~").problems}
    group = b"GS*AQ*A1*B1*20261122*1405*101*X*005020~GE*0*101~IEA*1*000000101~"
    assert {"no_set"} == {one.code for one in read_interchange(isa + group).problems}


def test_envelope_is_missing_only_where_it_cannot_be_read() -> None:
    """An unreadable number of the ISA leaves no envelope and no TA1; an unreadable group number does not matter."""
    assert changed((b"*00502*000000101*", b"*00502*00000010A*")).envelope is None
    assert build_ta1(changed((b"*261122*1405*^", b"*261322*1405*^"))) is None
    read = changed((b"*101*X*", b"*" + b"9" * 5000 + b"*X*"))
    assert read.envelope is not None
    assert read.envelope.group_control_number == 0


def test_ta1_tells_the_first_fault_of_the_envelope() -> None:
    """The TA1 rejects with the note of the first envelope fault, and accepts where only the set is wrong."""
    lying = changed((b"IEA*1*000000101", b"IEA*1*000000102"))
    assert (ta1_note(lying), build_ta1(lying)) == ("001", seg("TA1", "000000101", "261122", "1405", "R", "001"))
    assert ta1_note(changed((b"SE*8", b"SE*9"))) == "000"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ((b"LX*1~", b"LX*1~QQ*1~"), ["AK3*QQ*5**1", "AK5*R*4*5", "AK9*R*1*1*0"]),
        ((b"SE*8*0001", b"SE*8*0002"), ["AK5*R*3", "AK9*R*1*1*0"]),
        ((b"LX*1~", b""), ["AK3*M11*4**2", "AK3*N1*5**2", "AK3*N4*6**2", "AK3*LX*7**3", "AK5*R*4*5", "AK9*R*1*1*0"]),
        ((b"GE*1*101", b"GE*1*102"), ["AK5*A", "AK9*R*1*1*0*4"]),
        ((b"*TORONTO*", b"*Toronto*"), ["AK3*N4*7**8", "AK4*1*19*6", "AK5*E*5", "AK9*E*1*1*1"]),
        ((b"*TORONTO*", b"*TOR>NTO*"), ["AK3*N4*7**8", "AK4*1*19*6*TORNTO", "AK5*E*5", "AK9*E*1*1*1"]),
        ((b"LX*1~", b"LX*A~"), ["AK3*LX*4**8", "AK4*1*554*6*A", "AK5*R*5", "AK9*R*1*1*0"]),
        ((b"ST*309*", b"ST*356*"), ["AK5*R*1", "AK9*R*1*1*0"]),
        ((b"LX*1~", b"LX*1**~"), ["AK5*A", "AK9*A*1*1*1"]),
    ],
)
def test_functional_acknowledgment_tells_what_is_wrong(change: tuple[bytes, bytes], answer: list[str]) -> None:
    """The 997 names segment, element and codes, and accepts, notes or rejects accordingly."""
    body = build_997(changed(change))

    assert ["*".join((one.id, *one.elements)) for one in body[2:]] == answer
    received = changed(change).envelope
    assert received is not None
    envelope = answer_envelope(received, "997", PROFILE, control_number=7, written_at=WRITTEN)
    assert read_interchange(write_interchange(envelope, "997", body, PROFILE)).problems == ()


def test_a_997_is_never_acknowledged() -> None:
    """An FA group earns no answer."""
    envelope = envelope_for("997", PROFILE, control_number=1, written_at=WRITTEN)
    data = write_interchange(envelope, "997", build_997(read_interchange(GOOD)), PROFILE)

    assert build_997(read_interchange(data)) == []


def test_inspection_shows_messages_and_errors() -> None:
    """The view for people has format, messages and errors, also where nothing can be read."""
    shown = inspection(GOOD.replace(b"*TORONTO*", b"*T*"))
    assert (shown["format"], shown["messages"][0]["type"], shown["messages"][0]["control_number"]) == (
        "x12",
        "309",
        "000000101",
    )
    assert [(error["code"], error["path"]) for error in shown["errors"]] == [("element_too_short", "N4[7].N401")]
    city = next(row for row in shown["messages"][0]["segments"] if row["number"] == 7)
    assert city["problems"][0]["code"] == "element_too_short"
    assert inspection(b"nothing")["errors"][0]["code"] == "isa_missing"
