"""Which differences are known, and why do we keep them?

``accepted.toml`` lists them: guide, what kind of difference, and for each place what is printed and what we hold, under
one reason. A row accepts exactly that difference: once the print or our table changes, it no longer matches, the new
difference is reported and the row itself is reported as stale.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted difference; ``at`` is ``RECORD`` or ``RECORD first-last``."""

    guide: str
    kind: str
    at: str
    printed: str
    held: str
    reason: str


def read_accepted(text: str) -> tuple[Accepted, ...]:
    """The rows of a table in the form of ``accepted.toml``; ValueError for a row without a reason."""
    rows: list[Accepted] = []
    for block in tomllib.loads(text).get("accepted", []):
        if not block.get("reason", "").strip():
            raise ValueError(f"{block.get('guide')}, {block.get('kind')}: an accepted difference needs a reason")
        rows += [
            Accepted(
                block["guide"],
                block["kind"],
                row["at"],
                row.get("printed", ""),
                row.get("held", ""),
                " ".join(block["reason"].split()),
            )
            for row in block["rows"]
        ]
    return tuple(rows)


def load_accepted() -> tuple[Accepted, ...]:
    """What this package accepts."""
    return read_accepted(files("schemas.drift").joinpath("accepted.toml").read_text("utf-8"))
