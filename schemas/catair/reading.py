"""What is in these bytes? Batches, blocks, transactions, records, and everything wrong with them.

:func:`read_batches` reads a whole file into values; :func:`stream` walks through a source of any size and holds
only what is open. Both take any bytes and never raise for them: what can be understood becomes values, the
rest becomes problems with record number and column. How bytes fall apart into records: :mod:`schemas.catair.cutting`;
what follows from their order, and the stated limits: :mod:`schemas.catair.engine`.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.catair.cutting import Source
from schemas.catair.engine import MAX_TRANSACTION, Engine
from schemas.catair.frames import Batch, Block, CatairFile, PlacedRecord, Transaction
from schemas.catair.problems import MAX_PROBLEMS, PlacedProblem

__all__ = ["MAX_PROBLEMS", "MAX_TRANSACTION", "CatairStream", "read_batches", "stream"]


def read_batches(data: bytes) -> CatairFile:
    """Read a file of one or more batches, in either direction. Never raises for its content."""
    engine = Engine(data, keep=True)
    records = list(engine.run())
    return CatairFile(engine.batches, records, engine.findings.kept)


def stream(source: Source) -> CatairStream:
    """Walk through a source: bytes, a binary file (``.read(n)``), or an iterable of chunks of bytes of any size.

    Raises TypeError when the source gives something else than bytes; never for what the bytes are.
    """
    return CatairStream(source)


class CatairStream:
    """A source read record by record, in flat memory.

    It is an iterator over :class:`PlacedRecord`, control records included, in the order of the file; ``batch``,
    ``block`` and ``transaction`` are the frames in which the record given last stands (after a Y or Z: what is
    still open). Who wants whole transactions iterates over :meth:`transactions` instead; the way up from one is
    ``transaction.block`` and ``block.batch``. ``problems`` grows on the way, up to ``MAX_PROBLEMS``; those of order
    in a transaction come when it ends.
    """

    def __init__(self, source: Source) -> None:
        self._engine = Engine(source, keep=False)
        self._records = self._engine.run()

    def __iter__(self) -> Iterator[PlacedRecord]:
        """The records that have not been given yet."""
        return self._records

    def __next__(self) -> PlacedRecord:
        """The next record."""
        return next(self._records)

    def transactions(self) -> Iterator[Transaction]:
        """The transactions that have not ended yet, each when it is complete and its order checked.

        Its batch and block are known by then but for their trailers.
        """
        self._engine.ended()
        for _ in self._records:
            done = self._engine.ended()
            if done is not None:
                yield done
        done = self._engine.ended()
        if done is not None:
            yield done

    @property
    def problems(self) -> list[PlacedProblem]:
        """Everything found wrong so far."""
        return self._engine.findings.kept

    @property
    def errors(self) -> list[PlacedProblem]:
        """Problems so far that are more than a warning."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def batch(self) -> Batch | None:
        """The open batch."""
        return self._engine.batch

    @property
    def block(self) -> Block | None:
        """The open block."""
        return self._engine.block

    @property
    def transaction(self) -> Transaction | None:
        """The open transaction, as far as it has been read."""
        return self._engine.transaction
