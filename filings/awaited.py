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
from filings.versions import actions_of
from filings.wording import MANIFEST_SETS
from mappings.outcomes import ResponseReading

FIRST_TYPES: Final = "WP"
"""Types of the 309 that files a manifest; what came after it has its own."""
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
    """The one 309, 358 or 353 of a trip that has left and waits for its 355; the answer itself does not say which.

    If none waits, a 355 is about the newest one over which CBP's system has failed, and that has not gone in a new
    envelope yet; or about the last one, if it was refused by its envelope (TA1, 997). The same bytes may have reached
    CBP once more, and it has judged them after all.
    """
    left = [one for one in messages_of(conn, trip_number) if one.state in GONE]
    waiting = next((one for one in left if one.answered_at is None), None)
    if waiting is not None or not left:
        return waiting
    failed = failed_messages(conn, trip_number)
    again = next((one for one in reversed(left) if one.id in failed), None)
    return again or (left[-1] if _refused_unread(conn, left[-1]) else None)


def answered_before(conn: Connection, trip_number: str, kind: str) -> list[Row[Any]]:
    """Messages that a 355 may be about when none waits for one: it is one more word on what has been answered.

    ``kind`` is the type of manifest that the 355 repeats, if it does. If there are several, which one is meant cannot
    be known. What went in a new envelope is that, not what it was before.
    """
    again = select(t.retries.c.transmission_id).where(
        t.retries.c.trip_number == trip_number, t.retries.c.made_transmission_id.is_not(None)
    )
    superseded = set(conn.execute(again).scalars())
    left = [one for one in messages_of(conn, trip_number) if one.state in GONE and one.id not in superseded]
    if kind:
        left = [one for one in left if kind in _types_of(conn, one.id)] or left
    return left


def _types_of(conn: Connection, identifier: str) -> tuple[str, ...]:
    """The types of manifest that CBP may repeat of a message: of the first version it is complete or preliminary."""
    filings = {one.filing_id: one.version for one in carried_by(conn, identifier)}
    actions = actions_of(conn, filings)
    found = {actions.get(place, "") for place in filings.items()}
    return tuple(kind for one in found for kind in (one or FIRST_TYPES))


def failed_messages(conn: Connection, trip_number: str) -> set[str]:
    """Messages that CBP's system has failed over, and that are to go again in a new envelope."""
    query = select(t.retries.c.transmission_id).where(
        t.retries.c.trip_number == trip_number, t.retries.c.made_at.is_(None)
    )
    return set(conn.execute(query).scalars())


def _refused_unread(conn: Connection, sent: Row[Any]) -> bool:
    """Whether a message was refused by its envelope: no content of it has been judged."""
    table = t.outcomes
    query = select(table.c.document).where(
        table.c.trip_number == sent.trip_number,
        table.c.meaning == "syntax_rejected",
        table.c.source.in_(("TA1", "997")),
    )
    named = [document["correlation"] for document in conn.execute(query).scalars()]
    return sent.control_number in {
        str(one.get("group_control") or one.get("interchange_control") or "") for one in named
    }


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
