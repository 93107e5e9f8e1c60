"""What does a code mean, who says so, and how sure are we?

The lists stand under ``code_lists/`` as data: each code with CBP's text, the document it comes from, a
mark (``sourced``: read in that document; ``recalled``: known from practice; ``unsure``: do not build
a hard rule on it) and, for statuses, the reading this project gives it. Code spaces overlap: 318 in
SE90 is not 318 in an entry summary, so every look-up names its list.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

from schemas.catair.applications import applications

Mark = Literal["sourced", "recalled", "unsure"]
FILES: Final = ("request", "response", "status", "agencies")


@dataclass(frozen=True, slots=True)
class Code:
    """One code; ``reading`` is a word such as ``held`` or ``released``, ``""`` where it says nothing of that kind."""

    code: str
    text: str
    source: str
    mark: Mark = "sourced"
    reading: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list of codes by code."""

    name: str
    title: str
    source: str
    mark: Mark
    codes: Mapping[str, Code]


@cache
def code_lists() -> Mapping[str, CodeList]:
    """Every list by name, the application codes among them."""
    lists: dict[str, CodeList] = {}
    folder = files("schemas.catair").joinpath("code_lists")
    for name in FILES:
        for key, row in tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8")).items():
            codes = {
                one["code"]: Code(
                    one["code"],
                    one["text"],
                    one.get("source", row["source"]),
                    one.get("mark", row["mark"]),
                    one.get("reading", ""),
                    one.get("note", ""),
                )
                for one in row["codes"]
            }
            lists[key] = CodeList(key, row["title"], row["source"], row["mark"], MappingProxyType(codes))
    source = "CBP CATAIR Batch and Block Control rev 23"
    known = {code: Code(code, one.name, source) for code, one in applications().items()}
    lists["applications"] = CodeList(
        "applications", "Application identifier codes", source, "sourced", MappingProxyType(known)
    )
    return MappingProxyType(lists)


def look_up(name: str, code: str) -> Code | None:
    """The code in that list, None if it is not there. Raises KeyError for an unknown list."""
    return code_lists()[name].codes.get(code)


def code_text(name: str, code: str) -> str:
    """The text of a code, ``""`` if the list does not have it."""
    found = look_up(name, code)
    return found.text if found else ""
