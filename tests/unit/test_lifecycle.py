"""Every cell of the lifecycle, and the answers of CBP in every order."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from filings.deadlines import REFUSED
from filings.lifecycle import (
    CROSSING,
    DECISIONS,
    FILING,
    FILING_ENDS,
    FILING_STARTS,
    OWN_ACTS,
    REQUESTS,
    SHIPMENT,
    SHIPMENT_ENDS,
    SHIPMENT_STARTS,
    TRIP,
    TRIP_ENDS,
    TRIP_STARTS,
    WAITING,
    Act,
    Cell,
    Did,
    EventType,
    FilingInput,
    FilingState,
    NotPossible,
    ShipmentFacts,
    ShipmentInput,
    ShipmentState,
    Statement,
    TripInput,
    TripState,
    fold,
    is_final,
    leads_to,
    permitted_acts,
    permitted_trip_acts,
    reachable,
    render_markdown,
    shipment_state,
    step_filing,
    step_shipment,
    step_trip,
    trip_verdict,
)
from filings.lifecycle.filing import ACTS, RAISED_WHILE
from filings.lifecycle.filing import WHY_NOT as FILING_WHY_NOT
from filings.lifecycle.shipment import WHY_NOT as SHIPMENT_WHY_NOT
from filings.lifecycle.trip import TRIP_ACTS
from filings.lifecycle.trip import WHY_NOT as TRIP_WHY_NOT

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
S = ShipmentState


def minute(number: int) -> datetime:
    """An instant some minutes after the start."""
    return NOW + timedelta(minutes=number)


def run(facts: ShipmentFacts, *told: Did | Statement) -> ShipmentFacts:
    """Fold several things and give the facts."""
    for one in told:
        facts = fold(facts, one).facts
    return facts


def queued(*kinds: str, sent: bool = True) -> ShipmentFacts:
    """Facts of a shipment whose declarations are made, and sent."""
    facts = ShipmentFacts(needs=tuple(kinds))  # type: ignore[arg-type]
    for kind in kinds:
        facts = run(facts, Did(Act.QUEUED, NOW, kind))  # type: ignore[arg-type]
        if sent:
            facts = run(facts, Did(Act.SENT, NOW, kind))  # type: ignore[arg-type]
    return facts


def said(meaning: str, source: str, at: int, code: str = "", order: int = 0) -> Statement:
    """A statement of CBP."""
    return Statement(meaning, source, minute(at), code, order)


@pytest.mark.parametrize(
    ("table", "states", "inputs"),
    [(FILING, FilingState, FilingInput), (SHIPMENT, ShipmentState, ShipmentInput), (TRIP, TripState, TripInput)],
)
def test_every_state_has_a_row_and_every_cell_leads_into_the_table(
    table: Mapping[Any, Mapping[Any, Cell]], states: type[StrEnum], inputs: type[StrEnum]
) -> None:
    """A table knows all its states, and only them."""
    assert set(table) == set(states)
    for row in table.values():
        assert set(row) <= set(inputs)
        assert {cell.to for cell in row.values()} <= set(states)
    assert set(inputs) == {what for row in table.values() for what in row}


@pytest.mark.parametrize(
    ("table", "starts", "ends"),
    [
        (FILING, tuple(FILING_STARTS), FILING_ENDS),
        (SHIPMENT, SHIPMENT_STARTS, SHIPMENT_ENDS),
        (TRIP, TRIP_STARTS, TRIP_ENDS),
    ],
)
def test_no_state_is_unreachable_or_dead(
    table: Mapping[Any, Mapping[Any, Cell]], starts: tuple[Any, ...], ends: Collection[Any]
) -> None:
    """Every state can be reached, can be left unless it is an end on purpose, and leads to some end."""
    assert reachable(table, *starts) == set(table)
    assert leads_to(table, ends) == set(table)
    for state, row in table.items():
        leaves = any(cell.to is not state for cell in row.values())

        assert leaves or state in ends, state


def test_a_dead_state_would_be_found() -> None:
    """The check is no formality: without its ways out, a hold is a state that leads nowhere."""
    cut = {
        **SHIPMENT,
        S.HELD: {what: cell for what, cell in SHIPMENT[S.HELD].items() if cell.to is S.HELD},
    }
    assert set(SHIPMENT) - leads_to(cut, SHIPMENT_ENDS) == {S.HELD}
    walled = {state: {w: c for w, c in row.items() if c.to is not S.EXAM} for state, row in SHIPMENT.items()}
    assert set(SHIPMENT) - reachable(walled, *SHIPMENT_STARTS) == {S.EXAM}


@pytest.mark.parametrize(("state", "what"), list(itertools.product(FilingState, FilingInput)))
def test_every_filing_cell(state: FilingState, what: FilingInput) -> None:
    """Any state takes any input: it moves, notes it, refuses an act of ours, or keeps an answer as unexpected."""
    cell = FILING[state].get(what)
    if cell is None and what in OWN_ACTS:
        with pytest.raises(NotPossible) as refusal:
            step_filing(state, what)
        assert_named(refusal.value, FILING_WHY_NOT[state])
        return
    following, effects = step_filing(state, what)
    if cell is None:
        assert (following, effects.verdict, effects.alert) == (state, "unexpected", "answer_unexpected")
    else:
        assert following is cell.to
        assert effects.verdict == ("moved" if cell.to is not state else "noted")


def assert_named(refusal: NotPossible, why: tuple[str, str]) -> None:
    """A refusal gives the state's own reason and the way out."""
    (problem,) = refusal.problems
    assert problem.code == "not_possible"
    assert all(why)
    assert problem.text.endswith(why[0])
    assert problem.remedy == why[1]


