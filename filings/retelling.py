"""What does a refusal of CBP's mean for what we sent, and how often?

The table of :mod:`mappings.outcomes_refusals` says which refusals are none. Here they meet our books: a failure of
CBP's own is tried again as long as that makes sense, and then it stands as the refusal that it was; *already on file*
is believed of what we sent more than once, since then it may be what the first time did.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from filings.alerts import Alert
from filings.awaited import failed_messages, find_sent, message_of
from filings.lifecycle import FilingState
from filings.patience import RetryPatience, next_try
from filings.retrying import attempts_of
from filings.store import tables as t
from filings.uuid7 import uuid7
from filings.wording import MANIFEST_SETS
from mappings.outcomes import Outcome, ResponseReading
from mappings.outcomes_refusals import REFUSING, Refusal, Subject, excused, subject_of


@dataclass(slots=True)
class Retelling:
    """An answer with its refusals told as what they are, and what is to go again."""

    reading: ResponseReading
    retries: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


def retold(conn: Connection, reading: ResponseReading, patience: RetryPatience, now: datetime) -> Retelling:
    """The reading as our books see it; writes nothing."""
    told = Retelling(reading)
    if any(one.source == "C1" for one in reading.outcomes):
        return _asked_for(conn, told, now)
    rows = excused(reading.outcomes)
    if not rows:
        return told
    sent: dict[str, Row[Any]] = {}
    meanings: dict[Subject, str] = {}
    failed: dict[str, list[tuple[Outcome, Refusal]]] = {}
    for one in reading.outcomes:
        row = rows.get(subject_of(one))
        if row is None or one.meaning not in REFUSING:
            continue
        answered, judged = _answered(conn, reading, one)
        if answered is None:
            continue
        if judged and row.kind == "try_again":
            meanings[subject_of(one)] = row.kind  # said of bytes that CBP has judged: they need not go again
            continue
        sent[answered.id] = answered
        if row.kind == "try_again":
            failed.setdefault(answered.id, []).append((one, row))
        elif row.kind == "known_before" or _went_before(conn, answered):
            meanings[subject_of(one)] = row.kind
    for identifier, outcomes in failed.items():
        if _again(conn, sent[identifier], outcomes, told, patience, now):
            meanings |= {subject_of(one): "try_again" for one, _row in outcomes}
    changed = (
        replace(one, meaning=meanings[subject_of(one)])
        if one.meaning in REFUSING and subject_of(one) in meanings
        else one
        for one in reading.outcomes
    )
    told.reading = replace(reading, outcomes=tuple(changed))
    return told


def _answered(conn: Connection, reading: ResponseReading, one: Outcome) -> tuple[Row[Any] | None, bool]:
    """What an outcome answers, and whether CBP has judged that before."""
    if one.source != "355":
        return find_sent(conn, one.correlation), False
    found = message_of(conn, reading, one.trip_number)
    return found.sent, not found.waits


def _went_before(conn: Connection, sent: Row[Any]) -> bool:
    """Whether what a transmission carries has left us more than once, in it or in one that failed."""
    again = select(t.retries.c.id).where(t.retries.c.made_transmission_id == sent.id)
    return bool(sent.attempts > 1 or conn.execute(again).first() is not None)


def _asked_for(conn: Connection, told: Retelling, now: datetime) -> Retelling:
    """What CBP has of an entry that we asked for, as far as that settles what we do not know of it.

    An entry on file is an acceptance of its first version only: whether CBP has taken a change shows nowhere in it. One
    that is not on file goes again at once, under its number, if we have sent it and know of no answer.
    """
    changed: list[Outcome] = []
    for one in told.reading.outcomes:
        filing = None
        if one.source == "C1" and one.meaning in ("entry_exists", "not_on_file"):
            mine = (t.filings.c.entry_number == one.entry_number) & (t.filings.c.kind == "entry")
            filing = conn.execute(select(t.filings).where(mine)).first()
        if filing is None:
            changed.append(one)
            continue
        first = filing.version == 1
        if one.meaning == "entry_exists":
            changed.append(replace(one, meaning="accepted" if first else "info"))
            continue
        changed.append(one if first else replace(one, meaning="warning"))
        if first and filing.state in _LOST:
            told.retries += [_lost(row, one, now) for row in _carrying(conn, filing)]
    told.reading = replace(told.reading, outcomes=tuple(changed))
    return told


_LOST: Final = (FilingState.SENT.value, FilingState.IN_DOUBT.value)


def _carrying(conn: Connection, filing: Row[Any]) -> list[Row[Any]]:
    """The last file that carried the first version of an entry."""
    carried = select(t.transmission_filings.c.transmission_id).where(t.transmission_filings.c.filing_id == filing.id)
    query = select(t.transmissions).where(t.transmissions.c.id.in_(carried)).order_by(t.transmissions.c.id.desc())
    return list(conn.execute(query.limit(1)))


def _lost(sent: Row[Any], told: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "transmission_id": sent.id,
        "trip_number": sent.trip_number,
        "attempt": 1,
        "first_failed_at": now,
        "due_at": now,
        "source": told.source,
        "code": told.code or None,
        "text": told.text or None,
        "entries": [told.entry_number],
    }


def _again(
    conn: Connection,
    sent: Row[Any],
    outcomes: list[tuple[Outcome, Refusal]],
    told: Retelling,
    patience: RetryPatience,
    now: datetime,
) -> bool:
    """Whether what failed of a transmission goes again; if not any more, a person is told."""
    if sent.application in MANIFEST_SETS and sent.id in failed_messages(conn, sent.trip_number):
        return True  # the same bytes have failed twice: they go again in one new envelope
    first, row = outcomes[0]
    attempts = attempts_of(conn, sent.id, now)
    tries = max(row.tries for _one, row in outcomes)
    due_at = next_try(attempts, patience, now, tries=tries)
    if due_at is None:
        times = "once" if attempts.failed == 1 else f"{attempts.failed} times"
        text = (
            f"CBP could not process {sent.name} ({first.text or first.code}), {times} since "
            f"{attempts.first_failed_at:%Y-%m-%d %H:%M} UTC. It does not go again by itself: look for a message of "
            "CBP's about it, or call the client representative."
        )
        detail = {"source": first.source, "code": first.code, "text": first.text, "reference": row.reference}
        named = {"trip_number": sent.trip_number, "transmission_id": sent.id}
        told.alerts.append(Alert("system_failure_persists", text, "error", detail, **named))
        return False
    entries = sorted({one.entry_number for one, _row in outcomes if one.source == "SX"})
    told.retries.append(
        {
            "id": uuid7(),
            "transmission_id": sent.id,
            "trip_number": sent.trip_number,
            "attempt": attempts.failed,
            "first_failed_at": attempts.first_failed_at,
            "due_at": due_at,
            "source": first.source,
            "code": first.code or None,
            "text": first.text or None,
            "entries": entries or None,
        }
    )
    return True


def keep(conn: Connection, told: Retelling) -> None:
    """Keep what is to go again."""
    if told.retries:
        conn.execute(insert(t.retries), told.retries)
