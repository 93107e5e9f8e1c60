"""Where does each element of a JSON array begin and end, without parsing it and in any pieces?

The scan looks only at structure (brackets, quotes, commas), so a malformed element is cut out like any
other and its reader says what is wrong with it; only a broken array ends the scan, with ``fault`` set.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_STRUCTURE: Final = re.compile(rb'["{}\[\],]')
_STRING_END: Final = re.compile(rb'["\\]')
_WHITE: Final = b" \t\r\n"


class ArrayScan:
    """Cuts a JSON array into the texts of its elements; ``limit`` bounds one element in bytes."""

    __slots__ = ("_depth", "_escaped", "_in_string", "_limit", "_line", "_start_line", "_state", "_value", "fault")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._value = bytearray()
        self._state = "before"
        self._depth = 0
        self._in_string = self._escaped = False
        self._line = self._start_line = 1
        self.fault: str | None = None

    @property
    def line(self) -> int:
        """The line reached, 1-based."""
        return self._line

    def feed(self, data: bytes) -> list[tuple[bytes, int]]:
        """Complete elements, each with the line it began on; stops for good once ``fault`` is set."""
        found: list[tuple[bytes, int]] = []
        position = 0
        if self._state == "before":
            position = self._open(data)
        while position < len(data) and self.fault is None:
            if self._state == "after":
                if data[position:].strip(_WHITE):
                    self.fault = f"There is text after the end of the array (line {self._line})."
                break
            position = self._string(data, position) if self._in_string else self._structure(data, position, found)
            if len(self._value) > self._limit:
                self.fault = f"The element on line {self._start_line} is longer than {self._limit} bytes."
        return found

    def close(self) -> list[tuple[bytes, int]]:
        """The element the file broke off in, if any; sets ``fault`` when the array was not complete."""
        if self._state == "after" or self.fault is not None:
            return []
        self.fault = (
            "The file ends before the array does." if self._state == "inside" else "The file holds no JSON array."
        )
        return [(bytes(self._value), self._start_line)] if self._value.strip(_WHITE) else []

    def _open(self, data: bytes) -> int:
        text = data.removeprefix(codecs.BOM_UTF8)
        rest = text.lstrip(_WHITE)
        self._line += text[: len(text) - len(rest)].count(b"\n")
        if not rest:
            return len(data)
        if rest[0] != 0x5B:
            self.fault = f"The file does not begin with '[' (line {self._line})."
            return len(data)
        self._state = "inside"
        return len(data) - len(rest) + 1

    def _take(self, piece: bytes) -> None:
        if not self._value:
            rest = piece.lstrip(_WHITE)
            self._line += piece[: len(piece) - len(rest)].count(b"\n")
            self._start_line = self._line
            piece = rest
        self._line += piece.count(b"\n")
        self._value += piece

    def _string(self, data: bytes, position: int) -> int:
        if self._escaped:
            self._escaped = False
            self._take(data[position : position + 1])
            return position + 1
        match = _STRING_END.search(data, position)
        end = match.end() if match else len(data)
        self._take(data[position:end])
        if match and match.group() == b'"':
            self._in_string = False
        elif match:
            self._escaped = True
        return end

    def _structure(self, data: bytes, position: int, found: list[tuple[bytes, int]]) -> int:
        match = _STRUCTURE.search(data, position)
        if match is None:
            self._take(data[position:])
            return len(data)
        sign = match.group()
        if self._depth == 0 and sign in b",]":
            self._take(data[position : match.start()])
            if self._value:
                found.append((bytes(self._value), self._start_line))
                self._value.clear()
            if sign == b"]":
                self._state = "after"
            return match.end()
        self._take(data[position : match.end()])
        if sign == b'"':
            self._in_string = True
        elif sign in b"{[":
            self._depth += 1
        elif sign in b"}]":
            self._depth -= 1
        return match.end()
