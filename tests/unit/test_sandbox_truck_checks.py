"""How strict the sandbox is with a 309: trip, truck, persons, equipment, goods, in-bond, Section 321."""

from __future__ import annotations

import pytest

from sandbox.samples import SampleBill, manifest_309
from sandbox.settings import Behaviour, SettingsError, load_settings
from sandbox.truck.behaviour import CHOICES
from sandbox.truck.remarks import Remark
from sandbox.truck.samples import SampleLink, consist_358, events_353
from tests.truck_kit import box, edit, remarks, segments, verdict

PAPS = SampleBill("25031000001")
LOT = SampleBill("25031000001", kind="35")
BOND = SampleBill("25031000001", in_bond="123456782")
VIN = "1M8GDM9AXKP042788"
PLATE = "*******AB1234*ON*******CA"

TRIP = [
    ("unknown carrier", [("M10*TSTC*", "M10*OTHR*")], "009INVALID CARRIER CODE", {"carriers": ("TSTC",)}),
    ("no carrier code", [("M10*TSTC*", "M10*T1*")], "009INVALID CARRIER CODE", {}),
    ("by sea", [("*J*CA**TRUCK", "*M*CA**TRUCK")], "010INVALID MODE OF TRANSPORT", {}),
    ("no country", [("*J*CA**TRUCK", "*J*QQ**TRUCK")], "011INVALID COUNTRY", {}),
    ("another's trip number", [("***TSTC2503100001*00", "***OTHR2503100001*00")], "012INVALID VOYAGE/TRIP NUMBER", {}),
    ("trip number too short", [("***TSTC2503100001*00", "***TSTC250*00")], "012INVALID VOYAGE/TRIP NUMBER", {}),
    ("bills miscounted", [("TRUCK***1*W", "TRUCK***2*W")], "013INVALID BILL COUNT", {}),
    ("no driver", [("NM1*Z1*", "NM1*Z2*")], "NO PERSON IN CHARGE", {}),
    ("two drivers", [("NM1*Z1*1*TESTWELL*MARIE", "NM1*Z1*1*TESTWELL*PAUL~NM1*Z1*1*TESTWELL*MARIE")],
     "MORE THAN ONE PERSON IN CHARGE", {}),
    ("role unknown", [("NM1*Z1*1", "NM1*Z1*1*A*B~DMG*D8*19800101*M****CA~REF*ACW*GA1~NM1*Q9*1")],
     "INVALID PERSON TYPE", {}),
    ("an organisation drives", [("NM1*Z1*1*", "NM1*Z1*2*")], "NOT A PERSON", {}),
    ("no given name", [("*TESTWELL*MARIE", "*TESTWELL")], "PERSON WITHOUT NAME", {}),
    ("no birth date", [("DMG*D8*19840517*F****CA~", "DMG***F****CA~")], "PERSON WITHOUT BIRTH DATE", {}),
    ("no gender", [("19840517*F****CA", "19840517*****CA")], "PERSON WITHOUT GENDER", {}),
    ("no citizenship", [("19840517*F****CA", "19840517*F")], "PERSON WITHOUT CITIZENSHIP", {}),
    ("not born", [("19840517", "20990101")], "INVALID DATE OF BIRTH", {}),
    ("no such country", [("*F****CA", "*F****QQ")], "INVALID CITIZENSHIP", {}),
    ("no document", [("REF*5K*T62358400517~", "")], "PERSON WITHOUT TRAVEL DOCUMENT", {}),
    ("document unknown", [("REF*5K*", "REF*XX*")], "INVALID TRAVEL DOC TYPE", {}),
    ("no number", [("REF*5K*T62358400517", "REF*5K**LICENCE")], "INV TRAVEL DOC NUMBER", {}),
    ("no truck", [(f"VEH*1*{VIN}{PLATE}~", "")], "NO CONVEYANCE", {}),
    ("truck without identity", [(f"{VIN}{PLATE}", "*2019")], "VIN OR LIC PLATE REQUIRED", {}),
    ("VIN check digit", [(VIN, "1M8GDM9A1KP042788")], "INVALID VIN", {}),
    ("VIN with an O", [(VIN, "1M8GDM9AXKP04278O")], "INVALID VIN", {}),
    ("plate with a dash", [("*AB1234*", "*AB-1234*")], "402INV LIC PLATE", {}),
    ("plate of no province", [("*AB1234*ON*", "*AB1234*XX*")], "402INV LIC PLATE", {}),
    ("ACE identifier unknown", [(f"{VIN}{PLATE}", f"{VIN}{PLATE}****ACE1")], "401INV CONV ACE ID",
     {"conveyance_ids": ("ACE2",)}),
]  # fmt: skip
PORT = [
    ("a seaport", [("P4*0901*", "P4*2704*")], "014INVALID UNLADING PORT", {}),
    ("a port of the district without trucks", [("P4*0901*", "P4*0903*")], "014INVALID UNLADING PORT",
     {"truck_ports": ("0901",)}),
    ("two ports", [("P4*0901*20250310***1630~", "P4*0901*20250310***1630~LX*9~P4*0901*20250311***1630~")],
     "ONLY ONE PORT OF ARRIVAL", {}),
    ("no time", [("*20250310***1630", "*20250310")], "INVALID ARRIVAL DATE OR TIME", {}),
    ("bills of the port miscounted", [("*20250310***1630", "*20250310*2**1630")], "013INVALID BILL COUNT", {}),
    ("an arrival in the past", [("*20250310***1630", "*20250310***0855")], "ARRIVAL IS IN THE PAST", {}),
    ("less than an hour", [("*20250310***1630", "*20250310***0955")], "LESS THAN ONE HOUR BEFORE ARRI",
     {"one_hour_rule": "reject"}),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "text", "conduct"), [row[1:] for row in TRIP], ids=[row[0] for row in TRIP])
