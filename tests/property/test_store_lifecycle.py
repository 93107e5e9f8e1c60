"""The fold over evidence under arbitrary histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from filings.lifecycle import (
    SHIPMENT,
    Act,
    Did,
    NotPossible,
    ShipmentFacts,
    ShipmentState,
    Statement,
    fold,
    shipment_state,
)

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
GOODS = st.builds(
    Statement,
    meaning=st.sampled_from(
        "held hold_removed exam documents_required admissible arrived released release_suspended release_revoked "
        "on_file no_match under_review cancelled info unknown".split()
    ),
    source=st.sampled_from(["350", "SO"]),
    at=st.integers(0, 6).map(lambda n: NOW + timedelta(minutes=n)),
    code=st.sampled_from(["1H", "1I", "4H", "4I", "51", "54", "zz"]),
    order=st.integers(0, 3),
    version=st.none(),
    holder=st.sampled_from(["CBP", "FDA"]),
)
ANSWERS = st.builds(
    Statement,
    meaning=st.sampled_from("syntax_accepted accepted accepted_with_warning rejected under_review cancelled".split()),
    source=st.sampled_from(["355", "SX"]),
    at=st.just(NOW),
)
ACTS = st.builds(
    Did,
    act=st.sampled_from(Act),
    at=st.just(NOW),
    kind=st.sampled_from(["manifest", "entry", "handoff"]),
    version=st.integers(1, 2),
)


def sent() -> ShipmentFacts:
    """A shipment with both declarations out."""
    facts = ShipmentFacts(needs=("manifest", "entry"))
    for kind in ("manifest", "entry"):
        for act in (Act.QUEUED, Act.SENT):
            facts = fold(facts, Did(act, NOW, kind)).facts  # type: ignore[arg-type]
    return facts


@given(st.lists(GOODS | ANSWERS, max_size=8), st.data())
def test_any_order_of_arrival_ends_in_the_same_facts_and_state(told: list[Statement], data: st.DataObject) -> None:
    """Shuffled and doubled, the same statements end in the same state of the shipment."""
    ends = []
    for order in (told, data.draw(st.permutations(told + told[:3]))):
        facts = sent()
        for one in order:
            facts = fold(facts, one).facts
        ends.append((shipment_state(facts), facts.statements, facts.declarations, facts.arrived_at))
    assert ends[0] == ends[1]


@given(st.lists(GOODS | ANSWERS | ACTS, max_size=12))
def test_any_history_is_told_or_refused_and_released_needs_cbp(history: list[Statement | Did]) -> None:
    """Acts are done or refused whole; facts survive storing; no release without CBP's word; events match the state."""
    facts = ShipmentFacts(needs=("manifest",))
    released = False
    for one in history:
        before = facts
        try:
            told = fold(facts, one)
        except NotPossible:
            assert isinstance(one, Did)
            assert facts == before
            continue
        facts = told.facts
        released = released or (isinstance(one, Statement) and one.meaning == "released")
        assert told.state is shipment_state(facts)
        assert (told.effects.verdict == "moved") is (told.state is not shipment_state(before))
        assert told.effects.verdict == "moved" or told.effects.events == ()
        assert released or told.state is not ShipmentState.RELEASED
        assert ShipmentFacts.from_dict(facts.as_dict()) == facts
        assert told.state in SHIPMENT
