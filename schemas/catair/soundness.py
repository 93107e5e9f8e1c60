"""What is wrong with a row of a table that people write, and where does it stand?

Record layouts, usage maps, code lists and application codes are TOML. A slip in one of them (a key left out, one
misspelt, a value of another kind) is told as :class:`UnsoundTable`: file, row and field, one sentence, a remedy. It is
refused when the table is read; nothing of it is guessed or passed over.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.errors import FormatError, Problem

_KINDS: Final = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "a table", date: "a date"}


class UnsoundTable(FormatError, ValueError):
    """A table of this project does not say what it has to."""

    def __init__(self, where: str, text: str, remedy: str) -> None:
        super().__init__(Problem("table_unsound", where, text, remedy))


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one kind of row with their kinds: those it needs and those it may have."""

    noun: str
    needs: Mapping[str, type]
    may: Mapping[str, type]

    def check(self, where: str, row: object) -> None:
        """Raises :class:`UnsoundTable` unless ``row`` has every key it needs and no other than it may have."""
        if not isinstance(row, dict):
            raise UnsoundTable(where, f"This is {_kind(row)}, not {self.noun}.", "Write it as a table.")
        for key in row:
            if key not in self.needs and key not in self.may:
                remedy = f"Leave it out{near(key, (*self.needs, *self.may))}."
                raise UnsoundTable(where, f"{key!r} is no key of {self.noun}.", remedy)
        for key in self.needs:
            if key not in row:
                raise UnsoundTable(where, f"The key {key!r} is missing.", f"Add it: {self.noun} needs it.")
        for key, value in row.items():
            kind = self.needs.get(key) or self.may[key]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise UnsoundTable(where, f"{key!r} is {_kind(value)}, not {_KINDS[kind]}.", f"Give {_KINDS[kind]}.")

    def rows(self, where: str, rows: object) -> None:
        """Check every row of a list; a row is named by its place in it, from 1."""
        if not isinstance(rows, list):
            raise UnsoundTable(where, f"This is {_kind(rows)}, not a list.", f"List each as {self.noun}.")
        for number, row in enumerate(rows, start=1):
            self.check(f"{where} {number}", row)


def tables_of(file: str, text: str) -> dict[str, Any]:
    """The tables of one TOML file; :class:`UnsoundTable` names the file that is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnsoundTable(file, f"This is not TOML: {error}.", "Mend the syntax there.") from error


def one_of(where: str, what: str, value: str, known: Iterable[str]) -> None:
    """Raises :class:`UnsoundTable` unless ``value`` is a known one; ``what`` is a noun with its article."""
    names = list(known)
    if value not in names:
        some = f"Use {', '.join(names)}" if len(names) <= 8 else "Check its spelling"
        raise UnsoundTable(where, f"{value!r} is not {what}.", f"{some}{near(value, names)}.")


def near(value: str, names: Iterable[str]) -> str:
    """The end of a remedy that names the nearest of ``names``, ``""`` where none is near."""
    found = difflib.get_close_matches(value, list(names), n=1)
    return f", or write {found[0]!r} if that is meant" if found else ""


def _kind(value: object) -> str:
    return next((words for kind, words in _KINDS.items() if type(value) is kind), type(value).__name__)
