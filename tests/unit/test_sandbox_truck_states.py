"""The states of manifests and shipments: every cell of both tables, driven by real messages, and held to the sheet.

The expected matrices below are written down from the description of the states, not made from the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.border import NotPossible
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from sandbox.truck.samples import SampleLink, consist_358, events_353, finish_353
from sandbox.truck.states import (
    FINAL,
    FINER,
    MANIFEST_INPUTS,
    MANIFEST_STATES,
    SHIPMENT_INPUTS,
    SHIPMENT_STATES,
    as_markdown,
    manifest_cell,
    shipment_cell,
)

DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"
TRIP = "TSTC2503100001"
OTHER = "TSTC2503100002"
BILL = SampleBill("B001", kind="35")
IN_BOND = SampleBill("B009", in_bond="123456782")

AGAIN, UNKNOWN = "MANIFEST ALREADY ON FILE DO NO", "MANIFEST NOT ON FILE"
HERE, CLOSED = "MANIFEST ALREADY ARRIVED", "MANIFEST IS CLOSED"
AWAY, NO_BOND = "CONVEYANCE NOT ARRIVED", "032INVALID IN-BOND NUMBER"
NEW = dict(zip(MANIFEST_INPUTS, (
    "PRELIMINARY", "COMPLETE", UNKNOWN, UNKNOWN, "PRELIMINARY", UNKNOWN, UNKNOWN, UNKNOWN, NO_BOND, "not_found", "NONE",
), strict=True))  # fmt: skip
MANIFESTS = {
    "NONE": NEW,
    "DELETED": NEW,
    "PRELIMINARY": dict(zip(MANIFEST_INPUTS, (
        "PRELIMINARY", "COMPLETE", "PRELIMINARY", "DELETED", "PRELIMINARY", "PRELIMINARY", "DELETED", "COMPLETE", AWAY,
        "ARRIVED", "PRELIMINARY"), strict=True)),
    "COMPLETE": dict(zip(MANIFEST_INPUTS, (
        AGAIN, AGAIN, "COMPLETE", "DELETED", AGAIN, "COMPLETE", "DELETED", "MANIFEST ALREADY COMPLETE", AWAY, "ARRIVED",
        "COMPLETE"), strict=True)),
    "ARRIVED": dict(zip(MANIFEST_INPUTS, (
        HERE, HERE, HERE, HERE, HERE, HERE, HERE, HERE, "ARRIVED", "wrong_state", "CLOSED"), strict=True)),
    "CLOSED": dict(zip(MANIFEST_INPUTS, (
        CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, "wrong_state", "CLOSED"), strict=True)),
}  # fmt: skip
"""What each input does to a manifest in each state: the next state, or the refusal."""


@dataclass
class Bench:
    """A CBP whose messages are numbered."""

    box: LoopbackCbp
    number: int = 0

    def control(self) -> int:
        """The next interchange control number."""
        self.number += 1
        return self.number

    def remarks(self, payload: bytes) -> list[str]:
        """K101 values of the 355 to a message."""
        answers = self.box.send(payload)
        text = next(a.payload for a in answers if a.kind == "355").decode()
        return [s.split("*")[1] for s in text.split("~") if s.startswith("K1*")]

    def manifest(self) -> str:
        """State of the trip's manifest."""
        row = self.box.cbp.store.row("select state from manifest where trip = ?", TRIP)
        return "NONE" if row is None else str(row["state"])

    def shipment(self, scn: str = "TSTCB001") -> str:
        """State of a shipment."""
        row = self.box.cbp.store.row("select state from bill where scn = ?", scn)
        return "NONE" if row is None else str(row["state"])

    def good(self, payload: bytes) -> None:
        """Send what must be accepted."""
        assert self.remarks(payload) == []


def bench(**conduct: object) -> Bench:
    """A fresh CBP in March 2025; the truck comes when told."""
    behaviour = Behaviour(**{"arrive_at_eta": False, **conduct})  # type: ignore[arg-type]
    return Bench(LoopbackCbp("2025-03-10T09:00:00-04:00", behaviour=behaviour))


