"""What would a person want to see of an interchange? Every segment and element with names, values and meanings.

The output is plain data (strings, numbers, lists, dictionaries), ready for JSON. Nothing is judged here: problems
are those of the reader.
"""

from __future__ import annotations

from typing import Any

from schemas.errors import FormatError, Problem
from schemas.profile import Profile, load_profile
from schemas.x12.interchange import Interchange
from schemas.x12.problems import PlacedProblem
from schemas.x12.reader import read_interchange
from schemas.x12.remarks import read_remark
from schemas.x12.segments import PlacedSegment
from schemas.x12.tables import CODES, SEGMENTS, ElementDef


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
        return f"{known.text} ({known.meaning})"
    tables = {"NM101": profile.crew_role_codes, "M1109": profile.bill_types, "N101": profile.party_roles}
    words = tables.get(reference, {})
    return next((word for word, code in words.items() if code == value), "")


def annotate(interchange: Interchange, profile: Profile | None = None) -> list[dict[str, Any]]:
    """Every segment from ISA to IEA as JSON-able data, in the order of the file.

    Each has ``segment``, ``name``, ``number`` (ST = 1, 0 in the envelope), ``offset`` (byte), ``depth`` (how many
    loops stand around it), ``elements`` (``ref``, ``data_element``, ``name``, ``value`` and, where known, ``text``),
    and ``problems`` where it has some.
    """
    used = profile or load_profile()
    faults: dict[int, list[PlacedProblem]] = {}
    for problem in interchange.problems:
        if problem.offset >= 0:
            faults.setdefault(problem.number or -1, []).append(problem)
    depths = _depths(interchange)
    before = [interchange.isa, *interchange.ta1_segments, *([interchange.gs] if interchange.gs else [])]
    after = [one for one in (interchange.ge, interchange.iea) if one is not None]
    shown = [_segment(one, 0, [], used) for one in sorted(before, key=lambda one: one.offset)]
    shown += [
        _segment(one, depths.get(one.number, 0), faults.get(one.number, []), used) for one in interchange.segments
    ]
    shown += [_segment(one, 0, [], used) for one in after]
    for problem in faults.get(-1, []):
        owner = next((one for one in shown if one["segment"] == problem.segment and not one["number"]), None)
        if owner is not None:
            owner.setdefault("problems", []).append(problem.as_dict())
    return shown


def inspection(data: bytes, profile: Profile | None = None) -> dict[str, Any]:
    """The answer of ``gateway inspect`` for X12: ``format``, ``messages``, ``errors``; never raises for any bytes."""
    used = profile or load_profile()
    try:
        interchange = read_interchange(data, used)
    except FormatError as refused:
        return {"format": "x12", "messages": [], "errors": [_error(problem) for problem in refused.problems]}
    message = {
        "type": interchange.set_id or ("TA1" if interchange.ta1 else ""),
        "control_number": interchange.isa.element(13),
        "segments": annotate(interchange, used),
    }
    errors = [_error(problem) for problem in interchange.problems if problem.severity == "error"]
    warnings = [_error(problem) for problem in interchange.problems if problem.severity == "warning"]
    answer: dict[str, Any] = {"format": "x12", "messages": [message], "errors": errors}
    return answer | {"warnings": warnings} if warnings else answer


def _error(problem: Problem) -> dict[str, Any]:
    position = problem.position if isinstance(problem, PlacedProblem) else ""
    return {
        "code": problem.code,
        "position": position,
        "path": problem.path,
        "text": problem.text,
        "remedy": problem.remedy,
    }


def _segment(segment: PlacedSegment, depth: int, faults: list[PlacedProblem], profile: Profile) -> dict[str, Any]:
    definition = SEGMENTS.get(segment.id)
    known = definition.elements if definition else ()
    elements = []
    for position, value in enumerate(segment.elements, start=1):
        if not value.strip(" "):
            continue
        if position > len(known):
            elements.append({"ref": f"{segment.id}{position:02d}", "data_element": "", "name": "", "value": value})
            continue
        element = known[position - 1]
        row = {"ref": element.reference, "data_element": element.data_element, "name": element.name, "value": value}
        text = code_text(element, value.rstrip(" "), profile)
        elements.append(row | {"text": text} if text else row)
    if segment.id == "K1" and elements:
        listed = profile.error(*(lambda remark: (remark.code, remark.text))(read_remark(segment, profile)))
        if listed is not None:
            elements[0]["text"] = listed.text
    answer: dict[str, Any] = {
        "segment": segment.id,
        "name": definition.name if definition else "",
        "number": segment.number,
        "offset": segment.offset,
        "depth": depth,
        "elements": elements,
    }
    return answer | {"problems": [one.as_dict() for one in faults]} if faults else answer


def _depths(interchange: Interchange) -> dict[int, int]:
    """How many loops stand around each segment, by its number."""
    depths: dict[int, int] = {}
    stack = [(interchange.loops, 0)]
    while stack:
        loop, depth = stack.pop()
        depths.update((segment.number, depth) for segment in loop.segments)
        stack.extend((inner, depth + 1) for inner in loop.loops)
    return depths
