"""What the sandbox answers to a query (CQ): entries, bills and in-bonds on file, or an error that says why not."""

from __future__ import annotations

import json
from datetime import date

import pytest

from sandbox.abi.query_desk import months_before
from sandbox.clock import instant
from sandbox.samples import SampleBill, SampleEntry, SampleQuery, entries_se, manifest_309, queries_cq
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
TRIP = "TSTC2503100001"
BILL = "25031000001"
ENTRY = SampleEntry("1234567", BILL)
NUMBER = ENTRY.number[3:]
OF_ENTRY = SampleQuery(entry=NUMBER)
OF_BILL = SampleQuery(issuer="TSTC", bill=BILL)


def cbp(clock: str = MARCH, **conduct: object) -> LoopbackCbp:
    """A fresh CBP."""
    return LoopbackCbp(clock, behaviour=Behaviour(**conduct))  # type: ignore[arg-type]


def ask(box: LoopbackCbp, *queries: SampleQuery, filer: str = "XYZ") -> list[str]:
    """The records between B and Y of the C1."""
    (answer,) = box.send(queries_cq(queries, filer=filer))
    assert answer.kind == "C1"
    lines = answer.payload.decode().splitlines()
    assert all(len(line) == 80 for line in lines)
    assert lines[-2][12:17] == f"{len(lines) - 4:05d}"
    return lines[2:-2]


def codes(records: list[str], name: str) -> list[str]:
    """Disposition codes of WO50, WO60 (or SO50, SO60) records."""
    return [r[14:16] for r in records if r[:4] == name]


def crossed() -> LoopbackCbp:
    """A box where a truck with one entered bill has arrived: matched at 9:00, here at 9:05, now 9:10."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    box.send(manifest_309([SampleBill(BILL)]))
    box.advance(minutes=5)
    box.arrive(TRIP)
    box.advance(minutes=5)
    return box


def test_the_answer_mirrors_the_envelope_without_the_password() -> None:
    """A and B come back with application C1, the sender's user text and no password."""
    (answer,) = cbp().send(queries_cq([OF_ENTRY]))
    first, second, *_, last = answer.payload.decode().splitlines()
    assert first == f"{'A0901XYZ      031025     C1':59}{'ASK-000001':21}"
    assert second == f"{'B  0901XYZC1':59}{'ASK-000001':21}"
    assert last.rstrip() == "Z0901XYZ      031025"


def test_an_entry_shows_everything_so_far_in_order() -> None:
    """WO10 to WO60 in CBP's order; arrival and release carry the time when they happened."""
    records = ask(crossed(), OF_ENTRY)
    assert [r[:4] for r in records] == ["WO10", "WO20", "WO30", "WO40", "WO50", "WO60", "WO60", "WO60"]
    assert records[0].rstrip() == f"WO100901XYZ  {NUMBER} 1112-3456789  TSTC"
    assert records[4][4:56].rstrip() == "031025090595BILL ARRIVED"
    assert [r[4:64].rstrip() for r in records[5:]] == [
        "031025090097ADMISSIBLE",
        f"{'031025090598RELEASED':52}03102503",
        "031025090501ONEUSG",
    ]


