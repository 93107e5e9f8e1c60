"""Where does a filing stand after this?

Rules: the answers to one version form a ladder (sent < under review < rejected < accepted <
cancelled) and the table never steps down it, so duplicate, late and reordered answers end in the
same state. Acceptance stands above rejection because bytes that are resent unchanged are taken once
and then refused as already on file; that pair raises an alert. An in-doubt filing is settled by an
answer, by a receipt for the same bytes, by CBP saying that it knows those bytes (TA1 025), or by CBP
saying that it has none; never by a new number. A failure of CBP's own system (*try again*) puts the
same declaration back into the queue.

A version after one that CBP has taken is a *change*: refused, it leaves the filing accepted as it was
(:func:`answer_input`); referred to a person there, it is *requested* until that person says yes or no
(SO 88, 23 or 86, 87). A version that ends the filing cancels it when it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from filings.lifecycle.states import Cell, Effects, EventType, FilingInput, FilingState, Why, refuse, verdict_of

_S, _I, _E = FilingState, FilingInput, EventType

OWN_ACTS = frozenset(
    {
        _I.QUEUED,
        _I.SENT,
        _I.IN_DOUBT,
        _I.NOT_DELIVERED,
        _I.NOT_ON_FILE,
        _I.OVERDUE,
        _I.WITHDRAWN,
        _I.PACKAGE_READY,
        _I.HANDED_OVER,
    }
)
"""What we do or find out ourselves; the other inputs are CBP's answers."""

CONTRADICTION = "answers_contradict"
ANSWER_OVERDUE = "answer_overdue"
UNEXPECTED_ANSWER = "answer_unexpected"
ALREADY_ON_FILE = "already_on_file"
CHANGE_REFUSED = "change_refused"

RAISED_WHILE: Final[Mapping[FilingState, str]] = {_S.REJECTED: "declaration_refused"}
"""Alerts that no cell raises: the watch over deadlines raises them while filings of a trip are in this state."""

_ANSWERS: Mapping[FilingInput, Cell] = {
    _I.SYNTAX_REJECTED: Cell(_S.REJECTED, _E.FILING_REJECTED),
    _I.ACCEPTED: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED),
    _I.ACCEPTED_WITH_WARNING: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED),
    _I.REJECTED: Cell(_S.REJECTED, _E.FILING_REJECTED),
    _I.UNDER_REVIEW: Cell(_S.UNDER_REVIEW),
    _I.ALREADY_ON_FILE: Cell(_S.UNDER_REVIEW, alert=ALREADY_ON_FILE),
    _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
}


def _stay(state: FilingState, *inputs: FilingInput, alert: str = "") -> dict[FilingInput, Cell]:
    return dict.fromkeys(inputs, Cell(state, alert=alert))


_OUTRUN = (_I.SENT, _I.IN_DOUBT, _I.NOT_DELIVERED, _I.KNOWN_BEFORE, _I.SYNTAX_ACCEPTED, _I.TRY_AGAIN)

_CHANGING: Mapping[FilingInput, Cell] = {
    _I.REFERRED: Cell(_S.REQUESTED),
    _I.CHANGE_REFUSED: Cell(_S.ACCEPTED, _E.FILING_REJECTED, CHANGE_REFUSED),
}
"""Answers to a change of what is in force."""

