"""Several gateways on one PostgreSQL under load: killed, paused past their leases, joined; the books agree."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from tests.many.books import agree
from tests.many.fleet import Fleet, Row
from tests.many.load import Follower, Load
from tests.simulation.broken import Broken

ARRIVAL = date(2025, 3, 10)
MORNING = f"{ARRIVAL}T08:00:00-05:00"
TRIPS = 30
SHIPMENTS = 84
SENDING = (
    "SELECT id, message_id, prepared_body FROM transmissions"
    " WHERE direction = 'out' AND state IN ('sending', 'in_doubt') AND prepared IS NOT NULL AND lease_owner LIKE :owner"
)
"""Files that a process is sending just now."""
HELD = "SELECT lease_owner, 'out' AS kind FROM transmissions WHERE direction = 'out' AND lease_owner IS NOT NULL"
HELD += " UNION ALL SELECT lease_owner, 'in' FROM transmissions WHERE direction = 'in' AND lease_owner IS NOT NULL"
HELD += " UNION ALL SELECT lease_owner, 'trip' FROM leases"

pytestmark = pytest.mark.timeout(600)

Start = Callable[..., Awaitable[Fleet]]


@pytest.fixture
async def fleet(tmp_path: Path, postgres_url: str) -> AsyncIterator[Start]:
    """Start a fleet of gateways by name; it is ended with the test."""
    made: list[Fleet] = []

    async def start(*names: str, faults: Path | None = None) -> Fleet:
        made.append(Fleet(tmp_path, MORNING, postgres_url, faults=faults))
        await made[0].open(*names)
        return made[0]

    yield start
    for one in made:
        await one.shut()


class Observer:
    """Notes who holds what, as long as it runs."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.kinds: dict[str, set[str]] = defaultdict(set)
        """Processes that were seen at each kind of work."""
        self.ended = False

    async def run(self) -> None:
        """Look again and again."""
        while not self.ended:
            for row in await self.fleet.rows(HELD):
                pid = int(row["lease_owner"].removesuffix(":express").split(":")[-2])
                self.kinds[row["kind"]].add(self.fleet.pids[pid])
            await asyncio.sleep(0.05)


async def all_is_answered(fleet: Fleet, trips: int) -> bool:
    """Whether every trip is planned, everything has left and nothing that came in is unread."""
    waiting = await fleet.rows(
        "SELECT 1 FROM transmissions WHERE (direction = 'out' AND (state <> 'delivered' OR answered_at IS NULL))"
        " OR (direction = 'in' AND state = 'received') LIMIT 1"
    )
    done = await fleet.rows("SELECT count(*) AS trips FROM trips WHERE plan_stage = 'done'")
    return not waiting and done[0]["trips"] == trips


async def all_is_told(fleet: Fleet) -> bool:
    """Whether CBP has nothing left to say to us and we have read it all."""
    pile = await asyncio.to_thread(fleet.get, f"http://127.0.0.1:{fleet.control}/sandbox/answers")
    unread = await fleet.rows("SELECT 1 FROM transmissions WHERE direction = 'in' AND state = 'received' LIMIT 1")
    return pile is not None and not unread and all(one["due"] > pile["now"] for one in pile["items"])


async def settle(fleet: Fleet, load: Load) -> None:
    """Wait for the answers, let the trucks arrive, wait for what that says, and let everybody end."""
    await fleet.soon("everything is answered", lambda: all_is_answered(fleet, load.trips))
    for trip in load.answered.filed:
        await asyncio.to_thread(fleet.control_post, f"/trips/{trip}/arrive")
    await fleet.soon("everything is told", lambda: all_is_told(fleet))


async def test_books_agree_after_a_kill_and_a_pause_under_load(fleet: Start) -> None:
    """Of three gateways one is killed and one stands still past its lease while thousands of shipments are filed
    through all of them: nothing is lost, nothing is filed twice, no number is used again, events are in order.
    """
    ran = await fleet("first", "second", "third")
    load, follower, observer = Load(ran, ARRIVAL, TRIPS, SHIPMENTS), Follower(ran), Observer(ran)
    callers, reading, looking = (asyncio.create_task(one.run()) for one in (load, follower, observer))

    killed = await ran.pause_while("first", SENDING)  # so that it dies with sockets open
    ran.kill("first")
    ran.paused.discard("first")
    paused = await ran.pause_while("second", SENDING)
    await ran.join("fourth")
    after = await ran.soon("others have taken over", lambda: delivered(ran, [*killed, *paused]))
    ran.resume("second")
    await callers
    await settle(ran, load)
    follower.ended = observer.ended = True
    await asyncio.gather(reading, looking)
    await ran.leave()

    for before in (*killed, *paused):
        assert after[before["id"]] == before  # the same envelope, to the byte
    assert await delivered(ran, [*killed, *paused]) == after  # also after the paused one has gone on
    auditor = await agree(ran.store, ran.folder / "var" / "sandbox" / "sandbox.db", load.answered)
    assert not follower.faults
    assert len(follower.seen) == (await ran.rows("SELECT count(*) AS events FROM events"))[0]["events"]
    assert len(auditor.shipments) == len(load.answered.rows) > TRIPS * SHIPMENTS * 0.9
    assert len(load.doors_used) == 4
    assert len(observer.kinds["out"]) >= 3
    assert len(observer.kinds["in"]) >= 2
    assert len(observer.kinds["trip"]) >= 2
    assert sum(1 for count in ran.balancer.served.values() if count) >= 3


async def delivered(fleet: Fleet, before: list[Row]) -> dict[str, Row]:
    """The same files, once all of them have been delivered."""
    wanted = ", ".join(f"'{one['id']}'" for one in before)
    rows = await fleet.rows(
        f"SELECT id, message_id, prepared_body FROM transmissions WHERE state = 'delivered' AND id IN ({wanted})"
    )
    return {row["id"]: row for row in rows} if len(rows) == len(before) else {}


async def test_the_comparison_notices_gateways_that_do_not_heed_leases(fleet: Start) -> None:
    """Two gateways take what the other is sending and write where they hold no lease: that other bytes leave shows."""
    ran = await fleet("first", "second", faults=Path(__file__).parent / "faulty")
    load = Load(ran, ARRIVAL, 8, 12)
    await load.run()
    await settle(ran, load)
    await ran.leave()
    with pytest.raises(Broken, match="bytes are resent unchanged"):
        await agree(ran.store, ran.folder / "var" / "sandbox" / "sandbox.db", load.answered)
