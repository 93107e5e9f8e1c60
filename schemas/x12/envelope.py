"""What stands around a message: ISA and IEA, GS and GE, and who sends what to whom.

Rules: the ISA is 106 characters, its elements padded with spaces (that is its format, nothing else is padded). Its
positions 4, 105 and 106 and ISA11 name the separators. ``written_at`` is an instant; it is written to the minute in
the profile's ``envelope_timezone``, because ISA09/10 and GS04/05 know no zone and no seconds. One interchange, one
group, one set (CBP Truck Manifest 309 and 353).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import FormatError
from schemas.profile import Profile
from schemas.text import CBP_CHARACTERS
from schemas.x12.elements import CHARACTER_SOURCE, is_date, is_time
from schemas.x12.problems import PlacedProblem, shown
from schemas.x12.segments import PlacedSegment, Segment, Separators, seg
from schemas.x12.tables import SEGMENTS, SETS

ISA_LENGTH: Final = 106
ISA_WIDTHS: Final = tuple(element.longest for element in SEGMENTS["ISA"].elements)
REPETITION_SINCE: Final = "00402"
"""ISA11 is ``U`` up to interchange version 00401 and the repetition separator from here on (recalled)."""

AGENCY: Final = "X"
"""GS07: the standard is X12's."""

_QUALIFIER: Final = re.compile("[A-Z0-9]{2}")
_QUALIFIERS: Final = {1: "010", 3: "012", 5: "005", 7: "007"}
"""Qualifiers of the ISA, with the note code that a TA1 gives for each."""

_PRINTABLE: Final = frozenset(map(chr, range(32, 127)))
_SIGNS: Final = {
    2: ("011", _PRINTABLE),  # an authorization and a password are agreed, not written in CBP's characters
    4: ("013", _PRINTABLE),
    6: ("006", CBP_CHARACTERS),
    8: ("008", CBP_CHARACTERS),
}

