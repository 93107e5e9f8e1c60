"""Which filings does a plan change, withdraw or make, and which versions of them come into being?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from filings.alerts import settle_filing
from filings.amendments.acts import REMADE, action_of, becomes, unsaid
from filings.amendments.held import trip_part
from filings.amendments.plan import Plan, PlannedShipment
from filings.context import Actor
from filings.lifecycle import EventType, FilingInput, FilingState
from filings.moves import Moves, filing_event, move_filing
from filings.store import tables as t
from filings.uuid7 import uuid7
from filings.versions import Pending, Version, VersionState, declare, keep


class Changed:
    """The filings that one amendment changes, with their next versions and what waits for CBP's answer."""

    def __init__(self, conn: Connection, plan: Plan, actor: Actor, now: datetime) -> None:
        self.conn = conn
        self.plan = plan
        self.actor = actor
        self.now = now
        self.amendment = uuid7()
        self.moves = Moves()
        self.versions: dict[str, int] = {}
        """The version that a filing has now, by filing."""
        self.kept: list[Version] = []
        self.pending: list[Pending] = []
        self.new: dict[str, str] = {}
        """Filings made for shipments, by shipment."""
        self.document = plan.trip_document or plan.on.trip.document
        self.difference = [one.as_dict() for one in plan.difference]

    def _next(self, filing: Row[Any], content: Mapping[str, Any], action: str, state: VersionState = "pending") -> int:
        """The next version of a filing, with the one before it kept if it was the first."""
        version = int(filing.version) + 1
        self.versions[filing.id] = version
        code = content.get("reason_code") or (self.plan.reason_code if self.plan.needs_reason else None)
        self.kept.append(
            Version(
                filing.id,
                version,
                content,
                self.now,
                self.actor.name,
                self.plan.reason or None,
                code,
                self.amendment,
                action or None,
                state,
                self.difference,
                self.plan.patch,
            )
        )
        for kind in ("change_refused", "completion_refused"):
            settle_filing(self.conn, kind, filing.id, self.actor.name, self.now)
        return version

    def manifest(self) -> None:
        """The manifest filing at its next version, if anything is said about it; or the first one of the trip."""
        plan, row = self.plan, self.plan.on.manifest
        withdrawn = plan.trip_step == "withdrawn"
        if row is None or not (plan.says_manifest or withdrawn):
            return
        self.kept.append(_first_of_manifest(self.conn, row, plan.on.trip.document))
        if withdrawn:
            self._next(row, {"withdrawn": True}, "", "withdrawn")
            move_filing(row, FilingInput.WITHDRAWN, self.moves, self.now)
            return
        bills = [
            {"shipment_control_number": one.held.row.scn, "change": one.step.bill}
            for one in plan.shipments
            if one.step.bill
        ]
        content: dict[str, Any] = {"bills": bills, "completes": plan.completes}
        if plan.trip_step:
            content["trip"] = None if plan.trip_step == "delete" else dict(self.document)
        action = _ACTIONS.get(plan.trip_step) or ("Z" if _completes_alone(plan) else "Y")
        version = self._next(row, content, action)
        move_filing(row, FilingInput.QUEUED, self.moves, self.now)
        if plan.trip_step:
            after = None if plan.trip_step == "delete" else {"trip": dict(self.document)}
            before = {"trip": dict(plan.on.trip.document)}
            self.pending.append(Pending(row.id, row.id, version, after, before, row.version))

    def filings_of(self, one: PlannedShipment) -> None:
        """The filings of one shipment: changed, cancelled, withdrawn, made again or new."""
        entry, step = one.held.entry, one.step
        if step.bill and self.plan.on.manifest is not None:
            manifest = self.plan.on.manifest
            after = self._content(one) if step.bill in ("add", "replace", "link") else None
            if step.bill == "delink":
                after = self._before(one)
            before = self._before(one) if one.held.old.bill is not None else None
            version = self.versions[manifest.id]
            self.pending.append(Pending(manifest.id, one.held.row.key, version, after, before, manifest.version))
        if entry is not None:
            self._old_filing(one, entry)
        if step.entry.files:
            self._new_filing(one)

    def _old_filing(self, one: PlannedShipment, entry: Row[Any]) -> None:
        following = becomes(one)
        if following == "withdrawn":
            self.kept.append(_first_of_entry(one, entry))
            content = {"withdrawn": True}
            self._next(entry, content, "", "withdrawn")
            move_filing(entry, FilingInput.WITHDRAWN, self.moves, self.now)
        elif following == "cancelled":
            self.kept.append(_first_of_entry(one, entry))
            said = {"action": "D", "reason_code": one.cancels_reason, "replaced_by": self._replaced_by(one)}
            version = self._next(entry, said, "D")
            self.pending.append(Pending(entry.id, one.held.row.key, version, None, self._before(one), entry.version))
            move_filing(entry, FilingInput.QUEUED, self.moves, self.now)
        elif following == "sent":
            self.kept.append(_first_of_entry(one, entry))
            version = self._next(entry, {**self._content(one), "action": action_of(one)}, action_of(one))
            before = self._before(one) if one.held.old.entry is not None else None
            self.pending.append(Pending(entry.id, one.held.row.key, version, self._content(one), before, entry.version))
            move_filing(entry, FilingInput.QUEUED, self.moves, self.now)
        elif following == "remade":
            self.kept.append(_first_of_entry(one, entry))
            self._next(entry, self._content(one), REMADE, "accepted")

    def _replaced_by(self, one: PlannedShipment) -> str | None:
        return one.new_number or one.cancels_reference or None

    def _new_filing(self, one: PlannedShipment) -> None:
        row, decision = one.held.row, one.decision
        if decision is None:
            raise LookupError(f"a filing for {row.shipment_id} without a decision")
        identifier = self.new[row.key] = uuid7()
        self.conn.execute(
            insert(t.filings).values(
                id=identifier,
                kind=one.step.entry.files,
                trip_number=row.trip_number,
                shipment_key=row.key,
                scn=row.scn,
                entry_number=one.new_number or None,
                entry_type=decision.entry_type,
                pathway=decision.pathway,
                state=FilingState.QUEUED.value,
                version=1,
                created_at=self.now,
                updated_at=self.now,
            )
        )
        if one.step.entry.files == "entry":
            told = (identifier, "entry", row.trip_number, row.key, row.scn or "", self.now)
            self.moves.events.append(filing_event(EventType.FILING_QUEUED, *told))

    def not_sent(self) -> None:
        """A patch that says nothing else to CBP makes a version of the filing addressed all the same."""
        filing = unsaid(self.plan)
        if filing is None:
            return
        own = next((one for one in self.plan.shipments if one.held.row.key == self.plan.shipment_key), None)
        content = self._content(own) if own is not None and own.document is not None else {"trip": dict(self.document)}
        if filing.kind == "manifest":
            self.kept.append(_first_of_manifest(self.conn, filing, self.plan.on.trip.document))
        elif own is not None:
            self.kept.append(_first_of_entry(own, filing))
        self._next(filing, content, "", "not_sent")

    def _content(self, one: PlannedShipment) -> dict[str, Any]:
        decision = one.decision
        return {
            "shipment": dict(one.document or {}),
            "decision": decision.as_dict() if decision is not None else one.held.row.decision,
            "trip": trip_part(self.document),
        }

    def _before(self, one: PlannedShipment) -> dict[str, Any]:
        """What CBP has on file; kept once, when the first change is taken on."""
        row = one.held.row
        return {"shipment": row.document, "decision": row.decision, "trip": trip_part(self.plan.on.trip.document)}

    def keep(self) -> None:
        """Write versions and what waits, and the numbers of the versions."""
        keep(self.conn, self.kept)
        declare(self.conn, self.pending)
        statement = update(t.filings).where(t.filings.c.id == bindparam("of"))
        rows = [{"of": filing, "number": version} for filing, version in self.versions.items()]
        if rows:
            self.conn.execute(statement.values(version=bindparam("number"), updated_at=self.now), rows)


