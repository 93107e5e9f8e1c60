"""What does CBP do with a cargo release batch? Faults of records come back as SX; accepted entries go into the books.

Actions and what becomes of them: CBP CATAIR Cargo Release v40, section on action codes. A replacement or cancellation
of a matched entry is a request that a
human looks at (SX 04), answered later by SO 88 or 23.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from sandbox.abi.agencies import agency_body
from sandbox.abi.answers import response, se90
from sandbox.abi.batch_reader import Batch, Block
from sandbox.abi.cargo_checks import Edit, EntryChecks, echo
from sandbox.abi.cargo_entry import EntryFiled, arrival_day, read_entry
from sandbox.abi.entry_books import Content, Filing
from sandbox.abi.entry_life import EntryLife
from sandbox.abi.front_desk import Settled
from sandbox.office import Office, Origin

VERDICTS: Final = {
    "01": "TRANSACTION REJECTED",
    "02": "TRANSACTION ACCEPTED",
    "03": "TRANSACTION ACCEPTED WITH WARNING",
    "04": "TRANSACTION REFERRED TO CBP REVIEW",
}
"""Final SE90 by type; CBP's own narrative texts were not found."""


class EntryDesk:
    """Settles cargo release batches; to be called inside a transaction."""

    def __init__(self, office: Office, life: EntryLife) -> None:
        self.office, self.life = office, life

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer one batch that came apart well."""
        counts = dict.fromkeys(VERDICTS, 0)
        reasons: list[dict[str, str]] = []
        answers: list[list[list[str]]] = []
        accepted: list[str] = []
        changed: dict[str, list[str]] = defaultdict(list)
        named: set[str] = set()
        for block in batch.blocks:
            out: list[list[str]] = []
            for transaction in block.transactions:
                entry = read_entry(transaction)
                edits = EntryChecks(entry, block, now, self.office.book, self.office.behaviour).run()
                verdict = "01"
                if not edits:
                    verdict, told = self._books(origin, batch, block, entry, edits, now)
                    accepted += [entry.number] if told in {"match", "replaced"} else []
                    changed[told].append(entry.number)
                counts[verdict] += 1
                for position, some in edits.items():
                    reasons += [
                        {
                            "code": e.code,
                            "text": e.text,
                            "place": f"{entry.number} record {position}",
                            "reference": e.reference,
                        }
                        for e in some
                    ]
                marks = entry.marks()
                named |= marks.names
                if "SILENT" not in marks:
                    out.append(_response(entry, edits, verdict))
            answers.append(out)
        if any(answers):
            self.office.answer(
                origin, "SX", response(batch, answers), now, due, garble="GARBLE" in named, twice="TWICE" in named
            )
        for told, code in (("cancelled", "23"), ("replaced", "88")):
            if changed[told]:
                self.office.step("changed", due, {"entries": changed[told], "code": code})
        self.life.entries_filed(accepted, now)
        return Settled(f"SX {json.dumps({k: v for k, v in counts.items() if v})}", reasons)

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
            edits[entry.lines[0].position] = [refused]
            return "01", ""
        filing = _filing(origin, batch, block, entry, now)
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
                return Edit("007", "ENTRY NUMBER ALREADY ON FILE")
            late = self.office.book.rule("type86-on-arrival", now)
            if entry.head["type"] == "86" and late and self._has_arrived(entry):
                return Edit(late.code, late.text, late.citation)
            return None
        if row is None:
            return Edit("008", "ENTRY NUMBER NOT ON FILE")
        if row["state"] == "CANCELLED":
            return Edit("Z51", "ENTRY IS CANCELLED", "CR v40 2.1")
        if action == "R" and row["type"] != entry.head["type"]:
            return Edit("210", "ENTRY TYPE CODE CHANGE IS NOT ALLOWED")
        if action == "R" and not self.life.reviews.may_replace(row):
            return Edit("Z52", "REPLACE NOT ALLOWED AFTER RELEASE", "CR v40 2.2")
        if action == "U" and not self.life.reviews.may_update(row, now):
            return Edit("Z53", "UPDATE LATER THAN 15 DAYS AFTER RELEASE", "CR v40 2.2")
        return None

    def _has_arrived(self, entry: EntryFiled) -> bool:
        rows = self.office.store.rows_for(
            "select m.state from bill b join manifest m on m.id = b.manifest_id where b.scn in ({}) and m.state"
            " in ('ARRIVED', 'CLOSED')",
            entry.scns,
        )
        return bool(rows)


def _without_password(header: str) -> str:
    return header[:8] + " " * 6 + header[14:]


def _day(entry: EntryFiled, now: datetime) -> str:
    given = next((r for q, r in entry.references if q == "EDA"), "")
    day = arrival_day(given) or now
    return day.strftime("%Y%m%d")


def _filing(origin: Origin, batch: Batch, block: Block, entry: EntryFiled, now: datetime) -> Filing:
    """What the books keep of a transaction; a cancellation has no content."""
    consignee = entry.consignee()
    content = Content(
        partner=origin.partner,
        type=entry.head["type"],
        a_header=_without_password(batch.header),
        b_header=block.header.text,
        body=_body(entry),
        consignee=consignee.key if consignee is not None else "",
        value=int(entry.head["value"] or 0),
        day=_day(entry, now),
        marks=entry.marks().as_text(),
    )
    return Filing(
        entry.number,
        entry.head["action"],
        entry.contact["reason"],
        tuple(entry.references),
        content if entry.head["action"] != "D" else None,
    )


def _body(entry: EntryFiled) -> dict[str, Any]:
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
        "lines": [(number, origin, hts) for number, origin, tariffs, _ in entry.items for hts, _ in tariffs],
        "bills": entry.bills,
        "agencies": agency_body(entry.lines),
    }


def _response(entry: EntryFiled, edits: dict[int, list[Edit]], verdict: str) -> list[str]:
    out: list[str] = []
    for line, wrong in echo(entry, edits):
        out.append(line.text)
        out += [se90("11", e.code, e.text) for e in wrong]
    out.append(se90(verdict, "", VERDICTS[verdict]))
    return out
