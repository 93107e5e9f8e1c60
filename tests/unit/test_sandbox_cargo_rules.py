"""What the sandbox refuses of a cargo release transaction, rule by rule, at which record and under which code."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from tests.sandbox_kit import Change, after, all_of, at, cbp, complaints, reasons, same, se90, swap, without

ENTRY = SampleEntry("1234567", "25031000001")
FORMAL = SampleEntry("1234567", "25031000001", type="03")
BUYER = after("SE20", f"SE30BY {'':35}EI 12-3456789")
BY_NUMBER = all_of(BUYER, swap(f"SE30CN {'PAT TESTWELL':35}", f"SE30CN {'':35}EI 12-3456789"), without("SE35"))
FORMAL_BASE = all_of(BY_NUMBER, without("SE36"))
"""A formal entry needs a buyer, and its consignee by number."""


def judged(change: Change, entry: SampleEntry = ENTRY, clock: str = "2025-03-10T09:00:00-04:00", **conduct: Any) -> Any:
    """What the SX complains of."""
    answers = cbp(clock, **conduct).send(change(entries_se([entry])))
    assert answers[0].kind == "SX"
    return complaints(answers)


HEADER: list[tuple[Change, list[tuple[str, str]]]] = [
    (at("SE10", 5, " "), [("SE10", "001")]),
    (at("SE10", 6, "   "), [("SE10", "003")]),
    (at("SE10", 6, "000"), [("SE10", "004")]),
    (at("SE10", 11, "        "), [("SE10", "005")]),
    (at("SE10", 11, "1234567A"), [("SE10", "006")]),
    (at("SE10", 20, "  "), [("SE10", "009")]),
    (at("SE10", 22, "   "), [("SE10", "011")]),
    (at("SE10", 25, " " * 12), [("SE10", "013")]),
    (at("SE10", 37, "  "), [("SE10", "015")]),
    (at("SE10", 39, " "), [("SE10", "019")]),
    (at("SE10", 40, " " * 10), [("SE10", "021")]),
    (at("SE10", 40, "45        "), [("SE10", "022")]),
    (at("SE10", 40, "        45"), [("SE10", "022")]),
    (at("SE10", 50, "901  "), [("SE10", "Z05")]),
    (at("SE10", 50, "3801 "), [("SE10", "Z06")]),
    (at("SE10", 55, "3"), [("SE10", "Z46")]),
    (at("SE10", 56, "09AA "), [("SE10", "Z05")]),
    (all_of(at("SE10", 39, "9"), after("SE20", "SE20V1 123")), [("SE10", "Z16")]),
    (all_of(at("SE10", 39, "9"), after("SE20", "SE20V1 123", "SE20AMT500")), []),
    (after("SE20", "SE20AMT0500"), [("SE20", "Z49")]),
    (after("SE20", "SE20XXXA"), [("SE20", "Z48")]),
    (after("SE20", "SE20SCEY"), [("SE20", "Z48")]),
    (after("SE20", "SE20PERN"), [("SE20", "Z49")]),
    (after("SE20", "SE20CESXYZ12345672"), [("SE20", "Z49")]),
    (after("SE20", "SE20CESXYZ12345671"), []),
    (after("SE20", "SE20CR TOO LONG TEXT"), [("SE20", "Z49")]),
    (after("SE20", "SE20EN XYZ12345671"), [("SE20", "Z50")]),
    (after("SE20", "SE20EDA130125"), [("SE20", "Z37")]),
    (after("SE10", "SE11W031125"), [("SE11", "Z40")]),
    (after("SE10", "SE11 031125"), [("SE11", "Z41")]),
    (after("SE10", "SE11       X123"), []),
    (after("SE10", "SE11       1234"), [("SE11", "Z07")]),
    (after("SE10", f"SE11{'':60}I123"), [("SE11", "Z43")]),
    (after("SE10", f"SE11{'':64}XYZ12345671"), [("SE11", "Z44")]),
    (after("SE10", f"SE11{'':75}X"), [("SE11", "Z08")]),
    (after("SE10", f"SE11{'':75}Y"), [("SE11", "Z45")]),
    (without("SE13"), [("SE10", "208")]),
    (at("SE13", 60, "01"), [("SE13", "Z12")]),
    (at("SE13", 63, "1"), [("SE13", "Z15")]),
    (all_of(at("SE13", 63, "1"), after("SE20", "SE20DISDOC-1")), []),
    (at("SE13", 64, "2"), [("SE13", "Z08")]),
    (at("SE13", 45, "313-555-0100   "), [("SE13", "Z01")]),
]


@pytest.mark.parametrize(("change", "expected"), HEADER)
def test_the_header(change: Change, expected: list[tuple[str, str]]) -> None:
    """SE10, SE11, SE13 and SE20: each rule at its record, nothing else."""
    assert judged(change) == expected


AIR = all_of(at("SE10", 37, "40"), at("SE15", 6, "    01612345675        "))
SEA = at("SE10", 37, "11")
BILL = [
    (without("SE15"), [("SE10", "Z18")]),
    (at("SE15", 5, "M"), [("SE15", "Z55"), ("SE15", "Z19"), ("SE15", "030")]),
    (at("SE15", 5, "T"), [("SE15", "Z19")]),
    (at("SE15", 6, "UNKN"), [("SE15", "Z20")]),
    (at("SE15", 10, "2503-1000001"), [("SE15", "Z21")]),
    (at("SE15", 60, "0000000A"), [("SE15", "Z01"), ("SE15", "030")]),
    (at("SE15", 73, " "), [("SE15", "Z22")]),
    (at("SE15", 73, "Y"), [("SE15", "Z23")]),
    (all_of(at("SE15", 73, "Y"), at("SE15", 60, " " * 8), after("SE15", "SE16TSTC0045103102500000001")), []),
    (all_of(at("SE15", 73, "Y"), after("SE15", "SE16TSTC0045103102500000001")), [("SE15", "Z57")]),
    (
        all_of(at("SE15", 73, "Y"), at("SE15", 60, " " * 8), after("SE15", "SE16T   0045113402500000000XXXXX")),
        [("SE16", "Z62"), ("SE16", "Z04"), ("SE16", "030"), ("SE16", "031")],
    ),
    (after("SE13", f"SE15I    {'123456789':50}{'':8}     N"), []),
    (after("SE13", f"SE15I    {'12345678':50}{'':8}     N"), [("SE15", "Z21")]),
    (after("SE13", f"SE15IABCD{'123456789':50}{'':8}     N"), [("SE15", "Z56")]),
    (after("SE13", f"SE15I    {'123456789':50}00000001     N"), [("SE15", "030")]),
    (after("SE15", f"SE15I    {'123456789':50}{'':8}     N"), [("SE15", "Z54")]),
    (all_of(SEA, after("SE15", f"SE15HTSTC{'HOUSE1':50}00000001     N")), [("SE15", "Z55")]),
    (
        all_of(SEA, at("SE15", 5, "M"), at("SE15", 60, " " * 8), after("SE15", f"SE15HTSTC{'H1':50}00000001     N")),
        [],
    ),
    (AIR, []),
    (all_of(AIR, at("SE15", 10, "ABC")), [("SE15", "Z21")]),
    (all_of(AIR, at("SE15", 6, "TSTC")), [("SE15", "Z56")]),
    (all_of(AIR, at("SE15", 5, "T"), at("SE15", 73, "Y")), [("SE15", "Z22")]),
    (
        all_of(AIR, at("SE15", 73, "Y"), at("SE15", 60, " " * 8), after("SE15", "SE16TS  A045103102500000001")),
        [("SE16", "Z61")],
    ),
    (all_of(at("SE10", 37, "60"), at("SE15", 6, "    ")), [("SE10", "Z47"), ("SE15", "Z22")]),
    (
        all_of(
            at("SE10", 37, "60"),
            at("SE10", 56, "0901"),
            at("SE15", 6, "    "),
            at("SE15", 73, "Y"),
            after("SE15", "SE16TSTC0045103102500000001"),
        ),
        [],
    ),
    (after("SE10", f"SE11{'':40}GO1"), [("SE15", "Z22")]),
]


@pytest.mark.parametrize(("change", "expected"), BILL)
def test_the_bills(change: Change, expected: list[tuple[str, str]]) -> None:
    """SE15, SE16 and SE17: types by mode, issuers, numbers, pairing, quantities, the non-AMS indicator."""
    assert judged(change) == expected


SELLER = f"SE30SE {'SAMPLE SHOP LTD':35}"
BOTH = [("SE30", "Z26"), ("SE30", "Z27"), ("SE30", "Z67")]
PARTY = [
    (at("SE30SE", 5, "QQ "), [("SE10", "037"), ("SE30", "Z25")]),
    (at("SE30SE", 5, "BKP"), [("SE10", "037")]),
    (
        swap(SELLER, f"{SELLER}EI 12-3456789"),
        [("SE30", c) for c in ("Z26", "Z27", "Z67")],
    ),
    (swap(SELLER, f"SE30SE {'':35}EI 12-3456789"), [("SE30", "Z27"), ("SE30", "Z67")]),
    (swap(f"SE30CN {'PAT TESTWELL':35}", f"SE30CN {'':35}EI 123456789"), [("SE30", "Z28"), ("SE30", "Z67")]),
    (swap(SELLER, f"SE30SE {'':35}"), [("SE30", "Z26")]),
    (after("SE30SE", "SE31LEI 5493001KJTIIGC8Y1R12"), []),
    (after("SE30SE", "SE31ABCD123"), [("SE31", "Z64")]),
    (at("SE35", 5, "99"), [("SE35", "Z65")]),
    (at("SE35", 5, "1 "), []),
    (at("SE35", 42, "02"), [("SE35", "Z66")]),
    (at("SE36", 64, "QQ"), [("SE30", "Z29")]),
    (without("SE35"), [("SE30", "Z29")]),
    (without("SE36"), [("SE30", "Z29")]),
    (after("SE40", f"SE50BKP{'A':35}", f"SE5515{'B':35}", f"SE56{'C':44}{'':15}CA"), [("SE50", "Z85")]),
    (after("SE40", *[f"SE50SE {'A':35}", f"SE5501{'B':35}", f"SE56{'C':59}CA"] * 2), [("SE50", "Z24")]),
    (after("SE40", f"SE50ST {'A':35}", f"SE551 {'B':35}", f"SE56{'C':59}CA"), [("SE55", "Z65")]),
    (at("SE30MF", 5, "ST "), [("SE10", "038")]),
    (swap("0000000045", "0000002501"), [("SE10", "Z17"), ("SE30", "Z68")]),
    (all_of(swap("0000000045", "0000002500"), swap("0000000045", "0000002500")), [("SE30", "Z69")]),
]


@pytest.mark.parametrize(("change", "expected"), PARTY)
def test_the_parties(change: Change, expected: list[tuple[str, str]]) -> None:
    """SE30 to SE56: entity codes, name or number, addresses, who is missing, what a consignee's goods come to."""
    if ("SE30", "Z68") in expected:
        change = all_of(change, swap("0000000045", "0000002501"))
    assert sorted(judged(change)) == sorted(expected)


