"""How does a segment look without its personal data?

Rules beyond the table (:mod:`schemas.personal`): an unknown segment is hidden whole with its name; an element
without a name is hidden. A lost byte shifts what follows, and a lost terminator puts the next segment behind this one:
from the first element that has a fault, cannot be what the table says or ends like a segment of persons begins, all is
hidden to the segment's end, and all of a segment with more elements than the table has. The ISA alone, whose elements
stand at fixed places, hides its faults one by one. The copy of a bad element in an AK404 is hidden unless it
is known to copy something that is not personal. Of a remark (K1) the code of a 355 and the wordings that the profile
lists are shown; all else is a copy of what was sent or the free text of an officer, and hidden.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache

from schemas.personal import SIGN, hidden, personal, without_quotes, without_values
from schemas.profile import Profile
from schemas.x12.problems import PlacedProblem
from schemas.x12.segments import HasElements
from schemas.x12.tables import SEGMENTS, SETS


def is_hidden(
    segment: HasElements, position: int, *, about: HasElements | None = None, faulty: Collection[int] = ()
) -> bool:
    """Whether the element at ``position`` (from 1) may not be shown.

    ``about``: the segment that this one speaks of (AK3 for an AK4); ``faulty``: positions that have a fault.
    """
    table, definition = personal(), SEGMENTS.get(segment.id)
    if definition is None or position > len(definition.elements):
        return True
    if not definition.elements[position - 1].name and definition.open:
        return True
    if table.element(segment.id, position, segment.elements):
        return True
    if segment.id == "AK4" and position == 4:
        return _copies_personal(segment, about)
    if segment.id == "ISA":
        return position in faulty
    return position >= _slipped_from(segment, faulty)


def _slipped_from(segment: HasElements, faulty: Collection[int]) -> int:
    """The first position from which nobody knows what the elements hold; beyond them all where each is in place."""
    elements, defined = segment.elements, SEGMENTS[segment.id].elements
    if len(elements) > len(defined) and any(elements[len(defined) :]):
        return 1
    starts = _starts_of_persons()
    for position, value in enumerate(elements, start=1):
        if value and (
            position in faulty
            or len(value) > _longest(defined[position - 1].reference, defined[position - 1].longest)
            or (position < len(elements) and value.endswith(starts))
        ):
            return position
    return len(elements) + 1


@cache
def _starts_of_persons() -> tuple[str, ...]:
    """The names of the segments that hold personal data."""
    return tuple(sorted(personal().segments))


@cache
def _longest(reference: str, longest: int) -> int:
    """How long an element of the tables may be in any set; a sign and a point of a number come on top."""
    return max(longest, *(known.widths.get(reference, 0) for known in SETS.values())) + 2


def _copies_personal(ak4: HasElements, ak3: HasElements | None) -> bool:
    """Whether the copy of a bad element in an AK4 may be personal."""
    if ak3 is None or not ak3.elements or not ak4.elements:
        return True
    name, place = ak3.elements[0], re.match(r"\d+", ak4.elements[0])
    if name not in SEGMENTS or place is None or not 1 <= int(place[0]) <= len(SEGMENTS[name].elements):
        return True
    return personal().holds_persons(name)


def masked_elements(
    segment: HasElements, *, about: HasElements | None = None, faulty: Collection[int] = ()
) -> tuple[str, ...]:
    """The elements of ``segment`` with the personal ones hidden."""
    return tuple(
        hidden(value) if is_hidden(segment, position, about=about, faulty=faulty) else value
        for position, value in enumerate(segment.elements, start=1)
    )


def masked_remark(k1: HasElements, profile: Profile, *, coded: bool) -> tuple[str, ...]:
    """The elements of a K1; ``coded``: it stands in a 355, where it begins with the code of an error."""
    first = k1.elements[0] if k1.elements else ""
    found = re.match(profile.k1_pattern, first) if coded else None
    code = found["code"] if found else None
    kept = found.end("code") if found and code in profile.errors else 0
    shown = [_wordings(value, profile, kept if at == 0 else 0) for at, value in enumerate(k1.elements)]
    return tuple(shown) if coded else tuple(hidden(value) for value in k1.elements)


def _wordings(value: str, profile: Profile, kept: int) -> str:
    """``value`` with all hidden but its first characters and a wording that the profile lists."""
    shown = value[:kept] + hidden(value[kept:])
    for wording in profile.error_texts:
        at = value.upper().find(wording)
        if at >= 0:
            shown = shown[:at] + value[at : at + len(wording)] + shown[at + len(wording) :]
    return shown


def hidden_runs(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The parts of elements that are not shown."""
    runs = []
    for value, shown in zip(before, after, strict=True):
        if value != shown:
            runs += [value[one.start() : one.end()] for one in re.finditer(f"{re.escape(SIGN)}+", shown)]
    return runs


def without_secrets(segment: HasElements) -> tuple[str, ...]:
    """The elements of ``segment`` with passwords hidden, where they hold something."""
    table = personal()
    return tuple(
        hidden(value) if value.strip() and table.secret_element(segment.id, position) else value
        for position, value in enumerate(segment.elements, start=1)
    )


def masked_name(segment_id: str) -> str:
    """The name of a segment; hidden where no table has it, since a separator in a name leaves its rest as a segment."""
    return segment_id if segment_id in SEGMENTS else hidden(segment_id)


def masked_path(problem: PlacedProblem) -> str:
    """The path of a problem, without the name of a segment that no table has."""
    name = problem.segment
    if not name or name in SEGMENTS or not problem.path.startswith(name):
        return problem.path
    return hidden(name) + problem.path.removeprefix(name).partition(".")[0]


def masked_sentence(problem: PlacedProblem, values: Sequence[str] = ()) -> str:
    """The sentence of a problem with personal data hidden; ``values`` are the hidden values of its segment."""
    definition = SEGMENTS.get(problem.segment)
    if problem.code == "invalid_character" and definition is not None:  # a hidden character says nothing
        head, holds, _ = without_values(problem.text, values).partition(" holds ")
        if holds:
            return f"{head} holds a character that CBP does not accept."
    table = personal()
    if (
        problem.code in ("truncated", "isa_missing")
        or (problem.segment and definition is None)
        or (problem.element and table.element(problem.segment, problem.element))
        or problem.value
    ):
        return without_quotes(without_values(problem.text, (*values, problem.value)))
    return without_values(problem.text, values)
