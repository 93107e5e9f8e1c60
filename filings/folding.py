"""How are the same facts read and folded once, when thousands of shipments have them?

The shipments of a truckload go the same way: what one message does to one of them it does to most of the others. Facts
are values and folding is pure, so what was worked out for one is given to all whose facts are equal. What is kept is
bounded, and shared: nobody may change it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from filings.lifecycle import Did, Fold, ShipmentFacts, Statement, fold
from filings.store.types import from_json

KEPT: Final = 4_096


def facts_of(column: str | None) -> ShipmentFacts:
    """The facts of a column's text, as :meth:`ShipmentFacts.from_dict` reads them; equal texts give the same object."""
    return _read(column) if column else ShipmentFacts()


@lru_cache(maxsize=KEPT)
def _read(text: str) -> ShipmentFacts:
    return ShipmentFacts.from_dict(from_json(text) or None)


class Folder:
    """Folds what one message tells: for each facts and each thing told once. Of one transaction, and gone with it."""

    def __init__(self) -> None:
        self._done: dict[tuple[int, Did | Statement], tuple[ShipmentFacts, Fold]] = {}
        self._shown: dict[int, tuple[ShipmentFacts, dict[str, Any]]] = {}

    def fold(self, facts: ShipmentFacts, told: Did | Statement) -> Fold:
        """As :func:`filings.lifecycle.fold`, which may raise; that is not kept."""
        # By identity: facts have no hash, and equal ones are mostly one object. Holding it keeps its number its own.
        name = (id(facts), told)
        known = self._done.get(name)
        if known is None:
            known = self._done[name] = (facts, fold(facts, told))
        return known[1]

    def shown(self, facts: ShipmentFacts) -> dict[str, Any]:
        """The JSON form of facts."""
        known = self._shown.get(id(facts))
        if known is None:
            known = self._shown[id(facts)] = (facts, facts.as_dict())
        return known[1]
