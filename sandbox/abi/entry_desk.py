"""What does CBP do with a cargo release batch? Faults of records come back as SX; accepted entries go into the books.

Actions and what becomes of them: CBP CATAIR Cargo Release v40, section on action codes. A replacement or cancellation
of a matched entry is a request that a
human looks at (SX 04), answered later by SO 88 or 23.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.abi.agencies import agency_body
from sandbox.abi.answers import response, se90
from sandbox.abi.batch_reader import Batch, Block
from sandbox.abi.cargo_checks import echo, judge
from sandbox.abi.cargo_conditions import Edit, edit
from sandbox.abi.cargo_entry import EntryFiled, arrival_day, read_entry
from sandbox.abi.conditions import Condition
from sandbox.abi.entry_books import Content, Filing
from sandbox.abi.entry_life import EntryLife
from sandbox.abi.findings import Case, refuses
from sandbox.abi.front_desk import Settled
from sandbox.abi.summary_books import Summaries
from sandbox.notices import Pile, said
from sandbox.office import Office, Origin

VERDICTS: Final = {
    "01": "TRANSACTION REJECTED",
    "02": "TRANSACTION ACCEPTED",
    "03": "TRANSACTION ACCEPTED WITH WARNING",
    "04": "TRANSACTION REFERRED TO CBP REVIEW",
}
"""Final SE90 by type; CBP's own narrative texts were not found."""


@dataclass(slots=True)
class _Work:
    """What gathers while the transactions of one batch are settled."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    reasons: list[dict[str, str]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    elsewhere: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    failed: int = 0

    @property
    def undone(self) -> bool:
        """Whether a system failure met every transaction."""
        return 0 < self.failed == sum(self.counts.values())


class EntryDesk:
    """Settles cargo release batches; to be called inside a transaction."""

    def __init__(self, office: Office, life: EntryLife, summaries: Summaries) -> None:
        self.office, self.life, self.summaries = office, life, summaries

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer one batch that came apart well."""
        return self._settle(origin, batch, {}, now, due)

    def settle_faulty(
        self, origin: Origin, batch: Batch, conditions: Sequence[Condition], now: datetime, due: datetime
    ) -> Settled | None:
        """Answer faults of syntax with SE90s, where ``cargo_syntax_faults`` says so and every transaction has a head
        to answer to.
        """
        if self.office.behaviour.cargo_syntax_faults != "record" or any(one.code == "X33" for one in conditions):
            return None
        faults: dict[int, list[Edit]] = defaultdict(list)
        for one in conditions:
            faults[one.record].append(edit("syntax", condition=one.text[:40]))
        return self._settle(origin, batch, faults, now, due)

    def _settle(
        self, origin: Origin, batch: Batch, faults: Mapping[int, list[Edit]], now: datetime, due: datetime
    ) -> Settled:
        work = _Work()
        answers: list[list[list[str]]] = []
        for block in batch.blocks:
            out: list[list[str]] = []
            for transaction in block.transactions:
                entry = read_entry(transaction)
                records = self._one(origin, batch, block, entry, faults, work, now)
                if "SILENT" not in entry.marks():
                    out.append(records)
            answers.append(out)
        if any(answers):
            garble, twice = "GARBLE" in work.named, "TWICE" in work.named
            self.office.answer(origin, "SX", response(batch, answers), now, due, garble=garble, twice=twice)
        for told, code in (("cancelled", "23"), ("replaced", "88")):
            if work.changed[told]:
                self.office.step("changed", due, {"entries": work.changed[told], "code": code})
        self.life.entries_filed(work.accepted, now)
        self._tell_elsewhere(work.elsewhere, due)
        result = f"SX {json.dumps({k: v for k, v in work.counts.items() if v})}"
        return Settled(result, work.reasons, undone=work.undone)

    def _one(
        self,
        origin: Origin,
        batch: Batch,
        block: Block,
        entry: EntryFiled,
        faults: Mapping[int, list[Edit]],
        work: _Work,
        now: datetime,
    ) -> list[str]:
        """Settle one transaction; gives the records that answer it."""
        head, marks = entry.lines[0].position, entry.marks()
        case = Case(entry, block, now, self.office.book, self.office.behaviour, self.office.registry)
        verdict = "01"
        if "SYSFAIL" in marks and self.office.fails_now(f"SE:{entry.number}"):
            edits = {head: [edit("system-failure")]}
            work.failed += 1
        else:
            edits = {one.position: faults[one.position] for one in entry.lines if one.position in faults}
            edits = edits or judge(case)
            if not refuses(edits):
                warned = bool(edits)
                verdict, told = self._books(origin, batch, block, entry, edits, now)
                stands = told in {"match", "replaced"}
                work.accepted += [entry.number] if stands else []
                work.changed[told].append(entry.number)
                work.elsewhere += [entry.number] if stands and self._port_differs(entry) else []
                verdict = "03" if warned and verdict == "02" else verdict
        work.counts[verdict] += 1
        work.named |= marks.names
        work.reasons += _reasons(entry, edits)
        return _response(entry, edits, verdict)

    # ------------------------------------------------------------------ entry summaries of the same number

    def _port_differs(self, entry: EntryFiled) -> bool:
        """Whether a summary is on file for another port than the entry is now."""
        port, there = entry.head["port"][:4], self.summaries.port_of(entry.number)
        return bool(port and there and port != there)

    def _tell_elsewhere(self, numbers: Sequence[str], at: datetime) -> None:
        pile = Pile()
        for number in numbers:
            pile.entry(number, said("89", at))
        self.life.notices.write(pile, at)

    # ------------------------------------------------------------------ the books

    def _books(
        self, origin: Origin, batch: Batch, block: Block, entry: EntryFiled, edits: dict[int, list[Edit]], now: datetime
    ) -> tuple[str, str]:
        """(final SE90 type, what follows: match, replaced, cancelled or nothing); adds edits that only the books can
        find.
        """
        row = self.office.store.row("select * from entry where number = ?", entry.number)
        action = entry.head["action"]
        refused = self._refused(entry, row, action, now)
        if refused is not None:
            head = entry.lines[0].position
            edits[head] = [refused, *edits.get(head, [])]
            return "01", ""
        filing = _filing(origin, batch, block, entry, row, now)
        if action == "A":
            self.life.books.keep(filing, now)
            return "02", "match"
        if action == "U":
            self.life.books.update(filing, now)
            return "02", "match"
        if not self.life.reviews.change(filing, now):
            return "04", ""
        return "02", "cancelled" if action == "D" else "replaced"

    def _refused(self, entry: EntryFiled, row: sqlite3.Row | None, action: str, now: datetime) -> Edit | None:
        if action == "A":
            if row is not None or "DUP" in entry.marks():
                return edit("number-on-file")
            late = self.office.book.rule("type86-on-arrival", now)
            if entry.head["type"] == "86" and late and self._has_arrived(entry):
                return Edit(late.code, late.text, late.citation)
            return None
        if row is None:
            return edit("number-unknown")
        if row["state"] == "CANCELLED":
            return edit("cancelled")
        if action == "R" and row["type"] != entry.head["type"]:
            return edit("type-changed")
        if action == "R" and not self.life.reviews.may_replace(row):
            return edit("replace-released")
        if action == "U" and not self.life.reviews.may_update(row, now):
            return edit("update-late")
        if row["released_at"] and entry.extra.get("immediate") == "Y":
            return edit("delivery-invalid")
        if set(_documents(entry)) & set(json.loads(row["body"]).get("documents", ())):
            return edit("documents-again")
        return None

    def _has_arrived(self, entry: EntryFiled) -> bool:
        rows = self.office.store.rows_for(
            "select m.state from bill b join manifest m on m.id = b.manifest_id where b.scn in ({}) and m.state"
            " in ('ARRIVED', 'CLOSED')",
            entry.scns,
        )
        return bool(rows)


