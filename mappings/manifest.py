"""How is a truck with its shipments said to CBP? Trip and shipments → the body of 309 messages.

The body is everything between ST and SE, which the codec adds. Rules:

- The list given is the list filed: nothing is left off here. Shipments of pathway ``section321`` ride as
  Section 321 bills, ``type86``, ``informal`` and ``formal`` as regular (PAPS) bills that the entry
  releases. A ``review`` shipment has no bill type and is an error: it must come off the truck first.
- At most ``limit`` shipments stand in a message. More make several messages: every one but the last is
  preliminary, the last has the type asked for and so completes the manifest. Each repeats the trip,
  its truck and crew, and counts its own bills (deduced from CSMS 19-000156; unconfirmed).
- Every fact that CBP's guide must still confirm is read from the profile.
- How one shipment is said is :mod:`mappings.manifest_bill`, which staging uses alone to see whether one fits.
- Goods stand under the first piece of equipment; further equipment is noted as not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mappings.decision import PathwayDecision
from mappings.manifest_bill import BillSegments, BillWriter, bill_segments, place
from mappings.measures import local_arrival
from mappings.notes import TRIP, Note, Wire, under
from schemas.errors import FormatError, Problem
from schemas.profile import Profile
from schemas.shipment import Shipment
from schemas.trip import CrewMember, Trip
from schemas.x12.segments import Segment, Separators, seg, seg_at

__all__ = [
    "MOST_SHIPMENTS",
    "BillSegments",
    "ManifestMessage",
    "bill_segments",
    "build_manifest",
    "crew_segments",
    "manifest_header",
    "port_segment",
    "trip_segments",
]

MOST_SHIPMENTS: Final = 9_999
"""Shipments in one message (CSMS 19-000156)."""


@dataclass(frozen=True, slots=True)
class ManifestMessage:
    """One message about a manifest: ``segments`` its body, ``scns`` its shipments in order.

    ``kind`` is its manifest type (P, W, Y or 3), ``set_id`` the set: 309, or 358 and 353 for what changes later.
    """

    kind: str
    segments: tuple[Segment, ...]
    scns: tuple[str, ...]
    notes: tuple[Note, ...]
    set_id: str = "309"


def manifest_header(
    trip: Trip,
    profile: Profile,
    kind: str,
    bills: int | None,
    wire: Wire,
    *,
    purpose: str = "original",
    reason: str = "",
) -> Segment:
    """M10; ``reason`` is that of an amendment. Without ``purpose`` none is said."""
    country = profile.manifest_country
    if country == "conveyance":
        plate = trip.conveyance.plate
        country = plate.country if plate else "CA"
        if plate is None:
            wire.note(
                "derived",
                TRIP + "conveyance.plate",
                "No plate tells where the truck is registered; M1003 says CA, where it comes from.",
                "",
                "CA",
            )
    position = int(profile.trip_number_element.removeprefix("M10"))
    longest = {6: 10, 7: 50, 12: 50}[position]
    number = wire.text(trip.trip_number, TRIP + "trip_number", longest, f"X12 {profile.trip_number_element}")
    elements: dict[int, str | int | None] = {
        1: trip.carrier_scac,
        2: profile.transport_mode,
        3: country,
        5: profile.conveyance_name,
        8: bills,
        9: kind,
        13: profile.purpose_codes[purpose] if purpose else None,
        16: reason or None,
    }
    elements[position] = number
    return seg_at("M10", elements)


def _vehicle(trip: Trip, profile: Profile, wire: Wire) -> Segment:
    conveyance = trip.conveyance
    elements: dict[int, str] = {1: "1"}
    if conveyance.vin:
        elements[2] = conveyance.vin
    if (plate := conveyance.plate) is not None:
        place(profile, "vehicle_plate_element", "VEH", elements, plate.number)
        region = wire.text(plate.region, TRIP + "conveyance.plate.region", 2, "X12 VEH10")
        place(profile, "vehicle_plate_region_element", "VEH", elements, region)
        place(profile, "vehicle_plate_country_element", "VEH", elements, plate.country)
    place(profile, "vehicle_type_element", "VEH", elements, conveyance.type)
    if conveyance.number:
        wire.note(
            "left_out",
            TRIP + "conveyance.number",
            "The 309 has no confirmed place for the carrier's own vehicle number.",
            conveyance.number,
        )
    return seg_at("VEH", dict(elements))


def _person(person: CrewMember, path: str, profile: Profile, wire: Wire) -> list[Segment]:
    last = wire.text(person.last_name, f"{path}.last_name", 60, "X12 NM103")
    first = wire.text(person.first_name, f"{path}.first_name", 35, "X12 NM104")
    segments = [
        seg("NM1", profile.crew_role_codes[person.role], "1", last, first),
        seg("DMG", "D8", f"{person.date_of_birth:%Y%m%d}", person.gender, None, None, None, person.citizenship),
    ]
    for index, document in enumerate(person.documents):
        elements: dict[int, str] = {1: document.type, 2: document.number}
        issuer = document.region or document.country
        if issuer:
            if profile.element_position("document_issuer_element", "REF") is None:
                wire.note(
                    "left_out",
                    f"{path}.documents[{index}]",
                    "The 309 has no confirmed place for who issued a travel document.",
                    issuer,
                )
            place(profile, "document_issuer_element", "REF", elements, issuer)
        segments.append(seg_at("REF", dict(elements)))
    return segments


def crew_segments(trip: Trip, profile: Profile, wire: Wire) -> list[Segment]:
    """VEH and the persons, the driver first."""
    segments = [_vehicle(trip, profile, wire)]
    order = {"driver": 0, "crew": 1, "passenger": 2}
    for index, person in sorted(enumerate(trip.crew), key=lambda one: order[one[1].role]):
        segments += _person(person, f"{TRIP}crew[{index}]", profile, wire)
    for index, item in enumerate(trip.equipment[1:], start=1):
        wire.note(
            "left_out",
            f"{TRIP}equipment[{index}]",
            "Only the first piece of equipment is named; the 309 ties equipment to the shipments in it.",
            item.number,
        )
    return segments


def trip_segments(trip: Trip, profile: Profile, kind: str, bills: int) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """What stands before the first shipment: M10, VEH, the persons and P4. Paths begin with ``trip.``."""
    wire = Wire(Separators.of(profile).signs)
    segments = [manifest_header(trip, profile, kind, bills, wire), *crew_segments(trip, profile, wire)]
    segments += port_segment(trip, profile, wire)
    wire.raise_problems()
    return tuple(segments), tuple(wire.notes)


def port_segment(trip: Trip, profile: Profile, wire: Wire) -> list[Segment]:
    """P4: where and when; nothing, and a problem on ``wire``, where that cannot be said."""
    try:
        arrival = local_arrival(trip, profile.arrival_time_zone)
    except FormatError as error:
        wire.problems.extend(error.problems)
        return []
    return [seg("P4", trip.port_of_arrival, f"{arrival:%Y%m%d}", None, None, f"{arrival:%H%M}")]


def _chunks(
    pairs: Sequence[tuple[Shipment, PathwayDecision]], limit: int
) -> list[Sequence[tuple[Shipment, PathwayDecision]]]:
    return [pairs[at : at + limit] for at in range(0, len(pairs), limit)] or [pairs]


def _duplicates(pairs: Sequence[tuple[Shipment, PathwayDecision]]) -> list[Problem]:
    seen: dict[str, int] = {}
    found = []
    for index, (shipment, _) in enumerate(pairs):
        first = seen.setdefault(shipment.scn, index) if shipment.scn else index
        if first != index:
            found.append(
                Problem(
                    "duplicate_scn",
                    f"shipments[{index}].shipment_control_number",
                    f"{shipment.scn} is already the control number of shipments[{first}].",
                    "Give every shipment its own.",
                )
            )
    return found


def build_manifest(
    trip: Trip,
    pairs: Sequence[tuple[Shipment, PathwayDecision]],
    profile: Profile,
    message_type: str = "W",
    limit: int = MOST_SHIPMENTS,
    bills: Sequence[BillSegments | None] = (),
) -> list[ManifestMessage]:
    """The 309 messages of a trip, in the order in which they must be sent.

    ``message_type`` is the type of the last message: W (complete) or P (preliminary); those before are P.
    Raises :class:`FormatError` with every problem of all shipments; a shipment's path is
    ``shipments[i].`` and its own path, ``i`` being its index in ``pairs``. Without shipments one message without
    bills comes out, which the codec refuses unless the guide allows an empty truck so. ``bills`` are loops that
    :func:`bill_segments` has made of the very same pairs, trip and profile; where there is none it is asked now.
    """
    if message_type not in (profile.manifest_types["complete"], profile.manifest_types["preliminary"]):
        raise ValueError(f"a manifest is complete or preliminary, not {message_type!r}")
    if not 1 <= limit <= MOST_SHIPMENTS:
        raise ValueError(f"1 to {MOST_SHIPMENTS} shipments fit in a message, not {limit}")
    problems = _duplicates(pairs)
    messages: list[ManifestMessage] = []
    chunks = _chunks(pairs, limit)
    writer = BillWriter(trip, profile)
    index = 0
    for position, chunk in enumerate(chunks, start=1):
        kind = message_type if position == len(chunks) else profile.manifest_types["preliminary"]
        segments: list[Segment] = []
        notes: list[Note] = []
        try:
            head, told = trip_segments(trip, profile, kind, len(chunk))
            segments += head
            notes += told
        except FormatError as error:
            problems += error.problems
        for number, (shipment, decision) in enumerate(chunk, start=1):
            try:
                made = bills[index] if bills else None
                bill = made.numbered(number) if made else writer.bill(shipment, decision, number)
            except FormatError as error:
                problems += under(f"shipments[{index}]", error.problems)
            else:
                segments += bill.segments
                notes += (
                    Note(note.kind, f"shipments[{index}].{note.path}", note.text, note.before, note.after)
                    if not note.path.startswith(TRIP)
                    else note
                    for note in bill.notes
                )
            index += 1
        scns = tuple(shipment.scn or "" for shipment, _ in chunk)
        messages.append(ManifestMessage(kind, tuple(segments), scns, tuple(notes)))
    if problems:
        raise FormatError(dict.fromkeys(problems))  # a fault of the trip shows once, not once a shipment
    return messages
