"""What was dispatch told, in which order?

Rules: the cursor counts all events without a gap and in commit order, so a reader who asks for what
came after its cursor misses nothing; the sequence counts the events of one shipment (or of one
trip) from 1. An event is written in the transaction of the change it tells of, and never changed.
Outwards it is a CloudEvents 1.0 document; ``id`` stays the same however often it is delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from filings.store.database import hold_journal
from filings.store.one_of import one_of
from filings.store.tables import events, shipments
from filings.uuid7 import uuid7

CHUNK = 2_000  # streams looked up in one statement


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event to be recorded; ``subject`` names the shipment or trip to people, ``shipment_key`` to the store."""

    type: str
    subject: str
    trip_number: str
    occurred_at: datetime
    shipment_key: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=uuid7)

    @property
    def stream(self) -> str:
        """What the sequence counts: this shipment, or this trip."""
        return self.shipment_key or f"trip:{self.trip_number}"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as recorded."""

    cursor: int
    id: str
    type: str
    subject: str
    sequence: int
    trip_number: str | None
    shipment_key: str | None
    occurred_at: datetime
    data: Mapping[str, Any]

    def cloud_event(self, source: str) -> dict[str, Any]:
        """The CloudEvents 1.0 JSON document; ``cursor`` and ``sequence`` are extension attributes."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": self.type,
            "subject": self.subject,
            "time": self.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "sequence": self.sequence,
            "cursor": self.cursor,
            "data": dict(self.data),
        }


def record(conn: Connection, drafts: Iterable[EventDraft]) -> list[Event]:
    """Record events in order, in the caller's transaction; gives them with cursor and sequence.

    From here to the commit no other transaction can record: call it late. ``shipments.sequence`` follows.
    """
    wanted = list(drafts)
    if not wanted:
        return []
    hold_journal(conn)
    cursor = last_cursor(conn)
    sequences = _last_sequences(conn, sorted({draft.stream for draft in wanted}))
    recorded: list[Event] = []
    rows: list[dict[str, Any]] = []
    for draft in wanted:
        cursor += 1
        sequence = sequences[draft.stream] = sequences.get(draft.stream, 0) + 1
        event = Event(
            cursor=cursor,
            id=draft.id,
            type=str(draft.type),
            subject=draft.subject,
            sequence=sequence,
            trip_number=draft.trip_number,
            shipment_key=draft.shipment_key,
            occurred_at=draft.occurred_at,
            data=draft.data,
        )
        recorded.append(event)
        rows.append({name: getattr(event, name) for name in _COLUMNS} | {"stream": draft.stream})
    conn.execute(insert(events), rows)
    if any(event.shipment_key is not None for event in recorded):
        _follow(conn, recorded[0].cursor)
    return recorded


def _follow(conn: Connection, first: int) -> None:
    """Let ``shipments.sequence`` follow what was recorded from a cursor on: one statement, however many they are."""
    told = (
        select(events.c.shipment_key, func.max(events.c.sequence).label("last"))
        .where(events.c.cursor >= first, events.c.shipment_key.is_not(None))
        .group_by(events.c.shipment_key)
        .subquery()
    )
    conn.execute(update(shipments).where(shipments.c.key == told.c.shipment_key).values(sequence=told.c.last))


_COLUMNS = ("cursor", "id", "type", "subject", "sequence", "trip_number", "shipment_key", "occurred_at", "data")


def _last_sequences(conn: Connection, streams: Sequence[str]) -> dict[str, int]:
    last: dict[str, int] = {}
    for start in range(0, len(streams), CHUNK):
        query = (
            select(events.c.stream, func.max(events.c.sequence))
            .where(one_of(events.c.stream, streams[start : start + CHUNK]))
            .group_by(events.c.stream)
        )
        last.update((stream, sequence) for stream, sequence in conn.execute(query))
    return last


def last_cursor(conn: Connection) -> int:
    """The cursor of the newest event; 0 when there is none."""
    return int(conn.execute(select(func.coalesce(func.max(events.c.cursor), 0))).scalar_one())


def read_after(
    conn: Connection, cursor: int, limit: int = 100, *, trip_number: str | None = None, shipment_key: str | None = None
) -> list[Event]:
    """Up to ``limit`` events after ``cursor`` in cursor order, of one trip or shipment if asked."""
    query = select(*(events.c[name] for name in _COLUMNS)).where(events.c.cursor > cursor)
    if trip_number is not None:
        query = query.where(events.c.trip_number == trip_number)
    if shipment_key is not None:
        query = query.where(events.c.stream == shipment_key)
    rows = conn.execute(query.order_by(events.c.cursor).limit(limit)).mappings()
    return [Event(**row) for row in rows]
