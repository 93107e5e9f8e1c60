"""Are order, repetition and duty of records held, for each action and each answer?"""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catair import Record, usage_maps

MINIMAL = ["SE10", "SE13", "SE15", "SE40", "SE60"]
SX = "SX"


def plain(*layouts: str) -> list[Record]:
    """Records of these layouts; ``SE15:M`` gives a bill type, ``SE90:11`` a message type."""
    records = []
    for one in layouts:
        layout, _, extra = one.partition(":")
        values: dict[str, Any] = {"bill_type_indicator": extra} if layout in ("SE15", "SO40") else {}
        if layout == "SE90":
            values = {"message_type_code": extra}
        records.append(Record(layout, values))
    return records


def faults(usage: str, *layouts: str) -> list[tuple[str, str, int]]:
    """Code, subject and index of every fault."""
    return [(one.code, one.about, one.index) for one in usage_maps()[usage].check(plain(*layouts))]


def test_a_full_request_is_in_order() -> None:
    """Every record of the printed map in its place has no fault."""
    full = (
        "SE10 SE11 SE13 SE15:I SE15:M SE15:H SE16 SE17 SE17 SE15:R SE20 SE20 SE30 SE31 SE35 SE35 SE36 SE30 "
        "SE40 SE41 SE50 SE51 SE55 SE56 SE60 SE61 OI PG01 PG01 SE60 SE40 SE60"
    ).split()

    assert faults("SE.add", *full) == []


@pytest.mark.parametrize("missing", ["SE13", "SE10"])
def test_header_and_contact_are_mandatory(missing: str) -> None:
    """A request without SE13 or SE10 lacks a mandatory record, for every action."""
    for usage, layouts in (
        ("SE.add", MINIMAL),
        ("SE.update", ["SE10", "SE13", "SE15"]),
        ("SE.cancel", ["SE10", "SE13"]),
    ):
        left = [one for one in layouts if one != missing]

        assert ("X37", missing) in [one[:2] for one in faults(usage, *left)]


@pytest.mark.parametrize(
    ("usage", "layouts", "expected"),
    [
        ("SE.add", "SE10 SE13 SE11", [("X35", "SE11", 2)]),
        ("SE.add", "SE10 SE13 SE20 SE15:R", [("X35", "SE15", 3)]),
        ("SE.add", "SE10 SE13 SE30 SE36 SE35", [("X35", "SE35", 4)]),
        ("SE.add", "SE10 SE13 SE35", [("X37", "SE30", 2)]),
        ("SE.add", "SE10 SE13 SE40 SE40 SE60", [("X37", "tariff", 3)]),
        ("SE.add", "SE10 SE13 SE60", [("X37", "SE40", 2)]),
        ("SE.add", "SE10 SE13 SE40 SE60 OI", [("X37", "agency line", 4)]),
        ("SE.add", "SE10 SE13 SE40 SE60 PG01", [("X37", "OI", 4)]),
        ("SE.add", "SE10 SE13 SE13", [("X36", "SE13", 2)]),
        ("SE.add", "SE10 SE13 SE30 SE31 SE31 SE31 SE31", [("X36", "SE31", 6)]),
        ("SE.add", "SE10 SE13 SE90:01", [("X34", "SE90", 2)]),
        ("SE.add", "SE10 SE13 SE15:H", [("X35", "SE15", 2)]),
        ("SE.add", "SE10 SE13 SE15:R SE15:H", [("X35", "SE15", 3)]),
        ("SE.add", "SE10 SE13 SE15:M SE15:H SE15:H", [("X35", "SE15", 4)]),
        ("SE.update", "SE10 SE13 SE15:R SE40 SE60", [("X34", "SE40", 3), ("X34", "SE60", 4)]),
        ("SE.update", "SE10 SE13 SE30", [("X34", "SE30", 2)]),
        ("SE.cancel", "SE10 SE11 SE13 SE20", [("X34", "SE11", 1)]),
        ("SE.cancel", "SE10 SE13 SE15:R", [("X34", "SE15", 2)]),
    ],
)
def test_breaches_of_a_request(usage: str, layouts: str, expected: list[tuple[str, str, int]]) -> None:
    """Each breach is one fault at the record where it shows, with CBP's code."""
    assert expected == faults(usage, *layouts.split())


