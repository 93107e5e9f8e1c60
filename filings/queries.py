"""What is on file, and what happened to one filing?

Reads only; lists of shipments and filings, a filing with its timeline, versions and transmissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, or_, select

from filings import archive, open_alerts, open_matters
from filings.amendments.history import decisions_of, versions_of
from filings.deadlines import PATIENCE, Patience
from filings.decided import acts, decided_by
from filings.offered import Around, around, offered
from filings.outbox import WITHDRAWN
from filings.patience import RETRIES, RetryPatience
from filings.shown import EASTERN, Page, answered, counted, instant_text, no_cursor, page_of, shipment_of, zone_of
from filings.standing import Watch, decided_text
from filings.store import tables as t
from filings.trip_board import alerts, board, explained, trips, withdrawn_text
from filings.trips import load_trip
from filings.watching import name_of
from schemas.errors import NotFound, Problem

__all__ = [
    "Page",
    "alerts",
    "board",
    "filing",
    "filings",
    "find_filing",
    "handoff_package",
    "shipments",
    "timeline",
    "transmissions",
    "trips",
    "versions",
]

_FILING_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

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
    page = page_of(rows, limit, "position", shipment_of)
    return Page(tuple(explained(conn, rows[:limit])), page.next)


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
    now: datetime | None = None,
) -> Page:
    """Filings, newest first; ``day`` is the Eastern day they were made on. ``now``: for what may be asked of them."""
    table = t.filings
    query: Select[Any] = select(table).order_by(table.c.id.desc())
    for column, value in (("trip_number", trip), ("state", status), ("pathway", pathway)):
        if value:
            query = query.where(table.c[column] == value)
    if scn:  # a bill without an entry of its own is declared by its manifest
        manifests = select(t.shipments.c.manifest_filing_id).where(t.shipments.c.scn == scn)
        query = query.where(or_(table.c.scn == scn, table.c.id.in_(manifests)))
    if entry_number:
        query = query.where(table.c.entry_number == _plain(entry_number))
    if day:
        begin = datetime(day.year, day.month, day.day, tzinfo=EASTERN)
        end = begin + timedelta(days=1)
        query = query.where(table.c.created_at >= begin, table.c.created_at < end.replace(tzinfo=EASTERN))
    if cursor:
        if not _FILING_ID.fullmatch(cursor):
            raise NotFound(no_cursor(cursor))
        query = query.where(table.c.id < cursor)
    rows = conn.execute(query.limit(limit + 1)).all()
    known = around(conn, rows[:limit])
    return page_of(rows, limit, "id", lambda row: _filing(row, known, now))


def _filing(row: Row[Any], known: Around, now: datetime | None) -> dict[str, Any]:
    acts, limits = offered(row, known, now)
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
        "accepted_version": row.accepted_version,
        "created_at": instant_text(row.created_at),
        "updated_at": instant_text(row.updated_at),
        "last_outcome": row.last_outcome,
        "acts": acts,
        "act_limits": limits,
    }


def find_filing(conn: Connection, name: str) -> Row[Any]:
    """A filing by id, SCN, entry number or (a manifest) trip number, newest first; raises :class:`NotFound`."""
    filings = t.filings.c
    manifest_of_trip = (filings.trip_number == name) & (filings.kind == "manifest")
    for meant in (filings.id == name, filings.scn == name, filings.entry_number == _plain(name), manifest_of_trip):
        row = conn.execute(select(t.filings).where(meant).order_by(filings.id.desc()).limit(1)).first()
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
    state = conn.execute(select(t.shipments.c.state).where(t.shipments.c.scn == name).limit(1)).scalar()
    if state is not None:
        text = f"Shipment {name} is {state.replace('_', ' ')}: nothing has been declared for it."
        raise NotFound(Problem("filing_unknown", "filing_id", text, "Its trip's list of shipments says why."))
    raise NotFound(
        Problem(
            "filing_unknown",
            "filing_id",
            f"There is no filing {name}.",
            "Look it up with its trip, SCN or entry number.",
        )
    )


def filing(
    conn: Connection,
    name: str,
    *,
    now: datetime | None = None,
    patience: Patience = PATIENCE,
    retries: RetryPatience = RETRIES,
) -> dict[str, Any]:
    """One filing with its shipment, by what that was decided, and how CBP was asked for it; with ``now`` also
    ``standing``: what it waits for, of whom, until when, and what a person does (:mod:`filings.standing`).
    """
    row = find_filing(conn, name)
    trip = _trip_of(conn, row.trip_number)
    zone = zone_of(trip.port_of_arrival)
    shown = _filing(row, around(conn, [row]), now) | {"time_zone": zone.key}
    if now is not None:
        shown["standing"] = open_matters.of_filing(conn, row, Watch(now, zone, patience, retries))
    shown["inquiries"] = open_matters.inquiries(conn, row)
    shown["retries"] = open_matters.retries(conn, row)
    found = _shipment_of(conn, row, name)
    if found is not None:
        shown["shipment"] = explained(conn, [found])[0]
        decision, in_force = _decision_of(conn, row, found)
        now_is = (found.lapse, trip.judged_at) if in_force else (None, None)
        shown["decided_by"] = decided_by(conn, decision, *now_is) if decision else None
    shown["alerts"] = open_alerts.about(conn, row.id)
    if row.kind == "manifest":
        shown["counts"] = answered(counted(conn, t.shipments.c.manifest_state, row.trip_number))
    return shown


def _shipment_of(conn: Connection, row: Row[Any], name: str) -> Row[Any] | None:
    """The shipment of a filing; of a manifest the one by whose SCN it was asked for."""
    mine = t.shipments.c.key == row.shipment_key
    if not row.shipment_key:
        mine = (t.shipments.c.scn == name) & (t.shipments.c.manifest_filing_id == row.id)
    return conn.execute(select(t.shipments).where(mine)).first()


def _decision_of(conn: Connection, row: Row[Any], shipment: Row[Any]) -> tuple[dict[str, Any] | None, bool]:
    """The decision by which the filing was made, and whether it is the one in force."""
    if row.shipment_key and shipment.entry_filing_id != row.id:  # replaced: what it was made by is in its versions
        first = (t.filing_versions.c.filing_id == row.id) & (t.filing_versions.c.version == 1)
        content = conn.execute(select(t.filing_versions.c.content).where(first)).scalar()
        if content is not None:
            return content.get("decision"), False
    return shipment.decision, True


def _trip_of(conn: Connection, trip_number: str) -> Any:
    """A trip's port, its arrival if it is there, and the arrival for which its shipments were judged last."""
    columns = (t.trips.c.port_of_arrival, t.trips.c.arrived_at, t.trips.c.judged_at)
    return conn.execute(select(*columns).where(t.trips.c.trip_number == trip_number)).one()


