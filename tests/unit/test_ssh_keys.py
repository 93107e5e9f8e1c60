"""By which keys is a server known, and how is our own key kept?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.cli import main
from gateway.transports.ssh_keys import make_client_key, public_line, read_client_key, read_pins, read_pins_file
from schemas.errors import FormatError

KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
LINE, OTHER_LINE = public_line(KEY), public_line(OTHER)
FINGERPRINT = KEY.get_fingerprint("sha256")


def _numbered(_: str) -> str:
    """Names of cases that do not hang on the keys of this run: several processes must collect the same."""
    return "text"


@pytest.mark.parametrize(
    "text",
    [
        FINGERPRINT,
        f"{FINGERPRINT}=",
        f"{OTHER.get_fingerprint('sha256')}, {FINGERPRINT}",
        LINE,
        f"{LINE} a comment",
        f"# a remark\n\n{OTHER_LINE}\n{LINE}\n",
        f"sftp.example,192.0.2.7 {LINE}",
        f"*.example {LINE}",
    ],
    ids=_numbered,
)
def test_a_pin_holds_the_key_it_names(text: str) -> None:
    """Fingerprint, public key or line of known_hosts, alone or among others."""
    assert read_pins(text, "sftp.example", 22).holds(KEY.convert_to_public())


@pytest.mark.parametrize(
    "text",
    [
        "",
        OTHER_LINE,
        OTHER.get_fingerprint("sha256"),
        f"another.example {LINE}",
        f"[sftp.example]:2222 {LINE}",
        f"@cert-authority sftp.example {LINE}",
        f"@revoked sftp.example {LINE}\n{FINGERPRINT}",
    ],
    ids=_numbered,
)
def test_a_pin_of_something_else_does_not(text: str) -> None:
    """Another key, another host or port, an authority, a revoked key."""
    assert not read_pins(text, "sftp.example", 22).holds(KEY.convert_to_public())


def test_a_line_with_a_port_counts_for_that_port() -> None:
    """As known_hosts writes it."""
    assert read_pins(f"[sftp.example]:2222 {LINE}", "sftp.example", 2222).holds(KEY.convert_to_public())


@pytest.mark.parametrize(
    "text", ["SHA256:short", "MD5:aa:bb", "ssh-ed25519 AAAA", "sftp.example", LINE[:60], "\x00"], ids=_numbered
)
def test_what_is_no_pin_is_refused(text: str) -> None:
    """It is told with its line, and never read as no pin at all."""
    with pytest.raises(FormatError, match="sftp-host-key-unreadable"):
        read_pins(text, "sftp.example", 22)


def test_a_missing_file_of_pins_holds_none(tmp_path: Path) -> None:
    """Both sides may start in any order; what is there must be readable."""
    assert not read_pins_file(tmp_path / "none", "sftp.example", 22)
    (tmp_path / "pins").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError):
        read_pins_file(tmp_path / "pins", "sftp.example", 22)


def test_our_key_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    """Mode 0600, made once; one that others may read, or that a password closes, is not used."""
    path = tmp_path / "deep" / "key"
    made = make_client_key(path, "open sesame")
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_line(read_client_key(path, "open sesame")) == public_line(made)
    with pytest.raises(FormatError, match="key-file-exists"):
        make_client_key(path)
    for passphrase in (None, "wrong"):
        with pytest.raises(FormatError, match="key-file"):
            read_client_key(path, passphrase)
    path.chmod(0o644)
    with pytest.raises(FormatError, match="key-file-mode"):
        read_client_key(path, "open sesame")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit status and the one document of a command."""
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_command_shows_our_public_key_and_never_the_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Made at the first call, the same at the second; laid out for the partner."""
    monkeypatch.setenv("GATEWAY_STORAGE__DIRECTORY", str(tmp_path / "data"))
    monkeypatch.setenv("GATEWAY_EXCHANGE__DIRECTORY", str(tmp_path / "exchange"))
    status, first = run(capsys, "keys", "ssh")
    assert status == 0
    assert run(capsys, "keys", "ssh") == (0, first)
    assert (tmp_path / "exchange" / "gateway-sftp.pub").read_text() == first["public_key"] + "\n"
    assert main(["keys", "ssh"]) == 0
    assert first["fingerprint"] in (shown := capsys.readouterr().out)
    assert "PRIVATE" not in shown + json.dumps(first)
