"""Trucks at the border: entry not on file, stopped trucks, the cut-over, closing, orders, what switches tell."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sandbox.border import NotPossible
from sandbox.cbp import Cbp
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour
from sandbox.store import _ADDED, _TABLES, Store
from sandbox.testing import LoopbackCbp
from sandbox.truck import syntax, x12
from sandbox.truck.samples import SampleLink, consist_358, events_353, finish_353
from tests.truck_kit import box, edit, remarks, segments, statuses, verdict

TRIP = "TSTC2503100001"
LOT, PAPS = SampleBill("B001", kind="35"), SampleBill("B002")


def so(answers: list[object]) -> list[str]:
    """SO60 codes."""
    rows = [r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()]  # type: ignore[attr-defined]
    return [r[14:16] for r in rows if r[:4] == "SO60"]


def column(cbp: LoopbackCbp, name: str, table: str = "bill") -> list[object]:
    """One column of a table, in the order of its rows."""
    return [row[0] for row in cbp.cbp.store.rows(f"select {name} from {table} order by rowid")]


def test_a_bill_without_its_entry_is_refused_until_the_entry_comes() -> None:
    """350 entry not on file and REFUSED at arrival; when the entry is on file the shipment goes on and is released."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([PAPS]))
    assert statuses(cbp.arrive(TRIP)) == [("B002", "Z9")]
    assert column(cbp, "state") == ["REFUSED"]
    assert statuses(cbp.send(entries_se([SampleEntry("1234567", "B002")]))) == [("B002", "1C")]
    assert (column(cbp, "state"), column(cbp, "state", "manifest")) == (["RELEASED"], ["CLOSED"])


@pytest.mark.parametrize(
    ("origin", "at", "code"),
    [
        ("CN", "2025-05-02T00:00:59-04:00", "1C"),
        ("CN", "2025-05-02T00:01:00-04:00", "Z9"),
        ("HK", "2025-05-02T00:01:00-04:00", "Z9"),
        ("CA", "2025-05-02T00:01:00-04:00", "1C"),
    ],
)
def test_goods_that_lost_the_exemption_on_their_way(origin: str, at: str, code: str) -> None:
    """Filed before the minute for China and Hong Kong, at the border at or after it: entry not on file."""
    cbp = LoopbackCbp("2025-05-01T20:00:00-04:00", behaviour=Behaviour(arrive_at_eta=False))
    lot = SampleBill("B001", kind="35", origin=origin)
    cbp.send(manifest_309([lot], trip="TSTC2505020001", day="20250502", time="0930"))
    cbp.set_clock(at)
    assert statuses(cbp.arrive("TSTC2505020001")) == [("B001", code)]


def test_noent() -> None:
    """NOENT: refused at arrival although the entry is on file, also when another entry comes; control releases it."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([SampleBill("NOENT001")]))
    cbp.send(entries_se([SampleEntry("1234567", "NOENT001")]))
    answers = cbp.arrive(TRIP)
    assert statuses(answers) == [("NOENT001", "Z9")]
    assert so(answers) == ["29"]
    assert b"ENTRY NOT ON FILE" in answers[0].payload
    assert statuses(cbp.send(entries_se([SampleEntry("1234568", "NOENT001")], reference="TWO"))) == []
    assert cbp.advance(days=3) == []
    assert cbp.cbp.release("TSTCNOENT001", cbp.now) == "RELEASED"
    assert statuses(cbp.collect()) == [("NOENT001", "1C")]


def test_noent_of_the_entry() -> None:
    """The marker may stand with the entry alone: its shipment stays refused, whatever entry comes after."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([PAPS]))
    cbp.arrive(TRIP)
    lost = SampleEntry("1234567", "B002", consignee="PAT NOENT")
    assert statuses(cbp.send(entries_se([lost]))) == []
    assert column(cbp, "state") == ["REFUSED"]


