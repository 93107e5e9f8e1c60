"""Does ``gateway codes`` say what a code means, in every family of lists, and help where a name is misspelt?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.cli import main
from gateway.code_views import CATAIR, DISPOSITIONS, ERRORS, MARKS, PROFILE, X12, views
from schemas.catair import code_lists
from schemas.profile import load_profile
from schemas.x12 import CODES


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The document of ``--json``."""
    assert main(["codes", *arguments, "--json"]) == status
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


def people(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What a person reads, on one line."""
    assert main(["codes", *arguments]) == status
    captured = capsys.readouterr()
    return " ".join((captured.out if status == 0 else captured.out + captured.err).split())


def test_every_list_is_there_under_a_name_of_its_family() -> None:
    """CATAIR's lists, X12's and the profile's two tables are all there, and no name is in two families."""
    families: dict[str, set[str]] = {}
    for one in views().values():
        families.setdefault(one.family, set()).add(one.name)

    assert families[CATAIR] == set(code_lists())
    assert families[X12] == {f"x12.{name}" for name in CODES}
    assert families[PROFILE] == {DISPOSITIONS, ERRORS}
    assert not [name for name in families[CATAIR] if name.startswith("x12.")]
    assert {code.mark for one in views().values() for code in one.codes.values()} <= set(MARKS)


def test_all_lists_are_shown_with_edition_and_family(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name every list is shown, a table for each family."""
    shown = document(capsys)["lists"]
    text = people(capsys)

    assert [one["list"] for one in shown] == list(views())
    (one,) = [one for one in shown if one["list"] == "entry_dispositions"]
    assert (one["version"], one["as_of"], one["codes"]) == ("21", "2025-09-09", 39)
    assert f"CATAIR: {len(code_lists())} lists" in text
    assert f"X12: {len(CODES)} lists" in text
    assert "X12 profile: 2 lists" in text


def test_one_code_is_told_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Text, reading, document, version, date and mark of a code; letters may be small."""
    shown = document(capsys, "entry_dispositions", "98")
    text = people(capsys, "entry_dispositions", "98")
    small = people(capsys, "ace_conditions", "a01")

    assert (shown["code"]["text"], shown["code"]["reading"]) == ("RELEASED", "released")
    assert shown["list"]["version"] == "21"
    for part in (
        "RELEASED",
        "read as released",
        "version 21 as of 2025-09-09",
        "WO60",
        "sourced: read in the document",
    ):
        assert part in text
    assert "ace_conditions A01" in small
    assert "severity" in people(capsys, "ace_conditions", "--on", "2026-11-23")


def test_a_code_of_a_transcription_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not read in CBP's own document is marked, in the code and in its source."""
    shown = document(capsys, "entry_dispositions", "29")["code"]

    assert shown["mark"] == "transcribed"
    assert shown["source"].endswith("SO rev 36, read through a public transcription")
    assert "not in CBP's own" in people(capsys, "entry_dispositions", "29")


def test_codes_of_x12_come_from_tables_and_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """A list of the X12 tables, a disposition of the profile and an error known by its words."""
    hold = document(capsys, DISPOSITIONS, "1h")["code"]
    known = load_profile().dispositions["1H"]
    errors = document(capsys, ERRORS)["codes"]

    assert document(capsys, "x12.manifest_type", "P")["code"]["text"] == CODES["manifest_type"].codes["P"]
    assert (hold["text"], hold["source"], hold["reading"]) == (known.text, known.source, known.meaning)
    assert hold["note"].endswith("not announced for trucks")
    assert len(errors) == len(load_profile().errors) + len(load_profile().error_texts)


def test_a_day_leaves_out_what_is_not_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    """``--on`` decides by first and last day; a code that does not stand then says when it does."""
    before = document(capsys, "countries", "--on", "2026-03-02")
    after = document(capsys, "countries", "--on", "2026-03-03")
    codes = [{one["code"] for one in shown["codes"]} for shown in (before, after)]
    (error,) = document(capsys, "countries", "BU", "--on", "2026-03-03", status=1)["errors"]

    assert "BU" in codes[0] - codes[1]
    assert "MM" in codes[1] - codes[0]
    assert error["code"] == "code_not_in_force"
    assert "no longer since 2026-03-03" in error["text"]
    assert document(capsys, "countries", "BU")["code"]["valid_to"] == "2026-03-03"
    assert "more on other days" in people(capsys, "countries", "--on", "2026-03-03")


@pytest.mark.parametrize(
    ("arguments", "code", "near"),
    [
        (["entry_disposition", "98"], "unknown_list", "entry_dispositions"),
        (["manifest_type"], "unknown_list", "x12.manifest_type"),
        (["Entry-Types"], "unknown_list", "entry_types"),
        (["us_states", "NYC"], "unknown_code", "NY"),
        (["qqqq"], "unknown_list", "gateway codes lists them all"),
    ],
)
def test_what_is_not_there_is_told_with_near_names(
    arguments: list[str], code: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list or code that is not there is status 1, with those that are spelt nearly so."""
    (error,) = document(capsys, *arguments, status=1)["errors"]

    assert error["code"] == code
    assert near in error["remedy"]
    assert near in people(capsys, *arguments, status=1)


def test_words_are_searched_in_every_list_or_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Lists and codes that have all the words; a code that a list only includes is told once."""
    everywhere = document(capsys, "--search", "bill")
    in_one = document(capsys, "bill_dispositions", "--search", "hold REMOVED")
    included = document(capsys, "--search", "unsupported")["codes"]

    assert "bill_types" in {one["list"] for one in everywhere["lists"]}
    assert {one["family"] for one in everywhere["codes"]} >= {CATAIR, X12}
    assert [one["code"] for one in in_one["codes"]] == ["54", "55", "56"]
    assert in_one["lists"] == []
    assert [(one["list"], one["code"]) for one in included] == [("ace_conditions", "623")]
    assert document(capsys, "--search", "xyzzy", status=1) == {"lists": [], "codes": []}
    assert "No list and no code" in people(capsys, "--search", "xyzzy", status=1)


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A day that is none, words with a code, and no words are wrong usage."""
    for arguments in (["--on", "soon"], ["units", "KG", "--search", "x"], ["--search", " "]):
        assert main(["codes", *arguments]) == 2
        assert capsys.readouterr().out == ""
