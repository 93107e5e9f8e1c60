"""Whose books does a call of the control API mean? Those of the filer it names, else those that know what it is about,
else the main ones.
"""

from __future__ import annotations

from sandbox.offices import Offices
from sandbox.orders import Orders
from sandbox.runner import Runner
from sandbox.store import Store

_TRIP = "select 1 from manifest where trip = ? and state <> 'DELETED' limit 1"
_SHIPMENT = "select 1 from bill where scn = ?1 union all select 1 from entry_bill where scn = ?1 limit 1"
_ENTRY = "select 1 from entry where number = ? limit 1"


class UnknownFiler(Exception):
    """There is no filer of that name here."""


class Books:
    """Chooses among the sets of books of a sandbox. ``filer`` empty: not named."""

    def __init__(self, offices: Offices) -> None:
        self.offices = offices

    def of(self, filer: str) -> Runner:
        """The books of a filer, the main ones when none is named. Raises :class:`UnknownFiler`."""
        if filer and filer not in self.offices.filers:
            known = ", ".join(self.offices.filers)
            raise UnknownFiler(f"There is no filer {filer[:80]!r} here; known: {known}.")
        return self.offices.of(filer) if filer else self.offices.main

    def name_of(self, runner: Runner) -> str:
        """What a set of books is called."""
        return next(name for name, one in self.offices.items() if one is runner)

    def of_trip(self, trip: str, filer: str = "") -> Runner:
        """The books that know a trip."""
        return self._knowing(_TRIP, trip, filer)

    def of_shipment(self, scn: str, filer: str = "") -> Runner:
        """The books that know a shipment."""
        return self._knowing(_SHIPMENT, scn, filer)

    def of_entry(self, number: str, filer: str = "") -> Runner:
        """The books that know an entry."""
        return self._knowing(_ENTRY, number, filer)

    def orders(self, runner: Runner) -> Orders:
        """Orders to a set of books."""
        return Orders(runner.cbp, self.offices.clock)

    def _knowing(self, question: str, key: str, filer: str) -> Runner:
        if not filer:
            for runner in self.offices:
                if knows(runner.cbp.store, question, key):
                    return runner
        return self.of(filer)


def knows(store: Store, question: str, key: str) -> bool:
    """Whether the books have a row for ``key``."""
    return store.row(question, key) is not None
