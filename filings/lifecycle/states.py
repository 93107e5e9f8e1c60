"""Which words does the lifecycle use?

Rules: *received by us*, *accepted by CBP* and *released* are three things and never share a word. States
and inputs are enums; what leads from one to the other is data (``filing.py``, ``shipment.py``,
``trip.py``). An absent cell is an answer too: an act of ours that has none is refused with
:class:`NotPossible`; something CBP says that has none is kept, changes nothing and raises an alert.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeVar

from schemas.errors import GatewayError, Problem


class FilingState(StrEnum):
    """Where one declaration (or handoff) stands."""

    QUEUED = "queued"  # a version is committed and waits to be sent
    SENT = "sent"  # the partner's receipt is in hand; CBP has not answered
    IN_DOUBT = "in_doubt"  # we cannot know whether CBP has it
    UNDER_REVIEW = "under_review"  # CBP has it; what it decides we have not heard
    REQUESTED = "requested"  # a person at CBP decides on our correction or cancellation; the version before stands
    ACCEPTED = "accepted"  # CBP has taken the declaration; that releases nothing
    REJECTED = "rejected"  # CBP has refused the declaration
    CANCELLED = "cancelled"  # no longer in force
    READY = "ready"  # handoff: the package is made
    HANDED_OVER = "handed_over"  # handoff: the broker has it


class FilingInput(StrEnum):
    """What can happen to a filing: our acts first, CBP's answers after."""

    QUEUED = "queued"
    SENT = "sent"
    IN_DOUBT = "in_doubt"
    NOT_DELIVERED = "not_delivered"
    NOT_ON_FILE = "not_on_file"
    OVERDUE = "overdue"
    WITHDRAWN = "withdrawn"
    PACKAGE_READY = "package_ready"
    HANDED_OVER = "handed_over"
    KNOWN_BEFORE = "known_before"
    SYNTAX_ACCEPTED = "syntax_accepted"
    SYNTAX_REJECTED = "syntax_rejected"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNING = "accepted_with_warning"
    REJECTED = "rejected"
    TRY_AGAIN = "try_again"
    UNDER_REVIEW = "under_review"
    ALREADY_ON_FILE = "already_on_file"
    REFERRED = "referred"  # a change of what is in force went to a person at CBP
    CHANGE_REFUSED = "change_refused"  # CBP refuses a change; what was in force before it stays in force
    CANCELLED = "cancelled"


class ShipmentState(StrEnum):
    """What dispatch sees of one shipment."""

    STAGED = "staged"  # received by us; nothing has been sent
    IN_REVIEW = "in_review"  # a licensed broker of ours must decide
    REFUSED = "refused"  # by us: not lawful that day, or bad data
    IN_DOUBT = "in_doubt"  # sent, but we cannot know whether CBP has it
    FILED = "filed"  # something has been sent; CBP has not accepted all that is needed
    REJECTED = "rejected"  # CBP refused a declaration that is needed
    ON_FILE = "on_file"  # CBP accepted every declaration that is needed
    HANDED_OFF = "handed_off"  # a licensed broker makes the entry
    LAPSED = "lapsed"  # lawful when it was declared, not any more at the arrival that is still possible
    CANCELLING = "cancelling"  # being cancelled, and CBP has not said yes or no; or its bill stands without an entry
    DELINKED = "delinked"  # on file with CBP, and taken off this trip
    HELD = "held"
    EXAM = "exam"
    DOCUMENTS_REQUIRED = "documents_required"
    RELEASED = "released"  # CBP said so for this shipment; final only after arrival
    RELEASE_SUSPENDED = "release_suspended"
    RELEASE_REVOKED = "release_revoked"
    CANCELLED = "cancelled"


class ShipmentInput(StrEnum):
    """What moves a shipment: our decision, what its declarations add up to, and CBP's words on the goods."""

    STAGED = "staged"
    REVIEW_NEEDED = "review_needed"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    FILED = "filed"
    DECLARATION_REJECTED = "declaration_rejected"
    ON_FILE = "on_file"
    HANDED_OFF = "handed_off"
    HELD = "held"
    EXAM = "exam"
    DOCUMENTS_REQUIRED = "documents_required"
    BLOCKS_CLEARED = "blocks_cleared"
    ADMISSIBLE = "admissible"
    RELEASED = "released"
    RELEASE_SUSPENDED = "release_suspended"
    RELEASE_REVOKED = "release_revoked"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    CANCELLING = "cancelling"
    DELINKED = "delinked"


