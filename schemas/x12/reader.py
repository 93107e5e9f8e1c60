"""What do these bytes say? Any bytes end in an :class:`Interchange` with its problems, or in :class:`FormatError`.

Rules:

- :class:`FormatError` only where no ISA can be read. Everything else is a problem with its place, and what could be
  read is there.
- Separators come from the ISA. Line breaks after a segment terminator are tolerated, nothing else is.
- Bytes are read as Latin-1 so that places are byte offsets; what is outside CBP's characters is a problem.
- Every limit is stated (:mod:`schemas.x12.interchange`) and its breach is a problem.
- One interchange, one group, one set. What follows a second ISA or stands in a second set is not looked at.
- One pass, linear in the size.
"""

from __future__ import annotations

from typing import Final

from schemas.profile import Profile, load_profile
from schemas.x12.elements import checkers
from schemas.x12.envelope import ISA_LENGTH, envelope_of, isa_problems, read_isa
from schemas.x12.interchange import MOST_BYTES, MOST_SEGMENT_BYTES, MOST_SEGMENTS, Interchange
from schemas.x12.notes import Notes
from schemas.x12.problems import Level, shown
from schemas.x12.segments import PlacedSegment, Separators, trimmed
from schemas.x12.set_reader import ENVELOPE, SetReading, same_number
from schemas.x12.tables import SETS

_PADDING: Final = "\r\n\t \x00\x1a"
"""What may follow the last terminator: line breaks, blanks, and the fillers of old transfer programs."""


def read_interchange(data: bytes, profile: Profile | None = None) -> Interchange:
    """Read one interchange.

    Raises :class:`schemas.errors.FormatError` only where no ISA can be read. ``profile`` (default:
    ``load_profile()``) gives the zone of the envelope's times and the versions that are expected.
    """
    text = data[: MOST_BYTES + 1].decode("latin-1")
    start = len(text) - len(text.lstrip("\r\n\t "))
    isa, separators = read_isa(text[start : start + ISA_LENGTH], start)
    return _Reading(text, start + ISA_LENGTH, isa, separators, profile or load_profile()).run()


