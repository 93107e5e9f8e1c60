"""The rule book as data: what is read, what is refused, and that the delivered book is sound."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.rule import EASTERN, Rule, eastern_minute, read_rule
from mappings.rule_changes import changes_between, pathways_between
from mappings.rule_checks import overlapping_denials
from mappings.rule_conditions import CLAIM_CONDITIONS, SHIPMENT_CONDITIONS
from mappings.rule_page import markdown
from mappings.rulebook import RuleBook, read_folder, table
from schemas.errors import FormatError

ROW: dict[str, Any] = {
    "id": "deny-something",
    "kind": "deny",
    "pathways": ["informal"],
    "valid_from": datetime(2025, 8, 29, 0, 1),  # noqa: DTZ001 - rule files hold wall-clock time
    "citation": "19 CFR 143.21",
    "status": "recalled",
    "text": "Something is denied.",
}


def codes(raw: dict[str, Any]) -> set[str]:
    """The codes of all faults of one row."""
    rule, problems = read_rule(raw, "here")
    assert (rule is None) == bool(problems)
    return {problem.code for problem in problems}


def rule(**changes: Any) -> Rule:
    """A good row with changes."""
    found, problems = read_rule({**ROW, **changes}, "here")
    assert found is not None, problems
    return found


@pytest.fixture(scope="module")
def book() -> RuleBook:
    """The delivered book."""
    return RuleBook.load()


def test_a_good_row_is_read_with_its_period_in_utc() -> None:
    """A row's wall-clock minute of New York becomes the instant that it names."""
    assert rule().valid_from == datetime(2025, 8, 29, 4, 1, tzinfo=UTC)
    assert rule(valid_from="2026-02-24T00:01:00").valid_from == datetime(2026, 2, 24, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"surprise": 1}, "unknown_key"),
        ({"limit": "800"}, "unknown_key"),
        ({"kind": "forbid"}, "unknown_kind"),
        ({"id": "Deny Something"}, "wrong_id"),
        ({"pathways": ["section322"]}, "unknown_pathway"),
        ({"pathways": []}, "unknown_pathway"),
        ({"pathways": ["formal", "formal"]}, "unknown_pathway"),
        ({"status": "sure"}, "unknown_status"),
        ({"citation": ""}, "missing"),
        ({"text": 5}, "not_text"),
        ({"review_date": "last week"}, "bad_date"),
        ({"valid_from": "2025-02-30T00:00:00"}, "bad_date"),
        ({"valid_from": "2025-08-29T00:01:30"}, "bad_date"),
        ({"valid_from": "2025-08-29T00:01:00-04:00"}, "bad_date"),
        ({"valid_from": 20250829}, "bad_date"),
        ({"valid_to": "2025-08-29T00:01:00"}, "bad_date"),
        ({"valid_from": "2025-03-09T02:30:00"}, "bad_date"),
        ({"valid_from": "2025-11-02T01:30:00"}, "bad_date"),
        ({"when": ["origin"]}, "not_a_table"),
        ({"when": {"weather": "bad"}}, "unknown_predicate"),
        ({"when": {"origin_any_of": ["China"]}}, "wrong_condition"),
        ({"when": {"origin_any_of": []}}, "wrong_condition"),
        ({"when": {"hts_prefixes": ["22.03"]}}, "wrong_condition"),
        ({"when": {"fair_value_above": 800}}, "wrong_condition"),
        ({"when": {"quota": "yes"}}, "wrong_condition"),
        ({"when": {"pga_any": False}}, "wrong_condition"),
        ({"when": {"foreign_importer": {"number_types": ["CBP"]}}}, "wrong_condition"),
        ({"when": {"unclaimed": {"agency": "FDA", "hts_prefixes": "33"}}}, "wrong_condition"),
        ({"when": {"unclaimed": {"agency": "FDA", "hts_prefixes": ["33"], "flag": "shall"}}}, "wrong_condition"),
        ({"when": {"disclaimed": {"agency": "FDA", "hts_prefixes": ["33"], "other_than": ["H"]}}}, "wrong_condition"),
        ({"when": {"described_as": {"whole": ["Gift"], "within": ["GIFT FROM"]}}}, "wrong_condition"),
        ({"when": {"consolidated_value_above": 2500}}, "wrong_condition"),
        ({"waivable": True}, "not_about_claims"),
        ({"waivable": "yes", "when": {"pga_any": True}}, "not_a_boolean"),
        ({"kind": "threshold", "measure": "weight", "limit": "1"}, "unknown_measure"),
        ({"kind": "threshold", "measure": "fair_value", "limit": 800}, "not_a_decimal"),
        ({"kind": "threshold", "measure": "fair_value", "limit": "-1"}, "not_a_decimal"),
        ({"kind": "threshold"}, "missing"),
        ({"kind": "require", "needs": "luck", "code": "luck", "remedy": "Hope."}, "unknown_need"),
        ({"kind": "require", "needs": "claim_fields", "code": "x", "remedy": "Y."}, "wrong_fields"),
        (
            {"kind": "require", "needs": "importer_of_record", "code": "x", "remedy": "Y.", "missing": "no"},
            "wrong_missing",
        ),
        ({"kind": "require", "needs": "importer_of_record", "code": "No Code", "remedy": "Y."}, "wrong_code"),
        ({"kind": "allow", "entry_type": "86"}, "wrong_entry_type"),
        ({"kind": "allow"}, "wrong_entry_type"),
        ({"kind": "prefer", "rank": "first"}, "not_an_integer"),
        ({"kind": "waiver", "waives": ["x"], "disclaimer": "H", "when": {"pga_any": True}}, "wrong_disclaimer"),
        ({"kind": "waiver", "waives": ["x"]}, "not_about_claims"),
        ({"kind": "waiver", "waives": "x", "when": {"pga_any": True}}, "not_a_list"),
    ],
)
def test_a_row_that_is_not_well_formed_is_refused_with_its_fault(changes: dict[str, Any], code: str) -> None:
    """Each fault of a row has its own stable code."""
    assert code in codes({**ROW, **changes})


