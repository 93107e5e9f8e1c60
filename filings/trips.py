"""How does a trip come in, and how long may it be replaced?

A trip may be put again, with other content, until it is filed. It is written into a manifest for trial when
it comes, so that what CBP's format cannot say is told before its shipments arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from filings import archive
from filings.context import Actor, FilingContext
from filings.lifecycle import TRIP, TRIP_STARTS, FilingState, ShipmentState, TripInput, TripState
from filings.person_days import move_days
from filings.shown import local_text, zone_of
from filings.store import tables as t
from mappings.manifest import trip_segments
from mappings.preflight_trip import trip_findings
from schemas.errors import Conflict, FormatError, NotFound, Problem, ShipmentError
from schemas.trip import Trip

TOLERANCE: Final = timedelta(minutes=15)
"""How far in the past an expected arrival may lie when it is told: clocks differ, and word of a truck takes a while."""


_OFF: Final = (ShipmentState.CANCELLED, ShipmentState.REFUSED, ShipmentState.LAPSED, ShipmentState.DELINKED)
"""States of shipments whose bills nobody wants on the manifest any more."""


def bills_not_taken(conn: Connection, trip_number: str) -> set[str]:
    """Shipments aboard whose bills CBP has refused, or has not taken as ours for all we know (under review).

    While there is one the manifest is not completed: it would be complete without it.
    """
    table = t.shipments
    refused = (table.c.manifest_state == FilingState.REJECTED) & (table.c.state == ShipmentState.REJECTED)
    unclear = (table.c.manifest_state == FilingState.UNDER_REVIEW) & table.c.state.not_in(_OFF)
    query = select(table.c.key).where(table.c.trip_number == trip_number, refused | unclear)
    return set(conn.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class TripReceipt:
    """What became of a trip that was put."""

    trip_number: str
    version: int
    created: bool
    warnings: tuple[Problem, ...] = ()
    notes: tuple[Mapping[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        return {
            "trip_number": self.trip_number,
            "version": self.version,
            "created": self.created,
            "warnings": [problem.as_dict() for problem in self.warnings],
            "notes": [dict(note) for note in self.notes],
        }


def put_trip(
    conn: Connection,
    trip: Trip,
    raw: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    ctx: FilingContext | None = None,
) -> TripReceipt:
    """Create the trip, or replace it while nothing of it has been filed; raises :class:`Conflict` after that.

    With ``ctx`` the trip is written into a manifest for trial: what could not be said there is told now, with
    :class:`ShipmentError`, and not when its shipments are filed and it can no longer be changed.
    """
    notes = _check_manifest(trip, ctx) if ctx is not None else ()
    number = trip.trip_number
    known = conn.execute(
        select(t.trips.c.state, t.trips.c.version, t.trips.c.document)
        .where(t.trips.c.trip_number == number)
        .with_for_update()
    ).first()
    values = {
        "carrier_scac": trip.carrier_scac,
        "port_of_arrival": trip.port_of_arrival,
        "estimated_arrival": trip.estimated_arrival,
        "document": dict(raw),
        "updated_at": now,
    }
    version = 1
    if known is None:
        flavour = postgresql if conn.dialect.name == "postgresql" else sqlite
        first = {"trip_number": number, "state": TRIP_STARTS[0].value, "version": 1, "created_at": now}
        new = flavour.insert(t.trips).values(**first, **values).on_conflict_do_nothing()
        if not conn.execute(new).rowcount:  # another process has just put it
            return put_trip(conn, trip, raw, actor=actor, now=now, ctx=ctx)
    elif known.document == dict(raw):
        return TripReceipt(number, known.version, False, _remarks(trip, now, ctx), notes)
    elif TripInput.PUT not in TRIP[TripState(known.state)]:
        raise Conflict(already_filed(number))
    else:
        version = known.version + 1
        conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(version=version, **values))
        move_days(conn, trip)
    record_act(conn, "put_trip", {"version": version, "trip": raw}, actor=actor, now=now, trip_number=number)
    return TripReceipt(number, version, known is None, _remarks(trip, now, ctx), notes)


def change_arrival(conn: Connection, number: str, arrival: datetime, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Note that a filed truck is expected at another instant: the law of that instant is applied to it at once.

    CBP is not told by this act. It knows a manifest by its trip number and the date under which it was filed; that
    date stays in every message about it. Raises :class:`NotFound`, and :class:`Conflict` for a trip that is not
    filed (put it anew), whose filings are being made, or that has arrived. An arrival in the past is refused with
    :class:`ShipmentError`: a truck that is not there cannot have come, and the law of a day gone by is not its law.
    """
    row = load_trip(conn, number, lock=True)
    if TripInput.ARRIVAL_CHANGED not in TRIP[TripState(row.state)]:
        if row.arrived_at is None:
            text = f"Trip {number} has not been filed."
            raise Conflict(Problem("trip_not_filed", "trip_number", text, "Put the trip again with its new arrival."))
        text = f"Trip {number} has arrived."
        raise Conflict(Problem("trip_arrived", "trip_number", text, "Nothing has to be changed any more."))
    if row.plan_stage != "done":
        text = f"The filings of trip {number} are still being made."
        raise Conflict(Problem("trip_being_filed", "trip_number", text, "Ask again in a moment."))
    before = row.estimated_arrival
    if arrival < now - TOLERANCE and arrival != before:
        zone = zone_of(row.port_of_arrival)
        told = f"{local_text(arrival, zone)} has passed: it is {local_text(now, zone)}, and the truck has not arrived."
        remedy = "Give the instant at which the truck is expected now; its actual arrival comes from CBP."
        raise ShipmentError(Problem("arrival_in_past", "estimated_arrival", told, remedy))
    answer = {
        "trip_number": number,
        "estimated_arrival": arrival.isoformat(),
        "estimated_arrival_before": before.isoformat(),
        "changed": arrival != before,
        "declared_arrival": row.document["estimated_arrival"],
        "notes": ["CBP is not told: the manifest stays on file under the arrival it was filed with."],
    }
    if arrival == before:
        return answer
    values = {"estimated_arrival": arrival, "judge_again_at": now, "updated_at": now}
    conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(values))
    content = {"before": before.isoformat(), "arrival": arrival.isoformat()}
    record_act(conn, "change_arrival", content, actor=actor, now=now, trip_number=number)
    return answer