def test_a_fault_of_the_trip_refuses_everything(
    pairs: list[tuple[str, str]], text: str, conduct: dict[str, object]
) -> None:
    """It is told after M10, no shipment is accepted and nothing is filed."""
    cbp = box(**conduct)
    answers = cbp.send(edit(*pairs)(manifest_309([PAPS])))
    assert (text, "M10") in remarks(answers)
    assert segments(answers, "355")[-4].endswith("ACCEPTED 0 FOR COMPLETE MANIFEST")
    assert cbp.cbp.store.count("select count(*) from manifest") == 0


@pytest.mark.parametrize(("pairs", "text", "conduct"), [row[1:] for row in PORT], ids=[row[0] for row in PORT])
def test_a_fault_of_the_arrival_is_told_at_p4(
    pairs: list[tuple[str, str]], text: str, conduct: dict[str, object]
) -> None:
    """Port, date, time and count are told after P4; nothing is filed."""
    cbp = box(**conduct)
    assert (text, "P4") in remarks(cbp.send(edit(*pairs)(manifest_309([PAPS]))))
    assert cbp.cbp.store.count("select count(*) from manifest") == 0


BILL = [
    ("SCN with a digit in its SCAC", PAPS, [("ERIE ON**TSTC~", "ERIE ON**TS1C~")], "017MISSING OR INVALID BILL", "M11"),
    ("SCN too long", PAPS, [("M11*25031000001", "M11*2503100000123")], "017MISSING OR INVALID BILL", "M11"),
    ("SCN of another carrier", PAPS, [("ERIE ON**TSTC~", "ERIE ON**OTHR~")], "SCN NOT OF THE CARRIER", "M11",
     {"scn_of_carrier": True}),
    ("bill type", PAPS, [("***23*", "***99*")], "INVALID BILL TYPE", "M11"),
    ("no pieces", PAPS, [("*1*BOX*2*K*", "*0*BOX*2*K*")], "INVALID QUANTITY", "M11"),
    ("half a piece", PAPS, [("*1*BOX*2*K*", "*1.5*BOX*2*K*")], "INVALID QUANTITY", "M11"),
    ("packing unit", PAPS, [("*1*BOX*2*K*", "*1*XXX*2*K*")], "INVALID MANIFEST UNIT", "M11"),
    ("no weight", PAPS, [("*1*BOX*2*K*", "*1*BOX*0*K*")], "020INVALID WEIGHT", "M11"),
    ("weight unit", PAPS, [("*1*BOX*2*K*", "*1*BOX*2*G*")], "021INVALID WEIGHT UNIT", "M11"),
    ("notify party", PAPS, [("ERIE ON**TSTC~", "ERIE ON**TSTC*T1~")], "INVALID NOTIFY PARTY", "M11"),
    ("two shippers", PAPS, [("N1*CN*", "N1*SH*SECOND SHOP~N1*CN*")], "004INVALID S01/N1 RECORD", "N1"),
    ("shipper's country", PAPS, [("*M5H 1A1*CA", "*M5H 1A1*QQ")], "004INVALID S01/N1 RECORD", "N1"),
    ("consignee without street", PAPS, [("N3*12 SAMPLE AVE~", "")], "005INVALID U01/N1 OR N01/N1", "N1"),
    ("party's role", PAPS, [("N1*CN*", "N1*ZZ*STRANGER~N1*CN*")], "INVALID PARTY TYPE", "N1"),
    ("no goods", PAPS, [("N10*1*COTTON T-SHIRTS KNIT****0045*K*2**BOX*CA~", "")], "007INVALID D01/N10", "M11"),
    ("no description", PAPS, [("*COTTON T-SHIRTS KNIT*", "**")], "007INVALID D01/N10", "N10"),
    ("no quantity of goods", PAPS, [("N10*1*", "N10**")], "INVALID QUANTITY", "N10"),
    ("weight of goods", PAPS, [("*K*2**BOX*CA", "*K*0**BOX*CA")], "020INVALID WEIGHT", "N10"),
    ("weight unit of goods", PAPS, [("*K*2**BOX*CA", "*G*2**BOX*CA")], "021INVALID WEIGHT UNIT", "N10"),
    ("unit of goods", PAPS, [("*K*2**BOX*CA", "*K*2**XXX*CA")], "INVALID MANIFEST UNIT", "N10"),
    ("no unit of goods", PAPS, [("*K*2**BOX*CA", "*K*2***CA")], "INVALID MANIFEST UNIT", "N10"),
    ("value in cents", PAPS, [("*0045*", "*45.10*")], "MISSING OR INVALID VALUE", "N10"),
    ("value that only Python reads", PAPS, [("*0045*", "*NAN*")], "MISSING OR INVALID VALUE", "N10"),
    ("origin", PAPS, [("**BOX*CA~", "**BOX*QQ~")], "INVALID COUNTRY OF ORIGIN", "N10"),
    ("vague", PAPS, [("COTTON T-SHIRTS KNIT", "GENERAL MERCHANDISE")], "DESCRIPTION IS VAGUE", "N10",
     {"vague_descriptions": "reject"}),
    ("equipment type", PAPS, [("VID*TL*", "VID*ZZ*")], "INVALID EQUIPMENT TYPE", "VID"),
    ("equipment number", PAPS, [("**T53012*", "**T-53012*")], "INVALID EQUIPMENT NUMBER", "VID"),
    ("load status", PAPS, [("******L****AT9921", "******Q****AT9921")], "INVALID LOAD STATUS", "VID"),
    ("seal", PAPS, [("*SEAL0001*", "*SEAL 001*")], "INVALID SEAL NUMBER", "VID"),
    ("seal twice", PAPS, [("*ON*CA~N10", "*ON*CA~M7*SEAL0001~N10")], "INVALID SEAL NUMBER", "M7"),
    ("trailer plate", PAPS, [("*AT9921*ON*CA", "*AT9921*XX*CA")], "402INV LIC PLATE", "VID"),
    ("trailer ACE identifier", PAPS, [("*AT9921*ON*CA", "*AT9921*ON*CA*ACE1")], "INVALID TRAILER ACE ID", "VID",
     {"equipment_ids": ("ACE2",)}),
    ("VIN of a car", PAPS, [("**BOX*CA~", "**BOX*CA~VC*1M8GDM9A1KP042788~")], "INVALID VIN", "VC"),
    ("hazard", PAPS, [("**BOX*CA~", "**BOX*CA~H1*UNABC~")], "INVALID HAZMAT CODE", "H1"),
    ("in-bond number", BOND, [("*123456782*", "*ABC*")], "032INVALID IN-BOND NUMBER", "M12"),
    ("in-bond destination", BOND, [("*123456782*3801", "*123456782*DETR")], "380INVALID INB DEST PORT CODE", "M12"),
    ("in-bond abroad", BOND, [("M12*61*", "M12*62*")], "033INVALID PORT", "M12"),
    ("in-bond value", BOND, [("*3801**0045*", "*3801***")], "MISSING OR INVALID VALUE", "M12"),
    ("in-bond carrier", BOND, [("**0045**TSTC", "**0045")], "BONDED CARRIER REQUIRED", "M12"),
    ("master in-bond alone", PAPS, [("***23*", "***10*")], "008MASTER IN-BOND NO I01/M12", "M11"),
    ("M13 in a W", PAPS, [("M11*2503", "M13*TSTC*0901*A*25031000001**11*1**TSTC~M11*2503")],
     "M13 ONLY IN AN AMENDMENT", "M13"),
    ("lot without value", LOT, [("****0045*", "*****")], "MISSING OR INVALID VALUE", "N10"),
    ("lot worth nothing", LOT, [("****0045*", "****0000*")], "MISSING OR INVALID VALUE", "N10"),
    ("lot without origin", LOT, [("**BOX*CA~", "**BOX~")], "470INV CTRY OF ORIG FOR SHP", "N10"),
    ("lot from a blocked country", LOT, [], "470INV CTRY OF ORIG FOR SHP", "N10", {"origin_blocklist": ("CA",)}),
    ("lot with a broker", LOT, [("VID*TL", "N1*CB*BROKERS INC~VID*TL")], "NO BROKER ON SECTION 321", "N1"),
    ("lot in bond", LOT, [("VID*TL", "M12*61*123456782*3801**0045**TSTC~VID*TL")],
     "IN-BOND NOT ALLOWED ON SECTION", "M12"),
    ("lots not allowed at all", LOT, [], "470INV CTRY OF ORIG FOR SHP", "M11", {"s321_mode": "suspended"}),
]  # fmt: skip


