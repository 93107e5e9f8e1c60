"""Which batch, block and transaction is open while records pass, and what is wrong with how they follow?

The one engine behind :func:`schemas.catair.read_batches` and :func:`schemas.catair.stream`. It takes the records
of a source one by one and holds what is open: the control records and the transaction; with ``keep`` also what
has been closed. Rules:

- the application code of A decides the direction, the layouts and the usage maps; a blank one is CBP refusing a
  batch, whose B, Y and Z are then generated ones;
- a missing or unexpected control record is one problem; what it should have enclosed is kept;
- counts and mirrored fields of Y and Z are checked against what was read, never believed.

Stated limits, beside the 80 columns of a record: ``MAX_PROBLEMS`` and ``MAX_TRANSACTION``. The same shipper and
contact stand in many entries: a line seen a moment ago is not read again (``REPEATED``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from schemas.catair.applications import (
    Application,
    applications,
    is_from_cbp,
    is_laid_out,
    layout_within,
    looks_outgoing,
)
from schemas.catair.cutting import Cutter, Source
from schemas.catair.frames import Batch, Block, PlacedRecord, Transaction
from schemas.catair.problems import Findings, PlacedProblem, too_long
from schemas.catair.records import Record, read_record
from schemas.catair.usage import map_for, remedy_of, unfitting
from schemas.catair.writing import labelled

MAX_TRANSACTION: Final = 100_000
"""Records that are held of one transaction, some 80 MB. The rest is read, not kept, its order not checked."""
REPEATED: Final = 1024
"""Lines whose reading is remembered."""

REFERENCE: Final = "CBP CATAIR Batch and Block Control rev 23"

_MIRRORED_BLOCK: Final = (
    ("processing_district_port_code", 4),
    ("processing_filer_code", 8),
    ("application_identifier_code", 11),
    ("processing_filer_office_code", 45),
)
_MIRRORED_BATCH: Final = (
    ("sender_receiver_site_code", 2),
    ("sender_receiver_id_code", 6),
    ("transmission_date", 15),
    ("sender_receiver_office_code", 38),
)


class Engine:
    """The state of one reading."""

    def __init__(self, source: Source, *, keep: bool) -> None:
        self.cutter = Cutter(source)
        self.keeps = keep
        self.batches: list[Batch] = []
        self.findings = Findings()
        self.number = 0
        self.batch: Batch | None = None
        self.block: Block | None = None
        self.transaction: Transaction | None = None
        self.closed: Transaction | None = None
        self.application: Application | None = None
        self.starts: tuple[str, ...] = ()
        self.opened = [0, 0, 0]  # batches of the file, blocks of the batch, transactions of the block
        self.block_start = 0
        self.strange = False  # the open transaction holds a record without a table
        self.missing_tables: set[str] = set()
        self.known: dict[str, tuple[Record, tuple[PlacedProblem, ...]]] = {}

    def run(self) -> Iterator[PlacedRecord]:
        """Every record, each as soon as it has been put in its place."""
        pieces = iter(self.cutter)
        first = next(pieces, None)
        if self.cutter.empty:
            self.problem("X01", "", "The file is empty.", "Send a batch: A, B, records, Y, Z.")
            return
        if self.cutter.marked:
            self.problem("X40", "", "The file begins with a byte order mark.", "Send plain ASCII.")
        last_trimmed = False
        for offset, line, trimmed, surplus, lost in chain((first,), pieces) if first else ():
            if self.findings.full:
                return
            if not line:
                self.warning("blank_line", f"There is an empty line after record {self.number}.", "Take it out.")
                continue
            self.number += 1
            last_trimmed = trimmed
            if surplus:
                text = f"The record has {surplus} spaces after column 80."
                self.warning("record_length", text, "Send 80 columns.", column=81)
            yield self.take(offset, line, trimmed, lost)
        if last_trimmed and not self.cutter.separated:
            text = "The last record is shorter than 80 columns, and records have no separators."
            self.problem("X42", "", text, "Fill the last record with spaces.")
        self.close_batch("the file ends")

    def ended(self) -> Transaction | None:
        """The transaction that ended since this was asked last."""
        done, self.closed = self.closed, None
        return done

    # -- records -------------------------------------------------------------------------------

    def take(self, offset: int, line: str, trimmed: bool, lost: int = 0) -> PlacedRecord:
        """Put one record in its place; ``lost`` columns of its line stand behind column 80."""
        first = line[0]
        if first == "A":
            self.begin_batch(line)
        record, found = self.known.get(line) or self.understand(line)
        if lost:
            found = (*found, too_long(record.layout, lost, REFERENCE))
        placed = tuple.__new__(
            PlacedRecord, (record, self.number, offset, line, trimmed, self.at_hand(record, found) if found else found)
        )
        if first in "ABYZ":
            self.control(first, placed)
        elif self.transaction is None or not record.layout or record.layout in self.starts:
            self.add_record(placed)
        elif len(self.transaction.records) < MAX_TRANSACTION:
            self.transaction.records.append(placed)
        else:
            self.too_long(placed)
        return placed

    def understand(self, line: str) -> tuple[Record, tuple[PlacedProblem, ...]]:
        """Read one record, and remember it for when it comes again."""
        if len(self.known) >= REPEATED:
            self.known.clear()
        family = self.application.layouts if self.application else ""
        outgoing = self.batch.outgoing if self.batch else looks_outgoing(line)
        layout = layout_within(line, family, "in" if outgoing else "out")
        read = read_record(line, layout) if layout else (Record("", {"text": line.rstrip(" ")}), ())
        self.known[line] = read
        return read

    def at_hand(self, record: Record, found: Sequence[PlacedProblem]) -> tuple[PlacedProblem, ...]:
        """The record's own problems, seen from the place it is about to take."""
        block, transaction = self.place()
        if record.layout[:1] in tuple("ABYZ"):
            transaction = 0
        elif not transaction or record.layout in self.starts:
            transaction += 1
        problems = tuple(one.at(self.number, block, transaction) for one in found)
        self.keep(problems)
        return problems

    def add_record(self, placed: PlacedRecord) -> None:
        """A record that opens a transaction, or that has no table."""
        if self.block is None:
            self.problem("X03", "B", "A record stands outside any block.", "Open the block with a B record.")
            self.new_block(self.need_batch(), None)
            self.block_start = self.number
        layout = placed.record.layout
        if not self.opened[2] or layout in self.starts:
            self.close_transaction()
            self.opened[2] += 1
            self.transaction = Transaction(number=self.opened[2], block=self.block)
            if self.keeps and self.block is not None:
                self.block.transactions.append(self.transaction)
            if self.starts and layout not in self.starts:
                text = f"The transaction does not begin with {' or '.join(self.starts)}."
                self.problem("X33", layout, text, "Begin it with its header record.")
        if self.transaction is not None and len(self.transaction.records) < MAX_TRANSACTION:
            self.transaction.records.append(placed)
        else:
            self.too_long(placed)
        if not layout:
            self.strange = True
            self.without_table(placed)

    def too_long(self, placed: PlacedRecord) -> None:
        """The transaction is at its limit; said once, at the first record too many."""
        transaction = self.transaction
        if transaction is None or any(one.code == "transaction_too_long" for one in transaction.problems):
            return
        text = f"The transaction has more than {MAX_TRANSACTION} records; the rest is not kept, its order not checked."
        made = self.made("transaction_too_long", placed.layout, text, "Divide it, if CBP lets you.", 0)
        transaction.problems.append(made)
        self.keep([made])

    def without_table(self, placed: PlacedRecord) -> None:
        """A record that has no layout: of an application known by name only, or not known at all."""
        begin = placed.line[:4].rstrip(" ")
        if self.application is not None and not self.application.starts:
            if self.application.code not in self.missing_tables:
                self.missing_tables.add(self.application.code)
                text = f"Records of application {self.application.code} ({self.application.name}) are kept as they are."
                self.warning("not_laid_out", text, "Nothing to mend.", begin)
        elif not is_laid_out(begin):
            text = f"Record {begin!r} is kept as it is, without its fields."
            self.warning("not_laid_out", text, "Nothing to mend.", begin)
        elif self.batch is None or not self.application or not self.application.maps:
            self.problem("X34", begin, f"There is no record {begin!r}.", "Send known records only.")

    # -- envelope ------------------------------------------------------------------------------

    def control(self, letter: str, placed: PlacedRecord) -> None:
        """An A, B, Y or Z record, wherever it stands."""
        if letter == "A":
            self.open_batch(placed)
        elif letter == "B":
            self.open_block(placed)
        elif letter == "Y":
            self.end_block(placed)
        else:
            self.end_batch(placed)

    def begin_batch(self, line: str) -> None:
        """An A record closes what is open and decides how it is itself read."""
        self.close_batch("a new batch begins")
        self.new_batch(outgoing=not is_from_cbp(line))

    def new_batch(self, outgoing: bool) -> Batch:
        self.opened = [self.opened[0] + 1, 0, 0]
        self.batch = Batch(outgoing=outgoing, first_record=self.number, number=self.opened[0])
        if self.keeps:
            self.batches.append(self.batch)
        self.carry(None)
        return self.batch

    def carry(self, application: Application | None) -> None:
        """From here on records are those of this application, and lines are read anew."""
        self.application = application
        self.known.clear()
        self.starts = application.starts if application else ()

    def open_batch(self, placed: PlacedRecord) -> None:
        batch = self.need_batch()
        batch.header = placed
        path = "A.application_identifier_code"
        code = batch.application = placed.record.text("application_identifier_code")
        self.carry(applications().get(code))
        if not code:
            batch.rejected = not batch.outgoing
            if batch.outgoing:
                self.problem("X11", path, "The application code is missing.", "Give it.", column=26)
        elif self.application is None:
            text = f"{code!r} is not a known application code."
            self.problem("X12", path, text, "Use a code of the application list.", column=26)

    def need_batch(self) -> Batch:
        if self.batch is None:
            self.problem("X01", "A", "There is no A record before this record.", "Begin the batch with an A record.")
            return self.new_batch(outgoing=True)
        return self.batch

    def new_block(self, batch: Batch, header: PlacedRecord | None) -> None:
        self.opened[1:] = [self.opened[1] + 1, 0]
        self.block = Block(header, number=self.opened[1], batch=batch)
        self.block_start = self.number + 1
        if self.keeps:
            batch.blocks.append(self.block)

    def open_block(self, placed: PlacedRecord) -> None:
        batch = self.need_batch()
        if self.block is not None:
            self.close_block("another block begins")
        self.new_block(batch, placed)
        code = placed.record.text("application_identifier_code")
        if batch.header is None and self.application is None:
            self.carry(applications().get(code))
            batch.application = code
        if code != batch.application and placed.layout != "B.gen":
            text = f"The block's application {code!r} is not the batch's, {batch.application!r}."
            self.problem("X19", "B.application_identifier_code", text, "Use one application for a batch.", column=11)
        if batch.rejected and placed.layout != "B.gen":
            text = "A rejected batch has a generated B record."
            self.warning("wrong_constant", text, "Nothing to mend.", "B", column=80)

    def end_block(self, placed: PlacedRecord) -> None:
        self.need_batch()
        if self.block is None:
            text = "A Y record closes a block that was not opened."
            self.problem("X03", "Y", text, "Open the block with a B record.")
            return
        self.block.trailer = placed
        self.check_mirror(self.block.header, placed, "X32", _MIRRORED_BLOCK)
        said = placed.record.values.get("output_transaction_image_count")
        counted = self.number - self.block_start
        if isinstance(said, int) and said != counted:
            text = f"The Y record counts {said} records; the block has {counted}."
            path = "Y.output_transaction_image_count"
            self.problem("count_mismatch", path, text, "Ask for the block again.", column=13)
        self.close_block("")

    def end_batch(self, placed: PlacedRecord) -> None:
        batch = self.need_batch()
        self.close_block("the batch ends")
        batch.trailer = placed
        if not self.opened[1]:
            self.problem("X03", "B", "The batch has no block.", "Send at least one block.")
        if placed.layout != "Z.gen":
            self.check_mirror(batch.header, placed, "X14", _MIRRORED_BATCH)
        self.batch = None
        self.carry(None)

    def close_batch(self, why: str) -> None:
        if self.batch is None:
            return
        self.close_block(why)
        self.problem("X06", "Z", f"The Z record is missing: {why}.", "End the batch with a Z record.")
        self.batch = None
        self.carry(None)

    def close_block(self, why: str) -> None:
        if self.block is None:
            return
        self.close_transaction()
        if why:
            self.problem("X05", "Y", f"The Y record is missing: {why}.", "End the block with a Y record.")
        if not self.opened[2]:
            self.problem("X04", "B", "The block has no transaction.", "Send at least one transaction.")
        limit = self.application.transactions if self.application else None
        if limit is not None and self.opened[2] > limit:
            text = f"The block has {self.opened[2]} transactions; {limit} are allowed."
            self.problem("X36", "B", text, "Divide them over several blocks.")
        self.block = None

    def close_transaction(self) -> None:
        """Check order and repetition of the transaction that ends here."""
        transaction, self.transaction = self.transaction, None
        strange, self.strange = self.strange, False
        self.closed = transaction or self.closed
        if transaction is None or transaction.problems or self.application is None or not self.application.maps:
            return
        placed = transaction.records
        if strange:
            placed = [one for one in placed if one.layout or is_laid_out(one.line[:4])]
            records = [one.record if one.layout else Record(one.line[:4].rstrip(" "), {}) for one in placed]
        else:
            records = [one.record for one in placed]
        if not records or records[0].layout not in self.starts:
            return
        block, index = self.place()
        usage = map_for(self.application, records)
        if usage is None:
            key, text, remedy, column = unfitting(self.application, records[0])
            at = f"{records[0].layout}.{key}".rstrip(".")
            problem = PlacedProblem("unknown_action", at, text, remedy, REFERENCE, column=column)
            transaction.problems.append(problem.at(placed[0].number, block, index))
        else:
            faults = usage.check(records)
            labels = labelled(records) if faults else []
            for fault in faults:
                about = fault.about if fault.code == "X37" else labels[fault.index]
                problem = PlacedProblem(fault.code, about, fault.text, remedy_of(fault), usage.source)
                transaction.problems.append(problem.at(placed[fault.index].number, block, index))
        self.keep(transaction.problems)

    def check_mirror(
        self, head: PlacedRecord | None, tail: PlacedRecord, code: str, keys: Sequence[tuple[str, int]]
    ) -> None:
        """A trailer repeats what its header said."""
        if head is None or tail.layout.endswith(".gen") or head.layout.endswith(".gen"):
            return
        for key, column in keys:
            before, after = head.record.values.get(key), tail.record.values.get(key)
            if before != after:
                letter, opened = tail.layout[:1], head.layout[:1]
                text = f"{letter} says {after!s} where {opened} said {before!s}."
                self.problem(code, f"{letter}.{key}", text, f"Repeat what {opened} says.", column=column)

    # -- problems ------------------------------------------------------------------------------

    def place(self) -> tuple[int, int]:
        """Numbers of the open block and transaction, from 1; 0 for none."""
        if self.batch is None or self.block is None:
            return 0, 0
        return self.opened[1], self.opened[2]

    def problem(self, code: str, path: str, text: str, remedy: str, column: int = 0) -> None:
        self.keep([self.made(code, path, text, remedy, column)])

    def warning(self, code: str, text: str, remedy: str, path: str = "", column: int = 0) -> None:
        self.keep([PlacedProblem(code, path, text, remedy, REFERENCE, "warning", self.number, column)])

    def made(self, code: str, path: str, text: str, remedy: str, column: int) -> PlacedProblem:
        block, transaction = self.place()
        return PlacedProblem(
            code, path, text, remedy, REFERENCE, record=self.number, column=column, block=block, transaction=transaction
        )

    def keep(self, problems: Sequence[PlacedProblem]) -> None:
        """List problems; with more than ``MAX_PROBLEMS`` reading stops."""
        self.findings.keep(problems, self.number)
