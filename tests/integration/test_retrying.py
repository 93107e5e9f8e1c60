"""What CBP could not process goes again: the same declaration, never a second one; what it refuses does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from filings import retrying
from filings.awaited import awaits_answer
from filings.context import Limits
from filings.store import Store
from filings.store import tables as t
from gateway.workers.retrier import Retrier
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.answers import answer_355
from tests.filing_kit import TRIP, Desk, loses_the_receipt, parcel, takes, type86
from tests.system_failure import failed_batch, failed_manifest


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine."""
    return Desk(filing_store)


async def retry(desk: Desk) -> list[bytes]:
    """Let the retrier work, then send."""
    await Retrier(desk.store, desk.ctx, desk.clock, lambda: None).turn()
    return await desk.send()


async def filings(desk: Desk) -> dict[str, str]:
    """States of filings by entry number, or kind."""
    return {row.entry_number or row.kind: row.state for row in await desk.table(t.filings)}


def transactions(payload: bytes) -> list[str]:
    """The transactions of a batch, each as its records."""
    records = "\n".join(line for line in payload.decode().splitlines() if line[:1] not in "ABYZ")
    return [f"SE10{one}".rstrip("\n") for one in records.split("SE10")[1:]]


async def test_a_batch_that_failed_goes_again_with_the_same_entries(desk: Desk) -> None:
    """After five minutes, under a new batch number, every transaction byte for byte; CBP then has one entry of each."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(type86(1), type86(2))
    manifest, batch = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(manifest)), failed_batch(batch))
    assert set((await filings(desk)).values()) == {"accepted", "queued"}
    assert set((await desk.states()).values()) == {"filed"}
    desk.later(minutes=5, seconds=-1)
    assert await retry(desk) == []
    desk.later(seconds=1)
    (again,) = await retry(desk)
    assert transactions(again) == transactions(batch)
    assert again != batch
    assert (again[59:69], batch[59:69]) == (b"B000000002", b"B000000001")
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert set((await desk.states()).values()) == {"on_file"}
    assert cbp.cbp.store.count("select count(*) from entry") == 2
    assert await retry(desk) == []
    assert await desk.alerts() == []
    told = [event.type for event in await desk.told() if event.data.get("kind") == "entry"]
    assert sorted(told) == sorted(
        ["filing.queued", "filing.sent", "filing.queued", "filing.sent", "filing.accepted"] * 2
    )
    await desk.check_books()


async def test_only_the_entry_that_failed_goes_again(desk: Desk) -> None:
    """One of two failed: the other one is accepted and stays so, and is not sent a second time."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(type86(1), type86(2))
    manifest, batch = await desk.send()
    failing = str((await desk.shipment("P-0002")).entry_number)
    await desk.hear(*(one.payload for one in cbp.send(manifest)), failed_batch(batch, only=failing))
    assert (await filings(desk))[failing] == "queued"
    desk.later(minutes=5)
    (again,) = await retry(desk)
    assert transactions(again) == transactions(batch)[1:]
    assert sorted((await filings(desk)).values()) == ["accepted", "accepted", "sent"]


async def test_a_manifest_that_failed_goes_again_under_a_new_number(desk: Desk) -> None:
    """The same set in a new interchange; meanwhile nothing else is said about the trip."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    (manifest,) = await desk.send()
    await desk.hear(failed_manifest(manifest, 9001, desk.now))
    assert (await filings(desk))["manifest"] == "queued"
    assert set((await desk.states()).values()) == {"staged"}
    desk.later(minutes=5)
    (again,) = await retry(desk)
    body = [one.partition(b"~ST*")[2].partition(b"~GE*")[0] for one in (manifest, again)]
    assert body[0] == body[1] != b""
    assert (manifest[89:100], again[89:100]) == (b"*000000001*", b"*000000002*")
    await desk.hear(*(one.payload for one in cbp.send(again)))
    assert set((await desk.states()).values()) == {"on_file"}
    assert cbp.cbp.store.count("select count(*) from bill") == 2
    await desk.check_books()


@pytest.mark.parametrize("failures", [1, 2])
async def test_the_message_that_completes_a_manifest_waits_for_a_retry(filing_store: Store, failures: int) -> None:
    """The first of two fails: its retry goes first, however often, and CBP has the bills of both in the end."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=2))
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False))
    await desk.file(*(parcel(number) for number in range(1, 5)))
    (first,) = await desk.send()
    for _ in range(failures):
        await desk.hear(failed_manifest(first, 9001, desk.now))
        assert await desk.send() == []
        desk.later(minutes=11)
        (first,) = await retry(desk)
    await desk.hear(*(one.payload for one in cbp.send(first)))
    await desk.exchange(cbp)
    assert cbp.cbp.store.count("select count(*) from bill where state = 'ON_FILE'") == 4
    assert (await filings(desk))["manifest"] == "accepted"
    assert set((await desk.states()).values()) == {"on_file"}
    assert await desk.alerts() == []
    await desk.check_books()


