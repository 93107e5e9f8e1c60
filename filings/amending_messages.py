"""Which messages does a step of an amendment make? Pure: what the step needs in, drafts and packages out.

The planner commits what is made here, and a dry run shows it: one place, so that what is shown is what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from filings.context import FilingContext
from filings.outbox import CANCELLATIONS, Draft
from filings.uuid7 import uuid7
from filings.wording import batch_reference, entry_bytes, manifest_bytes
from mappings.decision import PathwayDecision
from mappings.entry import Action, build_entry
from mappings.handoff import Bill, build_package, zip_package
from mappings.manifest import ManifestMessage, build_manifest
from mappings.manifest_amendment import BillChange, Change, TripPart, build_amendment
from mappings.manifest_closing import Tie, build_completion, build_consist, build_deletion
from schemas.catair import Record
from schemas.shipment import Shipment
from schemas.trip import Trip

STAGES: Final = (
    "amend_manifest",
    "amend_consist",
    "cancel_entries",
    "change_entries",
    "amend_entries",
    "amend_handoffs",
    "complete_manifest",
    "done",
)
X12: Final = "application/edi-x12"
CATAIR: Final = "application/edi-consent"
MANIFEST_STAGES: Final = ("amend_manifest", "amend_consist", "complete_manifest")
"""Stages about the manifest, which are done at once and not in portions."""
ENTRY_STAGES: Final = ("cancel_entries", "change_entries", "amend_entries")
BILLS_FIRST: Final = 10
ENTRIES_LAST: Final = 100
"""What is sent before what, as far as the road keeps the order."""
REPLACED: Final = "03"
"""SE13: cleared under another entry, which SE20 EN names."""
NOT_COMING: Final = "08"
"""SE13: non-arrival. The goods come off the truck."""
TIES: Final = ("link", "delink")
DELETE: Final = "delete"
"""``Work.of_trip`` of an amendment that deletes the manifest."""
ANEW: Final = "anew"
"""``Work.of_trip`` of a manifest that CBP refused whole: it is filed once more, whole."""


@dataclass(frozen=True, slots=True)
class Item:
    """What happens to one shipment, with what its messages need.

    ``cancels`` is the entry that goes, with its number, version and the content it was filed with; ``changes`` the one
    that stays and is replaced, updated or filed again (``action`` R, U or A); ``filing`` the new entry or handoff.
    """

    position: int
    key: str
    shipment: Shipment
    decision: PathwayDecision
    bill_change: str | None
    cancels: str | None = None
    cancels_number: str = ""
    cancels_version: int = 2
    cancels_reason: str = ""
    cancels_reference: str = ""
    cancelled_shipment: Shipment | None = None
    cancelled_decision: PathwayDecision | None = None
    changes: str | None = None
    changes_number: str = ""
    changes_version: int = 2
    action: str = ""
    filing: str | None = None
    number: str = ""
    gone: bool = False
    """Whether the goods came off the truck for a broker: what CBP says of their bill and entry moves them no more."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one step needs. ``of_trip`` says what of the trip itself changes (or that its manifest is deleted)."""

    stage: str
    trip: Trip
    amendment: str
    manifest: str
    version: int
    items: tuple[Item, ...]
    of_trip: str = ""
    reason: str | None = None
    numbers: tuple[int, ...] = ()
    aboard: tuple[str, ...] = ()
    """Keys of all shipments that a message about the whole manifest is about."""
    completes: bool = False
    """Whether the manifest is to be completed in the end."""

    @property
    def says_something(self) -> bool:
        """Whether the step makes anything."""
        if self.stage == "complete_manifest":
            return self.of_trip == "complete"
        return bool(self.items) or (self.stage == "amend_manifest" and bool(self.of_trip))

    def messages(self, limit: int) -> int:
        """How many control numbers the step needs, for messages of at most ``limit`` bills."""
        if not self.says_something or self.stage == "amend_handoffs":
            return 0
        return -(-len(self.items) // limit) or 1 if self.stage == "amend_manifest" else 1


@dataclass(frozen=True, slots=True)
class Made:
    """What a step has made, ready to be stored."""

    work: Work
    drafts: tuple[Draft, ...] = ()
    packages: tuple[bytes, ...] = ()
    known: None = None
    """Nothing is handed on to the next step."""


def make(ctx: FilingContext, work: Work, now: datetime) -> Made:
    """Do the step: pure, and the only part that takes long."""
    if not work.says_something:
        return Made(work)
    if work.stage in MANIFEST_STAGES:
        return Made(work, drafts=tuple(_manifest_drafts(ctx, work, now)))
    if work.stage in ENTRY_STAGES:
        return Made(work, drafts=(_batch(ctx, work, now),))
    return Made(work, packages=tuple(package(work.trip, one, now) for one in work.items))


def package(trip: Trip, one: Item, now: datetime) -> bytes:
    """What a broker gets: with the arrival that was judged; without a bill if the goods came off the truck."""
    judged = trip.model_copy(update={"estimated_arrival": one.decision.arrival})
    bill: Bill = "deleted" if one.bill_change == "delete" else "never_on_file" if one.gone else "on_manifest"
    return zip_package(build_package(one.shipment, one.decision, judged, now, bill), now)


# ------------------------------------------------------------------------------------------ manifest


def _manifest_drafts(ctx: FilingContext, work: Work, now: datetime) -> Iterator[Draft]:
    """The messages about the manifest. A bill that goes the other way is not answered for its shipment any more."""
    start = 0
    for message, number in zip(_manifest_messages(ctx, work, now), work.numbers, strict=True):
        carried = [_carried(work, one) for one in work.items[start : start + len(message.scns)]]
        start += len(message.scns)
        if work.of_trip == DELETE:
            carried = [(work.manifest, key) for key in work.aboard]
        yield Draft(
            id=uuid7(),
            name=f"{message.set_id}-{work.trip.trip_number}-{number:09d}.x12",
            application=message.set_id,
            control_number=str(number),
            correlation=work.trip.trip_number,
            content_type=X12,
            payload=manifest_bytes(ctx, message, number, now),
            trip_number=work.trip.trip_number,
            carries=tuple(carried) or ((work.manifest, None),),
            priority=BILLS_FIRST,
            version=work.version,
        )


def _carried(work: Work, one: Item) -> tuple[str, str | None]:
    return work.manifest, None if one.gone else one.key


def _manifest_messages(ctx: FilingContext, work: Work, now: datetime) -> Sequence[ManifestMessage]:
    trip, profile, limit = work.trip, ctx.profile, ctx.limits.bills_per_manifest
    if work.stage == "complete_manifest":
        return [build_completion(trip, profile, now)]
    if work.of_trip == DELETE and work.stage == "amend_manifest":
        return [build_deletion(trip, profile)]
    if work.of_trip == ANEW and work.stage == "amend_manifest":
        return build_manifest(trip, [(one.shipment, one.decision) for one in work.items], profile, limit=limit)
    if work.stage == "amend_consist":
        ties = [(cast("Tie", one.bill_change), one.shipment.scn or "") for one in work.items]
        return [build_consist(trip, ties, profile, reason=work.reason or "")]
    changes = [
        BillChange(cast("Change", one.bill_change), one.shipment, None if one.bill_change == "delete" else one.decision)
        for one in work.items
    ]
    part = cast("TripPart", work.of_trip)
    return build_amendment(trip, changes, profile, limit=limit, of_trip=part, reason=work.reason)


# ------------------------------------------------------------------------------------------- entries


def _batch(ctx: FilingContext, work: Work, now: datetime) -> Draft:
    said = {"cancel_entries": cancellation, "change_entries": _change, "amend_entries": _new}[work.stage]
    transactions = [said(ctx, work.trip, one) for one in work.items]
    reference = batch_reference(work.numbers[0])
    return Draft(
        id=uuid7(),
        name=f"SE-{ctx.filer.code}-{reference}.txt",
        application="SE",
        control_number=reference,
        correlation=reference,
        content_type=CATAIR,
        payload=entry_bytes(ctx, transactions, reference, now),
        trip_number=work.trip.trip_number,
        carries=tuple(_entry_carried(work.stage, one) for one in work.items),
        priority=CANCELLATIONS if work.stage == "cancel_entries" else ENTRIES_LAST,
        version=1,
        versions=tuple(_entry_version(work.stage, one) for one in work.items),
    )


def _entry_carried(stage: str, one: Item) -> tuple[str, str | None]:
    if stage == "cancel_entries":
        replaced = one.gone or one.filing is not None
        return one.cancels or "", None if replaced else one.key
    return (one.changes if stage == "change_entries" else one.filing) or "", one.key


def _entry_version(stage: str, one: Item) -> int:
    if stage == "cancel_entries":
        return one.cancels_version
    return one.changes_version if stage == "change_entries" else 1


def cancellation(ctx: FilingContext, trip: Trip, one: Item) -> list[Record]:
    """The SE transaction that cancels an entry, naming the one that takes its place if there is one."""
    reason = one.cancels_reason or (REPLACED if one.number else NOT_COMING)
    replaced_by = one.number or one.cancels_reference
    references = [("EN", replaced_by)] if replaced_by and reason == REPLACED else []
    made = build_entry(
        one.cancelled_shipment or one.shipment,
        one.cancelled_decision or one.decision,
        trip,
        ctx.filer,
        one.cancels_number,
        action="D",
        reason_code=reason,
        references=references,
    )
    return list(made.records)


def _change(ctx: FilingContext, trip: Trip, one: Item) -> list[Record]:
    action = cast("Action", one.action)
    number = one.changes_number
    return list(build_entry(one.shipment, one.decision, trip, ctx.filer, number, action=action).records)


def _new(ctx: FilingContext, trip: Trip, one: Item) -> list[Record]:
    return list(build_entry(one.shipment, one.decision, trip, ctx.filer, one.number).records)
