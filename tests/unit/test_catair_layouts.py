"""Do the record tables say what CBP's chapters say, and can every field be told apart?"""

from __future__ import annotations

from random import Random

import pytest

from gateway.docs_unconfirmed import page as unconfirmed_page
from schemas.catair import RECORDS, applications, code_lists, usage_maps
from schemas.catair.applications import NOT_LAID_OUT, is_laid_out, layout_of
from schemas.catair.layouts import field_key
from schemas.catair.records import render
from tests.catair_kit import record_for

EXPECTED = (
    "A.in B.in Y.in Z.in A.out B.out Y.out Z.out B.gen Y.gen Z.gen X0 X0.BLOCK X0.TRNACT X1 "
    "SE10 SE11 SE13 SE15 SE16 SE17 SE20 SE30 SE31 SE35 SE36 SE40 SE41 SE50 SE51 SE55 SE56 SE60 SE61 SE90 "
    "SO10 SO20 SO30 SO40 SO42 SO50 SO60 SO70 SO71 SO72 WR1 WR0 WO10 WO60 WO72 OI PG01 "
    "WSA WSB WR1.out WR2 WS4 WR4 WS5 WSC WSD WR5 WN0 WN1"
).split()

COLUMNS = [
    ("A.in", "communication_password", 9, 14, "AN", "text"),
    ("A.in", "application_identifier_code", 26, 27, "AN", "text"),
    ("A.out", "transmitter_s_user_data_text", 60, 80, "X", "text"),
    ("B.in", "processing_filer_code", 8, 10, "AN", "text"),
    ("Y.out", "output_transaction_image_count", 13, 17, "N", "number"),
    ("X0.TRNACT", "relative_column_of_the_syntax_problem", 34, 35, "N", "number"),
    ("SE10", "mode_of_transportation_code", 37, 38, "AN", "text"),
    ("SE10", "bond_type_code", 39, 39, "N", "code"),
    ("SE10", "estimated_entry_value", 40, 49, "N", "number"),
    ("SE10", "planned_port_of_entry", 50, 54, "AN", "text"),
    ("SE11", "location_of_goods", 12, 15, "AN", "text"),
    ("SE11", "elected_entry_date", 6, 11, "N", "date"),
    ("SE13", "reason_code", 60, 61, "A", "text"),
    ("SE15", "bill_of_lading_number", 10, 59, "X", "text"),
    ("SE16", "date_of_arrival", 14, 19, "N", "date"),
    ("SE35", "address_information_1", 7, 41, "X", "text"),
    ("SE40", "line_item_identifier", 5, 7, "N", "number"),
    ("SE60", "line_item_value", 15, 24, "N", "number"),
    ("SE90", "message_identifier_code", 7, 9, "AN", "text"),
    ("SO10", "district_port_of_entry", 5, 8, "N", "code"),
    ("SO50", "disposition_time", 11, 14, "N", "time"),
    ("SO60", "document_type", 65, 70, "AN", "text"),
    ("SO70", "beginning_tariff_position", 60, 61, "N", "number"),
    ("SO70.03", "beginning_tariff_position", 61, 61, "N", "number"),
    ("WO60", "release_date", 57, 62, "N", "date"),
    ("WR1.out", "date_of_arrival", 72, 77, "N", "date"),
    ("WR2", "trip_number", 4, 28, "AN", "text"),
    ("WR4", "manifest_quantity", 52, 59, "N", "number"),
    ("WR5", "disposition_action_code", 14, 16, "AN", "text"),
    ("WSA", "error_message_identifier", 32, 34, "AN", "text"),
    ("WSB", "error_message_identifier", 27, 29, "AN", "text"),
    ("WS5", "in_bond_arrival_date", 6, 11, "N", "code"),
    ("WN1", "in_bond_originating_port", 28, 31, "AN", "text"),
    ("PG01", "disclaimer", 80, 80, "A", "text"),
]


