"""Who works on this row now?

Rules: a worker claims a batch of rows for a while (a lease) and names itself; rows that another
transaction is claiming are passed over, not waited for; a lease that ran out may be claimed by
anybody. What a worker writes back is written only while it still holds the lease
(:func:`settle`), so one that slept past its lease cannot overwrite its successor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select, update


def claim(
    conn: Connection,
    table: Table,
    *,
    where: ColumnElement[bool],
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    order_by: Sequence[ColumnElement[Any]] = (),
    columns: Sequence[ColumnElement[Any]] = (),
) -> list[Mapping[str, Any]]:
    """Claim up to ``limit`` rows and give them back in order, with ``id`` and the asked ``columns``.

    ``table`` has the columns ``id``, ``lease_until``, ``lease_owner`` and ``attempts``; the
    attempt is counted when the row is claimed, so a crash in the middle is counted too.
    """
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    wanted = columns or tuple(table.c)
    chosen = (
        select(table.c.id, *(column for column in wanted if column is not table.c.id))
        .where(where, free)
        .order_by(*(order_by or (table.c.id,)))
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has no such clause and needs none: it has one writer
    )
    rows: list[Mapping[str, Any]] = [dict(row) for row in conn.execute(chosen).mappings()]
    if rows:
        taken = {"lease_until": now + lease, "lease_owner": owner, "attempts": table.c.attempts + 1}
        conn.execute(update(table).where(table.c.id.in_([row["id"] for row in rows])).values(taken))
    return rows


def settle(conn: Connection, table: Table, identifier: str, owner: str, values: Mapping[str, Any]) -> bool:
    """Write ``values`` and give the lease up, if ``owner`` still holds it; else change nothing and say so."""
    held = (table.c.id == identifier) & (table.c.lease_owner == owner)
    written = {"lease_until": None, "lease_owner": None, **values}
    return conn.execute(update(table).where(held).values(written)).rowcount == 1


def renew(conn: Connection, table: Table, identifiers: Sequence[str], owner: str, until: datetime) -> int:
    """Hold the leases that ``owner`` still has until ``until``; gives their number."""
    held = table.c.id.in_(identifiers) & (table.c.lease_owner == owner)
    return conn.execute(update(table).where(held).values(lease_until=until)).rowcount
