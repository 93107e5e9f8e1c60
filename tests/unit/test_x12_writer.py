"""Writing X12: what goes out is sound, and everything that is not is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import perf_counter

import pytest

from schemas.errors import FormatError, Problem
from schemas.profile import load_profile
from schemas.x12 import (
    Envelope,
    Segment,
    answer_envelope,
    envelope_for,
    read_interchange,
    read_remark,
    read_summary,
    render,
    seg,
    seg_at,
    shipment_control_number,
    trip_number_candidates,
    write_interchange,
    write_remark,
    write_summary,
    write_ta1,
)

PROFILE = load_profile()
WRITTEN = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
ENVELOPE = envelope_for("309", PROFILE, control_number=101, written_at=WRITTEN)
M10 = seg("M10", "XMPL", "J", "CA", None, "TRUCK", None, None, 1, "W", None, None, "XMPL26112200017", "00")
P4 = seg("P4", "3801", "20261122", None, None, "1630")
M11 = seg("M11", "S26110000001", "WINDSOR ON", 1, "BOX", 1, "K", None, None, "35", None, None, "XMPL")
VID = seg("VID", "TL", None, "T53012")

GOLDEN = Path(__file__).parents[1] / "golden" / "x12"


def manifest(*inside: Segment) -> list[Segment]:
    return [M10, P4, seg("LX", 1), *inside]


def problems_of(body: Iterable[Segment], envelope: Envelope = ENVELOPE, set_id: str = "309") -> list[Problem]:
    with pytest.raises(FormatError) as refused:
        write_interchange(envelope, set_id, body, PROFILE)
    return list(refused.value.problems)


def faults_of(body: Iterable[Segment]) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in problems_of(body)]


def test_empty_elements_at_the_end_do_not_exist() -> None:
    """The builders drop what is empty at the end and keep what is empty in between."""
    assert seg("N1", "SH", None, "", None) == Segment("N1", ("SH",))
    assert seg_at("M10", {1: "XMPL", 4: 7, 6: None}) == Segment("M10", ("XMPL", "", "", "7"))
    assert seg("LX", 0).elements == ("0",)
    with pytest.raises(ValueError, match="count from 1"):
        seg_at("M10", {0: "X"})


def test_interchange_is_written_as_the_format_says() -> None:
    """ISA of 106 characters, one group, one set, counts and numbers that agree, no line breaks."""
    data = write_interchange(ENVELOPE, "309", manifest(), PROFILE)

    assert data.split(b"~") == [
        b"ISA*00*          *00*          *ZZ*XGTW           *ZZ*CBP-ACE-TEST   *261122*1405*^*00502*000000101*0*T*>",
        b"GS*AQ*XGTW*CBP-ACE-TEST*20261122*1405*101*X*005020",
        b"ST*309*0001",
        b"M10*XMPL*J*CA**TRUCK***1*W***XMPL26112200017*00",
        b"P4*3801*20261122***1630",
        b"LX*1",
        b"SE*5*0001",
        b"GE*1*101",
        b"IEA*1*000000101",
        b"",
    ]


def test_time_of_writing_is_converted_to_the_envelopes_zone() -> None:
    """An instant in another zone is written in the profile's zone and read back as the same instant."""
    local = WRITTEN.astimezone(timezone(-timedelta(hours=5)))
    envelope = replace(ENVELOPE, written_at=local)
    east = load_profile(overrides={"envelope_timezone": "America/New_York"})

    assert b"*261122*1405*" in write_interchange(envelope, "309", manifest(), PROFILE)
    data = write_interchange(envelope, "309", manifest(), east)
    assert b"*261122*0905*" in data
    assert read_interchange(data, east).envelope == envelope


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"sender_id": ""}, "ISA06"),
        ({"sender_id": "A" * 16}, "ISA06"),
        ({"receiver_id": "CBP*ACE"}, "ISA08"),
        ({"receiver_id": "cbp"}, "ISA08"),
        ({"receiver_id": " CBP"}, "ISA08"),
        ({"sender_qualifier": "Z"}, "ISA05"),
        ({"control_number": 0}, "ISA13"),
        ({"control_number": 1_000_000_000}, "ISA13"),
        ({"group_control_number": -1}, "GS06"),
        ({"interchange_version": "502"}, "ISA12"),
        ({"usage": "X"}, "ISA15"),
        ({"acknowledgment": "2"}, "ISA14"),
        ({"group_version": ""}, "GS08"),
        ({"group_code": "FA"}, "GS.GS01"),
        ({"written_at": datetime(2026, 11, 22, 14, 5)}, "ISA09"),  # noqa: DTZ001
        ({"written_at": datetime(2126, 11, 22, 14, 5, tzinfo=UTC)}, "ISA09"),
    ],
)
def test_unsound_envelope_is_refused(change: dict[str, object], path: str) -> None:
    """Each value of the envelope that cannot stand on the wire is told with its element."""
    assert path in {problem.path for problem in problems_of(manifest(), replace(ENVELOPE, **change))}  # type: ignore[arg-type]


