"""How is a plan taken on? Its amendment with items, versions and new filings, and what moves at once: one transaction.

The messages are made by :mod:`filings.amending` afterwards. Where nothing has to be said, the next version is kept all
the same and marked as not sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from filings import rule_books
from filings.amending_messages import STAGES
from filings.amendments.acts import SENT, action_of, acts_of
from filings.amendments.begun_filings import Changed
from filings.amendments.plan import Plan, PlannedShipment
from filings.context import Actor, FilingContext
from filings.control_numbers import ENTRY_LAST, allocate, entry_sequence
from filings.judging import Judged
from filings.person_days import count_days
from filings.progress import load, tell, write
from filings.rejudging import settle_lapse
from filings.store import tables as t
from filings.trips import record_act
from filings.verdicts import manifest_deleted
from schemas.entry_number import make_entry_number
from schemas.errors import ShipmentError
from schemas.trip import read_trip

PAGE: Final = 400


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan that was taken on: the amendment's id, and the version that the filing addressed has now."""

    plan: Plan
    amendment: str
    version: int


def begin(conn: Connection, ctx: FilingContext, plan: Plan, *, actor: Actor, now: datetime) -> Begun:
    """Take the plan on; what it stands on has been checked in this transaction.

    Raises :class:`ShipmentError` where a reason must be given that nobody has given.
    """
    if plan.needs:
        raise ShipmentError(plan.needs)
    plan = _numbered(conn, ctx, plan)
    work = _Beginning(conn, plan, actor, now)
    work.amendment_row()
    work.manifest()
    for one in plan.shipments:
        work.filings_of(one)
    work.not_sent()
    work.items()
    work.keep()
    work.shipments()
    work.trip()
    work.facts()
    _count(conn, ctx, plan, now)
    content = {"amendment": work.amendment, "patch": plan.patch, "reason": plan.reason, **plan.codes.as_dict()}
    shown = [one.as_dict() for one in plan.difference]
    named = {"filing_id": plan.addressed.id if plan.addressed is not None else None, "difference": shown}
    act = "amend_filing" if plan.purpose == "amend" else "cancel_filing"
    record_act(conn, act, {**content, **named}, actor=actor, now=now, trip_number=plan.trip_number)
    write(conn, work.moves, now)
    filing = plan.addressed
    return Begun(plan, work.amendment, work.versions.get(filing.id, filing.version) if filing is not None else 1)


def _numbered(conn: Connection, ctx: FilingContext, plan: Plan) -> Plan:
    """The plan with entry numbers for the entries that are filed new."""
    wanted = sum(one.step.entry.files == "entry" for one in plan.shipments)
    drawn = allocate(conn, entry_sequence(ctx.filer.code), wanted, last=ENTRY_LAST) if wanted else []
    numbers = iter(str(make_entry_number(ctx.filer.code, sequence)) for sequence in drawn)
    return replace(
        plan,
        shipments=tuple(
            replace(one, new_number=next(numbers)) if one.step.entry.files == "entry" else one for one in plan.shipments
        ),
    )


