"""How are statuses collected and written? During one event they gather on a pile; at its end they become few files.

350s are grouped by manifest, SOs by the sender of the entries, at most ``status_batch`` statuses in a file. A shipment
marked LATE has its statuses later, one
marked SILENT never.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.abi.answers import BillStatus, Disposition, EntryHead, notification, status
from sandbox.markers import from_text
from sandbox.office import Office, Origin
from sandbox.truck import x12
from sandbox.truck.answers import Status350, status_message
from sandbox.truck.manifest_reader import ZONE_OF_DISTRICT

NARRATIVES: Final = {
    "91": "NO BILL MATCH",
    "93": "BILL ON FILE",
    "95": "BILL ARRIVED",
    "51": "MANIFEST HOLD CBP",
    "54": "CBP MANIFEST HOLD REMOVED",
    "61": "BILL DELETED",
}
DISPOSITIONS: Final = {
    "01": "ONEUSG",
    "03": "PENDING INTENSIVE EXAM",
    "23": "ENTRY CANCELLED",
    "29": "NOT RELEASED",
    "30": "DE MINIMIS MAY BE MET USE ALT ENTRY TYPE",
    "34": "ENTRY RELEASE WITHHELD - DE MINIMIS MET",
    "86": "CORRECTION REQUEST REJECTED",
    "87": "CANCELLATION REQUEST REJECTED",
    "88": "ENTRY REPLACED",
    "90": "UNDER CBP REVIEW",
    "96": "DOCUMENT REQUIRED",
    "97": "ADMISSIBLE",
    "98": "RELEASED",
    "99": "RELEASE SUSPENDED",
}


class Pile:
    """Statuses collected during one event, written as few files when it ends."""

    def __init__(self) -> None:
        self.bills: list[tuple[str, str, str, str]] = []
        self.entries: dict[str, tuple[str, list[Disposition]]] = {}
        self.comments: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def comment(self, number: str, qualifier: str, text: str) -> None:
        """A further SO20 of an entry: the reason of a refusal (RSN) or CBP's comment (CMT)."""
        self.comments[number].append((qualifier, text))

    def bill(self, scn: str, code: str, remark: str = "", entry: str = "") -> None:
        """A 350 disposition for a bill."""
        self.bills.append((scn, code, remark, entry))

    def entry(self, number: str, bill_code: str, *dispositions: Disposition) -> None:
        """SO50 (``bill_code`` empty: as the books say) and SO60s for an entry; several calls add up."""
        before, listed = self.entries.get(number, ("", []))
        self.entries[number] = (bill_code or before, listed + list(dispositions))


def said(code: str, at: datetime, *, origin: str = "", document: str = "") -> Disposition:
    """An SO60 with CBP's narrative; ``origin`` is the release origin code of 98."""
    return Disposition(code, DISPOSITIONS[code], at, origin, document)


