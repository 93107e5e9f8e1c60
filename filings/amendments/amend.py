"""What follows from a patch? The patched records with all their faults, the pathways anew, what must be sent.

Rules:

- The equipment stands under every bill: changed seals replace every bill of the truck. The port stands in every entry.
- A manifest that CBP has refused whole is filed once more, whole: nothing of it is there to be amended.
- A manifest that CBP holds as preliminary, because it refused some bills, is completed when the amendment leaves no
  refused bill behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings.amending_messages import NOT_COMING, REPLACED
from filings.amendments.asked import Asked
from filings.amendments.cautions import cautions
from filings.amendments.difference import FieldChange, field_changes
from filings.amendments.forbids import reasons_needed, refuse_forbidden, refuse_unready, refuse_version
from filings.amendments.held import Held, Target, held, rows_of, shipments_of, target_of
from filings.amendments.judged import Judgement, judge_corrected
from filings.amendments.patching import patched_shipments, patched_trip, patches_of
from filings.amendments.plan import PRELIMINARY, Codes, Plan, PlannedShipment, TripStep
from filings.amendments.steps import Content, EntryStep, step_for
from filings.context import FilingContext
from filings.judging import fit
from filings.shown import local_text, zone_of
from filings.store import tables as t
from filings.trips import bills_not_taken
from mappings.decision import PathwayDecision
from mappings.manifest import crew_segments, manifest_header, port_segment
from mappings.notes import Wire
from mappings.preflight_trip import trip_findings
from schemas.errors import Conflict, FormatError, Problem, ShipmentError
from schemas.profile import Profile
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip
from schemas.x12.segments import Separators

_UNDER_THE_SHIPMENTS: Final = ("equipment", "port_of_arrival")
"""What bills and entries say of the trip."""
_HOUR: Final = "one_hour_rule"
_PAST: Final = "arrival_in_past"


def prepare(conn: Connection, ctx: FilingContext, name: str, asked: Asked, now: datetime) -> Plan:
    """The plan for a patch; raises :class:`ShipmentError` with every fault of it, :class:`Conflict` for the state."""
    target = target_of(conn, name)
    on = held(conn, target.trip_number)
    refuse_unready(on, now)
    trip_patch, patches = patches_of(conn, target, asked)
    rows = rows_of(conn, target.trip_number, patches.keys())
    addressed = addressed_filing(conn, on, target, rows)
    refuse_version(addressed, asked.version)
    trip_document, trip, problems = patched_trip(on, trip_patch, now)
    documents, corrected, faults = patched_shipments(rows, patches)
    problems += faults
    odd = _odd(on, trip, ctx, now)
    problems += (one for one in odd if one.severity == "error")
    if problems:
        raise ShipmentError(problems)
    judgement = _judge(conn, ctx, on, trip, corrected, patches, now)
    affected = _affected(conn, on, rows, trip_document)
    planned, problems = _planned(conn, ctx, on, affected, documents, corrected, judgement, trip, asked, now)
    if problems:
        raise ShipmentError(problems)
    step = _trip_step(on, trip, ctx.profile) if on.refused_whole or trip_document is not None else ""
    plan = Plan(
        "amend",
        on,
        addressed,
        target.shipment_key,
        dict(asked.patch),
        asked.reason,
        asked.reason_code,
        Codes({"reason_code": asked.reason_code, "entry_reason_code": asked.entry_reason_code}),
        trip_document,
        step,
        planned,
        _difference(on, trip_document, rows, documents, planned),
        _completes(conn, on, planned, step),
        (),
        judgement,
    )
    if not plan.difference and not plan.sends:
        text = "The patch changes nothing, and CBP has on file what the filing says."
        raise Conflict(Problem("nothing_changes", "patch", text, "Send what is to be different."))
    refuse_forbidden(conn, ctx, plan)
    plan = replace(plan, needs=reasons_needed(plan))
    told = (one for one in odd if one.severity != "error")
    past = _past(plan, trip, now)
    return replace(
        plan, warnings=(*past, *cautions(plan, now), *(one for one in told if not past or one.code != _PAST))
    )


def _past(plan: Plan, trip: Trip, now: datetime) -> list[Problem]:
    """That the manifest tells an arrival that has passed, also if it did so before: CBP refuses such a manifest."""
    if not plan.says_manifest or plan.on.trip.arrived_at is not None or trip.arrival >= now:
        return []
    zone = zone_of(trip.port_of_arrival)
    text = (
        f"The manifest says that the truck comes at {local_text(trip.arrival, zone)}, which is past by the gateway's "
        f"clock ({local_text(now, zone)}): CBP refuses that."
    )
    remedy = (
        "Amend the arrival, too; a simulated CBP goes by a clock of its own, which can be set to the day of the trip."
    )
    return [Problem(_PAST, "estimated_arrival", text, remedy, "19 CFR 123.92", "warning")]


def _odd(on: Held, trip: Trip, ctx: FilingContext, now: datetime) -> list[Problem]:
    """What is odd about the trip after the patch and was not before; the hour is told of in any case (cautions)."""
    advice = ctx.rules.advice
    before = {one.code for one in trip_findings(read_trip(on.trip.document), now, advice)}
    return [
        one
        for one in trip_findings(trip, now, advice)
        if one.code not in before and (one.code != _HOUR or one.severity == "error")
    ]


def addressed_filing(conn: Connection, on: Held, target: Target, rows: list[Row[Any]]) -> Row[Any] | None:
    """The filing whose version is meant: the shipment's own, or the manifest's."""
    if target.shipment_key is None or not rows or not rows[0].entry_filing_id:
        return on.manifest
    return conn.execute(select(t.filings).where(t.filings.c.id == rows[0].entry_filing_id)).one()


def _judge(
    conn: Connection,
    ctx: FilingContext,
    on: Held,
    trip: Trip,
    corrected: Mapping[str, Shipment],
    patches: Mapping[str, Any],
    now: datetime,
) -> Judgement | None:
    """The pathways anew, if the patch can change any."""
    moved = trip.arrival != read_trip(on.trip.document).arrival
    if not corrected and not moved:
        return None
    asks = frozenset(key for key, patch in patches.items() if isinstance(patch, Mapping) and "pathway" in patch)
    expected = trip if moved else trip.model_copy(update={"estimated_arrival": on.trip.estimated_arrival})
    return judge_corrected(conn, ctx, on.trip, expected, corrected, asks, now)


def _affected(
    conn: Connection, on: Held, rows: list[Row[Any]], trip_document: Mapping[str, Any] | None
) -> list[Row[Any]]:
    """The shipments of which something may have to be said: those patched, and all if the trip changes under them."""
    before, after = on.trip.document, trip_document or on.trip.document
    if not on.refused_whole and all(before.get(name) == after.get(name) for name in _UNDER_THE_SHIPMENTS):
        return rows
    mine = {row.key for row in rows}
    others = [row for row in rows_of(conn, on.trip.trip_number) if row.key not in mine and row.pathway != "review"]
    return sorted([*rows, *others], key=lambda row: int(row.position))


def _planned(
    conn: Connection,
    ctx: FilingContext,
    on: Held,
    rows: list[Row[Any]],
    documents: Mapping[str, dict[str, Any] | None],
    corrected: Mapping[str, Shipment],
    judgement: Judgement | None,
    trip: Trip,
    asked: Asked,
    now: datetime,
) -> tuple[tuple[PlannedShipment, ...], list[Problem]]:
    """The step of each shipment, and what keeps one out of its messages."""
    planned: list[PlannedShipment] = []
    problems: list[Problem] = []
    for one in shipments_of(conn, on, rows):
        row, patched = one.row, one.row.key in documents
        document = documents[row.key] if patched else row.document
        content: Content | None = None
        if document is not None:
            shipment = corrected.get(row.key) or Shipment.model_validate(document)
            decision = judgement.decisions.get(row.key) if judgement is not None else None
            content = Content(shipment, decision or PathwayDecision.from_dict(row.decision), trip)
            faults = fit(ctx, trip, shipment, content.decision).problems
            path = f"shipments.{row.shipment_id}." if len(documents) > 1 or not patched else ""
            problems += [replace(fault, path=f"{path}{fault.path}") for fault in faults]
            if faults:
                continue
        step = step_for(one.old, content, ctx.profile, ctx.filer, now, off=asked.off)
        if step.entry.again and not patched and trip.port_of_arrival == on.trip.port_of_arrival:
            step = replace(step, entry=EntryStep())  # CBP has refused it as it is
        if patched or step.says_something:
            reason = _cancels_reason(step.entry.files, stays=step.stays, asked=asked)
            if not step.entry.cancels:
                planned.append(PlannedShipment(one, step, document, content))
                continue
            chosen = bool(reason) and not asked.entry_reason_code
            planned.append(PlannedShipment(one, step, document, content, "", reason, reason_chosen=chosen))
    return tuple(planned), problems


def _cancels_reason(files: str, *, stays: bool, asked: Asked) -> str:
    """Why an entry goes (SE13): another takes its place, the goods do not come, or what the person says."""
    if asked.entry_reason_code:
        return asked.entry_reason_code
    if files == "entry":
        return REPLACED
    return "" if stays else NOT_COMING


def _trip_step(on: Held, after: Trip, profile: Profile) -> TripStep:
    """What of the trip itself differs on the wire; all of it where CBP has refused it whole."""
    if on.refused_whole:
        return "anew"
    before = on.on_file
    wire = Wire(Separators.of(profile).signs)
    kind = profile.manifest_types["amendment"]

    def head(trip: Trip) -> list[Any]:
        return [manifest_header(trip, profile, kind, None, wire), *port_segment(trip, profile, wire)]

    try:
        old_crew, new_crew = crew_segments(before, profile, wire), crew_segments(after, profile, wire)
        old_head, new_head = head(before), head(after)
        wire.raise_problems()
    except FormatError as error:
        raise ShipmentError(replace(one, path=one.path.removeprefix("trip.")) for one in error.problems) from error
    if old_crew != new_crew:
        return "crew"
    return "header" if old_head != new_head else ""


def _completes(conn: Connection, on: Held, planned: tuple[PlannedShipment, ...], step: TripStep) -> bool:
    """Whether a preliminary manifest may be completed after this: no bill that CBP has not taken is left behind."""
    if on.trip.held_as != PRELIMINARY or step == "delete":
        return False
    settled = {one.held.row.key for one in planned if one.step.bill == "add" or one.document is None}
    return not bills_not_taken(conn, on.trip.trip_number) - settled


def _difference(
    on: Held,
    trip_document: Mapping[str, Any] | None,
    rows: list[Row[Any]],
    documents: Mapping[str, dict[str, Any] | None],
    planned: tuple[PlannedShipment, ...],
) -> tuple[FieldChange, ...]:
    changes = list(field_changes(on.trip.document, trip_document)) if trip_document is not None else []
    linked = {one.held.row.key for one in planned if one.step.bill == "link"}
    for row in rows:
        after = documents[row.key]
        if after is None:
            changes.append(FieldChange("", "aboard", "yes", "no", row.shipment_id))
        else:
            if row.key in linked:
                changes.append(FieldChange("", "aboard", "no", "yes", row.shipment_id))
            changes += field_changes(row.document, after, row.shipment_id)
    return tuple(changes)