async def test_the_message_that_completes_a_manifest_goes_when_a_failure_persists(filing_store: Store) -> None:
    """After an hour the refusal of the first message stands and a person is told: the last one waits no longer."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    await desk.file(parcel(1), parcel(2))
    (sent,) = await desk.send()
    for minutes in (5, 10, 20, 20):
        await desk.hear(failed_manifest(sent, 9001, desk.now))
        desk.later(minutes=minutes)
        (sent,) = await retry(desk)
        assert b"TSTC00000000002" not in sent.replace(b"*", b"")
    await desk.hear(failed_manifest(sent, 9001, desk.now))
    assert "system_failure_persists" in await desk.alerts()
    (last,) = await desk.send()
    assert last.count(b"~LX*") == 1


async def test_an_amendment_goes_again_though_another_bill_is_under_review(desk: Desk) -> None:
    """CBP says of one bill of bytes that went twice that it is on file already: that keeps no other one back."""
    await desk.file(parcel(1), parcel(2))
    desk.road.plan = [loses_the_receipt, takes]
    (sent,) = await desk.send()
    desk.later(seconds=1)
    await desk.send()
    rejected = {"TSTC00000000001": ("", "SHIPMENT ALREADY ON FILE")}
    await desk.hear(answer_355(sent, desk.ctx.profile, accepted=1, rejected=rejected))
    assert (await filings(desk))["manifest"] == "under_review"
    patch = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
    await desk.amend("TSTC00000000002", patch, reason_code="03")
    (amendment,) = await desk.send()
    await desk.hear(failed_manifest(amendment, 9001, desk.now))
    desk.later(minutes=5)
    (again,) = await retry(desk)
    body = [one.partition(b"~ST*")[2].partition(b"~GE*")[0] for one in (amendment, again)]
    assert body[0] == body[1] != b""


async def test_a_failure_that_persists_becomes_a_persons(desk: Desk) -> None:
    """Four times in an hour; then the refusal stands, somebody is told to call CBP, and nothing goes again."""
    await desk.file(type86(1))
    _manifest, batch = await desk.send()
    began = desk.now
    for minutes in (5, 10, 20, 20):
        await desk.hear(failed_batch(batch))
        desk.later(minutes=minutes)
        (batch,) = await retry(desk)
    assert desk.now - began == timedelta(minutes=55)
    await desk.hear(failed_batch(batch))
    entry = str((await desk.shipment("P-0001")).entry_number)
    assert (await filings(desk))[entry] == "rejected"
    assert "system_failure_persists" in await desk.alerts()
    desk.later(hours=2)
    assert await retry(desk) == []


@pytest.mark.parametrize(
    ("code", "text"), [("119", "VALUE LESS THAN ALL LINE-ITEM VALUES"), ("E90", "SOMETHING ELSE"), ("010", "INVALID")]
)
async def test_a_real_refusal_does_not_go_again(desk: Desk, code: str, text: str) -> None:
    """Whatever is not in the table is a refusal, also under a code that is."""
    await desk.file(type86(1))
    _manifest, batch = await desk.send()
    await desk.hear(failed_batch(batch, code, text))
    assert (await desk.states())["P-0001"] == "rejected"
    desk.later(hours=2)
    assert await retry(desk) == []


async def test_a_late_word_on_the_first_of_two_failures_stops_no_retry(desk: Desk) -> None:
    """CBP acknowledges the first message after the second one has failed, too: the third goes all the same."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    late = cbp.send(first)[0].payload
    await desk.hear(failed_manifest(first, 901, desk.now))
    desk.later(minutes=6)
    (second,) = await retry(desk)
    await desk.hear(failed_manifest(second, 902, desk.now))
    await desk.hear(late)

    assert await filings(desk) == {"manifest": "queued"}
    desk.later(minutes=11)
    (third,) = await retry(desk)
    assert third.count(b"~LX*") == 2
    assert await filings(desk) == {"manifest": "sent"}


