"""A manifest that fell back to preliminary is completed; shipments are taken off a truck and stay on file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict
from schemas.profile import load_profile
from tests import samples
from tests.answers import answer_355
from tests.filing_kit import CONTEXT, TRIP, Desk, informal, parcel

SECOND = "TSTC00000000002"
WELL = {"consignee": {"name": "Robin Fairly"}}
"""What mends the second shipment."""
TRAILER = samples.trip()["equipment"][0]


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on a day of March 2025, when Section 321 is lawful."""
    return Desk(filing_store)


async def fallen_back(desk: Desk) -> None:
    """A trip of three bills of which CBP refused the second: the manifest is preliminary."""
    await desk.file(parcel(1), parcel(2), parcel(3))
    (manifest,) = await desk.send()
    refused = {SECOND: ("007", "INVALID BILL")}
    await desk.hear(answer_355(manifest, desk.ctx.profile, accepted=2, rejected=refused, state="PRELIMINARY"))
    board = await desk.board()
    assert (board["decision"], board["manifest_filing"]["cbp_state"]) == ("no_go", "preliminary")


async def corrected(desk: Desk) -> bytes:
    """The second bill is mended and taken; gives what completes the manifest."""
    await desk.amend(SECOND, WELL)
    (correction,) = await desk.send()
    await desk.hear(answer_355(correction, desk.ctx.profile, state="PRELIMINARY"))
    await desk.plan()
    (completion,) = await desk.send()
    return completion


def is_set(payload: bytes, set_id: str) -> bool:
    """Whether the one message of an interchange is of this set."""
    return f"ST*{set_id}*0001" in payload.decode()


@pytest.mark.parametrize("profile", ["default", "alternate"])
async def test_a_corrected_bill_completes_the_manifest(filing_store: Store, profile: str) -> None:
    """The bill goes in by 309 type Y; once CBP took it the completion follows, by 353 or 309 as the profile says."""
    desk = Desk(filing_store, ctx=replace(CONTEXT, profile=load_profile(profile)))
    await fallen_back(desk)
    shown = await desk.dry_run(SECOND, WELL)
    by = {"default": "353", "alternate": "309"}[profile]
    assert [one["says"] for one in shown["messages"]] == [
        "309 type Y",
        f"completion of the manifest by {by}, once CBP has answered what goes before",
    ]
    await desk.amend(SECOND, WELL)
    (correction,) = await desk.send()
    assert b"M13*TSTC*0901*A*00000000002*" in correction
    assert correction.count(b"M13*") == 1
    assert (await desk.board())["decision"] in ("wait", "no_go")
    await desk.plan()
    assert await desk.send() == []
    await desk.hear(answer_355(correction, desk.ctx.profile, accepted=1, state="PRELIMINARY"))
    await desk.plan()
    (completion,) = await desk.send()
    if profile == "default":
        assert is_set(completion, "353")
        assert b"M15*Z*TSTC2503100001*20250310*0901**" in completion
    else:
        assert is_set(completion, "309")
        assert b"M11*" not in completion
    assert (await desk.board())["decision"] == "wait"
    await desk.hear(answer_355(completion, desk.ctx.profile, accepted=3, state="COMPLETE"))
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 3})
    assert board["manifest_filing"]["cbp_state"] == "complete"
    assert await desk.alerts() == []
    await desk.check_books()


async def test_a_refused_completion_leaves_the_manifest_preliminary(desk: Desk) -> None:
    """The truck does not go, a person is told why, and an empty patch of the trip asks again."""
    await fallen_back(desk)
    completion = await corrected(desk)
    fault = ("999", "NOT COMPLETE")
    await desk.hear(answer_355(completion, desk.ctx.profile, accepted=0, trip_fault=fault, state="PRELIMINARY"))
    board = await desk.board()
    assert (board["decision"], board["manifest_filing"]["cbp_state"]) == ("wait", "preliminary")
    assert "preliminary" in board["reason"].lower()
    assert set(board["states"]) == {"on_file"}
    assert await desk.alerts() == ["completion_refused"]
    assert [one["says"][:26] for one in (await desk.dry_run(TRIP, {}))["messages"]] == ["completion of the manifest"]
    await desk.amend(TRIP, {})
    await desk.plan()
    (again,) = await desk.send()
    await desk.hear(answer_355(again, desk.ctx.profile, accepted=3))
    assert (await desk.board())["decision"] == "go"
    assert await desk.alerts() == []


