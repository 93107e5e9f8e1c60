"""How does CBP answer an entry summary? E0 and E1 records, and AX files.

CATAIR Entry Summary Create/Update rev 109 (July 2026), output record structure map: the reference of the summary
first, then each condition under the references that tell its place, the disposition last. The envelope mirrors the
request.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.abi.answers import columns, mirrored, text
from sandbox.abi.batch_reader import Batch
from sandbox.abi.conditions import Condition
from sandbox.abi.summary_case import Path, Place
from sandbox.abi.summary_conditions import CONDITIONS, LOOPS, SYNTAX, Wrong
from sandbox.abi.summary_filed import SummaryFiled


def reference(place: Place) -> str:
    """One E0."""
    return columns(
        "E0",
        (4, text(place.kind, 6)),
        (11, f"{min(place.occurrence, 999_999):06d}"),
        (18, "REF ID:"),
        (26, text(place.text, 55)),
    )


def condition(wrong: Wrong, severity: str = "F") -> str:
    """One E1 that is no disposition."""
    return columns("E1", (4, severity), (5, text(wrong.code, 3)), (11, text(wrong.text, 40)))


def disposition(summary: SummaryFiled, kind: str, severity: str, wrong: Wrong, version: str, filed_as: str) -> str:
    """The last E1: ``kind`` A or R; ``filed_as`` is the broker's reference it shows."""
    head = summary.head
    return columns(
        "E1",
        (3, kind),
        (4, severity or " "),
        (5, text(wrong.code, 3)),
        (11, text(wrong.text, 40)),
        (51, text(head["filer"], 3)),
        (56, text(head["number"], 8)),
        (64, text(version, 5)),
        (69, text(filed_as, 9)),
    )


def records(summary: SummaryFiled, sequence: int, found: Sequence[tuple[Path, Wrong]], last: str) -> list[str]:
    """The answer to one summary."""
    head = summary.head
    told = f"{head['filer']:3} {head['number']:8} {head['reference']:12}"
    out = [reference(Place("SUMMRY", sequence, told))]
    before: Path = ()
    for path, wrong in found:
        shared = 0
        while shared < min(len(path), len(before)) and path[shared] == before[shared]:
            shared += 1
        if path != before:
            out += [reference(place) for place in path[shared:] or path]
        out.append(condition(wrong))
        before = path
    return [*out, last]


def response(batch: Batch, blocks: Sequence[Sequence[Sequence[str]]]) -> bytes:
    """AX for a batch: per block, per transaction, its records."""
    return mirrored(batch, "AX", blocks)


def syntax_refusal(batch: Batch, one: Condition) -> tuple[bytes, Wrong]:
    """AX for a batch whose transactions do not come apart: the first fault, where it is, and the whole batch rejected
    (response usage note a).
    """
    line = next(
        (
            found
            for block in batch.blocks
            for transaction in block.transactions
            for found in transaction.lines
            if found.position == one.record
        ),
        None,
    )
    name = line.id if line is not None else ""
    wrong = CONDITIONS[LOOPS.get(name, "A24") if one.code == "X36" else SYNTAX.get(one.code, "A04")]
    where = Wrong("A03", f"RECORD: {name:4} STARTING POSITION: {one.column or 1:02d}", CONDITIONS["A03"].reference)
    inside = [condition(wrong), condition(where, "I"), columns("E1", (3, "RF999"), (11, CONDITIONS["999"].text))]
    blocks: list[list[list[str]]] = [[] for _ in batch.blocks]
    blocks[one.block - 1] = [inside]
    return response(batch, blocks), wrong
