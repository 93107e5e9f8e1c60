"""Who gets a key, and where do commands find theirs?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.access import LOCAL_KEY, find_key, is_loopback
from gateway.cli.serve import write_secret
from schemas.errors import NotAllowed


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("GATEWAY_STORAGE__DIRECTORY", str(tmp_path))


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit status and the one document of a command."""
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_key_is_shown_once_listed_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    """A made key is shown with its id; the list never shows it; once revoked it cannot be revoked again."""
    status, made = run_json(capsys, "keys", "create", "Desk", "--role", "broker", "--licensed")
    assert (status, made["role"], made["licensed"]) == (0, "broker", True)
    status, listed = run_json(capsys, "keys", "list")
    assert [one["id"] for one in listed["keys"]] == [made["id"]]
    assert made["key"] not in json.dumps(listed)
    assert main(["keys", "list"]) == 0
    assert "Desk" in capsys.readouterr().out
    assert main(["keys", "revoke", made["id"]]) == 0
    capsys.readouterr()
    status, refused = run_json(capsys, "keys", "revoke", made["id"])
    assert (status, refused["errors"][0]["code"]) == (1, "key_unknown")


def test_only_a_broker_can_be_licensed(capsys: pytest.CaptureFixture[str]) -> None:
    """A licensed dispatcher is refused and no key is made."""
    status, refused = run_json(capsys, "keys", "create", "Desk", "--role", "dispatch", "--licensed")
    assert (status, refused["errors"][0]["code"]) == (1, "wrong_key")
    assert run_json(capsys, "keys", "list")[1] == {"keys": []}


def test_the_database_is_brought_up_to_date(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """``db upgrade`` makes the embedded database and says at which version it is; again it changes nothing."""
    status, first = run_json(capsys, "db", "upgrade")
    assert (status, first["database"]) == (0, "sqlite")
    assert (tmp_path / "gateway.db").is_file()
    assert run_json(capsys, "db", "upgrade") == (0, first)
    assert first["at"] == str(tmp_path / "gateway.db")
    status, other = run_json(capsys, "db", "upgrade", "--data", str(tmp_path / "other"))
    assert (status, other["at"]) == (0, str(tmp_path / "other" / "gateway.db"))


def test_a_store_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database server that is not there is one error, and the address with its password is not in it."""
    monkeypatch.setenv("GATEWAY_STORAGE__DATABASE_URL", "postgresql+asyncpg://user:hunter2@127.0.0.1:1/none")
    assert main(["keys", "list", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["errors"][0]["code"] == "store_not_usable"
    assert "hunter2" not in captured.out + captured.err


def test_the_key_of_this_machine_is_found(tmp_path: Path) -> None:
    """On loopback the key file of the data directory is used; a key that is given wins."""
    write_secret(tmp_path / LOCAL_KEY, "cfg_local\n")
    assert find_key("http://127.0.0.1:8470", None) == "cfg_local"
    assert find_key("http://127.0.0.1:8470", " cfg_given ") == "cfg_given"


def test_a_key_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """A key file with wider permissions is refused with the command that mends it."""
    write_secret(tmp_path / LOCAL_KEY, "cfg_local\n")
    (tmp_path / LOCAL_KEY).chmod(0o644)
    with pytest.raises(NotAllowed) as refused:
        find_key("http://localhost:8470", None)
    assert refused.value.problems[0].code == "key_file_mode"


@pytest.mark.parametrize("url", ["https://gateway.example", "http://10.0.0.7:8470", "nonsense"])
def test_the_key_of_this_machine_goes_nowhere_else(url: str, tmp_path: Path) -> None:
    """A gateway on another machine never gets the local key."""
    write_secret(tmp_path / LOCAL_KEY, "cfg_local\n")
    assert not is_loopback(url)
    with pytest.raises(NotAllowed) as refused:
        find_key(url, None)
    assert refused.value.problems[0].code == "no_key"


def test_a_missing_key_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Without any key the command says which places were looked into, with status 1."""
    with pytest.raises(NotAllowed) as refused:
        find_key("http://127.0.0.1:8470", None, seconds=0.2)
    assert "local.key" in refused.value.problems[0].text


def test_a_key_is_revoked_by_the_beginning_of_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    """A beginning that one key alone has names it; one that several have, or too short a one, revokes nothing."""
    made = [run_json(capsys, "keys", "create", f"Desk {n}", "--role", "dispatch")[1]["id"] for n in range(2)]
    same = made[0][: next(n for n in range(36) if made[0][n] != made[1][n])]
    status, refused = run_json(capsys, "keys", "revoke", same)
    assert (status, refused["errors"][0]["code"]) == (1, "key_ambiguous")
    for nothing in ("", made[0][:3], "zzzz"):
        status, refused = run_json(capsys, "keys", "revoke", nothing)
        assert (status, refused["errors"][0]["code"]) == (1, "key_unknown")
    assert all(one["revoked_at"] is None for one in run_json(capsys, "keys", "list")[1]["keys"])
    status, revoked = run_json(capsys, "keys", "revoke", made[1][: len(same) + 1])
    assert (status, revoked["id"]) == (0, made[1])


@pytest.mark.parametrize(("columns", "whole"), [("120", True), ("80", True), ("60", False)])
def test_ids_of_keys_are_whole_or_folded(
    columns: str, whole: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list shows each id on one line where there is room, else folded; nothing of it is cut."""
    monkeypatch.setenv("COLUMNS", columns)
    made = run_json(capsys, "keys", "create", "Desk", "--role", "dispatch")[1]["id"]
    assert main(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert (made in shown) is whole
    assert made in "".join(line[2:].split(" ")[0] for line in shown.splitlines())
    assert "…" not in shown
