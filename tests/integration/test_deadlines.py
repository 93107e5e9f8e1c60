"""Silence becomes an alert with its filing named, once, and the alert goes when what was awaited comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from filings import queries, watching
from filings.deadlines import ANSWER, ARRIVAL, BORDER, DOUBT, RECEIPT, REFUSED, SUMMARY, UNHEARD, Patience
from filings.store import Store
from filings.store import tables as t
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, informal, is_away, loses_the_receipt, marked, parcel, type86

PATIENCE = Patience()
OURS = (RECEIPT, DOUBT, ANSWER, ARRIVAL, UNHEARD, BORDER, SUMMARY, REFUSED)


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on each engine; its trip is due at 20:30 UTC, it is 14:00."""
    return Desk(filing_store)


async def watch(desk: Desk, **patience: Any) -> list[Any]:
    """Look twice, and give the open alerts of deadlines: the second look finds nothing new."""
    now = desk.now
    await desk.store.write(lambda conn: watching.watch(conn, PATIENCE, now))
    assert await desk.store.write(lambda conn: watching.watch(conn, PATIENCE, now)) == 0
    found = await desk.table(t.alerts, t.alerts.c.id)
    return [one for one in found if one.settled_at is None and one.kind in OURS]


async def kinds(desk: Desk) -> list[str]:
    """Kinds of the open alerts of deadlines."""
    return sorted(one.kind for one in await watch(desk))


async def filing(desk: Desk, kind: str) -> Any:
    """The one filing of a kind."""
    (found,) = [one for one in await desk.table(t.filings) if one.kind == kind]
    return found


async def test_no_receipt(desk: Desk) -> None:
    """A file that nobody takes is told of with its filing after a quarter of an hour, and no more once it is taken."""
    await desk.file(parcel(1))
    desk.road.plan = [is_away]
    await desk.send()
    desk.later(minutes=15)
    assert await kinds(desk) == []
    desk.later(seconds=1)
    (alert,) = await watch(desk)
    manifest = await filing(desk, "manifest")
    assert (alert.kind, alert.filing_id, alert.trip_number) == (RECEIPT, manifest.id, TRIP)
    assert f"the manifest of trip {TRIP}" in alert.text
    await desk.send()
    assert await kinds(desk) == []


async def test_in_doubt_too_long(desk: Desk) -> None:
    """One lost receipt is one alert: doubt at once, doubt for too long after half an hour, nothing with the receipt."""

    async def all_kinds() -> list[str]:
        await watch(desk)
        return [one.kind for one in await desk.table(t.alerts, t.alerts.c.id) if one.settled_at is None]

    await desk.file(parcel(1))
    desk.later(minutes=10)
    desk.road.plan = [loses_the_receipt]
    await desk.send()
    assert await all_kinds() == ["in_doubt"]
    desk.later(minutes=30)
    assert await all_kinds() == ["in_doubt"]
    desk.later(seconds=1)
    assert await all_kinds() == [DOUBT]
    await desk.send()
    assert await all_kinds() == []


async def test_no_answer_names_the_silent_entry_only(desk: Desk) -> None:
    """CBP answers one of two entries: the other one is told of, until its answer comes too."""
    cbp = LoopbackCbp("2025-03-10T10:00:00-04:00")
    await desk.file(type86(1), marked(type86(2), "SILENT"))
    await desk.exchange(cbp)
    desk.later(minutes=60)
    assert await kinds(desk) == []
    desk.later(seconds=1)
    (alert,) = await watch(desk)
    silent = next(one for one in await desk.table(t.filings) if one.scn and "SILENT" in one.scn)
    assert (alert.kind, alert.detail["filings"]) == (ANSWER, [silent.id])
    assert f"entry {silent.entry_number} of shipment {silent.scn}" in alert.text
    answered = update(t.filings).where(t.filings.c.id == silent.id).values(state="accepted")
    await desk.store.write(lambda conn: conn.execute(answered) and None)
    assert await kinds(desk) == []


async def test_fewer_silent_filings_are_told_as_they_are_now(desk: Desk) -> None:
    """The same alert says who is still silent when some of them have been answered."""
    await desk.file(type86(1), type86(2))
    await desk.send()
    desk.later(minutes=61)
    before = next(one for one in await watch(desk) if "SE-" in one.text)
    first = before.detail["filings"][0]
    answered = update(t.filings).where(t.filings.c.id == first).values(state="accepted")
    await desk.store.write(lambda conn: conn.execute(answered) and None)
    after = next(one for one in await watch(desk) if "SE-" in one.text)
    assert (after.id, after.detail["filings"]) == (before.id, before.detail["filings"][1:])
    assert after.text != before.text


async def test_the_hour_before_arrival(desk: Desk) -> None:
    """A truck due within the hour and not clear is told of with its manifest; once it is clear the alert goes."""
    await desk.file(parcel(1))
    desk.now = datetime(2025, 3, 10, 19, 30, tzinfo=UTC) - timedelta(seconds=1)
    assert ARRIVAL not in await kinds(desk)
    desk.later(seconds=1)
    alert = next(one for one in await watch(desk) if one.kind == ARRIVAL)
    assert (alert.trip_number, alert.filing_id) == (TRIP, (await filing(desk, "manifest")).id)
    await desk.exchange(LoopbackCbp(desk.now))
    assert await kinds(desk) == []


