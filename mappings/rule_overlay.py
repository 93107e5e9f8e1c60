"""Which rows of its own does a filer add, and may it add them?

An overlay is a file, or a folder of files, of ``[[rule]]`` rows and at most one ``[severity]`` table for advisory
checks. It may only make the book stricter:

- its rows deny, set a limit below the law's, require data, warn or inform; a row that allows, waives or prefers is
  refused, because it could open what the law closes or choose what it does not;
- its ids are its own: a row under an id of the delivered book could pass for the law;
- nothing of the delivered book can be ended, replaced or left out by it.

Whatever it holds, every pathway that is closed without it is closed with it; a property test holds this.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mappings.advice import known_checks, severity_problems
from mappings.preflight_data import Preflight, load_preflight
from mappings.rule import REMEDY, Rule, read_rule
from schemas.errors import FormatError, Problem

STRICTER: Final = ("deny", "threshold", "require", "warn", "info")
"""Kinds of rows that close, ask or tell, and never open."""
_ROW: Final = re.compile(r"\.toml\[([^\]]+)\]")
"""The id of a row in the path of its fault."""
_REMEDY: Final = f"Use rows of the kinds {', '.join(STRICTER)} only."


@dataclass(frozen=True, slots=True)
class Overlay:
    """The filer's own rows, and the severities that it sets."""

    rules: tuple[Rule, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)


def read_files(
    files: Iterable[Path], tables: frozenset[str] = frozenset({"rule"})
) -> tuple[list[Rule], dict[str, Any], list[Problem]]:
    """Every readable row of these files, the other ``tables`` they may hold, and every fault with file and place."""
    rules: list[Rule] = []
    others: dict[str, Any] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as fault:  # numbers and nestings beyond any rule's among them
            problems.append(Problem("not_toml", file.name, f"The file is not TOML: {fault}.", "Correct the file."))
            continue
        held = " and ".join(f"[{name}]" if name != "rule" else "[[rule]]" for name in sorted(tables))
        problems.extend(
            Problem("unknown_key", f"{file.name}.{key}", f"A rule file holds {held} only.", REMEDY)
            for key in sorted(content.keys() - tables)
        )
        rows = content.get("rule", [])
        for number, raw in enumerate(rows if isinstance(rows, list) else [rows]):
            name = raw.get("id", number) if isinstance(raw, dict) else number
            rule, faults = read_rule(raw, f"{file.name}[{name}]")
            problems.extend(faults)
            if rule is not None:
                rules.append(rule)
        for name in sorted((tables - {"rule"}) & content.keys()):
            problems.extend(_joined(others.setdefault(name, {}), content[name], f"{file.name}.{name}"))
    return rules, others, problems


def _joined(known: dict[str, Any], table: object, path: str) -> Iterable[Problem]:
    if not isinstance(table, Mapping):
        yield Problem("not_a_table", path, "This must be a table.", REMEDY)
        return
    for key, value in table.items():
        if known.setdefault(key, value) != value:
            yield Problem("contradiction", f"{path}.{key}", "Another file sets this otherwise.", "Keep one of the two.")


def read_overlay(place: Path | str, book: Sequence[Rule], preflight: Preflight | None = None) -> Overlay:
    """The overlay in a file or folder, beside the delivered rows. Raises :class:`FormatError` with every fault."""
    place = Path(place).absolute()
    if not place.exists():
        words = f"There is no file or folder {place}."
        remedy = "Name the file or folder of your own rows; a relative name counts from the folder of the config file."
        raise FormatError(Problem("no_overlay", "rules.overlay", words, remedy))
    files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
    if not files:
        words = f"The folder {place} holds no rule file."
        raise FormatError(Problem("no_rules", "rules.overlay", words, "Name another folder, or leave the setting out."))
    rules, others, problems = read_files(files, frozenset({"rule", "severity"}))
    problems += overlay_problems(rules, book)
    severity = others.get("severity", {})
    preflight = load_preflight() if preflight is None else preflight
    # a row that warns and has faults is not in ``rules``; its severity is not a second fault
    faulty = {match[1] for problem in problems if (match := _ROW.search(problem.path))}
    problems += severity_problems(severity, known_checks(preflight, (*book, *rules)) | faulty)
    if problems:
        raise FormatError(problems)
    return Overlay(tuple(rules), severity)


def overlay_problems(rules: Iterable[Rule], book: Sequence[Rule]) -> Iterable[Problem]:
    """What a filer's rows may not do, beside what is wrong with any row."""
    ids = {rule.id for rule in book}
    for rule in rules:
        if rule.kind not in STRICTER:
            words = f"A filer's own rows may only make the law stricter; one of kind {rule.kind} may open a pathway."
            yield Problem("overlay_opens", f"{rule.id}.kind", words, _REMEDY)
        if rule.id in ids:
            words = f"{rule.id!r} is the id of a row of the delivered book."
            yield Problem("id_of_the_book", f"{rule.id}.id", words, "Give the row an id of its own.")
        if rule.kind == "threshold" and (law := _never_binds(rule, book)) is not None:
            words = f"A limit of {rule.limit} has no effect: the law's own, {law.id}, is {law.limit}."
            yield Problem("limit_not_lower", f"{rule.id}.limit", words, "Set a limit below the law's.")


def _never_binds(rule: Rule, book: Sequence[Rule]) -> Rule | None:
    """A limit of the law that holds whenever and wherever this one does, and is as low."""
    for law in book:
        lasts = law.valid_to is None or (rule.valid_to is not None and rule.valid_to <= law.valid_to)
        if (
            law.kind == "threshold"
            and law.measure == rule.measure
            and law.limit <= rule.limit
            and not law.when
            and set(rule.pathways) <= set(law.pathways)
            and law.valid_from <= rule.valid_from
            and lasts
        ):
            return law
    return None
