"""What is one run made of? Its seed, its clocks, its shape, and the log of all that happened.

Every choice of a run is drawn from its seed: what the broker does, what the network does, who goes on next, the
identifiers. Two clocks move together and stand far apart, so that a mix-up of business time and machine time shows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from filings import uuid7
from filings.context import Limits
from filings.uuid7 import Uuid7Source

WALL: Final = datetime(2031, 5, 1, tzinfo=UTC)
"""The machine's clock at the beginning of a run."""
BEGINNINGS: Final = (
    (6, datetime(2025, 3, 10, 14, 0, tzinfo=UTC)),
    (3, datetime(2025, 8, 28, 18, 0, tzinfo=UTC)),  # the trucks arrive about when Section 321 and type 86 end
    (1, datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
)
"""When runs begin, and how often."""


SMALL: Final = Limits(bills_per_manifest=2, entries_per_transmission=2, handoffs_per_step=1)
"""So small that a trip takes several messages."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How often something goes wrong; shares of one, by what it happens to."""

    lost: float = 0.0
    """A file of ours never arrives, or arrives and its receipt does not."""
    refused: float = 0.0
    """A file of ours arrives damaged, and its signature does not hold."""
    late: float = 0.0
    """A file of ours arrives after we have given it up."""
    doubled: float = 0.0
    """A file arrives twice, ours or CBP's."""
    damaged: float = 0.0
    """A file of CBP's arrives damaged."""
    unheard: float = 0.0
    """A file of CBP's arrives and our receipt does not, so it comes again."""
    fails: float = 0.0
    """CBP's own system fails over a file of ours, and nothing of it is kept."""
    purged: float = 0.0
    """A file of CBP's is lost for good."""
    crash: float = 0.0
    """A process dies, by weight of a step."""
    outage: float = 0.0
    """Nobody can be reached for a while, by weight of a step."""
    pause: float = 0.0
    """A process stands still past its leases, by weight of a step."""


FAIR: Final = Weather()
WEATHERS: Final = (
    (2, FAIR),
    (4, Weather(0.1, 0.05, 0.1, 0.1, 0.05, 0.1, 0.05, 0.0, 0.06, 0.03, 0.024)),
    (3, Weather(0.25, 0.1, 0.2, 0.2, 0.1, 0.2, 0.15, 0.0, 0.24, 0.08, 0.08)),
    (1, Weather(0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.16, 0.08, 0.08)),
    (2, Weather(lost=0.4, doubled=0.1, unheard=0.1, fails=0.4)),  # CBP fails over what is in doubt
)


@dataclass
class World:
    """One run."""

    seed: int
    steps: int = 0
    log: list[str] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}:choices")
        self.luck = random.Random(f"{self.seed}:network")
        self._identifiers = random.Random(f"{self.seed}:identifiers")
        begin = random.Random(f"{self.seed}:shape")
        self.now: datetime = _weighted(begin, BEGINNINGS)
        self.weather: Weather = _weighted(begin, WEATHERS)
        self.processes: int = _weighted(begin, ((5, 1), (3, 2), (2, 3)))
        self.limits: Limits = _weighted(begin, ((3, Limits()), (2, SMALL)))
        self.lanes: bool = random.Random(f"{self.seed}:lanes").random() < 0.4
        """Whether answers are read in two lanes; a trip of two is a truckload then."""
        self.says_again: float = _weighted(random.Random(f"{self.seed}:repetitions"), ((3, 0.0), (1, 1.5)))
        """Weight of a step in which CBP says an old 355 again in a new envelope."""
        self.wall = WALL

    def clock(self) -> datetime:
        """The clock of the business."""
        return self.now

    def machine_clock(self) -> datetime:
        """The clock of the machines."""
        return self.wall

    def monotonic(self) -> float:
        """Seconds of the machine's clock."""
        return (self.wall - WALL).total_seconds()

    def later(self, seconds: float) -> None:
        """Both clocks move on."""
        self.now += timedelta(seconds=seconds)
        self.wall += timedelta(seconds=seconds)

    def note(self, text: str) -> None:
        """Write a line of the log."""
        self.log.append(f"{self.steps:05d} {self.now:%m-%d %H:%M:%S} {text}")

    def happens(self, share: float) -> bool:
        """Whether something that goes wrong so often goes wrong now."""
        return share > 0 and self.luck.random() < share

    @contextmanager
    def identifiers(self) -> Iterator[None]:
        """While it lasts identifiers follow from the seed and the clock."""
        before = uuid7._SOURCE
        uuid7._SOURCE = Uuid7Source(lambda: int(self.wall.timestamp() * 1000), self._identifiers.getrandbits)
        try:
            yield
        finally:
            uuid7._SOURCE = before


def _weighted(chance: random.Random, choices: tuple[tuple[int, Any], ...]) -> Any:
    return chance.choices([one for _, one in choices], [weight for weight, _ in choices])[0]
