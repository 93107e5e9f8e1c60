"""Whose silence, or whose day, has become a matter for a person?

Pure: facts and now in, matters out, each naming its filing. There is a matter when something has lasted *longer* than
the patience for it, and none any more when what was awaited has come:

- a file of ours without the partner's receipt; once it went out and we do not know whether the partner has it, that
  doubt is the matter, for it is the same missing receipt;
- a filing that CBP has and does not answer, one by one: an answer to some of a batch answers for those only;
- a truck that is due soon and not clear to cross (19 CFR 123.92; the half hour for FAST is not modelled);
- a truck that was due and of which CBP has said nothing; goods of a truck that is there and which CBP neither lets go
  nor holds;
- an entry summary, due ten working days after the release (:mod:`mappings.working_days`);
- what CBP refused of a trip, until it is mended or off the truck: one matter for all of it.

Whether silence matters in a state is a cell of the lifecycle's table (*overdue*), not a rule of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal

from filings.lifecycle import FILING, FilingInput, FilingState, TripState
from filings.outbox import WITHDRAWN
from mappings.decision import eastern_day
from mappings.rule import EASTERN
from mappings.working_days import entry_summary, working_days_after

RECEIPT: Final = "receipt_overdue"
DOUBT: Final = "doubt_too_long"
ANSWER: Final = "answer_overdue"
ARRIVAL: Final = "arrival_near"
UNHEARD: Final = "arrival_unheard"
BORDER: Final = "release_overdue"
SUMMARY: Final = "entry_summary_due"
REFUSED: Final = "declaration_refused"
KINDS: Final = (RECEIPT, DOUBT, ANSWER, ARRIVAL, UNHEARD, BORDER, SUMMARY, REFUSED)
"""Kinds of alerts that are raised and settled here."""
NAMED: Final = 3
"""Filings named in a sentence; the detail has them all."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence may last, and how many working days ahead an entry summary is told of."""

    receipt: timedelta = timedelta(minutes=15)
    answer: timedelta = timedelta(minutes=60)
    before_arrival: timedelta = timedelta(minutes=60)
    doubt: timedelta = timedelta(minutes=30)
    review: timedelta = timedelta(hours=4)
    border: timedelta = timedelta(hours=2)
    summary_ahead: int = 2


PATIENCE: Final = Patience()
"""The patience of a filer who has set none."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A filing that a file of ours carries, in the version that it carries; ``since`` it stands as it does.

    ``asked_in_vain`` is how often CBP was asked for it where asking has ended without an answer, else 0.
    """

    filing_id: str
    name: str
    state: FilingState
    since: datetime
    asked_in_vain: int = 0


@dataclass(frozen=True, slots=True)
class FileOut:
    """A file of ours. ``state`` is that of the transmission."""

    id: str
    name: str
    trip_number: str | None
    state: str
    created_at: datetime
    doubt_since: datetime | None
    delivered_at: datetime | None
    carries: tuple[Carried, ...] = ()


@dataclass(frozen=True, slots=True)
class Crossing:
    """A trip; ``open_goods`` are shipments aboard that CBP has on file and neither lets go nor holds."""

    trip_number: str
    state: TripState
    estimated_arrival: datetime
    arrived_at: datetime | None
    manifest: str | None
    open_goods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusals:
    """What CBP refused of a trip: declarations by name, each with its filing and with what CBP said."""

    trip_number: str
    refused: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """An entry whose summary is due; ``due_at`` is the end of its last day."""

    filing_id: str
    name: str
    trip_number: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """Something for a person: what it is, of which filings, since when."""

    kind: str
    text: str
    trip_number: str | None = None
    filing_id: str | None = None
    transmission_id: str | None = None
    severity: Literal["warning", "error"] = "warning"
    detail: dict[str, Any] = field(default_factory=dict)


def of_file(file: FileOut, patience: Patience, now: datetime) -> list[Matter]:
    """What a file of ours gives cause for."""
    if file.state == WITHDRAWN:
        return []
    if file.state != "delivered":
        return _undelivered(file, patience, now)
    silent = [one for one in file.carries if _is_silent(one, file, patience, now)]
    if not silent:
        return []
    longest = _words(patience.answer)
    text = f"CBP has not answered {named([one.name for one in silent])} for more than {longest} ({file.name})."
    left = [one for one in silent if one.asked_in_vain]
    if not left:
        return [_about(file, ANSWER, text, silent)]
    which = "it" if len(silent) == 1 else named([one.name for one in left])
    text += (
        f" CBP was asked for {which} {left[0].asked_in_vain} times without a word of it, and is not asked again. Call "
        "CBP's client representative; do not file anew."
    )
    found = replace(_about(file, ANSWER, text, silent), severity="error")
    found.detail["asked_in_vain"] = [one.filing_id for one in left]
    return [found]


def _undelivered(file: FileOut, patience: Patience, now: datetime) -> list[Matter]:
    carried = f" with {named([one.name for one in file.carries])}" if file.carries else ""
    if file.doubt_since is None:
        if now - file.created_at <= patience.receipt:
            return []
        text = f"{file.name}{carried} has had no receipt for more than {_words(patience.receipt)}."
        return [_about(file, RECEIPT, text, file.carries)]
    if now - file.doubt_since <= patience.doubt:
        return []
    text = (
        f"For more than {_words(patience.doubt)} it has not been known whether CBP has {file.name}{carried}. "
        "The same bytes keep going out; ask the partner what it has."
    )
    return [_about(file, DOUBT, text, file.carries)]


