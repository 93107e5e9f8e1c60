"""How is a change of a manifest said to CBP? Bills added, replaced or deleted, the trip → the body of 309s of type Y.

Rules:

- Only what changes is sent: the header, the port with the arrival under which the manifest is on file, and one
  LX loop for each changed bill. A changed arrival **date** would name another manifest, so the trip given here has
  the date that was declared. Truck and persons stand in the first message, if they change; where no bill changes one
  empty LX loop stands, which the set demands (deduced from the message that deletes a manifest).
- Each LX loop begins with M13. A bill that is added or replaced follows whole (M11, parties, equipment, goods); a
  bill that is deleted ends there.
- A bill whose release type changes is *replaced*. Deleting and adding it again would use its control number twice,
  which CBP forbids for three years.
- After completion a reason stands at the header and at each bill; before it there is none. Reasons and amendment
  types are facts of the profile that CBP's guide must still confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mappings.decision import PathwayDecision
from mappings.manifest import (
    MOST_SHIPMENTS,
    ManifestMessage,
    bill_segments,
    crew_segments,
    manifest_header,
    port_segment,
)
from mappings.notes import TRIP, Note, Wire, under
from schemas.errors import FormatError, Problem
from schemas.identifiers import scn_fault
from schemas.profile import Profile
from schemas.shipment import Shipment
from schemas.trip import Trip
from schemas.x12.segments import Segment, Separators, seg

Change = Literal["add", "replace", "delete"]
TripPart = Literal["", "header", "crew"]
"""What of the trip itself changes: nothing; port or time, which the header says; or truck and persons as well."""

_ACTIONS: Final = {"add": "add", "replace": "change", "delete": "delete"}
"""What M1307 says for each change (X12 data element 306)."""


@dataclass(frozen=True, slots=True)
class BillChange:
    """One bill that changes; ``decision`` is the pathway it goes by afterwards, ``None`` where it goes."""

    change: Change
    shipment: Shipment
    decision: PathwayDecision | None = None


def build_amendment(
    trip: Trip,
    changes: Sequence[BillChange],
    profile: Profile,
    limit: int = MOST_SHIPMENTS,
    *,
    of_trip: TripPart = "",
    reason: str | None = None,
) -> list[ManifestMessage]:
    """The 309 messages of type Y that make these changes, in the order in which they must be sent.

    ``reason`` (X12 data element 393) stands at the header and at each bill, ``""`` gives none, as a preliminary
    manifest needs; without it each change has the profile's. Raises :class:`FormatError` with every problem of all
    bills; a path is ``changes[i].`` and the shipment's own.
    """
    if not 1 <= limit <= MOST_SHIPMENTS:
        raise ValueError(f"1 to {MOST_SHIPMENTS} bills fit in a message, not {limit}")
    if not changes and not of_trip:
        raise ValueError("an amendment changes something")
    problems: list[Problem] = []
    messages: list[ManifestMessage] = []
    for start in range(0, max(len(changes), 1), limit):
        chunk = changes[start : start + limit]
        said = _Message(trip, profile, "" if start else of_trip, reason)
        said.write(chunk, start)
        problems += said.wire.problems
        scns = tuple(one.shipment.scn or "" for one in chunk)
        kind = profile.manifest_types["amendment"]
        messages.append(ManifestMessage(kind, tuple(said.segments), scns, tuple(said.wire.notes)))
    if problems:
        raise FormatError(dict.fromkeys(problems))
    return messages


class _Message:
    """One 309 of type Y in the making."""

    def __init__(self, trip: Trip, profile: Profile, of_trip: TripPart, reason: str | None) -> None:
        self.trip = trip
        self.profile = profile
        self.of_trip = of_trip
        self.reason = reason
        self.wire = Wire(Separators.of(profile).signs)
        self.segments: list[Segment] = []

    def write(self, changes: Sequence[BillChange], start: int) -> None:
        """The header and the bills; ``start`` is the place of the first among all changes."""
        trip, profile, wire = self.trip, self.profile, self.wire
        kind = profile.manifest_types["amendment"]
        reason = self._reason(changes[0].change if changes else "replace")
        bills = len(changes) or None
        self.segments.append(manifest_header(trip, profile, kind, bills, wire, purpose="change", reason=reason))
        if self.of_trip == "crew":
            self.segments += crew_segments(trip, profile, wire)
        self.segments += port_segment(trip, profile, wire)
        for number, one in enumerate(changes, start=1):
            self._bill(number, one, f"changes[{start + number - 1}]")
        if not changes:
            self.segments.append(seg("LX", 1))

    def _reason(self, change: Change) -> str:
        return self.profile.amendment_reasons[change] if self.reason is None else self.reason

    def _bill(self, number: int, one: BillChange, path: str) -> None:
        if one.change != "delete" and one.decision is None:
            raise ValueError("a bill that stays has a decision")
        if fault := scn_fault(one.shipment.scn or ""):
            self.wire.problem("wrong_scn", f"{path}.shipment_control_number", fault, "Correct it.")
            return
        self.segments += [seg("LX", number), self._m13(one)]
        if one.decision is None or one.change == "delete":
            return
        try:
            bill = bill_segments(one.shipment, one.decision, self.trip, self.profile, number)
        except FormatError as error:
            self.wire.problems += under(path, error.problems)
            return
        self.segments += bill.segments[1:]  # its LX stands before M13
        self.wire.notes += (
            note
            if note.path.startswith(TRIP)
            else Note(note.kind, f"{path}.{note.path}", note.text, note.before, note.after)
            for note in bill.notes
        )

    def _m13(self, one: BillChange) -> Segment:
        scn = one.shipment.scn or ""
        quantity = one.shipment.packages.count if one.change == "replace" else None
        return seg(
            "M13",
            self.trip.carrier_scac,
            self.trip.port_of_arrival,
            self.profile.amendment_types[one.change],
            scn[4:],
            quantity,
            self._reason(one.change) or None,
            self.profile.amendment_actions[_ACTIONS[one.change]],
            None,
            scn[:4],
        )
