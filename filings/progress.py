"""How does one thing that happened reach every shipment and filing it is about, and dispatch?

Everything that moves a shipment goes through here: our own steps with whole transmissions, and CBP's
statements. The facts are folded (:mod:`filings.lifecycle`), the columns people search by follow from
them, and the events are recorded in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select, update

from filings import events
from filings.alerts import Alert, raise_alert
from filings.deadlines import summary_due
from filings.lifecycle import (
    CROSSING,
    NOT_TO_CROSS,
    Act,
    Did,
    EventType,
    FilingInput,
    FilingState,
    NotPossible,
    ShipmentFacts,
    ShipmentState,
    Statement,
    TripInput,
    TripState,
    fold,
    released_at,
    step_filing,
    step_trip,
    trip_verdict,
)
from filings.lifecycle.evidence import Kind
from filings.reasons import reasons, rule_of
from filings.store import tables as t

CHUNK: Final = 400


class Step(StrEnum):
    """A step of ours with a whole transmission or handoff."""

    SENT = "sent"
    IN_DOUBT = "in_doubt"
    HANDOFF_READY = "package_ready"


@dataclass(slots=True)
class Moves:
    """What is to be written at the end: changed shipments and filings, events, alerts."""

    shipments: dict[str, dict[str, Any]] = field(default_factory=dict)
    filings: dict[str, dict[str, Any]] = field(default_factory=dict)
    deadlines: dict[str, datetime | None] = field(default_factory=dict)
    """When the entry summary of a filing is due, once its goods are released."""
    events: list[events.EventDraft] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    trips: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Known:
    """One shipment being moved: its row and its facts as they become."""

    row: Row[Any]
    facts: ShipmentFacts


def filing_event(
    kind: EventType, filing: str, of: str, trip_number: str, key: str | None, subject: str, now: datetime
) -> events.EventDraft:
    """What dispatch is told of a filing."""
    data = {"filing_id": filing, "kind": of}
    return events.EventDraft(kind.value, subject, trip_number, now, shipment_key=key, data=data)


def load(conn: Connection, keys: Iterable[str]) -> dict[str, Known]:
    """Shipments by key, with their facts, locked for change."""
    wanted = sorted(set(keys))
    found: dict[str, Known] = {}
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(t.shipments).where(t.shipments.c.key.in_(wanted[start : start + CHUNK])).order_by(t.shipments.c.key)
        )
        for row in conn.execute(query.with_for_update()):
            found[row.key] = Known(row, ShipmentFacts.from_dict(row.facts or None))
    return found


def tell(known: Known, told: Did | Statement, moves: Moves, now: datetime) -> None:
    """Fold one thing into a shipment and note what follows."""
    row = known.row
    try:
        done = fold(known.facts, told)
    except NotPossible as refusal:
        detail = {"state": row.state, "told": str(told)}
        text = f"Shipment {row.scn}: {refusal.problems[0].text}"
        moves.alerts.append(Alert("step_not_possible", text, "warning", detail, trip_number=row.trip_number))
        return
    changed = done.facts != known.facts
    known.facts = done.facts
    before = moves.shipments.get(row.key, {"state": row.state})["state"]
    if changed or done.state.value != before:
        since = now if done.state.value != before else moves.shipments.get(row.key, {}).get("since", row.state_since)
        moves.shipments[row.key] = {
            "of": row.key,
            "state": done.state.value,
            "since": since,
            "facts": done.facts.as_dict(),
            "manifest": done.facts.declaration_state("manifest"),
            "entry": done.facts.declaration_state("entry"),
        }
        moves.trips.add(row.trip_number)
        if row.entry_filing_id and ShipmentState.RELEASED in (done.state, before):
            at_last = released_at(done.facts) if done.state is ShipmentState.RELEASED else None
            moves.deadlines[row.entry_filing_id] = summary_due(row.entry_type, at_last) if at_last else None
    for kind in done.effects.events:
        at = told.at
        data = {
            "shipment_id": row.shipment_id,
            "shipment_control_number": row.scn,
            "pathway": row.pathway,
            "entry_number": row.entry_number,
            "state": done.state.value,
            "reason": getattr(told, "code", "") or "",
            "recorded_at": now.isoformat(),
        }
        moves.events.append(
            events.EventDraft(
                kind.value, row.scn or row.shipment_id, row.trip_number, at, shipment_key=row.key, data=data
            )
        )
    if done.effects.alert and isinstance(told, Statement):
        said = f"{told.meaning} ({told.code or told.source})"
        text = f"Shipment {row.scn}: CBP's answer {said} needs a look: {done.effects.alert}."
        moves.alerts.append(
            Alert(done.effects.alert, text, "warning", {"scn": row.scn, "code": told.code}, trip_number=row.trip_number)
        )


def move_filing(
    row: Row[Any],
    what: FilingInput,
    moves: Moves,
    now: datetime,
    outcome: Mapping[str, Any] | None = None,
    *,
    version: int | None = None,
) -> None:
    """Step one filing and note what follows; an act its state forbids changes nothing.

    ``version`` is the version that is spoken of. What is said of an earlier one tells only whether that is in force.
    """
    known = moves.filings.get(row.id) or {
        "of": row.id,
        "state": row.state,
        "outcome": row.last_outcome,
        "accepted": row.accepted_version,
    }
    spoken_of = row.version if version is None else version
    accepted = known["accepted"]
    if what in _ACCEPTING:
        accepted = max(spoken_of, accepted or 0)
    if spoken_of < row.version:
        moves.filings[row.id] = {**known, "accepted": accepted}
        return
    try:
        in_force = known["accepted"] is not None
        following, effects = step_filing(FilingState(str(known["state"])), what, in_force=in_force)
    except NotPossible:
        return
    moves.filings[row.id] = {
        "of": row.id,
        "state": following.value,
        "outcome": known["outcome"] if outcome is None else dict(outcome),
        "accepted": None if following is FilingState.CANCELLED else accepted,
    }
    for kind in effects.events:
        subject = row.scn or row.trip_number
        moves.events.append(filing_event(kind, row.id, row.kind, row.trip_number, row.shipment_key, subject, now))


_ACCEPTING: Final = frozenset({FilingInput.ACCEPTED, FilingInput.ACCEPTED_WITH_WARNING})


def write(conn: Connection, moves: Moves, now: datetime) -> None:
    """Write all that was noted, then judge the trips touched, then tell dispatch."""
    if moves.shipments:
        statement = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
        conn.execute(
            statement.values(
                state=bindparam("new_state"),
                state_since=bindparam("new_since"),
                facts=bindparam("new_facts"),
                manifest_state=bindparam("new_manifest"),
                entry_state=bindparam("new_entry"),
                updated_at=now,
            ),
            [
                {
                    "of": one["of"],
                    **{f"new_{name}": one[name] for name in ("state", "since", "facts", "manifest", "entry")},
                }
                for one in moves.shipments.values()
            ],
        )
    if moves.filings:
        statement = update(t.filings).where(t.filings.c.id == bindparam("of"))
        conn.execute(
            statement.values(
                state=bindparam("new_state"),
                last_outcome=bindparam("new_outcome"),
                accepted_version=bindparam("new_accepted"),
                updated_at=now,
            ),
            [
                {
                    "of": one["of"],
                    "new_state": one["state"],
                    "new_outcome": one["outcome"],
                    "new_accepted": one["accepted"],
                }
                for one in moves.filings.values()
            ],
        )
    if moves.deadlines:
        due = update(t.filings).where(t.filings.c.id == bindparam("of"))
        days = [{"of": of, "new_deadline": at} for of, at in moves.deadlines.items()]
        conn.execute(due.values(deadline_at=bindparam("new_deadline")), days)
    for alert in moves.alerts:
        raise_alert(conn, alert, now)
    for trip_number in sorted(moves.trips):
        moves.events.extend(_trip_events(conn, trip_number, now))
    events.record(conn, moves.events)


def tell_trip(conn: Connection, trip_number: str, now: datetime) -> None:
    """Judge a trip anew and tell dispatch if that changes whether the truck may go."""
    events.record(conn, _trip_events(conn, trip_number, now))


def counts(conn: Connection, trip_number: str) -> dict[ShipmentState, int]:
    """A trip's shipments by state."""
    query = (
        select(t.shipments.c.state, func.count())
        .where(t.shipments.c.trip_number == trip_number)
        .group_by(t.shipments.c.state)
    )
    return {ShipmentState(state): int(count) for state, count in conn.execute(query)}


