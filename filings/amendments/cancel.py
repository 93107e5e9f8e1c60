"""What follows from a cancellation? An entry, a shipment's bill, or a whole manifest goes, with its reason.

- An **entry** in force is cancelled by SE action D; whether CBP's system does it by itself or a person decides depends
  on how it stands. One that CBP refused is only withdrawn here: CBP has none. Its **bill** stays on the manifest unless
  it is told to go (``delete``) or to come off this trip (``delink``).
- A **shipment** without an entry goes by its bill.
- A **handoff** is withdrawn.
- A **manifest** is deleted whole (309 type 3) before the truck is there, and the entries of its shipments are
  cancelled: they would match nothing any more. One that CBP refused whole is given up without a word to CBP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Row

from filings.amendments.acts import becomes, taken_off
from filings.amendments.amend import addressed_filing
from filings.amendments.asked import CancelAsked
from filings.amendments.cautions import cautions
from filings.amendments.difference import FieldChange
from filings.amendments.forbids import reasons_needed, refuse_forbidden, refuse_unready, refuse_version
from filings.amendments.held import Held, HeldShipment, held, named, rows_of, shipments_of, target_of
from filings.amendments.plan import Codes, Plan, PlannedShipment, TripStep
from filings.amendments.steps import (
    BILL,
    ENTRY,
    BillWants,
    EntryStep,
    ShipmentStep,
    bill_has,
    entry_has,
    step_for,
)
from filings.context import FilingContext
from filings.lifecycle import FilingState
from mappings.entry_change import act_on
from schemas.errors import Conflict, Problem, ShipmentError


def prepare_cancellation(conn: Connection, ctx: FilingContext, name: str, asked: CancelAsked, now: datetime) -> Plan:
    """The plan for a cancellation; raises :class:`ShipmentError`, :class:`Conflict` and :class:`NotFound`."""
    target = target_of(conn, name)
    on = held(conn, target.trip_number)
    refuse_unready(on, now)
    whole = target.shipment_key is None and not asked.shipments
    keys = _keys(conn, target.trip_number, target.shipment_key, asked)
    rows = rows_of(conn, target.trip_number, None if whole else keys)
    addressed = addressed_filing(conn, on, target, rows)
    refuse_version(addressed, asked.version)
    shipments = shipments_of(conn, on, rows)
    if whole:
        planned, trip_step, code = _manifest(on, shipments, asked, now)
    else:
        planned = tuple(_one(ctx, one, asked, now, of_manifest=target.shipment_key is None) for one in shipments)
        trip_step, code = "", _bill_code(planned, asked)
    plan = Plan(
        "cancel",
        on,
        addressed,
        target.shipment_key,
        None,
        asked.reason,
        code,
        _codes(asked, by_entry=_by_entry(planned, asked), whole=whole),
        None,
        trip_step,
        planned,
        tuple(_difference(planned, trip_step)),
        False,
        (),
        None,
    )
    if not plan.sends and not trip_step and not any(_withdrawn(one) for one in planned):
        raise Conflict(_nothing(name))
    refuse_forbidden(conn, ctx, plan)
    plan = replace(plan, needs=reasons_needed(plan))
    return replace(plan, warnings=tuple(cautions(plan, now)))


def _keys(conn: Connection, trip_number: str, key: str | None, asked: CancelAsked) -> set[str]:
    if key is not None:
        return {key}
    found = named(conn, trip_number, asked.shipments)
    unknown = [one for one in asked.shipments if one not in found]
    if unknown:
        raise ShipmentError(
            Problem(
                "shipment_unknown",
                "shipments",
                f"There is no shipment {one} on trip {trip_number}.",
                "Name it by its id or its control number.",
            )
            for one in unknown
        )
    return set(found.values())


def _one(
    ctx: FilingContext, one: HeldShipment, asked: CancelAsked, now: datetime, *, of_manifest: bool
) -> PlannedShipment:
    """One shipment: what goes of it. Without an entry, or named on its manifest, its bill goes."""
    has = entry_has(one.old)
    by_bill = of_manifest or has == "none"
    act = asked.bill or ("delete" if by_bill else "keep")
    if by_bill and act == "keep":
        text = f"Shipment {one.row.shipment_id} has no entry: its bill is what can be cancelled."
        raise ShipmentError(Problem("nothing_to_keep", "bill", text, "Use delete or delink."))
    if by_bill:
        step = step_for(one.old, None, ctx.profile, ctx.filer, now, off="delink" if act == "delink" else "delete")
    else:
        wants: BillWants = {"keep": "aboard", "delete": "gone", "delink": "off_trip"}[act]  # type: ignore[assignment]
        bill = "" if act == "keep" else BILL[bill_has(one.old), wants]
        entry = ENTRY[has, "none"]
        cancellation = act_on("D", one.old.standing, now) if entry.cancels else None
        step = ShipmentStep(bill, entry, None, cancellation, stays=False)
    given = asked.entry_reason_code or ("" if by_bill else asked.reason_code)
    reason = given if step.entry.cancels else ""
    return PlannedShipment(one, step, None, None, "", reason, asked.replaced_by if step.entry.cancels else "")


def _bill_code(planned: Sequence[PlannedShipment], asked: CancelAsked) -> str:
    """The code that the manifest is given: that of its own where an entry is cancelled too."""
    if asked.bill_reason_code:
        return asked.bill_reason_code
    return "" if _by_entry(planned, asked) else asked.reason_code


def _by_entry(planned: Sequence[PlannedShipment], asked: CancelAsked) -> bool:
    """Whether what the request names is an entry, whose reason ``reason_code`` then is."""
    return any(entry_has(one.held.old) != "none" for one in planned) and not asked.shipments


def _codes(asked: CancelAsked, *, by_entry: bool, whole: bool) -> Codes:
    """The codes that were given; each kind is asked for under the name by which this request takes it."""
    given = {
        "reason_code": asked.reason_code,
        "bill_reason_code": asked.bill_reason_code,
        "entry_reason_code": asked.entry_reason_code,
        "replaced_by": asked.replaced_by,
    }
    taken_as_entry = (by_entry and not whole) or (whole and bool(asked.reason_code))
    of_entry = "reason_code" if taken_as_entry and not asked.entry_reason_code else "entry_reason_code"
    of_bill = "bill_reason_code" if asked.bill_reason_code or by_entry else "reason_code"
    return Codes(given, of_bill, of_entry)


def _manifest(
    on: Held, shipments: Sequence[HeldShipment], asked: CancelAsked, now: datetime
) -> tuple[tuple[PlannedShipment, ...], TripStep, str]:
    """A manifest that goes whole, with the entries of its shipments."""
    if on.manifest is None or on.manifest.state == FilingState.CANCELLED.value:
        raise Conflict(_nothing(on.trip.trip_number))
    trip_step: TripStep = "withdrawn" if on.refused_whole else "delete"
    planned = []
    for one in shipments:
        entry = ENTRY[entry_has(one.old), "none"] if entry_has(one.old) != "none" else EntryStep()
        cancellation = act_on("D", one.old.standing, now) if entry.cancels else None
        there = one.old.bill is not None and not one.old.off_trip
        step = ShipmentStep("gone" if there else "", entry, None, cancellation, stays=False)
        reason = (asked.entry_reason_code or asked.reason_code) if entry.cancels else ""
        planned.append(PlannedShipment(one, step, None, None, "", reason))
    return tuple(planned), trip_step, ""


def _withdrawn(one: PlannedShipment) -> bool:
    """Whether something is withdrawn of which CBP has nothing."""
    entry: Row | None = one.held.entry  # type: ignore[type-arg]
    refused = entry is not None and entry.state == FilingState.REJECTED.value
    return one.step.entry.withdraws or refused or one.held.row.state in ("in_review", "rejected")


def _difference(planned: Sequence[PlannedShipment], trip_step: TripStep) -> list[FieldChange]:
    if trip_step:
        stood = "on file" if trip_step == "delete" else "refused by CBP"
        return [FieldChange("", "manifest", stood, "deleted" if trip_step == "delete" else "given up")]
    changes = []
    for one in planned:
        shipment = one.held.row.shipment_id
        if one.step.entry.cancels:
            changes.append(FieldChange("", f"entry {one.held.old.number}", "in force", "cancelled", shipment))
        if one.step.bill in ("delete", "delink"):
            gone = "deleted" if one.step.bill == "delete" else "off this trip"
            changes.append(FieldChange("", "bill on the manifest", "aboard", gone, shipment))
        if one.step.entry.withdraws:
            changes.append(FieldChange("", "handoff", one.held.old.state or "", "withdrawn", shipment))
        elif becomes(one) == "withdrawn":
            changes.append(FieldChange("", f"entry {one.held.old.number}", "refused by CBP", "withdrawn", shipment))
        if taken_off(one):
            state = str(one.held.row.state)
            stood = "refused by CBP" if state == "rejected" else state.replace("_", " ")
            changes.append(FieldChange("", "shipment", stood, "cancelled", shipment))
    return changes


def _nothing(name: str) -> Problem:
    text = f"Nothing of {name} is in force: there is nothing to cancel."
    return Problem("nothing_to_cancel", "filing_id", text, "Look at its timeline.")
