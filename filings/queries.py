"""What do people ask of the store? The board of a trip, lists of filings and shipments, what happened to one.

Reads only. Answers are plain JSON-ready values; instants are ISO 8601 in UTC, and on the board in the
port's own zone as well. Lists are paged by an opaque cursor (the last id seen).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, func, or_, select

from filings import archive
from filings.lifecycle import (
    CROSSING,
    FilingState,
    ShipmentState,
    TripInput,
    TripState,
    permitted_acts,
    trip_verdict,
)
from filings.progress import counts
from filings.staging import load_trip
from filings.store import tables as t
from schemas.errors import NotFound, Problem
from schemas.identifiers import land_ports

EASTERN: Final = ZoneInfo("America/New_York")
BLOCKING: Final = tuple(state.value for state, verdict in CROSSING.items() if verdict is TripInput.STOP)
OPEN: Final = tuple(state.value for state, verdict in CROSSING.items() if verdict is TripInput.WAIT)
HELD: Final = ("held", "exam", "documents_required", "release_suspended", "release_revoked")
STOPPING: Final = (
    "rejected",
    "syntax_rejected",
    "held",
    "exam",
    "documents_required",
    "release_suspended",
    "release_revoked",
)
"""Meanings of outcomes that keep goods from crossing."""
SHOWN: Final = 25


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``next`` is the cursor of the following part, or ``None`` at the end."""

    items: tuple[dict[str, Any], ...]
    next: str | None

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        return {"items": list(self.items), "next": self.next}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _page(rows: Sequence[Row[Any]], limit: int, cursor: str, shown: Any) -> Page:
    more = len(rows) > limit
    kept = rows[:limit]
    return Page(tuple(shown(row) for row in kept), str(getattr(kept[-1], cursor)) if more else None)


# -------------------------------------------------------------------------------------------- trips


def board(conn: Connection, trip_number: str) -> dict[str, Any]:
    """What dispatch looks at: may the truck go, what stands how, what blocks it."""
    row = load_trip(conn, trip_number)
    states = counts(conn, trip_number)
    port = land_ports().get(row.port_of_arrival)
    zone = ZoneInfo(port.timezone if port else "America/New_York")
    decision, reason = _verdict(row, states)
    by_pathway = _counted(conn, t.shipments.c.pathway, trip_number)
    by_state = {state.value: count for state, count in states.items()}
    manifest = _counted(conn, t.shipments.c.manifest_state, trip_number)
    entries = _counted(conn, t.shipments.c.entry_state, trip_number, t.shipments.c.pathway.in_(("type86", "informal")))
    return {
        "trip_number": trip_number,
        "state": row.state,
        "decision": decision,
        "reason": reason,
        "carrier_scac": row.carrier_scac,
        "port_of_arrival": row.port_of_arrival,
        "port_name": port.name if port else None,
        "estimated_arrival": _text(row.estimated_arrival),
        "estimated_arrival_local": row.estimated_arrival.astimezone(zone).isoformat(),
        "time_zone": zone.key,
        "arrived_at": _text(row.arrived_at),
        "filed_at": _text(row.filed_at),
        "filed_by": row.filed_by,
        "rule_book_version": row.rule_book_version,
        "planning": row.plan_stage,
        "shipments": sum(by_state.values()),
        "states": by_state,
        "pathways": by_pathway,
        "manifest": _answered(manifest),
        "entries": _answered(entries),
        "handoffs": by_state.get("handed_off", 0),
        "released": by_state.get("released", 0),
        "held": sum(by_state.get(state, 0) for state in HELD),
        "transmissions": _transmissions(conn, trip_number),
        "blocking": _explained(conn, _some(conn, trip_number, BLOCKING)),
        "waiting": [_shipment(one) for one in _some(conn, trip_number, OPEN, 5)],
        "alerts": alerts(conn, trip_number=trip_number),
    }


def _verdict(row: Row[Any], states: Mapping[ShipmentState, int]) -> tuple[str, str]:
    if row.state == TripState.DRAFT.value:
        return "wait", "The trip has not been filed."
    if row.plan_stage != "done":
        return "wait", "Its filings are being made."
    verdict = trip_verdict(states)
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
    if verdict is TripInput.WAIT:
        return "wait", "Nothing is to be carried."
    return "go", "Every shipment may cross."


def _counted(conn: Connection, column: Any, trip_number: str, *more: Any) -> dict[str, int]:
    query = select(column, func.count()).where(t.shipments.c.trip_number == trip_number, *more).group_by(column)
    return {str(value): int(count) for value, count in conn.execute(query) if value is not None}


