"""Is a set well formed? pyx12's verdict, with the maps in ``sandbox/truck/maps``, turned into what a 997 says.

pyx12 gives the map, the walk through its loops and the element checks; the 997 is made here, because pyx12's own one
carries control numbers and a release of its own choosing. Its reader is not used: it refuses interchange versions after
00501. There is a map for what comes in (309, 358, 353) and for what goes out (355, 350, 997).

Refinements of its verdict:

- A segment it cannot place is told apart into *unrecognised* (1), *unexpected* (2), *not in this set* (6) and *not in
  its sequence* (7: its place in a loop that is still open has been passed).
- A rule between elements blames the element that is missing, not the first one of the rule.
- A value it refuses only because of characters outside CBP's set is left to the character stage, which answers with a
  355 (error 370), unless ``character_faults_in_997``.
- More components than a composite has are counted here: pyx12 4.0 fails on them.
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
from pyx12.syntax import is_syntax_valid

from sandbox.truck.paths import PathCounter, PlacedSegment
from sandbox.truck.remembered import remember
from sandbox.truck.x12 import CBP_CHARACTERS, Interchange

MAPS: Final = Path(__file__).with_name("maps")
MAX_SEGMENT_FAULTS: Final = 500
"""AK3 groups reported before the reading stops: enough for a person, and it bounds memory on a hostile file."""

_OTHER_SEGMENTS: Final = frozenset("A1 BA1 CM DTP HL L3 V1 V2 W09 X1 X2".split())
"""Segments of the customs family that exist in X12 but stand in none of the maps."""

_LONGEST_NAME: Final = 10
"""What is kept of a segment identifier that is none."""

_LONGEST_SEGMENT: Final = 10_000
"""Characters of a segment that are looked at: none of these sets has one a fifth as long, so what is longer has its
fault within them, and millions of separators do not become millions of objects.
"""

_KEPT: Final = 20_000
"""Segments of a set whose verdicts are kept, for a manifest says the same thing over and over."""

_FEW_KEPT: Final = 500
"""Segments that are kept taken apart: what recurs is soon met, and many objects are a burden."""

_ST: Final = "/ISA_LOOP/GS_LOOP/ST_LOOP"

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

    @property
    def set_result(self) -> str:
        """What AK501 says: of the set alone, but a set in a group that is not supported is refused unseen."""
        return "R" if self.set_codes or {"1", "2", "3"}.intersection(self.group_codes) else "A"


@cache
def _index() -> Any:
    return map_index(str(MAPS))


@cache
def map_of(set_id: str) -> Any:
    """The pyx12 map of a set; :class:`KeyError` where there is none."""
    files = {entry["abbr"]: entry["map_file"] for entry in _index().maps}
    root = load_map_file(files[set_id], ParamsBase(), str(MAPS))
    root.icvn = "00501"  # pyx12 knows two character sets; this one includes ^ and `, which CBP's set has too
    return remember(root)


@cache
def set_ids() -> frozenset[str]:
    """The sets there are maps for."""
    return frozenset(entry["abbr"] for entry in _index().maps)


@cache
def _known_segments() -> frozenset[str]:
    found = {n.id for one in set_ids() for n in map_of(one).loop_segment_iterator() if isinstance(n, segment_if)}
    return frozenset(found) | _OTHER_SEGMENTS


def set_of(interchange_version: str, release: str, group: str) -> str | None:
    """The set that comes under this version, release and functional identifier, ``None`` where there is no map."""
    found: str | None = _index().get_abbr(interchange_version, release, group)
    return found


def is_supported(interchange_version: str, release: str, group: str) -> bool:
    """Whether there is a map for this version, release and functional identifier."""
    return set_of(interchange_version, release, group) is not None


@cache
def code_list(name: str) -> frozenset[str]:
    """One of the code lists in ``sandbox/truck/maps/codes.xml``, for the business stage."""
    return frozenset(map_of("309").ext_codes.codes[name]["codes"])


def judge(
    interchange: Interchange, *, set_id: str | None = None, character_faults_in_997: bool = False
) -> SyntaxVerdict:
    """Walk ST to SE. The envelope must have been found good.

    The map is that of ``set_id``, or else the one of the interchange's version, release and functional identifier.
    """
    group = interchange.elements(0)
    if len(group) < 9 or len(interchange.segments) < 4:
        return SyntaxVerdict("R", (), (), ("3",))
    chosen = set_id or set_of(interchange.isa[11], group[8], group[1])
    if chosen is None:
        known = any(entry["fic"] == group[1] for entry in _index().maps)
        return SyntaxVerdict("R", (), (), ("2" if known else "1",))
    set_codes, group_codes = _set_codes(interchange, chosen), _group_codes(interchange)
    faults: tuple[SegmentFault, ...] = ()
    if not {"1", "6"}.intersection(set_codes):
        walk = _Walk(map_of(chosen), interchange, character_faults_in_997)
        walk.run()
        faults = tuple(walk.faults)
    if faults:
        set_codes.append("5")
    result = "R" if set_codes or group_codes else "A"
    return SyntaxVerdict(result, faults, tuple(set_codes[:5]), tuple(group_codes[:5]))


def _set_codes(interchange: Interchange, set_id: str) -> list[str]:
    body = interchange.body
    head = body[0].split(interchange.element_separator)
    tail = body[-1].split(interchange.element_separator)
    if head[0] != "ST":
        return ["6"]
    if len(head) > 1 and head[1] != set_id:
        return ["6" if head[1] in set_ids() else "1"]
    if tail[0] != "SE":
        return ["2"]
    codes: list[str] = []
    if len(head) < 3 or not 4 <= len(head[2]) <= 9:
        codes.append("7")
    if len(head) < 3 or len(tail) < 3 or head[2] != tail[2]:
        codes.append("3")
    if len(tail) < 2 or not _same_number(tail[1], str(len(body))):
        codes.append("4")
    return codes


def _group_codes(interchange: Interchange) -> list[str]:
    head, tail = interchange.elements(0), interchange.elements(-2)
    codes: list[str] = []
    if len(tail) < 3 or not _same_number(tail[2], head[6]):
        codes.append("4")
    if len(tail) < 2 or not _same_number(tail[1], "1"):
        codes.append("5")
    if not (head[6].isascii() and head[6].isdigit() and len(head[6]) <= 9):
        codes.append("6")
    return codes


def _same_number(one: str, other: str) -> bool:
    """Whether two numbers are equal; leading zeros do not count."""
    return one == other or (one.isascii() and one.isdigit() and one.lstrip("0") == other.lstrip("0"))


class _Walk:
    """One pass of pyx12 through the segments of a set, keeping what it complains of."""

    def __init__(self, root: Any, interchange: Interchange, keep_characters: bool) -> None:
        self.root = root
        self.interchange = interchange
        self.keep_characters = keep_characters
        self.faults: list[SegmentFault] = []
        self.map_ids = {n.id for n in root.loop_segment_iterator() if isinstance(n, segment_if)}
        self.segments: dict[str, Segment] = {}
        self.checked: dict[tuple[int, str], list[ElementFault]] = {}

    def run(self) -> None:
        x = self.interchange
        walker = walk_tree()
        walker.counter = PathCounter()
        walker.forceWalkCounterToLoopStart(_ST, _ST + "/ST")
        node: Any = self.root.getnodebypath(_ST + "/ST")
        signs = (x.terminator, x.element_separator, x.component_separator, x.repetition_separator)
        for position, whole in enumerate(x.body, 1):
            raw = whole[:_LONGEST_SEGMENT]
            segment = self.segments.get(raw) or PlacedSegment(raw, *signs)
            if len(self.segments) < _FEW_KEPT:
                self.segments[raw] = segment
            complaints: list[Any] = []
            found: Any = node
            if position > 1:
                found, _, _, complaints = walker.walk_errors(node, segment, position, position, None)
            for complaint in complaints:
                self._add(self._segment_fault(complaint, raw, position, node))
            if found is not None:
                node = found
                self._check_elements(found, segment, raw, position)
            if len(self.faults) >= MAX_SEGMENT_FAULTS:
                return

    def _segment_fault(self, complaint: Any, raw: str, position: int, last: Any) -> SegmentFault:
        code, segment_id = complaint.err_cde, raw.split(self.interchange.element_separator, 1)[0]
        if code == "3" and complaint.map_node is not None:
            segment_id = complaint.map_node.id
        elif code == "1":
            code = self._unplaced(segment_id, last)
        return SegmentFault(segment_id[:_LONGEST_NAME], position, code, complaint.err_str, [])

    def _unplaced(self, segment_id: str, last: Any) -> str:
        """AK304 for a segment that may not follow the one at ``last``."""
        if segment_id not in self.map_ids:
            return "6" if segment_id in _known_segments() else "1"
        node = last
        while node.id != "ST_LOOP":
            loop = node.parent
            passed = (one for rank in loop.pos_map if rank < node.pos for one in loop.pos_map[rank])
            if any(segment_id == (one if one.is_segment() else one.get_first_seg()).id for one in passed):
                return "7"
            node = loop
        return "2"

    def _check_elements(self, node: Any, segment: Segment, raw: str, position: int) -> None:
        # A manifest repeats itself (same trailer, same shipper in every shipment): the same text at the same place
        # gets the same verdict.
        key = (id(node), raw)
        found = self.checked.get(key)
        if found is None:
            found = self._elements(node, segment)
            if len(self.checked) < _KEPT:
                self.checked[key] = found
        if found:
            self._add(SegmentFault(str(node.id), position, "8", found[0].text, found[:99]))

    def _elements(self, node: Any, segment: Segment) -> list[ElementFault]:
        faults = self._surplus_components(node, segment)
        _, errors = node.is_valid_errors(segment)
        broken = (rule for rule in node.syntax if not is_syntax_valid(segment, rule)[0])
        for error in errors:
            if error.map_node is None and error.err_cde in {"2", "10"}:
                faults.append(self._relation_fault(error, next(broken), node, segment))
            else:
                fault = self._element_fault(error, node, segment)
                if fault is not None:
                    faults.append(fault)
        if self.keep_characters:
            faults += self._foreign_characters(node, segment, {one.position for one in faults if one.code == "6"})
        if not faults and not any(value.format() for value in segment.elements):
            faults.append(ElementFault("1", "", "1", "", f"Segment {node.id} holds nothing"))
        return faults

    def _foreign_characters(self, node: Any, segment: Segment, told: set[str]) -> list[ElementFault]:
        """AK403 6 where a text holds a character outside CBP's set that pyx12's set has: lower case, for instance."""
        allowed = CBP_CHARACTERS | {self.interchange.component_separator}
        faults = []
        for place, (definition, value) in enumerate(zip(node.children, segment.elements, strict=False), 1):
            text = value.format()
            if allowed.issuperset(text) or any(one.split(":")[0] == str(place) for one in told):
                continue
            if definition.is_composite() or definition.data_type in {"AN", "ID"}:
                number = _digits(definition.data_ele)
                faults.append(
                    ElementFault(str(place), number, "6", text, f"Character outside the set in {definition.id}")
                )
        return faults

    @staticmethod
    def _surplus_components(node: Any, segment: Segment) -> list[ElementFault]:
        """AK403 13 for composites with too many components, which are taken off: pyx12 fails on them."""
        faults = []
        for place, (definition, value) in enumerate(zip(node.children, segment.elements, strict=False), 1):
            if definition.is_composite() and len(value) > definition.get_child_count():
                text = f"Composite {definition.refdes} has too many components"
                number = _digits(definition.data_ele)
                faults.append(ElementFault(str(place), number, "13", value.format(), text))
                del value.elements[definition.get_child_count() :]
        return faults

    @staticmethod
    def _relation_fault(error: Any, rule: list[Any], node: Any, segment: Segment) -> ElementFault:
        """A rule between elements: what is missing is at fault, or the first of those that exclude each other."""
        places = [int(one) for one in rule[1:]]
        absent = [place for place in places if not segment.get_value(f"{place:02d}")]
        place = places[0] if rule[0] == "E" else min(absent)
        number = _digits(node.children[place - 1].data_ele)
        return ElementFault(str(place), number, error.err_cde, "", error.err_str)

    def _element_fault(self, error: Any, node: Any, segment: Segment) -> ElementFault | None:
        source = error.map_node
        value = error.err_val or ""
        if source is None:  # too many elements, or a mandatory composite that is empty
            place = int(error.refdes[-2:])
            number = _digits(node.children[place - 1].data_ele) if place <= len(node.children) else ""
            return ElementFault(str(place), number, error.err_cde, value, error.err_str)
        inside = source.parent.is_composite()
        where = f"{source.parent.seq:02d}-{source.seq}" if inside else f"{source.seq:02d}"
        outside = error.err_cde == "6" and any(c not in CBP_CHARACTERS for c in segment.get_value(where) or "")
        if outside and source.data_type in {"AN", "ID"} and not self.keep_characters:
            return None
        position = f"{source.parent.seq}:{source.seq}" if inside else str(source.seq)
        return ElementFault(position, _digits(source.data_ele), error.err_cde, value, error.err_str)

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


def _digits(data_element: str) -> str:
    """The number of a data element as AK402 gives it, empty where none is known (see ``maps/source/elements.toml``)."""
    number = data_element.split("-")[0]
    return number if number.isdigit() else ""
