"""What the sandbox refuses of an entry summary, rule by rule, where and under which condition of CBP's dictionary."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.abi.summary_conditions import CONDITIONS
from sandbox.samples import SampleSummary, summaries_ae
from schemas.catair import code_text
from tests.sandbox_kit import Change, after, all_of, at, cbp, dispositions, e1, reasons, same, without

INFORMAL = SampleSummary("1234567")
FORMAL = SampleSummary("1234567", type="01", value=3000, fee=(1039, 3271))
CASE = f"53A428801000C{1017:08d}A{'':2}{0:010d}{0:012d}{30510:010d}"
DUMPING = all_of(
    at("10", 34, "03"),
    after("47S", "47EPTEXPOR10LIS"),
    after("50", CASE),
    after("62", f"88{0:011d} {30510:011d} {0:011d} {0:011d}"),
    at("90", 39, f"{30510:011d}"),
)
"""Type 03: 10.17 percent of 3,000 dollars, in cash."""
VESSEL = all_of(
    at("10", 36, "11"),
    after("11", f"20TSTC0901{'':10}MV SAMPLE"),
    after("20", "2200000001PCS", "23MTSTCBILL1"),
    at("40", 37, "12345"),
)


def judged(change: Change, summary: SampleSummary = INFORMAL, clock: str = "2025-03-10T09:00:00-04:00") -> Any:
    """What the AX complains of: the grouping and the condition."""
    return e1(cbp(clock).send(change(summaries_ae([summary]))))


HEADER: list[tuple[Change, list[str]]] = [
    (same, []),
    (at("10", 3, " "), ["B01"]),
    (at("10", 3, "X"), ["B02"]),
    (at("10", 4, "   "), ["B05"]),
    (at("10", 4, "000"), ["B06"]),
    (at("10", 4, "XYY"), ["B53", "B16"]),
    (at("10", 9, " " * 8), ["B14"]),
    (at("10", 9, "1234567A"), ["B15"]),
    (at("10", 9, "12345672"), ["B16"]),
    (at("10", 18, "    "), ["B03"]),
    (at("10", 18, "09A1"), ["B04"]),
    (at("10", 18, "3801"), ["B10"]),
    (at("10", 34, "  "), ["B17"]),
    (at("10", 34, "99"), ["B18"]),
    (at("10", 34, "21"), ["Z91"]),
    (at("10", 36, "99"), ["165"]),
    (at("10", 38, "1"), ["122"]),
    (at("10", 38, "0"), []),
    (all_of(at("10", 38, "0"), at("10", 62, "995")), ["182"]),
    (at("10", 62, "995"), ["130"]),
    (at("10", 39, " "), ["B39"]),
    (at("10", 39, "Y"), ["B40"]),
    (at("10", 40, "A"), ["Z90"]),
    (at("10", 40, "Y"), ["292"]),
    (at("10", 41, "Y"), ["Z95"]),
    (at("10", 41, "N"), ["220"]),
    (at("10", 42, "Y"), ["Z93"]),
    (at("10", 42, "N"), ["228"]),
    (at("10", 43, "Q"), ["131"]),
    (at("10", 44, "N"), ["129"]),
    (at("10", 45, "3"), ["134", "135"]),
    (at("10", 45, "1"), ["135"]),
    (at("10", 46, "Y"), ["159"]),
    (at("10", 47, "001"), ["160"]),
    (at("10", 47, "009"), ["155", "160"]),
    (at("10", 51, " "), ["263"]),
    (at("10", 51, "4"), ["197"]),
    (at("10", 51, "1"), ["199"]),
    (all_of(at("10", 51, "1"), at("10", 52, " " * 6)), []),
    (at("10", 52, " " * 6), ["202"]),
    (at("10", 52, "133125"), ["203"]),
    (at("10", 52, "031025"), ["205"]),
    (at("10", 52, "070125"), ["206"]),
    (at("10", 52, "031525"), ["204"]),
    (at("10", 58, "03"), ["200"]),
    (at("10", 51, "6"), ["211", "208"]),
    (all_of(at("10", 51, "6"), at("10", 58, "13")), ["212", "208"]),
    (all_of(at("10", 51, "6"), at("10", 58, "09"), at("10", 38, "0")), ["213"]),
    (all_of(at("10", 51, "6"), at("10", 58, "05"), at("10", 38, "0")), []),
    (at("10", 65, "Y"), ["Z92"]),
    (at("10", 67, "N"), ["751"]),
    (at("10", 68, "F"), ["319"]),
    (at("10", 68, "X"), ["317"]),
    (at("10", 70, "Y"), ["Z93"]),
    (without("11"), ["100"]),
    (at("11", 3, " " * 12), ["100"]),
    (at("11", 3, "123456789   "), ["102"]),
    (at("11", 3, "00-0000000  "), ["103"]),
    (at("11", 15, " " * 12), []),
    (at("11", 15, "00-0000000  "), []),
    (at("11", 15, "123456789   "), ["105"]),
    (at("11", 27, "123456789   "), ["590"]),
    (at("11", 42, "133125"), ["125"]),
    (at("11", 42, "040125"), ["218"]),
    (at("11", 48, "133125"), ["128"]),
    (at("11", 61, "QQ"), ["133"]),
    (at("11", 61, "PR"), []),
    (at("11", 63, "026"), ["136"]),
    (after("11", "20TS C"), ["178"]),
    (after("11", "20    09A1"), ["166"]),
    (after("11", "20        133125"), ["171"]),
    (after("11", f"20{'':14}1234"), ["172"]),
    (after("11", f"20{'':38}1234567"), ["180"]),
    (after("11", f"20{'':45}0901"), ["196"]),
    (after("11", f"20{'':49}031025"), ["262"]),
    (after("11", "30XYZ  12345671 0901"), ["163"]),
    (after("11", "32XYZ  12345671"), ["233"]),
    (after("11", "3399"), ["153"]),
    (after("11", "330101"), ["152"]),
    (after("11", "3302"), ["151"]),
    (after("34", "35H01"), ["284"]),
    (after("34", "36WHY"), ["277"]),
    (after("34", "SE20CR JOB"), ["Z94"]),
    (after("11", "31X"), ["112"]),
    (after("11", "318X 123"), ["266"]),
    (after("11", "318A 123"), ["269", "267"]),
    (after("11", "318B"), ["137"]),
    (after("11", f"318B 123{5000:010d}"), ["214"]),
    (after("11", "318B 123          PRODUCER"), ["126"]),
    (after("11", "319B 123"), ["265"]),
    (after("11", f"319B 123{0:010d}"), ["240"]),
    (after("11", "319B 12312345678X "), ["123"]),
    (after("11", f"319B 123{5000:010d}"), []),
    (after("11", "318B 123", "318B 123"), ["193", "268"]),
    (all_of(at("10", 38, "0"), after("11", "318B 123")), ["120"]),
]


@pytest.mark.parametrize(("change", "codes"), HEADER)
def test_the_header(change: Change, codes: list[str]) -> None:
    """Records 10 to 33 of an informal summary: each rule under its condition, nothing else."""
    assert [code for _, code in judged(change)] == codes


FORMAL_HEADER: list[tuple[Change, list[str]]] = [
    (same, []),
    (at("10", 36, "  "), ["164"]),
    (without("31"), ["119"]),
    (all_of(without("31"), at("10", 38, "0")), ["139"]),
    (all_of(without("31"), at("10", 38, "0"), at("10", 62, "990")), ["140"]),
    (all_of(without("31"), at("10", 38, "0"), at("10", 62, "999")), []),
    (at("10", 46, "Y"), []),
    (all_of(at("10", 46, "Y"), at("31", 3, "9"), at("31", 9, "0000005000")), ["154"]),
    (at("11", 15, " " * 12), ["255"]),
    (at("11", 15, "00-0000000  "), ["107"]),
    (at("11", 61, "  "), ["132"]),
    (DUMPING, []),
    (all_of(DUMPING, at("10", 38, "0"), without("31")), ["141"]),
    (VESSEL, []),
    (all_of(VESSEL, at("20", 3, "    ")), ["176"]),
    (all_of(VESSEL, at("20", 7, "    ")), ["167"]),
    (all_of(VESSEL, at("20", 21, " " * 10)), ["181"]),
    (all_of(VESSEL, without("22"), without("23")), ["183"]),
    (all_of(VESSEL, at("40", 37, "     ")), ["429"]),
    (all_of(VESSEL, at("40", 37, "1234 ")), ["428"]),
]


@pytest.mark.parametrize(("change", "codes"), FORMAL_HEADER)
def test_what_a_formal_summary_needs(change: Change, codes: list[str]) -> None:
    """Types 01 and 03: mode, bond, consignee, state; a vessel needs its carrier, port, name and bill."""
    assert [code for _, code in judged(change, FORMAL)] == codes


MANIFEST: list[tuple[Change, list[tuple[str, str]]]] = [
    (after("11", "2200000001PCS", "23MTSTCBILL1"), []),
    (after("11", "2200000001PCS"), [("CARMAN", "185")]),
    (after("11", "22        PCS", "23MTSTCBILL1"), [("CARMAN", "259")]),
    (after("11", "2200000000PCS", "23MTSTCBILL1"), [("CARMAN", "258")]),
    (after("11", "221       PCS", "23MTSTCBILL1"), [("CARMAN", "264")]),
    (after("11", "2200000001", "23MTSTCBILL1"), [("CARMAN", "260")]),
    (after("11", "2200000001PCS", "23QTSTCBILL1"), [("BOLINB", "186")]),
    (after("11", "2200000001PCS", "23HTSTCHOUSE", "23MTSTCBILL1"), [("BOLINB", "187")]),
    (after("11", "2200000001PCS", "23MTSTCBILL 1"), [("BOLINB", "322")]),
    (after("11", "2200000001PCS", "23I    123456789", "23MTSTCBILL1"), [("SUMMRY", "261")]),
    (
        all_of(
            after("11", "2200000001PCS", "23I    123456789", "23MTSTCBILL1"),
            after("11", f"20{'':49}030925"),
        ),
        [("SUMMRY", "190")],
    ),
    (
        all_of(
            after("11", "2200000001PCS", "23I    123456789", "23MTSTCBILL1"),
            after("11", f"20{'':49}031225"),
        ),
        [("SUMMRY", "191")],
    ),
    (all_of(at("10", 36, "  "), after("11", "2200000001PCS", "23MTSTCBILL1")), [("SUMMRY", "184")]),
]


@pytest.mark.parametrize(("change", "expected"), MANIFEST)
def test_the_manifest_group(change: Change, expected: list[tuple[str, str]]) -> None:
    """Records 22 and 23: quantities, units, components in their order; the place is the group or the component."""
    assert judged(change) == expected


LINES: list[tuple[Change, list[tuple[str, str]]]] = [
    (at("40", 5, "   "), [("LINITM", "402")]),
    (at("40", 5, "0*1"), [("LINITM", "822")]),
    (at("40", 8, "Q"), [("LINITM", "403")]),
    (at("40", 8, "X"), [("LINITM", "Z95")]),
    (at("40", 9, "  "), [("LINITM", "407")]),
    (at("40", 9, "QQ"), [("LINITM", "408")]),
    (at("40", 9, "**"), []),
    (at("40", 9, "XO"), []),
    (at("40", 11, "  "), [("LINITM", "410")]),
    (at("40", 11, "US"), [("LINITM", "412")]),
    (at("40", 11, "XO"), [("LINITM", "411")]),
    (at("40", 13, " " * 6), [("LINITM", "418")]),
    (at("40", 13, "133125"), [("LINITM", "419")]),
    (at("40", 13, "031125"), [("LINITM", "426")]),
    (at("40", 19, "133125"), [("LINITM", "430")]),
    (at("40", 25, "QQ"), [("LINITM", "416")]),
    (at("40", 25, "P+"), []),
    (at("40", 27, " " * 10), [("LINITM", "424")]),
    (at("40", 27, "10        "), [("LINITM", "424")]),
    (at("40", 42, " " * 10), [("LINITM", "421")]),
    (at("40", 55, "Q"), [("LINITM", "417")]),
    (at("40", 56, "Q"), [("LINITM", "415")]),
    (at("40", 57, "N"), [("LINITM", "422")]),
    (at("40", 58, "3"), [("LINITM", "423")]),
    (at("40", 60, "Y"), [("LINITM", "463")]),
    (at("40", 60, "N"), [("LINITM", "475")]),
    (after("40", "41P031025" + f"{1:010d}"), [("LINITM", "678")]),
    (at("44", 3, " " * 70), [("COMDES", "464")]),
    (at("47M", 3, "Q"), [("ARPART", "519")]),
    (at("47M", 4, " " * 15), [("ARPART", "521")]),
    (at("47M", 4, "QQMALEXA10LIS"), [("ARPART", "523")]),
    (at("47M", 4, "PT     "), [("ARPART", "523")]),
    (after("47M", "47MPTMALEXA10LIS"), [("ARPART", "520")]),
    (after("47M", "47S123456789"), [("ARPART", "596")]),
    (after("47M", "47C123456789"), [("ARPART", "594")]),
    (all_of(at("11", 15, " " * 12), after("47M", "47C12-3456789")), [("ARPART", "522")]),
    (after("47M", "47EPT 10"), [("ARPART", "450")]),
    (without("50"), [("LINITM", "431"), ("TOTALS", "722")]),
    (at("50", 3, " " * 10), [("TARIFF", "432")]),
    (at("50", 3, "6109100   "), [("TARIFF", "433")]),
    (at("50", 3, "9813000520"), [("TARIFF", "604")]),
    (after("50", f"506109100012 {0:010d} {0:010d} {1:012d}DOZ"), [("TARIFF", "436")]),
    (after("50", f"5099038501   {0:010d} {0:010d}"), [("TARIFF", "852")]),
    (after("47M", f"5099038501   {0:010d} {0:010d}"), []),
    (at("50", 14, " " * 10), [("TARIFF", "438"), ("TOTALS", "722")]),
    (at("50", 25, "200       "), [("TARIFF", "437")]),
    (at("50", 36, "2 0         "), [("TARQTY", "440")]),
    (at("50", 48, "   "), [("TARIFF", "439")]),
    (after("50", CASE), [("ADDCVD", "466"), ("TOTALS", "745")]),
    (after("50", "5499"), [("IADDET", "526")]),
    (after("50", "54"), [("IADDET", "525")]),
    (after("50", f"60019{100:010d}"), [("LINITM", "532"), ("TOTALS", "724")]),
    (after("50", f"60   {0:010d}"), [("LINITM", "531")]),
    (after("50", "60016100       "), [("LINITM", "477")]),
    (after("50", f"61671{0:010d}"), [("LINITM", "764")]),
    (after("50", f"61672{100:010d}"), [("TOTALS", "768")]),
    (after("50", "63L01"), [("LINITM", "580")]),
    (all_of(at("50", 25, "0000002501")), [("LINITM", "646")]),
    (at("40", 52, "ABC"), [("LINITM", "Z89")]),
]


@pytest.mark.parametrize(("change", "expected"), LINES)
def test_the_lines(change: Change, expected: list[tuple[str, str]]) -> None:
    """Records 40 to 63: origin, export, parties, tariff numbers; the place is the innermost group."""
    assert judged(change) == expected


SECOND_LINE = (
    f"40  002 PTCA031025{'':8}{0:010d}{'':5}{3:010d}{'':4}N",
    f"506109100012 {0:010d} {2400:010d} {200:012d}DOZ",
)


def test_across_the_lines() -> None:
    """A line's name stands once; two lines of an informal summary together stay below the limit."""
    two = after("50", *SECOND_LINE)
    assert judged(two) == [("PSTLIN", "648")]
    twice = all_of(two, at("40  002", 5, "001"))
    assert judged(twice) == [("LINITM", "518"), ("PSTLIN", "648")]
    assert judged(all_of(without("40"), without("44"), without("47"), without("50"))) == [
        ("SUMMRY", "400"),
        ("TOTALS", "722"),
    ]


