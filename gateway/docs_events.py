"""Which events are there, what does each say, and what makes it happen? The text of ``docs/events.md``.

What leads to an event is read from the tables of the lifecycle. Events that the tables know but that no act
of this version can cause are named as such; a test holds that list to the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from filings.lifecycle import FILING, FILING_STARTS, SHIPMENT, TRIP, Cell, EventType

FILING_DATA: Final = ("filing_id", "kind", "version", "in_force")
SHIPMENT_DATA: Final = (
    "shipment_id",
    "shipment_control_number",
    "pathway",
    "entry_number",
    "state",
    "reason",
    "recorded_at",
)
TRIP_DATA: Final = ("verdict", "shipments", "blocking")
DATA: Final[Mapping[str, tuple[str, ...]]] = {
    "filing": FILING_DATA,
    "handoff": FILING_DATA,
    "shipment": SHIPMENT_DATA,
    "trip": TRIP_DATA,
}
"""What stands in ``data``, by the first word of the type."""

NOT_YET: Final[Mapping[EventType, str]] = {
    EventType.HANDOFF_ACCEPTED: "a broker's receipt for a handoff cannot be noted yet",
}
"""Events that are agreed, but that nothing in this version causes."""

MEANINGS: Final[Mapping[EventType, str]] = {
    EventType.FILING_QUEUED: "A declaration, or a further version of it, is to be sent.",
    EventType.FILING_SENT: "The partner gave its receipt for the bytes. CBP has not answered.",
    EventType.FILING_IN_DOUBT: "We cannot know whether CBP has it; the same bytes are sent again.",
    EventType.FILING_ACCEPTED: "CBP has taken the declaration. That releases nothing.",
    EventType.FILING_REJECTED: "CBP has refused the declaration, or a further version of it: `in_force` is the version "
    "that stands then.",
    EventType.FILING_AMENDED: "CBP has taken a further version of a declaration in force.",
    EventType.FILING_CANCELLED: "The declaration is no longer in force.",
    EventType.SHIPMENT_HELD: "CBP keeps the goods: a hold, or an exam.",
    EventType.SHIPMENT_RELEASED: "CBP lets the goods go. Final only after arrival: it can be revoked.",
    EventType.SHIPMENT_RELEASE_REVOKED: "A release was suspended or taken back.",
    EventType.SHIPMENT_DOCUMENTS_REQUIRED: "CBP or an agency wants papers before it goes on.",
    EventType.HANDOFF_READY: "The package for the licensed broker is made.",
    EventType.HANDOFF_ACCEPTED: "The broker has taken the package.",
    EventType.TRIP_CLEAR: "Every shipment aboard may cross.",
    EventType.TRIP_BLOCKED: "Something aboard may not cross; `blocking` names it, by rule and reason, with the "
    "pathway offered if its own has lapsed.",
}

_OPENING: Final = """\
# Events

Written by `python -m gateway.docs` from `filings/lifecycle`.

Events tell dispatch and the trucking records what happened. An event is recorded in the same transaction as the change
it tells of (`filings/progress.py`), and never changed afterwards. Outwards it is a
[CloudEvents 1.0](https://cloudevents.io) document with two attributes of ours:

- `cursor` counts all events without a gap, in the order of commit. Ask `GET /v1/events?after=CURSOR`, or follow
  `GET /v1/events/stream` (server-sent events; `Last-Event-ID` resumes), and nothing is missed.
- `sequence` counts the events of one shipment, or of one trip, from 1.

`id` stays the same however often an event is delivered: drop what you have seen. `subject` is the shipment control
number, or the trip number. `time` is when it happened by CBP's word where CBP said it (whole minutes), else by our
clock, so order by `cursor` or `sequence`, not by `time`. Roles that may read them: dispatch and integration.

Webhooks are not built yet.

## The list

| type | meaning | `data` |
|---|---|---|
"""


def page() -> str:
    """The page, ending with a line break."""
    rows = [
        f"| `{kind.value}` | {MEANINGS[kind]} | {', '.join(f'`{name}`' for name in DATA[kind.value.split('.')[0]])} |"
        for kind in EventType
    ]
    return _OPENING + "\n".join([*rows, "", *_causes()]) + "\n"


def _causes() -> Iterator[str]:
    yield "## What leads to each"
    yield ""
    yield "*In*, *to* and *by* are words of [the lifecycle](lifecycle.md): a state, the next state, and what happened."
    yield ""
    for kind in EventType:
        yield f"### `{kind.value}`"
        yield ""
        if kind in NOT_YET:
            yield f"Not told by this version: {NOT_YET[kind]}. In the tables:"
            yield ""
        yield from _starts(kind)
        yield from _cells("filing", FILING, kind)
        yield from _cells("shipment", SHIPMENT, kind)
        yield from _cells("trip", TRIP, kind)
        if kind is EventType.FILING_AMENDED:
            yield "- as `filing.accepted`, when an earlier version is in force already"
        yield ""


def _starts(kind: EventType) -> Iterator[str]:
    for state, told in FILING_STARTS.items():
        if told is kind:
            yield f"- a filing begins as *{_words(state)}*"


def _cells(what: str, table: Mapping[Any, Mapping[Any, Cell]], kind: EventType) -> Iterator[str]:
    """One line for each next state and cause, with the states it is reached from."""
    reached: dict[tuple[str, str], list[str]] = {}
    for state, row in table.items():
        for cause, cell in row.items():
            if cell.event is kind and (cell.to is not state or what == "filing"):
                reached.setdefault((_words(cell.to), _words(cause)), []).append(_words(state))
    for (to, cause), states in reached.items():
        yield f"- a {what} in {', '.join(states)}: to *{to}* by {cause}"


def _words(name: StrEnum) -> str:
    return name.value.replace("_", " ")
