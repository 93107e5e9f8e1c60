"""Which alerts are open, and how does a person close one?

A deadline's alert is over when what was awaited comes; nobody can close it before, it would only be raised again. An
entry summary is filed outside the gateway, so a person says that it was, and the alert goes for good.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select, update

from filings.alert_remedies import remedy
from filings.context import Actor
from filings.deadlines import KINDS, REFUSED, SUMMARY
from filings.shown import Page, instant_text, no_cursor, page_of, zone_of
from filings.store import tables as t
from filings.trips import record_act
from schemas.errors import Conflict, NotFound, Problem

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


_SHOWN: Final = select(t.alerts, t.trips.c.port_of_arrival).outerjoin(
    t.trips, t.trips.c.trip_number == t.alerts.c.trip_number
)
"""An alert with the port of its trip, on whose clock people read it."""


def listed(
    conn: Connection,
    *,
    trip: str | None = None,
    kind: str | None = None,
    filing: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Open alerts, newest first: of a trip, of a kind, or about a filing (its own, or a file's that carries it)."""
    table = t.alerts
    query = _SHOWN.where(table.c.settled_at.is_(None)).order_by(table.c.id.desc())
    if trip:
        query = query.where(table.c.trip_number == trip)
    if kind:
        query = query.where(table.c.kind == kind)
    if filing:
        carried = select(t.transmission_filings.c.transmission_id).where(t.transmission_filings.c.filing_id == filing)
        query = query.where(or_(table.c.filing_id == filing, table.c.transmission_id.in_(carried)))
    if cursor:
        if not _ID.fullmatch(cursor):
            raise NotFound(no_cursor(cursor))
        query = query.where(table.c.id < cursor)
    rows = conn.execute(query.limit(limit + 1)).all()
    return page_of(rows, limit, "id", shown)


def about(conn: Connection, filing: str) -> list[dict[str, Any]]:
    """The open alerts about a filing; one of a file that carries many only if it names this one."""
    found = listed(conn, filing=filing, limit=500).items
    mine = t.filings.c.id == filing
    trip = conn.execute(select(t.filings.c.trip_number).where(mine)).scalar()
    refused = listed(conn, trip=trip, kind=REFUSED).items if trip else ()
    every = {one["id"]: one for one in (*found, *refused)}
    return [one for one in every.values() if filing in one["detail"].get("filings", (filing,))]


def shown(row: Row[Any]) -> dict[str, Any]:
    """An alert as the API shows it, with what a person does about it, and when it was raised on the port's clock."""
    zone = zone_of(row.port_of_arrival or "")
    return {
        "id": row.id,
        "kind": row.kind,
        "severity": row.severity,
        "text": row.text,
        "remedy": remedy(row.kind),
        "detail": row.detail or {},
        "trip_number": row.trip_number,
        "filing_id": row.filing_id,
        "transmission_id": row.transmission_id,
        "raised_at": instant_text(row.raised_at),
        "raised_at_local": row.raised_at.astimezone(zone).isoformat(),
        "time_zone": zone.key,
        "settled_at": instant_text(row.settled_at),
        "settled_by": row.settled_by,
    }


def settle(conn: Connection, identifier: str, note: str, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Close an alert with a word on what was done; again changes nothing.

    Raises :class:`NotFound`, and :class:`Conflict` for a deadline that ends by itself.
    """
    table = t.alerts
    row = conn.execute(select(table).where(table.c.id == identifier).with_for_update()).first()
    if row is None:
        text = f"There is no alert {identifier[:40]}."
        raise NotFound(Problem("alert_unknown", "alert_id", text, "List the alerts and take an id from there."))
    if row.settled_at is not None:
        return _one(conn, row.id)
    if row.kind in KINDS and row.kind != SUMMARY:
        text = f"The alert {row.kind} ends by itself when what is awaited comes."
        raise Conflict(Problem("alert_ends_by_itself", "alert_id", text, "See to what it names."))
    if row.kind == SUMMARY:
        conn.execute(update(t.filings).where(t.filings.c.id == row.filing_id).values(deadline_at=None))
    conn.execute(update(table).where(table.c.id == row.id).values(settled_at=now, settled_by=actor.name))
    content = {"alert": {"id": row.id, "kind": row.kind, "text": row.text, "filing_id": row.filing_id}, "note": note}
    record_act(conn, "settle_alert", content, actor=actor, now=now, trip_number=row.trip_number)
    return _one(conn, row.id)


def _one(conn: Connection, identifier: str) -> dict[str, Any]:
    return shown(conn.execute(_SHOWN.where(t.alerts.c.id == identifier)).one())