async def test_a_truck_of_which_nothing_is_heard_and_goods_that_wait_at_the_border(desk: Desk) -> None:
    """Past its arrival without a word; then there, with a bill that CBP does not speak of; then released."""
    cbp = LoopbackCbp("2025-03-10T10:00:00-04:00")
    await desk.file(parcel(1), marked(parcel(2), "SILENT"))
    await desk.exchange(cbp)
    desk.now = datetime(2025, 3, 10, 22, 30, tzinfo=UTC)
    assert await kinds(desk) == []
    desk.later(seconds=1)
    assert await kinds(desk) == [UNHEARD]
    cbp.set_clock("2025-03-10T18:31:00-04:00")  # the sandbox lets the truck come when it was due
    answers = cbp.cbp.store.rows("select payload from answer where kind = '350'")
    await desk.hear(*(bytes(one["payload"]) for one in answers))
    (alert,) = await watch(desk)
    assert (alert.kind, alert.detail["shipments"]) == (BORDER, ["shipment TSTCSILENT000002"])
    settled = update(t.shipments).values(state="released")
    await desk.store.write(lambda conn: conn.execute(settled) and None)
    assert await kinds(desk) == []


async def test_the_entry_summary_of_a_released_entry(desk: Desk) -> None:
    """Released, told of two working days ahead, an error when overdue; a release taken back ends it."""
    cbp = LoopbackCbp("2025-03-10T10:00:00-04:00")
    await desk.file(informal(1), type86(2), parcel(3))
    await desk.exchange(cbp)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert set((await desk.states()).values()) == {"released"}
    desk.now = datetime(2025, 3, 20, 4, 0, tzinfo=UTC) - timedelta(seconds=1)
    assert await kinds(desk) == []
    desk.later(seconds=1)
    (alert,) = await watch(desk)
    entry = next(one for one in await desk.table(t.filings) if one.entry_type == "11")
    assert (alert.kind, alert.filing_id, alert.severity) == (SUMMARY, entry.id, "warning")
    desk.now = datetime(2025, 3, 25, 4, 0, tzinfo=UTC)
    (late,) = await watch(desk)
    assert (late.id, late.severity) == (alert.id, "error")
    cbp.cbp.revoke(str((await desk.shipment("P-0001")).scn), cbp.now)
    await desk.hear(*(one.payload for one in cbp.collect()))
    assert (await filing_row(desk, entry.id)).deadline_at is None
    assert await kinds(desk) == []


async def filing_row(desk: Desk, identifier: str) -> Any:
    """A filing's row."""
    query = select(t.filings).where(t.filings.c.id == identifier)
    return await desk.look(lambda conn: conn.execute(query).one())


async def test_a_broken_line_is_told_bit_by_bit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes up a limited number of subjects, the next look goes on with the others."""
    monkeypatch.setattr(watching, "MOST", 2)
    for number in range(5):
        await desk.file(parcel(number), trip=f"TSTC25031001{number:02d}")
    desk.later(minutes=16)
    now = desk.now

    def look(conn: Connection) -> int:
        return watching.watch(conn, PATIENCE, now)

    assert [await desk.store.write(look) for _ in range(4)] == [2, 2, 1, 0]


async def test_what_cbp_refused_is_one_alert_until_it_is_mended(desk: Desk) -> None:
    """Two refusals of a trip are one alert that names both with CBP's words and blocks; corrected, it is over."""
    cbp = LoopbackCbp("2025-03-10T10:00:00-04:00")
    await desk.file(marked(parcel(1), "REJ470"), marked(parcel(2), "REJ470"), parcel(3))
    await desk.exchange(cbp)
    assert (await desk.board())["decision"] == "no_go"
    (alert,) = await watch(desk)
    bill = await desk.shipment("P-0001")
    assert (alert.kind, alert.severity, alert.trip_number) == (REFUSED, "error", TRIP)
    assert f"the bill of shipment {bill.scn} (CBP 355 470" in alert.text
    other = await desk.shipment("P-0002")
    assert alert.detail["names"] == [f"the bill of shipment {one.scn}" for one in (bill, other)]
    shown = await desk.look(lambda conn: queries.filing(conn, bill.scn))
    assert [one["kind"] for one in shown["alerts"]] == [REFUSED]
    assert "gateway amend" in shown["alerts"][0]["remedy"]
    await desk.amend(TRIP, {"shipments": {"P-0001": None}})
    await desk.exchange(cbp)
    (alert,) = await watch(desk)
    assert len(alert.detail["names"]) == 1
    await desk.amend(TRIP, {"shipments": {"P-0002": None}})
    await desk.exchange(cbp)
    assert await kinds(desk) == []


async def test_an_entry_that_was_refused_is_named(desk: Desk) -> None:
    """A refused entry is named by its number, the one beside it is not; of a truck that is there another tells."""
    cbp = LoopbackCbp("2025-03-10T10:00:00-04:00")
    await desk.file(marked(type86(1), "REJ"), type86(2))
    await desk.exchange(cbp)
    refused, good = await desk.shipment("P-0001"), await desk.shipment("P-0002")
    assert (refused.state, good.state) == ("rejected", "on_file")
    (alert,) = await watch(desk)
    assert alert.kind == REFUSED
    assert f"entry {refused.entry_number} of shipment {refused.scn}" in alert.text
    assert good.entry_number not in alert.text
    desk.later(hours=2)
    cbp.set_clock(desk.now.isoformat())
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert REFUSED not in await kinds(desk)
    assert "arrived_before_clear" in await desk.alerts()
    of_good = await desk.look(lambda conn: queries.filing(conn, good.entry_number))
    assert of_good["alerts"] == []
