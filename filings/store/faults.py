"""Why can the store not do what it was asked, and may the same be asked again?"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError


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
