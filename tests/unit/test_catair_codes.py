"""Do the code lists hold CBP's codes with a document, a version, a date, a mark and a reading for every status?"""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files

import pytest

from schemas.catair import RECORDS, code_lists, code_text, look_up
from schemas.identifiers import CA_PROVINCES, COUNTRIES, US_STATES

READINGS = frozenset(
    (
        "accepted accepted_with_warning rejected under_review on_file no_match held hold_removed exam "
        "documents_required arrived admissible released release_suspended release_revoked cancelled "
        "warning info unknown"
    ).split()
)
TABLES = [
    (name, table)
    for one in files("schemas.catair").joinpath("code_lists").iterdir()
    if one.name.endswith(".toml")
    for name, table in tomllib.loads(one.read_text("utf-8")).items()
]
"""Every table of the data files with its name, read past the code under test."""

BEFORE = date(2026, 6, 23)
CHANGE = date(2026, 6, 24)
"""The day on which CBP brought condition 333 and retired others."""


# ---------------------------------------------------------------- every list


@pytest.mark.parametrize("name", code_lists())
def test_every_list_has_its_document_version_and_date(name: str) -> None:
    """No list stands without a title, a document, its version and date, and a mark."""
    one = code_lists()[name]

    assert one.name == name
    assert one.title
    assert one.source
    assert one.version
    assert date(2012, 1, 1) < one.as_of < date(2027, 1, 1)
    assert one.mark in ("sourced", "transcribed", "recalled", "unsure")
    assert one.codes


@pytest.mark.parametrize("name", code_lists())
def test_every_code_has_text_source_and_mark(name: str) -> None:
    """No code stands without words, a document and a mark; readings are known words; dates are in order."""
    for key, code in code_lists()[name].codes.items():
        assert key == code.code, code
        assert code.code == code.code.strip() != "", code
        assert code.text == code.text.strip() != "", code
        assert code.text.isascii(), code
        assert code.source, code
        assert code.mark in ("sourced", "transcribed", "recalled", "unsure"), code
        assert not code.reading or code.reading in READINGS, code
        assert code.severity in ("", "reject", "informational"), code
        assert not code.valid_from or not code.valid_to or code.valid_from < code.valid_to, code


def test_every_table_of_every_file_is_a_list() -> None:
    """The names found by their heads are those that TOML sees, and no code of a file is lost or stands twice."""
    rows: dict[str, list[str]] = {}
    for name, table in TABLES:
        rows.setdefault(name, []).extend(row["code"] for row in table["codes"])
    for name, table in TABLES:
        rows[name].extend(code for other in table.get("includes", ()) for code in code_lists()[other].codes)

    assert set(code_lists()) == {*rows, "applications"}
    for name, codes in rows.items():
        assert sorted(codes) == sorted(code_lists()[name].codes), name


def test_a_list_that_goes_on_is_described_once() -> None:
    """Exactly one file says what a list is."""
    described = [name for name, table in TABLES if "title" in table]

    assert sorted(described) == sorted(set(code_lists()) - {"applications"})


def test_every_list_named_by_a_table_exists() -> None:
    """A field's ``codes`` is a list; names are known before any list is read."""
    named = {one.codes for record in RECORDS.values() for one in record.fields if one.codes}

    assert {"countries", "entry_types", "se_conditions", "entry_dispositions"} <= named
    assert named <= set(code_lists())
    assert "no_such_list" not in code_lists()


@pytest.mark.parametrize("name", ["bill_dispositions", "entry_dispositions", "pga_statuses", "response_types"])
def test_every_status_has_a_reading(name: str) -> None:
    """What CBP may say about an entry, a bill or agency data is always read as something."""
    assert all(code.reading for code in code_lists()[name].codes.values())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bill_dispositions", 18),
        ("entry_dispositions", 39),
        ("release_origins", 10),
        ("request_refusal_reasons", 17),
        ("cancellation_reasons", 12),
        ("modes_of_transportation", 15),
        ("agencies", 53),
        ("us_states", 57),
        ("mexican_states", 32),
        ("canadian_provinces", 13),
        ("equipment_descriptions", 133),
    ],
)
def test_lists_are_whole(name: str, count: int) -> None:
    """The lists that CBP prints in full have all their codes."""
    assert count == len(code_lists()[name].codes)


