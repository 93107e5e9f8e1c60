"""How may two readers of the same interchange lawfully differ in the 997 that they give?

Every difference that is no fault of either stands here as a rule, with its reason as the name: between the gateway and
the sandbox (pyx12's verdict, put into a 997 by the sandbox), and between the gateway and pyx12's own 997.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.acknowledgment_corpus import Case

Item = tuple[str, ...]
"""("AK3", segment, position, code) or ("AK4", segment, position, element, data element, code)."""


@dataclass(frozen=True)
class Answer:
    """What a 997 says: notes, set result and codes, group result, counts and codes."""

    notes: frozenset[Item]
    set_result: str
    set_codes: frozenset[str]
    group_result: str
    counts: tuple[str, ...]
    group_codes: frozenset[str]


def read_answer(segments: Iterable[Sequence[str]]) -> Answer:
    """The notes and results of a 997's segments; positions of components are written with a colon."""
    notes: set[Item] = set()
    place: Item = ()
    set_row: list[str] = [""] * 8
    group_row: list[str] = [""] * 12
    for segment in segments:
        row = [*segment, *[""] * 10]
        if row[0] == "AK3":
            place = (row[1], row[2])
            notes.add(("AK3", *place, row[4]))
        elif row[0] == "AK4":
            number = row[2].split("-")[0]
            notes.add(("AK4", *place, row[1].replace(">", ":"), number if number.isdigit() else "", row[3]))
        elif row[0] == "AK5":
            set_row = row
        elif row[0] == "AK9":
            group_row = row
    return Answer(
        frozenset(notes),
        set_row[1],
        frozenset(code for code in set_row[2:] if code),
        group_row[1],
        tuple(group_row[2:5]),
        frozenset(code for code in group_row[5:] if code),
    )


@dataclass(frozen=True)
class Difference:
    """One thing that only one of two readers says: ``mine`` if the gateway says it; both whole answers beside it."""

    case: Case
    mine: bool
    item: Item
    ours: Answer
    theirs: Answer

    @property
    def segment(self) -> str:
        """Segment of the note."""
        return self.item[1]

    @property
    def code(self) -> str:
        """AK304 or AK403."""
        return self.item[-1]

    @property
    def reference(self) -> str:
        """Like ``DMG02``, of an AK4."""
        return f"{self.item[1]}{int(self.item[3].split(':')[0]):02d}" if self.item[0] == "AK4" else self.item[1]

    def both_say(self, *codes: str) -> bool:
        """Whether both give the element (of an AK4) or the segment (of an AK3) one of these codes."""
        cut = 4 if self.item[0] == "AK4" else 3
        place = self.item[:cut]
        return all(
            any(one[:cut] == place and one[-1] in codes for one in answer.notes) for answer in (self.ours, self.theirs)
        )

    def both_misplaced(self) -> bool:
        """Whether both say that the segment may not stand where it stands."""
        place = ("AK3", *self.item[1:3])
        return all(
            any(one[:3] == place and one[3] in {"1", "2", "6", "7"} for one in answer.notes)
            for answer in (self.ours, self.theirs)
        )

    def follows(self, rules: dict[str, Rule]) -> bool:
        """Whether this is the AK3 8 above AK4s that only this side says and that are explained."""
        if self.item[0] != "AK3" or self.code != "8":
            return False
        side, other = (self.ours, self.theirs) if self.mine else (self.theirs, self.ours)
        below = [one for one in side.notes if one[0] == "AK4" and one[1:3] == self.item[1:3]]
        return bool(below) and all(
            any(rule(Difference(self.case, self.mine, one, self.ours, self.theirs)) for rule in rules.values())
            for one in below
            if one not in other.notes
        )


Rule = Callable[[Difference], bool]

_TRIP_LEVEL = {"355": {"M10", "K1", "VEH", "VID"}, "350": {"V9", "VEH", "VID", "M7", "K1", "N9"}}

SANDBOX: dict[str, Rule] = {
    "a segment that may not stand where it stands is looked into by us all the same: it helps who mends it": lambda d: (
        d.mine and d.both_misplaced() and (d.item[0] == "AK4" or d.code == "8")
    ),
    "the sandbox knows the names of more X12 segments: not in this set (6) where we say unrecognised (1)": lambda d: (
        d.segment == "BA1" and d.both_misplaced()
    ),
    "the base of the 355 and 350 is the map; we take the trip level in any order, as CBP grafts segments onto it": (
        lambda d: d.item[0] == "AK3" and d.segment in _TRIP_LEVEL.get(d.case.set_id, ())
    ),
    "pyx12 does not see what is missing in a loop when the same loop begins again": lambda d: (
        d.mine and d.case.kind == "doubled" and d.segment in {"LX", "AK5"} and d.code == "3"
    ),
    "in a value with a component separator pyx12 stops at the separator, we name length and code too": lambda d: (
        d.mine and d.case.kind == "component" and d.code in {"4", "5", "7", "8", "9"} and d.both_say("6")
    ),
    "letters count in the length of a number for pyx12; X12 counts digits": lambda d: (
        not d.mine and d.code in {"4", "5"} and d.both_say("6")
    ),
    "we name the foreign character in a date or time beside the bad date": lambda d: (
        d.mine and d.code == "6" and d.both_say("8", "9")
    ),
    "a time that is too short is no time either; pyx12 says only that it is too short": lambda d: (
        d.mine and d.code == "9" and d.both_say("4")
    ),
    "the sandbox holds DMG to D8, a day, and a gender code; X12 leaves the lists to the partners": lambda d: (
        not d.mine and d.reference in {"DMG01", "DMG02", "DMG03"} and d.code in {"7", "8"}
    ),
    "X12 says trailing spaces should be left out; we take them, pyx12 does not": lambda d: (
        not d.mine and d.case.kind == "trailing space" and d.code == "6"
    ),
    "separators at the end of a segment: a warning for us, elements too many for pyx12": lambda d: (
        not d.mine and d.case.kind == "trailing separators" and d.code == "3"
    ),
    "the element pages of M11 and DMA were not readable to the end: the map has M1123 and M1124, DMA07 and DMA18": (
        lambda d: d.segment in {"M11", "DMA"} and d.case.kind == "too many elements"
    ),
    "we take REF04 and K303 as one value; pyx12 reads their components": lambda d: (
        not d.mine and d.reference in {"REF04", "K303"}
    ),
    "of two elements that exclude each other X12 does not say which is at fault: we say the last, pyx12 the first": (
        lambda d: d.code == "10" and d.reference in {"N402", "N407"}
    ),
}