@pytest.mark.parametrize("case", BILL, ids=[row[0] for row in BILL])
def test_a_fault_of_a_shipment_refuses_it_alone(case: tuple[object, ...]) -> None:
    """The bad segment comes back with its K1; the other shipment of the truck is kept."""
    _, bill, pairs, text, segment, *conduct = case
    cbp = box(**(conduct[0] if conduct else {}))  # type: ignore[arg-type]
    other = SampleBill("25031000002")
    answers = cbp.send(edit(*pairs)(manifest_309([bill, other])))  # type: ignore[misc, list-item]
    found = remarks(answers)
    assert (text, segment) in found
    assert ("MAN RETURNED TO PRELIMINARY", "M10") in found
    assert [row["scn"] for row in cbp.cbp.store.rows("select scn from bill")] == ["TSTC25031000002"]


def test_the_samples_are_good() -> None:
    """The unchanged manifests that the rows above start from are accepted."""
    for number, bill in enumerate((PAPS, LOT, BOND), 1):
        assert remarks(box().send(manifest_309([bill], control=number))) == []


def test_a_description_may_go_on_in_further_n10() -> None:
    """An N10 with a description alone continues the one before it; as the first it lacks quantity and unit."""
    more = edit(("**BOX*CA~", "**BOX*CA~N10**WITH A PRINT OF NORTHERN BIRDS~"))
    assert remarks(box().send(more(manifest_309([LOT])))) == []
    alone = edit(("N10*1*COTTON T-SHIRTS KNIT****0045*K*2**BOX*CA~", "N10**WITH A PRINT~"))
    assert ("INVALID QUANTITY", "N10") in remarks(box().send(alone(manifest_309([PAPS]))))


