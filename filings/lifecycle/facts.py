"""What do we know of one shipment, and what follows from it?

Rules: facts only grow. :func:`fold` adds one thing (an act of ours, or a statement of CBP) and reads the
state from *all* facts, in the order in which CBP says things happened, not in the order in which we
heard of them. So duplicates change nothing and any order of arrival ends in the same state. CBP's
times have whole minutes: inside one, the sender's running number decides (``order``), then the
natural course (on file before held before released before revoked).

A manifest-only shipment needs one declaration accepted (355) and is released by 350; an entry shipment
needs the manifest (355) and the entry (SX) accepted and is released by SO or 350. Both are the same
facts with another list of needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from filings.lifecycle.declarations import Declaration, acted, answered, decided, read_declaration
from filings.lifecycle.evidence import (
    ANSWERS,
    ANSWERS_TO,
    DECIDING,
    RANK,
    REMOVES,
    REQUEST_PAPERS,
    Act,
    Did,
    Kind,
    Statement,
    decides,
    proves_arrival,
)
from filings.lifecycle.filing import CHANGE_REFUSED, TAKEN, UNEXPECTED_ANSWER, step_filing
from filings.lifecycle.shipment import SHIPMENT, SHIPMENT_ENDS, WHY_NOT, step_shipment
from filings.lifecycle.states import (
    Effects,
    EventType,
    FilingInput,
    FilingState,
    ShipmentInput,
    ShipmentState,
    refuse,
)

__all__ = [
    "Declaration",
    "Fold",
    "Kind",
    "ShipmentFacts",
    "declared_input",
    "fold",
    "is_final",
    "released_at",
    "shipment_state",
]


@dataclass(frozen=True, slots=True)
class ShipmentFacts:
    """All we know of one shipment: our decision, its declarations, CBP's statements on the goods, its arrival."""

    needs: tuple[Kind, ...] = ("manifest",)
    base: ShipmentState = ShipmentState.STAGED
    declarations: Mapping[Kind, Declaration] = None  # type: ignore[assignment]
    statements: tuple[Statement, ...] = ()
    since: datetime | None = None
    arrived_at: datetime | None = None
    lapsed_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "declarations", dict(self.declarations or {}))

    def declaration_state(self, kind: Kind) -> str:
        """The state of one declaration as a column shows it; ``none`` before it is made."""
        known = self.declarations.get(kind)
        return known.state.value if known else "none"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "needs": list(self.needs),
            "base": self.base.value,
            "declarations": {kind: known.as_list() for kind, known in self.declarations.items()},
            "statements": [
                [s.meaning, s.source, _text(s.at), s.code, s.order, s.version, s.holder] for s in self.statements
            ],
            "since": _text(self.since),
            "arrived_at": _text(self.arrived_at),
            "lapsed_at": _text(self.lapsed_at),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> ShipmentFacts:
        """Read back what :meth:`as_dict` wrote; nothing at all is a shipment just staged."""
        if not value:
            return cls()
        return cls(
            needs=tuple(value["needs"]),
            base=ShipmentState(value["base"]),
            declarations={kind: read_declaration(*known) for kind, known in value["declarations"].items()},
            statements=tuple(
                Statement(meaning, source, datetime.fromisoformat(at), code, order, version, holder)
                for meaning, source, at, code, order, version, holder in value["statements"]
            ),
            since=_instant(value["since"]),
            arrived_at=_instant(value["arrived_at"]),
            lapsed_at=_instant(value.get("lapsed_at")),
        )


class Fold(NamedTuple):
    """The facts after one more thing, the state they show, and what follows from the change."""

    facts: ShipmentFacts
    state: ShipmentState
    effects: Effects


def shipment_state(facts: ShipmentFacts) -> ShipmentState:
    """The state that the facts show."""
    return _read(facts)[0]


def is_final(facts: ShipmentFacts) -> bool:
    """Whether nothing more is awaited: refused, cancelled, or released and arrived. CBP may still speak again."""
    state = shipment_state(facts)
    return state in SHIPMENT_ENDS and (not SHIPMENT_ENDS[state] or facts.arrived_at is not None)


def released_at(facts: ShipmentFacts) -> datetime | None:
    """When CBP last released the goods, by CBP's clock; ``None`` if it never did."""
    return max((said.at for said in facts.statements if said.meaning == "released"), default=None)


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
    state, alerts = _read(known)
    if isinstance(told, Statement):
        alert = alert or alerts.get(told, "")
    if not expected:
        return Fold(known, state, Effects("unexpected", alert=alert or UNEXPECTED_ANSWER))
    if state is before:
        return Fold(known, state, Effects("noted", alert=alert if known != facts else ""))
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


def _read(facts: ShipmentFacts) -> tuple[ShipmentState, dict[Statement, str]]:
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
    if facts.arrived_at is None and (_bill_without_entry(facts) or any(d.ending for d in facts.declarations.values())):
        return ShipmentInput.CANCELLING
    if facts.arrived_at is None and facts.lapsed_at is not None:
        return ShipmentInput.LAPSED
    manifest = facts.declarations.get("manifest")
    return ShipmentInput.DELINKED if manifest is not None and manifest.off else None


def _bill_without_entry(facts: ShipmentFacts) -> bool:
    """The entry is cancelled, and the bill that needs it still stands on the manifest."""
    bill, entry = facts.declarations.get("manifest"), facts.declarations.get("entry")
    cancelled = entry is not None and entry.state is FilingState.CANCELLED
    return cancelled and bill is not None and bill.in_force and not bill.off


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


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