class TripState(StrEnum):
    """Where a truck crossing stands."""

    DRAFT = "draft"
    FILING = "filing"  # filings are being made and sent
    FILED = "filed"  # everything is out; answers are awaited
    BLOCKED = "blocked"  # something aboard may not cross
    CLEAR = "clear"  # every shipment may cross
    ARRIVED = "arrived"
    CANCELLED = "cancelled"  # its manifest was deleted; its shipments may go on another trip


class TripInput(StrEnum):
    """What moves a trip: what a person asks for first; go, wait and stop are the verdict over its shipments."""

    PUT = "put"
    STAGED = "staged"
    FILING_REQUESTED = "filing_requested"
    ARRIVAL_CHANGED = "arrival_changed"
    REFILING_REQUESTED = "refiling_requested"
    ALL_SENT = "all_sent"
    GO = "go"
    WAIT = "wait"
    STOP = "stop"
    ARRIVED = "arrived"
    MANIFEST_DELETED = "manifest_deleted"


class EventType(StrEnum):
    """What dispatch and the trucking records can be told."""

    FILING_QUEUED = "filing.queued"
    FILING_SENT = "filing.sent"
    FILING_IN_DOUBT = "filing.in_doubt"
    FILING_ACCEPTED = "filing.accepted"
    FILING_REJECTED = "filing.rejected"
    FILING_AMENDED = "filing.amended"
    FILING_CANCELLED = "filing.cancelled"
    SHIPMENT_HELD = "shipment.held"
    SHIPMENT_RELEASED = "shipment.released"
    SHIPMENT_RELEASE_REVOKED = "shipment.release_revoked"
    SHIPMENT_DOCUMENTS_REQUIRED = "shipment.documents_required"
    HANDOFF_READY = "handoff.ready"
    HANDOFF_ACCEPTED = "handoff.accepted"
    TRIP_CLEAR = "trip.clear"
    TRIP_BLOCKED = "trip.blocked"


class NotPossible(GatewayError):
    """The state does not permit the act; nothing was changed."""


State = TypeVar("State", bound=StrEnum)
Input = TypeVar("Input", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: the next state (a ``str`` of its enum), what is told, and what is raised."""

    to: StrEnum
    event: EventType | None = None
    alert: str = ""


Verdict = Literal["moved", "noted", "unexpected"]


@dataclass(frozen=True, slots=True)
class Effects:
    """What follows from an input beside the state.

    ``verdict``: ``moved`` (the state changed), ``noted`` (kept, we were already there or further) or
    ``unexpected`` (kept, changes nothing; a person must look). ``alert`` is a code, or empty.
    """

    verdict: Verdict
    events: tuple[EventType, ...] = ()
    alert: str = ""


def verdict_of(before: StrEnum, after: StrEnum) -> Verdict:
    """``moved`` or ``noted``, for a cell that exists."""
    return "noted" if before is after else "moved"


Why = tuple[str, str]
"""Why a state takes no such act, in a sentence, and what mends it."""


def refuse(thing: str, state: StrEnum, act: StrEnum, why: Why | None = None) -> NotPossible:
    """The refusal of an act that has no cell; ``why`` is the state's own reason and way out."""
    words = act.value.replace("_", " ")
    text = f"A {thing} that is {state.value.replace('_', ' ')} does not take the act '{words}'."
    reason, remedy = why or ("", "Look at what the state permits.")
    return NotPossible(Problem("not_possible", "state", f"{text} {reason}".rstrip(), remedy))


def reachable(table: Mapping[State, Mapping[Input, Cell]], *starts: State) -> set[State]:
    """Every state the table leads to from the given ones."""
    seen: set[State] = set()
    waiting = list(starts)
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting.extend(type(state)(cell.to) for cell in table[state].values())
    return seen


def leads_to(table: Mapping[State, Mapping[Input, Cell]], ends: Collection[State]) -> set[State]:
    """Every state from which the table leads to one of these ends."""
    found = set(ends)
    while more := {
        state for state, row in table.items() if state not in found and any(cell.to in found for cell in row.values())
    }:
        found |= more
    return found
