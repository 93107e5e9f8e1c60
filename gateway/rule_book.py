"""Which rule book is in force for this filer: the delivered one, with its own rows and severities?"""

from __future__ import annotations

from pathlib import Path

from gateway.settings import Settings
from mappings.rulebook import RuleBook


def load_book(settings: Settings, folder: Path | None = None) -> RuleBook:
    """The book that the settings ask for, over the delivered rows or those of ``folder``.

    Raises :class:`FormatError` with every fault.
    """
    return RuleBook.load(folder, overlay=settings.rules.overlay, severity=settings.rules.severity)
