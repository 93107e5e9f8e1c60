"""How are MIME parts cut out of bytes without changing one of them?

A signature covers the exact bytes of a part, its header included. Rules:

* a part is kept as the bytes it came in (``raw``) beside what was read from it;
* a boundary counts only at the start of a line, the line end before it belongs to it (RFC 2046 section 5.1.1);
* after the closing boundary only white space may stand. MIME would allow an epilogue; here it would be a place to hide
  bytes that no signature covers (and, inside an encrypted message, a padding oracle);
* header lines end in CRLF when written; LF alone is understood when read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from schemas.as2 import dispositions
from schemas.as2.dispositions import fault
from schemas.as2.headers import fold_headers, parse_value
from schemas.as2.limits import MAX_MIME_HEADER_BYTES

_END_OF_HEADER: Final = re.compile(rb"\r?\n\r?\n")
_BASE64_SPACE: Final = re.compile(rb"[\r\n\t ]+")
_BARE_LINE_END: Final = re.compile(rb"(?<!\r)\n")
_BOUNDARY_TAIL: Final = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_MAX_BOUNDARY: Final = 70
_MAX_PARTS: Final = 16


@dataclass(frozen=True, slots=True)
class Part:
    """A MIME entity: fields by lower-case name, body as it stands, ``raw`` header and body (b"" at the HTTP level)."""

    fields: Mapping[str, str]
    body: bytes = field(repr=False)
    raw: bytes = field(repr=False, default=b"")

    @property
    def content_type(self) -> tuple[str, dict[str, str]]:
        """Media type and parameters; ``text/plain`` when the field is absent (RFC 2045 section 5.2)."""
        return parse_value(self.fields.get("content-type", "text/plain"), "headers.content-type")

    @property
    def encoding(self) -> str:
        """Content-Transfer-Encoding in lower case, "" when absent."""
        return self.fields.get("content-transfer-encoding", "").strip().lower()

    def decoded(self) -> bytes:
        """The body without its transfer encoding."""
        if self.encoding == "base64":
            try:
                return base64.b64decode(_BASE64_SPACE.sub(b"", self.body), validate=True)
            except (binascii.Error, ValueError) as error:
                raise fault(dispositions.UNEXPECTED, "mime.body", "The base64 of a part cannot be read.") from error
        if self.encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if self.encoding in ("", "binary", "7bit", "8bit"):
            return self.body
        raise fault(dispositions.UNSUPPORTED_FORMAT, "mime.encoding", "The transfer encoding of a part is not known.")


def read_part(raw: bytes) -> Part:
    """Header and body of one part. FormatError ``as2-unexpected-processing-error`` when there is no header."""
    if raw.startswith((b"\r\n", b"\n")):
        return Part({}, raw[raw.index(b"\n") + 1 :], raw)
    match = _END_OF_HEADER.search(raw, 0, MAX_MIME_HEADER_BYTES)
    if match is None:
        raise fault(dispositions.UNEXPECTED, "mime.header", "A part has no header that ends.")
    return Part(read_fields(raw[: match.start()]), raw[match.end() :], raw)


def read_fields(block: bytes) -> dict[str, str]:
    """Header fields of a block of lines, folded lines joined."""
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        raise fault(dispositions.UNEXPECTED, "mime.header", "A header holds bytes that are not text.") from error
    pairs: list[tuple[str, str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value} {line.strip()}")
            continue
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[!-9;-~]+", name.strip()):
            raise fault(dispositions.UNEXPECTED, "mime.header", "A header line is not a field.")
        pairs.append((name.strip(), value.strip()))
    return fold_headers(pairs)


def split_multipart(body: bytes, boundary: str) -> list[bytes]:
    """Raw parts of a multipart body, each exactly as it stands between its boundaries."""
    if not boundary or len(boundary) > _MAX_BOUNDARY or not boundary.isascii():
        raise fault(dispositions.UNEXPECTED, "mime.boundary", "A multipart has no usable boundary.")
    marks = _marks(body, b"--" + boundary.encode())
    if len(marks) < 2 or not marks[-1].closing:
        raise fault(dispositions.UNEXPECTED, "mime.boundary", "A multipart is cut short: no closing boundary.")
    if body[marks[-1].end :].strip():
        raise fault(dispositions.UNEXPECTED, "mime.boundary", "Bytes follow the closing boundary of a multipart.")
    return [body[here.end : max(here.end, there.start)] for here, there in pairwise(marks)]


def read_first_header(body: bytes, boundary: str) -> dict[str, str]:
    """Header fields of the first part of a multipart, whatever follows; FormatError when there is no such header."""
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    start = body.find(delimiter) if boundary else -1
    end = body.find(b"\n", start, start + len(delimiter) + MAX_MIME_HEADER_BYTES) if start >= 0 else -1
    if end < 0:
        raise fault(dispositions.UNEXPECTED, "mime.boundary", "A multipart has no first part.")
    return dict(read_part(body[end + 1 : end + 1 + MAX_MIME_HEADER_BYTES]).fields)


class _Mark(NamedTuple):
    start: int  # of the line end that belongs to the boundary
    end: int  # after the boundary's own line
    closing: bool


def _marks(body: bytes, delimiter: bytes) -> list[_Mark]:
    found: list[_Mark] = []
    position = 0
    while (at := body.find(delimiter, position)) >= 0:
        position = at + len(delimiter)
        tail = _BOUNDARY_TAIL.match(body, position)
        if tail is None or (at and body[at - 1] != 0x0A):
            continue
        line_end = 0 if at == 0 else 2 if body[at - 2 : at] == b"\r\n" else 1
        found.append(_Mark(at - line_end, tail.end(), tail[1] is not None))
        if tail[1] is not None:
            break
        if len(found) > _MAX_PARTS:
            raise fault(dispositions.UNEXPECTED, "mime.boundary", "A multipart has too many parts.")
    return found


def canonical(raw: bytes) -> bytes:
    """``raw`` with every line end as CRLF, the form in which text parts are signed (RFC 8551 section 3.1.1)."""
    return _BARE_LINE_END.sub(b"\r\n", raw)


def write_part(fields: Mapping[str, str], body: bytes) -> bytes:
    """One part: its fields in order, an empty line, its body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return lines.encode("ascii") + b"\r\n" + body


def write_multipart(parts: Sequence[bytes], boundary: str) -> bytes:
    """Body of a multipart from its raw parts."""
    delimiter = b"--" + boundary.encode()
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"


def choose_boundary(seed: str, parts: Sequence[bytes]) -> str:
    """A boundary that occurs in none of the parts; the same seed and parts give the same boundary."""
    counter = 0
    while True:
        boundary = "=_" + hashlib.sha256(f"{seed}\0{counter}".encode()).hexdigest()[:40]
        if not any(boundary.encode() in part for part in parts):
            return boundary
        counter += 1


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters that end in CRLF."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
