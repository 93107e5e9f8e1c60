"""Correction and cancellation requests: which are granted, which refused and why, and which version is in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.abi.entry_books import ASKED, IN_FORCE, REFUSED, REPLACED
from sandbox.abi.reviews import Case, Decision, calendar_days, decide
from sandbox.cbp import Answer
from sandbox.clock import instant
from sandbox.samples import SampleBill, SampleEntry, SampleQuery, entries_se, manifest_309, queries_cq
from sandbox.settings import Behaviour
from sandbox.store import stamp
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
TRIP = "TSTC2503100001"
BILL = "25031000001"
ENTRY = SampleEntry("1234567", BILL)
OTHER = SampleEntry("7654321", BILL)


def cbp(**conduct: Any) -> LoopbackCbp:
    """A fresh CBP whose trucks come when told and whose human takes a minute."""
    return LoopbackCbp(MARCH, behaviour=Behaviour(arrive_at_eta=False, review_seconds=60, **conduct))


def se90(answers: list[Answer]) -> list[str]:
    """Kind and code of the SE90 records."""
    return [
        r[4:9].strip()
        for a in answers
        if a.kind == "SX"
        for r in a.payload.decode().splitlines()
        if r.startswith("SE90")
    ]


def told(answers: list[Answer]) -> list[str]:
    """One text for each SO: codes of SO50 and SO60."""
    out: list[str] = []
    for line in (r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()):
        if line[:4] == "SO10":
            out.append("")
        elif line[:4] in {"SO50", "SO60"}:
            out[-1] = f"{out[-1]} {line[14:16]}".strip()
    return out


def why(answers: list[Answer]) -> list[str]:
    """Qualifier and text of RSN and CMT."""
    lines = [r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()]
    return [r[4:57].rstrip() for r in lines if r[:7] in {"SO20RSN", "SO20CMT"}]


def send(box: LoopbackCbp, entry: SampleEntry, action: str = "A", **changes: Any) -> list[Answer]:
    """File an action on an entry."""
    changed = replace(entry, action=action, **changes)
    return box.send(entries_se([changed], reference=f"{action}{box.cbp.store.count('select count(*) from received')}"))


def matched(number: str = BILL, **conduct: Any) -> tuple[LoopbackCbp, SampleEntry]:
    """A box with a bill and its entry."""
    box, entry = cbp(**conduct), replace(ENTRY, bill=number)
    box.send(manifest_309([SampleBill(number)]))
    send(box, entry)
    return box, entry


def versions(box: LoopbackCbp, entry: SampleEntry = ENTRY) -> list[tuple[str, str]]:
    """(action, state) of every version in the books."""
    return [(one["action"], one["state"]) for one in box.cbp.entry_versions(entry.number)]


def shown(box: LoopbackCbp, name: str) -> list[str]:
    """Records of a C1 on the entry."""
    (answer,) = box.send(queries_cq([SampleQuery(entry=ENTRY.number[3:])]))
    return [r for r in answer.payload.decode().splitlines() if r[:4] == name]


R, D = Case("R"), Case("D")
DECISIONS = [
    (R, Decision("88")),
    (D, Decision("23")),
    (replace(D, released=True), Decision("23")),
    (replace(R, released=True), Decision("86", "13", "ENTRY IS RELEASED")),
    (replace(R, cancelled=True), Decision("86", "13", "ENTRY IS CANCELLED")),
    (replace(D, cancelled=True), Decision("87", "13", "ENTRY IS CANCELLED")),
    (replace(R, marked=True, held=True), Decision("86", "13", "REFUSED BY MARKER")),
    (replace(R, held=True), Decision("86", "09", "ORIGINAL ENTRY IS ON HOLD")),
    (replace(D, held=True, agency_hold=True), Decision("87", "10", "ORIGINAL ENTRY IS ON HOLD")),
    (replace(R, agency_hold=True), Decision("86", "11", "ORIGINAL ENTRY IS ON PGA HOLD")),
    (replace(D, agency_hold=True), Decision("87", "12", "ORIGINAL ENTRY IS ON PGA HOLD")),
    (
        replace(R, new_port_after_arrival=True),
        Decision("86", "13", "AFTER ARRIVAL THE PORT IS CHANGED BY ACTION U"),
    ),
    (replace(D, replacement="missing"), Decision("87", "16", "PROVIDED REPLACEMENT ENTRY IS NOT ON FILE")),
    (replace(D, replacement="cancelled"), Decision("87", "01", "PROVIDED REPLACEMENT ENTRY IS IN CANCELLED STATUS")),
    (replace(D, replacement="other bill"), Decision("87", "14", "REPLACEMENT ENTRY HAS NOT THE SAME BILL")),
    (replace(D, replacement="open"), Decision("87", "02", "PROVIDED REPLACEMENT ENTRY IS IN OPEN STATUS")),
    (
        replace(D, replacement="in-bond deleted"),
        Decision("87", "03", "PROVIDED REPLACEMENT IN-BOND IS IN DELETED STATUS"),
    ),
    (
        replace(D, replacement="in-bond of another bill"),
        Decision("87", "15", "REPLACEMENT IN-BOND HAS NOT THE SAME BILL"),
    ),
    (
        replace(D, replacement="no FTZ admission"),
        Decision("87", "17", "PROVIDED REPLACEMENT FTZ ADM IS NOT ON FILE"),
    ),
    (replace(R, document="wanted"), Decision("84")),
    (replace(D, document="wanted"), Decision("85")),
    (replace(R, document="overdue"), Decision("86", "04", "REQUESTED DOCUMENT IS NOT IN DIS")),
    (replace(D, document="wanted", held=True), Decision("87", "10", "ORIGINAL ENTRY IS ON HOLD")),
]


@pytest.mark.parametrize(("case", "decision"), DECISIONS)
def test_decisions(case: Case, decision: Decision) -> None:
    """What the human says to a case; the gravest reason first, and every comment fits into an SO20."""
    assert decide(case) == decision
    assert len(decision.comment) <= 50


def test_without_a_match_it_takes_effect_at_once() -> None:
    """No bill yet: SX 02, then 88 and 23; the books keep all three versions."""
    box = cbp()
    send(box, ENTRY)
    answers = send(box, ENTRY, "R", value=50)
    assert (se90(answers), told(answers)) == (["02"], ["91 88", "91"])
    answers = send(box, ENTRY, "D", reason="01")
    assert (se90(answers), told(answers)) == (["02"], ["91 23"])
    assert versions(box) == [("A", REPLACED), ("R", REPLACED), ("D", IN_FORCE)]


def test_a_granted_correction_is_what_is_in_force() -> None:
    """While it is asked for, the old version is shown; after 88 the new one, and the old one is kept."""
    box, _ = matched()
    assert se90(send(box, ENTRY, "R", origin="MX")) == ["04"]
    assert versions(box) == [("A", IN_FORCE), ("R", ASKED)]
    assert [r[7:9] for r in shown(box, "WO30")] == ["CA"]
    answers = box.advance(minutes=1)
    assert told(answers) == ["93 97 88"]
    assert [r[7:9] for r in shown(box, "WO30")] == ["MX"]
    assert versions(box) == [("A", REPLACED), ("R", IN_FORCE)]
    kept = box.cbp.entry_versions(ENTRY.number)
    assert [one["body"]["lines"][0][1] for one in kept] == ["CA", "MX"]
    assert [one["decided_at"] for one in kept] == [kept[0]["asked_at"], box.now.isoformat()]
    assert told(box.arrive(TRIP)) == ["95 98", "95 98 01"]


def test_a_correction_to_another_bill_is_matched_anew() -> None:
    """88 with no bill, then 91; the other bill comes and the entry is admissible, the first one is without entry."""
    box, _ = matched()
    send(box, ENTRY, "R", bill="25031000002")
    assert told(box.advance(minutes=1)) == ["91 88", "91"]
    more = manifest_309([SampleBill("25031000002")], trip="TSTC2503100002", control=2)
    assert told(box.send(more)) == ["93 97"]
    assert b"*Z9**TSTC" in box.arrive(TRIP)[0].payload


@pytest.mark.parametrize(("action", "code"), [("R", "86"), ("D", "87")])
def test_a_marked_request_is_refused(action: str, code: str) -> None:
    """NOCHANGE: RSN 13 and a comment; what was in force stays, and the answer to a query says why."""
    box, entry = matched("NOCHANGE1")
    assert se90(send(box, entry, action, reason="01" if action == "D" else "", value=50)) == ["04"]
    answers = box.advance(minutes=1)
    assert told(answers) == [f"93 97 {code}"]
    assert why(answers) == ["RSN13", "CMTREFUSED BY MARKER"]
    assert versions(box) == [("A", IN_FORCE), (action, REFUSED)]
    assert [one["why"] for one in box.cbp.entry_versions(entry.number)] == ["", "13 REFUSED BY MARKER"]
    assert [r[4:9] for r in shown(box, "WO20")] == ["CR 12", "RSN13", "CMTRE"]
    assert told(box.arrive(TRIP)) == ["95 98", "95 98 01"]


@pytest.mark.parametrize(("action", "code", "reason"), [("R", "86", "09"), ("D", "87", "10")])
def test_on_hold(action: str, code: str, reason: str) -> None:
    """A request during a manifest hold is refused; after the hold a cancellation is granted."""
    box, entry = matched("HOLD0001")
    box.arrive(TRIP)
    send(box, entry, action, reason="01" if action == "D" else "")
    answers = box.advance(minutes=1)
    assert told(answers) == [f"51 97 {code}"]
    assert why(answers)[0] == f"RSN{reason}"
    box.advance(hours=1)
    assert se90(send(box, entry, "D", reason="07")) == ["04"]
    assert told(box.advance(minutes=1)) == ["95 23"]


@pytest.mark.parametrize(("action", "code", "reason"), [("R", "86", "11"), ("D", "87", "12")])
def test_on_agency_hold(action: str, code: str, reason: str) -> None:
    """A request while an agency holds the entry is refused with the reasons for agencies."""
    box, entry = matched("AGENCY01")
    send(box, entry, action, reason="01" if action == "D" else "")
    answers = box.advance(minutes=1)
    assert told(answers) == [f"93 90 {code}"]
    assert why(answers)[0] == f"RSN{reason}"


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([], "16"),
        ([("A", BILL), ("D", BILL)], "01"),
        ([("A", "25031000002")], "14"),
        ([("A", BILL)], ""),
    ],
)
def test_cleared_under_another_entry(others: list[tuple[str, str]], reason: str) -> None:
    """Reason 03 names another entry: it must be on file, not cancelled, and have the same bill."""
    box, _ = matched()
    for action, number in others:
        send(box, replace(OTHER, bill=number), action, reason="01" if action == "D" else "")
        box.advance(minutes=1)
    send(box, ENTRY, "D", reason="03", references=(f"EN {OTHER.number}",))
    answers = box.advance(minutes=1)
    assert told(answers)[-1].split()[-1] == ("87" if reason else "23")
    assert why(answers)[:1] == ([f"RSN{reason}"] if reason else [])


def test_a_replacement_that_has_not_found_its_bill_is_open() -> None:
    """Reason 03 names an entry that still looks for its bill: refused with RSN 02; a while later it is granted."""
    box, _ = matched(answer_delay=600)
    box.advance(minutes=20)
    send(box, OTHER)
    send(box, ENTRY, "D", reason="03", references=(f"EN {OTHER.number}",))
    assert why(box.advance(minutes=1))[:1] == ["RSN02"]
    box.advance(minutes=20)
    send(box, ENTRY, "D", reason="03", references=(f"EN {OTHER.number}",))
    assert told(box.advance(minutes=1))[-1].split()[-1] == "23"


@pytest.mark.parametrize(
    ("number", "deleted", "reason"),
    [("123456782", False, "15"), ("123456782", True, "03"), ("987654320", False, "")],
)
def test_replaced_by_an_in_bond(number: str, deleted: bool, reason: str) -> None:
    """Reason 02 names an in-bond: one that was carried with another bill or was deleted is refused, one that no
    manifest carried is taken.
    """
    box, _ = matched()
    moving = SampleBill("25031000009", in_bond="123456782")
    box.send(manifest_309([moving], trip="TSTC2503100009", control=9))
    if deleted:
        box.send(manifest_309([], trip="TSTC2503100009", kind="3", control=10))
    send(box, ENTRY, "D", reason="02", references=(f"IB {number}",))
    answers = box.advance(minutes=1)
    assert told(answers)[-1].split()[-1] == ("87" if reason else "23")
    assert why(answers)[:1] == ([f"RSN{reason}"] if reason else [])


@pytest.mark.parametrize(("on_file", "reason"), [((), ""), (("ADM1",), ""), (("ADM2",), "17")])
def test_replaced_by_an_ftz_admission(on_file: tuple[str, ...], reason: str) -> None:
    """Reason 04 names an admission: where the switch lists those on file, another one is refused."""
    box, _ = matched(ftz_admissions_on_file=on_file)
    send(box, ENTRY, "D", reason="04", references=("FTZADM1",))
    answers = box.advance(minutes=1)
    assert told(answers)[-1].split()[-1] == ("87" if reason else "23")
    assert why(answers)[:1] == ([f"RSN{reason}"] if reason else [])


def test_a_document_is_wanted_first() -> None:
    """DOCS: 84 with the document, and 86 with reason 04 when it is still missing at the second look."""
    box, entry = matched("DOCS0001")
    assert se90(send(box, entry, "R", value=50)) == ["04"]
    answers = box.advance(minutes=1)
    assert told(answers) == ["93 96 84"]
    wanted = [r for a in answers for r in a.payload.decode().splitlines() if r[:4] == "SO60"]
    assert [r[64:70].strip() for r in wanted] == ["CBP01", "CBP01"]
    answers = box.advance(minutes=1)
    assert told(answers) == ["93 96 86"]
    assert why(answers) == ["RSN04", "CMTREQUESTED DOCUMENT IS NOT IN DIS"]


def test_a_request_with_its_document_is_decided() -> None:
    """With a DIS reference the cancellation is granted at the first look."""
    box, entry = matched("DOCS0001")
    send(box, entry, "D", reason="07", references=("DISPAPER1",))
    assert told(box.advance(minutes=1)) == ["93 23"]


def test_after_arrival_and_release() -> None:
    """R is refused outright, D is a request that is granted, U changes the port for 15 calendar days."""
    box, _ = matched()
    box.arrive(TRIP)
    assert se90(send(box, ENTRY, "R")) == ["11Z52", "01"]
    assert se90(send(box, ENTRY, "U", port="0901")) == ["02"]
    box.advance(days=15)
    assert se90(send(box, ENTRY, "U", port="0903")) == ["02"]
    assert shown(box, "WO10")[0][4:8] == "0903"
    box.set_clock("2025-03-26T00:00:30-04:00")
    assert se90(send(box, ENTRY, "U", port="0901")) == ["11Z53", "01"]
    assert se90(send(box, ENTRY, "D", reason="07")) == ["04"]
    assert told(box.advance(minutes=1)) == ["95 23"]
    assert versions(box) == [("A", REPLACED), ("U", REPLACED), ("U", REPLACED), ("D", IN_FORCE)]


def test_after_arrival_without_a_release() -> None:
    """Arrived for an exam: a correction is a request and granted, one of the port is refused, U changes it."""
    box, entry = matched("EXAM0001")
    box.arrive(TRIP)
    assert se90(send(box, entry, "R", value=46)) == ["04"]
    assert told(box.advance(minutes=1)) == ["95 03 88"]
    assert se90(send(box, entry, "R", port="0903")) == ["04"]
    assert why(box.advance(minutes=1))[0] == "RSN13"
    assert se90(send(box, entry, "U", port="0903")) == ["02"]
    assert shown(box, "WO10")[0][4:8] == "0903"


def test_the_port_may_be_replaced_before_the_arrival() -> None:
    """R with another port before arrival is granted like any correction."""
    box, _ = matched()
    send(box, ENTRY, "R", port="0903")
    assert told(box.advance(minutes=1)) == ["93 97 88"]
    assert shown(box, "WO10")[0][4:8] == "0903"


def test_released_between_request_and_decision() -> None:
    """A correction asked for in time and overtaken by the release is refused."""
    box, _ = matched()
    send(box, ENTRY, "R", value=50)
    box.arrive(TRIP)
    answers = box.advance(minutes=1)
    assert told(answers) == ["95 98 01 86"]
    assert why(answers) == ["RSN13", "CMTENTRY IS RELEASED"]


def test_each_request_gets_its_own_decision() -> None:
    """Two corrections and a cancellation are decided one after the other; what comes after the end is refused."""
    box, _ = matched()
    for seconds, (action, value) in enumerate([("R", 46), ("R", 47), ("D", 47), ("R", 48)]):
        box.advance(seconds=seconds and 1)
        assert se90(send(box, ENTRY, action, value=value, reason="01" if action == "D" else "")) == ["04"]
    assert told(box.advance(minutes=2)) == ["93 97 88", "93 97 88", "93 23", "93 23 86"]
    assert versions(box) == [
        ("A", REPLACED),
        ("R", REPLACED),
        ("R", REPLACED),
        ("D", IN_FORCE),
        ("R", REFUSED),
    ]


def test_calendar_days_are_counted_in_the_east() -> None:
    """A release late in the evening is a day old after midnight."""
    released = stamp(instant("2025-03-10T23:59:00-04:00"))
    assert calendar_days(released, instant("2025-03-10T23:59:59-04:00")) == 0
    assert calendar_days(released, instant("2025-03-11T00:00:00-04:00")) == 1
