"""What do the published shapes of amendments and cancellations look like, and of what are all shapes made?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from filings.versions import VersionState

VERSION_STATES: Final = get_args(VersionState)


def string(**more: Any) -> dict[str, Any]:
    """A text."""
    return {"type": "string", **more}


def record(required: str, **properties: Any) -> dict[str, Any]:
    """An object; ``required`` names its members that are always there."""
    return {"type": "object", "required": required.split(), "properties": properties}


def ref(name: str) -> dict[str, str]:
    """Another shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


COUNT: Final = {"type": "integer", "minimum": 0}

AMENDMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "AmendmentRequest": {
        "type": "object",
        "description": "A JSON merge patch (RFC 7396) of the shipment, or of the trip on a manifest filing, where "
        "`shipments` holds patches by shipment id or SCN (null takes one off). With its reason it is `patch` in "
        "an envelope.",
        "properties": {
            "patch": {"type": "object"},
            "reason": string(maxLength=1000),
            "reason_code": string(description="X12 data element 393, asked for once the manifest is complete."),
            "entry_reason_code": string(description="Why an entry goes (SE13), where one does."),
            "off_the_truck": string(enum=["delete", "delink"]),
            "version": {"type": "integer", "minimum": 1, "description": "The version that was seen."},
        },
    },
    "Cancellation": record(
        "",
        reason=string(maxLength=1000, description="Why. Asked for before it goes; a dry run needs none."),
        reason_code=string(description="That of the filing named: SE13 for an entry, X12 393 for a bill."),
        bill=string(enum=["keep", "delete", "delink"], description="What becomes of a cancelled entry's bill."),
        bill_reason_code=string(description="X12 393 of the bill that goes with an entry."),
        entry_reason_code=string(description="SE13 of the entries that go with bills or a manifest."),
        replaced_by=string(description="The entry under which the goods were cleared (reason 03)."),
        shipments={"type": "array", "items": string(), "description": "On a manifest filing: only these."},
        version={"type": "integer", "minimum": 1},
    ),
    "FieldChange": record(
        "path name old new",
        path=string(),
        name=string(description="What people call the field."),
        old={},
        new={},
        shipment_id=string(),
    ),
    "Amendment": {
        **record(
            "purpose trip_number dry_run sent version difference does expected warnings needs",
            purpose=string(enum=["amend", "cancel"]),
            filing_id={"type": ["string", "null"]},
            kind={"type": ["string", "null"]},
            trip_number=string(),
            dry_run={"type": "boolean"},
            amendment_id={"type": ["string", "null"]},
            version={"type": "integer", "minimum": 1},
            version_before={"type": ["integer", "null"]},
            **{
                name: {"type": ["string", "null"], "description": "As it was given."}
                for name in ("reason", "reason_code", "bill_reason_code", "entry_reason_code", "replaced_by")
            },
            sent={"type": "boolean", "description": "Whether anything has to be said to CBP or made for a broker."},
            difference={"type": "array", "items": ref("FieldChange")},
            does={"type": "array", "items": string()},
            expected={
                "type": "array",
                "items": record(
                    "about expected text",
                    about=string(),
                    expected=string(enum=["automatic", "request", "open", "refused"]),
                    text=string(),
                    reference=string(),
                    action=string(),
                ),
            },
            pathways={"type": "array", "items": {"type": "object"}},
            shipments={"type": "array", "items": {"type": "object"}},
            messages={
                "type": "array",
                "items": record(
                    "set says name control_number text",
                    set=string(),
                    says=string(),
                    about={"type": "array", "items": string()},
                    name=string(),
                    control_number=string(description="The one that would be drawn next."),
                    content_type=string(),
                    size=COUNT,
                    text=string(description="The exact bytes, which are ASCII; the password of a batch is hidden."),
                ),
                "description": "Of a dry run: what would be sent.",
            },
            completes_manifest={"type": "boolean"},
            warnings={"type": "array", "items": ref("Fault")},
            needs={
                "type": "array",
                "items": ref("Fault"),
                "description": "Reasons that must be given before it goes. A dry run shows it without them, with `??` "
                "in their place.",
            },
        ),
        "description": "What an amendment or cancellation does, and what CBP will do with it.",
    },
    "Versions": record(
        "items",
        items={
            "type": "array",
            "items": record(
                "version state in_force made_at made_by content",
                version={"type": "integer", "minimum": 1},
                state={"type": ["string", "null"], "enum": [*VERSION_STATES, None]},
                in_force={"type": "boolean"},
                amendment_id={"type": ["string", "null"]},
                action={"type": ["string", "null"]},
                made_at=string(format="date-time"),
                made_by=string(),
                reason={"type": ["string", "null"]},
                reason_code={"type": ["string", "null"]},
                difference={"type": ["array", "null"], "items": ref("FieldChange")},
                content={"type": "object"},
                messages={"type": "array", "items": {"type": "object"}},
                also_changed={
                    "type": "array",
                    "items": record(
                        "filing_id kind version",
                        filing_id=string(),
                        kind=string(enum=["manifest", "entry", "handoff"]),
                        entry_number={"type": ["string", "null"]},
                        shipment_control_number={"type": ["string", "null"]},
                        filing_state=string(),
                        version={"type": "integer", "minimum": 1},
                        action={"type": ["string", "null"]},
                        state={"type": ["string", "null"], "enum": [*VERSION_STATES, None]},
                        messages={"type": "array", "items": string()},
                    ),
                    "description": "Other filings that the same amendment changed, the first 50.",
                },
                also_changed_count=COUNT,
                outcome={"type": ["object", "null"]},
            ),
        },
    ),
}