@pytest.mark.parametrize(("state", "what"), list(itertools.product(ShipmentState, ShipmentInput)))
def test_every_shipment_cell(state: ShipmentState, what: ShipmentInput) -> None:
    """Any state takes any input: it moves, notes it, refuses a decision of ours, or keeps a word that contradicts."""
    cell = SHIPMENT[state].get(what)
    if cell is None and what in DECISIONS:
        with pytest.raises(NotPossible) as refusal:
            step_shipment(state, what)
        assert_named(refusal.value, SHIPMENT_WHY_NOT[state])
        return
    following, effects = step_shipment(state, what)
    if cell is None:
        assert (following, effects.verdict, effects.alert) == (state, "unexpected", "answers_contradict")
    else:
        assert following is cell.to
        assert effects.verdict == ("moved" if cell.to is not state else "noted")
        assert effects.events == ((cell.event,) if cell.event else ())


@pytest.mark.parametrize(("state", "what"), list(itertools.product(TripState, TripInput)))
def test_every_trip_cell(state: TripState, what: TripInput) -> None:
    """Facts about a trip are never refused; only what a person asks for is."""
    if what not in TRIP[state] and what in REQUESTS:
        with pytest.raises(NotPossible) as refusal:
            step_trip(state, what)
        assert_named(refusal.value, TRIP_WHY_NOT[state])
        return
    following, effects = step_trip(state, what)
    assert following is (TRIP[state][what].to if what in TRIP[state] else state)
    assert (effects.verdict == "unexpected") is (what not in TRIP[state])


def test_released_is_entered_only_by_the_word_of_cbp() -> None:
    """No input but CBP's release leads to released."""
    for state, row in SHIPMENT.items():
        for what, cell in row.items():
            if cell.to is S.RELEASED and state is not S.RELEASED:
                assert what is ShipmentInput.RELEASED


def test_received_accepted_and_released_share_no_word() -> None:
    """The three things that must not be confused have different words in every enum."""
    words = {"staged", "accepted", "on_file", "released"}
    assert {"staged", "on_file", "released"} <= {state.value for state in ShipmentState}
    assert words & {state.value for state in FilingState} == {"accepted"}
    assert "accepted" not in {state.value for state in ShipmentState}


ANSWERS = (
    FilingInput.KNOWN_BEFORE,
    FilingInput.SYNTAX_ACCEPTED,
    FilingInput.ACCEPTED,
    FilingInput.REJECTED,
    FilingInput.UNDER_REVIEW,
    FilingInput.ALREADY_ON_FILE,
    FilingInput.CANCELLED,
    FilingInput.SENT,
)


@pytest.mark.parametrize("count", range(1, len(ANSWERS) + 1))
@pytest.mark.parametrize("start", [FilingState.QUEUED, FilingState.IN_DOUBT])
def test_answers_in_any_order_end_in_the_same_filing_state(count: int, start: FilingState) -> None:
    """Duplicate, late and reordered answers to one version do not change where it ends."""
    for chosen in itertools.combinations(ANSWERS, count):
        ends = set()
        for order in itertools.permutations(chosen):
            state = start
            for what in (*order, order[0]):
                state, _ = step_filing(state, what)
            ends.add(state)

        assert len(ends) == 1, (start, chosen, ends)


