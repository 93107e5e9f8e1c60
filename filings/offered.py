"""What may be asked of a filing now? What an amendment or a cancellation would be taken for, and no more.

- The lifecycle's table says what the state of the filing permits; what refuses an amendment whatever it says
  (:mod:`filings.amendments.forbids`, :mod:`mappings.entry_change`) takes away from that.
- Of a truck that is there: its manifest is not offered for change, nor is an entry that is released. An entry that is
  not may be amended as far as its bill says nothing of it; that limit is told beside the offer.
- An entry that is cancelled is offered again while its bill stands on the manifest of a truck that is not there: the
  bill is taken off (cancel), or the goods are filed under another entry (amend).

Only reads what it is given. What depends on the patch, or on an answer that is out, is told when it is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, select

from filings.amendments.forbids import unready
from filings.amendments.steps import standing_of
from filings.lifecycle import FilingState, ShipmentFacts, ShipmentState, permitted_acts
from filings.store import tables as t
from mappings.entry_change import act_on

BILL_STAYS: Final = "The truck is there: only what the bill on its manifest does not say can be changed."
_CHUNK: Final = 400


@dataclass(frozen=True, slots=True)
class Around:
    """The trips and shipments of some filings, by number and by key."""

    trips: Mapping[str, Row[Any]]
    shipments: Mapping[str, Row[Any]]


def around(conn: Connection, filings: Collection[Row[Any]]) -> Around:
    """What stands around these filings."""
    trips = _rows(conn, _OF_TRIP, {one.trip_number for one in filings})
    shipments = _rows(conn, _OF_SHIPMENT, {one.shipment_key for one in filings if one.shipment_key})
    return Around({one.trip_number: one for one in trips}, {one.key: one for one in shipments})


_OF_TRIP: Final = tuple(
    t.trips.c[name] for name in ("trip_number", "state", "plan_stage", "judge_again_at", "arrived_at")
)
_OF_SHIPMENT: Final = tuple(t.shipments.c[name] for name in ("key", "state", "entry_filing_id", "facts"))


def _rows(conn: Connection, columns: Sequence[Column[Any]], names: Collection[str]) -> list[Row[Any]]:
    """Rows whose first column is one of the names."""
    listed = sorted(names)
    found: list[Row[Any]] = []
    for start in range(0, len(listed), _CHUNK):
        found += conn.execute(select(*columns).where(columns[0].in_(listed[start : start + _CHUNK]))).all()
    return found


def offered(filing: Row[Any], known: Around, now: datetime | None) -> tuple[list[str], dict[str, str]]:
    """What may be asked of a filing, and what limits an act that is offered. Without ``now``, whatever the moment."""
    state, trip = FilingState(filing.state), known.trips[filing.trip_number]
    acts = [act for act in permitted_acts(state) if act != "hand_over"]
    package = ["download the package"] if state is FilingState.READY else []
    if unready(trip, now) is not None:
        return package, {}
    there = trip.arrived_at is not None
    shipment = known.shipments.get(filing.shipment_key or "")
    if shipment is None:  # the manifest
        return ([] if there else acts), {}
    if shipment.entry_filing_id != filing.id:  # another one has taken its place, and would be changed instead
        return package, {}
    facts = ShipmentFacts.from_dict(shipment.facts or None)
    if state is FilingState.CANCELLED and facts.bill_without_entry and not there:
        acts = ["amend", "cancel"]
    if shipment.state == ShipmentState.CANCELLED.value:  # what CBP has not of it is only withdrawn
        acts = [act for act in acts if act == "cancel" and not _on_file(filing)]
    if there and _on_file(filing) and _replaced(facts, trip) == "refused":
        acts = [act for act in acts if act != "amend"]
    limits = {"amend": BILL_STAYS} if there and "amend" in acts else {}
    return [*acts, *package], limits


def _on_file(filing: Row[Any]) -> bool:
    return bool(filing.kind == "entry" and filing.accepted_version is not None)


def _replaced(facts: ShipmentFacts, trip: Row[Any]) -> str:
    """What CBP does with a change of the entry. An update says what the bill says too, and that stays as it is."""
    return act_on("R", standing_of(facts, trip.arrived_at), trip.arrived_at).expected