def timeline(conn: Connection, name: str) -> list[dict[str, Any]]:
    """What happened to a filing, in order: what was decided and done, sent and answered, what dispatch was told.

    Of a manifest that is asked for by the SCN of a shipment on it also what CBP said of that one: a hold, its release.
    """
    row = find_filing(conn, name)
    about = _shipment_of(conn, row, name)
    steps: list[dict[str, Any]] = []
    for one in transmissions(conn, name):
        went_out = one["direction"] == "out"
        what, text = ("queued", f"{one['name']} queued") if went_out else ("received", f"{one['name']} came in")
        steps.append({"at": one["created_at"], "what": what, "text": text, "transmission": one["id"]})
        if one["state"] == WITHDRAWN:
            text = withdrawn_text(one["name"])
            steps.append({"at": one["answered_at"], "what": WITHDRAWN, "text": text, "transmission": one["id"]})
        if went_out and one["delivered_at"]:
            steps.append(
                {
                    "at": one["delivered_at"],
                    "what": "receipt",
                    "text": f"{one['name']} received by the partner",
                    "transmission": one["id"],
                }
            )
    steps.extend(_asked(conn, row))
    steps.extend(_failed(conn, row))
    said, told = t.outcomes.c.filing_id == row.id, t.events.c.trip_number == row.trip_number
    if row.shipment_key:
        said |= t.outcomes.c.shipment_key == row.shipment_key
        told &= t.events.c.shipment_key == row.shipment_key
    elif about is not None:  # the manifest as a whole, and the one bill by whose number it was asked for
        said = said & t.outcomes.c.shipment_key.is_(None) | (t.outcomes.c.shipment_key == about.key)
        told &= t.events.c.shipment_key.is_(None) | (t.events.c.shipment_key == about.key)
    else:
        said &= t.outcomes.c.shipment_key.is_(None)
        told &= t.events.c.shipment_key.is_(None)
    steps.extend(_said(one) for one in conn.execute(select(t.outcomes).where(said).order_by(t.outcomes.c.id)))
    steps.extend(
        _told(one) for one in conn.execute(select(t.events).where(told).order_by(t.events.c.cursor).limit(1000))
    )
    steps.extend(_decided(conn, row))
    zone = zone_of(_trip_of(conn, row.trip_number).port_of_arrival)
    steps.extend(acts(conn, row.trip_number, about.shipment_id if about else None, zone))
    # CBP's times have whole minutes: the order is that in which we came to know
    return sorted(steps, key=lambda step: str(step.get("recorded_at") or step["at"]))


