"""Does ``gateway rules`` list, show, compare and check the book in force, for people and for programs?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.rule_book import load_book
from gateway.settings import load_settings
from mappings.rulebook import RuleBook
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
    assert "deny-interim-rule-exemption" in {row["id"] for row in some["rules"]}
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
