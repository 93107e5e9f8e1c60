"""CBP's 355 written by hand: all it needs is the message it answers."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.profile import Profile
from schemas.x12 import read_interchange, write_remark, write_summary
from tests import mapping_samples as kit


def answer_355(
    sent: bytes,
    profile: Profile,
    *,
    accepted: int = 1,
    rejected: Mapping[str, tuple[str, str]] | None = None,
    trip_fault: tuple[str, str] | None = None,
    state: str = "COMPLETE",
) -> bytes:
    """A 355 to what was sent: M10 and P4 come back, then each refused bill (by its SCN) or the fault of the trip."""
    segments = read_interchange(sent, profile).segments
    m10, p4 = (next(one.segment for one in segments if one.id == name) for name in ("M10", "P4"))
    back = [m10, p4] if trip_fault is None else [m10, write_remark(*trip_fault, "", profile), p4]
    for scn, fault in (rejected or {}).items():
        place = next(at for at, one in enumerate(segments) if one.id == "M11" and one.element(1) == scn[4:])
        back += [segments[place - 1].segment, segments[place].segment, write_remark(*fault, scn[4:], profile)]
    back.append(write_summary(accepted, len(rejected or {}), state, profile))
    return kit.in_envelope(back, profile, "355")
