"""May the truck go?

Rules: the verdict over the shipments is *stop* if one may not cross, *wait* if one is still open, else
*go*. A shipment may cross when CBP has every declaration on file (on the truck side release is
decided at arrival) or has released it. One that was cancelled or taken off is not carried and does not count.
While CBP has not answered a change, or holds the manifest as preliminary, a truck that could go waits: which
version is on file is not known. A trip whose manifest was deleted is over; its number is not used again here.
A trip is put and its shipments are staged while it is a draft; after that its expected arrival may be
changed and what has lapsed filed anew, until it has arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from filings.lifecycle.filing import UNEXPECTED_ANSWER
from filings.lifecycle.states import (
    Cell,
    Effects,
    EventType,
    ShipmentState,
    TripInput,
    TripState,
    Why,
    refuse,
    verdict_of,
)

_S, _I, _E = TripState, TripInput, EventType


def _on_the_way(state: TripState) -> dict[TripInput, Cell]:
    """What may be asked of a filed trip whose truck is not there; it changes nothing about the trip itself."""
    return dict.fromkeys((_I.ARRIVAL_CHANGED, _I.REFILING_REQUESTED), Cell(state))


TRIP: Mapping[TripState, Mapping[TripInput, Cell]] = {
    _S.DRAFT: {
        _I.PUT: Cell(_S.DRAFT),
        _I.STAGED: Cell(_S.DRAFT),
        _I.FILING_REQUESTED: Cell(_S.FILING),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_unfiled"),
    },
    _S.FILING: {
        **_on_the_way(_S.FILING),
        _I.ALL_SENT: Cell(_S.FILED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILING),
        _I.STOP: Cell(_S.BLOCKED, _E.TRIP_BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.FILED: {
        **_on_the_way(_S.FILED),
        _I.ALL_SENT: Cell(_S.FILED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILED),
        _I.STOP: Cell(_S.BLOCKED, _E.TRIP_BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.BLOCKED: {
        **_on_the_way(_S.BLOCKED),
        _I.ALL_SENT: Cell(_S.BLOCKED),
        _I.GO: Cell(_S.CLEAR, _E.TRIP_CLEAR),
        _I.WAIT: Cell(_S.FILED),
        _I.STOP: Cell(_S.BLOCKED),
        _I.ARRIVED: Cell(_S.ARRIVED, alert="arrived_before_clear"),
        _I.MANIFEST_DELETED: Cell(_S.CANCELLED),
    },
    _S.CLEAR: {
        **_on_the_way(_S.CLEAR),
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

TRIP_STARTS: Final = (TripState.DRAFT,)
"""How a trip begins: it has been put, nothing of it has been filed."""

TRIP_ENDS: Final = frozenset({TripState.ARRIVED, TripState.CANCELLED})
"""Ends on purpose: a truck crosses once, and the number of a deleted manifest is not used again here."""

TRIP_ACTS: Final[Mapping[str, TripInput]] = {
    "replace": TripInput.PUT,
    "stage": TripInput.STAGED,
    "file": TripInput.FILING_REQUESTED,
    "change_arrival": TripInput.ARRIVAL_CHANGED,
    "refile": TripInput.REFILING_REQUESTED,
}
"""Acts that a person may ask for, and the input that each one is."""

REQUESTS: Final = frozenset(TRIP_ACTS.values())
"""Inputs a person asks for; the other ones are facts, and a fact is never refused."""

WHY_NOT: Final[Mapping[TripState, Why]] = {
    _S.DRAFT: ("It has not been filed.", "File it first."),
    _S.FILING: ("It has been filed.", "File corrected shipments on a new trip number, under new control numbers."),
    _S.FILED: ("It has been filed.", "File corrected shipments on a new trip number, under new control numbers."),
    _S.BLOCKED: ("It has been filed.", "Settle what blocks it, or take that off the truck."),
    _S.CLEAR: ("It has been filed, and every shipment may cross.", "Let the truck cross."),
    _S.ARRIVED: ("The truck is there.", "Settle its shipments with CBP at the port."),
    _S.CANCELLED: ("Its manifest was deleted.", "File the goods on a new trip number."),
}
"""Why a state refuses what is asked of it, and the way out."""

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
            raise refuse("trip", state, what, WHY_NOT[state])
        return state, Effects("unexpected", alert=UNEXPECTED_ANSWER)
    events = (cell.event,) if cell.event else ()
    return TripState(cell.to), Effects(verdict_of(state, cell.to), events, cell.alert)


def permitted_trip_acts(state: TripState) -> tuple[str, ...]:
    """What a person may ask of a trip in this state."""
    return tuple(act for act, what in TRIP_ACTS.items() if what in TRIP[state])


NOT_TO_CROSS: Final = frozenset(
    {
        ShipmentState.STAGED,
        ShipmentState.IN_REVIEW,
        ShipmentState.REFUSED,
        ShipmentState.IN_DOUBT,
        ShipmentState.FILED,
        ShipmentState.REJECTED,
        ShipmentState.LAPSED,
        ShipmentState.CANCELLING,
    }
)
"""States in which a shipment has no business on a truck that is at the border.

A hold or an exam at the booth is CBP's own doing; what should not have crossed is what was open before.
"""
