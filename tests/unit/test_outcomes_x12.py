"""TA1, 997, 355 and 350 become outcomes that say what they mean, for whom, and which field they point back to."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from mappings.manifest import build_manifest
from mappings.outcomes import MEANINGS, Outcome, read_response
from mappings.outcomes_places import X12_PATHS
from schemas.profile import Profile, load_profile
from schemas.x12 import (
    SEGMENTS,
    Segment,
    build_997,
    envelope_for,
    read_interchange,
    seg,
    seg_at,
    write_remark,
    write_summary,
    write_ta1,
)
from tests import mapping_samples as kit

FIRST, SECOND, THIRD = (f"TSTC2503100000{n}" for n in (1, 2, 3))


@pytest.fixture(params=["default", "alternate"])
def profile(request: pytest.FixtureRequest) -> Profile:
    """Both profiles: remarks and summaries have another layout in each."""
    return load_profile(request.param)


def body(profile: Profile) -> tuple[Segment, ...]:
    """The manifest of three shipments."""
    (message,) = build_manifest(kit.trip(), kit.three_pathways(), profile)
    return message.segments


def sent(profile: Profile) -> bytes:
    """The manifest as it was sent."""
    return kit.in_envelope(body(profile), profile)


def bill(profile: Profile, number: int) -> list[Segment]:
    """The LX loop of one shipment as it was sent."""
    segments = body(profile)
    starts = [at for at, one in enumerate(segments) if one.id == "LX"] + [len(segments)]
    return list(segments[starts[number - 1] : starts[number]])


def ends(profile: Profile, kind: str = "") -> tuple[Segment, Segment]:
    """M10 and P4 as CBP repeats them; ``kind`` replaces the manifest type."""
    m10, p4 = (next(one for one in body(profile) if one.id == name) for name in ("M10", "P4"))
    if kind:
        m10 = seg("M10", *m10.elements[:8], kind, *m10.elements[9:])
    return m10, p4


def answer(profile: Profile, set_id: str, segments: list[Segment], *, knows_sent: bool = False) -> tuple[Outcome, ...]:
    """Outcomes of a response made of these segments; there must be no problem."""
    reading = read_response(
        kit.in_envelope(segments, profile, set_id), profile, sent=sent(profile) if knows_sent else None
    )

    assert [problem for problem in reading.problems if problem.severity == "error"] == []
    assert reading.kind == set_id
    return reading.outcomes


# ------------------------------------------------------------------------------------------------ TA1, 997


@pytest.mark.parametrize(
    ("result", "note", "meaning", "words"),
    [
        ("A", "000", "syntax_accepted", "no error"),
        ("E", "014", "syntax_accepted", "invalid date"),
        ("R", "025", "syntax_rejected", "duplicate control number"),
    ],
)
def test_a_ta1_speaks_of_the_envelope(profile: Profile, result: str, note: str, meaning: str, words: str) -> None:
    """Accepted or refused, with the note's meaning and the control number that it answers."""
    envelope = envelope_for("TA1", profile, control_number=9, written_at=kit.WRITTEN_AT)
    reading = read_response(
        write_ta1(envelope, seg("TA1", "000000101", "250310", "1405", result, note), profile), profile
    )
    (outcome,) = reading.outcomes

    assert (outcome.source, outcome.scope, outcome.meaning, outcome.code) == ("TA1", "transmission", meaning, note)
    assert outcome.text == words
    assert outcome.correlation["interchange_control"] == 101


def test_a_997_that_accepts_says_syntax_only(profile: Profile) -> None:
    """Syntax accepted, for our group number; nothing about a declaration."""
    acknowledgment = build_997(read_interchange(sent(profile), profile))
    (outcome,) = answer(profile, "997", acknowledgment)

    assert (outcome.scope, outcome.meaning) == ("transmission", "syntax_accepted")
    assert outcome.correlation["group_control"] == 101


def refusing(segment: str, number: int, element: int, code: str, group: int = 101) -> list[Segment]:
    """A 997 that refuses one element."""
    return [
        seg("AK1", "AQ", group, "005020"),
        seg("AK2", "309", "0001"),
        seg("AK3", segment, number, None, 8),
        seg("AK4", element, None, code, "BAD"),
        seg("AK5", "R", "5"),
        seg("AK9", "R", 1, 1, 0),
    ]


