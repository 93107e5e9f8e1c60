"""``gateway amend`` and ``gateway cancel`` for people: what differs, the exact messages, what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.amend_view import LINES_SHOWN, message_lines, show_kept, show_plan, show_settled, show_versions
from gateway.cli.app import app
from gateway.cli.output import Output

ISA = "ISA*00*          *00*          *02*TSTC           *ZZ*CBP-ACE-TEST   *250310*1400*^*00502*000000003*0*T*>~"


def plan(**changes: Any) -> dict[str, Any]:
    """A dry run as the service answers it."""
    message = {
        "says": "309 type Y",
        "size": 321,
        "control_number": 3,
        "about": ["P-0001"],
        "text": f"{ISA}GS*AQ*TSTC~IEA*1*000000003~",
    }
    made = {
        "kind": "manifest",
        "filing_id": "F-1",
        "trip_number": "TSTC2503100001",
        "version_before": 1,
        "version": 2,
        "difference": [{"path": "x", "name": "consignee: street, line 1", "old": "12 Sample Ave", "new": None}],
        "pathways": [],
        "does": ["P-0001: its bill is replaced on the manifest"],
        "expected": [{"about": "manifest", "expected": "automatic", "text": "CBP takes it.", "reference": "sheet"}],
        "messages": [message],
        "warnings": [{"code": "hour_begins_again", "text": "It begins anew.", "remedy": "Come later."}],
        "needs": [],
    }
    return made | changes


def seen(capsys: pytest.CaptureFixture[str]) -> str:
    """What a person sees, on one line."""
    return " ".join(capsys.readouterr().out.split())


def test_a_plan_is_shown_with_its_exact_messages(capsys: pytest.CaptureFixture[str]) -> None:
    """Versions, difference, acts, expectation with its source, each segment on a line, warnings with what to do."""
    show_plan(Output(), plan())
    text = seen(capsys)
    for part in (
        "manifest filing F-1: version 1 becomes 2",
        "consignee: street, line 1",
        "12 Sample Ave",
        "- P-0001: its bill is replaced on the manifest",
        "manifest: by itself. CBP takes it. (sheet)",
        "309 type Y, 321 bytes, next number 3, about P-0001",
        "GS*AQ*TSTC~ IEA*1*000000003~",
        "warning hour_begins_again: It begins anew. Come later.",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("off", "version", "told"),
    [(True, 1, "Cancelled: P-0001; must not be aboard. Nothing had to be sent; the manifest stays at version 1."),
     (False, 2, "Kept as version 2; nothing had to be sent.")],
)  # fmt: skip
def test_what_is_so_where_nothing_had_to_be_sent(
    capsys: pytest.CaptureFixture[str], off: bool, version: int, told: str
) -> None:
    """A shipment that is taken off is named, and a version is told only where there is another one."""
    shown = plan(version=version, shipments=[{"shipment_id": "P-0001", "taken_off": off}])
    show_plan(Output(), shown)
    assert f"version 1 {'stays' if off else 'becomes 2'}" in seen(capsys)
    show_kept(Output(), shown, version)
    assert seen(capsys) == told


def test_what_must_still_be_said_is_asked_after_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """The difference and the bytes stand first, then the option that must be given, with its choices."""
    need = {"code": "reason_code_missing", "path": "reason_code", "text": "It gives its reason.", "remedy": "Give 03."}
    show_plan(Output(), plan(needs=[need]))
    text = seen(capsys)
    assert "- --reason-code: It gives its reason. Give 03." in text
    assert text.index("12 Sample Ave") < text.index("309 type Y") < text.index("--reason-code")


def test_what_was_given_is_shown_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons and codes as they were given, by the names that the command takes; nothing where none was."""
    show_plan(Output(), plan(reason="Sold.", reason_code="01", bill_reason_code="03", entry_reason_code=None))
    assert "Given: reason code 01; bill reason code 03; reason Sold." in seen(capsys)
    show_plan(Output(), plan())
    assert "Given:" not in seen(capsys)


def test_another_pathway_is_shown_with_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    """How it went, how it goes, by which entry type and why."""
    one = {"shipment_id": "P-1", "from": "section321", "to": "informal", "entry_type": "11", "reasons": ["Over 800."]}
    show_plan(Output(), plan(pathways=[one]))
    assert "P-1 goes as informal (entry type 11), not as section321: Over 800." in seen(capsys)


@pytest.mark.parametrize(
    ("expected", "words"),
    [("request", "a person decides"), ("open", "by itself or a person"), ("refused", "refused")],
)
def test_what_cbp_will_do_is_said(capsys: pytest.CaptureFixture[str], expected: str, words: str) -> None:
    """Each expectation in words."""
    about = {"about": "entry XYZ12345671", "expected": expected, "text": "Because.", "reference": "guide"}
    show_plan(Output(), plan(expected=[about]))
    assert f"entry XYZ12345671: {words}. Because. (guide)" in seen(capsys)


