"""What do batches, blocks and transactions hold?

In a file that was read whole the frames hold each other downwards (``batch.blocks``, ``block.transactions``);
in a stream only upwards (``transaction.block``, ``block.batch``), so that what has passed can be forgotten.
The way up is there in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.catair.diagnosis import Value
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record


class PlacedRecord(NamedTuple):
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
    """The records of one transaction, header first; ``problems`` are those of order and repetition.

    ``number`` counts from 1 within the block.
    """

    records: list[PlacedRecord] = field(default_factory=list)
    problems: list[PlacedProblem] = field(default_factory=list)
    number: int = 0
    block: Block | None = field(default=None, repr=False, compare=False)

    def all(self, layout: str) -> list[Record]:
        """The records of one layout, in order."""
        return [placed.record for placed in self.records if placed.record.layout == layout]


@dataclass(slots=True)
class Block:
    """One block; header or trailer is None when the file lacks it. ``number`` counts from 1 within the batch."""

    header: PlacedRecord | None = None
    transactions: list[Transaction] = field(default_factory=list)
    trailer: PlacedRecord | None = None
    number: int = 0
    batch: Batch | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Batch:
    """One batch; ``application`` is ``""`` when the batch is a rejection or its A is missing.

    ``number`` counts from 1 within the file.
    """

    header: PlacedRecord | None = None
    blocks: list[Block] = field(default_factory=list)
    trailer: PlacedRecord | None = None
    application: str = ""
    outgoing: bool = True
    rejected: bool = False
    first_record: int = 1
    number: int = 0

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
