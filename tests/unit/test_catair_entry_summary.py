"""Do entry summaries (AE) and their answers (AX) read and write as CBP's chapter lays them out?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.catair import RECORDS, BlockSpec, Record, look_up, read_batches, rec, usage_maps, write_batch
from schemas.errors import FormatError

REQUEST = """\
A3801XYZPASSWD100126     AE                                REF-000001
B  3801XYZAE                                               REF-000001
10AXYZ  12345671 3801JOB12345    0130 X           2100926
1112-3456789  12-3456789                 100226100226       MI
20ABCD3801100226
2100451
2200000048CT
23MABCD0012504
318B 123
40  001 CACA100126        0000000350     0000000620    N
44STAINLESS STEEL KITCHEN SINKS
47MXONORWOO1200WIN
47S12-3456789
507324100010 0000042500 0000012500 000000004800NO
6249900004330
8949900000004330
9000000042500 00000004330 00000000000 00000000000 00000000000 00000000000
Y  3801XYZAE
Z3801XYZ      100126
"""

ACCEPTED = """\
A3801XYZ      100126     AX                                REF-000001
B  3801XYZAX                                               REF-000001
E0 SUMMRY 000001 REF ID: XYZ 12345671 JOB12345
E1A 995   SUMMARY HAS BEEN ADDED                  XYZ  1234567100100JOB12345
Y  3801XYZAX00002
Z3801XYZ      100126
"""

REJECTED = """\
A3801XYZ      100126     AX                                REF-000001
B  3801XYZAX                                               REF-000001
E0 SUMMRY 000001 REF ID: XYZ 12345671 JOB12345
E1 F101   IMPORTER UNKNOWN
E0 LINITM 000001 REF ID: 001
E0 TARIFF 000001 REF ID: 7324100010
E0 TARQTY 000001 REF ID:        48.00 NO
E1 F613   HTS RELATIONSHIP MISMATCH
E0 PG01   000001 REF ID: 001FDAFOO
E1 PP00   PGA DATA MISSING PER PGA FLAG
E1RF997   TRANSACTION DATA REJECTED               XYZ  12345671     JOB12345
Y  3801XYZAX00009
Z3801XYZ      100126
"""


def wired(text: str) -> bytes:
    """The lines as records of 80 columns."""
    return b"".join(line.ljust(80).encode("ascii") + b"\n" for line in text.splitlines())


def summary(**header: Any) -> list[Record]:
    """The records of the sample, its header changed."""
    day, nothing = date(2026, 10, 2), 0
    return [
        rec(
            "AE10",
            **{
                "summary_filing_action_request_code": "A",
                "entry_filer_code": "XYZ",
                "entry_number": "12345671",
                "district_port_of_entry": "3801",
                "broker_reference_number": "JOB12345",
                "entry_type_code": "01",
                "mode_of_transportation_code": "30",
                "electronic_signature": "X",
                "payment_type_code": "2",
                "preliminary_statement_print_date": date(2026, 10, 9),
                **header,
            },
        ),
        rec(
            "AE11",
            importer_of_record_number="12-3456789",
            consignee_number="12-3456789",
            estimated_entry_date=day,
            date_of_importation=day,
            u_s_state_of_destination_code="MI",
        ),
        rec("AE20", carrier_code="ABCD", district_port_of_unlading="3801", estimated_date_of_arrival=day),
        rec("AE21", trip_identifier="00451"),
        rec("AE22", manifested_quantity=48, manifested_quantity_unit_of_measure_code="CT"),
        rec(
            "AE23",
            manifest_component_type_code="M",
            manifest_component_issuer_code="ABCD",
            manifest_component_identifier="0012504",
        ),
        rec("AE31", bond_type_code="8", bond_designation_type_code="B", surety_company_code="123"),
        rec(
            "AE40",
            line_item_identifier="001",
            country_of_origin_code="CA",
            country_of_export_code="CA",
            date_of_exportation=date(2026, 10, 1),
            charges_amount=350,
            gross_shipping_weight=620,
            related_party_indicator="N",
        ),
        rec("AE44", commercial_description_text="STAINLESS STEEL KITCHEN SINKS"),
        rec("AE47", article_party_type_code="M", article_party_identifier="XONORWOO1200WIN"),
        rec("AE47", article_party_type_code="S", article_party_identifier="12-3456789"),
        rec(
            "AE50",
            hts_number="7324100010",
            duty_amount=42500,
            value_of_goods_amount=12500,
            quantity_1=4800,
            unit_of_measure_code_1="NO",
        ),
        rec("AE62", accounting_class_code="499", user_fee_amount=4330),
        rec("AE89", accounting_class_code_1="499", total_fee_amount_1=4330),
        rec(
            "AE90",
            grand_total_duty_amount=42500,
            grand_total_user_fee_amount=4330,
            grand_total_ir_tax_amount=nothing,
            grand_total_ad_duty_amount=nothing,
            grand_total_cv_duty_amount=nothing,
            grand_total_other_revenue_amount=nothing,
        ),
    ]


def sent(*transactions: list[Record]) -> bytes:
    """A batch of entry summaries."""
    block = BlockSpec("3801", "XYZ", "REF-000001", transactions)
    return write_batch("AE", "3801", "XYZ", "PASSWD", [block], date(2026, 10, 1), "REF-000001")


def answered(data: bytes) -> bytes:
    """The answer in a batch, written anew from what was read."""
    block = read_batches(data).batches[0].blocks[0]
    records = [[placed.record for placed in one.records] for one in block.transactions]
    spec = BlockSpec("3801", "XYZ", "REF-000001", records)
    return write_batch("AX", "3801", "XYZ", "", [spec], date(2026, 10, 1), "REF-000001", direction="out")


# -- whole messages ----------------------------------------------------------------------------------------------------


def test_the_sample_is_written_column_by_column() -> None:
    """A summary given field by field is the sample, byte for byte."""
    assert sent(summary()) == wired(REQUEST)


def test_the_sample_is_read_without_a_problem_and_comes_back() -> None:
    """Records, values and bytes of the sample survive reading and writing."""
    read = read_batches(wired(REQUEST))
    records = [placed.record for placed in read.batches[0].blocks[0].transactions[0].records]

    assert list(read.problems) == []
    assert records == summary()
    assert sent(records) == wired(REQUEST)


def test_each_record_ten_begins_a_summary() -> None:
    """Two summaries in one block are two transactions; neither is taken for the other's data."""
    second = summary(entry_number="12345689", broker_reference_number=None)
    read = read_batches(sent(summary(), second))

    assert list(read.problems) == []
    assert [len(one.records) for one in read.batches[0].blocks[0].transactions] == [15, 15]


