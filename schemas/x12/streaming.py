"""How is a file of any size read, one segment at a time and in flat memory?

Rules:

- Any bytes end in segments and problems; nothing is raised but what the source itself raises.
- One file may hold several interchanges one behind the other, as a log or an archive does, each with separators of
  its own. Line breaks, blanks and fillers between them are nothing; anything else is told once
  (``data_between_interchanges``), and reading goes on at the next ISA. So it does where an ISA cannot be read.
- Further groups and sets of an interchange are told, as for a filing, and read in full.
- How the source is cut makes no difference. Held are a window of the text with its segments, what the sets repeat
  (:mod:`schemas.x12.known`), and the problems up to their limits (:mod:`schemas.x12.problems`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from schemas.errors import FormatError
from schemas.profile import Profile, load_profile
from schemas.x12.envelope import ISA_LENGTH, read_isa
from schemas.x12.levels import InterchangeReading
from schemas.x12.notes import Notes
from schemas.x12.pieces import Pieces
from schemas.x12.problems import PlacedProblem, Problems, shown
from schemas.x12.segments import PlacedSegment
from schemas.x12.source import PADDING, Source, Text


class X12Stream:
    """An iterator over the segments of a source, those of the envelopes included, in the order of the file.

    A segment beyond the limit and a terminator that ends nothing outside a set are problems, not segments.
    ``problems`` grows while reading: the problems of a segment are there at the latest when the segment is.
    """

    def __init__(self, source: Source, profile: Profile | None = None) -> None:
        self._text = Text(source)
        self._profile = profile or load_profile()
        self._notes = Notes()
        self._interchanges = 0
        self._segments = chain.from_iterable(self._batches())

    def __iter__(self) -> Iterator[PlacedSegment]:
        # The inner iterator itself, not this object: a loop over it runs without a call for each segment.
        return self._segments

    def __next__(self) -> PlacedSegment:
        return next(self._segments)

    @property
    def problems(self) -> Problems:
        """Everything that was wrong so far, in the order in which it was found."""
        return self._notes

    @property
    def interchanges(self) -> int:
        """How many interchanges have begun in what was read so far."""
        return self._interchanges

    def _batches(self) -> Iterator[list[PlacedSegment]]:
        """The segments of one interchange after the other."""
        text = self._text
        while True:
            text.skip(PADDING)
            head, offset = text.peek(ISA_LENGTH), text.offset
            if not head:
                if not self._interchanges and not len(self._notes):
                    self._refused(head, offset)
                return
            try:
                isa, separators = read_isa(head, offset)
            except FormatError:
                self._refused(head, offset)
                text.take(1)
                text.skip_to_isa()
                continue
            text.take(ISA_LENGTH)
            self._interchanges += 1
            self._notes.set_id = ""
            yield [isa]
            pieces = Pieces(text, separators)
            reading = InterchangeReading(isa, separators, pieces, self._notes, self._profile, single=False)
            for segments, _ in reading.read():
                yield segments
            pieces.give_back()
            # Without an IEA the file has ended. An interchange with another terminator may stand in what is left.
            if not reading.stopped and (text.dropped or not text.skip_to_isa()):
                return

    def _refused(self, head: str, offset: int) -> None:
        """Tell why no interchange begins here."""
        if self._interchanges and not head.startswith("ISA"):
            self._notes.add(
                PlacedProblem(
                    code="data_between_interchanges",
                    path="",
                    text=f"What follows the IEA is no interchange but begins with {shown(head[:12])}.",
                    remedy="Remove what is no X12, or send it by itself.",
                    reference="X12 interchange control structures",
                    acknowledgment="022",
                    offset=offset,
                )
            )
            return
        try:
            read_isa(head, offset)
        except FormatError as refused:
            for problem in refused.problems:
                if isinstance(problem, PlacedProblem):
                    self._notes.add(problem)


def stream(source: Source, profile: Profile | None = None) -> X12Stream:
    """Read ``source`` (bytes, a binary file, or an iterable of bytes) segment by segment.

    ``profile`` (default: ``load_profile()``) gives the versions that are expected.
    """
    return X12Stream(source, profile)
