"""What does dispatch look at? The board of a trip: may the truck go, what stands how, what blocks it, and why.

Reads only. Times stand in UTC, and the planned arrival in the port's own zone as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, or_, select

from filings import open_alerts, open_matters, refusals
from filings.deadlines import PATIENCE, Patience
from filings.lapsing import possible_arrival
from filings.lifecycle import CROSSING, ShipmentState, TripInput, TripState, permitted_trip_acts, trip_verdict
from filings.outbox import UNSETTLED, WITHDRAWN
from filings.patience import RETRIES, RetryPatience
from filings.reasons import left_on_manifest, reasons
from filings.shown import Page, answered, counted, instant_text, local_text, no_cursor, page_of, shipment_of, zone_of
from filings.standing import Watch
from filings.store import tables as t
from filings.trips import load_trip
from filings.verdicts import counts, unsettled
from schemas.errors import NotFound
from schemas.identifiers import land_ports
from schemas.trip import read_trip

BLOCKING: Final = tuple(state.value for state, verdict in CROSSING.items() if verdict is TripInput.STOP)
OPEN: Final = tuple(state.value for state, verdict in CROSSING.items() if verdict is TripInput.WAIT)
HELD: Final = ("held", "exam", "documents_required", "release_suspended", "release_revoked")
SHOWN: Final = 25


def board(
    conn: Connection,
    trip_number: str,
    *,
    now: datetime,
    patience: Patience = PATIENCE,
    retries: RetryPatience = RETRIES,
) -> dict[str, Any]:
    """What dispatch looks at: may the truck go, what stands how, what blocks it, what is awaited of whom until when.

    While the trip is to be judged again, for another arrival or other law, no older verdict is shown.
    """
    row = load_trip(conn, trip_number)
    states = counts(conn, trip_number)
    port = land_ports().get(row.port_of_arrival)
    zone = zone_of(row.port_of_arrival)
    judging = being_judged(row, now)
    changes = open_changes(conn, trip_number)
    watch = Watch(now, zone, patience, retries)
    decision, reason = _verdict(row, states, unsettled(conn, trip_number, row.held_as))
    left = _left_on_manifest(conn, trip_number) if row.arrived_at is not None else []
    if left:
        some = "1 cancelled shipment stands" if len(left) == 1 else f"{len(left)} cancelled shipments stand"
        reason += f" {some} on its manifest without an entry."
    if decision == "go" and (asked := sum(one["state"] == "requested" for one in changes)):
        reason += f" CBP decides on {'a change' if asked == 1 else f'{asked} changes'} that was asked for."
    sent = _transmissions(conn, trip_number)
    if decision == "go" and row.arrived_at is None and (out := sum(sent.get(state, 0) for state in UNSETTLED)):
        reason += f" The receipt{' for 1 file is' if out == 1 else f's for {out} files are'} out: do not cross before."
    if judging is not None:
        decision, reason = "wait", f"The trip is being judged again for {local_text(judging, zone)}."
    refused = refusals.listed(conn, trip_number)
    if refused["count"]:
        parcels = "parcel was" if refused["count"] == 1 else "parcels were"
        reason += f" {refused['count']} {parcels} refused at intake and must not be aboard."
    by_pathway = counted(conn, t.shipments.c.pathway, trip_number)
    by_state = {state.value: count for state, count in states.items()}
    manifest = counted(conn, t.shipments.c.manifest_state, trip_number)
    entries = counted(conn, t.shipments.c.entry_state, trip_number, t.shipments.c.pathway.in_(("type86", "informal")))
    return {
        "trip_number": trip_number,
        "state": row.state,
        "decision": decision,
        "reason": reason,
        "carrier_scac": row.carrier_scac,
        "port_of_arrival": row.port_of_arrival,
        "port_name": port.name if port else None,
        "estimated_arrival": instant_text(row.estimated_arrival),
        "estimated_arrival_local": row.estimated_arrival.astimezone(zone).isoformat(),
        "time_zone": zone.key,
        "arrived_at": instant_text(row.arrived_at),
        "arrived_at_local": _local(row.arrived_at, zone),
        "filed_at": instant_text(row.filed_at),
        "filed_at_local": _local(row.filed_at, zone),
        "filed_by": row.filed_by,
        "rule_book_version": row.rule_book_version,
        "judged_for": instant_text(row.judged_at),
        "judged_for_local": _local(row.judged_at, zone),
        "being_judged_for": instant_text(judging),
        "lapsed": by_state.get("lapsed", 0),
        "acts": _acts(row.state, by_state),
        "planning": row.plan_stage,
        "shipments": sum(by_state.values()),
        "states": by_state,
        "pathways": by_pathway,
        "manifest": answered(manifest),
        "manifest_filing": _manifest_filing(conn, row),
        "entries": answered(entries),
        "handoffs": by_state.get("handed_off", 0),
        "released": by_state.get("released", 0),
        "held": sum(by_state.get(state, 0) for state in HELD),
        "transmissions": sent,
        "withdrawn_files": withdrawn_files(conn, trip_number),
        "changes": changes,
        "open": open_matters.of_trip(conn, trip_number, watch),
        "deadlines": open_matters.deadlines(conn, row, watch),
        "blocking": explained(conn, _some(conn, trip_number, BLOCKING)),
        "waiting": explained(conn, _some(conn, trip_number, OPEN)),
        "left_on_manifest": explained(conn, left[:SHOWN]),
        "refused_rows": refused,
        "alerts": alerts(conn, trip_number=trip_number),
    }


def being_judged(row: Row[Any], now: datetime) -> datetime | None:
    """The arrival for which a filed trip whose truck is not there must be judged again now; ``None`` if it need not."""
    due = row.judge_again_at is not None and row.judge_again_at <= now
    if not due or row.plan_stage != "done" or row.arrived_at is not None:
        return None
    return possible_arrival(row.estimated_arrival, row.filed_at, now, read_trip(row.document).arrival)


def _acts(state: str, by_state: Mapping[str, int]) -> list[str]:
    """What may be asked of the trip: what the lifecycle permits, and refiling only where something has lapsed."""
    permitted = permitted_trip_acts(TripState(state))
    return [act for act in permitted if act != "refile" or by_state.get(ShipmentState.LAPSED.value)]


def _local(at: datetime | None, zone: ZoneInfo) -> str | None:
    return at.astimezone(zone).isoformat() if at is not None else None


def _verdict(row: Row[Any], states: Mapping[ShipmentState, int], open_matter: str) -> tuple[str, str]:
    if row.state == TripState.DRAFT.value:
        return "wait", "The trip has not been filed."
    if row.state == TripState.CANCELLED.value:
        return "no_go", "Its manifest was deleted: nothing of it is on file with CBP."
    if row.plan_stage != "done":
        return "wait", "Its filings are being made."
    if row.arrived_at is not None:
        return _arrived(states)
    verdict = trip_verdict(states, unsettled=bool(open_matter))
    stopped = {state: count for state, count in states.items() if CROSSING[state] is TripInput.STOP}
    if verdict is TripInput.STOP:
        listed = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in stopped.items())
        number = sum(stopped.values())
        must = "shipment must" if number == 1 else "shipments must"
        return "no_go", f"{number} {must} be settled or come off the truck: {listed}."
    waiting = {state: count for state, count in states.items() if CROSSING[state] is TripInput.WAIT}
    if verdict is TripInput.WAIT and waiting:
        listed = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in waiting.items())
        return "wait", f"Still open: {listed}."
    if verdict is TripInput.WAIT and open_matter:
        return "wait", open_matter
    if verdict is TripInput.WAIT:
        return "wait", "Nothing is to be carried."
    return "go", "Every shipment may cross."


def _arrived(states: Mapping[ShipmentState, int]) -> tuple[str, str]:
    """The truck is there: what counts now is which goods CBP has let go."""
    left = {
        state.value.replace("_", " "): count
        for state, count in states.items()
        if state not in (ShipmentState.RELEASED, ShipmentState.CANCELLED, ShipmentState.DELINKED)
    }
    if not left:
        return "go", "Every shipment is released."
    listed = ", ".join(f"{count} {state}" for state, count in left.items())
    return "no_go", f"Not released: {listed}."


def _manifest_filing(conn: Connection, trip: Row[Any]) -> dict[str, Any]:
    """Where the manifest as a whole stands, and what CBP holds it as (``preliminary``, ``complete``, ``deleted``)."""
    table = t.filings
    filing = conn.execute(
        select(table.c.id, table.c.state, table.c.version, table.c.accepted_version).where(
            table.c.trip_number == trip.trip_number, table.c.kind == "manifest"
        )
    ).first()
    if filing is None:
        return {"id": None, "state": None, "cbp_state": None, "version": None, "accepted_version": None}
    return {
        "id": filing.id,
        "state": filing.state,
        "cbp_state": trip.held_as,
        "version": filing.version,
        "accepted_version": filing.accepted_version,
    }


def open_changes(conn: Connection, trip_number: str) -> list[dict[str, Any]]:
    """Changes that CBP has not answered, decides on, or refused: what of them is in force, and what CBP said."""
    filings, versions = t.filings, t.filing_versions
    newest = (versions.c.filing_id == filings.c.id) & (versions.c.version == filings.c.version)
    query = (
        select(
            filings.c.id,
            filings.c.kind,
            filings.c.scn,
            filings.c.entry_number,
            filings.c.version,
            filings.c.accepted_version,
            versions.c.state,
            versions.c.action,
            versions.c.outcome,
            versions.c.made_at,
        )
        .join(versions, newest)
        .where(filings.c.trip_number == trip_number, filings.c.version > 1, versions.c.state.in_(NOT_SETTLED))
        .order_by(versions.c.made_at)
        .limit(SHOWN)
    )
    return [_change(row) for row in conn.execute(query)]


def _change(row: Any) -> dict[str, Any]:
    said = (row.outcome or {}).get("text")
    stands = f"version {row.accepted_version} is in force" if row.accepted_version else "nothing of it is in force"
    name = f"entry {row.entry_number}" if row.entry_number else "the manifest"
    what = _CHANGES[row.state].format(name=name, version=row.version, said=said or "without saying why")
    return {
        "filing_id": row.id,
        "kind": row.kind,
        "shipment_control_number": row.scn,
        "entry_number": row.entry_number,
        "version": row.version,
        "accepted_version": row.accepted_version,
        "action": row.action,
        "state": row.state,
        "text": f"{what}; {stands}." if row.state != "partly_accepted" else f"{what}.",
        "made_at": instant_text(row.made_at),
    }


NOT_SETTLED: Final = ("pending", "requested", "refused", "partly_accepted")
_CHANGES: Final = {
    "pending": "CBP has not answered version {version} of {name}",
    "requested": "A person at CBP decides on version {version} of {name}",
    "refused": "CBP refuses version {version} of {name} ({said})",
    "partly_accepted": "CBP took version {version} of {name} in part ({said})",
}


def _transmissions(conn: Connection, trip_number: str) -> dict[str, int]:
    query = (
        select(t.transmissions.c.state, func.count())
        .where(t.transmissions.c.trip_number == trip_number, t.transmissions.c.direction == "out")
        .group_by(t.transmissions.c.state)
    )
    return {state: int(count) for state, count in conn.execute(query)}


def withdrawn_files(conn: Connection, trip_number: str) -> list[dict[str, Any]]:
    """Files that were to go again after a failure of CBP's, and need not: it has judged the same bytes meanwhile."""
    made, first = t.transmissions.alias(), t.transmissions.alias()
    query = (
        select(made.c.id, made.c.name, made.c.answered_at, first.c.name.label("same_as"))
        .outerjoin(t.retries, t.retries.c.made_transmission_id == made.c.id)
        .outerjoin(first, first.c.id == t.retries.c.transmission_id)
        .where(made.c.trip_number == trip_number, made.c.state == WITHDRAWN)
        .order_by(made.c.id)
    )
    return [
        {
            "transmission": row.id,
            "name": row.name,
            "same_as": row.same_as,
            "withdrawn_at": instant_text(row.answered_at),
            "text": withdrawn_text(row.name, row.same_as),
        }
        for row in conn.execute(query)
    ]


