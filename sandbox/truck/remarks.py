"""What is a complaint about a truck message? The K1s of a 355, each with the rule it rests on and its place.

A place is the position of a segment in its set (ST = 1). Complaints of the trip as a whole refuse everything; those of
one item (a shipment of a 309, a link of a 358, an event of a 353) refuse that item alone (CBP truck CUSRES guide).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MOST_REASONS: Final = 50
"""Reasons of one file that the transcript keeps."""
MOST_TRIP_FAULTS: Final = 20
"""Complaints of a trip that are kept: a 355 carries ten K1 after a segment."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One K1: CBP's code (empty where none is known), text, the bad value, and the rule (guide, version, section).

    Raises :class:`ValueError` without a reference: nothing is refused without saying by which rule.
    """

    code: str
    text: str
    value: str = ""
    reference: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.reference:
            raise ValueError(f"{self.text}: no refusal without its reference")

    def reason(self, place: str) -> dict[str, str]:
        """For the transcript."""
        shown = {"code": self.code, "text": self.text, "place": place, "reference": self.reference}
        return shown | {"value": self.value} if self.value else shown


class Faults:
    """What is wrong with a message: with its trip, and with each item; and what is only odd."""

    def __init__(self) -> None:
        self.trip: list[tuple[int, Remark]] = []
        self.items: dict[int, dict[int, list[Remark]]] = defaultdict(lambda: defaultdict(list))
        self.warnings: list[dict[str, str]] = []

    def of_trip(self, position: int, remark: Remark) -> None:
        """Complain of the trip, at a segment."""
        if len(self.trip) < MOST_TRIP_FAULTS:
            self.trip.append((position, remark))

    def add(self, item: int, position: int, remark: Remark) -> None:
        """Complain of the segment at ``position`` of item ``item``."""
        self.items[item][position].append(remark)

    def warn(self, place: str, remark: Remark) -> None:
        """Note in the transcript; nothing is refused."""
        if len(self.warnings) < MOST_REASONS:
            self.warnings.append(remark.reason(place))

    def reasons(self, names: Iterable[str]) -> list[dict[str, str]]:
        """Every refusal for the transcript, at most :data:`MOST_REASONS`; ``names`` of the items by their index."""
        out = [remark.reason(f"trip at {position}") for position, remark in self.trip]
        called = list(names)
        for item, places in sorted(self.items.items()):
            for position, remarks in sorted(places.items()):
                out += [remark.reason(f"{called[item]} at {position}") for remark in remarks]
            if len(out) >= MOST_REASONS:
                break
        return out[:MOST_REASONS]
