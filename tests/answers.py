"""CBP's answers written by hand: a 355 needs the message that it answers, a status of an entry its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.catair import BlockSpec, rec, write_batch
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


def in_new_envelope(answer: bytes, number: int, at: datetime | None = None) -> bytes:
    """The same X12 answer under another control number of CBP's, written at ``at`` (UTC; ``None``: as it was)."""
    segments = [one.split("*") for one in answer.decode().split("~")]
    for one in segments:
        if one[0] == "ISA":
            one[13] = f"{number:09d}"
            one[9:11] = [f"{at:%y%m%d}", f"{at:%H%M}"] if at is not None else one[9:11]
        elif one[0] == "GS":
            one[6] = str(number)
            one[4:6] = [f"{at:%Y%m%d}", f"{at:%H%M}"] if at is not None else one[4:6]
        elif one[0] in ("GE", "IEA"):
            one[2] = str(number) if one[0] == "GE" else f"{number:09d}"
    return "~".join("*".join(one) for one in segments).encode()


def status_so(
    number: str, scn: str, code: str, at: datetime, *, reasons: tuple[str, ...] = (), comment: str = ""
) -> bytes:
    """An SO about an entry with one SO60; ``reasons`` and ``comment`` are its SO20 RSN and CMT."""
    local = at.astimezone(ZoneInfo("America/New_York"))
    records = [
        rec(
            "SO10",
            district_port_of_entry="0901",
            entry_filer_code=number[:3],
            entry_number=number[3:],
            entry_type_code="11",
            importer_of_record_number="12-3456789",
        ),
        *(rec("SO20", reference_identifier_qualifier="RSN", reference_identifier=one) for one in reasons),
    ]
    if comment:
        records.append(rec("SO20", reference_identifier_qualifier="CMT", reference_identifier=comment))
    records += [
        rec(
            "SO40",
            bill_type_indicator="R",
            issuer_code_of_bill_of_lading_number=scn[:4],
            bill_of_lading_number=scn[4:],
        ),
        rec(
            "SO60",
            disposition_action_date=local.date(),
            disposition_action_time=f"{local:%H%M}",
            disposition_action_code=code,
            narrative_message="SAMPLE",
        ),
    ]
    block = BlockSpec("0901", number[:3], "BLOCK-1", [records])
    return write_batch("SO", "0901", number[:3], "", [block], user_data="", direction="out")
