"""A filer's own rows: what they may say, what is refused, and how they show in version and decisions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide
from mappings.rule import EASTERN, KINDS, keys_of
from mappings.rule_conditions import CONDITIONS
from mappings.rule_guide import VALUES, guide
from mappings.rule_overlay import STRICTER
from mappings.rulebook import RuleBook
from schemas.errors import FormatError
from schemas.shipment import Shipment, read_shipment
from tests import samples

BOOK = RuleBook.load()
MARCH_2025 = datetime(2025, 3, 10, 16, 30, tzinfo=EASTERN)
NO_SHIRTS = """
[[rule]]
id = "own-no-shirts"
kind = "deny"
pathways = ["section321"]
valid_from = 2025-01-01T00:00:00
citation = "Handbook of this filer, page 7"
status = "verified"
text = "We do not release shirts from the manifest."
[rule.when]
hts_prefixes = ["6109"]
"""
LOWER = """
[[rule]]
id = "own-lower-limit"
kind = "threshold"
pathways = ["section321", "type86"]
valid_from = 2025-01-01T00:00:00
measure = "fair_value"
limit = "{limit}"
citation = "Handbook of this filer, page 8"
status = "verified"
text = "We use the exemption for small values only."
"""


def overlay(tmp_path: Path, text: str, name: str = "own.toml") -> Path:
    """A file with rows of a filer's own."""
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def shirt(value: str = "45.00") -> Shipment:
    """A parcel with a shirt."""
    line = {**samples.shipment()["lines"][0], "value": value}
    return read_shipment(samples.shipment(lines=[line], fair_retail_value=value))


def judged(book: RuleBook, shipment: Shipment | None = None) -> PathwayDecision:
    """The decision about it in March 2025."""
    return decide(shipment or shirt(), None, MARCH_2025, DayLedger(), book)[0]


def codes(error: pytest.ExceptionInfo[FormatError]) -> list[str]:
    """The codes of all faults."""
    return [problem.code for problem in error.value.problems]


def test_an_own_row_closes_a_pathway_and_is_named_like_any_other(tmp_path: Path) -> None:
    """The decision names the filer's row with its citation, and the version of the book is another one."""
    book = RuleBook.load(overlay=overlay(tmp_path, NO_SHIRTS))
    found = judged(book)

    assert (judged(BOOK).pathway, found.pathway) == ("section321", "type86")
    assert "own-no-shirts" in found.rules
    assert "Handbook of this filer, page 7" in found.citations
    assert found.rule_book_version == book.version != BOOK.version
    assert book.own_ids == {"own-no-shirts"}


def test_a_folder_of_own_files_is_one_overlay(tmp_path: Path) -> None:
    """Rows and severities of several files stand together; the order of the files does not matter."""
    overlay(tmp_path, NO_SHIRTS, "a.toml")
    overlay(tmp_path, LOWER.format(limit="40") + '[severity]\nvague-description = "off"\n', "b.toml")
    book = RuleBook.load(overlay=tmp_path)

    assert book.own_ids == {"own-no-shirts", "own-lower-limit"}
    assert dict(book.advice.chosen) == {"vague-description": "off"}
    assert judged(book).pathway == "informal"


def test_a_lower_limit_binds_and_a_limit_that_never_would_is_refused(tmp_path: Path) -> None:
    """40 dollars closes the exemption for 45; 800 and above say nothing that the law does not say."""
    book = RuleBook.load(overlay=overlay(tmp_path, LOWER.format(limit="40")))
    assert judged(book).pathway == "informal"
    assert judged(book, shirt("40.00")).pathway == "section321"
    for limit in ("800", "900"):
        with pytest.raises(FormatError) as refused:
            RuleBook.load(overlay=overlay(tmp_path, LOWER.format(limit=limit)))
        assert codes(refused) == ["limit_not_lower"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("allow", 'pathways = ["section321"]'),
        ("waiver", 'pathways = ["informal"]\nwaives = ["require-fda-message-set"]\n[rule.when]\npga_any = true'),
        ("prefer", 'pathways = ["formal"]\nrank = 1'),
    ],
)
def test_a_row_that_may_open_a_pathway_is_refused(tmp_path: Path, kind: str, more: str) -> None:
    """Allowing, waiving and preferring are not for a filer; the problem says which kinds are."""
    row = f"""
[[rule]]
id = "own-row"
kind = "{kind}"
valid_from = 2025-01-01T00:00:00
citation = "Handbook"
status = "verified"
text = "We would like it."
{more}
"""
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=overlay(tmp_path, row))

    (problem,) = refused.value.problems
    assert problem.code == "overlay_opens"
    assert all(one in problem.remedy for one in STRICTER)


def test_an_own_row_cannot_pass_for_the_law(tmp_path: Path) -> None:
    """An id of the delivered book, in whatever period, is refused."""
    taken = NO_SHIRTS.replace("own-no-shirts", "deny-statutory-repeal").replace(
        "2025-01-01T00:00:00", "2020-01-01T00:00:00\nvalid_to = 2021-01-01T00:00:00"
    )

    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=overlay(tmp_path, taken))
    assert codes(refused) == ["id_of_the_book"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("surprise = 1\n", "unknown_key"),
        ("not toml", "not_toml"),
        ('severity = "error"\n', "not_a_table"),
        ('[severity]\nno-such-check = "off"\n', "unknown_check"),
        ('[severity]\ndeny-statutory-repeal = "off"\n', "unknown_check"),
        ('[severity]\nvague-description = "loud"\n', "unknown_severity"),
        (NO_SHIRTS.replace("deny", "forbid"), "unknown_kind"),
    ],
)
def test_an_overlay_that_is_not_well_formed_is_refused(tmp_path: Path, text: str, code: str) -> None:
    """Each fault has its code; a row of law cannot be switched off by a severity."""
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=overlay(tmp_path, text))
    assert code in codes(refused)


