"""A gateway with a deliberate fault: it takes what others are sending, and writes where it holds no lease.

Python imports this by itself in every process that has this folder in its path; only tests put it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, update

from filings import sending
from filings.store import leases


def claim(conn: Connection, table: Table, **asked: Any) -> list[Mapping[str, Any]]:
    """Claim rows as if nobody held any."""
    conn.execute(update(table).where(asked["where"]).values(lease_until=None))
    return leases.claim(conn, table, **asked)


def settle(conn: Connection, table: Table, identifier: str, _owner: str, values: Mapping[str, Any]) -> bool:
    """Write whoever holds the row."""
    written = {"lease_until": None, "lease_owner": None, **values}
    return conn.execute(update(table).where(table.c.id == identifier).values(written)).rowcount == 1


sending.claim = claim
sending.settle_lease = settle
