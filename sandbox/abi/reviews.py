"""What becomes of a correction or cancellation request? A human looks at it and tells the filer by SO.

CBP CATAIR Cargo Release v40, action codes: replacing or cancelling an entry that has a bill match, is under review or
is released is a request (SX 04); on any other it takes effect at once. 88 and 23 say that a request was granted, 86 and
87 with RSN and CMT that it was refused, 84 and 85 that a document is wanted first (codes: Status Query v21; that they
are paired so is recalled). A replacement in-bond is looked up among those that manifests carried, an FTZ admission in
`ftz_admissions_on_file`.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.abi.entry_books import ASKED, EntryBooks, Filing, Version, same_bills
from sandbox.abi.matching import Matching
from sandbox.abi.status_codes import REFUSALS
from sandbox.clock import EASTERN
from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office, Step
from sandbox.store import moment

UPDATE_DAYS: Final = 15
"""Calendar days after the release up to which an update (U) is taken (CR v40, "U" action)."""
_ANOTHER_ENTRY: Final = "03"
"""Cancellation reason that names a replacement entry (SE13 note 1): merchandise cleared under another entry."""
_IN_BOND, _FTZ = "02", "04"
"""Those that name an in-bond (CBPF 7512) and an FTZ admission."""
_OPEN: Final = frozenset({"ACCEPTED", "NO_MATCH"})
"""What counts as an entry in open status: it has not found its bill (deduced; the guide does not define it)."""
_NO_DOCUMENT: Final = "04"


@dataclass(frozen=True, slots=True)
class Case:
    """What the human sees. ``replacement``: ``missing``, ``cancelled``, ``open``, ``other bill``, ``in-bond deleted``,
    ``in-bond of another bill``, ``no FTZ admission``, or nothing to complain of;
    ``document``: ``wanted`` at the first look, ``overdue`` at the second, or none wanted.
    """

    action: str
    marked: bool = False
    cancelled: bool = False
    released: bool = False
    held: bool = False
    agency_hold: bool = False
    new_port_after_arrival: bool = False
    replacement: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """SO60 ``code``; with 86 and 87 the reason (RSN) and a comment (CMT)."""

    code: str
    reason: str = ""
    comment: str = ""


def decide(case: Case) -> Decision:
    """What the human says; the first that applies."""
    cancels = case.action == "D"
    refusals = (
        (case.marked, "13", "REFUSED BY MARKER"),
        (case.cancelled, "13", "ENTRY IS CANCELLED"),
        (case.released and not cancels, "13", "ENTRY IS RELEASED"),
        (case.held, "10" if cancels else "09", ""),
        (case.agency_hold, "12" if cancels else "11", ""),
        (case.new_port_after_arrival, "13", "AFTER ARRIVAL THE PORT IS CHANGED BY ACTION U"),
        (case.replacement == "missing", "16", ""),
        (case.replacement == "cancelled", "01", ""),
        (case.replacement == "open", "02", ""),
        (case.replacement == "other bill", "14", ""),
        (case.replacement == "in-bond deleted", "03", ""),
        (case.replacement == "in-bond of another bill", "15", ""),
        (case.replacement == "no FTZ admission", "17", ""),
        (case.document == "overdue", _NO_DOCUMENT, ""),
    )
    for applies, reason, comment in refusals:
        if applies:
            return Decision("87" if cancels else "86", reason, comment or REFUSALS[reason])
    if case.document == "wanted":
        return Decision("85" if cancels else "84")
    return Decision("23" if cancels else "88")


class Reviews:
    """Requests and what a human makes of them; every method must run inside a transaction of the books."""

    def __init__(self, office: Office, notices: Notices, books: EntryBooks, matching: Matching) -> None:
        self.office, self.notices, self.books, self.matching = office, notices, books, matching
        self.steps: dict[str, Step] = {
            "review": self._review,
            "changed": lambda body, at: self._tell(body["entries"], body["code"], at),
        }

    def change(self, filing: Filing, now: datetime) -> bool:
        """An R or D that may be made: it takes effect at once (true) or waits for a human."""
        if not self._needs_human(filing.number):
            self.books.keep(filing, now)
            return True
        version = self.books.ask(filing, now)
        self._plan(filing.number, version, now)
        return False

    def may_replace(self, entry: sqlite3.Row) -> bool:
        """R is not taken once the goods have arrived and are released."""
        return entry["state"] != "RELEASED" or not self._arrived(entry["number"])

    def may_update(self, entry: sqlite3.Row, now: datetime) -> bool:
        """U is taken up to 15 calendar days after the release."""
        return entry["released_at"] is None or calendar_days(entry["released_at"], now) <= UPDATE_DAYS

    def _needs_human(self, number: str) -> bool:
        return self.books.has_open_request(number) or any(
            b["scn"] is not None and b["state"] != "DELETED" for b in self.notices.bills_of(number)
        )

    def _arrived(self, number: str) -> bool:
        return any(b["manifest_state"] == "ARRIVED" for b in self.notices.bills_of(number))

    def _plan(self, number: str, version: int, at: datetime, *, again: bool = False) -> None:
        due = self.office.after(at, self.office.behaviour.review_seconds)
        self.office.step("review", due, {"entry": number, "version": version, "again": again})

    def _review(self, body: dict[str, Any], at: datetime) -> None:
        number = body["entry"]
        entry = self.books.entry(number)
        asked = next((v for v in self.books.versions(number) if v.version == body["version"]), None)
        if entry is None or asked is None or asked.state != ASKED:
            return
        decision = decide(self._case(entry, asked, again=body["again"]))
        pile, anew = Pile(), False
        if decision.code in {"84", "85"}:
            self._plan(number, asked.version, at, again=True)
        elif decision.reason:
            self.books.refuse(number, asked.version, f"{decision.reason} {decision.comment}", at)
            pile.comment(number, "RSN", decision.reason)
            pile.comment(number, "CMT", decision.comment)
        else:
            anew = self.books.grant(number, asked.version, at)
        pile.entry(number, said(decision.code, at, document="CBP01" if decision.code in {"84", "85"} else ""))
        self.notices.write(pile, at)
        if anew:
            self.matching.match([number], at)

    def _case(self, entry: sqlite3.Row, asked: Version, *, again: bool) -> Case:
        filing, marks = asked.filing, from_text(entry["marks"])
        bills = self.notices.bills_of(entry["number"])
        body = json.loads(entry["body"])
        content = filing.content
        document = entry["state"] == "DOCS" and not filing.reference("DIS")
        return Case(
            action=filing.action,
            marked="NOCHANGE" in marks,
            cancelled=entry["state"] == "CANCELLED",
            released=entry["state"] == "RELEASED" and self._arrived(entry["number"]),
            held=any(b["state"] == "HELD" or b["hold"] == "HOLD" for b in bills),
            agency_hold=any(one.code == "02" for one in self.notices.pages.open([entry])[0].agencies()),
            new_port_after_arrival=(
                content is not None and content.body["port"] != body["port"] and self._arrived(entry["number"])
            ),
            replacement=self._replacement(filing, body),
            document=("overdue" if again else "wanted") if document else "",
        )

    def _replacement(self, filing: Filing, body: dict[str, Any]) -> str:
        """What is wrong with what shall take the place of a cancelled entry (SE13 note 1, reasons 02 to 04)."""
        if filing.reason == _IN_BOND:
            return self._in_bond(filing.reference("IB"), body)
        known = self.office.behaviour.ftz_admissions_on_file
        if filing.reason == _FTZ:
            return "no FTZ admission" if known and filing.reference("FTZ") not in known else ""
        if filing.reason != _ANOTHER_ENTRY:
            return ""
        other = self.books.entry(filing.reference("EN"))
        if other is None:
            return "missing"
        if other["state"] == "CANCELLED":
            return "cancelled"
        if not same_bills(json.loads(other["body"]), body):
            return "other bill"
        return "open" if other["state"] in _OPEN else ""

    def _in_bond(self, number: str, body: dict[str, Any]) -> str:
        """An in-bond that no manifest of ours carries is taken: no code is printed for one that is not on file."""
        bills = self.office.store.rows("select scn, state from bill where in_bond = ?", number) if number else []
        if not bills:
            return ""
        moving = {bill["scn"] for bill in bills if bill["state"] != "DELETED"}
        if not moving:
            return "in-bond deleted"
        mine = {issuer + bill for kind, issuer, bill, *_ in body["bills"] if kind != "I"}
        return "" if mine <= moving else "in-bond of another bill"

    def _tell(self, numbers: list[str], code: str, at: datetime) -> None:
        pile = Pile()
        for number in numbers:
            pile.entry(number, said(code, at))
        self.notices.write(pile, at)


def calendar_days(released_at: str, now: datetime) -> int:
    """Calendar days since a release, in the East."""
    return (now.astimezone(EASTERN).date() - moment(released_at).astimezone(EASTERN).date()).days
