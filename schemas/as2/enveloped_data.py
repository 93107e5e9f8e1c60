"""How is content kept from others? CMS EnvelopedData (RFC 5652 section 6) with AES-CBC and RSA key transport.

Rules:

* only AES-128-CBC and AES-256-CBC, only RSA (PKCS #1 v1.5) key transport; everything else is refused by name;
* a wrong key, a wrong padding and a cut ciphertext all end in the same FormatError with the same sentence: what a
  stranger can make us say must not depend on what was decrypted (CBC and PKCS #1 padding oracles). The library beneath
  answers a wrong PKCS #1 padding with a random key, for the same reason;
* encryption is random by nature: the bytes it makes once are what is stored and sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128, AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options

from schemas.as2 import algorithms, ber, der, dispositions
from schemas.as2.content_info import unwrap
from schemas.as2.dispositions import fault
from schemas.as2.signed_data import issuer_and_serial, key_identifier
from schemas.errors import FormatError

KeyPair = tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]

_PATH: Final = "envelope"
_BLOCK: Final = 16
_MAX_RECIPIENTS: Final = 32
_LIBRARY_CIPHERS: Final[dict[str, type[AES128 | AES256]]] = {"aes-128-cbc": AES128, "aes-256-cbc": AES256}


def encrypt(content: bytes, *, certificate: x509.Certificate, cipher: str = "aes-256-cbc") -> bytes:
    """EnvelopedData in DER for the holder of an RSA certificate. FormatError for any other certificate or cipher."""
    if cipher not in _LIBRARY_CIPHERS:
        raise fault(dispositions.CANNOT_BUILD, "cipher", f"The cipher {cipher!r} is not on the allow list.")
    if algorithms.check_public_key(certificate, "partner.certificate") != "rsa":
        raise fault(
            dispositions.CANNOT_BUILD,
            "partner.certificate",
            "Encryption needs an RSA certificate of the partner.",
            "Ask the partner for an RSA certificate for encryption; an EC one can stay for signatures.",
        )
    builder = PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
    builder = builder.set_content_encryption_algorithm(_LIBRARY_CIPHERS[cipher])
    return builder.encrypt(Encoding.DER, [PKCS7Options.Binary])


def decrypt(data: bytes, *, keys: Sequence[KeyPair]) -> bytes:
    """Content of an EnvelopedData (BER or DER) that was encrypted to one of ``keys``.

    Raises FormatError: ``as2-decryption-failed``, or ``as2-insufficient-message-security`` for an algorithm that is
    not allowed.
    """
    try:
        return _decrypt(data, keys)
    except (der.DerError, IndexError) as error:
        raise fault(
            dispositions.DECRYPTION_FAILED, _PATH, f"The message is not a readable CMS EnvelopedData: {error}."
        ) from error


def _decrypt(data: bytes, keys: Sequence[KeyPair]) -> bytes:
    kind, enveloped = unwrap(ber.normalise(data))
    if kind != algorithms.ID_ENVELOPED_DATA:
        raise fault(dispositions.DECRYPTION_FAILED, _PATH, "The message is another kind of CMS value.")
    parts = [part for part in enveloped.expect(der.SEQUENCE).children()[1:] if part.tag != der.EXPLICIT_0]
    recipients = parts[0].expect(der.SET).children()
    content = parts[1].expect(der.SEQUENCE).children()
    if content[0].oid() != algorithms.ID_DATA or len(recipients) > _MAX_RECIPIENTS:
        raise der.DerError("it does not hold plain data for a few recipients")
    cipher_oid, parameters = content[1].expect(der.SEQUENCE).first(2)
    cipher = algorithms.CIPHERS.get(cipher_oid.oid())
    if cipher is None:
        name = algorithms.shown(cipher_oid.oid())
        text = f"The message is encrypted with {name}, which is not on the allow list."
        raise fault(dispositions.INSUFFICIENT_SECURITY, _PATH, text, "Encrypt with AES-128-CBC or AES-256-CBC.")
    vector = parameters.octets()
    encrypted = ber.joined(content[2])
    if len(vector) != _BLOCK or not encrypted or len(encrypted) % _BLOCK:
        raise der.DerError("the encrypted content is cut short")
    private_key, wrapped = _for_us(recipients, keys)
    return _open(private_key, wrapped, cipher, vector, encrypted)


def _for_us(recipients: Sequence[der.Value], keys: Sequence[KeyPair]) -> tuple[rsa.RSAPrivateKey, bytes]:
    for recipient in recipients:
        if recipient.tag != der.SEQUENCE:
            continue  # key agreement, passwords and the like
        _, identifier, algorithm, wrapped = recipient.first(4)
        for certificate, private_key in keys:
            if identifier.tag == der.SEQUENCE:
                matches = identifier.raw == issuer_and_serial(certificate)
            else:
                matches = identifier.tag == der.IMPLICIT_0 and identifier.content == key_identifier(certificate)
            if not matches or not isinstance(private_key, rsa.RSAPrivateKey):
                continue
            oid = algorithm.expect(der.SEQUENCE).children()[0].oid()
            if oid != algorithms.RSA_ENCRYPTION:
                text = f"The content key is wrapped with {algorithms.shown(oid)}, which is not on the allow list."
                raise fault(dispositions.INSUFFICIENT_SECURITY, _PATH, text)
            return private_key, wrapped.octets()
    raise fault(
        dispositions.DECRYPTION_FAILED,
        _PATH,
        "The message is not encrypted to a certificate of ours.",
        "Send the partner the certificate that is in use now.",
    )


def _open(private_key: rsa.RSAPrivateKey, wrapped: bytes, cipher: str, vector: bytes, encrypted: bytes) -> bytes:
    try:
        key = private_key.decrypt(wrapped, padding.PKCS1v15())
        if len(key) != algorithms.CIPHER_KEY_BYTES[cipher]:
            raise _cannot_open()
        opener = Cipher(_LIBRARY_CIPHERS[cipher](key), CBC(vector)).decryptor()
        padded = opener.update(encrypted) + opener.finalize()
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise _cannot_open() from None  # which of the steps failed is nobody's business


def _cannot_open() -> FormatError:
    return fault(dispositions.DECRYPTION_FAILED, _PATH, "The message could not be decrypted.")
