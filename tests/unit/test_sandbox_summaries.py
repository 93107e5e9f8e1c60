"""The life of an entry summary in the sandbox: added, replaced, deleted, taken by CBP, sent back."""

from __future__ import annotations

import pytest

from sandbox.border import NotPossible
from sandbox.registry import Bond, Importer
from sandbox.samples import SampleBill, SampleEntry, SampleSummary, entries_se, manifest_309, summaries_ae
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.sandbox_kit import MARCH, Change, after, all_of, at, cbp, dispositions, e1, records, same

ONE = SampleSummary("1234567")
NUMBER = "XYZ12345671"


def filed(box: LoopbackCbp, summary: SampleSummary, *, change: Change = same, reference: str = "") -> list[str]:
    """Send a summary; gives its disposition and the conditions before it."""
    answers = box.send(change(summaries_ae([summary], reference=reference or f"REF-{box.now.timestamp()}"[:21])))
    return [*("".join(one) for one in dispositions(answers)), *(code for _, code in e1(answers))]


def next_file(box: LoopbackCbp, summary: SampleSummary, change: Change = same) -> list[str]:
    """The same a second later, so that the file is another one."""
    box.advance(seconds=1)
    return filed(box, summary, change=change)


def replaced(**values: object) -> SampleSummary:
    """The summary with other values."""
    return SampleSummary("1234567", **values)  # type: ignore[arg-type]


def test_an_accepted_summary_is_answered_in_its_envelope() -> None:
    """A mirrors the request without the password, E0 SUMMRY comes first, E1 A 995 with version 00100 last."""
    lines = records(cbp().send(summaries_ae([ONE])), "AX")
    assert lines == [
        f"{'A0901XYZ      031025     AX':59}{'REF-000001':21}",
        f"{'B  0901XYZAX':59}{'REF-000001':21}",
        f"{'E0 SUMMRY 000001 REF ID: XYZ 12345671 JOB1':80}",
        f"{'E1A 995   SUMMARY HAS BEEN ADDED                  XYZ  1234567100100JOB1':80}",
        f"{'Y  0901XYZAX00002':80}",
        f"{'Z0901XYZ      031025':80}",
    ]


def test_a_refused_summary_names_the_place_of_each_condition() -> None:
    """E0 of line and tariff number before the E1 of a tariff number; the verdict shows the broker's reference."""
    lines = records(cbp().send(at("50", 3, "6109100   ")(summaries_ae([ONE]))), "AX")
    assert [line.rstrip() for line in lines[2:-2]] == [
        "E0 SUMMRY 000001 REF ID: XYZ 12345671 JOB1",
        "E0 LINITM 000001 REF ID: 001",
        "E0 TARIFF 000001 REF ID: 6109100",
        "E1 F433   HTS NBR UNKNOWN",
        f"{'E1RFZ96   TRANSACTION DATA REJECTED':50}XYZ  12345671     JOB1",
    ]


def test_a_condition_of_the_summary_stands_before_those_of_its_groups() -> None:
    """What belongs to the summary as such follows E0 SUMMRY directly, whatever was found first."""
    change = all_of(at("34", 3, "312"), at("10", 39, " "))
    assert e1(cbp().send(change(summaries_ae([ONE]))))[:3] == [("SUMMRY", "B39"), ("SUMMRY", "636"), ("HDRFEE", "249")]


def test_summaries_are_counted_within_their_block() -> None:
    """E0 SUMMRY counts the transactions of the block; each has its own disposition, a bad one spares the other."""
    two = [ONE, SampleSummary("1234568")]
    answers = cbp().send(summaries_ae(two))
    assert [r[10:16] for r in records(answers, "AX") if r.startswith("E0 SUMMRY")] == ["000001", "000002"]
    assert [one[1] for one in dispositions(answers)] == ["995", "995"]
    answers = cbp().send(at("10", 39, " ")(summaries_ae(two)))
    assert [one[:2] for one in dispositions(answers)] == [("R", "Z96"), ("A", "995")]


def test_add_and_replace_are_the_same_but_for_the_reference() -> None:
    """R replaces without a look at the broker's reference, A only with the one on file; both answer 996."""
    box = cbp()
    assert filed(box, ONE) == ["A99500100"]
    assert next_file(box, replaced(action="R", value=201, reference="JOB2")) == ["A99600100"]
    assert next_file(box, replaced(value=202, reference="JOB2")) == ["A99600100"]
    assert filed(cbp(), replaced(action="R")) == ["A99500100"]


