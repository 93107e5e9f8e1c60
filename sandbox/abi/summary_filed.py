"""What does an entry summary say? Its header, lines and totals as values. Nothing is judged here.

Amounts are cents (int) or ``None`` when the field does not hold a number; values of goods are whole dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sandbox.abi.batch_reader import Line, Transaction
from sandbox.markers import Marks, read_marks

FEES_ON_A_TOTAL: Final = 5
FEES_ON_A_HEADER: Final = 2


def number_in(line: Line, name: str) -> int | None:
    """The number a field of class (S)N holds, ``None`` when it is blank or holds something else."""
    if not line.values[name] or any(one.kind == "class" and one.name == name for one in line.faults()):
        return None
    return int(line.values[name])


@dataclass(slots=True)
class LineFiled:
    """One 40 with what stands under it; ``place`` counts the lines from 1."""

    place: int
    head: Line
    records: list[Line] = field(default_factory=list)

    def all(self, name: str) -> list[Line]:
        """Its records with an identifier, in order."""
        return [one for one in self.records if one.id == name]

    @property
    def value(self) -> int:
        """Value of goods of all its tariff numbers."""
        return sum(number_in(one, "value") or 0 for one in self.all("50"))

    @property
    def duty(self) -> int:
        """Duty of all its tariff numbers."""
        return sum(number_in(one, "duty") or 0 for one in self.all("50"))

    def fees(self) -> dict[str, int]:
        """Amounts of its user fees by accounting class."""
        found: dict[str, int] = {}
        for one in self.all("62"):
            if fee := one.values["class"]:
                found[fee] = found.get(fee, 0) + (number_in(one, "amount") or 0)
        return found


@dataclass(slots=True)
class SummaryFiled:
    """One AE transaction as values; ``others`` are the records before the first line, without the 10."""

    lines: list[Line]
    head: dict[str, str]
    content: dict[str, str]
    cargo: dict[str, str]
    others: list[Line] = field(default_factory=list)
    items: list[LineFiled] = field(default_factory=list)
    totals: list[Line] = field(default_factory=list)

    @property
    def number(self) -> str:
        """Eleven characters: filer, sequence, check digit."""
        return self.head["filer"] + self.head["number"]

    @property
    def value(self) -> int:
        """Value of goods of all lines."""
        return sum(item.value for item in self.items)

    def all(self, name: str) -> list[Line]:
        """Header records with an identifier, in order."""
        return [one for one in self.others if one.id == name]

    def total(self, name: str) -> Line | None:
        """The last totals record with an identifier."""
        return next((one for one in reversed(self.totals) if one.id == name), None)

    def header_fees(self) -> dict[str, int]:
        """Amounts of the header fees by accounting class."""
        return _pairs(self.all("34"), FEES_ON_A_HEADER)

    def total_fees(self) -> dict[str, int]:
        """Fee totals by accounting class."""
        return _pairs([one for one in self.totals if one.id == "89"], FEES_ON_A_TOTAL)

    def line_fees(self) -> dict[str, int]:
        """Line fees of all lines by accounting class."""
        found: dict[str, int] = {}
        for item in self.items:
            for fee, cents in item.fees().items():
                found[fee] = found.get(fee, 0) + cents
        return found

    def marks(self) -> Marks:
        """Magic markers in the numbers of the bills (23) and in the broker's reference."""
        numbers = [one.values["number"] for one in self.all("23")]
        return read_marks(" ".join([*numbers, self.head["reference"]]))


def _pairs(lines: list[Line], most: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        for place in range(1, most + 1):
            fee = line.values[f"class_{place}"]
            if fee:
                found[fee] = found.get(fee, 0) + (number_in(line, f"amount_{place}") or 0)
    return found


_TOTALS: Final = frozenset({"88", "89", "90"})


def read_summary(transaction: Transaction) -> SummaryFiled:
    """Values of a transaction that begins with a 10."""
    lines = transaction.lines
    first = {one.id: one.values for one in reversed(lines)}
    summary = SummaryFiled(lines, lines[0].values, first.get("11", {}), first.get("20", {}))
    for line in lines[1:]:
        if line.id == "40":
            summary.items.append(LineFiled(len(summary.items) + 1, line))
        elif line.id in _TOTALS:
            summary.totals.append(line)
        elif summary.items:
            summary.items[-1].records.append(line)
        else:
            summary.others.append(line)
    return summary
