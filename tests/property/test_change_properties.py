"""Histories of changes: each version of a declaration with its answers, told in any order and any number of times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from filings.lifecycle import Act, Did, FilingInput, FilingState
from filings.lifecycle.declarations import Declaration, acted, answered
from filings.lifecycle.filing import UNANSWERED

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
In = FilingInput
ENDED: tuple[tuple[FilingInput, ...], ...] = (
    (In.ACCEPTED,),
    (In.ACCEPTED_WITH_WARNING,),
    (In.REJECTED,),
    (In.SYNTAX_ACCEPTED, In.ACCEPTED),
    (In.UNDER_REVIEW, In.ACCEPTED),
    (In.UNDER_REVIEW, In.CHANGE_REFUSED),
    (In.SYNTAX_REJECTED,),
)
"""What CBP may say to one change, until it has said yes or no."""
CHANGE = st.tuples(st.sampled_from(["", "cancel", "delink"]), st.sampled_from(ENDED))


def queued(known: Declaration, version: int, ends: Any) -> Declaration:
    """The next version, sent."""
    known = acted(known, Did(Act.QUEUED, NOW, "entry", version, ends=ends))
    return acted(known, Did(Act.SENT, NOW, "entry", version))


def told(known: Declaration, version: int, what: FilingInput) -> Declaration:
    """After an answer to a version."""
    return answered(known, what, version)[0]


@given(st.lists(CHANGE, min_size=1, max_size=5), st.data())
def test_answers_told_again_and_late_change_nothing(changes: list[tuple[str, Any]], data: st.DataObject) -> None:
    """Whatever is repeated of what was said of this or earlier versions, in any order: it ends the same."""
    plain = crowded = Declaration(FilingState.ACCEPTED, 1, 1)
    said: list[tuple[int, FilingInput]] = [(1, In.ACCEPTED)]
    for version, (ends, answers) in enumerate(changes, start=2):
        if plain.state is FilingState.CANCELLED:
            break
        plain, crowded = queued(plain, version, ends), queued(crowded, version, ends)
        for what in answers:
            plain = told(plain, version, what)
        said += [(version, what) for what in answers]
        fresh = [(version, what) for what in data.draw(st.permutations(answers))]
        again = data.draw(st.lists(st.sampled_from(said), max_size=4))
        for of, what in data.draw(st.permutations([*fresh, *again])):
            crowded = told(crowded, of, what)
        assert crowded == plain
    assert plain.state not in UNANSWERED


@given(st.lists(CHANGE, min_size=1, max_size=6))
def test_what_is_in_force_is_what_cbp_took_last(changes: list[tuple[str, Any]]) -> None:
    """A refused change leaves the version before in force; a cancellation that is taken leaves none."""
    known, expected = Declaration(FilingState.ACCEPTED, 1, 1), 1
    for version, (ends, answers) in enumerate(changes, start=2):
        known = queued(known, version, ends)
        assert known.accepted == expected
        for what in answers:
            known = told(known, version, what)
        if answers[-1] in (In.ACCEPTED, In.ACCEPTED_WITH_WARNING):
            expected = version
        if ends == "cancel" and expected == version:
            assert (known.state, known.accepted) == (FilingState.CANCELLED, None)
            return
        assert (known.state, known.accepted) == (FilingState.ACCEPTED, expected)
