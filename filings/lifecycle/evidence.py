"""What is a piece of evidence about one shipment?

Either an act of ours (:class:`Did`) or something CBP said (:class:`Statement`). The tables here say which
declaration a source answers, which meanings are facts of the goods, and which removal ends which hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from filings.lifecycle.states import FilingInput

Kind = Literal["manifest", "entry", "handoff"]
KINDS: tuple[Kind, ...] = ("manifest", "entry", "handoff")


class Act(StrEnum):
    """What we did to a shipment, or found out by ourselves; the value is that of the input where there is one."""

    STAGED = "staged"
    REVIEW_NEEDED = "review_needed"
    REFUSED = "refused"
    TAKEN_OFF = "taken_off"
    QUEUED = "queued"
    SENT = "sent"
    IN_DOUBT = "in_doubt"
    NOT_DELIVERED = "not_delivered"
    NOT_ON_FILE = "not_on_file"
    WITHDRAWN = "withdrawn"
    PACKAGE_READY = "package_ready"
    HANDED_OVER = "handed_over"
    TRIP_ARRIVED = "trip_arrived"
    LAPSED = "lapsed"
    LAPSE_LIFTED = "lapse_lifted"


DECIDING = frozenset({Act.STAGED, Act.REVIEW_NEEDED, Act.REFUSED})
"""Acts that decide on the shipment itself; the others are about one of its declarations."""


Ending = Literal["", "cancel", "delink"]
"""How a version ends a declaration: cancelled or deleted, or taken off the trip while it stays on file."""


@dataclass(frozen=True, slots=True)
class Did:
    """An act of ours at an instant; ``kind`` and ``version`` say of which declaration.

    A shipment that goes another way, because its own has lapsed or its data were corrected, says what it ``needs``
    now and which declarations are made ``anew``: what CBP answered to those no longer counts. ``ends``: the version
    that is queued ends the declaration.
    """

    act: Act
    at: datetime
    kind: Kind = "manifest"
    version: int = 1
    needs: tuple[Kind, ...] = ()
    anew: tuple[Kind, ...] = ()
    ends: Ending = ""


class OutcomeLike(Protocol):
    """The part of an outcome that is read here."""

    @property
    def source(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def occurred_at(self) -> datetime | None: ...
    @property
    def correlation(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """What CBP said of one shipment.

    ``at`` is CBP's own time; ``order`` a number that grows with the sender's messages and inside them
    (0 when unknown); ``version`` the filing version it answers (``None``: the present one); ``holder``
    who placed or lifted a hold (``CBP`` or an agency).
    """

    meaning: str
    source: str
    at: datetime
    code: str = ""
    order: int = 0
    version: int | None = None
    holder: str = "CBP"

    @classmethod
    def of(
        cls, outcome: OutcomeLike, *, received_at: datetime, order: int = 0, version: int | None = None
    ) -> Statement:
        """The statement an outcome makes; one without a time of its own happened when it was received."""
        at = outcome.occurred_at or received_at
        holder = str(outcome.correlation.get("holder") or "CBP")
        return cls(outcome.meaning, outcome.source, at, outcome.code or "", order, version, holder)


ANSWERS_TO: Mapping[str, Kind] = {
    "TA1": "manifest",
    "997": "manifest",
    "355": "manifest",
    "SX": "entry",
    "X1": "entry",
    "C1": "entry",
}
"""Sources that answer a declaration; every other source speaks of the goods."""

REQUEST_ANSWERS: Mapping[str, FilingInput] = {
    "88": FilingInput.ACCEPTED,
    "86": FilingInput.CHANGE_REFUSED,
    "87": FilingInput.CHANGE_REFUSED,
}
"""Codes of a status (SO60) that decide on our correction or cancellation request; 23 grants a cancellation."""

REQUEST_PAPERS = frozenset({"84", "85"})
"""Codes of a status (SO60) by which CBP wants papers for our request; the goods are not kept for them."""


def decides(source: str, meaning: str, code: str) -> FilingInput | None:
    """What a status says of the entry itself: our request is granted or refused, or the entry is cancelled."""
    if source != "SO":
        return None
    return FilingInput.CANCELLED if meaning == "cancelled" else REQUEST_ANSWERS.get(code)


ANSWERS: Mapping[str, FilingInput] = {
    name: FilingInput(name)
    for name in (
        "known_before",
        "syntax_accepted",
        "syntax_rejected",
        "accepted",
        "accepted_with_warning",
        "rejected",
        "try_again",
        "under_review",
        "already_on_file",
        "not_on_file",
        "cancelled",
    )
}

PROVING_ARRIVAL = frozenset({("350", "released")})
"""What proves that the truck is there although it speaks of something else: the truck 350 that releases is triggered by
the arrival of the conveyance (CBP truck 350 guide, April 2018). A release by SO may come before."""


def proves_arrival(source: str, meaning: str) -> bool:
    """Whether CBP saying so means that the truck has arrived."""
    return meaning == "arrived" or (source, meaning) in PROVING_ARRIVAL


_COURSE = (
    "on_file",
    "no_match",
    "under_review",
    "held",
    "exam",
    "documents_required",
    "hold_removed",
    "admissible",
    "arrived",
    "released",
    "release_suspended",
    "release_revoked",
    "cancelled",
)
RANK: Mapping[str, int] = {meaning: rank for rank, meaning in enumerate(_COURSE)}
"""The natural course of one minute; only these meanings are kept as facts of the goods."""

REMOVES: Mapping[tuple[str, str], str] = {
    ("350", "1I"): "1H",
    ("350", "1F"): "1G",
    ("350", "4I"): "4H",
    ("350", "6I"): "6H",
    ("350", "8I"): "8H",
    ("350", "9I"): "9H",
    ("SO", "54"): "51",
    ("SO", "55"): "52",
    ("SO", "56"): "53",
}
"""Which hold a removal ends, by source and code (CAMIR Appendix D; CATAIR cargo release status, SO50).

CBP's removal outside this table ends a hold only if just one of CBP's is open: a shipment is not freed
by a guess. Another agency has one word at a time: its newest replaces what it said before.
"""
