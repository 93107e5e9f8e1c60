"""Who speaks, and whom do we trust? Our own identity, a partner's, and self-signed certificates.

An :class:`Identity` holds private keys: they never appear in its representation, and saving them is not done here. A
:class:`Partner` is trusted by the very certificates it holds: no chain is followed, so whoever sets one up compares the
fingerprint by another way (telephone, signed letter).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from schemas.as2 import dispositions
from schemas.as2.dispositions import MdnKind, fault
from schemas.as2.enveloped_data import KeyPair
from schemas.as2.headers import write_as2_name

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyType = Literal["rsa-2048", "rsa-3072", "p-256"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Our AS2 name with the key that signs. ``decryption_keys`` are further pairs that messages to us may be encrypted
    to: an RSA pair beside a P-256 signing key, or the previous pair while partners change over."""

    as2_name: str
    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False)
    decryption_keys: tuple[KeyPair, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        write_as2_name(self.as2_name)
        for certificate, private_key in self.key_pairs:
            if _public_bytes(certificate.public_key()) != _public_bytes(private_key.public_key()):
                raise fault(
                    dispositions.CANNOT_BUILD, "identity", "A certificate and its private key do not belong together."
                )

    @property
    def key_pairs(self) -> tuple[KeyPair, ...]:
        """Every pair a message to us may be encrypted to."""
        return ((self.certificate, self.private_key), *self.decryption_keys)


@dataclass(frozen=True, slots=True)
class Partner:
    """Another AS2 name: its pinned certificates, how we write to it, and what we require of what it sends.

    ``earlier_certificates`` also verify signatures while the partner changes over; encryption uses
    ``encryption_certificate``, or ``certificate`` when that is None. ``require_*`` hold for messages, not receipts.
    ``receipt_url`` is where it is asked to post its receipts to us ("": in its answer); ``address`` is where it takes
    messages, and with that the only place where it may have our receipts posted ("": in our answer only).
    """

    as2_name: str
    certificate: x509.Certificate
    encryption_certificate: x509.Certificate | None = None
    earlier_certificates: tuple[x509.Certificate, ...] = ()
    sign: bool = True
    encrypt: bool = True
    compress: bool = False
    mdn: MdnKind = "signed"
    digest: str = "sha-256"
    cipher: str = "aes-256-cbc"
    require_signature: bool = True
    require_encryption: bool = True
    receipt_url: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        write_as2_name(self.as2_name)

    @property
    def pinned(self) -> tuple[x509.Certificate, ...]:
        """The certificates whose signatures count as this partner's."""
        return (self.certificate, *self.earlier_certificates)


def _public_bytes(key: object) -> bytes:
    if isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in lower-case hex, for people to compare."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def new_private_key(key_type: KeyType = "rsa-2048") -> PrivateKey:
    """A fresh private key (random)."""
    if key_type == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=3072 if key_type == "rsa-3072" else 2048)


def self_signed_certificate(
    private_key: PrivateKey, *, common_name: str, not_before: datetime, not_after: datetime
) -> x509.Certificate:
    """A self-signed certificate for AS2 with a random serial number, valid from and to the second given."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    is_rsa = isinstance(private_key, rsa.RSAPrivateKey)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=is_rsa,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False)
        .sign(private_key, hashes.SHA256())
    )


def make_identity(
    as2_name: str, *, not_before: datetime, not_after: datetime, key_type: KeyType = "rsa-2048", common_name: str = ""
) -> Identity:
    """A fresh identity with a self-signed certificate (random key and serial number; the times are yours)."""
    private_key = new_private_key(key_type)
    certificate = self_signed_certificate(
        private_key, common_name=(common_name or as2_name)[:64], not_before=not_before, not_after=not_after
    )
    return Identity(as2_name, certificate, private_key)
