"""What does the state forbid, and what is asked for before anything is sent? Every reason at once.

- One message about a manifest is unanswered at a time, and one version of an entry: what CBP has on file is not known
  before it answers. A request that a person there decides on is waited for. So long, no patch is taken for one that
  says nothing: neither one whose version would follow the one that waits (what CBP answers to that would be about no
  version any more), nor one that leaves a bill or an entry as it is on file while another one has been asked for.
- A truck that is there has its manifest with it: bills and trip cannot be amended any more (recalled). Its entries can,
  as the guide of cargo release has it (:mod:`mappings.entry_change`).
- A manifest that CBP refused whole is filed again with the shipments that are left, and not without any.
- After completion an amendment gives its reason by a code, at the header and at each bill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from filings.amending_messages import STAGES
from filings.amendments.acts import unsaid
from filings.amendments.held import AskedFor, Held
from filings.amendments.plan import BILL_REASONS, Plan, PlannedShipment, entry_reasons, listed
from filings.amendments.steps import Content, bill_differs, entries_differ
from filings.awaited import awaits_answer
from filings.context import FilingContext
from filings.lifecycle import UNANSWERED, WAITING, FilingState, TripState
from schemas.errors import Conflict, Problem, ShipmentError

TRUCK_355 = "CBP truck 355"
BILL_REASON_SOURCE = "X12 data element 393; gateway codes x12.amendment_reason"


def refuse_unready(on: Held, now: datetime) -> None:
    """Raise :class:`Conflict` for a trip of which nothing can be amended now, whatever it is."""
    if (problem := unready(on.trip, now)) is not None:
        raise Conflict(problem)


def unready(row: Row[Any], now: datetime | None) -> Problem | None:
    """Why nothing of a trip can be amended, whatever it is; without ``now``, whatever the moment."""
    number = row.trip_number
    if row.plan_stage is None or row.state == TripState.DRAFT.value:
        text = f"Trip {number} has not been filed."
        return Problem("trip_not_filed", "trip_number", text, "Change it in place: put it, stage again.")
    if row.state == TripState.CANCELLED.value:
        text = f"The manifest of trip {number} was deleted."
        remedy = "File its shipments on a new trip number, under new control numbers."
        return Problem("trip_cancelled", "trip_number", text, remedy)
    if row.plan_stage != "done":
        what = "An amendment" if row.plan_stage in STAGES else "The filing"
        text = f"{what} of trip {number} is still being made or answered."
        return Problem("trip_being_filed", "trip_number", text, "Ask again when CBP has answered.")
    due = now is not None and row.judge_again_at is not None and row.judge_again_at <= now
    if row.arrived_at is None and due:
        text = f"Trip {number} is being judged again for the law of this moment."
        return Problem("trip_being_judged", "trip_number", text, "Ask again in a moment.")
    return None


def refuse_version(filing: Row[Any] | None, version: int | None) -> None:
    """Raise :class:`Conflict` if the person has seen another version than the newest."""
    newest = filing.version if filing is not None else 1
    if version is None or version == newest:
        return
    text = f"The filing is at version {newest}, not {version}: somebody has changed it."
    remedy = f"Look at version {newest}, then ask again with it."
    raise Conflict(Problem("version_conflict", "version", text, remedy))


def refuse_forbidden(conn: Connection, ctx: FilingContext, plan: Plan) -> None:
    """Raise :class:`Conflict` with every reason for which the state forbids the plan."""
    awaited = awaits_answer(conn, plan.trip_number)
    problems = [*_of_manifest(plan, awaited=awaited), *_of_unsaid(plan, awaited=awaited)]
    for one in plan.shipments:
        problems += _of_shipment(plan, one)
        problems += _of_asked_for(ctx, plan, one, awaited=awaited)
    if problems:
        raise Conflict(dict.fromkeys(problems))


def _of_manifest(plan: Plan, *, awaited: bool) -> Iterator[Problem]:
    number = plan.trip_number
    if plan.trip_step == "withdrawn" and awaited:
        yield _awaited(plan)  # another message of it may be taken yet
    if not plan.says_manifest:
        return
    if plan.on.manifest is None and not any(one.step.bill == "add" for one in plan.shipments):
        text = f"Trip {number} has no manifest on file."
        yield Problem("no_manifest", "trip_number", text, "Nothing of it has been declared.")
    if plan.trip_step == "anew" and not any(one.step.bill == "add" for one in plan.shipments):
        text = f"CBP refused the manifest of trip {number} whole, and after this no shipment is left to be declared."
        remedy = f"Give the manifest up (`gateway cancel {number}`), and file goods on a new trip number."
        yield Problem("no_shipment_left", "trip_number", text, remedy)
    if plan.on.trip.arrived_at is not None:
        text = f"Trip {number} has arrived: its manifest cannot be amended any more."
        yield Problem("trip_arrived", "trip_number", text, "Settle it with CBP at the port.")
    elif awaited:
        yield _awaited(plan)


def _awaited(plan: Plan) -> Problem:
    text = f"CBP has not answered the manifest of trip {plan.trip_number} yet; what it has on file is not known."
    return Problem("answer_awaited", "trip_number", text, "Ask again when it has answered.", TRUCK_355)


def _of_unsaid(plan: Plan, *, awaited: bool) -> Iterator[Problem]:
    """A version that is only kept follows none that CBP has not answered."""
    filing = unsaid(plan)
    if filing is None:
        return
    if filing.kind == "manifest":
        if awaited or FilingState(filing.state) in UNANSWERED:
            yield _awaited(plan)
    elif filing.kind == "entry":
        name = next(one.held.row.shipment_id for one in plan.shipments if one.held.row.key == filing.shipment_key)
        yield from _of_entry(filing, f"shipments.{name}")


def _of_asked_for(ctx: FilingContext, plan: Plan, one: PlannedShipment, *, awaited: bool) -> Iterator[Problem]:
    """What stays as it is on file must be what was asked for last, while CBP has not answered that."""
    content, step, entry = one.content, one.step, one.held.entry
    if content is None:
        return
    bill, asked = one.held.bill_asked, one.held.entry_asked
    if awaited and not step.bill and bill is not None and _bill_left(ctx, bill, content):
        yield _awaited(plan)
    if entry is not None and asked is not None and not (step.change or step.entry.again or step.entry.cancels):
        number = entry.entry_number or ""
        if asked.content is None or entries_differ(asked.content, content, ctx.filer, number) != "none":
            yield from _of_entry(entry, f"shipments.{one.held.row.shipment_id}")


def _bill_left(ctx: FilingContext, asked: AskedFor, after: Content) -> bool:
    return asked.content is None or bill_differs(asked.content, after, ctx.profile)


def _of_shipment(plan: Plan, one: PlannedShipment) -> Iterator[Problem]:
    row, step, entry = one.held.row, one.step, one.held.entry
    name = f"shipments.{row.shipment_id}"
    if row.state == "cancelled" and (step.says_something or one.document is not None):
        text = f"Shipment {row.shipment_id} is cancelled."
        yield Problem("shipment_cancelled", name, text, "File it on a new trip, under a new control number.")
        return
    if step.unsaid:
        text = f"Shipment {row.shipment_id} is off this trip: its bill cannot be amended until it is on a trip again."
        yield Problem("shipment_delinked", name, text, "Tie it to the trip by an empty patch, {}, and amend it then.")
    touches = step.change is not None or step.entry.again or step.entry.cancels
    # An entry that CBP has not answered may be on file: nothing takes its place, and its bill does not go, before.
    replaces = bool(step.entry.files) or (not step.stays and step.bill != "delink")
    if entry is not None and (touches or replaces):
        yield from _of_entry(entry, name)
    for act in (step.change, step.cancellation):
        if act is not None and act.expected == "refused":
            remedy = "Cancel the entry and file another one, or settle it with CBP."
            yield Problem("entry_refuses_change", name, act.text, remedy, act.reference)
    if step.anew and plan.on.trip.arrived_at is not None:
        after = one.decision.pathway if one.decision is not None else "nothing"
        text = f"Shipment {row.shipment_id} would go as {after}; a truck that is there is not declared otherwise."
        yield Problem("pathway_after_arrival", name, text, "Settle it with CBP at the port.")


def _of_entry(entry: Row[Any], name: str) -> Iterator[Problem]:
    state = FilingState(entry.state)
    if state in WAITING:
        text = f"CBP has not answered entry {entry.entry_number} yet; what it has on file is not known."
        yield Problem("entry_answer_awaited", name, text, "Ask again when it has answered.")
    if state in (FilingState.REQUESTED, FilingState.UNDER_REVIEW):
        text = f"CBP has not decided on what was asked for entry {entry.entry_number}."
        yield Problem("request_pending", name, text, "Ask again when it has decided.")


def reasons_needed(plan: Plan) -> tuple[Problem, ...]:
    """What must still be said before it goes; raises :class:`ShipmentError` for a reason that CBP does not know."""
    problems = []
    if plan.purpose == "cancel" and not plan.reason:
        remedy = 'Give --reason TEXT ({"reason": "…"}): it is kept with the version and shown to auditors.'
        problems.append(Problem("reason_missing", "reason", "A cancellation says why.", remedy))
    if plan.needs_reason and not plan.reason_code:
        problems.append(
            Problem(
                "reason_code_missing",
                plan.codes.of_bill,
                "The manifest is complete: a change of it gives its reason by a code.",
                f"Give one of: {listed(BILL_REASONS)}.",
                BILL_REASON_SOURCE,
            )
        )
    elif plan.reason_code and plan.reason_code not in BILL_REASONS:
        text = f"{plan.reason_code!r} is no reason for changing a manifest."
        remedy = f"Give one of: {listed(BILL_REASONS)}."
        problems.append(Problem("reason_code_unknown", plan.codes.of_bill, text, remedy, BILL_REASON_SOURCE))
    problems += _entry_reasons(plan.shipments, plan.codes.of_entry)
    if wrong := [one for one in problems if not one.code.endswith("_missing")]:
        raise ShipmentError(dict.fromkeys(wrong))
    return tuple(dict.fromkeys(problems))


NAMES_ANOTHER = {"02": "an in-bond number", "04": "an FTZ admission"}
"""Reasons that name something that is not filed here (SE20 IB, FTZ)."""
ONLY_OF_TYPE = {"12": "06"}
"""Reasons that entries of one type alone may give (SE13: "weekly 06 only")."""


def fitting_reasons(entry_type: str) -> tuple[str, ...]:
    """The reasons by which an entry of this type can be cancelled here.

    Nothing of the kind is left out of the list of X12 data element 393: no guide for trucks is known that says which
    of its reasons, made for ships, a truck may give, and when.
    """
    known = entry_reasons()
    return tuple(
        code for code in known if code not in NAMES_ANOTHER and ONLY_OF_TYPE.get(code, entry_type) == entry_type
    )


def _entry_reasons(shipments: Sequence[PlannedShipment], name: str) -> Iterator[Problem]:
    """What is wrong with the reasons by which entries go; ``name`` is that under which the request gives them."""
    known = entry_reasons()
    source = "CBP CATAIR Cargo Release v40, SE13"
    for one in shipments:
        if not one.step.entry.cancels:
            continue
        code = one.cancels_reason
        fitting = fitting_reasons(one.held.old.entry_type)
        choice = f"Give one of: {listed({fit: known[fit] for fit in fitting})}."
        if not code:
            text = "The cancellation of an entry gives its reason by a code."
            yield Problem("entry_reason_code_missing", name, text, choice, source)
        elif code not in known:
            yield Problem("entry_reason_code_unknown", name, f"{code!r} is no such reason.", choice, source)
        elif code in NAMES_ANOTHER:
            text = f"Reason {code} names {NAMES_ANOTHER[code]}, which is not filed here."
            yield Problem("entry_reason_not_built", name, text, choice, source)
        elif code not in fitting:
            text = f"Reason {code} is given for entries of type {ONLY_OF_TYPE[code]} alone."
            yield Problem("entry_reason_of_other_type", name, text, choice, source)
        elif code == "03" and not (one.cancels_reference or one.new_number or one.step.entry.files == "entry"):
            text = "Reason 03 names the entry under which the goods were cleared."
            remedy = "Give its number by --replaced-by NUMBER (replaced_by)."
            yield Problem("replaced_by_missing", "replaced_by", text, remedy, source)
