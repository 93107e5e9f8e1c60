"""What do CBP's answers do to what we know?

An answer is committed as bytes before its receipt is given, then read, then applied, each in its own
transaction: a crash repeats the last step, and every step may be repeated. Bytes that are not what
they claim stay in the archive and are raised to a person; so is an answer that matches nothing, and a file
over which this program itself fails, time and again: it must not keep back those behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from filings import archive, retelling, said_again
from filings.alerts import Alert, raise_alert
from filings.holding import hold_answers, hold_trips
from filings.matching import Matcher
from filings.moves import Moves
from filings.patience import RETRIES, RetryPatience
from filings.progress import write
from filings.quick_answers import LEFT, in_lane, untried_first
from filings.store import tables as t
from filings.store.database import hold_journal
from filings.store.leases import claim, settle
from filings.uuid7 import uuid7
from mappings.outcomes import Outcome, ResponseReading, read_response
from schemas.errors import Problem
from schemas.plain_text import UNFIT
from schemas.profile import Profile

LEASE: Final = timedelta(minutes=3)
"""Longer than reading and applying some files may take, so that nobody reads them a second time."""
TRIES: Final = 3
"""Failures over a file after which it is left to a person."""
NAME_LENGTH: Final = 200
"""Characters of a foreign file's name that are kept; the archive adds whose it is."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A file that came in, before anything is made of it."""

    partner: str
    channel: str
    name: str
    content_type: str
    payload: bytes = field(repr=False)
    message_id: str
    envelope: bytes = field(default=b"", repr=False)
    detail: Mapping[str, Any] = field(default_factory=dict)


REFUSED_KEPT: Final = 64 * 1024
"""Bytes kept of a message that was refused at the door."""


def receive(conn: Connection, inbound: Inbound, now: datetime) -> str | None:
    """Commit the bytes; the transmission's id, or ``None`` when this message came before."""
    message_id = kept_message_id(inbound.message_id)
    hold_journal(conn)  # the archive needs it anyway; held now, of two processes given one message one sees the other's
    same = (t.transmissions.c.direction == "in") & (t.transmissions.c.message_id == message_id)
    if conn.execute(select(t.transmissions.c.id).where(same)).first():
        return None
    identifier, name = uuid7(), printable(inbound.name)[:NAME_LENGTH]
    content_type = printable(inbound.content_type)[:100]
    digest = hashlib.sha256(inbound.payload).hexdigest()
    entries = [
        archive.Entry(
            archive.EntryKind.TRANSMISSION,
            f"from {inbound.partner}: {name}",
            inbound.payload,
            now,
            content_type,
            actor=inbound.partner,
            transmission_id=identifier,
        )
    ]
    if inbound.envelope:
        entries.append(
            archive.Entry(
                archive.EntryKind.TRANSMISSION,
                f"envelope from {inbound.partner}: {name}",
                inbound.envelope,
                now,
                "application/octet-stream",
                actor=inbound.partner,
                transmission_id=identifier,
            )
        )
    position = archive.append(conn, entries)[0]
    conn.execute(
        insert(t.transmissions).values(
            id=identifier,
            direction="in",
            partner=inbound.partner,
            channel=inbound.channel,
            name=name,
            correlation=digest,
            content_type=content_type,
            payload_digest=digest,
            payload_size=len(inbound.payload),
            archive_position=position,
            state="received",
            message_id=message_id,
            receipt=dict(inbound.detail),
            created_at=now,
            delivered_at=now,
        )
    )
    return identifier


def kept_message_id(message_id: str) -> str:
    """The message id as a column takes it: one that is too long, or a file's name that is no text, by its digest."""
    if len(message_id) <= 255 and not UNFIT.search(message_id):
        return message_id
    return f"sha256:{hashlib.sha256(message_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


def refuse(
    conn: Connection, partner: str, headers: Mapping[str, str], body: bytes, problems: Sequence[Any], now: datetime
) -> None:
    """Keep what was not taken in (unverifiable, tampered with, not for us) and raise it.

    Nobody vouches for such bytes, so only their beginning is kept, with the digest of all: a stranger must
    not be able to fill the archive.
    """
    shown = printable([problem.as_dict() for problem in problems])
    digest = hashlib.sha256(body).hexdigest()
    lines = "\r\n".join(f"{name}: {value}" for name, value in headers.items()).encode("utf-8", "replace")
    entry = archive.Entry(
        archive.EntryKind.TRANSMISSION,
        f"refused at the door for {partner}: {len(body)} bytes, sha256 {digest}",
        lines[:REFUSED_KEPT] + b"\r\n\r\n" + body[:REFUSED_KEPT],
        now,
        "application/octet-stream",
        actor="unverified sender",
    )
    position = archive.append(conn, [entry])[0]
    text = printable(f"A message was refused: {problems[0].text}") if problems else "A message was refused."
    raise_alert(conn, Alert("message_refused", text, "warning", {"problems": shown, "archive_position": position}), now)


def read_answer(payload: bytes, profile: Profile, *, sent: bytes | None = None) -> ResponseReading:
    """What a file of CBP says, in text that can be kept: a damaged file may hold NUL and the like."""
    reading = read_response(payload, profile, sent=sent)
    if not UNFIT.search(payload.decode("latin-1")):
        return reading
    return replace(
        reading,
        outcomes=tuple(replace(one, **printable(_fields(one))) for one in reading.outcomes),
        problems=tuple(replace(one, **printable(_fields(one))) for one in reading.problems),
        control=printable(reading.control),
    )


