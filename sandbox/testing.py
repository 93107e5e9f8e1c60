"""How does a test use the sandbox without sockets? :class:`LoopbackCbp`: files in, answers out, in the same process
and at a time of your choosing.

Example::

    cbp = LoopbackCbp("2025-03-10T09:00:00-04:00")
    answers = cbp.send(bytes_of_a_309)          # [Answer(kind="997", …), Answer(kind="355", …)]
    answers = cbp.arrive("SFIC2503100001")      # [Answer(kind="350", …)]
    answers = cbp.advance(minutes=30)           # what became due meanwhile
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.cbp import Answer, Cbp
from sandbox.clock import Clock, instant
from sandbox.registry import Bond, Importer
from sandbox.settings import Behaviour
from sandbox.store import Store


class LoopbackCbp:
    """A CBP in the process; ``path`` keeps its books in a file. The clock is frozen and moves when told."""

    def __init__(
        self,
        clock: str | datetime,
        *,
        behaviour: Behaviour | None = None,
        path: Path | None = None,
        registered: Iterable[Importer | Bond] = (),
    ) -> None:
        self.clock = Clock(frozen_at=instant(clock) if isinstance(clock, str) else clock)
        self.cbp = Cbp(Store(path), behaviour, registered=registered)

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self.clock.now()

    def send(self, payload: bytes, *, partner: str = "GATEWAY", message_id: str = "", name: str = "") -> list[Answer]:
        """Hand in a file; gives everything CBP sends at this instant."""
        receipt = self.cbp.receive(payload, self.now, partner=partner, message_id=message_id, name=name)
        if not receipt.repeated:
            self.cbp.digest(receipt.id, self.now)
        return self.collect()

    def collect(self) -> list[Answer]:
        """Everything due at this instant, marked as sent."""
        out: list[Answer] = []
        while some := self.cbp.due(self.now):
            for answer in some:
                self.cbp.sent(answer, self.now)
            out += some
        return out

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> list[Answer]:
        """Move the clock on; gives what became due."""
        self.clock.advance(timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days))
        return self.collect()

    def set_clock(self, moment: str) -> list[Answer]:
        """Set the clock; gives what is due then."""
        self.clock.set(instant(moment))
        return self.collect()

    def arrive(self, trip: str) -> list[Answer]:
        """The truck arrives now."""
        self.cbp.arrive(trip, self.now)
        return self.collect()

    def close(self) -> None:
        """Close the books."""
        self.cbp.store.close()
