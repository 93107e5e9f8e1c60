"""Which faults reject a whole CATAIR batch, and at which level are they told?"""

from __future__ import annotations

import pytest

from sandbox.abi.conditions import CONDITIONS
from sandbox.samples import SampleEntry, SampleSummary, entries_se, summaries_ae
from tests.sandbox_kit import (
    Change,
    after,
    all_of,
    at,
    cbp,
    complaints,
    dispositions,
    e1,
    reasons,
    records,
    se90,
    swap,
    without,
    x1,
)

ENTRIES = [SampleEntry("1234567", "25031000001"), SampleEntry("1234568", "25031000002")]

BATCH_LEVEL: list[tuple[Change, str]] = [
    (without("B  "), "X03"),
    (without("Y  "), "X05"),
    (without("Z0901"), "X06"),
    (at("A", 2, "    "), "X07"),
    (at("A", 6, "   "), "X08"),
    (at("A", 15, "133125"), "X10"),
    (at("A", 26, "  "), "X11"),
    (at("A", 26, "QQ"), "X12"),
    (at("A", 26, "EQ"), "X13"),
    (at("Z", 2, "0902"), "X14"),
    (at("A", 45, "X"), "X39"),
    (at("Z", 45, "X"), "X39"),
    (at("A", 60, "ref"), "X40"),
    (at("Z", 80, "z"), "X39"),
]
BLOCK_LEVEL: list[tuple[Change, str]] = [
    (at("B  ", 4, "    "), "X15"),
    (at("B  ", 4, "09A1"), "X15"),
    (all_of(at("B  ", 8, "   "), at("Y  ", 8, "   ")), "X16"),
    (all_of(at("B  ", 8, "000"), at("Y  ", 8, "000")), "X17"),
    (all_of(at("B  ", 11, "QQ"), at("Y  ", 11, "QQ")), "X12"),
    (all_of(at("B  ", 11, "AE"), at("Y  ", 11, "AE")), "X19"),
    (at("B  ", 56, "2"), "X21"),
    (at("B  ", 47, "0901XYZ"), "X22"),
    (at("B  ", 51, "XYZ  1"), "X24"),
    (at("B  ", 47, "0901     1"), "X25"),
    (at("B  ", 47, "0901XYA  1"), "X26"),
    (at("Y  ", 4, "0902"), "X32"),
    (at("B  ", 20, "X"), "X39"),
    (at("Y  ", 20, "X"), "X39"),
    (at("B  ", 60, "ref"), "X40"),
]
TRANSACTION_LEVEL: list[tuple[Change, str, str]] = [
    (without("SE10"), "X33", "0000003 00"),
    (swap("SE13", "SE99"), "X34", "0000004 00"),
    (after("SE30SE", "SE20CR LATE"), "X35", "0000011 00"),
    (after("SE36", "SE20CR LATE"), "X35", "0000010 00"),
    (after("SE13", "SE13JANE BROKER"), "X35", "0000005 00"),
    (after("SE40", *["SE41P"] * 2), "X36", "0000018 00"),
    (without("SE60"), "X37", "0000016 00"),
    (at("SE40", 10, "X"), "X39", "0000016 10"),
    (at("SE40", 11, "cotton"), "X40", "0000016 11"),
    (after("SE36", *["SE30BY"] * 12), "X36", ""),
    (after("SE60", *["SE606109100012"] * 32), "X36", ""),
    (after("SE15", *["SE16TSTC00451031025"] * 100), "X36", ""),
    (after("SE20", *["SE20CR A"] * 99), "X36", ""),
    (after("SE60", "SE616109100012", "SE616109100012"), "X35", ""),
]


@pytest.mark.parametrize(("change", "code"), BATCH_LEVEL)
def test_a_fault_of_the_batch_is_told_without_a_reference(change: Change, code: str) -> None:
    """X1 with the code, no X0, and nothing of the batch in the books."""
    box = cbp()
    answers = box.send(change(entries_se(ENTRIES)))
    assert [a.kind for a in answers] == ["X1"]
    assert code in x1(answers)
    assert not any(line.startswith("X0") for line in records(answers, "X1"))
    assert box.cbp.store.count("select count(*) from entry") == 0


@pytest.mark.parametrize(("change", "code"), BLOCK_LEVEL)
def test_a_fault_of_a_block_is_told_with_its_block(change: Change, code: str) -> None:
    """X0 BLOCK before the X1s of the block, no X0 TRNACT."""
    box = cbp()
    answers = box.send(change(entries_se(ENTRIES)))
    lines = records(answers, "X1")
    assert code in x1(answers)
    assert any(line.startswith("X0 BLOCK  000001 REF ID: ") for line in lines)
    assert not any(line.startswith("X0 TRNACT") for line in lines)
    assert box.cbp.store.count("select count(*) from entry") == 0


