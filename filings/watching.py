"""Which deadlines have passed, and which alerts are over?

Reads the facts that may matter, asks :mod:`filings.deadlines`, and keeps the alerts as they should be: a new matter is
raised, one that stands is told as it is now, one that is over is settled. A look raises a limited number of each kind,
the next one goes on: a broken line is many matters, but not all at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select, text, update

from filings import asking
from filings.alerts import Alert, raise_alert, settle
from filings.awaited import held_back
from filings.deadlines import (
    ANSWER,
    ARRIVAL,
    BORDER,
    DOUBT,
    KINDS,
    RECEIPT,
    REFUSED,
    SUMMARY,
    UNHEARD,
    Carried,
    Crossing,
    FileOut,
    Matter,
    Patience,
    Refusals,
    Released,
    of_crossing,
    of_file,
    of_refusals,
    of_release,
)
from filings.lifecycle import CROSSING, FilingState, ShipmentState, TripInput, TripState
from filings.outbox import UNSETTLED
from filings.reasons import last_words, reasons
from filings.store import tables as t

WATCH_LOCK: Final = 0x7761746368
"""The advisory lock under which one looks: two at a time would raise everything twice."""
MOST: Final = 100
"""Subjects of one kind that a look takes up."""
PAGE: Final = 400
REMEMBERED: Final = timedelta(days=60)
"""How long a truck is waited for once it was due: after that nobody waits for it any more."""
NAMED_REFUSALS: Final = 10
"""Refusals of a trip of which CBP's words are read; a sentence names fewer."""
NAMED: Final = 20
"""Shipments listed in the detail of a trip's alert."""
_SILENT: Final = (FilingState.SENT.value, FilingState.UNDER_REVIEW.value, FilingState.REQUESTED.value)
_OPEN_GOODS: Final = tuple(
    state.value
    for state, verdict in CROSSING.items()
    if verdict in {TripInput.GO, TripInput.WAIT} and state is not ShipmentState.RELEASED
)
"""States of shipments that await CBP's word at the border."""


def watch(conn: Connection, patience: Patience, now: datetime) -> int:
    """Raise what has become a matter, restate what still is one, settle what is over; the number of new alerts.

    One process at a time looks; another that would look just now need not.
    """
    if conn.dialect.name == "postgresql":
        alone = text("SELECT pg_try_advisory_xact_lock(:number)")
        if not conn.execute(alone, {"number": WATCH_LOCK}).scalar_one():
            return 0
    table = t.alerts
    open_ones = conn.execute(select(table).where(table.c.settled_at.is_(None), table.c.kind.in_(KINDS))).all()
    matters = _matters(conn, patience, now, open_ones)
    keys = {_key(one): one for one in matters}
    over = [one.id for one in open_ones if _key(one) not in keys]
    for start in range(0, len(over), PAGE):
        ended = update(table).where(table.c.id.in_(over[start : start + PAGE]))
        conn.execute(ended.values(settled_at=now, settled_by="gateway"))
    standing = {_key(one): one for one in open_ones}
    new = 0
    for key, matter in keys.items():
        known = standing.get(key)
        if known is None:
            new += raise_alert(conn, _alert(matter), now)
            if matter.kind == DOUBT and matter.transmission_id:  # the same doubt, which has become too long
                settle(conn, "in_doubt", transmission_id=matter.transmission_id, by="gateway", now=now)
        elif known.text != matter.text or known.severity != matter.severity:
            restated = {"text": matter.text, "severity": matter.severity, "detail": matter.detail}
            conn.execute(update(table).where(table.c.id == known.id).values(restated))
    return new


def _key(one: Any) -> tuple[str, str]:
    """What an alert is about, of which there is one at a time: a file, a filing's summary, a trip."""
    subject = one.transmission_id or (one.filing_id if one.kind == SUMMARY else one.trip_number)
    return one.kind, subject or ""


