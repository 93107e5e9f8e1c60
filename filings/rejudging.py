"""Which trips that are filed and still under way must be judged again, and what does that change?

A trip is judged for its planned arrival. When that instant has passed and the truck is not there, its arrival is at
best now; so once the law has changed between the two, it is judged again for now. The same is done when its
estimated arrival is changed, when another rule book has been installed, and for the actual arrival, as CBP gives
it. A trip that was filed more than a day after its planned arrival keeps the law of that day.
``trips.judge_again_at`` says when; a look for what is due costs one search of an index.

The work is done as planning does it: read, judge outside of any transaction, store under the trip's lock if nothing
has moved meanwhile. So several processes may look, and a look that is repeated finds nothing. A trip that has
arrived is judged for the record only: its shipments are in CBP's hands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, bindparam, or_, select, update

from filings import archive, rule_books
from filings.alerts import Alert, raise_alert
from filings.context import FilingContext
from filings.judging import Judged, decide_all
from filings.lapsing import (
    Change,
    Comparison,
    compare,
    filed_for_the_past,
    judge_again,
    possible_arrival,
    summary,
)
from filings.lifecycle import Act, Did, TripState
from filings.moves import Moves
from filings.person_days import count_days, hold_people, ledger_of_others, move_days
from filings.progress import load, tell, write
from filings.shown import local_text, zone_of
from filings.store import tables as t
from filings.trips import load_trip
from filings.verdicts import tell_blocked
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip

LAPSED: Final = "pathway_lapsed"
"""The alert of a trip with lapsed shipments; settled when they are mended or lawful again."""
OTHER_LAW: Final = "arrived_under_other_law"
AT_ONCE: Final = 10
NAMED: Final = 20
PAGE: Final = 400
_OUT: Final = ("refused", "cancelled")
"""States of shipments that are not carried: the law has nothing to say about them any more."""
_UNDER_WAY: Final = tuple(one.value for one in (TripState.FILING, TripState.FILED, TripState.BLOCKED, TripState.CLEAR))


def due(conn: Connection, now: datetime, *, installed: str | None = None, limit: int = AT_ONCE) -> list[str]:
    """Trips that must be judged again, the most urgent first.

    With ``installed``, a rule book's version, also those under way that were judged by another version: to be
    asked once, when a process starts, so that two processes with different books do not contradict each other.
    """
    trips = t.trips
    wanted = trips.c.judge_again_at <= now
    if installed is not None:
        other = trips.c.rule_book_version.is_distinct_from(installed) & trips.c.state.in_(_UNDER_WAY)
        wanted = or_(wanted, other)
    query = (
        select(trips.c.trip_number)
        .where(trips.c.plan_stage == "done", wanted)
        .order_by(trips.c.estimated_arrival)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Work:
    """One trip to be judged for ``instant``; what it stood on when it was read is checked again before storing."""

    trip: Trip
    instant: datetime
    read: tuple[Any, ...]
    arrived: bool
    keys: tuple[str, ...]
    shipments: tuple[Shipment, ...]
    in_force: tuple[PathwayDecision, ...]
    lapsed: frozenset[str]
    ledger: DayLedger


def read_work(conn: Connection, trip_number: str, now: datetime) -> Work | None:
    """What judging the trip again needs; ``None`` when it is not to be judged (any more)."""
    row = load_trip(conn, trip_number)
    if row.plan_stage != "done" or (row.arrived_at is not None and row.judged_at == row.arrived_at):
        return None
    declared = read_trip(row.document)
    instant = row.arrived_at or possible_arrival(row.estimated_arrival, row.filed_at, now, declared.arrival)
    trip = declared.model_copy(update={"estimated_arrival": instant})
    keys: list[str] = []
    shipments: list[Shipment] = []
    decisions: list[PathwayDecision] = []
    lapsed: set[str] = set()
    table = t.shipments
    query = (
        select(table.c.key, table.c.document, table.c.decision, table.c.lapse)
        .where(table.c.trip_number == trip_number, table.c.state.not_in(_OUT), table.c.decision.is_not(None))
        .order_by(table.c.position)
    )
    for one in conn.execute(query):
        keys.append(one.key)
        shipments.append(Shipment.model_validate(one.document))
        decisions.append(PathwayDecision.from_dict(one.decision))
        if one.lapse is not None:
            lapsed.add(one.key)
    return Work(
        trip,
        instant,
        _stood_on(row),
        row.arrived_at is not None,
        tuple(keys),
        tuple(shipments),
        tuple(decisions),
        frozenset(lapsed),
        ledger_of_others(conn, trip, shipments),
    )


def _stood_on(row: Row[Any]) -> tuple[Any, ...]:
    return (
        row.plan_stage,
        row.judged_at,
        row.judge_again_at,
        row.estimated_arrival,
        row.arrived_at,
        row.rule_book_version,
    )


@dataclass(frozen=True, slots=True)
class Made:
    """A trip judged again, shipment by shipment in manifest order."""

    work: Work
    found: tuple[Comparison, ...]

    @property
    def counts(self) -> Counter[Change]:
        """How many were kept, have lapsed, could go a better way."""
        return Counter(one.change for one in self.found)


def make(ctx: FilingContext, work: Work) -> Made:
    """Judge: pure, and the only part that takes long."""
    judged = decide_all(ctx, work.trip, list(zip(work.keys, work.shipments, strict=True)), work.ledger)
    found = (compare(old, new.decision, ctx.rules) for old, new in zip(work.in_force, judged, strict=True))
    return Made(work, tuple(found))


def store(conn: Connection, ctx: FilingContext, made: Made, now: datetime) -> bool:
    """Keep the record and let lapsed shipments block the trip; ``False`` if the trip has moved on meanwhile."""
    work = made.work
    number = work.trip.trip_number
    row = load_trip(conn, number, lock=True)
    if _stood_on(row) != work.read:
        return False
    if not work.arrived:
        hold_people(conn, work.trip, work.shipments)
        if ledger_of_others(conn, work.trip, work.shipments) != work.ledger:
            return False  # somebody counted for one of these people meanwhile: the next look judges anew
    declared = read_trip(row.document).arrival
    of_its_day = row.estimated_arrival == declared and filed_for_the_past(declared, row.filed_at)
    over = work.arrived or of_its_day
    again = None if over else judge_again(ctx.rules, work.instant)
    values = {
        "judged_at": work.instant,
        "judge_again_at": again,
        "rule_book_version": ctx.rules.version,
        "updated_at": now,
    }
    conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(values))
    rule_books.keep(conn, ctx.rules, now)
    archive.append(conn, [_record(ctx, made, now)])
    if work.arrived:
        move_days(conn, work.trip)
        _differs_at_arrival(conn, made, now)
        return True
    _count(conn, made)
    new = _mark(conn, made, now)
    if new and row.state == TripState.BLOCKED.value:
        tell_blocked(conn, number, now)
    return True


def _record(ctx: FilingContext, made: Made, now: datetime) -> archive.Entry:
    """The judgement as it was made: whole where it differs, by its pathway where the one in force is kept."""
    work = made.work
    head = {
        "judged_for": work.instant.isoformat(),
        "arrived": work.arrived,
        "rule_book_version": ctx.rules.version,
        "counts": {change.value: count for change, count in made.counts.items()},
    }
    lines: list[dict[str, Any]] = [head]
    for one in made.found:
        line: dict[str, Any] = {
            "shipment_id": one.offered.shipment_id,
            "change": one.change.value,
            "in_force": one.in_force.pathway,
        }
        if one.change is Change.KEPT:
            line["rules"] = list(one.offered.rules)
        else:
            line |= {"rule": one.rule, "text": one.text, "decision": one.offered.as_dict()}
        lines.append(line)
    what = "actual arrival" if work.arrived else "arrival that is possible now"
    return archive.Entry(
        archive.EntryKind.DECISION,
        f"judged again for the {what}: {summary(made.counts)}",
        b"\n".join(orjson.dumps(line, option=orjson.OPT_SORT_KEYS, default=str) for line in lines),
        now,
        "application/x-ndjson",
        actor=f"rule book {ctx.rules.version}",
        trip_number=work.trip.trip_number,
    )


def _differs_at_arrival(conn: Connection, made: Made, now: datetime) -> None:
    number = made.work.trip.trip_number
    lapsed = [one for one in made.found if one.change is Change.LAPSED]
    if not lapsed:
        return
    at = local_text(made.work.instant, zone_of(made.work.trip.port_of_arrival))
    text = (
        f"Trip {number} arrived at {at} with {len(lapsed)} "
        f"{'shipment' if len(lapsed) == 1 else 'shipments'} declared by a pathway that was not lawful then "
        f"({lapsed[0].rule}): {_named(lapsed)}."
    )
    detail = {"shipments": [one.offered.shipment_id for one in lapsed[:PAGE]], "rule": lapsed[0].rule}
    raise_alert(conn, Alert(OTHER_LAW, text, "error", detail, trip_number=number), now)


def _named(found: Sequence[Comparison]) -> str:
    names = [one.offered.shipment_id for one in found[:NAMED]]
    rest = len(found) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")


def _count(conn: Connection, made: Made) -> None:
    """Each person's day is counted for the arrival judged now; what has lapsed uses no exemption."""
    effective = [
        Judged(
            key,
            shipment,
            one.offered
            if one.change is Change.KEPT and one.offered.pathway == one.in_force.pathway
            else replace(one.offered, counted=Decimal(0)),
        )
        for key, shipment, one in zip(made.work.keys, made.work.shipments, made.found, strict=True)
    ]
    count_days(conn, made.work.trip, effective)