def _trip_events(conn: Connection, trip_number: str, now: datetime) -> list[events.EventDraft]:
    row = conn.execute(
        select(t.trips.c.state, t.trips.c.plan_stage, t.trips.c.arrived_at).where(t.trips.c.trip_number == trip_number)
    ).one()
    if row.plan_stage != "done" or row.state == TripState.DRAFT.value:
        return []  # not everything has been written yet: no verdict before that
    found = counts(conn, trip_number)
    verdict = trip_verdict(found)
    following, effects = step_trip(TripState(row.state), verdict)
    if following.value != row.state:
        conn.execute(
            update(t.trips).where(t.trips.c.trip_number == trip_number).values(state=following.value, updated_at=now)
        )
    if effects.verdict != "moved":
        return []
    data = _verdict_data(conn, trip_number, verdict, found)
    return [events.EventDraft(kind.value, trip_number, trip_number, now, data=data) for kind in effects.events]


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


NAMED: Final = 100
"""Shipments named in one event; the board lists the others."""
SENTENCE: Final = 300
"""Characters of a reason in an event; the board has all of it."""


def arrive(conn: Connection, trip_number: str, at: datetime, moves: Moves) -> None:
    """CBP has the truck: the trip is over as a plan."""
    query = select(t.trips.c.state, t.trips.c.arrived_at).where(t.trips.c.trip_number == trip_number)
    row = conn.execute(query.with_for_update()).first()
    if row is None:
        return
    following, effects = step_trip(TripState(row.state), TripInput.ARRIVED)
    if following.value != row.state or at < row.arrived_at:
        conn.execute(
            update(t.trips)
            .where(t.trips.c.trip_number == trip_number)
            .values(state=following.value, arrived_at=at, judge_again_at=at, updated_at=at)
        )
    # A hold or exam at the booth is CBP's own doing; what should not have crossed is what was open before.
    unsettled = {state.value: count for state, count in counts(conn, trip_number).items() if state in NOT_TO_CROSS}
    if effects.alert and effects.verdict == "moved" and unsettled:
        listed = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in unsettled.items())
        text = f"Trip {trip_number} has arrived with shipments that were not clear to cross: {listed}."
        moves.alerts.append(Alert(effects.alert, text, "warning", trip_number=trip_number))