class _Beginning(Changed):
    """Writes the rows of one amendment in order."""

    def amendment_row(self) -> None:
        """The amendment itself; without a message it is finished at once."""
        plan, manifest = self.plan, self.plan.on.manifest
        version = manifest.version + 1 if manifest is not None and plan.says_manifest else None
        self.conn.execute(
            insert(t.amendments).values(
                id=self.amendment,
                trip_number=plan.trip_number,
                purpose=plan.purpose,
                reason=plan.reason,
                reason_code=plan.reason_code if plan.needs_reason else None,
                trip_change=plan.trip_step if plan.says_manifest and plan.trip_step else None,
                completes=plan.completes,
                manifest_filing_id=manifest.id if manifest is not None else None,
                manifest_version=version,
                made_at=self.now,
                made_by=self.actor.name,
                finished_at=None if plan.sends else self.now,
            )
        )

    def items(self) -> None:
        """What happens to each shipment."""
        rows = [
            {
                "amendment_id": self.amendment,
                "position": place,
                "shipment_key": one.held.row.key,
                "bill_change": one.step.bill or None,
                "cancels_filing_id": one.held.entry.id
                if one.held.entry is not None and one.step.entry.cancels
                else None,
                "cancels_reason": one.cancels_reason or None,
                "cancels_reference": one.cancels_reference or None,
                "changes_filing_id": one.held.entry.id
                if one.held.entry is not None and action_of(one) in SENT
                else None,
                "entry_action": action_of(one) or None,
                "new_filing_id": self.new.get(one.held.row.key)
                or (one.held.entry.id if one.held.entry is not None and one.step.entry.remakes else None),
                "new_pathway": one.decision.pathway if one.decision is not None else one.held.row.pathway,
            }
            for place, one in enumerate(self.plan.shipments, start=1)
            if one.step.says_something
        ]
        for start in range(0, len(rows), PAGE):
            self.conn.execute(insert(t.amendment_items), rows[start : start + PAGE])

    def shipments(self) -> None:
        """The shipments' rows follow: their data, the decision in force, the filing and the number they go by."""
        statement = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
        changes = [
            {
                "of": one.held.row.key,
                "new_document": dict(one.document),
                "new_order": one.document.get("order_id"),
                "new_pathway": one.decision.pathway,
                "new_type": one.decision.entry_type,
                "new_decision": one.decision.as_dict(),
                "new_filing": self._goes_by(one),
                "new_number": one.new_number or (one.held.row.entry_number if not one.step.anew else None),
            }
            for one in self.plan.shipments
            if one.document is not None and one.decision is not None
        ]
        for start in range(0, len(changes), PAGE):
            self.conn.execute(
                statement.values(
                    document=bindparam("new_document"),
                    order_id=bindparam("new_order"),
                    pathway=bindparam("new_pathway"),
                    entry_type=bindparam("new_type"),
                    decision=bindparam("new_decision"),
                    entry_filing_id=bindparam("new_filing"),
                    entry_number=bindparam("new_number"),
                    lapse=None,
                    updated_at=self.now,
                ),
                changes[start : start + PAGE],
            )
        manifest = self.plan.on.manifest
        added = [one.held.row.key for one in self.plan.shipments if one.step.bill == "add"]
        if manifest is not None and added:
            aboard = (
                update(t.shipments).where(t.shipments.c.key == bindparam("of")).values(manifest_filing_id=manifest.id)
            )
            self.conn.execute(aboard, [{"of": key} for key in added])

    def _goes_by(self, one: PlannedShipment) -> str | None:
        row = one.held.row
        if row.key in self.new:
            return self.new[row.key]
        gone = one.step.entry.cancels or one.step.entry.withdraws
        return None if gone and one.step.anew else row.entry_filing_id

    def trip(self) -> None:
        """The trip's row: its data, its next step, and whether it must be judged again."""
        plan, row = self.plan, self.plan.on.trip
        values: dict[str, Any] = {"version": row.version + 1, "updated_at": self.now}
        if plan.sends:
            values |= {"plan_stage": STAGES[0], "planned_through": 0}
        if plan.trip_document is not None:
            trip = read_trip(plan.trip_document)
            values |= {"document": dict(plan.trip_document), "port_of_arrival": trip.port_of_arrival}
            if trip.arrival != read_trip(row.document).arrival:
                values |= {"estimated_arrival": trip.arrival, "judge_again_at": self.now}
        judgement = plan.judgement
        if judgement is not None and judgement.lapsed and row.arrived_at is None:
            values["judge_again_at"] = self.now
        self.conn.execute(update(t.trips).where(t.trips.c.trip_number == plan.trip_number).values(values))
        if plan.trip_step == "withdrawn":
            manifest_deleted(self.conn, plan.trip_number, self.now)
        if not self.conn.execute(
            select(func.count()).where(t.shipments.c.trip_number == plan.trip_number, t.shipments.c.lapse.is_not(None))
        ).scalar_one():
            settle_lapse(self.conn, plan.trip_number, self.now, by=self.actor.name)

    def facts(self) -> None:
        """What is done to each shipment, as its lifecycle knows it."""
        manifest = self.plan.on.manifest
        of_manifest = self.versions.get(manifest.id, 1) if manifest is not None else 1
        told = {one.held.row.key: acts_of(one, of_manifest, self.versions, self.now) for one in self.plan.shipments}
        known = load(self.conn, [key for key, acts in told.items() if acts])
        for key, acts in told.items():
            for did in acts:
                tell(known[key], did, self.moves, self.now)
        self.moves.trips.add(self.plan.trip_number)


def _count(conn: Connection, ctx: FilingContext, plan: Plan, now: datetime) -> None:
    """People's days are counted for the corrected shipments, and the rule book that decided is kept."""
    if plan.judgement is None:
        return
    rule_books.keep(conn, ctx.rules, now)
    judged = [
        Judged(one.held.row.key, one.content.shipment, one.content.decision)
        for one in plan.shipments
        if one.content is not None and one.held.row.key in plan.judgement.decisions
    ]
    if judged and plan.on.trip.arrived_at is None:
        count_days(conn, plan.judgement.trip, judged)
