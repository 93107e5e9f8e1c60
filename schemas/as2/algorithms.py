"""Which algorithms may be used, and how are they named on the wire?

An allow list: whatever is not named here is refused, SHA-1, MD5, 3DES and RC2 among it. Sources of the identifiers:
RFC 5754 (SHA-2, RSA, ECDSA with CMS), RFC 3565 (AES-CBC with CMS), RFC 3274 (compression).
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from schemas.as2 import dispositions
from schemas.as2.dispositions import fault

ID_DATA: Final = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
ID_ENVELOPED_DATA: Final = "1.2.840.113549.1.7.3"
ID_COMPRESSED_DATA: Final = "1.2.840.113549.1.9.16.1.9"

ATTRIBUTE_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
ATTRIBUTE_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
ATTRIBUTE_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"

RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
ZLIB: Final = "1.2.840.113549.1.9.16.3.8"

DIGEST_OIDS: Final = {
    "sha-256": "2.16.840.1.101.3.4.2.1",
    "sha-384": "2.16.840.1.101.3.4.2.2",
    "sha-512": "2.16.840.1.101.3.4.2.3",
}
DIGESTS: Final = {oid: name for name, oid in DIGEST_OIDS.items()}

SIGNATURES: Final[dict[str, tuple[str, str]]] = {
    # identifier: (kind of key, digest it fixes, "" when the digest stands elsewhere)
    RSA_ENCRYPTION: ("rsa", ""),
    "1.2.840.113549.1.1.11": ("rsa", "sha-256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha-384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha-512"),
    "1.2.840.10045.4.3.2": ("ec", "sha-256"),
    "1.2.840.10045.4.3.3": ("ec", "sha-384"),
    "1.2.840.10045.4.3.4": ("ec", "sha-512"),
}
ECDSA_OIDS: Final = {digest: oid for oid, (kind, digest) in SIGNATURES.items() if kind == "ec"}

CIPHER_OIDS: Final = {"aes-128-cbc": "2.16.840.1.101.3.4.1.2", "aes-256-cbc": "2.16.840.1.101.3.4.1.42"}
CIPHERS: Final = {oid: name for name, oid in CIPHER_OIDS.items()}
CIPHER_KEY_BYTES: Final = {"aes-128-cbc": 16, "aes-256-cbc": 32}

_WEAK_NAMES: Final = {
    "1.3.14.3.2.26": "SHA-1",
    "1.2.840.113549.2.5": "MD5",
    "1.2.840.113549.1.1.5": "RSA with SHA-1",
    "1.2.840.113549.1.1.4": "RSA with MD5",
    "1.2.840.10045.4.1": "ECDSA with SHA-1",
    "1.2.840.113549.3.7": "3DES",
    "1.2.840.113549.3.2": "RC2",
    "1.3.14.3.2.7": "DES",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.113549.1.1.7": "RSAES-OAEP",
    "2.16.840.1.101.3.4.1.22": "AES-192-CBC",
}

_MIN_RSA_BITS: Final = 2048
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


def shown(oid: str) -> str:
    """An algorithm's name for a person."""
    return DIGESTS.get(oid) or CIPHERS.get(oid) or _WEAK_NAMES.get(oid) or oid


def normal_digest_name(name: str) -> str:
    """``sha256``, ``SHA-256`` and ``sha_256`` are one algorithm; the names written here have the hyphen (RFC 5751)."""
    bare = name.strip().strip('"').lower().replace("-", "").replace("_", "")
    return {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}.get(bare, name.strip().lower())


def hash_algorithm(digest: str) -> hashes.HashAlgorithm:
    """The library's hash for a digest name of the allow list."""
    return _HASHES[digest]()


def digest_bytes(digest: str, content: bytes) -> bytes:
    """Digest of ``content`` by an algorithm of the allow list."""
    return hashlib.new(digest.replace("-", ""), content).digest()


def check_public_key(certificate: x509.Certificate, path: str) -> str:
    """``rsa`` or ``ec``; FormatError ``as2-insufficient-message-security`` for a key that may not be used."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size >= _MIN_RSA_BITS:
            return "rsa"
        raise fault(dispositions.INSUFFICIENT_SECURITY, path, f"An RSA key of {key.key_size} bits is too short.")
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)):
        return "ec"
    raise fault(dispositions.INSUFFICIENT_SECURITY, path, "The kind of key is not on the allow list.")
