"""What is one figure of the table, and how is it measured fairly?

A figure without its peer says nothing about another machine. Every peer does less than the part does (that is
what makes it a peer: a floor, or another program for the same job), and its row says what. Each pair runs in
turns for a bounded time, so that a busy machine slows both. Where the project has an aim, the row holds it and
says whether this run met it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

SECONDS: Final = 1.5
"""Measuring time of each side of a pair."""

Work = Callable[[], int]
"""Does one round and says how many things were done."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: things a second, of the part and of its peer.

    ``aim`` is the least ratio wanted, ``least`` the least rate, where a number of things a second was promised.
    """

    name: str
    unit: str
    rate: float
    peer: str
    peer_rate: float
    aim: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float:
        """How much of the peer's rate the part reaches."""
        return self.rate / self.peer_rate if self.peer_rate else 0.0

    @property
    def met(self) -> bool | None:
        """Whether the aim was met in this run; ``None`` where there is none."""
        if self.aim is None and self.least is None:
            return None
        return self.ratio >= (self.aim or 0) and self.rate >= (self.least or 0)

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        row: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "per_second": round(self.rate, 1),
            "peer": self.peer,
            "peer_per_second": round(self.peer_rate, 1),
            "ratio": round(self.ratio, 3),
        }
        if self.met is None:
            return row
        return row | {"aim": self.aim, "least": self.least, "met": self.met}


@dataclass(frozen=True, slots=True)
class Memory:
    """The most a process held, in MB, for a small and for a large file of one kind; ``aim`` is the most growth."""

    name: str
    small: str
    small_mb: int
    large: str
    large_mb: int
    aim: float

    @property
    def growth(self) -> float:
        """How many times the memory of the small file the large one took."""
        return self.large_mb / self.small_mb if self.small_mb else 0.0

    @property
    def met(self) -> bool:
        """Whether the memory stayed flat in this run."""
        return self.growth <= self.aim

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "name": self.name,
            "peak_mb": {self.small: self.small_mb, self.large: self.large_mb},
            "growth": round(self.growth, 3),
            "aim": self.aim,
            "met": self.met,
        }


def in_turns(work: Work, peer: Work, seconds: float = SECONDS) -> tuple[float, float]:
    """The two rates, rounds taken in turns until each has run for ``seconds``."""
    done, spent = [0, 0], [0.0, 0.0]
    work(), peer()  # the first round of each fills caches and is not counted
    gc.collect()
    gc.freeze()  # what the bench itself holds is not looked through again and again while others are measured
    while min(spent) < seconds:
        for side, one in enumerate((work, peer)):
            if spent[side] < seconds:
                begin = time.perf_counter()
                done[side] += one()
                spent[side] += time.perf_counter() - begin
    return done[0] / spent[0], done[1] / spent[1]


def pair(
    name: str,
    unit: str,
    work: Work,
    peer_name: str,
    peer: Work,
    seconds: float,
    aim: float | None = None,
    least: float | None = None,
) -> Figure:
    """Measure a part beside its peer."""
    rate, peer_rate = in_turns(work, peer, seconds)
    return Figure(name, unit, rate, peer_name, peer_rate, aim, least)
