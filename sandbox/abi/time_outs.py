"""What becomes of an entry whose bills do not come? It is reminded, warned and cancelled.

No bill match after 30 days (26) and after 60 (28), cancellation told seven days ahead (25), then 23. The codes are
CBP's (Status Query v21, WO60 note 1); that the warning goes with the second reminder is deduced from their texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.abi.entry_books import EntryBooks
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office, Step
from sandbox.store import moment, stamp


class TimeOuts:
    """Reminders by the sandbox's clock; every method must run inside a transaction of the books."""

    def __init__(self, office: Office, notices: Notices, books: EntryBooks) -> None:
        self.office, self.notices, self.books = office, notices, books
        self.steps: dict[str, Step] = {"unmatched": self._remind}

    def begin(self, numbers: Sequence[str], at: datetime) -> None:
        """Entries are without their bills from now on; for those that were so already the days go on."""
        fresh = [one["number"] for one in self.notices.entries(numbers) if one["unmatched_since"] is None]
        if fresh:
            self.office.store.run_many(
                "update entry set unmatched_since = ? where number = ?", [(stamp(at), one) for one in fresh]
            )
            self._plan("first", fresh, at)

    def _plan(self, stage: str, numbers: Sequence[str], since: datetime) -> None:
        conduct = self.office.behaviour
        days = {
            "first": conduct.unmatched_first_days,
            "last": conduct.unmatched_last_days,
            "end": conduct.unmatched_last_days + conduct.cancel_notice_days,
        }[stage]
        due = since + timedelta(days=days)
        self.office.step("unmatched", due, {"stage": stage, "entries": list(numbers), "since": stamp(since)})

    def _remind(self, body: dict[str, Any], at: datetime) -> None:
        waiting = [
            entry["number"]
            for entry in self.notices.entries(body["entries"])
            if entry["state"] == "NO_MATCH" and entry["unmatched_since"] == body["since"]
        ]
        if not waiting:
            return
        codes, following = {
            "first": (["26"], "last"),
            "last": (["28", "25"], "end"),
            "end": (["23"], ""),
        }[body["stage"]]
        pile = Pile()
        for number in waiting:
            if not following:
                self.books.end(number)
            pile.entry(number, *(said(code, at) for code in codes))
        self.notices.write(pile, at)
        if following:
            self._plan(following, waiting, moment(body["since"]))
