"""Is this segment well formed? Types, lengths, characters, codes and relational rules of its elements.

Two ways, one truth. :meth:`Checker.faults` looks at every element and names every fault. Because it is slow and most
segments are sound, :meth:`Checker.sound` first tries one compiled pattern over the whole segment
(:mod:`schemas.x12.patterns`); a segment that the pattern takes is sound, any other is looked at closely.

Characters: CBP's set (CSMS 12-000403: capitals, digits, most specials; the space is recalled) without the four
separators in use. Lengths of numbers count digits, not sign and point. An element of spaces only holds nothing
and is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.text import CBP_CHARACTERS
from schemas.x12.patterns import ValuePattern, escaped, rules_left, sound_pattern
from schemas.x12.problems import shown
from schemas.x12.segments import Separators
from schemas.x12.tables import CODES, SEGMENTS, SETS, ElementDef, Relation, SegmentDef

CHARACTER_SOURCE: Final = "CSMS 12-000403"
_KNOWN_SHAPES: Final = 4096

_R = re.compile(r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)")
_N = re.compile(r"-?[0-9]+")
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one element: ``acknowledgment`` is its X12 number (data element 723)."""

    code: str
    acknowledgment: str
    element: ElementDef
    value: str
    text: str
    remedy: str


def is_date(value: str) -> bool:
    """Whether ``value`` is a day of the calendar, CCYYMMDD or YYMMDD (then of this century)."""
    if len(value) not in (6, 8) or not (value.isascii() and value.isdigit()):
        return False
    year, month, day = int(value[:-4]), int(value[-4:-2]), int(value[-2:])
    if len(value) == 6:
        year += 2000
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return year > 0 and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] + (leap and month == 2)


def is_time(value: str) -> bool:
    """Whether ``value`` is a time of day: HHMM, then seconds, then one or two decimals of a second."""
    if len(value) not in (4, 6, 7, 8) or not (value.isascii() and value.isdigit()):
        return False
    return int(value[:2]) < 24 and int(value[2:4]) < 60 and int(value[4:6] or "0") < 60


def _length(kind: str, value: str) -> int:
    return sum(sign.isdigit() for sign in value) if kind in ("N0", "N2", "R") else len(value)


def _typed(element: ElementDef, value: str) -> tuple[str, str, str, str] | None:
    """Problem code, X12 number, sentence and remedy when ``value`` is not of the element's type."""
    kind = element.type
    if kind in ("N0", "N2") and not _N.fullmatch(value):
        return "element_not_a_number", "6", "is not a whole number", "Write digits only."
    if kind == "R" and not _R.fullmatch(value):
        return (
            "element_not_a_number",
            "6",
            "is not a decimal number",
            "Write digits with at most one point between them.",
        )
    if kind == "DT" and not is_date(value):
        return "element_not_a_date", "8", "is not a date", "Write CCYYMMDD, a day of the calendar."
    if kind == "TM" and not is_time(value):
        return "element_not_a_time", "9", "is not a time", "Write HHMM, 0000 to 2359."
    return None


def relation_holds(relation: Relation, present: tuple[bool, ...]) -> bool:
    """Whether a relational rule of X12 holds for the elements that are ``present`` (index 0 is element 01)."""
    there = [position <= len(present) and present[position - 1] for position in relation.positions]
    first, rest = there[0], there[1:]
    return {
        "P": all(there) or not any(there),
        "R": any(there),
        "C": not first or all(rest),
        "L": not first or any(rest),
        "E": sum(there) <= 1,
    }[relation.kind]


_RELATION_TEXT: Final = {
    "P": "go together: send all of them or none",
    "R": "need at least one of them",
    "C": "belong together: the first asks for the others",
    "L": "belong together: the first asks for one of the others",
    "E": "exclude each other",
}


