"""What does a change of the law do to entries that are on file? What was granted ahead of the arrival is taken back at
its instant, and what arrives later is not released.

CSMS 66065494 (entry type 86 from 2025-08-29 00:01), 64825584 (China and Hong Kong from 2025-05-02 00:01); that CBP
takes back clearance granted ahead of the arrival: CSMS 63992482. SO 99 for that and 33 for the ineligible country are
CBP's codes; 29 for an entry that was only admissible is recalled. Two switches say how far it goes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sandbox.notices import Notices, Pile, said
from sandbox.office import Office, Step
from sandbox.store import stamp

RULES: Final = ("type86-origin", "type86-suspended")
_NOT_RELEASED: Final = frozenset({"ADMISSIBLE", "UNDER_REVIEW", "DOCS"})


class CutOver:
    """Type 86 entries and the instants that end it; every method must run inside a transaction of the books."""

    def __init__(self, office: Office, notices: Notices) -> None:
        self.office, self.notices = office, notices
        self.steps: dict[str, Step] = {"cut-over": self._pass}

    def expect(self, numbers: Sequence[str], now: datetime) -> None:
        """With type 86 entries on file: see to it that the instants to come are not missed."""
        if not any(row["type"] == "86" for row in self.notices.entries(numbers)):
            return
        store = self.office.store
        for rule in self.office.book.rules:
            if rule.id in RULES and rule.start > now:
                known = "select count(*) from step where kind = 'cut-over' and due_at = ?"
                if not store.count(known, stamp(rule.start)):
                    self.office.step("cut-over", rule.start, {"rule": rule.id})

    def barred(self, entry: sqlite3.Row, at: datetime) -> str:
        """The disposition that bars a type 86 entry from release at an instant: 29, 33 or none."""
        if entry["type"] != "86":
            return ""
        if self.office.book.rule("type86-suspended", at) is not None:
            return "29"
        rule = self.office.book.rule("type86-origin", at)
        origins = {origin for _, origin, _ in json.loads(entry["body"])["lines"]}
        return "33" if rule is not None and origins & rule.origins else ""

    def _pass(self, body: dict[str, Any], at: datetime) -> None:
        del body  # which rule it is follows from the instant
        pile = Pile()
        for entry in self._ahead_of_arrival():
            code = self.barred(entry, at)
            if not code:
                continue
            if entry["state"] == "RELEASED":
                self.notices.set_entry(entry["number"], "SUSPENDED")
                pile.entry(entry["number"], *([said("33", at)] if code == "33" else []), said("99", at))
            else:
                pile.entry(entry["number"], said(code, at))
        self.notices.write(pile, at)

    def _ahead_of_arrival(self) -> Iterable[sqlite3.Row]:
        conduct = self.office.behaviour
        touched = frozenset({"RELEASED"}) if conduct.cut_over_releases else frozenset()
        touched |= _NOT_RELEASED if conduct.cut_over_admissible else frozenset()
        for entry in self.office.store.rows("select * from entry where type = '86' order by rowid"):
            if entry["state"] in touched and not any(
                bill["manifest_state"] == "ARRIVED" for bill in self.notices.bills_of(entry["number"])
            ):
                yield entry
