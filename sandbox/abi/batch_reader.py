"""How does a CATAIR file come apart into batches, blocks and transactions, and which faults reject a whole batch?

CBP CATAIR Batch and Block Control rev 23: any fault of batch, block or transaction syntax rejects the batch, nothing
in it is processed.
Records are 80 columns; line ends between them are taken out, lines that lost trailing blanks are filled up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.abi.cargo_layouts import CARGO_RELEASE
from sandbox.abi.columns import CONTROL, RECORD_LENGTH, STANDARD, Fault, Layout
from sandbox.abi.grammar import Grammar
from sandbox.abi.query_layouts import QUERY

MAX_RECORDS: Final = 2_000_000
CONDITIONS: Final = {
    "X03": "BLOCK CONTROL MISSING - B-RECORD",
    "X04": "TRANSACTION DETAIL MISSING",
    "X05": "BLOCK CONTROL MISSING - Y-RECORD",
    "X06": "BATCH CONTROL MISSING - Z-RECORD",
    "X07": "SENDER/RECEIVER SITE CODE MISSING",
    "X08": "SENDER/RECEIVER ID CODE MISSING",
    "X09": "SENDER/RECEIVER NOT AUTHORIZED",
    "X11": "APPLICATION ID CODE MISSING",
    "X12": "NOT A KNOWN ACE APPLICATION ID CODE",
    "X13": "APPLICATION NOT CURRENTLY AVAILABLE",
    "X14": "Z-REC DOES NOT MATCH A-REC",
    "X15": "PROCESSING PORT CODE MISSING",
    "X16": "PROCESSING FILER CODE MISSING",
    "X17": "PROCESSING FILER NOT AUTHORIZED",
    "X19": "BLOCK APP ID / BATCH APP ID CONFLICT",
    "X26": "PREPARER AND PRSSNG FILER NOT THE SAME",
    "X32": "Y-REC DOES NOT MATCH B-REC",
    "X33": "TRANSACTION HDR CONTROL MISSING",
    "X34": "UNKNOWN RECORD ID FOUND IN GROUPING",
    "X35": "OUT OF SEQUENCE RECORD FOUND IN GROUPING",
    "X36": "LOOP EXCEEDED",
    "X37": "MISSING DATA RECORD FOUND IN GROUPING",
    "X39": "DATA FOUND IN FILLER",
    "X40": "NON-STANDARD DATA FOUND",
    "X42": "LAST RECORD LESS THAN 80-CHAR LENGTH",
    "999": "BATCH REJECTED",
}
"""X1 condition codes and texts used here (Batch and Block Control rev 23)."""

KNOWN_APPLICATIONS: Final = frozenset(
    "SE AE CQ EQ CA PE SF TP KI $I MA CB HA HB FQ FI AD AH CW CJ DE EC FT FZ GE NE RE QA SU RM MO TE QP WP".split()
)
"""Application codes CBP knows."""

GRAMMARS: Final[Mapping[str, Grammar]] = {one.application: one for one in (CARGO_RELEASE, QUERY)}
"""The applications the sandbox has; it answers X13 to the others."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record: identifier, the 80 columns, its position in the batch (A = 1), and its layout where it has one."""

    id: str
    text: str
    position: int
    layout: Layout | None

    @property
    def values(self) -> dict[str, str]:
        """Its fields; none for a record without a layout."""
        return self.layout.values(self.text) if self.layout is not None else {}

    def faults(self) -> list[Fault]:
        """What is wrong with its columns; nothing is known of a record without a layout."""
        return self.layout.faults(self.text) if self.layout is not None else []


