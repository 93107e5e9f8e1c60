"""What is a route made of: its parameters, its body, its answers, and the parameters that several routes share?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from filings.lifecycle import FilingState, ShipmentState
from schemas.shipment import PATHWAYS

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
MERGE_PATCH: Final = "application/merge-patch+json"
STATES: Final = [state.value for state in ShipmentState]
FILING_STATES: Final = [state.value for state in FilingState]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route: where it stands and which JSON Schema its text obeys."""

    name: str
    place: Literal["path", "query", "header"]
    meaning: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when it works: content type → name of a component schema."""

    status: int
    meaning: str
    content: Mapping[str, str]
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``body`` maps content types to names of component schemas."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH"]
    path: str
    summary: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, str] | None = None
    faults: tuple[int, ...] = ()
    tag: str = "filing"


def text(most: int, **more: Any) -> dict[str, Any]:
    """The schema of a text of 1 to ``most`` characters."""
    return {"type": "string", "minLength": 1, "maxLength": most, **more}


TRIP_NUMBER: Final = Parameter("trip_number", "path", "The trip number: SCAC and 4 to 21 capitals or digits.", text(64))
FILING_ID: Final = Parameter(
    "filing_id", "path", "The filing's id, or the SCN or entry number of its shipment.", text(64)
)
AMENDED_ID: Final = Parameter(
    "filing_id",
    "path",
    "The filing's id, the SCN or entry number of its shipment, or the trip number for its manifest.",
    text(64),
)
LIMIT: Final = Parameter(
    "limit", "query", "Most items in one answer.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
)
CURSOR: Final = Parameter("cursor", "query", "The `next` of the answer before.", text(200))
AFTER: Final = Parameter(
    "after", "query", "Events after this cursor; 0 is from the beginning.", {"type": "integer", "minimum": 0}
)
STATE: Final = Parameter("state", "query", "Only shipments in this state.", {"type": "string", "enum": STATES})
PATHWAY: Final = Parameter("pathway", "query", "Only this pathway.", {"type": "string", "enum": [*PATHWAYS]})
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Same key and same body: the first answer again. Same key and another body: 409.",
    text(200),
)
LAST_EVENT_ID: Final = Parameter("Last-Event-ID", "header", "The last event seen; wins over `after`.", text(40))
FILING_FILTERS: Final = (
    Parameter("trip", "query", "Only this trip.", text(64)),
    Parameter("status", "query", "Only this status.", {"type": "string", "enum": FILING_STATES}),
    PATHWAY,
    Parameter("scn", "query", "Only the shipment with this SCN.", text(16)),
    Parameter("entry_number", "query", "Only this entry number.", text(13)),
    Parameter("date", "query", "Only filings made on this day in Eastern time.", {"type": "string", "format": "date"}),
)
DRY_RUN: Final = Parameter(
    "dry_run",
    "query",
    "1 shows what would be done and does nothing.",
    {"type": "integer", "minimum": 0, "maximum": 1, "default": 0},
)
IF_MATCH: Final = Parameter(
    "If-Match", "header", "The `ETag` of the filing as it was seen; another version is 409.", text(20)
)
REPLAYED: Final = {"Idempotent-Replayed": "`true` when this is the first answer again."}