def test_accepted_amendment_is_told_as_such() -> None:
    """Acceptance of a later version is an amendment, not a second acceptance."""
    assert step_filing(FilingState.SENT, FilingInput.ACCEPTED)[1].events == (EventType.FILING_ACCEPTED,)
    assert step_filing(FilingState.SENT, FilingInput.ACCEPTED, in_force=True)[1].events == (EventType.FILING_AMENDED,)


def test_contradicting_answers_raise_an_alert() -> None:
    """Acceptance and rejection of one version end in accepted, and somebody is told."""
    for first, second in itertools.permutations((FilingInput.ACCEPTED, FilingInput.REJECTED)):
        state, _ = step_filing(FilingState.SENT, first)
        state, effects = step_filing(state, second)

        assert (state, effects.alert) == (FilingState.ACCEPTED, "answers_contradict")


def test_nothing_new_is_sent_while_an_answer_is_open() -> None:
    """A filing that waits, is under review or requested takes no new version; one that is accepted or refused does."""
    for state in (*WAITING, FilingState.UNDER_REVIEW, FilingState.REQUESTED, FilingState.CANCELLED):
        assert permitted_acts(state) == ()
    for state in (FilingState.ACCEPTED, FilingState.REJECTED, FilingState.READY):
        assert {"amend", "cancel"} <= set(permitted_acts(state))


@pytest.mark.parametrize("state", FilingState)
def test_what_is_offered_is_what_the_table_takes(state: FilingState) -> None:
    """Every act offered for a filing is some input that its state takes; what waits for CBP's answer is left alone."""
    offered = permitted_acts(state)
    for act, inputs in ACTS.items():
        taken = [what for what in inputs if what in FILING[state]]
        assert (act in offered) is (bool(taken) and state not in WAITING and state not in FILING_ENDS)
        for what in taken:
            step_filing(state, what)


@pytest.mark.parametrize("state", TripState)
def test_what_is_offered_of_a_trip_is_what_the_table_takes(state: TripState) -> None:
    """A trip is put and staged as a draft; on the way its arrival may change; once it is over nothing is offered."""
    offered = permitted_trip_acts(state)
    assert {TRIP_ACTS[act] for act in offered} == REQUESTS & set(TRIP[state])
    expected = {TripState.DRAFT: ("replace", "stage", "file"), **dict.fromkeys(TRIP_ENDS, ())}
    assert offered == expected.get(state, ("change_arrival", "refile"))


def test_manifest_only_shipment() -> None:
    """Accepted by 355 is on file and tells nothing; released by 350 is released and tells it once."""
    facts = queued("manifest")
    assert shipment_state(facts) is S.FILED
    on_file = fold(facts, said("accepted", "355", 1))
    assert (on_file.state, on_file.effects.events) == (S.ON_FILE, ())
    released = fold(on_file.facts, said("released", "350", 2, "1C"))
    assert (released.state, released.effects.events) == (S.RELEASED, (EventType.SHIPMENT_RELEASED,))
    again = fold(released.facts, said("released", "350", 2, "1C"))
    assert (again.facts, again.effects.verdict, again.effects.events) == (released.facts, "noted", ())


def test_entry_shipment_needs_both_acceptances() -> None:
    """The manifest alone does not put an entry shipment on file; SX does the rest, SO releases."""
    facts = run(queued("manifest", "entry"), said("accepted", "355", 1))
    assert shipment_state(facts) is S.FILED
    facts = run(facts, said("accepted", "SX", 2))
    assert shipment_state(facts) is S.ON_FILE
    assert fold(facts, said("released", "SO", 3, "98")).state is S.RELEASED


def test_release_is_final_only_after_arrival() -> None:
    """Before arrival a release may go; after arrival a revocation is still recorded, and raised."""
    facts = run(queued("manifest", "entry"), said("released", "SO", 2))
    assert not is_final(facts)
    revoked = fold(facts, said("release_revoked", "350", 3))
    assert (revoked.state, revoked.effects.events) == (S.RELEASE_REVOKED, (EventType.SHIPMENT_RELEASE_REVOKED,))
    arrived = run(facts, Did(Act.TRIP_ARRIVED, minute(4)))
    assert is_final(arrived)
    late = fold(arrived, said("release_revoked", "350", 5))
    assert (late.state, late.effects.alert) == (S.RELEASE_REVOKED, "revoked_after_arrival")


def test_a_release_of_the_truck_side_proves_that_the_truck_is_there() -> None:
    """The truck 350 that releases is triggered by the arrival; a release by SO may come before it."""
    assert queued("manifest").arrived_at is None
    assert run(queued("manifest"), said("released", "SO", 2)).arrived_at is None
    there = run(queued("manifest"), said("released", "350", 2))
    assert there.arrived_at == minute(2)
    assert is_final(there)
    late = fold(there, said("release_revoked", "350", 5))
    assert (late.state, late.effects.alert) == (S.RELEASE_REVOKED, "revoked_after_arrival")


