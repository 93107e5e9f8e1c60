"""Idempotency-Key: a request that is sent twice takes effect once, and says the same twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Table, func, select

from filings.identity import Role
from filings.store.tables import archive_entries, shipments
from filings.store.tables import idempotency as table
from gateway.http import idempotency, trips
from gateway.http import shipments as http_shipments
from tests.http_service import Api, running
from tests.integration.test_http_intake import SHIPMENTS, TRIP, parcel, put, steps_of

FILING = f"/v1/trips/{TRIP}/filing"
Answer = tuple[int, dict[str, str], bytes]


async def post(api: Api, path: str, body: Any, key: str | None, role: Role = Role.BROKER, **headers: str) -> Answer:
    """Status, headers and raw body of a POST with a key."""
    sent = api.headers(role, Content_Type="application/json", **headers)
    if key is not None:
        sent["Idempotency-Key"] = key
    data = body if isinstance(body, bytes) or hasattr(body, "__aiter__") else orjson.dumps(body)
    async with api.client.post(path, data=data, headers=sent) as response:
        return response.status, dict(response.headers), await response.read()


async def count_of(api: Api, rows: Table) -> int:
    """How many rows a table has."""
    query = select(func.count()).select_from(rows)
    return await api.service.store.read(lambda conn: conn.execute(query).scalar_one())


async def acts(api: Api, name: str) -> int:
    """How many acts of this name the archive has."""
    query = select(func.count()).select_from(archive_entries).where(archive_entries.c.name == name)
    return await api.service.store.read(lambda conn: conn.execute(query).scalar_one())


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
async def test_staging_again_gives_the_first_answer(tmp_path: Path, accept: str) -> None:
    """Same key, same body: the same bytes again, marked as a replay, and nothing is staged a second time."""
    async with running(tmp_path) as api:
        await put(api)
        first = await post(api, SHIPMENTS, [parcel(1), {"bad": 1}], "k1", Accept=accept)
        again = await post(api, SHIPMENTS, [parcel(1), {"bad": 1}], "k1", Accept=accept)
        assert first[0] == again[0] == 200
        assert first[2] == again[2]
        assert again[1]["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first[1]
        for name in ("Content-Type", "Gateway-Accepted", "Gateway-Rejected"):
            assert first[1][name] == again[1][name]
        assert await acts(api, "stage_shipments") == 1


async def test_filing_again_gives_the_first_answer(tmp_path: Path) -> None:
    """The replay says what was said the first time, not what the act would say now."""
    async with running(tmp_path) as api:
        await put(api)
        await post(api, SHIPMENTS, [parcel(1)], None)
        first, again = await post(api, FILING, {}, "k1"), await post(api, FILING, {}, "k1")
        assert (first[0], again[0]) == (202, 202)
        assert first[2] == again[2]
        assert first[1]["Location"] == again[1]["Location"]
        assert orjson.loads(again[2])["already_requested"] is False
        assert await acts(api, "file_trip") == 1


@pytest.mark.parametrize("path", [SHIPMENTS, FILING])
async def test_another_request_under_the_same_key_is_a_conflict(tmp_path: Path, path: str) -> None:
    """Same key, another body or another trip: 409, and the second request has no effect."""
    async with running(tmp_path) as api:
        await put(api)
        await post(api, SHIPMENTS, [parcel(1)], None)
        bodies: list[Any] = [[parcel(1)], [parcel(2)]] if path == SHIPMENTS else [b"", b"{}"]
        assert (await post(api, path, bodies[0], "k1"))[0] < 300
        status, _, answer = await post(api, path, bodies[1], "k1")
        assert (status, orjson.loads(answer)["code"]) == (409, "idempotency_conflict")
        other = path.replace(TRIP, "TSTC2503100002")
        status, _, answer = await post(api, other, bodies[0], "k1")
        assert (status, orjson.loads(answer)["code"]) == (409, "idempotency_conflict")
        count = await api.service.store.read(
            lambda conn: conn.execute(select(func.count(shipments.c.key))).scalar_one()
        )
        assert count == 1


async def test_keys_of_different_callers_and_routes_do_not_meet(tmp_path: Path) -> None:
    """A key belongs to one API key and one route."""
    async with running(tmp_path) as api:
        await put(api)
        assert (await post(api, SHIPMENTS, [parcel(1)], "k1", Role.BROKER))[0] == 200
        assert (await post(api, SHIPMENTS, [parcel(2)], "k1", Role.INTEGRATION))[0] == 200
        assert (await post(api, FILING, {}, "k1", Role.BROKER))[0] == 202


@pytest.mark.parametrize("path", [SHIPMENTS, FILING])
async def test_a_refusal_is_an_answer_too(tmp_path: Path, path: str) -> None:
    """A request that was judged and refused gets the same refusal again under its key, whatever changed since."""
    async with running(tmp_path) as api:
        first = await post(api, path, b"" if path == FILING else [parcel(1)], "k1")
        await put(api)
        again = await post(api, path, b"" if path == FILING else [parcel(1)], "k1")
        assert (first[0], again[0]) == (404, 404)
        assert first[2] == again[2]
        assert again[1]["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a\tb"])
@pytest.mark.parametrize("path", [SHIPMENTS, FILING])
async def test_a_key_that_cannot_be_used_is_refused(tmp_path: Path, path: str, key: str) -> None:
    """Empty, too long or unprintable keys are 400; 200 characters are fine."""
    async with running(tmp_path) as api:
        await put(api)
        status, _, answer = await post(api, path, b"", key)
        assert status == 400
        assert [(e["path"], e["code"]) for e in orjson.loads(answer)["errors"]] == [
            ("Idempotency-Key", "bad_parameter")
        ]
        assert (await post(api, SHIPMENTS, [parcel(1)], "x" * 200))[0] == 200


async def test_of_concurrent_requests_one_executes(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten identical requests at once: one stages, all get its answer; on both engines."""
    monkeypatch.setattr(http_shipments, "_POLL_SECONDS", 0.01)
    async with running(tmp_path, database=database) as api:
        await put(api)
        rows = [parcel(n) for n in range(40)]
        answers = await asyncio.gather(*(post(api, SHIPMENTS, rows, "k1") for _ in range(10)))
        assert {status for status, _, _ in answers} == {200}
        assert len({body for _, _, body in answers}) == 1
        assert sum("Idempotent-Replayed" in headers for _, headers, _ in answers) == 9
        assert await acts(api, "stage_shipments") == 1


