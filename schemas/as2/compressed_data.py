"""How is content made smaller? CMS CompressedData with zlib (RFC 3274), bounded when it is opened."""

from __future__ import annotations

import zlib
from typing import Final

from schemas.as2 import algorithms, ber, der, dispositions
from schemas.as2.content_info import unwrap, wrap
from schemas.as2.dispositions import fault
from schemas.as2.limits import MAX_PAYLOAD_BYTES

_PATH: Final = "compression"


def compress(content: bytes) -> bytes:
    """CompressedData in DER."""
    return wrap(
        algorithms.ID_COMPRESSED_DATA,
        der.sequence(
            der.integer(0),
            der.sequence(der.oid(algorithms.ZLIB)),
            der.sequence(
                der.oid(algorithms.ID_DATA), der.write(der.EXPLICIT_0, der.octet_string(zlib.compress(content)))
            ),
        ),
    )


def decompress(data: bytes, limit: int = MAX_PAYLOAD_BYTES) -> bytes:
    """Content of a CompressedData (BER or DER), at most ``limit`` bytes.

    Raises FormatError ``as2-decompression-failed`` when it cannot be read, is cut, goes on after its end or is larger.
    """
    machine = zlib.decompressobj()
    try:
        content = machine.decompress(_packed(data), limit + 1)
    except (der.DerError, IndexError, zlib.error) as error:
        raise fault(
            dispositions.DECOMPRESSION_FAILED, _PATH, f"The message is not a readable CMS CompressedData: {error}."
        ) from error
    if len(content) > limit:
        raise fault(dispositions.DECOMPRESSION_FAILED, _PATH, f"Unpacked, the message is larger than {limit} bytes.")
    if not machine.eof or machine.unused_data:
        raise fault(dispositions.DECOMPRESSION_FAILED, _PATH, "The compressed content is cut or goes on after its end.")
    return content


def _packed(data: bytes) -> bytes:
    kind, value = unwrap(ber.normalise(data))
    parts = value.expect(der.SEQUENCE).children()
    algorithm = parts[1].expect(der.SEQUENCE).children()[0].oid()
    inner = parts[2].expect(der.SEQUENCE).children()
    found = (kind, algorithm, inner[0].oid())
    if found != (algorithms.ID_COMPRESSED_DATA, algorithms.ZLIB, algorithms.ID_DATA):
        raise der.DerError("it is not plain data compressed with zlib")
    return inner[1].expect(der.EXPLICIT_0).children()[0].octets()