def _is_silent(one: Carried, file: FileOut, patience: Patience, now: datetime) -> bool:
    cell = FILING[one.state].get(FilingInput.OVERDUE)
    if cell is None or cell.alert != ANSWER:
        return False
    if one.state in {FilingState.UNDER_REVIEW, FilingState.REQUESTED}:
        return now - one.since > patience.review
    return file.delivered_at is not None and now - file.delivered_at > patience.answer


def _about(file: FileOut, kind: str, text: str, carried: Sequence[Carried]) -> Matter:
    detail = {"filings": [one.filing_id for one in carried], "names": [one.name for one in carried]}
    alone = carried[0].filing_id if len(carried) == 1 else None
    return Matter(kind, text, file.trip_number, alone, file.id, detail=detail)


def of_crossing(trip: Crossing, patience: Patience, now: datetime) -> list[Matter]:
    """What a truck on its way, or at the border, gives cause for."""
    number, manifest = trip.trip_number, trip.manifest
    if trip.arrived_at is not None:
        if not trip.open_goods or now - trip.arrived_at <= patience.border:
            return []
        text = (
            f"The truck of trip {number} has been at the border for more than {_words(patience.border)}, and CBP has "
            f"neither released nor held {named(trip.open_goods)}."
        )
        return [Matter(BORDER, text, number, manifest, detail={"shipments": list(trip.open_goods)})]
    if trip.state is TripState.ARRIVED:
        return []
    if trip.estimated_arrival > now:
        if trip.state is TripState.CLEAR or trip.estimated_arrival - now > patience.before_arrival:
            return []
        text = (
            f"The truck of trip {number} arrives within {_words(patience.before_arrival)} and is not clear to cross: "
            "its manifest must be with CBP an hour before."
        )
        return [Matter(ARRIVAL, text, number, manifest, detail={"citation": "19 CFR 123.92"})]
    if trip.state is TripState.DRAFT or now - trip.estimated_arrival <= patience.border:
        return []
    text = (
        f"The truck of trip {number} was due more than {_words(patience.border)} ago, and CBP has said nothing of it. "
        "If it comes later, note its new arrival."
    )
    return [Matter(UNHEARD, text, number, manifest)]


def of_refusals(trip: Refusals) -> list[Matter]:
    """What CBP refused of a trip and nobody has mended: it must not cross as it is."""
    if not trip.refused:
        return []
    names = [f"{name} ({said})" if said else name for name, _, said in trip.refused]
    filings = list(dict.fromkeys(filing for _, filing, _ in trip.refused))
    text = f"CBP refused {named(names)}: trip {trip.trip_number} must not cross before that is mended or off the truck."
    detail = {"filings": filings, "names": [name for name, _, _ in trip.refused]}
    alone = filings[0] if len(filings) == 1 else None
    return [Matter(REFUSED, text, trip.trip_number, alone, None, "error", detail)]


def of_release(entry: Released, patience: Patience, now: datetime) -> list[Matter]:
    """What the release of an entry gives cause for: its summary is due soon, or overdue."""
    last_day = eastern_day(entry.due_at - timedelta(microseconds=1))
    if now < summary_told_from(entry.due_at, patience):
        return []
    citation = entry_summary().citation
    detail = {"due_on": last_day.isoformat(), "citation": citation, "filings": [entry.filing_id]}
    if now < entry.due_at:
        text = f"The entry summary of {entry.name} is due on {last_day}."
        return [Matter(SUMMARY, text, entry.trip_number, entry.filing_id, detail=detail)]
    text = f"The entry summary of {entry.name} was due on {last_day}, and nobody has noted that it was filed."
    return [Matter(SUMMARY, text, entry.trip_number, entry.filing_id, None, "error", detail)]


def summary_due(entry_type: str | None, released_at: datetime) -> datetime | None:
    """The end of the last day for the summary of an entry released then; ``None`` for a type that has none."""
    law = entry_summary()
    if entry_type not in law.entry_types:
        return None
    last_day = working_days_after(eastern_day(released_at), law.days)
    return _beginning(last_day + timedelta(days=1))


def summary_told_from(due_at: datetime, patience: Patience) -> datetime:
    """From when on an entry summary that is due then is told of by an alert."""
    last_day = eastern_day(due_at - timedelta(microseconds=1))
    return _beginning(working_days_after(last_day, -patience.summary_ahead))


def _beginning(day: Any) -> datetime:
    """The instant at which a day begins in Eastern time."""
    return datetime.combine(day, time(), EASTERN)


def named(names: Sequence[str]) -> str:
    """Some names in a sentence, and how many more there are."""
    listed = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return f"{listed} and {more} more" if more > 0 else listed


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes % 60 == 0 and minutes > 60:
        return f"{minutes // 60} hours"
    return "a minute" if minutes == 1 else f"{minutes} minutes"