def test_an_overlay_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A name that leads nowhere and an empty folder never mean: no overlay."""
    for place, code in ((tmp_path / "missing.toml", "no_overlay"), (tmp_path, "no_rules")):
        with pytest.raises(FormatError) as refused:
            RuleBook.load(overlay=place)
        assert codes(refused) == [code]


def test_settings_and_overlay_may_not_contradict_each_other(tmp_path: Path) -> None:
    """The same severity twice is fine, two severities for one check are not: also not between two files."""
    file = overlay(tmp_path, '[severity]\nvague-description = "error"\n')
    RuleBook.load(overlay=file, severity={"vague-description": "error"})
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=file, severity={"vague-description": "off"})
    assert codes(refused) == ["contradiction"]
    overlay(tmp_path, '[severity]\nvague-description = "off"\n', "other.toml")
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=tmp_path)
    assert codes(refused) == ["contradiction"]


def test_further_law_keeps_the_overlay(tmp_path: Path) -> None:
    """Adding and taking out rows of law leaves the filer's rows and severities as they are."""
    book = RuleBook.load(overlay=overlay(tmp_path, NO_SHIRTS), severity={"vague-description": "off"})
    more = book.with_rules(replace(book.own[0], id="deny-more")).without_rules("deny-statutory-repeal")

    assert more.own_ids == {"own-no-shirts"}
    assert more.advice.chosen == book.advice.chosen
    assert len(more.rows) == len(book.rows)


def test_a_key_that_is_mistaken_is_told_with_what_was_meant_and_every_key(tmp_path: Path) -> None:
    """The fault of a row and that of a severity are told together, and a key below the conditions is found out."""
    mistaken = NO_SHIRTS.replace("valid_from = 2025", "valid_until = 2030-01-01T00:00:00\nvalid_from = 2025")
    mistaken += 'remedy = "Look."\n[severity]\nvague-descripton = "off"\nmissing-state = "loud"\n'
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=overlay(tmp_path, mistaken))

    told = {problem.path: problem for problem in refused.value.problems}
    key = told["own.toml[own-no-shirts].valid_until"]
    assert key.text == "A rule of kind deny has no key 'valid_until'; did you mean valid_to?"
    assert key.remedy == f"Keys: {', '.join(keys_of('deny'))}."
    assert told["own.toml[own-no-shirts].when.remedy"].remedy == "Write it above [rule.when]."
    assert told["severity.vague-descripton"].remedy.startswith("Did you mean vague-description? ")
    assert told["severity.missing-state"].code == "unknown_severity"


def test_the_severity_of_a_faulty_row_is_no_second_fault(tmp_path: Path) -> None:
    """A row of kind warn that cannot be read is one fault, not also an unknown check."""
    warn = NO_SHIRTS.replace('"deny"', '"warn"') + '[severity]\nown-no-shirts = "error"\n'
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=overlay(tmp_path, warn))
    assert [(one.code, one.path) for one in refused.value.problems] == [("missing", "own.toml[own-no-shirts].code")]


def test_the_examples_of_the_page_are_an_overlay(tmp_path: Path) -> None:
    """Every example of the guide, put into one folder, is loaded, and each kind it promises is among them."""
    blocks = re.findall(r"```toml\n(.*?)```", "\n".join(guide()), re.DOTALL)
    for number, block in enumerate(blocks):
        overlay(tmp_path, block, f"{number}.toml")
    book = RuleBook.load(overlay=tmp_path)

    assert {row.kind for row in book.own} == {"deny", "threshold", "require"}
    assert [row.id for row in book.own if row.valid_to is not None] == ["own-no-fireworks-before-the-holiday"]
    assert dict(book.advice.chosen) == {"vague-description": "error", "value-by-weight": "off"}


def test_the_table_of_keys_has_every_key_of_every_kind() -> None:
    """A key that rows may have and the page does not explain, or the other way round, is found."""
    page = "\n".join(guide())

    assert set(VALUES) == set().union(*(keys_of(kind) for kind in KINDS))
    assert "| `limit` |  |  | ● |  |  |  |  |  |" in page
    assert all(f"| `{name}` |" in page for name in CONDITIONS)
    assert "| Write " in page


def test_an_overlay_that_is_nowhere_is_told_with_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name is told as the place that was tried."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay="missing.toml")
    assert str(tmp_path / "missing.toml") in refused.value.problems[0].text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NO_SHIRTS.replace('"own-no-shirts"', "5"), "wrong_id"),
        (NO_SHIRTS.replace('"own-no-shirts"', "true"), "wrong_id"),
        (NO_SHIRTS.replace('"own-no-shirts"', '["a"]'), "wrong_id"),
        (NO_SHIRTS.replace("status", "valid_to = 9999-12-31T23:59:00\nstatus"), "bad_date"),
        ("number = " + "9" * 5_000, "not_toml"),
        ("nested = " + "[" * 5_000, "not_toml"),
    ],
)
def test_odd_values_are_faults_of_their_place(tmp_path: Path, text: str, code: str) -> None:
    """A value of another type, a date or a number beyond bounds is told with its file, never as a fault of ours."""
    (tmp_path / "own.toml").write_text(text, "utf-8")

    with pytest.raises(FormatError) as refused:
        RuleBook.load(overlay=tmp_path / "own.toml")

    assert code in [one.code for one in refused.value.problems]
    assert all(one.path.startswith("own.toml") for one in refused.value.problems)
