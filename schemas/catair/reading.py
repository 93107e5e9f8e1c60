"""What is in these bytes? Batches, blocks, transactions, records, and everything wrong with them.

:func:`read_batches` takes any bytes and never raises: what can be understood becomes values, the
rest becomes problems with record number and column. Rules:

- records may be separated by LF, CRLF or CR, or not at all (cut every 80 columns); a line whose
  trailing spaces were trimmed is filled up again, and that is remembered (``trimmed``);
- the application code of A decides the direction and the usage maps; a blank one is CBP refusing a
  batch, whose B, Y and Z are then generated ones;
- a missing or unexpected control record is one problem; what it should have enclosed is kept;
- counts and mirrored fields of Y and Z are checked against what was read, never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.catair.applications import Application, applications, layout_of
from schemas.catair.codes import code_text
from schemas.catair.frames import (
    BYTE_ORDER_MARK,
    Batch,
    Block,
    CatairFile,
    PlacedRecord,
    Transaction,
    has_separators,
    split_records,
)
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record, read_record
from schemas.catair.usage import is_laid_out, map_for
from schemas.catair.writing import labelled

MAX_PROBLEMS: Final = 2000
"""More than this many problems are not listed one by one: such a file is not CATAIR."""

REFERENCE: Final = "CBP CATAIR Batch and Block Control rev 23"


def read_batches(data: bytes) -> CatairFile:
    """Read a file of one or more batches, in either direction. Never raises for its content."""
    reader = _Reader()
    reader.run(data)
    return reader.file


class _Reader:
    """The state of one reading: which batch, block and transaction is open."""

    def __init__(self) -> None:
        self.file = CatairFile()
        self.batch: Batch | None = None
        self.block: Block | None = None
        self.transaction: Transaction | None = None
        self.application: Application | None = None
        self.number = 0
        self.block_start = 0
        self.stopped = False
        self.missing_tables: set[str] = set()

    def run(self, data: bytes) -> None:
        """Read everything."""
        if not data.strip(b" \r\n\t"):
            self.problem("X01", "", "The file is empty.", "Send a batch: A, B, records, Y, Z.")
            return
        if data.startswith(BYTE_ORDER_MARK):
            self.problem("X40", "", "The file begins with a byte order mark.", "Send plain ASCII.")
        separated = has_separators(data)
        last_trimmed = False
        for offset, line, trimmed, surplus in split_records(data):
            if self.stopped:
                return
            if not line:
                self.warning("blank_line", "", f"There is an empty line after record {self.number}.", "Take it out.")
                continue
            self.number += 1
            last_trimmed = trimmed
            if surplus:
                self.warning(
                    "record_length",
                    "",
                    f"The record has {surplus} spaces after column 80.",
                    "Send 80 columns.",
                    column=81,
                )
            self.take(offset, line, trimmed)
        if last_trimmed and not separated:
            text = "The last record is shorter than 80 columns, and records have no separators."
            self.problem("X42", "", text, "Fill the last record with spaces.")
        self.close_batch("the file ends")

    # -- records -------------------------------------------------------------------------------

    def take(self, offset: int, line: str, trimmed: bool) -> None:
        first = line[0]
        if first == "A":
            self.open_batch(offset, line, trimmed)
        elif first == "B":
            self.open_block(self.placed(offset, line, trimmed))
        elif first == "Y":
            self.end_block(self.placed(offset, line, trimmed))
        elif first == "Z":
            self.end_batch(self.placed(offset, line, trimmed))
        else:
            self.add_record(self.placed(offset, line, trimmed))

    def placed(self, offset: int, line: str, trimmed: bool) -> PlacedRecord:
        """Read one record and keep it with its problems."""
        layout = layout_of(line, outgoing=self.batch.outgoing if self.batch else _looks_outgoing(line))
        problems: tuple[PlacedProblem, ...] = ()
        if layout:
            record, found = read_record(line, layout)
            if found:
                block, transaction = self.place_of(layout)
                problems = tuple(one.at(self.number, block, transaction) for one in found)
        else:
            record = Record("", {"text": line.rstrip(" ")})
        placed = PlacedRecord(record, self.number, offset, line, trimmed, problems)
        self.file.records.append(placed)
        self.keep(problems)
        return placed

    def add_record(self, placed: PlacedRecord) -> None:
        """A record that is not a control record."""
        block = self.block
        if block is None:
            self.problem("X03", "B", "A record stands outside any block.", "Open the block with a B record.")
            block = Block()
            self.need_batch().blocks.append(block)
            self.block, self.block_start = block, self.number
        starts = self.application.starts if self.application else ()
        opens = not block.transactions or placed.layout in starts
        if opens:
            self.close_transaction()
            self.transaction = Transaction()
            block.transactions.append(self.transaction)
            if starts and placed.layout not in starts:
                text = f"The transaction does not begin with {' or '.join(starts)}."
                self.problem("X33", placed.layout, text, "Begin it with its header record.")
        if self.transaction is not None:
            self.transaction.records.append(placed)
        if not placed.layout:
            self.without_table(placed)

    def without_table(self, placed: PlacedRecord) -> None:
        """A record that has no layout: of an application known by name only, or not known at all."""
        begin = placed.line[:4].rstrip(" ")
        if self.application is not None and not self.application.starts:
            if self.application.code not in self.missing_tables:
                self.missing_tables.add(self.application.code)
                text = f"Records of application {self.application.code} ({self.application.name}) are kept as they are."
                self.warning("not_laid_out", begin, text, "Nothing to mend.")
        elif not is_laid_out(begin):
            self.warning(
                "not_laid_out", begin, f"Record {begin!r} is kept as it is, without its fields.", "Nothing to mend."
            )
        elif self.batch is None or not self.application or not self.application.maps:
            self.problem("X34", begin, f"There is no record {begin!r}.", "Send known records only.")

    # -- envelope ------------------------------------------------------------------------------

    def open_batch(self, offset: int, line: str, trimmed: bool) -> None:
        """An A record, wherever it stands."""
        self.close_batch("a new batch begins")
        self.batch = Batch(outgoing=not _is_from_cbp(line), first_record=self.number)
        self.file.batches.append(self.batch)
        placed = self.placed(offset, line, trimmed)
        self.batch.header = placed
        code = placed.record.text("application_identifier_code")
        self.batch.application = code
        self.application = applications().get(code)
        if not code:
            self.batch.rejected = not self.batch.outgoing
            if self.batch.outgoing:
                self.problem(
                    "X11", "A.application_identifier_code", "The application code is missing.", "Give it.", column=26
                )
        elif self.application is None:
            text = f"{code!r} is not a known application code."
            self.problem("X12", "A.application_identifier_code", text, "Use a code of the application list.", column=26)

    def need_batch(self) -> Batch:
        if self.batch is None:
            self.problem("X01", "A", "There is no A record before this record.", "Begin the batch with an A record.")
            self.batch = Batch(first_record=self.number)
            self.file.batches.append(self.batch)
            self.application = None
        return self.batch

    def open_block(self, placed: PlacedRecord) -> None:
        batch = self.need_batch()
        if self.block is not None:
            self.close_block("another block begins")
        self.block = Block(header=placed)
        self.block_start = self.number + 1
        batch.blocks.append(self.block)
        code = placed.record.text("application_identifier_code")
        if batch.header is None and self.application is None:
            self.application = applications().get(code)
            batch.application = code
        if code != batch.application and placed.layout != "B.gen":
            text = f"The block's application {code!r} is not the batch's, {batch.application!r}."
            self.problem("X19", "B.application_identifier_code", text, "Use one application for a batch.", column=11)
        if batch.rejected and placed.layout != "B.gen":
            self.warning(
                "wrong_constant", "B", "A rejected batch has a generated B record.", "Nothing to mend.", column=80
            )

    def end_block(self, placed: PlacedRecord) -> None:
        self.need_batch()
        if self.block is None:
            self.problem(
                "X03", "Y", "A Y record closes a block that was not opened.", "Open the block with a B record."
            )
            return
        self.block.trailer = placed
        self.check_mirror(self.block.header, placed, "X32", _MIRRORED_BLOCK)
        said = placed.record.values.get("output_transaction_image_count")
        counted = self.number - self.block_start
        if isinstance(said, int) and said != counted:
            text = f"The Y record counts {said} records; the block has {counted}."
            self.problem(
                "count_mismatch", "Y.output_transaction_image_count", text, "Ask for the block again.", column=13
            )
        self.close_block("")

    def end_batch(self, placed: PlacedRecord) -> None:
        batch = self.need_batch()
        self.close_block("the batch ends")
        batch.trailer = placed
        if not batch.blocks:
            self.problem("X03", "B", "The batch has no block.", "Send at least one block.")
        if placed.layout != "Z.gen":
            self.check_mirror(batch.header, placed, "X14", _MIRRORED_BATCH)
        self.batch = self.application = None

    def close_batch(self, why: str) -> None:
        if self.batch is None:
            return
        self.close_block(why)
        self.problem("X06", "Z", f"The Z record is missing: {why}.", "End the batch with a Z record.")
        self.batch = self.application = None

    def close_block(self, why: str) -> None:
        if self.block is None:
            return
        self.close_transaction()
        if why:
            self.problem("X05", "Y", f"The Y record is missing: {why}.", "End the block with a Y record.")
        if not self.block.transactions:
            self.problem("X04", "B", "The block has no transaction.", "Send at least one transaction.")
        limit = self.application.transactions if self.application else None
        if limit is not None and len(self.block.transactions) > limit:
            text = f"The block has {len(self.block.transactions)} transactions; {limit} are allowed."
            self.problem("X36", "B", text, "Divide them over several blocks.")
        self.block = None

    def close_transaction(self) -> None:
        """Check order and repetition of the transaction that ends here."""
        transaction, self.transaction = self.transaction, None
        if transaction is None or self.application is None or not self.application.maps:
            return
        laid_out = [one for one in transaction.records if one.layout or is_laid_out(one.line)]
        records = [
            one.record if one.layout else Record(one.line[:4].rstrip(" "), one.record.values) for one in laid_out
        ]
        if not records or records[0].layout not in self.application.starts:
            return
        block, index = self.place()
        labels = labelled(records)
        usage = map_for(self.application, records)
        if usage is None:
            action = records[0].text("valid_action_code")
            problem = PlacedProblem(
                "unknown_action",
                f"{records[0].layout}.valid_action_code",
                f"No usage map fits action {action!r}.",
                "Use A, R, U or D.",
                record=laid_out[0].number,
                column=5,
                block=block,
                transaction=index,
            )
            transaction.problems.append(problem)
        else:
            for fault in usage.check(records):
                transaction.problems.append(
                    PlacedProblem(
                        fault.code,
                        fault.about if fault.code == "X37" else labels[fault.index],
                        fault.text,
                        code_text("batch_conditions", fault.code),
                        usage.source,
                        record=laid_out[fault.index].number,
                        block=block,
                        transaction=index,
                    )
                )
        self.keep(transaction.problems)

    def check_mirror(
        self, head: PlacedRecord | None, tail: PlacedRecord, code: str, keys: Sequence[tuple[str, int]]
    ) -> None:
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
        return len(self.batch.blocks), len(self.block.transactions)

    def place_of(self, layout: str) -> tuple[int, int]:
        """The place a record of this layout is about to take."""
        block, transaction = self.place()
        if layout[0] in "ABYZ":
            return block, 0
        starts = self.application.starts if self.application else ()
        return block, transaction + 1 if not transaction or layout in starts else transaction

    def problem(self, code: str, path: str, text: str, remedy: str, column: int = 0) -> None:
        self.keep([self.made(code, path, text, remedy, column)])

    def warning(self, code: str, path: str, text: str, remedy: str, column: int = 0) -> None:
        made = self.made(code, path, text, remedy, column)
        self.keep([PlacedProblem(made.code, path, text, remedy, REFERENCE, "warning", made.record, column)])

    def made(self, code: str, path: str, text: str, remedy: str, column: int) -> PlacedProblem:
        block, transaction = self.place()
        return PlacedProblem(
            code, path, text, remedy, REFERENCE, record=self.number, column=column, block=block, transaction=transaction
        )

    def keep(self, problems: Sequence[PlacedProblem]) -> None:
        if self.stopped:
            return
        self.file.problems.extend(problems)
        if len(self.file.problems) > MAX_PROBLEMS:
            del self.file.problems[MAX_PROBLEMS:]
            text = f"More than {MAX_PROBLEMS} problems; reading stops at record {self.number}."
            self.file.problems.append(
                PlacedProblem("too_many_problems", "", text, "Check that this is a CATAIR file.", record=self.number)
            )
            self.stopped = True


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


def _is_from_cbp(line: str) -> bool:
    """An A record comes from CBP when its application does, or it has neither that nor a password."""
    code = line[25:27].strip(" ")
    known = applications().get(code)
    if known is not None:
        return known.direction == "out"
    return not line[8:14].strip(" ")


def _looks_outgoing(line: str) -> bool:
    """Direction of a control record that stands alone, before any A."""
    known = applications().get(line[10:12])
    return known is None or known.direction == "in"
