"""What does a plan look like to people and programs: the difference, what is done, what CBP will do with it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from filings.amendments.acts import REMADE, action_of, becomes, gets_version, taken_off
from filings.amendments.begun import Begun
from filings.amendments.plan import Plan, PlannedShipment, entry_reasons
from filings.amendments.previewed import messages
from filings.context import FilingContext

AUTOMATIC: Final = "CBP's system takes it by itself, if nothing is wrong with it (355)."
_BILL_WORDS: Final[Mapping[str, str]] = {
    "add": "its bill is added to the manifest",
    "replace": "its bill is replaced on the manifest",
    "delete": "its bill is deleted from the manifest",
    "delink": "its bill comes off this trip and stays on file with CBP",
    "link": "its bill is tied to this trip",
    "gone": "its bill goes with the manifest",
}
_ACTION_WORDS: Final[Mapping[str, str]] = {
    "R": "entry {number} is replaced",
    "U": "entry {number} is updated",
    "A": "entry {number} is filed again",
    REMADE: "the package for the licensed broker is made again",
}
_TRIP_WORDS: Final[Mapping[str, str]] = {
    "header": "port or time of the trip is amended",
    "crew": "truck or persons of the trip are amended",
    "delete": "the manifest is deleted",
    "withdrawn": "the manifest, of which CBP has nothing, is given up",
    "anew": "the manifest, of which CBP has nothing, is filed again whole",
}


def dry_run(conn: Connection, ctx: FilingContext, plan: Plan, now: datetime) -> dict[str, Any]:
    """The answer to a dry run: nothing is drawn, kept or sent."""
    shown = _shown(plan)
    shown |= {
        "dry_run": True,
        "amendment_id": None,
        "version": _next_version(plan),
        "messages": [one.as_dict() for one in messages(conn, ctx, plan, now)],
    }
    return shown


def taken_on(begun: Begun) -> dict[str, Any]:
    """The answer to what was taken on; its messages are made next and stand with the version."""
    return _shown(begun.plan) | {"dry_run": False, "amendment_id": begun.amendment, "version": begun.version}


def _next_version(plan: Plan) -> int:
    return int(plan.addressed.version) + gets_version(plan) if plan.addressed is not None else 1


def _shown(plan: Plan) -> dict[str, Any]:
    filing = plan.addressed
    return {
        "purpose": plan.purpose,
        "filing_id": filing.id if filing is not None else None,
        "kind": filing.kind if filing is not None else None,
        "trip_number": plan.trip_number,
        "version_before": filing.version if filing is not None else None,
        "reason": plan.reason or None,
        **plan.codes.as_dict(),
        "sent": plan.sends,
        "difference": [one.as_dict() for one in plan.difference],
        "does": list(_does(plan)),
        "expected": list(_expected(plan)),
        "pathways": list(_pathways(plan)),
        "shipments": [_shipment(one) for one in plan.shipments],
        "completes_manifest": plan.completes,
        "warnings": [one.as_dict() for one in plan.warnings],
        "needs": [one.as_dict() for one in plan.needs],
    }


def _does(plan: Plan) -> Iterator[str]:
    """What is done, in sentences; one for each kind of act, with how many shipments it is done to."""
    if plan.trip_step:
        yield _TRIP_WORDS[plan.trip_step]
    if len(plan.shipments) == 1:
        yield from _acts(plan.shipments[0])
    else:
        counted: dict[str, int] = {}
        for one in plan.shipments:
            for act in _acts(one, ""):
                counted[act] = counted.get(act, 0) + 1
        yield from (
            f"{count} shipments: {act}" if count > 1 else f"1 shipment: {act}" for act, count in counted.items()
        )
    if plan.completes:
        yield "the manifest is completed, once CBP has taken what goes before"
    if not plan.sends:
        has_it = plan.purpose != "cancel" and not any(taken_off(one) for one in plan.shipments)
        yield f"nothing is sent: CBP has {'it on file so already' if has_it else 'nothing of it'}"


def _acts(one: PlannedShipment, number: str | None = None) -> Iterator[str]:
    step, old = one.step, one.held.old
    if step.bill:
        yield _BILL_WORDS[step.bill]
    named = old.number if number is None else "its entry"
    action = action_of(one)
    if action:
        yield _ACTION_WORDS[action].format(number=named)
    if step.entry.cancels:
        yield f"entry {named} of type {old.entry_type} is cancelled{_for_reason(one)}"
    if becomes(one) == "withdrawn" and not step.entry.withdraws:
        yield f"entry {named}, which CBP refused, is withdrawn"
    if taken_off(one):
        yield f"{_named(one, number)} is taken off, and must not be aboard: CBP has nothing of it"
    if step.entry.withdraws:
        yield "the package for the licensed broker is withdrawn"
    if step.entry.files == "entry" and one.decision is not None:
        yield f"an entry of type {one.decision.entry_type} is filed"
    if step.entry.files == "handoff":
        yield "a package for the licensed broker is made"
    if not step.stays and one.document is not None:
        yield "it must come off the truck"


def _named(one: PlannedShipment, number: str | None) -> str:
    """The shipment by its name where it is the only one, as ``number`` is that of its entry."""
    return f"shipment {one.held.row.shipment_id}" if number is None else "it"


def _for_reason(one: PlannedShipment) -> str:
    """The reason by which an entry goes, in words; a placeholder where nobody has given one."""
    code = one.cancels_reason
    return f" (reason {code}, {entry_reasons()[code]})" if code else ""


def _expected(plan: Plan) -> Iterator[dict[str, Any]]:
    """What CBP will do with it: by itself, as a request, or what its guide leaves open."""
    if plan.says_manifest:
        yield {"about": "manifest", "expected": "automatic", "text": AUTOMATIC, "reference": "CBP truck 355"}
    for one in plan.shipments:
        for act in (one.step.change, one.step.cancellation):
            if act is not None:
                yield {"about": f"entry {one.held.old.number}", **act.as_dict()}


def _pathways(plan: Plan) -> Iterator[dict[str, Any]]:
    """The pathways that change, and what is withdrawn and filed for it."""
    for one in plan.shipments:
        if one.decision is None or not one.step.anew:
            continue
        yield {
            "shipment_id": one.held.row.shipment_id,
            "from": one.held.row.pathway,
            "to": one.decision.pathway,
            "entry_type": one.decision.entry_type or None,
            "rules": list(one.decision.rules),
            "reasons": list(one.decision.reasons),
            "does": list(_acts(one)),
        }


def _shipment(one: PlannedShipment) -> dict[str, Any]:
    change = one.step.change or one.step.cancellation
    return {
        "shipment_id": one.held.row.shipment_id,
        "shipment_control_number": one.held.row.scn,
        "pathway": one.decision.pathway if one.decision is not None else None,
        "bill": one.step.bill or None,
        "entry": action_of(one) or ("D" if one.step.entry.cancels else None),
        "entry_number": one.new_number or one.held.old.number or None,
        "expected": change.expected if change is not None else None,
        "files": one.step.entry.files or None,
        "stays_aboard": one.step.stays,
        "taken_off": taken_off(one),
    }
