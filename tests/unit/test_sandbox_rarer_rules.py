"""The rules of the broker's side that need more than one change to a good file, and that no rule is without a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.abi.cargo_conditions import ROWS
from sandbox.abi.summary_conditions import CONDITIONS
from sandbox.samples import SampleBill, SampleEntry, SampleSummary, entries_se, manifest_309, summaries_ae
from tests.sandbox_kit import Change, after, all_of, at, cbp, complaints, dispositions, e1, same, se90, without
from tests.unit.test_sandbox_summary_rules import DUMPING, FORMAL, INFORMAL, VESSEL

ENTRY = SampleEntry("1234567", "25031000001")
TYPE_86 = SampleEntry("1234567", "25031000001", type="86")
COUNTERVAILING = all_of(
    DUMPING,
    at("53", 3, "C"),
    at("88", 15, f"{0:011d}"),
    at("88", 39, f"{30510:011d}"),
    at("90", 39, f"{0:011d}"),
    at("90", 51, f"{30510:011d}"),
)
PARTY = ("SE30CN PAT TESTWELL", "SE3515 1 EXAMPLE ST", f"SE36{'BUFFALO':35}NY       14201          US")
LINE_PARTY = (f"SE50CN {'PAT TESTWELL':35}", f"SE5515{'1 EXAMPLE ST':35}", f"SE56{'BUFFALO':35}NY {'':6}{'14201':15}US")


def cargo(change: Change, entry: SampleEntry = ENTRY, **conduct: Any) -> list[tuple[str, str]]:
    """What the SX complains of."""
    return complaints(cbp(**conduct).send(change(entries_se([entry]))))


def summary(change: Change, one: SampleSummary) -> list[tuple[str, str]]:
    """What the AX complains of."""
    return e1(cbp().send(change(summaries_ae([one]))))


PIPELINE = all_of(
    at("SE10", 37, "70"),
    at("SE10", 56, "0901"),
    at("SE15", 73, "Y"),
    at("SE15", 60, " " * 8),
    after("SE15", "SE16TSTC0045103102500000001"),
)
CARGO: list[tuple[SampleEntry, Change, list[tuple[str, str]]]] = [
    (TYPE_86, same, []),
    (TYPE_86, after("SE15", f"SE15RTSTC{'1002':50}00000001     N"), [("SE10", "Z38")]),
    (TYPE_86, after("SE40", *LINE_PARTY), [("SE10", "Z39")]),
    (ENTRY, PIPELINE, [("SE16", "Z63")]),
    (ENTRY, all_of(PIPELINE, at("SE16", 33, "LINE 5")), []),
    (ENTRY, after("SE15", *[f"SE15RTSTC{n:<50}00000001     N" for n in range(998)]), []),
    (ENTRY, after("SE15", *[f"SE15RTSTC{n:<50}00000001     N" for n in range(999)]), [("SE15", "Z60")]),
    (ENTRY, at("SE35", 7, " " * 35), [("SE35", "Z02")]),
    (SampleEntry("1234567", "REJECT01"), same, [("SE10", "Z98")]),
    (SampleEntry("1234567", "REJ0071"), same, [("SE10", "007")]),
]


@pytest.mark.parametrize(("entry", "change", "expected"), CARGO)
def test_cargo_release(entry: SampleEntry, change: Change, expected: list[tuple[str, str]]) -> None:
    """Type 86's one bill and one consignee, pipelines, 999 bills, an absent name, the marker REJ."""
    assert cargo(change, entry) == expected


def test_the_type_of_an_entry_stays() -> None:
    """A replacement with another entry type is refused with 210."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    other = entries_se([SampleEntry("1234567", "25031000001", type="86", action="R")], reference="NEXT")
    assert complaints(box.send(other)) == [("SE10", "210")]


def test_an_update_comes_within_fifteen_days_of_the_release() -> None:
    """On the fifteenth day it is taken, on the sixteenth refused."""
    box = cbp()
    box.send(manifest_309([SampleBill("25031000001")]))
    box.send(entries_se([ENTRY]))
    box.arrive("TSTC2503100001")
    update = SampleEntry("1234567", "25031000001", action="U")
    box.set_clock("2025-03-25T08:00:00-04:00")
    assert se90(box.send(entries_se([update], reference="FIFTEEN"))) == [("02", "")]
    box.set_clock("2025-03-27T08:00:00-04:00")
    assert complaints(box.send(entries_se([update], reference="LATER"))) == [("SE10", "Z53")]


@pytest.mark.parametrize(("port", "refused"), [("0901", False), ("0904", False), ("3801", True)])
def test_the_district_of_a_block(port: str, refused: bool) -> None:
    """An entry of another district than its block's is refused, unless ``check_block_district`` is off."""
    elsewhere = at("SE10", 50, port)
    assert cargo(elsewhere) == ([("SE10", "Z06")] if refused else [])
    assert cargo(elsewhere, check_block_district=False) == []