def test_every_problem_is_told_at_once() -> None:
    """Envelope, order, unknown segment and elements are all in one error, each with a remedy."""
    body = [seg("N4", "X"), seg("ZZZ", "1"), *manifest(seg("M11", "A" * 26), seg("N3", "*"))]

    problems = problems_of(body, replace(ENVELOPE, sender_id=""))

    assert {"envelope_length", "segment_out_of_place", "segment_unknown", "element_too_long", "element_missing",
            "separator_in_data", "element_too_short"} <= {problem.code for problem in problems}  # fmt: skip
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize("sign", ["*", "~", ">", "^"])
def test_separators_inside_data_are_refused(sign: str) -> None:
    """A value that holds a separator in use never becomes two values."""
    assert faults_of(manifest(seg("M11", f"S1{sign}2", *M11.elements[1:]))) == [("M11[5].M1101", "separator_in_data")]


def test_signs_that_separate_only_elsewhere_are_data() -> None:
    """Under the alternate profile ``~`` and ``>`` are data, and ``\\`` and ``:`` are not."""
    alternate = load_profile("alternate")
    data = write_interchange(ENVELOPE, "309", manifest(seg("M11", "S1~>", *M11.elements[1:])), alternate)
    assert read_interchange(data).body[3].element(1) == "S1~>"
    for sign in ("\\", ":"):
        with pytest.raises(FormatError, match="separator_in_data"):
            write_interchange(ENVELOPE, "309", manifest(seg("M11", f"S{sign}1", *M11.elements[1:])), alternate)


@pytest.mark.parametrize("value", ["lower", "CAF\u00c9", "TAB\t", "A\\B", "\u20ac", "A\nB", "\x00"])
def test_characters_outside_cbps_set_are_refused(value: str) -> None:
    """Lower case, accents, controls and the backslash do not go out."""
    assert ("N1[6].N102", "invalid_character") in faults_of(manifest(M11, seg("N1", "SH", value)))


@pytest.mark.parametrize(
    ("position", "value", "code"),
    [
        (1, "A" * 26, "element_too_long"),
        (1, " ", "element_blank"),
        (1, "", "element_missing"),
        (3, "1,5", "element_not_a_number"),
        (3, "ONE", "element_not_a_number"),
        (3, "1" * 16, "element_too_long"),
        (3, "1.", "element_not_a_number"),
        (6, "KG", "element_too_long"),
        (9, "3", "element_too_short"),
        (12, "X", "element_too_short"),
        (23, "X", "too_many_elements"),
        (4, "", "element_relation"),
    ],
)
def test_unsound_element_is_refused(position: int, value: str, code: str) -> None:
    """Each way in which one element of M11 can be wrong has its own code."""
    elements = dict(enumerate(M11.elements, start=1))

    faults = faults_of(manifest(seg_at("M11", {**elements, position: value})))

    assert [one for _, one in faults] == [code]


