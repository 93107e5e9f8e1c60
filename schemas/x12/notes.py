"""How is a fault of a received file written down? One sentence with its place, in the collection of the file."""

from __future__ import annotations

import re
from typing import Final

from schemas.x12.elements import CHARACTER_SOURCE, Checker
from schemas.x12.problems import Level, PlacedProblem, Problems
from schemas.x12.segments import PlacedSegment, trimmed
from schemas.x12.tables import SETS

_NAME: Final = re.compile("[A-Z][A-Z0-9]{1,2}")
_TRAILERS: Final = {"interchange": "IEA", "group": "GE", "set": "SE"}


class Notes(Problems):
    """The problems of one received file."""

    def __init__(self) -> None:
        super().__init__()
        self.set_id = ""

    def fault(
        self,
        level: Level,
        acknowledgment: str,
        code: str,
        text: str,
        remedy: str,
        segment: PlacedSegment | None = None,
        *,
        offset: int = -1,
        warning: bool = False,
    ) -> None:
        """A problem of the envelope or of a whole segment; without ``segment`` it belongs to the level's trailer."""
        name = segment.id if segment else _TRAILERS.get(level, "")
        number = segment.number if segment else 0
        legal = name if _NAME.fullmatch(name) else "?"
        known = SETS.get(self.set_id)
        self.add(
            PlacedProblem(
                code=code,
                path=f"{legal}[{number}]" if number else legal,
                text=text,
                remedy=remedy,
                reference=known.source if known and level == "segment" else "X12 interchange control structures",
                severity="warning" if warning else "error",
                level=level,
                acknowledgment=acknowledgment,
                segment=name,
                number=number,
                offset=segment.offset if segment else offset,
            )
        )

    def elements(self, checker: Checker, segment: PlacedSegment) -> None:
        """Every fault inside a segment that the quick check did not take."""
        if segment.elements and not segment.elements[-1]:
            text = f"{segment.id} ends with separators of empty elements."
            self.fault(
                "segment", "", "trailing_separators", text, "End a segment with its last value.", segment, warning=True
            )
        inside = segment.number > 0
        level: Level = "element" if inside else ("group" if segment.id in ("GS", "GE") else "interchange")
        path = f"{segment.id}[{segment.number}]" if inside else segment.id
        for one in checker.faults(trimmed(segment.elements)):
            position = one.element.position
            before = sum(len(value) + 1 for value in segment.elements[: position - 1])
            self.add(
                PlacedProblem(
                    code=one.code,
                    path=f"{path}.{one.element.reference}",
                    text=one.text,
                    remedy=one.remedy,
                    reference=CHARACTER_SOURCE if one.code == "invalid_character" else checker.definition.source,
                    level=level,
                    acknowledgment=one.acknowledgment if inside else _envelope_code(segment.id, position),
                    segment=segment.id,
                    number=segment.number,
                    element=position,
                    offset=segment.offset + len(segment.id) + 1 + before,
                    data_element=one.element.data_element,
                    value=one.value,
                    mandatory=one.element.use == "M",
                )
            )


def _envelope_code(segment_id: str, position: int) -> str:
    """What a TA1 (for IEA, TA1) or AK9 (for GS, GE) calls a bad element of the envelope."""
    if segment_id in ("GS", "GE"):
        return {("GS", 1): "1", ("GS", 8): "2", ("GE", 1): "5"}.get((segment_id, position), "6")
    if segment_id == "IEA":
        return "021" if position == 1 else "001"
    return "024"
