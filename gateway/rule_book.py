"""Which rule book is in force for this filer: the delivered one, with its own rows and severities?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings
    from mappings.rulebook import RuleBook


def load_book(settings: Settings, folder: Path | None = None) -> RuleBook:
    """The book that the settings ask for, over the delivered rows or those of ``folder``.

    Raises :class:`FormatError` with every fault.
    """
    from mappings.rulebook import RuleBook

    return RuleBook.load(folder, overlay=settings.rules.overlay, severity=settings.rules.severity)


def before_the_book(book: RuleBook, instant: datetime) -> str:
    """The sentence for an instant before the book's first row, or ``""``."""
    from mappings.rule_changes import minute

    first = min(rule.valid_from for rule in book.rows)
    if instant >= first:
        return ""
    return f"The book begins {minute(first).split()[0]}; nothing is decided by it before."
