"""How do CBP's truck messages look in ANSI X12? Tables, one writer, one reader, answers, and a plain view.

What is here (import from this package; the modules below it may be cut differently):

- values: :class:`Segment`, :class:`PlacedSegment`, :class:`Separators`, :class:`Envelope`, :class:`Interchange`,
  :class:`Loop`;
- making: :func:`seg`, :func:`seg_at`, :func:`envelope_for`, :func:`write_interchange`, :func:`write_ta1`,
  :func:`render`;
- reading: :func:`read_interchange` (one filing), :func:`stream` (a file of any size, :class:`X12Stream`),
  :func:`trip_number_candidates`, :func:`shipment_control_number`, :func:`read_remark`, :func:`remark_text`,
  :func:`read_summary`;
- answering: :func:`answer_envelope`, :func:`is_acknowledged`, :func:`build_997`, :func:`build_ta1`, :func:`ta1_note`,
  :func:`write_remark`, :func:`write_summary`;
- looking: :func:`annotate`, :func:`inspection`, and the tables :data:`SEGMENTS`, :data:`SETS`, :data:`CODES`.

What CBP must still confirm stands in :mod:`schemas.profile`, nowhere in here.
"""

from __future__ import annotations

from schemas.x12.acknowledgments import build_997, build_ta1, is_acknowledged, ta1_note
from schemas.x12.describe import annotate, inspection
from schemas.x12.envelope import Envelope, answer_envelope, envelope_for
from schemas.x12.interchange import MOST_BYTES, MOST_SEGMENT_BYTES, MOST_SEGMENTS, Interchange
from schemas.x12.loops import Loop
from schemas.x12.problems import PlacedProblem
from schemas.x12.reader import read_interchange
from schemas.x12.remarks import Remark, Summary, read_remark, read_summary, remark_text, write_remark, write_summary
from schemas.x12.segments import (
    PlacedSegment,
    Segment,
    Separators,
    seg,
    seg_at,
    shipment_control_number,
    trip_number_candidates,
)
from schemas.x12.streaming import X12Stream, stream
from schemas.x12.tables import CODES, SEGMENTS, SETS
from schemas.x12.writer import render, write_interchange, write_ta1

__all__ = [
    "CODES",
    "MOST_BYTES",
    "MOST_SEGMENTS",
    "MOST_SEGMENT_BYTES",
    "SEGMENTS",
    "SETS",
    "Envelope",
    "Interchange",
    "Loop",
    "PlacedProblem",
    "PlacedSegment",
    "Remark",
    "Segment",
    "Separators",
    "Summary",
    "X12Stream",
    "annotate",
    "answer_envelope",
    "build_997",
    "build_ta1",
    "envelope_for",
    "inspection",
    "is_acknowledged",
    "read_interchange",
    "read_remark",
    "read_summary",
    "remark_text",
    "render",
    "seg",
    "seg_at",
    "shipment_control_number",
    "stream",
    "ta1_note",
    "trip_number_candidates",
    "write_interchange",
    "write_remark",
    "write_summary",
    "write_ta1",
]
