"""Is a batch written whole or refused whole, and is any file read into batches and problems?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.catair import BlockSpec, CatairFile, Record, read_batches, rec, write_batch, write_record, write_rejection
from schemas.errors import FormatError

DAY = date(2026, 10, 1)


def entry(number: str = "12345671", **header: Any) -> list[Record]:
    """A small informal entry."""
    first: dict[str, Any] = {
        "valid_action_code": "A",
        "entry_filer_code": "XYZ",
        "entry_number": number,
        "entry_type": "11",
        "importer_of_record_type": "EI",
        "importer_of_record": "12-3456789",
        "mode_of_transportation_code": "30",
        "bond_type_code": "8",
        "estimated_entry_value": 45,
        "planned_port_of_entry": "0901",
    }
    return [
        rec("SE10", **{**first, **header}),
        rec("SE13", contact_name="JANE BROKER", contact_phone="3135550100"),
        bill("R", "25031000123", quantity=1),
        rec("SE20", reference_identifier_qualifier="CR", reference_identifier="SFI-2025-000123"),
        rec("SE30", entity_code="CN", entity_name="JANE DOE"),
        rec("SE35", address_component_qualifier_1="15", address_information_1="1200 MAIN ST"),
        rec("SE36", city_name="BUFFALO", country_sub_entity_code="NY", postal_code="14201", country_code="US"),
        rec("SE40", line_item_identifier=1, country_of_origin="CA", commercial_invoice_description="COTTON T-SHIRTS"),
        rec("SE60", hts_number="6109100012", line_item_value=45),
    ]


def bill(kind: str, number: str, **values: Any) -> Record:
    """One SE15."""
    return rec(
        "SE15",
        bill_type_indicator=kind,
        issuer_code_of_bill_of_lading_number="SFIC",
        bill_of_lading_number=number,
        non_ams_indicator="N",
        **values,
    )


def batch(*transactions: list[Record], separator: bytes = b"\n") -> bytes:
    """A batch of one block."""
    block = BlockSpec(port="0901", filer="XYZ", user_data="REF-1", transactions=transactions)
    return write_batch("SE", "0901", "XYZ", "PASSWD", [block], DAY, "REF-1", separator)


def refusal(*transactions: list[Record]) -> list[tuple[str, str]]:
    """Codes and paths with which a batch is refused."""
    with pytest.raises(FormatError) as caught:
        batch(*transactions)
    return [(one.code, one.path) for one in caught.value.problems]


def found(data: bytes) -> list[str]:
    """Codes of what is wrong with a file."""
    return [one.code for one in read_batches(data).problems]


def lines_of(data: bytes) -> list[bytes]:
    """The records of a file with separators."""
    return data.splitlines()


def joined(lines: list[bytes]) -> bytes:
    """A file of these records."""
    return b"".join(line + b"\n" for line in lines)


def test_an_envelope_is_written_and_read_back() -> None:
    """A, B, Y and Z carry site, sender, password, port, filer, application and user data."""
    data = batch(entry())
    lines = lines_of(data)
    read = read_batches(data)

    assert lines[0] == b"A0901XYZPASSWD100126     SE".ljust(59) + b"REF-1".ljust(21)
    assert lines[1] == b"B  0901XYZSE".ljust(59) + b"REF-1".ljust(21)
    assert lines[-2] == b"Y  0901XYZSE".ljust(80)
    assert lines[-1] == b"Z0901XYZ      100126".ljust(80)
    assert read.problems == []
    assert [one.record for one in read.batches[0].transactions[0].records] == entry()


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b""])
def test_separators_are_a_transport_matter(separator: bytes) -> None:
    """LF, CRLF, CR or nothing between records: the same values come out."""
    read = read_batches(batch(entry(), entry("12345689"), separator=separator))

    assert read.problems == []
    assert [len(one.records) for one in read.batches[0].transactions] == [9, 9]


def test_trimmed_lines_are_filled_and_remembered() -> None:
    """A file whose trailing spaces were trimmed reads the same, and says that it was trimmed."""
    whole = batch(entry())
    trimmed = joined([line.rstrip() for line in lines_of(whole)])
    read = read_batches(trimmed)

    assert read.problems == []
    assert [one.record for one in read.records] == [one.record for one in read_batches(whole).records]
    assert all(one.trimmed for one in read.records)


def test_positions_count_records_and_bytes() -> None:
    """Each record knows its number in the file, its offset, and problems know block and transaction."""
    lines = lines_of(batch(entry(), entry("12345689")))
    lines[11] = lines[11][:79] + b"Q"
    read = read_batches(joined(lines))

    assert [(one.number, one.offset) for one in read.records[:3]] == [(1, 0), (2, 81), (3, 162)]
    assert [(p.code, p.record, p.column, p.block, p.transaction) for p in read.problems] == [("X39", 12, 80, 1, 2)]
    assert read.problems[0] in read.records[11].problems


def test_values_that_do_not_fit_refuse_the_whole_batch() -> None:
    """Every problem of every transaction is told, with the record and the number of its kind."""
    bad = entry(estimated_entry_value=10**10)
    bad.insert(3, Record("SE15", {**bill("R", "1").values, "quantity": "1"}))
    with pytest.raises(FormatError) as caught:
        batch(entry(), bad)
    problems = caught.value.problems

    assert [(one.code, one.path) for one in problems] == [
        ("out_of_range", "SE10.estimated_entry_value"),
        ("wrong_type", "SE15[2].quantity"),
    ]
    assert [(one.record, one.transaction) for one in problems] == [(12, 2), (15, 2)]  # type: ignore[attr-defined]


def test_envelope_values_are_checked_too() -> None:
    """A site, port or user text that does not fit is a problem of A or B."""
    with pytest.raises(FormatError) as caught:
        write_batch("SE", "09011", "XYZ", "", [BlockSpec(port="", filer="XYZ", transactions=[entry()])], DAY, "R" * 22)
    paths = {one.path for one in caught.value.problems}

    assert "A.sender_receiver_site_code" in paths
    assert "A.communication_password" in paths
    assert "A.transmitter_s_user_data_text" in paths
    assert "B.processing_district_port_code" in paths


def test_a_filer_belongs_in_its_own_block() -> None:
    """An entry whose filer is not that of the block is refused."""
    assert refusal(entry(entry_filer_code="B76")) == [("filer_mismatch", "SE10.entry_filer_code")]


def test_empty_batches_blocks_and_transactions_are_refused() -> None:
    """A batch needs a block, a block a transaction, a transaction a record."""
    with pytest.raises(FormatError) as no_block:
        write_batch("SE", "0901", "XYZ", "PASSWD", [], DAY)

    assert [one.code for one in no_block.value.problems] == ["X03"]
    assert refusal() == [("X04", "B")]
    assert refusal([]) == [("X33", "")]


def test_a_block_holds_999_requests() -> None:
    """999 transactions are written, 1000 are refused."""
    assert len(read_batches(batch(*[entry()] * 999)).batches[0].transactions) == 999
    assert refusal(*[entry()] * 1000) == [("X36", "B")]


@pytest.mark.parametrize("application", ["SX", "ZZ", ""])
def test_a_request_needs_an_input_application(application: str) -> None:
    """A response code, an unknown or an empty one is refused for a batch to CBP."""
    with pytest.raises(FormatError) as caught:
        write_batch(application, "0901", "XYZ", "PASSWD", [BlockSpec("0901", "XYZ", "", [entry()])], DAY)

    assert caught.value.problems[0].code == "X12"


def test_an_answer_counts_its_records_and_hides_the_password() -> None:
    """Direction out writes SX with the number of records in Y and no password in A."""
    answer = [entry()[0], rec("SE90", message_type_code="02", narrative_message_text="ACCEPTED")]
    data = write_batch(
        "SX", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [answer, answer])], DAY, "R", direction="out"
    )
    lines = lines_of(data)
    read = read_batches(data)

    assert lines[0][8:14] == b" " * 6
    assert lines[-2][12:17] == b"00004"
    assert (read.problems, read.batches[0].outgoing) == ([], False)
    with pytest.raises(FormatError):
        write_batch("SX", "0901", "XYZ", "SECRET", [BlockSpec("0901", "XYZ", "", [answer])], DAY, direction="out")


def test_a_rejected_batch_is_written_and_read() -> None:
    """A blank application, generated B, Y and Z around X0 and X1: the reader says rejected."""
    conditions = [
        rec("X0.BLOCK", occurrence_position=1, processing_district_port_code="0901", application_identifier_code="SE"),
        rec(
            "X0.TRNACT",
            occurrence_position=1,
            relative_position_of_the_80_char_record_within_the_batch=5,
            relative_column_of_the_syntax_problem=0,
        ),
        rec("X1", severity_code="F", condition_code="X34", narrative_text="UNKNOWN RECORD ID FOUND IN GROUPING"),
        rec("X1", disposition_type_code="R", severity_code="F", condition_code="999", narrative_text="BATCH REJECTED"),
    ]
    read = read_batches(write_rejection("0901", "XYZ", conditions, DAY, "REF-1"))

    assert read.problems == []
    assert (read.batches[0].rejected, read.batches[0].application) == (True, "")
    assert [one.record for one in read.batches[0].transactions[0].records] == conditions
    with pytest.raises(FormatError):
        write_rejection("0901", "XYZ", conditions[:-1], DAY)
    with pytest.raises(FormatError):
        write_rejection("0901", "XYZ", [*entry(), conditions[-1]], DAY)


def test_several_batches_in_one_file() -> None:
    """Two batches of different applications come out as two, each with its own records."""
    status = [
        rec(
            "SO10",
            entry_filer_code="XYZ",
            entry_number="12345671",
            entry_type_code="11",
            importer_of_record_number="12-3456789",
        ),
        rec(
            "SO60",
            disposition_action_date=DAY,
            disposition_action_time="1016",
            disposition_action_code="98",
            narrative_message="RELEASED",
            release_date=DAY,
            release_origin_code="03",
        ),
    ]
    second = write_batch("SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [status])], DAY, direction="out")
    read = read_batches(batch(entry()) + second)

    assert read.problems == []
    assert [(one.application, one.first_record) for one in read.batches] == [("SE", 1), ("SO", 14)]
    assert read.batches[1].transactions[0].all("SO60")[0].values["release_date"] == DAY


def mutated(*changes: tuple[int, bytes | None]) -> CatairFile:
    """A good batch read after replacing (or, for None, removing) records by index."""
    lines: list[bytes] = lines_of(batch(entry()))
    for index, line in sorted(changes, reverse=True):
        if line is None:
            del lines[index]
        else:
            lines[index] = line
    return read_batches(joined(lines))


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ([(0, None)], ["X01"]),
        ([(1, None)], ["X03"]),
        ([(11, None)], ["X05"]),
        ([(12, None)], ["X06"]),
        ([(11, None), (12, None)], ["X05", "X06"]),
        ([(11, b"Y  3801XYZSE".ljust(80))], ["X32"]),
        ([(11, b"Y  0901B76SO".ljust(80))], ["X32", "X32"]),
        ([(12, b"Z3801XYZ      100226".ljust(80))], ["X14", "X14"]),
        ([(1, b"B  0901XYZCQ".ljust(80))], ["X19", "X32"]),
        ([(0, b"A0901XYZPASSWD100126     ZZ".ljust(80))], ["X12", "X19"]),
        ([(0, b"A0901XYZPASSWD100126".ljust(80))], ["missing_value", "X11", "X19"]),
        ([(2, None)], ["X33"]),
        ([(3, b"SE99".ljust(80))], ["X34", "X37"]),
        ([(3, b"".ljust(80))], ["X34", "X37"]),
        ([(2, b"SE10Q".ljust(80))], ["missing_value"] * 5 + ["unknown_action"]),
    ],
)
def test_what_is_wrong_with_an_envelope(changes: list[tuple[int, bytes | None]], codes: list[str]) -> None:
    """Missing, unmatched and unknown control records are each said once, with CBP's own code."""
    assert sorted(codes) == sorted(one.code for one in mutated(*changes).problems)


