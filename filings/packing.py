"""What is in the packages for the licensed broker?

Pure, some milliseconds each, and nothing but values goes in and out: so that they can be made in a process of their
own, which loads neither the store nor anything else that it does not need.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mappings.decision import PathwayDecision
from mappings.handoff import build_package, zip_package
from schemas.shipment import Shipment
from schemas.trip import Trip


def packages(
    trip: Trip, shipments: Sequence[Shipment], decisions: Sequence[PathwayDecision], now: datetime
) -> tuple[bytes, ...]:
    """The handoff package of each shipment, as a zip archive."""
    pairs = zip(shipments, decisions, strict=True)
    return tuple(zip_package(build_package(shipment, decision, trip, now), now) for shipment, decision in pairs)
