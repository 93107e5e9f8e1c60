"""How is the filing of a trip asked for, and what keeps it from being taken on?

Asking is all that happens here: the trip is marked, and the planner makes its filings. Asked again, nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from filings.context import Actor
from filings.lifecycle import TRIP, TripInput, TripState, step_trip
from filings.store import tables as t
from filings.trips import load_trip, record_act
from mappings.advice import Advice
from mappings.preflight_trip import trip_findings
from schemas.errors import Conflict, Problem
from schemas.trip import read_trip


@dataclass(frozen=True, slots=True)
class FilingReceipt:
    """The answer to "file this trip": it has been taken on; the board tells how it goes."""

    trip_number: str
    shipments: int
    by_pathway: Mapping[str, int]
    already: bool
    warnings: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        return {
            "trip_number": self.trip_number,
            "state": "filing",
            "shipments": self.shipments,
            "pathways": dict(self.by_pathway),
            "already_requested": self.already,
            "warnings": [problem.as_dict() for problem in self.warnings],
        }


def request_filing(
    conn: Connection, trip_number: str, *, actor: Actor, now: datetime, advice: Advice | None = None
) -> FilingReceipt:
    """Take on the filing of a trip; asked again, it says so and changes nothing.

    The pathways counted are those of staging; the final judgement is the planner's. Raises
    :class:`NotFound`, and :class:`Conflict` for a trip without shipments, or with a finding that the filer has
    given the severity ``error`` in ``advice``.
    """
    row = load_trip(conn, trip_number, lock=True)
    counted = conn.execute(
        select(t.shipments.c.pathway, func.count())
        .where(t.shipments.c.trip_number == trip_number)
        .group_by(t.shipments.c.pathway)
    )
    by_pathway = {pathway or "review": int(count) for pathway, count in counted}
    total = sum(by_pathway.values())
    if TripInput.FILING_REQUESTED not in TRIP[TripState(row.state)]:
        return FilingReceipt(trip_number, total, by_pathway, True)
    if not total:
        raise Conflict(
            Problem("trip_empty", "trip_number", f"Trip {trip_number} has no shipments.", "Stage its shipments first.")
        )
    findings = trip_findings(read_trip(row.document), now, advice)
    stopping = [one for one in findings if one.severity == "error"]
    if stopping:
        raise Conflict(stopping)
    following, _effects = step_trip(TripState(row.state), TripInput.FILING_REQUESTED)
    values = {
        "state": following.value,
        "plan_stage": "decide",
        "planned_through": 0,
        "filed_at": now,
        "filed_by": actor.name,
        "updated_at": now,
    }
    conn.execute(update(t.trips).where(t.trips.c.trip_number == trip_number).values(values))
    record_act(conn, "file_trip", {"shipments": total}, actor=actor, now=now, trip_number=trip_number)
    return FilingReceipt(trip_number, total, by_pathway, False, findings)
