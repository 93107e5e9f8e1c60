"""Who looks after an entry once it is on file? Its books, its bills, its agencies, the requests about it, the calendar
and the law, under one roof.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from sandbox.abi.agencies import Agencies
from sandbox.abi.cut_over import CutOver
from sandbox.abi.entry_books import EntryBooks
from sandbox.abi.matching import Matching
from sandbox.abi.reviews import Reviews
from sandbox.abi.status_records import Disposition
from sandbox.abi.time_outs import TimeOuts
from sandbox.notices import Notices, said
from sandbox.office import Office, Step
from sandbox.store import stamp


class EntryLife:
    """The desks that keep entries after their acceptance, the steps they put on the pile, and what the border must know
    of an entry.

    ``arrived`` is told the bills whose truck is here already when their entry may go on; with the release origin.
    """

    def __init__(
        self, office: Office, notices: Notices, arrived: Callable[[Sequence[str], datetime, str], None]
    ) -> None:
        self.office, self.notices = office, notices
        self.books = EntryBooks(office)
        self.agencies = Agencies(office, notices, lambda scns, at: arrived(scns, at, "08"))
        self.time_outs = TimeOuts(office, notices, self.books)
        self.matching = Matching(
            office, notices, self.agencies, self.time_outs, lambda scns, at: arrived(scns, at, "03")
        )
        self.reviews = Reviews(office, notices, self.books, self.matching)
        self.cut_over = CutOver(office, notices)
        self.steps: dict[str, Step] = (
            self.agencies.steps | self.time_outs.steps | self.matching.steps | self.reviews.steps | self.cut_over.steps
        )

    def entries_filed(self, numbers: Sequence[str], now: datetime) -> None:
        """After entries were accepted."""
        self.cut_over.expect(numbers, now)
        self.matching.entries_filed(numbers, now)

    def waits(self, entries: Sequence[sqlite3.Row]) -> bool:
        """Whether goods that are here must wait: an entry has not found all its bills, or an agency looks at it."""
        return any(not entry["matched"] or entry["state"] == "UNDER_REVIEW" for entry in entries)

    def barred(self, entries: Sequence[sqlite3.Row], at: datetime) -> bool:
        """Whether the law bars an entry from release."""
        return any(self.cut_over.barred(entry, at) for entry in entries)

    def release(self, entry: sqlite3.Row, at: datetime, origin: str) -> list[Disposition]:
        """An entry is released, or its release gets another date; gives what is said of it."""
        self.office.store.run(
            "update entry set state = 'RELEASED', released_at = ? where number = ?", stamp(at), entry["number"]
        )
        if entry["state"] == "RELEASED":
            return [said("22", at, origin=origin)]
        if entry["released_at"]:
            return [said("22", at, origin="09"), said("98", at, origin="09")]
        return [said("98", at, origin=origin)]

    def withhold(self, entry: sqlite3.Row, at: datetime) -> list[Disposition]:
        """Goods are not let go; an entry that was released ahead of the arrival loses its release."""
        if entry["state"] != "RELEASED":
            return []
        self.notices.set_entry(entry["number"], "SUSPENDED")
        return [said("99", at)]

    def documents_seen(self, entry: sqlite3.Row, at: datetime) -> list[Disposition]:
        """The document that was required is there: the entry is admissible, or agencies still look at it."""
        waits = self.agencies.waits(entry)
        self.notices.set_entry(entry["number"], "UNDER_REVIEW" if waits else "ADMISSIBLE")
        return [said("90" if waits else "97", at)]
