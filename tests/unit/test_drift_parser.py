"""The reading of a guide's pages: what is the page's, what is a table's, how rows wrap and tables end."""

from __future__ import annotations

import pytest

from schemas.drift import body_lines, identify, load_guides, parse_layouts, parse_reference_tables, version_of
from schemas.drift.layout_parser import PrintedRecord

HEAD = "    Running head of the book"
FOOT = "May 3, 2031       Made-up chapter        MU-{}"


def book(*pages: str) -> str:
    """Pages with a running head and foot, a form feed between them."""
    return "\n\f".join(f"{HEAD}\n\n{page.strip(chr(10))}\n\n\n{FOOT.format(n)}" for n, page in enumerate(pages, 1))


FIRST = """
Record Identifier ZZ10 (Input)
This record is made up. It carries nothing and is repeated at will.

    Record Identifier ZZ10 (Input)
    Data Element           Length/   Position   Status   Description                      Note
                            Class
    Control Identifier      4AN        1-4        M      Must always equal ZZ10.
    Mark                     1A         5         C      One letter.                         1
                                                         A = apples
    Name of the Owner       20X        6-25       M      Whoever owns it. Two lines of
    of the Parcel                                        text beside a name of two lines.

    Day of Arrival         6D or      26-31              Space fill if unknown.
                             6S
    Long Name That Goes     9X        32-40       O      A name across the page's edge,
"""
SECOND = """
    Over the Edge                                        and the text with it.
    Amount                  10(S)N    41-50       C      Whole dollars.
    Filler                   5X       51-55       M      Space fill.
"""
THIRD = """
    Record Identifier ZZ10 (Input)
    Data Element             Length/   Position   Status   Description                    Note
                              Class
    Made-up Z-                 5AN      56-60        M      A name cut at a hyphen.
    Record Indicator
    Filler                    20X       61-80        M      Space fill.

Note 1
A note that says 3AN    10-12     M    is not a row.

Record Identifier ZZ90 (Output)

    Record Identifier ZZ90 (Output)
    Data Element           Length/   Position   Status   Description                      Note
                            Class
    Control Identifier      4AN        1-4        M      Must always equal ZZ90.
    Filler                 76X         5-80       M      Space fill.
"""


@pytest.fixture(name="records")
def _records() -> dict[str, PrintedRecord]:
    return {one.id: one for one in parse_layouts(body_lines(book(FIRST, SECOND, THIRD)))}


def rows(record: PrintedRecord) -> list[tuple[str, str, str, str]]:
    return [(one.at, one.cls, one.use, one.name) for one in record.fields]


def test_running_heads_and_feet_are_left_out_and_lines_keep_their_numbers() -> None:
    """Heads and feet with changing page numbers vanish; what is left still says where it stands in the file."""
    text = book(FIRST, SECOND, THIRD)
    body = body_lines(text)
    assert not [one for one in body if "Running head" in one.text or "Made-up chapter" in one.text]
    file = text.replace("\f", "").split("\n")
    for one in body:
        assert file[one.number - 1].rstrip() == one.text.rstrip()
    assert {one.page for one in body} == {1, 2, 3}
    assert [one.page for one in body if one.opens_page] == [1, 2, 3]


def test_a_line_that_opens_only_a_few_pages_is_no_running_head() -> None:
    """The title of a record at the top of its pages stays, although it is there more than once."""
    pages = [f"Page about matter {chr(97 + n)}\nbody" for n in range(8)]
    pages[2] = pages[3] = "Record Identifier ZZ10 (Input)\nbody"
    body = body_lines("\n\f".join(pages))
    assert [one.text for one in body].count("Record Identifier ZZ10 (Input)") == 2


def test_a_layout_over_three_pages_is_one_record(records: dict[str, PrintedRecord]) -> None:
    """Rows go on after a page break without a head and under a repeated one; wrapped names are put together."""
    assert rows(records["ZZ10"]) == [
        ("1-4", "4AN", "M", "Control Identifier"),
        ("5-5", "1A", "C", "Mark"),
        ("6-25", "20X", "M", "Name of the Owner of the Parcel"),
        ("26-31", "6D or 6S", "", "Day of Arrival"),
        ("32-40", "9X", "O", "Long Name That Goes Over the Edge"),
        ("41-50", "10(S)N", "C", "Amount"),
        ("51-55", "5X", "M", "Filler"),
        ("56-60", "5AN", "M", "Made-up Z-Record Indicator"),
        ("61-80", "20X", "M", "Filler"),
    ]
    assert (records["ZZ10"].way, records["ZZ90"].way) == ("Input", "Output")


def test_every_row_says_where_it_is_printed(records: dict[str, PrintedRecord]) -> None:
    """Page and line of a row lead to the line that holds it."""
    file = book(FIRST, SECOND, THIRD).split("\n")
    for record in records.values():
        for one in record.fields:
            assert one.cls.split()[0] in file[one.line - 1]
    assert [one.page for one in records["ZZ10"].fields] == [1, 1, 1, 1, 1, 2, 2, 3, 3]


def test_a_note_ends_a_table(records: dict[str, PrintedRecord]) -> None:
    """What follows a note is prose, whatever it looks like."""
    assert "10-12" not in {one.at for one in records["ZZ10"].fields}


def test_prose_across_the_columns_ends_a_table() -> None:
    """A line that runs from the name's column over the class column is not of the table."""
    page = """
10-Record              Length/
Data Element            Class    Position    Desig    Description                     Note
Control Identifier       2AN       1-2        M       Always 10
This sentence runs across all the columns and so it closes the table at once.
Stray Name               3AN       3-5        M       Not a row any more.
"""
    (record,) = parse_layouts(body_lines(page))
    assert (record.id, record.way, [one.at for one in record.fields]) == ("10", "", ["1-2"])