@pytest.mark.parametrize("limit", ["", "1", "2"])
def test_the_query_says_what_the_last_so_said(limit: str) -> None:
    """However much is wanted, nothing of the last SO is missing; the shortest answer is just that."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL)]))
    box.send(entries_se([ENTRY]))
    last = box.arrive(TRIP)[-1].payload.decode().splitlines()[2:-2]
    shown = ask(box, SampleQuery(entry=NUMBER, limit=limit))
    assert {"WO" + line[2:] for line in last} <= set(shown)
    if not limit:
        assert ["WO" + line[2:] for line in last] == shown


def test_five_notifications_are_fewer_than_all() -> None:
    """Option 1 leaves out what was told before the last five notifications and holds no more."""
    box = cbp(review_seconds=0)
    box.send(manifest_309([SampleBill(BILL)]))
    box.send(entries_se([ENTRY]))
    for n in range(7):
        box.advance(minutes=1)
        change = SampleEntry("1234567", BILL, action="R", value=50 + n)
        box.send(entries_se([change], reference=f"CHANGE {n}"))
    assert codes(ask(box, SampleQuery(entry=NUMBER, limit="2")), "WO60") == ["97"] + ["88"] * 7
    assert codes(ask(box, SampleQuery(entry=NUMBER, limit="1")), "WO60") == ["97"] + ["88"] * 5
    assert codes(ask(box, SampleQuery(entry=NUMBER, limit="")), "WO60") == ["97", "88"]


def test_entry_and_bill_data_in_one_answer() -> None:
    """With the indicator the bills follow, each with the importer, its truck and what the carrier was told."""
    records = ask(crossed(), SampleQuery(entry=NUMBER, with_bills="Y"))
    assert [r[:3] for r in records[8:]] == ["WR1", "WR2", "WR4", "WR5", "WN1"]
    conveyance, trip, bill, told, ports = records[8:]
    assert conveyance[3:77] == f"0901XYZ {NUMBER}1112-3456789  1234567  TSTC{'':20}25031031025"
    assert trip[3:28].rstrip() == TRIP
    assert (bill[15:27].rstrip(), bill[51:59], bill[59:64].rstrip(), bill[64:68]) == (BILL, "00000001", "BOX", "TSTC")
    assert (bill[72], bill[74]) == ("0", "3")
    assert (told[3:13], told[13:16], told[65:73], told[74:77]) == ("0310250905", "1C ", "00000001", "001")
    assert ports[15:19] == "0901"


def test_a_bill_shows_its_truck_and_what_was_told() -> None:
    """A bill query names no importer; a hold, its end and the release stand in order, or the newest alone."""
    box = cbp()
    number = "HOLD0001"
    box.send(manifest_309([SampleBill(number)]))
    box.send(entries_se([SampleEntry("1234567", number)]))
    box.arrive(TRIP)
    box.advance(minutes=30)
    records = ask(box, SampleQuery(issuer="TSTC", bill=number))
    assert [r[:3] for r in records] == ["WR1", "WR2", "WR4", "WR5", "WR5", "WR5", "WN1"]
    assert records[0][3:42].strip() == ""
    assert [r[13:16].strip() for r in records if r[:3] == "WR5"] == ["1H", "1I", "1C"]
    newest = ask(box, SampleQuery(issuer="TSTC", bill=number, limit=""))
    assert [(r[13:16].strip(), r[74:77]) for r in newest if r[:3] == "WR5"] == [("1C", "003")]


def test_the_last_five_things_told_of_a_bill() -> None:
    """Of three holds and their ends option 1 shows five, with their numbers among all."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL)]))
    for _ in range(3):
        box.cbp.hold("TSTC" + BILL, box.now)
        box.cbp.release("TSTC" + BILL, box.now)
    box.collect()
    records = ask(box, SampleQuery(issuer="TSTC", bill=BILL, limit="1"))
    told = [(r[13:16].strip(), r[74:77]) for r in records if r[:3] == "WR5"]
    assert told == [("1I", "002"), ("1H", "003"), ("1I", "004"), ("1H", "005"), ("1I", "006")]


def test_an_amended_quantity_stands_beside_the_first_one() -> None:
    """WR4 keeps the quantity first manifested, WN0 has the one in force."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL, quantity="3")]))
    assert not any(r[:3] == "WN0" for r in ask(box, OF_BILL))
    change = SampleBill(BILL, quantity="5", change="R", reason="11")
    box.send(manifest_309([change], kind="Y", reason="11", control=2))
    records = ask(box, OF_BILL)
    assert next(r[51:59] for r in records if r[:3] == "WR4") == "00000003"
    assert next(r[3:11] for r in records if r[:3] == "WN0") == "00000005"


def test_an_in_bond_shows_its_bills_and_where_it_stands() -> None:
    """On the way: a WS5 with zeroes after each bill; arrived at its destination: one WS4 before them, with the day."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL), SampleBill("25031000002")]))
    store = box.cbp.store
    store.run("insert into in_bond (number, kind, destination, carrier) values ('123456789', '61', '0401', 'TSTC')")
    store.run("update bill set in_bond = '123456789'")
    asked = SampleQuery(in_bond="123456789")
    records = ask(box, asked)
    assert [r[:3] for r in records] == ["WR1", "WR2", "WR4", "WS5", "WR4", "WS5", "WN1"]
    assert (records[3][3:17], records[3][75:77]) == ("OF" + "0" * 12, "61")
    assert records[2][3:15].rstrip() == "123456789"
    assert records[-1][3:35] == f"{'123456789':12}0901{'':8}09010401"
    box.arrive(TRIP)
    assert ask(box, asked)[3][3:5] == "ER"
    store.run("update in_bond set arrived_at = '2025-03-12T15:00:00.000000Z'")
    records = ask(box, asked)
    assert [r[:3] for r in records] == ["WR1", "WR2", "WS4", "WR4", "WR4", "WN1"]
    assert records[2][3:17].rstrip() == "AR031225"


