"""Is a slip in a table told with its file, its row and a remedy, instead of a fault of the program?"""

from __future__ import annotations

import pytest

from gateway.cli import app
from schemas.catair.applications import load_applications
from schemas.catair.codes import CodeLists
from schemas.catair.layouts import load_tables, table_texts
from schemas.catair.soundness import UnsoundTable
from schemas.catair.usage import load_maps
from schemas.errors import GatewayError

RECORD = """\
[ZZ10]
name = "Made-up record"
direction = "in"
use = "M"
source = "Made up, ZZ10"
fields = [
  { at = "1-4", class = "4AN", use = "M", name = "Control Identifier", value = "ZZ10" },
  { at = "5-6", class = "2AN", use = "C", name = "Colour", codes = "colours" },
  { at = "7-80", class = "74X", use = "M", name = "Filler" },
]
"""
LIST = """\
[colours]
title = "Colours"
source = "Made up"
version = "1"
as_of = 2026-01-01
mark = "sourced"
codes = [
  { code = "RD", text = "Red" },
]
"""
MAP = """\
[ZZ]
name = "Made-up map"
source = "Made up"
rows = [
  { level = 0, record = "SE10", use = "M", max = 1 },
  { level = 0, group = "lines", use = "C", max = 9 },
  { level = 1, record = "SE40", use = "M", max = 1 },
]
"""


def refusal(read: object) -> str:
    """The sentence with the place of the one problem that ``read`` (a function without arguments) is refused for."""
    assert callable(read)
    with pytest.raises(UnsoundTable) as caught:
        read()
    (problem,) = caught.value.problems
    assert problem.code == "table_unsound"
    assert problem.remedy
    return f"{problem.path}: {problem.text} {problem.remedy}"


def changed(text: str, old: str, new: str) -> str:
    """``text`` with the one ``old`` in it replaced."""
    assert text.count(old) == 1
    return text.replace(old, new)


def test_sound_tables_are_taken() -> None:
    """The made-up record, list and map are sound as they stand, so that each test below has one fault."""
    assert load_tables({"zz.toml": RECORD}, {"colours"})["ZZ10"].keys["colour"].codes == "colours"
    assert CodeLists({"zz.toml": LIST})["colours"].codes["RD"].text == "Red"
    assert load_maps({"zz.toml": MAP})["ZZ"].labels == {"SE10", "SE40"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "Made-up record"\n', "", "zz.toml, ZZ10: The key 'name' is missing."),
        ('"Made up, ZZ10"', "7", "zz.toml, ZZ10: 'source' is a number, not a text."),
        ('use = "M"\n', 'use = "M"\ncolour = "red"\n', "zz.toml, ZZ10: 'colour' is no key of a record."),
        ('"in"', '"inwards"', "zz.toml, ZZ10: 'inwards' is not a direction. Use in, out"),
        (', name = "Colour"', "", "zz.toml, ZZ10, field 2: The key 'name' is missing."),
        (
            ', codes = "colours"',
            ', code = "colours"',
            "field 2: 'code' is no key of a field. Leave it out, or write 'codes'",
        ),
        ('"colours"', '"colour"', "field 2 (Colour): 'colour' is not a code list. Use colours, or write 'colours'"),
        ('"2AN"', '"2Q"', "zz.toml, ZZ10, field 2 (Colour): Class '2Q' is not known."),
        ('"2AN"', '"3AN"', "field 2 (Colour): 5-6 is not 3 wide."),
        ('"5-6"', '"5"', "field 2 (Colour): '5' is no pair of columns."),
        ('"5-6", class = "2AN"', '"6-7", class = "2AN"', "zz.toml, ZZ10: Colour begins at 6, expected 5."),
        ('"7-80", class = "74X"', '"7-79", class = "73X"', "zz.toml, ZZ10: The record ends at column 79."),
        ('use = "C"', 'use = "X"', "field 2 (Colour): 'X' is not a designation. Use M, C, O"),
        ('use = "C"', 'use = "C", kind = "txt"', "'txt' is not a kind."),
        ('use = "C"', 'use = "C", blank = "yes"', "field 2: 'blank' is a text, not true or false."),
        ("fields = [", 'mark = "heard"\nfields = [', "'heard' is not a mark. Use sourced, transcribed, deduced"),
        ("fields = [", "fields = [ 5,", "zz.toml, ZZ10, field 1: This is a number, not a field."),
        ("[ZZ10]", "[ZZ10", "zz.toml: This is not TOML:"),
    ],
)
def test_a_slip_in_a_record_table_is_told_with_file_record_and_field(old: str, new: str, told: str) -> None:
    """One fault in a record table is one problem that names where it stands and what is meant."""
    assert told in refusal(lambda: load_tables({"zz.toml": changed(RECORD, old, new)}, {"colours"}))


