"""What do M10 and P4 of an answer say? Trip number, port and the day, for every outcome of a 355 or 350.

The element that holds the trip number is unconfirmed, so every candidate is kept; the one that has the form of a
trip number and begins with the carrier's SCAC is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.identifiers import TRIP_NUMBER
from schemas.x12 import Interchange, trip_number_candidates
from schemas.x12.segments import trimmed

_ECHOED: Final = ("M10", "P4")
"""Segments that a 355 always repeats of the message it answers (CBP rail 355 guide; for the truck deduced)."""
_HEADER: Final = 106
"""Characters of an ISA, which names its separators."""


@dataclass(frozen=True, slots=True)
class Head:
    """What M10 and P4 say, for every outcome of the message."""

    trip_number: str
    manifest_type: str
    port: str
    correlation: dict[str, Any]


def message_head(read: Interchange) -> Head:
    m10 = next((one for one in read.segments if one.id == "M10"), None)
    p4 = next((one for one in read.segments if one.id == "P4"), None)
    numbers = trip_number_candidates(m10) if m10 else ()
    scac = m10.element(1) if m10 else ""
    shaped = [one for one in numbers if TRIP_NUMBER.fullmatch(one)]
    chosen = next((one for one in shaped if one.startswith(scac)), shaped[0] if shaped else "")
    correlation: dict[str, Any] = {"trip_numbers": list(numbers)}
    if p4 is not None:
        correlation |= {"port": p4.element(1), "arrival_date": p4.element(2)}
    return Head(
        chosen, m10.element(9) if m10 else "", p4.element(1) if p4 else "", correlation | {"carrier_scac": scac}
    )


def identity(read: Interchange) -> dict[str, str]:
    """What tells a statement of CBP from another, and one that is said again in a new envelope from a new one.

    ``said`` is the digest of the set without its numbers; ``echo`` what it repeats of the message that it answers
    (:func:`echo_of`).
    """
    body = "\n".join("*".join((one.id, *trimmed(one.elements))) for one in read.body)
    first = [next((one for one in read.segments if one.id == name), None) for name in _ECHOED]
    return {
        "said": hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest(),
        "echo": _joined((one.id, *one.elements) for one in first if one is not None),
    }


def echo_of(sent: bytes) -> str:
    """What a 355 repeats of a message of ours: its first M10 and P4, as far as it has them; empty for another file."""
    text = sent.decode("latin-1").lstrip()
    if not text.startswith("ISA") or len(text) < _HEADER:
        return ""
    pieces = [one.strip("\r\n").split(text[3]) for one in text.split(text[_HEADER - 1])]
    first = [next((one for one in pieces if one[0] == name), None) for name in _ECHOED]
    return _joined(one for one in first if one is not None)


def _joined(segments: Iterable[Sequence[str]]) -> str:
    return "~".join("*".join(trimmed(one)) for one in segments)
