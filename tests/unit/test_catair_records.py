"""Does a record become exactly its 80 columns, and is everything that does not fit refused?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.catair import PlacedProblem, Record, read_record, rec, write_record
from schemas.errors import FormatError


def header(**values: Any) -> Record:
    """A type 11 header with whatever is changed."""
    return rec(
        "SE10",
        **{
            "valid_action_code": "A",
            "entry_filer_code": "XYZ",
            "entry_number": "12345671",
            "entry_type": "11",
            "importer_of_record_type": "EI",
            "importer_of_record": "12-3456789",
            "mode_of_transportation_code": "30",
            "bond_type_code": "8",
            "estimated_entry_value": 125,
            "planned_port_of_entry": "0901",
            **values,
        },
    )


def refusal(record: Record) -> list[tuple[str, str]]:
    """Codes and paths with which a record is refused."""
    with pytest.raises(FormatError) as caught:
        write_record(record)
    return [(problem.code, problem.path) for problem in caught.value.problems]


def found(line: str, layout: str) -> list[tuple[str, int, str]]:
    """Code, column and severity of what is wrong with a line."""
    return [(one.code, one.column, one.severity) for one in read_record(line.encode("latin-1"), layout)[1]]


def test_a_header_is_written_column_by_column() -> None:
    """Text goes left with spaces, numbers right with zeros, absent fields are spaces."""
    line = write_record(header())

    assert line == b"SE10AXYZ  12345671 11EI 12-3456789  30800000001250901 ".ljust(80)
    assert len(line) == 80


def test_zero_and_absent_are_two_things() -> None:
    """A line value of 0 is zeros on the wire; an absent one is spaces; both come back as they were."""
    zero = write_record(rec("SE60", hts_number="6109100012", line_item_value=0))
    absent = write_record(rec("SE60", hts_number="6109100012"))

    assert (zero[14:24], absent[14:24]) == (b"0000000000", b" " * 10)
    assert read_record(zero, "SE60")[0].values["line_item_value"] == 0
    assert "line_item_value" not in read_record(absent, "SE60")[0].values


def test_dates_are_written_month_day_year() -> None:
    """A date is MMDDYY and comes back as the same day."""
    record = rec(
        "SE16",
        carrier_code="SFIC",
        voyage_flight_trip_manifest_number="00451",
        date_of_arrival=date(2026, 11, 3),
        quantity=7,
    )
    line = write_record(record)

    assert line[13:27] == b"11032600000007"
    assert read_record(line, "SE16") == (record, ())


def test_a_right_justified_identifier() -> None:
    """The nine-column entry number of a query stands right, its leading space is not part of the value."""
    record = rec("WR1", entry_filer_code="XYZ", entry_number="12345671")
    line = write_record(record)

    assert line[10:19] == b" 12345671"
    assert read_record(line, "WR1") == (record, ())


def test_user_data_keeps_leading_spaces() -> None:
    """The text that CBP echoes untouched may begin with spaces."""
    record = rec(
        "A.out", sender_receiver_site_code="3801", sender_receiver_id_code="XYZ", transmitter_s_user_data_text="  REF-1"
    )

    assert read_record(write_record(record), "A.out") == (record, ())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"estimated_entry_value": 10_000_000_000}, "out_of_range"),
        ({"estimated_entry_value": -1}, "out_of_range"),
        ({"estimated_entry_value": "125"}, "wrong_type"),
        ({"estimated_entry_value": True}, "wrong_type"),
        ({"bond_type_code": 8}, "wrong_type"),
        ({"bond_type_code": "A"}, "wrong_class"),
        ({"bond_type_code": "88"}, "too_long"),
        ({"entry_number": "123456712"}, "too_long"),
        ({"entry_number": "1234567-"}, "wrong_class"),
        ({"entry_filer_code": "xyz"}, "wrong_class"),
        ({"importer_of_record": "12-3456789é"}, "wrong_class"),
        ({"importer_of_record": "12-345\n789"}, "wrong_class"),
        ({"importer_of_record_type": "EI "}, "trailing_space"),
        ({"importer_of_record_type": " EI"}, "leading_space"),
        ({"valid_action_code": None}, "missing_value"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(change: dict[str, Any], code: str) -> None:
    """Nothing is cut, padded, upper-cased or converted: each fault is a problem at its field."""
    key = next(iter(change))

    assert refusal(header(**change)) == [(code, f"SE10.{key}")]


def test_all_problems_come_at_once() -> None:
    """A record with three faults is refused with three problems, in column order."""
    record = header(valid_action_code=None, entry_type="111", estimated_entry_value=-5)

    assert [code for code, _ in refusal(record)] == ["missing_value", "too_long", "out_of_range"]


def test_unknown_fields_and_layouts_are_refused() -> None:
    """A key or layout that does not exist is an error, in the builder and in the writer."""
    with pytest.raises(FormatError):
        rec("SE10", action="A")
    with pytest.raises(FormatError):
        rec("SE99")

    assert ("unknown_field", "SE60.value") in refusal(Record("SE60", {"hts_number": "6109100012", "value": 1}))
    assert refusal(Record("SE99", {})) == [("unknown_layout", "SE99")]
    with pytest.raises(FormatError):
        read_record(b"", "SE99")


def test_dates_that_six_columns_cannot_tell_are_refused() -> None:
    """Years outside 2000 to 2099 and instants are no MMDDYY dates."""
    values: dict[str, Any] = {"carrier_code": "SFIC", "voyage_flight_trip_manifest_number": "1", "quantity": 1}
    old = Record("SE16", {**values, "date_of_arrival": date(1999, 12, 31)})
    instant = Record("SE16", {**values, "date_of_arrival": datetime(2026, 1, 1, tzinfo=UTC)})

    assert refusal(old) == [("out_of_range", "SE16.date_of_arrival")]
    assert refusal(instant) == [("wrong_type", "SE16.date_of_arrival")]


def test_printed_classes_that_cannot_be_meant() -> None:
    """SE13's reason is printed alphabetic but holds digits; its contact name takes no punctuation."""
    good = rec("SE13", contact_name="JANE BROKER", contact_phone="3135550100", reason_code="03")

    assert write_record(good)[59:61] == b"03"
    assert refusal(rec("SE13", contact_name="J. BROKER-LEE", contact_phone="3135550100")) == [
        ("wrong_class", "SE13.contact_name")
    ]


