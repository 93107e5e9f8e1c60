"""Does a message set in JSON mean exactly its agency records, and is every fault told with its path?"""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.rulebook import RuleBook
from schemas.catair import RECORDS, Record, rec, write_record
from schemas.claims import filed_keys, filed_place, with_filed_keys
from schemas.errors import FormatError
from schemas.intake import CSV, read_rows
from schemas.message_set import MESSAGE_RECORDS, message_set_json, read_message_set, record_schema
from schemas.shipment import PgaClaim, check_shipment
from tests import samples
from tests.catair_kit import record_for

PRODUCT = {"record": "PG02", "item_type": "P"}
EXAMPLE = json.loads((Path(__file__).parents[2] / "docs/examples/cosmetics.json").read_text("utf-8"))[0]
CREAM = EXAMPLE["lines"][0]["pga"][0]


def with_claims(*claims: dict[str, Any]) -> dict[str, Any]:
    """The sample shipment, raw, with these claims on its line."""
    raw: dict[str, Any] = samples.shipment()
    raw["lines"][0]["pga"] = list(claims)
    return raw


def faults(*claims: dict[str, Any]) -> dict[str, str]:
    """Path within the line → code of every fault of these claims."""
    shipment, problems = check_shipment(with_claims(*claims))
    assert (shipment is None) == any(one.severity == "error" for one in problems)
    assert all(one.text.endswith(".") and one.remedy for one in problems)
    assert len({one.path for one in problems}) == len(problems)
    return {one.path.removeprefix("lines[0]."): one.code for one in problems}


def items_faults(*items: Any) -> dict[str, str]:
    """Path within the message set → code."""
    found = faults({"agency": "FDA", "program": "COS", "message_set": list(items)})
    return {path.removeprefix("pga[0].message_set"): code for path, code in found.items()}


