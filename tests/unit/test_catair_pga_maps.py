"""Is it held which agency and security filing records belong together, in what order and how often?"""

from __future__ import annotations

import pytest

from schemas.catair import Record, usage_maps


def plain(*layouts: str) -> list[Record]:
    """Records by layout; what stands after a colon is the value that decides about the record's place."""
    keys = {
        "PG00": "substitution_indicator",
        "PG01": "disclaimer",
        "PG02": "item_type",
        "PG26": "packaging_qualifier",
        "SF10": "action_code",
        "SF30": "entity_code",
        "SE90": "message_type_code",
    }
    records = []
    for one in layouts:
        layout, _, value = one.partition(":")
        records.append(Record(layout, {keys[layout]: value} if value else {}))
    return records


def faults(layouts: str, begin: str = "SE10 SE13 SE40 SE60 OI ") -> list[tuple[str, str, int]]:
    """Code, subject and index, counted from the first of ``layouts``, of every fault of a request."""
    before = len(begin.split())
    found = usage_maps()["SE.add"].check(plain(*begin.split(), *layouts.split()))
    return [(one.code, one.about, one.index - before) for one in found]


@pytest.mark.parametrize(
    "layouts",
    [
        "PG01:A",
        "PG01:A PG01:B PG01 PG02:P PG01:D",
        "PG01:A PG02:P PG06",
        "PG01 PG01 PG02:P PG04 PG30",
        "PG01 PG02:P PG01 PG02:P PG04 PG30 PG01 PG02:P PG01 PG02:P PG10 PG26:1",
        "PG01 PG02:P PG50 PG07 PG07 PG51 PG50 PG07 PG08 PG51 PG07 PG19 PG02:C PG07 PG19 PG20 PG21 PG24 PG02:C PG04",
        "PG01 PG02:P PG13 PG14 PG50 PG10 PG19 PG25 PG26:1 PG29 PG51 PG50 PG10 PG25 PG51 PG14 PG50 PG10 PG51",
        "PG01 PG02:P PG14 PG50 PG31 PG32 PG51 PG13 PG50 PG14 PG51",
        "PG01 PG02:P PG04 PG05 PG06 PG05 PG06 PG50 PG05 PG06 PG51 PG07 PG60 PG08 PG08 PG10 PG17 PG18",
        "PG01 PG02:P PG30 PG21 PG30 PG19 PG20 PG21 PG24",
        "PG01 PG02:P PG19 PG60 PG60 PG20 PG60 PG21 PG60 PG55 PG24 PG21 PG55 PG34 PG19 PG20 PG34",
        "PG01 PG02:P PG22 PG19 PG20 PG21 PG24 PG22 PG21 PG22 PG24",
        "PG01 PG02:P PG29 PG26:1 PG19 PG20 PG21 PG06 PG05 PG33 PG35 PG27 PG28 PG23",
        "PG01 PG02:P PG26:1 PG26:2 PG26:3 PG26:4 PG26:5 PG26:6 PG26:1 PG26:2",
        "PG01 PG02:P PG10 PG14 PG19 PG00:R PG22 PG24 PG00:R PG50 PG00:R PG51",
    ],
)
def test_agency_data_in_order(layouts: str) -> None:
    """What the data relationship model and the usage notes show is taken, a parent's children in any order."""
    assert faults(layouts) == []


@pytest.mark.parametrize(
    ("layouts", "expected"),
    [
        ("PG01", [("X37", "PG02", 0)]),
        ("PG01 PG01:A", [("X37", "PG02", 1)]),
        ("PG01 PG02:P PG02:P", [("X36", "PG02", 2)]),
        ("PG01 PG02:C", [("X37", "PG02", 1)]),
        ("PG02:P", [("X37", "PG01", 0)]),
        ("OI PG01:A", [("X37", "agency line", 0), ("X36", "agency data", 0)]),
        ("PG01:A OI PG01:A", [("X36", "agency data", 1)]),
        ("PG01 PG02:P PG08", [("X37", "PG07", 2)]),
        ("PG01 PG02:P PG29 PG20", [("X37", "PG19", 3)]),
        ("PG01 PG02:P PG21", [("X37", "PG19", 2)]),
        ("PG01 PG02:P PG19 PG19 PG20 PG20", [("X36", "PG20", 5)]),
        ("PG01 PG02:P PG13", [("X37", "license", 2)]),
        ("PG01 PG02:P PG50 PG07", [("X37", "PG51", 3)]),
        ("PG01 PG02:P PG07 PG51", [("X37", "PG50", 3)]),
        ("PG01 PG02:P PG50 PG10 PG50 PG10 PG51", [("X37", "PG51", 4)]),
        ("PG01 PG02:P PG50 PG24 PG51", [("X37", "PG51", 3), ("X37", "PG50", 4)]),
        ("PG01 PG02:P PG26:2", [("X35", "PG26", 2)]),
        ("PG01 PG02:P PG26:1 PG26:7", [("X35", "PG26", 3)]),
        ("PG01 PG02:P PG00:S", [("X35", "PG00", 2)]),
        ("PG01 PG02:P PG03", [("X34", "PG03", 2)]),
        ("PG01:Z", [("X35", "PG01", 0), ("X37", "agency line", 0)]),
        ("PG01:A PG60", None),
        ("PG01 PG02:P PG25 PG60", None),
    ],
)
def test_breaches_in_agency_data(layouts: str, expected: list[tuple[str, str, int]] | None) -> None:
    """A second product, a child without its parent, an open grouping: each is told with CBP's code where it shows."""
    if expected is None:
        assert {code for code, _, _ in faults(layouts)} == {"X37"}
    else:
        assert expected == faults(layouts)


