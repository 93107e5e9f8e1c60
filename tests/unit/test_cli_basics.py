"""Does the command line answer in the promised forms: help, documents, exit statuses, no colours, quick start?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.docs import PAGE, page
from gateway.cli.output import JsonRows, Output, plain
from schemas.errors import Problem, ShipmentError

COMMANDS = (
    *"demo serve sandbox submit explain render inspect codes trip filing bench".split(),
    *("keys create", "keys list", "keys revoke", "db upgrade"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` shows an example and the option ``--json``, and exits 0."""
    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Example: gateway {command}" in shown
    assert "--json" in shown


def test_the_page_about_the_command_line_is_current() -> None:
    """``docs/cli.md`` is what ``python -m gateway.cli.docs`` writes."""
    assert PAGE.read_text("utf-8") == page()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["explain"],
        ["explain", "no-such-file.json"],
        ["demo", "--shipments", "0"],
        ["demo", "--arrival", "soon"],
        ["demo", "--arrival", "2001-01-01"],
        ["keys", "create", "x", "--role", "king"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What was typed wrongly is told on standard error with status 2; standard output stays empty."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_refusal_is_a_table_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unreadable file is a table row with code, sentence and remedy on standard error, with status 1."""
    trip = tmp_path / "trip.json"
    trip.write_text("{", "utf-8")
    shipments = tmp_path / "shipments.json"
    shipments.write_text("[]", "utf-8")
    assert main(["render", str(trip), str(shipments), "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "unreadable_json" in captured.err
    assert "Correct it at this place." in captured.err


def test_refusal_is_one_document_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--json`` the refusal is the one document on standard output."""
    trip = tmp_path / "trip.json"
    trip.write_text("[1]", "utf-8")
    shipments = tmp_path / "shipments.json"
    shipments.write_text("[]", "utf-8")
    assert main(["render", str(trip), str(shipments), "--out", str(tmp_path / "out"), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in document["errors"]] == ["not_an_object"]


def test_output_without_a_terminal_has_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    """No escape character is written where nobody looks at a terminal."""
    output = Output()
    output.say("done", "bold green")
    output.problems([Problem("a_code", "a.path", "A sentence.", "A remedy.")])
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "a_code" in captured.out


def test_text_from_outside_is_shown_as_it_is() -> None:
    """Markup in a value is shown, not obeyed, and control characters are made visible."""
    assert plain("[red]x[/red]\x1b[2J").plain == "[red]x[/red]\\x1b[2J"


def test_json_rows_make_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows written one by one and closing members are one JSON object; so is an empty list."""
    with JsonRows("rows") as rows:
        rows.add({"a": 1})
        rows.add({"a": 2})
        rows.end(total=2)
    assert json.loads(capsys.readouterr().out) == {"rows": [{"a": 1}, {"a": 2}], "total": 2}
    with JsonRows("rows") as rows:
        pass
    assert json.loads(capsys.readouterr().out) == {"rows": []}


def test_refusal_within_a_document_stays_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """What is refused after the first rows were written ends the same document, with status 1."""

    def refused() -> None:
        with JsonRows("rows") as rows:
            rows.add({"a": 1})
            raise ShipmentError(Problem("a_code", "a.path", "A sentence."))

    with pytest.raises(SystemExit) as stopped:
        refused()
    assert stopped.value.code == 1
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == [{"a": 1}]
    assert [one["code"] for one in document["errors"]] == ["a_code"]


def test_a_fault_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An unexpected exception reaches nobody as a traceback, and is shown in full only when asked for."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("gateway.cli.app.app", broken)
    monkeypatch.delenv("GATEWAY_DEBUG", raising=False)
    assert main(["bench"]) == 1
    captured = capsys.readouterr()
    assert "internal_error" in captured.err
    assert "Traceback" not in captured.err
    monkeypatch.setenv("GATEWAY_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        main(["bench"])


def test_starting_loads_nothing_heavy() -> None:
    """``gateway --help`` imports neither the web server, nor the store, the models or the document writers."""
    code = (
        "import sys; from gateway.cli import main; main(['--help']);"
        "heavy = {'aiohttp', 'sqlalchemy', 'pydantic', 'reportlab', 'lxml', 'pyx12', 'cryptography', 'alembic'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=root, check=True
    )
    assert done.stderr.strip() == "[]"
