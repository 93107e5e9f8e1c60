"""Where are facts kept so that nothing acknowledged is ever lost?

One code path for a laptop (SQLite, one writer thread with group commit) and for many machines on
one PostgreSQL: functions take a SQLAlchemy connection, :class:`~filings.store.database.Store` runs
them inside a transaction.
"""

from __future__ import annotations

from filings.store.database import Store, Work
from filings.store.faults import NewerDatabase, StoreAway, StoreClosed, StoreError, of_the_store

__all__ = ["NewerDatabase", "Store", "StoreAway", "StoreClosed", "StoreError", "Work", "of_the_store"]