def test_an_add_with_another_reference_shows_the_one_on_file() -> None:
    """B35, and the last E1 carries the reference of the summary on file."""
    box = cbp()
    filed(box, ONE)
    answers = box.send(summaries_ae([replaced(reference="OTHER")], reference="SECOND"))
    assert [code for _, code in e1(answers)] == ["B35"]
    assert records(answers, "AX")[-3][68:77].strip() == "JOB1"


def test_an_add_over_a_summary_without_reference_is_refused() -> None:
    """What was filed without a broker's reference is replaced by R alone."""
    box = cbp()
    filed(box, replaced(reference=""))
    assert next_file(box, replaced(reference="")) == ["RZ96", "B35"]


def test_a_refused_refiling_takes_the_summary_on_file_away() -> None:
    """In trade control a fatally rejected replacement deletes what it was to replace."""
    box = cbp()
    filed(box, ONE)
    assert next_file(box, replaced(action="R"), at("10", 39, " ")) == ["RZ96", "B39"]
    assert box.cbp.store.count("select count(*) from summary") == 0
    assert next_file(box, replaced(action="R")) == ["A99500100"]


def test_a_deletion_is_of_the_header_alone() -> None:
    """D with 10 only: ENTRY SUMMARY DELETED without a version; anything else in it is extraneous; unknown ones B25."""
    box = cbp()
    gone = replaced(action="D")
    assert filed(box, gone) == ["RZ96", "B25"]
    filed(box, ONE, reference="ADD")
    assert next_file(box, gone, after("10", "1112-3456789")) == ["RZ96", "B24"]
    assert next_file(box, gone, at("10", 39, "X")) == ["RZ96", "B24"]
    answers = box.send(summaries_ae([gone], reference="DELETE"))
    assert dispositions(answers) == [("A", "Z97", "")]
    assert b"ENTRY SUMMARY DELETED" in answers[0].payload
    assert next_file(box, ONE) == ["A99500100"]


def test_the_codes_of_the_dispositions_are_switches() -> None:
    """No document prints the numbers of DELETED and REJECTED; who knows them sets them."""
    box = cbp(summary_deleted_code="997", summary_rejected_code="998")
    filed(box, ONE)
    assert next_file(box, replaced(action="D")) == ["A997"]
    assert next_file(box, replaced(action="D")) == ["R998", "B25"]


def test_another_port_is_told() -> None:
    """B32 for a replacement or deletion under another port than the one on file."""
    box = cbp()
    filed(box, ONE)
    assert next_file(box, replaced(action="D", port="0904")) == ["RZ96", "B32"]
    assert next_file(box, replaced(action="R", port="0904")) == ["RZ96", "B32"]


def test_what_cbp_has_in_its_hands_is_neither_replaced_nor_deleted() -> None:
    """On the day its statement is printed a summary goes to CBP: B29, and the one on file stays."""
    box = cbp()
    filed(box, ONE)
    box.set_clock("2025-03-17T08:00:00-04:00")
    late = replaced(action="R", print_date="032125")
    assert next_file(box, late) == ["RZ96", "B29"]
    assert next_file(box, replaced(action="D")) == ["RZ96", "B29"]
    assert box.cbp.summaries.describe(NUMBER, box.now)["summary"]["state"] == "CBP"


def test_a_summary_that_cbp_sends_back_is_replaced_as_the_next_version() -> None:
    """After a rejection: no payment intent (217), no deletion; the replacement is version 00200."""
    box = cbp()
    filed(box, replaced(payment="1", print_date=""))
    assert box.cbp.summaries.accept(NUMBER, box.now) == "CBP"
    assert box.cbp.summaries.reject(NUMBER, box.now) == "REJECTED"
    assert next_file(box, replaced(action="R")) == ["RZ96", "217"]
    assert next_file(box, replaced(action="D")) == ["RZ96", "B29"]
    assert next_file(box, replaced(action="R", payment=" ", print_date="")) == ["A99600200"]
    with pytest.raises(NotPossible):
        box.cbp.summaries.reject(NUMBER, box.now)
    with pytest.raises(NotPossible):
        box.cbp.summaries.accept("XYZ99999999", box.now)


def test_the_entry_of_the_same_number_counts() -> None:
    """Type and port are those of the cargo release on file; a cancelled number takes no summary."""
    box = cbp()
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    assert filed(box, replaced(port="0904")) == ["RZ96", "B22"]
    formal = SampleSummary("1234567", type="01", value=3000, fee=(1039, 3271))
    assert next_file(box, formal) == ["RZ96", "B67"]
    assert next_file(box, ONE) == ["A99500100"]
    box.send(entries_se([SampleEntry("1234567", "1001", action="D", reason="01")], reference="D"))
    assert next_file(box, ONE) == ["RZ96", "B31"]


