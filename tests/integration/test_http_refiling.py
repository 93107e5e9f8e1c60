"""Over HTTP: another arrival of a filed truck, and filing anew what has lapsed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from filings.identity import Role
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, informal, parcel, type86
from tests.http_service import Api, running
from tests.integration.test_refiling import CUT, PLANNED, let_cbp_think

ARRIVAL = f"/v1/trips/{TRIP}/arrival"
REFILING = f"/v1/trips/{TRIP}/refiling"


async def filed(api: Api) -> tuple[Desk, LoopbackCbp]:
    """A trip of the last evening, filed and answered, behind the service."""
    desk = Desk(api.service.store, ctx=api.service.ctx)
    at(api, desk, CUT - timedelta(hours=3))
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=30))
    await desk.put_trip(estimated_arrival=PLANNED)
    await desk.stage(parcel(1), type86(2), informal(3))
    await desk.request()
    await desk.plan()
    await desk.exchange(cbp)
    return desk, cbp


def at(api: Api, desk: Desk, moment: Any) -> None:
    """Both clocks at an instant."""
    desk.now = moment
    api.service.clock.now = moment  # type: ignore[attr-defined]


async def test_another_arrival_lapses_what_it_must_and_refiling_mends_it(tmp_path: Path) -> None:
    """PATCH notes it, the board names what lapsed, a dry run changes nothing, the POST mends it once for its key."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api)
        late = (CUT + timedelta(hours=2)).isoformat()
        status, answer = await api.ask("PATCH", ARRIVAL, Role.DISPATCH, body={"estimated_arrival": late})
        assert (status, answer["changed"]) == (200, True)
        assert answer["declared_arrival"] == PLANNED
        status, answer = await api.ask("POST", REFILING + "?dry_run=1")
        assert (status, answer["code"]) == (409, "trip_being_judged")
        assert await desk.rejudge() == 1
        _, board = await api.ask("GET", f"/v1/trips/{TRIP}")
        assert (board["state"], board["decision"], board["lapsed"]) == ("blocked", "no_go", 2)
        assert board["blocking"][0]["lapse"]["pathway"] == "informal"
        assert "decision" not in board["blocking"][0]["lapse"]
        status, shown = await api.ask("POST", REFILING + "?dry_run=1")
        assert (status, shown["dry_run"], shown["lapsed"]) == (200, True, 2)
        assert len(await desk.outgoing()) == 2
        status, begun = await api.ask("POST", REFILING, Idempotency_Key="one")
        assert (status, begun["lapsed"]) == (202, 2)
        assert all(one["entry_number"] for one in begun["shipments"])
        assert await api.ask("POST", REFILING, Idempotency_Key="one") == (202, begun)
        status, again = await api.ask("POST", REFILING)
        assert (status, again["already_requested"]) == (202, True)
        await desk.plan()
        await desk.exchange(cbp)
        await let_cbp_think(desk, cbp)
        _, board = await api.ask("GET", f"/v1/trips/{TRIP}")
        assert (board["state"], board["decision"], board["lapsed"]) == ("clear", "go", 0)
        status, answer = await api.ask("POST", REFILING)
        assert (status, answer["code"]) == (409, "nothing_lapsed")


async def test_who_may_and_what_is_refused(tmp_path: Path) -> None:
    """Only a broker refiles; unknown trips, drafts and bodies that say something else are refused with a remedy."""
    async with running(tmp_path) as api:
        assert (await api.ask("POST", REFILING, Role.DISPATCH))[0] == 403
        assert (await api.ask("PATCH", ARRIVAL, Role.AUDITOR, body={}))[0] == 403
        assert (await api.ask("POST", REFILING))[0] == 404
        desk = Desk(api.service.store, ctx=api.service.ctx)
        await desk.put_trip()
        assert (await api.ask("POST", REFILING))[1]["code"] == "trip_not_filed"
        good = {"estimated_arrival": "2025-03-10T20:00:00-04:00"}
        assert (await api.ask("PATCH", ARRIVAL, body=good))[1]["code"] == "trip_not_filed"
        assert (await api.ask("POST", REFILING, body={"shipments": []}))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"estimated_arrival": 7},
        {"estimated_arrival": "soon"},
        {"estimated_arrival": "2025-03-10T20:00:00"},
        {"estimated_arrival": "1925-03-10T20:00:00-05:00"},
        {"estimated_arrival": "2025-03-10T20:00:00-04:00", "port": "0901"},
    ],
)
async def test_an_arrival_that_is_none_is_refused(tmp_path: Path, body: Any) -> None:
    """An instant with its offset and nothing else."""
    async with running(tmp_path) as api:
        status, answer = await api.ask("PATCH", ARRIVAL, body=body)
        assert status == 422
        assert answer["errors"][0]["path"] == "estimated_arrival"


async def test_an_arrival_that_has_passed_is_refused(tmp_path: Path) -> None:
    """With its code, its path and what to send instead; the verdict stays, and the board waits when one is due."""
    async with running(tmp_path) as api:
        desk, _ = await filed(api)
        past = {"estimated_arrival": (desk.now - timedelta(hours=1)).isoformat()}
        status, answer = await api.ask("PATCH", ARRIVAL, Role.DISPATCH, body=past)
        error = answer["errors"][0]
        assert (status, error["code"], error["path"]) == (422, "arrival_in_past", "estimated_arrival")
        assert "expected now" in error["remedy"]
        assert (await api.ask("GET", f"/v1/trips/{TRIP}"))[1]["decision"] == "go"
        late = {"estimated_arrival": (CUT + timedelta(hours=2)).isoformat()}
        await api.ask("PATCH", ARRIVAL, Role.DISPATCH, body=late)
        _, board = await api.ask("GET", f"/v1/trips/{TRIP}")
        assert (board["decision"], board["being_judged_for"]) == ("wait", late["estimated_arrival"])