@pytest.mark.parametrize(("change", "code", "place"), TRANSACTION_LEVEL)
def test_a_fault_of_a_transaction_is_told_with_its_record(change: Change, code: str, place: str) -> None:
    """X0 BLOCK and X0 TRNACT with the record's place in the batch and the column, then the X1."""
    box = cbp()
    answers = box.send(change(entries_se(ENTRIES)))
    lines = records(answers, "X1")
    assert code in x1(answers)
    told = next(i for i, line in enumerate(lines) if line[4:7] == code)
    at_fault = next(line for line in reversed(lines[:told]) if line.startswith("X0"))
    assert at_fault.startswith("X0 TRNACT 000001 REF ID: " + place)
    assert box.cbp.store.count("select count(*) from entry") == 0


def test_only_the_outermost_level_is_told() -> None:
    """With a fault of the batch no block is looked at, with one of a block no transaction."""
    broken = all_of(swap("SE13", "SE99"), at("Y  ", 4, "0902"))
    assert x1(cbp().send(broken(entries_se(ENTRIES)))) == ["X32"]
    worse = all_of(broken, at("Z", 2, "0902"))
    assert x1(cbp().send(worse(entries_se(ENTRIES)))) == ["X14"]


def test_senders_and_filers_that_are_not_authorized() -> None:
    """X09 for a sender, X17 for a filer that the settings do not name."""
    assert x1(cbp(catair_senders=("0901/XYZ/OTHER",)).send(entries_se(ENTRIES))) == ["X09"]
    assert x1(cbp(filer_codes=("ABC",)).send(entries_se(ENTRIES))) == ["X17"]
    assert se90(cbp(filer_codes=("XYZ",)).send(entries_se(ENTRIES))) == [("02", ""), ("02", "")]


def test_what_stands_after_column_80_is_the_next_record() -> None:
    """An over-long line is not cut off silently: its rest is a record nobody knows."""
    long = at("SE13", 81, "REST OF THE LINE")(entries_se(ENTRIES))
    assert x1(cbp().send(long)) == ["X34"]


def test_a_last_record_that_is_cut_off_is_told() -> None:
    """Without line ends a last record of fewer than 80 columns earns X42."""
    assert x1(cbp().send(entries_se(ENTRIES, end="")[:-1])) == ["X42"]


def test_a_second_batch_begins_at_its_header() -> None:
    """A batch without its Z is rejected by itself; the one behind it is read and answered."""
    box = cbp()
    first = without("Z0901")(entries_se(ENTRIES[:1]))
    answers = box.send(first + entries_se(ENTRIES[1:], reference="SECOND"))
    assert x1(answers) == ["X06"]
    assert se90(answers) == [("02", "")]


def test_every_condition_is_told_with_its_reference() -> None:
    """Guide, version and section stand in the transcript with each X1; texts are CBP's, 40 columns at most."""
    for change, _ in BATCH_LEVEL + BLOCK_LEVEL:
        box = cbp()
        box.send(change(entries_se(ENTRIES)))
        assert reasons(box)
        assert all("rev 23 (2023-06-12), X1 note 2" in one["reference"] for one in reasons(box))
    assert all(len(text) <= 40 for text in CONDITIONS.values())


def test_syntax_faults_of_cargo_release_as_records_where_the_switch_says_so() -> None:
    """``cargo_syntax_faults = "record"``: SE90 behind the record, and the good neighbour is accepted."""
    data = swap("SE13", "SE99")(entries_se(ENTRIES))
    box = cbp(cargo_syntax_faults="record")
    answers = box.send(data)
    assert complaints(answers) == [("SE99", "Z03")]
    assert se90(answers)[-1] == ("02", "")
    assert x1(cbp(cargo_syntax_faults="record").send(without("SE10")(entries_se(ENTRIES)))) == ["X33"]


SUMMARY_SYNTAX: list[tuple[Change, str]] = [
    (without("10AXYZ"), "A00"),
    (swap("\n44COTTON", "\n45COTTON"), "A02"),
    (after("50", "47MPTMALEXA10LIS"), "A04"),
    (after("34", "34311"), "A04"),
    (after("47", *["47S12-3456789"] * 6), "A23"),
    (after("89", *["89311"] * 9), "A20"),
    (after("40", *["40  002"] * 998), "A08"),
    (at("50", 51, f"{'':12}   {1:012d}KG "), "A22"),
    (at("40", 3, "X"), "X39"),
    (at("44", 3, "cotton"), "X40"),
]


@pytest.mark.parametrize(("change", "code"), SUMMARY_SYNTAX)
def test_syntax_faults_of_a_summary_are_told_by_e1(change: Change, code: str) -> None:
    """The first fault alone, where it is (A03), and the batch rejected; nothing is kept."""
    box = cbp()
    answers = box.send(change(summaries_ae([SampleSummary("1234567"), SampleSummary("1234568")])))
    assert [a.kind for a in answers] == ["AX"]
    assert [one[1] for one in e1(answers)] == [code, "A03"]
    assert dispositions(answers) == [("R", "999", "")]
    assert box.cbp.store.count("select count(*) from summary") == 0
    assert reasons(box)[0]["reference"]


def test_syntax_faults_of_a_summary_by_x1_where_the_switch_says_so() -> None:
    """``summary_syntax_faults = "X1"``: the way of Batch and Block Control."""
    data = swap("\n44COTTON", "\n45COTTON")(summaries_ae([SampleSummary("1234567")]))
    assert x1(cbp(summary_syntax_faults="X1").send(data)) == ["X34"]
