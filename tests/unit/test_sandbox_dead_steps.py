"""What can no longer happen is not announced: steps whose matter is settled leave the pile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.border import NotPossible
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.testing import LoopbackCbp

TRIP = "TSTC2503100001"
HELD, EXAMINED, REVOKED, PLAIN = "HOLD0000001", "EXAM0000001", "REVOKE00001", "25031000001"


def steps(box: LoopbackCbp) -> list[str]:
    """Kinds of the steps that are announced."""
    return [one["kind"] for one in box.pending() if one["what"] == "step"]


def filed(number: str, kind: str = "W") -> LoopbackCbp:
    """A box in which a truck with one Section 321 bill is on its way."""
    box = LoopbackCbp()
    box.send(manifest_309([SampleBill(number, kind="35")], kind=kind))
    return box


def test_a_truck_that_was_told_to_arrive_is_not_awaited() -> None:
    """After the order to arrive the planned arrival is gone from the answers and from next_due."""
    box = filed(PLAIN)
    assert steps(box) == ["arrive"]
    box.arrive(TRIP)
    assert (steps(box), box.state()["next_due"]) == ([], None)
    with pytest.raises(NotPossible, match="Nothing is to come"):
        box.push()


def test_a_deleted_manifest_is_not_awaited_and_comes_again() -> None:
    """A deleted trip plans no arrival; filed anew it does, once however often it is sent."""
    box = filed(PLAIN)
    box.send(manifest_309([], kind="3", control=2))
    assert steps(box) == []
    for control in (3, 4):
        box.send(manifest_309([SampleBill(f"2503100000{control}", kind="35")], kind="P", control=control))
    assert steps(box) == ["arrive"]


def test_another_planned_time_takes_the_place_of_the_first() -> None:
    """A manifest with another estimated arrival leaves one arrival to come, the new one."""
    box = filed(PLAIN, kind="P")
    box.send(manifest_309([SampleBill("25031000002", kind="35")], kind="P", control=2, time="1745"))
    (item,) = box.pending()
    assert (item["kind"], item["due"]) == ("arrive", "2025-03-10T21:45:00+00:00")


@pytest.mark.parametrize(
    ("number", "step", "order"),
    [
        (HELD, "unhold", lambda box, scn: box.release(scn)),
        (EXAMINED, "unexam", lambda box, scn: box.release(scn)),
        (REVOKED, "revoke", lambda box, scn: box.revoke(scn)),
    ],
)
def test_what_an_officer_has_done_is_not_done_again(
    number: str, step: str, order: Callable[[LoopbackCbp, str], object]
) -> None:
    """A hold, an exam or a revocation that an order has settled before its time is not to come any more."""
    box = filed(number)
    box.arrive(TRIP)
    assert steps(box) == [step]
    order(box, f"TSTC{number}")
    assert steps(box) == []


def test_a_cancelled_entry_is_not_reminded() -> None:
    """An entry without its bill is to be reminded after 30 days; cancelled, it is not."""
    box = LoopbackCbp()
    box.send(entries_se([SampleEntry("0000001", PLAIN)]))
    assert steps(box) == ["unmatched"]
    box.send(entries_se([SampleEntry("0000001", PLAIN, action="D", reason="01")], reference="REF-000002"))
    assert steps(box) == []


def test_what_is_still_to_happen_stays() -> None:
    """Of two held shipments one is let go: the end of the other's hold is still to come, and comes."""
    box = LoopbackCbp()
    box.send(manifest_309([SampleBill(HELD, kind="35"), SampleBill("HOLD0000002", kind="35")]))
    box.arrive(TRIP)
    box.release(f"TSTC{HELD}")
    assert steps(box) == ["unhold"]
    box.advance(minutes=30)
    assert box.shipment("TSTCHOLD0000002")["state"] == "RELEASED"


def test_steps_with_nothing_to_say_are_done_and_gone() -> None:
    """The order to say the next thing does a step that has nothing to say, tells so, and does not leave it there."""
    box = LoopbackCbp()
    box.send(manifest_309([]))
    assert steps(box) == ["arrive"]
    assert box.push() == []
    assert (steps(box), box.trip(TRIP)["state"]) == ([], "CLOSED")
