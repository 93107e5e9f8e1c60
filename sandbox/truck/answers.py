"""How does CBP say it in X12? TA1, 997, 355 and 350 as segments.

TA1 and 997: X12 practice. 355: CBP rail guide 355 v7010 and truck CUSRES guide (M10 and P4 always come back; a bad
segment comes back followed by its K1s; K3
sums up). 350: CBP truck guide, April 2018. The layouts of K1 and K3 come from the profile, because CBP's own are not
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.truck.manifest_checks import ManifestFaults, Remark
from sandbox.truck.manifest_reader import Bill, Manifest
from sandbox.truck.syntax import SyntaxVerdict
from sandbox.truck.x12 import CBP_CHARACTERS, Interchange
from schemas.profile import Profile

_MAX_K1 = 10
_SET_ID = re.compile("[A-Z0-9]{3}")
_SET_NUMBER = re.compile("[A-Z0-9]{4,9}")
_SEGMENT_NAME = re.compile("[A-Z][A-Z0-9]{1,2}")
_HEADS_OF_LOOPS = {
    "N3": "N1",
    "N4": "N1",
    "DTM": "N1",
    "PER": "N1",
    "M7": "VID",
    "N10": "VID",
    "VC": "N10",
    "MAN": "N10",
    "H1": "N10",
    "H2": "H1",
}


def ta1(interchange: Interchange, code: str, note: str) -> list[str]:
    """TA1 for an interchange: ``code`` A, E or R, ``note`` TA105."""
    isa = interchange.isa
    return ["TA1", isa[12], isa[8], isa[9], code, note]


def acknowledgment(interchange: Interchange, verdict: SyntaxVerdict) -> list[list[str]]:
    """997 of a verdict, from ST01's identifier on (see :func:`sandbox.truck.x12.put_together`)."""
    group = interchange.elements(0) + [""] * 9
    head = interchange.elements(1) if len(interchange.segments) > 1 else ["ST"]
    out = [["ST", "997"], ["AK1", group[1], group[6], group[8]]]
    if head[0] == "ST" and len(head) > 2 and _SET_ID.fullmatch(head[1]) and _SET_NUMBER.fullmatch(head[2]):
        # AK2 cannot carry a number that is none: then AK9 alone refuses the set.
        out.append(["AK2", head[1], head[2], _plain(head[3], interchange)[:35].rstrip(" ") if len(head) > 3 else ""])
        for fault in verdict.faults:
            if not _SEGMENT_NAME.fullmatch(fault.segment):
                continue  # AK301 cannot carry what is no name; AK5 says that there was a fault
            out.append(["AK3", fault.segment, str(fault.position), "", fault.code])
            for element in fault.elements:
                copied = _plain(element.value, interchange)[:99].rstrip(" ")
                value = "".join(c if c in CBP_CHARACTERS else "?" for c in copied)
                place = element.position.replace(":", interchange.component_separator)
                out.append(["AK4", place, element.number if element.number.isdigit() else "", element.code, value])
        out.append(["AK5", verdict.set_result, *verdict.set_codes])
    taken = "1" if verdict.accepted else "0"
    received = "1" if head[0] == "ST" else "0"
    trailer = interchange.elements(-2) if len(interchange.segments) > 2 else []
    claimed = trailer[1] if len(trailer) > 1 and re.fullmatch("[0-9]{1,6}", trailer[1]) else received
    out.append(["AK9", verdict.result, claimed, received, taken, *verdict.group_codes])
    return out


def _plain(value: str, interchange: Interchange) -> str:
    separators = {
        interchange.element_separator,
        interchange.component_separator,
        interchange.repetition_separator,
        interchange.terminator,
    }
    return "".join(c if c.isascii() and c.isprintable() and c not in separators else "?" for c in value)


@dataclass(slots=True)
class Disposition355:
    """Result of the business stage, ready to be written: counts, the state the manifest is in now, and the faults."""

    faults: ManifestFaults
    rejected: int
    accepted: int
    state: str
    extra: list[Remark] = field(default_factory=list)