def test_all_faults_of_a_row_are_reported_at_once() -> None:
    """A row with three faults is refused with three problems, each at its place."""
    _, problems = read_rule({**ROW, "kind": "forbid", "status": "sure", "valid_from": "soon"}, "file[row]")

    assert {problem.path for problem in problems} == {"file[row].kind", "file[row].status", "file[row].valid_from"}


def test_a_row_that_is_no_table_is_refused() -> None:
    """A list where a rule should stand is a fault, not an exception."""
    assert read_rule(["deny"], "here")[1][0].code == "not_a_table"


def test_two_rows_of_one_id_may_follow_but_not_overlap(book: RuleBook) -> None:
    """The same id twice is one rule in two periods; two at the same time are a fault."""
    earlier = rule(valid_from="2030-01-01T00:00:00", valid_to="2031-01-01T00:00:00")

    book.with_rules(earlier, rule(valid_from="2031-01-01T00:00:00"))
    with pytest.raises(FormatError, match="overlapping_periods"):
        book.with_rules(earlier, rule(valid_from="2030-06-01T00:00:00"))


def test_a_gap_between_the_periods_of_one_id_is_a_warning(book: RuleBook) -> None:
    """A gap may be meant, so it is said and does not refuse the book."""
    gapped = book.with_rules(
        rule(valid_from="2030-01-01T00:00:00", valid_to="2031-01-01T00:00:00"), rule(valid_from="2032-01-01T00:00:00")
    )

    assert [problem.code for problem in gapped.warnings] == ["gap_between_periods"]


def test_a_waiver_of_a_row_that_cannot_be_waived_is_refused(book: RuleBook) -> None:
    """No waiver reaches a denial that does not say it can be waived."""
    waiver = rule(kind="waiver", id="waiver-of-all", waives=["deny-all-countries-eo14324"], when={"pga_any": True})

    with pytest.raises(FormatError, match="waives_nothing"):
        book.with_rules(waiver)


def test_the_delivered_book_is_sound(book: RuleBook) -> None:
    """Every delivered row loads, nothing is odd, and every row has a citation and a sentence."""
    assert book.warnings == ()
    assert len(book.rows) > 40
    assert all(row.citation and row.text.endswith(".") for row in book.rows)


