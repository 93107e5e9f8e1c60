"""The CBP in the process: several filers, what is to come, orders, faults, empty books, the same bytes for one seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.border import NotPossible
from sandbox.orders import Orders
from sandbox.pending import bring_forward, pending
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp, Outage

TRIP = "TSTC2503100001"


@pytest.fixture
def box() -> Iterator[LoopbackCbp]:
    """A CBP with two filers, each with books of its own."""
    made = LoopbackCbp(filers=["ALPHA", "BETA"])
    yield made
    made.close()


def test_filers_do_not_see_each_other(box: LoopbackCbp) -> None:
    """The same trip and shipments of two filers are two manifests; orders reach the books that know the shipment."""
    for filer in ("ALPHA", "BETA"):
        box.send(manifest_309([SampleBill(f"{filer}0001", kind="35")], trip=f"TSTC{filer}001"), partner=filer)

    assert box.state("ALPHA")["shipments"] == {"ON_FILE": 1}
    assert {one.partner for one in box.arrive("TSTCBETA001")} == {"BETA"}
    assert box.shipment("TSTCBETA0001")["state"] == "RELEASED"
    assert box.shipment("TSTCALPHA0001")["state"] == "ON_FILE"
    assert [one.partner for one in box.hold("TSTCALPHA0001")] == ["ALPHA"]
    assert {item["partner"] for item in box.transcript("BETA")} == {"BETA"}


def test_questions_about_what_is_not_there_raise(box: LoopbackCbp) -> None:
    """Unknown trips, shipments and entries are KeyErrors, orders about them NotPossible."""
    for question in (box.trip, box.shipment, box.entry):
        with pytest.raises(KeyError):
            question("NOBODY")
    with pytest.raises(NotPossible):
        box.arrive("NOBODY")
    with pytest.raises(NotPossible):
        box.order("hold", "NOBODY")


def test_what_is_to_come_is_listed_in_order(box: LoopbackCbp) -> None:
    """The planned arrival, the end of a hold: each with its time, in words, with what it is about."""
    box.send(manifest_309([SampleBill("HOLD0001", kind="35")]), partner="ALPHA")
    (one,) = box.pending()
    assert (one["kind"], one["about"], one["due"]) == ("arrive", [TRIP], "2025-03-10T20:30:00+00:00")
    box.set_clock("2025-03-10T16:30:00-04:00")
    assert ("unhold", ["TSTCHOLD0001"]) in [(one["kind"], one["about"]) for one in box.pending()]
    assert all(one["says"] for one in box.pending())


def test_the_next_thing_is_said_now() -> None:
    """A push brings forward the next answer, or does the next steps until one has something to say; the clock stays."""
    box = LoopbackCbp(behaviour=Behaviour(answer_delay=60))
    before = box.now
    assert box.send(manifest_309([SampleBill("HOLD0001", kind="35")])) == []
    assert [one.kind for one in box.push()] == ["997"]
    assert [one.kind for one in box.push()] == ["355"]
    assert [one.kind for one in box.push()] == ["350"]  # the truck arrives and is held
    assert box.shipment("TSTCHOLD0001")["state"] == "HELD"
    assert [one.kind for one in box.push()] == ["350"]  # the hold is over
    assert box.shipment("TSTCHOLD0001")["state"] == "RELEASED"
    assert box.now == before
    with pytest.raises(NotPossible) as refused:
        box.push()
    assert refused.value.code == "nothing_to_come"
    box.close()


def test_a_named_thing_is_said_before_others() -> None:
    """What is named in the list of what is to come may overtake; an unknown name is refused."""
    box = LoopbackCbp(behaviour=Behaviour(answer_delay=60))
    box.send(manifest_309([SampleBill("1000001", kind="35")]))
    names = {one["kind"]: one["id"] for one in box.pending()}
    assert [one["kind"] for one in bring_forward(box.cbp, box.now, names["355"])] == ["355"]
    assert [one.kind for one in box.collect()] == ["355"]
    for name in ("", "answer-999", "bill-1", "answer-x", "answer-" + "9" * 40, names["355"]):
        if name:
            with pytest.raises(NotPossible):
                bring_forward(box.cbp, box.now, name)
    box.close()


def test_the_list_of_what_is_to_come_is_bounded() -> None:
    """Only as many as asked for; ``more`` counts the others."""
    box = LoopbackCbp(behaviour=Behaviour(answer_delay=60))
    box.send(manifest_309([SampleBill("1000001", kind="35")]))
    page = pending(box.cbp, limit=1)
    assert len(page["items"]) == 1
    assert page["more"] == len(box.pending()) - 1 > 0
    box.close()


def test_orders_stand_in_the_transcript_between_the_files(box: LoopbackCbp) -> None:
    """An order that was carried out is noted with its result, one that was refused is not; files are told apart."""
    box.send(manifest_309([SampleBill("1000001", kind="35")]), partner="ALPHA")
    box.hold("TSTC1000001")
    with pytest.raises(NotPossible):
        box.revoke("TSTC1000001")
    rows = box.cbp.store.rows("select direction, kind, name from transcript order by id")
    told = [(row["kind"], row["name"]) for row in rows if row["direction"] == "told"]
    assert told == [("hold", "TSTC1000001")]
    assert "told" not in {item["direction"] for item in box.transcript("ALPHA")}


def test_emptied_books_remember_nothing_but_never_repeat_a_number(tmp_path: Path) -> None:
    """After a reset the same shipment may be filed again, and answers and lines of the transcript go on counting."""
    box = LoopbackCbp(path=tmp_path / "books.db")
    manifest = manifest_309([SampleBill("1000001", kind="35")])
    first = box.send(manifest)
    line = box.transcript()[-1]["id"]
    Orders(box.cbp, box.clock).empty()

    assert box.state()["shipments"] == {}
    assert box.pending() == []
    assert box.transcript() == []
    second = box.send(manifest)
    assert [one.kind for one in second] == ["997", "355"]
    assert b"SHIPMENTS ACCEPTED 1" in second[1].payload
    assert {one.id for one in first}.isdisjoint(one.id for one in second)
    assert {one.name for one in first}.isdisjoint(one.name for one in second)
    assert min(item["id"] for item in box.transcript()) > line
    box.close()


def test_the_same_calls_give_the_same_bytes() -> None:
    """Nothing is random but by the seed of the faults."""

    def run(seed: int) -> list[bytes]:
        box = LoopbackCbp(seed=seed)
        box.plan_faults({"drop": 0.3, "duplicate": 0.3, "garble": 0.3})
        out = []
        for n in range(10):
            trip = f"TSTC25031000{n:02d}"
            bills = [SampleBill(f"100000{n}", kind="35")]
            out += box.send(manifest_309(bills, trip=trip, control=n + 1))
            out += box.arrive(trip)
        box.close()
        return [one.payload for one in out]

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize(
    ("plan", "kinds"),
    [
        ({"drop": 1.0}, []),
        ({"duplicate": 1.0}, ["997", "997", "355", "355"]),
        ({"delay": 1.0, "delay_seconds": 30}, []),
        ({}, ["997", "355"]),
    ],
)
def test_faults_are_felt_without_sockets(plan: dict[str, object], kinds: list[str], box: LoopbackCbp) -> None:
    """Answers are dropped, doubled or late as the plan says."""
    box.plan_faults(plan)
    assert [one.kind for one in box.send(manifest_309([SampleBill("1000001", kind="35")]))] == kinds
    late = [one.kind for one in box.advance(seconds=30)]
    assert late == (["997", "355"] if "delay" in plan else [])


def test_garbled_and_in_outage(box: LoopbackCbp) -> None:
    """A garbled answer arrives damaged; in an outage nothing is taken and nothing is said, and all of it later."""
    box.plan_faults({"garble": 1.0})
    assert not box.send(manifest_309([SampleBill("1000001", kind="35")]))[0].payload.endswith(b"~")
    box.plan_faults({"outage_from": "2025-03-10T09:00:00-04:00", "outage_until": "2025-03-10T17:00:00-04:00"})
    with pytest.raises(Outage):
        box.send(manifest_309([SampleBill("1000002", kind="35")], control=2))
    assert box.set_clock("2025-03-10T16:45:00-04:00") == []
    assert [one.kind for one in box.set_clock("2025-03-10T17:00:00-04:00")] == ["350"]


def test_cut_off_answers_and_failing_files(box: LoopbackCbp) -> None:
    """Other faults of a plan are felt too: an answer that is cut off, a system that fails over a file."""
    manifest = manifest_309([SampleBill("1000001", kind="35")])
    box.plan_faults({"system_failure": 1.0})
    assert b"SHIPMENTS ACCEPTED 1" not in box.send(manifest)[-1].payload
    assert box.state()["shipments"] == {}
    box.plan_faults({"truncate": 1.0})
    answers = box.send(manifest.replace(b"000000001", b"000000002"))
    assert not answers[-1].payload.endswith(b"~")
    assert box.state()["shipments"] == {"ON_FILE": 1}


def test_time_passes_with_stops(box: LoopbackCbp) -> None:
    """Whoever lets time pass gets each answer at its own time, not all at the end."""
    box.send(manifest_309([SampleBill("HOLD0001")]), partner="ALPHA")
    box.send(entries_se([SampleEntry("1234567", "HOLD0001")]), partner="ALPHA")
    box.let_pass(box.now.replace(hour=23))
    times = [item["at"][11:16] for item in box.transcript("ALPHA") if item["kind"] == "350"]
    assert times == ["20:30", "21:00"]
