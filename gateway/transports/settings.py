"""What has been agreed with a partner, as settings?

Plain values as they come from a configuration file; :func:`load_partner` turns them into a
:class:`schemas.as2.Partner` with the certificate read and compared with the pinned fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.transports.keys import read_certificate
from schemas.as2 import MdnKind, Partner, fingerprint, write_as2_name
from schemas.as2.algorithms import CIPHER_OIDS, DIGEST_OIDS
from schemas.errors import FormatError, Problem


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to wait for the receipt without a byte coming, and for the whole exchange."""

    connect: float = 10.0
    receipt: float = 60.0
    total: float = 180.0


@dataclass(frozen=True, slots=True)
class PartnerSettings:
    """One partner. ``name`` is ours for it; ``as2_from`` is our AS2 name towards it, ``as2_to`` its own.

    ``certificate`` is a PEM or DER file; ``fingerprint`` (SHA-256 in hex, colons allowed) pins it when given.
    ``encryption_certificate`` and ``earlier_certificates`` are optional further files (see :class:`Partner`).
    ``receipt_url`` is where the partner is asked to post its receipts ("": they come in its answers).
    Raises FormatError ``partner-settings`` with every value that does not fit.
    """

    name: str
    as2_from: str
    as2_to: str
    url: str
    certificate: Path
    fingerprint: str = ""
    encryption_certificate: Path | None = None
    earlier_certificates: tuple[Path, ...] = ()
    sign: bool = True
    encrypt: bool = True
    compress: bool = False
    mdn: MdnKind = "signed"
    receipt_url: str = ""
    digest: str = "sha-256"
    cipher: str = "aes-256-cbc"
    require_signature: bool = True
    require_encryption: bool = True
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        problems = [
            Problem("partner-settings", f"partners.{self.name}.{path}", text)
            for path, text, wrong in (
                ("name", "A partner needs a name.", not self.name),
                ("url", "The address is not an http or https URL.", not _is_web_address(self.url)),
                ("mdn", "The receipt is signed, unsigned or none.", self.mdn not in ("signed", "unsigned", "none")),
                (
                    "receipt_url",
                    "Receipts are posted to an http or https URL, if receipts are agreed at all.",
                    bool(self.receipt_url) and (self.mdn == "none" or not _is_web_address(self.receipt_url)),
                ),
                ("digest", f"The digest is one of {', '.join(DIGEST_OIDS)}.", self.digest not in DIGEST_OIDS),
                ("cipher", f"The cipher is one of {', '.join(CIPHER_OIDS)}.", self.cipher not in CIPHER_OIDS),
                (
                    "timeouts",
                    "Timeouts are more than 0 seconds.",
                    min(self.timeouts.connect, self.timeouts.receipt, self.timeouts.total) <= 0,
                ),
            )
            if wrong
        ]
        for path, value in (("as2_from", self.as2_from), ("as2_to", self.as2_to)):
            try:
                write_as2_name(value)
            except FormatError as error:
                problems.append(Problem("partner-settings", f"partners.{self.name}.{path}", error.problems[0].text))
        if problems:
            raise FormatError(problems)


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def load_partner(settings: PartnerSettings) -> Partner:
    """The partner with its certificates. Raises FormatError when a file cannot be read or has another fingerprint."""
    certificate = read_certificate(settings.certificate)
    pinned = settings.fingerprint.replace(":", "").lower()
    if pinned and pinned != fingerprint(certificate):
        raise FormatError(
            Problem(
                "partner-fingerprint",
                f"partners.{settings.name}.fingerprint",
                f"The certificate has the fingerprint {fingerprint(certificate)}, not the one that was pinned.",
                "Ask the partner, by another way, which certificate is theirs.",
            )
        )
    encryption = settings.encryption_certificate
    return Partner(
        as2_name=settings.as2_to,
        certificate=certificate,
        encryption_certificate=read_certificate(encryption) if encryption else None,
        earlier_certificates=tuple(read_certificate(path) for path in settings.earlier_certificates),
        sign=settings.sign,
        encrypt=settings.encrypt,
        compress=settings.compress,
        mdn=settings.mdn,
        receipt_url=settings.receipt_url,
        address=settings.url,
        digest=settings.digest,
        cipher=settings.cipher,
        require_signature=settings.require_signature,
        require_encryption=settings.require_encryption,
    )
