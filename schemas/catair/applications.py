"""What may a batch carry, in which direction does it go, and what answers it?

The application identifier (A 26-27, B 11-12, Y 11-12) decides how every other record of a batch is
read. A blank one in a batch from CBP means that CBP refused the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, get_args

from schemas.catair.layouts import RECORDS, Direction, RecordDef, variants
from schemas.catair.soundness import Shape, one_of, tables_of

_APPLICATION: Final = Shape(
    "an application",
    {"name": str, "direction": str},
    {"answer": str, "starts": list, "maps": list, "transactions": int, "layouts": str},
)

DEFINED: Final = (
    *(f"PG{number:02}" for number in (0, 1, 2, *range(4, 9), 10, 13, 14, *range(17, 36), 50, 51, 55, 60)),
    *(f"SF{number}" for number in (10, 20, 25, 30, 31, 35, 36, 40)),
)
"""Records that CBP's chapters name inside the transactions of SE, SX and AE beside their own."""

NOT_LAID_OUT: Final = frozenset(DEFINED) - {one.wire_id for one in RECORDS.values()}
"""Those of them that have no table here: such a record is kept as it stands, with a warning."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application code; ``starts`` is empty for applications known by name only.

    ``layouts`` is the family whose layouts its records have before any other.
    """

    code: str
    name: str
    direction: Literal["in", "out"]
    answer: str = ""
    starts: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    transactions: int | None = None
    layouts: str = ""


@cache
def applications() -> Mapping[str, Application]:
    """Every application code of CBP CATAIR Batch and Block Control rev 23."""
    return load_applications(files("schemas.catair").joinpath("applications.toml").read_text("utf-8"))


def load_applications(text: str) -> Mapping[str, Application]:
    """Every application of this TOML by its code.

    Raises :class:`schemas.catair.soundness.UnsoundTable`, a ValueError, naming the code whose row is not sound.
    """
    file = "applications.toml"
    table = tables_of(file, text)
    for code, row in table.items():
        where = f"{file}, {code}"
        _APPLICATION.check(where, row)
        one_of(where, "a direction", row["direction"], get_args(Direction))
        for start in row.get("starts", ()):
            one_of(where, "a record laid out", start, RECORDS)
    return MappingProxyType(
        {
            code: Application(
                code,
                row["name"],
                row["direction"],
                row.get("answer", ""),
                tuple(row.get("starts", ())),
                tuple(row.get("maps", ())),
                row.get("transactions"),
                row.get("layouts", ""),
            )
            for code, row in table.items()
        }
    )


def layout_of(line: str, application: str = "", *, outgoing: bool) -> str:
    """Layout id of a record by what stands in it, ``""`` if there is no table for it.

    ``line`` has 80 columns; ``application`` is the code of its batch; ``outgoing`` is True for a batch
    to CBP. The rules are those of :mod:`schemas.catair.layouts`: the application's family before the rest,
    the longest identifier before a shorter one, then the variants by direction and by what they look at.
    """
    known = applications().get(application)
    return layout_within(line, known.layouts if known else "", "in" if outgoing else "out")


def layout_within(line: str, family: str, direction: Direction) -> str:
    """Layout id of a record in a batch that looks into this family first."""
    for one in _candidates(line[:4], family, direction):
        if not one.when or one.chosen_by(line):
            return one.id
    return ""


def is_from_cbp(line: str) -> bool:
    """An A record comes from CBP when its application does, or it has neither that nor a password."""
    known = applications().get(line[25:27].strip(" "))
    if known is not None:
        return known.direction == "out"
    return not line[8:14].strip(" ")


def looks_outgoing(line: str) -> bool:
    """Direction of a control record that stands alone, before any A."""
    known = applications().get(line[10:12])
    return known is None or known.direction == "in"


@lru_cache(maxsize=4096)
def _candidates(begin: str, family: str, direction: Direction) -> tuple[RecordDef, ...]:
    for group in dict.fromkeys((family, "")):
        for length in range(len(begin), 0, -1):
            found = variants(begin[:length], group, direction)
            if found:
                return found
    return ()


def is_laid_out(identifier: str) -> bool:
    """False for a record that CBP defines inside these transactions and that has no table here."""
    return identifier not in NOT_LAID_OUT
