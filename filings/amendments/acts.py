"""By which acts is a shipment declared otherwise, as its lifecycle knows them? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row

from filings.amendments.plan import Plan, PlannedShipment
from filings.lifecycle import Act, Did, FilingState
from filings.lifecycle.evidence import KINDS, Kind

REMADE: Final = "P"
"""``amendment_items.entry_action`` of a package that is made again under the same filing."""
SENT: Final = ("R", "U", "A")


def action_of(one: PlannedShipment) -> str:
    """What is sent for the entry that a shipment keeps."""
    if one.step.change is not None:
        return one.step.change.action
    if one.step.entry.again:
        return "A"
    return REMADE if one.step.entry.remakes else ""


Becomes = Literal["", "withdrawn", "cancelled", "sent", "remade"]


def becomes(one: PlannedShipment) -> Becomes:
    """What the next version of the entry or handoff is that a shipment has; nothing where it gets none."""
    step, entry = one.step, one.held.entry
    if entry is None:
        return ""
    refused = entry.state == FilingState.REJECTED.value
    if step.entry.withdraws or (refused and (one.document is None or step.entry.files)):
        return "withdrawn"
    if step.entry.cancels:
        return "cancelled"
    if action_of(one) in SENT:
        return "sent"
    return "remade" if step.entry.remakes else ""


def unsaid(plan: Plan) -> Row[Any] | None:
    """The filing whose next version is only kept: the one addressed by a patch that says nothing else of it to CBP."""
    filing = plan.addressed
    if filing is None or plan.purpose == "cancel":
        return None
    if filing.kind == "manifest":
        return None if plan.says_manifest or plan.trip_step == "withdrawn" else filing
    mine = (one for one in plan.shipments if one.held.entry is not None and one.held.entry.id == filing.id)
    # A shipment that only comes off this trip leaves its entry as it is.
    return None if any(becomes(one) or one.document is None for one in mine) else filing


def taken_off(one: PlannedShipment) -> bool:
    """Whether a shipment goes without a word to anybody: CBP has nothing of it."""
    return one.document is None and not one.step.says_something and one.held.old.bill is None


def gets_version(plan: Plan) -> bool:
    """Whether the filing addressed has another version afterwards: not where only a shipment on it is taken off."""
    filing = plan.addressed
    if filing is None or unsaid(plan) is not None:
        return filing is not None
    if filing.kind == "manifest":
        return plan.says_manifest or plan.trip_step == "withdrawn"
    mine = (one for one in plan.shipments if one.held.entry is not None and one.held.entry.id == filing.id)
    return any(becomes(one) for one in mine)


def acts_of(one: PlannedShipment, of_manifest: int, versions: Mapping[str, int], now: datetime) -> list[Did]:
    """The acts by which one shipment is declared otherwise."""
    step, decision = one.step, one.decision
    entry = one.held.entry
    of_entry = versions.get(entry.id, 1) if entry is not None else 1
    if decision is not None and step.anew and decision.pathway == "review":
        return [Did(Act.REVIEW_NEEDED, now, needs=("manifest",), anew=KINDS)]
    acts: list[Did] = []
    if decision is not None and step.anew:
        needs: tuple[Kind, ...] = ("manifest", "entry") if step.entry.files == "entry" else ("manifest",)
        anew: tuple[Kind, ...] = KINDS if step.bill else ("entry", "handoff")
        acts.append(Did(Act.STAGED, now, needs=needs, anew=anew))
        if step.bill:
            acts.append(Did(Act.QUEUED, now, "manifest", of_manifest))
        if step.entry.files == "entry":
            acts.append(Did(Act.QUEUED, now, "entry"))
        return acts
    if one.held.row.lapse is not None and decision is not None:
        acts.append(Did(Act.LAPSE_LIFTED, now))
    if step.bill:
        ends = {"delete": "cancel", "gone": "cancel", "delink": "delink"}.get(step.bill, "")
        acts.append(Did(Act.QUEUED, now, "manifest", of_manifest, ends=ends))  # type: ignore[arg-type]
    if step.entry.cancels:
        acts.append(Did(Act.QUEUED, now, "entry", of_entry, ends="cancel"))
    elif action_of(one) in SENT:
        acts.append(Did(Act.QUEUED, now, "entry", of_entry))
    elif entry is not None and entry.state == FilingState.REJECTED.value and one.document is None:
        acts.append(Did(Act.WITHDRAWN, now, "entry", of_entry))
    elif step.entry.withdraws:
        acts.append(Did(Act.WITHDRAWN, now, "handoff", of_entry))
    if taken_off(one):
        return [Did(Act.TAKEN_OFF, now)]
    return acts
