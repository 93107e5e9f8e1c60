"""What must be sent for a difference, in a state? The tables, and one shipment's step by them.

A step compares what CBP has on file of a shipment with what is to be so, message by message: a bill is sent when its
LX loop differs, an entry when its records do. So nothing is sent that CBP has already, and nothing that differs is
forgotten, whichever field it comes from.

- **Bill** (``BILL``): added, replaced, deleted, or taken off the trip while it stays on file; each whole, in one M13.
- **Entry** (``ENTRY``): what there is against what is needed. An entry of the same type is replaced or updated, one
  that CBP refused is filed again under its number, one of another type is cancelled and another filed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from filings.amendments.asked import Off
from filings.lifecycle import FilingState, ShipmentFacts
from mappings.decision import PathwayDecision
from mappings.entry import FilerIdentity, build_entry
from mappings.entry_change import (
    EntryAct,
    EntryDifference,
    EntryStanding,
    act_on,
    entry_difference,
)
from mappings.manifest_bill import bill_segments
from schemas.profile import Profile
from schemas.shipment import Shipment
from schemas.trip import Trip

BillHas = Literal["none", "on_file", "off_trip"]
BillWants = Literal["aboard", "gone", "off_trip"]
BillStep = Literal["", "add", "replace", "delete", "delink", "link", "gone"]
"""``gone``: it goes with the manifest that is deleted."""
EntryHas = Literal["none", "entry", "refused", "handoff"]
EntryWants = Literal["none", "same", "other", "handoff"]

ENTERED: Final = ("type86", "informal")

BILL: Final[Mapping[tuple[BillHas, BillWants], BillStep]] = {
    ("none", "aboard"): "add",
    ("none", "gone"): "",
    ("none", "off_trip"): "",
    ("on_file", "aboard"): "replace",  # if it differs
    ("on_file", "gone"): "delete",
    ("on_file", "off_trip"): "delink",
    ("off_trip", "aboard"): "link",
    ("off_trip", "gone"): "delete",
    ("off_trip", "off_trip"): "",
}
"""What CBP has of a bill × what is to be so → what is said."""


@dataclass(frozen=True, slots=True)
class EntryStep:
    """What becomes of a shipment's entry: the old one goes or is changed, another is filed or a package made."""

    cancels: bool = False
    withdraws: bool = False
    changes: bool = False
    again: bool = False
    files: Literal["", "entry", "handoff"] = ""
    remakes: bool = False


ENTRY: Final[Mapping[tuple[EntryHas, EntryWants], EntryStep]] = {
    ("none", "none"): EntryStep(),
    ("none", "other"): EntryStep(files="entry"),
    ("none", "handoff"): EntryStep(files="handoff"),
    ("entry", "none"): EntryStep(cancels=True),
    ("entry", "same"): EntryStep(changes=True),  # if it differs
    ("entry", "other"): EntryStep(cancels=True, files="entry"),
    ("entry", "handoff"): EntryStep(cancels=True, files="handoff"),
    ("refused", "none"): EntryStep(),
    ("refused", "same"): EntryStep(again=True),
    ("refused", "other"): EntryStep(files="entry"),
    ("refused", "handoff"): EntryStep(files="handoff"),
    ("handoff", "none"): EntryStep(withdraws=True),
    ("handoff", "other"): EntryStep(withdraws=True, files="entry"),
    ("handoff", "handoff"): EntryStep(remakes=True),  # if it differs
}
"""What there is of an entry × what is needed → what is done. There is no entry of the same type where there is none."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is, was or will be said of one shipment: itself, its pathway, and the trip it is on."""

    shipment: Shipment
    decision: PathwayDecision
    trip: Trip


@dataclass(frozen=True, slots=True)
class Old:
    """A shipment as it stands: what CBP has on file of its bill and its entry, and where its entry stands.

    ``bill`` and ``entry`` are ``None`` where CBP has nothing. ``kind`` is that of its entry filing, ``number`` and
    ``entry_type`` its entry's.
    """

    bill: Content | None
    off_trip: bool
    kind: Literal["", "entry", "handoff"]
    state: FilingState | None
    entry: Content | None
    number: str
    entry_type: str
    standing: EntryStanding
    pathway: str


@dataclass(frozen=True, slots=True)
class ShipmentStep:
    """What is done about one shipment, as the tables have it."""

    bill: BillStep = ""
    entry: EntryStep = field(default_factory=EntryStep)
    change: EntryAct | None = None
    cancellation: EntryAct | None = None
    stays: bool = True
    anew: bool = False
    """Whether it goes by another pathway than before."""
    unsaid: bool = False
    """Whether more differs than the message says: a bill that is tied to the trip again is not amended by that."""

    @property
    def says_something(self) -> bool:
        """Whether anything is sent or made for it."""
        entry = self.entry
        return bool(self.bill or self.change or entry.cancels or entry.again or entry.files or entry.remakes)


