"""How does one thing that happened reach every shipment and filing it is about, and dispatch?

Everything that moves a shipment goes through here: our own steps with whole transmissions, and CBP's
statements. The facts are folded (:mod:`filings.lifecycle`), the columns people search by follow from
them, and the events are recorded in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, Text, cast, select, update

from filings import events, versions
from filings.alerts import Alert, raise_alert
from filings.deadlines import summary_due
from filings.folding import facts_of
from filings.holding import hold_trips_of
from filings.lifecycle import (
    NOT_TO_CROSS,
    Act,
    Did,
    FilingInput,
    NotPossible,
    ShipmentFacts,
    ShipmentState,
    Statement,
    TripInput,
    TripState,
    released_at,
    step_trip,
)
from filings.lifecycle.evidence import Kind
from filings.moves import Moves, move_filing
from filings.outbox import WITHDRAWN
from filings.store import tables as t
from filings.store.alike import write_alike
from filings.store.one_of import one_of
from filings.store.types import to_json
from filings.verdicts import counts, trip_events
from filings.wording import MANIFEST_SETS

CHUNK: Final = 2_000


class Step(StrEnum):
    """A step of ours with a whole transmission or handoff."""

    SENT = "sent"
    IN_DOUBT = "in_doubt"
    HANDOFF_READY = "package_ready"


@dataclass(slots=True)
class Known:
    """One shipment being moved: its row and its facts as they become."""

    row: Row[Any]
    facts: ShipmentFacts


_MOVED: Final = (
    *(
        t.shipments.c[name]
        for name in (
            "key", "shipment_id", "scn", "trip_number", "pathway", "entry_type", "entry_number", "state", "state_since",
            "manifest_filing_id", "entry_filing_id",
        )
    ),
    cast(t.shipments.c.facts, Text).label("facts"),
)  # fmt: skip
"""What moving a shipment needs of it: not its document and its decision, which are most of the row. Its facts come as
the text they are kept in, which is the same for thousands."""


def load(conn: Connection, keys: Iterable[str]) -> dict[str, Known]:
    """Shipments by key, with their facts, locked for change after their trips."""
    wanted = sorted(set(keys))
    hold_trips_of(conn, wanted)
    found: dict[str, Known] = {}
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(*_MOVED).where(one_of(t.shipments.c.key, wanted[start : start + CHUNK])).order_by(t.shipments.c.key)
        )
        for row in conn.execute(query.with_for_update()).all():
            found[row.key] = Known(row, facts_of(row.facts))
    return found


def tell(known: Known, told: Did | Statement, moves: Moves, now: datetime, *, raised_of: str | None = None) -> None:
    """Fold one thing into a shipment and note what follows; ``raised_of`` is the filing of which an alert is raised
    too, so that of the shipments it is about none is raised as well.
    """
    row = known.row
    try:
        done = moves.folder.fold(known.facts, told)
    except NotPossible as refusal:
        detail = {"state": row.state, "told": str(told)}
        text = f"Shipment {row.scn}: {refusal.problems[0].text}"
        moves.alerts.append(Alert("step_not_possible", text, "warning", detail, trip_number=row.trip_number))
        return
    changed = done.facts != known.facts
    known.facts = done.facts
    before = moves.shipments.get(row.key, {"state": row.state})["state"]
    if changed or done.state.value != before:
        since = (
            now if done.state.value != before else moves.shipments.get(row.key, {}).get("state_since", row.state_since)
        )
        moves.shipments[row.key] = {
            "state": done.state.value,
            "state_since": since,
            "facts": moves.folder.shown(done.facts),
            "manifest_state": done.facts.declaration_state("manifest"),
            "entry_state": done.facts.declaration_state("entry"),
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
        detail = {"scn": row.scn, "code": told.code}
        named = {"trip_number": row.trip_number, "filing_id": raised_of}
        (moves.echoes if raised_of else moves.alerts).append(
            Alert(done.effects.alert, text, "warning", detail, **named)
        )


def write(conn: Connection, moves: Moves, now: datetime) -> None:
    """Write all that was noted, then judge the trips touched, then tell dispatch."""
    for trip_number, at in sorted(moves.arrived.items()):
        _tell_aboard(conn, trip_number, at, moves, now)
    write_alike(conn, t.shipments.c.key, moves.shipments, updated_at=now)
    write_alike(conn, t.filings.c.id, moves.filings, updated_at=now)
    write_alike(conn, t.filings.c.id, {of: {"deadline_at": at} for of, at in moves.deadlines.items()})
    versions.settle(conn, moves.versions, moves.taken, moves.refused, now)
    for alert in (*moves.alerts, *moves.echoes):
        raise_alert(conn, alert, now)
    for trip_number in sorted(moves.trips):
        moves.events.extend(trip_events(conn, trip_number, now))
    events.record(conn, moves.events)


def _tell_aboard(conn: Connection, trip_number: str, at: datetime, moves: Moves, now: datetime) -> None:
    """Every shipment of a trip is told that its truck is there, as it has become by what was noted already."""
    aboard = select(t.shipments.c.key).where(t.shipments.c.trip_number == trip_number)
    for key, known in load(conn, conn.execute(aboard).scalars()).items():
        if key in moves.shipments:
            known.facts = facts_of(to_json(moves.shipments[key]["facts"]))
        tell(known, Did(Act.TRIP_ARRIVED, at), moves, now)


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
        moves.arrived[trip_number] = at
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
    again = going_again(conn, row.id)
    carried = [one for one in carried if one.filing_id not in again]
    kind: Kind = "manifest" if row.application in MANIFEST_SETS else "entry"
    known = load(conn, [one.shipment_key for one in carried if one.shipment_key])
    for one in carried:
        if one.shipment_key in known and speaks_for(known[one.shipment_key], one.filing_id, kind):
            tell(known[one.shipment_key], Did(Act(step.value), now, kind, one.version), moves, now)
    versions = {one.filing_id: one.version for one in carried}
    for filing in filings_of(conn, versions):
        if versions[filing.id] == filing.version:  # else it has been declared anew since
            move_filing(filing, FilingInput(step.value), moves, now)
    write(conn, moves, now)


def going_again(conn: Connection, transmission: str) -> set[str]:
    """Filings over which CBP's system has failed, and that wait to go again in a new envelope, or have gone in one.

    How it went with the bytes that failed says nothing of them any more: a receipt may come after the answer. A new
    envelope that was withdrawn is none: CBP has judged the bytes that failed after all.
    """
    table, carried, new = t.retries, t.transmission_filings, t.transmissions
    goes = table.c.made_at.is_(None) | new.c.state.is_not(None) & (new.c.state != WITHDRAWN)
    asked = (
        select(table.c.entries)
        .outerjoin(new, new.c.id == table.c.made_transmission_id)
        .where(table.c.transmission_id == transmission, goes)
    )
    found: set[str] = set()
    for entries in conn.execute(asked).scalars().all():
        mine = select(t.filings.c.id, t.filings.c.entry_number).where(
            t.filings.c.id.in_(select(carried.c.filing_id).where(carried.c.transmission_id == transmission))
        )
        found |= {one.id for one in conn.execute(mine) if entries is None or one.entry_number in entries}
    return found


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
        query = select(t.filings).where(one_of(t.filings.c.id, wanted[start : start + CHUNK])).order_by(t.filings.c.id)
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
            .where(one_of(place, wanted[start : start + CHUNK]))
            .order_by(t.shipments.c.created_at.desc())
        )
        for value, key in conn.execute(query):
            found[value].append(key)
    return found
