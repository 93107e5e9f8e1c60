"""What may happen next, to a filing, a shipment and a trip?

Pure tables and functions; time comes in as an argument. ``states`` has the words, ``filing``, ``shipment``
and ``trip`` the tables, ``evidence`` what can be known of a shipment, ``facts`` the fold over it, ``page``
the documentation made from them.
"""

from __future__ import annotations

from filings.lifecycle.evidence import Act, Did, Kind, OutcomeLike, Statement, proves_arrival
from filings.lifecycle.facts import (
    Declaration,
    Fold,
    ShipmentFacts,
    declared_input,
    fold,
    is_final,
    released_at,
    shipment_state,
)
from filings.lifecycle.filing import ACTS, FILING, FILING_ENDS, FILING_STARTS, OWN_ACTS, permitted_acts, step_filing
from filings.lifecycle.page import render_markdown
from filings.lifecycle.shipment import (
    DECISIONS,
    DECLARED,
    SHIPMENT,
    SHIPMENT_ENDS,
    SHIPMENT_STARTS,
    step_shipment,
)
from filings.lifecycle.states import (
    Cell,
    Effects,
    EventType,
    FilingInput,
    FilingState,
    NotPossible,
    ShipmentInput,
    ShipmentState,
    TripInput,
    TripState,
    leads_to,
    reachable,
)
from filings.lifecycle.trip import (
    CROSSING,
    NOT_TO_CROSS,
    REQUESTS,
    TRIP,
    TRIP_ACTS,
    TRIP_ENDS,
    TRIP_STARTS,
    permitted_trip_acts,
    step_trip,
    trip_verdict,
)

__all__ = [
    "ACTS",
    "CROSSING",
    "DECISIONS",
    "DECLARED",
    "FILING",
    "FILING_ENDS",
    "FILING_STARTS",
    "NOT_TO_CROSS",
    "OWN_ACTS",
    "REQUESTS",
    "SHIPMENT",
    "SHIPMENT_ENDS",
    "SHIPMENT_STARTS",
    "TRIP",
    "TRIP_ACTS",
    "TRIP_ENDS",
    "TRIP_STARTS",
    "Act",
    "Cell",
    "Declaration",
    "Did",
    "Effects",
    "EventType",
    "FilingInput",
    "FilingState",
    "Fold",
    "Kind",
    "NotPossible",
    "OutcomeLike",
    "ShipmentFacts",
    "ShipmentInput",
    "ShipmentState",
    "Statement",
    "TripInput",
    "TripState",
    "declared_input",
    "fold",
    "is_final",
    "leads_to",
    "permitted_acts",
    "permitted_trip_acts",
    "proves_arrival",
    "reachable",
    "released_at",
    "render_markdown",
    "shipment_state",
    "step_filing",
    "step_shipment",
    "step_trip",
    "trip_verdict",
]
