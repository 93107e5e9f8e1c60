"""How is content signed, and who signed it? CMS SignedData (RFC 5652 section 5), detached.

Rules:

* the instant of signing is an argument, so RSA signatures of the same content at the same instant are the same bytes;
* trust is a pinned certificate: the signer must be one of the certificates given and that certificate must be valid at
  the instant given. Certificates inside the message are never used;
* exactly one signer; digest, signature algorithm and key must be on the allow list and agree with each other;
* signed attributes, when present, must name the content type and its digest once each. When they are absent, content
  that itself looks like a set of signed attributes is refused, for a signature over attributes could be passed off as
  one over such content;
* content that a sender encloses although the signature is detached must be the very same content;
* what comes in may be BER (:mod:`schemas.as2.ber`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from schemas.as2 import algorithms, ber, der, dispositions
from schemas.as2.content_info import unwrap, wrap
from schemas.as2.dispositions import fault

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_PATH = "signature"


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds: whose, by which digest, when (the signer's claim), and its own SHA-256 in hex."""

    certificate: x509.Certificate
    digest: str
    signed_at: datetime | None
    signature_digest: str


@dataclass(frozen=True, slots=True)
class _Signer:
    identifier: der.Value
    digest: str
    attributes: der.Value | None
    signature_oid: str
    signature: bytes


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber with the issuer's name exactly as the certificate carries it."""
    fields = der.read(certificate.tbs_certificate_bytes).children()
    offset = 1 if fields[0].tag == der.EXPLICIT_0 else 0
    return der.sequence(fields[offset + 2].raw, fields[offset].raw)


def key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The subject key identifier, if the certificate has one."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None


def sign(
    content: bytes,
    *,
    certificate: x509.Certificate,
    private_key: PrivateKey,
    signed_at: datetime,
    digest: str = "sha-256",
    detached: bool = True,
) -> bytes:
    """SignedData over ``content`` in DER, with the signer's certificate. FormatError when the key is not allowed."""
    kind = algorithms.check_public_key(certificate, "identity.certificate")
    if digest not in algorithms.DIGEST_OIDS:
        raise fault(dispositions.CANNOT_BUILD, "digest", f"The digest {digest!r} is not on the allow list.")
    attributes = [
        _attribute(algorithms.ATTRIBUTE_CONTENT_TYPE, der.oid(algorithms.ID_DATA)),
        _attribute(algorithms.ATTRIBUTE_SIGNING_TIME, der.instant(signed_at)),
        _attribute(algorithms.ATTRIBUTE_MESSAGE_DIGEST, der.octet_string(algorithms.digest_bytes(digest, content))),
    ]
    signed = der.set_of(attributes)
    hashing = algorithms.hash_algorithm(digest)
    if isinstance(private_key, rsa.RSAPrivateKey):
        signature_algorithm = der.sequence(der.oid(algorithms.RSA_ENCRYPTION), der.null())
        signature = private_key.sign(signed, padding.PKCS1v15(), hashing)
    else:
        signature_algorithm = der.sequence(der.oid(algorithms.ECDSA_OIDS[digest]))
        signature = private_key.sign(signed, ec.ECDSA(hashing))
    if kind != ("rsa" if isinstance(private_key, rsa.RSAPrivateKey) else "ec"):
        raise fault(dispositions.CANNOT_BUILD, "identity", "Certificate and private key are of different kinds.")
    digest_algorithm = der.sequence(der.oid(algorithms.DIGEST_OIDS[digest]))
    signer = der.sequence(
        der.integer(1),
        issuer_and_serial(certificate),
        digest_algorithm,
        bytes((der.EXPLICIT_0,)) + signed[1:],
        signature_algorithm,
        der.octet_string(signature),
    )
    enclosed = () if detached else (der.write(der.EXPLICIT_0, der.octet_string(content)),)
    return wrap(
        algorithms.ID_SIGNED_DATA,
        der.sequence(
            der.integer(1),
            der.set_of([digest_algorithm]),
            der.sequence(der.oid(algorithms.ID_DATA), *enclosed),
            der.write(der.EXPLICIT_0, certificate.public_bytes(Encoding.DER)),
            der.set_of([signer]),
        ),
    )


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of([value]))


def verify(signature: bytes, content: bytes, *, pinned: Sequence[x509.Certificate], verified_at: datetime) -> Verified:
    """Check a detached signature over exactly ``content`` against the pinned certificates.

    Raises FormatError: ``as2-integrity-check-failed`` (content or structure does not hold),
    ``as2-authentication-failed`` (another signer, a certificate not valid then, a signature value that is not the
    signer's) or ``as2-insufficient-message-security`` (an algorithm or key that is not allowed).
    """
    try:
        return _verify(signature, content, pinned, verified_at)
    except (der.DerError, IndexError) as error:
        raise fault(
            dispositions.INTEGRITY_CHECK_FAILED, _PATH, f"The signature is not a readable CMS SignedData: {error}."
        ) from error


