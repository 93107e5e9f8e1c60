"""Are the records of an entry summary (AE) and of its answer (AX) those of CBP's chapter, column by column?"""

from __future__ import annotations

import re
from datetime import date

import pytest

from schemas.catair import RECORDS, Record, applications, code_lists, read_record, rec, usage_maps, write_record
from schemas.catair.applications import layout_of

DECIMALS = {
    "AE34.header_fee_amount_1": 2,
    "AE34.header_fee_amount_2": 2,
    "AE50.duty_amount": 2,
    "AE50.quantity_1": 2,
    "AE50.quantity_2": 2,
    "AE50.quantity_3": 2,
    "AE53.case_deposit_rate": 2,
    "AE53.ad_cvd_quantity": 4,
    "AE53.ad_cvd_duty_amount": 2,
    "AE54.05.allocation_quantity": 4,
    "AE54.05.ttb_tax_rate": 4,
    "AE60.ir_tax_amount": 2,
    "AE61.other_revenue_amount": 2,
    "AE62.user_fee_amount": 2,
    **{f"AE88.total_{how}_{what}_duty_amount": 2 for how in ("bonded", "cash_deposit") for what in ("ad", "cv")},
    **{f"AE89.total_fee_amount_{number}": 2 for number in range(1, 6)},
    **{
        f"AE90.grand_total_{what}_amount": 2
        for what in ("duty", "user_fee", "ir_tax", "ad_duty", "cv_duty", "other_revenue")
    },
}


def test_implied_decimals_are_said_where_cbp_implies_them() -> None:
    """Every number that has decimals says how many in its meaning, and no other does."""
    told = {}
    for record in RECORDS.values():
        if record.family == "AE":
            for key, one in record.keys.items():
                said = re.search(r"(\d) implied decimals", one.meaning)
                if said:
                    assert one.kind == "number", one
                    told[f"{record.id}.{key}"] = int(said[1])

    assert told == DECIMALS


def test_every_amount_says_its_unit() -> None:
    """An amount of money without implied decimals is said to be in whole dollars."""
    for record in RECORDS.values():
        for key, one in record.keys.items():
            if record.family == "AE" and one.kind == "number" and key.endswith(("_amount", "_price", "_charges")):
                assert "US dollars" in one.meaning, (record.id, key)


