"""What may a batch carry, in which direction does it go, and what answers it?

The application identifier (A 26-27, B 11-12, Y 11-12) decides how every other record of a batch is
read. A blank one in a batch from CBP means that CBP refused the whole batch.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

from schemas.catair.layouts import RECORDS

NOT_LAID_OUT: Final = ("PG", "SF")
"""Records CBP defines inside SE and SX that have no table here: other agency data, security filing."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application code; ``starts`` is empty for applications known by name only."""

    code: str
    name: str
    direction: Literal["in", "out"]
    answer: str = ""
    starts: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    transactions: int | None = None


@cache
def applications() -> Mapping[str, Application]:
    """Every application code of CBP CATAIR Batch and Block Control rev 23."""
    table = tomllib.loads(files("schemas.catair").joinpath("applications.toml").read_text("utf-8"))
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
            )
            for code, row in table.items()
        }
    )


def layout_of(line: str, *, outgoing: bool) -> str:
    """Layout id of a record by what stands in it, ``""`` if there is no table for it.

    ``line`` has 80 columns; ``outgoing`` is True for a batch to CBP. Control records (A, B, Y, Z)
    differ by direction, X0 by its reference type, SO70 and WO70 by their group version.
    """
    four = line[:4]
    if four in RECORDS:
        if four[2:] == "70" and line[78:80] in ("  ", "01", "02", "03"):
            return f"{four}.03" if f"{four}.03" in RECORDS else four
        return four
    first = line[:1]
    if first in ("A", "B", "Y", "Z"):
        if outgoing:
            return f"{first}.in"
        generated = line[79] == first and not line[1:12].strip(" ")
        return f"{first}.gen" if generated and first != "A" else f"{first}.out"
    if line[:3] in ("WR0", "WR1"):
        return line[:3]
    two = line[:2]
    if two == "X0":
        kind = {"BLOCK ": "X0.BLOCK", "TRNACT": "X0.TRNACT"}
        return kind.get(line[3:9], "X0")
    return two if two in ("OI", "X1") else ""