def test_no_transactions_and_no_blocks() -> None:
    """A block without transactions is X04, a batch without blocks X03."""
    lines = lines_of(batch(entry()))

    assert found(joined([*lines[:2], *lines[-2:]])) == ["X04"]
    assert found(joined([lines[0], lines[-1]])) == ["X03"]


def test_nested_envelopes() -> None:
    """A batch inside a batch and a block inside a block close the outer one and are kept."""
    lines = lines_of(batch(entry()))
    nested = read_batches(joined([*lines[:-2], *lines]))
    blocks = read_batches(joined([*lines[:-2], *lines[1:]]))

    assert ([one.code for one in nested.problems], len(nested.batches)) == (["X05", "X06"], 2)
    assert ([one.code for one in blocks.problems], len(blocks.batches[0].blocks)) == (["X05"], 2)


def test_a_lying_count_is_not_believed() -> None:
    """A Y record that counts other than the block holds is reported with its column."""
    answer = [entry()[0], rec("SE90", message_type_code="02", narrative_message_text="ACCEPTED")]
    data = write_batch("SX", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [answer])], DAY, direction="out")
    read = read_batches(data.replace(b"SX00002", b"SX00009"))

    assert [(one.code, one.column) for one in read.problems] == [("count_mismatch", 13)]


