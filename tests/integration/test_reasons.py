"""Why a shipment stands where it does: CBP's words while they are in force, none that are over, the gravest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from filings import queries, watching
from filings.deadlines import REFUSED, Patience
from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.answers import status_so
from tests.filing_kit import TRIP, Desk, informal, marked, parcel

SCN = "TSTC00000000001"
PAST = "CBP 355: ARRIVAL IS IN THE PAST (field trip.estimated_arrival)"


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on a day of March 2025."""
    return Desk(filing_store)


async def why(desk: Desk, name: str = SCN) -> str:
    """The sentence on a shipment."""
    found = await desk.look(lambda conn: queries.filing(conn, name))
    return str(found["shipment"]["why"])


async def cancelling(desk: Desk) -> tuple[LoopbackCbp, str]:
    """A shipment that was held and let go again, and whose entry CBP decides to cancel or not."""
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=99999))
    await desk.file(informal(1), parcel(2))
    await desk.exchange(cbp)
    await desk.hear(*(one.payload for one in cbp.hold(SCN)))
    assert (await desk.shipment("P-0001")).state == "held"
    assert "CBP 350 1H" in await why(desk)
    desk.later(minutes=5)
    cbp.set_clock(desk.now)
    await desk.hear(*(one.payload for one in cbp.release(SCN)))
    assert (await desk.shipment("P-0001")).state == "on_file"
    assert "1H" not in await why(desk)
    number = str((await desk.shipment("P-0001")).entry_number)
    await desk.cancel(SCN, reason_code="01")
    await desk.exchange(cbp)
    assert (await desk.shipment("P-0001")).state == "cancelling"
    return cbp, number


async def test_a_hold_that_has_ended_holds_nothing(desk: Desk) -> None:
    """Held, let go, its entry cancelled: board and filing speak of the cancellation, not of the hold that is over."""
    _, number = await cancelling(desk)
    assert "its bill stands on the manifest" in await why(desk)
    desk.later(minutes=5)
    await desk.hear(status_so(number, SCN, "23", desk.now))
    (blocked,) = (await desk.board())["blocking"]
    assert blocked["why"] == await why(desk)
    assert blocked["why"].startswith("Its entry is cancelled")
    assert "HOLD" not in blocked["why"].upper()


async def test_a_hold_that_is_placed_again_is_a_reason_again(desk: Desk) -> None:
    """The same hold once more while the cancellation is decided on: it is what holds the truck."""
    cbp, _ = await cancelling(desk)
    desk.later(minutes=5)
    cbp.set_clock(desk.now)
    await desk.hear(*(one.payload for one in cbp.hold(SCN)))
    (blocked,) = (await desk.board())["blocking"]
    assert blocked["state"] == "held"
    assert blocked["why"].startswith("CBP 350 1H")


async def test_the_last_refusal_counts(desk: Desk) -> None:
    """Refused as a whole, amended, and refused for another reason: the sentence has the second reason alone."""
    desk.now = datetime(2025, 3, 11, 14, tzinfo=UTC)
    cbp = LoopbackCbp(desk.now)
    await desk.file(marked(parcel(1), "REJ470"), parcel(2))
    await desk.exchange(cbp)
    scn = str((await desk.shipment("P-0001")).scn)
    assert (await why(desk, scn)).startswith(f"{PAST}; CBP 355 470")
    assert await why(desk, "TSTC00000000002") == PAST
    await desk.amend(TRIP, {"estimated_arrival": "2025-03-12T16:30:00-04:00"})
    await desk.exchange(cbp)
    assert await desk.states() == {"P-0001": "rejected", "P-0002": "on_file"}
    told = await why(desk, scn)
    assert "CBP 355 470" in told
    assert "PAST" not in told
    assert "CBP" not in await why(desk, "TSTC00000000002")


async def test_bill_and_entry_are_refused_each_for_itself(desk: Desk) -> None:
    """CBP refuses a bill by one answer and its entry by another: the sentence has both."""
    await desk.file(marked(informal(1), "REJ470"), parcel(2))
    await desk.exchange(LoopbackCbp(desk.now))
    told = await why(desk, str((await desk.shipment("P-0001")).scn))
    assert "CBP 355 470" in told
    assert "CBP SX 470" in told