def _documents(entry: EntryFiled) -> list[str]:
    """The filer's own numbers of what it sent through DIS."""
    return [text for qualifier, text in entry.references if qualifier == "DIS"]


def _without_password(header: str) -> str:
    return header[:8] + " " * 6 + header[14:]


def _day(entry: EntryFiled, now: datetime) -> str:
    given = next((r for q, r in entry.references if q == "EDA"), "")
    day = arrival_day(given) or now
    return day.strftime("%Y%m%d")


def _filing(
    origin: Origin, batch: Batch, block: Block, entry: EntryFiled, before: sqlite3.Row | None, now: datetime
) -> Filing:
    """What the books keep of a transaction; a cancellation has no content."""
    consignee = entry.consignee()
    content = Content(
        partner=origin.partner,
        type=entry.head["type"],
        a_header=_without_password(batch.header),
        b_header=block.header.text,
        body=_body(entry, before),
        consignee=consignee.key if consignee is not None else "",
        value=int(entry.head["value"] or 0),
        day=_day(entry, now),
        marks=entry.marks().as_text(),
    )
    return Filing(
        entry.number,
        entry.head["action"],
        entry.contact.get("reason", ""),
        tuple(entry.references),
        content if entry.head["action"] != "D" else None,
    )


def _body(entry: EntryFiled, before: sqlite3.Row | None) -> dict[str, Any]:
    """What the books keep of an entry; the filer's numbers in DIS add up over its versions."""
    used = json.loads(before["body"]).get("documents", []) if before is not None else []
    carrier = next((issuer for kind, issuer, _, _, _ in entry.bills if kind != "I"), "")
    first = next((one.values for one in entry.lines if one.id == "SE16"), {})
    return {
        "filer": entry.head["filer"],
        "sequence": entry.head["number"],
        "type": entry.head["type"],
        "port": entry.head["port"][:4],
        "importer": entry.head["importer"],
        "carrier": first.get("carrier", carrier),
        "conveyance": entry.extra.get("conveyance", ""),
        "voyage": entry.extra.get("voyage", ""),
        "arrival": first.get("arrival") or next((r for q, r in entry.references if q == "EDA"), "")[:6],
        "split": entry.head["split"],
        "references": entry.references,
        "documents": [*used, *_documents(entry)],
        "lines": [(number, origin, hts) for number, origin, tariffs, _ in entry.items for hts, _ in tariffs],
        "bills": entry.bills,
        "agencies": agency_body(entry.lines),
    }


def _reasons(entry: EntryFiled, edits: Mapping[int, list[Edit]]) -> list[dict[str, str]]:
    return [
        {"code": e.code, "text": e.text, "place": f"{entry.number} record {position}", "reference": e.reference}
        for position, some in edits.items()
        for e in some
    ]


def _response(entry: EntryFiled, edits: dict[int, list[Edit]], verdict: str) -> list[str]:
    out: list[str] = []
    for line, wrong in echo(entry, edits):
        out.append(line.text)
        out += [se90(e.kind, e.code, e.text) for e in wrong]
    out.append(se90(verdict, "", VERDICTS[verdict]))
    return out
