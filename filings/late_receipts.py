"""What does a receipt do that the partner posts to us, some time after it got the message?

Rules:

- It is found by the Message-ID that it names. Once a message was refused, fresh bytes go under another Message-ID; the
  old one still leads to its transmission, for it holds that transmission's id.
- A receipt is believed once. The same word again changes nothing. Another word than the first (taken after refused,
  refused after taken) is kept and raised to a person: what was settled stays settled.
- A receipt of the partner that does not fit what we sent (another MIC) settles nothing: it is kept and raised, and
  stands for doubt, as in an answer.
- A receipt that is for nothing we know is kept and raised.

Whose a receipt is, and whether it fits, is decided before (:mod:`schemas.as2`); here stands what follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, select

from filings import archive, sending
from filings.alerts import Alert, raise_alert
from filings.holding import hold_trips
from filings.outbox import AWAITING, UNSETTLED
from filings.store import tables as t
from schemas.errors import Problem

UNKNOWN: Final = "receipt_unknown"
CONTRADICTS: Final = "receipt_contradicts"
NOT_VALID: Final = "receipt_not_valid"

_OURS: Final = re.compile(r"<([0-9a-f-]{36})@\d+\.gateway>")


def find(conn: Connection, partner: str, message_id: str) -> Row[Any] | None:
    """The transmission to ``partner`` that went, now or before, under this Message-ID; locked for change."""
    out = t.transmissions
    to_partner = (out.c.direction == "out") & (out.c.partner == partner)
    found = _locked(conn, to_partner & (out.c.message_id == message_id))
    named = _OURS.fullmatch(message_id)
    if found is not None or named is None:
        return found
    return _locked(conn, to_partner & (out.c.id == named[1]))


def _locked(conn: Connection, which: ColumnElement[bool]) -> Row[Any] | None:
    hold_trips(conn, conn.execute(select(t.transmissions.c.trip_number).where(which)).scalars())
    return conn.execute(select(t.transmissions).where(which).with_for_update()).first()


def is_current(row: Row[Any], message_id: str) -> bool:
    """Whether the bytes under this Message-ID are still the ones that count for the transmission."""
    return row.message_id == message_id and row.prepared is not None


def settle(
    conn: Connection,
    row: Row[Any],
    receipt: Mapping[str, Any],
    body: bytes,
    *,
    taken: bool,
    now: datetime,
    wall: datetime,
) -> str:
    """Apply a receipt that fits: ``taken`` or refused. Gives ``settled``, ``repeated`` or ``contradicts``.

    ``receipt`` is its JSON shape with the ``message_id`` that it names, ``body`` its bytes as they came.
    """
    current = is_current(row, str(receipt["message_id"]))
    if current and row.state in UNSETTLED:
        if taken:
            sending.delivered(conn, row.id, receipt, body, now)
        else:
            attempt = sending.Attempt(row.id, "", row.attempts, now, wall)
            sending.refused_later(conn, attempt, receipt, body)
        return "settled"
    if taken == current:  # what is current and settled was taken; what was refused is not current any more
        return "repeated"
    first, then = ("taken", "refused") if current else ("refused", "taken")
    text = f"The partner says that it has {then} {row.name}, and had said before that it has {first} the same bytes."
    _kept(conn, row, "contradicting receipt", receipt, body, now)
    _raise(conn, row, CONTRADICTS, text, "error", receipt, now)
    return "contradicts"


def not_valid(
    conn: Connection,
    row: Row[Any],
    problems: Sequence[Problem],
    receipt: Mapping[str, Any],
    body: bytes,
    now: datetime,
) -> None:
    """A receipt of the partner about this transmission that does not fit it: in doubt, until a good one comes."""
    _kept(conn, row, "receipt that does not fit", receipt, body, now)
    shown = [problem.as_dict() for problem in problems]
    text = f"A receipt for {row.name} does not fit what was sent: {problems[0].text}"
    _raise(conn, row, NOT_VALID, text, "warning", {**receipt, "problems": shown}, now)
    if is_current(row, str(receipt["message_id"])) and row.state == AWAITING:
        conn.execute(t.transmissions.update().where(t.transmissions.c.id == row.id).values(state="in_doubt"))
        sending.doubt(conn, row, now)


def unknown(conn: Connection, partner: str, receipt: Mapping[str, Any], body: bytes, now: datetime) -> None:
    """A receipt of the partner for nothing that we sent."""
    entry = archive.Entry(
        archive.EntryKind.TRANSMISSION,
        f"receipt from {partner} for an unknown message",
        sending.with_head(receipt, body),
        now,
        "application/octet-stream",
        actor=partner,
    )
    archive.append(conn, [entry])
    text = f"A receipt came for {receipt['message_id']}, which was not sent to {partner} from here."
    raise_alert(conn, Alert(UNKNOWN, text, "warning", dict(receipt)), now)


def _kept(conn: Connection, row: Row[Any], kind: str, receipt: Mapping[str, Any], body: bytes, now: datetime) -> None:
    entry = archive.Entry(
        archive.EntryKind.TRANSMISSION,
        f"{kind} for {row.name}",
        sending.with_head(receipt, body),
        now,
        "application/octet-stream",
        actor=row.partner,
        trip_number=row.trip_number,
        transmission_id=row.id,
    )
    archive.append(conn, [entry])


def _raise(
    conn: Connection, row: Row[Any], kind: str, text: str, severity: Any, detail: Mapping[str, Any], now: datetime
) -> None:
    alert = Alert(kind, text, severity, dict(detail), trip_number=row.trip_number, transmission_id=row.id)
    raise_alert(conn, alert, now)
