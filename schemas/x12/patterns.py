"""How does one compiled pattern tell that a segment is sound?

Almost every segment is sound, so the cheap question comes first: :func:`sound_pattern` puts types, lengths, characters,
codes and the mandatory elements of a segment into one regular expression. It may be stricter than
:mod:`schemas.x12.elements` (a 29 February, a value that begins with a space), never laxer: what it does not take is
looked at element by element.

Nothing in it looks back: every repetition is possessive, because an element ends at the next separator and nowhere
else. A relational rule of the kind P over two neighbours that no other rule speaks of is part of the pattern (both
values or two separators); :func:`rules_left` are those that it does not hold.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.x12.tables import ElementDef, Relation, SegmentDef

_MONTH_AND_DAY: Final = (
    "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK: Final = "(?:[01][0-9]|2[0-3])[0-5][0-9]"


class ValuePattern:
    """Patterns of single values: ``signs`` are the characters that data may hold, ``component`` separates inside."""

    def __init__(self, signs: frozenset[str], component: str) -> None:
        self._signs = signs
        self._component = component

    def of(self, element: ElementDef, longest: int, codes: frozenset[str] | None) -> str:
        """The pattern of an element that is there; ``codes`` are its values where a list is held."""
        kind, shortest = element.type, element.shortest
        if codes is not None:
            return "(?:" + "|".join(re.escape(code) for code in sorted(codes, key=lambda one: (-len(one), one))) + ")"
        if kind in ("N0", "N2"):
            return f"-?+[0-9]{{{shortest},{longest}}}+"
        if kind == "R":
            with_point = f"(?=[0-9.]{{{shortest + 1},{longest + 1}}}+(?![0-9.]))[0-9]*+[.][0-9]++"
            return f"-?+(?:[0-9]{{{shortest},{longest}}}+(?![.])|{with_point})"
        if kind == "DT":
            return ("(?:19|20)[0-9]{2}" if shortest == 8 else "[0-9]{2}") + _MONTH_AND_DAY
        if kind == "TM":
            return _CLOCK if longest == 4 else _CLOCK + "(?:[0-5][0-9](?:[0-9]{1,2})?)?"
        signs = self._signs | {self._component} if kind == "composite" else self._signs
        return f"[{escaped(signs)}]{{{shortest},{longest}}}+"


def escaped(signs: frozenset[str]) -> str:
    """``signs`` for use between the brackets of a character class."""
    return re.escape("".join(sorted(signs)))


def _pairs(definition: SegmentDef) -> dict[int, Relation]:
    """The P rules over two neighbours that no other rule touches, by their second position."""
    spoken_of = [position for rule in definition.rules for position in rule.positions]
    return {
        rule.positions[1]: rule
        for rule in definition.rules
        if rule.kind == "P"
        and len(rule.positions) == 2
        and rule.positions[0] + 1 == rule.positions[1]
        and all(spoken_of.count(position) == 1 for position in rule.positions)
    }


def rules_left(definition: SegmentDef) -> tuple[Relation, ...]:
    """The relational rules that the pattern of the segment does not hold by itself."""
    held = _pairs(definition).values()
    return tuple(rule for rule in definition.rules if rule not in held)


def sound_pattern(definition: SegmentDef, values: dict[int, str], separator: str) -> re.Pattern[str]:
    """The pattern of the whole segment from the patterns of its ``values`` (by position).

    A value that begins with a space is not taken: it could be blank, which costs too much to find out here.
    """
    mark, pairs = re.escape(separator), _pairs(definition)
    rest, needed = "", False
    position = len(definition.elements)
    while position:
        value = f"{mark}{values[position]}"
        element = definition.elements[position - 1]
        if position in pairs:
            position -= 1
            unit = f"(?:{mark}{values[position]}{value}|{mark}{mark})"
        else:
            unit = value if element.use == "M" else f"{mark}(?:{values[position]})?+"
        needed = needed or element.use == "M" or position == 1
        rest = f"{unit}{rest}" if needed else f"(?:{unit}{rest})?+"
        position -= 1
    return re.compile(f"{definition.id}{rest}(?<!{mark})")