@pytest.mark.parametrize(("name", "count"), [("countries", 242), ("eu_countries", 27), ("units", 255)])
def test_lists_with_retired_codes_are_whole(name: str, count: int) -> None:
    """On the day of the appendix exactly the codes that it prints are in force; some more have gone."""
    one = code_lists()[name]

    assert count == len(one.standing())
    assert count < len(one.codes)


# ---------------------------------------------------------------- readings


@pytest.mark.parametrize(
    ("code", "reading"),
    [
        ("98", "released"),
        ("99", "release_suspended"),
        ("97", "admissible"),
        ("90", "under_review"),
        ("96", "documents_required"),
        ("03", "exam"),
        ("23", "cancelled"),
    ],
)
def test_readings_of_entry_dispositions(code: str, reading: str) -> None:
    """Release, suspension, review, exam and documents are told apart."""
    found = look_up("entry_dispositions", code)

    assert found is not None
    assert reading == found.reading


def test_admissible_is_not_released() -> None:
    """97 ADMISSIBLE must never be taken for a release."""
    readings = {code.code for code in code_lists()["entry_dispositions"].codes.values() if code.reading == "released"}

    assert readings == {"98"}


def test_batch_conditions_speak_cbp_words() -> None:
    """X1 texts are CBP's, X01 to X44 without a gap; the final code is BATCH REJECTED."""
    assert code_text("batch_conditions", "X39") == "DATA FOUND IN FILLER"
    assert code_text("batch_conditions", "999") == "BATCH REJECTED"
    assert [f"X{n:02}" for n in range(1, 45)] == sorted(c for c in code_lists()["batch_conditions"].codes if c > "X")


def test_unsure_codes_are_marked() -> None:
    """A code number that was only deduced says so."""
    unsure = look_up("se_conditions", "036")
    seen = look_up("se_conditions", "007")

    assert unsure is not None
    assert seen is not None
    assert (unsure.mark, seen.mark) == ("unsure", "sourced")


def test_unknown_codes_and_lists() -> None:
    """A code that is not in its list is None, an unknown list is a mistake of the caller."""
    assert look_up("entry_types", "99") is None
    assert code_text("entry_types", "99") == ""
    with pytest.raises(KeyError):
        look_up("no_such_list", "01")


# ---------------------------------------------------------------- the error dictionary


def test_the_error_dictionary_is_whole() -> None:
    """The sheet of v51 has 1054 rows; three queries share numbers, 751 and A04 stand twice, 118 was taken out."""
    queries = [len(code_lists()[f"{query}_query_conditions"].codes) for query in ("adcvd", "census", "summary")]
    conditions = code_lists()["ace_conditions"].codes

    assert queries == [13, 12, 17]
    assert len(conditions) == 1011
    assert sum(queries) + len(conditions) - len(["118"]) + len(["751", "A04"]) == 1054
    assert sum(1 for one in conditions.values() if one.valid_to) == len(["118"]) + 34


@pytest.mark.parametrize(
    ("code", "text", "severity"),
    [
        ("100", "IMPORTER NBR MISSING", ""),
        ("613", "HTS RELATIONSHIP MISMATCH", ""),
        ("825", "IMPORT DATE MISSING - REQD FOR CBMA", "informational"),
        ("60D", "LIC/CERT/PERM FOR HTS MISSING", ""),
        ("688", "LIC/CERT/PERM FOR HTS MISSING", "informational"),
        ("318", "PGA DATA INCLD IND/CARGO CERT CONFLICT", ""),
        ("P00", "PGA DATA MISSING PER PGA FLAG", ""),
        ("PGA", "PGA DATA REJECTED", ""),
    ],
)
def test_conditions_of_the_error_dictionary(code: str, text: str, severity: str) -> None:
    """Texts are CBP's in capitals; a message that the dictionary calls informational is told from the others."""
    found = look_up("ace_conditions", code)

    assert found is not None
    assert (text, severity) == (found.text, found.severity)


