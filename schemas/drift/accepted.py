"""Which differences are known, and why do we keep them?

``accepted.toml`` lists them: guide, what kind of difference, and for each place what is printed and what we hold, under
one reason. A row accepts exactly that difference: once the print or our table changes, it no longer matches, the new
difference is reported and the row itself is reported as stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from schemas.catair.soundness import Shape, UnsoundTable, tables_of

_FILE = "accepted.toml"
_BLOCK = Shape("accepted differences", {"guide": str, "kind": str, "reason": str, "rows": list}, {})
_ROW = Shape("an accepted difference", {"at": str}, {"printed": str, "held": str})


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
    """The rows of a table in the form of ``accepted.toml``; UnsoundTable, a ValueError, for one without a reason."""
    rows: list[Accepted] = []
    blocks = tables_of(_FILE, text).get("accepted", [])
    _BLOCK.rows(f"{_FILE}, accepted", blocks)
    for number, block in enumerate(blocks, start=1):
        where = f"{_FILE}, accepted {number}"
        _ROW.rows(f"{where}, row", block["rows"])
        if not block["reason"].strip():
            raise UnsoundTable(where, "The reason is empty.", "Say why the difference is kept.")
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
