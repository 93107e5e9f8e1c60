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

from filings.deadlines import ARRIVAL, SUMMARY
from filings.lifecycle import TRIP_ACTS
from filings.standing import MATTERS, WHO
from gateway.http.alerts import NOTE_LENGTH
from gateway.http.auth import PERMISSIONS, PUBLIC, ROLES
from gateway.http.openapi_amendments import AMENDMENTS, COUNT, record, ref, string
from gateway.http.problems import CONTENT_TYPE
from gateway.http.route import FILING_STATES, NDJSON, STATES, Answer, Parameter, Route
from gateway.http.routes import ROUTES
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


_INSTANT: Final = {"type": ["string", "null"], "format": "date-time"}
_STANDING: Final = {
    "matter": string(enum=[*MATTERS]),
    "who": string(enum=[*WHO], description="Who acts next."),
    "text": string(description="One or more sentences, with times on the port's clock."),
    "since": _INSTANT,
    "due_at": {**_INSTANT, "description": "From then on it is overdue."},
    "next_at": {**_INSTANT, "description": "When what goes on by itself goes on."},
    "until": {**_INSTANT, "description": "Until when the gateway goes on by itself."},
    "overdue": {"type": "boolean"},
    "todo": string(description="What a person does; empty where nobody has to."),
}

COMPONENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Fault": {
        **record(
            "path code text remedy",
            path=string(description="Where: the JSON path of the value, a header or a parameter."),
            code=string(description="Stable name of the fault."),
            text=string(description="One plain sentence."),
            remedy=string(description="What usually mends it."),
            reference=string(description="The rule or document behind it."),
            severity=string(enum=["warning"]),
        )
    },
    "Problem": {
        **record(
            "type title status detail code errors",
            type=string(),
            title=string(),
            status={"type": "integer"},
            detail=string(),
            code=string(),
            errors={"type": "array", "items": ref("Fault"), "minItems": 1},
            instance=string(description="The incident, for a 500."),
        ),
        "description": "RFC 9457 problem document.",
    },
    "TripReceipt": record(
        "trip_number version",
        trip_number=string(),
        version={"type": "integer"},
        created={"type": "boolean"},
        warnings={"type": "array", "items": ref("Fault")},
    ),
    "Shipments": {"type": "array", "items": ref("Shipment")},
    "ShipmentsText": string(description="One row a line of goods, dotted headers (`consignee.address.city`)."),
    "StageResult": {
        **record(
            "index",
            index=COUNT,
            shipment_id={"type": ["string", "null"]},
            line={**COUNT, "description": "Where the row begins in what was sent."},
            shipment_control_number={"type": ["string", "null"]},
            pathway={"enum": [*PATHWAYS, None]},
            state={"enum": STATES},
            reasons={"type": "array", "items": string()},
            notes={"type": "array", "items": {"type": "object"}, "description": "What is written differently for CBP."},
            errors={"type": "array", "items": ref("Fault"), "minItems": 1},
            warnings={"type": "array", "items": ref("Fault"), "minItems": 1},
        ),
        "description": "What became of one row: `pathway`, or `errors`; either may come with `warnings`.",
    },
    "StageAnswer": record(
        "results accepted rejected",
        results={"type": "array", "items": ref("StageResult")},
        accepted=COUNT,
        rejected=COUNT,
    ),
    "FilingReceipt": record(
        "trip_number shipments already_requested",
        trip_number=string(),
        state=string(),
        shipments=COUNT,
        pathways={"type": "object", "additionalProperties": COUNT},
        already_requested={"type": "boolean"},
        warnings={"type": "array", "items": ref("Fault")},
    ),
    "Arrival": record("estimated_arrival", estimated_arrival=string(format="date-time")),
    "ArrivalReceipt": record(
        "trip_number estimated_arrival changed",
        trip_number=string(),
        estimated_arrival=string(format="date-time"),
        estimated_arrival_before=string(format="date-time"),
        declared_arrival=string(format="date-time"),
        changed={"type": "boolean"},
        notes={"type": "array", "items": string()},
    ),
    "Refiling": {
        **record(
            "trip_number dry_run already_requested lapsed shipments",
            trip_number=string(),
            dry_run={"type": "boolean"},
            already_requested={"type": "boolean"},
            lapsed=COUNT,
            pathways={"type": "object", "additionalProperties": COUNT},
            bills={"type": "object", "additionalProperties": COUNT},
            entries={"type": "object", "additionalProperties": COUNT},
            handoffs=COUNT,
            off_the_truck={"type": "array", "items": string()},
            shipments={"type": "array", "items": {"type": "object"}},
            warnings={"type": "array", "items": ref("Fault")},
        ),
        "description": "What is done about the shipments whose pathway has lapsed, one by one.",
    },
    **AMENDMENTS,
    "Board": {
        **record(
            "trip_number state decision reason shipments states pathways manifest entries released held blocking",
            trip_number=string(),
            state=string(),
            decision=string(enum=["go", "no_go", "wait"]),
            reason=string(),
            shipments=COUNT,
            states={"type": "object", "additionalProperties": COUNT},
            pathways={"type": "object", "additionalProperties": COUNT},
            manifest=ref("Answered"),
            entries=ref("Answered"),
            handoffs=COUNT,
            released=COUNT,
            held=COUNT,
            acts={"type": "array", "items": string(enum=[*TRIP_ACTS]), "description": "What may be asked of it now."},
            blocking={"type": "array", "items": {"type": "object"}},
            left_on_manifest={
                "type": "array",
                "items": {"type": "object"},
                "description": "Shipments of an arrived truck whose entry is cancelled and whose bill is not.",
            },
            open={"type": "array", "items": ref("OpenMatter"), "description": "What is awaited, overdue first."},
            deadlines={"type": "array", "items": ref("Deadline"), "description": "By when what must be done."},
            changes={"type": "array", "items": {"type": "object"}, "description": "Changes CBP has not settled."},
            withdrawn_files={"type": "array", "items": {"type": "object"}, "description": "Files that need not go."},
            alerts={"type": "array", "items": ref("Alert")},
        ),
        "description": "Where a trip stands.",
    },
    "Answered": record("accepted rejected pending", accepted=COUNT, rejected=COUNT, pending=COUNT),
    "Filing": {
        **record(
            "id kind trip_number state version acts",
            id=string(),
            kind=string(enum=["manifest", "entry", "handoff"]),
            trip_number=string(),
            state=string(enum=FILING_STATES),
            version={"type": "integer", "minimum": 1},
            accepted_version={"type": ["integer", "null"], "description": "The newest version that CBP has taken."},
            acts={"type": "array", "items": string(), "description": "What may be done with it now."},
            act_limits={
                "type": "object",
                "additionalProperties": string(),
                "description": "What limits an act that may be done, in a sentence by its name.",
            },
            time_zone=string(description="The port's zone, on whose clock sentences tell times."),
            standing=ref("Standing"),
            inquiries={"type": "array", "items": ref("Inquiry"), "description": "When CBP was asked for it, and how."},
            retries={"type": "array", "items": ref("Retry"), "description": "When CBP's own system failed on it."},
            alerts={"type": "array", "items": ref("Alert")},
        ),
        "description": "One declaration to CBP and where it stands.",
    },
    "Standing": {
        **record("matter who text since due_at next_at until overdue todo", **_STANDING),
        "description": "What a filing waits for, of whom, since when, until when, and what a person does.",
    },
    "OpenMatter": {
        **record(
            "filings kind filing_id matter who text since due_at next_at until overdue todo",
            filings={**COUNT, "description": "How many stand alike; 0 for a file that no filing waits for."},
            kind=string(enum=["manifest", "entry", "file"]),
            filing_id={"type": ["string", "null"], "description": "One of them."},
            **_STANDING,
        ),
        "description": "What filings of a trip that stand alike wait for.",
    },
    "Deadline": record(
        "kind text due_at count overdue",
        kind=string(enum=[ARRIVAL, SUMMARY]),
        text=string(),
        due_at=string(format="date-time"),
        count=COUNT,
        overdue={"type": "boolean"},
    ),
    "Inquiry": record(
        "asked_at how version transmission name state delivered_at answered_at",
        asked_at=string(format="date-time"),
        how=string(enum=["status_query", "same_message_again"]),
        version={"type": "integer"},
        transmission=string(),
        name=string(),
        state=string(),
        delivered_at=_INSTANT,
        answered_at=_INSTANT,
    ),
    "Retry": record(
        "failed_file attempt source code text first_failed_at due_at made_at made_transmission",
        failed_file=string(),
        attempt={"type": "integer", "minimum": 1},
        source=string(),
        code={"type": ["string", "null"]},
        text={"type": ["string", "null"]},
        first_failed_at=string(format="date-time"),
        due_at=string(format="date-time"),
        made_at=_INSTANT,
        made_transmission={"type": ["string", "null"]},
    ),
    "Alert": {
        **record(
            "id kind severity text raised_at",
            id=string(),
            kind=string(),
            severity=string(enum=["warning", "error"]),
            text=string(),
            remedy=string(description="What a person does about it."),
            detail={"type": "object"},
            trip_number={"type": ["string", "null"]},
            filing_id={"type": ["string", "null"]},
            transmission_id={"type": ["string", "null"]},
            raised_at=string(format="date-time"),
            raised_at_local=string(format="date-time", description="The same on the port's clock."),
            time_zone=string(),
            settled_at={"type": ["string", "null"], "format": "date-time"},
            settled_by={"type": ["string", "null"]},
        ),
        "description": "Something a person must look at.",
    },
    "Settlement": record("note", note=string(minLength=1, maxLength=NOTE_LENGTH)),
    "RuleBook": record(
        "version first_used_at archive_position sha256 checks_sha256 rules own severity checks",
        version=string(description="The beginning of `sha256`, that of the text of rows, severities and own ids."),
        first_used_at=string(format="date-time"),
        archive_position=COUNT,
        sha256=string(),
        checks_sha256=string(),
        rules={"type": "array", "items": {"type": "object"}},
        own={"type": "array", "items": string(), "description": "Ids of the filer's own rows."},
        severity={"type": "object", "additionalProperties": string()},
        checks={"type": "object", "description": "The advisory checks and their data."},
    ),
    "List": record("items", items={"type": "array", "items": {"type": "object"}}),
    "Page": record(
        "items next",
        items={"type": "array", "items": {"type": "object"}},
        next={"type": ["string", "null"], "description": "The `cursor` of the next page; null on the last."},
    ),
    "CloudEvent": {
        **record(
            "specversion id source type",
            specversion=string(const="1.0"),
            id=string(),
            source=string(),
            type=string(),
            time=string(format="date-time"),
            subject=string(),
        ),
        "description": "CloudEvents 1.0, structured JSON.",
    },
    "Events": record(
        "items next",
        items={"type": "array", "items": ref("CloudEvent")},
        next={"type": "integer", "description": "The cursor to ask with next; the same if nothing happened."},
    ),
    "Health": record("status", status=string()),
    "Object": {"type": "object"},
    "Text": string(),
    "Binary": string(contentMediaType="application/octet-stream"),
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
                str(status): {"description": meaning, "content": {CONTENT_TYPE: {"schema": ref("Problem")}}}
                for status, meaning in _MEANINGS.items()
            },
        },
        "security": [{"key": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    roles = sorted(PERMISSIONS.get(route.name, ()), key=ROLES.index)
    faults = {400, 500, *route.faults} if route.name in PUBLIC else {400, 401, 403, 500, 503, *route.faults}
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
            string(description=f"One {name} a line.") if content_type == NDJSON else dict(ref(name))
        )
        made[content_type] = {"schema": schema}
    return made


def _answer(answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": answer.meaning, "content": _content(answer.content)}
    if answer.headers:
        shown["headers"] = {
            name: {"description": meaning, "schema": string()} for name, meaning in answer.headers.items()
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