STORIES: list[tuple[str, tuple[str, ...], tuple[Statement, ...], ShipmentState]] = [
    (
        "hold, removed, released",
        ("manifest",),
        (
            said("accepted", "355", 1),
            said("held", "350", 2, "1H"),
            said("hold_removed", "350", 3, "1I"),
            said("released", "350", 4, "1C"),
        ),
        S.RELEASED,
    ),
    (
        "released, then revoked",
        ("manifest", "entry"),
        (
            said("accepted", "355", 1),
            said("accepted", "SX", 1),
            said("admissible", "SO", 2, "97"),
            said("released", "SO", 3, "98"),
            said("release_suspended", "SO", 4, "99"),
        ),
        S.RELEASE_SUSPENDED,
    ),
    (
        "two holds, one removed",
        ("manifest",),
        (
            said("accepted", "355", 1),
            said("held", "350", 2, "1H"),
            said("held", "350", 2, "4H"),
            said("hold_removed", "350", 3, "4I"),
        ),
        S.HELD,
    ),
    (
        "exam and documents, then admissible",
        ("manifest", "entry"),
        (
            said("accepted", "355", 1),
            said("accepted", "SX", 1),
            said("exam", "SO", 2, "03"),
            said("documents_required", "SO", 3, "96"),
            said("admissible", "SO", 4, "97"),
        ),
        S.ON_FILE,
    ),
    (
        "one minute, the sender's number decides",
        ("manifest",),
        (
            said("accepted", "355", 1),
            said("released", "350", 2, "1C", order=10),
            said("held", "350", 2, "1H", order=11),
        ),
        S.HELD,
    ),
    (
        "released in a minute that began with a hold",
        ("manifest",),
        (said("accepted", "355", 1), said("held", "350", 2, "1H"), said("released", "350", 2, "1C")),
        S.RELEASED,
    ),
    (
        "rejected, nothing else",
        ("manifest", "entry"),
        (said("accepted", "355", 1), said("rejected", "SX", 1), said("no_match", "SO", 2, "91")),
        S.REJECTED,
    ),
    (
        "cancelled stays cancelled",
        ("manifest",),
        (said("accepted", "355", 1), said("cancelled", "350", 3, "15"), said("released", "350", 2, "1C")),
        S.CANCELLED,
    ),
]


@pytest.mark.parametrize(("name", "needs", "statements", "expected"), STORIES, ids=[story[0] for story in STORIES])
def test_statements_in_any_order_end_in_the_same_state(
    name: str, needs: tuple[str, ...], statements: tuple[Statement, ...], expected: ShipmentState
) -> None:
    """Whatever the order of arrival, and each told twice, the shipment ends where CBP left it."""
    for order in itertools.permutations(statements):
        facts = run(queued(*needs), *order, *order[:2])

        assert shipment_state(facts) is expected, order


def test_late_news_tells_dispatch_nothing() -> None:
    """A hold that reaches us after the later release is kept, but no event goes out."""
    facts = run(queued("manifest"), said("accepted", "355", 1), said("released", "350", 5))
    late = fold(facts, said("held", "350", 2, "1H"))

    assert (late.state, late.effects.verdict, late.effects.events) == (S.RELEASED, "noted", ())
    assert late.facts != facts


def test_removal_that_fits_no_hold_frees_nothing() -> None:
    """With two holds open, a removal of unknown code ends neither."""
    facts = run(queued("manifest"), said("held", "350", 1, "1H"), said("held", "350", 1, "4H"))
    assert fold(facts, said("hold_removed", "350", 2, "ZZ")).state is S.HELD


def test_each_agency_lifts_only_its_own_hold() -> None:
    """What one agency lifts stays held for another, and its newest word replaces its earlier one."""
    facts = run(
        queued("manifest", "entry"),
        said("accepted", "355", 1),
        said("accepted", "SX", 1),
        Statement("held", "SO", minute(2), "02", holder="FDA"),
        said("held", "SO", 2, "53"),
        Statement("admissible", "SO", minute(3), "07", holder="FDA"),
    )
    assert shipment_state(facts) is S.HELD
    assert shipment_state(run(facts, said("hold_removed", "SO", 4, "56"))) is S.ON_FILE
    alone = run(facts, said("hold_removed", "SO", 2, "56"), Statement("exam", "SO", minute(5), "11", holder="FDA"))
    assert shipment_state(alone) is S.EXAM
    assert shipment_state(run(alone, said("admissible", "SO", 6, "97"))) is S.EXAM


