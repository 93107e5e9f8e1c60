"""The life of an entry as its SOs tell it: what each repeats, days without a bill, quantities, in-bonds, deleted bills,
releases ahead of the arrival and the law's cut-over. All of it reads well with the gateway's own readers.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.outcomes import read_response
from sandbox.cbp import Answer
from sandbox.markers import MARKERS
from sandbox.samples import SampleBill, SampleEntry, SampleQuery, entries_se, manifest_309, queries_cq
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.catair import read_batches
from schemas.profile import load_profile

MARCH = "2025-03-10T09:00:00-04:00"
BEFORE_THE_CUT = "2025-08-28T22:00:00-04:00"
THE_CUT = "2025-08-29T00:01:00-04:00"
TRIP = "TSTC2503100001"
BILL = "25031000001"
ENTRY = SampleEntry("1234567", BILL)
OF_ENTRY = SampleQuery(entry=ENTRY.number[3:])


def cbp(clock: str = MARCH, path: Path | None = None, **conduct: Any) -> LoopbackCbp:
    """A fresh CBP whose trucks come when told."""
    return LoopbackCbp(clock, behaviour=Behaviour(arrive_at_eta=False, **conduct), path=path)


def told(answers: list[Answer]) -> list[str]:
    """One text for each SO: codes of SO50, SO60 and SO70."""
    out: list[str] = []
    for line in (r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()):
        if line[:4] == "SO10":
            out.append("")
        elif line[:4] in {"SO50", "SO60"}:
            out[-1] = f"{out[-1]} {line[14:16]}".strip()
        elif line[:4] == "SO70":
            out[-1] += f" {line[4:7]}:{line[20:22]}"
    return out


def records(answers: list[Answer], name: str) -> list[str]:
    """Records of the SOs under a name."""
    return [r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines() if r[:4] == name]


def asked(box: LoopbackCbp) -> list[str]:
    """The records of the C1 on the entry."""
    (answer,) = box.send(queries_cq([OF_ENTRY]))
    return answer.payload.decode().splitlines()[2:-2]


# ----------------------------------------------------------------------------------------- what an SO repeats


def test_each_so_repeats_what_holds_with_its_own_time() -> None:
    """After the hold the SO still carries ADMISSIBLE of 9:00; RELEASED takes its place, and ONEUSG stands beside it."""
    box = cbp()
    number = "HOLD0001"
    assert told(box.send(entries_se([SampleEntry("1234567", number)]))) == ["91"]
    assert told(box.send(manifest_309([SampleBill(number)]))) == ["93 97"]
    box.advance(hours=7)
    answers = box.arrive(TRIP)
    assert told(answers) == ["51 97"]
    assert records(answers, "SO60")[0][4:14] == "0310250900"
    assert records(answers, "SO50")[0][4:14] == "0310251600"
    answers = box.advance(minutes=30)
    assert told(answers) == ["54 98", "95 98 01"]
    for name in ("SO10", "SO20", "SO30", "SO40"):
        first, second = records(answers, name)
        assert first == second


def test_an_so_may_tell_the_news_alone() -> None:
    """With the switch off nothing is repeated but header, references, lines and bills."""
    box = cbp(repeat_dispositions=False)
    box.send(entries_se([ENTRY]))
    box.send(manifest_309([SampleBill(BILL)]))
    assert told(box.arrive(TRIP)) == ["95 98", "95 01"]


def test_a_release_after_a_revocation_has_a_new_date() -> None:
    """Taken back and given again: 22 and 98 with origin 09, not a removed release date."""
    box = cbp()
    number = "REVOKE01"
    box.send(entries_se([SampleEntry("1234567", number)]))
    box.send(manifest_309([SampleBill(number)]))
    box.arrive(TRIP)
    assert told(box.advance(minutes=1)) == ["95 99"]
    box.cbp.release("TSTCREVOKE01", box.now)
    answers = box.collect()
    assert told(answers) == ["95 22 98", "95 98 01"]
    assert [r[56:64] for r in records(answers, "SO60")][:2] == ["03102509", "03102509"]


# ----------------------------------------------------------------------------------------- days without a bill


def test_an_entry_without_its_bill_is_reminded_warned_and_cancelled() -> None:
    """26 after 30 days, 28 with the warning 25 after 60, 23 seven days later; then it is cancelled for good."""
    box = cbp()
    assert told(box.send(entries_se([ENTRY]))) == ["91"]
    expected = {30: ["91 26"], 60: ["91 28 25"], 67: ["91 23"]}
    for day in range(1, 75):
        assert told(box.advance(days=1)) == expected.get(day, []), day
    assert [r[14:16] for r in asked(box) if r[:4] == "WO60"] == ["26", "28", "25", "23"]
    again = box.send(entries_se([SampleEntry("1234567", BILL, action="R")], reference="LATE"))
    assert b"SE9011Z51" in again[0].payload


def test_a_bill_in_time_ends_the_waiting_and_its_loss_begins_it_anew() -> None:
    """Matched after ten days there is no reminder on the 30th; from the day the bill is deleted (61) the days are
    counted anew.
    """
    box = cbp()
    box.send(entries_se([ENTRY]))
    box.advance(days=10)
    day = box.now.strftime("%Y%m%d")
    box.send(manifest_309([SampleBill(BILL)], day=day))
    assert told(box.advance(days=5)) == []
    gone = manifest_309([SampleBill(BILL, change="D", reason="03")], kind="Y", reason="03", control=2, day=day)
    assert told(box.send(gone)) == ["61"]
    assert told(box.advance(days=29)) == []
    assert told(box.advance(days=1)) == ["61 26"]


def test_a_replaced_entry_goes_on_waiting() -> None:
    """A replacement of an entry that waits for its bill does not start the days anew."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    box.advance(days=20)
    assert told(box.send(entries_se([SampleEntry("1234567", BILL, action="R", value=46)]))) == ["91 88", "91"]
    assert told(box.advance(days=10)) == ["91 26"]