def _alert(matter: Matter) -> Alert:
    return Alert(
        matter.kind,
        matter.text,
        matter.severity,
        matter.detail,
        matter.trip_number,
        matter.filing_id,
        matter.transmission_id,
    )


def _matters(conn: Connection, patience: Patience, now: datetime, open_ones: Sequence[Row[Any]]) -> list[Matter]:
    known: dict[str, set[str]] = defaultdict(set)
    for one in open_ones:
        known[one.kind].add(_key(one)[1])
    files = _late_files(conn, patience, now) | _silent_files(conn, patience, now)
    files |= known[RECEIPT] | known[DOUBT] | known[ANSWER]
    trips = _near_or_silent(conn, patience, now) | known[ARRIVAL] | known[UNHEARD] | known[BORDER]
    entries = _summaries(conn, patience, now) | known[SUMMARY]
    blocked = _with_refusals(conn) | known[REFUSED]
    found: list[Matter] = []
    for file in read_files(conn, files, patience, now):
        found += of_file(file, patience, now)
    for trip in read_crossings(conn, trips):
        found += of_crossing(trip, patience, now)
    for entry in read_releases(conn, entries):
        found += of_release(entry, patience, now)
    for refusals in read_refusals(conn, blocked):
        found += of_refusals(refusals)
    return found


# ------------------------------------------------------------------------------------- what may matter


def _not_told(kind: str, subject: ColumnElement[Any], about: ColumnElement[Any]) -> ColumnElement[bool]:
    """No open alert of this kind is about the subject."""
    told = select(t.alerts.c.id).where(t.alerts.c.kind == kind, t.alerts.c.settled_at.is_(None), about == subject)
    return ~told.exists()


def _late_files(conn: Connection, patience: Patience, now: datetime) -> set[str]:
    out = t.transmissions
    late = and_(
        out.c.created_at < now - patience.receipt,
        out.c.doubt_since.is_(None),
        ~held_back(out),  # it has not left, and what it waits for is told of
        _not_told(RECEIPT, out.c.id, t.alerts.c.transmission_id),
    )
    doubtful = and_(out.c.doubt_since < now - patience.doubt, _not_told(DOUBT, out.c.id, t.alerts.c.transmission_id))
    query = select(out.c.id).where(out.c.direction == "out", out.c.state.in_(UNSETTLED), or_(late, doubtful))
    return set(conn.execute(query.order_by(out.c.id).limit(MOST)).scalars())


def _silent_files(conn: Connection, patience: Patience, now: datetime) -> set[str]:
    """Delivered files with filings that have stood unanswered for as long as any patience."""
    carried, out, filings = t.transmission_filings, t.transmissions, t.filings
    query = (
        select(out.c.id)
        .join(carried, carried.c.transmission_id == out.c.id)
        .join(filings, and_(filings.c.id == carried.c.filing_id, filings.c.version == carried.c.version))
        .where(
            or_(filings.c.state.in_(_SILENT), asking.message_unanswered()),
            filings.c.updated_at < now - min(patience.answer, patience.review),
            out.c.direction == "out",
            out.c.state == "delivered",
            _not_told(ANSWER, out.c.id, t.alerts.c.transmission_id),
        )
        .distinct()
        .order_by(out.c.id)
        .limit(MOST)
    )
    return set(conn.execute(query).scalars())


def _near_or_silent(conn: Connection, patience: Patience, now: datetime) -> set[str]:
    trips = t.trips
    under_way = trips.c.state.not_in((TripState.ARRIVED.value,))
    number = trips.c.trip_number
    near = and_(
        under_way,
        trips.c.state != TripState.CLEAR.value,
        trips.c.estimated_arrival > now,
        trips.c.estimated_arrival <= now + patience.before_arrival,
        _not_told(ARRIVAL, number, t.alerts.c.trip_number),
    )
    unheard = and_(
        under_way,
        trips.c.state != TripState.DRAFT.value,
        trips.c.estimated_arrival < now - patience.border,
        trips.c.estimated_arrival > now - REMEMBERED,
        _not_told(UNHEARD, number, t.alerts.c.trip_number),
    )
    goods = select(t.shipments.c.key).where(t.shipments.c.trip_number == number, t.shipments.c.state.in_(_OPEN_GOODS))
    there = and_(
        trips.c.state == TripState.ARRIVED.value,
        trips.c.arrived_at < now - patience.border,
        trips.c.estimated_arrival > now - REMEMBERED,
        goods.exists(),
        _not_told(BORDER, number, t.alerts.c.trip_number),
    )
    found: set[str] = set()
    for which in (near, unheard, there):
        found |= set(conn.execute(select(number).where(which).order_by(number).limit(MOST)).scalars())
    return found


