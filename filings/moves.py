"""What is to be written at the end of one thing that happened, and how does a filing move?

Moves are noted first and written once (:mod:`filings.progress`), so that one file of CBP's answers is a few
statements, however many filings it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from filings import events
from filings.alerts import Alert
from filings.folding import Folder
from filings.lifecycle import (
    TAKEN,
    EventType,
    FilingInput,
    FilingState,
    NotPossible,
    answer_input,
    step_filing,
)
from filings.lifecycle.filing import CONTRADICTION
from filings.versions import Subject, VersionMove, VersionState


@dataclass(slots=True)
class Moves:
    """What is to be written at the end: changed shipments and filings, versions, events, alerts.

    ``taken`` and ``refused`` name what CBP said of one subject of a version (filing, version, shipment or trip).
    """

    folder: Folder = field(default_factory=Folder)
    shipments: dict[str, dict[str, Any]] = field(default_factory=dict)
    filings: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[events.EventDraft] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    echoes: list[Alert] = field(default_factory=list)
    """Alerts of shipments about what their filing is raised for too: one is enough."""
    deadlines: dict[str, datetime | None] = field(default_factory=dict)
    """When the entry summary of a filing is due, once its goods are released."""
    arrived: dict[str, datetime] = field(default_factory=dict)
    """Trips whose truck has turned out to be there, and since when: every shipment aboard is there with it."""
    trips: set[str] = field(default_factory=set)
    versions: list[VersionMove] = field(default_factory=list)
    taken: set[Subject] = field(default_factory=set)
    refused: set[Subject] = field(default_factory=set)


def filing_event(
    kind: EventType,
    filing: str,
    of: str,
    trip_number: str,
    key: str | None,
    subject: str,
    now: datetime,
    *,
    version: int = 1,
    in_force: int | None = None,
) -> events.EventDraft:
    """What dispatch is told of a filing: which version moved, and which one CBP has in force."""
    data = {"filing_id": filing, "kind": of, "version": version, "in_force": in_force}
    return events.EventDraft(kind.value, subject, trip_number, now, shipment_key=key, data=data)


VERSION_STATES: Final[Mapping[FilingInput, VersionState]] = {
    FilingInput.ACCEPTED: "accepted",
    FilingInput.ACCEPTED_WITH_WARNING: "accepted",
    FilingInput.CANCELLED: "accepted",
    FilingInput.CHANGE_REFUSED: "refused",
    FilingInput.REJECTED: "refused",
    FilingInput.SYNTAX_REJECTED: "refused",
    FilingInput.REFERRED: "requested",
}
"""What an answer makes of the version it is about."""


def move_filing(
    row: Row[Any],
    what: FilingInput,
    moves: Moves,
    now: datetime,
    outcome: Mapping[str, Any] | None = None,
    *,
    ends: bool = False,
    version: int | None = None,
    once_more: bool = False,
) -> None:
    """Step one filing and note what follows; an act its state forbids changes nothing.

    ``version`` is the newest that was said to CBP, if a later one is only kept; ``ends``: it ends the filing.
    ``outcome`` is what CBP said, if it was CBP; ``once_more``: to what it had answered before.
    """
    version = version or int(row.version)
    known = moves.filings.get(
        row.id, {"state": row.state, "last_outcome": row.last_outcome, "accepted_version": row.accepted_version}
    )
    accepted = known["accepted_version"]
    changes = accepted is not None and accepted < version
    what = answer_input(what, ends=ends, changes=changes)
    try:
        following, effects = step_filing(FilingState(str(known["state"])), what, in_force=changes)
    except NotPossible:
        return
    kinds, alert = list(effects.events), effects.alert
    if what in TAKEN and following is FilingState.ACCEPTED:
        if once_more and changes and known["state"] == FilingState.ACCEPTED.value:  # this version had been refused
            kinds, alert = [EventType.FILING_AMENDED], CONTRADICTION
        accepted = version
    elif following is FilingState.CANCELLED:
        accepted = None
    moves.filings[row.id] = {
        "state": following.value,
        "last_outcome": known["last_outcome"] if outcome is None else dict(outcome),
        "accepted_version": accepted,
    }
    if version > 1:
        moves.trips.add(row.trip_number)
        _move_version(row, version, what, moves, outcome)
    subject = row.scn or row.trip_number
    for kind in kinds:
        moves.events.append(
            filing_event(
                kind,
                row.id,
                row.kind,
                row.trip_number,
                row.shipment_key,
                subject,
                now,
                version=version,
                in_force=accepted,
            )
        )
    if alert and alert not in RAISED_ELSEWHERE:
        before = {"version": version, "in_force": accepted, "before": known["state"]}
        moves.alerts.append(filing_alert(alert, row, outcome, **before))


RAISED_ELSEWHERE: Final = frozenset({"in_doubt", "answer_overdue"})
"""Alerts of the table that are raised of the file that carries a filing: :mod:`filings.sending`, :mod:`.watching`."""
_WORDS: Final[Mapping[str, str]] = {
    "change_refused": "CBP refuses version {version} of {name}: {said}. Version {in_force} stays in force.",
    "answers_contradict": "CBP's answer about {name} is not what it said before ({told}: {said}).",
    "answer_unexpected": "CBP's answer about {name} is none that can be understood where it stands ({told}: {said}).",
    "already_on_file": "CBP has {name} on file already, and has not said whose it is: {said}.",
    "lost_after_receipt": "CBP has not {name}, for which a receipt was given: it goes again.",
}
"""What an alert of the table says of a filing."""


def filing_alert(kind: str, row: Row[Any], outcome: Mapping[str, Any] | None, **about: Any) -> Alert:
    """The alert of this kind about a filing, with what CBP said if it was CBP."""
    heard = outcome or {}
    said = str(heard.get("text") or "without saying why").rstrip(".")
    told = f"{heard.get('source') or 'we'} {heard.get('code') or heard.get('meaning') or ''}".rstrip()
    name = f"entry {row.entry_number}" if row.entry_number else f"the {row.kind} of {_bearer(row)}"
    text = _WORDS[kind].format(name=name, said=said, told=told, **about)
    detail = {key: heard[key] for key in ("source", "code", "meaning") if heard.get(key)} | about
    return Alert(kind, text, "warning", detail, trip_number=row.trip_number, filing_id=row.id)


def _bearer(row: Row[Any]) -> str:
    return f"trip {row.trip_number}" if row.kind == "manifest" else f"shipment {row.scn}"


def _move_version(
    row: Row[Any], version: int, what: FilingInput, moves: Moves, outcome: Mapping[str, Any] | None
) -> None:
    """Note what an answer makes of the newest version that was said, and of the content that waited for it."""
    state = VERSION_STATES.get(what)
    if state is None or outcome is None:
        return
    manifest = row.kind == "manifest"
    if manifest and state == "refused" and (outcome.get("correlation") or {}).get("saved_rest"):
        state = "partly_accepted"
    moves.versions.append(VersionMove(row.id, version, state, dict(outcome), manifest))
    subject = (row.id, version, row.id if manifest else row.shipment_key or "")
    if state in ("accepted", "partly_accepted"):
        moves.taken.add(subject)
    elif state == "refused":
        moves.refused.add(subject)
