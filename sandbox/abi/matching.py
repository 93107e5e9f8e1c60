"""Which entries have found their bills? An entry waits for its bills (91), finds them (93) and is judged (97, 90, 96),
does not match them (58) or loses them again (61, 62); after its release all agencies are done with it (01).

Order of events: CATAIR SO codes of rev 36; the order itself is recalled. A release ahead of the arrival (98 with origin
02, the estimated day) is a switch: trucks are released when they are here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from sandbox.abi.agencies import Agencies
from sandbox.abi.entry_page import Page
from sandbox.abi.status_records import Disposition, day
from sandbox.abi.time_outs import TimeOuts
from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office, Step
from sandbox.store import moment, stamp

_NO_MATCH: Final = frozenset({"91", "58", "59", "61", "62"})


class Matching:
    """Entries and their bills; every method must run inside a transaction of the books.

    ``arrived`` is told the bills whose truck is here already when their entry is matched.
    """

    def __init__(
        self,
        office: Office,
        notices: Notices,
        agencies: Agencies,
        time_outs: TimeOuts,
        arrived: Callable[[Sequence[str], datetime], None],
    ) -> None:
        self.office, self.notices, self.arrived = office, notices, arrived
        self.agencies, self.time_outs = agencies, time_outs
        self.steps: dict[str, Step] = {
            "match": lambda body, at: self.match(body["entries"], at),
            "oneusg": lambda body, at: self._one_usg(body["entries"], at),
        }

    def plan(self, kind: str, numbers: Sequence[str], due: datetime) -> None:
        """Put a step for entries on the pile, when there are any."""
        if numbers:
            self.office.step(kind, due, {"entries": list(numbers)})

    def entries_filed(self, numbers: Sequence[str], now: datetime) -> None:
        """After entries were accepted: look for their bills."""
        self.plan("match", numbers, self.office.after(now, self.office.behaviour.answer_delay))

    def bills_filed(self, scns: Sequence[str], due: datetime) -> None:
        """After bills came on file or changed: look for their entries."""
        rows = self.office.store.rows_for("select distinct number from entry_bill where scn in ({})", scns)
        self.plan("match", [r["number"] for r in rows], due)

    def match(self, numbers: Iterable[str], at: datetime) -> None:
        """Tell which entries match their bills; judge those that do now, and let go on those whose truck is here."""
        pile = Pile()
        here: list[str] = []
        alone: list[str] = []
        released: list[str] = []
        entries = [e for e in self.notices.entries(numbers) if e["state"] not in {"CANCELLED", "RELEASED"}]
        for page in self.notices.pages.open(entries):
            entry, number = page.entry, page.entry["number"]
            codes = page.bill_codes()
            if not codes or _NO_MATCH.intersection(codes.values()):
                if entry["state"] != "NO_MATCH":
                    alone.append(number)
                if entry["state"] != "NO_MATCH" or _is_news(page, codes):
                    self._lose(number)
                    pile.entry(number)
            elif not entry["matched"]:
                self.office.store.run("update entry set matched = 1, unmatched_since = null where number = ?", number)
                pile.entry(number, *self._judge(entry, page, pile, released, at))
                here += [b["scn"] for b in page.bills.values() if b["state"] == "ARRIVED"]
        self.notices.write(pile, at)
        self.time_outs.begin(alone, at)
        self.plan("oneusg", released, self.office.after(at, self.office.behaviour.answer_delay))
        if here:
            self.arrived(here, at)

    def _judge(
        self, entry: sqlite3.Row, page: Page, pile: Pile, released: list[str], at: datetime
    ) -> list[Disposition]:
        """What is said of an entry that has found its bills; it stands accordingly."""
        number = entry["number"]
        reviewed = self.agencies.begin(entry, pile, at)
        if "DOCS" in from_text(entry["marks"]):
            self.notices.set_entry(number, "DOCS")
            return [said("96", at, document="CBP01")]
        limited = entry["over_limit"] and self.office.book.rule("day-limit-withhold", at)
        warnings = [said("30", at)] if limited else []
        if reviewed:
            self.notices.set_entry(number, "UNDER_REVIEW")
            return [*warnings, said("90", at)]
        self.notices.set_entry(number, "ADMISSIBLE")
        expected = self._expected(page)
        if not self.office.behaviour.release_ahead or limited or expected is None or expected <= at:
            return [*warnings, said("97", at)]
        self.office.store.run(
            "update entry set state = 'RELEASED', released_at = ? where number = ?", stamp(at), number
        )
        released.append(number)
        return [*warnings, said("97", at), said("98", at, origin="02", released=day(expected))]

    def _expected(self, page: Page) -> datetime | None:
        """When the last truck of an entry is expected; ``None`` when one is here, on hold or of no known time."""
        manifests = self.office.store.rows_for(
            "select distinct m.eta, m.arrived_at from bill b join manifest m on m.id = b.manifest_id"
            " where b.scn in ({})",
            page.bills,
        )
        if any(m["eta"] is None or m["arrived_at"] is not None for m in manifests):
            return None
        if any(bill["hold"] for bill in page.bills.values()):
            return None
        return max(moment(m["eta"]) for m in manifests)

    def bills_deleted(self, scns: Sequence[str], at: datetime) -> None:
        """Entries whose bills were deleted lose their match; one that is released stays so."""
        pile, alone = Pile(), []
        numbers = [
            row["number"]
            for row in self.office.store.rows_for("select distinct number from entry_bill where scn in ({})", scns)
        ]
        for entry in self.notices.entries(numbers):
            if entry["state"] == "CANCELLED":
                continue
            if entry["state"] != "RELEASED":
                self._lose(entry["number"])
                alone.append(entry["number"])
            pile.entry(entry["number"])
        self.notices.write(pile, at)
        self.time_outs.begin(alone, at)

    def _lose(self, number: str) -> None:
        self.office.store.run("update entry set matched = 0, state = 'NO_MATCH' where number = ?", number)

    def _one_usg(self, numbers: Sequence[str], at: datetime) -> None:
        """01 for entries that are still released and that every agency has let go."""
        pile = Pile()
        released = [entry for entry in self.notices.entries(numbers) if entry["state"] == "RELEASED"]
        for page in self.notices.pages.open(released):
            if not page.holds("01") and all(one.code == "07" for one in page.agencies()):
                pile.entry(page.entry["number"], said("01", at))
        self.notices.write(pile, at)


def _is_news(page: Page, codes: dict[str, str]) -> bool:
    for scn, code in codes.items():
        before = page.said_of(scn)
        if before is None or before.code != code:
            return True
    return False