class Notices:
    """Reads the books for what a status repeats, and writes 350 and SO files."""

    def __init__(self, office: Office) -> None:
        self.office = office

    # ------------------------------------------------------------------ rows

    def bills(self, scns: Iterable[str]) -> list[sqlite3.Row]:
        return self.office.store.rows_for(
            "select b.*, m.state as manifest_state from bill b join manifest m on m.id = b.manifest_id where"
            " b.scn in ({}) order by b.rowid",
            scns,
        )

    def entries(self, numbers: Iterable[str]) -> list[sqlite3.Row]:
        return self.office.store.rows_for("select * from entry where number in ({}) order by rowid", numbers)

    def entries_of(self, scn: str) -> list[sqlite3.Row]:
        return self.office.store.rows(
            "select e.* from entry_bill x join entry e on e.number = x.number where x.scn = ? and e.state <>"
            " 'CANCELLED' order by e.rowid",
            scn,
        )

    def bills_of(self, number: str) -> list[sqlite3.Row]:
        return self.office.store.rows(
            "select x.scn as wanted, b.*, m.state as manifest_state from entry_bill x left join bill b on b.scn = x.scn"
            " left join manifest m on m.id = b.manifest_id where x.number = ?",
            number,
        )

    # ------------------------------------------------------------------ files

    def write(self, pile: Pile, at: datetime) -> None:
        self._write_350(pile, at)
        self._write_so(pile, at)

    def _delay_of(self, marks_text: str) -> float | None:
        """Seconds a shipment's statuses come late; ``None``: they never come."""
        marks = from_text(marks_text)
        if "SILENT" in marks:
            return None
        return self.office.behaviour.late_seconds if "LATE" in marks else 0.0

    def _write_350(self, pile: Pile, at: datetime) -> None:
        groups: dict[tuple[int, float], list[Status350]] = defaultdict(list)
        rows = {b["scn"]: b for b in self.bills({scn for scn, _, _, _ in pile.bills})}
        types = {e["number"]: e["type"] for e in self.entries({n for _, _, _, n in pile.bills if n})}
        manifests = {
            b["manifest_id"]: self.office.store.row("select * from manifest where id = ?", b["manifest_id"])
            for b in rows.values()
        }
        for scn, code, remark, number in pile.bills:
            bill = rows[scn]
            late = self._delay_of(bill["marks"])
            if late is None:
                continue
            manifest = manifests[bill["manifest_id"]]
            if manifest is None:
                raise LookupError(scn)
            zone = ZoneInfo(ZONE_OF_DISTRICT.get(manifest["port"][:2], "America/New_York"))
            groups[bill["manifest_id"], late].append(
                Status350(
                    scac=bill["scac"],
                    number=bill["number"],
                    quantity=bill["quantity"],
                    code=code,
                    at=at.astimezone(zone),
                    port=manifest["port"],
                    entry_type=types.get(number, ""),
                    entry=number if number in types else "",
                    remark=remark,
                )
            )
        size = self.office.behaviour.status_batch
        for (manifest_id, late), statuses in groups.items():
            manifest = manifests[manifest_id]
            if manifest is None:
                raise LookupError(manifest_id)
            addresses = x12.Addresses.from_list(json.loads(manifest["addresses"]))
            for start in range(0, len(statuses), size):
                body = status_message(
                    json.loads(manifest["header"]),
                    json.loads(manifest["port_segment"]),
                    statuses[start : start + size],
                    self.office.profile,
                )
                payload = self.office.interchange(addresses, "350", body, at)
                self.office.answer(Origin(manifest["partner"]), "350", payload, at, self.office.after(at, late))

    def _write_so(self, pile: Pile, at: datetime) -> None:
        groups: dict[tuple[str, str, float], list[tuple[str, list[str]]]] = defaultdict(list)
        for entry in self.entries(pile.entries):
            late = self._delay_of(entry["marks"])
            if late is None:
                continue
            bill_code, dispositions = pile.entries[entry["number"]]
            bills, comments = self._bill_statuses(entry, bill_code, at), pile.comments[entry["number"]]
            records = status(self._head(entry), bills, dispositions, comments)
            groups[entry["partner"], entry["a_header"], late].append((entry["b_header"], records))
        size = self.office.behaviour.status_batch
        for (partner, a_header, late), transactions in groups.items():
            for start in range(0, len(transactions), size):
                blocks: dict[str, list[list[str]]] = defaultdict(list)
                for b_header, records in transactions[start : start + size]:
                    blocks[b_header].append(records)
                payload = notification(a_header, blocks.items(), at)
                self.office.answer(Origin(partner), "SO", payload, at, self.office.after(at, late))

    @staticmethod
    def _head(entry: sqlite3.Row) -> EntryHead:
        body = json.loads(entry["body"])
        return EntryHead(
            **{
                k: body[k]
                for k in ("filer", "type", "port", "importer", "carrier", "conveyance", "voyage", "arrival", "split")
            },
            number=body["sequence"],
            references=tuple((q, v) for q, v in body["references"] if q in {"CR", "RRN"}),
            lines=tuple((n, origin, hts) for n, origin, hts in body["lines"]),
        )

    def _bill_statuses(self, entry: sqlite3.Row, bill_code: str, at: datetime) -> list[BillStatus]:
        known = {b["wanted"]: b for b in self.bills_of(entry["number"])}
        out = []
        for kind, issuer, number, quantity, unit in json.loads(entry["body"])["bills"]:
            bill = known.get(issuer + number)
            on_file = bill is not None and bill["scn"] is not None
            code = bill_code
            if not code:
                code = (
                    "95"
                    if on_file and bill is not None and bill["manifest_state"] == "ARRIVED"
                    else "93"
                    if on_file
                    else "91"
                )
            manifested = bill["quantity"] if on_file and bill is not None else ""
            out.append(
                BillStatus(kind, issuer, number, quantity or manifested, unit, manifested, code, NARRATIVES[code], at)
            )
        return out