@dataclass(slots=True)
class Transaction:
    """The records of one transaction, its head first."""

    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """One block: its B record and its transactions, in order."""

    header: Line
    transactions: list[Transaction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to reject a batch. ``block`` and ``transaction`` count from 1, 0 = not at that level; ``record`` is
    the position in the batch.
    """

    code: str
    block: int = 0
    transaction: int = 0
    record: int = 0
    column: int = 0

    @property
    def text(self) -> str:
        """CBP's text of the code."""
        return CONDITIONS[self.code]


@dataclass(slots=True)
class Batch:
    """One batch: its A record, its blocks, and the conditions that reject it (none: it goes on to the edits)."""

    header: str
    blocks: list[Block] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        """Fields of the A record."""
        return CONTROL["A"].values(self.header)

    @property
    def application(self) -> str:
        """Application identifier of the A record."""
        return self.values["application"]


def cut(data: bytes) -> list[str]:
    """Records of a file, 80 columns each; a file without line ends is cut every 80 columns."""
    text = data.decode("latin-1").strip("\r\n\x1a")
    if "\n" in text or "\r" in text:
        return [
            line.ljust(RECORD_LENGTH)
            for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_RECORDS]
            if line.strip()
        ]
    return [
        text[i : i + RECORD_LENGTH].ljust(RECORD_LENGTH)
        for i in range(0, min(len(text), MAX_RECORDS * RECORD_LENGTH), RECORD_LENGTH)
    ]


def only_asks(data: bytes) -> bool:
    """Whether a CATAIR file holds queries alone: asked again, it wants an answer of its own."""
    starts = [line for line in cut(data) if line[0] == "A"]
    return bool(starts) and all(line[25:27] == QUERY.application for line in starts)


def looks_like_catair(data: bytes) -> bool:
    """Whether a file wants to be CATAIR: its first record is an A record with codes where they belong."""
    head = data.lstrip()[:80].decode("latin-1").ljust(80)
    return head[0] == "A" and head[1:5].strip().isalnum() and head[20:25].strip() == ""


def read_batches(data: bytes) -> list[Batch]:
    """All batches of a file. A file that does not begin with an A record has none (CBP keeps silent, X01 is"
    " reserved)."""
    batches: list[Batch] = []
    reader: _BatchReader | None = None
    for line in cut(data):
        if line[0] == "A" and (reader is None or reader.closed):
            reader = _BatchReader(line)
            batches.append(reader.batch)
        elif reader is not None:
            reader.take(line)
        else:
            return []
    for one in batches:
        _finish(one)
    return batches


