"""What do we answer to an interchange? The 997 for its group, the TA1 for its envelope.

Rules:

- Every group is acknowledged except FA groups: a 997 is never answered with a 997 (recalled).
- Rejected (R): the envelope of the set does not hold, a segment is missing, unknown or misplaced, or a mandatory
  element is wrong. Accepted with errors (E): all faults are in elements that need not be sent. Accepted (A): no fault;
  warnings do not count (deduced).
- Where X12 has no room for a further code (five in AK5 and AK9, 99 AK4 to a segment) the rest is left to the first
  ones. AK404 repeats a bad value without separators; where it would not be legal or not fit, it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from schemas.profile import Profile, load_profile
from schemas.text import CBP_CHARACTERS
from schemas.x12.envelope import isa_problems
from schemas.x12.interchange import Interchange
from schemas.x12.problems import PlacedProblem
from schemas.x12.segments import Segment, Separators, seg

_MOST_NOTES: Final = 99_999
_MOST_ELEMENT_NOTES: Final = 99
_COPY_LENGTH: Final = 99
_SEGMENT_NAME = re.compile("[A-Z][A-Z0-9]{1,2}")


class _Plain:
    """Repeats a received value where the answer may carry it, and leaves it out where it may not."""

    def __init__(self, profile: Profile) -> None:
        self._signs = CBP_CHARACTERS - frozenset(Separators.of(profile).signs)

    def __call__(self, value: str, longest: int) -> str:
        """``value``, or nothing if it is blank, too long or holds a sign that the answer may not."""
        bare = value.rstrip(" ")  # X12 leaves out spaces at the end of a value
        return bare if bare and len(bare) <= longest and self._signs.issuperset(bare) else ""


def is_acknowledged(interchange: Interchange) -> bool:
    """Whether the interchange holds a group that is answered with a 997."""
    return interchange.gs is not None and interchange.gs.element(1) != "FA"


def build_997(
    interchange: Interchange, profile: Profile | None = None, *, more: Iterable[PlacedProblem] = ()
) -> list[Segment]:
    """The 997's segments between ST and SE, to be written under ``profile`` (default: ``load_profile()``).

    ``more`` are problems that another check found in the same set. Empty where nothing is acknowledged (see
    :func:`is_acknowledged`). The envelope is :func:`schemas.x12.envelope.answer_envelope` of set 997.
    """
    plain = _Plain(profile or load_profile())
    gs = interchange.gs
    if gs is None or gs.element(1) == "FA":
        return []
    problems = [one for one in (*interchange.problems, *more) if one.severity == "error"]
    group_faults = _codes(problems, "group")
    received = 1 if interchange.set_id else 0
    body = [seg("AK1", _legal_id(gs.element(1)), _number(gs.element(6)), plain(gs.element(8), 12))]
    accepted = 0
    if received and _st_is_legal(interchange):
        set_result, notes = _set_notes(problems, interchange, plain)
        st = interchange.segments[0] if interchange.segments else None
        convention = plain(st.element(3), 35) if st is not None and st.id == "ST" else ""
        body.append(seg("AK2", interchange.set_id, interchange.set_control_number, convention))
        body += notes
        body.append(seg("AK5", set_result, *_set_codes(problems)))
        accepted = 0 if set_result == "R" else 1
        group_result = "R" if any(one.level == "group" for one in problems) else set_result
    else:
        group_result = "R"
    claimed = interchange.ge.element(1) if interchange.ge is not None else ""
    included = claimed if claimed.isascii() and claimed.isdigit() and len(claimed) <= 6 else str(received)
    if group_result == "R":
        accepted = 0
    body.append(seg("AK9", group_result, included, received, accepted, *group_faults[:5]))
    return body


def ta1_note(interchange: Interchange) -> str:
    """The note code for the envelope: of the first fault of the interchange, ``000`` without one."""
    return next(
        (one.acknowledgment for one in interchange.problems if one.level == "interchange" and one.severity == "error"),
        "000",
    )


def build_ta1(interchange: Interchange, *, note: str | None = None, result: str | None = None) -> Segment | None:
    """The TA1 for a received interchange, ``None`` where its number or time cannot be repeated.

    ``note`` is given for what bytes alone cannot show, for instance ``025`` for a control number seen before
    or ``009`` for an unknown receiver; ``result`` (A, E or R) defaults to A for note 000 and R otherwise.
    """
    repeated = {"014", "015", "018"}
    if any(problem.acknowledgment in repeated for problem in isa_problems(interchange.isa)):
        return None
    code = ta1_note(interchange) if note is None else note
    verdict = result or ("A" if code == "000" else "R")
    return seg(
        "TA1", interchange.isa.element(13), interchange.isa.element(9), interchange.isa.element(10), verdict, code
    )


def _codes(problems: list[PlacedProblem], level: str) -> list[str]:
    found = (one.acknowledgment for one in problems if one.level == level and one.acknowledgment)
    return list(dict.fromkeys(found))


def _set_codes(problems: list[PlacedProblem]) -> list[str]:
    codes = _codes(problems, "set")
    if any(one.level in ("segment", "element") for one in problems):
        codes.append("5")
    return list(dict.fromkeys(codes))[:5]


def _set_notes(problems: list[PlacedProblem], interchange: Interchange, plain: _Plain) -> tuple[str, list[Segment]]:
    """The result of the set and its AK3 and AK4, in the order of the message."""
    inside = [one for one in problems if one.level in ("segment", "element") and one.number]
    deciding = [
        one for one in problems if one.level in ("set", "segment") or (one.level == "element" and one.mandatory)
    ]
    verdict = "R" if deciding else ("E" if inside else "A")
    notes: list[Segment] = []
    loops = 0
    placed = sorted(inside, key=lambda one: (one.number, one.level == "element"))
    for (number, name), group in groupby(placed, key=lambda one: (one.number, one.segment)):
        faults = list(group)
        if not _SEGMENT_NAME.fullmatch(name) or loops >= _MOST_NOTES:
            continue
        codes = dict.fromkeys(one.acknowledgment for one in faults if one.level == "segment")
        for code in codes:
            notes.append(seg("AK3", name, number, None, code))
            loops += 1
        elements = [one for one in faults if one.level == "element"][:_MOST_ELEMENT_NOTES]
        if elements:
            notes.append(seg("AK3", name, number, None, "8"))
            loops += 1
            notes += [_element_note(one, interchange, plain) for one in elements]
    return verdict, notes


def _element_note(problem: PlacedProblem, interchange: Interchange, plain: _Plain) -> Segment:
    signs = interchange.separators.signs
    copy = "".join(sign for sign in problem.value if sign not in signs)
    number = problem.data_element if problem.data_element.isdigit() else ""
    return seg("AK4", problem.element, number, problem.acknowledgment, plain(copy, _COPY_LENGTH))


def _legal_id(value: str) -> str:
    return value if re.fullmatch("[A-Z0-9]{2}", value) else "ZZ"


def _number(value: str) -> str:
    return value if re.fullmatch("[0-9]{1,9}", value) else "0"


def _st_is_legal(interchange: Interchange) -> bool:
    return bool(
        re.fullmatch("[A-Z0-9]{3}", interchange.set_id)
        and re.fullmatch("[A-Z0-9]{4,9}", interchange.set_control_number)
    )
