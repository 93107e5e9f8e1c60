"""Which characters may stand in a field, and what does its canonical form look like?

Data classes (CBP CATAIR Cargo Release v40, General Rules; Batch and Block Control rev 23, Record
Layout Key): A letters, N digits, (S)N digits after optional spaces, AN letters, digits and space,
D a date, X class AN and the specials of a keyboard, S spaces. Capitals only. CBP also lists the
cent sign under X without saying how it is encoded; it is not accepted here.

Each field becomes one fragment of a regular expression that takes exactly its canonical form, so
that a whole record is checked and cut by a single match.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from schemas.catair.layouts import FieldDef, RecordDef

LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS: Final = frozenset("0123456789")
SPECIALS: Final = frozenset("!@#$%^&*()-_=+[{]}\\|;:'\",<.>/?`~")

CHARACTERS: Final[dict[str, frozenset[str]]] = {
    "A": LETTERS | {" "},
    "N": DIGITS,
    "(S)N": DIGITS | {" "},
    "AN": LETTERS | DIGITS | {" "},
    "D": DIGITS,
    "X": LETTERS | DIGITS | SPECIALS | {" "},
    "S": frozenset(" "),
    "C": SPECIALS | {" "},
}
"""What each class takes inside a value (fill aside)."""

STANDARD: Final = CHARACTERS["X"] | frozenset("abcdefghijklmnopqrstuvwxyz")
"""Characters that CBP takes in at all; it turns small letters into capitals without promising to."""

CLASS_WORDS: Final[dict[str, str]] = {
    "A": "capital letters",
    "N": "digits",
    "(S)N": "digits",
    "AN": "capital letters, digits and spaces",
    "D": "digits",
    "X": "capital letters, digits, spaces and keyboard specials",
    "S": "spaces",
    "C": "keyboard specials",
}

_HOUR_MINUTE = r"(?:(?:[01][0-9]|2[0-3])[0-5][0-9]|2400)"


def _set(characters: frozenset[str]) -> str:
    return "[" + "".join(re.escape(c) for c in sorted(characters)) + "]"


def _text_pattern(one: FieldDef) -> str:
    inner = _set(CHARACTERS[one.accepts] | {" "})
    edge = _set(CHARACTERS[one.accepts] - {" "})
    if one.verbatim:
        filled = inner + f"{{{one.length}}}"
    elif one.align == "right":
        filled = inner + f"{{{one.length - 1}}}" + edge
    elif one.accepts == "A":
        filled = edge + f"(?:(?<! ){edge}| ){{{one.length - 1}}}"  # no letter after a space
    else:
        filled = edge + inner + f"{{{one.length - 1}}}"
    return filled


def field_pattern(one: FieldDef) -> str:
    """The canonical form of a field as a regular expression, with a group when it carries data.

    The group of a field that is all spaces, where it may be, takes part in no match.
    """
    if one.value:
        return re.escape(one.value)
    if not one.key:
        return f" {{{one.length}}}"
    if one.kind == "text":
        filled = _text_pattern(one)
    elif one.kind == "time":
        filled = _HOUR_MINUTE + (r"[0-5][0-9]" if one.length == 6 else "")
    else:
        filled = f"[0-9]{{{one.length}}}"
    if one.required:
        # a verbatim text may be all spaces by its pattern; a required one may not
        return f"((?! {{{one.length}}}){filled})"
    return f"(?: {{{one.length}}}|({filled}))"


def record_pattern(record: RecordDef) -> re.Pattern[str]:
    """The canonical form of a whole record; groups are its keyed fields in order."""
    return re.compile("".join(field_pattern(one) for one in record.fields))


def first_outside(value: str, cls: str) -> int | None:
    """Index of the first character of ``value`` that class ``cls`` does not take, or None."""
    allowed = CHARACTERS[cls]
    for index, character in enumerate(value):
        if character not in allowed:
            return index
    return None


@lru_cache(maxsize=8192)
def to_date(digits: str) -> date | None:
    """MMDDYY (years 2000 to 2099) or MMDDCCYY; None if there is no such day."""
    year = int(digits[4:]) if len(digits) == 8 else 2000 + int(digits[4:])
    try:
        return date(year, int(digits[:2]), int(digits[2:4]))
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def from_date(day: date, length: int) -> str:
    """MMDDYY or, in 8 columns, MMDDCCYY; ``""`` for a year that six digits cannot tell."""
    if length == 6 and not 2000 <= day.year <= 2099:
        return ""
    return (
        f"{day.month:02}{day.day:02}{day.year:04}" if length == 8 else f"{day.month:02}{day.day:02}{day.year % 100:02}"
    )
