"""How are statuses collected and written? During one event they gather on a pile; at its end they become few files.

350s are grouped by manifest, SOs by the sender of the entries, at most ``status_batch`` statuses in a file. When they
go, and how often, is a matter of markers (:mod:`sandbox.delivery`): what is told late or never is in the books all the
same, and a query shows it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sandbox.abi.answers import notification
from sandbox.abi.entry_page import EntryPages, News
from sandbox.abi.status_codes import ENTRY_CODES
from sandbox.abi.status_records import AgencyStatus, Disposition, day
from sandbox.delivery import Delivery, Going
from sandbox.office import Office, Origin
from sandbox.store import stamp
from sandbox.truck import x12
from sandbox.truck.answers import Status350, status_message
from sandbox.truck.trip_reader import zone_of

_BORDER: Final = "case m.state when 'CLOSED' then 'ARRIVED' else m.state end"
"""For a shipment a closed manifest is one whose truck has come."""


class Pile:
    """Statuses collected during one event, written as few files when it ends."""

    def __init__(self) -> None:
        self.bills: list[tuple[str, str, str, str]] = []
        self.entries: dict[str, News] = {}

    def bill(self, scn: str, code: str, remark: str = "", entry: str = "") -> None:
        """A 350 disposition for a bill."""
        self.bills.append((scn, code, remark, entry))

    def entry(self, number: str, *dispositions: Disposition) -> None:
        """SO60s for an entry, or none when only its bills have news (SO50 follows from the books); calls add up."""
        self.entries.setdefault(number, News()).dispositions.extend(dispositions)

    def agencies(self, number: str, statuses: Iterable[AgencyStatus]) -> None:
        """SO70s for an entry."""
        self.entries.setdefault(number, News()).agencies.extend(statuses)

    def comment(self, number: str, qualifier: str, text: str) -> None:
        """A further SO20 for an entry: RSN or CMT."""
        self.entries.setdefault(number, News()).comments.append((qualifier, text))


def said(code: str, at: datetime, *, origin: str = "", released: str = "", document: str = "") -> Disposition:
    """An SO60 with CBP's narrative; ``origin`` is the release origin code of 22 and 98, ``released`` their release day
    (MMDDYY; that of ``at`` when none is given).
    """
    return Disposition(code, ENTRY_CODES[code], at, origin, (released or day(at)) if origin else "", document)


class Notices:
    """Reads the books for what a status repeats, and writes 350 and SO files."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.pages = EntryPages(office)
        self.delivery = Delivery(office)

    # ------------------------------------------------------------------ rows

    def bills(self, scns: Iterable[str]) -> list[sqlite3.Row]:
        return self.office.store.rows_for(
            f"select b.*, {_BORDER} as manifest_state from bill b join manifest m on m.id = b.manifest_id where"
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
            f"select x.scn as wanted, b.*, {_BORDER} as manifest_state from entry_bill x"
            " left join bill b on b.scn = x.scn left join manifest m on m.id = b.manifest_id where x.number = ?",
            number,
        )

    def set_entry(self, number: str, state: str) -> None:
        """Where an entry stands from now on."""
        self.office.store.run("update entry set state = ? where number = ?", state, number)

    # ------------------------------------------------------------------ files

    def write(self, pile: Pile, at: datetime) -> None:
        self._write_350(pile, at)
        self._write_so(pile, at)

    def _write_350(self, pile: Pile, at: datetime) -> None:
        groups: dict[tuple[int, Going, str], list[Status350]] = defaultdict(list)
        rows = {b["scn"]: b for b in self.bills({scn for scn, _, _, _ in pile.bills})}
        types = {e["number"]: e["type"] for e in self.entries({n for _, _, _, n in pile.bills if n})}
        manifests = {
            b["manifest_id"]: self.office.store.row("select * from manifest where id = ?", b["manifest_id"])
            for b in rows.values()
        }
        self.office.store.run_many(
            "insert into bill_told (scn, code, remark, quantity, at) values (?,?,?,?,?)",
            [(scn, code, remark, rows[scn]["quantity"], stamp(at)) for scn, code, remark, _ in pile.bills],
        )
        for scn, code, remark, number in pile.bills:
            bill = rows[scn]
            manifest = manifests[bill["manifest_id"]]
            if manifest is None:
                raise LookupError(scn)
            going = self.delivery.of_bill(bill, manifest["trip"], at)
            if going is None:
                continue
            zone = zone_of(manifest["port"])
            one = Status350(
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
            for party in ("", *self._parties(bill)):
                groups[bill["manifest_id"], going, party].append(one)
        size = self.office.behaviour.status_batch
        for (manifest_id, going, party), statuses in groups.items():
            manifest = manifests[manifest_id]
            if manifest is None:
                raise LookupError(manifest_id)
            addresses = x12.Addresses.from_list(json.loads(manifest["addresses"]))
            partner = manifest["partner"]
            if party:
                code, partner = party.split("/")
                addresses = replace(addresses, receiver=code[:15])
            for start in range(0, len(statuses), size):
                body = status_message(
                    json.loads(manifest["header"]),
                    json.loads(manifest["port_segment"]),
                    statuses[start : start + size],
                    self.office.profile,
                )
                payload = self.office.interchange(addresses, "350", body, at)
                self.office.answer(Origin(partner), "350", payload, at, going.due, twice=going.twice)

    def _parties(self, bill: sqlite3.Row) -> list[str]:
        """Who is told besides the carrier: those of ``notify_parties`` that the bill names (CBP truck 350 guide)."""
        known = self.office.behaviour.notify_parties
        named = json.loads(bill["told"]) if known else []
        return [one for one in known if one.split("/")[0] in named]

    def _write_so(self, pile: Pile, at: datetime) -> None:
        groups: dict[tuple[str, str, Going], list[tuple[str, list[str]]]] = defaultdict(list)
        for entry, records in self.pages.tell(pile.entries, at):
            going = self.delivery.of_entry(entry, at)
            if going is not None:
                groups[entry["partner"], entry["a_header"], going].append((entry["b_header"], records))
        size = self.office.behaviour.status_batch
        for (partner, a_header, going), transactions in groups.items():
            for start in range(0, len(transactions), size):
                blocks: dict[str, list[list[str]]] = defaultdict(list)
                for b_header, records in transactions[start : start + size]:
                    blocks[b_header].append(records)
                payload = notification(a_header, blocks.items(), at)
                self.office.answer(Origin(partner), "SO", payload, at, going.due, twice=going.twice)