def _verify(data: bytes, content: bytes, pinned: Sequence[x509.Certificate], verified_at: datetime) -> Verified:
    kind, signed_data = unwrap(ber.normalise(data))
    if kind != algorithms.ID_SIGNED_DATA:
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, _PATH, "The signature is another kind of CMS value.")
    parts = signed_data.expect(der.SEQUENCE).children()
    enclosed = parts[2].expect(der.SEQUENCE).children()
    if enclosed[0].oid() != algorithms.ID_DATA:
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, _PATH, "The signature is not one over plain data.")
    if len(enclosed) > 1 and enclosed[1].expect(der.EXPLICIT_0).children()[0].octets() != content:
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, _PATH, "The signature encloses another content.")
    signers = parts[-1].expect(der.SET).children()
    if len(signers) != 1:
        raise fault(dispositions.AUTHENTICATION_FAILED, _PATH, f"One signer is expected, not {len(signers)}.")
    signer = _read_signer(signers[0])
    certificate = _pinned_signer(signer.identifier, pinned, verified_at)
    signed_at: datetime | None = None
    if signer.attributes is not None:
        signed_at = _check_attributes(signer.attributes, signer.digest, content)
        signed = bytes((der.SET,)) + signer.attributes.raw[1:]
        code = dispositions.AUTHENTICATION_FAILED  # the content holds: it is the signer's value that does not
    else:
        if content[:1] == bytes((der.SET,)):
            raise fault(dispositions.INTEGRITY_CHECK_FAILED, _PATH, "The content looks like signed attributes.")
        signed = content
        code = dispositions.INTEGRITY_CHECK_FAILED
    _check_value(certificate, signer, signed, code)
    return Verified(certificate, signer.digest, signed_at, hashlib.sha256(signer.signature).hexdigest())


def _read_signer(value: der.Value) -> _Signer:
    parts = value.expect(der.SEQUENCE).children()
    attributes = parts[3] if parts[3].tag == der.EXPLICIT_0 else None
    rest = parts[4:] if attributes is not None else parts[3:]
    digest_oid = parts[2].expect(der.SEQUENCE).children()[0].oid()
    digest = algorithms.DIGESTS.get(digest_oid)
    if digest is None:
        raise _not_allowed(digest_oid)
    return _Signer(parts[1], digest, attributes, rest[0].expect(der.SEQUENCE).children()[0].oid(), rest[1].octets())


def _not_allowed(oid: str) -> Exception:
    text = f"The signature uses {algorithms.shown(oid)}, which is not on the allow list."
    return fault(dispositions.INSUFFICIENT_SECURITY, _PATH, text, "Sign with SHA-256 and RSA or ECDSA P-256.")


def _pinned_signer(
    identifier: der.Value, pinned: Iterable[x509.Certificate], verified_at: datetime
) -> x509.Certificate:
    for certificate in pinned:
        if identifier.tag == der.SEQUENCE:
            matches = identifier.raw == issuer_and_serial(certificate)
        else:
            matches = identifier.expect(der.IMPLICIT_0).content == key_identifier(certificate)
        if not matches:
            continue
        if not certificate.not_valid_before_utc <= verified_at <= certificate.not_valid_after_utc:
            raise fault(
                dispositions.AUTHENTICATION_FAILED, _PATH, "The signer's certificate is not valid at this time."
            )
        return certificate
    raise fault(
        dispositions.AUTHENTICATION_FAILED,
        _PATH,
        "The signer is not the partner whose certificate is known here.",
        "Exchange certificates with the partner and compare their fingerprints by another way.",
    )


def _check_attributes(attributes: der.Value, digest: str, content: bytes) -> datetime | None:
    found: dict[str, list[der.Value]] = {}
    for attribute in attributes.children():
        oid, values = attribute.expect(der.SEQUENCE).first(2)
        if oid.oid() in found:
            raise der.DerError("a signed attribute stands twice")
        found[oid.oid()] = values.expect(der.SET).children()
    content_type = found.get(algorithms.ATTRIBUTE_CONTENT_TYPE, [])
    message_digest = found.get(algorithms.ATTRIBUTE_MESSAGE_DIGEST, [])
    if len(content_type) != 1 or content_type[0].oid() != algorithms.ID_DATA or len(message_digest) != 1:
        raise der.DerError("the signed attributes do not name the content type and its digest")
    if not hmac.compare_digest(message_digest[0].octets(), algorithms.digest_bytes(digest, content)):
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, _PATH, "The content is not what was signed.")
    times = found.get(algorithms.ATTRIBUTE_SIGNING_TIME, [])
    return times[0].instant() if times else None


def _check_value(certificate: x509.Certificate, signer: _Signer, signed: bytes, code: str) -> None:
    allowed = algorithms.SIGNATURES.get(signer.signature_oid)
    if allowed is None:
        raise _not_allowed(signer.signature_oid)
    kind, fixed_digest = allowed
    if algorithms.check_public_key(certificate, _PATH) != kind or fixed_digest not in ("", signer.digest):
        raise fault(dispositions.AUTHENTICATION_FAILED, _PATH, "Signature algorithm, digest and key do not fit.")
    key = certificate.public_key()
    hashing = algorithms.hash_algorithm(signer.digest)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signed, padding.PKCS1v15(), hashing)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signer.signature, signed, ec.ECDSA(hashing))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise fault(code, _PATH, "The signature does not hold under the partner's certificate.") from error