def test_a_preliminary_manifest_may_be_incomplete() -> None:
    """Type P is taken without truck and driver, even without shipments; W is not, until all is there."""
    bare = edit((f"VEH*1*{VIN}{PLATE}~NM1*Z1*1*TESTWELL*MARIE~DMG*D8*19840517*F****CA~REF*5K*T62358400517~", ""))
    cbp = box()
    assert remarks(cbp.send(bare(manifest_309([PAPS], kind="P")))) == []
    told = [text for text, _ in remarks(cbp.send(bare(manifest_309([PAPS], control=2))))]
    assert told == ["NO CONVEYANCE", "NO PERSON IN CHARGE"]
    assert remarks(cbp.send(manifest_309([PAPS], control=3))) == []
    assert remarks(box().send(manifest_309([], kind="P"))) == []
    assert ("003NO B01/M11 RECORD FOUND", "LX") in remarks(box().send(manifest_309([])))


@pytest.mark.parametrize("mode", ["header", "segment"])
def test_faults_of_persons_stand_where_the_switch_says(mode: str) -> None:
    """After M10, or after a copy of the bad segment with the head of its loop before it."""
    answers = box(trip_faults_at=mode).send(edit(("REF*5K*", "REF*XX*"))(manifest_309([PAPS])))
    assert remarks(answers) == [("INVALID TRAVEL DOC TYPE", "M10" if mode == "header" else "REF")]
    names = [one.split("*")[0] for one in segments(answers, "355")][3:]
    told = ["K1"] if mode == "header" else ["NM1", "REF", "K1"]
    assert names == ["M10", *told, "P4", "K3", "SE", "GE", "IEA"]


