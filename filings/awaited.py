"""Which of our messages does an answer of CBP answer?

It repeats a control number of ours or our user data; a 355 only names the trip. So a trip has one unanswered message
about its manifest at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, func, or_, select

from filings import archive
from filings.outbox import CANCELLATIONS, WITHDRAWN
from filings.store import tables as t
from filings.versions import actions_of
from filings.wording import MANIFEST_SETS
from mappings.outcomes import ResponseReading

FIRST_TYPES: Final = "WP"
"""Types of the 309 that files a manifest; what came after it has its own."""
OF_A_FILE: Final = frozenset({"TA1", "997", "X1"})
"""Sources that answer a whole transmission of ours."""
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
        wanted = str(value)
        if column == "control_number" and wanted.isascii() and wanted.isdigit():
            wanted = wanted.lstrip("0") or "0"  # as it is kept; a foreign one may have more digits than a number can
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


@dataclass(frozen=True, slots=True)
class Message:
    """The message about a manifest that a 355 answers, and the version it carried; ``None`` where there is none.

    ``waits``: no 355 has judged it yet. ``several``: more than one may be meant, and which one cannot be known.
    """

    sent: Row[Any] | None = None
    version: int | None = None
    waits: bool = False
    several: bool = False


def message_of(conn: Connection, reading: ResponseReading, trip_number: str) -> Message:
    """Which 309, 358 or 353 of a trip a 355 answers; the answer itself says only its trip, its type and how many bills.

    The one that waits for its answer. If none does: one over which CBP's system has failed, and that has not gone in a
    new envelope yet, or that was refused by its envelope (TA1, 997), for the same bytes may have reached CBP once more,
    and it has judged them after all. Else it is one more word on what has been answered. What went in a new envelope is
    that, not what it was before.
    """
    kind, bills = _told_by(reading, trip_number)
    left = [one for one in messages_of(conn, trip_number) if one.state in GONE]
    failed = failed_messages(conn, trip_number)
    waiting = next((one for one in left if one.answered_at is None), None)
    if waiting is not None:
        return _message(conn, waiting, waits=True)
    superseded = _superseded(conn, trip_number)
    found = [one for one in left if one.id not in superseded]
    if kind:
        found = [one for one in found if kind in _types_of(conn, one.id)] or found
    if bills is not None:
        found = [one for one in found if _bills_of(conn, one) in (None, bills)] or found
    unread = [one for one in found if one.id in failed or _refused_unread(conn, one)]
    if len(found) == 1:
        return _message(conn, found[0], waits=bool(unread))
    if len(unread) == 1 and all(_accepted_whole(conn, one) for one in found if one is not unread[0]):
        return _message(conn, unread[0], waits=True)
    return Message(several=len(found) > 1)


def _message(conn: Connection, sent: Row[Any], *, waits: bool) -> Message:
    table = t.transmission_filings
    query = select(func.max(table.c.version)).where(table.c.transmission_id == sent.id)
    return Message(sent, conn.execute(query).scalar(), waits)


def _told_by(reading: ResponseReading, trip_number: str) -> tuple[str, int | None]:
    """The type of manifest that a 355 repeats, and the number of bills it has judged, as far as it says so."""
    for one in reading.outcomes:
        if one.source == "355" and one.scope == "trip" and one.place == "K3" and one.trip_number == trip_number:
            counts = (one.correlation.get("accepted"), one.correlation.get("rejected"))
            known = [int(count) for count in counts if count is not None]
            return str(one.correlation.get("manifest_type") or ""), sum(known) if len(known) == len(counts) else None
    return "", None


def _bills_of(conn: Connection, sent: Row[Any]) -> int | None:
    """How many bills a 309 names; ``None`` for another message, and for one that speaks of the trip alone."""
    if sent.application != "309":
        return None
    table = t.transmission_filings
    query = select(func.count(table.c.shipment_key.distinct())).where(table.c.transmission_id == sent.id)
    return int(conn.execute(query).scalar_one()) or None


def _types_of(conn: Connection, identifier: str) -> tuple[str, ...]:
    """The types of manifest that CBP may repeat of a message: of the first version it is complete or preliminary."""
    filings = {one.filing_id: one.version for one in carried_by(conn, identifier)}
    actions = actions_of(conn, filings)
    found = {actions.get(place, "") for place in filings.items()}
    return tuple(kind for one in found for kind in (one or FIRST_TYPES))


def _accepted_whole(conn: Connection, sent: Row[Any]) -> bool:
    """Whether every bill of a message is on file."""
    mine = t.transmission_filings.c.transmission_id == sent.id
    query = (
        select(t.shipments.c.manifest_state)
        .join(t.transmission_filings, t.transmission_filings.c.shipment_key == t.shipments.c.key)
        .where(mine)
    )
    return set(conn.execute(query.distinct()).scalars()) == {"accepted"}


def _superseded(conn: Connection, trip_number: str) -> set[str]:
    """Messages that have gone again in a new envelope."""
    query = select(t.retries.c.transmission_id).where(t.retries.c.trip_number == trip_number, _has_left().exists())
    return set(conn.execute(query).scalars())


def failed_messages(conn: Connection, trip_number: str) -> set[str]:
    """Messages that CBP's system has failed over, and that have not gone again in a new envelope yet, and are to."""
    table = t.retries
    owed = table.c.made_at.is_(None) | (table.c.made_transmission_id.is_not(None) & ~_has_left().exists())
    query = select(table.c.transmission_id).where(table.c.trip_number == trip_number, owed)
    return set(conn.execute(query).scalars())


