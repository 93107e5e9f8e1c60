"""How are DER values read and written? A small reader and writer for the few CMS structures used here.

Rules:

* a value is one byte of tag (no high tag numbers: CMS does not use them), a definite length and its content;
* a reader never looks outside the bounds of the value it was given, and a child that would is an error;
* what comes from outside goes through :mod:`schemas.as2.ber` first, so BER lengths never reach this reader.

Source: X.690 sections 8 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
EXPLICIT_0: Final = 0xA0
IMPLICIT_0: Final = 0x80

_MAX_LENGTH_BYTES: Final = 4  # 4 GiB: far above every limit of this package


class DerError(ValueError):
    """Bytes that are not DER, or not the value expected; callers turn it into a FormatError with their own code."""


def header(data: bytes, offset: int, end: int) -> tuple[int, int | None, int]:
    """Tag, length (None when indefinite) and start of the content of the value at ``offset``; not beyond ``end``."""
    if offset + 2 > end:
        raise DerError("a value ends before its length")
    tag = data[offset]
    if tag & 0x1F == 0x1F:
        raise DerError("high tag numbers are not used in CMS")
    first = data[offset + 1]
    start = offset + 2
    if first < 0x80:
        return tag, first, start
    if first == 0x80:
        return tag, None, start
    size = first & 0x7F
    if size > _MAX_LENGTH_BYTES or start + size > end:
        raise DerError("a length is longer than the data")
    return tag, int.from_bytes(data[start : start + size]), start + size


@dataclass(frozen=True, slots=True)
class Value:
    """One DER value inside ``data``: its tag and the bounds of the whole (``outer``) and of the content (``start``)."""

    data: bytes
    tag: int
    outer: int
    start: int
    end: int

    @property
    def raw(self) -> bytes:
        """Tag, length and content."""
        return self.data[self.outer : self.end]

    @property
    def content(self) -> bytes:
        """The content alone."""
        return self.data[self.start : self.end]

    def children(self) -> list[Value]:
        """The values inside a constructed value."""
        if not self.tag & 0x20:
            raise DerError("a primitive value has no parts")
        found: list[Value] = []
        offset = self.start
        while offset < self.end:
            child = _value_at(self.data, offset, self.end)
            found.append(child)
            offset = child.end
        return found

    def first(self, count: int) -> list[Value]:
        """The first ``count`` values inside; fewer are a fault."""
        found = self.children()
        if len(found) < count:
            raise DerError(f"{len(found)} parts stand where {count} were expected")
        return found[:count]

    def expect(self, tag: int) -> Value:
        """This value, if it has that tag."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#04x} stands where {tag:#04x} was expected")
        return self

    def integer(self) -> int:
        """An INTEGER."""
        content = self.expect(INTEGER).content
        if not content:
            raise DerError("an integer without content")
        return int.from_bytes(content, signed=True)

    def oid(self) -> str:
        """An OBJECT IDENTIFIER, dotted."""
        content = self.expect(OBJECT_IDENTIFIER).content
        if not content or content[-1] & 0x80 or len(content) > 64:
            raise DerError("an object identifier is cut short or too long")
        numbers: list[int] = []
        number = 0
        for byte in content:
            number = (number << 7) | (byte & 0x7F)
            if not byte & 0x80:
                numbers.append(number)
                number = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(str(n) for n in (first, numbers[0] - 40 * first, *numbers[1:]))

    def octets(self) -> bytes:
        """An OCTET STRING."""
        return self.expect(OCTET_STRING).content

    def instant(self) -> datetime:
        """A UTCTime or GeneralizedTime in the form DER (and CMS) asks for: seconds, ``Z``, no fraction."""
        text = self.content.decode("ascii", "replace")
        try:
            if self.tag == UTC_TIME and len(text) == 13 and text.endswith("Z"):
                century = "19" if text[:2] >= "50" else "20"
                return datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
            if self.tag == GENERALIZED_TIME and len(text) == 15:
                return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise DerError("a time that is not one") from error
        raise DerError("a time in a form that CMS does not use")


def _value_at(data: bytes, offset: int, end: int) -> Value:
    tag, length, start = header(data, offset, end)
    if length is None:
        raise DerError("indefinite length in DER")
    if start + length > end:
        raise DerError("a value runs past the end of the data")
    return Value(data, tag, offset, start, start + length)


def read(data: bytes) -> Value:
    """The one value that ``data`` is; anything after it is an error."""
    value = _value_at(data, 0, len(data))
    if value.end != len(data):
        raise DerError("bytes follow the value")
    return value


def write(tag: int, *contents: bytes) -> bytes:
    """A value with that tag around ``contents``."""
    length = sum(map(len, contents))
    if length < 0x80:
        prefix = bytes((tag, length))
    else:
        size = (length.bit_length() + 7) // 8
        prefix = bytes((tag, 0x80 | size)) + length.to_bytes(size)
    return b"".join((prefix, *contents))


def sequence(*contents: bytes) -> bytes:
    """A SEQUENCE."""
    return write(SEQUENCE, *contents)


def set_of(contents: Iterable[bytes]) -> bytes:
    """A SET OF in DER order."""
    return write(SET, *sorted(contents))


def integer(value: int) -> bytes:
    """An INTEGER."""
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def octet_string(value: bytes) -> bytes:
    """An OCTET STRING."""
    return write(OCTET_STRING, value)


def null() -> bytes:
    """NULL."""
    return write(NULL)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    encoded = bytearray()
    for number in (first * 40 + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | (number & 0x7F))
        encoded += bytes(reversed(groups))
    return write(OBJECT_IDENTIFIER, bytes(encoded))


def instant(value: datetime) -> bytes:
    """A time as CMS wants it: UTCTime from 1950 to 2049, GeneralizedTime outside."""
    utc = value.astimezone(UTC)
    if 1950 <= utc.year < 2050:
        return write(UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode())
    return write(GENERALIZED_TIME, utc.strftime("%Y%m%d%H%M%SZ").encode())
