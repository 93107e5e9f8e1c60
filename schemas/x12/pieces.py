"""Which segment comes next? The windows of an interchange, split at its terminator, with a place for each segment.

A piece is the text of one segment without its terminator. Where every terminator of a window is followed by the same
line break, the break is split off with it; a break that stands elsewhere stays at the front of its piece and is
taken off by whoever reads the piece.
"""

from __future__ import annotations

from schemas.x12.segments import Separators
from schemas.x12.source import Text, Window


class Pieces:
    """A place among the pieces of one interchange.

    ``pieces[at]`` is next and begins at byte ``offset``; the one behind it begins ``gap`` bytes after its end.
    ``dropped`` bytes are missing at the end of the only piece of a window, if that is beyond the limit of a segment.
    ``most`` is how many pieces are given at all (``None``: any number); ``at_limit`` whether that many have been.
    """

    __slots__ = ("_last", "_left", "_separators", "_text", "_window", "at", "dropped", "gap", "offset", "pieces")

    def __init__(self, text: Text, separators: Separators, most: int | None = None) -> None:
        self._text = text
        self._separators = separators
        self._last = "IEA" + separators.element
        self._left = most
        self._window = Window("", text.offset)
        self.pieces: list[str] = []
        self.at = 0
        self.offset = text.offset
        self.gap = 1
        self.dropped = 0

    @property
    def at_limit(self) -> bool:
        """Whether as many pieces were given as may be."""
        return self._left == 0

    def more(self) -> bool:
        """Whether there is a piece at ``at``; takes the next window where this one is used up."""
        while self.at >= len(self.pieces):
            window = None if self.at_limit else self._text.window(self._separators.terminator, self._last)
            if window is None:
                return False
            self._split(window)
        return True

    def _split(self, window: Window) -> None:
        """The pieces of ``window``."""
        text, terminator = window.text, self._separators.terminator
        first = text.index(terminator) + 1
        end = first
        while end < len(text) and text[end] in "\r\n" and text[end] != terminator:
            end += 1
        with_break = terminator + text[first:end]
        if not text.endswith(with_break):
            text += text[first:end]  # the last line of a file may lack its break
        if with_break != terminator and text.count(with_break) != text.count(terminator):
            with_break = terminator
        pieces = text.split(with_break)
        pieces.pop()  # what follows the last terminator: nothing, or line breaks
        self._window, self.gap = window, len(with_break)
        self.pieces, self.at, self.offset, self.dropped = pieces, 0, window.offset, window.dropped
        if self._left is not None:
            if len(pieces) > self._left:
                del pieces[self._left :]
                self._text.give_back(window.text[sum(map(len, pieces)) + self.gap * len(pieces) :])
            self._left -= len(pieces)

    def name(self) -> str:
        """The name of the segment at ``at``, without taking it apart."""
        return self.pieces[self.at].lstrip("\r\n")[:4].split(self._separators.element, 1)[0]

    @property
    def begin(self) -> int:
        """The first byte of the segment at ``at``, or behind the last terminator if there is none."""
        if self.at >= len(self.pieces):
            return self.offset - self.gap + 1 + self.dropped
        piece = self.pieces[self.at]
        return self.offset + len(piece) - len(piece.lstrip("\r\n"))

    def take(self) -> tuple[str, int, int]:
        """The text of the segment at ``at``, its first byte and its length; the next piece is the one behind it."""
        piece = self.pieces[self.at]
        bare = piece.lstrip("\r\n")
        begin = self.offset + len(piece) - len(bare)
        self.at += 1
        self.offset += len(piece) + self.gap
        return bare, begin, len(bare) + self.dropped

    def give_back(self) -> None:
        """Give what has not been taken back to the text."""
        if self.at < len(self.pieces):
            self._text.give_back(self._window.text[self.offset - self._window.offset :])
            self.pieces, self.at = [], 0

    def rest(self) -> tuple[str, int]:
        """What follows the last piece, and its length."""
        rest = self._text.rest()
        return rest, len(rest) + self._text.dropped
