"""Amendments and cancellations over HTTP: dry runs, versions that were seen, repeated requests, refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from filings.identity import Role
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, informal, parcel
from tests.http_service import Api, running

FIRST = "TSTC00000000001"
AMEND = f"/v1/filings/{FIRST}/amendments"
CANCEL = f"/v1/filings/{FIRST}/cancellation"
STREET = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
WELL = {"patch": STREET, "reason": "Moved.", "reason_code": "03"}


async def filed(api: Api, *raws: Any) -> tuple[Desk, LoopbackCbp]:
    """A trip behind the service, filed and answered."""
    desk = Desk(api.service.store, ctx=api.service.ctx)
    desk.now = api.service.clock()
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=30))
    await desk.file(*(raws or (parcel(1), parcel(2))))
    await desk.exchange(cbp)
    return desk, cbp


async def test_an_amendment_is_shown_then_made_once_for_its_key(tmp_path: Path) -> None:
    """The dry run changes nothing and has the bytes that go; the key's answer is kept, also after CBP has answered."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api)
        status, shown = await api.ask("POST", AMEND + "?dry_run=1", body=WELL)
        assert (status, shown["dry_run"], shown["version"], shown["amendment_id"]) == (200, True, 2, None)
        assert await desk.table(t.amendments) == []
        status, begun = await api.ask("POST", AMEND, body=WELL, Idempotency_Key="one")
        assert (status, begun["version"], begun["sent"]) == (202, 2, True)
        assert await api.ask("POST", AMEND, body=WELL, Idempotency_Key="one") == (202, begun)
        await desk.plan()
        (sent,) = await desk.send()
        assert sent.decode() == shown["messages"][0]["text"]
        await desk.hear(*(one.payload for one in cbp.send(sent)))
        assert await api.ask("POST", AMEND, body=WELL, Idempotency_Key="one") == (202, begun)
        status, other = await api.ask("POST", AMEND, body={**WELL, "reason": "Other."}, Idempotency_Key="one")
        assert (status, other["code"]) == (409, "idempotency_conflict")
        assert len(await desk.table(t.amendments)) == 1
        _, kept = await api.ask("GET", f"/v1/filings/{FIRST}/versions")
        assert [(one["version"], one["state"], one["in_force"]) for one in kept["items"]] == [
            (1, "accepted", False),
            (2, "accepted", True),
        ]
        newest = kept["items"][-1]
        assert (newest["reason"], newest["reason_code"], newest["made_by"]) == ("Moved.", "03", "test broker")
        assert [one["application"] for one in newest["messages"]] == ["309"]
        assert newest["difference"][0]["new"] == "77 Elm Ave"


