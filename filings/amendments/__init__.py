"""How is what has been filed changed by a person: amended by a patch, or cancelled?

``prepare`` and ``prepare_cancellation`` make a plan and change nothing; ``dry_run`` shows it with its exact messages;
``begin`` takes it on, if the store still stands as it did (``still_stands``). What must be sent is decided in
``steps``, what the state forbids in ``forbids``, what becomes of a version in :mod:`filings.versions`.
"""

from __future__ import annotations

from sqlalchemy import Connection

from filings.amendments.amend import prepare
from filings.amendments.asked import Asked, CancelAsked, read_amendment, read_cancellation
from filings.amendments.begun import Begun, begin
from filings.amendments.cancel import prepare_cancellation
from filings.amendments.held import held, rows_of
from filings.amendments.plan import Plan
from filings.amendments.shown import dry_run, taken_on
from filings.person_days import hold_people, ledger_of_others
from filings.progress import filings_of

__all__ = [
    "Asked",
    "Begun",
    "CancelAsked",
    "Plan",
    "begin",
    "dry_run",
    "prepare",
    "prepare_cancellation",
    "read_amendment",
    "read_cancellation",
    "still_stands",
    "taken_on",
]

_OF_TRIP = ("plan_stage", "state", "arrived_at", "held_as", "version", "estimated_arrival", "judge_again_at")
_OF_SHIPMENT = ("key", "state", "facts", "pathway", "lapse", "entry_filing_id", "updated_at")
_OF_FILING = ("id", "state", "version", "accepted_version")


def still_stands(conn: Connection, plan: Plan) -> bool:
    """Whether nothing that the plan stands on has moved since it was made; the trip is locked from here on."""
    now = held(conn, plan.trip_number, lock=True)
    if any(getattr(now.trip, name) != getattr(plan.on.trip, name) for name in _OF_TRIP):
        return False
    manifests = (now.manifest, plan.on.manifest)
    if _columns(manifests[0], _OF_FILING) != _columns(manifests[1], _OF_FILING):
        return False
    shipments = {one.held.row.key: one.held for one in plan.shipments}
    for row in rows_of(conn, plan.trip_number, shipments):
        if _columns(row, _OF_SHIPMENT) != _columns(shipments[row.key].row, _OF_SHIPMENT):
            return False
    entries = {one.entry.id: one.entry for one in shipments.values() if one.entry is not None}
    for row in filings_of(conn, entries):
        if _columns(row, _OF_FILING) != _columns(entries[row.id], _OF_FILING):
            return False
    judgement = plan.judgement
    if judgement is None:
        return True
    hold_people(conn, judgement.trip, judgement.shipments)
    return ledger_of_others(conn, judgement.trip, judgement.shipments) == judgement.ledger


def _columns(row: object, names: tuple[str, ...]) -> tuple[object, ...] | None:
    return None if row is None else tuple(getattr(row, name) for name in names)