def test_the_days_are_counted_over_a_restart(tmp_path: Path) -> None:
    """The books on disk remember what is to come."""
    box = cbp(path=tmp_path / "books.db")
    box.send(entries_se([ENTRY]))
    now = box.now
    box.close()
    later = LoopbackCbp(now + timedelta(days=31), path=tmp_path / "books.db")
    assert told(later.collect()) == ["91 26"]
    later.close()


# ----------------------------------------------------------------------------------------- quantities, in-bonds, bills


def test_more_than_manifested_is_no_match() -> None:
    """58 and no release while the entry claims more than the bill; the corrected entry matches and is released."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL, quantity="2")]))
    assert told(box.send(entries_se([SampleEntry("1234567", BILL, quantity=3)]))) == ["58"]
    answers = box.arrive(TRIP)
    assert [a.kind for a in answers] == ["SO"]
    assert told(answers) == ["58"]
    answers = box.send(entries_se([SampleEntry("1234567", BILL, action="U", quantity=2)], reference="U"))
    assert told(answers) == ["93 97", "95 98", "95 98 01"]


def test_an_amended_bill_is_matched_anew() -> None:
    """A bill amended below what the entry says loses the match (58), amended back it is matched again."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL, quantity="3")]))
    assert told(box.send(entries_se([SampleEntry("1234567", BILL, quantity=3)]))) == ["93 97"]
    for quantity, control, expected in (("1", 2, ["58"]), ("3", 3, ["93 97"])):
        change = SampleBill(BILL, quantity=quantity, change="R", reason="11")
        assert told(box.send(manifest_309([change], kind="Y", reason="11", control=control))) == expected