def test_an_accepted_summary() -> None:
    """The answer names the entry, the disposition and the version, and is written as it was read."""
    read = read_batches(wired(ACCEPTED))
    where, what = (placed.record for placed in read.batches[0].blocks[0].transactions[0].records)

    assert list(read.problems) == []
    assert (where.layout, where.text("entry_number"), where.text("broker_reference_number")) == (
        "E0.SUMMRY",
        "12345671",
        "JOB12345",
    )
    assert what.text("disposition_type_code") == "A"
    assert (what.text("condition_code"), what.text("version_number")) == ("995", "00100")
    assert what.get("severity_code") is None
    assert answered(wired(ACCEPTED)) == wired(ACCEPTED)


def test_a_rejected_summary() -> None:
    """Conditions follow the places they are about; the echo of a faulty value stays as it was sent.

    The number of the final condition is in no document seen: column 3 says what became of the summary.
    """
    read = read_batches(wired(REJECTED))
    records = [placed.record for placed in read.batches[0].blocks[0].transactions[0].records]

    assert list(read.problems) == []
    assert [one.layout for one in records] == "E0.SUMMRY E1 E0.LINITM E0.TARIFF E0.TARQTY E1 E0 E1 E1".split()
    assert records[2].text("line_item_identifier") == "001"
    assert records[3].text("hts_number") == "7324100010"
    assert (records[4].text("quantity"), records[4].text("unit_of_measure_code")) == ("       48.00", "NO")
    assert records[6].text("reference_data_text") == "001FDAFOO"
    assert [one.text("severity_code") for one in records if one.layout == "E1"] == ["F", "F", "P", "F"]
    assert records[-1].text("disposition_type_code") == "R"
    assert answered(wired(REJECTED)) == wired(REJECTED)


def test_a_condition_is_explained_by_the_error_dictionary() -> None:
    """The code of an E1 is looked up in the ACE error dictionary, not among cargo release conditions."""
    name = RECORDS["E1"].keys["condition_code"].codes
    found = look_up(name, "101")

    assert found is not None
    assert found.text == "IMPORTER UNKNOWN"


def test_an_answer_without_a_verdict_is_incomplete() -> None:
    """The final E1 is mandatory, and nothing stands after it."""
    assert breaches("AX", "E0.SUMMRY E0 E1") == [("X37", "E1", 2)]
    assert breaches("AX", "E0.SUMMRY E1:A E1:R") == [("X36", "E1", 2)]
    assert breaches("AX", "E0.SUMMRY E1:A E0") == [("X35", "E0", 2)]


# -- order, repetition, duty -------------------------------------------------------------------------------------------