@pytest.mark.parametrize(
    ("layout", "key", "start", "end", "cls", "kind"),
    [
        ("AE10", "summary_filing_action_request_code", 3, 3, "A", "text"),
        ("AE10", "broker_reference_number", 22, 30, "X", "text"),
        ("AE10", "cargo_release_certification_request_indicator", 40, 40, "AN", "text"),
        ("AE10", "preliminary_statement_print_date", 52, 57, "D", "date"),
        ("AE10", "consolidated_express_informal_indicator", 70, 70, "AN", "text"),
        ("AE11", "designated_notify_party_4811_number", 27, 38, "X", "text"),
        ("AE11", "foreign_trade_zone_identifier", 63, 71, "AN", "text"),
        ("AE23", "manifest_component_identifier", 8, 19, "AN", "text"),
        ("AE31", "single_transaction_bond_amount", 9, 18, "(S)N", "number"),
        ("AE32", "release_entry_number_6", 73, 80, "AN", "text"),
        ("AE36", "psc_filing_explanation_text", 3, 77, "X", "text"),
        ("AE40", "date_of_exportation_for_textiles", 19, 24, "D", "date"),
        ("AE40", "gross_shipping_weight", 42, 51, "(S)N", "number"),
        ("AE40", "category_code", 52, 54, "N", "code"),
        ("AE42", "invoice_line_range_4_end", 71, 74, "(S)N", "number"),
        ("AE50", "unit_of_measure_code_3", 78, 80, "AN", "text"),
        ("AE53", "ad_cvd_quantity", 35, 46, "(S)N", "number"),
        ("AE89", "accounting_class_code_1", 3, 5, "N", "code"),
        ("AE89", "accounting_class_code_2", 17, 19, "AN", "text"),
        ("AE-SE13", "dis_indicator", 60, 60, "N", "code"),
        ("AE-SE31", "identifier", 9, 43, "AN", "text"),
        ("AE-SE62", "field_name", 17, 80, "AN", "text"),
        ("AE-CW02", "census_warning_condition_override_code_7", 43, 44, "AN", "text"),
        ("AE54.05", "foreign_producer_name", 33, 53, "X", "text"),
        ("AE54.12", "country_of_most_recent_cast_code", 15, 17, "AN", "text"),
        ("E0.FEETOT", "total_fee_amount", 30, 40, "X", "text"),
        ("E1", "version_number", 64, 68, "N", "code"),
    ],
)
def test_columns_are_those_of_the_chapter(layout: str, key: str, start: int, end: int, cls: str, kind: str) -> None:
    """Fields that matter most stand in the columns, class and kind of CBP's printed layout."""
    one = RECORDS[layout].keys[key]

    assert (start, end, cls, kind) == (one.start, one.end, one.cls, one.kind)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            rec(
                "AE54.01",
                softwood_lumber_declaration_indicator="Y",
                softwood_lumber_export_price=12500,
                softwood_lumber_export_charges=0,
            ),
            "5401Y00000125000000000000",
        ),
        (rec("AE54.02", product_exclusion_identifier_steel_product="SPR000165"), "5402SPR000165"),
        (rec("AE54.03", product_exclusion_identifier_aluminum_product="APR000165"), "5403APR000165"),
        (rec("AE54.04", certificate_of_exportation_number="KR1234567"), "5404KR1234567"),
        (
            rec(
                "AE54.05",
                controlled_group_name="XXXXXXXXXX",
                foreign_producer_identifier="TTB-FP-ABC1234",
                foreign_producer_name="EXAMPLE BREWERY",
                allocation_quantity=6502500,
                cbma_rate_designation_code="BR0101",
                ttb_tax_rate=160000,
            ),
            "5405XXXXXXXXXXTTB-FP-ABC1234    EXAMPLE BREWERY      000006502500 BR010100160000",
        ),
        (rec("AE54.06", ad_cvd_certification_designation="ADCVD CERT"), "5406ADCVD CERT"),
        (
            rec(
                "AE54.07",
                primary_country_of_smelt_applicability_code="Y",
                primary_country_of_smelt_code="CA",
                secondary_country_of_smelt_applicability_code="N",
                country_of_cast_code="CA",
            ),
            "5407Y  CAN    CA",
        ),
        (rec("AE54.08", country_of_melt_and_pour_code="CA"), "5408CA"),
        (rec("AE54.08", country_of_melt_and_pour_applicability_code="OTH"), "5408  OTH"),
        (rec("AE54.09", **{"201_bifacial_certification_designation": "201BIFAC CERT"}), "5409201BIFAC CERT"),
        (rec("AE54.10", **{"301_ship_to_shore_crane_certification_designation": "301STS CERT"}), "5410301STS CERT"),
        (rec("AE54.11", auto_parts_offset_license_number="AB123456"), "5411AB123456"),
        (
            rec("AE54.12", primary_country_of_smelt_code="OTH", country_of_most_recent_cast_code="CA"),
            "5412OTH       CA",
        ),
        (
            rec(
                "AE54",
                importer_s_additional_declaration_type_code="13",
                importer_s_additional_declaration_information="  NOT YET KNOWN",
            ),
            "5413  NOT YET KNOWN",
        ),
    ],
)
def test_a_declaration_is_laid_out_by_its_type(record: Record, line: str) -> None:
    """Columns 3 and 4 choose the layout; one of a type not known here keeps its text."""
    assert write_record(record) == line.ljust(80).encode()
    assert layout_of(line.ljust(80), "AE", outgoing=True) == record.layout
    assert read_record(line.ljust(80), record.layout) == (record, ())


@pytest.mark.parametrize("code", sorted(code_lists()["declaration_types"].codes))
def test_every_declaration_type_has_its_layout(code: str) -> None:
    """The types CBP lists are the types laid out."""
    assert f"AE54.{code}" in RECORDS


@pytest.mark.parametrize("identifier", ["SE13", "SE31", "SE51", "SE60", "SE61", "OI"])
def test_records_that_the_summary_lays_out_differently(identifier: str) -> None:
    """A record of the same name is another one inside a summary, and cargo release does not see it."""
    line = identifier.ljust(80)

    assert layout_of(line, "AE", outgoing=True) == f"AE-{identifier}"
    assert layout_of(line, "SE", outgoing=True) == identifier


