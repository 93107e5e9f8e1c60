"""When is a truck here, when is its manifest closed, and what is told of the trip as a whole?

Orders of arrival and of release are kept as numbers that only grow. A manifest is CLOSED when every shipment on it has
its final disposition, and open again when a release is taken back. Dispositions that a list for all modes has, but no
truck guide that was readable, are told by switches (:class:`sandbox.truck.behaviour.TruckBehaviour`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.markers import from_text
from sandbox.notices import Notices, Pile
from sandbox.office import Office, Origin
from sandbox.store import stamp
from sandbox.truck import x12
from sandbox.truck.answers import event_message
from sandbox.truck.states import FINAL
from sandbox.truck.trip_reader import zone_of


class Crossings:
    """Trips at the border; every method must run inside a transaction of the books."""

    def __init__(self, office: Office, notices: Notices) -> None:
        self.office, self.notices, self.store = office, notices, office.store

    # ------------------------------------------------------------------ arrival

    def note_arrival(self, manifest: sqlite3.Row, at: datetime) -> list[str]:
        """The truck is here: state, order, and what is told of it; gives its shipments."""
        self.store.run(
            "update manifest set state = 'ARRIVED', arrived_at = ?, arrival_order = ?, stopped_at = null where id = ?",
            stamp(at), self.store.next_number("arrival-order"), manifest["id"],
        )  # fmt: skip
        scns = self.riding(manifest["id"])
        if self.office.behaviour.arrival_event_code:
            self._tell_event(manifest, at)
        if self.office.behaviour.tell_arrival:
            self.tell(scns, "19", at)
        return scns

    def riding(self, manifest_id: int) -> list[str]:
        """Shipments on a manifest, in the order in which they were filed."""
        rows = self.store.rows(
            "select scn from bill where manifest_id = ? and state not in ('DELETED', 'DELINKED') order by rowid",
            manifest_id,
        )
        return [row["scn"] for row in rows]

    def stop(self, manifest: sqlite3.Row, at: datetime) -> list[str]:
        """A truck on a preliminary manifest waits, and its shipments with it; gives them."""
        self.store.run("update manifest set stopped_at = ? where id = ?", stamp(at), manifest["id"])
        scns = self.riding(manifest["id"])
        self.store.run_many("update bill set state = 'HELD' where scn = ?", [(one,) for one in scns])
        self.tell(scns, "1H", at, "MANIFEST NOT COMPLETE")
        return scns

    def go_on(self, manifest: sqlite3.Row, at: datetime) -> None:
        """What waited for its manifest waits no longer."""
        held = [one for one in self.riding(manifest["id"]) if self._state(one) == "HELD"]
        self.tell(held, "1I", at, "MANIFEST COMPLETE")

    def _state(self, scn: str) -> str:
        row = self.store.row("select state from bill where scn = ?", scn)
        return "" if row is None else str(row["state"])

    # ------------------------------------------------------------------ closing

    def close_final(self, manifest_ids: Iterable[int]) -> None:
        """Close the manifests on which nothing is open any more."""
        final = ",".join(f"'{one}'" for one in sorted(FINAL))
        self.store.run_many(
            "update manifest set state = 'CLOSED' where id = ? and state = 'ARRIVED' and not exists"
            f" (select 1 from bill where bill.manifest_id = manifest.id and bill.state not in ({final}))",
            [(one,) for one in set(manifest_ids)],
        )

    def reopen(self, manifest_ids: Iterable[int]) -> None:
        """A release on these was taken back."""
        self.store.run_many(
            "update manifest set state = 'ARRIVED' where id = ? and state = 'CLOSED'",
            [(one,) for one in set(manifest_ids)],
        )

    # ------------------------------------------------------------------ entries come and go

    def entries_changed(self, numbers: Sequence[str], at: datetime) -> list[str]:
        """Shipments are ENTERED while an entry for them is on file; gives refused ones at the border that now have one.

        What is marked NOENT stays refused.
        """
        wanted = self.store.rows_for("select distinct scn from entry_bill where number in ({})", numbers)
        scns = [row["scn"] for row in wanted]
        found = self.store.rows_for(
            "select x.scn, e.marks from entry_bill x join entry e on e.number = x.number where x.scn in ({}) and"
            " e.matched = 1 and e.state <> 'CANCELLED'",
            scns,
        )
        entered = {row["scn"] for row in found}
        lost = {row["scn"] for row in found if "NOENT" in from_text(row["marks"])}
        here, entering, leaving = [], [], []
        for bill in self.notices.bills(scns):
            scn, state = bill["scn"], bill["state"]
            if state in {"ON_FILE", "LINKED"} and scn in entered:
                entering.append(scn)
            elif state == "ENTERED" and scn not in entered:
                leaving.append((waiting_state(bill), scn))
            elif state == "REFUSED" and scn in entered - lost and "NOENT" not in from_text(bill["marks"]):
                here.append(scn)
        self.store.run_many("update bill set state = 'ENTERED' where scn = ?", [(one,) for one in entering])
        self.store.run_many("update bill set state = ? where scn = ?", leaving)
        if self.office.behaviour.tell_entry_on_file:
            self.tell(entering, "02", at)
        return here

    # ------------------------------------------------------------------ telling

    def tell(self, scns: Iterable[str], code: str, at: datetime, remark: str = "") -> None:
        """One 350 disposition for each of these."""
        pile = Pile()
        for scn in scns:
            entries = self.notices.entries_of(scn) if code == "02" else []
            pile.bill(scn, code, remark, entries[0]["number"] if entries else "")
        self.notices.write(pile, at)

    def _tell_event(self, manifest: sqlite3.Row, at: datetime) -> None:
        """A 350 without shipments: the conveyance has arrived (V9)."""
        body = event_message(
            json.loads(manifest["header"]),
            json.loads(manifest["port_segment"]),
            self.office.behaviour.arrival_event_code,
            at.astimezone(zone_of(manifest["port"])),
            self.office.profile,
        )
        addresses = x12.Addresses.from_list(json.loads(manifest["addresses"]))
        payload = self.office.interchange(addresses, "350", body, at)
        self.office.answer(Origin(manifest["partner"]), "350", payload, at, at)


def waiting_state(bill: sqlite3.Row) -> str:
    """State of a shipment on its way for which no entry is on file: put on its trip by a 358 or filed with it."""
    return "LINKED" if bill["linked"] else "ON_FILE"
