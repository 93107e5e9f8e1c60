"""Trip and shipments become the body of 309 messages, or one list of what cannot be said."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pytest

from mappings.manifest import bill_segments, build_manifest, trip_segments
from mappings.manifest_bill import LINE_UNITS
from mappings.notes import pieces
from schemas.errors import FormatError
from schemas.profile import Profile, load_profile
from schemas.x12 import Segment, read_interchange
from tests import mapping_samples as kit
from tests import samples

PROFILES = ["default", "alternate"]


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> Profile:
    """Both profiles: nothing may silently depend on one."""
    return load_profile(request.param)


def bill(profile: Profile, pathway: str = "informal", trip: Any = None, **changes: Any) -> tuple[Segment, ...]:
    """The LX loop of the sample shipment with these changes."""
    made = bill_segments(kit.shipment(**changes), kit.decided(pathway), trip or kit.trip(), profile, 1)
    return made.segments


def first(segments: tuple[Segment, ...], name: str) -> Segment:
    """The first segment of that name."""
    return next(one for one in segments if one.id == name)


def refused(**changes: Any) -> dict[str, str]:
    """Path → code of everything that keeps the sample with these changes off the manifest."""
    pathway = changes.pop("decision", "section321")
    trip = changes.pop("on", kit.trip())
    with pytest.raises(FormatError) as caught:
        bill_segments(kit.shipment(**changes), kit.decided(pathway), trip, load_profile(), 1)
    return {problem.path: problem.code for problem in caught.value.problems}


def test_every_message_reads_back_without_a_problem(profile: Profile) -> None:
    """What is built is what the reader accepts, segment for segment."""
    (message,) = build_manifest(kit.trip(), kit.three_pathways(), profile)

    read = read_interchange(kit.in_envelope(message.segments, profile), profile)

    assert read.problems == ()
    assert read.body == message.segments


@pytest.mark.parametrize(
    ("pathway", "kind"),
    [("section321", "section321"), ("type86", "paps"), ("informal", "paps"), ("formal", "paps")],
)
def test_the_bill_type_follows_the_pathway(profile: Profile, pathway: str, kind: str) -> None:
    """Section 321 has its own bill type; everything that an entry releases is a regular bill."""
    assert profile.bill_types[kind] == first(bill(profile, pathway), "M11").element(9)


def test_a_review_shipment_cannot_ride(profile: Profile) -> None:
    """A shipment that nobody has decided has no bill type and must come off the truck."""
    with pytest.raises(FormatError) as caught:
        build_manifest(kit.trip(), [(kit.shipment(), kit.decided("review"))], profile)

    assert [(p.path, p.code) for p in caught.value.problems] == [("shipments[0].pathway", "not_for_the_manifest")]


def test_the_trip_number_stands_where_the_profile_says(profile: Profile) -> None:
    """Manifest header: carrier, mode, country of the truck, TRUCK, count, type and the trip number's element."""
    segments, _ = trip_segments(kit.trip(), profile, "W", 7)
    m10 = first(segments, "M10")
    place = int(profile.trip_number_element[3:])

    assert m10.element(place) == "TSTC2503100001"
    assert tuple(m10.element(at) for at in (1, 2, 3, 5, 8, 9)) == ("TSTC", "J", "CA", "TRUCK", "7", "W")


@pytest.mark.parametrize(
    ("port", "instant", "day", "clock"),
    [
        ("0901", "2025-03-10T20:30:00+00:00", "20250310", "1630"),
        ("3004", "2025-03-11T03:15:00+00:00", "20250310", "2015"),
        ("0901", "2025-01-10T20:30:00+00:00", "20250110", "1530"),
    ],
)
def test_the_arrival_is_on_the_ports_clock(port: str, instant: str, day: str, clock: str) -> None:
    """P4 gives date and time as the clock at the crossing shows them, summer and winter, east and west."""
    trip = kit.trip(port_of_arrival=port, estimated_arrival=instant)
    segments, _ = trip_segments(trip, load_profile(), "W", 1)

    assert (port, day, clock) == tuple(first(segments, "P4").element(at) for at in (1, 2, 5))


def test_another_zone_of_the_profile_is_obeyed() -> None:
    """If CBP means another clock, that is one fact of the profile."""
    segments, _ = trip_segments(kit.trip(), load_profile(overrides={"arrival_time_zone": "UTC"}), "W", 1)

    assert first(segments, "P4").element(5) == "2030"


def test_the_driver_comes_first(profile: Profile) -> None:
    """The person in charge leads, whatever the order given; each role has the profile's code."""
    driver = samples.trip()["crew"][0]
    others = [{**driver, "role": "passenger", "last_name": "Zed"}, {**driver, "role": "crew", "last_name": "Abel"}]
    segments, _ = trip_segments(kit.trip(crew=[*others, driver]), profile, "W", 1)
    people = [(one.element(1), one.element(3)) for one in segments if one.id == "NM1"]
    codes = profile.crew_role_codes

    assert [(codes["driver"], "TESTWELL"), (codes["crew"], "ABEL"), (codes["passenger"], "ZED")] == people


