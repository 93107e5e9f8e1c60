"""What does a 350 mean? One outcome for each disposition of a shipment, in the order of their times.

Rules: the disposition table of the profile decides; a code that is not in it is ``unknown`` and never a release.
Times are those of the code in X417, else of the profile's zone (the port's clock), else New York's: which clock CBP
means is unconfirmed. Trip-level events (V9) have no known values and are ``unknown``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from mappings.outcomes_head import Head, message_head
from mappings.outcomes_sent import SentManifest
from mappings.outcomes_values import Outcome, unreadable
from schemas.errors import Problem
from schemas.identifiers import land_ports
from schemas.profile import Profile
from schemas.x12 import Interchange, Loop, PlacedSegment, remark_text, shipment_control_number

_ENTRY_NUMBER = re.compile(r"([A-Z0-9]{3})[- ]?([0-9]{7})[- ]?([0-9])")
_LAW_ZONE: Final = "America/New_York"
_TIME_CODES: Final = {
    "UT": "UTC",
    "GM": "UTC",
    "ET": "America/New_York",
    "ES": "Etc/GMT+5",
    "ED": "Etc/GMT+4",
    "CT": "America/Chicago",
    "CS": "Etc/GMT+6",
    "CD": "Etc/GMT+5",
    "MT": "America/Denver",
    "MS": "Etc/GMT+7",
    "MD": "Etc/GMT+6",
    "PT": "America/Los_Angeles",
    "PS": "Etc/GMT+8",
    "PD": "Etc/GMT+7",
}
"""X12 data element 623: zones that a land port can be in (recalled)."""


def read_status(read: Interchange, profile: Profile, sent: SentManifest | None) -> tuple[list[Outcome], list[Problem]]:
    """Outcomes of a 350."""
    del sent  # a status names its shipment itself
    head = message_head(read)
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    faulty = {(one.number, one.element) for one in read.errors if one.level == "element"}
    for loop in read.loops.walk("P4"):
        port = loop.header.element(1) or head.port
        outcomes += (_event(one, head, port, profile) for one in loop.every("V9"))
        outcomes += (_trip_remark(one, head) for one in loop.segments if one.id == "K1")
        for status in loop.each("X4"):
            x4 = status.header
            if any((x4.number, element) in faulty for element in (1, 7, 9)) or not shipment_control_number(x4):
                where = f"X4[{x4.number}]"
                problems.append(unreadable(where, "The shipment or its disposition cannot be read; it is passed over."))
                continue
            outcomes.append(_disposition(status, head, port, profile))
    outcomes.sort(key=lambda one: one.occurred_at.timestamp() if one.occurred_at else 0.0)
    return outcomes, problems


def _instant(day: str, clock: str, code: str, port: str, profile: Profile) -> datetime | None:
    """The aware time of a date and time element, ``None`` where there is no date."""
    if len(day) != 8 or not day.isdigit():
        return None
    zone = _TIME_CODES.get(code, "")
    if not zone:
        zone = profile.arrival_time_zone
        if zone == "port":
            known = land_ports().get(port)
            zone = known.timezone if known else _LAW_ZONE
    digits = clock[:4] if len(clock) >= 4 and clock[:4].isdigit() else "0000"
    try:
        return datetime.strptime(day + digits, "%Y%m%d%H%M").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def _event(v9: PlacedSegment, head: Head, port: str, profile: Profile) -> Outcome:
    """A trip-level event; CBP's values were not found, so its meaning is open."""
    return Outcome(
        "350",
        "trip",
        "unknown",
        v9.element(1),
        v9.element(2),
        head.trip_number,
        place=f"V9[{v9.number}]",
        occurred_at=_instant(v9.element(3), v9.element(4), "", port, profile),
        correlation=head.correlation,
    )


def _trip_remark(k1: PlacedSegment, head: Head) -> Outcome:
    return Outcome(
        "350", "trip", "info", "", remark_text(k1), head.trip_number, place=f"K1[{k1.number}]",
        correlation=head.correlation,
    )  # fmt: skip


def _disposition(loop: Loop, head: Head, port: str, profile: Profile) -> Outcome:
    x4 = loop.header
    code = x4.element(7)
    known = profile.disposition(code)
    found = _ENTRY_NUMBER.fullmatch(x4.element(4))
    where = x4.element(13) or port
    return Outcome(
        "350",
        "shipment",
        known.meaning,
        code,
        known.text,
        head.trip_number,
        shipment_control_number(x4),
        "".join(found.groups()) if found else "",
        f"X4[{x4.number}]",
        "",
        _instant(x4.element(5), x4.element(6), x4.element(17), where, profile),
        {
            **head.correlation,
            "told_in": x4.number,
            "entry_type": x4.element(3),
            "entry_number_as_sent": x4.element(4),
            "quantity": x4.element(2),
            "port": where,
            "holder": "CBP",
            "remarks": [remark_text(one) for one in loop.segments if one.id == "K1"],
        },
    )
