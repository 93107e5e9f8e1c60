"""Events over HTTP: pages after a cursor, and a stream that can be taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from filings.events import EventDraft, record
from filings.identity import Role
from gateway.http import events as http_events
from gateway.http import stream as http_stream
from gateway.http.stream import NewestCursor, TooManyListeners
from tests.http_service import NOW, Api, running
from tests.integration.test_http_intake import TRIP, put

STREAM = "/v1/events/stream"
Frame = dict[str, Any]


async def happen(api: Api, number: int, kind: str = "filing.sent") -> None:
    """Record so many events."""
    drafts = [EventDraft(kind, f"subject {n}", TRIP, NOW, data={"n": n, "text": "é\n"}) for n in range(number)]
    await api.service.store.write(lambda conn: record(conn, drafts))


@asynccontextmanager
async def listening(api: Api, query: str = "", **headers: str) -> AsyncIterator[ClientResponse]:
    """An open stream."""
    sent = api.headers(Role.DISPATCH, **headers)
    async with asyncio.timeout(20), api.client.get(STREAM + query, headers=sent) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield response


async def frames(response: ClientResponse, number: int) -> list[Frame]:
    """The next events of a stream."""
    found: list[Frame] = []
    while len(found) < number:
        fields: Frame = {}
        while (line := (await response.content.readline()).decode().rstrip("\n")) != "":
            name, _, value = line.partition(": ")
            fields[name] = value
        if "id" in fields:
            found.append({**fields, "data": orjson.loads(fields["data"])})
    return found


async def test_pages_go_on_from_the_cursor(tmp_path: Path) -> None:
    """Each page gives the cursor of the next; nothing is missed, nothing comes twice, the end repeats its cursor."""
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 7)
        seen: list[int] = []
        after = 0
        for size in (3, 3, 1, 0):
            status, page = await api.ask("GET", f"/v1/events?after={after}&limit=3", Role.INTEGRATION)
            assert status == 200
            assert len(page["items"]) == size
            seen += [event["cursor"] for event in page["items"]]
            after = page["next"]
        assert seen == [1, 2, 3, 4, 5, 6, 7]
        assert after == 7


async def test_events_are_cloud_events(tmp_path: Path) -> None:
    """Each event has the attributes of CloudEvents 1.0, its cursor and its sequence."""
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 2)
        _, page = await api.ask("GET", "/v1/events", Role.DISPATCH)
        first = page["items"][0]
        assert (first["specversion"], first["type"], first["source"]) == ("1.0", "filing.sent", http_events.SOURCE)
        assert [event["sequence"] for event in page["items"]] == [1, 2]


async def test_the_stream_replays_and_goes_on(tmp_path: Path) -> None:
    """From a cursor the stream gives what was, then what happens, in order, without a gap."""
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 5)
        async with listening(api, "?after=2") as response:
            assert [int(frame["id"]) for frame in await frames(response, 3)] == [3, 4, 5]
            await happen(api, 2, "trip.clear")
            later = await frames(response, 2)
        assert [(int(frame["id"]), frame["event"]) for frame in later] == [(6, "trip.clear"), (7, "trip.clear")]
        assert later[0]["data"]["data"] == {"n": 0, "text": "é\n"}


async def test_the_last_event_seen_wins(tmp_path: Path) -> None:
    """A listener that reconnects goes on after the last event it saw, whatever its address says."""
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 5)
        async with listening(api, "?after=0", Last_Event_ID="4") as response:
            assert [int(frame["id"]) for frame in await frames(response, 1)] == [5]


async def test_without_a_cursor_the_stream_begins_now(tmp_path: Path) -> None:
    """A new listener is told what happens from now on."""
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 3)
        async with listening(api) as response:
            await happen(api, 1)
            assert [int(frame["id"]) for frame in await frames(response, 1)] == [4]


async def test_long_histories_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay reads a bounded number of events at a time and still gives them all."""
    monkeypatch.setattr(http_events, "BATCH", 7)
    async with running(tmp_path) as api:
        await put(api)
        await happen(api, 100)
        async with listening(api, "?after=0") as response:
            assert [int(frame["id"]) for frame in await frames(response, 100)] == list(range(1, 101))


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "١"])
async def test_a_last_event_that_is_no_cursor_is_refused(tmp_path: Path, last: str) -> None:
    """400 with the header's name."""
    async with running(tmp_path) as api:
        status, answer = await api.ask("GET", STREAM, Role.DISPATCH, Last_Event_ID=last)
        assert (status, answer["errors"][0]["path"]) == (400, "Last-Event-ID")


async def test_a_quiet_stream_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing happens, comments show that the stream lives."""
    monkeypatch.setattr(http_events, "HEARTBEAT_SECONDS", 0.01)
    async with running(tmp_path) as api, listening(api) as response:
        lines = [await response.content.readline() for _ in range(8)]
    assert lines[0].startswith(b"retry: ")
    assert b": nothing new\n" in lines


async def test_streams_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a listener is told to come back; when one leaves there is room."""
    monkeypatch.setattr(http_stream, "MAX_LISTENERS", 2)
    async with running(tmp_path) as api:
        newest = api.app[http_events.NEWEST]
        async with listening(api), listening(api):
            status, answer = await api.ask("GET", STREAM, Role.DISPATCH)
            assert (status, answer["code"]) == (503, "too_many_streams")
        await happen_until(api, lambda: newest.listeners == 0)
        async with listening(api):
            assert newest.listeners == 1


async def happen_until(api: Api, condition: Any) -> None:
    """Let events happen until the service has noticed that its listeners left."""
    await put(api)
    async with asyncio.timeout(10):
        while not condition():
            await happen(api, 1)


async def test_streams_end_with_the_service(tmp_path: Path) -> None:
    """A service that stops ends its streams at once, so that listeners can go elsewhere."""
    async with running(tmp_path) as api, listening(api) as response:
        await api.app[http_events.NEWEST].close()
        assert (await response.content.read()).startswith(b"retry")


async def test_a_stream_ends_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stream goes on for ever: the key is asked for again."""
    monkeypatch.setattr(http_events, "STREAM_SECONDS", 0.0)
    async with running(tmp_path) as api, listening(api) as response:
        assert await response.content.read() == b"retry: %d\n\n" % http_stream.RETRY_MILLISECONDS


async def test_listeners_learn_that_the_store_failed() -> None:
    """When the newest cursor cannot be read, listeners are told instead of waiting for ever; a new one tries again."""
    fails = True

    async def newest() -> int:
        if fails:
            raise OSError("disk gone")
        return 3

    cursor = NewestCursor(newest, poll_seconds=0)
    async with cursor:
        with pytest.raises(OSError, match="disk gone"):
            await cursor.beyond(0, 5)
    fails = False
    async with cursor:
        assert await cursor.beyond(2, 5)
        assert not await cursor.beyond(3, 0.01)
    assert cursor.listeners == 0


async def test_a_listener_too_many_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused listener leaves the count as it was."""

    async def newest() -> int:
        return 0

    monkeypatch.setattr(http_stream, "MAX_LISTENERS", 1)
    cursor = NewestCursor(newest)
    async with cursor:
        with pytest.raises(TooManyListeners):
            await cursor.__aenter__()
        assert cursor.listeners == 1
