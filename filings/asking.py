"""What does a filing do that CBP does not answer? It asks, a few times, and then a person is left with it.

Rules: silence is never taken for anything. An entry is asked for by a status query (CQ), whose answer (C1) says what
CBP has. For a truck manifest CBP has no such query: there the very same payload goes once more in a new envelope, which
CBP either takes as the first it hears of it, or knows again (TA1 025). Neither can make a second declaration. Asking is
no declaration, so it moves no filing; only the answer does. One query is one batch (CBP takes no more, X41). Of a
manifest in several messages one may be refused and another have no answer: that one is asked for too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Subquery, and_, func, insert, or_, select, update

from filings import archive
from filings.context import FilingContext
from filings.control_numbers import allocate
from filings.deadlines import Patience
from filings.holding import hold_trips
from filings.lifecycle import FilingState
from filings.outbox import Draft, queue
from filings.store import tables as t
from filings.uuid7 import uuid7
from filings.wording import MANIFEST_SETS, batch_reference, query_bytes

QUERY: Final = "CQ"
REPEAT: Final = "REPEAT"
"""Applications of what asks: a status query, a payload that goes once more."""
MOST: Final = 3
"""How often is asked for one version of a filing."""
AT_ONCE: Final = 20
"""How many queries may be without an answer; a lost batch of thousands is not asked for in one breath."""
_SILENT: Final = (FilingState.SENT.value, FilingState.UNDER_REVIEW.value)


@dataclass(frozen=True, slots=True)
class Silence:
    """A filing that CBP has not answered: since when, how often it has been asked for, and when last."""

    since: datetime
    asked: int = 0
    asked_at: datetime | None = None


def next_ask(silence: Silence, patience: Patience, state: FilingState) -> datetime | None:
    """When to ask (again); ``None``: not any more. The pause doubles each time."""
    if silence.asked >= MOST:
        return None
    pause = patience.review if state is FilingState.UNDER_REVIEW else patience.answer
    begin = silence.asked_at or silence.since
    pauses: int = 1 << silence.asked
    return begin + pause * pauses


def over(silence: Silence, patience: Patience, state: FilingState, now: datetime) -> bool:
    """Whether asking has ended without an answer: the last question has had its time too, and a person must call."""
    if silence.asked < MOST or silence.asked_at is None:
        return False
    pause = patience.review if state is FilingState.UNDER_REVIEW else patience.answer
    return now - silence.asked_at > pause


def asks() -> Subquery:
    """How often (``times``) and when last (``last``) CBP was asked, for each version of a filing."""
    asked = t.inquiries
    columns = (asked.c.filing_id, asked.c.version)
    counts = (func.count().label("times"), func.max(asked.c.asked_at).label("last"))
    return select(*columns, *counts).group_by(*columns).subquery()


def due(conn: Connection, patience: Patience, now: datetime, limit: int = AT_ONCE) -> list[str]:
    """Filings to be asked for now, those that have been silent longest first; entries while CBP answers queries."""
    filings, out, asked, ties = t.filings, t.transmissions, t.inquiries, t.transmission_filings
    since = func.max(out.c.delivered_at)
    silent = (
        select(filings.c.id, filings.c.kind, filings.c.state, filings.c.version, since.label("since"))
        .join(ties, and_(ties.c.filing_id == filings.c.id, ties.c.version == filings.c.version))
        .join(out, out.c.id == ties.c.transmission_id)
        .where(
            or_(filings.c.state.in_(_SILENT), message_unanswered()),
            filings.c.kind.in_(("manifest", "entry")),
            out.c.direction == "out",
            out.c.state == "delivered",
        )
        .group_by(filings.c.id, filings.c.kind, filings.c.state, filings.c.version)
        .having(since <= now - min(patience.answer, patience.review))
        .subquery()
    )
    times, last = func.count(asked.c.id), func.max(asked.c.asked_at)
    query = (
        select(silent.c.id, silent.c.kind, silent.c.state, silent.c.since, times.label("times"), last.label("last"))
        .outerjoin(asked, and_(asked.c.filing_id == silent.c.id, asked.c.version == silent.c.version))
        .group_by(silent.c.id, silent.c.kind, silent.c.state, silent.c.since)
        .having(times < MOST)
        .order_by(silent.c.since, silent.c.id)
    )
    room = limit - _unanswered(conn, now - patience.answer)
    found: list[str] = []
    for row in conn.execute(query):
        silence = Silence(row.since, row.times, row.last)
        at = next_ask(silence, patience, FilingState(row.state))
        if at is None or at > now or (row.kind == "entry" and room <= 0):
            continue
        room -= row.kind == "entry"
        found.append(row.id)
        if len(found) == limit:
            break
    return found


def message_unanswered() -> ColumnElement[bool]:
    """Of the filings and transmissions in a query: a message of a manifest that another message of it has refused."""
    filings, out = t.filings, t.transmissions
    refused = and_(filings.c.kind == "manifest", filings.c.state == FilingState.REJECTED.value)
    return and_(refused, out.c.application.in_(MANIFEST_SETS), out.c.answered_at.is_(None))


def _unanswered(conn: Connection, since: datetime) -> int:
    """Queries that went out after ``since`` and have no answer."""
    asked, out = t.inquiries, t.transmissions
    query = (
        select(func.count())
        .select_from(asked.join(out, out.c.id == asked.c.transmission_id))
        .where(asked.c.answered_at.is_(None), asked.c.asked_at > since, out.c.application == QUERY)
    )
    return conn.execute(query).scalar_one()


def ask(conn: Connection, ctx: FilingContext, patience: Patience, identifier: str, now: datetime) -> bool:
    """Ask for one filing; ``False`` if there is nothing to ask for (any more)."""
    mine = t.filings.c.id == identifier
    hold_trips(conn, conn.execute(select(t.filings.c.trip_number).where(mine)).scalars())
    filing = conn.execute(select(t.filings).where(mine).with_for_update()).one()
    silence = _silence(conn, filing)
    silent = filing.state in _SILENT or (filing.state == FilingState.REJECTED.value and filing.kind == "manifest")
    if not silent or silence is None:
        return False
    at = next_ask(silence, patience, FilingState(filing.state))
    if at is None or at > now:
        return False  # somebody else has asked meanwhile
    made = _queries(conn, ctx, filing, now) if filing.kind == "entry" else _repeats(conn, filing)
    if not made:
        return False
    queue(conn, ctx.partner, ctx.channel, made, now)
    conn.execute(
        insert(t.inquiries),
        [
            {
                "id": uuid7(),
                "transmission_id": draft.id,
                "filing_id": filing.id,
                "version": filing.version,
                "asked_at": now,
            }
            for draft in made
        ],
    )
    return True


def _silence(conn: Connection, filing: Row[Any]) -> Silence | None:
    sent = [row.delivered_at for row in _carrying(conn, filing) if row.delivered_at is not None]
    mine = (t.inquiries.c.filing_id == filing.id) & (t.inquiries.c.version == filing.version)
    asked, last = conn.execute(select(func.count(), func.max(t.inquiries.c.asked_at)).where(mine)).one()
    return Silence(max(sent), asked, last) if sent else None


def _carrying(conn: Connection, filing: Row[Any]) -> Sequence[Row[Any]]:
    """The delivered files that carry the filing as it is now, in their order."""
    carried = select(t.transmission_filings.c.transmission_id).where(
        t.transmission_filings.c.filing_id == filing.id, t.transmission_filings.c.version == filing.version
    )
    out = t.transmissions
    query = select(out).where(out.c.id.in_(carried), out.c.state == "delivered").order_by(out.c.id)
    return conn.execute(query).all()


def _queries(conn: Connection, ctx: FilingContext, filing: Row[Any], now: datetime) -> list[Draft]:
    (number,) = allocate(conn, f"batch:{ctx.partner}", 1)
    reference = batch_reference(number)
    payload = query_bytes(ctx, filing.entry_number, reference, now)
    name = f"{QUERY}-{filing.entry_number}-{reference}.txt"
    return [_draft(filing, QUERY, name, reference, payload, "application/edi-consent")]


def _repeats(conn: Connection, filing: Row[Any]) -> list[Draft]:
    """The messages of a manifest that have no answer: the oldest of them, since CBP is asked one thing at a time."""
    for row in _carrying(conn, filing):
        if row.application in MANIFEST_SETS and row.answered_at is None:
            kept = archive.read(conn, row.archive_position)
            if kept is None:
                raise archive.ArchiveError(f"archive entry {row.archive_position} of {row.id} is missing")
            times = conn.execute(
                select(func.count()).select_from(t.inquiries).where(t.inquiries.c.filing_id == filing.id)
            ).scalar_one()
            name = f"{row.name}.{times + 1}"
            return [_draft(filing, REPEAT, name, f"repeats {row.id}", kept.entry.body, row.content_type)]
    return []


def _draft(filing: Row[Any], application: str, name: str, correlation: str, payload: bytes, content_type: str) -> Draft:
    return Draft(
        id=uuid7(),
        name=name,
        application=application,
        control_number="",  # an answer to the payload is one to the message that carried it first
        correlation=correlation,
        content_type=content_type,
        payload=payload,
        trip_number=filing.trip_number,
        carries=(),
        priority=200,
    )


def answered(conn: Connection, reference: str, now: datetime) -> None:
    """The query with this user data has its answer."""
    mine = select(t.transmissions.c.id).where(
        t.transmissions.c.direction == "out",
        t.transmissions.c.application == QUERY,
        t.transmissions.c.correlation == reference,
    )
    open_ones = t.inquiries.c.transmission_id.in_(mine) & t.inquiries.c.answered_at.is_(None)
    conn.execute(update(t.inquiries).where(open_ones).values(answered_at=now))
    waiting = t.transmissions.c.id.in_(mine) & t.transmissions.c.answered_at.is_(None)
    conn.execute(update(t.transmissions).where(waiting).values(answered_at=now))
