"""What did CBP say of whom? The statements in its own answers: kind, codes and texts, and the numbers they are about.

For expectations in tests and scenarios: an answer is read back from its bytes, as they went out, so that what is
expected is what a filer can read. A statement is about every number in its lines: shipment control number, entry
number, trip number. Kinds that have no table here are read record by record, every word of them a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.truck.x12 import ISA_LENGTH, looks_like_x12

_HEADS: Final = {"355": ("M10", "LX"), "350": ("X4",)}
"""Segments with which a statement begins."""
_CODE: Final = re.compile(r"[A-Z0-9]\d\d")
"""How a remark with a code begins; a remark of text alone does not."""
_RECORD_HEADS: Final = {"SX": "SE10", "SO": "SO10"}
_ENTRY_AT: Final = {"SX": ((5, 8), (10, 18)), "SO": ((8, 11), (13, 21))}
"""Columns of filer code and number in the head, from 0."""
_BILL_AT: Final = {"SX": ("SE15", 5, 9, 59), "SO": ("SO40", 5, 9, 59)}
"""Record of a bill, and where its issuer begins, its number begins and ends."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one answer."""

    kind: str
    about: frozenset[str]
    codes: tuple[str, ...]
    text: str

    def names(self, number: str) -> bool:
        """Whether it is about this trip, shipment or entry."""
        return number in self.about or (len(self.about) == 0 and number in self.text)

    def says(self, code: str, text: str) -> bool:
        """Whether it holds a code and a text; an empty one is any."""
        return (not code or code in self.codes) and text.upper() in self.text.upper()

    def __str__(self) -> str:
        return " ".join((self.kind, *self.codes))


def statements(kind: str, payload: bytes) -> list[Statement]:
    """Everything an answer says; bytes that are damaged say nothing."""
    if looks_like_x12(payload) and len(payload.lstrip()) > ISA_LENGTH:
        return list(_of_segments(kind, payload))
    return list(_of_records(kind, payload))


def _of_segments(kind: str, payload: bytes) -> Iterator[Statement]:
    text = payload.lstrip().decode("latin-1")
    element, terminator = text[3], text[ISA_LENGTH - 1]
    if element.isalnum() or not text.rstrip().endswith(terminator):
        return
    rows = [piece.strip("\r\n").split(element) for piece in text[ISA_LENGTH:].split(terminator) if piece.strip()]
    if kind not in _HEADS:
        yield _whole(kind, rows)
        return
    group: list[list[str]] = []
    trip = ""
    for row in rows:
        if row[0] == "M10":
            trip = next((row[at] for at in (12, 7, 6) if at < len(row) and row[at]), "")
        if row[0] in (*_HEADS[kind], "K3", "SE"):
            if group and group[0][0] in _HEADS[kind]:
                yield _group(kind, group, trip)
            group = []
        if row[0] == "K3" and len(row) > 1:
            yield Statement(kind, frozenset({trip}), (), row[1])
        group.append(row)


def _whole(kind: str, rows: Sequence[Sequence[str]]) -> Statement:
    """A 997 or TA1: codes of the set, the group and their faults."""
    places = {"AK5": (1, 2), "AK9": (1, 5), "AK3": (1, 4), "AK4": (3,), "TA1": (4, 5)}
    codes = [row[at] for row in rows for at in places.get(row[0], ()) if at < len(row) and row[at]]
    return Statement(kind, frozenset(), tuple(codes), " ".join(" ".join(row) for row in rows))


def _group(kind: str, rows: Sequence[Sequence[str]], trip: str) -> Statement:
    about = {trip} if kind == "350" or rows[0][0] == "M10" else set()
    codes: list[str] = []
    for row in rows:
        if row[0] == "M11" and len(row) > 12:
            about.add(row[12] + row[1])
        elif row[0] == "M13" and len(row) > 9:
            about.add(row[9] + row[4])
        elif row[0] == "X4" and len(row) > 9:
            about |= {row[9] + row[1], row[4]}
            codes.append(row[7])
        elif row[0] == "K1" and len(row) > 1 and kind == "355" and _CODE.match(row[1]):
            codes.append(row[1][:3])
    words = " ".join(" ".join(row[1:]) for row in rows if row[0] == "K1")
    return Statement(kind, frozenset(about - {""}), tuple(codes), words)


def _of_records(kind: str, payload: bytes) -> Iterator[Statement]:
    records = payload.decode("latin-1").splitlines()
    head = _RECORD_HEADS.get(kind)
    if head is None:
        if records and all(len(one) == 80 for one in records):
            for one in records:
                yield Statement(kind, frozenset(), tuple(one.split()), one)
        return
    group: list[str] = []
    for record in (*records, "Y"):
        if record.startswith((head, "Y")) and group:
            yield _transaction(kind, group)
            group = []
        if record.startswith(head) or group:
            group.append(record.ljust(80))


def _transaction(kind: str, group: Sequence[str]) -> Statement:
    filer, number = (group[0][start:end] for start, end in _ENTRY_AT[kind])
    about = {(filer + number).strip()}
    name, issuer, begins, ends = _BILL_AT[kind]
    codes: list[str] = []
    texts: list[str] = []
    for record in group:
        if record.startswith(name):
            about.add(record[issuer:begins].strip() + record[begins:ends].strip())
        elif record.startswith("SE90"):
            codes += [code for code in (record[6:9].strip(), record[4:6]) if code]
            texts.append(record[9:49].strip())
        elif record.startswith(("SO50", "SO60")):
            codes.append(record[14:16])
            texts.append(record[16:56].strip())
        elif record.startswith("SO"):
            texts.append(record[4:].strip())
    return Statement(kind, frozenset(about), tuple(codes), " ".join(texts))