@pytest.mark.parametrize(
    ("segment", "element", "skip", "scn", "path"),
    [
        ("M11", 1, 0, FIRST, "shipment_control_number"),
        ("M11", 5, 2, THIRD, "gross_weight.value"),
        ("N1", 2, 0, FIRST, "shipper.name"),
        ("N4", 2, 3, SECOND, "consignee.address.region"),
        ("N10", 2, 1, SECOND, "lines[0].description"),
        ("N10", 2, 2, SECOND, "lines[0].description"),
        ("N10", 11, 4, THIRD, "lines[1].country_of_origin"),
        ("VEH", 2, 0, "", "trip.conveyance.vin"),
        ("VID", 3, 0, FIRST, "trip.equipment[0].number"),
        ("P4", 2, 0, "", "trip.estimated_arrival"),
    ],
)
def test_a_997_finds_shipment_and_field(
    profile: Profile, segment: str, element: int, skip: int, scn: str, path: str
) -> None:
    """With the bytes that were sent, segment number and element become SCN and path."""
    read = read_interchange(sent(profile), profile)
    number = [one.number for one in read.segments if one.id == segment][skip]
    fault, verdict = answer(profile, "997", refusing(segment, number, element, "5"), knows_sent=True)

    assert (fault.scn, fault.field_path, fault.text) == (scn, path, "too long")
    assert fault.place == f"{segment}[{number}].{segment}{element:02d}"
    assert (verdict.scope, verdict.meaning) == ("transmission", "syntax_rejected")


def test_a_997_for_another_group_is_not_traced(profile: Profile) -> None:
    """A number means nothing in a message it does not speak of."""
    fault, _ = answer(profile, "997", refusing("N4", 16, 2, "7", group=555), knows_sent=True)

    assert (fault.scn, fault.field_path) == ("", "")


ENDLESS = "9" * 5000
"""More digits than Python makes a number of."""


def damaged(profile: Profile, segment: str, other: str) -> tuple[Outcome, ...]:
    """Outcomes of a 997 that refuses one element of ours, with another text in place of one of its segments."""
    intact = kit.in_envelope(refusing("N4", 16, 2, "7"), profile, "997")
    assert intact.count(segment.encode()) == 1
    data = intact.replace(segment.encode(), other.encode("latin-1"))
    return read_response(data, profile, sent=sent(profile)).outcomes


@pytest.mark.parametrize("number", ["9" * 30, "1" + "9" * 18, ENDLESS, "\u00b9", "12x"])
def test_a_control_number_that_is_none_is_kept_as_it_came(profile: Profile, number: str) -> None:
    """Too long for a number that can be kept, or of other signs: it is not ours, and everything else is read."""
    fault, verdict = damaged(profile, "AK1*AQ*101*", f"AK1*AQ*{number}*")

    assert (fault.meaning, verdict.meaning) == ("syntax_rejected", "syntax_rejected")
    assert verdict.correlation["group_control"] == number
    assert fault.scn == ""


@pytest.mark.parametrize("number", ["9" * 30, ENDLESS, "\u00b2"])
def test_a_segment_that_is_no_number_points_nowhere(profile: Profile, number: str) -> None:
    """The fault is told all the same, and no shipment is guessed."""
    fault, _ = damaged(profile, "AK3*N4*16*", f"AK3*N4*{number}*")

    assert (fault.meaning, fault.scn, fault.place) == ("syntax_rejected", "", f"N4[{number}].N402")


@pytest.mark.parametrize("element", ["\u00b2", "\u00b3:1", "9" * 30, ENDLESS, "M-3"])
def test_an_element_that_is_no_number_points_at_its_segment(profile: Profile, element: str) -> None:
    """The fault is told at the segment that it names."""
    fault, _ = damaged(profile, "AK4*2*", f"AK4*{element}*")

    assert (fault.meaning, fault.place) == ("syntax_rejected", "N4[16]")


# ---------------------------------------------------------------------------------------------------- 355


def test_a_355_without_remarks_accepts(profile: Profile) -> None:
    """One outcome for the trip: accepted, with CBP's counts."""
    m10, p4 = ends(profile)
    (outcome,) = answer(profile, "355", [m10, p4, write_summary(3, 0, "COMPLETE", profile)])

    assert (outcome.scope, outcome.meaning, outcome.trip_number) == ("trip", "accepted", "TSTC2503100001")
    assert (outcome.correlation["accepted"], outcome.correlation["manifest_state"]) == (3, "COMPLETE")


