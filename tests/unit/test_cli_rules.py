"""Does ``gateway rules`` list, show, compare and check the book in force, for people and for programs?"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.output import path_in_lines
from gateway.rule_book import load_book
from gateway.settings import load_settings
from mappings.day_ledger import DayLedger
from mappings.decision import decide
from mappings.rule import EASTERN
from mappings.rulebook import RuleBook
from schemas.shipment import read_shipment
from tests import samples

BOOK = RuleBook.load()
OWN = """
[[rule]]
id = "own-no-shirts"
kind = "deny"
pathways = ["section321", "informal"]
valid_from = 2025-01-01T00:00:00
citation = "Handbook of this filer, page 7"
status = "verified"
text = "We do not carry shirts."
[rule.when]
hts_prefixes = ["6109"]

[severity]
vague-description = "error"
"""


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration with rows of the filer's own."""
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    file = tmp_path / "gateway.toml"
    text = f'[rules]\noverlay = "{tmp_path / "own.toml"}"\nseverity = {{ one-hour-rule = "error" }}\n'
    file.write_text(text, "utf-8")
    return str(file)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit status and document of a command."""
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_list_filters_by_instant_pathway_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a filter every row is there; with filters those of that day, pathway and status."""
    status, everything = run(capsys, "rules", "list")
    _, some = run(capsys, "rules", "list", "--on", "2026-11-23", "--pathway", "section321", "--status", "verified")

    assert status == 0
    assert everything["rule_book"] == BOOK.version
    assert len(everything["rules"]) == len(BOOK.rows)
    assert "deny-all-countries-eo14324" in {row["id"] for row in some["rules"]}
    assert all("section321" in row["pathways"] and row["status"] == "verified" for row in some["rules"])
    assert "allow-section321" not in {row["id"] for row in some["rules"]}
    main(["rules", "list", "--on", "2026-11-23"])
    assert "deny-interim-rule-exemption" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--pathway", "section322"], 2), (["--status", "sure"], 2), (["--on", "soon"], 1)],
)
def test_list_refuses_what_does_not_exist(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pathway or status that is none is wrong usage, a day that is none is a fault with its option."""
    assert main(["rules", "list", *arguments]) == status
    assert arguments[0] in capsys.readouterr().err


def test_show_tells_all_of_a_row_and_of_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    """A row with its conditions, a check with its severity; an unknown id with what was meant."""
    _, row = run(capsys, "rules", "show", "deny-china-hong-kong")
    _, check = run(capsys, "rules", "show", "vague-description")
    status, unknown = run(capsys, "rules", "show", "deny-china")

    assert row["rules"][0]["when"] == [["origin_any_of", ["CN", "HK"]]]
    assert row["rules"][0]["own"] is False
    assert check["check"]["severity"] == "warning"
    assert status == 1
    assert "deny-china-hong-kong" in unknown["errors"][0]["remedy"]
    main(["rules", "show", "warn-unclaimed-toys"])
    assert "- severity: warning" in capsys.readouterr().out


def test_diff_says_in_words_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """Over the minute of 29 August 2025 the exemption closes; over a minute without a change nothing does."""
    _, document = run(capsys, "rules", "diff", "2025-08-29T00:00", "2025-08-29T00:01")
    told = {change["id"]: change["change"] for change in document["changes"]}

    assert told["deny-all-countries-eo14324"] == "begins"
    assert told["allow-section321"] == "ends"
    assert document["pathways"][0].startswith("Section 321 release closes for all goods")
    main(["rules", "diff", "2025-08-29", "2025-08-30"])
    assert "The law is the same at both times." in capsys.readouterr().out


def test_check_reports_faults_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with a bad row is refused with its place; the delivered book is sound."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.toml").write_text('[[rule]]\nid = "x"\n', "utf-8")

    status, document = run(capsys, "rules", "check", str(folder))
    assert status == 1
    assert ("missing", "a.toml[x].kind") in {(one["code"], one["path"]) for one in document["errors"]}
    status, document = run(capsys, "rules", "check")
    assert (status, document["errors"], document["rows"]) == (0, [], len(BOOK.rows))
    assert len(document["overlapping_denials"]["section321"]) >= 4
    assert "deny-informal-foreign-importer" in document["unsure"]
    assert main(["rules", "check"]) == 0
    assert "advisory checks are well formed" in capsys.readouterr().out


def test_the_filers_own_rows_are_in_force_and_marked(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """List, show and check name them as the filer's own; the version of the book is another one."""
    _, document = run(capsys, "rules", "list", "--config", config)
    own = [row["id"] for row in document["rules"] if row["own"]]
    _, checked = run(capsys, "rules", "check", "--config", config)

    assert own == checked["own"] == ["own-no-shirts"]
    assert checked["severity"] == {"one-hour-rule": "error", "vague-description": "error"}
    assert document["rule_book"] != BOOK.version
    main(["rules", "list", "--config", config, "--pathway", "informal"])
    assert "own-no-shirts (own)" in capsys.readouterr().out
    main(["rules", "show", "own-no-shirts", "--config", config])
    assert "own row of this filer" in capsys.readouterr().out
    _, advice = run(capsys, "rules", "list", "--advice", "--config", config)
    assert {one["id"]: one["severity"] for one in advice["checks"]}["vague-description"] == "error"
    main(["rules", "list", "--advice"])
    assert "warn-unclaimed-toys" in capsys.readouterr().out


def test_explain_decides_by_the_filers_own_book(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The filer's row closes what the law leaves open, its severity is shown, and the numbered grounds are told."""
    file = tmp_path / "one.json"
    second = samples.shipment(shipment_id="T-0002", order_id="O-2", shipment_control_number=None)
    second["lines"][0] |= {"description": "Gift", "hts": "9503000073"}
    file.write_text(json.dumps([samples.shipment(), second]), "utf-8")
    _, document = run(capsys, "explain", str(file), "--arrival", "2026-11-23", "--config", config)
    shirt, gift = document["shipments"]

    assert shirt["pathway"] == "formal"
    assert "own-no-shirts" in shirt["rules"]
    assert shirt["severities"] == {"one-hour-rule": "error", "vague-description": "error"}
    assert gift["pathway"] == "review"
    assert gift["needs"][0]["code"] == "vague_description"
    (grouped,) = [reason for reason in shirt["reasons"] if "Section 321" in reason and "(1)" in reason]
    assert grouped.startswith("No Section 321 release and no entry type 86: (1) ")


def test_explain_warns_of_what_shipments_contradict_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A control number that comes twice in the file is told at the second shipment."""
    file = tmp_path / "two.json"
    file.write_text(json.dumps([samples.shipment(), samples.shipment(shipment_id="T-2", order_id="O-2")]), "utf-8")
    _, document = run(capsys, "explain", str(file), "--arrival", "2025-03-10")

    first, second = document["shipments"]
    assert "warnings" not in first
    assert [one["code"] for one in second["warnings"]] == ["scn_reused"]


def test_the_settings_make_the_book(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """File and environment lead to the same book as the rows and severities themselves."""
    book = load_book(load_settings(Path(config)))

    assert book.own_ids == {"own-no-shirts"}
    assert load_book(load_settings(None, {})).version == BOOK.version
    environment = {"GATEWAY_RULES__SEVERITY": '{"missing-state": "off"}'}
    assert dict(load_book(load_settings(None, environment)).advice.chosen) == {"missing-state": "off"}


def test_an_overlay_lies_beside_the_file_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name counts from the folder of the config file, from wherever the command is given."""
    house = tmp_path / "house"
    elsewhere = tmp_path / "elsewhere"
    house.mkdir()
    elsewhere.mkdir()
    (house / "own.toml").write_text(OWN, "utf-8")
    (house / "gateway.toml").write_text('[rules]\noverlay = "own.toml"\n', "utf-8")
    monkeypatch.chdir(elsewhere)

    assert run(capsys, "rules", "check", "--config", "../house/gateway.toml")[1]["own"] == ["own-no-shirts"]
    (house / "own.toml").unlink()
    _, document = run(capsys, "rules", "check", "--config", "../house/gateway.toml")
    assert document["errors"][0]["text"] == f"There is no file or folder {elsewhere / '../house/own.toml'}."


def test_names_are_whole_in_the_table_of_faults(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long path goes on in the next line before a dot or bracket, never within a name."""
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "own.toml").write_text(OWN.replace("citation =", "valid_until ="), "utf-8")
    main(["rules", "check", "--config", config])
    printed = capsys.readouterr().out
    assert "own.toml[own-no-shirts]" in printed
    assert ".valid_until" in printed
    assert path_in_lines("lines[12].manufacturer.address.region") == "lines[12].manufacturer.address\n.region"
    assert "".join(path_in_lines("a" * 40 + ".b[3].c").split("\n")) == "a" * 40 + ".b[3].c"


def test_show_takes_the_code_of_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The code leads to every row and check that gives it; a near miss is told with code and id."""
    _, toys = run(capsys, "rules", "show", "agency_claim_expected")
    _, twice = run(capsys, "rules", "show", "same_description_other_hts")
    _, unsure = run(capsys, "rules", "show", "unsure_rule")
    _, asked = run(capsys, "rules", "show", "request_refused")
    _, near = run(capsys, "rules", "show", "agency-claim-expected")

    assert {"warn-unclaimed-toys", "warn-unclaimed-food"} <= {row["id"] for row in toys["rules"]}
    assert [one["id"] for one in twice["checks"]] == ["same-description-other-hts", "same-description-in-trip"]
    assert {row["status"] for row in unsure["rules"]} == {"unsure"}
    assert asked["meaning"]
    assert near["errors"][0]["remedy"] == "Did you mean agency_claim_expected?"
    main(["rules", "show", "one_hour_rule"])
    assert "- set to error: the trip is refused when it is filed" in capsys.readouterr().out


def test_diff_tells_each_row_in_words_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no pathway opens or closes, rows are told all the same; turned days are told and change nothing."""
    _, there = run(capsys, "rules", "diff", "2026-06-30", "2026-11-30")
    _, back = run(capsys, "rules", "diff", "2026-11-30", "2026-06-30")
    told = {change["id"]: change["text"] for change in there["changes"]}

    assert there["pathways"] == []
    assert told["deny-informal-foreign-importer"].startswith(
        "From 2026-11-30 00:00 on: informal entry is closed where the importer's number has a foreign mark. "
    )
    assert told["info-import-surcharge-2026"].startswith("Ends at 2026-07-24 00:01: a remark is made on ")
    assert (there["turned"], back["turned"], back["changes"]) == (False, True, there["changes"])
    main(["rules", "diff", "2026-11-30", "2026-06-30"])
    printed = capsys.readouterr().out
    assert "Given from the later to the earlier time" in printed
    assert any(line.split()[:2] == ["change", "rule"] and "status" in line for line in printed.splitlines())


def test_a_day_before_the_book_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is decided by the book before its first row, and explain, list and diff say so."""
    file = tmp_path / "one.json"
    file.write_text(json.dumps([samples.shipment()]), "utf-8")
    words = "The book begins 2016-03-10; nothing is decided by it before."
    for command in (
        ["explain", str(file), "--arrival", "2015-03-10"],
        ["rules", "list", "--on", "2015-03-10"],
        ["rules", "diff", "2015-03-10", "2016-03-10"],
    ):
        main(command)
        assert words in capsys.readouterr().out
    main(["explain", str(file), "--arrival", "2016-03-10"])
    assert words not in capsys.readouterr().out


def test_explain_says_common_grounds_once_and_marks_its_rules(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What closes a pathway to several shipments stands once below them; rules and advisory checks have their marks."""
    rows = [samples.shipment(shipment_id=f"T-{n}", order_id=f"O-{n}", shipment_control_number=None) for n in range(6)]
    rows[4]["lines"][0] |= {"description": "Gift", "hts": "9503000073"}
    rows[5]["lines"][0] |= {"description": "Toy cars of steel", "hts": "9503000073"}
    file = tmp_path / "six.json"
    file.write_text(json.dumps(rows), "utf-8")
    main(["explain", str(file), "--arrival", "2026-11-23", "--config", config])
    printed = capsys.readouterr().out
    lines = printed.splitlines()

    assert printed.count("ACE rejects Section 321 manifests and entry type 86.") == 1
    assert "  [1] The exemption is suspended for goods of every country; ACE rejects" in printed
    decided = lines[lines.index("Rules that decided") :]
    (check,) = [line.split() for line in decided if line.split()[:1] == ["vague-description"]]
    assert check[1:5] == ["1", "verified", "19", "CFR"]
    (warned,) = [line for line in lines if line.split()[:1] == ["agency_claim_expected"]]
    assert "T-5" in warned


def test_a_review_for_a_reason_of_its_own_names_the_suspension() -> None:
    """A gift is for a broker, who is told what closed the exemption; in March 2025 nothing did."""
    gift = samples.shipment()
    gift["lines"][0] |= {"hts": "4901990092", "description": "Printed books"}
    shipment = read_shipment(gift)
    found, before = (
        decide(shipment, None, datetime(year, 3, 10, 16, 30, tzinfo=EASTERN), DayLedger(), BOOK)[0]
        for year in (2026, 2025)
    )

    assert found.pathway == "review"
    assert {"review-informational", "deny-all-countries-eo14324"} <= set(found.rules)
    assert any(reason.startswith("No Section 321 release and no entry type 86: (1)") for reason in found.reasons)
    assert before.pathway == "section321"
    assert not any(reason.startswith("No ") for reason in before.reasons)


def test_render_tells_what_is_odd_about_the_trip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trip that has arrived is a warning; set to error, it is said that filing would be refused."""
    trip, file, settings = tmp_path / "trip.json", tmp_path / "one.json", tmp_path / "gateway.toml"
    trip.write_text(json.dumps(samples.trip()), "utf-8")
    file.write_text(json.dumps([samples.shipment()]), "utf-8")
    settings.write_text('[rules]\nseverity = { arrival-in-past = "error" }\n', "utf-8")
    command = ["render", str(trip), str(file), "--out", str(tmp_path / "out")]
    _, document = run(capsys, *command)

    assert [(one["code"], one["severity"]) for one in document["trip_warnings"]] == [("arrival_in_past", "warning")]
    main([*command, "--config", str(settings)])
    assert "The trip would be refused when it is filed: arrival_in_past." in capsys.readouterr().out
