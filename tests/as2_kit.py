"""Identities, partners and an OpenSSL runner for the AS2 and CMS tests; everything here is fictional."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from schemas.as2 import As2Message, Identity, Partner, build_message, make_identity
from schemas.as2.identity import KeyType
from schemas.errors import FormatError

NOW = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
PAYLOAD = b"ISA*00*          *00*          *02*SFIC           *ZZ*USCBP          ~\r\nGS*FM*\x00\xff~\n" * 40


@cache
def identity(name: str, key_type: KeyType = "rsa-2048") -> Identity:
    """One identity per name and key type for the whole run: making RSA keys is slow."""
    return make_identity(
        name, not_before=NOW - timedelta(days=30), not_after=NOW + timedelta(days=335), key_type=key_type
    )


def alpha() -> Identity:
    """The sender."""
    return identity("ALPHA")


def beta() -> Identity:
    """The receiver; its name needs quoting."""
    return identity("BETA CO")


def mallory() -> Identity:
    """Somebody who calls themselves ALPHA and has another key."""
    return make_cached_impostor("ALPHA")


@cache
def make_cached_impostor(name: str) -> Identity:
    """Another key under a name that is taken."""
    return make_identity(name, not_before=NOW - timedelta(days=30), not_after=NOW + timedelta(days=335))


def partner(of: Identity, **settings: object) -> Partner:
    """How another side knows ``of``."""
    return Partner(of.as2_name, of.certificate, **settings)  # type: ignore[arg-type]


def message(payload: bytes = PAYLOAD, **changes: object) -> As2Message:
    """A message from ALPHA to BETA CO, signed and encrypted unless changed."""
    arguments: dict[str, object] = {
        "content_type": "application/EDI-X12",
        "filename": "SFIC2503100001.x12",
        "sender": alpha(),
        "receiver": partner(beta()),
        "message_id": "<m-1@alpha.example>",
        "date": NOW,
    }
    return build_message(payload, **(arguments | changes))  # type: ignore[arg-type]


def code_of(act: Callable[[], object]) -> str:
    """The first problem code of the FormatError that ``act`` ends in; any other end fails the test."""
    with pytest.raises(FormatError) as caught:
        act()
    return caught.value.problems[0].code


def outcome(act: Callable[[], object]) -> str:
    """The first problem code of the FormatError that ``act`` ends in, or "" when it ends well."""
    try:
        act()
    except FormatError as error:
        return error.problems[0].code
    return ""


def openssl(*arguments: str | Path, content: bytes = b"") -> bytes:
    """Run the OpenSSL command; a non-zero exit fails the test with what it said."""
    done = subprocess.run(
        ["/usr/bin/openssl", *map(str, arguments)], input=content, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def key_files(of: Identity, folder: Path) -> tuple[Path, Path]:
    """Certificate and private key of an identity as PEM files for OpenSSL."""
    stem = of.as2_name.replace(" ", "_")
    certificate, key = folder / f"{stem}.crt", folder / f"{stem}.key"
    certificate.write_bytes(of.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(of.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key