def test_noent_is_lifted_before_the_truck_comes() -> None:
    """Released by control on the way, a marked shipment is decided as any other."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([SampleBill("B001", kind="35", consignee="PAT NOENT")]))
    assert cbp.cbp.release("TSTCB001", cbp.now) == "ON_FILE"
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1C")]


def test_sysfail_of_a_bill() -> None:
    """SYSFAIL: the first filing is refused with a system failure and not kept; filed again it is taken."""
    cbp = box()
    failing = SampleBill("SYSFAIL1", kind="35")
    told = remarks(cbp.send(manifest_309([LOT, failing])))
    assert told == [
        ("MAN RETURNED TO PRELIMINARY", "M10"),
        ("SYSTEM FAILURE TRY AGAIN", "M11"),
        ("XXXX BILL REJECTED XXXX", "M11"),
    ]
    assert column(cbp, "scn") == ["TSTCB001"]
    again = SampleBill("SYSFAIL1", kind="35", change="A", reason="11")
    assert remarks(cbp.send(manifest_309([again], kind="Y", control=2))) == []
    assert column(cbp, "scn") == ["TSTCB001", "TSTCSYSFAIL1"]


def test_a_stopped_truck_waits_for_its_manifest() -> None:
    """With the switch a truck on a preliminary manifest is held; a Z lets it go on, in the order it came."""
    cbp = box(stop_preliminary_trucks=True, arrive_at_eta=False)
    cbp.send(manifest_309([LOT], kind="P"))
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1H")]
    assert (column(cbp, "state"), column(cbp, "state", "manifest")) == (["HELD"], ["PRELIMINARY"])
    with pytest.raises(NotPossible) as refused:
        cbp.arrive(TRIP)
    assert refused.value.code == "wrong_state"
    assert statuses(cbp.send(manifest_309([SampleBill("B003", kind="35")], kind="P", control=2))) == []
    answers = cbp.send(finish_353(control=3))
    assert remarks(answers) == []
    assert statuses(answers) == [("B001", "1I"), ("B001", "1C"), ("B003", "1C")]
    assert column(cbp, "state", "manifest") == ["CLOSED"]


def test_a_stopped_truck_goes_on_by_a_w_and_at_its_eta() -> None:
    """The arrival at the estimated time stops it as well, and a W that completes the manifest lets it go on."""
    cbp = box(stop_preliminary_trucks=True)
    cbp.send(manifest_309([LOT], kind="P", time="1000"))
    assert statuses(cbp.advance(hours=1)) == [("B001", "1H")]
    assert statuses(cbp.advance(hours=1)) == []
    late = manifest_309([LOT], time="1130", control=2)
    assert statuses(cbp.send(late)) == [("B001", "1I"), ("B001", "1C")]


def test_without_the_switch_a_preliminary_truck_goes_on() -> None:
    """The default: its good shipments are decided at once."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([LOT], kind="P"))
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1C")]


def test_releases_on_the_way_end_at_the_cut_over() -> None:
    """Released by control before the truck came: 350 4E at 00:01 on 29 August 2025, entry not on file at arrival.

    What came before the minute stays released; an ordinary bill cannot be released on the way at all.
    """
    cbp = box("2025-08-28T22:00:00-04:00", arrive_at_eta=False)
    early, late = SampleBill("B001", kind="35"), SampleBill("B002", kind="35")
    cbp.send(manifest_309([early], day="20250828", time="2330"))
    cbp.send(manifest_309([late, SampleBill("B003", kind="35"), SampleBill("B004")], trip="TSTC2503100002",
                          day="20250829", time="0100", control=2))  # fmt: skip
    for scn in ("TSTCB001", "TSTCB002"):
        assert cbp.cbp.release(scn, cbp.now) == "RELEASED"
    with pytest.raises(NotPossible):
        cbp.cbp.release("TSTCB004", cbp.now)
    assert statuses(cbp.collect()) == [("B001", "1C"), ("B002", "1C")]
    assert statuses(cbp.arrive(TRIP)) == []
    assert cbp.set_clock("2025-08-29T00:00:59-04:00") == []
    answers = cbp.set_clock("2025-08-29T00:01:00-04:00")
    assert statuses(answers) == [("B002", "4E")]
    assert b"RELEASE CANCELLED" in answers[0].payload
    assert column(cbp, "state") == ["RELEASED", "ON_FILE", "ON_FILE", "ON_FILE"]
    assert statuses(cbp.arrive("TSTC2503100002")) == [("B002", "Z9"), ("B003", "Z9"), ("B004", "Z9")]
    with pytest.raises(NotPossible):
        box("2025-09-01T09:00:00-04:00", arrive_at_eta=False).cbp.release("TSTCB001", cbp.now)