def test_one_number_means_another_thing_in_another_list() -> None:
    """318 and 004 are looked up by their list."""
    assert code_text("se_conditions", "318") == "COUNTRY CODE INELIGIBLE FOR ET86"
    assert code_text("ace_conditions", "318") == "PGA DATA INCLD IND/CARGO CERT CONFLICT"
    assert code_text("adcvd_query_conditions", "004") == "COMPANY CASE STATUS UNKNOWN"
    assert code_text("summary_query_conditions", "004") == "ENTRY NUMBER MISSING"
    assert code_text("ace_conditions", "004") == ""


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("summary_conditions", "B22", "ENTRY SUMMARY TO ENTRY PORT MISMATCH"),
        ("summary_conditions", "27A", "*CENSUS* IMPROBABLE COUNTRY"),
        ("origins", "CA", "Canada"),
        ("origins", "XO", "Ontario"),
        ("origins", "**", "Unknown"),
    ],
)
def test_a_list_may_include_others(name: str, code: str, text: str) -> None:
    """A field that takes its value from two lists names one that includes both; sources stay those of the codes."""
    found = look_up(name, code)

    assert found is not None
    assert text == found.text
    assert ("Error Dictionary" in found.source) == (code == "B22")


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("name", "code", "before", "change", "stands_before", "stands_then"),
    [
        ("se_conditions", "333", BEFORE, CHANGE, False, True),
        ("se_conditions", "098", BEFORE, CHANGE, True, False),
        ("se_conditions", "223", BEFORE, CHANGE, True, False),
        ("se_conditions", "007", BEFORE, CHANGE, True, True),
        ("countries", "BU", date(2026, 3, 2), date(2026, 3, 3), True, False),
        ("countries", "MM", date(2026, 3, 2), date(2026, 3, 3), False, True),
        ("entry_types", "13", date(2026, 7, 16), date(2026, 7, 17), False, True),
        ("ace_conditions", "866", date(2026, 7, 17), date(2026, 7, 18), False, True),
        ("ace_conditions", "489", date(2017, 1, 23), date(2017, 1, 24), True, False),
    ],
)
def test_a_look_up_on_a_day(
    name: str, code: str, before: date, change: date, stands_before: bool, stands_then: bool
) -> None:
    """A code is found from its first day on and no longer from the day on which it is gone."""
    assert (look_up(name, code, before) is not None) == stands_before
    assert (look_up(name, code, change) is not None) == stands_then
    assert bool(code_text(name, code, change)) == stands_then


def test_an_old_message_stays_readable() -> None:
    """Without a day a retired code keeps its meaning."""
    assert code_text("countries", "BU") == "Burma"
    assert code_text("countries", "BU", CHANGE) == ""


def test_only_a_list_that_was_read_whole_is_complete() -> None:
    """A list of which its own title says that there is more, or whose document was not seen, judges no code."""
    complete = {name for name in code_lists() if code_lists()[name].complete}
    cut = {name for name in code_lists() if "has more" in code_lists()[name].title}

    assert {"countries", "units", "pga_source_countries", "pga_inspections"} <= complete
    assert cut
    assert not complete & cut
    assert all(code_lists()[name].mark == "sourced" for name in complete)


# ---------------------------------------------------------------- one truth


def test_identifiers_know_the_same_countries_and_provinces() -> None:
    """What a shipment may name is what the appendix has in force."""
    assert code_lists()["countries"].standing() == COUNTRIES
    assert code_lists()["canadian_provinces"].standing() == CA_PROVINCES


def test_identifiers_differ_from_the_appendix_in_six_states() -> None:
    """Trucks do not deliver to the armed forces abroad; three territories are countries in the appendix."""
    listed = code_lists()["us_states"].standing()

    assert listed - US_STATES == {"AA", "AE", "AP"}
    assert US_STATES - listed == {"AS", "MP", "UM"}
    assert US_STATES - listed <= code_lists()["countries"].standing()
