"""How does a transmission go out once in effect, whatever happens to the machine?

Rules:

- The payload is committed when the transmission is queued (:mod:`filings.outbox`); the signed, enveloped bytes are
  committed before the socket opens. What is sent again is always those same bytes under the same message id.
- A worker takes a transmission under a lease. A lease that ran out means that a worker died: what it had
  begun to send is *in doubt* and is settled by sending the same bytes again.
- One trip has at most one unanswered 309, 358 or 353: the answer does not carry our control numbers. They go in their
  order, in which a retry stands where the message stood over which CBP's system failed.
- Entries wait until the cancellations asked for before them have left, for one may take the place of another.
- Leases and pauses run on the machine's clock (``wall``); ``now`` is the clock of the business, which a
  demonstration may set.
- "Delivered" is the partner's signed receipt. It says nothing about CBP.
- A refusal by the partner (a negative receipt) is raised to a person and tried again later in a fresh
  envelope around the same payload: nothing was taken in, so nothing can be doubled.
- A partner that posts its receipts later has been handed the bytes, which is not a receipt. If none has come by its
  time, that is doubt as any other. What a receipt that comes then does, see :mod:`filings.late_receipts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, and_, case, or_, select

from filings import archive
from filings.alerts import Alert, raise_alert, restate, settle
from filings.awaited import held_back
from filings.holding import hold_trips
from filings.outbox import AWAITING, UNSETTLED
from filings.progress import Step, advance_transmission
from filings.retrying import postpone
from filings.store import tables as t
from filings.store.leases import claim
from filings.store.leases import settle as settle_lease
from schemas.errors import Problem

LEASE: Final = timedelta(minutes=4)
"""Longer than one exchange with the partner may take, so that nobody takes over what is still being sent."""
FIRST_RETRY: Final = timedelta(milliseconds=500)
LONGEST_RETRY: Final = timedelta(seconds=30)
ALERT_AFTER: Final = 3
"""Failed attempts after which somebody is told."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A transmission taken for sending; ``prepared`` is there when bytes were committed before."""

    id: str
    name: str
    application: str
    content_type: str
    payload: bytes = field(repr=False)
    attempts: int
    prepared: Mapping[str, Any] | None
    prepared_body: bytes | None = field(repr=False)


def take(
    conn: Connection,
    partner: str,
    owner: str,
    limit: int,
    *,
    now: datetime,
    wall: datetime,
    lease: timedelta = LEASE,
    express: bool = False,
) -> list[Outgoing]:
    """Take up to ``limit`` transmissions that are due, manifests before entries, oldest first; ``express``: only those
    of the express lane.
    """
    out = t.transmissions
    due = and_(
        out.c.direction == "out",
        out.c.partner == partner,
        out.c.state.in_(UNSETTLED),
        or_(out.c.next_attempt_at.is_(None), out.c.next_attempt_at <= wall),
        ~held_back(out),
    )
    if express:
        due = and_(due, out.c.priority < 0)
    columns = [out.c[name] for name in _TAKEN]
    rows = claim(
        conn,
        out,
        where=due,
        owner=owner,
        now=wall,
        lease=lease,
        limit=limit,
        order_by=(out.c.priority, out.c.id),
        columns=columns,
    )
    for row in rows:
        died = row["state"] == "sending" and row["lease_owner"] is not None  # with the socket open
        if died or row["state"] == AWAITING:  # or its receipt has not come in time
            conn.execute(out.update().where(out.c.id == row["id"]).values(state="in_doubt"))
            doubt(conn, _row(conn, row["id"]), now)
        elif row["state"] == "queued" and row["prepared"] is not None:  # its bytes are committed: the socket opens next
            conn.execute(out.update().where(out.c.id == row["id"]).values(state="sending"))
    return [_outgoing(conn, row) for row in rows]


_TAKEN: Final = tuple(
    "name application content_type archive_position attempts prepared prepared_body state lease_owner".split()
)


def _outgoing(conn: Connection, row: Mapping[str, Any]) -> Outgoing:
    kept = archive.read(conn, row["archive_position"])
    if kept is None:
        raise archive.ArchiveError(f"archive entry {row['archive_position']} of transmission {row['id']} is missing")
    return Outgoing(
        row["id"],
        row["name"],
        row["application"] or "",
        row["content_type"],
        kept.entry.body,
        row["attempts"] + 1,
        row["prepared"],
        row["prepared_body"],
    )