def test_records_that_refer_to_others() -> None:
    """A record laid out twice and a mirror of nothing are told; our own tables are read by the same function."""
    twice = {"a.toml": RECORD, "b.toml": RECORD}
    mirror = '[ZZ20]\nmirrors = "ZZ11"\nsource = "Made up"\n'

    assert "b.toml, ZZ10: This record is laid out in another table too." in refusal(
        lambda: load_tables(twice, {"colours"})
    )
    assert "zz.toml, ZZ20: 'ZZ11' is not a record laid out before." in refusal(
        lambda: load_tables({"zz.toml": RECORD + mirror}, {"colours"})
    )
    ours = refusal(lambda: load_tables(table_texts(), {"colours"}))
    assert "tables/control.toml, A.in, field 7 (Application Identifier Code): 'applications' is not" in ours


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "Colours"\n', "", "zz.toml, colours: The key 'title' is missing."),
        ("2026-01-01", '"2026"', "zz.toml, colours: 'as_of' is a text, not a date."),
        ('"sourced"', '"surced"', "zz.toml, colours: 'surced' is not a mark."),
        (', text = "Red"', "", "zz.toml, colours, code 1: The key 'text' is missing."),
        ("text =", "txt =", "code 1: 'txt' is no key of a code. Leave it out, or write 'text'"),
        ('"Red" }', '"Red" }, { code = "RD", text = "Read" }', "zz.toml, colours: The code 'RD' stands there twice."),
        ("codes = [", 'includes = ["colors"]\ncodes = [', "zz.toml, colours: 'colors' is not a code list."),
        ("codes = [", 'includes = ["colours"]\ncodes = [', "zz.toml, colours: The list includes 'colours'"),
    ],
)
def test_a_slip_in_a_code_list_is_told_with_file_list_and_code(old: str, new: str, told: str) -> None:
    """One fault in a code list is one problem, told when the list is asked for."""
    lists = CodeLists({"zz.toml": changed(LIST, old, new)})

    assert told in refusal(lambda: lists["colours"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('source = "Made up"\n', "", "zz.toml, ZZ: The key 'source' is missing."),
        ('"SE40"', '"SE49"', "zz.toml, ZZ, row 3: 'SE49' is not a record laid out."),
        ("level = 1", "level = 2", "zz.toml, ZZ, row 3: Level 2 has no row above it."),
        ("max = 9 ", "most = 9 ", "zz.toml, ZZ, row 2: 'most' is no key of a row with a group."),
        ("max = 9 ", 'max = "9" ', "zz.toml, ZZ, row 2: 'max' is a text, not a number."),
        ('group = "lines"', 'include = "XX"', "row 2: 'use' is no key of an include."),
        ('  { level = 1, record = "SE40", use = "M", max = 1 },\n', "", "group lines: The group holds nothing."),
    ],
)
def test_a_slip_in_a_usage_map_is_told_with_file_map_and_row(old: str, new: str, told: str) -> None:
    """One fault in a usage map is one problem that names its row."""
    assert told in refusal(lambda: load_maps({"zz.toml": changed(MAP, old, new)}))


def test_a_slip_in_the_applications_is_told_with_the_code() -> None:
    """An application without a direction, or that begins with a record that is not laid out, is told."""
    assert "applications.toml, ZZ: The key 'direction' is missing." in refusal(
        lambda: load_applications('[ZZ]\nname = "Made up"\n')
    )
    assert "applications.toml, ZZ: 'SE1' is not a record laid out." in refusal(
        lambda: load_applications('[ZZ]\nname = "Made up"\ndirection = "in"\nstarts = ["SE1"]\n')
    )


def test_a_slip_reaches_a_person_as_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line tells the place of the slip, not that something went wrong inside the program."""

    def broken(**_: object) -> None:
        load_tables({"zz.toml": changed(RECORD, 'name = "Made-up record"\n', "")}, {"colours"})

    monkeypatch.setattr(app, "app", broken)

    status = app.run(["inspect", "x"])

    told = capsys.readouterr().err
    assert status == 1
    assert "table_unsound" in told
    assert "zz.toml, ZZ10" in told
    assert "inside the gateway" not in told
    assert issubclass(UnsoundTable, ValueError)
    assert issubclass(UnsoundTable, GatewayError)