def manifest_answer(
    interchange: Interchange, manifest: Manifest, result: Disposition355, profile: Profile
) -> list[list[str]]:
    """355: M10, trip-level K1, P4, the faulty groups with their K1, K3."""
    writer = _Remarks(profile, interchange)
    out = [["ST", "355"], manifest.header]
    out += writer.k1([*result.faults.trip, *result.extra])
    out.append(manifest.port_segment)
    for index in sorted(result.faults.bills):
        out += _bill_answer(interchange, manifest.bills[index], result.faults.bills[index], writer)
    summary = profile.k3_format.format(
        rejected=result.rejected, accepted=result.accepted, state=result.state, manifest=result.state
    )
    out.append(["K3", summary])
    return out


def _bill_answer(
    interchange: Interchange, bill: Bill, faults: dict[int, list[Remark]], writer: _Remarks
) -> list[list[str]]:
    separator = interchange.element_separator
    out = [interchange.body[bill.at - 1].split(separator)]
    head_at = bill.m11_at or bill.m13_at
    rejected = Remark("", "XXXX BILL REJECTED XXXX")
    if bill.at in faults:  # LX takes no K1: its faults stand at the first segment that does
        faults.setdefault(head_at or bill.at, []).extend(faults.pop(bill.at) if head_at else [])
    heads: dict[str, int] = {}
    written: set[int] = set()
    for position in bill.segments[1:]:
        row = interchange.body[position - 1].split(separator)
        heads[row[0]] = position
        if position not in faults and position != head_at:
            continue
        for above in _above(row[0]):
            place = heads.get(above)
            if place is not None and place not in written and place != position:
                out.append(interchange.body[place - 1].split(separator))
                written.add(place)
        if position not in written:
            out.append(row)
            written.add(position)
        remarks = faults.get(position, [])
        out += writer.k1([*remarks[: _MAX_K1 - 1], rejected] if position == head_at else remarks)
    if not head_at:
        out += writer.k1([*faults.get(bill.at, []), rejected])
    return out


def _above(name: str) -> list[str]:
    chain: list[str] = []
    while name in _HEADS_OF_LOOPS:
        name = _HEADS_OF_LOOPS[name]
        chain.insert(0, name)
    return chain


class _Remarks:
    """K1 segments in the profile's layout; K101 and K102 hold 30 characters each."""

    def __init__(self, profile: Profile, interchange: Interchange) -> None:
        self.profile, self.interchange = profile, interchange

    def k1(self, remarks: Iterable[Remark]) -> list[list[str]]:
        out = []
        for remark in list(remarks)[:_MAX_K1]:
            value = _plain(remark.value, self.interchange)[:30]
            if not remark.code:
                out.append(["K1", remark.text[:30], remark.text[30:60] or value])
                continue
            first = self.profile.k1_first.format(code=remark.code, text=remark.text)[:30]
            out.append(["K1", first, remark.text[:30] if self.profile.k1_second == "text" else value])
        return out


@dataclass(frozen=True, slots=True)
class Status350:
    """One X4: ``number`` without SCAC; ``entry_type``/``entry`` when an entry is meant; ``remark`` becomes a K1."""

    scac: str
    number: str
    quantity: str
    code: str
    at: datetime
    port: str
    entry_type: str = ""
    entry: str = ""
    remark: str = ""


def status_message(
    header: Sequence[str], port: Sequence[str], statuses: Iterable[Status350], profile: Profile
) -> list[list[str]]:
    """350 for one trip: M10 with the status type, P4, one X4 per status. ``at`` must be in the port's local time."""
    m10 = list(header[:13])
    m10 += [""] * (10 - len(m10))
    m10[8], m10[9] = "", profile.manifest_types["status"]
    out = [["ST", "350"], m10, list(port[:3])]
    for status in statuses:
        day, time = status.at.strftime("%Y%m%d"), status.at.strftime("%H%M")
        out.append(
            [
                "X4",
                status.number,
                status.quantity,
                status.entry_type,
                status.entry,
                day,
                time,
                status.code,
                "",
                status.scac,
                "",
                "",
                "",
                status.port,
            ]
        )
        if status.remark:
            out.append(["K1", status.remark[:30], status.remark[30:60]])
    return out
