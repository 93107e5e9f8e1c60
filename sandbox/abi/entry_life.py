"""Who looks after an entry once it is on file? Its books, its bills, its agencies and the requests about it, under one
roof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sandbox.abi.entry_books import EntryBooks
from sandbox.abi.matching import Matching, Step
from sandbox.abi.reviews import Reviews
from sandbox.notices import Notices
from sandbox.office import Office


class EntryLife:
    """The desks that keep entries after their acceptance, and the steps they put on the pile.

    ``arrived`` is told the bills whose truck is here already when their entry may go on.
    """

    def __init__(self, office: Office, notices: Notices, arrived: Callable[[Sequence[str], datetime], None]) -> None:
        self.books = EntryBooks(office)
        self.matching = Matching(office, notices, arrived)
        self.reviews = Reviews(office, notices, self.books, self.matching)
        self.steps: dict[str, Step] = self.matching.steps | self.reviews.steps
