"""A change of what CBP has on file, and its end: taken, referred to a person, granted, refused; in every order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from filings.lifecycle import (
    Act,
    Did,
    EventType,
    FilingInput,
    FilingState,
    NotPossible,
    ShipmentFacts,
    ShipmentState,
    Statement,
    TripInput,
    fold,
    shipment_state,
    trip_verdict,
)
from filings.lifecycle.declarations import Declaration, acted, answered, decided, read_declaration

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
F, In, S = FilingState, FilingInput, ShipmentState


def at(minutes: int) -> datetime:
    """Minutes after the start."""
    return NOW + timedelta(minutes=minutes)


def changing(ends: Any = "") -> Declaration:
    """Version 2, sent, of a declaration whose version 1 CBP has taken."""
    known = Declaration(F.ACCEPTED, 1, 1)
    known = acted(known, Did(Act.QUEUED, NOW, "entry", 2, ends=ends))
    return acted(known, Did(Act.SENT, NOW, "entry", 2))


def settle(known: Declaration, *whats: FilingInput) -> Declaration:
    """After these answers to the newest version."""
    for what in whats:
        known, _ = answered(known, what, known.version)
    return known


@pytest.mark.parametrize(
    ("ends", "told", "state", "accepted"),
    [
        ("", (In.ACCEPTED,), F.ACCEPTED, 2),
        ("", (In.ACCEPTED_WITH_WARNING,), F.ACCEPTED, 2),
        ("", (In.REJECTED,), F.ACCEPTED, 1),
        ("", (In.SYNTAX_REJECTED,), F.ACCEPTED, 1),
        ("", (In.UNDER_REVIEW,), F.REQUESTED, 1),
        ("", (In.REFERRED,), F.REQUESTED, 1),
        ("", (In.REFERRED, In.ACCEPTED), F.ACCEPTED, 2),
        ("", (In.REFERRED, In.CHANGE_REFUSED), F.ACCEPTED, 1),
        ("", (In.CANCELLED,), F.CANCELLED, None),
        ("cancel", (In.ACCEPTED,), F.CANCELLED, None),
        ("cancel", (In.REJECTED,), F.ACCEPTED, 1),
        ("cancel", (In.REFERRED,), F.REQUESTED, 1),
        ("cancel", (In.REFERRED, In.CANCELLED), F.CANCELLED, None),
        ("cancel", (In.REFERRED, In.CHANGE_REFUSED), F.ACCEPTED, 1),
        ("delink", (In.ACCEPTED,), F.ACCEPTED, 2),
        ("delink", (In.REJECTED,), F.ACCEPTED, 1),
    ],
)
def test_what_an_answer_makes_of_a_change(
    ends: Any, told: tuple[FilingInput, ...], state: FilingState, accepted: int | None
) -> None:
    """State and version in force after the answers, in each order and with each of them once more."""
    for order in itertools.permutations(told):
        for again in order:
            known = settle(changing(ends), *order, again)
            assert (known.state, known.accepted) == (state, accepted), order
    assert settle(changing(ends), *told).off is (ends == "delink" and accepted == 2)


def test_a_bill_that_is_tied_again_is_not_off() -> None:
    """Taken off, then tied to the trip again: the newest version that CBP took counts."""
    known = settle(changing("delink"), In.ACCEPTED)
    known = acted(known, Did(Act.QUEUED, NOW, "manifest", 3))
    assert settle(known, In.REJECTED).off
    assert not settle(known, In.ACCEPTED).off


def test_a_late_answer_is_about_what_it_answers() -> None:
    """The acceptance of version 1, come while version 2 waits, does not accept version 2, nor cancel anything."""
    for ends in ("", "cancel"):
        known, _ = answered(changing(ends), In.ACCEPTED, 1)
        assert (known.state, known.accepted) == (F.SENT, 1)
        known, _ = answered(known, In.REJECTED, 1)
        assert (known.state, known.accepted) == (F.SENT, 1)


def test_facts_of_before_there_were_changes_are_read() -> None:
    """They said only whether some version stands."""
    assert read_declaration("accepted", 2, True) == Declaration(F.ACCEPTED, 2, 2)
    assert read_declaration("sent", 2, True, 1) == Declaration(F.SENT, 2, 1)
    assert read_declaration("sent", 1, False) == Declaration(F.SENT, 1, None)


def carried(*, entry: bool = True) -> ShipmentFacts:
    """A shipment whose bill and entry CBP has on file, matched."""
    facts = ShipmentFacts(needs=("manifest", "entry") if entry else ("manifest",))
    for kind in facts.needs:
        for act in (Act.QUEUED, Act.SENT):
            facts = fold(facts, Did(act, NOW, kind)).facts
    facts = fold(facts, Statement("accepted", "355", at(1))).facts
    if entry:
        facts = fold(facts, Statement("accepted", "SX", at(1))).facts
        facts = fold(facts, Statement("on_file", "SO", at(2), "93")).facts
    return facts


def asked(facts: ShipmentFacts, kind: Any = "entry", ends: Any = "", version: int = 2) -> ShipmentFacts:
    """The next version of one declaration, sent."""
    for act in (Act.QUEUED, Act.SENT):
        facts = fold(facts, Did(act, at(5), kind, version, ends=ends if act is Act.QUEUED else "")).facts
    return facts


def so(code: str, meaning: str, minutes: int = 9) -> Statement:
    """A status of CBP about the entry."""
    return Statement(meaning, "SO", at(minutes), code)


REFERRED = Statement("under_review", "SX", at(6), "04", version=2)


@pytest.mark.parametrize(
    ("ends", "status", "state", "entry"),
    [
        ("", so("88", "info"), S.ON_FILE, ("accepted", 2)),
        ("", so("86", "info"), S.ON_FILE, ("accepted", 1)),
        ("", so("87", "info"), S.ON_FILE, ("accepted", 1)),
        ("", so("84", "documents_required"), S.ON_FILE, ("requested", 1)),
        ("", so("85", "documents_required"), S.ON_FILE, ("requested", 1)),
        ("cancel", so("23", "cancelled"), S.CANCELLING, ("cancelled", None)),
        ("cancel", so("86", "info"), S.ON_FILE, ("accepted", 1)),
        ("cancel", so("87", "info"), S.ON_FILE, ("accepted", 1)),
        ("cancel", so("84", "documents_required"), S.CANCELLING, ("requested", 1)),
    ],
)
def test_a_request_is_followed_to_its_end(
    ends: Any, status: Statement, state: ShipmentState, entry: tuple[str, int | None]
) -> None:
    """SX 04, then a status, in both orders and each told twice; papers for a request keep no goods back."""
    for order in itertools.permutations((REFERRED, status)):
        facts = asked(carried(), ends=ends)
        for told in (*order, *order):
            facts = fold(facts, told).facts
        known = facts.declarations["entry"]
        assert (known.state.value, known.accepted) == entry, order
        assert shipment_state(facts) is state, order


def test_a_cancelled_entry_whose_bill_stands_stops_the_truck() -> None:
    """Its bill without an entry would be turned back; with the bill deleted too the shipment is cancelled."""
    facts = fold(asked(carried(), ends="cancel"), so("23", "cancelled")).facts
    assert shipment_state(facts) is S.CANCELLING
    assert trip_verdict({S.CANCELLING: 1, S.ON_FILE: 9}) is TripInput.STOP
    facts = asked(facts, "manifest", "cancel")
    assert shipment_state(facts) is S.CANCELLING
    gone = fold(facts, Statement("accepted", "355", at(12), version=2))
    assert (gone.state, gone.effects.verdict) == (S.CANCELLED, "moved")
    assert trip_verdict({S.CANCELLED: 1, S.ON_FILE: 9}) is TripInput.GO


def test_a_bill_that_is_off_is_carried_by_nobody() -> None:
    """Delinked is on file and not on this truck: neither stop nor wait; tied again it is carried."""
    facts = fold(
        asked(carried(entry=False), "manifest", "delink"), Statement("accepted", "355", at(8), version=2)
    ).facts
    assert shipment_state(facts) is S.DELINKED
    assert trip_verdict({S.DELINKED: 1, S.ON_FILE: 1}) is TripInput.GO
    facts = fold(asked(facts, "manifest", version=3), Statement("accepted", "355", at(20), version=3)).facts
    assert shipment_state(facts) is S.ON_FILE


def test_a_release_stands_while_its_cancellation_is_under_review() -> None:
    """Released and there: the request takes nothing back; only its being granted does."""
    facts = fold(carried(), Did(Act.TRIP_ARRIVED, at(3))).facts
    facts = fold(facts, so("98", "released", 4)).facts
    facts = fold(asked(facts, ends="cancel"), REFERRED).facts
    assert shipment_state(facts) is S.RELEASED
    assert shipment_state(fold(facts, so("86", "info")).facts) is S.RELEASED
    granted = fold(facts, so("23", "cancelled"))
    assert granted.facts.declarations["entry"].state is F.CANCELLED


def test_our_own_initiative_of_cbp_counts_as_well() -> None:
    """CBP cancels an entry that nobody asked to cancel: it is cancelled, and the shipment is stopped before arrival."""
    facts = fold(carried(), so("23", "cancelled")).facts
    assert facts.declarations["entry"].state is F.CANCELLED
    assert shipment_state(facts) is S.CANCELLING


def test_what_cbp_has_does_not_come_off_without_a_word_to_it() -> None:
    """A shipment is taken off silently only where CBP has nothing of it."""
    with pytest.raises(NotPossible):
        fold(carried(), Did(Act.TAKEN_OFF, at(5)))
    refused = ShipmentFacts()
    for act in (Act.QUEUED, Act.SENT):
        refused = fold(refused, Did(act, NOW)).facts
    refused = fold(refused, Statement("rejected", "355", at(1))).facts
    assert fold(refused, Did(Act.TAKEN_OFF, at(5))).state is S.CANCELLED


def test_a_refused_change_is_told_as_refused() -> None:
    """A change that is refused tells so, and leaves the filing accepted; one that is taken tells of an amendment."""
    _, refused = decided(changing(), In.CHANGE_REFUSED)
    assert refused.events == (EventType.FILING_REJECTED,)
    known, _ = answered(changing(), In.ACCEPTED, 2)
    assert known.in_force
    _, ended = decided(changing("cancel"), In.ACCEPTED)
    assert ended.events == (EventType.FILING_CANCELLED,)
