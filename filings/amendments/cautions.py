"""What should a person know before an amendment or a cancellation goes?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from filings.amending_messages import NOT_COMING, REPLACED
from filings.amendments.plan import PRELIMINARY, Plan, entry_reasons
from filings.deadlines import named
from filings.shown import local_text, zone_of
from schemas.errors import Problem
from schemas.trip import read_trip

HOUR: Final = timedelta(hours=1)


def cautions(plan: Plan, now: datetime) -> list[Problem]:
    """What a person should know before it goes."""
    found: list[Problem] = []
    row = plan.on.trip
    arrival = row.estimated_arrival if plan.trip_document is None else read_trip(plan.trip_document).arrival
    if plan.says_manifest and arrival <= now + HOUR:
        text = "It begins the hour anew that the manifest must be with CBP before the truck (30 minutes for FAST)."
        remedy = f"Let the truck come no earlier than {local_text(now + HOUR, zone_of(row.port_of_arrival))}."
        found.append(Problem("hour_begins_again", "estimated_arrival", text, remedy, "19 CFR 123.92", "warning"))
    for one in plan.shipments:
        shipment, step = one.held.row.shipment_id, one.step
        if step.bill == "delink":
            text = f"Shipment {shipment} comes off this trip and stays on file with CBP; it may go on another truck."
            remedy = (
                "An empty patch ties it to this trip again, the ACE portal to another one; to take it out of CBP's "
                "file, delete it instead."
            )
            found.append(Problem("stays_on_file", f"shipments.{shipment}", text, remedy, "", "warning"))
        if step.bill == "delete" and one.document is None:
            text = f"The bill of shipment {shipment} goes out of CBP's file; its control number is used up."
            remedy = "To let it go on another truck under its number, take it off by delinking instead."
            found.append(Problem("gone_for_good", f"shipments.{shipment}", text, remedy, "", "warning"))
        if not step.stays and one.document is not None:
            text = f"Shipment {shipment} needs a broker's decision: it must come off the truck."
            found.append(Problem("off_the_truck", f"shipments.{shipment}", text, "", "", "warning"))
        advised = one.decision.warnings if one.decision is not None and one.document is not None else ()
        found += (replace(warning, path=f"shipments.{shipment}.{warning.path}") for warning in advised)
        if step.entry.cancels and plan.purpose == "cancel" and step.bill == "" and one.held.old.bill is not None:
            text = f"The bill of shipment {shipment} stays on the manifest: without an entry the truck is turned back."
            remedy = "Take it off too (delete or delink the bill), unless the goods are cleared under another entry."
            if row.arrived_at is not None:  # no bill can be taken off any more
                text = f"The bill of shipment {shipment} stays on the manifest for good: its truck is there."
                remedy = "Settle it with CBP at the port, unless the goods are cleared under another entry."
            found.append(Problem("bill_without_entry", f"shipments.{shipment}", text, remedy, "", "warning"))
    found += _reasons_chosen(plan)
    for shipment, lapse in plan.judgement.lapsed if plan.judgement is not None else ():
        text = f"Shipment {shipment} would no longer be lawful as {lapse.in_force.pathway}: {lapse.text}"
        remedy = f"File it anew afterwards: gateway refile {plan.trip_number}."
        found.append(Problem("others_lapse", f"shipments.{shipment}", text, remedy, lapse.citation, "warning"))
    if plan.on.trip.held_as == PRELIMINARY and not plan.completes:
        text = "CBP holds the manifest as preliminary, and bills that it refused are left: it is not completed yet."
        remedy = "Correct or take off every refused bill."
        found.append(Problem("still_preliminary", "trip_number", text, remedy, "", "warning"))
    return found


_WHY: Final = {
    REPLACED: "a new entry takes its place",
    NOT_COMING: "its goods come off the truck",
}


def _reasons_chosen(plan: Plan) -> Iterator[Problem]:
    """The codes by which entries are cancelled (SE13) though nobody has given them, and from what they follow."""
    chosen: dict[str, list[str]] = {}
    for one in plan.shipments:
        if one.reason_chosen:
            chosen.setdefault(one.cancels_reason, []).append(f"entry {one.held.old.number}")
    for code, names in chosen.items():
        text = (
            f"CBP is told reason {code} ({entry_reasons()[code]}) for cancelling {named(names)}. Nobody gave it: the "
            f"gateway takes it because {_WHY[code]}."
        )
        remedy = "Another reason is given by --entry-reason-code CC (entry_reason_code)."
        yield Problem(
            "entry_reason_chosen", "entry_reason_code", text, remedy, "CBP CATAIR Cargo Release v40, SE13", "warning"
        )