def test_hold_after_release_needs_a_new_release() -> None:
    """Removing a hold placed after a release does not release again: only CBP's word does."""
    facts = run(
        queued("manifest"),
        said("accepted", "355", 1),
        said("released", "350", 2),
        said("held", "350", 3, "1H"),
        said("hold_removed", "350", 4, "1I"),
    )
    assert shipment_state(facts) is S.ON_FILE


def test_a_lifted_hold_puts_nothing_on_file() -> None:
    """Held and let go while the entry is still unanswered: filed, not on file, so the truck waits."""
    facts = run(
        queued("manifest", "entry"),
        said("accepted", "355", 1),
        said("held", "350", 2, "1H"),
        said("hold_removed", "350", 3, "1I"),
    )
    assert shipment_state(facts) is S.FILED
    assert shipment_state(run(facts, said("accepted", "SX", 4))) is S.ON_FILE


def test_doubt_is_settled_by_an_answer() -> None:
    """In doubt is shown as such, and an answer or any word on the goods ends it."""
    facts = run(queued("manifest", sent=False), Did(Act.IN_DOUBT, NOW))
    assert shipment_state(facts) is S.IN_DOUBT
    assert fold(facts, said("accepted", "355", 1)).state is S.ON_FILE
    assert fold(facts, said("held", "350", 1, "1H")).state is S.HELD


def test_waiting_to_be_sent_is_not_filed() -> None:
    """A declaration that only waits with us leaves the shipment staged."""
    assert shipment_state(queued("manifest", sent=False)) is S.STAGED


def test_handoff_is_carried_on_the_manifest_and_can_be_released() -> None:
    """A shipment handed to a broker stays so when the manifest is accepted, until CBP speaks."""
    facts = run(queued("manifest"), Did(Act.PACKAGE_READY, NOW, "handoff"), said("accepted", "355", 1))
    assert shipment_state(facts) is S.HANDED_OFF
    held = fold(facts, said("held", "350", 2, "1H"))
    assert held.state is S.HELD
    assert fold(held.facts, said("hold_removed", "350", 3, "1I")).state is S.HANDED_OFF
    assert fold(held.facts, said("released", "350", 3, "1C")).state is S.RELEASED


def test_an_answer_about_something_never_sent_moves_nothing() -> None:
    """CBP speaking of a shipment that we only staged is unexpected, kept by the caller and raised."""
    told = fold(ShipmentFacts(), said("released", "350", 1))
    assert (told.state, told.effects.verdict, told.effects.alert) == (S.STAGED, "unexpected", "answer_unexpected")
    unknown = fold(queued("manifest"), said("unknown", "350", 1, "Q9"))
    assert (unknown.state, unknown.effects.verdict) == (S.FILED, "unexpected")


def test_late_answer_to_an_earlier_version_only_says_what_is_in_force() -> None:
    """While version 2 waits, the acceptance of version 1 puts version 1 in force and no more."""
    facts = run(queued("manifest"), said("rejected", "355", 1), Did(Act.QUEUED, minute(2), version=2))
    late = fold(facts, Statement("accepted", "355", minute(3), version=1))
    assert late.facts.declaration_state("manifest") == "queued"
    assert late.facts.declarations["manifest"].in_force
    assert late.state is S.ON_FILE


def test_rejected_amendment_leaves_the_accepted_version_in_force() -> None:
    """The shipment stays on file when only its amendment was refused."""
    facts = run(queued("manifest"), said("accepted", "355", 1), Did(Act.QUEUED, minute(2), version=2))
    facts = run(facts, Did(Act.SENT, minute(2), version=2), Statement("rejected", "355", minute(3), version=2))
    assert shipment_state(facts) is S.ON_FILE
    assert facts.declaration_state("manifest") == "accepted"
    assert (facts.declarations["manifest"].accepted, facts.declarations["manifest"].version) == (1, 2)


def test_staged_again_after_rejection_keeps_what_is_in_force() -> None:
    """A corrected shipment starts again without its refused entry, but its accepted manifest bill stays."""
    facts = run(queued("manifest", "entry"), said("accepted", "355", 1), said("rejected", "SX", 1))
    facts = run(facts, Did(Act.STAGED, minute(5)))
    assert set(facts.declarations) == {"manifest"}
    facts = run(facts, Did(Act.QUEUED, minute(6), "entry"), said("released", "SO", 2))
    assert shipment_state(facts) is not S.RELEASED


