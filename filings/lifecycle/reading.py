"""Which state do the facts of a shipment show?

Rules: the state is read from *all* facts, in the order in which CBP says things happened, not in the order in which we
heard of them. So duplicates change nothing and any order of arrival ends in the same state.

A manifest-only shipment needs one declaration accepted (355) and is released by 350; an entry shipment
needs the manifest (355) and the entry (SX) accepted and is released by SO or 350. Both are the same
facts with another list of needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from filings.lifecycle.evidence import REMOVES, Statement
from filings.lifecycle.facts import ShipmentFacts
from filings.lifecycle.shipment import SHIPMENT_ENDS, step_shipment
from filings.lifecycle.states import FilingState, ShipmentInput, ShipmentState

__all__ = ["Reason", "declared_input", "is_final", "kept_for", "read", "released_at", "shipment_state"]


def shipment_state(facts: ShipmentFacts) -> ShipmentState:
    """The state that the facts show."""
    return read(facts)[0]


def is_final(facts: ShipmentFacts) -> bool:
    """Whether nothing more is awaited: refused, cancelled, or released and arrived. CBP may still speak again."""
    state = shipment_state(facts)
    return state in SHIPMENT_ENDS and (not SHIPMENT_ENDS[state] or facts.arrived_at is not None)


def released_at(facts: ShipmentFacts) -> datetime | None:
    """When CBP last released the goods, by CBP's clock; ``None`` if it never did."""
    return max((said.at for said in facts.statements if said.meaning == "released"), default=None)


def kept_for(facts: ShipmentFacts) -> frozenset[Reason]:
    """Why the goods are kept now: holds, exams and papers that CBP told of and has not ended since."""
    open_reasons: set[Reason] = set()
    for said in facts.statements:
        _through_reasons(said, open_reasons)
    return frozenset(open_reasons)


def declared_input(facts: ShipmentFacts) -> ShipmentInput | None:
    """What the declarations add up to; ``None`` while all of them still wait with us."""
    known = facts.declarations
    states = {kind: declaration.state for kind, declaration in known.items()}
    if FilingState.CANCELLED in states.values():
        return ShipmentInput.CANCELLED
    if any(d.state is FilingState.REJECTED and not d.in_force for d in known.values()):
        return ShipmentInput.DECLARATION_REJECTED
    if any(d.state is FilingState.IN_DOUBT and not d.in_force for d in known.values()):
        # CBP speaking of the goods proves that it has them.
        return ShipmentInput.FILED if facts.statements else ShipmentInput.IN_DOUBT
    if states.get("handoff") in {FilingState.READY, FilingState.HANDED_OVER}:
        return ShipmentInput.HANDED_OFF
    if all(kind in known and known[kind].in_force for kind in facts.needs):
        return ShipmentInput.ON_FILE
    gone = {FilingState.SENT, FilingState.UNDER_REVIEW}
    if facts.statements or any(d.in_force or d.state in gone for d in known.values()):
        return ShipmentInput.FILED
    return None


def read(facts: ShipmentFacts) -> tuple[ShipmentState, dict[Statement, str]]:
    """Read all facts through the table, from the beginning; also the alerts that statements raised on the way."""
    state, alerts = facts.base, {}
    declared = declared_input(facts)
    if declared is not None:
        state, _alert = _move(state, declared)
    open_reasons: set[Reason] = set()
    for said in facts.statements:
        what = _through_reasons(said, open_reasons)
        if what is None:
            continue
        state, alerts[said] = _move(state, what)
        if what in {ShipmentInput.BLOCKS_CLEARED, ShipmentInput.ADMISSIBLE} and declared is not None:
            state, _alert = _move(state, declared)  # back to what the declarations say
    last = _read_last(facts)
    if last is not None:
        state, _alert = _move(state, last)
    return state, alerts


def _read_last(facts: ShipmentFacts) -> ShipmentInput | None:
    """What counts more than all that is on file, until the truck is there: then CBP's word counts."""
    if facts.arrived_at is None and (facts.bill_without_entry or any(d.ending for d in facts.declarations.values())):
        return ShipmentInput.CANCELLING
    if facts.arrived_at is None and facts.lapsed_at is not None:
        return ShipmentInput.LAPSED
    manifest = facts.declarations.get("manifest")
    return ShipmentInput.DELINKED if manifest is not None and manifest.off else None


Reason = tuple[ShipmentInput, str, str, str]
"""Why goods are kept: what for, by whom, told by which source, under which code."""


def _through_reasons(said: Statement, reasons: set[Reason]) -> ShipmentInput | None:
    """The input a statement makes with all open reasons in mind; the strongest open one is what dispatch sees."""
    what = _INPUTS.get(said.meaning)
    if what is None or (what is ShipmentInput.BLOCKS_CLEARED and not reasons):
        return None
    if what not in _KEEPING and what not in {ShipmentInput.BLOCKS_CLEARED, ShipmentInput.ADMISSIBLE}:
        reasons.clear()
        return what
    if said.holder != "CBP":
        reasons -= {reason for reason in reasons if reason[1] == said.holder}
    elif what is ShipmentInput.ADMISSIBLE:
        reasons -= {reason for reason in reasons if reason[1] == "CBP" and reason[0] is not ShipmentInput.HELD}
    elif what is ShipmentInput.BLOCKS_CLEARED:
        _remove(said, reasons)
    if what in _KEEPING:
        reasons.add((what, said.holder, said.source, said.code))
    kept_for = {reason[0] for reason in reasons}
    return next((one for one in _KEEPING if one in kept_for), what)


_KEEPING = (ShipmentInput.EXAM, ShipmentInput.HELD, ShipmentInput.DOCUMENTS_REQUIRED)  # strongest first

_INPUTS: Mapping[str, ShipmentInput] = {
    "held": ShipmentInput.HELD,
    "hold_removed": ShipmentInput.BLOCKS_CLEARED,
    **{
        what.value: what
        for what in (
            ShipmentInput.EXAM,
            ShipmentInput.DOCUMENTS_REQUIRED,
            ShipmentInput.ADMISSIBLE,
            ShipmentInput.RELEASED,
            ShipmentInput.RELEASE_SUSPENDED,
            ShipmentInput.RELEASE_REVOKED,
            ShipmentInput.CANCELLED,
        )
    },
}


def _remove(said: Statement, reasons: set[Reason]) -> None:
    holds = {reason for reason in reasons if reason[0] is ShipmentInput.HELD and reason[1] == "CBP"}
    placed = REMOVES.get((said.source, said.code))
    ended = {hold for hold in holds if hold[2:] == (said.source, placed)} if placed is not None else holds
    if placed is not None or len(ended) == 1:
        reasons -= ended


def _move(state: ShipmentState, what: ShipmentInput) -> tuple[ShipmentState, str]:
    following, effects = step_shipment(state, what)
    return following, effects.alert
