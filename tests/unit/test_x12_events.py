"""Sets 358 (trip, links) and 353 (events): written as the format says, read back, and held to their structure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.errors import FormatError
from schemas.profile import Profile, load_profile
from schemas.x12 import (
    SETS,
    Segment,
    build_997,
    envelope_for,
    read_interchange,
    render,
    seg,
    seg_at,
    shipment_control_number,
    trip_number_candidates,
    write_interchange,
)

WRITTEN = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
TRIP = "XMPL26112200017"
TRAILER = seg("VID", "TL", None, "T53012", "SEAL0001", *[None] * 5, "L", *[None] * 3, "AT9921", "ON", "CA")
PORT = seg("P4", "3801", "20261122", None, None, "1630")


def m10(kind: str, purpose: str = "00", reason: str | None = None) -> Segment:
    """A manifest header of a type, with the amendment reason where one is due."""
    return seg_at("M10", {1: "XMPL", 2: "J", 3: "CA", 5: "TRUCK", 9: kind, 12: TRIP, 13: purpose, 16: reason})


PRELIMINARY_TRIP = [
    m10("P"),
    seg("VEH", 1, "1FUJGLDR6CSBM1234", *[None] * 6, "AB1234", "ON", *[None] * 6, "CA"),
    seg("CII", "NORTHERN MUTUAL", "POL-778", "2026", "USD", "100000000"),
    seg("NM1", "Z1", "1", "TREMBLAY", "MARIE"),
    seg("DMG", "D8", "19840517", "F", None, None, None, "CA"),
    seg("REF", "5K", "T62358400517"),
    seg("N3", "41 RUE DU PORT"),
    seg("N4", "WINDSOR", "ON", "N9A 1A1", "CA"),
    PORT,
    TRAILER,
    seg("M7", "SEAL0002", "SEAL0003"),
    seg("MBL", "XMPL", "S26110000001", "1"),
    seg("MBL", "XMPL", "S26110000002", "1"),
]
LINK_AND_DELINK = [
    m10("Y", "04", "03"),
    PORT,
    TRAILER,
    seg("MBL", "XMPL", "S26110000003", "1"),
    seg("M13", "XMPL", "3801", "A", "S26110000003", None, "03", "1", None, "XMPL"),
    seg("MBL", "XMPL", "S26110000002", "3"),
    seg("M13", "XMPL", "3801", "D", "S26110000002", None, "03", "3", None, "XMPL"),
]
DELETE_TRIP = [m10("3", "03"), PORT]
FINALISE = [m10("H"), seg("P4", "3801", "20261122"), seg("M15", "Z", TRIP, "20261122", "3801", None, "1500")]
IN_BOND_ARRIVAL = [
    seg_at("M15", {1: "1", 2: "123456782", 3: "20261123", 4: "3901", 6: "0915", 17: "H123"}),
    seg("M7A", "SEAL0009"),
    seg("K1", "SEALS REPLACED AT THE DOCK"),
    seg_at("M15", {1: "2", 2: "S26110000001", 3: "20261123", 4: "3901", 5: "XMPL", 6: "0920"}),
]
TRANSFER = [seg_at("M15", {1: "A", 2: "123456782", 3: "20261123", 6: "0915", 9: "OTHR", 10: "CHICAGO", 11: "IL"})]
MESSAGES = {
    "358-preliminary-trip": ("358", PRELIMINARY_TRIP),
    "358-link-and-delink": ("358", LINK_AND_DELINK),
    "358-delete": ("358", DELETE_TRIP),
    "353-finalise": ("353", FINALISE),
    "353-in-bond-arrival": ("353", IN_BOND_ARRIVAL),
    "353-transfer-of-liability": ("353", TRANSFER),
}


@pytest.fixture(params=["default", "alternate"])
def profile(request: pytest.FixtureRequest) -> Profile:
    """Both profiles."""
    return load_profile(request.param)


def written(set_id: str, body: list[Segment], profile: Profile) -> bytes:
    """The message in an envelope of its own."""
    return write_interchange(
        envelope_for(set_id, profile, control_number=107, written_at=WRITTEN), set_id, body, profile
    )


def faults(set_id: str, body: list[Segment]) -> list[tuple[str, str]]:
    """Path and code of everything that keeps ``body`` from being written."""
    with pytest.raises(FormatError) as refused:
        written(set_id, body, load_profile())
    return [(problem.path, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_read_back_as_it_was_written(name: str, profile: Profile) -> None:
    """parse(render(x)) == x and render(parse(b)) == b, without so much as a warning."""
    set_id, body = MESSAGES[name]

    data = written(set_id, body, profile)
    read = read_interchange(data, profile)

    assert read.problems == ()
    assert (read.set_id, read.body) == (set_id, tuple(body))
    assert render(read, profile) == data
    assert [one.id for one in build_997(read, profile)] == ["AK1", "AK2", "AK5", "AK9"]


def test_bytes_of_a_finalised_manifest() -> None:
    """Group AX, release 006050 and its interchange version; the event Z names the trip."""
    assert written("353", FINALISE, load_profile()).split(b"~") == [
        b"ISA*00*          *00*          *ZZ*XGTW           *ZZ*CBP-ACE-TEST   *261122*1405*^*00605*000000107*0*T*>",
        b"GS*AX*XGTW*CBP-ACE-TEST*20261122*1405*107*X*006050",
        b"ST*353*0001",
        b"M10*XMPL*J*CA**TRUCK****H***XMPL26112200017*00",
        b"P4*3801*20261122",
        b"M15*Z*XMPL26112200017*20261122*3801**1500",
        b"SE*5*0001",
        b"GE*1*107",
        b"IEA*1*000000107",
        b"",
    ]


def test_bytes_of_links_and_delinks() -> None:
    """Group BD; each linked or delinked bill stands under the trailer that carries it."""
    lines = written("358", LINK_AND_DELINK, load_profile()).split(b"~")

    assert lines[1].startswith(b"GS*BD*")
    assert lines[2:11] == [
        b"ST*358*0001",
        b"M10*XMPL*J*CA**TRUCK****Y***XMPL26112200017*04***03",
        b"P4*3801*20261122***1630",
        b"VID*TL**T53012*SEAL0001******L****AT9921*ON*CA",
        b"MBL*XMPL*S26110000003*1",
        b"M13*XMPL*3801*A*S26110000003**03*1**XMPL",
        b"MBL*XMPL*S26110000002*3",
        b"M13*XMPL*3801*D*S26110000002**03*3**XMPL",
        b"SE*9*0001",
    ]


def test_bills_of_a_consist_stand_in_the_loop_of_their_trailer() -> None:
    """The tree of a 358 shows which bill is on which equipment, and what each amendment speaks of."""
    profile = load_profile()
    second = seg("VID", "TL", None, "T53013")
    read = read_interchange(written("358", [*LINK_AND_DELINK, second, seg("MBL", "XMPL", "S4", "1")], profile))

    loads = {
        trailer.header.element(3): [shipment_control_number(bill.header) for bill in trailer.each("MBL")]
        for trailer in read.loops.walk("VID")
    }

    assert loads == {"T53012": ["XMPLS26110000003", "XMPLS26110000002"], "T53013": ["XMPLS4"]}
    assert [len(bill.segments) for bill in read.loops.walk("MBL")] == [2, 2, 1]
    assert trip_number_candidates(read.segments[1]) == (TRIP,)


@pytest.mark.parametrize(
    ("set_id", "body", "fault"),
    [
        ("358", [PORT], ("M10[2]", "segment_missing")),
        ("358", [m10("P")], ("P4[3]", "segment_missing")),
        ("358", [m10("P"), PORT, seg("LX", 1)], ("LX[4]", "segment_not_in_set")),
        ("358", [m10("P"), PORT, seg("MBL", "XMPL", "S1", "1")], ("MBL[4]", "segment_out_of_place")),
        ("358", [m10("P"), PORT, TRAILER, seg("MBL", "XMPL", "S1", "4")], ("MBL[5].MBL03", "element_not_in_list")),
        ("358", [m10("P"), PORT, TRAILER, seg("MBL", "XMPL")], ("MBL[5].MBL02", "element_missing")),
        ("358", [m10("P"), PORT, TRAILER, *[seg("M7", "SEAL1")] * 6], ("M7[10]", "segment_too_often")),
        ("353", [m10("H"), PORT], ("M15[4]", "segment_missing")),
        ("353", [m10("H"), PORT, PORT, *TRANSFER], ("P4[4]", "segment_too_often")),
        ("353", [seg("M15", "Z", TRIP, "20261122", None, None, "1500")], ("M15[2].M1504", "element_relation")),
        ("353", [seg("M15", "Z", TRIP, "20261122", "3801")], ("M15[2].M1506", "element_missing")),
        (
            "353",
            [seg_at("M15", {1: "A", 2: "1", 3: "20261122", 4: "3801", 6: "1500", 11: "IL"})],
            ("M15[2].M1510", "element_relation"),
        ),
        ("353", [*TRANSFER, *[seg("K1", "X")] * 5], ("K1[7]", "segment_too_often")),
    ],
)
def test_structure_and_elements_are_held(set_id: str, body: list[Segment], fault: tuple[str, str]) -> None:
    """What does not belong, is missing or comes too often is told with its place."""
    assert fault in faults(set_id, body)


@pytest.mark.parametrize("set_id", ["358", "353"])
def test_every_profile_names_the_versions_of_the_set(set_id: str, profile: Profile) -> None:
    """Group and interchange versions of both sets stand in both profiles and begin with the set's release."""
    assert profile.group_versions[set_id].startswith(SETS[set_id].release)
    assert profile.interchange_versions[set_id] == SETS[set_id].release[:5]


@pytest.mark.parametrize(
    ("segment", "path"),
    [
        (seg("N4", "WINDSOR", "ON", None, None, None, "3801"), "N4[9].N405"),
        (seg("N4", "TALLINN", None, None, None, None, None, "37"), "N4[9].N404"),
    ],
)
def test_parts_of_a_place_ask_for_each_other(segment: Segment, path: str) -> None:
    """A location identifier asks for its qualifier, a country subdivision for its country."""
    body = [*PRELIMINARY_TRIP[:7], segment, *PRELIMINARY_TRIP[8:]]

    assert (path, "element_relation") in faults("358", body)