FORMAL_LINES: list[tuple[Change, list[tuple[str, str]]]] = [
    (all_of(at("40", 9, "CA"), at("40", 11, "CA"), at("47M", 4, "XOMALEXA10LIS")), [("LINITM", "414")]),
    (all_of(at("40", 9, "XO"), at("40", 11, "CA"), at("47M", 4, "XOMALEXA10LIS")), []),
    (at("40", 11, "CA"), [("ARPART", "535")]),
    (at("40", 27, f"{0:010d}"), [("LINITM", "664")]),
    (at("40", 56, " "), [("LINITM", "415")]),
    (without("47M"), [("LINITM", "483")]),
    (without("47S"), [("LINITM", "577")]),
    (all_of(DUMPING, without("47E")), [("LINITM", "499")]),
    (all_of(DUMPING, at("53", 3, " " * 10)), [("ADDCVD", "543"), ("TOTALS", "739"), ("TOTALS", "745")]),
    (all_of(DUMPING, at("53", 3, "B")), [("ADDCVD", "544"), ("TOTALS", "739"), ("TOTALS", "745")]),
    (all_of(DUMPING, at("53", 13, "X")), [("ADDCVD", "511"), ("TOTALS", "739")]),
    (all_of(DUMPING, at("53", 14, "10.17   ")), [("ADDCVD", "536"), ("ADDCVD", "576")]),
    (all_of(DUMPING, at("53", 22, "Q")), [("ADDCVD", "540")]),
    (all_of(DUMPING, at("53", 35, f"{1:012d}")), [("ADDCVD", "541")]),
    (all_of(DUMPING, at("53", 25, f"{2999:010d}")), [("ADDCVD", "576")]),
    (all_of(DUMPING, at("53", 22, "S")), [("ADDCVD", "575")]),
    (all_of(DUMPING, at("53", 22, "S"), at("53", 25, f"{1:010d}")), [("ADDCVD", "542"), ("ADDCVD", "575")]),
    (all_of(DUMPING, at("53", 22, "S"), at("53", 35, f"{300000:012d}")), []),
    (all_of(DUMPING, after("53", CASE)), [("ADDCVD", "545"), ("TOTALS", "739"), ("TOTALS", "745")]),
    (
        all_of(DUMPING, without("53"), without("88"), at("90", 39, f"{0:011d}")),
        [("PSTLIN", "706"), ("TOTALS", "735")],
    ),
]


