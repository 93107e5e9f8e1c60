"""How does the service describe itself? An OpenAPI 3.1 document, made from the table of routes.

The shipment and the trip are the published models; the answers are the component schemas below. Each
operation names the roles that may call it, from the same table that enforces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from filings.lifecycle import ACTS, TRIP_ACTS
from gateway.http.alerts import NOTE_LENGTH
from gateway.http.auth import PERMISSIONS, PUBLIC, ROLES
from gateway.http.problems import CONTENT_TYPE
from gateway.http.routes import FILING_STATES, NDJSON, ROUTES, STATES, Answer, Parameter, Route
from schemas.shipment import PATHWAYS, Shipment
from schemas.trip import Trip

DISTRIBUTION: Final = "customs-filing-gateway"
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "There is no valid API key.",
    403: "The role of the key does not permit this.",
    404: "There is no such thing.",
    408: "The body stopped coming.",
    409: "The state forbids it, or the Idempotency-Key was used for something else.",
    413: "The body is too large.",
    415: "The content type is not read here.",
    422: "The data must be corrected; every fault is listed.",
    500: "Something went wrong inside; `instance` is the incident.",
    503: "Not available now.",
}


def _string(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_COUNT: Final = {"type": "integer", "minimum": 0}

COMPONENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Fault": {
        **_object(
            "path code text remedy",
            path=_string(description="Where: the JSON path of the value, a header or a parameter."),
            code=_string(description="Stable name of the fault."),
            text=_string(description="One plain sentence."),
            remedy=_string(description="What usually mends it."),
            reference=_string(description="The rule or document behind it."),
            severity=_string(enum=["warning"]),
        )
    },
    "Problem": {
        **_object(
            "type title status detail code errors",
            type=_string(),
            title=_string(),
            status={"type": "integer"},
            detail=_string(),
            code=_string(),
            errors={"type": "array", "items": _ref("Fault"), "minItems": 1},
            instance=_string(description="The incident, for a 500."),
        ),
        "description": "RFC 9457 problem document.",
    },
    "TripReceipt": _object(
        "trip_number version",
        trip_number=_string(),
        version={"type": "integer"},
        created={"type": "boolean"},
        warnings={"type": "array", "items": _ref("Fault")},
    ),
    "Shipments": {"type": "array", "items": _ref("Shipment")},
    "ShipmentsText": _string(description="One row a line of goods, dotted headers (`consignee.address.city`)."),
    "StageResult": {
        **_object(
            "index",
            index=_COUNT,
            shipment_id={"type": ["string", "null"]},
            line={**_COUNT, "description": "Where the row begins in what was sent."},
            shipment_control_number={"type": ["string", "null"]},
            pathway={"enum": [*PATHWAYS, None]},
            state={"enum": STATES},
            reasons={"type": "array", "items": _string()},
            notes={"type": "array", "items": {"type": "object"}, "description": "What is written differently for CBP."},
            errors={"type": "array", "items": _ref("Fault"), "minItems": 1},
            warnings={"type": "array", "items": _ref("Fault"), "minItems": 1},
        ),
        "description": "What became of one row: `pathway`, or `errors`; either may come with `warnings`.",
    },
    "StageAnswer": _object(
        "results accepted rejected",
        results={"type": "array", "items": _ref("StageResult")},
        accepted=_COUNT,
        rejected=_COUNT,
    ),
    "FilingReceipt": _object(
        "trip_number shipments already_requested",
        trip_number=_string(),
        state=_string(),
        shipments=_COUNT,
        pathways={"type": "object", "additionalProperties": _COUNT},
        already_requested={"type": "boolean"},
        warnings={"type": "array", "items": _ref("Fault")},
    ),
    "Arrival": _object("estimated_arrival", estimated_arrival=_string(format="date-time")),
    "ArrivalReceipt": _object(
        "trip_number estimated_arrival changed",
        trip_number=_string(),
        estimated_arrival=_string(format="date-time"),
        estimated_arrival_before=_string(format="date-time"),
        declared_arrival=_string(format="date-time"),
        changed={"type": "boolean"},
        notes={"type": "array", "items": _string()},
    ),
    "Refiling": {
        **_object(
            "trip_number dry_run already_requested lapsed shipments",
            trip_number=_string(),
            dry_run={"type": "boolean"},
            already_requested={"type": "boolean"},
            lapsed=_COUNT,
            pathways={"type": "object", "additionalProperties": _COUNT},
            bills={"type": "object", "additionalProperties": _COUNT},
            entries={"type": "object", "additionalProperties": _COUNT},
            handoffs=_COUNT,
            off_the_truck={"type": "array", "items": _string()},
            shipments={"type": "array", "items": {"type": "object"}},
            warnings={"type": "array", "items": _ref("Fault")},
        ),
        "description": "What is done about the shipments whose pathway has lapsed, one by one.",
    },
    "Board": {
        **_object(
            "trip_number state decision reason shipments states pathways manifest entries released held blocking",
            trip_number=_string(),
            state=_string(),
            decision=_string(enum=["go", "no_go", "wait"]),
            reason=_string(),
            shipments=_COUNT,
            states={"type": "object", "additionalProperties": _COUNT},
            pathways={"type": "object", "additionalProperties": _COUNT},
            manifest=_ref("Answered"),
            entries=_ref("Answered"),
            handoffs=_COUNT,
            released=_COUNT,
            held=_COUNT,
            acts={"type": "array", "items": _string(enum=[*TRIP_ACTS]), "description": "What may be asked of it now."},
            blocking={"type": "array", "items": {"type": "object"}},
        ),
        "description": "Where a trip stands.",
    },
    "Answered": _object("accepted rejected pending", accepted=_COUNT, rejected=_COUNT, pending=_COUNT),
    "Filing": {
        **_object(
            "id kind trip_number state version acts",
            id=_string(),
            kind=_string(enum=["manifest", "entry", "handoff"]),
            trip_number=_string(),
            state=_string(enum=FILING_STATES),
            version={"type": "integer", "minimum": 1},
            accepted_version={"type": ["integer", "null"], "description": "The version in force at CBP."},
            acts={"type": "array", "items": _string(enum=[*ACTS]), "description": "What may be asked of it now."},
        ),
        "description": "One declaration to CBP and where it stands.",
    },
    "Alert": {
        **_object(
            "id kind severity text raised_at",
            id=_string(),
            kind=_string(),
            severity=_string(enum=["warning", "error"]),
            text=_string(),
            detail={"type": "object"},
            trip_number={"type": ["string", "null"]},
            filing_id={"type": ["string", "null"]},
            transmission_id={"type": ["string", "null"]},
            raised_at=_string(format="date-time"),
            settled_at={"type": ["string", "null"], "format": "date-time"},
            settled_by={"type": ["string", "null"]},
        ),
        "description": "Something a person must look at.",
    },
    "Settlement": _object("note", note=_string(minLength=1, maxLength=NOTE_LENGTH)),
    "RuleBook": _object(
        "version first_used_at archive_position sha256 checks_sha256 rules own severity checks",
        version=_string(description="The beginning of `sha256`, that of the text of rows, severities and own ids."),
        first_used_at=_string(format="date-time"),
        archive_position=_COUNT,
        sha256=_string(),
        checks_sha256=_string(),
        rules={"type": "array", "items": {"type": "object"}},
        own={"type": "array", "items": _string(), "description": "Ids of the filer's own rows."},
        severity={"type": "object", "additionalProperties": _string()},
        checks={"type": "object", "description": "The advisory checks and their data."},
    ),
    "List": _object("items", items={"type": "array", "items": {"type": "object"}}),
    "Page": _object(
        "items next",
        items={"type": "array", "items": {"type": "object"}},
        next={"type": ["string", "null"], "description": "The `cursor` of the next page; null on the last."},
    ),
    "CloudEvent": {
        **_object(
            "specversion id source type",
            specversion=_string(const="1.0"),
            id=_string(),
            source=_string(),
            type=_string(),
            time=_string(format="date-time"),
            subject=_string(),
        ),
        "description": "CloudEvents 1.0, structured JSON.",
    },
    "Events": _object(
        "items next",
        items={"type": "array", "items": _ref("CloudEvent")},
        next={"type": "integer", "description": "The cursor to ask with next; the same if nothing happened."},
    ),
    "Health": _object("status", status=_string()),
    "Object": {"type": "object"},
    "Text": _string(),
    "Binary": _string(contentMediaType="application/octet-stream"),
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the service."""
    _, models = models_json_schema(
        [(Shipment, "validation"), (Trip, "validation")], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customs filing gateway",
            "version": _version(),
            "summary": "Files cross-border parcels by truck with US Customs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({route.tag for route in ROUTES})],
        "paths": paths,
        "components": {
            "schemas": {**models["$defs"], **COMPONENTS},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key made with `gateway keys`."}
            },
            "responses": {
                str(status): {"description": meaning, "content": {CONTENT_TYPE: {"schema": _ref("Problem")}}}
                for status, meaning in _MEANINGS.items()
            },
        },
        "security": [{"key": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    roles = sorted(PERMISSIONS.get(route.name, ()), key=ROLES.index)
    faults = {400, 500, *route.faults} if route.name in PUBLIC else {400, 401, 403, 500, *route.faults}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "description": f"Roles: {', '.join(roles)}." if roles else "No API key is asked for.",
        "x-roles": roles,
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": {
            **{str(answer.status): _answer(answer) for answer in route.answers},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(faults)},
        },
    }
    if route.name in PUBLIC:
        operation["security"] = []
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content(route.body)}
    return operation


def _content(types: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for content_type, name in types.items():
        # OpenAPI 3.1 has no schema for a line of a sequence: the text is the schema, the line a comment.
        schema: dict[str, Any] = (
            _string(description=f"One {name} a line.") if content_type == NDJSON else dict(_ref(name))
        )
        made[content_type] = {"schema": schema}
    return made


def _answer(answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": answer.meaning, "content": _content(answer.content)}
    if answer.headers:
        shown["headers"] = {
            name: {"description": meaning, "schema": _string()} for name, meaning in answer.headers.items()
        }
    return shown


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0.0.0"  # run from a checkout that was never installed