FULL = (
    "AE10 AE11 AE20 AE-SE13 AE21 AE22 AE23:I AE23:M AE23:H AE23:S SE16 SE16 SE17 SE17 AE22 AE23:M AE30 AE31 AE31 "
    "AE32 AE32 AE33 AE34 AE35 AE36 AE36 SE20 SE20 SE30 AE-SE31 AE-SE32 AE-SE32 AE-SE31 SE35 SE35 SE36 SE30 "
    "AE40 AE41 AE43 AE44 AE44 AE47 AE47 SE50 AE-SE51 AE-SE52 SE55 SE56 SE50 AE50 AE-SE60 AE-SE61 AE50 AE51 AE52 AE53 "
    "AE53 AE54.07 AE54.08 AE60 AE61 AE62 AE62 AE-SE62 AE-SE63 AE-SE62 AE-SE63 AE63 AE-CW02 "
    "AE40 AE42 AE43 AE44 AE44 AE42 AE44 AE50 AE88 AE89 AE89 AE90"
)
LEAST = "AE10 AE11 AE40 AE50 AE90"


def plain(layouts: str) -> list[Record]:
    """Records of these layouts; after a colon the value that decides about their place."""
    fields = {
        "AE23": "manifest_component_type_code",
        "E1": "disposition_type_code",
        "AE10": "summary_filing_action_request_code",
        "PG00": "substitution_indicator",
        "PG02": "item_type",
    }
    records = []
    for one in layouts.split():
        layout, _, value = one.partition(":")
        records.append(Record(layout, {fields[layout]: value} if value else {}))
    return records


def breaches(usage: str, layouts: str) -> list[tuple[str, str, int]]:
    """Code, subject and index of every breach."""
    return [(one.code, one.about, one.index) for one in usage_maps()[usage].check(plain(layouts))]


def test_every_record_in_its_place_is_in_order() -> None:
    """The whole printed map, each record where it belongs, has no fault."""
    assert breaches("AE.add", FULL) == []
    assert breaches("AE.add", LEAST) == []


def test_every_layout_of_the_summary_has_a_place() -> None:
    """No layout of the family is left out of the maps."""
    family = {one.id.partition(".")[0] for one in RECORDS.values() if one.family == "AE"}

    assert family <= usage_maps()["AE.add"].labels
    assert usage_maps()["AX"].labels == {"E0", "E1"}


def test_agency_data_stand_in_the_tariff_group() -> None:
    """Agency records follow the tariff number they are about, and a substitution its header."""
    agency = "AE50 AE-OI PG01 PG02:P PG10"
    begin, end = "PG00:S PG19 PG00:E", "AE62 AE90"

    assert breaches("AE.add", f"AE10 AE11 {begin} AE40 AE44 {begin} {agency} {agency} {end}") == []
    assert breaches("AE.add", f"AE10 AE11 AE40 AE50 PG01 PG02:P {end}") == [("X37", "AE-OI", 4)]
    assert breaches("AE.add", f"AE10 AE11 AE40 AE50 {begin} {end}")[0] == ("X35", "PG00", 4)


@pytest.mark.parametrize("missing", ["AE11", "AE40", "AE50", "AE90"])
def test_what_an_addition_cannot_do_without(missing: str) -> None:
    """Header content, a line with a tariff number and the grand totals are mandatory on add and replace."""
    left = " ".join(one for one in LEAST.split() if one != missing)
    subjects = {"AE40": ("AE40", "line"), "AE50": ("AE50", "tariff")}.get(missing, (missing,))

    assert [one for one in breaches("AE.add", left) if one[0] == "X37" and one[1] in subjects]


@pytest.mark.parametrize(
    ("layouts", "expected"),
    [
        ("AE10 AE11 AE21 AE20 AE40 AE50 AE90", [("X35", "AE20", 3)]),
        ("AE10 AE11 AE11 AE40 AE50 AE90", [("X36", "AE11", 2)]),
        ("AE10 AE11 AE40 AE50 AE90 AE89", [("X35", "AE89", 5)]),
        ("AE10 AE11 AE40 AE50 AE51 AE50 AE90", [("X35", "AE50", 5)]),
        ("AE10 AE11 AE40 AE44 AE43 AE50 AE90", [("X35", "AE43", 4)]),
        ("AE10 AE11 AE40 AE47 AE44 AE50 AE90", [("X35", "AE44", 4)]),
        ("AE10 AE11 AE22 SE16 AE40 AE50 AE90", [("X37", "AE23", 3)]),
        ("AE10 AE11 AE22 AE23:M AE23:I AE40 AE50 AE90", [("X35", "AE23", 4)]),
        ("AE10 AE11 AE40 AE50 AE-SE62 AE90", [("X37", "AE-SE63", 5)]),
        ("AE10 AE11 SE10 AE40 AE50 AE90", [("X34", "SE10", 2)]),
        ("AE10 AE11 SE60 AE40 AE50 AE90", [("X34", "SE60", 2)]),
        ("AE10 AE11 AE-SE13 AE20 AE40 AE50 AE90", [("X35", "AE20", 3)]),
    ],
)
def test_what_stands_wrong_is_said_with_the_code_of_cbp(layouts: str, expected: list[tuple[str, str, int]]) -> None:
    """Each breach is one fault at the record where it shows."""
    assert breaches("AE.add", layouts) == expected


