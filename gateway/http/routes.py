"""Which routes are there, and what does each take and give?

One table. The application is built from it, the OpenAPI document is built from it, and a test walks it
for every role. Who may call a route stands in :mod:`gateway.http.auth`, by the route's name.
"""

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


def _text(most: int, **more: Any) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most, **more}


TRIP_NUMBER: Final = Parameter(
    "trip_number", "path", "The trip number: SCAC and 4 to 21 capitals or digits.", _text(64)
)
FILING_ID: Final = Parameter(
    "filing_id", "path", "The filing's id, or the SCN or entry number of its shipment.", _text(64)
)
AMENDED_ID: Final = Parameter(
    "filing_id",
    "path",
    "The filing's id, the SCN or entry number of its shipment, or the trip number for its manifest.",
    _text(64),
)
LIMIT: Final = Parameter(
    "limit", "query", "Most items in one answer.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
)
CURSOR: Final = Parameter("cursor", "query", "The `next` of the answer before.", _text(200))
AFTER: Final = Parameter(
    "after", "query", "Events after this cursor; 0 is from the beginning.", {"type": "integer", "minimum": 0}
)
STATE: Final = Parameter("state", "query", "Only shipments in this state.", {"type": "string", "enum": STATES})
PATHWAY: Final = Parameter("pathway", "query", "Only this pathway.", {"type": "string", "enum": [*PATHWAYS]})
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Same key and same body: the first answer again. Same key and another body: 409.",
    _text(200),
)
LAST_EVENT_ID: Final = Parameter("Last-Event-ID", "header", "The last event seen; wins over `after`.", _text(40))
FILING_FILTERS: Final = (
    Parameter("trip", "query", "Only this trip.", _text(64)),
    Parameter("status", "query", "Only this status.", {"type": "string", "enum": FILING_STATES}),
    PATHWAY,
    Parameter("scn", "query", "Only the shipment with this SCN.", _text(16)),
    Parameter("entry_number", "query", "Only this entry number.", _text(13)),
    Parameter("date", "query", "Only filings made on this day in Eastern time.", {"type": "string", "format": "date"}),
)
DRY_RUN: Final = Parameter(
    "dry_run",
    "query",
    "1 shows what would be done and does nothing.",
    {"type": "integer", "minimum": 0, "maximum": 1, "default": 0},
)
IF_MATCH: Final = Parameter(
    "If-Match", "header", "The `ETag` of the filing as it was seen; another version is 409.", _text(20)
)
_REPLAYED: Final = {"Idempotent-Replayed": "`true` when this is the first answer again."}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "put_trip",
        "PUT",
        "/v1/trips/{trip_number}",
        "Create a trip, or replace one that is not yet filed",
        (Answer(201, "Created.", {JSON: "TripReceipt"}), Answer(200, "Replaced.", {JSON: "TripReceipt"})),
        (TRIP_NUMBER,),
        {JSON: "Trip"},
        (409, 413, 415, 422),
    ),
    Route(
        "list_trips",
        "GET",
        "/v1/trips",
        "Trips, the latest first",
        (Answer(200, "A page of trips.", {JSON: "Page"}),),
        (CURSOR, LIMIT),
    ),
    Route(
        "get_trip",
        "GET",
        "/v1/trips/{trip_number}",
        "The board: go or no-go, counts by status and pathway, what blocks it",
        (Answer(200, "The board.", {JSON: "Board"}),),
        (TRIP_NUMBER,),
        faults=(404,),
    ),
    Route(
        "stage_shipments",
        "POST",
        "/v1/trips/{trip_number}/shipments",
        "Stage shipments; one bad row never stops the rest",
        (
            Answer(
                200,
                "An answer for each row, in the order of the rows.",
                {JSON: "StageAnswer", NDJSON: "StageResult"},
                {
                    **_REPLAYED,
                    "Gateway-Accepted": "Number of rows staged.",
                    "Gateway-Rejected": "Number of rows refused.",
                },
            ),
        ),
        (TRIP_NUMBER, IDEMPOTENCY_KEY),
        {JSON: "Shipments", NDJSON: "Shipment", CSV: "ShipmentsText"},
        (404, 408, 409, 413, 415, 422),
    ),
    Route(
        "list_shipments",
        "GET",
        "/v1/trips/{trip_number}/shipments",
        "The shipments of a trip, in the order they were staged",
        (Answer(200, "A page of shipments.", {JSON: "Page"}),),
        (TRIP_NUMBER, STATE, PATHWAY, CURSOR, LIMIT),
        faults=(404,),
    ),
    Route(
        "file_trip",
        "POST",
        "/v1/trips/{trip_number}/filing",
        "File the manifest, the entries and the handoffs of a trip",
        (
            Answer(
                202,
                "Taken on; `Location` is the board.",
                {JSON: "FilingReceipt"},
                {**_REPLAYED, "Location": "The trip's board."},
            ),
        ),
        (TRIP_NUMBER, IDEMPOTENCY_KEY),
        faults=(404, 409, 413, 422),
    ),
    Route(
        "change_arrival",
        "PATCH",
        "/v1/trips/{trip_number}/arrival",
        "Note that a filed truck is expected at another instant; the law of that instant is applied to it",
        (Answer(200, "Noted; the trip is judged again at once.", {JSON: "ArrivalReceipt"}),),
        (TRIP_NUMBER,),
        {JSON: "Arrival"},
        (404, 409, 413, 415, 422),
    ),
    Route(
        "refile_trip",
        "POST",
        "/v1/trips/{trip_number}/refiling",
        "File anew what has lapsed, each shipment by the pathway offered; with `dry_run` only show it",
        (
            Answer(200, "What would be done.", {JSON: "Refiling"}),
            Answer(202, "Taken on; `Location` is the board.", {JSON: "Refiling"}, {**_REPLAYED}),
        ),
        (TRIP_NUMBER, DRY_RUN, IDEMPOTENCY_KEY),
        faults=(404, 409, 413, 422),
    ),
    Route(
        "list_filings",
        "GET",
        "/v1/filings",
        "Filings by trip, status, pathway, SCN, entry number, date",
        (Answer(200, "A page of filings.", {JSON: "Page"}),),
        (*FILING_FILTERS, CURSOR, LIMIT),
    ),
    Route(
        "get_filing",
        "GET",
        "/v1/filings/{filing_id}",
        "One filing and where it stands",
        (Answer(200, "The filing.", {JSON: "Filing"}, {"ETag": "Its version, for `If-Match`."}),),
        (FILING_ID,),
        faults=(404,),
    ),
    Route(
        "get_filing_timeline",
        "GET",
        "/v1/filings/{filing_id}/timeline",
        "What has happened to a filing, in order",
        (Answer(200, "The timeline.", {JSON: "List"}),),
        (FILING_ID,),
        faults=(404,),
    ),
    Route(
        "get_filing_versions",
        "GET",
        "/v1/filings/{filing_id}/versions",
        "Every version of a filing: what differs, who made it and why, its messages, what CBP said",
        (Answer(200, "The versions.", {JSON: "Versions"}),),
        (FILING_ID,),
        faults=(404,),
    ),
    Route(
        "get_filing_transmissions",
        "GET",
        "/v1/filings/{filing_id}/transmissions",
        "Every file of bytes that went out or came in for a filing",
        (Answer(200, "The transmissions.", {JSON: "List"}),),
        (FILING_ID,),
        faults=(404,),
    ),
    Route(
        "amend_filing",
        "POST",
        "/v1/filings/{filing_id}/amendments",
        "Amend what was filed by a merge patch; with `dry_run` show the difference and the exact messages",
        (
            Answer(200, "What would be done; or kept, where nothing has to be sent.", {JSON: "Amendment"}),
            Answer(
                202,
                "Taken on; `Location` is the filing's versions.",
                {JSON: "Amendment"},
                {**_REPLAYED, "Location": "The filing's versions."},
            ),
        ),
        (AMENDED_ID, DRY_RUN, IF_MATCH, IDEMPOTENCY_KEY),
        {JSON: "AmendmentRequest", MERGE_PATCH: "AmendmentRequest"},
        (404, 408, 409, 413, 415, 422),
    ),
    Route(
        "cancel_filing",
        "POST",
        "/v1/filings/{filing_id}/cancellation",
        "Cancel an entry, a shipment's bill or a whole manifest; with `dry_run` only show it",
        (
            Answer(200, "What would be done; or withdrawn, where CBP has nothing.", {JSON: "Amendment"}),
            Answer(
                202,
                "Taken on; `Location` is the filing's versions.",
                {JSON: "Amendment"},
                {**_REPLAYED, "Location": "The filing's versions."},
            ),
        ),
        (AMENDED_ID, DRY_RUN, IF_MATCH, IDEMPOTENCY_KEY),
        {JSON: "Cancellation"},
        (404, 408, 409, 413, 415, 422),
    ),
    Route(
        "get_handoff_package",
        "GET",
        "/v1/handoffs/{handoff_id}/package",
        "The package a licensed broker needs for a formal entry",
        (Answer(200, "The package.", {"application/zip": "Binary"}),),
        (Parameter("handoff_id", "path", "The id of the handoff.", _text(64)),),
        faults=(404, 409),
    ),
    Route(
        "get_rule_book",
        "GET",
        "/v1/rule-books/{version}",
        "The law behind decisions: the whole text of a version of the rule book that was used here",
        (Answer(200, "The rule book.", {JSON: "RuleBook"}),),
        (Parameter("version", "path", "The version that a decision names.", _text(100)),),
        faults=(404,),
    ),
    Route(
        "list_alerts",
        "GET",
        "/v1/alerts",
        "What a person must look at, the newest first: deadlines, doubts, answers that match nothing",
        (Answer(200, "A page of open alerts.", {JSON: "Page"}),),
        (
            Parameter("trip", "query", "Only this trip.", _text(64)),
            Parameter("kind", "query", "Only this kind.", _text(40)),
            CURSOR,
            LIMIT,
        ),
        faults=(404,),
    ),
    Route(
        "settle_alert",
        "POST",
        "/v1/alerts/{alert_id}/settlement",
        "Close an alert with a word on what was done; a deadline that ends by itself cannot be closed",
        (Answer(200, "The alert as it is now.", {JSON: "Alert"}, _REPLAYED),),
        (Parameter("alert_id", "path", "The id of the alert.", _text(64)), IDEMPOTENCY_KEY),
        {JSON: "Settlement"},
        (404, 409, 413, 415, 422),
    ),
    Route(
        "list_events",
        "GET",
        "/v1/events",
        "Events after a cursor (CloudEvents)",
        (Answer(200, "A page of events; ask again with `after` = `next`.", {JSON: "Events"}),),
        (AFTER, LIMIT),
        tag="events",
    ),
    Route(
        "stream_events",
        "GET",
        "/v1/events/stream",
        "Events as they happen (server-sent events)",
        (Answer(200, "The stream; each `id` is a cursor.", {"text/event-stream": "Text"}),),
        (AFTER, LAST_EVENT_ID),
        faults=(503,),
        tag="events",
    ),
    Route(
        "receive_as2",
        "POST",
        "/as2",
        "A partner's AS2 message, or its receipt for one of ours; its signature decides",
        (
            Answer(
                200,
                "The receipt (MDN); empty when it is to be posted, and for a receipt.",
                {"multipart/signed": "Binary", "multipart/report": "Binary", "text/plain": "Text"},
            ),
        ),
        body={"application/octet-stream": "Binary"},
        faults=(413, 503),
        tag="partners",
    ),
    Route(
        "healthz",
        "GET",
        "/healthz",
        "The process answers",
        (Answer(200, "It does.", {JSON: "Health"}),),
        tag="operations",
    ),
    Route(
        "readyz",
        "GET",
        "/readyz",
        "The store answers and its migrations are current",
        (Answer(200, "Ready.", {JSON: "Health"}),),
        faults=(503,),
        tag="operations",
    ),
    Route(
        "metrics",
        "GET",
        "/metrics",
        "Counts and timings for Prometheus",
        (Answer(200, "The metrics.", {"text/plain": "Text"}),),
        tag="operations",
    ),
    Route(
        "openapi",
        "GET",
        "/openapi.json",
        "This document",
        (Answer(200, "The OpenAPI 3.1 document.", {JSON: "Object"}),),
        tag="operations",
    ),
)

BY_NAME: Final[Mapping[str, Route]] = {route.name: route for route in ROUTES}
