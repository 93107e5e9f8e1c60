"""Where in the 309 that was sent does an answer point?

CBP names a few segments of a message that may hold thousands. So the message is only parted into its shipments, and the
segments of a shipment are looked at when one of them is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from mappings.outcomes_places import Context, party_path
from schemas.errors import FormatError
from schemas.profile import Profile
from schemas.x12 import PlacedSegment, read_interchange, shipment_control_number
from schemas.x12.segments import HasElements


def step_x12(context: Context, line: int, segment: HasElements, profile: Profile) -> tuple[Context, int]:
    """The context of a segment of a 309 and the number of commodity lines begun, from those before it."""
    elements = segment.elements
    if segment.id == "LX":
        return Context(), 0
    if segment.id == "M11":
        return replace(context, scn=shipment_control_number(segment)), line
    if segment.id == "N1":
        return replace(context, party=party_path(elements[0] if elements else "", profile)), line
    if segment.id == "VID":
        return replace(context, party="", line=""), line
    if segment.id == "N10":
        begins = bool(elements and elements[0])  # further description of the same goods has no quantity
        line += begins
        return replace(context, party="", line=f"lines[{line - 1}]" if line else ""), line
    return context, line


class SentManifest:
    """A 309 as it was sent, to find places again."""

    def __init__(self, data: bytes, profile: Profile) -> None:
        """Raises :class:`FormatError` if ``data`` is no interchange."""
        read = read_interchange(data, profile)
        self.group_control = read.envelope.group_control_number if read.envelope else None
        self.interchange_control = read.envelope.control_number if read.envelope else None
        self._profile = profile
        self._segments = read.segments
        self._begins: list[int] = [0]
        """Where in the segments each part begins: the trip's, each shipment's from its LX, the trailer."""
        self._numbers: list[int] = [0]
        """The number of the segment with which each part begins."""
        self._scns: dict[str, str] = {}
        self._parts: defaultdict[str, list[int]] = defaultdict(list)
        self._known: dict[int, list[tuple[PlacedSegment, Context]]] = {}
        lx = scn = ""
        for at, segment in enumerate(read.segments):
            if segment.id in ("LX", "SE"):
                self._end_part(lx, scn)
                self._begins.append(at)
                self._numbers.append(segment.number)
                lx, scn = segment.element(1) if segment.id == "LX" else "", ""
            elif segment.id == "M11":
                scn = scn or shipment_control_number(segment)
        self._end_part(lx, scn)

    def _end_part(self, lx: str, scn: str) -> None:
        self._parts[scn].append(len(self._begins) - 1)
        if lx:
            self._scns[lx] = scn

    def _part(self, index: int) -> Sequence[tuple[PlacedSegment, Context]]:
        """The segments of a part with their contexts, each of which names the shipment."""
        known = self._known.get(index)
        if known is None:
            ends = self._begins[index + 1] if index + 1 < len(self._begins) else len(self._segments)
            context, line = Context(), 0
            placed: list[tuple[PlacedSegment, Context]] = []
            for segment in self._segments[self._begins[index] : ends]:
                context, line = step_x12(context, line, segment, self._profile)
                placed.append((segment, context))
            scn = next((one.scn for _, one in placed if one.scn), "")
            known = self._known[index] = [(segment, replace(one, scn=scn)) for segment, one in placed]
        return known

    def at(self, number: int) -> Context:
        """The context of the segment with this number (ST is 1)."""
        part = self._part(max(bisect_right(self._numbers, number) - 1, 0))
        return next((context for segment, context in part if segment.number == number), Context())

    def scn_of(self, lx: str) -> str:
        """The shipment of an LX number."""
        return self._scns.get(lx, "")

    def echo(self, scn: str, segment: HasElements) -> Context | None:
        """The context of a repeated segment of that shipment, ``None`` if it is not there or there are several."""
        same = [
            context
            for index in self._parts.get(scn, ())
            for one, context in self._part(index)
            if one.id == segment.id and one.elements == segment.elements
        ]
        return same[0] if same and all(one == same[0] for one in same) else None


def sent_manifest(data: bytes | None, profile: Profile) -> SentManifest | None:
    """The sent 309, ``None`` if there is none or it is not one."""
    if data is None:
        return None
    try:
        return SentManifest(data, profile)
    except FormatError:
        return None