@pytest.mark.parametrize("layout", EXPECTED)
def test_every_record_of_cargo_release_is_laid_out(layout: str) -> None:
    """Control, request, response, status, query and first agency records each have a table."""
    assert RECORDS[layout].id == layout


@pytest.mark.parametrize("layout", RECORDS)
def test_fields_tile_the_record(layout: str) -> None:
    """The fields of a record cover columns 1 to 80 without gap or overlap."""
    covered = [column for one in RECORDS[layout].fields for column in range(one.start, one.end + 1)]

    assert list(range(1, 81)) == covered


@pytest.mark.parametrize("layout", RECORDS)
def test_a_table_is_complete(layout: str) -> None:
    """Each record names its source with section, its direction and an identifier; each field is sound."""
    record = RECORDS[layout]

    assert record.source.startswith("CBP CATAIR ")
    assert record.source.endswith((", " + layout.partition(".")[0], ", " + record.wire_id))
    assert record.direction in ("in", "out")
    assert layout.partition(".")[0].endswith(record.wire_id)
    for one in record.fields:
        assert one.use in ("M", "C", "O"), one
        assert bool(one.key) == (one.name != "Filler" and not one.value), one
        assert not one.codes or one.codes in code_lists(), one
        if one.kind in ("code", "number", "time"):
            assert one.cls in ("N", "(S)N"), one
        if one.kind == "date":
            assert one.length in (6, 8), one
        if one.kind == "text" and one.key:
            assert one.accepts in ("A", "AN", "X"), one


@pytest.mark.parametrize(("layout", "key", "start", "end", "cls", "kind"), COLUMNS)
def test_columns_are_those_of_the_chapter(layout: str, key: str, start: int, end: int, cls: str, kind: str) -> None:
    """Fields that matter most stand in the columns, class and kind of CBP's printed layout."""
    one = RECORDS[layout].keys[key]

    assert (start, end, cls, kind) == (one.start, one.end, one.cls, one.kind)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Mode of Transportation (MOT) Code", "mode_of_transportation_code"),
        ("Address Information (1)", "address_information_1"),
        ("District/Port of Entry", "district_port_of_entry"),
        ("Location of Goods (FIRMS)", "location_of_goods"),
        ("General Order (G.O.) Number", "general_order_number"),
        ("Transmitter's User Data Text", "transmitter_s_user_data_text"),
        ("Sub Reason Code 10", "sub_reason_code_10"),
    ],
)
def test_keys_follow_the_rule(name: str, key: str) -> None:
    """A key is the printed name in small letters, parentheticals dropped unless they are numbers."""
    assert key == field_key(name)


def test_fillers_and_constants_carry_no_data() -> None:
    """The record's own identifier, its type and its fillers have no key."""
    pg01 = RECORDS["PG01"]

    assert "record_type" not in pg01.keys
    assert pg01.identifier == "PG01"
    assert [one.name for one in RECORDS["B.gen"].fields if one.key] == []


def test_mirrored_records_keep_every_column() -> None:
    """A record of a query answer has the fields of its status record and its own identifier."""
    for number in ("10", "20", "30", "40", "42", "50", "60", "70", "71", "72"):
        status, answer = RECORDS[f"SO{number}"], RECORDS[f"WO{number}"]

        assert [(f.start, f.length, f.key) for f in status.fields] == [
            (f.start, f.length, f.key) for f in answer.fields
        ]
        assert answer.identifier == f"WO{number}"


def test_applications_of_cargo_release() -> None:
    """SE is answered by SX and CQ by C1; SO comes by itself; SU is known by name only."""
    known = applications()

    assert (known["SE"].direction, known["SE"].answer) == ("in", "SX")
    assert (known["CQ"].direction, known["CQ"].answer) == ("in", "C1")
    assert known["SO"].direction == "out"
    assert (known["SU"].direction, known["SU"].starts) == ("in", ())


