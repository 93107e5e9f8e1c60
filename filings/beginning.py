"""How do the filings of a decided trip come into being?

One manifest filing for the trip, and an entry or a handoff for each shipment that needs one. They begin as
queued; the planner then makes their messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert

from filings import events
from filings.lifecycle import Act, Did, EventType, FilingState, ShipmentFacts, fold
from filings.moves import filing_event
from filings.store import tables as t
from filings.store.alike import write_alike
from filings.uuid7 import uuid7
from mappings.decision import PathwayDecision
from schemas.shipment import Shipment


@dataclass(frozen=True, slots=True)
class Decided:
    """A shipment with its final decision, as a value and as the document that is kept of it; ``stands``: it is the
    one that is kept already.
    """

    key: str
    shipment: Shipment
    decision: PathwayDecision
    document: Mapping[str, Any]
    stands: bool


def begin_filings(conn: Connection, trip_number: str, decided: Sequence[Decided], now: datetime) -> None:
    """Bring the filings of a decided trip into being: its manifest, an entry or handoff per shipment that needs one."""
    manifest = uuid7()
    filings: list[dict[str, Any]] = []
    begun: dict[str, dict[str, Any]] = {}
    otherwise: dict[str, dict[str, Any]] = {}
    drafts: list[events.EventDraft] = []
    starts: dict[str, dict[str, Any]] = {}
    if any(one.decision.pathway != "review" for one in decided):
        filings.append(_filing(manifest, "manifest", trip_number, now))
        drafts.append(filing_event(EventType.FILING_QUEUED, manifest, "manifest", trip_number, None, trip_number, now))
    for one in decided:
        decision = one.decision
        entry = uuid7() if decision.pathway in ("type86", "informal", "formal") else None
        if decision.pathway not in starts:
            starts[decision.pathway] = _begun(decision, manifest, now)
        begun[one.key] = {**starts[decision.pathway], "entry_filing_id": entry}
        if not one.stands:
            otherwise[one.key] = {
                "pathway": decision.pathway,
                "entry_type": decision.entry_type,
                "decision": one.document,
            }
        if entry is None:
            continue
        kind = "handoff" if decision.pathway == "formal" else "entry"
        scn = one.shipment.scn
        filings.append(
            _filing(entry, kind, trip_number, now)
            | {
                "shipment_key": one.key,
                "scn": scn,
                "entry_type": decision.entry_type,
                "pathway": decision.pathway,
            }
        )
        if kind == "entry":
            drafts.append(filing_event(EventType.FILING_QUEUED, entry, kind, trip_number, one.key, scn or "", now))
    if filings:
        conn.execute(insert(t.filings), [{**_NO_SUBJECT, **row} for row in filings])
    write_alike(conn, t.shipments.c.key, otherwise)
    write_alike(conn, t.shipments.c.key, begun, state_since=now, updated_at=now)
    events.record(conn, drafts)


_NO_SUBJECT: Final[Mapping[str, Any]] = {"shipment_key": None, "scn": None, "entry_type": None, "pathway": None}


def _begun(decision: PathwayDecision, manifest: str, now: datetime) -> dict[str, Any]:
    """How the shipments of a pathway stand when their filings begin: what they need, and that it waits."""
    if decision.pathway == "review":
        done, manifest_filing = fold(ShipmentFacts(), Did(Act.REVIEW_NEEDED, now)), None
    else:
        entered = decision.pathway in ("type86", "informal")
        facts = ShipmentFacts(needs=("manifest", "entry") if entered else ("manifest",))
        done, manifest_filing = fold(facts, Did(Act.QUEUED, now, "manifest")), manifest
        if entered:
            done = fold(done.facts, Did(Act.QUEUED, now, "entry"))
    return {
        "state": done.state.value,
        "facts": done.facts.as_dict(),
        "manifest_state": done.facts.declaration_state("manifest"),
        "entry_state": done.facts.declaration_state("entry"),
        "manifest_filing_id": manifest_filing,
    }


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
