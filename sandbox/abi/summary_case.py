"""What is wrong with one entry summary so far, and where? The sheet on which its checks write.

A place is a path of references (E0): the grouping, the count of the record in it, and the data that tell it. CATAIR
Entry Summary Create/Update rev 109 (July 2026), E0 table 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

from sandbox.abi.batch_reader import Block, Line
from sandbox.abi.columns import day_of
from sandbox.abi.summary_conditions import CONDITIONS, Wrong
from sandbox.abi.summary_filed import LineFiled, SummaryFiled
from sandbox.clock import EASTERN
from sandbox.registry import NUMBER_FORMS, Registry
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour


@dataclass(frozen=True, slots=True)
class Place:
    """One E0: type of reference, occurrence, reference text (up to 55 columns)."""

    kind: str
    occurrence: int = 1
    text: str = ""


Path = tuple[Place, ...]
HEADER: Final[Path] = ()
"""What belongs to the summary as such: the E0 SUMMRY that is always there."""


@dataclass(slots=True)
class SummaryCase:
    """One AE transaction under judgement. ``sequence`` counts the transactions of the block from 1; ``released`` is the
    day CBP released the goods, where it has.
    """

    summary: SummaryFiled
    block: Block
    sequence: int
    now: datetime
    book: RuleBook
    behaviour: Behaviour
    registry: Registry
    released: date | None = None
    found: list[tuple[Path, Wrong]] = field(default_factory=list)

    def add(self, code: str, path: Path = HEADER) -> None:
        """Complain under a code of the table; the same complaint of the same place is made once."""
        self.put(CONDITIONS[code], path)

    def put(self, wrong: Wrong, path: Path = HEADER) -> None:
        """Complain under any condition."""
        if (path, wrong) not in self.found:
            self.found.append((path, wrong))

    @property
    def type(self) -> str:
        """Entry type."""
        return self.summary.head["type"]

    @property
    def mode(self) -> str:
        """Mode of transportation."""
        return self.summary.head["mode"]

    @property
    def today(self) -> date:
        """CBP's day."""
        return self.now.astimezone(EASTERN).date()

    def fee_instant(self) -> datetime:
        """When the rates of fees are taken from: release, estimated entry date, print date, an arrival still ahead, or
        now (usage notes n and q).
        """
        summary = self.summary
        arrival = day_of(summary.cargo.get("arrival", ""))
        candidates = (
            self.released,
            day_of(summary.content.get("entry_date", "")),
            day_of(summary.head["print_date"]),
            arrival if arrival is not None and arrival > self.today else None,
        )
        day = next((one for one in candidates if one is not None), self.today)
        return datetime.combine(day, time(12), EASTERN)

    # ------------------------------------------------------------------ places

    def _identity(self, kind: str) -> Place:
        head = self.summary.head
        return Place(kind, self.sequence, f"{head['filer']:3} {head['number']:8} {head['reference']:12}")

    @property
    def after_lines(self) -> Path:
        """What is wrong across the lines."""
        return (self._identity("PSTLIN"),)

    def totals(self, count: int = 0, fee: str = "", amount: str = "") -> Path:
        """What is wrong with the totals, or with one fee total among them."""
        path: Path = (self._identity("TOTALS"),)
        return (*path, Place("FEETOT", count, f"{fee:3} {amount:0>11}")) if fee else path


def record_place(kind: str, count: int, line: Line, *names: str) -> Place:
    """A record by some of its fields, a space between them."""
    widths = {one.name: one.end - one.start + 1 for one in line.layout.fields} if line.layout is not None else {}
    return Place(kind, count, " ".join(line.values[name].ljust(widths.get(name, 0)) for name in names))


def line_path(item: LineFiled) -> Path:
    """A line of the summary."""
    return (Place("LINITM", item.place, item.head.values["line"]),)


def party_form(number: str) -> bool:
    """Whether a number has one of the forms of usage note f."""
    return any(form.fullmatch(number) for form in NUMBER_FORMS.values())


def is_zeros(number: str) -> bool:
    """Whether a number of the right form is all zeros."""
    return party_form(number) and not number.replace("-", "").strip("0")
