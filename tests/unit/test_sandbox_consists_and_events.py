"""What the sandbox answers to a 358 and a 353: trips changed, shipments linked, manifests finished, in-bond."""

from __future__ import annotations

import pytest

from sandbox.samples import SampleBill, manifest_309
from sandbox.testing import LoopbackCbp
from sandbox.truck import syntax, x12
from sandbox.truck.samples import TRIP_DATA, SampleLink, consist_358, events_353, finish_353
from tests.truck_kit import box, edit, remarks, segments, statuses, verdict

TRIP, OTHER = "TSTC2503100001", "TSTC2503100002"
LOT = SampleBill("B001", kind="35")
IN_BOND = SampleBill("B009", in_bond="123456782")


def state(cbp: LoopbackCbp, trip: str = TRIP) -> str:
    """State of a manifest."""
    row = cbp.cbp.store.row("select state from manifest where trip = ?", trip)
    return "" if row is None else str(row["state"])


def shipments(cbp: LoopbackCbp) -> dict[str, tuple[str, str]]:
    """State and trip of each shipment."""
    rows = cbp.cbp.store.rows("select b.*, m.trip from bill b join manifest m on m.id = b.manifest_id")
    return {row["number"]: (row["state"], row["trip"]) for row in rows}


def summary(answers: list[object]) -> str:
    """K301 of the 355."""
    return next(one for one in segments(answers, "355") if one.startswith("K3*"))  # type: ignore[arg-type]


def test_the_multi_step_pattern() -> None:
    """Shipments by 309 P, truck and driver by 358 P, the end by 353 Z: the manifest is complete and the truck comes."""
    cbp = box(arrive_at_eta=False)
    bare = edit(("~".join((*TRIP_DATA, "")), ""))
    assert remarks(cbp.send(bare(manifest_309([LOT], kind="P")))) == []
    told = remarks(cbp.send(finish_353(control=2)))
    assert told == [("NO CONVEYANCE", "M10"), ("NO PERSON IN CHARGE", "M10")]
    assert remarks(cbp.send(consist_358(kind="P", control=3))) == []
    answers = cbp.send(finish_353(control=4))
    assert remarks(answers) == []
    assert summary(answers) == "K3*SHIPMENTS REJECTED 0, SHIPMENTS ACCEPTED 1 FOR COMPLETE MANIFEST"
    assert state(cbp) == "COMPLETE"
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1C")]


def test_a_manifest_that_fell_back_is_finished_by_z() -> None:
    """A W with a bad shipment is preliminary; Z completes it without that shipment, once."""
    cbp = box()
    cbp.send(manifest_309([LOT, SampleBill("B002", kind="99")]))
    assert state(cbp) == "PRELIMINARY"
    assert remarks(cbp.send(finish_353(control=2))) == []
    assert state(cbp) == "COMPLETE"
    assert remarks(cbp.send(finish_353(control=3))) == [("MANIFEST ALREADY COMPLETE", "M10")]


