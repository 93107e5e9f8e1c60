"""Which of our files need nothing more, now that CBP has answered?

A message about a manifest that has its answer lets the next one of its trip go; one that CBP has judged after all, over
which its system had failed, goes not again. A manifest that went in several messages is on file when all of them are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from filings import asking
from filings.alerts import settle
from filings.awaited import Message, failed_messages, made_again, messages_of
from filings.lifecycle import FilingState
from filings.outbox import WITHDRAWN
from filings.store import tables as t
from mappings.outcomes import Outcome, ResponseReading

NOT_UNDERSTOOD: Final = "unknown"
"""Meaning of a 355 whose summary cannot be read: it is no answer, and its message waits on."""
SOME_REFUSED: Final = frozenset({"rejected", "try_again"})
"""Answers to a message about a manifest after which it is not on file as a whole, whatever its other messages are."""


def mark_what_is_answered(
    conn: Connection, reading: ResponseReading, message: Callable[[str], Message], now: datetime
) -> None:
    """Mark the transmissions that a file answers, so that the next one about a manifest may go.

    ``message``: which message about the manifest of a trip the 355 in hand answers.
    """
    if reading.kind.startswith("355"):
        verdicts = [one for one in reading.outcomes if one.trip_number and one.meaning != NOT_UNDERSTOOD]
        for number in sorted({one.trip_number for one in verdicts}):
            answered = message(number)
            if answered.sent is None:
                continue
            if answered.waits:
                mark_answered(conn, answered.sent.id, now)
            if all(one.meaning != "try_again" for one in verdicts if one.trip_number == number):
                _need_not_go_again(conn, answered.sent.id, now)
    reference = reading.control.get("user_data")
    if reference and any(one.source == "C1" for one in reading.outcomes):
        asking.answered(conn, str(reference), now)
    if reference and any(one.source == "SX" for one in reading.outcomes):
        conn.execute(
            update(t.transmissions)
            .where(
                t.transmissions.c.direction == "out",
                t.transmissions.c.correlation == str(reference),
                t.transmissions.c.answered_at.is_(None),
            )
            .values(answered_at=now)
        )


def mark_answered(conn: Connection, identifier: str, now: datetime) -> None:
    """A transmission has its answer."""
    this = update(t.transmissions).where(t.transmissions.c.id == identifier)
    conn.execute(this.values(answered_at=now))
    said: str | None = identifier
    while said is not None:  # in each envelope in which it has gone
        settle(conn, "answer_said_again", transmission_id=said, by="gateway", now=now)
        before = select(t.retries.c.transmission_id).where(t.retries.c.made_transmission_id == said)
        said = conn.execute(before).scalar()


def _need_not_go_again(conn: Connection, identifier: str, now: datetime) -> None:
    """CBP has judged a message after all, over which its system had failed: no retry of it is owed any more."""
    table = t.retries
    owed = (table.c.transmission_id == identifier) & table.c.made_at.is_(None)
    conn.execute(update(table).where(owed).values(made_at=now))
    out = t.transmissions.c
    free = {"lease_until": None, "lease_owner": None, "next_attempt_at": None}
    for new in sorted(made_again(conn, identifier)):
        unsent = (out.id == new) & (out.state == "queued") & out.doubt_since.is_(None)
        withdrawn = update(t.transmissions).where(unsent).values(state=WITHDRAWN, answered_at=now, **free)
        if conn.execute(withdrawn).rowcount:
            for kind in ("not_delivered", "transmission_refused", "receipt_overdue"):
                settle(conn, kind, transmission_id=new, by="gateway", now=now)


def settles_manifest(conn: Connection, outcome: Outcome, manifest: Row[Any], sent: Row[Any] | None) -> bool:
    """A manifest in several messages is on file when all of them are; one that is refused refuses it."""
    messages = messages_of(conn, outcome.trip_number)
    if len(messages) < 2 or outcome.meaning in SOME_REFUSED:
        return True
    failed = failed_messages(conn, outcome.trip_number)
    same = {sent.id, *made_again(conn, sent.id)} if sent is not None else set()
    others = (one for one in messages if one.id not in same)
    waiting = any(one.answered_at is None or one.id in failed for one in others)
    return not waiting and manifest.state != FilingState.REJECTED