def bill_has(old: Old) -> BillHas:
    """What CBP has of the bill."""
    if old.off_trip:
        return "off_trip"
    return "on_file" if old.bill is not None else "none"


def entry_has(old: Old) -> EntryHas:
    """What there is of an entry; one that is cancelled is none."""
    if old.kind == "" or old.state is FilingState.CANCELLED:
        return "none"
    if old.kind == "handoff":
        return "handoff"
    return "entry" if old.entry is not None else "refused"


def entry_wants(old: Old, after: PathwayDecision | None) -> EntryWants:
    """What the pathway needs; nothing for a shipment that is not declared any more."""
    if after is None or after.pathway not in (*ENTERED, "formal"):
        return "none"
    if after.pathway == "formal":
        return "handoff"
    there = entry_has(old) in ("entry", "refused")
    return "same" if there and old.entry_type == after.entry_type else "other"


def step_for(
    old: Old, after: Content | None, profile: Profile, filer: FilerIdentity, now: datetime, *, off: Off = "delete"
) -> ShipmentStep:
    """The step that makes CBP have ``after`` on file; ``None`` takes the shipment off the truck."""
    if after is None:
        wants: BillWants = "off_trip" if off == "delink" else "gone"
        bill = BILL[bill_has(old), wants]
        entry = EntryStep() if wants == "off_trip" else ENTRY[entry_has(old), "none"]
        return ShipmentStep(bill, entry, None, _cancellation(old, entry, now), stays=False)
    anew = old.pathway != after.decision.pathway
    stays = after.decision.pathway != "review"
    bill = BILL[bill_has(old), "aboard" if stays else "gone"]
    if bill == "replace" and old.bill is not None and not bill_differs(old.bill, after, profile):
        bill = ""
    unsaid = (
        bill == "link" and old.bill is not None and bill_differs(replace(old.bill, trip=after.trip), after, profile)
    )
    entry = ENTRY[entry_has(old), entry_wants(old, after.decision)]
    change: EntryAct | None = None
    if entry.changes and old.entry is not None:
        difference = entries_differ(old.entry, after, filer, old.number)
        if difference == "none":
            entry = EntryStep()
        else:
            change = act_on("U" if difference == "update" else "R", old.standing, now)
    if entry.remakes and old.entry is not None and not packages_differ(old.entry, after):
        entry = EntryStep()
    return ShipmentStep(bill, entry, change, _cancellation(old, entry, now), stays, anew, unsaid)


def _cancellation(old: Old, entry: EntryStep, now: datetime) -> EntryAct | None:
    return act_on("D", old.standing, now) if entry.cancels else None


def bill_differs(before: Content, after: Content, profile: Profile) -> bool:
    """Whether the LX loop says anything else."""
    old = bill_segments(before.shipment, before.decision, before.trip, profile, 1)
    new = bill_segments(after.shipment, after.decision, after.trip, profile, 1)
    return old.segments != new.segments


def entries_differ(before: Content, after: Content, filer: FilerIdentity, number: str) -> EntryDifference:
    """In what the records of the whole entry differ."""
    old = build_entry(before.shipment, before.decision, before.trip, filer, number)
    new = build_entry(after.shipment, after.decision, after.trip, filer, number)
    return entry_difference(old.records, new.records)


def packages_differ(before: Content, after: Content) -> bool:
    """Whether a broker would read anything else in the package: it holds the whole shipment."""
    return (before.shipment, before.trip) != (after.shipment, after.trip)


def standing_of(facts: ShipmentFacts, trip_arrived: datetime | None) -> EntryStanding:
    """What CBP has said of a shipment's entry, in the order in which it says that things happened."""
    matched = review = False
    released: datetime | None = None
    for said in facts.statements:
        if said.source == "SO" and said.meaning in _MATCHED:
            matched = True
        if said.source == "SO" and said.meaning == "no_match":
            matched = False
        if said.meaning in _REVIEWING:
            review = True
        if said.meaning in _PASSED:
            review = False
        if said.meaning == "released":
            released = said.at
        if said.meaning in _TAKEN_BACK:
            released = None
    return EntryStanding(matched, review, (facts.arrived_at or trip_arrived) is not None, released)


_MATCHED: Final = frozenset({"on_file", "admissible", "arrived", "held", "exam", "documents_required", "released"})
_REVIEWING: Final = frozenset({"exam", "documents_required", "under_review"})
_PASSED: Final = frozenset({"admissible", "released"})
_TAKEN_BACK: Final = frozenset({"release_suspended", "release_revoked"})
