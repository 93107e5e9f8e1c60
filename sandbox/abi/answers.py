"""How does CBP say it in CATAIR? Batch rejections (X0/X1), direct answers (SX, C1) and status notifications (SO).

Batch and Block Control rev 23, Cargo Release v40. The password never comes back; an answer repeats the sender's user
text; a notification leaves A's text blank and fills B's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.abi.batch_reader import Batch
from sandbox.abi.conditions import CONDITIONS, Condition, outermost
from sandbox.clock import EASTERN

RECORD_END = "\n"


def columns(name: str, *values: tuple[int, str]) -> str:
    """An 80-column record: ``name`` in column 1, each value at its start column; later values never run into earlier
    ones.
    """
    line = name.ljust(80)
    for start, value in values:
        line = line[: start - 1] + value + line[start - 1 + len(value) :]
    return line[:80]


def text(value: str, length: int) -> str:
    """Left justified, exactly ``length`` columns; a longer text is cut, as CBP's fixed records do."""
    return value[:length].ljust(length)


def _a_out(a_header: str, application: str, date: str, user_text: str) -> str:
    return columns("A", (2, a_header[1:8]), (15, date), (26, application), (38, a_header[37:39]), (60, user_text))


def _z_out(a_header: str, date: str) -> str:
    return columns("Z", (2, a_header[1:8]), (15, date), (38, a_header[37:39]))


def _b_out(b_header: str, application: str) -> str:
    return columns("B", (4, b_header[3:10]), (11, application), (45, b_header[44:56]), (60, b_header[59:80]))


def _y_out(b_header: str, application: str, count: int) -> str:
    return columns(
        "Y", (4, b_header[3:10]), (11, application), (13, f"{min(count, 99_999):05d}"), (45, b_header[44:46])
    )


def _file(lines: Iterable[str]) -> bytes:
    return "".join(line + RECORD_END for line in lines).encode("latin-1", "replace")


def rejection(batch: Batch) -> bytes:
    """A rejected batch: generated B, X0 and X1 records, the final X1, generated Y and Z."""
    inside: list[str] = []
    seen: tuple[int, int, int] | None = None
    for condition in outermost(batch.conditions):
        place = (condition.block, condition.transaction, condition.record)
        if condition.block and place != seen:
            inside += _references(batch, condition)
        seen = place
        inside.append(columns("X1", (4, "F"), (5, condition.code), (11, text(CONDITIONS[condition.code], 40))))
    inside.append(columns("X1", (3, "RF999"), (11, CONDITIONS["999"])))
    a = batch.header
    lines = [_a_out(a, "  ", a[14:20], a[59:80]), columns("B", (80, "B")), *inside]
    lines += [columns("Y", (13, f"{len(inside):05d}"), (80, "Y")), columns("Z", (80, "Z"))]
    return _file(lines)


def _references(batch: Batch, condition: Condition) -> list[str]:
    b = batch.blocks[condition.block - 1].header.text
    out = [
        columns(
            "X0 BLOCK",
            (11, f"{condition.block:06d}"),
            (18, "REF ID:"),
            (26, b[3:7]),
            (31, b[7:10]),
            (35, b[44:46]),
            (38, b[10:12]),
            (41, b[59:80]),
            (63, b[46:56]),
        )
    ]
    if condition.transaction:
        column = f"{min(condition.column, 99):02d}"
        out.append(
            columns(
                "X0 TRNACT",
                (11, f"{condition.transaction:06d}"),
                (18, "REF ID:"),
                (26, f"{condition.record:07d}"),
                (34, column),
            )
        )
    return out


def se90(kind: str, code: str, narrative: str) -> str:
    """One SE90: kind 01 to 04 for the transaction, 11 or 13 for a record."""
    return columns("SE90", (5, kind), (7, text(code, 3)), (10, text(narrative, 40)))


def response(batch: Batch, blocks: Sequence[Sequence[Sequence[str]]]) -> bytes:
    """SX for a batch: per block, per transaction, the records to send back, each list ending with the final SE90."""
    return mirrored(batch, "SX", blocks)


def mirrored(batch: Batch, application: str, blocks: Sequence[Sequence[Sequence[str]]]) -> bytes:
    """A batch of answers in the envelope of the batch it answers; a block without records is left out."""
    a = batch.header
    lines = [_a_out(a, application, a[14:20], a[59:80])]
    for block, transactions in zip(batch.blocks, blocks, strict=True):
        records = [r for t in transactions for r in t]
        if records:
            b = block.header.text
            lines += [_b_out(b, application), *records, _y_out(b, application, len(records))]
    lines.append(_z_out(a, a[14:20]))
    return _file(lines)


def notification(a_header: str, blocks: Iterable[tuple[str, Sequence[Sequence[str]]]], at: datetime) -> bytes:
    """SO file to the sender of ``a_header``: per block its B record and its transactions."""
    date = at.astimezone(EASTERN).strftime("%m%d%y")
    lines = [_a_out(a_header, "SO", date, "")]
    for b_header, transactions in blocks:
        records = [r for t in transactions for r in t]
        lines += [_b_out(b_header, "SO"), *records, _y_out(b_header, "SO", len(records))]
    lines.append(_z_out(a_header, date))
    return _file(lines)
