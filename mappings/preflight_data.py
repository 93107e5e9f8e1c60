"""Which checks save a rejection, and what data do they go by?

Advice is not law: it closes nothing by itself. Each check has an id, a sentence, what mends it, where it is written,
and a severity that the filer may set: ``error`` (a licensed broker must look at the shipment before it goes),
``warning`` (it is told) or ``off`` (it is not run). The data stand in ``mappings/preflight/*.toml``: the checks, the
kept list of vague words, the bands of value by weight, the numbers that nobody is issued.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from mappings.words import normal_words
from schemas.errors import FormatError, Problem

FOLDER: Final = Path(__file__).parent / "preflight"
SEVERITIES: Final = ("error", "warning", "off")
Chosen = Literal["error", "warning", "off"]
"""What the filer may set for a check."""
Band = tuple[Decimal, Decimal]
"""Lowest and highest plausible value in dollars a kilogram."""

_REMEDY: Final = "Correct the file of the checks."
_MEMORY: Final = 16_384


@dataclass(frozen=True, slots=True)
class Check:
    """One advisory check: about one shipment, or about a trip with all that it carries."""

    id: str
    about: Literal["shipment", "trip"]
    severity: Chosen
    code: str
    text: str
    remedy: str
    citation: str
    status: Literal["verified", "recalled", "unsure"]

    def problem(self, path: str, more: str = "", severity: Literal["error", "warning"] = "warning") -> Problem:
        """What the check found at ``path``; ``more`` are the particulars."""
        text = f"{self.text} {more}" if more else self.text
        return Problem(self.code, path, text, self.remedy, self.citation, severity)


class Preflight:
    """The checks and their data, as they stand in the files of one folder."""

    def __init__(self, content: Mapping[str, Mapping[str, Any]]) -> None:
        self.checks: dict[str, Check] = {row["id"]: Check(**row) for row in content["checks"]["check"]}
        words = [word for group in content["vague_words"]["words"] for word in group["words"]]
        self.vague_words = frozenset(words)
        usual, bands = content["value_by_weight"]["usual"], content["value_by_weight"]["band"]
        self.usual: Band = (Decimal(usual["lowest"]), Decimal(usual["highest"]))
        self.bands: dict[str, Band] = {
            chapter: (Decimal(band["lowest"]), Decimal(band["highest"]))
            for band in bands
            for chapter in band["chapters"]
        }
        numbers = content["numbers"]
        self.ein_prefixes = frozenset(numbers["ein"]["prefixes"])
        self.never_areas = tuple(numbers["ssn"]["never_areas"])
        self.never_group: str = numbers["ssn"]["never_group"]
        self.never_serial: str = numbers["ssn"]["never_serial"]
        self.reserved_chapters = frozenset(numbers["hts"]["reserved_chapters"])
        self.canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
        """The whole content as one line of JSON; its SHA-256 begins with the version."""
        self.version: str = hashlib.sha256(self.canonical).hexdigest()[:12]
        self._known: dict[str, bool] = {}

    def is_vague(self, description: str) -> bool:
        """Whether the description consists of words that say nothing, and numbers, only."""
        vague = self._known.get(description)
        if vague is None:
            vague = all(self._says_nothing(word) for word in normal_words(description).split())
            if len(self._known) < _MEMORY:
                self._known[description] = vague
        return vague

    def _says_nothing(self, word: str) -> bool:
        return word.isdigit() or word in self.vague_words or (word.endswith("S") and word[:-1] in self.vague_words)


def read_preflight(folder: Path) -> Preflight:
    """The checks of a folder. Raises :class:`FormatError` for a file that is missing, no TOML or not well formed."""
    content: dict[str, Any] = {}
    for name in ("checks", "vague_words", "value_by_weight", "numbers"):
        file = folder / f"{name}.toml"
        try:
            content[name] = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            problem = Problem("not_toml", file.name, f"The file of the checks cannot be read: {fault}.", _REMEDY)
            raise FormatError(problem) from None
    try:
        preflight = Preflight(content)
    except (KeyError, TypeError, ArithmeticError) as fault:
        words = f"The files of the checks are not well formed: {type(fault).__name__} {fault}."
        raise FormatError(Problem("wrong_check", folder.name, words, _REMEDY)) from None
    faults = [_fault(check) for check in preflight.checks.values()]
    problems = [one for one in faults if one is not None]
    if problems:
        raise FormatError(problems)
    return preflight


def _fault(check: Check) -> Problem | None:
    good = (
        check.severity in SEVERITIES
        and check.about in ("shipment", "trip")
        and check.status in ("verified", "recalled", "unsure")
        and all((check.code, check.text, check.remedy, check.citation))
    )
    words = "A check has a severity, says what it is about, and has a sentence, a remedy, a citation and a status."
    return None if good else Problem("wrong_check", f"checks.toml[{check.id}]", words, _REMEDY)


@cache
def load_preflight() -> Preflight:
    """The checks that are delivered."""
    return read_preflight(FOLDER)
