"""Which entries have found their bills? An entry waits for its bills (91), finds them (93) and is judged (97, 96), or
loses them again (61); after its release all agencies are done with it (01).

Order of events: CATAIR SO codes of rev 36; the order itself is recalled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office

Step = Callable[[dict[str, Any], datetime], None]
"""Something that becomes due: its body from the pile, and the instant it was due."""


class Matching:
    """Entries and their bills; every method must run inside a transaction of the books.

    ``arrived`` is told the bills whose truck is here already when their entry is matched.
    """

    def __init__(self, office: Office, notices: Notices, arrived: Callable[[Sequence[str], datetime], None]) -> None:
        self.office, self.notices, self.arrived = office, notices, arrived
        self.steps: dict[str, Step] = {
            "match": lambda body, at: self.match(body["entries"], at),
            "oneusg": lambda body, at: self.one_usg(body["entries"], at),
        }

    def plan(self, kind: str, numbers: Sequence[str], due: datetime) -> None:
        """Put a step for entries on the pile, when there are any."""
        if numbers:
            self.office.step(kind, due, {"entries": list(numbers)})

    def entries_filed(self, numbers: Sequence[str], now: datetime) -> None:
        """After entries were accepted: look for their bills."""
        self.plan("match", numbers, self.office.after(now, self.office.behaviour.answer_delay))

    def bills_filed(self, scns: Sequence[str], due: datetime) -> None:
        """After bills came on file: look for entries that wait for them."""
        rows = self.office.store.rows_for("select distinct number from entry_bill where scn in ({})", scns)
        self.plan("match", [r["number"] for r in rows], due)

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
                    self.notices.set_entry(entry["number"], "NO_MATCH")
                    pile.entry(entry["number"])
                continue
            if entry["matched"]:
                continue
            marks = from_text(entry["marks"])
            self.office.store.run("update entry set matched = 1 where number = ?", entry["number"])
            if "DOCS" in marks:
                self.notices.set_entry(entry["number"], "DOCS")
                pile.entry(entry["number"], said("96", at, document="CBP01"))
            else:
                self.notices.set_entry(entry["number"], "ADMISSIBLE")
                warnings = [said("30", at)] if entry["over_limit"] and withhold else []
                pile.entry(entry["number"], *warnings, said("97", at))
            here += [b["scn"] for b in bills if b["state"] in {"NO_ENTRY", "ARRIVED"}]
        self.notices.write(pile, at)
        if here:
            self.arrived(here, at)

    def bills_deleted(self, scns: Sequence[str], at: datetime) -> None:
        """Entries whose bills were deleted lose their match."""
        pile = Pile()
        for row in self.office.store.rows_for("select number from entry_bill where scn in ({})", scns):
            self.office.store.run("update entry set matched = 0 where number = ?", row["number"])
            self.notices.set_entry(row["number"], "NO_MATCH")
            pile.entry(row["number"])
        self.notices.write(pile, at)

    def one_usg(self, numbers: Sequence[str], at: datetime) -> None:
        """01 for entries that are still released."""
        pile = Pile()
        for entry in self.notices.entries(numbers):
            if entry["state"] == "RELEASED":
                pile.entry(entry["number"], said("01", at))
        self.notices.write(pile, at)