@pytest.mark.parametrize("data", [b"", b"   \r\n\n ", b"\n"])
def test_an_empty_file(data: bytes) -> None:
    """Nothing at all is one problem."""
    assert found(data) == ["X01"]


def test_a_truncated_file() -> None:
    """A file cut in the middle of a record without separators says so and keeps what it can."""
    read = read_batches(batch(entry(), separator=b"")[:250])

    assert [one.code for one in read.problems] == ["missing_value", "X42", "X05", "X06"]
    assert [one.layout for one in read.records] == ["A.in", "B.in", "SE10", "SE13"]


def test_stray_bytes_around_records() -> None:
    """A byte order mark, blank lines and trailing spaces are named; the records are read."""
    lines = lines_of(batch(entry()))
    data = b"\xef\xbb\xbf" + joined([lines[0], b"", lines[1] + b"   ", *lines[2:]])

    assert found(data) == ["X40", "blank_line", "record_length"]
    assert len(read_batches(data).records) == 13


def test_binary_is_not_endless() -> None:
    """A large binary file stops after a bounded number of problems."""
    read = read_batches(bytes(range(256)) * 20_000)

    assert read.problems[-1].code == "too_many_problems"
    assert len(read.problems) < 2100


def test_an_application_known_by_name_only() -> None:
    """Records of a statement update are kept as they are, with one warning."""
    lines = [
        b"A0901XYZPASSWD100126     SU",
        b"B  0901XYZSU",
        b"10AXYZ  12345671",
        b"11",
        b"Y  0901XYZSU",
        b"Z0901XYZ      100126",
    ]
    read = read_batches(joined(lines))

    assert [(one.code, one.severity) for one in read.problems] == [("not_laid_out", "warning")]
    assert read.batches[0].transactions[0].records[0].values == {"text": "10AXYZ  12345671"}