def test_a_consignee_at_the_limit_is_a_warning() -> None:
    """SE90 13 at the consignee and 03 at the end; the entry is in the books."""
    box = cbp()
    answers = box.send(entries_se([SampleEntry("1234567", "1001", value=2500)]))
    assert se90(answers) == [("13", "Z69"), ("03", "")]
    assert box.cbp.store.count("select count(*) from entry") == 1


def test_a_party_of_some_lines_is_missing_on_the_others() -> None:
    """A manufacturer at the first of two lines only is missing on the second, and told there."""
    line = ("SE40002CA MUGS", "SE6069120039500000000001")
    at_first = (f"SE50MF {'A':35}", f"SE5515{'B':35}", f"SE56{'C':59}CA")
    change = all_of(
        at("SE30MF", 5, "ST "), at("SE10", 40, "0000000046"), after("SE40", *at_first), after("SE60", *line)
    )
    assert judged(change) == [("SE40", "038")]


def test_a_formal_entry_names_buyer_and_consignee_by_number() -> None:
    """Type 03: buyer missing, consignee by name refused; with both by number it is taken."""
    assert judged(same, FORMAL) == [("SE10", "035"), ("SE30", "Z30")]
    assert judged(FORMAL_BASE, FORMAL) == []


GOODS = [
    (all_of(without("SE40"), without("SE60")), [("SE10", "Z31")]),
    (at("SE40", 5, "002"), [("SE40", "Z32")]),
    (at("SE40", 5, "1  "), [("SE40", "Z01"), ("SE40", "Z32")]),
    (at("SE40", 8, "  "), [("SE40", "Z33")]),
    (after("SE40", "SE41P      00000001"), [("SE41", "Z71")]),
    (after("SE60", "SE616109100012"), [("SE61", "Z71")]),
    (after("SE60", "SE6099038501250000000000"), [("SE60", "Z76")]),
    (after("SE40", "SE6099038501250000000001"), [("SE10", "119"), ("SE60", "Z77")]),
    (after("SE40", "SE609903850125"), []),
    (swap("SE606109100012", "SE609903850125"), [("SE40", "Z79"), ("SE60", "Z77")]),
    (at("SE60", 15, " " * 10), [("SE60", "Z36")]),
]