def prepared(
    conn: Connection,
    identifier: str,
    owner: str,
    message_id: str,
    headers: Mapping[str, Any],
    body: bytes,
    wall: datetime,
    lease: timedelta = LEASE,
) -> bool:
    """Commit the exact bytes before the socket opens; ``False`` if the lease was lost meanwhile.

    What was in doubt stays so: the new envelope says nothing of what became of the one before.
    """
    values = {
        "message_id": message_id,
        "prepared": dict(headers),
        "prepared_body": body,
        "state": case((t.transmissions.c.doubt_since.is_not(None), "in_doubt"), else_="sending"),
        "lease_until": wall + lease,
        "lease_owner": owner,
    }
    return settle_lease(conn, t.transmissions, identifier, owner, values)


def handed_over(conn: Connection, attempt: Attempt, wait: timedelta) -> None:
    """The partner's answer says that it has the bytes; its receipt comes by itself. After ``wait`` they go again.

    Nothing is written if the receipt has outrun this, for with it the lease was given up.
    """
    row = _row(conn, attempt.transmission_id)
    state = "in_doubt" if row.state == "in_doubt" else AWAITING
    settle_lease(
        conn,
        t.transmissions,
        row.id,
        attempt.owner,
        {"state": state, "next_attempt_at": attempt.wall + wait},
    )


