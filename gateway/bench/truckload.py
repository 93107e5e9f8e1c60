"""What is everything measured with? One made-up truckload, its messages and its bytes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mappings.decision import PathwayDecision
    from schemas.catair import BlockSpec, Record
    from schemas.shipment import Shipment
    from schemas.x12 import Envelope, Segment

SHIPMENTS: Final = 2_000
ARRIVAL: Final = date(2025, 3, 10)
WRITTEN_AT: Final = datetime(2025, 3, 10, 16, tzinfo=UTC)
ENTRIES: Final = 200
"""Entries in one batch, each of another shipment: no two alike."""


class Truckload:
    """A trip with ``count`` shipments, decided; messages are made when first asked for."""

    def __init__(self, count: int = SHIPMENTS) -> None:
        from gateway.demo.shipments import make_shipments, make_trip
        from mappings.decision import decide_trip
        from mappings.rulebook import RuleBook
        from schemas.profile import load_profile
        from schemas.shipment import read_shipments
        from schemas.trip import read_trip

        raw = list(make_shipments(ARRIVAL, count, 1))
        self.lines = [json.dumps(one).encode() for one in raw]
        self.trip = read_trip(make_trip(ARRIVAL, 1))
        self.rules, self.profile = RuleBook.load(), load_profile()
        self.good = [shipment for shipment, _ in read_shipments(raw) if shipment is not None]
        self.pairs = list(zip(self.good, decide_trip(self.good, self.trip, self.trip.arrival, self.rules), strict=True))

    @cached_property
    def on_the_truck(self) -> list[tuple[Shipment, PathwayDecision]]:
        """Those that fit into a manifest; the others are for review."""
        from mappings.manifest_bill import bill_segments
        from schemas.errors import FormatError

        fitting = []
        for shipment, decision in self.pairs:
            try:
                bill_segments(shipment, decision, self.trip, self.profile, 1)
            except FormatError:
                continue
            fitting.append((shipment, decision))
        return fitting

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The 309 between ST and SE."""
        from mappings.manifest import build_manifest

        return tuple(build_manifest(self.trip, self.on_the_truck, self.profile)[0].segments)

    @property
    def envelope(self) -> Envelope:
        """The envelope of the 309."""
        from schemas.x12 import envelope_for

        return envelope_for("309", self.profile, control_number=1, written_at=WRITTEN_AT)

    @cached_property
    def interchange(self) -> bytes:
        """The bytes of the 309."""
        from schemas.x12 import write_interchange

        return write_interchange(self.envelope, "309", self.segments, self.profile)

    @cached_property
    def entries(self) -> list[list[Record]]:
        """Cargo release entries of different shipments."""
        from mappings.entry import FilerIdentity, build_entry
        from schemas.entry_number import make_entry_number
        from schemas.errors import FormatError

        filer = FilerIdentity("XYZ", "0901", "BROKER DESK", "7165550100")
        made: list[list[Record]] = []
        for shipment, decision in self.pairs:
            if decision.pathway in ("informal", "type86") and len(made) < ENTRIES:
                number = str(make_entry_number("XYZ", len(made) + 1))
                try:
                    made.append(list(build_entry(shipment, decision, self.trip, filer, number).records))
                except FormatError:
                    continue
        return made

    @cached_property
    def blocks(self) -> list[BlockSpec]:
        """The entries in one block."""
        from schemas.catair import BlockSpec

        return [BlockSpec("0901", "XYZ", "", self.entries, "")]

    @cached_property
    def batch(self) -> bytes:
        """The bytes of the batch of entries."""
        from schemas.catair import write_batch

        return write_batch("SE", "0901", "XYZ", "SANDBX", self.blocks, ARRIVAL)
