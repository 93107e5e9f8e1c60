"""What may happen next, to a filing, a shipment and a trip?

Pure tables and functions; time comes in as an argument. ``states`` has the words, ``filing``, ``shipment``
and ``trip`` the tables, ``evidence`` what can be known of a shipment, ``facts`` the fold over it, ``page``
the documentation made from them.
"""

from __future__ import annotations

from filings.lifecycle.evidence import (
    REQUEST_PAPERS,
    Act,
    Did,
    Ending,
    Kind,
    OutcomeLike,
    Statement,
    decides,
    proves_arrival,
)
from filings.lifecycle.facts import Declaration, ShipmentFacts
from filings.lifecycle.filing import (
    ACTS,
    FILING,
    FILING_ENDS,
    FILING_STARTS,
    OWN_ACTS,
    TAKEN,
    UNANSWERED,
    WAITING,
    answer_input,
    permitted_acts,
    step_filing,
)
from filings.lifecycle.folding import Fold, fold
from filings.lifecycle.page import render_markdown
from filings.lifecycle.reading import declared_input, is_final, kept_for, released_at, shipment_state
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
    "REQUEST_PAPERS",
    "SHIPMENT",
    "SHIPMENT_ENDS",
    "SHIPMENT_STARTS",
    "TAKEN",
    "TRIP",
    "TRIP_ACTS",
    "TRIP_ENDS",
    "TRIP_STARTS",
    "UNANSWERED",
    "WAITING",
    "Act",
    "Cell",
    "Declaration",
    "Did",
    "Effects",
    "Ending",
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
    "answer_input",
    "decides",
    "declared_input",
    "fold",
    "is_final",
    "kept_for",
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
