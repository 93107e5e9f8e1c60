"""May the truck go?

Rules: the verdict over the shipments is *stop* if one may not cross, *wait* if one is still open, else
*go*. A shipment may cross when CBP has every declaration on file (on the truck side release is
decided at arrival) or has released it. One that was cancelled or taken off is not carried and does not count.
While CBP has not answered a change, or holds the manifest as preliminary, a truck that could go waits: which
version is on file is not known. A trip whose manifest was deleted is over; its number is not used again here.
"""

from __future__ import annotations

from collections.abc import Mapping

from filings.lifecycle.filing import UNEXPECTED_ANSWER
from filings.lifecycle.states import Cell, Effects, EventType, ShipmentState, TripInput, TripState, refuse, verdict_of

_S, _I, _E = TripState, TripInput, EventType

TRIP: Mapping[TripState, Mapping[TripInput, Cell]] = {
    _S.DRAFT: {
        _I.FILING_REQUESTED: Cell(_S.FILING),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_unfiled"),
    },
    _S.FILING: {
        _I.FILING_REQUESTED: Cell(_S.FILING),
        _I.ALL_SENT: Cell(_S.FILED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILING),
        _I.STOP: Cell(_S.BLOCKED, _E.TRIP_BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.FILED: {
        _I.FILING_REQUESTED: Cell(_S.FILED),
        _I.ALL_SENT: Cell(_S.FILED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILED),
        _I.STOP: Cell(_S.BLOCKED, _E.TRIP_BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.BLOCKED: {
        _I.FILING_REQUESTED: Cell(_S.BLOCKED),
        _I.ALL_SENT: Cell(_S.BLOCKED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILED),
        _I.STOP: Cell(_S.BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.CLEAR: {
        _I.FILING_REQUESTED: Cell(_S.CLEAR),
        _I.ALL_SENT: Cell(_S.CLEAR),
        _I.GO: Cell(_S.CLEAR),
        _I.WAIT: Cell(_S.FILED),
        _I.STOP: Cell(_S.BLOCKED, _E.TRIP_BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.ARRIVED: {
        _I.ALL_SENT: Cell(_S.ARRIVED),
        _I.GO: Cell(_S.ARRIVED),
        _I.WAIT: Cell(_S.ARRIVED),
        _I.STOP: Cell(_S.ARRIVED),
        _I.ARRIVED: Cell(_S.ARRIVED),
        _I.MANIFEST_DELETED: Cell(_S.ARRIVED),
    },
    _S.CANCELLED: {
        _I.ALL_SENT: Cell(_S.CANCELLED),
        _I.GO: Cell(_S.CANCELLED),
        _I.WAIT: Cell(_S.CANCELLED),
        _I.STOP: Cell(_S.CANCELLED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_unfiled"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
}
"""State × input → next state, event, alert."""

TRIP_ENDS = frozenset({TripState.ARRIVED})
"""Terminal by intent: a truck crosses once."""

REQUESTS = frozenset({TripInput.FILING_REQUESTED})
"""Inputs a person asks for; the other ones are facts, and a fact is never refused."""

CROSSING: Mapping[ShipmentState, TripInput | None] = {
    ShipmentState.STAGED: TripInput.WAIT,
    ShipmentState.IN_REVIEW: TripInput.STOP,
    ShipmentState.REFUSED: TripInput.STOP,
    ShipmentState.IN_DOUBT: TripInput.WAIT,
    ShipmentState.FILED: TripInput.WAIT,
    ShipmentState.REJECTED: TripInput.STOP,
    ShipmentState.ON_FILE: TripInput.GO,
    ShipmentState.HANDED_OFF: TripInput.WAIT,
    ShipmentState.LAPSED: TripInput.STOP,
    ShipmentState.CANCELLING: TripInput.STOP,
    ShipmentState.DELINKED: None,
    ShipmentState.HELD: TripInput.STOP,
    ShipmentState.EXAM: TripInput.STOP,
    ShipmentState.DOCUMENTS_REQUIRED: TripInput.STOP,
    ShipmentState.RELEASED: TripInput.GO,
    ShipmentState.RELEASE_SUSPENDED: TripInput.STOP,
    ShipmentState.RELEASE_REVOKED: TripInput.STOP,
    ShipmentState.CANCELLED: None,
}
"""Whether a shipment in this state may cross; ``None``: it is not carried."""


def trip_verdict(counts: Mapping[ShipmentState, int], *, unsettled: bool = False) -> TripInput:
    """Go, wait or stop over the counts of a trip's shipments by state; a trip with nothing to carry waits.

    ``unsettled``: CBP has not answered a change of what it has on file, or holds the manifest as preliminary.
    """
    found = {CROSSING[state] for state, count in counts.items() if count > 0}
    if unsettled:
        found.add(TripInput.WAIT)
    for verdict in (TripInput.STOP, TripInput.WAIT, TripInput.GO):
        if verdict in found:
            return verdict
    return TripInput.WAIT


def step_trip(state: TripState, what: TripInput) -> tuple[TripState, Effects]:
    """The next state and what follows; raises ``NotPossible`` for a request that has no cell."""
    cell = TRIP[state].get(what)
    if cell is None:
        if what in REQUESTS:
            raise refuse("trip", state, what)
        return state, Effects("unexpected", alert=UNEXPECTED_ANSWER)
    events = (cell.event,) if cell.event else ()
    return TripState(cell.to), Effects(verdict_of(state, cell.to), events, cell.alert)