def partly(profile: Profile, kind: str = "") -> list[Segment]:
    """A 355 that refuses the third shipment for its second line, its consignee's address and its bill number."""
    m10, p4 = ends(profile, kind)
    lx, m11, *_ = third = bill(profile, 3)
    consignee = [at for at, one in enumerate(third) if one.id == "N1"][1]
    return [
        m10,
        write_remark("999", "MAN RETURNED TO PRELIMINARY", "", profile),
        p4,
        lx,
        m11,
        write_remark("017", "MISSING OR INVALID BILL", "25031000003", profile),
        third[consignee],
        third[consignee + 2],
        write_remark("888", "BAD STATE", "NY", profile),
        next(one for one in third if one.id == "VID"),
        [one for one in third if one.id == "N10"][1],
        write_remark("470", "INV CTRY OF ORIG FOR SHP", "CA", profile),
        write_summary(2, 1, "PRELIMINARY", profile),
    ]


@pytest.mark.parametrize("knows_sent", [False, True])
def test_a_355_refuses_one_shipment_by_its_fields(profile: Profile, knows_sent: bool) -> None:
    """Each remark names shipment, place, code and field; the line only where the sent bytes tell it."""
    outcomes = answer(profile, "355", partly(profile), knows_sent=knows_sent)
    refused = [one for one in outcomes if one.scope == "shipment"]
    copies = profile.k1_second == "value"  # the other layout has no copy, so the element stays unknown

    assert {one.scn for one in refused} == {THIRD}
    assert {one.meaning for one in refused} == {"rejected"}
    assert [one.code for one in refused] == ["017", "888", "470"]
    assert [one.field_path for one in refused] == [
        "shipment_control_number",
        "consignee.address.region" if copies else "consignee.address",
        "lines[1].country_of_origin" if knows_sent else "lines",
    ]
    assert refused[2].place == "LX[3].N1011"
    assert refused[0].correlation["value"] == ("25031000003" if copies else "")


@pytest.mark.parametrize(("kind", "meaning"), [("W", "rejected"), ("P", "accepted_with_warning")])
def test_a_partly_refused_manifest_falls_back(profile: Profile, kind: str, meaning: str) -> None:
    """A complete manifest did not go through as declared; a preliminary one keeps its good shipments."""
    echo, *_, verdict = answer(profile, "355", partly(profile, kind))

    assert (echo.scope, echo.meaning, echo.field_path) == ("trip", "warning", "")
    assert (verdict.scope, verdict.meaning, verdict.place) == ("trip", meaning, "K3")
    assert verdict.correlation["rejected_scns"] == [THIRD]
    assert (verdict.correlation["accepted"], verdict.correlation["rejected"]) == (2, 1)


def test_a_fault_of_the_trip_rejects_the_trip(profile: Profile) -> None:
    """A remark on the trip itself is no mere echo of a shipment's fault."""
    m10, p4 = ends(profile)
    segments = [m10, write_remark("009", "INVALID CARRIER CODE", "TSTC", profile), p4]
    fault, verdict = answer(profile, "355", [*segments, write_summary(0, 3, "PRELIMINARY", profile)])

    assert (fault.scope, fault.code, fault.field_path) == ("trip", "009", "trip.carrier_scac")
    assert (verdict.meaning, verdict.code) == ("rejected", "009")


def test_a_shipment_is_known_by_its_number_where_its_bill_is_not_repeated(profile: Profile) -> None:
    """Only LX and the party in error come back: the sent bytes say whose they are."""
    m10, p4 = ends(profile)
    lx, _, shipper, *_ = bill(profile, 2)
    segments = [m10, p4, lx, shipper, write_remark("004", "INVALID N1 RECORD", "", profile)]
    fault, _ = answer(profile, "355", [*segments, write_summary(2, 1, "PRELIMINARY", profile)], knows_sent=True)

    assert (fault.scn, fault.field_path) == (SECOND, "shipper")


@pytest.mark.parametrize(("knows_sent", "saved"), [(True, True), (False, False)])
def test_the_rest_is_saved_only_where_the_refused_are_known(profile: Profile, knows_sent: bool, saved: bool) -> None:
    """A refusal that names nobody could be anybody's: then no shipment is taken as saved."""
    m10, p4 = ends(profile)
    lx, _, shipper, *_ = bill(profile, 2)
    segments = [m10, p4, lx, shipper, write_remark("004", "INVALID N1 RECORD", "", profile)]
    *_, verdict = answer(
        profile, "355", [*segments, write_summary(2, 1, "PRELIMINARY", profile)], knows_sent=knows_sent
    )

    assert verdict.correlation["saved_rest"] is saved