def test_shipments_move_from_trip_to_trip() -> None:
    """Delinked from one trip, a shipment stays on file and is linked to another; the first truck leaves it behind."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([LOT, SampleBill("B002", kind="35")]))
    cbp.send(consist_358([SampleLink("B002", "3", reason="02")], kind="Y", reason="02", control=2))
    assert shipments(cbp)["B002"] == ("DELINKED", TRIP)
    answers = cbp.send(consist_358([SampleLink("B002"), SampleLink("B001")], trip=OTHER, control=3))
    assert remarks(answers) == [("SHIPMENT ON ANOTHER TRIP", "MBL"), ("XXXX BILL REJECTED XXXX", "MBL")]
    assert summary(answers) == "K3*SHIPMENTS REJECTED 1, SHIPMENTS ACCEPTED 1 FOR PRELIMINARY MANIFEST"
    assert shipments(cbp) == {"B001": ("ON_FILE", TRIP), "B002": ("LINKED", OTHER)}
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1C")]
    assert statuses(cbp.arrive(OTHER)) == [("B002", "1C")]


def test_a_complete_trip_changes_with_reasons_only() -> None:
    """After completion a 358 needs a reason at the header and, in M13, at every link."""
    cbp = box()
    cbp.send(manifest_309([LOT]))
    cbp.send(manifest_309([SampleBill("B002", kind="35")], kind="P", trip=OTHER, control=2))
    cbp.send(consist_358([SampleLink("B002", "3")], kind="Y", trip=OTHER, control=3))
    link = SampleLink("B002")
    assert ("AMENDMENT REASON MISSING", "M10") in remarks(cbp.send(consist_358([link], kind="Y", control=4)))
    told = remarks(cbp.send(consist_358([link], kind="Y", reason="11", control=5)))
    assert told[0] == ("AMENDMENT REASON MISSING", "MBL")
    good = SampleLink("B002", reason="11")
    assert remarks(cbp.send(consist_358([good], kind="Y", reason="11", control=6))) == []
    assert (state(cbp), shipments(cbp)["B002"]) == ("COMPLETE", ("LINKED", TRIP))


LINKS = [
    ("never filed", SampleLink("B777"), "SHIPMENT NOT ON FILE"),
    ("number too short", SampleLink("B7"), "017MISSING OR INVALID BILL"),
    ("no action in an amendment", SampleLink("B001", ""), "INVALID ACTION CODE"),
    ("on this trip already", SampleLink("B001"), "SHIPMENT ALREADY LINKED"),
]


@pytest.mark.parametrize(("link", "text"), [one[1:] for one in LINKS], ids=[one[0] for one in LINKS])
def test_bad_links_are_refused_alone(link: SampleLink, text: str) -> None:
    """The link comes back under its equipment with its remark; the other one holds."""
    cbp = box()
    cbp.send(manifest_309([LOT, SampleBill("B002", kind="35")], kind="P"))
    answers = cbp.send(consist_358([link, SampleLink("B002", "3")], kind="Y", control=2))
    assert remarks(answers)[0] == (text, "MBL")
    assert [one.split("*")[0] for one in segments(answers, "355")][4:8] == ["P4", "LX", "VID", "MBL"]
    assert shipments(cbp)["B002"][0] == "DELINKED"
    assert syntax.judge(x12.take_apart(answers[-1].payload)).accepted


def test_a_link_twice_in_a_message() -> None:
    """The second link of the same shipment is refused, and an M13 must name the bill it stands under."""
    cbp = box()
    cbp.send(manifest_309([LOT], kind="P"))
    cbp.send(consist_358([SampleLink("B001", "3")], kind="Y", control=2))
    again = consist_358([SampleLink("B001"), SampleLink("B001")], trip=OTHER, control=3)
    assert remarks(cbp.send(again))[0] == ("SHIPMENT ALREADY LINKED", "MBL")
    wrong = edit(("*A*B001**", "*A*B002**"))
    data = wrong(consist_358([SampleLink("B001", "2", reason="03")], kind="Y", trip=OTHER, reason="03", control=4))
    assert remarks(cbp.send(data))[0][0] == "XXXX BILL REJECTED XXXX"
    assert ("017MISSING OR INVALID BILL", "M13") in remarks(cbp.send(data.replace(b"000000004", b"000000005")))


def test_the_trip_of_a_358_changes_by_358_only() -> None:
    """A 309 Y may change its shipments but not its truck, port or time; with the switch off it may."""
    for stays in (True, False):
        cbp = box(trip_of_358_stays=stays)
        cbp.send(consist_358(kind="P"))
        add = SampleBill("B001", kind="35", change="A")
        assert remarks(cbp.send(manifest_309([add], kind="Y", control=2))) == []
        later = manifest_309([], kind="Y", time="1730", control=3)
        expected = [("TRIP OF A 358 CHANGES BY 358", "M10")] if stays else []
        assert remarks(cbp.send(later)) == expected
        assert remarks(cbp.send(consist_358(kind="Y", time="1730", control=4))) == []


def test_deleting_a_trip_by_358_keeps_its_shipments() -> None:
    """Type 3 of a 358 takes the trip alone; by the switch the shipments go too."""
    for keeps, expected in ((True, "DELINKED"), (False, "DELETED")):
        cbp = box(delete_by_358_keeps_bills=keeps)
        cbp.send(manifest_309([LOT]))
        assert remarks(cbp.send(consist_358(kind="3", control=2))) == []
        assert (state(cbp), shipments(cbp)["B001"][0]) == ("DELETED", expected)


def test_another_port_is_told_to_those_concerned() -> None:
    """A 358 that moves the trip to another port: 350 01 to the carrier, and to notify parties the shipment names."""
    cbp = box(notify_parties=("BRKR/BROKER",))
    named = edit(("ERIE ON**TSTC~", "ERIE ON**TSTC*BRKR~"))
    cbp.send(named(manifest_309([LOT, SampleBill("B002", kind="35")])))
    answers = cbp.send(consist_358(kind="Y", reason="03", port="0712", control=2))
    told = {one.partner: statuses([one]) for one in answers if one.kind == "350"}
    assert told == {"GATEWAY": [("B001", "01"), ("B002", "01")], "BROKER": [("B001", "01")]}
    assert all("*0712" in one for one in segments(answers, "350") if one.startswith("X4*"))
    assert [a.payload[35:50].decode().strip() for a in answers if a.partner == "BROKER"] == ["CBP-ACE-TEST"]
    assert [a.payload[54:69].decode().strip() for a in answers if a.partner == "BROKER"] == ["BRKR"]
    assert statuses(cbp.send(consist_358(kind="Y", reason="03", port="0712", time="1730", control=3))) == []


ARRIVED = "M15*1*123456782*20250311*3801**0915***********H123"
EVENTS = [
    ("unknown number", ARRIVED.replace("123456782", "999999999"), "032INVALID IN-BOND NUMBER"),
    ("no FIRMS", "M15*1*123456782*20250311*3801**0915", "157FIRMS CODE REQUIRED"),
    ("another port", ARRIVED.replace("3801", "0901"), "380INVALID INB DEST PORT CODE"),
    ("no port", ARRIVED.replace("3801", "DETR"), "033INVALID PORT"),
    ("unknown event", ARRIVED.replace("*1*", "*Q*"), "INVALID EVENT CODE"),
    ("61 is not exported", "M15*5*123456782*20250311*3801**0915", "IN-BOND IS NOT FOR EXPORT"),
    ("transfer to nobody", "M15*A*123456782*20250311*3801**0915", "NEXT CARRIER REQUIRED"),
    ("transfer to no carrier", "M15*A*123456782*20250311*3801**0915***T1", "009INVALID CARRIER CODE"),
    ("bill without issuer", "M15*2*B009*20250311*3801**0915", "017MISSING OR INVALID BILL"),
    ("bill not on file", "M15*2*B777*20250311*3801*TSTC*0915", "017MISSING OR INVALID BILL"),
    ("container not on file", "M15*3*X1*20250311*3801**0915", "032INVALID IN-BOND NUMBER"),
]


@pytest.mark.parametrize(("event", "text"), [one[1:] for one in EVENTS], ids=[one[0] for one in EVENTS])
def test_bad_in_bond_events_are_refused_alone(event: str, text: str) -> None:
    """The event comes back with its remark, under the M10 and P4 of the manifest; a good one beside it happens."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([IN_BOND, SampleBill("B010", in_bond="223456789")]))
    cbp.arrive(TRIP)
    good = ARRIVED.replace("123456782", "223456789")
    answers = cbp.send(events_353([event, good], control=2))
    assert remarks(answers)[0] == (text, "M15")
    assert segments(answers, "355")[3].startswith("M10*TSTC*J*CA**TRUCK")
    assert shipments(cbp) == {"B009": ("IN_BOND", TRIP), "B010": ("RELEASED", TRIP)}
    assert syntax.judge(x12.take_apart(answers[-1].payload)).accepted