@pytest.mark.parametrize(
    ("segment", "path", "code"),
    [
        (seg("P4", "3801", "20260229"), "P4[3].P402", "element_not_a_date"),
        (seg("P4", "3801", "20261122", None, None, "2460"), "P4[3].P405", "element_not_a_time"),
        (seg("P4", "3801", "2026112"), "P4[3].P402", "element_not_a_date"),
        (seg("P4", "3801", "20261122", None, None, "16305"), "P4[3].P405", "element_not_a_time"),
    ],
)
def test_impossible_dates_and_times_are_refused(segment: Segment, path: str, code: str) -> None:
    """Days and times that do not exist are told."""
    assert (path, code) in faults_of([M10, segment, seg("LX", 1)])


def test_leap_day_is_a_date() -> None:
    """29 February of a leap year goes out."""
    assert b"20280229" in write_interchange(
        ENVELOPE, "309", [M10, seg("P4", "3801", "20280229"), seg("LX", 1)], PROFILE
    )


def test_enforced_lists_hold_for_what_we_send() -> None:
    """A manifest type that does not exist is refused in a 309."""
    m10 = seg_at("M10", {**dict(enumerate(M10.elements, start=1)), 9: "Q"})

    assert faults_of([m10, P4, seg("LX", 1)]) == [("M10[2].M1009", "element_not_in_list")]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ([P4, seg("LX", 1)], ("M10[2]", "segment_missing")),
        ([M10, P4], ("LX[4]", "segment_missing")),
        ([M10, M10, P4, seg("LX", 1)], ("M10[3]", "segment_too_often")),
        (manifest(VID, M11), ("M11[6]", "segment_out_of_place")),
        (manifest(M11, seg("N10", 1, "GOODS")), ("N10[6]", "segment_out_of_place")),
        (manifest(seg("X4", "1")), ("X4[5]", "segment_not_in_set")),
        (manifest(seg("SE", 1, "0001")), ("SE[5]", "segment_unknown")),
        (manifest(Segment("N3", ("X", ""))), ("N3[5]", "trailing_separators")),
        (manifest(M11, *[seg("N1", "SH", "A")] * 21), ("N1[26]", "segment_too_often")),
    ],
)
def test_structure_of_the_set_is_held(body: list[Segment], fault: tuple[str, str]) -> None:
    """Missing, repeated, misplaced and foreign segments are told with their number."""
    assert fault in faults_of(body)


def test_repetitions_count_for_each_loop_anew() -> None:
    """Two N3 may stand under each party, not more under one."""
    line = seg("N3", "88 KING ST W")
    party = [seg("N1", "SH", "A"), line, line]

    write_interchange(ENVELOPE, "309", manifest(M11, *party, *party), PROFILE)

    assert faults_of(manifest(M11, *party, line)) == [("N3[9]", "segment_too_often")]


def test_unknown_set_is_refused() -> None:
    """A set without a table is not written."""
    assert [problem.code for problem in problems_of([], set_id="356")] == ["set_not_supported"]


def test_ta1_must_be_a_ta1() -> None:
    """Only a sound TA1 stands alone in an interchange."""
    envelope = answer_envelope(ENVELOPE, "TA1", PROFILE, control_number=9, written_at=WRITTEN)
    with pytest.raises(FormatError) as refused:
        write_ta1(envelope, seg("TA1", "1", "261122", "1405", "Q", "000"), PROFILE)

    assert {problem.path for problem in refused.value.problems} == {"TA1.TA101", "TA1.TA104"}


def test_answer_goes_back_to_the_sender() -> None:
    """Sender and receiver change places, and a 997 takes the version of the group it answers."""
    envelope = answer_envelope(ENVELOPE, "997", PROFILE, control_number=9001, written_at=WRITTEN)

    assert (envelope.sender_id, envelope.receiver_id) == (ENVELOPE.receiver_id, ENVELOPE.sender_id)
    assert (envelope.group_code, envelope.group_version, envelope.group_control_number) == ("FA", "005020", 9001)


