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
from typing import Final, Literal

from schemas.catair.applications import Application, applications
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record, rec, write_record
from schemas.catair.usage import map_for
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
    """Records as they are written, numbered, with the problems found on the way."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.problems: list[Problem] = []

    def add(self, record: Record, block: int = 0, transaction: int = 0, label: str = "") -> None:
        """Write one record; a record that cannot be written takes its number all the same."""
        number = len(self.lines) + 1
        try:
            self.lines.append(write_record(record))
        except FormatError as refused:
            self.lines.append(b"")
            for problem in refused.problems:
                if isinstance(problem, PlacedProblem):
                    path = problem.path.replace(record.layout, label, 1) if label else problem.path
                    self.problems.append(problem.at(number, block, transaction, path))

    def wrong(self, code: str, path: str, text: str, remedy: str, **place: int) -> None:
        """Note a problem that is not one record's own."""
        place.setdefault("record", len(self.lines) + 1)
        self.problems.append(PlacedProblem(code, path, text, remedy, REFERENCE, **place))  # type: ignore[arg-type]

    def bytes_with(self, separator: bytes) -> bytes:
        """The file; raises FormatError when anything was wrong."""
        if self.problems:
            raise FormatError(self.problems)
        return b"".join(line + separator for line in self.lines)


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
    direction: Literal["in", "out"] = "in",
    office: str = "",
) -> bytes:
    """The bytes of one batch.

    ``application`` such as ``SE`` (direction ``in``, to CBP) or ``SX``, ``SO`` (``out``, from CBP);
    ``site`` (4), ``sender`` (3), ``password`` (6; must be empty for ``out``) and ``user_data`` (21)
    go to A. Raises FormatError with all problems: of values (path ``SE10.estimated_entry_value``,
    ``SE15[2].quantity`` for the second SE15 of a transaction), of order and repetition by the usage
    map of each transaction's action, and of the envelope.
    """
    sheet = _Sheet()
    known = applications().get(application)
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
    sheet.add(rec(f"A.{direction}", **first), label="A")
    empty = True
    for number, block in enumerate(blocks, 1):
        empty = False
        _write_block(sheet, block, number, application, known, direction)
    if empty:
        sheet.wrong("X03", "B", "A batch has at least one block.", "Give at least one BlockSpec.")
    sheet.add(rec(f"Z.{direction}", **head), label="Z")
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
    sheet = _Sheet()
    first = rec(
        "A.out",
        sender_receiver_site_code=site,
        sender_receiver_id_code=sender,
        transmission_date=transmission_date,
        sender_receiver_office_code=office,
        transmitter_s_user_data_text=user_data,
    )
    sheet.add(first, label="A")
    sheet.add(rec("B.gen"), label="B")
    for record in conditions:
        if record.layout not in ("X0", "X0.BLOCK", "X0.TRNACT", "X1"):
            sheet.wrong("X34", record.layout, "A rejection holds X0 and X1 records only.", "Leave it out.")
        sheet.add(record, block=1)
    if not conditions or conditions[-1].text("disposition_type_code") != "R":
        sheet.wrong("X37", "X1", "A rejection ends with the final X1 (R, F, 999).", "Add it.")
    sheet.add(rec("Y.gen", output_transaction_image_count=len(conditions)), label="Y")
    sheet.add(rec("Z.gen"), label="Z")
    return sheet.bytes_with(record_separator)


def _write_block(
    sheet: _Sheet, block: BlockSpec, number: int, application: str, known: Application | None, direction: str
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
    sheet.add(header, block=number, label="B")
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
    sheet.add(rec(f"Y.{direction}", **mirrored), block=number, label="Y")


def _write_transaction(
    sheet: _Sheet, block: BlockSpec, records: Sequence[Record], number: int, index: int, known: Application | None
) -> None:
    start = len(sheet.lines) + 1
    place = {"block": number, "transaction": index}
    if not records:
        sheet.wrong("X33", "", "A transaction has at least one record.", "Give its records.", **place)
        return
    labels = labelled(records)
    if known is not None and known.maps:
        usage = map_for(known, records)
        if usage is None:
            action = records[0].text("valid_action_code")
            text = f"No usage map fits a transaction that begins with {records[0].layout} and action {action!r}."
            sheet.wrong(
                "unknown_action",
                f"{records[0].layout}.valid_action_code",
                text,
                "Begin with the header record and a known action.",
                **place,
            )
        else:
            for fault in usage.check(records):
                path = fault.about if fault.code == "X37" else labels[fault.index]
                sheet.wrong(fault.code, path, fault.text, f"See {usage.source}.", record=start + fault.index, **place)
    filer = records[0].text("entry_filer_code")
    if filer and filer != block.filer:
        text = f"The entry's filer code {filer!r} is not that of its block, {block.filer!r}."
        sheet.wrong(
            "filer_mismatch",
            f"{labels[0]}.entry_filer_code",
            text,
            "Put it in a block of its own filer.",
            record=start,
            **place,
        )
    for record, label in zip(records, labels, strict=True):
        sheet.add(record, number, index, label)


def labelled(records: Sequence[Record]) -> list[str]:
    """A name for each record of a transaction: its layout, with ``[2]`` on for the second of its kind."""
    seen: Counter[str] = Counter()
    labels = []
    for record in records:
        seen[record.layout] += 1
        count = seen[record.layout]
        labels.append(record.layout if count == 1 else f"{record.layout}[{count}]")
    return labels