async def test_no_completion_while_another_bill_is_refused(desk: Desk) -> None:
    """Two refused bills: mending one sends the one bill alone, and the dry run says why no more."""
    await desk.file(parcel(1), parcel(2), parcel(3))
    (manifest,) = await desk.send()
    refused = dict.fromkeys((SECOND, "TSTC00000000003"), ("007", "INVALID BILL"))
    await desk.hear(answer_355(manifest, desk.ctx.profile, rejected=refused, state="PRELIMINARY"))
    shown = await desk.dry_run(SECOND, WELL)
    assert [one["says"] for one in shown["messages"]] == ["309 type Y"]
    assert "still_preliminary" in {one["code"] for one in shown["warnings"]}
    await desk.amend(SECOND, WELL)
    (correction,) = await desk.send()
    await desk.hear(answer_355(correction, desk.ctx.profile, state="PRELIMINARY"))
    await desk.plan()
    assert await desk.send() == []
    assert (await desk.board())["states"] == {"on_file": 2, "rejected": 1}
    await desk.amend(TRIP, {"shipments": {"P-0003": None}})
    await desk.plan()
    (completion,) = await desk.send()
    assert is_set(completion, "353")


async def test_a_completion_that_cannot_be_sent_any_more_leaves_nothing_waiting(desk: Desk) -> None:
    """A bill is refused after the completion was planned: none goes out, the manifest waits for nothing, it is told."""
    await fallen_back(desk)
    await desk.amend(TRIP, {"shipments": {"P-0002": None}}, plan=False)
    third = t.shipments.c.scn == "TSTC00000000003"
    moved = t.shipments.update().where(third).values(state="rejected", manifest_state="rejected")
    await desk.store.write(lambda conn: conn.execute(moved) and None)
    await desk.plan()
    assert await desk.send() == []
    (manifest,) = [row for row in await desk.table(t.filings) if row.kind == "manifest"]
    assert (manifest.state, manifest.version) == ("rejected", 2)
    told = [(one.kind, one.filing_id) for one in await desk.table(t.alerts) if one.settled_at is None]
    assert told == [("completion_refused", manifest.id)]


async def test_a_shipment_taken_off_stays_on_file(desk: Desk) -> None:
    """358 type Y, MBL delete: bill and entry stay with CBP; amending waits until a link ties it to the trip again."""
    await desk.file(parcel(1), informal(2))
    await desk.exchange(LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0)))
    patch: dict[str, Any] = {"shipments": {"P-0002": None}}
    shown = await desk.dry_run(TRIP, patch, off_the_truck="delink", reason_code="01")
    assert [one["says"] for one in shown["messages"]] == ["358 type Y"]
    assert "stays_on_file" in {one["code"] for one in shown["warnings"]}
    await desk.amend(TRIP, patch, off_the_truck="delink", reason_code="01")
    (consist,) = await desk.send()
    assert is_set(consist, "358")
    assert b"~MBL*TSTC*00000000002*3~" in consist
    assert (await desk.board())["decision"] in ("wait", "no_go")
    await desk.hear(answer_355(consist, desk.ctx.profile))
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"delinked": 1, "on_file": 1})
    entry = next(row for row in await desk.table(t.filings) if row.kind == "entry")
    assert (entry.state, entry.version) == ("accepted", 1)
    with pytest.raises(Conflict) as off:
        await desk.amend(SECOND, WELL, reason_code="03")
    assert [one.code for one in off.value.problems] == ["shipment_delinked"]
    await desk.amend(TRIP, {"equipment": [{**TRAILER, "seals": ["SEAL0009"]}]}, reason_code="03")
    (seals,) = await desk.send()
    assert seals.count(b"M13*") == 1
    await desk.hear(answer_355(seals, desk.ctx.profile))
    shown = await desk.dry_run(SECOND, {}, reason_code="03")
    assert [(one["name"], one["old"], one["new"]) for one in shown["difference"]] == [("aboard", "no", "yes")]
    await desk.amend(SECOND, {}, reason_code="03")
    (again,) = await desk.send()
    assert b"~MBL*TSTC*00000000002*1~" in again
    assert (await desk.board())["decision"] == "wait"
    await desk.hear(answer_355(again, desk.ctx.profile))
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 2})
    await desk.check_books()


async def refused_whole(desk: Desk) -> None:
    """A trip that CBP refused as a whole: nothing of it is on file."""
    await desk.file(parcel(1), informal(2))
    manifest, entries = sorted(await desk.send(), key=lambda one: not one.startswith(b"ISA"))
    fault = ("009", "INVALID CARRIER CODE")
    await desk.hear(answer_355(manifest, desk.ctx.profile, accepted=0, trip_fault=fault, state="PRELIMINARY"))
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0))
    await desk.hear(*(one.payload for one in cbp.send(entries)))
    board = await desk.board()
    assert (board["decision"], board["manifest_filing"]["cbp_state"]) == ("no_go", None)


