"""How do a trip and its shipments come in, before anything is declared to CBP?

A trip may be replaced, and a shipment staged again with other content, until the trip is filed. Each
staged row is answered on its own: with the pathway that would be taken as things stand, or with every
fault that would stop it later (also those of the messages it must fit into). What was sent in, good
or bad, goes to the archive. The pathway is judged again, finally and in manifest order, when the trip
is filed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from filings import refusals, rule_books
from filings.context import Actor, FilingContext
from filings.control_numbers import ScnRequest, TakenScn, allocate, free_scns, reserve_scns
from filings.judging import Judged, eastern_day, fit, judge
from filings.lifecycle import TRIP, TripInput, TripState
from filings.person_days import count_days
from filings.store import tables as t
from filings.store.one_of import one_of
from filings.trips import already_filed, load_trip, record_act
from filings.uuid7 import uuid7
from mappings.decision import PathwayDecision
from mappings.manifest_bill import BillWriter
from mappings.preflight_trip import Together
from schemas.errors import Conflict, Problem
from schemas.intake import Row
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip


@dataclass(frozen=True, slots=True)
class StageResult:
    """The answer to one row: a pathway with its reasons, or the problems that refuse it."""

    index: int
    line_number: int
    shipment_id: str | None
    scn: str | None
    pathway: str | None
    state: str
    reasons: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Mapping[str, Any], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the shipment is staged (for filing or for review)."""
        return self.state != "refused"

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer for this row."""
        answer: dict[str, Any] = {
            "index": self.index,
            "line": self.line_number,
            "shipment_id": self.shipment_id,
            "shipment_control_number": self.scn,
            "pathway": self.pathway,
            "state": self.state,
        }
        if self.reasons:
            answer["reasons"] = list(self.reasons)
        if self.notes:
            answer["notes"] = [dict(note) for note in self.notes]
        for key, wanted in (("errors", True), ("warnings", False)):
            listed = [one.as_dict() for one in self.problems if (one.severity == "error") is wanted]
            if listed:
                answer[key] = listed
        return answer


def stage(
    conn: Connection, ctx: FilingContext, trip_number: str, rows: Sequence[Row], *, actor: Actor, now: datetime
) -> list[StageResult]:
    """Stage the rows on the trip and answer each of them.

    Raises :class:`NotFound` for an unknown trip and :class:`Conflict` for one that has been filed. The same
    row sent again gets the same answer; other content under the same ``shipment_id`` replaces it.
    """
    trip_row = load_trip(conn, trip_number, lock=True)
    trip = read_trip(trip_row.document)
    known = _known(conn, trip_number, [row.shipment.shipment_id for row in rows if row.shipment])
    if TripInput.STAGED not in TRIP[TripState(trip_row.state)]:
        return _answer_filed(trip_number, rows, known)
    results: dict[int, StageResult] = {}
    fresh: list[Row] = []
    seen: dict[str, str] = {}
    for row in rows:
        if row.shipment is None:
            results[row.index] = _refused(row, row.problems)
        elif row.shipment.shipment_id in seen:
            same = seen[row.shipment.shipment_id] == row.digest
            results[row.index] = _refused(row, (*row.problems, _twice(row.shipment.shipment_id, same=same)))
        elif (before := known.get(row.shipment.shipment_id)) is not None and before.digest == row.digest:
            results[row.index] = _answer_again(row, before)
        else:
            seen[row.shipment.shipment_id] = row.digest
            fresh.append(row)
    _stage_fresh(conn, ctx, trip, fresh, known, results, now)
    ordered = [results[row.index] for row in rows]
    refusals.note(
        conn,
        trip_number,
        [(row, None if one.accepted else one.problems) for row, one in zip(rows, ordered, strict=True)],
        now,
    )
    if fresh:
        rule_books.keep(conn, ctx.rules, now)
    _archive_rows(conn, trip_number, rows, ordered, actor, now)
    return ordered


def _answer_filed(trip_number: str, rows: Sequence[Row], known: Mapping[str, Any]) -> list[StageResult]:
    """A file sent again after its trip was filed: what was taken is answered again, the rest comes too late."""
    same = [row.shipment_id in known and known[row.shipment_id or ""].digest == row.digest for row in rows]
    late = already_filed(trip_number)
    if not any(same):
        raise Conflict(late)
    return [
        _answer_again(row, known[row.shipment_id or ""]) if again else _refused(row, (*row.problems, late))
        for row, again in zip(rows, same, strict=True)
    ]


def _stage_fresh(
    conn: Connection,
    ctx: FilingContext,
    trip: Trip,
    rows: Sequence[Row],
    known: Mapping[str, Any],
    results: dict[int, StageResult],
    now: datetime,
) -> None:
    """Judge and store the rows that are new or changed; their answers go into ``results``.

    A changed shipment keeps its key, its place and, unless it names another, its control number. If the
    change is refused, what was staged before stays.
    """
    earlier = {row.index: known[row.shipment_id] for row in rows if row.shipment_id and row.shipment_id in known}
    numbered = _with_scns(conn, trip, rows, earlier)
    keys = {row.index: earlier[row.index].key if row.index in earlier else uuid7() for row, _ in numbered}
    requests = [ScnRequest(shipment.scn or "", keys[row.index], trip.trip_number) for row, shipment in numbered]
    taken = {one.request.shipment_key: one for one in reserve_scns(conn, requests, eastern_day(now))}
    for row, shipment in numbered:
        if (holder := taken.get(keys[row.index])) is not None:
            results[row.index] = _refused(row, (*row.problems, _scn_used(shipment, holder)))
    free = [(row, shipment) for row, shipment in numbered if keys[row.index] not in taken]
    judged = judge(conn, ctx, trip, [(keys[row.index], shipment) for row, shipment in free])
    position = _last_position(conn, trip.trip_number)
    inserted: list[dict[str, Any]] = []
    kept: list[Judged] = []
    idle: list[ScnRequest] = []
    replaced: list[str] = []
    together = Together(ctx.rules.advice)
    writer = BillWriter(trip, ctx.profile)
    for (row, shipment), judgement in zip(free, judged, strict=True):
        fitted = fit(ctx, trip, shipment, judgement.decision, writer)
        contradicted = [one for one in together.see(shipment) if one.code != "scn_reused"]  # that is refused above
        problems = (*fitted.problems, *(one for one in contradicted if one.severity == "error"))
        notes = fitted.notes(shipment)
        before = earlier.get(row.index)
        if problems:
            if before is None or before.scn != shipment.scn:
                idle.append(ScnRequest(shipment.scn or "", keys[row.index], trip.trip_number))
            results[row.index] = _refused(row, (*row.problems, *problems))
            continue
        if before is None:
            position += 1
            place = position
        else:
            place = before.position
            replaced.append(before.key)
            if before.scn != shipment.scn:
                idle.append(ScnRequest(before.scn, before.key, trip.trip_number))
        inserted.append(_columns(trip.trip_number, row, shipment, judgement, notes, place, now))
        kept.append(judgement)
        results[row.index] = _accepted(row, shipment, judgement.decision, notes, contradicted)
    if idle:
        free_scns(conn, idle)
    if inserted:
        _take_out(conn, replaced)
        conn.execute(insert(t.shipments), inserted)
        count_days(conn, trip, kept)


def _take_out(conn: Connection, keys: Sequence[str]) -> None:
    """Make room for the new content of staged shipments."""
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        conn.execute(delete(t.day_ledger).where(t.day_ledger.c.shipment_key.in_(some)))
        conn.execute(delete(t.shipments).where(t.shipments.c.key.in_(some)))


def _last_position(conn: Connection, trip_number: str) -> int:
    query = select(func.coalesce(func.max(t.shipments.c.position), 0)).where(t.shipments.c.trip_number == trip_number)
    return int(conn.execute(query).scalar_one())


def _with_scns(
    conn: Connection, trip: Trip, rows: Sequence[Row], earlier: Mapping[int, Any]
) -> list[tuple[Row, Shipment]]:
    """Each row's shipment with a shipment control number: its own, the one it had, or the carrier's next."""
    lacking = sum(
        1 for row in rows if row.shipment is not None and row.shipment.scn is None and row.index not in earlier
    )
    given = iter(allocate(conn, f"scn:{trip.carrier_scac}", lacking, last=99_999_999_999) if lacking else ())
    numbered: list[tuple[Row, Shipment]] = []
    for row in rows:
        if row.shipment is None:
            continue
        shipment = row.shipment
        if shipment.scn is None:
            before = earlier.get(row.index)
            scn = f"{trip.carrier_scac}G{next(given):011d}" if before is None else before.scn
            shipment = shipment.model_copy(update={"shipment_control_number": scn})
        numbered.append((row, shipment))
    return numbered


def _columns(
    trip_number: str,
    row: Row,
    shipment: Shipment,
    judgement: Judged,
    notes: Sequence[Mapping[str, Any]],
    position: int,
    now: datetime,
) -> dict[str, Any]:
    decision = judgement.decision
    return {
        "key": judgement.shipment_key,
        "trip_number": trip_number,
        "shipment_id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "scn": shipment.scn,
        "position": position,
        "document": {**dict(row.raw or {}), "shipment_control_number": shipment.scn},
        "digest": row.digest,
        "pathway": decision.pathway,
        "entry_type": decision.entry_type,
        "decision": decision.as_dict(),
        "state": _state(decision),
        "state_since": now,
        "facts": {},
        "notes": [dict(note) for note in notes],
        "problems": [problem.as_dict() for problem in row.problems],
        "created_at": now,
        "updated_at": now,
    }


def _state(decision: PathwayDecision) -> str:
    return "in_review" if decision.pathway == "review" else "staged"


def _known(conn: Connection, trip_number: str, ids: Iterable[str]) -> dict[str, Any]:
    wanted = sorted(set(ids))
    found: dict[str, Any] = {}
    for start in range(0, len(wanted), 500):
        query = select(t.shipments).where(
            t.shipments.c.trip_number == trip_number, one_of(t.shipments.c.shipment_id, wanted[start : start + 500])
        )
        found |= {row.shipment_id: row for row in conn.execute(query)}
    return found


def _accepted(
    row: Row,
    shipment: Shipment,
    decision: PathwayDecision,
    notes: Sequence[Mapping[str, Any]],
    contradicted: Sequence[Problem],
) -> StageResult:
    return StageResult(
        row.index,
        row.line_number,
        shipment.shipment_id,
        shipment.scn,
        decision.pathway,
        _state(decision),
        tuple(decision.reasons),
        (*row.problems, *decision.warnings, *contradicted),
        tuple(notes),
    )


def _answer_again(row: Row, before: Any) -> StageResult:
    decision = PathwayDecision.from_dict(before.decision)
    return StageResult(
        row.index,
        row.line_number,
        before.shipment_id,
        before.scn,
        before.pathway,
        before.state,
        tuple(decision.reasons),
        (*(Problem.from_dict(problem) for problem in before.problems), *decision.warnings),
        tuple(before.notes),
    )


def _refused(row: Row, problems: Sequence[Problem]) -> StageResult:
    return StageResult(row.index, row.line_number, row.shipment_id, None, None, "refused", problems=tuple(problems))


def _twice(shipment_id: str, *, same: bool) -> Problem:
    text = "with the same content" if same else "with other content"
    return Problem(
        "shipment_twice",
        "shipment_id",
        f"Shipment {shipment_id} stands twice in what was sent, {text}.",
        "Send each shipment once; the first was taken.",
    )


def _scn_used(shipment: Shipment, holder: TakenScn) -> Problem:
    until = f", until {holder.free_after.isoformat()}" if holder.free_after else ""
    return Problem(
        "scn_already_used",
        "shipment_control_number",
        f"{shipment.scn} is taken by another shipment of trip {holder.holder_trip}{until}.",
        "Give the shipment a new control number, or leave it out to be given one.",
        "ACE truck manifest: a shipment control number is used once in three years",
    )


def _archive_rows(
    conn: Connection, trip_number: str, rows: Sequence[Row], results: Sequence[StageResult], actor: Actor, now: datetime
) -> None:
    """Keep what was sent in, good and bad, with the answer to each row."""
    states = Counter(result.state for result in results)
    content = {
        "states": dict(states),
        "rows": [{"given": row.raw, "answer": result.as_dict()} for row, result in zip(rows, results, strict=True)],
    }
    record_act(conn, "stage_shipments", content, actor=actor, now=now, trip_number=trip_number)
