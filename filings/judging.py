"""What would be filed for these shipments, as things stand on their trip?

Joins what the store knows (what a person has been sent that day, which orders are already on the truck)
with the pure decision, and tests that each shipment fits into the messages it would ride in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from filings.context import FilingContext
from filings.person_days import hold_people, ledger_while_staging
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide, decide_trip, eastern_day, survey
from mappings.entry import try_entry
from mappings.manifest_bill import BillSegments, BillWriter
from mappings.notes import TRIP, Note
from schemas.errors import FormatError, Problem
from schemas.shipment import Shipment
from schemas.trip import Trip

__all__ = ["Fit", "Judged", "decide_all", "eastern_day", "fit", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with the shipment it is about."""

    shipment_key: str
    shipment: Shipment
    decision: PathwayDecision
    bill: BillSegments | None = None
    """How it is said on the manifest, where that was tried."""


def judge(conn: Connection, ctx: FilingContext, trip: Trip, pairs: Sequence[tuple[str, Shipment]]) -> list[Judged]:
    """The pathway of each shipment as things stand, counting what is staged for the same people already."""
    shipments = [shipment for _, shipment in pairs]
    hold_people(conn, trip, shipments)
    ledger = ledger_while_staging(conn, trip, shipments, (key for key, _ in pairs))
    lots, totals = survey(shipments)
    judged: list[Judged] = []
    for key, shipment in pairs:
        decision, ledger = decide(
            shipment,
            trip,
            trip.arrival,
            ledger,
            ctx.rules,
            lots=lots,
            totals=totals,
            default_importer=ctx.filer.default_importer,
        )
        judged.append(Judged(key, shipment, decision))
    return judged


def decide_all(
    ctx: FilingContext, trip: Trip, pairs: Sequence[tuple[str, Shipment]], ledger: DayLedger | None = None
) -> list[Judged]:
    """The final pathways of a whole trip, in manifest order, after what ``ledger`` has counted already.

    A shipment whose final pathway differs from the staged one and that does not fit its messages is not
    lost and stops nobody: it goes to review with what is wrong.
    """
    shipments = [shipment for _, shipment in pairs]
    decisions = decide_trip(
        shipments, trip, trip.arrival, ctx.rules, ledger, default_importer=ctx.filer.default_importer
    )
    writer = BillWriter(trip, ctx.profile)
    return [
        _fitting(ctx, trip, writer, key, shipment, decision)
        for (key, shipment), decision in zip(pairs, decisions, strict=True)
    ]


def _fitting(
    ctx: FilingContext, trip: Trip, writer: BillWriter, key: str, shipment: Shipment, decision: PathwayDecision
) -> Judged:
    fitted = fit(ctx, trip, shipment, decision, writer)
    if not fitted.problems:
        return Judged(key, shipment, decision, fitted.bill)
    reason = f"It would go as {decision.pathway}, but does not fit the message: {fitted.problems[0].text}"
    turned = replace(
        decision,
        pathway="review",
        entry_type="",
        reasons=(*decision.reasons, reason),
        needs=(*decision.needs, *fitted.problems),
        counted=Decimal(0),
    )
    return Judged(key, shipment, turned)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a shipment fits its messages: what keeps it out, its bill, what is said otherwise than given."""

    problems: tuple[Problem, ...] = ()
    bill: BillSegments | None = None
    noted: tuple[Note, ...] = ()

    def notes(self, shipment: Shipment) -> list[dict[str, Any]]:
        """What would be written otherwise than given, as it is kept and shown; a shipment for review is not written."""
        if self.bill is None and not self.problems:
            return []
        return [*(note.as_dict() for note in dict.fromkeys(self.noted)), *_capitals(shipment)]


def fit(
    ctx: FilingContext, trip: Trip, shipment: Shipment, decision: PathwayDecision, writer: BillWriter | None = None
) -> Fit:
    """Try the shipment in the messages of its pathway; ``writer`` is that of the trip, given for many shipments."""
    if decision.pathway == "review":
        return Fit()
    problems: list[Problem] = []
    noted: list[Note] = []
    bill: BillSegments | None = None
    try:
        bill = (writer or BillWriter(trip, ctx.profile)).bill(shipment, decision, 1)
        noted.extend(bill.notes)
    except FormatError as error:
        problems.extend(error.problems)
    if decision.pathway in ("type86", "informal"):
        faults, more = try_entry(shipment, decision, trip, ctx.filer)
        problems.extend(faults)
        noted.extend(note for note in more if not note.path.startswith(TRIP))  # the same for all of a trip
    return Fit(tuple(dict.fromkeys(problems)), bill, tuple(noted))


def _capitals(shipment: Shipment) -> list[dict[str, Any]]:
    """One note for all that is written in capitals: CBP has no lower case (see :mod:`schemas.text`)."""
    written = {
        "consignee.name": shipment.consignee.name,
        "consignee.address": " ".join((*shipment.consignee.address.lines, shipment.consignee.address.city)),
        "shipper.name": shipment.shipper.name,
        "shipper.address": " ".join((*shipment.shipper.address.lines, shipment.shipper.address.city)),
        "place_of_receipt": shipment.place_of_receipt,
        "lines.description": " ".join(line.description for line in shipment.lines),
    }
    lowered = [path for path, text in written.items() if text != text.upper()]
    if not lowered:
        return []
    return [{"kind": "upper_cased", "path": ", ".join(lowered), "text": "Written in capitals: CBP has no lower case."}]
