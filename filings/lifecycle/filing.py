"""Where does a filing stand after this?

Rules: the answers to one version form a ladder (sent < under review < rejected < accepted <
cancelled) and the table never steps down it, so duplicate, late and reordered answers end in the
same state. Acceptance stands above rejection because bytes that are resent unchanged are taken once
and then refused as already on file; that pair raises an alert. An in-doubt filing is settled by an
answer, by a receipt for the same bytes, or by CBP saying that it has none; never by a new number.
"""

from __future__ import annotations

from collections.abc import Mapping

from filings.lifecycle.states import Cell, Effects, EventType, FilingInput, FilingState, refuse, verdict_of

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

_ANSWERS: Mapping[FilingInput, Cell] = {
    _I.SYNTAX_REJECTED: Cell(_S.REJECTED, _E.FILING_REJECTED),
    _I.ACCEPTED: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED),
    _I.ACCEPTED_WITH_WARNING: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED),
    _I.REJECTED: Cell(_S.REJECTED, _E.FILING_REJECTED),
    _I.UNDER_REVIEW: Cell(_S.UNDER_REVIEW),
    _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
}


def _stay(state: FilingState, *inputs: FilingInput, alert: str = "") -> dict[FilingInput, Cell]:
    return dict.fromkeys(inputs, Cell(state, alert=alert))


_OUTRUN = (_I.SENT, _I.IN_DOUBT, _I.NOT_DELIVERED, _I.SYNTAX_ACCEPTED, _I.TRY_AGAIN)

FILING: Mapping[FilingState, Mapping[FilingInput, Cell]] = {
    _S.QUEUED: {
        **_ANSWERS,  # an answer may outrun our own record of the sending
        **_stay(_S.QUEUED, _I.NOT_DELIVERED, _I.NOT_ON_FILE, _I.TRY_AGAIN),
        **_stay(_S.QUEUED, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.QUEUED: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.SENT: Cell(_S.SENT, _E.FILING_SENT),
        _I.IN_DOUBT: Cell(_S.IN_DOUBT, _E.FILING_IN_DOUBT, "in_doubt"),
        _I.SYNTAX_ACCEPTED: Cell(_S.SENT, _E.FILING_SENT),
        _I.WITHDRAWN: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.SENT: {
        **_ANSWERS,
        **_stay(_S.SENT, _I.SENT, _I.IN_DOUBT, _I.NOT_DELIVERED, _I.SYNTAX_ACCEPTED),
        **_stay(_S.SENT, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.NOT_ON_FILE: Cell(_S.QUEUED, _E.FILING_QUEUED, "lost_after_receipt"),
        _I.TRY_AGAIN: Cell(_S.QUEUED, _E.FILING_QUEUED),
    },
    _S.IN_DOUBT: {
        **_ANSWERS,
        # A second attempt that certainly failed says nothing about the first.
        **_stay(_S.IN_DOUBT, _I.IN_DOUBT, _I.NOT_DELIVERED),
        **_stay(_S.IN_DOUBT, _I.OVERDUE, alert=ANSWER_OVERDUE),
        _I.SENT: Cell(_S.SENT, _E.FILING_SENT),
        _I.SYNTAX_ACCEPTED: Cell(_S.SENT, _E.FILING_SENT),
        _I.NOT_ON_FILE: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.TRY_AGAIN: Cell(_S.QUEUED, _E.FILING_QUEUED),
    },
    _S.UNDER_REVIEW: {
        **_ANSWERS,
        **_stay(_S.UNDER_REVIEW, *_OUTRUN, _I.UNDER_REVIEW),
        **_stay(_S.UNDER_REVIEW, _I.NOT_ON_FILE, alert=CONTRADICTION),
        **_stay(_S.UNDER_REVIEW, _I.OVERDUE, alert=ANSWER_OVERDUE),
    },
    _S.ACCEPTED: {
        **_stay(_S.ACCEPTED, *_OUTRUN, _I.ACCEPTED, _I.ACCEPTED_WITH_WARNING, _I.UNDER_REVIEW, _I.OVERDUE),
        **_stay(_S.ACCEPTED, _I.REJECTED, _I.SYNTAX_REJECTED, _I.NOT_ON_FILE, alert=CONTRADICTION),
        _I.QUEUED: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.REJECTED: {
        **_stay(_S.REJECTED, *_OUTRUN, _I.REJECTED, _I.SYNTAX_REJECTED, _I.UNDER_REVIEW, _I.NOT_ON_FILE, _I.OVERDUE),
        _I.QUEUED: Cell(_S.QUEUED, _E.FILING_QUEUED),
        _I.ACCEPTED: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED, CONTRADICTION),
        _I.ACCEPTED_WITH_WARNING: Cell(_S.ACCEPTED, _E.FILING_ACCEPTED, CONTRADICTION),
        _I.CANCELLED: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
        _I.WITHDRAWN: Cell(_S.CANCELLED, _E.FILING_CANCELLED),
    },
    _S.CANCELLED: {
        **_stay(_S.CANCELLED, *_OUTRUN, *_ANSWERS, _I.NOT_ON_FILE, _I.OVERDUE, _I.WITHDRAWN),
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

FILING_STARTS: Mapping[FilingState, EventType] = {
    FilingState.QUEUED: EventType.FILING_QUEUED,
    FilingState.READY: EventType.HANDOFF_READY,
}
"""How a filing begins (a declaration queued, a handoff ready) and what is told then."""

FILING_ENDS = frozenset({FilingState.CANCELLED})
"""Terminal by intent: what is declared again is a new filing."""

ACTS: Mapping[str, FilingInput] = {
    "amend": FilingInput.QUEUED,
    "withdraw": FilingInput.WITHDRAWN,
    "hand_over": FilingInput.HANDED_OVER,
}
"""Acts that a person may ask for, and the input that each one is."""


def step_filing(state: FilingState, what: FilingInput, *, in_force: bool = False) -> tuple[FilingState, Effects]:
    """The next state and what follows from it.

    ``in_force`` says that CBP has accepted an earlier version: then acceptance tells of an amendment.
    Raises :class:`~filings.lifecycle.states.NotPossible` for an act of ours that has no cell.
    """
    cell = FILING[state].get(what)
    if cell is None:
        if what in OWN_ACTS:
            raise refuse("filing", state, what)
        return state, Effects("unexpected", alert=UNEXPECTED_ANSWER)
    event = cell.event
    if in_force and event is EventType.FILING_ACCEPTED:
        event = EventType.FILING_AMENDED
    return FilingState(cell.to), Effects(verdict_of(state, cell.to), (event,) if event else (), cell.alert)


def permitted_acts(state: FilingState) -> tuple[str, ...]:
    """What a person may ask of a filing in this state; the reason for the rest is the state itself."""
    return tuple(act for act, what in ACTS.items() if what in FILING[state])