def delivered(conn: Connection, identifier: str, receipt: Mapping[str, Any], body: bytes, now: datetime) -> None:
    """The partner has it and signed for it. A late receipt is taken even if the lease was lost: it is true."""
    row = _row(conn, identifier)
    if row.state == "delivered":
        return
    values: dict[str, Any] = {
        "receipt": dict(receipt),
        "state": "delivered",
        "delivered_at": now,
        "next_attempt_at": None,
        "doubt_since": None,
    }
    _release(conn, identifier, values)
    _keep_receipt(conn, row, "receipt", receipt, body, now)
    for kind in ("transmission_refused", "not_delivered", "in_doubt", "receipt_not_valid"):
        settle(conn, kind, transmission_id=identifier, by="gateway", now=now)
    postpone(conn, identifier, now)
    advance_transmission(conn, row, Step.SENT, now)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at sending: whose, the how-manyth, and when on both clocks."""

    transmission_id: str
    owner: str
    number: int
    now: datetime
    wall: datetime


def refused(conn: Connection, attempt: Attempt, receipt: Mapping[str, Any], body: bytes) -> None:
    """The partner had it and said no: tell a person, keep the receipt, try later in a fresh envelope.

    That settles no doubt about an earlier attempt: what CBP may have from that one it still may have.
    """
    row = _row(conn, attempt.transmission_id)
    if settle_lease(conn, t.transmissions, row.id, attempt.owner, _fresh(row, receipt, attempt)):
        _told_no(conn, row, receipt, body, attempt.now)


def refused_later(conn: Connection, attempt: Attempt, receipt: Mapping[str, Any], body: bytes) -> None:
    """The same, when the partner says so by itself: whoever still holds the lease has lost it with that."""
    row = _row(conn, attempt.transmission_id)
    _release(conn, row.id, _fresh(row, receipt, attempt))
    _told_no(conn, row, receipt, body, attempt.now)


def _fresh(row: Row[Any], receipt: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
    return {
        "receipt": dict(receipt),
        "state": "queued" if row.doubt_since is None else "in_doubt",
        "prepared": None,
        "prepared_body": None,
        "message_id": None,
        "next_attempt_at": attempt.wall + _pause(attempt.number),
    }


def _told_no(conn: Connection, row: Row[Any], receipt: Mapping[str, Any], body: bytes, now: datetime) -> None:
    _keep_receipt(conn, row, "refusal", receipt, body, now)
    text = f"The partner did not take {row.name}: {receipt.get('text') or 'no reason given'}."
    raise_alert(
        conn,
        Alert(
            "transmission_refused",
            text,
            "warning",
            dict(receipt),
            trip_number=row.trip_number,
            transmission_id=row.id,
        ),
        now,
    )


def undelivered(
    conn: Connection,
    attempt: Attempt,
    problems: tuple[Problem, ...],
    *,
    in_doubt: bool,
    needs_person: bool = False,
) -> None:
    """No receipt. In doubt: the same bytes go again. Not in doubt: the partner cannot have it, it waits its turn.

    ``needs_person``: trying again will not mend it, so a person is told at once and the longest pause is taken.
    """
    row = _row(conn, attempt.transmission_id)
    state = "in_doubt" if in_doubt or row.state == "in_doubt" else "queued"
    pause = LONGEST_RETRY if needs_person else _pause(attempt.number)
    values = {"state": state, "next_attempt_at": attempt.wall + pause}
    if not settle_lease(conn, t.transmissions, row.id, attempt.owner, values):
        return
    if in_doubt and row.state != "in_doubt":
        doubt(conn, row, attempt.now)
    if attempt.number >= ALERT_AFTER or needs_person:
        detail = {"problems": [problem.as_dict() for problem in problems], "attempts": attempt.number}
        tries = "1 attempt" if attempt.number == 1 else f"{attempt.number} attempts"
        if state == "in_doubt" and not needs_person:  # one alert for one missing receipt: it says how it goes on
            text = f"{_doubtful(row)} There was no receipt after {tries}: {problems[0].text}"
            restate(conn, "in_doubt", row.id, text, detail)
            return
        text = f"{row.name} has not been delivered after {tries}: {problems[0].text}"
        alert = Alert("not_delivered", text, "warning", detail, trip_number=row.trip_number, transmission_id=row.id)
        raise_alert(conn, alert, attempt.now)


def doubt(conn: Connection, row: Row[Any], now: datetime) -> None:
    """We cannot know whether the partner has it: so stand its filings, and a person can see it until it is settled.

    That is one matter: what was told of the file before, that it is late or not delivered, is over with it.
    """
    if row.doubt_since is None:
        conn.execute(t.transmissions.update().where(t.transmissions.c.id == row.id).values(doubt_since=now))
    for kind in ("receipt_overdue", "not_delivered"):
        settle(conn, kind, transmission_id=row.id, by="gateway", now=now)
    alert = Alert("in_doubt", _doubtful(row), "warning", trip_number=row.trip_number, transmission_id=row.id)
    raise_alert(conn, alert, now)
    advance_transmission(conn, row, Step.IN_DOUBT, now)


def _doubtful(row: Row[Any]) -> str:
    return f"It is not known whether the partner has {row.name}; the same bytes go again."


def _pause(attempts: int) -> timedelta:
    """Doubling from half a second to half a minute."""
    doublings: int = min(max(attempts - 1, 0), 10)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)


def _row(conn: Connection, identifier: str) -> Row[Any]:
    """The transmission, locked for change after its trip."""
    mine = t.transmissions.c.id == identifier
    hold_trips(conn, conn.execute(select(t.transmissions.c.trip_number).where(mine)).scalars())
    return conn.execute(select(t.transmissions).where(mine).with_for_update()).one()


def _release(conn: Connection, identifier: str, values: Mapping[str, Any]) -> None:
    freed = {"lease_until": None, "lease_owner": None, **values}
    conn.execute(t.transmissions.update().where(t.transmissions.c.id == identifier).values(freed))


def with_head(head: Mapping[str, Any], body: bytes) -> bytes:
    """What is known of some bytes as JSON, an empty line, the bytes: how exchanges stand in the archive."""
    return orjson.dumps(dict(head), option=orjson.OPT_SORT_KEYS, default=str) + b"\n\n" + body


def _keep_receipt(
    conn: Connection, row: Row[Any], kind: str, receipt: Mapping[str, Any], body: bytes, now: datetime
) -> None:
    """The exact bytes that were sent, and the receipt for them, as evidence."""
    entries = []
    if row.prepared_body is not None:
        entries.append(
            archive.Entry(
                archive.EntryKind.TRANSMISSION,
                f"envelope of {row.name}",
                with_head(row.prepared, row.prepared_body),
                now,
                "application/octet-stream",
                trip_number=row.trip_number,
                transmission_id=row.id,
            )
        )
    entries.append(
        archive.Entry(
            archive.EntryKind.TRANSMISSION,
            f"{kind} for {row.name}",
            with_head(receipt, body),
            now,
            "application/octet-stream",
            trip_number=row.trip_number,
            transmission_id=row.id,
        )
    )
    archive.append(conn, entries)
