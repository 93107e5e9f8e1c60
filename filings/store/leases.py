"""Who works on this row now?

Rules: a worker claims a batch of rows for a while (a lease) and names itself; rows that another
transaction is claiming are passed over, not waited for; a lease that ran out may be claimed by
anybody. What a worker writes back is written only while it still holds the lease
(:func:`settle`), so one that slept past its lease cannot overwrite its successor.
Work that is no row of its own (a trip being planned, a folder being looked into) is held under a
name (:func:`hold`). Leases run on the clocks of the machines: these must agree to within a lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from filings.store.tables import leases, owed_receipts, transmissions


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


def hold(conn: Connection, name: str, owner: str, now: datetime, lease: timedelta) -> bool:
    """Hold the work called ``name`` until ``now + lease``; ``False`` while somebody else does. Renews one's own."""
    flavour = postgresql if conn.dialect.name == "postgresql" else sqlite
    taken = {"lease_owner": owner, "lease_until": now + lease}
    free = or_(leases.c.lease_until <= now, leases.c.lease_owner == owner)
    statement = flavour.insert(leases).values(name=name, **taken)
    return conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=taken, where=free)).rowcount == 1


def let_go(conn: Connection, name: str, owner: str) -> None:
    """Give up work held under a name, if ``owner`` still holds it."""
    conn.execute(delete(leases).where(leases.c.name == name, leases.c.lease_owner == owner))


def held_by_others(conn: Connection, prefix: str, owner: str, now: datetime) -> set[str]:
    """What follows ``prefix`` in the names that somebody else holds."""
    query = select(leases.c.name).where(
        leases.c.name.startswith(prefix, autoescape=True), leases.c.lease_owner != owner, leases.c.lease_until > now
    )
    return {name.removeprefix(prefix) for name in conn.execute(query).scalars()}


def give_up(conn: Connection, now: datetime, owner: str | None = None) -> int:
    """End the leases of ``owner``, who stops, or of everybody (for a store that only one process writes, when that
    process starts); gives their number. Rows keep their owner's name: what it had begun to send is in doubt.
    """
    ended = 0
    for table in (transmissions, owed_receipts):
        held = table.c.lease_until > now
        if owner is not None:
            held &= table.c.lease_owner == owner
        ended += conn.execute(update(table).where(held).values(lease_until=now)).rowcount
    named = delete(leases) if owner is None else delete(leases).where(leases.c.lease_owner == owner)
    return ended + conn.execute(named).rowcount
