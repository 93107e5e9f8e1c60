"""Is a 309 well formed? pyx12's verdict, with the maps in ``sandbox/maps``, turned into what a 997 says.

pyx12 gives the map, the walk through its loops and the element checks; the 997 is made here, because pyx12's own one
carries
control numbers and a release of its own choosing. Its reader is not used: it refuses interchange versions after 00501.

Two refinements of its verdict. A segment it cannot place is told apart into *unrecognised* (1), *not in this set* (6)
and *unexpected* (2).
A value it refuses only because of characters outside CBP's set is left to the character stage, which answers with a
355 (error 370),
unless ``character_faults_in_997``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pyx12.map_if import load_map_file, segment_if
from pyx12.map_index import map_index
from pyx12.map_walker import walk_tree
from pyx12.params import ParamsBase
from pyx12.segment import Segment

from sandbox.x12 import CBP_CHARACTERS, Interchange

MAPS: Final = Path(__file__).with_name("maps")
MAX_SEGMENT_FAULTS: Final = 500
"""AK3 groups reported before the reading stops: enough for a person, and it bounds memory on a hostile file."""

_KNOWN_SEGMENTS: Final = frozenset(
    "A1 AK1 BA1 CM DTP HL K1 K3 L3 M14 M15 M20 M21 M7A MBL N2 N7 P5 R4 TD5 V1 V2 V9 W09 X1 X2 X4".split()
)
"""Segments of the customs family that exist in X12 but have no place in a 309: AK304 says 6 for them, 1 for
inventions.
"""

logging.getLogger("pyx12").addHandler(logging.NullHandler())
logging.getLogger("pyx12").propagate = False


@dataclass(frozen=True, slots=True)
class ElementFault:
    """One AK4: ``position`` within the segment (``4`` or ``4:2``), element number, AK403 code, the bad value, a
    sentence for people.
    """

    position: str
    number: str
    code: str
    value: str
    text: str


@dataclass(slots=True)
class SegmentFault:
    """One AK3: segment identifier, position in the set (ST = 1), AK304 code, sentence, and its AK4s."""

    segment: str
    position: int
    code: str
    text: str
    elements: list[ElementFault]


@dataclass(frozen=True, slots=True)
class SyntaxVerdict:
    """What the 997 will say.

    ``result``: A accepted, E accepted with errors noted, R rejected. ``set_codes``: AK502 and following;
    ``group_codes``: AK905 and following.
    """

    result: str
    faults: tuple[SegmentFault, ...]
    set_codes: tuple[str, ...]
    group_codes: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the set goes on to the next stage."""
        return self.result != "R"


@cache
def _map_for(interchange_version: str, release: str, group: str) -> Any:
    name = map_index(str(MAPS)).get_filename(interchange_version, release, group)
    if name is None:
        return None
    parameters = ParamsBase()
    root = load_map_file(name, parameters, str(MAPS))
    root.icvn = "00501"  # pyx12 knows two character sets; this one includes ^ and `, which CBP's set has too
    return root


def is_supported(interchange_version: str, release: str, group: str) -> bool:
    """Whether there is a map for this version, release and functional identifier."""
    return _map_for(interchange_version, release, group) is not None


def code_list(name: str) -> frozenset[str]:
    """One of the code lists in ``sandbox/maps/codes.xml``, for the business stage."""
    root = _map_for("00502", "005020", "AQ")
    return frozenset(root.ext_codes.codes[name]["codes"])


def judge(interchange: Interchange, *, character_faults_in_997: bool = False) -> SyntaxVerdict:
    """Walk ST to SE. The envelope must have been found good; an unsupported version must have been refused before."""
    group = interchange.elements(0)
    if len(group) < 9 or len(interchange.segments) < 4:
        return SyntaxVerdict("R", (), (), ("3",))
    root = _map_for(interchange.isa[11], group[8], group[1])
    if root is None:
        return SyntaxVerdict("R", (), (), ("2",))
    walk = _Walk(root, interchange, character_faults_in_997)
    walk.run()
    set_codes = _trailer_codes(interchange)
    group_codes = _group_codes(interchange)
    if walk.faults:
        set_codes.insert(0, "5")
    result = "R" if set_codes or group_codes else "A"
    return SyntaxVerdict(result, tuple(walk.faults), tuple(set_codes[:5]), tuple(group_codes[:5]))


def _trailer_codes(interchange: Interchange) -> list[str]:
    body = interchange.body
    codes: list[str] = []
    head = body[0].split(interchange.element_separator)
    tail = body[-1].split(interchange.element_separator)
    if head[0] != "ST":
        return ["6"]
    if tail[0] != "SE":
        return ["2"]
    if len(head) < 3 or len(tail) < 3 or head[2] != tail[2]:
        codes.append("3")
    if len(tail) < 2 or tail[1] != str(len(body)):
        codes.append("4")
    return codes