def _with_refusals(conn: Connection) -> set[str]:
    """Trips that are blocked by a refusal, however long ago the truck was due: it ends only by being mended."""
    trips, goods = t.trips, t.shipments
    number = trips.c.trip_number
    refused = select(goods.c.key).where(goods.c.trip_number == number, goods.c.state == ShipmentState.REJECTED.value)
    query = select(number).where(
        trips.c.state == TripState.BLOCKED.value,
        refused.exists(),
        _not_told(REFUSED, number, t.alerts.c.trip_number),
    )
    return set(conn.execute(query.order_by(number).limit(MOST)).scalars())


def _summaries(conn: Connection, patience: Patience, now: datetime) -> set[str]:
    filings = t.filings
    ahead = timedelta(days=2 * patience.summary_ahead + 7)  # as many days as working days can be far
    query = select(filings.c.id).where(
        filings.c.deadline_at <= now + ahead, _not_told(SUMMARY, filings.c.id, t.alerts.c.filing_id)
    )
    return set(conn.execute(query.order_by(filings.c.deadline_at).limit(MOST)).scalars())


# ------------------------------------------------------------------------------------------- the facts


def read_files(conn: Connection, identifiers: Iterable[str], patience: Patience, now: datetime) -> list[FileOut]:
    """Files of ours by id, each with the filings it carries in the version that these have now."""
    found: list[FileOut] = []
    wanted = sorted(identifiers)
    for start in range(0, len(wanted), PAGE):
        page = wanted[start : start + PAGE]
        carried = _carried(conn, page, patience, now)
        rows = conn.execute(select(t.transmissions).where(t.transmissions.c.id.in_(page)))
        found += [_file(row, carried[row.id]) for row in rows]
    return found


def _file(row: Row[Any], carried: Sequence[Carried]) -> FileOut:
    times = (row.created_at, row.doubt_since, row.delivered_at)
    return FileOut(row.id, row.name, row.trip_number, row.state, *times, tuple(carried))


def _carried(
    conn: Connection, transmissions: Sequence[str], patience: Patience, now: datetime
) -> dict[str, list[Carried]]:
    carried, filings = t.transmission_filings, t.filings
    asks = asking.asks()
    query = (
        select(
            carried.c.transmission_id,
            filings.c.id,
            filings.c.kind,
            filings.c.trip_number,
            filings.c.scn,
            filings.c.entry_number,
            case((asking.message_unanswered(), FilingState.SENT.value), else_=filings.c.state).label("state"),
            filings.c.updated_at,
            func.coalesce(asks.c.times, 0).label("asked"),
            asks.c.last.label("asked_at"),
        )
        .join(filings, and_(filings.c.id == carried.c.filing_id, filings.c.version == carried.c.version))
        .join(t.transmissions, t.transmissions.c.id == carried.c.transmission_id)
        .outerjoin(asks, and_(asks.c.filing_id == filings.c.id, asks.c.version == filings.c.version))
        .where(carried.c.transmission_id.in_(transmissions))
        .distinct()
        .order_by(carried.c.transmission_id, filings.c.id)
    )
    found: dict[str, list[Carried]] = defaultdict(list)
    for row in conn.execute(query):
        state, silence = FilingState(row.state), asking.Silence(row.updated_at, row.asked, row.asked_at)
        in_vain = row.asked if asking.over(silence, patience, state, now) else 0
        one = Carried(row.id, name_of(row), state, row.updated_at, in_vain)
        found[row.transmission_id].append(one)
    return found


