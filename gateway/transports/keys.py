"""Where do keys and certificates lie on disk?

Rules: a private key is written once, into a new file that only its owner may read (mode 0600) and never over another;
one that others may read is not used. No error text and no log line holds a key, only its path.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from schemas.as2 import Identity
from schemas.as2.identity import PrivateKey
from schemas.errors import FormatError, Problem

_READABLE_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP  # a group may read: secret mounts work that way


def _error(code: str, path: Path, text: str, remedy: str = "") -> FormatError:
    return FormatError(Problem(code, str(path), text, remedy))


def write_private_key(path: Path, key: PrivateKey, passphrase: bytes | None = None) -> None:
    """Write a key as PKCS #8 PEM into a new file of mode 0600. FormatError ``key-file-exists`` when there is one."""
    encryption: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    write_new_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def write_new_secret(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600, flushed to the disk. FormatError ``key-file-exists`` when there is one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise _error("key-file-exists", path, "A key is never written over another.", "Choose another name.") from error
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_private_key(path: Path, passphrase: bytes | None = None) -> PrivateKey:
    """Read a PEM key (RSA or EC). FormatError ``key-file-mode`` when others may read the file, or ``key-file``."""
    text = read_secret(path)
    try:
        key = load_pem_private_key(text, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _error("key-file", path, "The file holds no private key that this passphrase opens.") from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise _error("key-file", path, "The key is neither RSA nor EC.")
    return key


def read_secret(path: Path) -> bytes:
    """The content of a key file. FormatError ``key-file-mode`` when others may read it, else ``key-file``."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1 << 20)
    except OSError as error:
        raise _error("key-file", path, f"The key file cannot be read: {error.strerror}.") from error
    if mode & _READABLE_BY_OTHERS:
        raise _error("key-file-mode", path, "Others may read or change this key file.", f"Run: chmod 600 {path}")
    return content


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate as PEM, over what was there."""
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


def read_certificate(path: Path) -> x509.Certificate:
    """Read one certificate, PEM or DER. FormatError ``certificate-file`` when there is none."""
    try:
        content = path.read_bytes()
        if b"-----BEGIN CERTIFICATE-----" in content:
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise _error("certificate-file", path, "The file holds no certificate that can be read.") from error


def save_identity(identity: Identity, folder: Path, name: str, passphrase: bytes | None = None) -> tuple[Path, Path]:
    """Write ``name.key`` (0600) and ``name.crt`` into ``folder``; their paths."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_path, certificate_path = folder / f"{name}.key", folder / f"{name}.crt"
    write_private_key(key_path, identity.private_key, passphrase)
    write_certificate(certificate_path, identity.certificate)
    return key_path, certificate_path


def load_identity(as2_name: str, key_path: Path, certificate_path: Path, passphrase: bytes | None = None) -> Identity:
    """Our identity from its two files. FormatError when they cannot be used or do not belong together."""
    return Identity(as2_name, read_certificate(certificate_path), read_private_key(key_path, passphrase))