@pytest.mark.parametrize(("change", "expected"), GOODS)
def test_the_goods(change: Change, expected: list[tuple[str, str]]) -> None:
    """SE40 to SE61: consecutive lines, origins, tariff numbers in their order, values where they belong."""
    assert judged(change) == expected


ZONE = all_of(FORMAL_BASE, at("SE10", 20, "06"), without("SE15"), at("SE10", 37, "  "))
STATUS = after("SE40", "SE41P03102000000010")
OTHER_TYPES = [
    (all_of(ZONE, STATUS), []),
    (ZONE, [("SE40", "Z70")]),
    (all_of(ZONE, after("SE40", "SE41D      00000000")), [("SE41", "Z72"), ("SE41", "Z74")]),
    (all_of(ZONE, after("SE40", "SE41N03102000000010")), [("SE41", "Z73")]),
    (all_of(ZONE, STATUS, after("SE60", "SE616109100012")), []),
    (all_of(ZONE, after("SE40", "SE41P      00000010"), after("SE60", "SE616109100012")), [("SE61", "Z75")]),
    (all_of(ZONE, STATUS, after("SE10", f"SE11W031225{'':8}FTZ0260A01")), []),
    (all_of(ZONE, STATUS, after("SE10", f"SE11W031825{'':8}FTZ02600A001")), [("SE11", "Z41")]),
    (all_of(ZONE, STATUS, after("SE10", f"SE11{'':15}ZONE 26{'':13}00451")), [("SE11", "Z42"), ("SE11", "Z58")]),
    (all_of(FORMAL_BASE, at("SE10", 20, "06"), STATUS), [("SE15", "Z59")]),
    (all_of(FORMAL_BASE, at("SE10", 20, "21")), [("SE10", "Z43")]),
    (all_of(FORMAL_BASE, at("SE10", 20, "21"), after("SE10", f"SE11{'':60}I123")), []),
    (
        all_of(FORMAL_BASE, at("SE10", 20, "22"), without("SE15"), after("SE10", f"SE11{'':60}I123")),
        [("SE11", "Z44")],
    ),
    (all_of(FORMAL_BASE, at("SE10", 20, "23")), [("SE60", "Z78")]),
    (all_of(FORMAL_BASE, at("SE10", 20, "23"), after("SE40", "SE609813000520")), []),
    (all_of(FORMAL_BASE, at("SE10", 20, "07"), at("SE10", 50, "     ")), [("SE10", "Z14")]),
    (all_of(FORMAL_BASE, at("SE10", 39, " ")), [("SE10", "019")]),
]


