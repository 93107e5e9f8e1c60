"""What do these bytes say? Any bytes end in an :class:`Interchange` with its problems, or in :class:`FormatError`.

Rules:

- :class:`FormatError` only where no ISA can be read. Everything else is a problem with its place, and what could be
  read is there.
- Separators come from the ISA.
- Bytes are read as Latin-1 so that places are byte offsets; what is outside CBP's characters is a problem.
- One interchange, one group, one set: what a filing is. What follows a second ISA or stands in a second set is not
  looked at; :mod:`schemas.x12.streaming` reads files that hold more, with the same levels below.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.profile import Profile, load_profile
from schemas.x12.envelope import ISA_LENGTH, envelope_of, isa_problems, read_isa
from schemas.x12.interchange import MOST_BYTES, MOST_SEGMENTS, Interchange
from schemas.x12.levels import InterchangeReading
from schemas.x12.notes import Notes
from schemas.x12.pieces import Pieces
from schemas.x12.segments import PlacedSegment
from schemas.x12.source import Text


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cycles meanwhile: what is read here is many tuples and no cycle, and is bounded by MOST_BYTES.

    Each search would only look through all of them again; in a full truckload that is a third of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_interchange(data: bytes, profile: Profile | None = None) -> Interchange:
    """Read one interchange.

    Raises :class:`schemas.errors.FormatError` only where no ISA can be read. ``profile`` (default:
    ``load_profile()``) gives the zone of the envelope's times and the versions that are expected.
    """
    used, notes = profile or load_profile(), Notes()
    text = Text(data)
    text.skip("\r\n\t ")
    offset = text.offset
    isa, separators = read_isa(text.take(ISA_LENGTH), offset)
    reading = InterchangeReading(isa, separators, Pieces(text, separators, MOST_SEGMENTS), notes, used, single=True)
    segments: list[PlacedSegment] = []
    places: list[int] = []
    if len(data) > MOST_BYTES:
        for problem in isa_problems(isa):
            notes.add(problem)
        said, remedy = f"The file has more than {MOST_BYTES} bytes.", "Split it into several interchanges."
        notes.fault("interchange", "024", "file_too_large", said, remedy, offset=MOST_BYTES)
    else:
        with _no_collection():
            for some, at in reading.read():
                if at:
                    segments += some
                    places += at
    read = reading.set
    return Interchange(
        isa=isa,
        separators=separators,
        envelope=envelope_of(isa, reading.gs, used),
        set_id=read.set_id if read else "",
        set_control_number=read.control_number if read else "",
        segments=tuple(segments),
        problems=tuple(notes),
        gs=reading.gs,
        ge=reading.ge,
        iea=reading.iea,
        ta1=reading.ta1[0].segment if reading.ta1 else None,
        ta1_segments=tuple(reading.ta1),
        places=tuple(places),
    )
