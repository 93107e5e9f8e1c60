"""Our tables beside CBP's own guides, where a copy of their texts lies beside the checkout.

The guides are not part of this project. Where the folder is missing there is nothing to compare, so the tests are not
defined at all: a skipped test would fail continuous integration, which has no copy.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.catair.codes import code_lists
from schemas.catair.layouts import RECORDS
from schemas.catair.usage import Node, usage_maps
from schemas.drift import (
    Guide,
    PrintedRecord,
    as_lines,
    body_lines,
    check_texts,
    compare_guide,
    identify,
    load_accepted,
    load_guides,
    parse_layouts,
    weigh,
)
from schemas.drift.__main__ import main

GUIDES = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "cbp"


def test_a_folder_without_guides_is_wrong_usage(tmp_path: Path) -> None:
    """The comparison never passes for want of something to compare."""
    (tmp_path / "notes.txt").write_text("nothing of use\n", "utf-8")
    assert main([str(tmp_path)]) == 2


if GUIDES.is_dir():
    TEXTS = {path.name: path.read_text("utf-8") for path in sorted(GUIDES.glob("*.txt"))}

    def test_only_accepted_differences_are_left() -> None:
        """Layouts, usage maps and conditions agree, or differ as accepted with a reason; none accepted is stale."""
        books = {path.name: path.read_bytes() for path in GUIDES.glob("*.xlsx")}
        findings = check_texts(TEXTS, RECORDS, load_accepted(), maps=usage_maps(), workbooks=books, lists=code_lists())
        assert findings.clean, "\n".join(as_lines(findings, reasons=False))

    def test_every_layout_of_the_guides_is_read() -> None:
        """As many layouts as rows that print a record's own identifier, and each runs up to column 80."""
        for text in TEXTS.values():
            guide = identify(text)
            if guide is None:
                continue
            layouts = [one for one in parse_layouts(body_lines(text)) if one.variant in ("", "generated")]
            printed = re.findall(r"^ *Control Identifier +\d{1,2}AN? ", text, re.MULTILINE)
            assert len(layouts) == len(printed) > 0
            short = {one.id for one in layouts if max(row.end for row in one.fields) != 80}
            assert short <= {"SE36", "SE56"}, f"{guide.title}: the last row of these is not printed"

    def test_a_changed_guide_is_noticed() -> None:
        """One class changed in a guide's text is one new difference."""
        guide = next(one for one in load_guides() if one.key == "cargo-release")
        text = next(text for text in TEXTS.values() if identify(text) is guide)
        changed = re.sub(r"(Contact Name\s+)40AN(\s+5-44)", r"\g<1>40X \2", text, count=1)
        before = {one.key for one in compare_guide(guide, text, RECORDS).differences}
        after = {one.key for one in compare_guide(guide, changed, RECORDS).differences}
        assert after - before == {("cargo-release", "class", "SE13 5-44", "40X", "40AN")}
        assert before <= after

    def test_rows_that_vanish_at_the_beginning_of_a_table_are_noticed() -> None:
        """The first rows of a record blanked in its guide's text leave nothing that passes for a whole record."""
        for record, rows in (("SE10", 1), ("SE10", 3), ("SE10", 8), ("Y", 1), ("SE61", 1), ("WO72", 1), ("OI", 1)):
            guide, lines, layout = _printed(record)
            for row in layout.fields[:rows]:
                lines[row.line - 1] = ""
            report = compare_guide(guide, "\n".join(lines), RECORDS)
            found = weigh(report.differences, load_accepted(), {guide.key}).open
            told = {one.at.partition(" ")[2] for one in found if one.kind == "field"}
            assert {row.at for row in layout.fields[:rows]} <= told, f"{record}, {rows} rows"

    def test_every_layout_of_reference_text_is_compared_from_column_1() -> None:
        """A fault in the head of any E0 or X0 layout, which the guides print once, is a difference of that layout."""
        heads = {name: one for name, one in RECORDS.items() if name.startswith(("E0.", "X0."))}
        faulty = {
            name: replace(one, fields=tuple(replace(row, cls="C") if row.start == 11 else row for row in one.fields))
            for name, one in heads.items()
        }
        told: set[tuple[str, str, str]] = set()
        for text in TEXTS.values():
            guide = identify(text)
            if guide and guide.references:
                found = compare_guide(guide, text, {**RECORDS, **faulty}).differences
                told |= {(one.kind, one.at, one.held) for one in found}
        assert {("class", f"{name} 11-16", "6C") for name in heads} <= told

    def test_a_missing_guide_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Without the PGA chapter the status is 1 and says why; with --partial it is 0 and says what is left out."""
        for name, text in TEXTS.items():
            guide = identify(text)
            if guide is None or guide.key != "pga":
                (tmp_path / name).write_text(text, "utf-8")
        assert main([str(tmp_path)]) == 1
        assert "! PGA Message Set: expected, and not in the folder" in capsys.readouterr().out
        assert main([str(tmp_path), "--partial"]) == 0
        assert "PGA Message Set: not in the folder; not compared: its 35 records" in capsys.readouterr().out

    def test_a_changed_map_is_noticed() -> None:
        """A number of ours changed in the output map, the summary's, or its answer's is a new difference."""
        maps = usage_maps()
        for name, record in (("SX", "SE36"), ("SX", "SE61"), ("AE.add", "AE23"), ("AE.add", "AE89"), ("AX", "E1")):
            changed = replace(maps[name], nodes=_with_other_number(maps[name].nodes, record))
            findings = check_texts(TEXTS, RECORDS, load_accepted(), maps={**maps, name: changed})
            told = {one.at for found in findings.guides for one in found.weighed.open}
            assert told == {f"{name} {record}"}

    def _with_other_number(nodes: tuple[Node, ...], record: str) -> tuple[Node, ...]:
        return tuple(
            replace(one, max=7 if one.label == record else one.max, nodes=_with_other_number(one.nodes, record))
            for one in nodes
        )

    def _printed(record: str) -> tuple[Guide, list[str], PrintedRecord]:
        """The guide that prints a record, the lines of its text, and the layout."""
        for text in TEXTS.values():
            guide = identify(text)
            for one in parse_layouts(body_lines(text)) if guide else ():
                if guide and one.id == record and not one.variant:
                    return guide, text.split("\n"), one
        raise LookupError(record)

    def test_a_changed_table_is_noticed() -> None:
        """A class of ours changed in any one record of a guide is one new difference there."""
        for text in TEXTS.values():
            guide = identify(text)
            if guide is None or not guide.held:
                continue
            report = compare_guide(guide, text, RECORDS)
            before = {one.key for one in report.differences}
            for record in sorted(report.covered)[::7]:
                layout = RECORDS[record]
                last = layout.fields[-1]
                tables = {**RECORDS, record: replace(layout, fields=(*layout.fields[:-1], replace(last, cls="C")))}
                new = {one.key for one in compare_guide(guide, text, tables).differences} - before
                classes = {one[2] for one in new if one[1] in ("class", "field")}
                assert "." in record or classes == {f"{record} {last.start}-{last.end}"}
