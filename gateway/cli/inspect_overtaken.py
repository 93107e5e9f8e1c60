"""Which of the outcomes of one message still hold, once the later ones in it are read?

A release ends every hold of CBP's, a hold that is lifted is over, and an agency's later word on a line replaces its
earlier one. Each outcome is looked up in what comes after it, so that the work grows with the outcomes alone: a status
of all shipments of a trip may hold tens of thousands, all of them of one bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.cli.inspect_words import BLOCKING
from mappings.outcomes import Outcome

_LIFTED_BY: Final = {"51": "54", "52": "55", "53": "56"}
"""Holds on a bill and the one code that lifts each; any other hold ends with its holder's next clear word."""

_Word = tuple[str, object, str]
"""What a later outcome says that may end an earlier one: its kind, who says it, a code or a field."""

_RELEASED: Final[_Word] = ("released", "", "")


def still_true(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """``outcomes`` (in the order of their times) without those that a later one has overtaken."""
    later = _Later()
    kept = []
    for one in reversed(outcomes):
        if not later.overtake(one):
            kept.append(one)
        later.add(one)
    return kept[::-1]


class _Later:
    """What the later outcomes say of each entry and shipment, so that an earlier one finds its end in one look-up.

    An outcome without a shipment speaks of every shipment of its entry, and is spoken of by each of them.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], set[_Word]] = {}
        self._of_entry: dict[str, set[_Word]] = {}

    def add(self, after: Outcome) -> None:
        """Remember a later outcome."""
        holder = after.correlation.get("holder")
        words: tuple[_Word, ...] = (("word", holder, after.field_path),)
        if after.meaning == "released":
            words = (_RELEASED,)
        elif after.meaning == "hold_removed":
            words += ("removed", holder, ""), ("removed by", holder, after.code)
        self._said.setdefault((after.entry_number, after.scn), set()).update(words)
        self._of_entry.setdefault(after.entry_number, set()).update(words)

    def overtake(self, before: Outcome) -> bool:
        """Whether one of them ends this outcome."""
        if before.meaning not in BLOCKING and before.meaning != "under_review":
            return False
        holder = before.correlation.get("holder")
        ends: _Word = ("removed", holder, "")
        if before.correlation.get("list") == "bill_dispositions":
            lifting = _LIFTED_BY.get(before.code)
            ends = ("removed by", holder, lifting) if lifting is not None else ends
        elif holder != "CBP":  # an agency's later word on the same line replaces its earlier one
            ends = ("word", holder, before.field_path)
        wanted = {ends, _RELEASED} if holder == "CBP" else {ends}
        if not before.scn:
            return not wanted.isdisjoint(self._of_entry.get(before.entry_number, ()))
        own, whole = ((before.entry_number, scn) for scn in (before.scn, ""))
        return not (wanted.isdisjoint(self._said.get(own, ())) and wanted.isdisjoint(self._said.get(whole, ())))
