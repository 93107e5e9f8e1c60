"""How do the bytes of any source fall apart into records of 80 columns?

A source is bytes, a binary file, or chunks of bytes of any size; the same bytes give the same records
however they are chunked. Records end with LF, CRLF or CR (also mixed), or are simply 80 columns each. Rules:

- a line of more than 80 columns is cut every 80; a shorter rest is filled up with spaces (``trimmed``);
- once a line has fitted, a line is a record: of one with more than 80 columns, and not the two of two records, what
  stands after column 80 is left out and counted (``lost``);
- spaces after column 80 with nothing behind them on the line are no record: they are counted (``surplus``);
- an empty line is a piece without text.

No line is ever held: of a line of any length only the 160 columns that are not yet certain, and the *number* of
spaces behind them. A file of nothing but white space is empty, as long as there are no more than
``LEADING`` bytes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Protocol

from schemas.catair.layouts import RECORD_LENGTH

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
CHUNK: Final = 1 << 16
"""Bytes that are looked at together; what is held does not depend on it."""
LEADING: Final = 1 << 16
"""White space at the beginning that is held until it is clear whether the file is empty."""

_WHITE: Final = b" \r\n\t"
_BLANK: Final = " " * RECORD_LENGTH
_LINE_END: Final = re.compile("(\r\n|\n|\r)")


class BinaryFile(Protocol):
    """What is needed of a file: bytes, ``b""`` at the end."""

    def read(self, size: int, /) -> bytes: ...


Source = bytes | bytearray | memoryview | BinaryFile | Iterable[bytes]


Piece = tuple[int, str, bool, int, int]
"""One record as it was cut: offset, 80 columns (none for an empty line), was trimmed, surplus spaces, lost columns."""


def chunks_of(source: Source) -> Iterator[bytes]:
    """The bytes of a source in chunks of at most ``CHUNK``. Raises TypeError for what does not give bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        given: Iterable[bytes | bytearray | memoryview] = (source,)
    elif hasattr(source, "read"):
        given = iter(lambda: source.read(CHUNK), b"")
    else:
        given = source
    for chunk in given:
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(f"a source gives bytes, not {type(chunk).__name__}")
        for start in range(0, len(chunk), CHUNK):
            yield bytes(chunk[start : start + CHUNK])


