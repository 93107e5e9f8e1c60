"""A shipment becomes one cargo release transaction by the matrix of its type, or one list of what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.decision import Disclaimer
from mappings.entry import Action, EntryMessage, build_entry, check_entry, entry_records
from mappings.entry_values import line_dollars
from schemas.catair import BlockSpec, Record, read_batches, write_batch
from schemas.errors import FormatError
from schemas.shipment import ImporterOfRecord, Shipment
from tests import mapping_samples as kit
from tests import samples

CLAIM = {"agency": "FDA", "program": "COS", "disclaimer": "A"}


def entered(pathway: str = "informal", made: Shipment | None = None, **options: Any) -> EntryMessage:
    """The sample shipment entered by this pathway."""
    trip = options.pop("trip", kit.trip())
    filer = options.pop("filer", kit.FILER)
    return build_entry(made or kit.shipment(), kit.decided(pathway), trip, filer, kit.ENTRY_NUMBER, **options)


def layouts(message: EntryMessage) -> list[str]:
    """Layouts of the records in order."""
    return [record.layout for record in message.records]


def only(message: EntryMessage, layout: str) -> Record:
    """The one record of this layout."""
    (found,) = [record for record in message.records if record.layout == layout]
    return found


def faults(made: Shipment, pathway: str = "informal", **options: Any) -> dict[str, str]:
    """Path → code of everything that keeps the shipment from being entered."""
    found = check_entry(
        made, kit.decided(pathway), options.pop("trip", kit.trip()), options.pop("filer", kit.FILER), **options
    )
    return {problem.path: problem.code for problem in found}


@pytest.mark.parametrize(
    ("pathway", "expected"),
    [
        ("type86", "SE10 SE13 SE15 SE20 SE20 SE30 SE35 SE36 SE30 SE35 SE36 SE40 SE60"),
        (
            "informal",
            "SE10 SE13 SE15 SE20 SE30 SE35 SE36 SE30 SE35 SE36 SE30 SE35 SE36 SE30 SE35 SE36 SE40 SE60",
        ),
        ("formal", "SE10 SE13 SE15 SE20 SE30 SE35 SE36 SE30 SE35 SE36 SE30 SE30 SE35 SE36 SE40 SE60"),
    ],
)
def test_each_type_has_its_records(pathway: str, expected: str) -> None:
    """Types 86, 11 and 01 send what the guide's matrix asks of each, in its order."""
    assert layouts(entered(pathway, certify=True)) == expected.split()


@pytest.mark.parametrize(
    ("pathway", "entities"),
    [
        ("type86", [("SE", "SAMPLE SHOP LTD"), ("CN", "PAT TESTWELL")]),
        (
            "informal",
            [("SE", "SAMPLE SHOP LTD"), ("BY", "PAT TESTWELL"), ("CN", "PAT TESTWELL"), ("MF", "SAMPLE SHOP LTD")],
        ),
        ("formal", [("SE", "SAMPLE SHOP LTD"), ("BY", "PAT TESTWELL"), ("CN", ""), ("MF", "SAMPLE SHOP LTD")]),
    ],
)
def test_each_type_names_its_parties(pathway: str, entities: list[tuple[str, str]]) -> None:
    """86: seller and consignee; 11: with buyer and manufacturer; 01: the consignee by the importer's number."""
    message = entered(pathway, certify=True)
    named = [record for record in message.records if record.layout == "SE30"]

    assert [(record.text("entity_code"), record.text("entity_name")) for record in named] == entities
    if pathway == "formal":
        assert (named[2].text("entity_identifier_qualifier"), named[2].text("entity_identifier")) == (
            "EI",
            "12-3456789",
        )


@pytest.mark.parametrize(
    ("pathway", "header"),
    [
        (
            "type86",
            {"entry_type": "86", "bond_type_code": "0", "importer_of_record": None, "estimated_entry_value": 45},
        ),
        (
            "informal",
            {
                "entry_type": "11",
                "bond_type_code": "8",
                "importer_of_record": "12-3456789",
                "importer_of_record_type": "EI",
            },
        ),
        ("formal", {"entry_type": "01", "bond_type_code": "8", "planned_port_of_entry": "0901"}),
    ],
)
def test_the_header_follows_the_type(pathway: str, header: dict[str, Any]) -> None:
    """Entry type, bond, importer, value, mode and port stand in SE10 as the type asks."""
    se10 = only(entered(pathway, certify=True), "SE10")

    assert {key: se10.get(key) for key in header} == header
    assert (se10.text("entry_filer_code"), se10.text("entry_number")) == ("XYZ", "12345671")
    assert se10.text("mode_of_transportation_code") == "30"


