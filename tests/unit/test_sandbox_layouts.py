"""Two readings of CBP's guides, the sandbox's and the gateway's, made apart: do they put every field where the other
does?
"""

from __future__ import annotations

import pytest

from sandbox.abi.cargo_conditions import ROWS, edit
from sandbox.abi.cargo_layouts import CARGO_RELEASE, LAYOUTS
from sandbox.abi.columns import CONTROL, Layout
from sandbox.abi.grammar import Grammar
from sandbox.abi.pga_layouts import PGA_LAYOUTS
from sandbox.abi.summary_grammar import ENTRY_SUMMARY
from sandbox.abi.summary_layouts import SUMMARY_LAYOUTS
from schemas.catair import RECORDS

PAIRS: list[tuple[str, Layout, str]] = [
    *((name, layout, f"{name}.in") for name, layout in CONTROL.items()),
    *((name, layout, name) for name, layout in LAYOUTS.items()),
    *((name, layout, name) for name, layout in PGA_LAYOUTS.items()),
]
for _name, _layout in SUMMARY_LAYOUTS.items():
    if _name in PGA_LAYOUTS:
        continue
    _key = f"AE{_name}" if _name[0].isdigit() else f"AE-{_name}"
    PAIRS.append((f"AE {_name}", _layout, _key if _key in RECORDS else _name))


def spans(name: str, variant: str = "") -> list[tuple[int, int]]:
    """First and last columns of the fields that carry data in the gateway's table."""
    at = 1
    found = []
    for one in RECORDS[name].fields:
        if one.key:
            found.append((at, at + one.length - 1))
        at += one.length
    return found


@pytest.mark.parametrize(("name", "layout", "other"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_the_two_readings_agree_on_every_column(name: str, layout: Layout, other: str) -> None:
    """Fields begin and end at the same columns; one of the two is wrong where they do not."""
    if name == "AE 54":  # one field here, several readings of its columns there
        assert [(one.start, one.end) for one in layout.fields] == [(3, 4), (5, 80)]
        return
    assert [(one.start, one.end) for one in layout.fields] == spans(other)


@pytest.mark.parametrize("grammar", [CARGO_RELEASE, ENTRY_SUMMARY], ids=["SE", "AE"])
def test_every_grammar_is_closed(grammar: Grammar) -> None:
    """Every follower has followers of its own, loops and repeats name records and fields that exist."""
    known = set(grammar.followers)
    for group, after in grammar.followers.items():
        assert after <= known, group
    assert set(grammar.loops) | set(grammar.inner_loops) | set(grammar.unfinished) <= known
    assert {within for within, _ in grammar.inner_loops.values()} <= known
    for name, repeats in grammar.repeats.items():
        fields = {one.name for one in grammar.layouts[name].fields}
        assert all(one in fields for names in repeats for one in names)
    for name in grammar.layouts:
        assert grammar.group_of(name) in known


def test_every_edit_of_cargo_release_has_a_code_a_mark_and_a_reference() -> None:
    """Codes once each, private ones in Z01 to Z99, texts of 40 columns, references with a version or a number."""
    assert len({row.code for row in ROWS.values()}) == len(ROWS)
    values = {"column": 80, "record": "SE10 80", "condition": "X" * 40, "limit": 2500, "type": "11"}
    for name, row in ROWS.items():
        made = edit(name, **values)
        assert row.mark in {"known", "unsure", "private"}, name
        assert (row.code[0] == "Z") is (row.mark == "private"), name
        assert len(made.code) == 3
        assert len(made.text) <= 40, name
        assert any(mark in made.reference for mark in ("v40 (", "rev ", "v51 (", "(20", "CSMS ", "version 1")), name
        assert not any(short in made.reference for short in ("CR,", "R14", "DICT", "PGA,", "BB,")), name


def test_an_edit_without_a_reference_cannot_be_made() -> None:
    """Neither of cargo release nor of the summary."""
    from sandbox.abi.cargo_conditions import Edit
    from sandbox.abi.summary_conditions import Wrong

    with pytest.raises(ValueError, match="no reference"):
        Edit("Z01", "TEXT", "")
    with pytest.raises(ValueError, match="no reference"):
        Wrong("Z88", "TEXT", "")