@pytest.mark.parametrize("base", [Act.REFUSED, Act.REVIEW_NEEDED])
def test_what_we_refuse_or_review_is_not_filed(base: Act) -> None:
    """A refused shipment, or one a broker must decide, cannot be queued before it is staged."""
    facts = run(ShipmentFacts(), Did(base, NOW))
    with pytest.raises(NotPossible):
        fold(facts, Did(Act.QUEUED, NOW))
    assert shipment_state(run(facts, Did(Act.STAGED, NOW), Did(Act.QUEUED, NOW), Did(Act.SENT, NOW))) is S.FILED


@pytest.mark.parametrize("state", [state for state in S if not DECISIONS & set(SHIPMENT[state])])
def test_what_cbp_has_is_not_decided_again(state: ShipmentState) -> None:
    """Once CBP has a shipment, our own staging decisions are not possible any more."""
    assert state in {S.IN_DOUBT, S.FILED, S.ON_FILE, S.HANDED_OFF, S.HELD, S.EXAM, S.DOCUMENTS_REQUIRED, S.RELEASED,
                     S.RELEASE_SUSPENDED, S.RELEASE_REVOKED, S.CANCELLING, S.DELINKED}  # fmt: skip


def test_facts_survive_being_stored() -> None:
    """What is written as JSON is read back the same; nothing at all is a shipment just staged."""
    facts = run(queued("manifest", "entry"), said("held", "350", 2, "1H"), Did(Act.TRIP_ARRIVED, minute(9)))
    assert ShipmentFacts.from_dict(facts.as_dict()) == facts
    assert ShipmentFacts.from_dict({}) == ShipmentFacts.from_dict(None) == ShipmentFacts()


def test_verdict_over_a_trip() -> None:
    """One that may not cross stops the truck, one that is open makes it wait, a cancelled one is not carried."""
    assert set(CROSSING) == set(S)
    assert trip_verdict({S.ON_FILE: 3, S.RELEASED: 1, S.CANCELLED: 2}) is TripInput.GO
    assert trip_verdict({S.ON_FILE: 3, S.FILED: 1}) is TripInput.WAIT
    assert trip_verdict({S.FILED: 3, S.HELD: 1}) is TripInput.STOP
    assert trip_verdict({S.HELD: 0, S.ON_FILE: 1}) is TripInput.GO
    assert trip_verdict({}) is TripInput.WAIT


def test_trip_events_are_told_once() -> None:
    """Clear and blocked are told when they begin, not each time they are found again."""
    state, effects = step_trip(TripState.FILED, TripInput.GO)
    assert (state, effects.events) == (TripState.CLEAR, (EventType.TRIP_CLEAR,))
    assert step_trip(state, TripInput.GO)[1].events == ()


def test_page_shows_every_state_and_event() -> None:
    """The generated page names every state of every table, and runs from the command line."""
    page = render_markdown()
    for state in (*FilingState, *ShipmentState, *TripState):
        assert f"{state.value} -->" in page
    for kind in EventType:
        assert f"`{kind.value}`" in page
    root = Path(__file__).parents[2]
    written = root / "docs" / "lifecycle.md"
    assert written.read_text(encoding="utf-8") == page, "python -m filings.lifecycle --markdown > docs/lifecycle.md"
    shown = subprocess.run(
        [sys.executable, "-m", "filings.lifecycle", "--markdown"], cwd=root, capture_output=True, text=True, check=True
    )
    assert shown.stdout == page


# ------------------------------------------------------------------------------------------ what has lapsed


def on_file(*kinds: str) -> ShipmentFacts:
    """Facts of a shipment that CBP has on file."""
    source = {"manifest": "355", "entry": "SX"}
    return run(queued(*kinds), *(said("accepted", source[kind], 1) for kind in kinds))


def test_the_page_marks_the_alert_of_what_is_refused() -> None:
    """The kind is that which the watch raises, and it stands wherever a filing becomes rejected."""
    assert RAISED_WHILE == {FilingState.REJECTED: REFUSED}
    page = render_markdown().split("## A shipment")[0]
    entered = [cell for line in page.splitlines() for cell in line.split("|") if "**rejected**" in cell]
    assert len(entered) == sum(
        cell.to is FilingState.REJECTED and state is not FilingState.REJECTED
        for state, row in FILING.items()
        for cell in row.values()
    )
    assert all("(!) declaration refused" in cell for cell in entered)


