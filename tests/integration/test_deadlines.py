"""Silence becomes an alert, once, and the alert goes when what was awaited comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from filings import deadlines
from filings.store import Store
from filings.store import tables as t

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATIENCE = deadlines.Patience(timedelta(minutes=15), timedelta(minutes=60), timedelta(minutes=60))


def a_trip(number: str, arrival: datetime, state: str) -> dict[str, object]:
    """A trip's row."""
    return {
        "trip_number": number,
        "carrier_scac": "TSTC",
        "port_of_arrival": "0901",
        "estimated_arrival": arrival,
        "document": {},
        "state": state,
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }


def a_transmission(number: int, state: str, created: datetime, delivered: datetime | None) -> dict[str, object]:
    """An outgoing file's row."""
    return {
        "id": f"{number:036d}",
        "direction": "out",
        "partner": "cbp",
        "channel": "as2",
        "name": f"309-{number}.x12",
        "application": "309",
        "content_type": "application/edi-x12",
        "payload_digest": "0" * 64,
        "payload_size": 1,
        "state": state,
        "created_at": created,
        "delivered_at": delivered,
    }


def open_kinds(conn: Connection) -> list[str]:
    """The kinds of the open alerts."""
    query = select(t.alerts.c.kind).where(t.alerts.c.settled_at.is_(None)).order_by(t.alerts.c.kind)
    return list(conn.execute(query).scalars())


async def test_each_deadline_is_told_once_and_settles_itself(store: Store) -> None:
    """No receipt, given or posted, no answer, a truck due soon: an alert each, none twice, all gone when it is over."""
    soon, later = NOW + timedelta(minutes=40), NOW + timedelta(hours=5)
    hour_ago, day_ago = NOW - timedelta(minutes=61), NOW - timedelta(days=1)

    def fill(conn: Connection) -> None:
        conn.execute(insert(t.trips), [a_trip("TSTC0001", soon, "filed"), a_trip("TSTC0002", soon, "clear")])
        conn.execute(insert(t.trips), [a_trip("TSTC0003", later, "filed"), a_trip("TSTC0004", day_ago, "filed")])
        conn.execute(
            insert(t.transmissions),
            [
                a_transmission(1, "queued", hour_ago, None),
                a_transmission(5, "awaiting_receipt", hour_ago, None),
                a_transmission(2, "delivered", hour_ago, hour_ago),
                a_transmission(3, "queued", NOW, None),
                a_transmission(4, "delivered", NOW, NOW),
            ],
        )

    await store.write(fill)

    assert await store.write(lambda conn: deadlines.watch(conn, PATIENCE, NOW)) == 4
    assert await store.write(lambda conn: deadlines.watch(conn, PATIENCE, NOW)) == 0
    assert await store.read(open_kinds) == ["answer_overdue", "arrival_near", "receipt_overdue", "receipt_overdue"]

    def settle(conn: Connection) -> None:
        conn.execute(update(t.transmissions).values(state="delivered", delivered_at=NOW, answered_at=NOW))
        conn.execute(update(t.trips).values(state="clear"))

    await store.write(settle)
    await store.write(lambda conn: deadlines.watch(conn, PATIENCE, NOW))

    assert await store.read(open_kinds) == []
