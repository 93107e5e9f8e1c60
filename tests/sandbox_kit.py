"""What the tests of the sandbox's broker side share: a box, what it answered, and small changes to good files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox.cbp import Answer
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
Change = Callable[[bytes], bytes]


def cbp(clock: str = MARCH, **conduct: Any) -> LoopbackCbp:
    """A fresh CBP."""
    return LoopbackCbp(clock, behaviour=Behaviour(**conduct))


def records(answers: list[Answer], kind: str) -> list[str]:
    """Records of every answer of a kind."""
    return [line for a in answers if a.kind == kind for line in a.payload.decode().splitlines()]


def se90(answers: list[Answer]) -> list[tuple[str, str]]:
    """(type, code) of the SE90 records of the SX."""
    return [(r[4:6], r[6:9].strip()) for r in records(answers, "SX") if r.startswith("SE90")]


def complaints(answers: list[Answer]) -> list[tuple[str, str]]:
    """(record complained of, code) of the SX, the transactions' own verdicts left out."""
    found, above = [], ""
    for line in records(answers, "SX"):
        if not line.startswith("SE90"):
            above = line[:4].strip()
        elif line[4] == "1":
            found.append((above, line[6:9].strip()))
    return found


def x1(answers: list[Answer]) -> list[str]:
    """Condition codes of a batch rejection, without the last."""
    return [r[4:7] for r in records(answers, "X1") if r.startswith("X1 ")]


def e1(answers: list[Answer]) -> list[tuple[str, str]]:
    """(what the last reference before it names, code) of the conditions of an AX."""
    found, place = [], ""
    for line in records(answers, "AX"):
        if line.startswith("E0"):
            place = line[3:9].strip()
        elif line.startswith("E1 "):
            found.append((place, line[4:7]))
    return found


def dispositions(answers: list[Answer]) -> list[tuple[str, str, str]]:
    """(A or R, code, version) of the last E1 of each summary."""
    return [(r[2], r[4:7], r[63:68].strip()) for r in records(answers, "AX") if r[:2] == "E1" and r[2] != " "]


def verdicts(box: LoopbackCbp) -> list[dict[str, Any]]:
    """Verdicts of the transcript for files that came in, in order."""
    rows = box.cbp.store.rows("select verdict from transcript where direction = 'in' order by id")
    return [json.loads(row["verdict"]) for row in rows]


def reasons(box: LoopbackCbp) -> list[dict[str, str]]:
    """Reasons of the latest file's refusals."""
    found: list[dict[str, str]] = verdicts(box)[-1].get("reasons", [])
    return found


def same(data: bytes) -> bytes:
    """No change."""
    return data


def swap(old: str, new: str) -> Change:
    """A change that replaces a text that must be there, first occurrence."""

    def change(data: bytes) -> bytes:
        assert old.encode() in data, old
        return data.replace(old.encode(), new.encode(), 1)

    return change


def without(start: str) -> Change:
    """A change that takes the first record with this beginning away."""

    def change(data: bytes) -> bytes:
        lines = data.decode().splitlines()
        lines.remove(next(line for line in lines if line.startswith(start)))
        return ("\n".join(lines) + "\n").encode()

    return change


def after(start: str, *new: str) -> Change:
    """A change that puts records behind the first one with this beginning."""

    def change(data: bytes) -> bytes:
        lines = data.decode().splitlines()
        at = next(place for place, line in enumerate(lines) if line.startswith(start)) + 1
        lines[at:at] = [line.ljust(80) for line in new]
        return ("\n".join(lines) + "\n").encode()

    return change


def at(start: str, column: int, text: str) -> Change:
    """A change that writes over the columns of the first record with this beginning, from ``column`` on."""

    def change(data: bytes) -> bytes:
        lines = data.decode().splitlines()
        place = next(place for place, line in enumerate(lines) if line.startswith(start))
        line = lines[place]
        lines[place] = line[: column - 1] + text + line[column - 1 + len(text) :]
        return ("\n".join(lines) + "\n").encode()

    return change


def all_of(*changes: Change) -> Change:
    """Several changes in turn."""

    def change(data: bytes) -> bytes:
        for one in changes:
            data = one(data)
        return data

    return change
