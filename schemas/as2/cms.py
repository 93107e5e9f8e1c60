"""Which CMS operations are there? One door to signing, encrypting and compressing, and back.

Each direction is a pure function of bytes, certificates and instants; see the three modules for their rules.
"""

from __future__ import annotations

from schemas.as2.compressed_data import compress, decompress
from schemas.as2.content_info import kind_of
from schemas.as2.enveloped_data import KeyPair, decrypt, encrypt
from schemas.as2.signed_data import Verified, sign, verify

__all__ = ["KeyPair", "Verified", "compress", "decompress", "decrypt", "encrypt", "kind_of", "sign", "verify"]
