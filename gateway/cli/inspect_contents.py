"""What does a message hold that is sent to CBP, in one sentence?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.cli.inspect_words import counted
from schemas.catair import Transaction
from schemas.profile import Profile
from schemas.x12 import CODES, PlacedSegment

SENT_TO_CBP: Final = frozenset({"309", "353", "358"})
_MOST_KINDS: Final = 50

_ACTIONS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "SE": MappingProxyType({"A": "new", "R": "replacement", "U": "update", "D": "cancellation"}),
        "AE": MappingProxyType({"A": "new", "R": "replacement", "D": "deletion"}),
    }
)
"""What an action asks for, in words that stand before ``of entry ...``."""
_HEADS: Final = {
    "SE": ("SE10", "valid_action_code", "entry"),
    "AE": ("AE10", "summary_filing_action_request_code", "entry summary"),
}


def entry_name(number: str) -> str:
    """``XYZ-1234567-1`` of an entry number of 11 characters."""
    return f"{number[:3]}-{number[3:10]}-{number[10:]}" if len(number) == 11 else number


@dataclass(slots=True)
class SetContents:
    """What the segments of a set have told so far."""

    counts: Counter[str] = field(default_factory=Counter)
    trip: str = ""
    manifest_type: str = ""
    events: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    event_number: str = ""

    def add(self, segment: PlacedSegment, profile: Profile) -> None:
        """Take one segment."""
        self.counts[segment.id if len(self.counts) < _MOST_KINDS else "?"] += 1
        if segment.id == "M10":
            number = profile.trip_number_element
            self.trip = segment.element(int(number[3:])) if number.startswith("M10") else ""
            self.manifest_type = segment.element(9)
        elif segment.id == "M15":
            self.events[segment.element(1)[:2]] += 1
            self.event_number = segment.element(2)
        elif segment.id in ("MBL", "M13"):
            self.actions[segment.element(3)[:2]] += 1

    def sentence(self, set_id: str, profile: Profile) -> str:
        """What a set holds that answers nothing."""
        if set_id == "309":
            return self._manifest(profile)
        if set_id == "358" and self.counts["MBL"]:
            return self._links(profile)
        if set_id == "353" and self.events:
            return self._event()
        total = counted(self.counts.total(), "segment")
        if set_id:
            return f"Message {set_id}{self._for_trip()} with {total}."
        return f"Interchange with {total}."

    def _for_trip(self) -> str:
        return f" for trip {self.trip}" if self.trip else ""

    def _manifest(self, profile: Profile) -> str:
        kinds = {code: word for word, code in profile.manifest_types.items()}
        kind = kinds.get(self.manifest_type, "")
        shipments = counted(self.counts["LX"], "shipment")
        if kind == "delete":
            return f"Deletes the whole manifest{self._for_trip()}."
        if kind == "amendment":
            words = CODES["amendment_type"].codes
            told = ", ".join(words.get(code, f"action {code or 'missing'}") for code in self.actions)
            return f"Amends the manifest{self._for_trip()}: {shipments}{f' ({told})' if told else ''}."
        if kind in ("preliminary", "complete"):
            return f"{kind.capitalize()} manifest{self._for_trip()} with {shipments}."
        return f"Manifest{self._for_trip()} with {shipments}."

    def _links(self, profile: Profile) -> str:
        words = {code: word for word, code in profile.amendment_actions.items()}
        verbs = {"add": "links {} to", "change": "changes the link of {} to", "delete": "takes {} off"}
        told = []
        for code, number in self.actions.items():
            verb = verbs.get(words.get(code, ""), "speaks of {} of")
            told.append(verb.format(counted(number, "shipment")))
        text = ", ".join(told) + (f" trip {self.trip}." if self.trip else " a trip.")
        return text[:1].upper() + text[1:]

    def _event(self) -> str:
        words = CODES["event_level"].codes
        named = ", ".join(words.get(code, f"event {code or 'missing'}") for code in self.events)
        told = f"{named[:1].upper()}{named[1:]}"
        if self.trip:
            return f"{told} of trip {self.trip}."
        number = self.event_number if self.events.total() == 1 else ""
        return f"{told} {number}".rstrip() + f" ({counted(self.events.total(), 'event')})."


@dataclass(slots=True)
class BatchContents:
    """What the transactions of a batch that is sent to CBP ask for."""

    application: str = ""
    total: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    only: str = ""

    def add(self, transaction: Transaction) -> None:
        """Take one transaction."""
        self.total += 1
        head = transaction.records[0].record if transaction.records else None
        if head is None:
            return
        if self.application in _HEADS and head.layout == _HEADS[self.application][0]:
            _, key, noun = _HEADS[self.application]
            asked = _ACTIONS[self.application].get(head.text(key), f"action {head.text(key) or 'missing'}")
            self.asked[asked] += 1
            name = entry_name(head.text("entry_filer_code") + head.text("entry_number"))
            self.only = f"New {noun} {name}" if asked == "new" else f"{asked.capitalize()} of {noun} {name}"
        elif head.layout == "WR1":
            self.asked["query"] += 1
            number = head.text("entry_filer_code") + head.text("entry_number").strip()
            bill = head.text("issuer_code_of_bill_of_lading_number") + head.text("bill_of_lading_number")
            self.only = (
                f"Query for entry {entry_name(number)}" if number else f"Query for bill {bill}".removesuffix(" bill ")
            )

    def sentence(self) -> str:
        """What the batch asks for."""
        if self.total == 1 and self.only:
            return f"{self.only}."
        what = f"Batch {self.application}".strip()
        told = ", ".join(f"{number} {asked}" for asked, number in self.asked.most_common())
        return f"{what} with {counted(self.total, 'transaction')}{f': {told}' if told else ''}."