SET_CONTROL_NUMBER: Final = "0001"
"""One set in a group: its number may always be this."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """ISA and GS in one value.

    Control numbers are 1 to 999,999,999; ``written_at`` is aware. ``group_sender_id`` and ``group_receiver_id``
    (GS02, GS03) are empty where they equal the interchange's. For a TA1 alone the group's values are empty and 0.
    """

    sender_qualifier: str
    sender_id: str
    receiver_qualifier: str
    receiver_id: str
    interchange_version: str
    group_code: str
    group_version: str
    control_number: int
    group_control_number: int
    written_at: datetime
    usage: str = "T"
    acknowledgment: str = "0"
    group_sender_id: str = ""
    group_receiver_id: str = ""


def envelope_for(
    set_id: str,
    profile: Profile,
    *,
    control_number: int,
    written_at: datetime,
    group_control_number: int | None = None,
    usage: str = "T",
) -> Envelope:
    """The envelope in which ``profile`` sends ``set_id`` (a set number or ``TA1``) from us to CBP.

    GS06 equals ISA13 unless given: an interchange has exactly one group.
    """
    group = SETS[set_id].group if set_id in SETS else ""
    number = (control_number if group_control_number is None else group_control_number) if group else 0
    return Envelope(
        profile.sender_qualifier,
        profile.sender_id,
        profile.receiver_qualifier,
        profile.receiver_id,
        profile.interchange_versions[set_id],
        group,
        profile.group_versions.get(set_id, "") if group else "",
        control_number,
        number,
        written_at,
        usage,
        profile.acknowledgment_requested,
    )


def answer_envelope(
    received: Envelope, set_id: str, profile: Profile, *, control_number: int, written_at: datetime
) -> Envelope:
    """The envelope that carries an answer of ``set_id`` (or ``TA1``) back to the sender of ``received``.

    A 997 takes the version of the group that it acknowledges (recalled).
    """
    group = SETS[set_id].group if set_id in SETS else ""
    version = profile.group_versions.get(set_id, "") if group else ""
    interchange_version = profile.interchange_versions[set_id]
    if set_id == "997" and received.group_version:
        version, interchange_version = received.group_version, received.interchange_version
    return Envelope(
        received.receiver_qualifier,
        received.receiver_id,
        received.sender_qualifier,
        received.sender_id,
        interchange_version,
        group,
        version,
        control_number,
        control_number if group else 0,
        written_at,
        received.usage,
        "0",
    )


def envelope_problems(envelope: Envelope, separators: Separators, *, with_group: bool) -> list[PlacedProblem]:
    """Everything that keeps ``envelope`` from being written, each with its element as path."""
    problems: list[PlacedProblem] = []

    def fault(path: str, code: str, text: str, remedy: str) -> None:
        problems.append(
            PlacedProblem(code, path, text, remedy, "X12 interchange control structures", value="", segment=path[:3])
        )

    def text(path: str, value: str, shortest: int, longest: int) -> None:
        if not shortest <= len(value) <= longest:
            fault(
                path,
                "envelope_length",
                f"{path} needs {shortest} to {longest} characters: {shown(value)}.",
                "Give another value.",
            )
        bad = next((sign for sign in value if sign not in CBP_CHARACTERS or sign in separators.signs), None)
        if bad is not None:
            fault(
                path,
                "invalid_character",
                f"{path} holds {bad!r}: {shown(value)}.",
                f"Use other signs ({CHARACTER_SOURCE}).",
            )
        if value != value.strip():
            fault(path, "envelope_blank", f"{path} begins or ends with a space: {shown(value)}.", "Remove the space.")

    def number(path: str, value: int) -> None:
        if not 1 <= value <= 999_999_999:
            fault(
                path,
                "control_number",
                f"{path} is 1 to 999999999, not {value}.",
                "Take the next number of the sequence.",
            )

    def qualifier(path: str, value: str) -> None:
        if not _QUALIFIER.fullmatch(value):
            fault(
                path,
                "envelope_qualifier",
                f"{path} is two capitals or digits: {shown(value)}.",
                "For instance 02 or ZZ.",
            )

    qualifier("ISA05", envelope.sender_qualifier)
    text("ISA06", envelope.sender_id, 2, 15)
    qualifier("ISA07", envelope.receiver_qualifier)
    text("ISA08", envelope.receiver_id, 2, 15)
    if not (len(envelope.interchange_version) == 5 and envelope.interchange_version.isdecimal()):
        fault(
            "ISA12",
            "envelope_version",
            f"ISA12 is five digits: {shown(envelope.interchange_version)}.",
            "For instance 00502.",
        )
    number("ISA13", envelope.control_number)
    if envelope.usage not in ("T", "P", "I"):
        fault("ISA15", "envelope_usage", f"ISA15 is T or P: {shown(envelope.usage)}.", "T for test, P for production.")
    if envelope.acknowledgment not in ("0", "1"):
        fault(
            "ISA14",
            "envelope_acknowledgment",
            f"ISA14 is 0 or 1: {shown(envelope.acknowledgment)}.",
            "1 asks for a TA1.",
        )
    if envelope.written_at.tzinfo is None:
        fault("ISA09", "time_without_zone", "The time of writing has no zone.", "Give an aware time.")
    elif not 2000 <= envelope.written_at.year <= 2099:
        fault("ISA09", "envelope_date", "ISA09 has two digits for the year: 2000 to 2099.", "Give another time.")
    if with_group:
        number("GS06", envelope.group_control_number)
        text("GS08", envelope.group_version, 1, 12)
        text("GS02", envelope.group_sender_id or envelope.sender_id, 2, 15)
        text("GS03", envelope.group_receiver_id or envelope.receiver_id, 2, 15)
    return problems


def isa_text(envelope: Envelope, profile: Profile) -> str:
    """The 106 characters of the ISA, its terminator included."""
    local = envelope.written_at.astimezone(ZoneInfo(profile.envelope_timezone))
    repetition = profile.repetition_separator if envelope.interchange_version >= REPETITION_SINCE else "U"
    values = (
        profile.authorization_qualifier,
        "",
        profile.security_qualifier,
        "",
        envelope.sender_qualifier,
        envelope.sender_id,
        envelope.receiver_qualifier,
        envelope.receiver_id,
        f"{local:%y%m%d}",
        f"{local:%H%M}",
        repetition,
        envelope.interchange_version,
        f"{envelope.control_number:09d}",
        envelope.acknowledgment,
        envelope.usage,
        profile.component_separator,
    )
    padded = [value.ljust(width) for value, width in zip(values, ISA_WIDTHS, strict=True)]
    return profile.element_separator.join(["ISA", *padded]) + profile.segment_terminator


def gs_segment(envelope: Envelope, profile: Profile) -> Segment:
    """The GS segment."""
    local = envelope.written_at.astimezone(ZoneInfo(profile.envelope_timezone))
    return seg(
        "GS",
        envelope.group_code,
        envelope.group_sender_id or envelope.sender_id,
        envelope.group_receiver_id or envelope.receiver_id,
        f"{local:%Y%m%d}",
        f"{local:%H%M}",
        envelope.group_control_number,
        AGENCY,
        envelope.group_version,
    )


def read_isa(text: str, offset: int) -> tuple[PlacedSegment, Separators]:
    """Take the ISA from the first 106 characters of ``text``; ``offset`` is where they stand in the file.

    Raises :class:`FormatError` if there is none: too short, another beginning, element separators not where the
    fixed widths put them, or separators that cannot separate.
    """

    def refuse(code: str, sentence: str) -> FormatError:
        return FormatError(
            PlacedProblem(
                code,
                "ISA",
                sentence,
                "An interchange begins with an ISA of 106 characters.",
                "X12 interchange control structures, ISA",
                acknowledgment="022",
                segment="ISA",
                offset=offset,
            )
        )

    if not text.startswith("ISA"):
        raise refuse("isa_missing", f"The file does not begin with ISA but with {shown(text[:12])}.")
    if len(text) < ISA_LENGTH:
        raise refuse("isa_too_short", f"The ISA has {len(text)} characters, not {ISA_LENGTH}.")
    separators = Separators(text[3], text[105], text[104], "")
    at = 3
    for width in ISA_WIDTHS:
        if text[at] != separators.element:
            raise refuse("isa_layout", f"No element separator stands at byte {offset + at}: the ISA has other widths.")
        at += 1 + width
    elements = tuple(text[4:105].split(separators.element))
    if len(elements) != len(ISA_WIDTHS):
        raise refuse("isa_layout", "The element separator stands inside an element of the ISA.")
    if elements[11] >= REPETITION_SINCE and elements[10] != "U":
        separators = Separators(text[3], text[105], text[104], elements[10])
    for sign in separators.signs:
        if sign.isalnum() or sign == " " or not sign.isascii():
            raise refuse("separator_invalid", f"{sign!r} cannot separate.")
    if len(set(separators.signs)) != len(separators.signs):
        raise refuse("separators_collide", f"Two separators of the ISA are the same: {separators.signs!r}.")
    return PlacedSegment("ISA", elements, 0, offset), separators


def isa_problems(isa: PlacedSegment) -> list[PlacedProblem]:
    """What is wrong inside a readable ISA; each names the note code that a TA1 gives."""
    problems: list[PlacedProblem] = []

    def fault(position: int, note: str, sentence: str) -> None:
        value = isa.elements[position - 1]
        problems.append(
            PlacedProblem(
                "isa_element",
                f"ISA.ISA{position:02d}",
                f"ISA{position:02d} {sentence}: {shown(value)}.",
                "Send the ISA anew.",
                "X12 interchange control structures, ISA",
                acknowledgment=note,
                segment="ISA",
                element=position,
                offset=isa.offset + 4 + sum(ISA_WIDTHS[: position - 1]) + position - 1,
                value=value,
                mandatory=True,
            )
        )

    digits = {12: ("017", "is not five digits"), 13: ("018", "is not nine digits")}
    for position, (note, sentence) in digits.items():
        value = isa.elements[position - 1]
        if not (value.isascii() and value.isdigit()):
            fault(position, note, sentence)
    if isa.elements[12].isascii() and isa.elements[12].isdigit() and int(isa.elements[12]) == 0:
        fault(13, "018", "is zero")
    if not is_date(isa.elements[8]):
        fault(9, "014", "is not a date YYMMDD")
    if not is_time(isa.elements[9]):
        fault(10, "015", "is not a time HHMM")
    blanks = {5: ("005", "is blank"), 6: ("006", "is blank"), 7: ("007", "is blank"), 8: ("008", "is blank")}
    for position, (note, sentence) in blanks.items():
        if not isa.elements[position - 1].strip():
            fault(position, note, sentence)
    if isa.elements[13] not in ("0", "1"):
        fault(14, "019", "is not 0 or 1")
    if isa.elements[14] not in ("T", "P", "I"):
        fault(15, "020", "is not T or P")
    for position, note in _QUALIFIERS.items():
        value = isa.elements[position - 1]
        if value.strip() and not _QUALIFIER.fullmatch(value):
            fault(position, note, "is not two capitals or digits")
    for position, (note, allowed) in _SIGNS.items():
        bad = next((sign for sign in isa.elements[position - 1] if sign not in allowed), None)
        if bad is not None:
            fault(position, note, f"holds {bad!r}")
    return problems


def envelope_of(isa: PlacedSegment, gs: PlacedSegment | None, profile: Profile) -> Envelope | None:
    """The envelope read back, ``None`` where number or time of the ISA cannot be read.

    A group number that cannot be read becomes 0, which no writer takes.
    """
    date, time = isa.elements[8], isa.elements[9]
    number = isa.elements[12]
    if not (is_date(date) and is_time(time) and number.isascii() and number.isdigit()):
        return None
    local = datetime.strptime("20" + date + time + "+0000", "%Y%m%d%H%M%z").replace(
        tzinfo=ZoneInfo(profile.envelope_timezone)
    )
    group = gs.element if gs else (lambda _position: "")
    group_number = group(6)
    readable = group_number.isascii() and group_number.isdigit() and len(group_number) <= 9
    sender, receiver = isa.elements[5].rstrip(" "), isa.elements[7].rstrip(" ")
    return Envelope(
        isa.elements[4],
        sender,
        isa.elements[6],
        receiver,
        isa.elements[11],
        group(1),
        group(8),
        int(number),
        int(group_number) if readable else 0,
        local.astimezone(UTC),
        isa.elements[14],
        isa.elements[13],
        group(2) if group(2) != sender else "",
        group(3) if group(3) != receiver else "",
    )
