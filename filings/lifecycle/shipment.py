"""How does a shipment move?

Rules: the table is state × input; the inputs come from three sources, in this order: our decision
(staged, to be reviewed, refused), what the shipment's declarations add up to (filed, rejected, on
file, handed off), and CBP's words on the goods (held, exam, released…). A lapse (the law moved on
while the truck was on its way), a cancellation that CBP has not decided on and a bill that came off
the trip are read last. ``facts.py`` reads all evidence through this table.
*Released* is entered only by CBP's word for this shipment, and left by CBP's word too, or for as
long as its pathway has lapsed: nothing that we do or conclude leads there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from filings.lifecycle.filing import CONTRADICTION
from filings.lifecycle.states import Cell, Effects, EventType, ShipmentInput, ShipmentState, Why, refuse, verdict_of

_S, _I, _E = ShipmentState, ShipmentInput, EventType

DECISIONS = frozenset({_I.STAGED, _I.REVIEW_NEEDED, _I.REFUSED})
"""Our own acts on a shipment; without a cell they are refused."""

LAST = {
    _I.LAPSED: Cell(_S.LAPSED),
    _I.CANCELLING: Cell(_S.CANCELLING),
    _I.DELINKED: Cell(_S.DELINKED),
}
"""Read after everything else: the law moved on before the truck arrived, a declaration is being cancelled, the bill
came off the trip."""

DECLARED = frozenset({_I.IN_DOUBT, _I.FILED, _I.DECLARATION_REJECTED, _I.ON_FILE, _I.HANDED_OFF})
"""What the declarations of a shipment add up to."""

_DECLARED_CELLS: Mapping[ShipmentInput, Cell] = {
    _I.IN_DOUBT: Cell(_S.IN_DOUBT),
    _I.FILED: Cell(_S.FILED),
    _I.DECLARATION_REJECTED: Cell(_S.REJECTED),
    _I.ON_FILE: Cell(_S.ON_FILE),
    _I.HANDED_OFF: Cell(_S.HANDED_OFF),
    _I.CANCELLED: Cell(_S.CANCELLED),
}

_WORDS: Mapping[ShipmentInput, Cell] = {
    _I.HELD: Cell(_S.HELD, _E.SHIPMENT_HELD),
    _I.EXAM: Cell(_S.EXAM, _E.SHIPMENT_HELD),
    _I.DOCUMENTS_REQUIRED: Cell(_S.DOCUMENTS_REQUIRED, _E.SHIPMENT_DOCUMENTS_REQUIRED),
    _I.RELEASED: Cell(_S.RELEASED, _E.SHIPMENT_RELEASED),
    _I.RELEASE_SUSPENDED: Cell(_S.RELEASE_SUSPENDED, _E.SHIPMENT_RELEASE_REVOKED),
    _I.RELEASE_REVOKED: Cell(_S.RELEASE_REVOKED, _E.SHIPMENT_RELEASE_REVOKED),
    _I.CANCELLED: Cell(_S.CANCELLED),
}


def _stay(state: ShipmentState, *inputs: ShipmentInput) -> dict[ShipmentInput, Cell]:
    return dict.fromkeys(inputs, Cell(state))


def _declared(state: ShipmentState) -> dict[ShipmentInput, Cell]:
    """A state before CBP spoke of the goods: declarations and words both move it."""
    return {**_DECLARED_CELLS, **_WORDS, **_stay(state, _I.BLOCKS_CLEARED), **LAST}


def _spoken(state: ShipmentState, cleared: ShipmentState, admissible: ShipmentState) -> dict[ShipmentInput, Cell]:
    """A state CBP put the goods in: its words move it, news of declarations no longer does.

    The last two inputs are given only when no reason to keep the goods is open any more.
    """
    return {
        **_WORDS,
        **_stay(state, *DECLARED),
        _I.BLOCKS_CLEARED: Cell(cleared),
        _I.ADMISSIBLE: Cell(admissible),
    }


SHIPMENT: Mapping[ShipmentState, Mapping[ShipmentInput, Cell]] = {
    _S.STAGED: {
        **_DECLARED_CELLS,
        **LAST,
        _I.STAGED: Cell(_S.STAGED),
        _I.REVIEW_NEEDED: Cell(_S.IN_REVIEW),
        _I.REFUSED: Cell(_S.REFUSED),
    },
    _S.IN_REVIEW: {
        _I.STAGED: Cell(_S.STAGED),
        _I.REVIEW_NEEDED: Cell(_S.IN_REVIEW),
        _I.REFUSED: Cell(_S.REFUSED),
        _I.CANCELLED: Cell(_S.CANCELLED),
    },
    _S.REFUSED: {
        _I.STAGED: Cell(_S.STAGED),
        _I.REVIEW_NEEDED: Cell(_S.IN_REVIEW),
        _I.REFUSED: Cell(_S.REFUSED),
        _I.CANCELLED: Cell(_S.CANCELLED),
    },
    _S.IN_DOUBT: {**_declared(_S.IN_DOUBT), _I.ADMISSIBLE: Cell(_S.ON_FILE)},
    _S.FILED: {**_declared(_S.FILED), _I.ADMISSIBLE: Cell(_S.ON_FILE)},
    _S.REJECTED: {
        **_declared(_S.REJECTED),
        _I.STAGED: Cell(_S.STAGED),
        _I.ADMISSIBLE: Cell(_S.REJECTED, alert=CONTRADICTION),
        # CBP's word stands, but somebody must find out what it released.
        _I.RELEASED: Cell(_S.RELEASED, _E.SHIPMENT_RELEASED, CONTRADICTION),
    },
    _S.ON_FILE: {**_declared(_S.ON_FILE), **_stay(_S.ON_FILE, _I.FILED, _I.IN_DOUBT, _I.ADMISSIBLE)},
    _S.HANDED_OFF: {**_declared(_S.HANDED_OFF), **_stay(_S.HANDED_OFF, _I.FILED, _I.ADMISSIBLE)},
    _S.LAPSED: {
        # Declared anew under the pathway that is lawful now, or off the truck; CBP's word reaches it at arrival.
        _I.STAGED: Cell(_S.STAGED),
        _I.REVIEW_NEEDED: Cell(_S.IN_REVIEW),
        _I.REFUSED: Cell(_S.REFUSED),
        **_stay(_S.LAPSED, _I.LAPSED),
    },
    _S.CANCELLING: {
        # CBP says no, and what was on file is so; or yes.
        _I.ON_FILE: Cell(_S.ON_FILE),
        _I.CANCELLED: Cell(_S.CANCELLED),
        **_stay(_S.CANCELLING, _I.CANCELLING),
    },
    _S.DELINKED: {
        _I.ON_FILE: Cell(_S.ON_FILE),  # linked again
        _I.CANCELLED: Cell(_S.CANCELLED),
        **_stay(_S.DELINKED, _I.DELINKED),
    },
    # A hold that is lifted says nothing of the declarations: what those add up to is asked anew after it.
    _S.HELD: _spoken(_S.HELD, _S.FILED, _S.ON_FILE),
    _S.EXAM: _spoken(_S.EXAM, _S.FILED, _S.ON_FILE),
    _S.DOCUMENTS_REQUIRED: _spoken(_S.DOCUMENTS_REQUIRED, _S.FILED, _S.ON_FILE),
    _S.RELEASED: {**_spoken(_S.RELEASED, _S.RELEASED, _S.RELEASED), **LAST},
    _S.RELEASE_SUSPENDED: _spoken(_S.RELEASE_SUSPENDED, _S.RELEASE_SUSPENDED, _S.ON_FILE),
    _S.RELEASE_REVOKED: _spoken(_S.RELEASE_REVOKED, _S.RELEASE_REVOKED, _S.ON_FILE),
    _S.CANCELLED: {
        **_stay(_S.CANCELLED, *DECLARED, *_WORDS, _I.BLOCKS_CLEARED, _I.ADMISSIBLE),
        _I.RELEASED: Cell(_S.CANCELLED, alert=CONTRADICTION),
        _I.CANCELLING: Cell(_S.CANCELLING),  # its bill still stands on the manifest
        _I.STAGED: Cell(_S.STAGED),
    },
}
"""State × input → next state, event, alert."""

SHIPMENT_STARTS: Final = (ShipmentState.STAGED,)

SHIPMENT_ENDS: Final[Mapping[ShipmentState, str]] = {
    _S.REFUSED: "",
    _S.CANCELLED: "",
    _S.RELEASED: "the truck has arrived",
}
"""Where nothing more is awaited, and on which condition. A release can be revoked until the truck has arrived; CBP
may speak again even later, and what was refused or cancelled may be staged again."""

WHY_NOT: Final[Mapping[ShipmentState, Why]] = {
    _S.STAGED: ("Nothing has been declared for it.", "File its trip."),
    _S.IN_REVIEW: ("A licensed broker must decide about it.", "Ask the broker."),
    _S.REFUSED: ("It is not lawful that day, or its data are wrong.", "Correct it and stage it again."),
    _S.IN_DOUBT: ("It is not known whether CBP has its declaration.", "Wait until that is settled."),
    _S.FILED: ("CBP has not answered all of its declarations.", "Wait for the answers."),
    _S.REJECTED: ("CBP has refused a declaration that it needs.", "Correct it and stage it again."),
    _S.ON_FILE: ("CBP has its declarations on file.", "Amend or cancel them."),
    _S.HANDED_OFF: ("A licensed broker makes its entry.", "Ask the broker."),
    _S.CANCELLING: (
        "CBP has not decided on its cancellation, or its entry is cancelled and its bill stands on the manifest.",
        "Wait for CBP's answer; where the entry is cancelled, take the bill off or file the goods under another entry.",
    ),
    _S.DELINKED: ("CBP has it on file, and not on this trip any more.", "Link it to the trip that carries it."),
    _S.LAPSED: ("Its pathway is not lawful at the arrival that is possible now.", "File its trip anew (refile)."),
    _S.HELD: ("CBP or another agency holds it.", "Settle the hold with who placed it."),
    _S.EXAM: ("CBP examines it.", "Present it for the exam."),
    _S.DOCUMENTS_REQUIRED: ("CBP wants documents.", "Send the documents that CBP names."),
    _S.RELEASED: ("CBP has released it.", "Amend or cancel its declarations."),
    _S.RELEASE_SUSPENDED: ("CBP has suspended its release.", "Ask CBP at the port."),
    _S.RELEASE_REVOKED: ("CBP has taken its release back.", "Ask CBP at the port."),
    _S.CANCELLED: ("Its declarations are no longer in force.", "Stage it again."),
}
"""Why a state refuses an act of ours, and the way out."""


def step_shipment(state: ShipmentState, what: ShipmentInput) -> tuple[ShipmentState, Effects]:
    """The next state and what follows from it.

    Raises :class:`~filings.lifecycle.states.NotPossible` for a decision of ours that has no cell; anything else
    without a cell is kept, changes nothing and contradicts what is known.
    """
    cell = SHIPMENT[state].get(what)
    if cell is None:
        if what in DECISIONS:
            raise refuse("shipment", state, what, WHY_NOT[state])
        return state, Effects("unexpected", alert=CONTRADICTION)
    events = (cell.event,) if cell.event else ()
    return ShipmentState(cell.to), Effects(verdict_of(state, cell.to), events, cell.alert)
