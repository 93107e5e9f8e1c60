"""How do the bytes of a file become segments or records, one after the other?

This is the one place that knows which reader of the codecs is used. :class:`Window` remembers the last bytes that were
read, so that an error can be shown where it stands also in a file that is read once and never held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Final

from schemas import catair, x12
from schemas.catair import Batch, Block, PlacedRecord, Transaction
from schemas.catair import PlacedProblem as RecordProblem
from schemas.catair.masking import placed_in
from schemas.errors import FormatError
from schemas.profile import Profile
from schemas.x12 import PlacedProblem, PlacedSegment, Separators
from schemas.x12.envelope import ISA_LENGTH, read_isa

REMEMBERED: Final = 256 * 1024
CHUNK: Final = 65_536
"""Bytes that are read at once."""
HEAD: Final = 4096
"""Bytes that decide what a file is."""


class Window:
    """A binary source that is read once, and its last bytes; ``size`` is what was read so far."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.head = source.read(HEAD)
        self.size = len(self.head)
        self._begun = False
        self._kept = self.head
        self._start = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next bytes, some of them at least unless the file is at its end; first comes its head."""
        if not self._begun:
            self._begun = True
            if self.head:
                return self.head
        read = self._source.read(min(size, CHUNK) if size > 0 else CHUNK)
        self.size += len(read)
        self._kept += read
        if len(self._kept) > 2 * REMEMBERED:
            self._start += len(self._kept) - REMEMBERED
            self._kept = self._kept[-REMEMBERED:]
        return read

    def around(self, offset: int, before: int, after: int) -> tuple[bytes, int]:
        """The bytes around ``offset`` and where in them it stands; empty where they are not remembered any more."""
        if not self._start <= offset <= self._start + len(self._kept):
            return b"", 0
        at = offset - self._start
        first = max(at - before, 0)
        return self._kept[first : at + after], at - first


class Segments:
    """The segments of a file in order, of all its interchanges; :meth:`fresh` tells what was found wrong on the way."""

    def __init__(self, window: Window, profile: Profile) -> None:
        self._window = window
        self._stream = x12.stream(window, profile)
        self._taken = 0
        self._seen = 0
        self.separators = Separators("*", "~", ">", "")
        """The signs of the interchange that is being read."""

    def __iter__(self) -> Iterator[PlacedSegment]:
        for segment in self._stream:
            if segment.id == "ISA":
                head, _ = self._window.around(segment.offset, 0, ISA_LENGTH)
                with suppress(FormatError):  # one that is nested may be damaged: the signs stay as they were
                    _, self.separators = read_isa(head.decode("latin-1"), segment.offset)
            yield segment

    def fresh(self, *, final: bool = False) -> list[PlacedProblem]:
        """The problems found since the last call; those that were only counted are told at the end."""
        problems = self._stream.problems
        if len(problems) == self._seen and not final:
            return []
        self._seen = len(problems)
        found = list(islice(problems, self._taken, None)) if final else problems.since(self._taken)
        self._taken += len(found)
        return found


@dataclass(frozen=True, slots=True)
class RecordStep:
    """One record with the frames around it; ``last``: the transaction is complete with it."""

    placed: PlacedRecord
    batch: Batch
    block: Block | None
    transaction: Transaction | None
    last: bool


class Records:
    """The records of a file in order; ``problems`` grows while they are taken.

    With ``mask`` a record that does not belong to its batch has no layout, so that it is hidden whole.
    """

    def __init__(self, window: Window, *, mask: bool = False) -> None:
        self._stream = catair.stream(window)
        self._mask = mask

    @property
    def problems(self) -> Sequence[RecordProblem]:
        """What was found wrong so far."""
        return self._stream.problems

    def __iter__(self) -> Iterator[RecordStep]:
        """Each record once it is known whether its transaction goes on."""
        read = self._stream
        batch = Batch()
        held: RecordStep | None = None
        for placed in read:
            if held is not None:
                ended = held.transaction is not None and read.transaction is not held.transaction
                yield replace(held, last=ended)
            batch = read.batch or batch
            inside = read.transaction if placed.line[:1] not in _CONTROL else None
            seen = placed_in(batch.application, placed) if self._mask else placed
            held = RecordStep(seen, batch, read.block, inside, last=False)
        if held is not None:
            yield replace(held, last=held.transaction is not None)


_CONTROL: Final = frozenset("ABYZ")