def test_agency_lines_end_at_999() -> None:
    """999 disclaimed lines pass and the next is one X36."""
    assert faults("PG01:A " * 999) == []
    assert [(one[0], one[2]) for one in faults("PG01:A " * 1000)] == [("X36", 999)]


def test_agency_data_without_description() -> None:
    """PG01 right after SE60 lacks its OI."""
    assert faults("PG01:A", "SE10 SE13 SE40 SE60 ") == [("X37", "OI", 0)]


@pytest.mark.parametrize(
    "layouts",
    [
        "SE10 SE13 SE30 PG00:S PG19 PG20 PG21 PG00:E PG00:S PG26:1 PG00:E SE40 SE60 OI PG01 PG02:P PG00:R",
        "SE10 SE13 PG00:S PG19 PG00:E SE20 SE40 SE60",
        "SE10 SE13 SE40 PG00:S PG19 PG20 PG00:E SE60 OI PG01 PG02:P PG00:R",
    ],
)
def test_records_for_a_substitution(layouts: str) -> None:
    """PG00 S to E stands at header or line level, PG00 R in a message set."""
    assert faults(layouts, "") == []


def test_a_substitution_must_end() -> None:
    """A PG00 S without its E lacks it."""
    assert faults("SE10 SE13 PG00:S PG19 SE40 SE60", "") == [("X37", "PG00", 4)]


ALL_PARTIES = "SF30:MF SF35 SF36 SF30:SE SF31 SF35 SF35 SF36 SF30:BY SF30:ST SF30:LG SF30:CS SF30:BKP SF30:CN"


@pytest.mark.parametrize(
    ("layouts", "expected"),
    [
        (f"SF10:A SF20 SF20 SF25 {ALL_PARTIES} SF30:MF", []),
        ("SF10:D", []),
        ("SF10:D SF20", [("X35", "SF20", 1)]),
        (f"SF10:A {ALL_PARTIES} SF20", [("X35", "SF20", 15)]),
        ("SF10:A SF30:MF SF30:SE SF30:BY SF30:ST SF30:CS SF30:CN", [("X37", "stuffing location", 6)]),
        (f"SF10:A {ALL_PARTIES} SF31", [("X37", "SF30", 15)]),
        (f"SF10:A {ALL_PARTIES} SF30:IM", [("X35", "SF30", 15)]),
        (f"SF10:A {ALL_PARTIES} SE60", [("X35", "SE60", 15)]),
        (f"SF10:A {ALL_PARTIES} SF10:A", [("X36", "SF10", 15), ("X37", "party", 15)]),
    ],
)
def test_a_security_filing_after_the_last_line(layouts: str, expected: list[tuple[str, str, int]]) -> None:
    """It stands last, has every party once or more, and a deletion is its SF10 alone."""
    assert expected == faults(layouts, "SE10 SE13 SE40 SE60 ")


def test_containers_end_at_999() -> None:
    """999 containers pass; the next is one X36."""
    assert faults("SF10:A " + "SF25 " * 999 + ALL_PARTIES, "SE10 SE13 SE40 SE60 ") == []
    assert [one[:2] for one in faults("SF10:A " + "SF25 " * 1000 + ALL_PARTIES, "SE10 SE13 SE40 SE60 ")] == [
        ("X36", "SF25")
    ]


def test_agency_records_come_back_with_errors() -> None:
    """A response repeats agency records with the errors about them; the tenth error of one record is too much."""
    response = "SE10 SE15 SE40 SE60 OI PG01 SE90:11 PG02:P PG19 SE90:11 PG20 SE90:13 PG00:R PG01 SE90:11 SE90:01"
    check = usage_maps()["SX"].check

    assert list(check(plain(*response.split()))) == []
    assert [one.code for one in check(plain(*f"SE10 SE60 OI PG01 {'SE90:11 ' * 10}SE90:01".split()))] == ["X36"]