def test_a_truck_without_plate_says_where_it_comes_from() -> None:
    """M1003 is mandatory: without a plate it says CA, and the note says so."""
    conveyance = {"type": "TR", "vin": "1M8GDM9AXKP042788"}
    segments, notes = trip_segments(kit.trip(conveyance=conveyance), load_profile(), "W", 1)

    assert first(segments, "M10").element(3) == "CA"
    assert ("derived", "trip.conveyance.plate") in [(note.kind, note.path) for note in notes]


def test_a_truck_without_equipment_names_that(profile: Profile) -> None:
    """The goods need a VID: the profile's code for no equipment."""
    vid = first(bill(profile, trip=kit.trip(equipment=[])), "VID")

    assert (profile.no_equipment_code, "", profile.no_equipment_number) == vid.elements


def test_seals_go_on_in_m7(profile: Profile) -> None:
    """Two seals stand in VID, four in each M7 after it, none is lost."""
    seals = [f"SEAL{n:02d}" for n in range(22)]
    equipment = [{"type": "TL", "number": "T53012", "seals": seals}]
    segments = bill(profile, trip=kit.trip(equipment=equipment))
    vid = first(segments, "VID")
    told = [vid.element(4), vid.element(5), *(seal for one in segments if one.id == "M7" for seal in one.elements)]

    assert seals == told


@pytest.mark.parametrize(
    ("value", "unit", "weight", "code"),
    [("1.20", "KG", "1.2", "K"), ("820", "KG", "820", "K"), ("0.050", "LB", "0.05", "L"), ("100.00", "LB", "100", "L")],
)
def test_a_weight_keeps_its_decimals(value: str, unit: str, weight: str, code: str) -> None:
    """Type R takes decimals: a weight is never rounded, only zeros that say nothing go."""
    m11 = first(bill(load_profile(), gross_weight={"value": value, "unit": unit}), "M11")

    assert (weight, code) == (m11.element(5), m11.element(6))


@pytest.mark.parametrize(
    ("value", "dollars"),
    [("45.00", "45"), ("44.50", "45"), ("44.49", "44"), ("0.40", "01"), ("5", "05"), ("9.5", "10")],
)
def test_a_value_is_whole_dollars_of_two_digits(value: str, dollars: str) -> None:
    """Half up, at least one dollar, at least two characters (X12 N1006)."""
    assert dollars == first(bill(load_profile(), lines=[kit.line(value=value)]), "N10").element(6)


def test_a_long_description_is_continued_and_never_cut(profile: Profile) -> None:
    """Further N10 segments hold only description; joined with spaces they give the whole."""
    words = "Hand carved maple serving bowls with lids, oiled, food safe, in sets of three, from the Gaspe coast"
    segments = bill(profile, lines=[kit.line(description=words)])
    goods = [one for one in segments if one.id == "N10"]

    assert words.upper() == " ".join(one.element(2) for one in goods)
    assert len(goods) == 3
    assert all(one.elements == ("", one.element(2)) for one in goods[1:])


def test_names_are_transliterated_and_noted() -> None:
    """A name of another alphabet is written for CBP, and both forms are kept."""
    made = bill_segments(
        kit.shipment(consignee=kit.party("Zoë Ångström")), kit.decided("informal"), kit.trip(), load_profile(), 1
    )

    assert "ZOE ANGSTROM" in [one.element(2) for one in made.segments if one.id == "N1"]
    assert [(note.path, note.before, note.after) for note in made.notes if note.kind == "transliterated"] == [
        ("consignee.name", "Zoë Ångström", "ZOE ANGSTROM")
    ]


def test_a_region_outside_us_and_canada_is_a_subdivision(profile: Profile) -> None:
    """N402 is for states and provinces; elsewhere N407 (rule E0207 forbids both)."""
    segments = bill(profile, shipper=kit.party("Taller Prueba", "MX", "JAL"))
    n4 = first(segments, "N4")

    assert (n4.element(2), n4.element(7), n4.element(4)) == ("", "JAL", "MX")


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"consignee": kit.party("ß" * 40)}, "consignee.name", "too_long"),
        ({"lines": [kit.line(description="W" * 46)]}, "lines[0].description", "too_long"),
        ({"lines": [kit.line(), kit.line(line=2, value="100000000")]}, "lines[1].value", "too_long"),
        (
            {"lines": [kit.line(description="Mugs \N{SNOWMAN WITHOUT SNOW} and more")]},
            "lines[0].description",
            "invalid_character",
        ),
        ({"shipment_control_number": None}, "shipment_control_number", "missing_scn"),
        ({"gross_weight": {"value": "123456789.123456", "unit": "KG"}}, "gross_weight.value", "too_long"),
        ({"shipper": kit.party("Taller", "MX", "JAL", ("ß" * 30,))}, "shipper.address.lines[0]", "too_long"),
    ],
)
def test_what_does_not_fit_is_told_by_the_shipments_own_path(changes: dict[str, Any], path: str, code: str) -> None:
    """Staging can test one shipment alone; each problem names the field that must change."""
    assert {path: code} == refused(**changes)


