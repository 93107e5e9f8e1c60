"""What does a file say, read without any part of the gateway or of the simulated CBP?

The auditor's own reading, by the published layouts: X12 elements counted from the separators that the ISA names, CATAIR
columns counted from 1. It reads the few facts that the promises are about, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, Literal

Word = Literal["accepted", "rejected", "on_file", "released", "kept", "taken_back", "cancelled", "noted"]

_350: Final[dict[str, Word]] = {
    "1C": "released",
    "1B": "released",
    "4E": "taken_back",
    "15": "taken_back",
    "16": "taken_back",
    "1H": "kept",
    "1A": "kept",
    "1G": "kept",
    "4H": "kept",
    "95": "noted",
}
"""Truck 350 (CAMIR Appendix D): what X407 says of a release."""
_SO60: Final[dict[str, Word]] = {
    "97": "on_file",
    "98": "released",
    "99": "taken_back",
    "33": "taken_back",
    "23": "cancelled",
    "21": "cancelled",
}
"""Cargo release status (CATAIR SO): what SO60 positions 15-16 say of a release."""
_SO50: Final[dict[str, Word]] = {"51": "kept", "52": "kept", "53": "kept", "93": "on_file"}
"""Cargo release status: what SO50 positions 15-16 say of the bill of an entry."""
_SE90: Final[dict[str, Word]] = {"01": "rejected", "02": "accepted", "03": "accepted", "04": "noted"}
"""Cargo release response (CATAIR SX): what the last SE90 of a transaction says, positions 5-6."""
_K3: Final = re.compile(r"REJECTED\s+(\d+),\s*SHIPMENTS ACCEPTED\s+(\d+)")


@dataclass(frozen=True, slots=True)
class Said:
    """One word of CBP about one bill (SCN), entry (11 characters) or trip; ``when`` is CBP's time as it writes it."""

    word: Word
    about: str
    source: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one file of CBP says."""

    said: tuple[Said, ...] = ()
    refused_bills: frozenset[str] = frozenset()
    unread: str = ""
    """Control number of a group of ours that CBP could not read (997 R)."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What one file of ours declares: its control number, its trip, its bills, its entries."""

    form: Literal["x12", "catair", "other"]
    control: str = ""
    trip: str = ""
    kind: str = ""
    bills: tuple[str, ...] = ()
    entries: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Digest of the transaction, its action and its SCN, by entry number."""


def segments(payload: bytes) -> list[list[str]]:
    """Segments of an interchange as lists of elements; nothing for what is none."""
    text = payload.decode("latin-1").lstrip()
    if not text.startswith("ISA") or len(text) < 107:
        return []
    element, terminator = text[3], text[105]
    return [one.strip("\r\n").split(element) for one in text.split(terminator) if one.strip()]


def lines(payload: bytes) -> list[str]:
    """Records of a CATAIR file."""
    return [one.rstrip("\r") for one in payload.decode("latin-1").split("\n") if one.strip()]


def read_answer(payload: bytes) -> Answered:
    """What CBP says in a file."""
    found = segments(payload)
    if found:
        return _x12_answer(found)
    return _catair_answer(lines(payload)) if payload[:1] == b"A" else Answered()


def _x12_answer(found: list[list[str]]) -> Answered:
    sets = [one[1] for one in found if one[0] == "ST"]
    if sets == ["355"]:
        return _acceptance(found)
    if sets == ["997"] and any(one[0] == "AK9" and one[1] == "R" for one in found):
        return Answered(unread=next(one[2] for one in found if one[0] == "AK1"))
    if sets != ["350"]:
        return Answered()
    said = []
    for one in found:
        if one[0] == "X4":
            at = [*one, *[""] * 12]
            said.append(Said(_350.get(at[7], "noted"), at[9] + at[1], f"350 {at[7]}", at[5] + at[6][:4]))
    return Answered(tuple(said))


def _acceptance(found: list[list[str]]) -> Answered:
    trip = next((one[12] for one in found if one[0] == "M10" and len(one) > 12), "")
    refused = {_bill(one) for one in found if one[0] in ("M11", "M13")}
    summary = _K3.search(" ".join("*".join(one) for one in found if one[0] == "K3"))
    if summary is None:
        return Answered()
    rejected, accepted = int(summary[1]), int(summary[2])
    words: list[Said] = []
    if accepted:
        words.append(Said("accepted", trip, "355"))
    if rejected or not accepted:
        words.append(Said("rejected", trip, "355"))
    return Answered(tuple(words), frozenset(refused))


def _bill(segment: list[str]) -> str:
    """SCAC and number of an M11 (elements 12 and 1) or M13 (elements 1 and 4)."""
    at = [*segment, *[""] * 13]
    return at[12] + at[1] if at[0] == "M11" else at[1] + at[4]


def _catair_answer(found: list[str]) -> Answered:
    said: list[Said] = []
    entry = ""
    for one in found:
        if one.startswith("SE10"):
            entry = _entry_number(one[5:18])
        elif one.startswith("SE90") and one[4:6] in _SE90:
            said.append(Said(_SE90[one[4:6]], entry, f"SX {one[4:6]}"))
        elif one.startswith("WO10"):
            entry = _entry_number(one[8:21])
            said.append(Said("accepted", entry, "C1"))
        elif one.startswith("SO10"):
            entry = _entry_number(one[8:21])
        elif one.startswith(("SO50", "WO50")):
            word: Word = _SO50.get(one[14:16], "noted")
            said.append(Said(word, entry, f"SO50 {one[14:16]}", _day(one[4:10]) + one[10:14]))
        elif one.startswith(("SO60", "WO60")):
            code, origin = one[14:16], one[62:64]
            word = "taken_back" if origin == "99" else _SO60.get(code, "noted")
            said.append(Said(word, entry, f"SO60 {code}", _day(one[4:10]) + one[10:14]))
    return Answered(tuple(said))


def _day(mmddyy: str) -> str:
    return f"20{mmddyy[4:6]}{mmddyy[:4]}"


def _entry_number(eleven: str) -> str:
    """Filer code and number as the gateway and CBP write it, without the blank between them."""
    return eleven.replace(" ", "")


def read_declaration(payload: bytes) -> Declared:
    """What a file of ours declares."""
    found = segments(payload)
    if found:
        return _manifest(found)
    if payload[:1] == b"A":
        return _entries(lines(payload))
    return Declared("other")


def _manifest(found: list[list[str]]) -> Declared:
    head = next((one for one in found if one[0] == "M10"), [])
    at = [*head, *[""] * 13]
    bills = tuple(_bill(one) for one in found if one[0] == "M11")
    return Declared("x12", f"{found[0][6].strip()}:{found[0][13]}", at[12], at[9], bills)


def head_of(payload: bytes) -> list[str]:
    """The M10 of a message, which its answer repeats."""
    return next((one for one in segments(payload) if one[0] == "M10"), [])


def _entries(found: list[str]) -> Declared:
    entries: dict[str, tuple[str, str, str]] = {}
    current: list[str] = []

    def close() -> None:
        if current:
            head = current[0]
            digest = hashlib.sha256("\n".join(current).encode()).hexdigest()
            scn = next((one[5:21].strip() for one in current if one.startswith("SE15")), "")
            entries[_entry_number(head[5:18])] = (digest, head[4], scn)
            current.clear()

    for one in found:
        if one.startswith("SE10") or one[:1] in "BYZ":
            close()
        if one.startswith(("SE", "PG", "OI")):
            current.append(one)
    close()
    reference = found[0][59:80].strip()
    return Declared("catair", reference, entries=entries)
