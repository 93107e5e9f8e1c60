"""Where does one declaration of a shipment stand, and what does an answer of CBP make of it?

A declaration has versions. What is known of it is the state of its newest version and which version CBP has taken
last. So an answer to an earlier version tells only what is in force, a change that CBP refuses leaves in force what was
in force before it, and duplicates and late answers end where they must.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from filings.lifecycle.evidence import Did, Ending
from filings.lifecycle.filing import TAKEN, UNANSWERED, answer_input, step_filing
from filings.lifecycle.states import Effects, FilingInput, FilingState


@dataclass(frozen=True, slots=True)
class Declaration:
    """The state of the newest version, and the version that CBP has taken last, from ``first`` on.

    ``ends``: the newest version ends the declaration. ``off``: CBP has it on file, and not on this trip any more.
    """

    state: FilingState
    version: int = 1
    accepted: int | None = None
    first: int = 1
    ends: Ending = ""
    off: bool = False

    @property
    def in_force(self) -> bool:
        """Whether CBP has accepted some version of it, and has not cancelled it since."""
        return self.accepted is not None

    @property
    def ending(self) -> bool:
        """Whether it is being cancelled or deleted, and CBP has not said yes or no."""
        return self.ends == "cancel" and self.state in UNANSWERED

    @property
    def changes(self) -> bool:
        """Whether the newest version changes what is in force, as far as CBP has not taken it."""
        return self.accepted is not None and self.accepted < self.version

    def as_list(self) -> list[str | int | bool | None]:
        """The JSON form."""
        return [self.state.value, self.version, self.accepted, self.first, self.ends, self.off]


def read_declaration(
    state: str, version: int, accepted: int | bool | None, first: int = 1, ends: Ending = "", off: bool = False
) -> Declaration:
    """Read back :meth:`Declaration.as_list`; facts of before there were changes say only that some version stands."""
    if isinstance(accepted, bool):
        accepted = (version if state == FilingState.ACCEPTED.value else first) if accepted else None
    return Declaration(FilingState(state), version, accepted, first, ends, off)


def acted(known: Declaration, did: Did) -> Declaration:
    """The declaration after an act of ours; raises ``NotPossible`` where the state forbids it."""
    if did.version < known.version:
        return known
    what = FilingInput(did.act.value)
    following, _effects = step_filing(known.state, what)
    ends = did.ends if what is FilingInput.QUEUED else known.ends
    return _settled(replace(known, state=following, version=did.version, ends=ends))


def answered(known: Declaration, what: FilingInput, version: int | None) -> tuple[Declaration, Effects]:
    """The declaration after an answer of CBP to its newest version, or to an earlier one."""
    noted = Effects("noted")
    if version is not None and version < known.first:
        return known, noted  # about what has been declared anew since
    if version is not None and version < known.version:
        # A late answer to an earlier version tells only whether something is in force.
        if what in TAKEN and known.state is not FilingState.CANCELLED:
            known = _settled(replace(known, accepted=max(known.accepted or 0, version)))
        return known, noted
    if known.ends and version is None and what in TAKEN:
        return known, noted  # once more the answer to what is being ended; it ends nothing
    return decided(known, what)


def decided(known: Declaration, what: FilingInput) -> tuple[Declaration, Effects]:
    """The declaration after CBP's word on its newest version."""
    what = answer_input(what, ends=known.ends == "cancel", changes=known.changes)
    following, effects = step_filing(known.state, what)
    if effects.verdict == "unexpected":
        return known, effects
    known = replace(known, state=following)
    if what in TAKEN and following is FilingState.ACCEPTED:
        known = replace(known, accepted=known.version, off=known.ends == "delink")
    return _settled(known), effects


def _settled(known: Declaration) -> Declaration:
    """What follows from the state: what is cancelled is not in force; what was in force before a refusal still is."""
    if known.state is FilingState.CANCELLED:
        return replace(known, accepted=None)
    if known.state is FilingState.REJECTED and known.in_force:
        return replace(known, state=FilingState.ACCEPTED)  # the version before it turns out to be in force
    return known
