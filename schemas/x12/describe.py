"""What would a person want to see of an interchange? Every segment and element with names, values and meanings.

The output is plain data (strings, numbers, lists, dictionaries), ready for JSON. Nothing is judged here: problems
are those of the reader. Passwords of the ISA are never shown; with ``mask`` personal data are not either
(:mod:`schemas.x12.masking`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from schemas.errors import SEND_AGAIN, FormatError, Problem
from schemas.personal import without_quotes
from schemas.profile import Profile, load_profile
from schemas.x12.grammar import Walk, grammar
from schemas.x12.interchange import Interchange
from schemas.x12.masking import (
    hidden_runs,
    masked_elements,
    masked_name,
    masked_path,
    masked_remark,
    masked_sentence,
    without_secrets,
)
from schemas.x12.problems import PlacedProblem
from schemas.x12.reader import read_interchange
from schemas.x12.remarks import read_remark
from schemas.x12.segments import PlacedSegment
from schemas.x12.tables import CODES, SEGMENTS, SETS, ElementDef

NOT_FOR_TRUCKS: Final = "not announced for trucks"
"""Said of a disposition that stands in lists for all modes of transport, and in no announcement for trucks."""


SENT_BY_CBP: Final = frozenset({"350", "355", "997"})
"""Sets whose faults are not the reader's to mend."""


def code_text(element: ElementDef, value: str, profile: Profile) -> str:
    """What ``value`` means: a code's words, a date, a time or an amount in ordinary writing; or nothing."""
    text = _profile_text(element.reference, value, profile)
    if not text and element.codes:
        text = CODES[element.codes].codes.get(value, "")
    if text or not value.isascii() or not value.isdigit():
        return text
    if element.type == "DT" and len(value) in (6, 8):
        century = "20" if len(value) == 6 else ""
        return f"{century}{value[:-4]}-{value[-4:-2]}-{value[-2:]}"
    if element.type == "TM" and len(value) >= 4:
        return f"{value[:2]}:{value[2:4]}"
    if element.type == "N2":
        padded = value.zfill(3)
        return f"{padded[:-2]}.{padded[-2:]}"
    return ""


def _profile_text(reference: str, value: str, profile: Profile) -> str:
    """Meanings that stand in the profile: roles, bill types, dispositions, the trip number's place."""
    if reference == profile.trip_number_element:
        return "trip number"
    if reference == "X407":
        known = profile.disposition(value)
        announced = "" if known.truck or value not in profile.dispositions else f"; {NOT_FOR_TRUCKS}"
        return f"{known.text} ({known.meaning}{announced})"
    tables = {"NM101": profile.crew_role_codes, "M1109": profile.bill_types, "N101": profile.party_roles}
    words = tables.get(reference, {})
    return next((word for word, code in words.items() if code == value), "")


