"""What does CBP do with a batch of entry summaries? Every one gets E0 and E1 records (AX); accepted ones are kept.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage note a and response usage notes a to d. A and R both add
or replace; A over a summary on file needs the same broker's reference. A refused refiling of a summary that is still
in the filer's hands takes the one on file away. What CBP has in its hands is neither replaced nor deleted, what it has
sent back is replaced.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.abi.batch_reader import Batch, Block, Line
from sandbox.abi.columns import day_of
from sandbox.abi.conditions import Condition
from sandbox.abi.front_desk import Settled
from sandbox.abi.summary_answers import disposition, records, response, syntax_refusal
from sandbox.abi.summary_books import Summaries
from sandbox.abi.summary_cargo import bonds, cargo, documents
from sandbox.abi.summary_case import HEADER, Path, SummaryCase, line_path
from sandbox.abi.summary_conditions import CONDITIONS, GUIDE, OWN, Wrong
from sandbox.abi.summary_fees import header_fees, line_fees
from sandbox.abi.summary_filed import SummaryFiled, read_summary
from sandbox.abi.summary_header import content, control, deletion, identity, payment
from sandbox.abi.summary_lines import lines
from sandbox.abi.summary_totals import totals
from sandbox.clock import EASTERN
from sandbox.office import Office, Origin
from sandbox.store import moment


@dataclass(slots=True)
class _Work:
    """What gathers while the summaries of one batch are settled."""

    counts: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "rejected": 0})
    reasons: list[dict[str, str]] = field(default_factory=list)
    garbled: bool = False
    failed: int = 0


class SummaryDesk:
    """Settles batches of entry summaries; to be called inside a transaction."""

    def __init__(self, office: Office, summaries: Summaries) -> None:
        self.office, self.summaries = office, summaries

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer one batch that came apart well."""
        work = _Work()
        answers: list[list[list[str]]] = []
        for block in batch.blocks:
            out: list[list[str]] = []
            for sequence, transaction in enumerate(block.transactions, 1):
                summary = read_summary(transaction)
                told = self._one(origin, block, summary, sequence, work, now)
                if "SILENT" not in summary.marks():
                    out.append(told)
            answers.append(out)
        if any(answers):
            self.office.answer(origin, "AX", response(batch, answers), now, due, garble=work.garbled)
        result = f"AX {json.dumps({k: v for k, v in work.counts.items() if v})}"
        return Settled(result, work.reasons, undone=0 < work.failed == sum(work.counts.values()))

    def settle_faulty(
        self, origin: Origin, batch: Batch, conditions: Sequence[Condition], now: datetime, due: datetime
    ) -> Settled | None:
        """Answer a fault of syntax with E1, the first one alone, where ``summary_syntax_faults`` says so."""
        if self.office.behaviour.summary_syntax_faults != "E1":
            return None
        payload, wrong = syntax_refusal(batch, conditions[0])
        self.office.answer(origin, "AX", payload, now, due)
        reason = {"code": wrong.code, "text": wrong.text, "place": conditions[0].place, "reference": wrong.reference}
        return Settled("AX batch rejected", [reason])

    # ------------------------------------------------------------------ one summary

    def _one(
        self, origin: Origin, block: Block, summary: SummaryFiled, sequence: int, work: _Work, now: datetime
    ) -> list[str]:
        """Settle one summary; gives the records that answer it."""
        marks = summary.marks()
        work.garbled |= "GARBLE" in marks
        row = self.summaries.row(summary.number)
        if "SYSFAIL" in marks and self.office.fails_now(f"AE:{summary.number}"):
            work.failed += 1
            found: list[tuple[Path, Wrong]] = [(HEADER, CONDITIONS["ZZZ"])]
        else:
            found = self._judge(block, summary, sequence, row, now)
            if found and summary.head["action"] in {"A", "R"} and self._in_filers_hands(row, now):
                self.summaries.delete(summary.number)
        work.counts["rejected" if found else "accepted"] += 1
        work.reasons += [
            {
                "code": wrong.code,
                "text": wrong.text,
                "place": " ".join([summary.number, *(f"{one.kind} {one.occurrence}" for one in path)]),
                "reference": wrong.reference,
            }
            for path, wrong in found
        ]
        last = self._refusal(summary, row, found) if found else self._acceptance(origin, summary, row, now)
        return records(summary, sequence, found, last)

    def _in_filers_hands(self, row: sqlite3.Row | None, now: datetime) -> bool:
        return row is not None and self.summaries.state(row, now) == "TRADE"

    def _judge(
        self, block: Block, summary: SummaryFiled, sequence: int, row: sqlite3.Row | None, now: datetime
    ) -> list[tuple[Path, Wrong]]:
        entry = self.office.store.row("select * from entry where number = ?", summary.number)
        released = moment(entry["released_at"]) if entry is not None and entry["released_at"] else None
        case = SummaryCase(
            summary, block, sequence, now, self.office.book, self.office.behaviour, self.office.registry,
            None if released is None else released.astimezone(EASTERN).date(),
        )  # fmt: skip
        identity(case)
        returned = row is not None and self.summaries.state(row, now) == "REJECTED"
        if summary.head["action"] == "D":
            deletion(case)
        else:
            control(case)
            content(case)
            payment(case, returned=returned)
            cargo(case)
            bonds(case)
            documents(case)
            header_fees(case)
            lines(case)
            line_fees(case)
            totals(case)
        _layouts(case)
        self._books(case, row, entry, now)
        marks = summary.marks()
        if "REJ" in marks:
            case.put(Wrong(marks.code or "Z98", CONDITIONS["Z98"].text, f"{OWN}, magic markers"))
        return sorted(case.found, key=_order)

    def _books(self, case: SummaryCase, row: sqlite3.Row | None, entry: sqlite3.Row | None, now: datetime) -> None:
        """What only the books can find: the summary on file, and the cargo release of the same number."""
        h = case.summary.head
        if row is None:
            if h["action"] == "D":
                case.add("B25")
        else:
            if self.summaries.state(row, now) == "CBP" or (
                h["action"] == "D" and self.summaries.state(row, now) != "TRADE"
            ):
                case.add("B29")
            if h["port"] and row["port"] != h["port"]:
                case.add("B32")
            if h["action"] == "A" and (not row["reference"] or row["reference"] != h["reference"]):
                case.add("B35")
        if entry is None or h["action"] == "D":
            return
        if entry["state"] == "CANCELLED":
            case.add("B31")
        if self.office.behaviour.summary_type_must_match and entry["type"] != h["type"]:
            case.add("B67")
        port = self._entry_port(entry)
        if port and h["port"] and port != h["port"]:
            case.add("B22")

    def _entry_port(self, entry: sqlite3.Row) -> str:
        """The port of entry, where it was left to be derived that of its bill's manifest."""
        port = str(json.loads(entry["body"])["port"])
        if port:
            return port
        row = self.office.store.row(
            "select m.port from entry_bill x join bill b on b.scn = x.scn join manifest m on m.id = b.manifest_id"
            " where x.number = ?",
            entry["number"],
        )
        return "" if row is None else str(row["port"])

    # ------------------------------------------------------------------ dispositions

    def _refusal(self, summary: SummaryFiled, row: sqlite3.Row | None, found: list[tuple[Path, Wrong]]) -> str:
        behaviour = self.office.behaviour
        wrong = Wrong(behaviour.summary_rejected_code, "TRANSACTION DATA REJECTED", f"{GUIDE}, response usage note c")
        filed_as = summary.head["reference"]
        if row is not None and any(one.code == "B35" for _, one in found):
            filed_as = row["reference"]
        return disposition(summary, "R", "F", wrong, "", filed_as)

    def _acceptance(self, origin: Origin, summary: SummaryFiled, row: sqlite3.Row | None, now: datetime) -> str:
        h = summary.head
        if h["action"] == "D":
            self.summaries.delete(summary.number)
            code = self.office.behaviour.summary_deleted_code
            wrong = Wrong(code, "ENTRY SUMMARY DELETED", f"{GUIDE}, response usage note c")
            return disposition(summary, "A", "", wrong, "", h["reference"])
        printed = day_of(h["print_date"])
        values = {
            "type": h["type"],
            "port": h["port"],
            "reference": h["reference"],
            "importer": summary.content["importer"],
            "print_date": "" if printed is None else printed.isoformat(),
        }
        version = self.summaries.keep(summary.number, origin.partner, values, _body(summary), now)
        wrong = CONDITIONS["995" if row is None else "996"]
        return disposition(summary, "A", "", wrong, version, h["reference"])


