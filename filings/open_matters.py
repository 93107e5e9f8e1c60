"""What is a filing, and what is a trip, still waiting for? Reads the facts of :mod:`filings.standing`.

Reads only. Of a trip, entries that stand alike in one file are one matter, so that a truck of thousands has a few.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from filings import asking
from filings.amendments.history import decisions_of
from filings.awaited import owed
from filings.deadlines import ARRIVAL, SUMMARY
from filings.lifecycle import FilingState, ShipmentFacts, TripState
from filings.matching import ENDING
from filings.outbox import WITHDRAWN
from filings.reasons import last_words
from filings.shown import instant_text
from filings.standing import BillLeft, Facts, File, Retry, Watch, receipt_out, standing
from filings.store import tables as t
from filings.watching import name_of
from filings.wording import MANIFEST_SETS

UNSETTLED: Final = tuple(
    state.value
    for state in (
        FilingState.QUEUED,
        FilingState.SENT,
        FilingState.IN_DOUBT,
        FilingState.UNDER_REVIEW,
        FilingState.REQUESTED,
    )
)
"""States in which a declaration waits for somebody else than the broker."""
SHOWN: Final = 25


# ------------------------------------------------------------------------------------------ one filing


def of_filing(conn: Connection, filing: Row[Any], watch: Watch) -> dict[str, Any]:
    """Where a filing stands and what it waits for."""
    return standing(_facts(conn, filing), watch).as_dict()


def _facts(conn: Connection, filing: Row[Any]) -> Facts:
    carrying = _carrying(conn, filing)
    mine = (t.inquiries.c.filing_id == filing.id) & (t.inquiries.c.version == filing.version)
    asked, asked_at = conn.execute(select(func.count(), func.max(t.inquiries.c.asked_at)).where(mine)).one()
    return Facts(
        FilingState(filing.state),
        name_of(filing),
        filing.version,
        filing.updated_at,
        filing.accepted_version,
        file=_file(conn, _that_matters(carrying)),
        retry=_retry(conn, [one.id for one in carrying], filing.entry_number),
        asked=asked,
        asked_at=asked_at,
        said=last_words(conn, filing),
        ends=_ends(conn, filing),
        summary_due=filing.deadline_at,
        decided=next(iter(decisions_of(conn, filing)[-1:]), None),
        bill=_bill_left(conn, filing),
    )


def _bill_left(conn: Connection, filing: Row[Any]) -> BillLeft | None:
    """The bill that a cancelled entry has left on its manifest, unless another entry has taken its place."""
    if filing.state != FilingState.CANCELLED.value or filing.kind != "entry":
        return None
    row = conn.execute(select(t.shipments).where(t.shipments.c.key == filing.shipment_key)).one()
    facts = ShipmentFacts.from_dict(row.facts or None)
    if row.entry_filing_id != filing.id or not facts.bill_without_entry:
        return None
    trip = t.trips.c.trip_number == filing.trip_number
    arrived = conn.execute(select(t.trips.c.arrived_at).where(trip)).scalar()
    going = facts.declarations["manifest"].ending
    return BillLeft(filing.trip_number, row.shipment_id, row.scn, going, arrived is not None)


def _ends(conn: Connection, filing: Row[Any]) -> bool:
    """Whether the version on which a person at CBP decides is a cancellation."""
    if filing.state != FilingState.REQUESTED.value:
        return False
    table = t.filing_versions
    newest = (table.c.filing_id == filing.id) & (table.c.version == filing.version)
    return conn.execute(select(table.c.action).where(newest)).scalar() in ENDING


def _carrying(conn: Connection, filing: Row[Any]) -> Sequence[Row[Any]]:
    """The files that carry the filing as it is now, in their order."""
    table = t.transmission_filings
    carried = select(table.c.transmission_id).where(table.c.filing_id == filing.id, table.c.version == filing.version)
    out = t.transmissions
    return conn.execute(select(*_FILE).where(out.c.id.in_(carried)).order_by(out.c.id)).all()


_FILE: Final = tuple(
    t.transmissions.c[name]
    for name in (
        "id", "name", "application", "trip_number", "state", "created_at", "attempts", "doubt_since", "delivered_at",
        "next_attempt_at", "answered_at",
    )
)  # fmt: skip


def _that_matters(carrying: Sequence[Row[Any]]) -> Row[Any] | None:
    """The first that has not been delivered, else the first without an answer, else the last."""
    carrying = [one for one in carrying if one.state != WITHDRAWN]
    waiting = [one for one in carrying if one.state != "delivered"]
    silent = [one for one in carrying if one.answered_at is None]
    if carrying and carrying[0].application not in MANIFEST_SETS:
        silent = silent[-1:]  # an entry goes again in another file: the last one is the one that counts
    return next(iter([*waiting, *silent, *carrying[-1:]]), None)


def _file(conn: Connection, row: Row[Any] | None) -> File | None:
    if row is None:
        return None
    held_back_by = ""
    if row.state == "queued" and row.application in MANIFEST_SETS:
        out = t.transmissions
        earlier = select(out.c.name).where(
            out.c.direction == "out",
            out.c.application.in_(MANIFEST_SETS),
            out.c.trip_number == row.trip_number,
            out.c.id < row.id,
            or_(out.c.answered_at.is_(None), owed(out.c.id)),
            out.c.state != WITHDRAWN,
        )
        held_back_by = conn.execute(earlier.order_by(out.c.id).limit(1)).scalar() or ""
    return _as_file(row, held_back_by)


def _as_file(row: Row[Any], held_back_by: str = "") -> File:
    return File(
        row.id,
        row.name,
        row.application,
        row.state,
        row.created_at,
        row.attempts,
        row.doubt_since,
        row.delivered_at,
        row.next_attempt_at,
        row.answered_at is not None,
        held_back_by,
    )


def _retry(conn: Connection, files: Sequence[str], entry: str | None) -> Retry | None:
    """The last failure of CBP's own about these files."""
    found = [one for one in _retries(conn, t.retries.c.transmission_id.in_(files)) if _about(one, entry)]
    return _failure(found[-1]) if found else None


