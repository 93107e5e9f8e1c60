"""By which pathway do corrected shipments go, and does the correction reach others on their truck?

The whole trip is decided anew, in manifest order and for the arrival that is possible now, with the corrected
shipments in their places: what one person is sent that day counts together. A pathway that is in force and still
lawful stays, unless the correction asks for another; the decision says that it stays, not that it was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from filings.amendments.held import rows_of
from filings.context import FilingContext
from filings.judging import decide_all
from filings.lapsing import Change, Comparison, compare, possible_arrival
from filings.person_days import ledger_of_others
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision
from mappings.decision_words import as_declared
from schemas.shipment import Shipment
from schemas.trip import Trip

REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision for each corrected shipment, and the others that are no longer lawful by it."""

    decisions: Mapping[str, PathwayDecision]
    lapsed: tuple[tuple[str, Comparison], ...]
    """Shipment id and comparison of each other shipment that lapses."""
    trip: Trip
    """The trip with the arrival that was judged."""
    shipments: tuple[Shipment, ...]
    ledger: DayLedger


def judge_corrected(
    conn: Connection,
    ctx: FilingContext,
    row: Row[Any],
    trip: Trip,
    corrected: Mapping[str, Shipment],
    asks: frozenset[str],
    now: datetime,
) -> Judgement:
    """The pathways of the corrected shipments (by key); ``asks`` are those whose correction asks for a pathway."""
    instant = row.arrived_at or possible_arrival(trip.arrival, row.filed_at, now)
    judged_trip = trip.model_copy(update={"estimated_arrival": instant})
    rows = [one for one in rows_of(conn, row.trip_number) if one.decision is not None]
    keys = [one.key for one in rows]
    in_force = {one.key: PathwayDecision.from_dict(one.decision) for one in rows}
    shipments = []
    for one in rows:
        shipment = corrected.get(one.key)
        if shipment is None:
            shipments.append(Shipment.model_validate(one.document))
            continue
        keep = one.key not in asks and one.pathway not in (None, REVIEW)
        shipments.append(shipment.model_copy(update={"pathway": one.pathway}) if keep else shipment)
    ledger = ledger_of_others(conn, judged_trip, shipments)
    decided = decide_all(ctx, judged_trip, list(zip(keys, shipments, strict=True)), ledger)
    decisions: dict[str, PathwayDecision] = {}
    lapsed: list[tuple[str, Comparison]] = []
    for one, judged in zip(rows, decided, strict=True):
        if one.key in corrected:
            decisions[one.key] = as_declared(judged.decision, corrected[one.key].pathway)
            continue
        found = compare(in_force[one.key], judged.decision, ctx.rules)
        if found.change is Change.LAPSED and one.lapse is None:
            lapsed.append((one.shipment_id, found))
    return Judgement(decisions, tuple(lapsed), judged_trip, tuple(shipments), ledger)
