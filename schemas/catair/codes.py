"""What does a code mean, who says so, and how sure are we?

The lists stand under ``code_lists/`` as data: each list with its title, the document that prints it, that document's
version and date, and a mark (``sourced``: read in that document; ``transcribed``: read through a public transcription
of it; ``recalled``: known from practice; ``unsure``: do not build a hard rule on it); each code with CBP's text and,
for statuses, the reading this project gives it. A code's own source or mark overrides the list's. Code spaces overlap:
318 in SE90 is not 318 in an entry summary, so every look-up names its list.

Dates: ``valid_from`` is the first day on which a code is known to stand, ``valid_to`` the first day on which it no
longer does; most codes have neither. A look-up without a day finds retired codes too, because an old message must
stay readable; a look-up ``on`` a day does not.

The lists are for meaning: no reader refuses a message because a code is not here. A code that CBP has added since
must reach a person. A list marked ``complete`` has every code that its document prints: a code given to this project
that is not in it deserves a warning, never more.

Every TOML file of the folder belongs. A list may go on in further files, by its name alone, and may include other
lists. A file is parsed when one of its lists is first asked for, and kept. A slip in it is told then, with file, list
and code (:mod:`schemas.catair.soundness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from schemas.catair.applications import applications
from schemas.catair.code_files import APPLICATIONS, list_texts, places_of
from schemas.catair.soundness import Shape, UnsoundTable, one_of, tables_of

Mark = Literal["sourced", "transcribed", "recalled", "unsure"]

_DESCRIBED: Final = Shape(
    "a code list",
    {"title": str, "source": str, "version": str, "as_of": date, "mark": str, "codes": list},
    {"includes": list, "complete": bool},
)
_CONTINUED: Final = Shape("the rest of a code list", {"codes": list}, {})
_CODE: Final = Shape(
    "a code",
    {"code": str, "text": str},
    {
        "source": str, "mark": str, "reading": str, "note": str, "severity": str,
        "valid_from": date, "valid_to": date, "updated": date,
    },
)  # fmt: skip


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
    ``as_of`` is the month's first day. ``complete``: it has every code that the document prints for it.
    """

    name: str
    title: str
    source: str
    mark: Mark
    version: str
    as_of: date
    codes: Mapping[str, Code]
    complete: bool = False

    def standing(self, on: date | None = None) -> frozenset[str]:
        """The codes in force on that day; without a day, on the day of the document."""
        return frozenset(code for code, one in self.codes.items() if one.stands(on or self.as_of))


class CodeLists(Mapping[str, CodeList]):
    """Every list of these files (name → TOML) by name; the names are known at once, the codes when asked for.

    Raises :class:`schemas.catair.soundness.UnsoundTable`, a ValueError, for a list that is not sound.
    """

    __slots__ = ("_open", "_places", "_read", "_texts")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._read: dict[str, CodeList] = {}
        self._places = places_of(texts)
        self._places[APPLICATIONS] = []
        self._open: list[str] = []

    def __getitem__(self, name: str) -> CodeList:
        found = self._read.get(name)
        if found is None:
            places = self._places[name]
            self._open.append(name)
            try:
                found = self._read[name] = self._list(name, places) if places else _applications()
            finally:
                self._open.pop()
        return found

    def _list(self, name: str, places: list[str]) -> CodeList:
        """The list of one name from the part that describes it and the parts that go on."""
        parts = {file: _parsed(file, self._texts[file])[name] for file in places}
        described = [file for file, part in parts.items() if "title" in part] or places[:1]
        if len(described) > 1:
            text = f"The list is described in {' and '.join(described)}."
            raise UnsoundTable(f"{described[0]}, {name}", text, "Let one describe it and the others go on.")
        for file, part in parts.items():
            where = f"{file}, {name}"
            (_DESCRIBED if file == described[0] else _CONTINUED).check(where, part)
            _CODE.rows(f"{where}, code", part["codes"])
        head, where = parts[described[0]], f"{described[0]}, {name}"
        one_of(where, "a mark", head["mark"], get_args(Mark))
        for other in head.get("includes", ()):
            one_of(where, "a code list", other, self)
            if other in self._open:
                raise UnsoundTable(where, f"The list includes {other!r}, which includes it.", "Leave one of them out.")
        codes: dict[str, Code] = {}
        own = (
            Code(**{"source": head["source"], "mark": head["mark"], **row})
            for part in parts.values()
            for row in part["codes"]
        )
        others = (one for other in head.get("includes", ()) for one in self[other].codes.values())
        for one in chain(own, others):
            if one.code in codes:
                raise UnsoundTable(where, f"The code {one.code!r} stands there twice.", "Leave one of them out.")
            one_of(f"{where}, {one.code}", "a mark", one.mark, get_args(Mark))
            codes[one.code] = one
        return CodeList(
            name,
            head["title"],
            head["source"],
            head["mark"],
            head["version"],
            head["as_of"],
            MappingProxyType(codes),
            head.get("complete", False),
        )

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@cache
def code_lists() -> Mapping[str, CodeList]:
    """Every list by name, the application codes among them. A list's codes are read when it is first asked for."""
    return CodeLists(list_texts())


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
def _parsed(file: str, text: str) -> dict[str, dict[str, Any]]:
    return tables_of(file, text)


def _applications() -> CodeList:
    source = "CBP CATAIR Batch and Block Control rev 23"
    known = {code: Code(code, one.name, source) for code, one in applications().items()}
    return CodeList(
        APPLICATIONS,
        "Application identifier codes",
        source,
        "sourced",
        "23",
        date(2023, 6, 12),
        MappingProxyType(known),
    )
