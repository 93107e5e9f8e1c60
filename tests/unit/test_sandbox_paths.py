"""The counter and the segments that stand in for pyx12's own: the same counts and places."""

from __future__ import annotations

import random

import pytest
from pyx12.nodeCounter import NodeCounter
from pyx12.path import X12Path
from pyx12.segment import Segment

from sandbox.truck.paths import PathCounter, PlacedSegment

TEXTS = ["/A", "/A/B", "/A/B/N1", "/A/B/N1[SF]", "/A/BB", "/A/BB/N1", "/A/B/C/LX", "/D", "/D/A/B"]


@pytest.mark.parametrize("seed", range(40))
def test_it_counts_as_pyx12_does(seed: int) -> None:
    """Whatever is counted and forgotten in whatever order, by text or by path: the counts are equal."""
    dice = random.Random(seed)
    paths = [X12Path(text) for text in TEXTS]
    ours, theirs = PathCounter(), NodeCounter()
    for _ in range(120):
        path = dice.choice([*TEXTS, *paths])
        if dice.random() < 0.2:
            ours.reset_to_node(path)
            theirs.reset_to_node(path)
        else:
            ours.increment(path)
            theirs.increment(path)
        assert [ours.get_count(one) for one in TEXTS] == [theirs.get_count(one) for one in TEXTS]


@pytest.mark.parametrize("designator", ["01", "02", "03", "03-1", "03-2", "09", "N101", "N103-2", "-1", ""])
def test_elements_stand_where_pyx12_has_them(designator: str) -> None:
    """A designator gives the same element, component, nothing or error."""
    raw = ("N1*SF*A:B:C~", "~", "*", ":", "^")

    def got(segment: Segment) -> object:
        try:
            return segment.get_value(designator)
        except (IndexError, TypeError) as error:
            return type(error)

    assert got(PlacedSegment(*raw)) == got(Segment(*raw))


def test_another_segments_designator_is_refused() -> None:
    """A designator that names another segment is a mistake of the caller."""
    with pytest.raises(Exception, match="Invalid Reference Designator"):
        PlacedSegment("N1*SF", "~", "*", ":", "^").get("N301")
