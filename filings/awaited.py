"""Which of our messages does an answer of CBP answer?

It repeats a control number of ours or our user data; a 355 only names the trip. So a trip has one unanswered message
about its manifest at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings import archive
from filings.store import tables as t
from filings.wording import MANIFEST_SETS
from mappings.outcomes import ResponseReading

GONE: Final = ("sending", "awaiting_receipt", "in_doubt", "delivered")
"""States of a transmission that the partner may have."""


def find_sent(conn: Connection, names: Mapping[str, Any]) -> Row[Any] | None:
    """The transmission an answer names, by the control numbers or the user data it repeats."""
    for column, value in (
        ("control_number", names.get("group_control") or names.get("interchange_control")),
        ("correlation", names.get("user_data") or names.get("reference")),
    ):
        if not value:
            continue
        wanted = str(int(value)) if column == "control_number" and str(value).isdigit() else str(value)
        query = (
            select(t.transmissions)
            .where(t.transmissions.c.direction == "out", t.transmissions.c[column] == wanted)
            .order_by(t.transmissions.c.id.desc())
            .limit(1)
        )
        found = conn.execute(query).first()
        if found is not None:
            return found
    return None


def unanswered_message(conn: Connection, trip_number: str) -> Row[Any] | None:
    """The one 309, 358 or 353 of a trip that has left and waits for its 355; the answer itself does not say which."""
    waiting = (one for one in messages_of(conn, trip_number) if one.answered_at is None and one.state in GONE)
    return next(waiting, None)


def awaits_answer(conn: Connection, trip_number: str) -> bool:
    """Whether some message about the trip's manifest, sent or still to be sent, has no answer of CBP's yet."""
    if any(one.answered_at is None and one.state != "refused" for one in messages_of(conn, trip_number)):
        return True
    return goes_again(conn, trip_number)


def goes_again(conn: Connection, trip_number: str) -> bool:
    """Whether a message about the trip's manifest that CBP could not process is to go again."""
    failed = t.retries.join(t.transmissions, t.transmissions.c.id == t.retries.c.transmission_id)
    query = (
        select(t.retries.c.id)
        .select_from(failed)
        .where(
            t.retries.c.trip_number == trip_number,
            t.retries.c.made_at.is_(None),
            t.transmissions.c.application.in_(MANIFEST_SETS),
        )
    )
    return conn.execute(query.limit(1)).first() is not None


def messages_of(conn: Connection, trip_number: str) -> Sequence[Row[Any]]:
    """The messages about the manifest of a trip in their order."""
    query = (
        select(t.transmissions)
        .where(
            t.transmissions.c.direction == "out",
            t.transmissions.c.application.in_(MANIFEST_SETS),
            t.transmissions.c.trip_number == trip_number,
        )
        .order_by(t.transmissions.c.id)
    )
    return conn.execute(query).all()


def answered_bytes(conn: Connection, reading: ResponseReading) -> bytes | None:
    """What this answer refuses, as it was sent: with it each fault finds its shipment, line and party."""
    for outcome in reading.outcomes:
        if outcome.meaning not in ("rejected", "syntax_rejected"):
            continue
        if outcome.source == "355":
            sent = unanswered_message(conn, outcome.trip_number)
        else:
            sent = find_sent(conn, outcome.correlation)
        kept = archive.read(conn, sent.archive_position) if sent is not None else None
        return kept.entry.body if kept is not None else None
    return None


def carried_by(conn: Connection, identifier: str) -> Sequence[Any]:
    """What a transmission carries, in its order: filings, versions and shipments."""
    table = t.transmission_filings
    query = select(table.c.filing_id, table.c.shipment_key, table.c.version).where(
        table.c.transmission_id == identifier
    )
    return conn.execute(query.order_by(table.c.position)).all()