def test_who_issued_a_document_is_asked_where_the_profile_names_a_place() -> None:
    """Licences need a state or province, passports a country, once it is known where they stand (REF03)."""
    wide = {"profile": "alternate"}
    start = [
        ("*Z1*", "*Y1*"),
        ("***TSTC2503100001*00", "****00"),
        ("*TRUCK***1", "*TRUCK**TSTC2503100001*1"),
        ("***23*", "***22*"),
    ]
    licence, country = ("REF*5K*T62358400517", "REF*5K*T62358400517*ON"), ("REF*5K*T62358400517", "REF*ACW*GA1*CA")
    good = manifest_309([PAPS])
    assert remarks(box(**wide).send(edit(*start, licence)(good))) == []
    assert remarks(box(**wide).send(edit(*start, country)(good))) == []
    assert remarks(box(**wide).send(edit(*start)(good))) != []
    swapped = edit(*start, ("REF*5K*T62358400517", "REF*ACW*GA1*ON"))
    assert len(remarks(box(**wide).send(swapped(good)))) == 1


def test_fast_drivers_have_half_an_hour_and_a_card_of_fourteen() -> None:
    """With the qualifier of a FAST card set, 35 minutes are enough, 25 are not, and a short card number is refused."""
    fast = {"one_hour_rule": "reject", "fast_qualifier": "FA"}
    card = ("*TESTWELL*MARIE", "*TESTWELL*MARIE****FA*12345678901234")

    def told(time: str, *more: tuple[str, str]) -> list[str]:
        data = edit(card, ("***1630", f"***{time}"), *more)(manifest_309([PAPS]))
        return [text for text, _ in remarks(box(**fast).send(data))]

    assert told("0935") == []
    assert told("0925") == ["LESS THAN 30 MIN BEFORE ARRIVA"]
    assert told("1630", ("*12345678901234", "*1234")) == ["INV TRAVEL DOC NUMBER"]
    assert told("1630", ("REF*5K*T62358400517~", "")) == []


def test_what_is_only_odd_is_warned_of_in_the_transcript() -> None:
    """By default a vague description and a late manifest are accepted; the transcript carries both with references."""
    cbp = box()
    data = edit(("COTTON T-SHIRTS KNIT", "GIFT"), ("***1630", "***0955"))(manifest_309([PAPS]))
    assert remarks(cbp.send(data)) == []
    warnings = verdict(cbp)["warnings"]
    assert isinstance(warnings, list)
    assert {one["text"] for one in warnings} == {"DESCRIPTION IS VAGUE", "LESS THAN ONE HOUR BEFORE ARRIVAL"}
    assert all(one["reference"] for one in warnings)
    quiet = box(vague_descriptions="off", one_hour_rule="off")
    quiet.send(data)
    assert "warnings" not in verdict(quiet)


def test_the_repetition_separator_in_data_is_a_bad_character() -> None:
    """No element repeats: 370 unless the switch is off."""
    data = edit(("COTTON T", "COTTON^T"))(manifest_309([PAPS]))
    assert ("370INVALID CHARACTER", "N10") in remarks(box().send(data))
    assert remarks(box(separators_in_data="off").send(data)) == []


