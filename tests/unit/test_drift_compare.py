"""What a printed layout and a table of ours differ in, which differences are accepted, and how it is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import schemas
from schemas.catair.codes import code_lists
from schemas.catair.layouts import RECORDS, FieldDef, RecordDef
from schemas.drift import (
    Accepted,
    Difference,
    as_document,
    as_lines,
    check_texts,
    compare_guide,
    load_accepted,
    load_guides,
    read_accepted,
    uncovered,
    weigh,
)
from schemas.drift.__main__ import main
from schemas.drift.dictionary import DICTIONARY

GUIDE = next(one for one in load_guides() if one.key == "cargo-release")
PRINT = """ACE Cargo Release
May 3, 2031   Version 40

    Record Identifier ZZ10 (Input)
    Data Element           Length/   Position   Status   Description                      Note
                            Class
    Control Identifier      4AN        1-4        M      Must always equal ZZ10.
    Mark                     1A         5         C      One letter.
    Code Word               10X        6-15              Two of them.
    Code Word               10X       16-25       O      Two of them.
    Day of Arrival           6N       26-31       C      When.
    Filler                  49X       32-80       M      Space fill.
"""


def field(at: str, cls: str, use: str, name: str, value: str = "") -> FieldDef:
    start, _, end = at.partition("-")
    return FieldDef(
        start=int(start),
        length=int(end) - int(start) + 1,
        cls=cls,
        use=use,
        name=name,
        key="",
        kind="text",
        value=value,
    )


def table(*fields: FieldDef, name: str = "ZZ10", edition: str = "40") -> dict[str, RecordDef]:
    return {name: RecordDef(name, "Made up", "in", "M", f"{GUIDE.cites}{edition}, {name}", fields)}


OURS = (
    field("1-4", "AN", "M", "Control Identifier", "ZZ10"),
    field("5-5", "A", "C", "Mark"),
    field("6-15", "X", "", "Code Word (1)"),
    field("16-25", "X", "O", "Code Word (2)"),
    field("26-31", "N", "C", "Day of Arrival"),
    field("32-80", "X", "M", "Filler"),
)


def told(text: str, tables: dict[str, RecordDef]) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.at, one.printed, one.held) for one in compare_guide(GUIDE, text, tables).differences]


def changed(place: int, other: FieldDef) -> dict[str, RecordDef]:
    return table(*(other if n == place else one for n, one in enumerate(OURS)))


def test_the_same_layout_differs_in_nothing() -> None:
    """Numbers that we add to a repeated name are ours; everything else is equal as printed."""
    report = compare_guide(GUIDE, PRINT, table(*OURS))
    assert report.differences == ()
    assert (report.version, report.records, report.fields, report.covered) == ("40", 1, 6, frozenset({"ZZ10"}))


@pytest.mark.parametrize(
    ("place", "other", "difference"),
    [
        (1, field("5-5", "AN", "C", "Mark"), ("class", "ZZ10 5-5", "1A", "1AN")),
        (1, field("5-5", "A", "O", "Mark"), ("use", "ZZ10 5-5", "C", "O")),
        (2, field("6-15", "X", "C", "Code Word (1)"), ("use", "ZZ10 6-15", "", "C")),
        (4, field("26-31", "D", "C", "Day of Arrival"), ("class", "ZZ10 26-31", "6N", "6D")),
        (4, field("26-31", "N", "C", "Date of Arrival"), ("name", "ZZ10 26-31", "Day of Arrival", "Date of Arrival")),
    ],
)
def test_one_planted_fault_is_told_and_nothing_else(
    place: int, other: FieldDef, difference: tuple[str, str, str, str]
) -> None:
    """A wrong class, designation or name in our table is the only thing reported, with its columns."""
    assert told(PRINT, changed(place, other)) == [difference]


def test_a_wrong_length_is_told_with_what_it_shifts() -> None:
    """A field too long by one: its columns and class differ, and the next field begins elsewhere."""
    tables = table(*OURS[:4], field("26-32", "N", "C", "Day of Arrival"), field("33-80", "X", "M", "Filler"))
    assert told(PRINT, tables) == [
        ("columns", "ZZ10 26-31", "26-31", "26-32"),
        ("class", "ZZ10 26-31", "6N", "7N"),
        ("field", "ZZ10 32-80", "Filler 49X M", ""),
        ("field", "ZZ10 33-80", "", "Filler 48X M"),
    ]


def test_differences_say_page_and_line() -> None:
    """The place leads to the printed row."""
    (one,) = compare_guide(GUIDE, PRINT, changed(1, field("5-5", "AN", "C", "Mark"))).differences
    assert (one.page, PRINT.split("\n")[one.line - 1].split()[0]) == (1, "Mark")


@pytest.mark.parametrize(
    ("printed", "replaced", "differences"),
    [
        ("10X       16-25", "10X       17-25", {"print"}),
        ("10X       16-25", " 9X       16-25", {"print", "class"}),
        ("6N       26-31", "6N       25-31", {"print"}),
        ("49X       32-80", "48X       32-79", {"print", "columns", "class"}),
    ],
)
def test_faults_of_the_print_itself_are_told(printed: str, replaced: str, differences: set[str]) -> None:
    """Holes, overlaps and lengths that do not fit their columns are seen without our table."""
    kinds = {kind for kind, *_ in told(PRINT.replace(printed, replaced), table(*OURS))}
    assert differences <= kinds


@pytest.mark.parametrize("gone", [1, 2, 3, 5])
def test_rows_that_vanish_at_the_beginning_are_told(gone: int) -> None:
    """A table is not taken for one that begins later: each lost row is a difference, and the hole is told."""
    lines = PRINT.split("\n")
    first = next(n for n, line in enumerate(lines) if "Control Identifier" in line)
    lines[first : first + gone] = [""] * gone
    found = told("\n".join(lines), table(*OURS))
    assert [at for kind, at, *_ in found if kind == "field"] == [f"ZZ10 {f.start}-{f.end}" for f in OURS[:gone]]
    assert ("print", f"ZZ10 1-{OURS[gone].start - 1}", "hole", "") in found


VARIANTS = (
    PRINT
    + """
    Type=01

    Data Element           Length/   Position   Status   Description                      Note
                            Class
    Number of Apples        20N        6-25       C      How many.
    Filler                  55X       26-80       M      Space fill.