def test_a_release_on_the_way_can_be_revoked_or_held() -> None:
    """4E puts the shipment back on its way; a hold takes the release back first and lasts until the border."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([LOT]))
    cbp.cbp.release("TSTCB001", cbp.now)
    assert cbp.cbp.revoke("TSTCB001", cbp.now) == "ON_FILE"
    cbp.cbp.release("TSTCB001", cbp.now)
    assert cbp.cbp.hold("TSTCB001", cbp.now) == "ON_FILE"
    assert [code for _, code in statuses(cbp.collect())] == ["1C", "4E", "1C", "4E", "1H"]
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1H")]


def test_over_the_days_limit_nothing_is_released_on_the_way() -> None:
    """From 12 August 2025 a shipment over its consignee's limit cannot be released before its truck either."""
    cbp = box("2025-08-13T09:00:00-04:00", arrive_at_eta=False)
    over = [SampleBill("B001", kind="35", value="0500"), SampleBill("B002", kind="35", value="0500")]
    assert statuses(cbp.send(manifest_309(over, day="20250813"))) == [("B002", "95")]
    assert cbp.cbp.release("TSTCB001", cbp.now) == "RELEASED"
    with pytest.raises(NotPossible):
        cbp.cbp.release("TSTCB002", cbp.now)


def test_a_deleted_bill_does_not_count_for_the_day() -> None:
    """Deleted, and moved to a trip of another day, a shipment leaves the total of its consignee's day."""
    cbp = box(arrive_at_eta=False)
    first = SampleBill("B001", kind="35", value="0500")
    cbp.send(manifest_309([first], kind="P"))
    cbp.send(manifest_309([SampleBill("B001", change="D")], kind="Y", control=2))
    more = SampleBill("B002", kind="35", value="0500")
    assert statuses(cbp.send(manifest_309([more], kind="P", control=3))) == []
    cbp.send(consist_358([SampleLink("B002", "3")], kind="Y", control=4))
    cbp.send(consist_358([SampleLink("B002")], trip="TSTC2503110001", day="20250311", control=5))
    third = SampleBill("B003", kind="35", value="0500")
    assert statuses(cbp.send(manifest_309([third], kind="P", control=6))) == []
    fourth = SampleBill("B004", kind="35", value="0500")
    assert statuses(cbp.send(manifest_309([fourth], kind="P", control=7))) == [("B004", "95")]


def test_another_consignee_frees_the_day_of_the_first() -> None:
    """A replaced bill counts for the consignee it names now, and only for that one."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([SampleBill("B001", kind="35", value="0500")], kind="P"))
    other = SampleBill("B001", kind="35", value="0500", street="9 OTHER RD", change="R")
    assert remarks(cbp.send(manifest_309([other], kind="Y", control=2))) == []
    again = SampleBill("B002", kind="35", value="0500")
    assert statuses(cbp.send(manifest_309([again], kind="P", control=3))) == []
    third = SampleBill("B003", kind="35", value="0500", street="9 OTHER RD")
    assert statuses(cbp.send(manifest_309([third], kind="P", control=4))) == [("B003", "95")]


def test_a_manifest_is_closed_when_all_is_final_and_opens_again() -> None:
    """Hold, then release: ARRIVED, then CLOSED; a release taken back opens it; an empty truck is closed at once."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([LOT, SampleBill("HOLD0001", kind="35")]))
    cbp.arrive(TRIP)
    assert column(cbp, "state", "manifest") == ["ARRIVED"]
    cbp.advance(minutes=30)
    assert column(cbp, "state", "manifest") == ["CLOSED"]
    cbp.cbp.revoke("TSTCB001", cbp.now)
    assert column(cbp, "state", "manifest") == ["ARRIVED"]
    cbp.cbp.release("TSTCB001", cbp.now)
    assert column(cbp, "state", "manifest") == ["CLOSED"]
    empty = box(arrive_at_eta=False)
    empty.send(consist_358())
    empty.arrive(TRIP)
    assert column(empty, "state", "manifest") == ["CLOSED"]


def test_orders_of_arrival_and_release_are_kept() -> None:
    """Trucks are numbered as they come, shipments as they are released."""
    cbp = box(arrive_at_eta=False)
    cbp.send(manifest_309([SampleBill("HOLD0001", kind="35"), LOT]))
    cbp.send(manifest_309([SampleBill("B005", kind="35")], trip="TSTC2503100002", control=2))
    cbp.arrive("TSTC2503100002")
    cbp.arrive(TRIP)
    cbp.advance(minutes=30)
    assert column(cbp, "arrival_order", "manifest") == [2, 1]
    assert dict(zip(column(cbp, "number"), column(cbp, "release_order"), strict=True)) == {
        "HOLD0001": 3, "B001": 2, "B005": 1,
    }  # fmt: skip


