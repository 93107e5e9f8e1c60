"""Which receipts do we still owe, and when are they posted?

A partner may ask for its receipt not in the answer but posted to an address. Such a receipt is committed together with
the message it is for; a worker posts it, as often as it takes, with growing pauses, until it is taken or a day has
passed. What is posted is always the same bytes: a message that comes again gets the very same receipt again.

Leases and pauses run on the machine's clock (``wall``), as those of :mod:`filings.sending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from filings.alerts import Alert, raise_alert, settle
from filings.store import tables as t
from filings.store.leases import claim
from filings.store.leases import settle as settle_lease
from filings.uuid7 import uuid7

LEASE: Final = timedelta(minutes=2)
"""Longer than one posting may take."""
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
ALERT_AFTER: Final = 5
"""Failed attempts after which somebody is told."""
GIVE_UP_AFTER: Final = timedelta(days=1)
"""A partner that still wants a receipt so late sends its message again, and the receipt is owed anew."""
MOST_OF_STRANGERS: Final = 1000
"""Receipts waiting for one partner beyond which no more are kept for messages that nobody vouches for."""
NOT_GIVEN: Final = "receipt_not_given"


@dataclass(frozen=True, slots=True)
class Owed:
    """A receipt to be posted: whose, where, its own Message-ID, its header and its bytes."""

    partner: str
    url: str
    message_id: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    about: str
    """Message-ID of the message it is for."""
    transmission_id: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt taken for posting, for the ``attempts``-th time."""

    id: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    attempts: int


def owe(conn: Connection, owed: Owed, wall: datetime, *, vouched: bool = True) -> bool:
    """Keep a receipt that is to be posted; one that was kept before is due anew, where it is wanted now.

    ``vouched`` false: the message was refused, so it may be anybody's, and ``False`` says that no more are kept.
    """
    table = t.owed_receipts
    due = {"url": owed.url, "state": "waiting", "attempts": 0, "next_attempt_at": wall, "wanted_at": wall}
    known = conn.execute(update(table).where(table.c.message_id == owed.message_id).values(due)).rowcount
    if known:
        return True
    if not vouched:
        waiting = and_(table.c.state == "waiting", table.c.partner == owed.partner)
        if conn.execute(select(func.count()).where(waiting)).scalar_one() >= MOST_OF_STRANGERS:
            return False
    conn.execute(
        insert(table).values(
            id=uuid7(),
            partner=owed.partner,
            message_id=owed.message_id,
            about=owed.about,
            transmission_id=owed.transmission_id,
            headers=dict(owed.headers),
            body=owed.body,
            **due,
        )
    )
    return True


def take(conn: Connection, partner: str, owner: str, limit: int, wall: datetime, lease: timedelta = LEASE) -> list[Due]:
    """Take up to ``limit`` receipts that are due, the longest due first."""
    table = t.owed_receipts
    due = and_(
        table.c.partner == partner,
        table.c.state == "waiting",
        or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= wall),
    )
    rows = claim(
        conn,
        table,
        where=due,
        owner=owner,
        now=wall,
        lease=lease,
        limit=limit,
        order_by=(table.c.next_attempt_at, table.c.id),
        columns=[table.c[name] for name in ("url", "headers", "body", "attempts")],
    )
    return [Due(row["id"], row["url"], row["headers"], row["body"], row["attempts"] + 1) for row in rows]


def given(conn: Connection, due: Due, owner: str, *, now: datetime, wall: datetime) -> None:
    """The partner has taken it."""
    values = {"state": "given", "given_at": wall, "next_attempt_at": None}
    if settle_lease(conn, t.owed_receipts, due.id, owner, values):
        about = conn.execute(select(t.owed_receipts.c.transmission_id).where(t.owed_receipts.c.id == due.id)).scalar()
        if about is not None:
            settle(conn, NOT_GIVEN, transmission_id=about, by="gateway", now=now)


def not_given(
    conn: Connection, due: Due, owner: str, reason: str, *, now: datetime, wall: datetime, hopeless: bool = False
) -> None:
    """It was not taken, for ``reason``: it is posted again later, unless it is ``hopeless`` or too old."""
    table = t.owed_receipts
    row = conn.execute(select(table).where(table.c.id == due.id)).one()
    over = hopeless or wall - row.wanted_at >= GIVE_UP_AFTER
    doublings: int = min(due.attempts - 1, 16)
    pause = min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    values = {"state": "given_up" if over else "waiting", "next_attempt_at": None if over else wall + pause}
    if not settle_lease(conn, table, due.id, owner, values):
        return
    if over or due.attempts >= ALERT_AFTER:
        end = "It is not tried any more." if over else "It is tried again."
        text = (
            f"The receipt for the partner's message {row.about[:200]} could not be posted to {row.url}: {reason} {end}"
        )
        detail: dict[str, Any] = {"about": row.about, "url": row.url, "attempts": due.attempts, "reason": reason}
        raise_alert(conn, Alert(NOT_GIVEN, text, "warning", detail, transmission_id=row.transmission_id), now)