MIDDLE = SampleSummary("1234567", type="01", value=20_000, fee=(6928, 6929))
UPPER = SampleSummary("1234567", type="01", value=200_000, fee=(69280, 63463))
IN_BOND = all_of(after("11", "2200000001PCS", "23I    123456789", "23MTSTCBILL1"), at("10", 36, "30"))
BY_SEA = all_of(VESSEL, after("62", f"62501{375:08d}"))
DUTY_BY_MAIL = all_of(at("10", 36, "50"), without("34"), without("89"), at("90", 15, f"{0:011d}"))
MAIL_FEE = all_of(DUTY_BY_MAIL, after("11", f"34496{650:08d}"), after("50", f"89496{650:011d}"))
SUMMARY: list[tuple[SampleSummary, Change, list[tuple[str, str]]]] = [
    (INFORMAL, at("10", 46, "N"), [("SUMMRY", "157"), ("SUMMRY", "159")]),
    (FORMAL, all_of(DUMPING, at("10", 42, "Y")), [("SUMMRY", "229")]),
    (INFORMAL, all_of(IN_BOND, after("11", f"20{'':49}133125")), [("SUMMRY", "189")]),
    (INFORMAL, all_of(IN_BOND, after("11", f"20{'':49}020123")), [("SUMMRY", "190"), ("SUMMRY", "192")]),
    (FORMAL, COUNTERVAILING, []),
    (FORMAL, all_of(DUMPING, at("53", 25, "3000      ")), [("ADDCVD", "537")]),
    (FORMAL, all_of(DUMPING, at("53", 35, "0           ")), [("ADDCVD", "538")]),
    (
        FORMAL,
        all_of(DUMPING, at("53", 47, "30510     ")),
        [("ADDCVD", "539"), ("ADDCVD", "576"), ("TOTALS", "739"), ("TOTALS", "745")],
    ),
    (FORMAL, all_of(DUMPING, at("88", 3, " " * 11)), [("TOTALS", "736")]),
    (FORMAL, all_of(DUMPING, at("88", 27, " " * 11)), [("TOTALS", "740")]),
    (FORMAL, all_of(DUMPING, at("88", 39, " " * 11)), [("TOTALS", "742")]),
    (FORMAL, all_of(COUNTERVAILING, at("88", 39, f"{30511:011d}")), [("TOTALS", "743")]),
    (FORMAL, after("50", f"61   {0:010d}"), [("LINITM", "763")]),
    (FORMAL, after("50", "616720         "), [("LINITM", "766")]),
    (MIDDLE, same, [("FEETOT", "641")]),
    (UPPER, same, [("FEETOT", "640")]),
    (FORMAL, all_of(BY_SEA, at("89", 17, f"501{374:011d}"), at("90", 15, f"{3646:011d}")), [("FEETOT", "719")]),
    (
        FORMAL,
        all_of(after("62", f"62056{100:08d}"), at("89", 17, f"056{99:011d}"), at("90", 15, f"{3371:011d}")),
        [("FEETOT", "720")],
    ),
    (INFORMAL, all_of(MAIL_FEE, at("90", 15, f"{650:011d}")), []),
    (INFORMAL, all_of(MAIL_FEE, at("89", 6, f"{651:011d}"), at("90", 15, f"{650:011d}")), [("FEETOT", "730")]),
    (
        INFORMAL,
        all_of(at("34", 14, f"500{400:08d}"), at("89", 17, f"500{401:011d}"), at("90", 15, f"{662:011d}")),
        [("HDRFEE", "250"), ("FEETOT", "732")],
    ),
    (SampleSummary("1234567", reference="REJ"), same, [("SUMMRY", "Z98")]),
]


@pytest.mark.parametrize(("one", "change", "expected"), SUMMARY)
def test_entry_summary(one: SampleSummary, change: Change, expected: list[tuple[str, str]]) -> None:
    """In-bond dates, cases of both kinds, other revenue, and each fee's total under its own condition."""
    assert summary(change, one) == expected


SYNTAX: list[tuple[Change, str]] = [
    (without("10"), "A00"),
    (after("11", "QQ"), "A02"),
    (after("90", *["40"] * 998), "A04"),
    (at("40", 4, "X"), "X39"),
    (at("44", 3, "cotton"), "X40"),
]


@pytest.mark.parametrize(("change", "code"), SYNTAX)
def test_the_syntax_of_a_summary(change: Change, code: str) -> None:
    """The whole batch is rejected with the dictionary's condition for the fault."""
    answers = cbp().send(change(summaries_ae([INFORMAL])))
    assert e1(answers)[0][1] == code
    assert ("R", "999", "") in dispositions(answers)


def test_every_rule_has_a_test() -> None:
    """Each code of both tables stands in the tests of the broker's side; those for nobody to reach are named."""
    folder = Path(__file__).parents[1]
    files = [*folder.glob("unit/test_sandbox_*.py"), *folder.glob("integration/test_independent_eye_*.py")]
    told = "".join(file.read_text() for file in files)
    codes = {row.code for row in ROWS.values()} | set(CONDITIONS)
    assert sorted(code for code in codes if f'"{code}"' not in told) == []