def _body(summary: SummaryFiled) -> dict[str, Any]:
    """What the books keep besides: how many lines, and the money in cents (the value in whole dollars)."""
    grand = summary.total("90")
    money = {} if grand is None else {name: int(grand.values[name] or 0) for name in ("duty", "fee", "tax", "ad", "cv")}
    return {"lines": len(summary.items), "value": summary.value, **money}


def _layouts(case: SummaryCase) -> None:
    """Data classes and mandatory fields that have no condition of their own."""
    summary = case.summary
    places: list[tuple[Path, list[Line]]] = [(HEADER, [summary.lines[0], *summary.others])]
    places += [(line_path(item), [item.head, *item.records]) for item in summary.items]
    places.append((case.totals(), summary.totals))
    for path, listed in places:
        for line in listed:
            classes = {} if line.layout is None else {one.name: one.data_class for one in line.layout.fields}
            for fault in line.faults():
                code = {"missing": "Z88", "class": "Z89"}.get(fault.kind)
                if code is None or (fault.kind == "class" and classes[fault.name] in {"SN", "D"}):
                    continue
                row = CONDITIONS[code]
                case.put(Wrong(code, row.text.format(column=fault.column), f"{row.reference}, {line.id}"), path)


_RANKS: Final = {"LINITM": 2, "PSTLIN": 3, "TOTALS": 4}


def _order(one: tuple[Path, Wrong]) -> tuple[int, int]:
    """The summary as such, groups of its header, lines by their number, across the lines, totals."""
    path = one[0]
    rank = _RANKS.get(path[0].kind, 1) if path else 0
    return rank, path[0].occurrence if rank == _RANKS["LINITM"] else 0