def _answered(states: Mapping[str, int]) -> dict[str, int]:
    accepted = states.get("accepted", 0)
    rejected = states.get("rejected", 0)
    made = sum(count for state, count in states.items() if state != "none")
    return {"accepted": accepted, "rejected": rejected, "pending": made - accepted - rejected}


def _transmissions(conn: Connection, trip_number: str) -> dict[str, int]:
    query = (
        select(t.transmissions.c.state, func.count())
        .where(t.transmissions.c.trip_number == trip_number, t.transmissions.c.direction == "out")
        .group_by(t.transmissions.c.state)
    )
    return {state: int(count) for state, count in conn.execute(query)}


def _some(conn: Connection, trip_number: str, states: Sequence[str], limit: int = SHOWN) -> Sequence[Row[Any]]:
    query = (
        select(t.shipments)
        .where(t.shipments.c.trip_number == trip_number, t.shipments.c.state.in_(states))
        .order_by(t.shipments.c.position)
        .limit(limit)
    )
    return conn.execute(query).all()


def _explained(conn: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Shipments with ``why``: CBP's last words that stand in the way, or what a broker must settle."""
    said: dict[str, dict[str, None]] = {}
    query = (
        select(
            t.outcomes.c.shipment_key,
            t.outcomes.c.source,
            t.outcomes.c.code,
            t.outcomes.c.text,
            t.outcomes.c.field_path,
        )
        .where(t.outcomes.c.shipment_key.in_([row.key for row in rows]), t.outcomes.c.meaning.in_(STOPPING))
        .order_by(t.outcomes.c.id)
    )
    for one in conn.execute(query):
        field = f" (field {one.field_path})" if one.field_path else ""
        words = f"CBP {one.source} {one.code or ''}".rstrip()
        said.setdefault(one.shipment_key, {})[f"{words}: {one.text or 'no text'}{field}"] = None
    shown = []
    for row in rows:
        answer = _shipment(row)
        needs = [need["text"] for need in answer["needs"] if need.get("severity", "error") == "error"]
        why = "; ".join(list(said.get(row.key, {}))[-3:]) or (needs or answer["reasons"] or [""])[0]
        shown.append({**answer, "why": why})
    return shown


def trips(conn: Connection, *, cursor: str | None = None, limit: int = 100) -> Page:
    """Trips by planned arrival, latest first."""
    query = select(t.trips).order_by(t.trips.c.estimated_arrival.desc(), t.trips.c.trip_number.desc())
    if cursor:
        at = conn.execute(select(t.trips.c.estimated_arrival).where(t.trips.c.trip_number == cursor)).scalar()
        if at is not None:
            later = t.trips.c.estimated_arrival < at
            same = (t.trips.c.estimated_arrival == at) & (t.trips.c.trip_number < cursor)
            query = query.where(or_(later, same))
    rows = conn.execute(query.limit(limit + 1)).all()
    return _page(rows, limit, "trip_number", _trip)


def _trip(row: Row[Any]) -> dict[str, Any]:
    return {
        "trip_number": row.trip_number,
        "state": row.state,
        "port_of_arrival": row.port_of_arrival,
        "estimated_arrival": _text(row.estimated_arrival),
        "filed_at": _text(row.filed_at),
        "version": row.version,
    }


# ---------------------------------------------------------------------------------------- shipments


def shipments(
    conn: Connection,
    trip_number: str,
    *,
    state: str | None = None,
    pathway: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """A trip's shipments in manifest order."""
    load_trip(conn, trip_number)
    query = select(t.shipments).where(t.shipments.c.trip_number == trip_number).order_by(t.shipments.c.position)
    if state:
        query = query.where(t.shipments.c.state == state)
    if pathway:
        query = query.where(t.shipments.c.pathway == pathway)
    if cursor:
        query = query.where(t.shipments.c.position > _number(cursor))
    rows = conn.execute(query.limit(limit + 1)).all()
    return _page(rows, limit, "position", _shipment)


def _shipment(row: Row[Any]) -> dict[str, Any]:
    decision = row.decision or {}
    return {
        "shipment_id": row.shipment_id,
        "shipment_control_number": row.scn,
        "position": row.position,
        "state": row.state,
        "since": _text(row.state_since),
        "pathway": row.pathway,
        "entry_type": row.entry_type or None,
        "entry_number": row.entry_number,
        "manifest": row.manifest_state,
        "entry": row.entry_state,
        "reasons": decision.get("reasons", []),
        "needs": decision.get("needs", []),
        "filing_id": row.entry_filing_id or row.manifest_filing_id,
    }


# ------------------------------------------------------------------------------------------ filings


def filings(
    conn: Connection,
    *,
    trip: str | None = None,
    status: str | None = None,
    pathway: str | None = None,
    scn: str | None = None,
    entry_number: str | None = None,
    day: date | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Filings, newest first; ``day`` is the Eastern day they were made on."""
    table = t.filings
    query: Select[Any] = select(table).order_by(table.c.id.desc())
    for column, value in (("trip_number", trip), ("state", status), ("pathway", pathway)):
        if value:
            query = query.where(table.c[column] == value)
    for column, value in (("scn", scn), ("entry_number", _plain(entry_number))):
        if value:
            query = query.where(table.c[column] == value)
    if day:
        begin = datetime(day.year, day.month, day.day, tzinfo=EASTERN)
        end = begin + timedelta(days=1)
        query = query.where(table.c.created_at >= begin, table.c.created_at < end.replace(tzinfo=EASTERN))
    if cursor:
        query = query.where(table.c.id < cursor)
    rows = conn.execute(query.limit(limit + 1)).all()
    return _page(rows, limit, "id", _filing)


def _filing(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "trip_number": row.trip_number,
        "shipment_control_number": row.scn,
        "entry_number": row.entry_number,
        "entry_type": row.entry_type or None,
        "pathway": row.pathway,
        "state": row.state,
        "version": row.version,
        "created_at": _text(row.created_at),
        "updated_at": _text(row.updated_at),
        "last_outcome": row.last_outcome,
        "acts": list(permitted_acts(FilingState(row.state))),
    }


def find_filing(conn: Connection, name: str) -> Row[Any]:
    """A filing by id, by SCN or by entry number (newest first); raises :class:`NotFound`."""
    for column, value in (("id", name), ("scn", name), ("entry_number", _plain(name))):
        query = select(t.filings).where(t.filings.c[column] == value).order_by(t.filings.c.id.desc()).limit(1)
        row = conn.execute(query).first()
        if row is not None:
            return row
    shipment = conn.execute(
        select(t.shipments.c.manifest_filing_id)
        .where(t.shipments.c.scn == name, t.shipments.c.manifest_filing_id.is_not(None))
        .order_by(t.shipments.c.created_at.desc())
        .limit(1)
    ).scalar()
    if shipment is not None:
        return conn.execute(select(t.filings).where(t.filings.c.id == shipment)).one()
    raise NotFound(
        Problem(
            "filing_unknown",
            "filing_id",
            f"There is no filing {name}.",
            "Look it up with its trip, SCN or entry number.",
        )
    )


def filing(conn: Connection, name: str) -> dict[str, Any]:
    """One filing with its shipment."""
    row = find_filing(conn, name)
    shown = _filing(row)
    if row.shipment_key:
        shipment = conn.execute(select(t.shipments).where(t.shipments.c.key == row.shipment_key)).first()
        shown["shipment"] = _shipment(shipment) if shipment is not None else None
    else:
        shown["counts"] = _answered(_counted(conn, t.shipments.c.manifest_state, row.trip_number))
    return shown


def timeline(conn: Connection, name: str) -> list[dict[str, Any]]:
    """What happened to a filing, in order: what was sent, what was answered, what dispatch was told."""
    row = find_filing(conn, name)
    steps: list[dict[str, Any]] = []
    for one in transmissions(conn, name):
        went_out = one["direction"] == "out"
        what, text = ("queued", f"{one['name']} queued") if went_out else ("received", f"{one['name']} came in")
        steps.append({"at": one["created_at"], "what": what, "text": text, "transmission": one["id"]})
        if went_out and one["delivered_at"]:
            steps.append(
                {
                    "at": one["delivered_at"],
                    "what": "receipt",
                    "text": f"{one['name']} received by the partner",
                    "transmission": one["id"],
                }
            )
    said = (
        or_(t.outcomes.c.filing_id == row.id, t.outcomes.c.shipment_key == row.shipment_key)
        if row.shipment_key
        else (t.outcomes.c.filing_id == row.id) & t.outcomes.c.shipment_key.is_(None)
    )
    steps.extend(_said(one) for one in conn.execute(select(t.outcomes).where(said).order_by(t.outcomes.c.id)))
    told = (
        t.events.c.shipment_key == row.shipment_key
        if row.shipment_key
        else (t.events.c.trip_number == row.trip_number) & t.events.c.shipment_key.is_(None)
    )
    steps.extend(
        {"at": _text(event.occurred_at), "what": "event", "text": event.type, "cursor": event.cursor}
        for event in conn.execute(select(t.events).where(told).order_by(t.events.c.cursor).limit(1000))
    )
    return sorted(steps, key=lambda step: step["at"] or "")


def _said(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": _text(row.occurred_at or row.recorded_at),
        "recorded_at": _text(row.recorded_at),
        "what": row.meaning,
        "source": row.source,
        "code": row.code,
        "text": row.text or row.meaning.replace("_", " "),
        "field": row.field_path,
        "transmission": row.transmission_id,
    }


def versions(conn: Connection, name: str) -> list[dict[str, Any]]:
    """Every content a filing has had."""
    row = find_filing(conn, name)
    query = (
        select(t.filing_versions).where(t.filing_versions.c.filing_id == row.id).order_by(t.filing_versions.c.version)
    )
    kept = [
        {
            "version": one.version,
            "content": one.content,
            "made_at": _text(one.made_at),
            "made_by": one.made_by,
            "reason": one.reason,
        }
        for one in conn.execute(query)
    ]
    if kept or not row.shipment_key:
        return kept
    shipment = conn.execute(select(t.shipments).where(t.shipments.c.key == row.shipment_key)).one()
    content = {"shipment": shipment.document, "decision": shipment.decision}
    return [{"version": 1, "content": content, "made_at": _text(row.created_at), "made_by": "gateway", "reason": None}]


def transmissions(conn: Connection, name: str) -> list[dict[str, Any]]:
    """The files a filing went out with, and those that answered it."""
    row = find_filing(conn, name)
    carried = select(t.transmission_filings.c.transmission_id).where(t.transmission_filings.c.filing_id == row.id)
    answered = select(t.outcomes.c.transmission_id).where(
        or_(t.outcomes.c.filing_id == row.id, t.outcomes.c.shipment_key == row.shipment_key)
        if row.shipment_key
        else t.outcomes.c.filing_id == row.id
    )
    query = (
        select(t.transmissions)
        .where(or_(t.transmissions.c.id.in_(carried), t.transmissions.c.id.in_(answered)))
        .order_by(t.transmissions.c.id)
    )
    return [_transmission(one) for one in conn.execute(query)]


def _transmission(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "direction": row.direction,
        "partner": row.partner,
        "name": row.name,
        "application": row.application,
        "control_number": row.control_number,
        "state": row.state,
        "attempts": row.attempts,
        "message_id": row.message_id,
        "payload_sha256": row.payload_digest,
        "payload_bytes": row.payload_size,
        "archive_position": row.archive_position,
        "created_at": _text(row.created_at),
        "delivered_at": _text(row.delivered_at),
        "answered_at": _text(row.answered_at),
        "receipt": {key: row.receipt.get(key) for key in ("text", "disposition", "mic", "signed")}
        if row.receipt
        else None,
    }


def handoff_package(conn: Connection, name: str) -> tuple[str, bytes]:
    """The zip of a handoff as it was made, with its file name; raises :class:`NotFound`."""
    row = find_filing(conn, name)
    position = conn.execute(
        select(t.archive_entries.c.position)
        .where(t.archive_entries.c.filing_id == row.id, t.archive_entries.c.content_type == "application/zip")
        .order_by(t.archive_entries.c.position.desc())
        .limit(1)
    ).scalar()
    kept = archive.read(conn, position) if position is not None else None
    if row.kind != "handoff" or kept is None:
        raise NotFound(
            Problem(
                "package_unknown",
                "handoff_id",
                f"{name} has no handoff package.",
                "Only filings of kind handoff have one, once they are ready.",
            )
        )
    return f"handoff-{row.scn}.zip", kept.entry.body


def alerts(conn: Connection, *, trip_number: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Open alerts, newest first; without a trip all of them."""
    query = select(t.alerts).where(t.alerts.c.settled_at.is_(None)).order_by(t.alerts.c.raised_at.desc()).limit(limit)
    if trip_number:
        query = query.where(t.alerts.c.trip_number == trip_number)
    return [
        {
            "id": one.id,
            "kind": one.kind,
            "severity": one.severity,
            "text": one.text,
            "detail": one.detail,
            "raised_at": _text(one.raised_at),
        }
        for one in conn.execute(query)
    ]


def _number(cursor: str) -> int:
    if not cursor.isdigit() or not cursor.isascii() or len(cursor) > 18:
        raise NotFound(
            Problem(
                "cursor_unknown",
                "cursor",
                f"{cursor[:40]!r} is not a cursor of this list.",
                "Use the `next` of the answer before.",
            )
        )
    return int(cursor)


def _plain(entry_number: str | None) -> str | None:
    return entry_number.replace("-", "").upper() if entry_number else None
