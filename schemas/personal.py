"""Which fields of a message are personal, and how are they hidden?

The answer is data (``schemas/data/personal.toml``). Rules:

- A hidden value keeps its length: each character becomes :data:`SIGN`. Codes, shipment numbers and structure stay.
- What no table names (an unknown segment or record, an element beyond the last, data in a filler) is personal,
  since nobody knows what it holds.
- Secrets (passwords) are hidden always, whether masking is asked for or not.
- Nothing is decided here about when to mask; callers ask field by field.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

SIGN: Final = "#"
"""What stands for a hidden character: a separator of no known profile, in CBP's characters."""

SHORTEST: Final = 3
"""Hidden values shorter than this are not looked for in sentences: they would hide half of every word."""

_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True, slots=True)
class Qualified:
    """An element that is personal where element ``by`` holds one of ``values``."""

    by: int
    values: frozenset[str]


@dataclass(frozen=True)
class Personal:
    """The table: X12 elements by reference, CATAIR fields by pattern."""

    elements: frozenset[str]
    qualified: Mapping[str, Qualified]
    secret_elements: frozenset[str]
    fields: re.Pattern[str]
    readable: re.Pattern[str]
    secret_fields: re.Pattern[str]
    segments: frozenset[str]

    def element(self, segment_id: str, position: int, elements: Sequence[str] = ()) -> bool:
        """Whether this element of an X12 segment that the tables know is personal."""
        reference = f"{segment_id}{position:02d}"
        if reference in self.elements:
            return True
        rule = self.qualified.get(reference)
        return rule is not None and rule.by <= len(elements) and elements[rule.by - 1] in rule.values

    def secret_element(self, segment_id: str, position: int) -> bool:
        """Whether an element is a password."""
        return f"{segment_id}{position:02d}" in self.secret_elements

    def holds_persons(self, segment_id: str) -> bool:
        """Whether a segment has a personal element at all; a value beside one may have slipped out of it."""
        return segment_id in self.segments

    def field(self, layout: str, key: str) -> bool:
        """Whether this field of a CATAIR record is personal."""
        return _field(f"{layout}.{key}")

    def secret_field(self, layout: str, key: str) -> bool:
        """Whether a field is a password."""
        return self.secret_fields.fullmatch(f"{layout}.{key}") is not None


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns))


@cache
def personal() -> Personal:
    """The table of personal fields."""
    table: dict[str, Any] = tomllib.loads(files("schemas").joinpath("data/personal.toml").read_text("utf-8"))
    x12, catair = table["x12"], table["catair"]
    qualified = {key: Qualified(row["by"], frozenset(row["values"])) for key, row in x12["qualified"].items()}
    return Personal(
        frozenset(x12["personal"]),
        qualified,
        frozenset(x12["secret"]),
        _any(catair["personal"]),
        _any(catair["readable"]),
        _any(catair["secret"]),
        frozenset(reference[:-2] for reference in (*x12["personal"], *qualified)),
    )


@lru_cache(maxsize=8192)
def _field(name: str) -> bool:
    table = personal()
    return table.fields.fullmatch(name) is not None and table.readable.fullmatch(name) is None


def hidden(value: str) -> str:
    """``value`` with every character replaced; its length stays."""
    return SIGN * len(value)


def without_quotes(text: str) -> str:
    """``text`` with everything that stands in quotation marks hidden, the marks left."""
    return _QUOTED.sub(lambda found: found[0][0] + hidden(found[0][1:-1]) + found[0][-1], text)


def without_values(text: str, values: Iterable[str]) -> str:
    """``text`` with every one of ``values`` hidden wherever it stands; the longest first."""
    for value in sorted({one.strip() for one in values}, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, hidden(value))
    return text