class _BatchReader:
    """Takes the records of one batch in turn and notes the conditions."""

    def __init__(self, header: str) -> None:
        self.batch = Batch(header)
        self.position = 1
        self.closed = False
        self.block: Block | None = None
        self.broken = False
        self.grammar = GRAMMARS.get(self.batch.application)
        self._check_header(header)

    def _reject(self, code: str, **where: int) -> None:
        if len(self.batch.conditions) < 100:
            self.batch.conditions.append(Condition(code, **where))

    def _check_header(self, header: str) -> None:
        a = CONTROL["A"].values(header)
        for code, name in (("X07", "site"), ("X08", "sender"), ("X11", "application")):
            if not a[name]:
                self._reject(code)
        if not STANDARD.issuperset(header):
            self._reject("X40")
        if any(f.kind == "filler" for f in CONTROL["A"].faults(header)):
            self._reject("X39")
        application = a["application"]
        if application and application not in KNOWN_APPLICATIONS:
            self._reject("X12")
        elif application and self.grammar is None:
            self._reject("X13")

    def take(self, line: str) -> None:
        self.position += 1
        if self.closed:
            self._reject("X06")
            return
        kind = line[0]
        if self.grammar is None:
            self.closed = kind == "Z"
            return
        if kind == "B":
            self._open_block(line)
        elif kind == "Y" and line[3:10].strip():
            self._close_block(line)
        elif kind == "Z":
            self._close_batch(line)
        elif self.block is None:
            if not self.broken:
                self._reject("X03")
            self.broken = True
        else:
            self._transaction_record(self.grammar, self.block, line)

    @property
    def _where(self) -> dict[str, int]:
        block = len(self.batch.blocks)
        return {
            "block": block,
            "transaction": len(self.batch.blocks[-1].transactions) if block else 0,
            "record": self.position,
        }

    def _open_block(self, line: str) -> None:
        if self.block is not None:
            self._reject("X05", block=len(self.batch.blocks))
        self.block = Block(Line("B", line, self.position, CONTROL["B"]))
        self.batch.blocks.append(self.block)
        number = len(self.batch.blocks)
        b = CONTROL["B"].values(line)
        checks = (
            ("X15", bool(b["port"])),
            ("X16", bool(b["filer"])),
            ("X19", b["application"] == self.batch.values["application"]),
            ("X26", not b["preparer_filer"] or b["preparer_filer"] == b["filer"]),
            ("X39", not any(f.kind == "filler" for f in CONTROL["B"].faults(line))),
            ("X40", STANDARD.issuperset(line)),
        )
        for code, good in checks:
            if not good:
                self._reject(code, block=number)

    def _close_block(self, line: str) -> None:
        number = len(self.batch.blocks)
        if self.block is None:
            self._reject("X03")
            return
        if not self.block.transactions:
            self._reject("X04", block=number)
        header = self.block.header.text
        if line[3:12] != header[3:12] or line[44:46] != header[44:46]:
            self._reject("X32", block=number)
        elif any(f.kind == "filler" for f in CONTROL["Y"].faults(line)):
            self._reject("X39", block=number)
        self._end_transaction()
        self.block = None

    def _close_batch(self, line: str) -> None:
        if self.block is not None:
            self._reject("X05", block=len(self.batch.blocks))
            self.block = None
        if not self.batch.blocks and not self.broken:
            self._reject("X03")
        header = self.batch.header
        if line[1:8] != header[1:8] or line[14:20] != header[14:20] or line[37:39] != header[37:39]:
            self._reject("X14")
        self.closed = True

    def _transaction_record(self, grammar: Grammar, block: Block, line: str) -> None:
        name = grammar.name_of(line)
        group = grammar.group_of(name)
        if name == grammar.head:
            self._end_transaction()
            block.transactions.append(Transaction())
            if len(block.transactions) > grammar.max_transactions:
                self._reject("X36", **self._where)
        elif not block.transactions:
            self._reject("X33", block=len(self.batch.blocks))
            block.transactions.append(Transaction())
        lines = block.transactions[-1].lines
        if group not in grammar.followers:
            self._reject("X34", **self._where)
            return
        previous = grammar.group_of(lines[-1].id) if lines else ""
        if previous and name != grammar.head and group not in grammar.followers[previous]:
            self._reject("X37" if previous in grammar.unfinished else "X35", **self._where)
        lines.append(Line(name, line, self.position, grammar.layouts.get(name)))
        if group in grammar.loops and sum(1 for one in lines if one.id == name) > grammar.loops[group]:
            self._reject("X36", **self._where)
        for fault in lines[-1].faults() if grammar.rejects_bad_columns else ():
            if fault.kind in {"filler", "characters"}:
                self._reject("X39" if fault.kind == "filler" else "X40", column=fault.column, **self._where)

    def _end_transaction(self) -> None:
        if self.grammar is not None and self.block is not None and self.block.transactions:
            lines = self.block.transactions[-1].lines
            if lines and self.grammar.group_of(lines[-1].id) in self.grammar.unfinished:
                self._reject("X37", **self._where)


def _finish(batch: Batch) -> None:
    """A batch that ran out without its trailer, or that has nothing inside."""
    if batch.application in GRAMMARS and not batch.blocks and not batch.conditions:
        batch.conditions.append(Condition("X03"))


def batches_of(data: bytes) -> list[Batch]:
    """Like :func:`read_batches`, with X06 for batches without a Z record and X42 for a cut-off last record."""
    batches = read_batches(data)
    if not batches:
        return []
    records = cut(data)
    stripped = data.rstrip(b"\r\n\x1a")
    if b"\n" not in stripped and b"\r" not in stripped and len(stripped) % RECORD_LENGTH:
        batches[-1].conditions.append(Condition("X42"))
    if not any(r[0] == "Z" for r in records[-1:]):
        batches[-1].conditions.append(Condition("X06"))
    return batches
