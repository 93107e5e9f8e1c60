"""What happens at the border? The truck arrives, goods are held, examined, released, or the release is taken back.

An entry is told 95 and 98 with origin 03 at arrival, then 01 (CATAIR SO codes; the order of events is recalled). A
manifest bill is told by 350: 1C at arrival, because the truck 350 that releases is triggered by the arrival of the
conveyance (CBP truck 350 guide, April 2018). What the officer decides is :mod:`sandbox.truck.decisions`, what becomes
of the trip :mod:`sandbox.truck.crossings`, of entries before and after that :mod:`sandbox.abi.entry_life`.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sandbox.abi.entry_life import EntryLife
from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office
from sandbox.store import stamp
from sandbox.truck.crossings import Crossings, waiting_state
from sandbox.truck.decisions import decide
from sandbox.truck.section321 import count_at_arrival, suspension, suspension_begins
from sandbox.truck.states import manifest_cell
from sandbox.truck.trip_reader import zone_of

_CHANGES_ENTRIES: Final = frozenset({"match", "review", "changed", "unmatched"})
"""Steps after which a shipment may have an entry, or none any more."""


class NotPossible(Exception):
    """A control call that the books do not permit; ``code`` not_found or wrong_state."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Border:
    """Steps of goods and entries; every method must run inside a transaction of the books."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.notices = Notices(office)
        self.life = EntryLife(office, self.notices, self._arrived)
        self.crossings = Crossings(office, self.notices)
        self._steps: dict[str, Callable[[dict[str, Any], datetime], None]] = {
            "arrive": self._arrive_step,
            "unhold": lambda body, at: self._let_go(body["scns"], at, only="HELD"),
            "unexam": lambda body, at: self._let_go(body["scns"], at, only="EXAM"),
            "revoke": lambda body, at: self._revoke(body["scns"], at),
            "over-limit": lambda body, at: self._warn(body["scns"], at),
            "deleted": lambda body, at: self.life.matching.bills_deleted(body["scns"], at),
            "here": self._here_step,
            "bills-cut-over": lambda body, at: self._cut_over(body["scns"], at),
        }

    def run_step(self, kind: str, body: dict[str, Any], at: datetime) -> None:
        """Do one step from the pile."""
        (self._steps | self.life.steps)[kind](body, at)
        if kind in _CHANGES_ENTRIES:
            numbers = body["entries"] if "entries" in body else [body["entry"]]
            here = self.crossings.entries_changed(numbers, at)
            if here:
                self._arrived(here, at)

    # ------------------------------------------------------------------ bills and entries meet

    def bills_filed(self, scns: Sequence[str], over: Sequence[str], now: datetime) -> None:
        """After bills came on file: warn of the day's limit, look for entries that wait for them."""
        due = self.office.after(now, self.office.behaviour.answer_delay)
        if over:
            self.office.step("over-limit", due, {"scns": list(over)})
        self.life.matching.bills_filed(scns, due)

    def bills_deleted(self, scns: Sequence[str], now: datetime) -> None:
        """After bills were deleted: their entries lose their match."""
        if scns:
            self.office.step(
                "deleted", self.office.after(now, self.office.behaviour.answer_delay), {"scns": list(scns)}
            )

    def _warn(self, scns: Sequence[str], at: datetime) -> None:
        pile = Pile()
        for scn in scns:
            pile.bill(scn, "95", "DAILY 800 USD CONSIGNEE LIMIT EXCEEDED")
        self.notices.write(pile, at)

    # ------------------------------------------------------------------ arrival

    def arrive(self, trip: str, at: datetime) -> int:
        """The truck of a trip is at the border; gives the number of its bills. Raises :class:`NotPossible`."""
        row = self.office.store.row(
            "select * from manifest where trip = ? and state <> 'DELETED' order by arrival_date desc", trip
        )
        if row is None:
            raise NotPossible("not_found", f"No manifest on file for trip {trip}.")
        if not manifest_cell(row["state"], "truck arrives").to:
            raise NotPossible("wrong_state", f"Trip {trip} has arrived already.")
        if row["stopped_at"] and row["state"] == "PRELIMINARY":
            raise NotPossible("wrong_state", f"Trip {trip} waits at the border for its manifest to be complete.")
        return self._arrive(row, at)

    def _arrive_step(self, body: dict[str, Any], at: datetime) -> None:
        row = self.office.store.row("select * from manifest where id = ?", body["manifest"])
        waits = row is not None and not row["stopped_at"] and bool(manifest_cell(row["state"], "truck arrives").to)
        if row is not None and waits and row["eta"] == body["eta"]:
            self._arrive(row, at)

    def _here_step(self, body: dict[str, Any], at: datetime) -> None:
        """A truck is here by its carrier's word, or goes on because its manifest has become complete."""
        row = self.office.store.row("select * from manifest where id = ?", body["manifest"])
        if row is None or not manifest_cell(row["state"], "truck arrives").to:
            return
        if row["stopped_at"]:
            if row["state"] != "COMPLETE":
                return
            self.crossings.go_on(row, at)
        self._arrive(row, at)

    def arrived_by_carrier(self, manifest_id: int, now: datetime) -> None:
        """The carrier reported the arrival (353)."""
        self.office.step("here", self.office.after(now, self.office.behaviour.answer_delay), {"manifest": manifest_id})

    def manifest_changed(self, manifest_id: int, now: datetime) -> None:
        """After a message about a manifest: a truck that waits for its completion may go on."""
        row = self.office.store.row("select * from manifest where id = ?", manifest_id)
        if row is not None and row["stopped_at"] and row["state"] == "COMPLETE":
            self.arrived_by_carrier(manifest_id, now)

    def port_changed(self, manifest_id: int, now: datetime) -> None:
        """A 358 moved a trip to another port: 350 01 to those concerned (CBP truck 350 guide, April 2018)."""
        self.crossings.tell(self.crossings.riding(manifest_id), "01", now, "PORT OF ARRIVAL CHANGED")

    def _arrive(self, manifest: sqlite3.Row, at: datetime) -> int:
        if not manifest_cell(manifest["state"], "truck arrives").permits(self.office.behaviour):
            return len(self.crossings.stop(manifest, at))
        scns = self.crossings.note_arrival(manifest, at)
        day = f"{at.astimezone(zone_of(manifest['port'])):%Y%m%d}"
        over = count_at_arrival(self.office, scns, day, at)
        if over and self.office.book.rule("day-limit-withhold", at) is None:  # else each is told when it is withheld
            self._warn(over, at)
        self._arrived(scns, at)
        self.crossings.close_final([manifest["id"]])
        return len(scns)

    def _arrived(self, scns: Sequence[str], at: datetime, origin: str = "03") -> None:
        """Decide bill by bill; what was released on the way stays so. ``origin`` is that of the releases."""
        pile, free, later = Pile(), [], defaultdict(list)
        conduct = self.office.behaviour
        for bill in self.notices.bills(scns):
            if bill["state"] == "RELEASED" and not bill["hold"]:
                continue
            entries = self.notices.entries_of(bill["scn"])
            decision = decide(self.office, bill, entries, self.notices.bills_of, self.life, at)
            if decision.state == "RELEASED":
                free.append(bill["scn"])
                continue
            self._set_bill(bill["scn"], "ARRIVED" if decision.state == "WAITS" else decision.state)
            entry = entries[0]["number"] if entries else ""
            silent = (decision.state == "REFUSED" and not conduct.entry_not_on_file) or (
                decision.state == "IN_BOND" and not conduct.tell_in_bond
            )
            if decision.code and not silent:
                pile.bill(bill["scn"], decision.code, decision.remark, entry)
            if decision.state != "IN_BOND":
                for one in entries:
                    self._tell_held(pile, one, decision.state, at)
            if not bill["hold"] and decision.state in {"HELD", "EXAM"}:
                later[decision.state].append(bill["scn"])
        self.notices.write(pile, at)
        self._release(free, at, origin=origin)
        if later["HELD"]:
            self.office.step("unhold", self.office.after(at, conduct.hold_seconds), {"scns": later["HELD"]})
        if later["EXAM"]:
            self.office.step("unexam", self.office.after(at, conduct.exam_seconds), {"scns": later["EXAM"]})

    def _tell_held(self, pile: Pile, entry: sqlite3.Row, state: str, at: datetime) -> None:
        """What the broker is told of goods that are here and not let go; its bills' codes follow from the books."""
        told = {
            "EXAM": [said("03", at)],
            "DOCS": [said("96", at, document="CBP01")],
            "WITHHELD": [said("34", at)],
            "REFUSED": [said(self.life.cut_over.barred(entry, at) or "29", at)],
        }.get(state, [])
        lost = [] if state == "WAITS" else self.life.withhold(entry, at)
        pile.entry(entry["number"], *lost, *told)

    def in_bond_ended(self, scns: Sequence[str], at: datetime) -> None:
        """A movement arrived at its destination or left the country: its bills have their final disposition."""
        bills = [bill for bill in self.notices.bills(scns) if bill["state"] == "IN_BOND"]
        self.office.store.run_many(
            "update bill set state = 'RELEASED', released_at = ? where scn = ?", [(stamp(at), b["scn"]) for b in bills]
        )
        self.crossings.close_final(bill["manifest_id"] for bill in bills)

    def tell(self, scns: Sequence[str], code: str, at: datetime) -> None:
        """One 350 disposition for each of these."""
        self.crossings.tell(scns, code, at)

    # ------------------------------------------------------------------ release and its opposite

    def _release(self, scns: Sequence[str], at: datetime, *, origin: str, code: str = "1C", lead: str = "") -> None:
        """350 ``code`` (after ``lead``), SO 98, then 01; bills marked REVOKE are taken back later."""
        if not scns:
            return
        pile, revoked = Pile(), []
        numbers: list[str] = []
        order = iter(self.office.store.next_numbers("release-order", len(scns)))
        manifests: set[int] = set()
        for bill in self.notices.bills(scns):
            entries = self.notices.entries_of(bill["scn"])
            number = entries[0]["number"] if entries else ""
            manifests.add(bill["manifest_id"])
            if lead:
                pile.bill(bill["scn"], lead, "", number)
            pile.bill(bill["scn"], code, "", number)
            self.office.store.run(
                "update bill set state = 'RELEASED', hold = '', released_at = ?, release_order = ? where scn = ?",
                stamp(at), next(order), bill["scn"],
            )  # fmt: skip
            for entry in entries:
                if entry["number"] in numbers:
                    continue
                numbers.append(entry["number"])
                pile.entry(entry["number"], *self.life.release(entry, at, origin))
            if "REVOKE" in from_text(bill["marks"]) or any("REVOKE" in from_text(e["marks"]) for e in entries):
                revoked.append(bill["scn"])
        self.notices.write(pile, at)
        self.life.matching.plan("oneusg", numbers, self.office.after(at, self.office.behaviour.answer_delay))
        self.crossings.close_final(manifests)
        if revoked:
            self.office.step("revoke", self.office.after(at, self.office.behaviour.revoke_seconds), {"scns": revoked})

    def _let_go(self, scns: Sequence[str], at: datetime, only: str = "") -> None:
        """Hold, exam or document request are over: 1I and 1C, or 1B after an exam."""
        groups: dict[str, list[str]] = defaultdict(list)
        for bill in self.notices.bills(scns):
            if only in {"", bill["state"]}:
                groups[bill["state"]].append(bill["scn"])
        for state, some in groups.items():
            if state == "EXAM":
                self._release(some, at, origin="05", code="1B")
            elif state in {"HELD", "DOCS"}:
                self._release(some, at, origin="07", lead="1I")
            else:
                self._release(some, at, origin="09" if state == "REVOKED" else "03")

    def _revoke(self, scns: Sequence[str], at: datetime) -> None:
        pile = Pile()
        released = [bill for bill in self.notices.bills(scns) if bill["state"] == "RELEASED"]
        self.crossings.reopen(bill["manifest_id"] for bill in released)
        for bill in released:
            entries = self.notices.entries_of(bill["scn"])
            pile.bill(bill["scn"], "4E", "RELEASE CANCELLED", entries[0]["number"] if entries else "")
            self._set_bill(bill["scn"], "REVOKED" if _is_here(bill) else waiting_state(bill))
            for entry in entries:
                self.notices.set_entry(entry["number"], "SUSPENDED")
                pile.entry(entry["number"], said("99", at))
        self.notices.write(pile, at)

    def _cut_over(self, scns: Sequence[str], at: datetime) -> None:
        """Section 321 ends: releases of trucks that are still on their way are cancelled (CSMS 64792502)."""
        self._revoke([bill["scn"] for bill in self.notices.bills(scns) if not _is_here(bill)], at)

    # ------------------------------------------------------------------ control calls

    def hold(self, scn: str, at: datetime, kind: str = "HOLD") -> str:
        """Place a hold (1H) or order an exam (1A) now; a release is taken back first. Gives the bill's new state."""
        bill = self._known(scn)
        if bill["state"] == "RELEASED":
            self._revoke([scn], at)
            bill = self._known(scn)
        arrived = _is_here(bill)
        code, state = ("1A", "EXAM") if kind == "EXAM" else ("1H", "HELD")
        pile = Pile()
        entries = self.notices.entries_of(scn)
        pile.bill(scn, code, "PLACED BY CONTROL", entries[0]["number"] if entries else "")
        ordered = [said("03", at)] if kind == "EXAM" else []
        for entry in entries:
            pile.entry(entry["number"], *ordered)
        after = state if arrived else str(bill["state"])
        self.office.store.run("update bill set hold = ?, state = ? where scn = ?", kind, after, scn)
        self.notices.write(pile, at)
        return after

    def permitted(self, scns: Sequence[str], at: datetime) -> dict[str, list[str]]:
        """For each shipment on file the orders that its state permits now: hold, exam, release, revoke."""
        may: dict[str, list[str]] = {}
        for bill in self.notices.bills(scns):
            acts = [] if bill["state"] == "DELETED" else ["hold", "exam"]
            if acts and bill["state"] == "RELEASED":
                acts.append("revoke")
            elif acts and (_is_here(bill) or _waits_for_word(bill) or self._may_go_ahead(bill, at)):
                acts.append("release")
            may[bill["scn"]] = acts
        return may

    def release(self, scn: str, at: datetime) -> str:
        """End a hold; where the truck is here, release. A Section 321 bill without a hold is released on the way.

        Gives the bill's new state.
        """
        bill = self._known(scn)
        if bill["state"] == "RELEASED":
            raise NotPossible("wrong_state", f"{scn} is released already.")
        if _is_here(bill):
            self._let_go([scn], at)
            return "RELEASED"
        if not _waits_for_word(bill):
            if self._may_go_ahead(bill, at):
                self._release_on_the_way(scn, at)
                return "RELEASED"
            raise NotPossible("wrong_state", f"{scn} has not arrived and no hold is on it.")
        pile = Pile()
        if bill["hold"]:
            pile.bill(scn, "1I", "", "")
        for entry in self.notices.entries_of(scn):
            self.office.store.run("update entry set marks = '' where number = ?", entry["number"])
            if entry["state"] == "DOCS":
                pile.entry(entry["number"], *self.life.documents_seen(entry, at))
            elif bill["hold"]:
                pile.entry(entry["number"])
        self.office.store.run("update bill set hold = '', marks = '' where scn = ?", scn)
        self.notices.write(pile, at)
        return str(bill["state"])

    def _may_go_ahead(self, bill: sqlite3.Row, at: datetime) -> bool:
        """Whether a bill may be released before its truck comes: a Section 321 bill that the law bars from nothing."""
        office = self.office
        is_321 = bill["kind"] in office.profile.section321_bill_types
        if not is_321 or bill["state"] == "DELINKED" or suspension(office.book, office.behaviour, at):
            return False
        return not (bill["over_limit"] and office.book.rule("day-limit-withhold", at))

    def _release_on_the_way(self, scn: str, at: datetime) -> None:
        """Release a bill before its truck comes; it ends at the cut-over, should the truck be later."""
        self._release([scn], at, origin="03")
        begins = suspension_begins(self.office.book, self.office.behaviour, at)
        if begins is not None:
            self.office.step("bills-cut-over", begins, {"scns": [scn]})

    def revoke(self, scn: str, at: datetime) -> str:
        """Take a release back: 4E, SO 99."""
        if self._known(scn)["state"] != "RELEASED":
            raise NotPossible("wrong_state", f"{scn} is not released.")
        self._revoke([scn], at)
        return str(self._known(scn)["state"])

    def _known(self, scn: str) -> sqlite3.Row:
        found = self.notices.bills([scn])
        if not found or found[0]["state"] == "DELETED":
            raise NotPossible("not_found", f"No shipment on file under {scn}.")
        return found[0]

    def _set_bill(self, scn: str, state: str) -> None:
        self.office.store.run("update bill set state = ? where scn = ?", state, scn)


def _is_here(bill: sqlite3.Row) -> bool:
    """Whether the truck of a bill is at the border."""
    return bool(bill["manifest_state"] == "ARRIVED" and bill["state"] != "DELINKED")


def _waits_for_word(bill: sqlite3.Row) -> bool:
    """Whether something is on a bill that an order can take away before its truck comes."""
    return bool(bill["hold"] or from_text(bill["marks"]).names & {"HOLD", "EXAM", "DOCS", "NOENT"})
