"""How is a change of an entry said to CBP, and what will CBP do with it? Two contents and a standing → R, U or D.

- **Update (U)** says the header, conveyance, bills and references alone: it is enough where only the port of entry,
  the bills or the conveyance differ. Everything else is said by **replacing (R)** the whole. **Cancelling (D)** ends
  it.
- Some of that CBP's system does by itself; some becomes a *request* that a person there decides on; some is refused.
  One case the guide leaves open, and so does this module: a replacement after the bill has matched and before the
  truck is there.

Source: CBP CATAIR Cargo Release v40, usage maps of the actions and their notes (pages SE-22 to SE-24, SE-31).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from mappings.decision import eastern_day
from schemas.catair.records import Record

EntryDifference = Literal["none", "update", "replace"]
ChangeAction = Literal["R", "U", "D"]
Expected = Literal["automatic", "request", "open", "refused"]

SOURCE: Final = "CBP CATAIR Cargo Release v40"
UPDATE_DAYS: Final = 15
"""Calendar days after release for which an update is taken."""
_UPDATED: Final = frozenset({"SE11", "SE15", "SE16", "SE17", "SE20"})
"""Records that an update says."""
_SAID_ANYWAY: Final = frozenset({"SE13"})
"""Who may be asked about the filing is a fact of the filer and no content of the entry."""
_UPDATED_IN_HEADER: Final = frozenset({"planned_port_of_entry", "valid_action_code"})


@dataclass(frozen=True, slots=True)
class EntryStanding:
    """What CBP has said of an entry: has a bill matched, is a review pending, is the truck there, is it released?"""

    matched: bool = False
    review: bool = False
    arrived: bool = False
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryAct:
    """An action on an entry and what CBP does with it, in words for a person."""

    action: ChangeAction
    expected: Expected
    text: str
    reference: str = SOURCE

    def as_dict(self) -> dict[str, str]:
        """For people and programs."""
        return {"action": self.action, "expected": self.expected, "text": self.text, "reference": self.reference}


def entry_difference(before: Sequence[Record], after: Sequence[Record]) -> EntryDifference:
    """In what two contents of one entry differ: in nothing, in what an update says, or in more."""
    old, new = _parts(before), _parts(after)
    differing = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if not differing:
        return "none"
    return "update" if all(_updatable(name) for name in differing) else "replace"


def _parts(records: Iterable[Record]) -> dict[str, list[object]]:
    """The records by what an update could say of them: the header field by field, the others by their kind."""
    parts: dict[str, list[object]] = {}
    for record in records:
        kind = record.layout[:4]
        if kind in _SAID_ANYWAY:
            continue
        if kind == "SE10":
            for name, value in record.values.items():
                if name != "valid_action_code":
                    parts[f"SE10.{name}"] = [value]
        else:
            parts.setdefault(kind if kind in _UPDATED else "rest", []).append((record.layout, _plain(record.values)))
    return parts


def _plain(values: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(values.items()))


def _updatable(part: str) -> bool:
    head, _, field = part.partition(".")
    return field in _UPDATED_IN_HEADER if field else head in _UPDATED


def act_on(action: ChangeAction, standing: EntryStanding, now: datetime) -> EntryAct:
    """What CBP does with an action on an entry that stands so."""
    expected, text = _RULES[action](standing, now)
    return EntryAct(action, expected, text)


def _replaced(standing: EntryStanding, now: datetime) -> tuple[Expected, str]:
    del now
    released = standing.released_at is not None
    if standing.arrived and released:
        return "refused", (
            "Once the truck is there and the entry is released CBP takes no replacement; port, bills and conveyance "
            f"may be updated for {UPDATE_DAYS} calendar days after the release."
        )
    if standing.review:
        return "request", "CBP reviews the entry, so a replacement becomes a correction request that a person decides."
    if standing.arrived:
        return "request", (
            "The truck is there and the entry is not released, so a replacement becomes a correction request that a "
            "person decides."
        )
    if standing.matched:
        return "open", (
            "The bill has matched and the truck is not there: CBP's guide does not say whether a replacement is taken "
            "by itself or becomes a correction request."
        )
    return "automatic", "No bill has matched and no review is pending: CBP's system takes the replacement by itself."


def _updated(standing: EntryStanding, now: datetime) -> tuple[Expected, str]:
    released = standing.released_at
    if released is not None and (eastern_day(now) - eastern_day(released)).days > UPDATE_DAYS:
        return "refused", f"An update is taken for {UPDATE_DAYS} calendar days after the release; they are over."
    return "automatic", "CBP's system takes an update of port, bills and conveyance by itself."


def _cancelled(standing: EntryStanding, now: datetime) -> tuple[Expected, str]:
    del now
    why = [
        words
        for words, so in (
            ("it is released", standing.released_at is not None),
            ("CBP reviews it", standing.review),
            ("a bill of it has matched", standing.matched),
        )
        if so
    ]
    if why:
        return "request", f"The cancellation becomes a request that a person at CBP decides, since {' and '.join(why)}."
    return "automatic", "No bill has matched and no review is pending: CBP's system cancels the entry by itself."


_RULES: Final = {"R": _replaced, "U": _updated, "D": _cancelled}
