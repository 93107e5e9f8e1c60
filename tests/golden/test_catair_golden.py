"""Do known files keep reading to the same values, and known values keep writing to the same bytes?

The files follow the layouts of CBP's chapters; their parties, numbers and goods are invented and none
of them was ever sent.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.catair import BlockSpec, Record, Value, read_batches, rec, write_batch, write_record

FOLDER = Path(__file__).parent / "catair"
FILES = sorted(FOLDER.glob("*.txt"))
DAY = date(2026, 10, 1)


def header(**values: Value) -> Record:
    """The truck entry's header."""
    return Record(
        "SE10",
        {
            "valid_action_code": "A",
            "entry_filer_code": "XYZ",
            "entry_number": "12345671",
            "entry_type": "01",
            "importer_of_record_type": "EI",
            "importer_of_record": "12-3456789",
            "mode_of_transportation_code": "30",
            "bond_type_code": "8",
            "estimated_entry_value": 12500,
            "planned_port_of_entry": "3801",
            **values,
        },
    )


CONTACT = rec("SE13", contact_name="JANE BROKER", contact_phone="3135550100")
TRUCK = [
    header(),
    rec("SE11", location_of_goods="I123", voyage_flight_trip_manifest_number="00451"),
    CONTACT,
    rec(
        "SE15",
        bill_type_indicator="R",
        issuer_code_of_bill_of_lading_number="ABCD",
        bill_of_lading_number="0012504",
        quantity=48,
        non_ams_indicator="N",
    ),
    rec("SE20", reference_identifier_qualifier="CR", reference_identifier="JOB123456"),
    rec("SE30", entity_code="BY", entity_identifier_qualifier="EI", entity_identifier="12-3456789"),
    rec("SE30", entity_code="CN", entity_identifier_qualifier="EI", entity_identifier="12-3456789"),
    rec("SE30", entity_code="SE", entity_name="NORTHERN EXPORTS INC"),
    rec("SE35", address_component_qualifier_1="15", address_information_1="88 KING STREET WEST"),
    rec("SE36", city_name="TORONTO", country_sub_entity_code="ON", postal_code="M5H1A1", country_code="CA"),
    rec("SE30", entity_code="MF", entity_name="NORTHERN WOODWORKS LTD"),
    rec("SE35", address_component_qualifier_1="15", address_information_1="1200 MILL ROAD"),
    rec("SE36", city_name="WINDSOR", country_sub_entity_code="ON", postal_code="N8X2S2", country_code="CA"),
    rec(
        "SE40",
        line_item_identifier=1,
        country_of_origin="CA",
        commercial_invoice_description="STAINLESS STEEL KITCHEN SINKS",
    ),
    rec("SE60", hts_number="7324100010", line_item_value=12500),
]
CANCEL = [
    header(valid_action_code="D"),
    rec("SE13", contact_name="JANE BROKER", contact_phone="3135550100", reason_code="03"),
    rec("SE20", reference_identifier_qualifier="EN", reference_identifier="XYZ12345705"),
]
UPDATE = [
    header(valid_action_code="U", planned_port_of_entry="3802"),
    rec("SE11", location_of_goods="I123", voyage_flight_trip_manifest_number="00452"),
    CONTACT,
    rec(
        "SE15",
        bill_type_indicator="R",
        issuer_code_of_bill_of_lading_number="ABCD",
        bill_of_lading_number="0012599",
        quantity=48,
        non_ams_indicator="N",
    ),
]


def values(name: str, layout: str) -> dict[str, Value]:
    """Values of the first record of a layout in a file."""
    read = read_batches((FOLDER / f"{name}.txt").read_bytes())
    return next(one.values for one in read.records if one.layout == layout)