def test_the_denials_of_the_exemption_overlap_independently(book: RuleBook) -> None:
    """In November 2026 four unconditional rows each deny the exemption."""
    law = book.at(datetime(2026, 11, 23, 17, 0, tzinfo=EASTERN))

    closing = [row.id for row in law.rules if row.kind == "deny" and "section321" in row.pathways and not row.when]
    assert len(closing) == 4


def test_the_version_follows_the_content_and_not_the_order(book: RuleBook) -> None:
    """The same rows in another order have the same version; one word more has another."""
    assert RuleBook(reversed(book.rows)).version == book.version
    assert book.with_rules(rule()).version != book.version
    assert len(book.version) == 12


def test_a_folder_of_bad_files_is_refused_with_every_fault(tmp_path: Path) -> None:
    """Bad TOML, an unknown table, a row that is no table and an empty folder are all named by file."""
    assert read_folder(tmp_path)[1][0].code == "no_rules"
    (tmp_path / "a.toml").write_text("not toml at all", encoding="utf-8")
    (tmp_path / "b.toml").write_text('title = "x"\nrule = 5\n', encoding="utf-8")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(FormatError) as refused:
        RuleBook.load(tmp_path)
    assert {(p.path.split(".toml")[0], p.code) for p in refused.value.problems} >= {
        ("a", "not_toml"),
        ("b", "unknown_key"),
        ("b", "not_a_table"),
        ("c", "not_toml"),
    }


def test_the_law_needs_an_instant_with_an_offset(book: RuleBook) -> None:
    """A naive time is refused, because no one can say which minute it means."""
    with pytest.raises(ValueError, match="offset"):
        book.at(datetime(2025, 8, 29, 0, 1))  # noqa: DTZ001 - that is the fault


def test_a_row_is_in_force_from_its_first_minute_until_before_its_last(book: RuleBook) -> None:
    """Periods are half open, to the second."""
    before = datetime(2025, 8, 29, 0, 0, 59, tzinfo=EASTERN)
    after = datetime(2025, 8, 29, 0, 1, tzinfo=EASTERN)
    ids = [{row.id for row in book.at(instant).rules} for instant in (before, after)]

    assert "allow-section321" in ids[0] - ids[1]
    assert "deny-all-countries-eo14324" in ids[1] - ids[0]


def test_the_table_says_row_by_row_what_is_in_force(book: RuleBook) -> None:
    """Rows × instants, with the period in Eastern time."""
    days = [datetime(2025, 3, 10, 12, tzinfo=EASTERN), datetime(2026, 11, 23, 12, tzinfo=EASTERN)]
    rows = {row["id"]: row for row in table(book, days)}

    assert rows["allow-section321"]["in_force"] == [True, False]
    assert rows["deny-all-countries-eo14324"]["in_force"] == [False, True]
    assert rows["allow-section321"]["valid_to"] == "2025-08-29 00:01"
    assert rows["allow-informal"]["valid_to"] is None
    assert len(rows) == len(book.rows)


def test_the_page_names_every_row_and_the_unsure_ones_first(book: RuleBook) -> None:
    """The page has a list of unsure rows at the top, every row in full, every advisory check, and marks own rows."""
    page = markdown(book.rows, book.version, book.advice, {"deny-order-in-lots"})

    assert all(f"### `{row.id}`" in page for row in book.rows)
    assert all(f"| `{check}` |" in page for check in book.advice.preflight.checks)
    top, rest = page.split("## Period by period")
    assert all(f"**`{row.id}`**" in top for row in book.rows if row.status == "unsure")
    assert book.version in top
    assert rest.count("*A row of this filer's own.*") == 1


def test_a_pathway_that_nothing_allows_for_a_while_is_odd(book: RuleBook) -> None:
    """Between the end of one row that allows a pathway and the beginning of the next there is a gap, and it is said."""
    again = rule(id="allow-again", kind="allow", pathways=["section321"], valid_from="2030-01-01T00:00:00")

    warned = [problem for problem in book.with_rules(again).warnings if problem.code == "gap_in_pathway"]
    assert [problem.path for problem in warned] == ["section321"]
    assert "2025-08-29 00:01 to 2030-01-01 00:00" in warned[0].text


