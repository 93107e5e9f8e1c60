"""What CBP says to a status query: the entry is on file and how it stands, it is not, or the query failed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filings.wording import query_bytes
from mappings.outcomes import MEANINGS, Outcome, read_response
from mappings.outcomes_query import as_status, entry_query
from schemas.catair import RECORDS, read_batches
from schemas.profile import load_profile
from tests.filing_kit import CONTEXT, START
from tests.status_query import asked_for, reply, wo10, wo60, wr0

ENTRY = "XYZ00000015"
QUERY = query_bytes(CONTEXT, ENTRY, "B000000007", START)


def outcomes(*records: str) -> tuple[Outcome, ...]:
    """What the answer with these records says; it must be readable."""
    reading = read_response(reply(QUERY, *records), load_profile())
    assert [one for one in reading.problems if one.severity == "error"] == []
    assert reading.kind == "C1"
    assert {one.meaning for one in reading.outcomes} <= set(MEANINGS)
    return reading.outcomes


def test_a_query_asks_for_one_entry() -> None:
    """One WR1 in a CQ batch, with the filer in 8-10 and a blank before the eight characters of the number."""
    lines = QUERY.decode().splitlines()
    assert [line[:3] for line in lines] == ["A09", "B  ", "WR1", "Y  ", "Z09"]
    assert lines[0][25:27] == lines[1][10:12] == "CQ"
    assert lines[2] == f"WR1    XYZ 00000015{'':61}"
    assert lines[0][59:69] == "B000000007"
    assert asked_for(QUERY) == [ENTRY]
    assert not [problem for problem in read_batches(QUERY).problems if problem.severity == "error"]
    assert entry_query(ENTRY)[0].text("entry_number") == "00000015"


def test_an_entry_on_file_says_so_and_how_it_stands() -> None:
    """First that CBP has it, then each status as a status notification says it, all marked as asked for."""
    there, admissible, released = outcomes(
        wo10(ENTRY, "11"), wo60("97", "ADMISSIBLE"), wo60("98", "RELEASED", "0310251410")
    )
    assert (there.source, there.scope, there.meaning, there.entry_number) == ("C1", "entry", "entry_exists", ENTRY)
    assert there.correlation["user_data"] == "B000000007"
    assert [(one.meaning, one.code, one.entry_number) for one in (admissible, released)] == [
        ("admissible", "97", ENTRY),
        ("released", "98", ENTRY),
    ]
    assert all(one.correlation["asked"] for one in (admissible, released))
    assert (admissible.occurred_at, released.occurred_at) == (
        datetime(2025, 3, 10, 18, 5, tzinfo=UTC),
        datetime(2025, 3, 10, 18, 10, tzinfo=UTC),
    )


def test_an_entry_that_is_not_on_file() -> None:
    """WR0 950 is about the entry; the text is CBP's."""
    (one,) = outcomes(wr0(ENTRY))
    assert (one.source, one.scope, one.meaning, one.code) == ("C1", "entry", "not_on_file", "950")
    assert (one.entry_number, one.text) == (ENTRY, "ENTRY RECORD NOT FOUND")


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("ZZZ", "** ACE SYSTEM FAILURE **", "** ACE SYSTEM FAILURE **"),
        ("X17", "", "FILER NOT AUTHORIZED"),
        ("B14", "", "ENTRY NUMBER MISSING"),
        ("QQQ", "NEW TO US", "NEW TO US"),
    ],
)
def test_any_other_error_says_nothing_of_the_entry(code: str, text: str, shown: str) -> None:
    """The query failed: a warning with CBP's text, or that of the code list where CBP gives none."""
    (one,) = outcomes(wr0(ENTRY, code, text))
    assert (one.meaning, one.code, one.text) == ("warning", code, shown)


def test_records_of_an_answer_are_those_of_a_status() -> None:
    """Each WO record becomes the SO record of the same number, with the same columns."""
    (batch,) = read_batches(reply(QUERY, wo10(ENTRY, "11"), wo60("97", "ADMISSIBLE"))).batches
    placed = batch.blocks[0].transactions[0].records
    assert [as_status(one).layout for one in placed] == ["SO10", "SO60"]
    for name in ("10", "20", "30", "40", "42", "50", "60", "70", "71", "72"):
        mine, theirs = (
            [(one.name, one.start, one.length) for one in RECORDS[f"{prefix}{name}"].fields] for prefix in ("WO", "SO")
        )
        assert mine[1:] == theirs[1:]
