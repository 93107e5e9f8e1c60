"""A truck with one shipment for each pathway, for the tests of the mappings; all of it fictional."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mappings.decision import PathwayDecision
from mappings.entry import FilerIdentity
from schemas.profile import Profile
from schemas.shipment import Shipment, read_shipment
from schemas.trip import Trip, read_trip
from schemas.x12 import Segment, envelope_for, write_interchange
from tests import samples

WRITTEN_AT = datetime(2025, 3, 10, 14, 5, tzinfo=UTC)
ENTRY_TYPES = {"type86": "86", "informal": "11", "formal": "01"}
FILER = FilerIdentity("XYZ", "0901", "Dana Broker", "716-555-0100")
ENTRY_NUMBER = "XYZ12345671"


def shipment(**changes: Any) -> Shipment:
    """The sample shipment as a value, top-level fields changed."""
    return read_shipment(samples.shipment(**changes))


def line(**changes: Any) -> dict[str, Any]:
    """One line of goods as it comes from outside."""
    return {**samples.shipment()["lines"][0], **changes}


def party(
    name: str, country: str = "US", region: str | None = "NY", lines: tuple[str, ...] = ("5 Test Rd",)
) -> dict[str, Any]:
    """A party as it comes from outside."""
    postal = {"US": "14201", "CA": "M5H 1A1"}.get(country)
    address = {"lines": list(lines), "city": "Sampleton", "region": region, "postal_code": postal, "country": country}
    return {"name": name, "address": address}


def trip(**changes: Any) -> Trip:
    """The sample trip as a value, top-level fields changed."""
    return read_trip(samples.trip(**changes))


def decided(pathway: str, **changes: Any) -> PathwayDecision:
    """A decision for this pathway; the rules named are no real ones."""
    made: dict[str, Any] = {
        "arrival": WRITTEN_AT,
        "shipment_id": "T-0001",
        "pathway": pathway,
        "entry_type": ENTRY_TYPES.get(pathway, ""),
        "rules": (f"sample.{pathway}",),
        "citations": ("19 CFR 143.21",),
        "reasons": ("The value is over 2,500 US dollars.",),
        "refused": (),
        "needs": (),
        "warnings": (),
        "rule_book_version": "sample-1",
    }
    return PathwayDecision(**{**made, **changes})


def three_pathways() -> list[tuple[Shipment, PathwayDecision]]:
    """One shipment each for Section 321, type 86 and type 11."""
    made_by = party("Tisserand Éloïse & Fils", "CA", "QC")
    return [
        (shipment(shipment_id="T-1", shipment_control_number="TSTC25031000001"), decided("section321")),
        (
            shipment(
                shipment_id="T-2",
                shipment_control_number="TSTC25031000002",
                consignee=party("René O'Hara"),
                lines=[
                    line(
                        description="Ceramic mugs, glazed, hand painted with birds of the northern lakes", value="79.50"
                    )
                ],
                fair_retail_value=None,
            ),
            decided("type86"),
        ),
        (
            shipment(
                shipment_id="T-3-LONG-REFERENCE",
                shipment_control_number="TSTC25031000003",
                packages={"count": 3, "unit": "CTN"},
                gross_weight={"value": "44.1", "unit": "LB"},
                lines=[
                    line(value="1200.00", manufacturer=made_by),
                    line(line=2, description="Wool blankets", hts="6301200010", value="0.40", quantity="12"),
                ],
                fair_retail_value=None,
            ),
            decided("informal"),
        ),
    ]


def in_envelope(
    segments: tuple[Segment, ...] | list[Segment], profile: Profile, set_id: str = "309", number: int = 101
) -> bytes:
    """The segments as one interchange from us to CBP, or from CBP where the set says so."""
    envelope = envelope_for(set_id, profile, control_number=number, written_at=WRITTEN_AT)
    return write_interchange(envelope, set_id, segments, profile)