async def test_pga_data_rejected_alone_goes_again_once(desk: Desk) -> None:
    """A wrong PGA DATA REJECTED is tried once more; said again, it stands."""
    await desk.file(type86(1))
    _manifest, batch = await desk.send()
    await desk.hear(failed_batch(batch, "PGA", "PGA DATA REJECTED"))
    assert (await desk.states())["P-0001"] == "filed"
    desk.later(minutes=5)
    (again,) = await retry(desk)
    await desk.hear(failed_batch(again, "PGA", "PGA DATA REJECTED"))
    assert (await desk.states())["P-0001"] == "rejected"


async def test_the_same_answer_twice_and_two_workers_make_one_retry(desk: Desk) -> None:
    """The answer repeated, and two retriers at once: the declaration goes again once."""
    await desk.file(type86(1))
    _manifest, batch = await desk.send()
    answer = failed_batch(batch)
    await desk.hear(answer, answer)
    desk.later(minutes=5)
    now = desk.now
    (waiting,) = [one.id for one in await desk.look(lambda conn: retrying.due(conn, now))]
    done = [await desk.store.write(lambda conn: retrying.send_again(conn, desk.ctx, waiting, now)) for _ in range(2)]
    assert done == [True, False]
    assert len(await desk.outgoing("SE")) == 2


async def test_what_was_withdrawn_meanwhile_does_not_go_again(desk: Desk) -> None:
    """A filing that no longer waits in the version that failed is left alone."""
    await desk.file(type86(1))
    _manifest, batch = await desk.send()
    await desk.hear(failed_batch(batch))
    moved = t.filings.update().where(t.filings.c.kind == "entry").values(state="cancelled")
    await desk.store.write(lambda conn: conn.execute(moved) and None)
    desk.later(minutes=5)
    assert await retry(desk) == []
    rows = await desk.table(t.retries)
    assert [(row.made_at, row.made_transmission_id) for row in rows] == [(desk.now, None)]


async def test_bytes_that_came_before_are_no_refusal(desk: Desk) -> None:
    """TA1 025 to the repetition of what was in doubt proves that CBP has it; its answer is still awaited."""
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1))
    desk.road.plan = [loses_the_receipt, loses_the_receipt]
    (first,) = await desk.send()
    assert await desk.states() == {"P-0001": "in_doubt"}
    isa = first.decode().split("~")[0].split("*")
    ta1 = [*isa[:5], isa[7], isa[8], isa[5], isa[6], *isa[9:13], "000000777", *isa[14:]]
    known = "~".join(["*".join(ta1), f"TA1*000000001*{isa[9]}*{isa[10]}*R*025", "IEA*0*000000777"]) + "~"
    await desk.hear(known.encode())
    assert await desk.states() == {"P-0001": "filed"}
    assert (await filings(desk))["manifest"] == "sent"
    await desk.hear(*(one.payload for one in cbp.send(first)))
    assert await desk.states() == {"P-0001": "on_file"}


@pytest.mark.parametrize(("times", "state"), [(1, "rejected"), (2, "under_review")])
async def test_already_on_file_after_a_repetition_is_no_refusal(desk: Desk, times: int, state: str) -> None:
    """Bytes that went twice and are on file are under review and raised; bytes that went once are refused."""
    await desk.file(type86(1))
    desk.road.plan = [takes, loses_the_receipt][:times]
    batch = (await desk.send())[-1]
    desk.later(seconds=1)
    await desk.send()
    await desk.hear(failed_batch(batch, "007", "ENTRY NUMBER ALREADY ON FILE"))
    entry = next(row for row in await desk.table(t.filings) if row.kind == "entry")
    assert entry.state == state
    assert ("already_on_file" in await desk.alerts()) is (times > 1)


async def test_the_trip_is_not_amended_while_its_manifest_goes_again(desk: Desk) -> None:
    """What CBP has on file is not known until the retry has its answer."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    await desk.hear(failed_manifest(manifest, 9001, desk.now))
    assert await desk.look(lambda conn: awaits_answer(conn, TRIP))
    outgoing: Any = await desk.look(lambda conn: conn.execute(select(t.transmissions.c.answered_at)).all())
    assert outgoing[0].answered_at is not None