"""
)
APPLES = (*OURS[:2], field("6-25", "N", "C", "Number of Apples"), field("26-80", "X", "M", "Filler"))
PARTED = replace(GUIDE, parts={"ZZ10": 6})


def variants(text: str, ours: tuple[FieldDef, ...], theirs: tuple[FieldDef, ...]) -> list[tuple[str, str, str, str]]:
    tables = {**table(*ours), **table(*theirs, name="ZZ10.01")}
    return [(one.kind, one.at, one.printed, one.held) for one in compare_guide(PARTED, text, tables).differences]


def test_a_variant_printed_in_part_is_compared_with_the_head_printed_once() -> None:
    """The plain layout's first columns are the variant's too, with class and designation."""
    assert variants(VARIANTS, OURS, APPLES) == []
    wrong = (APPLES[0], field("5-5", "AN", "O", "Mark"), *APPLES[2:])
    assert variants(VARIANTS, OURS, wrong) == [("class", "ZZ10.01 5-5", "1A", "1AN"), ("use", "ZZ10.01 5-5", "C", "O")]


def test_what_is_wrong_in_a_common_head_is_told_once() -> None:
    """Both layouts of ours differ from the print in the same way: one difference, of the plain one."""
    both = field("5-5", "AN", "C", "Mark")
    told_once = [("class", "ZZ10 5-5", "1A", "1AN")]
    assert variants(VARIANTS, (OURS[0], both, *OURS[2:]), (APPLES[0], both, *APPLES[2:])) == told_once


def test_a_variant_begins_where_the_guide_is_said_to_begin_it() -> None:
    """Its own first row gone is a hole; without such a saying about the record it has to begin in column 1."""
    lost = VARIANTS.replace("    Number of Apples        20N        6-25       C      How many.\n", "")
    assert {("print", "ZZ10.01 6-25", "hole", ""), ("field", "ZZ10.01 6-25", "", "Number of Apples 20N C")} <= set(
        variants(lost, OURS, APPLES)
    )
    tables = {**table(*OURS), **table(*APPLES, name="ZZ10.01")}
    assert ("print", "ZZ10.01 1-5", "hole", "") in told(VARIANTS, tables)


def test_records_that_one_side_lacks() -> None:
    """A record we do not hold, and one of ours that cites this guide and is not in it."""
    assert told(PRINT, table(*OURS, name="ZZ20")) == [
        ("record", "ZZ10", "fields: 6", ""),
        ("record", "ZZ20", "", "fields: 6"),
    ]


def test_a_record_that_a_guide_repeats_from_another_chapter_must_be_in_it() -> None:
    """It is compared in both guides; gone from the one that only repeats it, it is told all the same."""
    other = {"ZZ10": replace(table(*OURS)["ZZ10"], source="another chapter v1, ZZ10")}
    repeating = replace(GUIDE, repeats=("ZZ10",))
    assert compare_guide(repeating, PRINT, other).differences == ()
    (gone,) = compare_guide(repeating, PRINT.partition("    Control Identifier")[0], other).differences
    assert (gone.kind, gone.at, gone.printed, gone.held) == ("record", "ZZ10", "", "fields: 6")


def test_another_edition_is_told_once() -> None:
    """Our tables cite an edition; a guide of another one is a difference even where every field agrees."""
    assert told(PRINT, table(*OURS, edition="39")) == [("version", "edition", "40", "39")]


def test_a_record_laid_out_both_ways_is_compared_the_way_we_hold_it() -> None:
    """The answer with the same identifier is a record we lack, not a wrong one."""
    text = PRINT + "\n" + PRINT.split("\n\n", 1)[1].replace("(Input)", "(Output)")
    assert told(text, table(*OURS)) == [("record", "ZZ10 (Output)", "fields: 6", "")]
    assert told(PRINT.replace("(Input)", "(Output)"), table(*OURS)) == [("direction", "ZZ10", "out", "in")]


def test_a_mirror_of_another_chapter_is_compared_through_it() -> None:
    """A record whose chapter is not there is covered by one with the same columns; else it is said that it is not."""
    report = compare_guide(GUIDE, PRINT, table(*OURS))
    cites = next(one.cites for one in load_guides() if one.key == "status-notification")
    twin = replace(table(*OURS)["ZZ10"], id="YY10", source=f"{cites}36, YY10")
    other = RecordDef("YY20", "Made up", "in", "M", f"{cites}36, YY20", OURS[:3])
    stray = replace(twin, id="YY30", source="a rumour", fields=OURS[:2])
    notes, lost = uncovered([report], {**table(*OURS), "YY10": twin, "YY20": other, "YY30": stray})
    (note,) = notes
    assert note.startswith("ACE Cargo Release Status Notification SO: not in the folder; ")
    assert note.endswith("compared through records that mirror them: YY10 through ZZ10; not compared: YY20")
    assert [(one.at, one.kind) for one in lost] == [("YY30", "record")]


def test_a_chapter_that_is_not_there_is_one_line() -> None:
    """Of one guide alone the others are told in a line each, however many records they lay out."""
    findings = check_texts({"guide.txt": PRINT}, {**RECORDS, **table(*OURS)}, (), lists=code_lists())

    chapters = [note.partition(":")[0] for note in findings.notes]
    assert len(chapters) == len(set(chapters)) == len([one for one in load_guides() if one.held])
    assert "PGA Message Set: not in the folder; not compared: its 35 records" in findings.notes
    assert "ACE Error Dictionary: not in the folder; its codes are not compared" in findings.notes


def test_a_folder_without_an_expected_guide_does_not_pass() -> None:
    """It is told which are missing, unless less is asked for; what is not compared is told in either case."""
    findings = check_texts({"guide.txt": PRINT}, table(*OURS), ())
    assert findings.clean
    assert not findings.passes(partial=False)
    assert findings.passes(partial=True)
    assert set(findings.missing) == {one.title for one in load_guides() if one.expected and one is not GUIDE}
    assert len(findings.missing) == 4
    assert "! PGA Message Set: expected, and not in the folder (--partial compares without it)" in as_lines(
        findings, reasons=False
    )
    assert not any(line.startswith("!") for line in as_lines(findings, reasons=False, partial=True))
    assert as_document(findings)["missing_guides"] == list(findings.missing)
    assert (as_document(findings)["passes"], as_document(findings, partial=True)["passes"]) == (False, True)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("catair/tables/ax.toml", 'direction = "out"', 'direction = "up"', "ax.toml, E0: 'up' is not a direction."),
        ("catair/maps/sx.toml", "level = 0", "lvel = 0", "maps/sx.toml, SX, row 1: 'lvel' is no key"),
        ("drift/guides.toml", "says = ", "sais = ", "guides.toml, batch-block: 'sais' is no key of a guide."),
        ("drift/accepted.toml", "reason = ", "raison = ", "accepted.toml, accepted 1: 'raison' is no key"),
    ],
)
def test_an_unsound_table_of_ours_is_a_sentence(file: str, old: str, new: str, told: str, tmp_path: Path) -> None:
    """Exit status 1, the file and its row on standard error, no traceback: tables are read while modules load."""
    shutil.copytree(Path(schemas.__file__).parent, tmp_path / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    damaged = tmp_path / "schemas" / file
    damaged.write_text(damaged.read_text("utf-8").replace(old, new, 1), "utf-8")
    (tmp_path / "guide.txt").write_text(PRINT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "schemas.drift", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("A table of ours is not sound. ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_very_same_difference_is_accepted() -> None:
    """Same guide, kind, place, print and ours; a row that matches nothing is stale where its guide was read."""
    seen = Difference(GUIDE.key, "class", "ZZ10 5-5", "1A", "1AN", 1, 8)
    same = Accepted(GUIDE.key, "class", "ZZ10 5-5", "1A", "1AN", "They print it so.")
    other = replace(same, printed="1X")
    elsewhere = replace(same, guide="pga", at="PG01 5-5")
    result = weigh([seen], [same, other, elsewhere], {GUIDE.key})
    assert (result.open, result.accepted, result.stale) == ((), ((seen, same),), (other,))
    assert weigh([seen], [other], {GUIDE.key}).open == (seen,)


def test_an_accepted_difference_needs_a_reason() -> None:
    """A row without one is refused, and every row we ship has one and stands there once."""
    with pytest.raises(ValueError, match="reason"):
        read_accepted('[[accepted]]\nguide = "pga"\nkind = "use"\nreason = " "\nrows = [{ at = "PG27 26-27" }]\n')
    rows = load_accepted()
    assert len({(one.guide, one.kind, one.at, one.printed, one.held) for one in rows}) == len(rows)
    assert {one.guide for one in rows} <= {one.key for one in (*load_guides(), DICTIONARY)}


def test_a_text_with_layouts_that_is_no_known_guide_is_a_difference() -> None:
    """A new chapter in the folder must not pass unseen; a text without layouts may."""
    unknown = PRINT.replace("ACE Cargo Release\n", "A chapter nobody knows\n")
    findings = check_texts({"new.txt": unknown, "list.txt": "A list of codes\n"}, {}, ())
    assert not findings.clean
    assert [(one.at, one.kind) for one in findings.lost] == [("new.txt", "record")]
    assert findings.other == ("list.txt",)


def test_the_report_tells_open_accepted_and_stale() -> None:
    """For people and as a document, with the same content."""
    tables = changed(1, field("5-5", "AN", "O", "Mark"))
    accepted = (
        Accepted(GUIDE.key, "class", "ZZ10 5-5", "1A", "1AN", "They print it so."),
        Accepted(GUIDE.key, "name", "ZZ10 9-9", "Gone", "Lost", "It was there once."),
    )
    findings = check_texts({"guide.txt": PRINT}, tables, accepted)
    lines = as_lines(findings, reasons=True)
    assert lines[0] == "ACE Cargo Release SE/SX, version 40 (guide.txt)"
    assert "1 records, 6 fields compared; 1 differences, 1 accepted, 1 stale" in lines[1]
    assert any("ZZ10 5-5: designation: the guide says C; we say O (page 1, line 8)" in line for line in lines)
    assert any("no longer found" in line and "ZZ10 9-9" in line for line in lines)
    assert any("They print it so." in line for line in lines)
    (guide,) = as_document(findings)["guides"]
    assert [one["at"] for one in guide["differences"]] == ["ZZ10 5-5"]
    assert guide["accepted"][0]["reason"] == "They print it so."
    assert [one["printed"] for one in guide["stale"]] == ["Gone"]
    assert as_document(findings)["clean"] is False


def test_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2 for no folder, no guides (told with what is there), a text not readable; 1 for a difference; JSON too."""
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(tmp_path)]) == 2
    capsys.readouterr()
    (tmp_path / "letter.txt").write_text("Dear customs\n", "utf-8")
    (tmp_path / "new.txt").write_text(PRINT.replace("ACE Cargo Release\n", "A chapter nobody knows\n"), "utf-8")
    (tmp_path / "guide.pdf").write_bytes(b"%PDF")
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "not recognised: letter.txt" in told
    assert "not recognised: new.txt (1 record layouts of an unknown guide)" in told
    assert "not read, neither .txt nor .xlsx: guide.pdf" in told
    assert all(one.says in told for one in load_guides())
    (tmp_path / "guide.txt").write_text(PRINT, "utf-8")
    capsys.readouterr()
    assert main([str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["guides"][0]["version"] == "40"
    (tmp_path / "broken.txt").write_bytes(b"\xff\xfe")
    assert main([str(tmp_path)]) == 2
    assert "broken.txt" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        main([])
    assert wrong.value.code == 2
