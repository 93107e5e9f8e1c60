"""One good shipment and one good trip, fictional, for tests to change."""

from __future__ import annotations

import copy
from typing import Any

_SHIPMENT: dict[str, Any] = {
    "shipment_id": "T-0001",
    "shipment_control_number": "TSTC25031000001",
    "order_id": "O-1",
    "shipper": {
        "name": "Sample Shop Ltd",
        "address": {
            "lines": ["1 Example St"],
            "city": "Toronto",
            "region": "ON",
            "postal_code": "M5H 1A1",
            "country": "CA",
        },
    },
    "consignee": {
        "name": "Pat Testwell",
        "address": {
            "lines": ["12 Sample Ave", "Apt 4"],
            "city": "Buffalo",
            "region": "NY",
            "postal_code": "14201",
            "country": "US",
        },
    },
    "importer_of_record": {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"},
    "place_of_receipt": "FORT ERIE ON",
    "packages": {"count": 1, "unit": "BOX"},
    "gross_weight": {"value": "1.20", "unit": "KG"},
    "lines": [
        {
            "line": 1,
            "sku": "TSH-01",
            "description": "Cotton T-shirts, knitted",
            "hts": "6109100012",
            "country_of_origin": "CA",
            "quantity": "2",
            "unit": "NO",
            "value": "45.00",
            "currency": "USD",
            "manufacturer": None,
            "spi": None,
            "ad_cvd_case": None,
            "quota": False,
            "pga": [],
        }
    ],
    "fair_retail_value": "45.00",
    "pathway": None,
}

_TRIP: dict[str, Any] = {
    "trip_number": "TSTC2503100001",
    "carrier_scac": "TSTC",
    "port_of_arrival": "0901",
    "estimated_arrival": "2025-03-10T16:30:00-04:00",
    "conveyance": {
        "type": "TR",
        "number": "TRK7",
        "vin": "1M8GDM9AXKP042788",
        "plate": {"number": "AB1234", "region": "ON", "country": "CA"},
    },
    "equipment": [
        {
            "type": "TL",
            "number": "T53012",
            "plate": {"number": "AT9921", "region": "ON", "country": "CA"},
            "seals": ["SEAL0001"],
        }
    ],
    "crew": [
        {
            "role": "driver",
            "first_name": "Marie",
            "last_name": "Testwell",
            "date_of_birth": "1984-05-17",
            "gender": "F",
            "citizenship": "CA",
            "documents": [{"type": "5K", "number": "T62358400517", "region": "ON", "country": "CA"}],
        }
    ],
}


def shipment(**changes: Any) -> dict[str, Any]:
    """A good shipment record; keyword arguments replace top-level values."""
    return {**copy.deepcopy(_SHIPMENT), **changes}


def trip(**changes: Any) -> dict[str, Any]:
    """A good trip record; keyword arguments replace top-level values."""
    return {**copy.deepcopy(_TRIP), **changes}