def test_a_lapse_blocks_until_the_truck_is_there() -> None:
    """On file, lapsed, lawful again; and once the truck has arrived CBP's word counts, not the lapse."""
    facts = on_file("manifest")
    lapsed = run(facts, Did(Act.LAPSED, minute(2)))
    assert shipment_state(lapsed) is S.LAPSED
    assert run(lapsed, Did(Act.LAPSED, minute(3))).lapsed_at == minute(2)
    assert shipment_state(run(lapsed, Did(Act.LAPSE_LIFTED, minute(3)))) is S.ON_FILE
    assert CROSSING[S.LAPSED] is TripInput.STOP
    arrived = run(lapsed, said("arrived", "350", 4), said("released", "350", 5))
    assert shipment_state(arrived) is S.RELEASED
    assert ShipmentFacts.from_dict(lapsed.as_dict()) == lapsed


def test_what_is_declared_anew_needs_new_answers() -> None:
    """The old acceptance no longer puts it on file; only an answer to the new version counts."""
    facts = run(
        on_file("manifest"),
        Did(Act.LAPSED, minute(2)),
        Did(Act.STAGED, minute(3), needs=("manifest", "entry"), anew=("manifest", "entry")),
        Did(Act.QUEUED, minute(3), "manifest", 2),
        Did(Act.QUEUED, minute(3), "entry"),
        Did(Act.SENT, minute(4), "manifest", 2),
        Did(Act.SENT, minute(4), "entry"),
    )
    assert facts.needs == ("manifest", "entry")
    late = run(facts, Statement("accepted", "355", minute(4), version=1), Did(Act.SENT, minute(5), "manifest", 1))
    assert late == facts
    half = run(facts, Statement("accepted", "355", minute(5), version=2))
    assert shipment_state(half) is S.FILED
    assert shipment_state(run(half, said("accepted", "SX", 6))) is S.ON_FILE
    refused = run(half, said("rejected", "SX", 6))
    assert shipment_state(refused) is S.REJECTED
    assert ShipmentFacts.from_dict(facts.as_dict()) == facts


def test_a_hold_stays_and_a_release_does_not_when_it_goes_another_way() -> None:
    """What CBP said of the goods stands; what it said of the old declaration is gone."""
    held = run(on_file("manifest", "entry"), said("held", "350", 2, "1H"), Did(Act.LAPSED, minute(3)))
    assert shipment_state(held) is S.HELD
    again = Did(Act.STAGED, minute(4), needs=("manifest", "entry"), anew=("entry",))
    assert shipment_state(run(held, again, Did(Act.QUEUED, minute(4), "entry"))) is S.HELD
    released = run(on_file("manifest", "entry"), said("released", "SO", 2), Did(Act.LAPSED, minute(3)))
    assert shipment_state(released) is S.LAPSED
    anew = run(released, again, Did(Act.QUEUED, minute(4), "entry"))
    assert shipment_state(anew) is S.FILED


def test_off_the_truck_is_a_review() -> None:
    """A lapsed shipment that needs a broker is in review, whatever was on file; what is in review does not lapse."""
    facts = run(on_file("manifest"), Did(Act.LAPSED, minute(2)), Did(Act.REVIEW_NEEDED, minute(3)))
    assert (shipment_state(facts), facts.declarations) == (S.IN_REVIEW, {})
    with pytest.raises(NotPossible):
        fold(facts, Did(Act.LAPSED, minute(4)))


# ------------------------------------------------------------------------------- every state, whatever is told

CBP_SAYS = (
    "syntax_accepted syntax_rejected known_before accepted accepted_with_warning rejected try_again under_review "
    "already_on_file cancelled on_file no_match held hold_removed exam documents_required arrived admissible released "
    "release_suspended release_revoked warning info unknown"
).split()


def witnesses() -> dict[ShipmentState, ShipmentFacts]:
    """Facts that show each state."""
    filed = on_file("manifest", "entry")
    return {
        S.STAGED: ShipmentFacts(),
        S.IN_REVIEW: run(ShipmentFacts(), Did(Act.REVIEW_NEEDED, NOW)),
        S.REFUSED: run(ShipmentFacts(), Did(Act.REFUSED, NOW)),
        S.IN_DOUBT: run(queued("manifest", "entry", sent=False), Did(Act.IN_DOUBT, NOW, "entry")),
        S.FILED: queued("manifest", "entry"),
        S.REJECTED: run(queued("manifest", "entry"), said("rejected", "SX", 1)),
        S.ON_FILE: filed,
        S.HANDED_OFF: run(on_file("manifest"), Did(Act.PACKAGE_READY, NOW, "handoff")),
        S.LAPSED: run(filed, Did(Act.LAPSED, minute(2))),
        S.CANCELLING: run(filed, Did(Act.QUEUED, minute(2), "entry", 2, ends="cancel")),
        S.DELINKED: run(
            on_file("manifest"),
            Did(Act.QUEUED, minute(2), "manifest", 2, ends="delink"),
            Did(Act.SENT, minute(2), "manifest", 2),
            Statement("accepted", "355", minute(3), version=2),
        ),
        S.HELD: run(filed, said("held", "350", 2, "1H")),
        S.EXAM: run(filed, said("exam", "350", 2, "1A")),
        S.DOCUMENTS_REQUIRED: run(filed, said("documents_required", "SO", 2, "96")),
        S.RELEASED: run(filed, said("released", "350", 2, "1C")),
        S.RELEASE_SUSPENDED: run(filed, said("release_suspended", "SO", 2, "99")),
        S.RELEASE_REVOKED: run(filed, said("release_revoked", "350", 2, "4E")),
        S.CANCELLED: run(filed, said("cancelled", "350", 2, "14")),
    }


