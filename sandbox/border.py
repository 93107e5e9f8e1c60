"""What happens after acceptance? Bills and entries find each other, the truck arrives, goods are held, examined,
released, or the release is taken back.

Life line of an entry: 91 or 93, then 97 (or 96); at arrival 95 and 98 with origin 03, then 01 (CATAIR SO codes; the
order of events is recalled). A manifest bill is told by 350: 1C at arrival, because the truck 350 that releases is
triggered by the arrival of the conveyance (CBP truck 350 guide, April 2018). What the officer decides is
:mod:`sandbox.truck.decisions`, what becomes of the trip :mod:`sandbox.truck.crossings`.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office
from sandbox.store import moment, stamp
from sandbox.truck.crossings import Crossings, waiting_state
from sandbox.truck.decisions import decide, told_to_broker
from sandbox.truck.section321 import suspension, suspension_begins
from sandbox.truck.states import manifest_cell


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
        self.crossings = Crossings(office, self.notices)
        self._steps: dict[str, Callable[[dict[str, Any], datetime], None]] = {
            "match": lambda body, at: self.match(body["entries"], at),
            "arrive": self._arrive_step,
            "oneusg": lambda body, at: self._one_usg(body["entries"], at),
            "unhold": lambda body, at: self._let_go(body["scns"], at, only="HELD"),
            "unexam": lambda body, at: self._let_go(body["scns"], at, only="EXAM"),
            "revoke": lambda body, at: self._revoke(body["scns"], at),
            "review": self._review,
            "cancelled": lambda body, at: self._tell(body["entries"], "23", at),
            "over-limit": lambda body, at: self._warn(body["scns"], at),
            "deleted": lambda body, at: self._deleted(body["scns"], at),
            "here": self._here_step,
            "cut-over": lambda body, at: self._cut_over(body["scns"], at),
        }

    def run_step(self, kind: str, body: dict[str, Any], at: datetime) -> None:
        """Do one step from the pile."""
        self._steps[kind](body, at)
        if kind in {"match", "review", "cancelled"}:
            here = self.crossings.entries_changed(body["entries"], at)
            if here:
                self._arrived(here, at)

    # ------------------------------------------------------------------ bills and entries meet

    def bills_filed(self, scns: Sequence[str], over: Sequence[str], now: datetime) -> None:
        """After bills came on file: warn of the day's limit, look for entries that wait for them."""
        due = self.office.after(now, self.office.behaviour.answer_delay)
        if over:
            self.office.step("over-limit", due, {"scns": list(over)})
        rows = self.office.store.rows_for("select distinct number from entry_bill where scn in ({})", scns)
        self._plan("match", [r["number"] for r in rows], due)

    def bills_deleted(self, scns: Sequence[str], now: datetime) -> None:
        """After bills were deleted: their entries lose their match."""
        if scns:
            self.office.step(
                "deleted", self.office.after(now, self.office.behaviour.answer_delay), {"scns": list(scns)}
            )

    def entries_filed(self, numbers: Sequence[str], now: datetime) -> None:
        """After entries were accepted: look for their bills."""
        self._plan("match", list(numbers), self.office.after(now, self.office.behaviour.answer_delay))

    def _plan(self, kind: str, numbers: list[str], due: datetime) -> None:
        if numbers:
            self.office.step(kind, due, {"entries": numbers})

    def match(self, numbers: Iterable[str], at: datetime) -> None:
        """91 or 93 for entries, and 97 or 96 for the matched ones; those whose truck is here go on at once."""
        pile, here = Pile(), []
        withhold = self.office.book.rule("day-limit-withhold", at)
        for entry in self.notices.entries(numbers):
            if entry["state"] in {"CANCELLED", "RELEASED"}:
                continue
            bills = self.notices.bills_of(entry["number"])
            if not bills or any(b["scn"] is None or b["state"] == "DELETED" for b in bills):
                if entry["state"] == "ACCEPTED":
                    self._set_entry(entry["number"], "NO_MATCH")
                    pile.entry(entry["number"], "91")
                continue
            if entry["matched"]:
                continue
            marks = from_text(entry["marks"])
            self.office.store.run("update entry set matched = 1 where number = ?", entry["number"])
            if "DOCS" in marks:
                self._set_entry(entry["number"], "DOCS")
                pile.entry(entry["number"], "93", said("96", at, document="CBP01"))
            else:
                self._set_entry(entry["number"], "ADMISSIBLE")
                warnings = [said("30", at)] if entry["over_limit"] and withhold else []
                pile.entry(entry["number"], "93", *warnings, said("97", at))
            here += [b["scn"] for b in bills if b["state"] in {"NO_ENTRY", "ARRIVED"}]
        self.notices.write(pile, at)
        if here:
            self._arrived(here, at)

    def _deleted(self, scns: Sequence[str], at: datetime) -> None:
        pile = Pile()
        for row in self.office.store.rows_for("select number from entry_bill where scn in ({})", scns):
            self.office.store.run("update entry set matched = 0 where number = ?", row["number"])
            self._set_entry(row["number"], "NO_MATCH")
            pile.entry(row["number"], "61")
        self.notices.write(pile, at)

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
        self._arrived(scns, at)
        self.crossings.close_final([manifest["id"]])
        return len(scns)

    def _arrived(self, scns: Sequence[str], at: datetime) -> None:
        """Decide bill by bill; what was released on the way stays so."""
        pile, free, later = Pile(), [], defaultdict(list)
        conduct = self.office.behaviour
        for bill in self.notices.bills(scns):
            if bill["state"] == "RELEASED" and not bill["hold"]:
                continue
            entries = self.notices.entries_of(bill["scn"])
            decision = decide(self.office, bill, entries, self.notices.bills_of, at)
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
            if decision.code and decision.state != "IN_BOND":
                for one in entries:
                    code, dispositions = told_to_broker(decision.state, at)
                    pile.entry(one["number"], code, *dispositions)
            if not bill["hold"] and decision.state in {"HELD", "EXAM"}:
                later[decision.state].append(bill["scn"])
        self.notices.write(pile, at)
        self._release(free, at, origin="03")
        if later["HELD"]:
            self.office.step("unhold", self.office.after(at, conduct.hold_seconds), {"scns": later["HELD"]})
        if later["EXAM"]:
            self.office.step("unexam", self.office.after(at, conduct.exam_seconds), {"scns": later["EXAM"]})

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

    def _release(
        self, scns: Sequence[str], at: datetime, *, origin: str, code: str = "1C", bill_code: str = "95", lead: str = ""
    ) -> None:
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
                self.office.store.run(
                    "update entry set state = 'RELEASED', released_at = ? where number = ?", stamp(at), entry["number"]
                )
                pile.entry(entry["number"], bill_code, said("98", at, origin=origin))
            if "REVOKE" in from_text(bill["marks"]) or any("REVOKE" in from_text(e["marks"]) for e in entries):
                revoked.append(bill["scn"])
        self.notices.write(pile, at)
        self._plan("oneusg", numbers, self.office.after(at, self.office.behaviour.answer_delay))
        self.crossings.close_final(manifests)
        if revoked:
            self.office.step("revoke", self.office.after(at, self.office.behaviour.revoke_seconds), {"scns": revoked})

    def _one_usg(self, numbers: Sequence[str], at: datetime) -> None:
        pile = Pile()
        for entry in self.notices.entries(numbers):
            if entry["state"] == "RELEASED":
                pile.entry(entry["number"], "", said("01", at))
        self.notices.write(pile, at)

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
                self._release(some, at, origin="07", bill_code="54", lead="1I")
            else:
                self._release(some, at, origin="99" if state == "REVOKED" else "03")

    def _revoke(self, scns: Sequence[str], at: datetime) -> None:
        pile = Pile()
        released = [bill for bill in self.notices.bills(scns) if bill["state"] == "RELEASED"]
        self.crossings.reopen(bill["manifest_id"] for bill in released)
        for bill in released:
            entries = self.notices.entries_of(bill["scn"])
            pile.bill(bill["scn"], "4E", "RELEASE CANCELLED", entries[0]["number"] if entries else "")
            self._set_bill(bill["scn"], "REVOKED" if _is_here(bill) else waiting_state(bill))
            for entry in entries:
                self._set_entry(entry["number"], "SUSPENDED")
                pile.entry(entry["number"], "", said("99", at))
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
            pile.entry(entry["number"], "51" if kind == "HOLD" else "", *ordered)
        after = state if arrived else str(bill["state"])
        self.office.store.run("update bill set hold = ?, state = ? where scn = ?", kind, after, scn)
        self.notices.write(pile, at)
        return after

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
        if not bill["hold"] and not from_text(bill["marks"]).names & {"HOLD", "EXAM", "DOCS", "NOENT"}:
            if self._release_on_the_way(bill, at):
                return "RELEASED"
            raise NotPossible("wrong_state", f"{scn} has not arrived and no hold is on it.")
        pile = Pile()
        if bill["hold"]:
            pile.bill(scn, "1I", "", "")
        for entry in self.notices.entries_of(scn):
            self.office.store.run("update entry set marks = '' where number = ?", entry["number"])
            if entry["state"] == "DOCS":
                self._set_entry(entry["number"], "ADMISSIBLE")
                pile.entry(entry["number"], "93", said("97", at))
            elif bill["hold"]:
                pile.entry(entry["number"], "54")
        self.office.store.run("update bill set hold = '', marks = '' where scn = ?", scn)
        self.notices.write(pile, at)
        return str(bill["state"])

    def _release_on_the_way(self, bill: sqlite3.Row, at: datetime) -> bool:
        """Release a Section 321 bill before its truck comes; it ends at the cut-over, should the truck be later."""
        office = self.office
        is_321 = bill["kind"] in office.profile.section321_bill_types
        if not is_321 or bill["state"] == "DELINKED" or suspension(office.book, office.behaviour, at):
            return False
        if bill["over_limit"] and office.book.rule("day-limit-withhold", at):
            return False
        self._release([bill["scn"]], at, origin="03")
        begins = suspension_begins(office.book, office.behaviour, at)
        if begins is not None:
            office.step("cut-over", begins, {"scns": [bill["scn"]]})
        return True

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

    # ------------------------------------------------------------------ requests a human looks at

    def _review(self, body: dict[str, Any], at: datetime) -> None:
        for entry in self.notices.entries(body["entries"]):
            pending = entry["pending"]
            if not pending or entry["state"] in {"RELEASED", "CANCELLED"}:
                continue
            if pending == "D":
                self.cancel(entry["number"])
                self._tell([entry["number"]], "23", at)
            else:
                self.office.store.run(
                    "update entry set body = ?, pending = '' where number = ?", pending, entry["number"]
                )
                self._tell([entry["number"]], "88", at)

    def cancel(self, number: str) -> None:
        """An entry is cancelled; its number stays used."""
        self.office.store.run(
            "update entry set state = 'CANCELLED', pending = '', matched = 0 where number = ?", number
        )

    def _tell(self, numbers: Sequence[str], code: str, at: datetime) -> None:
        pile = Pile()
        for number in numbers:
            pile.entry(number, "", said(code, at))
        self.notices.write(pile, at)

    def _set_bill(self, scn: str, state: str) -> None:
        self.office.store.run("update bill set state = ? where scn = ?", state, scn)

    def _set_entry(self, number: str, state: str) -> None:
        self.office.store.run("update entry set state = ? where number = ?", state, number)


def _is_here(bill: sqlite3.Row) -> bool:
    """Whether the truck of a bill is at the border."""
    return bool(bill["manifest_state"] == "ARRIVED" and bill["state"] != "DELINKED")


def age_days(released_at: str, now: datetime) -> int:
    """Whole days since a release."""
    return (now - moment(released_at)).days