_ACTIONS: Final = {"delete": "3", "anew": "W"}
"""``filing_versions.action`` of a manifest that is deleted or filed anew; other messages are amendments."""


def _completes_alone(plan: Plan) -> bool:
    return plan.completes and not plan.trip_step and not any(one.step.bill for one in plan.shipments)


def _first_of_manifest(conn: Connection, row: Row[Any], trip: Mapping[str, Any]) -> Version:
    """The first version of a manifest filing, which is kept once there is a second one."""
    first = select(t.shipments.c.scn).where(t.shipments.c.manifest_filing_id == row.id)
    scns = list(conn.execute(first.order_by(t.shipments.c.position)).scalars())
    state: VersionState = "accepted" if row.accepted_version is not None else "partly_accepted"
    return Version(row.id, 1, {"bills": scns, "trip": dict(trip)}, row.created_at, "gateway", state=state)


def _first_of_entry(one: PlannedShipment, row: Row[Any]) -> Version:
    """The first version of an entry or handoff, which is kept once there is a second one."""
    content = {"shipment": one.held.row.document, "decision": one.held.row.decision}
    refused = row.state == FilingState.REJECTED.value and row.accepted_version is None
    state: VersionState = "refused" if refused else "accepted"
    return Version(row.id, 1, content, row.created_at, "gateway", state=state)
