"""Who keeps whose books? One :class:`~sandbox.runner.Runner` for each set of books, all with the same clock.

Books that are apart have queues, faults and a transcript of their own: what one filer sends, however bad, is read and
answered without touching another's. Filers that name the same books meet in them. So that a flood of one keeps no other
waiting, a door works on few of a filer's files at the same time (:meth:`Offices.turn_of`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandbox.cbp import Cbp
from sandbox.clock import Clock, instant
from sandbox.faults import restore_faults
from sandbox.runner import Runner
from sandbox.settings import Filer, Settings
from sandbox.store import Store

AT_ONCE: Final = 2
"""Files of one filer that a door works on at the same time."""


class Offices:
    """The sets of books of one sandbox. ``main``, the first filer's, also keeps the clock and the instance's name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.filers: dict[str, Filer] = {one.name: one for one in settings.all_filers()}
        self._runners: dict[str, Runner] = {}
        self._books_of: dict[str, str] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self.clock = Clock()
        for place, filer in enumerate(self.filers.values()):
            books = filer.books or filer.name
            self._books_of[filer.name] = books
            if books not in self._runners:
                store = Store(None if settings.memory else settings.data_dir / _file_of(books, first=place == 0))
                if place == 0:
                    self._begin(store)
                runner = Runner(
                    Cbp(store, settings.behaviour, registered=(*settings.importers, *settings.bonds)),
                    self.clock,
                    retry_first=settings.retry_first,
                    retry_longest=settings.retry_longest,
                )
                runner.faults = restore_faults(store.get_meta("faults"))
                self._runners[books] = runner
        self.main = next(iter(self._runners.values()))
        self.instance = str(self.main.cbp.store.get_meta("instance"))

    def _begin(self, store: Store) -> None:
        if store.get_meta("instance") is None:
            store.set_meta("instance", uuid.uuid4().hex[:12])
        left = store.get_meta("clock")
        if self.settings.clock or left is None:
            self.clock.run_at(self.settings.speed)
            self.clock.freeze(self.settings.frozen)
            if self.settings.clock:
                self.clock.set(instant(self.settings.clock))
            store.set_meta("clock", self.clock.as_dict())
        else:
            self.clock.restore(left)

    def __iter__(self) -> Iterator[Runner]:
        return iter(self._runners.values())

    def items(self) -> Iterator[tuple[str, Runner]]:
        """(name of the books, who keeps them)."""
        return iter(self._runners.items())

    def of(self, filer: str) -> Runner:
        """Who keeps the books of a filer; what comes from nobody known goes to the main ones."""
        return self._runners.get(self._books_of.get(filer, ""), self.main)

    def turn_of(self, filer: str) -> asyncio.Semaphore:
        """A filer's turn at a door: held while a file of its own is worked on; strangers have one together."""
        return self._turns.setdefault(filer if filer in self.filers else "", asyncio.Semaphore(AT_ONCE))

    async def clock_changed(self) -> None:
        """Remember the clock and let everybody look at it again."""
        await asyncio.to_thread(self.main.cbp.store.set_meta, "clock", self.clock.as_dict())
        for runner in self:
            runner.wake()

    def start(self) -> None:
        """Begin reading and sending."""
        for runner in self:
            runner.start()

    async def stop(self) -> None:
        """End it; the books are left in order."""
        for runner in self:
            await runner.stop()

    async def settled(self, seconds: float = 30.0) -> bool:
        """Whether nothing due is left to do in any books within this time."""
        return all(await asyncio.gather(*(runner.settled(seconds) for runner in self)))

    def close(self) -> None:
        """Close the books."""
        for runner in self:
            runner.cbp.store.close()


def _file_of(books: str, *, first: bool) -> Path:
    return Path("sandbox.db" if first else f"books-{books}.db")
