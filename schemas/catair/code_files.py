"""Which code lists are there, and in which files do they stand?

The record tables name lists, the lists know the applications, and the applications know the record tables: so the
names alone can be asked for here, before anything else of the tables is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

APPLICATIONS: Final = "applications"
"""The list that has no file: the application codes, as they stand in ``applications.toml``."""

_HEAD: Final = re.compile(r"^\[(\w+)\]", re.MULTILINE)


@cache
def list_texts() -> Mapping[str, str]:
    """Every file of ``code_lists/`` by its path, in the order of the names."""
    folder = files("schemas.catair").joinpath("code_lists")
    tables = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return MappingProxyType({f"code_lists/{one.name}": one.read_text("utf-8") for one in tables})


def places_of(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Every list in these files with the files that it stands in."""
    places: dict[str, list[str]] = {}
    for file, text in texts.items():
        for name in _HEAD.findall(text):
            places.setdefault(name, []).append(file)
    return places


@cache
def list_names() -> frozenset[str]:
    """The names of every list."""
    return frozenset((*places_of(list_texts()), APPLICATIONS))
