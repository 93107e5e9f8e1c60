"""What do the callers want? Trips with shipments, each request at another door, asked again where nobody answered.

A caller counts on nothing before it has an answer. What was not answered goes to the next door in the same words, under
the same key; so a door may die or stand still at any moment. What was answered is remembered for the auditor.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

import orjson
from sqlalchemy import Connection

from filings.identity import Role, create_key
from gateway.demo.shipments import make_shipments, make_trip
from schemas.intake import read_rows
from tests.many.fleet import PATIENCE, Fleet
from tests.simulation.broker import Answered

CALLERS = 6
"""Requests under way at one time."""
ANSWER_SECONDS = 4.0
"""How long a caller waits for a door before it tries another."""
_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


class Load:
    """The callers of one fleet."""

    def __init__(self, fleet: Fleet, arrival: date, trips: int, shipments: int) -> None:
        self.fleet = fleet
        self.arrival = arrival
        self.trips = trips
        self.shipments = shipments
        self.answered = Answered()
        self.asked_again = 0
        self.doors_used: set[int] = set()
        self._doors = itertools.count()

    async def run(self) -> None:
        """Take all trips in and have them filed."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(CALLERS, thread_name_prefix="caller") as callers:
            await asyncio.gather(*(loop.run_in_executor(callers, self._trip, 1 + n) for n in range(self.trips)))

    def _trip(self, seed: int) -> None:
        trip = make_trip(self.arrival, seed)
        number = trip["trip_number"]
        self._ask("PUT", f"/v1/trips/{number}", orjson.dumps(trip), "application/json", f"put {number}")
        self.answered.trips[number] = trip
        self.answered.acts.append(("put_trip", number))
        rows = [orjson.dumps(one) for one in make_shipments(self.arrival, self.shipments, seed)]
        half = len(rows) // 2
        for part, some in enumerate((rows[:half], rows[half:])):
            self._stage(number, part, b"\n".join(some))
        self._ask("POST", f"/v1/trips/{number}/filing", b"{}", "application/json", f"file {number}")
        self.answered.filed.add(number)
        self.answered.acts += [("stage_shipments", number), ("file_trip", number)]

    def _stage(self, number: str, part: int, body: bytes) -> None:
        given = self._ask(
            "POST", f"/v1/trips/{number}/shipments", body, "application/x-ndjson", f"stage {number} {part}"
        )
        digests = {row.shipment_id: row.digest for row in read_rows([body], "application/x-ndjson")}
        for answer in given["results"]:
            name = (number, answer["shipment_id"])
            if answer["state"] == "refused":
                self.answered.refused_rows.add(name)
            else:
                self.answered.rows[name] = digests[answer["shipment_id"]]

    def _ask(self, method: str, path: str, body: bytes, content_type: str, key: str) -> Any:
        """Ask door after door until one answers."""
        headers = {
            "Authorization": f"Bearer {self.fleet.key()}",
            "Content-Type": content_type,
            "Idempotency-Key": key,
        }
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            doors = self.fleet.doors
            door = doors[next(self._doors) % len(doors)]
            status, answer = _request(door, method, path, body, headers)
            if status is not None and status < HTTPStatus.BAD_REQUEST:
                self.doors_used.add(door)
                return answer
            busy = status == HTTPStatus.CONFLICT and _code(answer) == "idempotency_in_progress"
            if status is not None and not busy and status not in _AGAIN and status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"{method} {path}: {status} {answer}")
            self.asked_again += 1
            time.sleep(0.1)
        raise AssertionError(f"{method} {path}: no door answered")


def _code(answer: Any) -> str:
    return str(answer["errors"][0]["code"]) if isinstance(answer, dict) and answer.get("errors") else ""


def _request(door: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, Any]:
    """Status and JSON of an answer; no status where none came."""
    line = http.client.HTTPConnection("127.0.0.1", door, timeout=ANSWER_SECONDS)
    try:
        line.request(method, path, body, headers)
        answer = line.getresponse()
        return answer.status, orjson.loads(answer.read())
    except (OSError, http.client.HTTPException):
        return None, None
    finally:
        line.close()


class Follower:
    """Dispatch: reads the events page by page, at whichever door, and counts on their cursor."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.cursor = 0
        self.seen: set[str] = set()
        self.faults: list[str] = []
        self.ended = False

    async def run(self) -> None:
        """Read until told to end."""

        def key(conn: Connection) -> str:
            return create_key(conn, "dispatch", Role.DISPATCH, now=datetime.now(UTC))[1]

        headers = {"Authorization": f"Bearer {await self.fleet.store.write(key)}"}
        for turn in itertools.count():
            doors = self.fleet.doors
            last = self.ended
            status, page = await asyncio.to_thread(
                _request,
                doors[turn % len(doors)],
                "GET",
                f"/v1/events?after={self.cursor}&limit=500",
                b"",
                headers,
            )
            if status is not None and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"events after {self.cursor}: {status} {page}")
            events = page["items"] if status == HTTPStatus.OK else []
            for event in events:
                self.cursor += 1
                if event["cursor"] != self.cursor or event["id"] in self.seen:
                    self.faults.append(f"cursor {event['cursor']} where {self.cursor} was due")
                self.seen.add(event["id"])
            if last and status == HTTPStatus.OK and not events:
                return
            if not events:
                await asyncio.sleep(0.2)  # nothing new: dispatch asks again in a while
