"""What does CBP do with a 309? Characters, trip, shipments, states, books; then the 355.

A bill with a fault is refused, the others are kept and a complete manifest falls back to preliminary; a fault of the
trip refuses everything (CBP truck CUSRES guide for the former, deduced for the latter). What may come next for a
manifest and a shipment is :mod:`sandbox.truck.states`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from sandbox.border import Border
from sandbox.office import Office, Origin
from sandbox.store import stamp
from sandbox.truck.acceptance import AcceptanceWriter, Item, Result
from sandbox.truck.books import Held, TruckBooks, gap_remarks
from sandbox.truck.characters import check_characters
from sandbox.truck.citations import BUREAU_STATES, BUREAU_TEXTS, CUSRES, SANDBOX, appendix, element
from sandbox.truck.front_desk import Settled
from sandbox.truck.manifest_checks import FILINGS, ManifestChecks, marks_of
from sandbox.truck.manifest_reader import Bill, Manifest, read_manifest
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.section321 import over_the_limit
from sandbox.truck.states import manifest_cell, shipment_cell
from sandbox.truck.trip_checks import TripChecks
from sandbox.truck.trip_reader import trip_number_of
from sandbox.truck.x12 import Addresses, Interchange

WORD_OF_TYPE: Final = {"W": "COMPLETE", "P": "PRELIMINARY", "Y": "AMENDED", "3": "DELETED"}
RETURNED: Final = Remark("", "MAN RETURNED TO PRELIMINARY", reference=f"{CUSRES}; {BUREAU_TEXTS}")
_SAID: Final = {"A": "add", "R": "replace", "D": "delete"}
_SYSTEM_FAILURE: Final = Remark("", "SYSTEM FAILURE TRY AGAIN", reference=f"{SANDBOX} SYSFAIL")


class ManifestDesk:
    """Settles 309s."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border, self.books = office, border, TruckBooks(office)

    def trip_of(self, interchange: Interchange) -> str:
        """The trip number in M10."""
        return trip_number_of(interchange, self.office.profile)

    def settle(self, origin: Origin, interchange: Interchange, addresses: Addresses, now: datetime) -> Settled:
        """Judge a manifest and keep what is good of it."""
        office, faults = self.office, Faults()
        manifest = read_manifest(interchange, office.profile)
        trip, bills = manifest.trip, manifest.bills
        check_characters(interchange, office.behaviour, partial(_items, bills), faults)
        checks = TripChecks(trip, "309", now, office.behaviour, office.profile)
        checks.run(faults)
        ManifestChecks(manifest, now, office.book, office.behaviour, office.profile).run(faults)
        held = self.books.manifest(trip.trip, trip.arrival_date)
        standings = self.books.standings((b.scn for b in bills), held.id if held.state != "NONE" else 0, now)
        self._state(manifest, held, standings, faults)
        gaps = checks.gaps(first=held.state == "NONE")
        if not faults.trip:
            self._of_the_day(manifest, checks, held, gaps, faults)
        failed = self._failures(bills, faults, now)
        result = self._result(manifest, faults)
        if not faults.trip:
            fast = checks.is_fast if trip.persons else None
            self._keep(origin, manifest, held, standings, result, addresses, now, gaps, fast=fast)
        writer = AcceptanceWriter(interchange, office.profile, office.behaviour.trip_faults_at)
        items = {i: Item(bills[i].at, bills[i].last, bills[i].head) for i in faults.items}
        answer = writer.write((trip.header_at, trip.header), (trip.port_at, trip.port_segment), items, result)
        marks = frozenset[str]().union(*(marks_of(bill).names for bill in bills))
        told = f"355 accepted {result.accepted}, rejected {result.rejected}"
        reasons = faults.reasons(b.scn or f"LX {b.at}" for b in bills)
        return Settled(told, answer, reasons, faults.warnings, marks, undone=0 < failed == len(bills))

    # ------------------------------------------------------------------ by the books

    def _state(self, manifest: Manifest, held: Held, standings: Mapping[str, str], faults: Faults) -> None:
        """What the tables of states say of the manifest and of every shipment."""
        trip = manifest.trip
        if trip.kind not in WORD_OF_TYPE:
            faults.of_trip(trip.header_at, Remark("", "INVALID MANIFEST TYPE", trip.kind, reference=BUREAU_STATES))
            return
        cell = manifest_cell(held.state, f"309 {trip.kind}")
        if not cell.permits(self.office.behaviour):
            faults.of_trip(trip.header_at, cell.remark(trip.trip))
            return
        if trip.kind == "W" and held.state == "COMPLETE":
            again = [b for b in manifest.bills if standings.get(b.scn) not in {None, "DELETED", "ELSEWHERE"}]
            if again:
                faults.of_trip(trip.header_at, cell.remark(trip.trip))
                return
        if trip.kind == "Y":
            self._amendment(manifest, held, faults)
        seen: set[str] = set()
        for index, bill in enumerate(manifest.bills):
            said = self._said(bill, trip.kind)
            if not said:
                continue
            cell = shipment_cell(standings.get(bill.scn, "NONE"), said)
            again_here = bill.scn in seen or ("DUP" in marks_of(bill) and said in {"file", "add"})
            if again_here or not cell.permits(self.office.behaviour):
                refused = shipment_cell("DELETED", "file") if again_here else cell
                faults.add(index, bill.head, refused.remark(bill.scn))
            seen.add(bill.scn)

    @staticmethod
    def _said(bill: Bill, kind: str) -> str:
        """What a message says of a shipment, empty where it says nothing that the table knows."""
        if kind in FILINGS:
            return "file" if bill.m11_at else ""
        return _SAID.get(bill.change, "") if kind == "Y" and bill.m13_at else ""

    def _amendment(self, manifest: Manifest, held: Held, faults: Faults) -> None:
        """Reasons after completion at header and shipment, and what each LX of an amendment must hold."""
        trip, complete = manifest.trip, held.state == "COMPLETE"
        reference = f"{BUREAU_STATES}; M1016 and M1306 (X12 data element 393)"
        if complete and not trip.reason:
            faults.of_trip(trip.header_at, Remark("", "AMENDMENT REASON MISSING", reference=reference))
        made_by_358 = held.row is not None and held.row["created_by"] == "358"
        if made_by_358 and self.office.behaviour.trip_of_358_stays and self._changes_trip(manifest, held):
            text = "TRIP OF A 358 CHANGES BY 358"
            faults.of_trip(trip.header_at, Remark("", text, trip.trip, reference=BUREAU_STATES))
        for index, bill in enumerate(manifest.bills):
            if bill.m11_at and not bill.m13_at:
                missing = Remark(
                    "", "M13 MISSING IN AMENDMENT", reference=element("309", "M13 of an amendment (type Y)")
                )
                faults.add(index, bill.m11_at, missing)
            if not bill.m13_at:
                continue
            if complete and not bill.reason:
                faults.add(index, bill.m13_at, Remark("", "AMENDMENT REASON MISSING", reference=reference))
            if bill.change == "A" and not bill.m11_at:
                faults.add(index, bill.m13_at, Remark("003", "NO B01/M11 RECORD FOUND", reference=appendix("003")))
            if bill.change not in _SAID:
                remark = Remark("", "AMENDMENT TYPE NOT MODELLED", bill.change, reference=f"{SANDBOX} (M1303)")
                faults.add(index, bill.m13_at, remark)

    def _changes_trip(self, manifest: Manifest, held: Held) -> bool:
        trip, row = manifest.trip, held.row
        moved = row is not None and (row["port"] != trip.port or row["eta"] != self.books.eta_of(trip, held))
        return bool(trip.vehicles or trip.persons) or moved

    def _of_the_day(
        self, manifest: Manifest, checks: TripChecks, held: Held, gaps: Mapping[str, list[Remark]], faults: Faults
    ) -> None:
        """What depends on the instant, and what a complete manifest lacks."""
        kind = manifest.trip.kind
        if kind in FILINGS or self._changes_trip(manifest, held):
            checks.in_time(faults, may_refuse=kind in FILINGS)
        lacking = [one for found in gaps.values() for one in found]
        if kind == "W":
            lacking += gap_remarks({part: rows for part, rows in held.gaps().items() if part not in gaps})
        if kind == "W" or held.state == "COMPLETE":
            for remark in lacking:
                faults.of_trip(manifest.trip.header_at, remark)

    def _failures(self, bills: list[Bill], faults: Faults, now: datetime) -> int:
        """SYSFAIL: the first time a bill comes CBP fails, and keeps nothing of it; gives for how many that was so."""
        failed = 0
        if faults.trip:
            return failed
        for index, bill in enumerate(bills):
            if not bill.m11_at or "SYSFAIL" not in marks_of(bill):
                continue
            if self.office.store.row("select scn from bill_failure where scn = ?", bill.scn) is None:
                self.office.store.run("insert into bill_failure (scn, at) values (?,?)", bill.scn, stamp(now))
                faults.add(index, bill.head, _SYSTEM_FAILURE)
                failed += 1
        return failed

    @staticmethod
    def _result(manifest: Manifest, faults: Faults) -> Result:
        said = sum(1 for b in manifest.bills if b.m11_at or b.m13_at)
        refused = said if faults.trip else len(faults.items)
        result = Result(faults, refused, 0 if faults.trip else max(0, said - refused), "PRELIMINARY")
        result.word = WORD_OF_TYPE.get(manifest.trip.kind, "PRELIMINARY")
        if manifest.trip.kind == "W" and faults.items and not faults.trip:
            result.extra.append(RETURNED)
        return result

    # ------------------------------------------------------------------ into the books

    def _keep(
        self,
        origin: Origin,
        manifest: Manifest,
        held: Held,
        standings: Mapping[str, str],
        result: Result,
        addresses: Addresses,
        now: datetime,
        gaps: Mapping[str, list[Remark]],
        *,
        fast: bool | None,
    ) -> None:
        trip, refused = manifest.trip, result.faults.items
        cell = manifest_cell(held.state, f"309 {trip.kind}")
        state = cell.otherwise if refused and cell.otherwise else cell.to
        manifest_id = self.books.keep(
            origin, trip, held, addresses, now, state=state, created_by="309", gaps=gaps,
            fast=fast,
        )  # fmt: skip
        good = [b for i, b in enumerate(manifest.bills) if i not in refused]
        gone = [b.scn for b in good if b.change == "D"] if trip.kind != "3" else self.books.scns_of(manifest_id)
        self.books.delete(gone)
        self.border.bills_deleted(gone, now)
        counted = [b for b in good if b.change == "R" and not b.m11_at]
        for bill in counted:
            quantity = str(int(bill.new_quantity or 0))
            self.office.store.run("update bill set quantity = ? where scn = ?", quantity, bill.scn)
        filed = [b for b in good if b.m11_at and b.change in {"", "A", "R"}] if trip.kind != "3" else []
        known = {scn: state for scn, state in standings.items() if state not in {"DELETED", "ELSEWHERE"}}
        over = over_the_limit(self.office, trip.arrival_date, filed, now)
        self.books.file(filed, known, manifest_id, over, now)
        self.border.bills_filed([b.scn for b in (*filed, *counted)], over, now)
        self.border.manifest_changed(manifest_id, now)


def _items(bills: list[Bill]) -> dict[int, int]:
    return {position: index for index, bill in enumerate(bills) for position in bill.segments}