def test_every_example_is_here() -> None:
    """Requests, responses, statuses, queries, summaries and rejections are all covered."""
    kinds = {path.stem.partition("_")[0] for path in FILES}
    assert kinds == {"se", "sx", "so", "cq", "c1", "ae", "ax", "rejected"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_read_without_a_problem_and_write_back(path: Path) -> None:
    """A known file has no problem, and its records write back to the same bytes."""
    data = path.read_bytes()
    read = read_batches(data)

    assert read.problems == []
    assert len(read.batches) == 1
    assert b"".join(write_record(one.record) + b"\n" for one in read.records) == data


@pytest.mark.parametrize(
    ("name", "records"),
    [("se_type01_truck", TRUCK), ("se_cancel_cleared_otherwise", CANCEL), ("se_update_port_and_bill", UPDATE)],
)
def test_values_write_to_the_known_bytes(name: str, records: list[Record]) -> None:
    """The same values give the same file, byte for byte."""
    block = BlockSpec(port="3801", filer="XYZ", user_data="REF-000001", transactions=[records])

    assert (
        write_batch("SE", "3801", "XYZ", "PASSWD", [block], DAY, "REF-000001") == (FOLDER / f"{name}.txt").read_bytes()
    )


def test_consignee_by_name_and_address() -> None:
    """The historic air request has two lines, an estimated arrival and an address in two parts."""
    read = read_batches((FOLDER / "se_type86_air.txt").read_bytes())
    transaction = read.batches[0].transactions[0]

    assert values("se_type86_air", "SE20")["reference_identifier"] == "100226"
    assert values("se_type86_air", "SE35") == {
        "address_component_qualifier_1": "01",
        "address_information_1": "742",
        "address_component_qualifier_2": "02",
        "address_information_2": "EVERGREEN TERRACE",
    }
    assert [one.values["line_item_value"] for one in transaction.all("SE60")] == [24, 40]


def test_a_disclaimed_agency_line() -> None:
    """OI and a PG01 with a disclaimer are all a disclaimed agency needs."""
    assert values("se_agency_disclaimed", "PG01") == {
        "pga_line_number": 1,
        "government_agency_code": "FDA",
        "government_agency_program_code": "COS",
        "disclaimer": "A",
    }


def test_responses() -> None:
    """The verdict is the last SE90; the error stands right after the record it is about."""
    accepted = read_batches((FOLDER / "sx_accepted.txt").read_bytes()).batches[0].transactions[0]
    rejected = read_batches((FOLDER / "sx_rejected.txt").read_bytes()).batches[0].transactions[0]

    assert accepted.records[-1].values["message_type_code"] == "02"
    assert [one.values["message_type_code"] for one in rejected.records if one.layout == "SE90"] == ["11", "01"]
    assert rejected.records[1].values["message_identifier_code"] == "119"
    assert rejected.records[1].values["narrative_message_text"] == "VALUE LESS THAN ALL LINE-ITEM VALUES"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("so_admissible", "97"),
        ("so_under_review", "90"),
        ("so_document_required", "96"),
        ("so_intensive_exam", "03"),
        ("so_released", "98"),
    ],
)
def test_statuses(name: str, code: str) -> None:
    """Each status carries its disposition code."""
    assert values(name, "SO60")["disposition_action_code"] == code


def test_status_details() -> None:
    """Document type, release date and origin, and agency references come out of their columns."""
    assert values("so_document_required", "SO60")["document_type"] == "CBP01"
    assert values("so_released", "SO60")["release_date"] == date(2026, 10, 2)
    assert values("so_released", "SO60")["release_origin_code"] == "05"
    assert values("so_released", "SO40")["quantity"] == 48
    assert values("so_agency_may_proceed", "SO71") == {
        "pga_reference_identification_number_qualifier_1": "06",
        "pga_reference_identification_number_1": "123456789012",
        "pga_reference_identification_number_receipt_date": date(2026, 10, 1),
        "pga_reference_identification_number_receipt_time": "110455",
    }


def test_rejections() -> None:
    """A refused batch says where (X0) and why (X1), and ends with 999."""
    read = read_batches((FOLDER / "rejected_unknown_record.txt").read_bytes())
    records = read.batches[0].transactions[0].records

    assert read.batches[0].rejected
    assert [one.layout for one in records] == ["X0.BLOCK", "X0.TRNACT", "X1", "X1"]
    assert records[1].values == {
        "occurrence_position": 1,
        "relative_position_of_the_80_char_record_within_the_batch": 5,
        "relative_column_of_the_syntax_problem": 0,
    }
    assert [one.values["condition_code"] for one in records[2:]] == ["X34", "999"]