def test_qualified_designations_and_rows_without_position() -> None:
    """Two variants of a column are both kept as printed, the second without columns where none are printed."""
    page = """
  Output Q-Record        Length/
  Data Element            Class     Position    Desig    Description                    Note
  Control Identifier       1A         1-1        M       Always Q
  Filler (ESAR)            6S         2-7       M-       Space fill.
                                                ESAR
           OR

  Secret Word (eMAN)       6AN                  C-       Agreed upon.
                                               eMAN
  Sort of Thing           2AN         8-9       M-       What it is.
                                               ESAR
                                                OR
                                                O-
                                               eMAN
  Previous Owner          3AN        10-12       O       Who.
  Previously:
  Former Owner
"""
    (record,) = parse_layouts(body_lines(page))
    assert rows(record) == [
        ("1-1", "1A", "M", "Control Identifier"),
        ("2-7", "6S", "M-ESAR", "Filler (ESAR)"),
        ("", "6AN", "C-eMAN", "Secret Word (eMAN)"),
        ("8-9", "2AN", "M-ESAR OR O-eMAN", "Sort of Thing"),
        ("10-12", "3AN", "O", "Previous Owner"),
    ]


def test_heads_with_their_words_on_two_lines_and_generated_records() -> None:
    """``Position`` may stand above the head, ``Length / Class`` over three lines; a generated record is a variant."""
    page = """
CW77-Record          Length/   Position
Data Element          Class                Desig    Description                   Note
Control Identifier     4AN        1-4       M       Always CW77
Filler                 76S        5-80      M       Space fill.

  ACE Generated
  Output Q-Record        Length/
  Data Element            Class     Position    Desig    Description                    Note
  Control Identifier       1A         1-1        M       Always Q
  Filler                  79S        2-80        M       Space fill.

    Record Identifier ZZ11 (Input)
    Data Element          Length Position Status         Description                  Note
                            /
                            Class
    Control Identifier     4AN       1-4  M              Must always equal ZZ11.
    Rest                   76X      5-80  C              Anything.
"""
    found = parse_layouts(body_lines(page))
    assert [(one.id, one.way, one.variant, len(one.fields)) for one in found] == [
        ("CW77", "", "", 2),
        ("Q", "Output", "generated", 2),
        ("ZZ11", "Input", "", 2),
    ]


def test_a_variant_with_name_and_text_in_one_cell() -> None:
    """The name is the first sentence of the cell, the record the one above, the variant the number after Type=."""
    page = """
54-Record             Length/
Data Element           Class    Position    Desig   Description                     Note
Control Identifier      2AN       1-2        M      Always 54
Information             78X       3-80       M      See the types below.

Type=07 (Weight Information)

Weight Information                                                       Length/
Data Element / Description                                                Class     Position     Desig
Weight Proved. The weight that somebody has proved to be                  10(S)N       3-12           C
true, at one time                                                           or
                                                                           10S
Filler                                                                     68S        13-80           M
"""
    plain, variant = parse_layouts(body_lines(page))
    assert (plain.id, plain.variant, variant.id, variant.variant) == ("54", "", "54", "07")
    assert rows(variant) == [("3-12", "10(S)N or 10S", "C", "Weight Proved"), ("13-80", "68S", "M", "Filler")]


def test_reference_texts_are_read_type_by_type() -> None:
    """Columns and names of each type; a space is a filler, the record in brackets no part of the name."""
    page = """
  Reference
  Data Type
    Code          Description / Usage               Returned ‘Reference Data Text’ Content
   BLOCK          Description: A block.
                                                     Position   Description / Source
                  Usage: Occurrence Position =        26-29     Port of the
                  the sequence of the thing                     Parcel (B-Record)
                  in its group.                       30-30     Space.
                                                      31-80     Owner (B-
                                                                Record)

   PARCEL         Description: A parcel.
                                                     Position   Description / Source
                  Usage: whatever.                    26-80     Number of the parcel

 Note 1
 Something else, of 26-30     columns.
"""
    block, parcel = parse_reference_tables(body_lines(page), "X7")
    assert [(one.at, one.name) for one in block.fields] == [
        ("26-29", "Port of the Parcel"),
        ("30-30", "Filler"),
        ("31-80", "Owner"),
    ]
    assert [(one.at, one.name) for one in parcel.fields] == [("26-80", "Number of the parcel")]
    assert (block.id, block.variant, block.shape) == ("X7", "BLOCK", "positions")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("A chapter\nMay 2031   Version 12\n", "12"),
        (
            "A chapter\n\nNumber   Date    Brief Description of Change\n   31    May 3, 2031   Something\n   30  x  y",
            "31",
        ),
        ("A chapter without a version\n", ""),
        ("Number   Brief Description of Change\nno row of numbers\n", ""),
    ],
)
def test_a_guide_says_its_version(text: str, version: str) -> None:
    """In front, or as the first row of its table of changes."""
    assert version_of(text) == version


def test_a_guide_is_known_by_a_line_of_its_front_not_by_mentioning_another() -> None:
    """Each known title alone on a line identifies; inside a sentence it does not."""
    for guide in load_guides():
        found = identify(f"A book\n\n   {guide.says.upper()}  \n\nof rules")
        assert found is guide
        assert identify(f"A book that mentions {guide.says} and goes on") is None


@pytest.mark.parametrize(
    "text", ["", "\f\f\f", "\x00\xff\n\r\n", "Data Element Position Desig\n" * 50, " " * 200_000, "9AN " * 50_000]
)
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Nothing printed, nothing found; and no hang on a line no guide would print."""
    assert parse_layouts(body_lines(text)) == ()
