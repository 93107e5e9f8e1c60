"""How does BER from a streaming sender become DER?

A sender that does not know the length in advance writes indefinite lengths and octet strings in pieces (X.690
sections 8.1.3.6 and 8.7). Rules:

* indefinite and over-long lengths become the shortest definite ones;
* a universal OCTET STRING in pieces becomes one; a context tag in pieces cannot be told from a tag around one value
  here, so its reader joins it (:func:`joined`);
* what is DER already comes back unchanged, byte for byte; the order of a SET is never touched;
* depth and the number of values are bounded, so that a bomb of tiny values ends early.
"""

from __future__ import annotations

from typing import Final

from schemas.as2 import der
from schemas.as2.limits import MAX_DEPTH, MAX_VALUES

_CONSTRUCTED: Final = 0x20
_CONSTRUCTED_OCTET_STRING: Final = 0x24
_UNIVERSAL_STRINGS_IN_PIECES: Final = frozenset({0x23, 0x2C, 0x33, 0x34, 0x36, 0x3C, 0x3E})


def normalise(data: bytes) -> bytes:
    """``data`` as one DER value. Raises :class:`schemas.as2.der.DerError` for anything that is not one BER value."""
    value, end = _Reading(data).value(0, len(data), MAX_DEPTH)
    if end != len(data):
        raise der.DerError("bytes follow the value")
    return value


class _Reading:
    """One value from outside while it is read; ``left``: how many values it may still have."""

    def __init__(self, data: bytes) -> None:
        self.data, self.left = data, MAX_VALUES

    def value(self, offset: int, limit: int, depth: int) -> tuple[bytes, int]:
        """The value at ``offset`` in DER, and where it ends."""
        data = self.data
        self.left -= 1
        if self.left < 0:
            raise der.DerError(f"it has more than {MAX_VALUES} values")
        if depth == 0:
            raise der.DerError("values are nested too deeply")
        tag, length, start = der.header(data, offset, limit)
        if not tag & _CONSTRUCTED:
            if length is None:
                raise der.DerError("a primitive value has no length")
            if start + length > limit:
                raise der.DerError("a value runs past the end of the data")
            return der.write(tag, data[start : start + length]), start + length
        if tag in _UNIVERSAL_STRINGS_IN_PIECES:
            raise der.DerError("a string other than an octet string comes in pieces")
        if length is not None and start + length > limit:
            raise der.DerError("a value runs past the end of the data")
        end = limit if length is None else start + length
        pieces: list[bytes] = []
        position = start
        while True:
            if length is None:
                if data[position : min(position + 2, end)] == b"\0\0":
                    position += 2
                    break
            elif position == end:
                break
            piece, position = self.value(position, end, depth - 1)
            pieces.append(piece)
        if tag == _CONSTRUCTED_OCTET_STRING:
            return der.octet_string(_join(pieces)), position
        return der.write(tag, *pieces), position


def _join(pieces: list[bytes]) -> bytes:
    return b"".join(der.read(piece).octets() for piece in pieces)


def joined(value: der.Value) -> bytes:
    """Content of an implicitly tagged octet string (primitive, or constructed from pieces after :func:`normalise`)."""
    if value.tag & _CONSTRUCTED:
        return b"".join(child.octets() for child in value.children())
    return value.content
