"""Do whole requests with agency data or a security filing go out column by column and come back as they were?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.catair import BlockSpec, Record, read_batches, rec, write_batch
from schemas.errors import FormatError

DAY = date(2026, 10, 1)

HEADER = [
    rec(
        "SE10",
        valid_action_code="A",
        entry_filer_code="XYZ",
        entry_number="12345671",
        entry_type="11",
        importer_of_record_type="EI",
        importer_of_record="12-3456789",
        mode_of_transportation_code="30",
        bond_type_code="8",
        estimated_entry_value=300,
        planned_port_of_entry="3801",
    ),
    rec("SE13", contact_name="DESK", contact_phone="3135550100"),
    rec("SE40", line_item_identifier=1, country_of_origin="CA", commercial_invoice_description="GOODS"),
]


def tariff(hts: str, value: int) -> Record:
    """The record above agency data."""
    return rec("SE60", hts_number=hts, line_item_value=value)


def agency_line(program: str, processing: str | None = None, **values: Any) -> Record:
    """A PG01 of the FDA."""
    return rec(
        "PG01",
        pga_line_number=1,
        government_agency_code="FDA",
        government_agency_program_code=program,
        government_agency_processing_code=processing,
        **values,
    )


def product(code: str) -> Record:
    """A PG02 of a product with its FDA product code."""
    return rec("PG02", item_type="P", product_code_qualifier_1="FDP", product_code_number_1=code)


def party(role: str, name: str, street: str, city: str, state: str | None, country: str, postal: str) -> list[Record]:
    """PG19 and PG20."""
    return [
        rec("PG19", entity_role_code=role, entity_name=name, entity_address_1=street),
        rec(
            "PG20",
            entity_city=city,
            entity_state_province=state,
            entity_country=country,
            entity_zip_postal_code=postal,
        ),
    ]


def contact(role: str, name: str, phone: str, email: str) -> Record:
    """A PG21."""
    return rec(
        "PG21",
        individual_qualifier=role,
        individual_name=name,
        telephone_number_of_the_individual=phone,
        email_address_or_fax_number_for_the_individual=email,
    )


def package(level: str, quantity: int, unit: str) -> Record:
    """A PG26; the quantity has two implied decimals."""
    return rec("PG26", packaging_qualifier=level, quantity=quantity, unit_of_measure=unit)


def arrival(at: str, **place: str) -> Record:
    """A PG30 of an anticipated arrival."""
    return rec(
        "PG30",
        inspection_laboratory_testing_status="A",
        inspection_testing_or_arrival_date=date(2026, 10, 2),
        inspection_testing_or_arrival_time=at,
        **place,
    )


DISCLAIMED = [
    tariff("3304995000", 150),
    rec("OI", commercial_description="EMPTY COSMETIC JARS"),
    agency_line("COS", disclaimer="A"),
]
DISCLAIMED_LINES = """\
SE6033049950000000000150
OI        EMPTY COSMETIC JARS
PG01001FDACOS                                                                  A
"""

COSMETIC = [
    tariff("3304995000", 150),
    rec("OI", commercial_description="FACE CREAM 50ML"),
    agency_line("COS"),
    product("53LY-01"),
    rec("PG06", source_type_code="39", country_code="FR"),
    rec("PG07", trade_name_brand_name="BELLE"),
    rec("PG10", commodity_characteristic_description="FACE CREAM"),
    *party("MF", "BELLE COSMETIQUE SA", "12 RUE DE LYON", "PARIS", None, "FR", "75012"),
    *party("DEQ", "BELLE COSMETIQUE SA", "12 RUE DE LYON", "PARIS", None, "FR", "75012"),
    *party("FD1", "SKIN IMPORTS LLC", "1 MAIN ST", "DETROIT", "MI", "US", "48201"),
    contact("FD1", "ANN IMPORTER", "3135550101", "ANN@SKINIMPORTS.EXAMPLE"),
    *party("DP", "SKIN IMPORTS LLC", "1 MAIN ST", "DETROIT", "MI", "US", "48201"),
    rec("PG25", pga_line_value=150),
    package("1", 1000, "CT"),
    package("2", 10000, "PCS"),
    arrival("0800"),
]
COSMETIC_LINES = """\
SE6033049950000000000150
OI        FACE CREAM 50ML
PG01001FDACOS
PG02PFDP 53LY-01
PG0639 FR
PG07BELLE
PG10                   FACE CREAM
PG19MF                   BELLE COSMETIQUE SA             12 RUE DE LYON
PG20                                     PARIS                   FR75012
PG19DEQ                  BELLE COSMETIQUE SA             12 RUE DE LYON
PG20                                     PARIS                   FR75012
PG19FD1                  SKIN IMPORTS LLC                1 MAIN ST
PG20                                     DETROIT              MI US48201
PG21FD1ANN IMPORTER           3135550101     ANN@SKINIMPORTS.EXAMPLE
PG19DP                   SKIN IMPORTS LLC                1 MAIN ST
PG20                                     DETROIT              MI US48201
PG25                                                    000000000150
PG261000000001000CT
PG262000000010000PCS
PG30A100220260800
"""

FOOD = [
    tariff("1905319049", 300),
    rec("OI", commercial_description="BUTTER COOKIES"),
    agency_line("FOO", "PRO"),
    product("03BGE01"),
    rec("PG06", source_type_code="39", country_code="CA"),
    rec("PG06", source_type_code="CSH", country_code="CA"),
    rec("PG07", trade_name_brand_name="MAPLE BRAND"),
    rec("PG10", commodity_characteristic_description="BUTTER COOKIES"),
    *party("MF", "MAPLE BAKERY LTD", "5 OVEN RD", "LONDON", "ON", "CA", "N6A1A1"),
    rec("PG23", affirmation_of_compliance_code="PFR", affirmation_of_compliance_description="12345678901"),
    *party("DEQ", "MAPLE EXPORTS LTD", "7 DOCK RD", "LONDON", "ON", "CA", "N6A1A2"),
    *party("FD1", "GREAT LAKES FOODS INC", "9 LAKE AVE", "DETROIT", "MI", "US", "48201"),
    contact("FD1", "BOB FOODS", "3135550102", "BOB@GLFOODS.EXAMPLE"),
    *party("DFP", "GREAT LAKES FOODS INC", "9 LAKE AVE", "DETROIT", "MI", "US", "48201"),
    *party("UC", "GREAT LAKES FOODS INC", "9 LAKE AVE", "DETROIT", "MI", "US", "48201"),
    *party("PNS", "XYZ CUSTOMS BROKERS", "100 FORT ST", "DETROIT", "MI", "US", "48226"),
    contact("PNS", "JANE BROKER", "3135550100", "JANE@XYZ.EXAMPLE"),
    *party("PNT", "XYZ CUSTOMS BROKERS", "100 FORT ST", "DETROIT", "MI", "US", "48226"),
    contact("PNT", "JANE BROKER", "3135550100", "JANE@XYZ.EXAMPLE"),
    rec("PG23", affirmation_of_compliance_code="CAN", affirmation_of_compliance_description="ABCD"),
    rec("PG25", pga_line_value=300),
    package("1", 5000, "CT"),
    package("2", 60000, "KG"),
    arrival("0800", inspection_or_arrival_location_code="2", inspection_or_arrival_location="3801"),
]
FOOD_LINES = """\
SE6019053190490000000300
OI        BUTTER COOKIES
PG01001FDAFOOPRO
PG02PFDP 03BGE01
PG0639 CA
PG06CSHCA
PG07MAPLE BRAND
PG10                   BUTTER COOKIES
PG19MF                   MAPLE BAKERY LTD                5 OVEN RD
PG20                                     LONDON               ON CAN6A1A1
PG23PFR  12345678901
PG19DEQ                  MAPLE EXPORTS LTD               7 DOCK RD
PG20                                     LONDON               ON CAN6A1A2
PG19FD1                  GREAT LAKES FOODS INC           9 LAKE AVE
PG20                                     DETROIT              MI US48201
PG21FD1BOB FOODS              3135550102     BOB@GLFOODS.EXAMPLE
PG19DFP                  GREAT LAKES FOODS INC           9 LAKE AVE
PG20                                     DETROIT              MI US48201
PG19UC                   GREAT LAKES FOODS INC           9 LAKE AVE
PG20                                     DETROIT              MI US48201
PG19PNS                  XYZ CUSTOMS BROKERS             100 FORT ST
PG20                                     DETROIT              MI US48226
PG21PNSJANE BROKER            3135550100     JANE@XYZ.EXAMPLE
PG19PNT                  XYZ CUSTOMS BROKERS             100 FORT ST
PG20                                     DETROIT              MI US48226
PG21PNTJANE BROKER            3135550100     JANE@XYZ.EXAMPLE
PG23CAN  ABCD
PG25                                                    000000000300
PG261000000005000CT
PG262000000060000KG
PG30A1002202608002   3801
"""


def filing_party(code: str, name: str) -> list[Record]:
    """A party of a security filing with its address."""
    return [
        rec("SF30", entity_code=code, entity_name=name),
        rec("SF35", address_component_qualifier_1="15", address_information_1="12 HARBOUR ROAD"),
        rec("SF36", city_name="ROTTERDAM", postal_code="3011AA", country_code="NL"),
    ]


def filing_header(**values: Any) -> Record:
    """A SF10 that adds a standard filing, with whatever is changed."""
    given = {
        "isf_submission_type": "1",
        "shipment_type_code": "01",
        "action_code": "A",
        "action_reason_code": "CT",
        "isf_importer_number_qualifier": "EI",
        "isf_importer_number": "12-3456789",
        "mode_of_transportation_code": "11",
        "scac_identifier": "ABCD",
        **values,
    }
    return rec("SF10", **given)


FILING = [
    tariff("7324100010", 300),
    filing_header(),
    rec("SF20", reference_identifier_qualifier="CR", reference_identifier="JOB123456"),
    rec(
        "SF25",
        equipment_description_code="CN",
        equipment_initial="ABCU",
        equipment_number=123456,
        equipment_number_check_digit="7",
        equipment_size_type_code="4510",
    ),
    *filing_party("MF", "NORTHERN WOODWORKS LTD"),
    *filing_party("SE", "NORTHERN EXPORTS INC"),
    *filing_party("BY", "LAKE IMPORTS LLC"),
    rec("SF30", entity_code="ST", entity_identifier_qualifier="FR", entity_identifier="I123"),
    *filing_party("LG", "HARBOUR STUFFING BV"),
    *filing_party("CS", "HARBOUR CONSOLIDATION BV"),
    rec("SF30", entity_code="CN", entity_identifier_qualifier="EI", entity_identifier="12-3456789"),
]
FILING_LINES = """\
SE6073241000100000000300
SF10101ACTEI 12-3456789             11               ABCD
SF20CR JOB123456
SF25CNABCU00000000012345674510
"""


def batch(records: list[Record]) -> bytes:
    """A batch with one request that ends with these records."""
    return write_batch("SE", "3801", "XYZ", "PASSWD", [BlockSpec("3801", "XYZ", "", [[*HEADER, *records]])], DAY, "R")


@pytest.mark.parametrize(
    ("records", "lines"),
    [(DISCLAIMED, DISCLAIMED_LINES), (COSMETIC, COSMETIC_LINES), (FOOD, FOOD_LINES), (FILING, FILING_LINES)],
    ids=["disclaimed", "cosmetic", "food", "filing"],
)
def test_a_request_with_the_records_goes_out_and_comes_back(records: list[Record], lines: str) -> None:
    """The records stand in the batch column by column, and reading it gives the same records without a problem."""
    written = batch(records)
    expected = [line.ljust(80).encode() for line in lines.splitlines()]
    begin = 2 + len(HEADER)
    read = read_batches(written)

    assert expected == written.splitlines()[begin : begin + len(expected)]
    assert read.problems == []
    assert [one.record for one in read.batches[0].transactions[0].records] == [*HEADER, *records]


def test_a_batch_with_two_products_is_refused() -> None:
    """The writer holds the map too: a second product under one agency line is not written."""
    with pytest.raises(FormatError) as caught:
        batch([*COSMETIC[:4], product("53LY-02")])

    assert [one.code for one in caught.value.problems] == ["X36"]


def test_a_read_batch_tells_what_is_missing() -> None:
    """A message set with a lost PG19 is read whole, with one problem at the orphan's record."""
    lines = batch(COSMETIC).splitlines()
    lost = next(index for index, line in enumerate(lines) if line.startswith(b"PG19MF"))
    read = read_batches(b"\n".join(lines[:lost] + lines[lost + 1 :]))

    assert [(one.code, one.record) for one in read.problems] == [("X37", lost + 1)]
    assert len(read.batches[0].transactions[0].records) == len(HEADER) + len(COSMETIC) - 1
