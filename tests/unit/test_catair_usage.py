"""Are order, repetition and duty of records held, for each action and each answer?"""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catair import Record, applications, usage_maps
from schemas.catair.usage import REMEMBERED, make_map, map_for, unfitting

MINIMAL = ["SE10", "SE13", "SE15", "SE40", "SE60"]
SX = "SX"


def plain(*layouts: str) -> list[Record]:
    """Records of these layouts; ``SE15:M`` gives a bill type, ``SE90:11`` a message type, ``PG01:A`` a disclaimer."""
    records = []
    for one in layouts:
        layout, _, extra = one.partition(":")
        values: dict[str, Any] = {"bill_type_indicator": extra} if layout in ("SE15", "SO40") else {}
        if layout == "SE90":
            values = {"message_type_code": extra}
        if layout == "PG01":
            values = {"disclaimer": extra}
        records.append(Record(layout, values))
    return records


def faults(usage: str, *layouts: str) -> list[tuple[str, str, int]]:
    """Code, subject and index of every fault."""
    return [(one.code, one.about, one.index) for one in usage_maps()[usage].check(plain(*layouts))]


def test_a_full_request_is_in_order() -> None:
    """Every record of the printed map in its place has no fault."""
    full = (
        "SE10 SE11 SE13 SE15:I SE15:M SE15:H SE16 SE17 SE17 SE15:R SE20 SE20 SE30 SE31 SE35 SE35 SE36 SE30 "
        "SE40 SE41 SE50 SE51 SE55 SE56 SE60 SE61 OI PG01:A PG01:A SE60 SE40 SE60"
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
        ("SE.add", "SE10 SE13 SE40 SE60 PG01:A", [("X37", "OI", 4)]),
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
        (["SE10", "SE13", "SE40", "SE60", "OI"], ["PG01:A"], 999),
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


ENTITY = {
    "name": "entity",
    "source": "here",
    "rows": [
        {"level": 0, "record": "PG19", "use": "C", "max": 2, "order": "free"},
        {"level": 1, "record": "PG20", "use": "C", "max": 1},
        {"level": 1, "record": "PG21", "use": "C", "max": 9, "order": "free"},
        {"level": 2, "record": "PG24", "use": "O", "max": 9},
    ],
}
PRODUCT = {
    "name": "product",
    "source": "here",
    "rows": [
        {"level": 0, "record": "OI", "use": "M", "max": 1},
        {"level": 0, "record": "PG02", "use": "M", "max": 9, "order": "free", "when": {"item_type": ["", "P"]}},
        {"level": 1, "include": "entity"},
        {"level": 1, "record": "PG22", "use": "C", "max": 9, "order": "free"},
        {"level": 2, "include": "entity"},
        {"level": 1, "record": "PG24", "use": "C", "max": 1},
        {"level": 1, "record": "PG25", "use": "M", "max": 1},
    ],
}


def inline(*layouts: str, **changes: Any) -> list[tuple[str, str, int]]:
    """Faults of records under the product map, changed as asked."""
    usage = make_map("product", {"entity": ENTITY, "product": {**PRODUCT, **changes}})
    return [(one.code, one.about, one.index) for one in usage.check(plain(*layouts))]


@pytest.mark.parametrize(
    ("layouts", "expected"),
    [
        ("OI PG02 PG25", []),
        ("OI PG02 PG25 PG19 PG20 PG21 PG24 PG24 PG22", []),
        ("OI PG02 PG22 PG19 PG20 PG19 PG21 PG24 PG25", []),
        ("OI PG02 PG25 PG02 PG25", []),
        ("OI PG02 PG24 PG25 PG24", [("X36", "PG24", 4)]),
        ("OI PG02 PG25 PG21 PG24", [("X37", "PG19", 3)]),
        ("OI PG02 PG19 PG20 PG20 PG25", [("X36", "PG20", 4)]),
        ("OI PG02 PG25 PG19 PG19 PG19 PG20", [("X36", "PG19", 5)]),
        ("OI PG02 PG25 PG19 PG19 PG19 PG19 PG20", [("X36", "PG19", 5)]),
        ("OI PG02 PG19", [("X37", "PG25", 2)]),
        ("OI PG25", [("X37", "PG02", 1)]),
        ("OI PG02 PG25 OI", [("X35", "OI", 3)]),
        ("OI PG02 PG25 PG30", [("X34", "PG30", 3)]),
    ],
)
def test_a_group_of_free_order(layouts: str, expected: list[tuple[str, str, int]]) -> None:
    """Children stand in any order with the nearest parent that has room; what opens a group opens the next one."""
    assert inline(*layouts.split()) == expected


def test_the_nearest_parent_that_has_a_record_gets_it() -> None:
    """A PG24 goes to the open PG21, and to the product when no individual is open."""
    assert inline("OI", "PG02", "PG25", "PG19", "PG21", "PG24", "PG24", "PG22", "PG24") == []
    assert inline("OI", "PG02", "PG25", "PG22", "PG24", "PG24") == [("X36", "PG24", 5)]


def test_a_partial_answer_needs_nothing_below_the_top() -> None:
    """With ``partial`` a child may come back without its parent; level 0 stays as it is."""
    assert inline("OI", "PG02", "PG21", partial=True) == []
    assert inline("OI", "PG20", "PG24", partial=True) == []
    assert inline("PG02", "PG20", partial=True) == [("X37", "OI", 0)]


def test_a_remark_may_follow_any_record() -> None:
    """What ``after`` names stands behind any record up to its maximum, and behind nothing at all it does not."""
    after = [{"record": "SE90", "max": 2, "when": {"message_type_code": ["11"]}}]

    assert inline("OI", "SE90:11", "SE90:11", "PG02", "PG25", "SE90:11", after=after) == []
    assert inline("OI", *["SE90:11"] * 3, "PG02", "PG25", after=after) == [("X36", "SE90", 3)]
    assert inline("OI", "SE90:02", "PG02", "PG25", after=after) == [("X35", "SE90", 1)]


def test_a_map_that_includes_itself_is_refused() -> None:
    """An include that leads back, or nowhere, is told when the map is made."""
    row = {"level": 0, "include": "entity"}
    for maps in ({"entity": {**ENTITY, "rows": [row]}}, {"x": {**ENTITY, "rows": [row]}}):
        with pytest.raises(ValueError, match="include of 'entity'"):
            make_map(next(iter(maps)), maps)


def test_what_is_remembered_is_bounded_and_right() -> None:
    """Many shapes of transactions are checked each for itself, and values that decide belong to the shape."""
    usage = usage_maps()["SO"]
    for count in range(REMEMBERED + 10):
        assert list(usage.check(plain("SO10", *["SO60"] * count))) == []

    assert [one.code for one in usage.check(plain("SO10", "SO40:M", "SO40:H"))] == []
    assert [one.code for one in usage.check(plain("SO10", "SO40:H", "SO42", "SO40:M", "SO72"))] == ["X37"]
    assert [one.code for one in usage_maps()["SE.add"].check(plain(*MINIMAL[:2], "SE15:M", "SE15:H"))] == []
    assert [one.code for one in usage_maps()["SE.add"].check(plain(*MINIMAL[:2], "SE15:R", "SE15:H"))] == ["X35"]


def test_a_map_is_chosen_by_what_the_header_says() -> None:
    """An action no map is for is told with its field, its column and what is allowed."""
    application = applications()["SE"]
    good, bad = Record("SE10", {"valid_action_code": "D"}), Record("SE10", {"valid_action_code": "Q"})
    chosen = map_for(application, [good])

    assert chosen is not None
    assert chosen.id == "SE.cancel"
    assert map_for(application, [bad]) is None
    assert unfitting(application, bad) == (
        "valid_action_code",
        "No usage map fits valid action code 'Q'.",
        "Use A, D, R, U.",
        5,
    )