ERRORS = [
    (SampleQuery(entry="12345689"), "WR0XYZ 12345689", "950", "ENTRY RECORD NOT FOUND"),
    (SampleQuery(entry=NUMBER + " "), f"WR0XYZ {NUMBER}", "950", "ENTRY RECORD NOT FOUND"),
    (SampleQuery(filer="ABC", entry=NUMBER), f"WR0ABC {NUMBER}", "X17", "FILER NOT AUTHORIZED"),
    (SampleQuery(filer="000", entry=NUMBER), f"WR0000 {NUMBER}", "B06", "ENTRY FILER UNKNOWN"),
    (SampleQuery(filer="XYZ"), "WR0XYZ", "B14", "ENTRY NUMBER MISSING"),
    (SampleQuery(filer="   ", entry=NUMBER), f"WR0    {NUMBER}", "B05", "ENTRY FILER MISSING"),
    (SampleQuery(issuer="TSTC", bill="NONE"), "WSA            TSTCNONE", "122", "BILL NBR NOT ON FILE"),
    (SampleQuery(bill="NONE"), "WSA                NONE", "176", "CARRIER CODE MISSING"),
    (SampleQuery(issuer="T1", bill="NONE"), "WSA            T1  NONE", "009", "INVALID CARRIER CODE"),
    (SampleQuery(issuer="TSTC"), "WSA            TSTC", "185", "BOL/IN-BOND NUMBER(S) MISSING"),
    (SampleQuery(in_bond="123456789"), "WSA123456789", "123", "INBOND NBR NOT ON FILE"),
    (SampleQuery(in_bond="123456789", issuer="AC"), "WSA123456789   AC", "123", "INBOND NBR NOT ON FILE"),
    (SampleQuery(air_waybill="12345678901"), "WSB12345678901", "122", "BILL NBR NOT ON FILE"),
    (SampleQuery(air_waybill="1234"), "WSB1234", "297", "INVALID AIRWAY BILL"),
    (SampleQuery(house="HOUSE1"), "WSB           HOUSE1", "297", "INVALID AIRWAY BILL"),
    (SampleQuery(), "WSA", "INE", "INSUFFICIENT DATA FOR QUERY"),
    (SampleQuery(entry=NUMBER, in_bond="123456789"), f"WR0XYZ {NUMBER}", "INE", "INSUFFICIENT DATA FOR QUERY"),
    (SampleQuery(entry=NUMBER, limit="3"), f"WR0XYZ {NUMBER}", "INE", "INSUFFICIENT DATA FOR QUERY"),
    (SampleQuery(entry=NUMBER, with_bills="N"), f"WR0XYZ {NUMBER}", "INE", "INSUFFICIENT DATA FOR QUERY"),
    (SampleQuery(entry="1234567a"), "WR0XYZ 1234567a", "X40", "NON-STANDARD DATA FOUND"),
    (SampleQuery(issuer="T*", bill="NONE"), "WSA            T*  NONE", "X40", "NON-STANDARD DATA FOUND"),
]


@pytest.mark.parametrize(("query", "begins", "code", "text"), ERRORS)
def test_a_query_without_an_answer_says_why(query: SampleQuery, begins: str, code: str, text: str) -> None:
    """One WR0, WSA or WSB with code and text; the good query beside it is answered; the transcript has the place."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    place = {"0": (29, 32), "A": (31, 34), "B": (26, 29)}[begins[2]]
    record, *rest = ask(box, query, OF_ENTRY)
    assert record[: place[0]].rstrip() == begins
    assert record[place[0] : place[1]] == code
    assert record[place[1] :].rstrip() == text
    assert rest[0][:4] == "WO10"
    noted = box.cbp.store.row("select verdict from transcript where direction = 'in' order by id desc limit 1")
    assert noted is not None
    verdict = json.loads(noted["verdict"])
    assert verdict["result"] == "C1 1 of 2 answered"
    (reason,) = verdict["reasons"]
    assert (reason["code"], reason["place"]) == (code, "record 3")
    assert reason["reference"].startswith("Status Query v21")


def test_data_in_filler_is_an_error_of_one_query() -> None:
    """X39 comes in a WR0 of that query, not as a rejected batch."""
    box = cbp()
    batch = queries_cq([OF_ENTRY, OF_BILL])
    (answer,) = box.send(batch.replace(b"WR1    XYZ", b"WR1 X  XYZ"))
    lines = answer.payload.decode().splitlines()
    assert lines[2][29:32] == "X39"
    assert lines[3][31:34] == "122"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("WR1    XYZ", "WR2    XYZ", "X34"), ("Y  0901XYZCQ", "Y  0901XYZSE", "X32"), ("Z0901XYZ", "Z0901XYY", "X14")],
)
def test_a_broken_envelope_rejects_the_batch(old: str, new: str, code: str) -> None:
    """Unknown records and trailers that do not match reject a query batch like any other."""
    (answer,) = cbp().send(queries_cq([OF_ENTRY]).replace(old.encode(), new.encode()))
    assert answer.kind == "X1"
    assert f"X1 F{code}" in answer.payload.decode()


def test_another_filer_is_not_told() -> None:
    """The entry filer must be the filer of the block, whoever asks."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    (record,) = ask(box, SampleQuery(filer="XYZ", entry=NUMBER), filer="ABC")
    assert record[29:32] == "X17"


