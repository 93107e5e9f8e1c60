"""How do transactions become a batch, and a refusal become CBP's rejected batch?

Envelope (CBP CATAIR Batch and Block Control rev 23): one A and one Z around blocks of B and Y, one
application code in all of them, the filer code of B in every entry of the block, and, from CBP,
the number of records between B and Y in Y. The record separator belongs to the transport, not to
the format: it is written after every record, ``b""`` writes none.

A batch is written whole or not at all: everything wrong with it is in the one FormatError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.catair.applications import Application, applications, layout_within
from schemas.catair.layouts import RECORDS, Direction
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record, rec, render
from schemas.catair.usage import map_for, remedy_of, unfitting
from schemas.errors import FormatError, Problem

REFERENCE: Final = "CBP CATAIR Batch and Block Control rev 23"


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """One block to write: port and filer of its B record, and its transactions (lists of records).

    ``user_data`` (21 columns) comes back in the answering B record. Preparer fields stay empty
    unless another office prepared the entries.
    """

    port: str
    filer: str
    user_data: str = ""
    transactions: Sequence[Sequence[Record]] = ()
    office: str = ""
    preparer_port: str = ""
    preparer_filer: str = ""
    preparer_office: str = ""
    preparer_indicator: str = ""


class _Sheet:
    """Records as they are written, numbered, with the problems found on the way.

    ``family`` and ``direction`` say how a reader of this batch will look at its records.
    """

    def __init__(self, family: str, direction: Direction) -> None:
        self.family = family
        self.direction = direction
        self.lines: list[str] = []
        self.problems: list[Problem] = []

    def add(self, record: Record, label: str, block: int = 0) -> None:
        """Write one record of the envelope."""
        self.place(self.write(record), record.layout, label, block)

    def write(self, record: Record) -> Sequence[Problem]:
        """Write one record, and say what is wrong with it; a wrong one takes its number all the same."""
        try:
            line = render(record)
        except FormatError as refused:
            self.lines.append("")
            return refused.problems
        self.lines.append(line)
        found = layout_within(line, self.family, self.direction)
        if found == record.layout:
            return ()
        text = f"As it stands, the record would be read as {found}."
        remedy = f"Make it a {found} record, or change what chooses between the two."
        source = RECORDS[record.layout].source
        return (PlacedProblem("wrong_layout", record.layout, text, remedy, source),)

    def place(self, problems: Sequence[Problem], layout: str, label: str, block: int, transaction: int = 0) -> None:
        """Note the problems of the record written last, under the name it has in its transaction."""
        for problem in problems:
            if isinstance(problem, PlacedProblem):
                path = problem.path.replace(layout, label, 1)
                self.problems.append(problem.at(len(self.lines), block, transaction, path))

    def wrong(self, code: str, path: str, text: str, remedy: str, **place: int) -> None:
        """Note a problem that is not one record's own."""
        place.setdefault("record", len(self.lines) + 1)
        self.problems.append(PlacedProblem(code, path, text, remedy, REFERENCE, **place))  # type: ignore[arg-type]

    def bytes_with(self, separator: bytes) -> bytes:
        """The file; raises FormatError when anything was wrong."""
        if self.problems:
            raise FormatError(self.problems)
        between = separator.decode("latin-1")
        return (between.join(self.lines) + between).encode("latin-1")


def write_batch(
    application: str,
    site: str,
    sender: str,
    password: str,
    blocks: Iterable[BlockSpec],
    transmission_date: date | None = None,
    user_data: str = "",
    record_separator: bytes = b"\n",
    *,
    direction: Direction = "in",
    office: str = "",
) -> bytes:
    """The bytes of one batch.

    ``application`` such as ``SE`` (direction ``in``, to CBP) or ``SX``, ``SO`` (``out``, from CBP);
    ``site`` (4), ``sender`` (3), ``password`` (6; must be empty for ``out``) and ``user_data`` (21)
    go to A. Raises FormatError with all problems: of values (path ``SE10.estimated_entry_value``,
    ``SE15[2].quantity`` for the second SE15 of a transaction), of order and repetition by the usage
    map of each transaction's action, and of the envelope.
    """
    known = applications().get(application)
    sheet = _Sheet(known.layouts if known else "", direction)
    if known is None or known.direction != direction:
        sheet.wrong(
            "X12",
            "A.application_identifier_code",
            f"{application!r} is not an application for direction {direction!r}.",
            "Use a code of applications().",
        )
    if password and direction == "out":
        sheet.wrong("X39", "A.communication_password", "CBP never sends a password back.", "Leave it empty.")
    head: dict[str, str | date | None] = {
        "sender_receiver_site_code": site,
        "sender_receiver_id_code": sender,
        "transmission_date": transmission_date,
        "sender_receiver_office_code": office,
    }
    first = {**head, "application_identifier_code": application, "transmitter_s_user_data_text": user_data}
    if direction == "in":
        first["communication_password"] = password
    sheet.add(rec(f"A.{direction}", **first), "A")
    empty = True
    for number, block in enumerate(blocks, 1):
        empty = False
        _write_block(sheet, block, number, application, known, direction)
    if empty:
        sheet.wrong("X03", "B", "A batch has at least one block.", "Give at least one BlockSpec.")
    sheet.add(rec(f"Z.{direction}", **head), "Z")
    return sheet.bytes_with(record_separator)