class _Reading:
    """One run of the reader over the levels of the envelope."""

    def __init__(self, text: str, offset: int, isa: PlacedSegment, separators: Separators, profile: Profile) -> None:
        self.profile = profile
        self.separators = separators
        self.isa = isa
        self.notes = Notes()
        self.checkers = checkers("", separators)
        self.gs: PlacedSegment | None = None
        self.ge: PlacedSegment | None = None
        self.iea: PlacedSegment | None = None
        self.ta1: list[PlacedSegment] = []
        self.set: SetReading | None = None
        self.groups = 0
        self.sets = 0
        self.stopped = False
        self.offset = offset
        self.too_large = len(text) > MOST_BYTES
        self.pieces = [] if self.too_large else text[offset:].split(separators.terminator, MOST_SEGMENTS)

    def run(self) -> Interchange:
        """Read everything after the ISA."""
        for problem in isa_problems(self.isa):
            self.notes.add(problem)
        if self.too_large:
            text = f"The file has more than {MOST_BYTES} bytes."
            self.notes.fault(
                "interchange", "024", "file_too_large", text, "Split it into several interchanges.", offset=MOST_BYTES
            )
        else:
            self.read_envelope()
        read = self.set
        return Interchange(
            isa=self.isa,
            separators=self.separators,
            envelope=envelope_of(self.isa, self.gs, self.profile),
            set_id=read.set_id if read else "",
            set_control_number=read.control_number if read else "",
            segments=tuple(read.segments) if read else (),
            problems=tuple(self.notes),
            gs=self.gs,
            ge=self.ge,
            iea=self.iea,
            ta1=self.ta1[0].segment if self.ta1 else None,
            ta1_segments=tuple(self.ta1),
            places=tuple(read.places) if read else (),
        )

    def read_envelope(self) -> None:
        """Everything from after the ISA to the end of the file."""
        at, last = 0, len(self.pieces) - 1
        while at < last and not self.stopped:
            if self.name_at(at) == "ST" and self.iea is None:
                at = self.read_set(at)
                continue
            segment = self.take(at)
            at += 1
            if segment is not None:
                self.envelope_segment(segment)
        if not self.stopped:
            self.end_file(self.pieces[last], at_limit=last == MOST_SEGMENTS)

    def name_at(self, at: int) -> str:
        """The name of the segment at ``at``, without taking it apart."""
        return self.pieces[at].lstrip("\r\n")[:4].split(self.separators.element, 1)[0]

    def take(self, at: int) -> PlacedSegment | None:
        """The segment at ``at``, outside a set; ``None`` and a problem where there is none."""
        piece = self.pieces[at]
        bare = piece.lstrip("\r\n")
        begin = self.offset + len(piece) - len(bare)
        self.offset += len(piece) + 1
        if not bare:
            self.notes.fault(
                "interchange", "024", "segment_blank", "A segment terminator ends nothing.", "Remove it.", offset=begin
            )
            return None
        if len(bare) > MOST_SEGMENT_BYTES:
            text = f"A segment has {len(bare)} bytes; the limit is {MOST_SEGMENT_BYTES}."
            self.notes.fault("interchange", "024", "segment_too_long", text, "Send a shorter segment.", offset=begin)
            return None
        name, *elements = bare.split(self.separators.element)
        return PlacedSegment(name, tuple(elements), 0, begin)

    def envelope_segment(self, segment: PlacedSegment) -> None:
        """One segment outside a set."""
        if self.iea is not None:
            text = f"{shown(segment.id)} stands after the IEA: one interchange to a file."
            self.notes.fault(
                "interchange", "022", "data_after_interchange", text, "Send each interchange by itself.", segment
            )
            self.stopped = True
            return
        if segment.id not in ENVELOPE:
            level: Level = "group" if self.gs else "interchange"
            text = f"{shown(segment.id)} stands outside a transaction set."
            code = "" if self.gs else "022"
            self.notes.fault(level, code, "segment_outside_set", text, "Put it between ST and SE.", segment)
            return
        checker = self.checkers.find(segment.id)
        raw = self.separators.element.join((segment.id, *segment.elements))
        if checker is not None and segment.id != "ISA" and not checker.sound(raw, segment.elements):
            self.notes.elements(checker, segment)
        placed = segment._replace(elements=trimmed(segment.elements))
        match segment.id:
            case "ISA":
                self.second_isa(placed)
            case "TA1":
                self.note_ta1(placed)
            case "GS":
                self.begin_group(placed)
            case "GE":
                self.end_group(placed)
            case _:
                self.end_interchange(placed)

    def second_isa(self, segment: PlacedSegment) -> None:
        """An ISA inside the interchange: what follows belongs to nobody."""
        text = "A second ISA begins before the first interchange has ended."
        self.notes.fault("interchange", "022", "nested_interchange", text, "Send each interchange by itself.", segment)
        self.stopped = True

    def note_ta1(self, segment: PlacedSegment) -> None:
        """TA1 stands between ISA and GS."""
        self.ta1.append(segment)
        if self.groups:
            text = "TA1 stands after a functional group."
            self.notes.fault("interchange", "022", "ta1_misplaced", text, "Put it after the ISA.", segment)

    def begin_group(self, segment: PlacedSegment) -> None:
        """GS: one to an interchange."""
        self.groups += 1
        if self.groups == 1:
            self.gs = segment
            return
        text = "The interchange holds more than one functional group."
        remedy = "CBP takes one group to an interchange."
        self.notes.fault("interchange", "022", "more_than_one_group", text, remedy, segment)
        if self.ge is None:
            text = "A group begins before the last has ended."
            self.notes.fault("group", "3", "group_not_closed", text, "Send GE.", segment)

    def end_group(self, segment: PlacedSegment) -> None:
        """GE: its count and its number; only the first group is looked at."""
        gs = self.gs
        if gs is None or (self.ge is not None and self.groups == 1):
            text = "GE ends a group that has not begun."
            self.notes.fault("group", "4", "group_not_open", text, "Remove it or send GS.", segment)
            return
        if self.ge is not None:
            return
        self.ge = segment
        if not same_number(segment.element(2), gs.element(6)):
            text = f"GE02 {shown(segment.element(2))} is not GS06 {shown(gs.element(6))}."
            self.notes.fault("group", "4", "group_control_numbers", text, "Give both the same number.", segment)
        if not same_number(segment.element(1), str(self.sets)):
            text = f"GE01 says {shown(segment.element(1))} sets, the group has {self.sets}."
            self.notes.fault("group", "5", "set_count", text, "Count the sets.", segment)

    def end_interchange(self, segment: PlacedSegment) -> None:
        """IEA: its count and its number."""
        self.iea = segment
        if self.gs is not None and self.ge is None:
            text = "The interchange ends before its group."
            self.notes.fault("group", "3", "group_not_closed", text, "Send GE.", segment)
        if not same_number(segment.element(2), self.isa.element(13)):
            text = f"IEA02 {shown(segment.element(2))} is not ISA13 {shown(self.isa.element(13))}."
            self.notes.fault(
                "interchange", "001", "interchange_control_numbers", text, "Give both the same number.", segment
            )
        if not same_number(segment.element(1), str(self.groups)):
            text = f"IEA01 says {shown(segment.element(1))} groups, the interchange has {self.groups}."
            self.notes.fault("interchange", "021", "group_count", text, "Count the groups.", segment)
        if not self.groups and not self.ta1:
            text = "The interchange holds nothing."
            self.notes.fault("interchange", "024", "nothing_inside", text, "Send a group or a TA1.", segment)
        if self.gs is not None and not self.sets:
            text = "The group holds no transaction set."
            self.notes.fault("group", "5", "no_set", text, "Send ST to SE.", segment)

    def end_file(self, rest: str, *, at_limit: bool) -> None:
        """The end of the file: whether everything that was opened has been closed."""
        again = "Send the whole file again."
        if at_limit and rest.strip(_PADDING):
            text = f"The file has more than {MOST_SEGMENTS} segments."
            self.notes.fault(
                "interchange",
                "024",
                "too_many_segments",
                text,
                "Split it into several interchanges.",
                offset=self.offset,
            )
        elif rest.strip(_PADDING):
            text = f"The file ends inside a segment: {shown(rest.strip(_PADDING))}."
            self.notes.fault("interchange", "023", "truncated", text, again, offset=self.offset)
        if self.iea is not None:
            return
        text = "The file ends without IEA."
        self.notes.fault("interchange", "023", "interchange_not_closed", text, again, offset=self.offset)
        if self.gs is not None and self.ge is None:
            self.notes.fault("group", "3", "group_not_closed", "The file ends without GE.", again, offset=self.offset)

    def read_set(self, at: int) -> int:
        """Read from ST at piece ``at`` to its SE; returns the piece after it."""
        self.sets += 1
        if self.gs is None or self.ge is not None:
            text = "A transaction set stands outside a functional group."
            remedy = "Put it between GS and GE."
            self.notes.fault("interchange", "022", "set_outside_group", text, remedy, offset=self.offset)
        if self.sets > 1:
            return self.skip_set(at)
        first = self.pieces[at].lstrip("\r\n")[:MOST_SEGMENT_BYTES].split(self.separators.element, 3)
        set_id, control_number = [*first, "", ""][1:3]
        reading = self.set = SetReading(set_id, control_number, self.separators, self.notes)
        self.notes.set_id = set_id
        if set_id not in SETS:
            reading.unsupported(self.offset)
        elif self.gs is not None:
            self.check_group(self.gs, set_id)
        at, self.offset = reading.read(self.pieces, at, self.offset)
        return at

    def check_group(self, gs: PlacedSegment, set_id: str) -> None:
        """GS01 is the set's group. Another release is a warning only: CBP grafts segments onto releases."""
        definition = SETS[set_id]
        if gs.element(1) != definition.group:
            text = f"GS01 {shown(gs.element(1))} does not carry set {set_id}."
            self.notes.fault("group", "1", "group_code", text, f"Send GS01 {definition.group}.", gs)
        expected = {definition.release, self.profile.group_versions.get(set_id, definition.release)[:6]}
        if set_id != "997" and gs.element(8)[:6] not in expected:
            text = f"GS08 {shown(gs.element(8))} is not the release of set {set_id}."
            remedy = f"Expected {definition.release}."
            self.notes.fault("group", "2", "group_version", text, remedy, gs, warning=True)

    def skip_set(self, at: int) -> int:
        """A further set is not looked at."""
        text = "The interchange holds more than one transaction set."
        remedy = "CBP takes one set to an interchange."
        self.notes.fault("interchange", "022", "more_than_one_set", text, remedy, offset=self.offset)
        last, first = len(self.pieces) - 1, True
        while at < last:
            name = self.name_at(at)
            if name in ENVELOPE and not first:
                return at
            first = False
            self.offset += len(self.pieces[at]) + 1
            at += 1
            if name == "SE":
                return at
        return at