def test_an_entry_makes_a_shipment_entered_and_its_cancellation_does_not() -> None:
    """ENTERED while an entry that matched is on file."""
    cbp = box(arrive_at_eta=False, review_seconds=0)
    cbp.send(manifest_309([PAPS, SampleBill("B003")]))
    cbp.send(entries_se([SampleEntry("1234567", "B002")]))
    assert column(cbp, "state") == ["ENTERED", "ON_FILE"]
    cbp.send(entries_se([SampleEntry("1234567", "B002", action="D", reason="08")], reference="D"))
    assert column(cbp, "state") == ["ON_FILE", "ON_FILE"]


def test_what_is_told_by_switches() -> None:
    """02 when an entry is on file, V9 and 19 when the truck comes, nothing for a missing entry: only if asked for."""
    loud = {"tell_entry_on_file": True, "tell_arrival": True, "arrival_event_code": "ARV", "entry_not_on_file": False}
    for conduct, expected in ((loud, ["02", "19", "19", "1C"]), ({}, ["1C", "Z9"])):
        cbp = box(arrive_at_eta=False, **conduct)
        cbp.send(manifest_309([PAPS, SampleBill("B003")]))
        answers = cbp.send(entries_se([SampleEntry("1234567", "B002")]))
        answers += cbp.arrive(TRIP)
        assert sorted(code for _, code in statuses(answers)) == expected
        events = [one for one in segments(answers, "350") if one.startswith("V9*")]
        assert events == (["V9*ARV**20250310*0900"] if conduct else [])
        for one in answers:
            if one.kind == "350":
                assert syntax.judge(x12.take_apart(one.payload)).accepted


def test_books_of_an_older_version_open(tmp_path: Path) -> None:
    """A file written before columns were added is given them; what it holds stays and goes on."""
    path = tmp_path / "books.db"
    old = sqlite3.connect(path)
    old.executescript(_TABLES)
    addresses = json.dumps(["ZZ", "CBP-ACE-TEST", "ZZ", "XGTW", "T", "*", "^", ">", "~"])
    header = json.dumps(f"M10*TSTC*J*CA**TRUCK***1*W***{TRIP}*00".split("*"))
    old.execute(
        "insert into manifest (trip, arrival_date, partner, scac, port, eta, state, filed_at, addresses, header,"
        " port_segment) values (?, '20250310', 'GATEWAY', 'TSTC', '0901', null, 'COMPLETE',"
        " '2025-03-10T12:00:00.000000Z', ?, ?, ?)",
        (TRIP, addresses, header, json.dumps(["P4", "0901", "20250310", "", "", "1630"])),
    )
    old.execute(
        "insert into bill (scn, manifest_id, state, kind, scac, number, quantity, unit, consignee, consignee_name,"
        " value, marks) values ('TSTCB001', 1, 'ON_FILE', '35', 'TSTC', 'B001', '1', 'BOX', 'K', 'PAT', '45', '')"
    )
    old.execute("insert into used_scn (scn, used_at) values ('TSTCB001', '2025-03-10T12:00:00.000000Z')")
    old.commit()
    assert not {name for _, name, _ in _ADDED} & {row[1] for row in old.execute("pragma table_info(manifest)")}
    old.close()
    for _ in range(2):  # the second time nothing is missing
        Store(path).close()
    cbp = LoopbackCbp("2025-03-10T09:00:00-04:00", behaviour=Behaviour(arrive_at_eta=False), path=path)
    assert ("SHIPMENT ALREADY ON FILE", "M11") in remarks(cbp.send(manifest_309([LOT], trip="TSTC0002")))
    assert statuses(cbp.arrive(TRIP)) == [("B001", "1C")]
    assert column(cbp, "state", "manifest")[0] == "CLOSED"
    cbp.close()


WIDTHS = [
    ("*ZZ*XGTW           *", "*ZZ*XGTW          *", "006"),
    ("*CBP-ACE-TEST   *", "*CBP-ACE-TEST    *", "008"),
    ("ISA*00*          *00*", "ISA*00**00*", "011"),
    ("*^*00502*", "*^*0502*", "017"),
    ("*0*T*>~", "*0**>~", "020"),
    ("*ZZ*XGTW", "*Z-*XGTW", "005"),
]


