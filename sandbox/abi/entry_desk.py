"""What does CBP do with a cargo release batch? Faults of records come back as SX; accepted entries go into the books.

Actions and what becomes of them: CBP CATAIR Cargo Release v40, section on action codes. A replacement or cancellation
of a matched entry is a request that a
human looks at (SX 04), answered later by SO 88 or 23.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.abi.answers import response, se90
from sandbox.abi.batch_reader import Batch, Block
from sandbox.abi.cargo_checks import Edit, EntryChecks, echo
from sandbox.abi.cargo_entry import EntryFiled, arrival_day, read_entry
from sandbox.abi.front_desk import Settled
from sandbox.border import Border, age_days
from sandbox.office import Office, Origin
from sandbox.store import stamp

VERDICTS: Final = {
    "01": "TRANSACTION REJECTED",
    "02": "TRANSACTION ACCEPTED",
    "03": "TRANSACTION ACCEPTED WITH WARNING",
    "04": "TRANSACTION REFERRED TO CBP REVIEW",
}
"""Final SE90 by type; CBP's own narrative texts were not found."""


class EntryDesk:
    """Settles cargo release batches; to be called inside a transaction."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border = office, border

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer one batch that came apart well."""
        counts = dict.fromkeys(VERDICTS, 0)
        reasons: list[dict[str, str]] = []
        answers: list[list[list[str]]] = []
        accepted: list[str] = []
        cancelled: list[str] = []
        named: set[str] = set()
        for block in batch.blocks:
            out: list[list[str]] = []
            for transaction in block.transactions:
                entry = read_entry(transaction)
                edits = EntryChecks(entry, block, now, self.office.book, self.office.behaviour).run()
                verdict = "01"
                if not edits:
                    verdict, told = self._books(origin, batch, block, entry, edits, now)
                    accepted += [entry.number] if told == "match" else []
                    cancelled += [entry.number] if told == "cancelled" else []
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
        self.border.entries_filed(accepted, now)
        if cancelled:
            self.office.step("cancelled", due, {"entries": cancelled})
        return Settled(f"SX {json.dumps({k: v for k, v in counts.items() if v})}", reasons)

    # ------------------------------------------------------------------ the books

    def _books(
        self, origin: Origin, batch: Batch, block: Block, entry: EntryFiled, edits: dict[int, list[Edit]], now: datetime
    ) -> tuple[str, str]:
        """(final SE90 type, what follows: match, cancelled or nothing); adds edits that only the books can find."""
        row = self.office.store.row("select * from entry where number = ?", entry.number)
        action = entry.head["action"]
        refused = self._refused(entry, row, action, now)
        if refused is not None:
            edits[entry.lines[0].position] = [refused]
            return "01", ""
        if action == "A":
            self._keep(origin, batch, block, entry, now)
            return "02", "match"
        if row is None:
            raise LookupError(entry.number)
        if action == "U":
            self._update(entry, row)
            return "02", "match"
        if row["matched"] or row["pending"]:
            pending = "D" if action == "D" else json.dumps(_body(entry))
            self.office.store.run("update entry set pending = ? where number = ?", pending, entry.number)
            self.office.step(
                "review", self.office.after(now, self.office.behaviour.review_seconds), {"entries": [entry.number]}
            )
            return "04", ""
        if action == "D":
            self.border.cancel(entry.number)
            return "02", "cancelled"
        self._keep(origin, batch, block, entry, now)
        return "02", "match"

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
        if action == "R" and row["released_at"]:
            return Edit("Z52", "REPLACE NOT ALLOWED AFTER RELEASE", "CR v40 2.2")
        if action == "U" and row["released_at"] and age_days(row["released_at"], now) > 15:
            return Edit("Z53", "UPDATE LATER THAN 15 DAYS AFTER RELEASE", "CR v40 2.2")
        return None

    def _has_arrived(self, entry: EntryFiled) -> bool:
        rows = self.office.store.rows_for(
            "select m.state from bill b join manifest m on m.id = b.manifest_id where b.scn in ({}) and m.state"
            " = 'ARRIVED'",
            entry.scns,
        )
        return bool(rows)

    def _keep(self, origin: Origin, batch: Batch, block: Block, entry: EntryFiled, now: datetime) -> None:
        store = self.office.store
        consignee = entry.consignee()
        key = consignee.key if consignee is not None else ""
        day = _day(entry, now)
        over = self._over_limit(entry, key, day, now)
        store.run(
            "insert or replace into entry (number, partner, type, state, filed_at, a_header, b_header, body,"
            " consignee, value, day, marks, over_limit)"
            " values (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            entry.number, origin.partner, entry.head["type"], "ACCEPTED", stamp(now), _without_password(batch.header),
            block.header.text,
            json.dumps(_body(entry)), key, int(entry.head["value"]), day, entry.marks().as_text(), int(over),
        )  # fmt: skip
        self._link(entry)

    def _link(self, entry: EntryFiled) -> None:
        self.office.store.run("delete from entry_bill where number = ?", entry.number)
        self.office.store.run_many(
            "insert or ignore into entry_bill (scn, number) values (?,?)", [(scn, entry.number) for scn in entry.scns]
        )

    def _over_limit(self, entry: EntryFiled, key: str, day: str, now: datetime) -> bool:
        """Whether a type 86 entry takes its consignee over the day's limit."""
        if entry.head["type"] != "86":
            return False
        store, cents = self.office.store, int(entry.head["value"]) * 100
        total = store.count(
            "select sum(cents) from day_value where consignee = ? and day = ? and reference <> ?",
            key,
            day,
            entry.number,
        )
        store.run(
            "insert or replace into day_value (consignee, day, reference, cents) values (?,?,?,?)",
            key,
            day,
            entry.number,
            cents,
        )
        rule = self.office.book.rule("day-limit-withhold", now)
        return rule is not None and Decimal(total + cents) > rule.limit * 100

    def _update(self, entry: EntryFiled, row: sqlite3.Row) -> None:
        body = json.loads(row["body"])
        fresh = _body(entry)
        for key in ("port", "carrier", "conveyance", "voyage"):
            body[key] = fresh[key] or body[key]
        if entry.bills:
            body["bills"] = fresh["bills"]
            self._link(entry)
            self.office.store.run("update entry set matched = 0 where number = ? and state <> 'RELEASED'", entry.number)
        self.office.store.run("update entry set body = ? where number = ?", json.dumps(body), entry.number)


def _without_password(header: str) -> str:
    return header[:8] + " " * 6 + header[14:]


def _day(entry: EntryFiled, now: datetime) -> str:
    given = next((r for q, r in entry.references if q == "EDA"), "")
    day = arrival_day(given) or now
    return day.strftime("%Y%m%d")


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
    }


def _response(entry: EntryFiled, edits: dict[int, list[Edit]], verdict: str) -> list[str]:
    out: list[str] = []
    for line, wrong in echo(entry, edits):
        out.append(line.text)
        out += [se90("11", e.code, e.text) for e in wrong]
    out.append(se90(verdict, "", VERDICTS[verdict]))
    return out
