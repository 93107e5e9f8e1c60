"""Whose silence has become a matter for a person?

Three deadlines: a transmission without the partner's receipt, a delivered one without CBP's answer, and
a truck that is due soon and not clear to cross. Each is an alert that names its subject once, and is
settled by itself when what was awaited comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, or_, select, update

from filings.alerts import Alert, raise_alert
from filings.lifecycle import TripState
from filings.store import tables as t
from filings.wording import MANIFEST_SETS

RECEIPT: Final = "receipt_overdue"
ANSWER: Final = "answer_overdue"
ARRIVAL: Final = "arrival_near"
MOST: Final = 100
"""Alerts of one kind raised in one look: a broken line is one matter, not a thousand."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence may last."""

    receipt: timedelta
    answer: timedelta
    before_arrival: timedelta


def watch(conn: Connection, patience: Patience, now: datetime) -> int:
    """Raise what is overdue and settle what is not any more; the number of new alerts."""
    _settle(conn, now)
    return _transmissions(conn, patience, now) + _trips(conn, patience, now)


def _transmissions(conn: Connection, patience: Patience, now: datetime) -> int:
    out = t.transmissions
    unsent = and_(out.c.state.in_(("queued", "sending", "in_doubt")), out.c.created_at < now - patience.receipt)
    silent = and_(
        out.c.state == "delivered",
        out.c.answered_at.is_(None),
        out.c.application.in_((*MANIFEST_SETS, "SE")),
        out.c.delivered_at < now - patience.answer,
    )
    query = select(out).where(out.c.direction == "out", or_(unsent, silent)).order_by(out.c.id).limit(MOST)
    new = 0
    for row in conn.execute(query).all():
        if row.state == "delivered":
            kind, text = ANSWER, f"CBP has not answered {row.name}, delivered {_minutes(now, row.delivered_at)} ago."
        else:
            kind, text = RECEIPT, f"{row.name} has had no receipt for {_minutes(now, row.created_at)}."
        alert = Alert(kind, text, "warning", trip_number=row.trip_number, transmission_id=row.id)
        new += raise_alert(conn, alert, now)
    return new


def _trips(conn: Connection, patience: Patience, now: datetime) -> int:
    done = (TripState.CLEAR.value, TripState.ARRIVED.value)
    query = select(t.trips).where(
        t.trips.c.state.not_in(done),
        t.trips.c.estimated_arrival > now,
        t.trips.c.estimated_arrival <= now + patience.before_arrival,
    )
    new = 0
    for row in conn.execute(query.limit(MOST)).all():
        text = (
            f"Trip {row.trip_number} arrives in {_minutes(row.estimated_arrival, now)} and is not clear: "
            "a manifest must be on file an hour before (30 minutes for FAST)."
        )
        new += raise_alert(conn, Alert(ARRIVAL, text, "warning", trip_number=row.trip_number), now)
    return new


def _settle(conn: Connection, now: datetime) -> None:
    """Close what is over: the receipt or the answer came, the truck is clear or has crossed."""
    came = select(t.transmissions.c.id).where(
        t.transmissions.c.id == t.alerts.c.transmission_id,
        or_(
            and_(t.alerts.c.kind == RECEIPT, t.transmissions.c.delivered_at.is_not(None)),
            and_(t.alerts.c.kind == ANSWER, t.transmissions.c.answered_at.is_not(None)),
        ),
    )
    over = select(t.trips.c.trip_number).where(
        t.trips.c.trip_number == t.alerts.c.trip_number,
        t.alerts.c.kind == ARRIVAL,
        or_(t.trips.c.state.in_((TripState.CLEAR.value, TripState.ARRIVED.value)), t.trips.c.estimated_arrival <= now),
    )
    conn.execute(
        update(t.alerts)
        .where(
            t.alerts.c.settled_at.is_(None),
            t.alerts.c.kind.in_((RECEIPT, ANSWER, ARRIVAL)),
            or_(came.exists(), over.exists()),
        )
        .values(settled_at=now, settled_by="gateway")
    )


def _minutes(later: datetime, earlier: datetime) -> str:
    minutes = max(int((later - earlier).total_seconds() // 60), 0)
    return f"{minutes} minutes" if minutes != 1 else "1 minute"
