"""Over HTTP: what a person must look at, on the board, at the filing and as a list; and how it is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from filings import archive, watching
from filings.deadlines import Patience
from filings.identity import Role
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, informal, marked, parcel, type86
from tests.http_service import Api, running


async def look(api: Api, desk: Desk, now: datetime) -> None:
    """The watcher looks at an instant."""
    desk.now = now
    api.service.clock.now = now  # type: ignore[attr-defined]
    await desk.store.write(lambda conn: watching.watch(conn, Patience(), now))


async def filed(api: Api, *raws: Any) -> tuple[Desk, LoopbackCbp]:
    """A trip, filed and answered, behind the service."""
    desk = Desk(api.service.store, ctx=api.service.ctx)
    cbp = LoopbackCbp(desk.now)
    await desk.file(*raws)
    await desk.exchange(cbp)
    return desk, cbp


async def test_a_silent_filing_is_shown_wherever_a_person_looks(tmp_path: Path) -> None:
    """On the board, at the filing it names, in the list by trip and kind; not at a filing of the same file."""
    async with running(tmp_path) as api:
        desk, _ = await filed(api, type86(1), marked(type86(2), "SILENT"))
        await look(api, desk, desk.now + timedelta(minutes=61))
        (listed,) = (await api.ask("GET", f"/v1/alerts?trip={TRIP}&kind=answer_overdue"))[1]["items"]
        scn = str((await desk.shipment("P-0002")).scn)
        assert f"shipment {scn}" in listed["text"]
        _, board = await api.ask("GET", f"/v1/trips/{TRIP}", Role.DISPATCH)
        assert listed["id"] in {one["id"] for one in board["alerts"]}
        _, silent = await api.ask("GET", f"/v1/filings/{scn}")
        assert [one["id"] for one in silent["alerts"]] == [listed["id"]]
        _, other = await api.ask("GET", f"/v1/filings/{(await desk.shipment('P-0001')).scn}")
        assert other["alerts"] == []
        assert (await api.ask("GET", "/v1/alerts?kind=entry_summary_due"))[1]["items"] == []
        for query, code in (("kind=nothing_of_the_kind", "alert_kind_unknown"), ("trip=TSTC9999", "trip_unknown")):
            status, told = await api.ask("GET", f"/v1/alerts?{query}")
            assert (status, told["code"]) == (404, code)
        assert listed["remedy"]
        assert listed["time_zone"] == "America/New_York"
        assert board["open"][0]["overdue"]
        assert board["open"][0]["text"].startswith("The SX for entry ")
        assert silent["standing"]["matter"] == "answer"
        assert silent["inquiries"] == []
        _, seen = await api.ask("GET", f"/v1/filings/{scn}", Role.AUDITOR)
        assert seen["standing"] == silent["standing"]
        status, answer = await api.ask("POST", f"/v1/alerts/{listed['id']}/settlement", body={"note": "seen"})
        assert (status, answer["code"]) == (409, "alert_ends_by_itself")


async def test_an_entry_summary_is_closed_by_whoever_knows(tmp_path: Path) -> None:
    """The note stands in the archive, the deadline does not come back, and a second settlement changes nothing."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api, informal(1))
        await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
        due_soon = datetime(2025, 3, 20, 12, 0, tzinfo=UTC)
        await look(api, desk, due_soon)
        (alert,) = (await api.ask("GET", "/v1/alerts?kind=entry_summary_due"))[1]["items"]
        assert alert["detail"]["due_on"] == "2025-03-24"
        place = f"/v1/alerts/{alert['id']}/settlement"
        status, _ = await api.ask("POST", place, Role.DISPATCH, body={"note": "filed"})
        assert status == 403
        first = await api.ask("POST", place, body={"note": "filed as AE by the broker"}, Idempotency_Key="k")
        assert (first[0], first[1]["settled_by"]) == (200, "test broker")
        assert await api.ask("POST", place, body={"note": "filed as AE by the broker"}, Idempotency_Key="k") == first
        assert await api.ask("POST", place, body={"note": "again"}) == first
        acts = await desk.look(lambda conn: archive.search(conn, kind=archive.EntryKind.ACT, trip_number=TRIP))
        kept = [one.entry for one in acts if one.entry.name == "settle_alert"]
        assert len(kept) == 1
        assert b"filed as AE by the broker" in kept[0].body
        await look(api, desk, due_soon + timedelta(days=30))
        assert (await api.ask("GET", "/v1/alerts?kind=entry_summary_due"))[1]["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "wrong_shape"),
        ({"note": " "}, 422, "wrong_shape"),
        ({"note": "x", "more": 1}, 422, "wrong_shape"),
        ({"note": "x" * 1001}, 422, "wrong_note"),
        ({"note": "two\nlines"}, 422, "wrong_note"),
        ({"note": "fine"}, 404, "alert_unknown"),
    ],
)
async def test_what_is_no_settlement_is_refused(tmp_path: Path, body: Any, status: int, code: str) -> None:
    """Without a note, with something else, too long, of an alert that there is not."""
    async with running(tmp_path) as api:
        got, answer = await api.ask("POST", "/v1/alerts/none/settlement", body=body)
        assert (got, answer["code"]) == (status, code)


async def test_alerts_come_page_by_page(tmp_path: Path) -> None:
    """The newest first, each once; a cursor that is none is refused."""
    async with running(tmp_path) as api:
        desk = Desk(api.service.store, ctx=api.service.ctx)
        for number in range(5):
            await desk.file(parcel(number), trip=f"TSTC25031002{number:02d}")
        await look(api, desk, desk.now + timedelta(minutes=16))
        seen: list[str] = []
        cursor = ""
        while True:
            _, page = await api.ask("GET", f"/v1/alerts?limit=2{cursor}")
            seen += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)
        assert (await api.ask("GET", "/v1/alerts?cursor=elsewhere"))[0] == 404
