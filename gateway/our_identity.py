"""By what does the partner know us? Our key and certificate, made once, on the first start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.first_start import one_at_a_time
from gateway.settings import Settings
from gateway.transports.keys import read_certificate, read_private_key, write_certificate, write_private_key
from schemas.as2 import Identity, make_identity
from schemas.errors import FormatError, Problem

CERTIFICATE_DAYS: Final = 3650


def our_identity(settings: Settings) -> Identity:
    """Our key and certificate; made on first start, the certificate laid out for the partner."""
    with one_at_a_time(settings.private_key.parent):
        return _identity(settings)


def _identity(settings: Settings) -> Identity:
    key_path, certificate_path = settings.private_key, settings.certificate
    certificate_path.parent.mkdir(parents=True, exist_ok=True)
    if not key_path.exists() and certificate_path.exists():
        raise FormatError(
            Problem(
                "private-key-file",
                str(key_path),
                f"There is a certificate ({certificate_path}) but no private key that belongs to it.",
                "Give this gateway the key of the one that made the certificate, or move the certificate away to have "
                "a new pair made.",
            )
        )
    if not key_path.exists():
        now = datetime.now(UTC)
        made = make_identity(
            settings.exchange.as2_name,
            not_before=now - timedelta(days=1),
            not_after=now + timedelta(days=CERTIFICATE_DAYS),
        )
        write_private_key(key_path, made.private_key, _password(settings))
        write_certificate(certificate_path, made.certificate)
        return made
    key = read_private_key(key_path, _password(settings))
    if not certificate_path.exists():
        raise FormatError(
            Problem(
                "certificate-file",
                str(certificate_path),
                f"There is a private key ({key_path}) but no certificate.",
                "Put the certificate back, or move the key away to have a new pair made.",
            )
        )
    return Identity(settings.exchange.as2_name, read_certificate(certificate_path), key)


def _password(settings: Settings) -> bytes | None:
    secret = settings.exchange.private_key_password
    return secret.get_secret_value().encode() if secret is not None else None
