"""Which kind of CMS value is this? The outermost wrapping (RFC 5652 section 3)."""

from __future__ import annotations

from schemas.as2 import der


def wrap(content_type: str, content: bytes) -> bytes:
    """ContentInfo around a DER value of the given type."""
    return der.sequence(der.oid(content_type), der.write(der.EXPLICIT_0, content))


def unwrap(data: bytes) -> tuple[str, der.Value]:
    """Type and content of a ContentInfo in DER. Raises :class:`schemas.as2.der.DerError`."""
    parts = der.read(data).expect(der.SEQUENCE).children()
    if len(parts) != 2:
        raise der.DerError("a ContentInfo has a type and a content")
    inner = parts[1].expect(der.EXPLICIT_0).children()
    if len(inner) != 1:
        raise der.DerError("a ContentInfo has one content")
    return parts[0].oid(), inner[0]


def kind_of(data: bytes) -> str:
    """The content type of a BER or DER ContentInfo, read from its first bytes alone; "" when there is none."""
    try:
        _, _, start = der.header(data, 0, len(data))
        tag, length, inner = der.header(data, start, len(data))
        if length is None or inner + length > len(data):
            return ""
        return der.Value(data, tag, start, inner, inner + length).oid()
    except der.DerError:
        return ""