_HOW: Final = {
    "status_query": "CBP asked for it by a status query (CQ)",
    "same_message_again": "CBP asked for it by the same message once more",
}


def _asked(conn: Connection, row: Row[Any]) -> Iterator[dict[str, Any]]:
    for one in open_matters.inquiries(conn, row):
        text = f"{_HOW[one['how']]}: {one['name']}"
        yield {"at": one["asked_at"], "what": "asked", "text": text, "transmission": one["transmission"]}
        if one["answered_at"] and one["how"] == "status_query":
            text = f"CBP answered {one['name']}"
            yield {"at": one["answered_at"], "what": "asked_answered", "text": text}


def _failed(conn: Connection, row: Row[Any]) -> Iterator[dict[str, Any]]:
    for one in open_matters.retries(conn, row):
        if one["made_at"]:
            again = "goes again" if one["made_transmission"] else "need not go again"
            text = f"{one['failed_file']}, which CBP could not process, {again}"
            yield {"at": one["made_at"], "what": "again", "text": text, "transmission": one["made_transmission"]}


def _decided(conn: Connection, row: Row[Any]) -> Iterator[dict[str, Any]]:
    for one in decisions_of(conn, row):
        what = "granted" if one.taken else "refused"
        said = {"source": one.source, "code": one.code}
        yield {"at": instant_text(one.at), "what": what, **said, "text": decided_text(one, name_of(row))}


def _told(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": instant_text(row.occurred_at),
        "recorded_at": row.data.get("recorded_at"),
        "what": "event",
        "text": row.type,
        "cursor": row.cursor,
    }


def _said(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": instant_text(row.occurred_at or row.recorded_at),
        "recorded_at": instant_text(row.recorded_at),
        "what": row.meaning,
        "source": row.source,
        "code": row.code,
        "text": row.text or row.meaning.replace("_", " "),
        "field": row.field_path,
        "transmission": row.transmission_id,
    }


def versions(conn: Connection, name: str) -> list[dict[str, Any]]:
    """Every version of a filing, with its difference, its messages and CBP's answer."""
    return versions_of(conn, find_filing(conn, name))


def transmissions(conn: Connection, name: str) -> list[dict[str, Any]]:
    """The files a filing went out with, those by which CBP was asked for it, and those that answered it."""
    row = find_filing(conn, name)
    asked = select(t.inquiries.c.transmission_id).where(t.inquiries.c.filing_id == row.id)
    carried = select(t.transmission_filings.c.transmission_id).where(t.transmission_filings.c.filing_id == row.id)
    answered = select(t.outcomes.c.transmission_id).where(
        or_(t.outcomes.c.filing_id == row.id, t.outcomes.c.shipment_key == row.shipment_key)
        if row.shipment_key
        else t.outcomes.c.filing_id == row.id
    )
    query = (
        select(t.transmissions)
        .where(or_(*(t.transmissions.c.id.in_(which) for which in (carried, asked, answered))))
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
        "in_doubt_since": instant_text(row.doubt_since),
        "next_attempt_at": instant_text(row.next_attempt_at),
        "message_id": row.message_id,
        "payload_sha256": row.payload_digest,
        "payload_bytes": row.payload_size,
        "archive_position": row.archive_position,
        "created_at": instant_text(row.created_at),
        "delivered_at": instant_text(row.delivered_at),
        "answered_at": instant_text(row.answered_at),
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


def _number(cursor: str) -> int:
    if not cursor.isdigit() or not cursor.isascii() or len(cursor) > 9:  # a position is a 32-bit number
        raise NotFound(no_cursor(cursor))
    return int(cursor)


def _plain(entry_number: str | None) -> str | None:
    return entry_number.replace("-", "").upper() if entry_number else None