def _about(retry: Row[Any], entry: str | None) -> bool:
    return entry is None or retry.entries is None or entry in retry.entries


def _retries(conn: Connection, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    table = t.retries
    query = select(table, t.transmissions.c.name).join(t.transmissions, t.transmissions.c.id == table.c.transmission_id)
    return conn.execute(query.where(which).order_by(table.c.id)).all()


def _failure(row: Row[Any]) -> Retry:
    said = " ".join(part for part in (row.source, row.code, row.text) if part)
    due = row.due_at if row.made_at is None else None
    return Retry(row.name, row.source, said, row.attempt, row.first_failed_at, due)


def inquiries(conn: Connection, filing: Row[Any]) -> list[dict[str, Any]]:
    """When and how CBP was asked for a filing that it had not answered, and when it answered; the first first.

    A manifest's message that went once more is answered when the message itself is.
    """
    asked, out, first = t.inquiries, t.transmissions, t.transmissions.alias("first")
    repeats = and_(out.c.application == asking.REPEAT, out.c.correlation == "repeats " + first.c.id)
    query = (
        select(asked, out.c.name, out.c.application, out.c.state, out.c.delivered_at, first.c.answered_at.label("said"))
        .join(out, out.c.id == asked.c.transmission_id)
        .outerjoin(first, repeats)
        .where(asked.c.filing_id == filing.id)
        .order_by(asked.c.id)
    )
    return [
        {
            "asked_at": instant_text(one.asked_at),
            "how": "status_query" if one.application == asking.QUERY else "same_message_again",
            "version": one.version,
            "transmission": one.transmission_id,
            "name": one.name,
            "state": one.state,
            "delivered_at": instant_text(one.delivered_at),
            "answered_at": instant_text(one.answered_at or one.said),
        }
        for one in conn.execute(query)
    ]


def retries(conn: Connection, filing: Row[Any]) -> list[dict[str, Any]]:
    """When CBP's system failed on a filing, and when the same declaration went, or goes, again; the first first."""
    table = t.transmission_filings
    carried = select(table.c.transmission_id).where(table.c.filing_id == filing.id)
    found = _retries(conn, t.retries.c.transmission_id.in_(carried))
    return [
        {
            "failed_file": one.name,
            "attempt": one.attempt,
            "source": one.source,
            "code": one.code,
            "text": one.text,
            "first_failed_at": instant_text(one.first_failed_at),
            "due_at": instant_text(one.due_at),
            "made_at": instant_text(one.made_at),
            "made_transmission": one.made_transmission_id,
        }
        for one in found
        if _about(one, filing.entry_number)
    ]


# -------------------------------------------------------------------------------------------- one trip


def of_trip(conn: Connection, trip_number: str, watch: Watch) -> list[dict[str, Any]]:
    """What a trip's declarations wait for, overdue and then oldest first; each matter with one of its filings."""
    found = [*_manifests(conn, trip_number), *_entries(conn, trip_number)]
    matters = []
    for filing, kind, facts in found:
        told = standing(facts, watch).as_dict()
        matters.append({"filings": facts.count, "kind": kind, "filing_id": filing, **told})
    named = {facts.file.id for _, _, facts in found if facts.file is not None}
    for row in conn.execute(_undelivered(trip_number, named)):
        told = receipt_out(_as_file(row), watch).as_dict()
        matters.append({"filings": 0, "kind": "file", "filing_id": None, **told})
    return sorted(matters, key=lambda one: (not one["overdue"], one["since"] or ""))[:SHOWN]


def _undelivered(trip_number: str, known: Collection[str]) -> Select[Any]:
    """Files about a trip that the partner has not signed for and that no filing waits for (any more)."""
    out = t.transmissions
    waiting = out.c.state.in_(("sending", "awaiting_receipt", "in_doubt"))
    query = select(*_FILE).where(out.c.direction == "out", out.c.trip_number == trip_number, waiting)
    return query.where(out.c.id.not_in(known)).order_by(out.c.id).limit(SHOWN)


def _manifests(conn: Connection, trip_number: str) -> list[tuple[str, str, Facts]]:
    table = t.filings
    mine = (table.c.trip_number == trip_number) & (table.c.kind == "manifest") & table.c.state.in_(UNSETTLED)
    return [(row.id, row.kind, _facts(conn, row)) for row in conn.execute(select(table).where(mine))]


def _entries(conn: Connection, trip_number: str) -> list[tuple[str, str, Facts]]:
    """Entries in groups: in the same file, in the same state, asked for as often."""
    filings, carried, out, asks = t.filings, t.transmission_filings, t.transmissions, asking.asks()
    mine = (filings.c.trip_number == trip_number) & (filings.c.kind == "entry") & filings.c.state.in_(UNSETTLED)
    newest = (
        select(filings.c.id, func.max(carried.c.transmission_id).label("file"))
        .join(carried, and_(carried.c.filing_id == filings.c.id, carried.c.version == filings.c.version))
        .where(mine)
        .group_by(filings.c.id)
        .subquery()
    )
    times = func.coalesce(asks.c.times, 0)
    query = (
        select(
            newest.c.file,
            filings.c.state,
            filings.c.version,
            times.label("asked"),
            func.max(asks.c.last).label("asked_at"),
            func.count().label("many"),
            func.min(filings.c.id).label("first"),
            func.min(filings.c.updated_at).label("changed_at"),
        )
        .select_from(filings)
        .outerjoin(newest, newest.c.id == filings.c.id)
        .outerjoin(asks, and_(asks.c.filing_id == filings.c.id, asks.c.version == filings.c.version))
        .where(mine)
        .group_by(newest.c.file, filings.c.state, filings.c.version, times)
        .order_by(newest.c.file, filings.c.state)
        .limit(4 * SHOWN)
    )
    groups = conn.execute(query).all()
    wanted = [one.file for one in groups if one.file]
    files = {row.id: row for row in conn.execute(select(*_FILE).where(out.c.id.in_(wanted)))}
    failed = {one.transmission_id: one for one in _retries(conn, t.retries.c.transmission_id.in_(wanted))}
    gone = {one.made_transmission_id: one for one in _retries(conn, t.retries.c.made_transmission_id.in_(wanted))}
    firsts = [one.first for one in groups]
    named = {row.id: row for row in conn.execute(select(filings).where(filings.c.id.in_(firsts)))}
    made = []
    for one in groups:
        first, failure = named[one.first], failed.get(one.file) or gone.get(one.file)
        name = name_of(first) if one.many == 1 else f"entry {first.entry_number} and {one.many - 1} more"
        facts = Facts(
            FilingState(one.state),
            name,
            one.version,
            one.changed_at,
            first.accepted_version,
            one.many,
            _file(conn, files.get(one.file)),
            _failure(failure) if failure is not None else None,
            one.asked,
            one.asked_at,
            ends=_ends(conn, first),
        )
        made.append((first.id, "entry", facts))
    return made


def deadlines(conn: Connection, trip: Row[Any], watch: Watch) -> list[dict[str, Any]]:
    """Days and hours that a trip must keep: its manifest an hour before arrival, the summaries of released entries."""
    found = []
    ahead = trip.state in (TripState.CLEAR.value, TripState.CANCELLED.value) or trip.arrived_at is not None
    if not ahead:
        due = trip.estimated_arrival - watch.patience.before_arrival
        overdue = watch.now > due
        text = (
            f"The manifest {'had' if overdue else 'has'} to be with CBP, and every shipment free to cross, by "
            f"{watch.clock(due)} (19 CFR 123.92)."
        )
        found.append(_deadline(ARRIVAL, text, due.isoformat(), 1, overdue=overdue))
    table = t.filings
    mine = (table.c.trip_number == trip.trip_number) & table.c.deadline_at.is_not(None)
    count, first = conn.execute(select(func.count(), func.min(table.c.deadline_at)).where(mine)).one()
    if count:
        day = (first - timedelta(microseconds=1)).astimezone(watch.zone).date()
        overdue = watch.now >= first
        many = "entry summary is" if count == 1 else "entry summaries are"
        text = f"{count} {many} to be filed; the first {'was' if overdue else 'is'} due on {day}."
        found.append(_deadline(SUMMARY, text, first.isoformat(), count, overdue=overdue))
    return found


def _deadline(kind: str, text: str, due_at: str, count: int, *, overdue: bool) -> dict[str, Any]:
    return {"kind": kind, "text": text, "due_at": due_at, "count": count, "overdue": overdue}