class Checker:
    """The checks of one segment in one set under one choice of separators: quick (:meth:`quick`) or full."""

    __slots__ = ("_elements", "_held", "_illegal", "_lists", "_separators", "_two_separators", "_widest",
                 "definition", "leading_space", "rules", "takes")  # fmt: skip

    def __init__(self, definition: SegmentDef, set_id: str, separators: Separators) -> None:
        self.definition = definition
        self._separators = separators
        known = SETS.get(set_id)
        self._lists = known is None or known.code_lists
        widths = known.widths if known else {}
        self._elements = tuple(
            (element, widths.get(element.reference, element.longest)) for element in definition.elements
        )
        self._widest = len(self._elements)
        legal = _legal(separators)
        self._illegal = re.compile(f"[^{escaped(legal)}]")
        patterns = ValuePattern(legal, separators.component)
        values = {
            element.position: patterns.of(element, longest, self._codes(element)) for element, longest in self._elements
        }
        self.takes: Callable[[str], object] = sound_pattern(definition, values, separators.element).fullmatch
        self.rules = rules_left(definition)
        self._held: dict[tuple[bool, ...] | int, bool] = {}
        self.leading_space = separators.element + " "
        self._two_separators = separators.element * 2

    def quick(self, raw: str, elements: Sequence[str]) -> bool:
        """Whether the pattern takes the segment text ``raw``, split into ``elements``; ``False``: look closer."""
        return self.takes(raw) is not None and self.leading_space not in raw and self.holds(raw, elements)

    def holds(self, raw: str, elements: Sequence[str]) -> bool:
        """Whether ``rules``, the relational rules that the pattern leaves open, hold."""
        # Without an empty element in between, the number of elements says which are there.
        present = tuple(map(bool, elements)) if self._two_separators in raw else len(elements)
        held = self._held.get(present)
        if held is None:
            there = tuple(map(bool, elements))
            held = all(relation_holds(rule, there) for rule in self.rules)
            if len(self._held) < _KNOWN_SHAPES:
                self._held[present] = held
        return held

    def sound(self, raw: str, elements: Sequence[str]) -> bool:
        """Whether the segment text ``raw``, split into ``elements``, is sound and ends with a value."""
        return self.quick(raw, elements) or (
            bool(elements) and bool(elements[-1]) and next(self.faults(tuple(elements)), None) is None
        )

    def faults(self, elements: tuple[str, ...]) -> Iterator[Fault]:
        """Every fault of the segment, element by element, then the relational rules."""
        for at, (element, longest) in enumerate(self._elements):
            value = elements[at] if at < len(elements) else ""
            if value:
                yield from self._element_faults(element, longest, value)
            elif element.use == "M":
                yield Fault(
                    "element_missing",
                    "1",
                    element,
                    "",
                    f"{_title(element)} is mandatory and missing.",
                    "Send the element.",
                )
        if not any(elements) and all(element.use != "M" for element, _ in self._elements):  # else told already
            nothing = ElementDef(f"{self.definition.id}01", 1, "", "", "M", "AN", 1, 1, "", "seen", "")
            yield Fault(
                "segment_empty", "1", nothing, "", f"{self.definition.id} holds nothing.", "Leave the segment out."
            )
        if len(elements) > self._widest:
            beyond = ElementDef(
                f"{self.definition.id}{self._widest + 1:02d}", self._widest + 1, "", "", "O", "AN", 1, 1, "", "seen", ""
            )
            yield Fault(
                "too_many_elements",
                "3",
                beyond,
                elements[self._widest],
                f"{self.definition.id} has {self._widest} elements, not {len(elements)}.",
                "Remove what is too much.",
            )
        present = tuple(map(bool, elements))
        for rule in self.definition.rules:
            if not relation_holds(rule, present):
                yield self._relation_fault(rule, present)

    def _relation_fault(self, rule: Relation, present: tuple[bool, ...]) -> Fault:
        there = [position for position in rule.positions if position <= len(present) and present[position - 1]]
        absent = [position for position in rule.positions if position not in there]
        blamed = there[-1] if rule.kind == "E" else absent[0]
        names = ", ".join(f"{self.definition.id}{position:02d}" for position in rule.positions)
        return Fault(
            "element_relation",
            "10" if rule.kind == "E" else "2",
            self._elements[blamed - 1][0],
            "",
            f"{names} {_RELATION_TEXT[rule.kind]} (rule {rule}).",
            "Add or remove an element.",
        )

    def _element_faults(self, element: ElementDef, longest: int, value: str) -> Iterator[Fault]:
        title = _title(element)
        checked = value.replace(self._separators.component, "") if element.type == "composite" else value
        bad = self._illegal.search(checked)
        if bad:
            sign = bad.group()
            if sign in self._separators.signs:
                yield Fault(
                    "separator_in_data",
                    "6",
                    element,
                    value,
                    f"{title} holds {sign!r}, which separates on this wire: {shown(value)}.",
                    "Write another sign.",
                )
            else:
                yield Fault(
                    "invalid_character",
                    "6",
                    element,
                    value,
                    f"{title} holds {sign!r}, which CBP does not accept: {shown(value)}.",
                    "Use capitals, digits and CBP's punctuation.",
                )
        elif not value.strip(" "):
            yield Fault("element_blank", "6", element, value, f"{title} holds spaces only.", "Leave the element empty.")
        wrong = _typed(element, value)
        if wrong:
            code, number, sentence, remedy = wrong
            yield Fault(code, number, element, value, f"{title} {sentence}: {shown(value)}.", remedy)
        length = _length(element.type, value)
        if length < element.shortest and not (wrong and length == 0):
            yield Fault(
                "element_too_short",
                "4",
                element,
                value,
                f"{title} needs at least {element.shortest} characters, not {length}: {shown(value)}.",
                "Give the full value.",
            )
        elif length > longest:
            yield Fault(
                "element_too_long",
                "5",
                element,
                value,
                f"{title} holds at most {longest} characters, not {length}: {shown(value)}.",
                "Give a shorter value.",
            )
        listed = self._codes(element)
        if listed is not None and value not in listed:
            yield Fault(
                "element_not_in_list",
                "7",
                element,
                value,
                f"{title} is no code of the list {CODES[element.codes].name!r}: {shown(value)}.",
                "Use one of: " + ", ".join(sorted(listed)) + ".",
            )

    def _codes(self, element: ElementDef) -> frozenset[str] | None:
        if not self._lists or not element.codes or not CODES[element.codes].enforced:
            return None
        return frozenset(CODES[element.codes].codes)


def _legal(separators: Separators) -> frozenset[str]:
    return CBP_CHARACTERS - frozenset(separators.signs)


def _title(element: ElementDef) -> str:
    return f"{element.reference} {element.name}".rstrip()


class CheckerTable:
    """The checkers for one set and one choice of separators; each is compiled when its segment first comes."""

    __slots__ = ("_made", "_separators", "_set_id")

    def __init__(self, set_id: str, separators: Separators) -> None:
        self._set_id = set_id
        self._separators = separators
        self._made: dict[str, Checker] = {}

    def find(self, segment_id: str) -> Checker | None:
        """The checker of ``segment_id``, ``None`` if the tables do not know the segment."""
        made = self._made.get(segment_id)
        if made is None and segment_id in SEGMENTS:
            made = self._made[segment_id] = Checker(SEGMENTS[segment_id], self._set_id, self._separators)
        return made


@lru_cache(maxsize=64)
def checkers(set_id: str, separators: Separators) -> CheckerTable:
    """The checkers for one set. ``set_id`` may be empty or unknown: then the tables' own widths and lists hold.

    Separators come from the ISA, so the number of kept choices is bounded.
    """
    return CheckerTable(set_id, separators)