@pytest.mark.parametrize(("old", "new", "code"), WIDTHS)
def test_an_isa_of_the_wrong_width_earns_a_ta1(old: str, new: str, code: str) -> None:
    """Where the TA1 can echo date, time and number, the element with the wrong width is named."""
    answers = box().send(manifest_309([LOT]).replace(old.encode(), new.encode(), 1))
    assert [one.kind for one in answers] == ["TA1"]
    assert segments(answers, "TA1")[1].endswith(f"*250310*0905*R*{code}")


@pytest.mark.parametrize(("old", "new"), [("*000000001*0*T", "*00000001*0*T"), ("*250310*0905*^", "*25031*0905*^")])
def test_an_isa_that_no_ta1_can_echo_is_refused_in_the_transcript(old: str, new: str) -> None:
    """Without a number of nine digits or a date of six nobody can be answered: a logged refusal with its rule."""
    cbp = box()
    assert cbp.send(manifest_309([LOT]).replace(old.encode(), new.encode(), 1)) == []
    assert verdict(cbp)["result"] == "unreadable"


def test_only_known_senders_are_answered_where_they_are_listed() -> None:
    """TA1 006 for another ISA06 than those on file."""
    answers = box(sender_ids=("OTHER",)).send(manifest_309([LOT]))
    assert segments(answers, "TA1")[1].endswith("*R*006")
    assert remarks(box(sender_ids=("XGTW",)).send(manifest_309([LOT]))) == []


def test_every_refusal_names_its_rule() -> None:
    """Envelope, syntax, characters, business, states, door: no reason in the transcript without reference and text."""
    cbp = box(vague_descriptions="reject", one_hour_rule="reject", stop_preliminary_trucks=True)
    good = manifest_309([PAPS, LOT, SampleBill("REJ4700001", kind="35")])
    spoilt = [good, good.replace(b"BOX", b"box"), good.replace(b"0901", b"2704"), good.replace(b"*W***", b"*Q***")]
    spoilt += [good[:cut] for cut in range(0, len(good), 61)]
    spoilt += [good.replace(b"GS*AQ", group) for group in (b"GS*ZZ", b"GS*BD", b"GS*FA")]
    pairs = [("N1*SH", "N1*CN"), ("VID*TL", "VID*ZZ"), ("NM1*Z1", "NM1*Z9"), ("LX*1~", ""), ("SE*", "ZZZ*1~SE*")]
    pairs += [("COTTON T-SHIRTS KNIT", "GIFT"), ("*0901*", "*ABCD*")]
    spoilt += [edit(pair)(good) for pair in pairs]
    spoilt += [consist_358([SampleLink("B777"), SampleLink("B1")], kind=kind) for kind in "PY3"]
    spoilt += [events_353(["M15*1*1*20250310*3801**0900"]), finish_353("TSTC0099"), b"", b"neither", b"ISA"]
    for number, data in enumerate(spoilt):
        cbp.send(data.replace(b"*000000001*0*T", b"*%09d*0*T" % (number + 10)).replace(b"IEA*1*000000001",
                 b"IEA*1*%09d" % (number + 10)))  # fmt: skip
    cbp.cbp.refuse(b"x", cbp.now, partner="GATEWAY", name="x", reason="unsigned")
    rows = cbp.cbp.store.rows("select verdict from transcript where direction = 'in'")
    found = [json.loads(row["verdict"]) for row in rows]
    reasons = [one for said in found for one in (*said.get("reasons", ()), *said.get("warnings", ()))]
    assert len(reasons) > 60
    assert {said["stage"] for said in found} >= {"envelope", "syntax", "business", "door", "acknowledgment"}
    assert [one for one in reasons if not (one.get("reference") and one.get("text") and one.get("place"))] == []


def test_a_fault_of_the_sandbox_itself_has_a_reference_too() -> None:
    """A file that could not be read for a fault of the sandbox's own is given up with a reason."""
    cbp = Cbp(Store(), Behaviour())
    now = box().now
    receipt = cbp.receive(b"anything", now)
    cbp.give_up(receipt.id, now, "it broke")
    row = cbp.store.row("select verdict from transcript")
    assert row is not None
    assert json.loads(row["verdict"])["reasons"][0]["reference"]
