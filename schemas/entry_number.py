"""Is this an entry number, and what is its check digit?

``FFF-NNNNNNN-C``: a filer code of three, seven digits that the filer chooses, one check digit (CBP
CATAIR Appendix E, Valid Entry Numbers). Inside this project an entry number is always its eleven
characters without hyphens (``XYZ12345671``); SE10 carries the filer and the last eight apart.

Check digit: letters of the filer code become digits (A to I 1 to 9, J to R 1 to 9, S to Z 2 to 9); of
the ten digits every second one is doubled, beginning with the rightmost, and the two digits of a
product are added; what is missing to the next ten is the check digit. A filer that has used up its
ten million numbers may be allowed the check digit plus 1 to 9 (modulo 10): the ``offset``, a setting.

It finds every wrong digit and every exchange of neighbours but 0 and 9. It does not find letters of
the filer code with the same value (A, J and 1; B, K, S and 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.errors import FormatError, Problem
from schemas.identifiers import FILER_CODE

REFERENCE: Final = "CBP CATAIR Appendix E"
LETTER_VALUES: Final[dict[str, int]] = {
    letter: value
    for letters, first in (("ABCDEFGHI", 1), ("JKLMNOPQR", 1), ("STUVWXYZ", 2))
    for value, letter in enumerate(letters, first)
}
"""What each letter of a filer code counts for."""

LAST_SEQUENCE: Final = 9_999_999
_FORM: Final = re.compile(r"([A-Z0-9]{3})-?([0-9]{7})-?([0-9])")


@dataclass(frozen=True, slots=True)
class EntryNumber:
    """An entry number in its parts; ``sequence`` keeps its seven digits."""

    filer: str
    sequence: str
    check: str

    def __str__(self) -> str:
        return f"{self.filer}{self.sequence}{self.check}"

    @property
    def number(self) -> str:
        """The eight digits of SE10 11-18."""
        return f"{self.sequence}{self.check}"

    @property
    def display(self) -> str:
        """``XYZ-1234567-1``."""
        return f"{self.filer}-{self.sequence}-{self.check}"


def filer_code_fault(filer: str) -> str | None:
    """One sentence when this is no filer code (three capitals or digits, not 000), else None."""
    if not FILER_CODE.fullmatch(filer) or not filer.isascii() or filer == "000":
        return f"{filer!r} is not a filer code: three capitals or digits in a form CBP assigns."
    return None


def check_digit(filer: str, sequence: str, offset: int = 0) -> int:
    """The check digit of a filer code and seven digits. Raises FormatError when they are not that."""
    _refuse(_part_faults(filer, sequence, offset))
    digits = [LETTER_VALUES[c] if c in LETTER_VALUES else int(c) for c in filer + sequence]
    total = 0
    for place, digit in enumerate(reversed(digits)):
        product = digit * 2 if place % 2 == 0 else digit
        total += product - 9 if product > 9 else product
    return (10 - total % 10 + offset) % 10


def make_entry_number(filer: str, sequence: int, offset: int = 0) -> EntryNumber:
    """The entry number for a filer's ``sequence`` (0 to 9,999,999). Raises FormatError otherwise."""
    if not 0 <= sequence <= LAST_SEQUENCE:
        text = f"Sequence {sequence} is not between 0 and {LAST_SEQUENCE}."
        raise FormatError(Problem("entry_number_sequence", "sequence", text, "Ask CBP for another series.", REFERENCE))
    digits = f"{sequence:07}"
    return EntryNumber(filer, digits, str(check_digit(filer, digits, offset)))


def format_entry_number(filer: str, sequence: int, offset: int = 0) -> str:
    """The eleven characters of :func:`make_entry_number`."""
    return str(make_entry_number(filer, sequence, offset))


def parse_entry_number(value: str, offset: int = 0) -> EntryNumber:
    """Read an entry number with or without hyphens. Raises FormatError when it is wrong in any way."""
    match = _FORM.fullmatch(value)
    if match is None:
        text = f"{value!r} is not an entry number: filer code, seven digits, check digit."
        raise FormatError(Problem("entry_number_form", "entry_number", text, "Write FFF-NNNNNNN-C.", REFERENCE))
    filer, sequence, check = match.groups()
    expected = check_digit(filer, sequence, offset)
    if int(check) != expected:
        text = f"The check digit of {value!r} is {check}; it should be {expected}."
        raise FormatError(Problem("entry_number_check", "entry_number", text, "Check the number.", REFERENCE))
    return EntryNumber(filer, sequence, check)


def entry_number_fault(value: str, offset: int = 0) -> str | None:
    """One sentence saying what is wrong with an entry number, None when it is right."""
    try:
        parse_entry_number(value, offset)
    except FormatError as refused:
        return refused.problems[0].text
    return None


def _part_faults(filer: str, sequence: str, offset: int) -> list[Problem]:
    problems = []
    fault = filer_code_fault(filer)
    if fault:
        problems.append(Problem("filer_code", "filer", fault, "Use the code CBP assigned.", REFERENCE))
    if len(sequence) != 7 or not sequence.isascii() or not sequence.isdigit():
        text = f"{sequence!r} is not seven digits."
        problems.append(Problem("entry_number_sequence", "sequence", text, "Write leading zeros.", REFERENCE))
    if offset not in range(10):
        text = f"The check digit offset {offset} is not between 0 and 9."
        problems.append(Problem("entry_number_offset", "offset", text, "Use what CBP granted, else 0.", REFERENCE))
    return problems


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise FormatError(problems)
