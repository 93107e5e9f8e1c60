"""Folding once for many: the same values as folding each by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filings import folding
from filings.folding import Folder, facts_of
from filings.lifecycle import Act, Did, Fold, NotPossible, ShipmentFacts, Statement, fold
from filings.store.types import to_json

NOW = datetime(2025, 3, 10, 16, tzinfo=UTC)
QUEUED, SENT = Did(Act.QUEUED, NOW, "manifest"), Did(Act.SENT, NOW, "manifest")
TAKEN = Statement("accepted", "355", NOW)


def test_equal_columns_are_one_object_and_mean_what_they_say() -> None:
    """Facts are read once for each content; nothing at all is a shipment just staged."""
    facts = fold(ShipmentFacts(), QUEUED).facts
    assert facts_of(to_json(facts.as_dict())) is facts_of(to_json(facts.as_dict()))
    assert facts_of(to_json(facts.as_dict())) == facts
    assert facts_of(None) == facts_of("{}") == ShipmentFacts()


def test_what_is_folded_once_is_what_folding_gives_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fold and every JSON form is that of the lifecycle; the work is done once for equal facts."""
    calls: list[object] = []

    def counting(facts: ShipmentFacts, told: Did | Statement) -> Fold:
        calls.append(told)
        return fold(facts, told)

    monkeypatch.setattr(folding, "fold", counting)
    folder, queued = Folder(), to_json(fold(ShipmentFacts(), QUEUED).facts.as_dict())
    for _ in range(50):
        first = folder.fold(facts_of(queued), SENT)
        second = folder.fold(first.facts, TAKEN)
        assert first == fold(facts_of(queued), SENT)
        assert second == fold(first.facts, TAKEN)
        assert folder.shown(second.facts) == second.facts.as_dict()
    assert calls == [SENT, TAKEN]


def test_other_facts_and_other_things_told_are_folded_by_themselves() -> None:
    """Nothing is given to facts that differ, nor for another instant."""
    folder = Folder()
    staged = ShipmentFacts()
    queued = folder.fold(staged, QUEUED)
    later = Did(Act.QUEUED, NOW.replace(hour=17), "entry")
    assert folder.fold(staged, later) == fold(staged, later)
    assert folder.fold(queued.facts, later) == fold(queued.facts, later)
    assert folder.fold(staged, later) != folder.fold(queued.facts, later)


def test_what_is_not_possible_is_refused_each_time() -> None:
    """A refusal is raised for every shipment, not only for the first."""
    folder, staged = Folder(), ShipmentFacts()
    for _ in range(2):
        with pytest.raises(NotPossible):
            folder.fold(staged, SENT)
