"""Printed record usage maps beside ours, and the error dictionary's workbook beside our lists of conditions."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import date

import pytest

from schemas.catair.codes import Code, CodeList
from schemas.catair.usage import Node, UsageMap, usage_maps
from schemas.drift import (
    Accepted,
    body_lines,
    check_texts,
    compare_dictionary,
    compare_usage_map,
    load_guides,
    parse_usage_map,
    read_dictionary,
)
from schemas.drift.usage_maps import compare_usage_maps, maps_not_compared

GUIDE = next(one for one in load_guides() if one.key == "cargo-release")
TITLE = "Made-up Record Usage Map"
MAP = """
Made-up Record Usage Map ............ 12

Made-up Record Usage Map
What is allowed, in order.

 Record                                              Req.   Max      Loop
   ID                       Name                     Des.   Use     Repeat   Notes
       Block Control Grouping                         M                  1           1
       Transaction Control Headers (A, B)             M                  1
  ZZ10 Head of it all                                 M         1                    2
       Parcel Grouping                                C                 99
  ZZ20 Parcel                                         M         1
  ZZ21 Owner of a name so long that it goes over      C         3
       the edge of its cell
       Remark Grouping                                O
  ZZ30 Remark                                         M         2

Designation: M = Reporting Mandatory; C = Reporting Conditional; O = Reporting Optional

  ZZ40 No more of the map                             M         1
"""


def steps() -> list[tuple[str, str, str]]:
    return [(one.record, one.says, one.group) for one in parse_usage_map(body_lines(MAP), TITLE)]


def ours(*nodes: Node) -> UsageMap:
    return UsageMap("ZZ", "Made up", "nowhere", nodes)


PARCEL = Node("parcel", "C", 99, (Node("ZZ20", "M", 1), Node("ZZ21", "C", 3)))
REMARK = Node("remark", "O", 5, (Node("ZZ30", "M", 2),))


def told(*nodes: Node) -> list[tuple[str, str, str]]:
    found = compare_usage_map(GUIDE, "ZZ", parse_usage_map(body_lines(MAP), TITLE), ours(*nodes))
    return [(one.at, one.printed, one.held) for one in found]


def test_a_printed_map_is_read_in_order_with_the_groups_above() -> None:
    """Records with designation and number, the group right above; control groups and what follows the map left out."""
    assert steps() == [("ZZ10", "M 1", ""), ("ZZ20", "M 1", "C 99"), ("ZZ21", "C 3", ""), ("ZZ30", "M 2", "O")]


@pytest.mark.parametrize(
    ("nodes", "differences"),
    [
        ((Node("ZZ10", "M", 1), PARCEL, REMARK), [("ZZ group of ZZ30", "O", "O 5")]),
        ((Node("ZZ10", "M", 2), PARCEL, REMARK), [("ZZ ZZ10", "M 1", "M 2"), ("ZZ group of ZZ30", "O", "O 5")]),
        (
            (Node("ZZ10", "M", 1), replace(PARCEL, max=9), REMARK),
            [("ZZ group of ZZ20", "C 99", "C 9"), ("ZZ group of ZZ30", "O", "O 5")],
        ),
        (
            (Node("ZZ10", "M", 1), REMARK, PARCEL),
            [("ZZ group of ZZ30", "O", "O 5"), ("ZZ order", "ZZ10 ZZ20 ZZ21 ZZ30", "ZZ10 ZZ30 ZZ20 ZZ21")],
        ),
        (
            (Node("ZZ10", "M", 1), PARCEL, Node("ZZ99", "O", 1), Node("YY10", "O", 1)),
            [("ZZ ZZ30", "M 2", ""), ("ZZ group of ZZ30", "O", ""), ("ZZ ZZ99", "", "O 1")],
        ),
    ],
)
def test_what_differs_between_a_printed_map_and_ours(
    nodes: tuple[Node, ...], differences: list[tuple[str, str, str]]
) -> None:
    """Number, group, order, and records of the same family that one side lacks."""
    assert told(*nodes) == differences


def test_a_map_that_is_no_longer_under_its_title_is_a_difference() -> None:
    """A renamed or removed map does not pass for one that agrees."""
    guide = replace(GUIDE, maps={"ZZ": TITLE, "YY": "A title that is gone"})
    found, compared = compare_usage_maps(guide, body_lines(MAP), {"ZZ": ours(), "YY": ours()})
    assert compared == ("ZZ",)
    assert ("YY", "no usage map under the known title") in [(one.at, one.printed) for one in found]


OUTPUT = """
Made-up Output Map

