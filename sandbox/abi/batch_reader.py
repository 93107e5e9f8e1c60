"""How does a CATAIR file come apart into batches, blocks and transactions, and which faults reject a whole batch?

CBP CATAIR Batch and Block Control rev 23: any fault of batch, block or transaction syntax rejects the batch, nothing
in it is processed.
Records are 80 columns; line ends between them are taken out, lines that lost trailing blanks are filled up, and what
stands after column 80 of a line is the next record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.abi.cargo_layouts import CARGO_RELEASE
from sandbox.abi.columns import CONTROL, RECORD_LENGTH, STANDARD, Fault, Layout, day_of, foreign_characters
from sandbox.abi.conditions import MOST_NOTED, Condition
from sandbox.abi.grammar import Grammar
from sandbox.abi.query_layouts import QUERY
from sandbox.abi.summary_grammar import ENTRY_SUMMARY

MAX_RECORDS: Final = 2_000_000
FILER_CODE: Final = re.compile(
    r"(?!000)\d{3}|[A-Z]\d{2}|[A-Z]{2}\d|[A-Z]{3}|[A-Z]\d[A-Z]|\d[A-Z]\d|\d{2}[A-Z]|\d[A-Z]{2}", re.ASCII
)
"""The forms of a filer code (CATAIR Appendix E)."""

KNOWN_APPLICATIONS: Final = frozenset(
    "SE AE CQ EQ CA PE SF TP KI $I MA CB HA HB FQ FI AD AH CW CJ DE EC FT FZ GE NE RE QA SU RM MO TE QP WP".split()
)
"""Application codes CBP knows."""

GRAMMARS: Final[Mapping[str, Grammar]] = {one.application: one for one in (CARGO_RELEASE, ENTRY_SUMMARY, QUERY)}
"""The applications the sandbox has; it answers X13 to the others."""


@dataclass(slots=True)
class Line:
    """One record: identifier, the 80 columns, its position in the batch (A = 1), and its layout where it has one."""

    id: str
    text: str
    position: int
    layout: Layout | None
    _values: dict[str, str] | None = field(default=None, repr=False, compare=False)
    _faults: list[Fault] | None = field(default=None, repr=False, compare=False)

    @property
    def values(self) -> dict[str, str]:
        """Its fields; none for a record without a layout."""
        if self._values is None:
            self._values = self.layout.values(self.text) if self.layout is not None else {}
        return self._values

    def faults(self) -> list[Fault]:
        """What is wrong with its columns; nothing is known of a record without a layout."""
        if self._faults is None:
            self._faults = self.layout.faults(self.text) if self.layout is not None else []
        return self._faults


@dataclass(slots=True)
class Transaction:
    """The records of one transaction, its head first."""

    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """One block: its B record and its transactions, in order."""

    header: Line
    transactions: list[Transaction] = field(default_factory=list)


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
        return self.header[25:27].strip()


def cut(data: bytes) -> list[str]:
    """Records of a file, 80 columns each; a file without line ends is cut every 80 columns, a line that is too long
    too.
    """
    text = data.decode("latin-1").strip("\r\n\x1a")
    records: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        records += _cut_line(line)
        if len(records) >= MAX_RECORDS:
            return records[:MAX_RECORDS]
    return records


def _cut_line(line: str) -> Iterator[str]:
    for start in range(0, len(line), RECORD_LENGTH):
        record = line[start : start + RECORD_LENGTH]
        if record.strip():
            yield record.ljust(RECORD_LENGTH)


def only_asks(data: bytes) -> bool:
    """Whether a CATAIR file holds queries alone: asked again, it wants an answer of its own."""
    starts = [line for line in cut(data) if line[0] == "A"]
    return bool(starts) and all(line[25:27] == QUERY.application for line in starts)


def looks_like_catair(data: bytes) -> bool:
    """Whether a file wants to be CATAIR: its first record is an A record with codes where they belong, or all but its
    filler is as in one.
    """
    head = data.lstrip()[:80].decode("latin-1").ljust(80)
    if head[0] != "A" or not head[1:8].strip().isalnum():
        return False
    return not head[20:25].strip() or (head[1:5].isdigit() and head[25:27] in KNOWN_APPLICATIONS)


def read_batches(data: bytes) -> list[Batch]:
    """All batches of a file. A file that does not begin with an A record has none (CBP keeps silent, X01 is
    reserved).
    """
    batches: list[Batch] = []
    reader: _BatchReader | None = None
    for line in cut(data):
        if line[0] == "A":
            if reader is not None and not reader.closed:
                reader.batch.conditions.append(Condition("X06"))
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
        self._counts: dict[str, int] = {}
        self._previous = ""
        self._check_header(header)

    def _reject(self, code: str, **where: int) -> None:
        if len(self.batch.conditions) < MOST_NOTED:
            self.batch.conditions.append(Condition(code, **where))

    def _check_header(self, header: str) -> None:
        a = CONTROL["A"].values(header)
        for code, name in (("X07", "site"), ("X08", "sender"), ("X11", "application")):
            if not a[name]:
                self._reject(code)
        if not re.fullmatch("[A-Z0-9]{6}", a["password"], re.ASCII):
            self._reject("X09")  # mandatory, six characters; no condition is printed for its absence alone
        if a["date"] and day_of(a["date"]) is None:
            self._reject("X10")
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
            if not any(one.code == "X06" for one in self.batch.conditions):
                self._reject("X06")
            return
        kind = line[0]
        if self.grammar is None:
            self.closed = kind == "Z"
            return
        if kind == "B":
            self._open_block(self.grammar, line)
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

    def _open_block(self, grammar: Grammar, line: str) -> None:
        if self.block is not None:
            self._reject("X05")
        self.block = Block(Line("B", line, self.position, CONTROL["B"]))
        self.batch.blocks.append(self.block)
        number = len(self.batch.blocks)
        for code, good in _block_checks(self.block.header, self.batch.application, grammar):
            if not good:
                self._reject(code, block=number)
        if grammar.blocks and number > grammar.blocks:
            self._reject("X41", block=number)

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
            self._reject("X05")
            self.block = None
        if not self.batch.blocks and not self.broken:
            self._reject("X03")
        header = self.batch.header
        if line[1:8] != header[1:8] or line[14:20] != header[14:20] or line[37:39] != header[37:39]:
            self._reject("X14")
        elif any(f.kind == "filler" for f in CONTROL["Z"].faults(line)):
            self._reject("X39")
        if not STANDARD.issuperset(line):
            self._reject("X40")
        self.closed = True

    def _transaction_record(self, grammar: Grammar, block: Block, line: str) -> None:
        name = grammar.name_of(line)
        group = grammar.group_of(name)
        if name == grammar.head:
            self._end_transaction()
            self._open_transaction(block)
            if len(block.transactions) > grammar.max_transactions:
                self._reject("X36", **self._where)
        elif not block.transactions:
            self._open_transaction(block)
            self._reject("X33", **self._where)
        read = Line(name, line, self.position, grammar.layouts.get(name))
        block.transactions[-1].lines.append(read)
        if group not in grammar.followers:
            self._reject("X34", **self._where)
            return
        previous, self._previous = self._previous, group
        if previous and name != grammar.head and group not in grammar.followers[previous]:
            self._reject("X37" if previous in grammar.unfinished else "X35", **self._where)
        if self._once_too_often(grammar, group):
            self._reject("X36", **self._where)
        if not grammar.rejects_bad_columns:
            return
        for fault in read.faults() if read.layout is not None else foreign_characters(line):
            if fault.kind in {"filler", "characters"}:
                self._reject("X39" if fault.kind == "filler" else "X40", column=fault.column, **self._where)
        if _has_gap(read, grammar.repeats.get(name, ())):
            self._reject("X38", **self._where)

    def _open_transaction(self, block: Block) -> None:
        block.transactions.append(Transaction())
        self._counts.clear()
        self._previous = ""

    def _once_too_often(self, grammar: Grammar, group: str) -> bool:
        """Count a record; whether its loop is exceeded. A record starts the loops inside its group anew."""
        for inner, (within, _) in grammar.inner_loops.items():
            if within == group:
                self._counts[inner] = 0
        if group not in grammar.loops and group not in grammar.inner_loops:
            return False
        for key in (group, f"{group} in all"):
            self._counts[key] = self._counts.get(key, 0) + 1
        most = grammar.inner_loops[group][1] if group in grammar.inner_loops else MAX_RECORDS
        return self._counts[group] > most or self._counts[f"{group} in all"] > grammar.loops.get(group, MAX_RECORDS)

    def _end_transaction(self) -> None:
        if self.grammar is not None and self.block is not None and self._previous in self.grammar.unfinished:
            self._reject("X37", **(self._where | {"record": self.block.transactions[-1].lines[-1].position}))
        self._previous = ""


def _block_checks(header: Line, application: str, grammar: Grammar) -> Iterator[tuple[str, bool]]:
    """(condition, whether B is good in this respect)."""
    b = header.values
    codes = b["preparer_port"] or b["preparer_filer"] or b["preparer_office"]
    indicated = b["preparer_indicator"] == "1"
    yield "X15", bool(re.fullmatch(r"\d{4}", b["port"], re.ASCII))
    yield "X16", bool(b["filer"])
    yield "X17", not b["filer"] or bool(FILER_CODE.fullmatch(b["filer"]))
    yield "X12", b["application"] in KNOWN_APPLICATIONS
    yield "X19", b["application"] == application
    yield "X21", b["preparer_indicator"] in {"", "1"}
    yield "X22", not codes or bool(b["preparer_indicator"])
    yield "X23", grammar.preparers or not (codes or b["preparer_indicator"])
    yield "X24", not indicated or bool(b["preparer_port"])
    yield "X25", not indicated or bool(b["preparer_filer"])
    yield "X26", not b["preparer_filer"] or b["preparer_filer"] == b["filer"]
    yield "X39", not any(f.kind == "filler" for f in header.faults())
    yield "X40", STANDARD.issuperset(header.text)


def _has_gap(line: Line, repeats: tuple[tuple[str, ...], ...]) -> bool:
    """Whether a repetition of side-by-side fields is empty before one that is not."""
    empty = False
    for names in repeats:
        filled = any(line.values[name] for name in names)
        if filled and empty:
            return True
        empty = empty or not filled
    return False


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