def test_a_record_cbp_defines_without_a_table_is_kept() -> None:
    """A record that CBP's chapter names without laying it out is a warning, not an unknown record."""
    lines = lines_of(batch(entry()))
    lines[11:11] = [b"SF40MF".ljust(80), b"SF41".ljust(80)]
    read = read_batches(joined(lines))

    assert [(one.code, one.severity) for one in read.problems] == [("not_laid_out", "warning"), ("X34", "error")]


def test_older_agency_status_columns() -> None:
    """A status group of version 03 is read with its own columns, one of version 04 with the new ones."""
    status = [
        rec(
            "SO10",
            entry_filer_code="XYZ",
            entry_number="12345671",
            entry_type_code="11",
            importer_of_record_number="12-3456789",
        ),
        rec(
            "SO70",
            government_agency_code="FDA",
            beginning_cbp_line=1,
            beginning_tariff_position=2,
            beginning_pga_line=3,
            pga_processing_group_version="04",
        ),
        rec(
            "SO70.03",
            government_agency_code="FDA",
            beginning_cbp_line=1,
            beginning_tariff_position=2,
            beginning_pga_line=3,
            pga_processing_group_version="03",
        ),
    ]
    read = read_batches(
        write_batch("SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [status])], DAY, direction="out")
    )

    assert read.problems == []
    assert [one.record for one in read.batches[0].transactions[0].records] == status
    assert write_record(status[1])[56:64] == b"00102003"
    assert write_record(status[2])[56:64] == b"00012003"


def test_a_record_that_would_be_read_otherwise_is_refused() -> None:
    """A status group whose version chooses other columns than it was written with is not sent."""
    head = rec(
        "SO10",
        entry_filer_code="XYZ",
        entry_number="12345671",
        entry_type_code="11",
        importer_of_record_number="12-3456789",
    )
    status = rec("SO70", government_agency_code="FDA", pga_processing_group_version="03")
    with pytest.raises(FormatError) as caught:
        write_batch("SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [[head, status]])], DAY, direction="out")

    assert [(one.code, one.path) for one in caught.value.problems] == [("wrong_layout", "SO70")]