def manifest_in(state: str, **conduct: object) -> Bench:
    """A manifest in a state, with an in-bond shipment where that can be."""
    one = bench(**conduct)
    if state == "NONE":
        return one
    kind = "P" if state == "PRELIMINARY" else "W"
    one.good(manifest_309([IN_BOND], kind=kind, control=one.control()))
    if state == "DELETED":
        one.good(manifest_309([], kind="3", control=one.control()))
    if state in {"ARRIVED", "CLOSED"}:
        one.box.arrive(TRIP)
    if state == "CLOSED":
        one.good(events_353([arrival_of("123456782")], control=one.control()))
    assert one.manifest() == state
    return one


def arrival_of(number: str) -> str:
    """M15 of an in-bond arrival in Detroit."""
    return f"M15*1*{number}*20250311*3801**0915***********H123"


MESSAGES: dict[str, Callable[[int], bytes]] = {
    "309 P": lambda n: manifest_309([SampleBill("B002", kind="35")], kind="P", control=n),
    "309 W": lambda n: manifest_309([SampleBill("B002", kind="35")], kind="W", control=n),
    "309 Y": lambda n: manifest_309([SampleBill("B003", kind="35", change="A", reason="11")], kind="Y", reason="11",
                                    control=n),
    "309 3": lambda n: manifest_309([], kind="3", control=n),
    "358 P": lambda n: consist_358(kind="P", control=n),
    "358 Y": lambda n: consist_358(kind="Y", reason="03", time="1730", control=n),
    "358 3": lambda n: consist_358(kind="3", control=n),
    "353 Z": lambda n: finish_353(control=n),
    "353 in-bond": lambda n: events_353(["M15*A*123456782*20250311*3801**0915***OTHR"], control=n),
}  # fmt: skip


@pytest.mark.parametrize("said", MANIFEST_INPUTS)
@pytest.mark.parametrize("state", MANIFEST_STATES)
def test_every_cell_of_the_manifest(state: str, said: str) -> None:
    """Each input in each state leads where the description says, or is refused with its text, and so says the table."""
    one = manifest_in(state)
    expected = MANIFESTS[state][said]
    cell = manifest_cell(state, said)
    if said in MESSAGES:
        remarks = one.remarks(MESSAGES[said](one.control()))
        if expected in MANIFEST_STATES:
            assert (remarks, one.manifest()) == ([], expected)
            assert cell.permits(one.box.cbp.behaviour)
            assert cell.to == expected
        else:
            assert remarks[:1] == [expected]
            assert one.manifest() == state
            assert not cell.permits(one.box.cbp.behaviour)
            assert cell.text.startswith(expected.removeprefix("032"))
    elif said == "truck arrives":
        assert bool(cell.to) is (expected == "ARRIVED")
        if expected == "ARRIVED":
            one.box.arrive(TRIP)
            assert one.manifest() == "ARRIVED"
        else:
            with pytest.raises(NotPossible) as refused:
                one.box.arrive(TRIP)
            assert refused.value.code == expected
    else:  # the last shipment gets its final disposition, where there is one that can
        if state == "ARRIVED":
            one.good(events_353([arrival_of("123456782")], control=one.control()))
        assert one.manifest() == (state if expected == "NONE" else expected)
        assert (cell.to or state) == (state if expected == "NONE" else expected)


USED, NOT_HERE = "SHIPMENT ALREADY ON FILE", "SHIPMENT NOT ON FILE"
LINKED, OTHER_TRIP, OFF = "SHIPMENT ALREADY LINKED", "SHIPMENT ON ANOTHER TRIP", "SHIPMENT NOT ON THIS TRIP"


def row(*cells: str) -> dict[str, str]:
    """Cells by input: file, add, replace, delete, link, move, delink."""
    return dict(zip(SHIPMENT_INPUTS, cells, strict=True))


