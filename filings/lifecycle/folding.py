"""What follows when one more thing becomes known of a shipment?

Rules: facts only grow. :func:`fold` adds one thing (an act of ours, or a statement of CBP) and the state is read anew
from all of them (:mod:`filings.lifecycle.reading`). CBP's times have whole minutes: inside one, the sender's running
number decides (``order``), then the natural course (on file before held before released before revoked).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from filings.lifecycle.declarations import Declaration, acted, answered, decided
from filings.lifecycle.evidence import (
    ANSWERS,
    ANSWERS_TO,
    DECIDING,
    RANK,
    REQUEST_PAPERS,
    Act,
    Did,
    Kind,
    Statement,
    decides,
    proves_arrival,
)
from filings.lifecycle.facts import ShipmentFacts
from filings.lifecycle.filing import CHANGE_REFUSED, TAKEN, UNEXPECTED_ANSWER, step_filing
from filings.lifecycle.reading import read, shipment_state
from filings.lifecycle.shipment import SHIPMENT, WHY_NOT, step_shipment
from filings.lifecycle.states import (
    Effects,
    EventType,
    FilingInput,
    FilingState,
    ShipmentInput,
    ShipmentState,
    refuse,
)

__all__ = ["Fold", "fold"]


class Fold(NamedTuple):
    """The facts after one more thing, the state they show, and what follows from the change."""

    facts: ShipmentFacts
    state: ShipmentState
    effects: Effects


def fold(facts: ShipmentFacts, told: Did | Statement) -> Fold:
    """Add one thing to what is known of a shipment.

    Raises :class:`~filings.lifecycle.states.NotPossible` for an act of ours that the state forbids;
    nothing that CBP says ever raises.
    """
    before = shipment_state(facts)
    alert = ""
    expected = True
    if isinstance(told, Did):
        known = _with_act(facts, before, told)
    elif told.source in ANSWERS_TO:
        known, alert, expected = _with_answer(facts, told)
    else:
        known, expected = _with_statement(facts, told)
    state, alerts = read(known)
    if isinstance(told, Statement):
        alert = alert or alerts.get(told, "")
    if not expected:
        return Fold(known, state, Effects("unexpected", alert=alert or UNEXPECTED_ANSWER))
    if state is before:
        answers = isinstance(told, Statement) and told.source in ANSWERS_TO  # a status repeats what it said before
        return Fold(known, state, Effects("noted", alert=alert if answers or known != facts else ""))
    if known.arrived_at and state in {ShipmentState.RELEASE_SUSPENDED, ShipmentState.RELEASE_REVOKED}:
        alert = "revoked_after_arrival"
    event = EVENTS.get(state)
    return Fold(known, state, Effects("moved", (event,) if event else (), alert))


EVENTS: Mapping[ShipmentState, EventType] = {
    ShipmentState(cell.to): cell.event for row in SHIPMENT.values() for cell in row.values() if cell.event is not None
}
"""What dispatch is told when a shipment enters a state."""


def _with_act(facts: ShipmentFacts, state: ShipmentState, did: Did) -> ShipmentFacts:
    if did.act is Act.TRIP_ARRIVED:
        return _arrived(facts, did.at)
    if did.act in DECIDING:
        if (facts.lapsed_at is not None or did.anew) and facts.arrived_at is None:
            return _begun_again(facts, did)  # also while CBP holds the goods
        step_shipment(state, ShipmentInput(did.act.value))
        base = ShipmentState.IN_REVIEW if did.act is Act.REVIEW_NEEDED else ShipmentState(did.act.value)
        if state in {ShipmentState.CANCELLED, ShipmentState.REJECTED}:
            # It starts again: what is in force at CBP stays, what was refused or ended does not come back.
            kept = {kind: known for kind, known in facts.declarations.items() if known.in_force}
            return replace(facts, base=base, declarations=kept, statements=(), since=did.at)
        return replace(facts, base=base)
    if did.act is Act.TAKEN_OFF:
        if state in _WITH_CBP or any(known.in_force for known in facts.declarations.values()):
            raise refuse("shipment", state, did.act, WHY_NOT[state])  # CBP must be told
        return replace(facts, base=ShipmentState.CANCELLED, lapsed_at=None)
    if did.act in {Act.LAPSED, Act.LAPSE_LIFTED}:
        if did.act is Act.LAPSE_LIFTED:
            return replace(facts, lapsed_at=None)
        if facts.base is not ShipmentState.STAGED or state is ShipmentState.CANCELLED:
            raise refuse("shipment", state, did.act, WHY_NOT[state])
        return facts if facts.lapsed_at is not None else replace(facts, lapsed_at=did.at)
    if facts.base is not ShipmentState.STAGED or (state is ShipmentState.CANCELLED and did.act is Act.QUEUED):
        raise refuse("shipment", state, did.act, WHY_NOT[state])
    known = facts.declarations.get(did.kind)
    if known is None:
        opening = Act.PACKAGE_READY if did.kind == "handoff" else Act.QUEUED
        if did.act is not opening:
            why = (f"It has no {did.kind} filing.", "File its trip.")
            raise refuse("shipment", state, did.act, why)
        begun = FilingState.QUEUED  # so every filing begins
        if did.act is not Act.QUEUED:
            begun, _effects = step_filing(begun, FilingInput(did.act.value))
        return _declared(facts, did.kind, Declaration(begun, did.version, first=did.version, ends=did.ends))
    return _declared(facts, did.kind, acted(known, did))


_WITH_CBP = frozenset(
    {
        ShipmentState.IN_DOUBT,
        ShipmentState.FILED,
        ShipmentState.ON_FILE,
        ShipmentState.CANCELLING,
        ShipmentState.DELINKED,
        ShipmentState.RELEASED,
    }
)
"""States in which CBP has something of a shipment: it cannot be taken off without a word to CBP."""

_STAYING = frozenset({"held", "hold_removed", "exam"})
"""What CBP said of the goods themselves: it stands whatever they are declared as."""


def _begun_again(facts: ShipmentFacts, did: Did) -> ShipmentFacts:
    """A lapsed shipment goes another way: what is declared anew loses its answers, holds on the goods stay."""
    statements = tuple(said for said in facts.statements if said.meaning in _STAYING)
    base = ShipmentState.IN_REVIEW if did.act is Act.REVIEW_NEEDED else ShipmentState(did.act.value)
    gone = facts.declarations.keys() if base is not ShipmentState.STAGED else did.anew
    kept = {kind: known for kind, known in facts.declarations.items() if kind not in gone}
    needs = did.needs or facts.needs
    return replace(facts, base=base, needs=needs, declarations=kept, statements=statements, lapsed_at=None)


def _with_answer(facts: ShipmentFacts, said: Statement) -> tuple[ShipmentFacts, str, bool]:
    kind = ANSWERS_TO[said.source]
    known = facts.declarations.get(kind)
    if known is None:
        return facts, "", False
    what = ANSWERS.get(said.meaning)
    if what is None:
        return facts, "", True
    changed, effects = answered(known, what, said.version)
    alert = "" if effects.alert == CHANGE_REFUSED else effects.alert  # that is raised of the filing
    return _declared(facts, kind, changed), alert, effects.verdict != "unexpected"


def _with_statement(facts: ShipmentFacts, said: Statement) -> tuple[ShipmentFacts, bool]:
    if not facts.declarations:
        return facts, False  # CBP speaks of something we never sent: the caller keeps it and raises it
    if said.meaning == "unknown":
        return facts, False
    verdict = decides(said.source, said.meaning, said.code)
    if verdict is not None and "entry" in facts.declarations:
        facts = _about_request(facts, said, verdict)
    if said.source == "SO" and said.code in REQUEST_PAPERS:
        return facts, True
    if said.meaning not in RANK or said in facts.statements:
        return facts, True
    if facts.since is not None and said.at < facts.since.replace(second=0, microsecond=0):
        return facts, True  # about an earlier filing of the same goods
    if proves_arrival(said.source, said.meaning):
        facts = _arrived(facts, said.at)
    return replace(facts, statements=tuple(sorted((*facts.statements, said), key=_place))), True


def _about_request(facts: ShipmentFacts, said: Statement, what: FilingInput) -> ShipmentFacts:
    """CBP has decided on what we asked to be changed about the entry, or has cancelled it of its own accord."""
    known = facts.declarations["entry"]
    if what is not FilingInput.CANCELLED and (
        (said.version is not None and said.version < known.version) or (what in TAKEN and known.ends == "cancel")
    ):
        return facts  # about an earlier request
    return _declared(facts, "entry", decided(known, what)[0])


def _arrived(facts: ShipmentFacts, at: datetime) -> ShipmentFacts:
    first = at if facts.arrived_at is None else min(at, facts.arrived_at)
    return replace(facts, arrived_at=first)


def _declared(facts: ShipmentFacts, kind: Kind, known: Declaration) -> ShipmentFacts:
    return replace(facts, declarations={**facts.declarations, kind: known})


def _place(said: Statement) -> tuple[datetime, int, int, str, str, str, int]:
    return said.at, said.order, RANK[said.meaning], said.source, said.holder, said.code, said.version or 0
