"""May the truck go, as things stand in the store, and who is told when that changes?

The verdict is :func:`filings.lifecycle.trip_verdict` over the trip's shipments, and over what is not settled about its
filings: a change that CBP has not answered, a manifest that it holds as preliminary.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from filings import events
from filings.holding import hold_trips
from filings.lifecycle import (
    CROSSING,
    WAITING,
    EventType,
    ShipmentState,
    TripInput,
    TripState,
    step_trip,
    trip_verdict,
)
from filings.reasons import reasons, rule_of
from filings.store import tables as t

NAMED: Final = 100
"""Shipments named in one event; the board lists the others."""
SENTENCE: Final = 300
"""Characters of a reason in an event; the board has all of it."""
PRELIMINARY: Final = "preliminary"


def counts(conn: Connection, trip_number: str) -> dict[ShipmentState, int]:
    """A trip's shipments by state."""
    query = (
        select(t.shipments.c.state, func.count())
        .where(t.shipments.c.trip_number == trip_number)
        .group_by(t.shipments.c.state)
    )
    return {ShipmentState(state): int(count) for state, count in conn.execute(query)}


def unsettled(conn: Connection, trip_number: str, held_as: str | None) -> str:
    """Why a truck that could go waits all the same: a sentence, or nothing where everything is settled."""
    table = t.filings
    query = select(func.count()).where(
        table.c.trip_number == trip_number,
        table.c.version > 1,
        table.c.accepted_version.is_not(None),
        table.c.state.in_([state.value for state in WAITING]),
    )
    changes = int(conn.execute(query).scalar_one())
    if changes:
        return f"CBP has not answered {'a change' if changes == 1 else f'{changes} changes'} of what it has on file."
    return "CBP holds the manifest as preliminary: it must be completed." if held_as == PRELIMINARY else ""


def tell_trip(conn: Connection, trip_number: str, now: datetime) -> None:
    """Judge a trip anew and tell dispatch if that changes whether the truck may go."""
    events.record(conn, trip_events(conn, trip_number, now))


def trip_events(conn: Connection, trip_number: str, now: datetime) -> list[events.EventDraft]:
    """Judge a trip anew and move it; what dispatch must be told of that. The trip is held: others count after us."""
    hold_trips(conn, [trip_number])
    row = conn.execute(
        select(t.trips.c.state, t.trips.c.plan_stage, t.trips.c.held_as).where(t.trips.c.trip_number == trip_number)
    ).one()
    if row.plan_stage != "done" or row.state == TripState.DRAFT.value:
        return []  # not everything has been written yet: no verdict before that
    found = counts(conn, trip_number)
    verdict = trip_verdict(found, unsettled=bool(unsettled(conn, trip_number, row.held_as)))
    return _moved(conn, trip_number, row.state, verdict, now, found)


def _moved(
    conn: Connection,
    trip_number: str,
    state: str,
    what: TripInput,
    now: datetime,
    found: Mapping[ShipmentState, int],
) -> list[events.EventDraft]:
    following, effects = step_trip(TripState(state), what)
    if following.value != state:
        conn.execute(
            update(t.trips).where(t.trips.c.trip_number == trip_number).values(state=following.value, updated_at=now)
        )
    if effects.verdict != "moved":
        return []
    data = _verdict_data(conn, trip_number, what, found)
    return [events.EventDraft(kind.value, trip_number, trip_number, now, data=data) for kind in effects.events]


def manifest_deleted(conn: Connection, trip_number: str, now: datetime) -> None:
    """CBP has deleted the manifest of a trip: the trip is over."""
    state = conn.execute(select(t.trips.c.state).where(t.trips.c.trip_number == trip_number)).scalar_one()
    _moved(conn, trip_number, state, TripInput.MANIFEST_DELETED, now, {})


def tell_blocked(conn: Connection, trip_number: str, now: datetime) -> None:
    """Tell dispatch of a blocked trip once more, because other shipments block it now."""
    data = _verdict_data(conn, trip_number, TripInput.STOP, counts(conn, trip_number))
    kind = EventType.TRIP_BLOCKED.value
    events.record(conn, [events.EventDraft(kind, trip_number, trip_number, now, data=data)])


def _verdict_data(
    conn: Connection, trip_number: str, verdict: TripInput, found: Mapping[ShipmentState, int]
) -> dict[str, Any]:
    """The verdict with the counts it follows from; what blocks a trip is named."""
    data: dict[str, Any] = {
        "verdict": verdict.value,
        "shipments": {state.value: count for state, count in found.items()},
        "blocking": [],
    }
    if verdict is TripInput.STOP:
        stopping = [state.value for state in found if CROSSING[state] is TripInput.STOP]
        table = t.shipments
        query = (
            select(table)
            .where(table.c.trip_number == trip_number, table.c.state.in_(stopping))
            .order_by(table.c.position)
            .limit(NAMED)
        )
        rows = conn.execute(query).all()
        why = reasons(conn, rows)
        data["blocking"] = [
            {
                "shipment_id": row.shipment_id,
                "shipment_control_number": row.scn,
                "state": row.state,
                "offered": (row.lapse or {}).get("pathway"),
                "rule": rule_of(row),
                "reason": why[row.key][:SENTENCE],
            }
            for row in rows
        ]
    return data