def printable(value: Any) -> Any:
    """The same value with what cannot be kept shown as a replacement character wherever text holds it."""
    if isinstance(value, str):
        return UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {printable(key): printable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(printable(one) for one in value)
    return value


def _fields(value: Outcome | Problem) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def take(
    conn: Connection,
    owner: str,
    *,
    wall: datetime,
    lease: timedelta = LEASE,
    limit: int = 20,
    express: bool | None = None,
) -> list[tuple[str, bytes]]:
    """Take received files that have not been read yet, oldest first, under a lease; :func:`apply` ends it.

    Those over which we have failed come last (:func:`set_back`).

    ``express``: only those of one lane (:mod:`filings.quick_answers`), or of both.
    """
    unread = (t.transmissions.c.direction == "in") & (t.transmissions.c.state == "received")
    rows = claim(
        conn,
        t.transmissions,
        where=unread if express is None else unread & in_lane(express),
        owner=owner,
        now=wall,
        lease=lease,
        limit=limit,
        order_by=untried_first(),
        columns=(t.transmissions.c.archive_position,),
    )
    files: list[tuple[str, bytes]] = []
    for row in rows:
        kept = archive.read(conn, row["archive_position"])
        if kept is None:
            raise archive.ArchiveError(f"archive entry {row['archive_position']} is missing")
        files.append((row["id"], kept.entry.body))
    return files


def put_back(conn: Connection, identifier: str, owner: str) -> None:
    """Let a file that could not be applied be taken again at once, through no fault of its own."""
    settle(conn, t.transmissions, identifier, owner, {})


def set_back(conn: Connection, identifier: str, owner: str, fault: Exception, now: datetime) -> None:
    """Reading or applying a file has failed: it is taken again behind the others, and after :data:`TRIES` failures
    it is ``unreadable`` and raised to a person. Its bytes stay in the archive. The priority counts the failures.
    """
    query = select(t.transmissions).where(t.transmissions.c.id == identifier, t.transmissions.c.lease_owner == owner)
    row = conn.execute(query.with_for_update()).first()
    if row is None or row.state != "received":
        return  # somebody else has it, or it was applied after all
    priority = max(row.priority, LEFT) + 1
    values: dict[str, Any] = {"priority": priority}
    if priority >= LEFT + TRIES:
        values |= {"state": "unreadable", "answered_at": now}
        cause = type(fault).__name__
        text = (
            f"{row.name} from {row.partner} could not be read or applied, {TRIES} times: the gateway itself failed "
            f"over it ({cause}). Nothing of it is applied. Its bytes are kept as they came: a person must look at them "
            "(`gateway inspect`) and see what it says in ACE."
        )
        detail = {"fault": cause, "archive_position": row.archive_position}
        raise_alert(conn, Alert("unreadable_answer", text, "error", detail, transmission_id=identifier), now)
    settle(conn, t.transmissions, identifier, owner, values)


def apply(
    conn: Connection,
    identifier: str,
    reading: ResponseReading,
    now: datetime,
    patience: RetryPatience = RETRIES,
) -> bool:
    """Apply one reading; ``False`` if it had been applied before. One transaction, whatever its size.

    Whoever has the reading may apply it, also one whose lease ran out: the state says whether it was done.

    The same bytes in another message say nothing new: a 355 that is repeated must not be taken for the answer to
    the next 309 of its trip. Nor must one that is repeated in a new envelope (:mod:`filings.said_again`).
    """
    hold_answers(conn)
    hold_trips(conn, {one.trip_number for one in reading.outcomes if one.trip_number})
    row = conn.execute(select(t.transmissions).where(t.transmissions.c.id == identifier).with_for_update()).one()
    if row.state != "received":
        return False
    again = None if (came_before := _came_before(conn, row)) else said_again.said_again(conn, reading)
    if again is not None and again.waiting is not None:
        raise_alert(conn, said_again.raised(row, again.waiting), now)
    if came_before or again is not None:
        repeated = {"state": "repeated", "application": reading.kind[:40] or None, "answered_at": now, **_NO_LEASE}
        conn.execute(update(t.transmissions).where(t.transmissions.c.id == identifier).values(repeated))
        return False
    moves = Moves()
    told = retelling.retold(conn, reading, patience, now)
    retelling.keep(conn, told)
    moves.alerts += told.alerts
    reading = told.reading
    matcher = Matcher(conn, row, reading, moves, now)
    matcher.run()
    faults = [problem for problem in reading.problems if problem.severity == "error"]
    if faults:
        shown = [problem.as_dict() for problem in faults[:50]]
        text = f"{row.name} is not what it claims to be: {faults[0].text}"
        moves.alerts.append(Alert("unreadable_answer", text, "error", {"problems": shown}, transmission_id=identifier))
    conn.execute(
        update(t.transmissions)
        .where(t.transmissions.c.id == identifier)
        .values(
            state="unreadable" if faults and not reading.outcomes else "processed",
            application=reading.kind[:40] or None,
            answered_at=now,
            **_NO_LEASE,
        )
    )
    if matcher.rows:
        conn.execute(insert(t.outcomes), matcher.rows)
    write(conn, moves, now)
    return True


_NO_LEASE: Final[Mapping[str, Any]] = {"lease_until": None, "lease_owner": None}


def _came_before(conn: Connection, row: Row[Any]) -> bool:
    same = (
        (t.transmissions.c.direction == "in")
        & (t.transmissions.c.state == "processed")
        & (t.transmissions.c.correlation == row.payload_digest)
    )
    return conn.execute(select(t.transmissions.c.id).where(same).limit(1)).first() is not None
