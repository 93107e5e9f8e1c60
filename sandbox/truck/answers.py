"""How does CBP say it in X12? TA1, 997 and 350 as segments; the 355 has a module of its own.

TA1 and 997: X12 practice. 350: CBP truck guide, April 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.truck.syntax import SyntaxVerdict
from sandbox.truck.x12 import CBP_CHARACTERS, Interchange
from schemas.profile import Profile

_SET_ID = re.compile("[A-Z0-9]{3}")
_SET_NUMBER = re.compile("[A-Z0-9]{4,9}")
_SEGMENT_NAME = re.compile("[A-Z][A-Z0-9]{1,2}")


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
        out.append(["AK2", head[1], head[2], plain(head[3], interchange)[:35].rstrip(" ") if len(head) > 3 else ""])
        for fault in verdict.faults:
            if not _SEGMENT_NAME.fullmatch(fault.segment):
                continue  # AK301 cannot carry what is no name; AK5 says that there was a fault
            out.append(["AK3", fault.segment, str(fault.position), "", fault.code])
            for element in fault.elements:
                copied = plain(element.value, interchange)[:99].rstrip(" ")
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


def plain(value: str, interchange: Interchange) -> str:
    """A value as an answer may copy it: separators and what cannot be printed become question marks."""
    separators = {
        interchange.element_separator,
        interchange.component_separator,
        interchange.repetition_separator,
        interchange.terminator,
    }
    return "".join(c if c.isascii() and c.isprintable() and c not in separators else "?" for c in value)


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
    out = [["ST", "350"], _head_of_350(header, profile), list(port[:3])]
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


def event_message(
    header: Sequence[str], port: Sequence[str], code: str, at: datetime, profile: Profile
) -> list[list[str]]:
    """350 that tells an event of the trip and nothing of shipments; ``at`` must be in the port's local time."""
    event = ["V9", code, "", at.strftime("%Y%m%d"), at.strftime("%H%M")]
    return [["ST", "350"], _head_of_350(header, profile), list(port[:3]), event]


def _head_of_350(header: Sequence[str], profile: Profile) -> list[str]:
    """The M10 of the manifest with the type of a status."""
    m10 = list(header[:13])
    m10 += [""] * (10 - len(m10))
    m10[8], m10[9] = "", profile.manifest_types["status"]
    return m10
