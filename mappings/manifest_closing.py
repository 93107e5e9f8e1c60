"""How is a bill tied to a trip or taken off it, a manifest deleted, or told to be complete? The smaller messages.

- **358 type Y** ties bills that are on file to a trip (MBL03 add) or takes them off it (MBL03 delete). A bill that is
  taken off stays on file and may go on another trip; a bill that is deleted (309 type Y) is gone. After completion the
  reason stands at the header and at each bill, in an M13 without a type of amendment (deduced from the structure).
- **309 type 3** deletes a manifest with all its bills. Trip number and date of arrival name it; an empty LX loop stands
  because the set demands one.
- **Completion** of a manifest that is preliminary again: by an event 353 (M15) or by a 309 of type W without bills, as
  the profile says.

Where a code is not confirmed it is a fact of the profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from mappings.manifest import ManifestMessage, crew_segments, manifest_header, port_segment
from mappings.manifest_bill import equipment_segments
from mappings.measures import local_arrival
from mappings.notes import Wire
from schemas.identifiers import land_ports
from schemas.profile import Profile
from schemas.trip import Trip
from schemas.x12.segments import Segment, Separators, seg

Tie = Literal["link", "delink"]
_ACTIONS: Final = {"link": "add", "delink": "delete"}


def build_consist(
    trip: Trip, ties: Sequence[tuple[Tie, str]], profile: Profile, *, reason: str = ""
) -> ManifestMessage:
    """The 358 of type Y that ties bills (by their SCN) to the trip or takes them off it.

    Raises :class:`FormatError` with every problem of the trip.
    """
    if not ties:
        raise ValueError("a consist that changes names a bill")
    wire = Wire(Separators.of(profile).signs)
    kind = profile.manifest_types["amendment"]
    segments = [manifest_header(trip, profile, kind, None, wire, purpose="change", reason=reason)]
    segments += port_segment(trip, profile, wire)
    segments += equipment_segments(trip, profile, wire)
    for tie, scn in ties:
        action = profile.amendment_actions[_ACTIONS[tie]]
        segments.append(seg("MBL", scn[:4], scn[4:], action))
        if reason:
            port = trip.port_of_arrival
            segments.append(
                seg("M13", trip.carrier_scac, port, None, scn[4:], None, reason, action, None, scn[:4])
            )  # fmt: skip
    wire.raise_problems()
    return ManifestMessage(kind, tuple(segments), tuple(scn for _, scn in ties), tuple(wire.notes), "358")


def build_deletion(trip: Trip, profile: Profile, scns: Sequence[str] = ()) -> ManifestMessage:
    """The 309 of type 3 that deletes the manifest; ``scns`` are the bills that go with it, which it does not name."""
    wire = Wire(Separators.of(profile).signs)
    kind = profile.manifest_types["delete"]
    segments = [manifest_header(trip, profile, kind, None, wire, purpose="delete")]
    segments += [*port_segment(trip, profile, wire), seg("LX", 1)]
    wire.raise_problems()
    return ManifestMessage(kind, tuple(segments), tuple(scns), tuple(wire.notes))


def build_completion(trip: Trip, profile: Profile, at: datetime) -> ManifestMessage:
    """What tells CBP at the instant ``at`` that the manifest is complete; raises :class:`FormatError`."""
    wire = Wire(Separators.of(profile).signs)
    if profile.completion == "309":
        kind = profile.manifest_types["complete"]
        segments = [manifest_header(trip, profile, kind, None, wire), *crew_segments(trip, profile, wire)]
        segments += [*port_segment(trip, profile, wire), seg("LX", 1)]
        wire.raise_problems()
        return ManifestMessage(kind, tuple(segments), (), tuple(wire.notes))
    kind = profile.completion_event["manifest_type"]
    segments = [manifest_header(trip, profile, kind, None, wire, purpose="")]
    segments += [seg("P4", trip.port_of_arrival, f"{local_arrival(trip, profile.arrival_time_zone):%Y%m%d}")]
    segments.append(_event(trip, profile, at))
    wire.raise_problems()
    return ManifestMessage(kind, tuple(segments), (), tuple(wire.notes), "353")


def _event(trip: Trip, profile: Profile, at: datetime) -> Segment:
    port = land_ports().get(trip.port_of_arrival)
    local = at.astimezone(ZoneInfo(port.timezone if port is not None else "America/New_York"))
    return seg(
        "M15",
        profile.completion_event["qualifier"],
        trip.trip_number,
        f"{local:%Y%m%d}",
        trip.port_of_arrival,
        None,
        f"{local:%H%M}",
    )