@pytest.mark.parametrize(
    ("before", "repeated", "after", "allowed"),
    [
        ("AE10 AE11", "AE22 AE23:M", "AE40 AE50 AE90", 999),
        ("AE10 AE11 AE22 AE23:M", "SE16", "AE40 AE50 AE90", 99),
        ("AE10 AE11 AE22 AE23:M", "SE17", "AE40 AE50 AE90", 99),
        ("AE10 AE11", "AE31", "AE40 AE50 AE90", 2),
        ("AE10 AE11", "AE32", "AE40 AE50 AE90", 999),
        ("AE10 AE11", "AE36", "AE40 AE50 AE90", 99),
        ("AE10 AE11", "SE20", "AE40 AE50 AE90", 4),
        ("AE10 AE11", "SE30", "AE40 AE50 AE90", 12),
        ("AE10 AE11 SE30", "AE-SE31", "AE40 AE50 AE90", 4),
        ("AE10 AE11 SE30 AE-SE31", "AE-SE32", "AE40 AE50 AE90", 9),
        ("AE10 AE11", "AE40 AE50", "AE90", 998),
        ("AE10 AE11 AE40", "AE42", "AE50 AE90", 999),
        ("AE10 AE11 AE40", "AE44", "AE50 AE90", 999),
        ("AE10 AE11 AE40", "AE47", "AE50 AE90", 6),
        ("AE10 AE11 AE40", "SE50", "AE50 AE90", 11),
        ("AE10 AE11 AE40", "AE50", "AE90", 32),
        ("AE10 AE11 AE40 AE50", "AE52", "AE90", 1),
        ("AE10 AE11 AE40 AE50", "AE53", "AE90", 2),
        ("AE10 AE11 AE40 AE50", "AE54.02", "AE90", 9),
        ("AE10 AE11 AE40 AE50", "AE62", "AE90", 5),
        ("AE10 AE11 AE40 AE50", "AE-SE62 AE-SE63", "AE90", 99),
        ("AE10 AE11 AE40 AE50", "AE89", "AE90", 9),
    ],
)
def test_repetitions_end_where_the_map_says(before: str, repeated: str, after: str, allowed: int) -> None:
    """The last repetition allowed passes; one more is X36, once."""
    fill = " ".join([repeated] * allowed)

    assert breaches("AE.add", f"{before} {fill} {after}") == []
    assert [one[0] for one in breaches("AE.add", f"{before} {fill} {repeated} {after}")] == ["X36"]


def test_four_components_make_a_bill() -> None:
    """In-bond, master, house and sub-house are the most a manifest reference has."""
    assert breaches("AE.add", "AE10 AE11 AE22 AE23:I AE23:M AE23:H AE23:S AE40 AE50 AE90") == []
    assert breaches("AE.add", "AE10 AE11 AE22 AE23:M AE23:M AE40 AE50 AE90") == [("X35", "AE23", 4)]


def test_a_deletion_is_the_header_alone() -> None:
    """Action D takes record 10 and refuses every other record, also in a batch."""
    alone = rec(
        "AE10",
        summary_filing_action_request_code="D",
        entry_filer_code="XYZ",
        entry_number="12345671",
        district_port_of_entry="3801",
        entry_type_code="01",
    )
    with pytest.raises(FormatError) as refused:
        sent([alone, *summary()[1:2]])

    assert list(read_batches(sent([alone])).problems) == []
    assert [(one.code, one.path) for one in refused.value.problems] == [("X34", "AE11")]


def test_an_action_that_cbp_does_not_know() -> None:
    """Action U belongs to cargo release, not to the summary."""
    read = read_batches(wired(REQUEST.replace("10AXYZ", "10UXYZ")))

    assert [one.code for one in read.problems] == ["unknown_action"]
    with pytest.raises(FormatError) as refused:
        sent(summary(summary_filing_action_request_code="U"))
    assert [one.code for one in refused.value.problems] == ["unknown_action"]


def test_faults_of_a_batch_name_record_and_path() -> None:
    """A record out of place and a value out of class are both found, each at its record."""
    lines = REQUEST.splitlines()
    lines[4], lines[5] = lines[5], lines[4]
    lines[13] = lines[13].replace("0000042500", "00000425.0")
    found = [(one.code, one.path, one.record, one.column) for one in read_batches(wired("\n".join(lines))).problems]

    assert ("X35", "AE20", 6, 0) in found
    assert ("wrong_class", "AE50.duty_amount", 14, 22) in found
    assert len(found) == 2
