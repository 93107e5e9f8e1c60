"""How does a test use the sandbox without sockets? :class:`LoopbackCbp`: files in, answers out, in the same process
and at a time of your choosing.

Example::

    cbp = LoopbackCbp("2025-03-10T09:00:00-04:00")
    answers = cbp.send(bytes_of_a_309)          # [Answer(kind="997", …), Answer(kind="355", …)]
    answers = cbp.arrive("SFIC2503100001")      # [Answer(kind="350", …)]
    answers = cbp.advance(minutes=30)           # what became due meanwhile
    cbp.shipment("SFIC25031000001")["state"]    # "RELEASED"

The clock is frozen and moves when told; nothing is random but by ``seed``: the same calls give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sandbox import transcript, views
from sandbox.cbp import Answer, Cbp
from sandbox.clock import Clock, instant
from sandbox.faults import Faults, read_faults
from sandbox.office import cut_off, garbled
from sandbox.orders import Orders
from sandbox.pending import pending
from sandbox.registry import Bond, Importer
from sandbox.settings import Behaviour
from sandbox.store import Store

MARCH: Final = "2025-03-10T09:00:00-04:00"
"""A morning on which Section 321 and entry type 86 were open."""


_DAMAGES: Final[Mapping[str, tuple[Callable[[bytes], bytes], str]]] = {
    "garble": (garbled, "delivered garbled"),
    "truncate": (cut_off, "delivered cut off"),
}
"""Fates that change the bytes, as the sender of a running sandbox names them."""


class Outage(Exception):
    """CBP is not there: what a door answers with 503."""


class LoopbackCbp:
    """A CBP in the process. ``path`` keeps its books in a file.

    ``filers`` with books of their own are named here; ``cbp`` are the books of the first, and of everybody who is not
    named. ``seed`` decides what a plan of faults does that names none.
    """

    def __init__(
        self,
        clock: str | datetime = MARCH,
        *,
        behaviour: Behaviour | None = None,
        path: Path | None = None,
        filers: Iterable[str] = (),
        seed: int = 0,
        registered: Iterable[Importer | Bond] = (),
    ) -> None:
        self.clock = Clock(frozen_at=instant(clock) if isinstance(clock, str) else clock)
        self.seed = seed
        self.faults = Faults(seed=seed)
        known = tuple(registered)
        self.cbp = Cbp(Store(path), behaviour, registered=known)
        names = list(filers) or ["GATEWAY"]
        self.books: dict[str, Cbp] = {names[0]: self.cbp}
        for name in names[1:]:
            beside = path.with_name(f"{path.stem}-{name}{path.suffix}") if path is not None else None
            self.books[name] = Cbp(Store(beside), behaviour, registered=known)
        self._delayed: set[tuple[int, int]] = set()

    def close(self) -> None:
        """Close the books."""
        for cbp in self.books.values():
            cbp.store.close()

    # ------------------------------------------------------------------ files and time

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self.clock.now()

    def of(self, filer: str) -> Cbp:
        """The books of a filer."""
        return self.books.get(filer, self.cbp)

    def send(self, payload: bytes, *, partner: str = "GATEWAY", message_id: str = "", name: str = "") -> list[Answer]:
        """Hand in a file; gives everything CBP sends at this instant. Raises :class:`Outage` during one."""
        if self.faults.is_out(self.now):
            raise Outage(f"CBP is not there at {self.now.isoformat()}")
        cbp = self.of(partner)
        receipt = cbp.receive(payload, self.now, partner=partner, message_id=message_id, name=name)
        if not receipt.repeated:
            cbp.digest(receipt.id, self.now, fails=self.faults.fails(receipt.id))
        return self.collect()

    def collect(self) -> list[Answer]:
        """Everything due at this instant, marked as sent: as it arrives, with the faults that are in force."""
        out: list[Answer] = []
        if self.faults.is_out(self.now):
            return out
        for place, cbp in enumerate(self.books.values()):
            while some := cbp.due(self.now):
                for answer in self._reordered(some):
                    out += self._delivered(place, cbp, answer)
        return out

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> list[Answer]:
        """Move the clock on; gives what became due."""
        self.clock.advance(timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days))
        return self.collect()

    def set_clock(self, moment: str | datetime) -> list[Answer]:
        """Set the clock; gives what is due then."""
        self.clock.set(instant(moment) if isinstance(moment, str) else moment)
        return self.collect()

    def let_pass(self, until: datetime) -> list[Answer]:
        """Go to an instant, stopping wherever something is due, so that each answer goes out at its own time."""
        out = self.collect()
        while (due := self.next_due()) is not None and self.now < due <= until:
            out += self.set_clock(due)
        return out + (self.set_clock(until) if until > self.now else [])

    def next_due(self) -> datetime | None:
        """When the next thing happens in any books; ``None``: nothing is to come."""
        return min((due for cbp in self.books.values() if (due := cbp.next_due()) is not None), default=None)

    # ------------------------------------------------------------------ orders

    def arrive(self, trip: str) -> list[Answer]:
        """The truck arrives now. Raises :class:`~sandbox.border.NotPossible`, as all orders do."""
        self._orders(self._knowing(views.trip, trip)).arrive(trip)
        return self.collect()

    def hold(self, scn: str) -> list[Answer]:
        """A hold is placed on a shipment."""
        return self.order("hold", scn)

    def exam(self, scn: str) -> list[Answer]:
        """A shipment is to be examined."""
        return self.order("exam", scn)

    def release(self, scn: str) -> list[Answer]:
        """A hold ends; what has arrived is released."""
        return self.order("release", scn)

    def revoke(self, scn: str) -> list[Answer]:
        """A release is taken back."""
        return self.order("revoke", scn)

    def order(self, act: str, scn: str) -> list[Answer]:
        """One of ``sandbox.orders.ACTS`` about a shipment."""
        self._orders(self._knowing(views.shipment, scn)).shipment(act, scn)
        return self.collect()

    def push(self, filer: str = "") -> list[Answer]:
        """CBP says the next thing now."""
        self._orders(self.of(filer)).push()
        return self.collect()

    def plan_faults(self, plan: Mapping[str, Any]) -> None:
        """Put a plan of faults in force, as ``POST /sandbox/faults`` takes it; ``{}`` ends it."""
        self.faults = read_faults({"seed": self.seed, **plan})

    # ------------------------------------------------------------------ questions

    def trip(self, number: str) -> dict[str, Any]:
        """The manifest of a trip. Raises :class:`KeyError` when none is on file."""
        return self._one(views.trip, number)

    def shipment(self, scn: str) -> dict[str, Any]:
        """A shipment and its entries. Raises :class:`KeyError` when nothing names it."""
        return self._one(views.shipment, scn)

    def entry(self, number: str) -> dict[str, Any]:
        """An entry. Raises :class:`KeyError` when it is not on file."""
        return self._one(views.entry, number)

    def state(self, filer: str = "") -> dict[str, Any]:
        """The books at a glance, as ``GET /sandbox/state`` shows them."""
        return views.state(self.of(filer), self.clock, self.faults)

    def pending(self, filer: str = "") -> list[dict[str, Any]]:
        """What CBP will say next, and when."""
        items: list[dict[str, Any]] = pending(self.of(filer), limit=1000)["items"]
        return items

    def transcript(self, filer: str = "", *, annotated: bool = False) -> list[dict[str, Any]]:
        """Every file both ways with its verdict; ``annotated`` line by line."""
        cbp = self.of(filer)
        wanted = transcript.Wanted(annotated=annotated)
        items: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = transcript.page(cbp.store, cbp.office.profile, wanted, after=after, limit=1000)
            items += page["items"]
            after = page["next"]
        return items

    # ------------------------------------------------------------------ inside

    def _orders(self, cbp: Cbp) -> Orders:
        return Orders(cbp, self.clock)

    def _knowing(self, question: Any, key: str) -> Cbp:
        return next((cbp for cbp in self.books.values() if question(cbp.store, key) is not None), self.cbp)

    def _one(self, question: Any, key: str) -> dict[str, Any]:
        found: dict[str, Any] | None = question(self._knowing(question, key).store, key)
        if found is None:
            raise KeyError(key)
        return found

    def _reordered(self, answers: list[Answer]) -> list[Answer]:
        out = list(answers)
        for at in range(len(out) - 1):
            if self.faults.fate(out[at].id) == "reorder" and self.faults.fate(out[at + 1].id) != "reorder":
                out[at], out[at + 1] = out[at + 1], out[at]
        return out

    def _delivered(self, place: int, cbp: Cbp, answer: Answer) -> list[Answer]:
        fate = self.faults.fate(answer.id)
        if fate == "drop":
            cbp.sent(answer, self.now, verdict="dropped")
            return []
        if fate == "delay" and (place, answer.id) not in self._delayed:
            self._delayed.add((place, answer.id))
            cbp.postpone([answer], self.now + timedelta(seconds=self.faults.delay_seconds))
            return []
        damage, verdict = _DAMAGES.get(fate, (bytes, "delivered"))
        payload = damage(answer.payload)
        cbp.sent(answer, self.now, payload=payload, verdict=verdict)
        return [replace(answer, payload=payload)] * (2 if fate == "duplicate" else 1)