def advance_transmission(conn: Connection, row: Row[Any], step: Step, now: datetime) -> None:
    """A whole transmission was delivered, or is in doubt: so are the filings and shipments it carries."""
    moves = Moves()
    carried = conn.execute(
        select(
            t.transmission_filings.c.filing_id,
            t.transmission_filings.c.shipment_key,
            t.transmission_filings.c.version,
        ).where(t.transmission_filings.c.transmission_id == row.id)
    ).all()
    kind: Kind = "manifest" if row.application == "309" else "entry"
    known = load(conn, [one.shipment_key for one in carried if one.shipment_key])
    for one in carried:
        if one.shipment_key in known and speaks_for(known[one.shipment_key], one.filing_id, kind):
            tell(known[one.shipment_key], Did(Act(step.value), now, kind, one.version), moves, now)
    versions = {one.filing_id: one.version for one in carried}
    for filing in filings_of(conn, versions):
        if versions[filing.id] == filing.version:  # else it has been declared anew since
            move_filing(filing, FilingInput(step.value), moves, now)
    write(conn, moves, now)


def speaks_for(known: Known, filing: str, kind: Kind) -> bool:
    """Whether a filing is the one by which this shipment is declared now; an entry may have been replaced."""
    return kind == "manifest" or known.row.entry_filing_id == filing


def advance_shipments(conn: Connection, keys: Sequence[str], step: Step, now: datetime) -> None:
    """The handoff packages of these shipments are made."""
    moves = Moves()
    known = load(conn, keys)
    for one in known.values():
        tell(one, Did(Act(step.value), now, "handoff"), moves, now)
    for filing in filings_of(conn, {one.row.entry_filing_id for one in known.values() if one.row.entry_filing_id}):
        move_filing(filing, FilingInput(step.value), moves, now)
    write(conn, moves, now)


def filings_of(conn: Connection, identifiers: Iterable[str], *, lock: bool = True) -> list[Row[Any]]:
    """Filings by id, locked for change unless they are only looked at."""
    wanted = sorted(set(identifiers))
    found: list[Row[Any]] = []
    for start in range(0, len(wanted), CHUNK):
        query = select(t.filings).where(t.filings.c.id.in_(wanted[start : start + CHUNK])).order_by(t.filings.c.id)
        found.extend(conn.execute(query.with_for_update() if lock else query))
    return found


def by_column(conn: Connection, column: str, values: Iterable[str]) -> dict[str, list[str]]:
    """Keys of shipments by SCN or entry number, newest first where a number was used again."""
    wanted = sorted(set(values))
    place = t.shipments.c[column]
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(place, t.shipments.c.key)
            .where(place.in_(wanted[start : start + CHUNK]))
            .order_by(t.shipments.c.created_at.desc())
        )
        for value, key in conn.execute(query):
            found[value].append(key)
    return found