@pytest.mark.parametrize(("change", "expected"), OTHER_TYPES)
def test_what_an_entry_type_demands(change: Change, expected: list[tuple[str, str]]) -> None:
    """Zone, warehouse, temporary importation: their records and numbers, and nobody else's."""
    assert judged(change, FORMAL) == expected


PGA = [
    (("OI        SOAP", "PG01001FDACOS", "PG02P"), []),
    (("OI        SOAP", "PG01001FDACOS" + " " * 66 + "A"), []),
    (("PG01001FDACOS", "PG02P"), [("PG01", "P01")]),
    (("OI", "PG01001FDACOS", "PG02P"), [("OI", "P02")]),
    (("OI        SOAP",), [("OI", "P03")]),
    (("OI        SOAP", "OI        SOAP", "PG01001FDACOS", "PG02P"), [("OI", "P42")]),
    (("OI        SOAP", "PG01   FDACOS", "PG02P"), [("PG01", "P04")]),
    (("OI        SOAP", "PG01001   COS", "PG02P"), [("PG01", "P05")]),
    (("OI        SOAP", "PG01001FDA", "PG02P"), [("PG01", "P06")]),
    (("OI        SOAP", "PG01001ZZZCOS", "PG02P"), [("PG01", "P40")]),
    (("OI        SOAP", "PG01002FDACOS", "PG02P"), [("PG01", "Z90")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG01002FDACOS", "PG02P", "PG01001EPATS1", "PG02P"), []),
    (("OI        SOAP", "PG01001FDACOS", "PG01001EPATS1", "PG02P"), []),
    (("OI        SOAP", "PG01001FDACOS"), [("PG01", "P54")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02C"), [("PG02", "P07")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG02P"), [("PG02", "P07")]),
    (("OI        SOAP", f"PG01001FDACOS{'':28}980.000", "PG02P"), [("PG01", "P08")]),
    (("OI        SOAP", "PG01001FDACOS" + " " * 66 + "H"), [("PG01", "Z91")]),
    (("OI        SOAP", "PG01001FDACOS" + " " * 66 + "E"), [("PG01", "Z91")]),
    (("OI        SOAP", "PG01001FDACOS" + " " * 66 + "F"), [("PG01", "Z91")]),
    (("OI        SOAP", "PG01001FWSFWS" + " " * 66 + "E"), []),
    (("OI        SOAP", "PG01001APHAPL" + " " * 66 + "G"), []),
    (("OI        SOAP", "PG01001FDACOS   X", "PG02P"), [("PG01", "Z08")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG06   CA"), [("PG06", "P10")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", f"PG0639 CA{'':36}017"), [("PG06", "P27")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG08SERIAL"), [("PG08", "P28")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG13ISSUER"), [("PG13", "P29")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG19   "), [("PG19", "P12")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG20STREET"), [("PG20", "P33")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG21IM JANE"), [("PG21", "P34")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG23     TEXT"), [("PG23", "P14")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG24GEN"), [("PG24", "P41")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG267"), [("PG26", "P17")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG26 "), [("PG26", "P16")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG27"), [("PG27", "P18")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG30"), [("PG30", "P19")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG31"), [("PG31", "P21"), ("PG31", "P39")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG32     ABC"), [("PG32", "P23"), ("PG32", "P30")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG33"), [("PG33", "P31")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG34"), [("PG34", "P25")]),
    (("OI        SOAP", "PG01001FDACOS", "PG50", "PG51", "PG02P"), [("PG50", "P35")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG50", "PG07A"), [("PG50", "P35")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG51"), [("PG51", "P35")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG50", "PG07A", "PG30I", "PG51"), [("PG30", "P32")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG00R0001"), [("PG00", "Z92")]),
    (("OI        SOAP", "PG01001FDACOS", "PG02P", "PG17A" + " " * 60 + "1"), [("PG17", "Z01")]),
]


@pytest.mark.parametrize(("lines", "expected"), PGA)
def test_the_records_of_agencies(lines: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """OI and PG01 to PG60: their order and what CBP itself demands, with the conditions of its dictionary."""
    assert judged(after("SE60", *lines)) == expected


def test_an_agency_record_comes_back_with_what_it_belongs_to() -> None:
    """The SX echoes line, tariff number, description and agency above a record in error."""
    answers = cbp().send(after("SE60", "OI        SOAP", "PG01001FDACOS", "PG02P", "PG19")(entries_se([ENTRY])))
    echoed = [r[:4].strip() for r in answers[0].payload.decode().splitlines()]
    assert echoed[2:] == ["SE10", "SE15", "SE40", "SE60", "OI", "PG01", "PG19", "SE90", "SE90", "Y  0", "Z090"]


def test_a_security_filing_is_refused_as_not_modelled() -> None:
    """SF records behind the goods are known, and refused with the sandbox's own text."""
    change = after("SE60", "SF10101ACTEI 12-3456789", "SF30MF")
    assert judged(change) == [("SF10", "Z09")]


@pytest.mark.parametrize(
    ("action", "change", "expected"),
    [
        ("D", same, []),
        ("D", at("SE13", 60, "13"), [("SE13", "Z12")]),
        ("D", at("SE13", 60, "12"), [("SE13", "Z12")]),
        ("D", at("SE13", 60, "03"), [("SE13", "Z13")]),
        ("D", all_of(at("SE13", 60, "03"), after("SE13", "SE20EN XYZ12345689")), []),
        ("D", all_of(at("SE13", 60, "02"), after("SE13", "SE20IB 123456789")), []),
        ("D", all_of(at("SE13", 60, "04"), after("SE13", "SE20FTZ0901ABC")), []),
        ("D", after("SE13", "SE20IB 123456789"), [("SE20", "Z50")]),
        ("D", at("SE10", 50, "    "), [("SE10", "Z14")]),
        ("D", at("SE10", 39, " "), [("SE10", "019")]),
        ("D", after("SE13", f"SE15RTSTC{'1001':50}00000001     N"), [("SE15", "Z10")]),
        ("U", same, []),
        ("U", without("SE13"), [("SE10", "208")]),
        ("U", at("SE15", 6, "    "), [("SE15", "Z20")]),
        ("U", after("SE15", "SE20CR JOB2"), []),
        ("U", after("SE15", "SE30BY"), [("SE30", "Z10")]),
    ],
)
def test_the_usage_maps_of_d_and_u(action: str, change: Change, expected: list[tuple[str, str]]) -> None:
    """Which records a cancellation and an update may have, and what they need."""
    box = cbp()
    box.send(entries_se([ENTRY]))
    reason = "01" if action == "D" else ""
    data = entries_se([SampleEntry("1234567", "25031000001", action=action, reason=reason)], reference="NEXT")
    assert complaints(box.send(change(data))) == expected


def test_documents_are_told_by_a_number_once() -> None:
    """A filer's DIS reference used with an entry before is refused with a later version of it."""
    box = cbp()
    with_document = all_of(at("SE13", 63, "1"), after("SE20", "SE20DISDOC-1"))
    assert complaints(box.send(with_document(entries_se([ENTRY])))) == []
    replace = entries_se([SampleEntry("1234567", "25031000001", action="R", value=46)], reference="NEXT")
    assert complaints(box.send(replace)) == []
    again = entries_se([SampleEntry("1234567", "25031000001", action="R", value=47)], reference="THIRD")
    assert complaints(box.send(with_document(again))) == [("SE10", "Z84")]


def test_immediate_delivery_is_asked_for_before_the_release() -> None:
    """An update after the release cannot ask for it any more."""
    box = cbp()
    bonded = at("SE10", 39, "8")
    box.send(manifest_309([SampleBill("25031000001")]))
    box.send(bonded(entries_se([ENTRY])))
    box.arrive("TSTC2503100001")
    update = entries_se([SampleEntry("1234567", "25031000001", action="U")], reference="NEXT")
    asked = all_of(bonded, after("SE10", f"SE11{'':75}Y"))
    assert complaints(box.send(asked(update))) == [("SE10", "Z45")]


SWITCHES: list[tuple[str, Any, Change, list[tuple[str, str]], list[tuple[str, str]]]] = [
    ("unconfirmed_codes", False, at("SE10", 39, " "), [("SE10", "019")], [("SE10", "")]),
    ("unconfirmed_codes", False, after("SE60", "OI        SOAP"), [("OI", "P03")], [("OI", "")]),
    ("buyer_on_informal", True, same, [], [("SE10", "035")]),
    ("bond_on_informal", True, same, [], [("SE10", "Z81")]),
    ("description_required", True, at("SE40", 11, " " * 69), [], [("SE40", "Z80")]),
    ("self_certification", True, after("SE20", "SE20SCEY"), [("SE20", "Z48")], []),
    ("check_line_values", False, at("SE10", 40, "0000000044"), [("SE10", "119")], []),
]


@pytest.mark.parametrize(("switch", "value", "change", "default", "switched"), SWITCHES)
def test_switches(
    switch: str, value: Any, change: Change, default: list[tuple[str, str]], switched: list[tuple[str, str]]
) -> None:
    """What the documents leave unsure: the default, and what the switch makes of it."""
    assert judged(change) == default
    assert judged(change, **{switch: value}) == switched


def test_an_update_without_a_contact_where_the_switch_lets_it() -> None:
    """``contact_on_update`` off: SE13 may be absent from action U."""
    box = cbp(contact_on_update=False)
    box.send(entries_se([ENTRY]))
    update = entries_se([SampleEntry("1234567", "25031000001", action="U")], reference="NEXT")
    assert complaints(box.send(without("SE13")(update))) == []


def test_every_refusal_has_its_reference() -> None:
    """Guide, version and section stand in the transcript with each complaint of these tables."""
    for changes in (HEADER, BILL, PARTY, GOODS):
        for change, _ in changes:
            box = cbp()
            box.send(change(entries_se([ENTRY])))
            for reason in reasons(box):
                assert any(mark in reason["reference"] for mark in ("v40", "rev ", "20", "CSMS", "CFR")), reason


def test_a_system_failure_keeps_nothing_and_the_second_filing_is_taken() -> None:
    """SYSFAIL: SX 01 with the text and a private code; the same file again is read anew and accepted."""
    box = cbp()
    entry = entries_se([SampleEntry("1234567", "SYSFAIL0001")])
    answers = box.send(entry)
    assert se90(answers) == [("11", "E90"), ("01", "")]
    assert b"SYSTEM FAILURE" in answers[0].payload
    assert box.cbp.store.count("select count(*) from entry") == 0
    assert se90(box.send(entry)) == [("02", "")]
    assert se90(box.send(entry)) == [("02", "")]  # and now it is a repetition
    assert box.cbp.store.count("select count(*) from entry") == 1


def test_a_system_failure_of_one_entry_spares_its_neighbour() -> None:
    """The neighbour is accepted; the same bytes are a repetition then, a new file takes the failed one."""
    box = cbp()
    both = [SampleEntry("1234567", "SYSFAIL0001"), SampleEntry("1234568", "1002")]
    assert se90(box.send(entries_se(both))) == [("11", "E90"), ("01", ""), ("02", "")]
    assert se90(box.send(entries_se(both))) == [("11", "E90"), ("01", ""), ("02", "")]
    assert se90(box.send(entries_se(both[:1], reference="AGAIN"))) == [("02", "")]
