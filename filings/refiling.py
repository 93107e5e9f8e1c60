"""What does it take to mend a trip of which shipments have lapsed, and how is that begun?

Each lapsed shipment takes the pathway that was offered when the trip was judged again:

- the **bill** is replaced on the manifest when its release type changes, added when CBP never took it, deleted when
  the shipment comes off the truck;
- the **entry** it had is cancelled, unless CBP has refused or cancelled it already, and one of the offered type is
  filed under a new number;
- a shipment for which a formal entry or a licensed broker's decision is needed comes **off the truck**: its bill is
  deleted, its package is made, and it blocks the trip.

:func:`preview` says all that and changes nothing. :func:`request` takes it on in one transaction; the messages are
made by :mod:`filings.amending`. Asked again while that is under way, it says so and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings.amending import open_amendment
from filings.amending_messages import NOT_COMING, REPLACED, STAGES
from filings.amendments.plan import entry_reasons
from filings.awaited import awaits_answer
from filings.context import Actor, FilingContext
from filings.control_numbers import ENTRY_LAST, allocate, entry_sequence
from filings.lifecycle import FilingState, ShipmentFacts
from filings.progress import filings_of
from filings.refiling_begun import begin
from filings.shown import local_text, zone_of
from filings.store import tables as t
from filings.trips import load_trip
from filings.wording import ENTERED
from mappings.manifest_bill import PAPS_PATHWAYS
from schemas.entry_number import make_entry_number
from schemas.errors import Conflict, Problem

OFF_THE_TRUCK: Final = ("formal", "review")
HOUR: Final = timedelta(hours=1)
_GONE: Final = (FilingState.REJECTED.value, FilingState.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class Step:
    """What is done about one lapsed shipment."""

    row: Row[Any]
    facts: ShipmentFacts
    bill: str | None
    old: Row[Any] | None
    files: str
    number: str = ""

    @property
    def cancels(self) -> Row[Any] | None:
        """The filing that must be taken back; ``None`` where CBP has refused or cancelled it already."""
        return self.old if self.old is not None and self.old.state not in _GONE else None

    @property
    def cancelled_entry(self) -> Row[Any] | None:
        """The entry that must be cancelled at CBP."""
        old = self.cancels
        return old if old is not None and old.kind == "entry" else None

    @property
    def lapse(self) -> dict[str, Any]:
        """Why it has lapsed and what is offered."""
        return self.row.lapse or {}

    @property
    def stays(self) -> bool:
        """Whether it may stay on the truck."""
        return self.lapse["pathway"] not in OFF_THE_TRUCK

    def as_dict(self) -> dict[str, Any]:
        """For people and programs."""
        lapse = self.lapse
        return {
            "shipment_id": self.row.shipment_id,
            "shipment_control_number": self.row.scn,
            "from": lapse["from"],
            "to": lapse["pathway"],
            "entry_type": lapse["entry_type"] or None,
            "rule": lapse["rule"],
            "text": lapse["text"],
            "citation": lapse["citation"],
            "bill": self.bill,
            "cancels_entry": self.cancelled_entry.entry_number if self.cancelled_entry is not None else None,
            "files": self.files or None,
            "entry_number": self.number or None,
            "stays_aboard": self.stays,
            "does": list(self._does()),
        }

    def _does(self) -> list[str]:
        said = {
            "replace": "its bill is replaced on the manifest",
            "add": "its bill is added to the manifest",
            "delete": "its bill is deleted from the manifest",
        }
        done = [said[self.bill]] if self.bill else []
        if (entry := self.cancelled_entry) is not None:
            code = REPLACED if self.files == "entry" else NOT_COMING  # what else it might be nobody can say here
            why = f"reason {code}, {entry_reasons()[code]}"
            done.append(f"entry {entry.entry_number} of type {entry.entry_type} is cancelled ({why})")
        if self.files == "entry":
            done.append(f"an entry of type {self.lapse['entry_type']} is filed")
        if self.files == "handoff":
            done.append("a package for the licensed broker is made")
        if not self.stays:
            done.append("it must come off the truck")
        return done


@dataclass(frozen=True, slots=True)
class Refiling:
    """What will be done, or has been taken on, for a whole trip."""

    trip_number: str
    steps: tuple[Step, ...]
    dry_run: bool
    already: bool = False
    warnings: tuple[Problem, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        bills = Counter(one.bill for one in self.steps if one.bill)
        cancelled = sum(one.cancelled_entry is not None for one in self.steps)
        return {
            "trip_number": self.trip_number,
            "dry_run": self.dry_run,
            "already_requested": self.already,
            "lapsed": len(self.steps),
            "pathways": dict(Counter(one.lapse["pathway"] for one in self.steps)),
            "bills": {change: bills[change] for change in ("replace", "add", "delete")},
            "entries": {"cancelled": cancelled, "filed": sum(one.files == "entry" for one in self.steps)},
            "handoffs": sum(one.files == "handoff" for one in self.steps),
            "off_the_truck": [one.row.shipment_id for one in self.steps if not one.stays],
            "shipments": [one.as_dict() for one in self.steps],
            "warnings": [one.as_dict() for one in self.warnings],
        }


def preview(conn: Connection, trip_number: str, *, now: datetime) -> Refiling:
    """What refiling the trip would do; raises as :func:`request` does."""
    row = load_trip(conn, trip_number)
    if _under_way(conn, row):
        return Refiling(trip_number, (), True, True)
    return _planned(conn, row, now, dry_run=True)


def request(conn: Connection, ctx: FilingContext, trip_number: str, *, actor: Actor, now: datetime) -> Refiling:
    """Take the refiling on. Raises :class:`NotFound`, and :class:`Conflict` where nothing can or need be mended."""
    row = load_trip(conn, trip_number, lock=True)
    if _under_way(conn, row):
        return Refiling(trip_number, (), False, True)
    planned = _planned(conn, row, now, dry_run=False)
    filing = sum(one.files == "entry" for one in planned.steps)
    drawn = allocate(conn, entry_sequence(ctx.filer.code), filing, last=ENTRY_LAST) if filing else []
    numbers = iter(str(make_entry_number(ctx.filer.code, sequence)) for sequence in drawn)
    steps = tuple(replace(one, number=next(numbers) if one.files == "entry" else "") for one in planned.steps)
    begun = Refiling(trip_number, steps, False, warnings=planned.warnings)
    begin(conn, begun, actor=actor, now=now)
    return begun


def _under_way(conn: Connection, row: Row[Any]) -> bool:
    """Whether what is being made for the trip just now is its refiling, and no other amendment."""
    if row.plan_stage not in STAGES[:-1]:
        return False
    amendment = open_amendment(conn, row.trip_number)
    return amendment is not None and amendment.purpose == "refile"


def _planned(conn: Connection, row: Row[Any], now: datetime, *, dry_run: bool) -> Refiling:
    number = row.trip_number
    _refuse_unready(conn, row, now)
    query = select(t.shipments).where(t.shipments.c.trip_number == number, t.shipments.c.lapse.is_not(None))
    rows = conn.execute(query.order_by(t.shipments.c.position)).all()
    if not rows:
        text = f"No shipment of trip {number} has lapsed."
        raise Conflict(Problem("nothing_lapsed", "trip_number", text, "Nothing has to be filed again."))
    wanted = [one.entry_filing_id for one in rows if one.entry_filing_id]
    entries = {one.id: one for one in filings_of(conn, wanted, lock=not dry_run)}
    steps = tuple(_step(one, entries.get(one.entry_filing_id or "")) for one in rows)
    return Refiling(number, steps, dry_run, warnings=_warnings(row, steps, now))


def _refuse_unready(conn: Connection, row: Row[Any], now: datetime) -> None:
    number = row.trip_number
    if row.plan_stage is None or row.state == "draft":
        text = f"Trip {number} has not been filed."
        raise Conflict(Problem("trip_not_filed", "trip_number", text, "File it; the law of its arrival is applied."))
    if row.arrived_at is not None:
        text = f"Trip {number} has arrived: its manifest cannot be amended any more."
        raise Conflict(Problem("trip_arrived", "trip_number", text, "Settle its shipments with CBP at the port."))
    if row.plan_stage != "done":
        text = f"The filings of trip {number} are still being made."
        raise Conflict(Problem("trip_being_filed", "trip_number", text, "Ask again in a moment."))
    if row.judge_again_at is not None and row.judge_again_at <= now:
        text = f"Trip {number} is being judged again for the law of this moment."
        raise Conflict(Problem("trip_being_judged", "trip_number", text, "Ask again in a moment."))
    if awaits_answer(conn, number):
        text = f"CBP has not answered the manifest of trip {number} yet; what it has on file is not known."
        raise Conflict(
            Problem("answer_awaited", "trip_number", text, "Ask again when it has answered.", "CBP truck 355")
        )


def _step(row: Row[Any], filing: Row[Any] | None) -> Step:
    """The pure part: what one lapsed shipment takes."""
    facts = ShipmentFacts.from_dict(row.facts or None)
    lapse = row.lapse
    old, new = lapse["from"], lapse["pathway"]
    manifest = facts.declarations.get("manifest")
    on_file = manifest is not None and manifest.in_force
    bill: str | None = None
    if new in OFF_THE_TRUCK:
        bill = "delete" if on_file else None
    elif not on_file:
        bill = "add"
    elif (old in PAPS_PATHWAYS) is not (new in PAPS_PATHWAYS):
        bill = "replace"
    files = "entry" if new in ENTERED else "handoff" if new == "formal" else ""
    return Step(row, facts, bill, filing, files)


def _warnings(row: Row[Any], steps: Sequence[Step], now: datetime) -> tuple[Problem, ...]:
    if not any(one.bill for one in steps) or row.estimated_arrival > now + HOUR:
        return ()
    text = "Changing the manifest begins the hour anew that it must be with CBP before the truck (30 minutes for FAST)."
    remedy = f"Let the truck come no earlier than {local_text(now + HOUR, zone_of(row.port_of_arrival))}."
    return (Problem("hour_begins_again", "estimated_arrival", text, remedy, "19 CFR 123.92", "warning"),)
