"""What becomes of a correction or cancellation request? A human looks at it and tells the filer by SO.

CBP CATAIR Cargo Release v40, action codes: replacing or cancelling an entry that is matched or under review is a
request (SX 04); 88 and 23 are its answers (pairing recalled).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.abi.matching import Step
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office
from sandbox.store import moment


class Reviews:
    """Requests that wait for a human; every method must run inside a transaction of the books."""

    def __init__(self, office: Office, notices: Notices) -> None:
        self.office, self.notices = office, notices
        self.steps: dict[str, Step] = {
            "review": self._review,
            "cancelled": lambda body, at: self.tell(body["entries"], "23", at),
        }

    def _review(self, body: dict[str, Any], at: datetime) -> None:
        for entry in self.notices.entries(body["entries"]):
            pending = entry["pending"]
            if not pending or entry["state"] in {"RELEASED", "CANCELLED"}:
                continue
            if pending == "D":
                self.cancel(entry["number"])
                self.tell([entry["number"]], "23", at)
            else:
                self.office.store.run(
                    "update entry set body = ?, pending = '' where number = ?", pending, entry["number"]
                )
                self.tell([entry["number"]], "88", at)

    def cancel(self, number: str) -> None:
        """An entry is cancelled; its number stays used."""
        self.office.store.run(
            "update entry set state = 'CANCELLED', pending = '', matched = 0 where number = ?", number
        )

    def tell(self, numbers: Sequence[str], code: str, at: datetime) -> None:
        """One SO60 for each entry."""
        pile = Pile()
        for number in numbers:
            pile.entry(number, said(code, at))
        self.notices.write(pile, at)


def age_days(released_at: str, now: datetime) -> int:
    """Whole days since a release."""
    return (now - moment(released_at)).days