def test_a_summary_of_another_layout_is_never_an_acceptance(profile: Profile) -> None:
    """Without remarks and without readable counts the meaning is open, and the reading says so."""
    m10, p4 = ends(profile)
    reading = read_response(kit.in_envelope([m10, p4, seg("K3", "ALL IS WELL")], profile, "355"), profile)

    assert [one.meaning for one in reading.outcomes] == ["unknown"]
    assert [problem.code for problem in reading.problems] == ["summary_not_read"]


@pytest.mark.parametrize("element", ["M1006", "M1007", "M1012"])
def test_the_trip_number_is_found_in_any_candidate(profile: Profile, element: str) -> None:
    """CBP may put it in any of three elements; all candidates are kept."""
    _, p4 = ends(profile)
    number = "TSTC250310" if element == "M1006" else "TSTC2503100001"
    m10 = seg_at("M10", {1: "TSTC", 2: "J", 3: "CA", 5: "TRUCK", 9: "W", int(element[3:]): number})
    (outcome,) = answer(profile, "355", [m10, p4, write_summary(3, 0, "COMPLETE", profile)])

    assert outcome.trip_number == number
    assert outcome.correlation["trip_numbers"] == [number]


# ---------------------------------------------------------------------------------------------------- 350


def x4(scn: str, code: str, clock: str = "1631", **more: str) -> Segment:
    """A disposition of one shipment."""
    elements = {1: scn[4:], 2: "1", 5: "20250310", 6: clock, 7: code, 9: scn[:4], 13: "0901"}
    return seg_at("X4", {**elements, **{int(key[1:]): value for key, value in more.items()}})


def status(profile: Profile, *segments: Segment) -> tuple[Outcome, ...]:
    """Outcomes of a 350 with these segments under its port."""
    m10, _ = ends(profile, "Z")
    return answer(profile, "350", [m10, seg("P4", "0901", "20250310"), *segments])


def test_every_known_disposition_has_the_profiles_meaning(profile: Profile) -> None:
    """The table of the profile decides, code by code."""
    for code, known in profile.dispositions.items():
        (outcome,) = status(profile, x4(FIRST, code))

        assert (outcome.code, outcome.meaning, outcome.scn) == (code, known.meaning, FIRST)


@pytest.mark.parametrize("code", ["Q7", "ZZ", "98", "C1"])
def test_an_unknown_disposition_is_never_a_release(profile: Profile, code: str) -> None:
    """It is kept as it came."""
    (outcome,) = status(profile, x4(FIRST, code))

    assert (outcome.meaning, outcome.code) == ("unknown", code)


@pytest.mark.parametrize(
    ("as_sent", "entry_number"),
    [
        ("XYZ12345671", "XYZ12345671"),
        ("XYZ-1234567-1", "XYZ12345671"),
        ("XYZ 1234567 1", "XYZ12345671"),
        ("12345671", ""),
    ],
)
def test_the_entry_number_has_one_form(profile: Profile, as_sent: str, entry_number: str) -> None:
    """Eleven characters, however CBP writes them; what is no entry number is only kept."""
    (outcome,) = status(profile, x4(FIRST, "02", e3="11", e4=as_sent))

    assert outcome.entry_number == entry_number
    assert (outcome.correlation["entry_number_as_sent"], outcome.correlation["entry_type"]) == (as_sent, "11")


@pytest.mark.parametrize(
    ("more", "hour"),
    [({}, 20), ({"e17": "UT"}, 16), ({"e17": "PT"}, 23), ({"e13": "3004"}, 23), ({"e17": "??"}, 20)],
)
def test_a_disposition_has_an_instant(profile: Profile, more: dict[str, str], hour: int) -> None:
    """The time code where there is one, else the port's clock."""
    (outcome,) = status(profile, x4(FIRST, "1H", **more))

    assert outcome.occurred_at is not None
    assert outcome.occurred_at.astimezone(UTC) == datetime(2025, 3, 10, hour, 31, tzinfo=UTC)


