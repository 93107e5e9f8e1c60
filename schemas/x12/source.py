"""How do bytes that come in any pieces become text of whole segments, in flat memory?

Rules:

- A source is bytes, a binary file, or an iterable of bytes of any size; how it is cut makes no difference to what
  comes out. Small pieces are gathered until a :data:`WINDOW` is full, large ones are taken a window at a time.
- Bytes are read as Latin-1, so a character is a byte and ``offset`` is a place in the file.
- At most a window and one segment are held. Of a segment beyond :data:`MOST_SEGMENT_BYTES` only its beginning is kept,
  however long it goes on; the rest is counted and dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from schemas.x12.envelope import ISA_LENGTH, ISA_WIDTHS
from schemas.x12.interchange import MOST_SEGMENT_BYTES

WINDOW: Final = 32_768
"""Bytes that are read and taken apart at once."""

PADDING: Final = "\r\n\t \x00\x1a"
"""What may stand around an interchange: line breaks, blanks, and the fillers of old transfer programs."""

_ISA: Final = re.compile(
    r"ISA([^A-Za-z0-9 ])" + r"\1".join(f".{{{width}}}" for width in ISA_WIDTHS) + ".", re.DOTALL | re.ASCII
)


class BinaryFile(Protocol):
    """What a file must be able to do: give the next bytes, none at its end."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""


Source = bytes | bytearray | memoryview | BinaryFile | Iterable[bytes]


class Window(NamedTuple):
    """Whole segments: ``text`` begins at byte ``offset`` and ends with a terminator and the line breaks behind it.

    ``dropped`` are the bytes that are missing at the end of the text, where it is the beginning of a segment
    beyond the limit.
    """

    text: str
    offset: int
    dropped: int = 0


def _chunks(source: Source) -> Iterator[bytes]:
    """The bytes of a source, no more than a window at once."""
    if isinstance(source, bytes | bytearray | memoryview):
        pieces: Iterable[bytes] = (bytes(source),) if not isinstance(source, bytes) else (source,)
    elif hasattr(source, "read"):
        read = source.read
        pieces = iter(lambda: read(WINDOW), b"")
    else:
        pieces = source
    for piece in pieces:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"a source gives bytes, not {type(piece).__name__}")
        if len(piece) <= WINDOW:
            yield bytes(piece)
        else:
            for at in range(0, len(piece), WINDOW):
                yield bytes(piece[at : at + WINDOW])


class Text:
    """The text of a source from byte ``offset`` on; what has been taken is gone."""

    def __init__(self, source: Source) -> None:
        self._chunks = _chunks(source)
        self._held = ""
        self._at = 0
        self._ended = False
        self._left = False
        self.offset = 0
        self.dropped = 0

    def _fill(self, least: int) -> bool:
        """Hold at least ``least`` characters, or all there are; whether there are as many."""
        size = len(self._held) - self._at
        if size >= least or self._ended:
            return size >= least
        pieces = [self._held[self._at :]]
        while size < least + WINDOW and not self._ended:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
            else:
                pieces.append(chunk.decode("latin-1"))
                size += len(chunk)
        self._held, self._at = "".join(pieces), 0
        return size >= least

    def _move(self, end: int) -> str:
        """Take everything before place ``end`` of what is held and return it."""
        taken = self._held[self._at : end]
        self.offset += end - self._at
        self._at = end
        return taken

    def peek(self, count: int) -> str:
        """The next ``count`` characters, fewer at the end of the source; they stay."""
        self._fill(count)
        return self._held[self._at : self._at + count]

    def take(self, count: int) -> str:
        """The next ``count`` characters, fewer at the end of the source."""
        self._fill(count)
        return self._move(min(self._at + count, len(self._held)))

    def give_back(self, text: str) -> None:
        """Put ``text``, which was taken last, back to the front."""
        self._held, self._at = text + self._held[self._at :], 0
        self.offset -= len(text)

    def skip(self, signs: str) -> None:
        """Take away all ``signs`` that come next."""
        run = re.compile(f"[{re.escape(signs)}]*+")
        while self._fill(1):
            found = run.match(self._held, self._at)
            self._move(found.end() if found else self._at)
            if self._at < len(self._held):
                return

    def skip_to_isa(self) -> bool:
        """Take away everything before what has the shape of an ISA; ``False`` if there is none any more."""
        self._left = False
        while self._fill(ISA_LENGTH):
            found = _ISA.search(self._held, self._at)
            if found is not None:
                self._move(found.start())
                return True
            self._move(len(self._held) - ISA_LENGTH + 1)
        self._move(len(self._held))
        return False

    def window(self, terminator: str, last: str) -> Window | None:
        """The next whole segments, ``None`` if no terminator comes any more; then :meth:`rest` is what is left.

        No text behind a segment that begins with ``last`` is in the same window, so that little is given back
        where one interchange follows another.
        """
        if self._left:
            return None
        breaks = "\r\n".replace(terminator, "")
        if self.peek(1) in ("\r", "\n"):
            self.skip(breaks)
        self._fill(WINDOW)
        while True:
            end = self._held.rfind(terminator, self._at) + 1
            if end:
                early = self._held.find(last, self._at, end)
                if early >= 0:
                    end = self._held.index(terminator, early) + 1
                while end < len(self._held) and self._held[end] in breaks:
                    end += 1
                offset = self.offset
                return Window(self._move(end), offset)
            size = len(self._held) - self._at
            if size > MOST_SEGMENT_BYTES:
                return self._too_long(terminator)
            if not self._fill(size + 1):
                self._left = True
                return None

    def _too_long(self, terminator: str) -> Window | None:
        """The beginning of a segment beyond the limit, as a window of its own; its rest is dropped."""
        offset, dropped = self.offset, 0
        head = self._move(self._at + MOST_SEGMENT_BYTES + 1)
        while self._fill(1):
            end = self._held.find(terminator, self._at)
            if end >= 0:
                dropped += len(self._move(end))
                self._move(end + 1)
                return Window(head + terminator, offset, dropped)
            dropped += len(self._move(len(self._held)))
        self._held, self._at, self.offset, self.dropped = head, 0, offset, dropped
        self._left = True
        return None

    def rest(self) -> str:
        """Everything that is held now. Without another window that is what follows the last terminator.

        Of a rest beyond the limit ``dropped`` bytes are missing.
        """
        return self._held[self._at :]
