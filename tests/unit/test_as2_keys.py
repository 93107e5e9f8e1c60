"""Keys lie on disk for their owner alone, and a partner's settings are checked before they are used."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.transports import PartnerSettings, Timeouts
from gateway.transports.keys import (
    load_identity,
    read_certificate,
    read_private_key,
    save_identity,
    write_certificate,
    write_private_key,
)
from gateway.transports.settings import load_partner
from schemas.as2 import fingerprint
from schemas.as2.identity import KeyType
from schemas.errors import FormatError
from tests.as2_kit import alpha, beta, code_of, identity


@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_an_identity_comes_back_from_its_files(tmp_path: Path, key_type: KeyType, passphrase: bytes | None) -> None:
    """Key and certificate round-trip, with and without a passphrase, RSA and EC."""
    saved = identity("SIGNER", key_type)
    key, certificate = save_identity(saved, tmp_path / "keys", "signer", passphrase)
    loaded = load_identity("SIGNER", key, certificate, passphrase)

    assert loaded.certificate == saved.certificate
    assert loaded.private_key.public_key() == saved.private_key.public_key()
    assert (b"ENCRYPTED" in key.read_bytes()) is (passphrase is not None)


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Written with mode 0600, never over another; refused when others may read it."""
    path = tmp_path / "a.key"
    write_private_key(path, alpha().private_key)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert code_of(lambda: write_private_key(path, alpha().private_key)) == "key-file-exists"
    for mode, code in ((0o644, "key-file-mode"), (0o660, "key-file-mode"), (0o602, "key-file-mode")):
        path.chmod(mode)
        assert code_of(lambda: read_private_key(path)) == code
    path.chmod(0o640)
    assert read_private_key(path).public_key() == alpha().private_key.public_key()


def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    """Missing, damaged, wrongly opened and foreign keys are refused; the text names the path only."""
    locked, foreign, damaged = (tmp_path / name for name in ("locked.key", "foreign.key", "damaged.key"))
    write_private_key(locked, identity("SIGNER", "p-256").private_key, b"right")
    text = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for path, content in ((foreign, text), (damaged, b"-----BEGIN PRIVATE KEY-----\nSECRET\n")):
        path.write_bytes(content)
        path.chmod(0o600)

    for path, passphrase in (
        (locked, None),
        (locked, b"wrong"),
        (foreign, None),
        (damaged, None),
        (tmp_path / "missing", None),
    ):
        with pytest.raises(FormatError) as caught:
            read_private_key(path, passphrase)
        assert caught.value.problems[0].code == "key-file"
        assert caught.value.problems[0].path == str(path)
        assert "SECRET" not in str(caught.value)
        assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)


def test_certificates_are_read_in_both_forms(tmp_path: Path) -> None:
    """PEM and DER give the same certificate; anything else is refused."""
    pem, der, none = tmp_path / "a.pem", tmp_path / "a.der", tmp_path / "a.txt"
    write_certificate(pem, alpha().certificate)
    der.write_bytes(alpha().certificate.public_bytes(Encoding.DER))
    none.write_bytes(b"no certificate")

    assert read_certificate(pem) == read_certificate(der) == alpha().certificate
    for path in (none, tmp_path / "missing"):
        assert code_of(lambda p=path: read_certificate(p)) == "certificate-file"  # type: ignore[misc]


def settings(folder: Path) -> PartnerSettings:
    path = folder / "beta.crt"
    write_certificate(path, beta().certificate)
    return PartnerSettings(
        name="bureau", as2_from="ALPHA", as2_to="BETA CO", url="https://as2.example/in", certificate=path
    )


def test_a_partner_is_loaded_with_its_pin(tmp_path: Path) -> None:
    """The fingerprint may be written with colons and capitals; another certificate in its place is refused."""
    print_of_beta = fingerprint(beta().certificate)
    colons = ":".join(print_of_beta[i : i + 2] for i in range(0, 64, 2)).upper()
    agreed = replace(settings(tmp_path), fingerprint=colons, compress=True, digest="sha-512", mdn="unsigned")
    loaded = load_partner(agreed)

    assert (loaded.as2_name, loaded.certificate) == ("BETA CO", beta().certificate)
    assert (loaded.compress, loaded.digest, loaded.mdn, loaded.encryption_certificate) == (
        True,
        "sha-512",
        "unsigned",
        None,
    )
    write_certificate(agreed.certificate, alpha().certificate)
    assert code_of(lambda: load_partner(agreed)) == "partner-fingerprint"


def test_a_partner_may_have_further_certificates(tmp_path: Path) -> None:
    """One for encryption, and the one that it used before."""
    first = settings(tmp_path)
    other = tmp_path / "alpha.crt"
    write_certificate(other, alpha().certificate)
    loaded = load_partner(replace(first, encryption_certificate=other, earlier_certificates=(other,)))

    assert loaded.encryption_certificate == alpha().certificate
    assert loaded.pinned == (beta().certificate, alpha().certificate)


def test_every_setting_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    """One FormatError with a problem per value."""
    with pytest.raises(FormatError) as caught:
        replace(
            settings(tmp_path),
            as2_from="",
            as2_to="x\n",
            url="ftp://x",
            mdn="maybe",  # type: ignore[arg-type]
            receipt_url="mailto:x",
            digest="sha-1",
            cipher="rc4",
            timeouts=Timeouts(connect=0),
        )

    assert {p.path.rsplit(".", 1)[1] for p in caught.value.problems} == {
        "as2_from",
        "as2_to",
        "url",
        "mdn",
        "receipt_url",
        "digest",
        "cipher",
        "timeouts",
    }
    assert {p.code for p in caught.value.problems} == {"partner-settings"}


def test_no_receipt_can_be_posted_where_none_is_agreed(tmp_path: Path) -> None:
    """Where no receipts are agreed an address for them is a mistake; where they are it reaches the partner."""
    posted = replace(settings(tmp_path), receipt_url="https://gw.example/as2")
    assert (load_partner(posted).receipt_url, load_partner(posted).address) == (posted.receipt_url, posted.url)
    with pytest.raises(FormatError, match="partner-settings"):
        replace(posted, mdn="none")