@pytest.mark.parametrize("layout", MESSAGE_RECORDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_record_comes_back_through_json(layout: str, seed: int) -> None:
    """Every layout: JSON of a record, through its text, reads back as the same record and fits its published schema."""
    rnd = Random(seed)
    record = record_for(rnd, layout, item_type="P") if layout == "PG02" else record_for(rnd, layout)
    said = json.loads(json.dumps(message_set_json([record])))
    read = read_message_set(said, "x")

    assert read.records == (record,)
    assert read.changes == ()
    assert [one.code for one in read.errors if not one.code.startswith(("order_", "product_missing"))] == []
    schema = record_schema(RECORDS[layout])
    assert set(schema["required"]) <= set(said[0]) <= set(schema["properties"])
    for key, value in said[0].items():
        assert re.search(schema["properties"][key].get("pattern", ""), value), key


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from([*RECORDS, "P", "12.5"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["record", *RECORDS["PG02"].keys, *RECORDS["PG26"].keys]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_any_value_is_read_or_refused(value: Any) -> None:
    """Whatever stands in a claim's message set: records that can be written, or problems; never an exception."""
    read = read_message_set(value, "x")
    if not read.problems:
        assert all(len(write_record(record)) == 80 for record in read.records)
    check_shipment(with_claims({"agency": "FDA", "program": "COS", "message_set": value}))


@pytest.mark.parametrize(
    ("layout", "field", "said", "wire"),
    [
        ("PG26", "quantity", "12.5", 1250),
        ("PG26", "quantity", "12", 1200),
        ("PG26", "quantity", "0.01", 1),
        ("PG26", "quantity", "9999999999.99", 999_999_999_999),
        ("PG14", "lpco_quantity", "1.0005", 10005),
        ("PG04", "percent_of_constituent_element", "100", 1_000_000),
        ("PG25", "pga_line_value", "150", 150),
        ("PG25", "actual_temperature", "18.50", 1850),
    ],
)
def test_numbers_get_the_decimals_of_the_wire(layout: str, field: str, said: str, wire: int) -> None:
    """The point is implied on the wire; each field has its own number of decimals."""
    fixed = {"packaging_qualifier": "1"} if layout == "PG26" else {}
    record = read_message_set([PRODUCT, {"record": layout, **fixed, field: said}], "x").records[1]

    assert record.get(field) == wire
    assert read_message_set([PRODUCT, *message_set_json([record])], "x").records[1] == record


def test_decimals_are_declared_where_the_tables_speak_of_them() -> None:
    """No number of any record has implied decimals in words alone."""
    for record in RECORDS.values():
        for one in record.fields:
            said = re.search(r"(\d) implied decimals", one.meaning)
            assert one.decimals == (int(said[1]) if said else 0), f"{record.id}.{one.key}"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([PRODUCT], {}),
        ([{**PRODUCT, "record": "PG99"}], {"[0].record": "unknown_record"}),
        ([PRODUCT, {"item_type": "C"}], {"[1].record": "unknown_record"}),
        ([PRODUCT, {"record": "PG01"}], {"[1].record": "record_not_here"}),
        ([{"record": "OI"}, PRODUCT], {"[0].record": "record_not_here"}),
        (
            [PRODUCT, {"record": "PG00", "substitution_indicator": "R", "substitution_number": "0001"}],
            {"[1].record": "record_not_here"},
        ),
        ([{**PRODUCT, "colour": "red"}], {"[0].colour": "unknown_field"}),
        ([{**PRODUCT, "product_code_number_1": 5}], {"[0].product_code_number_1": "not_text"}),
        ([{**PRODUCT, "product_code_number_1": None}], {"[0].product_code_number_1": "not_text"}),
        ([{**PRODUCT, "product_code_number_1": "5" * 20}], {"[0].product_code_number_1": "too_long"}),
        ([{**PRODUCT, "product_code_number_1": ""}], {"[0].product_code_number_1": "empty_value"}),
        ([{**PRODUCT, "product_code_number_1": "東🍁"}], {"[0].product_code_number_1": "invalid_character"}),
        ([{**PRODUCT, "product_code_qualifier_1": "F-P"}], {"[0].product_code_qualifier_1": "wrong_class"}),
        ([{"record": "PG02"}], {"[0].item_type": "missing"}),
        ([{**PRODUCT, "item_type": "X"}], {"[0].item_type": "unknown_code"}),
        ([PRODUCT, {"record": "PG25", "pga_line_value": "12.5"}], {"[1].pga_line_value": "too_many_decimals"}),
        ([PRODUCT, {"record": "PG25", "pga_unit_value": "12.505"}], {"[1].pga_unit_value": "too_many_decimals"}),
        ([PRODUCT, {"record": "PG25", "pga_unit_value": "1" * 11}], {"[1].pga_unit_value": "out_of_range"}),
        ([PRODUCT, {"record": "PG25", "pga_unit_value": "-1"}], {"[1].pga_unit_value": "not_a_number"}),
        ([PRODUCT, {"record": "PG25", "pga_unit_value": "1,5"}], {"[1].pga_unit_value": "not_a_number"}),
        (
            [PRODUCT, {"record": "PG25", "production_start_date_of_the_lot": "2026-02-30"}],
            {"[1].production_start_date_of_the_lot": "not_a_date"},
        ),
        (
            [PRODUCT, {"record": "PG25", "production_start_date_of_the_lot": "02/03/2026"}],
            {"[1].production_start_date_of_the_lot": "not_a_date"},
        ),
        (
            [
                PRODUCT,
                {
                    "record": "PG30",
                    "inspection_laboratory_testing_status": "A",
                    "inspection_testing_or_arrival_time": "9am",
                },
            ],
            {"[1].inspection_testing_or_arrival_time": "wrong_class"},
        ),
        ([{"record": "PG07", "model": "X"}], {"[0]": "product_missing"}),
        ([{"record": "PG07", "model": "X"}, PRODUCT], {"": "product_missing"}),
        ([{"record": "PG02", "item_type": "C"}], {"[0]": "product_missing"}),
        ([PRODUCT, {"record": "PG07"}, PRODUCT], {"[2].item_type": "second_product"}),
        ([PRODUCT, {"record": "PG02", "item_type": "C"}, PRODUCT], {"[2].item_type": "second_product"}),
        ([PRODUCT, {"record": "PG20", "entity_city": "PARIS"}], {"[1]": "order_X37"}),
        ([PRODUCT, {"record": "PG08"}], {"[1]": "order_X37"}),
        (
            [PRODUCT, {"record": "PG19", "entity_role_code": "MF"}, {"record": "PG20"}, {"record": "PG20"}],
            {"[3]": "order_X36"},
        ),
        ([PRODUCT, {"record": "PG26", "packaging_qualifier": "2"}], {"[1]": "order_X35"}),
        ([PRODUCT, {"record": "PG50"}, {"record": "PG06", "source_type_code": "39"}], {"[2]": "order_X37"}),
        ([7, "PG02", None], {"[0]": "not_an_object", "[1]": "not_an_object", "[2]": "not_an_object"}),
    ],
)
def test_every_fault_has_its_path(items: list[Any], expected: dict[str, str]) -> None:
    """Unknown, wrong, too long, missing, out of place: each is one problem at its value."""
    assert items_faults(*items) == expected


def test_all_faults_of_a_claim_come_at_once() -> None:
    """Faults of several records, of PG01's own keys and of another claim are one answer."""
    bad = {
        "agency": "FDA",
        "program": "COS",
        "processing": "A-1",
        "colour": "red",
        "product_id": {"qualifier": "GTIN!", "number": "1"},
        "prior_notice_confirmation": "1" * 34,
        "message_set": [PRODUCT, {"record": "PG26", "quantity": "1.234"}, {"record": "PG99"}],
    }
    other = {"agency": "EPA", "program": "TS1", "prior_notice_confirmation": "1", "message_set": [PRODUCT, PRODUCT]}

    assert faults(bad, other) == {
        "pga[0].processing": "wrong_class",
        "pga[0].colour": "unknown_key",
        "pga[0].product_id.qualifier": "too_long",
        "pga[0].prior_notice_confirmation": "too_long",
        "pga[0].message_set[1].quantity": "too_many_decimals",
        "pga[0].message_set[1].packaging_qualifier": "missing",
        "pga[0].message_set[2].record": "unknown_record",
        "pga[1].prior_notice_confirmation": "not_for_agency",
        "pga[1].message_set[1].item_type": "second_product",
    }


@pytest.mark.parametrize("claim", [{"agency": "FDA", "program": "FOO"}, {"agency": "EPA", "disclaimer": "A"}, CREAM])
def test_good_claims_are_taken(claim: dict[str, Any]) -> None:
    """A bare claim, a disclaimer and a full message set are good shipments."""
    assert faults(claim) == {}


def test_a_disclaimed_claim_may_have_records_without_a_product() -> None:
    """With a disclaimer the product is not mandatory; that there are data at all is a warning."""
    component = {"record": "PG02", "item_type": "C"}
    claim = {"agency": "FDA", "program": "COS", "disclaimer": "B", "message_set": [component]}
    shipment, problems = check_shipment(with_claims(claim))

    assert shipment is not None
    assert [(one.path, one.code, one.severity) for one in problems] == [
        ("lines[0].pga[0].disclaimer", "disclaimer_with_message_set", "warning")
    ]
    assert "PG01 80" in problems[0].reference


def test_goods_that_are_not_regulated_have_no_message_set() -> None:
    """Disclaimer A and data contradict each other; alone, or with an empty list, it is good."""
    claim = {"agency": "FDA", "program": "COS", "disclaimer": "A"}
    shipment, problems = check_shipment(with_claims({**claim, "message_set": [PRODUCT]}))

    assert shipment is None
    assert [(one.path, one.code, one.severity) for one in problems] == [
        ("lines[0].pga[0].disclaimer", "disclaimer_with_message_set", "error")
    ]
    assert faults(claim) == faults({**claim, "message_set": []}) == {}


@pytest.mark.parametrize(
    ("record", "field", "told"),
    [
        ({"record": "PG06", "source_type_code": "39", "country_code": "QQ"}, "country_code", "pga_source_countries"),
        ({"record": "PG06", "source_type_code": "39", "country_code": "an"}, "country_code", "no longer stands"),
        ({"record": "PG26", "packaging_qualifier": "1", "unit_of_measure": "QQQ"}, "unit_of_measure", "units"),
        ({"record": "PG14", "lpco_transaction_type": "9"}, "lpco_transaction_type", "pga_license_transactions"),
        ({"record": "PG25", "degree_type": "X"}, "degree_type", "pga_degrees"),
    ],
)
def test_a_code_that_no_list_has_is_a_warning(record: dict[str, str], field: str, told: str) -> None:
    """The list, its version and date are named, the value is kept, and the shipment is good."""
    claim = {"agency": "FDA", "program": "COS", "message_set": [PRODUCT, record]}
    shipment, problems = check_shipment(with_claims(claim))
    read = read_message_set(claim["message_set"], "x")
    (warning,) = problems

    assert shipment is not None
    assert (warning.path, warning.code) == (f"lines[0].pga[0].message_set[1].{field}", "unknown_code")
    assert (warning.severity, bool(warning.reference)) == ("warning", True)
    assert told in warning.text
    assert re.search(r"version \d+ of \d{4}-\d\d-\d\d", warning.text)
    assert read.errors == ()
    assert read.records[1].text(field) == record[field].upper()


@pytest.mark.parametrize(
    "record",
    [
        {"record": "PG06", "source_type_code": "39", "country_code": "ZZ"},
        {"record": "PG06", "source_type_code": "XYZ", "country_code": "FR"},
        {"record": "PG19", "entity_role_code": "QQQ"},
        {"record": "PG26", "packaging_qualifier": "1", "unit_of_measure": "pcs"},
    ],
)
def test_codes_of_open_lists_are_not_judged(record: dict[str, str]) -> None:
    """Appendix PGA has codes that are not here; PG06 has countries that are none."""
    assert items_faults(PRODUCT, record) == {}


@pytest.mark.parametrize("value", ["PG02", {"record": "PG02"}, 5, True])
def test_a_message_set_that_is_no_list_is_refused(value: Any) -> None:
    """The path is that of the message set."""
    assert faults({"agency": "FDA", "program": "COS", "message_set": value}) == {"pga[0].message_set": "not_a_list"}


def test_other_writing_is_told_as_a_change() -> None:
    """Accents are written in CBP's characters and told; what is in them already stays, spaces and all."""
    read = read_message_set([PRODUCT, {"record": "PG07", "trade_name_brand_name": "Crème", "model": "A  \\ B"}], "x")

    assert read.records[1].values == {"trade_name_brand_name": "CREME", "model": "A  \\ B"}
    assert [(one.path, one.before, one.after) for one in read.changes] == [
        ("x[1].trade_name_brand_name", "Crème", "CREME")
    ]


def test_rows_of_a_csv_file_hold_message_sets() -> None:
    """The cell `lines.pga` holds the JSON list of claims; a bad one stops its own shipment alone."""
    bad = copy.deepcopy(CREAM)
    bad["message_set"][0]["product_code_number_1"] = "5" * 20
    rows = []
    for name, claim in (("A", CREAM), ("B", bad), ("C", CREAM)):
        raw = with_claims(claim)
        cells = {"shipment_id": name, "order_id": name, "place_of_receipt": "X", "packages.count": "1"}
        cells |= {"gross_weight.value": "1.00", "gross_weight.unit": "KG"}
        for role in ("shipper", "consignee"):
            cells[f"{role}.name"] = raw[role]["name"]
            for key, value in raw[role]["address"].items():
                cells[f"{role}.address.{key}"] = "|".join(value) if isinstance(value, list) else value
        for key in ("line", "description", "hts", "country_of_origin", "quantity", "value"):
            cells[f"lines.{key}"] = str(raw["lines"][0][key])
        cells["lines.pga"] = json.dumps([claim])
        rows.append(cells)
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)

    got = list(read_rows([sink.getvalue().encode()], CSV))

    assert [row.shipment_id for row in got] == ["A", "B", "C"]
    assert [[(one.code, one.path) for one in row.problems] for row in got] == [
        [],
        [("too_long", "lines[0].pga[0].message_set[0].product_code_number_1")],
        [],
    ]
    assert got[0].shipment is not None
    assert got[0].shipment.lines[0].pga[0].message_set == CREAM["message_set"]


