"""Which key is ours on an SFTP server, and by which key do we know the server?

Rules: our key is made once (Ed25519), written with mode 0600 and never over another; one that others may read is not
used. A server is known by keys that a person has laid down before: fingerprints, lines of ``known_hosts`` or public
keys. Nothing is learnt from the server itself. A line with host names counts only for those hosts; a certificate
authority is not followed, a revoked key is refused.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh

from gateway.transports.keys import read_secret, write_new_secret
from schemas.errors import FormatError, Problem

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_KEY_TYPE: Final = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+")
_MOST_BYTES: Final = 1 << 20
COMMENT: Final = "customs-filing-gateway"
SSH_PORT: Final = 22


@dataclass(frozen=True, slots=True)
class HostPins:
    """The keys a server may show: whole ``keys``, or ``fingerprints`` alone; ``revoked`` ones are never good."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    fingerprints: frozenset[str] = frozenset()
    revoked: tuple[asyncssh.SSHKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.fingerprints)

    def holds(self, key: asyncssh.SSHKey) -> bool:
        """Whether this is a key we know the server by."""
        return key not in self.revoked and (key in self.keys or key.get_fingerprint("sha256") in self.fingerprints)

    def shown(self) -> str:
        """The fingerprints, for a person."""
        return ", ".join(sorted({key.get_fingerprint("sha256") for key in self.keys} | self.fingerprints))


def read_pins(text: str, host: str, port: int) -> HostPins:
    """Read fingerprints, public keys and lines of ``known_hosts``. Raises FormatError ``sftp-host-key-unreadable``.

    ``host`` and ``port`` choose among lines that name hosts; with ``host`` empty every line is only checked.
    """
    keys: list[asyncssh.SSHKey] = []
    fingerprints: set[str] = set()
    named: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if all(_FINGERPRINT.fullmatch(word.rstrip(",")) for word in words):
            fingerprints |= {word.rstrip(",=") for word in words}
        elif _KEY_TYPE.fullmatch(words[0]):
            keys.append(_public_key(" ".join(words[:2]), number))
        else:
            start = 2 if words[0].startswith("@") else 1
            _public_key(" ".join(words[start : start + 2]), number)
            named.append(line)
    if not named or not host:
        return HostPins(tuple(keys), frozenset(fingerprints))
    try:
        known = asyncssh.import_known_hosts("\n".join(named) + "\n")
        found = asyncssh.match_known_hosts(known, host, _address(host), port if port != SSH_PORT else None)
    except (ValueError, asyncssh.KeyImportError) as error:
        raise _unreadable("The lines of known_hosts cannot be read.") from error
    return HostPins((*keys, *found[0]), frozenset(fingerprints), tuple(found[2]))


def _address(host: str) -> str:
    """The host, if it is written as an address."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _public_key(text: str, number: int) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(text)
    except (ValueError, asyncssh.KeyImportError) as error:
        raise _unreadable(f"Line {number} is neither a fingerprint nor a host key.") from error


def _unreadable(text: str) -> FormatError:
    remedy = "Write SHA256:… or a line of known_hosts; `gateway keys host` shows what the server offers."
    return FormatError(Problem("sftp-host-key-unreadable", "host_key", text, remedy))


def read_pins_file(path: Path, host: str, port: int) -> HostPins:
    """The pins in a file; none while there is no file. Raises FormatError when it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return HostPins()
    except OSError as error:
        raise FormatError(
            Problem("sftp-host-key-unreadable", str(path), f"The file cannot be read: {error.strerror}.")
        ) from error
    return read_pins(content.decode("utf-8", "replace"), host, port)


def make_client_key(path: Path, passphrase: str | None = None) -> asyncssh.SSHKey:
    """Make our key in a new file of mode 0600. FormatError ``key-file-exists`` when there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519", comment=COMMENT)
    # A password needs a format that can be made without the bcrypt of OpenSSH's own.
    write_new_secret(path, key.export_private_key("pkcs8-pem" if passphrase else "openssh", passphrase))
    return key


def read_client_key(path: Path, passphrase: str | None = None) -> asyncssh.SSHKey:
    """Our key. FormatError ``key-file-mode`` when others may read the file, ``key-file`` when it is none."""
    content = read_secret(path)
    try:
        return asyncssh.import_private_key(content, passphrase)
    except (ValueError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        text = "The file holds no private key that this password opens, or it is encrypted in OpenSSH's own format."
        raise FormatError(Problem("key-file", str(path), text, f"Try: ssh-keygen -p -m PKCS8 -f {path}")) from None


def public_line(key: asyncssh.SSHKey) -> str:
    """The public half as one line, as servers want it."""
    kind, data, *_ = key.export_public_key("openssh").decode("ascii").split()
    return f"{kind} {data} {COMMENT}"
