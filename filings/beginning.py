"""How do the filings of a decided trip come into being?

One manifest filing for the trip, and an entry or a handoff for each shipment that needs one. They begin as
queued; the planner then makes their messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, update

from filings import events
from filings.lifecycle import Act, Did, EventType, FilingState, ShipmentFacts, ShipmentState, fold
from filings.moves import filing_event
from filings.store import tables as t
from filings.uuid7 import uuid7
from mappings.decision import PathwayDecision
from schemas.shipment import Shipment


def begin_filings(
    conn: Connection,
    trip_number: str,
    judged: Sequence[tuple[str, Shipment, PathwayDecision, Mapping[str, Any]]],
    now: datetime,
) -> None:
    """Bring the filings of a decided trip into being: its manifest, an entry or handoff per shipment that needs one.

    Each shipment comes with its decision, as a value and as the document that is kept of it.
    """
    manifest = uuid7()
    filings: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    drafts: list[events.EventDraft] = []
    begun: dict[str, tuple[ShipmentFacts, ShipmentState, dict[str, Any]]] = {}
    if any(decision.pathway != "review" for _, _, decision, _ in judged):
        filings.append(_filing(manifest, "manifest", trip_number, now))
        drafts.append(filing_event(EventType.FILING_QUEUED, manifest, "manifest", trip_number, None, trip_number, now))
    for key, shipment, decision, document in judged:
        entry = uuid7() if decision.pathway in ("type86", "informal", "formal") else None
        facts, state, shown = begun[decision.pathway] if decision.pathway in begun else _begun(decision, now)
        begun[decision.pathway] = facts, state, shown
        changed.append(
            {
                "of": key,
                "now_pathway": decision.pathway,
                "now_type": decision.entry_type,
                "now_decision": document,
                "now_state": state.value,
                "now_facts": shown,
                "now_manifest": facts.declaration_state("manifest"),
                "now_entry": facts.declaration_state("entry"),
                "of_manifest": None if decision.pathway == "review" else manifest,
                "of_entry": entry,
            }
        )
        if entry is None:
            continue
        kind = "handoff" if decision.pathway == "formal" else "entry"
        filings.append(
            _filing(entry, kind, trip_number, now)
            | {
                "shipment_key": key,
                "scn": shipment.scn,
                "entry_type": decision.entry_type,
                "pathway": decision.pathway,
            }
        )
        if kind == "entry":
            drafts.append(filing_event(EventType.FILING_QUEUED, entry, kind, trip_number, key, shipment.scn or "", now))
    if filings:
        conn.execute(insert(t.filings), [{**_NO_SUBJECT, **row} for row in filings])
    statement = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
    conn.execute(
        statement.values(
            pathway=bindparam("now_pathway"),
            entry_type=bindparam("now_type"),
            decision=bindparam("now_decision"),
            state=bindparam("now_state"),
            state_since=now,
            facts=bindparam("now_facts"),
            manifest_state=bindparam("now_manifest"),
            entry_state=bindparam("now_entry"),
            manifest_filing_id=bindparam("of_manifest"),
            entry_filing_id=bindparam("of_entry"),
            updated_at=now,
        ),
        changed,
    )
    events.record(conn, drafts)


_NO_SUBJECT: Final[Mapping[str, Any]] = {"shipment_key": None, "scn": None, "entry_type": None, "pathway": None}


def _begun(decision: PathwayDecision, now: datetime) -> tuple[ShipmentFacts, ShipmentState, dict[str, Any]]:
    """The facts of a shipment when its filings begin, with their JSON form: what it needs, and that it waits."""
    if decision.pathway == "review":
        done = fold(ShipmentFacts(), Did(Act.REVIEW_NEEDED, now))
        return done.facts, done.state, done.facts.as_dict()
    entered = decision.pathway in ("type86", "informal")
    facts = ShipmentFacts(needs=("manifest", "entry") if entered else ("manifest",))
    done = fold(facts, Did(Act.QUEUED, now, "manifest"))
    if entered:
        done = fold(done.facts, Did(Act.QUEUED, now, "entry"))
    return done.facts, done.state, done.facts.as_dict()


def _filing(identifier: str, kind: str, trip_number: str, now: datetime) -> dict[str, Any]:
    return {
        "id": identifier,
        "kind": kind,
        "trip_number": trip_number,
        "state": FilingState.QUEUED.value,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
