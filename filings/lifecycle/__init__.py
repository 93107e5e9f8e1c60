"""What may happen next, to a filing, a shipment and a trip?

Pure tables and functions; time comes in as an argument. ``states`` has the words, ``filing``, ``shipment``
and ``trip`` the tables, ``evidence`` what can be known of a shipment, ``facts`` the fold over it, ``page``
the documentation made from them.
"""

from __future__ import annotations

from filings.lifecycle.evidence import REQUEST_PAPERS, Act, Did, Ending, Kind, OutcomeLike, Statement, decides
from filings.lifecycle.facts import (
    Declaration,
    Fold,
    ShipmentFacts,
    declared_input,
    fold,
    is_final,
    shipment_state,
)
from filings.lifecycle.filing import (
    FILING,
    FILING_ENDS,
    FILING_STARTS,
    OWN_ACTS,
    TAKEN,
    WAITING,
    answer_input,
    permitted_acts,
    step_filing,
)
from filings.lifecycle.page import render_markdown
from filings.lifecycle.shipment import DECISIONS, DECLARED, SHIPMENT
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
    reachable,
)
from filings.lifecycle.trip import CROSSING, TRIP, TRIP_ENDS, step_trip, trip_verdict

__all__ = [
    "CROSSING",
    "DECISIONS",
    "DECLARED",
    "FILING",
    "FILING_ENDS",
    "FILING_STARTS",
    "OWN_ACTS",
    "REQUEST_PAPERS",
    "SHIPMENT",
    "TAKEN",
    "TRIP",
    "TRIP_ENDS",
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
    "permitted_acts",
    "reachable",
    "render_markdown",
    "shipment_state",
    "step_filing",
    "step_trip",
    "trip_verdict",
]
