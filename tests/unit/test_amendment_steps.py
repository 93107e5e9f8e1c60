"""What must be sent for a difference, in a state: each cell of the tables, by a shipment that stands so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from filings.amendments.steps import (
    BILL,
    ENTRY,
    BillHas,
    BillWants,
    Content,
    EntryHas,
    EntryStep,
    EntryWants,
    Old,
    bill_has,
    entry_has,
    entry_wants,
    packages_differ,
    standing_of,
    step_for,
)
from filings.lifecycle import FilingState, ShipmentFacts, Statement
from mappings.entry_change import EntryStanding
from schemas.profile import load_profile
from tests import mapping_samples as kit

NOW = datetime(2025, 3, 10, 16, 0, tzinfo=UTC)
PROFILE = load_profile()
STREET = {"consignee": kit.party("Pat Sample", lines=("77 Elm Ave",))}


def content(pathway: str = "section321", **changes: Any) -> Content:
    """A shipment of the sample trip as it goes by a pathway."""
    return Content(kit.shipment(**changes), kit.decided(pathway), kit.trip())


def held(pathway: str = "section321", *, bill: BillHas = "on_file", entry: EntryHas = "none") -> Old:
    """A shipment as it stands; its entry is of the type of its pathway."""
    on_file = content(pathway)
    kind = {"none": "", "entry": "entry", "refused": "entry", "handoff": "handoff"}[entry]
    state = {
        "none": None,
        "entry": FilingState.ACCEPTED,
        "refused": FilingState.REJECTED,
        "handoff": FilingState.READY,
    }[entry]
    return Old(
        on_file if bill != "none" else None,
        bill == "off_trip",
        kind,  # type: ignore[arg-type]
        state,
        on_file if entry in ("entry", "handoff") else None,
        kit.ENTRY_NUMBER if kind == "entry" else "",
        on_file.decision.entry_type,
        EntryStanding(),
        pathway,
    )


def test_the_tables_have_every_cell() -> None:
    """Each state meets each wish; an entry of the same type is wanted only where one was sent."""
    assert set(BILL) == {(has, wants) for has in get_args(BillHas) for wants in get_args(BillWants)}
    every = {(has, wants) for has in get_args(EntryHas) for wants in get_args(EntryWants)}
    assert every - set(ENTRY) == {("none", "same"), ("handoff", "same")}


@pytest.mark.parametrize(
    ("has", "wants", "step"),
    [
        ("none", "aboard", "add"),
        ("none", "gone", ""),
        ("none", "off_trip", ""),
        ("on_file", "aboard", "replace"),
        ("on_file", "gone", "delete"),
        ("on_file", "off_trip", "delink"),
        ("off_trip", "aboard", "link"),
        ("off_trip", "gone", "delete"),
        ("off_trip", "off_trip", ""),
    ],
)
def test_what_is_said_of_a_bill(has: BillHas, wants: BillWants, step: str) -> None:
    """A bill as CBP has it, and what is to be so."""
    old = held(bill=has)
    assert bill_has(old) == has
    if wants == "aboard":
        after = content(**(STREET if has == "on_file" else {}))
        assert step_for(old, after, PROFILE, kit.FILER, NOW).bill == step
        assert step_for(old, content("review"), PROFILE, kit.FILER, NOW).bill == BILL[has, "gone"]
    else:
        made = step_for(old, None, PROFILE, kit.FILER, NOW, off="delete" if wants == "gone" else "delink")
        assert (made.bill, made.stays) == (step, False)


def test_a_bill_that_says_the_same_is_not_sent() -> None:
    """Another order number stands in no bill, another street does."""
    assert step_for(held(), content(order_id="O-77"), PROFILE, kit.FILER, NOW).bill == ""
    assert not step_for(held(), content(order_id="O-77"), PROFILE, kit.FILER, NOW).says_something
    assert step_for(held(), content(**STREET), PROFILE, kit.FILER, NOW).bill == "replace"


def test_a_link_amends_no_bill() -> None:
    """What differs beside the link is marked as left unsaid; a trip that has changed since is no such thing."""
    old = held(bill="off_trip")
    assert not step_for(old, content(), PROFILE, kit.FILER, NOW).unsaid
    assert step_for(old, content(**STREET), PROFILE, kit.FILER, NOW).unsaid
    moved = replace(content(), trip=kit.trip(equipment=[{**_trailer(), "seals": ["SEAL0077"]}]))
    assert not step_for(old, moved, PROFILE, kit.FILER, NOW).unsaid


def _trailer() -> dict[str, Any]:
    return kit.samples.trip()["equipment"][0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("before", "has", "after", "wants", "step"),
    [
        ("section321", "none", "section321", "none", EntryStep()),
        ("section321", "none", "informal", "other", EntryStep(files="entry")),
        ("section321", "none", "formal", "handoff", EntryStep(files="handoff")),
        ("informal", "entry", "section321", "none", EntryStep(cancels=True)),
        ("informal", "entry", "informal", "same", EntryStep(changes=True)),
        ("informal", "entry", "type86", "other", EntryStep(cancels=True, files="entry")),
        ("informal", "entry", "formal", "handoff", EntryStep(cancels=True, files="handoff")),
        ("informal", "refused", "section321", "none", EntryStep()),
        ("informal", "refused", "informal", "same", EntryStep(again=True)),
        ("informal", "refused", "type86", "other", EntryStep(files="entry")),
        ("informal", "refused", "formal", "handoff", EntryStep(files="handoff")),
        ("formal", "handoff", "section321", "none", EntryStep(withdraws=True)),
        ("formal", "handoff", "informal", "other", EntryStep(withdraws=True, files="entry")),
        ("formal", "handoff", "formal", "handoff", EntryStep(remakes=True)),
    ],
)
def test_what_becomes_of_an_entry(before: str, has: EntryHas, after: str, wants: EntryWants, step: EntryStep) -> None:
    """There is none, one, a refused one or a package; the pathway needs none, the same, another or a package."""
    old, new = held(before, entry=has), content(after, **STREET)
    assert (entry_has(old), entry_wants(old, new.decision)) == (has, wants)
    made = step_for(old, new, PROFILE, kit.FILER, NOW)
    assert made.entry == step
    assert (made.change is not None) == step.changes
    assert (made.cancellation is not None) == step.cancels
    assert made.anew == (before != after)


@pytest.mark.parametrize(
    ("changes", "action"),
    [({}, None), ({"packages": {**kit.samples.shipment()["packages"], "count": 9}}, "U"), (STREET, "R")],
)
def test_an_entry_is_changed_by_the_least_that_says_it(changes: dict[str, Any], action: str | None) -> None:
    """Nothing where its records are the same, an update for bills, a replacement for parties."""
    made = step_for(held("informal", entry="entry"), content("informal", **changes), PROFILE, kit.FILER, NOW)
    assert (made.change.action if made.change is not None else None) == action
    assert made.entry.changes == (action is not None)


def test_a_package_is_made_again_only_if_it_reads_otherwise() -> None:
    """The package of a formal entry holds the whole shipment: any field of it counts, and nothing else."""
    old = held("formal", entry="handoff")
    assert step_for(old, content("formal"), PROFILE, kit.FILER, NOW).entry == EntryStep()
    assert packages_differ(content("formal"), content("formal", order_id="O-77"))


@pytest.mark.parametrize(("off", "cancels"), [("delete", True), ("delink", False)])
def test_an_entry_stays_with_a_bill_that_stays_on_file(off: Any, cancels: bool) -> None:
    """Off the truck by its bill: the entry goes too. Taken off by the consist alone: both stay on file."""
    made = step_for(held("informal", entry="entry"), None, PROFILE, kit.FILER, NOW, off=off)
    assert made.entry.cancels is cancels
    assert made.says_something


def test_a_cancelled_entry_is_none() -> None:
    """After the cancellation the same type is filed under another number."""
    old = replace(held("informal", entry="entry"), state=FilingState.CANCELLED)
    assert entry_has(old) == "none"
    assert step_for(old, content("informal"), PROFILE, kit.FILER, NOW).entry == EntryStep(files="entry")


def _said(*meanings: str, source: str = "SO") -> ShipmentFacts:
    return ShipmentFacts(
        statements=tuple(
            Statement(meaning, source, datetime(2025, 3, 10, 12, at, tzinfo=UTC)) for at, meaning in enumerate(meanings)
        )
    )


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        (_said(), EntryStanding()),
        (_said("on_file"), EntryStanding(matched=True)),
        (_said("on_file", "no_match"), EntryStanding()),
        (_said("on_file", "exam"), EntryStanding(matched=True, review=True)),
        (_said("on_file", "documents_required", "admissible"), EntryStanding(matched=True)),
        (_said("on_file", "released"), EntryStanding(True, False, False, datetime(2025, 3, 10, 12, 1, tzinfo=UTC))),
        (_said("released", "release_revoked"), EntryStanding(matched=True)),
        (_said("held", source="350"), EntryStanding()),
    ],
)
def test_what_cbp_said_tells_how_an_entry_stands(facts: ShipmentFacts, standing: EntryStanding) -> None:
    """Matched, reviewed, released: by the words of its statuses, the last one counting."""
    assert standing_of(facts, None) == standing


def test_a_truck_that_is_there_is_there_for_its_entries() -> None:
    """The arrival of the trip counts as that of each of its shipments."""
    assert standing_of(_said(), NOW).arrived
