"""What must a person look at?

An alert is raised once for a thing (same kind, same subject) and stays open until somebody, or the
gateway itself when the matter is over, settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from filings.store.tables import alerts
from filings.uuid7 import uuid7


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look at: ``kind`` is a stable word, ``text`` one sentence for a person."""

    kind: str
    text: str
    severity: Literal["warning", "error"] = "error"
    detail: Mapping[str, Any] = field(default_factory=dict)
    trip_number: str | None = None
    filing_id: str | None = None
    transmission_id: str | None = None


def raise_alert(conn: Connection, alert: Alert, now: datetime) -> bool:
    """Open the alert unless the same one is open already; whether it is new."""
    same = (
        (alerts.c.kind == alert.kind)
        & alerts.c.settled_at.is_(None)
        & (alerts.c.transmission_id.is_not_distinct_from(alert.transmission_id))
        & (alerts.c.filing_id.is_not_distinct_from(alert.filing_id))
        & (alerts.c.trip_number.is_not_distinct_from(alert.trip_number))
    )
    if not alert.transmission_id and not alert.filing_id:
        same &= alerts.c.text == alert.text  # about one of the trip's many shipments: its text says which
    known = alert.transmission_id or alert.filing_id or alert.trip_number
    if known and conn.execute(select(alerts.c.id).where(same).limit(1)).first():
        return False
    conn.execute(
        insert(alerts).values(
            id=uuid7(),
            kind=alert.kind,
            severity=alert.severity,
            text=alert.text,
            detail=dict(alert.detail),
            trip_number=alert.trip_number,
            filing_id=alert.filing_id,
            transmission_id=alert.transmission_id,
            raised_at=now,
        )
    )
    return True


def restate(conn: Connection, kind: str, transmission_id: str, text: str, detail: Mapping[str, Any]) -> None:
    """Say of an open alert about a transmission how it has gone on; without one nothing is said."""
    open_one = (alerts.c.kind == kind) & (alerts.c.transmission_id == transmission_id) & alerts.c.settled_at.is_(None)
    conn.execute(update(alerts).where(open_one).values(text=text, detail=dict(detail)))


def settle(conn: Connection, kind: str, *, transmission_id: str, by: str, now: datetime) -> int:
    """Close the open alerts of this kind about a transmission; their number."""
    open_ones = (alerts.c.kind == kind) & (alerts.c.transmission_id == transmission_id) & alerts.c.settled_at.is_(None)
    return conn.execute(update(alerts).where(open_ones).values(settled_at=now, settled_by=by)).rowcount


def settle_filing(conn: Connection, kind: str, filing_id: str, by: str, now: datetime) -> int:
    """Close the open alerts of this kind about a filing; their number."""
    open_ones = (alerts.c.kind == kind) & (alerts.c.filing_id == filing_id) & alerts.c.settled_at.is_(None)
    return conn.execute(update(alerts).where(open_ones).values(settled_at=now, settled_by=by)).rowcount
