"""How does CBP accept or reject in X12? The 355 to a 309, 358 or 353.

M10 and P4 always come back; a bad segment comes back followed at once by its K1s, with the heads of the loops it stands
in; K3 sums up (CBP rail guide 355 v7010, truck CUSRES guide v1.6). Faults of the trip stand after M10 or P4, or
(``trip_faults_at`` *segment*, X12 006040 on) after a copy of their own segment between the two. The layouts of K1 and
K3 come from the profile, because CBP's own are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sandbox.truck.answers import plain
from sandbox.truck.citations import BUREAU_TEXTS
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.x12 import Interchange
from schemas.profile import Profile

MOST_K1: Final = 10
BILL_REJECTED: Final = Remark("", "XXXX BILL REJECTED XXXX", reference=BUREAU_TEXTS)
_COPIED: Final = frozenset({"VEH", "CII", "NM1", "DMG", "DMA", "REF"})
"""Segments of the trip that have a place before P4 in a 355."""
_HEADS_OF_LOOPS: Final = {
    "DMG": "NM1",
    "DMA": "NM1",
    "REF": "NM1",
    "N3": "N1",
    "N4": "N1",
    "DTM": "N1",
    "PER": "N1",
    "R4": "M12",
    "M7": "VID",
    "MBL": "VID",
    "N10": "VID",
    "VC": "N10",
    "MAN": "N10",
    "H1": "N10",
    "H2": "H1",
}


@dataclass(slots=True)
class Result:
    """What became of a message: counts of its items, the word for the state it led to, the faults, and remarks on the
    trip that are no faults.
    """

    faults: Faults
    rejected: int
    accepted: int
    word: str
    extra: list[Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """A part of the message that is judged alone: where its segments stand, and at which of them it is named.

    ``heads``: segments before it that it stands under (a link's VID); ``rejected``: a bill, of which it is said where
    it is named that it was rejected.
    """

    first: int
    last: int
    named_at: int
    heads: tuple[int, ...] = ()
    rejected: bool = True


class AcceptanceWriter:
    """Writes the 355 to one interchange."""

    def __init__(self, interchange: Interchange, profile: Profile, trip_faults_at: str) -> None:
        self.profile, self.trip_faults_at = profile, trip_faults_at
        self.interchange = interchange

    def write(
        self,
        header: tuple[int, Sequence[str]],
        port: tuple[int, Sequence[str]],
        items: Mapping[int, Item],
        result: Result,
    ) -> list[list[str]]:
        """The set from ST on; ``header`` and ``port`` are M10 and P4 with their positions (0: not in the message)."""
        out = [["ST", "355"], list(header[1])]
        at_port = [remark for position, remark in result.faults.trip if position and position == port[0]]
        others = [(position, remark) for position, remark in result.faults.trip if position != port[0] or not position]
        if self.trip_faults_at == "header":
            out += self._k1([*(remark for _, remark in others), *result.extra])
        else:
            apart = [(p, r) for p, r in others if p and self._row(p)[0] in _COPIED]
            out += self._k1([*(r for p, r in others if (p, r) not in apart), *result.extra])
            out += self._copies(apart)
        out.append(list(port[1]))
        out += self._k1(at_port)
        for number, index in enumerate(sorted(result.faults.items), 1):
            out += self._item(items[index], result.faults.items[index], number)
        summary = self.profile.k3_format.format(
            rejected=result.rejected, accepted=result.accepted, state=result.word, manifest=result.word
        )
        out.append(["K3", summary])
        return out

    def _row(self, position: int) -> list[str]:
        return self.interchange.body[position - 1].split(self.interchange.element_separator)

    def _copies(self, faults: Iterable[tuple[int, Remark]]) -> list[list[str]]:
        """Segments of truck and persons with their K1s, in the order of the message."""
        by_place: dict[int, list[Remark]] = {}
        for position, remark in faults:
            by_place.setdefault(position, []).append(remark)
        out: list[list[str]] = []
        written: set[int] = set()
        for position in sorted(by_place):
            row = self._row(position)
            head = position
            while _HEADS_OF_LOOPS.get(row[0]) == "NM1" and self._row(head)[0] != "NM1":
                head -= 1
            if head != position and head not in written:
                out.append(self._row(head))
            written |= {head, position}
            out.append(row)
            out += self._k1(by_place[position])
        return out

    def _item(self, item: Item, faults: Mapping[int, list[Remark]], number: int) -> list[list[str]]:
        """One item under its LX: a 309's own, or one made for the items of sets that have none."""
        first = self._row(item.first)
        out = [first if first[0] == "LX" else ["LX", str(number)]]
        told = {position: list(remarks) for position, remarks in faults.items()}
        if item.first in told and first[0] == "LX":  # LX itself is answered at the first segment after it
            told.setdefault(item.named_at, []).extend(told.pop(item.first) if item.named_at != item.first else [])
        for head in item.heads:
            out.append(self._row(head))
            out += self._k1(told.pop(head, []))
        heads: dict[str, int] = {}
        written: set[int] = set(item.heads)
        for position in range(item.first + (first[0] == "LX"), item.last + 1):
            row = self._row(position)
            heads[row[0]] = position
            if position not in told and position != item.named_at:
                continue
            for above in _above(row[0]):
                place = heads.get(above)
                if place is not None and place not in written:
                    out.append(self._row(place))
                    written.add(place)
            if position not in written:
                out.append(row)
                written.add(position)
            remarks = told.get(position, [])
            named = position == item.named_at and item.rejected
            out += self._k1([*remarks[: MOST_K1 - 1], BILL_REJECTED] if named else remarks)
        if item.named_at == item.first and first[0] == "LX":
            out += self._k1([*told.get(item.first, [])[: MOST_K1 - 1], BILL_REJECTED])
        return out

    def _k1(self, remarks: Iterable[Remark]) -> list[list[str]]:
        """K1 segments in the profile's layout; K101 and K102 hold 30 characters each."""
        out = []
        for remark in list(remarks)[:MOST_K1]:
            value = plain(remark.value, self.interchange)[:30]
            if not remark.code:
                out.append(["K1", remark.text[:30], remark.text[30:60] or value])
                continue
            first = self.profile.k1_first.format(code=remark.code, text=remark.text)[:30]
            out.append(["K1", first, remark.text[:30] if self.profile.k1_second == "text" else value])
        return out


def _above(name: str) -> list[str]:
    chain: list[str] = []
    while name in _HEADS_OF_LOOPS:
        name = _HEADS_OF_LOOPS[name]
        chain.insert(0, name)
    return chain