def test_the_life_of_an_in_bond_movement() -> None:
    """Not before the truck, transferred, arrived once; then the shipment is final and the manifest closed."""
    cbp = box(arrive_at_eta=False, tell_in_bond=True)
    cbp.send(manifest_309([IN_BOND]))
    assert remarks(cbp.send(events_353([ARRIVED], control=2))) == [("CONVEYANCE NOT ARRIVED", "M15")]
    assert statuses(cbp.arrive(TRIP)) == [("B009", "1J")]
    transfer = "M15*B*B009*20250311*3801*TSTC*0915***OTHR"
    assert remarks(cbp.send(events_353([transfer], control=3))) == []
    row = cbp.cbp.store.row("select * from in_bond")
    assert row is not None
    assert row["carrier"] == "OTHR"
    answers = cbp.send(events_353([ARRIVED, ARRIVED], control=4))
    assert remarks(answers) == [("MANIFEST IS CLOSED", "M15")]  # by the first of the two
    assert statuses(answers) == [("B009", "11")]
    assert (state(cbp), shipments(cbp)["B009"][0]) == ("CLOSED", "RELEASED")


def test_export_ends_a_movement_through_the_country() -> None:
    """Type 62 arrives at its port of export, is still open, and ends with the export, named by its trailer."""
    cbp = box(arrive_at_eta=False)
    through = edit(("M12*61*123456782*3801*", "M12*62*123456782*3801*12345"))
    cbp.send(through(manifest_309([IN_BOND])))
    cbp.arrive(TRIP)
    assert remarks(cbp.send(events_353([ARRIVED], control=2))) == []
    assert shipments(cbp)["B009"][0] == "IN_BOND"
    export = "M15*7*T53012*20250312*3801**0915"
    assert remarks(cbp.send(events_353([export], control=3))) == []
    assert (state(cbp), shipments(cbp)["B009"][0]) == ("CLOSED", "RELEASED")
    assert remarks(cbp.send(events_353(["M15*5*123456782*20250312*3801**0915"], control=4))) == [
        ("MANIFEST IS CLOSED", "M15")
    ]


