"""The sample messages of the truck set: read without a fault, written again byte for byte, answered as they should be.

The samples are invented; they follow X12 005020/004060 structures. A line break after each terminator is for people.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.profile import Profile, load_profile
from schemas.x12 import (
    Segment,
    annotate,
    build_997,
    build_ta1,
    read_interchange,
    read_remark,
    read_summary,
    remark_text,
    render,
    seg,
    shipment_control_number,
    trip_number_candidates,
    write_interchange,
    write_ta1,
)

FOLDER = Path(__file__).parent / "x12"
# file: set, segments from ST to SE, control number, shipment control numbers
SAMPLES = {
    "309-complete-two-section-321": ("309", 31, 101, ["XMPLS26110000001", "XMPLS26110000002"]),
    "309-preliminary": ("309", 21, 102, ["XMPLS26110000001"]),
    "309-paps": ("309", 21, 103, ["XMPLP26110000077"]),
    "309-amend-quantity": ("309", 15, 104, ["XMPLS26110000001", "XMPLS26110000001"]),
    "309-amend-delete-bill": ("309", 6, 105, ["XMPLS26110000002"]),
    "309-delete-manifest": ("309", 5, 106, []),
    "355-accepted": ("355", 5, 9001, []),
    "355-one-rejected": ("355", 10, 9002, ["XMPLS26110000002"]),
    "355-all-rejected": ("355", 14, 9009, ["XMPLS26110000001", "XMPLS26110000002"]),
    "358-link-two-shipments": ("358", 14, 107, ["XMPLS26110000001", "XMPLS26110000002"]),
    "358-delink-shipment": ("358", 6, 108, ["XMPLS26110000002"]),
    "353-finalise": ("353", 5, 109, []),
    "353-in-bond-arrival": ("353", 3, 110, []),
    "350-hold": ("350", 6, 9003, ["XMPLS26110000002"]),
    "350-released": ("350", 6, 9004, ["XMPLS26110000001", "XMPLS26110000002"]),
    "350-daily-limit": ("350", 6, 9005, ["XMPLS26110000001"]),
    "997-accepted": ("997", 6, 9006, []),
    "997-rejected": ("997", 8, 9007, []),
    "ta1-duplicate": ("", 0, 9008, []),
    "ta1-accepted": ("", 0, 9010, []),
}


def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.edi").read_bytes()


@pytest.fixture(params=["default", "alternate"])
def profile(request: pytest.FixtureRequest) -> Profile:
    return load_profile(request.param)


def test_every_sample_file_is_listed() -> None:
    """No sample lies in the folder without being tested."""
    assert {path.stem for path in FOLDER.glob("*.edi")} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_reads_without_a_problem(name: str) -> None:
    """A sample is read completely and has no problem, not even a warning."""
    set_id, count, number, shipments = SAMPLES[name]

    read = read_interchange(sample(name))

    assert read.problems == ()
    assert (read.set_id, len(read.segments)) == (set_id, count)
    assert read.envelope is not None
    assert read.envelope.control_number == number
    assert [scn for scn in map(shipment_control_number, read.segments) if scn] == shipments


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("line_break", [b"", b"\n", b"\r\n", b"\r", b"\n\n"])
def test_line_breaks_after_the_terminator_change_nothing(name: str, line_break: bytes) -> None:
    """A sample says the same with any line break, or none, after its terminators."""
    plain = sample(name).replace(b"\n", b"")

    read = read_interchange(plain.replace(b"~", b"~" + line_break))

    assert read.problems == ()
    assert read.body == read_interchange(plain).body
    assert [one.number for one in read.segments] == list(range(1, len(read.segments) + 1))


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_written_again_byte_for_byte(name: str) -> None:
    """What was read from canonical bytes is written as the same bytes."""
    data = sample(name).replace(b"\n", b"")

    assert render(read_interchange(data)) == data


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_survives_both_profiles(name: str, profile: Profile) -> None:
    """A sample written under a profile is read back with the same content and is stable from then on."""
    first = read_interchange(sample(name))

    data = render(first, profile)
    second = read_interchange(data, profile)

    assert second.problems == ()
    assert (second.envelope, second.body, second.ta1) == (first.envelope, first.body, first.ta1)
    assert render(second, profile) == data
    assert second.separators.terminator == profile.segment_terminator


@pytest.mark.parametrize("name", SAMPLES)
def test_offsets_point_at_the_segments(name: str) -> None:
    """The byte offset of each segment is where its name stands in the file."""
    data = sample(name)
    read = read_interchange(data)

    for segment in (read.isa, *read.ta1_segments, *read.segments):
        assert data[segment.offset :].startswith(segment.id.encode() + b"*")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_prefix_of_a_sample_is_told_as_broken(name: str) -> None:
    """A file that was cut off anywhere is refused or read with an error, and never raises anything else."""
    data = sample(name).replace(b"\n", b"")

    for length in range(106, len(data)):
        assert read_interchange(data[:length]).errors, length


def test_loops_of_a_manifest() -> None:
    """Shipments, parties and commodity lines stand in the loops of the 309."""
    loops = read_interchange(sample("309-complete-two-section-321")).loops

    assert loops.id == "309"
    assert [segment.id for segment in loops.segments] == ["ST", "M10", "VEH", "SE"]
    (driver,) = loops.each("NM1")
    assert [segment.id for segment in driver.segments] == ["NM1", "DMG", "REF", "REF", "N3", "N4"]
    first, second = loops.walk("LX")
    assert [loop.id for loop in first.loops] == ["N1", "N1", "VID"]
    assert [loop.header.element(2) for loop in second.each("N1")] == ["NORTH SHOP LTD", "SAM SMITH"]
    assert [loop.header.element(11) for loop in loops.walk("N10")] == ["CA", "CA"]


def test_rejected_bill_of_a_355_keeps_its_remarks() -> None:
    """In a 355 each K1 stands in the loop of the segment that it speaks of."""
    profile = load_profile()
    read = read_interchange(sample("355-one-rejected"))

    (m10,) = read.loops.each("M10")
    (m11,) = read.loops.walk("M11")
    remarks = [read_remark(k1, profile) for k1 in m11.every("K1")]
    k3 = read.loops.first("K3")

    assert [k1.element(1) for k1 in m10.every("K1")] == ["NNNMAN RETURNED TO PRELIMINARY"]
    assert trip_number_candidates(m10.header) == ("XMPL26112200017",)
    assert (remarks[0].code, remarks[0].text) == ("470", "INV CTRY OF ORIG FOR SHP")
    assert (remarks[1].code, remarks[1].text) == ("", "NNNXXXX BILL REJECTED XXXX")
    assert k3 is not None
    summary = read_summary(k3, profile)
    assert (summary.accepted, summary.rejected, summary.state) == (1, 1, "COMPLETE")


def test_remark_of_a_350_runs_over_both_elements() -> None:
    """The words of a 350 remark go on from K101 to K102."""
    (status,) = read_interchange(sample("350-daily-limit")).loops.walk("X4")

    assert [remark_text(k1) for k1 in status.every("K1")] == ["DAILY 800 USD CONSIGNEE LIMIT EXCEEDED"]


def test_sound_manifest_earns_the_accepting_997() -> None:
    """The 997 built for the complete manifest is the sample 997."""
    assert build_997(read_interchange(sample("309-complete-two-section-321"))) == list(
        read_interchange(sample("997-accepted")).body
    )


def test_long_bill_number_earns_the_rejecting_997() -> None:
    """A bill number beyond 25 characters is answered as in the sample: element 1, DE 598, code 5, rejected."""
    answer = read_interchange(sample("997-rejected")).body
    data = sample("309-paps").replace(b"*P26110000077*", b"*" + answer[3].element(4).encode() + b"*")
    read = read_interchange(data)

    (problem,) = read.problems
    assert (problem.path, problem.code) == ("M11[12].M1101", "element_too_long")
    assert data[problem.offset :].startswith(b"P26110000077000")
    assert build_997(read) == list(answer)


def test_duplicate_interchange_earns_the_sample_ta1() -> None:
    """A TA1 repeats number, date and time of the interchange it answers."""
    read = read_interchange(sample("309-complete-two-section-321"))

    assert build_ta1(read, note="025") == read_interchange(sample("ta1-duplicate")).ta1
    assert build_ta1(read) == seg("TA1", "000000101", "261122", "1405", "A", "000")


def test_ta1_may_stand_before_a_group() -> None:
    """A TA1 between ISA and GS is read together with the set."""
    data = sample("997-accepted").replace(b"\nGS*", b"\nTA1*000000101*261122*1405*A*000~\nGS*")

    read = read_interchange(data)

    assert read.problems == ()
    assert read.ta1 == Segment("TA1", ("000000101", "261122", "1405", "A", "000"))
    assert read.set_id == "997"


def test_trip_level_segments_of_a_355_and_a_350_are_taken() -> None:
    """CBP's grafts at trip level are read without a problem, wherever they stand."""
    read = read_interchange(sample("355-accepted"))
    assert read.envelope is not None
    crew = [seg("VEH", 1, "1FUJGLDR6CSBM1234"), seg("K1", "401INV CONV ACE ID"), seg("NM1", "Z1", "1", "TREMBLAY"),
            seg("REF", "5K", "T1"), seg("K1", "NNNINV TRAVEL DOC NUMBER")]  # fmt: skip
    m10, p4, k3 = read.body
    for body in (
        [m10, seg("K1", "009INVALID CARRIER CODE"), *crew, p4, k3],
        [m10, p4, seg("K1", "014BAD PORT"), *crew, k3],
    ):
        data = write_interchange(read.envelope, "355", body, load_profile())
        assert read_interchange(data).problems == ()

    status = read_interchange(sample("350-released"))
    assert status.envelope is not None
    m10, p4, first, second = status.body
    grafts = [seg("M7", "SEAL0001"), seg("VID", "TL", None, "T53012"), seg("V9", "ARR"), *crew[::2], seg("V9", "DEP")]
    data = write_interchange(
        status.envelope, "350", [m10, p4, *grafts, first, seg("K1", "A" * 60), second], load_profile()
    )
    again = read_interchange(data)
    assert again.problems == ()
    assert len(list(again.loops.walk("X4"))) == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_annotation_names_every_element(name: str) -> None:
    """Every element of a sample is shown with reference and value, and the whole is plain JSON."""
    read = read_interchange(sample(name))

    shown = json.loads(json.dumps(annotate(read)))

    assert shown[0]["segment"] == "ISA"
    assert shown[-1]["segment"] == "IEA"
    assert sum(1 for row in shown if row["number"]) == len(read.segments)
    for row in shown:
        assert row["name"], row
        assert all(element["value"] for element in row["elements"])
        assert "problems" not in row


def test_annotation_tells_what_codes_mean() -> None:
    """Dispositions, errors, dates and the trip number are shown in words."""
    texts = {
        element["ref"]: element["text"]
        for name in ("350-hold", "355-one-rejected", "309-amend-quantity")
        for row in annotate(read_interchange(sample(name)))
        for element in row["elements"]
        if "text" in element
    }

    assert texts["X407"] == "hold placed at port of discharge (held; not announced for trucks)"
    assert texts["M1012"] == "trip number"
    assert texts["M1016"] == "clerical error against the bill"
    assert texts["P402"] == "2026-11-22"
    assert texts["P405"] == "16:30"
    assert texts["ISA09"] == "2026-11-22"


def test_ta1_alone_has_no_group() -> None:
    """A TA1 written alone ends with IEA01 = 0 and stands in its 106-character envelope."""
    read = read_interchange(sample("ta1-duplicate"))
    assert read.envelope is not None
    assert read.ta1 is not None

    data = write_ta1(replace(read.envelope, control_number=7), read.ta1, load_profile())

    assert data.endswith(b"~IEA*0*000000007~")
    assert data[103:106] == b"*>~"
