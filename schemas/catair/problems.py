"""Where exactly in a file of fixed-width records is a fault?

:class:`PlacedProblem` is a :class:`schemas.errors.Problem` with a position: record number (1 = the
first record of the file), column (1 to 80, 0 = the whole record), and the block and transaction it
belongs to (1 = the first; 0 = none). Codes that CBP itself would answer with are CBP's (``X34``,
``X39``, ``X40``…, see :mod:`schemas.catair.codes`, list ``batch_conditions``); the others are words.

Codes made here, by what they say:

========================  ==================================================================
``unknown_layout``        no record layout has this name
``unknown_field``         the layout has no such field
``missing_value``         a mandatory field is empty
``wrong_type``            the value is not of the field's kind (text, code, number, date, time)
``empty_value``           an empty text; leave the key out instead
``leading_space``         CBP drops leading spaces; on reading they are dropped with a warning
``trailing_space``        trailing spaces cannot be told from fill
``too_long``              the value has more characters than the field
``wrong_width``           a code or time that must fill its field does not
``wrong_class``           a character outside the field's data class
``out_of_range``          a date or number the field cannot express
``not_a_date``            digits that are no calendar day; ``not_a_time`` likewise
``not_zero_filled``       a number filled with spaces where zeros are asked for
``wrong_constant``        a constant column holds something else
``record_length``         a record longer than 80 columns
``blank_line``            an empty line between records
``count_mismatch``        the count of a Y record is not the number of records in its block
``unknown_action``        no usage map fits what the header of a transaction asks for
``wrong_layout``          a record as it is to be written would be read as another layout
``filer_mismatch``        an entry's filer code is not that of its block
``not_laid_out``          a record CBP defines and this library does not
``transaction_too_long``  more records than are held of one transaction
``too_many_problems``     the rest is not listed
========================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from schemas.errors import Problem

MAX_PROBLEMS: Final = 2000
"""More than this many problems are not listed one by one: such a file is not CATAIR, and reading stops."""


@dataclass(frozen=True, slots=True)
class PlacedProblem(Problem):
    """A problem at a record and column; ``0`` where a position does not apply."""

    record: int = 0
    column: int = 0
    block: int = 0
    transaction: int = 0

    @property
    def position(self) -> str:
        """``record 5, column 40`` in words, empty when nothing is known."""
        parts = [f"{word} {number}" for word, number in (("record", self.record), ("column", self.column)) if number]
        return ", ".join(parts)

    def as_dict(self) -> dict[str, str]:
        """The shape of :meth:`Problem.as_dict` with ``position``."""
        shown = Problem.as_dict(self)
        if self.position:
            shown["position"] = self.position
        return shown

    def at(self, record: int, block: int = 0, transaction: int = 0, path: str | None = None) -> PlacedProblem:
        """The same problem seen from the file that holds the record."""
        return replace(
            self, record=record, block=block, transaction=transaction, path=self.path if path is None else path
        )


def too_long(layout: str, lost: int, reference: str) -> PlacedProblem:
    """The problem of a record of which so many columns are not read."""
    text = f"The record has {80 + lost} columns; what stands after column 80 is not read."
    remedy = "Give exactly 80 columns for each record."
    return PlacedProblem("record_length", layout or "?", text, remedy, reference, column=81)


class Findings:
    """The problems of one source, in the order found; ``full`` when the last of them says that there are more."""

    __slots__ = ("full", "kept")

    def __init__(self) -> None:
        self.kept: list[PlacedProblem] = []
        self.full = False

    def keep(self, problems: Sequence[PlacedProblem], record: int) -> None:
        """List problems found at this record, as long as there is room."""
        if self.full:
            return
        self.kept.extend(problems)
        if len(self.kept) > MAX_PROBLEMS:
            self.full = True
            text = f"More than {MAX_PROBLEMS} problems; reading stops at record {record}."
            last = PlacedProblem("too_many_problems", "", text, "Check that this is a CATAIR file.", record=record)
            self.kept[MAX_PROBLEMS:] = [last]