SHIPMENTS = {
    "NONE": row("ON_FILE", "ON_FILE", NOT_HERE, NOT_HERE, NOT_HERE, NOT_HERE, NOT_HERE),
    "ON_FILE": row("ON_FILE", USED, "ON_FILE", "DELETED", LINKED, "ON_FILE", "DELINKED"),
    "LINKED": row("LINKED", USED, "LINKED", "DELETED", LINKED, "LINKED", "DELINKED"),
    "ENTERED": row("ENTERED", USED, "ENTERED", "DELETED", LINKED, "ENTERED", "DELINKED"),
    "HELD": row("HELD", USED, "HELD", "DELETED", LINKED, "HELD", "DELINKED"),
    "RELEASED": row("RELEASED", USED, "RELEASED", "DELETED", LINKED, "RELEASED", "DELINKED"),
    "DELINKED": row(USED, USED, OFF, OFF, "LINKED", OFF, OFF),
    "DELETED": row(USED, USED, NOT_HERE, NOT_HERE, NOT_HERE, NOT_HERE, NOT_HERE),
    "ELSEWHERE": row(USED, USED, NOT_HERE, NOT_HERE, OTHER_TRIP, OTHER_TRIP, OTHER_TRIP),
}
"""What each input does to a shipment in each state. REFUSED comes with the arrival: then the manifest takes nothing."""


def shipment_in(state: str) -> Bench:
    """A preliminary manifest, and the shipment in a state."""
    one = bench(stop_preliminary_trucks=True)
    own = [] if state in {"NONE", "ELSEWHERE"} else [BILL]
    if state == "ENTERED":
        own = [SampleBill("B001")]
    one.good(manifest_309([SampleBill("B000", kind="35"), *own], kind="P", control=one.control()))
    match state:
        case "LINKED":
            one.good(consist_358([SampleLink("B001", "3")], kind="Y", control=one.control()))
            one.good(consist_358([SampleLink("B001")], kind="Y", control=one.control()))
        case "ENTERED":
            one.box.send(entries_se([SampleEntry("1234567", "B001")]))
        case "HELD":
            one.box.arrive(TRIP)  # it waits for its manifest
        case "RELEASED":
            one.box.cbp.release("TSTCB001", one.box.now)
        case "DELINKED":
            one.good(consist_358([SampleLink("B001", "3")], kind="Y", control=one.control()))
        case "DELETED":
            one.good(manifest_309([SampleBill("B001", change="D")], kind="Y", control=one.control()))
        case "ELSEWHERE":
            one.good(manifest_309([BILL], kind="P", trip=OTHER, control=one.control()))
    assert one.shipment() == {"ELSEWHERE": "ON_FILE"}.get(state, state)
    return one


CHANGES: dict[str, Callable[[int], bytes]] = {
    "file": lambda n: manifest_309([BILL], kind="P", control=n),
    "add": lambda n: manifest_309([SampleBill("B001", kind="35", change="A")], kind="Y", control=n),
    "replace": lambda n: manifest_309([SampleBill("B001", kind="35", change="R", quantity="2")], kind="Y", control=n),
    "delete": lambda n: manifest_309([SampleBill("B001", change="D")], kind="Y", control=n),
    "link": lambda n: consist_358([SampleLink("B001", "1")], kind="Y", control=n),
    "move": lambda n: consist_358([SampleLink("B001", "2")], kind="Y", control=n),
    "delink": lambda n: consist_358([SampleLink("B001", "3")], kind="Y", control=n),
}


@pytest.mark.parametrize("said", SHIPMENT_INPUTS)
@pytest.mark.parametrize("state", SHIPMENTS)
def test_every_cell_of_the_shipment(state: str, said: str) -> None:
    """Each input in each state leads where the description says, or is refused with its text, and so says the table."""
    one = shipment_in(state)
    expected = SHIPMENTS[state][said]
    cell = shipment_cell(state, said)
    before = one.shipment()
    remarks = one.remarks(CHANGES[said](one.control()))
    if expected in SHIPMENT_STATES:
        assert (remarks, one.shipment()) == ([], expected)
        assert (cell.permits(one.box.cbp.behaviour), cell.to) == (True, expected)
    else:
        assert remarks[:1] == [expected]
        assert one.shipment() == before
        assert not cell.permits(one.box.cbp.behaviour)
        assert cell.text == expected