def test_every_message_reads_back_without_a_problem() -> None:
    """Written as a batch and read again, each entry is the same records and nothing is wrong."""
    for made, decision in kit.three_pathways()[1:]:
        message = build_entry(made, decision, kit.trip(), kit.FILER, kit.ENTRY_NUMBER)
        batch = write_batch("SE", "0901", "XYZ", "SECRET", [BlockSpec("0901", "XYZ", "REF-1", [message.records])])
        read = read_batches(batch)

        assert read.problems == []
        assert [one.record for one in read.batches[0].transactions[0].records] == list(message.records)


def test_a_container_changes_the_mode() -> None:
    """A truck with a container is mode 31."""
    trip = kit.trip(equipment=[{"type": "CL", "number": "TSTU1234567"}])

    assert only(entered(trip=trip), "SE10").text("mode_of_transportation_code") == "31"


@pytest.mark.parametrize(("number", "sent"), [("TSTC0451", "0451"), ("TSTC00451", "00451"), ("TSTC2503100001", None)])
def test_the_trip_number_is_sent_where_it_fits(number: str, sent: str | None) -> None:
    """SE11 takes five characters after the SCAC; a longer trip number is left out with a note."""
    message = entered(trip=kit.trip(trip_number=number))
    told = [record.text("voyage_flight_trip_manifest_number") for record in message.records if record.layout == "SE11"]

    assert told == ([sent] if sent else [])
    assert ("left_out", "trip.trip_number") not in [(note.kind, note.path) for note in message.notes] or sent is None


@pytest.mark.parametrize(
    ("shipment_id", "reference", "sent"),
    [
        ("T-1", "", "T-1"),
        ("ABCDEFGHI", "", "ABCDEFGHI"),
        ("ABCDEFGHIJ", "", None),
        ("ABCDEFGHIJ", "G0000017", "G0000017"),
    ],
)
def test_our_reference_has_nine_characters(shipment_id: str, reference: str, sent: str | None) -> None:
    """The shipment id where it fits, else the reference given, else none and a note."""
    message = entered(made=kit.shipment(shipment_id=shipment_id), reference=reference)
    told = [record.text("reference_identifier") for record in message.records if record.layout == "SE20"]

    assert told == ([sent] if sent else [])


def test_type_86_states_the_day_at_the_port() -> None:
    """EDA is the day on the port's clock, not the day in UTC."""
    message = entered("type86", trip=kit.trip(estimated_arrival="2025-03-11T03:30:00+00:00"))
    days = [
        record.text("reference_identifier")
        for record in message.records
        if record.text("reference_identifier_qualifier") == "EDA"
    ]

    assert days == ["031025"]


def test_the_bill_is_the_shipment_control_number() -> None:
    """SE15: regular bill, SCAC and rest apart, pieces, manifested electronically."""
    se15 = only(entered(made=kit.shipment(packages={"count": 3, "unit": "CTN"})), "SE15")

    assert dict(se15.values) == {
        "bill_type_indicator": "R",
        "issuer_code_of_bill_of_lading_number": "TSTC",
        "bill_of_lading_number": "25031000001",
        "quantity": 3,
        "non_ams_indicator": "N",
    }


@pytest.mark.parametrize(
    ("values", "limit", "expected"),
    [
        (["45.00"], 2500, [45]),
        (["44.50", "44.49"], 2500, [45, 44]),
        (["0.01"], 2500, [1]),
        (["1249.50", "1250.50"], 2500, [1249, 1251]),
        (["0.50", "799.50"], 800, [1, 799]),
        (["1249.60", "1250.90"], 2500, [1250, 1251]),
        (["1249.60", "1250.40"], None, [1250, 1250]),
    ],
)
def test_values_are_rounded_half_up_and_stay_lawful(values: list[str], limit: int | None, expected: list[int]) -> None:
    """Half up, at least 1; rounding alone never lifts a lawful sum over the limit of its type."""
    assert line_dollars([Decimal(value) for value in values], limit) == expected


@pytest.mark.parametrize(
    ("values", "total"), [(["0.40", "0.40"], 2), (["10.30", "10.30"], 21), (["10.60", "10.60"], 22)]
)
def test_the_entry_value_is_never_below_its_lines(values: list[str], total: int) -> None:
    """SE10 states the larger of the rounded total and the sum of the lines (condition 119)."""
    lines = [kit.line(line=n, value=value) for n, value in enumerate(values, start=1)]
    message = entered(made=kit.shipment(lines=lines, fair_retail_value=None))
    told = [record.get("line_item_value") for record in message.records if record.layout == "SE60"]

    assert only(message, "SE10").get("estimated_entry_value") == total
    assert sum(value for value in told if isinstance(value, int)) <= total


