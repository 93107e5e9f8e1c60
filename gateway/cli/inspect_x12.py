"""What does a file of X12 say, segment by segment?

One message for each interchange. The segments of an answer (355, 350, 997, TA1) are held until their set ends, up to
:data:`MOST_HELD`, because what they mean is told by all of them; of any other set nothing is held.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from gateway.cli.inspect_answers import Answer, Finding, Verdict, x12_answer
from gateway.cli.inspect_checks import segment_doubt
from gateway.cli.inspect_contents import SetContents
from gateway.cli.inspect_places import Mark, element_span, segment_mark
from gateway.cli.inspect_reading import Begin, End, Event, Notice, Notices, Part
from gateway.cli.inspect_streams import Segments, Window
from schemas.errors import SEND_AGAIN
from schemas.personal import hidden, without_quotes, without_values
from schemas.profile import load_profile
from schemas.x12 import SETS, Interchange, PlacedProblem, PlacedSegment, Separators
from schemas.x12.describe import SENT_BY_CBP, Describer
from schemas.x12.grammar import grammar
from schemas.x12.masking import hidden_runs

MOST_HELD: Final = 200_000
"""Segments of one answer that are held: CBP's largest, by the limit of an interchange, has about as many."""
MOST_BEFORE_SET: Final = 50
_ANSWERS: Final = frozenset({"355", "350", "997"})
_ENVELOPE: Final = frozenset({"ISA", "GS", "TA1", "GE", "IEA"})
_SHOWN_BYTES: Final = 60


@dataclass(slots=True)
class _Held:
    """What is known of the interchange, and of the set in it, that is being read."""

    isa: PlacedSegment
    gs: PlacedSegment | None = None
    ta1: list[PlacedSegment] = field(default_factory=list)
    set_id: str = ""
    set_control: str = ""
    segments: list[PlacedSegment] = field(default_factory=list)
    shown: dict[int, tuple[str, ...]] = field(default_factory=dict)
    problems: list[PlacedProblem] = field(default_factory=list)
    contents: SetContents = field(default_factory=SetContents)
    verdict: Verdict = field(default_factory=Verdict)
    early: list[dict[str, Any]] = field(default_factory=list)
    """Problems that were told before it was clear which set this is."""

    def is_from_cbp(self) -> None:
        """What was told so far is damage that is not ours to mend."""
        for shown in self.early:
            shown["remedy"] = SEND_AGAIN

    def interchange(self, separators: Separators) -> Interchange:
        """The set as the interpreter of answers takes it."""
        places: tuple[int, ...] = ()
        if self.set_id in SETS:
            walk, found = grammar(self.set_id).walk(), []
            for at, segment in enumerate(self.segments):
                if at:
                    walk.step(segment.id)
                found.append(walk.place if walk.placed else -1)
            places = tuple(found)
        ta1 = self.ta1[0].segment if self.ta1 and not self.set_id else None
        return Interchange(
            self.isa, separators, None, self.set_id, self.set_control, tuple(self.segments), tuple(self.problems),
            gs=self.gs, ta1=ta1, places=places,
        )  # fmt: skip


def x12_events(window: Window, errors: Notices, warnings: Notices, *, mask: bool) -> Iterator[Event]:
    """The events of a file; its errors and warnings go to the lists."""
    return _X12(window, errors, warnings, mask=mask).events()