@pytest.mark.parametrize(
    ("begin", "group", "allowed"),
    [
        (["SE10", "SE13"], ["SE20"], 99),
        (["SE10", "SE13"], ["SE30"], 12),
        (["SE10", "SE13"], ["SE15:R"], 999),
        (["SE10", "SE13", "SE15:R"], ["SE16"], 99),
        (["SE10", "SE13", "SE15:R"], ["SE17"], 99),
        (["SE10", "SE13", "SE30"], ["SE35"], 3),
        (["SE10", "SE13", "SE40"], ["SE60"], 32),
        (["SE10", "SE13"], ["SE40", "SE60"], 999),
        (["SE10", "SE13", "SE40", "SE60", "OI"], ["PG01"], 999),
    ],
)
def test_repetitions_end_where_the_map_says(begin: list[str], group: list[str], allowed: int) -> None:
    """The last allowed repetition passes and the next is X36, once."""
    assert faults("SE.add", *begin, *group * allowed) == []
    assert [one[0] for one in faults("SE.add", *begin, *group * (allowed + 1))] == ["X36"]


def test_line_entities_are_eleven() -> None:
    """A line has at most eleven parties of its own."""
    assert faults("SE.add", "SE10", "SE13", "SE40", *["SE50"] * 11, "SE60") == []
    assert [one[0] for one in faults("SE.add", "SE10", "SE13", "SE40", *["SE50"] * 12, "SE60")] == ["X36"]


@pytest.mark.parametrize(
    "layouts",
    [
        "SE10 SE15:R SE90:02",
        "SE10 SE11 SE15:R SE90:02",
        "SE10 SE90:11 SE11 SE90:13 SE15:R SE90:11 SE90:11 SE90:01",
        "SE10 SE15:M SE90:11 SE15:H SE15:R SE90:11 SE90:01",
        "SE10 SE15:R SE35 SE90:11 SE60 SE90:11 SE90:01",
        "SE10 SE13 SE90:11 SE15:R SE20 SE90:11 SE20 SE90:11 SE30 SE90:11 SE36 SE90:11 SE40 SE60 SE61 SE90:11 SE90:01",
        "SE10 SE90:04",
    ],
)
def test_responses_in_order(layouts: str) -> None:
    """Any subset of the request with errors after the records they are about is a sound response."""
    assert faults(SX, *layouts.split()) == []


@pytest.mark.parametrize(
    ("layouts", "expected"),
    [
        ("SE10 SE15:R", [("X37", "SE90", 1)]),
        ("SE10 SE15:R SE90:02 SE90:02", [("X36", "SE90", 3)]),
        ("SE10 SE90:02 SE15:R", [("X35", "SE15", 2)]),
        ("SE10 " + "SE90:11 " * 10 + "SE90:01", [("X36", "SE90", 10)]),
    ],
)
def test_breaches_of_a_response(layouts: str, expected: list[tuple[str, str, int]]) -> None:
    """One verdict at the end, nine errors for a record, nothing after the verdict."""
    assert expected == faults(SX, *layouts.split())


def test_status_groups() -> None:
    """A status repeats bill and agency groups; a house bill joins its master, another master does not."""
    good = "SO10 SO20 SO20 SO30 SO30 SO40:M SO40:H SO42 SO50 SO40:R SO50 SO60 SO60 SO70 SO71 SO72 SO70".split()

    assert faults("SO", *good) == []
    assert [one[:2] for one in faults("SO", "SO10", "SO60", "SO40:R")] == [("X35", "SO40")]
    assert [one[:2] for one in faults("SO", "SO10", "SO71")] == [("X37", "SO70")]


def test_query_and_answer() -> None:
    """A query is one record; its answer mirrors a status or is one error."""
    assert faults("CQ", "WR1") == []
    assert faults("C1", *"WO10 WO30 WO40 WO50 WO60".split()) == []
    assert faults("C1.error", "WR0") == []