def test_every_state_has_a_witness() -> None:
    """The facts of each state show that state, so the sweeps below leave none out."""
    found = witnesses()
    assert set(found) == set(S)
    assert {state: shipment_state(facts) for state, facts in found.items()} == {state: state for state in S}


@pytest.mark.parametrize("state", ShipmentState)
def test_any_state_takes_any_act_or_refuses_it_by_name(state: ShipmentState) -> None:
    """Whatever we do to a shipment in whatever state: a state of the table follows, or a refusal with a way out."""
    before = witnesses()[state]
    for act, kind in itertools.product(Act, ("manifest", "entry", "handoff")):
        try:
            told = fold(before, Did(act, minute(3), kind))  # type: ignore[arg-type]
        except NotPossible as refusal:
            (problem,) = refusal.problems
            assert problem.text
            assert problem.remedy
            assert "Look at" not in problem.remedy
            continue
        assert told.state in SHIPMENT
        assert told.state is not S.RELEASED or state in {S.RELEASED, S.LAPSED}
        assert (told.effects.verdict == "moved") is (told.state is not state)


@pytest.mark.parametrize("state", ShipmentState)
def test_any_state_takes_any_word_of_cbp(state: ShipmentState) -> None:
    """CBP is never refused: its word moves a shipment along the table, is noted, or is kept and raised."""
    before = witnesses()[state]
    for meaning, source in itertools.product(CBP_SAYS, ("TA1", "997", "355", "SX", "X1", "350", "SO")):
        told = fold(before, said(meaning, source, 3))
        assert told.state in SHIPMENT
        if told.effects.verdict == "unexpected":
            assert told.effects.alert
        if told.state is S.RELEASED and state is not S.RELEASED:
            assert (meaning == "released") or state is S.LAPSED


@pytest.mark.parametrize("state", [S.HELD, S.EXAM, S.DOCUMENTS_REQUIRED, S.RELEASE_SUSPENDED, S.RELEASE_REVOKED])
def test_what_cbp_keeps_it_can_let_go(state: ShipmentState) -> None:
    """Held, exam, documents, suspended, revoked: each is left by CBP's release, and by CBP's cancellation."""
    facts = witnesses()[state]
    assert shipment_state(run(facts, said("released", "350", 5, "1C"))) is S.RELEASED
    assert shipment_state(run(facts, said("cancelled", "350", 5, "14"))) is S.CANCELLED


def test_a_failure_of_cbps_system_puts_the_same_declaration_back() -> None:
    """Try again is no refusal: the declaration waits to go again, and what CBP says of it then counts."""
    facts = run(queued("manifest", "entry"), said("accepted", "355", 1), said("try_again", "SX", 1))
    assert facts.declaration_state("entry") == "queued"
    assert shipment_state(facts) is S.FILED
    assert shipment_state(run(facts, Did(Act.SENT, minute(2), "entry"), said("accepted", "SX", 3))) is S.ON_FILE


def test_what_is_on_file_already_is_not_refused() -> None:
    """CBP knows the bytes, or has the declaration on file: neither is a refusal, and neither is an acceptance."""
    doubt = run(queued("manifest", sent=False), Did(Act.IN_DOUBT, NOW))
    known = run(doubt, said("known_before", "TA1", 1, "025"))
    assert (shipment_state(known), known.declaration_state("manifest")) == (S.FILED, "sent")
    told = fold(doubt, said("already_on_file", "355", 1))
    assert (told.state, told.facts.declaration_state("manifest")) == (S.FILED, "under_review")
    assert told.effects.alert == "already_on_file"
    assert shipment_state(run(told.facts, said("accepted", "355", 2))) is S.ON_FILE
