"""How is a change of a manifest said to CBP? Bills added, replaced or deleted → the body of 309 messages of type Y.

Rules:

- Only what changes is sent: the header, the port with the arrival under which the manifest is on file, and one
  LX loop for each changed bill. A changed arrival **date** would name another manifest, so the trip given here is
  the trip as it was declared.
- Each LX loop begins with M13. A bill that is added or replaced follows whole (M11, parties, equipment, goods); a
  bill that is deleted ends there.
- A bill whose release type changes is *replaced*. Deleting and adding it again would use its control number twice,
  which CBP forbids for three years.
- After completion a reason stands at the header and at each bill. Reasons and amendment types are facts of the
  profile that CBP's guide must still confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mappings.decision import PathwayDecision
from mappings.manifest import MOST_SHIPMENTS, ManifestMessage, bill_segments, manifest_header, port_segment
from mappings.notes import TRIP, Note, Wire, under
from schemas.errors import FormatError, Problem
from schemas.identifiers import scn_fault
from schemas.profile import Profile
from schemas.shipment import Shipment
from schemas.trip import Trip
from schemas.x12.segments import Segment, Separators, seg

Change = Literal["add", "replace", "delete"]

_ACTIONS: Final = {"add": "add", "replace": "change", "delete": "delete"}
"""What M1307 says for each change (X12 data element 306)."""


@dataclass(frozen=True, slots=True)
class BillChange:
    """One bill that changes; ``decision`` is the pathway it goes by afterwards, ``None`` where it goes."""

    change: Change
    shipment: Shipment
    decision: PathwayDecision | None = None


def build_amendment(
    trip: Trip, changes: Sequence[BillChange], profile: Profile, limit: int = MOST_SHIPMENTS
) -> list[ManifestMessage]:
    """The 309 messages of type Y that make these changes, in the order in which they must be sent.

    Raises :class:`FormatError` with every problem of all bills; a path is ``changes[i].`` and the shipment's own.
    """
    if not 1 <= limit <= MOST_SHIPMENTS:
        raise ValueError(f"1 to {MOST_SHIPMENTS} bills fit in a message, not {limit}")
    if not changes:
        raise ValueError("an amendment changes something")
    problems: list[Problem] = []
    messages: list[ManifestMessage] = []
    for start in range(0, len(changes), limit):
        chunk = changes[start : start + limit]
        segments, notes, wrong = _message(trip, chunk, profile, start)
        problems += wrong
        scns = tuple(one.shipment.scn or "" for one in chunk)
        messages.append(ManifestMessage(profile.manifest_types["amendment"], tuple(segments), scns, tuple(notes)))
    if problems:
        raise FormatError(dict.fromkeys(problems))
    return messages


def _message(
    trip: Trip, changes: Sequence[BillChange], profile: Profile, start: int
) -> tuple[list[Segment], list[Note], list[Problem]]:
    wire = Wire(Separators.of(profile).signs)
    reason = profile.amendment_reasons[changes[0].change]
    kind = profile.manifest_types["amendment"]
    segments = [manifest_header(trip, profile, kind, len(changes), wire, purpose="change", reason=reason)]
    segments += port_segment(trip, profile, wire)
    problems = list(wire.problems)
    notes = list(wire.notes)
    for number, one in enumerate(changes, start=1):
        path = f"changes[{start + number - 1}]"
        if one.change != "delete" and one.decision is None:
            raise ValueError("a bill that stays has a decision")
        if fault := scn_fault(one.shipment.scn or ""):
            problems.append(Problem("wrong_scn", f"{path}.shipment_control_number", fault, "Correct it."))
            continue
        segments += [seg("LX", number), _m13(trip, one, profile)]
        if one.decision is None or one.change == "delete":
            continue
        try:
            bill = bill_segments(one.shipment, one.decision, trip, profile, number)
        except FormatError as error:
            problems += under(path, error.problems)
            continue
        segments += bill.segments[1:]  # its LX stands before M13
        notes += (
            note
            if note.path.startswith(TRIP)
            else Note(note.kind, f"{path}.{note.path}", note.text, note.before, note.after)
            for note in bill.notes
        )
    return segments, notes, problems


def _m13(trip: Trip, one: BillChange, profile: Profile) -> Segment:
    scn = one.shipment.scn or ""
    quantity = one.shipment.packages.count if one.change == "replace" else None
    return seg(
        "M13",
        trip.carrier_scac,
        trip.port_of_arrival,
        profile.amendment_types[one.change],
        scn[4:],
        quantity,
        profile.amendment_reasons[one.change],
        profile.amendment_actions[_ACTIONS[one.change]],
        None,
        scn[:4],
    )