@pytest.mark.parametrize(("change", "expected"), FORMAL_LINES)
def test_the_lines_of_a_formal_summary(change: Change, expected: list[tuple[str, str]]) -> None:
    """Canadian provinces, charges, parties by type, and cases with the duty they come to."""
    assert judged(change, FORMAL) == expected


UNKNOWN_FEE = [("LINFEE", "249"), ("LINITM", "633")]
FEES: list[tuple[SampleSummary, Change, list[tuple[str, str]]]] = [
    (INFORMAL, at("34", 3, "312"), [("SUMMRY", "636"), ("HDRFEE", "249"), ("FEETOT", "717"), ("TOTALS", "715")]),
    (INFORMAL, at("34", 6, f"{261:08d}"), [("HDRFEE", "638"), ("FEETOT", "731"), ("TOTALS", "726")]),
    (INFORMAL, at("34", 6, " " * 8), [("HDRFEE", "252"), ("FEETOT", "731"), ("TOTALS", "726")]),
    (INFORMAL, at("34", 6, "262     "), [("HDRFEE", "253"), ("FEETOT", "731"), ("TOTALS", "726")]),
    (INFORMAL, at("34", 14, f"311{0:08d}"), [("HDRFEE", "254"), ("HDRFEE", "638")]),
    (INFORMAL, at("34", 14, f"500{0:08d}"), [("HDRFEE", "250"), ("TOTALS", "715")]),
    (INFORMAL, at("34", 14, f"496{0:08d}"), [("HDRFEE", "250"), ("TOTALS", "715")]),
    (INFORMAL, at("34", 14, f"499{0:08d}"), [("HDRFEE", "250"), ("TOTALS", "715")]),
    (INFORMAL, at("10", 36, "50"), [("HDRFEE", "635")]),
    (INFORMAL, without("34"), [("SUMMRY", "636"), ("FEETOT", "712"), ("TOTALS", "726")]),
    (INFORMAL, all_of(without("34"), at("40", 25, "S "), without("89"), at("90", 15, f"{0:011d}")), []),
    (INFORMAL, after("50", f"62499{69:08d}"), [("LINFEE", "630"), ("TOTALS", "716"), ("TOTALS", "726")]),
    (INFORMAL, after("50", f"62501{25:08d}"), [("LINFEE", "481"), ("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, at("62", 6, f"{1040:08d}"), [("LINFEE", "634")]),
    (FORMAL, at("62", 3, "498"), [*UNKNOWN_FEE, ("FEETOT", "717"), ("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, at("62", 3, "   "), [("LINFEE", "248"), *UNKNOWN_FEE[1:], ("FEETOT", "712"), ("TOTALS", "726")]),
    (FORMAL, without("62"), [("LINITM", "633"), ("FEETOT", "712"), ("TOTALS", "726")]),
    (FORMAL, all_of(without("62"), at("40", 25, "S "), without("89"), at("90", 15, f"{0:011d}")), []),
    (FORMAL, after("31", f"34311{262:08d}"), [("HDRFEE", "637"), ("TOTALS", "715"), ("TOTALS", "726")]),
    (FORMAL, after("62", f"62501{375:08d}"), [("LINFEE", "482"), ("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, at("89", 6, f"{1039:011d}"), [("FEETOT", "639"), ("TOTALS", "726")]),
    (FORMAL, at("89", 6, "3271       "), [("FEETOT", "714"), ("TOTALS", "726")]),
    (FORMAL, at("89", 17, f"499{3271:011d}"), [("FEETOT", "254"), ("TOTALS", "726")]),
    (FORMAL, at("89", 17, f"777{0:011d}"), [("FEETOT", "734")]),
    (FORMAL, without("89"), [("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, all_of(without("89"), without("90")), [("TOTALS", "700")]),
    (FORMAL, without("90"), [("TOTALS", "701")]),
    (FORMAL, at("90", 3, f"{3301:011d}"), [("TOTALS", "722")]),
    (FORMAL, at("90", 3, " " * 11), [("TOTALS", "721")]),
    (FORMAL, at("90", 15, " " * 11), [("TOTALS", "725")]),
    (FORMAL, at("90", 27, " " * 11), [("TOTALS", "723")]),
    (FORMAL, at("90", 27, f"{1:011d}"), [("TOTALS", "724")]),
    (FORMAL, at("90", 39, f"{1:011d}"), [("TOTALS", "744")]),
    (FORMAL, at("90", 51, f"{1:011d}"), [("TOTALS", "746")]),
    (FORMAL, at("90", 39, " " * 11), [("TOTALS", "728")]),
    (FORMAL, at("90", 51, " " * 11), [("TOTALS", "729")]),
    (FORMAL, at("90", 63, " " * 11), []),
    (FORMAL, at("90", 63, "1          "), [("TOTALS", "767")]),
    (FORMAL, after("62", f"88{0:011d} {0:011d} {0:011d} {0:011d}"), [("TOTALS", "727")]),
    (FORMAL, all_of(DUMPING, at("88", 15, " " * 11)), [("TOTALS", "738")]),
    (FORMAL, all_of(DUMPING, at("88", 3, f"{1:011d}")), [("TOTALS", "737")]),
    (FORMAL, all_of(DUMPING, at("88", 27, f"{1:011d}")), [("TOTALS", "741")]),
    (FORMAL, all_of(DUMPING, at("90", 51, f"{1:011d}")), [("TOTALS", "747")]),
    (FORMAL, all_of(VESSEL, after("62", f"62501{375:08d}")), [("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, all_of(VESSEL, after("62", f"62501{376:08d}")), [("LINFEE", "601"), ("TOTALS", "716"), ("TOTALS", "726")]),
    (FORMAL, all_of(VESSEL, at("10", 36, "12")), [("LINITM", "600")]),
]


@pytest.mark.parametrize(("summary", "change", "expected"), FEES)
def test_fees_and_totals(summary: SampleSummary, change: Change, expected: list[tuple[str, str]]) -> None:
    """Which fees there are, what they come to, and that every total is the sum of what it totals."""
    assert judged(change, summary) == expected


PROCESSING = [
    ("2024-09-30T09:00:00-04:00", 2000, 693, 3167, 3167),
    ("2024-10-01T09:00:00-04:00", 2000, 693, 3271, 3271),
    ("2025-09-30T09:00:00-04:00", 200_000, 69280, 63462, 63462),
    ("2025-10-01T09:00:00-04:00", 2000, 693, 3358, 3358),
    ("2025-10-01T09:00:00-04:00", 200_000, 69280, 65150, 65150),
    ("2025-10-01T09:00:00-04:00", 20_000, 6928, 6928, 6928),
]


@pytest.mark.parametrize(("clock", "value", "line", "total", "grand"), PROCESSING)
def test_the_processing_fee_by_date(clock: str, value: int, line: int, total: int, grand: int) -> None:
    """Least and most follow the fiscal year; the line keeps its true amount."""
    dates = {"day": "", "print_date": "", "payment": "1"}
    one = SampleSummary("1234567", type="01", value=value, fee=(line, total), **dates)
    assert grand == total
    day = clock[5:7] + clock[8:10] + clock[2:4]
    fixed = all_of(at("40", 13, day))
    assert judged(fixed, one, clock) == []
    wrong = SampleSummary("1234567", type="01", value=value, fee=(line, total + 1), **dates)
    assert [place for place, _ in judged(fixed, wrong, clock)] == ["FEETOT"]


@pytest.mark.parametrize(
    ("clock", "fee"),
    [
        ("2024-09-30T09:00:00-04:00", 253),
        ("2024-10-01T09:00:00-04:00", 262),
        ("2025-09-30T23:59:59-04:00", 262),
        ("2025-10-01T00:00:00-04:00", 269),
    ],
)
def test_the_informal_fee_by_date(clock: str, fee: int) -> None:
    """The fixed amount follows the fiscal year of the day the rate is taken from."""
    day = clock[5:7] + clock[8:10] + clock[2:4]
    kept = {"day": day, "print_date": "", "payment": "1"}
    assert judged(same, SampleSummary("1234567", fee=(fee, fee), **kept), clock) == []
    assert ("HDRFEE", "638") in judged(same, SampleSummary("1234567", fee=(fee + 1, fee + 1), **kept), clock)


def test_the_rate_is_that_of_the_estimated_entry_date() -> None:
    """A summary filed in September for an entry in October pays October's fee."""
    october = SampleSummary("1234567", fee=(269, 269), day="100125", print_date="", payment="1")
    filed_early = all_of(at("11", 48, " " * 6), at("40", 13, "092925"))
    assert judged(filed_early, october, "2025-09-29T09:00:00-04:00") == []


def test_a_small_harbor_fee_is_not_paid_alone() -> None:
    """Three dollars or less of harbor fee and nothing else due: 602 across the lines."""
    sea = all_of(
        VESSEL,
        at("50", 14, f"{0:010d}"),
        at("50", 25, f"{2000:010d}"),
        at("62", 3, f"501{250:08d}"),
        at("89", 3, f"501{250:011d}"),
        at("90", 3, f"{0:011d} {250:011d}"),
        at("40", 25, "S "),
    )
    assert judged(sea, FORMAL) == [("PSTLIN", "602")]


def test_every_condition_stands_in_cbp_s_dictionary() -> None:
    """Code and text as the project's own list of the dictionary has them; the sandbox's own codes begin with Z."""
    for code, wrong in CONDITIONS.items():
        if code[0] == "Z" or code in {"995", "996", "999"}:
            continue
        assert wrong.text == code_text("ace_conditions", code)


def test_every_refusal_of_a_summary_has_its_reference() -> None:
    """Dictionary and chapter with version and section stand in the transcript."""
    for change, _ in [*HEADER, *LINES, *MANIFEST]:
        box = cbp()
        answers = box.send(change(summaries_ae([INFORMAL])))
        refused = [one for one in dispositions(answers) if one[0] == "R"]
        assert bool(refused) is bool(reasons(box))
        for reason in reasons(box):
            assert "rev 109 (July 2026)" in reason["reference"] or "the sandbox's own" in reason["reference"], reason