def withdrawn_text(name: str, same_as: str | None = None) -> str:
    """The sentence on a file that was withdrawn."""
    other = f", which went as {same_as}" if same_as else ""
    return f"{name} was withdrawn before it left: CBP has judged the same message{other}. Nothing has to be done."


def _some(conn: Connection, trip_number: str, states: Sequence[str], limit: int | None = SHOWN) -> Sequence[Row[Any]]:
    query = (
        select(t.shipments)
        .where(t.shipments.c.trip_number == trip_number, t.shipments.c.state.in_(states))
        .order_by(t.shipments.c.position)
        .limit(limit)
    )
    return conn.execute(query).all()


def _left_on_manifest(conn: Connection, trip_number: str) -> Sequence[Row[Any]]:
    """Shipments of an arrived truck whose entry is cancelled and whose bill is not."""
    cancelled = _some(conn, trip_number, (ShipmentState.CANCELLED.value,), None)
    return [row for row in cancelled if left_on_manifest(row)]


def explained(conn: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Shipments with ``why``: CBP's last words that stand in the way, the rule that does, or what must be settled."""
    why = reasons(conn, rows)
    return [{**shipment_of(row), "why": why[row.key]} for row in rows]


def trips(conn: Connection, *, cursor: str | None = None, limit: int = 100) -> Page:
    """Trips by planned arrival, latest first."""
    query = select(t.trips).order_by(t.trips.c.estimated_arrival.desc(), t.trips.c.trip_number.desc())
    if cursor:
        at = conn.execute(select(t.trips.c.estimated_arrival).where(t.trips.c.trip_number == cursor)).scalar()
        if at is None:
            raise NotFound(no_cursor(cursor))
        later = t.trips.c.estimated_arrival < at
        same = (t.trips.c.estimated_arrival == at) & (t.trips.c.trip_number < cursor)
        query = query.where(or_(later, same))
    rows = conn.execute(query.limit(limit + 1)).all()
    return page_of(rows, limit, "trip_number", _trip)


def _trip(row: Row[Any]) -> dict[str, Any]:
    return {
        "trip_number": row.trip_number,
        "state": row.state,
        "port_of_arrival": row.port_of_arrival,
        "estimated_arrival": instant_text(row.estimated_arrival),
        "filed_at": instant_text(row.filed_at),
        "version": row.version,
    }


def alerts(conn: Connection, *, trip_number: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Open alerts, newest first; without a trip all of them."""
    return list(open_alerts.listed(conn, trip=trip_number, limit=limit).items)