def test_all_problems_come_at_once() -> None:
    """One correction must be able to mend everything."""
    found = refused(
        consignee=kit.party("ß" * 40),
        shipment_control_number=None,
        lines=[kit.line(description="W" * 50)],
        decision="review",
    )

    assert {"consignee.name", "shipment_control_number", "lines[0].description", "pathway"} == set(found)


def test_a_fault_of_the_trip_is_told_once(profile: Profile) -> None:
    """Every shipment rides in the same trailer: its fault is one problem with a trip path."""
    equipment = [{"type": "TL", "number": "T1", "plate": {"number": "X1", "region": "JAL", "country": "MX"}}]
    with pytest.raises(FormatError) as caught:
        build_manifest(kit.trip(equipment=equipment), kit.three_pathways(), profile)

    assert [problem.path for problem in caught.value.problems] == ["trip.equipment[0].plate.region"]


def test_two_shipments_with_one_control_number_are_refused(profile: Profile) -> None:
    """CBP would refuse the second; it is found before."""
    pair = (kit.shipment(), kit.decided("informal"))
    with pytest.raises(FormatError) as caught:
        build_manifest(kit.trip(), [pair, pair], profile)

    assert [(p.code, p.path) for p in caught.value.problems] == [
        ("duplicate_scn", "shipments[1].shipment_control_number")
    ]


def test_many_shipments_make_several_messages(profile: Profile) -> None:
    """All but the last are preliminary; each numbers and counts its own bills; together they hold all in order."""
    pairs = [(kit.shipment(shipment_control_number=f"TSTC{n:08d}"), kit.decided("informal")) for n in range(7)]
    messages = build_manifest(kit.trip(), pairs, profile, limit=3)

    assert [message.kind for message in messages] == ["P", "P", "W"]
    assert [shipment.scn for shipment, _ in pairs] == [scn for message in messages for scn in message.scns]
    assert [first(message.segments, "M10").element(8) for message in messages] == ["3", "3", "1"]
    assert [one.element(1) for one in messages[1].segments if one.id == "LX"] == ["1", "2", "3"]
    for message in messages:
        assert read_interchange(kit.in_envelope(message.segments, profile), profile).problems == ()


def test_a_preliminary_manifest_stays_one(profile: Profile) -> None:
    """The caller may ask for a preliminary manifest; any other type is a mistake."""
    (message,) = build_manifest(kit.trip(), kit.three_pathways(), profile, message_type="P")

    assert message.kind == "P"
    with pytest.raises(ValueError, match="complete or preliminary"):
        build_manifest(kit.trip(), kit.three_pathways(), profile, message_type="Y")


def test_notes_of_a_manifest_name_the_shipment(profile: Profile) -> None:
    """In a message of many, a note says whose it is; its JSON shape is flat text."""
    (message,) = build_manifest(kit.trip(), kit.three_pathways(), profile)
    rounded = next(note for note in message.notes if note.kind == "rounded")

    assert rounded.path == "shipments[1].lines[0].value"
    assert asdict(rounded) == rounded.as_dict()


def test_a_piece_count_unit_has_its_packaging_name() -> None:
    """NO is a unit of entry lines; on the manifest it is PCS."""
    assert LINE_UNITS["NO"] == first(bill(load_profile()), "N10").element(10)


def test_goods_that_are_not_counted_in_packages_are_said_as_they_are_packed() -> None:
    """N1010 takes packaging units: two dozen in one box is 1 BOX there, and the note keeps what was given."""
    shipment = kit.shipment(lines=[kit.line(quantity="2", unit="DOZ")])
    made = bill_segments(shipment, kit.decided("informal"), kit.trip(), load_profile(), 1)

    goods = first(made.segments, "N10")

    assert (goods.element(1), goods.element(10)) == ("1", "BOX")
    assert [(n.before, n.after) for n in made.notes if n.path == "lines[0].unit"] == [("2 DOZ", "1 BOX")]


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("", 5, [""]),
        ("AB CD EF", 5, ["AB CD", "EF"]),
        ("ABCDE F", 5, ["ABCDE", "F"]),
        ("ABCDEFG H", 5, ["ABCDEFG", "H"]),
    ],
)
def test_text_breaks_between_words(text: str, longest: int, expected: list[str]) -> None:
    """Pieces joined with spaces give the text; a word that is too long stays whole, for the caller to refuse."""
    assert expected == pieces(text, longest)
    assert text == " ".join(pieces(text, longest))


def test_five_thousand_bills_take_about_a_second() -> None:
    """A full truck is said and written in about a second (bound generous for a busy machine)."""
    profile = load_profile()
    pairs = [
        (
            kit.shipment(shipment_control_number=f"TSTC{n:08d}", consignee=kit.party(f"Pat Tester {n}")),
            kit.decided("informal"),
        )
        for n in range(5000)
    ]
    begun = time.process_time()
    (message,) = build_manifest(kit.trip(), pairs, profile)
    data = kit.in_envelope(message.segments, profile)
    spent = time.process_time() - begun

    assert len(data) > 1_000_000
    assert spent < 3
