"""What happens after acceptance? Bills and entries find each other, the truck arrives, goods are held, examined,
released, or the release is taken back.

Life line of an entry: 91 or 93, then 97 (or 96); at arrival 95 and 98 with origin 03, then 01 (CATAIR SO codes; the
order of events is recalled). A manifest bill is
told by 350: 1C at arrival, because the truck 350 that releases is triggered by the arrival of the conveyance (CBP
truck 350 guide, April 2018).
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
        }

    def run_step(self, kind: str, body: dict[str, Any], at: datetime) -> None:
        """Do one step from the pile."""
        self._steps[kind](body, at)

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
        if row["state"] == "ARRIVED":
            raise NotPossible("wrong_state", f"Trip {trip} has arrived already.")
        return self._arrive(row, at)

    def _arrive_step(self, body: dict[str, Any], at: datetime) -> None:
        row = self.office.store.row("select * from manifest where id = ?", body["manifest"])
        if row is not None and row["state"] in {"PRELIMINARY", "COMPLETE"} and row["eta"] == body["eta"]:
            self._arrive(row, at)

    def _arrive(self, manifest: sqlite3.Row, at: datetime) -> int:
        store = self.office.store
        store.run("update manifest set state = 'ARRIVED', arrived_at = ? where id = ?", stamp(at), manifest["id"])
        scns = [
            r["scn"]
            for r in store.rows(
                "select scn from bill where manifest_id = ? and state <> 'DELETED' order by rowid", manifest["id"]
            )
        ]
        self._arrived(scns, at)
        return len(scns)

    def _arrived(self, scns: Sequence[str], at: datetime) -> None:
        """Decide bill by bill: release, hold, exam, or no entry."""
        pile, free, later = Pile(), [], defaultdict(list)
        for bill in self.notices.bills(scns):
            entries = self.notices.entries_of(bill["scn"])
            decision, code, remark = self._decide(bill, entries, at)
            if decision == "WAITS":
                self._set_bill(bill["scn"], "ARRIVED")
                continue
            if decision == "RELEASED":
                free.append(bill["scn"])
                continue
            self._set_bill(bill["scn"], decision)
            entry = entries[0]["number"] if entries else ""
            pile.bill(bill["scn"], code, remark, entry)
            for one in entries:
                self._tell_held(pile, one["number"], decision, at)
            if not bill["hold"] and decision in {"HELD", "EXAM"}:
                later[decision].append(bill["scn"])
        self.notices.write(pile, at)
        self._release(free, at, origin="03")
        conduct = self.office.behaviour
        if later["HELD"]:
            self.office.step("unhold", self.office.after(at, conduct.hold_seconds), {"scns": later["HELD"]})
        if later["EXAM"]:
            self.office.step("unexam", self.office.after(at, conduct.exam_seconds), {"scns": later["EXAM"]})

    def _decide(self, bill: sqlite3.Row, entries: list[sqlite3.Row], at: datetime) -> tuple[str, str, str]:
        """(state, 350 code, remark) for a bill whose truck is here."""
        book, profile, marks = self.office.book, self.office.profile, from_text(bill["marks"])
        none = ("NO_ENTRY", profile.entry_not_on_file_code, "ENTRY NOT ON FILE")
        withhold = book.rule("day-limit-withhold", at)
        if bill["kind"] in profile.section321_bill_types:
            if book.rule("section321-suspended", at):
                return none
            if bill["over_limit"] and withhold:
                return "WITHHELD", "95", "RELEASE WITHHELD DAY LIMIT"
        elif bill["kind"] in profile.bill_types.values():
            if not entries or (any(e["type"] == "86" for e in entries) and book.rule("type86-suspended", at)):
                return none
            others = [b for e in entries for b in self.notices.bills_of(e["number"])]
            if any(b["scn"] is None or b["manifest_state"] != "ARRIVED" for b in others):
                return "WAITS", "", ""
            if withhold and any(e["over_limit"] for e in entries):
                return "WITHHELD", "1H", "RELEASE WITHHELD DE MINIMIS"
        hold = bill["hold"] or next(
            (n for n in ("HOLD", "EXAM", "DOCS") if n in marks or any(n in from_text(e["marks"]) for e in entries)), ""
        )
        if hold == "EXAM":
            return "EXAM", "1A", "PRESENT SHIPMENT FOR EXAM"
        if hold == "DOCS":
            return "DOCS", "1H", "DOCUMENTS REQUIRED"
        if hold == "HOLD":
            return "HELD", "1H", "HOLD AT PORT OF ARRIVAL"
        return "RELEASED", "1C", ""

    def _tell_held(self, pile: Pile, number: str, decision: str, at: datetime) -> None:
        told = {
            "HELD": ("51", []),
            "EXAM": ("95", [said("03", at)]),
            "DOCS": ("95", [said("96", at, document="CBP01")]),
            "WITHHELD": ("95", [said("34", at)]),
            "NO_ENTRY": ("95", [said("29", at)]),
        }[decision]
        pile.entry(number, told[0], *told[1])

    # ------------------------------------------------------------------ release and its opposite

    def _release(
        self, scns: Sequence[str], at: datetime, *, origin: str, code: str = "1C", bill_code: str = "95", lead: str = ""
    ) -> None:
        """350 ``code`` (after ``lead``), SO 98, then 01; bills marked REVOKE are taken back later."""
        if not scns:
            return
        pile, revoked = Pile(), []
        numbers: list[str] = []
        for bill in self.notices.bills(scns):
            entries = self.notices.entries_of(bill["scn"])
            number = entries[0]["number"] if entries else ""
            if lead:
                pile.bill(bill["scn"], lead, "", number)
            pile.bill(bill["scn"], code, "", number)
            self.office.store.run(
                "update bill set state = 'RELEASED', hold = '', released_at = ? where scn = ?", stamp(at), bill["scn"]
            )
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
        for bill in self.notices.bills(scns):
            if bill["state"] != "RELEASED":
                continue
            entries = self.notices.entries_of(bill["scn"])
            pile.bill(bill["scn"], "4E", "RELEASE CANCELLED", entries[0]["number"] if entries else "")
            self._set_bill(bill["scn"], "REVOKED")
            for entry in entries:
                self._set_entry(entry["number"], "SUSPENDED")
                pile.entry(entry["number"], "", said("99", at))
        self.notices.write(pile, at)

    # ------------------------------------------------------------------ control calls

    def hold(self, scn: str, at: datetime, kind: str = "HOLD") -> str:
        """Place a hold (1H) or order an exam (1A) now; a release is taken back first. Gives the bill's new state."""
        bill = self._known(scn)
        if bill["state"] == "RELEASED":
            self._revoke([scn], at)
        arrived = bill["manifest_state"] == "ARRIVED"
        code, state = ("1A", "EXAM") if kind == "EXAM" else ("1H", "HELD")
        pile = Pile()
        entries = self.notices.entries_of(scn)
        pile.bill(scn, code, "PLACED BY CONTROL", entries[0]["number"] if entries else "")
        ordered = [said("03", at)] if kind == "EXAM" else []
        for entry in entries:
            pile.entry(entry["number"], "51" if kind == "HOLD" else "", *ordered)
        self.office.store.run(
            "update bill set hold = ?, state = ? where scn = ?", kind, state if arrived else "ON_FILE", scn
        )
        self.notices.write(pile, at)
        return state if arrived else "ON_FILE"

    def release(self, scn: str, at: datetime) -> str:
        """End a hold; where the truck is here, release. Gives the bill's new state."""
        bill = self._known(scn)
        if bill["state"] == "RELEASED":
            raise NotPossible("wrong_state", f"{scn} is released already.")
        if bill["manifest_state"] == "ARRIVED":
            self._let_go([scn], at)
            return "RELEASED"
        if not bill["hold"] and not from_text(bill["marks"]).names & {"HOLD", "EXAM", "DOCS"}:
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
        return "ON_FILE"

    def revoke(self, scn: str, at: datetime) -> str:
        """Take a release back: 4E, SO 99."""
        if self._known(scn)["state"] != "RELEASED":
            raise NotPossible("wrong_state", f"{scn} is not released.")
        self._revoke([scn], at)
        return "REVOKED"

    def _known(self, scn: str) -> sqlite3.Row:
        found = self.notices.bills([scn])
        if not found or found[0]["state"] == "DELETED":
            raise NotPossible("not_found", f"No shipment on file under {scn}.")
        return found[0]

    # ------------------------------------------------------------------ requests a human looks at

    def _review(self, body: dict[str, Any], at: datetime) -> None:
        """A human decides on requests: granted, but for what is marked NOCHANGE and replacements after release."""
        for entry in self.notices.entries(body["entries"]):
            pending = entry["pending"]
            if not pending or entry["state"] == "CANCELLED":
                continue
            cancels = pending == "D"
            if "NOCHANGE" in from_text(entry["marks"]) or (entry["state"] == "RELEASED" and not cancels):
                self._refuse_request(entry["number"], "87" if cancels else "86", at)
            elif cancels:
                self.cancel(entry["number"])
                self._tell([entry["number"]], "23", at)
            else:
                self.office.store.run(
                    "update entry set body = ?, pending = '' where number = ?", pending, entry["number"]
                )
                self._tell([entry["number"]], "88", at)

    def _refuse_request(self, number: str, code: str, at: datetime) -> None:
        self.office.store.run("update entry set pending = '' where number = ?", number)
        pile = Pile()
        pile.comment(number, "RSN", "13")
        pile.comment(number, "CMT", "REFUSED BY MARKER")
        pile.entry(number, "", said(code, at))
        self.notices.write(pile, at)

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


def age_days(released_at: str, now: datetime) -> int:
    """Whole days since a release."""
    return (now - moment(released_at)).days
