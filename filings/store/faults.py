"""Why can the store not do what it was asked, and may the same be asked again?"""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError


class StoreError(Exception):
    """The store cannot do what it was asked; nothing of the function was kept."""


class StoreAway(StoreError):
    """The database server does not answer, now; the same may be asked again.

    ``in_doubt`` means that it was lost while committing: the function may have been kept. ``locked`` means that it is
    there, and that another process holds it.
    """

    def __init__(self, text: str, *, in_doubt: bool = False, locked: bool = False) -> None:
        super().__init__(text)
        self.in_doubt = in_doubt
        self.locked = locked


class StoreClosed(StoreError):
    """The store was closed before the function could run."""


class NewerDatabase(StoreError):
    """The database belongs to a later version of this program; nothing was touched."""


_OF_VALUES: Final = ("22", "23")
"""Classes of PostgreSQL's SQLSTATE that say of values that they cannot be kept (appendix A of its manual)."""


def of_the_store(fault: BaseException) -> bool:
    """Whether the store or the machine is at fault, and not a value that was to be kept: it may go another time."""
    if isinstance(fault, DBAPIError):
        state = getattr(fault.orig, "sqlstate", None) or ""
        unfit = getattr(fault.orig, "__cause__", None)  # asyncpg refuses a value itself by a ValueError of its own
        of_values = isinstance(fault, DataError | IntegrityError) or isinstance(unfit, ValueError)
        return not (of_values or state.startswith(_OF_VALUES))
    return isinstance(fault, StoreError | OSError | sqlite3.OperationalError)


def told(fault: BaseException) -> BaseException:
    """The fault as a caller is told it: SQLite's "database is locked" as :class:`StoreAway`, any other as it is.

    SQLite says so where a transaction begins, or gives up the commit whole: nothing of it was kept.
    """
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    if not isinstance(cause, sqlite3.OperationalError) or cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
        return fault
    away = StoreAway(str(cause), locked=True)
    away.__cause__ = fault
    return away