def name_of(filing: Any) -> str:
    """How a filing is called in a sentence."""
    if filing.kind == "manifest":
        return f"the manifest of trip {filing.trip_number}"
    if filing.entry_number:
        return f"entry {filing.entry_number} of shipment {filing.scn}"
    return f"the {filing.kind} of shipment {filing.scn}"


def read_crossings(conn: Connection, numbers: Iterable[str]) -> list[Crossing]:
    """Trips by number, with what is open aboard those that are there."""
    found: list[Crossing] = []
    for number in sorted(numbers):
        row = conn.execute(select(t.trips).where(t.trips.c.trip_number == number)).one()
        mine = (t.filings.c.trip_number == number) & (t.filings.c.kind == "manifest")
        manifest = conn.execute(select(t.filings.c.id).where(mine).limit(1)).scalar()
        goods: tuple[str, ...] = ()
        if row.arrived_at is not None:
            query = (
                select(t.shipments.c.scn)
                .where(t.shipments.c.trip_number == number, t.shipments.c.state.in_(_OPEN_GOODS))
                .order_by(t.shipments.c.position)
                .limit(NAMED)
            )
            goods = tuple(f"shipment {scn}" for scn in conn.execute(query).scalars())
        state = TripState(row.state)
        found.append(Crossing(number, state, row.estimated_arrival, row.arrived_at, manifest, goods))
    return found


def read_refusals(conn: Connection, numbers: Iterable[str]) -> list[Refusals]:
    """Trips by number, with what CBP refused of them: the whole manifest, else bills and entries one by one.

    Of a truck that is there nothing: ``arrived_before_clear`` has told of it, and nothing can be mended any more.
    """
    found: list[Refusals] = []
    for number in sorted(numbers):
        goods, filings = t.shipments, t.filings
        trip = select(t.trips.c.trip_number).where(t.trips.c.trip_number == number, t.trips.c.arrived_at.is_(None))
        mine = goods.c.trip_number.in_(trip) & (goods.c.state == ShipmentState.REJECTED.value)
        rows = conn.execute(select(goods).where(mine).order_by(goods.c.position).limit(PAGE)).all()
        why = reasons(conn, rows[:NAMED_REFUSALS])
        whole = (
            select(filings)
            .join(t.trips, t.trips.c.trip_number == filings.c.trip_number)
            .where(
                filings.c.trip_number == number,
                filings.c.kind == "manifest",
                filings.c.state == FilingState.REJECTED.value,
                t.trips.c.held_as.is_(None),  # else CBP holds it as preliminary, with the bills that it took
            )
        )
        manifest = conn.execute(whole).first() if rows else None
        refused: list[tuple[str, str, str]] = []
        if manifest is not None:
            refused.append((name_of(manifest), manifest.id, last_words(conn, manifest)))
        for row in rows:
            said_of_it = why.get(row.key, "")
            if row.entry_state == FilingState.REJECTED.value and row.entry_filing_id:
                name = f"entry {row.entry_number} of shipment {row.scn}"
                refused.append((name, row.entry_filing_id, said_of_it))
            elif manifest is None and row.manifest_filing_id:
                refused.append((f"the bill of shipment {row.scn}", row.manifest_filing_id, said_of_it))
        found.append(Refusals(number, tuple(refused)))
    return found


def read_releases(conn: Connection, identifiers: Iterable[str]) -> list[Released]:
    """Filings by id whose entry summary is due at some time."""
    wanted = sorted(identifiers)
    found: list[Released] = []
    for start in range(0, len(wanted), PAGE):
        query = select(t.filings).where(
            t.filings.c.id.in_(wanted[start : start + PAGE]), t.filings.c.deadline_at.is_not(None)
        )
        found += [Released(row.id, name_of(row), row.trip_number, row.deadline_at) for row in conn.execute(query)]
    return found
