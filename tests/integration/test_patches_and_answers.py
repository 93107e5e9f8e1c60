"""A patch that meets an answer on its way: what CBP has on file is not known, so no version follows that one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from filings import amendments
from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict
from tests.answers import status_so
from tests.filing_kit import BROKER, TRIP, Desk, informal, parcel, type86
from tests.integration.test_retrying import retry
from tests.system_failure import failed_batch, failed_manifest

ONE, TWO, THREE = (f"TSTC{number:011d}" for number in (1, 2, 3))
MOVED = {"consignee": {"address": {"lines": ["55 New St"]}}}
BACK = {"consignee": {"address": {"lines": ["12 Sample Ave", "Apt 4"]}}}
REMARK = {"order_id": "ORDER-9"}


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


def cbp_of(desk: Desk) -> LoopbackCbp:
    """A simulated CBP in which nothing happens by itself."""
    return LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=9999))


async def versions(desk: Desk) -> dict[str, tuple[str, int, int | None]]:
    """State, version and version in force of each filing, by SCN; the manifest's by its kind."""
    rows = await desk.table(t.filings)
    return {row.scn or row.kind: (row.state, row.version, row.accepted_version) for row in rows}


async def kept(desk: Desk, name: str) -> list[tuple[int, str]]:
    """Number and state of the versions of one filing, by its SCN or kind."""
    (filing,) = [row for row in await desk.table(t.filings) if name in (row.scn, row.kind)]
    found = await desk.table(t.filing_versions, t.filing_versions.c.version)
    return [(one.version, one.state) for one in found if one.filing_id == filing.id]


async def refused(desk: Desk, name: str, patch: Any) -> set[str]:
    """The codes by which a patch is refused, which changes nothing."""
    before = await versions(desk), [row.document for row in await desk.table(t.shipments)]
    with pytest.raises(Conflict) as refusal:
        await desk.amend(name, patch, reason_code="03")
    assert (await versions(desk), [row.document for row in await desk.table(t.shipments)]) == before
    return {one.code for one in refusal.value.problems}


PATCHES: dict[str, tuple[str, Any]] = {
    "a remark on the shipment that changes": (ONE, REMARK),
    "a remark on another shipment": (TWO, REMARK),
    "a remark by the trip": (TRIP, {"shipments": {"P-0002": REMARK}}),
    "back to what is on file": (ONE, BACK),
    "back by the trip": (TRIP, {"shipments": {"P-0001": BACK}}),
}


@pytest.mark.parametrize("name", PATCHES)
async def test_no_version_follows_one_that_has_no_answer(desk: Desk, name: str) -> None:
    """While the answer to an amendment is out every patch of its manifest waits, also one that would say nothing."""
    addressed, patch = PATCHES[name]
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    await desk.amend(ONE, MOVED, reason_code="03")
    assert await refused(desk, addressed, patch) == {"answer_awaited"}
    (message,) = await desk.send()
    assert await refused(desk, addressed, patch) == {"answer_awaited"}
    await desk.hear(*(one.payload for one in cbp.send(message)))
    assert (await versions(desk))["manifest"] == ("accepted", 2, 2)
    begun = await desk.amend(addressed, patch, reason_code="03")
    assert (begun["sent"], begun["version"]) == (patch is BACK or "P-0001" in str(patch), 3)


async def test_a_failed_amendment_goes_again_whatever_is_asked_meanwhile(desk: Desk) -> None:
    """An amendment over which CBP's system failed is not lost by a remark on another shipment of the truck."""
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    await desk.amend(ONE, MOVED, reason_code="03")
    (message,) = await desk.send()
    await desk.hear(failed_manifest(message, 9001, desk.now))
    assert await refused(desk, TWO, REMARK) == {"answer_awaited"}
    desk.later(minutes=5)
    (again,) = await retry(desk)
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert (await versions(desk))["manifest"] == ("accepted", 2, 2)
    assert "55NEWST" in str(cbp.cbp.store.row("select consignee from bill where scn = ?", ONE)["consignee"])  # type: ignore[index]


async def test_a_remark_on_a_filing_that_waits_for_nothing_is_taken(desk: Desk) -> None:
    """What waits for an answer holds back nothing else: another entry, with a bill that no unanswered message holds."""
    cbp = cbp_of(desk)
    await desk.file(type86(1), type86(2), parcel(3))
    await desk.exchange(cbp)
    await desk.amend(ONE, {"packages": {"count": 2}}, reason_code="03")
    await desk.send()  # a 309 and an SE U for the first shipment, both without an answer
    assert (await desk.amend(TWO, REMARK))["sent"] is False
    assert await refused(desk, THREE, REMARK) == {"answer_awaited"}  # that is a version of the manifest
    assert (await versions(desk))[TWO] == ("accepted", 2, 1)
    assert await kept(desk, TWO) == [(1, "accepted"), (2, "not_sent")]