@pytest.mark.parametrize("identifier", ["SE16", "SE17", "SE20", "SE30", "SE35", "SE36", "SE50", "SE55", "SE56"])
def test_records_that_the_summary_shares(identifier: str) -> None:
    """A record with the columns of cargo release has one layout for both."""
    assert layout_of(identifier.ljust(80), "AE", outgoing=True) == identifier
    assert identifier in usage_maps()["AE.add"].labels


@pytest.mark.parametrize(
    "record",
    [
        rec("AE47", article_party_type_code="C", article_party_identifier="123-45-6789"),
        rec("AE20", carrier_code="*C"),
        rec(
            "AE40",
            line_item_identifier="1-A",
            country_of_origin_code="**",
            trade_agreement_special_program_claim_code="S+",
        ),
    ],
)
def test_values_that_the_printed_class_forgets(record: Record) -> None:
    """Codes and numbers that CBP itself lists fit, though the class printed beside them has no specials."""
    assert read_record(write_record(record), record.layout) == (record, ())


def test_amounts_filled_with_spaces_are_read_without_complaint() -> None:
    """Class (S)N takes spaces before the digits; what is written is zeros."""
    line = "90      42500        4330           0           0           0".ljust(80)
    record, problems = read_record(line, "AE90")

    assert problems == ()
    assert record.get("grand_total_duty_amount") == 42500
    assert write_record(record)[2:13] == b"00000042500"
    assert "grand_total_other_revenue_amount" not in record.values


def test_control_identifiers_of_two_digits_belong_to_the_summary_alone() -> None:
    """A record 10 is a summary's header only in a summary's batch."""
    line = "10AXYZ  12345671 3801             01".ljust(80)

    assert layout_of(line, "AE", outgoing=True) == "AE10"
    assert layout_of(line, "SE", outgoing=True) == ""


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("summary_entry_types", 16),
        ("payment_types", 7),
        ("bond_waiver_reasons", 5),
        ("missing_documents", 16),
        ("header_fee_classes", 3),
        ("line_fee_classes", 20),
        ("tax_classes", 4),
        ("trade_programs", 38),
        ("license_types", 31),
        ("census_conditions", 13),
        ("census_overrides", 30),
        ("psc_header_reasons", 14),
        ("psc_line_reasons", 31),
        ("declaration_types", 12),
        ("reference_data_types", 56),
        ("origin_provinces", 15),
    ],
)
def test_lists_that_cbp_prints_are_whole(name: str, count: int) -> None:
    """Every code of the chapter's tables is there, with the chapter's revision and day."""
    known = code_lists()[name]

    assert (len(known.codes), known.version, known.as_of) == (count, "109", date(2026, 7, 16))


def test_a_fee_class_is_a_header_or_a_line_class() -> None:
    """Totals take the classes of both, and no class is both."""
    header, line = (set(code_lists()[name].codes) for name in ("header_fee_classes", "line_fee_classes"))

    assert not header & line
    assert set(code_lists()["fee_classes"].codes) == header | line


def test_an_override_is_one_that_the_warning_takes() -> None:
    """Each override named for a warning is a code of its own list."""
    for code in code_lists()["census_conditions"].codes.values():
        named = re.findall(r"\d\d", code.note)

        assert named
        assert set(named) <= set(code_lists()["census_overrides"].codes)


def test_every_reference_type_with_parts_has_its_layout() -> None:
    """An E0 of a known type is laid out; only those that echo a record's text are read as one text."""
    types = code_lists()["reference_data_types"].codes
    plain_text = {code for code in types if f"E0.{code}" not in RECORDS}

    assert {code for code in plain_text if not code.startswith("PG")} == {"PSCEXP", "COMDES"}
    for code in types:
        expected = "E0" if code in plain_text else f"E0.{code}"
        assert layout_of(f"E0 {code:6} 000001 REF ID:".ljust(80), "AX", outgoing=False) == expected


def test_the_application_answers_itself() -> None:
    """AE begins with record 10 and is answered by AX, which begins with the E0 of the summary."""
    assert (applications()["AE"].starts, applications()["AE"].answer) == (("AE10",), "AX")
    assert applications()["AX"].starts == ("E0.SUMMRY",)