def test_the_denials_that_overlap_are_listed_for_an_instant(book: RuleBook) -> None:
    """Each of four unconditional denials closes the exemption alone; in August 2025 there was one."""
    today = overlapping_denials(book.rows, datetime(2026, 11, 23, 17, tzinfo=EASTERN))

    assert {pathway: len(ids) for pathway, ids in today.items()} == {"section321": 4, "type86": 4}
    assert overlapping_denials(book.rows, datetime(2025, 9, 1, tzinfo=EASTERN)) == {}


def test_the_difference_of_two_days_says_what_begins_ends_passes_and_changes(book: RuleBook) -> None:
    """Between 28 and 29 August 2025 the exemption ends; a row that came and went, and one that changed, are told."""
    first, second = (datetime(2025, 8, day, 16, 30, tzinfo=EASTERN) for day in (28, 29))
    told = {change.rule.id: change.what for change in changes_between(book.rows, first, second)}

    assert told["deny-all-countries-eo14324"] == "begins"
    assert told["allow-section321"] == told["allow-type86"] == "ends"
    assert changes_between(book.rows, second, first) == changes_between(book.rows, first, second)
    assert pathways_between(book.rows, first, second) == [
        "Section 321 release closes for all goods, by deny-all-countries-eo14324.",
        "Entry type 86 closes for all goods, by deny-all-countries-eo14324.",
    ]
    more = book.with_rules(
        rule(id="limit-x", kind="threshold", measure="fair_value", limit="5", valid_to="2030-01-01T00:00:00"),
        rule(id="limit-x", kind="threshold", measure="fair_value", limit="6", valid_from="2030-01-01T00:00:00"),
    )
    years = [datetime(year, 6, 1, tzinfo=EASTERN) for year in (2025, 2029, 2031)]
    (changed,) = changes_between(more.rows, years[1], years[2])
    assert (changed.what, "The limit was 5 and is 6." in changed.text) == ("changes", True)
    passed = {one.rule.id for one in changes_between(more.rows, years[0], years[2]) if one.what == "passes"}
    assert "limit-x" in passed


def test_an_hour_that_happens_twice_or_never_is_no_minute_of_law() -> None:
    """Wall-clock times lost or doubled by the change of clocks are refused; their neighbours are not."""
    assert eastern_minute("2025-03-09T02:30:00")[0] is None
    assert eastern_minute("2025-11-02T01:30:00")[0] is None
    assert eastern_minute("2025-03-09T03:00:00")[0] == datetime(2025, 3, 9, 7, tzinfo=UTC)


def test_every_condition_says_what_it_means() -> None:
    """Each predicate of the closed set has words for the page."""
    meanings = [row[2] for row in (*SHIPMENT_CONDITIONS.values(), *CLAIM_CONDITIONS.values())]

    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


def test_the_page_has_contents_and_every_row_in_full_once(book: RuleBook) -> None:
    """Each section is linked from the contents, periods name rows without repeating them, and links lead to rows."""
    page = markdown(book.rows, book.version, book.advice)
    contents = page.split("## Contents")[1].split("\n## ")[0]
    periods = page.split("## Period by period")[1].split("\n## ")[0]

    assert "- [What is denied](#what-is-denied)" in contents
    assert "[2025-08-29](#from-2025-08-29-0001-to-2026-02-24-0001)" in contents
    assert "begins [`deny-all-countries-eo14324`](#deny-all-countries-eo14324), deny, verified: *EO 14324;" in periods
    (lots,) = (row for row in book.rows if row.id == "deny-order-in-lots")
    assert page.count(lots.text) == 1
    assert not any(row.text in periods for row in book.rows)


def test_no_verified_row_or_check_admits_that_its_source_was_not_seen(book: RuleBook) -> None:
    """What is only recalled, told by others or not checked is not marked as seen in a copy of the source."""
    doubt = ("recalled", "secondary", "not checked", "not seen", "trade note", "not read", "not confirmed")
    every = (*book.rows, *book.advice.preflight.checks.values())

    assert [one.id for one in every if one.status == "verified" and any(word in one.citation for word in doubt)] == []
