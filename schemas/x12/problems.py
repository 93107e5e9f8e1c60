"""Where in an interchange is something wrong, and how does X12 number that fault?

Rules: a :class:`PlacedProblem` is a :class:`schemas.errors.Problem` with its place; ``acknowledgment`` is the
code that a TA1, AK9, AK5, AK3 or AK4 gives for it, by ``level``. Messages show at most the first forty
characters of a value. A reading collects all its problems up to :data:`MOST_PROBLEMS`, or until their values
have :data:`MOST_VALUE_CHARACTERS`; more are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import Problem

Level = Literal["interchange", "group", "set", "segment", "element"]

MOST_PROBLEMS: Final = 50_000
"""Problems kept of one reading: five for each of the 9,999 shipments that a message may hold."""

MOST_VALUE_CHARACTERS: Final = 16_777_216
"""Characters of bad values kept with them; a whole interchange is smaller."""


@dataclass(frozen=True, slots=True)
class PlacedProblem(Problem):
    """A problem with its place: segment ``number`` (ST = 1, 0 outside a set), ``element`` (0: the whole segment),
    byte ``offset`` (-1: not known, as when writing), and the copy of the bad ``value``."""

    level: Level = "interchange"
    acknowledgment: str = ""
    segment: str = ""
    number: int = 0
    element: int = 0
    offset: int = -1
    data_element: str = ""
    value: str = ""
    mandatory: bool = False

    @property
    def position(self) -> str:
        """The place in words."""
        parts = [f"segment {self.number}"] if self.number else []
        parts += [f"element {self.element}"] if self.element else []
        parts += [f"byte {self.offset}"] if self.offset >= 0 else []
        return ", ".join(parts)

    def as_dict(self) -> dict[str, str]:
        """The JSON shape of every problem, with ``position`` in words."""
        return Problem.as_dict(self) | {"position": self.position}


def shown(value: str) -> str:
    """``value`` quoted for a message: forty characters and the length of what is longer."""
    return repr(value) if len(value) <= 40 else f"{value[:40]!r}… ({len(value)} characters)"


class Problems:
    """Collects the problems of one reading or writing, bounded."""

    def __init__(self) -> None:
        self._kept: list[PlacedProblem] = []
        self._more = 0
        self._room = MOST_VALUE_CHARACTERS
        self._last = ""

    def add(self, problem: PlacedProblem) -> None:
        """Keep ``problem``, or count it if there are too many already."""
        needed = 0 if problem.value is self._last else len(problem.value)  # faults of one element share its value
        if len(self._kept) >= MOST_PROBLEMS or needed > self._room:
            self._more += 1
            return
        self._last = problem.value
        self._room -= needed
        self._kept.append(problem)

    def __len__(self) -> int:
        return len(self._kept) + self._more

    def since(self, count: int) -> list[PlacedProblem]:
        """Those that were kept after the first ``count``, without walking over these."""
        return self._kept[count:]

    def __iter__(self) -> Iterator[PlacedProblem]:
        yield from self._kept
        if self._more:
            yield PlacedProblem(
                "too_many_problems",
                "",
                f"{self._more} further problems are not listed.",
                "Mend the first ones: they often cause the others.",
                level="set",
                acknowledgment="5",
            )