def test_the_tables_are_whole() -> None:
    """Every state has a cell for every input, every refusal its reference, every finer state its place in the table."""
    for states, inputs, cell in (
        (MANIFEST_STATES, MANIFEST_INPUTS, manifest_cell),
        (SHIPMENT_STATES, SHIPMENT_INPUTS, shipment_cell),
    ):
        for state in states:
            for said in inputs:
                found = cell(state, said)
                assert found.to or (found.text and found.reference)
                assert not (found.switch or found.not_if) or found.reference
    assert set(FINER.values()) | FINAL <= set(SHIPMENT_STATES)


def test_the_documented_tables_are_the_real_ones() -> None:
    """The tables in the documentation are those the code decides by."""
    text = DOCS.read_text("utf-8")
    begin, end = "<!-- states: made from sandbox/truck/states.py -->\n", "\n<!-- /states -->"
    assert text[text.index(begin) + len(begin) : text.index(end)].strip() == as_markdown()


@pytest.mark.parametrize(
    ("switch", "first", "second", "taken"),
    [
        ({"further_w_adds_bills": True}, "W", "W", True),
        ({"further_w_adds_bills": False}, "W", "W", False),
        ({"refiled_bills": True}, "P", "again", True),
        ({"refiled_bills": False}, "P", "again", False),
        ({"further_358_p": True}, "P", "358", True),
        ({"further_358_p": False}, "P", "358", False),
    ],
)
def test_cells_that_hang_on_a_switch(switch: dict[str, object], first: str, second: str, taken: bool) -> None:
    """A further W, bills filed again on a preliminary manifest, a further 358 P: as the switch says."""
    one = bench(**switch)
    one.good(manifest_309([BILL], kind=first, control=one.control()))
    n = one.control()
    payload = {
        "W": manifest_309([SampleBill("B002", kind="35")], control=n),
        "again": manifest_309([BILL, SampleBill("B002", kind="35")], control=n),
        "358": consist_358(kind="P", control=n),
    }[second]
    assert (one.remarks(payload) == []) is taken
    if second == "W" and taken:  # even so a W that repeats a bill on file is refused
        assert one.remarks(manifest_309([BILL], control=one.control()))[0] == AGAIN


def test_a_number_is_free_again_after_three_years() -> None:
    """A shipment control number is refused for three years of the sandbox's clock, then it is new."""
    one = bench()
    one.good(manifest_309([BILL], control=one.control()))
    one.box.arrive(TRIP)
    one.box.set_clock("2028-03-09T09:00:00-05:00")
    late = {"trip": "TSTC2803090001", "day": "20280309"}
    old = SampleBill("B001")
    assert USED in one.remarks(manifest_309([old], control=one.control(), **late))  # type: ignore[arg-type]
    one.box.set_clock("2028-03-10T09:01:00-04:00")
    late = {"trip": "TSTC2803100001", "day": "20280310"}
    assert one.remarks(manifest_309([old], control=one.control(), **late)) == []  # type: ignore[arg-type]
    assert one.shipment() == "ON_FILE"


def test_a_trip_number_is_free_after_its_deletion() -> None:
    """A deleted trip is filed anew under its number, as if there had been none."""
    one = manifest_in("DELETED")
    one.good(manifest_309([SampleBill("B004", kind="35")], kind="P", control=one.control()))
    stored = one.box.cbp.store.row("select * from manifest where trip = ?", TRIP)
    assert stored is not None
    assert (stored["state"], stored["created_by"], stored["arrived_at"]) == ("PRELIMINARY", "309", None)
