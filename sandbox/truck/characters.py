"""Does CBP take these characters? Error 370 for every segment with one outside its set, told at the segment.

Whether CBP answers so or with the 997 is not known: ``character_faults_in_997`` moves it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.settings import Behaviour
from sandbox.truck.citations import CHARACTERS
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.x12 import CBP_CHARACTERS, Interchange


def check_characters(
    interchange: Interchange, behaviour: Behaviour, items: Callable[[], Mapping[int, int]], faults: Faults
) -> None:
    """``items`` gives the item each segment belongs to, by its position, once that is needed; the others are of the
    trip.
    """
    allowed = CBP_CHARACTERS | {interchange.element_separator, interchange.component_separator}
    if behaviour.separators_in_data == "reject":
        allowed -= {interchange.repetition_separator}
    item_of: Mapping[int, int] | None = None
    for position, raw in enumerate(interchange.body, 1):
        if allowed.issuperset(raw):
            continue
        bad = "".join(sorted({c for c in raw if c not in allowed and c.isprintable()}))[:30]
        remark = Remark("370", "INVALID CHARACTER", bad, reference=CHARACTERS)
        if item_of is None:
            item_of = items()
        if position in item_of:
            faults.add(item_of[position], position, remark)
        else:
            faults.of_trip(position, remark)
