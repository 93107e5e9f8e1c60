"""In which words does the inspection tell what CBP did, and what is to be done about it?

The meanings are those of :mod:`mappings.outcomes`. Beside them stand a few states (:data:`STATE_MEANINGS`) that a
person tells apart and that change nothing: a correction that was refused leaves the entry as it was. Every meaning
that is an error or a warning has a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mappings.outcomes import Outcome
from schemas.catair import RECORDS
from schemas.x12 import SEGMENTS

BLOCKING: Final = {
    "rejected": "refused",
    "syntax_rejected": "refused",
    "correction_refused": "with a refused correction",
    "cancellation_refused": "with a refused cancellation",
    "query_refused": "with a refused query",
    "not_found": "not found",
    "held": "held",
    "exam": "to be examined",
    "documents_required": "waiting for documents",
    "release_suspended": "with a suspended release",
    "release_revoked": "with a revoked release",
    "unknown": "in a state that is not known here",
    "unreadable": "unreadable",
}
"""States that stop something or that a person has to look at, the worst first, and what they are called in a list."""

STATES: Final = BLOCKING | {
    "accepted": "accepted",
    "accepted_with_warning": "accepted with warnings",
    "syntax_accepted": "accepted",
    "under_review": "under review",
    "on_file": "on file",
    "no_match": "without a matching bill",
    "hold_removed": "no longer held",
    "arrived": "arrived",
    "admissible": "admissible",
    "released": "released",
    "cancelled": "cancelled",
    "replaced": "replaced",
    "warning": "warned about",
    "info": "informed about",
}

STATE_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "correction_refused": "rejected",
        "cancellation_refused": "rejected",
        "query_refused": "rejected",
        "not_found": "rejected",
        "replaced": "info",
        "unreadable": "unknown",
    }
)
"""The meaning of a state that is none of :data:`mappings.outcomes.MEANINGS`."""

_SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "correction_refused": "CBP refuses the correction of {0}; it stands as it was",
        "cancellation_refused": "CBP refuses the cancellation of {0}; it stands as it was",
        "query_refused": "CBP refuses the query for {0}",
        "not_found": "CBP does not find {0}",
        "replaced": "CBP has replaced {0}",
        "release_suspended": "The release of {0} is suspended",
        "release_revoked": "The release of {0} is revoked",
        "warning": "CBP warns about {0}",
        "info": "CBP informs about {0}",
        "unknown": "CBP gives {0} a state that is not known here",
        "unreadable": "What CBP says of {0} cannot be read",
    }
)

_REQUESTS: Final = {"86": "correction_refused", "87": "cancellation_refused", "88": "replaced"}
"""Dispositions of an entry (SO60) that speak of a request of ours and not of the goods."""

_NEVER_A_RELEASE: Final = "until then take nothing for released."
REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rejected": "Mend what CBP names and send it again.",
        "syntax_rejected": "Nothing of it was processed: mend it and send it under a new control number.",
        "correction_refused": "Settle what CBP names, then ask for the correction again; the entry stands as it was.",
        "cancellation_refused": "Settle what CBP names, then ask for the cancellation again; the entry is in force.",
        "query_refused": "Mend what CBP names, then ask again.",
        "not_found": "Check filer and entry number, then ask again.",
        "held": "Do not move the goods; whoever placed the hold has to lift it.",
        "exam": "Present the goods for the examination.",
        "documents_required": "Send the documents, usually through the document image system.",
        "release_suspended": "Do not move the goods; ask the port why.",
        "release_revoked": "Do not move the goods: the earlier release does not count any more.",
        "unknown": f"Let a person read it and look the code up in CBP's current list; {_NEVER_A_RELEASE}",
        "unreadable": f"Ask CBP for the status again; {_NEVER_A_RELEASE}",
        "warning": "Read what CBP says and see whether bill or entry has to be mended; nothing is refused by it.",
        "no_match": "Compare bill, issuer and quantity of the entry with the manifest: without a match no release.",
        "cancelled": "Nothing rests on this entry any more: if the goods still come, they need another one.",
    }
)

MANIFEST_CORRECTION: Final = "correct it with `gateway amend`, which sends what differs and completes the manifest"


def state_of(outcome: Outcome) -> str:
    """The state that an outcome puts a shipment or an entry in."""
    if outcome.correlation.get("list") == "entry_dispositions":
        return _REQUESTS.get(outcome.code, outcome.meaning)
    return outcome.meaning


def meaning_of(state: str) -> str:
    """The meaning of a state."""
    return STATE_MEANINGS.get(state, state)


def severity_of(state: str) -> str:
    """``error`` for what stops something or must be read, ``warning`` for what should be, ``""`` for the rest."""
    if state in BLOCKING:
        return "error"
    return "warning" if state in ("warning", "no_match", "cancelled") else ""


def sentence(what: str, state: str) -> str:
    """``Entry XYZ-1234567-1 is held``, without a full stop."""
    told = _SENTENCES.get(state, "{0} is " + STATES[state]).format(what)
    return told[:1].upper() + told[1:]


def counted(number: int, noun: str) -> str:
    """``1 bill``, ``2 bills``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


def mend_manifest(outcome: Outcome) -> str:
    """What to do about a remark of a 355 that refuses something: its field, its element, the way to send it."""
    place = outcome.place.rpartition(".")[2]
    found = re.fullmatch(r"([A-Z][A-Z0-9]{1,2})(\d\d)", place)
    definition = SEGMENTS.get(found[1]) if found else None
    if found is not None and definition is not None and 0 < int(found[2]) <= len(definition.elements):
        what = f"Mend {definition.elements[int(found[2]) - 1].name}, {outcome.place} of the 309"
        if outcome.field_path:
            what += f" ({outcome.field_path} of the {'shipment' if outcome.scn else 'trip'})"
    else:
        what = "CBP names no field here: see its other remarks"
    return f"{what}; {MANIFEST_CORRECTION}."


def mend_entry(outcome: Outcome, layout: str, key: str) -> str:
    """What to do about a condition of an SX that refuses an entry."""
    defined = RECORDS[layout].keys.get(key) if layout in RECORDS else None
    where = f"{layout} {defined.name}, columns {defined.start}-{defined.end}" if defined is not None else layout
    what = f"{outcome.field_path} ({where})" if outcome.field_path else where
    return f"Mend {what}; the whole entry is sent again."
