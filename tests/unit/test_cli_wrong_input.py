"""Wrong input of every kind to every command: a sentence and a remedy, never Python's words."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import aiohttp
import pytest

from gateway.causes import cause, not_json
from gateway.cli import main
from tests import samples

PYTHON = re.compile(r"Traceback|[A-Z]\w+(Error|Exception|Disconnected)\b|\[Errno|isoformat|object at|internal_error")
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good trip and files of every wrong kind; commands are given in it."""
    (tmp_path / "trip.json").write_text(json.dumps(samples.trip()))
    (tmp_path / "good.json").write_text(json.dumps([samples.shipment()]))
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "bytes.json").write_bytes(bytes(range(128, 256)))
    (tmp_path / "bad.toml").write_text("x = [")
    (tmp_path / "folder").mkdir()
    (tmp_path / "lost.toml").write_text('[storage]\ndatabase_url = "postgresql+asyncpg://a:b@127.0.0.1:1/x"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_STORAGE__DATABASE_URL", raising=False)
    return tmp_path


COMMANDS = [
    "inspect nowhere",
    "inspect folder",
    "inspect bytes.json",
    "explain nowhere",
    "explain folder",
    "explain bytes.json",
    "explain other.json",
    "explain good.json --arrival 2026-99-99",
    "explain good.json --config bad.toml",
    "render bad.json good.json --out out",
    "render bytes.json good.json --out out",
    "render trip.json good.json --out trip.json",
    "submit trip.json good.json --key k --retry 0 --url ftp://host",
    "submit trip.json good.json --key k --retry 0 --url nonsense",
    f"submit trip.json good.json --key k --retry 0 --url {NOBODY}",
    "submit trip.json good.json --key k --retry 0 --url http://nowhere.invalid",
    "submit bad.json good.json --key k",
    "submit bytes.json good.json --key k",
    f"trip X --key k --eta yesterday --url {NOBODY}",
    "amend X bytes.json --key k",
    "amend X folder --key k",
    "rules diff x y",
    "rules show nope",
    "rules check --config bad.toml",
    "codes nope",
    "keys list --config bad.toml",
    "keys list --config lost.toml",
    "keys create x --role nope",
    "db upgrade --config lost.toml",
    "db upgrade --config folder",
    "serve --config bad.toml",
    "serve --config lost.toml --port 0",
    "serve --port 99999",
    "serve --data trip.json",
    "sandbox --config bad.toml",
    "sandbox --clock x",
    "sandbox --clock 2026-13-01",
    "sandbox --port 99999",
    "sandbox --scenario folder",
    "demo --arrival x",
    "demo --shipments 0",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_input_is_told_in_words(command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 1 or 2, something is said on standard error, and no name of a class of Python is in it."""
    assert main(command.split()) in (1, 2)
    out, err = capsys.readouterr()
    told = out + err
    assert len(told.split()) > 5
    assert not PYTHON.search(told), PYTHON.search(told)


def test_a_server_that_is_not_there_is_told_as_that(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Connection refused, a name that is unknown, and a database that does not run: each its own words."""
    for command, words in (
        (f"submit trip.json good.json --key k --retry 0 --url {NOBODY}", "connection refused"),
        ("submit trip.json good.json --key k --retry 0 --url http://nowhere.invalid", "no machine of that name"),
        ("db upgrade --config lost.toml", "connection refused"),
        ("serve --config lost.toml --port 0", "store_not_usable"),
    ):
        assert main(command.split()) == 1
        assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "no machine of that name is known"),
        (TimeoutError(), "no answer came in time"),
        (aiohttp.ServerDisconnectedError(), "the other side closed the connection"),
        (aiohttp.ClientPayloadError(), "the answer broke off"),
        (ConnectionResetError(), "the other side closed the connection"),
        (RuntimeError("secret"), "the connection failed"),
    ],
)
def test_causes_in_plain_words(error: BaseException, words: str) -> None:
    """What a library calls a failure is not what a person is told."""
    assert cause(error) == words


def test_bytes_that_are_no_text_are_told_as_that() -> None:
    """The parser's words about surrogates help nobody."""
    assert not_json("str is not valid UTF-8: surrogates not allowed", 1, 1) == "it is no text in UTF-8"
    assert not_json("unexpected end of data", 2, 3) == "unexpected end of data (line 2, column 3)"