async def refused_whole(desk: Desk) -> LoopbackCbp:
    """A trip of March that is filed in November."""
    desk.now = datetime(2025, 11, 10, 14, tzinfo=UTC)
    cbp = LoopbackCbp(desk.now)
    await desk.file(parcel(1), parcel(2))
    await desk.exchange(cbp)
    return cbp


async def test_what_is_wrong_with_the_whole_manifest_comes_first(desk: Desk) -> None:
    """An arrival in the past is the first reason of each of its shipments, and what is said of the manifest."""
    await refused_whole(desk)
    board = await desk.board()
    assert [one["why"].startswith(f"{PAST}; CBP 355 470") for one in board["blocking"]] == [True, True]
    now = desk.now
    manifest: dict[str, Any] = await desk.look(lambda conn: queries.filing(conn, TRIP, now=now))
    assert f"({PAST}): nothing of this version is on file" in manifest["standing"]["text"]


async def test_an_amendment_that_leaves_the_arrival_in_the_past_warns_of_it(desk: Desk) -> None:
    """A dry run says that CBP refuses an arrival in the past, as long as the patch does not say a later one."""
    await refused_whole(desk)
    street = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
    warned = (await desk.dry_run(SCN, street))["warnings"][0]
    assert (warned["code"], warned["severity"]) == ("arrival_in_past", "warning")
    assert "2025-03-10 16:30" in warned["text"]
    assert "CBP refuses that" in warned["text"]
    shown = await desk.dry_run(TRIP, {"estimated_arrival": "2025-11-10T16:30:00-05:00"})
    assert not {"arrival_in_past", "hour_begins_again"} & {one["code"] for one in shown["warnings"]}


async def test_a_refused_parcel_that_is_withdrawn_says_so(desk: Desk) -> None:
    """The preview names the parcel and leaves the manifest's version; then parcel and timeline say that it is off."""
    await refused_whole(desk)
    shown = await desk.dry_run_cancel(SCN)
    gone = {"shipment_id": "P-0001", "path": "", "name": "shipment", "old": "refused by CBP", "new": "cancelled"}
    assert shown["difference"] == [gone]
    assert shown["does"] == [
        "shipment P-0001 is taken off, and must not be aboard: CBP has nothing of it",
        "nothing is sent: CBP has nothing of it",
    ]
    assert (shown["version_before"], shown["version"], shown["shipments"][0]["taken_off"]) == (1, 1, True)
    assert (await desk.cancel(SCN))["version"] == 1
    assert await desk.states() == {"P-0001": "cancelled", "P-0002": "rejected"}
    assert await why(desk) == "It is cancelled: it must not be aboard."
    steps = await desk.look(lambda conn: queries.timeline(conn, SCN))
    assert [one["text"] for one in steps if one["what"] == "cancellation_asked"] == [
        "shipment: refused by CBP → cancelled (A mistake.)"
    ]


async def test_a_refused_entry_that_is_withdrawn_makes_a_version(desk: Desk) -> None:
    """Of a refused entry the preview says that it is withdrawn, and counts the version that is kept of that."""
    await desk.file(marked(informal(1), "REJ"), parcel(2))
    await desk.exchange(LoopbackCbp(desk.now))
    entry = str((await desk.shipment("P-0001")).entry_number)
    shown = await desk.dry_run_cancel(entry)
    assert shown["does"][0] == f"entry {entry}, which CBP refused, is withdrawn"
    assert (shown["version_before"], shown["version"]) == (1, 2)
    assert (await desk.cancel(entry))["version"] == 2


async def test_a_refusal_of_a_trip_of_long_ago_is_an_alert(desk: Desk) -> None:
    """However long ago the truck was to come, what CBP refuses of it is raised, with CBP's reason."""
    await refused_whole(desk)
    now = desk.now
    await desk.store.write(lambda conn: watching.watch(conn, Patience(), now))
    (alert,) = [one for one in await desk.table(t.alerts) if one.kind == REFUSED and one.settled_at is None]
    assert alert.trip_number == TRIP
    assert PAST in alert.text
