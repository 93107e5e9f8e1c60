"""Files that settings name: whence a relative name counts, and that all that are missing are told at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.settings import load_settings
from gateway.settings_places import files_missing, missing_places
from sandbox.settings import load_settings as load_sandbox

ALL = """
[storage]
directory = "data"
[exchange]
directory = "exchange"
certificate = "our.pem"
private_key = "ELSEWHERE/our-key.pem"
[partners.cbp]
certificate = "their.pem"
outbox = "out"
inbox = "in"
[partners.cbp.sftp]
private_key = "ssh-key"
host_keys = "hosts"
[rules]
overlay = "rows.toml"
"""


def settings_text(folder: Path) -> str:
    """The settings, with one absolute name."""
    return ALL.replace("ELSEWHERE", str(folder / "elsewhere"))


def test_a_relative_name_in_a_file_counts_from_that_file(tmp_path: Path) -> None:
    """Every file and folder the TOML file names lies beside it; other names stay as they are."""
    path = tmp_path / "gateway.toml"
    path.write_text(settings_text(tmp_path), "utf-8")
    settings = load_settings(path, environ={"GATEWAY_PARTNERS__CBP__OUTBOX": "here"})
    partner = settings.partner
    found = [
        settings.storage.directory,
        settings.exchange.directory,
        settings.exchange.certificate,
        partner.certificate,
        partner.inbox,
        partner.sftp.private_key,
        partner.sftp.host_keys,
        settings.rules.overlay,
    ]
    names = ("data", "exchange", "our.pem", "their.pem", "in", "ssh-key", "hosts", "rows.toml")
    assert found == [tmp_path / name for name in names]
    assert settings.exchange.private_key == tmp_path / "elsewhere" / "our-key.pem"
    assert partner.outbox == Path("here")
    sandbox = tmp_path / "sandbox.toml"
    sandbox.write_text('data_dir = "books"\nexchange_dir = "/srv/exchange"\n', "utf-8")
    assert load_sandbox(sandbox, {}).data_dir == tmp_path / "books"
    assert load_sandbox(sandbox, {}).exchange_dir == Path("/srv/exchange")


def test_everything_missing_is_told_at_once(tmp_path: Path) -> None:
    """Ours and theirs apart, each with setting, whole path and remedy; a folder is no file."""
    (tmp_path / "our.pem").mkdir()
    (tmp_path / "data").write_text("a file")
    path = tmp_path / "gateway.toml"
    path.write_text(settings_text(tmp_path), "utf-8")
    missing = missing_places(load_settings(path, environ={}))
    assert [(one.path, one.code) for one in missing.ours] == [
        ("exchange.certificate", "not_a_file"),
        ("exchange.private_key", "no_such_file"),
        ("rules.overlay", "no_such_file"),
        ("storage.directory", "not_a_folder"),
    ]
    (theirs,) = missing.theirs
    assert theirs.path == "partners.cbp.certificate"
    assert theirs.text == f"There is no file {tmp_path / 'their.pem'}."
    assert all(one.remedy for one in (*missing.ours, theirs))


@pytest.mark.parametrize(
    ("transport", "ours", "theirs"),
    [
        ("as2", [], ["partners.cbp.certificate"]),
        ("sftp", ["partners.cbp.sftp.private_key"], ["partners.cbp.sftp.host_keys"]),
        ("directory", ["partners.cbp.inbox"], []),
    ],
)
def test_only_what_the_road_needs_is_looked_for(
    transport: str, ours: list[str], theirs: list[str], tmp_path: Path
) -> None:
    """AS2 needs the partner's certificate, SFTP keys, a directory folders (which are made when they are not there)."""
    (tmp_path / "in").write_text("a file")
    named = {"sftp": {"private_key": str(tmp_path / "none"), "host_keys": str(tmp_path / "none")}}
    partner = {"transport": transport, "outbox": str(tmp_path / "out"), "inbox": str(tmp_path / "in"), **named}
    partner["certificate"] = str(tmp_path / "none.pem")
    missing = missing_places(load_settings(environ={}, overrides={"partners": {"cbp": partner}}))
    assert [one.path for one in missing.ours] == ours
    assert [one.path for one in missing.theirs] == theirs


def test_what_is_there_is_no_problem(tmp_path: Path) -> None:
    """A file that can be read is not told."""
    (tmp_path / "a.pem").write_text("x")
    assert files_missing({"a": tmp_path / "a.pem"}, "mend") == ()


def test_serve_does_not_start_without_what_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`gateway serve` names every missing file with its setting and ends with 1; nothing was made."""
    path = tmp_path / "gateway.toml"
    path.write_text(settings_text(tmp_path) + "[listen]\nport = 0\n", "utf-8")
    assert main(["serve", "--config", str(path), "--json"]) == 1
    told = {one["path"]: one["text"] for one in json.loads(capsys.readouterr().out)["errors"]}
    names = ("exchange.certificate", "exchange.private_key", "rules.overlay", "partners.cbp.certificate")
    assert tuple(told) == names
    assert told["exchange.private_key"] == f"There is no file {tmp_path / 'elsewhere' / 'our-key.pem'}."
    assert not (tmp_path / "data").exists()


def test_the_sandbox_tells_certificates_of_filers_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gateway sandbox` names filer and whole path before it does anything else."""
    path = tmp_path / "sandbox.toml"
    path.write_text('[[filer]]\nname = "CARRIER"\ncertificate = "carrier.pem"\n', "utf-8")
    assert main(["sandbox", "--config", str(path), "--scenario", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr().err
    assert "filer CARRIER: certificate" in told
    assert str(tmp_path / "carrier.pem") in told