class _X12:
    def __init__(self, window: Window, errors: Notices, warnings: Notices, *, mask: bool) -> None:
        self.window, self.errors, self.warnings, self.mask = window, errors, warnings, mask
        self.profile = load_profile()
        self.describer = Describer(self.profile, mask=mask)
        self.separators = Separators("*", "~", ">", "")
        self.held: _Held | None = None
        self.begun = False
        self.waiting: list[Part] = []
        self.taken = 0
        self.pending: list[tuple[int, int, PlacedProblem]] = []

    def events(self) -> Iterator[Event]:
        """Read everything."""
        segments = Segments(self.window, self.profile)
        for segment in segments:
            self.separators = segments.separators
            self._collect(segments.fresh())
            yield from self._segment(segment)
        self._collect(segments.fresh(final=True))
        yield from self._close()
        for _, _, problem in sorted(self.pending):
            self._problem(problem, None)

    # ------------------------------------------------------------------------------------------- segments

    def _segment(self, segment: PlacedSegment) -> Iterator[Event]:
        if segment.id == "ISA" or self.held is None:
            yield from self._close()
            self.held = _Held(segment)
        held = self.held
        problems = self._problems_of(segment)
        held.problems += problems[: MOST_HELD - len(held.problems)]
        if segment.id == "ST" or (segment.id in _ENVELOPE and held.segments):
            self._answer()
        depth = self.describer.follow(segment)
        part = Part(partial(self.describer.described, segment, problems, depth))
        shown: tuple[str, ...] = ()
        if problems or held.set_id in _ANSWERS or segment.id in ("ST", "TA1"):
            shown = self.describer.elements(segment, {one.element for one in problems})
        self._keep(segment, shown)
        for problem in problems:
            self._problem(problem, segment, shown)
        if held.set_id == "309" and not problems:
            self._doubt(segment)
        if segment.id == "ST" or self.begun:
            yield from self._begin()
            yield part
        else:
            self.waiting.append(part)
            if len(self.waiting) > MOST_BEFORE_SET or segment.id == "IEA":
                yield from self._begin()
        if segment.id == "SE":
            self._answer()

    def _keep(self, segment: PlacedSegment, shown: tuple[str, ...]) -> None:
        held = self.held
        if held is None:
            return
        held.contents.add(segment, self.profile)
        if segment.id == "GS":
            held.gs = segment
        elif segment.id == "TA1":
            held.ta1.append(segment)
            held.shown[0] = shown
            self._answer()
        elif segment.id == "ST":
            held.set_id, held.set_control = segment.element(1), segment.element(2)
            if held.set_id in SENT_BY_CBP:
                held.is_from_cbp()
        if segment.number and held.set_id in _ANSWERS and len(held.segments) < MOST_HELD:
            held.segments.append(segment)
            held.shown[segment.number] = shown

    def _begin(self) -> Iterator[Event]:
        held = self.held
        if self.begun or held is None:
            return
        self.begun = True
        isa = held.isa
        set_id = held.set_id or ("TA1" if held.ta1 else "")
        day, clock = isa.element(9), isa.element(10)
        sent = f"20{day[:2]}-{day[2:4]}-{day[4:]} {clock[:2]}:{clock[2:]}" if len(day) == 6 and len(clock) == 4 else ""
        names = {"TA1": "Interchange Acknowledgment"} | {name: one.name for name, one in SETS.items()}
        head = {
            "type": set_id,
            "name": names.get(set_id, ""),
            "control_number": isa.element(13),
            "sender": isa.element(6).strip(),
            "receiver": isa.element(8).strip(),
            "sent": sent,
        }
        yield Begin(head, "segments")
        yield from self.waiting
        self.waiting = []

    def _close(self) -> Iterator[Event]:
        held = self.held
        if held is None:
            return
        self._answer()
        if held.ta1 and not held.set_id:
            held.is_from_cbp()
        yield from self._begin()
        verdict = held.verdict
        summary = verdict.text or held.contents.sentence(held.set_id, self.profile)
        yield End({"summary": summary, "verdict": verdict.meaning})
        self.held, self.begun = None, False

    def _answer(self) -> None:
        """What the set that ends here reports, or a TA1."""
        held = self.held
        if held is None or not (held.segments or 0 in held.shown):
            return
        answer: Answer = x12_answer(held.interchange(self.separators), self.profile)
        places = {one.number: one for one in held.segments}
        if held.ta1:
            places[0] = held.ta1[0]
        for finding in answer.findings:
            self._finding(finding, places, held.shown)
        if not held.verdict.text or answer.verdict.meaning:
            held.verdict = answer.verdict
        held.segments, held.shown, held.problems = [], {}, []

    # -------------------------------------------------------------------------------------------- notices

    def _collect(self, problems: Sequence[PlacedProblem]) -> None:
        for problem in problems:
            self.taken += 1
            heapq.heappush(self.pending, (problem.offset, self.taken, problem))

    def _problems_of(self, segment: PlacedSegment) -> list[PlacedProblem]:
        """The problems that stand at this segment; those before it that stand nowhere else are told as they are."""
        end = segment.offset + element_span(segment.id, segment.elements, 0)[1]
        found = []
        while self.pending and self.pending[0][0] <= end:
            _, _, problem = heapq.heappop(self.pending)
            if problem.offset >= segment.offset and problem.number == segment.number:
                found.append(problem)
            else:
                self._problem(problem, None)
        return found

    def _problem(self, problem: PlacedProblem, segment: PlacedSegment | None, shown: tuple[str, ...] = ()) -> None:
        marks: tuple[Mark, ...] = ()
        if segment is not None:
            name = self.describer.name(segment.id)
            marks = (segment_mark(name, shown, self.separators.element, problem.element),)
        elif problem.offset >= 0:
            data, at = self.window.around(problem.offset, 40, _SHOWN_BYTES)
            if data:
                text = data.decode("latin-1")
                marks = (Mark(hidden(text) if self.mask else text, at, at + 1),)
        notices = self.errors if problem.severity == "error" else self.warnings
        shown_problem = self.describer.problem(problem, segment)
        if self.held is not None and not self.held.set_id:
            self.held.early.append(shown_problem)
        notices.add(Notice(shown_problem, marks))

    def _doubt(self, segment: PlacedSegment) -> None:
        doubt = segment_doubt(segment, self.profile)
        if doubt is None:
            return
        position, path = _place(segment, doubt.element)
        elements = self.describer.elements(segment)
        shown = {
            "code": doubt.code,
            "kind": "format",
            "position": position,
            "path": path,
            "text": without_quotes(doubt.text) if self.mask and hidden_runs(segment.elements, elements) else doubt.text,
            "remedy": doubt.remedy,
            "reference": doubt.reference,
        }
        mark = segment_mark(segment.id, elements, self.separators.element, doubt.element)
        self.warnings.add(Notice(shown, (mark,)))

    def _finding(self, finding: Finding, places: dict[int, PlacedSegment], shown: dict[int, tuple[str, ...]]) -> None:
        told, about = places.get(finding.told_in), places.get(finding.about) if finding.about else None
        separator = self.separators.element
        marks: list[Mark] = []
        extra: dict[str, Any] = {}
        private = list(finding.private) if self.mask else []
        if about is not None:
            position, path = _place(about, finding.about_element)
            extra["about"] = {"position": position, "path": path}
            label = f"about segment {about.number}, {about.id}"
            marks.append(segment_mark(about.id, shown[about.number], separator, finding.about_element, label))
            private += hidden_runs(about.elements, shown[about.number])
        position, path = "", ""
        if told is not None:
            position, path = _place(told, finding.element)
            label = "said in" if about is not None else ""
            marks.append(segment_mark(told.id, shown[told.number], separator, finding.element, label))
            private += hidden_runs(told.elements, shown[told.number])
        document = {
            "code": finding.code,
            "kind": "answer",
            "position": position,
            "path": path,
            "text": without_values(finding.text, private),
            "remedy": finding.remedy,
            "reference": finding.reference,
            "meaning": finding.meaning,
            **dict(finding.subject),
            **extra,
        }
        (self.errors if finding.severity == "error" else self.warnings).add(Notice(document, tuple(marks)))


def _place(segment: PlacedSegment, element: int) -> tuple[str, str]:
    start, _ = element_span(segment.id, segment.elements, element)
    number = f"segment {segment.number}, " if segment.number else ""
    part = f"element {element}, " if element else ""
    path = f"{segment.id}[{segment.number}]" if segment.number else segment.id
    return f"{number}{part}byte {segment.offset + start}", path + (f".{segment.id}{element:02d}" if element else "")
