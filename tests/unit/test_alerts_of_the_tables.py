"""Whatever alert the lifecycle's tables name is raised, cell by cell: one that nobody raises fails here."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from filings.alert_remedies import REMEDIES
from filings.deadlines import ANSWER
from filings.lifecycle import (
    FILING,
    OWN_ACTS,
    SHIPMENT,
    TRIP,
    Declaration,
    FilingInput,
    FilingState,
    ShipmentFacts,
    ShipmentInput,
    ShipmentState,
    Statement,
    TripState,
    fold,
    shipment_state,
)
from filings.lifecycle.evidence import KINDS, Kind
from filings.lifecycle.filing import UNEXPECTED_ANSWER
from filings.moves import RAISED_ELSEWHERE, Moves, filing_alert, move_filing
from filings.progress import Known, tell

NOW = datetime(2025, 3, 10, 12, tzinfo=UTC)
SAID = {"source": "355", "code": "007", "meaning": "rejected", "text": "SOMETHING."}


def filing(state: FilingState, kind: str = "manifest", *, version: int = 1, accepted: int | None = None) -> Any:
    """A filing's row."""
    entry = kind == "entry"
    return SimpleNamespace(
        id="filing", kind=kind, state=state.value, version=version, accepted_version=accepted, last_outcome=None,
        trip_number="TSTC2503100001", shipment_key="key" if entry else None, scn="TSTC1" if entry else None,
        entry_number="XYZ00000015" if entry else None,
    )  # fmt: skip


def raised(row: Any, what: FilingInput, **named: Any) -> list[tuple[str, str | None]]:
    """Kinds of the alerts that a move raises, each with the filing it names."""
    moves = Moves()
    move_filing(row, what, moves, NOW, SAID, **named)
    assert all(one.text.endswith(".") and "{" not in one.text for one in moves.alerts)
    return [(one.kind, one.filing_id) for one in moves.alerts]


def expected(state: FilingState, what: FilingInput) -> str:
    """The alert of a cell; what CBP says without a cell has one too, an act of ours is refused."""
    cell = FILING[state].get(what)
    if cell is None:
        return "" if what in OWN_ACTS else UNEXPECTED_ANSWER
    return "" if cell.alert in RAISED_ELSEWHERE else cell.alert


@pytest.mark.parametrize("kind", ["manifest", "entry"])
@pytest.mark.parametrize(("state", "what"), list(itertools.product(FilingState, FilingInput)))
def test_a_move_raises_what_its_cell_says(state: FilingState, what: FilingInput, kind: str) -> None:
    """One alert where the table has one, naming the filing; none where it has none."""
    accepted = 1 if state is FilingState.ACCEPTED else None
    alert = expected(state, what)
    assert raised(filing(state, kind, accepted=accepted), what) == ([(alert, "filing")] if alert else [])


def test_a_change_that_is_refused_and_then_taken_is_raised() -> None:
    """The version that CBP had refused is accepted after all: it is in force, and the pair is raised."""
    row = filing(FilingState.ACCEPTED, version=2, accepted=1)
    moves = Moves()
    move_filing(row, FilingInput.ACCEPTED, moves, NOW, SAID, once_more=True)
    assert moves.filings["filing"]["accepted_version"] == 2
    assert [one.kind for one in moves.alerts] == ["answers_contradict"]
    assert [one.type for one in moves.events] == ["filing.amended"]


def test_an_answer_is_about_what_was_said() -> None:
    """A version of which CBP heard nothing is not refused by it: the answer contradicts the one that is in force."""
    row = filing(FilingState.ACCEPTED, version=2, accepted=1)
    assert raised(row, FilingInput.REJECTED, version=1) == [("answers_contradict", "filing")]


def test_every_alert_of_the_filing_table_has_words() -> None:
    """Each kind becomes a sentence; what is raised of files is raised there."""
    kinds = {cell.alert for row in FILING.values() for cell in row.values() if cell.alert} | {UNEXPECTED_ANSWER}
    assert kinds >= RAISED_ELSEWHERE
    assert ANSWER in RAISED_ELSEWHERE
    for kind in kinds - RAISED_ELSEWHERE:
        alert = filing_alert(kind, filing(FilingState.SENT), SAID, version=2, in_force=1)
        assert "the manifest of trip TSTC2503100001" in alert.text


def facts(state: ShipmentState) -> ShipmentFacts:
    """Facts that show a state of the shipment table in which something that CBP says is raised."""
    declared = {ShipmentState.REJECTED: FilingState.REJECTED, ShipmentState.CANCELLED: FilingState.CANCELLED}[state]
    known: dict[Kind, Declaration] = {KINDS[0]: Declaration(declared)}
    made = ShipmentFacts(declarations=known)
    assert shipment_state(made) is state
    return made


CELLS = [(state, what) for state, row in SHIPMENT.items() for what, cell in row.items() if cell.alert]


@pytest.mark.parametrize(("state", "what"), CELLS)
def test_a_word_on_the_goods_raises_what_its_cell_says(state: ShipmentState, what: ShipmentInput) -> None:
    """A shipment that is told so gets the alert of the cell, and it names the shipment."""
    row = SimpleNamespace(
        key="key", shipment_id="P-1", scn="TSTC1", trip_number="TSTC2503100001", pathway="section321", entry_type=None,
        entry_number=None, state=state.value, state_since=NOW, facts={}, manifest_filing_id="filing",
        entry_filing_id=None,
    )  # fmt: skip
    moves = Moves()
    known: Any = Known(row, facts(state))  # type: ignore[arg-type]
    tell(known, Statement(what.value, "350", NOW, "1C"), moves, NOW)
    assert [one.kind for one in moves.alerts] == [SHIPMENT[state][what].alert]
    assert "TSTC1" in moves.alerts[0].text


def test_a_contradiction_is_raised_though_it_changes_nothing() -> None:
    """A bill that is on file and is refused stays as it is, and the alert is not lost with that."""
    on_file = ShipmentFacts(declarations={KINDS[0]: Declaration(FilingState.ACCEPTED, accepted=1)})
    done = fold(on_file, Statement("rejected", "355", NOW, "007"))
    assert (done.facts, done.effects.alert) == (on_file, "answers_contradict")


def test_the_alerts_of_the_trip_table_are_those_of_an_arrival() -> None:
    """They are raised where a truck arrives (`filings.progress.arrive`); another one would be raised by nobody."""
    found = {(cell.to, cell.alert) for row in TRIP.values() for cell in row.values() if cell.alert}
    assert found == {(TripState.ARRIVED, "arrived_unfiled"), (TripState.ARRIVED, "arrived_before_clear")}
    assert {alert for _to, alert in found} <= set(REMEDIES)
