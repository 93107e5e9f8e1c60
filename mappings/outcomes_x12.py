"""What does an X12 answer mean? TA1 and 997 here; 355 and 350 in their own modules.

Rules: where the envelope, group or set is broken (cut off, counts that differ) nothing in it is believed: there is no
outcome, only problems. A segment that no table knows is passed over, since CBP adds segments to releases. A TA1 or
997 says whether the transmission could be read; it never says that a declaration is on file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mappings.outcomes_acceptance import read_acceptance
from mappings.outcomes_places import Context, x12_path
from mappings.outcomes_sent import SentManifest
from mappings.outcomes_status import read_status
from mappings.outcomes_values import Outcome, ResponseReading, Scope, unreadable
from schemas.errors import FormatError, Problem
from schemas.profile import Profile
from schemas.x12 import CODES, Interchange, PlacedSegment, Segment, read_interchange

_BROKEN: Final = frozenset({"interchange", "group", "set"})
_DIGITS: Final = 18
"""Digits of a number that 64 bits can keep; none that counts here has more than 10 (X12 elements 28, 719 and I12)."""
_WORDS: Final = {"A": "syntax_accepted", "E": "syntax_accepted"}


def read_x12(data: bytes, profile: Profile, sent: SentManifest | None = None) -> ResponseReading:
    """Outcomes of one interchange; never raises for its content."""
    try:
        read = read_interchange(data, profile)
    except FormatError as error:
        return ResponseReading("", (), (unreadable("", "No interchange header can be read."), *error.problems))
    control = _control(read)
    kind = read.set_id or ("TA1" if read.ta1 is not None else "")
    broken = [one for one in read.errors if one.level in _BROKEN]
    if broken:
        first = unreadable(broken[0].path, f"The interchange is broken, nothing in it is believed: {broken[0].text}")
        return ResponseReading(kind, (), (first, *read.errors), control)
    outcomes, problems = outcomes_of(read, profile, sent)
    shared = {"envelope": control}
    tied = (replace(one, correlation={**one.correlation, **shared}) for one in outcomes)
    return ResponseReading(kind, tuple(tied), (*problems, *read.errors), control)


def outcomes_of(
    read: Interchange, profile: Profile, sent: SentManifest | None = None
) -> tuple[list[Outcome], list[Problem]]:
    """What an interchange says, whether or not it is sound; :func:`read_x12` believes a sound one only."""
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    if read.ta1 is not None:
        outcomes.append(_ta1(read.ta1))
    readers = {"997": _acknowledgment, "355": read_acceptance, "350": read_status}
    if read.set_id in readers:
        found, wrong = readers[read.set_id](read, profile, sent)
        outcomes += found
        problems += wrong
    elif read.set_id or read.ta1 is None:
        what = f"Set {read.set_id} is no answer of CBP's." if read.set_id else "The interchange is empty."
        problems.append(unreadable("ST01", what))
    return outcomes, problems


def _control(read: Interchange) -> dict[str, Any]:
    envelope = read.envelope
    if envelope is None:
        return {}
    return {
        "interchange_control": envelope.control_number,
        "group_control": envelope.group_control_number,
        "set_control": read.set_control_number,
        "sender_id": envelope.sender_id,
        "receiver_id": envelope.receiver_id,
        "written_at": envelope.written_at.isoformat(),
    }


def _number(text: str) -> int | str:
    """The number of a control element or a place; what is none, or too long to be one, as it came."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else text


def _ta1(ta1: Segment) -> Outcome:
    note = ta1.element(5)
    return Outcome(
        "TA1",
        "transmission",
        _WORDS.get(ta1.element(4), "syntax_rejected"),
        note,
        CODES["interchange_note"].codes.get(note, "not in the list"),
        place="ISA",
        correlation={"interchange_control": _number(ta1.element(1)), "result": ta1.element(4)},
    )


def _acknowledgment(
    read: Interchange, profile: Profile, sent: SentManifest | None
) -> tuple[list[Outcome], list[Problem]]:
    del profile  # the layout of a 997 is X12's own
    acknowledged = next((one for one in read.segments if one.id == "AK1"), None)
    group = _number(acknowledged.element(2)) if acknowledged else ""
    if sent is not None and sent.group_control != group:
        sent = None  # another transmission is acknowledged than the one at hand
    outcomes: list[Outcome] = []
    set_id = set_control = ""
    verdicts: list[str] = []
    last: PlacedSegment | None = None
    pending: list[tuple[PlacedSegment, PlacedSegment | None]] = []
    for segment in read.segments:
        if segment.id == "AK2":
            set_id, set_control = segment.element(1), segment.element(2)
        elif segment.id == "AK3":
            last = segment
            pending.append((segment, None))
        elif segment.id == "AK4" and last is not None:
            if pending and pending[-1] == (last, None):
                pending.pop()
            pending.append((last, segment))
        elif segment.id in ("AK5", "AK9"):
            verdicts.append(segment.element(1))
    meaning = "syntax_accepted" if verdicts and all(one in _WORDS for one in verdicts) else "syntax_rejected"
    tie = {"group_control": group, "set_control": set_control, "acknowledged_set": set_id}
    ak9 = next((one for one in read.segments if one.id == "AK9"), None)
    code = ak9.element(1) if ak9 else ""
    for segment, element in pending:
        outcomes.append(_syntax_fault(segment, element, meaning, tie, sent))
    outcomes.append(
        Outcome(
            "997",
            "transmission",
            meaning,
            code,
            CODES["group_result"].codes.get(code, "not in the list"),
            place="GS",
            correlation={**tie, "told_in": ak9.number if ak9 else 0},
        )
    )
    return outcomes, []


def _syntax_fault(
    ak3: PlacedSegment, ak4: PlacedSegment | None, verdict: str, tie: dict[str, Any], sent: SentManifest | None
) -> Outcome:
    """One AK3 or AK4: told as a fault where the set was refused, as a warning where it was not."""
    name, number = ak3.element(1), _number(ak3.element(2))
    position = 0
    if ak4 is not None:
        head = _number(ak4.element(1).split(":")[0].split(">")[0])
        position = head if isinstance(head, int) else 0
        code = ak4.element(3)
        text = CODES["element_error"].codes.get(code, "not in the list")
    else:
        code = ak3.element(4)
        text = CODES["segment_error"].codes.get(code, "not in the list")
    context = sent.at(number) if sent is not None and isinstance(number, int) else Context()
    scope: Scope = "shipment" if context.scn else "transmission"
    return Outcome(
        "997",
        scope,
        verdict if verdict == "syntax_rejected" else "warning",
        code,
        text,
        scn=context.scn,
        place=f"{name}[{number}]" + (f".{name}{position:02d}" if position else ""),
        field_path=x12_path(name, position, context),
        correlation={
            **tie,
            "value": ak4.element(4) if ak4 is not None else "",
            "told_in": ak4.number if ak4 is not None else ak3.number,
        },
    )