def test_the_type_may_differ_where_the_switch_lets_it() -> None:
    """``summary_type_must_match`` off: no B67."""
    box = cbp(summary_type_must_match=False)
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    assert filed(box, SampleSummary("1234567", type="01", value=3000, fee=(1039, 3271))) == ["A99500100"]


def test_a_derived_port_of_entry_is_that_of_the_manifest() -> None:
    """The entry left its port blank; the summary's is held against the port of the bill's truck."""
    box = cbp()
    box.send(manifest_309([SampleBill("1001")]))
    box.send(at("SE10", 50, "    ")(entries_se([SampleEntry("1234567", "1001")])))
    assert filed(box, replaced(port="0904")) == ["RZ96", "B22"]


def test_an_update_of_the_port_is_told_while_a_summary_is_on_file() -> None:
    """SO 89 ENTRY SUMMARY PORT DISCREPANCY after the SX of an update to another port than the summary's."""
    box = cbp()
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    filed(box, ONE)
    update = at("SE10", 50, "0904")(entries_se([SampleEntry("1234567", "1001", action="U")], reference="U"))
    answers = box.send(update)
    told = [r for r in records(answers, "SO") if r.startswith("SO60")]
    assert [r[14:16] for r in told] == ["89"]
    assert "ENTRY SUMMARY PORT DISCREPANCY" in told[0]
    assert [a.kind for a in answers] == ["SX", "SO"]


def test_a_summary_is_due_ten_working_days_after_the_release() -> None:
    """The state shows the day, and that it has passed without a summary; weekends and holidays do not count."""
    box = cbp("2025-06-13T09:00:00-04:00")
    box.send(manifest_309([SampleBill("1001")], day="20250613"))
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    assert box.cbp.summaries.describe(NUMBER, box.now)["entry"]["summary_due"] is None
    box.arrive("TSTC2503100001")
    entry = box.cbp.summaries.describe(NUMBER, box.now)["entry"]
    assert (entry["state"], entry["summary_due"], entry["overdue"]) == ("RELEASED", "2025-06-30", False)
    box.set_clock("2025-07-01T00:00:00-04:00")
    assert box.cbp.summaries.describe(NUMBER, box.now)["entry"]["overdue"] is True
    late = SampleSummary("1234567", day="061325", print_date="070725")
    assert filed(box, late) == ["A99500100"]
    known = box.cbp.summaries.describe(NUMBER, box.now)
    assert known["entry"]["overdue"] is False
    assert known["summary"]["version"] == "00100"
    with pytest.raises(NotPossible):
        box.cbp.summaries.describe("XYZ99999999", box.now)


def test_the_fee_is_that_of_the_release() -> None:
    """A summary filed in October for goods released in September pays September's fee."""
    box = cbp("2025-09-29T09:00:00-04:00")
    box.send(manifest_309([SampleBill("1001")], day="20250929"))
    box.send(entries_se([SampleEntry("1234567", "1001")]))
    box.arrive("TSTC2503100001")
    box.set_clock("2025-10-03T09:00:00-04:00")
    october = SampleSummary("1234567", day="092925", print_date="100625", fee=(269, 269))
    assert filed(box, october, change=at("11", 42, "100325")) == ["RZ96", "638"]
    assert next_file(box, SampleSummary("1234567", day="092925", print_date="100625")) == ["A99500100"]


def test_the_same_file_again_brings_the_same_answer() -> None:
    """A repetition files nothing and is answered as before."""
    box = cbp()
    first = box.send(summaries_ae([ONE]))
    assert [a.payload for a in box.send(summaries_ae([ONE]))] == [a.payload for a in first]


def test_a_system_failure_keeps_nothing() -> None:
    """SYSFAIL in the broker's reference: ZZZ; the same file again is processed, what was on file before stays."""
    box = cbp()
    failing = summaries_ae([replaced(reference="SYSFAIL1")])
    answers = box.send(failing)
    assert e1(answers) == [("SUMMRY", "ZZZ")]
    assert b"** ACE SYSTEM FAILURE **" in answers[0].payload
    assert dispositions(box.send(failing)) == [("A", "995", "00100")]
    other = cbp()
    filed(other, ONE)
    box_answer = next_file(other, replaced(action="R", reference="SYSFAIL1"))
    assert box_answer == ["RZ96", "ZZZ"]
    assert other.cbp.store.count("select count(*) from summary") == 1


