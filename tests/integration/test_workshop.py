"""The child process for pure work: same results, errors and all, whatever happens to the child."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from filings.packing import packages
from gateway.bench.truckload import Truckload
from gateway.workers.workshop import Workshop, WorkshopLost
from mappings.decision import PathwayDecision
from schemas.errors import FormatError
from schemas.shipment import Shipment
from schemas.trip import Trip

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def formal() -> tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]]:
    """Shipments that need a package, with their decisions."""
    load = Truckload(120)
    pairs = [(shipment, decision) for shipment, decision in load.pairs if decision.pathway == "formal"][:3]
    numbered = [
        one.model_copy(update={"shipment_control_number": f"SFICPACK{n:04d}"}) for n, (one, _) in enumerate(pairs)
    ]
    return load.trip, tuple(numbered), tuple(decision for _, decision in pairs)


async def test_the_child_makes_the_same_bytes(
    formal: tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]],
) -> None:
    """A package made in the child is the one that would have been made here."""
    trip, shipments, decisions = formal
    workshop = Workshop()
    try:
        made = await workshop.run("packages", trip, shipments, decisions, NOW)
    finally:
        await workshop.close()
    assert made == packages(trip, shipments, decisions, NOW)
    assert len(made) == 3


async def test_what_the_work_raises_is_raised_here(
    formal: tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]],
) -> None:
    """An error of the work comes back with its problems, and the child goes on."""
    trip, shipments, decisions = formal
    workshop = Workshop()
    try:
        with pytest.raises(FormatError) as refused:
            await workshop.run("packages", trip, shipments, [replace(decisions[0], pathway="review")] * 3, NOW)
        assert refused.value.problems[0].code == "not_formal"
        assert await workshop.run("packages", trip, (), (), NOW) == ()
    finally:
        await workshop.close()


async def test_a_child_that_was_killed_is_replaced(
    formal: tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]],
) -> None:
    """The work of a killed child is done again by another one."""
    trip, shipments, decisions = formal
    workshop = Workshop()
    try:
        await workshop.run("packages", trip, (), (), NOW)
        first = workshop.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert len(await workshop.run("packages", trip, shipments, decisions, NOW)) == 3
        assert workshop.pid not in (None, first)
    finally:
        await workshop.close()


async def test_work_that_kills_every_child_is_given_up() -> None:
    """Two deaths over the same work are told, not tried for ever."""
    workshop = Workshop()
    try:
        with pytest.raises(WorkshopLost):
            await workshop.run("packages", _Deadly())
    finally:
        await workshop.close()


class _Deadly:
    """A value that ends the process that reads it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (3,)


async def test_work_that_is_given_up_leaves_no_answer_behind(
    formal: tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]],
) -> None:
    """After a cancelled call the next one gets its own answer."""
    trip, shipments, decisions = formal
    workshop = Workshop()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await workshop.run("packages", trip, shipments, decisions, NOW)
        assert await workshop.run("packages", trip, (), (), NOW) == ()
    finally:
        await workshop.close()


async def test_a_large_answer_that_nobody_reads_does_not_hold_up_the_end(
    formal: tuple[Trip, tuple[Shipment, ...], tuple[PathwayDecision, ...]],
) -> None:
    """Work given up over an answer that is larger than the pipes hold ends all the same."""
    trip, shipments, decisions = formal
    many, theirs = shipments * 50, decisions * 50
    workshop = Workshop()
    await workshop.run("packages", trip, (), (), NOW)
    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await workshop.run("packages", trip, many, theirs, NOW)
        await workshop.close()
    assert sum(map(len, packages(trip, shipments, decisions, NOW))) * 50 > 400_000


def test_the_child_ends_with_its_parent() -> None:
    """When its input closes, as it does when the parent is killed, the child ends by itself."""
    child = subprocess.Popen(
        [sys.executable, "-m", "gateway.workers.workshop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    out, _ = child.communicate(b"", timeout=30)
    assert (child.returncode, out) == (0, b"")
