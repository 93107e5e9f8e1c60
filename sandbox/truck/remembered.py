"""Which of pyx12's verdicts need not be asked for again?

A manifest says the same things thousands of times. pyx12 looks for an element's definition by going through all of its
segment, and judges each value anew. Here the places are looked up once for each map, and a value that was found good at
its place is good there ever after; what has a fault is judged each time. The verdicts are pyx12's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pyx12.map_if import composite_if, element_if, segment_if

MOST: Final = 4_096
"""Values remembered at one place: names and numbers never end."""
LONGEST: Final = 60
"""Characters of a value that is worth remembering."""

Verdict = tuple[bool, list[Any]]


def remember(root: Any) -> Any:
    """Let the segments of a map remember; the same map."""
    for node in root.loop_segment_iterator():
        if isinstance(node, segment_if):
            _find_at_once(node)
            for child in node.children:
                for element in child.children if isinstance(child, composite_if) else (child,):
                    if isinstance(element, element_if):
                        element.is_valid_errors = Remembering(element.is_valid_errors)
    return root


def _find_at_once(segment: Any) -> None:
    children = {child.seq - 1: child for child in segment.children}
    if len(children) == len(segment.children):  # else pyx12 has something to say about the map
        segment.get_child_node_by_idx = children.get


class Remembering:
    """Stands in for the judging of one element; a composite, and types given from outside, are judged each time."""

    def __init__(self, judge: Callable[..., Verdict]) -> None:
        self._judge = judge
        self.good: set[str] = set()

    def __call__(self, element: Any, types: Any = None) -> Verdict:
        if types or (element is not None and element.is_composite()):
            return self._judge(element, types)
        value = "" if element is None else element.get_value()
        if value in self.good:
            return True, []
        verdict = self._judge(element, types)
        if verdict[0] and len(self.good) < MOST and len(value) <= LONGEST:
            self.good.add(value)
        return verdict