class Cutter:
    """Cuts one source; iterate over it once.

    ``empty`` (nothing but white space), ``marked`` (a byte order mark) are known from the first piece on,
    ``separated`` (there are line ends) at the end.
    """

    def __init__(self, source: Source) -> None:
        self.empty = False
        self.marked = False
        self.separated = False
        self._chunks = chunks_of(source)
        self._offset = 0
        self._held = ""
        self._spaces = 0
        self._by_line = False
        self._fused = False
        """Records of the open line were given already: it has several."""

    def __iter__(self) -> Iterator[Piece]:
        """Every piece, in order."""
        begin = self._beginning()
        if self.empty:
            return
        ended = ""
        for chunk in chain((begin,), self._chunks):
            text = ended + chunk.decode("latin-1")
            ended = "\r" if text[-1:] == "\r" else ""  # its LF may come with the next chunk
            if ended:
                text = text[:-1]
            if "\n" in text or "\r" in text:
                yield from self._lines(text)
            elif text:
                yield from self._continue(text)
        if ended:
            yield from self._lines(ended)
        if self._held:
            yield from self._end(0)

    def _beginning(self) -> bytes:
        """Enough of the source to tell an empty file and a byte order mark."""
        begin = bytearray()
        blank = True
        for chunk in self._chunks:
            begin += chunk
            blank = blank and not chunk.strip(_WHITE)
            if len(begin) >= LEADING or (len(begin) >= len(BYTE_ORDER_MARK) and not blank):
                break
        else:
            self.empty = blank
        if begin.startswith(BYTE_ORDER_MARK):
            self.marked = True
            self._offset = len(BYTE_ORDER_MARK)
            del begin[: len(BYTE_ORDER_MARK)]
        return bytes(begin)

    def _lines(self, text: str) -> Iterator[Piece]:
        """Text with line ends: what completes the open line, whole lines, and the beginning of the next."""
        self.separated = True
        lines, widths = _split(text)
        last = lines.pop()
        for line, width in zip(lines, widths, strict=True):
            length = len(line)
            if self._held or length > RECORD_LENGTH:
                yield from self._continue(line)
                yield from self._end(width)
                continue
            offset = self._offset
            self._offset = offset + length + width
            if length == RECORD_LENGTH:
                self._by_line = True
                yield offset, line, False, 0, 0
            elif length:
                self._by_line = True
                yield offset, line.ljust(RECORD_LENGTH), True, 0, 0
            else:
                yield offset, "", False, 0, 0
        if last:
            yield from self._continue(last)

    def _continue(self, text: str) -> Iterator[Piece]:
        """More of the open line; gives the records that are certain because something stands behind them."""
        if not text.strip(" "):
            self._hold(self._held, self._spaces + len(text))
            return
        if self._spaces:
            yield from self._certain_all(self._held)
            while self._spaces >= RECORD_LENGTH:
                self._spaces -= RECORD_LENGTH
                yield self._certain(_BLANK)
            text = " " * self._spaces + text
        else:
            text = self._held + text
        filled = len(text.rstrip(" "))
        if filled <= self._room:
            self._hold(text, 0)
            return
        start = 0
        while start + RECORD_LENGTH < filled:
            yield self._certain(text[start : start + RECORD_LENGTH])
            start += RECORD_LENGTH
        self._hold(text[start:], 0)

    @property
    def _room(self) -> int:
        """Columns of the open line that are held: two records where a line is one, to know that it is not two."""
        return 2 * RECORD_LENGTH if self._by_line and not self._fused else RECORD_LENGTH

    def _certain_all(self, held: str) -> Iterator[Piece]:
        for start in range(0, len(held), RECORD_LENGTH):
            yield self._certain(held[start : start + RECORD_LENGTH])

    def _certain(self, line: str) -> Piece:
        offset = self._offset
        self._offset = offset + RECORD_LENGTH
        self._fused = True
        return offset, line, False, 0, 0

    def _hold(self, text: str, spaces: int) -> None:
        """Keep the columns that may still be the line's last record, and count the spaces behind them."""
        most = self._room
        room = most - len(text)
        self._held = text[:most] if room <= 0 else text + " " * min(room, spaces)
        self._spaces = spaces - room if room <= 0 else max(spaces - room, 0)

    def _end(self, width: int) -> Iterator[Piece]:
        """The open line ends here."""
        held, spaces = self._held, self._spaces
        filled = len(held.rstrip(" "))
        if filled == 2 * RECORD_LENGTH:
            yield self._certain(held[:RECORD_LENGTH])
            held = held[RECORD_LENGTH:]
        elif len(held) > RECORD_LENGTH:
            spaces += len(held) - RECORD_LENGTH
            held = held[:RECORD_LENGTH]
        lost = max(filled - RECORD_LENGTH, 0) if not self._fused else 0
        yield self._offset, held.ljust(RECORD_LENGTH), len(held) < RECORD_LENGTH, 0 if lost else spaces, lost
        self._offset += len(held) + spaces + width
        self._by_line = self._by_line or not self._fused
        self._held, self._spaces, self._fused = "", 0, False


def _split(text: str) -> tuple[list[str], Iterable[int]]:
    """The lines of a text and the widths of their ends; the last line has none."""
    feeds, returns = text.count("\n"), text.count("\r")
    if not returns:
        return text.split("\n"), (1,) * feeds
    pairs = text.count("\r\n")
    if pairs == feeds == returns:
        return text.split("\r\n"), (2,) * pairs
    parts = _LINE_END.split(text)
    return parts[::2], [len(end) for end in parts[1::2]]
