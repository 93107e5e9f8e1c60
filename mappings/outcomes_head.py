"""What do M10 and P4 of an answer say? Trip number, port and the day, for every outcome of a 355 or 350.

The element that holds the trip number is unconfirmed, so every candidate is kept; the one that has the form of a
trip number and begins with the carrier's SCAC is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.identifiers import TRIP_NUMBER
from schemas.x12 import Interchange, trip_number_candidates


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