def _mark(conn: Connection, made: Made, now: datetime) -> int:
    """Write what has lapsed and what is lawful again; the number of newly lapsed ones."""
    work = made.work
    number = work.trip.trip_number
    changes: list[dict[str, Any]] = []
    acts: dict[str, Act] = {}
    lapsed: list[Comparison] = []
    for key, one in zip(work.keys, made.found, strict=True):
        if one.change is Change.LAPSED:
            lapsed.append(one)
            changes.append({"of": key, "new_lapse": one.as_lapse()})
            if key not in work.lapsed:
                acts[key] = Act.LAPSED
        elif key in work.lapsed:
            changes.append({"of": key, "new_lapse": None})
            acts[key] = Act.LAPSE_LIFTED
    statement = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
    for start in range(0, len(changes), PAGE):
        conn.execute(statement.values(lapse=bindparam("new_lapse"), updated_at=now), changes[start : start + PAGE])
    settle_lapse(conn, number, now)
    if lapsed:
        raise_alert(conn, _alert(number, lapsed), now)
    moves = Moves()
    for known in load(conn, acts).values():
        tell(known, Did(acts[known.row.key], now), moves, now)
    write(conn, moves, now)
    return sum(act is Act.LAPSED for act in acts.values())


def _alert(number: str, lapsed: Sequence[Comparison]) -> Alert:
    offers = Counter(one.offered.pathway for one in lapsed)
    offered = ", ".join(f"{count} {pathway}" for pathway, count in sorted(offers.items()))
    text = (
        f"{len(lapsed)} {'shipment' if len(lapsed) == 1 else 'shipments'} of trip {number} may not cross as declared: "
        f"{lapsed[0].text} ({lapsed[0].rule}) Offered now: {offered}. A broker mends it with: gateway refile {number}"
    )
    detail = {"shipments": [one.offered.shipment_id for one in lapsed[:PAGE]], "rule": lapsed[0].rule}
    return Alert(LAPSED, text, "error", detail, trip_number=number)


def settle_lapse(conn: Connection, trip_number: str, now: datetime, by: str = "gateway") -> None:
    """Close the alert of a trip's lapsed shipments: they are mended, lawful again, or told anew."""
    table = t.alerts
    mine = (table.c.kind == LAPSED) & (table.c.trip_number == trip_number) & table.c.settled_at.is_(None)
    conn.execute(update(table).where(mine).values(settled_at=now, settled_by=by))
