"""Rows that were refused are remembered with their trip, until they are sent again and taken."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection

from filings import queries, staging, trips
from filings.context import Actor
from filings.store import Store
from gateway.filing_context import context_of
from gateway.settings import load_settings
from schemas.intake import NDJSON, Row, read_rows
from schemas.trip import read_trip
from tests import samples

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
ME = Actor("tester", "broker")
CTX = context_of(load_settings(environ={}))
TRIP = samples.trip()["trip_number"]


def rows(*records: object) -> list[Row]:
    """Rows as they come out of a file; bytes go in as they are."""
    lines = [one if isinstance(one, bytes) else orjson.dumps(one) for one in records]
    return list(read_rows([b"\n".join(lines)], NDJSON))


def stage(conn: Connection, *records: object) -> list[str]:
    """Stage the records; the state of each."""
    answers = staging.stage(conn, CTX, TRIP, rows(*records), actor=ME, now=NOW)
    return [answer.state for answer in answers]


async def test_the_board_lists_refused_rows_until_they_are_mended(store: Store) -> None:
    """Two bad rows and an unreadable one stand on the board; the one sent again in order goes from it."""
    good, bad = samples.shipment(), samples.shipment(shipment_id="T-2", shipment_control_number=None, colour="red")
    worse = {"shipment_id": "T-3\x00", "lines": 5}
    raw = samples.trip()

    await store.write(lambda conn: trips.put_trip(conn, read_trip(raw), raw, actor=ME, now=NOW))
    states = await store.write(lambda conn: stage(conn, good, bad, worse, b"{not json"))
    board = await store.read(lambda conn: queries.board(conn, TRIP, now=NOW))

    assert states == ["staged", "refused", "refused", "refused"]
    assert board["refused_rows"]["count"] == 3
    assert [row["line_number"] for row in board["refused_rows"]["rows"]] == [2, 3, 4]
    assert board["refused_rows"]["rows"][0]["problems"][0]["code"] == "unknown_key"
    assert "3 parcels were refused at intake" in board["reason"]

    del bad["colour"]
    assert await store.write(lambda conn: stage(conn, bad)) == ["staged"]
    board = await store.read(lambda conn: queries.board(conn, TRIP, now=NOW))

    assert [row["line_number"] for row in board["refused_rows"]["rows"]] == [3, 4]