AMENDMENTS = [
    ("operator", [("M13*TSTC*", "M13*OTHR*")], "CARRIER NOT THAT OF THE TRIP", "M13"),
    ("port", [("M13*TSTC*0901", "M13*TSTC*ABCD")], "033INVALID PORT", "M13"),
    ("another bill", [("*R*25031000001*", "*R*25031000009*")], "017MISSING OR INVALID BILL", "M13"),
    ("action", [("*03*2**TSTC", "*03*3**TSTC")], "INVALID ACTION CODE", "M13"),
    ("quantity differs", [("*R*25031000001*2*", "*R*25031000001*3*")], "INVALID QUANTITY", "M13"),
    ("reason at the shipment", [("*25031000001*2*03*2", "*25031000001*2**2")], "AMENDMENT REASON MISSING", "M13"),
    ("reason at the header", [("*00***03~", "*00~")], "AMENDMENT REASON MISSING", "M10"),
    ("type not modelled", [("*R*25031000001*2*03*2", "*S*25031000001*2*03*2")], "AMENDMENT TYPE NOT MODELLED", "M13"),
    ("no M13", [("M13*TSTC*0901*R*25031000001*2*03*2**TSTC~", "")], "M13 MISSING IN AMENDMENT", "M11"),
]


@pytest.mark.parametrize("case", AMENDMENTS, ids=[row[0] for row in AMENDMENTS])
def test_amendments_are_held_to_their_rules(case: tuple[str, list[tuple[str, str]], str, str]) -> None:
    """After completion an amendment with one fault changes nothing; the good one changes the quantity."""
    _, pairs, text, segment = case
    change = SampleBill("25031000001", change="R", quantity="2", reason="03")
    data = manifest_309([change], kind="Y", reason="03", control=2)
    for payload, expected in ((edit(*pairs)(data), "1"), (data, "2")):
        cbp = box()
        cbp.send(manifest_309([PAPS]))
        found = remarks(cbp.send(payload))
        assert ((text, segment) in found) is (expected == "1")
        row = cbp.cbp.store.row("select quantity from bill")
        assert row is not None
        assert row["quantity"] == expected


MANY = [
    (manifest_309([PAPS]), "LX*1~", 10_000, "AK3*LX*10007**4"),
    (consist_358([SampleLink("B001")]), "MBL*TSTC*B001*1~", 10_000, "AK3*MBL*10008**4"),
    (events_353(["M15*1*123456782*20250310*3801**0900"]), "M15*1*123456782*20250310*3801**0900~", 10_000,
     "AK3*M15*10001**4"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "row", "times", "told"), MANY, ids=["309", "358", "353"])
def test_at_most_9999_in_a_message(good: bytes, row: str, times: int, told: str) -> None:
    """One shipment, link or event more is refused where it stands (CSMS 19-000156 and the base)."""
    answers = box().send(edit((row, row * times))(good))
    assert [one.kind for one in answers] == ["997"]
    assert told in segments(answers, "997")


def test_no_remark_without_its_reference() -> None:
    """A refusal that does not name its rule cannot be made."""
    with pytest.raises(ValueError, match="reference"):
        Remark("", "NO REASON GIVEN")


@pytest.mark.parametrize(
    "wrong", [{"firms_element": "M16"}, {"arrival_event_code": "ARRIVED"}, {"notify_parties": ("BRKR",)}]
)
def test_a_switch_of_another_form_is_an_error(wrong: dict[str, object]) -> None:
    """Places, codes and pairs are held to their form where they are set."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        box(**wrong)


@pytest.mark.parametrize("name", CHOICES)
def test_a_switch_that_is_misspelt_is_an_error(name: str) -> None:
    """A word that is no choice does not turn a check off silently, neither in code nor in the environment."""
    with pytest.raises(ValueError, match=name):
        Behaviour(**{name: "rejct"})
    with pytest.raises(SettingsError, match=name):
        load_settings(None, {f"SANDBOX_{name.upper()}": "rejct"})
    for choice in CHOICES[name]:
        assert getattr(load_settings(None, {f"SANDBOX_{name.upper()}": choice}).behaviour, name) == choice