def test_an_in_bond_that_is_not_on_file() -> None:
    """59 while the in-bond that the entry names is not that of the bill; on file it stands in SO42."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL)]))
    answers = box.send(entries_se([SampleEntry("1234567", BILL, in_bond="123456789")]))
    assert told(answers) == ["59"]
    assert len(records(answers, "SO40")) == 1
    assert records(answers, "SO42") == []
    store = box.cbp.store
    store.run("insert into in_bond (number, kind, destination, carrier) values ('123456789', '61', '0401', 'TSTC')")
    store.run("update bill set in_bond = '123456789'")
    answers = box.send(entries_se([SampleEntry("1234567", BILL, action="U", in_bond="123456789")], reference="U"))
    assert told(answers) == ["93 97"]
    assert [r.rstrip() for r in records(answers, "SO42")] == ["SO42123456789   6109010401031025"]


def test_a_bill_deleted_after_the_arrival_leaves_the_release_alone() -> None:
    """62 for an entry that is released; a cancelled entry is told nothing."""
    box = cbp()
    box.send(manifest_309([SampleBill(BILL)]))
    box.send(entries_se([ENTRY]))
    box.arrive(TRIP)
    store = box.cbp.store
    with store.transaction():
        store.run("update bill set state = 'DELETED'")
        box.cbp.border.bills_deleted(["TSTC" + BILL], box.now)
    assert told(box.collect()) == ["62 98 01"]
    store.run("update entry set state = 'CANCELLED'")
    with store.transaction():
        box.cbp.border.bills_deleted(["TSTC" + BILL], box.now)
    assert box.collect() == []


# ----------------------------------------------------------------------------------------- ahead of the arrival


def test_a_release_ahead_of_the_arrival_gets_its_day_when_the_truck_is_here() -> None:
    """98 with origin 02 and the day expected; at arrival 22 with origin 03 beside it, and no second ONEUSG."""
    box = cbp(release_ahead=True)
    box.send(manifest_309([SampleBill(BILL)]))
    answers = box.send(entries_se([ENTRY]))
    assert told(answers) == ["93 97 98", "93 98 01"]
    assert records(answers, "SO60")[1][56:64] == "03102502"
    box.advance(days=1)
    answers = box.arrive(TRIP)
    assert told(answers) == ["95 98 01 22"]
    assert records(answers, "SO60")[-1][56:64] == "03112503"
    assert [a.kind for a in answers].count("350") == 1


def test_a_hold_at_arrival_takes_a_release_ahead_back() -> None:
    """51 with 99; after the hold 22 and 98 with origin 09."""
    box = cbp(release_ahead=True)
    box.send(manifest_309([SampleBill("HOLD0001")]))
    assert told(box.send(entries_se([SampleEntry("1234567", "HOLD0001")]))) == ["93 97 98", "93 98 01"]
    assert told(box.arrive(TRIP)) == ["51 99"]
    assert told(box.advance(minutes=30)) == ["54 22 98", "95 98 01"]


def filed_before_the_cut(**conduct: Any) -> tuple[LoopbackCbp, list[str]]:
    """Two hours before type 86 ends: one entry of that type and one of type 11, and what was said of them."""
    box = cbp(BEFORE_THE_CUT, review_seconds=60, **conduct)
    box.send(manifest_309([SampleBill(BILL), SampleBill("25031000002")], day="20250828", time="2330"))
    old = SampleEntry("1234567", BILL, type="86", eda=("082825",))
    return box, told(box.send(entries_se([old, SampleEntry("7654321", "25031000002")])))


@pytest.mark.parametrize(
    ("conduct", "at_the_cut", "at_arrival"),
    [
        ({}, [], ["95 29", "95 98", "95 98 01"]),
        ({"cut_over_releases": False, "release_ahead": True}, [], ["95 99 29", "95 98 01 22"]),
        ({"release_ahead": True}, ["93 99"], ["95 29", "95 98 01 22"]),
        ({"cut_over_admissible": True}, ["93 29"], ["95 29", "95 98", "95 98 01"]),
    ],
)
def test_the_cut_over_takes_back_what_was_granted_ahead(
    conduct: dict[str, Any], at_the_cut: list[str], at_arrival: list[str]
) -> None:
    """At the minute the release of a type 86 entry is suspended; an admissible one hears of it only at arrival, unless
    told otherwise. Type 11 is not touched.
    """
    box, _ = filed_before_the_cut(**conduct)
    assert told(box.set_clock("2025-08-29T00:00:59-04:00")) == []
    assert told(box.set_clock(THE_CUT)) == at_the_cut
    assert told(box.arrive(TRIP)) == at_arrival


def test_the_cut_over_leaves_alone_what_has_arrived() -> None:
    """A type 86 entry whose truck came before the minute stays released; its cancellation is still taken after it."""
    box, _ = filed_before_the_cut()
    box.arrive(TRIP)
    assert told(box.set_clock(THE_CUT)) == []
    cancel = SampleEntry("1234567", BILL, type="86", action="D", reason="08")
    assert b"SE9004" in box.send(entries_se([cancel]))[0].payload
    assert told(box.advance(minutes=1)) == ["95 23"]


def test_the_cut_over_is_remembered_over_a_jump_of_the_clock() -> None:
    """The step is there once, however many entries come, and is done at its own time when the clock jumps past it."""
    box, _ = filed_before_the_cut(release_ahead=True)
    box.send(entries_se([SampleEntry("0000009", "9", type="86", eda=("082825",))], reference="MORE"))
    assert box.cbp.store.count("select count(*) from step where kind = 'cut-over'") == 1
    answers = box.set_clock("2025-09-01T12:00:00-04:00")
    assert told(answers) == ["93 99"]
    assert records(answers, "SO60")[0][4:14] == "0829250001"


def test_ineligible_origins_are_cut_off_in_may() -> None:
    """From 2 May 2025 a type 86 entry with goods of China loses its release (33, 99) and is not released at arrival."""
    for ahead, at_the_cut, at_arrival in ((True, ["93 33 99"], "95 33"), (False, [], "95 33")):
        box = cbp("2025-05-01T22:00:00-04:00", release_ahead=ahead)
        box.send(manifest_309([SampleBill(BILL, origin="CN")], day="20250501", time="2330"))
        box.send(entries_se([SampleEntry("1234567", BILL, type="86", origin="CN", eda=("050125",))]))
        assert told(box.set_clock("2025-05-02T00:01:00-04:00")) == at_the_cut
        answers = box.arrive(TRIP)
        assert told(answers) == [at_arrival]
        assert b"*1C**TSTC" not in answers[0].payload


# ----------------------------------------------------------------------------------------- read by the gateway


@pytest.mark.parametrize("conduct", [{}, {"release_ahead": True}])
@pytest.mark.parametrize("clock", [MARCH, "2025-10-06T09:00:00-04:00"])
@pytest.mark.parametrize("marker", [*(f"{name}470" if name == "REJ" else name for name in MARKERS), "NONE"])
def test_every_so_and_c1_reads_without_a_problem(marker: str, clock: str, conduct: dict[str, Any]) -> None:
    """Whatever a marker brings, before and after the new layout of SO70, is sound for the gateway's readers."""
    number = f"{marker}0001"[:12]
    box = cbp(clock, **conduct)
    agency = ("OI        PROTEIN BAR", "PG01001FDAFOOPRO")
    entry = SampleEntry("1234567", number, agency_records=agency)
    day = box.now.strftime("%Y%m%d")
    answers = box.send(entries_se([entry]))
    answers += box.send(manifest_309([SampleBill(number)], day=day))
    answers += box.send(entries_se([SampleEntry("1234567", number, action="R", value=46)], reference="R"))
    answers += box.advance(minutes=5) + box.arrive(TRIP) + box.advance(hours=1)
    answers += box.send(entries_se([SampleEntry("1234567", number, action="D", reason="01")], reference="D"))
    answers += box.advance(minutes=5)
    for answer in answers:
        if answer.kind == "SO":
            reading = read_response(answer.payload, load_profile("default"))
            assert not reading.problems, (answer.payload.decode(), reading.problems)
            assert "unknown" not in {one.meaning for one in reading.outcomes}
    for limit in ("", "1", "2"):
        of_entry = SampleQuery(entry=entry.number[3:], limit=limit, with_bills="Y")
        of_bill = SampleQuery(issuer="TSTC", bill=number, limit=limit)
        (answer,) = box.send(queries_cq([of_entry, of_bill, SampleQuery(in_bond="123456789")]))
        file = read_batches(answer.payload)
        assert not file.errors, (answer.payload.decode(), file.errors)