def test_many_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Of many fields, messages and lines the first are shown and the rest counted."""
    fields = [{"shipment_id": f"P-{at % 7}", "path": "x", "name": "name", "old": "a", "new": "b"} for at in range(43)]
    show_plan(Output(), plan(difference=fields, messages=plan()["messages"] * 8))
    text = seen(capsys)
    assert "and 3 more fields" in text
    assert "and 3 more messages" in text
    lines = list(message_lines(ISA + "LX*1~" * 99))
    assert len(lines) == LINES_SHOWN + 1
    assert lines[0] == ISA
    assert lines[-1].startswith(f"… and {100 - LINES_SHOWN} more lines")
    assert list(message_lines("A0901XYZ\nB0901XYZ\n")) == ["A0901XYZ", "B0901XYZ"]


def test_what_a_field_says_is_no_command_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are made visible, brackets stay brackets."""
    evil = {"path": "x", "name": "consignee: name", "old": "\x1b[2J", "new": "[bold]Pat[/bold]"}
    show_plan(Output(), plan(difference=[evil]))
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out
    assert "[bold]Pat[/bold]" in out


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("accepted", "taken by CBP"),
        ("refused", "refused by CBP; the version before stays in force (Entry on hold)"),
        ("partly_accepted", "taken in part (Entry on hold)"),
        ("requested", "a person at CBP decides"),
        ("pending", "not answered yet"),
        ("not_sent", "it says nothing else to CBP"),
        ("withdrawn", "CBP has nothing of it"),
    ],
)
def test_what_became_of_a_version_is_said(capsys: pytest.CaptureFixture[str], state: str, words: str) -> None:
    """In words, with CBP's reason where it refused."""
    one = {"entry_number": "XYZ12345671", "kind": "entry", "version": 2, "state": state}
    show_settled(Output(), {"settled": [{**one, "outcome": {"text": "Entry on hold"}}], "timed_out": False})
    text = seen(capsys)
    assert text.startswith("entry XYZ12345671, version 2: ")
    assert words in text


def test_where_the_end_of_what_is_open_is_seen_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A request, or a version without an answer, ends later: the command that shows it stands below, once for each."""
    entry = {"entry_number": "XYZ12345671", "filing_id": "F-2", "kind": "entry", "version": 2, "outcome": None}
    manifest = {"entry_number": None, "filing_id": "F-1", "kind": "manifest", "version": 2, "outcome": None}
    for state in ("requested", "pending"):
        settled = [{**manifest, "state": "accepted"}, {**entry, "state": state}]
        show_settled(Output(), {"settled": settled, "timed_out": False})
        text = seen(capsys)
        assert text.endswith("Next: its end is seen with: gateway filing XYZ12345671")
        assert "filing F-1" not in text
    show_settled(Output(), {"settled": [{**manifest, "state": "pending"}], "timed_out": True})
    assert "gateway filing F-1" in seen(capsys)
    show_settled(Output(), {"settled": [{**entry, "state": "accepted"}], "timed_out": False})
    assert "Next" not in seen(capsys)


def test_time_that_ran_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not answered is not taken for answered."""
    show_settled(Output(), {"settled": [], "timed_out": True})
    assert "CBP has not answered everything in time" in seen(capsys)


def test_versions_are_shown_with_who_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    """Which is in force, what differs, what CBP said of the one it refused; a filing never changed shows no table."""
    first = {
        "version": 1,
        "state": "accepted",
        "in_force": True,
        "difference": None,
        "reason_code": None,
        "reason": None,
        "made_at": "2025-03-10T14:02:00+00:00",
        "settled_at": None,
        "made_by": "Dana",
        "messages": [{"name": "309-1.edi", "answered_at": "2025-03-10T14:04:00+00:00"}],
        "outcome": None,
    }
    show_versions(Output(), [first])
    assert seen(capsys) == ""
    second = {
        **first,
        "version": 2,
        "state": "refused",
        "in_force": False,
        "difference": [{"name": "number of packages", "old": 1, "new": 2, "shipment_id": "P-0001"}],
        "reason_code": "16",
        "reason": "Counted again",
        "messages": [],
        "settled_at": "2025-03-10T14:17:00+00:00",
        "outcome": {"text": "INVALID BILL"},
    }
    show_versions(Output(), [first, second], "America/New_York")
    text = seen(capsys)
    assert "2025-03-10 10:02" in text
    assert "2025-03-10 10:04" in text
    assert "2025-03-10 10:17" in text
    assert "accepted (in force)" in text
    assert "number of packages: 1" in text
    assert "CBP: INVALID" in text
    assert "Dana: 16 Counted again" in text


def test_what_the_same_amendment_changed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the versions: the other filing with its version, what became of it, its file, and how to look at it."""
    other = {
        "filing_id": "F-9",
        "kind": "manifest",
        "entry_number": None,
        "version": 3,
        "state": "partly_accepted",
        "messages": ["309-2.x12"],
    }
    only = {"version": 1, "difference": None, "also_changed": [other] * 7, "also_changed_count": 9}
    show_versions(Output(), [only])
    text = seen(capsys)
    assert "With version 1: the manifest, version 3, partly accepted: 309-2.x12; gateway filing F-9" in text
    assert text.count("F-9") == 5
    assert "and 4 more filings with version 1" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["amend", "X", "nowhere.json"], "nowhere.json"),
        (["amend", "X", "{file}", "--off-the-truck", "throw"], "delete, delink"),
        (["amend", "X", "{file}", "--yes", "--dry-run"], "give one of them"),
        (["cancel", "X", "--yes", "--dry-run"], "give one of them"),
        (["cancel", "X", "--yes", "--no-wait", "--until-decided"], "give one of them"),
        (["refile", "X", "--yes", "--dry-run"], "give one of them"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    """A missing file, an unknown way off, an act and a dry run of it: a usage error."""
    file = tmp_path / "patch.json"
    file.write_text("{}")
    result = CliRunner().invoke(app, [str(file) if one == "{file}" else one for one in arguments])
    assert result.exit_code == 2
    assert says in result.output
