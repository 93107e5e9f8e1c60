"""Are the tables of agency data and security filing complete, and do their records stand column by column?"""

from __future__ import annotations

from datetime import date

import pytest

from schemas.catair import RECORDS, Record, code_lists, look_up, read_record, rec, write_record

AGENCY_RECORDS = (
    "PG00 PG01 PG02 PG04 PG05 PG06 PG07 PG08 PG10 PG13 PG14 PG17 PG18 PG19 PG20 PG21 PG22 PG23 PG24 PG25 PG26 PG27 "
    "PG28 PG29 PG30 PG31 PG32 PG33 PG34 PG35 PG50 PG51 PG55 PG60"
).split()
FILING_RECORDS = "SF10 SF20 SF25 SF30 SF31 SF35 SF36".split()


@pytest.mark.parametrize("layout", [*AGENCY_RECORDS, *FILING_RECORDS])
def test_every_record_is_laid_out(layout: str) -> None:
    """Each record of the agency and security filing chapters has a table that is known by its own identifier."""
    assert RECORDS[layout].identifier == layout
    assert RECORDS[layout].source.startswith(
        "CBP CATAIR PGA Message Set rev 29" if layout.startswith("PG") else "CBP CATAIR Cargo Release SE/SX v40"
    )


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            rec(
                "PG14",
                lpco_transaction_type="1",
                lpco_type="EP1",
                lpco_number="ABC-0021",
                lpco_date_qualifier="1",
                lpco_date=date(2031, 2, 28),
                lpco_quantity=125000,
                lpco_unit_of_measure="KG",
            ),
            "PG141EP1ABC-0021" + " " * 25 + "1022820310000000000125000KG",
        ),
        (
            rec(
                "PG04",
                name_of_the_constituent_element="OAK",
                quantity_of_constituent_element=1250,
                unit_of_measure="KG",
                percent_of_constituent_element=90000,
            ),
            "PG04 OAK" + " " * 48 + "000000001250KG   0090000",
        ),
        (
            rec("PG00", substitution_indicator="R", substitution_number="0001"),
            "PG00R0001",
        ),
        (rec("PG00", substitution_indicator="E"), "PG00E"),
        (rec("PG50"), "PG50"),
        (
            rec("PG07", trade_name_brand_name="TUG", manufacture_month_and_year="002019"),
            "PG07TUG" + " " * 47 + "002019",
        ),
        (
            rec("PG29", unit_of_measure_individual_unit_gross="KG", commodity_gross_quantity_individual_unit_gross=75),
            "PG29" + " " * 45 + "KG 000000000075",
        ),
        (rec("PG55", entity_role_code_1="DFP", entity_role_code_10="IM"), "PG55DFP" + " " * 24 + "IM"),
        (
            rec("PG22", document_identifier="942", entity_role_code="CI", date_of_signature=date(2026, 1, 27)),
            "PG22 942         CI      01272026",
        ),
    ],
)
def test_columns_of_single_records(record: Record, line: str) -> None:
    """Dates are MMDDCCYY, numbers keep their implied decimals and zeros, absent fields are spaces."""
    assert write_record(record) == line.ljust(80).encode()
    assert read_record(line.ljust(80), record.layout) == (record, ())


def test_spaces_of_a_unified_filing_are_constant() -> None:
    """Bond and country columns of SF10 are spaces in a unified filing; anything else there is a problem."""
    header = rec(
        "SF10",
        isf_submission_type="1",
        shipment_type_code="01",
        action_code="D",
        isf_importer_number_qualifier="EI",
        isf_importer_number="12-3456789",
        isf_transaction_number="XYZ-00000000001",
    )
    line = write_record(header).decode()
    record, problems = read_record(line[:72] + "169" + line[75:], "SF10")

    assert [(one.code, one.column) for one in problems] == [("wrong_constant", 73), ("wrong_constant", 75)]
    assert record == header


@pytest.mark.parametrize(
    ("layout", "key", "code", "text", "mark"),
    [
        ("PG01", "disclaimer", "F", "US or Puerto Rico goods", "sourced"),
        ("PG06", "source_type_code", "HRV", "Harvested", "sourced"),
        ("PG06", "source_type_code", "294", "Country of refusal", "unsure"),
        ("PG19", "entity_role_code", "MF", "Manufacturer", "sourced"),
        ("PG23", "affirmation_of_compliance_code", "PFR", "Food facility registration", "sourced"),
        ("PG30", "inspection_laboratory_testing_status", "N", "No laboratory testing", "sourced"),
        ("PG60", "additional_information_qualifier_code", "CP4", "Component part", "sourced"),
        ("SF30", "entity_code", "LG", "Scheduled container stuffing location", "sourced"),
    ],
)
def test_codes_of_the_fields_are_explained(layout: str, key: str, code: str, text: str, mark: str) -> None:
    """A field names the list of its codes; each code says what it means and how sure that is."""
    found = look_up(RECORDS[layout].keys[key].codes, code)

    assert found is not None
    assert found.text.startswith(text)
    assert found.mark == mark


def test_lists_of_the_chapters_are_dated() -> None:
    """A list read in one of the two chapters carries that chapter's revision and date."""
    chapters = {
        "CBP CATAIR PGA Message Set": ("29", date(2026, 7, 1)),
        "CBP CATAIR Cargo Release": ("40", date(2025, 7, 1)),
    }
    checked = 0
    for name, one in code_lists().items():
        if name.startswith(("pga_", "isf_")):
            for chapter, dated in chapters.items():
                if one.source.startswith(chapter):
                    assert (one.version, one.as_of) == dated, name
                    checked += 1
    assert checked >= 20
