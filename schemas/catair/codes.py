"""What does a code mean, who says so, and how sure are we?

The lists stand under ``code_lists/`` as data: each list with its title, the document that prints it, that document's
version and date, and a mark (``sourced``: read in that document; ``recalled``: known from practice; ``unsure``: do
not build a hard rule on it); each code with CBP's text and, for statuses, the reading this project gives it. A code's
own source or mark overrides the list's. Code spaces overlap: 318 in SE90 is not 318 in an entry summary, so every
look-up names its list.

Dates: ``valid_from`` is the first day on which a code is known to stand, ``valid_to`` the first day on which it no
longer does; most codes have neither. A look-up without a day finds retired codes too, because an old message must
stay readable; a look-up ``on`` a day does not.

The lists are for meaning: no reader refuses a message because a code is not here. A code that CBP has added since
must reach a person.

Every TOML file of the folder belongs. A list may go on in further files, by its name alone, and may include other
lists. A file is parsed when one of its lists is first asked for, and kept.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, Literal

from schemas.catair.applications import applications

Mark = Literal["sourced", "recalled", "unsure"]
_HEAD: Final = re.compile(r"^\[(\w+)\]", re.MULTILINE)
_APPLICATIONS: Final = "applications"


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    ``reading`` is a word such as ``held`` or ``released``, ``""`` where the code says nothing of that kind;
    ``severity`` is what the document itself prints, ``""`` where it prints none; ``updated`` is the day on which the
    document last changed the row, where it tells.
    """

    code: str
    text: str
    source: str
    mark: Mark = "sourced"
    reading: str = ""
    note: str = ""
    severity: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    updated: date | None = None

    def stands(self, on: date) -> bool:
        """Whether the code is in force on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list of codes by code.

    ``version`` and ``as_of`` are those of the document named first as source; where that document gives a month only,
    ``as_of`` is the month's first day.
    """

    name: str
    title: str
    source: str
    mark: Mark
    version: str
    as_of: date
    codes: Mapping[str, Code]

    def standing(self, on: date | None = None) -> frozenset[str]:
        """The codes in force on that day; without a day, on the day of the document."""
        return frozenset(code for code, one in self.codes.items() if one.stands(on or self.as_of))


class _Lists(Mapping[str, CodeList]):
    """Every list by name; the names are known at once, the codes when they are asked for."""

    __slots__ = ("_places", "_read", "_texts")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._read: dict[str, CodeList] = {}
        self._places: dict[str, list[str]] = {}
        for file, text in texts.items():
            for name in _HEAD.findall(text):
                self._places.setdefault(name, []).append(file)
        self._places[_APPLICATIONS] = []

    def __getitem__(self, name: str) -> CodeList:
        found = self._read.get(name)
        if found is None:
            places = self._places[name]
            found = _list(name, [_parsed(self._texts[file])[name] for file in places]) if places else _applications()
            self._read[name] = found
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@cache
def code_lists() -> Mapping[str, CodeList]:
    """Every list by name, the application codes among them. A list's codes are read when it is first asked for."""
    folder = files("schemas.catair").joinpath("code_lists")
    tables = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return _Lists({one.name: one.read_text("utf-8") for one in tables})


def look_up(name: str, code: str, on: date | None = None) -> Code | None:
    """The code in that list, None if it is not there or not in force on that day.

    Without a day a retired code is found too. Raises KeyError for an unknown list.
    """
    found = code_lists()[name].codes.get(code)
    return found if found is None or on is None or found.stands(on) else None


def code_text(name: str, code: str, on: date | None = None) -> str:
    """The text of a code, ``""`` if the list does not have it (on that day)."""
    found = look_up(name, code, on)
    return found.text if found else ""


@cache
def _parsed(text: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(text)


def _list(name: str, parts: list[dict[str, Any]]) -> CodeList:
    """The list of one name from the part that describes it and the parts that go on."""
    (head,) = (part for part in parts if "title" in part)
    codes: dict[str, Code] = {}
    own = (Code(**{"source": head["source"], "mark": head["mark"], **row}) for part in parts for row in part["codes"])
    others = (one for other in head.get("includes", ()) for one in code_lists()[other].codes.values())
    for one in chain(own, others):
        if one.code in codes:
            raise ValueError(f"code list {name}: {one.code!r} stands there twice")
        codes[one.code] = one
    return CodeList(
        name,
        head["title"],
        head["source"],
        head["mark"],
        head["version"],
        head["as_of"],
        MappingProxyType(codes),
    )


def _applications() -> CodeList:
    source = "CBP CATAIR Batch and Block Control rev 23"
    known = {code: Code(code, one.name, source) for code, one in applications().items()}
    return CodeList(
        _APPLICATIONS,
        "Application identifier codes",
        source,
        "sourced",
        "23",
        date(2023, 6, 12),
        MappingProxyType(known),
    )
