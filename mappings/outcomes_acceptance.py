"""What does a 355 mean? Accepted, or remarks on trip and shipments, each with the field it points back to.

Rules:

- The manifest is accepted when no K1 stands in it and its summary rejects nothing. Shipments that are not named
  were saved.
- Where shipments of a complete manifest (type W) were refused CBP puts the whole back to preliminary: the trip is
  ``rejected`` as it was declared, ``correlation`` says how many were saved. A preliminary manifest keeps
  its good shipments and is ``accepted_with_warning``.
- ``correlation["saved_rest"]`` is true where the shipments that are not named can be taken as saved: the trip itself
  has no fault, and every refused shipment is known.
- A summary that cannot be read and no K1 is ``unknown``, never an acceptance.
- A remark's element is found by its code in the profile, else by the copied value if one element alone holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappings.outcomes_head import Head, identity, message_head
from mappings.outcomes_places import Context, party_path, x12_path
from mappings.outcomes_sent import SentManifest
from mappings.outcomes_values import Outcome, unreadable
from schemas.errors import Problem
from schemas.profile import Profile
from schemas.x12 import (
    Interchange,
    Loop,
    PlacedSegment,
    Remark,
    Summary,
    read_remark,
    read_summary,
    shipment_control_number,
)


def read_acceptance(
    read: Interchange, profile: Profile, sent: SentManifest | None
) -> tuple[list[Outcome], list[Problem]]:
    """Outcomes of a 355: every remark, then the verdict on the trip."""
    head = message_head(read)
    outcomes: list[Outcome] = []
    for loop in read.loops.loops:
        if loop.id == "P4":
            outcomes += _level(loop, head, profile, Context(), sent, skip=("LX",))
            for bill in loop.each("LX"):
                outcomes += _bill(bill, head, profile, sent)
        else:
            outcomes += _level(loop, head, profile, Context(), sent)
    k3 = next((one for one in read.segments if one.id == "K3"), None)
    remarks = sum(one.id == "K1" for one in read.segments)
    problems: list[Problem] = []
    if remarks != len(outcomes):
        problems.append(
            unreadable("K1", f"{remarks - len(outcomes)} of {remarks} remarks stand where none is known.", "Read it.")
        )
    summary = read_summary(k3, profile) if k3 is not None else Summary(None, None, "", "")
    verdict = _verdict(outcomes, summary, head, remarks, k3.number if k3 is not None else 0)
    outcomes.append(replace(verdict, correlation={**verdict.correlation, **identity(read)}))
    if k3 is None or summary.rejected is None:
        problems.append(
            Problem(
                "summary_not_read",
                "K3",
                "The summary of the 355 does not follow the profile.",
                "Compare k3_pattern with CBP's guide.",
                severity="warning",
            )
        )
    return outcomes, problems


def _verdict(remarks: list[Outcome], summary: Summary, head: Head, count: int, k3: int) -> Outcome:
    """The trip's own outcome; the last of the message."""
    refused = {one.scn or one.place for one in remarks if one.scope == "shipment"}
    rejected = summary.rejected if summary.rejected is not None else len(refused)
    own = [one for one in remarks if one.scope == "trip" and not _only_echo(one.text)]
    if own:
        meaning = "rejected"
    elif rejected or count:
        saved = head.manifest_type == "P" and summary.accepted != 0
        meaning = "accepted_with_warning" if saved else "rejected"
    else:
        meaning = "accepted" if summary.rejected == 0 else "unknown"
    first = own[0] if own else None
    return Outcome(
        "355",
        "trip",
        meaning,
        first.code if first else "",
        summary.text or "no summary",
        head.trip_number,
        place="K3",
        correlation={
            **head.correlation,
            "told_in": k3,
            "accepted": summary.accepted,
            "rejected": summary.rejected,
            "manifest_state": summary.state,
            "manifest_type": head.manifest_type,
            "saved_rest": not own
            and summary.accepted != 0
            and all(one.scn for one in remarks if one.scope == "shipment"),
            "rejected_scns": sorted({one.scn for one in remarks if one.scn}),
        },
    )


def _bill(loop: Loop, head: Head, profile: Profile, sent: SentManifest | None) -> Iterator[Outcome]:
    """The remarks on one shipment."""
    lx = loop.header.element(1)
    m11 = loop.first("M11") or loop.first("M13")
    scn = shipment_control_number(m11) if m11 is not None else ""
    if not scn and sent is not None:
        scn = sent.scn_of(lx)
    yield from _level(loop, head, profile, Context(scn=scn), sent, lx=lx)


def _level(
    loop: Loop,
    head: Head,
    profile: Profile,
    context: Context,
    sent: SentManifest | None,
    *,
    lx: str = "",
    skip: tuple[str, ...] = (),
) -> Iterator[Outcome]:
    """The K1s of this loop, each about the segment before it, and of the loops inside."""
    if loop.header.id == "N1":
        context = replace(context, party=party_path(loop.header.element(1), profile))
    about = loop.header
    for segment in loop.segments:
        if segment.id != "K1":
            about = segment
            continue
        yield _remark(segment, about, head, profile, context, sent, lx)
    for inner in loop.loops:
        if inner.id not in skip:
            yield from _level(inner, head, profile, context, sent, lx=lx)


def _element_of(remark: Remark, about: PlacedSegment, profile: Profile) -> str:
    """The element a remark speaks of: by its code, else the only one that holds the copied value."""
    known = profile.error(remark.code, remark.text)
    places = known.places if known is not None else ()
    here = [one for one in places if one.startswith(about.id) and len(one) == len(about.id) + 2]
    if len(here) == 1:
        return here[0]
    if remark.value:
        holders = [at for at, value in enumerate(about.elements, start=1) if value == remark.value]
        named = [f"{about.id}{at:02d}" for at in holders]
        named = [one for one in named if one in here] or named
        if len(named) == 1:
            return named[0]
    return here[0] if here else (places[0] if len(places) == 1 else "")


def _remark(
    k1: PlacedSegment,
    about: PlacedSegment,
    head: Head,
    profile: Profile,
    context: Context,
    sent: SentManifest | None,
    lx: str,
) -> Outcome:
    remark = read_remark(k1, profile)
    text = remark.text
    known = profile.error(remark.code, remark.text)
    if not text and known is not None:
        text = known.text
    element = _element_of(remark, about, profile)
    if sent is not None:
        context = sent.echo(context.scn, about) or context
    only_echo = not lx and _only_echo(text)
    segment_id, position = _split(element) if element else (about.id, 0)
    place = f"LX[{lx}].{element or about.id}" if lx else element or about.id
    return Outcome(
        "355",
        "shipment" if lx else "trip",
        "warning" if only_echo else "rejected",
        remark.code,
        text,
        head.trip_number,
        context.scn,
        place=place,
        field_path="" if only_echo else x12_path(segment_id, position, context),
        correlation={
            **head.correlation,
            "value": remark.value,
            "segment": k1.number,
            "told_in": k1.number,
            "about": about.number,
            "element": position if segment_id == about.id else 0,
        },
    )


def _only_echo(text: str) -> bool:
    """Whether a remark on the trip only reports that shipments failed; any other is a fault of the trip itself."""
    return "PRELIM" in text.upper()


def _split(element: str) -> tuple[str, int]:
    """``M1101`` → ``("M11", 1)``; a segment alone has element 0."""
    for length in (3, 2):
        tail = element[length:]
        if len(tail) == 2 and tail.isdigit():
            return element[:length], int(tail)
    return element, 0