def _group_codes(interchange: Interchange) -> list[str]:
    head, tail = interchange.elements(0), interchange.elements(-2)
    codes: list[str] = []
    if len(tail) < 3 or tail[2] != head[6]:
        codes.append("4")
    if len(tail) < 2 or tail[1].lstrip("0") != "1":
        codes.append("5")
    if not (head[6].isascii() and head[6].isdigit() and len(head[6]) <= 9):
        codes.append("6")
    return codes


class _Walk:
    """One pass of pyx12 through the segments of a set, keeping what it complains of."""

    def __init__(self, root: Any, interchange: Interchange, keep_characters: bool) -> None:
        self.root = root
        self.interchange = interchange
        self.keep_characters = keep_characters
        self.faults: list[SegmentFault] = []
        self.map_ids = {n.id for n in root.loop_segment_iterator() if isinstance(n, segment_if)}
        self.checked: dict[tuple[int, str], list[Any]] = {}

    def run(self) -> None:
        x = self.interchange
        walker = walk_tree()
        walker.forceWalkCounterToLoopStart("/ST_LOOP", "/ST_LOOP/ST")
        node: Any = self.root.getnodebypath("/ST_LOOP/ST")
        for position, raw in enumerate(x.body, 1):
            segment = Segment(raw, x.terminator, x.element_separator, x.component_separator, x.repetition_separator)
            complaints: list[Any] = []
            found: Any = node
            if position > 1:
                found, _, _, complaints = walker.walk_errors(node, segment, position, position, None)
            for complaint in complaints:
                self._add(self._segment_fault(complaint, raw, position))
            if found is not None:
                node = found
                self._check_elements(found, segment, raw, position)
            if len(self.faults) >= MAX_SEGMENT_FAULTS:
                return

    def _segment_fault(self, complaint: Any, raw: str, position: int) -> SegmentFault:
        code, segment_id = complaint.err_cde, raw.split(self.interchange.element_separator, 1)[0]
        if code == "3" and complaint.map_node is not None:
            segment_id = complaint.map_node.id
        elif code == "1":
            code = "2" if segment_id in self.map_ids else "6" if segment_id in _KNOWN_SEGMENTS else "1"
        return SegmentFault(segment_id[:3], position, code, complaint.err_str, [])

    def _check_elements(self, node: Any, segment: Segment, raw: str, position: int) -> None:
        # A manifest repeats itself (same trailer, same shipper in every shipment): the same text at the same place
        # gets the same verdict.
        key = (id(node), raw)
        errors = self.checked.get(key)
        if errors is None:
            _, errors = node.is_valid_errors(segment)
            if len(self.checked) < 20_000:
                self.checked[key] = errors
        if not errors:
            return
        elements = [f for f in (self._element_fault(e, node, segment) for e in errors) if f is not None]
        if elements:
            self._add(SegmentFault(str(node.id), position, "8", elements[0].text, elements[:99]))

    def _element_fault(self, error: Any, node: Any, segment: Segment) -> ElementFault | None:
        source = error.map_node
        value = error.err_val or ""
        if source is None:
            # Rules between elements: pyx12 names the first element of the rule (an int), or the first one too many
            # (text).
            place = int(error.refdes) if error.refdes is not None else 1
            return ElementFault(str(place), self._number(node, place), error.err_cde, value, error.err_str)
        inside = source.parent.is_composite()
        where = f"{source.parent.seq:02d}-{source.seq}" if inside else f"{source.seq:02d}"
        outside = error.err_cde == "6" and any(c not in CBP_CHARACTERS for c in segment.get_value(where) or "")
        if outside and source.data_type in {"AN", "ID"} and not self.keep_characters:
            return None
        if inside:
            return ElementFault(
                f"{source.parent.seq}:{source.seq}", source.data_ele, error.err_cde, value, error.err_str
            )
        return ElementFault(str(source.seq), source.data_ele, error.err_cde, value, error.err_str)

    @staticmethod
    def _number(node: Any, place: int) -> str:
        return str(node.children[place - 1].data_ele) if 0 < place <= len(node.children) else ""

    def _add(self, fault: SegmentFault) -> None:
        if (
            self.faults
            and fault.code == "8"
            and self.faults[-1].position == fault.position
            and self.faults[-1].segment == fault.segment
        ):
            self.faults[-1].elements.extend(fault.elements)
            return
        self.faults.append(fault)