def test_dispositions_come_in_the_order_of_their_times(profile: Profile) -> None:
    """A message may list them otherwise; remarks stay with their own."""
    outcomes = status(
        profile, x4(FIRST, "1C", "1640"), seg("K1", "GO AHEAD"), x4(SECOND, "1A", "1610"), x4(FIRST, "1I", "1630")
    )

    assert [(one.scn, one.code) for one in outcomes] == [(SECOND, "1A"), (FIRST, "1I"), (FIRST, "1C")]
    assert outcomes[2].correlation["remarks"] == ["GO AHEAD"]


def test_trip_events_are_kept_without_a_meaning(profile: Profile) -> None:
    """V9 values are not known; nothing is concluded from them."""
    (event,) = status(profile, seg("V9", "ARV", "ARRIVED", "20250310", "1629"))

    assert (event.scope, event.meaning, event.code) == ("trip", "unknown", "ARV")


# ------------------------------------------------------------------------------------------- what is not trusted


@pytest.mark.parametrize("keep", [0, 5, 106, 200, 0.5, 0.99])
def test_a_cut_off_answer_says_nothing(profile: Profile, keep: float) -> None:
    """A file that ends early gives no outcome, only problems; nothing is raised."""
    m10, _ = ends(profile, "Z")
    data = kit.in_envelope([m10, seg("P4", "0901", "20250310"), x4(FIRST, "1C")], profile, "350")
    reading = read_response(data[: int(keep * len(data)) if keep < 1 else int(keep)], profile)

    assert reading.outcomes == ()
    assert reading.problems[0].code == "unreadable_response"


def test_a_wrong_count_is_not_believed(profile: Profile) -> None:
    """A segment lost inside the set shows in its count."""
    m10, _ = ends(profile, "Z")
    data = kit.in_envelope([m10, seg("P4", "0901", "20250310"), x4(FIRST, "1H"), x4(FIRST, "1C")], profile, "350")
    pieces = data.split(profile.segment_terminator.encode())
    reading = read_response(profile.segment_terminator.encode().join(pieces[:5] + pieces[6:]), profile)

    assert reading.outcomes == ()
    assert "unreadable_response" in [problem.code for problem in reading.problems]


def test_our_own_message_is_no_answer(profile: Profile) -> None:
    """A 309 in the inbox is a problem, not an outcome."""
    reading = read_response(sent(profile), profile)

    assert (reading.outcomes, reading.problems[0].code) == ((), "unreadable_response")


def test_a_shipment_whose_disposition_cannot_be_read_is_passed_over(profile: Profile) -> None:
    """The others of the file still count."""
    m10, _ = ends(profile, "Z")
    data = kit.in_envelope([m10, seg("P4", "0901", "20250310"), x4(FIRST, "1C"), x4(SECOND, "1C")], profile, "350")
    reading = read_response(data.replace(b"*1C*", b"*C\x01*", 1), profile)

    assert [one.scn for one in reading.outcomes] == [SECOND]
    assert reading.problems[0].code == "unreadable_response"


def test_any_bytes_end_in_a_reading(profile: Profile) -> None:
    """Garbled answers never raise, and every meaning is one of the known words (fixed seed)."""
    rng = random.Random(20250310)
    m10, _ = ends(profile, "Z")
    good = [
        kit.in_envelope([m10, seg("P4", "0901", "20250310"), x4(FIRST, "1C"), seg("K1", "OK")], profile, "350"),
        kit.in_envelope(partly(profile), profile, "355"),
        kit.in_envelope(refusing("N4", 16, 2, "7"), profile, "997"),
    ]
    for _ in range(150):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        reading = read_response(bytes(data), profile, sent=sent(profile))

        assert {one.meaning for one in reading.outcomes} <= MEANINGS
        assert reading.outcomes or reading.problems


def test_every_element_of_the_path_table_exists() -> None:
    """The table names elements and segments of the X12 tables, no others."""
    for name in X12_PATHS:
        segment = name if name in SEGMENTS else name[:-2]

        assert segment in SEGMENTS
        assert name == segment or int(name[len(segment) :]) <= len(SEGMENTS[segment].elements)


def test_an_outcome_has_a_flat_json_shape(profile: Profile) -> None:
    """Every field is there, times as text; a word that is no meaning is refused."""
    (outcome,) = status(profile, x4(FIRST, "1C"))
    shown = outcome.as_dict()

    assert shown["occurred_at"] == "2025-03-10T16:31:00-04:00"
    assert set(shown) == set(Outcome.__slots__)
    with pytest.raises(ValueError, match="not a meaning"):
        Outcome("350", "trip", "fine")