async def test_of_concurrent_filings_one_executes(tmp_path: Path, database: str) -> None:
    """Ten identical filings at once are one act with one answer; on both engines."""
    async with running(tmp_path, database=database) as api:
        await put(api)
        await post(api, SHIPMENTS, [parcel(1)], None)
        answers = await asyncio.gather(*(post(api, FILING, b"", "k1") for _ in range(10)))
        assert {(status, body) for status, _, body in answers} == {(202, answers[0][2])}
        assert await acts(api, "file_trip") == 1


async def test_a_request_that_is_still_worked_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who repeats too early, and waits in vain, is told to come back; afterwards the answer is there."""
    monkeypatch.setattr(http_shipments, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(http_shipments, "_POLL_SECONDS", 0.01)
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield orjson.dumps([parcel(1)])
        await go_on.wait()

    async with running(tmp_path) as api:
        await put(api)
        first = asyncio.create_task(post(api, SHIPMENTS, slowly(), "k1"))
        while not await count_of(api, table):
            pass  # each look is a read of the store: the service has its turns
        status, headers, answer = await post(api, SHIPMENTS, [parcel(1)], "k1")
        assert (status, orjson.loads(answer)["code"]) == (409, "idempotency_in_progress")
        assert int(headers["Retry-After"]) > 0
        go_on.set()
        assert (await first)[0] == 200
        assert (await post(api, SHIPMENTS, [parcel(1)], "k1"))[2] == (await first)[2]


async def test_a_failure_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 500 leaves the key free: the same request can be sent again and takes effect."""
    async with running(tmp_path) as api:
        await put(api)
        for module, name, path, body in (
            (http_shipments.staging, "stage", SHIPMENTS, [parcel(1)]),
            (trips.requesting, "request_filing", FILING, b""),
        ):
            with monkeypatch.context() as patch:

                def broken(*_: Any, **__: Any) -> None:
                    raise OSError("disk full")

                patch.setattr(module, name, broken)
                assert (await post(api, path, body, "k1"))[0] == 500
            assert (await post(api, path, body, "k1"))[0] in {200, 202}


async def test_a_body_that_never_ended_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request given up within its body frees its key."""
    async with running(tmp_path) as api:
        await put(api)
        with monkeypatch.context() as patch:
            patch.setattr(http_shipments, "SHIPMENTS_LIMIT", 100)

            async def long() -> AsyncIterator[bytes]:
                yield orjson.dumps([parcel(1)])

            assert (await post(api, SHIPMENTS, long(), "k1"))[0] == 413
        assert (await post(api, SHIPMENTS, [parcel(1)], "k1"))[0] == 200


async def test_a_claim_of_a_dead_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its lease has run out the request may be sent again; the dead one cannot finish any more."""
    async with running(tmp_path, overrides=steps_of(2)) as api:
        await put(api)
        store, now = api.service.store, idempotency.wall_clock()
        await post(api, SHIPMENTS, [parcel(1)], "known")
        actor = await store.read(lambda conn: conn.execute(select(table.c.actor)).scalar_one())
        dead = idempotency.Scope(actor, "k1", "stage_shipments", SHIPMENTS)
        assert await store.write(lambda conn: idempotency.claim(conn, dead, now)) is None
        later = now + idempotency.LEASE + timedelta(seconds=1)
        monkeypatch.setattr(idempotency, "wall_clock", lambda: later)
        assert (await post(api, SHIPMENTS, [parcel(n) for n in range(5)], "k1"))[0] == 200
        with pytest.raises(idempotency.HttpProblem) as caught:
            await store.write(lambda conn: idempotency.renew(conn, dead, now))
        assert caught.value.problems[0].code == "idempotency_in_progress"


async def test_answers_are_forgotten_after_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is kept for the stated time, then the key is free and the row gone."""
    async with running(tmp_path) as api:
        await put(api)
        await post(api, SHIPMENTS, [parcel(1)], "old")
        later = idempotency.wall_clock() + idempotency.KEPT + timedelta(seconds=1)
        monkeypatch.setattr(idempotency, "wall_clock", lambda: later)
        _, headers, _ = await post(api, SHIPMENTS, [parcel(1)], "new")
        assert "Idempotent-Replayed" not in headers
        assert await count_of(api, table) == 1


async def test_the_act_and_its_answer_are_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the answer of a filing cannot be kept, the trip is not filed either."""

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    async with running(tmp_path) as api:
        await put(api)
        await post(api, SHIPMENTS, [parcel(1)], None)
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "finish", broken)
            assert (await post(api, FILING, b"", "k1"))[0] == 500
        assert await acts(api, "file_trip") == 0
        assert (await post(api, FILING, b"", "k1"))[0] == 202