def _remarks(trip: Trip, now: datetime, ctx: FilingContext | None) -> tuple[Problem, ...]:
    """What is lawful to send but probably a mistake; a trip is refused for it when it is filed, not when it is put."""
    findings = trip_findings(trip, now, ctx.rules.advice if ctx is not None else None)
    return tuple(replace(one, severity="warning") for one in findings)


def _check_manifest(trip: Trip, ctx: FilingContext) -> tuple[Mapping[str, str], ...]:
    """What would be written otherwise than given; raises what keeps the trip out of a 309, at its own paths."""
    try:
        _, notes = trip_segments(trip, ctx.profile, ctx.profile.manifest_types["complete"], 1)
    except FormatError as error:
        raise ShipmentError(replace(one, path=one.path.removeprefix("trip.")) for one in error.problems) from error
    return tuple({**note.as_dict(), "path": note.path.removeprefix("trip.")} for note in notes)


def record_act(
    conn: Connection,
    name: str,
    content: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    trip_number: str | None = None,
) -> None:
    """Put what somebody did into the archive, as it was done."""
    body = orjson.dumps({"act": name, "actor": actor.as_dict(), **content}, option=orjson.OPT_SORT_KEYS, default=str)
    entry = archive.Entry(
        archive.EntryKind.ACT, name, body, now, "application/json", actor=actor.name, trip_number=trip_number
    )
    archive.append(conn, [entry])


def already_filed(number: str) -> Problem:
    """The fault of changing a filed trip in place."""
    return Problem(
        "trip_already_filed",
        "trip_number",
        f"Trip {number} has been filed and cannot be changed in place.",
        f"Amend what differs (`gateway amend {number} PATCH.json`); shipments that are new go on a new trip number.",
    )


def load_trip(conn: Connection, number: str, *, lock: bool = False) -> Any:
    """The trip's row; raises :class:`NotFound`."""
    query = select(t.trips).where(t.trips.c.trip_number == number)
    row = conn.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(
            Problem(
                "trip_unknown",
                "trip_number",
                f"There is no trip {number}.",
                "Check the number; a trip that is new here is put first.",
            )
        )
    return row
