"""Fictional trips and shipments as rows, for the tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert

from filings.store.tables import shipments, trips
from filings.uuid7 import uuid7

NOW = datetime(2025, 3, 10, 16, 30, tzinfo=UTC)
TRIP = "SFIC2503100001"


def put_trip(conn: Connection, trip_number: str = TRIP) -> None:
    """Insert a trip."""
    row = {
        "trip_number": trip_number,
        "carrier_scac": "SFIC",
        "port_of_arrival": "0901",
        "estimated_arrival": NOW,
        "document": {"trip_number": trip_number},
        "state": "draft",
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    conn.execute(insert(trips), row)


def shipment_rows(count: int, trip_number: str = TRIP) -> list[dict[str, Any]]:
    """Rows of staged shipments."""
    return [
        {
            "key": uuid7(),
            "trip_number": trip_number,
            "shipment_id": f"SFI-{number:06d}",
            "scn": f"SFIC{number:011d}",
            "position": number,
            "document": {"shipment_id": f"SFI-{number:06d}", "consignee": {"name": "Jane Doe", "city": "Buffalo"}},
            "digest": f"{number:064x}",
            "state": "staged",
            "state_since": NOW,
            "facts": {},
            "created_at": NOW,
            "updated_at": NOW,
        }
        for number in range(1, count + 1)
    ]


def put_shipments(conn: Connection, count: int, trip_number: str = TRIP) -> list[str]:
    """Insert a trip with shipments; gives their keys."""
    put_trip(conn, trip_number)
    rows = shipment_rows(count, trip_number)
    conn.execute(insert(shipments), rows)
    return [row["key"] for row in rows]
