"""When does a declaration go again that CBP could not process, and with which bytes?

Rules: a failure of CBP's own is no refusal. The same declaration goes again after a pause that doubles, in a new
envelope under new numbers (:mod:`mappings.sending_again`); an entry keeps its number, so CBP never has two. It is asked
for in the transaction that applies CBP's answer, so a crash loses no retry, and made in one transaction, so none is
made twice. After an hour a person is told to call CBP, as CBP's own guide says, and the refusal stands as it was said.
Pauses run on the clock of the business.

A message about a manifest goes again in its place, before those that came after it, which wait until it is judged: the
last one of a manifest completes it, and CBP adds no bills to what is complete.

Bytes that are in doubt go again by themselves, also those over which CBP's system is known to have failed once, and it
may take them then. So a new envelope waits until that is settled (:func:`postpone`), for half an hour at most. It also
waits for the files to be read that are there when its time has come (:func:`ready`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from filings import archive
from filings.alerts import Alert, raise_alert
from filings.awaited import carried_by
from filings.context import FilingContext
from filings.control_numbers import allocate, interchange_sequence
from filings.holding import hold_trips
from filings.lifecycle import WAITING, FilingState
from filings.outbox import UNSETTLED, Draft, queue
from filings.patience import RETRIES, Attempts
from filings.progress import filings_of, load
from filings.store import tables as t
from filings.uuid7 import following, uuid7
from filings.wording import MANIFEST_SETS, batch_reference
from mappings.decision import eastern_day
from mappings.sending_again import batch_again, interchange_again
from schemas.errors import FormatError, Problem

AT_ONCE: Final = 20
UNREAD: Final = timedelta(minutes=10)
"""How long a retry waits for files that have come in to be read; one that cannot be read holds up nothing for ever."""
_WAITING: Final = WAITING | {FilingState.UNDER_REVIEW}
"""States of a manifest in which a message of it goes again: other bills of it may be under review."""
IN_DOUBT: Final = timedelta(minutes=30)
"""How long a new envelope waits for bytes that are in doubt."""


def attempts_of(conn: Connection, transmission: str, now: datetime) -> Attempts:
    """What has been tried of a transmission that has just failed, itself included."""
    made = t.retries.c.made_transmission_id == transmission
    before = conn.execute(select(t.retries.c.attempt, t.retries.c.first_failed_at).where(made)).first()
    return Attempts(1, now) if before is None else Attempts(before.attempt + 1, before.first_failed_at)


@dataclass(frozen=True, slots=True)
class Due:
    """A retry whose time has come at ``due_at``, and that was first found so at ``seen_at``."""

    id: str
    due_at: datetime
    seen_at: datetime


def due(conn: Connection, now: datetime, before: Iterable[Due] = ()) -> list[Due]:
    """Retries whose time has come, the oldest first; ``before`` is what whoever asks has been given the last time."""
    table, out = t.retries, t.transmissions
    settled = out.c.state.not_in(UNSETTLED) | (table.c.due_at <= now - IN_DOUBT)
    query = (
        select(table.c.id, table.c.due_at)
        .join(out, out.c.id == table.c.transmission_id)
        .where(table.c.made_at.is_(None), table.c.due_at <= now, settled)
    )
    seen = {(one.id, one.due_at): one.seen_at for one in before}
    rows = conn.execute(query.order_by(table.c.due_at, table.c.id))
    return [Due(row.id, row.due_at, seen.get((row.id, row.due_at), now)) for row in rows]


def ready(conn: Connection, found: Sequence[Due], now: datetime, limit: int = AT_ONCE) -> list[str]:
    """Those that go now, by id: of the files that had come in when they were found due, all have been read.

    One of those may say that nothing needs to go again. What comes in later holds up nothing, or steady traffic might
    do so for ever; if that says it, see :mod:`filings.answered`.
    """
    table = t.transmissions
    fresh = table.c.created_at > now - UNREAD
    unread = select(func.min(table.c.created_at)).where(table.c.direction == "in", table.c.state == "received", fresh)
    oldest = conn.execute(unread).scalar()
    return [one.id for one in found if oldest is None or oldest > one.seen_at][:limit]


def postpone(conn: Connection, transmission: str, now: datetime) -> None:
    """The bytes have just reached CBP (again): it has time to answer before they go in a new envelope."""
    table = t.retries
    owed = (table.c.transmission_id == transmission) & table.c.made_at.is_(None)
    soon = owed & (table.c.due_at < now + RETRIES.first)
    conn.execute(update(table).where(soon).values(due_at=now + RETRIES.first))


def send_again(conn: Connection, ctx: FilingContext, identifier: str, now: datetime) -> bool:
    """Queue one retry; ``False`` if there was nothing (more) to send: made before, or declared otherwise since."""
    table = t.retries
    hold_trips(conn, conn.execute(select(table.c.trip_number).where(table.c.id == identifier)).scalars())
    retry = conn.execute(select(table).where(table.c.id == identifier).with_for_update()).one()
    if retry.made_at is not None:
        return False
    sent = conn.execute(select(t.transmissions).where(t.transmissions.c.id == retry.transmission_id)).one()
    carries = _still_waiting(conn, sent, retry.entries)
    made: str | None = None
    try:
        if carries:
            draft = _draft(conn, ctx, sent, carries, retry.entries, now)
            queue(conn, ctx.partner, ctx.channel, [draft], now)
            made = draft.id
    except FormatError as error:
        _tell(conn, sent, error.problems[0], now)
    done = update(table).where(table.c.id == identifier)
    conn.execute(done.values(made_at=now, made_transmission_id=made))
    return made is not None


def _still_waiting(conn: Connection, sent: Row[Any], entries: Sequence[str] | None) -> list[Any]:
    """What goes again of a transmission: filings that stand in the version it carried, and wait to be sent."""
    carried = carried_by(conn, sent.id)
    known = {one.id: one for one in filings_of(conn, {one.filing_id for one in carried})}
    if sent.application in MANIFEST_SETS:
        # A message is one thing: it goes again whole while its manifest stands in that version and waits for it.
        stands = all(
            known[one.filing_id].version == one.version and FilingState(known[one.filing_id].state) in _WAITING
            for one in carried
        )
        return list(carried) if stands and _bills_wait(conn, carried) else []
    return [
        one
        for one in carried
        if known[one.filing_id].version == one.version
        and known[one.filing_id].state == FilingState.QUEUED.value
        and (entries is None or known[one.filing_id].entry_number in entries)
    ]


def _bills_wait(conn: Connection, carried: Sequence[Any]) -> bool:
    """Whether some bill of a message waits to be sent, if it has any: of another message they may have been taken."""
    keys = [one.shipment_key for one in carried if one.shipment_key]
    if not keys:
        return True
    bills = (known.facts.declarations.get("manifest") for known in load(conn, keys).values())
    return any(bill is not None and bill.state is FilingState.QUEUED for bill in bills)


def _draft(
    conn: Connection,
    ctx: FilingContext,
    sent: Row[Any],
    carries: Sequence[Any],
    entries: Collection[str] | None,
    now: datetime,
) -> Draft:
    kept = archive.read(conn, sent.archive_position)
    if kept is None:
        raise archive.ArchiveError(f"archive entry {sent.archive_position} of transmission {sent.id} is missing")
    identifier = uuid7()
    if sent.application in MANIFEST_SETS:
        identifier = _place_behind(conn, sent.id)
        (number,) = allocate(conn, interchange_sequence(ctx.partner), 1)
        payload = interchange_again(kept.entry.body, ctx.profile, number, now)
        name, control = f"{sent.application}-{sent.trip_number}-{number:09d}.x12", str(number)
        correlation = sent.correlation
    else:
        (number,) = allocate(conn, f"batch:{ctx.partner}", 1)
        control = correlation = batch_reference(number)
        known = {one.id: one.entry_number for one in filings_of(conn, {one.filing_id for one in carries}, lock=False)}
        wanted = None if entries is None else {str(known[one.filing_id]) for one in carries}
        payload = batch_again(kept.entry.body, wanted, correlation, eastern_day(now))
        name = f"{sent.application}-{ctx.filer.code}-{correlation}.txt"
    return Draft(
        id=identifier,
        name=name,
        application=sent.application,
        control_number=control,
        correlation=correlation,
        content_type=sent.content_type,
        payload=payload,
        trip_number=sent.trip_number,
        carries=tuple((one.filing_id, one.shipment_key) for one in carries),
        priority=sent.priority,
        versions=tuple(one.version for one in carries),
    )


def _place_behind(conn: Connection, sent: str) -> str:
    """The first free identifier behind that of a message, with which it goes before the messages that came after it."""
    place = following(sent)
    while conn.execute(select(t.transmissions.c.id).where(t.transmissions.c.id == place)).first():
        place = following(place)
    return place


def _tell(conn: Connection, sent: Row[Any], problem: Problem, now: datetime) -> None:
    text = f"{sent.name}, which CBP could not process, cannot be sent again: {problem.text}"
    named = {"trip_number": sent.trip_number, "transmission_id": sent.id}
    raise_alert(conn, Alert("cannot_send_again", text, "error", {"problem": problem.as_dict()}, **named), now)
