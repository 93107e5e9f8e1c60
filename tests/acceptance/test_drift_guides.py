"""Our tables beside CBP's own guides, where a copy of their texts lies beside the checkout.

The guides are not part of this project. Where the folder is missing there is nothing to compare, so the tests are not
defined at all: a skipped test would fail continuous integration, which has no copy.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from schemas.catair.codes import code_lists
from schemas.catair.layouts import RECORDS
from schemas.catair.usage import usage_maps
from schemas.drift import (
    as_lines,
    body_lines,
    check_texts,
    compare_guide,
    identify,
    load_accepted,
    load_guides,
    parse_layouts,
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