# ---------------------------------------------------------------- keys that are records of their own


def test_a_filed_key_stands_after_the_product_and_its_groupings() -> None:
    """There it belongs to the product; a number the message set has already is not said twice."""
    made = [
        rec("PG02", item_type="P"),
        Record("PG50", {}),
        rec("PG06", source_type_code="39"),
        Record("PG51", {}),
        rec("PG13", issuer_of_lpco="X"),
        rec("PG14", lpco_number="OTHER"),
    ]
    records, added = with_filed_keys({"prior_notice_confirmation": "123"}, made)

    assert filed_place([one.layout for one in made]) == 4
    assert records == [*made[:4], rec("PG14", lpco_number="123"), *made[4:]]
    assert [row.key for row in added] == ["prior_notice_confirmation"]
    assert with_filed_keys({"prior_notice_confirmation": "OTHER"}, made) == (made, [])


def test_filed_keys_are_keys_of_a_claim_and_their_records_can_be_written() -> None:
    """The table names what there is, and says of each row how sure it is."""
    for row in filed_keys():
        assert row.key in PgaClaim.model_fields
        assert row.record in MESSAGE_RECORDS
        assert row.mark in ("seen", "recalled", "unsure")
        assert len(write_record(row.made("1"))) == 80
    with pytest.raises(FormatError):
        write_record(filed_keys()[0].made("x" * 99))


def test_the_rule_book_asks_for_keys_that_claims_have() -> None:
    """A requirement that no claim could meet would send every shipment to review."""
    asked = {
        name
        for row in RuleBook.load().rows
        if row.needs == "claim_fields"
        for name in (*row.fields_any_of, *row.fields_all_of)
    }

    assert asked
    assert asked <= set(PgaClaim.model_fields)