async def test_a_bill_is_not_left_as_another_than_was_asked_for(desk: Desk) -> None:
    """With its entry answered and its bill not, a shipment does not go back on the entry alone."""
    cbp = cbp_of(desk)
    await desk.file(type86(1), parcel(2))
    await desk.exchange(cbp)
    await desk.amend(ONE, {"packages": {"count": 2}}, reason_code="03")
    manifest, entry = await desk.send()
    late = cbp.send(manifest)
    await desk.hear(*(one.payload for one in cbp.send(entry)))
    assert (await versions(desk))[ONE] == ("accepted", 2, 2)
    assert await refused(desk, ONE, {"packages": {"count": 1}}) == {"answer_awaited"}
    await desk.hear(*(one.payload for one in late))
    begun = await desk.amend(ONE, {"packages": {"count": 1}}, reason_code="03")
    assert begun["sent"] is True
    await desk.exchange(cbp)
    assert cbp.cbp.store.row("select quantity from bill where scn = ?", ONE)["quantity"] == "1"  # type: ignore[index]


@pytest.mark.parametrize(("what", "code"), [("correct", "88"), ("correct", "86"), ("cancel", "87")])
async def test_a_requested_entry_takes_no_patch(desk: Desk, what: str, code: str) -> None:
    """A request that a person at CBP decides on is waited for, and the decision is on what was asked for."""
    cbp = cbp_of(desk)
    await desk.file(informal(1), informal(2))
    await desk.exchange(cbp)
    if what == "correct":
        await desk.amend(ONE, MOVED, reason_code="03")
    else:
        await desk.cancel(ONE, reason_code="01")
    await desk.exchange(cbp)
    assert (await versions(desk))[ONE] == ("requested", 2, 1)
    assert "request_pending" in await refused(desk, ONE, REMARK)
    if what == "cancel":
        assert "request_pending" in await refused(desk, TRIP, {"shipments": {"P-0001": REMARK}})
    assert (await desk.amend(TWO, REMARK))["sent"] is False  # the other entry waits for nobody
    number = (await desk.shipment("P-0001")).entry_number
    desk.later(minutes=5)
    await desk.hear(status_so(number, ONE, code, desk.now))
    state = {"88": "accepted"}.get(code, "refused")
    assert await kept(desk, ONE) == [(1, "accepted"), (2, state)]
    assert (await versions(desk))[ONE] == ("accepted", 2, 2 if code == "88" else 1)


async def test_a_remark_between_answers_moves_no_version(desk: Desk) -> None:
    """A version of which CBP heard nothing is never the one that a later answer accepts, refuses or contradicts."""
    cbp = cbp_of(desk)
    await desk.file(type86(1), parcel(2))
    manifest, batch = await desk.send()
    acknowledged, accepted = cbp.send(manifest)
    await desk.hear(acknowledged.payload, accepted.payload, *(one.payload for one in cbp.send(batch)))
    await desk.amend(ONE, REMARK)
    await desk.amend(TWO, REMARK)
    await desk.hear(accepted.payload.replace(b"*000000002*", b"*000000777*").replace(b"000000002~", b"000000777~"))
    await desk.hear(failed_manifest(manifest, 9001, desk.now, "NOT LAWFUL"), failed_batch(batch, "119", "NOT LAWFUL"))
    assert await versions(desk) == {"manifest": ("accepted", 2, 1), ONE: ("accepted", 2, 1)}
    assert await kept(desk, ONE) == await kept(desk, "manifest") == [(1, "accepted"), (2, "not_sent")]
    told = [one.text for one in await desk.table(t.alerts) if one.kind == "answers_contradict"]
    assert len(told) == 2
    assert all(one.startswith("CBP's answer about ") for one in told)  # raised of the filings, which have moved


async def test_a_manifest_is_not_given_up_while_a_message_of_it_is_out(filing_store: Store) -> None:
    """Of two messages one is refused whole and one has no answer: what CBP takes of that must not be forgotten."""
    desk = Desk(filing_store, limits=type(Desk(filing_store).ctx.limits)(bills_per_manifest=1))
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    await desk.hear(failed_manifest(first, 9001, desk.now, "NOT LAWFUL"))
    assert (await versions(desk))["manifest"][0] == "rejected"
    await desk.send()
    with pytest.raises(Conflict) as refusal:
        await desk.cancel(TRIP, reason_code="03")
    assert {one.code for one in refusal.value.problems} == {"answer_awaited"}


async def test_a_plan_made_before_an_answer_is_made_again(desk: Desk) -> None:
    """Between the look and the act another amendment was taken on: the plan no longer stands, and is refused now."""
    cbp = cbp_of(desk)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    asked, now = amendments.read_amendment({"patch": REMARK, "reason_code": "03"}), desk.now

    def prepare(conn: Connection) -> amendments.Plan:
        return amendments.prepare(conn, desk.ctx, TWO, asked, now)

    plan = await desk.store.read(prepare)
    assert await desk.store.write(lambda conn: amendments.still_stands(conn, plan))
    await desk.amend(ONE, MOVED, reason_code="03")

    def act(conn: Connection) -> int:
        made = plan if amendments.still_stands(conn, plan) else prepare(conn)
        return amendments.begin(conn, desk.ctx, made, actor=BROKER, now=now).version

    with pytest.raises(Conflict):
        await desk.store.write(act)
    (message,) = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(message)))
    assert await desk.store.write(act) == 3  # the answer has come in the meantime
    assert await kept(desk, "manifest") == [(1, "accepted"), (2, "accepted"), (3, "not_sent")]
