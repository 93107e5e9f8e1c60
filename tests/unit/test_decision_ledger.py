"""The day ledger as a value: adding, replacing, forking, writing down."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

from mappings.day_ledger import DayLedger

MONDAY, TUESDAY = date(2025, 3, 10), date(2025, 3, 11)


def test_amounts_add_up_for_one_person_and_one_day_only() -> None:
    """Another person and another day have their own total."""
    ledger = (
        DayLedger()
        .with_added("ANA", MONDAY, "S1", "O1", Decimal(300))
        .with_added("ANA", MONDAY, "S2", "O2", Decimal("200.50"))
        .with_added("ANA", TUESDAY, "S3", "O3", Decimal(10))
        .with_added("BEN", MONDAY, "S4", "O4", Decimal(20))
    )

    assert ledger.total("ANA", MONDAY) == Decimal("500.50")
    assert ledger.total("ANA", MONDAY, without="S2") == Decimal(300)
    assert ledger.total("ANA", TUESDAY) == Decimal(10)
    assert ledger.total("CLEO", MONDAY) == 0


def test_a_shipment_added_again_replaces_itself() -> None:
    """Judging a shipment twice never counts it twice, and losing the exemption takes its amount out."""
    once = DayLedger().with_added("ANA", MONDAY, "S1", "O1", Decimal(300))

    assert once.with_added("ANA", MONDAY, "S1", "O1", Decimal(300)) == once
    assert once.with_added("ANA", MONDAY, "S1", "O1", Decimal(0)).total("ANA", MONDAY) == 0
    assert not once.has_other_lot("ANA", "O1", "S1")


def test_adding_leaves_the_earlier_ledger_as_it_was() -> None:
    """A ledger is a value: two ways on from one start do not see each other."""
    start = DayLedger().with_added("ANA", MONDAY, "S1", "O1", Decimal(300))
    left = start.with_added("ANA", MONDAY, "S2", "O2", Decimal(1))
    right = start.with_added("ANA", MONDAY, "S3", "O3", Decimal(2))

    totals = [ledger.total("ANA", MONDAY) for ledger in (start, left, right)]
    assert totals == [Decimal(300), Decimal(301), Decimal(302)]


def test_orders_are_known_even_where_nothing_was_counted() -> None:
    """A lot that went informally still makes the next parcel of its order a lot."""
    ledger = DayLedger().with_added("ANA", MONDAY, "S1", "O1", Decimal(0))

    assert ledger.has_other_lot("ANA", "O1", "S2")
    assert not ledger.has_other_lot("BEN", "O1", "S2")
    assert not ledger.has_other_lot("ANA", "O2", "S2")


def test_a_ledger_can_be_written_down_and_read_back() -> None:
    """Plain content round trips, equal ledgers are equal whatever the order of adding."""
    first = DayLedger().with_added("ANA", MONDAY, "S1", "O1", Decimal("3.10"))
    ledger = first.with_added("BEN", TUESDAY, "S2", "O1", Decimal(0))
    other = (
        DayLedger()
        .with_added("BEN", TUESDAY, "S2", "O1", Decimal(0))
        .with_added("ANA", MONDAY, "S1", "O1", Decimal("3.10"))
    )

    assert DayLedger.from_dict(ledger.as_dict()) == ledger == other
    assert hash(ledger) == hash(other)
    assert ledger != first
    assert ledger != "a ledger"


def test_one_person_with_many_small_parcels_is_counted_exactly() -> None:
    """A warehouse that is sent two thousand cents' worth in parcels keeps an exact total."""
    ledger = DayLedger()
    for number in range(2000):
        ledger = ledger.with_added("ANA", MONDAY, f"S{number}", f"O{number}", Decimal("0.01"))

    assert ledger.total("ANA", MONDAY) == Decimal("20.00")
    assert ledger.total("ANA", MONDAY, without="S7") == Decimal("19.99")
    assert DayLedger.from_dict(ledger.as_dict()).total("ANA", MONDAY) == Decimal("20.00")


def test_a_working_ledger_comes_to_the_same_and_leaves_its_beginning_alone() -> None:
    """Whoever adds in place, thousands or a few, closes with what adding one after the other comes to."""
    dice = random.Random(4)
    begun = DayLedger().with_added("ANA", MONDAY, "S1", "O1", Decimal(300))
    before = begun.as_dict()
    working, value = begun.working(), begun
    for _ in range(600):
        row = (
            dice.choice(["ANA", "BEN", "CLEO"]),
            dice.choice([MONDAY, TUESDAY]),
            f"S{dice.randrange(200)}",
            f"O{dice.randrange(80)}",
            Decimal(dice.randrange(3) * 100),
        )
        after = working.with_added(*row)
        value = value.with_added(*row)
        assert after is working
        assert after.total(row[0], row[1], without=row[2]) == value.total(row[0], row[1], without=row[2])
        assert after.has_other_lot(row[0], row[3], row[2]) == value.has_other_lot(row[0], row[3], row[2])

    assert working.closed() == value
    assert value.with_added("DAN", MONDAY, "S900", "O900", Decimal(1)) != working.closed()
    assert begun.as_dict() == before
