"""What must hold on either engine when the gateway is killed? :class:`CrashPoints`, run by a file for each engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import pytest

from tests.crash.boundaries import Death
from tests.crash.faults import FAULTS
from tests.crash.visits import Course, kinds, to_visit
from tests.simulation.broken import Broken

Chart = dict[str, Course]
GROUPS: Final = 6
"""Tests among which the boundaries of a day are divided."""
LIFE: Final = 15
"""Boundaries after which a gateway dies that keeps dying. With fewer it might not live long enough to get anything
done: giving up leases, taking up what is in doubt, opening the sockets and hearing the answers are a dozen.
"""
LIVES: Final = 40

_ANSWERS: Final = "put_trip stage_shipments file_trip amend_filing cancel_filing receive_as2".split()
_COMMITS: Final = (
    "put_trip: put_trip",
    "_once: claim",
    "_Staging._stage.work",
    "_once: finish",
    "file_trip: once",
    "_run: once",
    "Planner._step: numbers_for",
    "Planner._step: store",
    "Sender.turn: take",
    "Sender._prepared: prepared",
    "Sender._record: delivered",
    "Receipts.accept.commit",
    "Reader._apply: apply",
    "Rejudger._judge: store",
)
"""What is committed in these days: where it is written, and what is called first."""
_SENDS: Final = ("before the socket opens", "before the body goes", "the answer is there")
KINDS: Final = frozenset(
    [f"answer: {one}" for one in _ANSWERS]
    + [f"send: {one}" for one in _SENDS]
    + [f"{where} commit: {one}" for one in _COMMITS for where in ("before", "after")]
)


class CrashPoints:
    """Real processes, killed."""

    @pytest.mark.parametrize("group", range(GROUPS))
    @pytest.mark.parametrize("day", ["filed", "changed"])
    def test_killed_at_every_boundary(self, chart: Chart, day: Literal["filed", "changed"], group: int) -> None:
        """Killed at any boundary, the day ends as if nothing had been: nothing is lost, nothing is filed twice."""
        course = chart[day]
        numbers = range(group + 1, to_visit(course) + 1, GROUPS)
        died = asyncio.run(course.visit(numbers))
        assert sorted(died) == list(numbers)

    def test_all_kinds_of_boundaries_are_visited(self, chart: Chart) -> None:
        """What is written, sent and answered in these days is what is listed here, before and after."""
        met = kinds(chart["filed"].met[: to_visit(chart["filed"])] + chart["changed"].met)
        assert met >= KINDS, f"not met any more: {', '.join(sorted(KINDS - met))}"

    def test_a_gateway_that_keeps_dying_gets_there(self, chart: Chart) -> None:
        """Killed again and again, a few boundaries on each time, in the recovery from the death before too."""
        day = chart["filed"].day(*[Death(LIFE)] * LIVES)
        asyncio.run(chart["filed"].drive(day))
        assert 3 < len(day.lives) < LIVES
        assert all(life.died_at for life in day.lives[:-1])

    @pytest.mark.parametrize("kind", ["workshop: before packages", "workshop: after packages"])
    def test_a_child_process_dies_with_its_parent(self, chart: Chart, kind: str) -> None:
        """Killed while the child process packs for the broker: packages are made once, no child is left behind."""
        packing = replace(chart["filed"], few=1, folder=chart["filed"].folder / kind.split()[1])
        day = packing.day(Death(1, kind))
        asyncio.run(packing.drive(day))
        assert day.lives[0].died_at == kind
        children = [pid for life in day.lives for pid in life.workshops]
        assert children
        assert not _living(children)

    @pytest.mark.parametrize("name", FAULTS)
    def test_a_deliberate_fault_is_found_out(self, chart: Chart, name: str) -> None:
        """A gateway with this fault goes through the day unharmed; killed at the wrong moment it breaks a promise."""
        fault = FAULTS[name]
        course = chart[fault.day]
        if fault.sound:
            asyncio.run(course.drive(course.day(fault=name)))
        day = course.day(Death(1, fault.dies_at), fault=name)
        with pytest.raises(Broken) as broken:
            asyncio.run(course.drive(day))
        assert day.lives[0].died_at
        assert broken.value.promise in fault.breaks, str(broken.value)


def _living(children: Iterable[int]) -> list[int]:
    """Those that still live as what they were."""
    found = []
    for pid in children:
        try:
            if b"gateway.workers.workbench" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found
