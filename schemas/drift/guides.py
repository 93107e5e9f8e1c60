"""Which of CBP's guides is this text?

A guide is known by what its front pages say, never by a file's name: one line that reads exactly as ``guides.toml``
has it. The same file says how our tables cite the guide and how our layout ids relate to the identifiers it prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from schemas.catair.soundness import Shape, tables_of
from schemas.drift.layout_parser import PrintedRecord

_GUIDE = Shape(
    "a guide",
    {"title": str, "says": str, "cites": str, "prefixes": list},
    {
        "references": str,
        "held": bool,
        "reason": str,
        "expected": bool,
        "repeats": list,
        "parts": dict,
        "maps": dict,
        "folded": dict,
        "unmapped": dict,
    },
)
FRONT_LINES = 60
"""Lines at the front of a text, empty ones not counted, among which the one that names the guide must be."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide: ``key`` names it in ``accepted.toml``; see ``guides.toml`` for the rest."""

    key: str
    title: str
    says: str
    cites: str
    prefixes: tuple[str, ...] = ("",)
    references: str = ""
    held: bool = True
    reason: str = ""
    expected: bool = False
    repeats: tuple[str, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unmapped: Mapping[str, str] = field(default_factory=dict)

    def layout_ids(self, record: PrintedRecord) -> tuple[str, ...]:
        """The ids under which our tables may hold a printed record, the likeliest first."""
        ids: list[str] = []
        for prefix in self.prefixes:
            name = f"{prefix}{record.id}"
            if record.variant == "generated":
                ids.append(f"{name}.gen")
            elif record.variant:
                ids += [f"{name}.{record.variant}", f"{name}.{record.variant.lstrip('0')}"]
            else:
                if record.way:
                    ids.append(f"{name}.{'in' if record.way == 'Input' else 'out'}")
                ids.append(name)
        return tuple(dict.fromkeys(ids))


@cache
def load_guides() -> tuple[Guide, ...]:
    """Every guide of ``guides.toml``, in its order; UnsoundTable for a row that is not sound."""
    rows = tables_of("guides.toml", files("schemas.drift").joinpath("guides.toml").read_text("utf-8"))
    for key, row in rows.items():
        _GUIDE.check(f"guides.toml, {key}", row)
    return tuple(
        Guide(
            key=key,
            title=row["title"],
            says=row["says"],
            cites=row["cites"],
            prefixes=tuple(row["prefixes"]),
            references=row.get("references", ""),
            held=row.get("held", True),
            reason=row.get("reason", ""),
            expected=row.get("expected", False),
            repeats=tuple(row.get("repeats", ())),
            parts=row.get("parts", {}),
            maps=row.get("maps", {}),
            folded={name: tuple(titles) for name, titles in row.get("folded", {}).items()},
            unmapped=row.get("unmapped", {}),
        )
        for key, row in rows.items()
    )


def _front(text: str) -> Iterable[str]:
    seen = 0
    for line in text.replace("\f", "\n").split("\n"):
        words = " ".join(line.split()).casefold()
        if words:
            yield words
            seen += 1
        if seen == FRONT_LINES:
            return


def identify(text: str) -> Guide | None:
    """The guide this text says it is, or None."""
    front = list(_front(text))
    for line in front:
        for guide in load_guides():
            if line == guide.says.casefold():
                return guide
    return None