def test_the_text_of_a_batch_condition_may_have_punctuation() -> None:
    """X1's narrative is printed alphanumeric while CBP's own texts carry hyphens and slashes."""
    final = rec("X1", severity_code="F", condition_code="X19", narrative_text="BLOCK APP ID / BATCH APP ID CONFLICT")

    assert read_record(write_record(final), "X1") == (final, ())


def test_data_in_filler_is_reported_where_it_stands() -> None:
    """A character in a filler is X39 at its column; the values are read all the same."""
    line = "SE6061091000120000000045".ljust(40) + "Q".ljust(40)
    record, problems = read_record(line, "SE60")

    assert [(one.code, one.column) for one in problems] == [("X39", 41)]
    assert record.values == {"hts_number": "6109100012", "line_item_value": 45}


def test_non_standard_data_is_reported() -> None:
    """A control character or a byte beyond ASCII is X40 at its column."""
    line = "SE30BY ACME\tSHOP".ljust(80)

    assert found(line, "SE30") == [("X40", 12, "error")]
    assert found("SE30BY CAFÉ".ljust(80), "SE30") == [("X40", 11, "error")]
    assert found("SE30BY ACME".ljust(70) + "\0".ljust(10), "SE30") == [("X40", 71, "error")]


def test_small_letters_are_wrong_but_read() -> None:
    """Small letters break the data class; the value is given as it stands."""
    record, problems = read_record("SE30BY Acme".ljust(80), "SE30")

    assert [(one.code, one.path, one.column) for one in problems] == [("wrong_class", "SE30.entity_name", 9)]
    assert record.values["entity_name"] == "Acme"


def test_numbers_that_are_none() -> None:
    """A number filled with spaces is a warning, a left-justified or lettered one an error without value."""
    filled = read_record("SE606109100012" + "        45".ljust(66), "SE60")
    left = read_record("SE606109100012" + "45".ljust(66), "SE60")

    assert (filled[0].values["line_item_value"], filled[1][0].code, filled[1][0].severity) == (
        45,
        "not_zero_filled",
        "warning",
    )
    assert ("line_item_value" in left[0].values, left[1][0].code) == (False, "wrong_class")


def test_impossible_days_and_times() -> None:
    """30 February is no day and 25:61 no time; both are said, neither raises."""
    line = "SO50" + "023026" + "2561" + "93BILL ON FILE".ljust(42) + "N"
    record, problems = read_record(line, "SO50")

    assert [one.code for one in problems] == ["not_a_date", "not_a_time"]
    assert "disposition_date" not in record.values
    assert record.values["disposition_code"] == "93"


def test_what_cbp_sends_out_of_class_is_a_warning() -> None:
    """A hyphen in the vessel name of a status is a warning; the status is read."""
    line = "SO103801XYZ  12345671 0112-3456789  ABCD" + "MARIE-CLAIRE".ljust(20) + "00451100226"
    record, problems = read_record(line, "SO10")

    assert [(one.code, one.severity) for one in problems] == [("wrong_class", "warning")]
    assert record.values["vessel_name"] == "MARIE-CLAIRE"


def test_too_short_and_too_long_lines() -> None:
    """A trimmed line is filled; columns after 80 are reported and not read."""
    short = read_record(b"SE6061091000120000000045", "SE60")
    long = read_record(b"SE6061091000120000000045".ljust(90, b" "), "SE60")

    assert short[1] == ()
    assert (long[0], long[1][0].code) == (short[0], "record_length")


def test_another_record_under_a_layout_is_reported() -> None:
    """A line that begins with another identifier is not this record."""
    assert ("wrong_constant", 1, "error") in found("SE61" + "6109100012".ljust(76), "SE60")


def test_positions_are_words_too() -> None:
    """A placed problem says its record and column, and gives them in its JSON shape."""
    problem = PlacedProblem("X39", "SE10", "Data in filler.", record=5, column=9)

    assert problem.position == "record 5, column 9"
    assert problem.as_dict()["position"] == "record 5, column 9"
    assert "position" not in PlacedProblem("X39", "SE10", "Data in filler.").as_dict()