Control                                                       Loop
ID      Name                                      Designation Repeat
       Block Control Grouping                         M           1
       Parcel Grouping                                C          99 / 9,999
       Parcel Error Grouping                          C           3
  ZZ20 Parcel                                         M           1
  SE90 Error                                          C           9
       Owner or Sender or Receiver Error
                                                      C            5
       Grouping
  ZZ21 Owner                                          M    (max use = 1)
       Remark Grouping                                O          >1
  ZZ30
       Remark                                         M
       Rest
       (…documented below…)                           M

Designation: M = Reporting Mandatory

The Rest of It

Note: printed elsewhere before.

 Control                                                       Loop
 ZZ40 Rest                                            C
Designation: M = Reporting Mandatory
"""
OUTPUT_TITLES = ("Made-up Output Map", "The Rest of It")


def folded(text: str, *nodes: Node) -> list[tuple[str, str, str]]:
    held = UsageMap("ZZ", "Made up", "nowhere", nodes, after=(Node("SE90", "C", 9),))
    found = compare_usage_map(GUIDE, "ZZ", parse_usage_map(body_lines(text), *OUTPUT_TITLES), held, folded=True)
    return [(one.at, one.printed, one.held) for one in found]


FOLDED = (
    Node("parcel", "C", 99, (Node("ZZ20", "M", 3), Node("ZZ21", "C", 5))),
    Node("ZZ30", "O", 999_999),
    Node("ZZ40", "C", 1),
)


def test_groups_around_single_records_count_as_the_number_of_the_record() -> None:
    """Numbers multiply, a broken name or identifier is put together, a part under its own title stands in its place."""
    steps = parse_usage_map(body_lines(OUTPUT), *OUTPUT_TITLES)
    assert [(one.record, one.folded) for one in steps] == [
        ("ZZ20", "C 297"),
        ("SE90", "C 9"),
        ("ZZ21", "C 5"),
        ("ZZ30", "O 999999"),
        ("ZZ40", "C 1"),
    ]
    assert folded(OUTPUT, *FOLDED) == []


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("C          99 /", "C          98 /", ("ZZ ZZ20", "C 294", "C 297")),
        ("C           3\n", "C           4\n", ("ZZ ZZ20", "C 396", "C 297")),
        ("C            5", "C            6", ("ZZ ZZ21", "C 6", "C 5")),
        ("C           9\n", "C           8\n", ("ZZ SE90", "C 8", "C 9")),
        ("O          >1", "C          >1", ("ZZ ZZ30", "C 999999", "O 999999")),
        ("  ZZ30\n       Remark                                         M\n", "", ("ZZ ZZ30", "", "O 999999")),
    ],
)
def test_one_change_in_a_folded_map_is_told(old: str, new: str, difference: tuple[str, str, str]) -> None:
    """Every number and designation of such a map counts; a record that is gone is told too."""
    assert old in OUTPUT
    assert difference in folded(OUTPUT.replace(old, new), *FOLDED)


def test_a_title_without_a_map_below_it_is_passed_over() -> None:
    """Tables of changes repeat the titles; a map whose part is gone is no map."""
    changes = "Made-up Output Map\n  ZZ99 Changed      M    1\nDesignation: new\n" + "\n" * 20
    assert "ZZ99" not in {one.record for one in parse_usage_map(body_lines(changes + OUTPUT), *OUTPUT_TITLES)}
    assert parse_usage_map(body_lines(OUTPUT.replace("The Rest of It", "Gone")), *OUTPUT_TITLES) == ()


def test_every_map_of_ours_is_compared_or_has_a_reason() -> None:
    """A map no guide is named for would never be looked at; a missing guide is a reason of its own."""
    reasons = maps_not_compared(usage_maps(), (), ())
    assert "No guide is named for it." not in reasons.values()
    compared = {name for one in load_guides() for name in (*one.maps, *one.folded)}
    left = maps_not_compared(usage_maps(), compared, {"status-notification"})
    assert left.keys() == {"SO", "CQ", "C1", "AE.delete", "PGA"}
    assert "is not in the folder" in left["SO"]
    assert maps_not_compared(["NEW"], (), ()) == {"NEW": "No guide is named for it."}


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def workbook(*sheets: list[list[str]], shared: tuple[str, ...] = ()) -> bytes:
    """A workbook of inline texts; a cell ``#n`` points at a shared one, a cell of digits is a number."""

    def cell(column: int, row: int, value: str) -> str:
        at = f"{chr(65 + column)}{row}"
        if value.startswith("#"):
            return f'<c r="{at}" t="s"><v>{value[1:]}</v></c>'
        if value.isdigit():
            return f'<c r="{at}"><v>{value}</v></c>'
        return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>' if value else ""

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{''.join(f'<si><t>{t}</t></si>' for t in shared)}</sst>")
        for number, rows in enumerate(sheets, 1):
            lines = "".join(
                f'<row r="{n}">{"".join(cell(c, n, value) for c, value in enumerate(row))}</row>'
                for n, row in enumerate(rows, 1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>"
            )
    return buffer.getvalue()


CHANGES = [["Revision \nNumber", "Date of Change", "Brief"], ["7", "40000", "All is new"], ["6", "39000", "Before"]]
CONDITIONS = [
    ["Condition \nCode", "Narrative Text", "Explanation"],
    ["2", "Parcel   Lost"],
    ["#0", "#1"],
    ["A14", "&lt;eliminated&gt;"],
    ["900", "OWNER – UNKNOWN"],
]
BOOK = workbook(CHANGES, CONDITIONS, shared=("B01", "NOT ON FILE"))


def lists(*codes: tuple[str, str, bool], edition: str = "7") -> dict[str, CodeList]:
    source = f"CBP ACE Error Dictionary v{edition}"
    made = {
        code: Code(code, text, source, valid_to=date(2020, 1, 1) if retired else None) for code, text, retired in codes
    }
    return {"made_up": CodeList("made_up", "Made up", source, "sourced", edition, date(2031, 5, 3), made)}


ALL = (
    ("002", "PARCEL LOST", False),
    ("B01", "NOT ON FILE", False),
    ("A14", "OWNER TOO SHORT", True),
    ("900", "OWNER - UNKNOWN", False),
    ("118", "GONE FROM THE PRINT", True),
)


def found(codes: dict[str, CodeList]) -> list[tuple[str, str, str, str]]:
    printed = read_dictionary(BOOK)
    assert printed is not None
    report = compare_dictionary(printed, codes)
    assert (report.version, report.codes) == ("7", 4)
    return [(one.kind, one.at, one.printed, one.held) for one in report.differences]


def test_lists_that_say_what_the_dictionary_says() -> None:
    """Letter case, dashes, blanks and leading zeros aside; retired codes have no text in print, or no row."""
    assert found(lists(*ALL)) == []


@pytest.mark.parametrize(
    ("codes", "difference"),
    [
        (
            (*ALL[:1], ("B01", "NOT IN FILE", False), *ALL[2:]),
            ("text", "B01", "NOT ON FILE", "NOT IN FILE"),
        ),
        (ALL[1:], ("code", "002", "PARCEL LOST", "")),
        ((*ALL, ("B77", "INVENTED", False)), ("code", "B77", "", "INVENTED")),
        (
            (*ALL[:2], ("A14", "OWNER TOO SHORT", False), *ALL[3:]),
            ("text", "A14", "<ELIMINATED>", "OWNER TOO SHORT"),
        ),
    ],
)
def test_one_planted_fault_in_a_list_is_told(
    codes: tuple[tuple[str, str, bool], ...], difference: tuple[str, str, str, str]
) -> None:
    """Another text, a missing code, an invented one, one that should be retired."""
    assert found(lists(*codes)) == [difference]


def test_another_edition_of_the_dictionary_is_told() -> None:
    """Lists that cite an older revision than the workbook's newest."""
    assert found(lists(*ALL, edition="6")) == [("version", "edition", "7", "6")]


def test_a_workbook_that_is_no_dictionary_and_one_that_is_broken() -> None:
    """The first is passed by, the second named."""
    assert read_dictionary(workbook([["Port", "Name"], ["0901", "Somewhere"]])) is None
    findings = check_texts(
        {}, {}, (), workbooks={"ports.xlsx": workbook([["Port"]]), "d.xlsx": BOOK}, lists=lists(*ALL)
    )
    assert (findings.other, [one.file for one in findings.guides], findings.clean) == (
        ("ports.xlsx",),
        ["d.xlsx"],
        True,
    )
    for broken in (b"", b"PK\x03\x04 nothing", BOOK[: len(BOOK) // 2], BOOK.replace(b"<row", b"<<ow")):
        with pytest.raises(ValueError, match=r"bad\.xlsx"):
            check_texts({}, {}, (), workbooks={"bad.xlsx": broken}, lists={})


def test_accepted_texts_count_for_the_dictionary_too() -> None:
    """An accepted difference of a code is taken out, a stale one told."""
    wrong = lists(*ALL[:1], ("B01", "NOT IN FILE", False), *ALL[2:])
    row = Accepted("error-dictionary", "text", "B01", "NOT ON FILE", "NOT IN FILE", "They say it otherwise.")
    assert check_texts({}, {}, (row,), workbooks={"d.xlsx": BOOK}, lists=wrong).clean
    assert not check_texts({}, {}, (row,), workbooks={"d.xlsx": BOOK}, lists=lists(*ALL)).clean