def test_makers_stand_at_the_lines_where_they_differ() -> None:
    """One manufacturer for all lines stands at the header, different ones at each line."""
    maker = kit.party("Atelier Test", "CA", "QC")
    same = [kit.line(line=n, manufacturer=maker) for n in (1, 2)]
    mixed = [kit.line(manufacturer=maker), kit.line(line=2)]

    header = entered(made=kit.shipment(lines=same, fair_retail_value=None))
    by_line = entered(made=kit.shipment(lines=mixed, fair_retail_value=None))

    assert [r.text("entity_name") for r in header.records if r.text("entity_code") == "MF"] == ["ATELIER TEST"]
    assert "SE50" not in layouts(header)
    assert [(r.layout, r.text("entity_name")) for r in by_line.records if r.text("entity_code") == "MF"] == [
        ("SE50", "ATELIER TEST"),
        ("SE50", "SAMPLE SHOP LTD"),
    ]
    assert ("derived", "lines") in [(note.kind, note.path) for note in by_line.notes]


def test_a_long_address_line_goes_on_in_the_next_component() -> None:
    """Broken between words, nothing lost, two components to a record."""
    lines = ("12 Old Mill Road at the Corner of Long Sample Avenue", "Unit 7")
    message = entered("type86", made=kit.shipment(consignee=kit.party("Pat", lines=lines)))
    told = [record for record in message.records if record.layout == "SE35"][1:]
    parts = [record.text(f"address_information_{at}") for record in told for at in (1, 2)]

    assert parts == ["12 OLD MILL ROAD AT THE CORNER OF", "LONG SAMPLE AVENUE", "UNIT 7", ""]
    assert {record.text("address_component_qualifier_1") for record in told} == {"15"}


def test_a_waiver_of_the_rule_book_disclaims() -> None:
    """A claim without its own disclaimer takes the one that the decision justifies, for that claim alone."""
    claims = [{"agency": "FDA", "program": "COS"}, {"agency": "FDA", "program": "DRU", "disclaimer": "A"}]
    waived = (Disclaimer(1, "lines[0].pga[0]", "FDA", "COS", "B", "sample.waiver"),)
    made = kit.shipment(lines=[kit.line(pga=claims)])
    message = build_entry(made, kit.decided("informal", disclaimers=waived), kit.trip(), kit.FILER, kit.ENTRY_NUMBER)

    assert [record.text("disclaimer") for record in message.records if record.layout == "PG01"] == ["B", "A"]


def test_a_disclaimed_agency_gets_its_records() -> None:
    """OI and one PG01 for each claim, agencies together, numbered anew for each; 86 then names the importer."""
    claims = [CLAIM, {**CLAIM, "agency": "EPA", "program": "TS1"}, {**CLAIM, "program": "DRU"}]
    message = entered("type86", made=kit.shipment(lines=[kit.line(pga=claims)]))
    told = [(r.text("government_agency_code"), r.get("pga_line_number")) for r in message.records if r.layout == "PG01"]

    assert layouts(message)[-5:] == ["SE60", "OI", "PG01", "PG01", "PG01"]
    assert told == [("FDA", 1), ("FDA", 2), ("EPA", 1)]
    assert only(message, "SE10").text("importer_of_record") == "12-3456789"


@pytest.mark.parametrize(
    ("changes", "pathway", "expected"),
    [
        ({"consignee": kit.party("P" * 36)}, "informal", {"consignee.name": "too_long"}),
        ({"shipper": kit.party("ß" * 18, "CA", "ON")}, "type86", {"shipper.name": "too_long"}),
        (
            {"consignee": kit.party("Pat", lines=("X" * 36,))},
            "type86",
            {"consignee.address.lines[0]": "too_long"},
        ),
        (
            {"lines": [kit.line(), kit.line(line=2, description="W" * 71)]},
            "informal",
            {"lines[1].description": "too_long"},
        ),
        ({"lines": [kit.line(value="2500.01")]}, "informal", {}),
        ({"lines": [kit.line(value="2500.50")]}, "informal", {"lines": "value_over_limit"}),
        ({"lines": [kit.line(value="801")]}, "type86", {"lines": "value_over_limit"}),
        ({"importer_of_record": None}, "informal", {"importer_of_record": "importer_missing"}),
        ({"importer_of_record": None}, "type86", {}),
        ({"lines": [kit.line(pga=[{"agency": "FDA"}])]}, "informal", {"lines[0].pga[0]": "pga_message_set"}),
        (
            {"lines": [kit.line(pga=[{"agency": "FDA", "disclaimer": "A"}])]},
            "informal",
            {"lines[0].pga[0].program": "missing"},
        ),
        ({"shipment_control_number": None}, "informal", {"shipment_control_number": "missing_scn"}),
        ({}, "section321", {"pathway": "no_entry_for_pathway"}),
        ({}, "review", {"pathway": "no_entry_for_pathway"}),
        ({}, "formal", {"pathway": "no_entry_for_pathway"}),
    ],
)
def test_a_dry_run_names_every_field_in_the_way(
    changes: dict[str, Any], pathway: str, expected: dict[str, str]
) -> None:
    """Staging asks once and is told each field that must change; nothing is cut or made up."""
    assert faults(kit.shipment(**{"fair_retail_value": None, **changes}), pathway) == expected


