"""What stands around and between the sets of one interchange? The levels of the envelope, from the ISA to the IEA.

Rules:

- Everything wrong is a problem with its place, and what could be read is handed out.
- Line breaks after a segment terminator are tolerated, nothing else is.
- Every limit is stated (:mod:`schemas.x12.interchange`) and its breach is a problem.
- CBP takes one group and one set to an interchange; more are told. ``single`` says what happens to them: a filing is
  read up to its first set, a log in full.
- One pass, linear in the size; nothing is kept but the segments of the envelope.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.profile import Profile
from schemas.x12.elements import checkers
from schemas.x12.envelope import isa_problems
from schemas.x12.interchange import MOST_SEGMENT_BYTES, MOST_SEGMENTS
from schemas.x12.notes import Notes
from schemas.x12.pieces import Pieces
from schemas.x12.problems import Level, shown
from schemas.x12.segments import PlacedSegment, Separators, trimmed
from schemas.x12.set_reader import ENVELOPE, Batch, SetReading, same_number
from schemas.x12.source import PADDING
from schemas.x12.tables import SETS


class InterchangeReading:
    """One interchange being read; problems go to ``notes``.

    After :meth:`read`: ``gs``, ``ge``, ``iea`` and ``ta1`` are the first segments of their kind, ``set`` the first set,
    and ``stopped`` tells that the reading ended before the file did.
    """

    def __init__(
        self,
        isa: PlacedSegment,
        separators: Separators,
        pieces: Pieces,
        notes: Notes,
        profile: Profile,
        *,
        single: bool,
    ) -> None:
        self.isa = isa
        self.separators = separators
        self.gs: PlacedSegment | None = None
        self.ge: PlacedSegment | None = None
        self.iea: PlacedSegment | None = None
        self.ta1: list[PlacedSegment] = []
        self.set: SetReading | None = None
        self._pieces = pieces
        self._notes = notes
        self._profile = profile
        self._single = single
        self._checkers = checkers("", separators)
        self._open: PlacedSegment | None = None
        self._groups = 0
        self._sets = 0
        self._sets_in_group = 0
        self.stopped = False

    def read(self) -> Iterator[Batch]:
        """Everything after the ISA, in the order of the file.

        Ends behind the IEA (``single``: at the end of the file), or before an ISA that begins too early.
        """
        for problem in isa_problems(self.isa):
            self._notes.add(problem)
        pieces = self._pieces
        while not self.stopped and pieces.more():
            if self.iea is None and pieces.name() == "ST":
                yield from self._read_set()
                continue
            if self._ends_early():
                break
            segment = self._take()
            if segment is not None:
                yield [self._envelope_segment(segment)], []
        if not self.stopped:
            self._end_file()

    def _ends_early(self) -> bool:
        """Whether an ISA is next: a second one inside the interchange, and what follows does not belong to it."""
        if self.iea is not None or self._pieces.name() != "ISA":
            return False
        text = "A second ISA begins before the first interchange has ended."
        segment = PlacedSegment("ISA", (), 0, self._pieces.begin)
        self._notes.fault("interchange", "022", "nested_interchange", text, "Send each interchange by itself.", segment)
        self.stopped = True
        return True

    def _take(self) -> PlacedSegment | None:
        """The next segment, outside a set; ``None`` and a problem where there is none."""
        bare, begin, length = self._pieces.take()
        if not bare:
            text = "A segment terminator ends nothing."
            self._notes.fault("interchange", "024", "segment_blank", text, "Remove it.", offset=begin)
            return None
        if length > MOST_SEGMENT_BYTES:
            text = f"A segment has {length} bytes; the limit is {MOST_SEGMENT_BYTES}."
            self._notes.fault("interchange", "024", "segment_too_long", text, "Send a shorter segment.", offset=begin)
            return None
        name, *elements = bare.split(self.separators.element)
        return PlacedSegment(name, tuple(elements), 0, begin)

    def _envelope_segment(self, segment: PlacedSegment) -> PlacedSegment:
        """Look at one segment outside a set; returns it without empty elements at its end."""
        placed = segment._replace(elements=trimmed(segment.elements))
        if self.iea is not None:
            text = f"{shown(segment.id)} stands after the IEA: one interchange to a file."
            remedy = "Send each interchange by itself."
            self._notes.fault("interchange", "022", "data_after_interchange", text, remedy, segment)
            self.stopped = True
            return placed
        if segment.id not in ENVELOPE:
            level: Level = "group" if self.gs else "interchange"
            text = f"{shown(segment.id)} stands outside a transaction set."
            code = "" if self.gs else "022"
            self._notes.fault(level, code, "segment_outside_set", text, "Put it between ST and SE.", segment)
            return placed
        checker = self._checkers.find(segment.id)
        raw = self.separators.element.join((segment.id, *segment.elements))
        if checker is not None and not checker.sound(raw, segment.elements):
            self._notes.elements(checker, segment)
        match segment.id:
            case "TA1":
                self._note_ta1(placed)
            case "GS":
                self._begin_group(placed)
            case "GE":
                self._end_group(placed)
            case _:
                self._end_interchange(placed)
        return placed

    def _note_ta1(self, segment: PlacedSegment) -> None:
        """TA1 stands between ISA and GS."""
        self.ta1.append(segment)
        if self._groups:
            text = "TA1 stands after a functional group."
            self._notes.fault("interchange", "022", "ta1_misplaced", text, "Put it after the ISA.", segment)

    def _begin_group(self, segment: PlacedSegment) -> None:
        """GS: one to an interchange."""
        self._groups += 1
        if self._groups > 1:
            text = "The interchange holds more than one functional group."
            remedy = "CBP takes one group to an interchange."
            self._notes.fault("interchange", "022", "more_than_one_group", text, remedy, segment)
        if self._open is not None:
            text = "A group begins before the last has ended."
            self._notes.fault("group", "3", "group_not_closed", text, "Send GE.", segment)
        self.gs = self.gs or segment
        self._open, self._sets_in_group = segment, 0

    def _end_group(self, segment: PlacedSegment) -> None:
        """GE: its count and its number."""
        gs = self._open
        if gs is None:
            text = "GE ends a group that has not begun."
            self._notes.fault("group", "4", "group_not_open", text, "Remove it or send GS.", segment)
            return
        self._open = None
        self.ge = self.ge or segment
        if not same_number(segment.element(2), gs.element(6)):
            text = f"GE02 {shown(segment.element(2))} is not GS06 {shown(gs.element(6))}."
            self._notes.fault("group", "4", "group_control_numbers", text, "Give both the same number.", segment)
        if not same_number(segment.element(1), str(self._sets_in_group)):
            text = f"GE01 says {shown(segment.element(1))} sets, the group has {self._sets_in_group}."
            self._notes.fault("group", "5", "set_count", text, "Count the sets.", segment)

    def _end_interchange(self, segment: PlacedSegment) -> None:
        """IEA: its count and its number."""
        self.iea = segment
        self.stopped = not self._single
        if self._open is not None:
            text = "The interchange ends before its group."
            self._notes.fault("group", "3", "group_not_closed", text, "Send GE.", segment)
        if not same_number(segment.element(2), self.isa.element(13)):
            text = f"IEA02 {shown(segment.element(2))} is not ISA13 {shown(self.isa.element(13))}."
            remedy = "Give both the same number."
            self._notes.fault("interchange", "001", "interchange_control_numbers", text, remedy, segment)
        if not same_number(segment.element(1), str(self._groups)):
            text = f"IEA01 says {shown(segment.element(1))} groups, the interchange has {self._groups}."
            self._notes.fault("interchange", "021", "group_count", text, "Count the groups.", segment)
        if not self._groups and not self.ta1:
            text = "The interchange holds nothing."
            self._notes.fault("interchange", "024", "nothing_inside", text, "Send a group or a TA1.", segment)
        if self.gs is not None and not self._sets:
            text = "The group holds no transaction set."
            self._notes.fault("group", "5", "no_set", text, "Send ST to SE.", segment)

    def _end_file(self) -> None:
        """The end of the file: whether everything that was opened has been closed."""
        again, offset = "Send the whole file again.", self._pieces.begin
        rest, length = self._pieces.rest()
        rest = rest.strip(PADDING)
        if rest and self._pieces.at_limit:
            text, remedy = f"The file has more than {MOST_SEGMENTS} segments.", "Split it into several interchanges."
            self._notes.fault("interchange", "024", "too_many_segments", text, remedy, offset=offset)
        elif rest:
            said = shown(rest) if length <= MOST_SEGMENT_BYTES else f"{shown(rest[:40])}… ({length} characters)"
            text = f"The file ends inside a segment: {said}."
            self._notes.fault("interchange", "023", "truncated", text, again, offset=offset)
        if self.iea is not None:
            return
        text = "The file ends without IEA."
        self._notes.fault("interchange", "023", "interchange_not_closed", text, again, offset=offset)
        if self._open is not None:
            self._notes.fault("group", "3", "group_not_closed", "The file ends without GE.", again, offset=offset)

    def _read_set(self) -> Iterator[Batch]:
        """Read from ST to its SE."""
        pieces = self._pieces
        self._sets += 1
        self._sets_in_group += 1
        if self._open is None:
            text, remedy = "A transaction set stands outside a functional group.", "Put it between GS and GE."
            self._notes.fault("interchange", "022", "set_outside_group", text, remedy, offset=pieces.begin)
        if self._sets > 1:
            text, remedy = (
                "The interchange holds more than one transaction set.",
                "CBP takes one set to an interchange.",
            )
            self._notes.fault("interchange", "022", "more_than_one_set", text, remedy, offset=pieces.begin)
            if self._single:
                self._skip_set()
                return
        st = pieces.pieces[pieces.at].lstrip("\r\n")[:MOST_SEGMENT_BYTES].split(self.separators.element, 3)
        set_id, control_number = [*st, "", ""][1:3]
        reading = SetReading(set_id, control_number, self.separators, self._notes)
        self.set = self.set or reading
        self._notes.set_id = set_id
        if set_id not in SETS:
            reading.unsupported(pieces.begin)
        elif (gs := self._open or self.gs) is not None:
            self._check_group(gs, set_id)
        yield from reading.read(pieces)

    def _check_group(self, gs: PlacedSegment, set_id: str) -> None:
        """GS01 is the set's group. Another release is a warning only: CBP grafts segments onto releases."""
        definition = SETS[set_id]
        if gs.element(1) != definition.group:
            text = f"GS01 {shown(gs.element(1))} does not carry set {set_id}."
            self._notes.fault("group", "1", "group_code", text, f"Send GS01 {definition.group}.", gs)
        expected = {definition.release, self._profile.group_versions.get(set_id, definition.release)[:6]}
        if set_id != "997" and gs.element(8)[:6] not in expected:
            text = f"GS08 {shown(gs.element(8))} is not the release of set {set_id}."
            remedy = f"Expected {definition.release}."
            self._notes.fault("group", "2", "group_version", text, remedy, gs, warning=True)

    def _skip_set(self) -> None:
        """Take the pieces of a further set without looking at them."""
        first = True
        while self._pieces.more():
            name = self._pieces.name()
            if name in ENVELOPE and not first:
                return
            first = False
            self._pieces.take()
            if name == "SE":
                return