FILING: Mapping[FilingState, Mapping[FilingInput, Cell]] = {
    _S.QUEUED: {
        **_CHANGING,
        **_ANSWERS,  # an answer may outrun our own record of the sending
        **_stay(_S.QUEUED, _I.NOT_DELIVERED, _I.NOT_ON_FILE, _I.TRY_AGAIN),
        **_stay(_S.QUEUED, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.SENT: Cell(_S.SENT, _E.FILING_SENT),
        _I.IN_DOUBT: Cell(_S.IN_DOUBT, _E.FILING_IN_DOUBT, "in_doubt"),
        _I.KNOWN_BEFORE: Cell(_S.SENT, _E.FILING_SENT),
        _I.SYNTAX_ACCEPTED: Cell(_S.SENT, _E.FILING_SENT),
        _I.PACKAGE_READY: Cell(_S.READY, _E.HANDOFF_READY),  # a handoff waits for its package
    },
    _S.SENT: {
        **_CHANGING,
        **_ANSWERS,
        **_stay(_S.SENT, _I.SENT, _I.IN_DOUBT, _I.NOT_DELIVERED, _I.KNOWN_BEFORE, _I.SYNTAX_ACCEPTED),
        **_stay(_S.SENT, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.NOT_ON_FILE: Cell(_S.QUEUED, _E.FILING_QUEUED, "lost_after_receipt"),
        _I.TRY_AGAIN: Cell(_S.QUEUED, _E.FILING_QUEUED),
    },
    _S.IN_DOUBT: {
        **_CHANGING,
        **_ANSWERS,
        # A second attempt that certainly failed says nothing about the first.
        **_stay(_S.IN_DOUBT, _I.IN_DOUBT, _I.NOT_DELIVERED),
        **_stay(_S.IN_DOUBT, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.SENT: Cell(_S.SENT, _E.FILING_SENT),
        _I.KNOWN_BEFORE: Cell(_S.SENT, _E.FILING_SENT),
        _I.SYNTAX_ACCEPTED: Cell(_S.SENT, _E.FILING_SENT),
        _I.NOT_ON_FILE: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.TRY_AGAIN: Cell(_S.QUEUED, _E.FILING_QUEUED),
    },
    _S.UNDER_REVIEW: {
        **_CHANGING,
        **_ANSWERS,
        **_stay(_S.UNDER_REVIEW, *_OUTRUN, _I.UNDER_REVIEW, _I.ALREADY_ON_FILE),
        **_stay(_S.UNDER_REVIEW, _I.NOT_ON_FILE, alert=CONTRADICTION),
        **_stay(_S.UNDER_REVIEW, _I.OVERDUE, alert=ANSWER_OVERDUE),
    },
    _S.REQUESTED: {
        **_CHANGING,
        **_ANSWERS,
        **_stay(_S.REQUESTED, *_OUTRUN, _I.UNDER_REVIEW, _I.ALREADY_ON_FILE),
        **_stay(_S.REQUESTED, _I.NOT_ON_FILE, alert=CONTRADICTION),
        **_stay(_S.REQUESTED, _I.OVERDUE, alert=ANSWER_OVERDUE),
    },
    _S.ACCEPTED: {
        # An answer to a change comes after the one that ended it, or once more.
        **_stay(_S.ACCEPTED, *_CHANGING),
        **_stay(_S.ACCEPTED, *_OUTRUN, _I.ACCEPTED, _I.ACCEPTED_WITH_WARNING, _I.UNDER_REVIEW, _I.OVERDUE),
        **_stay(_S.ACCEPTED, _I.ALREADY_ON_FILE),
        **_stay(_S.ACCEPTED, _I.REJECTED, _I.SYNTAX_REJECTED, _I.NOT_ON_FILE, alert=CONTRADICTION),
        _I.QUEUED: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.REJECTED: {
        **_stay(_S.REJECTED, *_CHANGING),
        **_stay(_S.REJECTED, *_OUTRUN, _I.REJECTED, _I.SYNTAX_REJECTED, _I.UNDER_REVIEW, _I.NOT_ON_FILE, _I.OVERDUE),
        **_stay(_S.REJECTED, _I.ALREADY_ON_FILE),
        _I.QUEUED: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.ACCEPTED: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED, CONTRADICTION),
        _I.ACCEPTED_WITH_WARNING: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED, CONTRADICTION),
        _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
        _I.WITHDRAWN: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.CANCELLED: {
        **_stay(_S.CANCELLED, *_OUTRUN, *_ANSWERS, *_CHANGING, _I.NOT_ON_FILE, _I.OVERDUE, _I.WITHDRAWN),
    },
    _S.READY: {
        _I.PACKAGE_READY: Cell(_S.READY, _E.HANDOFF_READY),
        _I.HANDED_OVER: Cell(_S.HANDED_OVER, _E.HANDOFF_ACCEPTED),
        _I.WITHDRAWN: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.HANDED_OVER: {
        **_stay(_S.HANDED_OVER, _I.HANDED_OVER),
        _I.PACKAGE_READY: Cell(_S.READY, _E.HANDOFF_READY),
        _I.WITHDRAWN: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
}
"""State × input → next state, event, alert."""

FILING_STARTS: Mapping[FilingState, EventType] = {FilingState.QUEUED: EventType.FILING_QUEUED}
"""How a filing begins and what is told then; a handoff is told when its package is ready."""

FILING_ENDS = frozenset({FilingState.CANCELLED})
"""Terminal by intent: what is declared again is a new filing."""

WHY_NOT: Final[Mapping[FilingState, Why]] = {
    _S.QUEUED: ("It waits to be sent.", "Wait until CBP has answered it."),
    _S.SENT: ("CBP has not answered it.", "Wait for the answer, or ask CBP for it."),
    _S.IN_DOUBT: (
        "It is not known whether CBP has it.",
        "The same bytes go again by themselves; wait until that is settled.",
    ),
    _S.UNDER_REVIEW: ("CBP has it, and its decision has not come.", "Wait for the decision, or ask CBP for it."),
    _S.REQUESTED: ("A person at CBP decides on what was asked.", "Wait for the decision, or ask CBP for it."),
    _S.ACCEPTED: ("CBP has it on file.", "Amend or cancel it."),
    _S.REJECTED: ("CBP has refused it, so nothing of it is on file.", "Correct it, or file it anew."),
    _S.CANCELLED: ("It is no longer in force.", "File the goods anew, under new numbers."),
    _S.READY: ("It is a package for a licensed broker.", "Give the package to the broker."),
    _S.HANDED_OVER: ("The licensed broker has its package.", "Ask the broker."),
}
"""Why a state refuses an act that it has no cell for, and the way out."""

ACTS: Final[Mapping[str, tuple[FilingInput, ...]]] = {
    "amend": (FilingInput.QUEUED, FilingInput.PACKAGE_READY),
    "cancel": (FilingInput.QUEUED, FilingInput.WITHDRAWN),
    "hand_over": (FilingInput.HANDED_OVER,),
}
"""Acts that a person may ask for, and the inputs that each one is: what the state takes of them is what is done."""
WAITING: Final = frozenset({FilingState.QUEUED, FilingState.SENT, FilingState.IN_DOUBT})
"""A version waits to be sent or answered: nothing else is sent for the filing before CBP has answered."""
UNANSWERED: Final = WAITING | {FilingState.UNDER_REVIEW, FilingState.REQUESTED}
"""CBP has said neither yes nor no to the newest version."""


TAKEN: Final = frozenset({_I.ACCEPTED, _I.ACCEPTED_WITH_WARNING})
_REFUSED = frozenset({_I.REJECTED, _I.SYNTAX_REJECTED})


def answer_input(what: FilingInput, *, ends: bool, changes: bool) -> FilingInput:
    """What an answer of CBP means for a version that ends the filing, or that changes what is in force.

    ``changes``: CBP has taken an earlier version, and has not taken this one.
    """
    if ends and what in TAKEN:
        return _I.CANCELLED
    if changes and what in _REFUSED:
        return _I.CHANGE_REFUSED
    if changes and what is _I.UNDER_REVIEW:
        return _I.REFERRED
    return what


def step_filing(state: FilingState, what: FilingInput, *, in_force: bool = False) -> tuple[FilingState, Effects]:
    """The next state and what follows from it.

    ``in_force`` says that CBP has accepted an earlier version: then acceptance tells of an amendment.
    Raises :class:`~filings.lifecycle.states.NotPossible` for an act of ours that has no cell.
    """
    cell = FILING[state].get(what)
    if cell is None:
        if what in OWN_ACTS:
            raise refuse("filing", state, what, WHY_NOT[state])
        return state, Effects("unexpected", alert=UNEXPECTED_ANSWER)
    event = cell.event
    if in_force and event is EventType.FILING_ACCEPTED:
        event = EventType.FILING_AMENDED
    return FilingState(cell.to), Effects(verdict_of(state, cell.to), (event,) if event else (), cell.alert)


def permitted_acts(state: FilingState) -> tuple[str, ...]:
    """What a person may ask of a filing in this state; the reason for the rest is the state itself."""
    if state in WAITING or state in FILING_ENDS:
        return ()
    return tuple(act for act, inputs in ACTS.items() if any(what in FILING[state] for what in inputs))