@pytest.mark.parametrize(
    "patch",
    [
        {"conveyance": {"plate": {"number": "ZZ9"}}},
        {"estimated_arrival": "2025-03-11T10:00:00-04:00"},
        {"shipments": {"P-0001": WELL}},
        {},
    ],
    ids=["truck", "date", "one shipment", "nothing"],
)
async def test_a_manifest_that_was_refused_whole_is_filed_again_whole(desk: Desk, patch: dict[str, Any]) -> None:
    """309 type W with every bill, no reason code, and nothing for the entries that CBP has; even on another date."""
    await refused_whole(desk)
    shown = await desk.dry_run(TRIP, patch)
    assert [one["says"] for one in shown["messages"]] == ["309 with the whole manifest"]
    await desk.amend(TRIP, patch)
    (manifest,) = await desk.send()
    assert manifest.decode() == shown["messages"][0]["text"]
    assert (manifest.count(b"~M11*"), manifest.count(b"~M13*"), b"*2*W*" in manifest) == (2, 0, True)
    await desk.rejudge()
    await desk.hear(answer_355(manifest, desk.ctx.profile, accepted=2))
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 2}), board["reason"]
    assert (board["manifest_filing"]["cbp_state"], board["manifest_filing"]["accepted_version"]) == ("complete", 2)
    await desk.check_books()


async def test_a_manifest_that_was_refused_whole_is_given_up(desk: Desk) -> None:
    """Nothing is said of the manifest, the entries are cancelled, the trip is over."""
    await refused_whole(desk)
    await desk.cancel(TRIP, entry_reason_code="08")
    (batch,) = await desk.send()
    assert (batch[:1], batch.count(b"SE10D")) == (b"A", 1)
    board = await desk.board()
    assert (board["state"], board["decision"]) == ("cancelled", "no_go")
    with pytest.raises(Conflict) as over:
        await desk.amend(TRIP, {"crew": []})
    assert over.value.problems[0].code == "trip_cancelled"
    await desk.check_books()


@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])
async def test_a_manifest_that_was_refused_whole_is_not_filed_again_empty(desk: Desk, one_by_one: bool) -> None:
    """With its last shipment taken off there is nothing to declare: it is refused with the way out, which is open."""
    await refused_whole(desk)
    gone: dict[str, Any] = {"P-0001": None, "P-0002": None}
    if one_by_one:
        await desk.amend(TRIP, {"shipments": {"P-0001": None}})
        (manifest,) = await desk.send()
        fault = ("009", "INVALID CARRIER CODE")
        await desk.hear(answer_355(manifest, desk.ctx.profile, accepted=0, trip_fault=fault, state="PRELIMINARY"))
        del gone["P-0001"]
    with pytest.raises(Conflict) as refused:
        await desk.amend(TRIP, {"shipments": gone}, entry_reason_code="08")
    (problem,) = refused.value.problems
    assert (problem.code, TRIP in problem.remedy) == ("no_shipment_left", True)
    await desk.cancel(TRIP, entry_reason_code="08")
    assert (await desk.board())["state"] == "cancelled"
    await desk.check_books()


async def test_every_bill_refused_is_filed_again_whole(desk: Desk) -> None:
    """Whether CBP keeps an empty manifest then is not known; a whole one is right in both cases."""
    await desk.file(parcel(1), parcel(2))
    (manifest,) = await desk.send()
    refused = dict.fromkeys(("TSTC00000000001", SECOND), ("007", "INVALID BILL"))
    await desk.hear(answer_355(manifest, desk.ctx.profile, accepted=0, rejected=refused))
    patch = {"shipments": {"P-0001": WELL, "P-0002": WELL}}
    (shown,) = (await desk.dry_run(TRIP, patch))["messages"]
    assert (shown["says"], shown["text"].count("~M11*")) == ("309 with the whole manifest", 2)


async def test_a_complete_summary_with_refused_bills_is_a_preliminary_manifest(desk: Desk) -> None:
    """CBP puts a manifest back when it refuses a bill of it, whatever its summary calls what was filed."""
    await desk.file(parcel(1), parcel(2))
    (manifest,) = await desk.send()
    refused = {SECOND: ("007", "INVALID BILL")}
    await desk.hear(answer_355(manifest, desk.ctx.profile, rejected=refused, state="COMPLETE"))
    board = await desk.board()
    assert (board["manifest_filing"]["cbp_state"], board["states"]) == ("preliminary", {"on_file": 1, "rejected": 1})