def test_markers_of_a_summary() -> None:
    """In a bill's number or the broker's reference: REJ with its code, SILENT, GARBLE."""
    assert filed(cbp(), replaced(reference="REJ101AB")) == ["RZ96", "101"]
    assert filed(cbp(), replaced(bill="SILENT01")) == []
    box = cbp()
    answers = box.send(summaries_ae([replaced(bill="GARBLE01")]))
    assert len(answers) == 1
    assert dispositions(answers) == []
    assert dispositions(box.advance(seconds=60)) == [("A", "995", "00100")]


EXCEEDED = [
    ("11", ["2200000001PCS"] * 1000, "A05"),
    ("11", ["2200000001PCS", *["23MTSTCA"] * 5], "A06"),
    ("11", ["32XYZ  12345671"] * 1000, "A07"),
    ("40", ["44A"] * 1000, "A10"),
    ("50", ["506109100012"] * 32, "A11"),
    ("40", ["42A"] * 1000, "A09"),
    ("50", ["5201A", "5201B"], "A17"),
    ("50", ["53A"] * 3, "A18"),
    ("50", ["62499"] * 6, "A19"),
    ("50", ["5401"] * 10, "A25"),
    ("11", ["318B 123"] * 3, "A24"),
]


@pytest.mark.parametrize(("start", "lines", "code"), EXCEEDED)
def test_loops_of_a_summary(start: str, lines: list[str], code: str) -> None:
    """Each grouping of the structure maps has its limit, and most have a condition of their own for it."""
    assert e1(cbp().send(after(start, *lines)(summaries_ae([ONE]))))[0][1] == code


REGISTERED = [
    Importer("12-3456789", "EI", "SAMPLE IMPORTS", active_from="2020-01-01", active_until="2026-06-01"),
    Bond("BOND-1", "12-3456789", "8", "123", 50_000),
    Bond("BOND-2", "12-3456789", "9", "456", 5000, entry=NUMBER),
]
FORMAL = SampleSummary("1234567", type="01", value=3000, fee=(1039, 3271))
SINGLE = at("31", 3, "9B 456      5000")


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (same, []),
        (at("11", 3, "98-7654321"), ["101", "113"]),
        (at("11", 15, "98-7654321"), ["109"]),
        (at("11", 27, "98-7654321"), ["591"]),
        (at("47S", 4, "98-7654321"), ["578"]),
        (after("47S", "47C98-7654321"), ["588"]),
        (at("31", 6, "999"), ["145"]),
        (SINGLE, []),
        (all_of(SINGLE, at("31", 9, "      6000")), ["756"]),
        (all_of(SINGLE, at("31", 6, "999")), ["145"]),
        (all_of(SINGLE, at("10", 9, "12345689")), ["752"]),
        (all_of(SINGLE, at("11", 3, "98-7654321")), ["101", "757"]),
        (at("31", 6, "-12"), ["Z89", "138", "145"]),
    ],
)
def test_whom_the_books_know(change: Change, codes: list[str]) -> None:
    """With both switches at ``reject`` a summary names importers and bonds that are in the books."""
    strict = Behaviour(unknown_importers="reject", unknown_bonds="reject")
    box = LoopbackCbp(MARCH, behaviour=strict, registered=REGISTERED)
    assert [code for _, code in e1(box.send(change(summaries_ae([FORMAL]))))] == codes


@pytest.mark.parametrize(
    ("clock", "day", "code"),
    [
        ("2026-06-01T09:00:00-04:00", "060126", ""),
        ("2026-06-02T09:00:00-04:00", "060226", "111"),
        ("2026-06-30T09:00:00-04:00", "063026", "875"),
    ],
)
def test_an_importer_that_is_no_longer_active(clock: str, day: str, code: str) -> None:
    """111 after the last day, 875 from the day the dictionary has it; the fee is that of the year."""
    box = LoopbackCbp(clock, registered=REGISTERED)
    one = SampleSummary("1234567", day=day, fee=(269, 269), payment="1", print_date="")
    codes = [found for _, found in e1(box.send(summaries_ae([one])))]
    assert codes == ([code] if code else [])


@pytest.mark.parametrize(
    ("clock", "day", "codes"),
    [("2026-11-29T23:59:59-05:00", "112926", []), ("2026-11-30T00:00:00-05:00", "113026", ["291"])],
)
def test_foreign_importers_are_barred_from_informal_summaries(clock: str, day: str, codes: list[str]) -> None:
    """From 30 November 2026 a CBP-assigned number makes no informal entry."""
    one = SampleSummary("1234567", day=day, fee=(269, 269), payment="1", print_date="")
    foreign = at("11", 3, "260901-12345")
    assert [code for _, code in e1(cbp(clock).send(foreign(summaries_ae([one]))))] == codes