def write_rejection(
    site: str,
    sender: str,
    conditions: Sequence[Record],
    transmission_date: date | None = None,
    user_data: str = "",
    record_separator: bytes = b"\n",
    *,
    office: str = "",
) -> bytes:
    """The batch with which CBP refuses a whole batch: blank application, generated B, Y and Z.

    ``conditions`` are X0 and X1 records, the last one the final X1 (``R``, ``F``, ``999``).
    """
    sheet = _Sheet("", "out")
    first = rec(
        "A.out",
        sender_receiver_site_code=site,
        sender_receiver_id_code=sender,
        transmission_date=transmission_date,
        sender_receiver_office_code=office,
        transmitter_s_user_data_text=user_data,
    )
    sheet.add(first, "A")
    sheet.add(rec("B.gen"), "B")
    for record in conditions:
        if record.layout not in ("X0", "X0.BLOCK", "X0.TRNACT", "X1"):
            sheet.wrong("X34", record.layout, "A rejection holds X0 and X1 records only.", "Leave it out.")
        sheet.add(record, record.layout, 1)
    if not conditions or conditions[-1].text("disposition_type_code") != "R":
        sheet.wrong("X37", "X1", "A rejection ends with the final X1 (R, F, 999).", "Add it.")
    sheet.add(rec("Y.gen", output_transaction_image_count=len(conditions)), "Y")
    sheet.add(rec("Z.gen"), "Z")
    return sheet.bytes_with(record_separator)


def _write_block(
    sheet: _Sheet, block: BlockSpec, number: int, application: str, known: Application | None, direction: Direction
) -> None:
    mirrored: dict[str, str | int] = {
        "processing_district_port_code": block.port,
        "processing_filer_code": block.filer,
        "application_identifier_code": application,
        "processing_filer_office_code": block.office,
    }
    header = rec(
        f"B.{direction}",
        **mirrored,
        preparer_district_port_code=block.preparer_port,
        preparer_filer_code=block.preparer_filer,
        preparer_office_code=block.preparer_office,
        preparer_indicator=block.preparer_indicator,
        filer_preparer_s_user_data_text=block.user_data,
    )
    sheet.add(header, "B", number)
    if not block.transactions:
        sheet.wrong("X04", "B", "A block has at least one transaction.", "Give its transactions.", block=number)
    limit = known.transactions if known else None
    if limit is not None and len(block.transactions) > limit:
        text = f"The block has {len(block.transactions)} transactions; {limit} are allowed."
        sheet.wrong("X36", "B", text, "Divide them over several blocks.", block=number)
    before = len(sheet.lines)
    for index, records in enumerate(block.transactions, 1):
        _write_transaction(sheet, block, records, number, index, known)
    if direction == "out":
        mirrored["output_transaction_image_count"] = len(sheet.lines) - before
    sheet.add(rec(f"Y.{direction}", **mirrored), "Y", number)


def _write_transaction(
    sheet: _Sheet, block: BlockSpec, records: Sequence[Record], number: int, index: int, known: Application | None
) -> None:
    start = len(sheet.lines) + 1
    place = {"block": number, "transaction": index}
    if not records:
        sheet.wrong("X33", "", "A transaction has at least one record.", "Give its records.", **place)
        return
    if known is not None and known.maps:
        _check_order(sheet, records, number, index, known)
    filer = records[0].text("entry_filer_code")
    if filer and filer != block.filer:
        text = f"The entry's filer code {filer!r} is not that of its block, {block.filer!r}."
        path = f"{records[0].layout}.entry_filer_code"
        sheet.wrong("filer_mismatch", path, text, "Put it in a block of its own filer.", record=start, **place)
    for at, record in enumerate(records):
        problems = sheet.write(record)
        if problems:
            sheet.place(problems, record.layout, labelled(records)[at], number, index)


def _check_order(sheet: _Sheet, records: Sequence[Record], number: int, index: int, known: Application) -> None:
    """The usage map of the transaction, obeyed as a reader would have it."""
    start = len(sheet.lines) + 1
    usage = map_for(known, records)
    if usage is None:
        key, text, remedy, column = unfitting(known, records[0])
        path = f"{records[0].layout}.{key}".rstrip(".")
        sheet.wrong("unknown_action", path, text, remedy, block=number, transaction=index, column=column)
        return
    faults = usage.check(records)
    labels = labelled(records) if faults else []
    for fault in faults:
        path = fault.about if fault.code == "X37" else labels[fault.index]
        at = {"record": start + fault.index, "block": number, "transaction": index}
        sheet.wrong(fault.code, path, fault.text, f"{remedy_of(fault)} See {usage.source}.", **at)


def labelled(records: Sequence[Record]) -> list[str]:
    """A name for each record of a transaction: its layout, with ``[2]`` on for the second of its kind."""
    seen: Counter[str] = Counter()
    labels = []
    for record in records:
        seen[record.layout] += 1
        count = seen[record.layout]
        labels.append(record.layout if count == 1 else f"{record.layout}[{count}]")
    return labels
