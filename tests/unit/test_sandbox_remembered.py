"""A map that remembers gives the verdicts of one that does not."""

from __future__ import annotations

from typing import Any, Final

import pytest
from pyx12.map_if import composite_if, element_if, load_map_file, segment_if
from pyx12.params import ParamsBase
from pyx12.segment import Composite

from sandbox.truck.remembered import LONGEST, MOST, remember
from sandbox.truck.syntax import MAPS, set_ids

VALUES: Final = (
    "",
    " ",
    "A",
    "a",
    "SF",
    "12",
    "1.5",
    "-3",
    "20250310",
    "1630",
    "99999999",
    "X\x07Y",
    "é",
    "N" * 61,
    "T ",
)


def _map(set_id: str) -> Any:
    (found,) = MAPS.glob(f"{set_id}.*.xml")
    root = load_map_file(found.name, ParamsBase(), str(MAPS))
    root.icvn = "00501"
    return root


def _elements(root: Any) -> list[Any]:
    return [
        element
        for node in root.loop_segment_iterator()
        if isinstance(node, segment_if)
        for child in node.children
        for element in (child.children if isinstance(child, composite_if) else (child,))
        if isinstance(element, element_if)
    ]


def _said(verdict: tuple[bool, list[Any]]) -> tuple[bool, list[tuple[str, str, str | None]]]:
    return verdict[0], [(one.err_cde, one.err_str, one.err_val) for one in verdict[1]]


@pytest.mark.parametrize("set_id", sorted(set_ids()))
def test_a_value_is_judged_alike_the_first_time_and_the_third(set_id: str) -> None:
    """Good or bad, empty, composite or absent: the same verdict, and every place is found where it was."""
    plain, kept = _map(set_id), remember(_map(set_id))

    for ours, theirs in zip(_elements(kept), _elements(plain), strict=True):
        for value in (None, *(Composite(one, ":") for one in (*VALUES, "A:B", *sorted(theirs.valid_codes)[:3]))):
            told = _said(theirs.is_valid_errors(value))
            assert [_said(ours.is_valid_errors(value)) for _ in range(3)] == [told] * 3
    for ours, theirs in zip(kept.loop_segment_iterator(), plain.loop_segment_iterator(), strict=True):
        if isinstance(theirs, segment_if):
            for place in range(len(theirs.children) + 1):
                mine, other = ours.get_child_node_by_idx(place), theirs.get_child_node_by_idx(place)
                assert getattr(mine, "refdes", None) == getattr(other, "refdes", None)


def test_what_is_remembered_has_an_end() -> None:
    """Names never end, and a hostile file brings long ones: neither fills the memory."""
    name = next(one for one in _elements(remember(_map("309"))) if one.data_ele.startswith("93"))
    for number in range(2 * MOST):
        assert name.is_valid_errors(Composite(f"N{number}", ":"))[0]
    for size in (LONGEST, LONGEST + 1):
        name.is_valid_errors(Composite("N" * size, ":"))

    assert len(name.is_valid_errors.good) == MOST
    assert max(map(len, name.is_valid_errors.good)) <= LONGEST
