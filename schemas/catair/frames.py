"""How do bytes fall apart into records, and what do batches, blocks and transactions hold?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.catair.diagnosis import Value
from schemas.catair.layouts import RECORD_LENGTH
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATOR: Final = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record where it stood: ``number`` from 1 in the file, ``offset`` in bytes, ``line`` 80 columns.

    A record without a table has layout ``""`` and one value ``text``, the line itself.
    """

    record: Record
    number: int
    offset: int
    line: str
    trimmed: bool = False
    problems: tuple[PlacedProblem, ...] = ()

    @property
    def layout(self) -> str:
        """Layout id of the record."""
        return self.record.layout

    @property
    def values(self) -> dict[str, Value]:
        """Values of the record by field key (a copy)."""
        return dict(self.record.values)


@dataclass(slots=True)
class Transaction:
    """The records of one transaction, header first; ``problems`` are those of order and repetition."""

    records: list[PlacedRecord] = field(default_factory=list)
    problems: list[PlacedProblem] = field(default_factory=list)

    def all(self, layout: str) -> list[Record]:
        """The records of one layout, in order."""
        return [placed.record for placed in self.records if placed.record.layout == layout]


@dataclass(slots=True)
class Block:
    """One block; header or trailer is None when the file lacks it."""

    header: PlacedRecord | None = None
    transactions: list[Transaction] = field(default_factory=list)
    trailer: PlacedRecord | None = None


@dataclass(slots=True)
class Batch:
    """One batch; ``application`` is ``""`` when the batch is a rejection or its A is missing."""

    header: PlacedRecord | None = None
    blocks: list[Block] = field(default_factory=list)
    trailer: PlacedRecord | None = None
    application: str = ""
    outgoing: bool = True
    rejected: bool = False
    first_record: int = 1

    @property
    def transactions(self) -> list[Transaction]:
        """Every transaction of every block, in order."""
        return [transaction for block in self.blocks for transaction in block.transactions]


@dataclass(slots=True)
class CatairFile:
    """Everything read from one file; ``records`` in file order, control records among them."""

    batches: list[Batch] = field(default_factory=list)
    records: list[PlacedRecord] = field(default_factory=list)
    problems: list[PlacedProblem] = field(default_factory=list)

    @property
    def errors(self) -> list[PlacedProblem]:
        """Problems that are more than a warning."""
        return [problem for problem in self.problems if problem.severity == "error"]


def has_separators(data: bytes) -> bool:
    """Records are separated by line ends, not by counting."""
    return _SEPARATOR.search(data) is not None


def split_records(data: bytes) -> Iterator[tuple[int, str, bool, int]]:
    """Cut bytes into records: (offset, 80 columns, was trimmed, surplus columns).

    A blank line comes as an empty text; the caller decides what that means.
    """
    start = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
    while start < len(data):
        found = _SEPARATOR.search(data, start)
        end = found.start() if found else len(data)
        if end == start:
            yield start, "", False, 0
        yield from _cut(data, start, end)
        start = found.end() if found else len(data)


def _cut(data: bytes, start: int, end: int) -> Iterator[tuple[int, str, bool, int]]:
    """One line, or several records without separators between them."""
    filled = start + len(data[start:end].rstrip(b" "))
    while start < end:
        stop = min(start + RECORD_LENGTH, end)
        surplus = end - stop if stop >= filled else 0
        text = data[start:stop].decode("latin-1")
        yield start, text.ljust(RECORD_LENGTH), len(text) < RECORD_LENGTH, surplus
        start = end if surplus else stop
