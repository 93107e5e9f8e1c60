"""Which lists of codes are there, of CATAIR, X12 and the profile, and what does one code of them say?

Three families, told apart by the name: a list of CATAIR has its own name (``entry_dispositions``), one of the X12
tables begins with ``x12.`` (``x12.manifest_type``), and so do the two tables of the profile that explain CBP's truck
answers (``x12.dispositions``, ``x12.errors``). Only CATAIR's codes have dates: the others stand on any day.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.catair.codes import Code, code_lists
from schemas.errors import NotFound, Problem
from schemas.profile import load_profile
from schemas.x12.tables import CODES

CATAIR: Final = "CATAIR"
X12: Final = "X12"
PROFILE: Final = "X12 profile"
DISPOSITIONS: Final = "x12.dispositions"
ERRORS: Final = "x12.errors"

MARKS: Final = {
    "sourced": "read in the document named",
    "seen": "read in the document named",
    "transcribed": "read through a public transcription of the document, not in CBP's own",
    "recalled": "known from practice, not checked against a document",
    "deduced": "follows from something that was seen",
    "unsure": "may be wrong",
    "unconfirmed": "may be wrong",
}
"""What each mark means."""

_NEAR: Final = 5


@dataclass(frozen=True, slots=True)
class View:
    """One list as it is shown."""

    name: str
    family: str
    title: str
    source: str
    mark: str
    codes: Mapping[str, Code]
    version: str = ""
    as_of: date | None = None

    def standing(self, on: date | None) -> list[Code]:
        """Its codes, those in force on the day where one is given."""
        return [one for one in self.codes.values() if on is None or one.stands(on)]

    def as_dict(self, on: date | None = None) -> dict[str, Any]:
        """What is said of the list itself."""
        document: dict[str, Any] = {"list": self.name, "family": self.family, "title": self.title}
        document |= {"version": self.version, "as_of": self.as_of, "codes": len(self.standing(on))}
        return document | {"mark": self.mark, "source": self.source}


def code_document(one: Code) -> dict[str, Any]:
    """Everything that is known of a code."""
    return {
        "code": one.code,
        "text": one.text,
        "reading": one.reading,
        "severity": one.severity,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "updated": one.updated,
        "mark": one.mark,
        "source": one.source,
        "note": one.note,
    }


def views() -> dict[str, View]:
    """Every list by name: those of CATAIR, then those of the X12 tables, then the profile's."""
    found = {
        name: View(name, CATAIR, one.title, one.source, one.mark, one.codes, one.version, one.as_of)
        for name, one in sorted(code_lists().items())
    }
    for name, table in sorted(CODES.items()):
        mark: Any = table.mark
        codes = {code: Code(code, text, table.source, mark) for code, text in table.codes.items()}
        found[f"x12.{name}"] = View(f"x12.{name}", X12, table.name, table.source, table.mark, codes)
    return found | {one.name: one for one in _profile()}


def _profile() -> Iterator[View]:
    profile = load_profile()
    each, own = "each code names its own", "each its own"
    dispositions: dict[str, Code] = {}
    for code, one in profile.dispositions.items():
        mark: Any = one.mark
        note = "" if one.truck else "from lists for all modes of transport; not announced for trucks"
        dispositions[code] = Code(code, one.text, one.source, mark, one.meaning, note)
    yield View(DISPOSITIONS, PROFILE, "Dispositions of a 350 (X407)", each, own, dispositions)
    errors: dict[str, Code] = {}
    for key, known in (*profile.errors.items(), *profile.error_texts.items()):
        mark = known.mark
        text = known.text if known.code else f"{key}: {known.text}"
        errors[key] = Code(known.code, text, known.source, mark, "", ", ".join(known.places))
    yield View(ERRORS, PROFILE, "Errors of a 355; those without a number are known by their words", each, own, errors)


def view(name: str) -> View:
    """The list of this name; :class:`NotFound` names those that are spelt nearly so."""
    known = views()
    found = known.get(name)
    if found is None:
        said = name.lower().replace("-", "_")
        close = difflib.get_close_matches(said, known, n=_NEAR, cutoff=0.5)
        close = list(dict.fromkeys([*(one for one in known if one.removeprefix("x12.") == said), *close]))
        remedy = f"Near it: {', '.join(close[:_NEAR])}." if close else "gateway codes lists them all."
        raise NotFound(Problem("unknown_list", name, f"There is no code list {name!r}.", remedy))
    return found


def code_in(of: View, code: str, on: date | None) -> Code:
    """The code of this list, in force on the day where one is given.

    :class:`NotFound` names the codes that are spelt nearly so, or says when a code stands that does not on that day.
    """
    found = of.codes.get(code) or of.codes.get(code.upper())
    path = f"{of.name} {code}"
    if found is None or not found.code:
        close = difflib.get_close_matches(code.upper(), [one for one in of.codes if one], n=_NEAR, cutoff=0.5)
        near = f"Near it: {', '.join(close)}. " if close else ""
        remedy = f"{near}A code that is not in a list may be newer than the list: it means what CBP says with it."
        raise NotFound(Problem("unknown_code", path, f"The list {of.name} has no code {code!r}.", remedy))
    if on is not None and not found.stands(on):
        text = f"{found.code} ({found.text}) is not in force on {on}: {days_of(found)}."
        raise NotFound(Problem("code_not_in_force", path, text, "Leave the day out to see the code all the same."))
    return found


def days_of(one: Code) -> str:
    """On which days a code is in force, in words."""
    if one.valid_from is None and one.valid_to is None:
        return "no dates are known"
    since = f"since {one.valid_from}" if one.valid_from else ""
    until = f"no longer since {one.valid_to}" if one.valid_to else ""
    return ", ".join(part for part in (since, until) if part)


def search(words: str, among: View | None, on: date | None) -> tuple[list[View], list[tuple[View, Code]]]:
    """The lists whose name or title has all these words, and the codes whose code or text has them.

    A code is told in the list that it is written in, not again in one that includes it.
    """
    wanted = words.upper().split()
    searched = [among] if among else list(views().values())

    def has(*texts: str) -> bool:
        text = " ".join(texts).upper()
        return all(word in text for word in wanted)

    told: set[int] = set()
    codes: list[tuple[View, Code]] = []
    for one in sorted(searched, key=lambda each: len(each.codes)):  # what includes another list is longer than it
        for code in one.standing(on):
            if id(code) not in told and has(code.code, code.text):
                told.add(id(code))
                codes.append((one, code))
    order = {one.name: number for number, one in enumerate(searched)}
    lists = [one for one in searched if among is None and has(one.name.replace("_", " "), one.name, one.title)]
    return lists, sorted(codes, key=lambda pair: order[pair[0].name])