WHOLE_SET = {
    "SE01 no number": "what is no number is told by its element; the sandbox adds that it is not the count",
    "SE01 missing": "the same",
    "ST01 of another group": "we read the set by ST01 and blame the group (AK905 1), the sandbox the set (AK502 6)",
    "ST01 unknown": "of a set that nobody knows we still look at the elements, which pyx12 cannot",
}
"""Kinds of case where the set is judged from different ends: both reject, and only that is compared."""


def _common(*words: str) -> dict[str, Rule]:
    """The rules of the sandbox that hold for pyx12's own 997 as well, by their first words."""
    return {name: rule for name, rule in SANDBOX.items() if name.startswith(words)}


PYX12: dict[str, Rule] = {
    **_common(
        "a segment that may", "the base of", "pyx12 does not see", "in a value with", "letters count", "a time that"
    ),
    **_common("the sandbox holds DMG", "X12 says trailing", "the element pages", "we take REF04"),
    "pyx12 says 'unrecognised' (1) of every segment that it cannot place, we say 2, 6 or 7": lambda d: (
        d.item[0] == "AK3" and d.both_misplaced()
    ),
    "a name that is no segment name cannot stand in AK301; pyx12 writes it, and notes the segment after it": lambda d: (
        not d.mine and d.case.kind in {"lower-case segment", "segment name too long"} and d.code == "1"
    ),
    "pyx12's 997 has no AK4 for rules between elements and for elements too many, only the AK3 8 above": lambda d: (
        d.mine and d.item[0] == "AK4" and d.code in {"2", "3", "10"}
    ),
    "pyx12's characters are not CBP's: lower case is good for it, a foreign one may be told otherwise": lambda d: (
        d.mine and d.item[0] == "AK4" and d.code == "6" and d.case.kind in {"lower case", "bad character"}
    ),
    "separators at the end of a segment: a warning for us, an AK3 8 without AK4 for pyx12": lambda d: (
        not d.mine
        and d.item[0] == "AK3"
        and d.code == "8"
        and d.case.kind in {"trailing separators", "emptied", "rule broken", "too many elements"}
    ),
    "a segment without any value: we name its first element, pyx12 notes the segment only": lambda d: (
        d.mine and d.case.kind in {"empty", "emptied"} and d.item[0] == "AK4" and d.code == "1"
    ),
    "pyx12 notes a wrong SE by the codes of the set (AK502 6 or 7), we by its element": lambda d: (
        d.mine and d.segment in {"SE", "ST"}
    ),
    "what pyx12 misses before the SE it notes one segment earlier": lambda d: (
        d.item[0] == "AK3"
        and d.code == "3"
        and ("AK3", d.segment, str(int(d.item[2]) + (-1 if d.mine else 1)), "3")
        in (d.theirs.notes if d.mine else d.ours.notes)
    ),
    "pyx12 blames the missing SE as a segment too, we by AK502 2": lambda d: not d.mine and d.item[:2] == ("AK3", "SE"),
}

PYX12_TRAILERS = {
    **WHOLE_SET,
    "ST02 too long": "AK2 cannot repeat such a number: we leave AK2 to AK5 out, pyx12 writes it and says 7",
    "ST02 too short": "the same",
    "no SE": "pyx12 gives AK502 5 and AK905 3, we AK502 2",
    "SE02 missing": "pyx12 gives AK502 7, we the element",
    "GE01 wrong": "pyx12 counts the set as accepted in a group that it rejects",
    "GE02 wrong": "the same",
    "GE02 with zeros": "pyx12 compares the signs of two numbers, X12 the numbers",
}
"""Kinds where AK5 and AK9 are built otherwise; that the group is rejected is compared where both can tell."""

PYX12_ACCEPTS = {"ST01 unknown", "ST01 of another group", "ST02 too long", "ST02 too short"}
"""pyx12 chooses the map by GS01 alone and forgets an error of ST itself when it writes AK501."""


READING: dict[str, Rule] = {
    **SANDBOX,
    "we take AK401 as one value; pyx12 reads its components": lambda d: d.reference == "AK401",
}
