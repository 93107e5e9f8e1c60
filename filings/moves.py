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
) -> None:
    """Step one filing and note what follows; an act its state forbids changes nothing.

    ``ends``: its newest version ends the filing. ``outcome`` is what CBP said, if it was CBP.
    """
    known = moves.filings.get(
        row.id, {"state": row.state, "last_outcome": row.last_outcome, "accepted_version": row.accepted_version}
    )
    accepted = known["accepted_version"]
    changes = accepted is not None and accepted < row.version
    what = answer_input(what, ends=ends, changes=changes)
    try:
        following, effects = step_filing(FilingState(str(known["state"])), what, in_force=changes)
    except NotPossible:
        return
    if what in TAKEN and following is FilingState.ACCEPTED:
        accepted = row.version
    elif following is FilingState.CANCELLED:
        accepted = None
    moves.filings[row.id] = {
        "state": following.value,
        "last_outcome": known["last_outcome"] if outcome is None else dict(outcome),
        "accepted_version": accepted,
    }
    if row.version > 1:
        moves.trips.add(row.trip_number)
        _move_version(row, what, moves, outcome)
    subject = row.scn or row.trip_number
    for kind in effects.events:
        moves.events.append(
            filing_event(
                kind,
                row.id,
                row.kind,
                row.trip_number,
                row.shipment_key,
                subject,
                now,
                version=row.version,
                in_force=accepted,
            )
        )
    if effects.alert == "change_refused":
        said = str((outcome or {}).get("text") or "without saying why").rstrip(".")
        name = f"entry {row.entry_number}" if row.entry_number else f"the manifest of trip {row.trip_number}"
        text = f"CBP refuses version {row.version} of {name}: {said}. Version {accepted} stays in force."
        moves.alerts.append(Alert("change_refused", text, "warning", trip_number=row.trip_number, filing_id=row.id))


def _move_version(row: Row[Any], what: FilingInput, moves: Moves, outcome: Mapping[str, Any] | None) -> None:
    """Note what an answer makes of the newest version, and of the content that waited for it."""
    state = VERSION_STATES.get(what)
    if state is None or outcome is None:
        return
    manifest = row.kind == "manifest"
    if manifest and state == "refused" and (outcome.get("correlation") or {}).get("saved_rest"):
        state = "partly_accepted"
    moves.versions.append(VersionMove(row.id, row.version, state, dict(outcome), manifest))
    subject = (row.id, row.version, row.id if manifest else row.shipment_key or "")
    if state in ("accepted", "partly_accepted"):
        moves.taken.add(subject)
    elif state == "refused":
        moves.refused.add(subject)