def test_all_problems_come_at_once() -> None:
    """Several faults of one shipment are one answer."""
    made = kit.shipment(
        consignee=kit.party("P" * 36),
        importer_of_record=None,
        lines=[kit.line(description="W" * 71)],
        fair_retail_value=None,
    )

    assert set(faults(made)) == {"consignee.name", "importer_of_record", "lines[0].description"}


def test_the_filers_default_importer_stands_in() -> None:
    """Where the shipment names no importer the filer's default does, with a note."""
    importer = ImporterOfRecord.model_validate({"name": "Shop US Inc", "number": "98-7654321", "number_type": "EIN"})
    message = entered(made=kit.shipment(importer_of_record=None), filer=replace(kit.FILER, default_importer=importer))

    assert only(message, "SE10").text("importer_of_record") == "98-7654321"
    assert ("derived", "importer_of_record") in [(note.kind, note.path) for note in message.notes]


@pytest.mark.parametrize(
    ("filer", "path"),
    [
        (replace(kit.FILER, contact_name=""), "filer.contact_name"),
        (replace(kit.FILER, contact_phone="1" * 16), "filer.contact_phone"),
        (replace(kit.FILER, bond_type="9"), "filer.bond_type"),
        (replace(kit.FILER, code="xyz"), "filer.code"),
    ],
)
def test_a_filer_that_is_not_set_up_is_told_so(filer: Any, path: str) -> None:
    """Settings that cannot be filed are problems of the filer, not of the shipment."""
    assert path in faults(kit.shipment(), filer=filer)


def test_an_entry_number_of_another_filer_is_refused() -> None:
    """SE10 and the block must name one filer."""
    with pytest.raises(FormatError) as caught:
        build_entry(kit.shipment(), kit.decided("informal"), kit.trip(), kit.FILER, "ABC12345671")

    assert [problem.code for problem in caught.value.problems] == ["wrong_entry_number"]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("R", "SE10 SE13 SE15 SE20 SE30 SE35 SE36 SE30 SE35 SE36 SE30 SE35 SE36 SE30 SE35 SE36 SE40 SE60"),
        ("U", "SE10 SE13 SE15 SE20"),
        ("D", "SE10 SE13 SE20 SE20"),
    ],
)
def test_other_actions_send_their_own_records(action: Action, expected: str) -> None:
    """Replace sends everything, update header, bill and references, cancel its reason and what replaces it."""
    more: dict[str, Any] = {"reason_code": "03", "references": [("EN", "XYZ12345705")]} if action == "D" else {}
    message = entered(action=action, **more)
    batch = write_batch("SE", "0901", "XYZ", "SECRET", [BlockSpec("0901", "XYZ", "", [message.records])])

    assert layouts(message) == expected.split()
    assert only(message, "SE10").text("valid_action_code") == action
    assert read_batches(batch).problems == []


@pytest.mark.parametrize(
    ("reason", "code"), [("", "reason_missing"), ("13", "reason_missing"), ("03", "reference_missing")]
)
def test_a_cancellation_needs_its_reason(reason: str, code: str) -> None:
    """Without a reason of the list, or without what replaces the entry where the reason says so, none is made."""
    with pytest.raises(FormatError) as caught:
        entered(action="D", reason_code=reason)

    assert [problem.code for problem in caught.value.problems] == [code]


def test_the_record_list_is_that_of_the_entry() -> None:
    """The short way gives the same records."""
    records = entry_records(kit.shipment(), kit.decided("informal"), kit.trip(), kit.FILER, kit.ENTRY_NUMBER)

    assert tuple(records) == entered().records


def test_a_decision_for_another_entry_type_is_not_bent() -> None:
    """A quota or AD/CVD entry is not written as type 01."""
    found = check_entry(kit.shipment(), kit.decided("formal", entry_type="03"), kit.trip(), kit.FILER, certify=True)

    assert [problem.code for problem in found] == ["entry_type_not_written"]


def test_samples_are_fictional() -> None:
    """The samples name nobody real: the carrier code is TSTC everywhere."""
    assert samples.trip()["carrier_scac"] == "TSTC"
