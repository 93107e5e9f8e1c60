"""What may happen to a manifest or a shipment next? Two tables, state by input, from which every check comes.

A cell permits (and names the next state) or refuses (with the text of a K1). Where CBP's conduct is not known a cell
hangs on a switch of :class:`sandbox.truck.behaviour.TruckBehaviour`; ``not_if`` one that forbids. The tables in
``docs/sandbox.md`` are made from these.

A trip number whose manifest was deleted is free again: DELETED takes what NONE takes. The books tell finer states of a
shipment than the table; :data:`FINER` says what they count as.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.truck.citations import APPENDIX_L, BUREAU_STATES, BUREAU_TEXTS, CUSRES
from sandbox.truck.remarks import Remark

MANIFEST_STATES: Final = ("NONE", "PRELIMINARY", "COMPLETE", "ARRIVED", "CLOSED", "DELETED")
MANIFEST_INPUTS: Final = (
    "309 P", "309 W", "309 Y", "309 3", "358 P", "358 Y", "358 3", "353 Z", "353 in-bond", "truck arrives", "all final",
)  # fmt: skip
SHIPMENT_STATES: Final = (
    "NONE", "ON_FILE", "LINKED", "ENTERED", "DELINKED", "HELD", "RELEASED", "REFUSED", "DELETED", "ELSEWHERE",
)  # fmt: skip
"""NONE: never filed; ELSEWHERE: on another trip."""
SHIPMENT_INPUTS: Final = ("file", "add", "replace", "delete", "link", "move", "delink")
"""file: in a 309 P or W; add, replace, delete: M1303 A, R, D; link, move, delink: MBL03 1, 2, 3."""
FINER: Final = {
    "EXAM": "HELD",
    "DOCS": "HELD",
    "WITHHELD": "HELD",
    "REVOKED": "HELD",
    "ARRIVED": "ENTERED",
    "IN_BOND": "ENTERED",
}
"""States of the books that are kinds of one in the table: HELD for an exam, for documents, over the day's limit, or
after a release was taken back; ENTERED and waiting at the border for the other bills of the entry, or moving in bond.
"""
FINAL: Final = frozenset({"RELEASED", "DELETED", "DELINKED"})
"""What keeps no manifest open."""


@dataclass(frozen=True, slots=True)
class Cell:
    """``to`` the next state, empty where the input is refused with ``text``; ``otherwise`` the next state when some
    shipment of the message was refused.
    """

    to: str = ""
    text: str = ""
    reference: str = ""
    switch: str = ""
    not_if: str = ""
    otherwise: str = ""

    def permits(self, behaviour: Any) -> bool:
        """Whether the input is taken under these switches."""
        if not self.to or (self.not_if and getattr(behaviour, self.not_if)):
            return False
        return not self.switch or bool(getattr(behaviour, self.switch))

    def remark(self, value: str = "") -> Remark:
        """The refusal."""
        return Remark("", self.text, value, reference=self.reference)

    def shown(self) -> str:
        """One line for the documentation."""
        if not self.to:
            return self.text.lower()
        conditions = [f"with `{self.switch}`"] * bool(self.switch) + [f"not with `{self.not_if}`"] * bool(self.not_if)
        other = f", {self.otherwise} if a shipment is refused" if self.otherwise else ""
        until = f" ({'; '.join(conditions)}; else {self.text.lower()})" if conditions else ""
        return f"→ {self.to}{other}{until}"


def _no(text: str, reference: str) -> Cell:
    return Cell(text=text, reference=reference)


_UNKNOWN: Final = _no("MANIFEST NOT ON FILE", BUREAU_STATES)
_AGAIN: Final = _no("MANIFEST ALREADY ON FILE DO NOT RESEND", BUREAU_TEXTS)
_HERE: Final = _no("MANIFEST ALREADY ARRIVED", BUREAU_STATES)
_CLOSED: Final = _no("MANIFEST IS CLOSED", BUREAU_STATES)
_NOT_HERE: Final = _no("CONVEYANCE NOT ARRIVED", BUREAU_STATES)
_NO_IN_BOND: Final = _no("INVALID IN-BOND NUMBER", f"{APPENDIX_L}, error 032")
_NEW: Final = {
    "309 P": Cell("PRELIMINARY"),
    "309 W": Cell("COMPLETE", otherwise="PRELIMINARY"),
    "309 Y": _UNKNOWN,
    "309 3": _UNKNOWN,
    "358 P": Cell("PRELIMINARY"),
    "358 Y": _UNKNOWN,
    "358 3": _UNKNOWN,
    "353 Z": _UNKNOWN,
    "353 in-bond": _NO_IN_BOND,
    "truck arrives": _UNKNOWN,
    "all final": _UNKNOWN,
}
_MANIFEST: Final[Mapping[str, Mapping[str, Cell]]] = {
    "NONE": _NEW,
    "DELETED": _NEW,
    "PRELIMINARY": {
        "309 P": Cell("PRELIMINARY"),
        "309 W": Cell("COMPLETE", otherwise="PRELIMINARY"),
        "309 Y": Cell("PRELIMINARY"),
        "309 3": Cell("DELETED"),
        "358 P": Cell("PRELIMINARY", _AGAIN.text, _AGAIN.reference, switch="further_358_p"),
        "358 Y": Cell("PRELIMINARY"),
        "358 3": Cell("DELETED"),
        "353 Z": Cell("COMPLETE"),
        "353 in-bond": _NOT_HERE,
        "truck arrives": Cell("ARRIVED", "MANIFEST NOT COMPLETE", CUSRES, not_if="stop_preliminary_trucks"),
        "all final": _NOT_HERE,
    },
    "COMPLETE": {
        "309 P": _AGAIN,
        "309 W": Cell("COMPLETE", *(_AGAIN.text, _AGAIN.reference), switch="further_w_adds_bills",
                      otherwise="PRELIMINARY"),
        "309 Y": Cell("COMPLETE"),
        "309 3": Cell("DELETED"),
        "358 P": _AGAIN,
        "358 Y": Cell("COMPLETE"),
        "358 3": Cell("DELETED"),
        "353 Z": _no("MANIFEST ALREADY COMPLETE", BUREAU_STATES),
        "353 in-bond": _NOT_HERE,
        "truck arrives": Cell("ARRIVED"),
        "all final": _NOT_HERE,
    },
    "ARRIVED": dict.fromkeys(MANIFEST_INPUTS, _HERE)
    | {"353 in-bond": Cell("ARRIVED"), "all final": Cell("CLOSED")},
    "CLOSED": dict.fromkeys(MANIFEST_INPUTS, _CLOSED),
}  # fmt: skip

_ON_FILE_ALREADY: Final = _no("SHIPMENT ALREADY ON FILE", f"{BUREAU_TEXTS}; an SCN is not used again for three years")
_NOT_ON_FILE: Final = _no("SHIPMENT NOT ON FILE", BUREAU_STATES)
_LINKED_ALREADY: Final = _no("SHIPMENT ALREADY LINKED", BUREAU_STATES)
_OTHER_TRIP: Final = _no("SHIPMENT ON ANOTHER TRIP", f"{BUREAU_STATES}: delink first")
_NOT_LINKED: Final = _no("SHIPMENT NOT ON THIS TRIP", BUREAU_STATES)


def _on_the_trip(state: str) -> dict[str, Cell]:
    """A shipment that rides on the trip the message speaks of; ``state`` is kept where the message changes no more."""
    return {
        "file": Cell(state, _ON_FILE_ALREADY.text, _ON_FILE_ALREADY.reference, switch="refiled_bills"),
        "add": _ON_FILE_ALREADY,
        "replace": Cell(state),
        "delete": Cell("DELETED"),
        "link": _LINKED_ALREADY,
        "move": Cell(state),
        "delink": Cell("DELINKED"),
    }


def _nowhere(refusal: Cell) -> dict[str, Cell]:
    """A shipment that 309 Y and 358 cannot speak of."""
    return dict.fromkeys(SHIPMENT_INPUTS, refusal) | {"file": _ON_FILE_ALREADY, "add": _ON_FILE_ALREADY}


_SHIPMENT: Final[Mapping[str, Mapping[str, Cell]]] = {
    "NONE": dict.fromkeys(SHIPMENT_INPUTS, _NOT_ON_FILE) | {"file": Cell("ON_FILE"), "add": Cell("ON_FILE")},
    "ON_FILE": _on_the_trip("ON_FILE"),
    "LINKED": _on_the_trip("LINKED"),
    "ENTERED": _on_the_trip("ENTERED"),
    "HELD": _on_the_trip("HELD"),
    "RELEASED": _on_the_trip("RELEASED"),
    "REFUSED": _on_the_trip("REFUSED"),
    "DELINKED": _nowhere(_NOT_LINKED) | {"link": Cell("LINKED")},
    "DELETED": _nowhere(_NOT_ON_FILE),
    "ELSEWHERE": _nowhere(_NOT_ON_FILE) | {"link": _OTHER_TRIP, "move": _OTHER_TRIP, "delink": _OTHER_TRIP},
}


def manifest_cell(state: str, said: str) -> Cell:
    """What a manifest in ``state`` (empty: none) does when ``said`` comes."""
    return _MANIFEST[state or "NONE"][said]


def shipment_cell(state: str, said: str) -> Cell:
    """The same for a shipment; ``state`` as the books have it, or ELSEWHERE."""
    return _SHIPMENT[FINER.get(state, state) or "NONE"][said]


def as_markdown() -> str:
    """Both tables for the documentation."""
    return "\n\n".join(
        (
            _table(MANIFEST_STATES, MANIFEST_INPUTS, manifest_cell, "manifest is"),
            _table(SHIPMENT_STATES, SHIPMENT_INPUTS, shipment_cell, "shipment is"),
        )
    )


def _table(states: tuple[str, ...], inputs: tuple[str, ...], cell: Any, corner: str) -> str:
    rows = [f"| {corner} | " + " | ".join(inputs) + " |", "|---" * (len(inputs) + 1) + "|"]
    rows += [f"| {state} | " + " | ".join(cell(state, one).shown() for one in inputs) + " |" for state in states]
    return "\n".join(rows)
