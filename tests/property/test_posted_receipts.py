"""Whatever is lost, late, doubled, refused or killed: the same bytes under one Message-ID, and delivered once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filings.store import Store
from gateway.transports import PreparedTransmission
from gateway.workers.sender import RECEIPT_WAIT
from tests.filing_kit import is_away, loses_the_receipt, parcel
from tests.posted_kit import PROCESSED, REFUSED, PostedDesk, PostingRoad, hands_over

STEPS = st.one_of(
    st.sampled_from(["send", "lose", "away", "wait", "restart", "die"]),
    st.tuples(st.sampled_from([PROCESSED, REFUSED]), st.integers(0, 3)),
)
"""Sent and handed over, sent and lost, nobody there, time passes, another process, killed with the socket open; or a
receipt comes for the last message, the one before it, and so on."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without facts."""
    path = tmp_path_factory.mktemp("posted") / "empty.db"

    async def make() -> None:
        await (await Store.open(path)).close()

    asyncio.run(make())
    return path


class Hanging(PostingRoad):
    """Nothing comes back, and the process ends."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()

    async def send(self, prepared: PreparedTransmission) -> Any:
        """For ever."""
        self.tried.append(prepared)
        self.started.set()
        await asyncio.Event().wait()


class Story:
    """One transmission through everything, beside what should be known of it."""

    def __init__(self, desk: PostedDesk) -> None:
        self.desk = desk
        self.bodies: dict[str, bytes] = {}
        self.delivered = False
        self.refusals = 0

    def note(self, tried: list[PreparedTransmission]) -> None:
        """What went out: a Message-ID stands for the same bytes for ever."""
        for one in tried:
            assert self.bodies.setdefault(one.message_id, one.body) == one.body

    async def step(self, step: Any) -> None:
        """Let one thing happen."""
        desk = self.desk
        if isinstance(step, tuple):
            await self.receipt(*step)
        elif step == "wait":
            desk.later(seconds=RECEIPT_WAIT.total_seconds())
        elif step == "restart":
            self.desk = PostedDesk(desk.store)
            self.desk.now, self.desk.wall = desk.now, desk.wall
        elif step == "die":
            await self.die()
        else:
            desk.road.plan = [{"send": hands_over, "lose": loses_the_receipt, "away": is_away}[step]]  # type: ignore[list-item]
            before = len(desk.road.tried)
            await desk.sender.turn()
            self.note(desk.road.tried[before:])

    async def die(self) -> None:
        """A sender that is killed while it sends; its lease has to run out."""
        road = Hanging()
        turn = asyncio.create_task(self.desk.another_sender("dying", road).turn())
        started = asyncio.create_task(road.started.wait())
        await asyncio.wait([turn, started], return_when=asyncio.FIRST_COMPLETED)
        for task in (turn, started):
            task.cancel()
        await asyncio.gather(turn, started, return_exceptions=True)
        self.note(road.tried)

    async def receipt(self, said: str, back: int) -> None:
        """The partner posts a receipt for one of the messages that it got."""
        known = list(self.bodies)
        if not known:
            return
        message_id = known[max(len(known) - 1 - back, 0)]
        current = message_id == (await self.desk.row()).message_id
        assert await self.desk.comes(message_id, said=said) == ()
        if current and not self.delivered:
            self.delivered = said == PROCESSED
            self.refusals += said == REFUSED

    async def check(self) -> None:
        """What is known is what should be."""
        row = await self.desk.row()
        assert (row.state == "delivered") is self.delivered
        assert len(self.bodies) <= 1 + self.refusals
        told = [event.type for event in await self.desk.told("filing.sent")]
        assert len(told) == int(self.delivered)


async def tell(path: Path, steps: list[Any]) -> None:
    """One story, with a good end."""
    async with await Store.open(path, upgrade=False) as store:
        story = Story(PostedDesk(store))
        await story.desk.file(parcel(1))
        for step in steps:
            await story.step(step)
            await story.check()
        while not story.delivered:
            await story.step("wait")
            await story.step("send")
            await story.step((PROCESSED, 0))
        await story.check()
        await story.desk.check_books()


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, max_size=10))
def test_any_story_ends_delivered_once_and_never_in_other_bytes(empty: Path, steps: list[Any]) -> None:
    """Fresh bytes and another Message-ID follow only a refusal; a receipt is believed once; nothing is lost."""
    path = empty.with_name("story.db")
    for left in path.parent.glob("story.db*"):
        left.unlink()
    shutil.copy(empty, path)
    asyncio.run(tell(path, steps))