def made_again(conn: Connection, transmission: str) -> set[str]:
    """The new envelope in which a message goes again, if one was made."""
    table = t.retries
    query = select(table.c.made_transmission_id).where(table.c.transmission_id == transmission)
    return set(conn.execute(query.where(table.c.made_transmission_id.is_not(None))).scalars())


def _has_left() -> Select[Any]:
    """The new envelope of a retry, once the partner may have it."""
    out = t.transmissions.alias("again")
    return select(out.c.id).where(out.c.id == t.retries.c.made_transmission_id, out.c.state.in_(GONE))


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
    if any(one.answered_at is None for one in messages_of(conn, trip_number)):
        return True
    return goes_again(conn, trip_number)


def owed(transmission: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether this transmission is to go again in a new envelope that is not made yet."""
    table = t.retries
    return select(table.c.id).where(table.c.transmission_id == transmission, table.c.made_at.is_(None)).exists()


def held_back(out: FromClause) -> ColumnElement[bool]:
    """Whether a message of ours waits for an earlier one of its trip."""
    return or_(_behind_a_message(out), _behind_cancellations(out))


def _behind_a_message(out: FromClause) -> ColumnElement[bool]:
    """About a manifest: an earlier one has no answer yet, or is to go again. What comes after that may complete the
    manifest, which then takes no more bills.
    """
    earlier = t.transmissions.alias("earlier")
    before = select(earlier.c.id).where(
        earlier.c.direction == "out",
        earlier.c.application.in_(MANIFEST_SETS),
        earlier.c.trip_number == out.c.trip_number,
        earlier.c.id < out.c.id,
        or_(earlier.c.answered_at.is_(None), owed(earlier.c.id)),
        earlier.c.state != WITHDRAWN,
    )
    return and_(out.c.application.in_(MANIFEST_SETS), before.exists())


def _behind_cancellations(out: FromClause) -> ColumnElement[bool]:
    """Entries: CBP may not have the cancellations before them yet, or its system has failed over them. Of a shipment
    whose entry goes for another one it would have two, if that overtook.
    """
    earlier = t.transmissions.alias("cancelling")
    before = select(earlier.c.id).where(
        earlier.c.direction == "out",
        earlier.c.application == out.c.application,
        earlier.c.priority == CANCELLATIONS,
        earlier.c.trip_number == out.c.trip_number,
        earlier.c.id < out.c.id,
        or_(
            and_(earlier.c.answered_at.is_(None), earlier.c.state.not_in(("delivered", WITHDRAWN))),
            owed(earlier.c.id),
        ),
    )
    return and_(out.c.application == "SE", out.c.priority > CANCELLATIONS, before.exists())


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
            sent = message_of(conn, reading, outcome.trip_number).sent
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