def test_trip_number_is_looked_for_in_three_places() -> None:
    """M1012, M1007 and M1006 are candidates in that order, each value once."""
    assert trip_number_candidates(seg_at("M10", {6: "C", 7: "B", 12: "A"})) == ("A", "B", "C")
    assert trip_number_candidates(seg_at("M10", {6: "A", 12: "A"})) == ("A",)
    assert trip_number_candidates(seg("M10", "XMPL")) == ()


def test_shipment_control_number_is_joined_from_its_parts() -> None:
    """SCAC and number make the SCN; a missing part makes none."""
    assert shipment_control_number(M11) == "XMPLS26110000001"
    assert shipment_control_number(seg("M11", "S1")) == ""
    assert shipment_control_number(P4) == ""


@pytest.mark.parametrize("name", ["default", "alternate"])
def test_remarks_and_summaries_are_read_as_they_were_written(name: str) -> None:
    """K1 and K3 survive writing and reading in the layout of each profile."""
    profile = load_profile(name)

    remark = read_remark(write_remark("470", "INV CTRY OF ORIG FOR SHP", "", profile), profile)
    summary = read_summary(write_summary(2, 1, "PRELIMINARY", profile), profile)

    assert (remark.code, remark.text) == ("470", "INV CTRY OF ORIG FOR SHP")
    assert (summary.accepted, summary.rejected, summary.state) == (2, 1, "PRELIMINARY")


def test_remark_without_a_code_is_text() -> None:
    """Words that do not follow the layout are kept as words; what does not fit is refused when writing."""
    assert read_remark(seg("K1", "PLAIN WORDS", "XX"), PROFILE).text == "PLAIN WORDS"
    assert read_summary(seg("K3", "SOMETHING ELSE"), PROFILE).accepted is None
    with pytest.raises(FormatError, match="remark_too_long"):
        write_remark("470", "X" * 28, "", PROFILE)


def test_full_truckload_is_written_and_read_quickly() -> None:
    """5,000 shipments, 55,000 segments, are written and read within seconds and come back as they were."""
    body = [M10, P4]
    for number in range(1, 5001):
        party = [
            seg("N1", "SH", "NORTH SHOP"),
            seg("N3", f"{number} KING ST"),
            seg("N4", "TORONTO", "ON", "M5H 1A1", "CA"),
        ]
        body += [seg("LX", number), M11, *party, *party, VID, *[seg("N10", 1, "GOODS", None, None, None, "0045")] * 2]

    started = perf_counter()
    data = write_interchange(ENVELOPE, "309", body, PROFILE)
    read = read_interchange(data)
    seconds = perf_counter() - started

    assert read.problems == ()
    assert read.body == tuple(body)
    assert sum(1 for _ in read.loops.walk("LX")) == 5000
    assert seconds < 5


@pytest.mark.parametrize(
    ("place", "sign", "path"),
    [
        (4, "]", "ISA.ISA01"),
        (7, "\x00", "ISA.ISA02"),
        (18, "a", "ISA.ISA03"),
        (51, "d", "ISA.ISA07"),
        (60, "\\", "ISA.ISA08"),
    ],
)
def test_every_element_of_the_isa_is_judged(place: int, sign: str, path: str) -> None:
    """One changed character of the ISA is a problem at its element, also in those that nobody uses."""
    data = (GOLDEN / "309-preliminary.edi").read_bytes().replace(b"\n", b"")
    read = read_interchange(data[:place] + sign.encode() + data[place + 1 :])

    assert path in [one.path for one in read.errors]


def test_an_envelope_that_would_change_is_not_written_again() -> None:
    """A password or seconds are not dropped in silence: the message is refused with the elements named."""
    data = (GOLDEN / "309-preliminary.edi").read_bytes().replace(b"\n", b"")
    given = data.replace(b"*00*          *ZZ*XGTW", b"*01*SECRET    *ZZ*XGTW", 1).replace(
        b"*1405*102*X", b"*140530*102*X"
    )

    with pytest.raises(FormatError) as refused:
        render(read_interchange(given))

    assert {one.path for one in refused.value.problems} == {"ISA03", "ISA04", "GS05"}