def test_a_movement_filed_elsewhere_is_known_by_the_switch() -> None:
    """An in-bond number that no manifest carried earns 032 unless it is named as on file; it arrives once."""
    event = ARRIVED.replace("123456782", "555555555")
    assert remarks(box().send(events_353([event]))) == [("032INVALID IN-BOND NUMBER", "M15")]
    cbp = box(in_bonds_on_file=("555555555",))
    answers = cbp.send(events_353([event]))
    assert remarks(answers) == []
    assert segments(answers, "355")[3:5] == ["M10*XGTW*J*US**TRUCK", "P4*3801*20250311"]
    assert remarks(cbp.send(events_353([event], control=2))) == [("IN-BOND ALREADY ARRIVED", "M15")]


TRIP_EVENTS = [
    ("unknown trip", "TSTC2503109999", "TSTC2503109999", ("MANIFEST NOT ON FILE", "M10")),
    ("another trip's number", TRIP, "TSTC2503109999", ("012INVALID VOYAGE/TRIP NUMBER", "M10")),
]


@pytest.mark.parametrize(("trip", "reference", "told"), [one[1:] for one in TRIP_EVENTS])
def test_z_is_about_the_trip_it_names(trip: str, reference: str, told: tuple[str, str]) -> None:
    """M1502 is the trip number of M10, and the manifest is on file."""
    cbp = box()
    cbp.send(manifest_309([LOT], kind="P"))
    event = f"M15*Z*{reference}*20250310*0901**0900"
    assert remarks(cbp.send(events_353([event], trip=trip, control=2))) == [told]
    assert state(cbp) == "PRELIMINARY"


def test_z_without_m10_finds_its_manifest() -> None:
    """M10 and P4 are optional in a 353: the trip number of the event is enough, and the answer carries both."""
    cbp = box()
    cbp.send(manifest_309([LOT], kind="P"))
    answers = cbp.send(events_353([f"M15*Z*{TRIP}*20250310*0901**0900"], control=2))
    assert remarks(answers) == []
    assert segments(answers, "355")[3].startswith(f"M10*TSTC*J*CA**TRUCK***1*P***{TRIP}")
    assert state(cbp) == "COMPLETE"


def test_the_hour_counts_from_the_completion_too() -> None:
    """Half an hour before arrival a Z is warned of, or refused by the switch."""
    for switch, told in (("warn", []), ("reject", [("LESS THAN ONE HOUR BEFORE ARRI", "M10")])):
        cbp = box("2025-03-10T16:00:00-04:00", one_hour_rule=switch)
        cbp.send(manifest_309([LOT], kind="P", time="1830"))
        cbp.advance(hours=2)
        assert remarks(cbp.send(finish_353(control=2))) == told
        assert bool(verdict(cbp).get("warnings")) is (switch == "warn")


def test_a_carrier_reports_its_truck_where_a_switch_names_the_code() -> None:
    """Without the switch the code is unknown; with it the truck is here and its shipments are decided."""
    event = f"M15*H*{TRIP}*20250310*0901**0900"
    assert remarks(box().send(events_353([event], trip=TRIP))) == [("INVALID EVENT CODE", "M15")]
    cbp = box(conveyance_arrival_event="H", conveyance_departure_event="K")
    cbp.send(manifest_309([LOT]))
    leaves = f"M15*K*{TRIP}*20250310*0901**0700"
    assert remarks(cbp.send(events_353([leaves], trip=TRIP, control=2))) == []
    answers = cbp.send(events_353([event], trip=TRIP, control=3))
    assert (remarks(answers), statuses(answers)) == ([], [("B001", "1C")])
    assert remarks(cbp.send(events_353([event], trip=TRIP, control=4))) == [("MANIFEST IS CLOSED", "M10")]