async def test_what_was_seen_must_still_stand(tmp_path: Path) -> None:
    """GET gives an ETag; If-Match or ``version`` with an older one is 409, and names the newer version."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api)
        async with api.client.get(f"/v1/filings/{FIRST}", headers=api.headers(Role.BROKER)) as answer:
            etag = answer.headers["ETag"]
        assert etag == '"1"'
        assert (await api.ask("POST", AMEND, body=WELL, If_Match=etag))[0] == 202
        await desk.plan()
        await desk.exchange(cbp)
        other = {"patch": {"consignee": {"name": "Robin Fairly"}}, "reason_code": "03"}
        for said, headers in ((other, {"If_Match": etag}), ({**other, "version": 1}, {})):
            status, answer = await api.ask("POST", AMEND, body=said, **headers)
            assert (status, answer["code"]) == (409, "version_conflict")
            assert "2" in answer["errors"][0]["text"]
        status, answer = await api.ask("POST", AMEND, body=other, If_Match="yesterday")
        assert (status, answer["errors"][0]["path"]) == (400, "If-Match")
        assert (await api.ask("POST", AMEND, body=other, If_Match='"2"'))[0] == 202


async def test_two_at_once_make_one_version_each_or_none(tmp_path: Path) -> None:
    """Two brokers who saw the same version: one amendment is taken on, the other is told that something came before."""
    async with running(tmp_path) as api:
        desk, _ = await filed(api)
        other = {"patch": {"consignee": {"name": "Robin Fairly"}}, "reason_code": "03"}
        answers = await asyncio.gather(*(api.ask("POST", AMEND, body=one, If_Match='"1"') for one in (WELL, other)))
        assert sorted(status for status, _ in answers) == [202, 409]
        assert len(await desk.table(t.amendments)) == 1


async def test_the_body_may_be_the_patch_itself(tmp_path: Path) -> None:
    """As application/merge-patch+json or application/json; another type is refused with 415."""
    async with running(tmp_path) as api:
        await filed(api, informal(1), parcel(2))
        patch = {"importer_of_record": {"number": "98-7654321"}}
        headers = {"Content_Type": "application/merge-patch+json"}
        status, shown = await api.ask("POST", AMEND + "?dry_run=1", body=patch, **headers)
        assert status == 200
        assert [one["says"] for one in shown["messages"]] == ["SE action R"]
        assert (await api.ask("POST", AMEND, body=patch, Content_Type="text/plain"))[0] == 415


@pytest.mark.parametrize("role", [Role.DISPATCH, Role.AUDITOR, None])
@pytest.mark.parametrize("path", [AMEND, CANCEL, AMEND + "?dry_run=1", CANCEL + "?dry_run=1"])
async def test_only_a_broker_may(tmp_path: Path, role: Role | None, path: str) -> None:
    """A dry run shows what the broker declared, so it is the broker's too."""
    async with running(tmp_path) as api:
        assert (await api.ask("POST", path, role, body={}))[0] == (401 if role is None else 403)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (AMEND, b"{", 400, "unreadable_json"),
        (AMEND, [], 422, "wrong_shape"),
        (AMEND, {"patch": 7}, 422, "wrong_shape"),
        (AMEND, {"patch": STREET, "colour": 1}, 422, "unknown_key"),
        (AMEND, {}, 409, "nothing_changes"),
        (AMEND, STREET, 422, "reason_code_missing"),
        (AMEND, {"patch": STREET, "reason_code": "ZZ"}, 422, "reason_code_unknown"),
        (AMEND, {"patch": {"consignee": None}, "reason_code": "03"}, 422, "missing"),
        (AMEND, {"patch": {"lines": [{}]}, "reason_code": "03"}, 422, "missing"),
        (CANCEL, {}, 422, "reason_missing"),
        (CANCEL, {"reason": "Gone.", "bill": "burn"}, 422, "wrong_shape"),
        ("/v1/filings/TSTC99999999999/amendments", STREET, 404, "filing_unknown"),
        ("/v1/filings/TSTC99999999999/cancellation", {"reason": "Gone."}, 404, "filing_unknown"),
        (AMEND + "?dry_run=maybe", STREET, 400, "bad_parameter"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_begun(
    tmp_path: Path, path: str, body: Any, status: int, code: str
) -> None:
    """Each refusal has its code, its path and a remedy; the list of reasons stands in the one that asks for one."""
    async with running(tmp_path) as api:
        desk, _ = await filed(api)
        got, answer = await api.ask("POST", path, body=body, Content_Type="application/json")
        assert (got, answer["code"]) == (status, code), answer
        if code.startswith("reason_code"):
            assert "03 " in answer["errors"][0]["remedy"]
        assert await desk.table(t.amendments) == []


async def test_a_cancellation_is_shown_then_made(tmp_path: Path) -> None:
    """An entry that CBP has matched: the dry run says that it becomes a request, the version says so after it."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api, informal(1), parcel(2))
        asked = {"reason": "Sold elsewhere.", "reason_code": "01"}
        status, shown = await api.ask("POST", CANCEL + "?dry_run=1", body=asked)
        assert (status, shown["purpose"]) == (200, "cancel")
        assert [one["expected"] for one in shown["expected"]] == ["request"]
        assert [one["code"] for one in shown["warnings"]] == ["bill_without_entry"]
        status, begun = await api.ask("POST", CANCEL, body=asked, Idempotency_Key="two")
        assert (status, begun["sent"]) == (202, True)
        assert {name: begun[name] for name in asked} == asked
        await desk.plan()
        await desk.exchange(cbp)
        assert (await api.ask("POST", CANCEL, body=asked, Idempotency_Key="two"))[1] == begun
        _, filing = await api.ask("GET", f"/v1/filings/{FIRST}")
        assert (filing["state"], filing["version"], filing["accepted_version"], filing["acts"]) == (
            "requested",
            2,
            1,
            [],
        )
        _, board = await api.ask("GET", f"/v1/trips/{TRIP}")
        assert board["decision"] == "no_go"
        status, again = await api.ask("POST", CANCEL, body=asked)
        assert (status, again["code"]) == (409, "request_pending")


async def test_a_trip_is_amended_by_its_number(tmp_path: Path) -> None:
    """The manifest answers to the number of its trip: for amendments, versions and the filing itself."""
    async with running(tmp_path) as api:
        desk, cbp = await filed(api)
        patch = {"conveyance": {"plate": {"number": "ZZ9"}}, "shipments": {"P-0002": STREET}}
        body = {"patch": patch, "reason_code": "16"}
        status, shown = await api.ask("POST", f"/v1/filings/{TRIP}/amendments?dry_run=1", body=body)
        assert status == 200
        assert [one["says"] for one in shown["messages"]] == ["309 type Y"]
        assert {one.get("shipment_id", "") for one in shown["difference"]} == {"", "P-0002"}
        assert (await api.ask("POST", f"/v1/filings/{TRIP}/amendments", body=body))[0] == 202
        await desk.plan()
        await desk.exchange(cbp)
        _, filing = await api.ask("GET", f"/v1/filings/{TRIP}")
        assert (filing["kind"], filing["version"], filing["accepted_version"]) == ("manifest", 2, 2)
        _, kept = await api.ask("GET", f"/v1/filings/{TRIP}/versions")
        assert kept["items"][-1]["reason_code"] == "16"
        _, timeline = await api.ask("GET", f"/v1/filings/{FIRST}/timeline")
        assert timeline
