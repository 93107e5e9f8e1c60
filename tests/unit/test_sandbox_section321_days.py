"""Section 321 by the day on which the truck really comes, and after the law has ended it."""

from __future__ import annotations

from sandbox.samples import SampleBill, manifest_309
from sandbox.testing import LoopbackCbp
from sandbox.truck.samples import finish_353
from tests.sandbox_kit import reasons

LIMITED = "2025-08-20T09:00:00-04:00"
FIRST, SECOND = "TSTC2508200001", "TSTC2508210001"


def box_with_two_trucks(first: str = "0500", second: str = "0500") -> LoopbackCbp:
    """Two trucks with a bill each for one consignee: planned for the 20th and the 21st of August 2025."""
    box = LoopbackCbp(LIMITED)
    for control, (trip, day, value) in enumerate(((FIRST, "20250820", first), (SECOND, "20250821", second)), 1):
        bill = SampleBill(f"{day[2:]}00001", kind="35", value=value)
        box.send(manifest_309([bill], trip=trip, day=day, control=control))
    return box


def test_a_truck_that_comes_a_day_late_counts_for_that_day() -> None:
    """500 dollars planned for the 20th come on the 21st after 500 more: the second exceeds the day's limit."""
    box = box_with_two_trucks()
    box.cbp.store.run("delete from step")
    box.set_clock("2025-08-21T17:00:00-04:00")
    box.arrive(SECOND)
    assert box.shipment("TSTC25082100001")["state"] == "RELEASED"
    box.arrive(FIRST)
    assert box.shipment("TSTC25082000001")["state"] == "WITHHELD"
    (row,) = box.cbp.store.rows("select day, sum(cents) as cents from day_value group by day")
    assert (row["day"], row["cents"]) == ("20250821", 100_000)


def test_a_truck_that_comes_on_another_day_makes_room() -> None:
    """Two bills planned for one day exceed its limit; when the truck of the first comes a day later, neither does."""
    box = LoopbackCbp(LIMITED)
    for control, trip in enumerate((FIRST, SECOND), 1):
        bill = SampleBill(f"2508200000{control}", kind="35", value="0500")
        box.send(manifest_309([bill], trip=trip, day="20250820", control=control))
    assert box.cbp.store.count("select over_limit from bill where scn = 'TSTC25082000002'") == 1
    box.cbp.store.run("delete from step")
    box.set_clock("2025-08-21T17:00:00-04:00")
    box.arrive(FIRST)
    box.set_clock("2025-08-20T18:00:00-04:00")
    box.arrive(SECOND)
    assert [box.shipment(f"TSTC2508200000{n}")["state"] for n in (1, 2)] == ["RELEASED", "RELEASED"]


def test_two_trucks_on_their_days_are_released() -> None:
    """Each on its planned day: 500 dollars a day are below the limit."""
    box = box_with_two_trucks()
    box.advance(days=2)
    states = [box.shipment(f"TSTC{day}00001")["state"] for day in ("250820", "250821")]
    assert states == ["RELEASED", "RELEASED"]


def test_before_the_limit_withholds_it_warns() -> None:
    """In March 2025 the late truck is released, and its bill is told 95."""
    box = LoopbackCbp("2025-03-10T09:00:00-04:00")
    for control, (trip, day) in enumerate((("TSTC2503100001", "20250310"), ("TSTC2503110001", "20250311")), 1):
        bill = SampleBill(f"{day[2:]}00001", kind="35", value="0500")
        box.send(manifest_309([bill], trip=trip, day=day, control=control))
    box.cbp.store.run("delete from step")
    box.set_clock("2025-03-11T17:00:00-04:00")
    box.arrive("TSTC2503110001")
    told = b"".join(answer.payload for answer in box.arrive("TSTC2503100001"))
    assert b"*95**TSTC" in told
    assert box.shipment("TSTC25031000001")["state"] == "RELEASED"


def test_a_manifest_with_section_321_bills_is_not_completed_after_their_end() -> None:
    """A 353 Z for a preliminary manifest is taken the evening before, and refused with reason from the minute on."""
    for clock, state in (("2025-08-28T21:00:00-04:00", "COMPLETE"), ("2025-08-29T00:01:00-04:00", "PRELIMINARY")):
        box = LoopbackCbp("2025-08-28T20:00:00-04:00")
        bills = [SampleBill("25082900001", kind="35"), SampleBill("25082900002")]
        box.send(manifest_309(bills, trip="TSTC2508290001", day="20250829", kind="P"))
        box.set_clock(clock)
        box.send(finish_353("TSTC2508290001", day="20250829", control=2))
        assert box.trip("TSTC2508290001")["state"] == state
    assert [(one["code"], one["reference"][:13]) for one in reasons(box)] == [("470", "CSMS 66065494")]
