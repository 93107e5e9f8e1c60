"""SX, SO and refused batches become outcomes that say what they mean, for whom, and which field they point back to."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mappings.entry import build_entry
from mappings.outcomes import MEANINGS, Outcome, ResponseReading, read_response
from mappings.outcomes_places import CATAIR_PATHS, CONDITION_FIELDS
from schemas.catair import RECORDS, BlockSpec, Record, code_lists, rec, write_batch, write_rejection
from schemas.profile import load_profile
from tests import mapping_samples as kit

PROFILE = load_profile()
SCN = "TSTC25031000003"
DAY = date(2025, 3, 10)


def entry() -> tuple[Record, ...]:
    """The type 11 entry of the sample truck: two lines with their own manufacturers."""
    made, decision = kit.three_pathways()[2]
    return build_entry(made, decision, kit.trip(), kit.FILER, kit.ENTRY_NUMBER).records


def sent() -> bytes:
    """That entry as it was sent."""
    return write_batch(
        "SE", "0901", "XYZ", "SECRET", [BlockSpec("0901", "XYZ", "BLOCK-1", [entry()])], user_data="FILING-1"
    )


def of(layout: str, at: int = 0) -> Record:
    """One record of the entry."""
    return [record for record in entry() if record.layout == layout][at]


def se90(kind: str, code: str = "", text: str = "SAMPLE TEXT") -> Record:
    """A verdict."""
    return rec("SE90", message_type_code=kind, message_identifier_code=code, narrative_message_text=text)


def answer(application: str, *records: Record, knows_sent: bool = False) -> ResponseReading:
    """The reading of one transaction that CBP sent."""
    data = write_batch(
        application, "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "BLOCK-1", [records])], user_data="FILING-1",
        direction="out",
    )  # fmt: skip
    return read_response(data, PROFILE, sent=sent() if knows_sent else None)


def outcomes(application: str, *records: Record, knows_sent: bool = False) -> tuple[Outcome, ...]:
    """Its outcomes; there must be no error."""
    reading = answer(application, *records, knows_sent=knows_sent)

    assert [problem for problem in reading.problems if problem.severity == "error"] == []
    assert reading.kind == application
    return reading.outcomes


# ----------------------------------------------------------------------------------------------------- SX


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [("01", "rejected"), ("02", "accepted"), ("03", "accepted_with_warning"), ("04", "under_review")],
)
def test_the_last_se90_decides(kind: str, meaning: str) -> None:
    """One outcome for the entry, tied to our batch and block by their user data."""
    (outcome,) = outcomes("SX", of("SE10"), of("SE15"), se90(kind))

    assert (outcome.scope, outcome.meaning, outcome.entry_number, outcome.scn) == (
        "entry",
        meaning,
        kit.ENTRY_NUMBER,
        SCN,
    )
    assert (outcome.correlation["user_data"], outcome.correlation["block_user_data"]) == ("FILING-1", "BLOCK-1")


@pytest.mark.parametrize(
    ("record", "code", "alone", "traced"),
    [
        (of("SE10"), "119", "lines", "lines"),
        (of("SE10"), "014", "importer_of_record.number", "importer_of_record.number"),
        (of("SE15"), "030", "packages.count", "packages.count"),
        (of("SE36", 1), "777", "", "consignee.address"),
        (of("SE40", 1), "318", "lines[1].country_of_origin", "lines[1].country_of_origin"),
        (of("SE55"), "777", "", "lines[0].manufacturer.address.lines"),
        (of("SE60", 1), "335", "lines", "lines[1].hts"),
        (of("SE60", 0), "777", "lines", "lines[0]"),
    ],
)
def test_an_error_at_a_record_points_at_the_field(record: Record, code: str, alone: str, traced: str) -> None:
    """By code and record; line and party are told only by the sent bytes or by a repeated header."""
    head = [of("SE10")] if record.layout != "SE10" else []
    records = [*head, record, se90("11", code), se90("01")]
    fault, verdict = outcomes("SX", *records)
    found, _ = outcomes("SX", *records, knows_sent=True)

    assert (fault.meaning, fault.code, fault.field_path) == ("rejected", code, alone)
    assert found.field_path == traced
    assert fault.place.startswith(f"{record.layout} in record {3 + len(head)}")
    assert verdict.meaning == "rejected"


def test_a_repeated_line_header_tells_the_line() -> None:
    """Where CBP repeats SE40, the records after it belong to that line."""
    fault, _ = outcomes("SX", of("SE10"), of("SE40", 1), of("SE60", 1), se90("11", "335"), se90("01"))

    assert (fault.field_path, fault.correlation["value"]) == ("lines[1].hts", "6301200010")
    assert fault.place == "SE60 in record 5, columns 5-14"


def test_a_warning_at_a_record_rejects_nothing() -> None:
    """Record-level faults are rejections only where the whole was rejected."""
    warning, verdict = outcomes("SX", of("SE10"), se90("13", "119"), of("SE15"), se90("03"))

    assert (warning.meaning, verdict.meaning) == ("warning", "accepted_with_warning")


def test_an_answer_without_a_verdict_is_open() -> None:
    """Nothing is concluded from a missing SE90."""
    records = [of("SE10"), of("SE15"), se90("13", "119"), se90("02")]
    data = write_batch("SX", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [records])], direction="out")
    lines = data.splitlines(keepends=True)
    lines[6] = lines[6].replace(b"00004", b"00003")
    reading = read_response(b"".join(lines[:5] + lines[6:]), PROFILE)

    assert [one.meaning for one in reading.outcomes] == ["warning", "unknown"]
    assert "unreadable_response" in [problem.code for problem in reading.problems]


def test_several_entries_of_one_batch_each_get_theirs() -> None:
    """Transactions are told apart; the order is that of the batch."""
    other = rec("SE10", **{**of("SE10").values, "entry_number": "12345705"})
    data = write_batch(
        "SX", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [[of("SE10"), se90("02")], [other, se90("01")]])],
        direction="out",
    )  # fmt: skip

    assert [(one.entry_number, one.meaning) for one in read_response(data, PROFILE).outcomes] == [
        ("XYZ12345671", "accepted"),
        ("XYZ12345705", "rejected"),
    ]


# ----------------------------------------------------------------------------------------------------- SO


def so(*more: Record) -> list[Record]:
    """A status of the sample entry: header, our reference, its bill, and what is given."""
    return [
        rec(
            "SO10", district_port_of_entry="0901", entry_filer_code="XYZ", entry_number="12345671",
            entry_type_code="11", importer_of_record_number="12-3456789",
        ),
        rec("SO20", reference_identifier_qualifier="CR", reference_identifier="T-3"),
        rec(
            "SO40", bill_type_indicator="R", issuer_code_of_bill_of_lading_number="TSTC",
            bill_of_lading_number="25031000003",
        ),
        *more,
    ]  # fmt: skip


def so50(code: str, clock: str = "1015") -> Record:
    """A bill match."""
    return rec(
        "SO50", disposition_date=DAY, disposition_time=clock, disposition_code=code, narrative_message="SAMPLE",
        split_indicator="N",
    )  # fmt: skip


def so60(code: str, clock: str = "1016", **more: Any) -> Record:
    """A disposition of the entry."""
    return rec(
        "SO60", disposition_action_date=DAY, disposition_action_time=clock, disposition_action_code=code,
        narrative_message="SAMPLE", **more,
    )  # fmt: skip


def so70(status: str, clock: str = "1017", **more: Any) -> Record:
    """A status of an agency."""
    return rec(
        "SO70", government_agency_code="FDA", government_agency_program_code="COS", status_action_date=DAY,
        status_action_time=clock, pga_entry_level_status_code=status, beginning_cbp_line=2, beginning_tariff_position=1,
        pga_processing_group_version="04", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "make"), [("bill_dispositions", so50), ("entry_dispositions", so60), ("pga_statuses", so70)]
)
def test_every_known_code_has_the_tables_meaning(name: str, make: Any) -> None:
    """The code lists decide, code by code; each outcome is tied to entry, reference and bill."""
    for code, known in code_lists()[name].codes.items():
        (outcome,) = outcomes("SO", *so(make(code)))

        assert (outcome.code, outcome.meaning) == (code, known.reading or "unknown")
        assert (outcome.entry_number, outcome.scn, outcome.correlation["reference"]) == ("XYZ12345671", SCN, "T-3")


@pytest.mark.parametrize("make", [so50, so60, so70])
def test_an_unknown_code_is_never_a_release(make: Any) -> None:
    """It is kept as it came."""
    (outcome,) = outcomes("SO", *so(make("ZZ")))

    assert (outcome.meaning, outcome.code) == ("unknown", "ZZ")


def test_a_status_is_told_in_the_order_of_its_times() -> None:
    """Bill, entry and agency dispositions together, by their times on New York's clock."""
    found = outcomes("SO", *so(so50("95", "1631"), so60("98", "1640"), so60("97", "1600"), so70("01", "1605")))

    assert [one.meaning for one in found] == ["admissible", "under_review", "arrived", "released"]
    assert found[0].occurred_at == datetime(2025, 3, 10, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize("clock", ["0875", "2560", "2401", "9999", "1 15", "ABCD"])
@pytest.mark.parametrize("make", [so50, so60, so70])
def test_a_time_that_no_clock_shows_leaves_the_instant_open(make: Any, clock: str) -> None:
    """What the answer says stands; when, is not guessed."""
    intact = write_batch(
        "SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "BLOCK-1", [tuple(so(make("98", "1943")))])],
        user_data="FILING-1", direction="out",
    )  # fmt: skip
    assert intact.count(b"1943") == 1
    reading = read_response(intact.replace(b"1943", clock.encode("latin-1")), PROFILE)

    assert [(one.code, one.occurred_at) for one in reading.outcomes] == [("98", None)]


@pytest.mark.parametrize(("clock", "hour", "minute"), [("0000", 4, 0), ("1943", 23, 43), ("2400", 28, 0)])
def test_a_time_is_one_of_new_yorks_clock(clock: str, hour: int, minute: int) -> None:
    """A day has a midnight at each end."""
    (outcome,) = outcomes("SO", *so(so50("98", clock)))

    assert outcome.occurred_at == datetime(2025, 3, 10, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def test_a_release_carries_its_date_and_origin() -> None:
    """What SO60 says about the release stays with the outcome."""
    (outcome,) = outcomes("SO", *so(so60("98", release_date=DAY, release_origin_code="03")))

    assert (outcome.meaning, outcome.correlation["release_date"]) == ("released", "2025-03-10")
    assert outcome.correlation["release_origin"] == "03"


@pytest.mark.parametrize("code", ["22", "98"])
def test_a_release_date_taken_away_revokes_the_release(code: str) -> None:
    """Origin 99 is no release, whatever the code beside it."""
    (outcome,) = outcomes("SO", *so(so60(code, release_origin_code="99")))

    assert outcome.meaning == "release_revoked"


def test_a_hold_names_its_holder() -> None:
    """A hold of CBP and one of an agency are two things; the agency's line is the shipment's line."""
    cbp, agency = outcomes("SO", *so(so50("53"), so70("02", status_reason_code="12")))

    assert (cbp.meaning, cbp.correlation["holder"]) == ("held", "CBP")
    assert (agency.meaning, agency.correlation["holder"], agency.field_path) == ("held", "FDA", "lines[1]")
    assert "EXAM/SAMPLE" in agency.text


def test_a_refused_correction_says_why() -> None:
    """Reason and comment of SO20 are part of the outcome."""
    reasons = [
        rec("SO20", reference_identifier_qualifier="RSN", reference_identifier="09"),
        rec("SO20", reference_identifier_qualifier="CMT", reference_identifier="CALL PORT"),
    ]
    head, reference, *rest = so(so60("86"))
    (outcome,) = outcomes("SO", head, reference, *reasons, *rest)

    assert outcome.meaning == "warning"
    assert outcome.text == "SAMPLE; Entry on hold, resolve before correction request; CALL PORT"


# ------------------------------------------------------------------------------------------------- X0, X1

REFUSAL = (
    rec(
        "X0.BLOCK", occurrence_position=1, processing_district_port_code="0901", processing_filer_code="XYZ",
        application_identifier_code="SE", user_data_text="BLOCK-1",
    ),
    rec(
        "X0.TRNACT", occurrence_position=1, relative_position_of_the_80_char_record_within_the_batch=3,
        relative_column_of_the_syntax_problem=50,
    ),
    rec("X1", severity_code="F", condition_code="X39", narrative_text="DATA FOUND IN FILLER"),
    rec(
        "X1", disposition_type_code="R", severity_code="F", condition_code="999", narrative_text="BATCH REJECTED",
    ),
)  # fmt: skip


def test_a_refused_batch_is_refused_whole() -> None:
    """Every condition and the final one are outcomes of the transmission, tied by the user data."""
    data = write_rejection("0901", "XYZ", REFUSAL, user_data="FILING-1")
    reading = read_response(data, PROFILE)

    assert (reading.kind, [one.code for one in reading.outcomes]) == ("X1", ["X39", "999"])
    assert {(one.scope, one.meaning) for one in reading.outcomes} == {("transmission", "syntax_rejected")}
    assert {one.correlation["user_data"] for one in reading.outcomes} == {"FILING-1"}
    assert reading.outcomes[0].place == "transaction 1, record 3, column 50"


def test_with_the_sent_bytes_a_refusal_finds_entry_and_field() -> None:
    """Record 3, column 50 of the batch is the planned port of the first entry."""
    data = write_rejection("0901", "XYZ", REFUSAL, user_data="FILING-1")
    fault, final = read_response(data, PROFILE, sent=sent()).outcomes

    assert (fault.entry_number, fault.field_path) == (kit.ENTRY_NUMBER, "trip.port_of_arrival")
    assert (final.entry_number, final.field_path) == ("", "")


# ------------------------------------------------------------------------------------------- what is not trusted


@pytest.mark.parametrize("records", [1, 2, 3, 5])
def test_a_cut_off_batch_says_nothing(records: int) -> None:
    """Without its Y and Z a batch gives no outcome, only problems."""
    data = write_batch("SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [so(so60("98"))])], direction="out")
    reading = read_response(data[: records * 81 - 1], PROFILE)

    assert reading.outcomes == ()
    assert reading.problems[0].code == "unreadable_response"


def test_a_wrong_count_is_not_believed() -> None:
    """A record lost inside the block shows in its count."""
    data = write_batch(
        "SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [so(so60("90"), so60("98"))])], direction="out"
    )
    lines = data.splitlines(keepends=True)
    reading = read_response(b"".join(lines[:5] + lines[6:]), PROFILE)

    assert reading.outcomes == ()
    assert "unreadable_response" in [problem.code for problem in reading.problems]


def test_a_garbled_entry_number_belongs_to_nobody() -> None:
    """A transaction whose entry cannot be read is passed over; the others count."""
    other = rec("SE10", **{**of("SE10").values, "entry_number": "12345705"})
    blocks = [BlockSpec("0901", "XYZ", "", [[of("SE10"), se90("02")], [other, se90("02")]])]
    data = write_batch("SX", "0901", "XYZ", "", blocks, direction="out").replace(b"12345671", b"1\x01345671", 1)
    reading = read_response(data, PROFILE)

    assert [one.entry_number for one in reading.outcomes] == ["XYZ12345705"]
    assert "unreadable_response" in [problem.code for problem in reading.problems]


@pytest.mark.parametrize("data", [b"", b"   \r\n", b"hello", b"\x00\xff" * 50, b"{}", "Ä".encode() * 80, b"A"])
def test_other_bytes_are_a_problem_and_nothing_else(data: bytes) -> None:
    """No outcome, no exception."""
    reading = read_response(data, PROFILE)

    assert reading.outcomes == ()
    assert reading.problems[0].code == "unreadable_response"


def test_our_own_batch_is_no_answer() -> None:
    """An SE batch in the inbox is a problem, not an outcome."""
    reading = read_response(sent(), PROFILE)

    assert (reading.outcomes, reading.problems[0].code) == ((), "unreadable_response")


def test_any_bytes_end_in_a_reading() -> None:
    """Garbled answers never raise, and every meaning is one of the known words (fixed seed)."""
    rng = random.Random(20250310)
    good = [
        write_batch(
            "SO", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [so(so50("93"), so60("98"))])], direction="out"
        ),
        write_batch(
            "SX", "0901", "XYZ", "", [BlockSpec("0901", "XYZ", "", [[of("SE10"), se90("11", "119"), se90("01")]])],
            direction="out",
        ),
        write_rejection("0901", "XYZ", REFUSAL),
    ]  # fmt: skip
    for _ in range(200):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        reading = read_response(bytes(data), PROFILE, sent=sent())

        assert {one.meaning for one in reading.outcomes} <= MEANINGS
        assert reading.outcomes or reading.problems


def test_every_place_of_the_tables_exists() -> None:
    """Path and condition tables name records and fields of the layouts, no others."""
    for name in [*CATAIR_PATHS, *CONDITION_FIELDS.values()]:
        layout, _, key = name.partition(".")

        assert layout in RECORDS
        assert not key or key in RECORDS[layout].keys


@pytest.mark.parametrize(
    ("entry", "line", "meaning", "code"),
    [
        ("07", "02", "held", "02"),
        ("77", "02", "held", "02"),
        ("02", "07", "held", "02"),
        ("07", "77", "unknown", "77"),
        ("01", "04", "rejected", "04"),
        ("07", "07", "hold_removed", "07"),
        ("07", "", "hold_removed", "07"),
    ],
)
def test_the_graver_of_two_agency_statuses_counts(entry: str, line: str, meaning: str, code: str) -> None:
    """What an agency says of the entry never hides what it says of a line, nor an unknown code a known hold."""
    (outcome,) = outcomes("SO", *so(so70(entry, pga_line_level_status_code=line or None)))

    assert (outcome.meaning, outcome.code) == (meaning, code)