class Describer:
    """Describes the segments of a file one after the other, in the order of the file.

    It follows the grammar of the set, so that a segment knows how many loops stand around it, and remembers the
    segment that the next one may speak of (a K1 in a 355 speaks of the segment before it, an AK4 of its AK3).
    """

    def __init__(self, profile: Profile | None = None, *, mask: bool = False) -> None:
        self.profile = profile or load_profile()
        self.mask = mask
        self._set_id = ""
        self._walk: Walk | None = None
        self._number = 0
        self._about: PlacedSegment | None = None

    def row(self, segment: PlacedSegment, problems: Sequence[PlacedProblem] = ()) -> dict[str, Any]:
        """The segment as JSON-able data (see :func:`annotate`) with the problems that stand at it."""
        return self.described(segment, problems, self.follow(segment))

    def described(self, segment: PlacedSegment, problems: Sequence[PlacedProblem], depth: int) -> dict[str, Any]:
        """The segment that was followed last as JSON-able data."""
        faulty = {one.element for one in problems if one.element}
        elements = self._elements(segment, faulty)
        definition = SEGMENTS.get(segment.id)
        row: dict[str, Any] = {
            "segment": self.name(segment.id),
            "name": definition.name if definition else "",
            "number": segment.number,
            "offset": segment.offset,
            "depth": depth,
            "elements": elements,
        }
        if problems:
            row["problems"] = [self.problem(one, segment) for one in problems]
        return row

    def elements(self, segment: PlacedSegment, faulty: Collection[int] = ()) -> tuple[str, ...]:
        """The elements of the segment described last (or of an earlier one without context) as they may be shown."""
        if self.mask and segment.id == "K1":
            return masked_remark(segment, self.profile, coded=self._set_id == "355")
        if self.mask:
            return masked_elements(
                segment._replace(elements=without_secrets(segment)), about=self._context(segment), faulty=faulty
            )
        return without_secrets(segment)

    def problem(self, problem: Problem, segment: PlacedSegment | None = None) -> dict[str, Any]:
        """A problem as it is listed; ``segment`` is the one it stands at."""
        text, path = problem.text, problem.path
        if self.mask and isinstance(problem, PlacedProblem):
            path = masked_path(problem)
            text = masked_sentence(problem, self.hidden_values(segment) if segment else ())
        elif self.mask:
            text = without_quotes(text)
        return {
            "code": problem.code,
            "kind": "format",
            "position": problem.position if isinstance(problem, PlacedProblem) else "",
            "path": path,
            "text": text,
            "remedy": SEND_AGAIN if self._set_id in SENT_BY_CBP else problem.remedy,
            "reference": problem.reference,
        }

    def name(self, segment_id: str) -> str:
        """The name of a segment as it may be shown."""
        return masked_name(segment_id) if self.mask else segment_id

    def hidden_values(self, segment: PlacedSegment) -> list[str]:
        """The values of a segment that are not shown."""
        return hidden_runs(segment.elements, self.elements(segment))

    def _context(self, segment: PlacedSegment) -> PlacedSegment | None:
        return self._about if segment.id == "AK4" else None

    def follow(self, segment: PlacedSegment) -> int:
        """Go on to this segment, to be done for every one in order; how many loops stand around it."""
        if segment.id == "ST":
            self._set_id = segment.element(1)
            self._walk = grammar(self._set_id).walk() if self._set_id in SETS else None
            self._about = None
        elif segment.number and self._walk is not None:
            self._walk.step(segment.id)
        if segment.id not in _SPEAKS_OF_ANOTHER:
            self._about = segment
        if self._walk is None or not segment.number or not self._walk.placed:
            return 0
        places, at, depth = self._walk.grammar.places, self._walk.place, 0
        if not places[at].is_loop:
            at = places[at].parent
        while at >= 0:
            depth, at = depth + 1, places[at].parent
        return depth

    def _elements(self, segment: PlacedSegment, faulty: Collection[int]) -> list[dict[str, Any]]:
        definition = SEGMENTS.get(segment.id)
        known = definition.elements if definition else ()
        values = self.elements(segment, faulty)
        name = self.name(segment.id)
        elements: list[dict[str, Any]] = []
        for position, value in enumerate(values, start=1):
            if not value.strip(" "):
                continue
            if position > len(known):
                elements.append({"ref": f"{name}{position:02d}", "data_element": "", "name": "", "value": value})
                continue
            element = known[position - 1]
            row = {"ref": element.reference, "data_element": element.data_element, "name": element.name, "value": value}
            told = value == segment.elements[position - 1]
            text = code_text(element, value.rstrip(" "), self.profile) if told else ""
            elements.append(row | {"text": text} if text else row)
        if segment.id == "K1" and elements:
            remark = read_remark(segment, self.profile)
            listed = self.profile.error(remark.code, remark.text)
            if listed is not None:
                elements[0]["text"] = listed.text
        return elements


_SPEAKS_OF_ANOTHER: Final = frozenset({"K1", "AK4"})


def annotate(interchange: Interchange, profile: Profile | None = None, *, mask: bool = False) -> list[dict[str, Any]]:
    """Every segment from ISA to IEA as JSON-able data, in the order of the file.

    Each has ``segment``, ``name``, ``number`` (ST = 1, 0 in the envelope), ``offset`` (byte), ``depth`` (how many
    loops stand around it), ``elements`` (``ref``, ``data_element``, ``name``, ``value`` and, where known, ``text``),
    and ``problems`` where it has some.
    """
    describer = Describer(profile, mask=mask)
    faults: dict[int, list[PlacedProblem]] = {}
    for problem in interchange.problems:
        if problem.offset >= 0:
            faults.setdefault(problem.number or -1, []).append(problem)
    envelope = [interchange.isa, *interchange.ta1_segments]
    envelope += [one for one in (interchange.gs, interchange.ge, interchange.iea) if one is not None]
    shown = []
    for segment in sorted((*envelope, *interchange.segments), key=lambda one: one.offset):
        at = faults.get(segment.number, []) if segment.number else faults.get(-1, [])
        shown.append(describer.row(segment, [one for one in at if segment.number or one.segment == segment.id]))
    return shown


def inspection(data: bytes, profile: Profile | None = None, *, mask: bool = False) -> dict[str, Any]:
    """One interchange as a document: ``format``, ``messages``, ``errors``; never raises for any bytes."""
    used = profile or load_profile()
    describer = Describer(used, mask=mask)
    try:
        interchange = read_interchange(data, used)
    except FormatError as refused:
        return {"format": "x12", "messages": [], "errors": [describer.problem(one) for one in refused.problems]}
    message = {
        "type": interchange.set_id or ("TA1" if interchange.ta1 else ""),
        "control_number": interchange.isa.element(13),
        "segments": annotate(interchange, used, mask=mask),
    }
    at = {one.number: one for one in interchange.segments}
    told = [(one, describer.problem(one, at.get(one.number))) for one in interchange.problems]
    errors = [shown for one, shown in told if one.severity == "error"]
    warnings = [shown for one, shown in told if one.severity == "warning"]
    answer: dict[str, Any] = {"format": "x12", "messages": [message], "errors": errors}
    return answer | {"warnings": warnings} if warnings else answer