@pytest.mark.parametrize(
    ("line", "application", "outgoing", "expected"),
    [
        ("10AXYZ", "AE", True, "AE10"),
        ("10AXYZ", "SE", True, ""),
        ("10AXYZ", "", True, ""),
        ("SE13JANE", "AE", True, "AE-SE13"),
        ("SE13JANE", "SE", True, "SE13"),
        ("SE16ABCD", "AE", True, "SE16"),
        ("PG01001", "AE", True, "PG01"),
        ("A3801XYZ", "", True, "A.in"),
        ("A3801XYZ", "", False, "A.out"),
        ("B" + " " * 78 + "B", "", False, "B.gen"),
        ("B" + " " * 78 + "B", "", True, "B.in"),
        ("B  3801XYZ".ljust(79) + "B", "", False, "B.out"),
        ("X0 BLOCK  000001", "", False, "X0.BLOCK"),
        ("X0 TRNACT 000001", "", False, "X0.TRNACT"),
        ("X0 OTHER  000001", "", False, "X0"),
        ("SO70FDA".ljust(78) + "03", "SO", False, "SO70.03"),
        ("SO70FDA".ljust(78) + "04", "SO", False, "SO70"),
        ("WO70FDA", "C1", False, "WO70.03"),
        ("WR1", "CQ", True, "WR1"),
        ("WR1", "C1", False, "WR1.out"),
        ("WR3", "CQ", True, ""),
        ("\xe9\xe9", "AE", True, ""),
    ],
)
def test_a_layout_is_found_by_application_direction_and_data(
    line: str, application: str, outgoing: bool, expected: str
) -> None:
    """Two-digit records belong to entry summaries only; variants are chosen by direction and columns."""
    assert layout_of(line.ljust(80), application, outgoing=outgoing) == expected


@pytest.mark.parametrize("layout", RECORDS)
def test_every_layout_can_be_reached(layout: str) -> None:
    """For some application and direction, a record of each layout is read as that layout."""
    record = RECORDS[layout]
    codes = [one.code for one in applications().values() if one.layouts == record.family]
    lines = [render(record_for(Random(seed), layout)) for seed in range(30)]

    assert codes
    assert any(
        layout_of(line, code, outgoing=record.direction == "in") == layout for code in codes[:2] for line in lines
    )


def test_every_family_has_an_application() -> None:
    """A family's layouts are looked up by the applications that name it, and none names a family that is not there."""
    families = {record.family for record in RECORDS.values()}

    assert {one.layouts for one in applications().values()} == families


def test_what_has_a_table_is_laid_out() -> None:
    """The list of records without a table holds nothing that has one."""
    assert not {record.wire_id for record in RECORDS.values()} & NOT_LAID_OUT
    assert not is_laid_out("SF40")
    assert is_laid_out("PG01")


def test_public_names_are_there() -> None:
    """Every public name of the package can be imported, and the list is sorted."""
    import schemas.catair as package

    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert sorted(package.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == package.__all__


def test_what_was_not_read_in_cbps_own_document_is_marked_and_listed() -> None:
    """A record or map that cites a transcription says so by its mark, and the page of gaps names it."""
    page = unconfirmed_page()
    cited = {one.id for one in RECORDS.values() if "transcription" in one.source}
    marked = {one.id for one in RECORDS.values() if one.mark != "sourced"}

    assert cited == {one for one in RECORDS if one.startswith("SO")}
    assert marked == {*cited, "WO70.03"}
    assert all(f"| `{one}` |" in page for one in marked)
    assert usage_maps()["SO"].mark == "transcribed"
    assert all(f"| map `{one.id}` |" in page for one in usage_maps().values() if one.mark != "sourced" or one.note)
    assert all(gap in page for gap in ("SF40 is not laid out", "ENTRY SUMMARY DELETED", "Where PG00 S to E stand"))
    for name, listed in code_lists().items():
        told = [code for code in listed.codes.values() if "transcription" in code.source and ";" not in code.source]
        assert [code.code for code in told if code.mark == "sourced"] == [], name
