"""How is every boundary of a day visited, and what must be true of each visit?

Days without a death say how many boundaries there are, and how they end. Then there is one day for each number, on
which the gateway kills itself at the boundary of that number, is started again and goes on. Threads do not take turns
in the same order twice, so the N-th boundary of one day need not be the N-th of another; what is held is that each
number up to the count is died at. A day that has fewer boundaries than that is driven again.

A trip is two days: filed, and changed afterwards. The second begins with the books that the first has left, so that
it costs half. The boundaries of the border's last step are visited on the second.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash.books import Outcome
from tests.crash.boundaries import Death
from tests.crash.day import CHANGED, CLEARED, FILED, Day, Step, file_trip
from tests.crash.place import Databases, Place
from tests.simulation.broken import Broken
from tests.simulation.broker import Answered

LANES: Final = 3
"""Days at one time: much of a day is waiting."""
TRIES: Final = 8
"""How often a day is driven until its gateway has met a number of boundaries."""


@dataclass
class Course:
    """A kind of day: its steps, what it begins with, and how it goes when nobody dies."""

    parent: str
    folder: Path
    databases: Databases
    steps: tuple[Step, ...]
    after: Place | None = None
    answered: Answered = field(default_factory=Answered)
    road: str = "as2"
    few: int | None = None
    outcome: Outcome | None = None
    met: list[str] = field(default_factory=list)
    """Kinds of the boundaries, in their order."""
    marks: list[int] = field(default_factory=list)
    _days: int = 0

    def day(self, *deaths: Death, fault: str = "") -> Day:
        """A new day of this kind."""
        self._days += 1
        place = Place(self.folder / f"{self._days}", self.databases, road=self.road, after=self.after)
        answered = copy.deepcopy(self.answered)
        return Day(self.parent, place, self.steps, deaths, fault=fault, few=self.few, answered=answered)

    async def drive(self, day: Day) -> None:
        """A day to its end, which must be that of the undisturbed one."""
        outcome = await day.run()
        if self.outcome is not None:
            differences = outcome.differences(self.outcome)
            if differences:
                raise Broken("a death changes nothing", "\n".join(differences))
        await day.place.remove()

    async def undisturbed(self) -> None:
        """The day without a death, twice: it ends in the same way, and the one with fewer boundaries counts."""
        first, second = self.day(), self.day()
        self.outcome = await first.run()
        await self.drive(second)
        fewer = min(first, second, key=lambda day: day.marks[-1])
        self.met, self.marks = fewer.lives[0].met, fewer.marks

    async def visit(self, numbers: Iterable[int], kind: str = "") -> dict[int, str]:
        """Die at each of these boundaries; what kind each was."""
        lanes = asyncio.Semaphore(LANES)
        died: dict[int, str] = {}
        broken: list[str] = []

        async def die(number: int) -> None:
            async with lanes:
                for _ in range(TRIES):
                    day = self.day(Death(number, kind))
                    try:
                        await self.drive(day)
                    except Exception as error:  # noqa: BLE001 - told below, with the others
                        at = day.lives[0].died_at if day.lives else ""
                        broken.append(f"{number} ({at or 'no death'}), in {day.place.folder}: {error!r}")
                        return
                    if day.lives[0].died_at:
                        died[number] = day.lives[0].died_at
                        return

        await asyncio.gather(*(die(number) for number in numbers))
        assert not broken, "\n\n".join(broken)
        return died


async def chart(parent: str, folder: Path, databases: Databases) -> dict[str, Course]:
    """Both days of the trip, each driven once without a death; ``cleared`` is another end of the second."""
    filed = Course(parent, folder / "filed", databases, FILED)
    await filed.undisturbed()
    morning = Course(parent, folder / "morning", databases, (file_trip,)).day()
    await morning.interrupted()
    charted = {"filed": filed}
    for name, steps in (("changed", CHANGED), ("cleared", CLEARED)):
        charted[name] = Course(parent, folder / name, databases, steps, morning.place, morning.answered)
        await charted[name].undisturbed()
    return charted


def to_visit(course: Course) -> int:
    """How many boundaries of a day are visited: of the day that files, those before the border."""
    return course.marks[0] if course.steps is FILED else course.marks[-1]


def kinds(met: Iterable[str]) -> set[str]:
    """Kinds of boundaries; each part of a commit that several things share is one."""
    found = set()
    for one in met:
        where, _, what = one.partition(": ")
        found |= {f"{where}: {part}" for part in what.split(" + ")}
    return found
