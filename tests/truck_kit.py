"""Small things that tests of the sandbox's truck side share: a CBP, mutations, what an answer says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from sandbox.cbp import Answer
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
Change = Callable[[bytes], bytes]


def box(clock: str = MARCH, **conduct: object) -> LoopbackCbp:
    """A fresh CBP."""
    return LoopbackCbp(clock, behaviour=Behaviour(**conduct))  # type: ignore[arg-type]


def edit(*pairs: tuple[str, str]) -> Change:
    """Replace the first occurrence of each text, which must be there; SE01 is counted anew."""

    def change(data: bytes) -> bytes:
        for old, new in pairs:
            assert old.encode("latin-1") in data, old
            data = data.replace(old.encode("latin-1"), new.encode("latin-1"), 1)
        return recount(data)

    return change


def recount(data: bytes) -> bytes:
    """SE01 as the segments are."""
    rows = data.split(b"~")
    first = next(i for i, row in enumerate(rows) if row.startswith(b"ST*"))
    last = next(i for i, row in enumerate(rows) if row.startswith(b"SE*"))
    return re.sub(rb"~SE\*\d+\*", b"~SE*%d*" % (last - first + 1), data)


def segments(answers: Iterable[Answer], kind: str) -> list[str]:
    """Segments of all answers of a kind."""
    return [one for a in answers if a.kind == kind for one in a.payload.decode("latin-1").split("~") if one]


def remarks(answers: Iterable[Answer]) -> list[tuple[str, str]]:
    """K101 of every K1 of the 355s, with the segment it stands after; there must be a 355."""
    out: list[tuple[str, str]] = []
    before = ""
    listed = list(answers)
    assert "355" in {one.kind for one in listed}, [one.payload for one in listed]
    for one in segments(listed, "355"):
        row = one.split("*")
        if row[0] == "K1":
            out.append((row[1], before))
        else:
            before = row[0]
    return out


def statuses(answers: Iterable[Answer]) -> list[tuple[str, str]]:
    """(bill, disposition) of every X4 of the 350s."""
    rows = [one.split("*") for one in segments(answers, "350") if one.startswith("X4*")]
    return [(row[1], row[7]) for row in rows]


def verdict(cbp: LoopbackCbp) -> dict[str, object]:
    """The verdict on the last file that came in."""
    row = cbp.cbp.store.row("select verdict from transcript where direction = 'in' order by id desc limit 1")
    assert row is not None
    found: dict[str, object] = json.loads(row["verdict"])
    return found