@pytest.mark.parametrize(
    ("clock", "found"),
    [("2025-09-10T08:59:00-04:00", True), ("2025-09-10T09:00:00-04:00", True), ("2025-09-10T09:01:00-04:00", False)],
)
def test_entries_are_shown_for_six_months(clock: str, found: bool) -> None:
    """After half a year an entry is no longer found."""
    box = cbp(unmatched_first_days=999)
    box.send(entries_se([ENTRY]))
    box.set_clock(clock)
    (first, *_) = ask(box, OF_ENTRY)
    assert (first[:4] == "WO10") is found
    assert found or first[29:32] == "950"


@pytest.mark.parametrize(
    ("now", "then"),
    [("2025-08-31T12:00:00-04:00", "2025-02-28"), ("2025-03-15T12:00:00-04:00", "2024-09-15")],
)
def test_six_months_end_on_a_day_that_there_is(now: str, then: str) -> None:
    """Six months before the end of August is the end of February."""
    assert months_before(instant(now), 6).date() == date.fromisoformat(then)


def test_too_much_output_is_a_system_failure() -> None:
    """Beyond the limit every query of the block fails with ZZZ, and the next block is answered."""
    box = cbp(query_output_limit=20)
    entries = [SampleEntry(f"{n:07d}", f"2503{n:05d}") for n in range(1, 6)]
    box.send(entries_se(entries))
    asked = [SampleQuery(entry=one.number[3:]) for one in entries]
    records = ask(box, *asked)
    assert [r[:3] + r[29:32] for r in records] == ["WR0ZZZ"] * 5
    assert records[0][32:].rstrip() == "** ACE SYSTEM FAILURE **"
    assert len(ask(box, *asked[:3])) == 15


def test_the_same_question_gets_a_fresh_answer() -> None:
    """The same bytes asked again are answered from the books of then; under the same message identifier they are not
    asked again.
    """
    box = cbp()
    question = queries_cq([OF_ENTRY])
    (first,) = box.send(question, message_id="<1@example>")
    assert b"WR0XYZ" in first.payload
    box.send(entries_se([ENTRY]))
    (again,) = box.send(question, message_id="<1@example>")
    assert again.payload == first.payload
    (fresh,) = box.send(question, message_id="<2@example>")
    assert b"WO100901XYZ" in fresh.payload
    assert b"WO100901XYZ" in box.send(question)[0].payload


def test_lost_and_late_statuses_are_in_the_books() -> None:
    """What was never sent (SILENT) or is still on its way (LATE) is told to the one who asks."""
    for number in ("SILENT01", "LATE0001"):
        box = cbp()
        box.send(manifest_309([SampleBill(number)]))
        assert not [a for a in box.send(entries_se([SampleEntry("1234567", number)])) if a.kind == "SO"]
        assert codes(ask(box, OF_ENTRY), "WO60") == ["97"]


def test_a_refused_or_garbled_file_leaves_no_entry() -> None:
    """In doubt settles itself: what CBP refused is not found, what it took is, also when its answer was lost."""
    box = cbp()
    box.send(entries_se([SampleEntry("1234567", "REJ4700001"), SampleEntry("7654321", "SILENT01")]))
    refused, taken, *_ = ask(box, OF_ENTRY, SampleQuery(entry=SampleEntry("7654321", "1").number[3:]))
    assert refused[29:32] == "950"
    assert taken[:4] == "WO10"
